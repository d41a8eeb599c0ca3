package modelslab_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
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

// recovers is the end of many scenarios: whatever has happened, the next process makes
// the payment exactly once.
func (f *fleet) recovers(t *testing.T, err error) {
	t.Helper()
	switch charges := len(f.srv.Charges()); {
	case err == nil:
		assert.Equal(t, 1, charges, "never succeeded without a charge")
	case !errors.Is(err, modelslab.ErrOutcomeUnknown):
		assert.Zero(t, charges, "never failed with a charge: %v", err)
	default:
		assert.LessOrEqual(t, charges, 1)
	}
	f.covered(t)
	elapse(shift)
	next := f.process(t)
	f.settle(t, next)
	if err := pays(t.Context(), next.Client, 25, "pm_card_visa", order); err != nil {
		wasUnknown(t, err)
		f.settle(t, next)
	}
	f.even(t, 1)
}

// The bubble checks that no goroutine is left.
func TestScenario09TheContextEndsWhileTheAnswerArrives(t *testing.T) {
	t.Run("at a point of its way", func(t *testing.T) {
		inModes(t, telling(), func(t *testing.T, mode sandbox.Mode) {
			for nth, at := 1, "?"; at != "" && !t.Failed(); nth++ {
				synctest.Test(t, func(t *testing.T) {
					f := newFleet(t, mode.Options...)
					f.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter})
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					passed := 0
					at = ""
					ctx = points.With(ctx, func(point string) {
						if passed++; passed == nth {
							at = point
							cancel()
						}
					})
					err := pays(ctx, f.process(t).Client, 25, "pm_card_visa", order)
					if err != nil && !errors.Is(err, modelslab.ErrOutcomeUnknown) {
						assert.Equal(t, context.Canceled, err, "at %s", at)
						assert.Zero(t, f.posts(), "what was sent is not just canceled")
					}
					f.recovers(t, err)
				})
			}
		})
	})
	t.Run("around the answer", func(t *testing.T) {
		for name, ends := range map[string]func(p *process, cancel func()){
			"once it is there":      func(p *process, cancel func()) { p.hears = func(*http.Request) { cancel() } },
			"in the middle of it":   func(p *process, cancel func()) { p.net = cutting{p.net, cancel} },
			"right before it":       func(_ *process, cancel func()) { time.AfterFunc(10*time.Second-1, cancel) },
			"at the same moment":    func(_ *process, cancel func()) { time.AfterFunc(10*time.Second, cancel) },
			"right after it":        func(_ *process, cancel func()) { time.AfterFunc(10*time.Second+1, cancel) },
			"while it is worked on": func(_ *process, cancel func()) { time.AfterFunc(time.Second, cancel) },
		} {
			modes := telling()
			if name == "once it is there" {
				modes = sandbox.Modes()
			}
			t.Run(name, func(t *testing.T) {
				inModes(t, modes, func(t *testing.T, mode sandbox.Mode) {
					synctest.Test(t, func(t *testing.T) {
						f := newFleet(t, mode.Options...)
						f.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultLatency, Delay: 10 * time.Second})
						p := f.process(t)
						_, err := p.Wallet.Balance(t.Context()) // so that the next request is the payment
						require.NoError(t, err)
						_, err = p.Pending(t.Context())
						require.NoError(t, err)
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						ends(p, cancel)
						err = pays(ctx, p.Client, 25, "pm_card_visa", order)
						elapse(time.Minute) // the server works on without its client
						f.recovers(t, err)
					})
				})
			})
		}
	})
}

// cutting ends the context between two reads of the body.
type cutting struct {
	http.RoundTripper
	cancel func()
}

func (c cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.RoundTripper.RoundTrip(r)
	if err != nil || r.Method != http.MethodPost {
		return resp, err
	}
	body := resp.Body
	half := make([]byte, 20)
	n, _ := io.ReadFull(body, half)
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(half[:n]), &ending{r.Context(), body, c.cancel}), body}
	return resp, nil
}

type ending struct {
	ctx    context.Context
	body   io.Reader
	cancel func()
}

func (e *ending) Read(p []byte) (int, error) {
	e.cancel()
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.body.Read(p)
}

// watched is a store of which every sum is held against a limit, the moment it is
// written.
type watched struct {
	modelslab.Store
	t     testing.TB
	limit modelslab.Amount
	seen  *atomic.Int32
}

func (s *watched) Swap(ctx context.Context, key string, older, newer []byte, ttl time.Duration) (bool, error) {
	used, holds, err := modelslab.UsedOf(key, newer)
	assert.NoError(s.t, err)
	ok, err := s.Store.Swap(ctx, key, older, newer, ttl)
	if holds && ok {
		s.seen.Add(1)
		assert.False(s.t, s.limit.Less(used), "$%s of $%s in %s", used, s.limit, key)
	}
	return ok, err
}

func TestScenario10AFleetNeverExceedsItsLimit(t *testing.T) {
	modes := telling()
	for i, tt := range []struct {
		name   string
		policy modelslab.SpendPolicy
	}{
		{"in all, of the account", modelslab.SpendPolicy{Total: modelslab.Dollars(50)}},
		{"in a window, of a budget", modelslab.SpendPolicy{Budget: "agents", PerWindow: modelslab.Dollars(50), Window: 24 * time.Hour}},
		{"in a window, of the account", modelslab.SpendPolicy{PerWindow: modelslab.Dollars(50), Window: 24 * time.Hour}},
		{"in all, of a budget", modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(50)}},
	} {
		mode := modes[i%len(modes)]
		t.Run(tt.name+", "+mode.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { fleetSpends(t, mode, tt.policy) })
		})
	}
}

// slot is one of the processes of a fleet, which is started anew when it was killed.
type slot struct {
	mu   sync.Mutex
	p    *process
	left atomic.Int32 // points until it is killed
}

func (s *slot) process(t testing.TB, f *fleet, chance *rand.Rand) *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.p == nil || s.p.dead.Load() {
		s.p = f.process(t)
		s.left.Store(20 + chance.Int32N(60))
	}
	return s.p
}

