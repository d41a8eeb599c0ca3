package vendorspec

import (
	"embed"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

//go:embed testdata/*.json
var testdata embed.FS

// files returns the names of the descriptions.
func files() ([]string, error) {
	entries, err := testdata.ReadDir("testdata")
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".json")
	}
	return names, nil
}

// read returns a description as it is.
func read(file string) (object, error) {
	b, err := testdata.ReadFile("testdata/" + file + ".json")
	if err != nil {
		return nil, err
	}
	return decode(b)
}

// document is a description, corrected, with a server's answers added: no
// OpenAPI reader does without.
type document struct {
	file       string
	json       []byte
	operations []*operation
	spec       *openapi3.T
}

type operation struct {
	document *document
	method   string
	path     string // as the file has it
	base     string // the path of its server
	route    routers.Route
}

// name is unique.
func (o *operation) name() string { return o.document.file + ": " + o.method + " " + o.base + o.path }

// load reads a description and applies the corrections, all but skip.
func load(file string, skip *defect) (*document, error) {
	tree, err := read(file)
	if err != nil {
		return nil, err
	}
	for i := range defects {
		d := &defects[i]
		if d.file != file || d == skip {
			continue
		}
		if err := d.correct(tree); err != nil {
			return nil, fmt.Errorf("%s: %w", d, err)
		}
	}
	for _, item := range member(tree, "paths") {
		for name, v := range item.(object) {
			if slices.Contains(methods, name) {
				v.(object)["responses"] = object{"200": object{
					"description": "",
					"content":     object{"application/json": object{"schema": object{"type": "object"}}},
				}}
			}
		}
	}
	doc := &document{file: file}
	if doc.json, err = encode(tree); err != nil {
		return nil, err
	}
	if doc.spec, err = openapi3.NewLoader().LoadFromData(doc.json); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	paths := doc.spec.Paths.Map()
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		for method, o := range paths[p].Operations() {
			// The operation's own servers, else the path's, else the file's.
			servers := doc.spec.Servers
			if len(paths[p].Servers) > 0 {
				servers = paths[p].Servers
			}
			if o.Servers != nil && len(*o.Servers) > 0 {
				servers = *o.Servers
			}
			for _, s := range servers {
				doc.operations = append(doc.operations, &operation{
					document: doc, method: method, path: p, base: strings.TrimSuffix(s.URL, "/"),
					route: routers.Route{Spec: doc.spec, Server: s, Path: p, PathItem: paths[p], Method: method, Operation: o},
				})
			}
		}
	}
	return doc, nil
}

func loadAll() ([]*document, error) {
	names, err := files()
	if err != nil {
		return nil, err
	}
	docs := make([]*document, len(names))
	for i, name := range names {
		if docs[i], err = load(name, nil); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

// template tells whether a path fits a template, and what its variables are.
func template(of, path string) (map[string]string, bool) {
	wants, has := strings.Split(of, "/"), strings.Split(path, "/")
	if len(wants) != len(has) {
		return nil, false
	}
	found := map[string]string{}
	for i, want := range wants {
		switch {
		case strings.HasPrefix(want, "{") && strings.HasSuffix(want, "}"):
			if has[i] == "" {
				return nil, false
			}
			found[want[1:len(want)-1]] = has[i]
		case want != has[i]:
			return nil, false
		}
	}
	return found, true
}

// find returns the operations that describe a request: several files may.
func find(docs []*document, r *http.Request) []*operation {
	var found []*operation
	for _, doc := range docs {
		var here []*operation
		for _, o := range doc.operations {
			if _, ok := template(o.base+o.path, r.URL.Path); ok && o.method == r.Method {
				here = append(here, o)
			}
		}
		// A fixed path wins over a template.
		if i := slices.IndexFunc(here, func(o *operation) bool { return path.Join(o.base, o.path) == r.URL.Path }); i >= 0 {
			here = here[i : i+1]
		}
		found = append(found, here...)
	}
	return found
}
