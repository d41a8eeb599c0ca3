package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelslab/modelslab-agents-go/internal/retry"
)

// Client calls the API. It is safe for concurrent use. Its configuration never
// changes; clients made from it with [Client.With] and [Client.WithSession]
// share its connections and what is known of the server's limiters.
type Client struct {
	Auth          *AuthService
	Billing       *BillingService
	Wallet        *WalletService
	Subscriptions *SubscriptionsService
	Generation    *GenerationService

	cfg    *config
	cell   *cell
	shared *shared
	limit  partyLimits
}

// shared is what all clients made from one New have in common.
type shared struct {
	limits limits
	keys   keysInUse
	stripe stripeConfigs
	owners owners
}

// partyLimits are the limiters that count by user, of the client's own user.
type partyLimits struct{ general, billing, generation *limitState }

// New makes a client. It checks every option and uses no network.
func New(opts ...Option) (*Client, error) {
	return build(defaultConfig(), newCell(&credentials{}), &shared{}, opts)
}

// With makes a client with more options than c. Credentials among them replace
// c's; without any, both use the same ones, and a token that either refreshes is
// new for both.
func (c *Client) With(opts ...Option) (*Client, error) {
	cfg := *c.cfg
	cfg.given = nil
	return build(&cfg, c.cell, c.shared, opts)
}

// WithSession makes a client that acts with what s holds: token, API key and
// account. What s lacks is absent, not inherited. With a nil session, or one
// whose token cannot be sent, each call of the client fails and says so.
func (c *Client) WithSession(s *Session) *Client {
	return assemble(c.cfg, newCell(sessionCredentials(s)), c.shared)
}

func build(cfg *config, old *cell, sh *shared, opts []Option) (*Client, error) {
	for i, opt := range opts {
		if opt == nil {
			return nil, &ParamError{Param: fmt.Sprintf("Option %d", i+1), Reason: "nil"}
		}
		if err := opt(cfg); err != nil {
			return nil, err
		}
	}
	cl := old
	if given := cfg.given; given != nil {
		cfg.given = nil
		if given.token == "" { // the token stays, with what it owns
			was := *old.load()
			if given.apiKey != "" {
				was.apiKey = given.apiKey
			}
			if given.account != "" {
				was.account = given.account
			}
			given = &was
		}
		cl = newCell(given)
	}
	return assemble(cfg, cl, sh), nil
}

func assemble(cfg *config, cl *cell, sh *shared) *Client {
	c := &Client{cfg: cfg, cell: cl, shared: sh}
	party := cfg.origin() + " " + cl.party
	c.limit = partyLimits{
		general:    sh.limits.state(LimiterGeneral, party),
		billing:    sh.limits.state(LimiterBilling, party),
		generation: sh.limits.state(LimiterGeneration, party),
	}
	c.Auth = &AuthService{c}
	c.Billing = &BillingService{c}
	c.Wallet = &WalletService{c}
	c.Subscriptions = &SubscriptionsService{c}
	c.Generation = newGenerationService(c)
	return c
}

// Format writes where the client calls, and nothing of its credentials.
func (c *Client) Format(f fmt.State, verb rune) {
	formatText(f, verb, "modelslab.Client("+c.cfg.origin()+")")
}

// LogValue implements slog.LogValuer.
func (c *Client) LogValue() slog.Value {
	return slog.StringValue("modelslab.Client(" + c.cfg.origin() + ")")
}

// RateLimit is what the last answers said of a limiter. [LimiterAuth] counts by
// e-mail; what is shown of it is the state without one, which verify-email has.
func (c *Client) RateLimit(l Limiter) RateLimit {
	s := c.limiter(l, "")
	if s == nil {
		return RateLimit{Limiter: l}
	}
	return s.snapshot(l, time.Now())
}

// limiter is the state that counts a call: by user, or by e-mail.
func (c *Client) limiter(l Limiter, email string) *limitState {
	switch l {
	case LimiterGeneral:
		return c.limit.general
	case LimiterBilling:
		return c.limit.billing
	case LimiterGeneration:
		return c.limit.generation
	case LimiterAuth:
		return c.shared.limits.state(LimiterAuth, c.cfg.origin()+" "+strings.ToLower(email))
	}
	return nil
}

