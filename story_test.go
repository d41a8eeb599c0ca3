package modelslab_test

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// everywhere tells a story twice: in memory and fake time, and over a socket.
func everywhere(t *testing.T, story func(t *testing.T, srv *sandbox.Server), opts ...sandbox.Option) {
	t.Helper()
	t.Run("in memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv := sandbox.New(append([]sandbox.Option{sandbox.InMemory()}, opts...)...)
			defer srv.Close()
			story(t, srv)
		})
	})
	t.Run("on a listener", func(t *testing.T) {
		srv := sandbox.New(append([]sandbox.Option{sandbox.WithGenerationTime(0)}, opts...)...)
		defer srv.Close()
		story(t, srv)
	})
}

// arrive opens an account at the server and returns its client.
func arrive(t *testing.T, srv *sandbox.Server, email string) *modelslab.Client {
	t.Helper()
	client, err := modelslab.New(srv.ClientOptions()...)
	require.NoError(t, err)
	_, err = client.Auth.Signup(t.Context(), modelslab.AuthSignupParams{Email: email, Password: modelslab.NewSecret("correct horse"), Name: "Agent"})
	require.NoError(t, err)
	code, ok := srv.VerificationCode(email)
	require.True(t, ok)
	session, err := client.Auth.VerifyEmail(t.Context(), code)
	require.NoError(t, err)
	require.False(t, session.APIKey.IsZero())
	return client.WithSession(session)
}

// tokenize makes a payment method of one of Stripe's test numbers.
func tokenize(t *testing.T, client *modelslab.Client, number string) string {
	t.Helper()
	card, err := modelslab.NewCard(number, 12, time.Now().Year()+2, cardCVC)
	require.NoError(t, err)
	pm, err := client.Billing.TokenizeCard(t.Context(), card)
	require.NoError(t, err)
	assert.Equal(t, number[len(number)-4:], pm.Last4)
	return pm.ID
}

func balance(t *testing.T, client *modelslab.Client) modelslab.Amount {
	t.Helper()
	b, err := client.Wallet.Balance(t.Context())
	require.NoError(t, err)
	return b.Balance
}

func fund25(t *testing.T, client *modelslab.Client, pm string, opts ...modelslab.RequestOption) (*modelslab.Funding, error) {
	t.Helper()
	return client.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: pm}, opts...)
}

func TestStoryFromNothingToAnImage(t *testing.T) {
	everywhere(t, func(t *testing.T, srv *sandbox.Server) {
		client := arrive(t, srv, "agent@example.com")
		pm := tokenize(t, client, cardNumber)
		funding, err := fund25(t, client, pm)
		require.NoError(t, err)
		require.NotNil(t, funding.Balance)
		assert.Equal(t, modelslab.Dollars(25), *funding.Balance)

		job, err := client.Generation.Images.TextToImage(t.Context(), modelslab.TextToImageParams{
			ModelID: "flux", Prompt: "a lighthouse at dusk", Width: 256, Height: 512,
		})
		require.NoError(t, err)
		job, err = client.Generation.Wait(withinADay(t), job, modelslab.WaitParams{})
		require.NoError(t, err)
		require.Len(t, job.Output, 1)

		var file bytes.Buffer
		n, err := client.Generation.Download(t.Context(), job.Output[0], &file)
		require.NoError(t, err)
		assert.EqualValues(t, file.Len(), n)
		picture, err := png.Decode(&file)
		require.NoError(t, err)
		assert.Equal(t, 256, picture.Bounds().Dx())
		assert.Equal(t, 512, picture.Bounds().Dy())

		assert.Equal(t, modelslab.Cents(2498), balance(t, client), "the image was paid from the wallet")
		require.Len(t, srv.Charges(), 1)
		charge := srv.Charges()[0]
		assert.EqualValues(t, 2500, charge.Cents)
		assert.Equal(t, "agent@example.com", charge.Email)
		assert.Equal(t, pm, charge.PaymentMethodID)
		assert.Equal(t, funding.PaymentIntentID, charge.PaymentIntentID)

		for _, r := range srv.Requests() {
			if !r.Stripe {
				assert.NotContains(t, string(r.Body), cardNumber, "%s has seen the card", r.Path)
				assert.NotContains(t, string(r.Body), cardCVC, "%s has seen the card", r.Path)
			}
			if r.Endpoint == "media.get" || r.Stripe {
				assert.NotContains(t, r.Header.Get("Authorization"), "|", "%s has seen the token", r.Path)
			}
		}
		assert.False(t, asked(srv, "media.get")[0].Credentialed())
	})
}

