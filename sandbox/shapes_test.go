package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// stop is one request of a tour, and its answer.
type stop struct {
	endpoint string
	status   int
	text     string
	body     any
}

// at walks into the answer: names of members, and numbers of elements.
func (s stop) at(path ...any) any {
	here := s.body
	for _, step := range path {
		switch step := step.(type) {
		case string:
			members, _ := here.(map[string]any)
			here = members[step]
		case int:
			list, _ := here.([]any)
			if step >= len(list) {
				return nil
			}
			here = list[step]
		}
	}
	return here
}

// word is at, as text.
func (s stop) word(path ...any) string { return fmt.Sprint(s.at(path...)) }

// tour visits every endpoint of the Agents API. It always goes the same way: time stands
// still, chance is seeded, and what it has to know of earlier answers it takes from those of
// the first tour, whatever they look like now.
type tour struct {
	*visitor
	first []stop // nil: this is the first
	stops []stop
}

func (v *tour) ask(method, path, body string, headers ...string) stop {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.srv.URL()+"/api/agents/v1"+path, strings.NewReader(body))
	require.NoError(v.t, err)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+v.token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := v.client.Do(r)
	require.NoError(v.t, err)
	defer func() { _ = resp.Body.Close() }() // it was only read
	text, err := io.ReadAll(resp.Body)
	require.NoError(v.t, err)
	requests := v.srv.Requests()
	s := stop{endpoint: requests[len(requests)-1].Endpoint, status: resp.StatusCode, text: string(text)}
	if len(text) > 0 {
		d := json.NewDecoder(strings.NewReader(s.text))
		d.UseNumber()
		require.NoError(v.t, d.Decode(&s.body), s.text)
	}
	v.stops = append(v.stops, s)
	if v.first != nil {
		return v.first[len(v.stops)-1]
	}
	return s
}

type seeded struct{ *rand.ChaCha8 }

// travel goes on the tour; first is what an earlier one has seen.
func travel(t *testing.T, first []stop, opts ...sandbox.Option) []stop {
	t.Helper()
	v := &tour{first: first, visitor: visit(t, append([]sandbox.Option{
		sandbox.WithClock(newClock().Now), sandbox.WithRandom(seeded{rand.NewChaCha8([32]byte{7})}),
		sandbox.WithoutRateLimits(), sandbox.WithRepeatableConfirm(),
	}, opts...)...)}
	v.goAround()
	if first != nil {
		require.Len(t, v.stops, len(first))
	}
	return v.stops
}

