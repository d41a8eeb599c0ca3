package modelslab

import (
	"context"
	"fmt"
	"strings"
)

// SubscriptionsService buys plans. Prices are US dollars.
// Documentation: docs.modelslab.com/agents-api/subscriptions.
type SubscriptionsService struct{ c *Client }

// Plan is a subscription that can be bought.
type Plan struct {
	ID           ID       `json:"id"`
	Name         string   `json:"name"`
	Category     string   `json:"category"` // "enterprise", …
	Type         string   `json:"type"`     // "basic", …
	Period       string   `json:"period"`   // "monthly", …
	Description  string   `json:"description"`
	Price        *Amount  `json:"price"`          // US dollars for a period; nil: not sent
	APICallLimit int64    `json:"api_call_limit"` // 0: presumably none
	RateLimit    int64    `json:"rate_limit"`     // 0: presumably none
	Features     []string `json:"features"`
}

// PayAsYouGo is the wallet as an alternative to a plan.
type PayAsYouGo struct {
	Available       bool         `json:"available"`
	Description     string       `json:"description"`
	MinimumTopupUSD *Amount      `json:"minimum_topup_usd"` // the least that Fund takes; nil: not sent
	Currency        string       `json:"currency"`
	AutoPayments    AutoPayments `json:"auto_payments"`
	FundEndpoint    string       `json:"fund_endpoint"` // "POST /api/agents/v1/wallet/fund"
}

// AutoPayments is whether the wallet can fund itself; see
// [WalletService.SetAutoFunding].
type AutoPayments struct {
	Supported         bool   `json:"supported"`
	Description       string `json:"description"`
	ConfigureEndpoint string `json:"configure_endpoint"`
	DisableEndpoint   string `json:"disable_endpoint"`
}

// Plans is what can be bought.
type Plans struct {
	SubscriptionPlans []Plan      `json:"subscription_plans"`
	PayAsYouGo        *PayAsYouGo `json:"pay_as_you_go"` // nil: not sent
}

func (p *Plan) read(_ place, object []byte) error {
	var w struct {
		ID           ID      `json:"id"`
		Name         text    `json:"name"`
		Category     text    `json:"category"`
		Type         text    `json:"type"`
		Period       text    `json:"period"`
		Interval     text    `json:"interval"`
		Description  text    `json:"description"`
		Price        maybe   `json:"price"`
		APICallLimit flexInt `json:"api_call_limit"`
		RateLimit    flexInt `json:"rate_limit"`
	}
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	*p = Plan{
		ID: w.ID, Name: string(w.Name), Category: string(w.Category), Type: string(w.Type),
		Period: firstOf(string(w.Period), string(w.Interval)), Description: string(w.Description),
		Price: w.Price.pointer(), APICallLimit: int64(w.APICallLimit), RateLimit: int64(w.RateLimit), Features: namesOf(member(object, "features")),
	}
	return nil
}

func (p *Plan) known() bool { return p.ID != 0 || p.Name != "" }

