package modelslab

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// What an agent may spend. The owner's policies are asked before anything is
// sent; what they allow is held in the budgets until it is known what became of
// it.

// SpendPolicy is what the owner of an account allows. Amounts are US dollars with
// at most two decimals; a zero field is no limit of that kind. A policy needs a
// limit or an Approve.
//
// What may have been spent counts as spent until it is known that it was not.
// Refunds, withdrawals and coupons give nothing back.
type SpendPolicy struct {
	// Budget names the sum that the limits are about. Clients with the same [Store]
	// and origin and the same Budget draw on one sum; "" is the account's own,
	// which every payment of the account counts in.
	Budget    string
	PerCall   Amount        // the most of one call
	PerWindow Amount        // the most in any Window
	Total     Amount        // the most ever
	Window    time.Duration // with PerWindow; rolling; a second to ten years
	// PerGeneration is the most that one call of the generation APIs costs, which
	// their requests do not say: so much is counted for each. Without it, and
	// without [WithMaxCharge], a limit refuses them. At most six decimals.
	PerGeneration Amount
	// StandingOrders is what may be charged later, without a call: by auto-funding
	// and by plans that renew. The limits above do not hold for those charges.
	StandingOrders StandingOrders
	// Approve is asked last, once for each call that spends, after the limits. An
	// error refuses the call and is inside its [SpendLimitError].
	Approve func(ctx context.Context, in SpendIntent) error
}

// StandingOrders allows standing orders. Zero refuses them.
type StandingOrders struct {
	PerCharge Amount // the most that one of them may charge at a time, US dollars
	PerWindow Amount // the most that all of them may, each charging once, US dollars
}

// SpendIntent is a payment that is about to be made: what is known of it before
// anything is sent.
type SpendIntent struct {
	Operation       string `json:"operation,omitzero"` // the name given with WithOperation
	Endpoint        string `json:"endpoint"`           // "wallet.fund"
	Account         string `json:"account,omitzero"`   // the acting account's id
	PaymentMethodID string `json:"payment_method_id,omitzero"`
	IdempotencyKey  string `json:"idempotency_key,omitzero"`
	Amount          Amount `json:"amount"` // US dollars, as far as AmountKnown; otherwise the most it may be, or 0
	AmountKnown     bool   `json:"amount_known"`
	PlanID          ID     `json:"plan_id,omitzero"`
}

// Bounds of what a policy may say.
var (
	largestLimit = Dollars(1_000_000_000)
	longestSpan  = 10 * 365 * 24 * time.Hour
)

func (p *SpendPolicy) check() error {
	for _, a := range []struct {
		field  string
		amount Amount
	}{
		{"PerCall", p.PerCall}, {"PerWindow", p.PerWindow}, {"Total", p.Total}, {"PerGeneration", p.PerGeneration},
		{"StandingOrders.PerCharge", p.StandingOrders.PerCharge}, {"StandingOrders.PerWindow", p.StandingOrders.PerWindow},
	} {
		switch {
		case a.amount.Sign() < 0:
			return &ParamError{Param: "SpendPolicy." + a.field, Value: a.amount.String(), Reason: "must not be negative"}
		case a.field == "PerGeneration" && a.amount.d.Scale() > 6:
			return &ParamError{Param: "SpendPolicy." + a.field, Value: a.amount.String(), Reason: "must have at most six decimals"}
		case !a.amount.hasCents() && a.field != "PerGeneration":
			return &ParamError{Param: "SpendPolicy." + a.field, Value: a.amount.String(), Reason: "must have at most two decimals"}
		case largestLimit.Less(a.amount):
			return &ParamError{Param: "SpendPolicy." + a.field, Value: a.amount.String(), Reason: "must be at most $" + largestLimit.String()}
		}
	}
	switch s := p.StandingOrders; {
	case len(p.Budget) > maxOperationLength || hasControl(p.Budget):
		return &ParamError{Param: "SpendPolicy.Budget", Value: p.Budget, Reason: fmt.Sprintf("must be at most %d bytes without control characters", maxOperationLength)}
	case p.PerWindow.IsZero() != (p.Window == 0):
		return &ParamError{Param: "SpendPolicy.Window", Value: p.Window.String(), Reason: "Window and PerWindow go together"}
	case p.Window != 0 && (p.Window < time.Second || p.Window > longestSpan):
		return &ParamError{Param: "SpendPolicy.Window", Value: p.Window.String(), Reason: "must be a second to ten years"}
	case s.PerCharge.IsZero() != s.PerWindow.IsZero():
		return &ParamError{Param: "SpendPolicy.StandingOrders", Reason: "PerCharge and PerWindow go together"}
	case !p.limits() && p.Approve == nil:
		return &ParamError{Param: "SpendPolicy", Reason: "limits nothing: set PerCall, PerWindow, Total or Approve"}
	}
	return nil
}

