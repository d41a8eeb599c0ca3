package modelslab_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// inSandbox is a client with an account of its own at a server in memory.
func inSandbox(t testing.TB, opts ...sandbox.Option) (*sandbox.Server, *modelslab.Client) {
	t.Helper()
	srv := sandbox.New(append([]sandbox.Option{sandbox.InMemory()}, opts...)...)
	t.Cleanup(srv.Close)
	client, err := modelslab.New(srv.Account(sandbox.AccountParams{}).ClientOptions()...)
	require.NoError(t, err)
	return srv, client
}

// asked are the requests that the server saw at an endpoint.
func asked(srv *sandbox.Server, endpoint string) (all []sandbox.Request) {
	for _, r := range srv.Requests() {
		if r.Endpoint == endpoint {
			all = append(all, r)
		}
	}
	return all
}

func keysOf(requests []sandbox.Request) (keys []string) {
	for _, r := range requests {
		keys = append(keys, r.IdempotencyKey)
	}
	return keys
}

// cents is all that was ever charged.
func cents(srv *sandbox.Server) (sum int64) {
	for _, c := range srv.Charges() {
		sum += c.Cents
	}
	return sum
}

// withinADay is long enough for every checkout, and ends a test whose wait does not.
func withinADay(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	t.Cleanup(cancel)
	return ctx
}

func link25(t testing.TB, c *modelslab.Client) *modelslab.PaymentLink {
	t.Helper()
	link, err := c.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)})
	require.NoError(t, err)
	return link
}

func TestAwaitCheckoutWaitsForTheHuman(t *testing.T) {
	every := sandbox.Idempotency{Cache202: true, Cache402: true, Cache422: true, Cache429: true, Cache5xx: true}
	tests := []struct {
		name string
		opts []sandbox.Option
	}{
		{"the server says 202", nil},
		{"the server says 402", []sandbox.Option{sandbox.WithUnfinishedCheckout(402)}},
		{"the server says 409", []sandbox.Option{sandbox.WithUnfinishedCheckout(409)}},
		{"the server says 422", []sandbox.Option{sandbox.WithUnfinishedCheckout(422)}},
		{"the server keeps its 202 under each key", []sandbox.Option{sandbox.WithIdempotency(every)}},
		{"the server keeps its 402 under each key", []sandbox.Option{sandbox.WithUnfinishedCheckout(402), sandbox.WithIdempotency(every)}},
		{"the server keeps its 422 under each key", []sandbox.Option{sandbox.WithUnfinishedCheckout(422), sandbox.WithIdempotency(every)}},
		{"Stripe tells the server before the client asks", []sandbox.Option{sandbox.WithCheckoutWebhook()}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, client := inSandbox(t, tt.opts...)
				link := link25(t, client)
				start := time.Now()
				time.AfterFunc(25*time.Second, func() { assert.NoError(t, srv.CompleteCheckout(link.SessionID)) })

				var polls []modelslab.CheckoutPoll
				funding, err := client.Wallet.AwaitCheckout(withinADay(t), link, modelslab.AwaitParams{Progress: func(p modelslab.CheckoutPoll) { polls = append(polls, p) }})
				require.NoError(t, err)
				assert.NotEmpty(t, funding.PaymentIntentID)
				assert.Equal(t, 30*time.Second, time.Since(start), "every ten seconds")
				require.Len(t, polls, 3)
				for i, p := range polls {
					assert.Equal(t, i+1, p.Poll)
					assert.Equal(t, time.Duration(i)*10*time.Second, p.Elapsed)
					require.ErrorIs(t, p.Err, modelslab.ErrCheckoutPending)
				}
				balance, err := client.Wallet.Balance(t.Context())
				require.NoError(t, err)
				assert.Equal(t, modelslab.Dollars(25), balance.Balance)
				assert.EqualValues(t, 2500, cents(srv))
			})
		})
	}
}

