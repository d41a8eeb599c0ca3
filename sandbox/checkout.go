package sandbox

import (
	"fmt"
	"html"
	"net/http"
	"time"
)

const (
	purposeFund      = "fund"
	purposeSubscribe = "subscribe"
)

// checkout is a Stripe Checkout session: a page on which a person pays.
type checkout struct {
	id      string
	purpose string
	cents   int64
	plan    *plan // nil to fund
	account *account
	expires time.Time
	intent  *intent // nil until it is paid
	// delivered: the wallet is credited or the subscription started.
	delivered bool
	// confirmed: the account has been told so.
	confirmed bool
	sub       *subscription
}

func (k *checkout) url(s *Server) string { return s.url + "/checkout/" + k.id }

// what is being paid, in words.
func (k *checkout) what() string {
	if k.plan != nil {
		return k.plan.what()
	}
	return walletFunding
}

func (k *checkout) expired(now time.Time) bool { return k.intent == nil && !now.Before(k.expires) }

func (s *Server) openCheckout(c *call, purpose string, cents int64, p *plan) *checkout {
	k := &checkout{
		id: "cs_test_" + s.randomText(40), purpose: purpose, cents: cents, plan: p,
		account: c.account, expires: c.now.Add(s.checkoutLifetime),
	}
	s.checkouts[k.id] = k
	return k
}

// CompleteCheckout is the person who pays on the checkout page. The money is charged now,
// once; the wallet is credited when the checkout is confirmed, or at once with
// [WithCheckoutWebhook].
func (s *Server) CompleteCheckout(sessionID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.completeCheckout(sessionID)
}

func (s *Server) completeCheckout(sessionID string) error {
	k := s.checkouts[sessionID]
	switch {
	case k == nil:
		return fmt.Errorf("sandbox: no checkout session %q", sessionID)
	case k.intent != nil:
		return fmt.Errorf("sandbox: checkout session %q is paid already", sessionID)
	case k.expired(s.clock()):
		return fmt.Errorf("sandbox: checkout session %q has expired", sessionID)
	}
	k.intent = s.newIntent(k.account, k.cents, "checkout", k.what())
	s.settle(k.intent)
	if s.checkoutWebhook {
		s.deliver(k)
	}
	return nil
}

// ExpireCheckout ends an unpaid session before its time.
func (s *Server) ExpireCheckout(sessionID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.checkouts[sessionID]
	switch {
	case k == nil:
		return fmt.Errorf("sandbox: no checkout session %q", sessionID)
	case k.intent != nil:
		return fmt.Errorf("sandbox: checkout session %q is paid already", sessionID)
	}
	if now := s.clock(); now.Before(k.expires) {
		k.expires = now
	}
	return nil
}

// deliver hands over what a paid session is for, once.
func (s *Server) deliver(k *checkout) {
	if k.delivered {
		return
	}
	k.delivered = true
	if k.purpose == purposeFund {
		s.creditFunding(k.intent)
		return
	}
	k.sub = s.startSubscription(k.account, k.plan)
}

func (s *Server) paymentLink(c *call) answer {
	problems := bag{}
	for _, field := range []string{"success_url", "cancel_url"} {
		if c.has(field) {
			problems.add(field, "The %s field is prohibited.", words(field))
		}
	}
	purpose := c.text("purpose")
	var cents int64
	var p *plan
	switch purpose {
	case purposeFund:
		cents = c.amount("amount", s.minimumTopUp, problems)
	case purposeSubscribe:
		if p = c.plan("plan_id", problems); p != nil {
			cents = p.cents
		}
	case "":
		problems.add("purpose", "The purpose field is required.")
	default:
		problems.add("purpose", "The selected purpose is invalid.")
	}
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	k := s.openCheckout(c, purpose, cents, p)
	data := object{
		"payment_url": k.url(s), "session_id": k.id, "purpose": purpose,
		"expires_at":   timestamp(k.expires),
		"instructions": "Give payment_url to a person, then confirm the session.",
	}
	if p == nil {
		data["amount"] = s.dollars(cents)
	}
	return c.plain(data)
}