// budgets are the named ones that the policies are about.
func (cfg *config) budgets() (names []string) {
	for i := range cfg.policies {
		if name := cfg.policies[i].Budget; name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// limits reports whether the policy bounds amounts.
func (p *SpendPolicy) limits() bool {
	return !p.PerCall.IsZero() || !p.PerWindow.IsZero() || !p.Total.IsZero()
}

// WithSpendPolicy lets a call that spends pass only if p allows it. Policies add
// up, also those of [Client.With]: all must allow. A call that is refused is a
// [SpendLimitError], and nothing was sent.
//
// The limits hold for all clients of a [Store]; with the default store that is
// this program, and no longer than it runs. See docs/money.md.
func WithSpendPolicy(p SpendPolicy) Option {
	return func(cfg *config) error {
		if err := p.check(); err != nil {
			return err
		}
		cfg.policies = append(cfg.policies[:len(cfg.policies):len(cfg.policies)], p)
		return nil
	}
}

// WithStore keeps the journal of payments, the budgets and the freeze in s, where
// they outlive the program. Operations then keep their outcomes across restarts;
// see [WithOperation] and docs/money.md.
func WithStore(s Store) Option {
	return func(cfg *config) error {
		if isNil(s) || !reflect.ValueOf(s).Comparable() {
			return &ParamError{Param: "WithStore", Reason: "must be a pointer that is not nil; leave the option out to keep the journal in memory"}
		}
		cfg.store, cfg.private = s, false
		return nil
	}
}

// WithKeyLifetime says for how long after its first sending a payment may be
// asked for again with its idempotency key; default 10 minutes. How long the
// server knows a key is documented nowhere: a longer time than its own pays twice.
// From a second to a day.
func WithKeyLifetime(d time.Duration) Option {
	return func(cfg *config) error {
		if d < time.Second || d > 24*time.Hour {
			return &ParamError{Param: "WithKeyLifetime", Value: d.String(), Reason: "must be a second to a day"}
		}
		cfg.keyLifetime = d
		return nil
	}
}

const defaultKeyLifetime = 10 * time.Minute

// WithMaxCharge is the most that a call may charge, in US dollars. A request that
// says more is refused with a [SpendLimitError]; where a request does not say
// what it costs, so much is counted in the budgets. Calls that do not spend take
// no notice.
func WithMaxCharge(most Amount) RequestOption {
	return requestOptionFunc(func(o *callOptions) error {
		if most.Sign() <= 0 || largestLimit.Less(most) {
			return &ParamError{Param: "WithMaxCharge", Value: most.String(), Reason: "must be more than $0 and at most $" + largestLimit.String()}
		}
		o.maxCharge = most
		return nil
	})
}

// WithNewTry pays anew for an operation ([WithOperation]) whose last try was
// declined or refused, with the same request: the card may do better by now.
// Without it the recorded refusal is the answer. It does nothing to an operation
// that is open or paid.
func WithNewTry() RequestOption {
	return requestOptionFunc(func(o *callOptions) error {
		o.newTry = true
		return nil
	})
}

// stake is what a call may spend.
type stake struct {
	amount   Amount
	known    bool
	payment  string // the card
	plan     ID
	standing string // the standing order that it makes
	orders   Amount
}

// autoFundingOrder is the name of the standing order that SetAutoFunding makes.
const autoFundingOrder = "auto-funding"

// stake reads what the encoded request says of money, and asks for the price
// where it does not.
func (t *trip) stake(ctx context.Context) (s stake, err error) {
	s.payment = jsonText(member(t.body, "payment_method_id"))
	s.plan = idIn(t.body, "plan_id")
	ask := len(t.c.cfg.policies) > 0 || !t.opts.maxCharge.IsZero()
	switch t.e {
	case walletFund.row(), subscriptionsChargeAmount.row(), walletWithdraw.row():
		s.amount, s.known = amountIn(t.body, "amount")
	case walletSetAutoFunding.row():
		s.standing, s.known = autoFundingOrder, true
		var ok bool
		if s.orders, ok = amountIn(t.body, "auto_charge_amount"); !ok {
			s.orders = largestLimit
		}
	case walletRedeemCoupon.row():
		s.amount, s.known = amountIn(t.body, "purchase_amount")
		if member(t.body, "payment_method_id") == nil && member(t.body, "purchase_amount") == nil {
			s.amount, s.known = Amount{}, true // nothing is charged
		}
	case billingPaymentLink.row():
		if jsonText(member(t.body, "purpose")) == PurposeFund {
			s.amount, s.known = amountIn(t.body, "amount")
			break
		}
		fallthrough
	case subscriptionsCreate.row():
		if ask {
			err = t.planPrice(ctx, &s)
		}
	case subscriptionsChangePlan.row():
		s.plan = idIn(t.body, "new_plan_id")
		if ask {
			err = t.planPrice(ctx, &s)
		}
	case subscriptionsResume.row(), subscriptionsResetCycle.row():
		if ask {
			if s.plan, err = t.planOf(ctx); err == nil {
				err = t.planPrice(ctx, &s)
			}
		}
	case subscriptionsFixPayment.row():
		if ask {
			s.amount, s.known, err = t.openInvoice(ctx)
		}
	}
	if err != nil {
		return s, fmt.Errorf("modelslab: what %s costs cannot be read, and nothing was sent: %w", t.e.Name, err)
	}
	return s, nil
}

// amountIn reads an amount of money that can be charged.
func amountIn(object []byte, name string) (Amount, bool) {
	var a sum
	var v []byte
	for m := membersOf(object); m.next(); {
		if string(m.name) == name {
			if v != nil {
				return Amount{}, false // twice: which one counts is the server's to say
			}
			v = m.value
		}
	}
	if v == nil || a.UnmarshalJSON(v) != nil || !a.sent || checkAmount(name, a.Amount) != nil {
		return Amount{}, false
	}
	return a.Amount, true
}

func idIn(object []byte, name string) (id ID) {
	if v := member(object, name); v != nil && id.UnmarshalJSON(v) != nil {
		return 0
	}
	return id
}

// planPrice is a plan's full price: the most that a proration can be.
func (t *trip) planPrice(ctx context.Context, s *stake) error {
	s.standing = planOrder(s.plan)
	plans, err := t.c.Subscriptions.Plans(ctx)
	if err != nil {
		return err
	}
	for _, p := range plans.SubscriptionPlans {
		if p.ID == s.plan && p.Price != nil && s.plan != 0 {
			s.amount, s.known = *p.Price, true
		}
	}
	s.orders = s.amount
	if !s.known {
		s.orders = largestLimit
	}
	return nil
}

// subscriptionID is the element of a subscription's path.
func (t *trip) subscriptionID() string {
	id, _, _ := strings.Cut(strings.TrimPrefix(t.path, agentsBase+"/subscriptions/"), "/")
	return id
}

// planOf is the plan of the subscription that a call is about; 0: not known.
func (t *trip) planOf(ctx context.Context) (ID, error) {
	list, err := t.c.Subscriptions.List(ctx)
	if err != nil {
		return 0, err
	}
	for _, sub := range list {
		if itoa(int64(sub.ID)) == t.subscriptionID() {
			return sub.PlanID, nil
		}
	}
	return 0, nil
}

// planOrder is the name of the standing order that a plan is.
func planOrder(plan ID) string { return "plan " + itoa(int64(plan)) }

// planBefore is the standing order that a change of plans puts another in the
// place of; "": not known.
func (t *trip) planBefore() string {
	for _, s := range t.pay.before {
		if parts := strings.Split(s, "|"); parts[0] == t.subscriptionID() {
			return "plan " + parts[1]
		}
	}
	return ""
}

// openInvoice is what the account owes, by its invoices.
func (t *trip) openInvoice(ctx context.Context) (owed Amount, known bool, err error) {
	invoices, err := t.c.Billing.Invoices(ctx)
	if err != nil {
		return Amount{}, false, err
	}
	for _, in := range invoices {
		switch strings.ToLower(in.Status) {
		case "open", "past_due", "unpaid", "uncollectible":
		default:
			continue
		}
		if in.Amount == nil {
			return Amount{}, false, nil
		}
		if owed, err = owed.Add(*in.Amount); err != nil {
			return Amount{}, false, nil //nolint:nilerr // no sum, so it is not known
		}
		known = true
	}
	return owed, known, nil
}

// counted is what a policy counts for a call, and whether it can tell.
func (t *trip) counted(p *SpendPolicy, s *stake) (Amount, bool) {
	switch {
	case s.known:
		return s.amount, true
	case !t.opts.maxCharge.IsZero():
		return t.opts.maxCharge, true
	case t.e.generation() && !p.PerGeneration.IsZero():
		return p.PerGeneration, true
	}
	return Amount{}, false
}

// Why a policy refuses, where it is not for a sum.
var (
	errAmountUnknown = errors.New("what it costs is not known before it is paid: say the most with WithMaxCharge, or for generations with SpendPolicy.PerGeneration")
	errStandingOrder = errors.New("it makes a standing order, which charges again without a call: allow that with SpendPolicy.StandingOrders")
	// ErrFrozen is inside the error of a call that was not sent because of
	// [Client.Freeze], or because nobody could tell whether there is a freeze.
	ErrFrozen = errors.New("modelslab: all spending is frozen")
)

// fits asks a policy whether its limits allow a try, beside what its budget holds.
func (p *SpendPolicy) fits(in *SpendIntent, r *entry, b *purse, now int64) error {
	no := func(rule string, limit, spent Amount) error {
		return &SpendLimitError{Intent: *in, Limit: limit, Spent: spent, Rule: rule, Budget: p.Budget}
	}
	if r.Standing != "" {
		ordered, err := b.ordered(r)
		all, overflow := ordered.Add(r.Orders)
		switch s := p.StandingOrders; {
		case s.PerCharge.IsZero():
			return &SpendLimitError{Intent: *in, Err: errStandingOrder, Budget: p.Budget}
		case s.PerCharge.Less(r.Orders):
			return no("StandingOrders.PerCharge", s.PerCharge, Amount{})
		case err != nil || overflow != nil || s.PerWindow.Less(all):
			return no("StandingOrders.PerWindow", s.PerWindow, ordered)
		}
	}
	need := b.weight(r)
	if !p.PerCall.IsZero() && p.PerCall.Less(need) {
		return no("PerCall", p.PerCall, Amount{})
	}
	for _, l := range [...]struct {
		rule  string
		limit Amount
		since int64
	}{{"PerWindow", p.PerWindow, now - p.Window.Milliseconds()}, {"Total", p.Total, 0}} {
		if l.limit.IsZero() || need.IsZero() {
			continue
		}
		used, err := b.used(l.since, r)
		all, overflow := used.Add(need)
		if err != nil || overflow != nil || l.limit.Less(all) {
			return no(l.rule, l.limit, used)
		}
	}
	return nil
}

// endsOrder forgets a standing order that is no more.
func (c *Client) endsOrder(ctx context.Context, name string) error {
	if c.cfg.private && len(c.cfg.policies) == 0 {
		return nil
	}
	j, err := c.journal(ctx)
	if err != nil {
		return err
	}
	end := func(p *purse, name string) error {
		if !slices.ContainsFunc(p.Standing, func(o order) bool { return o.Name == name }) {
			return errUnchanged
		}
		p.order(name, Amount{})
		return nil
	}
	if err := j.step(ctx, func(b *book, _ moment) error { return end(&b.Purse, name) }); err != nil && !errors.Is(err, errUnchanged) {
		return err
	}
	for _, budget := range c.cfg.budgets() {
		if err := j.stepBudget(ctx, budget, func(p *purse, _ moment) error { return end(p, j.orderName(name)) }); err != nil {
			return err
		}
	}
	return nil
}