func TestStoryADeclineThenAnotherCard(t *testing.T) {
	everywhere(t, func(t *testing.T, srv *sandbox.Server) {
		client := arrive(t, srv, "agent@example.com")
		for number, code := range map[string]string{
			"4000000000000002": "generic_decline", "4000000000009995": "insufficient_funds", "4000000000000069": "expired_card", "4000000000000127": "incorrect_cvc",
		} {
			_, err := fund25(t, client, tokenize(t, client, number))
			require.ErrorIs(t, err, modelslab.ErrPaymentDeclined)
			var declined *modelslab.PaymentDeclinedError
			require.ErrorAs(t, err, &declined)
			assert.Equal(t, code, declined.DeclineCode)
			status, err := client.Wallet.PaymentStatus(t.Context(), declined.PaymentIntentID)
			require.NoError(t, err)
			assert.True(t, status.IsFinal())
			assert.False(t, status.Succeeded())
		}
		assert.Empty(t, srv.Charges())
		assert.True(t, balance(t, client).IsZero())

		_, err := fund25(t, client, tokenize(t, client, cardNumber))
		require.NoError(t, err)
		assert.EqualValues(t, 2500, cents(srv))
		assert.Equal(t, modelslab.Dollars(25), balance(t, client))
	}, sandbox.WithoutRateLimits())
}

// Both ways in which a card can ask for its holder end in one outcome.
func TestStoryThreeDSecureThenTheHuman(t *testing.T) {
	for name, opts := range map[string][]sandbox.Option{
		"202": nil, "402": {sandbox.WithActionRequiredAs402()}, "202 kept": {sandbox.WithIdempotency(sandbox.Idempotency{Cache202: true})},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := sandbox.New(append([]sandbox.Option{sandbox.InMemory()}, opts...)...)
				defer srv.Close()
				client := arrive(t, srv, "agent@example.com")
				_, err := fund25(t, client, tokenize(t, client, "4000002760003184"))
				require.ErrorIs(t, err, modelslab.ErrRequiresAction)
				assert.NotErrorIs(t, err, modelslab.ErrPaymentDeclined)
				assert.Empty(t, srv.Charges())

				link := link25(t, client)
				assert.True(t, strings.HasPrefix(link.PaymentURL, srv.URL()))
				time.AfterFunc(time.Minute, func() { assert.NoError(t, srv.CompleteCheckout(link.SessionID)) })
				funding, err := client.Wallet.AwaitCheckout(withinADay(t), link, modelslab.AwaitParams{})
				require.NoError(t, err)
				assert.NotEmpty(t, funding.PaymentIntentID)
				assert.EqualValues(t, 2500, cents(srv))
				assert.Equal(t, modelslab.Dollars(25), balance(t, client))
			})
		})
	}
}

