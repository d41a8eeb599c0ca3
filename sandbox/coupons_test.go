package sandbox_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func (v *visitor) redeem(fields, key string) reply {
	v.t.Helper()
	return v.agents("POST", "/wallet/coupons/redeem", "{"+fields+"}", "Idempotency-Key", key)
}

const bonus = `"coupon_code":"BONUS10","purchase_amount":25,"payment_method_id":`

func TestACouponCreditsOnce(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	r := v.agents("GET", "/wallet/coupons/validate?coupon_code=WELCOME5", "")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, true, r.at("data", "valid"))
	assert.Equal(t, "WELCOME5", r.at("data", "coupon_code"))
	assert.Equal(t, "credit", r.at("data", "type"))
	assert.Equal(t, json.Number("5.00"), r.at("data", "amount"))
	assert.Equal(t, "0.00", v.balance(), "validating redeems nothing")

	for range 2 {
		r = v.redeem(`"coupon_code":"WELCOME5"`, "k1")
		require.Equal(t, http.StatusOK, r.StatusCode, r.text)
		assert.Equal(t, "succeeded", r.at("data", "status"))
		assert.Equal(t, json.Number("5.00"), r.at("data", "balance"))
	}
	r = v.redeem(`"coupon_code":"WELCOME5"`, "k2")
	assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode)
	assert.NotEmpty(t, r.at("error", "details", "coupon_code"))
	r = v.agents("GET", "/wallet/coupons/validate?coupon_code=WELCOME5", "")
	assert.NotEmpty(t, r.at("error", "details", "coupon_code"))
	assert.Equal(t, "5.00", v.balance())
	assert.Empty(t, v.srv.Charges())
	rows := v.agents("GET", "/wallet/transactions", "").at("data", "items").([]any)
	require.Len(t, rows, 1)
	assert.Equal(t, "coupon", rows[0].(map[string]any)["usecase"])

	other := visitorOf(v, v.srv.Account(sandbox.AccountParams{}))
	assert.Equal(t, http.StatusOK, other.redeem(`"coupon_code":"WELCOME5"`, "k1").StatusCode, "once for each account")
}

func TestABonusComesOnTopOfAPurchase(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	r := v.agents("GET", "/wallet/coupons/validate?coupon_code=BONUS10&purchase_amount=25", "")
	assert.Equal(t, "bonus", r.at("data", "type"), r.text)
	assert.Equal(t, json.Number("10.00"), r.at("data", "amount"))
	r = v.agents("GET", "/wallet/coupons/validate?coupon_code=BONUS10&purchase_amount=24.99", "")
	assert.NotEmpty(t, r.at("error", "details", "purchase_amount"))

	for fields, problems := range map[string]int{
		`"coupon_code":"BONUS10"`:                                                              2,
		`"coupon_code":"BONUS10","payment_method_id":"pm_card_visa"`:                           1,
		`"coupon_code":"BONUS10","payment_method_id":"pm_card_visa","purchase_amount":"24.99"`: 1,
		`"coupon_code":"BONUS10","payment_method_id":"pm_none","purchase_amount":25`:           1,
		`"coupon_code":"BONUS10","payment_method_id":7,"purchase_amount":25`:                   1,
	} {
		r = v.redeem(fields, fields)
		assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode)
		assert.Len(t, r.at("error", "details"), problems, fields)
	}
	r = v.redeem(bonus+`"pm_card_chargeDeclined"`, "k1")
	assert.Equal(t, http.StatusPaymentRequired, r.StatusCode)
	assert.Equal(t, "generic_decline", r.at("error", "details", "decline_code"))
	assert.Equal(t, "0.00", v.balance())

	r = v.redeem(bonus+`"pm_card_visa"`, "k2")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "succeeded", r.at("data", "payment", "status"))
	assert.Equal(t, json.Number("25.00"), r.at("data", "payment", "amount"))
	assert.Equal(t, json.Number("10.00"), r.at("data", "amount"))
	assert.Equal(t, json.Number("35.00"), r.at("data", "balance"))
	require.Len(t, v.srv.Charges(), 1)
	assert.Equal(t, "wallet.redeem_coupon", v.srv.Charges()[0].Endpoint)
	assert.Len(t, v.agents("GET", "/billing/invoices", "").at("data"), 1)
	assert.Equal(t, http.StatusUnprocessableEntity, v.redeem(bonus+`"pm_card_visa"`, "k3").StatusCode)
}