func TestAwaitCheckoutHasAKeyForEachPoll(t *testing.T) {
	await := func(t *testing.T, faults ...sandbox.Fault) (keys []string, session string) {
		srv, client := inSandbox(t, sandbox.WithFault(faults...))
		link := link25(t, client)
		time.AfterFunc(25*time.Second, func() { assert.NoError(t, srv.CompleteCheckout(link.SessionID)) })
		_, err := client.Wallet.AwaitCheckout(withinADay(t), link, modelslab.AwaitParams{})
		require.NoError(t, err)
		assert.EqualValues(t, 2500, cents(srv))
		return keysOf(asked(srv, "wallet.confirm_checkout")), link.SessionID
	}
	t.Run("made of the session and the poll's number", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			keys, _ := await(t)
			require.Len(t, keys, 4)
			assert.Len(t, slices.Compact(slices.Sorted(slices.Values(keys))), 4, "all differ")
			for _, key := range keys {
				assert.Regexp(t, `^mla1-[0-9a-f]{40}$`, key)
			}
		})
	})
	t.Run("the same in another process", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			first, second := onStage(t), onStage(t)
			for _, s := range []*stage{first, second} {
				s.on("GET /wallet/transactions?type=credit", prepared{status: 200, body: `{"data":[]}`})
				s.on(confirmCall, prepared{status: 202}, prepared{status: 202}, prepared{status: 200, body: `{"data":{"balance":25}}`})
				_, err := s.Wallet.AwaitCheckout(withinADay(t), &modelslab.PaymentLink{SessionID: "cs_test_a1"}, modelslab.AwaitParams{})
				require.NoError(t, err)
			}
			assert.Equal(t, first.keys("/confirm-checkout"), second.keys("/confirm-checkout"))
			other := onStage(t)
			other.on("GET /wallet/transactions?type=credit", prepared{status: 200, body: `{"data":[]}`})
			other.on(confirmCall, prepared{status: 200, body: `{"data":{"balance":25}}`})
			_, err := other.Wallet.AwaitCheckout(withinADay(t), &modelslab.PaymentLink{SessionID: "cs_test_b2"}, modelslab.AwaitParams{})
			require.NoError(t, err)
			assert.NotContains(t, first.keys("/confirm-checkout"), other.keys("/confirm-checkout")[0], "another session has other keys")
		})
	})
	t.Run("kept by the repeats of one poll", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			keys, _ := await(t, sandbox.Fault{Endpoint: "wallet.confirm_checkout", Kind: sandbox.FaultDropBefore})
			require.Len(t, keys, 5)
			assert.Equal(t, keys[0], keys[1])
			assert.NotEqual(t, keys[1], keys[2])
		})
	})
	t.Run("kept by a poll that got no answer at all, until it gets one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			keys, _ := await(t, sandbox.Fault{Endpoint: "wallet.confirm_checkout", Kind: sandbox.Fault502, Times: 4})
			require.Len(t, keys, 7, "three attempts, two, and two polls more")
			for _, key := range keys[:5] {
				assert.Equal(t, keys[0], key)
			}
			assert.NotEqual(t, keys[4], keys[5])
		})
	})
}

func TestAwaitCheckoutKeepsItsDistance(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		0: 10 * time.Second, time.Nanosecond: 5 * time.Second, time.Second: 5 * time.Second, 5 * time.Second: 5 * time.Second, 7 * time.Second: 7 * time.Second, time.Minute: time.Minute,
	} {
		t.Run(asked.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t)
				s.on("GET /wallet/transactions?type=credit", prepared{status: 200, body: `{"data":[]}`})
				s.on(confirmCall, prepared{status: 202}, prepared{status: 202}, prepared{status: 200, body: `{"data":{"balance":25}}`})
				start := time.Now()
				_, err := s.Wallet.AwaitCheckout(withinADay(t), &modelslab.PaymentLink{SessionID: "cs_test_a1"}, modelslab.AwaitParams{Interval: asked})
				require.NoError(t, err)
				assert.Equal(t, 2*want, time.Since(start))
			})
		})
	}
}

