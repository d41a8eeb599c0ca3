package modelslab_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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
	"github.com/modelslab/modelslab-agents-go/internal/points"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// What became of a payment: pending, settled, resolved, in the ledger, forgotten.

// till is an account at a server in memory whose programs share a store.
type till struct {
	t       testing.TB
	srv     *sandbox.Server
	account sandbox.Account
	store   modelslab.Store
	client  *modelslab.Client
}

// atTill runs a test in fake time.
func atTill(t *testing.T, test func(t *testing.T, s *till), opts ...sandbox.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &till{t: t, srv: aShop(t, opts...), store: modelslab.NewMemoryStore()}
		s.account = s.srv.Account(sandbox.AccountParams{Email: "ada@example.com", BalanceCents: 100})
		s.client = s.program()
		test(t, s)
	})
}

// program is one more process of the account.
func (s *till) program(opts ...modelslab.Option) *modelslab.Client {
	s.t.Helper()
	return aProgram(s.t, s.account, append([]modelslab.Option{modelslab.WithStore(s.store)}, opts...)...)
}

// loses has the server lose so many answers of an endpoint, once the work is done.
func (s *till) loses(endpoint string, answers int) {
	s.srv.Inject(sandbox.Fault{Endpoint: endpoint, Kind: sandbox.FaultDropAfter, Times: answers})
}

// pending are the operations that are open.
func (s *till) pending(c *modelslab.Client) []modelslab.PendingOperation {
	s.t.Helper()
	ops, err := c.Pending(s.t.Context())
	require.NoError(s.t, err)
	return ops
}

func (s *till) ledger(c *modelslab.Client) (all []modelslab.LedgerEntry) {
	s.t.Helper()
	for e, err := range c.Ledger(s.t.Context()) {
		require.NoError(s.t, err)
		all = append(all, *e)
	}
	return all
}

// unknownFund makes a $25 payment whose outcome nobody knows, charged or not.
func (s *till) unknownFund(c *modelslab.Client, name string, charged bool) modelslab.PendingOperation {
	s.t.Helper()
	kind := sandbox.FaultDropBefore
	if charged {
		kind = sandbox.FaultDropAfter
	}
	s.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: kind, Times: 3})
	require.ErrorIs(s.t, tops(s.t.Context(), c, modelslab.Dollars(25), modelslab.WithOperation(name)), modelslab.ErrOutcomeUnknown)
	s.srv.ClearFaults()
	ops := s.pending(c)
	i := slices.IndexFunc(ops, func(op modelslab.PendingOperation) bool { return op.Operation == name })
	require.GreaterOrEqual(s.t, i, 0)
	return ops[i]
}

func TestPendingShowsWhatIsOpenTheOldestFirst(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		c, start := s.client, time.Now()
		assert.Empty(t, s.pending(c))
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(10)))
		_, err := c.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(10), PaymentMethodID: "pm_card_chargeDeclined"})
		require.ErrorIs(t, err, modelslab.ErrPaymentDeclined)
		assert.Empty(t, s.pending(c), "what is known is not pending")

		_, err = c.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(11), PaymentMethodID: "pm_card_threeDSecure2Required"}, modelslab.WithOperation("order-1"))
		pi := holderWanted(t, err)
		elapse(time.Minute)
		lost := s.unknownFund(c, "order-2", true)
		elapse(time.Minute)
		link, err := c.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(12)})
		require.NoError(t, err)
		elapse(time.Minute)
		s.srv.Inject(sandbox.Fault{Endpoint: "images.text2img", Kind: sandbox.FaultDropAfter})
		_, err = c.Generation.Images.TextToImage(t.Context(), lighthouse())
		require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)

		for _, c := range []*modelslab.Client{c, s.program()} {
			ops := s.pending(c)
			require.Len(t, ops, 4)
			id := fmt.Sprint(s.account.ID)
			for i, op := range ops {
				assert.NotEmpty(t, op.ID)
				assert.Equal(t, id, op.Account)
				assert.Equal(t, 1, op.Try)
				ops[i].ID = ""
			}
			assert.Equal(t, modelslab.PendingOperation{
				IdempotencyKey: ops[0].IdempotencyKey, Operation: "order-1", Endpoint: "wallet.fund", Account: id, State: "action_required", PaymentIntentID: pi, Try: 1, Sends: 1,
				Amount: modelslab.Dollars(11), FirstSent: ops[0].FirstSent,
			}, ops[0])
			assert.WithinDuration(t, start, ops[0].FirstSent, time.Second)
			assert.Equal(t, modelslab.PendingOperation{
				IdempotencyKey: lost.IdempotencyKey, Operation: "order-2", Endpoint: "wallet.fund", Account: id, State: "sent", Try: 1, Sends: 3, Amount: modelslab.Dollars(25), FirstSent: ops[1].FirstSent,
			}, ops[1])
			assert.WithinDuration(t, start.Add(time.Minute), ops[1].FirstSent, 2*time.Second)
			assert.Equal(t, "awaiting_human", ops[2].State)
			assert.Equal(t, link.SessionID, ops[2].SessionID)
			assert.Equal(t, modelslab.Dollars(12), ops[2].Amount)
			assert.Equal(t, "images.text2img", ops[3].Endpoint)
			assert.Equal(t, "sent", ops[3].State)
			assert.Empty(t, ops[3].IdempotencyKey, "a submission takes none")
			assert.True(t, ops[3].Amount.IsZero(), "nobody knows what it costs")
		}
		other := aProgram(t, s.srv.Account(sandbox.AccountParams{}), modelslab.WithStore(s.store))
		assert.Empty(t, s.pending(other), "another account's is its own")
	})
}

// readable are the purchases that reading proves.
var readable = []string{"fund", "subscribe", "change plan", "resume", "reset cycle", "fix payment"}

