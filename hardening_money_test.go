package modelslab_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/internal/points"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// What hostile readings of the road for money have found: each of these once let a payment
// happen twice, a budget be exceeded, or money move without a word.

// Default store, named budget: a hold of an unknown payment lapses.
func TestNamedBudgetInMemoryKeepsWhatIsOpen(t *testing.T) {
	for _, kind := range []string{"unknown", "asked", "link"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := aShop(t)
				c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(50)}))
				switch kind {
				case "unknown":
					srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter, Times: 3})
					require.ErrorIs(t, tops(t.Context(), c, modelslab.Dollars(25), modelslab.WithOperation("a")), modelslab.ErrOutcomeUnknown)
				case "asked":
					_, err := c.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_threeDSecure2Required"}, modelslab.WithOperation("a"))
					require.ErrorIs(t, err, modelslab.ErrRequiresAction)
				case "link":
					_, err := c.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}, modelslab.WithOperation("a"))
					require.NoError(t, err)
				}
				srv.ClearFaults()
				_ = overLimit(t, tops(t.Context(), c, modelslab.Dollars(50), modelslab.WithOperation("b")))
				elapse(10 * time.Minute)
				_ = overLimit(t, tops(t.Context(), c, modelslab.Dollars(50), modelslab.WithOperation("b")))
				assert.LessOrEqual(t, cents(srv), int64(5000))
			})
		})
	}
}

// FundOrLink: the card's hold ends while its link can still be paid.
func TestALinkIsHeldOnceItsCardIsNot(t *testing.T) {
	for _, budget := range []string{"", "agents"} {
		t.Run(budget, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := aShop(t, sandbox.WithCheckoutLifetime(23*time.Hour))
				c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithStore(modelslab.NewMemoryStore()),
					modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: budget, Total: modelslab.Dollars(50)}))
				st, err := c.Wallet.FundOrLink(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_threeDSecure2Required"}, modelslab.WithOperation("order"))
				require.NoError(t, err)
				require.NotNil(t, st.Link)
				require.NoError(t, srv.FailAction(holderWanted(t, st.Cause))) // the holder says no to the card
				ops, err := c.Pending(t.Context())
				require.NoError(t, err)
				for _, op := range ops {
					_, err := c.Settle(t.Context(), op)
					require.NoError(t, err)
				}
				again, err := c.Wallet.FundOrLink(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_threeDSecure2Required"}, modelslab.WithOperation("order"))
				require.NoError(t, err)
				require.Equal(t, st.Link.SessionID, again.Link.SessionID, "the link can still be paid")
				err = tops(t.Context(), c, modelslab.Dollars(50), modelslab.WithOperation("other"))
				assert.ErrorIs(t, err, modelslab.ErrSpendLimit, "the link holds its sum")
				require.NoError(t, srv.CompleteCheckout(st.Link.SessionID))
				_, err = c.Wallet.AwaitFund(t.Context(), again, modelslab.AwaitParams{})
				require.NoError(t, err)
				assert.LessOrEqual(t, cents(srv), int64(5000), "over the limit")
			})
		})
	}
}

// The memory journal forgets lost generations and their holds.
func TestLostGenerationsStayCounted(t *testing.T) {
	srv := aShop(t)
	c := aProgram(t, srv.Account(sandbox.AccountParams{BalanceCents: 1_000_000}), modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(300), PerGeneration: modelslab.Dollars(1)}))
	srv.Inject(sandbox.Fault{Endpoint: "images.text2img", Kind: sandbox.FaultDropAfter, Times: 10_000})
	n := 0
	for range 320 {
		_, err := c.Generation.Images.TextToImage(t.Context(), lighthouse())
		if errors.Is(err, modelslab.ErrSpendLimit) {
			break
		}
		n++
	}
	assert.LessOrEqual(t, n, 300, "each may have cost a dollar")
}

// Prune, then the same name: not counted in a named budget.
func TestAPrunedNameCountsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := aShop(t, sandbox.WithIdempotency(sandbox.Idempotency{Lifetime: time.Hour}))
		c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithStore(modelslab.NewMemoryStore()),
			modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(50)}))
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(25), modelslab.WithOperation("monthly")))
		elapse(90 * 24 * time.Hour)
		n, err := c.Prune(t.Context(), time.Now().Add(-24*time.Hour))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(25), modelslab.WithOperation("monthly")))
		require.EqualValues(t, 5000, cents(srv))
		assert.ErrorIs(t, tops(t.Context(), c, modelslab.Dollars(25), modelslab.WithOperation("more")), modelslab.ErrSpendLimit)
		assert.EqualValues(t, 5000, cents(srv))
	})
}

