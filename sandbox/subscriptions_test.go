package sandbox_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// subscribe buys a plan and returns the path of the subscription.
func (v *visitor) subscribe(plan string) string {
	v.t.Helper()
	r := v.agents("POST", "/subscriptions", `{"plan_id":`+plan+`,"payment_method_id":"pm_card_visa"}`)
	require.Equal(v.t, http.StatusOK, r.StatusCode, r.text)
	return "/subscriptions/" + r.at("data", "subscription", "id").(json.Number).String()
}

func (v *visitor) markPastDue(path string) {
	v.t.Helper()
	id, err := strconv.ParseInt(path[len("/subscriptions/"):], 10, 64)
	require.NoError(v.t, err)
	require.NoError(v.t, v.srv.MarkPastDue(id))
}

func (v *visitor) lastCharge() sandbox.Charge {
	v.t.Helper()
	charges := v.srv.Charges()
	require.NotEmpty(v.t, charges)
	return charges[len(charges)-1]
}

func TestChangingThePlan(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	path := v.subscribe("20")
	change := func(plan string) reply { return v.agents("PUT", path, `{"new_plan_id":`+plan+`}`) }
	assert.NotEmpty(t, change("21").at("error", "details", "payment_method"), "there is no default card")
	v.attach("pm_card_mastercard")

	r := change("21")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "active", r.at("data", "status"))
	assert.Equal(t, json.Number("21"), r.at("data", "subscription", "plan_id"))
	assert.Equal(t, json.Number("100.00"), r.at("data", "payment", "amount"))
	charge := v.lastCharge()
	assert.Equal(t, int64(100_00), charge.Cents, "the difference")
	assert.Equal(t, "subscriptions.change_plan", charge.Endpoint)
	assert.Equal(t, "pm_card_mastercard", charge.PaymentMethodID)

	r = change("20")
	assert.Equal(t, json.Number("20"), r.at("data", "subscription", "plan_id"), r.text)
	assert.Nil(t, r.at("data", "payment"), "a cheaper plan is free")
	for _, plan := range []string{"20", "99", "null"} {
		assert.NotEmpty(t, change(plan).at("error", "details", "new_plan_id"), plan)
	}
	assert.Equal(t, http.StatusUnprocessableEntity, v.agents("PUT", path, `{"plan_id":21}`).StatusCode, "the old name is ignored")
	assert.Len(t, v.srv.Charges(), 2)

	v.attach("pm_card_chargeCustomerFail")
	r = change("21")
	assert.Equal(t, http.StatusPaymentRequired, r.StatusCode)
	assert.Equal(t, "generic_decline", r.at("error", "details", "decline_code"))
	assert.Equal(t, json.Number("20"), v.agents("GET", path+"/status", "").at("data", "plan_id"))

	v.attach("pm_card_threeDSecure2Required")
	r = change("21")
	require.Equal(t, http.StatusAccepted, r.StatusCode)
	assert.Equal(t, json.Number("20"), v.agents("GET", path+"/status", "").at("data", "plan_id"))
	require.NoError(t, v.srv.CompleteAction(r.at("data", "payment", "payment_intent_id").(string)))
	assert.Equal(t, json.Number("21"), v.agents("GET", path+"/status", "").at("data", "plan_id"))
}

func TestPausingAndResuming(t *testing.T) {
	c := newClock()
	v := visitAs(t, 0, sandbox.WithoutRateLimits(), sandbox.WithClock(c.Now))
	path := v.subscribe("20")
	do := func(what string) reply { return v.agents("POST", path+"/"+what, "") }

	assert.NotEmpty(t, do("resume").at("error", "details", "subscription"), "it is not paused")
	r := do("pause")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "paused", r.at("data", "status"))
	assert.Equal(t, "paused", r.at("data", "subscription", "status"))
	assert.NotEmpty(t, do("pause").at("error", "details", "subscription"))
	assert.NotEmpty(t, do("reset-cycle").at("error", "details", "subscription"))
	assert.NotEmpty(t, v.agents("PUT", path, `{"new_plan_id":21}`).at("error", "details", "subscription"))
	assert.Equal(t, "error", v.paint("1").at("status"), "a paused plan pays for nothing")

	r = do("resume")
	assert.Equal(t, "active", r.at("data", "status"), r.text)
	assert.Equal(t, "2026-04-01T09:30:00Z", r.at("data", "subscription", "current_period_end"))
	assert.Nil(t, r.at("data", "payment"))
	assert.Len(t, v.srv.Charges(), 1, "the period was paid")

	do("pause")
	c.Advance(60 * 24 * time.Hour)
	assert.NotEmpty(t, do("resume").at("error", "details", "payment_method"))
	v.attach("pm_card_visa")
	r = do("resume")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "succeeded", r.at("data", "payment", "status"))
	assert.Equal(t, "2026-04-30T09:30:00Z", r.at("data", "subscription", "current_period_start"))
	assert.Equal(t, int64(47_00), v.lastCharge().Cents)
	assert.Equal(t, "subscriptions.resume", v.lastCharge().Endpoint)
}

