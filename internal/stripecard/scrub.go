package stripecard

import (
	"regexp"
	"strings"
	"unicode"
)

const (
	redacted   = "[redacted]"
	maxMessage = 200 // characters
)

var (
	// escape is a percent escape, also of one that was escaped before.
	escape = regexp.MustCompile(`%(?:25)*[0-9A-Fa-f]{2}`)
	// longNumber is a run of at least twelve digits: any card number.
	longNumber = regexp.MustCompile(`[0-9](?:[ -]?[0-9]){11,}`)
	// credential is a key of Stripe's or a client secret.
	credential = regexp.MustCompile(`\b(?:[spr]k_(?:live|test)_[A-Za-z0-9*]+|[A-Za-z0-9_]+_secret_[A-Za-z0-9_]+)`)
	digits     = regexp.MustCompile(`[0-9]+`)
	// identifier is what ids, codes and parameter names look like.
	identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.\[\]-]{0,127}$`)
)

// secrets are what may not come back out of an answer.
type secrets struct {
	number, cvc string
	others      []string // the key, the client secret
}

// line makes one printable line of s, without secrets.
func (k secrets) line(s string) string {
	s = escape.ReplaceAllLiteralString(s, " ")
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	for _, secret := range k.others {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, redacted)
		}
	}
	s = credential.ReplaceAllLiteralString(s, redacted)
	s = k.withoutNumber(s)
	s = longNumber.ReplaceAllLiteralString(s, redacted)
	if cvc := k.cvc; cvc != "" {
		s = digits.ReplaceAllStringFunc(s, func(run string) string {
			if run == cvc {
				return redacted
			}
			return run
		})
	}
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxMessage {
		s = string(r[:maxMessage-1]) + "…"
	}
	return s
}

// word returns s if it is an identifier in which there is nothing to hide.
func (k secrets) word(s string) string {
	if !identifier.MatchString(s) || k.line(s) != s {
		return ""
	}
	return s
}

// id returns s if it is an identifier without the card's number. The CVC is not
// looked for: in a random id its digits stand by chance.
func (k secrets) id(s string) string {
	if !identifier.MatchString(s) || k.withoutNumber(s) != s {
		return ""
	}
	return s
}

// withoutNumber takes the card's number out of s, however its digits are
// spaced.
func (k secrets) withoutNumber(s string) string {
	spaced := strings.Join(digits.FindAllString(k.number, -1), "")
	if spaced == "" {
		return s
	}
	spaced = strings.Join(strings.Split(spaced, ""), `[^0-9]{0,3}`)
	return regexp.MustCompile(spaced).ReplaceAllLiteralString(s, redacted)
}