// Stopped between the journal's yes and the sending, past the key's lifetime.
func TestAKeyThatGrewOldBetweenTheJournalAndTheSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const life = 10 * time.Minute
		srv := aShop(t, sandbox.WithIdempotency(sandbox.Idempotency{Lifetime: life}))
		store := modelslab.NewMemoryStore()
		account := srv.Account(sandbox.AccountParams{})
		first := aProgram(t, account, modelslab.WithStore(store))
		srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter, Times: 3})
		require.ErrorIs(t, tops(t.Context(), first, modelslab.Dollars(25), modelslab.WithOperation("a")), modelslab.ErrOutcomeUnknown)
		srv.ClearFaults()
		// The wallet does not show it yet.
		srv.Inject(sandbox.Fault{Endpoint: "wallet.transactions", Kind: sandbox.FaultAnswer, Status: 200, Body: []byte(`{"data":[]}`), Times: 100})
		elapse(life - 10*time.Second)
		second := aProgram(t, account, modelslab.WithStore(store), modelslab.WithKeyLifetime(life))
		ctx := points.With(t.Context(), func(at string) {
			if at == points.Repeating {
				elapse(80 * time.Second) // stopped here
			}
		})
		_ = tops(ctx, second, modelslab.Dollars(25), modelslab.WithOperation("a"))
		assert.EqualValues(t, 2500, cents(srv), "charged twice")
	})
}

// The key of a named operation that is settled, by WithIdempotencyKey.
func TestTheKeyOfASettledOperation(t *testing.T) {
	for _, drop := range []bool{false, true} {
		t.Run(fmt.Sprint(drop), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := aShop(t, sandbox.WithIdempotency(sandbox.Idempotency{Lifetime: time.Hour}))
				store := modelslab.NewMemoryStore()
				account := srv.Account(sandbox.AccountParams{})
				c := aProgram(t, account, modelslab.WithStore(store))
				srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter, Times: 3})
				err := tops(t.Context(), c, modelslab.Dollars(25), modelslab.WithOperation("order-1"))
				require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
				srv.ClearFaults()
				ops, err := c.Pending(t.Context())
				require.NoError(t, err)
				s, err := c.Settle(t.Context(), ops[0])
				require.NoError(t, err)
				require.Equal(t, modelslab.Done, s.Status)
				if drop {
					require.NoError(t, tops(t.Context(), c, modelslab.Dollars(1), modelslab.WithOperation("order-2")))
				}
				before := cents(srv)
				elapse(2 * time.Hour)
				err = tops(t.Context(), c, modelslab.Dollars(25), modelslab.WithIdempotencyKey(ops[0].IdempotencyKey))
				require.NoError(t, err, "answered from the record")
				assert.Equal(t, before, cents(srv), "charged twice")
			})
		})
	}
}

// A named budget shared by accounts counts one auto-funding only.
func TestStandingOrdersOfTwoAccountsInOneBudget(t *testing.T) {
	srv := aShop(t)
	store := modelslab.NewMemoryStore()
	p := modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "team", Total: modelslab.Dollars(1000), StandingOrders: modelslab.StandingOrders{PerCharge: modelslab.Dollars(50), PerWindow: modelslab.Dollars(50)}})
	ada, ben := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithStore(store), p), aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithStore(store), p)
	auto := func(c *modelslab.Client, charge int64) error {
		attach(t, c, "pm_card_visa")
		return second(c.Wallet.SetAutoFunding(t.Context(), modelslab.WalletSetAutoFundingParams{AutoChargeAmount: modelslab.Dollars(charge), ChargeThreshold: modelslab.Dollars(1)}))
	}
	require.NoError(t, auto(ada, 50))
	assert.ErrorIs(t, auto(ben, 50), modelslab.ErrSpendLimit, "two orders of $50 may charge $100")
	_ = ben.Wallet.DisableAutoFunding(t.Context())
	plan := func(c *modelslab.Client) error {
		return second(c.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"}))
	}
	assert.ErrorIs(t, plan(ben), modelslab.ErrSpendLimit, "ada's order still stands")
}

