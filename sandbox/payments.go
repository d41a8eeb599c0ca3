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
	Endpoint        string // the route that charged, such as "wallet.fund"; or "checkout", or "wallet.auto_funding"
	PaymentMethodID string // "" for a checkout, where the person chooses
	PaymentIntentID string
	IdempotencyKey  string // that of the request, "" for a checkout and for auto-funding
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

// saved is what the card does when it is saved rather than charged.
func (c *card) saved() nature {
	if c.number == declinesLater {
		return pays
	}
	return c.nature
}

// declinesLater is Stripe's published card that can be saved and is declined whenever it is
// charged.
const declinesLater = "4000000000000341"

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
		declinesLater:      generic,
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
		"pm_card_chargeCustomerFail":                   declinesLater,
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
	what       string // what the money is for, as the invoice says it
	method     string
	key        string
	paid       func(*intent) // what the money is for; called once
	sub        *subscription // what paid started or changed, if that was it
	coupon     *Coupon       // what was redeemed, likewise
	bonus      int64         // what the coupon credited
}

const (
	intentSucceeded = "succeeded"
	intentAction    = "requires_action"
	intentFailed    = "failed"
)

// pay charges a card for a request. A payment that this request's key has made already is
// found again instead; one that was declined is tried anew. s.mu is held.
func (s *Server) pay(c *call, method *card, cents int64, what string, paid func(*intent)) *intent {
	if in := c.paidBefore(); in != nil {
		return in
	}
	in := s.newIntent(c.account, cents, c.route.name, what)
	in.key, in.paid = c.key, paid
	s.attempt(in, method)
	c.remember(in)
	return in
}

// paidBefore is the payment that this request's key has made already, or waits to make. The
// work is done again under a key when its answer was not kept: whatever the payment changed
// must not be held against the repeat, so handlers look here before they look at the rest.
func (c *call) paidBefore() *intent {
	if c.entry == nil || c.entry.intent == nil || c.entry.intent.status == intentFailed {
		return nil
	}
	return c.entry.intent
}

// remember keeps a payment with the key, and tells whether money moved.
func (c *call) remember(in *intent) {
	c.moved = c.moved || in.status == intentSucceeded
	if c.entry != nil {
		c.entry.intent = in
	}
}

func (s *Server) newIntent(a *account, cents int64, endpoint, what string) *intent {
	id := "pi_3" + s.randomText(23)
	in := &intent{
		id: id, secret: id + "_secret_" + s.randomText(25),
		account: a, cents: cents, endpoint: endpoint, what: what,
	}
	s.intents[id] = in
	return in
}

// attempt charges the card: the money is there, or a person is wanted, or it has failed.
func (s *Server) attempt(in *intent, method *card) {
	in.method = method.id
	switch method.nature {
	case pays:
		s.settle(in)
	case authorizes:
		in.status = intentAction
	default:
		in.status, in.decline = intentFailed, method.nature
	}
}

// settle takes the money and delivers what it was for.
func (s *Server) settle(in *intent) {
	in.status = intentSucceeded
	s.charges = append(s.charges, Charge{
		Cents: in.cents, Email: in.account.email, Endpoint: in.endpoint, PaymentMethodID: in.method,
		PaymentIntentID: in.id, IdempotencyKey: in.key, Time: s.clock(),
	})
	s.invoice(in)
	if in.paid != nil {
		in.paid(in)
	}
}

// CompleteAction is the person who passes 3-D Secure: the card is charged and the money
// credited, or the subscription started, or whatever else it was for.
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

// outcome is the answer for a payment; done tells what is new when it went through.
func (s *Server) outcome(c *call, in *intent, done func() object) answer {
	switch {
	case in.status == intentAction:
		return c.actionRequired(in)
	case in.status != intentSucceeded:
		return c.declined(in)
	case in.endpoint != c.route.name: // this key has paid for something else
		data := s.funded(in, "Paid.")
		data["status"] = in.status
		return c.ok(data)
	}
	return c.ok(done())
}

func (s *Server) paymentJSON(in *intent) object {
	return object{
		"status": in.status, "payment_intent_id": in.id,
		"amount": s.dollars(in.cents), "currency": "usd",
	}
}

// message is how a decline is put to people.
func (n nature) message() string {
	message := map[nature]string{
		noFunds:     "Your card has insufficient funds.",
		expiredCard: "Your card has expired.",
		wrongCVC:    "Your card's security code is incorrect.",
		processing:  "An error occurred while processing your card. Try again in a little bit.",
		authorizes:  "This payment requires authentication. Complete it on modelslab.com/pricing.",
	}[n]
	if message == "" {
		message = "Your card was declined."
	}
	return message
}

// declined is the answer for a card that did not pay.
func (c *call) declined(in *intent) answer {
	return c.refuse(http.StatusPaymentRequired, "payment_declined", in.decline.message(), object{
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
	return c.ok(s.paymentJSON(in))
}

// card reads payment_method_id, or says what is wrong with it. Absent, it is nil. A card need
// not be attached to be charged; one that was deleted is refused until it is attached again.
func (c *call) card(problems bag) *card {
	if !c.has("payment_method_id") {
		return nil
	}
	id := c.text("payment_method_id")
	method := c.s.paymentMethod(id)
	if method == nil || c.account.billing.deleted[id] {
		problems.add("payment_method_id", "The selected payment method id is invalid.")
		return nil
	}
	return method
}

// defaultCard is what is charged where a request names no card, or a problem.
func (c *call) defaultCard(problems bag) *card {
	method := c.account.billing.preferred
	if method == nil {
		problems.add("payment_method", "The account has no default payment method.")
	}
	return method
}
