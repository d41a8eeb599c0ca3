package modelslab

import (
	"context"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Bad input of what guards the money: each a clear error, no request, nothing lost.

func TestAStoreThatCannotBeToldFromAnotherIsRefused(t *testing.T) {
	for name, s := range map[string]Store{"a map": mapStore{}, "a nil map": mapStore(nil), "holds a map": struct{ mapStore }{mapStore{}}, "a function": funcStore(nil)} {
		t.Run(name, func(t *testing.T) {
			_, err := New(WithStore(s))
			assertParam(t, "WithStore", err)
		})
	}
}

type mapStore map[string][]byte

func (mapStore) Get(context.Context, string) ([]byte, error) { return nil, nil }
func (mapStore) Swap(context.Context, string, []byte, []byte, time.Duration) (bool, error) {
	return true, nil
}
func (mapStore) List(context.Context, string) iter.Seq2[string, error] {
	return func(func(string, error) bool) {}
}

type funcStore func()

func (funcStore) Get(context.Context, string) ([]byte, error) { return nil, nil }
func (funcStore) Swap(context.Context, string, []byte, []byte, time.Duration) (bool, error) {
	return true, nil
}
func (funcStore) List(context.Context, string) iter.Seq2[string, error] {
	return func(func(string, error) bool) {}
}

// without is a context that is none.
func without() context.Context { return nil }

func TestWhatGuardsMoneyNeedsAContext(t *testing.T) {
	net := scripted(says(200, `{"data":[]}`))
	c := stubbed(t, net)
	op := PendingOperation{Operation: "order-1"}
	for name, call := range map[string]func() error{
		"Pending":   func() error { return second(c.Pending(without())) },
		"Settle":    func() error { return second(c.Settle(without(), op)) },
		"Resolve":   func() error { return c.Resolve(without(), op, NotPaid, "") },
		"Reconcile": func() error { return second(c.Reconcile(without(), time.Time{})) },
		"Prune":     func() error { return second(c.Prune(without(), time.Unix(1, 0))) },
		"Freeze":    func() error { return c.Freeze(without(), "") },
		"Unfreeze":  func() error { return c.Unfreeze(without()) },
		"Ledger": func() (last error) {
			for e, err := range c.Ledger(without()) {
				assert.Nil(t, e)
				last = err
			}
			return last
		},
	} {
		t.Run(name, func(t *testing.T) {
			assertParam(t, "ctx", call())
			assert.Zero(t, net.count())
		})
	}
}

// damaged are values that a store may hold in place of ours.
var damaged = map[string]string{
	"no JSON":                 "\x00\x01garbage",
	"a page":                  "<html>",
	"cut short":               `{"v":1,"seq":3,"ops":[{"id":"n0b`,
	"a list":                  `[1,2,3]`,
	"a text":                  `"book"`,
	"a number":                `7`,
	"null":                    `null`,
	"no version":              `{}`,
	"of another program":      `{"name":"x","items":[]}`,
	"of a version to come":    `{"v":2,"seq":1,"ops":[]}`,
	"of a version before any": `{"v":0,"seq":1,"ops":[]}`,
	"nothing for an entry":    `{"v":1,"seq":1,"ops":[null]}`,
	"an entry that is none":   `{"v":1,"seq":1,"ops":["x"]}`,
	"more behind it":          `{"v":1,"seq":1,"ops":[]}{"v":1}`,
	"an amount that is none":  `{"v":1,"seq":1,"purse":{"spent":"lots"},"ops":[]}`,
}

func TestABookThatIsNoneRefusesEverySpendAndStaysAsItIs(t *testing.T) {
	for name, value := range damaged {
		t.Run(name, func(t *testing.T) {
			store := NewMemoryStore()
			ok, err := store.Swap(t.Context(), theBook, nil, []byte(value), 0)
			require.NoError(t, err)
			require.True(t, ok)
			net := newTeller(map[string][]step{fundPath: {funded(Dollars(25))}, "GET /wallet/balance": {says(200, balanceBody)}})
			for _, c := range []*Client{stubbed(t, net, WithStore(store)), stubbed(t, net, WithStore(store), WithSpendPolicy(SpendPolicy{Total: Dollars(100)}))} {
				for what, call := range map[string]func() error{
					"fund":        func() error { return roadCalls[1].do(t.Context(), c) },
					"fund, named": func() error { return roadCalls[1].do(t.Context(), c, WithOperation("order-1")) },
					"pending":     func() error { return second(c.Pending(t.Context())) },
					"settle":      func() error { return second(c.Settle(t.Context(), PendingOperation{Operation: "order-1"})) },
					"resolve":     func() error { return c.Resolve(t.Context(), PendingOperation{Operation: "order-1"}, NotPaid, "") },
					"reconcile":   func() error { return second(c.Reconcile(t.Context(), time.Time{})) },
					"ledger": func() (err error) {
						for _, err = range c.Ledger(t.Context()) {
							continue
						}
						return err
					},
				} {
					err := call()
					require.Error(t, err, what)
					oneLine(t, err)
					assert.Contains(t, err.Error(), "the journal", what)
					require.NotErrorIs(t, err, ErrOutcomeUnknown, what)
				}
				require.NoError(t, roadCalls[0].do(t.Context(), c), "reading goes on")
			}
			assert.Empty(t, net.sent())
			assert.Equal(t, map[string]string{theBook: value}, contents(t, store), "nothing is written over it")
		})
	}
}

func TestABudgetThatIsNoneRefusesEverySpendAndStaysAsItIs(t *testing.T) {
	const key = "mla1/https://modelslab.com/budget/team"
	for name, value := range damaged {
		if strings.Contains(value, `"ops":[null]`) || strings.Contains(value, `"ops":["x"]`) {
			continue // a budget has none
		}
		t.Run(name, func(t *testing.T) {
			store := NewMemoryStore()
			_, err := store.Swap(t.Context(), key, nil, []byte(value), 0)
			require.NoError(t, err)
			net := scripted(funded(Dollars(25)))
			c := stubbed(t, net, WithStore(store), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(100)}))
			for _, opts := range [][]RequestOption{nil, {WithOperation("order-1")}} {
				err = roadCalls[1].do(t.Context(), c, opts...)
				require.Error(t, err)
				oneLine(t, err)
				assert.Contains(t, err.Error(), "budget")
				require.NotErrorIs(t, err, ErrOutcomeUnknown)
			}
			assert.Zero(t, net.count())
			assert.Equal(t, value, contents(t, store)[key])
			assert.Empty(t, pendingOf(t, c))
		})
	}
}

