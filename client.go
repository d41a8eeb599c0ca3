package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/modelslab/modelslab-agents-go/internal/retry"
)

// Client calls the API. It is safe for concurrent use. Its configuration never
// changes; clients made from it with [Client.With] and [Client.WithSession]
// share its connections and what is known of the server's limiters.
type Client struct {
	Auth          *AuthService
	Profile       *ProfileService
	APIKeys       *APIKeysService
	Usage         *UsageService
	Models        *ModelsService
	Billing       *BillingService
	Wallet        *WalletService
	Subscriptions *SubscriptionsService
	Teams         *TeamsService
	Generation    *GenerationService

	cfg    *config
	cell   *cell
	over   *overrides
	shared *shared
	limit  partyLimits

	latest *latest
}

// latest is what the latest call has looked up, so that most need not.
type latest struct {
	credentials atomic.Pointer[ownCredentials]
	journal     atomic.Pointer[lastJournal]
}

// ownCredentials are those of a client that has overrides, made of its session's.
type ownCredentials struct {
	of  *credentials
	own credentials
}

// overrides are what a client made with With has of its own beside its session's
// token.
type overrides struct{ apiKey, account string }

// credentials are what a call is made with.
func (c *Client) credentials() *credentials {
	k := c.cell.load()
	if c.over == nil {
		return k
	}
	if last := c.latest.credentials.Load(); last != nil && last.of == k {
		return &last.own
	}
	last := &ownCredentials{k, *k}
	last.own.apiKey, last.own.account = firstOf(c.over.apiKey, k.apiKey), firstOf(c.over.account, k.account)
	c.latest.credentials.Store(last)
	return &last.own
}

// shared is what all clients made from one New have in common.
type shared struct {
	limits   limits
	keys     keysInUse
	stripe   stripeConfigs
	owners   owners
	queues   queues
	journals journals
}

// partyLimits are the limiters that count by user, of the client's own user.
type partyLimits struct{ general, billing, generation *limitState }

// New makes a client. It checks every option and uses no network.
func New(opts ...Option) (*Client, error) {
	return build(defaultConfig(), &Client{cell: newCell(&credentials{}), shared: &shared{}}, opts)
}

// With makes a client with more options than c. Credentials among them replace
// c's; without any, both use the same ones, and a token that either refreshes is
// new for both.
func (c *Client) With(opts ...Option) (*Client, error) {
	cfg := *c.cfg
	cfg.given = nil
	return build(&cfg, c, opts)
}

// WithSession makes a client that acts with what s holds: token, API key and
// account. What s lacks is absent, not inherited. With a nil session, or one
// whose token cannot be sent, each call of the client fails and says so.
func (c *Client) WithSession(s *Session) *Client {
	return assemble(c.cfg, newCell(sessionCredentials(s)), nil, c.shared)
}

func build(cfg *config, from *Client, opts []Option) (*Client, error) {
	for i, opt := range opts {
		if opt == nil {
			return nil, &ParamError{Param: fmt.Sprintf("Option %d", i+1), Reason: "nil"}
		}
		if err := opt(cfg); err != nil {
			return nil, err
		}
	}
	cl, over, given := from.cell, from.over, cfg.given
	cfg.given = nil
	switch {
	case given == nil:
	case given.token != "":
		cl, over = newCell(given), nil
	case cl.load().token != "": // the session stays, and may be refreshed
		was := overrides{}
		if over != nil {
			was = *over
		}
		over = &overrides{firstOf(given.apiKey, was.apiKey), firstOf(given.account, was.account)}
	default:
		was := cl.load()
		given.apiKey, given.account = firstOf(given.apiKey, was.apiKey), firstOf(given.account, was.account)
		cl, over = newCell(given), nil
	}
	return assemble(cfg, cl, over, from.shared), nil
}

func assemble(cfg *config, cl *cell, over *overrides, sh *shared) *Client {
	c := &Client{cfg: cfg, cell: cl, over: over, shared: sh, latest: &latest{}}
	party := cfg.origin() + " " + c.party()
	c.limit = partyLimits{
		general:    sh.limits.state(LimiterGeneral, party),
		billing:    sh.limits.state(LimiterBilling, party),
		generation: sh.limits.state(LimiterGeneration, party),
	}
	c.Auth = &AuthService{c}
	c.Profile = &ProfileService{c}
	c.APIKeys = &APIKeysService{c}
	c.Usage = &UsageService{c}
	c.Models = &ModelsService{c}
	c.Billing = &BillingService{c}
	c.Wallet = &WalletService{c}
	c.Subscriptions = &SubscriptionsService{c}
	c.Teams = &TeamsService{c}
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
// It is the way to the groups that the vendor names and whose paths it has not
// published: Training, Servers and Uploads. A path that the server does not have
// is [ErrNotFound].
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
		if err := checkOut(out); err != nil {
			return err
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
			_, e.Job = out.(*job)
			e.Job = e.Job && !strings.HasPrefix(full, enterprise+"/") // dedicated servers have queues of their own
		}
	}
	t := trip{c: c, e: e, path: full, byHand: true}
	switch v := in.(type) {
	case nil:
	case url.Values:
		if v.Has(methodField) {
			return &ParamError{Param: "in", Reason: methodField + " would make another call of it"}
		}
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
	err            error // what is wrong with an argument beside the body
}

