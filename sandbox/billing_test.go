package sandbox_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// attach saves a card, which becomes the default one.
func (v *visitor) attach(method string) {
	v.t.Helper()
	r := v.agents("POST", "/billing/payment-methods", `{"payment_method_id":"`+method+`"}`)
	require.Equal(v.t, http.StatusOK, r.StatusCode, r.text)
	require.Equal(v.t, true, r.at("data", "is_default"))
}

// cards lists the attached cards, a star before the default one.
func (v *visitor) cards() string {
	v.t.Helper()
	var all []string
	for _, item := range v.agents("GET", "/billing/payment-methods", "").at("data").([]any) {
		m := item.(map[string]any)
		star := ""
		if m["is_default"] == true {
			star = "*"
		}
		all = append(all, star+m["id"].(string))
	}
	return strings.Join(all, " ")
}

func TestCardsAreSavedAndDeleted(t *testing.T) {
	c := newClock()
	v := visitAs(t, 0, sandbox.WithoutRateLimits(), sandbox.WithClock(c.Now))
	assert.Equal(t, "[]", strings.TrimSpace(mustJSON(t, v.agents("GET", "/billing/payment-methods", "").at("data"))))

	r := v.agents("POST", "/billing/payment-methods", `{"payment_method_id":"pm_card_visa"}`, "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, map[string]any{
		"id": "pm_card_visa", "brand": "visa", "last4": "4242", "is_default": true,
		"exp_month": json.Number("12"), "exp_year": json.Number("2027"),
	}, r.at("data"))
	again := v.agents("POST", "/billing/payment-methods", `{"payment_method_id":"pm_card_visa"}`)
	assert.Equal(t, r.at("data"), again.at("data"), "attached already")
	v.agents("POST", "/billing/payment-methods", `{"payment_method_id":"pm_card_mastercard","make_default":false}`)
	assert.Equal(t, "*pm_card_visa pm_card_mastercard", v.cards())

	for range 2 {
		r = v.agents("PUT", "/billing/payment-methods/pm_card_mastercard/default", "")
		assert.Equal(t, true, r.at("data", "is_default"), r.text)
		assert.Equal(t, "pm_card_visa *pm_card_mastercard", v.cards())
	}
	v.attach("pm_card_amex")
	assert.Equal(t, "pm_card_visa pm_card_mastercard *pm_card_amex", v.cards())
	assert.Equal(t, http.StatusOK, v.agents("DELETE", "/billing/payment-methods/pm_card_amex", "").StatusCode)
	assert.Equal(t, "*pm_card_visa pm_card_mastercard", v.cards(), "the oldest one steps in")
	for _, path := range []string{"DELETE /pm_card_amex", "DELETE /pm_none", "PUT /pm_card_amex/default", "PUT /pm_none/default"} {
		method, path, _ := strings.Cut(path, " ")
		assert.Equal(t, http.StatusNotFound, v.agents(method, "/billing/payment-methods"+path, "").StatusCode, path)
	}

	r = v.fund("25", "pm_card_amex", "f1")
	assert.NotEmpty(t, r.at("error", "details", "payment_method_id"), "a deleted card is not charged")
	assert.Equal(t, http.StatusOK, v.fund("25", "pm_card_discover", "f2").StatusCode, "one that was never attached is")
	v.attach("pm_card_amex")
	assert.Equal(t, http.StatusOK, v.fund("25", "pm_card_amex", "f3").StatusCode)

	other := visitorOf(v, v.srv.Account(sandbox.AccountParams{}))
	assert.Empty(t, other.cards(), "cards belong to an account")
}

// visitorOf is another account's visitor at the same server.
func visitorOf(v *visitor, a sandbox.Account) *visitor {
	return &visitor{t: v.t, srv: v.srv, client: v.client, token: a.AccessToken, apiKey: a.APIKey}
}

func mustJSON(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

func TestCardsAreRefusedWhenTheyAreSaved(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	for method, decline := range map[string]string{
		"pm_card_chargeDeclined":                  "generic_decline",
		"pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
		"pm_card_chargeDeclinedExpiredCard":       "expired_card",
	} {
		r := v.agents("POST", "/billing/payment-methods", `{"payment_method_id":"`+method+`"}`)
		assert.Equal(t, http.StatusPaymentRequired, r.StatusCode, r.text)
		assert.Equal(t, "payment_declined", r.at("error", "code"))
		assert.Equal(t, map[string]any{"decline_code": decline}, r.at("error", "details"))
	}
	for body, field := range map[string]string{
		`{}`:                              "payment_method_id",
		`{"payment_method_id":"pm_none"}`: "payment_method_id",
		`{"payment_method_id":"pm_card_visa","make_default":"perhaps"}`: "make_default",
	} {
		r := v.agents("POST", "/billing/payment-methods", body)
		assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode)
		assert.NotEmpty(t, r.at("error", "details", field), body)
	}
	assert.Empty(t, v.cards())
	v.attach("pm_card_threeDSecure2Required")
	v.attach("pm_card_chargeCustomerFail") // it shows what it is when it is charged
	assert.Equal(t, "pm_card_threeDSecure2Required *pm_card_chargeCustomerFail", v.cards())
}

