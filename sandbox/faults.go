package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultKind is a way for a request to go wrong.
type FaultKind string

// The kinds of faults. Fault500, Fault429 and FaultLatency happen inside the application,
// in place of the work or around it, behind authentication, limiters and idempotency: a
// server that keeps 5xx answers keeps this one too, and slow work holds its key's lock.
// All others happen between the client and the application.
const (
	FaultLatency    FaultKind = "latency"     // the work begins Delay later; it is done even if the client has left
	Fault500        FaultKind = "500"         // 500 with the framework's JSON
	Fault429        FaultKind = "429"         // 429 with Retry-After
	FaultDropBefore FaultKind = "drop_before" // the connection is closed, nothing was done
	FaultDropAfter  FaultKind = "drop_after"  // the work is done, and the connection closed instead of an answer
	FaultCutBody    FaultKind = "cut_body"    // the work is done, and the answer's body breaks off halfway
	Fault502        FaultKind = "502"         // a proxy's HTML page
	Fault503        FaultKind = "503"         // a proxy's HTML page, with Retry-After if RetryAfter is set
	FaultHTML       FaultKind = "html"        // 200 with an HTML page
	FaultEmpty      FaultKind = "empty"       // 200 with no body
	FaultRedirect   FaultKind = "redirect"    // 302 to another host
	FaultEcho       FaultKind = "echo"        // 502 with an HTML page that repeats the request's body
	FaultAnswer     FaultKind = "answer"      // Status, Header and Body, as given
)

// Fault plans that something goes wrong. Faults are used up in the order in which they
// were planned.
type Fault struct {
	// Endpoint says which requests it may hit: an endpoint's name ("wallet.fund"), a path
	// ("/wallet/fund", or a whole one, with or without values in the place of {id}), or a
	// method and a path ("POST /wallet/fund"). "" is any request to the Agents or the
	// generation API, "*" any request at all.
	Endpoint string
	Kind     FaultKind
	// Times is how many requests it hits: 0 is once, a negative number for ever.
	Times int
	// Delay is waited before the fault happens, whatever its kind.
	Delay time.Duration
	// AfterWork lets the work be done first: the money is charged and the answer replaced
	// (or, with FaultLatency, late). FaultDropAfter and FaultCutBody always do.
	AfterWork bool
	// RetryAfter is what Fault429 and Fault503 send. 0 is one second for Fault429 and no
	// header for Fault503; negative is no header.
	RetryAfter time.Duration
	// Status replaces the usual status of a kind, and is that of FaultAnswer. Fault429 has
	// no other.
	Status int
	// Location is where FaultRedirect points; "" is a page on another host.
	Location string
	// Header and Body are those of FaultAnswer; Header is added to every other answer that
	// a fault makes up.
	Header http.Header
	Body   []byte
}

type plannedFault struct {
	Fault
	left int // negative: for ever
}

// Inject plans a fault, after those that are already planned.
func (s *Server) Inject(f Fault) {
	left := f.Times
	if left == 0 {
		left = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &plannedFault{Fault: f, left: left})
}

// ClearFaults forgets every fault that has not happened yet.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

type faultPlace func(FaultKind) bool

func inTheApplication(k FaultKind) bool {
	return k == Fault500 || k == Fault429 || k == FaultLatency
}

func atTheProxy(k FaultKind) bool { return !inTheApplication(k) }

// takeFault uses up the first fault that is planned for this request at this place.
func (s *Server) takeFault(c *call, here faultPlace) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f *plannedFault) bool { return here(f.Kind) && f.hits(c) })
	if i < 0 {
		return Fault{}, false
	}
	f := s.faults[i]
	if f.left--; f.left == 0 {
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	s.logMu.Lock()
	c.log.Fault = f.Kind
	s.logMu.Unlock()
	return f.Fault, true
}

func (f Fault) hits(c *call) bool {
	path := c.http.URL.Path
	switch f.Endpoint {
	case "":
		return strings.HasPrefix(path, "/api/")
	case "*", c.log.Endpoint:
		return true
	}
	method, want, both := strings.Cut(f.Endpoint, " ")
	if !both {
		method, want = c.http.Method, f.Endpoint
	}
	if method != c.http.Method || !strings.HasPrefix(want, "/") {
		return false
	}
	for _, whole := range []string{want, agentsBase + want} {
		if whole == path || c.route != nil && whole == c.route.path {
			return true
		}
	}
	return false
}

// applicationAnswer is what the application says instead of its work; latency says nothing.
func (f Fault) applicationAnswer() (answer, bool) {
	switch f.Kind {
	case Fault500:
		return f.decorate(framework(f.status(http.StatusInternalServerError), "Server Error")), true
	case Fault429:
		a := framework(http.StatusTooManyRequests, "Too Many Attempts.").with("X-RateLimit-Remaining", "0")
		wait := f.RetryAfter
		if wait == 0 {
			wait = time.Second
		}
		if wait > 0 {
			a = a.with("Retry-After", seconds(wait))
		}
		return f.decorate(a), true
	}
	return answer{}, false
}

// proxyFault lets the application work if the fault wants that, and answers in its place.
func (s *Server) proxyFault(c *call, f Fault) answer {
	switch f.Kind {
	case FaultDropBefore:
		return answer{drop: true}
	case FaultDropAfter:
		a := s.admit(c)
		a.drop = true
		return a
	case FaultCutBody:
		a := s.admit(c)
		a.cut = true
		return a
	}
	if f.AfterWork {
		s.admit(c)
	}
	c.limitHeader = nil // a proxy knows nothing of limiters
	return f.decorate(f.proxyAnswer(c))
}

func (f Fault) status(usual int) int {
	if f.Status != 0 {
		return f.Status
	}
	return usual
}

func (f Fault) proxyAnswer(c *call) answer {
	switch f.Kind {
	case Fault502:
		return proxyPage(f.status(http.StatusBadGateway))
	case Fault503:
		a := proxyPage(f.status(http.StatusServiceUnavailable))
		if f.RetryAfter > 0 {
			a = a.with("Retry-After", seconds(f.RetryAfter))
		}
		return a
	case FaultHTML:
		return page(f.status(http.StatusOK), "<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head><body>Checking your browser.</body></html>\n")
	case FaultEmpty:
		return answer{status: f.status(http.StatusOK)}
	case FaultRedirect:
		location := f.Location
		if location == "" {
			location = "https://elsewhere.example/login"
		}
		return page(f.status(http.StatusFound), "<!DOCTYPE html><title>Moved</title>").with("Location", location)
	case FaultEcho:
		// Deliberately not escaped: the worst page there is repeats every byte.
		return page(f.status(http.StatusBadGateway), "<html><head><title>Bad Gateway</title></head><body><pre>"+string(c.body)+"</pre></body></html>")
	}
	return answer{status: f.status(http.StatusOK), raw: func() []byte { return f.Body }}
}

func (f Fault) decorate(a answer) answer {
	for name, values := range f.Header {
		a = a.with(name, values[0])
		a.header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	return a
}

func proxyPage(status int) answer {
	text := http.StatusText(status)
	title := strconv.Itoa(status) + " " + text
	return page(status, "<html>\r\n<head><title>"+title+"</title></head>\r\n<body>\r\n<center><h1>"+title+
		"</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")
}
