package modelslab

import (
	"bytes"
	"encoding/json"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// A model says itself what its endpoints take, as JSON Schema: what a call sends
// can be held against it before anything is paid.

// WithSchema holds what the call would send against a JSON Schema, such as a
// model's own ([Model.Schema]), before anything is sent. What does not fit is a
// [ParamError] that names the field; so is a schema that is none, and one of more
// than 1 MiB. Older spellings are understood, and a schema that refers to itself is
// followed once. nil, which a model without a schema has, checks nothing. The API key
// is not part of what is checked, and a file in the params is a text.
func WithSchema(schema json.RawMessage) RequestOption {
	return requestOptionFunc(func(o *callOptions) error {
		if trimmed := bytes.TrimSpace(schema); len(trimmed) == 0 || string(trimmed) == "null" {
			return nil
		}
		resolved, reason := readSchema(schema)
		if reason != "" {
			return &ParamError{Param: "WithSchema", Reason: reason}
		}
		o.schema = resolved
		return nil
	})
}

// Schema is the JSON Schema of what the endpoint at a path takes for this model:
// that of the configuration with the path's name ("/api/v6/images/text2img" or
// "text2img"), or of the only one if that has no name. nil: the model has none.
func (m *Model) Schema(endpoint string) json.RawMessage {
	plain := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", "to", "2", "image", "img").Replace(strings.ToLower(path.Base(s)))
	}
	// The name itself goes before one that is only spelled alike.
	for _, same := range [...]func(name string) bool{
		func(name string) bool { return name == endpoint },
		func(name string) bool { return name == path.Base(endpoint) },
		func(name string) bool { return plain(name) == plain(endpoint) },
	} {
		for _, c := range m.EndpointConfigurations {
			if same(c.Name) {
				return c.Parameters
			}
		}
	}
	if len(m.EndpointConfigurations) == 1 && m.EndpointConfigurations[0].Name == "" {
		return m.EndpointConfigurations[0].Parameters
	}
	return nil
}

// Bounds of a foreign schema.
const (
	maxSchemaBytes = 1 << 20
	maxSchemaDepth = 64
	maxSchemaNodes = 20_000 // with what it refers to in place
)

// readSchema reads a foreign schema. reason is why it cannot be used.
func readSchema(text []byte) (resolved *jsonschema.Resolved, reason string) {
	const none = "is no JSON Schema"
	if len(text) > maxSchemaBytes {
		return nil, "is larger than " + megabytes(maxSchemaBytes)
	}
	var root any
	if err := json.Unmarshal(text, &root); err != nil {
		return nil, none + ": " + clean(err.Error(), maxMessageText)
	}
	if list, ok := root.([]any); ok && len(list) == 0 {
		root = map[string]any{} // as PHP writes it
	}
	if root == true {
		root = map[string]any{}
	}
	object, ok := root.(map[string]any)
	if !ok || len(object) > 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(object)), isSchemaWord) {
		return nil, none + ": it has none of its words, such as properties"
	}
	p := plainer{root: object}
	plain := p.schema(object, 0)
	if p.reason != "" {
		return nil, p.reason
	}
	if top, ok := plain.(map[string]any); ok {
		withoutKey(top)
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return nil, none + ": " + clean(err.Error(), maxMessageText)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, none + ": one of its words has a value that is not allowed there"
	}
	if resolved, err = s.Resolve(nil); err != nil {
		return nil, none + ": " + clean(err.Error(), maxMessageText)
	}
	return resolved, ""
}

// schemaWords are those whose values are schemas, lists of them, or schemas by
// name.
var (
	schemaOne  = []string{"items", "not", "if", "then", "else", "contains", "additionalProperties", "propertyNames", "additionalItems"}
	schemaList = []string{"allOf", "anyOf", "oneOf"}
	schemaMap  = []string{"properties", "patternProperties", "dependentSchemas"}
)

func isSchemaWord(s string) bool {
	return s == "type" || s == "required" || s == "$ref" || s == "enum" || s == "const" || s == "$defs" || s == "definitions" || s == "$schema" ||
		slices.Contains(schemaOne, s) || slices.Contains(schemaList, s) || slices.Contains(schemaMap, s)
}

