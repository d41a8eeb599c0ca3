package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Secrets are planted wherever a call can meet one, every exported type is then
// made by real calls, and printed in every way. What stands in a field that
// exists to show it (a message, a name) is no secret; the rest of a body is.
const (
	canaryPassword = "canary-password-41aa"
	canaryCode     = "canarycode5e0b"
	canaryClient   = "pi_3TestIntent_secret_canaryclient7c"
	canaryCookie   = "canary-cookie-93fd"
	canaryHeader   = "canary-header-08be"
	canaryBody     = "canary-body-6612"
	canaryIssued   = "99|canary-issued-token-b7"
	canaryIssueKey = "canary-issued-key-c3"
	canaryNumber   = "4000056655665556"
)

var canaries = []string{
	testToken, testKey, canaryPassword, canaryCode, canaryClient, canaryCookie, canaryHeader, canaryBody, canaryIssued, canaryIssueKey, canaryNumber,
}

// planted answers with the canaries in headers, in the body, and in texts that
// repeat what the client or the request held.
func planted(status int, body string) step {
	echo := "refused " + testToken + " " + testKey + " " + canaryClient + " " + canaryNumber + ", 4000 0566 5566 5556, sk_live_canary0"
	body = strings.NewReplacer("ECHO", echo, "HIDDEN", `"debug":"`+canaryBody+`","trace":{"header":"`+testToken+`","card":"`+canaryNumber+`"}`).Replace(body)
	return says(status, body,
		"Set-Cookie", "session="+canaryCookie, "Authorization", "Bearer "+testToken, "X-Debug", canaryHeader, "X-Request-Id", "req-h",
		"X-RateLimit-Remaining", "5", "Retry-After", "0")
}

