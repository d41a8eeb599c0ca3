package modelslab_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/internal/points"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

var order1 = modelslab.WithOperation("order-1")

func cardOf25(pm string) modelslab.WalletFundParams {
	return modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: pm}
}

// A card whose sending was lost is asked for again after a human has paid the link.
func TestAnUnknownCardIsNotSentOnceTheLinkIsPaid(t *testing.T) {
	for _, confirmed := range []bool{true, false} {
		for _, how := range []string{"fund or link", "fund", "settle"} {
			t.Run(fmt.Sprint(how, " ", confirmed), func(t *testing.T) {
				atTill(t, func(t *testing.T, s *till) {
					st, err := s.client.Wallet.FundOrLink(t.Context(), cardOf25("pm_card_chargeDeclined"), order1)
					require.NoError(t, err)
					require.NotNil(t, st.Link)
					s.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore, Times: 3})
					_, err = s.client.Wallet.FundOrLink(t.Context(), cardOf25("pm_card_visa"), order1)
					require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
					s.srv.ClearFaults()
					require.NoError(t, s.srv.CompleteCheckout(st.Link.SessionID))
					if confirmed {
						_, err = s.client.Wallet.AwaitFund(t.Context(), st, modelslab.AwaitParams{})
						t.Log("await: ", err)
						require.Len(t, s.ledger(s.client), 1)
					}
					switch how {
					case "fund or link":
						_, err = s.client.Wallet.FundOrLink(t.Context(), cardOf25("pm_card_visa"), order1)
					case "fund":
						_, err = s.client.Wallet.Fund(t.Context(), cardOf25("pm_card_visa"), order1)
					case "settle":
						for _, op := range s.pending(s.client) {
							var x *modelslab.Settlement
							x, err = s.client.Settle(t.Context(), op)
							t.Log(x, err)
						}
					}
					t.Log(err)
					assert.EqualValues(t, 2500, cents(s.srv), "a card was charged for what a human has paid")
				})
			})
		}
	}
}

// The holder said no, the link was paid, and the same card is tried anew.
func TestANewTryOfACardThatAskedItsHolder(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		s.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultAnswer, Status: 202, Body: []byte(`{"data":{"payment":{"status":"requires_action","payment_intent_id":"pi_3Mabcdefghijklmn"}}}`)})
		s.srv.Inject(sandbox.Fault{Endpoint: "payments.status", Kind: sandbox.FaultAnswer, Status: 200, Times: 99, Body: []byte(`{"data":{"status":"requires_action","payment_intent_id":"pi_3Mabcdefghijklmn"}}`)})
		st, err := s.client.Wallet.FundOrLink(t.Context(), cardOf25("pm_card_visa"), order1)
		require.NoError(t, err)
		require.NotNil(t, st.Link)
		s.srv.ClearFaults()
		s.srv.Inject(sandbox.Fault{Endpoint: "payments.status", Kind: sandbox.FaultAnswer, Status: 200, Times: 99, Body: []byte(`{"data":{"status":"canceled","payment_intent_id":"pi_3Mabcdefghijklmn"}}`)})
		require.NoError(t, s.srv.CompleteCheckout(st.Link.SessionID))
		_, err = s.client.Wallet.FundOrLink(t.Context(), cardOf25("pm_card_visa"), order1, modelslab.WithNewTry())
		t.Log(err)
		assert.EqualValues(t, 2500, cents(s.srv), "a card was charged for what a human has paid")
	})
}

// Wallet.Fund looks at the record of the link alone.
func TestFundOfANameWhoseLinkWasPaidAndNotConfirmed(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		st, err := s.client.Wallet.FundOrLink(t.Context(), cardOf25("pm_card_chargeDeclined"), order1)
		require.NoError(t, err)
		require.NoError(t, s.srv.CompleteCheckout(st.Link.SessionID))
		_, err = s.client.Wallet.Fund(t.Context(), cardOf25("pm_card_visa"), order1)
		t.Log(err)
		assert.EqualValues(t, 2500, cents(s.srv), "a card was charged for what a human has paid")
	})
}

// The link is confirmed between the look and the reservation.
func TestALinkThatIsConfirmedWhileTheCardWaits(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		st, err := s.client.Wallet.FundOrLink(t.Context(), cardOf25("pm_card_chargeDeclined"), order1)
		require.NoError(t, err)
		other := s.program()
		done := false
		ctx := points.With(t.Context(), func(at string) {
			if at == points.Allowed && !done {
				done = true
				require.NoError(t, s.srv.CompleteCheckout(st.Link.SessionID))
				_, err = other.Wallet.AwaitFund(context.Background(), st, modelslab.AwaitParams{})
				require.NoError(t, err)
			}
		})
		_, err = s.client.Wallet.FundOrLink(ctx, cardOf25("pm_card_visa"), order1)
		t.Log(err)
		assert.EqualValues(t, 2500, cents(s.srv), "a card was charged for what a human has paid")
	})
}

