package modelslab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/modelslab/modelslab-agents-go/internal/retry"
	"github.com/modelslab/modelslab-agents-go/internal/stripecard"
)

// BillingService handles cards and payment links.
// Documentation: docs.modelslab.com/agents-api/billing-and-wallet.
type BillingService struct{ c *Client }

// StripeConfig is what a client needs to talk to Stripe.
type StripeConfig struct {
	PublishableKey string `json:"publishable_key"` // "pk_live_…" or "pk_test_…"
	Instructions   string `json:"instructions"`
}

func (s *StripeConfig) decode(_ *trip, a *answer) error {
	var w struct {
		PublishableKey text `json:"publishable_key"`
		Instructions   text `json:"instructions"`
	}
	if err := a.decode(&w); err != nil {
		return err
	}
	if w.PublishableKey == "" {
		return missing("publishable_key")
	}
	if err := checkPublishableKey("publishable_key", string(w.PublishableKey)); err != nil {
		return err // it does not say what it was: it may be a secret key
	}
	*s = StripeConfig{string(w.PublishableKey), string(w.Instructions)}
	return nil
}

// StripeConfig reads Stripe's publishable key, which can change at any time.
// Limits: 120 a minute. API: GET /billing/stripe-config.
func (s *BillingService) StripeConfig(ctx context.Context, opts ...RequestOption) (*StripeConfig, error) {
	return call[StripeConfig](ctx, s.c, billingStripeConfig, input{}, opts)
}

var publishableKey = regexp.MustCompile(`^pk_(live|test)_[A-Za-z0-9]{1,250}$`)

// checkPublishableKey lets nothing pass that is not a publishable key, and
// never prints what it was.
func checkPublishableKey(param, key string) error {
	switch {
	case strings.HasPrefix(key, "sk_"), strings.HasPrefix(key, "rk_"):
		return &ParamError{Param: param, Reason: "is a secret key of Stripe's, which has no place in a client; a publishable one (pk_live_… or pk_test_…) is needed"}
	case !publishableKey.MatchString(key):
		return &ParamError{Param: param, Reason: "must be a publishable key of Stripe's, pk_live_… or pk_test_…"}
	}
	return nil
}

// PaymentMethod is a card as Stripe or the API knows it.
type PaymentMethod struct {
	ID        string `json:"id"` // "pm_…"
	Brand     string `json:"brand"`
	Last4     string `json:"last4"`
	ExpMonth  int    `json:"exp_month"`
	ExpYear   int    `json:"exp_year"`
	IsDefault bool   `json:"is_default"`
	Livemode  bool   `json:"livemode"` // false: made with a test key; no real money
}

// stripePath is what errors of card calls name as their endpoint.
const stripePath = "stripe:/v1/payment_methods"

// stripeConfigAge is how long a publishable key is believed to stand.
const stripeConfigAge = 5 * time.Minute

// stripeConfigs remembers publishable keys by account.
type stripeConfigs struct {
	mu sync.Mutex
	m  map[string]stripeConfigAt
}

type stripeConfigAt struct {
	key string
	at  time.Time
}

// publishableKey is the key to use: pinned, remembered, or asked for.
func (s *BillingService) publishableKey(ctx context.Context, fresh bool) (string, error) {
	cfg := s.c.cfg
	if cfg.stripeKey != "" {
		return cfg.stripeKey, nil
	}
	known, party := &s.c.shared.stripe, cfg.origin()+" "+s.c.cell.party
	known.mu.Lock()
	at, ok := known.m[party]
	known.mu.Unlock()
	if age := time.Since(at.at); ok && !fresh && age >= 0 && age < stripeConfigAge {
		return at.key, nil
	}
	config, err := s.StripeConfig(ctx)
	if err != nil {
		return "", err
	}
	known.mu.Lock()
	defer known.mu.Unlock()
	if known.m == nil || len(known.m) >= maxOwners {
		known.m = make(map[string]stripeConfigAt)
	}
	known.m[party] = stripeConfigAt{config.PublishableKey, time.Now()}
	return config.PublishableKey, nil
}

// mayTokenize refuses to carry a card into an account that the owner has not
// vouched for: a changed base URL could name anybody's key.
func (c *Client) mayTokenize(key string) error {
	cfg := c.cfg
	const hint = "; if the card shall go there, pin the key with WithStripePublishableKey"
	switch {
	case cfg.stripeKey != "":
		return nil
	case cfg.stripeOrigin == stripecard.Origin && cfg.origin() != defaultOrigin:
		return &ParamError{Param: "WithBaseURL", Value: cfg.origin(), Reason: "its publishable key would send the card to the real Stripe, into an account that is not known to be ModelsLab's" + hint}
	case strings.HasPrefix(key, "pk_live_") && cfg.local():
		return &ParamError{Param: "publishable_key", Reason: "is a live key from a loopback origin" + hint}
	}
	return nil
}

