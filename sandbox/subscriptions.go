package sandbox

import (
	"net/http"
	"strconv"
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
	now := s.clock()
	u := &subscription{
		id: s.nextID("subscription", 45), stripeID: "sub_1" + s.randomText(23), plan: p,
		status: "active", start: now, end: now.AddDate(0, 1, 0),
	}
	a.subscriptions = append(a.subscriptions, u)
	return u
}

func (a *account) subscribed() bool {
	for _, u := range a.subscriptions {
		if u.status == "active" {
			return true
		}
	}
	return false
}

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
	items := []any{}
	for _, u := range c.account.subscriptions {
		items = append(items, s.subscriptionJSON(u))
	}
	return c.ok(object{"items": items, "count": len(items), "total": len(items)})
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
	in := s.pay(c, method, p.cents, func(in *intent) { in.sub = s.startSubscription(in.account, p) })
	switch in.status {
	case intentSucceeded:
		u := in.sub
		if u == nil { // this key has paid for something else
			return c.ok(object{"message": "Paid.", "status": in.status})
		}
		return c.ok(object{
			"message": "Subscription created.", "subscription": u.json(),
			"stripe_subscription_id": u.stripeID, "status": u.status,
		})
	case intentAction:
		return c.actionRequired(in)
	}
	return c.declined(in)
}

func (s *Server) subscriptionStatus(c *call) answer {
	id, err := strconv.ParseInt(c.params["id"], 10, 64)
	for _, u := range c.account.subscriptions {
		if err == nil && u.id == id {
			return c.success(http.StatusOK, s.subscriptionJSON(u))
		}
	}
	return missing("Subscription", c.params["id"])
}