func fleetSpends(t *testing.T, mode sandbox.Mode, policy modelslab.SpendPolicy) {
	f := newFleet(t, append(mode.Options, sandbox.WithMinimumTopUp(1))...)
	var writes atomic.Int32
	f.store = &watched{f.store, t, modelslab.Dollars(50), &writes}
	f.opts = []modelslab.Option{modelslab.WithSpendPolicy(policy)}
	kinds := []sandbox.Fault{
		{Kind: sandbox.FaultDropBefore}, {Kind: sandbox.FaultDropAfter}, {Kind: sandbox.FaultCutBody}, {Kind: sandbox.Fault502, AfterWork: true, Times: 3},
		{Kind: sandbox.Fault429}, {Kind: sandbox.Fault500}, {Kind: sandbox.Fault503}, {Kind: sandbox.FaultLatency, Delay: 5 * time.Second},
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	for range 12 {
		fault := kinds[chance.IntN(len(kinds))]
		fault.Endpoint = "wallet.fund"
		f.srv.Inject(fault)
	}
	slots := make([]slot, 4)
	var group sync.WaitGroup
	var refused, killed atomic.Int32
	for n := range 64 {
		group.Go(func() {
			chance := rand.New(rand.NewPCG(seed, uint64(n+1)))
			elapse(time.Duration(chance.IntN(20_000)) * time.Millisecond)
			s := &slots[n%len(slots)]
			for range 3 {
				p := s.process(t, f, chance)
				var err error
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					err = errKilled
					ctx := points.With(t.Context(), func(string) {
						if !p.dead.Load() && s.left.Add(-1) == 0 {
							killed.Add(1)
							p.dead.Store(true)
							runtime.Goexit()
						}
					})
					err = pays(ctx, p.Client, int64(1+n%7), "pm_card_visa", modelslab.WithOperation(fmt.Sprint("job-", n)))
				}()
				<-ended
				switch {
				case err == nil:
					return
				case errors.Is(err, modelslab.ErrSpendLimit):
					refused.Add(1)
				}
				elapse(time.Minute + time.Duration(chance.IntN(60_000))*time.Millisecond)
			}
		})
	}
	group.Wait()
	f.covered(t, policy.Budget)
	elapse(shift)
	last := f.process(t)
	f.settle(t, last)
	if len(f.pending(t)) > 0 { // the server keeps its 500, or says 409 for ever
		elapse(10 * time.Minute)
		f.settle(t, last)
	}
	for _, op := range f.pending(t) {
		assert.Equal(t, "stranded", op.State)
		verdict := modelslab.NotPaid
		if slices.ContainsFunc(f.srv.Charges(), func(c sandbox.Charge) bool { return c.IdempotencyKey == op.IdempotencyKey }) {
			verdict = modelslab.Paid
		}
		require.NoError(t, last.Resolve(t.Context(), op, verdict, "as the bank's statement has it"))
	}
	f.even(t, len(f.srv.Charges()), policy.Budget)
	assert.LessOrEqual(t, cents(f.srv), int64(5000))
	assert.Positive(t, cents(f.srv))
	assert.Positive(t, refused.Load())
	assert.Positive(t, killed.Load())
	assert.Positive(t, writes.Load())
}

// stopped makes a process stop where it uses the store for the nth time in a way, once
// armed, until it is woken up.
func (p *process) stopped(method string) (arm func(), asleep, wake chan struct{}) {
	asleep, wake = make(chan struct{}), make(chan struct{})
	var armed atomic.Bool
	p.before = func(m, key string) error {
		if m == method && strings.HasSuffix(key, "/book") && armed.CompareAndSwap(true, false) {
			close(asleep)
			<-wake
		}
		return nil
	}
	return func() { armed.Store(true) }, asleep, wake
}

func TestScenario11WhoeverWakesUpLateSendsNothing(t *testing.T) {
	closers := map[string]func(t *testing.T, f *fleet, next *process){
		"its owner says that it was not paid": func(t *testing.T, f *fleet, next *process) {
			require.NoError(t, next.Resolve(t.Context(), f.pending(t)[0], modelslab.NotPaid, "not in the statement"))
		},
		"its card is declined": func(t *testing.T, f *fleet, next *process) {
			s, err := next.Settle(t.Context(), f.pending(t)[0])
			require.NoError(t, err)
			assert.Equal(t, modelslab.Refused, s.Status)
		},
	}
	for name, closes := range closers {
		for where, method := range map[string]string{"before it reads the journal": "get", "before it writes it": "swap"} {
			for how, twin := range map[string]bool{"another card": false, "the same card": true} {
				declines := name == "its card is declined"
				if twin && declines {
					continue // it would be declined again
				}
				modes := slices.DeleteFunc(telling(), func(m sandbox.Mode) bool {
					return declines && m.Idempotency.ConflictOnRepeat // a decline that was lost is never told again
				})
				t.Run(name+", "+where+", "+how, func(t *testing.T) {
					inModes(t, modes, func(t *testing.T, mode sandbox.Mode) {
						synctest.Test(t, func(t *testing.T) {
							f := newFleet(t, mode.Options...)
							card, other := "pm_card_visa", "pm_card_mastercard"
							if declines {
								card = "pm_card_chargeDeclined"
							}
							if twin {
								other = card
							}
							a := f.process(t)
							arm, asleep, wake := a.stopped(method)
							a.hears = func(r *http.Request) {
								if r.Method == http.MethodPost {
									arm()
								}
							}
							f.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore})
							ended := make(chan error)
							go func() { ended <- pays(t.Context(), a.Client, 25, card, order) }()
							<-asleep
							assert.Equal(t, 1, f.posts(), "it is in its backoff")
							elapse(shift)

							next := f.process(t)
							closes(t, f, next)
							unknownIn(t, mode, pays(t.Context(), next.Client, 25, other, order))
							f.settle(t, next)
							posts, keys := f.posts(), keysOf(asked(f.srv, "wallet.fund"))
							assert.NotEqual(t, keys[0], keys[len(keys)-1], "the second try has a key of its own")
							f.even(t, 1)

							close(wake)
							err := <-ended
							require.Error(t, err)
							wasUnknown(t, err)
							assert.Equal(t, posts, f.posts(), "it has sent nothing more")
							f.even(t, 1)
						})
					})
				})
			}
		}
	}
}

// stalled is a network on which a payment is stuck until it is woken up, whatever its
// sender thinks of it by then.
type stalled struct {
	http.RoundTripper
	asleep, wake chan struct{}
}

func (s stalled) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost {
		close(s.asleep)
		<-s.wake
		r = r.WithContext(context.WithoutCancel(r.Context()))
	}
	return s.RoundTripper.RoundTrip(r)
}

// What was on the wire all the time cannot be held back. Its success is told by everybody.
func TestScenario11AnAnswerThatComesTooLateIsRaised(t *testing.T) {
	inAllModes(t, func(t *testing.T, mode sandbox.Mode) {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, mode.Options...)
			a := f.process(t)
			asleep, wake := make(chan struct{}), make(chan struct{})
			a.net = stalled{a.net, asleep, wake}
			ended := make(chan error)
			go func() { ended <- pays(t.Context(), a.Client, 25, "pm_card_visa", order) }()
			<-asleep
			elapse(shift)
			next := f.process(t)
			require.NoError(t, next.Resolve(t.Context(), f.pending(t)[0], modelslab.NotPaid, "not in the statement"))
			unknownIn(t, mode, pays(t.Context(), next.Client, 25, "pm_card_visa", order))
			f.settle(t, next)
			f.even(t, 1)

			close(wake)
			err := <-ended
			assert.Len(t, f.srv.Charges(), 2)
			require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
			if mode.Idempotency.KillAfterMove {
				r, err := next.Reconcile(t.Context(), time.Now().Add(-time.Hour))
				require.NoError(t, err)
				assert.Len(t, r.Unclaimed, 1, "nobody was told of it, and it is found all the same")
				return
			}
			var twice *modelslab.PaidTwiceError
			require.ErrorAs(t, err, &twice)
			assert.NotEqual(t, twice.First.IdempotencyKey, twice.Second.IdempotencyKey)
			f.even(t, 2)
		})
	})
}

// And who was merely slow to hear what another has read meanwhile counts it once.
func TestScenario11AnAnswerThatAnotherHasReadIsCountedOnce(t *testing.T) {
	inAllModes(t, func(t *testing.T, mode sandbox.Mode) {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, mode.Options...)
			f.opts = []modelslab.Option{modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(100)})}
			a := f.process(t)
			asleep, wake := make(chan struct{}), make(chan struct{})
			a.hears = func(r *http.Request) {
				if r.Method == http.MethodPost && a.sends == nil {
					a.sends = func(*http.Request) {}
					close(asleep)
					<-wake
				}
			}
			ended := make(chan error)
			go func() { ended <- pays(t.Context(), a.Client, 25, "pm_card_visa", order) }()
			<-asleep
			elapse(shift)
			next := f.process(t)
			f.settle(t, next)
			unknownIn(t, mode, pays(t.Context(), next.Client, 10, "pm_card_visa", modelslab.WithOperation("order-1042"))) // the journal goes on
			close(wake)
			unknownIn(t, mode, <-ended)
			f.settle(t, next)
			f.even(t, 2, "agents")
		})
	})
}