// made is every exported type with something in it, by name.
func made(t *testing.T) map[string][]any {
	t.Helper()
	all := map[string][]any{}
	add := func(values ...any) {
		for _, v := range values {
			rt := reflect.TypeOf(v)
			for rt.Kind() == reflect.Pointer {
				rt = rt.Elem()
			}
			require.NotEmpty(t, rt.Name())
			all[rt.Name()] = append(all[rt.Name()], v)
		}
	}
	ctx := t.Context()
	client := func(steps ...step) *Client { return stubbed(t, scripted(steps...), hasty(1)) }
	withResponse := func(c *Client, do func(c *Client, r RequestOption) error) error {
		var r Response
		err := do(c, WithResponse(&r))
		add(r, &r)
		require.NotZero(t, r.StatusCode)
		return err
	}
	works := func(err error) {
		t.Helper()
		require.NoError(t, err)
	}

	// Results.
	works(withResponse(client(planted(200, `{"data":{"balance":25.5,"currency":"USD",HIDDEN},HIDDEN}`)), func(c *Client, r RequestOption) error {
		v, err := c.Wallet.Balance(ctx, r)
		add(v)
		return err
	}))
	works(withResponse(client(planted(200, `{"data":{"message":"Check your mail.","user":{"id":7,"name":"A","password":"`+canaryPassword+`"},"access_token":"`+canaryIssued+`","api_key":"`+canaryIssueKey+`",HIDDEN}}`)), func(c *Client, r RequestOption) error {
		p := AuthSignupParams{Email: "a@example.com", Password: NewSecret(canaryPassword)}
		v, err := c.Auth.Signup(ctx, p, r)
		add(p, v, v.User)
		return err
	}))
	session := `{"data":{"message":"Hello.","access_token":"` + canaryIssued + `","api_key":"` + canaryIssueKey + `","token_type":"Bearer","token_expiry":"never","expires_at":"2031-01-01T00:00:00Z","user":{"id":7},HIDDEN}}`
	works(withResponse(client(planted(200, session)), func(c *Client, r RequestOption) error {
		p := AuthLoginParams{Email: "a@example.com", Password: NewSecret(canaryPassword)}
		v, err := c.Auth.Login(ctx, p, r)
		add(p, v, v.TokenExpiry, c.WithSession(v), AuthRefreshParams{DeviceName: "x"})
		return err
	}))
	works(withResponse(client(planted(200, session)), func(c *Client, r RequestOption) error {
		v, err := c.Auth.VerifyEmail(ctx, canaryCode, r)
		add(v, *v)
		return err
	}))
	works(withResponse(client(planted(200, `{"data":{"payment":{"status":"succeeded","payment_intent_id":"pi_3TestIntent","client_secret":"`+canaryClient+`"},"wallet":{"balance":50},HIDDEN}}`)), func(c *Client, r RequestOption) error {
		v, err := c.Wallet.Fund(ctx, fundParams(), r)
		add(v, fundParams())
		return err
	}))
	works(withResponse(client(planted(200, `{"data":{"items":[{"id":1,"amount":5,"client_secret":"`+canaryClient+`"}],"count":1,"wallet":{"balance":5,HIDDEN},HIDDEN}}`)), func(c *Client, r RequestOption) error {
		p := TransactionsParams{Type: TransactionCredit, Limit: 5}
		v, err := c.Wallet.Transactions(ctx, p, r)
		add(v, v.Items[0], v.Wallet, p)
		return err
	}))
	works(withResponse(client(planted(200, `{"data":{"status":"pending","payment_intent_id":"pi_3TestIntent","client_secret":"`+canaryClient+`",HIDDEN}}`)), func(c *Client, r RequestOption) error {
		v, err := c.Wallet.PaymentStatus(ctx, testIntent, r)
		add(v)
		return err
	}))
	works(withResponse(client(planted(200, `{"publishable_key":"pk_test_shown","instructions":"x",HIDDEN}`)), func(c *Client, r RequestOption) error {
		v, err := c.Billing.StripeConfig(ctx, r)
		add(v)
		return err
	}))
	works(withResponse(client(planted(200, `{"payment_url":"https://checkout.stripe.com/c/pay/cs_test_1","session_id":"cs_test_1","client_secret":"`+canaryClient+`",HIDDEN}`)), func(c *Client, r RequestOption) error {
		p := PaymentLinkParams{Purpose: PurposeFund, Amount: Dollars(25)}
		v, err := c.Billing.CreatePaymentLink(ctx, p, r)
		add(v, p)
		return err
	}))
	works(withResponse(client(planted(200, `{"data":{"subscription_plans":[{"id":3,"price":9,HIDDEN}],"pay_as_you_go":{"available":true,HIDDEN}}}`)), func(c *Client, r RequestOption) error {
		v, err := c.Subscriptions.Plans(ctx, r)
		add(v, v.SubscriptionPlans[0], v.PayAsYouGo, v.PayAsYouGo.AutoPayments)
		return err
	}))
	works(withResponse(client(planted(200, `{"data":{"subscription":{"id":45,"plan_id":3,"status":"active","latest_invoice":{"client_secret":"`+canaryClient+`"}},HIDDEN}}`)), func(c *Client, r RequestOption) error {
		p := SubscriptionCreateParams{PlanID: 3, PaymentMethodID: testMethod}
		v, err := c.Subscriptions.Create(ctx, p, r)
		add(v, v.Subscription, p, SubscriptionCheckoutParams{PlanID: 3})
		return err
	}))
	works(withResponse(client(planted(200, `{"status":"success","id":5,"output":["https://files.example/a.png"],"meta":{"key":"`+testKey+`"},HIDDEN}`)), func(c *Client, r RequestOption) error {
		p := TextToImageParams{ModelID: "flux", Prompt: "a lighthouse"}
		v, err := c.Generation.Images.TextToImage(ctx, p, r)
		add(v, p, v.Status)
		return err
	}))

	for _, tt := range servicesPlanted(ctx) {
		works(withResponse(client(planted(200, tt.body)), func(c *Client, r RequestOption) error {
			values, err := tt.do(c, r)
			add(values...)
			return err
		}))
	}

	// Errors.
	fails := func(c *Client, do func(*Client, RequestOption) error) {
		t.Helper()
		err := withResponse(c, do)
		require.Error(t, err)
		all["returned"] = append(all["returned"], err)
		for e := err; e != nil; e = errors.Unwrap(e) {
			if name := reflect.TypeOf(e); name.Kind() == reflect.Pointer && ast.IsExported(name.Elem().Name()) {
				add(e)
			} else {
				all["unexported"] = append(all["unexported"], e)
			}
		}
	}
	fund := func(c *Client, r RequestOption) error { _, err := c.Wallet.Fund(ctx, fundParams(), r); return err }
	login := func(c *Client, r RequestOption) error {
		_, err := c.Auth.Login(ctx, AuthLoginParams{Email: "a@example.com", Password: NewSecret(canaryPassword)}, r)
		return err
	}
	verify := func(c *Client, r RequestOption) error { _, err := c.Auth.VerifyEmail(ctx, canaryCode, r); return err }
	picture := func(c *Client, r RequestOption) error { return roadCalls[3].do(ctx, c, r) }
	refusal := func(held string) string {
		return `{"data":null,"error":{"code":"invalid_credentials","message":"` + held + ` ECHO","details":{"email":["ECHO"],HIDDEN}},"meta":{"request_id":"req-1"},HIDDEN}`
	}
	fails(client(planted(401, refusal(canaryPassword))), login)
	fails(client(planted(422, refusal(canaryPassword))), login)
	fails(client(planted(422, refusal(canaryCode))), verify)
	fails(client(planted(422, `{"message":"`+canaryPassword+` ECHO","errors":{"password":["ECHO"]},HIDDEN}`)), login)
	fails(client(planted(500, `{"message":"`+canaryPassword+` ECHO"}`)), login)
	fails(client(planted(502, "<title>ECHO</title>"+canaryBody)), fund)
	fails(client(planted(200, "<title>"+canaryBody+"</title>")), fund)
	fails(client(planted(402, `{"error":{"code":"payment_declined","message":"ECHO","details":{"decline_code":"insufficient_funds","payment_intent_id":"pi_3TestIntent","client_secret":"`+canaryClient+`",HIDDEN}}}`)), fund)
	fails(client(planted(402, `{"error":{"code":"payment_declined","message":"ECHO","details":{"decline_code":"authentication_required","payment_intent_id":"pi_3TestIntent","client_secret":"`+canaryClient+`"}}}`)), fund)
	fails(client(planted(202, `{"data":{"payment":{"status":"requires_action","payment_intent_id":"pi_3TestIntent","client_secret":"`+canaryClient+`"},"message":"ECHO"}}`)), fund)
	fails(client(planted(429, `{"message":"ECHO"}`)), fund)
	fails(client(planted(200, `{"status":"failed","id":5,"message":"ECHO",HIDDEN}`)), picture)
	fails(client(planted(200, `{"data":{"balance":"lots",HIDDEN}}`)), func(c *Client, r RequestOption) error { _, err := c.Wallet.Balance(ctx, r); return err })
	fails(client(planted(500, `{"message":"ECHO"}`)), func(c *Client, r RequestOption) error { _, err := c.Wallet.Balance(ctx, r); return err })
	fails(client(planted(200, `{"data":{"payment":{"status":"`+canaryClient+`"}}}`)), fund)
	fails(client(breaksOff(200, `{"data":"`+canaryBody, "X-Debug", canaryHeader)), fund)
	for _, tt := range []struct {
		held string
		do   func(*Client, RequestOption) error
	}{{"", fund}, {canaryPassword, login}, {canaryCode, verify}, {"", picture}} {
		c := client(breaks(fmt.Errorf("proxy: %s, Authorization: Bearer %s, key %s, card %s", tt.held, testToken, testKey, canaryNumber)))
		err := tt.do(c, WithRequestTimeout(time.Minute))
		require.ErrorIs(t, err, ErrOutcomeUnknown)
		// Only the text of the last link is somebody else's.
		for e := err; e != nil && errors.Unwrap(errors.Unwrap(e)) != nil; e = errors.Unwrap(e) {
			all["unexported"] = append(all["unexported"], e)
		}
	}
	_, err := New(WithAccessToken(testToken + "\n"))
	require.Error(t, err)
	add(err)
	c := stubbed(t, scripted(planted(200, balanceBody)), refuse)
	c.limiter(LimiterGeneral, "").update(429, http.Header{}, time.Now(), time.Hour)
	add(errAs[*RateLimitError](t, roadCalls[0].do(ctx, c)))

	intent := SpendIntent{Operation: "order-1", Endpoint: "wallet.fund", Account: "7", PaymentMethodID: testMethod, IdempotencyKey: "k", Amount: Dollars(25), AmountKnown: true}
	add(intent, &SpendLimitError{Intent: intent, Limit: Dollars(10), Err: all["APIError"][0].(error)})

	// Values and what is left.
	card, err := NewCard(canaryNumber, 12, time.Now().Year()+3, "737")
	require.NoError(t, err)
	add(card, NewSecret(canaryPassword), Dollars(25), ID(45), Timestamp{time.Now()}, c, c.RateLimit(LimiterGeneral), Endpoints()[0], RepeatOnce, LimiterAuth,
		RateLimitRefuse, RateLimitPolicy{}, RetryPolicy{}, WalletFundCheckoutParams{}, PaymentMethod{ID: testMethod, Last4: "5556"},
		c.Auth, c.Profile, c.APIKeys, c.Usage, c.Models, c.Billing, c.Wallet, c.Subscriptions, c.Teams, c.Generation, c.Generation.Images, *c.Generation, *c.Wallet, CheckoutPoll{Err: all["unexported"][0].(error)})
	add(generationValues(t)...)
	add(moneyValues(t)...)
	return all
}

