package modelslab

import (
	"context"
	"errors"
	"regexp"
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
