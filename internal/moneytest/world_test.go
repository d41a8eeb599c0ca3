package moneytest

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func itoa[T int | int64](n T) string { return strconv.FormatInt(int64(n), 10) }

// The sandbox's plan that the operations subscribe to, with its price in cents.
const (
	standardPlan  = 20
	standardPrice = 47_00
)

// opening is what a wallet holds at first, in cents: a sum that nobody pays.
const opening = 98_76

// Card numbers of Stripe's, by what they do when they are charged.
const (
	good     = "4242424242424242"
	declines = "4000000000000341"
	asks     = "4000002500003155"
)

// place is a server, with what is peculiar about it.
type place struct {
	srv      *sandbox.Server
	mode     string
	idem     sandbox.Idempotency
	definite bool // what is asked for again gets an answer in the end

	disturbed atomic.Value // a func(), after each request
}

func (p *place) disturb() {
	if f, ok := p.disturbed.Load().(func()); ok {
		f()
	}
}

// world is everything beside the processes: servers, accounts, a store and people.
type world struct {
	store    string
	ahead    atomic.Int64 // of the machine's clock, for servers and stores
	places   []*place
	sites    []site
	at       []*place // of the sites
	exact    []bool   // their limits leave room for all that is to be paid
	emails   []string // of their accounts
	accounts []int64
	ops      []op

	mu      sync.Mutex
	reports []report
	todo    []report // what people are asked to do
	eager   bool     // people do it at once
}

// addPlace runs a server whose clock is the world's.
func (w *world) addPlace(t testing.TB, p *place, mode sandbox.Mode, more ...sandbox.Option) {
	t.Helper()
	p.mode, p.idem, p.definite = mode.Name, mode.Idempotency, mode.Settles
	opts := slices.Concat(mode.Options, []sandbox.Option{
		sandbox.WithoutRateLimits(), sandbox.WithQueueLimit(1 << 20), sandbox.WithGenerationTime(0),
		sandbox.WithClock(func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }),
	}, more)
	srv, err := sandbox.Start(opts...)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	p.srv = srv
	w.places = append(w.places, p)
}

// addSite makes an account.
func (w *world) addSite(p *place, limits ...limit) int {
	a := p.srv.Account(sandbox.AccountParams{BalanceCents: opening})
	w.sites = append(w.sites, site{URL: p.srv.URL(), Token: a.AccessToken, APIKey: a.APIKey, Limits: limits})
	w.at, w.exact = append(w.at, p), append(w.exact, true)
	w.emails, w.accounts = append(w.emails, a.Email), append(w.accounts, a.ID)
	return len(w.sites) - 1
}

// card makes a payment method that nobody else has.
func (p *place) card(t testing.TB, number string) string {
	t.Helper()
	form := url.Values{
		"type": {"card"}, "card[number]": {number}, "card[exp_month]": {"12"}, "card[exp_year]": {"2040"}, "card[cvc]": {"123"},
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.srv.URL()+"/v1/payment_methods", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("pk_test_51SandboxSandboxSandboxSandbox", "")
	resp, err := p.srv.Transport().RoundTrip(req)
	require.NoError(t, err)
	var method struct{ ID string }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&method))
	require.NoError(t, resp.Body.Close())
	require.NotEmpty(t, method.ID)
	return method.ID
}

// add puts an operation on the list. numbers are those of its cards.
func (w *world) add(t testing.TB, o op, numbers ...string) *op {
	t.Helper()
	o.ID = len(w.ops)
	o.Name = "op-" + itoa(o.ID) + "/" + string(o.Kind)
	o.Declines = len(numbers) > 0
	for _, number := range numbers {
		o.Declines = o.Declines && number == declines
		o.Cards = append(o.Cards, w.at[o.Site].card(t, number))
	}
	w.ops = append(w.ops, o)
	return &w.ops[o.ID]
}

// hear takes down what a process says, and does what it asks of people.
func (w *world) hear(r report) {
	w.mu.Lock()
	w.reports = append(w.reports, r)
	wanted := r.Outcome == asked || r.Outcome == linked
	if wanted {
		w.todo = append(w.todo, r)
	}
	eager := w.eager && r.Op%3 == 0
	w.mu.Unlock()
	if wanted && eager {
		w.oblige()
	}
}

// heard is all that was said so far.
func (w *world) heard() []report {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.reports)
}

// oblige lets people do what they were asked to do.
func (w *world) oblige() {
	w.mu.Lock()
	todo := w.todo
	w.todo = nil
	w.mu.Unlock()
	for _, r := range todo {
		if r.Op < 0 {
			continue
		}
		o := &w.ops[r.Op]
		srv := w.at[o.Site].srv
		// They may have done it already: that is all that can fail.
		switch {
		case o.Human == leaves:
		case r.Session != "":
			_ = srv.CompleteCheckout(r.Session)
		case o.Human == agrees:
			_ = srv.CompleteAction(r.Intent)
		default:
			_ = srv.FailAction(r.Intent)
		}
	}
}

// later moves the clocks of the servers and of the stores to be opened.
func (w *world) later(d time.Duration) { w.ahead.Add(int64(d)) }

// jobFor is a job in this world as it is now.
func (w *world) jobFor(j job) *job {
	j.Store, j.Ahead, j.Sites = w.store, time.Duration(w.ahead.Load()), w.sites
	return &j
}

// works does a job in this process.
func (w *world) works(t testing.TB, j *job) {
	t.Helper()
	s, err := openStore(j.Store, j.Ahead)
	require.NoError(t, err)
	defer s.close()
	worker, err := newWorker(j, s, w.hear)
	require.NoError(t, err)
	worker.work(context.WithoutCancel(t.Context()))
}

// settles settles whatever is pending, in this process.
func (w *world) settles(t testing.TB, j job) {
	t.Helper()
	j.Ops = w.ops
	s, err := openStore(w.store, time.Duration(w.ahead.Load()))
	require.NoError(t, err)
	defer s.close()
	worker, err := newWorker(w.jobFor(j), s, w.hear)
	require.NoError(t, err)
	for range 2 {
		worker.settle(context.WithoutCancel(t.Context()))
		w.oblige()
	}
	worker.settle(context.WithoutCancel(t.Context()))
}

// leaseTime is longer than any lease of a process that was killed.
const leaseTime = 4 * time.Minute

// fault draws what goes wrong for requests to an endpoint; "" is any. A server that keeps
// its 500 or its 429 under a key never says anything else of it: lasting allows that.
func (p *place) fault(r *rand.Rand, endpoint string, lasting bool) sandbox.Fault {
	f := sandbox.Fault{Endpoint: endpoint, RetryAfter: -1}
	kinds := []sandbox.FaultKind{
		sandbox.FaultDropBefore, sandbox.FaultDropAfter, sandbox.FaultCutBody, sandbox.Fault502, sandbox.Fault503,
		sandbox.FaultLatency, sandbox.FaultEmpty, sandbox.FaultHTML,
	}
	if lasting || !p.idem.Cache5xx {
		kinds = append(kinds, sandbox.Fault500)
	}
	if lasting || !p.idem.Cache429 {
		kinds = append(kinds, sandbox.Fault429)
	}
	f.Kind = pick(r, kinds...)
	switch f.Kind {
	case sandbox.Fault502, sandbox.Fault503, sandbox.FaultEmpty, sandbox.FaultHTML, sandbox.Fault500:
		f.AfterWork = r.IntN(2) == 0
	case sandbox.FaultLatency:
		f.AfterWork = r.IntN(2) == 0
		f.Delay = time.Duration(r.IntN(40)) * time.Millisecond
	}
	return f
}