func TestALostAnswerIsSettledByReadingAndChargesNothing(t *testing.T) {
	for _, old := range []bool{false, true} {
		inBubbles(t, fmt.Sprint("old key ", old, "/"), func(t *testing.T, p purchase) {
			srv, buyer := p.ready(t)
			store := modelslab.NewMemoryStore()
			with := func() *modelslab.Client {
				c, err := buyer.With(modelslab.WithStore(store))
				require.NoError(t, err)
				return c
			}
			before := len(srv.Charges())
			elapse(time.Hour)
			srv.Inject(sandbox.Fault{Endpoint: p.endpoint, Kind: sandbox.FaultDropAfter, Times: 3})
			require.ErrorIs(t, p.buy(t.Context(), with()), modelslab.ErrOutcomeUnknown)
			srv.ClearFaults()
			sent := len(asked(srv, p.endpoint))
			if old {
				elapse(11 * time.Minute)
			}
			elapse(time.Second)
			next := aProgram(t, srv.Account(sandbox.AccountParams{Email: "ada@example.com"}), modelslab.WithStore(store)) // after a restart
			ops, err := next.Pending(t.Context())
			require.NoError(t, err)
			require.Len(t, ops, 1)
			settled, err := next.Settle(t.Context(), ops[0])
			if !errors.Is(err, modelslab.ErrPendingOperation) { // its owner's lease
				require.NoError(t, err)
			} else {
				elapse(10 * time.Minute)
				settled, err = next.Settle(t.Context(), ops[0])
				require.NoError(t, err)
			}
			asksAgain := len(asked(srv, p.endpoint)) - sent
			switch {
			case slices.Contains(readable, p.name):
				assert.Equal(t, modelslab.Done, settled.Status)
				assert.Zero(t, asksAgain, "reading is enough")
			case old:
				assert.Equal(t, modelslab.Unknown, settled.Status)
				assert.Zero(t, asksAgain, "nobody knows whether the server knows the key")
				assert.Equal(t, "stranded", func() string { ops, _ := next.Pending(t.Context()); return ops[0].State }())
			default:
				assert.Equal(t, modelslab.Done, settled.Status)
				assert.Equal(t, 1, asksAgain, "asked with the same key")
				all := asked(srv, p.endpoint)
				assert.Equal(t, all[0].Body, all[len(all)-1].Body)
				assert.Equal(t, all[sent-1].IdempotencyKey, all[len(all)-1].IdempotencyKey)
				assert.Equal(t, 200, settled.Response.StatusCode)
			}
			var charged int64
			for _, charge := range srv.Charges()[before:] {
				charged += charge.Cents
			}
			assert.Equal(t, p.cents, charged, "once")
			if settled.Status == modelslab.Done && p.cents > 0 && slices.Contains(readable[:1], p.name) {
				assert.Equal(t, modelslab.Cents(p.cents), settled.Amount)
			}
			ops, err = next.Pending(t.Context())
			require.NoError(t, err)
			assert.Equal(t, settled.Status != modelslab.Done, len(ops) == 1)
		})
	}
}

func TestWhatNeverArrivedIsAskedForWithItsKey(t *testing.T) {
	inBubbles(t, "", func(t *testing.T, p purchase) {
		srv, buyer := p.ready(t)
		c, err := buyer.With(modelslab.WithStore(modelslab.NewMemoryStore()))
		require.NoError(t, err)
		before := len(srv.Charges())
		srv.Inject(sandbox.Fault{Endpoint: p.endpoint, Kind: sandbox.FaultDropBefore, Times: 3})
		require.ErrorIs(t, p.buy(t.Context(), c), modelslab.ErrOutcomeUnknown)
		srv.ClearFaults()
		sent := asked(srv, p.endpoint)
		ops, err := c.Pending(t.Context())
		require.NoError(t, err)
		require.Len(t, ops, 1)
		var resp modelslab.Response
		settled, err := c.Settle(t.Context(), ops[0], modelslab.WithResponse(&resp))
		require.NoError(t, err)
		assert.Equal(t, modelslab.Done, settled.Status)
		assert.Equal(t, resp, settled.Response)
		assert.Equal(t, 200, resp.StatusCode)
		all := asked(srv, p.endpoint)
		require.Len(t, all, len(sent)+1)
		assert.Equal(t, sent[len(sent)-1].IdempotencyKey, all[len(sent)].IdempotencyKey)
		assert.Equal(t, sent[len(sent)-1].Body, all[len(sent)].Body)
		var charged int64
		for _, charge := range srv.Charges()[before:] {
			charged += charge.Cents
		}
		assert.Equal(t, p.cents, charged)
		again, err := c.Settle(t.Context(), ops[0])
		require.NoError(t, err)
		assert.Equal(t, modelslab.Done, again.Status)
		assert.Len(t, asked(srv, p.endpoint), len(all), "what is settled is settled")
	})
}

func TestWhatSettleAsksMayBeRefusedOrDeclined(t *testing.T) {
	for name, tt := range map[string]struct {
		answer sandbox.Fault
		status modelslab.SettlementStatus
	}{
		"declined":    {sandbox.Fault{Status: 402, Body: []byte(`{"error":{"code":"payment_declined","message":"No.","details":{"decline_code":"insufficient_funds"}},"meta":{"idempotency_replay":true}}`)}, modelslab.Refused},
		"3-D Secure":  {sandbox.Fault{Status: 202, Body: []byte(`{"data":{"payment":{"status":"requires_action","payment_intent_id":"pi_3Nobody"}}}`)}, modelslab.ActionRequired},
		"a 401":       {sandbox.Fault{Status: 401, Body: []byte(`{"message":"Unauthenticated."}`)}, modelslab.Unknown},
		"a 422":       {sandbox.Fault{Status: 422, Body: []byte(`{"message":"no"}`)}, modelslab.Unknown},
		"a 500":       {sandbox.Fault{Status: 500, Body: []byte(`{"message":"no"}`)}, modelslab.Unknown},
		"a conflict":  {sandbox.Fault{Status: 409, Body: []byte(`{"message":"in flight"}`)}, modelslab.Unknown},
		"a limiter's": {sandbox.Fault{Status: 429, Body: []byte(`{"message":"slow down"}`)}, modelslab.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			atTill(t, func(t *testing.T, s *till) {
				op := s.unknownFund(s.client, "order-1", false)
				tt.answer.Endpoint, tt.answer.Kind, tt.answer.Times = "wallet.fund", sandbox.FaultAnswer, -1
				s.srv.Inject(tt.answer)
				settled, err := s.client.Settle(t.Context(), op)
				require.NoError(t, err)
				assert.Equal(t, tt.status, settled.Status)
				assert.Equal(t, tt.answer.Status, settled.Response.StatusCode)
				assert.True(t, settled.Amount.IsZero())
				open := s.pending(s.client)
				assert.Equal(t, tt.status != modelslab.Refused, len(open) == 1)
				s.srv.ClearFaults()
				if tt.status == modelslab.Unknown {
					settled, err = s.client.Settle(t.Context(), op)
					require.NoError(t, err)
					assert.Equal(t, modelslab.Done, settled.Status)
				}
			})
		})
	}
}