// Another card paid while a process waits at the link, which is paid as well.
func TestAwaitFundTellsOfAnotherCard(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		st, err := s.client.Wallet.FundOrLink(t.Context(), cardOf25("pm_card_chargeDeclined"), order1)
		require.NoError(t, err)
		again, err := s.program().Wallet.FundOrLink(t.Context(), cardOf25("pm_card_visa"), order1)
		require.NoError(t, err)
		require.NotNil(t, again.Funding)
		require.NoError(t, s.srv.CompleteCheckout(st.Link.SessionID))
		_, err = s.client.Wallet.AwaitFund(t.Context(), st, modelslab.AwaitParams{})
		assert.ErrorIs(t, err, modelslab.ErrPaidTwice)
	})
}

// Prune takes the card's decline, and leaves the link that was paid after it.
func TestAPrunedCardWhoseLinkWasPaidLater(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		st, err := s.client.Wallet.FundOrLink(t.Context(), cardOf25("pm_card_chargeDeclined"), order1)
		require.NoError(t, err)
		elapse(10 * time.Minute)
		before := time.Now()
		elapse(time.Minute)
		require.NoError(t, s.srv.CompleteCheckout(st.Link.SessionID))
		_, err = s.client.Wallet.AwaitFund(t.Context(), st, modelslab.AwaitParams{})
		require.NoError(t, err)
		elapse(90 * 24 * time.Hour)
		_, err = s.client.Prune(t.Context(), before)
		require.NoError(t, err)
		require.Len(t, s.ledger(s.client), 1)
		for _, pm := range []string{"pm_card_visa"} {
			x, err := s.client.Wallet.FundOrLink(t.Context(), cardOf25(pm), order1)
			t.Log(x, err)
		}
		assert.EqualValues(t, 2500, cents(s.srv), "paid again, though the ledger has it")
	})
}

// Settle takes a try over, and sends what its client's policy refuses.
func TestSettleIsHeldToItsPolicy(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		op := s.unknownFund(s.client, "order-1", false)
		asked := 0
		c := s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerCall: modelslab.Dollars(10), Approve: func(context.Context, modelslab.SpendIntent) error {
			asked++
			return fmt.Errorf("no")
		}}))
		x, err := c.Settle(t.Context(), op)
		t.Log(x, err, asked)
		assert.Zero(t, cents(s.srv), "a client that may spend $10 a call has charged $25")
	})
}

func TestReconcileKnowsACouponsPurchase(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		since := time.Now().Add(-time.Second)
		elapse(time.Second)
		require.NoError(t, second(s.client.Wallet.RedeemCoupon(t.Context(), modelslab.WalletRedeemCouponParams{CouponCode: "BONUS10", PaymentMethodID: "pm_card_visa", PurchaseAmount: modelslab.Dollars(25)}, order1)))
		t.Logf("%+v", s.ledger(s.client))
		rec, err := s.client.Reconcile(t.Context(), since)
		require.NoError(t, err)
		for _, tx := range rec.Unclaimed {
			t.Logf("unclaimed %+v", tx)
			assert.NotEqual(t, s.ledger(s.client)[0].PaymentIntentID, tx.TransactionID, "the ledger has it")
		}
	})
}

func TestReconcileKnowsALinkOfWhichNoIntentWasSaid(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		since := time.Now().Add(-time.Second)
		elapse(time.Second)
		l, err := s.client.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}, order1)
		require.NoError(t, err)
		require.NoError(t, s.srv.CompleteCheckout(l.SessionID))
		body := []byte(`{"data":{"status":"succeeded","message":"credited"}}`)
		c := s.program(modelslab.WithHTTPClient(&http.Client{Transport: rewriting{s.srv.Transport(), "/wallet/confirm-checkout", body}}))
		f, err := c.Wallet.ConfirmCheckout(t.Context(), l.SessionID)
		require.NoError(t, err)
		require.Empty(t, f.PaymentIntentID)
		rec, err := s.client.Reconcile(t.Context(), since)
		require.NoError(t, err)
		t.Logf("%+v", rec)
		for _, tx := range rec.Unclaimed {
			assert.NotEqual(t, modelslab.Dollars(25), tx.Amount)
		}
		assert.Empty(t, rec.Missing)
	})
}

