package modelslab

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/modelslab/modelslab-agents-go/internal/retry"
	"github.com/modelslab/modelslab-agents-go/internal/stripecard"
)

// Version is the version of this library, as its User-Agent names it.
const Version = "0.1.0"

const (
	defaultOrigin         = "https://modelslab.com"
	defaultRequestTimeout = 60 * time.Second // for one attempt
	defaultMaxResponse    = 32 << 20         // bytes
	connectionsPerHost    = 100              // kept open for a fleet of goroutines
)

// Option configures a [Client]. Options are checked by [New] and
// [Client.With]; none of them uses the network.
type Option func(*config) error

// config is what the options say. It does not change once its client is made.
type config struct {
	scheme, host string // of the origin
	stripeOrigin string
	stripeKey    string            // pinned by the owner; usually empty
	transport    http.RoundTripper // for API calls
	timeout      time.Duration     // of the caller's http.Client; 0: none
	publicFiles  *http.Client      // for downloads of a client with a public origin
	localFiles   *http.Client      // and of one whose origin is this machine
	stripe       *http.Client      // nil: stripecard's own
	userAgent    []string
	logger       *slog.Logger
	retry        retry.Policy
	rateLimit    RateLimitPolicy
	maxResponse  int64
	refresh      *RefreshPolicy // nil: none
	queueLimit   int            // of unfinished jobs; 0: none
	policies     []SpendPolicy  // all must allow
	store        Store
	private      bool // the store is the default one
	keyLifetime  time.Duration
	clock        *clock
	defaults     []RequestOption
	jitter       func() float64

	// credentials that the options at hand give; taken out by the client.
	given *credentials
}

func defaultConfig() *config {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if ok {
		transport = transport.Clone()
	} else {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	}
	transport.MaxIdleConnsPerHost = connectionsPerHost
	cfg := &config{
		stripeOrigin: stripecard.Origin,
		userAgent:    []string{"modelslab-agents-go/" + Version},
		retry:        RetryPolicy{}.policy(),
		maxResponse:  defaultMaxResponse,
		jitter:       rand.Float64,
		store:        NewMemoryStore(),
		private:      true,
		keyLifetime:  defaultKeyLifetime,
		clock:        newClock(),
	}
	cfg.scheme, cfg.host, _ = strings.Cut(defaultOrigin, "://")
	cfg.setHTTPClient(&http.Client{})
	cfg.transport = transport
	return cfg
}

func (cfg *config) origin() string { return cfg.scheme + "://" + cfg.host }

// local reports whether the origin is this machine.
func (cfg *config) local() bool { return isLoopback((&url.URL{Host: cfg.host}).Hostname()) }

// setHTTPClient takes what is needed of hc: API calls follow no redirect (a POST
// would become a GET of some login page) and keep no cookies, so its transport
// does; downloads have a client of their own, since they may take their time.
func (cfg *config) setHTTPClient(hc *http.Client) {
	cfg.transport, cfg.timeout = hc.Transport, hc.Timeout
	if cfg.transport == nil {
		cfg.transport = http.DefaultTransport
	}
	cfg.publicFiles, cfg.localFiles = fileClient(hc, false), fileClient(hc, true)
}

func (cfg *config) giving() *credentials {
	if cfg.given == nil {
		cfg.given = &credentials{}
	}
	return cfg.given
}

// FromEnv reads MODELSLAB_TOKEN, MODELSLAB_API_KEY, MODELSLAB_BASE_URL and
// MODELSLAB_ACCOUNT, as far as they are set. Nothing else in this package reads
// the environment.
func FromEnv() Option {
	return func(cfg *config) error {
		for _, v := range []struct {
			name   string
			option func(string) Option
		}{
			{"MODELSLAB_BASE_URL", WithBaseURL},
			{"MODELSLAB_TOKEN", WithAccessToken},
			{"MODELSLAB_API_KEY", WithAPIKey},
			{"MODELSLAB_ACCOUNT", WithAccount},
		} {
			if value := os.Getenv(v.name); value != "" {
				if err := v.option(value)(cfg); err != nil {
					return fmt.Errorf("%s: %w", v.name, err)
				}
			}
		}
		return nil
	}
}

// WithBaseURL sends all calls to another origin, such as
// "http://127.0.0.1:8085". Plain http is allowed on loopback only. A card is
// not sent to the real Stripe then; see [BillingService.TokenizeCard].
func WithBaseURL(origin string) Option {
	return func(cfg *config) (err error) {
		cfg.scheme, cfg.host, err = parseOrigin("WithBaseURL", origin)
		return err
	}
}