// moneyValues are the types of money safety, as calls make them whose answers hold
// the canaries.
func moneyValues(t *testing.T) []any {
	t.Helper()
	ctx := t.Context()
	declined := planted(402, `{"error":{"code":"payment_declined","message":"ECHO","details":{"decline_code":"insufficient_funds","payment_intent_id":"pi_3TestIntent","client_secret":"`+canaryClient+`",HIDDEN}}}`)
	link := planted(200, `{"payment_url":"https://checkout.stripe.com/c/pay/cs_test_1","session_id":"cs_test_1","client_secret":"`+canaryClient+`",HIDDEN}`)
	paid := planted(200, `{"data":{"payment":{"status":"succeeded","payment_intent_id":"pi_3TestIntent","client_secret":"`+canaryClient+`"},"message":"ECHO",HIDDEN}}`)
	net := newTeller(map[string][]step{
		fundPath:                     {breaks(fmt.Errorf("proxy: Bearer %s, card %s", testToken, canaryNumber)), paid, declined},
		"POST /billing/payment-link": {link},
		"GET /wallet/transactions":   {planted(200, `{"data":[]}`)},
	})
	c := stubbed(t, net, WithStore(NewMemoryStore()), hasty(1))
	require.ErrorIs(t, roadCalls[1].do(ctx, c, WithOperation("order-1")), ErrOutcomeUnknown)
	op := pendingOf(t, c)[0]
	settled, err := c.Settle(ctx, op)
	require.NoError(t, err)
	require.Equal(t, Done, settled.Status)
	require.NotEmpty(t, settled.Response.Raw)
	state, err := c.Wallet.FundOrLink(ctx, fundParams(), WithOperation("order-2"))
	require.NoError(t, err)
	require.Error(t, state.Cause)
	rec, err := c.Reconcile(ctx, time.Time{})
	require.NoError(t, err)
	require.NotEmpty(t, rec.Missing)
	require.NotEmpty(t, rec.Pending)
	ledger := ledgerOf(t, c)
	twice := &PaidTwiceError{Operation: "order-1", First: ledger[0], Second: LedgerEntry{Endpoint: "wallet.fund", Amount: Dollars(25), IdempotencyKey: "k"}}
	return []any{op, settled, settled.Status, state, rec, ledger[0], Paid, StandingOrders{Dollars(50), Dollars(100)}, twice}
}