func TestSettleTellsWhyItCouldNotLook(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		op := s.unknownFund(s.client, "order-1", true)
		s.srv.Inject(sandbox.Fault{Endpoint: "wallet.transactions", Kind: sandbox.Fault500, Times: -1})
		settled, err := s.client.Settle(t.Context(), op)
		require.ErrorIs(t, err, modelslab.ErrServer)
		assert.Equal(t, modelslab.Unknown, settled.Status)
		assert.Len(t, asked(s.srv, "wallet.fund"), 3, "it is not asked again where nobody has looked")
		s.srv.ClearFaults()

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		settled, err = s.client.Settle(ctx, op)
		require.ErrorIs(t, err, context.Canceled)
		if settled != nil {
			assert.Equal(t, modelslab.Unknown, settled.Status)
		}
		settled, err = s.client.Settle(t.Context(), op)
		require.NoError(t, err)
		assert.Equal(t, modelslab.Done, settled.Status)
		assert.Len(t, s.srv.Charges(), 1)
	})
}

func TestSettleFindsAnOperationByEachOfItsNames(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		op := s.unknownFund(s.client, "order-1", true)
		for _, named := range []modelslab.PendingOperation{{ID: op.ID}, {Operation: "order-1"}, {IdempotencyKey: op.IdempotencyKey}, {Operation: "order-1", Try: 1}, op} {
			settled, err := s.client.Settle(t.Context(), named)
			require.NoError(t, err)
			assert.Equal(t, modelslab.Done, settled.Status)
		}
		for _, unknown := range []modelslab.PendingOperation{{}, {Endpoint: "wallet.fund"}, {Operation: "order-2"}, {IdempotencyKey: "k"}, {ID: "n0"}, {Operation: "order-1", Try: 2}, {SessionID: "cs_1"}} {
			for _, call := range []func() error{
				func() error { return second(s.client.Settle(t.Context(), unknown)) },
				func() error { return s.client.Resolve(t.Context(), unknown, modelslab.NotPaid, "") },
			} {
				err := call()
				require.ErrorIs(t, err, modelslab.ErrValidation, "%+v", unknown)
				assert.Contains(t, err.Error(), "PendingOperation")
			}
		}
		other := aProgram(t, s.srv.Account(sandbox.AccountParams{}), modelslab.WithStore(s.store))
		_, err := other.Settle(t.Context(), op)
		require.ErrorIs(t, err, modelslab.ErrValidation, "another account knows nothing of it")
	})
}

func TestAPaymentThatWaitsForItsHolderIsSettledByThem(t *testing.T) {
	for _, passes := range []bool{true, false} {
		atTill(t, func(t *testing.T, s *till) {
			_, err := s.client.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_threeDSecure2Required"}, modelslab.WithOperation("order-1"))
			pi := holderWanted(t, err)
			op := s.pending(s.client)[0]
			settled, err := s.client.Settle(t.Context(), op)
			require.NoError(t, err)
			assert.Equal(t, modelslab.ActionRequired, settled.Status)
			assert.Equal(t, pi, settled.PaymentIntentID)
			status := modelslab.Refused
			if passes {
				require.NoError(t, s.srv.CompleteAction(pi))
				status = modelslab.Done
			} else {
				require.NoError(t, s.srv.FailAction(pi))
			}
			elapse(24 * time.Hour) // no key is needed for it
			settled, err = s.program().Settle(t.Context(), op)
			require.NoError(t, err)
			assert.Equal(t, status, settled.Status)
			assert.Equal(t, pi, settled.PaymentIntentID)
			assert.Len(t, asked(s.srv, "wallet.fund"), 1, "never sent again")
			assert.Empty(t, s.pending(s.client))
			err = tops(t.Context(), s.client, modelslab.Dollars(25), modelslab.WithOperation("order-1"))
			if passes {
				assert.Equal(t, modelslab.Dollars(25), settled.Amount)
				require.ErrorIs(t, err, modelslab.ErrOperationMismatch, "it was paid with another card")
			} else {
				require.NoError(t, err, "another card may do better")
			}
		})
	}
}

func TestALinkIsSettledByWhoeverConfirmsIt(t *testing.T) {
	type link = modelslab.PaymentLink
	fund := func(t *testing.T, c *modelslab.Client) *link {
		l, err := c.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}, modelslab.WithOperation("order-1"))
		require.NoError(t, err)
		return l
	}
	plan := func(t *testing.T, c *modelslab.Client) *link {
		l, err := c.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeSubscribe, PlanID: 20}, modelslab.WithOperation("order-1"))
		require.NoError(t, err)
		return l
	}
	page := func(t *testing.T, c *modelslab.Client) *link {
		l, err := c.Wallet.FundCheckout(t.Context(), modelslab.WalletFundCheckoutParams{Amount: modelslab.Dollars(25)}, modelslab.WithOperation("order-1"))
		require.NoError(t, err)
		return l
	}
	for made, make := range map[string]func(*testing.T, *modelslab.Client) *link{"a link": fund, "a link to a plan": plan, "a page": page} {
		for how, confirm := range map[string]func(t *testing.T, s *till, c *modelslab.Client, l *link) error{
			"the client": func(t *testing.T, _ *till, c *modelslab.Client, l *link) error {
				return confirmOf(t, c, made, l.SessionID)
			},
			"another client": func(t *testing.T, s *till, _ *modelslab.Client, l *link) error {
				return confirmOf(t, s.program(), made, l.SessionID)
			},
			"waiting": func(t *testing.T, _ *till, c *modelslab.Client, l *link) error { return awaitOf(t, c, made, l) },
			"waiting in another one": func(t *testing.T, s *till, _ *modelslab.Client, l *link) error {
				return awaitOf(t, s.program(), made, &link{SessionID: l.SessionID})
			},
			"Settle": func(t *testing.T, s *till, c *modelslab.Client, _ *link) error {
				settled, err := c.Settle(t.Context(), s.pending(c)[0])
				assert.Equal(t, modelslab.Done, settled.Status)
				return err
			},
			"Settle in another one": func(t *testing.T, s *till, _ *modelslab.Client, _ *link) error {
				c := s.program()
				settled, err := c.Settle(t.Context(), s.pending(c)[0])
				assert.Equal(t, modelslab.Done, settled.Status)
				return err
			},
		} {
			t.Run(made+", "+how, func(t *testing.T) {
				atTill(t, func(t *testing.T, s *till) {
					l := make(t, s.client)
					again := make(t, s.program())
					assert.Equal(t, l.SessionID, again.SessionID, "one name, one page")
					op := s.pending(s.client)[0]
					settled, err := s.client.Settle(t.Context(), op)
					require.NoError(t, err)
					assert.Equal(t, modelslab.ActionRequired, settled.Status, "nobody has paid yet")
					before := balance(t, s.client)
					require.NoError(t, s.srv.CompleteCheckout(l.SessionID))
					require.NoError(t, confirm(t, s, s.client, l))
					assert.Empty(t, s.pending(s.client))
					assert.Empty(t, s.pending(s.program()))
					ledger := s.ledger(s.program())
					require.Len(t, ledger, 1)
					assert.Equal(t, l.SessionID, ledger[0].SessionID)
					want := modelslab.Dollars(25)
					if made == "a link to a plan" {
						want = modelslab.Amount{}
					}
					credited, err := balance(t, s.client).Sub(before)
					require.NoError(t, err)
					assert.Equal(t, want, credited, "credited once")
					settled, err = s.program().Settle(t.Context(), op)
					require.NoError(t, err)
					assert.Equal(t, modelslab.Done, settled.Status)
					assert.Len(t, s.srv.Charges(), 1)
				})
			})
		}
	}
}

