package modelslab_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

const subscribeCall = "POST /subscriptions"

func subscribe(ctx context.Context, c *modelslab.Client) (any, error) {
	return two(c.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 10, PaymentMethodID: "pm_1Card"}))
}

func plans(ctx context.Context, c *modelslab.Client) (any, error) {
	return two(c.Subscriptions.Plans(ctx))
}

func list(ctx context.Context, c *modelslab.Client) (any, error) {
	return two(c.Subscriptions.List(ctx))
}

func TestSubscriptionCalls(t *testing.T) {
	const plansRequest = `
GET https://modelslab.com/api/agents/v1/subscriptions/plans
Accept: application/json
Authorization: Bearer 12|agent-token
`
	const listRequest = `
GET https://modelslab.com/api/agents/v1/subscriptions
Accept: application/json
Authorization: Bearer 12|agent-token
`
	const createRequest = `
POST https://modelslab.com/api/agents/v1/subscriptions
Accept: application/json
Authorization: Bearer 12|agent-token
Content-Type: application/json
Idempotency-Key: <uuid>

{"plan_id":10,"payment_method_id":"pm_1Card"}
`
	runExchanges(t, []exchange{
		{
			name: "Plans", on: "GET /subscriptions/plans", answer: prepared{status: 200, body: "testdata/subscriptions_plans.json"}, call: plans, request: plansRequest,
			want: &modelslab.Plans{
				SubscriptionPlans: []modelslab.Plan{
					{
						ID: 10, Name: "Basic Enterprise", Category: "enterprise", Type: "basic", Period: "monthly", Price: modelslab.Ptr(modelslab.Dollars(249)),
						Features: []string{"A server of one's own", "No queue"},
					},
					{ID: 21, Name: "Premium", Category: "normal", Type: "premium", Period: "monthly", Price: modelslab.Ptr(modelslab.Dollars(147)), RateLimit: 15, Features: []string{}},
				},
				PayAsYouGo: &modelslab.PayAsYouGo{Available: true, Description: "Pay for what you use.", MinimumTopupUSD: modelslab.Ptr(modelslab.Dollars(10)), Currency: "USD",
					AutoPayments: modelslab.AutoPayments{Supported: true, Description: "Refill by itself.", ConfigureEndpoint: "PUT /wallet/auto-funding", DisableEndpoint: "DELETE /wallet/auto-funding"}, FundEndpoint: "POST /wallet/fund"},
			},
		},
		{
			name: "Plans as a list, with numbers as text and interval for period", on: "GET /subscriptions/plans",
			answer: prepared{status: 200, body: `{"data":[{"id":"10","name":"Basic","interval":"month","price":"249.00","api_call_limit":"1000","description":"Ours."},{"id":11,"price":null}]}`},
			call:   plans, request: plansRequest,
			want: &modelslab.Plans{SubscriptionPlans: []modelslab.Plan{
				{ID: 10, Name: "Basic", Period: "month", Description: "Ours.", Price: modelslab.Ptr(modelslab.Dollars(249)), APICallLimit: 1000},
				{ID: 11},
			}},
		},
		{
			name: "Create", on: subscribeCall, answer: prepared{status: 200, body: "testdata/subscriptions_create.json"}, call: subscribe, request: createRequest,
			want: &modelslab.SubscriptionResult{
				Status: "active", Message: "Welcome aboard.", StripeSubscriptionID: "sub_1New",
				Subscription: &modelslab.Subscription{ID: 45, PlanID: 10, Feature: "enterprise", Status: "active", StripeSubscriptionID: "sub_1New"},
			},
		},
		{
			name: "Create answered with a message alone", on: subscribeCall, answer: prepared{status: 201, body: `{"data":{"message":"Welcome aboard.","status":"trialing"}}`},
			call: subscribe, request: createRequest,
			want: &modelslab.SubscriptionResult{Status: "trialing", Message: "Welcome aboard."},
		},
		{
			name: "CreateCheckout", on: subscribeCall,
			answer: prepared{status: 200, body: `{"data":{"checkout_url":"https://checkout.stripe.com/c/pay/cs_live_Zz1"}}`},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Subscriptions.CreateCheckout(ctx, modelslab.SubscriptionCheckoutParams{
					PlanID: 10, SuccessURL: "https://agent.example.com/thanks", CancelURL: "http://127.0.0.1:9000/sorry",
				}))
			},
			request: `
POST https://modelslab.com/api/agents/v1/subscriptions
Accept: application/json
Authorization: Bearer 12|agent-token
Content-Type: application/json
Idempotency-Key: <uuid>

{"plan_id":10,"success_url":"https://agent.example.com/thanks","cancel_url":"http://127.0.0.1:9000/sorry"}
`,
			want: &modelslab.PaymentLink{
				PaymentURL: "https://checkout.stripe.com/c/pay/cs_live_Zz1", SessionID: "cs_live_Zz1", Purpose: "subscribe", PlanID: 10,
			},
		},
		{
			name: "ConfirmCheckout", on: "POST /subscriptions/confirm-checkout",
			answer: prepared{status: 200, body: "testdata/subscriptions_create.json"},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Subscriptions.ConfirmCheckout(ctx, "cs_live_Zz1"))
			},
			request: `
POST https://modelslab.com/api/agents/v1/subscriptions/confirm-checkout
Accept: application/json
Authorization: Bearer 12|agent-token
Content-Type: application/json
Idempotency-Key: <uuid>

{"session_id":"cs_live_Zz1"}
`,
			want: &modelslab.SubscriptionResult{
				Status: "active", Message: "Welcome aboard.", StripeSubscriptionID: "sub_1New",
				Subscription: &modelslab.Subscription{ID: 45, PlanID: 10, Feature: "enterprise", Status: "active", StripeSubscriptionID: "sub_1New"},
			},
		},
		{
			name: "List as a list", on: "GET /subscriptions", answer: prepared{status: 200, body: `{"data":[{"id":45,"plan_id":10,"status":"active","amount":249.0},{"id":"46","status":"paused"}]}`},
			call: list, request: listRequest,
			want: []modelslab.Subscription{{ID: 45, PlanID: 10, Status: "active", Amount: modelslab.Ptr(modelslab.Dollars(249))}, {ID: 46, Status: "paused"}},
		},
		{
			name: "List as an object of lists by kind", on: "GET /subscriptions",
			answer: prepared{status: 200, body: `{"data":{"enterprise":[{"id":45,"status":"active"}],"addon":[],"normal":[{"id":46,"status":"paused"}]}}`},
			call:   list, request: listRequest,
			want: []modelslab.Subscription{{ID: 45, Status: "active"}, {ID: 46, Status: "paused"}},
		},
		{
			name: "List as items", on: "GET /subscriptions", answer: prepared{status: 200, body: `{"data":{"items":[{"id":45,"status":"active"}],"count":1,"total":1}}`},
			call: list, request: listRequest,
			want: []modelslab.Subscription{{ID: 45, Status: "active"}},
		},
		{
			name: "Status", on: "GET /subscriptions/45/status", answer: prepared{status: 200, body: "testdata/subscriptions_status.json"},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Subscriptions.Status(ctx, 45))
			},
			request: `
GET https://modelslab.com/api/agents/v1/subscriptions/45/status
Accept: application/json
Authorization: Bearer 12|agent-token
`,
			want: &modelslab.Subscription{
				ID: 45, PlanID: 10, PlanName: "Basic Enterprise", Status: "past_due", StripeSubscriptionID: "sub_1New", Amount: modelslab.Ptr(modelslab.Dollars(249)),
				CurrentPeriodStart: on(2026, 2, 15, 10, 0), CurrentPeriodEnd: on(2026, 3, 15, 10, 0),
			},
		},
	})
}