// plantedCall is a call that works, with canaries around what it is there to
// show.
type plantedCall struct {
	body string
	do   func(c *Client, r RequestOption) ([]any, error)
}

// servicesPlanted are calls that together make the types of the services that
// have no part in the headless flow.
func servicesPlanted(ctx context.Context) []plantedCall {
	// Values of params and a result; nothing of a list that is empty.
	got := func(v any, err error, more ...any) ([]any, error) { return append(more, v), err }
	const secrets = `"client_secret":"` + canaryClient + `","password":"` + canaryPassword + `","token":"` + canaryIssued + `",HIDDEN`
	return []plantedCall{
		{`{"data":{"message":"Done.",` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			p := AuthResetPasswordParams{Email: "a@example.com", Token: NewSecret(canaryCode), Password: NewSecret(canaryPassword)}
			return []any{p}, c.Auth.ResetPassword(ctx, p, r)
		}},
		{`{"data":[{"id":1,"name":"x",` + secrets + `}]}`, func(c *Client, r RequestOption) ([]any, error) {
			v, err := c.Auth.Tokens(ctx, r)
			return got(v[0], err, AuthSwitchAccountParams{AccountUsername: "ada"})
		}},
		{`{"data":{"id":1,"email":"a@example.com","preferences":{"nsfw_content":true,HIDDEN},` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			v, err := c.Profile.Get(ctx, r)
			return got(v, err, *v.Preferences, v.Socials, ProfileUpdateParams{Name: Ptr("A")}, ProfileUpdateSocialsParams{}, ProfileUpdatePreferencesParams{})
		}},
		{`{"data":{"message":"Done.",` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			p := ProfileUpdatePasswordParams{CurrentPassword: NewSecret(canaryPassword), Password: NewSecret(canaryPassword)}
			return []any{p}, c.Profile.UpdatePassword(ctx, p, r)
		}},
		{`{"data":{"id":1,"name":"x","key":"` + canaryIssueKey + `",` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			p := APIKeyCreateParams{Name: "x"}
			v, err := c.APIKeys.Create(ctx, p, r)
			return got(v, err, p, APIKeyUpdateParams{Name: Ptr("y")})
		}},
		{`{"data":{"total_calls":1,` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) { v, err := c.Usage.Summary(ctx, r); return got(v, err) }},
		{`{"data":[{"product":"x",` + secrets + `}]}`, func(c *Client, r RequestOption) ([]any, error) {
			v, err := c.Usage.Products(ctx, r)
			return got(v[0], err)
		}},
		{`{"data":[{"id":1,` + secrets + `}]}`, func(c *Client, r RequestOption) ([]any, error) {
			p := UsageHistoryParams{Limit: 1}
			v, err := c.Usage.History(ctx, p, r)
			return got(v, err, p, v.Items[0])
		}},
		{`{"data":[{"model_id":"flux","endpoint_configurations":[{"name":"text2img","parameters":{"type":"object"},` + secrets + `}],` + secrets + `}]}`, func(c *Client, r RequestOption) ([]any, error) {
			p := ModelSearchParams{Search: "flux"}
			v, err := c.Models.Search(ctx, p, r)
			return got(v, err, p, v.Items[0], v.Items[0].EndpointConfigurations[0])
		}},
		{`{"data":{"sorts":["latest"],` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			v, err := c.Models.Filters(ctx, r)
			return got(v, err)
		}},
		{`{"data":{"wallet_balance":5,"payment_methods":[{"id":"pm_1",HIDDEN}],` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			v, err := c.Billing.Overview(ctx, r)
			return got(v, err)
		}},
		{`{"data":{"setup_intent_id":"seti_1","client_secret":"` + canaryClient + `",HIDDEN}}`, func(c *Client, r RequestOption) ([]any, error) {
			v, err := c.Billing.CreateSetupIntent(ctx, r)
			return got(v, err)
		}},
		{`{"data":{"id":"pm_1","card":{"last4":"4242","number":"` + canaryNumber + `"},` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			p := BillingAttachPaymentMethodParams{PaymentMethodID: "pm_1"}
			v, err := c.Billing.AttachPaymentMethod(ctx, p, r)
			return got(v, err, p)
		}},
		{`{"data":{"name":"Ada",` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			p := BillingUpdateInfoParams{Name: Ptr("Ada")}
			v, err := c.Billing.UpdateInfo(ctx, p, r)
			return got(v, err, p)
		}},
		{`{"data":{"id":"in_1",` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			v, err := c.Billing.Invoice(ctx, "in_1", r)
			return got(v, err)
		}},
		{`{"data":{"url":"https://pay.example/i",` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			v, err := c.Billing.InvoiceLinks(ctx, "in_1", r)
			return got(v, err)
		}},
		{`{"data":{"enabled":true,` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			p := WalletSetAutoFundingParams{AutoChargeAmount: Dollars(10), ChargeThreshold: Dollars(2)}
			v, err := c.Wallet.SetAutoFunding(ctx, p, r)
			return got(v, err, p)
		}},
		{`{"data":{"status":"pending",` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			p := WalletWithdrawParams{Amount: Dollars(10)}
			v, err := c.Wallet.Withdraw(ctx, p, r)
			return got(v, err, p)
		}},
		{`{"data":{"valid":true,` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			p := WalletValidateCouponParams{CouponCode: "WELCOME5"}
			v, err := c.Wallet.ValidateCoupon(ctx, p, r)
			return got(v, err, p)
		}},
		{`{"data":{"balance":5,` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			p := WalletRedeemCouponParams{CouponCode: "WELCOME5"}
			v, err := c.Wallet.RedeemCoupon(ctx, p, r)
			return got(v, err, p)
		}},
		{`{"data":{"subscription":{"id":45,"status":"active",HIDDEN},` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			p := SubscriptionChangePlanParams{NewPlanID: 3}
			v, err := c.Subscriptions.ChangePlan(ctx, 45, p, r)
			return got(v, err, p, SubscriptionFixPaymentParams{PlanCategory: "normal"})
		}},
		{`{"data":{"payment":{"status":"succeeded",` + secrets + `},` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			p := SubscriptionChargeAmountParams{Amount: Dollars(10)}
			v, err := c.Subscriptions.ChargeAmount(ctx, p, r)
			return got(v, err, p)
		}},
		{`{"data":{"id":5,"email":"b@example.com",` + secrets + `}}`, func(c *Client, r RequestOption) ([]any, error) {
			p := TeamInviteParams{Email: "b@example.com"}
			v, err := c.Teams.Invite(ctx, p, r)
			return got(v, err, p, TeamUpdateParams{Role: Ptr("member")})
		}},
	}
}

