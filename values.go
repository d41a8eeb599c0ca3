package modelslab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/govalues/decimal"
)

// Amount is an exact sum of US dollars. The zero value is $0.
//
// It holds up to 19 significant digits, up to 19 of them after the point, and is never rounded. Every sum has
// one form, so == compares amounts: 75.5, "75.50" and Cents(7550) are equal.
//
// In JSON it is a number of dollars, not of cents: 25 or 25.5. A number and a numeric string decode to the same
// Amount; null does not decode, because a balance that was not sent is not zero dollars. Where an amount may be
// absent, use *Amount.
type Amount struct {
	d decimal.Decimal // no trailing zeros after the point, no negative zero
}

// maxAmountLen bounds the text of an amount: room for 19 digits in any reasonable notation.
const maxAmountLen = 64

// maxExponent bounds the exponent of an amount; a larger one has no place in 19 digits anyway.
const maxExponent = 1000

var pow10 = [decimal.MaxPrec + 1]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// Dollars returns n whole US dollars.
func Dollars(n int64) Amount { return newAmount(n, 0) }

// Cents returns n hundredths of a US dollar: Cents(7550) is $75.50.
func Cents(n int64) Amount {
	switch {
	case n%100 == 0:
		return newAmount(n/100, 0)
	case n%10 == 0:
		return newAmount(n/10, 1)
	default:
		return newAmount(n, 2)
	}
}

// newAmount returns n / 10^scale. The scale is in range and leaves no trailing zero after the point.
func newAmount(n int64, scale int) Amount { return Amount{decimal.MustNew(n, scale)} }

// ParseAmount reads a number of US dollars: "25", "25.50", "-0.0025", "2.5e1". Currency signs, separators of
// thousands and spaces are refused, and so is a number that 19 digits cannot hold exactly.
func ParseAmount(s string) (Amount, error) {
	a, ok := parseAmount([]byte(s))
	if !ok {
		return Amount{}, amountError(s)
	}
	return a, nil
}

func amountError(s string) error {
	return fmt.Errorf("modelslab: %.24q is not an amount: want US dollars in at most 19 digits, like 25 or 25.50", s)
}

// parseAmount reads an amount. Zeros are counted and only multiplied in when another digit follows, so that the
// coefficient never ends in one and the result is canonical as it stands.
func parseAmount(b []byte) (a Amount, ok bool) {
	neg := len(b) > 0 && b[0] == '-'
	if neg || len(b) > 0 && b[0] == '+' {
		b = b[1:]
	}
	b, exp, ok := cutExponent(b)
	if !ok || len(b) > maxAmountLen {
		return Amount{}, false
	}

	var coef uint64
	digits, zeros := 0, 0
	point := len(b)
	for i, c := range b {
		switch {
		case c == '0':
			zeros++
		case isDigit(c):
			if coef == 0 {
				zeros = 0
			}
			if digits += zeros + 1; digits > decimal.MaxPrec {
				return Amount{}, false
			}
			coef = coef*pow10[zeros+1] + uint64(c-'0')
			zeros = 0
		case c == '.' && point == len(b):
			point = i
		default:
			return Amount{}, false
		}
	}
	if point == 0 || point == len(b)-1 {
		return Amount{}, false // no digit on one side
	}
	if coef == 0 {
		return Amount{}, true
	}

	exp += zeros
	if point < len(b) {
		exp -= len(b) - point - 1
	}
	// Now the amount is coef * 10^exp.
	if exp > 0 {
		if digits+exp > decimal.MaxPrec {
			return Amount{}, false
		}
		coef *= pow10[exp]
		exp = 0
	}
	if exp < -decimal.MaxScale {
		return Amount{}, false
	}

	if coef > math.MaxInt64 { // decimal.New takes an int64, decimal.Parse all 19 digits
		d, err := decimal.Parse(strconv.FormatUint(coef, 10) + "e" + strconv.Itoa(exp))
		if neg {
			d = d.Neg()
		}
		return Amount{d}, err == nil
	}
	n := int64(coef)
	if neg {
		n = -n
	}
	return newAmount(n, -exp), true
}

