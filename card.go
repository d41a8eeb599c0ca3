package modelslab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/modelslab/modelslab-agents-go/internal/retry"
	"github.com/modelslab/modelslab-agents-go/internal/stripecard"
)

// Card is a payment card, to be exchanged for a payment method at Stripe by BillingService.TokenizeCard; it never
// reaches ModelsLab. fmt, log/slog and encoding/json show "[redacted]" in place of the whole card.
//
// Number, ExpMonth, ExpYear and CVC are required; [NewCard] checks them at once. Name, PostalCode and Country (two
// letters, ISO 3166) are the optional billing details.
type Card struct {
	Number, CVC               Secret
	ExpMonth, ExpYear         int // 1 to 12; 2027 or 27
	Name, PostalCode, Country string
}

// The digits of a card number, by ISO/IEC 7812.
const minCardDigits, maxCardDigits = 12, 19

// maxCardYears is how far ahead a card may expire; Stripe's limit.
const maxCardYears = 50

// NewCard returns a Card, or a [*ParamError] naming the field that cannot be right; neither the number nor the CVC
// is ever repeated in it. Spaces and dashes in the number are removed, and a year of two digits is taken for one of
// 2001 to 2099.
//
// The number must have 12 to 19 digits with a valid check digit, the CVC 4 digits for American Express and 3
// otherwise, and the month of expiry must not be over or more than 50 years away.
func NewCard(number string, expMonth, expYear int, cvc string) (Card, error) {
	return newCard(time.Now(), number, expMonth, expYear, cvc)
}

func newCard(now time.Time, number string, expMonth, expYear int, cvc string) (Card, error) {
	c := Card{Number: NewSecret(number), CVC: NewSecret(cvc), ExpMonth: expMonth, ExpYear: expYear}.cleaned()
	if err := c.check(now); err != nil {
		return Card{}, err
	}
	return c, nil
}

// cleaned returns the card as it is sent: bare digits and a year of four.
func (c Card) cleaned() Card {
	c.Number = NewSecret(strings.NewReplacer(" ", "", "-", "").Replace(c.Number.Reveal()))
	if c.ExpYear > 0 && c.ExpYear < 100 {
		c.ExpYear += 2000
	}
	return c
}

// check reports the first thing that is wrong with the card, cleaned or not, as a *ParamError without a value.
func (c Card) check(now time.Time) error {
	c = c.cleaned()
	number, year, month := c.Number.Reveal(), now.Year(), now.Month()
	switch digits, valid := luhn(number); {
	case number == "":
		return cardError("Number", "is required")
	case digits != len(number):
		return cardError("Number", "has characters other than digits, spaces and dashes")
	case digits < minCardDigits || digits > maxCardDigits:
		return cardError("Number", fmt.Sprintf("must have %d to %d digits", minCardDigits, maxCardDigits))
	case !valid:
		return cardError("Number", "is mistyped: its check digit is wrong")
	case c.ExpMonth < 1 || c.ExpMonth > 12:
		return cardError("ExpMonth", "must be a month from 1 to 12")
	case c.ExpYear < 1:
		return cardError("ExpYear", "must be a year, like 2027 or 27")
	case c.ExpYear < year:
		return cardError("ExpYear", "is over: the card has expired")
	case c.ExpYear > year+maxCardYears:
		return cardError("ExpYear", fmt.Sprintf("is more than %d years away", maxCardYears))
	case c.ExpYear == year && time.Month(c.ExpMonth) < month:
		return cardError("ExpMonth", "is over: the card has expired")
	}

	want := 3
	if strings.HasPrefix(number, "34") || strings.HasPrefix(number, "37") { // American Express
		want = 4
	}
	if cvc := c.CVC.Reveal(); len(cvc) != want || atoi([]byte(cvc)) < 0 {
		return cardError("CVC", fmt.Sprintf("must have %d digits for this card", want))
	}
	return nil
}

func cardError(field, reason string) error {
	return &ParamError{Param: "Card." + field, Reason: reason}
}

// looksLikeCardNumber reports whether s could be a card number: one that was given in place of a payment method's
// id must not be repeated in an error or sent anywhere.
func looksLikeCardNumber(s string) bool {
	digits, valid := luhn(s)
	return valid && digits >= minCardDigits && digits <= maxCardDigits
}

// luhn counts the digits of s, spaces and dashes aside, and reports whether the last is the check digit of the
// others. With any other character in it s has 0 digits.
func luhn(s string) (digits int, valid bool) {
	sum := 0
	for i := len(s) - 1; i >= 0; i-- {
		c := s[i]
		if c == ' ' || c == '-' {
			continue
		}
		if !isDigit(c) {
			return 0, false
		}
		d := int(c - '0')
		if digits%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		digits++
	}
	return digits, digits > 0 && sum%10 == 0
}

