package sandbox

import (
	"crypto/rand"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"
)

// Option changes what a Server is or how it behaves.
type Option func(*settings)

type settings struct {
	inMemory  bool
	addr      string
	origin    string
	clock     func() time.Time
	random    io.Reader
	onRequest func(Request)
	removed   map[string]bool

	faultsAtStart []Fault
	idempotency   Idempotency

	rateLimits       map[Limiter]int
	rateLimitHeaders RateLimitHeaders

	verificationCode   func(email string) string
	frameworkErrors    bool
	loginPageForHTML   bool
	envelopeEverywhere bool
	amountsAsStrings   bool
	shape              []rule // how answers differ from the documented shape

	minimumTopUp      int64
	actionRequired402 bool
	publishableKey    string

	checkoutLifetime   time.Duration
	checkoutWebhook    bool
	unfinishedCheckout int
	repeatableConfirm  bool

	coupons map[string]Coupon

	generationTime    time.Duration
	generationOutcome GenerationOutcome
	imagePrice        int64
	prices            map[string]int64 // by the endpoint's name
	queueLimit        int
	webhookTransport  http.RoundTripper // nil: the usual one

	services serviceSettings
}

func defaults() settings {
	return settings{
		addr:   "127.0.0.1:0",
		clock:  time.Now,
		random: rand.Reader,
		// Requests per minute, as the vendor's headless-flow page prints them.
		rateLimits:         map[Limiter]int{LimiterAuth: 20, LimiterBilling: 15, LimiterGeneral: 120},
		removed:            map[string]bool{},
		prices:             map[string]int64{},
		minimumTopUp:       10_00,
		checkoutLifetime:   24 * time.Hour, // Stripe's own default
		unfinishedCheckout: 202,
		coupons:            defaultCoupons(),
		generationTime:     2 * time.Second,
		generationOutcome:  GenerationSucceeds,
		imagePrice:         2,
		queueLimit:         5, // pay as you go
		publishableKey:     "pk_test_51SandboxSandboxSandboxSandbox",
		services:           defaultServiceSettings(),
	}
}

// InMemory makes a server without a socket: reach it through [Server.Transport].
// It starts no goroutine of its own but to call webhooks, so it works under
// testing/synctest.
func InMemory() Option { return func(s *settings) { s.inMemory = true } }

// WithAddr chooses the address to listen on, such as "127.0.0.1:8085". Only loopback
// addresses are accepted: the sandbox stores card numbers in clear.
func WithAddr(addr string) Option { return func(s *settings) { s.addr = addr } }

// WithURL sets the origin that [Server.URL] and every link name, for a server in memory
// or one that is mounted elsewhere. The default is "http://127.0.0.1" in memory, and the
// address of the listener otherwise.
func WithURL(origin string) Option {
	return func(s *settings) { s.origin = strings.TrimSuffix(origin, "/") }
}

// WithClock sets the clock that tokens, limits, keys, checkouts and generations read.
// The default is time.Now. The delay of a [Fault] does not use it: it really waits.
func WithClock(now func() time.Time) Option { return func(s *settings) { s.clock = now } }

// WithRandom sets where tokens, codes and ids come from. The default is crypto/rand.
func WithRandom(r io.Reader) Option { return func(s *settings) { s.random = r } }

// OnRequest calls f for each request when its answer is ready, before it is sent.
// f is called by several goroutines at once.
func OnRequest(f func(Request)) Option { return func(s *settings) { s.onRequest = f } }

// WithoutRoute removes the endpoint of that name, which then answers as a route that
// was not found: WithoutRoute("auth.verify_email") is a server that only knows the
// newer POST /auth/verify.
func WithoutRoute(name string) Option { return func(s *settings) { s.removed[name] = true } }

// WithFault plans faults from the start; [Server.Inject] adds more later.
func WithFault(faults ...Fault) Option {
	return func(s *settings) { s.faultsAtStart = append(s.faultsAtStart, faults...) }
}

// WithIdempotency chooses how idempotency keys are treated. The zero Idempotency is the
// default.
func WithIdempotency(i Idempotency) Option { return func(s *settings) { s.idempotency = i } }

// WithoutRateLimits lifts the three limiters and sends none of their headers.
func WithoutRateLimits() Option { return func(s *settings) { s.rateLimits = nil } }

// WithRateLimit sets one limiter to so many requests a minute.
func WithRateLimit(l Limiter, perMinute int) Option {
	return func(s *settings) {
		s.rateLimits = maps.Clone(s.rateLimits)
		if s.rateLimits == nil {
			s.rateLimits = map[Limiter]int{}
		}
		s.rateLimits[l] = perMinute
	}
}

// WithRateLimitHeaders chooses what the limiters tell in headers.
func WithRateLimitHeaders(h RateLimitHeaders) Option {
	return func(s *settings) { s.rateLimitHeaders = h }
}