func errAs[T error](t *testing.T, err error) T {
	t.Helper()
	found, ok := as[T](err)
	require.True(t, ok)
	return found
}

// exportedTypes are the names of all exported types, read from the source.
func exportedTypes(t *testing.T) (names []string, methods map[string]map[string]bool) {
	t.Helper()
	methods = map[string]map[string]bool{}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if ts, ok := s.(*ast.TypeSpec); ok && ts.Name.IsExported() {
						names = append(names, ts.Name.Name)
					}
				}
			case *ast.FuncDecl:
				if d.Recv == nil {
					continue
				}
				on := d.Recv.List[0].Type
				kind := "value "
				if star, ok := on.(*ast.StarExpr); ok {
					on, kind = star.X, "pointer "
				}
				if id, ok := on.(*ast.Ident); ok {
					if methods[id.Name] == nil {
						methods[id.Name] = map[string]bool{}
					}
					methods[id.Name][kind+d.Name.Name] = true
				}
			}
		}
	}
	return names, methods
}

func TestNothingPrintsASecretABodyOrAHeader(t *testing.T) {
	all := made(t)
	delete(all, "returned") // see the next test
	names, _ := exportedTypes(t)
	notPrinted := []string{
		"Option", "RequestOption", "AwaitParams", "WaitParams", "TrainingWaitParams", "RefreshPolicy", "BatchParams", "DownloadParams", "WebhookParams", "WebhookHandler",
		"SpendPolicy", "Store", "StoreClock", "StorePlaces", "StoreExclusive",
	} // functions and interfaces, and what only holds some
	for _, name := range names {
		assert.True(t, len(all[name]) > 0 || slices.Contains(notPrinted, name), "%s is printed nowhere in this test", name)
	}
	type holder struct{ V any }
	type hider struct{ v any }
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			for _, v := range all[name] {
				rv := reflect.ValueOf(v)
				value, pointer := v, v
				if rv.Kind() == reflect.Pointer {
					value = rv.Elem().Interface()
				} else {
					p := reflect.New(rv.Type())
					p.Elem().Set(rv)
					pointer = p.Interface()
				}
				if name == "unexported" {
					value = pointer // nobody outside can take such an error apart
				}
				if g, ok := value.(Generation); ok {
					// JSON of a Generation is for keeping, Raw with it: fmt and slog alone are asked.
					raw := g.Raw
					g.Raw = nil
					assertNotShown(t, g, true, canaries...)
					g.Raw = raw
					for _, v := range []any{g, &g, holder{g}, holder{&g}, []Generation{g}} {
						assertNotShown(t, v, false, canaries...)
					}
					continue
				}
				for _, v := range []any{
					value, pointer, &pointer, holder{value}, holder{pointer}, &holder{value}, []any{value, pointer}, map[string]any{"v": value, "p": pointer},
					[1]any{value},
				} {
					assertNotShown(t, v, true, canaries...)
				}
				switch {
				case name == "unexported" || !holdsForeign(rv.Type(), 0):
					assertNotShown(t, hider{value}, true, canaries...)
					assertNotShown(t, hider{pointer}, true, canaries...)
				default:
					// In somebody's unexported field fmt asks for no method. It then walks into a value's maps and slices by
					// itself, and with a verb that is none for a pointer into what that points to: Header and Raw are public, so
					// nothing can hide them there. What must hold even then: they do not have what has been taken out of them.
					for _, v := range []any{hider{value}, hider{pointer}} {
						assertNotShown(t, v, true, canaryCookie)
					}
					assertNotShown(t, fmt.Sprintf("%v %+v %#v %d %x", hider{pointer}, hider{pointer}, hider{pointer}, hider{pointer}, hider{pointer}), true, canaries...)
				}
				if err, ok := v.(error); ok {
					wrapped := fmt.Errorf("while paying: %w", err)
					assertNotShown(t, wrapped, true, canaries...)
					assertNotShown(t, errors.Join(err, errors.New("x")), true, canaries...)
					assert.NotContains(t, err.Error(), "sk_live_canary0")
					oneLine(t, err)
				}
			}
		})
	}
}

