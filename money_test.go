package modelslab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	declinedBody = `{"data":null,"error":{"code":"payment_declined","message":"Your card has insufficient funds.",
		"details":{"decline_code":"insufficient_funds","payment_intent_id":"pi_3TestIntent"}}}`
	actionBody = `{"data":{"payment":{"status":"requires_action","payment_intent_id":"pi_3TestIntent",
		"client_secret":"pi_3TestIntent_secret_canary9"},"message":"Complete the payment on the pricing page."}}`
	authenticationBody = `{"data":null,"error":{"code":"payment_declined","message":"Authentication required.",
		"details":{"decline_code":"authentication_required","payment_intent_id":"pi_3TestIntent","client_secret":"pi_3TestIntent_secret_canary9"}}}`
	createdBody = `{"data":{"message":"Welcome.","subscription":{"id":45,"plan_id":3,"status":"active"},"stripe_subscription_id":"sub_1"},"error":null}`
)

// spendings are the calls of the flow that move money at once.
var spendings = []roadCall{
	roadCalls[1],
	{"Subscriptions.Create", RepeatKeyed, post, "/api/agents/v1/subscriptions", createdBody, func(ctx context.Context, c *Client, opts ...RequestOption) error {
		_, err := c.Subscriptions.Create(ctx, SubscriptionCreateParams{PlanID: 3, PaymentMethodID: testMethod}, opts...)
		return err
	}},
	{"Call", RepeatKeyed, post, "/api/agents/v1/wallet/fund", fundedBody, func(ctx context.Context, c *Client, opts ...RequestOption) error {
		var out map[string]any
		return c.Call(ctx, post, "/wallet/fund", map[string]any{"amount": 25, "payment_method_id": testMethod}, &out, opts...)
	}},
	{"Call of a path that nobody knows", RepeatKeyed, post, "/api/agents/v1/wallet/gift", fundedBody, func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return c.Call(ctx, post, "/wallet/gift", map[string]any{"amount": 25}, nil, append([]RequestOption{WithIdempotencyKey("gift-1")}, opts...)...)
	}},
}

// unansweredSends are the ways in which a send gets no complete, definite answer.
var unansweredSends = map[string]step{
	"connection lost":    breaks(io.ErrUnexpectedEOF),
	"500":                says(500, `{"message":"Server Error"}`),
	"502 with a page":    says(502, badGateway),
	"408":                says(408, ``),
	"409":                says(409, `{"message":"in flight"}`),
	"425":                says(425, ``),
	"success cut short":  breaksOff(200, `{"data":{"paym`),
	"refusal cut short":  breaksOff(422, `{"message":"`),
	"a 429 cut short":    breaksOff(429, `{"mess`),
	"declined cut short": breaksOff(402, `{"data":null,"error":{"code":"payment_declined"`),
}

func TestARefusalSettlesOnlyTheSendItAnswers(t *testing.T) {
	refusals := map[int]string{
		400: `{"message":"bad"}`,
		401: `{"message":"Unauthenticated."}`,
		403: `{"message":"This action is unauthorized."}`,
		404: `{"message":"The route could not be found."}`,
		409: `{"message":"in flight"}`,
		422: `{"data":null,"error":{"code":"validation_error","message":"key used with another body","details":{}}}`,
		429: `{"message":"Too Many Attempts."}`,
		302: ``,
	}
	for _, call := range spendings {
		t.Run(call.name, func(t *testing.T) {
			for firstName, first := range unansweredSends {
				for status, body := range refusals {
					t.Run(fmt.Sprint(firstName, ", then ", status), func(t *testing.T) {
						net := scripted(first, says(status, body, "X-Request-Id", "req-2"))
						var resp Response
						err := call.do(t.Context(), stubbed(t, net, hasty(2)), WithResponse(&resp))
						assertSent(t, call, net.requests(), 2)
						assertKind(t, ErrOutcomeUnknown, err)
						api := apiOf(t, err)
						assert.Equal(t, status, api.StatusCode)
						assert.Equal(t, "req-2", api.RequestID)
						assert.Equal(t, status, resp.StatusCode)
						unknown, ok := as[*OutcomeUnknownError](err)
						require.True(t, ok)
						assert.Equal(t, net.requests()[0].key(), unknown.IdempotencyKey)
						assert.Contains(t, err.Error(), unknown.IdempotencyKey, "what to ask again with")
					})
				}
			}
		})
	}
}

func TestARefusalOfTheOnlySendIsOne(t *testing.T) {
	for _, call := range spendings {
		for status, kind := range map[int]error{
			400: ErrValidation, 401: ErrUnauthenticated, 403: ErrPermissionDenied, 404: ErrNotFound, 422: ErrValidation, 429: ErrRateLimited,
		} {
			net := scripted(says(status, ``))
			err := call.do(t.Context(), stubbed(t, net, hasty(1)))
			assertKind(t, kind, err)
			assert.NotEmpty(t, apiOf(t, err).IdempotencyKey)
		}
		// The server says of a 429 that it has done nothing.
		net := scripted(says(429, ``), says(429, ``), says(401, ``))
		assertKind(t, ErrUnauthenticated, call.do(t.Context(), stubbed(t, net)))
	}
}

func TestAnAnswerThatLeavesTheOutcomeOpenIsUnknown(t *testing.T) {
	for _, call := range append(spendings[:len(spendings):len(spendings)], roadCalls[3]) {
		for name, only := range unansweredSends {
			t.Run(call.name+"/"+name, func(t *testing.T) {
				err := call.do(t.Context(), stubbed(t, scripted(only), hasty(1)))
				assertKind(t, ErrOutcomeUnknown, err)
				unknown, ok := as[*OutcomeUnknownError](err)
				require.True(t, ok)
				if call.name == "Wallet.Fund" {
					assert.Equal(t, Dollars(25), unknown.Amount)
					assert.Equal(t, "wallet.fund", unknown.Endpoint)
				}
			})
		}
	}
}

func TestALostRepeatAfterA429IsUnknownAndNothingElse(t *testing.T) {
	for _, call := range spendings {
		net := scripted(says(429, ``), breaks(io.ErrUnexpectedEOF))
		err := call.do(t.Context(), stubbed(t, net, hasty(2)))
		assertKind(t, ErrOutcomeUnknown, err)
		assert.Equal(t, 429, apiOf(t, err).StatusCode)
	}
	net := scripted(says(429, ``), breaks(io.ErrUnexpectedEOF))
	err := roadCalls[3].do(t.Context(), stubbed(t, net, hasty(2)))
	assertKind(t, ErrOutcomeUnknown, err)
}