// WithVerificationCodes sets the function that makes up the code mailed to an address.
// The default is random. Codes have to differ: one alone names its account.
func WithVerificationCodes(code func(email string) string) Option {
	return func(s *settings) { s.verificationCode = code }
}

// WithFrameworkErrors answers failed validation in the framework's shape,
// {"message","errors"}, instead of the envelope.
func WithFrameworkErrors() Option { return func(s *settings) { s.frameworkErrors = true } }

// WithLoginPage answers failed authentication and failed validation with a redirect to
// a login page when the request's Accept header does not ask for JSON, as the real
// framework is thought to do.
func WithLoginPage() Option { return func(s *settings) { s.loginPageForHTML = true } }

// WithEnvelopeEverywhere wraps stripe-config and payment-link in the envelope too, which
// are bare by default, as their documentation prints them.
func WithEnvelopeEverywhere() Option { return func(s *settings) { s.envelopeEverywhere = true } }

// WithAmountsAsStrings prints amounts as "25.00" instead of 25.00.
func WithAmountsAsStrings() Option { return func(s *settings) { s.amountsAsStrings = true } }

// WithMinimumTopUp sets the least that can be funded, in cents. The default is 1000.
func WithMinimumTopUp(cents int64) Option { return func(s *settings) { s.minimumTopUp = cents } }

// WithActionRequiredAs402 answers a card that wants 3-D Secure with 402 and the decline
// code authentication_required, instead of 202 with requires_action.
func WithActionRequiredAs402() Option { return func(s *settings) { s.actionRequired402 = true } }

// WithPublishableKey sets the key that stripe-config hands out.
func WithPublishableKey(key string) Option { return func(s *settings) { s.publishableKey = key } }

// WithCheckoutLifetime sets how long a checkout session can be paid. The default is 24 hours.
func WithCheckoutLifetime(d time.Duration) Option {
	return func(s *settings) { s.checkoutLifetime = d }
}

// WithCheckoutWebhook settles a checkout the moment it is paid, as Stripe's webhook
// would; the default waits for confirm-checkout.
func WithCheckoutWebhook() Option { return func(s *settings) { s.checkoutWebhook = true } }

// WithUnfinishedCheckout sets the status with which confirm-checkout answers for a
// session that nobody has paid yet: 202 by default, or 402, 409 or 422 with the code
// checkout_pending.
func WithUnfinishedCheckout(status int) Option {
	return func(s *settings) { s.unfinishedCheckout = status }
}

// WithRepeatableConfirm answers the second confirmation of a checkout with the same
// success; the default is 409 checkout_already_confirmed.
func WithRepeatableConfirm() Option { return func(s *settings) { s.repeatableConfirm = true } }

// WithCoupon adds a coupon, or replaces the one with its code. Every server has WELCOME5,
// which credits $5; BONUS10, which credits $10 on top of a purchase of $25 or more; and
// EXPIRED, which has expired.
func WithCoupon(k Coupon) Option { return func(s *settings) { s.coupons[k.Code] = k } }

// WithCouponValidationByPost validates coupons by POST alone: a GET is answered with 405.
// The default takes both.
func WithCouponValidationByPost() Option { return WithoutRoute("wallet.validate_coupon") }

// WithGenerationTime sets how long a generation takes. The default is 2 s; 0 finishes it in
// the first answer, but for videos and 3D, which always have to be asked for once more.
func WithGenerationTime(d time.Duration) Option { return func(s *settings) { s.generationTime = d } }

// WithGenerationOutcome chooses how generations end. The default is [GenerationSucceeds].
func WithGenerationOutcome(o GenerationOutcome) Option {
	return func(s *settings) { s.generationOutcome = o }
}

// WithImagePrice sets what one image costs, in cents. The default is 2.
func WithImagePrice(cents int64) Option { return func(s *settings) { s.imagePrice = cents } }

// WithPrice sets what one result of an endpoint costs, in cents, by the endpoint's name:
// WithPrice("video.text2video", 50). Without it an image costs what [WithImagePrice] says, a
// video 20, a 3D model 25, audio 3, a text 1, the upload of a voice 5, an answer of a language
// model 1, a workflow as much as an image, and a training 100. All but the last are the
// sandbox's own: the vendor publishes no price for each endpoint.
func WithPrice(endpoint string, cents int64) Option {
	return func(s *settings) { s.prices[endpoint] = cents }
}

// WithWebhookTransport sets what carries the calls of webhooks, for a receiver that is not
// reached through a socket. The default is a copy of http.DefaultTransport.
func WithWebhookTransport(rt http.RoundTripper) Option {
	return func(s *settings) { s.webhookTransport = rt }
}

// WithQueueLimit sets how many generations of one account may be unfinished at once.
// The default is 5.
func WithQueueLimit(n int) Option { return func(s *settings) { s.queueLimit = n } }
