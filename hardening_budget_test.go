package modelslab_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/internal/points"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

type watchedCall struct{}

// watchedStore tells of what calls with a watchedCall context have read.
type watchedStore struct {
	modelslab.Store
	read   func(key string)
	before func(key string, older, newer []byte)
	swap   func(key string, newer []byte) (ok bool, err error, is bool)
}

func (s *watchedStore) Get(ctx context.Context, key string) ([]byte, error) {
	v, err := s.Store.Get(ctx, key)
	if ctx.Value(watchedCall{}) != nil && s.read != nil {
		s.read(key)
	}
	return v, err
}

func (s *watchedStore) Swap(ctx context.Context, key string, older, newer []byte, ttl time.Duration) (bool, error) {
	if s.before != nil {
		s.before(key, older, newer)
	}
	ok, err := s.Store.Swap(ctx, key, older, newer, ttl)
	if s.swap != nil && ok {
		if ok, err, is := s.swap(key, newer); is {
			return ok, err
		}
	}
	return ok, err
}

// A sweep has read the journal; then the call writes it and ends; then the sweep asks whether it has.
func TestASweepTakesNoHoldOfACallThatHasJustWrittenTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := aShop(t)
		held, reserve, sending, send := make(chan int), make(chan int), make(chan int), make(chan int)
		var once sync.Once
		n := 0
		store := &watchedStore{Store: modelslab.NewMemoryStore()}
		store.read = func(key string) {
			if strings.HasSuffix(key, "/book") {
				if n++; n == 3 { // the sweep's
					once.Do(func() { close(reserve); <-sending })
				}
			}
		}
		c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithStore(store),
			modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(50)}))
		done := make(chan error)
		go func() {
			done <- tops(points.With(t.Context(), func(at string) {
				switch at {
				case points.Held:
					close(held)
					<-reserve
				case points.Sending:
					close(sending)
					<-send
				}
			}), c, modelslab.Dollars(50), modelslab.WithOperation("a"))
		}()
		<-held
		err := tops(context.WithValue(t.Context(), watchedCall{}, 1), c, modelslab.Dollars(50), modelslab.WithOperation("b"))
		close(send)
		require.NoError(t, <-done)
		assert.ErrorIs(t, err, modelslab.ErrSpendLimit)
		assert.LessOrEqual(t, cents(srv), int64(5000), "over the limit")
	})
}

// Two customers' keys beside one token, in memory.
func TestTwoAccountsBesideOneTokenAreTwo(t *testing.T) {
	for _, durable := range []bool{true, false} {
		t.Run(fmt.Sprint(durable), func(t *testing.T) {
			srv := aShop(t)
			mine, first, second := srv.Account(sandbox.AccountParams{}), srv.Account(sandbox.AccountParams{BalanceCents: 10_000}), srv.Account(sandbox.AccountParams{BalanceCents: 10_000})
			var opts []modelslab.Option
			if durable {
				opts = append(opts, modelslab.WithStore(modelslab.NewMemoryStore()))
			}
			c := aProgram(t, mine, opts...)
			as := func(a sandbox.Account) *modelslab.Client {
				x, err := c.With(modelslab.WithAPIKey(a.APIKey), modelslab.WithAccount(fmt.Sprint(a.ID)))
				require.NoError(t, err)
				return x
			}
			a, b := as(first), as(second)
			g1, err := a.Generation.Images.TextToImage(t.Context(), lighthouse(), modelslab.WithOperation("poster-1"))
			require.NoError(t, err)
			_, err = a.Generation.Images.TextToImage(t.Context(), lighthouse(), modelslab.WithOperation("poster-1")) // answered from its record
			require.NoError(t, err)
			g2, err := b.Generation.Images.TextToImage(t.Context(), lighthouse(), modelslab.WithOperation("poster-1"))
			require.NoError(t, err)
			assert.NotEqual(t, g1.ID, g2.ID, "the second account has paid for nothing, and has the first one's job")
			sums := 0
			for _, err := range a.Ledger(t.Context()) {
				require.NoError(t, err)
				sums++
			}
			assert.Equal(t, 1, sums)
		})
	}
}