func TestOnlyTheEndOfThePaymentItselfSettlesAnUnansweredSend(t *testing.T) {
	for _, call := range spendings[:3] {
		for name, first := range unansweredSends {
			t.Run(call.name+"/"+name, func(t *testing.T) {
				net := scripted(first, says(200, call.ok))
				require.NoError(t, call.do(t.Context(), stubbed(t, net)))
				assertSent(t, call, net.requests(), 2)

				net = scripted(first, says(402, declinedBody))
				assertKind(t, ErrPaymentDeclined, call.do(t.Context(), stubbed(t, net)))

				net = scripted(first, says(202, actionBody))
				assertKind(t, ErrRequiresAction, call.do(t.Context(), stubbed(t, net)))

				net = scripted(first, says(402, authenticationBody))
				assertKind(t, ErrRequiresAction, call.do(t.Context(), stubbed(t, net)))
			})
		}
	}
}

func TestADeclineIsTyped(t *testing.T) {
	for _, call := range spendings[:3] {
		net := scripted(says(402, declinedBody, "X-Request-Id", "req-402"))
		err := call.do(t.Context(), stubbed(t, net))
		assertKind(t, ErrPaymentDeclined, err)
		declined, ok := as[*PaymentDeclinedError](err)
		require.True(t, ok)
		assert.Equal(t, "insufficient_funds", declined.DeclineCode)
		assert.Equal(t, testIntent, declined.PaymentIntentID)
		assert.Equal(t, "payment_declined", declined.Code)
		assert.Equal(t, net.requests()[0].key(), declined.IdempotencyKey)
		assert.Equal(t, 402, apiOf(t, err).StatusCode)
		assert.Equal(t, 1, net.count(), "the same card is not tried again")
		assert.Contains(t, err.Error(), "insufficient_funds")
	}
}

func TestThreeDSecureIsOneOutcomeHoweverItIsSaid(t *testing.T) {
	for _, call := range spendings[:3] {
		for _, tt := range []struct {
			status int
			body   string
		}{{202, actionBody}, {200, actionBody}, {201, actionBody}, {402, authenticationBody}} {
			t.Run(fmt.Sprint(call.name, " ", tt.status), func(t *testing.T) {
				net := scripted(says(tt.status, tt.body))
				err := call.do(t.Context(), stubbed(t, net))
				assertKind(t, ErrRequiresAction, err)
				action, ok := as[*RequiresActionError](err)
				require.True(t, ok)
				assert.Equal(t, testIntent, action.PaymentIntentID)
				assert.Equal(t, "pi_3TestIntent_secret_canary9", action.ClientSecret.Reveal())
				assert.Equal(t, tt.status, apiOf(t, err).StatusCode)
				assert.NotEmpty(t, action.IdempotencyKey)
				_, declined := as[*PaymentDeclinedError](err)
				assert.False(t, declined)
				assert.Equal(t, 1, net.count(), "never asked for again")
				assertNotPrinted(t, err, "secret_canary9")
			})
		}
	}
}

