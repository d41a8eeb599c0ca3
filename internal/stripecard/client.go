// Package stripecard sends a card to Stripe, and to nobody else. It is the
// only room that imports stripe-go, which is built for programs and not for
// libraries: it has global state, logs to stderr, tells Stripe the host's name
// and quotes what it cannot decode, card number included. None of that gets out
// of this package.
package stripecard

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/paymentmethod"
	"github.com/stripe/stripe-go/v76/setupintent"
)

// Origin is the real Stripe.
const Origin = "https://api.stripe.com"

// What stripe-go would send in these two headers names the host, the kernel and
// whatever application registered itself with stripe-go's global state.
const (
	userAgent       = "Stripe/v1 GoBindings/" + stripe.ClientVersion
	clientUserAgent = `{"bindings_version":"` + stripe.ClientVersion + `","lang":"go","publisher":"stripe"}`
)

// Config says where Stripe is.
type Config struct {
	Origin     string       // no trailing slash; "" is Origin
	HTTPClient *http.Client // copied, see New; nil is NewHTTPClient()
}

// Client makes the two Stripe calls of the headless flow. It is safe for
// concurrent use.
type Client struct {
	origin string
	http   http.Client
}

// New returns a Client. The HTTP client in c is copied, and the copy follows no
// redirects, keeps no cookies and, if its Transport is an *http.Transport,
// speaks HTTP/1.1 on a connection of its own for each request. Any other
// RoundTripper is used as it is.
func New(c Config) *Client {
	if c.Origin == "" {
		c.Origin = Origin
	}
	if c.HTTPClient == nil {
		c.HTTPClient = NewHTTPClient()
	}
	return &Client{origin: c.Origin, http: discreet(*c.HTTPClient)}
}

// Card is what a cardholder types. It never prints itself.
type Card struct {
	Number, CVC       string // digits only
	ExpMonth, ExpYear int
	Name              string // optional
	PostalCode        string // optional
	Country           string // optional, two letters
}

// Format writes a placeholder, whatever the verb.
func (Card) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText keeps a card out of JSON and structured logs.
func (Card) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// PaymentMethod is a card as Stripe knows it. A field other than ID is empty if
// Stripe did not send it, or sent something of another shape.
type PaymentMethod struct {
	ID                             string // pm_…
	Brand, Last4, Funding, Country string
	ExpMonth, ExpYear              int
	Livemode                       bool
	Created                        time.Time
	RequestID                      string
}

// SetupIntent is the outcome of a confirmation. The payment method is good for
// use only if Status is "succeeded"; "requires_action" is 3-D Secure.
type SetupIntent struct {
	ID, Status, PaymentMethodID string
	Livemode                    bool
	RequestID                   string
}

var (
	publishableKey  = regexp.MustCompile(`^pk_(?:live|test)_[A-Za-z0-9]+$`)
	setupIntentID   = regexp.MustCompile(`^seti_[A-Za-z0-9_]+$`)
	paymentMethodID = regexp.MustCompile(`^pm_[A-Za-z0-9_]+$`)
	last4           = regexp.MustCompile(`^[0-9]{4}$`)
)

// CreatePaymentMethod turns card into a payment method. It sends one request
// and never repeats it; every error is an *Error.
func (c *Client) CreatePaymentMethod(ctx context.Context, key string, card Card, idempotencyKey string) (*PaymentMethod, error) {
	x, err := c.begin(ctx, key, card, "")
	if err != nil {
		return nil, err
	}
	params := &stripe.PaymentMethodParams{
		Params: x.params(idempotencyKey),
		Type:   stripe.String(string(stripe.PaymentMethodTypeCard)),
		Card: &stripe.PaymentMethodCardParams{
			Number:   &card.Number,
			CVC:      &card.CVC,
			ExpMonth: stripe.Int64(int64(card.ExpMonth)),
			ExpYear:  stripe.Int64(int64(card.ExpYear)),
		},
		BillingDetails: billing(card),
	}
	answer, err := paymentmethod.Client{B: x.backend(), Key: key}.New(params)
	if err != nil {
		return nil, x.failure(err)
	}
	pm := &PaymentMethod{
		ID:        x.secrets.id(answer.ID),
		Livemode:  answer.Livemode,
		RequestID: x.requestID(),
	}
	if !paymentMethodID.MatchString(pm.ID) {
		return nil, x.unreadable()
	}
	if answer.Created > 0 {
		pm.Created = time.Unix(answer.Created, 0).UTC()
	}
	if seen := answer.Card; seen != nil {
		pm.Brand = x.secrets.word(string(seen.Brand))
		pm.Funding = x.secrets.word(string(seen.Funding))
		pm.Country = x.secrets.word(seen.Country)
		pm.ExpMonth, pm.ExpYear = int(seen.ExpMonth), int(seen.ExpYear)
		if last4.MatchString(seen.Last4) {
			pm.Last4 = seen.Last4
		}
	}
	return pm, nil
}