// wasFrozen checks that a freeze is what kept a call from being sent.
func wasFrozen(t testing.TB, err error) {
	t.Helper()
	require.ErrorIs(t, err, modelslab.ErrFrozen)
	require.ErrorIs(t, err, modelslab.ErrSpendLimit)
	assert.NotErrorIs(t, err, modelslab.ErrOutcomeUnknown)
	assert.Contains(t, err.Error(), "the owner says stop")
	assert.NotContains(t, err.Error(), "\n")
}

func TestScenario12AFreezeIsSeenWhereverACallWaits(t *testing.T) {
	const reason = "the owner says stop"
	t.Run("for the limiter", func(t *testing.T) {
		inAllModes(t, func(t *testing.T, mode sandbox.Mode) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, append(mode.Options, sandbox.WithRateLimit(sandbox.LimiterBilling, 3))...)
				p, admin := f.process(t), f.process(t)
				for n := range 3 {
					require.Error(t, pays(t.Context(), p.Client, 25, "pm_card_chargeDeclined", modelslab.WithOperation(fmt.Sprint(n))))
				}
				time.AfterFunc(10*time.Second, func() { assert.NoError(t, admin.Freeze(t.Context(), reason)) })
				start := time.Now()
				err := pays(t.Context(), p.Client, 25, "pm_card_visa", order)
				wasFrozen(t, err)
				assert.Greater(t, time.Since(start), 10*time.Second, "it has waited")
				assert.Equal(t, 3, f.posts())
				require.NoError(t, admin.Unfreeze(t.Context()))
				f.even(t, 0)
			})
		})
	})
	t.Run("for its owner's approval", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t)
			admin := f.process(t)
			asked := 0
			p := f.process(t, modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(50), Approve: func(ctx context.Context, in modelslab.SpendIntent) error {
				asked++
				assert.Equal(t, modelslab.Dollars(25), in.Amount)
				return admin.Freeze(ctx, reason)
			}}))
			wasFrozen(t, pays(t.Context(), p.Client, 25, "pm_card_visa", order))
			wasFrozen(t, pays(t.Context(), p.Client, 25, "pm_card_visa", order))
			assert.Equal(t, 1, asked, "once it is frozen nobody is asked")
			assert.Zero(t, f.posts())
			require.NoError(t, admin.Unfreeze(t.Context()))
			f.even(t, 0, "agents")
		})
	})
	for name, tt := range map[string]struct {
		fault   sandbox.Fault
		charged bool
	}{
		"charged":     {sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.Fault502, AfterWork: true}, true},
		"not charged": {sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.Fault502}, false},
	} {
		t.Run("in its backoff, "+name, func(t *testing.T) {
			inAllModes(t, func(t *testing.T, mode sandbox.Mode) {
				synctest.Test(t, func(t *testing.T) {
					f := newFleet(t, mode.Options...)
					p, admin := f.process(t), f.process(t)
					p.hears = func(r *http.Request) {
						if r.Method == http.MethodPost {
							assert.NoError(t, admin.Freeze(t.Context(), reason))
						}
					}
					f.srv.Inject(tt.fault)
					err := pays(t.Context(), p.Client, 25, "pm_card_visa", order)
					require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
					require.ErrorIs(t, err, modelslab.ErrFrozen)
					assert.Equal(t, 1, f.posts())

					open := f.pending(t)
					require.Len(t, open, 1)
					s, err := p.Settle(t.Context(), open[0])
					if tt.charged {
						require.NoError(t, err, "reading goes on")
						assert.Equal(t, modelslab.Done, s.Status)
						require.NoError(t, pays(t.Context(), p.Client, 25, "pm_card_visa", order), "and so do the records")
					} else {
						require.ErrorIs(t, err, modelslab.ErrFrozen)
						assert.Equal(t, modelslab.Unknown, s.Status)
						require.ErrorIs(t, pays(t.Context(), p.Client, 25, "pm_card_visa", order), modelslab.ErrFrozen)
					}
					assert.Equal(t, 1, f.posts(), "nothing is asked again")

					p.hears = nil
					require.NoError(t, admin.Unfreeze(t.Context()))
					f.settle(t, p)
					f.even(t, 1)
				})
			})
		})
	}
	t.Run("on the wire", func(t *testing.T) {
		inAllModes(t, func(t *testing.T, mode sandbox.Mode) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, mode.Options...)
				p, admin := f.process(t), f.process(t)
				f.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultLatency, Delay: 10 * time.Second})
				time.AfterFunc(5*time.Second, func() { assert.NoError(t, admin.Freeze(t.Context(), reason)) })
				unknownIn(t, mode, pays(t.Context(), p.Client, 25, "pm_card_visa", order))
				assert.Equal(t, 1, f.posts())
				f.settle(t, p)
				assert.Len(t, f.ledger(t), 1, "what was on its way is settled")
				require.NoError(t, admin.Unfreeze(t.Context()))
				f.even(t, 1)
			})
		})
	})
	t.Run("for a place in the queue", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, sandbox.WithQueueLimit(1), sandbox.WithGenerationTime(20*time.Second))
			f.srv.Account(sandbox.AccountParams{Email: "agent@example.com", BalanceCents: 100})
			p, admin := f.process(t), f.process(t)
			_, err := p.Generation.Images.TextToImage(t.Context(), lighthouse())
			require.NoError(t, err)
			time.AfterFunc(5*time.Second, func() { assert.NoError(t, admin.Freeze(t.Context(), reason)) })
			_, err = p.Generation.Images.TextToImage(t.Context(), lighthouse())
			require.ErrorIs(t, err, modelslab.ErrFrozen)
			elapse(time.Minute)
			assert.Equal(t, modelslab.Cents(98), balance(t, p.Client), "one image, and no second")
		})
	})
}