// cutExponent splits 2.5e1 into 2.5 and 1.
func cutExponent(b []byte) (mantissa []byte, exp int, ok bool) {
	i := bytes.IndexByte(b, 'e')
	if i < 0 {
		i = bytes.IndexByte(b, 'E')
	}
	if i < 0 {
		return b, 0, true
	}
	exp, err := strconv.Atoi(string(b[i+1:]))
	return b[:i], exp, err == nil && exp >= -maxExponent && exp <= maxExponent
}

// Cmp returns -1 if a is less than b, 0 if they are equal and +1 if a is more.
func (a Amount) Cmp(b Amount) int { return a.d.Cmp(b.d) }

// Less reports whether a is less than b.
func (a Amount) Less(b Amount) bool { return a.Cmp(b) < 0 }

// Sign returns -1, 0 or +1.
func (a Amount) Sign() int { return a.d.Sign() }

// IsZero reports whether a is $0.
func (a Amount) IsZero() bool { return a.d.IsZero() }

// Add returns a + b, or an error if 19 digits cannot hold the sum exactly.
func (a Amount) Add(b Amount) (Amount, error) {
	d, err := a.d.AddExact(b.d, max(a.d.Scale(), b.d.Scale()))
	if err != nil {
		return Amount{}, fmt.Errorf("modelslab: $%s + $%s does not fit an Amount", a, b)
	}
	return Amount{d.Trim(0)}, nil
}

// Sub returns a - b, or an error if 19 digits cannot hold the difference exactly.
func (a Amount) Sub(b Amount) (Amount, error) {
	d, err := a.d.SubExact(b.d, max(a.d.Scale(), b.d.Scale()))
	if err != nil {
		return Amount{}, fmt.Errorf("modelslab: $%s - $%s does not fit an Amount", a, b)
	}
	return Amount{d.Trim(0)}, nil
}

// String returns the dollars with at least two decimals, without a currency sign: "75.50", "0.0025".
func (a Amount) String() string {
	b := a.appendJSON(make([]byte, 0, 24))
	switch a.d.Scale() {
	case 0:
		b = append(b, ".00"...)
	case 1:
		b = append(b, '0')
	}
	return string(b)
}

// hasCents reports whether a is a whole number of cents.
func (a Amount) hasCents() bool { return a.d.Scale() <= 2 }

// appendJSON appends a as the shortest JSON number, without an exponent.
func (a Amount) appendJSON(b []byte) []byte {
	b, _ = a.d.AppendText(b) // never fails
	return b
}

// MarshalJSON writes a number of US dollars: 25, 25.5.
func (a Amount) MarshalJSON() ([]byte, error) {
	return a.appendJSON(make([]byte, 0, 24)), nil
}

// UnmarshalJSON reads a number or a numeric string of US dollars, exactly. Anything else is an error, null too.
func (a *Amount) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && (data[0] == '-' || isDigit(data[0])) {
		return a.set(data)
	}
	b, ok := unquote(data)
	if !ok {
		return fmt.Errorf("modelslab: want an amount in US dollars, a number or a numeric string, got %s", jsonKind(data))
	}
	return a.set(b)
}

func (a *Amount) set(b []byte) error {
	v, ok := parseAmount(b)
	if !ok {
		return amountError(string(b))
	}
	*a = v
	return nil
}

// sum is an amount that may not have been sent: zero dollars and no word are
// not the same.
type sum struct {
	Amount
	sent bool
}

func (s *sum) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	if err := s.Amount.UnmarshalJSON(data); err != nil {
		return err
	}
	s.sent = true
	return nil
}

// maybe is a sum beside what was asked for: one that cannot be read counts as not
// sent, so that the rest is not lost over it.
type maybe struct{ sum }

func (m *maybe) UnmarshalJSON(data []byte) error {
	if m.sum.UnmarshalJSON(data) != nil {
		m.sum = sum{}
	}
	return nil
}

func sumOf(a *Amount) sum {
	if a == nil {
		return sum{}
	}
	return sum{*a, true}
}

func (s sum) pointer() *Amount {
	if !s.sent {
		return nil
	}
	return &s.Amount
}

// ID numbers an account, a key, a plan, a subscription or a team member. 0 means that there is none.
//
// In JSON it is an integer. It decodes from 45 and "45"; whatever is no 64-bit integer (null, "", a UUID, an
// object) decodes to 0 without an error, so that an answer to a paid call is never lost over an id.
type ID int64

