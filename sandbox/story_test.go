package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func TestFromNothingToAPicture(t *testing.T) {
	c := newClock()
	v := visit(t, sandbox.WithClock(c.Now))

	r := v.agents("POST", "/auth/signup", `{"email":"Ada@Example.com","password":"longenough","name":"Ada"}`)
	require.Equal(t, http.StatusCreated, r.StatusCode, r.text)
	assert.Equal(t, "ada@example.com", r.at("data", "user", "email"))
	assert.Contains(t, r.text, `"error":null`)
	assert.NotEmpty(t, r.at("meta", "request_id"))

	r = v.agents("POST", "/auth/login", `{"email":"ada@example.com","password":"longenough"}`)
	require.Equal(t, http.StatusForbidden, r.StatusCode)
	assert.Equal(t, "email_not_verified", r.at("error", "code"))
	assert.Equal(t, true, r.at("error", "details", "verification_required"))

	r = v.agents("POST", "/auth/verify-email", `{"verification_code":"wrong"}`)
	require.Equal(t, http.StatusUnprocessableEntity, r.StatusCode)
	assert.Equal(t, "validation_error", r.at("error", "code"))
	assert.Len(t, r.at("error", "details", "verification_code"), 1)

	code, waiting := v.srv.VerificationCode("ada@example.com")
	require.True(t, waiting)
	r = v.agents("POST", "/auth/verify-email", `{"verification_code":"`+code+`"}`)
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "Bearer", r.at("data", "token_type"))
	assert.Equal(t, "2026-04-01T09:30:00Z", r.at("data", "expires_at"))
	v.token, _ = r.at("data", "access_token").(string)
	v.apiKey, _ = r.at("data", "api_key").(string)
	_, waiting = v.srv.VerificationCode("ada@example.com")
	assert.False(t, waiting, "a code works once")

	pm := v.tokenize("4242 4242 4242 4242")
	require.Equal(t, http.StatusOK, pm.StatusCode, pm.text)
	assert.Equal(t, "4242", pm.at("card", "last4"))
	assert.Equal(t, "visa", pm.at("card", "brand"))
	assert.Equal(t, false, pm.at("livemode"))
	id, _ := pm.at("id").(string)

	r = v.fund("25", id, "fund-1")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "succeeded", r.at("data", "payment", "status"))
	assert.Contains(t, r.text, `"balance":25.00`)
	assert.Equal(t, "25.00", v.balance())
	charges := v.srv.Charges()
	require.Len(t, charges, 1)
	assert.Equal(t, sandbox.Charge{
		Cents: 2500, Email: "ada@example.com", Endpoint: "wallet.fund", PaymentMethodID: id,
		PaymentIntentID: r.at("data", "payment", "payment_intent_id").(string), IdempotencyKey: "fund-1", Time: c.Now(),
	}, charges[0])

	for i, family := range []string{"/api/v6/images/text2img", "/api/v7/images/text-to-image"} {
		r = v.send("POST", family, `{"key":"`+v.apiKey+`","model_id":"flux","prompt":"a quiet lake","width":"256","height":320,"samples":2}`)
		require.Equal(t, "processing", r.at("status"), r.text)
		assert.Equal(t, json.Number("2"), r.at("eta"))
		assert.Empty(t, r.at("output"))
		link := r.at("future_links").([]any)[0].(string)
		early := v.send("GET", strings.TrimPrefix(link, v.srv.URL()), "")
		assert.Equal(t, http.StatusNotFound, early.StatusCode, "a future link is not a result")

		fetch := strings.TrimPrefix(r.at("fetch_result").(string), v.srv.URL())
		c.Advance(time.Second)
		r = v.send("POST", fetch, `{"key":"`+v.apiKey+`"}`)
		assert.Equal(t, "processing", r.at("status"))
		c.Advance(time.Second)
		r = v.send("POST", fetch, `{"key":"`+v.apiKey+`"}`)
		require.Equal(t, "success", r.at("status"), r.text)
		require.Len(t, r.at("output"), 2)

		r = v.send("GET", strings.TrimPrefix(link, v.srv.URL()), "")
		assert.Equal(t, "image/png", r.Header.Get("Content-Type"))
		img, err := png.Decode(bytes.NewReader([]byte(r.text)))
		require.NoError(t, err)
		assert.Equal(t, 256, img.Bounds().Dx())
		assert.Equal(t, 320, img.Bounds().Dy())
		assert.Equal(t, fmt.Sprintf("%.2f", 25-0.04*float64(i+1)), v.balance())
	}
	for _, r := range v.srv.Requests() {
		assert.Equal(t, r.Endpoint == "media.get", !r.Credentialed() && r.Method == "GET", "%s", r.Path)
	}
}

