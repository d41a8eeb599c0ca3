package modelslab_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/internal/points"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// The scenarios that every implementation has to pass, each under its number, in
// every mode of a server that it is about.

// fleet is an account whose programs share a store.
type fleet struct {
	srv   *sandbox.Server
	store modelslab.Store
	opts  []modelslab.Option // of every process
	eye   *process           // looks on, and pays nothing
}

func newFleet(t testing.TB, opts ...sandbox.Option) *fleet {
	t.Helper()
	srv := sandbox.New(append([]sandbox.Option{sandbox.InMemory(), sandbox.WithoutRateLimits()}, opts...)...)
	t.Cleanup(srv.Close)
	return &fleet{srv: srv, store: modelslab.NewMemoryStore()}
}

// process is one of the programs. Once it is killed, nothing of it reaches the
// server or the store.
type process struct {
	*modelslab.Client
	dead atomic.Bool
	net  http.RoundTripper

	// What happens around what it does: nil is nothing. An error of before keeps the
	// store from working, one of after is told in place of what it has done.
	before, after func(method, key string) error
	sends, hears  func(*http.Request)
}

func (f *fleet) process(t testing.TB, opts ...modelslab.Option) *process {
	t.Helper()
	p := &process{net: f.srv.Transport()}
	client, err := modelslab.New(slices.Concat(
		f.srv.Account(sandbox.AccountParams{Email: "agent@example.com"}).ClientOptions(),
		[]modelslab.Option{modelslab.WithHTTPClient(&http.Client{Transport: p}), modelslab.WithStore(reaching(f.store, p))},
		f.opts, opts)...)
	require.NoError(t, err)
	p.Client = client
	return p
}

var errKilled = errors.New("the process was killed")

func (p *process) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.sends != nil && !p.dead.Load() {
		p.sends(r)
	}
	if p.dead.Load() {
		return nil, &net.OpError{Op: "dial", Err: errKilled}
	}
	resp, err := p.net.RoundTrip(r)
	if p.hears != nil {
		p.hears(r)
	}
	if p.dead.Load() {
		return nil, io.ErrUnexpectedEOF
	}
	return resp, err
}

// reach is a process's way to the store.
type reach struct {
	modelslab.Store
	p *process
}

// reaching keeps the store's clock, if it has one.
func reaching(store modelslab.Store, p *process) modelslab.Store {
	way := &reach{store, p}
	if clock, ok := store.(modelslab.StoreClock); ok {
		return &struct {
			*reach
			modelslab.StoreClock
		}{way, clock}
	}
	return way
}

func (s *reach) may(hook func(method, key string) error, method, key string) error {
	if hook != nil && !s.p.dead.Load() {
		if err := hook(method, key); err != nil {
			return err
		}
	}
	if s.p.dead.Load() {
		return errKilled
	}
	return nil
}

func (s *reach) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.may(s.p.before, "get", key); err != nil {
		return nil, err
	}
	value, err := s.Store.Get(ctx, key)
	return value, errors.Join(err, s.may(s.p.after, "get", key))
}

func (s *reach) Swap(ctx context.Context, key string, older, newer []byte, ttl time.Duration) (bool, error) {
	if err := s.may(s.p.before, "swap", key); err != nil {
		return false, err
	}
	ok, err := s.Store.Swap(ctx, key, older, newer, ttl)
	return ok, errors.Join(err, s.may(s.p.after, "swap", key))
}

func (s *reach) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	if err := s.may(s.p.before, "list", prefix); err != nil {
		return func(yield func(string, error) bool) { yield("", err) }
	}
	return s.Store.List(ctx, prefix)
}

// dies lets the process do something and kills it at the nth point that it passes.
// "" says that it came to its end before.
func (p *process) dies(t testing.TB, nth int, do func(context.Context, *modelslab.Client)) (at string) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		passed := 0
		do(points.With(t.Context(), func(point string) {
			if p.dead.Load() {
				return // what is deferred runs, and reaches nothing
			}
			if passed++; passed == nth {
				at = point
				p.dead.Store(true)
				runtime.Goexit()
			}
		}), p.Client)
	}()
	<-ended
	return at
}

// shift is how long after a crash the next process begins: no lease lasts longer,
// and keys are young.
const shift = 4 * time.Minute

func (f *fleet) watch(t testing.TB) *process {
	t.Helper()
	if f.eye == nil {
		f.eye = (&fleet{srv: f.srv, store: f.store}).process(t) // without any policy
	}
	return f.eye
}

func (f *fleet) ledger(t testing.TB) (all []*modelslab.LedgerEntry) {
	t.Helper()
	for e, err := range f.watch(t).Ledger(t.Context()) {
		require.NoError(t, err)
		all = append(all, e)
	}
	return all
}

func (f *fleet) pending(t testing.TB) []modelslab.PendingOperation {
	t.Helper()
	all, err := f.watch(t).Pending(t.Context())
	require.NoError(t, err)
	return all
}

// used is what counts against a budget: what was spent, and what is held.
func (f *fleet) used(t testing.TB, budget string) modelslab.Amount {
	t.Helper()
	c, err := f.watch(t).With(modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: budget, Total: modelslab.Cents(1)}))
	require.NoError(t, err)
	err = pays(t.Context(), c, 25, "pm_card_visa")
	var limit *modelslab.SpendLimitError
	require.ErrorAs(t, err, &limit)
	require.Equal(t, modelslab.Cents(1), limit.Limit)
	return limit.Spent
}