// Call calls any endpoint of the Agents API, also one that this package has no
// method for. path is below /api/agents/v1, as in "/wallet/balance". It walks
// the same road as a method: a path of the endpoint table has its row's
// credentials, limiter, repeat class and key. Another one is sent with the
// access token: GET is repeatable, anything else is sent once, unless
// [WithIdempotencyKey] says that the server knows a repeat by its key.
//
// in is nil, an url.Values for the query (GET and DELETE), or something that
// encodes to a JSON object and holds no [Secret]. out is nil or a pointer that
// the answer's data is decoded into; a success without data is then an error.
func (c *Client) Call(ctx context.Context, method, path string, in, out any, opts ...RequestOption) error {
	if err := checkPath("path", path); err != nil {
		return err
	}
	if strings.HasPrefix(path, "/api/") {
		return &ParamError{Param: "path", Value: path, Reason: "must be below " + agentsBase + "; Generation.Call takes whole paths"}
	}
	return c.callAny(ctx, method, agentsBase+path, path, in, out, opts)
}

// unlisted names the endpoints that the table does not have.
const unlisted = "call"

// callAny is a call by hand of any path.
func (c *Client) callAny(ctx context.Context, method, full, shown string, in, out any, opts []RequestOption) error {
	switch method {
	case get, post, put, patch, del:
	default:
		return &ParamError{Param: "method", Value: method, Reason: "must be GET, POST, PUT, PATCH or DELETE"}
	}
	if out != nil {
		if v := reflect.ValueOf(out); v.Kind() != reflect.Pointer || v.IsNil() {
			return &ParamError{Param: "out", Reason: "must be a pointer that is not nil"}
		}
	}
	e := rowFor(method, full)
	if e == nil {
		e = &Endpoint{Name: unlisted, Method: method, Path: shown, Limiter: LimiterGeneral, Repeat: RepeatOnce, Bearer: true, full: full}
		if method == get {
			e.Repeat = RepeatSafe
		} else {
			e.Spends = true // nobody can say that it does not
		}
		if !strings.HasPrefix(full, agentsBase+"/") {
			e.Limiter, e.Bearer = LimiterGeneration, false
		}
	}
	t := trip{c: c, e: e, path: full, byHand: true}
	switch v := in.(type) {
	case nil:
	case url.Values:
		if method != get && method != del {
			return &ParamError{Param: "in", Reason: "url.Values is a query, for GET and DELETE; give a struct or a map for a body"}
		}
		t.query = v.Encode()
	default:
		if holdsSecret(reflect.ValueOf(in), 0) {
			return &ParamError{Param: "in", Reason: "a Secret would be sent as \"[redacted]\"; reveal it, or use the typed method"}
		}
		t.in.body = in
	}
	return t.walk(ctx, out, opts)
}

// input is what a method hands to the road beside its endpoint.
type input struct {
	body  any        // a params struct, sent as a JSON object; nil: no body
	query url.Values // the query
	// element fills the {…} of the endpoint's path, and param names it in errors.
	param, element string
}

// What params types may do beside being encoded.
type (
	checker  interface{ check() error }      // is it possible at all
	wirer    interface{ wire() any }         // what is sent instead, where that holds secrets in clear
	secretly interface{ secrets() []string } // what must not come back in an error's text
	mailer   interface{ mailbox() string }   // whose e-mail LimiterAuth counts
	priced   interface{ price() Amount }     // US dollars at stake
)

// What results may do beside being decoded.
type (
	// decoder takes its own answer apart, and says what it lacks.
	decoder interface {
		decode(t *trip, a *answer) error
	}
	// refuser knows refusals that mean something else here; nil: it does not.
	refuser interface{ refusal(e *APIError) error }
)

// call is the one road with a typed result.
func call[T any](ctx context.Context, c *Client, e endpoint, in input, opts []RequestOption) (*T, error) {
	out := new(T)
	if err := send(ctx, c, e, in, out, opts); err != nil {
		return nil, err
	}
	return out, nil
}

// send is the one road; out is nil where nothing is needed of the answer.
func send(ctx context.Context, c *Client, e endpoint, in input, out any, opts []RequestOption) error {
	t := trip{c: c, e: e.row(), in: in}
	return t.walk(ctx, out, opts)
}

// trip is one call on its way.
type trip struct {
	c      *Client
	e      *Endpoint
	in     input
	byHand bool

	path, query string // from the origin on; query is encoded
	rawPath     string // path as it is escaped, where that differs
	body        []byte
	opts        callOptions
	cred        *credentials
	key         string // the idempotency key; "": the call takes none
	limit       *limitState

	last       result
	attempts   int
	unanswered bool // some sending has no complete, definite answer
}

// walk takes a call through the doors, once and in order.
func (t *trip) walk(ctx context.Context, out any, opts []RequestOption) error {
	if err := t.describe(ctx, opts); err != nil {
		return err
	}
	if err := t.name(ctx); err != nil {
		return err
	}
	release, err := t.allow()
	if err != nil {
		return err
	}
	if err = t.wait(ctx); err == nil {
		err = t.send(ctx, out)
	}
	if release != nil {
		release(err)
	}
	return err
}