func (v *tour) goAround() {
	const owner, friend = "ada@example.com", "bob@example.com"
	login := `{"email":"` + owner + `","password":"longenough"}`
	v.ask("POST", "/auth/signup", `{"email":"`+owner+`","password":"short"}`)
	v.ask("POST", "/auth/signup", `{"email":"`+owner+`","password":"longenough","name":"Ada"}`)
	v.ask("POST", "/auth/login", login)
	v.ask("POST", "/auth/login", `{"email":"`+owner+`","password":"wrong"}`)
	v.ask("POST", "/auth/resend-verification", `{"email":"`+owner+`"}`)
	code, _ := v.srv.VerificationCode(owner)
	v.ask("POST", "/auth/verify-email", `{"verification_code":"`+code+`"}`)
	v.ask("POST", "/auth/forgot-password", `{"email":"`+owner+`"}`)
	reset, _ := v.srv.ResetToken(owner)
	v.ask("POST", "/auth/reset-password", `{"email":"`+owner+`","token":"`+reset+`","password":"longenough","password_confirmation":"longenough"}`)

	v.ask("POST", "/auth/signup", `{"email":"`+friend+`","password":"longenough"}`)
	code, _ = v.srv.VerificationCode(friend)
	v.token = v.ask("POST", "/auth/verify", `{"verification_code":"`+code+`"}`).word("data", "access_token")
	friendToken := v.token

	v.token = v.ask("POST", "/auth/login", login).word("data", "access_token")
	v.token = v.ask("POST", "/auth/refresh", `{"token_expiry":"never"}`).word("data", "access_token")
	v.ask("POST", "/auth/login", login)
	v.ask("POST", "/auth/login", login)
	list := v.ask("GET", "/auth/tokens", "")
	v.ask("DELETE", "/auth/tokens/"+list.word("data", 1, "id"), "")
	v.ask("POST", "/auth/tokens/revoke-others", "")

	username := v.ask("GET", "/me", "").word("data", "username")
	v.ask("POST", "/auth/switch-account", `{"account_username":"`+username+`"}`)
	v.ask("PATCH", "/me", `{"about_me":"A painter."}`)
	v.ask("PATCH", "/me/password", `{"current_password":"longenough","password":"longer than","password_confirmation":"longer than"}`)
	v.ask("PATCH", "/me/socials", `{"github":"ada"}`)
	v.ask("PATCH", "/me/preferences", `{"nsfw_content":true}`)

	v.ask("GET", "/api-keys", "")
	key := "/api-keys/" + v.ask("POST", "/api-keys", `{"name":"second"}`).word("data", "id")
	v.ask("GET", key, "")
	v.ask("PUT", key, `{"notes":"for tests"}`)
	v.ask("DELETE", key, "")
	v.ask("GET", key, "")

	v.srv.AddUsage(owner, sandbox.Usage{Endpoint: "/api/v6/images/text2img", Cents: 2}, sandbox.Usage{Type: "video", Cents: 9})
	for _, path := range []string{
		"/usage/summary", "/usage/products", "/usage/history?limit=1",
		"/models?per_page=5&page=2", "/models/filters", "/models/tags", "/models/providers", "/models/flux", "/models/upscaler-4x",
	} {
		v.ask("GET", path, "")
	}

	v.ask("GET", "/billing/stripe-config", "")
	v.ask("POST", "/billing/setup-intent", "")
	v.ask("POST", "/billing/payment-methods", `{"payment_method_id":"pm_card_visa"}`, "Idempotency-Key", "attach")
	v.ask("POST", "/billing/payment-methods", `{"payment_method_id":"pm_card_visa"}`, "Idempotency-Key", "attach")
	v.ask("POST", "/billing/payment-methods", `{"payment_method_id":"pm_card_amex","make_default":false}`)
	v.ask("GET", "/billing/payment-methods", "")
	v.ask("PUT", "/billing/payment-methods/pm_card_amex/default", "")
	v.ask("DELETE", "/billing/payment-methods/pm_card_amex", "")
	v.ask("PUT", "/billing/info", `{"address_line1":"1 Main Street","address_city":"Springfield","address_country":"US"}`)
	v.ask("GET", "/billing/info", "")

	fund := `{"amount":25,"payment_method_id":"pm_card_visa"}`
	payment := v.ask("POST", "/wallet/fund", fund, "Idempotency-Key", "fund").word("data", "payment", "payment_intent_id")
	v.ask("POST", "/wallet/fund", fund, "Idempotency-Key", "fund")
	v.ask("POST", "/wallet/fund", `{"amount":1}`)
	v.ask("POST", "/wallet/fund", `{"amount":25,"payment_method_id":"pm_card_chargeDeclined"}`)
	v.ask("POST", "/wallet/fund", `{"amount":25,"payment_method_id":"pm_card_threeDSecure2Required"}`)
	v.ask("POST", "/wallet/fund", `{"amount":30}`)
	link := v.ask("POST", "/billing/payment-link", `{"purpose":"fund","amount":40}`).word("session_id")
	v.ask("POST", "/wallet/confirm-checkout", `{"session_id":"`+link+`"}`)
	require.NoError(v.t, v.srv.CompleteCheckout(link))
	v.ask("POST", "/wallet/confirm-checkout", `{"session_id":"`+link+`"}`)
	v.ask("GET", "/payments/"+payment+"/status", "")
	v.ask("GET", "/payments/pi_none/status", "")
	v.ask("PUT", "/wallet/auto-funding", `{"auto_charge_amount":10,"charge_threshold":100}`)
	v.ask("DELETE", "/wallet/auto-funding", "")
	v.ask("POST", "/wallet/withdraw", `{"amount":5}`)
	require.NoError(v.t, v.srv.MakeReseller(owner))
	v.ask("POST", "/wallet/withdraw", `{"amount":5}`)
	v.ask("GET", "/wallet/coupons/validate?coupon_code=WELCOME5", "")
	v.ask("POST", "/wallet/coupons/validate", `{"coupon_code":"WELCOME5"}`)
	v.ask("POST", "/wallet/coupons/redeem", `{"coupon_code":"WELCOME5"}`)
	v.ask("GET", "/wallet/balance", "")
	v.ask("GET", "/wallet/transactions?limit=2&offset=2", "")

	v.ask("GET", "/subscriptions/plans", "")
	id := v.ask("POST", "/subscriptions", `{"plan_id":20,"payment_method_id":"pm_card_visa"}`).word("data", "subscription", "id")
	one := "/subscriptions/" + id
	page := v.ask("POST", "/subscriptions", `{"plan_id":10}`).word("data", "session_id")
	require.NoError(v.t, v.srv.CompleteCheckout(page))
	v.ask("POST", "/subscriptions/confirm-checkout", `{"session_id":"`+page+`"}`)
	v.ask("GET", "/subscriptions", "")
	v.ask("GET", one+"/status", "")
	v.ask("PUT", one, `{"new_plan_id":21}`)
	v.ask("POST", one+"/pause", "")
	v.ask("POST", one+"/resume", "")
	v.ask("POST", one+"/reset-cycle", "")
	v.ask("POST", "/subscriptions/charge-amount", `{"amount":5}`)
	var number int64
	_, err := fmt.Sscan(id, &number)
	require.NoError(v.t, err)
	require.NoError(v.t, v.srv.MarkPastDue(number))
	v.ask("POST", one+"/fix-payment", "")
	v.ask("GET", "/billing/overview", "")
	invoice := "/billing/invoices/" + v.ask("GET", "/billing/invoices", "").word("data", 0, "id")
	v.ask("GET", invoice, "")
	v.ask("GET", invoice+"/pdf", "")

	v.ask("GET", "/teams", "")
	member := "/teams/" + v.ask("POST", "/teams", `{"email":"`+friend+`"}`).word("data", "id")
	v.ask("POST", member+"/resend-invite", "")
	v.ask("PUT", member, `{"role":"admin"}`)
	v.ask("GET", member, "")
	invite, _ := v.srv.InviteID(friend)
	own := v.token
	v.token = friendToken
	v.ask("POST", "/teams/invitations/"+invite+"/accept", "")
	v.token = own
	v.ask("POST", "/teams", `{"email":"eve@example.com"}`)
	v.ask("GET", "/teams", "")
	v.ask("DELETE", member, "")
	v.ask("POST", "/auth/logout", "")
	v.token = friendToken
	v.ask("POST", "/auth/logout-all", "")
}