// TokenizeCard gives a card to Stripe and returns its PaymentMethod, for
// [WalletService.Fund] and [SubscriptionsService.Create]. The card goes to
// Stripe alone, over a connection of its own; neither ModelsLab nor a log nor an
// error ever sees it. No money moves.
//
// The card is checked first (number, expiry, CVC), with no network. The
// publishable key comes from [BillingService.StripeConfig] and is remembered for
// five minutes. The real Stripe together with another base URL, and a live key
// from a loopback base URL, are refused, unless the owner has pinned the key
// with [WithStripePublishableKey]. A card that Stripe refuses is a
// [PaymentDeclinedError].
//
// Stripe: POST /v1/payment_methods.
func (s *BillingService) TokenizeCard(ctx context.Context, card Card, opts ...RequestOption) (*PaymentMethod, error) {
	if ctx == nil {
		return nil, &ParamError{Param: "ctx", Reason: "nil"}
	}
	if err := card.check(time.Now()); err != nil {
		return nil, err
	}
	var o, defaults callOptions
	if err := firstError(defaults.apply(s.c.cfg.defaults), o.apply(opts)); err != nil {
		return nil, err
	}
	if o.timeout == 0 {
		o.timeout = defaults.timeout // the other defaults are for ModelsLab
	}
	if len(o.fields) > 0 || len(o.headers) > 0 || o.operation != "" {
		return nil, &ParamError{Param: "TokenizeCard", Reason: "takes no headers, body fields or operation name: its request is Stripe's"}
	}
	key := o.key
	if key == "" {
		key = newKey()
	}
	for fresh := false; ; fresh = true {
		pk, err := s.publishableKey(ctx, fresh)
		if err != nil {
			return nil, err
		}
		if err := s.c.mayTokenize(pk); err != nil {
			return nil, err
		}
		pm, err := s.tokenize(ctx, pk, card.cleaned(), key, &o)
		if api, ok := as[*APIError](err); ok && !fresh && api.StatusCode == http.StatusUnauthorized && s.c.cfg.stripeKey == "" {
			continue // the key may have changed since it was asked for
		}
		return pm, err
	}
}

// tokenize makes the attempts at Stripe, all under one idempotency key.
func (s *BillingService) tokenize(ctx context.Context, pk string, card Card, key string, o *callOptions) (*PaymentMethod, error) {
	policy := &s.c.cfg.retry
	timeout := o.timeout
	if timeout == 0 {
		timeout = defaultRequestTimeout
	}
	stripe := stripecard.New(stripecard.Config{Origin: s.c.cfg.stripeOrigin, HTTPClient: s.c.cfg.stripe})
	plain := stripecard.Card{
		Number: card.Number.Reveal(), CVC: card.CVC.Reveal(), ExpMonth: card.ExpMonth, ExpYear: card.ExpYear,
		Name: card.Name, PostalCode: card.PostalCode, Country: card.Country,
	}
	for n := 1; ; n++ {
		attempt, cancel := context.WithTimeout(ctx, timeout)
		pm, err := stripe.CreatePaymentMethod(attempt, pk, plain, key)
		cancel()
		if err == nil {
			if o.response != nil {
				*o.response = Response{StatusCode: http.StatusOK, RequestID: pm.RequestID, IdempotencyKey: key, Attempts: n}
			}
			if pm.Livemode != strings.HasPrefix(pk, "pk_live_") {
				return nil, fmt.Errorf("modelslab: %s: the payment method's mode (live: %t) is not the key's; do not use it", stripePath, pm.Livemode)
			}
			return &PaymentMethod{ID: pm.ID, Brand: pm.Brand, Last4: pm.Last4, ExpMonth: pm.ExpMonth, ExpYear: pm.ExpYear, Livemode: pm.Livemode}, nil
		}
		failure, ok := as[*stripecard.Error](err)
		if !ok {
			return nil, fmt.Errorf("modelslab: %s: no answer", stripePath) // its text is not ours to trust
		}
		out := stripeError(failure, key, n)
		if o.response != nil {
			*o.response = out.Response
		}
		a := retry.Attempt{Status: failure.StatusCode, Sent: true, CutShort: failure.CutShort}
		again := n < policy.MaxAttempts && retry.MayRepeat(retry.Keyed, a) && ctx.Err() == nil
		if again {
			h := http.Header{}
			if failure.RetryAfter != "" {
				h.Set("Retry-After", failure.RetryAfter)
			}
			floor, _ := retry.After(h, time.Now())
			delay := policy.Delay(n, floor, s.c.cfg.jitter)
			if policy.Fits(ctx, delay) {
				if stopped := retry.Wait(ctx, delay); stopped != nil {
					return nil, &stoppedError{stopped, stripeTyped(out, failure)}
				}
				continue
			}
		}
		return nil, stripeTyped(out, failure)
	}
}

