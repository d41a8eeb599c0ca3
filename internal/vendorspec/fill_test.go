package vendorspec

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/modelslab/modelslab-agents-go"
)

// call is one call of a row's method.
type call struct {
	name string
	file string // the description that it is for, where several describe the endpoint
	do   func(context.Context, *modelslab.Client) error
}

// entry makes the calls of a row, of which there are operations.
type entry func([]*operation) []call

// plain is a row whose calls have no params to fill.
func plain(do ...func(context.Context, *modelslab.Client) error) entry {
	return func([]*operation) []call {
		calls := make([]call, len(do))
		for i := range do {
			calls[i] = call{name: strconv.Itoa(i + 1), do: do[i]}
		}
		return calls
	}
}

type variant string

// What is filled in: what is required, or all, with the least or the most that
// the description allows.
const (
	least   variant = "least"
	lowest  variant = "lowest"
	highest variant = "highest"
)

// with is a row whose method takes params. For each description of the row there
// is a call of each variant. edit has the last word, and may refuse a variant.
func with[S, P, R any](service func(*modelslab.GenerationService) *S, method func(*S, context.Context, P, ...modelslab.RequestOption) (R, error), edit ...func(*P, variant, string)) entry {
	return func(operations []*operation) []call {
		var calls []call
		for _, o := range operations {
			for _, v := range []variant{least, lowest, highest} {
				calls = append(calls, call{name: string(v), file: o.document.file, do: func(ctx context.Context, c *modelslab.Client) error {
					var p P
					if err := fill(reflect.ValueOf(&p).Elem(), v, o, operations); err != nil {
						return err
					}
					for _, e := range edit {
						e(&p, v, o.document.file)
					}
					_, err := method(service(c.Generation), ctx, p)
					return err
				}})
			}
		}
		return calls
	}
}

// fill sets the fields of params: those that o has, and those that no
// description of the row has, for which there would be nothing else to say so.
func fill(p reflect.Value, v variant, o *operation, operations []*operation) error {
	known := func(o *operation) map[string]*openapi3.Schema {
		if schema := bodySchema(o); schema != nil {
			return properties(schema)
		}
		return nil
	}
	for i := range p.NumField() {
		f := p.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || name == "-" {
			continue
		}
		if required := slices.Contains(strings.Split(f.Tag.Get("rule"), ","), "required"); v == least && !required {
			continue
		}
		schema, here := known(o)[name]
		if !here && slices.ContainsFunc(operations, func(other *operation) bool { _, ok := known(other)[name]; return ok }) {
			continue
		}
		if schema == nil {
			schema = &openapi3.Schema{}
		}
		// Where null or a digit string is as good, the first kind is meant.
		for schema.Type == nil && len(schema.OneOf)+len(schema.AnyOf) > 0 {
			schema = parts(schema)[0]
		}
		if err := set(p.Field(i), f, name, schema, v); err != nil {
			return fmt.Errorf("%s.%s: %w", p.Type().Name(), f.Name, err)
		}
	}
	return nil
}

func set(at reflect.Value, f reflect.StructField, name string, schema *openapi3.Schema, v variant) error {
	switch at.Interface().(type) {
	case modelslab.Input:
		at.Set(reflect.ValueOf(file(f, v)))
		return nil
	case []modelslab.Input:
		for range count(schema, v) {
			at.Set(reflect.Append(at, reflect.ValueOf(file(f, v))))
		}
		return nil
	case []string:
		item := openapi3.Schema{}
		if schema.Items != nil {
			item = *schema.Items.Value
		}
		for range count(schema, v) {
			at.Set(reflect.Append(at, reflect.ValueOf(text(name, &item, v))))
		}
		return nil
	}
	switch at.Kind() {
	case reflect.Pointer:
		at.Set(reflect.New(at.Type().Elem()))
		return set(at.Elem(), f, name, schema, v)
	case reflect.Bool:
		at.SetBool(v != lowest)
	case reflect.String:
		at.SetString(text(name, schema, v))
	case reflect.Int, reflect.Int64:
		at.SetInt(int64(number(name, schema, v)))
	case reflect.Float64:
		at.SetFloat(number(name, schema, v))
	}
	return nil // of another kind: for edit
}

// picture is the smallest that there is.
var picture = []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;")

// file is one with an address, or one that travels along where that is possible.
func file(f reflect.StructField, v variant) modelslab.Input {
	media := f.Tag.Get("media")
	if media == "datauri" || v == highest && media != "url" && media != "" {
		return modelslab.InputBytes(picture)
	}
	return modelslab.InputURL("https://example.com/in")
}

func count(schema *openapi3.Schema, v variant) int {
	switch {
	case v != highest:
		return max(1, int(schema.MinItems))
	case schema.MaxItems != nil:
		return int(*schema.MaxItems)
	}
	return 2
}

// samples are for what the descriptions say nothing of.
var samples = map[string]string{
	"webhook":                   "https://example.com/hook",
	"max_train_steps":           "18",
	"seed":                      "5",
	"lora_model":                "mine,theirs",
	"lora_strength":             "0.45,0.55",
	"controlnet_model":          "canny,depth",
	"controlnet_type":           "canny,depth",
	"lead_voice_volume_delta":   "-5",
	"backup_voice_volume_delta": "+5",
	"instrument_volume_delta":   "0",
	"model_id":                  "wan2.2",
	"request_id":                "12",
	"duration":                  "30",
}

func text(name string, schema *openapi3.Schema, v variant) string {
	var words []string
	for _, word := range schema.Enum {
		if s, ok := word.(string); ok {
			words = append(words, s)
		}
	}
	switch sample, ok := samples[name]; {
	case len(words) > 0 && v == highest:
		return words[len(words)-1]
	case len(words) > 0:
		return words[0]
	case ok:
		return sample
	case schema.Format == "uri":
		return "https://example.com/in"
	}
	return "cat"
}

func number(name string, schema *openapi3.Schema, v variant) float64 {
	var candidates []any
	if n := len(schema.Enum); n > 0 {
		candidates = append(candidates, schema.Enum[0])
		if v == highest {
			candidates[0] = schema.Enum[n-1]
		}
	}
	if v == highest && schema.Max != nil {
		candidates = append(candidates, *schema.Max)
	}
	if v != highest && schema.Min != nil {
		candidates = append(candidates, *schema.Min)
	}
	if s, ok := samples[name]; ok {
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			candidates = append(candidates, n)
		}
	}
	candidates = append(candidates, schema.Default)
	if schema.Max != nil {
		candidates = append(candidates, *schema.Max)
	}
	for _, c := range candidates {
		if n, ok := c.(float64); ok {
			return n
		}
	}
	return 1
}