func (p *Plans) decode(_ *trip, a *answer) error {
	l, err := a.list("subscription_plans")
	if err != nil {
		return err
	}
	if p.SubscriptionPlans, err = readElements[Plan](&l); err != nil {
		return err
	}
	wallet := l.side("pay_as_you_go")
	if len(wallet) == 0 || wallet[0] != '{' {
		return nil
	}
	var w struct {
		Available       flexBool `json:"available"`
		Description     text     `json:"description"`
		MinimumTopupUSD sum      `json:"minimum_topup_usd"`
		Currency        text     `json:"currency"`
		FundEndpoint    text     `json:"fund_endpoint"`
		AutoPayments    struct {
			Supported         flexBool `json:"supported"`
			Description       text     `json:"description"`
			ConfigureEndpoint text     `json:"configure_endpoint"`
			DisableEndpoint   text     `json:"disable_endpoint"`
		} `json:"auto_payments"`
	}
	if err := decodeTolerant(wallet, &w); err != nil {
		return err
	}
	auto := w.AutoPayments
	p.PayAsYouGo = &PayAsYouGo{
		Available: bool(w.Available), Description: string(w.Description), MinimumTopupUSD: w.MinimumTopupUSD.pointer(), Currency: string(w.Currency),
		AutoPayments: AutoPayments{bool(auto.Supported), string(auto.Description), string(auto.ConfigureEndpoint), string(auto.DisableEndpoint)},
		FundEndpoint: string(w.FundEndpoint),
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
	ID                   ID         `json:"id"`
	PlanID               ID         `json:"plan_id"`
	PlanName             string     `json:"plan_name"`
	Feature              string     `json:"feature"`                // "enterprise", …
	Status               string     `json:"status"`                 // "active", "past_due", "canceled", "paused", "trialing", or a word of Stripe's
	StripeSubscriptionID string     `json:"stripe_subscription_id"` // "sub_…"
	Amount               *Amount    `json:"amount"`                 // US dollars for a period; nil: not sent
	CurrentPeriodStart   *Timestamp `json:"current_period_start"`
	CurrentPeriodEnd     *Timestamp `json:"current_period_end"`
	NextBillingDate      *Timestamp `json:"next_billing_date"`
}

// Active reports whether the plan can be used now.
func (s *Subscription) Active() bool { return s.Status == "active" || s.Status == "trialing" }

type subscriptionWire struct {
	ID                   ID        `json:"id"`
	PlanID               ID        `json:"plan_id"`
	PlanName             text      `json:"plan_name"`
	Feature              text      `json:"feature"`
	Status               text      `json:"status"`
	StripeSubscriptionID text      `json:"stripe_subscription_id"`
	Amount               maybe     `json:"amount"`
	CurrentPeriodStart   Timestamp `json:"current_period_start"`
	CurrentPeriodEnd     Timestamp `json:"current_period_end"`
	NextBillingDate      Timestamp `json:"next_billing_date"`
}

func (w *subscriptionWire) subscription() Subscription {
	return Subscription{
		w.ID, w.PlanID, string(w.PlanName), string(w.Feature), string(w.Status), string(w.StripeSubscriptionID), w.Amount.pointer(),
		w.CurrentPeriodStart.pointer(), w.CurrentPeriodEnd.pointer(), w.NextBillingDate.pointer(),
	}
}

func (s *Subscription) read(_ place, object []byte) error {
	var w subscriptionWire
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	*s = w.subscription()
	if id := jsonText(member(object, "id")); s.ID == 0 && s.StripeSubscriptionID == "" && subscriptionForm.MatchString(id) {
		s.StripeSubscriptionID = id
	}
	return nil
}

// subscriptionIn is the subscription that stands in an answer; nil: there is none,
// or what PHP makes of an empty object.
func subscriptionIn(object []byte) (*Subscription, error) {
	v := member(object, "subscription")
	if len(v) == 0 || v[0] != '{' {
		return nil, nil //nolint:nilnil // it need not be there
	}
	sub := new(Subscription)
	return sub, sub.read(place{}, v)
}

func (s *Subscription) known() bool {
	return s.ID != 0 || s.PlanID != 0 || s.StripeSubscriptionID != ""
}

func (s *Subscription) decode(_ *trip, a *answer) error {
	object := inside(a.object(), "subscription")
	if object == nil {
		return errNoData
	}
	if err := s.read(place{}, object); err != nil {
		return err
	}
	if s.Status == "" {
		return missing("status")
	}
	return nil
}

// List lists the account's subscriptions of every kind. Limits: 120 a minute.
// API: GET /subscriptions.
func (s *SubscriptionsService) List(ctx context.Context, opts ...RequestOption) ([]Subscription, error) {
	return list[Subscription](ctx, s.c, subscriptionsList, input{}, opts)
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
	Status               string        `json:"status"`                 // "active"
	Message              string        `json:"message"`                // the server's words
	Subscription         *Subscription `json:"subscription"`           // nil: not sent
	StripeSubscriptionID string        `json:"stripe_subscription_id"` // "sub_…"
}

func (r *SubscriptionResult) decode(t *trip, a *answer) error {
	var w struct {
		Message              text `json:"message"`
		Status               text `json:"status"`
		PaymentStatus        text `json:"payment_status"`
		StripeSubscriptionID text `json:"stripe_subscription_id"`
		PlanID               ID   `json:"plan_id"`
		CheckoutURL          text `json:"checkout_url"`
	}
	if err := a.decode(&w); err != nil {
		return err
	}
	sub, err := subscriptionIn(a.object())
	if err != nil {
		return err
	}
	status := string(w.Status)
	if sub != nil {
		status = firstOf(sub.Status, status)
	}
	if status == "" && w.PaymentStatus == "" && w.CheckoutURL == "" {
		return missing("subscription.status")
	}
	if err := subscriptionPaid(a, bought); err != nil {
		return err
	}
	*r = SubscriptionResult{Status: status, Message: string(w.Message), Subscription: sub, StripeSubscriptionID: string(w.StripeSubscriptionID)}
	plan := w.PlanID
	if sub != nil {
		sub.StripeSubscriptionID = firstOf(sub.StripeSubscriptionID, r.StripeSubscriptionID)
		if sub.PlanID != 0 {
			plan = sub.PlanID
		}
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
		found: func(ctx context.Context, link *PaymentLink, refused *APIError) (*SubscriptionResult, bool) {
			r, ok := s.subscribed(ctx, link, refused)
			if ok {
				s.c.foundPaid(ctx, link.SessionID, "")
			}
			return r, ok
		},
	})
}