// covered checks that no charge is lost: each is in the ledger or pending, and counts.
func (f *fleet) covered(t testing.TB, budgets ...string) {
	t.Helper()
	ledger, pending := f.ledger(t), f.pending(t)
	assert.GreaterOrEqual(t, len(ledger)+len(pending), len(f.srv.Charges()))
	for _, budget := range append(budgets, "") {
		assert.False(t, f.used(t, budget).Less(modelslab.Cents(cents(f.srv))), "budget %q knows of $%s", budget, f.used(t, budget))
	}
}

// times checks that so many payments were made, and are in the ledger.
func (f *fleet) times(t testing.TB, payments int) []*modelslab.LedgerEntry {
	t.Helper()
	ledger := f.ledger(t)
	assert.Len(t, f.srv.Charges(), payments, "charges")
	assert.Len(t, ledger, payments, "rows of the ledger")
	assert.Empty(t, f.pending(t))
	return ledger
}

// even checks that so many payments were made, each once, and that the server, the
// ledger and the budgets agree on them.
func (f *fleet) even(t testing.TB, payments int, budgets ...string) {
	t.Helper()
	charges, ledger := f.srv.Charges(), f.times(t, payments)
	told, known := map[string]int64{}, map[string]bool{}
	var sum modelslab.Amount
	for _, c := range charges {
		told[modelslab.Cents(c.Cents).String()]++
		known[c.PaymentIntentID] = true
	}
	for _, e := range ledger {
		told[e.Amount.String()]--
		var err error
		sum, err = sum.Add(e.Amount)
		require.NoError(t, err)
		if e.PaymentIntentID != "" {
			assert.True(t, known[e.PaymentIntentID], "%s was never charged, or twice", e.PaymentIntentID)
			delete(known, e.PaymentIntentID)
		}
	}
	for amount, more := range told {
		assert.Zero(t, more, "charges of $%s beyond those in the ledger", amount)
	}
	for _, budget := range append(budgets, "") {
		assert.Equal(t, sum, f.used(t, budget), "what counts in budget %q", budget)
	}
	r, err := f.watch(t).Reconcile(t.Context(), time.Now().Add(-30*24*time.Hour))
	require.NoError(t, err)
	assert.Empty(t, r.Unclaimed)
	assert.Empty(t, r.Missing)
}

// settle finds out what became of all that is open.
func (f *fleet) settle(t testing.TB, p *process) {
	t.Helper()
	for range 3 {
		ops, err := p.Pending(t.Context())
		require.NoError(t, err)
		for _, op := range ops {
			if _, err := p.Settle(t.Context(), op); err != nil {
				require.ErrorIs(t, err, modelslab.ErrPendingOperation) // its key grew old meanwhile
			}
		}
	}
}

// inModes tells a story in each of some modes.
func inModes(t *testing.T, modes []sandbox.Mode, story func(t *testing.T, mode sandbox.Mode)) {
	t.Helper()
	for _, mode := range modes {
		t.Run(mode.Name, func(t *testing.T) {
			t.Parallel()
			story(t, mode)
		})
	}
}

// telling are the modes that differ in more than in words, times and places.
func telling() []sandbox.Mode {
	return slices.DeleteFunc(sandbox.Modes(), func(m sandbox.Mode) bool {
		i := m.Idempotency
		everything := i.Cache202 && i.Cache402 && i.Cache422 && i.Cache429 && i.Cache5xx
		return i != sandbox.Idempotency{} && !everything && i.Replay != sandbox.ReplayUnmarked && m.Settles
	})
}

// inAllModes is for what does not depend on what a server does with keys.
func inAllModes(t *testing.T, story func(t *testing.T, mode sandbox.Mode)) {
	t.Helper()
	inModes(t, slices.Concat(sandbox.Modes(), sandbox.UnsafeModes()), story)
}

var order = modelslab.WithOperation("order-1041")

func pays(ctx context.Context, c *modelslab.Client, dollars int64, pm string, opts ...modelslab.RequestOption) error {
	return second(c.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Dollars(dollars), PaymentMethodID: pm}, opts...))
}

// wasUnknown checks that an outcome is said to be unknown, and nothing else.
func wasUnknown(t testing.TB, err error) {
	t.Helper()
	require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
	for _, kind := range allKinds {
		if kind != modelslab.ErrOutcomeUnknown {
			assert.NotErrorIs(t, err, kind)
		}
	}
}

// unknownIn checks that a call has worked, or does not know where nobody can.
func unknownIn(t testing.TB, mode sandbox.Mode, err error) {
	t.Helper()
	if err != nil {
		assert.False(t, mode.Settles, "%v", err)
		assert.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
	}
}

// posts is how often money was asked for.
func (f *fleet) posts() int { return len(asked(f.srv, "wallet.fund")) }

// work is a payment at which a process may be killed.
type work struct {
	name    string
	faults  []sandbox.Fault
	policy  modelslab.SpendPolicy
	unnamed bool
	pay     func(context.Context, *modelslab.Client) error
}

func works() []work {
	policy := modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(50), StandingOrders: modelslab.StandingOrders{PerCharge: modelslab.Dollars(50), PerWindow: modelslab.Dollars(50)}}
	funds := func(ctx context.Context, c *modelslab.Client) error { return pays(ctx, c, 25, "pm_card_visa", order) }
	return []work{
		{"fund", nil, policy, false, funds},
		{"fund, the first answer lost", []sandbox.Fault{{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter}}, policy, false, funds},
		{"fund, the first request lost", []sandbox.Fault{{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore}}, policy, false, funds},
		{"fund without a name", nil, policy, true, func(ctx context.Context, c *modelslab.Client) error { return pays(ctx, c, 25, "pm_card_visa") }},
		{"subscribe", nil, policy, false, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"}, order))
		}},
	}
}