// UnmarshalJSON reads an integer or a string of one; anything else gives 0. It never fails.
func (id *ID) UnmarshalJSON(data []byte) error {
	n, _ := parseInt(scalar(data))
	*id = ID(n)
	return nil
}

const redacted = "[redacted]"

// Secret is a string that does not print itself: fmt, log/slog and encoding/json show "[redacted]". [Secret.Reveal]
// returns it. Compare revealed values: == tells whether two secrets are the same one, not whether they are equal.
//
// It decodes from a JSON string; null gives the zero Secret, which is empty. The text "[redacted]" is an error,
// because it is what was written in place of a secret that is now lost.
type Secret struct {
	// Behind a pointer, since fmt prints a struct's unexported fields without asking for their methods.
	value *string
}

// NewSecret returns a Secret that holds s.
func NewSecret(s string) Secret { return Secret{&s} }

// Reveal returns the secret in clear.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether the secret is empty; a field tagged omitzero is then left out.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Format prints "[redacted]" whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue shows "[redacted]" to log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]", in JSON too.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes any text but "[redacted]".
func (s *Secret) UnmarshalText(b []byte) error {
	if string(b) == redacted {
		return errors.New(`modelslab: want a secret, got "[redacted]": it was written without being revealed`)
	}
	*s = NewSecret(string(b))
	return nil
}

// UnmarshalJSON takes a string other than "[redacted]", or null, which gives the zero Secret.
func (s *Secret) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*s = Secret{}
		return nil
	}
	b, ok := unquote(data)
	if !ok {
		return fmt.Errorf("modelslab: want a secret, a string, got %s", jsonKind(data))
	}
	return s.UnmarshalText(b)
}

// Timestamp is a moment as the server writes it, in UTC. The zero Timestamp means that there is none.
//
// It decodes from RFC 3339 with any offset and fraction, "2026-02-15 10:00:00" (UTC), "2026-02-15" and Unix
// seconds from 1973 on; null, "" and whatever it cannot read give the zero Timestamp without an error, so that
// an answer is never lost over a date.
type Timestamp struct{ time.Time }

// pointer is nil for the zero Timestamp.
func (t Timestamp) pointer() *Timestamp {
	if t.IsZero() {
		return nil
	}
	return &t
}

// MarshalJSON writes RFC 3339, and null for the zero Timestamp. A year outside 0 to 9999 is an error.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.Time.MarshalJSON()
}

// UnmarshalJSON reads the layouts named at [Timestamp]; anything else gives the zero Timestamp. It never fails.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	t.Time = parseTime(scalar(data))
	return nil
}

// parseTime returns the zero time for what it cannot read. It is written by hand because a list holds hundreds of
// times: time.Parse allocates for an offset and must be tried layout by layout.
func parseTime(b []byte) time.Time {
	const date, clock = len("2006-01-02"), len("T15:04:05")
	if len(b) < date || b[4] != '-' || b[7] != '-' {
		return parseUnix(b)
	}
	year, month, day := atoi(b[:4]), atoi(b[5:7]), atoi(b[8:10])
	b = b[date:]

	var hour, minute, sec, nsec int
	var offset time.Duration
	if len(b) > 0 {
		if len(b) < clock || b[0] != 'T' && b[0] != 't' && b[0] != ' ' || b[3] != ':' || b[6] != ':' {
			return time.Time{}
		}
		hour, minute, sec = atoi(b[1:3]), atoi(b[4:6]), atoi(b[7:9])
		nsec, b = cutFraction(b[clock:])
		var ok bool
		if offset, ok = parseOffset(b); !ok {
			return time.Time{}
		}
	}
	if year < 1 || month < 1 || month > 12 || day < 1 || !isClock(hour, minute) || sec < 0 || sec > 59 {
		return time.Time{}
	}
	t := time.Date(year, time.Month(month), day, hour, minute, sec, nsec, time.UTC)
	if t.Day() != day { // February 30
		return time.Time{}
	}
	if offset == 0 {
		return t
	}
	t = t.Add(-offset)
	if y := t.Year(); y < 1 || y > 9999 {
		return time.Time{}
	}
	return t
}