func TestADeclinedCardLeavesNoTrace(t *testing.T) {
	for number, decline := range map[string]string{
		"4000000000000002": "generic_decline",
		"4000000000009995": "insufficient_funds",
		"4000000000000069": "expired_card",
		"4000000000000127": "incorrect_cvc",
	} {
		t.Run(decline, func(t *testing.T) {
			v := visitAs(t, 0)
			id, _ := v.tokenize(number).at("id").(string)
			r := v.fund("25", id, "k1")
			require.Equal(t, http.StatusPaymentRequired, r.StatusCode, r.text)
			assert.Equal(t, "payment_declined", r.at("error", "code"))
			assert.Equal(t, decline, r.at("error", "details", "decline_code"))
			assert.Nil(t, r.at("data"))

			pi, _ := r.at("error", "details", "payment_intent_id").(string)
			assert.Equal(t, "failed", v.agents("GET", "/payments/"+pi+"/status", "").at("data", "status"))
			assert.Empty(t, v.srv.Charges())
			assert.Equal(t, "0.00", v.balance())

			assert.Equal(t, http.StatusOK, v.fund("25", "pm_card_visa", "k2").StatusCode)
			assert.Len(t, v.srv.Charges(), 1)
		})
	}
}

func TestThreeDSecureWaitsForAHuman(t *testing.T) {
	v := visitAs(t, 0)
	r := v.fund("25", "pm_card_threeDSecure2Required", "k")
	require.Equal(t, http.StatusAccepted, r.StatusCode)
	assert.Equal(t, "requires_action", r.at("data", "payment", "status"))
	assert.NotContains(t, r.text, `"error"`)
	assert.NotContains(t, r.text, `"meta"`)
	pi, _ := r.at("data", "payment", "payment_intent_id").(string)
	status := func() any { return v.agents("GET", "/payments/"+pi+"/status", "").at("data", "status") }
	assert.Equal(t, "requires_action", status())
	assert.Empty(t, v.srv.Charges())

	require.NoError(t, v.srv.CompleteAction(pi))
	assert.Equal(t, "succeeded", status())
	assert.Equal(t, "25.00", v.balance())
	require.Error(t, v.srv.CompleteAction(pi), "once")
	require.Len(t, v.srv.Charges(), 1)
	assert.Equal(t, "k", v.srv.Charges()[0].IdempotencyKey)

	again := v.fund("25", "pm_card_threeDSecure2Required", "k")
	assert.Equal(t, http.StatusOK, again.StatusCode, "the key finds the payment that the human finished")
	assert.Len(t, v.srv.Charges(), 1)

	other := v.fund("25", "pm_card_authenticationRequired", "k2")
	pi, _ = other.at("data", "payment", "payment_intent_id").(string)
	require.NoError(t, v.srv.FailAction(pi))
	assert.Equal(t, "failed", status())
}

func TestThreeDSecureAs402(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithActionRequiredAs402())
	r := v.fund("25", "pm_card_authenticationRequired", "k")
	require.Equal(t, http.StatusPaymentRequired, r.StatusCode)
	assert.Equal(t, "authentication_required", r.at("error", "details", "decline_code"))
	pi, _ := r.at("error", "details", "payment_intent_id").(string)
	require.NoError(t, v.srv.CompleteAction(pi))
	assert.Equal(t, "25.00", v.balance())
}