func agentsRoutes(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, r := range visit(t).srv.Routes() {
		if r.Surface == sandbox.SurfaceAgents {
			names = append(names, r.Name)
		}
	}
	return names
}

func TestTheTourVisitsEveryEndpoint(t *testing.T) {
	var visited []string
	for _, s := range travel(t, nil) {
		if s.status < 300 {
			visited = append(visited, s.endpoint)
		}
	}
	assert.Subset(t, visited, agentsRoutes(t))
}

func TestShapesChangeWhatTheySayTheyChange(t *testing.T) {
	first, routes := travel(t, nil), agentsRoutes(t)
	for _, shape := range sandbox.Shapes() {
		t.Run(shape.Name, func(t *testing.T) {
			var announced, changed []string
			for _, name := range routes {
				if shape.Changes(name) {
					announced = append(announced, name)
				}
			}
			require.NotEmpty(t, announced)
			for i, s := range travel(t, first, shape.Options...) {
				require.Equal(t, first[i].endpoint, s.endpoint)
				if s.status != http.StatusPaymentRequired {
					assert.Equal(t, first[i].status < 400, s.status < 400, "%s: %s", s.endpoint, s.text)
				}
				if s.status != first[i].status || !assert.ObjectsAreEqual(first[i].body, s.body) {
					changed = append(changed, s.endpoint)
				}
			}
			assert.NotEmpty(t, changed)
			assert.Subset(t, announced, changed)
			// The tour meets 3-D Secure at one endpoint, and the values that a rule for every
			// endpoint is about at some of them.
			if len(announced) < len(routes) && shape.Name != "3-D Secure is 402" {
				assert.Subset(t, changed, announced)
			}
		})
	}
	for _, shape := range sandbox.Shapes() {
		assert.False(t, shape.Changes("stripe.payment_methods"))
		assert.False(t, shape.Changes("no such endpoint"))
	}
}

// found is the last success of an endpoint; or, with a status, the last answer of that status.
func found(t *testing.T, stops []stop, endpoint string, status int) stop {
	t.Helper()
	var last *stop
	for i, s := range stops {
		if s.endpoint == endpoint && (s.status == status || status == 0 && s.status < 300) {
			last = &stops[i]
		}
	}
	require.NotNil(t, last, endpoint)
	return *last
}