// More programs than a budget remembers.
func TestManyShortProgramsAreCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := aShop(t)
		store := modelslab.NewMemoryStore()
		account := srv.Account(sandbox.AccountParams{})
		p := modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(1000)})
		for i := range 260 { // each pays one thing and is over
			require.NoError(t, tops(t.Context(), aProgram(t, account, modelslab.WithStore(store), p), modelslab.Dollars(1), modelslab.WithOperation(fmt.Sprint("order-", i))))
		}
		elapse(5 * time.Minute)
		c := aProgram(t, account, modelslab.WithStore(store), p)
		_, err := c.Pending(t.Context())
		require.NoError(t, err)
		limit := overLimit(t, tops(t.Context(), c, modelslab.Dollars(1000), modelslab.WithOperation("all")))
		assert.Equal(t, modelslab.Dollars(260), limit.Spent)
		assert.NoError(t, tops(t.Context(), c, modelslab.Dollars(740), modelslab.WithOperation("the rest")))
	})
}

// The first of two budgets is held much earlier than the second.
func TestTheEarliestHoldCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := aShop(t)
		mem := modelslab.NewMemoryStore()
		account := srv.Account(sandbox.AccountParams{})
		slow := &watchedStore{Store: mem}
		slept := false
		slow.swap = func(key string, _ []byte) (bool, error, bool) {
			if strings.HasSuffix(key, "/budget/one") && !slept {
				slept = true
				elapse(2 * time.Minute) // stopped
			}
			return false, nil, false
		}
		one := modelslab.SpendPolicy{Budget: "one", Total: modelslab.Dollars(50)}
		two := modelslab.SpendPolicy{Budget: "two", Total: modelslab.Dollars(500)}
		a := aProgram(t, account, modelslab.WithStore(slow), modelslab.WithSpendPolicy(one), modelslab.WithSpendPolicy(two))
		b := aProgram(t, account, modelslab.WithStore(mem), modelslab.WithSpendPolicy(one))
		ctx := points.With(t.Context(), func(at string) {
			if at == points.Held && slept {
				elapse(100 * time.Second) // and once more
				assert.NoError(t, tops(t.Context(), b, modelslab.Dollars(50), modelslab.WithOperation("b")))
			}
		})
		err := tops(ctx, a, modelslab.Dollars(50), modelslab.WithOperation("a"))
		assert.ErrorIs(t, err, modelslab.ErrSpendLimit)
		assert.LessOrEqual(t, cents(srv), int64(5000), "over the limit")
	})
}

var _ = errors.New

// A private journal forgets a generation before its budget has been told.
func TestAForgottenGenerationIsHeldUntilItIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := aShop(t)
		c := aProgram(t, srv.Account(sandbox.AccountParams{BalanceCents: 10_000}),
			modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(1), PerGeneration: modelslab.Dollars(1)}))
		n := 0
		var other error
		ctx := points.With(t.Context(), func(at string) {
			if n++; at == points.Settled && other == nil { // stopped here, while another call of the program is made
				_, other = c.Generation.Images.TextToImage(t.Context(), lighthouse())
			}
		})
		_, err := c.Generation.Images.TextToImage(ctx, lighthouse())
		require.NoError(t, err)
		assert.ErrorIs(t, other, modelslab.ErrSpendLimit)
	})
}

// A link that comes late, in a named budget.
func TestALinkThatComesLateIsHeldByANamedBudget(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		policy := modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(25)})
		p := modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}
		asleep := false
		slow := s.program(policy, modelslab.WithHTTPClient(&http.Client{Transport: late{s.srv.Transport(), func(r *http.Request) {
			if asleep || r.Method == http.MethodGet {
				return
			}
			asleep = true
			elapse(time.Hour) // stopped with the answer in hand
			ops := s.pending(s.client)
			assert.NoError(t, s.client.Resolve(context.Background(), ops[0], modelslab.NotPaid, "it seems so"))
		}}}))
		l, err := slow.Billing.CreatePaymentLink(t.Context(), p, modelslab.WithOperation("order-1"))
		require.NoError(t, err)
		require.Len(t, s.pending(s.client), 1, "the link that the call has returned is pending")
		assert.ErrorIs(t, tops(t.Context(), s.program(policy), modelslab.Dollars(25), modelslab.WithOperation("other")), modelslab.ErrSpendLimit, "what is pending counts")
		require.NoError(t, s.srv.CompleteCheckout(l.SessionID))
		_, err = s.client.Wallet.ConfirmCheckout(t.Context(), l.SessionID)
		require.NoError(t, err)
		assert.LessOrEqual(t, cents(s.srv), int64(2500))
	})
}