func confirmOf(t *testing.T, c *modelslab.Client, made, session string) error {
	t.Helper()
	if made == "a link to a plan" {
		return second(c.Subscriptions.ConfirmCheckout(t.Context(), session))
	}
	return second(c.Wallet.ConfirmCheckout(t.Context(), session))
}

func awaitOf(t *testing.T, c *modelslab.Client, made string, l *modelslab.PaymentLink) error {
	t.Helper()
	if made == "a link to a plan" {
		return second(c.Subscriptions.AwaitCheckout(t.Context(), l, modelslab.AwaitParams{}))
	}
	return second(c.Wallet.AwaitCheckout(t.Context(), l, modelslab.AwaitParams{}))
}

func TestALinkThatNobodyPaidIsClosedOnceItHasExpired(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		c := s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(25)}))
		params := modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}
		link, err := c.Billing.CreatePaymentLink(t.Context(), params, modelslab.WithOperation("order-1"))
		require.NoError(t, err)
		op := s.pending(c)[0]
		elapse(24*time.Hour + time.Second)
		settled, err := c.Settle(t.Context(), op)
		require.NoError(t, err)
		assert.NotEqual(t, modelslab.Done, settled.Status)
		_ = overLimit(t, tops(t.Context(), c, modelslab.Dollars(1)))
		elapse(10 * time.Minute) // in which its last second may have been paid
		settled, err = c.Settle(t.Context(), op)
		require.NoError(t, err)
		assert.Equal(t, modelslab.Refused, settled.Status)
		again, err := c.Billing.CreatePaymentLink(t.Context(), params, modelslab.WithOperation("order-1"))
		require.NoError(t, err)
		assert.NotEqual(t, link.SessionID, again.SessionID, "the name is open again")
	})
}

func TestADoubtIsSettledAsSoonAsItCanBeRead(t *testing.T) {
	for _, charged := range []bool{false, true} {
		atTill(t, func(t *testing.T, s *till) {
			fault := sandbox.FaultDropBefore
			if charged {
				fault = sandbox.FaultDropAfter
			}
			// One sending without an answer, then a decline that does not say whether it is the first one's.
			s.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: fault})
			s.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultAnswer, Status: 402, Body: []byte(`{"error":{"code":"payment_declined","message":"No.","details":{"decline_code":"insufficient_funds"}}}`)})
			s.srv.Inject(sandbox.Fault{Endpoint: "wallet.transactions", Kind: sandbox.Fault500, Times: 30})
			err := tops(t.Context(), s.client, modelslab.Dollars(25), modelslab.WithOperation("order-1"))
			require.Error(t, err)
			ops := s.pending(s.client)
			require.Len(t, ops, 1, "nobody could look")
			s.srv.ClearFaults()
			settled, err := s.client.Settle(t.Context(), ops[0])
			require.NoError(t, err)
			if charged {
				assert.Equal(t, modelslab.Done, settled.Status)
			} else {
				assert.Equal(t, modelslab.Refused, settled.Status, "the wallet has no credit that it could be")
			}
			assert.Empty(t, s.pending(s.client))
		})
	}
}

func TestAFrozenStoreIsLookedAtAndNothingIsSent(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		paid, unpaid := s.unknownFund(s.client, "order-1", true), s.unknownFund(s.client, "order-2", false)
		require.NoError(t, s.program().Freeze(t.Context(), "something is wrong"))
		sent := len(asked(s.srv, "wallet.fund"))
		settled, err := s.client.Settle(t.Context(), unpaid)
		require.ErrorIs(t, err, modelslab.ErrFrozen)
		assert.Contains(t, err.Error(), "something is wrong")
		assert.Equal(t, modelslab.Unknown, settled.Status)
		require.NoError(t, s.client.Resolve(t.Context(), unpaid, modelslab.NotPaid, ""), "the owner's word needs no request")
		settled, err = s.client.Settle(t.Context(), paid)
		require.NoError(t, err)
		assert.Equal(t, modelslab.Done, settled.Status, "one credit, one payment")
		assert.Len(t, asked(s.srv, "wallet.fund"), sent)
		require.NoError(t, tops(t.Context(), s.client, modelslab.Dollars(25), modelslab.WithOperation("order-1")), "what is paid is answered")
		require.ErrorIs(t, tops(t.Context(), s.client, modelslab.Dollars(25), modelslab.WithOperation("order-2")), modelslab.ErrFrozen)
	})
}

