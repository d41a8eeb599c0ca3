package modelslab_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func TestStoryOfPlans(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		plans, err := w.client.Subscriptions.Plans(t.Context())
		require.NoError(t, err)
		same(t, w, "plans", plans, lost(withoutWallet, "PayAsYouGo"))
		require.Len(t, plans.SubscriptionPlans, 4)
		assert.Equal(t, "monthly", plans.SubscriptionPlans[0].Period)
		assert.Equal(t, modelslab.Dollars(249), *plans.SubscriptionPlans[0].Price)
		assert.NotEmpty(t, plans.SubscriptionPlans[0].Features)
		if !withoutWallet.has(w) {
			require.NotNil(t, plans.PayAsYouGo)
			assert.Equal(t, modelslab.Dollars(10), *plans.PayAsYouGo.MinimumTopupUSD)
		}
	})
}

// generates tells whether the account may, with nothing in its wallet.
func generates(t *testing.T, client *modelslab.Client) bool {
	t.Helper()
	_, err := client.Generation.Images.TextToImage(t.Context(), lighthouse())
	if err == nil {
		return true
	}
	var api *modelslab.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, 402, api.StatusCode)
	return false
}

// From the first payment through all that can be done with a subscription. Each step
// costs what it costs, and no more.
func TestStoryOfASubscription(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		poor := w.srv.Account(sandbox.AccountParams{Email: "agent@example.com"})
		w.account, w.client = poor, w.as(t, poor)
		ctx, subs := t.Context(), w.client.Subscriptions
		less := lost(messagesOnly, "Status", "Subscription")
		status := func(id modelslab.ID) *modelslab.Subscription {
			sub, err := subs.Status(ctx, id)
			require.NoError(t, err)
			return sub
		}
		none, err := subs.List(ctx)
		require.NoError(t, err)
		assert.Empty(t, none)
		assert.False(t, generates(t, w.client))

		bought, err := subs.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"})
		require.NoError(t, err)
		same(t, w, "bought", bought)
		w.paid(t, nil, 4700, "subscriptions.create")
		id := bought.Subscription.ID
		assert.True(t, bought.Subscription.Active())
		same(t, w, "status", status(id))
		end := status(id).CurrentPeriodEnd.Time
		assert.True(t, end.Equal(time.Now().AddDate(0, 1, 0)))
		assert.True(t, generates(t, w.client), "a plan needs no wallet")

		// Another plan: up costs the difference, down is free.
		before := w.srv.Charges()
		change := func(plan modelslab.ID) (*modelslab.SubscriptionChange, error) {
			return subs.ChangePlan(ctx, id, modelslab.SubscriptionChangePlanParams{NewPlanID: plan})
		}
		_, err = change(21)
		refused(t, w, "no default card", modelslab.ErrValidation, err)
		attach(t, w.client, "pm_card_mastercard")
		for _, plan := range []modelslab.ID{20, 99} {
			_, err = change(plan)
			require.ErrorIs(t, err, modelslab.ErrValidation)
		}
		w.paid(t, before, 0, "")
		changed, err := change(21)
		require.NoError(t, err)
		same(t, w, "premium", changed, less)
		w.paid(t, before, 10000, "subscriptions.change_plan")
		assert.Equal(t, modelslab.ID(21), status(id).PlanID)
		assert.Equal(t, modelslab.Dollars(147), *status(id).Amount)
		before = w.srv.Charges()
		changed, err = change(20)
		require.NoError(t, err)
		same(t, w, "standard again", changed, less)
		w.paid(t, before, 0, "")
		assert.Equal(t, "Standard", status(id).PlanName)

		// Paused: nothing works. Within the period that is paid, to go on is free.
		paused, err := subs.Pause(ctx, id)
		require.NoError(t, err)
		same(t, w, "paused", paused, less)
		assert.Equal(t, "paused", status(id).Status)
		assert.False(t, generates(t, w.client), "pause is pause")
		_, err = subs.Pause(ctx, id)
		refused(t, w, "paused twice", modelslab.ErrValidation, err)
		resumed, err := subs.Resume(ctx, id)
		require.NoError(t, err)
		same(t, w, "resumed", resumed, less)
		w.paid(t, before, 0, "")
		assert.True(t, generates(t, w.client))
		assert.True(t, status(id).CurrentPeriodEnd.Equal(end), "the same period")
		_, err = subs.Resume(ctx, id)
		refused(t, w, "resumed twice", modelslab.ErrValidation, err)

		// After it, a new one is paid.
		_, err = subs.Pause(ctx, id)
		require.NoError(t, err)
		elapse(40 * 24 * time.Hour)
		w.paid(t, before, 0, "")
		resumed, err = subs.Resume(ctx, id)
		require.NoError(t, err)
		same(t, w, "resumed later", resumed, less)
		w.paid(t, before, 4700, "subscriptions.resume")
		assert.True(t, status(id).CurrentPeriodEnd.Equal(time.Now().AddDate(0, 1, 0)))

		before = w.srv.Charges()
		elapse(24 * time.Hour)
		reset, err := subs.ResetCycle(ctx, id)
		require.NoError(t, err)
		same(t, w, "reset", reset, less)
		w.paid(t, before, 4700, "subscriptions.reset_cycle")
		assert.True(t, status(id).CurrentPeriodStart.Equal(time.Now()))

		// A renewal that failed, and its repair.
		before = w.srv.Charges()
		fix := func(p modelslab.SubscriptionFixPaymentParams) (*modelslab.SubscriptionChange, error) {
			return subs.FixPayment(ctx, id, p)
		}
		_, err = fix(modelslab.SubscriptionFixPaymentParams{})
		refused(t, w, "nothing to fix", modelslab.ErrValidation, err)
		require.NoError(t, w.srv.MarkPastDue(int64(id)))
		assert.Equal(t, "past_due", status(id).Status)
		assert.False(t, generates(t, w.client))
		_, err = fix(modelslab.SubscriptionFixPaymentParams{StripeSubscriptionID: "sub_1SomethingElse"})
		refused(t, w, "another subscription at Stripe", modelslab.ErrValidation, err)
		_, err = fix(modelslab.SubscriptionFixPaymentParams{PlanCategory: "no such category"})
		refused(t, w, "a category that nobody knows", modelslab.ErrValidation, err)
		w.paid(t, before, 0, "")
		fixed, err := fix(modelslab.SubscriptionFixPaymentParams{PlanCategory: "normal", StripeSubscriptionID: bought.StripeSubscriptionID})
		require.NoError(t, err)
		same(t, w, "fixed", fixed, less)
		w.paid(t, before, 4700, "subscriptions.fix_payment")
		assert.Equal(t, "active", status(id).Status)
		assert.True(t, generates(t, w.client))

		// An amount of the caller's.
		before = w.srv.Charges()
		charge, err := subs.ChargeAmount(ctx, modelslab.SubscriptionChargeAmountParams{Amount: modelslab.Cents(725)})
		require.NoError(t, err)
		same(t, w, "charged", charge, lost(messagesOnly, "Status", "PaymentIntentID"))
		w.paid(t, before, 725, "subscriptions.charge_amount")
		assert.Equal(t, modelslab.Cents(725), charge.Amount)
		assert.Equal(t, "pm_card_mastercard", w.srv.Charges()[len(before)].PaymentMethodID)

		// One of another kind beside it; and nobody else's.
		_, err = subs.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 10, PaymentMethodID: "pm_card_visa"})
		require.NoError(t, err)
		list, err := subs.List(ctx)
		require.NoError(t, err)
		slices.SortFunc(list, func(a, b modelslab.Subscription) int { return int(a.ID - b.ID) }) // some lists go by kind
		same(t, w, "list", list)
		require.Len(t, list, 2)
		assert.Equal(t, []modelslab.ID{20, 10}, []modelslab.ID{list[0].PlanID, list[1].PlanID})
		overview, err := w.client.Billing.Overview(ctx)
		require.NoError(t, err)
		same(t, w, "overview", overview)
		require.NotNil(t, overview.ActiveSubscription)
		assert.Equal(t, id, overview.ActiveSubscription.ID)
		assert.Len(t, overview.Subscriptions, 2)
		other := w.as(t, w.srv.Account(sandbox.AccountParams{Email: "ada@example.com"}))
		_, err = other.Subscriptions.Status(ctx, id)
		refused(t, w, "somebody else's", modelslab.ErrNotFound, err)
		_, err = other.Subscriptions.Pause(ctx, id)
		refused(t, w, "somebody else pauses it", modelslab.ErrNotFound, err)
		assert.True(t, list[0].Active())
	}, sandbox.WithGenerationTime(0))
}