func TestResettingTheCycle(t *testing.T) {
	c := newClock()
	v := visitAs(t, 0, sandbox.WithoutRateLimits(), sandbox.WithClock(c.Now))
	path := v.subscribe("20")
	c.Advance(10 * 24 * time.Hour)
	reset := func() reply { return v.agents("POST", path+"/reset-cycle", "") }
	assert.NotEmpty(t, reset().at("error", "details", "payment_method"))
	v.attach("pm_card_visa")
	r := reset()
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "2026-03-11T09:30:00Z", r.at("data", "subscription", "current_period_start"))
	assert.Equal(t, "2026-04-11T09:30:00Z", r.at("data", "subscription", "next_billing_date"))
	assert.Equal(t, json.Number("47.00"), r.at("data", "payment", "amount"))
	assert.Equal(t, "subscriptions.reset_cycle", v.lastCharge().Endpoint)
}

func TestFixingAPayment(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	path := v.subscribe("10")
	fix := func(body string) reply { return v.agents("POST", path+"/fix-payment", body) }
	v.attach("pm_card_visa")
	assert.NotEmpty(t, fix("").at("error", "details", "subscription"), "nothing is wrong with it")
	require.Error(t, v.srv.MarkPastDue(1))
	v.markPastDue(path)
	assert.Equal(t, "past_due", v.agents("GET", path+"/status", "").at("data", "status"))
	for _, what := range []string{"pause", "resume", "reset-cycle"} {
		assert.Equal(t, http.StatusUnprocessableEntity, v.agents("POST", path+"/"+what, "").StatusCode, what)
	}
	assert.NotEmpty(t, fix(`{"plan_category":"gold"}`).at("error", "details", "plan_category"))
	assert.NotEmpty(t, fix(`{"stripe_subscription_id":"sub_other"}`).at("error", "details", "stripe_subscription_id"))
	assert.Len(t, v.srv.Charges(), 1)

	stripeID, _ := v.agents("GET", path+"/status", "").at("data", "stripe_subscription_id").(string)
	r := fix(`{"plan_category":"enterprise","stripe_subscription_id":"` + stripeID + `"}`)
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "active", r.at("data", "status"))
	assert.Equal(t, int64(249_00), v.lastCharge().Cents)
	assert.Equal(t, "subscriptions.fix_payment", v.lastCharge().Endpoint)
}

func TestChargingAnAmount(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	charge := func(amount string) reply {
		return v.agents("POST", "/subscriptions/charge-amount", `{"amount":`+amount+`}`)
	}
	assert.NotEmpty(t, charge("20").at("error", "details", "payment_method"))
	v.attach("pm_card_visa")
	for _, amount := range []string{"4.99", "10000.01", "null", `"ten"`} {
		assert.NotEmpty(t, charge(amount).at("error", "details", "amount"), amount)
	}
	r := charge("10000")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "succeeded", r.at("data", "payment", "status"))
	assert.Equal(t, json.Number("10000.00"), r.at("data", "payment", "amount"))
	assert.Equal(t, v.lastCharge().PaymentIntentID, r.at("data", "payment", "payment_intent_id"))
	assert.Equal(t, "subscriptions.charge_amount", v.lastCharge().Endpoint)
	assert.Equal(t, "0.00", v.balance(), "it credits nothing")
}

func TestSubscriptionsBelongToAnAccount(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	path := v.subscribe("20")
	other := visitorOf(v, v.srv.Account(sandbox.AccountParams{}))
	other.attach("pm_card_visa")
	for _, request := range [][2]string{
		{"GET", "/status"}, {"PUT", ""}, {"POST", "/pause"}, {"POST", "/resume"}, {"POST", "/reset-cycle"}, {"POST", "/fix-payment"},
	} {
		r := other.agents(request[0], path+request[1], `{"new_plan_id":21}`)
		assert.Equal(t, http.StatusNotFound, r.StatusCode, request)
		assert.Contains(t, r.at("message"), "No query results")
	}
	assert.Equal(t, http.StatusNotFound, v.agents("POST", "/subscriptions/none/pause", "").StatusCode)
	assert.Len(t, v.srv.Charges(), 1)
}

// charging is a route that takes money from a card, and what has to be there before.
type charging struct {
	endpoint, method string
	ready            func(*visitor, *clock) (path, body string)
}