func TestShapesOfAnswers(t *testing.T) {
	type path = []any
	first := travel(t, nil)
	for name, expected := range map[string][]struct {
		endpoint string
		status   int // 0: any success
		path     path
		want     string // as text
	}{
		"lists as bare arrays": {
			{"models.search", 0, path{"data", 0, "model_id"}, "stable-diffusion-3.5-large"},
			{"wallet.transactions", 0, path{"data", 1, "amount"}, "40.00"},
			{"subscriptions.plans", 0, path{"data", 3, "id"}, "21"},
		},
		"lists in items with pagination": {
			{"teams.list", 0, path{"data", "items", 1, "email"}, "eve@example.com"},
			{"wallet.transactions", 0, path{"data", "pagination", "current_page"}, "2"},
			{"wallet.transactions", 0, path{"data", "pagination", "from"}, "3"},
			{"wallet.transactions", 0, path{"data", "pagination", "to"}, "4"},
			{"wallet.transactions", 0, path{"data", "wallet", "currency"}, "USD"},
			{"subscriptions.plans", 0, path{"data", "pay_as_you_go", "available"}, "true"},
		},
		"lists in items with count and total": {
			{"models.search", 0, path{"data", "count"}, "5"},
			{"models.search", 0, path{"data", "total"}, "46"},
		},
		"lists under their names": {
			{"wallet.transactions", 0, path{"data", "transactions", 1, "amount"}, "40.00"},
			{"billing.payment_methods", 0, path{"data", "payment_methods", 0, "id"}, "pm_card_visa"},
			{"teams.list", 0, path{"data", "members", 0, "email"}, "bob@example.com"},
			{"teams.list", 0, path{"data", "invitations", 0, "email"}, "eve@example.com"},
		},
		"lists by kind": {
			{"usage.products", 0, path{"data", "video", "percentage_used"}, "0.00"},
			{"teams.list", 0, path{"data", "invites", 0, "email"}, "eve@example.com"},
			{"subscriptions.list", 0, path{"data", "addon"}, "[]"},
			{"subscriptions.list", 0, path{"data", "enterprise", 0, "plan_id"}, "10"},
			{"subscriptions.list", 0, path{"data", "normal", 0, "plan_id"}, "20"},
		},
		"lists with the total in meta": {
			{"models.search", 0, path{"meta", "total"}, "46"},
			{"models.search", 0, path{"data", 0, "model_id"}, "stable-diffusion-3.5-large"},
		},
		"framework paginator": {
			{"models.search", 0, path{"data", "data", 0, "model_id"}, "stable-diffusion-3.5-large"},
			{"models.search", 0, path{"data", "last_page"}, "10"},
			{"models.search", 0, path{"data", "prev_page_url"}, "http://127.0.0.1/api/agents/v1/models?page=1"},
		},
		"framework resources": {
			{"models.search", 0, path{"data", 0, "model_id"}, "stable-diffusion-3.5-large"},
			{"models.search", 0, path{"meta", "per_page"}, "5"},
			{"models.search", 0, path{"links", "next"}, "http://127.0.0.1/api/agents/v1/models?page=3"},
			{"wallet.transactions", 0, path{"wallet", "currency"}, "USD"},
		},
		"bare answers": {
			{"wallet.balance", 0, path{"balance"}, "75.00"},
			{"billing.payment_methods", 0, path{0, "id"}, "pm_card_visa"},
			{"wallet.fund", 402, path{"error", "code"}, "payment_declined"},
		},
		"envelope everywhere": {
			{"billing.stripe_config", 0, path{"data", "publishable_key"}, "pk_test_51SandboxSandboxSandboxSandbox"},
		},
		"data and nothing else": {
			{"wallet.balance", 0, path{}, "map[data:map[balance:75.00 currency:USD]]"},
		},
		"empty meta": {
			{"wallet.balance", 0, path{"meta"}, "map[]"},
		},
		"command-line synonyms": {
			{"wallet.balance", 0, path{"data", "wallet"}, "map[balance:75.00 currency:USD]"},
			{"models.get", 0, path{"data", "name"}, "Upscaler 4x"},
			{"models.get", 0, path{"data", "model_category"}, "ModelsLab"},
			{"models.get", 0, path{"data", "model_name"}, "<nil>"},
			{"models.providers", 0, path{"data", 0}, "Alibaba"},
			{"profile.update", 0, path{"data", "about"}, "A painter."},
			{"subscriptions.plans", 0, path{"data", "subscription_plans", 0, "interval"}, "monthly"},
		},
		"other synonyms": {
			{"wallet.balance", 0, path{"data"}, "map[currency:USD wallet_balance:75.00]"},
			{"auth.login", 0, path{"data", "access_token"}, "<nil>"},
			{"models.get", 0, path{"data", "title"}, "Upscaler 4x"},
			{"models.tags", 0, path{"data", 0}, "map[id:1 name:anime slug:anime]"},
			{"billing.payment_methods", 0, path{"data", 1, "card", "last4"}, "0005"},
			{"billing.info", 0, path{"data", "address", "line1"}, "1 Main Street"},
			{"auth.tokens", 0, path{"data", 0, "abilities"}, "[*]"},
			{"teams.list", 0, path{"data", 1, "invite_status"}, "pending"},
		},
		"numbers and booleans as text": {
			{"billing.payment_methods", 0, path{"data", 0}, "map[brand:visa exp_month:12 exp_year:2027 id:pm_card_visa is_default:1 last4:4242]"},
			{"wallet.balance", 0, path{"data", "currency"}, "usd"},
		},
		"booleans as numbers, ids as text": {
			{"billing.payment_methods", 0, path{"data", 1, "is_default"}, "0"},
			{"payments.status", 0, path{"data", "currency"}, "USD"},
		},
		"booleans as words":          {{"billing.payment_methods", 0, path{"data", 1, "is_default"}, "no"}},
		"times with an offset":       {{"profile.get", 0, path{"data", "created_at"}, "2026-03-01T09:30:00+00:00"}},
		"times with microseconds":    {{"profile.get", 0, path{"data", "created_at"}, "2026-03-01T09:30:00.000000Z"}},
		"null left out":              {{"billing.info", 0, path{"data"}, "map[address_city:Springfield address_country:US address_line1:1 Main Street email:ada@example.com name:Ada]"}},
		"messages only":              {{"billing.attach_payment_method", 0, path{"data"}, "map[message:Done.]"}, {"wallet.fund", 202, path{"data", "payment", "status"}, "requires_action"}},
		"messages only, bare":        {{"auth.revoke_token", 0, path{}, "map[message:Token revoked.]"}, {"wallet.fund", 200, path{"data", "amount"}, "30.00"}},
		"framework errors":           {{"wallet.fund", 422, path{"errors", "amount", 0}, "The amount field must be at least 10.00."}},
		"errors as text":             {{"auth.login", 401, path{"error"}, "The email or the password is wrong."}, {"auth.login", 401, path{"code"}, "invalid_credentials"}, {"wallet.fund", 402, path{"error", "code"}, "payment_declined"}},
		"errors with little in them": {{"wallet.fund", 422, path{"error", "details", "amount"}, "The amount field must be at least 10.00."}, {"auth.login", 401, path{}, "map[error:map[code:invalid_credentials message:The email or the password is wrong.]]"}},
		"times without a zone, or empty": {
			{"profile.get", 0, path{"data", "created_at"}, "2026-03-01 09:30:00"},
			{"auth.refresh", 0, path{"data", "expires_at"}, ""},
		},
		"empty objects as arrays": {
			{"profile.get", 0, path{"data", "socials"}, "[]"},
			{"models.get", 0, path{"data", "endpoint_configurations", 0, "parameters"}, "[]"},
			{"wallet.withdraw", 403, path{"error", "details"}, "[]"},
		},
		"null for what is empty or absent": {{"usage.history", 0, path{"data", 0, "endpoint"}, "<nil>"}},
		"created is 201, deleted is 204":   {{"billing.setup_intent", 201, path{"error"}, "<nil>"}, {"api_keys.delete", 204, path{}, "<nil>"}},
		"created is 200, deleted is empty": {{"teams.invite", 200, path{"data", "role"}, "member"}, {"api_keys.delete", 200, path{}, "<nil>"}},
		"3-D Secure is 402":                {{"wallet.fund", 402, path{"error", "details", "decline_code"}, "authentication_required"}},
		"a framework left alone":           {{"models.search", 0, path{"data", 0, "model_id"}, "stable-diffusion-3.5-large"}, {"models.search", 0, path{"total"}, "46"}},
		"everything as text":               {{"api_keys.list", 0, path{"data", "items", 0, "id"}, "31"}, {"auth.login", 0, path{"data", "user", "verified"}, "yes"}},
	} {
		t.Run(name, func(t *testing.T) {
			stops := travel(t, first, options(t, name)...)
			for _, e := range expected {
				assert.Equal(t, e.want, found(t, stops, e.endpoint, e.status).word(e.path...), "%s %v", e.endpoint, e.path)
			}
		})
	}
}

