package modelslab_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// What an agent may spend: each limit, each endpoint, typed and by hand.

// under is a client with one policy more.
func under(t testing.TB, c *modelslab.Client, p modelslab.SpendPolicy) *modelslab.Client {
	t.Helper()
	with, err := c.With(modelslab.WithSpendPolicy(p))
	require.NoError(t, err)
	return with
}

// aShop is a server in memory without limiters.
func aShop(t testing.TB, opts ...sandbox.Option) *sandbox.Server {
	t.Helper()
	srv := sandbox.New(append([]sandbox.Option{sandbox.InMemory(), sandbox.WithoutRateLimits(), sandbox.WithMinimumTopUp(1)}, opts...)...)
	t.Cleanup(srv.Close)
	return srv
}

// aProgram is a client of a New of its own, as another process would have one.
func aProgram(t testing.TB, account sandbox.Account, opts ...modelslab.Option) *modelslab.Client {
	t.Helper()
	c, err := modelslab.New(append(append(account.ClientOptions(), modelslab.WithRetryPolicy(modelslab.RetryPolicy{MinBackoff: 1, MaxBackoff: 1})), opts...)...)
	require.NoError(t, err)
	return c
}

// tops funds the wallet with Stripe's test card.
func tops(ctx context.Context, c *modelslab.Client, a modelslab.Amount, opts ...modelslab.RequestOption) error {
	return second(c.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: a, PaymentMethodID: "pm_card_visa"}, opts...))
}

// overLimit checks that a call was refused by a limit, and returns what it says.
func overLimit(t testing.TB, err error) *modelslab.SpendLimitError {
	t.Helper()
	var over *modelslab.SpendLimitError
	require.ErrorAs(t, err, &over)
	require.ErrorIs(t, err, modelslab.ErrSpendLimit)
	for _, kind := range allKinds {
		if kind != modelslab.ErrSpendLimit {
			assert.NotErrorIs(t, err, kind)
		}
	}
	assert.NotContains(t, err.Error(), "\n")
	return over
}

// ordersOf are the requests that were more than reading.
func ordersOf(srv *sandbox.Server) (n int) {
	for _, r := range srv.Requests() {
		if r.Method != http.MethodGet {
			n++
		}
	}
	return n
}

var (
	tenPerHour  = modelslab.SpendPolicy{PerWindow: modelslab.Dollars(10), Window: time.Hour}
	anyStanding = modelslab.StandingOrders{PerCharge: modelslab.Dollars(1000), PerWindow: modelslab.Dollars(10_000)}
)

func TestACallIsHeldToWhatOneMayCost(t *testing.T) {
	srv := aShop(t)
	c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerCall: modelslab.Dollars(25)}))
	over := overLimit(t, tops(t.Context(), c, modelslab.Cents(2501)))
	assert.Equal(t, modelslab.Dollars(25), over.Limit)
	assert.True(t, over.Spent.IsZero())
	assert.Equal(t, modelslab.Cents(2501), over.Intent.Amount)
	assert.Equal(t, "wallet.fund", over.Intent.Endpoint)
	assert.Zero(t, ordersOf(srv), "nothing was sent")
	for range 4 { // each call for itself
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(25)))
	}
	assert.EqualValues(t, 10_000, cents(srv))
}

func TestATotalIsNeverGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := aShop(t)
		account := srv.Account(sandbox.AccountParams{BalanceCents: 10_000})
		require.NoError(t, srv.MakeReseller(account.Email))
		c := aProgram(t, account, modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(50)}))
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(20)))
		_, err := c.Wallet.Withdraw(t.Context(), modelslab.WalletWithdrawParams{Amount: modelslab.Dollars(10)})
		require.NoError(t, err)
		_, err = c.Wallet.RedeemCoupon(t.Context(), modelslab.WalletRedeemCouponParams{CouponCode: "WELCOME5"})
		require.NoError(t, err)
		over := overLimit(t, tops(t.Context(), c, modelslab.Cents(2001)))
		assert.Equal(t, modelslab.Dollars(50), over.Limit)
		assert.Equal(t, modelslab.Dollars(30), over.Spent, "a withdrawal is money too, a coupon is none, and neither gives anything back")
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(20)))
		elapse(20 * 365 * 24 * time.Hour)
		over = overLimit(t, tops(t.Context(), c, modelslab.Dollars(1)))
		assert.Equal(t, modelslab.Dollars(50), over.Spent)
		assert.EqualValues(t, 4000, cents(srv))
	})
}

func TestMoneyLeavesTheWindowWhenItIsOverAndNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := aShop(t)
		c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(tenPerHour))
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(4)))
		elapse(20 * time.Minute)
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(6)))
		over := overLimit(t, tops(t.Context(), c, modelslab.Dollars(1)))
		assert.Equal(t, modelslab.Dollars(10), over.Spent)
		elapse(40*time.Minute - time.Millisecond)
		_ = overLimit(t, tops(t.Context(), c, modelslab.Dollars(1)))
		elapse(time.Millisecond)
		over = overLimit(t, tops(t.Context(), c, modelslab.Cents(401)))
		assert.Equal(t, modelslab.Dollars(6), over.Spent, "the first one is out, the second one in")
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(4)))
		elapse(20*time.Minute - time.Millisecond)
		_ = overLimit(t, tops(t.Context(), c, modelslab.Dollars(1)))
		elapse(time.Millisecond)
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(6)))
		assert.EqualValues(t, 2000, cents(srv))
	})
}

// The server's Date has no fractions: whatever is made of it, a window is no
// shorter for it, and at most a second longer.
func TestNoWindowIsShorterForTheServersDate(t *testing.T) {
	for _, offset := range []time.Duration{0, time.Millisecond, 400 * time.Millisecond, 999 * time.Millisecond} {
		for _, read := range []time.Duration{0, 300 * time.Millisecond, 999 * time.Millisecond} {
			t.Run(fmt.Sprint(offset, " ", read), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := aShop(t)
					for name, budget := range map[string]string{"own": "", "named": "team"} {
						p := tenPerHour
						p.Budget = budget
						c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(p))
						start := time.Now()
						balance(t, c)
						elapse(offset)
						paid := time.Now()
						require.NoError(t, tops(t.Context(), c, modelslab.Dollars(10)), name)
						elapse(time.Until(start.Add(30*time.Minute + read)))
						balance(t, c) // hears another Date
						elapse(time.Until(paid.Add(time.Hour - time.Millisecond)))
						_ = overLimit(t, tops(t.Context(), c, modelslab.Dollars(1)))
						elapse(time.Second + time.Millisecond)
						require.NoError(t, tops(t.Context(), c, modelslab.Dollars(1)), name)
					}
				})
			})
		}
	}
}

