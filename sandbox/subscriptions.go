package sandbox

import (
	"fmt"
	"slices"
	"time"
)

type plan struct {
	id                           int64
	name, category, period, kind string
	cents                        int64
	features                     []string
}

// planList is the price list. Names and shape follow the documented sample; the prices are
// the sandbox's own.
func planList() []*plan {
	return []*plan{
		{10, "Basic Enterprise", "enterprise", "monthly", "basic", 249_00, []string{"Dedicated server", "Unlimited images"}},
		{11, "Standard Enterprise", "enterprise", "monthly", "standard", 499_00, []string{"Dedicated server", "Unlimited images", "Own models"}},
		{20, "Standard", "normal", "monthly", "standard", 47_00, []string{"10 queued requests", "Unlimited images"}},
		{21, "Unlimited Premium", "normal", "monthly", "premium", 147_00, []string{"15 queued requests", "Unlimited images", "Video"}},
	}
}

// what an invoice calls it.
func (p *plan) what() string { return "Subscription: " + p.name }

// The documented states that the sandbox knows.
const (
	subscriptionActive  = "active"
	subscriptionPaused  = "paused"
	subscriptionPastDue = "past_due"
)

type subscription struct {
	id         int64
	stripeID   string
	plan       *plan
	status     string
	start, end time.Time
}

func (u *subscription) json() object {
	return object{"id": u.id, "plan_id": u.plan.id, "feature": u.plan.category, "status": u.status}
}

func (s *Server) startSubscription(a *account, p *plan) *subscription {
	u := &subscription{id: s.nextID("subscription", 45), stripeID: "sub_1" + s.randomText(23), plan: p}
	u.begin(s.clock())
	a.subscriptions = append(a.subscriptions, u)
	return u
}

// begin starts a paid period.
func (u *subscription) begin(now time.Time) {
	u.status, u.start, u.end = subscriptionActive, now, now.AddDate(0, 1, 0)
}

// active is the account's first subscription that can be used, or nil.
func (a *account) active() *subscription {
	for _, u := range a.subscriptions {
		if u.status == subscriptionActive {
			return u
		}
	}
	return nil
}

func (a *account) subscribed() bool { return a.active() != nil }

// plan reads the id of a plan, or says what is wrong with it.
func (c *call) plan(field string, problems bag) *plan {
	if !c.has(field) {
		problems.add(field, "The %s field is required.", words(field))
		return nil
	}
	id, _ := c.integer(field)
	for _, p := range planList() {
		if p.id == id {
			return p
		}
	}
	problems.add(field, "The selected %s is invalid.", words(field))
	return nil
}

func (s *Server) plans(c *call) answer {
	list := []any{}
	for _, p := range planList() {
		list = append(list, object{
			"id": p.id, "name": p.name, "category": p.category, "period": p.period, "type": p.kind,
			"price": s.dollars(p.cents), "api_call_limit": 0, "rate_limit": 0, "features": p.features,
		})
	}
	return c.ok(object{
		"subscription_plans": list,
		"count":              len(list),
		"pay_as_you_go": object{
			"available":         true,
			"description":       "Fund the wallet and pay for what you use.",
			"minimum_topup_usd": s.dollars(s.minimumTopUp),
			"currency":          "USD",
			"auto_payments": object{
				"supported":          true,
				"description":        "Fund the wallet automatically when it runs low.",
				"configure_endpoint": "PUT /api/agents/v1/wallet/auto-funding",
				"disable_endpoint":   "DELETE /api/agents/v1/wallet/auto-funding",
			},
			"fund_endpoint": "POST /api/agents/v1/wallet/fund",
		},
	})
}

func (s *Server) subscriptions(c *call) answer {
	items := s.subscriptionsJSON(c.account)
	return c.ok(object{"items": items, "count": len(items), "total": len(items)})
}

func (s *Server) subscriptionsJSON(a *account) []any {
	items := []any{}
	for _, u := range a.subscriptions {
		items = append(items, s.subscriptionJSON(u))
	}
	return items
}