func TestBillingInformation(t *testing.T) {
	v := visit(t)
	v.token = v.srv.Account(sandbox.AccountParams{Email: "ada@example.com"}).AccessToken
	info := func() map[string]any {
		data, _ := v.agents("GET", "/billing/info", "").at("data").(map[string]any)
		return data
	}
	assert.Len(t, info(), 10)
	assert.Equal(t, "ada@example.com", info()["email"])
	assert.Nil(t, info()["tax_id"])

	for body, field := range map[string]string{
		`{"tax_id":"DE123456789"}`: "tax_id_type",
		`{"email":"nonsense"}`:     "email",
		`{"address_line1":7}`:      "address_line1",
	} {
		r := v.agents("PUT", "/billing/info", body)
		assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode)
		assert.NotEmpty(t, r.at("error", "details", field), body)
	}
	for range 2 {
		r := v.agents("PUT", "/billing/info", `{"tax_id":"DE123456789","tax_id_type":"eu_vat","address_city":"Berlin","address":"ignored"}`)
		require.Equal(t, http.StatusOK, r.StatusCode, r.text)
		assert.Equal(t, info(), r.at("data"))
	}
	v.agents("PUT", "/billing/info", `{"address_city":null,"address_country":"DE"}`)
	assert.Equal(t, "DE123456789", info()["tax_id"], "what is not sent stays")
	assert.Nil(t, info()["address_city"])
	assert.Equal(t, "DE", info()["address_country"])
	assert.NotContains(t, info(), "address")
}

func TestEveryChargeLeavesAnInvoice(t *testing.T) {
	c := newClock()
	v := visitAs(t, 0, sandbox.WithoutRateLimits(), sandbox.WithClock(c.Now))
	v.fund("25", "pm_card_visa", "k1")
	v.fund("25", "pm_card_chargeDeclined", "k2")
	pending := v.fund("30", "pm_card_threeDSecure2Required", "k3").at("data", "payment", "payment_intent_id").(string)
	v.agents("POST", "/subscriptions", `{"plan_id":20,"payment_method_id":"pm_card_visa"}`)
	link, _ := v.agents("POST", "/billing/payment-link", `{"purpose":"subscribe","plan_id":10}`).at("session_id").(string)
	c.Advance(time.Hour)
	require.NoError(t, v.srv.CompleteCheckout(link))
	require.NoError(t, v.srv.CompleteAction(pending))

	list := v.agents("GET", "/billing/invoices", "")
	invoices, _ := list.at("data").([]any)
	var said []string
	for _, item := range invoices {
		m := item.(map[string]any)
		assert.Equal(t, "paid", m["status"])
		assert.Equal(t, "usd", m["currency"])
		said = append(said, m["amount"].(json.Number).String()+" "+m["description"].(string)+" "+m["created_at"].(string))
	}
	assert.Equal(t, []string{
		"30.00 Wallet funding 2026-03-01T10:30:00Z",
		"249.00 Subscription: Basic Enterprise 2026-03-01T10:30:00Z",
		"47.00 Subscription: Standard 2026-03-01T09:30:00Z",
		"25.00 Wallet funding 2026-03-01T09:30:00Z",
	}, said)
	assert.Len(t, v.srv.Charges(), len(invoices))

	newest := invoices[0].(map[string]any)
	id, _ := newest["id"].(string)
	assert.Regexp(t, `^in_\w+$`, id)
	assert.Equal(t, newest, v.agents("GET", "/billing/invoices/"+id, "").at("data"))

	links := v.agents("GET", "/billing/invoices/"+id+"/pdf", "")
	pdf, _ := links.at("data", "pdf_url").(string)
	r := v.send("GET", strings.TrimPrefix(pdf, v.srv.URL()), "")
	assert.Equal(t, "application/pdf", r.Header.Get("Content-Type"))
	assert.True(t, strings.HasPrefix(r.text, "%PDF-1.4\n") && strings.HasSuffix(r.text, "%%EOF\n"), r.text)
	receipt, _ := links.at("data", "receipt_url").(string)
	assert.Contains(t, v.send("GET", strings.TrimPrefix(receipt, v.srv.URL()), "").text, "$30.00")
	assert.Equal(t, http.StatusNotFound, v.send("GET", "/invoices/in_none", "").StatusCode)

	other := visitorOf(v, v.srv.Account(sandbox.AccountParams{}))
	for _, path := range []string{"/billing/invoices/" + id, "/billing/invoices/" + id + "/pdf", "/billing/invoices/in_none"} {
		assert.Equal(t, http.StatusNotFound, other.agents("GET", path, "").StatusCode, path)
	}
	assert.Empty(t, other.agents("GET", "/billing/invoices", "").at("data"))
}