// plainer makes of a foreign schema one of today's: what it refers to stands in
// the place of the reference, and the spellings of draft 4 and of PHP are
// replaced.
type plainer struct {
	root   map[string]any
	within []string // references that are being followed
	nodes  int
	reason string
}

func (p *plainer) fail(reason string) any {
	p.reason = firstOf(p.reason, reason)
	return map[string]any{}
}

func (p *plainer) schema(v any, depth int) any {
	if p.nodes++; depth > maxSchemaDepth || p.nodes > maxSchemaNodes {
		return p.fail("is too deep or too large a schema")
	}
	switch v := v.(type) {
	case bool:
		return v
	case []any:
		if len(v) == 0 {
			return map[string]any{}
		}
	case map[string]any:
		return p.object(v, depth)
	}
	return p.fail("is no JSON Schema: there is something else in the place of a schema")
}

func (p *plainer) object(v map[string]any, depth int) any {
	out := map[string]any{}
	for name, value := range v {
		switch {
		case value == nil && name != "const" && name != "default":
		case name == "$schema", name == "$id", name == "id", name == "$defs", name == "definitions", name == "default", name == "examples",
			name == "$comment", name == "title", name == "description":
		case strings.HasPrefix(name, "$") && name != "$ref", name == "required", name == "dependencies", name == "nullable":
		case slices.Contains(schemaOne, name):
			if list, ok := value.([]any); ok && name == "items" && len(list) > 0 {
				continue // a schema for each place: of no use here
			}
			out[name] = p.schema(value, depth+1)
		case slices.Contains(schemaList, name):
			if list, ok := value.([]any); ok && len(list) > 0 {
				all := make([]any, len(list))
				for i, s := range list {
					all[i] = p.schema(s, depth+1)
				}
				out[name] = all
			}
		case slices.Contains(schemaMap, name):
			if fields, ok := value.(map[string]any); ok {
				out[name] = p.fields(fields, out, depth)
			}
		default:
			out[name] = value
		}
	}
	if ref, ok := v["$ref"].(string); ok {
		delete(out, "$ref")
		target := p.follow(ref, depth)
		if len(out) == 0 {
			return target
		}
		all, _ := out["allOf"].([]any)
		out["allOf"] = append(all, target)
	}
	p.words(v, out)
	return out
}

// fields are the schemas of properties. A property that says of itself that it is
// required says it in draft 3's way.
func (p *plainer) fields(fields map[string]any, out map[string]any, depth int) map[string]any {
	all := map[string]any{}
	for name, s := range fields {
		if s == nil {
			continue
		}
		if m, ok := s.(map[string]any); ok && m["required"] == true {
			required, _ := out["required"].([]any)
			out["required"] = append(required, name)
		}
		all[name] = p.schema(s, depth+1)
	}
	return all
}

// words replaces what is spelled in older ways.
func (p *plainer) words(v, out map[string]any) {
	var own []any
	switch names := v["required"].(type) {
	case []any:
		own = names
	case string:
		if names != "true" && names != "yes" && names != "false" && names != "no" {
			own = []any{names}
		}
	case map[string]any: // PHP's list with gaps
		own = slices.Collect(maps.Values(names))
	}
	required, _ := out["required"].([]any)
	names := map[string]bool{}
	for _, name := range slices.Concat(own, required) {
		if s, ok := name.(string); ok {
			names[s] = true
		}
	}
	delete(out, "required")
	if len(names) > 0 {
		out["required"] = slices.Sorted(maps.Keys(names))
	}
	for _, name := range [...]string{"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"} {
		if s, ok := out[name].(string); ok {
			n, err := strconv.ParseFloat(s, 64)
			if out[name] = n; err != nil {
				delete(out, name)
			}
		}
	}
	for exclusive, bound := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		if set, ok := out[exclusive].(bool); ok {
			delete(out, exclusive)
			if b, has := out[bound]; has && set {
				out[exclusive] = b
				delete(out, bound)
			}
		}
	}
	if s, ok := out["pattern"].(string); ok {
		if _, err := regexp.Compile(s); err != nil {
			delete(out, "pattern") // Go has no such patterns
		}
	}
	delete(out, "format") // a word for people
	if list, ok := out["enum"].([]any); ok && len(list) == 0 {
		delete(out, "enum")
	}
	p.kinds(v, out)
}