// stripeError is Stripe's answer as an error of this package, field by field.
func stripeError(f *stripecard.Error, key string, attempts int) *APIError {
	e := &APIError{
		Response: Response{StatusCode: f.StatusCode, RequestID: f.RequestID, IdempotencyKey: key, Attempts: attempts},
		Method:   post, Path: stripePath, Code: f.Code, Message: f.Message,
	}
	if e.Code == "" {
		e.Code = f.Type
	}
	if e.Message == "" {
		e.Message = "Stripe gave no answer that can be read"
	}
	if f.Param != "" {
		e.Fields = map[string][]string{f.Param: {f.Message}}
	}
	return e
}

func stripeTyped(e *APIError, f *stripecard.Error) error {
	switch {
	case f.StatusCode == 0:
		err := f.Err
		if err == nil {
			err = errors.New("no answer")
		}
		return &networkError{method: post, path: stripePath, text: clean(err.Error(), maxMessageText), err: err}
	case f.Type == "card_error":
		return &PaymentDeclinedError{APIError: *e, DeclineCode: firstOf(f.DeclineCode, f.Code)}
	case f.StatusCode == http.StatusTooManyRequests:
		d, _ := retry.After(http.Header{"Retry-After": {f.RetryAfter}}, time.Now())
		return &RateLimitError{APIError: *e, RetryAfter: d}
	}
	return e
}

// What a payment link is for.
const (
	PurposeFund      = "fund"
	PurposeSubscribe = "subscribe"
)

// PaymentLinkParams asks for a page where a human pays.
type PaymentLinkParams struct {
	Purpose string `json:"purpose"`          // PurposeFund or PurposeSubscribe
	Amount  Amount `json:"amount,omitzero"`  // US dollars; for PurposeFund
	PlanID  ID     `json:"plan_id,omitzero"` // for PurposeSubscribe
}

func (p PaymentLinkParams) check() error {
	switch p.Purpose {
	case PurposeFund:
		if p.PlanID != 0 {
			return &ParamError{Param: "PaymentLinkParams.PlanID", Value: itoa(int64(p.PlanID)), Reason: "has no place in a link that funds the wallet"}
		}
		return checkAmount("PaymentLinkParams.Amount", p.Amount)
	case PurposeSubscribe:
		if !p.Amount.IsZero() {
			return &ParamError{Param: "PaymentLinkParams.Amount", Value: p.Amount.String(), Reason: "has no place in a link that subscribes: the plan has its price"}
		}
		return checkID("PaymentLinkParams.PlanID", p.PlanID)
	}
	return &ParamError{Param: "PaymentLinkParams.Purpose", Value: p.Purpose, Reason: `must be "fund" or "subscribe"`}
}

func (p PaymentLinkParams) price() Amount { return p.Amount }

// PaymentLink is a page of Stripe Checkout where a human pays. Keep the
// SessionID before you show the URL: it is what [WalletService.AwaitCheckout]
// and [SubscriptionsService.AwaitCheckout] need after a restart.
type PaymentLink struct {
	PaymentURL   string     `json:"payment_url"`
	SessionID    string     `json:"session_id"` // "cs_…"
	Purpose      string     `json:"purpose"`
	Amount       Amount     `json:"amount,omitzero"` // US dollars; of a link that funds
	PlanID       ID         `json:"plan_id,omitzero"`
	CreatedAt    *Timestamp `json:"created_at,omitzero"` // by the server's clock
	ExpiresAt    *Timestamp `json:"expires_at,omitzero"` // nil: not said
	Instructions string     `json:"instructions,omitzero"`
}

type paymentLinkWire struct {
	PaymentURL   text       `json:"payment_url"`
	CheckoutURL  text       `json:"checkout_url"`
	URL          text       `json:"url"`
	SessionID    text       `json:"session_id"`
	Purpose      text       `json:"purpose"`
	ExpiresAt    *Timestamp `json:"expires_at"`
	Instructions text       `json:"instructions"`
	Message      text       `json:"message"`
}

var sessionInURL = regexp.MustCompile(`cs_(?:live|test)_[A-Za-z0-9]+`)

