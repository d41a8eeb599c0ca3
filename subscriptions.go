package modelslab

import (
	"context"
	"errors"
	"fmt"
)

// SubscriptionsService buys plans. Prices are US dollars.
// Documentation: docs.modelslab.com/agents-api/subscriptions.
type SubscriptionsService struct{ c *Client }

// Plan is a subscription that can be bought.
type Plan struct {
	ID           ID
	Name         string
	Category     string // "enterprise", …
	Type         string // "basic", …
	Period       string // "monthly", …
	Description  string
	Price        *Amount // US dollars for a period; nil: not sent
	APICallLimit int64   // 0: presumably none
	RateLimit    int64   // 0: presumably none
	Features     []string
}

// PayAsYouGo is the wallet as an alternative to a plan.
type PayAsYouGo struct {
	Available       bool
	Description     string
	MinimumTopupUSD *Amount // the least that Fund takes; nil: not sent
	Currency        string
}

// Plans is what can be bought.
type Plans struct {
	SubscriptionPlans []Plan
	PayAsYouGo        *PayAsYouGo // nil: not sent
}

type planWire struct {
	ID           ID       `json:"id"`
	Name         text     `json:"name"`
	Category     text     `json:"category"`
	Type         text     `json:"type"`
	Period       text     `json:"period"`
	Interval     text     `json:"interval"`
	Description  text     `json:"description"`
	Price        sum      `json:"price"`
	APICallLimit flexInt  `json:"api_call_limit"`
	RateLimit    flexInt  `json:"rate_limit"`
	Features     []string `json:"features"`
}

func (p *Plans) decode(_ *trip, a *answer) error {
	var w struct {
		SubscriptionPlans []planWire `json:"subscription_plans"`
		PayAsYouGo        *struct {
			Available       flexBool `json:"available"`
			Description     text     `json:"description"`
			MinimumTopupUSD sum      `json:"minimum_topup_usd"`
			Currency        text     `json:"currency"`
		} `json:"pay_as_you_go"`
	}
	data, err := a.list()
	if err != nil {
		return err
	}
	if data[0] == '[' {
		if err := decodeTolerant(data, &w.SubscriptionPlans); err != nil {
			return err
		}
	} else {
		if plans := member(data, "subscription_plans"); plans == nil || plans[0] != '[' {
			return missing("subscription_plans")
		}
		if err := decodeTolerant(data, &w); err != nil {
			return err
		}
	}
	for _, plan := range w.SubscriptionPlans {
		p.SubscriptionPlans = append(p.SubscriptionPlans, Plan{
			ID: plan.ID, Name: string(plan.Name), Category: string(plan.Category), Type: string(plan.Type),
			Period: firstOf(string(plan.Period), string(plan.Interval)), Description: string(plan.Description),
			Price: plan.Price.pointer(), APICallLimit: int64(plan.APICallLimit), RateLimit: int64(plan.RateLimit), Features: plan.Features,
		})
	}
	if g := w.PayAsYouGo; g != nil {
		p.PayAsYouGo = &PayAsYouGo{bool(g.Available), string(g.Description), g.MinimumTopupUSD.pointer(), string(g.Currency)}
	}
	return nil
}

// Plans lists what can be bought. Limits: 120 a minute. API: GET
// /subscriptions/plans.
func (s *SubscriptionsService) Plans(ctx context.Context, opts ...RequestOption) (*Plans, error) {
	return call[Plans](ctx, s.c, subscriptionsPlans, input{}, opts)
}

// Subscription is a plan that the account has.
type Subscription struct {
	ID                   ID
	PlanID               ID
	PlanName             string
	Feature              string // "enterprise", …
	Status               string // "active", "past_due", "canceled", "paused", "trialing", or a word of Stripe's
	StripeSubscriptionID string // "sub_…"
	Amount               *Amount
	CurrentPeriodStart   *Timestamp
	CurrentPeriodEnd     *Timestamp
	NextBillingDate      *Timestamp
}

// Active reports whether the plan can be used now.
func (s *Subscription) Active() bool { return s.Status == "active" || s.Status == "trialing" }