// Late evidence of a link that was called unpaid.
func TestALinkThatWasCalledUnpaidIsRecordedWhenItIsConfirmed(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		c := s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(25)}))
		l, err := c.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}, modelslab.WithOperation("order-1"))
		require.NoError(t, err)
		require.NoError(t, c.Resolve(t.Context(), s.pending(c)[0], modelslab.NotPaid, "nobody will"))
		require.NoError(t, s.srv.CompleteCheckout(l.SessionID))
		_, err = c.Wallet.ConfirmCheckout(t.Context(), l.SessionID)
		require.NoError(t, err)
		assert.Len(t, s.ledger(c), 1, "what was paid is in the ledger once")
		assert.ErrorIs(t, tops(t.Context(), c, modelslab.Dollars(25)), modelslab.ErrSpendLimit)
	})
}

// A try that was taken over is sent by a client whose policy refuses it.
func TestATakenOverTryIsHeldToThePolicyOfWhoSendsIt(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		s.unknownFund(s.client, "order-1", false)
		c := s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerCall: modelslab.Dollars(10), Approve: func(context.Context, modelslab.SpendIntent) error {
			return fmt.Errorf("no")
		}}))
		_ = tops(t.Context(), c, modelslab.Dollars(25), modelslab.WithOperation("order-1"))
		assert.Zero(t, cents(s.srv), "a client that may spend $10 a call has charged")
		c = s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{Approve: func(context.Context, modelslab.SpendIntent) error { panic("no") }}))
		for range 2 {
			assert.PanicsWithValue(t, "no", func() { _ = tops(t.Context(), c, modelslab.Dollars(25), modelslab.WithOperation("order-1")) }, "nobody is at it since")
		}
		_ = tops(t.Context(), s.client, modelslab.Dollars(25), modelslab.WithOperation("order-1"), modelslab.WithMaxCharge(modelslab.Dollars(10)))
		assert.Zero(t, cents(s.srv), "WithMaxCharge")
	})
}

// The default store splits an account's sum between the token and WithAccount.
func TestTheAccountsSumIsOneInMemory(t *testing.T) {
	srv := aShop(t)
	account := srv.Account(sandbox.AccountParams{})
	c := aProgram(t, account)
	require.NoError(t, tops(t.Context(), c, modelslab.Dollars(25)))
	limited, err := c.With(modelslab.WithAccount(fmt.Sprint(account.ID)), modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(25)}))
	require.NoError(t, err)
	assert.ErrorIs(t, tops(t.Context(), limited, modelslab.Dollars(25)), modelslab.ErrSpendLimit)
}

// The call is cancelled as its answer arrives: the named budget of the memory store.
func TestACancelledCallIsCountedInANamedBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := aShop(t)
		c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(50)}))
		ctx, cancel := context.WithCancel(t.Context())
		ctx = points.With(ctx, func(at string) {
			if at == points.Answered {
				cancel()
			}
		})
		var resp modelslab.Response
		require.NoError(t, tops(ctx, c, modelslab.Dollars(25), modelslab.WithOperation("a"), modelslab.WithResponse(&resp)))
		require.NoError(t, resp.JournalErr)
		elapse(10 * time.Minute)
		assert.ErrorIs(t, tops(t.Context(), c, modelslab.Dollars(50), modelslab.WithOperation("b")), modelslab.ErrSpendLimit)
		assert.LessOrEqual(t, cents(srv), int64(5000))
	})
}

// FundOrLink makes a link that the owner was never asked about.
func TestTheOwnerIsAskedBeforeALinkIsMade(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		p := modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_chargeDeclined"}
		_, err := s.client.Wallet.Fund(t.Context(), p, modelslab.WithOperation("order-1"))
		require.ErrorIs(t, err, modelslab.ErrPaymentDeclined)
		n := 0
		c := s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{Approve: func(context.Context, modelslab.SpendIntent) error {
			n++
			return fmt.Errorf("no")
		}}))
		_, err = c.Wallet.FundOrLink(t.Context(), p, modelslab.WithOperation("order-1"))
		assert.Equal(t, 1, n, "asked once")
		assert.ErrorIs(t, err, modelslab.ErrSpendLimit)
	})
}