// WithStripeBaseURL sends card calls to another origin than
// https://api.stripe.com. Plain http is allowed on loopback only.
func WithStripeBaseURL(origin string) Option {
	return func(cfg *config) error {
		scheme, host, err := parseOrigin("WithStripeBaseURL", origin)
		cfg.stripeOrigin = scheme + "://" + host
		return err
	}
}

// WithStripePublishableKey pins Stripe's publishable key ("pk_…"), instead of
// asking the API for it. It is the owner's word that cards may go there.
func WithStripePublishableKey(key string) Option {
	return func(cfg *config) error {
		if err := checkPublishableKey("WithStripePublishableKey", key); err != nil {
			return err
		}
		cfg.stripeKey = key
		return nil
	}
}

// WithAccessToken sets the bearer token of the Agents API. In [Client.With] it
// drops the API key and the account, unless the same call gives them.
func WithAccessToken(token string) Option {
	return func(cfg *config) error {
		if err := checkCredential("WithAccessToken", token); err != nil {
			return err
		}
		cfg.giving().setToken(token)
		return nil
	}
}

// WithAPIKey sets the key of the generation APIs. It travels in their request
// bodies and is no access token.
func WithAPIKey(key string) Option {
	return func(cfg *config) error {
		if err := checkCredential("WithAPIKey", key); err != nil {
			return err
		}
		cfg.giving().apiKey = key
		return nil
	}
}

// WithAccount names the account that calls act for, where the session does not
// tell. Names of operations ([WithOperation]) belong to an account.
func WithAccount(id string) Option {
	return func(cfg *config) error {
		if id == "" || len(id) > maxOperationLength || hasControl(id) {
			return &ParamError{Param: "WithAccount", Value: id, Reason: "an account id is needed"}
		}
		cfg.giving().account = id
		return nil
	}
}

// WithSession uses what a [Session] holds: token, API key and account. What it
// lacks is absent.
func WithSession(s *Session) Option {
	return func(cfg *config) error {
		cred := sessionCredentials(s)
		if cred.err != nil {
			return cred.err
		}
		cfg.given = cred
		return nil
	}
}

// WithHTTPClient uses hc's transport for the API and for downloads. Its Timeout
// holds for each attempt of an API call, not for downloads. Its CheckRedirect and
// Jar are not used: API calls follow no redirects and keep no cookies. Cards never
// pass through it.
func WithHTTPClient(hc *http.Client) Option {
	return func(cfg *config) error {
		if err := checkHTTPClient("WithHTTPClient", hc); err != nil {
			return err
		}
		cfg.setHTTPClient(hc)
		return nil
	}
}

// WithStripeHTTPClient uses a copy of hc for card calls. Its transport sees card
// numbers in clear: a transport that logs requests would log them. Without this
// option cards travel over an HTTP/1.1 transport of the library's own.
func WithStripeHTTPClient(hc *http.Client) Option {
	return func(cfg *config) error {
		if err := checkHTTPClient("WithStripeHTTPClient", hc); err != nil {
			return err
		}
		cfg.stripe = hc
		return nil
	}
}

// WithUserAgent puts the program's name in front of the library's own.
func WithUserAgent(name string) Option {
	return func(cfg *config) error {
		if name == "" || hasControl(name) {
			return &ParamError{Param: "WithUserAgent", Value: name, Reason: "a name without control characters is needed"}
		}
		cfg.userAgent = []string{name + " modelslab-agents-go/" + Version}
		return nil
	}
}

// WithLogger logs each attempt of each call as one record at debug level: the
// endpoint, status, request id, attempt, duration and what the limiter has left.
// Never a URL, a header or a body.
func WithLogger(l *slog.Logger) Option {
	return func(cfg *config) error {
		if l == nil {
			return &ParamError{Param: "WithLogger", Reason: "nil; leave the option out to log nothing"}
		}
		cfg.logger = l
		return nil
	}
}

// RetryPolicy bounds the attempts of a call. Zero fields mean the defaults.
type RetryPolicy struct {
	MaxAttempts int           // sendings in all; default 3; 1: no repeats
	MinBackoff  time.Duration // default 0.5 s; before jitter
	MaxBackoff  time.Duration // default 8 s
	// MaxWait is the longest Retry-After worth waiting for; default 60 s.
	// Beyond it, or beyond the context's deadline, the error is returned at once.
	MaxWait time.Duration
}