func (l *PaymentLink) decode(t *trip, a *answer) error {
	var w paymentLinkWire
	if err := a.decode(&w); err != nil {
		return err
	}
	url := firstOf(string(w.PaymentURL), string(w.CheckoutURL), string(w.URL))
	if url == "" {
		return missing("payment_url")
	}
	if hasControl(url) {
		return errors.New("the payment URL holds a control character")
	}
	id := firstOf(string(w.SessionID), sessionInURL.FindString(url))
	if checkSession("session_id", id) != nil {
		return missing("session_id")
	}
	*l = PaymentLink{PaymentURL: url, SessionID: id, Purpose: string(w.Purpose), Instructions: firstOf(string(w.Instructions), string(w.Message))}
	created := Timestamp{retry.ServerTime(a.header["Date"], time.Now()).UTC()}
	l.CreatedAt = &created
	if w.ExpiresAt != nil && !w.ExpiresAt.IsZero() {
		l.ExpiresAt = w.ExpiresAt
	}
	// What was asked for is surer than what is echoed.
	switch p := t.in.body.(type) {
	case PaymentLinkParams:
		l.Purpose, l.Amount, l.PlanID = p.Purpose, p.Amount, p.PlanID
	case WalletFundCheckoutParams:
		l.Purpose, l.Amount = PurposeFund, p.Amount
	case SubscriptionCheckoutParams:
		l.Purpose, l.PlanID = PurposeSubscribe, p.PlanID
	}
	return nil
}

// CreatePaymentLink makes a page where a human pays: the way for agents without
// a card, and after [ErrRequiresAction]. No money moves until the human has
// paid; wait for that with AwaitCheckout of the wallet or the subscriptions.
//
// It carries an idempotency key and is repeated with it. Amounts are US dollars
// with at most two decimals; the least that the server takes ($10 or more) is
// its own to say. Limits: 15 a minute. API: POST /billing/payment-link.
func (s *BillingService) CreatePaymentLink(ctx context.Context, p PaymentLinkParams, opts ...RequestOption) (*PaymentLink, error) {
	return call[PaymentLink](ctx, s.c, billingPaymentLink, input{body: p}, opts)
}

func checkAmount(param string, a Amount) error {
	switch {
	case a.Sign() <= 0:
		return &ParamError{Param: param, Value: a.String(), Reason: "must be more than $0"}
	case !a.hasCents():
		return &ParamError{Param: param, Value: a.String(), Reason: "must have at most two decimals"}
	}
	return nil
}

func checkID(param string, id ID) error {
	if id <= 0 {
		return &ParamError{Param: param, Value: itoa(int64(id)), Reason: "an id is needed, 1 or more"}
	}
	return nil
}

var (
	paymentMethodForm = regexp.MustCompile(`^pm_[A-Za-z0-9_]{1,250}$`)
	paymentIntentForm = regexp.MustCompile(`^pi_[A-Za-z0-9_]{1,250}$`)
	sessionForm       = regexp.MustCompile(`^cs_[A-Za-z0-9_]{1,250}$`)
)

// checkStripeID refuses what is no id of the form, and a card number as such.
func checkStripeID(param, s, prefix string, form *regexp.Regexp) error {
	switch {
	case form.MatchString(s):
		return nil
	case looksLikeCardNumber(s):
		return &ParamError{Param: param, Reason: "is a card number, which must never be sent here: give the card to Billing.TokenizeCard and use the id (pm_…) that it returns"}
	case strings.Contains(s, "_secret_"), strings.HasPrefix(s, "sk_"), strings.HasPrefix(s, "rk_"):
		return &ParamError{Param: param, Reason: "is a secret; the id is needed (" + prefix + "…)"}
	}
	return &ParamError{Param: param, Value: s, Reason: "must be an id of Stripe's, " + prefix + "…"}
}

func checkPaymentMethod(param, s string) error {
	return checkStripeID(param, s, "pm_", paymentMethodForm)
}

func checkSession(param, s string) error { return checkStripeID(param, s, "cs_", sessionForm) }

// secretForms are the secrets that foreign text is known to carry.
var secretForms = regexp.MustCompile(`\b(?:(?:pi|seti|cs)_\w+?_secret_\w+|(?:sk|rk)_(?:live|test)_\w+)|\b(?:\d[ -]?){12,19}\b`)

// scrubText takes client secrets, secret keys and anything like a card number
// out of foreign text.
func scrubText(s string) string {
	digits := 0
	for i := range len(s) {
		if s[i] == '_' || isDigit(s[i]) {
			digits++
		}
	}
	if digits < 2 { // the common case, without the expression
		return s
	}
	return secretForms.ReplaceAllStringFunc(s, func(m string) string {
		if m[0] >= '0' && m[0] <= '9' && !looksLikeCardNumber(strings.TrimRight(m, " -")) {
			return m
		}
		return redacted
	})
}