// An error as a call returns it is safe in every position and under every verb,
// also where fmt asks no method of it.
func TestReturnedErrorsShowNothingWhereverTheyAreKept(t *testing.T) {
	type hider struct{ err error }
	type deep struct {
		in []hider
		m  map[string]error
		a  any
	}
	returned := made(t)["returned"]
	require.Greater(t, len(returned), 15)
	for _, v := range returned {
		err := v.(error)
		wrapped := fmt.Errorf("while paying: %w", err)
		joined := errors.Join(err, errors.New("x"))
		for _, v := range []any{
			hider{err}, &hider{err}, []hider{{err}}, map[string]hider{"v": {err}}, hider{wrapped}, hider{joined}, wrapped, joined,
			deep{[]hider{{err}}, map[string]error{"e": err}, err}, struct{ e [1]error }{[1]error{err}},
		} {
			assertNotShown(t, v, true, canaries...)
			var out bytes.Buffer
			for verb := rune('!'); verb <= '~'; verb++ {
				_, _ = fmt.Fprintf(&out, "%"+string(verb)+" %+"+string(verb)+" %#"+string(verb)+"\n", v, v, v)
			}
			for _, c := range canaries {
				require.NotContains(t, out.String(), c)
				require.NotContains(t, out.String(), strings.Trim(fmt.Sprint([]byte(c)), "[]"))
			}
		}
	}
}

// holdsForeign reports whether a type has a header or a body among its fields,
// or an error that may have them.
func holdsForeign(t reflect.Type, depth int) bool {
	switch t.Kind() {
	case reflect.Pointer:
		return depth == 0 && holdsForeign(t.Elem(), depth+1)
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i).Type; f == reflect.TypeFor[http.Header]() || f == reflect.TypeFor[json.RawMessage]() || f == reflect.TypeFor[error]() || holdsForeign(f, depth+1) {
				return true
			}
		}
	}
	return false
}

// shown is v as fmt, log/slog and, if asked for, encoding/json show it.
func shown(t *testing.T, v any, asJSON bool) string {
	t.Helper()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%+q", "%x", "%X", "% x", "%d", "%T", "%o", "%08.3v", "%-9s"} {
		_, _ = fmt.Fprintf(&out, verb+"\n", v)
	}
	_, _ = fmt.Fprintln(&out, v, fmt.Errorf("wrapped: %v", v), []any{v})
	slog.New(slog.NewTextHandler(&out, nil)).Info("value", "v", v, slog.Group("g", "v", v))
	if asJSON {
		slog.New(slog.NewJSONHandler(&out, nil)).Info("value", "v", v, slog.Group("g", "v", v))
		wire, err := json.Marshal(v)
		require.NoError(t, err)
		out.Write(wire)
	}
	return out.String()
}