func TestCheckoutIsPaidByAPerson(t *testing.T) {
	c := newClock()
	v := visitAs(t, 0, sandbox.WithClock(c.Now))
	link := v.agents("POST", "/billing/payment-link", `{"purpose":"fund","amount":40}`)
	require.Equal(t, http.StatusOK, link.StatusCode, link.text)
	assert.Nil(t, link.at("data"), "payment-link has no envelope")
	id, _ := link.at("session_id").(string)
	body := `{"session_id":"` + id + `"}`
	confirm := func(key string) reply {
		return v.agents("POST", "/wallet/confirm-checkout", body, "Idempotency-Key", key)
	}

	r := confirm("p1")
	assert.Equal(t, http.StatusAccepted, r.StatusCode)
	assert.Equal(t, "open", r.at("data", "status"))
	wrong := v.agents("POST", "/subscriptions/confirm-checkout", body)
	assert.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode, "it is for the wallet")

	require.NoError(t, v.srv.CompleteCheckout(id))
	require.Error(t, v.srv.CompleteCheckout(id))
	require.Len(t, v.srv.Charges(), 1)
	assert.Equal(t, "checkout", v.srv.Charges()[0].Endpoint)
	assert.Equal(t, "0.00", v.balance())

	r = confirm("p2")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "paid", r.at("data", "payment_status"))
	assert.Equal(t, "40.00", v.balance())
	r = confirm("p2")
	assert.Equal(t, true, r.at("meta", "idempotency_replay"))
	r = confirm("p3")
	assert.Equal(t, http.StatusConflict, r.StatusCode)
	assert.Equal(t, "checkout_already_confirmed", r.at("error", "code"))
	assert.Equal(t, "40.00", v.balance())
	rows := v.agents("GET", "/wallet/transactions?type=credit", "")
	assert.Equal(t, json.Number("1"), rows.at("data", "total"))
	row := rows.at("data", "items").([]any)[0].(map[string]any)
	assert.Equal(t, v.srv.Charges()[0].PaymentIntentID, row["transaction_id"])
}

func TestCheckoutsEnd(t *testing.T) {
	c := newClock()
	v := visitAs(t, 0, sandbox.WithClock(c.Now), sandbox.WithUnfinishedCheckout(http.StatusConflict))
	open := func() string {
		r := v.agents("POST", "/wallet/fund", `{"amount":"10.00"}`)
		require.Equal(t, http.StatusOK, r.StatusCode, r.text)
		return r.at("data", "session_id").(string)
	}
	confirm := func(id string) reply {
		return v.agents("POST", "/wallet/confirm-checkout", `{"session_id":"`+id+`"}`)
	}
	byTime, byCall := open(), open()
	assert.Equal(t, "checkout_pending", confirm(byTime).at("error", "code"))
	require.NoError(t, v.srv.ExpireCheckout(byCall))
	assert.Equal(t, "checkout_expired", confirm(byCall).at("error", "code"))
	c.Advance(24*time.Hour - time.Second)
	assert.Equal(t, "checkout_pending", confirm(byTime).at("error", "code"))
	c.Advance(time.Second)
	r := confirm(byTime)
	assert.Equal(t, "checkout_expired", r.at("error", "code"))
	assert.Equal(t, c.Now().Format(http.TimeFormat), r.Header.Get("Date"))
	require.Error(t, v.srv.CompleteCheckout(byTime))
	assert.Equal(t, http.StatusNotFound, confirm("cs_test_unknown").StatusCode)
	assert.Empty(t, v.srv.Charges())
}

func TestCheckoutByWebhookCreditsOnce(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithCheckoutWebhook(), sandbox.WithRepeatableConfirm(), sandbox.WithEnvelopeEverywhere())
	link := v.agents("POST", "/billing/payment-link", `{"purpose":"fund","amount":40.5}`)
	id, _ := link.at("data", "session_id").(string)
	page := v.send("GET", "/checkout/"+id, "")
	assert.Contains(t, page.text, "$40.50")
	require.Equal(t, http.StatusSeeOther, v.send("POST", "/checkout/"+id+"/pay", "").StatusCode)
	assert.Equal(t, "40.50", v.balance())
	for range 2 {
		assert.Equal(t, http.StatusOK, v.agents("POST", "/wallet/confirm-checkout", `{"session_id":"`+id+`"}`).StatusCode)
	}
	assert.Equal(t, "40.50", v.balance())
}