func (s *Server) confirmFunding(c *call) answer { return s.confirm(c, purposeFund) }

func (s *Server) confirmSubscription(c *call) answer { return s.confirm(c, purposeSubscribe) }

func (s *Server) confirm(c *call, purpose string) answer {
	id := c.text("session_id")
	if id == "" {
		return c.invalidField("session_id", "The session id field is required.")
	}
	k := s.checkouts[id]
	switch {
	case k == nil || k.account != c.account:
		return c.refuse(http.StatusNotFound, "checkout_not_found", "There is no such checkout session.", object{})
	case k.purpose != purpose:
		return c.invalidField("session_id", "The session was opened for another purpose: %s.", k.purpose)
	case k.expired(c.now):
		return c.refuse(http.StatusUnprocessableEntity, "checkout_expired", "The checkout session has expired.",
			object{"status": "expired"})
	case k.intent == nil:
		return s.unfinished(c)
	case k.confirmed && !s.repeatableConfirm && !s.sameConfirmation(c, k):
		return c.refuse(http.StatusConflict, "checkout_already_confirmed", "The checkout session was confirmed before.",
			object{"payment_intent_id": k.intent.id})
	}
	c.moved = !k.delivered
	s.deliver(k)
	k.confirmed = true
	if c.entry != nil {
		c.entry.intent = k.intent
	}
	data := object{
		"status": "complete", "payment_status": "paid", "payment_intent_id": k.intent.id,
		"amount": s.dollars(k.cents), "message": "Checkout confirmed.",
	}
	if k.purpose == purposeFund {
		data["balance"] = s.dollars(c.account.wallet.balance)
	} else {
		data["subscription"] = k.sub.json()
		data["stripe_subscription_id"] = k.sub.stripeID
	}
	return c.ok(data)
}

// sameConfirmation: the key that confirmed asks again, because its answer was not kept.
func (s *Server) sameConfirmation(c *call, k *checkout) bool {
	return c.entry != nil && c.entry.intent == k.intent
}

func (s *Server) unfinished(c *call) answer {
	if s.unfinishedCheckout == http.StatusAccepted {
		return bare(http.StatusAccepted, object{"data": object{"status": "open", "payment_status": "unpaid"}})
	}
	return c.refuse(s.unfinishedCheckout, "checkout_pending", "The checkout session has not been paid yet.",
		object{"status": "open", "payment_status": "unpaid"})
}

// checkoutPage is what a person sees who opens a payment link.
func (s *Server) checkoutPage(c *call) answer {
	k := s.checkouts[c.params["id"]]
	if k == nil {
		return page(http.StatusNotFound, "<!DOCTYPE html><title>Checkout</title><p>There is no such checkout.")
	}
	state := ""
	switch {
	case k.intent != nil:
		state = "<p>Paid. Thank you."
	case k.expired(c.now):
		state = "<p>This checkout has expired."
	default:
		state = `<form method="post" action="/checkout/` + k.id + `/pay"><button>Pay (no money moves: this is a sandbox)</button></form>`
	}
	return page(http.StatusOK, fmt.Sprintf(
		"<!DOCTYPE html><meta charset=\"utf-8\"><title>Checkout</title>\n<h1>%s</h1>\n<p>$%s\n%s\n<p>Session %s\n",
		html.EscapeString(k.what()), decimal(k.cents), state, k.id))
}

// checkoutPay is the button on that page.
func (s *Server) checkoutPay(c *call) answer {
	id := c.params["id"]
	if err := s.completeCheckout(id); err != nil {
		return page(http.StatusConflict, "<!DOCTYPE html><title>Checkout</title><p>"+html.EscapeString(err.Error()))
	}
	return page(http.StatusSeeOther, "").with("Location", s.url+"/checkout/"+id)
}
