package sandbox

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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
func (s *Server) createPaymentMethod(c *call) answer {
	id := "req_" + s.randomText(14)
	if refusal, refused := s.refuseStripeKey(c); refused {
		return refusal.with("Request-Id", id)
	}
	if c.key == "" {
		return s.tokenize(c).with("Request-Id", id)
	}
	fingerprint := sha256.Sum256(c.body)
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
	a := s.tokenize(c).with("Request-Id", id)
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

// stripeParams are the parameters that the sandbox knows, up to their first bracket for
// those with free names inside.
func stripeParams() []string {
	return []string{
		"type", "card[number]", "card[exp_month]", "card[exp_year]", "card[cvc]",
		"billing_details[name]", "billing_details[email]", "billing_details[phone]",
		"billing_details[address][line1]", "billing_details[address][line2]", "billing_details[address][city]",
		"billing_details[address][state]", "billing_details[address][postal_code]", "billing_details[address][country]",
		"allow_redisplay",
	}
}

func knownStripeParam(name string) bool {
	return slices.Contains(stripeParams(), name) ||
		strings.HasPrefix(name, "metadata[") || strings.HasPrefix(name, "expand[")
}

func (s *Server) tokenize(c *call) answer {
	media, _, _ := strings.Cut(c.http.Header.Get("Content-Type"), ";")
	form, err := url.ParseQuery(string(c.body))
	if err != nil || strings.TrimSpace(media) != "application/x-www-form-urlencoded" {
		return stripeError(http.StatusBadRequest, object{
			"type":    "invalid_request_error",
			"message": "Invalid request (check that your POST content type is application/x-www-form-urlencoded).",
		})
	}
	for name := range form {
		if !knownStripeParam(name) {
			return badParam("parameter_unknown", name, "Received unknown parameter: "+name)
		}
	}
	for _, name := range []string{"type", "card[number]", "card[exp_month]", "card[exp_year]"} {
		if form.Get(name) == "" {
			return badParam("parameter_missing", name, "Missing required param: "+name+".")
		}
	}
	if form.Get("type") != "card" {
		return badParam("parameter_invalid", "type", "The sandbox only knows payment methods of type card.")
	}
	m, refusal, refused := s.readCard(c, form)
	if refused {
		return refusal
	}
	s.cards[m.id] = m
	return bare(http.StatusOK, m.stripeJSON(strings.HasPrefix(s.publishableKey, "pk_live_"), form))
}

func (s *Server) readCard(c *call, form url.Values) (*card, answer, bool) {
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