// describe fixes what is sent. Nothing edits it afterwards.
func (t *trip) describe(ctx context.Context, opts []RequestOption) error {
	if ctx == nil {
		return &ParamError{Param: "ctx", Reason: "nil"}
	}
	if err := t.opts.apply(t.c.cfg.defaults); err != nil {
		return err
	}
	if err := t.opts.apply(opts); err != nil {
		return err
	}
	if t.cred = t.c.cell.load(); t.cred.err != nil {
		return t.cred.err
	}
	if p, ok := t.in.body.(checker); ok {
		if err := p.check(); err != nil {
			return err
		}
	}
	if t.path == "" {
		if err := t.fillPath(); err != nil {
			return err
		}
	}
	if t.in.query != nil {
		t.query = t.in.query.Encode()
	}
	if t.e.Bearer && t.cred.token == "" {
		return &credentialError{t.e.Method, t.e.Path, "an access token", "sign up and verify, or log in, then use Client.WithSession"}
	}
	auth := generationAuth(t.e)
	if auth != keyNowhere && t.cred.apiKey == "" {
		return &credentialError{t.e.Method, t.e.Path, "an API key", "use WithAPIKey, or a session that holds one"}
	}
	if auth == keyInQuery {
		q := url.Values{"key": {t.cred.apiKey}}.Encode()
		if t.query != "" {
			q = t.query + "&" + q
		}
		t.query = q
	}
	return t.encode(auth)
}

func (t *trip) fillPath() error {
	t.path = t.e.full
	if t.in.param == "" {
		return nil
	}
	if err := checkElement(t.in.param, t.in.element); err != nil {
		return err
	}
	open, end := strings.IndexByte(t.path, '{'), strings.IndexByte(t.path, '}')
	before, after := t.path[:open], t.path[end+1:]
	t.path = before + t.in.element + after
	if escaped := url.PathEscape(t.in.element); escaped != t.in.element {
		t.rawPath = before + escaped + after
	}
	return nil
}

// encode makes the body: the params, the API key, the extra fields.
func (t *trip) encode(auth keyPlace) error {
	in := t.in.body
	if in == nil && auth != keyInBody && len(t.opts.fields) == 0 {
		return nil
	}
	if t.e.Method == get {
		return &ParamError{Param: "in", Reason: "a GET takes no body; give url.Values for the query"}
	}
	body := []byte("{}")
	if in != nil {
		v := in
		if w, ok := in.(wirer); ok {
			v = w.wire()
		}
		var err error
		if body, err = json.Marshal(v); err != nil {
			return &ParamError{Param: reflect.TypeOf(in).String(), Reason: "does not encode to JSON: " + clean(err.Error(), maxMessageText)}
		}
		if len(body) == 0 || body[0] != '{' {
			return &ParamError{Param: reflect.TypeOf(in).String(), Reason: "must encode to a JSON object"}
		}
	}
	extra := t.opts.fields
	if auth == keyInBody {
		if hasMember(body, "key") {
			return &ParamError{Param: "key", Reason: "the API key is added by the client; see WithAPIKey"}
		}
		key, err := json.Marshal(t.cred.apiKey)
		if err != nil {
			return err
		}
		extra = append([]bodyField{{"key", key}}, extra...)
	}
	for _, f := range extra {
		if auth == keyInBody && f.name == "key" && &f.value[0] != &extra[0].value[0] || hasField(in, f.name) || hasMember(body, f.name) {
			return &ParamError{Param: "WithBodyField " + f.name, Reason: "the call has a field of its own for it"}
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			return err
		}
		body = body[:len(body)-1]
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(append(append(append(body, name...), ':'), f.value...), '}')
	}
	t.body = body
	return nil
}

// hasField reports whether a params type has a field of that JSON name, set or
// not.
func hasField(params any, name string) bool {
	t := reflect.TypeOf(params)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return false
	}
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if strings.EqualFold(tag, name) || tag == "" && strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// name fixes the idempotency key.
func (t *trip) name(ctx context.Context) error {
	takes := t.e.Repeat == RepeatKeyed || t.e.Name == unlisted && t.e.Repeat == RepeatOnce && t.e.Bearer
	switch {
	case t.opts.key != "":
		if !takes {
			return &ParamError{Param: "WithIdempotencyKey", Value: t.opts.key, Reason: t.e.Name + " takes no key"}
		}
		t.key = t.opts.key
		if t.e.Repeat == RepeatOnce {
			row := *t.e
			row.Repeat = RepeatKeyed
			t.e = &row
		}
	case t.opts.operation != "":
		if t.e.Repeat != RepeatKeyed {
			return &ParamError{Param: "WithOperation", Value: t.opts.operation, Reason: t.e.Name + " takes no key"}
		}
		account, err := t.c.account(ctx, t.cred)
		if err != nil {
			return err
		}
		t.key = operationKey(account, t.e.Name, t.opts.operation, 1)
	case t.e.Repeat == RepeatKeyed:
		t.key = newKey()
	}
	return nil
}