func TestAFreezeStopsEveryProcessUntilItEnds(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		other := s.program()
		require.NoError(t, s.client.Unfreeze(t.Context()), "there is none")
		require.NoError(t, other.Freeze(t.Context(), "budget review\nsecond line"))
		require.NoError(t, other.Freeze(t.Context(), "another reason"), "once is enough")
		for _, c := range []*modelslab.Client{s.client, other} {
			for name, spend := range map[string]func() error{
				"fund":    func() error { return tops(t.Context(), c, modelslab.Dollars(25)) },
				"named":   func() error { return tops(t.Context(), c, modelslab.Dollars(25), modelslab.WithOperation("x")) },
				"picture": func() error { return second(c.Generation.Images.TextToImage(t.Context(), lighthouse())) },
				"by hand": func() error { return c.Call(t.Context(), "POST", "/nobody/knows", nil, nil) },
			} {
				over := overLimit(t, spend())
				require.ErrorIs(t, over, modelslab.ErrFrozen, name)
				assert.Contains(t, over.Error(), "budget review")
				assert.Contains(t, over.Error(), "since")
			}
			_, err := c.Wallet.Balance(t.Context())
			require.NoError(t, err)
		}
		assert.Zero(t, ordersOf(s.srv))
		require.NoError(t, s.client.Unfreeze(t.Context()))
		require.NoError(t, tops(t.Context(), other, modelslab.Dollars(25)))
	})
}

func TestTheOwnersWord(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		c := s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(50)}))
		op := s.unknownFund(c, "order-1", false)
		require.NoError(t, c.Resolve(t.Context(), op, modelslab.NotPaid, "nothing on the statement"))
		require.NoError(t, c.Resolve(t.Context(), op, modelslab.NotPaid, "again"), "twice is once")
		assert.Empty(t, s.pending(c))
		assert.Empty(t, s.ledger(c))
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(50), modelslab.WithOperation("order-1")), "its sum is there again, and its name open")
		assert.NotEqual(t, op.IdempotencyKey, s.ledger(c)[0].IdempotencyKey, "as another try")

		c = s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(100)}))
		op = s.unknownFund(c, "order-2", false)
		require.NoError(t, c.Resolve(t.Context(), op, modelslab.Paid, "the bank says so"))
		require.NoError(t, c.Resolve(t.Context(), op, modelslab.Paid, "and says it again"))
		err := c.Resolve(t.Context(), op, modelslab.NotPaid, "or not")
		require.ErrorIs(t, err, modelslab.ErrValidation)
		sent := len(asked(s.srv, "wallet.fund"))
		var resp modelslab.Response
		require.NoError(t, tops(t.Context(), s.program(), modelslab.Dollars(25), modelslab.WithOperation("order-2"), modelslab.WithResponse(&resp)))
		assert.True(t, resp.IdempotencyReplay)
		assert.Len(t, asked(s.srv, "wallet.fund"), sent, "answered from the record")
		ledger := s.ledger(c)
		require.Len(t, ledger, 2)
		assert.Equal(t, "the bank says so", ledger[1].Note)
		assert.Equal(t, modelslab.Dollars(25), ledger[1].Amount)
		over := overLimit(t, tops(t.Context(), c, modelslab.Cents(2501)))
		assert.Equal(t, modelslab.Dollars(75), over.Spent, "and it counts")

		elapse(time.Second)
		op = s.unknownFund(c, "order-3", true)
		op.Amount = modelslab.Dollars(20)
		require.NoError(t, c.Resolve(t.Context(), op, modelslab.Paid, "a part of it was refunded"))
		assert.Equal(t, modelslab.Dollars(20), s.ledger(c)[2].Amount, "the owner's word on how much, too")
	})
}

func TestAnOperationThatTheJournalHasLostIsWrittenDownAgain(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		require.NoError(t, tops(t.Context(), s.client, modelslab.Dollars(25), modelslab.WithOperation("order-1")))
		sent := len(asked(s.srv, "wallet.fund"))
		s.store = modelslab.NewMemoryStore() // the disk is gone
		fresh := s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(60)}))
		rec, err := fresh.Reconcile(t.Context(), time.Now().Add(-time.Hour))
		require.NoError(t, err)
		require.Len(t, rec.Unclaimed, 2, "the opening balance, and the lost payment")
		lost := rec.Unclaimed[slices.IndexFunc(rec.Unclaimed, func(tx modelslab.Transaction) bool { return tx.Amount == modelslab.Dollars(25) })]
		op := modelslab.PendingOperation{Operation: "order-1", Endpoint: "wallet.fund", Amount: lost.Amount, PaymentIntentID: lost.TransactionID}

		for _, bad := range []modelslab.PendingOperation{{Operation: "order-1", Amount: lost.Amount}, {Endpoint: "wallet.fund", Amount: lost.Amount}, {Operation: "order-1", Endpoint: "wallet.gift", Amount: lost.Amount}} {
			require.ErrorIs(t, fresh.Resolve(t.Context(), bad, modelslab.Paid, ""), modelslab.ErrValidation, "%+v", bad)
		}
		require.ErrorIs(t, fresh.Resolve(t.Context(), op, modelslab.NotPaid, ""), modelslab.ErrValidation, "what is lost and unpaid needs no record")
		assert.Empty(t, s.ledger(fresh))

		require.NoError(t, fresh.Resolve(t.Context(), op, modelslab.Paid, "found by reconciling"))
		for _, pm := range []string{"pm_card_visa", "pm_card_mastercard"} { // what it was sent with nobody knows any more
			_, err = fresh.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: pm}, modelslab.WithOperation("order-1"))
			require.NoError(t, err)
		}
		assert.Len(t, asked(s.srv, "wallet.fund"), sent)
		rec, err = fresh.Reconcile(t.Context(), time.Now().Add(-time.Hour))
		require.NoError(t, err)
		assert.Len(t, rec.Matched, 1)
		assert.Len(t, rec.Unclaimed, 1)
		over := overLimit(t, tops(t.Context(), fresh, modelslab.Cents(3501)))
		assert.Equal(t, modelslab.Dollars(25), over.Spent)
	})
}