// assertNotShown looks for the canaries in all that is shown of v, also in the
// clothes of %x and %d.
func assertNotShown(t *testing.T, v any, asJSON bool, canaries ...string) {
	t.Helper()
	text := shown(t, v, asJSON)
	for _, c := range canaries {
		for _, form := range []string{c, fmt.Sprintf("%x", c), fmt.Sprintf("%X", c), fmt.Sprintf("% x", c), strings.Trim(fmt.Sprint([]byte(c)), "[]")} {
			if strings.Contains(text, form) {
				assert.Fail(t, "a secret is shown", "%q in %T: %.600s", form, v, text)
			}
		}
	}
}

func TestASecretAcrossTheCutIsNotShownInPart(t *testing.T) {
	for n := 150; n <= maxMessageText; n++ {
		body := `{"message":"` + strings.Repeat("x", n) + " " + testToken + ` and so on"}`
		err := roadCalls[0].do(t.Context(), stubbed(t, scripted(says(422, body))))
		require.Error(t, err)
		require.NotContains(t, err.Error(), testToken[:6], n)

		body = `{"message":"` + strings.Repeat("x", n) + " " + canaryNumber + ` and so on"}`
		err = roadCalls[0].do(t.Context(), stubbed(t, scripted(says(422, body))))
		require.NotContains(t, err.Error(), canaryNumber[:8], n)
	}
}

func TestTypesThatHoldForeignTextDeclareHowTheyPrint(t *testing.T) {
	names, methods := exportedTypes(t)
	held := map[string]reflect.Type{
		"Response": reflect.TypeFor[Response](), "APIError": reflect.TypeFor[APIError](), "PaymentDeclinedError": reflect.TypeFor[PaymentDeclinedError](),
		"RequiresActionError": reflect.TypeFor[RequiresActionError](), "RateLimitError": reflect.TypeFor[RateLimitError](),
		"GenerationError": reflect.TypeFor[GenerationError](), "OutcomeUnknownError": reflect.TypeFor[OutcomeUnknownError](),
		"SpendLimitError": reflect.TypeFor[SpendLimitError](), "ParamError": reflect.TypeFor[ParamError](), "PaidTwiceError": reflect.TypeFor[PaidTwiceError](),
	}
	for _, name := range names {
		if !strings.HasSuffix(name, "Error") && name != "Response" {
			continue
		}
		rt, ok := held[name]
		if !assert.True(t, ok, "%s is a new one: add it here", name) {
			continue
		}
		for _, method := range []string{"Format", "LogValue", "MarshalJSON"} {
			assert.True(t, methods[name]["value "+method], "%s must declare %s itself, on the value: an embedded type would lend its own", name, method)
			_, ok := rt.MethodByName(method)
			assert.True(t, ok, "%s.%s", name, method)
		}
		if name == "Response" {
			continue
		}
		for _, method := range []string{"Error", "Is"} {
			assert.True(t, methods[name]["pointer "+method], "%s must declare %s itself, on the pointer", name, method)
		}
		_, onValue := rt.MethodByName("Error")
		assert.False(t, onValue, "%s as a value is no error: errors.As would miss it", name)
	}
}