// rewriting has the work done, and answers with another body.
type rewriting struct {
	http.RoundTripper
	path string
	body []byte
}

func (s rewriting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.RoundTripper.RoundTrip(r)
	if err == nil && resp.StatusCode < 300 && len(r.URL.Path) >= len(s.path) && r.URL.Path[len(r.URL.Path)-len(s.path):] == s.path {
		_ = resp.Body.Close() // it is read by nobody
		resp.Body = io.NopCloser(bytes.NewReader(s.body))
		resp.ContentLength = int64(len(s.body))
		resp.Header.Set("Content-Length", fmt.Sprint(len(s.body)))
	}
	return resp, err
}

// A purchase with a coupon explains no credit of a funding.
func TestACouponExplainsNoCredit(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		require.NoError(t, second(s.client.Wallet.RedeemCoupon(t.Context(), modelslab.WalletRedeemCouponParams{CouponCode: "WELCOME5"}, modelslab.WithOperation("coupon"))))
		s.srv.Inject(sandbox.Fault{Endpoint: "wallet.redeem_coupon", Kind: sandbox.FaultAnswer, Status: 200, Body: []byte(`{"data":{"status":"succeeded","coupon_code":"BONUS10","amount":10,"message":"credited"}}`)})
		require.NoError(t, second(s.client.Wallet.RedeemCoupon(t.Context(), modelslab.WalletRedeemCouponParams{CouponCode: "BONUS10", PaymentMethodID: "pm_card_visa", PurchaseAmount: modelslab.Dollars(25)}, modelslab.WithOperation("bonus"))))
		before := cents(s.srv)
		s.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter})
		s.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultAnswer, Status: 402, Body: []byte(`{"error":{"code":"payment_declined","message":"No.","details":{"decline_code":"insufficient_funds"}}}`)})
		err := tops(t.Context(), s.client, modelslab.Dollars(25), order1)
		require.Greater(t, cents(s.srv), before, "charged")
		assert.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
	})
}

// Another plan that is bought later hinders reading for ever.
func TestAPlanOfAnotherKindIsNoRival(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		plan := func(name string, id modelslab.ID) error {
			return second(s.client.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: id, PaymentMethodID: "pm_card_visa"}, modelslab.WithOperation(name)))
		}
		plans, err := s.client.Subscriptions.Plans(t.Context())
		require.NoError(t, err)
		a, b := plans.SubscriptionPlans[0].ID, plans.SubscriptionPlans[1].ID
		s.loses("subscriptions.create", 3)
		require.ErrorIs(t, plan("mine", a), modelslab.ErrOutcomeUnknown)
		s.srv.ClearFaults()
		elapse(20 * time.Minute)
		require.NoError(t, plan("other", b))
		ops := s.pending(s.client)
		require.Len(t, ops, 1)
		x, err := s.client.Settle(t.Context(), ops[0])
		require.NoError(t, err)
		assert.Equal(t, modelslab.Done, x.Status, "reading can settle it: the other one is another plan's")
	})
}

// A link that was called unpaid is paid after another one was.
func TestALateLinkIsRaised(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		p := modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}
		a, err := s.client.Billing.CreatePaymentLink(t.Context(), p, order1)
		require.NoError(t, err)
		require.NoError(t, s.client.Resolve(t.Context(), s.pending(s.client)[0], modelslab.NotPaid, "nobody will"))
		b, err := s.client.Billing.CreatePaymentLink(t.Context(), p, order1)
		require.NoError(t, err)
		require.NotEqual(t, a.SessionID, b.SessionID)
		require.NoError(t, s.srv.CompleteCheckout(a.SessionID))
		require.NoError(t, s.srv.CompleteCheckout(b.SessionID))
		_, err1 := s.client.Wallet.ConfirmCheckout(t.Context(), b.SessionID)
		_, err2 := s.client.Wallet.ConfirmCheckout(t.Context(), a.SessionID)
		t.Log(err1, err2, len(s.ledger(s.client)))
		assert.ErrorIs(t, err2, modelslab.ErrPaidTwice)
	})
}

// What its owner calls paid counts in the budget of the client that says so.
func TestWhatIsRecoveredCountsInANamedBudget(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		c := s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(50)}))
		require.NoError(t, c.Resolve(t.Context(), modelslab.PendingOperation{Operation: "lost", Endpoint: "wallet.fund", Amount: modelslab.Dollars(25), PaymentIntentID: "pi_3Mabcdefghijklmn"}, modelslab.Paid, "restored"))
		err := tops(t.Context(), c, modelslab.Dollars(50), order1)
		assert.ErrorIs(t, err, modelslab.ErrSpendLimit)
	})
}