func TestReconcileComparesTheLedgerWithTheWallet(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		elapse(time.Minute)
		since := time.Now()
		require.NoError(t, tops(t.Context(), s.client, modelslab.Dollars(10), modelslab.WithOperation("order-1")))
		elapse(time.Second)
		link, err := s.client.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(11)})
		require.NoError(t, err)
		require.NoError(t, s.srv.CompleteCheckout(link.SessionID))
		_, err = s.client.Wallet.ConfirmCheckout(t.Context(), link.SessionID)
		require.NoError(t, err)
		elapse(time.Second)
		require.NoError(t, tops(t.Context(), aProgram(t, s.account), modelslab.Dollars(12)), "by somebody who has no part in the store")
		elapse(time.Second)
		unpaid := s.unknownFund(s.client, "order-2", false)
		require.NoError(t, s.client.Resolve(t.Context(), unpaid, modelslab.Paid, "by mistake"))
		open := s.unknownFund(s.client, "order-3", false)
		_, err = s.client.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"})
		require.NoError(t, err, "which is none of the wallet's")
		sent := ordersOf(s.srv)

		rec, err := s.program().Reconcile(t.Context(), since)
		require.NoError(t, err)
		assert.Equal(t, sent, ordersOf(s.srv), "it reads")
		require.Len(t, rec.Matched, 2)
		assert.ElementsMatch(t, []modelslab.Amount{modelslab.Dollars(10), modelslab.Dollars(11)}, []modelslab.Amount{rec.Matched[0].Amount, rec.Matched[1].Amount})
		require.Len(t, rec.Unclaimed, 1)
		assert.Equal(t, modelslab.Dollars(12), rec.Unclaimed[0].Amount)
		require.Len(t, rec.Missing, 1)
		assert.Equal(t, "order-2", rec.Missing[0].Operation)
		require.Len(t, rec.Pending, 1)
		assert.Equal(t, open.IdempotencyKey, rec.Pending[0].IdempotencyKey)

		elapse(time.Minute)
		rec, err = s.client.Reconcile(t.Context(), time.Now())
		require.NoError(t, err)
		assert.Empty(t, rec.Matched)
		assert.Empty(t, rec.Unclaimed, "what was before is not asked for")
		assert.Empty(t, rec.Missing)
		assert.Len(t, rec.Pending, 1, "but what is open always is")
		rec, err = s.client.Reconcile(t.Context(), time.Time{})
		require.NoError(t, err)
		assert.Len(t, rec.Unclaimed, 2, "the opening balance too")

		s.srv.Inject(sandbox.Fault{Endpoint: "wallet.transactions", Kind: sandbox.Fault500, Times: -1})
		_, err = s.client.Reconcile(t.Context(), since)
		require.ErrorIs(t, err, modelslab.ErrServer)
	})
}

func TestTwoPaymentsOfOneSumAreBothMatched(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		since := time.Now().Add(time.Millisecond)
		elapse(time.Second)
		for i := range 3 {
			require.NoError(t, tops(t.Context(), s.client, modelslab.Dollars(10), modelslab.WithOperation(fmt.Sprint("order-", i))))
			elapse(time.Second)
		}
		for i := range 2 { // charged, and their answers lost
			s.unknownSum(s.client, fmt.Sprint("lost-", i), modelslab.Dollars(10))
			elapse(time.Second)
		}
		for _, op := range s.pending(s.client) {
			settled, err := s.client.Settle(t.Context(), op)
			require.NoError(t, err)
			assert.Equal(t, modelslab.Done, settled.Status)
		}
		rec, err := s.client.Reconcile(t.Context(), since)
		require.NoError(t, err)
		assert.Len(t, rec.Matched, 5)
		assert.Empty(t, rec.Unclaimed)
		assert.Empty(t, rec.Missing)
		assert.EqualValues(t, 5000, cents(s.srv))
	})
}

// unknownSum is unknownFund of another sum, charged.
func (s *till) unknownSum(c *modelslab.Client, name string, a modelslab.Amount) {
	s.t.Helper()
	s.loses("wallet.fund", 3)
	require.ErrorIs(s.t, tops(s.t.Context(), c, a, modelslab.WithOperation(name)), modelslab.ErrOutcomeUnknown)
	s.srv.ClearFaults()
}

func TestTheLedgerIsInTheOrderInWhichItCameToBeKnown(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		s.unknownSum(s.client, "first", modelslab.Dollars(11))
		elapse(time.Second)
		require.NoError(t, tops(t.Context(), s.client, modelslab.Dollars(12), modelslab.WithOperation("second")))
		elapse(time.Second)
		_, err := s.client.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(13), PaymentMethodID: "pm_card_chargeDeclined"}, modelslab.WithOperation("third"))
		require.Error(t, err)
		require.NoError(t, second(s.program().Generation.Images.TextToImage(t.Context(), lighthouse(), modelslab.WithOperation("picture"))))
		elapse(time.Second)
		settled, err := s.client.Settle(t.Context(), modelslab.PendingOperation{Operation: "first"})
		require.NoError(t, err)
		require.Equal(t, modelslab.Done, settled.Status)
		for _, c := range []*modelslab.Client{s.client, s.program()} {
			ledger := s.ledger(c)
			require.Len(t, ledger, 3)
			assert.Equal(t, []string{"second", "picture", "first"}, []string{ledger[0].Operation, ledger[1].Operation, ledger[2].Operation})
			charges := s.srv.Charges()
			assert.Equal(t, charges[0].PaymentIntentID, ledger[2].PaymentIntentID)
			assert.Equal(t, charges[1].PaymentIntentID, ledger[0].PaymentIntentID)
			assert.Equal(t, charges[1].IdempotencyKey, ledger[0].IdempotencyKey)
			assert.NotEmpty(t, ledger[2].TransactionID, "what proved it")
			assert.NotEmpty(t, ledger[2].Note)
			assert.Empty(t, ledger[0].Note, "its own answer did")
			assert.NotEmpty(t, ledger[1].GenerationID)
			assert.True(t, ledger[2].FirstSent.Before(ledger[0].FirstSent))
			assert.False(t, ledger[2].Settled.Before(ledger[1].Settled))
		}
		n := 0
		for _, err := range s.client.Ledger(t.Context()) {
			_ = err
			n++
			break
		}
		assert.Equal(t, 1, n, "a reader may stop")
	})
}

func TestWithTheDefaultStoreTheLedgerIsOfThisProgramAlone(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		c := aProgram(t, s.account)
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(10)))
		require.NoError(t, second(c.Generation.Images.TextToImage(t.Context(), lighthouse())))
		assert.Len(t, s.ledger(c), 1, "generations without a name are not in it")
		assert.Len(t, s.ledger(c.WithSession(&modelslab.Session{AccessToken: modelslab.NewSecret(s.account.AccessToken)})), 1)
		assert.Empty(t, s.ledger(aProgram(t, s.account)))
		assert.Len(t, asked(s.srv, "profile.get"), 0, "nothing is asked for it")
		s.loses("wallet.fund", 3)
		require.ErrorIs(t, tops(t.Context(), c, modelslab.Dollars(10)), modelslab.ErrOutcomeUnknown)
		require.Len(t, s.pending(c), 1)
		settled, err := c.Settle(t.Context(), s.pending(c)[0])
		require.NoError(t, err)
		assert.Equal(t, modelslab.Done, settled.Status)
		assert.Len(t, s.ledger(c), 2)
	})
}

