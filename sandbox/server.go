package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// How much of a request is read; more is answered with 413. Media travel to the generation
// API as base64.
const (
	maxBody      = 8 << 20
	maxMediaBody = 96 << 20
)

// Server is a ModelsLab and a Stripe. It is safe for concurrent use. Make one with [New].
type Server struct {
	settings
	routes []route
	url    string
	http   *http.Server // nil in memory
	closed chan struct{}
	close  sync.Once

	delivering context.Context // ends when the server is closed
	stop       context.CancelFunc

	randomMu sync.Mutex // guards reads of settings.random

	logMu    sync.Mutex
	requests []*Request
	hooked   []Delivery

	mu        sync.Mutex // guards everything below
	faults    []*plannedFault
	windows   map[string]*window
	keys      map[string]*keyEntry
	stripeKey map[string]stripeAnswer
	ids       map[string]int64
	accounts  []*account
	byEmail   map[string]*account
	tokens    map[string]*token
	apiKeys   map[string]*account
	cards     map[string]*card
	intents   map[string]*intent
	charges   []Charge
	checkouts map[string]*checkout
	jobs      map[int64]*job
	files     map[string]mediaFile
	voices    []voice
	hooks     []*job // whose webhooks are still to be called

	setupIntents map[string]*setupIntent
	couponUses   map[string]int

	kept serviceState
}

// New returns a running server. It panics if it cannot listen; [Start] returns the error.
func New(opts ...Option) *Server {
	s, err := Start(opts...)
	if err != nil {
		panic(err)
	}
	return s
}

// Start is New for programs that choose their address: it fails when the address is
// taken or is not a loopback address.
func Start(opts ...Option) (*Server, error) {
	s := &Server{
		settings:  defaults(),
		url:       "http://127.0.0.1",
		closed:    make(chan struct{}),
		windows:   map[string]*window{},
		keys:      map[string]*keyEntry{},
		stripeKey: map[string]stripeAnswer{},
		ids:       map[string]int64{},
		byEmail:   map[string]*account{},
		tokens:    map[string]*token{},
		apiKeys:   map[string]*account{},
		cards:     map[string]*card{},
		intents:   map[string]*intent{},
		checkouts: map[string]*checkout{},
		jobs:      map[int64]*job{},
		files:     map[string]mediaFile{},

		setupIntents: map[string]*setupIntent{},
		couponUses:   map[string]int{},
		kept:         newServiceState(),
	}
	for _, opt := range opts {
		opt(&s.settings)
	}
	s.delivering, s.stop = context.WithCancel(context.Background())
	for _, f := range s.faultsAtStart {
		s.Inject(f)
	}
	for _, r := range routeTable() {
		if !s.removed[r.name] {
			s.routes = append(s.routes, r)
		}
	}
	if !s.inMemory {
		if err := s.listen(); err != nil {
			return nil, err
		}
	}
	if s.origin != "" {
		s.url = s.origin
	}
	return s, nil
}

func (s *Server) listen() error {
	host, _, err := net.SplitHostPort(s.addr)
	if err != nil {
		return fmt.Errorf("sandbox: address %q: %w", s.addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("sandbox: %q is not a loopback address", s.addr)
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	s.url = "http://" + l.Addr().String()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			// The listener broke under a running program: nothing sensible is left to serve.
			s.Close()
		}
	}()
	return nil
}

// URL is the origin of the server, such as "http://127.0.0.1:41234". It is the base URL
// of the ModelsLab side and of the Stripe side.
func (s *Server) URL() string { return s.url }

// Close stops the server: connections are closed, whatever waits in a fault's delay or for
// a key is let go, and no webhook is called any more.
func (s *Server) Close() {
	s.close.Do(func() {
		close(s.closed)
		s.stop()
		if s.http != nil {
			_ = s.http.Close() // closing a listener twice is all that can fail here
		}
	})
}

// ServeHTTP answers one request. A dropped connection is a panic with
// http.ErrAbortHandler, which net/http's server turns into a closed connection.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := s.receive(w, r)
	a := s.answer(c)
	s.send(w, c, a)
}

