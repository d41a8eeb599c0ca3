package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Charge is an amount that was taken from somebody's card.
type Charge struct {
	Cents           int64
	Email           string
	Endpoint        string // "wallet.fund", "subscriptions.create", or "checkout"
	PaymentMethodID string // "" for a checkout, where the person chooses
	PaymentIntentID string
	IdempotencyKey  string // that of the request, "" for a checkout
	Time            time.Time
}

// Charges returns every amount ever charged, in order.
func (s *Server) Charges() []Charge {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Charge(nil), s.charges...)
}

// nature is what a card does when it is charged.
type nature string

const (
	pays        nature = ""
	authorizes  nature = "authentication_required" // 3-D Secure
	generic     nature = "generic_decline"
	noFunds     nature = "insufficient_funds"
	lost        nature = "lost_card"
	stolen      nature = "stolen_card"
	expiredCard nature = "expired_card"
	wrongCVC    nature = "incorrect_cvc"
	processing  nature = "processing_error"
)

// card is a payment method.
type card struct {
	id, brand, last4, number string
	expMonth, expYear        int
	name, postal, country    string
	nature                   nature
	created                  time.Time
}

// testNumbers are Stripe's published test cards that do not simply pay.
func testNumbers() map[string]nature {
	return map[string]nature{
		"4000000000000002": generic,
		"4000000000009995": noFunds,
		"4000000000009987": lost,
		"4000000000009979": stolen,
		"4000000000000069": expiredCard,
		"4000000000000127": wrongCVC,
		"4000000000000119": processing,
		"4000002500003155": authorizes,
		"4000002760003184": authorizes,
		"4000000000003220": authorizes,
	}
}

// publishedMethods are Stripe's published test payment methods, which exist in every
// account without being made.
func publishedMethods() map[string]string {
	return map[string]string{
		"pm_card_visa":                                 "4242424242424242",
		"pm_card_visa_debit":                           "4000056655665556",
		"pm_card_mastercard":                           "5555555555554444",
		"pm_card_amex":                                 "378282246310005",
		"pm_card_discover":                             "6011111111111117",
		"pm_card_chargeDeclined":                       "4000000000000002",
		"pm_card_visa_chargeDeclined":                  "4000000000000002",
		"pm_card_chargeDeclinedInsufficientFunds":      "4000000000009995",
		"pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
		"pm_card_chargeDeclinedLostCard":               "4000000000009987",
		"pm_card_visa_chargeDeclinedLostCard":          "4000000000009987",
		"pm_card_chargeDeclinedStolenCard":             "4000000000009979",
		"pm_card_visa_chargeDeclinedStolenCard":        "4000000000009979",
		"pm_card_chargeDeclinedExpiredCard":            "4000000000000069",
		"pm_card_chargeDeclinedIncorrectCvc":           "4000000000000127",
		"pm_card_chargeDeclinedProcessingError":        "4000000000000119",
		"pm_card_threeDSecure2Required":                "4000000000003220",
		"pm_card_threeDSecureRequired":                 "4000002760003184",
		"pm_card_authenticationRequired":               "4000002760003184",
		"pm_card_authenticationRequiredOnSetup":        "4000002500003155",
	}
}

// paymentMethod finds a card, one of the published ones if need be. s.mu is held.
func (s *Server) paymentMethod(id string) *card {
	if c := s.cards[id]; c != nil {
		return c
	}
	number, published := publishedMethods()[id]
	if !published {
		return nil
	}
	c := &card{id: id, number: number, expMonth: 12, expYear: s.clock().Year() + 1, created: s.clock()}
	c.dress()
	s.cards[id] = c
	return c
}

// dress fills in what follows from the number.
func (c *card) dress() {
	c.last4 = c.number[len(c.number)-4:]
	c.brand = brandOf(c.number)
	c.nature = testNumbers()[c.number]
}

func brandOf(number string) string {
	switch {
	case strings.HasPrefix(number, "4"):
		return "visa"
	case strings.HasPrefix(number, "34"), strings.HasPrefix(number, "37"):
		return "amex"
	case number >= "51" && number < "56", number >= "2221" && number < "2721":
		return "mastercard"
	case strings.HasPrefix(number, "6011"), strings.HasPrefix(number, "65"):
		return "discover"
	case strings.HasPrefix(number, "35"):
		return "jcb"
	case strings.HasPrefix(number, "30"), strings.HasPrefix(number, "36"), strings.HasPrefix(number, "38"):
		return "diners"
	case strings.HasPrefix(number, "62"):
		return "unionpay"
	}
	return "unknown"
}