func TestScenario12WhatAFreezeStopsAndWhatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		p, admin := f.process(t), f.process(t)
		ctx := t.Context()
		f.srv.Account(sandbox.AccountParams{Email: "agent@example.com", BalanceCents: 10_000})
		require.NoError(t, f.srv.MakeReseller("agent@example.com"))
		attach(t, p.Client, "pm_card_visa")
		attach(t, p.Client, "pm_card_mastercard")
		funding, err := fund25(t, p.Client, "pm_card_visa", order)
		require.NoError(t, err)
		bought, err := p.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"})
		require.NoError(t, err)
		sub := bought.Subscription.ID
		require.NoError(t, second(p.Wallet.SetAutoFunding(ctx, modelslab.WalletSetAutoFundingParams{AutoChargeAmount: modelslab.Dollars(10), ChargeThreshold: modelslab.Dollars(5)})))
		link := link25(t, p.Client)
		require.NoError(t, f.srv.CompleteCheckout(link.SessionID))
		image, err := p.Generation.Images.TextToImage(ctx, lighthouse())
		require.NoError(t, err)

		require.NoError(t, admin.Freeze(ctx, "the owner says stop"))
		require.NoError(t, admin.Freeze(ctx, "again"), "which it is already")
		charges, sent := len(f.srv.Charges()), len(f.srv.Requests())
		held, err := p.With(modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(1000), PerGeneration: modelslab.Dollars(1), StandingOrders: modelslab.StandingOrders{PerCharge: modelslab.Dollars(100), PerWindow: modelslab.Dollars(500)}}))
		require.NoError(t, err)
		for name, c := range map[string]*modelslab.Client{"": p.Client, ", with a policy": held} {
			for call, err := range map[string]error{
				"fund":             pays(ctx, c, 10, "pm_card_visa"),
				"fund by hand":     c.Call(ctx, "POST", "/wallet/fund", map[string]any{"amount": 25, "payment_method_id": "pm_card_visa"}, nil),
				"fund by a page":   second(c.Wallet.FundCheckout(ctx, modelslab.WalletFundCheckoutParams{Amount: modelslab.Dollars(25)})),
				"link":             second(c.Billing.CreatePaymentLink(ctx, modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)})),
				"withdraw":         second(c.Wallet.Withdraw(ctx, modelslab.WalletWithdrawParams{Amount: modelslab.Dollars(1)})),
				"auto-funding":     second(c.Wallet.SetAutoFunding(ctx, modelslab.WalletSetAutoFundingParams{AutoChargeAmount: modelslab.Dollars(20), ChargeThreshold: modelslab.Dollars(5)})),
				"coupon":           second(c.Wallet.RedeemCoupon(ctx, modelslab.WalletRedeemCouponParams{CouponCode: "BONUS10", PaymentMethodID: "pm_card_visa", PurchaseAmount: modelslab.Dollars(25)})),
				"subscribe":        second(c.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"})),
				"change the plan":  second(c.Subscriptions.ChangePlan(ctx, sub, modelslab.SubscriptionChangePlanParams{NewPlanID: 21})),
				"resume":           second(c.Subscriptions.Resume(ctx, sub)),
				"reset the cycle":  second(c.Subscriptions.ResetCycle(ctx, sub)),
				"charge an amount": second(c.Subscriptions.ChargeAmount(ctx, modelslab.SubscriptionChargeAmountParams{Amount: modelslab.Dollars(5)})),
				"generate":         second(c.Generation.Images.TextToImage(ctx, lighthouse())),
				"unlisted":         c.Call(ctx, "POST", "/wallet/something-new", map[string]any{"amount": 25}, nil, modelslab.WithMaxCharge(modelslab.Dollars(25))),
			} {
				require.Error(t, err, call+name)
				wasFrozen(t, err)
			}
		}
		for _, r := range f.srv.Requests()[sent:] {
			assert.Equal(t, http.MethodGet, r.Method, "%s was sent", r.Path)
		}

		for call, err := range map[string]error{
			"the record of a payment": pays(ctx, p.Client, 25, "pm_card_visa", order),
			"balance":                 second(p.Wallet.Balance(ctx)),
			"transactions":            second(p.Wallet.Transactions(ctx, modelslab.TransactionsParams{})),
			"payment status":          second(p.Wallet.PaymentStatus(ctx, funding.PaymentIntentID)),
			"invoices":                second(p.Billing.Invoices(ctx)),
			"plans":                   second(p.Subscriptions.Plans(ctx)),
			"subscriptions":           second(p.Subscriptions.List(ctx)),
			"fetch":                   second(p.Generation.Fetch(ctx, image)),
			"confirm":                 second(p.Wallet.ConfirmCheckout(ctx, link.SessionID)),
			"end auto-funding":        p.Wallet.DisableAutoFunding(ctx),
			"pause":                   second(p.Subscriptions.Pause(ctx, sub)),
			"take a card away":        p.Billing.DeletePaymentMethod(ctx, "pm_card_mastercard"),
			"pending":                 second(p.Pending(ctx)),
			"reconcile":               second(p.Reconcile(ctx, time.Now().Add(-time.Hour))),
		} {
			assert.NoError(t, err, call)
		}
		assert.Len(t, f.srv.Charges(), charges)
		assert.Empty(t, f.pending(t), "the link is settled too")

		require.NoError(t, admin.Unfreeze(ctx))
		require.NoError(t, pays(ctx, p.Client, 10, "pm_card_visa"))
		assert.Len(t, f.srv.Charges(), charges+1)
	})
}

func TestScenario12AFreezeThatCannotBeReadIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		p := f.process(t)
		p.before = func(_, key string) error {
			if strings.HasSuffix(key, "frozen") {
				return errors.New("no such disk")
			}
			return nil
		}
		for range 2 {
			err := pays(t.Context(), p.Client, 25, "pm_card_visa", order)
			require.ErrorIs(t, err, modelslab.ErrFrozen)
			assert.Contains(t, err.Error(), "no such disk")
		}
		assert.Zero(t, f.posts())
		p.before = nil
		require.NoError(t, pays(t.Context(), p.Client, 25, "pm_card_visa", order))
		f.even(t, 1)
	})
}

// mishaps are all that can go wrong with a request and its answer. A server that works
// and says no is not among them: against a lie nothing helps.
func mishaps() map[string]sandbox.Fault {
	all := map[string]sandbox.Fault{
		"429":          {Kind: sandbox.Fault429},
		"drop, before": {Kind: sandbox.FaultDropBefore},
		"drop, after":  {Kind: sandbox.FaultDropAfter},
		"cut":          {Kind: sandbox.FaultCutBody},
	}
	for _, worked := range []bool{false, true} {
		when := map[bool]string{false: ", before", true: ", after"}[worked]
		for name, fault := range map[string]sandbox.Fault{
			"too late": {Kind: sandbox.FaultLatency, Delay: 90 * time.Second},
			"500":      {Kind: sandbox.Fault500},
			"502":      {Kind: sandbox.Fault502},
			"503":      {Kind: sandbox.Fault503, RetryAfter: 3 * time.Second},
			"page":     {Kind: sandbox.FaultHTML},
			"empty":    {Kind: sandbox.FaultEmpty},
			"redirect": {Kind: sandbox.FaultRedirect},
			"echo":     {Kind: sandbox.FaultEcho},
		} {
			fault.AfterWork = worked
			all[name+when] = fault
		}
		for name, body := range map[string]string{
			"408": `{"message":"Request timeout."}`,
			"409": `{"error":{"code":"conflict","message":"Try again."}}`,
			"202": `{"data":{"status":"accepted"}}`,
			"200": `{"data":{"payment":{"status":"processing"}}}`,
		} {
			var status int
			_, _ = fmt.Sscan(name, &status)
			all["says "+name+when] = sandbox.Fault{Kind: sandbox.FaultAnswer, AfterWork: worked, Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body)}
		}
	}
	return all
}

func TestScenario13EveryModeAndEveryMishap(t *testing.T) {
	all := mishaps()
	for m, mode := range slices.Concat(sandbox.Modes(), sandbox.UnsafeModes()) {
		t.Run(mode.Name, func(t *testing.T) {
			t.Parallel()
			for n, name := range slices.Sorted(maps.Keys(all)) {
				fault, w := all[name], works()[0]
				fault.Endpoint = "wallet.fund"
				if (m+n)%3 == 0 {
					fault.Endpoint, w = "subscriptions.create", works()[4]
				}
				if (m+n)%2 == 0 {
					fault.Times = -1
				}
				t.Run(fmt.Sprintf("%s, %s, %d times", w.name, name, fault.Times), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						f := newFleet(t, mode.Options...)
						f.srv.Inject(fault)
						w.mishandled(t, f, mode)
					})
				})
			}
		})
	}
}

