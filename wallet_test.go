package modelslab_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

const (
	fundCall    = "POST /wallet/fund"
	confirmCall = "POST /wallet/confirm-checkout"
)

func fund(opts ...modelslab.RequestOption) func(context.Context, *modelslab.Client) (any, error) {
	return func(ctx context.Context, c *modelslab.Client) (any, error) {
		return two(c.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_1Card"}, opts...))
	}
}

func confirm(ctx context.Context, c *modelslab.Client) (any, error) {
	return two(c.Wallet.ConfirmCheckout(ctx, "cs_test_a1B2c3"))
}

func TestWalletCalls(t *testing.T) {
	runExchanges(t, []exchange{
		{
			name: "Balance", on: "GET /wallet/balance", answer: prepared{status: 200, body: `{"data":{"balance":75.50,"currency":"USD"},"error":null,"meta":{"request_id":"r1"}}`},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) { return two(c.Wallet.Balance(ctx)) },
			request: `
GET https://modelslab.com/api/agents/v1/wallet/balance
Accept: application/json
Authorization: Bearer 12|agent-token
`,
			want: &modelslab.Balance{Balance: modelslab.Cents(7550), Currency: "USD"},
		},
		{
			name: "Fund", on: fundCall, answer: prepared{status: 200, body: "testdata/wallet_fund.json"}, call: fund(),
			request: `
POST https://modelslab.com/api/agents/v1/wallet/fund
Accept: application/json
Authorization: Bearer 12|agent-token
Content-Type: application/json
Idempotency-Key: <uuid>

{"amount":25,"payment_method_id":"pm_1Card"}
`,
			want: &modelslab.Funding{Status: "succeeded", PaymentIntentID: "pi_3Top", Message: "The wallet is funded.", Balance: modelslab.Ptr(modelslab.Cents(10050))},
		},
		{
			name: "Fund with cents, under a key of the caller's", on: fundCall, answer: prepared{status: 201, body: "testdata/wallet_fund.json"},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Cents(2550), PaymentMethodID: "pm_1Card"}, modelslab.WithIdempotencyKey("fund-25.50-20260220-abc")))
			},
			request: `
POST https://modelslab.com/api/agents/v1/wallet/fund
Accept: application/json
Authorization: Bearer 12|agent-token
Content-Type: application/json
Idempotency-Key: fund-25.50-20260220-abc

{"amount":25.5,"payment_method_id":"pm_1Card"}
`,
			want: &modelslab.Funding{Status: "succeeded", PaymentIntentID: "pi_3Top", Message: "The wallet is funded.", Balance: modelslab.Ptr(modelslab.Cents(10050))},
		},
		{
			name: "FundCheckout", on: fundCall,
			answer: prepared{status: 200, body: `{"data":{"checkout_url":"https://checkout.stripe.com/c/pay/cs_test_a1","session_id":"cs_test_a1","expires_at":"2026-02-16T10:00:00Z","message":"Pay there."}}`},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Wallet.FundCheckout(ctx, modelslab.WalletFundCheckoutParams{Amount: modelslab.Dollars(25)}))
			},
			request: `
POST https://modelslab.com/api/agents/v1/wallet/fund
Accept: application/json
Authorization: Bearer 12|agent-token
Content-Type: application/json
Idempotency-Key: <uuid>

{"amount":25}
`,
			want: &modelslab.PaymentLink{
				PaymentURL: "https://checkout.stripe.com/c/pay/cs_test_a1", SessionID: "cs_test_a1", Purpose: "fund", Amount: modelslab.Dollars(25),
				ExpiresAt: on(2026, 2, 16, 10, 0), Instructions: "Pay there.",
			},
		},
		{
			name: "ConfirmCheckout", on: confirmCall,
			answer: prepared{status: 200, body: `{"data":{"status":"complete","payment_status":"paid","payment_intent_id":"pi_3Link","balance":50,"message":"Thank you."}}`},
			call:   confirm,
			request: `
POST https://modelslab.com/api/agents/v1/wallet/confirm-checkout
Accept: application/json
Authorization: Bearer 12|agent-token
Content-Type: application/json
Idempotency-Key: <uuid>

{"session_id":"cs_test_a1B2c3"}
`,
			want: &modelslab.Funding{Status: "paid", PaymentIntentID: "pi_3Link", Message: "Thank you.", Balance: modelslab.Ptr(modelslab.Dollars(50))},
		},
		{
			name: "PaymentStatus", on: "GET /payments/pi_3Top/status",
			answer: prepared{status: 200, body: `{"data":{"status":"succeeded","payment_intent_id":"pi_3Top","amount":25.00,"currency":"usd"}}`},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Wallet.PaymentStatus(ctx, "pi_3Top"))
			},
			request: `
GET https://modelslab.com/api/agents/v1/payments/pi_3Top/status
Accept: application/json
Authorization: Bearer 12|agent-token
`,
			want: &modelslab.PaymentStatus{Status: "succeeded", PaymentIntentID: "pi_3Top", Amount: modelslab.Ptr(modelslab.Dollars(25)), Currency: "usd"},
		},
		{
			name: "Transactions", on: "GET /wallet/transactions?limit=2&offset=10&type=credit",
			answer: prepared{status: 200, body: "testdata/wallet_transactions.json"},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Wallet.Transactions(ctx, modelslab.TransactionsParams{Type: modelslab.TransactionCredit, Limit: 2, Offset: 10}))
			},
			request: `
GET https://modelslab.com/api/agents/v1/wallet/transactions?limit=2&offset=10&type=credit
Accept: application/json
Authorization: Bearer 12|agent-token
`,
			want: &modelslab.TransactionPage{
				Items: []modelslab.Transaction{
					{
						ID: 456, Source: "stripe", TransactionID: "pi_3Top", Type: "credit", Amount: modelslab.Dollars(25), Status: "success",
						UseCase: "wallet_funding", CreatedAt: *on(2026, 2, 15, 10, 0),
					},
					{
						ID: 455, Source: "api", TransactionID: "987", Type: "debit", Amount: modelslab.Cents(2), Status: "success",
						UseCase: "image_generation", Description: "1 image", CreatedAt: *on(2026, 2, 15, 9, 0),
					},
				},
				Count: 2, Total: 12,
				Wallet: modelslab.WalletSummary{
					Balance: modelslab.Ptr(modelslab.Cents(7550)), Currency: "USD",
					TotalCredited: modelslab.Ptr(modelslab.Dollars(150)), AmountUsed: modelslab.Ptr(modelslab.Cents(7450)),
				},
			},
		},
	})
}