// changes are the calls that charge the default card for a subscription.
func changes(id modelslab.ID) map[string]func(context.Context, *modelslab.Client) error {
	return map[string]func(context.Context, *modelslab.Client) error{
		"subscriptions.change_plan": func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.ChangePlan(ctx, id, modelslab.SubscriptionChangePlanParams{NewPlanID: 21}))
		},
		"subscriptions.reset_cycle": func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.ResetCycle(ctx, id))
		},
		"subscriptions.charge_amount": func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.ChargeAmount(ctx, modelslab.SubscriptionChargeAmountParams{Amount: modelslab.Dollars(7)}))
		},
		"subscriptions.resume": func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.Resume(ctx, id))
		},
		"subscriptions.fix_payment": func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.FixPayment(ctx, id, modelslab.SubscriptionFixPaymentParams{}))
		},
	}
}

// Cards that decline, and cards that ask for their holder, leave a subscription as it
// was; once the holder has acted, it is paid.
func TestStoryOfASubscriptionAndCardsThatDoNotPay(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, subs := t.Context(), w.client.Subscriptions
		_, err := subs.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_chargeDeclinedInsufficientFunds"})
		refused(t, w, "declined at the start", modelslab.ErrPaymentDeclined, err)
		holderWanted(t, second(subs.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_threeDSecure2Required"})))
		none, err := subs.List(ctx)
		require.NoError(t, err)
		assert.Empty(t, none)

		bought, err := subs.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"})
		require.NoError(t, err)
		id := bought.Subscription.ID
		before := w.srv.Charges()
		states := map[string]func(){ // what has to be so before each of them
			"subscriptions.resume": func() {
				_, err := subs.Pause(ctx, id)
				require.NoError(t, err)
				elapse(40 * 24 * time.Hour)
			},
			"subscriptions.fix_payment": func() { require.NoError(t, w.srv.MarkPastDue(int64(id))) },
		}
		for _, endpoint := range []string{ // in this order: the last ones change what it is
			"subscriptions.change_plan", "subscriptions.reset_cycle", "subscriptions.charge_amount", "subscriptions.resume", "subscriptions.fix_payment",
		} {
			call := changes(id)[endpoint]
			if prepare := states[endpoint]; prepare != nil {
				prepare()
			}
			was, err := subs.Status(ctx, id)
			require.NoError(t, err)
			attach(t, w.client, "pm_card_chargeCustomerFail")
			refused(t, w, endpoint+" declined", modelslab.ErrPaymentDeclined, call(ctx, w.client))
			attach(t, w.client, "pm_card_authenticationRequired")
			intent := holderWanted(t, call(ctx, w.client))
			is, err := subs.Status(ctx, id)
			require.NoError(t, err)
			assert.Equal(t, was, is, endpoint)
			w.paid(t, before, 0, "")
			status, err := w.client.Wallet.PaymentStatus(ctx, intent)
			require.NoError(t, err)
			assert.False(t, status.IsFinal())

			require.NoError(t, w.srv.CompleteAction(intent))
			status, err = w.client.Wallet.PaymentStatus(ctx, intent)
			require.NoError(t, err)
			assert.True(t, status.Succeeded())
			is, err = subs.Status(ctx, id)
			require.NoError(t, err)
			same(t, w, endpoint+" paid late", is)
			assert.True(t, is.Active())
			require.Len(t, w.srv.Charges(), len(before)+1, endpoint)
			assert.Equal(t, endpoint, w.srv.Charges()[len(before)].Endpoint)
			before = w.srv.Charges()
		}
	})
}