// No reading tells of a withdrawal: default lifetime, honest server.
func TestNoReadingTellsOfAWithdrawalWhoseKeyGrewOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := aShop(t, sandbox.WithIdempotency(sandbox.Idempotency{Lifetime: 10 * time.Minute}))
		account := srv.Account(sandbox.AccountParams{BalanceCents: 10_000})
		require.NoError(t, srv.MakeReseller(account.Email))
		store := modelslab.NewMemoryStore()
		c, next := aProgram(t, account, modelslab.WithStore(store)), aProgram(t, account, modelslab.WithStore(store))
		p := modelslab.WalletWithdrawParams{Amount: modelslab.Dollars(10)}
		srv.Inject(sandbox.Fault{Endpoint: "wallet.withdraw", Kind: sandbox.FaultDropAfter, Times: 3})
		_, err := c.Wallet.Withdraw(t.Context(), p, modelslab.WithOperation("w"))
		require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
		srv.ClearFaults()
		elapse(10*time.Minute - 10*time.Second)
		ctx := points.With(t.Context(), func(at string) {
			if at == points.Repeating {
				elapse(80 * time.Second)
			}
		})
		_, err = next.Wallet.Withdraw(ctx, p, modelslab.WithOperation("w"))
		require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
		assert.Equal(t, modelslab.Dollars(90), balance(t, c), "withdrawn twice")
	})
}

// The same within one call.
func TestAKeyThatGrewOldWithinOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := aShop(t, sandbox.WithIdempotency(sandbox.Idempotency{Lifetime: time.Minute}))
		c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithStore(modelslab.NewMemoryStore()), modelslab.WithKeyLifetime(time.Minute))
		srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter, Times: 1})
		ctx := points.With(t.Context(), func(at string) {
			if at == points.Repeating {
				elapse(80 * time.Second)
			}
		})
		_ = tops(ctx, c, modelslab.Dollars(25), modelslab.WithOperation("a"))
		assert.EqualValues(t, 2500, cents(srv), "charged twice")
	})
}

// A decline after a lost answer, where the subscriptions cannot tell.
func TestADeclineInDoubtWhereTheSubscriptionsCannotTell(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		plan := func(name string) error {
			return second(s.client.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"}, modelslab.WithOperation(name)))
		}
		require.NoError(t, plan("other")) // another one of the same plan, just before
		before := len(s.srv.Charges())
		s.srv.Inject(sandbox.Fault{Endpoint: "subscriptions.create", Kind: sandbox.FaultDropAfter})
		s.srv.Inject(sandbox.Fault{Endpoint: "subscriptions.create", Kind: sandbox.FaultAnswer, Status: 402, Body: []byte(`{"error":{"code":"payment_declined","message":"No.","details":{"decline_code":"insufficient_funds"}}}`)})
		err := plan("mine")
		require.Equal(t, before+1, len(s.srv.Charges()), "charged by the first sending")
		assert.ErrorIs(t, err, modelslab.ErrOutcomeUnknown, "ambiguity is no proof that it was not charged")
		assert.Len(t, s.pending(s.client), 1)
	})
}

// A sleeper that sent nothing takes the hold away of whoever has taken its try over.
func TestASleeperLeavesTheHoldOfATryThatWasTakenOver(t *testing.T) {
	for _, at := range []string{points.Sending} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := aShop(t)
				store := modelslab.NewMemoryStore()
				account := srv.Account(sandbox.AccountParams{})
				p := modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(50)})
				a, b := aProgram(t, account, modelslab.WithStore(store), p), aProgram(t, account, modelslab.WithStore(store), p)
				ctx := points.With(t.Context(), func(now string) {
					if now != at {
						return
					}
					at = ""
					elapse(5 * time.Minute)
					// charged, and the answer lost; the wallet does not show it yet
					srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter, Times: 3})
					err := tops(t.Context(), b, modelslab.Dollars(25), modelslab.WithOperation("a"))
					assert.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
					srv.ClearFaults()
				})
				err := tops(ctx, a, modelslab.Dollars(25), modelslab.WithOperation("a"))
				require.Error(t, err)
				ops, err := b.Pending(t.Context())
				require.NoError(t, err)
				require.Len(t, ops, 1, "it is open")
				assert.ErrorIs(t, tops(t.Context(), b, modelslab.Dollars(50), modelslab.WithOperation("b")), modelslab.ErrSpendLimit, "what is open is held")
				assert.LessOrEqual(t, cents(srv), int64(5000))
			})
		})
	}
}

// A reservation whose writing was answered with an error, and is there.
type flaky struct {
	modelslab.Store
	broken  func(key string) bool
	reading bool
	dead    bool
}

