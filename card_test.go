package modelslab

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var cardNow = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func TestNewCardTakesWhatACardCanBe(t *testing.T) {
	tests := []struct {
		name, number string
		month, year  int
		cvc          string
		wantNumber   string
		wantYear     int
	}{
		{"Visa", "4242424242424242", 12, 2030, "123", "4242424242424242", 2030},
		{"spaces", " 4242 4242 4242 4242 ", 12, 2030, "123", "4242424242424242", 2030},
		{"dashes", "4242-4242-4242-4242", 12, 2030, "123", "4242424242424242", 2030},
		{"American Express, 37", "378282246310005", 12, 2030, "1234", "378282246310005", 2030},
		{"American Express, 34", "343434343434343", 12, 2030, "1234", "343434343434343", 2030},
		{"13 digits", "4222222222222", 12, 2030, "123", "4222222222222", 2030},
		{"12 digits", "500000000009", 12, 2030, "123", "500000000009", 2030},
		{"19 digits", "6205500000000000004", 12, 2030, "123", "6205500000000000004", 2030},
		{"year of two digits", "4242424242424242", 12, 27, "123", "4242424242424242", 2027},
		{"expires this month", "4242424242424242", 3, 2026, "123", "4242424242424242", 2026},
		{"expires in January of a later year", "4242424242424242", 1, 2027, "123", "4242424242424242", 2027},
		{"expires in 50 years", "4242424242424242", 12, 2076, "123", "4242424242424242", 2076},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := newCard(cardNow, tt.number, tt.month, tt.year, tt.cvc)
			require.NoError(t, err)
			assert.Equal(t, tt.wantNumber, c.Number.Reveal())
			assert.Equal(t, tt.month, c.ExpMonth)
			assert.Equal(t, tt.wantYear, c.ExpYear)
			assert.Equal(t, tt.cvc, c.CVC.Reveal())

			byHand := Card{Number: NewSecret(tt.number), CVC: NewSecret(tt.cvc), ExpMonth: tt.month, ExpYear: tt.year}
			require.NoError(t, byHand.check(cardNow), "a literal is held to the same rules")
		})
	}
}

func TestNewCardNamesTheFieldThatCannotBe(t *testing.T) {
	const number, amex = "4242424242424242", "378282246310005"
	tests := []struct {
		name, number string
		month, year  int
		cvc          string
		param, says  string
	}{
		{"no number", "", 12, 2030, "123", "Card.Number", "required"},
		{"only spaces", " - ", 12, 2030, "123", "Card.Number", "required"},
		{"letters", "4242x42424242424", 12, 2030, "123", "Card.Number", "other than digits"},
		{"digits of another script", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", 12, 2030, "123", "Card.Number", "other than digits"},
		{"11 digits", "42424242424", 12, 2030, "123", "Card.Number", "12 to 19"},
		{"20 digits", "42424242424242424242", 12, 2030, "123", "Card.Number", "12 to 19"},
		{"one digit wrong", "4242424242424241", 12, 2030, "123", "Card.Number", "check digit"},
		{"two digits swapped", "4242424242422442", 12, 2030, "123", "Card.Number", "check digit"},
		{"month 0", number, 0, 2030, "123", "Card.ExpMonth", "1 to 12"},
		{"month 13", number, 13, 2030, "123", "Card.ExpMonth", "1 to 12"},
		{"last month", number, 2, 2026, "123", "Card.ExpMonth", "expired"},
		{"no year", number, 12, 0, "123", "Card.ExpYear", "a year"},
		{"negative year", number, 12, -5, "123", "Card.ExpYear", "a year"},
		{"last year", number, 12, 2025, "123", "Card.ExpYear", "expired"},
		{"last year, two digits", number, 12, 25, "123", "Card.ExpYear", "expired"},
		{"far year", number, 12, 2077, "123", "Card.ExpYear", "50 years"},
		{"no CVC", number, 12, 2030, "", "Card.CVC", "3 digits"},
		{"2 digits", number, 12, 2030, "12", "Card.CVC", "3 digits"},
		{"4 digits on a Visa", number, 12, 2030, "1234", "Card.CVC", "3 digits"},
		{"3 digits on an American Express", amex, 12, 2030, "123", "Card.CVC", "4 digits"},
		{"letters in the CVC", number, 12, 2030, "12a", "Card.CVC", "3 digits"},
		{"a sign in the CVC", number, 12, 2030, "-12", "Card.CVC", "3 digits"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := newCard(cardNow, tt.number, tt.month, tt.year, tt.cvc)
			var param *ParamError
			require.ErrorAs(t, err, &param)
			assert.Equal(t, tt.param, param.Param)
			assert.Contains(t, param.Reason, tt.says)
			assert.Empty(t, param.Value)
			if tt.number != "" {
				assert.NotContains(t, err.Error(), tt.number)
			}
			assert.Equal(t, Card{}, c)
		})
	}
}

func TestNewCardGoesByTheClock(t *testing.T) {
	now := time.Now()
	_, err := NewCard("4242424242424242", int(now.Month()), now.Year()+1, "123")
	require.NoError(t, err)
	_, err = NewCard("4242424242424242", 12, now.Year()-1, "123")
	require.Error(t, err)

	c, err := newCard(cardNow, "4242424242424242", 3, 2026, "123")
	require.NoError(t, err)
	require.Error(t, c.check(cardNow.AddDate(0, 1, 0)), "checked again when it is used")
}

func TestCardNumbersAreRecognised(t *testing.T) {
	for s, want := range map[string]bool{
		"4242424242424242":         true,
		"4242 4242 4242 4242":      true,
		"4242-4242-4242-4242":      true,
		"378282246310005":          true,
		"4242424242424241":         false,
		"42424242424":              false,
		"42424242424242424242":     false,
		"pm_card_visa":             false,
		"pm_1N3T00LkdIwHu7ix0snN0": false,
		"":                         false,
		"- - -":                    false,
		strings.Repeat("0", 20):    false,
	} {
		assert.Equal(t, want, looksLikeCardNumber(s), s)
	}
}

func TestCardNeverPrints(t *testing.T) {
	const number, cvc = "4000056655665556", "cvc-canary"
	c := Card{Number: NewSecret(number), CVC: NewSecret(cvc), ExpMonth: 12, ExpYear: 2030, Name: "Ada Lovelace"}
	type inside struct{ c Card }
	type pointing struct{ c *Card }
	for _, v := range []any{
		c, &c, []Card{c}, map[string]Card{"k": c}, map[string]any{"k": &c},
		inside{c}, &inside{c}, pointing{&c}, &pointing{&c}, struct{ C Card }{c}, struct{ C *Card }{&c}, struct{ c any }{c},
	} {
		assertNotPrinted(t, v, number, cvc)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		assert.Equal(t, "[redacted]", fmt.Sprintf(format, c), "no brand and no last digits either")
	}
}