func TestTypedErrorsPrintTheirOwnLine(t *testing.T) {
	api := APIError{Response: Response{StatusCode: 402, RequestID: "req-1", IdempotencyKey: "k", Attempts: 2}, Method: post, Path: "/wallet/fund", Code: "payment_declined", Message: "No."}
	for want, err := range map[string]error{
		"modelslab: POST /wallet/fund: 402 payment_declined (request req-1): No.":                           &api,
		"modelslab: POST /wallet/fund: 402 payment_declined (request req-1): No. [insufficient_funds]":      &PaymentDeclinedError{APIError: api, DeclineCode: "insufficient_funds"},
		"modelslab: POST /wallet/fund: 402 payment_declined (request req-1): No. [requires action: pi_1]":   &RequiresActionError{APIError: api, PaymentIntentID: "pi_1"},
		"modelslab: POST /wallet/fund: 402 payment_declined (request req-1): No. [retry after 3s]":          &RateLimitError{APIError: api, RetryAfter: 3 * time.Second},
		"modelslab: POST /wallet/fund: 402 payment_declined (request req-1): No. [generation 5]":            &GenerationError{APIError: api, GenerationID: "5"},
		"modelslab: wallet.fund: outcome unknown, look before repeating it (key k): modelslab: GET /x: 500": &OutcomeUnknownError{Endpoint: "wallet.fund", IdempotencyKey: "k", Err: &APIError{Method: get, Path: "/x", Response: Response{StatusCode: 500}}},
		`modelslab: WalletFundParams.Amount: "0.00": must be more than $0`:                                  &ParamError{"WalletFundParams.Amount", "0.00", "must be more than $0"},
		"modelslab: paid twice: order-1: $25.00 (wallet.fund k1) was paid, and $30.00 (wallet.fund k2) was paid as well: have one of them refunded": &PaidTwiceError{
			Operation: "order-1", First: LedgerEntry{Endpoint: "wallet.fund", Amount: Dollars(25), IdempotencyKey: "k1", Settled: time.Unix(1, 0)},
			Second: LedgerEntry{Endpoint: "wallet.fund", Amount: Dollars(30), IdempotencyKey: "k2", Settled: time.Unix(2, 0)},
		},
		"modelslab: paid twice: wallet.fund: $25.00 (wallet.fund k1) was paid, and $30.00 (billing.payment_link k2) may be paid as well: have one of them refunded": &PaidTwiceError{
			First: LedgerEntry{Endpoint: "wallet.fund", Amount: Dollars(25), IdempotencyKey: "k1", Settled: time.Unix(1, 0)}, Second: LedgerEntry{Endpoint: "billing.payment_link", Amount: Dollars(30), IdempotencyKey: "k2"},
		},
		"modelslab: wallet.fund: $25.00 refused before anything was sent: the limit is $50.00, $30.00 of it spent": &SpendLimitError{
			Intent: SpendIntent{Endpoint: "wallet.fund", Amount: Dollars(25), AmountKnown: true}, Limit: Dollars(50), Spent: Dollars(30),
		},
		"modelslab: images.text2img: an unknown amount refused before anything was sent: no": &SpendLimitError{Intent: SpendIntent{Endpoint: "images.text2img"}, Err: errors.New("no")},
	} {
		require.EqualError(t, err, want)
		value := reflect.ValueOf(err).Elem().Interface()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			assert.Equal(t, want, fmt.Sprintf(verb, err))
			assert.Equal(t, want, fmt.Sprintf(verb, value))
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "err", err, "value", value)
		var record struct{ Err, Value string }
		require.NoError(t, json.Unmarshal(log.Bytes(), &record))
		assert.Equal(t, want, record.Err)
		assert.Equal(t, want, record.Value)
		wire, marshalErr := json.Marshal(err)
		require.NoError(t, marshalErr)
		var kept struct{ Error string }
		require.NoError(t, json.Unmarshal(wire, &kept))
		assert.Equal(t, want, kept.Error)
	}
}

func TestErrorsCanBeBuiltByHand(t *testing.T) {
	for status, kind := range map[int]error{401: ErrUnauthenticated, 404: ErrNotFound, 409: ErrConflict, 422: ErrValidation, 500: ErrServer} {
		assertKind(t, kind, &APIError{Response: Response{StatusCode: status}})
	}
	assertKind(t, ErrPaymentDeclined, &PaymentDeclinedError{})
	assertKind(t, ErrRequiresAction, &RequiresActionError{})
	assertKind(t, ErrRequiresAction, &RequiresActionError{APIError: APIError{Response: Response{StatusCode: 402}}})
	assertKind(t, ErrRateLimited, &RateLimitError{})
	assertKind(t, ErrGenerationFailed, &GenerationError{APIError: APIError{Response: Response{StatusCode: 500}}})
	assertKind(t, ErrOutcomeUnknown, &OutcomeUnknownError{Err: &APIError{Response: Response{StatusCode: 500}, OutcomeUnknown: true}})
	assertKind(t, ErrValidation, &ParamError{})
	require.ErrorIs(t, &OutcomeUnknownError{Err: context.Canceled}, context.Canceled)
	assertKind(t, ErrSpendLimit, &SpendLimitError{})
	require.ErrorIs(t, &SpendLimitError{Err: context.Canceled}, context.Canceled)
	assertKind(t, ErrOutcomeUnknown, &PaidTwiceError{})
	require.ErrorIs(t, fmt.Errorf("while paying: %w", &PaidTwiceError{}), ErrPaidTwice)

	for _, err := range []error{&PaymentDeclinedError{}, &RequiresActionError{}, &RateLimitError{}, &GenerationError{}} {
		_, ok := as[*APIError](err)
		assert.False(t, ok, "%T without an answer holds none", err)
	}
	for _, err := range []error{
		&PaymentDeclinedError{APIError: APIError{Response: Response{StatusCode: 402}}}, &RequiresActionError{APIError: APIError{Response: Response{StatusCode: 202}}},
		&RateLimitError{APIError: APIError{Response: Response{StatusCode: 429}}}, &GenerationError{APIError: APIError{Response: Response{StatusCode: 200}}},
	} {
		assert.NotZero(t, apiOf(t, err).StatusCode)
		assert.NotZero(t, apiOf(t, fmt.Errorf("wrapped: %w", err)).StatusCode)
	}
}