// A link that was paid, which nobody has looked at, and a card for the same name.
func TestNoCardIsChargedByFundForWhatALinkHasPaidUnseen(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		order := modelslab.WithOperation("order-1")
		p := modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_chargeDeclined"}
		st, err := s.client.Wallet.FundOrLink(t.Context(), p, order)
		require.NoError(t, err)
		require.NoError(t, s.srv.CompleteCheckout(st.Link.SessionID)) // a human has paid
		p.PaymentMethodID = "pm_card_visa"
		_, err = s.client.Wallet.Fund(t.Context(), p, order)
		t.Log(err)
		assert.EqualValues(t, 2500, cents(s.srv), "one operation, paid once")
	})
}

// Whoever settles what another has sent is held to policies of its own.
func TestSettleIsHeldToThePolicyOfWhoSettles(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		s.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore, Times: 3})
		require.ErrorIs(t, tops(t.Context(), s.client, modelslab.Dollars(25), modelslab.WithOperation("a")), modelslab.ErrOutcomeUnknown)
		s.srv.ClearFaults()
		asked := false
		agent := s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerCall: modelslab.Dollars(10), Approve: func(context.Context, modelslab.SpendIntent) error {
			asked = true
			return errors.New("no")
		}}))
		_, err := agent.Settle(t.Context(), s.pending(agent)[0])
		t.Log(err, asked)
		assert.Zero(t, cents(s.srv))
	})
}

// A swap that was taken and denied, as by a store's client that asks twice; and another process
// that writes before it is asked whether it stands.
func TestAReservationThatWasTakenAndDeniedIsHeld(t *testing.T) {
	for _, name := range []string{"a", ""} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := aShop(t)
				mem := modelslab.NewMemoryStore()
				account := srv.Account(sandbox.AccountParams{})
				p := modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(50)})
				store := &watchedStore{Store: mem}
				a, b, free := aProgram(t, account, modelslab.WithStore(store), p), aProgram(t, account, modelslab.WithStore(mem), p), aProgram(t, account, modelslab.WithStore(mem))
				denied := false
				store.swap = func(key string, newer []byte) (bool, error, bool) {
					if !denied && strings.HasSuffix(key, "/book") && strings.Contains(string(newer), `"sent"`) {
						denied = true
						return false, nil, true
					}
					return false, nil, false
				}
				store.before = func(key string, older, newer []byte) {
					if denied && bytes.Equal(older, newer) {
						store.before = nil
						require.NoError(t, tops(t.Context(), free, modelslab.Dollars(1), modelslab.WithOperation("x")))
					}
				}
				var other error
				ctx := points.With(t.Context(), func(at string) {
					if at == points.Sending && other == nil {
						other = tops(t.Context(), b, modelslab.Dollars(50), modelslab.WithOperation("b"))
						if other == nil {
							other = errors.New("passed")
						}
					}
				})
				var opts []modelslab.RequestOption
				if name != "" {
					opts = append(opts, modelslab.WithOperation(name))
				}
				err := tops(ctx, a, modelslab.Dollars(50), opts...)
				require.True(t, denied)
				t.Log(err, other)
				if other != nil {
					assert.ErrorIs(t, other, modelslab.ErrSpendLimit)
				}
				assert.LessOrEqual(t, cents(srv), int64(5100), "over the limit")
				elapse(10 * time.Minute)
				ops, err := a.Pending(t.Context())
				require.NoError(t, err)
				assert.Empty(t, ops)
				store.before, store.swap = nil, nil
				if cents(srv) == 100 { // it was given up, and its hold with it
					require.NoError(t, tops(t.Context(), a, modelslab.Dollars(50), opts...))
				}
			})
		})
	}
}