const (
	creditsCall = "GET /wallet/transactions?type=credit"
	noCredits   = `{"data":{"items":[]}}`
)

// awaitOnStage waits for a link of $25 that was made now and lives an hour.
func awaitOnStage(t *testing.T, s *stage) (*modelslab.Funding, error) {
	now := modelslab.Timestamp{Time: time.Now().UTC()}
	expires := modelslab.Timestamp{Time: now.Add(time.Hour)}
	return s.Wallet.AwaitCheckout(withinADay(t), &modelslab.PaymentLink{
		SessionID: "cs_test_a1", Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25), ExpiresAt: &expires,
	}, modelslab.AwaitParams{})
}

func TestAwaitCheckoutSeesThatTheCreditIsThere(t *testing.T) {
	credit := func(id string, dollars, createdAt string) string {
		return `{"id":1,"transaction_id":"` + id + `","type":"credit","amount":` + dollars + `,"status":"success","created_at":"` + createdAt + `"}`
	}
	page := func(items ...string) prepared {
		return prepared{status: 200, body: `{"data":{"items":[` + strings.Join(items, ",") + `],"wallet":{"balance":25}}}`}
	}
	const later, before = "2000-01-01T00:00:30Z", "1999-12-31T23:00:00Z"
	settled := prepared{status: 409, body: `{"error":{"code":"checkout_already_confirmed","message":"Confirmed before.","details":{}}}`}
	settledWithID := prepared{status: 409, body: `{"error":{"code":"checkout_already_confirmed","message":"Confirmed before.","details":{"payment_intent_id":"pi_3Link"}}}`}
	refusedWithID := prepared{status: 422, body: `{"error":{"code":"checkout_already_confirmed","message":"Confirmed before.","details":{"payment_intent_id":"pi_3Link"}}}`}
	pending := prepared{status: 202}
	tests := []struct {
		name    string
		credits []prepared // before the first poll, after it, …
		confirm []prepared
		payment string // the status of pi_3Link
		polls   int
		found   bool // the rest is refused in the end, by a 404
	}{
		{"before the first poll, by its session", []prepared{page(credit("cs_test_a1", "25", before))}, []prepared{pending}, "", 0, true},
		{"before a later poll", []prepared{page(), page(credit("cs_test_a1", "25", later))}, []prepared{pending}, "", 1, true},
		{"on 409, by the payment that it names", []prepared{page()}, []prepared{settledWithID}, "succeeded", 1, true},
		{"on 422, by the payment that it names", []prepared{page()}, []prepared{refusedWithID}, "succeeded", 1, true},
		{"on 409, by a credit with the payment's id", []prepared{page(), page(credit("pi_3Link", "25", later))}, []prepared{settledWithID}, "", 1, true},

		{"not by a credit of that sum alone", []prepared{page(credit("pi_3Other", "25", later))}, []prepared{pending}, "", 2, false},
		{"not on 409 by the one credit of that sum since then", []prepared{page(), page(credit("pi_3Other", "25", later))}, []prepared{settled}, "", 2, false},
		{"not on 409 by an older credit", []prepared{page(credit("pi_3Old", "25", before))}, []prepared{settled}, "", 2, false},
		{"not on 409 by two of that sum", []prepared{page(credit("pi_3One", "25", later), credit("pi_3Two", "25", later))}, []prepared{settled}, "", 2, false},
		{"not on 409 by another sum", []prepared{page(credit("pi_3Other", "24.99", later))}, []prepared{settled}, "", 2, false},
		{"not on 409 by a payment that is pending", []prepared{page()}, []prepared{settledWithID}, "requires_action", 2, false},
		{"not by a debit", []prepared{{status: 200, body: `{"data":[{"id":1,"transaction_id":"cs_test_a1","type":"debit","amount":25,"status":"success"}]}`}}, []prepared{pending}, "", 2, false},
		{"not by a credit that failed", []prepared{{status: 200, body: `{"data":[{"id":1,"transaction_id":"cs_test_a1","type":"credit","amount":25,"status":"failed"}]}`}}, []prepared{pending}, "", 2, false},
		{"and a ledger that cannot be read stops nothing", []prepared{{status: 500}}, []prepared{{status: 200, body: `{"data":{"balance":25}}`}}, "", 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t)
				s.on(creditsCall, tt.credits...)
				gone := prepared{status: 404, body: `{"error":{"code":"checkout_not_found","message":"Gone."}}`}
				s.on(confirmCall, append(slices.Clone(tt.confirm), gone)...)
				payment := prepared{status: 404}
				if tt.payment != "" {
					payment = prepared{status: 200, body: `{"data":{"status":"` + tt.payment + `"}}`}
				}
				s.on("GET /payments/pi_3Link/status", payment)
				funding, err := awaitOnStage(t, s)
				assert.Len(t, s.keys("/confirm-checkout"), tt.polls)
				if !tt.found {
					require.ErrorIs(t, err, modelslab.ErrNotFound)
					assert.Nil(t, funding)
					return
				}
				require.NoError(t, err)
				assert.NotEmpty(t, funding.Status)
			})
		})
	}
}