func TestPruneForgetsWhatWasSettledLongAgo(t *testing.T) {
	for _, durable := range []bool{true, false} {
		atTill(t, func(t *testing.T, s *till) {
			opts := []modelslab.Option{modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(100)})}
			c := aProgram(t, s.account, opts...)
			if durable {
				c = s.program(opts...)
			}
			s.unknownFund(c, "open", false)
			require.NoError(t, tops(t.Context(), c, modelslab.Dollars(10), modelslab.WithOperation("old")))
			_, err := c.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(10), PaymentMethodID: "pm_card_chargeDeclined"}, modelslab.WithOperation("declined"))
			require.Error(t, err)
			elapse(time.Hour)
			between := time.Now()
			elapse(time.Hour)
			require.NoError(t, tops(t.Context(), c, modelslab.Dollars(10), modelslab.WithOperation("new")))
			elapse(time.Minute)

			for _, never := range []time.Time{time.Now(), time.Now().Add(time.Nanosecond), time.Now().Add(time.Hour)} {
				_, err = c.Prune(t.Context(), never)
				require.ErrorIs(t, err, modelslab.ErrValidation)
				assert.Contains(t, err.Error(), "before")
			}
			n, err := c.Prune(t.Context(), time.Time{})
			require.NoError(t, err)
			assert.Zero(t, n)
			n, err = c.Prune(t.Context(), between)
			require.NoError(t, err)
			assert.Equal(t, 2, n)
			n, err = c.Prune(t.Context(), between)
			require.NoError(t, err)
			assert.Zero(t, n)
			ledger := s.ledger(c)
			require.Len(t, ledger, 1)
			assert.Equal(t, "new", ledger[0].Operation)
			require.Len(t, s.pending(c), 1, "what is open stays")
			over := overLimit(t, tops(t.Context(), c, modelslab.Dollars(56)))
			assert.Equal(t, modelslab.Dollars(45), over.Spent, "and so do the sums")
			sent := len(asked(s.srv, "wallet.fund"))
			require.NoError(t, tops(t.Context(), c, modelslab.Dollars(10), modelslab.WithOperation("new")))
			assert.Len(t, asked(s.srv, "wallet.fund"), sent)
			require.NoError(t, tops(t.Context(), c, modelslab.Dollars(10), modelslab.WithOperation("old")))
			assert.Len(t, asked(s.srv, "wallet.fund"), sent+1, "what is forgotten may be sent again: the server alone knows better")
		})
	}
}

// snail hands an answer over long after it came, whatever became of its request.
type snail struct {
	http.RoundTripper
	before func(r *http.Request)
}

func (s snail) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.RoundTripper.RoundTrip(r)
	if s.before != nil && strings.HasSuffix(r.URL.Path, "/wallet/fund") {
		s.before(r)
	}
	return resp, err
}

// The process is stopped while its answer is on the way; its owner gives it up, and pays anew.
func TestWhatIsPaidTwiceIsSaidAndIsInTheLedger(t *testing.T) {
	for second, status := range map[string]string{"pm_card_visa": "paid", "pm_card_threeDSecure2Required": "open", "pm_card_chargeDeclined": "declined"} {
		t.Run(status, func(t *testing.T) {
			atTill(t, func(t *testing.T, s *till) {
				var log bytes.Buffer
				asleep := false
				slow := s.program(modelslab.WithLogger(slog.New(slog.NewTextHandler(&log, nil))), modelslab.WithHTTPClient(&http.Client{Transport: snail{s.srv.Transport(), func(*http.Request) {
					if asleep {
						return
					}
					asleep = true
					elapse(time.Hour)
					ops := s.pending(s.client)
					assert.NoError(t, s.client.Resolve(context.Background(), ops[0], modelslab.NotPaid, "it seems so"))
					_, err := s.client.Wallet.Fund(context.Background(), modelslab.WalletFundParams{Amount: modelslab.Dollars(30), PaymentMethodID: second}, modelslab.WithOperation("order-1"))
					assert.Equal(t, status == "paid", err == nil, err)
				}}}))
				err := tops(t.Context(), slow, modelslab.Dollars(25), modelslab.WithOperation("order-1"))
				if status == "declined" {
					require.NoError(t, err, "the later one was not paid: it was paid once")
					assert.Len(t, s.ledger(s.client), 1)
					return
				}
				var twice *modelslab.PaidTwiceError
				require.ErrorAs(t, err, &twice)
				require.ErrorIs(t, err, modelslab.ErrPaidTwice)
				require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
				assert.Equal(t, "order-1", twice.Operation)
				assert.Equal(t, modelslab.Dollars(25), twice.First.Amount)
				assert.Equal(t, modelslab.Dollars(30), twice.Second.Amount)
				assert.Equal(t, 1, twice.First.Try)
				assert.Equal(t, 2, twice.Second.Try)
				assert.Equal(t, status == "open", twice.Second.Settled.IsZero())
				assert.Contains(t, err.Error(), "$25.00")
				assert.Contains(t, err.Error(), "$30.00")
				assert.NotContains(t, err.Error(), "\n")
				assert.Contains(t, log.String(), "level=ERROR")
				n := 2
				if status == "open" {
					n = 1
				}
				assert.Len(t, s.ledger(s.client), n)
				assert.Len(t, s.pending(s.client), 2-n)
				asJSON, err := json.Marshal(twice)
				require.NoError(t, err)
				assert.Contains(t, string(asJSON), `"first"`)
			})
		})
	}
}

