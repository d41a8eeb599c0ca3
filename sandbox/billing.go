package sandbox

import (
	"net/http"
	"slices"
)

// billing is what an account has beside its wallet.
type billing struct {
	cards       []*card // attached, oldest first
	preferred   *card   // the default one of them, nil if there is none
	deleted     map[string]bool
	info        map[string]any
	invoices    []*invoice // oldest first
	autoFunding *autoFunding
	redeemed    map[string]bool // coupon codes
	reseller    bool
}

// attached finds a card of the account, nil if it is not one.
func (b *billing) attached(id string) *card {
	i := slices.IndexFunc(b.cards, func(m *card) bool { return m.id == id })
	if i < 0 {
		return nil
	}
	return b.cards[i]
}

// billingOverview counts as charges what cards have paid, and as deposits what the wallet
// was credited.
func (s *Server) billingOverview(c *call) answer {
	a, charged := c.account, int64(0)
	for _, v := range a.billing.invoices {
		charged += v.cents
	}
	var active any
	if u := a.active(); u != nil {
		active = s.subscriptionJSON(u)
	}
	return c.ok(object{
		"wallet_balance":      s.dollars(a.wallet.balance),
		"currency":            "USD",
		"active_subscription": active,
		"subscriptions":       s.subscriptionsJSON(a),
		"payment_methods":     a.billing.cardsJSON(),
		"auto_funding":        s.autoFundingJSON(a),
		"invoice_count":       len(a.billing.invoices),
		"total_charges":       s.dollars(charged),
		"total_deposits":      s.dollars(a.wallet.credited),
	})
}

func (b *billing) cardJSON(m *card) object {
	return object{
		"id": m.id, "brand": m.brand, "last4": m.last4, "exp_month": m.expMonth, "exp_year": m.expYear,
		"is_default": m == b.preferred,
	}
}

func (b *billing) cardsJSON() []any {
	list := []any{}
	for _, m := range b.cards {
		list = append(list, b.cardJSON(m))
	}
	return list
}

func (s *Server) listPaymentMethods(c *call) answer { return c.ok(c.account.billing.cardsJSON()) }

// attachPaymentMethod saves a card for the account. One that is attached already may become
// the default; nothing else happens to it.
func (s *Server) attachPaymentMethod(c *call) answer {
	problems := bag{}
	c.require(problems, "payment_method_id")
	id := c.text("payment_method_id")
	method := s.paymentMethod(id)
	if method == nil && len(problems) == 0 {
		problems.add("payment_method_id", "The selected payment method id is invalid.")
	}
	makeDefault := c.switched("make_default", true, problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	// A card that wants 3-D Secure can be saved; it asks when it is charged.
	if n := method.saved(); n != pays && n != authorizes {
		return c.refuse(http.StatusPaymentRequired, "payment_declined", n.message(), object{"decline_code": string(n)})
	}
	b := &c.account.billing
	if b.attached(id) == nil {
		b.cards = append(b.cards, method)
		delete(b.deleted, id)
	}
	if makeDefault {
		b.preferred = method
	}
	return c.ok(b.cardJSON(method))
}

func (s *Server) setDefaultPaymentMethod(c *call) answer {
	b := &c.account.billing
	method := b.attached(c.params["id"])
	if method == nil {
		return missing("PaymentMethod", c.params["id"])
	}
	b.preferred = method
	return c.ok(b.cardJSON(method))
}

// deletePaymentMethod takes a card from the account, which cannot be charged with it until it
// is attached again. Without any card left, auto-funding ends.
func (s *Server) deletePaymentMethod(c *call) answer {
	b := &c.account.billing
	method := b.attached(c.params["id"])
	if method == nil {
		return missing("PaymentMethod", c.params["id"])
	}
	b.cards = slices.DeleteFunc(b.cards, func(m *card) bool { return m == method })
	if b.deleted == nil {
		b.deleted = map[string]bool{}
	}
	b.deleted[method.id] = true
	if b.preferred == method {
		b.preferred = nil
		if len(b.cards) > 0 {
			b.preferred = b.cards[0]
		}
	}
	if b.preferred == nil {
		b.autoFunding = nil
	}
	return c.ok(object{"message": "Payment method deleted."})
}

// billingFields are the fields of the billing information, all of them text.
func billingFields() []string {
	return []string{
		"name", "email", "tax_id", "tax_id_type", "address_line1", "address_line2", "address_city",
		"address_state", "address_postal_code", "address_country",
	}
}

// billingInfo has the account's name and address of mail until others are given.
func (s *Server) billingInfo(c *call) answer {
	data := object{}
	for _, field := range billingFields() {
		data[field] = nil
	}
	data["name"], data["email"] = c.account.name, c.account.email
	for field, value := range c.account.billing.info {
		data[field] = value
	}
	return c.ok(data)
}

// updateBillingInfo changes the fields that are there; null empties one.
func (s *Server) updateBillingInfo(c *call) answer {
	problems := bag{}
	for _, field := range billingFields() {
		if _, isText := c.fields[field].(string); c.has(field) && !isText {
			problems.add(field, "The %s field must be a string.", words(field))
		}
	}
	if email := c.text("email"); email != "" && !validEmail(email) {
		problems.add("email", "The email field must be a valid email address.")
	}
	if c.text("tax_id") != "" && c.text("tax_id_type") == "" {
		problems.add("tax_id_type", "The tax id type field is required when tax id is present.")
	}
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	b := &c.account.billing
	for _, field := range billingFields() {
		if _, present := c.fields[field]; !present {
			continue
		}
		if b.info == nil {
			b.info = map[string]any{}
		}
		b.info[field] = textOrNull(c.text(field))
	}
	return s.billingInfo(c)
}

// createSetupIntent begins the saving of a card, which is given to Stripe directly.
func (s *Server) createSetupIntent(c *call) answer {
	id := "seti_1" + s.randomText(23)
	in := &setupIntent{id: id, secret: id + "_secret_" + s.randomText(25), status: setupOpen, created: c.now}
	s.setupIntents[id] = in
	return c.ok(object{
		"setup_intent_id": in.id, "client_secret": in.secret, "status": in.status,
		"instructions": "Confirm it at Stripe with a card, then attach the payment method here.",
	})
}
