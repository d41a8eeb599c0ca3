package sandbox

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stripeAnswer is what Stripe keeps under an idempotency key.
type stripeAnswer struct {
	print  [sha256.Size]byte
	answer answer
}

// SetPublishableKey rotates the key: stripe-config hands out the new one, and Stripe
// refuses the old one.
func (s *Server) SetPublishableKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publishableKey = key
}

func stripeError(status int, fields object) answer {
	return bare(status, object{"error": fields})
}

// cardError is how Stripe refuses a card before it is charged.
func cardError(code, param, message string) answer {
	return stripeError(http.StatusPaymentRequired, object{
		"type": "card_error", "code": code, "param": param, "message": message,
	})
}

func badParam(code, param, message string) answer {
	return stripeError(http.StatusBadRequest, object{
		"type": "invalid_request_error", "code": code, "param": param, "message": message,
	})
}

// createPaymentMethod is POST /v1/payment_methods at Stripe, for a publishable key.
func (s *Server) createPaymentMethod(c *call) answer { return s.atStripe(c, s.tokenize) }

// atStripe asks for the publishable key, and works once for each idempotency key.
func (s *Server) atStripe(c *call, work func(*call) answer) answer {
	id := "req_" + s.randomText(14)
	if refusal, refused := s.refuseStripeKey(c); refused {
		return refusal.with("Request-Id", id)
	}
	if c.key == "" {
		return work(c).with("Request-Id", id)
	}
	fingerprint := keyPrint(c)
	if old, known := s.stripeKey[c.key]; known {
		if old.print != fingerprint {
			return stripeError(http.StatusBadRequest, object{
				"type":    "idempotency_error",
				"message": "Keys for idempotent requests can only be used with the same parameters they were first used with.",
			}).with("Request-Id", id)
		}
		a := old.answer.with("Idempotent-Replayed", "true")
		a.replay = true
		return a
	}
	a := work(c).with("Request-Id", id)
	s.stripeKey[c.key] = stripeAnswer{fingerprint, a}
	return a
}

// refuseStripeKey takes the publishable key of stripe-config and nothing else: a secret key
// has no business in a client.
func (s *Server) refuseStripeKey(c *call) (answer, bool) {
	key, _, basic := c.http.BasicAuth()
	if !basic {
		key, _ = strings.CutPrefix(c.http.Header.Get("Authorization"), "Bearer ")
	}
	switch {
	case key == s.publishableKey:
		return answer{}, false
	case key == "":
		return unauthorizedAtStripe("You did not provide an API key."), true
	case strings.HasPrefix(key, "sk_"), strings.HasPrefix(key, "rk_"):
		return unauthorizedAtStripe("This is a secret key. Use your publishable key here."), true
	}
	return unauthorizedAtStripe("Invalid API Key provided: " + masked(key)), true
}

func unauthorizedAtStripe(message string) answer {
	return stripeError(http.StatusUnauthorized, object{"type": "invalid_request_error", "message": message}).
		with("WWW-Authenticate", `Basic realm="Stripe"`)
}

// masked shows as much of a key as Stripe does.
func masked(key string) string {
	if len(key) < 12 {
		return strings.Repeat("*", len(key))
	}
	return key[:8] + strings.Repeat("*", len(key)-12) + key[len(key)-4:]
}

// methodParams are the parameters of a payment method that the sandbox knows; metadata has
// free names besides.
func methodParams() []string {
	return []string{
		"type", "card[number]", "card[exp_month]", "card[exp_year]", "card[cvc]",
		"billing_details[name]", "billing_details[email]", "billing_details[phone]",
		"billing_details[address][line1]", "billing_details[address][line2]", "billing_details[address][city]",
		"billing_details[address][state]", "billing_details[address][postal_code]", "billing_details[address][country]",
		"allow_redisplay",
	}
}

func isMethodParam(name string) bool {
	return slices.Contains(methodParams(), name) || strings.HasPrefix(name, "metadata[")
}

func isExpansion(name string) bool { return strings.HasPrefix(name, "expand[") }

func unknownParam(name string) answer {
	return badParam("parameter_unknown", name, "Received unknown parameter: "+name)
}

func missingParam(name string) answer {
	return badParam("parameter_missing", name, "Missing required param: "+name+".")
}

// form reads the body, which Stripe takes form-encoded only.
func (c *call) form() (url.Values, answer, bool) {
	media, _, _ := strings.Cut(c.http.Header.Get("Content-Type"), ";")
	form, err := url.ParseQuery(string(c.body))
	if err != nil || strings.TrimSpace(media) != "application/x-www-form-urlencoded" {
		return nil, stripeError(http.StatusBadRequest, object{
			"type":    "invalid_request_error",
			"message": "Invalid request (check that your POST content type is application/x-www-form-urlencoded).",
		}), true
	}
	return form, answer{}, false
}