func TestBalanceIsReadFromEveryPlaceItHasStoodIn(t *testing.T) {
	tests := []struct {
		name, body string
		want       modelslab.Balance
	}{
		{"data.balance", `{"data":{"balance":75.5,"currency":"USD"}}`, modelslab.Balance{Balance: modelslab.Cents(7550), Currency: "USD"}},
		{"data.wallet.balance", `{"data":{"wallet":{"balance":"75.50","currency":"USD"}}}`, modelslab.Balance{Balance: modelslab.Cents(7550), Currency: "USD"}},
		{"wallet_balance", `{"data":{"wallet_balance":75.50}}`, modelslab.Balance{Balance: modelslab.Cents(7550)}},
		{"no envelope", `{"balance":75.5,"currency":"usd"}`, modelslab.Balance{Balance: modelslab.Cents(7550), Currency: "usd"}},
		{"zero is a balance", `{"data":{"balance":0,"currency":"USD"}}`, modelslab.Balance{Currency: "USD"}},
		{"a debt is a balance", `{"data":{"balance":-0.02}}`, modelslab.Balance{Balance: modelslab.Cents(-2)}},
		{"a fraction of a cent is kept", `{"data":{"balance":"0.0025"}}`, modelslab.Balance{Balance: amount(t, "0.0025")}},
		{"an empty wallet object beside it", `{"data":{"wallet":[],"balance":1}}`, modelslab.Balance{Balance: modelslab.Dollars(1)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := onStage(t)
			s.on("GET /wallet/balance", prepared{status: 200, body: tt.body})
			got, err := s.Wallet.Balance(t.Context())
			require.NoError(t, err)
			assert.Equal(t, &tt.want, got)
		})
	}
}

func TestABalanceThatWasNotSentIsNotZeroDollars(t *testing.T) {
	for name, body := range map[string]string{
		"null":                `{"data":{"balance":null,"currency":"USD"}}`,
		"missing":             `{"data":{"currency":"USD"}}`,
		"empty data":          `{"data":{}}`,
		"an empty array":      `{"data":[]}`,
		"data null":           `{"data":null,"error":null,"meta":{}}`,
		"null altogether":     `null`,
		"nothing":             ``,
		"no number":           `{"data":{"balance":"plenty"}}`,
		"an object":           `{"data":{"balance":{"usd":1}}}`,
		"a page":              `<html><title>Wallet</title></html>`,
		"cut short":           `{"data":{"balance":75`,
		"a truth":             `{"data":{"balance":true}}`,
		"one of another kind": `[1]`,
	} {
		t.Run(name, func(t *testing.T) {
			s := onStage(t)
			s.on("GET /wallet/balance", prepared{status: 200, body: body, header: map[string]string{"X-Request-Id": "req-7"}})
			got, err := s.Wallet.Balance(t.Context())
			require.Error(t, err)
			assert.Nil(t, got)
			var api *modelslab.APIError
			require.ErrorAs(t, err, &api)
			assert.Equal(t, 200, api.StatusCode)
			assert.Equal(t, "req-7", api.RequestID)
		})
	}
}