func TestOnlyAFinishedPaymentIsASuccess(t *testing.T) {
	envelope := func(data string) string { return `{"data":` + data + `,"error":null,"meta":{"request_id":"req-1"}}` }
	for _, word := range []string{"processing", "pending", "failed", "canceled", "requires_payment_method", "requires_capture", "open", "unpaid", "a word of next year"} {
		t.Run(word, func(t *testing.T) {
			for _, call := range spendings[:3] {
				err := call.do(t.Context(), stubbed(t, scripted(says(200, envelope(`{"payment":{"status":"`+word+`","payment_intent_id":"pi_1"}}`)))))
				assertKind(t, ErrOutcomeUnknown, err)
				assert.Equal(t, 200, apiOf(t, err).StatusCode)
			}
		})
	}
	for name, body := range map[string]string{
		"a payment status beside the payment":  envelope(`{"payment_status":"processing"}`),
		"a status alone":                       envelope(`{"status":"pending","payment_intent_id":"pi_1"}`),
		"a checkout page":                      envelope(`{"checkout_url":"https://checkout.stripe.com/c/pay/cs_test_1","session_id":"cs_test_1"}`),
		"a checkout page and a message":        envelope(`{"checkout_url":"https://checkout.stripe.com/c/pay/cs_test_1","message":"Pay here."}`),
		"no data":                              envelope(`null`),
		"empty data":                           envelope(`{}`),
		"empty data of PHP's":                  envelope(`[]`),
		"null for a payment":                   envelope(`{"payment":null}`),
		"an empty payment":                     envelope(`{"payment":{}}`),
		"an empty payment of PHP's":            envelope(`{"payment":[]}`),
		"nothing":                              ``,
		"a list":                               envelope(`[{"payment":{"status":"succeeded"}}]`),
		"an amount that cannot be read":        envelope(`{"payment":{"status":"succeeded","amount":"lots"}}`),
		"data that is not JSON after all":      `{"data":{"payment":{"status":"succeeded",}},"error":null}`,
		"an error beside a finished payment":   `{"data":{"payment":{"status":"succeeded"}},"error":"log in again"}`,
		"an error that nobody knows, no data":  `{"data":null,"error":"Something went wrong"}`,
		"an error with a code of the server's": `{"data":null,"error":{"code":"server_error","message":"x"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			err := roadCalls[1].do(t.Context(), stubbed(t, scripted(says(200, body))))
			assertKind(t, ErrOutcomeUnknown, err)
			assert.Equal(t, 200, apiOf(t, err).StatusCode)
		})
	}
	for name, body := range map[string]string{
		"a status of incomplete":      envelope(`{"subscription":{"id":45,"plan_id":3,"status":"incomplete"}}`),
		"a subscription past due":     envelope(`{"subscription":{"id":45,"plan_id":3,"status":"past_due"}}`),
		"a checkout page":             envelope(`{"checkout_url":"https://checkout.stripe.com/c/pay/cs_test_1"}`),
		"a payment still processing":  envelope(`{"subscription":{"id":45,"status":"active"},"payment":{"status":"processing"}}`),
		"a payment status of pending": envelope(`{"message":"ok","payment_status":"pending"}`),
		"nothing":                     envelope(`null`),
	} {
		t.Run("subscription: "+name, func(t *testing.T) {
			err := spendings[1].do(t.Context(), stubbed(t, scripted(says(200, body))))
			assertKind(t, ErrOutcomeUnknown, err)
		})
	}
}

func TestA202WithoutAStateIsUnknown(t *testing.T) {
	for _, call := range spendings[:3] {
		for _, body := range []string{`{"data":{"message":"Accepted."},"error":null}`, ``, `{}`, `{"data":{"payment":{}}}`} {
			err := call.do(t.Context(), stubbed(t, scripted(says(202, body))))
			assertKind(t, ErrOutcomeUnknown, err)
			assert.Equal(t, 202, apiOf(t, err).StatusCode)
		}
		require.NoError(t, call.do(t.Context(), stubbed(t, scripted(says(201, call.ok)))), "201 is a success like 200")
	}
}

func TestAReplayOfAnotherRequestIsUnknown(t *testing.T) {
	for name, mark := range map[string]func(data string) step{
		"in meta":   func(d string) step { return says(200, `{"data":`+d+`,"meta":{"idempotency_replay":true}}`) },
		"in data":   func(d string) step { return says(200, `{"data":`+d[:len(d)-1]+`,"idempotency_replay":"true"}}`) },
		"at top":    func(d string) step { return says(200, `{"data":`+d+`,"idempotency_replay":1}`) },
		"in header": func(d string) step { return says(200, `{"data":`+d+`}`, "Idempotency-Replay", "true") },
	} {
		t.Run(name, func(t *testing.T) {
			for _, data := range []string{
				`{"payment":{"status":"succeeded","amount":40,"payment_intent_id":"pi_1"}}`,
				`{"payment":{"status":"succeeded","payment_intent_id":"pi_1"},"amount":"40.00"}`,
			} {
				err := roadCalls[1].do(t.Context(), stubbed(t, scripted(mark(data))))
				assertKind(t, ErrOutcomeUnknown, err)
				assert.True(t, apiOf(t, err).IdempotencyReplay)
			}
			require.NoError(t, roadCalls[1].do(t.Context(), stubbed(t, scripted(mark(`{"payment":{"status":"succeeded","amount":"25.00"}}`)))))

			plan := `{"subscription":{"id":45,"plan_id":9,"status":"active"}}`
			assertKind(t, ErrOutcomeUnknown, spendings[1].do(t.Context(), stubbed(t, scripted(mark(plan)))))
			plan = `{"subscription":{"id":45,"plan_id":"3","status":"active"}}`
			require.NoError(t, spendings[1].do(t.Context(), stubbed(t, scripted(mark(plan)))))
		})
	}
}

func TestFundReturnsWhatIsPaid(t *testing.T) {
	f, err := stubbed(t, scripted(says(200, fundedBody))).Wallet.Fund(t.Context(), fundParams())
	require.NoError(t, err)
	assert.Equal(t, &Funding{Status: "succeeded", PaymentIntentID: testIntent, Balance: Ptr(Cents(5050))}, f)

	f, err = stubbed(t, scripted(says(200, `{"data":{"status":"succeeded","message":"Wallet funded."},"error":null}`))).Wallet.Fund(t.Context(), fundParams())
	require.NoError(t, err)
	assert.Equal(t, &Funding{Status: "succeeded", Message: "Wallet funded."}, f)
	assert.Nil(t, f.Balance, "a balance that was not sent is not zero dollars")

	for _, body := range []string{
		`{"data":{"message":"Wallet funded."}}`, `{"success":false,"message":"Your card was refused"}`, `{"status":false,"balance":5}`,
		`{"data":{"balance":5},"errors":{"card":["refused"]}}`, `{"data":{"status":"rejected","balance":5}}`, `{"data":{"payment_status":"refused","balance":5}}`,
		`{"data":{"status":"queued","balance":5}}`, `{"data":{"payment":"failed","balance":5}}`, `{"data":{"payment":{"payment_intent_id":"pi_3TestIntent"}}}`,
	} {
		_, err = stubbed(t, scripted(says(200, body))).Wallet.Fund(t.Context(), fundParams())
		assertKind(t, ErrOutcomeUnknown, err)
		err = stubbed(t, scripted(says(200, body))).Call(t.Context(), post, "/wallet/fund", fundParams(), nil)
		assertKind(t, ErrOutcomeUnknown, err)
	}
}

// derived is the key of an operation, worked out apart from the package.
func derived(parts ...string) string {
	var all []byte
	for _, p := range parts {
		all = binary.BigEndian.AppendUint64(all, uint64(len(p)))
		all = append(all, p...)
	}
	sum := sha256.Sum256(all)
	return "mla1-" + hex.EncodeToString(sum[:20])
}

func TestAnOperationsKeyIsDerivedFromItsMeaningAlone(t *testing.T) {
	for _, tt := range []struct{ account, endpoint, name, want string }{
		{"7", "wallet.fund", "order-1041", "mla1-d0c959e44084c7b4899d53e54735dd7cab97287d"},
		{"7", "subscriptions.create", "order-1041", "mla1-0794d5fafc15c50bef2f8a80de09495da9ea313f"},
		{"42", "wallet.fund", "order-1041", "mla1-f92715f761bcc0186696f53fde2620e067463274"},
		{"7", "wallet.fund", "Größe 25 €", "mla1-a6305ab2fb7c17573513a67e24ffa327d3f0058e"},
	} {
		assert.Equal(t, tt.want, derived(tt.account, tt.endpoint, tt.name, "1"))
		assert.Equal(t, tt.want, operationKey(tt.account, tt.endpoint, tt.name, 1))
	}

	// On the wire: whatever may differ on a second attempt changes nothing.
	want := derived("7", "wallet.fund", "order-1041", "1")
	for name, tt := range map[string]struct {
		opts   []Option
		params WalletFundParams
	}{
		"as it is":         {nil, fundParams()},
		"another amount":   {nil, WalletFundParams{Amount: Cents(4010), PaymentMethodID: testMethod}},
		"another card":     {nil, WalletFundParams{Amount: Dollars(25), PaymentMethodID: "pm_other"}},
		"another token":    {[]Option{WithAccessToken("18|another"), WithAccount("7")}, fundParams()},
		"another base URL": {[]Option{WithBaseURL("https://other.example")}, fundParams()},
		"another key":      {[]Option{WithAPIKey("another")}, fundParams()},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // and at another time
				net := scripted(says(200, `{"data":{"payment":{"status":"succeeded"}}}`))
				var resp Response
				_, err := stubbed(t, net, tt.opts...).Wallet.Fund(t.Context(), tt.params, WithOperation("order-1041"), WithResponse(&resp), WithHeader("X-Trace", name))
				require.NoError(t, err)
				assert.Equal(t, want, net.requests()[0].key())
				assert.Equal(t, want, resp.IdempotencyKey)
			}
		})
	}

	seen := map[string]bool{want: true}
	for _, key := range []string{
		operationKey("8", "wallet.fund", "order-1041", 1), operationKey("7", "subscriptions.create", "order-1041", 1),
		operationKey("7", "wallet.fund", "order-1042", 1), operationKey("7", "wallet.fund", "order-1041", 2),
		operationKey("7w", "allet.fund", "order-1041", 1), operationKey("7", "wallet.fundorder", "-1041", 1),
	} {
		assert.False(t, seen[key], "another meaning is another key")
		seen[key] = true
	}
}

func TestAnUnnamedCallHasARandomKeyOfItsOwn(t *testing.T) {
	net := scripted(says(200, fundedBody))
	c := stubbed(t, net)
	for range 50 {
		require.NoError(t, roadCalls[1].do(t.Context(), c))
	}
	seen := map[string]bool{}
	for _, r := range net.requests() {
		assert.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, r.key())
		assert.False(t, seen[r.key()])
		seen[r.key()] = true
	}
}

// Scenario 4.
func TestANameThatIsOpenOrPaidStandsForOneRequestOnly(t *testing.T) {
	for name, first := range map[string]step{
		"unknown":         says(500, ``),
		"paid":            says(200, fundedBody),
		"requires action": says(202, actionBody),
		"lost":            breaks(io.ErrUnexpectedEOF),
	} {
		t.Run(name, func(t *testing.T) {
			net := scripted(first)
			c := stubbed(t, net, hasty(1))
			_, _ = c.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"))
			require.Equal(t, 1, net.count())
			for _, other := range []WalletFundParams{
				{Amount: Dollars(40), PaymentMethodID: testMethod},
				{Amount: Dollars(25), PaymentMethodID: "pm_card_mastercard"},
			} {
				for _, client := range []*Client{c, mustWith(t, c), mustWith(t, c, WithUserAgent("x"))} {
					var resp Response
					_, err := client.Wallet.Fund(t.Context(), other, WithOperation("order-1"), WithResponse(&resp))
					assertKind(t, ErrOperationMismatch, err)
					assert.Equal(t, 1, net.count(), "no request")
				}
			}
			// A body field makes it another request too.
			_, err := c.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"), WithBodyField("note", "x"))
			assertKind(t, ErrOperationMismatch, err)

			// The same body again looks first, and sends nothing that was paid; another name
			// is another operation.
			_, err = c.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"))
			assert.Equal(t, name == "paid", err == nil, err)
			_, _ = c.Wallet.Fund(t.Context(), WalletFundParams{Amount: Dollars(40), PaymentMethodID: testMethod}, WithOperation("order-2"))
			seen := net.requests()
			reads := 1
			if name == "paid" {
				reads = 0
			}
			require.Len(t, seen, 2+reads)
			assert.Equal(t, "POST", seen[0].Method)
			assert.Equal(t, "POST", seen[1+reads].Method)
			for _, read := range seen[1 : 1+reads] {
				assert.Equal(t, "GET", read.Method)
			}
			assert.NotEqual(t, seen[0].key(), seen[1+reads].key())
		})
	}
}

func mustWith(t *testing.T, c *Client, opts ...Option) *Client {
	t.Helper()
	d, err := c.With(opts...)
	require.NoError(t, err)
	return d
}

func TestAKeyOfTheCallersThatIsOpenOrPaidStandsForOneRequestOnly(t *testing.T) {
	net := scripted(says(500, ``))
	c := stubbed(t, net, hasty(1))
	_, err := c.Wallet.Fund(t.Context(), fundParams(), WithIdempotencyKey("k-1"))
	assertKind(t, ErrOutcomeUnknown, err)
	_, err = c.Wallet.Fund(t.Context(), WalletFundParams{Amount: Dollars(40), PaymentMethodID: testMethod}, WithIdempotencyKey("k-1"))
	assertKind(t, ErrOperationMismatch, err)
	_, err = c.Subscriptions.Create(t.Context(), SubscriptionCreateParams{PlanID: 3, PaymentMethodID: testMethod}, WithIdempotencyKey("k-1"))
	assertKind(t, ErrOperationMismatch, err)
	assert.Equal(t, 1, net.count())
}

func TestANameIsFreeAgainAfterADefiniteNo(t *testing.T) {
	for name, first := range map[string]step{
		"declined":     says(402, declinedBody),
		"refused":      says(422, `{"message":"too little"}`),
		"rate limited": says(429, ``),
		"not sent":     breaks(&net.OpError{Op: "dial", Err: io.EOF}),
	} {
		t.Run(name, func(t *testing.T) {
			network := scripted(first, says(200, `{"data":{"payment":{"status":"succeeded"}}}`))
			c := stubbed(t, network, hasty(1), WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitOff}))
			_, err := c.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"))
			require.Error(t, err)
			_, err = c.Wallet.Fund(t.Context(), WalletFundParams{Amount: Dollars(25), PaymentMethodID: "pm_other"}, WithOperation("order-1"))
			require.NoError(t, err)
		})
	}
}

func TestANameIsTakenWhileItsFirstCallIsOnTheWay(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	net := scripted(func(r *http.Request) (*http.Response, error) {
		close(arrived)
		<-answer
		return says(402, declinedBody)(r)
	})
	c := stubbed(t, net)
	done := make(chan error)
	go func() {
		_, err := c.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"))
		done <- err
	}()
	<-arrived
	_, err := c.Wallet.Fund(t.Context(), WalletFundParams{Amount: Dollars(40), PaymentMethodID: testMethod}, WithOperation("order-1"))
	assertKind(t, ErrOperationMismatch, err)
	close(answer)
	assertKind(t, ErrPaymentDeclined, <-done)
	assert.Equal(t, 1, net.count())
}

func TestAnOperationBelongsToTheAccountNotToTheToken(t *testing.T) {
	net := scripted(says(200, `{"data":{"id":7}}`), says(500, ``), says(200, `{"data":{"id":7}}`), says(200, fundedBody))
	c, err := New(WithHTTPClient(&http.Client{Transport: net}), WithAccessToken("17|first"), hasty(1))
	require.NoError(t, err)
	_, err = c.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"))
	assertKind(t, ErrOutcomeUnknown, err)
	again := mustWith(t, c, WithAccessToken("18|second"))
	_, err = again.Wallet.Fund(t.Context(), WalletFundParams{Amount: Dollars(40), PaymentMethodID: testMethod}, WithOperation("order-1"))
	assertKind(t, ErrOperationMismatch, err)
}

// meScript answers GET /me with a body and everything else with a funding.
func meScript(me step) *script {
	return scripted(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/api/agents/v1/me" {
			return me(r)
		}
		return says(200, fundedBody)(r)
	})
}

func countMe(s *script) (n int) {
	for _, r := range s.requests() {
		if r.Path == "/api/agents/v1/me" {
			n++
		}
	}
	return n
}

func TestTheActingAccountIsAskedForOncePerToken(t *testing.T) {
	for _, body := range []string{`{"data":{"id":7,"name":"x"},"error":null}`, `{"data":{"user":{"id":"7"}}}`, `{"id":7}`} {
		net := meScript(says(200, body))
		c, err := New(WithHTTPClient(&http.Client{Transport: net}), WithAccessToken("17|first"), hasty(1))
		require.NoError(t, err)
		for i := range 3 {
			_, err := c.Wallet.Fund(t.Context(), fundParams(), WithOperation(fmt.Sprint("order-", i)))
			require.NoError(t, err)
			assert.Equal(t, derived("7", "wallet.fund", fmt.Sprint("order-", i), "1"), net.requests()[net.count()-1].key())
		}
		_, err = mustWith(t, c, WithUserAgent("x")).Wallet.Fund(t.Context(), fundParams(), WithOperation("order-9"))
		require.NoError(t, err)
		assert.Equal(t, 1, countMe(net), "remembered for all clients of one New")
		assert.Equal(t, "Bearer 17|first", net.requests()[0].Header.Get("Authorization"))

		_, err = mustWith(t, c, WithAccessToken("18|second")).Wallet.Fund(t.Context(), fundParams(), WithOperation("order-10"))
		require.NoError(t, err)
		assert.Equal(t, 2, countMe(net), "another token may be somebody else's")
	}
}

func TestTheActingAccountIsNotAskedForWhereItIsKnown(t *testing.T) {
	session := &Session{AccessToken: NewSecret("17|first"), User: &User{ID: 42}}
	net := meScript(says(500, ``))
	hc := WithHTTPClient(&http.Client{Transport: net})
	given, err := New(hc, WithAccessToken("17|first"), WithAccount("42"), hasty(1))
	require.NoError(t, err)
	bySession, err := New(hc, WithSession(session), hasty(1))
	require.NoError(t, err)
	plain, err := New(hc, hasty(1))
	require.NoError(t, err)
	for i, c := range []*Client{given, bySession, plain.WithSession(session)} {
		_, err := c.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1041"))
		require.NoError(t, err)
		assert.Equal(t, "mla1-f92715f761bcc0186696f53fde2620e067463274", net.requests()[i].key())
	}
	assert.Zero(t, countMe(net))

	_, err = plain.WithSession(session).Wallet.Fund(t.Context(), fundParams())
	require.NoError(t, err)
	assert.Zero(t, countMe(net), "nor for a call without a name")
}

func TestRefreshKeepsTheActingAccount(t *testing.T) {
	net := scripted(
		says(200, fundedBody),
		says(200, `{"data":{"access_token":"19|fresh","token_type":"Bearer"}}`),
		says(200, fundedBody),
	)
	c, err := New(WithHTTPClient(&http.Client{Transport: net}), WithSession(&Session{AccessToken: NewSecret("17|first"), User: &User{ID: 42}}), hasty(1))
	require.NoError(t, err)
	_, err = c.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1041"))
	require.NoError(t, err)
	_, err = c.Auth.Refresh(t.Context(), AuthRefreshParams{})
	require.NoError(t, err)
	_, err = c.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1041"))
	require.NoError(t, err)
	assert.Equal(t, 2, net.count(), "the journal answers the second one")
	_, err = c.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1042"))
	require.NoError(t, err)
	seen := net.requests()
	assert.Equal(t, derived("42", "wallet.fund", "order-1042", "1"), seen[2].key())
	assert.Equal(t, "Bearer 19|fresh", seen[2].Header.Get("Authorization"))
}

func TestAnOperationWithoutAnAccountIsAnErrorAndSendsNothing(t *testing.T) {
	for name, me := range map[string]step{
		"no id":     says(200, `{"data":{"name":"x"}}`),
		"id 0":      says(200, `{"data":{"id":0}}`),
		"a UUID":    says(200, `{"data":{"id":"0b7c"}}`),
		"no data":   says(200, `{"data":null}`),
		"401":       says(401, `{"message":"Unauthenticated."}`),
		"500":       says(500, ``),
		"no answer": breaks(io.ErrUnexpectedEOF),
	} {
		t.Run(name, func(t *testing.T) {
			net := meScript(me)
			c, err := New(WithHTTPClient(&http.Client{Transport: net}), WithAccessToken("17|first"), hasty(2))
			require.NoError(t, err)
			_, err = c.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"))
			require.Error(t, err)
			require.NotErrorIs(t, err, ErrOutcomeUnknown)
			assert.Contains(t, err.Error(), "WithAccount")
			assert.Equal(t, countMe(net), net.count(), "nothing but GET /me")
		})
	}
}

// The ways around.
func TestHeadersThatDecideWhatARequestIsAreRefused(t *testing.T) {
	net := scripted(says(200, fundedBody))
	c := stubbed(t, net)
	for _, name := range []string{
		"Authorization", "authorization", "AUTHORIZATION", "Proxy-Authorization", "Cookie", "cookie", "Host", "host",
		"Content-Type", "content-length", "Content-Encoding", "Content-Md5", "Transfer-Encoding", "transfer-encoding",
		"Idempotency-Key", "idempotency-key", "IDEMPOTENCY-KEY", "X-Idempotency-Key", "Accept", "Connection", "Upgrade", "Te", "Trailer", "Expect",
		"key", "X-Agent-Token", "User-Agent", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
	} {
		_, err := c.Wallet.Fund(t.Context(), fundParams(), WithHeader(name, "x"))
		assertParam(t, "WithHeader", err)
		_, err = c.With(WithRequestDefaults(WithHeader(name, "x")))
		assertParam(t, "WithHeader", err)
	}
	assert.Zero(t, net.count())

	_, err := c.Wallet.Fund(t.Context(), fundParams(), WithHeader("x-trace-id", "abc"), WithHeader("X-Trace-Id", "def"))
	require.NoError(t, err)
	assert.Equal(t, []string{"abc", "def"}, net.requests()[0].Header["X-Trace-Id"])
}

func TestBodyFieldsThatTheCallHasAreRefused(t *testing.T) {
	net := scripted(says(200, fundedBody))
	c := stubbed(t, net)
	fund := func(opts ...RequestOption) error { return roadCalls[1].do(t.Context(), c, opts...) }
	for _, name := range []string{"amount", "Amount", "AMOUNT", "payment_method_id", "Payment_Method_ID"} {
		assertParam(t, "WithBodyField "+name, fund(WithBodyField(name, 1)))
	}
	assertParam(t, "WithBodyField note", fund(WithBodyField("note", 1), WithBodyField("note", 2)))
	assertParam(t, "WithBodyField seed", roadCalls[3].do(t.Context(), c, WithBodyField("seed", 1)))
	assertParam(t, "WithBodyField key", roadCalls[3].do(t.Context(), c, WithBodyField("key", "another")))
	assertParam(t, "WithBodyField amount", c.Call(t.Context(), post, "/wallet/fund", map[string]any{"amount": 25}, nil, WithBodyField("amount", 1)))
	assertParam(t, "key", c.Generation.Call(t.Context(), post, "/api/v6/images/x", map[string]any{"key": "another"}, nil))
	assertParam(t, "in", c.Call(t.Context(), get, "/wallet/balance", nil, nil, WithBodyField("a", 1)))
	// The server's framework takes such a field for the request's method, wherever it is.
	assertParam(t, "_method", fund(WithBodyField("_method", "DELETE")))
	assertParam(t, "_method", c.Call(t.Context(), post, "/wallet/auto-funding", map[string]any{"_method": "PUT"}, nil))
	assertParam(t, "in", c.Call(t.Context(), get, "/wallet/balance", url.Values{"_method": {"DELETE"}}, nil))
	assert.Zero(t, net.count())

	require.NoError(t, fund(WithBodyField("coupon", "X"), WithBodyField("tags", []string{"a"})))
	assert.JSONEq(t, `{"amount":25,"payment_method_id":"pm_card_visa","coupon":"X","tags":["a"]}`, net.requests()[0].Body)
	require.NoError(t, pauseWith(t, c, WithBodyField("why", "rest")))
	assert.JSONEq(t, `{"why":"rest"}`, net.requests()[1].Body, "where the call has no body, they are one")
}

func pauseWith(t *testing.T, c *Client, opts ...RequestOption) error {
	return c.Call(t.Context(), post, "/subscriptions/45/pause", nil, nil, opts...)
}

func TestSecretsAreNotSentAsTheWordRedacted(t *testing.T) {
	type deep struct{ Inner []map[string]any }
	type hidden struct{ s *Secret }
	net := scripted(says(200, fundedBody))
	c := stubbed(t, net)
	s := NewSecret("password-canary-5d")
	for _, v := range []any{
		s, &s, []Secret{s}, map[string]any{"s": s}, deep{[]map[string]any{{"x": []any{&s}}}}, hidden{&s}, AuthLoginParams{Password: s},
		&Session{AccessToken: s}, Card{Number: s}, [1]any{s}, map[Secret]int{s: 1}, struct{ C *Card }{&Card{}},
	} {
		in := map[string]any{"v": v}
		assertParam(t, "in", c.Call(t.Context(), post, "/teams", in, nil))
		assertParam(t, "in", c.Call(t.Context(), post, "/nobody/knows", in, nil))
		assertParam(t, "in", c.Generation.Call(t.Context(), post, "/api/v6/images/x", in, nil))
		_, err := c.Generation.Run(t.Context(), "/api/v6/images/x", in)
		assertParam(t, "in", err)
		assertParam(t, "WithBodyField v", roadCalls[1].do(t.Context(), c, WithBodyField("v", v)))
	}
	assert.Zero(t, net.count())
	require.NoError(t, c.Call(t.Context(), post, "/teams", map[string]any{"email": "a@example.com", "n": []int{1}, "nil": nil}, nil))
}

func TestCallTakesCleanPathsOnly(t *testing.T) {
	net := scripted(says(200, fundedBody))
	c := stubbed(t, net)
	for _, path := range []string{
		"", "wallet/fund", "//wallet/fund", "/wallet//fund", "/wallet/fund/", "/wallet/./fund", "/wallet/../wallet/fund", "/wallet/fund/..",
		"/wallet/%66und", "/wallet/fund%2F", "/wallet/fund?x=1", "/wallet/fund#x", "/wallet\\fund", "/wallet/fund\n", "/wallet/fund ", " /wallet/fund",
		"/wallet/\x00", "/wallet/fund\x7f", "https://evil.example/wallet/fund",
	} {
		assertParam(t, "path", c.Call(t.Context(), post, path, nil, nil))
		assertParam(t, "path", c.Generation.Call(t.Context(), post, path, nil, nil))
	}
	assertParam(t, "path", c.Call(t.Context(), post, "/api/v6/images/text2img", nil, nil))
	assertParam(t, "path", c.Call(t.Context(), post, "/api/agents/v1/wallet/fund", nil, nil))
	for _, path := range []string{"/api/agents", "/api/agents/v1/wallet/fund", "/wallet/fund", "/api"} {
		assertParam(t, "path", c.Generation.Call(t.Context(), post, path, nil, nil))
	}
	for _, method := range []string{"", "post", "HEAD", "CONNECT", "OPTIONS", "POST ", "GET\n"} {
		assertParam(t, "method", c.Call(t.Context(), method, "/wallet/fund", nil, nil))
	}
	assertParam(t, "in", c.Call(t.Context(), post, "/wallet/fund", url.Values{"amount": {"25"}}, nil))
	assertParam(t, "out", c.Call(t.Context(), get, "/wallet/balance", nil, map[string]any{}))
	assertParam(t, "out", c.Call(t.Context(), get, "/wallet/balance", nil, (*map[string]any)(nil)))
	for _, in := range []any{5, "x", []int{1}, make(chan int), func() {}} {
		err := c.Call(t.Context(), post, "/wallet/fund", in, nil)
		assertKind(t, ErrValidation, err)
	}
	assert.Zero(t, net.count())
}

func TestCallWalksTheRoadOfItsRow(t *testing.T) {
	net := scripted(says(500, ``))
	c := stubbed(t, net)
	require.Error(t, c.Call(t.Context(), get, "/wallet/transactions", url.Values{"type": {"credit"}, "limit": {"5"}}, nil))
	assert.Equal(t, 3, net.count())
	assert.Equal(t, "limit=5&type=credit", net.requests()[0].Query)

	net = scripted(says(500, ``))
	err := stubbed(t, net).Call(t.Context(), put, "/subscriptions/45", map[string]any{"new_plan_id": 9}, nil)
	assertKind(t, ErrOutcomeUnknown, err)
	assert.Equal(t, 3, net.count())
	assert.NotEmpty(t, net.requests()[0].key(), "keyed, as its row says")
	assert.Contains(t, err.Error(), "subscriptions.change_plan")

	for _, tt := range []struct{ method, path string }{{post, "/nobody/knows"}, {del, "/teams/4"}, {patch, "/me"}} {
		net = scripted(says(500, ``))
		err = stubbed(t, net).Call(t.Context(), tt.method, tt.path, nil, nil)
		assertKind(t, ErrOutcomeUnknown, err)
		assert.Equal(t, 1, net.count(), "sent once")
		assert.Empty(t, net.requests()[0].key())
	}

	net = scripted(says(500, ``))
	err = stubbed(t, net).Call(t.Context(), post, "/nobody/knows", nil, nil, WithIdempotencyKey("k"))
	assertKind(t, ErrOutcomeUnknown, err)
	assert.Equal(t, 3, net.count(), "the caller vouches for the key")

	net = scripted(says(200, `{"data":{"a":1}}`))
	var out struct{ A int }
	require.NoError(t, stubbed(t, net).Call(t.Context(), get, "/nobody/knows", nil, &out))
	assert.Equal(t, 1, out.A)
	assert.Equal(t, "Bearer "+testToken, net.requests()[0].Header.Get("Authorization"))
}

func TestKeysAreRefusedWhereNoneIsTaken(t *testing.T) {
	net := scripted(says(200, balanceBody))
	c := stubbed(t, net)
	for _, call := range []roadCall{roadCalls[0], roadCalls[2], roadCalls[3]} {
		assertParam(t, "WithIdempotencyKey", call.do(t.Context(), c, WithIdempotencyKey("k")))
	}
	for _, call := range []roadCall{roadCalls[0], roadCalls[2]} {
		assertParam(t, "WithOperation", call.do(t.Context(), c, WithOperation("o")))
	}
	assertParam(t, "WithOperation", c.Call(t.Context(), post, "/nobody/knows", nil, nil, WithOperation("o")))
	assert.Zero(t, net.count())
}

// wiretap records every byte that a server receives.
type wiretap struct {
	net.Listener
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *wiretap) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return tapped{c, l}, err
}

func (l *wiretap) bytes() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

type tapped struct {
	net.Conn
	l *wiretap
}

func (c tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	c.l.buf.Write(p[:n])
	return n, err
}

func tap(t *testing.T, handler http.Handler) (*wiretap, string) {
	t.Helper()
	srv := httptest.NewUnstartedServer(handler)
	l := &wiretap{Listener: srv.Listener}
	srv.Listener = l
	srv.Start()
	t.Cleanup(srv.Close)
	return l, srv.URL
}

// loggingTransport writes down all that it is given.
type loggingTransport struct {
	mu  sync.Mutex
	log strings.Builder
}

func (l *loggingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	out, err := httputil.DumpRequestOut(req, true)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log.Write(out)
	if err == nil {
		in, _ := httputil.DumpResponse(resp, true)
		l.log.Write(in)
	}
	return resp, err
}

// noisyTrace writes down all that httptrace tells.
func noisyTrace(w io.Writer) *httptrace.ClientTrace {
	var mu sync.Mutex
	say := func(v ...any) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = fmt.Fprintln(w, v...)
	}
	return &httptrace.ClientTrace{
		GetConn:              func(a string) { say("get", a) },
		GotConn:              func(i httptrace.GotConnInfo) { say("got", i.Reused) },
		Got1xxResponse:       func(code int, h textproto.MIMEHeader) error { say(code, h); return nil },
		DNSStart:             func(i httptrace.DNSStartInfo) { say(i.Host) },
		ConnectStart:         func(n, a string) { say(n, a) },
		TLSHandshakeDone:     func(s tls.ConnectionState, err error) { say(s.ServerName, err) },
		WroteHeaderField:     func(k string, v []string) { say(k, v) },
		WroteRequest:         func(i httptrace.WroteRequestInfo) { say(i.Err) },
		GotFirstResponseByte: func() { say("first byte") },
	}
}

// captured is what a function writes to standard error and standard output.
func captured(t *testing.T, f func()) string {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	stderr, stdout, logger := os.Stderr, os.Stdout, slog.Default()
	os.Stderr, os.Stdout = w, w
	slog.SetDefault(slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})))
	read := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		read <- string(b)
	}()
	func() {
		defer func() {
			os.Stderr, os.Stdout = stderr, stdout
			slog.SetDefault(logger)
			_ = w.Close()
		}()
		f()
	}()
	return <-read
}

// Scenario 15.
func TestNoByteOfACardReachesAnybodyButStripe(t *testing.T) {
	const number, cvc = "4000056655665556", "9137"
	card, err := NewCard("3782 822463 10005", 12, time.Now().Year()+3, cvc) // four digits are told from chance
	require.NoError(t, err)
	visa, err := NewCard(number, 12, time.Now().Year()+3, "737")
	require.NoError(t, err)
	const pm = `{"id":"pm_1Made","object":"payment_method","type":"card","livemode":false,"card":{"brand":"visa","last4":"5556","exp_month":12,"exp_year":2031}}`
	said := func(status int, kind, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			echo, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Request-Id", "req_stripe")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, text, echo)
		}
	}
	elsewhere, elsewhereURL := tap(t, answers(200, pm))

	for name, tt := range map[string]struct {
		stripe http.HandlerFunc
		works  bool
	}{
		"Stripe takes it":                 {answers(200, pm), true},
		"Stripe echoes a page":            {said(400, "text/html", "<title>Bad %[1]s</title>%[1]s"), false},
		"Stripe echoes a page as success": {said(200, "text/html", "<html>%s"), false},
		"Stripe echoes in an error":       {said(402, "application/json", `{"error":{"type":"card_error","code":"card_declined","decline_code":"%[1]s","message":"declined %[1]s","param":"%[1]s"}}`), false},
		"Stripe echoes in the result":     {said(200, "application/json", `{"id":"pm_%[1]s","object":"payment_method","card":{"brand":"%[1]s"}}`), false},
		"Stripe is down":                  {said(500, "text/plain", "%s"), false},
		"Stripe hangs up":                 {hangsUp, false},
		"Stripe redirects to another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhereURL+r.URL.Path, http.StatusTemporaryRedirect)
		}, false},
		"the publishable key has changed": {func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer pk_test_old" {
				said(401, "application/json", `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided"}}`)(w, r)
				return
			}
			answers(200, pm)(w, r)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var asked int
			modelslab, url := tap(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				key := "pk_test_new"
				if asked++; asked == 1 {
					key = "pk_test_old"
				}
				if strings.HasSuffix(r.URL.Path, "/wallet/fund") {
					answers(200, fundedBody)(w, r)
					return
				}
				answers(200, `{"publishable_key":"`+key+`"}`)(w, r)
			}))
			stripe, stripeURL := tap(t, tt.stripe)

			var logs, trace bytes.Buffer
			transport := &loggingTransport{}
			ctx := httptrace.WithClientTrace(t.Context(), noisyTrace(&trace))
			var printed bytes.Buffer
			stderr := captured(t, func() {
				c := stubbed(t, transport, WithBaseURL(url), WithStripeBaseURL(stripeURL), WithLogger(slog.New(slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))))
				for _, given := range []Card{visa, card} {
					var resp Response
					made, err := c.Billing.TokenizeCard(ctx, given, WithResponse(&resp))
					assert.Equal(t, tt.works, err == nil, "%v", err)
					for _, v := range []any{made, err, resp, given, c} {
						_, _ = fmt.Fprintf(&printed, "%v %+v %#v %s %q %x %d\n", v, v, v, v, v, v, v)
					}
					for e := err; e != nil; {
						_, _ = fmt.Fprintf(&printed, "%v %+v %#v\n", e, e, e)
						u, ok := e.(interface{ Unwrap() error })
						if !ok {
							break
						}
						e = u.Unwrap()
					}
					if made != nil {
						_, err = c.Wallet.Fund(ctx, WalletFundParams{Amount: Dollars(25), PaymentMethodID: made.ID})
						assert.NoError(t, err)
					}
				}
				slog.Debug("outcome", "client", c, "card", visa)
			})

			assert.Contains(t, stripe.bytes(), number, "Stripe itself is told")
			assert.NotEmpty(t, modelslab.bytes())
			assert.NotEmpty(t, logs.String())
			assert.NotEmpty(t, trace.String())
			assert.Contains(t, stderr, "outcome")
			for stream, text := range map[string]string{
				"ModelsLab": modelslab.bytes(), "the other host": elsewhere.bytes(), "the caller's transport": transport.log.String(), "the logger": logs.String(),
				"the trace": trace.String(), "standard error": stderr, "what was printed": printed.String(),
			} {
				for _, canary := range []string{number, "4000 0566 5566 5556", number[:12], "378282246310005", "3782 822463", fmt.Sprintf("%x", number), `"` + cvc + `"`, "cvc%5D=" + cvc, "cvc]=" + cvc} {
					assert.NotContains(t, text, canary, stream)
				}
			}
			assert.NotContains(t, trace.String(), "pk_test", "hooks of the caller's context do not see Stripe's headers")
			assert.NotContains(t, trace.String(), strings.TrimPrefix(stripeURL, "http://"), "nor that it is called")
			assert.NotContains(t, stripe.bytes(), testToken)
			assert.NotContains(t, stripe.bytes(), testKey)
		})
	}
	assert.Empty(t, elsewhere.bytes(), "no connection is made where a redirect points")
}

