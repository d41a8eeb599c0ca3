// Package openapi holds a table of endpoints against an OpenAPI description of
// the server. It knows nothing of ModelsLab: both are handed to it.
package openapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Row is an endpoint of the table.
type Row struct {
	// Call is what calls it. Rows of one call are names of one thing: it is enough
	// that the server knows one of them.
	Call   string
	Method string // "POST"
	Path   string // a template below the base
	Bearer bool   // it takes the access token
}

// Kind is what a difference is.
type Kind string

// The kinds of differences.
const (
	MissingHere   Kind = "missing here"       // described, and not in the table
	UnknownThere  Kind = "unknown there"      // in the table, and not described
	OtherSecurity Kind = "different security" // in both, with different credentials
)

// Difference is one endpoint about which the table and the description disagree.
type Difference struct {
	Kind         Kind
	Method, Path string // Path as the side spells it that knows it
	Detail       string
}

func (d Difference) String() string {
	s := string(d.Kind) + ": " + d.Method + " " + d.Path
	if d.Detail != "" {
		s += ": " + d.Detail
	}
	return s
}

// Report is what a comparison has found.
type Report struct {
	Same        int          // endpoints that are in both, and alike
	Differences []Difference // by path and method
	Notes       []string     // what was not compared, and what is no difference
}