func TestWhatIsNotKnownToBeUnpaidCountsUntilItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, what := range map[string]struct {
			fault sandbox.Fault
			paid  bool
		}{
			"charged, and the answer lost": {sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter, Times: 3}, true},
			"never charged":                {sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore, Times: 3}, false},
			"answered with a 500":          {sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.Fault500, Times: 3}, false},
		} {
			srv := aShop(t)
			p := tenPerHour
			p.Total = modelslab.Dollars(1000)
			c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(p))
			srv.Inject(what.fault)
			require.ErrorIs(t, tops(t.Context(), c, modelslab.Dollars(10), modelslab.WithOperation("a")), modelslab.ErrOutcomeUnknown, name)
			srv.ClearFaults()
			elapse(30 * time.Hour) // older than its window, and than its key
			over := overLimit(t, tops(t.Context(), c, modelslab.Cents(1), modelslab.WithOperation("b")))
			assert.Equal(t, modelslab.Dollars(10), over.Spent, "%s: what is held leaves no window", name)
			ops, err := c.Pending(t.Context())
			require.NoError(t, err)
			require.Len(t, ops, 1, name)
			settled, err := c.Settle(t.Context(), ops[0])
			require.NoError(t, err, name)
			if what.paid {
				assert.Equal(t, modelslab.Done, settled.Status, name)
				_ = overLimit(t, tops(t.Context(), c, modelslab.Cents(1), modelslab.WithOperation("b")))
				elapse(time.Hour) // from the moment that it was known
			} else {
				assert.Equal(t, modelslab.Unknown, settled.Status, name)
				_ = overLimit(t, tops(t.Context(), c, modelslab.Cents(1), modelslab.WithOperation("b")))
				require.NoError(t, c.Resolve(t.Context(), ops[0], modelslab.NotPaid, "the statement has nothing"))
			}
			require.NoError(t, tops(t.Context(), c, modelslab.Dollars(10), modelslab.WithOperation("b")), name)
		}
	})
}

func TestADefiniteNoGivesBackWhatWasHeld(t *testing.T) {
	srv := aShop(t)
	c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "team", Total: modelslab.Dollars(10)}),
		modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(10)}))
	for _, pm := range []string{"pm_card_chargeDeclined", "pm_nobody_has_this"} {
		_, err := c.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(10), PaymentMethodID: pm})
		require.Error(t, err)
	}
	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultAnswer, Status: 401, Body: []byte(`{"message":"Unauthenticated."}`)})
	require.ErrorIs(t, tops(t.Context(), c, modelslab.Dollars(10)), modelslab.ErrUnauthenticated)
	require.NoError(t, tops(t.Context(), c, modelslab.Dollars(10)))
	_ = overLimit(t, tops(t.Context(), c, modelslab.Cents(1)))
}

func TestWhatWaitsForAHumanIsHeld(t *testing.T) {
	srv := aShop(t)
	c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(30)}))
	_, err := c.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(10), PaymentMethodID: "pm_card_threeDSecure2Required"})
	pi := holderWanted(t, err)
	_, err = c.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(10)})
	require.NoError(t, err)
	_, err = c.Wallet.FundCheckout(t.Context(), modelslab.WalletFundCheckoutParams{Amount: modelslab.Dollars(5)})
	require.NoError(t, err)
	over := overLimit(t, tops(t.Context(), c, modelslab.Cents(501)))
	assert.Equal(t, modelslab.Dollars(25), over.Spent)
	require.NoError(t, srv.FailAction(pi))
	ops, err := c.Pending(t.Context())
	require.NoError(t, err)
	require.Len(t, ops, 3)
	settled, err := c.Settle(t.Context(), ops[0])
	require.NoError(t, err)
	assert.Equal(t, modelslab.Refused, settled.Status)
	require.NoError(t, tops(t.Context(), c, modelslab.Dollars(15)))
	_ = overLimit(t, tops(t.Context(), c, modelslab.Cents(1)))
}

func TestPoliciesAddUp(t *testing.T) {
	srv := aShop(t)
	account := srv.Account(sandbox.AccountParams{})
	var asked []string
	approves := func(name string) func(context.Context, modelslab.SpendIntent) error {
		return func(context.Context, modelslab.SpendIntent) error {
			asked = append(asked, name)
			return nil
		}
	}
	base := aProgram(t, account, modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerCall: modelslab.Dollars(50), Approve: approves("owner")}))
	child := under(t, base, modelslab.SpendPolicy{PerCall: modelslab.Dollars(20), Approve: approves("team")})
	grandchild := under(t, child, modelslab.SpendPolicy{PerCall: modelslab.Dollars(40)})
	require.NoError(t, tops(t.Context(), base, modelslab.Dollars(50)))
	assert.Equal(t, []string{"owner"}, asked)
	require.NoError(t, tops(t.Context(), child, modelslab.Dollars(20)))
	assert.Equal(t, []string{"owner", "owner", "team"}, asked)
	asked = nil
	for _, c := range []*modelslab.Client{child, grandchild} {
		over := overLimit(t, tops(t.Context(), c, modelslab.Cents(2001)))
		assert.Equal(t, modelslab.Dollars(20), over.Limit, "the narrowest one says no, wherever it stands")
	}
	_ = overLimit(t, tops(t.Context(), base, modelslab.Cents(5001)))
	assert.Empty(t, asked, "nobody is asked about what a limit refuses")
	sibling := under(t, base, modelslab.SpendPolicy{PerCall: modelslab.Dollars(30)})
	require.NoError(t, tops(t.Context(), sibling, modelslab.Dollars(30)), "a client is not held to the policies of others made from the same one")
	session := child.WithSession(&modelslab.Session{AccessToken: modelslab.NewSecret(account.AccessToken)})
	_ = overLimit(t, tops(t.Context(), session, modelslab.Cents(2001)))
}

func TestTheOwnerIsAskedLastAndOnceForEachCall(t *testing.T) {
	srv := aShop(t, sandbox.WithFault(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter}))
	account := srv.Account(sandbox.AccountParams{})
	var intents []modelslab.SpendIntent
	no := error(nil)
	c := aProgram(t, account, modelslab.WithSpendPolicy(modelslab.SpendPolicy{
		PerCall: modelslab.Dollars(50),
		Approve: func(ctx context.Context, in modelslab.SpendIntent) error {
			assert.Equal(t, "yes", ctx.Value(ctxKey{}), "the caller's context")
			assert.Zero(t, ordersOf(srv)-len(asked(srv, "wallet.fund")), "before anything is sent")
			intents = append(intents, in)
			return no
		},
	}))
	ctx := context.WithValue(t.Context(), ctxKey{}, "yes")
	require.NoError(t, tops(ctx, c, modelslab.Dollars(25), modelslab.WithOperation("order-1")))
	require.Len(t, intents, 1, "once, although it was sent twice")
	require.Len(t, asked(srv, "wallet.fund"), 2)
	assert.Equal(t, modelslab.SpendIntent{
		Operation: "order-1", Endpoint: "wallet.fund", Account: fmt.Sprint(account.ID), PaymentMethodID: "pm_card_visa",
		IdempotencyKey: asked(srv, "wallet.fund")[0].IdempotencyKey, Amount: modelslab.Dollars(25), AmountKnown: true,
	}, intents[0])
	require.NoError(t, tops(ctx, c, modelslab.Dollars(25), modelslab.WithOperation("order-1")))
	assert.Len(t, intents, 1, "a payment from the record needs no leave")
	_ = overLimit(t, tops(ctx, c, modelslab.Dollars(51)))
	assert.Len(t, intents, 1, "nor does one that a limit refuses")

	no = errors.New("not on a Sunday")
	sent := ordersOf(srv)
	over := overLimit(t, tops(ctx, c, modelslab.Dollars(25)))
	require.ErrorIs(t, over, no)
	assert.Contains(t, over.Error(), "not on a Sunday")
	assert.Equal(t, modelslab.Dollars(25), over.Intent.Amount)
	assert.Equal(t, sent, ordersOf(srv))
	ops, err := c.Pending(t.Context())
	require.NoError(t, err)
	assert.Empty(t, ops)
}