// options are those of the shape of that name.
func options(t *testing.T, name string) []sandbox.Option {
	t.Helper()
	for _, shape := range sandbox.Shapes() {
		if shape.Name == name {
			return shape.Options
		}
	}
	require.Fail(t, "no such shape", name)
	return nil
}

func TestSomeNamesMoveBesideData(t *testing.T) {
	first := travel(t, nil)
	token := found(t, first, "auth.login", 200).at("data", "access_token")
	stops := travel(t, first, options(t, "other synonyms")...)
	assert.Equal(t, token, found(t, stops, "auth.login", 200).at("token"))
	stops = travel(t, first, options(t, "command-line synonyms")...)
	assert.Equal(t, token, found(t, stops, "auth.login", 200).at("data", "token"))
	pdf := found(t, first, "billing.invoice_links", 200).at("data", "pdf_url")
	assert.Equal(t, pdf, found(t, stops, "billing.invoice_links", 200).at("url"))
}

func TestReplaysHaveTheShapeOfTheFirst(t *testing.T) {
	for _, shape := range sandbox.Shapes() {
		t.Run(shape.Name, func(t *testing.T) {
			for _, place := range []sandbox.ReplayPlace{sandbox.ReplayInMeta, sandbox.ReplayInData, sandbox.ReplayAtTopLevel} {
				v := visitAs(t, 0, append(shape.Options, sandbox.WithIdempotency(sandbox.Idempotency{Replay: place}))...)
				first, second := v.fund("25", "pm_card_visa", "k"), v.fund("25", "pm_card_visa", "k")
				assert.Equal(t, first.StatusCode, second.StatusCode)
				assert.Len(t, v.srv.Charges(), 1)
				marked := 0
				for _, part := range []any{second.body, second.body["data"], second.body["meta"]} {
					if members, isObject := part.(map[string]any); isObject && members["idempotency_replay"] == true {
						delete(members, "idempotency_replay")
						marked++
					}
				}
				assert.Equal(t, 1, marked, second.text)
				if meta, isObject := second.body["meta"].(map[string]any); isObject && len(meta) == 0 && first.body["meta"] == nil {
					delete(second.body, "meta") // there for the flag alone
				}
				assert.Equal(t, first.body, second.body)
			}
		})
	}
}