func TestTransactionsShapes(t *testing.T) {
	tx := `{"id":"456","transaction_id":"pi_3Top","type":"credit","amount":"25.00","status":"success","created_at":"2026-02-15T10:00:00Z"}`
	want := []modelslab.Transaction{{ID: 456, TransactionID: "pi_3Top", Type: "credit", Amount: modelslab.Dollars(25), Status: "success", CreatedAt: *on(2026, 2, 15, 10, 0)}}
	tests := []struct {
		name, body string
		want       modelslab.TransactionPage
	}{
		{"an object with items", `{"data":{"items":[` + tx + `],"count":1,"total":9}}`, modelslab.TransactionPage{Items: want, Count: 1, Total: 9}},
		{"a bare list", `{"data":[` + tx + `]}`, modelslab.TransactionPage{Items: want, Count: 1}},
		{"a list without an envelope", `[` + tx + `]`, modelslab.TransactionPage{Items: want, Count: 1}},
		{"none", `{"data":{"items":[],"count":0,"total":0}}`, modelslab.TransactionPage{Items: []modelslab.Transaction{}}},
		{"an empty list", `{"data":[]}`, modelslab.TransactionPage{Items: []modelslab.Transaction{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := onStage(t)
			s.on("GET /wallet/transactions", prepared{status: 200, body: tt.body})
			got, err := s.Wallet.Transactions(t.Context(), modelslab.TransactionsParams{})
			require.NoError(t, err)
			assert.Equal(t, &tt.want, got)
			assert.Empty(t, s.requests()[0].URL.RawQuery, "what is not asked for is not sent")
		})
	}

	for name, body := range map[string]string{"no items": `{"data":{"count":0}}`, "data null": `{"data":null}`, "an amount that is null": `{"data":[{"id":1,"amount":null}]}`} {
		t.Run(name+" is no page", func(t *testing.T) {
			s := onStage(t)
			s.on("GET /wallet/transactions", prepared{status: 200, body: body})
			_, err := s.Wallet.Transactions(t.Context(), modelslab.TransactionsParams{})
			require.Error(t, err)
		})
	}
}

// The success body of fund is documented nowhere: all that have been seen or
// can be guessed are a payment.
func TestFundSuccessShapes(t *testing.T) {
	tests := []struct {
		name, body string
		want       modelslab.Funding
	}{
		{"a payment", `{"data":{"payment":{"status":"succeeded","payment_intent_id":"pi_1"}}}`, modelslab.Funding{Status: "succeeded", PaymentIntentID: "pi_1"}},
		{"the balance alone", `{"data":{"balance":"100.50"}}`, modelslab.Funding{Status: "succeeded", Balance: modelslab.Ptr(modelslab.Cents(10050))}},
		{"a balance of zero is one that was sent", `{"data":{"balance":0}}`, modelslab.Funding{Status: "succeeded", Balance: modelslab.Ptr(modelslab.Amount{})}},
		{"a wallet", `{"data":{"wallet":{"balance":100.5,"currency":"USD"},"message":"Done."}}`, modelslab.Funding{Status: "succeeded", Message: "Done.", Balance: modelslab.Ptr(modelslab.Cents(10050))}},
		{"no envelope", `{"status":"success","payment_intent_id":"pi_1"}`, modelslab.Funding{Status: "success", PaymentIntentID: "pi_1"}},
		{"a balance that is null", `{"data":{"payment":{"status":"paid"},"balance":null}}`, modelslab.Funding{Status: "paid"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := onStage(t)
			s.on(fundCall, prepared{status: 200, body: tt.body})
			got, err := s.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_1Card"})
			require.NoError(t, err)
			assert.Equal(t, &tt.want, got)
		})
	}
}

func requiresAction(t *testing.T, err error) {
	t.Helper()
	var action *modelslab.RequiresActionError
	require.ErrorAs(t, err, &action)
	assert.Equal(t, "pi_3Wait", action.PaymentIntentID)
	var api *modelslab.APIError
	require.ErrorAs(t, err, &api)
	assert.Contains(t, []int{200, 202, 402}, api.StatusCode)
	assert.NotEmpty(t, api.IdempotencyKey)
	assert.NotContains(t, err.Error(), "hush")
}

func unknown(is error) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		t.Helper()
		var unknown *modelslab.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.Equal(t, "wallet.fund", unknown.Endpoint)
		assert.Equal(t, modelslab.Dollars(25), unknown.Amount)
		assert.Regexp(t, randomKey, unknown.IdempotencyKey)
		assert.Contains(t, err.Error(), unknown.IdempotencyKey, "whoever reads the log can ask for it again")
		if is != nil {
			require.ErrorIs(t, err, is)
		}
	}
}