func (s *flaky) Get(ctx context.Context, key string) ([]byte, error) {
	if s.dead || s.reading && strings.HasSuffix(key, "/book") {
		s.reading = false
		return nil, errors.New("timeout")
	}
	return s.Store.Get(ctx, key)
}

func (s *flaky) Swap(ctx context.Context, key string, older, newer []byte, ttl time.Duration) (bool, error) {
	ok, err := s.Store.Swap(ctx, key, older, newer, ttl)
	if ok && s.broken != nil && s.broken(key) {
		s.broken, s.reading = nil, true
		return false, errors.New("timeout")
	}
	return ok, err
}

func TestAReservationWhoseAnswerWasLostKeepsItsHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := aShop(t)
		store := modelslab.NewMemoryStore()
		account := srv.Account(sandbox.AccountParams{})
		p := modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(50)})
		fl := &flaky{Store: store, broken: func(key string) bool { return strings.HasSuffix(key, "/book") }}
		a, b := aProgram(t, account, modelslab.WithStore(fl), p), aProgram(t, account, modelslab.WithStore(store), p)
		err := tops(t.Context(), a, modelslab.Dollars(25), modelslab.WithOperation("a")) // and is killed
		require.Error(t, err)
		ops, err := b.Pending(t.Context())
		require.NoError(t, err)
		require.Len(t, ops, 1, "it is there, and may be asked for")
		err = tops(t.Context(), b, modelslab.Dollars(50), modelslab.WithOperation("b"))
		assert.ErrorIs(t, err, modelslab.ErrSpendLimit, "what is pending is held")
		elapse(5 * time.Minute)
		require.NoError(t, tops(t.Context(), b, modelslab.Dollars(25), modelslab.WithOperation("a")))
		assert.LessOrEqual(t, cents(srv), int64(5000))
	})
}

// A link that comes after the operation was called unpaid.
func TestALinkThatComesLateIsNotForgotten(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		p := modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}
		asleep := false
		slow := s.program(modelslab.WithHTTPClient(&http.Client{Transport: late{s.srv.Transport(), func(r *http.Request) {
			if asleep || r.Method == http.MethodGet {
				return
			}
			asleep = true
			elapse(time.Hour) // stopped with the answer in hand
			ops := s.pending(s.client)
			assert.NoError(t, s.client.Resolve(context.Background(), ops[0], modelslab.NotPaid, "it seems so"))
		}}}))
		l, err := slow.Billing.CreatePaymentLink(t.Context(), p, modelslab.WithOperation("order-1"))
		if err == nil {
			assert.Len(t, s.pending(s.client), 1, "the link that the call has returned is pending")
			require.NoError(t, s.srv.CompleteCheckout(l.SessionID))
			_, err = s.client.Wallet.ConfirmCheckout(t.Context(), l.SessionID)
			require.NoError(t, err)
			assert.Len(t, s.ledger(s.client), 1)
		}
	})
}

// A decline in doubt is told as definite, and FundOrLink makes a link for it.
func TestADeclineInDoubtIsUnknown(t *testing.T) {
	for _, durable := range []bool{true, false} {
		for _, how := range []string{"fund", "fund or link"} {
			t.Run(fmt.Sprint(how, durable), func(t *testing.T) {
				atTill(t, func(t *testing.T, s *till) {
					c := s.client
					if !durable {
						c = aProgram(t, s.account)
					}
					no := sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultAnswer, Status: 402, Body: []byte(`{"error":{"code":"payment_declined","message":"No.","details":{"decline_code":"insufficient_funds"}}}`)}
					p := modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_visa"}
					var err error
					if how == "charge amount" {
						require.NoError(t, second(c.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"})))
						no.Endpoint = "subscriptions.charge_amount"
					}
					before := cents(s.srv)
					s.srv.Inject(sandbox.Fault{Endpoint: no.Endpoint, Kind: sandbox.FaultDropAfter})
					s.srv.Inject(no)
					s.srv.Inject(sandbox.Fault{Endpoint: "wallet.transactions", Kind: sandbox.Fault500, Times: 30})
					switch how {
					case "fund":
						_, err = c.Wallet.Fund(t.Context(), p, modelslab.WithOperation("order-1"))
					case "fund or link":
						var st *modelslab.FundState
						st, err = c.Wallet.FundOrLink(t.Context(), p, modelslab.WithOperation("order-1"))
						if st != nil && st.Link != nil {
							require.NoError(t, s.srv.CompleteCheckout(st.Link.SessionID))
							s.srv.ClearFaults()
							_, awaited := c.Wallet.AwaitFund(t.Context(), st, modelslab.AwaitParams{})
							t.Log("a human has paid the link as well: ", awaited)
							assert.EqualValues(t, 2500, cents(s.srv)-before, "paid twice")
						}
					case "charge amount":
						_, err = c.Subscriptions.ChargeAmount(t.Context(), modelslab.SubscriptionChargeAmountParams{Amount: modelslab.Dollars(25)}, modelslab.WithOperation("order-1"))
					}
					require.Greater(t, cents(s.srv), before, "money has moved")
					require.Len(t, s.pending(c), 1, "it is open")
					if how == "fund" && !durable {
						assert.ErrorIs(t, err, modelslab.ErrPaymentDeclined, "the last word")
						return
					}
					assert.ErrorIs(t, err, modelslab.ErrOutcomeUnknown, "money has moved")
				})
			})
		}
	}
}

type late struct {
	http.RoundTripper
	after func(r *http.Request)
}

func (l late) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	l.after(r)
	return resp, err
}