func TestScenario01AProcessIsKilledAtEveryPoint(t *testing.T) {
	var mu sync.Mutex
	reached := map[string]bool{}
	t.Run("and the next", func(t *testing.T) {
		for i, w := range works() {
			modes, unsafe := telling(), sandbox.UnsafeModes()[:1]
			if i == 0 {
				modes, unsafe = sandbox.Modes(), sandbox.UnsafeModes()
			}
			if len(w.faults) == 0 { // whoever does not repeat is safe anywhere
				modes = append(modes, unsafe...)
			}
			t.Run(w.name, func(t *testing.T) {
				inModes(t, modes, func(t *testing.T, mode sandbox.Mode) {
					nth := 1
					if mode.Name != sandbox.Modes()[0].Name {
						nth = 4 // what comes before the reservation is no business of the server's
					}
					for ; !t.Failed(); nth++ {
						var at string
						synctest.Test(t, func(t *testing.T) { at = w.killed(t, mode, nth) })
						if at == "" {
							return
						}
						mu.Lock()
						reached[at] = true
						mu.Unlock()
					}
				})
			})
		}
	})
	assert.ElementsMatch(t, points.All(), slices.Collect(maps.Keys(reached)))
}

func (w work) killed(t *testing.T, mode sandbox.Mode, nth int) (at string) {
	t.Helper()
	f := newFleet(t, mode.Options...)
	for _, fault := range w.faults {
		f.srv.Inject(fault)
	}
	limit := modelslab.WithSpendPolicy(w.policy)
	at = f.process(t, limit).dies(t, nth, func(ctx context.Context, c *modelslab.Client) { _ = w.pay(ctx, c) })
	f.covered(t, "agents")

	b := f.process(t, limit)
	sent := len(f.srv.Requests())
	if slices.Contains([]string{points.Reserved, points.Sending, points.Answered, points.Repeating}, at) {
		require.ErrorIs(t, w.pay(t.Context(), b.Client), modelslab.ErrPendingOperation, "it may be alive")
		assert.Equal(t, "sent", f.pending(t)[0].State)
	}
	elapse(shift)
	if w.unnamed && len(f.pending(t)) > 0 {
		require.ErrorIs(t, w.pay(t.Context(), b.Client), modelslab.ErrPendingOperation, "another one may be a second payment")
	}
	for _, r := range f.srv.Requests()[sent:] {
		assert.Equal(t, http.MethodGet, r.Method, "nothing is sent before the first one is settled")
	}
	f.settle(t, b)
	if !w.unnamed || len(f.ledger(t)) == 0 {
		if err := w.pay(t.Context(), b.Client); err != nil {
			wasUnknown(t, err)
			f.settle(t, b)
		}
	}
	f.even(t, 1, "agents")
	return at
}

// Whoever settles may be killed as well, at every point of that.
func TestScenario01TheNextProcessIsKilledWhileItSettles(t *testing.T) {
	pay := works()[0]
	limit := modelslab.WithSpendPolicy(pay.policy)
	for name, moved := range map[string]bool{"nothing was sent": false, "the money has moved": true} {
		t.Run(name, func(t *testing.T) {
			inModes(t, telling(), func(t *testing.T, mode sandbox.Mode) {
				for nth, at := 1, "?"; at != "" && !t.Failed(); nth++ {
					synctest.Test(t, func(t *testing.T) {
						f := newFleet(t, mode.Options...)
						a := f.process(t, limit)
						dies := func(r *http.Request) {
							if r.Method == http.MethodPost {
								a.dead.Store(true)
							}
						}
						if moved {
							a.hears = dies
						} else {
							a.sends = dies
						}
						require.Error(t, pay.pay(t.Context(), a.Client))
						require.Len(t, f.pending(t), 1)
						if moved {
							require.Len(t, f.srv.Charges(), 1)
						}
						elapse(shift)
						at = f.process(t, limit).dies(t, nth, func(ctx context.Context, c *modelslab.Client) {
							ops, _ := c.Pending(ctx)
							for _, op := range ops {
								_, _ = c.Settle(ctx, op)
							}
						})
						f.covered(t, "agents")
						elapse(shift)
						c := f.process(t, limit)
						f.settle(t, c)
						assert.NoError(t, pay.pay(t.Context(), c.Client))
						f.even(t, 1, "agents")
					})
				}
			})
		})
	}
}

