package vendorspec

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go"
)

const testKey = "key-for-tests"

// network answers as a server would whose API has the one row: it takes what
// belongs to the row, and knows nothing else.
type network struct {
	row  modelslab.Endpoint
	mu   sync.Mutex
	seen []*sent // that belong to the row
}

// answer is an answer to nearly everything.
const answer = `{"status":"success","id":12,"output":["https://example.com/out"],"link":"https://example.com/out","training_id":"t1","data":[],"messege":"model_ready",
"object":"list","choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}],"type":"message","role":"assistant","content":[{"type":"text","text":"hi"}],
"input_tokens":1,"execution_id":1,"wallet_balance":"1.00","models":[],"workflows":[],"voices":[]}`

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	reply := func(status int, body string) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
		}, nil
	}
	_, fits := template(n.row.Path, r.URL.Path)
	switch {
	case !fits:
		return reply(http.StatusNotFound, `{"status":"error","message":"no such place"}`)
	case r.Method != n.row.Method:
		return reply(http.StatusMethodNotAllowed, `{"status":"error","message":"no such method"}`)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen = append(n.seen, &sent{row: n.row.Name, method: r.Method, url: r.URL, header: r.Header.Clone(), body: body})
	return reply(http.StatusOK, answer)
}

// rows are those of the generation APIs.
func rows() []modelslab.Endpoint {
	return slices.DeleteFunc(modelslab.Endpoints(), func(e modelslab.Endpoint) bool { return !strings.HasPrefix(e.Path, "/api/") })
}

// described returns the operations that describe a row.
func described(docs []*document, row modelslab.Endpoint) []*operation {
	var found []*operation
	for _, d := range docs {
		for _, o := range d.operations {
			if full := o.base + o.path; o.method == row.Method && blank(full) == blank(row.Path) {
				found = append(found, o)
			} else if _, ok := template(strings.ReplaceAll(row.Path, "{id}", "_id"), strings.ReplaceAll(full, "{id}", "_id")); ok && o.method == row.Method && strings.Contains(row.Path, "{server}") {
				found = append(found, o)
			}
		}
	}
	return found
}

// blank is a template without the names of its variables.
func blank(template string) string {
	elements := strings.Split(template, "/")
	for i, e := range elements {
		if strings.HasPrefix(e, "{") {
			elements[i] = "{}"
		}
	}
	return strings.Join(elements, "/")
}

var documents = func() func(*testing.T) []*document {
	once := sync.OnceValues(loadAll)
	return func(t *testing.T) []*document {
		t.Helper()
		docs, err := once()
		require.NoError(t, err)
		return docs
	}
}()

type captured struct {
	requests []*sent
	problems []string
}

// capture makes all calls of the table and returns what was sent.
func capture(t *testing.T) []*sent {
	t.Helper()
	docs := documents(t)
	c := captureOnce(docs)
	require.Empty(t, c.problems)
	return c.requests
}

var captureOnce = func() func([]*document) captured {
	var once sync.Once
	var all captured
	return func(docs []*document) captured {
		once.Do(func() { all = captureAll(docs) })
		return all
	}
}()

func captureAll(docs []*document) captured {
	var all captured
	for _, row := range rows() {
		make, ok := calls[row.Name]
		if !ok {
			continue
		}
		for _, call := range make(described(docs, row)) {
			n := &network{row: row}
			name := row.Name + ", " + call.name + " for " + call.file
			client, err := modelslab.New(modelslab.WithAPIKey(testKey), modelslab.WithHTTPClient(&http.Client{Transport: n}), modelslab.WithRetryPolicy(modelslab.RetryPolicy{MaxAttempts: 1}))
			if err != nil {
				all.problems = append(all.problems, err.Error())
				continue
			}
			if err := call.do(context.Background(), client); err != nil && len(n.seen) == 0 {
				all.problems = append(all.problems, fmt.Sprintf("%s: %v", name, err))
				continue
			}
			if len(n.seen) == 0 {
				all.problems = append(all.problems, name+": nothing was sent")
			}
			for _, s := range n.seen {
				s.call, s.file = call.name+" for "+call.file, call.file
				s.found = s.operations(docs)
				all.requests = append(all.requests, s)
			}
		}
	}
	return all
}

func TestEveryCallSends(t *testing.T) {
	for _, p := range captureOnce(documents(t)).problems {
		t.Error(p)
	}
}

