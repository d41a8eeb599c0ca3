package vendorspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// Reduce keeps of an OpenAPI file what says which requests are right: paths,
// parameters, bodies, and who may call. What it means in words, and the
// answers, are dropped; so are the schemas that only answers use, and the name
// of the host. What Reduce made, it leaves as it is.
func Reduce(name string, file []byte) ([]byte, error) {
	from, err := decode(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r := reducer{schemas: member(member(from, "components"), "schemas"), wanted: object{}}
	to := object{
		"openapi": from["openapi"],
		"info":    object{"title": name, "version": member(from, "info")["version"]},
		"paths":   r.paths(member(from, "paths")),
	}
	if servers := r.servers(from["servers"]); servers != nil {
		to["servers"] = servers
	}
	components := object{}
	if len(r.wanted) > 0 {
		components["schemas"] = r.wanted
	}
	if schemes := member(member(from, "components"), "securitySchemes"); len(schemes) > 0 {
		kept := object{}
		for name, scheme := range schemes {
			kept[name] = keep(scheme.(object), "type", "scheme", "in", "name")
		}
		components["securitySchemes"] = kept
	}
	if len(components) > 0 {
		to["components"] = components
	}
	if r.err != nil {
		return nil, fmt.Errorf("%s: %w", name, r.err)
	}
	return encode(to)
}

func decode(file []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(file))
	d.UseNumber() // 1.0 stays 1.0
	var v object
	return v, d.Decode(&v)
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(v)
	return b.Bytes(), err
}

func member(o object, name string) object {
	m, _ := o[name].(object)
	return m
}

func keep(o object, names ...string) object {
	kept := object{}
	for _, name := range names {
		if v, ok := o[name]; ok {
			kept[name] = v
		}
	}
	return kept
}

type reducer struct {
	schemas object // all of the file
	wanted  object // those that requests use, reduced
	err     error  // the first
}

func (r *reducer) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// servers keeps the paths of the servers.
func (r *reducer) servers(v any) []any {
	list, _ := v.([]any)
	var kept []any
	for _, server := range list {
		s, _ := server.(object)["url"].(string)
		u, err := url.Parse(s)
		if err != nil {
			r.fail("server: %w", err)
			continue
		}
		kept = append(kept, object{"url": u.Path})
	}
	return kept
}

var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

func (r *reducer) paths(from object) object {
	to := object{}
	for path, v := range from {
		item := object{}
		for name, v := range v.(object) {
			switch {
			case slices.Contains(methods, name):
				item[name] = r.operation(v.(object))
			case name == "parameters":
				item[name] = r.parameters(v)
			case name == "servers":
				item[name] = r.servers(v)
			case name == "summary", name == "description":
			default:
				r.fail("%s: %s is not known to the reducer", path, name)
			}
		}
		to[path] = item
	}
	return to
}

func (r *reducer) operation(from object) object {
	to := keep(from, "security")
	if servers := r.servers(from["servers"]); servers != nil {
		to["servers"] = servers
	}
	if parameters := r.parameters(from["parameters"]); parameters != nil {
		to["parameters"] = parameters
	}
	if body, ok := from["requestBody"].(object); ok {
		if body["content"] == nil {
			r.fail("a body without content")
		}
		content := object{}
		for kind, v := range member(body, "content") {
			content[kind] = object{"schema": r.schema(member(v.(object), "schema"))}
		}
		kept := keep(body, "required")
		kept["content"] = content
		to["requestBody"] = kept
	}
	return to
}

func (r *reducer) parameters(v any) []any {
	list, _ := v.([]any)
	var kept []any
	for _, p := range list {
		from := p.(object)
		if from["$ref"] != nil {
			r.fail("a parameter by reference")
		}
		to := keep(from, "name", "in", "required", "style", "explode")
		to["schema"] = r.schema(member(from, "schema"))
		kept = append(kept, to)
	}
	return kept
}

const schemaPrefix = "#/components/schemas/"

func (r *reducer) schema(from object) object {
	if ref, ok := from["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, schemaPrefix)
		schema, known := r.schemas[name].(object)
		if !known || name == ref {
			r.fail("no schema at %s", ref)
			return object{}
		}
		if _, done := r.wanted[name]; !done {
			r.wanted[name] = object{} // it may name itself
			r.wanted[name] = r.schema(schema)
		}
		return object{"$ref": ref}
	}
	to := keep(from, "type", "format", "enum", "const", "default", "nullable", "required", "pattern", "uniqueItems",
		"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
		"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "discriminator")
	if s, ok := to["default"].(string); ok && !word.MatchString(s) {
		delete(to, "default") // a text, not a value
	}
	for _, name := range []string{"oneOf", "anyOf", "allOf"} {
		if list, ok := from[name].([]any); ok {
			kept := make([]any, len(list))
			for i, v := range list {
				kept[i] = r.schema(v.(object))
			}
			to[name] = kept
		}
	}
	for _, name := range []string{"items", "additionalProperties", "not"} {
		switch v := from[name].(type) {
		case object:
			to[name] = r.schema(v)
		case bool:
			to[name] = v
		}
	}
	if properties, ok := from["properties"].(object); ok {
		kept := object{}
		for name, v := range properties {
			kept[name] = r.schema(v.(object))
		}
		to["properties"] = kept
	}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[name]; !ok && !slices.Contains(prose, name) && !(name == "default") {
			r.fail("%s is not known to the reducer", name)
		}
	}
	return to
}

// prose are the members of a schema that say nothing about requests.
var prose = []string{"title", "description", "example", "examples", "deprecated", "readOnly", "writeOnly", "externalDocs", "xml"}

var word = regexp.MustCompile(`^[\w.+-]*$`)
