package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Request is one request that the server saw. It holds everything that was sent, secrets
// included: it is evidence for tests, and nothing to log.
type Request struct {
	Time           time.Time     // when it arrived, by the server's clock
	Duration       time.Duration // until the answer was ready
	Method         string
	Host           string
	Path           string // without the query
	Query          url.Values
	Header         http.Header
	Body           []byte // of a body above 1 MiB, the first 64 KiB
	Endpoint       string // the route's name, "" if no route matched
	Status         int    // what was answered; 0: nothing yet, or the connection was dropped
	Fault          FaultKind
	IdempotencyKey string
	Replay         bool // the answer was an old one, kept under the key
	Stripe         bool // it was meant for Stripe
}

// Credentialed reports whether the request carried a bearer token, a basic
// authorization or an API key in its headers or its query. A download must not.
func (r Request) Credentialed() bool {
	return r.Header.Get("Authorization") != "" || r.Header.Get("Key") != "" ||
		r.Header.Get("X-Api-Key") != "" || r.Query.Has("key")
}

// Requests returns every request so far, in the order of arrival.
func (s *Server) Requests() []Request {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	all := make([]Request, len(s.requests))
	for i, r := range s.requests {
		all[i] = *r
	}
	return all
}

// call is one request on its way through the server.
type call struct {
	s          *Server
	http       *http.Request
	log        *Request
	route      *route
	params     map[string]string // path elements
	body       []byte
	unreadable bool
	fields     map[string]any // the JSON body, empty if it was none
	malformed  bool           // the body was not a JSON object
	key        string         // Idempotency-Key
	requestID  string
	now        time.Time

	account     *account
	token       *token
	entry       *keyEntry // what is known under the key
	moved       bool      // money moved in this very execution
	limitHeader http.Header
}

func (s *Server) receive(w http.ResponseWriter, r *http.Request) *call {
	now := s.clock()
	c := &call{
		s: s, http: r, now: now,
		key:       r.Header.Get("Idempotency-Key"),
		requestID: s.requestID(),
	}
	c.route, c.params = s.match(r)
	c.log = &Request{
		Time: now, Method: r.Method, Host: r.Host, Path: r.URL.Path, Query: r.URL.Query(),
		Header: r.Header.Clone(), IdempotencyKey: c.key,
		Stripe: strings.HasPrefix(r.URL.Path, stripeBase),
	}
	if c.route != nil {
		c.log.Endpoint = c.route.name
	}
	if r.Body != nil {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, c.mostBody()))
		c.body, c.unreadable = body, err != nil
	}
	c.log.Body = bytes.Clone(c.body)
	if len(c.body) > 1<<20 {
		c.log.Body = bytes.Clone(c.body[:64<<10])
	}
	c.decode()

	s.logMu.Lock()
	s.requests = append(s.requests, c.log)
	s.logMu.Unlock()
	return c
}

// mostBody is how much of the body is read.
func (c *call) mostBody() int64 {
	if c.route != nil && c.route.surface == SurfaceGeneration {
		return maxMediaBody
	}
	return maxBody
}

// finish completes the log's entry.
func (s *Server) finish(c *call, status int, replay bool) {
	s.logMu.Lock()
	c.log.Status, c.log.Replay = status, replay
	c.log.Duration = s.clock().Sub(c.log.Time)
	done := *c.log
	s.logMu.Unlock()
	if s.onRequest != nil {
		s.onRequest(done)
	}
}

// decode reads a JSON object. The framework reads JSON only when the Content-Type says
// so, and treats what it cannot read as no fields at all.
func (c *call) decode() {
	c.fields = map[string]any{}
	if len(bytes.TrimSpace(c.body)) == 0 {
		return
	}
	if c.unreadable || !strings.Contains(c.http.Header.Get("Content-Type"), "json") {
		c.malformed = true
		return
	}
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.UseNumber()
	var fields map[string]any
	if err := d.Decode(&fields); err != nil || fields == nil {
		c.malformed = true
		return
	}
	c.fields = fields
}

func (c *call) ip() string {
	host, _, err := net.SplitHostPort(c.http.RemoteAddr)
	if err != nil {
		return c.http.RemoteAddr
	}
	return host
}

// has reports whether the body holds the field with a value that is not null.
func (c *call) has(name string) bool { return c.fields[name] != nil }

// text returns a string field, "" if it is absent or of another type.
func (c *call) text(name string) string {
	v, _ := c.fields[name].(string)
	return strings.TrimSpace(v)
}

// integer reads a field sent as 45 or "45".
func (c *call) integer(name string) (int64, bool) {
	var digits string
	switch v := c.fields[name].(type) {
	case json.Number:
		digits = v.String()
	case string:
		digits = strings.TrimSpace(v)
	default:
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}