func TestACardIsNotCarriedIntoAnotherAccount(t *testing.T) {
	card, err := NewCard("4242424242424242", 12, time.Now().Year()+3, "737")
	require.NoError(t, err)
	stripeKey := func(key string) *script { return scripted(says(200, `{"publishable_key":"`+key+`"}`)) }
	t.Run("a secret key is refused unprinted", func(t *testing.T) {
		for _, key := range []string{"sk_live_canary5", "sk_test_canary5", "rk_live_canary5", "pk_canary5", "pk_live_canary5\\nx", "4242424242424242"} {
			stripe := serve(t, answers(200, `{}`))
			_, err := stubbed(t, stripeKey(key), WithStripeBaseURL(stripe.URL)).Billing.TokenizeCard(t.Context(), card)
			require.Error(t, err)
			assertNotPrinted(t, err, "canary5", "4242424242424242")
			assert.Zero(t, stripe.count())
		}
	})
	t.Run("the real Stripe with another origin", func(t *testing.T) {
		_, err := stubbed(t, stripeKey("pk_live_x"), WithBaseURL("https://modelslab.example")).Billing.TokenizeCard(t.Context(), card)
		assertParam(t, "WithBaseURL", err)
	})
	t.Run("a live key from loopback", func(t *testing.T) {
		stripe := serve(t, answers(200, `{}`))
		_, err := stubbed(t, stripeKey("pk_live_x"), WithBaseURL("http://127.0.0.1:9"), WithStripeBaseURL(stripe.URL)).Billing.TokenizeCard(t.Context(), card)
		assertParam(t, "publishable_key", err)
		assert.Zero(t, stripe.count())
	})
	t.Run("a payment method of another mode", func(t *testing.T) {
		stripe := serve(t, answers(200, `{"id":"pm_1","object":"payment_method","livemode":true,"card":{}}`))
		pm, err := stubbed(t, stripeKey("pk_test_x"), WithStripeBaseURL(stripe.URL)).Billing.TokenizeCard(t.Context(), card)
		require.Error(t, err)
		assert.Nil(t, pm)
	})
}