// A 409 can be the server's "not yet", and another payment of the same sum no proof of this one.
func TestAwaitCheckoutTakesNoOtherPaymentForItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := inSandbox(t, sandbox.WithUnfinishedCheckout(409))
		link := link25(t, client)
		elapse(2 * time.Second)
		_, err := client.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_visa"})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		funding, err := client.Wallet.AwaitCheckout(ctx, link, modelslab.AwaitParams{})
		require.ErrorIs(t, err, context.DeadlineExceeded, "nobody has paid the link")
		assert.Nil(t, funding)
		assert.EqualValues(t, 2500, cents(srv))
	})
}

// Nor is a plan bought otherwise, meanwhile, the one that the link is for.
func TestAwaitCheckoutTakesNoOtherSubscriptionForItsOwn(t *testing.T) {
	for _, status := range []int{409, 422} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, client := inSandbox(t, sandbox.WithUnfinishedCheckout(status))
				link, err := client.Subscriptions.CreateCheckout(t.Context(), modelslab.SubscriptionCheckoutParams{PlanID: 20})
				require.NoError(t, err)
				time.AfterFunc(15*time.Second, func() {
					_, err := client.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"})
					assert.NoError(t, err)
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err = client.Subscriptions.AwaitCheckout(ctx, link, modelslab.AwaitParams{})
				require.ErrorIs(t, err, context.DeadlineExceeded, "nobody has paid the link")
				assert.Len(t, srv.Charges(), 1)
			})
		})
	}
}

func TestTwoConfirmersCreditOnceAndBothSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.New(sandbox.InMemory())
		defer srv.Close()
		account := srv.Account(sandbox.AccountParams{Email: "ada@example.com"})
		var clients []*modelslab.Client
		for range 3 { // processes of one account
			c, err := modelslab.New(account.ClientOptions()...)
			require.NoError(t, err)
			clients = append(clients, c)
		}
		link := link25(t, clients[0])
		time.AfterFunc(18*time.Second, func() { assert.NoError(t, srv.CompleteCheckout(link.SessionID)) })
		var wg sync.WaitGroup
		for i, c := range clients {
			wg.Go(func() {
				elapse(time.Duration(i) * 7 * time.Second) // they poll out of step, under other keys
				funding, err := c.Wallet.AwaitCheckout(withinADay(t), link, modelslab.AwaitParams{})
				if assert.NoError(t, err) {
					assert.NotEmpty(t, funding.PaymentIntentID)
				}
			})
		}
		wg.Wait()
		assert.EqualValues(t, 2500, cents(srv))
		balance, err := clients[0].Wallet.Balance(t.Context())
		require.NoError(t, err)
		assert.Equal(t, modelslab.Dollars(25), balance.Balance, "one credit")
	})
}