// Compare holds rows against a description. base is where the table's paths
// begin, "/api/agents/v1". What is described outside it is not compared.
func Compare(base string, rows []Row, description []byte) (*Report, error) {
	doc, err := parse(description)
	if err != nil {
		return nil, err
	}
	there, notes, err := doc.operations(base)
	if err != nil {
		return nil, err
	}
	r := &Report{Notes: notes}
	here, called := map[string]Row{}, map[string]Row{} // by template; by call, those that are there too
	for _, row := range rows {
		here[key(row.Method, row.Path)] = row
		if _, ok := there[key(row.Method, row.Path)]; ok {
			called[row.Call] = row
		}
	}
	saysSecurity := doc.saysSecurity(there)
	if !saysSecurity {
		r.Notes = append(r.Notes, "it says nothing of security, which was not compared")
	}
	for id, row := range here {
		op, known := there[id]
		other, renamed := called[row.Call]
		switch mine := credential(row.Bearer); {
		case !known && renamed:
			r.Notes = append(r.Notes, fmt.Sprintf("%s %s is unknown there, as %s %s it is known", row.Method, row.Path, other.Method, other.Path))
		case !known:
			r.add(UnknownThere, row.Method, row.Path, "")
		case saysSecurity && op.credential != mine:
			r.add(OtherSecurity, row.Method, row.Path, "here "+mine+", there "+op.credential)
		default:
			r.Same++
		}
	}
	for id, op := range there {
		if _, known := here[id]; !known {
			r.add(MissingHere, op.method, op.path, op.summary)
		}
	}
	slices.SortFunc(r.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	slices.Sort(r.Notes)
	return r, nil
}

func (r *Report) add(k Kind, method, path, detail string) {
	r.Differences = append(r.Differences, Difference{k, method, oneLine(path), detail})
}

// key is the same for templates that differ in the names of their parameters.
func key(method, path string) string {
	return method + " " + parameter.ReplaceAllString(strings.TrimSuffix(path, "/"), "{}")
}

var parameter = regexp.MustCompile(`\{[^{}/]*\}`)

// The credentials that are told apart.
const (
	nothing = "nothing"
	bearer  = "a bearer token"
	another = "another credential"
)

func credential(takesBearer bool) string {
	if takesBearer {
		return bearer
	}
	return nothing
}

// description is the part of an OpenAPI document that is compared.
type description struct {
	Version    string                                `json:"openapi"`
	Servers    []server                              `json:"servers"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Security   *[]requirement                        `json:"security"`
	Components struct {
		SecuritySchemes map[string]scheme `json:"securitySchemes"`
	} `json:"components"`
}

// requirement names schemes that are needed together; an empty one is none.
type requirement map[string]json.RawMessage

type scheme struct {
	Type   string `json:"type"`
	Scheme string `json:"scheme"`
}

type server struct {
	URL       string `json:"url"`
	Variables map[string]struct {
		Default string `json:"default"`
	} `json:"variables"`
}

type operation struct {
	Summary  string         `json:"summary"`
	Security *[]requirement `json:"security"`
	Servers  []server       `json:"servers"`

	method, path string // path below the base
	summary      string // one line of it
	credential   string
}

var pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

func parse(text []byte) (*description, error) {
	text = []byte(strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff")))
	switch {
	case len(text) == 0:
		return nil, errors.New("the description is empty")
	case text[0] == '<':
		title := "untitled"
		if m := pageTitle.FindSubmatch(text); m != nil {
			title = fmt.Sprintf("%q", oneLine(string(m[1])))
		}
		return nil, fmt.Errorf("a page came instead of a description: %s", title)
	}
	var doc struct {
		description
		Data description `json:"data"` // where the API wraps it like its other answers
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("the description cannot be read: %w", err)
	}
	for _, d := range []*description{&doc.description, &doc.Data} {
		if len(d.Paths) > 0 && strings.HasPrefix(d.Version, "3.") {
			return d, nil
		}
	}
	return nil, errors.New("the JSON is no OpenAPI 3 description with paths")
}

// operations finds what is described below the base, by template.
func (d *description) operations(base string) (map[string]*operation, []string, error) {
	ops, outside, notes := map[string]*operation{}, 0, []string(nil)
	for path, item := range d.Paths {
		if _, elsewhere := item["$ref"]; elsewhere {
			notes = append(notes, oneLine(path)+" stands in another document, which was not read")
			continue
		}
		servers := d.Servers
		if err := override(&servers, item["servers"]); err != nil {
			return nil, nil, fmt.Errorf("%s: servers: %w", oneLine(path), err)
		}
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			value, ok := item[strings.ToLower(method)]
			if !ok {
				continue
			}
			op := &operation{method: method}
			if err := json.Unmarshal(value, op); err != nil {
				return nil, nil, fmt.Errorf("%s %s: %w", method, oneLine(path), err)
			}
			if op.Servers == nil {
				op.Servers = servers
			}
			if op.path, ok = below(base, path, op.Servers); !ok {
				outside++
				continue
			}
			op.summary, op.credential = oneLine(op.Summary), d.credential(op.Security)
			ops[key(method, op.path)] = op
		}
	}
	switch {
	case len(ops) == 0:
		return nil, nil, fmt.Errorf("nothing is described below %s", base)
	case outside > 0:
		notes = append(notes, fmt.Sprintf("endpoints outside %s, which were not compared: %d", base, outside))
	}
	return ops, notes, nil
}

// override replaces the servers by those of a path, where it has its own.
func override(servers *[]server, own json.RawMessage) error {
	if own == nil {
		return nil
	}
	*servers = nil // or the elements of the document's own would be written over
	return json.Unmarshal(own, servers)
}

// below takes the base off a path, which stands in the path itself, or in the URL
// of a server. A description without servers is taken to be relative to where it
// was found.
func below(base, path string, servers []server) (string, bool) {
	if rest, ok := strings.CutPrefix(path, base); ok && strings.HasPrefix(rest, "/") {
		return rest, true
	}
	for _, s := range servers {
		if rest, ok := strings.CutPrefix(s.path()+path, base); ok && strings.HasPrefix(rest, "/") {
			return rest, true
		}
	}
	return path, len(servers) == 0 && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "/api/")
}

// path is the server's, without a slash at its end. The URL may have variables
// where a host is, so that it is none yet.
func (s server) path() string {
	u := s.URL
	for name, v := range s.Variables {
		u = strings.ReplaceAll(u, "{"+name+"}", v.Default)
	}
	if _, rest, absolute := strings.Cut(u, "://"); absolute {
		_, path, _ := strings.Cut(rest, "/")
		u = "/" + path
	}
	return strings.TrimRight(u, "/")
}

// credential is what an operation asks for. own replaces what the document says
// for all of them.
func (d *description) credential(own *[]requirement) string {
	if own == nil {
		own = d.Security
	}
	if own == nil || len(*own) == 0 {
		return nothing
	}
	found := another
	for _, r := range *own {
		if len(r) == 0 {
			return nothing // it can be left out
		}
		for name := range r {
			switch s := d.Components.SecuritySchemes[name]; {
			case s.Type == "http" && strings.EqualFold(s.Scheme, "bearer"), s.Type == "oauth2", s.Type == "openIdConnect":
				found = bearer
			}
		}
	}
	return found
}

// saysSecurity: a document that never speaks of it does not say that all is open.
func (d *description) saysSecurity(ops map[string]*operation) bool {
	if d.Security != nil {
		return true
	}
	for _, op := range ops {
		if op.Security != nil {
			return true
		}
	}
	return false
}

// oneLine is foreign text as it can be printed.
func oneLine(s string) string {
	const most = 100
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