// A call ends when its context does, wherever it is; what it had sent is pending, and
// no goroutine is left behind, which the bubble would not end with.
func TestACancelledPaymentLeavesNoGoroutineAndNothingUncounted(t *testing.T) {
	spends := map[string]func(context.Context, *modelslab.Client) error{
		"named": func(ctx context.Context, c *modelslab.Client) error {
			return tops(ctx, c, modelslab.Dollars(25), modelslab.WithOperation("order-1"))
		},
		"unnamed": func(ctx context.Context, c *modelslab.Client) error { return tops(ctx, c, modelslab.Dollars(25)) },
		"a plan": func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"}))
		},
		"a picture": func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Generation.Images.TextToImage(ctx, lighthouse()))
		},
	}
	for name, spend := range spends {
		for _, point := range points.All() {
			for _, fault := range []sandbox.FaultKind{"", sandbox.FaultDropAfter, sandbox.Fault500} {
				t.Run(fmt.Sprint(name, " ", point, " ", fault), func(t *testing.T) {
					atTill(t, func(t *testing.T, s *till) {
						c := s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{
							Budget: "team", Total: modelslab.Dollars(50), PerGeneration: modelslab.Cents(2), StandingOrders: anyStanding,
						}))
						if fault != "" {
							s.srv.Inject(sandbox.Fault{Kind: fault, Endpoint: map[string]string{"a plan": "subscriptions.create", "a picture": "images.text2img"}[name]})
							if name == "named" || name == "unnamed" {
								s.srv.ClearFaults()
								s.srv.Inject(sandbox.Fault{Kind: fault, Endpoint: "wallet.fund"})
							}
						}
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						passed := false
						err := spend(points.With(ctx, func(at string) {
							if at == point {
								passed = true
								cancel()
							}
						}), c)
						s.srv.ClearFaults()
						if err != nil && passed {
							assert.True(t, errors.Is(err, context.Canceled) || errors.Is(err, modelslab.ErrOutcomeUnknown), err)
						}
						if errors.Is(err, context.Canceled) && !errors.Is(err, modelslab.ErrOutcomeUnknown) {
							assert.Empty(t, s.srv.Charges(), "what was sent is said to be unknown")
						}
						for _, op := range s.pending(s.client) {
							settled, err := s.client.Settle(t.Context(), op)
							if errors.Is(err, modelslab.ErrPendingOperation) {
								elapse(time.Hour)
								settled, err = s.client.Settle(t.Context(), op)
							}
							require.NoError(t, err)
							if name != "a picture" {
								assert.NotEqual(t, modelslab.ActionRequired, settled.Status)
							}
						}
						var paid int64
						for _, e := range s.ledger(s.client) {
							if name != "a picture" {
								amount, err := modelslab.ParseAmount(e.Amount.String())
								require.NoError(t, err)
								for range 100 {
									if amount.Sign() > 0 {
										amount, err = amount.Sub(modelslab.Dollars(1))
										require.NoError(t, err)
										paid += 100
									}
								}
							}
						}
						open := s.pending(s.client)
						if len(open) == 0 {
							assert.Equal(t, cents(s.srv), paid, "what was charged is in the ledger")
						}
					})
				})
			}
		}
	}
}

// Many calls at once, of which many are cancelled: the bubble ends, and the books agree.
func TestManyCancelledPaymentsAtOnceLeaveTheBooksInOrder(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		var group sync.WaitGroup
		for i := range 40 {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+i%5)*100*time.Millisecond)
				defer cancel()
				c := s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "team", Total: modelslab.Dollars(200)}))
				_ = tops(ctx, c, modelslab.Dollars(10), modelslab.WithOperation(fmt.Sprint("order-", i)))
			})
		}
		group.Wait()
		s.srv.ClearFaults()
		elapse(time.Hour)
		for _, op := range s.pending(s.client) {
			settled, err := s.client.Settle(t.Context(), op)
			require.NoError(t, err)
			if settled.Status == modelslab.Unknown {
				require.NoError(t, s.client.Resolve(t.Context(), op, modelslab.NotPaid, "it never arrived"))
			}
		}
		assert.LessOrEqual(t, cents(s.srv), int64(20_000))
		assert.EqualValues(t, cents(s.srv), 1000*int64(len(s.ledger(s.client))))
		rec, err := s.client.Reconcile(t.Context(), time.Time{})
		require.NoError(t, err)
		assert.Len(t, rec.Unclaimed, 1, "the opening balance")
		assert.Empty(t, rec.Missing)
	}, sandbox.WithFault(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultLatency, Delay: 250 * time.Millisecond, Times: 20},
		sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter, Times: 5}, sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore, Times: 5}))
}

// What every call of a client is given, the asking again is given too.
func TestSettleAsksWithTheDefaultsOfItsClient(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		c := s.program(modelslab.WithRequestDefaults(modelslab.WithHeader("X-Trace", "abc")))
		op := s.unknownFund(c, "order-1", false)
		_, err := c.Settle(t.Context(), op, modelslab.WithHeader("X-Other", "def"))
		require.NoError(t, err)
		all := asked(s.srv, "wallet.fund")
		assert.Equal(t, "abc", all[len(all)-1].Header.Get("X-Trace"))
		assert.Equal(t, "def", all[len(all)-1].Header.Get("X-Other"))
	})
}

func TestAKeyIsAskedWithAsLongAsItIsYoung(t *testing.T) {
	for _, lifetime := range []time.Duration{0, 2 * time.Second, time.Hour, 24 * time.Hour} {
		for _, old := range []bool{false, true} {
			t.Run(fmt.Sprint(lifetime, " ", old), func(t *testing.T) {
				atTill(t, func(t *testing.T, s *till) {
					var opts []modelslab.Option
					limit := 10 * time.Minute
					if lifetime != 0 {
						limit = lifetime
						opts = append(opts, modelslab.WithKeyLifetime(lifetime))
					}
					c := s.program(opts...)
					start := time.Now()
					op := s.unknownFund(c, "order-1", false)
					age := limit - time.Second // the server's Date has no fractions
					if old {
						age = limit
					}
					elapse(time.Until(start.Add(age)))
					settled, err := c.Settle(t.Context(), op)
					require.NoError(t, err)
					if old {
						assert.Equal(t, modelslab.Unknown, settled.Status)
						assert.Empty(t, s.srv.Charges())
						require.ErrorIs(t, tops(t.Context(), c, modelslab.Dollars(25), modelslab.WithOperation("order-1")), modelslab.ErrOutcomeUnknown)
						assert.Len(t, asked(s.srv, "wallet.fund"), 3, "never again")
						return
					}
					assert.Equal(t, modelslab.Done, settled.Status)
					assert.Len(t, s.srv.Charges(), 1)
				})
			})
		}
	}
}