func TestFundErrors(t *testing.T) {
	replay := map[string]string{"Idempotent-Replayed": "true"}
	runRefusals(t, fundCall, fund(), []refusal{
		{"402 declined", prepared{status: 402, body: "testdata/payment_declined.json"}, modelslab.ErrPaymentDeclined, func(t *testing.T, err error) {
			var declined *modelslab.PaymentDeclinedError
			require.ErrorAs(t, err, &declined)
			assert.Equal(t, "insufficient_funds", declined.DeclineCode)
			assert.Equal(t, "pi_3No", declined.PaymentIntentID)
			assert.Equal(t, "payment_declined", declined.Code)
			assert.Equal(t, "/wallet/fund", declined.Path)
			assert.Regexp(t, randomKey, declined.IdempotencyKey)
			assert.ErrorContains(t, err, "insufficient_funds")
		}},
		{"402 without a word", prepared{status: 402}, modelslab.ErrPaymentDeclined, nil},
		{"a decline under another status", prepared{status: 400, body: "testdata/payment_declined.json"}, modelslab.ErrPaymentDeclined, nil},
		{"a decline in a success", prepared{status: 200, body: "testdata/payment_declined.json"}, modelslab.ErrPaymentDeclined, nil},
		{"202 requires_action", prepared{status: 202, body: "testdata/payment_requires_action.json"}, modelslab.ErrRequiresAction, func(t *testing.T, err error) {
			requiresAction(t, err)
			var action *modelslab.RequiresActionError
			require.ErrorAs(t, err, &action)
			assert.Equal(t, "pi_3Wait_secret_hush", action.ClientSecret.Reveal())
		}},
		{"200 requires_action", prepared{status: 200, body: "testdata/payment_requires_action.json"}, modelslab.ErrRequiresAction, requiresAction},
		{"402 authentication_required", prepared{status: 402, body: `{"error":{"code":"payment_declined","message":"Authenticate.","details":{"decline_code":"authentication_required","payment_intent_id":"pi_3Wait"}}}`}, modelslab.ErrRequiresAction, requiresAction},
		{"422 in the envelope", prepared{status: 422, body: "testdata/validation_error.json"}, modelslab.ErrValidation, func(t *testing.T, err error) {
			var api *modelslab.APIError
			require.ErrorAs(t, err, &api)
			assert.Equal(t, "validation_error", api.Code)
			assert.Equal(t, "7d9c1f52-invalid", api.RequestID)
			assert.Equal(t, map[string][]string{"amount": {"The amount field must be at least 10."}, "payment_method_id": {"No such payment method."}}, api.Fields)
		}},
		{"422 of the framework", prepared{status: 422, body: "testdata/validation_error_framework.json"}, modelslab.ErrValidation, func(t *testing.T, err error) {
			var api *modelslab.APIError
			require.ErrorAs(t, err, &api)
			assert.Equal(t, map[string][]string{"amount": {"The amount field must be at least 10."}, "payment_method_id": {"No such payment method."}}, api.Fields)
			assert.Contains(t, api.Message, "at least 10")
		}},
		{"429", prepared{status: 429, body: `{"message":"Too Many Attempts."}`, header: map[string]string{"Retry-After": "42"}}, modelslab.ErrRateLimited, func(t *testing.T, err error) {
			var limited *modelslab.RateLimitError
			require.ErrorAs(t, err, &limited)
			assert.Equal(t, 42*time.Second, limited.RetryAfter)
			assert.Equal(t, modelslab.LimiterBilling, limited.Limiter)
		}},
		{"401", prepared{status: 401, body: `{"message":"Unauthenticated."}`}, modelslab.ErrUnauthenticated, nil},
		{"403", prepared{status: 403, body: `{"message":"This action is unauthorized."}`}, modelslab.ErrPermissionDenied, nil},
		{"404", prepared{status: 404, body: `{"message":"The route api/agents/v1/wallet/fund could not be found."}`}, modelslab.ErrNotFound, nil},

		{"408", prepared{status: 408}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"409", prepared{status: 409, body: `{"error":{"code":"idempotency_conflict","message":"In flight."}}`}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"425", prepared{status: 425}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"500", prepared{status: 500, body: `{"message":"Server Error"}`}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"502 with a page", prepared{status: 502, body: "<html><title>502 Bad Gateway</title></html>"}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"a redirect", prepared{status: 302, header: map[string]string{"Location": "https://modelslab.com/login"}}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"connection lost", prepared{err: io.ErrUnexpectedEOF}, modelslab.ErrOutcomeUnknown, unknown(io.ErrUnexpectedEOF)},
		{"200 with a page", prepared{status: 200, body: "<html><title>Welcome</title></html>"}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"200 with nothing", prepared{status: 200}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"200 with null", prepared{status: 200, body: `null`}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"200 with data null", prepared{status: 200, body: `{"data":null,"error":null}`}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"200 with an empty object", prepared{status: 200, body: `{"data":{}}`}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"200 that breaks off", prepared{status: 200, body: `{"data":{"payment":{"status":"succ`}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"202 without a word", prepared{status: 202, body: `{"data":{"message":"Accepted."}}`}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"a payment that is processing", prepared{status: 200, body: `{"data":{"payment":{"status":"processing","payment_intent_id":"pi_1"}}}`}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"a payment in a state nobody has heard of", prepared{status: 200, body: `{"data":{"payment":{"status":"levitating"}}}`}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"a status of failed", prepared{status: 200, body: `{"data":{"status":"failed","balance":1}}`}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"a checkout page instead of a payment", prepared{status: 200, body: `{"data":{"checkout_url":"https://pay.example.com/cs_test_1","message":"Pay there."}}`}, modelslab.ErrOutcomeUnknown, unknown(nil)},
		{"a replay of another amount", prepared{status: 200, body: `{"data":{"payment":{"status":"succeeded","amount":10,"payment_intent_id":"pi_1"}}}`, header: replay}, modelslab.ErrOutcomeUnknown, unknown(nil)},
	})
}