// mishandled pays where something goes wrong, and again once it goes well.
func (w work) mishandled(t *testing.T, f *fleet, mode sandbox.Mode) {
	t.Helper()
	err := w.pay(t.Context(), f.process(t).Client)
	elapse(2 * time.Minute) // what the server was still at
	charges := len(f.srv.Charges())
	switch {
	case err == nil:
		assert.NotZero(t, charges, "never succeeded without a charge")
	case errors.Is(err, modelslab.ErrOutcomeUnknown):
	default:
		assert.Zero(t, charges, "never failed with a charge: %v", err)
	}
	f.srv.ClearFaults()
	next := f.watch(t)
	if !slices.ContainsFunc(sandbox.Modes(), func(m sandbox.Mode) bool { return m.Name == mode.Name }) {
		f.settle(t, next) // a repeat may have paid twice, and that is found
		if w.name == "fund" && len(f.pending(t)) == 0 {
			r, err := next.Reconcile(t.Context(), time.Now().Add(-time.Hour))
			require.NoError(t, err)
			assert.Len(t, f.srv.Charges(), len(r.Matched)+len(r.Unclaimed))
			assert.LessOrEqual(t, len(r.Matched), 1)
		}
		return
	}
	assert.LessOrEqual(t, charges, 1, "never two")
	f.settle(t, next)
	if len(f.pending(t)) > 0 { // the server keeps its 5xx, or says 409 for ever
		assert.True(t, mode.Idempotency.Cache5xx || !mode.Settles)
		elapse(10 * time.Minute)
		f.settle(t, next)
		require.Len(t, f.pending(t), 1)
		assert.Equal(t, "stranded", f.pending(t)[0].State)
		require.Empty(t, f.srv.Charges(), "what was charged can be read")
		require.NoError(t, next.Resolve(t.Context(), f.pending(t)[0], modelslab.NotPaid, "nothing in the statement"))
	}
	if err := w.pay(t.Context(), next.Client); err != nil {
		unknownIn(t, mode, err)
		f.settle(t, next)
	}
	f.times(t, 1)
	if w.name == "fund" { // what a plan costs is not asked for without a policy
		assert.Equal(t, modelslab.Dollars(25), f.used(t, ""))
	}
}

// Money that came in another way proves no payment.
func TestScenario13ACreditThatIsNoPaymentProvesNone(t *testing.T) {
	stranger := func(t *testing.T, f *fleet) *modelslab.Client { // to the store
		t.Helper()
		c, err := modelslab.New(f.srv.Account(sandbox.AccountParams{Email: "agent@example.com"}).ClientOptions()...)
		require.NoError(t, err)
		return c
	}
	for name, credit := range map[string]func(t *testing.T, f *fleet){
		"a coupon": func(t *testing.T, f *fleet) {
			require.NoError(t, second(stranger(t, f).Wallet.RedeemCoupon(t.Context(), modelslab.WalletRedeemCouponParams{CouponCode: "TWENTYFIVE"})))
		},
		"auto-funding": func(t *testing.T, f *fleet) {
			c := stranger(t, f)
			attach(t, c, "pm_card_mastercard")
			require.NoError(t, second(c.Wallet.SetAutoFunding(t.Context(), modelslab.WalletSetAutoFundingParams{AutoChargeAmount: modelslab.Dollars(25), ChargeThreshold: modelslab.Dollars(5)})))
		},
		"a balance from elsewhere": func(_ *testing.T, f *fleet) {
			f.srv.Account(sandbox.AccountParams{Email: "agent@example.com", BalanceCents: 2500})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, sandbox.WithCoupon(sandbox.Coupon{Code: "TWENTYFIVE", Cents: 2500}))
				p := f.process(t)
				f.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore, Times: 3})
				wasUnknown(t, pays(t.Context(), p.Client, 25, "pm_card_visa", order))
				credit(t, f)
				before := len(f.srv.Charges())
				elapse(time.Hour)
				s, err := p.Settle(t.Context(), f.pending(t)[0])
				require.NoError(t, err)
				assert.NotEqual(t, modelslab.Done, s.Status, "it was not paid")
				assert.Len(t, f.srv.Charges(), before)
			})
		})
	}
}

func wrong(by time.Duration) modelslab.Option {
	return modelslab.WithWallClock(func() time.Time { return time.Now().Add(by) })
}

// named is the name of a payment.
func named(name string) modelslab.RequestOption { return modelslab.WithOperation(name) }

var jumps = []time.Duration{-48 * time.Hour, -11 * time.Minute, 0, 11 * time.Minute, 48 * time.Hour}

func TestScenario14AWindowIsNotExceededWhateverTheClocksSay(t *testing.T) {
	for name, budget := range map[string]string{"of the account": "", "of a budget": "agents"} {
		window := modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: budget, PerWindow: modelslab.Dollars(50), Window: 24 * time.Hour})
		for _, writer := range []time.Duration{-48 * time.Hour, 0, 48 * time.Hour} {
			for _, reader := range []time.Duration{-48 * time.Hour, 0, 48 * time.Hour} {
				t.Run(fmt.Sprintf("%s, written at %s, read at %s", name, writer, reader), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						f := newFleet(t)
						f.opts = []modelslab.Option{window}
						a, b, c := f.process(t, wrong(writer)), f.process(t, wrong(reader)), f.process(t)
						require.NoError(t, pays(t.Context(), a.Client, 25, "pm_card_visa", named("1")))
						elapse(time.Hour)
						require.NoError(t, pays(t.Context(), a.Client, 25, "pm_card_visa", named("2")))
						elapse(time.Hour)
						for _, p := range []*process{b, a, c, f.process(t, wrong(reader))} {
							require.Error(t, pays(t.Context(), p.Client, 10, "pm_card_visa", named("3")))
						}
						assert.Equal(t, 2, f.posts())
						elapse(21 * time.Hour)
						for _, p := range []*process{b, a, c} {
							require.Error(t, pays(t.Context(), p.Client, 10, "pm_card_visa", named("3")))
						}
						assert.Equal(t, 2, f.posts())
						elapse(time.Hour + time.Minute)
						if writer == 0 {
							require.NoError(t, pays(t.Context(), c.Client, 25, "pm_card_visa", named("4")), "the first one has left the window")
							require.Error(t, pays(t.Context(), c.Client, 10, "pm_card_visa", named("5")), "and the second one has not")
						}
					})
				})
			}
		}
	}
	t.Run("a machine that starts with a clock that is ahead", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			// Seen from that machine, the server and all others are two days behind.
			behind := func() time.Time { return time.Now().Add(-48 * time.Hour) }
			f := newFleet(t, sandbox.WithClock(behind))
			f.opts = []modelslab.Option{modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerWindow: modelslab.Dollars(50), Window: 24 * time.Hour})}
			id := fmt.Sprint(f.srv.Account(sandbox.AccountParams{Email: "agent@example.com"}).ID)
			a := f.process(t, modelslab.WithWallClock(behind))
			require.NoError(t, pays(t.Context(), a.Client, 50, "pm_card_visa"))
			require.Error(t, pays(t.Context(), a.Client, 10, "pm_card_visa"))
			ahead := f.process(t, modelslab.WithAccount(id)) // which has not heard anything of the server's time
			require.Error(t, pays(t.Context(), ahead.Client, 10, "pm_card_visa"))
			assert.Equal(t, 1, f.posts())
		})
	})
	for _, by := range jumps {
		t.Run(fmt.Sprintf("the store has a clock, and all others are wrong by %s", by), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, sandbox.WithClock(func() time.Time { return time.Now().Add(-by) }))
				f.store = &clocked{f.store}
				f.opts = []modelslab.Option{modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", PerWindow: modelslab.Dollars(50), Window: 24 * time.Hour})}
				a, b := f.process(t, wrong(by)), f.process(t, wrong(-by))
				require.NoError(t, pays(t.Context(), a.Client, 25, "pm_card_visa"))
				require.NoError(t, pays(t.Context(), b.Client, 25, "pm_card_visa"))
				elapse(23 * time.Hour)
				require.ErrorIs(t, pays(t.Context(), a.Client, 10, "pm_card_visa"), modelslab.ErrSpendLimit)
				require.ErrorIs(t, pays(t.Context(), b.Client, 10, "pm_card_visa"), modelslab.ErrSpendLimit)
				elapse(time.Hour)
				require.NoError(t, pays(t.Context(), a.Client, 25, "pm_card_visa"))
				require.NoError(t, pays(t.Context(), b.Client, 25, "pm_card_visa"))
				assert.Len(t, f.srv.Charges(), 4)
			})
		})
	}
}

