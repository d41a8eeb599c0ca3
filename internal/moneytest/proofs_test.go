package moneytest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// fundsOf are processes of one account, each of which pays with the same card, under one
// name or another.
func fundsOf(t *testing.T, srv *sandbox.Server) func(around ...func(modelslab.Store) modelslab.Store) func(name string, dollars int64) (*modelslab.Funding, error) {
	account := srv.Account(sandbox.AccountParams{})
	shared := modelslab.NewMemoryStore()
	return func(around ...func(modelslab.Store) modelslab.Store) func(string, int64) (*modelslab.Funding, error) {
		store := shared
		for _, wrap := range around {
			store = wrap(store)
		}
		c, err := modelslab.New(append(account.ClientOptions(), modelslab.WithStore(store),
			modelslab.WithRetryPolicy(modelslab.RetryPolicy{MaxAttempts: 1}))...)
		require.NoError(t, err)
		return func(name string, dollars int64) (*modelslab.Funding, error) {
			return c.Wallet.Fund(context.WithoutCancel(t.Context()), modelslab.WalletFundParams{
				Amount: modelslab.Dollars(dollars), PaymentMethodID: "pm_card_visa",
			}, modelslab.WithOperation(name))
		}
	}
}

// reading is a store that does something right after each reading.
type reading struct {
	modelslab.Store
	after func(key string)
}

func (s *reading) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := s.Store.Get(ctx, key)
	s.after(key)
	return value, err
}

// until waits for something that a server is about to do.
func until(done func() bool) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		<-tick.C
	}
}

// TestAPaymentIsNotProvenByTheCreditOfAnother has three payments of one sum: one whose
// answer was lost, one that is on its way, and one that has never arrived.
func TestAPaymentIsNotProvenByTheCreditOfAnother(t *testing.T) {
	srv := sandbox.New(sandbox.WithoutRateLimits())
	defer srv.Close()
	process := fundsOf(t, srv)
	one, other := process(), process()

	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter})
	_, err := one("lost", 25)
	require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)

	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultLatency, Delay: 500 * time.Millisecond, AfterWork: true})
	ended := make(chan error)
	go func() {
		_, err := other("late", 25)
		ended <- err
	}()
	until(func() bool { return len(srv.Charges()) == 2 })
	funding, err := one("lost", 25)
	require.NoError(t, err)
	assert.NotEqual(t, srv.Charges()[1].PaymentIntentID, funding.PaymentIntentID, "the payment of the other one")
	require.NoError(t, <-ended)
	require.Len(t, srv.Charges(), 2)

	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore})
	_, err = one("never sent", 25)
	require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
	_, err = one("never sent", 25)
	require.NoError(t, err)
	assert.Len(t, srv.Charges(), 3, "said to be paid, and was not")
}

// TestAPaymentIsNotProvenByOneThatCameWhileItWasLookedFor has a payment that has never
// arrived, and one of the same sum that is made while the wallet is read for the first.
func TestAPaymentIsNotProvenByOneThatCameWhileItWasLookedFor(t *testing.T) {
	srv := sandbox.New(sandbox.WithoutRateLimits())
	defer srv.Close()
	process := fundsOf(t, srv)
	one, other := process(), process()

	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore})
	_, err := one("never sent", 25)
	require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)

	srv.Inject(sandbox.Fault{Endpoint: "wallet.transactions", Kind: sandbox.FaultLatency, Delay: 500 * time.Millisecond})
	ended := make(chan error)
	go func() {
		_, err := one("never sent", 25)
		ended <- err
	}()
	until(func() bool {
		asked := srv.Requests()
		return asked[len(asked)-1].Endpoint == "wallet.transactions"
	})
	_, err = other("meanwhile", 25)
	require.NoError(t, err)
	require.NoError(t, <-ended)
	assert.Len(t, srv.Charges(), 2, "said to be paid, and was not")
}

// TestAPaymentIsNotProvenByOneThatWasSettledWhileItWasLookedFor has a payment that has never
// arrived, one whose answer was lost, and one whose outcome is written down between two
// looks at the journal.
func TestAPaymentIsNotProvenByOneThatWasSettledWhileItWasLookedFor(t *testing.T) {
	srv := sandbox.New(sandbox.WithoutRateLimits())
	defer srv.Close()
	process := fundsOf(t, srv)
	other := process()
	ended := make(chan error)
	armed := false
	one := process(func(s modelslab.Store) modelslab.Store {
		return &reading{s, func(key string) {
			if !armed || !strings.Contains(key, "/claim/") {
				return
			}
			armed = false
			assert.NoError(t, <-ended)
			_, err := other("something else", 10) // which clears away what is settled
			assert.NoError(t, err)
		}}
	})

	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore})
	_, err := one("never sent", 25)
	require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter})
	_, err = one("lost", 25)
	require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)

	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultLatency, Delay: 300 * time.Millisecond, AfterWork: true})
	go func() {
		_, err := other("late", 25)
		ended <- err
	}()
	until(func() bool { return len(srv.Charges()) == 2 })
	armed = true
	_, err = one("never sent", 25)
	require.NoError(t, err)
	require.False(t, armed)
	assert.Len(t, srv.Charges(), 4, "said to be paid, and was not")
}