// allow lets the call pass unless its key stands for another request.
func (t *trip) allow() (release func(error), err error) {
	if t.opts.key == "" && t.opts.operation == "" {
		return nil, nil // a random key stands for nothing else
	}
	use := t.c.cell.party + " " + t.key
	if err := t.c.shared.keys.take(use, fingerprint(t.e.Method, t.path, t.body)); err != nil {
		return nil, err
	}
	return func(err error) {
		t.c.shared.keys.release(use, t.e.Spends && (err == nil || errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, ErrRequiresAction)))
	}, nil
}

// wait asks the limiter.
func (t *trip) wait(ctx context.Context) error {
	var email string
	if m, ok := t.in.body.(mailer); ok {
		email = m.mailbox()
	}
	t.limit = t.c.limiter(t.e.Limiter, email)
	mode := t.c.cfg.rateLimit.Mode
	if t.limit == nil || mode == RateLimitOff {
		return nil
	}
	for {
		d, empty := t.limit.emptyFor(time.Now())
		if !empty {
			return nil
		}
		if mode == RateLimitRefuse || !t.c.cfg.retry.Fits(ctx, d) {
			return &RateLimitError{
				APIError: APIError{
					Response: Response{IdempotencyKey: t.key, RateLimit: t.limit.snapshot(t.e.Limiter, time.Now())},
					Method:   t.e.Method, Path: t.e.Path,
					Message: "the limiter " + string(t.e.Limiter) + " is used up",
				},
				Limiter: t.e.Limiter, RetryAfter: d,
			}
		}
		if err := retry.Wait(ctx, d); err != nil {
			return err
		}
	}
}

// result is what became of one sending.
type result struct {
	retry.Attempt
	answer answer
	err    error // no answer, or one that broke off
	body   *[]byte
}

func (r *result) free() {
	if r != nil && r.body != nil {
		releaseBody(r.body)
		r.body = nil
	}
}

// send makes the attempts, each with the same body and key, and reads what came
// of them.
func (t *trip) send(ctx context.Context, out any) error {
	policy := &t.c.cfg.retry
	if err := ctx.Err(); err != nil {
		return err // nothing was sent
	}
	r := &t.last
	defer r.free()
	var answered *result // the last one before r with an answer, and a repeat after it
	for {
		*r = t.attempt(ctx)
		if t.attempts >= policy.MaxAttempts || !retry.MayRepeat(t.e.Repeat.class(), r.Attempt) || ctx.Err() != nil {
			break
		}
		delay := policy.Delay(t.attempts, t.floor(r), t.c.cfg.jitter)
		if !policy.Fits(ctx, delay) {
			break
		}
		t.unanswered = t.unanswered || r.Open()
		if r.Status != 0 {
			answered.free()
			was := *r
			answered = &was
		}
		lost := r.err
		*r = result{}
		if stopped := retry.Wait(ctx, delay); stopped != nil {
			if r.err = stopped; lost != nil && answered == nil {
				r.err = &stoppedError{stopped, lost}
			}
			break // nothing was sent this time
		}
	}
	defer answered.free()
	if r.Status != 0 || answered == nil {
		return t.read(r, out)
	}
	return t.both(r, answered, out)
}

// both is the error of a call that was answered, repeated, and then not
// answered any more: it can be asked for either.
func (t *trip) both(last, answered *result, out any) error {
	was := t.read(answered, out)
	if u, ok := as[*OutcomeUnknownError](was); ok {
		was = u.Err
	}
	err := &stoppedError{last.err, was}
	if t.e.Repeat != RepeatSafe && (last.Open() || t.unanswered) {
		if e, ok := as[*APIError](was); ok {
			e.OutcomeUnknown = true
		}
		return t.unknown(err)
	}
	return err
}

// floor is the least wait that the server asked for.
func (t *trip) floor(r *result) time.Duration {
	if r.Status == 0 || r.CutShort {
		return 0
	}
	now := time.Now()
	d, _ := retry.After(r.answer.header, now)
	if r.Status != http.StatusTooManyRequests {
		return d
	}
	return max(d, t.retryAfter(r, now))
}