// A plan's link explains no credit.
func TestAPlansLinkExplainsNoCredit(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		c := s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(1000), StandingOrders: anyStanding}))
		l, err := c.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeSubscribe, PlanID: 20}, modelslab.WithOperation("plan"))
		require.NoError(t, err)
		require.NoError(t, s.srv.CompleteCheckout(l.SessionID))
		_, err = c.Subscriptions.ConfirmCheckout(t.Context(), l.SessionID)
		require.NoError(t, err)
		price := s.ledger(c)[0].Amount
		before := cents(s.srv)
		s.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter})
		s.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultAnswer, Status: 402, Body: []byte(`{"error":{"code":"payment_declined","message":"No.","details":{"decline_code":"insufficient_funds"}}}`)})
		err = tops(t.Context(), c, price, modelslab.WithOperation("order-1"))
		require.Greater(t, cents(s.srv), before, "charged")
		assert.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
	})
}

// A card is charged for what a human has paid at the link.
func TestNoCardIsChargedForWhatTheLinkHasPaid(t *testing.T) {
	for _, confirmed := range []bool{false, true} {
		for _, how := range []string{"another card", "a new try"} {
			t.Run(fmt.Sprint(how, " ", confirmed), func(t *testing.T) {
				atTill(t, func(t *testing.T, s *till) {
					order := modelslab.WithOperation("order-1")
					p := modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_chargeDeclined"}
					if how == "a new try" {
						s.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultAnswer, Status: 402, Body: []byte(`{"error":{"code":"payment_declined","message":"No.","details":{"decline_code":"insufficient_funds"}}}`)})
						p.PaymentMethodID = "pm_card_visa"
					}
					st, err := s.client.Wallet.FundOrLink(t.Context(), p, order)
					require.NoError(t, err)
					require.NotNil(t, st.Link)
					require.NoError(t, s.srv.CompleteCheckout(st.Link.SessionID)) // a human has paid
					if confirmed {
						_, err = s.client.Wallet.AwaitFund(t.Context(), st, modelslab.AwaitParams{})
						require.NoError(t, err)
						require.Len(t, s.ledger(s.client), 1)
					}
					if confirmed { // nor by whoever knows of no link
						card := p
						card.PaymentMethodID = "pm_card_mastercard"
						_, err = s.client.Wallet.Fund(t.Context(), card, order, modelslab.WithNewTry())
						require.ErrorIs(t, err, modelslab.ErrOperationMismatch)
					}
					if how == "a new try" {
						st, err = s.client.Wallet.FundOrLink(t.Context(), p, order, modelslab.WithNewTry())
					} else {
						p.PaymentMethodID = "pm_card_visa"
						st, err = s.client.Wallet.FundOrLink(t.Context(), p, order)
					}
					require.NoError(t, err)
					assert.NotNil(t, st.Funding)
					assert.EqualValues(t, 2500, cents(s.srv), "one operation, paid once")
				})
			})
		}
	}
}