type subscriptionWire struct {
	ID                   ID         `json:"id"`
	PlanID               ID         `json:"plan_id"`
	PlanName             text       `json:"plan_name"`
	Feature              text       `json:"feature"`
	Status               text       `json:"status"`
	StripeSubscriptionID text       `json:"stripe_subscription_id"`
	Amount               sum        `json:"amount"`
	CurrentPeriodStart   *Timestamp `json:"current_period_start"`
	CurrentPeriodEnd     *Timestamp `json:"current_period_end"`
	NextBillingDate      *Timestamp `json:"next_billing_date"`
}

func (w *subscriptionWire) subscription() Subscription {
	return Subscription{
		w.ID, w.PlanID, string(w.PlanName), string(w.Feature), string(w.Status), string(w.StripeSubscriptionID), w.Amount.pointer(),
		w.CurrentPeriodStart, w.CurrentPeriodEnd, w.NextBillingDate,
	}
}

func (s *Subscription) decode(_ *trip, a *answer) error {
	var w subscriptionWire
	data := a.object()
	if nested := member(data, "subscription"); len(nested) > 0 && nested[0] == '{' {
		data = nested
	}
	if data == nil {
		return errNoData
	}
	if err := decodeTolerant(data, &w); err != nil {
		return err
	}
	if w.Status == "" {
		return missing("status")
	}
	*s = w.subscription()
	return nil
}

// subscriptionList is one list, or an object of lists by kind.
type subscriptionList []Subscription

func (l *subscriptionList) decode(_ *trip, a *answer) error {
	data, err := a.list()
	if err != nil {
		return err
	}
	lists := [][]byte{data}
	if data[0] == '{' {
		lists = lists[:0]
		for m := membersOf(data); m.next(); {
			if m.value[0] == '[' {
				lists = append(lists, m.value)
			}
		}
		if len(lists) == 0 {
			return missing("subscriptions")
		}
	}
	for _, list := range lists {
		var w []subscriptionWire
		if err := decodeTolerant(list, &w); err != nil {
			return err
		}
		for _, sub := range w {
			*l = append(*l, sub.subscription())
		}
	}
	return nil
}

// List lists the account's subscriptions of every kind. Limits: 120 a minute.
// API: GET /subscriptions.
func (s *SubscriptionsService) List(ctx context.Context, opts ...RequestOption) ([]Subscription, error) {
	l, err := call[subscriptionList](ctx, s.c, subscriptionsList, input{}, opts)
	if err != nil {
		return nil, err
	}
	return *l, nil
}

// SubscriptionCreateParams buys a plan with a saved card.
type SubscriptionCreateParams struct {
	PlanID          ID     `json:"plan_id"`
	PaymentMethodID string `json:"payment_method_id"` // "pm_…", from Billing.TokenizeCard
}

func (p SubscriptionCreateParams) check() error {
	return firstError(checkID("SubscriptionCreateParams.PlanID", p.PlanID),
		checkPaymentMethod("SubscriptionCreateParams.PaymentMethodID", p.PaymentMethodID))
}

// SubscriptionResult is a plan that has been bought.
type SubscriptionResult struct {
	Status               string        // "active"
	Message              string        // the server's words
	Subscription         *Subscription // nil: not sent
	StripeSubscriptionID string        // "sub_…"
}

func (r *SubscriptionResult) decode(t *trip, a *answer) error {
	var w struct {
		Message              text              `json:"message"`
		Status               text              `json:"status"`
		PaymentStatus        text              `json:"payment_status"`
		StripeSubscriptionID text              `json:"stripe_subscription_id"`
		PlanID               ID                `json:"plan_id"`
		Subscription         *subscriptionWire `json:"subscription"`
		CheckoutURL          text              `json:"checkout_url"`
	}
	if err := a.decode(&w); err != nil {
		return err
	}
	status := w.Status
	if w.Subscription != nil {
		status = text(firstOf(string(w.Subscription.Status), string(w.Status)))
	}
	switch {
	case w.CheckoutURL != "" && status == "":
		return errors.New("a checkout page came instead of a subscription")
	case status == "" && w.PaymentStatus == "":
		return missing("subscription.status")
	}
	if err := paidWords(a, string(status), string(w.Status), string(w.PaymentStatus)); err != nil {
		return err
	}
	*r = SubscriptionResult{Status: string(status), Message: string(w.Message), StripeSubscriptionID: string(w.StripeSubscriptionID)}
	plan := w.PlanID
	if w.Subscription != nil {
		sub := w.Subscription.subscription()
		if sub.StripeSubscriptionID == "" {
			sub.StripeSubscriptionID = r.StripeSubscriptionID
		}
		if sub.PlanID != 0 {
			plan = sub.PlanID
		}
		r.Subscription = &sub
	}
	if asked, ok := t.in.body.(SubscriptionCreateParams); ok && plan != 0 && plan != asked.PlanID && a.replayed() {
		return fmt.Errorf("the server answers another request: plan %d, not %d", plan, asked.PlanID)
	}
	return nil
}