func TestScenario02ARefusalOfTheRepeatIsUnknown(t *testing.T) {
	for _, status := range []int{401, 403, 404, 409, 422, 429} {
		modes := telling()
		if status == 401 {
			modes = sandbox.Modes()
		}
		refusal := sandbox.Fault{
			Endpoint: "wallet.fund", Kind: sandbox.FaultAnswer, Times: -1, Status: status,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"message":"Not now."}`),
		}
		lags := sandbox.Fault{
			Endpoint: "wallet.transactions", Kind: sandbox.FaultAnswer, Times: -1,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"data":{"items":[],"count":0,"total":0}}`),
		}
		charged := func(t *testing.T, mode sandbox.Mode) (*fleet, *process) {
			f := newFleet(t, mode.Options...)
			p := f.process(t)
			f.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter})
			f.srv.Inject(refusal)
			_, err := fund25(t, p.Client, "pm_card_visa")
			wasUnknown(t, err)
			var unknown *modelslab.OutcomeUnknownError
			require.ErrorAs(t, err, &unknown)
			var api *modelslab.APIError
			require.ErrorAs(t, err, &api)
			assert.Equal(t, status, api.StatusCode, "the last word is held")
			assert.Equal(t, modelslab.Dollars(25), unknown.Amount)
			open := f.pending(t)
			require.Len(t, open, 1)
			assert.Equal(t, "sent", open[0].State)
			assert.Equal(t, unknown.IdempotencyKey, open[0].IdempotencyKey)
			assert.GreaterOrEqual(t, open[0].Sends, 2)
			assert.Equal(t, modelslab.Dollars(25), f.used(t, ""), "the reservation is kept")
			assert.Len(t, f.srv.Charges(), 1)
			return f, p
		}
		t.Run(fmt.Sprintf("%d, and reading proves it", status), func(t *testing.T) {
			inModes(t, append(modes, sandbox.UnsafeModes()...), func(t *testing.T, mode sandbox.Mode) {
				synctest.Test(t, func(t *testing.T) {
					f, p := charged(t, mode)
					posts := f.posts()
					s, err := p.Settle(t.Context(), f.pending(t)[0])
					require.NoError(t, err)
					assert.Equal(t, modelslab.Done, s.Status)
					assert.Equal(t, modelslab.Dollars(25), s.Amount)
					assert.Equal(t, posts, f.posts(), "nothing is sent for what can be read")
					f.even(t, 1)
				})
			})
		})
		t.Run(fmt.Sprintf("%d, and the key is asked with", status), func(t *testing.T) {
			inModes(t, modes, func(t *testing.T, mode sandbox.Mode) {
				synctest.Test(t, func(t *testing.T) {
					f, p := charged(t, mode)
					f.srv.Inject(lags)
					s, err := p.Settle(t.Context(), f.pending(t)[0])
					require.NoError(t, err)
					assert.Equal(t, modelslab.Unknown, s.Status, "a refusal of the next repeat settles as little")
					assert.Equal(t, status, s.Response.StatusCode)
					assert.Equal(t, modelslab.Dollars(25), f.used(t, ""))

					f.srv.ClearFaults()
					f.srv.Inject(lags)
					s, err = p.Settle(t.Context(), f.pending(t)[0])
					require.NoError(t, err)
					if mode.Settles {
						assert.Equal(t, modelslab.Done, s.Status)
						assert.Equal(t, f.srv.Charges()[0].PaymentIntentID, s.PaymentIntentID)
					} else {
						assert.Equal(t, modelslab.Unknown, s.Status)
					}
					f.srv.ClearFaults()
					f.settle(t, p)
					f.even(t, 1)
				})
			})
		})
	}
}

func TestScenario03AnotherCardAfterADecline(t *testing.T) {
	inAllModes(t, func(t *testing.T, mode sandbox.Mode) {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, mode.Options...)
			p, next := f.process(t), f.process(t)
			const a, b = "pm_card_chargeDeclined", "pm_card_visa"
			_, err := fund25(t, p.Client, a, order)
			require.ErrorIs(t, err, modelslab.ErrPaymentDeclined)
			assert.True(t, f.used(t, "").IsZero(), "nothing is held for it")

			for name, c := range map[string]*modelslab.Client{"here": p.Client, "in another process": next.Client} {
				var resp modelslab.Response
				_, err = fund25(t, c, a, order, modelslab.WithResponse(&resp))
				var declined *modelslab.PaymentDeclinedError
				require.ErrorAs(t, err, &declined, name)
				assert.Equal(t, "generic_decline", declined.DeclineCode)
				assert.True(t, resp.IdempotencyReplay)
				assert.Zero(t, resp.Attempts)
			}
			assert.Equal(t, 1, f.posts(), "the recorded decline answers")

			_, err = fund25(t, p.Client, a, order, modelslab.WithNewTry())
			require.ErrorIs(t, err, modelslab.ErrPaymentDeclined)
			assert.Equal(t, 2, f.posts(), "unless a new try is asked for")

			if _, err = fund25(t, next.Client, b, order); err != nil {
				assert.False(t, mode.Settles, "%v", err)
				wasUnknown(t, err)
				f.settle(t, next)
			}
			keys := slices.Compact(keysOf(asked(f.srv, "wallet.fund")))
			assert.Len(t, keys, 3)
			slices.Sort(keys)
			assert.Len(t, slices.Compact(keys), 3, "each try has a key of its own")
			f.even(t, 1)

			posts := f.posts()
			for _, c := range []*modelslab.Client{p.Client, next.Client} {
				_, err = fund25(t, c, b, order)
				require.NoError(t, err, "the recorded payment answers")
				_, err = fund25(t, c, a, order, modelslab.WithNewTry())
				require.ErrorIs(t, err, modelslab.ErrOperationMismatch, "a paid name is that payment's")
			}
			assert.Equal(t, posts, f.posts())
			f.even(t, 1)
		})
	})
}