func TestPlansThatWereNotSentAreNotNone(t *testing.T) {
	for name, body := range map[string]string{"no list": `{"data":{"count":0}}`, "data null": `{"data":null}`, "nothing": "", "null": "null"} {
		t.Run(name, func(t *testing.T) {
			s := onStage(t)
			s.on("GET /subscriptions/plans", prepared{status: 200, body: body})
			_, err := s.Subscriptions.Plans(t.Context())
			require.Error(t, err)
		})
	}
	t.Run("an empty list is none", func(t *testing.T) {
		s := onStage(t)
		s.on("GET /subscriptions/plans", prepared{status: 200, body: `{"data":{"subscription_plans":[]}}`})
		got, err := s.Subscriptions.Plans(t.Context())
		require.NoError(t, err)
		assert.Empty(t, got.SubscriptionPlans)
		assert.Nil(t, got.PayAsYouGo)
	})
}

func TestActive(t *testing.T) {
	for status, want := range map[string]bool{"active": true, "trialing": true, "past_due": false, "paused": false, "canceled": false, "incomplete": false, "": false} {
		assert.Equal(t, want, (&modelslab.Subscription{Status: status}).Active(), status)
	}
}

func TestSubscriptionErrors(t *testing.T) {
	replay := map[string]string{"Idempotency-Replay": "1"}
	runRefusals(t, subscribeCall, subscribe, []refusal{
		{"declined", prepared{status: 402, body: "testdata/payment_declined.json"}, modelslab.ErrPaymentDeclined, func(t *testing.T, err error) {
			var declined *modelslab.PaymentDeclinedError
			require.ErrorAs(t, err, &declined)
			assert.Equal(t, "insufficient_funds", declined.DeclineCode)
			assert.Equal(t, "/subscriptions", declined.Path)
		}},
		{"202 requires_action", prepared{status: 202, body: "testdata/payment_requires_action.json"}, modelslab.ErrRequiresAction, requiresAction},
		{"402 authentication_required", prepared{status: 402, body: `{"error":{"code":"payment_declined","details":{"decline_code":"authentication_required","payment_intent_id":"pi_3Wait"}}}`}, modelslab.ErrRequiresAction, requiresAction},
		{"no such plan", prepared{status: 422, body: `{"message":"No such plan.","errors":{"plan_id":["The selected plan id is invalid."]}}`}, modelslab.ErrValidation, nil},
		{"too often", prepared{status: 429, header: map[string]string{"Retry-After": "7"}}, modelslab.ErrRateLimited, func(t *testing.T, err error) {
			var limited *modelslab.RateLimitError
			require.ErrorAs(t, err, &limited)
			assert.Equal(t, 7*time.Second, limited.RetryAfter)
		}},
		{"server error", prepared{status: 500}, modelslab.ErrOutcomeUnknown, nil},
		{"an incomplete subscription", prepared{status: 200, body: `{"data":{"subscription":{"id":45,"plan_id":10,"status":"incomplete"}}}`}, modelslab.ErrOutcomeUnknown, nil},
		{"an incomplete one that has expired", prepared{status: 200, body: `{"data":{"status":"incomplete_expired"}}`}, modelslab.ErrOutcomeUnknown, nil},
		{"one that is past due at once", prepared{status: 200, body: `{"data":{"status":"past_due"}}`}, modelslab.ErrOutcomeUnknown, nil},
		{"an unpaid one", prepared{status: 200, body: `{"data":{"status":"active","payment_status":"unpaid"}}`}, modelslab.ErrOutcomeUnknown, nil},
		{"a checkout page instead", prepared{status: 200, body: `{"data":{"checkout_url":"https://pay.example.com/cs_test_1"}}`}, modelslab.ErrOutcomeUnknown, nil},
		{"nothing", prepared{status: 200, body: `{"data":{}}`}, modelslab.ErrOutcomeUnknown, nil},
		{"a replay of another plan", prepared{status: 200, body: `{"data":{"subscription":{"id":45,"plan_id":11,"status":"active"}}}`, header: replay}, modelslab.ErrOutcomeUnknown, nil},
	})

	status := func(ctx context.Context, c *modelslab.Client) (any, error) {
		return two(c.Subscriptions.Status(ctx, 45))
	}
	runRefusals(t, "GET /subscriptions/45/status", status, []refusal{
		{"no such subscription", prepared{status: 404, body: `{"message":"No query results for model [App\\Models\\Subscription] 45"}`}, modelslab.ErrNotFound, nil},
		{"no word on the status", prepared{status: 200, body: `{"data":{"id":45}}`}, modelslab.ErrServer, nil},
	})
	runRefusals(t, "GET /subscriptions", list, []refusal{
		{"no session", prepared{status: 401}, modelslab.ErrUnauthenticated, nil},
		{"no list", prepared{status: 200, body: `{"data":{"count":0}}`}, modelslab.ErrServer, nil},
	})

	confirm := func(ctx context.Context, c *modelslab.Client) (any, error) {
		return two(c.Subscriptions.ConfirmCheckout(ctx, "cs_live_Zz1"))
	}
	runRefusals(t, "POST /subscriptions/confirm-checkout", confirm, []refusal{
		{"pending", prepared{status: 202, body: `{"data":{"status":"open"}}`}, modelslab.ErrCheckoutPending, nil},
		{"pending as a refusal", prepared{status: 422, body: `{"error":{"code":"checkout_pending"}}`}, modelslab.ErrCheckoutPending, nil},
		{"declined", prepared{status: 402, body: "testdata/payment_declined.json"}, modelslab.ErrPaymentDeclined, nil},
		{"a session for something else", prepared{status: 422, body: `{"error":{"code":"validation_error","details":{"session_id":["Opened for another purpose."]}}}`}, modelslab.ErrValidation, nil},
		{"an incomplete subscription", prepared{status: 200, body: `{"data":{"status":"incomplete"}}`}, modelslab.ErrOutcomeUnknown, nil},
	})
}