// intent is one attempt to take an amount: a PaymentIntent.
type intent struct {
	id, secret string
	status     string // succeeded, requires_action, failed
	decline    nature
	cents      int64
	account    *account
	endpoint   string
	method     string
	key        string
	paid       func(*intent) // what the money is for; called once
	sub        *subscription // what paid started, if that was it
}

const (
	intentSucceeded = "succeeded"
	intentAction    = "requires_action"
	intentFailed    = "failed"
)

// pay charges a card for a request. A payment that this request's key has made already is
// found again instead; one that was declined is tried anew. s.mu is held.
func (s *Server) pay(c *call, method *card, cents int64, paid func(*intent)) *intent {
	if c.entry != nil && c.entry.intent != nil && c.entry.intent.status != intentFailed {
		return c.entry.intent
	}
	in := s.newIntent(c.account, cents)
	in.endpoint, in.method, in.key, in.paid = c.route.name, method.id, c.key, paid
	switch method.nature {
	case pays:
		s.settle(in)
		c.moved = true
	case authorizes:
		in.status = intentAction
	default:
		in.status, in.decline = intentFailed, method.nature
	}
	if c.entry != nil {
		c.entry.intent = in
	}
	return in
}

func (s *Server) newIntent(a *account, cents int64) *intent {
	id := "pi_3" + s.randomText(23)
	in := &intent{id: id, secret: id + "_secret_" + s.randomText(25), account: a, cents: cents}
	s.intents[id] = in
	return in
}

// settle takes the money and delivers what it was for.
func (s *Server) settle(in *intent) {
	in.status = intentSucceeded
	s.charges = append(s.charges, Charge{
		Cents: in.cents, Email: in.account.email, Endpoint: in.endpoint, PaymentMethodID: in.method,
		PaymentIntentID: in.id, IdempotencyKey: in.key, Time: s.clock(),
	})
	if in.paid != nil {
		in.paid(in)
	}
}

// CompleteAction is the person who passes 3-D Secure: the card is charged and the money
// credited, or the subscription started.
func (s *Server) CompleteAction(paymentIntentID string) error {
	return s.endAction(paymentIntentID, s.settle)
}

// FailAction is the person who does not pass 3-D Secure: the payment has failed.
func (s *Server) FailAction(paymentIntentID string) error {
	return s.endAction(paymentIntentID, func(in *intent) {
		in.status, in.decline = intentFailed, authorizes
	})
}

func (s *Server) endAction(id string, end func(*intent)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.intents[id]
	switch {
	case in == nil:
		return fmt.Errorf("sandbox: no payment intent %q", id)
	case in.status != intentAction:
		return fmt.Errorf("sandbox: payment intent %q is %s and waits for nobody", id, in.status)
	}
	end(in)
	return nil
}

// declined is the answer for a card that did not pay.
func (c *call) declined(in *intent) answer {
	message := map[nature]string{
		noFunds:     "Your card has insufficient funds.",
		expiredCard: "Your card has expired.",
		wrongCVC:    "Your card's security code is incorrect.",
		processing:  "An error occurred while processing your card. Try again in a little bit.",
		authorizes:  "This payment requires authentication. Complete it on modelslab.com/pricing.",
	}[in.decline]
	if message == "" {
		message = "Your card was declined."
	}
	return c.refuse(http.StatusPaymentRequired, "payment_declined", message, object{
		"decline_code": string(in.decline), "payment_intent_id": in.id,
	})
}

// actionRequired is the answer for a card that wants 3-D Secure. As documented it has
// neither an error nor a meta.
func (c *call) actionRequired(in *intent) answer {
	if c.s.actionRequired402 {
		return c.declined(&intent{id: in.id, decline: authorizes})
	}
	return bare(http.StatusAccepted, object{"data": object{
		"payment": object{
			"status": intentAction, "payment_intent_id": in.id, "client_secret": in.secret,
		},
		"message": "This card requires 3-D Secure. Complete the payment on modelslab.com/pricing.",
	}})
}

func (s *Server) paymentStatus(c *call) answer {
	in := s.intents[c.params["id"]]
	if in == nil || in.account != c.account {
		return missing("Payment", c.params["id"])
	}
	return c.ok(object{
		"status": in.status, "payment_intent_id": in.id,
		"amount": s.dollars(in.cents), "currency": "usd",
	})
}

// card reads payment_method_id, or says what is wrong with it. Absent, it is nil.
func (c *call) card(problems bag) *card {
	if !c.has("payment_method_id") {
		return nil
	}
	method := c.s.paymentMethod(c.text("payment_method_id"))
	if method == nil {
		problems.add("payment_method_id", "The selected payment method id is invalid.")
	}
	return method
}
