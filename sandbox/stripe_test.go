package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
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

const pk = "pk_test_51SandboxSandboxSandboxSandbox"

// setUp begins the saving of a card.
func (v *visitor) setUp() (id, secret string) {
	v.t.Helper()
	r := v.agents("POST", "/billing/setup-intent", "")
	require.Equal(v.t, http.StatusOK, r.StatusCode, r.text)
	require.Equal(v.t, "requires_payment_method", r.at("data", "status"))
	require.NotEmpty(v.t, r.at("data", "instructions"))
	id, _ = r.at("data", "setup_intent_id").(string)
	secret, _ = r.at("data", "client_secret").(string)
	return id, secret
}

func setupForm(secret, number string) string {
	return url.Values{
		"client_secret":                              {secret},
		"payment_method_data[type]":                  {"card"},
		"payment_method_data[card][number]":          {number},
		"payment_method_data[card][exp_month]":       {"12"},
		"payment_method_data[card][exp_year]":        {"2040"},
		"payment_method_data[card][cvc]":             {"123"},
		"payment_method_data[billing_details][name]": {"Ada"},
	}.Encode()
}

func (v *visitor) confirmSetup(id, body string, headers ...string) reply {
	v.t.Helper()
	r, err := v.try("POST", "/v1/setup_intents/"+id+"/confirm", form, body, append([]string{"Authorization", "Bearer " + pk}, headers...)...)
	require.NoError(v.t, err)
	require.NotEmpty(v.t, r.Header.Get("Request-Id"))
	return r
}

func TestACardIsSavedAtStripe(t *testing.T) {
	c := newClock()
	v := visitAs(t, 0, sandbox.WithClock(c.Now))
	id, secret := v.setUp()
	assert.Regexp(t, `^seti_\w+$`, id)
	assert.Regexp(t, "^"+id+`_secret_\w+$`, secret)
	body := setupForm(secret, "4242424242424242")
	r := v.confirmSetup(id, body, "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "setup_intent", r.at("object"))
	assert.Equal(t, id, r.at("id"))
	assert.Equal(t, "succeeded", r.at("status"))
	assert.Equal(t, secret, r.at("client_secret"))
	assert.Equal(t, "off_session", r.at("usage"))
	assert.Equal(t, false, r.at("livemode"))
	assert.Equal(t, json.Number(fmt.Sprint(c.Now().Unix())), r.at("created"))
	assert.Contains(t, r.text, `"next_action":null`)
	pm, _ := r.at("payment_method").(string)
	assert.Regexp(t, `^pm_\w+$`, pm)

	again := v.confirmSetup(id, body, "Idempotency-Key", "k")
	assert.Equal(t, r.text, again.text)
	assert.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))
	other, _ := v.setUp()
	assert.Equal(t, "idempotency_error", v.confirmSetup(other, body, "Idempotency-Key", "k").at("error", "type"))
	twice := v.confirmSetup(id, body)
	assert.Equal(t, http.StatusBadRequest, twice.StatusCode)
	assert.Equal(t, "setup_intent_unexpected_state", twice.at("error", "code"))

	v.attach(pm)
	assert.Equal(t, "*"+pm, v.cards())
	for i, key := range []string{"f1", "f2"} {
		assert.Equal(t, http.StatusOK, v.fund("25", pm, key).StatusCode)
		assert.Len(t, v.srv.Charges(), i+1, "charged as often as it is asked to")
	}
}