// The wallet has more transactions than are read.
func TestADeclineInDoubtBehindTooManyTransactions(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		id := 0
		page := func() []byte {
			var b strings.Builder
			for range 200 {
				id++
				fmt.Fprintf(&b, `,{"id":%d,"type":"debit","amount":"0.01","status":"succeeded","transaction_id":"job-%d","created_at":%q}`, id, id, time.Now().UTC().Format(time.RFC3339))
			}
			return []byte(`{"data":[` + b.String()[1:] + `],"meta":{"current_page":` + fmt.Sprint(id/200) + `,"last_page":99,"per_page":200,"total":19800}}`)
		}
		s.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter})
		s.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultAnswer, Status: 402, Body: []byte(`{"error":{"code":"payment_declined","message":"No."}}`)})
		for range 12 {
			s.srv.Inject(sandbox.Fault{Endpoint: "wallet.transactions", Kind: sandbox.FaultAnswer, Status: 200, Body: page()})
		}
		require.ErrorIs(t, tops(t.Context(), s.client, modelslab.Dollars(25), modelslab.WithOperation("order-1")), modelslab.ErrOutcomeUnknown)
		require.EqualValues(t, 2500, cents(s.srv))
		assert.Len(t, s.pending(s.client), 1)
	})
}

// An API key alone does not say whose it is: a name would stand for one payment with it
// and for another with the account's token.
func TestANameNeedsAnAccount(t *testing.T) {
	srv := aShop(t)
	account := srv.Account(sandbox.AccountParams{BalanceCents: 10_000})
	c, err := modelslab.New(append(srv.ClientOptions(), modelslab.WithAPIKey(account.APIKey))...)
	require.NoError(t, err)
	_, err = c.Generation.Images.TextToImage(t.Context(), lighthouse(), modelslab.WithOperation("poster"))
	require.ErrorIs(t, err, modelslab.ErrUnauthenticated)
	require.ErrorContains(t, err, "WithAccount")
	assert.Empty(t, srv.Requests(), "nothing is sent")
	c, err = c.With(modelslab.WithAccount(fmt.Sprint(account.ID)))
	require.NoError(t, err)
	_, err = c.Generation.Images.TextToImage(t.Context(), lighthouse(), modelslab.WithOperation("poster"))
	require.NoError(t, err)
}

func TestALimitSaysWhichItIs(t *testing.T) {
	fifty := modelslab.Dollars(50)
	for rule, p := range map[string]modelslab.SpendPolicy{
		"PerCall":   {PerCall: fifty, Total: fifty, Budget: "team"},
		"PerWindow": {PerWindow: fifty, Window: time.Hour, Total: fifty, Budget: "team"},
		"Total":     {Total: fifty},
	} {
		t.Run(rule, func(t *testing.T) {
			srv := aShop(t)
			limit := overLimit(t, tops(t.Context(), aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(p)), modelslab.Dollars(51)))
			assert.Equal(t, rule, limit.Rule)
			assert.Equal(t, p.Budget, limit.Budget)
			assert.Contains(t, limit.Error(), "("+rule)
		})
	}
	srv := aShop(t)
	limit := overLimit(t, tops(t.Context(), aProgram(t, srv.Account(sandbox.AccountParams{})), modelslab.Dollars(51), modelslab.WithMaxCharge(fifty)))
	assert.Equal(t, "WithMaxCharge", limit.Rule)
}

// Card and link were both paid, and what is to tell of one of them fails.
func TestWhatCannotBeToldOfASecondPaymentIsUnknown(t *testing.T) {
	for name, breaks := range map[string]func(s *till, store *flaky){
		"the link is refused": func(s *till, _ *flaky) {
			s.srv.Inject(sandbox.Fault{Endpoint: "wallet.confirm_checkout", Kind: sandbox.FaultAnswer, Status: 422, Body: []byte(`{"error":{"code":"validation_error","message":"No."}}`), Times: 9})
		},
		"the store is dead": func(_ *till, store *flaky) { store.dead = true },
	} {
		t.Run(name, func(t *testing.T) {
			atTill(t, func(t *testing.T, s *till) {
				store := &flaky{Store: modelslab.NewMemoryStore()}
				c := aProgram(t, s.account, modelslab.WithStore(store))
				p := modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_threeDSecure2Required"}
				st, err := c.Wallet.FundOrLink(t.Context(), p, modelslab.WithOperation("order-1"))
				require.NoError(t, err)
				require.NoError(t, s.srv.CompleteAction(holderWanted(t, st.Cause)))
				require.NoError(t, s.srv.CompleteCheckout(st.Link.SessionID))
				breaks(s, store)
				funding, err := c.Wallet.AwaitFund(t.Context(), st, modelslab.AwaitParams{})
				require.NotNil(t, funding)
				require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
			})
		})
	}
}