// answer takes a request through everything that stands between the internet and the
// application: first what a proxy or the network may do to it.
func (s *Server) answer(c *call) answer {
	if c.unreadable {
		return framework(http.StatusRequestEntityTooLarge, "")
	}
	f, faulty := s.takeFault(c, atTheProxy)
	if !faulty {
		return s.admit(c)
	}
	s.pause(f.Delay)
	return s.proxyFault(c, f)
}

// admit finds the route and asks for credentials, the limiter, and the idempotency key.
func (s *Server) admit(c *call) answer {
	if c.route == nil {
		return s.noRoute(c)
	}
	refusal, refused := s.authenticate(c)
	throttled := func() (answer, bool) {
		if a, over := s.limit(c); over {
			return a, true
		}
		return refusal, refused
	}
	run := func() answer { return s.execute(c) }
	if !c.route.keyed || c.key == "" || s.keyIgnored(c) {
		if a, stop := throttled(); stop {
			return a
		}
		return run()
	}
	// A server that keeps 429s looks at the key first; any other throttles first.
	if s.idempotency.Cache429 && !refused {
		return s.idempotent(c, func() answer {
			if a, stop := throttled(); stop {
				return a
			}
			return run()
		})
	}
	if a, stop := throttled(); stop {
		return a
	}
	return s.idempotent(c, run)
}

// execute does the work itself, with the faults that happen inside the application.
func (s *Server) execute(c *call) answer {
	f, faulty := s.takeFault(c, inTheApplication)
	if faulty && !f.AfterWork {
		s.pause(f.Delay)
		if a, instead := f.applicationAnswer(); instead {
			return a
		}
	}
	s.mu.Lock()
	c.now = s.clock()
	s.callDueWebhooks(c.now)
	a := s.reshape(c, c.route.handle(s, c))
	s.mu.Unlock()
	if faulty && f.AfterWork {
		s.pause(f.Delay)
		if late, instead := f.applicationAnswer(); instead {
			return late
		}
	}
	return a
}

// send writes the answer. The request is entered into the log first, so that whoever
// has seen the answer finds the request complete.
func (s *Server) send(w http.ResponseWriter, c *call, a answer) {
	body := a.bytes()
	status := a.status
	if a.drop {
		status = 0
	}
	s.finish(c, status, a.replay)
	if a.drop {
		panic(http.ErrAbortHandler)
	}
	h := w.Header()
	if !c.log.Stripe {
		h.Set("X-Request-Id", c.requestID) // bare answers have no other place for it
	}
	for k, v := range c.limitHeader {
		h[k] = v
	}
	for k, v := range a.header {
		h[k] = v
	}
	h.Set("Date", s.clock().UTC().Format(http.TimeFormat))
	if a.stream != nil {
		w.WriteHeader(a.status)
		a.stream.send(w, a.cut)
		return
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(a.status)
	if a.cut {
		body = body[:len(body)/2]
	}
	// The client may be gone; nobody is left to tell.
	_, _ = w.Write(body)
	if !a.cut {
		return
	}
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	panic(http.ErrAbortHandler)
}

// pause waits as a server does that is busy: it does not care whether the client is
// still there, and ends early only when the server is closed.
func (s *Server) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.closed:
	}
}

// nextID numbers things of a kind, from first upwards. s.mu is held.
func (s *Server) nextID(kind string, first int64) int64 {
	if s.ids[kind] == 0 {
		s.ids[kind] = first - 1
	}
	s.ids[kind]++
	return s.ids[kind]
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func (s *Server) randomText(n int) string {
	b := s.randomBytes(n)
	for i := range b {
		b[i] = alphanumeric[int(b[i])%len(alphanumeric)]
	}
	return string(b)
}

// requestID is a UUID, version 4, as the one documented sample of a request id is.
func (s *Server) requestID() string {
	b := s.randomBytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (s *Server) randomBytes(n int) []byte {
	s.randomMu.Lock()
	defer s.randomMu.Unlock()
	b := make([]byte, n)
	if _, err := io.ReadFull(s.random, b); err != nil {
		panic(fmt.Sprintf("sandbox: the random source ended: %v", err))
	}
	return b
}