// Scenario 5: once the human has acted, the payment is read and not made again.
func TestStoryThreeDSecureCompleted(t *testing.T) {
	everywhere(t, func(t *testing.T, srv *sandbox.Server) {
		client := arrive(t, srv, "agent@example.com")
		_, err := fund25(t, client, tokenize(t, client, "4000002760003184"))
		var action *modelslab.RequiresActionError
		require.ErrorAs(t, err, &action)
		assert.True(t, strings.HasPrefix(action.ClientSecret.Reveal(), action.PaymentIntentID+"_secret_"))
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "_secret_")

		status, err := client.Wallet.PaymentStatus(t.Context(), action.PaymentIntentID)
		require.NoError(t, err)
		assert.Equal(t, "requires_action", status.Status)
		assert.False(t, status.IsFinal())

		require.NoError(t, srv.CompleteAction(action.PaymentIntentID))
		status, err = client.Wallet.PaymentStatus(t.Context(), action.PaymentIntentID)
		require.NoError(t, err)
		assert.True(t, status.Succeeded())
		require.NotNil(t, status.Amount)
		assert.Equal(t, modelslab.Dollars(25), *status.Amount)

		require.Len(t, srv.Charges(), 1)
		assert.Equal(t, modelslab.Dollars(25), balance(t, client))
		assert.Len(t, asked(srv, "wallet.fund"), 1)
	})
}

func TestStoryThreeDSecureFailed(t *testing.T) {
	everywhere(t, func(t *testing.T, srv *sandbox.Server) {
		client := arrive(t, srv, "agent@example.com")
		_, err := fund25(t, client, "pm_card_threeDSecure2Required")
		var action *modelslab.RequiresActionError
		require.ErrorAs(t, err, &action)
		require.NoError(t, srv.FailAction(action.PaymentIntentID))
		status, err := client.Wallet.PaymentStatus(t.Context(), action.PaymentIntentID)
		require.NoError(t, err)
		assert.True(t, status.IsFinal())
		assert.False(t, status.Succeeded())
		assert.Empty(t, srv.Charges())
	})
}

// lostAnswers are the ways to lose an answer once the money has moved.
var lostAnswers = map[string]sandbox.Fault{
	"connection dropped":  {Kind: sandbox.FaultDropAfter},
	"body cut short":      {Kind: sandbox.FaultCutBody},
	"proxy error":         {Kind: sandbox.Fault502, AfterWork: true},
	"server error":        {Kind: sandbox.Fault500, AfterWork: true},
	"a page with 200":     {Kind: sandbox.FaultHTML, AfterWork: true},
	"200 without a body":  {Kind: sandbox.FaultEmpty, AfterWork: true},
	"a redirect":          {Kind: sandbox.FaultRedirect, AfterWork: true},
	"gateway timeout":     {Kind: sandbox.Fault502, AfterWork: true, Status: 504},
	"longer than allowed": {Kind: sandbox.FaultLatency, AfterWork: true, Delay: 90 * time.Second},
}

// Whatever a server does with keys: never "failed" with a charge, never
// "succeeded" without one, never two charges.
func TestStoryALostAnswerChargesOnceInEveryMode(t *testing.T) {
	buys := []struct {
		name, endpoint string
		cents          int64
		buy            func(context.Context, *modelslab.Client) error
	}{
		{"fund", "wallet.fund", 2500, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_visa"}))
		}},
		{"subscribe", "subscriptions.create", 4700, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"}))
		}},
	}
	for _, mode := range sandbox.Modes() {
		for lost, fault := range lostAnswers {
			for _, b := range buys {
				t.Run(mode.Name+"/"+lost+"/"+b.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						srv, client := inSandbox(t, mode.Options...)
						fault.Endpoint = b.endpoint
						srv.Inject(fault)
						err := b.buy(t.Context(), client)

						assert.EqualValues(t, b.cents, cents(srv), "exactly one charge: %v", err)
						assert.Len(t, srv.Charges(), 1)
						if err != nil {
							require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown, "never failed with a charge")
							var unknown *modelslab.OutcomeUnknownError
							require.ErrorAs(t, err, &unknown)
							assert.Equal(t, asked(srv, b.endpoint)[0].IdempotencyKey, unknown.IdempotencyKey)
						}
						keys := keysOf(asked(srv, b.endpoint))
						for _, key := range keys {
							assert.Equal(t, keys[0], key, "one call, one key")
						}
						// What is repeated at all is settled where the server can settle it: not if
						// it has kept its own 500, nor while it is still at work.
						repeated := len(keys) > 1
						kept5xx := mode.Idempotency.Cache5xx && fault.Kind == sandbox.Fault500
						if repeated && mode.Settles && !kept5xx && fault.Kind != sandbox.FaultLatency {
							assert.NoError(t, err)
						}
						if !mode.Settles {
							assert.Error(t, err)
						}
						if fault.Kind == sandbox.FaultDropAfter || fault.Kind == sandbox.FaultCutBody || fault.Kind == sandbox.Fault502 {
							assert.True(t, repeated)
						}
					})
				})
			}
		}
	}
}