// clocked is a store with a clock that is right.
type clocked struct{ modelslab.Store }

func (*clocked) Now(context.Context) (time.Time, error) { return time.Now(), nil }

func TestScenario14NoOldKeyIsYoungAgain(t *testing.T) {
	for _, age := range []time.Duration{12 * time.Minute, 48*time.Hour + 5*time.Minute} {
		for _, writer := range jumps {
			for _, reader := range jumps {
				t.Run(fmt.Sprintf("%s old, sent at %s, asked at %s", age, writer, reader), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						f := newFleet(t, sandbox.UnsafeModes()[2].Options...)
						a, b := f.process(t, wrong(writer)), f.process(t, wrong(reader))
						f.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.Fault502, Times: 3})
						start := time.Now()
						require.Error(t, pays(t.Context(), a.Client, 25, "pm_card_visa", order))
						posts := f.posts()
						require.Positive(t, posts)
						elapse(age - time.Since(start))
						for _, p := range []*process{b, a, f.process(t, wrong(reader))} {
							require.ErrorIs(t, pays(t.Context(), p.Client, 25, "pm_card_visa", order), modelslab.ErrOutcomeUnknown)
							s, err := p.Settle(t.Context(), f.pending(t)[0])
							require.NoError(t, err)
							assert.Equal(t, modelslab.Unknown, s.Status)
						}
						assert.Equal(t, posts, f.posts())
						assert.Equal(t, modelslab.Dollars(25), f.used(t, ""))
					})
				})
			}
		}
	}
	t.Run("a young one is asked with", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t)
			f.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.Fault502, Times: 3})
			require.Error(t, pays(t.Context(), f.process(t).Client, 25, "pm_card_visa", order))
			elapse(9 * time.Minute)
			require.NoError(t, pays(t.Context(), f.process(t).Client, 25, "pm_card_visa", order))
			f.even(t, 1)
		})
	})
}

func (f *fleet) snapshot(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for key, err := range f.store.List(t.Context(), "") {
		require.NoError(t, err)
		value, err := f.store.Get(t.Context(), key)
		require.NoError(t, err)
		all[key] = value
	}
	return all
}

func (f *fleet) restore(t testing.TB, old map[string][]byte) {
	t.Helper()
	now := f.snapshot(t)
	for key := range now {
		if _, known := old[key]; !known {
			old[key] = nil
		}
	}
	for key, value := range old {
		ok, err := f.store.Swap(t.Context(), key, now[key], value, 0)
		require.NoError(t, err)
		require.True(t, ok)
	}
}

func TestScenario14AStoreThatIsRestoredFromBeforeTheCharge(t *testing.T) {
	t.Run("from before all of it", func(t *testing.T) {
		inAllModes(t, func(t *testing.T, mode sandbox.Mode) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, mode.Options...)
				p := f.process(t)
				require.Error(t, pays(t.Context(), p.Client, 10, "pm_card_chargeDeclined"))
				old := f.snapshot(t)
				unknownIn(t, mode, pays(t.Context(), p.Client, 25, "pm_card_visa", order))
				f.settle(t, p)
				f.even(t, 1)
				f.restore(t, old)

				next, posts := f.process(t), f.posts()
				found, err := next.Reconcile(t.Context(), time.Now().Add(-time.Hour))
				require.NoError(t, err)
				require.Len(t, found.Unclaimed, 1, "the charge is found")
				assert.Empty(t, found.Matched)
				tx := found.Unclaimed[0]
				assert.Equal(t, f.srv.Charges()[0].PaymentIntentID, tx.TransactionID)
				require.NoError(t, next.Resolve(t.Context(), modelslab.PendingOperation{
					Operation: "order-1041", Endpoint: "wallet.fund", Amount: tx.Amount, PaymentIntentID: tx.TransactionID,
				}, modelslab.Paid, "restored"))
				for _, c := range []*process{next, p, f.process(t)} {
					require.NoError(t, pays(t.Context(), c.Client, 25, "pm_card_visa", order))
				}
				assert.Equal(t, posts, f.posts(), "and not sent again")
				f.even(t, 1)
			})
		})
	})
	t.Run("from when it was on its way", func(t *testing.T) {
		inAllModes(t, func(t *testing.T, mode sandbox.Mode) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, mode.Options...)
				p := f.process(t)
				var old map[string][]byte
				p.sends = func(r *http.Request) {
					if r.Method == http.MethodPost {
						old = f.snapshot(t)
					}
				}
				unknownIn(t, mode, pays(t.Context(), p.Client, 25, "pm_card_visa", order))
				f.restore(t, old)
				posts := f.posts()
				assert.Equal(t, modelslab.Dollars(25), f.used(t, ""))
				elapse(shift)
				next := f.process(t)
				f.settle(t, next)
				for _, c := range []*process{next, p} {
					require.NoError(t, pays(t.Context(), c.Client, 25, "pm_card_visa", order))
				}
				assert.Equal(t, posts, f.posts())
				f.even(t, 1)
			})
		})
	})
}

// forgetful is a store that confirms its nth write and loses it.
type forgetful struct {
	modelslab.Store
	left *atomic.Int32
	lost func()
}

func (s *forgetful) Swap(ctx context.Context, key string, older, newer []byte, ttl time.Duration) (bool, error) {
	ok, err := s.Store.Swap(ctx, key, older, newer, ttl)
	if ok && s.left.Add(-1) == 0 {
		if back, err := s.Store.Swap(ctx, key, newer, older, ttl); !back || err != nil {
			return false, errors.New("it cannot be lost")
		}
		s.lost()
	}
	return ok, err
}