// ConfirmSetupIntent confirms the setup intent id with card. A publishable key
// alone may not do that: Stripe wants the intent's client secret too. It sends
// one request and never repeats it; every error is an *Error.
func (c *Client) ConfirmSetupIntent(ctx context.Context, key, id, clientSecret string, card Card, idempotencyKey string) (*SetupIntent, error) {
	if !setupIntentID.MatchString(id) {
		return nil, refusal("id", "a setup intent's id has the form seti_…")
	}
	if clientSecret == "" {
		return nil, refusal("client_secret", "the setup intent's client secret is missing")
	}
	x, err := c.begin(ctx, key, card, clientSecret)
	if err != nil {
		return nil, err
	}
	params := &stripe.SetupIntentConfirmParams{
		Params: x.params(idempotencyKey),
		PaymentMethodData: &stripe.SetupIntentConfirmPaymentMethodDataParams{
			Type:           stripe.String(string(stripe.PaymentMethodTypeCard)),
			BillingDetails: (*stripe.SetupIntentConfirmPaymentMethodDataBillingDetailsParams)(billing(card)),
		},
	}
	// stripe-go expects a secret key here, with which a program needs neither
	// the client secret nor raw card numbers: it has no fields for them.
	params.AddExtra("client_secret", clientSecret)
	params.AddExtra("payment_method_data[card][number]", card.Number)
	params.AddExtra("payment_method_data[card][cvc]", card.CVC)
	params.AddExtra("payment_method_data[card][exp_month]", strconv.Itoa(card.ExpMonth))
	params.AddExtra("payment_method_data[card][exp_year]", strconv.Itoa(card.ExpYear))

	answer, err := setupintent.Client{B: x.backend(), Key: key}.Confirm(id, params)
	if err != nil {
		return nil, x.failure(err)
	}
	si := &SetupIntent{
		ID:        id,
		Status:    x.secrets.word(string(answer.Status)),
		Livemode:  answer.Livemode,
		RequestID: x.requestID(),
	}
	if answer.PaymentMethod != nil {
		si.PaymentMethodID = x.secrets.id(answer.PaymentMethod.ID)
	}
	if answer.ID != id || si.Status == "" || si.PaymentMethodID != "" && !paymentMethodID.MatchString(si.PaymentMethodID) {
		return nil, x.unreadable()
	}
	return si, nil
}

// begin refuses what must not be sent, and otherwise opens one exchange.
func (c *Client) begin(ctx context.Context, key string, card Card, clientSecret string) (*exchange, error) {
	if !publishableKey.MatchString(key) {
		return nil, refusal("key", "a publishable key has the form pk_live_… or pk_test_…")
	}
	x := &exchange{
		ctx:     ctx,
		origin:  c.origin,
		http:    c.http,
		secrets: secrets{number: card.Number, cvc: card.CVC, others: []string{key, clientSecret}},
	}
	// stripe-go prepares a request, and runs uname, before it looks at ctx.
	if err := x.ended(); err != nil {
		return nil, &Error{Err: err}
	}
	return x, nil
}

// billing is what the card's holder said beyond the card, or nil.
func billing(card Card) *stripe.PaymentMethodBillingDetailsParams {
	if card.Name == "" && card.PostalCode == "" && card.Country == "" {
		return nil
	}
	details := &stripe.PaymentMethodBillingDetailsParams{Name: given(card.Name)}
	if card.PostalCode != "" || card.Country != "" {
		details.Address = &stripe.AddressParams{PostalCode: given(card.PostalCode), Country: given(card.Country)}
	}
	return details
}

// given keeps an empty value off the wire, where it would mean "clear this".
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// params are the parts of a request that are not the form. StripeAccount stays
// unset.
func (x *exchange) params(idempotencyKey string) stripe.Params {
	return stripe.Params{
		Context:        valueless{x.ctx},
		IdempotencyKey: given(idempotencyKey),
		Headers: http.Header{
			"User-Agent":                 {userAgent},
			"X-Stripe-Client-User-Agent": {clientUserAgent},
		},
	}
}

// backend is stripe-go without its globals. Every field is set, since stripe-go
// fills a nil one from global state: a client shared by the whole program, two
// retries whose sleep ignores the context, a logger on stderr, telemetry.
func (x *exchange) backend() stripe.Backend {
	client := x.http
	client.Transport = x
	return stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL:               &x.origin,
		HTTPClient:        &client,
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
		MaxNetworkRetries: stripe.Int64(0),
		EnableTelemetry:   stripe.Bool(false),
	})
}