func (s *Server) subscriptionJSON(u *subscription) object {
	data := u.json()
	data["plan_name"] = u.plan.name
	data["amount"] = s.dollars(u.plan.cents)
	data["stripe_subscription_id"] = u.stripeID
	data["current_period_start"] = timestamp(u.start)
	data["current_period_end"] = timestamp(u.end)
	data["next_billing_date"] = timestamp(u.end)
	return data
}

// subscribe charges a card, or opens a checkout when there is none.
func (s *Server) subscribe(c *call) answer {
	problems := bag{}
	p, method := c.plan("plan_id", problems), c.card(problems)
	for _, field := range []string{"success_url", "cancel_url"} {
		if method != nil && c.has(field) {
			problems.add(field, "The %s field is prohibited when payment method id is present.", words(field))
		}
	}
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	if method == nil {
		k := s.openCheckout(c, purposeSubscribe, p.cents, p)
		return c.ok(object{
			"checkout_url": k.url(s), "session_id": k.id, "expires_at": timestamp(k.expires),
			"message": "Open checkout_url to pay.",
		})
	}
	in := s.pay(c, method, p.cents, p.what(), func(in *intent) { in.sub = s.startSubscription(in.account, p) })
	return s.outcome(c, in, func() object {
		return object{
			"message": "Subscription created.", "subscription": in.sub.json(),
			"stripe_subscription_id": in.sub.stripeID, "status": in.sub.status,
		}
	})
}

func (s *Server) subscriptionStatus(c *call) answer {
	u := c.ownSubscription()
	if u == nil {
		return c.missingSubscription()
	}
	return c.ok(s.subscriptionJSON(u))
}

// ownSubscription is the one that the path names, nil if the account has no such one.
func (c *call) ownSubscription() *subscription {
	id := c.rowID()
	for _, u := range c.account.subscriptions {
		if u.id == id {
			return u
		}
	}
	return nil
}

func (c *call) missingSubscription() answer { return missing("Subscription", c.params["id"]) }

// changed tells what has become of a subscription.
func (s *Server) changed(u *subscription, message string) object {
	return object{"message": message, "subscription": s.subscriptionJSON(u), "status": u.status}
}

// paidFor is changed when it was paid for, or what came of the payment otherwise.
func (s *Server) paidFor(c *call, in *intent, message string) answer {
	return s.outcome(c, in, func() object {
		data := s.changed(in.sub, message)
		data["payment"] = s.paymentJSON(in)
		return data
	})
}

// changeOwn makes a change to a subscription of the caller's that may charge for it. What
// the key has paid for already is found again first.
func (s *Server) changeOwn(c *call, message string, change func(*subscription) answer) answer {
	u := c.ownSubscription()
	if u == nil {
		return c.missingSubscription()
	}
	if in := c.paidBefore(); in != nil {
		return s.paidFor(c, in, message)
	}
	return change(u)
}

// changePlan takes the difference if the new plan costs more, and gives nothing back if it
// costs less. The period goes on as it was.
func (s *Server) changePlan(c *call) answer {
	const message = "Plan changed."
	return s.changeOwn(c, message, func(u *subscription) answer {
		problems := bag{}
		p := c.plan("new_plan_id", problems)
		switch {
		case p == nil:
		case p.id == u.plan.id:
			problems.add("new_plan_id", "The subscription has this plan already.")
		case u.status != subscriptionActive:
			problems.add("subscription", "The subscription is %s.", u.status)
		case p.cents > u.plan.cents:
			c.defaultCard(problems)
		}
		if len(problems) > 0 {
			return c.invalid(problems)
		}
		if p.cents <= u.plan.cents {
			u.plan = p
			return c.ok(s.changed(u, message))
		}
		in := s.pay(c, c.account.billing.preferred, p.cents-u.plan.cents, "Change of plan: "+p.name, func(in *intent) {
			u.plan, in.sub = p, u
		})
		return s.paidFor(c, in, message)
	})
}