func TestSubscriptionsRefuseBadInput(t *testing.T) {
	create := func(plan modelslab.ID, pm string) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: plan, PaymentMethodID: pm}))
		}
	}
	checkout := func(p modelslab.SubscriptionCheckoutParams) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.CreateCheckout(ctx, p))
		}
	}
	status := func(id modelslab.ID) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error { return second(c.Subscriptions.Status(ctx, id)) }
	}
	confirm := func(session string) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.ConfirmCheckout(ctx, session))
		}
	}
	await := func(link *modelslab.PaymentLink) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.AwaitCheckout(ctx, link, modelslab.AwaitParams{}))
		}
	}
	success := func(u string) modelslab.SubscriptionCheckoutParams {
		return modelslab.SubscriptionCheckoutParams{PlanID: 10, SuccessURL: u}
	}
	runBadInput(t, []badInput{
		{"plan 0", "SubscriptionCreateParams.PlanID", create(0, "pm_1Card")},
		{"plan -1", "SubscriptionCreateParams.PlanID", create(-1, "pm_1Card")},
		{"no payment method", "SubscriptionCreateParams.PaymentMethodID", create(10, "")},
		{"a card number for a payment method", "SubscriptionCreateParams.PaymentMethodID", create(10, cardNumber)},
		{"checkout of plan 0", "SubscriptionCheckoutParams.PlanID", checkout(modelslab.SubscriptionCheckoutParams{})},
		{"back to a page without TLS", "SubscriptionCheckoutParams.SuccessURL", checkout(success("http://agent.example.com/thanks"))},
		{"back to a script", "SubscriptionCheckoutParams.SuccessURL", checkout(success("javascript:alert(1)"))},
		{"back to a relative page", "SubscriptionCheckoutParams.SuccessURL", checkout(success("/thanks"))},
		{"back to nowhere", "SubscriptionCheckoutParams.SuccessURL", checkout(success("https://"))},
		{"back to two lines", "SubscriptionCheckoutParams.SuccessURL", checkout(success("https://agent.example.com/\n"))},
		{"cancelled to a page without TLS", "SubscriptionCheckoutParams.CancelURL", checkout(modelslab.SubscriptionCheckoutParams{PlanID: 10, CancelURL: "http://agent.example.com/"})},
		{"status of 0", "id", status(0)},
		{"status of -45", "id", status(-45)},
		{"no session", "sessionID", confirm("")},
		{"a subscription for a session", "sessionID", confirm("sub_1New")},
		{"await nothing", "link", await(nil)},
		{"await a link that funds", "link.Purpose", await(&modelslab.PaymentLink{SessionID: "cs_test_1", Purpose: modelslab.PurposeFund})},
		{"await a link without a session", "link.SessionID", await(&modelslab.PaymentLink{Purpose: modelslab.PurposeSubscribe})},
	})
}
