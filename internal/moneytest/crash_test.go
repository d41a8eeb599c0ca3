package moneytest

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/internal/points"
	"github.com/modelslab/modelslab-agents-go/sandbox"
	"github.com/modelslab/modelslab-agents-go/store/redis/redistest"
)

// Of processes that are killed in the middle of their payments, at each labelled point of
// the road and at random times, and of those that come after them.

// crashTally counts what has happened to the processes.
type crashTally struct {
	mu     sync.Mutex
	killed map[string]int // at which point; "": at a random time
	spared int            // had done their work by then
	worlds int
	calm   calm
}

// calm is what a process does that nobody kills.
type calm struct {
	passed map[string]int64
	takes  time.Duration
}

func (c *crashTally) count(point string, killed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if killed {
		c.killed[point]++
	} else {
		c.spared++
	}
}

func TestCrash(t *testing.T) {
	seed := drawn(t)
	begun := time.Now()
	for _, on := range []string{onBolt, onRedis} {
		t.Run(on[:len(on)-1], func(t *testing.T) {
			tally := &crashTally{killed: map[string]int{}}
			addr := ""
			if on == onRedis {
				addr = redistest.Start(t).Addr
			}
			at := func(t *testing.T, i int) string {
				if on == onRedis {
					return fmt.Sprintf("%s%s/crash%d:", onRedis, addr, i)
				}
				return onBolt + filepath.Join(t.TempDir(), "store")
			}
			tally.survives(t, at(t, -1), die(seed, 0))
			aims := append(points.All(), make([]string, 10)...)
			for i := len(aims); i < *crashes; i++ {
				aims = append(aims, pick(die(seed, -i), append(points.All(), make([]string, len(points.All()))...)...))
			}
			t.Run("killed", func(t *testing.T) {
				for i, aim := range aims {
					name := aim
					if aim == "" {
						name = "at random"
					}
					t.Run(fmt.Sprintf("%03d %s", i+1, name), func(t *testing.T) {
						t.Parallel()
						tally.crash(t, at(t, i), aim, die(seed, i+1))
					})
				}
			})
			if *crashes > 0 {
				t.Run("waiting", func(t *testing.T) {
					for i, point := range points.All() {
						t.Run(point, func(t *testing.T) {
							t.Parallel()
							tally.waits(t, at(t, -2-i), point, die(seed, -1000-i))
						})
					}
				})
			}
			total := 0
			for _, n := range tally.killed {
				total += n
			}
			if tally.worlds == len(aims) { // and not some of them that were chosen
				assert.GreaterOrEqual(t, total, len(aims)*8/10)
				for _, point := range points.All() {
					assert.NotZero(t, tally.killed[point], "nobody was killed at %q", point)
				}
			}
			t.Logf("%d processes were killed %v, %d had done their work before, %v", total, tally.killed, tally.spared, time.Since(begun).Round(time.Second))
		})
	}
}

// crashWorld draws a server and the work.
func crashWorld(t *testing.T, store string, r *rand.Rand, mode sandbox.Mode) *world {
	w := &world{store: store, eager: r.IntN(2) == 0}
	var more []sandbox.Option
	if r.IntN(3) == 0 {
		more = pick(r, sandbox.Shapes()...).Options
	}
	p := &place{}
	w.addPlace(t, p, mode, more...)
	w.addSite(p)

	w.add(t, op{Kind: funds, Cents: 25_00}, good)
	w.add(t, op{Kind: funds, Cents: 12_34}, declines)
	w.add(t, op{Kind: funds, Cents: 25_00}, good)
	w.add(t, op{Kind: funds, Cents: 30_00, Human: agrees}, asks)
	w.add(t, op{Kind: links, Cents: 51_01, Human: agrees})
	w.add(t, op{Kind: funds, Cents: 25_00}, declines, good)
	w.add(t, op{Kind: links, Cents: 51_02, Human: leaves})
	w.add(t, op{Kind: funds, Cents: 10_07}, good).Name = ""
	w.add(t, op{Kind: generates, Cents: 2})
	w.add(t, op{Kind: funds, Cents: 30_00, Human: refuses}, asks)
	w.add(t, op{Kind: subscribe, Cents: standardPrice}, good)
	w.add(t, op{Kind: funds, Cents: 25_00, Anew: true}, declines)
	w.add(t, op{Kind: generates, Cents: 2})
	w.add(t, op{Kind: funds, Cents: 25_00, Human: leaves}, asks)
	w.add(t, op{Kind: funds, Cents: 19_99}, good)
	const slack = 5_00
	most, back := int64(slack), int64(0)
	for i := range w.ops {
		o := &w.ops[i]
		most += o.Cents
		if o.Declines || o.Human == refuses {
			back += o.Cents
		}
	}
	w.add(t, op{Kind: funds, Cents: slack + back + 10_00, Never: true}, good)

	limits := []limit{{Budget: "agents", Total: most}, {Total: most}, {Budget: "agents", PerWindow: most, Window: 90 * 24 * time.Hour}}
	r.Shuffle(len(limits), func(i, k int) { limits[i], limits[k] = limits[k], limits[i] })
	limits = limits[:1+r.IntN(2)]
	named := false
	for i := range limits {
		limits[i].PerGeneration, limits[i].StandingOrders = 2, standardPrice
		named = named || limits[i].Budget != ""
	}
	if !named {
		limits[0].Budget = pick(r, "", "agents")
	}
	w.sites[0].Limits = limits
	for range 2 + r.IntN(3) {
		p.srv.Inject(p.fault(r, pick(r, "wallet.fund", "wallet.fund", "billing.payment_link", "subscriptions.create", "images.text2img", ""), false))
	}
	if r.IntN(2) == 0 { // so that the server is at work when a process dies
		p.srv.Inject(sandbox.Fault{Kind: sandbox.FaultLatency, Delay: 2 * time.Millisecond, Times: -1, AfterWork: r.IntN(2) == 0})
	}
	return w
}