func TestScenario04ANameStandsForWhatItWasSentWith(t *testing.T) {
	misused := func(t *testing.T, f *fleet, clients ...*process) {
		t.Helper()
		posts := f.posts()
		for _, p := range clients {
			for _, err := range []error{
				pays(t.Context(), p.Client, 25, "pm_card_mastercard", order),
				pays(t.Context(), p.Client, 30, "pm_card_visa", order),
				pays(t.Context(), p.Client, 30, "pm_card_visa", order, modelslab.WithNewTry()),
				second(p.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"}, order)),
			} {
				require.ErrorIs(t, err, modelslab.ErrOperationMismatch)
				assert.NotErrorIs(t, err, modelslab.ErrOutcomeUnknown)
			}
		}
		assert.Equal(t, posts, f.posts(), "nothing was sent")
		assert.Empty(t, asked(f.srv, "subscriptions.create"))
	}
	t.Run("once it had no answer", func(t *testing.T) {
		inAllModes(t, func(t *testing.T, mode sandbox.Mode) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, mode.Options...)
				p, next := f.process(t), f.process(t)
				f.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter})
				f.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.Fault502, Times: -1})
				_, err := fund25(t, p.Client, "pm_card_visa", order)
				wasUnknown(t, err)
				misused(t, f, p, next)
				elapse(time.Hour)
				misused(t, f, p, next)
				_, err = fund25(t, next.Client, "pm_card_visa", order)
				require.NoError(t, err, "the same payment by the same name is looked for")
				misused(t, f, p, next)
				f.even(t, 1)
			})
		})
	})
	t.Run("while it is on its way", func(t *testing.T) {
		inAllModes(t, func(t *testing.T, mode sandbox.Mode) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, mode.Options...)
				p, next := f.process(t), f.process(t)
				f.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultLatency, Delay: 10 * time.Second})
				paid := make(chan error)
				go func() { paid <- pays(t.Context(), p.Client, 25, "pm_card_visa", order) }()
				elapse(time.Second)
				misused(t, f, p, next)
				for _, c := range []*process{p, next} {
					require.ErrorIs(t, pays(t.Context(), c.Client, 25, "pm_card_visa", order), modelslab.ErrPendingOperation)
				}
				assert.Equal(t, 1, f.posts())
				if err := <-paid; err != nil {
					wasUnknown(t, err)
					f.settle(t, next)
				}
				f.even(t, 1)
			})
		})
	})
}

func TestScenario05TheHolderActsAndNothingIsSentAgain(t *testing.T) {
	const pm = "pm_card_authenticationRequired"
	inAllModes(t, func(t *testing.T, mode sandbox.Mode) {
		for how, opts := range map[string][]sandbox.Option{"202": nil, "402": {sandbox.WithActionRequiredAs402()}} {
			t.Run(how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFleet(t, slices.Concat(mode.Options, opts)...)
					p, next := f.process(t), f.process(t)
					_, err := fund25(t, p.Client, pm, order)
					intent := holderWanted(t, err)
					for _, c := range []*process{p, next} {
						_, err = fund25(t, c.Client, pm, order)
						assert.Equal(t, intent, holderWanted(t, err), "still")
					}
					require.Len(t, f.pending(t), 1)
					assert.Equal(t, "action_required", f.pending(t)[0].State)
					assert.Equal(t, intent, f.pending(t)[0].PaymentIntentID)
					assert.Equal(t, modelslab.Dollars(25), f.used(t, ""), "it may be paid at any time")

					require.NoError(t, f.srv.CompleteAction(intent))
					read := len(asked(f.srv, "payments.status"))
					for _, c := range []*process{next, p} {
						funding, err := fund25(t, c.Client, pm, order)
						require.NoError(t, err)
						assert.Equal(t, intent, funding.PaymentIntentID)
					}
					assert.Len(t, asked(f.srv, "payments.status"), read+1, "read once, and recorded")
					assert.Equal(t, 1, f.posts())
					f.even(t, 1)
				})
			})
			t.Run(how+", and the holder does not pass", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := newFleet(t, slices.Concat(mode.Options, opts)...)
					p, next := f.process(t), f.process(t)
					_, err := fund25(t, p.Client, pm, order)
					require.NoError(t, f.srv.FailAction(holderWanted(t, err)))
					for _, c := range []*process{next, p} {
						_, err = fund25(t, c.Client, pm, order)
						require.ErrorIs(t, err, modelslab.ErrPaymentDeclined)
					}
					assert.Equal(t, 1, f.posts())
					f.even(t, 0)
					if _, err = fund25(t, next.Client, "pm_card_visa", order); err != nil {
						wasUnknown(t, err)
						f.settle(t, next)
					}
					f.even(t, 1)
				})
			})
			if i := mode.Idempotency; i.Nothing || i.ConflictOnRepeat || i.Lifetime == time.Second {
				continue // nobody can learn of the payment, or its holder would be asked again
			}
			t.Run(how+", and the process was killed before it knew", func(t *testing.T) {
				for _, acts := range []bool{false, true} {
					synctest.Test(t, func(t *testing.T) {
						f := newFleet(t, slices.Concat(mode.Options, opts)...)
						p := f.process(t)
						p.hears = func(r *http.Request) { p.dead.Store(r.Method == http.MethodPost) }
						_, _ = fund25(t, p.Client, pm, order)
						elapse(shift)
						next := f.process(t)
						s, err := next.Settle(t.Context(), f.pending(t)[0])
						require.NoError(t, err)
						assert.Equal(t, modelslab.ActionRequired, s.Status)
						require.NotEmpty(t, s.PaymentIntentID)
						if acts {
							require.NoError(t, f.srv.CompleteAction(s.PaymentIntentID))
							_, err = fund25(t, next.Client, pm, order)
							require.NoError(t, err)
							assert.Equal(t, 2, f.posts(), "once more with the same key, and never since")
							f.even(t, 1)
							return
						}
						_, err = fund25(t, next.Client, pm, order)
						assert.Equal(t, s.PaymentIntentID, holderWanted(t, err))
						assert.Equal(t, 2, f.posts())
					})
				}
			})
		}
	})
}

