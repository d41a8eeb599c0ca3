package modelslab

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// A model says itself what its endpoints take, as JSON Schema: what a call sends
// can be held against it before anything is paid.

// WithSchema holds what the call would send against a JSON Schema, such as a
// model's own ([Model.Schema]), before anything is sent. What does not fit is a
// [ParamError] that names the field; so is a schema that is none. The API key is
// not part of what is checked, and a file in the params is a text.
func WithSchema(schema json.RawMessage) RequestOption {
	return requestOptionFunc(func(o *callOptions) error {
		var s jsonschema.Schema
		if err := json.Unmarshal(schema, &s); err != nil {
			return &ParamError{Param: "WithSchema", Reason: "is no JSON Schema: " + clean(err.Error(), maxMessageText)}
		}
		resolved, err := s.Resolve(nil)
		if err != nil {
			return &ParamError{Param: "WithSchema", Reason: "is no JSON Schema: " + clean(err.Error(), maxMessageText)}
		}
		o.schema = resolved
		return nil
	})
}

// Schema is the JSON Schema of what the endpoint at a path takes for this model:
// that of the configuration with the path's name ("/api/v6/images/text2img" or
// "text2img"), or of the only one there is. nil: the model has none.
func (m *Model) Schema(endpoint string) json.RawMessage {
	plain := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", "to", "2").Replace(strings.ToLower(path.Base(s)))
	}
	for _, c := range m.EndpointConfigurations {
		if plain(c.Name) == plain(endpoint) {
			return c.Parameters
		}
	}
	if len(m.EndpointConfigurations) == 1 {
		return m.EndpointConfigurations[0].Parameters
	}
	return nil
}

// fits holds an encoded body against the call's schema.
func (t *trip) fits(body []byte) error {
	resolved := t.opts.schema
	if resolved == nil {
		return nil
	}
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		return err
	}
	schema := resolved.Schema()
	delete(fields, "key") // the client's
	if _, listed := schema.Properties["key"]; listed {
		fields["key"] = redacted
	}
	err := resolved.Validate(fields)
	if err == nil {
		return nil
	}
	for _, name := range schema.Required {
		if _, given := fields[name]; !given {
			return &ParamError{Param: "params." + name, Reason: "is missing, and the model requires it"}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if s := schema.Properties[name]; s != nil {
			if reason := misfit(s, fields[name]); reason != "" {
				shown, _ := json.Marshal(fields[name])
				return &ParamError{Param: "params." + name, Value: string(shown), Reason: "does not fit the model's schema: " + reason}
			}
		}
	}
	return &ParamError{Param: "params", Reason: "does not fit the model's schema: " + clean(err.Error(), maxMessageText)}
}

// misfit is why a value does not fit a schema by itself; "": it does, or the
// schema speaks of others.
func misfit(s *jsonschema.Schema, value any) string {
	resolved, err := s.CloneSchemas().Resolve(nil)
	if err != nil {
		return ""
	}
	if err := resolved.Validate(value); err != nil {
		return clean(strings.TrimPrefix(err.Error(), "validating root: "), maxMessageText)
	}
	return ""
}