func TestAwaitCheckoutEndsWhenTheLinkHasExpired(t *testing.T) {
	t.Run("after the server has said so", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv, client := inSandbox(t, sandbox.WithCheckoutLifetime(time.Minute))
			link := link25(t, client)
			start := time.Now()
			_, err := client.Wallet.AwaitCheckout(withinADay(t), link, modelslab.AwaitParams{})
			require.ErrorIs(t, err, modelslab.ErrCheckoutExpired)
			for _, other := range allKinds {
				if other != modelslab.ErrCheckoutExpired {
					assert.NotErrorIs(t, err, other)
				}
			}
			assert.Equal(t, 70*time.Second, time.Since(start), "the first poll after the expiry")
			assert.Empty(t, srv.Charges())
			var api *modelslab.APIError
			require.ErrorAs(t, err, &api)
			assert.NotEmpty(t, api.RequestID)
		})
	})
	t.Run("and a payment in the last second counts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv, client := inSandbox(t, sandbox.WithCheckoutLifetime(time.Minute))
			link := link25(t, client)
			time.AfterFunc(59*time.Second, func() { assert.NoError(t, srv.CompleteCheckout(link.SessionID)) })
			// The answers around the expiry are lost.
			time.AfterFunc(55*time.Second, func() {
				srv.Inject(sandbox.Fault{Endpoint: "wallet.confirm_checkout", Kind: sandbox.FaultDropAfter, Times: 3})
			})
			_, err := client.Wallet.AwaitCheckout(withinADay(t), link, modelslab.AwaitParams{})
			require.NoError(t, err)
			assert.EqualValues(t, 2500, cents(srv))
		})
	})

	const lapse = time.Hour
	tests := []struct {
		name    string
		confirm func(after bool) prepared
	}{
		{"no answer", func(after bool) prepared {
			if after {
				return prepared{err: io.EOF}
			}
			return prepared{status: 202}
		}},
		{"server errors", func(bool) prepared { return prepared{status: 503} }},
		{"conflicts without end", func(bool) prepared {
			return prepared{status: 409, body: `{"error":{"code":"idempotency_conflict","message":"In flight."}}`}
		}},
		{"an old answer given once more", func(after bool) prepared {
			if after {
				return prepared{status: 202, header: map[string]string{"Idempotent-Replayed": "true"}}
			}
			return prepared{status: 202}
		}},
		{"answers without a clock", func(bool) prepared { return prepared{status: 202, header: map[string]string{"Date": "today"}} }},
		{"nothing but a limiter's refusals", func(bool) prepared { return prepared{status: 429, header: map[string]string{"Retry-After": "120"}} }},
	}
	for _, tt := range tests {
		t.Run("unknown after "+tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t)
				s.on(creditsCall, prepared{status: 200, body: noCredits})
				start := time.Now()
				s.mock.RegisterResponder("POST", agentsAPI+"/wallet/confirm-checkout", func(r *http.Request) (*http.Response, error) {
					return tt.confirm(time.Since(start) > lapse).responder(t)(r)
				})
				_, err := awaitOnStage(t, s)
				require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
				assert.NotErrorIs(t, err, modelslab.ErrCheckoutExpired)
				var unknown *modelslab.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.Equal(t, "wallet.confirm_checkout", unknown.Endpoint)
				assert.Equal(t, modelslab.Dollars(25), unknown.Amount)
				assert.NotEmpty(t, unknown.IdempotencyKey)
				assert.Greater(t, time.Since(start), lapse)
				assert.Less(t, time.Since(start), lapse+10*time.Minute, "and not for ever")
			})
		})
	}
}