// retryAfter is how long a 429 asks to wait: by its header, its body, or the
// end of the limiter's window.
func (t *trip) retryAfter(r *result, now time.Time) time.Duration {
	if d, ok := retry.After(r.answer.header, now); ok {
		return d
	}
	if s, ok := seconds(r.answer.outer.retryAfter); ok {
		return time.Duration(min(s, 1<<32) * float64(time.Second))
	}
	if l := t.limit.read(t.e.Limiter, r.answer.header, now); !l.Reset.IsZero() {
		return max(0, l.Reset.Sub(now))
	}
	return 0
}

// flight follows one request through net/http, which may send it more than
// once by itself.
type flight struct {
	asked, got atomic.Int32
	trace      httptrace.ClientTrace
}

func (f *flight) getConn(string)                { f.asked.Add(1) }
func (f *flight) gotConn(httptrace.GotConnInfo) { f.got.Add(1) }

// attempt sends the request once.
func (t *trip) attempt(ctx context.Context) (r result) {
	t.attempts++
	cfg := t.c.cfg
	timeout := t.opts.timeout
	if timeout == 0 {
		timeout = defaultRequestTimeout
	}
	if cfg.timeout > 0 {
		timeout = min(timeout, cfg.timeout)
	}
	start := time.Now()
	if deadline, ok := ctx.Deadline(); !ok || deadline.Sub(start) > timeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var f *flight
	if t.e.Repeat != RepeatSafe {
		f = &flight{}
		f.trace.GetConn, f.trace.GotConn = f.getConn, f.gotConn
		ctx = httptrace.WithClientTrace(ctx, &f.trace)
	}
	r.Final = t.e.full == table[walletConfirmCheckout].full || t.e.full == table[subscriptionsConfirmCheckout].full

	// Not http.Client.Do: it prepares for redirects, which are never followed.
	resp, err := cfg.transport.RoundTrip(t.request(ctx))
	if err == nil && (resp == nil || resp.Body == nil) {
		err = errors.New("the transport gave neither an answer nor an error")
	}
	if err != nil {
		r.Sent = sent(f, err)
		r.err = t.networkError(err)
		t.log(ctx, &r, start)
		return r
	}
	r.Status, r.Sent = resp.StatusCode, true
	body, err := readBody(resp, cfg.maxResponse)
	r.body = body
	delete(resp.Header, "Set-Cookie")
	switch {
	case err == nil:
		r.answer = newAnswer(resp.StatusCode, resp.Header, *body)
	case errors.Is(err, errTooLarge):
		r.answer = answer{status: resp.StatusCode, header: resp.Header, shape: shapeOther}
		r.err = t.networkError(err)
	default:
		r.answer = answer{status: resp.StatusCode, header: resp.Header, shape: shapeOther}
		r.CutShort = true
		r.err = t.networkError(err)
	}
	// A request without a body is repeated by net/http itself when a kept
	// connection turns out to be dead, if it is a GET or has a key; the first
	// sending then never got an answer.
	if f != nil && t.body == nil && (t.key != "" || t.e.Method == get) && f.got.Load() > 1 {
		t.unanswered = true
	}
	// A full queue of jobs (429 without a limiter's headers) must not keep the
	// jobs in it from being asked for.
	if _, counted := headerInt(resp.Header, "X-Ratelimit-Remaining"); t.limit != nil && (counted || t.e.Limiter != LimiterGeneration) {
		var after time.Duration
		if r.Status == http.StatusTooManyRequests {
			after = t.retryAfter(&r, start)
		}
		t.limit.update(r.Status, resp.Header, time.Now(), after)
	}
	t.log(ctx, &r, start)
	return r
}

// sent reports whether bytes may have left. That none did needs proof: no
// connection could be made, or none was handed over. A transport that reports
// nothing has sent.
func sent(f *flight, err error) bool {
	if f == nil {
		return true
	}
	if f.got.Load() > 0 {
		return true
	}
	if f.asked.Load() > 0 {
		return false
	}
	op, ok := as[*net.OpError](err)
	return !ok || op.Op != "dial"
}

var (
	valueJSON = []string{"application/json"}
)

