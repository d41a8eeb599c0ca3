package sandbox_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func (v *visitor) autoFund(amount, threshold string, headers ...string) reply {
	v.t.Helper()
	return v.agents("PUT", "/wallet/auto-funding", `{"auto_charge_amount":`+amount+`,"charge_threshold":`+threshold+`}`, headers...)
}

func (v *visitor) autoFunded() bool {
	v.t.Helper()
	return v.agents("GET", "/billing/overview", "").at("data", "auto_funding", "enabled") == true
}

func (v *visitor) paint(samples string) reply {
	v.t.Helper()
	return v.send("POST", "/api/v6/images/text2img", `{"key":"`+v.apiKey+`","model_id":"flux","prompt":"x","samples":`+samples+`}`)
}

func TestAutoFundingChargesWhenTheWalletRunsLow(t *testing.T) {
	c := newClock()
	v := visit(t, sandbox.WithoutRateLimits(), sandbox.WithClock(c.Now), sandbox.WithGenerationTime(0), sandbox.WithImagePrice(2_00))
	a := v.srv.Account(sandbox.AccountParams{Email: "ada@example.com", BalanceCents: 10_00})
	v.token, v.apiKey = a.AccessToken, a.APIKey
	v.attach("pm_card_visa")
	r := v.autoFund("20", "5", "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, true, r.at("data", "enabled"))
	assert.Equal(t, json.Number("20.00"), r.at("data", "auto_charge_amount"))
	assert.Equal(t, json.Number("5.00"), r.at("data", "charge_threshold"))
	assert.Nil(t, r.at("data", "payment"))

	v.paint("2")
	assert.Equal(t, "6.00", v.balance(), "not low enough")
	assert.Empty(t, v.srv.Charges())
	v.paint("1")
	assert.Equal(t, "24.00", v.balance())
	charges := v.srv.Charges()
	require.Len(t, charges, 1)
	assert.Equal(t, sandbox.Charge{
		Cents: 20_00, Email: "ada@example.com", Endpoint: "wallet.auto_funding", PaymentMethodID: "pm_card_visa",
		PaymentIntentID: charges[0].PaymentIntentID, Time: c.Now(),
	}, charges[0])
	assert.Equal(t, "succeeded", v.agents("GET", "/payments/"+charges[0].PaymentIntentID+"/status", "").at("data", "status"))
	row := v.agents("GET", "/wallet/transactions", "").at("data", "items").([]any)[0].(map[string]any)
	assert.Equal(t, "auto_funding", row["usecase"])
	assert.Equal(t, charges[0].PaymentIntentID, row["transaction_id"])
	assert.Len(t, v.agents("GET", "/billing/invoices", "").at("data"), 1)

	require.NoError(t, v.srv.MakeReseller("ada@example.com"))
	r = v.agents("POST", "/wallet/withdraw", `{"amount":23}`)
	assert.Equal(t, json.Number("21.00"), r.at("data", "balance"), "a withdrawal runs the wallet low too")
	assert.Len(t, v.srv.Charges(), 2)

	for range 2 {
		r = v.agents("DELETE", "/wallet/auto-funding", "")
		assert.Equal(t, false, r.at("data", "enabled"), r.text)
	}
	v.agents("POST", "/wallet/withdraw", `{"amount":20}`)
	assert.Equal(t, "1.00", v.balance())
	assert.Len(t, v.srv.Charges(), 2)
}

func TestAutoFundingChargesAtOnceWhenTheWalletIsLow(t *testing.T) {
	for _, mode := range []sandbox.Idempotency{{}, {IgnoreOnPutAndDelete: true}, {Nothing: true}} {
		v := visitAs(t, 1_00, sandbox.WithoutRateLimits(), sandbox.WithIdempotency(mode))
		v.attach("pm_card_visa")
		r := v.autoFund("5", "100", "Idempotency-Key", "k")
		require.Equal(t, http.StatusOK, r.StatusCode, r.text)
		assert.Equal(t, "succeeded", r.at("data", "payment", "status"))
		assert.Equal(t, "6.00", v.balance(), "once, though it is still low")
		for _, key := range []string{"k", "k2"} {
			assert.Equal(t, http.StatusOK, v.autoFund("5", "100", "Idempotency-Key", key).StatusCode)
		}
		assert.Len(t, v.srv.Charges(), 1, "the same order again changes nothing")
		v.autoFund("7", "100")
		assert.Equal(t, "13.00", v.balance(), "another order does")
	}
}

func TestADeclinedCardEndsAutoFunding(t *testing.T) {
	for method, decline := range map[string]string{
		"pm_card_chargeCustomerFail":    "generic_decline",
		"pm_card_threeDSecure2Required": "authentication_required",
	} {
		v := visitAs(t, 10_00, sandbox.WithoutRateLimits(), sandbox.WithGenerationTime(0), sandbox.WithImagePrice(1_00))
		v.attach(method)
		require.Equal(t, http.StatusOK, v.autoFund("20", "7", "Idempotency-Key", "k").StatusCode)
		v.paint("4")
		assert.Equal(t, "6.00", v.balance())
		assert.False(t, v.autoFunded())

		r := v.autoFund("20", "7", "Idempotency-Key", "k2")
		assert.Equal(t, http.StatusPaymentRequired, r.StatusCode, r.text)
		assert.Equal(t, decline, r.at("error", "details", "decline_code"))
		assert.False(t, v.autoFunded())
		assert.Empty(t, v.srv.Charges())
		assert.Equal(t, "6.00", v.balance())
	}
}

func TestAutoFundingNeedsACardAndAmounts(t *testing.T) {
	v := visitAs(t, 50_00, sandbox.WithoutRateLimits())
	assert.NotEmpty(t, v.autoFund("20", "5").at("error", "details", "payment_method"))
	v.attach("pm_card_visa")
	assert.NotEmpty(t, v.autoFund("4.99", "5").at("error", "details", "auto_charge_amount"))
	assert.NotEmpty(t, v.autoFund("20", "0.99").at("error", "details", "charge_threshold"))
	r := v.agents("PUT", "/wallet/auto-funding", `{"amount":20,"threshold":5}`)
	assert.Len(t, r.at("error", "details"), 2, "the old names are ignored")
	assert.False(t, v.autoFunded())

	require.Equal(t, http.StatusOK, v.autoFund("20", "5").StatusCode)
	v.agents("DELETE", "/billing/payment-methods/pm_card_visa", "")
	assert.False(t, v.autoFunded(), "without a card there is nothing to charge")
}