// Create buys a plan with a saved card. A nil error always means that the plan
// is paid or on trial.
//
// Create moves money: the plan's price. It carries an idempotency key and is
// repeated with it; errors are those of [WalletService.Fund]. Limits: 15 a
// minute. API: POST /subscriptions.
func (s *SubscriptionsService) Create(ctx context.Context, p SubscriptionCreateParams, opts ...RequestOption) (*SubscriptionResult, error) {
	return call[SubscriptionResult](ctx, s.c, subscriptionsCreate, input{body: p}, opts)
}

// SubscriptionCheckoutParams asks for a checkout page.
type SubscriptionCheckoutParams struct {
	PlanID     ID     `json:"plan_id"`
	SuccessURL string `json:"success_url,omitzero"` // https, where the human goes next; optional
	CancelURL  string `json:"cancel_url,omitzero"`  // likewise
}

func (p SubscriptionCheckoutParams) check() error {
	return firstError(checkID("SubscriptionCheckoutParams.PlanID", p.PlanID),
		checkReturnURL("SubscriptionCheckoutParams.SuccessURL", p.SuccessURL),
		checkReturnURL("SubscriptionCheckoutParams.CancelURL", p.CancelURL))
}

// CreateCheckout makes a checkout page where a human buys the plan. Wait for it
// with [SubscriptionsService.AwaitCheckout]. It carries an idempotency key and is
// repeated with it; no money moves before the human pays. Limits: 15 a minute.
// API: POST /subscriptions.
func (s *SubscriptionsService) CreateCheckout(ctx context.Context, p SubscriptionCheckoutParams, opts ...RequestOption) (*PaymentLink, error) {
	return call[PaymentLink](ctx, s.c, subscriptionsCreate, input{body: p}, opts)
}

// ConfirmCheckout starts the plan that a human has paid for on a checkout page;
// see [WalletService.ConfirmCheckout]. Limits: 15 a minute. API: POST
// /subscriptions/confirm-checkout.
func (s *SubscriptionsService) ConfirmCheckout(ctx context.Context, sessionID string, opts ...RequestOption) (*SubscriptionResult, error) {
	r, err := call[checkoutSubscription](ctx, s.c, subscriptionsConfirmCheckout, input{body: sessionParams{sessionID}}, opts)
	if err != nil {
		return nil, err
	}
	return &r.SubscriptionResult, nil
}

// checkoutSubscription is a subscription that may not be paid yet.
type checkoutSubscription struct {
	SubscriptionResult
	checkoutAnswer
}

func (r *checkoutSubscription) decode(t *trip, a *answer) error {
	if err := r.pending(t, a); err != nil {
		return err
	}
	return r.SubscriptionResult.decode(t, a)
}

// AwaitCheckout waits until a human has paid a link that subscribes, and starts
// the plan; see [WalletService.AwaitCheckout]. Only the payment that a refusal
// names (409, 422) proves it here: a subscription of that plan may have been
// bought in another way.
func (s *SubscriptionsService) AwaitCheckout(ctx context.Context, link *PaymentLink, p AwaitParams, opts ...RequestOption) (*SubscriptionResult, error) {
	return await(ctx, link, p, opts, awaiting[SubscriptionResult]{
		purpose:  PurposeSubscribe,
		endpoint: subscriptionsConfirmCheckout,
		confirm:  s.ConfirmCheckout,
		found:    s.subscribed,
	})
}

// Status reads a subscription. Limits: 120 a minute. API: GET
// /subscriptions/{id}/status.
func (s *SubscriptionsService) Status(ctx context.Context, id ID, opts ...RequestOption) (*Subscription, error) {
	if err := checkID("id", id); err != nil {
		return nil, err
	}
	return call[Subscription](ctx, s.c, subscriptionsStatus, input{param: "id", element: itoa(int64(id))}, opts)
}