func TestAnOperationsRecordThatIsNoneRefusesItAndStaysAsItIs(t *testing.T) {
	for name, value := range map[string]string{
		"no JSON": "\x00garbage", "cut short": `{"v":1,"tries":[{"id":"n0b`, "a list": `[]`, "a text": `"x"`, "null": `null`, "nothing for a try": `{"v":1,"tries":[null]}`,
		"a try that is none": `{"v":1,"tries":[7]}`, "no try at all": `{"v":1,"tries":[]}`, "a try of nothing": `{"v":1,"tries":[{}]}`, "of another operation": `{"v":1,"tries":[{"id":"nffff","try":1}]}`,
		"of a version to come": `{"v":2,"tries":[]}`, "no version": `{"tries":[{"id":"` + operationID("order-1") + `","try":1}]}`, "a try before the first": `{"v":1,"tries":[{"id":"` + operationID("order-1") + `","try":0}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			store := NewMemoryStore()
			key := theSpace + "op/" + operationID("order-1")
			_, err := store.Swap(t.Context(), key, nil, []byte(value), 0)
			require.NoError(t, err)
			net := scripted(funded(Dollars(25)))
			c := stubbed(t, net, WithStore(store))
			err = roadCalls[1].do(t.Context(), c, WithOperation("order-1"))
			require.Error(t, err)
			oneLine(t, err)
			assert.Contains(t, err.Error(), "operation")
			require.NotErrorIs(t, err, ErrOutcomeUnknown)
			assert.Zero(t, net.count())
			assert.Equal(t, value, contents(t, store)[key])
			for _, err = range c.Ledger(t.Context()) {
				continue
			}
			require.Error(t, err, "the ledger is not the whole one")
			_, err = c.Prune(t.Context(), time.Now().Add(-time.Second))
			require.Error(t, err)
			require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation("order-2")), "other operations go on")
		})
	}
}

func TestAFreezeThatIsNoneIsOne(t *testing.T) {
	for _, value := range []string{"\x00", "null", "false", `"no"`, "{}", `{"reason":"x"}`} {
		store := NewMemoryStore()
		_, err := store.Swap(t.Context(), frozenKey, nil, []byte(value), 0)
		require.NoError(t, err)
		net := scripted(funded(Dollars(25)))
		c := stubbed(t, net, WithStore(store))
		err = roadCalls[1].do(t.Context(), c)
		require.ErrorIs(t, err, ErrFrozen, value)
		require.ErrorIs(t, err, ErrSpendLimit)
		oneLine(t, err)
		assert.Zero(t, net.count())
		require.NoError(t, c.Unfreeze(t.Context()))
		require.NoError(t, roadCalls[1].do(t.Context(), c))
	}
}

// money is an amount that a test writes as text.
func money(t testing.TB, s string) Amount {
	t.Helper()
	a, err := ParseAmount(s)
	require.NoError(t, err)
	return a
}

func TestAPolicyThatCannotBeRightIsRefused(t *testing.T) {
	ok := SpendPolicy{PerCall: Dollars(25)}
	with := func(change func(*SpendPolicy)) SpendPolicy {
		p := ok
		change(&p)
		return p
	}
	type amountField struct {
		name string
		set  func(*SpendPolicy, Amount)
	}
	cases := map[string]struct {
		policy SpendPolicy
		field  string
	}{
		"it limits nothing":                    {SpendPolicy{}, "SpendPolicy"},
		"it limits nothing, by name":           {SpendPolicy{Budget: "team"}, "SpendPolicy"},
		"it limits nothing but generations":    {SpendPolicy{PerGeneration: Dollars(1)}, "SpendPolicy"},
		"it limits nothing but orders":         {SpendPolicy{StandingOrders: StandingOrders{Dollars(1), Dollars(1)}}, "SpendPolicy"},
		"a window without a limit":             {with(func(p *SpendPolicy) { p.Window = time.Hour }), "SpendPolicy.Window"},
		"a limit without its window":           {with(func(p *SpendPolicy) { p.PerWindow = Dollars(5) }), "SpendPolicy.Window"},
		"a negative window":                    {with(func(p *SpendPolicy) { p.PerWindow, p.Window = Dollars(5), -time.Hour }), "SpendPolicy.Window"},
		"a window of less than a second":       {with(func(p *SpendPolicy) { p.PerWindow, p.Window = Dollars(5), time.Second-1 }), "SpendPolicy.Window"},
		"a window of a nanosecond":             {with(func(p *SpendPolicy) { p.PerWindow, p.Window = Dollars(5), 1 }), "SpendPolicy.Window"},
		"a window of more than ten years":      {with(func(p *SpendPolicy) { p.PerWindow, p.Window = Dollars(5), longestSpan+1 }), "SpendPolicy.Window"},
		"a window beyond all time":             {with(func(p *SpendPolicy) { p.PerWindow, p.Window = Dollars(5), 1<<63-1 }), "SpendPolicy.Window"},
		"orders of which one may charge":       {with(func(p *SpendPolicy) { p.StandingOrders.PerCharge = Dollars(5) }), "SpendPolicy.StandingOrders"},
		"orders that together may charge":      {with(func(p *SpendPolicy) { p.StandingOrders.PerWindow = Dollars(5) }), "SpendPolicy.StandingOrders"},
		"a budget's name that is too long":     {with(func(p *SpendPolicy) { p.Budget = strings.Repeat("b", 201) }), "SpendPolicy.Budget"},
		"a budget's name with a line break":    {with(func(p *SpendPolicy) { p.Budget = "a\nb" }), "SpendPolicy.Budget"},
		"a budget's name with a zero":          {with(func(p *SpendPolicy) { p.Budget = "a\x00" }), "SpendPolicy.Budget"},
		"generations at too fine a price":      {with(func(p *SpendPolicy) { p.PerGeneration = money(t, "0.0000000000000001") }), "SpendPolicy.PerGeneration"},
		"a window limit without cents, no end": {with(func(p *SpendPolicy) { p.PerWindow, p.Window = money(t, "0.001"), time.Hour }), "SpendPolicy.PerWindow"},
	}
	for _, f := range []amountField{
		{"PerCall", func(p *SpendPolicy, a Amount) { p.PerCall = a }}, {"Total", func(p *SpendPolicy, a Amount) { p.Total = a }},
		{"PerWindow", func(p *SpendPolicy, a Amount) { p.PerWindow, p.Window = a, time.Hour }},
		{"PerGeneration", func(p *SpendPolicy, a Amount) { p.PerGeneration = a }},
		{"StandingOrders.PerCharge", func(p *SpendPolicy, a Amount) { p.StandingOrders = StandingOrders{a, Dollars(5)} }},
		{"StandingOrders.PerWindow", func(p *SpendPolicy, a Amount) { p.StandingOrders = StandingOrders{Dollars(5), a} }},
	} {
		for _, bad := range []string{"-0.01", "-25", "-1000000000000", "1000000000.01", "9000000000000000000", "0.001", "25.125"} {
			if f.name == "PerGeneration" && (bad == "0.001" || bad == "25.125") {
				continue // a picture costs fractions of a cent
			}
			cases[f.name+" "+bad] = struct {
				policy SpendPolicy
				field  string
			}{with(func(p *SpendPolicy) { f.set(p, money(t, bad)) }), "SpendPolicy." + f.name}
		}
	}
	base := stubbed(t, scripted(says(500, "")))
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			for _, approve := range []func(context.Context, SpendIntent) error{nil, func(context.Context, SpendIntent) error { return nil }} {
				p := tt.policy
				if tt.field == "SpendPolicy" && approve != nil {
					continue // asking is a limit too
				}
				p.Approve = approve
				c, err := New(WithSpendPolicy(p))
				assertParam(t, tt.field, err)
				assert.Nil(t, c)
				oneLine(t, err)
				_, err = base.With(WithSpendPolicy(ok), WithSpendPolicy(p))
				assertParam(t, tt.field, err)
			}
		})
	}
	for name, good := range map[string]SpendPolicy{
		"the least":        {PerCall: Cents(1), PerWindow: Cents(1), Window: time.Second, Total: Cents(1), PerGeneration: money(t, "0.0001")},
		"the most":         {PerCall: largestLimit, PerWindow: largestLimit, Window: longestSpan, Total: largestLimit, PerGeneration: largestLimit, StandingOrders: StandingOrders{largestLimit, largestLimit}},
		"any name":         {Budget: strings.Repeat("ü", 100), Total: Dollars(1)},
		"asking alone":     {Approve: func(context.Context, SpendIntent) error { return nil }},
		"asking, by name":  {Budget: "team", Approve: func(context.Context, SpendIntent) error { return nil }},
		"a limit per call": {PerCall: Dollars(1), Budget: "team"},
	} {
		_, err := New(WithSpendPolicy(good))
		require.NoError(t, err, name)
	}
}

func TestOptionsOfTheJournalThatCannotBeAreRefused(t *testing.T) {
	var typed *memoryStore
	var pointer *trickyStore
	for name, tt := range map[string]struct {
		opt   Option
		field string
	}{
		"no store": {WithStore(nil), "WithStore"}, "a nil pointer for a store": {WithStore(typed), "WithStore"}, "another nil pointer": {WithStore(pointer), "WithStore"},
		"a key lifetime of nothing": {WithKeyLifetime(0), "WithKeyLifetime"}, "a negative one": {WithKeyLifetime(-time.Minute), "WithKeyLifetime"},
		"a key lifetime of less than a second": {WithKeyLifetime(time.Second - 1), "WithKeyLifetime"}, "of more than a day": {WithKeyLifetime(24*time.Hour + 1), "WithKeyLifetime"},
		"a new try for every call":          {WithRequestDefaults(WithNewTry()), "WithRequestDefaults"},
		"an operation's name for every one": {WithRequestDefaults(WithOperation("o")), "WithRequestDefaults"},
		"a most that is nothing":            {WithRequestDefaults(WithMaxCharge(Amount{})), "WithMaxCharge"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := New(tt.opt)
			assertParam(t, tt.field, err)
			assert.Nil(t, c)
			_, err = stubbed(t, scripted(says(500, ""))).With(tt.opt)
			assertParam(t, tt.field, err)
			oneLine(t, err)
		})
	}
	for _, d := range []time.Duration{time.Second, 10 * time.Minute, 24 * time.Hour} {
		_, err := New(WithKeyLifetime(d), WithStore(NewMemoryStore()), WithRequestDefaults(WithMaxCharge(Dollars(1))))
		require.NoError(t, err)
	}
}

func TestRequestOptionsOfPaymentsThatCannotBeAreRefused(t *testing.T) {
	net := scripted(says(200, fundedBody))
	store := NewMemoryStore()
	for _, c := range []*Client{stubbed(t, net), stubbed(t, net, WithStore(store)), stubbed(t, net, WithSpendPolicy(SpendPolicy{Total: Dollars(1000)}))} {
		for _, most := range []Amount{{}, Cents(-1), Dollars(-25), Dollars(1_000_000_001), money(t, "9000000000000000000")} {
			eachClass(t, func(t *testing.T, call roadCall) {
				assertParam(t, "WithMaxCharge", call.do(t.Context(), c, WithMaxCharge(most)))
			})
		}
		assertParam(t, "WithNewTry", roadCalls[1].do(t.Context(), c, WithNewTry()))
		for _, name := range []string{"", strings.Repeat("n", 201), strings.Repeat("ü", 101)} {
			assertParam(t, "WithOperation", roadCalls[1].do(t.Context(), c, WithOperation(name)))
			assertParam(t, "WithOperation", roadCalls[3].do(t.Context(), c, WithOperation(name)))
		}
		assertParam(t, "WithOperation", roadCalls[1].do(t.Context(), c, WithOperation("o"), WithIdempotencyKey("k")))
		assertParam(t, "WithOperation", roadCalls[0].do(t.Context(), c, WithOperation("o")))
		assertParam(t, "WithIdempotencyKey", roadCalls[3].do(t.Context(), c, WithIdempotencyKey("k")))
		_, err := c.Wallet.FundOrLink(t.Context(), fundParams())
		assertParam(t, "FundOrLink", err)
		_, err = c.Wallet.FundOrLink(t.Context(), WalletFundParams{Amount: Dollars(25)}, WithOperation("o"))
		assertParam(t, "WalletFundParams.PaymentMethodID", err)
		_, err = c.Wallet.FundOrLink(t.Context(), WalletFundParams{PaymentMethodID: testMethod}, WithOperation("o"))
		assertParam(t, "WalletFundParams.Amount", err)
		_, err = c.Wallet.AwaitFund(t.Context(), nil, AwaitParams{})
		assertParam(t, "FundState", err)
		_, err = c.Wallet.AwaitFund(t.Context(), &FundState{}, AwaitParams{})
		assertParam(t, "FundState", err)
	}
	assert.Zero(t, net.count())
	assert.Empty(t, contents(t, store), "nothing is written down of what was refused")
}

func TestArgumentsOfSettlingThatCannotBeAreRefused(t *testing.T) {
	net := scripted(says(200, `{"data":[]}`))
	store := NewMemoryStore()
	c := stubbed(t, net, WithStore(store))
	op := PendingOperation{Operation: "order-1"}
	for name, opt := range map[string]RequestOption{"a key": WithIdempotencyKey("k"), "a name": WithOperation("order-1"), "a field": WithBodyField("note", 1)} {
		_, err := c.Settle(t.Context(), op, opt)
		assertParam(t, "Settle", err)
		assert.NotEmpty(t, name)
	}
	_, err := c.Settle(t.Context(), op, nil)
	assertParam(t, "RequestOption", err)
	_, err = c.Settle(t.Context(), op, WithResponse(nil))
	assertParam(t, "WithResponse", err)
	_, err = c.Settle(t.Context(), op, WithRequestTimeout(-1))
	assertParam(t, "WithRequestTimeout", err)
	for _, op := range []PendingOperation{{}, {Endpoint: "wallet.fund", Amount: Dollars(25), Try: 1}, op, {IdempotencyKey: "k"}, {ID: "n"}, {ID: "../book"}} {
		_, err = c.Settle(t.Context(), op)
		assertParam(t, "PendingOperation", err)
		assertParam(t, "PendingOperation", c.Resolve(t.Context(), op, NotPaid, ""))
	}
	for _, v := range []Verdict{"", "PAID", "done", "unpaid", "paid "} {
		assertParam(t, "Verdict", c.Resolve(t.Context(), op, v, ""))
	}
	for _, endpoint := range []string{"fund", "wallet.gift", "POST /wallet/fund", "call"} {
		assertParam(t, "PendingOperation.Endpoint", c.Resolve(t.Context(), PendingOperation{Operation: "o", Endpoint: endpoint, Amount: Dollars(1)}, Paid, ""))
	}
	for name, lost := range map[string]PendingOperation{
		"no amount": {Operation: "o", Endpoint: "wallet.fund"}, "a negative amount": {Operation: "o", Endpoint: "wallet.fund", Amount: Dollars(-25)},
		"a name that is too long": {Operation: strings.Repeat("o", 201), Endpoint: "wallet.fund", Amount: Dollars(25)},
		"a negative try":          {Operation: "o", Endpoint: "wallet.fund", Amount: Dollars(25), Try: -1},
		"an endpoint that reads":  {Operation: "o", Endpoint: "wallet.balance", Amount: Dollars(25)},
		"an absurd amount":        {Operation: "o", Endpoint: "wallet.fund", Amount: Dollars(1_000_000_001)},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.Resolve(t.Context(), lost, Paid, "")
			require.ErrorIs(t, err, ErrValidation)
			oneLine(t, err)
		})
	}
	for _, before := range []time.Time{time.Now().Add(time.Minute), time.Now().Add(100 * 365 * 24 * time.Hour)} {
		_, err = c.Prune(t.Context(), before)
		assertParam(t, "before", err)
	}
	_, err = c.Reconcile(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err, "nothing has happened since")
	assert.Empty(t, net.sent())
	assert.Empty(t, contents(t, store))
}

func TestNobodyKnowsWhoseJournalAClientWithoutCredentialsMeans(t *testing.T) {
	net := scripted(says(200, `{"data":[]}`))
	empty, err := New(WithHTTPClient(&http.Client{Transport: net}), WithStore(NewMemoryStore()))
	require.NoError(t, err)
	for name, c := range map[string]*Client{"none": empty, "a nil session": empty.WithSession(nil), "a session that cannot be sent": empty.WithSession(&Session{AccessToken: NewSecret("a\nb")})} {
		t.Run(name, func(t *testing.T) {
			op := PendingOperation{Operation: "order-1"}
			for what, call := range map[string]func() error{
				"Pending":   func() error { return second(c.Pending(t.Context())) },
				"Settle":    func() error { return second(c.Settle(t.Context(), op)) },
				"Resolve":   func() error { return c.Resolve(t.Context(), op, NotPaid, "") },
				"Reconcile": func() error { return second(c.Reconcile(t.Context(), time.Time{})) },
				"Prune":     func() error { return second(c.Prune(t.Context(), time.Unix(1, 0))) },
				"Ledger": func() (last error) {
					for _, err := range c.Ledger(t.Context()) {
						last = err
					}
					return last
				},
			} {
				err := call()
				require.Error(t, err, what)
				oneLine(t, err)
				if name == "none" {
					assertKind(t, ErrUnauthenticated, err)
				} else {
					assertKind(t, ErrValidation, err)
				}
			}
		})
	}
	require.NoError(t, empty.Freeze(t.Context(), "the switch is the store's, not an account's"))
	require.NoError(t, empty.Unfreeze(t.Context()))
	assert.Zero(t, net.count())
}

func TestAFreezeMayHaveAnyReason(t *testing.T) {
	for _, reason := range []string{"", "line\nbreak\x00", strings.Repeat("r", 10_000), "\xff\xfe", `"quoted" {json}`} {
		net := scripted(funded(Dollars(25)))
		c := stubbed(t, net, WithStore(NewMemoryStore()))
		require.NoError(t, c.Freeze(t.Context(), reason))
		err := roadCalls[1].do(t.Context(), c)
		require.ErrorIs(t, err, ErrFrozen)
		require.ErrorIs(t, err, ErrSpendLimit)
		oneLine(t, err)
		assert.Zero(t, net.count())
	}
}

func TestNotesAndNamesMayBeAnything(t *testing.T) {
	net := newTeller(map[string][]step{fundPath: {breaks(errDisk), funded(Dollars(25))}, "GET /wallet/transactions": {says(200, `{"data":[]}`)}})
	c := stubbed(t, net, WithStore(NewMemoryStore()), hasty(1))
	name := "zeile\n\x00\"{}" + strings.Repeat("x", 150)
	require.ErrorIs(t, roadCalls[1].do(t.Context(), c, WithOperation(name)), ErrOutcomeUnknown)
	err := second(c.Wallet.Fund(t.Context(), WalletFundParams{Amount: Dollars(40), PaymentMethodID: testMethod}, WithOperation(name)))
	require.ErrorIs(t, err, ErrOperationMismatch)
	oneLine(t, err)
	require.NoError(t, c.Resolve(t.Context(), PendingOperation{Operation: name}, Paid, strings.Repeat("note\n", 1000)))
	ledger := ledgerOf(t, c)
	require.Len(t, ledger, 1)
	assert.Equal(t, name, ledger[0].Operation)
	assert.NotContains(t, ledger[0].Note, "\n")
	assert.Less(t, len(ledger[0].Note), 1000)
	require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation(name)))
	assert.Len(t, net.sent(), 1)
}

// A server that says less than it was asked for, and does not call it a replay, has
// the budgets no cheaper.
func TestAServerThatSaysLessThanWasAskedForCountsNoLess(t *testing.T) {
	for _, said := range []string{"0.01", "0", "-25", "24.99", "2500", "1e-3"} {
		net := scripted(says(200, `{"data":{"payment":{"status":"succeeded","payment_intent_id":"pi_1","amount":`+said+`}}}`))
		c := stubbed(t, net, WithSpendPolicy(SpendPolicy{Total: Dollars(49)}), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(49)}))
		if err := roadCalls[1].do(t.Context(), c); err != nil {
			require.ErrorIs(t, err, ErrOutcomeUnknown)
		}
		require.Error(t, roadCalls[1].do(t.Context(), c, WithOperation("order-1")), said)
		assert.Len(t, net.sent(), 1, said)
	}
}
