package sandbox

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// maxCents is the largest amount that Stripe takes in US dollars.
const maxCents = 999_999_99

// plainNumber keeps exponents out: "1e999999999" is a number nobody means.
var plainNumber = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,18})?$`)

// parseCents reads decimal dollars, exactly.
func parseCents(text string) (int64, error) {
	if !plainNumber.MatchString(text) {
		return 0, fmt.Errorf("must be a number")
	}
	r, _ := new(big.Rat).SetString(text)
	r.Mul(r, big.NewRat(100, 1))
	if !r.IsInt() {
		return 0, fmt.Errorf("must have at most 2 decimal places")
	}
	if !r.Num().IsInt64() || r.Num().Int64() > maxCents {
		return 0, fmt.Errorf("must not be greater than 999999.99")
	}
	return r.Num().Int64(), nil
}

// amount reads a field of dollars that is at least so many cents, or says what is wrong.
func (c *call) amount(field string, least int64, problems bag) int64 {
	var text string
	switch v := c.fields[field].(type) {
	case nil:
		problems.add(field, "The %s field is required.", words(field))
		return 0
	case json.Number:
		text = v.String()
	case string:
		text = strings.TrimSpace(v)
	}
	cents, err := parseCents(text)
	switch {
	case err != nil:
		problems.add(field, "The %s field %v.", words(field), err)
	case cents < least:
		problems.add(field, "The %s field must be at least %s.", words(field), decimal(least))
	}
	return cents
}

// words is a field's name as validation messages spell it.
func words(field string) string { return strings.ReplaceAll(field, "_", " ") }

func decimal(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

// dollars is an amount as answers print it.
func (s *Server) dollars(cents int64) any {
	if s.amountsAsStrings {
		return decimal(cents)
	}
	return json.Number(decimal(cents))
}