// kinds keeps the types that JSON has, and adds null where OpenAPI allows it by a
// word of its own.
func (p *plainer) kinds(v, out map[string]any) {
	list, ok := out["type"].([]any)
	if one, single := out["type"].(string); single {
		list, ok = []any{one}, true
	}
	if !ok {
		delete(out, "type")
		return
	}
	var known []string
	for _, name := range list {
		s, _ := name.(string)
		s = strings.ToLower(s)
		if !slices.Contains([]string{"null", "boolean", "object", "array", "number", "integer", "string"}, s) {
			delete(out, "type") // a type of forms
			return
		}
		known = append(known, s)
	}
	if v["nullable"] == true && !slices.Contains(known, "null") {
		known = append(known, "null")
	}
	if out["type"] = known; len(known) == 1 {
		out["type"] = known[0]
	}
}

// follow is the schema that a reference leads to, within the same document.
func (p *plainer) follow(ref string, depth int) any {
	if slices.Contains(p.within, ref) {
		return true // a schema of itself: what is deeper is not looked at
	}
	steps, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return p.fail("refers to another document, " + clean(ref, maxCodeText))
	}
	var at any = p.root
	for step := range strings.SplitSeq(strings.Trim(steps, "/"), "/") {
		if step == "" {
			continue
		}
		m, _ := at.(map[string]any)
		if at, ok = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]; !ok {
			return p.fail("refers to what is not there, " + clean(ref, maxCodeText))
		}
	}
	p.within = append(p.within, ref)
	defer func() { p.within = p.within[:len(p.within)-1] }()
	return p.schema(at, depth+1)
}

// withoutKey takes the API key out of a schema: it is the client's to add.
func withoutKey(s map[string]any) {
	if fields, ok := s["properties"].(map[string]any); ok {
		delete(fields, "key")
	}
	if names, ok := s["required"].([]string); ok {
		s["required"] = slices.DeleteFunc(names, func(name string) bool { return name == "key" })
	}
	for _, word := range schemaList {
		all, _ := s[word].([]any)
		for _, v := range all {
			if m, ok := v.(map[string]any); ok {
				withoutKey(m)
			}
		}
	}
}

// fits holds an encoded body against the call's schema.
func (t *trip) fits(body []byte) error {
	if t.opts.schema == nil {
		return nil
	}
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		return err
	}
	delete(fields, "key") // the client's
	err := t.opts.schema.Validate(fields)
	if err == nil {
		return nil
	}
	schema := t.opts.schema.Schema()
	for _, name := range schema.Required {
		if _, given := fields[name]; !given {
			return &ParamError{Param: "params." + name, Reason: "is missing, and the model requires it"}
		}
	}
	closed := schema.AdditionalProperties != nil && schema.AdditionalProperties.Not != nil
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		s, listed := schema.Properties[name]
		if !listed && closed && len(schema.PatternProperties) == 0 {
			return &ParamError{Param: "params." + name, Reason: "is no field that the model takes"}
		}
		if reason := misfit(s, fields[name]); reason != "" {
			shown, _ := json.Marshal(fields[name])
			return &ParamError{Param: "params." + name, Value: string(shown), Reason: "does not fit the model's schema: " + reason}
		}
	}
	return &ParamError{Param: "params", Reason: "does not fit the model's schema: " + clean(err.Error(), maxMessageText)}
}

// misfit is why a value does not fit a schema by itself; "": it does, or the
// schema speaks of others.
func misfit(s *jsonschema.Schema, value any) string {
	if s == nil {
		return ""
	}
	resolved, err := s.CloneSchemas().Resolve(nil)
	if err != nil {
		return ""
	}
	if err := resolved.Validate(value); err != nil {
		return clean(strings.TrimPrefix(err.Error(), "validating root: "), maxMessageText)
	}
	return ""
}