// failing is a store that takes nothing any more once it has taken a claim.
type failing struct {
	modelslab.Store
	fails bool
}

func (s *failing) Swap(ctx context.Context, key string, older, newer []byte, ttl time.Duration) (bool, error) {
	if s.fails {
		return false, errors.New("the disk is full")
	}
	ok, err := s.Store.Swap(ctx, key, older, newer, ttl)
	s.fails = ok && strings.Contains(key, "/claim/")
	return ok, err
}

// later is a store at a time when no lease of now holds any more.
type later struct{ modelslab.Store }

func (s *later) Now(ctx context.Context) (time.Time, error) {
	return time.Now().Add(leaseTime), ctx.Err()
}

// TestAClaimIsAProof has a process that dies once it has claimed the credit of a payment,
// and another payment of the same sum that has never arrived.
func TestAClaimIsAProof(t *testing.T) {
	srv := sandbox.New(sandbox.WithoutRateLimits())
	defer srv.Close()
	process := fundsOf(t, srv)
	one := process(func(s modelslab.Store) modelslab.Store { return &failing{Store: s} })
	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter})
	_, err := one("lost", 25)
	require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
	_, err = one("lost", 25)
	require.ErrorContains(t, err, "the disk is full")

	next := process(func(s modelslab.Store) modelslab.Store { return &later{s} })
	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore})
	_, err = next("never sent", 25)
	require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.Fault502, Times: -1})
	_, err = next("lost", 25)
	require.NoError(t, err)
}

// TestASubscriptionIsNotProvenByAnother has one that was never asked for, and one to the
// same plan that was bought afterwards.
func TestASubscriptionIsNotProvenByAnother(t *testing.T) {
	srv := sandbox.New(sandbox.WithoutRateLimits())
	defer srv.Close()
	account := srv.Account(sandbox.AccountParams{})
	c, err := modelslab.New(append(account.ClientOptions(), modelslab.WithStore(modelslab.NewMemoryStore()),
		modelslab.WithRetryPolicy(modelslab.RetryPolicy{MaxAttempts: 1}))...)
	require.NoError(t, err)
	subscribe := func(name string) error {
		_, err := c.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: standardPlan, PaymentMethodID: "pm_card_visa"}, modelslab.WithOperation(name))
		return err
	}
	srv.Inject(sandbox.Fault{Endpoint: "subscriptions.create", Kind: sandbox.FaultDropBefore})
	require.ErrorIs(t, subscribe("never sent"), modelslab.ErrOutcomeUnknown)
	require.NoError(t, subscribe("another"))
	require.NoError(t, subscribe("never sent"))
	assert.Len(t, srv.Charges(), 2, "said to be paid, and was not")
}

// TestADoubtIsResolvedByReading has a card that is declined at its second sending, at a
// time when nobody can look whether the first one was paid.
func TestADoubtIsResolvedByReading(t *testing.T) {
	srv := sandbox.New(sandbox.WithoutRateLimits())
	defer srv.Close()
	account := srv.Account(sandbox.AccountParams{})
	c, err := modelslab.New(append(account.ClientOptions(), modelslab.WithStore(modelslab.NewMemoryStore()),
		modelslab.WithRetryPolicy(modelslab.RetryPolicy{MaxAttempts: 2, MaxBackoff: time.Millisecond, MinBackoff: time.Millisecond}))...)
	require.NoError(t, err)
	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter})
	srv.Inject(sandbox.Fault{Endpoint: "wallet.transactions", Kind: sandbox.Fault502, Times: 2})
	fund := func() error {
		_, err := c.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_chargeDeclined"}, modelslab.WithOperation("order-1"))
		return err
	}
	require.Error(t, fund())
	pending, err := c.Pending(t.Context())
	require.NoError(t, err)
	require.Len(t, pending, 1)

	s, err := c.Settle(t.Context(), pending[0])
	require.NoError(t, err)
	assert.Equal(t, modelslab.Refused, s.Status)
	pending, err = c.Pending(t.Context())
	require.NoError(t, err)
	assert.Empty(t, pending)
	require.ErrorIs(t, fund(), modelslab.ErrPaymentDeclined)
}