func TestScenario14AStoreThatLosesItsLastWrite(t *testing.T) {
	for how, killed := range map[string]bool{"and the process goes on": false, "and the process is killed": true} {
		t.Run(how, func(t *testing.T) {
			inModes(t, telling(), func(t *testing.T, mode sandbox.Mode) {
				lost := true
				for nth := int32(1); lost && !t.Failed(); nth++ {
					synctest.Test(t, func(t *testing.T) {
						f := newFleet(t, mode.Options...)
						whole := f.store
						var left atomic.Int32
						left.Store(nth)
						lost = false
						var p *process
						f.store = &forgetful{whole, &left, func() {
							lost = true
							p.dead.Store(killed)
						}}
						limit := modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", PerWindow: modelslab.Dollars(50), Window: 24 * time.Hour})
						p = f.process(t, limit)
						_ = pays(t.Context(), p.Client, 25, "pm_card_visa", order)
						f.store = whole
						r, err := f.watch(t).Reconcile(t.Context(), time.Now().Add(-time.Hour))
						require.NoError(t, err)
						assert.GreaterOrEqual(t, len(r.Matched)+len(r.Unclaimed), len(f.srv.Charges()), "whatever the journal has lost is found")
						elapse(shift)

						next := f.process(t, limit)
						f.settle(t, next)
						if err := pays(t.Context(), next.Client, 25, "pm_card_visa", order); err != nil {
							unknownIn(t, mode, err)
							f.settle(t, next)
						}
						assert.Len(t, f.srv.Charges(), 1)
						assert.Len(t, f.ledger(t), 1)
						assert.Empty(t, f.pending(t))
						unknownIn(t, mode, pays(t.Context(), next.Client, 25, "pm_card_visa", named("order-1042")))
						f.settle(t, next)
						require.ErrorIs(t, pays(t.Context(), next.Client, 10, "pm_card_visa", named("order-1043")), modelslab.ErrSpendLimit)
						assert.Len(t, f.srv.Charges(), 2)
					})
				}
			})
		})
	}
}

// nowhere is a network on which nobody is.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.EOF }

// spied is a store of which every value is searched for what must not be in it.
type spied struct {
	modelslab.Store
	t       testing.TB
	mu      *sync.Mutex
	secrets map[string]string // by what they are
	values  *int
}

func (s *spied) Swap(ctx context.Context, key string, older, newer []byte, ttl time.Duration) (bool, error) {
	s.mu.Lock()
	*s.values++
	for what, secret := range s.secrets {
		for _, form := range []string{
			secret, strings.ReplaceAll(secret, "|", `\u007c`), strings.ReplaceAll(secret, "/", `\/`), url.QueryEscape(secret),
			hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		} {
			if at := strings.Index(key+" "+string(newer), form); at >= 0 {
				s.t.Errorf("%s is in %s, at byte %d of it", what, key, at)
				break
			}
		}
	}
	s.mu.Unlock()
	return s.Store.Swap(ctx, key, older, newer, ttl)
}

func TestScenario15NoSecretIsInTheStore(t *testing.T) {
	for name, opts := range map[string][]sandbox.Option{
		"as documented": nil, "402 for 3-D Secure": {sandbox.WithActionRequiredAs402()}, "everything kept": sandbox.Modes()[8].Options,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, append(opts, sandbox.WithWebhookTransport(nowhere{}))...)
				ctx := t.Context()
				account := f.srv.Account(sandbox.AccountParams{Email: "agent@example.com", BalanceCents: 10_000})
				require.NoError(t, f.srv.MakeReseller(account.Email))
				values := 0
				_, bare, _ := strings.Cut(account.AccessToken, "|")
				f.store = &spied{f.store, t, &sync.Mutex{}, map[string]string{
					"the card": cardNumber, "the card's digits": "5555 5555 5555 4444", "the token": account.AccessToken, "the token's secret": bare,
					"the API key": account.APIKey, "the password": account.Password, "a client secret": "_secret_",
					"a header": "header-canary", "the webhook's secret": "webhook-canary",
				}, &values}
				p := f.process(t, modelslab.WithAccessToken(account.AccessToken), modelslab.WithAPIKey(account.APIKey),
					modelslab.WithSpendPolicy(modelslab.SpendPolicy{Budget: "agents", Total: modelslab.Dollars(2000), PerGeneration: modelslab.Dollars(1), StandingOrders: modelslab.StandingOrders{PerCharge: modelslab.Dollars(200), PerWindow: modelslab.Dollars(500)}}))
				pm := tokenize(t, p.Client, cardNumber)
				attach(t, p.Client, pm)
				traced := modelslab.WithHeader("X-Trace", "header-canary")

				_ = pays(ctx, p.Client, 25, pm, named("paid"), traced)
				require.Len(t, f.srv.Charges(), 1)
				require.ErrorIs(t, pays(ctx, p.Client, 25, "pm_card_chargeDeclined", named("declined"), traced), modelslab.ErrPaymentDeclined)
				err := pays(ctx, p.Client, 25, "pm_card_authenticationRequired", named("holder wanted"), traced)
				intent := holderWanted(t, err)
				require.ErrorIs(t, second(p.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_authenticationRequired"}, named("holder wanted for a plan"))), modelslab.ErrRequiresAction)
				require.NoError(t, second(p.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: pm}, named("plan"), traced)))
				require.NoError(t, second(p.Wallet.SetAutoFunding(ctx, modelslab.WalletSetAutoFundingParams{AutoChargeAmount: modelslab.Dollars(20), ChargeThreshold: modelslab.Dollars(5)}, named("auto"))))
				require.NoError(t, second(p.Wallet.RedeemCoupon(ctx, modelslab.WalletRedeemCouponParams{CouponCode: "BONUS10", PaymentMethodID: pm, PurchaseAmount: modelslab.Dollars(25)}, named("coupon"))))
				require.NoError(t, second(p.Wallet.Withdraw(ctx, modelslab.WalletWithdrawParams{Amount: modelslab.Dollars(1)}, named("out"))))
				require.NoError(t, second(p.Billing.CreatePaymentLink(ctx, modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25)}, named("link"))))
				require.NoError(t, second(p.Generation.Images.TextToImage(ctx, lighthouse(), named("image"), traced)))
				f.srv.Inject(sandbox.Fault{Endpoint: "images.text2img", Kind: sandbox.FaultDropAfter})
				webhook := lighthouse()
				webhook.Webhook = "https://agent.example/hook?secret=webhook-canary"
				_ = second(p.Generation.Images.TextToImage(ctx, webhook, named("image with a webhook")))
				require.NoError(t, p.Call(ctx, "POST", "/wallet/fund", map[string]any{"amount": 25, "payment_method_id": pm, "number": "x"}, nil, modelslab.WithMaxCharge(modelslab.Dollars(25))))

				// A server that says it all back, and more.
				said := fmt.Sprintf("Bearer %s key=%s card %s secret pi_1Abc_secret_xyz header-canary", account.AccessToken, account.APIKey, cardNumber)
				for n, hostile := range []sandbox.Fault{
					{Kind: sandbox.FaultEcho},
					{Kind: sandbox.FaultAnswer, Status: 422, Body: []byte(`{"message":"` + said + `","errors":{"amount":["` + said + `"]}}`)},
					{Kind: sandbox.FaultAnswer, Status: 402, Body: []byte(`{"error":{"code":"payment_declined","message":"` + said + `","details":{"decline_code":"` + said + `","payment_intent_id":"pi_1Abc","client_secret":"pi_1Abc_secret_xyz"}}}`)},
					{Kind: sandbox.FaultAnswer, Status: 200, Body: []byte(`{"data":{"payment":{"status":"succeeded","payment_intent_id":"pi_1Abc","client_secret":"pi_1Abc_secret_xyz"},"echo":"` + said + `","message":"` + said + `"}}`)},
					{Kind: sandbox.FaultAnswer, Status: 202, Body: []byte(`{"data":{"payment":{"status":"requires_action","payment_intent_id":"pi_1Abc","client_secret":"pi_1Abc_secret_xyz"},"message":"` + said + `"}}`)},
				} {
					hostile.Endpoint, hostile.Times = "wallet.fund", -1
					hostile.Header = http.Header{"Content-Type": {"application/json"}, "X-Echo": {said}}
					f.srv.Inject(hostile)
					_ = pays(ctx, p.Client, 25, pm, named(fmt.Sprint("hostile ", n)), traced)
					f.srv.ClearFaults()
				}
				require.NoError(t, p.Freeze(ctx, "stop it"))
				require.NoError(t, p.Unfreeze(ctx))
				require.NoError(t, f.srv.CompleteAction(intent))
				elapse(shift)
				open, err := p.Pending(ctx)
				require.NoError(t, err)
				require.NotEmpty(t, open)
				for _, op := range open { // some of them nobody but the hostile server knows of
					_, _ = p.Settle(ctx, op)
				}
				for key, value := range f.snapshot(t) {
					assert.True(t, strings.HasPrefix(key, "mla1/"), key)
					assert.True(t, json.Valid(value) || strings.Contains(key, "/claim/"), key)
				}
				assert.Greater(t, values, 40)
			})
		})
	}
}

func TestScenario15TheWaysAroundAPolicyAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		limit := modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerCall: modelslab.Dollars(20), Total: modelslab.Dollars(50)})
		p := f.process(t, limit)
		attach(t, p.Client, "pm_card_visa")
		ctx := t.Context()
		wide, err := p.With(modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerCall: modelslab.Dollars(1000)}))
		require.NoError(t, err)
		byHand := func(path, body string, opts ...modelslab.RequestOption) error {
			return p.Call(ctx, "POST", path, json.RawMessage(body), nil, opts...)
		}
		hundred := modelslab.WalletFundParams{Amount: modelslab.Dollars(100), PaymentMethodID: "pm_card_visa"}
		ten := modelslab.WalletFundParams{Amount: modelslab.Dollars(10), PaymentMethodID: "pm_card_visa"}
		fundWith := func(opts ...modelslab.RequestOption) error { return second(p.Wallet.Fund(ctx, ten, opts...)) }
		requests := len(f.srv.Requests())
		for way, tt := range map[string]struct {
			err   error
			names string // what the refusal names
		}{
			"too much":                          {second(p.Wallet.Fund(ctx, hundred)), "$20"},
			"a wider policy beside it":          {second(wide.Wallet.Fund(ctx, hundred)), "$20"},
			"more than WithMaxCharge says":      {second(p.Wallet.Fund(ctx, ten, modelslab.WithMaxCharge(modelslab.Dollars(5)))), "$5"},
			"by hand":                           {byHand("/wallet/fund", `{"amount":100,"payment_method_id":"pm_card_visa"}`), "$20"},
			"by hand, as text":                  {byHand("/wallet/fund", `{"amount":"100.00","payment_method_id":"pm_card_visa"}`), "$20"},
			"by hand, with an exponent":         {byHand("/wallet/fund", `{"amount":1e2,"payment_method_id":"pm_card_visa"}`), ""},
			"by hand, twice, the first one low": {byHand("/wallet/fund", `{"amount":10,"payment_method_id":"pm_card_visa","amount":100}`), ""},
			"by hand, twice, the last one low":  {byHand("/wallet/fund", `{"amount":100,"payment_method_id":"pm_card_visa","amount":10}`), ""},
			"by hand, escaped":                  {byHand("/wallet/fund", `{"amount":10,"payment_method_id":"pm_card_visa","\u0061mount":100}`), ""},
			"by hand, no amount":                {byHand("/wallet/fund", `{"payment_method_id":"pm_card_visa"}`), "WithMaxCharge"},
			"by hand, no number":                {byHand("/wallet/fund", `{"amount":[10],"payment_method_id":"pm_card_visa"}`), "WithMaxCharge"},
			"a path that nobody knows":          {byHand("/wallet/fund-fast", `{"amount":10}`), "WithMaxCharge"},
			"another version's path":            {p.Call(ctx, "POST", "/../v1/wallet/fund", ten, nil), "path"},
			"a path with a slash too many":      {p.Call(ctx, "POST", "//wallet/fund", ten, nil), "path"},
			"a path that is escaped":            {p.Call(ctx, "POST", "/wallet/%66und", ten, nil), "path"},
			"another method in the body":        {byHand("/wallet/fund", `{"amount":10,"payment_method_id":"pm_card_visa","_method":"PUT"}`), "_method"},
			"a field of the body":               {fundWith(modelslab.WithBodyField("amount", 100)), "amount"},
			"a field that nobody knows":         {fundWith(modelslab.WithBodyField("amount_override", 100)), "amount_override"},
			"another method in a header":        {fundWith(modelslab.WithHeader("X-HTTP-Method-Override", "PUT")), "X-Http-Method-Override"},
			"another token":                     {fundWith(modelslab.WithHeader("Authorization", "Bearer x")), "Authorization"},
			"another key":                       {fundWith(modelslab.WithHeader("Idempotency-Key", "x")), "Idempotency-Key"},
			"another host":                      {fundWith(modelslab.WithHeader("Host", "elsewhere.example")), "Host"},
			"a generation":                      {second(p.Generation.Images.TextToImage(ctx, lighthouse())), "PerGeneration"},
			"a generation by hand":              {p.Generation.Call(ctx, "POST", "/api/v6/images/text2img", lighthouse(), nil), "PerGeneration"},
			"a wallet by the other road":        {p.Generation.Call(ctx, "POST", "/api/agents/v1/wallet/fund", hundred, nil), ""},
			"a standing order":                  {second(p.Wallet.SetAutoFunding(ctx, modelslab.WalletSetAutoFundingParams{AutoChargeAmount: modelslab.Dollars(10), ChargeThreshold: modelslab.Dollars(5)})), "StandingOrders"},
			"a plan":                            {second(p.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"})), "StandingOrders"},
			"a plan by a page":                  {second(p.Subscriptions.CreateCheckout(ctx, modelslab.SubscriptionCheckoutParams{PlanID: 20})), "StandingOrders"},
			"a link":                            {second(p.Billing.CreatePaymentLink(ctx, modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(100)})), "$20"},
			"an amount beside":                  {second(p.Subscriptions.ChargeAmount(ctx, modelslab.SubscriptionChargeAmountParams{Amount: modelslab.Dollars(100)})), "$20"},
			"a purchase with a coupon":          {second(p.Wallet.RedeemCoupon(ctx, modelslab.WalletRedeemCouponParams{CouponCode: "BONUS10", PaymentMethodID: "pm_card_visa", PurchaseAmount: modelslab.Dollars(100)})), "$20"},
		} {
			if !assert.Error(t, tt.err, way) {
				continue
			}
			assert.Contains(t, tt.err.Error(), tt.names, way)
			assert.NotErrorIs(t, tt.err, modelslab.ErrOutcomeUnknown, way)
			assert.NotContains(t, tt.err.Error(), "\n", way)
		}
		for _, r := range f.srv.Requests()[requests:] {
			assert.Equal(t, http.MethodGet, r.Method, "%s was sent: %s", r.Path, r.Body)
		}
		assert.Empty(t, f.srv.Charges())
		require.NoError(t, fundWith(), "what is allowed works")
		f.even(t, 1)
	})
}