// Status reads a subscription. Limits: 120 a minute. API: GET
// /subscriptions/{id}/status.
func (s *SubscriptionsService) Status(ctx context.Context, id ID, opts ...RequestOption) (*Subscription, error) {
	return call[Subscription](ctx, s.c, subscriptionsStatus, byID(id, nil), opts)
}

// SubscriptionChange is what became of a subscription that was changed. Of these
// answers nothing is documented: Status and Subscription may be missing, and
// [SubscriptionsService.Status] tells.
type SubscriptionChange struct {
	Status       string        `json:"status"`  // of the subscription; empty: not said
	Message      string        `json:"message"` // the server's words
	Subscription *Subscription `json:"subscription"`
}

func (r *SubscriptionChange) decode(t *trip, a *answer) error {
	object, err := a.anything(t)
	if err != nil {
		return err
	}
	var w struct {
		Message text `json:"message"`
		Status  text `json:"status"`
	}
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	sub, err := subscriptionIn(object)
	if sub == nil && member(object, "id") != nil && member(object, "plan_id") != nil { // it is the subscription itself
		sub = new(Subscription)
		err = sub.read(place{}, object)
	}
	if err != nil {
		return err
	}
	*r = SubscriptionChange{Status: string(w.Status), Message: string(w.Message), Subscription: sub}
	if sub != nil {
		r.Status = firstOf(sub.Status, r.Status)
	}
	if !t.e.Spends {
		if saysNo(member(object, "status")) {
			return unfinishedError(failedState)
		}
		return paidWords(a, done)
	}
	if err := subscriptionPaid(a, done); err != nil {
		return err
	}
	if sub != nil && a.replayed() {
		asked, _ := t.in.body.(SubscriptionChangePlanParams)
		id, _, _ := strings.Cut(strings.TrimPrefix(t.path, agentsBase+"/subscriptions/"), "/")
		switch {
		case sub.ID != 0 && itoa(int64(sub.ID)) != id:
			return fmt.Errorf("the server answers another request: subscription %d, not %s", sub.ID, id)
		case sub.PlanID != 0 && asked.NewPlanID != 0 && sub.PlanID != asked.NewPlanID:
			return fmt.Errorf("the server answers another request: plan %d, not %d", sub.PlanID, asked.NewPlanID)
		}
	}
	return nil
}

// subscriptionPaid is nil if all that an answer says of a subscription and its
// payment are words that ok knows.
func subscriptionPaid(a *answer, ok func(string) bool) error {
	var outer, inner paymentWords
	object := a.object()
	if err := firstError(outer.read(object), inner.read(member(object, "subscription"))); err != nil {
		return err
	}
	if inner.page {
		outer.page = true
	}
	return outer.paid(a, ok, inner.state, inner.status, inner.paystate)
}

// SubscriptionChangePlanParams moves a subscription to another plan.
type SubscriptionChangePlanParams struct {
	NewPlanID ID `json:"new_plan_id"` // from Plans
}

func (p SubscriptionChangePlanParams) check() error {
	return checkID("SubscriptionChangePlanParams.NewPlanID", p.NewPlanID)
}

// ChangePlan moves a subscription to another plan.
//
// ChangePlan may move money: what the new plan costs more, in a way that is
// documented nowhere. It carries an idempotency key and is repeated with it;
// errors are those of [WalletService.Fund]. Limits: 15 a minute. API: PUT
// /subscriptions/{id}.
func (s *SubscriptionsService) ChangePlan(ctx context.Context, id ID, p SubscriptionChangePlanParams, opts ...RequestOption) (*SubscriptionChange, error) {
	return call[SubscriptionChange](ctx, s.c, subscriptionsChangePlan, byID(id, p), opts)
}

// Pause stops a subscription, and its renewals, until Resume. There is no
// documented way to cancel one. It carries an idempotency key and is repeated
// with it. Limits: 15 a minute. API: POST /subscriptions/{id}/pause.
func (s *SubscriptionsService) Pause(ctx context.Context, id ID, opts ...RequestOption) (*SubscriptionChange, error) {
	return call[SubscriptionChange](ctx, s.c, subscriptionsPause, byID(id, nil), opts)
}