type ctxKey struct{}

func TestAnApprovalThatPanicsOrWaitsSpendsNothing(t *testing.T) {
	srv := aShop(t)
	account := srv.Account(sandbox.AccountParams{})
	store := modelslab.NewMemoryStore()
	c := aProgram(t, account, modelslab.WithStore(store), modelslab.WithSpendPolicy(modelslab.SpendPolicy{
		Approve: func(ctx context.Context, in modelslab.SpendIntent) error {
			if in.Amount == modelslab.Dollars(13) {
				panic("unlucky")
			}
			<-ctx.Done()
			return ctx.Err()
		},
	}))
	assert.PanicsWithValue(t, "unlucky", func() { _ = tops(t.Context(), c, modelslab.Dollars(13)) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := tops(ctx, c, modelslab.Dollars(25))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorIs(t, err, modelslab.ErrSpendLimit)
	assert.Zero(t, ordersOf(srv))
	ops, err := c.Pending(t.Context())
	require.NoError(t, err)
	assert.Empty(t, ops)
	require.NoError(t, tops(t.Context(), aProgram(t, account, modelslab.WithStore(store)), modelslab.Dollars(25)))
}

func TestABudgetOfItsOwnNameIsOneSumForAllWhoNameIt(t *testing.T) {
	srv := aShop(t)
	store := modelslab.NewMemoryStore()
	policy := modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "team", Total: modelslab.Dollars(50)})
	ada, ben := srv.Account(sandbox.AccountParams{}), srv.Account(sandbox.AccountParams{})
	clients := []*modelslab.Client{
		aProgram(t, ada, modelslab.WithStore(store), policy), aProgram(t, ada, modelslab.WithStore(store), policy), aProgram(t, ben, modelslab.WithStore(store), policy),
	}
	for _, c := range clients {
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(15)))
	}
	for _, c := range clients {
		over := overLimit(t, tops(t.Context(), c, modelslab.Cents(501)))
		assert.Equal(t, modelslab.Dollars(45), over.Spent)
	}
	other := aProgram(t, ada, modelslab.WithStore(store), modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "team 2", Total: modelslab.Dollars(50)}))
	require.NoError(t, tops(t.Context(), other, modelslab.Dollars(50)), "another name is another sum")
	elsewhere := aProgram(t, ada, policy)
	require.NoError(t, tops(t.Context(), elsewhere, modelslab.Dollars(50)), "another store too")
	_ = overLimit(t, tops(t.Context(), clients[0], modelslab.Cents(501)))
	require.NoError(t, tops(t.Context(), clients[2], modelslab.Dollars(5)))
	_ = overLimit(t, tops(t.Context(), clients[0], modelslab.Cents(1)))
}

func TestBudgetsMayHaveAnyName(t *testing.T) {
	srv := aShop(t)
	store := modelslab.NewMemoryStore()
	account := srv.Account(sandbox.AccountParams{})
	names := []string{"a", "a/b", "a%2Fb", "../x", ".", "Größe 25 €", strings.Repeat("b", 200), strings.Repeat("/", 200), strings.Repeat("/", 199) + "x", "team", "team/", "budget", " "}
	for _, name := range names {
		c := aProgram(t, account, modelslab.WithStore(store), modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: name, Total: modelslab.Dollars(10)}))
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(10)), "%q is nobody else's", name)
		_ = overLimit(t, tops(t.Context(), c, modelslab.Cents(1)))
	}
	for key, err := range store.List(t.Context(), "") {
		require.NoError(t, err)
		assert.LessOrEqual(t, len(key), 600, "as the contract of a store says")
	}
}

func TestTheAccountsOwnBudgetCountsAllOfItsPaymentsAndNobodyElses(t *testing.T) {
	srv := aShop(t)
	store := modelslab.NewMemoryStore()
	ada, ben := srv.Account(sandbox.AccountParams{}), srv.Account(sandbox.AccountParams{})
	require.NoError(t, tops(t.Context(), aProgram(t, ada, modelslab.WithStore(store)), modelslab.Dollars(30)), "without a policy")
	team := aProgram(t, ada, modelslab.WithStore(store), modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "team", Total: modelslab.Dollars(50)}))
	require.NoError(t, tops(t.Context(), team, modelslab.Dollars(10)), "in another budget")
	own := modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(50)})
	c := aProgram(t, ada, modelslab.WithStore(store), own)
	over := overLimit(t, tops(t.Context(), c, modelslab.Cents(1001)))
	assert.Equal(t, modelslab.Dollars(40), over.Spent)
	require.NoError(t, tops(t.Context(), aProgram(t, ben, modelslab.WithStore(store), own), modelslab.Dollars(50)))
	require.NoError(t, tops(t.Context(), c, modelslab.Dollars(10)))

	both := under(t, team, modelslab.SpendPolicy{Total: modelslab.Dollars(60)})
	require.NoError(t, tops(t.Context(), both, modelslab.Dollars(10)))
	over = overLimit(t, tops(t.Context(), both, modelslab.Cents(1)))
	assert.Equal(t, modelslab.Dollars(60), over.Spent, "the account's is full, the team's is not")
	require.NoError(t, tops(t.Context(), team, modelslab.Dollars(30)), "and what the one has refused the other does not count")
	_ = overLimit(t, tops(t.Context(), team, modelslab.Cents(1)))
}