// crashJob draws how a process works.
func crashJob(r *rand.Rand, w *world) job {
	return job{
		Ops: w.ops[:len(w.ops)-1], Hands: 1, Passes: 2, Settles: r.IntN(2) == 0,
		KeyLifetime: 24 * time.Hour, Attempts: 1 + r.IntN(3), Patience: time.Second,
	}
}

// survives carries the work out without a crash, to know what there is to interrupt.
func (c *crashTally) survives(t *testing.T, store string, r *rand.Rand) {
	w := crashWorld(t, store, r, sandbox.Modes()[0])
	w.places[0].srv.ClearFaults()
	w.sites[0].Limits[0].Budget = "agents"
	w.places[0].srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter, Times: 2})
	j := crashJob(r, w)
	j.Attempts = 3
	p := start(t, w.jobFor(j), w.hear)
	<-p.ready
	begun := time.Now()
	p.wait(t, time.Minute)
	c.calm = calm{p.ended.Passed, time.Since(begun)}
	for point, n := range p.ended.Passed {
		require.NotZero(t, n, "nobody came to %q", point)
	}
	w.ends(t, j)
}

// crash kills one process or more, and lets others do the work again.
func (c *crashTally) crash(t *testing.T, store, aim string, r *rand.Rand) {
	c.mu.Lock()
	c.worlds++
	c.mu.Unlock()
	mode := pick(r, sandbox.Modes()...)
	w := crashWorld(t, store, r, mode)
	if aim == points.Held {
		w.sites[0].Limits[0].Budget = "agents"
	}
	j := crashJob(r, w)
	if aim == points.Repeating {
		w.places[0].srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter, Times: 2})
		j.Attempts = 3
	}
	calm := c.calm
	for n := range 1 + r.IntN(2) {
		next := j
		if aim != "" {
			next.DiesAt, next.Nth = aim, 1+r.Int64N(max(1, calm.passed[aim]/2))
		}
		if n > 0 {
			aim = ""
			next.DiesAt = ""
		}
		if r.IntN(3) == 0 {
			next.Hands, next.Seed = 3, r.Uint64()
		}
		told, left := make(chan struct{}), r.IntN(len(next.Ops))
		p := start(t, w.jobFor(next), func(r report) {
			if w.hear(r); left == 0 {
				close(told)
			}
			left--
		})
		if aim == "" {
			// At a random time of a random one of its operations.
			select {
			case <-told:
				wait := time.Duration(r.Int64N(int64(calm.takes) * 2 / int64(len(next.Ops))))
				select {
				case <-time.After(wait):
				case <-p.done:
				}
			case <-p.done:
			}
			p.kill()
		}
		p.wait(t, time.Minute)
		c.count(aim, p.killed)
		w.evidence().always(t)
		if r.IntN(2) == 0 {
			w.oblige()
		}
		if on, waits := strings.HasPrefix(store, onRedis), r.IntN(4) > 0; on && waits {
			w.later(leaseTime)
		}
	}
	w.ends(t, j)
}

// waits kills a process, and lets others do the work again by nothing but the clock of the
// store: what a dead process was at is free to others when its lease has ended.
func (c *crashTally) waits(t *testing.T, store, aim string, r *rand.Rand) {
	w := crashWorld(t, store, r, sandbox.Modes()[0])
	w.sites[0].Limits[0].Budget = "agents"
	w.places[0].srv.ClearFaults()
	w.places[0].srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter, Times: 2})
	j := crashJob(r, w)
	j.Attempts = 3
	next := j
	next.DiesAt, next.Nth = aim, 1+r.Int64N(max(1, c.calm.passed[aim]/2))
	p := start(t, w.jobFor(next), w.hear)
	p.wait(t, time.Minute)
	require.True(t, p.killed)
	w.evidence().always(t)
	w.places[0].srv.ClearFaults()
	begun := time.Now()
	for again := true; again; {
		said := len(w.heard())
		j.Settles, j.Passes = true, 3
		w.works(t, w.jobFor(j))
		w.oblige()
		again = false
		for _, r := range w.heard()[said:] {
			again = again || r.Outcome == busy || r.Outcome == unknown && strings.Contains(r.Error, "on its way in another process")
		}
		if again {
			require.Less(t, time.Since(begun), leaseTime, "the lease does not end")
			<-time.After(5 * time.Second)
		}
	}
	t.Logf("done after %v", time.Since(begun).Round(time.Second))
	w.settles(t, j)
	w.evidence().finished(t, w.jobFor(j))
}

// ends does the work again until all of it is done, and checks everything.
func (w *world) ends(t *testing.T, j job) {
	for _, p := range w.places {
		p.srv.ClearFaults()
	}
	alone := strings.HasPrefix(w.store, onBolt) // nobody can be at anything: there is nothing to wait for
	for i := range 3 {
		if !alone {
			w.later(leaseTime)
		}
		next := j
		if i > 0 { // what is beyond the limits, once all that is within them is paid or held
			next.Ops = w.ops
		}
		next.Settles, next.Passes, next.Hands, next.DiesAt = true, 3, 1, ""
		w.works(t, w.jobFor(next))
		w.oblige()
	}
	w.evidence().finished(t, w.jobFor(j))
}