func TestEveryRowIsDescribedOrListed(t *testing.T) {
	docs := documents(t)
	names := map[string]bool{}
	for _, row := range rows() {
		names[row.Name] = true
		_, called := calls[row.Name]
		reason, listed := undescribed[row.Name]
		switch found := described(docs, row); {
		case len(found) > 0 && listed:
			t.Errorf("%s is listed as undescribed, and %s describes it", row.Name, found[0].name())
		case len(found) > 0:
			assert.True(t, called, "%s has no calls, and %s describes it", row.Name, found[0].name())
		case !listed:
			t.Errorf("%s: no description has %s %s, and it is not listed", row.Name, row.Method, row.Path)
		default:
			assert.NotEmpty(t, reason, row.Name)
			assert.False(t, called, "%s has calls, and no description to hold them against", row.Name)
		}
	}
	for name := range calls {
		assert.True(t, names[name], "%s is no row", name)
	}
	for name := range undescribed {
		assert.True(t, names[name], "%s is no row", name)
	}
}

func TestEveryRequestIsAsDescribed(t *testing.T) {
	docs := documents(t)
	used := map[string]bool{}
	for _, s := range captureOnce(docs).requests {
		found := s.found
		assert.NotEmpty(t, found, "%s: no description has %s %s", s, s.method, s.url.Path)
		for _, o := range found {
			for _, complaint := range complaints(o, s) {
				id := o.name() + " " + strings.TrimSuffix(complaint, nowhere)
				if _, ok := beyond[id]; ok {
					used[id] = true
					continue
				}
				t.Errorf("%s\n%s %s\n%s\n%s", s, s.method, s.url, bytes.TrimSpace(s.body), complaint)
			}
		}
	}
	for id := range beyond {
		assert.True(t, used[id], "%q is listed as in no description", id)
	}
}

func TestEveryDescribedFieldIsSent(t *testing.T) {
	docs := documents(t)
	sentFields, called := map[string]bool{}, map[*operation]bool{}
	for _, s := range captureOnce(docs).requests {
		for _, o := range s.found {
			called[o] = true
			if schema := bodySchema(o); schema != nil {
				walk(schema, s.json(), "", func(path string, _ bool) { sentFields[o.name()+" "+path] = true })
			}
		}
	}
	left := map[string]bool{}
	for _, d := range docs {
		for _, o := range d.operations {
			if !called[o] {
				_, ok := uncalled[o.name()]
				assert.True(t, ok, "%s: no row calls it, and it is not listed", o.name())
				left[o.name()] = true
				continue
			}
			schema := bodySchema(o)
			if schema == nil {
				continue
			}
			for _, path := range fields(schema, "") {
				id := o.name() + " " + path
				if sentFields[id] {
					continue
				}
				_, ok := unsent[id]
				assert.True(t, ok, "%s: no request has it, and it is not listed", id)
				left[id] = true
			}
		}
	}
	for id := range unsent {
		assert.True(t, left[id], "%s is listed as never sent", id)
	}
	for id := range uncalled {
		assert.True(t, left[id], "%s is listed as never called", id)
	}
}

// TestWrongRequestsAreRefused holds the checks themselves.
func TestWrongRequestsAreRefused(t *testing.T) {
	docs := documents(t)
	for name, wrong := range map[string]string{
		"a field is missing":   `{"key":"k","prompt":"cat"}`,
		"a word for a number":  `{"key":"k","prompt":"cat","model_id":"flux","width":"wide"}`,
		"too many":             `{"key":"k","prompt":"cat","model_id":"flux","samples":5}`,
		"a word of no list":    `{"key":"k","prompt":"cat","model_id":"flux","safety_checker_type":"loud"}`,
		"no address":           `{"key":"k","prompt":"cat","model_id":"flux","webhook":"cat"}`,
		"a field nobody knows": `{"key":"k","prompt":"cat","model_id":"flux","heigth":512}`,
		"no JSON":              `cat`,
	} {
		r, err := http.NewRequest(http.MethodPost, "https://example.com/api/v6/images/text2img", nil)
		require.NoError(t, err)
		s := &sent{method: r.Method, url: r.URL, header: http.Header{"Content-Type": {"application/json"}}, body: []byte(wrong)}
		found := s.operations(docs)
		require.Len(t, found, 2)
		for _, o := range found {
			assert.NotEmpty(t, complaints(o, s), "%s: %s", o.name(), name)
		}
	}
}