func (s *Server) pauseSubscription(c *call) answer {
	u := c.ownSubscription()
	if u == nil {
		return c.missingSubscription()
	}
	if u.status != subscriptionActive {
		return c.invalidField("subscription", "The subscription is %s.", u.status)
	}
	u.status = subscriptionPaused
	return c.ok(s.changed(u, "Subscription paused."))
}

// resumeSubscription is free within the period that was paid; after it, a new one is charged.
func (s *Server) resumeSubscription(c *call) answer {
	const message = "Subscription resumed."
	return s.changeOwn(c, message, func(u *subscription) answer {
		if u.status != subscriptionPaused {
			return c.invalidField("subscription", "The subscription is %s, not paused.", u.status)
		}
		if c.now.Before(u.end) {
			u.status = subscriptionActive
			return c.ok(s.changed(u, message))
		}
		return s.payPeriod(c, u, message)
	})
}

// resetCycle ends the period now and pays for a new one.
func (s *Server) resetCycle(c *call) answer {
	const message = "Billing cycle reset."
	return s.changeOwn(c, message, func(u *subscription) answer {
		if u.status != subscriptionActive {
			return c.invalidField("subscription", "The subscription is %s.", u.status)
		}
		return s.payPeriod(c, u, message)
	})
}

// payPeriod charges the default card for a period that begins when it is paid.
func (s *Server) payPeriod(c *call, u *subscription, message string) answer {
	problems := bag{}
	method := c.defaultCard(problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	in := s.pay(c, method, u.plan.cents, u.plan.what(), func(in *intent) {
		u.begin(s.clock())
		in.sub = u
	})
	return s.paidFor(c, in, message)
}

// The bounds of charge-amount, as documented.
const (
	leastExtraCharge = 5_00
	mostExtraCharge  = 10_000_00
)

// chargeAmount charges the default card and credits nothing: one source says that a custom
// amount is charged, another that an amount is set for paid models, and none that it reaches
// the wallet.
func (s *Server) chargeAmount(c *call) answer {
	in := c.paidBefore()
	if in == nil {
		problems := bag{}
		cents := c.amount("amount", leastExtraCharge, problems)
		if cents > mostExtraCharge {
			problems.add("amount", "The amount field must not be greater than %s.", decimal(mostExtraCharge))
		}
		method := c.defaultCard(problems)
		if len(problems) > 0 {
			return c.invalid(problems)
		}
		in = s.pay(c, method, cents, "Custom amount", nil)
	}
	return s.outcome(c, in, func() object {
		return object{"message": "Amount charged.", "status": in.status, "payment": s.paymentJSON(in)}
	})
}

// fixPayment pays what a subscription is behind with: the price of its plan, for a period
// from now on.
func (s *Server) fixPayment(c *call) answer {
	const message = "Payment fixed."
	return s.changeOwn(c, message, func(u *subscription) answer {
		problems := bag{}
		if c.has("plan_category") && !slices.Contains([]string{"enterprise", "imagen", "addon", "normal"}, c.text("plan_category")) {
			problems.add("plan_category", "The selected plan category is invalid.")
		}
		if c.has("stripe_subscription_id") && c.text("stripe_subscription_id") != u.stripeID {
			problems.add("stripe_subscription_id", "The selected stripe subscription id is invalid.")
		}
		if u.status != subscriptionPastDue {
			problems.add("subscription", "The subscription is %s, not past due.", u.status)
		}
		if len(problems) > 0 {
			return c.invalid(problems)
		}
		return s.payPeriod(c, u, message)
	})
}

// MarkPastDue is a renewal that failed: the subscription is past due until its payment is fixed.
func (s *Server) MarkPastDue(subscriptionID int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.accounts {
		for _, u := range a.subscriptions {
			if u.id == subscriptionID {
				u.status = subscriptionPastDue
				return nil
			}
		}
	}
	return fmt.Errorf("sandbox: no subscription %d", subscriptionID)
}