// cost is what a policy has to count for each purchase.
var cost = map[string]struct {
	amount modelslab.Amount
	known  bool
	plan   modelslab.ID
	card   string
	orders modelslab.Amount // of the standing order that it makes
	method string
	path   string
	body   string
}{
	"fund":          {amount: modelslab.Dollars(25), known: true, card: "pm_card_visa", method: "POST", path: "/wallet/fund", body: `{"amount":25,"payment_method_id":"pm_card_visa"}`},
	"auto-funding":  {amount: modelslab.Dollars(20), known: true, orders: modelslab.Dollars(20), method: "PUT", path: "/wallet/auto-funding", body: `{"auto_charge_amount":20,"charge_threshold":2}`},
	"coupon":        {known: true, method: "POST", path: "/wallet/coupons/redeem", body: `{"coupon_code":"WELCOME5"}`},
	"bonus":         {amount: modelslab.Dollars(25), known: true, card: "pm_card_visa", method: "POST", path: "/wallet/coupons/redeem", body: `{"coupon_code":"BONUS10","payment_method_id":"pm_card_visa","purchase_amount":25}`},
	"withdraw":      {amount: modelslab.Dollars(30), known: true, method: "POST", path: "/wallet/withdraw", body: `{"amount":30}`},
	"subscribe":     {amount: modelslab.Dollars(47), known: true, plan: 20, card: "pm_card_visa", orders: modelslab.Dollars(47), method: "POST", path: "/subscriptions", body: `{"plan_id":20,"payment_method_id":"pm_card_visa"}`},
	"change plan":   {amount: modelslab.Dollars(147), known: true, plan: 21, orders: modelslab.Dollars(147), method: "PUT", path: "/subscriptions/45", body: `{"new_plan_id":21}`},
	"resume":        {amount: modelslab.Dollars(47), known: true, plan: 20, orders: modelslab.Dollars(47), method: "POST", path: "/subscriptions/45/resume"},
	"reset cycle":   {amount: modelslab.Dollars(47), known: true, plan: 20, orders: modelslab.Dollars(47), method: "POST", path: "/subscriptions/45/reset-cycle"},
	"fix payment":   {amount: modelslab.Dollars(60), method: "POST", path: "/subscriptions/45/fix-payment", body: `{"plan_category":"normal"}`}, // by WithMaxCharge
	"charge amount": {amount: modelslab.Dollars(7), known: true, method: "POST", path: "/subscriptions/charge-amount", body: `{"amount":7}`},
}

// ready is where a purchase can be made: by a client without a policy.
func (p purchase) ready(t *testing.T) (*sandbox.Server, *modelslab.Client) {
	t.Helper()
	srv := sandbox.New(sandbox.InMemory(), sandbox.WithoutRateLimits())
	t.Cleanup(srv.Close)
	const email = "ada@example.com"
	client, err := modelslab.New(srv.Account(sandbox.AccountParams{Email: email, BalanceCents: 100}).ClientOptions()...)
	require.NoError(t, err)
	if p.prepare != nil {
		p.prepare(t, srv, client, email)
	}
	return srv, client
}

func TestAPolicyKnowsWhatEachPurchaseCosts(t *testing.T) {
	for _, p := range purchases() {
		want := cost[p.name]
		ways := map[string]func(ctx context.Context, c *modelslab.Client) error{
			"by its method": p.buy,
			"by hand": func(ctx context.Context, c *modelslab.Client) error {
				var in any
				if want.body != "" {
					in = json.RawMessage(want.body)
				}
				return c.Call(ctx, want.method, want.path, in, nil)
			},
		}
		for way, buy := range ways {
			t.Run(p.name+" "+way, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv, client := p.ready(t)
					sent, charged := ordersOf(srv), len(srv.Charges())
					var told []modelslab.SpendIntent
					allowed := func(p modelslab.SpendPolicy) *modelslab.Client {
						p.Approve = func(_ context.Context, in modelslab.SpendIntent) error { told = append(told, in); return nil }
						c := under(t, client, p)
						if !want.known { // only the caller can tell
							c, err := c.With(modelslab.WithRequestDefaults(modelslab.WithMaxCharge(want.amount)))
							require.NoError(t, err)
							return c
						}
						return c
					}
					short, err := want.amount.Sub(modelslab.Cents(1))
					require.NoError(t, err)
					if want.orders.IsZero() && !want.amount.IsZero() {
						over := overLimit(t, buy(t.Context(), allowed(modelslab.SpendPolicy{PerCall: short})))
						assert.Equal(t, short, over.Limit)
						_ = overLimit(t, buy(t.Context(), allowed(modelslab.SpendPolicy{Budget: "team", Total: short})))
						_ = overLimit(t, buy(t.Context(), allowed(modelslab.SpendPolicy{PerWindow: short, Window: time.Minute, PerCall: modelslab.Dollars(1000)})))
					}
					if !want.orders.IsZero() {
						p := modelslab.SpendPolicy{PerCall: modelslab.Dollars(1000)}
						over := overLimit(t, buy(t.Context(), allowed(p)))
						assert.Contains(t, over.Error(), "StandingOrders")
						p.StandingOrders = modelslab.StandingOrders{PerCharge: short, PerWindow: modelslab.Dollars(1000)}
						over = overLimit(t, buy(t.Context(), allowed(p)))
						assert.Equal(t, short, over.Limit)
						p.StandingOrders = modelslab.StandingOrders{PerCharge: want.orders, PerWindow: short}
						over = overLimit(t, buy(t.Context(), allowed(p)))
						assert.Equal(t, short, over.Limit)
						if want.plan != 0 {
							p.StandingOrders, p.PerCall = anyStanding, short
							over = overLimit(t, buy(t.Context(), allowed(p)))
							assert.Equal(t, short, over.Limit)
						}
					}
					assert.Equal(t, sent, ordersOf(srv), "nothing but reading")
					assert.Len(t, srv.Charges(), charged)
					assert.Empty(t, told, "nobody is asked about what a limit refuses")

					p := modelslab.SpendPolicy{PerCall: want.amount, StandingOrders: anyStanding}
					if want.amount.IsZero() {
						p.PerCall = modelslab.Cents(1)
					}
					require.NoError(t, buy(t.Context(), allowed(p)))
					require.Len(t, told, 1)
					in := told[0]
					assert.Equal(t, want.amount, in.Amount)
					assert.Equal(t, want.known, in.AmountKnown)
					assert.Equal(t, want.plan, in.PlanID)
					assert.Equal(t, want.card, in.PaymentMethodID)
					assert.NotEmpty(t, in.IdempotencyKey)
					assert.NotEmpty(t, in.Account)
					assert.Empty(t, in.Operation)
				})
			})
		}
	}
}

func TestNoPurchaseIsForgottenByThePolicies(t *testing.T) {
	for _, p := range purchases() {
		assert.Contains(t, cost, p.name)
	}
}