func TestABonusWaitsFor3DSecure(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	var waiting []string
	for _, key := range []string{"k1", "k2"} {
		r := v.redeem(bonus+`"pm_card_threeDSecure2Required"`, key)
		require.Equal(t, http.StatusAccepted, r.StatusCode, r.text)
		waiting = append(waiting, r.at("data", "payment", "payment_intent_id").(string))
	}
	assert.Equal(t, "0.00", v.balance())
	require.NoError(t, v.srv.CompleteAction(waiting[0]))
	assert.Equal(t, "35.00", v.balance())
	r := v.redeem(bonus+`"pm_card_threeDSecure2Required"`, "k1")
	assert.Equal(t, http.StatusOK, r.StatusCode, "the key finds the payment that the human finished")
	require.NoError(t, v.srv.CompleteAction(waiting[1]))
	assert.Equal(t, "60.00", v.balance(), "a purchase without a second bonus")
	assert.Len(t, v.srv.Charges(), 2)
}

func TestCouponsThatDoNotWork(t *testing.T) {
	c := newClock()
	v := visitAs(t, 0, sandbox.WithoutRateLimits(), sandbox.WithClock(c.Now),
		sandbox.WithCoupon(sandbox.Coupon{Code: "ONE", Cents: 1_00, Uses: 1}),
		sandbox.WithCoupon(sandbox.Coupon{Code: "BRIEF", Cents: 1_00, Expires: c.Now().Add(time.Hour)}),
		sandbox.WithCoupon(sandbox.Coupon{Code: "WELCOME5", Cents: 7_00}))
	other := visitorOf(v, v.srv.Account(sandbox.AccountParams{}))
	assert.Equal(t, http.StatusOK, other.redeem(`"coupon_code":"ONE"`, "").StatusCode)
	c.Advance(time.Hour)
	for _, code := range []string{"ONE", "BRIEF", "EXPIRED", "NONE", ""} {
		r := v.agents("GET", "/wallet/coupons/validate?coupon_code="+code, "")
		assert.Equal(t, "validation_error", r.at("error", "code"), code)
		assert.Len(t, r.at("error", "details", "coupon_code"), 1, code)
		r = v.redeem(`"coupon_code":"`+code+`"`, "k"+code)
		assert.Len(t, r.at("error", "details", "coupon_code"), 1, code)
	}
	assert.Equal(t, http.StatusUnprocessableEntity, v.agents("GET", "/wallet/coupons/validate?code=WELCOME5", "").StatusCode)
	v.redeem(`"coupon_code":"WELCOME5"`, "k")
	assert.Equal(t, "7.00", v.balance(), "an option replaces a default")
}

func TestValidatingByPost(t *testing.T) {
	for _, v := range []*visitor{visitAs(t, 0), visitAs(t, 0, sandbox.WithCouponValidationByPost())} {
		r := v.agents("POST", "/wallet/coupons/validate", `{"coupon_code":"BONUS10","purchase_amount":30}`)
		assert.Equal(t, true, r.at("data", "valid"), r.text)
		r = v.agents("POST", "/wallet/coupons/validate", `{"coupon_code":"BONUS10","purchase_amount":20}`)
		assert.NotEmpty(t, r.at("error", "details", "purchase_amount"))
	}
	v := visitAs(t, 0, sandbox.WithCouponValidationByPost())
	r := v.agents("GET", "/wallet/coupons/validate?coupon_code=BONUS10", "")
	assert.Equal(t, http.StatusMethodNotAllowed, r.StatusCode)
	assert.Equal(t, "POST", r.Header.Get("Allow"))
}