// byID is the input of a call about one thing.
func byID(id ID, body any) input {
	return input{body: body, param: "id", element: itoa(int64(id)), err: checkID("id", id)}
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
	escaped     string // path with an element's slashes escaped; "": it has none
	body        []byte
	inputs      []attachment // files among the params, which travel in the body
	flagged     bool         // and which the field base64 has to announce
	files       *fileBody    // the body, if there are any
	upload      *fileReader  // the body of the attempt at hand
	events      *eventBody   // wanted: an answer that streams events
	opts        callOptions
	cred        *credentials
	key         string   // the idempotency key; "": the call takes none
	keyTry      int      // the try of an operation that it is of
	owner       string   // the account that the key was derived for
	track       string   // a submission's own name, told to its webhook
	pay         *payment // a call that spends
	recalled    bool     // the answer is a recorded one
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
	if t.e.Spends {
		return seal(t.spend(ctx, out))
	}
	release, err := t.allow()
	if err != nil {
		return err
	}
	if release != nil {
		err = ErrOutcomeUnknown // until it is known: a decoder of the caller's may panic
		defer func() { release(err) }()
	}
	if err = t.wait(ctx); err == nil {
		err = t.send(ctx, out)
	}
	if err == nil {
		err = t.afterwards(ctx, out)
	}
	return seal(err)
}

// afterwards writes down what a call has settled that does not spend itself.
func (t *trip) afterwards(ctx context.Context, out any) error {
	var err error
	switch p, confirms := t.in.body.(sessionParams); {
	case confirms:
		intent := ""
		if f, ok := out.(*checkoutFunding); ok {
			intent = f.PaymentIntentID
		}
		err = t.c.settlesSession(ctx, p.SessionID, intent)
	case t.e == walletDisableAutoFunding.row():
		err = t.c.endsOrder(ctx, autoFundingOrder)
	case t.e == subscriptionsPause.row() && len(t.c.cfg.policies) > 0:
		var plan ID
		if plan, err = t.planOf(ctx); err == nil && plan != 0 {
			err = t.c.endsOrder(ctx, planOrder(plan))
		}
	}
	if errors.Is(err, ErrPaidTwice) {
		return err
	}
	if err != nil {
		t.journalFailed(nil, err)
		t.c.warn(ctx, "modelslab: what was settled could not be written down", slog.String("endpoint", t.e.Name), slog.String("error", err.Error()))
	}
	return nil
}

// warn tells the owner's log what went wrong beside a call that worked.
func (c *Client) warn(ctx context.Context, message string, attrs ...slog.Attr) {
	if l := c.cfg.logger; l != nil {
		l.LogAttrs(ctx, slog.LevelError, message, attrs...)
	}
}

// party stands for the account where the account itself is not known.
func (c *Client) party() string {
	if c.over != nil && c.over.account != "" {
		return partyOf(c.over.account)
	}
	return c.cell.party
}

// describe fixes what is sent. Nothing edits it afterwards.
func (t *trip) describe(ctx context.Context, opts []RequestOption) error {
	if ctx == nil {
		return &ParamError{Param: "ctx", Reason: "nil"}
	}
	if t.in.err != nil {
		return t.in.err
	}
	if err := t.opts.apply(t.c.cfg.defaults); err != nil {
		return err
	}
	if err := t.opts.apply(opts); err != nil {
		return err
	}
	if t.cred = t.c.credentials(); t.cred.err != nil {
		return t.cred.err
	}
	if v := reflect.ValueOf(t.in.body); t.byHand && v.Kind() == reflect.Pointer && v.IsNil() {
		return &ParamError{Param: "in", Reason: "is a nil pointer"}
	}
	if err := t.checkParams(ctx); err != nil {
		return err
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
		if strings.HasPrefix(t.query, "key=") || strings.Contains(t.query, "&key=") {
			return &ParamError{Param: "key", Reason: "the API key is added by the client; see WithAPIKey"}
		}
		q := url.Values{"key": {t.cred.apiKey}}.Encode()
		if t.query != "" {
			q = t.query + "&" + q
		}
		t.query = q
	}
	return t.encode(auth)
}