// A cycle that the server renews by itself proves no reset.
func TestARenewalIsNoReset(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		require.NoError(t, second(s.client.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"}, modelslab.WithOperation("plan"))))
		list, err := s.client.Subscriptions.List(t.Context())
		require.NoError(t, err)
		sub := list[0]
		s.srv.Inject(sandbox.Fault{Endpoint: "subscriptions.reset_cycle", Kind: sandbox.FaultDropBefore, Times: 3})
		_, err = s.client.Subscriptions.ResetCycle(t.Context(), sub.ID, order1)
		require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
		s.srv.ClearFaults()
		elapse(40 * 24 * time.Hour)
		s.srv.Inject(sandbox.Fault{Endpoint: "subscriptions.list", Kind: sandbox.FaultAnswer, Status: 200, Times: 99, Body: []byte(fmt.Sprintf(
			`{"data":[{"id":%d,"plan_id":20,"status":"active","current_period_start":%q,"current_period_end":%q}]}`, sub.ID,
			sub.CurrentPeriodEnd.UTC().Format(time.RFC3339), sub.CurrentPeriodEnd.AddDate(0, 1, 0).UTC().Format(time.RFC3339)))})
		x, err := s.client.Settle(t.Context(), s.pending(s.client)[0])
		t.Log(x, err)
		require.NoError(t, err)
		assert.NotEqual(t, modelslab.Done, x.Status, "nobody has reset it")
	})
}

// A payment status that says less has the budgets no cheaper.
func TestAStatusThatSaysLess(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		c := s.program(modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(50)}))
		_, err := c.Wallet.Fund(t.Context(), cardOf25("pm_card_threeDSecure2Required"), order1)
		pi := holderWanted(t, err)
		require.NoError(t, s.srv.CompleteAction(pi))
		s.srv.Inject(sandbox.Fault{Endpoint: "payments.status", Kind: sandbox.FaultAnswer, Status: 200, Times: 9, Body: []byte(`{"data":{"status":"succeeded","payment_intent_id":"` + pi + `","amount":0.25}}`)})
		_, err = c.Wallet.Fund(t.Context(), cardOf25("pm_card_threeDSecure2Required"), order1)
		t.Log(err)
		assert.ErrorIs(t, tops(t.Context(), c, modelslab.Dollars(30), modelslab.WithOperation("b")), modelslab.ErrSpendLimit)
	})
}

// AwaitCheckout that finds the credit leaves the record open.
func TestAwaitCheckoutSettles(t *testing.T) {
	atTill(t, func(t *testing.T, s *till) {
		l, err := s.client.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}, order1)
		require.NoError(t, err)
		require.NoError(t, s.srv.CompleteCheckout(l.SessionID))
		// confirmed by somebody else, with another store
		_, err = aProgram(t, s.account).Wallet.ConfirmCheckout(t.Context(), l.SessionID)
		require.NoError(t, err)
		_, err = s.client.Wallet.AwaitCheckout(t.Context(), l, modelslab.AwaitParams{})
		require.NoError(t, err)
		assert.Len(t, s.ledger(s.client), 1)
	})
}

// The first try is paid late, and the second has left the book.
func TestALateSuccessIsRaisedThoughTheOtherIsArchived(t *testing.T) {
	for _, more := range []int{0, 2} {
		t.Run(fmt.Sprint(more), func(t *testing.T) {
			atTill(t, func(t *testing.T, s *till) {
				asleep := false
				slow := s.program(modelslab.WithHTTPClient(&http.Client{Transport: late{s.srv.Transport(), func(r *http.Request) {
					if asleep || r.Method == http.MethodGet {
						return
					}
					asleep = true
					elapse(time.Hour) // stopped with the answer in hand
					op := s.pending(s.client)[0]
					assert.NoError(t, s.client.Resolve(context.Background(), op, modelslab.NotPaid, "it seems so"))
					assert.NoError(t, tops(context.Background(), s.client, modelslab.Dollars(25), order1))
					for i := range more {
						assert.NoError(t, tops(context.Background(), s.client, modelslab.Dollars(7), modelslab.WithOperation(fmt.Sprint("other", i))))
					}
				}}}))
				err := tops(t.Context(), slow, modelslab.Dollars(25), order1)
				t.Log(err)
				require.Len(t, s.ledger(s.client), 2+more)
				assert.ErrorIs(t, err, modelslab.ErrPaidTwice)
			})
		})
	}
}