func TestSubscribing(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithGenerationTime(0))
	plans := v.agents("GET", "/subscriptions/plans", "")
	assert.Equal(t, json.Number("10.00"), plans.at("data", "pay_as_you_go", "minimum_topup_usd"))

	r := v.agents("POST", "/subscriptions", `{"plan_id":10,"payment_method_id":"pm_card_mastercard"}`, "Idempotency-Key", "s1")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "active", r.at("data", "subscription", "status"))
	assert.Equal(t, json.Number("45"), r.at("data", "subscription", "id"))
	require.Len(t, v.srv.Charges(), 1)
	assert.Equal(t, int64(249_00), v.srv.Charges()[0].Cents)
	status := v.agents("GET", "/subscriptions/45/status", "")
	assert.Equal(t, "Basic Enterprise", status.at("data", "plan_name"))
	assert.Equal(t, http.StatusNotFound, v.agents("GET", "/subscriptions/46/status", "").StatusCode)

	r = v.agents("POST", "/subscriptions", `{"plan_id":20}`)
	id, _ := r.at("data", "session_id").(string)
	require.NoError(t, v.srv.CompleteCheckout(id))
	r = v.agents("POST", "/subscriptions/confirm-checkout", `{"session_id":"`+id+`"}`)
	assert.Equal(t, "complete", r.at("data", "status"))
	assert.Equal(t, json.Number("2"), v.agents("GET", "/subscriptions", "").at("data", "total"))
	assert.Equal(t, http.StatusUnprocessableEntity, v.agents("POST", "/subscriptions", `{"plan_id":999}`).StatusCode)

	r = v.send("POST", "/api/v6/images/text2img", `{"key":"`+v.apiKey+`","model_id":"flux","prompt":"free for subscribers"}`)
	assert.Equal(t, "success", r.at("status"), r.text)
}

func TestSessionsEnd(t *testing.T) {
	c := newClock()
	v := visit(t, sandbox.WithClock(c.Now))
	a := v.srv.Account(sandbox.AccountParams{Email: "a@example.com"})
	login := func(expiry string) reply {
		return v.agents("POST", "/auth/login", `{"email":"a@example.com","password":"`+a.Password+`","token_expiry":"`+expiry+`"}`)
	}
	assert.Equal(t, http.StatusUnprocessableEntity, login("2_days").StatusCode)
	assert.Nil(t, login("never").at("data", "expires_at"))
	r := login("1_week")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	v.token, _ = r.at("data", "access_token").(string)
	assert.Regexp(t, `^\d+\|[A-Za-z0-9]{40}$`, v.token)
	assert.Equal(t, a.APIKey, r.at("data", "api_key"))
	assert.Equal(t, "a@example.com", v.agents("GET", "/me", "").at("data", "email"))

	old := v.token
	v.token, _ = v.agents("POST", "/auth/refresh", `{"token_expiry":"1_week"}`).at("data", "access_token").(string)
	assert.Equal(t, http.StatusOK, v.agents("GET", "/me", "").StatusCode)
	v.token, old = old, v.token
	r = v.agents("GET", "/me", "")
	assert.Equal(t, http.StatusUnauthorized, r.StatusCode)
	assert.JSONEq(t, `{"message":"Unauthenticated."}`, r.text)

	v.token = old
	c.Advance(7 * 24 * time.Hour)
	assert.Equal(t, http.StatusUnauthorized, v.agents("GET", "/me", "").StatusCode)

	v.token = a.AccessToken
	assert.True(t, v.srv.ExpireToken(a.AccessToken))
	assert.Equal(t, http.StatusUnauthorized, v.agents("GET", "/me", "").StatusCode)

	v.token, _ = login("1_month").at("data", "access_token").(string)
	assert.Equal(t, http.StatusOK, v.agents("POST", "/auth/logout", "").StatusCode)
	assert.Equal(t, http.StatusUnauthorized, v.agents("GET", "/me", "").StatusCode)

	r = v.agents("POST", "/auth/login", `{"email":"a@example.com","password":"wrong"}`)
	assert.Equal(t, http.StatusUnauthorized, r.StatusCode)
	assert.Equal(t, "invalid_credentials", r.at("error", "code"))
}

func TestSignupValidates(t *testing.T) {
	v := visit(t)
	v.srv.Account(sandbox.AccountParams{Email: "taken@example.com"})
	for body, field := range map[string]string{
		`{"password":"longenough"}`:                                                        "email",
		`{"email":"nonsense","password":"longenough"}`:                                     "email",
		`{"email":"TAKEN@example.com","password":"longenough"}`:                            "email",
		`{"email":"b@example.com"}`:                                                        "password",
		`{"email":"b@example.com","password":"short"}`:                                     "password",
		`{"email":"b@example.com","password":"longenough","password_confirmation":"else"}`: "password",
	} {
		r := v.agents("POST", "/auth/signup", body)
		assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode)
		assert.Equal(t, "validation_error", r.at("error", "code"))
		assert.NotEmpty(t, r.at("error", "details", field), body)
	}
}