// request builds the request anew, so that no attempt sees what a transport
// did to the one before. It has no GetBody: net/http must not send a body twice
// without our counting it.
func (t *trip) request(ctx context.Context) *http.Request {
	cfg := t.c.cfg
	h := make(http.Header, 8)
	h["Accept"] = valueJSON
	h["User-Agent"] = cfg.userAgent
	if t.e.Bearer {
		h["Authorization"] = t.cred.bearer
	}
	switch generationAuth(t.e) {
	case keyInBearer:
		h["Authorization"] = []string{"Bearer " + t.cred.apiKey}
	case keyInHeader:
		h["Key"] = []string{t.cred.apiKey}
	}
	if t.key != "" {
		h["Idempotency-Key"] = []string{t.key}
	}
	for _, f := range t.opts.headers {
		h[f.name] = append(h[f.name], f.value)
	}
	req := (&http.Request{
		Method: t.e.Method,
		URL:    &url.URL{Scheme: cfg.scheme, Host: cfg.host, Path: t.path, RawPath: t.rawPath, RawQuery: t.query},
		Host:   cfg.host,
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h,
	}).WithContext(ctx)
	if t.body != nil {
		h["Content-Type"] = valueJSON
		b := &requestBody{}
		b.Reset(t.body)
		req.Body, req.ContentLength = b, int64(len(t.body))
	}
	return req
}

// requestBody is a bytes.Reader to be closed.
type requestBody struct{ bytes.Reader }

func (*requestBody) Close() error { return nil }

var errTooLarge = errors.New("the answer is larger than WithMaxResponseBytes allows")

// bodies keeps buffers for answers. What outlives a call is copied out of them.
var bodies = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}

const maxPooledBody = 1 << 20

func releaseBody(b *[]byte) {
	if cap(*b) <= maxPooledBody {
		*b = (*b)[:0]
		bodies.Put(b)
	}
}

// readBody reads an answer to its end, so that the connection can be used
// again, and closes it.
func readBody(resp *http.Response, limit int64) (*[]byte, error) {
	defer func() { _ = resp.Body.Close() }()
	p := bodies.Get().(*[]byte)
	b := (*p)[:0]
	if n := resp.ContentLength; n > int64(cap(b)) && n <= limit {
		b = make([]byte, 0, n+1)
	}
	var err error
	for err == nil {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		room := b[len(b):cap(b)]
		if most := limit + 1 - int64(len(b)); int64(len(room)) > most {
			room = room[:most]
		}
		var n int
		n, err = resp.Body.Read(room)
		b = b[:len(b)+n]
		if int64(len(b)) > limit {
			err = errTooLarge
		}
	}
	*p = b
	if err == io.EOF {
		err = nil
	}
	return p, err
}

// read makes of the last attempt what the caller gets.
func (t *trip) read(r *result, out any) error {
	switch {
	case r.Status == 0:
		if t.opts.response != nil {
			*t.opts.response = Response{IdempotencyKey: t.key, Attempts: t.attempts}
		}
		return t.lost(r.err, r.Open())
	case r.err != nil: // it broke off, or is too large
		t.fill(r)
		e := t.apiError(r)
		e.Message = "the answer could not be read"
		switch {
		case t.e.Repeat != RepeatSafe && (r.CutShort || r.Status < 300 || r.Open() || t.unanswered):
			e.OutcomeUnknown = true
			return t.unknown(&lostAnswer{r.err, e})
		case r.Status < 300:
			e.OutcomeUnknown = false
		}
		return &lostAnswer{r.err, e}
	}
	t.fill(r)
	// The generation APIs say what became of a job by its status; error is then
	// one member of many.
	if r.answer.refused() || r.answer.failed() && generationAuth(t.e) == keyNowhere {
		return t.refused(r, out)
	}
	err := t.settle(r, out)
	if err == nil {
		return nil
	}
	if kinded, ok := as[*APIError](err); ok && !kinded.OutcomeUnknown {
		return err // a definite answer of another kind
	}
	e := t.apiError(r)
	e.Message = t.scrub(clean(err.Error(), maxMessageText))
	if t.e.Repeat == RepeatSafe {
		return e
	}
	e.OutcomeUnknown = true
	return t.unknown(e)
}

// lostAnswer is an answer that could not be read to its end.
type lostAnswer struct {
	err error
	api *APIError
}

func (e *lostAnswer) Error() string   { return e.api.Error() + ": " + e.err.Error() }
func (e *lostAnswer) Unwrap() []error { return []error{e.api, e.err} }

// lost is the error of a call that got no answer.
func (t *trip) lost(err error, open bool) error {
	if t.e.Repeat == RepeatSafe {
		return err
	}
	if open || t.unanswered {
		return t.unknown(err)
	}
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ended) {
			return ended // before any byte was sent
		}
	}
	return err
}