// Resume goes on with a subscription that was paused.
//
// Resume may move money: the plan's price, where a new period begins. It carries
// an idempotency key and is repeated with it; errors are those of
// [WalletService.Fund]. Limits: 15 a minute. API: POST /subscriptions/{id}/resume.
func (s *SubscriptionsService) Resume(ctx context.Context, id ID, opts ...RequestOption) (*SubscriptionChange, error) {
	return call[SubscriptionChange](ctx, s.c, subscriptionsResume, byID(id, nil), opts)
}

// ResetCycle begins a new period now.
//
// ResetCycle moves money: presumably the plan's price. It carries an idempotency
// key and is repeated with it; errors are those of [WalletService.Fund]. Limits:
// 15 a minute. API: POST /subscriptions/{id}/reset-cycle.
func (s *SubscriptionsService) ResetCycle(ctx context.Context, id ID, opts ...RequestOption) (*SubscriptionChange, error) {
	return call[SubscriptionChange](ctx, s.c, subscriptionsResetCycle, byID(id, nil), opts)
}

// SubscriptionFixPaymentParams says what to repair; all of it is optional.
type SubscriptionFixPaymentParams struct {
	PlanCategory         string `json:"plan_category,omitzero"`          // "enterprise", "imagen", "addon", "normal"
	StripeSubscriptionID string `json:"stripe_subscription_id,omitzero"` // "sub_…"
}

func (p SubscriptionFixPaymentParams) check() error {
	if p.StripeSubscriptionID == "" {
		return nil
	}
	return checkStripeID("SubscriptionFixPaymentParams.StripeSubscriptionID", p.StripeSubscriptionID, "sub_", subscriptionForm)
}

// FixPayment pays what a subscription owes after a charge that failed.
//
// FixPayment moves money: the invoice that is open. It carries an idempotency key
// and is repeated with it; errors are those of [WalletService.Fund]. Limits: 15 a
// minute. API: POST /subscriptions/{id}/fix-payment.
func (s *SubscriptionsService) FixPayment(ctx context.Context, id ID, p SubscriptionFixPaymentParams, opts ...RequestOption) (*SubscriptionChange, error) {
	return call[SubscriptionChange](ctx, s.c, subscriptionsFixPayment, byID(id, p), opts)
}

// SubscriptionChargeAmountParams is an amount of the caller's.
type SubscriptionChargeAmountParams struct {
	Amount Amount `json:"amount"` // US dollars, $5 to $10 000, at most two decimals
}

// The documented bounds of ChargeAmount.
const (
	minChargeAmount = 5
	maxChargeAmount = 10_000
)

func (p SubscriptionChargeAmountParams) check() error {
	const param = "SubscriptionChargeAmountParams.Amount"
	if err := checkLeast(param, p.Amount, minChargeAmount); err != nil {
		return err
	}
	if Dollars(maxChargeAmount).Less(p.Amount) {
		return &ParamError{Param: param, Value: p.Amount.String(), Reason: "must be at most $10000"}
	}
	return nil
}

func (p SubscriptionChargeAmountParams) price() Amount { return p.Amount }

// AmountCharge is what became of ChargeAmount. Of the answer nothing is
// documented: all but the amount may be missing.
type AmountCharge struct {
	Status          string `json:"status"`            // of the payment; empty: not said
	PaymentIntentID string `json:"payment_intent_id"` // "pi_…"; empty: not said
	Message         string `json:"message"`           // the server's words
	Amount          Amount `json:"amount"`            // US dollars, as asked for
}

func (r *AmountCharge) decode(t *trip, a *answer) error {
	w, err := readPayment(t, a)
	if err != nil {
		return err
	}
	asked, _ := t.in.body.(SubscriptionChargeAmountParams)
	*r = AmountCharge{w.word(), w.intent, w.message, asked.Amount}
	return anotherAmount(a, w.amount(), asked.Amount)
}

// ChargeAmount charges an amount of the caller's, or sets the amount that paid
// models charge: the vendor's texts say both. Treat it as if it charged.
//
// ChargeAmount may move money. It carries an idempotency key and is repeated with
// it; errors are those of [WalletService.Fund]. Limits: 15 a minute. API: POST
// /subscriptions/charge-amount.
func (s *SubscriptionsService) ChargeAmount(ctx context.Context, p SubscriptionChargeAmountParams, opts ...RequestOption) (*AmountCharge, error) {
	return call[AmountCharge](ctx, s.c, subscriptionsChargeAmount, input{body: p}, opts)
}