// A request that never arrived is sent again; the money moves then, once.
func TestStoryALostRequestIsSentAgain(t *testing.T) {
	for _, mode := range sandbox.Modes() {
		t.Run(mode.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, client := inSandbox(t, mode.Options...)
				srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore, Times: 2})
				_, err := fund25(t, client, "pm_card_visa")
				assert.EqualValues(t, 2500, cents(srv))
				if mode.Idempotency.KillAfterMove {
					require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
					return
				}
				require.NoError(t, err)
			})
		})
	}
}

// The same over a socket, where net/http has its own ideas about repeats.
func TestStoryALostAnswerOverASocket(t *testing.T) {
	for lost, fault := range lostAnswers {
		if fault.Delay > 0 {
			continue // a minute and a half of real time
		}
		t.Run(lost, func(t *testing.T) {
			srv := sandbox.New()
			defer srv.Close()
			client, err := modelslab.New(append(srv.Account(sandbox.AccountParams{}).ClientOptions(),
				modelslab.WithRetryPolicy(modelslab.RetryPolicy{MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond}))...)
			require.NoError(t, err)
			_, err = client.Wallet.Balance(t.Context()) // so that a connection is kept
			require.NoError(t, err)
			fault.Endpoint = "wallet.fund"
			srv.Inject(fault)
			_, err = fund25(t, client, "pm_card_visa")
			assert.Len(t, srv.Charges(), 1)
			assert.EqualValues(t, 2500, cents(srv))
			if err != nil {
				require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
			}
		})
	}
}