func (s *Server) live() bool { return strings.HasPrefix(s.publishableKey, "pk_live_") }

func (s *Server) tokenize(c *call) answer {
	form, refusal, refused := c.form()
	if refused {
		return refusal
	}
	for name := range form {
		if !isMethodParam(name) && !isExpansion(name) {
			return unknownParam(name)
		}
	}
	m, refusal, refused := s.readCard(c, form, func(name string) string { return name })
	if refused {
		return refusal
	}
	s.cards[m.id] = m
	return bare(http.StatusOK, m.stripeJSON(s.live(), form))
}

// readCard makes a card of a form, whose parameters were sent under the names that spelled
// gives them.
func (s *Server) readCard(c *call, form url.Values, spelled func(string) string) (*card, answer, bool) {
	for _, name := range []string{"type", "card[number]", "card[exp_month]", "card[exp_year]"} {
		if form.Get(name) == "" {
			return nil, missingParam(spelled(name)), true
		}
	}
	if form.Get("type") != "card" {
		return nil, badParam("parameter_invalid", spelled("type"), "The sandbox only knows payment methods of type card."), true
	}
	number := strings.NewReplacer(" ", "", "-", "").Replace(form.Get("card[number]"))
	month, monthErr := strconv.Atoi(form.Get("card[exp_month]"))
	year, yearErr := strconv.Atoi(form.Get("card[exp_year]"))
	if year < 100 {
		year += 2000
	}
	cvc, now := form.Get("card[cvc]"), c.now.UTC()
	switch {
	case !luhn(number):
		return nil, cardError("incorrect_number", "number", "Your card number is incorrect."), true
	case monthErr != nil || month < 1 || month > 12:
		return nil, cardError("invalid_expiry_month", "exp_month", "Your card's expiration month is invalid."), true
	case yearErr != nil || year < now.Year() || year > now.Year()+50:
		return nil, cardError("invalid_expiry_year", "exp_year", "Your card's expiration year is invalid."), true
	case year == now.Year() && month < int(now.Month()):
		return nil, cardError("invalid_expiry_month", "exp_month", "Your card's expiration month is invalid."), true
	case cvc != "" && (strings.Trim(cvc, "0123456789") != "" || len(cvc) < 3 || len(cvc) > 4):
		return nil, cardError("invalid_cvc", "cvc", "Your card's security code is invalid."), true
	}
	m := &card{
		id: "pm_1" + s.randomText(23), number: number, expMonth: month, expYear: year, created: c.now,
		name:    form.Get("billing_details[name]"),
		postal:  form.Get("billing_details[address][postal_code]"),
		country: form.Get("billing_details[address][country]"),
	}
	m.dress()
	return m, answer{}, false
}