// What was charged counts, and where the answer does not say it, what it may have been.
func TestAPurchaseCountsWhatItHasCost(t *testing.T) {
	inBubbles(t, "", func(t *testing.T, p purchase) {
		srv, client := p.ready(t)
		before := cents(srv)
		spent := func() modelslab.Amount {
			return overLimit(t, tops(t.Context(), under(t, client, modelslab.SpendPolicy{Total: modelslab.Cents(1)}), modelslab.Dollars(1000))).Spent
		}
		was := spent()
		buyer, err := under(t, client, modelslab.SpendPolicy{Total: modelslab.Dollars(100_000), StandingOrders: anyStanding}).
			With(modelslab.WithRequestDefaults(modelslab.WithMaxCharge(modelslab.Dollars(500))))
		require.NoError(t, err)
		require.NoError(t, p.buy(t.Context(), buyer))
		counts, err := spent().Sub(was)
		require.NoError(t, err)
		charged := modelslab.Cents(cents(srv) - before)
		switch p.name {
		case "withdraw":
			assert.Equal(t, modelslab.Dollars(30), counts)
		case "auto-funding":
			assert.Zero(t, counts, "what it charges has an allowance of its own")
		default:
			assert.False(t, counts.Less(charged), "$%s was charged, and $%s counts", charged, counts)
		}
	})
}

func TestWhatIsNotKnownBeforeItIsPaidIsRefusedByALimitUnlessItsOwnerSaysTheMost(t *testing.T) {
	unknowns := map[string]func(ctx context.Context, c *modelslab.Client, opts ...modelslab.RequestOption) error{
		"a picture": func(ctx context.Context, c *modelslab.Client, opts ...modelslab.RequestOption) error {
			return second(c.Generation.Images.TextToImage(ctx, lighthouse(), opts...))
		},
		"a picture by hand": func(ctx context.Context, c *modelslab.Client, opts ...modelslab.RequestOption) error {
			return second(c.Generation.Run(ctx, "/api/v6/images/text2img", map[string]any{"model_id": "flux", "prompt": "x", "width": 512, "height": 512}, opts...))
		},
		"an answer of a language model": func(ctx context.Context, c *modelslab.Client, opts ...modelslab.RequestOption) error {
			return second(c.Generation.Chat.Complete(ctx, modelslab.ChatParams{Model: "x", Messages: []modelslab.ChatMessage{{Role: "user", Content: "Hello?"}}}, opts...))
		},
		"an amount that is none": func(ctx context.Context, c *modelslab.Client, opts ...modelslab.RequestOption) error {
			return c.Call(ctx, "POST", "/wallet/fund", map[string]any{"amount": "lots", "payment_method_id": "pm_card_visa"}, nil, opts...)
		},
		"three decimals": func(ctx context.Context, c *modelslab.Client, opts ...modelslab.RequestOption) error {
			return c.Call(ctx, "POST", "/wallet/fund", map[string]any{"amount": 1.001, "payment_method_id": "pm_card_visa"}, nil, opts...)
		},
		"no amount": func(ctx context.Context, c *modelslab.Client, opts ...modelslab.RequestOption) error {
			return c.Call(ctx, "POST", "/wallet/fund", map[string]any{"payment_method_id": "pm_card_visa"}, nil, opts...)
		},
		"an amount below zero": func(ctx context.Context, c *modelslab.Client, opts ...modelslab.RequestOption) error {
			return c.Call(ctx, "POST", "/wallet/withdraw", map[string]any{"amount": -5}, nil, opts...)
		},
		"no body at all": func(ctx context.Context, c *modelslab.Client, opts ...modelslab.RequestOption) error {
			return c.Call(ctx, "POST", "/subscriptions/charge-amount", nil, nil, opts...)
		},
		"a path that nobody knows": func(ctx context.Context, c *modelslab.Client, opts ...modelslab.RequestOption) error {
			return c.Call(ctx, "POST", "/wallet/gift", map[string]any{"amount": 1}, nil, opts...)
		},
		"a deletion that nobody knows": func(ctx context.Context, c *modelslab.Client, opts ...modelslab.RequestOption) error {
			return c.Call(ctx, "DELETE", "/wallet/everything", nil, nil, opts...)
		},
		"an open invoice that is not there": func(ctx context.Context, c *modelslab.Client, opts ...modelslab.RequestOption) error {
			return second(c.Subscriptions.FixPayment(ctx, 45, modelslab.SubscriptionFixPaymentParams{PlanCategory: "normal"}, opts...))
		},
	}
	limits := map[string]modelslab.SpendPolicy{
		"per call": {PerCall: modelslab.Dollars(5)}, "window": {PerWindow: modelslab.Dollars(5), Window: time.Hour},
		"total": {Total: modelslab.Dollars(5)}, "of its own name": {Budget: "team", Total: modelslab.Dollars(5)},
	}
	for name, call := range unknowns {
		for limit, policy := range limits {
			t.Run(name+", "+limit, func(t *testing.T) {
				srv := aShop(t)
				account := srv.Account(sandbox.AccountParams{BalanceCents: 10_000})
				c := aProgram(t, account, modelslab.WithSpendPolicy(policy))
				over := overLimit(t, call(t.Context(), c))
				assert.False(t, over.Intent.AmountKnown)
				assert.Contains(t, over.Error(), "WithMaxCharge")
				over = overLimit(t, call(t.Context(), c, modelslab.WithMaxCharge(modelslab.Cents(501))))
				assert.Equal(t, modelslab.Dollars(5), over.Limit)
				assert.Equal(t, modelslab.Cents(501), over.Intent.Amount)
				assert.Zero(t, ordersOf(srv), "nothing was sent")
				err := call(t.Context(), c, modelslab.WithMaxCharge(modelslab.Dollars(5)))
				require.NotErrorIs(t, err, modelslab.ErrSpendLimit)
				assert.Equal(t, 1, ordersOf(srv))
			})
		}
		t.Run(name+", asking alone", func(t *testing.T) {
			srv := aShop(t)
			var told []modelslab.SpendIntent
			c := aProgram(t, srv.Account(sandbox.AccountParams{BalanceCents: 10_000}), modelslab.WithSpendPolicy(modelslab.SpendPolicy{
				Approve: func(_ context.Context, in modelslab.SpendIntent) error { told = append(told, in); return nil },
			}))
			require.NotErrorIs(t, call(t.Context(), c), modelslab.ErrSpendLimit)
			require.Len(t, told, 1)
			assert.False(t, told[0].AmountKnown)
			assert.True(t, told[0].Amount.IsZero())
		})
	}
}

func TestGenerationsCountWhatTheirOwnerSaysThatTheyCost(t *testing.T) {
	srv := aShop(t)
	c := aProgram(t, srv.Account(sandbox.AccountParams{BalanceCents: 10_000}), modelslab.WithSpendPolicy(modelslab.SpendPolicy{
		Total: modelslab.Dollars(1), PerGeneration: modelslab.Cents(40),
	}))
	picture := func(opts ...modelslab.RequestOption) error {
		return second(c.Generation.Images.TextToImage(t.Context(), lighthouse(), opts...))
	}
	require.NoError(t, picture())
	require.NoError(t, picture())
	over := overLimit(t, picture())
	assert.Equal(t, modelslab.Cents(80), over.Spent)
	assert.Equal(t, modelslab.Cents(40), over.Intent.Amount)
	assert.False(t, over.Intent.AmountKnown)
	require.NoError(t, picture(modelslab.WithMaxCharge(modelslab.Cents(20))), "the call itself may say less")
	_ = overLimit(t, picture(modelslab.WithMaxCharge(modelslab.Cents(1))))
	assert.Equal(t, 3, ordersOf(srv))
	// What a payment says itself is not about generations.
	_ = overLimit(t, tops(t.Context(), c, modelslab.Dollars(1)))
}