// Conflicts over keys are made before any endpoint is reached.
func TestShapesOfConflicts(t *testing.T) {
	v := visitAs(t, 0, append(options(t, "errors as text"), sandbox.WithIdempotency(sandbox.Idempotency{CheckBody: true}))...)
	v.fund("25", "pm_card_visa", "k")
	assert.Equal(t, "idempotency_key_reused", v.fund("26", "pm_card_visa", "k").at("code"))
	v = visitAs(t, 0, append(options(t, "errors as text"), sandbox.WithIdempotency(sandbox.Idempotency{ConflictOnRepeat: true}))...)
	v.fund("25", "pm_card_visa", "k")
	assert.Equal(t, "idempotency_conflict", v.fund("25", "pm_card_visa", "k").at("code"))
}

func TestShapesAreOfTheAgentsAPIAlone(t *testing.T) {
	for _, shape := range sandbox.Shapes() {
		v := visit(t, append(shape.Options, sandbox.WithClock(newClock().Now))...)
		v.agents("POST", "/auth/signup", `{"email":"a@example.com","password":"longenough"}`)
		code, _ := v.srv.VerificationCode("a@example.com")
		assert.NotEmpty(t, v.send("GET", "/verify/"+code, "").at("data", "access_token"), shape.Name)
		form := "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040"
		r, err := v.try("POST", "/v1/payment_methods", "application/x-www-form-urlencoded", form,
			"Authorization", "Bearer pk_test_51SandboxSandboxSandboxSandbox")
		require.NoError(t, err)
		assert.Equal(t, json.Number("2040"), r.at("card", "exp_year"), shape.Name)
	}
}

func TestSilenceOverASocket(t *testing.T) {
	srv := sandbox.New(options(t, "created is 201, deleted is 204")...)
	defer srv.Close()
	r, err := http.NewRequestWithContext(t.Context(), "DELETE", srv.URL()+"/api/agents/v1/wallet/auto-funding", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+srv.Account(sandbox.AccountParams{}).AccessToken)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }() // it is empty
	assert.Equal(t, http.StatusNoContent, resp.StatusCode)
	assert.Empty(t, resp.Header.Get("Content-Type"))
}