func TestFundCheckoutErrors(t *testing.T) {
	call := func(ctx context.Context, c *modelslab.Client) (any, error) {
		return two(c.Wallet.FundCheckout(ctx, modelslab.WalletFundCheckoutParams{Amount: modelslab.Dollars(25)}))
	}
	runRefusals(t, fundCall, call, []refusal{
		{"too little", prepared{status: 422, body: "testdata/validation_error.json"}, modelslab.ErrValidation, nil},
		{"a payment instead of a page", prepared{status: 200, body: "testdata/wallet_fund.json"}, modelslab.ErrOutcomeUnknown, unknown(nil)},
	})
}

func TestAReplayOfTheSamePaymentIsThePayment(t *testing.T) {
	s := onStage(t)
	s.on(fundCall, prepared{status: 200, body: `{"data":{"payment":{"status":"succeeded","amount":"25.00","payment_intent_id":"pi_1"},"idempotency_replay":1}}`})
	var resp modelslab.Response
	got, err := s.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_1Card"}, modelslab.WithResponse(&resp))
	require.NoError(t, err)
	assert.Equal(t, "pi_1", got.PaymentIntentID)
	assert.True(t, resp.IdempotencyReplay)
}

func TestFundRepeatsUnderOneKeyAndTheSameBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onStage(t)
		s.on(fundCall, prepared{err: io.EOF}, prepared{status: 503}, prepared{status: 200, body: "testdata/wallet_fund.json"})
		var resp modelslab.Response
		_, err := s.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_1Card"}, modelslab.WithResponse(&resp))
		require.NoError(t, err)
		keys := s.keys("/wallet/fund")
		require.Len(t, keys, 3)
		assert.Equal(t, []string{keys[0], keys[0], keys[0]}, keys)
		assert.Equal(t, keys[0], resp.IdempotencyKey)
		assert.Equal(t, 3, resp.Attempts)
		for _, r := range s.requests() {
			assert.Equal(t, s.requests()[0].golden(), r.golden())
		}
	})
}

