package modelslab

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// Card is a payment card, to be exchanged for a payment method at Stripe by BillingService.TokenizeCard; it never
// reaches ModelsLab. fmt, log/slog and encoding/json show "[redacted]" in place of the whole card.
//
// Number, ExpMonth, ExpYear and CVC are required; [NewCard] checks them at once. Name, PostalCode and Country (two
// letters, ISO 3166) are the optional billing details.
type Card struct {
	Number, CVC               Secret
	ExpMonth, ExpYear         int // 1 to 12; 2027 or 27
	Name, PostalCode, Country string
}

// The digits of a card number, by ISO/IEC 7812.
const minCardDigits, maxCardDigits = 12, 19

// maxCardYears is how far ahead a card may expire; Stripe's limit.
const maxCardYears = 50

// NewCard returns a Card, or a [*ParamError] naming the field that cannot be right; neither the number nor the CVC
// is ever repeated in it. Spaces and dashes in the number are removed, and a year of two digits is taken for one of
// 2001 to 2099.
//
// The number must have 12 to 19 digits with a valid check digit, the CVC 4 digits for American Express and 3
// otherwise, and the month of expiry must not be over or more than 50 years away.
func NewCard(number string, expMonth, expYear int, cvc string) (Card, error) {
	return newCard(time.Now(), number, expMonth, expYear, cvc)
}

func newCard(now time.Time, number string, expMonth, expYear int, cvc string) (Card, error) {
	c := Card{Number: NewSecret(number), CVC: NewSecret(cvc), ExpMonth: expMonth, ExpYear: expYear}.cleaned()
	if err := c.check(now); err != nil {
		return Card{}, err
	}
	return c, nil
}

// cleaned returns the card as it is sent: bare digits and a year of four.
func (c Card) cleaned() Card {
	c.Number = NewSecret(strings.NewReplacer(" ", "", "-", "").Replace(c.Number.Reveal()))
	if c.ExpYear > 0 && c.ExpYear < 100 {
		c.ExpYear += 2000
	}
	return c
}

// check reports the first thing that is wrong with the card, cleaned or not, as a *ParamError without a value.
func (c Card) check(now time.Time) error {
	c = c.cleaned()
	number, year, month := c.Number.Reveal(), now.Year(), now.Month()
	switch digits, valid := luhn(number); {
	case number == "":
		return cardError("Number", "is required")
	case digits != len(number):
		return cardError("Number", "has characters other than digits, spaces and dashes")
	case digits < minCardDigits || digits > maxCardDigits:
		return cardError("Number", fmt.Sprintf("must have %d to %d digits", minCardDigits, maxCardDigits))
	case !valid:
		return cardError("Number", "is mistyped: its check digit is wrong")
	case c.ExpMonth < 1 || c.ExpMonth > 12:
		return cardError("ExpMonth", "must be a month from 1 to 12")
	case c.ExpYear < 1:
		return cardError("ExpYear", "must be a year, like 2027 or 27")
	case c.ExpYear < year:
		return cardError("ExpYear", "is over: the card has expired")
	case c.ExpYear > year+maxCardYears:
		return cardError("ExpYear", fmt.Sprintf("is more than %d years away", maxCardYears))
	case c.ExpYear == year && time.Month(c.ExpMonth) < month:
		return cardError("ExpMonth", "is over: the card has expired")
	}

	want := 3
	if strings.HasPrefix(number, "34") || strings.HasPrefix(number, "37") { // American Express
		want = 4
	}
	if cvc := c.CVC.Reveal(); len(cvc) != want || atoi([]byte(cvc)) < 0 {
		return cardError("CVC", fmt.Sprintf("must have %d digits for this card", want))
	}
	return nil
}

func cardError(field, reason string) error {
	return &ParamError{Param: "Card." + field, Reason: reason}
}

// looksLikeCardNumber reports whether s could be a card number: one that was given in place of a payment method's
// id must not be repeated in an error or sent anywhere.
func looksLikeCardNumber(s string) bool {
	digits, valid := luhn(s)
	return valid && digits >= minCardDigits && digits <= maxCardDigits
}

// luhn counts the digits of s, spaces and dashes aside, and reports whether the last is the check digit of the
// others. With any other character in it s has 0 digits.
func luhn(s string) (digits int, valid bool) {
	sum := 0
	for i := len(s) - 1; i >= 0; i-- {
		c := s[i]
		if c == ' ' || c == '-' {
			continue
		}
		if !isDigit(c) {
			return 0, false
		}
		d := int(c - '0')
		if digits%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		digits++
	}
	return digits, digits > 0 && sum%10 == 0
}

// Format prints "[redacted]" whatever the verb.
func (Card) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue shows "[redacted]" to log/slog.
func (Card) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON writes "[redacted]": a card is sent to Stripe as a form, never as JSON.
func (Card) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