// checkParams refuses params that cannot be right.
func (t *trip) checkParams(ctx context.Context) error {
	if t.in.body == nil {
		return nil
	}
	tagged := t.byHand || t.e.generation()
	if tagged {
		if err := checkRules(t.in.body); err != nil {
			return err
		}
	}
	if p, ok := t.in.body.(checker); ok {
		if err := p.check(); err != nil {
			return err
		}
	}
	if !tagged {
		return nil
	}
	return t.attach(ctx)
}

func (t *trip) fillPath() error {
	t.path = t.e.full
	if t.in.param == "" {
		return nil
	}
	element := t.in.element
	check := checkElement
	if t.e.full == table[modelsGet].full || t.e.full == table[modelSearchGet].full {
		check = checkModelID
	}
	if err := check(t.in.param, element); err != nil {
		return err
	}
	open, end := strings.IndexByte(t.path, '{'), strings.IndexByte(t.path, '}')
	before, after := t.path[:open], t.path[end+1:]
	t.path = before + element + after // net/url escapes it, but for slashes
	if strings.Contains(element, "/") {
		t.escaped = before + url.PathEscape(element) + after
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
	if t.flagged && !hasMember(body, "base64") {
		body = appendField(body, bodyField{name: "base64", value: []byte("true")})
	}
	body = t.tracked(body)
	if auth == keyInBody {
		if hasMember(body, "key") {
			return &ParamError{Param: "key", Reason: "the API key is added by the client; see WithAPIKey"}
		}
		key, err := json.Marshal(t.cred.apiKey)
		if err != nil {
			return err
		}
		body = appendField(body, bodyField{name: "key", value: key})
	}
	for _, f := range t.opts.fields {
		if hasField(in, f.name) || hasMember(body, f.name) {
			return &ParamError{Param: "WithBodyField " + f.name, Reason: "the call has a field of its own for it"}
		}
		body = appendField(body, f)
	}
	if (t.byHand || len(t.opts.fields) > 0) && hasMember(body, methodField) {
		return &ParamError{Param: methodField, Reason: "would make another call of it"}
	}
	if err := t.fits(body); err != nil {
		return err
	}
	if len(t.inputs) == 0 && bytes.Contains(body, []byte(markPrefix)) && markForm.Match(body) {
		return strayInput()
	}
	if len(t.inputs) > 0 {
		var err error
		t.files, err = newFileBody(body, t.inputs)
		return err
	}
	t.body = body
	return nil
}

// tracked gives a submission with a webhook a track id, if it has none: should its
// answer be lost, the webhook tells which job it made.
func (t *trip) tracked(body []byte) []byte {
	if !t.e.Job || t.c.cfg.private {
		return body
	}
	if v := member(body, "track_id"); v != nil {
		t.track = string(scalar(v))
		return body
	}
	if t.byHand || !hasMember(body, "webhook") || !hasField(t.in.body, "track_id") {
		return body
	}
	id := NewTrackID()
	t.track = id.String()
	value := []byte(t.track)
	if f, ok := reflect.TypeOf(t.in.body).FieldByName("TrackID"); ok && f.Type.Kind() == reflect.String {
		value = strconv.AppendQuote(nil, t.track)
	}
	return appendField(body, bodyField{name: "track_id", value: value})
}

// appendField adds a member to an encoded object.
func appendField(object []byte, f bodyField) []byte {
	name, _ := json.Marshal(f.name) // a text always encodes
	object = object[:len(object)-1]
	if len(object) > 1 {
		object = append(object, ',')
	}
	return append(append(append(append(object, name...), ':'), f.value...), '}')
}

// methodField is what the server's framework takes for the request's method,
// wherever it finds it.
const methodField = "_method"

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
		if t.e.Repeat != RepeatKeyed && !(t.e.Job || t.e.Spends && t.e.generation() && t.e.Name != unlisted) {
			return &ParamError{Param: "WithOperation", Value: t.opts.operation, Reason: t.e.Name + " takes no key"}
		}
		account, known, err := t.c.bookAccount(ctx, t.cred, true)
		switch {
		case err != nil:
			return err
		case !known:
			return errNoAccount
		}
		t.owner = account
		if t.e.Repeat == RepeatKeyed {
			t.key, t.keyTry = operationKey(account, t.e.Name, t.opts.operation, 1), 1
		}
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
	use := t.key // an operation's holds the account
	if t.opts.operation == "" {
		use = t.c.cell.party + " " + t.key
	}
	if err := t.c.shared.keys.take(use, fingerprint(t.e.Method, t.path+"?"+t.query, t.body)); err != nil {
		return nil, err
	}
	return func(err error) {
		t.c.shared.keys.release(use, err == nil || errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, ErrRequiresAction))
	}, nil
}