// The context ends between two sendings: both what ended the call and the last
// answer are told, and that answer settles nothing.
func TestFundWhoseContextEndsBetweenTwoSendings(t *testing.T) {
	for _, tt := range []struct {
		status  int
		unknown bool
	}{{503, true}, {409, true}, {429, false}} {
		t.Run(http.StatusText(tt.status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t)
				s.on(fundCall, prepared{status: tt.status, header: map[string]string{"Retry-After": "30"}})
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(10*time.Second, cancel)
				_, err := s.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_1Card"})
				require.ErrorIs(t, err, context.Canceled)
				assert.Equal(t, tt.unknown, errors.Is(err, modelslab.ErrOutcomeUnknown), "%v", err)
				if tt.unknown {
					unknown(context.Canceled)(t, err)
				}
				var api *modelslab.APIError
				require.ErrorAs(t, err, &api)
				assert.Equal(t, tt.status, api.StatusCode)
				assert.Len(t, s.requests(), 1)
			})
		})
	}
}

// None of these forms is documented; whoever polls meets one of them.
func TestConfirmCheckoutPendingForms(t *testing.T) {
	refused := func(status int, code string) prepared {
		return prepared{status: status, body: `{"data":null,"error":{"code":"` + code + `","message":"Not paid yet.","details":{}}}`}
	}
	success := func(status int, fields string) prepared {
		return prepared{status: status, body: `{"data":{` + fields + `}}`}
	}
	tests := []struct {
		name   string
		answer prepared
	}{
		{"202", success(202, `"message":"Wait."`)},
		{"202 without a body", prepared{status: 202}},
		{"202 open", success(202, `"status":"open","payment_status":"unpaid"`)},
		{"status open", success(200, `"status":"open"`)},
		{"status unpaid", success(200, `"status":"unpaid"`)},
		{"status pending", success(200, `"status":"pending"`)},
		{"status processing", success(200, `"status":"processing"`)},
		{"payment_status unpaid of a session that is complete", success(200, `"status":"complete","payment_status":"unpaid"`)},
		{"payment_status processing", success(200, `"payment_status":"processing"`)},
		{"without an envelope", prepared{status: 200, body: `{"status":"open"}`}},
		{"400", refused(400, "checkout_not_complete")},
		{"402 that is no decline", refused(402, "checkout_pending")},
		{"409", refused(409, "checkout_pending")},
		{"422", refused(422, "checkout_pending")},
		{"425", refused(425, "")},
		{"422 of the framework, without a code", prepared{status: 422, body: `{"message":"The session is not paid."}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t)
				s.on(confirmCall, tt.answer)
				got, err := s.Wallet.ConfirmCheckout(t.Context(), "cs_test_a1B2c3")
				require.ErrorIs(t, err, modelslab.ErrCheckoutPending)
				for _, other := range allKinds {
					if other != modelslab.ErrCheckoutPending {
						assert.NotErrorIs(t, err, other)
					}
				}
				assert.Nil(t, got)
				var api *modelslab.APIError
				require.ErrorAs(t, err, &api)
				assert.Equal(t, tt.answer.status, api.StatusCode)
				assert.Len(t, s.requests(), 1, `"not yet" is an answer`)
			})
		})
	}
}

func TestConfirmCheckoutSuccessShapes(t *testing.T) {
	for name, body := range map[string]string{
		"a session":           `{"data":{"status":"complete","payment_status":"paid","payment_intent_id":"pi_3Link"}}`,
		"a balance":           `{"data":{"balance":50}}`,
		"a wallet":            `{"data":{"wallet":{"balance":50}}}`,
		"a payment":           `{"data":{"payment":{"status":"succeeded","payment_intent_id":"pi_3Link"}}}`,
		"without an envelope": `{"status":"success"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := onStage(t)
			s.on(confirmCall, prepared{status: 200, body: body})
			got, err := s.Wallet.ConfirmCheckout(t.Context(), "cs_test_a1B2c3")
			require.NoError(t, err)
			assert.NotEmpty(t, got.Status)
		})
	}
}

func TestConfirmCheckoutErrors(t *testing.T) {
	runRefusals(t, confirmCall, confirm, []refusal{
		{"declined", prepared{status: 402, body: "testdata/payment_declined.json"}, modelslab.ErrPaymentDeclined, nil},
		{"a session that is none", prepared{status: 422, body: `{"error":{"code":"validation_error","message":"No.","details":{"session_id":["No such session."]}}}`}, modelslab.ErrValidation, nil},
		{"a session of somebody else's", prepared{status: 404, body: `{"error":{"code":"checkout_not_found","message":"No such session."}}`}, modelslab.ErrNotFound, nil},
		{"no session of one's own", prepared{status: 401, body: `{"message":"Unauthenticated."}`}, modelslab.ErrUnauthenticated, nil},
		{"too often", prepared{status: 429}, modelslab.ErrRateLimited, nil},
		{"server error", prepared{status: 500}, modelslab.ErrOutcomeUnknown, nil},
		{"a page", prepared{status: 200, body: "<title>Welcome</title>"}, modelslab.ErrOutcomeUnknown, nil},
		{"an expired session", prepared{status: 200, body: `{"data":{"status":"expired"}}`}, modelslab.ErrOutcomeUnknown, nil},
		{"nothing", prepared{status: 200, body: `{"data":{}}`}, modelslab.ErrOutcomeUnknown, nil},
	})
}

// A "not yet" to a repeat says nothing of the sending before it.
func TestConfirmCheckoutAfterALostAnswerIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onStage(t)
		s.on(confirmCall, prepared{err: io.EOF}, prepared{status: 422, body: `{"error":{"code":"checkout_pending"}}`})
		_, err := s.Wallet.ConfirmCheckout(t.Context(), "cs_test_a1B2c3")
		require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
		assert.NotErrorIs(t, err, modelslab.ErrCheckoutPending)
	})
}