// parseUnix reads Unix seconds. Fewer than 9 digits are refused: 0 stands for "never", 20260215 for a date.
func parseUnix(b []byte) time.Time {
	n := 0
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	nsec, rest := cutFraction(b[n:])
	sec, ok := parseInt(b[:n])
	if !ok || len(rest) > 0 || sec < 1e8 || sec >= 253402300800 { // the year 10000
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

// cutFraction reads the fraction of a second that b may begin with, to the nanosecond, and returns what follows.
func cutFraction(b []byte) (nsec int, rest []byte) {
	if len(b) < 2 || b[0] != '.' || !isDigit(b[1]) {
		return 0, b
	}
	i := 1
	for unit := 100_000_000; i < len(b) && isDigit(b[i]); i++ {
		nsec += int(b[i]-'0') * unit
		unit /= 10
	}
	return nsec, b[i:]
}

// parseOffset reads "", "Z", "+02:00" and "+0200".
func parseOffset(b []byte) (time.Duration, bool) {
	switch {
	case len(b) == 0 || len(b) == 1 && (b[0] == 'Z' || b[0] == 'z'):
		return 0, true
	case len(b) != len("+0200") && (len(b) != len("+02:00") || b[3] != ':') || b[0] != '+' && b[0] != '-':
		return 0, false
	}
	hours, minutes := atoi(b[1:3]), atoi(b[len(b)-2:])
	if !isClock(hours, minutes) {
		return 0, false
	}
	d := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if b[0] == '-' {
		d = -d
	}
	return d, true
}

func isClock(hour, minute int) bool {
	return hour >= 0 && hour < 24 && minute >= 0 && minute < 60
}

// Ptr returns a pointer to v, for optional fields whose zero value is a legal request: Seed: Ptr(0).
func Ptr[T any](v T) *T { return &v }

// flexBool is true for true, 1, "1", "true" and "yes", and false for anything else.
type flexBool bool

func (v *flexBool) UnmarshalJSON(data []byte) error {
	switch b := scalar(data); len(b) {
	case 1:
		*v = b[0] == '1'
	case 3:
		*v = flexBool(strings.EqualFold(string(b), "yes"))
	default:
		*v = flexBool(strings.EqualFold(string(b), "true"))
	}
	return nil
}

// flexInt is an integer that may come as a string or with a fraction, which is dropped; anything else gives 0.
// It is for counts and seconds, never for money or ids.
type flexInt int64

func (v *flexInt) UnmarshalJSON(data []byte) error {
	b := scalar(data)
	n, ok := parseInt(b)
	if !ok {
		f, _ := strconv.ParseFloat(string(b), 64)
		if math.Abs(f) < 1<<53 { // false for NaN
			n = int64(f)
		}
	}
	*v = flexInt(n)
	return nil
}

// text is a string that may come as a number; anything else gives "".
type text string

func (v *text) UnmarshalJSON(data []byte) error {
	b, ok := unquote(data)
	if !ok && len(data) > 0 && (data[0] == '-' || isDigit(data[0])) {
		b = data
	}
	*v = text(b)
	return nil
}

// unquote returns what a JSON string holds, without a copy if nothing in it is escaped. ok is false for any other
// JSON value.
func unquote(data []byte) (b []byte, ok bool) {
	if len(data) < 2 || data[0] != '"' || data[len(data)-1] != '"' {
		return nil, false
	}
	b = data[1 : len(data)-1]
	if bytes.IndexByte(b, '\\') < 0 && utf8.Valid(b) {
		return b, true
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, false
	}
	return []byte(s), true
}

// scalar returns what a JSON string holds, and any other JSON value as it is.
func scalar(data []byte) []byte {
	if b, ok := unquote(data); ok {
		return b
	}
	return data
}

// jsonKind names a JSON value without showing it.
func jsonKind(data []byte) string {
	if len(data) == 0 {
		return "nothing"
	}
	switch data[0] {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '[':
		return "an array"
	case '{':
		return "an object"
	default:
		return "a number"
	}
}

// parseInt reads a decimal integer. The length is looked at first, since a failing strconv allocates.
func parseInt(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > len("-9223372036854775808") || !isDigit(b[len(b)-1]) {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return 0, false
	}
	return n, true
}

// atoi reads a few decimal digits; -1 if there is anything else.
func atoi(b []byte) int {
	n := 0
	for _, c := range b {
		if !isDigit(c) {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