func TestAGenerationThatFailsCountsWhereItMayHaveCost(t *testing.T) {
	srv := aShop(t, sandbox.WithFault(sandbox.Fault{Endpoint: "images.text2img", Kind: sandbox.FaultAnswer, Status: 422, Body: []byte(`{"status":"error","message":"no"}`)},
		sandbox.Fault{Endpoint: "images.text2img", Kind: sandbox.FaultDropAfter}))
	c := aProgram(t, srv.Account(sandbox.AccountParams{BalanceCents: 10_000}), modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Cents(40), PerGeneration: modelslab.Cents(40)}))
	picture := func() error { return second(c.Generation.Images.TextToImage(t.Context(), lighthouse())) }
	require.Error(t, picture(), "refused")
	require.ErrorIs(t, picture(), modelslab.ErrOutcomeUnknown, "which counts, while the refused one does not")
	_ = overLimit(t, picture())
	assert.Equal(t, 2, ordersOf(srv))
}

func TestTheMostThatACallMayChargeHoldsWithoutAPolicyToo(t *testing.T) {
	most := modelslab.WithMaxCharge(modelslab.Dollars(20))
	srv := aShop(t)
	c := aProgram(t, srv.Account(sandbox.AccountParams{}))
	over := overLimit(t, tops(t.Context(), c, modelslab.Cents(2001), most))
	assert.Equal(t, modelslab.Dollars(20), over.Limit)
	require.NoError(t, tops(t.Context(), c, modelslab.Dollars(20), most))
	_, err := c.Wallet.Balance(t.Context(), most)
	require.NoError(t, err, "what does not spend takes no notice")
	attach(t, c, "pm_card_visa")
	sent := ordersOf(srv)
	for name, call := range map[string]func() error{
		"a plan": func() error {
			return second(c.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"}, most))
		},
		"a link to a plan": func() error {
			return second(c.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeSubscribe, PlanID: 20}, most))
		},
		"a link": func() error {
			return second(c.Billing.CreatePaymentLink(t.Context(), modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(21)}, most))
		},
		"a page": func() error {
			return second(c.Wallet.FundCheckout(t.Context(), modelslab.WalletFundCheckoutParams{Amount: modelslab.Dollars(21)}, most))
		},
		"a bonus": func() error {
			return second(c.Wallet.RedeemCoupon(t.Context(), modelslab.WalletRedeemCouponParams{CouponCode: "BONUS10", PaymentMethodID: "pm_card_visa", PurchaseAmount: modelslab.Dollars(25)}, most))
		},
	} {
		t.Run(name, func(t *testing.T) {
			_ = overLimit(t, call())
			assert.Equal(t, sent, ordersOf(srv))
		})
	}
	dearer := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerCall: modelslab.Dollars(10)}))
	_ = overLimit(t, tops(t.Context(), dearer, modelslab.Dollars(11), modelslab.WithMaxCharge(modelslab.Dollars(100))))
	require.NoError(t, tops(t.Context(), dearer, modelslab.Dollars(10), modelslab.WithMaxCharge(modelslab.Dollars(100))), "what a request says itself counts, not what it may be at most")
}

// Whatever a body says twice, in another case or in another notation: a limit is not
// walked around by it.
func TestABodyByHandIsCountedAsTheServerReadsIt(t *testing.T) {
	const limit = 25_00
	for _, body := range []string{
		`{"amount":1,"amount":1000,"payment_method_id":"pm_card_visa"}`,
		`{"amount":1000,"amount":1,"payment_method_id":"pm_card_visa"}`,
		`{"amount":1,"\u0061mount":1000,"payment_method_id":"pm_card_visa"}`,
		`{"\u0061mount":1000,"payment_method_id":"pm_card_visa"}`,
		`{"\u0061mount":1,"amount":1000,"payment_method_id":"pm_card_visa"}`,
		`{"amount":1000,"amount":null,"payment_method_id":"pm_card_visa"}`,
		`{"amount":null,"amount":1000,"payment_method_id":"pm_card_visa"}`,
		`{"amount":1,"amount":"1000","payment_method_id":"pm_card_visa"}`,
		`{"amount":1,"amount":1e3,"payment_method_id":"pm_card_visa"}`,
		`{"amount":"1e3","payment_method_id":"pm_card_visa"}`,
		`{"amount":" 1000 ","payment_method_id":"pm_card_visa"}`,
		`{"amount":1000.00,"payment_method_id":"pm_card_visa"}`,
		`{"amount":"1000.000","payment_method_id":"pm_card_visa"}`,
		`{"amount":"+1000","payment_method_id":"pm_card_visa"}`,
		`{"amount":"1\u0030\u00300","payment_method_id":"pm_card_visa"}`,
		`{"amount":[1000],"payment_method_id":"pm_card_visa"}`,
		`{"amount":{"amount":1000},"payment_method_id":"pm_card_visa"}`,
		`{"Amount":1,"amount":1000,"payment_method_id":"pm_card_visa"}`,
		`{"amount":1,"AMOUNT":1000,"payment_method_id":"pm_card_visa"}`,
		`{"data":{"amount":1},"amount":1000,"payment_method_id":"pm_card_visa"}`,
		`{ "amount" : 1000 , "payment_method_id" : "pm_card_visa" }`,
	} {
		for budget, policy := range map[string]modelslab.SpendPolicy{
			"per call": {PerCall: modelslab.Cents(limit)}, "total": {Total: modelslab.Cents(limit)}, "team": {Budget: "team", Total: modelslab.Cents(limit)},
		} {
			srv := aShop(t)
			var told []modelslab.SpendIntent
			policy.Approve = func(_ context.Context, in modelslab.SpendIntent) error { told = append(told, in); return nil }
			c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(policy))
			err := c.Call(t.Context(), "POST", "/wallet/fund", json.RawMessage(body), nil)
			assert.LessOrEqual(t, cents(srv), int64(limit), "%s: %s", budget, body)
			if err == nil {
				require.Len(t, told, 1)
				assert.False(t, told[0].Amount.Less(modelslab.Cents(cents(srv))), "%s: its owner was told less than was charged: %s", budget, body)
			}
		}
	}
}