func TestPaymentStatusWords(t *testing.T) {
	tests := []struct {
		status           string
		final, succeeded bool
	}{
		{"succeeded", true, true},
		{"pending", false, false},
		{"failed", true, false},
		{"canceled", true, false},
		{"requires_action", false, false},
		{"requires_payment_method", false, false},
		{"processing", false, false},
		{"levitating", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.status, func(t *testing.T) {
			s := onStage(t)
			s.on("GET /payments/pi_3Top/status", prepared{status: 200, body: `{"data":{"status":"` + tt.status + `"}}`})
			got, err := s.Wallet.PaymentStatus(t.Context(), "pi_3Top")
			require.NoError(t, err)
			assert.Equal(t, &modelslab.PaymentStatus{Status: tt.status}, got)
			assert.Equal(t, tt.final, got.IsFinal())
			assert.Equal(t, tt.succeeded, got.Succeeded())
		})
	}
}

func TestPaymentStatusErrors(t *testing.T) {
	call := func(ctx context.Context, c *modelslab.Client) (any, error) {
		return two(c.Wallet.PaymentStatus(ctx, "pi_3Top"))
	}
	runRefusals(t, "GET /payments/pi_3Top/status", call, []refusal{
		{"unknown payment", prepared{status: 404, body: `{"message":"No query results for model [App\\Models\\Payment] pi_3Top"}`}, modelslab.ErrNotFound, func(t *testing.T, err error) {
			var api *modelslab.APIError
			require.ErrorAs(t, err, &api)
			assert.Equal(t, "/payments/{id}/status", api.Path, "the template, so that errors can be counted by it")
		}},
		{"no word on the status", prepared{status: 200, body: `{"data":{"payment_intent_id":"pi_3Top"}}`}, modelslab.ErrServer, nil},
		{"server error", prepared{status: 500}, modelslab.ErrServer, nil},
	})
}