// refused is the error of an answer that says no.
func (t *trip) refused(r *result, out any) error {
	err, e, decided := t.typed(r)
	if f, ok := out.(refuser); ok && !decided && !t.unanswered {
		if err := f.refusal(e); err != nil {
			return err
		}
	}
	if t.e.Repeat == RepeatSafe {
		return err
	}
	// A refusal settles the sending that it answers and no other one.
	// One in a success or a redirect is no refusal unless its code says so.
	vague := e.StatusCode < 300 && e.kind() == ErrServer || e.StatusCode >= 300 && e.StatusCode < 400 && t.e.Spends
	if r.Open() || vague || t.unanswered && !decided {
		e.OutcomeUnknown = true
		return t.unknown(err)
	}
	return err
}

// typed gives an answer that says no the type that callers have to act on, and
// its part that all have. decided: the payment itself was looked at.
func (t *trip) typed(r *result) (err error, e *APIError, decided bool) {
	generation := generationAuth(t.e) != keyNowhere
	switch declined := r.Status == http.StatusPaymentRequired || jsonText(member(r.answer.outer.err, "code")) == "payment_declined"; {
	case r.Status == http.StatusTooManyRequests:
		limited := &RateLimitError{Limiter: t.e.Limiter, RetryAfter: t.retryAfter(r, time.Now())}
		err, e = limited, &limited.APIError
	case declined && !generation:
		d := &PaymentDeclinedError{}
		err, e, decided = d, &d.APIError, true
	default:
		e = &APIError{}
		err = e
	}
	t.fillError(e, r)
	r.answer.fault(e)
	e.Message = t.scrub(clean(e.Message, maxMessageText))
	if e.StatusCode >= 300 && e.StatusCode < 400 {
		e.Message = "redirected; API calls follow no redirects, so check the base URL"
	}
	if d, ok := err.(*PaymentDeclinedError); ok { //nolint:errorlint // made above, and never wrapped
		d.DeclineCode = jsonText(member(e.Details, "decline_code"))
		d.PaymentIntentID = jsonText(member(e.Details, "payment_intent_id"))
		if d.DeclineCode == "authentication_required" {
			a := &RequiresActionError{APIError: *e, PaymentIntentID: d.PaymentIntentID, ClientSecret: secretOf(member(e.Details, "client_secret"))}
			return a, &a.APIError, true
		}
	}
	return err, e, decided
}

func secretOf(v []byte) Secret {
	if s := jsonText(v); s != "" {
		return NewSecret(s)
	}
	return Secret{}
}

// settle makes a result of a success. Money that has not moved yet is none.
func (t *trip) settle(r *result, out any) error {
	a := &r.answer
	if a.shape == shapeOther {
		return errUnreadable
	}
	if t.e.Spends && t.e.Bearer {
		if err := t.settled(r); err != nil {
			return err
		}
	}
	switch d := out.(type) {
	case nil:
		return nil
	case decoder:
		return d.decode(t, a)
	}
	if !t.byHand {
		return a.decode(out)
	}
	p := a.payload()
	if p == nil {
		return errNoData
	}
	return json.Unmarshal(p, out)
}

// settled looks at a success of a call that spends: only a finished payment is
// one.
func (t *trip) settled(r *result) error {
	var payment, status, message []byte
	for m := membersOf(r.answer.payload()); m.next(); {
		switch string(m.name) {
		case "payment":
			payment = m.value
		case "status":
			status = m.value
		case "message":
			message = m.value
		}
	}
	var state string
	var intent, secret []byte
	for m := membersOf(payment); m.next(); {
		switch string(m.name) {
		case "status":
			state = jsonText(m.value)
		case "payment_intent_id":
			intent = m.value
		case "client_secret":
			secret = m.value
		}
	}
	switch {
	case state == requiresAction, state == "" && jsonText(status) == requiresAction:
		e := t.apiError(r)
		e.Code, e.Message = requiresAction, t.scrub(clean(jsonText(message), maxMessageText))
		p := r.answer.payload()
		if intent == nil {
			intent, secret = member(p, "payment_intent_id"), member(p, "client_secret")
		}
		return &RequiresActionError{APIError: *e, PaymentIntentID: jsonText(intent), ClientSecret: secretOf(secret)}
	case state != "" && !finished(state):
		return unfinishedError(state)
	case state == "" && r.Status == http.StatusAccepted && t.e.Name != unlisted:
		return errors.New("accepted, and not finished")
	}
	return nil
}

const requiresAction = "requires_action"

// finished tells the words for money that has moved.
func finished(status string) bool {
	switch strings.ToLower(status) {
	case "succeeded", "success", "successful", "paid", "complete", "completed":
		return true
	}
	return false
}

// fill gives the caller the response.
func (t *trip) fill(r *result) {
	if t.opts.response != nil {
		*t.opts.response = t.response(r)
	}
}

