package sandbox

// autoFunding is a standing order: when the balance is below the threshold, the default card
// is charged.
type autoFunding struct{ cents, threshold int64 }

// The least amounts of a standing order, as documented.
const (
	leastAutoCharge = 5_00
	leastThreshold  = 1_00
)

// autoFundingEndpoint is what charges of a standing order are filed under.
const autoFundingEndpoint = "wallet.auto_funding"

// topUp charges the default card, once, if the balance is below the threshold. Nobody is
// there to pass 3-D Secure, so a card that wants it has failed; and a card that failed
// switches auto-funding off. It returns the payment, nil if there was no need for one.
func (s *Server) topUp(a *account) *intent {
	order := a.billing.autoFunding
	if order == nil || a.wallet.balance >= order.threshold {
		return nil
	}
	in := s.newIntent(a, order.cents, autoFundingEndpoint, "Automatic wallet funding")
	in.paid = func(in *intent) {
		s.credit(a, in.cents, movement{source: "stripe", id: in.id, usecase: "auto_funding", description: in.what})
	}
	s.attempt(in, a.billing.preferred)
	if in.status == intentAction {
		in.status, in.decline = intentFailed, authorizes
	}
	if in.status == intentFailed {
		a.billing.autoFunding = nil
	}
	return in
}

func (s *Server) autoFundingJSON(a *account) object {
	order := a.billing.autoFunding
	if order == nil {
		return object{"enabled": false, "auto_charge_amount": nil, "charge_threshold": nil}
	}
	return object{
		"enabled": true, "auto_charge_amount": s.dollars(order.cents), "charge_threshold": s.dollars(order.threshold),
	}
}

// setAutoFunding charges at once when the balance is below the threshold already; if that
// fails, auto-funding stays off. An order that stands as it is asked for is left alone: a
// repeated request never charges again, even where its key is ignored.
func (s *Server) setAutoFunding(c *call) answer {
	problems := bag{}
	order := autoFunding{
		cents:     c.amount("auto_charge_amount", leastAutoCharge, problems),
		threshold: c.amount("charge_threshold", leastThreshold, problems),
	}
	c.defaultCard(problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	in, old := c.paidBefore(), c.account.billing.autoFunding
	c.account.billing.autoFunding = &order
	if in == nil && (old == nil || *old != order) {
		if in = s.topUp(c.account); in != nil {
			c.remember(in)
		}
	}
	if in != nil && in.status == intentFailed {
		return c.declined(in)
	}
	data := s.autoFundingJSON(c.account)
	data["message"] = "Auto-funding is on."
	if in != nil && in.endpoint == autoFundingEndpoint {
		data["payment"], data["balance"] = s.paymentJSON(in), s.dollars(c.account.wallet.balance)
	}
	return c.ok(data)
}

func (s *Server) disableAutoFunding(c *call) answer {
	c.account.billing.autoFunding = nil
	data := s.autoFundingJSON(c.account)
	data["message"] = "Auto-funding is off."
	return c.ok(data)
}