func TestWalletRefusesBadInput(t *testing.T) {
	fund := func(a modelslab.Amount, pm string) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: a, PaymentMethodID: pm}))
		}
	}
	checkout := func(a modelslab.Amount) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Wallet.FundCheckout(ctx, modelslab.WalletFundCheckoutParams{Amount: a}))
		}
	}
	status := func(id string) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Wallet.PaymentStatus(ctx, id))
		}
	}
	list := func(p modelslab.TransactionsParams) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error { return second(c.Wallet.Transactions(ctx, p)) }
	}
	await := func(link *modelslab.PaymentLink, p modelslab.AwaitParams, opts ...modelslab.RequestOption) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Wallet.AwaitCheckout(ctx, link, p, opts...))
		}
	}
	const amountParam, methodParam = "WalletFundParams.Amount", "WalletFundParams.PaymentMethodID"
	link := &modelslab.PaymentLink{SessionID: "cs_test_a1"}
	tests := []badInput{
		{"fund $0", amountParam, fund(modelslab.Amount{}, "pm_1Card")},
		{"fund less than nothing", amountParam, fund(modelslab.Cents(-1), "pm_1Card")},
		{"fund half a cent", amountParam, fund(amount(t, "10.005"), "pm_1Card")},
		{"fund less than a cent", amountParam, fund(amount(t, "0.0001"), "pm_1Card")},
		{"checkout of $0", "WalletFundCheckoutParams.Amount", checkout(modelslab.Amount{})},
		{"checkout of half a cent", "WalletFundCheckoutParams.Amount", checkout(amount(t, "10.005"))},

		{"no payment intent", "paymentIntentID", status("")},
		{"a charge for a payment intent", "paymentIntentID", status("ch_1")},
		{"a payment intent with a slash", "paymentIntentID", status("pi_1/../../me")},
		{"a payment intent that climbs", "paymentIntentID", status("..")},
		{"a payment intent with a newline", "paymentIntentID", status("pi_1\n")},
		{"a client secret for a payment intent", "paymentIntentID", status("pi_1_secret_hush")},
		{"a card number for a payment intent", "paymentIntentID", status(cardNumber)},

		{"201 transactions", "TransactionsParams.Limit", list(modelslab.TransactionsParams{Limit: 201})},
		{"-1 transactions", "TransactionsParams.Limit", list(modelslab.TransactionsParams{Limit: -1})},
		{"offset -1", "TransactionsParams.Offset", list(modelslab.TransactionsParams{Offset: -1})},
		{"a type with a newline", "TransactionsParams.Type", list(modelslab.TransactionsParams{Type: "credit\n"})},

		{"await nothing", "link", await(nil, modelslab.AwaitParams{})},
		{"await a link that subscribes", "link.Purpose", await(&modelslab.PaymentLink{SessionID: "cs_test_a1", Purpose: modelslab.PurposeSubscribe}, modelslab.AwaitParams{})},
		{"await a link without a session", "link.SessionID", await(&modelslab.PaymentLink{}, modelslab.AwaitParams{})},
		{"await every -1 s", "AwaitParams.Interval", await(link, modelslab.AwaitParams{Interval: -time.Second})},
		{"await under one key", "AwaitCheckout", await(link, modelslab.AwaitParams{}, modelslab.WithIdempotencyKey("k"))},
		{"await under one name", "AwaitCheckout", await(link, modelslab.AwaitParams{}, modelslab.WithOperation("o"))},
	}
	for name, pm := range map[string]string{
		"none": "", "a customer": "cus_1", "the prefix alone": "pm_", "a token": "tok_visa", "a slash": "pm_1/2", "a space": "pm_1 2", "a newline": "pm_1\n",
		"another alphabet": "pm_ä", "endless": "pm_" + longText,
	} {
		tests = append(tests, badInput{"payment method: " + name, methodParam, fund(modelslab.Dollars(25), pm)})
	}
	for name, session := range map[string]string{
		"none": "", "a payment intent": "pi_1", "the prefix alone": "cs_", "a path": "cs_test_1/2", "a newline": "cs_test_1\n", "the URL": "https://checkout.stripe.com/c/pay/cs_test_1",
		"a card number": cardNumber,
	} {
		tests = append(tests, badInput{"session: " + name, "sessionID", func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Wallet.ConfirmCheckout(ctx, session))
		}})
	}
	runBadInput(t, tests)
}

const longText = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" +
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// A card number in the place of its id is the likeliest and the worst mistake.
func TestACardNumberForAPaymentMethodIsNamedAndNotRepeated(t *testing.T) {
	for name, number := range map[string]string{
		"digits": cardNumber, "groups": "4242 4242 4242 4242", "dashes": "4242-4242-4242-4242", "American Express": "378282246310005",
	} {
		t.Run(name, func(t *testing.T) {
			s := onStage(t)
			_, fundErr := s.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: number})
			_, subscribeErr := s.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 10, PaymentMethodID: number})
			for _, err := range []error{fundErr, subscribeErr} {
				var param *modelslab.ParamError
				require.ErrorAs(t, err, &param)
				assert.Contains(t, param.Reason, "card number")
				assert.Contains(t, param.Reason, "TokenizeCard", "it says what to do instead")
				assert.Empty(t, param.Value)
				assert.NotContains(t, err.Error(), number)
				assert.NotContains(t, err.Error(), number[len(number)-4:])
			}
			assert.Empty(t, s.requests())
		})
	}
}

// The token's life ends in the middle: nothing of the request is repeated.
func TestContextThatEndedBeforeAnyByteIsThePlainError(t *testing.T) {
	s := onStage(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_1Card"})
	require.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, modelslab.ErrOutcomeUnknown)
	assert.Empty(t, s.requests())

	var network *url.Error
	assert.False(t, errors.As(err, &network), "no URL in it")
}