// Scenario 2: charged, the answer lost, and the repeat refused. The refusal
// settles the repeat and not the first sending.
func TestStoryARefusalOfTheRepeatSettlesNothing(t *testing.T) {
	for _, status := range []int{401, 403, 404, 409, 422, 429} {
		for lost, fault := range map[string]sandbox.Fault{"dropped": {Kind: sandbox.FaultDropAfter}, "cut": {Kind: sandbox.FaultCutBody}, "502": {Kind: sandbox.Fault502, AfterWork: true}} {
			t.Run(fmt.Sprintf("%d after %s", status, lost), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv, client := inSandbox(t)
					fault.Endpoint = "wallet.fund"
					srv.Inject(fault)
					srv.Inject(sandbox.Fault{
						Endpoint: "wallet.fund", Kind: sandbox.FaultAnswer, Times: -1, Status: status,
						Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"message":"Not now."}`),
					})
					funding, err := fund25(t, client, "pm_card_visa")
					assert.Nil(t, funding)
					var unknown *modelslab.OutcomeUnknownError
					require.ErrorAs(t, err, &unknown)
					assert.Equal(t, modelslab.Dollars(25), unknown.Amount)
					var api *modelslab.APIError
					require.ErrorAs(t, err, &api)
					assert.Equal(t, status, api.StatusCode, "the last word is held")
					for _, kind := range allKinds {
						if kind != modelslab.ErrOutcomeUnknown {
							assert.NotErrorIs(t, err, kind)
						}
					}
					assert.Len(t, srv.Charges(), 1)

					// The key in the error settles it once the server is itself again.
					srv.ClearFaults()
					var resp modelslab.Response
					funding, err = fund25(t, client, "pm_card_visa", modelslab.WithIdempotencyKey(unknown.IdempotencyKey), modelslab.WithResponse(&resp))
					require.NoError(t, err)
					assert.True(t, resp.IdempotencyReplay)
					assert.Equal(t, srv.Charges()[0].PaymentIntentID, funding.PaymentIntentID)
					assert.Len(t, srv.Charges(), 1)
				})
			})
		}
	}
}

// A decline of the repeat is the decline of the payment: the server has looked.
func TestStoryADeclineAfterALostRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := inSandbox(t)
		srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore})
		_, err := fund25(t, client, "pm_card_chargeDeclined")
		require.ErrorIs(t, err, modelslab.ErrPaymentDeclined)
		assert.Empty(t, srv.Charges())
	})
}

// Scenario 4: while a payment's outcome is open, its name stands for that payment.
func TestStoryAnOpenPaymentKeepsItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := inSandbox(t)
		order := modelslab.WithOperation("order-1041")
		srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter})
		srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.Fault502, Times: 2})
		_, err := fund25(t, client, "pm_card_visa", order)
		require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
		sent := len(asked(srv, "wallet.fund"))

		_, err = fund25(t, client, "pm_card_mastercard", order)
		require.ErrorIs(t, err, modelslab.ErrOperationMismatch, "another card")
		_, err = client.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(30), PaymentMethodID: "pm_card_visa"}, order)
		require.ErrorIs(t, err, modelslab.ErrOperationMismatch, "another amount")
		assert.NotErrorIs(t, err, modelslab.ErrOutcomeUnknown)
		assert.Len(t, asked(srv, "wallet.fund"), sent, "nothing was sent")

		var resp modelslab.Response
		_, err = fund25(t, client, "pm_card_visa", order, modelslab.WithResponse(&resp))
		require.NoError(t, err, "the same payment by the same name is asked for again")
		assert.True(t, resp.IdempotencyReplay)
		assert.Len(t, srv.Charges(), 1)

		_, err = client.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(30), PaymentMethodID: "pm_card_visa"}, order)
		require.ErrorIs(t, err, modelslab.ErrOperationMismatch, "nor is a paid one free for another")
		assert.Len(t, srv.Charges(), 1)
	})
}

// The name of a payment outlives the process, the token and the client.
func TestStoryANamedPaymentIsMadeOnceByManyProcesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.New(sandbox.InMemory())
		defer srv.Close()
		for range 3 {
			account := srv.Account(sandbox.AccountParams{Email: "agent@example.com"}) // a new token each time
			client, err := modelslab.New(account.ClientOptions()...)
			require.NoError(t, err)
			_, err = fund25(t, client, "pm_card_visa", modelslab.WithOperation("order-1041"))
			require.NoError(t, err)
		}
		assert.Len(t, srv.Charges(), 1)
		keys := keysOf(asked(srv, "wallet.fund"))
		assert.Len(t, keys, 3)
		assert.Equal(t, keys[0], keys[2])
	})
}

func TestStoryTheLimiterIsHitAndWaitedOut(t *testing.T) {
	for name, headers := range map[string]sandbox.RateLimitHeaders{
		"absolute": sandbox.RateLimitAbsolute, "relative": sandbox.RateLimitRelative, "on 429 only": sandbox.RateLimitResetOn429, "silent": sandbox.RateLimitSilent,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, client := inSandbox(t, sandbox.WithRateLimitHeaders(headers))
				start := time.Now()
				for range 17 { // the billing limiter lets 15 pass a minute
					_, err := client.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(10), PaymentMethodID: "pm_card_visa"})
					require.NoError(t, err)
				}
				assert.GreaterOrEqual(t, time.Since(start), time.Minute)
				assert.Less(t, time.Since(start), 65*time.Second)
				assert.EqualValues(t, 17_000, cents(srv))
				refused := 0
				for _, r := range asked(srv, "wallet.fund") {
					if r.Status == http.StatusTooManyRequests {
						refused++
					}
				}
				if headers == sandbox.RateLimitAbsolute || headers == sandbox.RateLimitRelative {
					assert.Zero(t, refused, "a limiter known to be empty costs no request")
				} else {
					assert.Equal(t, 1, refused)
				}
			})
		})
	}

	t.Run("or refused at once, with no request", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv, client := inSandbox(t, sandbox.WithRateLimit(sandbox.LimiterBilling, 1))
			patient := client
			client, err := client.With(modelslab.WithRateLimitPolicy(modelslab.RateLimitPolicy{Mode: modelslab.RateLimitRefuse}))
			require.NoError(t, err)
			_, err = fund25(t, client, "pm_card_visa")
			require.NoError(t, err)
			_, err = fund25(t, client, "pm_card_visa")
			var limited *modelslab.RateLimitError
			require.ErrorAs(t, err, &limited)
			assert.Equal(t, modelslab.LimiterBilling, limited.Limiter)
			assert.Positive(t, limited.RetryAfter)
			assert.Len(t, asked(srv, "wallet.fund"), 1)
			assert.Equal(t, 0, client.RateLimit(modelslab.LimiterBilling).Remaining)
			assert.True(t, patient.RateLimit(modelslab.LimiterBilling).Known, "clients of one New share what is known")
			elapse(limited.RetryAfter)
			_, err = fund25(t, client, "pm_card_visa")
			require.NoError(t, err)
		})
	})

	t.Run("and a deadline that is nearer is not slept away", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, client := inSandbox(t, sandbox.WithRateLimit(sandbox.LimiterBilling, 1))
			_, err := fund25(t, client, "pm_card_visa")
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			start := time.Now()
			_, err = client.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_visa"})
			require.ErrorIs(t, err, modelslab.ErrRateLimited)
			assert.Zero(t, time.Since(start))
		})
	})
}

func TestStoryAFullQueueIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.New(sandbox.InMemory(), sandbox.WithQueueLimit(1), sandbox.WithGenerationTime(20*time.Second))
		defer srv.Close()
		client, err := modelslab.New(srv.Account(sandbox.AccountParams{BalanceCents: 100}).ClientOptions()...)
		require.NoError(t, err)
		start := time.Now()
		for range 2 {
			_, err := client.Generation.Images.TextToImage(t.Context(), lighthouse())
			require.NoError(t, err)
		}
		assert.GreaterOrEqual(t, time.Since(start), 20*time.Second)
		assert.Equal(t, modelslab.Cents(96), balance(t, client), "two images, and no third")
	})
}

func TestStoryAnExpiredToken(t *testing.T) {
	everywhere(t, func(t *testing.T, srv *sandbox.Server) {
		client := arrive(t, srv, "agent@example.com")
		session, err := client.Auth.Login(t.Context(), modelslab.AuthLoginParams{
			Email: "agent@example.com", Password: modelslab.NewSecret("correct horse"), TokenExpiry: modelslab.TokenExpiryWeek,
		})
		require.NoError(t, err)
		require.NotNil(t, session.ExpiresAt)
		assert.WithinDuration(t, time.Now().AddDate(0, 0, 7), session.ExpiresAt.Time, time.Minute)
		client = client.WithSession(session)
		require.True(t, srv.ExpireToken(session.AccessToken.Reveal()))

		_, err = fund25(t, client, "pm_card_visa")
		require.ErrorIs(t, err, modelslab.ErrUnauthenticated)
		assert.NotContains(t, err.Error(), session.AccessToken.Reveal())
		assert.Len(t, asked(srv, "wallet.fund"), 1, "an answer, not a mishap")
		assert.Empty(t, srv.Charges())

		session, err = client.Auth.Login(t.Context(), modelslab.AuthLoginParams{Email: "agent@example.com", Password: modelslab.NewSecret("correct horse")})
		require.NoError(t, err)
		_, err = fund25(t, client.WithSession(session), "pm_card_visa")
		require.NoError(t, err)
		assert.Len(t, srv.Charges(), 1)
	})
}

func TestStoryASessionIsRefreshedAndEnded(t *testing.T) {
	everywhere(t, func(t *testing.T, srv *sandbox.Server) {
		client := arrive(t, srv, "agent@example.com")
		session, err := client.Auth.Refresh(t.Context(), modelslab.AuthRefreshParams{TokenExpiry: modelslab.TokenExpiryNever})
		require.NoError(t, err)
		assert.Nil(t, session.ExpiresAt)
		assert.True(t, balance(t, client).IsZero(), "the client goes on with the new token")

		saved, err := session.Save()
		require.NoError(t, err)
		loaded, err := modelslab.LoadSession(saved)
		require.NoError(t, err)
		another, err := modelslab.New(append(srv.ClientOptions(), modelslab.WithSession(loaded))...)
		require.NoError(t, err)
		assert.True(t, balance(t, another).IsZero())

		require.NoError(t, another.Auth.Logout(t.Context()))
		_, err = client.Wallet.Balance(t.Context())
		require.ErrorIs(t, err, modelslab.ErrUnauthenticated, "it was the same token")
		require.ErrorIs(t, another.Auth.Logout(t.Context()), modelslab.ErrUnauthenticated)
	})
}

func TestStoryAWrongCode(t *testing.T) {
	everywhere(t, func(t *testing.T, srv *sandbox.Server) {
		client, err := modelslab.New(srv.ClientOptions()...)
		require.NoError(t, err)
		password := modelslab.NewSecret("correct horse")
		_, err = client.Auth.Signup(t.Context(), modelslab.AuthSignupParams{Email: "agent@example.com", Password: password})
		require.NoError(t, err)
		_, err = client.Auth.Login(t.Context(), modelslab.AuthLoginParams{Email: "agent@example.com", Password: password})
		require.ErrorIs(t, err, modelslab.ErrPermissionDenied, "not verified yet")

		_, err = client.Auth.VerifyEmail(t.Context(), "not-the-code")
		require.ErrorIs(t, err, modelslab.ErrValidation)
		assert.NotContains(t, err.Error(), "not-the-code")

		old, _ := srv.VerificationCode("agent@example.com")
		require.NoError(t, client.Auth.ResendVerification(t.Context(), "agent@example.com"))
		require.NoError(t, client.Auth.ResendVerification(t.Context(), "nobody@example.com"), "nobody learns who has an account")
		_, err = client.Auth.VerifyEmail(t.Context(), old)
		require.ErrorIs(t, err, modelslab.ErrValidation, "a new mail, a new code")

		code, _ := srv.VerificationCode("agent@example.com")
		session, err := client.Auth.VerifyLink(t.Context(), code)
		require.NoError(t, err)
		assert.True(t, session.User.Verified)
		_, err = client.Auth.VerifyEmail(t.Context(), code)
		require.ErrorIs(t, err, modelslab.ErrValidation, "a code works once")
	})
}

func TestStoryAServerThatKnowsTheOtherNameOnly(t *testing.T) {
	everywhere(t, func(t *testing.T, srv *sandbox.Server) {
		client := arrive(t, srv, "agent@example.com")
		assert.True(t, balance(t, client).IsZero())
		assert.Len(t, asked(srv, "auth.verify"), 1)
	}, sandbox.WithoutRoute("auth.verify_email"))
}

func TestStorySubscribe(t *testing.T) {
	everywhere(t, func(t *testing.T, srv *sandbox.Server) {
		client := arrive(t, srv, "agent@example.com")
		plans, err := client.Subscriptions.Plans(t.Context())
		require.NoError(t, err)
		require.NotNil(t, plans.PayAsYouGo)
		var plan modelslab.Plan
		for _, p := range plans.SubscriptionPlans {
			if plan.ID == 0 || p.Price.Less(*plan.Price) {
				plan = p
			}
		}
		bought, err := client.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: plan.ID, PaymentMethodID: tokenize(t, client, cardNumber)})
		require.NoError(t, err)
		require.NotNil(t, bought.Subscription)
		assert.True(t, bought.Subscription.Active())
		status, err := client.Subscriptions.Status(t.Context(), bought.Subscription.ID)
		require.NoError(t, err)
		assert.Equal(t, plan.ID, status.PlanID)
		assert.Equal(t, plan.Price, status.Amount)
		list, err := client.Subscriptions.List(t.Context())
		require.NoError(t, err)
		assert.Len(t, list, 1)
		require.Len(t, srv.Charges(), 1)
		assert.Equal(t, modelslab.Cents(srv.Charges()[0].Cents), *plan.Price)

		job, err := client.Generation.Images.TextToImage(t.Context(), lighthouse())
		require.NoError(t, err)
		_, err = client.Generation.Wait(withinADay(t), job, modelslab.WaitParams{})
		require.NoError(t, err, "a plan generates from an empty wallet")
	})
}

func TestStorySubscribeWithCardsThatDoNotPay(t *testing.T) {
	everywhere(t, func(t *testing.T, srv *sandbox.Server) {
		client := arrive(t, srv, "agent@example.com")
		_, err := client.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_chargeDeclined"})
		require.ErrorIs(t, err, modelslab.ErrPaymentDeclined)
		_, err = client.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_authenticationRequired"})
		require.ErrorIs(t, err, modelslab.ErrRequiresAction)
		list, err := client.Subscriptions.List(t.Context())
		require.NoError(t, err)
		assert.Empty(t, list)
		assert.Empty(t, srv.Charges())
	})
}

// The framework's shapes, amounts as text, envelopes everywhere: another server, the same story.
func TestStoryOnAServerOfOtherHabits(t *testing.T) {
	everywhere(t, func(t *testing.T, srv *sandbox.Server) {
		client := arrive(t, srv, "agent@example.com")
		_, err := client.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(5), PaymentMethodID: "pm_card_visa"})
		require.ErrorIs(t, err, modelslab.ErrValidation)
		var api *modelslab.APIError
		require.ErrorAs(t, err, &api)
		assert.Contains(t, api.Fields, "amount")

		_, err = fund25(t, client, tokenize(t, client, cardNumber))
		require.NoError(t, err)
		assert.Equal(t, modelslab.Dollars(25), balance(t, client))
		page, err := client.Wallet.Transactions(t.Context(), modelslab.TransactionsParams{})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
		assert.Equal(t, modelslab.Dollars(25), page.Items[0].Amount)
	}, sandbox.WithFrameworkErrors(), sandbox.WithAmountsAsStrings(), sandbox.WithEnvelopeEverywhere(), sandbox.WithLoginPage(), sandbox.WithRateLimitHeaders(sandbox.RateLimitSilent))
}

func TestStoryAJobThatFails(t *testing.T) {
	for _, outcome := range []sandbox.GenerationOutcome{sandbox.GenerationFails, sandbox.GenerationErrs} {
		t.Run(string(outcome), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := sandbox.New(sandbox.InMemory(), sandbox.WithGenerationOutcome(outcome))
				defer srv.Close()
				client, err := modelslab.New(srv.Account(sandbox.AccountParams{BalanceCents: 100}).ClientOptions()...)
				require.NoError(t, err)
				job, err := client.Generation.Images.TextToImage(t.Context(), lighthouse())
				require.NoError(t, err)
				last, err := client.Generation.Wait(withinADay(t), job, modelslab.WaitParams{})
				require.ErrorIs(t, err, modelslab.ErrGenerationFailed)
				assert.Equal(t, job.ID, last.ID)
				assert.True(t, last.Done())
				assert.Equal(t, modelslab.Dollars(1), balance(t, client), "the price is given back")
			})
		})
	}
}

// Stripe's key is rotated under a running program.
func TestStoryTheStripeKeyIsRotated(t *testing.T) {
	everywhere(t, func(t *testing.T, srv *sandbox.Server) {
		client := arrive(t, srv, "agent@example.com")
		tokenize(t, client, cardNumber)
		srv.SetPublishableKey("pk_test_51Rotated")
		pm := tokenize(t, client, "5555555555554444")
		_, err := fund25(t, client, pm)
		require.NoError(t, err)
		assert.Len(t, asked(srv, "billing.stripe_config"), 2)
	})
}
