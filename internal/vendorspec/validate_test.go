package vendorspec

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// sent is a request as it left the client.
type sent struct {
	row    string // of the endpoint table
	call   string // what was called, for people
	method string
	url    *url.URL
	header http.Header
	body   []byte
	file   string // the description that it belongs to, where several describe the endpoint

	found []*operation // that describe it
}

func (s *sent) String() string { return s.row + ", " + s.call }

func (s *sent) request() *http.Request {
	return &http.Request{
		Method: s.method, URL: s.url, Header: s.header.Clone(), Host: s.url.Host,
		ContentLength: int64(len(s.body)), Body: io.NopCloser(bytes.NewReader(s.body)),
	}
}

// json is the body's value; nil if it is no JSON.
func (s *sent) json() any {
	var body any
	_ = json.Unmarshal(s.body, &body)
	return body
}

// operations are those that describe the request.
func (s *sent) operations(docs []*document) []*operation {
	return slices.DeleteFunc(find(docs, s.request()), func(o *operation) bool { return s.file != "" && s.file != o.document.file })
}

// addresses are what the format "uri" stands for in these files: an address
// that a server can be sent to.
var addresses = openapi3.NewCallbackValidator(func(s string) error {
	if u, err := url.Parse(s); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return errors.New("no address")
	}
	return nil
})

// complaints are what a description has against a request: what the validator
// says, and each field that the description does not have.
func complaints(o *operation, s *sent) []string {
	r := s.request()
	variables, _ := template(o.base+o.path, r.URL.Path)
	var all []string
	err := openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: variables, Route: &o.route,
		Options: &openapi3filter.Options{
			MultiError: true, RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true, AuthenticationFunc: authenticate,
			SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.WithStringFormatValidator("uri", addresses)},
		},
	})
	if err != nil {
		all = append(all, err.Error())
	}
	return append(all, undeclared(o, s)...)
}

// authenticate looks for a credential in the place that a scheme names. Whether
// it is the right one is another matter.
func authenticate(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	header := in.RequestValidationInput.Request.Header
	switch scheme := in.SecurityScheme; {
	case scheme.Type == "http" && scheme.Scheme == "bearer" && strings.HasPrefix(header.Get("Authorization"), "Bearer "):
	case scheme.Type == "apiKey" && scheme.In == "header" && header.Get(scheme.Name) != "":
	default:
		return fmt.Errorf("no credential for %s", in.SecuritySchemeName)
	}
	return nil
}

const nowhere = " is in no description"

func undeclared(o *operation, s *sent) []string {
	var all []string
	for name := range s.url.Query() {
		if o.route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			all = append(all, "?"+name+nowhere)
		}
	}
	if o.route.Operation.RequestBody != nil && len(s.body) > 0 {
		walk(bodySchema(o), s.json(), "", func(path string, known bool) {
			if !known {
				all = append(all, path+nowhere)
			}
		})
	}
	slices.Sort(all)
	return all
}

func bodySchema(o *operation) *openapi3.Schema {
	body := o.route.Operation.RequestBody
	if body == nil {
		return nil
	}
	return body.Value.Content.Get("application/json").Schema.Value
}

// walk visits the fields of a body, at any depth, and says of each whether the
// schema has it.
func walk(schema *openapi3.Schema, v any, path string, visit func(path string, known bool)) {
	switch v := v.(type) {
	case map[string]any:
		known := properties(schema)
		if len(known) == 0 {
			return // an object of any kind
		}
		for name, value := range v {
			property, ok := known[name]
			visit(path+"/"+name, ok)
			if ok {
				walk(property, value, path+"/"+name, visit)
			}
		}
	case []any:
		for _, value := range v {
			if items := items(schema); items != nil {
				walk(items, value, path, visit)
			}
		}
	}
}

// properties are those of a schema and of all that it is made of.
func properties(schema *openapi3.Schema) map[string]*openapi3.Schema {
	all := map[string]*openapi3.Schema{}
	for _, part := range parts(schema) {
		maps.Copy(all, properties(part))
	}
	for name, ref := range schema.Properties {
		all[name] = ref.Value
	}
	return all
}

func items(schema *openapi3.Schema) *openapi3.Schema {
	if schema.Items != nil {
		return schema.Items.Value
	}
	for _, part := range parts(schema) {
		if found := items(part); found != nil {
			return found
		}
	}
	return nil
}

// fields are the paths of all that a body may have.
func fields(schema *openapi3.Schema, path string) []string {
	var all []string
	for name, property := range properties(schema) {
		all = append(all, path+"/"+name)
		all = append(all, fields(property, path+"/"+name)...)
	}
	if items := items(schema); items != nil {
		all = append(all, fields(items, path)...)
	}
	slices.Sort(all)
	return all
}

func parts(schema *openapi3.Schema) []*openapi3.Schema {
	var all []*openapi3.Schema
	for _, refs := range []openapi3.SchemaRefs{schema.AllOf, schema.OneOf, schema.AnyOf} {
		for _, ref := range refs {
			all = append(all, ref.Value)
		}
	}
	return all
}

// valid reads a description as a reader would.
func valid(d *document) error {
	opts := []openapi3.ValidationOption{openapi3.EnableMultiError()}
	if d.spec.IsOpenAPI31OrLater() {
		opts = append(opts, openapi3.IsOpenAPI31OrLater())
	}
	return d.spec.Validate(context.Background(), opts...)
}