func TestVerifyingByLinkAndLaterName(t *testing.T) {
	v := visit(t, sandbox.WithoutRoute("auth.verify_email"), sandbox.WithVerificationCodes(func(email string) string { return "code-" + email[:1] }))
	v.agents("POST", "/auth/signup", `{"email":"a@example.com","password":"longenough"}`)
	v.agents("POST", "/auth/signup", `{"email":"b@example.com","password":"longenough"}`)
	v.agents("POST", "/auth/signup", `{"email":"c@example.com","password":"longenough"}`)

	r := v.agents("POST", "/auth/verify-email", `{"verification_code":"code-a"}`)
	assert.Equal(t, http.StatusNotFound, r.StatusCode)
	assert.JSONEq(t, `{"message":"The route api/agents/v1/auth/verify-email could not be found."}`, r.text)
	assert.NotEmpty(t, v.agents("POST", "/auth/verify", `{"verification_code":"code-a"}`).at("data", "access_token"))

	assert.NotEmpty(t, v.send("GET", "/verify/code-b", "").at("data", "api_key"))
	browser := v.send("GET", "/verify/code-c", "", "Accept", "text/html")
	assert.Equal(t, http.StatusFound, browser.StatusCode)
	assert.Contains(t, browser.Header.Get("Location"), "verified=1")
}

func TestUnknownRoutesAndVerbs(t *testing.T) {
	v := visitAs(t, 0)
	r := v.agents("GET", "/wallet/fund", "")
	assert.Equal(t, http.StatusMethodNotAllowed, r.StatusCode)
	assert.Equal(t, "POST", r.Header.Get("Allow"))
	assert.Equal(t, http.StatusNotFound, v.agents("GET", "/training", "").StatusCode)
	assert.Equal(t, http.StatusNotFound, v.agents("GET", "/payments/a%2Fb/status", "").StatusCode)
	r = v.agents("GET", "/payments/pi_none/status", "")
	assert.Contains(t, r.at("message"), "No query results")
	names := map[string]bool{}
	for _, route := range v.srv.Routes() {
		assert.False(t, names[route.Name], route.Name)
		names[route.Name] = true
	}
	assert.True(t, names["wallet.fund"])
}

func TestTheShapesThatNobodyDocumented(t *testing.T) {
	v := visitAs(t, 75_50, sandbox.WithFrameworkErrors(), sandbox.WithAmountsAsStrings(), sandbox.WithLoginPage())
	assert.Equal(t, "75.50", v.agents("GET", "/wallet/balance", "").at("data", "balance"))
	r := v.fund("9.99", "pm_none", "k")
	assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode)
	assert.Len(t, r.at("errors"), 2)
	assert.Equal(t, "The amount field must be at least 10.00. (and 1 more error)", r.at("message"))
	v.token = ""
	r = v.agents("GET", "/me", "", "Accept", "*/*")
	assert.Equal(t, http.StatusFound, r.StatusCode)
	assert.Equal(t, http.StatusUnauthorized, v.agents("GET", "/me", "").StatusCode)
}

func TestFundingValidatesAmounts(t *testing.T) {
	v := visitAs(t, 0)
	for amount, fine := range map[string]bool{
		"10": true, "10.01": true, `"25.00"`: true, "10.0": true,
		"9.99": false, "0": false, "-25": false, "10.001": false, "1e3": false, "1e999999999": false, `"ten"`: false, "null": false, "true": false,
	} {
		r := v.agents("POST", "/wallet/fund", fundBody(amount, "pm_card_visa"))
		assert.Equal(t, fine, r.StatusCode == http.StatusOK, "%s: %s", amount, r.text)
		if !fine {
			assert.NotEmpty(t, r.at("error", "details", "amount"), amount)
		}
	}
	assert.Len(t, v.srv.Charges(), 4)
}

func TestTransactionsPage(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits(), sandbox.WithGenerationTime(0))
	for i := range 3 {
		v.fund(fmt.Sprint(10+i), "pm_card_visa", fmt.Sprint("k", i))
	}
	v.send("POST", "/api/v6/images/text2img", `{"key":"`+v.apiKey+`","model_id":"flux","prompt":"x"}`)
	r := v.agents("GET", "/wallet/transactions?type=credit&limit=1&offset=1", "")
	assert.Equal(t, json.Number("3"), r.at("data", "total"))
	assert.Equal(t, json.Number("1"), r.at("data", "count"))
	row := r.at("data", "items").([]any)[0].(map[string]any)
	assert.Equal(t, json.Number("11.00"), row["amount"])
	assert.Equal(t, json.Number("0.02"), r.at("data", "wallet", "amount_used"))
	assert.Equal(t, http.StatusUnprocessableEntity, v.agents("GET", "/wallet/transactions?limit=201", "").StatusCode)
}