// A card in a body means a charge, in whatever notation it stands there; and so does a sum.
func TestACouponByHandIsCountedWhereItMayCharge(t *testing.T) {
	for _, body := range []string{
		`{"coupon_code":"BONUS10","payment_method_id":"pm_card_visa","purchase_amount":1000}`,
		`{"coupon_code":"BONUS10","payment\u005fmethod_id":"pm_card_visa","purchase_amount":1000}`,
		`{"coupon_code":"BONUS10","payment_method_id":"pm_card_visa","purchase_amount":1,"purchase_amount":1000}`,
		`{"coupon_code":"BONUS10","payment_method_id":"pm_card_visa"}`,
		`{"coupon_code":"BONUS10","payment_method_id":["pm_card_visa"],"purchase_amount":1000}`,
		`{"coupon_code":"BONUS10","payment_method_id":true,"purchase_amount":1000}`,
		`{"coupon_code":"BONUS10","payment_method_id":" ","purchase_amount":1000}`,
		`{"coupon_code":"BONUS10","purchase_amount":1000}`,
	} {
		t.Run(body, func(t *testing.T) {
			srv := aShop(t)
			c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerCall: modelslab.Dollars(25)}))
			_ = overLimit(t, c.Call(t.Context(), "POST", "/wallet/coupons/redeem", json.RawMessage(body), nil))
			assert.Zero(t, ordersOf(srv))
		})
	}
}

func TestAPlanByHandIsCountedAsTheServerReadsIt(t *testing.T) {
	for _, body := range []string{
		`{"plan_id":20,"plan_id":21,"payment_method_id":"pm_card_visa"}`, `{"plan_id":"21","payment_method_id":"pm_card_visa"}`,
		`{"plan\u005fid":21,"payment_method_id":"pm_card_visa"}`, `{"plan_id":999,"payment_method_id":"pm_card_visa"}`, `{"payment_method_id":"pm_card_visa"}`,
		`{"plan_id":null,"payment_method_id":"pm_card_visa"}`, `{"plan_id":20.0,"plan_id":[21],"payment_method_id":"pm_card_visa"}`, `{"plan_id":21}`,
		`{"purpose":"fund","purpose":"subscribe","amount":1,"plan_id":21}`, `{"purpose":"subscribe","plan_id":21,"amount":1}`, `{"purpose":"gift","amount":1}`, `{"amount":1}`,
		`{"purpose":"fund","amount":1,"amount":1000}`, `{"purpose":"FUND","amount":1}`,
	} {
		t.Run(body, func(t *testing.T) {
			srv := aShop(t)
			c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerCall: modelslab.Dollars(50), StandingOrders: anyStanding}))
			path := "/subscriptions"
			if strings.Contains(body, `"purpose"`) || strings.HasPrefix(body, `{"amount"`) {
				path = "/billing/payment-link"
			}
			_ = overLimit(t, c.Call(t.Context(), "POST", path, json.RawMessage(body), nil))
			assert.Zero(t, ordersOf(srv))
		})
	}
}

func TestUnderAPolicyNoFieldMayBeAddedToAPayment(t *testing.T) {
	srv := aShop(t)
	account := srv.Account(sandbox.AccountParams{BalanceCents: 1000})
	c := aProgram(t, account, modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerCall: modelslab.Dollars(50), PerGeneration: modelslab.Dollars(1)}))
	for name, call := range map[string]func(opts ...modelslab.RequestOption) error{
		"fund": func(opts ...modelslab.RequestOption) error {
			return tops(t.Context(), c, modelslab.Dollars(1), opts...)
		},
		"by hand": func(opts ...modelslab.RequestOption) error {
			return c.Call(t.Context(), "POST", "/wallet/fund", map[string]any{"amount": 1, "payment_method_id": "pm_card_visa"}, nil, opts...)
		},
	} {
		for _, field := range []string{"note", "currency", "quantity", "coupon_code", "purchase_amount"} {
			err := call(modelslab.WithBodyField(field, 2))
			require.ErrorIs(t, err, modelslab.ErrValidation, name)
			assert.Contains(t, err.Error(), "WithBodyField "+field)
		}
	}
	assert.Zero(t, ordersOf(srv))
}