func TestASetupThatNeedsAPerson(t *testing.T) {
	v := visitAs(t, 0)
	id, secret := v.setUp()
	for _, back := range []string{"", "&return_url=https%3A%2F%2Fexample.com%2Fback"} {
		r := v.confirmSetup(id, setupForm(secret, "4000002760003184")+back)
		require.Equal(t, http.StatusOK, r.StatusCode, r.text)
		assert.Equal(t, "requires_action", r.at("status"))
		want := "use_stripe_sdk"
		if back != "" {
			want = "redirect_to_url"
			assert.Equal(t, "https://example.com/back", r.at("next_action", want, "return_url"))
		}
		assert.Equal(t, want, r.at("next_action", "type"))
		pm, _ := r.at("payment_method").(string)
		assert.Equal(t, http.StatusUnprocessableEntity, v.fund("25", pm, "k"+back).StatusCode, "nobody can use it yet")
	}
	r := v.confirmSetup(id, setupForm(secret, "5555555555554444")+"&expand[]=payment_method")
	assert.Equal(t, "succeeded", r.at("status"), "with another card")
	assert.Equal(t, "mastercard", r.at("payment_method", "card", "brand"))
	assert.Equal(t, "Ada", r.at("payment_method", "billing_details", "name"))
}

func TestASetupIsDeclined(t *testing.T) {
	v := visitAs(t, 0)
	id, secret := v.setUp()
	for number, codes := range map[string][2]string{
		"4000000000000002": {"card_declined", "generic_decline"},
		"4000000000009995": {"card_declined", "insufficient_funds"},
		"4000000000000069": {"expired_card", "expired_card"},
	} {
		r := v.confirmSetup(id, setupForm(secret, number))
		assert.Equal(t, http.StatusPaymentRequired, r.StatusCode)
		assert.Equal(t, "card_error", r.at("error", "type"))
		assert.Equal(t, codes[0], r.at("error", "code"))
		assert.Equal(t, codes[1], r.at("error", "decline_code"))
		assert.Equal(t, "requires_payment_method", r.at("error", "setup_intent", "status"))
		assert.Equal(t, codes[1], r.at("error", "setup_intent", "last_setup_error", "decline_code"))
		assert.NotContains(t, r.text, number)
	}
	assert.Equal(t, "succeeded", v.confirmSetup(id, setupForm(secret, "4000000000000341")).at("status"), "that one declines later")
}

func TestASetupIsRefused(t *testing.T) {
	v := visitAs(t, 0)
	id, secret := v.setUp()
	good := setupForm(secret, "4242424242424242")
	for name, tt := range map[string]struct {
		id, key, contentType, body string
		status                     int
		code, param                any
	}{
		"no key":         {id, "", form, good, 401, nil, nil},
		"secret key":     {id, "sk_test_51Sandbox", form, good, 401, nil, nil},
		"JSON":           {id, pk, "application/json", `{}`, 400, nil, nil},
		"another intent": {"seti_none", pk, form, good, 404, "resource_missing", "intent"},
		"no secret":      {id, pk, form, setupForm("", "4242424242424242"), 400, "parameter_missing", "client_secret"},
		"wrong secret":   {id, pk, form, setupForm(id+"_secret_other", "4242424242424242"), 400, "setup_intent_invalid_parameter", "client_secret"},
		"unknown":        {id, pk, form, good + "&colour=red", 400, "parameter_unknown", "colour"},
		"unknown inside": {id, pk, form, good + "&payment_method_data[card][colour]=red", 400, "parameter_unknown", "payment_method_data[card][colour]"},
		"no card":        {id, pk, form, "client_secret=" + secret, 400, "parameter_missing", "payment_method_data[type]"},
		"no number":      {id, pk, form, setupForm(secret, ""), 400, "parameter_missing", "payment_method_data[card][number]"},
		"Luhn":           {id, pk, form, setupForm(secret, "4242424242424241"), 402, "incorrect_number", "number"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := v.try("POST", "/v1/setup_intents/"+tt.id+"/confirm", tt.contentType, tt.body, "Authorization", "Bearer "+tt.key)
			require.NoError(t, err)
			assert.Equal(t, tt.status, r.StatusCode, r.text)
			assert.Equal(t, tt.code, r.at("error", "code"))
			assert.Equal(t, tt.param, r.at("error", "param"))
			assert.NotContains(t, r.text, secret)
			assert.NotContains(t, r.text, "4242424242424")
		})
	}
	assert.Equal(t, "succeeded", v.confirmSetup(id, good).at("status"))
}