func TestAPaymentThatIsCalledByHandIsHeldToWhatItsMethodHolds(t *testing.T) {
	for _, tt := range []struct{ method, path, body string }{
		{put, "/subscriptions/45", `{"data":{"subscription":{"id":45,"plan_id":3,"status":"past_due"}}}`},
		{post, "/subscriptions/45/resume", `{"data":{"status":"incomplete"}}`},
		{post, "/subscriptions/45/reset-cycle", `{"data":{"payment_status":"unpaid"}}`},
		{post, "/subscriptions/45/fix-payment", `{"data":{"success":false}}`},
		{post, "/subscriptions/charge-amount", `{"data":{"status":"processing"}}`},
		{post, "/wallet/coupons/redeem", `{"data":{"status":"failed"}}`},
		{put, "/wallet/auto-funding", `{"data":{"success":false}}`},
		{post, "/wallet/withdraw", `{"data":{"status":"rejected"}}`},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			for _, out := range []any{nil, new(map[string]any)} {
				c := stubbed(t, scripted(says(200, tt.body)))
				assertKind(t, ErrOutcomeUnknown, c.Call(t.Context(), tt.method, tt.path, nil, out))
				c = stubbed(t, scripted(says(200, `{"data":{"message":"Done.","status":"active"}}`)))
				if strings.HasPrefix(tt.path, "/wallet/") || strings.HasSuffix(tt.path, "amount") {
					c = stubbed(t, scripted(says(200, `{"data":{"message":"Done."}}`)))
				}
				require.NoError(t, c.Call(t.Context(), tt.method, tt.path, nil, out))
			}
		})
	}
}