func (p RetryPolicy) policy() retry.Policy {
	q := retry.Policy{MaxAttempts: 3, MinBackoff: 500 * time.Millisecond, MaxBackoff: 8 * time.Second, MaxWait: time.Minute}
	if p.MaxAttempts > 0 {
		q.MaxAttempts = p.MaxAttempts
	}
	if p.MinBackoff > 0 {
		q.MinBackoff = p.MinBackoff
	}
	if p.MaxBackoff > 0 {
		q.MaxBackoff = p.MaxBackoff
	}
	if p.MaxWait > 0 {
		q.MaxWait = p.MaxWait
	}
	return q
}

// WithRetryPolicy sets how often and how patiently a call is repeated, where
// its endpoint allows that at all; see [Repeat].
func WithRetryPolicy(p RetryPolicy) Option {
	return func(cfg *config) error {
		for _, f := range []struct {
			name  string
			value int64
		}{
			{"MaxAttempts", int64(p.MaxAttempts)}, {"MinBackoff", int64(p.MinBackoff)},
			{"MaxBackoff", int64(p.MaxBackoff)}, {"MaxWait", int64(p.MaxWait)},
		} {
			if f.value < 0 {
				return &ParamError{Param: "RetryPolicy." + f.name, Value: strconv.FormatInt(f.value, 10), Reason: "must not be negative"}
			}
		}
		cfg.retry = p.policy()
		if cfg.retry.MinBackoff > cfg.retry.MaxBackoff {
			return &ParamError{Param: "RetryPolicy.MinBackoff", Value: cfg.retry.MinBackoff.String(), Reason: "is more than MaxBackoff, " + cfg.retry.MaxBackoff.String()}
		}
		return nil
	}
}

// WithRateLimitPolicy sets what happens to a call whose limiter is known to be
// used up: it waits (the default), is refused, or is sent all the same.
func WithRateLimitPolicy(p RateLimitPolicy) Option {
	return func(cfg *config) error {
		if p.Mode < RateLimitWait || p.Mode > RateLimitOff {
			return &ParamError{Param: "RateLimitPolicy.Mode", Value: strconv.Itoa(int(p.Mode)), Reason: "must be RateLimitWait, RateLimitRefuse or RateLimitOff"}
		}
		cfg.rateLimit = p
		return nil
	}
}

// WithMaxResponseBytes bounds how much of an answer is read; default 32 MiB. It
// does not hold for downloads.
func WithMaxResponseBytes(n int64) Option {
	return func(cfg *config) error {
		if n <= 0 {
			return &ParamError{Param: "WithMaxResponseBytes", Value: strconv.FormatInt(n, 10), Reason: "must be more than 0"}
		}
		cfg.maxResponse = n
		return nil
	}
}

// WithRequestDefaults gives options to every call, before the call's own.
func WithRequestDefaults(opts ...RequestOption) Option {
	return func(cfg *config) error {
		var o callOptions
		if err := o.apply(opts); err != nil {
			return err
		}
		switch {
		case o.key != "":
			return &ParamError{Param: "WithRequestDefaults", Reason: "an idempotency key belongs to one call"}
		case o.operation != "":
			return &ParamError{Param: "WithRequestDefaults", Reason: "an operation's name belongs to one call"}
		case o.response != nil:
			return &ParamError{Param: "WithRequestDefaults", Reason: "give each call its own *Response"}
		case o.newTry:
			return &ParamError{Param: "WithRequestDefaults", Reason: "a new try belongs to one call"}
		case o.schema != nil:
			return &ParamError{Param: "WithRequestDefaults", Reason: "a schema belongs to one kind of call"}
		case len(o.fields) > 0:
			return &ParamError{Param: "WithRequestDefaults", Reason: "a body field belongs to the calls that have a body"}
		}
		cfg.defaults = append(cfg.defaults[:len(cfg.defaults):len(cfg.defaults)], opts...)
		return nil
	}
}

// RequestOption changes one call. It is the last argument of every method.
type RequestOption interface{ apply(*callOptions) error }

// callOptions is what a call's options say.
type callOptions struct {
	key, operation string
	response       *Response
	timeout        time.Duration
	headers        []headerField
	fields         []bodyField
	schema         *jsonschema.Resolved // nil: none
	maxCharge      Amount               // 0: none
	newTry         bool
	part           partOption // of an operation
}

type headerField struct{ name, value string }

type bodyField struct {
	name   string
	value  []byte       // JSON
	inputs []attachment // files in it
}