func TestScenario05ALinkBesideTheHolder(t *testing.T) {
	card := modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_authenticationRequired"}
	for name, tt := range map[string]struct{ acts, pays bool }{
		"the link is paid": {false, true}, "the holder acts": {true, false}, "both": {true, true},
	} {
		for how, opts := range map[string][]sandbox.Option{"202": nil, "402": {sandbox.WithActionRequiredAs402()}} {
			t.Run(name+", "+how, func(t *testing.T) {
				inModes(t, append(telling(), sandbox.UnsafeModes()...), func(t *testing.T, mode sandbox.Mode) {
					synctest.Test(t, func(t *testing.T) {
						f := newFleet(t, slices.Concat(mode.Options, opts, []sandbox.Option{sandbox.WithCheckoutLifetime(time.Hour)})...)
						f.opts = []modelslab.Option{modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(25)})}
						p, next := f.process(t), f.process(t)
						st, err := p.Wallet.FundOrLink(t.Context(), card, order)
						require.NoError(t, err, "the limit is asked once for the whole")
						require.NotNil(t, st.Link)
						intent := holderWanted(t, st.Cause)
						again, err := next.Wallet.FundOrLink(t.Context(), card, order)
						require.NoError(t, err)
						assert.Equal(t, st.Link.SessionID, again.Link.SessionID, "one link at a time")
						assert.Equal(t, modelslab.Dollars(25), f.used(t, "agents"))

						if tt.acts {
							require.NoError(t, f.srv.CompleteAction(intent))
						}
						if tt.pays {
							require.NoError(t, f.srv.CompleteCheckout(st.Link.SessionID))
						}
						funding, err := next.Wallet.AwaitFund(withinADay(t), again, modelslab.AwaitParams{})
						if tt.acts && tt.pays {
							require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
							_, err = p.Wallet.FundOrLink(t.Context(), card, order)
							var twice *modelslab.PaidTwiceError
							require.ErrorAs(t, err, &twice)
							assert.Equal(t, "order-1041", twice.Operation)
							assert.Equal(t, st.Link.SessionID, twice.First.SessionID+twice.Second.SessionID)
							assert.Equal(t, 1, f.posts())
							f.even(t, 2, "agents")
							return
						}
						if unknownIn(t, mode, err); err != nil {
							f.settle(t, next)
						} else {
							assert.Equal(t, f.srv.Charges()[0].PaymentIntentID, funding.PaymentIntentID)
						}
						st, err = p.Wallet.FundOrLink(t.Context(), card, order)
						require.NoError(t, err)
						require.NotNil(t, st.Funding)
						assert.Nil(t, st.Link)
						assert.Equal(t, 1, f.posts(), "no second payment")
						elapse(2 * time.Hour) // until the other way to pay is gone as well
						if tt.pays {
							require.NoError(t, f.srv.FailAction(intent))
						}
						f.settle(t, next)
						f.even(t, 1, "agents")
					})
				})
			})
		}
	}
}

func TestScenario06AKeyThatIsTooOldIsNotAskedWith(t *testing.T) {
	for name, tt := range map[string]struct {
		fault   sandbox.Fault
		charged bool
	}{
		"charged":     {sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.Fault502, AfterWork: true, Header: http.Header{"Retry-After": {"5"}}}, true},
		"not charged": {sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.Fault502, Header: http.Header{"Retry-After": {"5"}}}, false},
	} {
		for how, suspended := range map[string]bool{"its backoff takes too long": false, "the machine is suspended": true} {
			modes := sandbox.Modes()
			if suspended {
				modes = telling()
			}
			t.Run(name+", "+how, func(t *testing.T) {
				inModes(t, append(modes, sandbox.UnsafeModes()...), func(t *testing.T, mode sandbox.Mode) {
					synctest.Test(t, func(t *testing.T) {
						f := newFleet(t, mode.Options...)
						f.opts = []modelslab.Option{modelslab.WithKeyLifetime(time.Second)}
						var slept atomic.Int64 // what the wall clock goes ahead by, and no timer
						if suspended {
							f.opts = []modelslab.Option{modelslab.WithWallClock(func() time.Time { return time.Now().Add(time.Duration(slept.Load())) })}
						}
						p := f.process(t)
						if suspended {
							p.hears = func(r *http.Request) {
								if r.Method == http.MethodPost {
									slept.Store(int64(11 * time.Minute))
								}
							}
						}
						f.srv.Inject(tt.fault)
						_, err := fund25(t, p.Client, "pm_card_visa", order)
						wasUnknown(t, err)
						if mode.Idempotency.KillAfterMove && tt.charged {
							assert.LessOrEqual(t, f.posts(), 2) // its connection drops, which names no time to wait
						} else {
							assert.Equal(t, 1, f.posts(), "it woke up too late")
						}
						posts := f.posts()
						require.Len(t, f.pending(t), 1)
						elapse(shift)

						next := f.process(t)
						s, err := next.Settle(t.Context(), f.pending(t)[0])
						require.NoError(t, err)
						assert.Equal(t, posts, f.posts())
						if tt.charged {
							assert.Equal(t, modelslab.Done, s.Status, "read")
							_, err = fund25(t, next.Client, "pm_card_visa", order)
							require.NoError(t, err)
							assert.Equal(t, posts, f.posts())
							f.even(t, 1)
							return
						}
						assert.Equal(t, modelslab.Unknown, s.Status)
						require.Len(t, f.pending(t), 1)
						assert.Equal(t, "stranded", f.pending(t)[0].State)
						assert.Equal(t, modelslab.Dollars(25), f.used(t, ""), "it counts")
						for _, c := range []*process{p, next} {
							_, err = fund25(t, c.Client, "pm_card_visa", order)
							wasUnknown(t, err)
							_, err = fund25(t, c.Client, "pm_card_visa", order, modelslab.WithNewTry())
							wasUnknown(t, err)
						}
						assert.Equal(t, posts, f.posts())

						require.NoError(t, next.Resolve(t.Context(), f.pending(t)[0], modelslab.NotPaid, "the bank says no"))
						f.even(t, 0)
						slept.Store(0)
						if _, err = fund25(t, next.Client, "pm_card_visa", order); err != nil {
							wasUnknown(t, err)
							f.settle(t, next)
						}
						f.even(t, 1)
					})
				})
			})
		}
	}
}