func TestStandingOrdersHaveAnAllowanceOfTheirOwn(t *testing.T) {
	srv := aShop(t)
	account := srv.Account(sandbox.AccountParams{BalanceCents: 10_000})
	store := modelslab.NewMemoryStore()
	c := aProgram(t, account, modelslab.WithStore(store), modelslab.WithSpendPolicy(modelslab.SpendPolicy{
		Total: modelslab.Dollars(60), StandingOrders: modelslab.StandingOrders{PerCharge: modelslab.Dollars(50), PerWindow: modelslab.Dollars(80)},
	}))
	attach(t, c, "pm_card_visa")
	auto := func(charge int64) error {
		return second(c.Wallet.SetAutoFunding(t.Context(), modelslab.WalletSetAutoFundingParams{AutoChargeAmount: modelslab.Dollars(charge), ChargeThreshold: modelslab.Dollars(1)}))
	}
	plan := func() error {
		return second(c.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"}))
	}
	over := overLimit(t, auto(51))
	assert.Equal(t, modelslab.Dollars(50), over.Limit)
	require.NoError(t, auto(40))
	over = overLimit(t, plan())
	assert.Equal(t, modelslab.Dollars(80), over.Limit)
	assert.Equal(t, modelslab.Dollars(40), over.Spent, "the order that stands")
	require.NoError(t, auto(33), "an order takes the place of the one before")
	require.NoError(t, plan())
	over = overLimit(t, auto(34))
	assert.Equal(t, modelslab.Dollars(47), over.Spent)
	require.NoError(t, tops(t.Context(), c, modelslab.Dollars(13)), "only what is charged now counts in the total")
	_ = overLimit(t, tops(t.Context(), c, modelslab.Cents(1)))

	other := aProgram(t, account, modelslab.WithStore(store), modelslab.WithSpendPolicy(modelslab.SpendPolicy{
		PerCall: modelslab.Dollars(1000), StandingOrders: modelslab.StandingOrders{PerCharge: modelslab.Dollars(50), PerWindow: modelslab.Dollars(80)},
	}))
	_ = overLimit(t, second(other.Wallet.SetAutoFunding(t.Context(), modelslab.WalletSetAutoFundingParams{AutoChargeAmount: modelslab.Dollars(34), ChargeThreshold: modelslab.Dollars(1)})))
	require.NoError(t, c.Wallet.DisableAutoFunding(t.Context()))
	require.NoError(t, second(other.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"})), "an order that has ended makes room: the same plan is the same order")
}

func TestAnOrderThatWasRefusedIsNone(t *testing.T) {
	srv := aShop(t)
	c := aProgram(t, srv.Account(sandbox.AccountParams{}), modelslab.WithSpendPolicy(modelslab.SpendPolicy{
		Total: modelslab.Dollars(1000), StandingOrders: modelslab.StandingOrders{PerCharge: modelslab.Dollars(50), PerWindow: modelslab.Dollars(50)},
	}))
	_, err := c.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_chargeDeclined"})
	require.ErrorIs(t, err, modelslab.ErrPaymentDeclined)
	attach(t, c, "pm_card_visa")
	require.NoError(t, second(c.Wallet.SetAutoFunding(t.Context(), modelslab.WalletSetAutoFundingParams{AutoChargeAmount: modelslab.Dollars(50), ChargeThreshold: modelslab.Dollars(1)})))
	srv.Inject(sandbox.Fault{Endpoint: "wallet.disable_auto_funding", Kind: sandbox.Fault500, Times: 3})
	require.Error(t, c.Wallet.DisableAutoFunding(t.Context()))
	_ = overLimit(t, second(c.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"})))
}

func TestNobodyGoesBeyondALimitAtTheSameTime(t *testing.T) {
	for name, policies := range map[string][]modelslab.SpendPolicy{
		"total":         {{Total: modelslab.Dollars(100)}},
		"window":        {{PerWindow: modelslab.Dollars(100), Window: time.Hour}},
		"of its name":   {{Budget: "team", Total: modelslab.Dollars(100)}},
		"several names": {{Budget: "team", Total: modelslab.Dollars(150)}, {Total: modelslab.Dollars(500)}, {Budget: "all", PerWindow: modelslab.Dollars(100), Window: time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := aShop(t, sandbox.WithFault(
				sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter, Times: 2},
				sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.Fault502, Times: 3}, sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultCutBody, Times: 2},
			))
			account, store := srv.Account(sandbox.AccountParams{}), modelslab.NewMemoryStore()
			opts := []modelslab.Option{modelslab.WithStore(store), modelslab.WithRetryPolicy(modelslab.RetryPolicy{MaxAttempts: 1})}
			for _, p := range policies {
				opts = append(opts, modelslab.WithSpendPolicy(p))
			}
			var mu sync.Mutex
			var paid, unknown int
			var group sync.WaitGroup
			for i := range 4 {
				c := aProgram(t, account, opts...)
				for k := range 8 {
					group.Go(func() {
						pm := []string{"pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_chargeDeclined"}[k%4]
						_, err := c.Wallet.Fund(context.Background(), modelslab.WalletFundParams{Amount: modelslab.Dollars(10), PaymentMethodID: pm}, modelslab.WithOperation(fmt.Sprint("op-", i, "-", k)))
						mu.Lock()
						defer mu.Unlock()
						switch {
						case err == nil:
							paid++
						case errors.Is(err, modelslab.ErrOutcomeUnknown):
							unknown++
						default:
							assert.True(t, errors.Is(err, modelslab.ErrSpendLimit) || errors.Is(err, modelslab.ErrPaymentDeclined), err)
						}
					})
				}
			}
			group.Wait()
			assert.LessOrEqual(t, paid+unknown, 10)
			assert.LessOrEqual(t, cents(srv), int64(10_000))
			for range 12 { // what declined cards held for a moment is there again
				_ = tops(t.Context(), aProgram(t, account, opts...), modelslab.Dollars(10), modelslab.WithOperation(fmt.Sprint("late-", paid)))
				paid++
			}
			assert.LessOrEqual(t, cents(srv), int64(10_000))
			ops, err := aProgram(t, account, opts...).Pending(t.Context())
			require.NoError(t, err)
			assert.EqualValues(t, 10_000, cents(srv)+int64(1000*len(ops))-charged(srv, ops), "and all of it can be spent")
		})
	}
}

// charged is what was charged for operations whose answer was lost.
func charged(srv *sandbox.Server, ops []modelslab.PendingOperation) (sum int64) {
	for _, charge := range srv.Charges() {
		if slices.ContainsFunc(ops, func(op modelslab.PendingOperation) bool { return op.IdempotencyKey == charge.IdempotencyKey }) {
			sum += charge.Cents
		}
	}
	return sum
}

func TestAPolicyNeedsTheAccountOnceAndNothingElseIsAsked(t *testing.T) {
	srv := aShop(t)
	account := srv.Account(sandbox.AccountParams{})
	c := aProgram(t, account, modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(1000)}))
	for range 3 {
		require.NoError(t, tops(t.Context(), c, modelslab.Dollars(1)))
	}
	assert.Len(t, asked(srv, "profile.get"), 1)
	assert.Len(t, srv.Requests(), 4)

	plain := aProgram(t, account)
	require.NoError(t, tops(t.Context(), plain, modelslab.Dollars(1)))
	assert.Len(t, asked(srv, "profile.get"), 1, "nobody asks where nothing depends on it")

	srv.Inject(sandbox.Fault{Endpoint: "profile.get", Kind: sandbox.Fault500, Times: 3})
	fresh := aProgram(t, account, modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(1000)}))
	sent := ordersOf(srv)
	err := tops(t.Context(), fresh, modelslab.Dollars(1))
	require.ErrorIs(t, err, modelslab.ErrServer)
	assert.Contains(t, err.Error(), "WithAccount")
	assert.Equal(t, sent, ordersOf(srv))
}

// The account is told by its id, also where it was not known at the first payment.
func TestTheIntentNamesTheAccountHoweverItCameToBeKnown(t *testing.T) {
	srv := aShop(t)
	account := srv.Account(sandbox.AccountParams{})
	c := aProgram(t, account)
	require.NoError(t, tops(t.Context(), c, modelslab.Dollars(1)), "nobody knows the id yet")
	var told modelslab.SpendIntent
	approving := under(t, c, modelslab.SpendPolicy{Approve: func(_ context.Context, in modelslab.SpendIntent) error { told = in; return nil }})
	require.NoError(t, tops(t.Context(), approving, modelslab.Dollars(1)))
	assert.Equal(t, fmt.Sprint(account.ID), told.Account)
	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.Fault500, Times: 3})
	require.ErrorIs(t, tops(t.Context(), c, modelslab.Dollars(1), modelslab.WithOperation("order-1")), modelslab.ErrOutcomeUnknown)
	ops, err := approving.Pending(t.Context())
	require.NoError(t, err)
	require.Len(t, ops, 1)
	assert.Equal(t, fmt.Sprint(account.ID), ops[0].Account)
}

func TestWhatCannotBePricedIsNotSent(t *testing.T) {
	for _, p := range purchases() {
		price := map[string]string{
			"subscribe": "subscriptions.plans", "change plan": "subscriptions.plans", "resume": "subscriptions.list", "reset cycle": "subscriptions.list", "fix payment": "billing.invoices",
		}[p.name]
		if price == "" {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, client := p.ready(t)
				buyer := under(t, client, modelslab.SpendPolicy{Total: modelslab.Dollars(10_000), StandingOrders: anyStanding})
				sent := ordersOf(srv)
				srv.Inject(sandbox.Fault{Endpoint: price, Kind: sandbox.Fault500, Times: -1})
				err := p.buy(t.Context(), buyer)
				require.Error(t, err)
				require.NotErrorIs(t, err, modelslab.ErrOutcomeUnknown)
				assert.Contains(t, err.Error(), "nothing was sent")
				assert.Equal(t, sent, ordersOf(srv))
			})
		})
	}
}