func TestGenerationRefuses(t *testing.T) {
	v := visitAs(t, 3)
	ask := func(fields string) reply {
		return v.send("POST", "/api/v6/images/text2img", `{"key":"`+v.apiKey+`","model_id":"flux"`+fields+`}`)
	}
	for fields, status := range map[string]int{
		`,"key":"nonsense"`:                  http.StatusUnauthorized,
		`,"key":null`:                        http.StatusUnauthorized,
		``:                                   http.StatusBadRequest,
		`,"prompt":5`:                        http.StatusBadRequest,
		`,"prompt":"x","width":2048`:         http.StatusBadRequest,
		`,"prompt":"x","height":300`:         http.StatusBadRequest,
		`,"prompt":"x","samples":5`:          http.StatusBadRequest,
		`,"prompt":"x","guidance_scale":0.5`: http.StatusBadRequest,
		`,"prompt":"x","samples":2`:          http.StatusPaymentRequired,
	} {
		r := ask(fields)
		assert.Equal(t, status, r.StatusCode, fields)
		assert.Equal(t, "error", r.at("status"), fields)
	}
	r := ask(`,"prompt":"x"`)
	require.Equal(t, "processing", r.at("status"), r.text)
	id := r.at("id").(json.Number).String()
	other := v.srv.Account(sandbox.AccountParams{})
	assert.Equal(t, http.StatusNotFound, v.send("POST", "/api/v6/images/fetch/"+id, `{"key":"`+other.APIKey+`"}`).StatusCode)
	assert.Equal(t, http.StatusNotFound, v.send("POST", "/api/v7/images/fetch/"+id, `{"key":"`+v.apiKey+`"}`).StatusCode, "ids belong to a family")
	assert.Equal(t, http.StatusUnauthorized, v.send("POST", "/api/v6/images/fetch/"+id, `{}`).StatusCode)
}

func TestGenerationQueueAndFailure(t *testing.T) {
	c := newClock()
	v := visitAs(t, 100, sandbox.WithClock(c.Now), sandbox.WithGenerationOutcome(sandbox.GenerationFails))
	ask := func() reply {
		return v.send("POST", "/api/v6/images/text2img", `{"key":"`+v.apiKey+`","model_id":"flux","prompt":"x"}`)
	}
	id := ask().at("id").(json.Number).String()
	for range 4 {
		ask()
	}
	r := ask()
	assert.Equal(t, http.StatusTooManyRequests, r.StatusCode)
	assert.Equal(t, json.Number("2"), r.at("retry_after"))
	assert.Equal(t, "0.90", v.balance())
	c.Advance(2 * time.Second)
	for range 2 {
		r = v.send("POST", "/api/v6/images/fetch/"+id, `{"key":"`+v.apiKey+`"}`)
		assert.Equal(t, "failed", r.at("status"))
	}
	assert.Equal(t, "0.92", v.balance())
}

func TestEverythingWorksInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.New(sandbox.InMemory(), sandbox.WithFault(sandbox.Fault{Endpoint: "wallet.balance", Kind: sandbox.FaultLatency, Delay: time.Hour}))
		defer srv.Close()
		a := srv.Account(sandbox.AccountParams{BalanceCents: 10_00})
		v := &visitor{t: t, srv: srv, client: &http.Client{Transport: srv.Transport()}, token: a.AccessToken, apiKey: a.APIKey}
		begin := time.Now()
		assert.Equal(t, "10.00", v.balance())
		assert.Equal(t, time.Hour, time.Since(begin))
		r := v.send("POST", "/api/v6/images/text2img", `{"key":"`+v.apiKey+`","model_id":"flux","prompt":"x"}`)
		<-time.After(2 * time.Second) // by the bubble's clock
		r = v.send("POST", "/api/v6/images/fetch/"+r.at("id").(json.Number).String(), `{"key":"`+v.apiKey+`"}`)
		assert.Equal(t, "success", r.at("status"))
	})
}