func (o *callOptions) apply(opts []RequestOption) error {
	for _, opt := range opts {
		if opt == nil {
			return &ParamError{Param: "RequestOption", Reason: "nil"}
		}
		if err := opt.apply(o); err != nil {
			return err
		}
	}
	if o.key != "" && o.operation != "" {
		return &ParamError{Param: "WithOperation", Value: o.operation, Reason: "an operation derives its own key; leave WithIdempotencyKey out"}
	}
	return nil
}

type requestOptionFunc func(*callOptions) error

func (f requestOptionFunc) apply(o *callOptions) error { return f(o) }

type responseOption struct{ r *Response }

func (w responseOption) apply(o *callOptions) error {
	if w.r == nil {
		return &ParamError{Param: "WithResponse", Reason: "nil"}
	}
	o.response = w.r
	return nil
}

// WithResponse fills *r with what the answer was beside its data, whether the
// call succeeds or fails, before the method returns. Give each call its own.
func WithResponse(r *Response) RequestOption { return responseOption{r} }

// WithIdempotencyKey sends key instead of a random one: at most 255 bytes of
// printable ASCII. The server carries out one request under a key and answers
// later ones with the first one's answer, for a time that is documented nowhere.
// It is an error for calls that take no key.
func WithIdempotencyKey(key string) RequestOption {
	return requestOptionFunc(func(o *callOptions) error {
		o.key = key
		return checkKey(key)
	})
}

// WithOperation derives the idempotency key from the account, the endpoint and
// name, which says what the call is for ("order-1041"). The same name after a
// crash is the same key, and pays once. It is an error for calls that take no
// key, and where the account cannot be learned; see [WithAccount].
func WithOperation(name string) RequestOption {
	return requestOptionFunc(func(o *callOptions) error {
		o.operation = name
		return checkOperation(name)
	})
}

// WithRequestTimeout bounds one attempt of a call, with its answer read to the
// end; default 60 s, and with files in the request one second more for each 128
// KiB that is sent, or ten minutes where nobody knows how much. The context bounds
// the whole call.
func WithRequestTimeout(d time.Duration) RequestOption {
	return requestOptionFunc(func(o *callOptions) error {
		if d <= 0 {
			return &ParamError{Param: "WithRequestTimeout", Value: d.String(), Reason: "must be more than 0"}
		}
		o.timeout = d
		return nil
	})
}

// WithHeader adds a header. Those that this package or net/http answers for
// cannot be set: credentials, cookies, Host, Accept, User-Agent
// ([WithUserAgent]), Content-*, the framing, the idempotency key, and those that
// make another call of it.
func WithHeader(k, v string) RequestOption {
	return requestOptionFunc(func(o *callOptions) error {
		if !isToken(k) {
			return &ParamError{Param: "WithHeader", Value: k, Reason: "is not a header's name"}
		}
		k := http.CanonicalHeaderKey(k)
		if reservedHeader(k) {
			return &ParamError{Param: "WithHeader", Value: k, Reason: "is set by this package alone"}
		}
		if hasControl(v) {
			return &ParamError{Param: "WithHeader " + k, Reason: "the value holds a control character"}
		}
		o.headers = append(o.headers, headerField{k, v})
		return nil
	})
}

// WithBodyField adds a field that the params type does not have to the body:
// the way to what the vendor publishes before this package does. v must encode
// to JSON and hold no [Secret]. A field named _method is refused: the server's
// framework would make another call of the request.
func WithBodyField(name string, v any) RequestOption {
	return requestOptionFunc(func(o *callOptions) error {
		param := "WithBodyField " + name
		if name == "" || hasControl(name) {
			return &ParamError{Param: "WithBodyField", Value: name, Reason: "a field's name is needed"}
		}
		if holdsSecret(reflect.ValueOf(v), 0) {
			return &ParamError{Param: param, Reason: "a Secret would be sent as \"[redacted]\"; it has no place here"}
		}
		b, err := json.Marshal(v)
		if err != nil {
			return &ParamError{Param: param, Reason: clean(err.Error(), maxMessageText)}
		}
		for _, f := range o.fields {
			if f.name == name {
				return &ParamError{Param: param, Reason: "is given twice"}
			}
		}
		f := bodyField{name: name, value: b}
		collectInputs(param, reflect.ValueOf(v), 0, false, func(param string, in Input) {
			f.inputs = append(f.inputs, attachment{param: param, way: mediaBase64, in: in})
		})
		o.fields = append(o.fields, f)
		return nil
	})
}
