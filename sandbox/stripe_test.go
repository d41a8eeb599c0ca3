package sandbox_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

const (
	form     = "application/x-www-form-urlencoded"
	goodCard = "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040&card[cvc]=123"
)

func TestStripeRefusesWhatIsNotForIt(t *testing.T) {
	v := visit(t)
	pk := "pk_test_51SandboxSandboxSandboxSandbox"
	for name, tt := range map[string]struct {
		key, contentType, body string
		status                 int
		kind, code, param      any
	}{
		"no key":        {"", form, goodCard, 401, "invalid_request_error", nil, nil},
		"secret key":    {"sk_test_51Sandbox", form, goodCard, 401, "invalid_request_error", nil, nil},
		"restricted":    {"rk_test_51Sandbox", form, goodCard, 401, "invalid_request_error", nil, nil},
		"unknown key":   {"pk_test_other", form, goodCard, 401, "invalid_request_error", nil, nil},
		"JSON":          {pk, "application/json", `{"type":"card"}`, 400, "invalid_request_error", nil, nil},
		"unknown param": {pk, form, goodCard + "&colour=red", 400, "invalid_request_error", "parameter_unknown", "colour"},
		"no number":     {pk, form, "type=card&card[exp_month]=1&card[exp_year]=2040", 400, "invalid_request_error", "parameter_missing", "card[number]"},
		"Luhn":          {pk, form, "type=card&card[number]=4242424242424241&card[exp_month]=12&card[exp_year]=2040", 402, "card_error", "incorrect_number", "number"},
		"month":         {pk, form, "type=card&card[number]=4242424242424242&card[exp_month]=13&card[exp_year]=2040", 402, "card_error", "invalid_expiry_month", "exp_month"},
		"year":          {pk, form, "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2020", 402, "card_error", "invalid_expiry_year", "exp_year"},
		"CVC":           {pk, form, goodCard + "x", 402, "card_error", "invalid_cvc", "cvc"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := v.try("POST", "/v1/payment_methods", tt.contentType, tt.body, "Authorization", "Bearer "+tt.key)
			require.NoError(t, err)
			assert.Equal(t, tt.status, r.StatusCode)
			assert.Equal(t, tt.kind, r.at("error", "type"))
			assert.Equal(t, tt.code, r.at("error", "code"))
			assert.Equal(t, tt.param, r.at("error", "param"))
			assert.NotContains(t, r.text, "4242424242424")
			assert.NotEmpty(t, r.Header.Get("Request-Id"))
		})
	}
}

func TestStripeTakesBothAuthorizationsAndKeys(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithPublishableKey("pk_test_one"))
	// "pk_test_one:" in base64.
	r, err := v.try("POST", "/v1/payment_methods", form, goodCard, "Authorization", "Basic cGtfdGVzdF9vbmU6")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)

	first := v.tokenize("4242424242424242", "Idempotency-Key", "k")
	again := v.tokenize("4242424242424242", "Idempotency-Key", "k")
	assert.Equal(t, first.at("id"), again.at("id"))
	assert.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))
	assert.Equal(t, "idempotency_error", v.tokenize("5555555555554444", "Idempotency-Key", "k").at("error", "type"))

	v.srv.SetPublishableKey("pk_live_two")
	r, err = v.try("POST", "/v1/payment_methods", form, goodCard, "Authorization", "Bearer pk_test_one")
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, r.StatusCode, "a rotated key is dead")
	assert.Equal(t, true, v.tokenize("378282246310005").at("livemode"))
}

func TestBrands(t *testing.T) {
	v := visitAs(t, 0)
	for number, brand := range map[string]string{
		"4000056655665556": "visa", "5555555555554444": "mastercard", "2223003122003222": "mastercard", "378282246310005": "amex",
		"6011111111111117": "discover", "3056930009020004": "diners", "3566002020360505": "jcb", "6200000000000005": "unionpay",
	} {
		assert.Equal(t, brand, v.tokenize(number).at("card", "brand"), number)
	}
}