func TestScenario07ALinkThatIsPaidInItsLastSecond(t *testing.T) {
	policy := works()[0].policy
	linked := func(ctx context.Context, p *process, subscribes bool) (*modelslab.PaymentLink, error) {
		params := modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}
		if subscribes {
			params = modelslab.PaymentLinkParams{Purpose: modelslab.PurposeSubscribe, PlanID: 20}
		}
		return p.Billing.CreatePaymentLink(ctx, params, order)
	}
	awaits := func(ctx context.Context, p *process, link *modelslab.PaymentLink) error {
		if link.Purpose == modelslab.PurposeSubscribe {
			return second(p.Subscriptions.AwaitCheckout(ctx, link, modelslab.AwaitParams{}))
		}
		return second(p.Wallet.AwaitCheckout(ctx, link, modelslab.AwaitParams{}))
	}
	for name, opts := range map[string][]sandbox.Option{
		"202 until then":                 nil,
		"402 until then":                 {sandbox.WithUnfinishedCheckout(402)},
		"409 until then":                 {sandbox.WithUnfinishedCheckout(409)},
		"422 until then":                 {sandbox.WithUnfinishedCheckout(422)},
		"Stripe tells the server":        {sandbox.WithCheckoutWebhook()},
		"it may be confirmed repeatedly": {sandbox.WithRepeatableConfirm()},
	} {
		for _, subscribes := range []bool{false, true} {
			if subscribes && opts != nil {
				continue
			}
			price := modelslab.Dollars(25)
			if subscribes {
				price = modelslab.Dollars(47)
			}
			// paid is a link that a human has paid, whose process was killed while it waited.
			paid := func(t *testing.T, mode sandbox.Mode) (*fleet, *modelslab.PaymentLink) {
				t.Helper()
				f := newFleet(t, slices.Concat(mode.Options, opts, []sandbox.Option{sandbox.WithCheckoutLifetime(20 * time.Second)})...)
				f.opts = []modelslab.Option{modelslab.WithSpendPolicy(policy)}
				p := f.process(t)
				link, err := linked(t.Context(), p, subscribes)
				require.NoError(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				waited := make(chan error)
				go func() { waited <- awaits(ctx, p, link) }()
				elapse(19 * time.Second)
				p.dead.Store(true)
				cancel()
				require.Error(t, <-waited)
				require.NoError(t, f.srv.CompleteCheckout(link.SessionID))
				elapse(time.Minute) // it has expired
				open := f.pending(t)
				require.Len(t, open, 1, "the next one sees it")
				assert.Equal(t, "awaiting_human", open[0].State)
				assert.Equal(t, link.SessionID, open[0].SessionID)
				assert.Equal(t, price, f.used(t, ""))
				return f, link
			}
			credited := func(t *testing.T, f *fleet) {
				t.Helper()
				f.even(t, 1, "agents")
				if !subscribes {
					assert.Equal(t, price, balance(t, f.eye.Client), "one credit")
					return
				}
				list, err := f.eye.Subscriptions.List(t.Context())
				require.NoError(t, err)
				assert.Len(t, list, 1)
			}
			modes := telling()
			if opts == nil && !subscribes {
				modes = slices.Concat(sandbox.Modes(), sandbox.UnsafeModes())
			}
			t.Run(fmt.Sprintf("%s, subscribes %v", name, subscribes), func(t *testing.T) {
				inModes(t, modes, func(t *testing.T, mode sandbox.Mode) {
					t.Run("the next one settles", func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							f, _ := paid(t, mode)
							_, err := f.process(t).Settle(t.Context(), f.pending(t)[0])
							if unknownIn(t, mode, err); err != nil {
								f.settle(t, f.process(t))
							}
							credited(t, f)
							_, err = linked(t.Context(), f.process(t), subscribes)
							require.NoError(t, err)
							assert.Len(t, asked(f.srv, "billing.payment_link"), 1, "there is no second link")
						})
					})
					t.Run("two confirm it", func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							f, link := paid(t, mode)
							op := f.pending(t)[0]
							var group sync.WaitGroup
							for range 2 {
								waits, settles := f.process(t), f.process(t)
								group.Go(func() { unknownIn(t, mode, awaits(withinADay(t), waits, link)) })
								group.Go(func() {
									s, err := settles.Settle(t.Context(), op)
									if !errors.Is(err, modelslab.ErrPendingOperation) {
										unknownIn(t, mode, err)
									}
									assert.NotEqual(t, modelslab.Refused, s.Status)
								})
							}
							group.Wait()
							f.settle(t, f.process(t))
							credited(t, f)
						})
					})
					if opts != nil {
						return
					}
					t.Run("it was confirmed by one that is dead", func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							f, link := paid(t, mode)
							dead := f.process(t)
							dead.hears = func(r *http.Request) { dead.dead.Store(r.Method == http.MethodPost) }
							require.Error(t, awaits(t.Context(), dead, link))
							require.Len(t, f.pending(t), 1)
							elapse(shift)
							unknownIn(t, mode, awaits(withinADay(t), f.process(t), link)) // confirmed already is as good
							f.settle(t, f.process(t))
							credited(t, f)
						})
					})
				})
			})
		}
	}
	t.Run("nobody pays", func(t *testing.T) {
		inAllModes(t, func(t *testing.T, mode sandbox.Mode) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, append(mode.Options, sandbox.WithCheckoutLifetime(time.Minute))...)
				p, next := f.process(t), f.process(t)
				_, err := linked(t.Context(), p, false)
				require.NoError(t, err)
				elapse(time.Minute + time.Second)
				s, err := next.Settle(t.Context(), f.pending(t)[0])
				require.NoError(t, err)
				assert.Equal(t, modelslab.ActionRequired, s.Status, "what was paid in the last second may still be on its way")
				assert.Equal(t, modelslab.Dollars(25), f.used(t, ""))
				elapse(2 * time.Minute)
				s, err = next.Settle(t.Context(), f.pending(t)[0])
				require.NoError(t, err)
				assert.Equal(t, modelslab.Refused, s.Status)
				f.even(t, 0)
			})
		})
	})
}