func TestStoryOfASubscriptionThatAHumanPays(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, subs := t.Context(), w.client.Subscriptions
		link, err := subs.CreateCheckout(ctx, modelslab.SubscriptionCheckoutParams{PlanID: 20, SuccessURL: "https://agent.example/paid"})
		require.NoError(t, err)
		same(t, w, "link", link)
		time.AfterFunc(65*time.Second, func() { assert.NoError(t, w.srv.CompleteCheckout(link.SessionID)) })
		bought, err := subs.AwaitCheckout(withinADay(t), link, modelslab.AwaitParams{})
		require.NoError(t, err)
		same(t, w, "bought", bought)
		w.paid(t, nil, 4700, "checkout")
		list, err := subs.List(ctx)
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.True(t, list[0].Active())

		link, err = w.client.Billing.CreatePaymentLink(ctx, modelslab.PaymentLinkParams{Purpose: modelslab.PurposeSubscribe, PlanID: 21})
		require.NoError(t, err)
		same(t, w, "payment link", link)
		require.NoError(t, w.srv.CompleteCheckout(link.SessionID))
		bought, err = subs.ConfirmCheckout(ctx, link.SessionID)
		require.NoError(t, err)
		same(t, w, "confirmed", bought)
		assert.EqualValues(t, 4700+14700, cents(w.srv))
	})
}