func chargingRoutes() []charging {
	subscription := func(what, body string, before func(*visitor, *clock, string)) func(*visitor, *clock) (string, string) {
		return func(v *visitor, c *clock) (string, string) {
			path := v.subscribe("20")
			if before != nil {
				before(v, c, path)
			}
			return path + what, body
		}
	}
	return []charging{
		{"subscriptions.change_plan", "PUT", subscription("", `{"new_plan_id":21}`, nil)},
		{"subscriptions.resume", "POST", subscription("/resume", "", func(v *visitor, c *clock, path string) {
			v.agents("POST", path+"/pause", "")
			c.Advance(60 * 24 * time.Hour)
		})},
		{"subscriptions.reset_cycle", "POST", subscription("/reset-cycle", "", nil)},
		{"subscriptions.fix_payment", "POST", subscription("/fix-payment", "{}", func(v *visitor, _ *clock, path string) { v.markPastDue(path) })},
		{"subscriptions.charge_amount", "POST", func(*visitor, *clock) (string, string) {
			return "/subscriptions/charge-amount", `{"amount":20}`
		}},
		{"wallet.redeem_coupon", "POST", func(*visitor, *clock) (string, string) {
			return "/wallet/coupons/redeem", "{" + bonus + `"pm_card_visa"}`
		}},
		{"wallet.set_auto_funding", "PUT", func(*visitor, *clock) (string, string) {
			return "/wallet/auto-funding", `{"auto_charge_amount":20,"charge_threshold":100}`
		}},
	}
}

func TestALostAnswerIsChargedOnceOnEveryRoute(t *testing.T) {
	for _, route := range chargingRoutes() {
		for _, mode := range sandbox.Modes() {
			for _, fault := range append(lostAnswers(), sandbox.Fault{Kind: sandbox.Fault500, AfterWork: true}) {
				t.Run(route.endpoint+"/"+mode.Name+"/"+string(fault.Kind), func(t *testing.T) {
					c := newClock()
					v := visitAs(t, 0, append(mode.Options, sandbox.WithoutRateLimits(), sandbox.WithClock(c.Now))...)
					v.attach("pm_card_visa")
					path, body := route.ready(v, c)
					before := len(v.srv.Charges())
					fault.Endpoint = route.endpoint
					v.srv.Inject(fault)
					for i := range 3 {
						r, err := v.try(route.method, "/api/agents/v1"+path, "application/json", body, "Idempotency-Key", "k")
						if i == 0 || err != nil {
							continue
						}
						assert.Equal(t, statusOfARepeat(route, mode, fault), r.StatusCode, r.text)
					}
					assert.Len(t, v.srv.Charges(), before+1)
				})
			}
		}
	}
}

func statusOfARepeat(route charging, mode sandbox.Mode, fault sandbox.Fault) int {
	i := mode.Idempotency
	switch {
	case i.IgnoreOnPutAndDelete && route.endpoint == "subscriptions.change_plan":
		return http.StatusUnprocessableEntity // it has that plan by now
	case i.IgnoreOnPutAndDelete && route.method == "PUT":
		return http.StatusOK
	case !mode.Settles:
		return http.StatusConflict
	case fault.Kind == sandbox.Fault500 && i.Cache5xx:
		return http.StatusInternalServerError
	}
	return http.StatusOK
}

func TestOutcomesOfEveryChargingRoute(t *testing.T) {
	for _, route := range chargingRoutes() {
		if route.endpoint == "wallet.redeem_coupon" || route.endpoint == "wallet.set_auto_funding" {
			continue // the one names its card, the other has nobody to ask
		}
		t.Run(route.endpoint, func(t *testing.T) {
			c := newClock()
			v := visitAs(t, 0, sandbox.WithoutRateLimits(), sandbox.WithClock(c.Now))
			path, body := route.ready(v, c)
			before := len(v.srv.Charges())
			send := func(key string) reply { return v.agents(route.method, path, body, "Idempotency-Key", key) }

			v.attach("pm_card_chargeCustomerFail")
			assert.Equal(t, http.StatusPaymentRequired, send("k1").StatusCode)
			v.attach("pm_card_threeDSecure2Required")
			r := send("k2")
			require.Equal(t, http.StatusAccepted, r.StatusCode, r.text)
			pi, _ := r.at("data", "payment", "payment_intent_id").(string)
			assert.Equal(t, pi, send("k2").at("data", "payment", "payment_intent_id"), "one payment under one key")
			assert.Len(t, v.srv.Charges(), before)

			require.NoError(t, v.srv.CompleteAction(pi))
			r = send("k2")
			assert.Equal(t, http.StatusOK, r.StatusCode, r.text)
			assert.Equal(t, "succeeded", r.at("data", "payment", "status"))
			assert.Equal(t, pi, r.at("data", "payment", "payment_intent_id"))
			assert.Len(t, v.srv.Charges(), before+1)
			assert.Equal(t, route.endpoint, v.lastCharge().Endpoint)
			assert.Equal(t, "k2", v.lastCharge().IdempotencyKey)
		})
	}
}

func TestAKeyThatPaidForSomethingElse(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	v.attach("pm_card_visa")
	v.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.Fault500, AfterWork: true})
	v.fund("25", "pm_card_visa", "k")
	r := v.agents("POST", "/subscriptions/charge-amount", `{"amount":20}`, "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, json.Number("25.00"), r.at("data", "payment", "amount"))
	assert.Equal(t, v.lastCharge().PaymentIntentID, r.at("data", "payment", "payment_intent_id"))
	assert.Len(t, v.srv.Charges(), 1)
}