// deaths are the ways of a store to fail.
var deaths = map[string]func(method string) error{
	"it is gone":         func(string) error { return errors.New("no such disk") },
	"it takes no writes": func(method string) error { return onlyFor(method, "swap", errors.New("the disk is full")) },
	"it hangs": func(string) error {
		elapse(6 * time.Second)
		return context.DeadlineExceeded
	},
}

func onlyFor(method, failing string, err error) error {
	if method == failing {
		return err
	}
	return nil
}

func TestScenario08TheStoreDiesAfterTheCharge(t *testing.T) {
	for name, death := range deaths {
		for healed, another := range map[string]bool{"and heals": false, "and another process goes on": true} {
			modes := telling()
			if name == "it is gone" && another {
				modes = sandbox.Modes()
			}
			t.Run(name+" "+healed, func(t *testing.T) {
				inModes(t, append(modes, sandbox.UnsafeModes()...), func(t *testing.T, mode sandbox.Mode) {
					synctest.Test(t, func(t *testing.T) {
						f := newFleet(t, mode.Options...)
						f.opts = []modelslab.Option{modelslab.WithSpendPolicy(works()[0].policy)}
						logged := &records{}
						p := f.process(t, modelslab.WithLogger(logged.logger()))
						var broken atomic.Bool
						p.before = func(method, _ string) error {
							if broken.Load() {
								return death(method)
							}
							return nil
						}
						p.hears = func(r *http.Request) {
							if r.Method == http.MethodPost {
								broken.Store(true)
							}
						}
						var resp modelslab.Response
						funding, err := fund25(t, p.Client, "pm_card_visa", order, modelslab.WithResponse(&resp))
						if err != nil {
							assert.False(t, mode.Settles)
							wasUnknown(t, err)
						} else {
							assert.Equal(t, f.srv.Charges()[0].PaymentIntentID, funding.PaymentIntentID, "the result is returned")
						}
						require.Error(t, resp.JournalErr)
						assert.NotEmpty(t, logged.errors(), "and the owner told")
						f.covered(t, "agents")
						require.Len(t, f.pending(t), 1)
						assert.Equal(t, "sent", f.pending(t)[0].State)

						posts := f.posts()
						for range 2 {
							require.Error(t, pays(t.Context(), p.Client, 10, "pm_card_visa"), "the next one is refused")
							require.Error(t, pays(t.Context(), p.Client, 10, "pm_card_visa", modelslab.WithOperation("order-1042")))
						}
						assert.Equal(t, posts, f.posts())
						p.hears = nil
						broken.Store(false)
						if another {
							elapse(shift)
							f.settle(t, f.process(t))
						} else {
							f.settle(t, p)
						}
						f.even(t, 1, "agents")
						posts = f.posts()
						_, err = fund25(t, p.Client, "pm_card_visa", order)
						require.NoError(t, err)
						assert.Equal(t, posts, f.posts())
						if err := pays(t.Context(), p.Client, 10, "pm_card_visa"); err != nil {
							wasUnknown(t, err)
							f.settle(t, p)
						}
						f.even(t, 2, "agents")
					})
				})
			})
		}
	}
}

// A store that has done its work, and does not say so.
func TestScenario08AWriteWhoseAnswerIsLost(t *testing.T) {
	for nth := 1; nth <= 8; nth++ {
		t.Run(fmt.Sprintf("write %d", nth), func(t *testing.T) {
			inModes(t, telling(), func(t *testing.T, mode sandbox.Mode) {
				synctest.Test(t, func(t *testing.T) {
					f := newFleet(t, mode.Options...)
					f.opts = []modelslab.Option{modelslab.WithSpendPolicy(works()[0].policy)}
					p := f.process(t)
					var writes atomic.Int32
					p.after = func(method, _ string) error {
						if method == "swap" && int(writes.Add(1)) == nth {
							return io.ErrUnexpectedEOF
						}
						return nil
					}
					_ = pays(t.Context(), p.Client, 25, "pm_card_visa", order)
					f.covered(t, "agents")
					elapse(shift)
					next := f.process(t)
					f.settle(t, next)
					if err := pays(t.Context(), next.Client, 25, "pm_card_visa", order); err != nil {
						wasUnknown(t, err)
						f.settle(t, next)
					}
					f.even(t, 1, "agents")
				})
			})
		})
	}
}

// records are what a logger was told.
type records struct {
	slog.Handler
	mu  sync.Mutex
	all []slog.Record
}

func (r *records) logger() *slog.Logger { return slog.New(r) }

func (r *records) Enabled(context.Context, slog.Level) bool { return true }

func (r *records) Handle(_ context.Context, record slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, record)
	return nil
}

func (r *records) errors() (messages []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, record := range r.all {
		if record.Level >= slog.LevelError {
			messages = append(messages, record.Message)
		}
	}
	return messages
}