func (t *trip) response(r *result) Response {
	a := &r.answer
	resp := Response{
		StatusCode:        a.status,
		Header:            a.header,
		RequestID:         a.requestID(),
		RateLimit:         t.limit.read(t.e.Limiter, a.header, time.Now()),
		IdempotencyKey:    t.key,
		IdempotencyReplay: t.key != "" && a.replayed(),
		Attempts:          t.attempts,
	}
	if r.body != nil && len(*r.body) > 0 {
		resp.Raw = bytes.Clone(*r.body)
	}
	return resp
}

func (t *trip) apiError(r *result) *APIError {
	e := &APIError{}
	t.fillError(e, r)
	return e
}

func (t *trip) fillError(e *APIError, r *result) {
	e.Method, e.Path = t.e.Method, t.e.Path
	if t.opts.response != nil {
		e.Response = *t.opts.response
	} else {
		e.Response = t.response(r)
	}
}

func (t *trip) unknown(err error) error {
	u := &OutcomeUnknownError{Operation: t.opts.operation, Endpoint: t.e.Name, IdempotencyKey: t.key, Err: err}
	if p, ok := t.in.body.(priced); ok {
		u.Amount = p.price()
	}
	return u
}

// networkError is err without the URL that net/http writes into it.
func (t *trip) networkError(err error) error {
	if u, ok := as[*url.Error](err); ok {
		err = u.Err
	}
	return &networkError{method: t.e.Method, path: t.e.Path, text: t.scrub(clean(err.Error(), maxMessageText)), err: err}
}

type networkError struct {
	method, path, text string
	err                error
}

func (e *networkError) Error() string { return "modelslab: " + e.method + " " + e.path + ": " + e.text }
func (e *networkError) Unwrap() error { return e.err }

// scrub takes out of foreign text what the request itself held in secret.
func (t *trip) scrub(s string) string {
	if s == "" {
		return s
	}
	if t.cred != nil {
		s = t.cred.scrub(s)
	}
	if p, ok := t.in.body.(secretly); ok {
		for _, secret := range p.secrets() {
			if len(secret) > 2 {
				s = strings.ReplaceAll(s, secret, redacted)
			}
		}
	}
	return scrubText(s)
}

// log writes one record for an attempt.
func (t *trip) log(ctx context.Context, r *result, start time.Time) {
	l := t.c.cfg.logger
	if l == nil || !l.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("endpoint", t.e.Name), slog.String("method", t.e.Method), slog.String("path", t.e.Path),
		slog.Int("attempt", t.attempts), slog.Duration("duration", time.Since(start)),
	}
	if r.Status != 0 {
		attrs = append(attrs, slog.Int("status", r.Status), slog.String("request_id", clean(r.answer.requestID(), maxCodeText)))
		if left, ok := headerInt(r.answer.header, "X-Ratelimit-Remaining"); ok {
			attrs = append(attrs, slog.String("limiter", string(t.e.Limiter)), slog.Int64("remaining", left))
		}
	}
	if r.err != nil {
		attrs = append(attrs, slog.String("error", r.err.Error()))
	}
	l.LogAttrs(ctx, slog.LevelDebug, "modelslab attempt", attrs...)
}

// checkPath refuses paths that would not reach the place they name.
func checkPath(param, path string) error {
	reason := ""
	switch {
	case path == "" || path[0] != '/':
		reason = "must start with a slash"
	case strings.ContainsAny(path, "?#"):
		reason = "must hold no query; give url.Values instead"
	case strings.ContainsAny(path, "%\\") || hasControl(path) || strings.Contains(path, " "):
		reason = "must hold no escapes, backslashes, spaces or control characters"
	case len(path) > 1 && path[len(path)-1] == '/':
		reason = "must not end with a slash"
	}
	for _, element := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		if reason == "" && (element == "" || element == "." || element == "..") {
			reason = "must be clean: no empty element, no . and no .."
		}
	}
	if reason != "" {
		return &ParamError{Param: param, Value: path, Reason: reason}
	}
	return nil
}

// checkElement refuses what cannot be one element of a path.
func checkElement(param, s string) error {
	reason := ""
	switch {
	case s == "":
		reason = "is empty"
	case s == "." || s == "..":
		reason = "is no id"
	case strings.ContainsAny(s, "/\\") || hasControl(s):
		reason = "must hold no slash and no control character"
	case looksLikeCardNumber(s):
		return &ParamError{Param: param, Reason: "is a card number; an id is needed"}
	}
	if reason != "" {
		return &ParamError{Param: param, Value: s, Reason: reason}
	}
	return nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