// limiterSlack is by how much a wait for a limiter may be longer than MaxWait, if
// that is a minute or more: a limiter's minute, and what is added to it, fit then.
const limiterSlack = 5 * time.Second

// mayWait reports whether a wait for a limiter is worth starting.
func (t *trip) mayWait(ctx context.Context, d time.Duration) bool {
	policy := t.c.cfg.retry
	if policy.MaxWait >= time.Minute {
		policy.MaxWait += limiterSlack
	}
	return policy.Fits(ctx, d)
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
			return t.admit(ctx)
		}
		if mode == RateLimitRefuse || !t.mayWait(ctx, d) {
			return &RateLimitError{
				APIError: APIError{
					Response: Response{IdempotencyKey: t.key, RateLimit: t.limit.snapshot(t.e.Limiter, time.Now())},
					Method:   t.e.Method, Path: t.e.Path,
					Message: "the limiter " + string(t.e.Limiter) + " is used up",
				},
				Limiter: t.e.Limiter, RetryAfter: d,
			}
		}
		if err := holdOn(ctx, d); err != nil {
			return err
		}
	}
}

// send makes the attempts, each with the same body and key, and reads what came
// of them.
func (t *trip) send(ctx context.Context, out any) error {
	policy := &t.c.cfg.retry
	if err := ctx.Err(); err != nil {
		return err // nothing was sent
	}
	renewable := t.e.Bearer && t.e != authRefresh.row()
	if renewable {
		if err := t.c.renew(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		t.cred = t.c.credentials() // a refresh may have come between
	}
	r := &t.last
	defer r.free()
	if err := t.reserve(ctx); err != nil {
		return err
	}
	var renewed bool
	var answered *result // the last one before r with an answer, and a repeat after it
	for {
		*r = t.attempt(ctx)
		if r.Status == http.StatusUnauthorized && r.err == nil && ctx.Err() == nil && renewable && !renewed && t.attempts < policy.MaxAttempts && t.replaced(ctx) {
			renewed = true // it was on its way when the token died
			r.free()
			t.cred = t.c.credentials()
			if r.err = t.again(ctx); r.err == nil {
				continue
			}
			*r = result{err: r.err}
			break
		}
		if t.attempts >= policy.MaxAttempts || !retry.MayRepeat(t.e.Repeat.class(), r.Attempt) || ctx.Err() != nil || t.files != nil && !t.files.again() {
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
		stopped := holdOn(ctx, delay)
		if stopped == nil {
			stopped = t.admit(ctx)
		}
		if stopped == nil {
			stopped = t.again(ctx)
		}
		if stopped != nil {
			if r.err = stopped; lost != nil && answered == nil {
				r.err = &stoppedError{stopped, lost}
			}
			break // nothing was sent this time
		}
	}
	defer answered.free()
	if r.Status != 0 || answered == nil {
		t.note(r)
		return t.read(r, out)
	}
	return t.both(r, answered, out)
}

// holdOn waits while nothing is on its way. A batch that has stopped ends it.
func holdOn(ctx context.Context, d time.Duration) error {
	stop, ok := ctx.Value(stopWaiting{}).(chan struct{})
	if !ok || d <= 0 {
		return retry.Wait(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-stop:
		return context.Canceled
	}
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

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Response is what came beside the data: of a success by [WithResponse], of a
// failure in every [APIError]. It prints as one line, without headers and body.
type Response struct {
	StatusCode        int
	Header            http.Header     // without Set-Cookie
	RequestID         string          // the server's id, to quote to its support
	RateLimit         RateLimit       // as this answer's headers have it
	IdempotencyKey    string          // what was sent; empty for calls that carry none
	IdempotencyReplay bool            // the answer is that of an earlier request: the server's word, or the journal's
	Attempts          int             // sendings of this call; 0: the journal answered
	Raw               json.RawMessage // the whole body as received, secrets included
	// JournalErr is set when the call worked and its outcome could not be
	// written down: it stays in Client.Pending until the store writes again.
	JournalErr error
}

func (r Response) line() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(r.StatusCode))
	if r.RequestID != "" {
		b.WriteString(" (request " + clean(r.RequestID, maxCodeText) + ")")
	}
	if r.IdempotencyReplay {
		b.WriteString(" replay")
	}
	if r.Attempts > 1 {
		b.WriteString(" after " + strconv.Itoa(r.Attempts) + " attempts")
	}
	return b.String()
}

// Format writes one line under every verb.
func (r Response) Format(f fmt.State, verb rune) { formatText(f, verb, r.line()) }

// LogValue implements slog.LogValuer.
func (r Response) LogValue() slog.Value { return slog.StringValue(r.line()) }

// MarshalJSON writes the facts without headers and body.
func (r Response) MarshalJSON() ([]byte, error) {
	return marshalError(APIError{Response: r}, r.line())
}