// Format prints "[redacted]" whatever the verb.
func (Card) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue shows "[redacted]" to log/slog.
func (Card) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON writes "[redacted]": a card is sent to Stripe as a form, never as JSON.
func (Card) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

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

// stripeRoute is one of the two calls that give a card to Stripe.
type stripeRoute struct {
	method, path string // how errors name it
	send         func(ctx context.Context, stripe *stripecard.Client, pk string, card stripecard.Card, key string) (stripeResult, error)
}

// stripeResult is what Stripe made of a card.
type stripeResult struct {
	PaymentMethod
	status    string // of a setup intent
	requestID string
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
	return s.giveCard(ctx, card, opts, stripeRoute{"TokenizeCard", "stripe:/v1/payment_methods",
		func(ctx context.Context, stripe *stripecard.Client, pk string, card stripecard.Card, key string) (stripeResult, error) {
			pm, err := stripe.CreatePaymentMethod(ctx, pk, card, key)
			if err != nil {
				return stripeResult{}, err
			}
			return stripeResult{PaymentMethod{
				ID: pm.ID, Brand: pm.Brand, Last4: pm.Last4, ExpMonth: pm.ExpMonth, ExpYear: pm.ExpYear, Livemode: pm.Livemode,
			}, setupSucceeded, pm.RequestID}, nil
		}})
}

// giveCard gives a card to Stripe: both calls do so in the same way.
func (s *BillingService) giveCard(ctx context.Context, card Card, opts []RequestOption, route stripeRoute) (*PaymentMethod, error) {
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
		return nil, &ParamError{Param: route.method, Reason: "takes no headers, body fields or operation name: its request is Stripe's"}
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
		pm, err := s.atStripe(ctx, route, pk, card.cleaned(), key, &o)
		if api, ok := as[*APIError](err); ok && !fresh && api.StatusCode == http.StatusUnauthorized && s.c.cfg.stripeKey == "" {
			continue // the key may have changed since it was asked for
		}
		return pm, err
	}
}

// atStripe makes the attempts at Stripe, all under one idempotency key.
func (s *BillingService) atStripe(ctx context.Context, route stripeRoute, pk string, card Card, key string, o *callOptions) (*PaymentMethod, error) {
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
		made, err := route.send(attempt, stripe, pk, plain, key)
		cancel()
		if err == nil {
			resp := Response{StatusCode: http.StatusOK, RequestID: made.requestID, IdempotencyKey: key, Attempts: n}
			if o.response != nil {
				*o.response = resp
			}
			return made.result(route, pk, resp)
		}
		failure, ok := as[*stripecard.Error](err)
		if !ok {
			return nil, fmt.Errorf("modelslab: %s: no answer", route.path) // its text is not ours to trust
		}
		out := stripeError(failure, route.path, key, n)
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
		return nil, seal(stripeTyped(out, failure))
	}
}

// The states of a setup intent that say what to do.
const (
	setupSucceeded = "succeeded"
	setupDeclined  = "requires_payment_method"
)

// result is what the caller gets of Stripe's answer: a card that can be used, or
// why there is none.
func (m stripeResult) result(route stripeRoute, pk string, resp Response) (*PaymentMethod, error) {
	e := APIError{Response: resp, Method: post, Path: route.path, Code: m.status}
	switch {
	case m.Livemode != strings.HasPrefix(pk, "pk_live_"):
		return nil, fmt.Errorf("modelslab: %s: the payment method's mode (live: %t) is not the key's; do not use it", route.path, m.Livemode)
	case m.status == requiresAction:
		e.Message = "the card's holder has to confirm it (3-D Secure): let a person pay by Billing.CreatePaymentLink"
		return nil, seal(&RequiresActionError{APIError: e})
	case m.status == setupDeclined:
		e.Message = "the card was refused"
		return nil, seal(&PaymentDeclinedError{APIError: e})
	case m.status != setupSucceeded || m.ID == "":
		e.Message = "the setup intent has no payment method that can be used"
		return nil, seal(&e)
	}
	return &m.PaymentMethod, nil
}

// stripeError is Stripe's answer as an error of this package, field by field.
func stripeError(f *stripecard.Error, path, key string, attempts int) *APIError {
	e := &APIError{
		Response: Response{StatusCode: f.StatusCode, RequestID: f.RequestID, IdempotencyKey: key, Attempts: attempts},
		Method:   post, Path: path, Code: f.Code, Message: f.Message,
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
		return &networkError{method: post, path: e.Path, text: clean(err.Error(), maxMessageText), err: err}
	case f.Type == "card_error":
		return &PaymentDeclinedError{APIError: *e, DeclineCode: firstOf(f.DeclineCode, f.Code)}
	case f.StatusCode == http.StatusTooManyRequests:
		d, _ := retry.After(http.Header{"Retry-After": {f.RetryAfter}}, time.Now())
		return &RateLimitError{APIError: *e, RetryAfter: d}
	}
	return e
}