func luhn(number string) bool {
	if len(number) < 12 || len(number) > 19 {
		return false
	}
	sum := 0
	for i, double := len(number)-1, false; i >= 0; i, double = i-1, !double {
		d := int(number[i]) - '0'
		if d < 0 || d > 9 {
			return false
		}
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func textOrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// setupIntent is the saving of a card.
type setupIntent struct {
	id, secret string
	status     string
	method     *card // the last one that was not refused
	refusal    any   // why the last one was refused
	created    time.Time
}

const (
	setupOpen      = "requires_payment_method"
	setupAction    = "requires_action"
	setupSucceeded = "succeeded"
)

// confirmSetupIntent is POST /v1/setup_intents/{id}/confirm at Stripe.
func (s *Server) confirmSetupIntent(c *call) answer { return s.atStripe(c, s.confirmSetup) }

// inMethodData is how a payment method's parameter is spelled inside another request:
// card[number] as payment_method_data[card][number].
func inMethodData(name string) string {
	first, rest, nested := strings.Cut(name, "[")
	if nested {
		rest = "[" + rest
	}
	return "payment_method_data[" + first + "]" + rest
}

// methodData takes the payment method out of a form, or names a parameter that nobody knows.
func methodData(form url.Values) (inner url.Values, unknown string) {
	inner = url.Values{}
	for name, values := range form {
		rest, inside := strings.CutPrefix(name, "payment_method_data[")
		first, rest, closed := strings.Cut(rest, "]")
		switch {
		case inside && closed && isMethodParam(first+rest):
			inner[first+rest] = values
		case !slices.Contains([]string{"client_secret", "return_url"}, name) && !isExpansion(name):
			return nil, name
		}
	}
	return inner, ""
}

func (s *Server) confirmSetup(c *call) answer {
	form, refusal, refused := c.form()
	if refused {
		return refusal
	}
	inner, unknown := methodData(form)
	in, secret := s.setupIntents[c.params["id"]], form.Get("client_secret")
	switch {
	case unknown != "":
		return unknownParam(unknown)
	case in == nil:
		return stripeError(http.StatusNotFound, object{
			"type": "invalid_request_error", "code": "resource_missing", "param": "intent",
			"message": "No such setupintent: '" + c.params["id"] + "'",
		})
	case secret == "": // whoever holds only a publishable key has to show it
		return missingParam("client_secret")
	case secret != in.secret:
		return badParam("setup_intent_invalid_parameter", "client_secret",
			"The client_secret provided does not match the client_secret associated with the SetupIntent.")
	case in.status == setupSucceeded:
		return stripeError(http.StatusBadRequest, object{
			"type": "invalid_request_error", "code": "setup_intent_unexpected_state",
			"message":      "You cannot confirm this SetupIntent because it has already succeeded.",
			"setup_intent": s.setupJSON(in, nil),
		})
	}
	m, refusal, refused := s.readCard(c, inner, inMethodData)
	if refused {
		return refusal
	}
	in.method, in.refusal = m, nil
	switch n := m.saved(); n {
	case pays:
		in.status = setupSucceeded
		s.cards[m.id] = m
	case authorizes: // nobody can use the card before a person has passed 3-D Secure
		in.status = setupAction
	default:
		return s.refuseSetup(in, n)
	}
	data := s.setupJSON(in, form)
	if m := in.method; slices.Contains(form["expand[]"], "payment_method") || form.Get("expand[0]") == "payment_method" {
		data["payment_method"] = m.stripeJSON(s.live(), inner)
	}
	return bare(http.StatusOK, data)
}

// refuseSetup is a card that its bank does not let be saved; another one may be tried.
func (s *Server) refuseSetup(in *setupIntent, n nature) answer {
	code := string(n)
	if slices.Contains([]nature{generic, noFunds, lost, stolen}, n) {
		code = "card_declined"
	}
	refusal := object{"type": "card_error", "code": code, "decline_code": string(n), "message": n.message()}
	in.status, in.method, in.refusal = setupOpen, nil, refusal
	told := maps.Clone(refusal)
	told["setup_intent"] = s.setupJSON(in, nil)
	return stripeError(http.StatusPaymentRequired, told)
}

// setupJSON is the SetupIntent object.
func (s *Server) setupJSON(in *setupIntent, form url.Values) object {
	var method, next any
	if in.method != nil {
		method = in.method.id
	}
	if back := form.Get("return_url"); in.status == setupAction && back != "" {
		next = object{
			"type":            "redirect_to_url",
			"redirect_to_url": object{"url": "https://hooks.stripe.com/3d_secure_2/" + in.id, "return_url": back},
		}
	} else if in.status == setupAction {
		next = object{"type": "use_stripe_sdk", "use_stripe_sdk": object{"type": "stripe_3ds2_fingerprint"}}
	}
	return object{
		"id": in.id, "object": "setup_intent", "status": in.status, "client_secret": in.secret,
		"payment_method": method, "payment_method_types": []string{"card"}, "usage": "off_session",
		"next_action": next, "last_setup_error": in.refusal, "cancellation_reason": nil,
		"created": in.created.Unix(), "customer": nil, "description": nil, "livemode": s.live(), "metadata": object{},
	}
}

// stripeJSON is the PaymentMethod object.
func (m *card) stripeJSON(live bool, form url.Values) object {
	check := "unchecked"
	if form.Get("card[cvc]") == "" {
		check = "unavailable"
	}
	fingerprint := sha256.Sum256([]byte(m.number))
	return object{
		"id": m.id, "object": "payment_method", "type": "card",
		"allow_redisplay": "unspecified",
		"billing_details": object{
			"name": textOrNull(m.name), "email": textOrNull(form.Get("billing_details[email]")),
			"phone": textOrNull(form.Get("billing_details[phone]")),
			"address": object{
				"line1":       textOrNull(form.Get("billing_details[address][line1]")),
				"line2":       textOrNull(form.Get("billing_details[address][line2]")),
				"city":        textOrNull(form.Get("billing_details[address][city]")),
				"state":       textOrNull(form.Get("billing_details[address][state]")),
				"postal_code": textOrNull(m.postal), "country": textOrNull(m.country),
			},
		},
		"card": object{
			"brand": m.brand, "display_brand": m.brand, "last4": m.last4,
			"exp_month": m.expMonth, "exp_year": m.expYear,
			"country": "US", "funding": "credit", "fingerprint": fmt.Sprintf("%x", fingerprint[:8]),
			"checks": object{
				"address_line1_check": nil, "address_postal_code_check": nil, "cvc_check": check,
			},
			"networks":             object{"available": []string{m.brand}, "preferred": nil},
			"three_d_secure_usage": object{"supported": true},
			"generated_from":       nil, "wallet": nil,
		},
		"created": m.created.Unix(), "customer": nil, "livemode": live, "metadata": object{},
	}
}