// The expiry is a time by the server's clock. This machine's may be days away from it.
func TestAwaitCheckoutGoesByTheServersClock(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"this clock is two days fast": -48 * time.Hour, "this clock is two days slow": 48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				s := onStage(t)
				s.on(creditsCall, prepared{status: 200, body: noCredits})
				s.mock.RegisterResponder("POST", agentsAPI+"/wallet/confirm-checkout", func(r *http.Request) (*http.Response, error) {
					date := map[string]string{"Date": time.Now().Add(ahead).UTC().Format(http.TimeFormat)}
					if time.Since(start) < 30*time.Minute {
						return prepared{status: 202, header: date}.responder(t)(r)
					}
					return prepared{status: 200, header: date, body: `{"data":{"balance":25}}`}.responder(t)(r)
				})
				expires := modelslab.Timestamp{Time: start.Add(ahead + time.Hour).UTC()}
				_, err := s.Wallet.AwaitCheckout(withinADay(t), &modelslab.PaymentLink{SessionID: "cs_test_a1", ExpiresAt: &expires}, modelslab.AwaitParams{})
				require.NoError(t, err, "paid in half of its time")
			})
		})
	}
}

func TestAwaitCheckoutAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := inSandbox(t)
		link := link25(t, client)
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		_, err := client.Wallet.AwaitCheckout(ctx, link, modelslab.AwaitParams{})
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, modelslab.ErrCheckoutPending, "both are told")
		require.NoError(t, srv.CompleteCheckout(link.SessionID))

		// Another process knows the session's id and nothing else.
		funding, err := client.Wallet.AwaitCheckout(withinADay(t), &modelslab.PaymentLink{SessionID: link.SessionID}, modelslab.AwaitParams{})
		require.NoError(t, err)
		assert.NotEmpty(t, funding.PaymentIntentID)
		assert.EqualValues(t, 2500, cents(srv))
	})
}

// The process died between the confirmation and its record; the next one asks again.
func TestAwaitCheckoutOfALinkThatIsConfirmedAlready(t *testing.T) {
	t.Run("wallet", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv, client := inSandbox(t)
			link := link25(t, client)
			require.NoError(t, srv.CompleteCheckout(link.SessionID))
			_, err := client.Wallet.ConfirmCheckout(t.Context(), link.SessionID)
			require.NoError(t, err)
			funding, err := client.Wallet.AwaitCheckout(withinADay(t), &modelslab.PaymentLink{SessionID: link.SessionID}, modelslab.AwaitParams{})
			require.NoError(t, err)
			assert.Equal(t, srv.Charges()[0].PaymentIntentID, funding.PaymentIntentID)
			assert.EqualValues(t, 2500, cents(srv))
		})
	})
	t.Run("subscription", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv, client := inSandbox(t, sandbox.WithCheckoutLifetime(time.Hour))
			link, err := client.Subscriptions.CreateCheckout(t.Context(), modelslab.SubscriptionCheckoutParams{PlanID: 20})
			require.NoError(t, err)
			require.NoError(t, srv.CompleteCheckout(link.SessionID))
			_, err = client.Subscriptions.ConfirmCheckout(t.Context(), link.SessionID)
			require.NoError(t, err)
			_, err = client.Subscriptions.AwaitCheckout(withinADay(t), link, modelslab.AwaitParams{})
			require.NoError(t, err)
			assert.EqualValues(t, 4700, cents(srv))
		})
	})
}

// A "not yet" that the server keeps under the first poll's key must not be met for ever after a restart.
func TestAwaitCheckoutAfterARestartWithKeptAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := inSandbox(t, sandbox.WithIdempotency(sandbox.Idempotency{Cache202: true}))
		link := link25(t, client)
		ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
		_, err := client.Wallet.AwaitCheckout(ctx, link, modelslab.AwaitParams{})
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, srv.CompleteCheckout(link.SessionID))
		start := time.Now()
		_, err = client.Wallet.AwaitCheckout(withinADay(t), &modelslab.PaymentLink{SessionID: link.SessionID}, modelslab.AwaitParams{})
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(start), time.Minute)
	})
}

func TestAwaitCheckoutAndTheLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onStage(t)
		s.on(creditsCall, prepared{status: 200, body: noCredits})
		s.on(confirmCall, prepared{status: 429, header: map[string]string{"Retry-After": "300"}}, prepared{status: 202}, prepared{status: 200, body: `{"data":{"balance":25}}`})
		start := time.Now()
		_, err := awaitOnStage(t, s)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, time.Since(start), 310*time.Second, "a long Retry-After is waited out between the polls")
		keys := s.keys("/confirm-checkout")
		require.Len(t, keys, 3)
		assert.Equal(t, keys[0], keys[1], "a limiter's refusal is no poll")
		assert.NotEqual(t, keys[1], keys[2])
	})
}

func TestAwaitCheckoutEndsWithItsContext(t *testing.T) {
	t.Run("after a not yet", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := onStage(t)
			s.on(creditsCall, prepared{status: 200, body: noCredits})
			s.on(confirmCall, prepared{status: 202})
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(12*time.Second, cancel)
			start := time.Now()
			_, err := s.Wallet.AwaitCheckout(ctx, &modelslab.PaymentLink{SessionID: "cs_test_a1"}, modelslab.AwaitParams{})
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, modelslab.ErrCheckoutPending)
			assert.NotErrorIs(t, err, modelslab.ErrOutcomeUnknown)
			assert.Equal(t, 12*time.Second, time.Since(start))
		})
	})
	t.Run("after no answer it is unknown", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := onStage(t)
			s.on(creditsCall, prepared{status: 200, body: noCredits})
			s.on(confirmCall, prepared{err: io.EOF})
			ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
			defer cancel()
			_, err := s.Wallet.AwaitCheckout(ctx, &modelslab.PaymentLink{SessionID: "cs_test_a1"}, modelslab.AwaitParams{})
			require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	})
	t.Run("before it began", func(t *testing.T) {
		s := onStage(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Wallet.AwaitCheckout(ctx, &modelslab.PaymentLink{SessionID: "cs_test_a1"}, modelslab.AwaitParams{})
		require.ErrorIs(t, err, context.Canceled)
		assert.Empty(t, s.requests())
	})
}

func TestAwaitCheckoutEndsWithAWordThatWillNotChange(t *testing.T) {
	tests := []struct {
		name   string
		answer prepared
		is     error
	}{
		{"401", prepared{status: 401, body: `{"message":"Unauthenticated."}`}, modelslab.ErrUnauthenticated},
		{"403", prepared{status: 403}, modelslab.ErrPermissionDenied},
		{"404", prepared{status: 404, body: `{"error":{"code":"checkout_not_found"}}`}, modelslab.ErrNotFound},
		{"validation", prepared{status: 422, body: `{"error":{"code":"validation_error","details":{"session_id":["Opened for another purpose."]}}}`}, modelslab.ErrValidation},
		{"declined", prepared{status: 402, body: "testdata/payment_declined.json"}, modelslab.ErrPaymentDeclined},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t)
				s.on(creditsCall, prepared{status: 200, body: noCredits})
				s.on(confirmCall, prepared{status: 202}, tt.answer)
				_, err := awaitOnStage(t, s)
				require.ErrorIs(t, err, tt.is)
				assert.NotErrorIs(t, err, modelslab.ErrOutcomeUnknown)
				assert.Len(t, s.keys("/confirm-checkout"), 2)
			})
		})
		// A refusal settles only the sending that it answers.
		if !errors.Is(tt.is, modelslab.ErrPaymentDeclined) {
			t.Run(tt.name+" after a poll without an answer settles nothing", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := onStage(t)
					s.on(creditsCall, prepared{status: 200, body: noCredits})
					lost := prepared{err: io.EOF}
					s.on(confirmCall, lost, lost, lost, tt.answer)
					_, err := awaitOnStage(t, s)
					require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
					var api *modelslab.APIError
					require.ErrorAs(t, err, &api)
					assert.Equal(t, tt.answer.status, api.StatusCode)
				})
			})
		}
	}
}

func TestAwaitCheckoutFillsTheResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onStage(t)
		s.on(creditsCall, prepared{status: 200, body: noCredits})
		s.on(confirmCall, prepared{status: 202}, prepared{status: 200, body: `{"data":{"balance":25},"meta":{"request_id":"r-last"}}`})
		var resp modelslab.Response
		_, err := s.Wallet.AwaitCheckout(withinADay(t), &modelslab.PaymentLink{SessionID: "cs_test_a1"}, modelslab.AwaitParams{}, modelslab.WithResponse(&resp))
		require.NoError(t, err)
		assert.Equal(t, "r-last", resp.RequestID)
		assert.Equal(t, s.keys("/confirm-checkout")[1], resp.IdempotencyKey)
	})
}

func TestAwaitCheckoutOfASubscription(t *testing.T) {
	for name, opts := range map[string][]sandbox.Option{
		"confirmed by the client":                 nil,
		"started by Stripe's word":                {sandbox.WithCheckoutWebhook()},
		"by a server that keeps its not yet":      {sandbox.WithIdempotency(sandbox.Idempotency{Cache202: true})},
		"by a server that says not yet by a 422":  {sandbox.WithUnfinishedCheckout(422)},
		"by a server that says not yet by a 409":  {sandbox.WithUnfinishedCheckout(409)},
		"by a server that loses the first answer": {sandbox.WithFault(sandbox.Fault{Endpoint: "subscriptions.confirm_checkout", Kind: sandbox.FaultDropAfter, Times: 3})},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, client := inSandbox(t, opts...)
				link, err := client.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeSubscribe, PlanID: 20})
				require.NoError(t, err)
				time.AfterFunc(15*time.Second, func() { assert.NoError(t, srv.CompleteCheckout(link.SessionID)) })
				got, err := client.Subscriptions.AwaitCheckout(withinADay(t), link, modelslab.AwaitParams{})
				require.NoError(t, err)
				require.NotNil(t, got.Subscription)
				assert.Equal(t, modelslab.ID(20), got.Subscription.PlanID)
				status, err := client.Subscriptions.Status(t.Context(), got.Subscription.ID)
				require.NoError(t, err)
				assert.True(t, status.Active())
				assert.EqualValues(t, 4700, cents(srv))
			})
		})
	}

	t.Run("that another process has confirmed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			srv, client := inSandbox(t)
			link, err := client.Subscriptions.CreateCheckout(t.Context(), modelslab.SubscriptionCheckoutParams{PlanID: 20})
			require.NoError(t, err)
			time.AfterFunc(12*time.Second, func() { assert.NoError(t, srv.CompleteCheckout(link.SessionID)) })
			time.AfterFunc(13*time.Second, func() {
				_, err := client.Subscriptions.ConfirmCheckout(t.Context(), link.SessionID)
				assert.NoError(t, err)
			})
			got, err := client.Subscriptions.AwaitCheckout(withinADay(t), link, modelslab.AwaitParams{})
			require.NoError(t, err)
			require.NotNil(t, got.Subscription)
			assert.Equal(t, modelslab.ID(20), got.Subscription.PlanID)
			assert.EqualValues(t, 4700, cents(srv))
		})
	})

	t.Run("that expires", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, client := inSandbox(t, sandbox.WithCheckoutLifetime(time.Minute))
			link, err := client.Subscriptions.CreateCheckout(t.Context(), modelslab.SubscriptionCheckoutParams{PlanID: 20})
			require.NoError(t, err)
			_, err = client.Subscriptions.AwaitCheckout(withinADay(t), link, modelslab.AwaitParams{})
			require.ErrorIs(t, err, modelslab.ErrCheckoutExpired)
		})
	})
}