func TestBillingOverview(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits(), sandbox.WithGenerationTime(0))
	empty := v.agents("GET", "/billing/overview", "")
	assert.Contains(t, empty.text, `"active_subscription":null`)
	assert.Contains(t, empty.text, `"payment_methods":[]`)
	assert.Equal(t, json.Number("0"), empty.at("data", "invoice_count"))
	assert.Equal(t, false, empty.at("data", "auto_funding", "enabled"))

	v.fund("25", "pm_card_visa", "k1")
	v.send("POST", "/api/v6/images/text2img", `{"key":"`+v.apiKey+`","model_id":"flux","prompt":"x"}`)
	v.agents("POST", "/subscriptions", `{"plan_id":20,"payment_method_id":"pm_card_visa"}`)
	v.attach("pm_card_visa")
	v.agents("PUT", "/wallet/auto-funding", `{"auto_charge_amount":20,"charge_threshold":"5"}`)
	r := v.agents("GET", "/billing/overview", "")
	assert.Equal(t, json.Number("24.98"), r.at("data", "wallet_balance"))
	assert.Equal(t, "USD", r.at("data", "currency"))
	assert.Equal(t, json.Number("2"), r.at("data", "invoice_count"))
	assert.Equal(t, json.Number("72.00"), r.at("data", "total_charges"))
	assert.Equal(t, json.Number("25.00"), r.at("data", "total_deposits"))
	assert.Equal(t, "Standard", r.at("data", "active_subscription", "plan_name"))
	assert.Len(t, r.at("data", "subscriptions"), 1)
	assert.Len(t, r.at("data", "payment_methods"), 1)
	assert.Equal(t, map[string]any{
		"enabled": true, "auto_charge_amount": json.Number("20.00"), "charge_threshold": json.Number("5.00"),
	}, r.at("data", "auto_funding"))

	id := r.at("data", "active_subscription", "id").(json.Number).String()
	v.agents("POST", "/subscriptions/"+id+"/pause", "")
	r = v.agents("GET", "/billing/overview", "")
	assert.Nil(t, r.at("data", "active_subscription"))
	assert.Equal(t, "paused", r.at("data", "subscriptions").([]any)[0].(map[string]any)["status"])
}

func TestResellersWithdraw(t *testing.T) {
	v := visit(t, sandbox.WithoutRateLimits())
	a := v.srv.Account(sandbox.AccountParams{Email: "ada@example.com", BalanceCents: 50_00})
	v.token = a.AccessToken
	withdraw := func(amount, key string) reply {
		return v.agents("POST", "/wallet/withdraw", `{"amount":`+amount+`}`, "Idempotency-Key", key)
	}
	r := withdraw("20", "k0")
	assert.Equal(t, http.StatusForbidden, r.StatusCode)
	assert.Equal(t, "access_denied", r.at("error", "code"))
	require.Error(t, v.srv.MakeReseller("nobody@example.com"))
	require.NoError(t, v.srv.MakeReseller("Ada@example.com"))
	for _, amount := range []string{"0", "-1", "50.01", "null", "1.001"} {
		assert.NotEmpty(t, withdraw(amount, "k"+amount).at("error", "details", "amount"), amount)
	}
	for i := range 2 {
		r = withdraw("20", "k1")
		require.Equal(t, http.StatusOK, r.StatusCode, r.text)
		assert.Equal(t, json.Number("20.00"), r.at("data", "amount"))
		assert.Equal(t, json.Number("30.00"), r.at("data", "balance"))
		assert.Equal(t, i == 1, r.at("meta", "idempotency_replay") == true)
	}
	assert.Equal(t, "30.00", v.balance())
	row := v.agents("GET", "/wallet/transactions?type=debit", "").at("data", "items").([]any)[0].(map[string]any)
	assert.Equal(t, "withdrawal", row["usecase"])
	assert.Empty(t, v.srv.Charges())
}

func TestAWithdrawalWhoseAnswerIsLostHappensOnce(t *testing.T) {
	for _, mode := range sandbox.Modes() {
		for _, fault := range append(lostAnswers(), sandbox.Fault{Kind: sandbox.Fault500, AfterWork: true}) {
			t.Run(mode.Name+"/"+string(fault.Kind), func(t *testing.T) {
				v := visit(t, mode.Options...)
				v.token = v.srv.Account(sandbox.AccountParams{Email: "ada@example.com", BalanceCents: 50_00}).AccessToken
				require.NoError(t, v.srv.MakeReseller("ada@example.com"))
				fault.Endpoint = "wallet.withdraw"
				v.srv.Inject(fault)
				for range 3 {
					// An error is what some of these faults are.
					_, _ = v.try("POST", "/api/agents/v1/wallet/withdraw", "application/json", `{"amount":20}`, "Idempotency-Key", "k")
				}
				assert.Equal(t, "30.00", v.balance())
			})
		}
	}
}
