package moneytest

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
	"github.com/modelslab/modelslab-agents-go/store/redis/redistest"
)

// Of a fleet that pays over one Redis while everything goes wrong.

// A fleet is four processes with sixteen hands each.
const (
	fleetSize = 4
	handsEach = 16
)

// storm is one run of a fleet.
type storm struct {
	w       *world
	redis   *redistest.Server
	j       job
	seed    uint64
	sleeper *process // is suspended; nil: none is

	faults  atomic.Bool                   // things go wrong at the servers
	weather func(*testing.T) (end func()) // and on the way to them; nil: nothing does

	killed, sampled, injected atomic.Int64
}

func TestChaos(t *testing.T) {
	seed := drawn(t)
	begun := time.Now()
	s := newStorm(t, seed, *operations, 4+*operations/400)
	for i, p := range s.w.places {
		s.haunt(p, die(seed, 100+i))
	}
	s.run(t)
	s.sum(t, begun)
}

// newStorm draws servers, accounts, limits and operations.
func newStorm(t *testing.T, seed uint64, operations, servers int) *storm {
	t.Helper()
	r := die(seed, 1)
	s := &storm{w: &world{eager: true}, seed: seed}
	s.redis = redistest.Start(t)
	s.w.store = fmt.Sprintf("%s%s/chaos:", onRedis, s.redis.Addr)
	for i := range servers {
		mode := drawMode(r, i)
		var more []sandbox.Option
		if r.IntN(2) == 0 {
			shape := pick(r, sandbox.Shapes()...)
			mode.Name += ", " + shape.Name
			more = shape.Options
		}
		p := &place{}
		more = append(more, sandbox.OnRequest(func(sandbox.Request) { p.disturb() }))
		s.w.addPlace(t, p, mode, more...)
		for range 1 + i%2 {
			s.w.addSite(p)
		}
	}
	for len(s.w.ops) < operations {
		s.draw(t, r)
	}
	s.allow(t, r)
	s.j = job{
		Hands: handsEach, Passes: 3, Settles: true, KeyLifetime: 24 * time.Hour, Attempts: 3, Patience: time.Second,
	}
	return s
}

// drawMode draws how a server treats keys. One of each storm's is peculiar.
func drawMode(r *rand.Rand, i int) sandbox.Mode {
	if i%2 == 0 {
		return pick(r, sandbox.Modes()...)
	}
	flip := func() bool { return r.IntN(2) == 0 }
	idem := sandbox.Idempotency{
		Replay: pick(r, sandbox.ReplayInMeta, sandbox.ReplayInData, sandbox.ReplayAtTopLevel, sandbox.ReplayHeaderIdempotencyReplay,
			sandbox.ReplayHeaderIdempotentReplayed, sandbox.ReplayHeaderXIdempotencyReplay, sandbox.ReplayUnmarked),
		Spelling: pick(r, sandbox.ReplayTrue, sandbox.ReplayOne, sandbox.ReplayTrueText),
		Cache202: flip(), Cache402: flip(), Cache422: flip(), Cache429: flip(), Cache5xx: flip(),
		IgnoreOnPutAndDelete: flip(), CheckBody: flip(), WaitInFlight: flip(),
		Scope:    pick(r, sandbox.ScopeUser, sandbox.ScopeUserAndPath, sandbox.ScopeGlobal),
		Lifetime: pick(r, 0, 48*time.Hour),
	}
	return sandbox.Mode{
		Name: fmt.Sprintf("%+v", idem), Idempotency: idem, Options: []sandbox.Option{sandbox.WithIdempotency(idem)}, Settles: true,
	}
}

// draw draws an operation. Sums are often the same.
func (s *storm) draw(t *testing.T, r *rand.Rand) {
	o := op{Site: r.IntN(len(s.w.sites)), Kind: funds}
	o.Cents = pick(r, 10_00, 25_00, 25_00, 30_00, 12_34, 10_00+r.Int64N(50_00))
	if s.seed%2 == 0 { // the hardest to tell apart
		o.Cents = 25_00
	}
	first := r.IntN(fleetSize)
	switch n := r.IntN(20); {
	case n < 15:
		o.Hands = []int{first}
	case n < 19: // a supervisor has begun it twice
		o.Hands = []int{first, (first + 1) % fleetSize}
	}
	switch n := r.IntN(100); {
	case n < 56:
		s.w.add(t, o, good)
	case n < 62:
		s.w.add(t, o, declines)
	case n < 68:
		s.w.add(t, o, declines, good)
	case n < 72:
		o.Anew = true
		s.w.add(t, o, declines)
	case n < 79:
		o.Human = agrees
		s.w.add(t, o, asks)
	case n < 82:
		o.Human = refuses
		s.w.add(t, o, asks)
	case n < 84:
		o.Human = leaves
		s.w.add(t, o, asks)
	case n < 85:
		o.Hands, o.Cents = []int{first}, 70_00+int64(len(s.w.ops))
		s.w.add(t, o, good).Name = ""
	case n < 93:
		o.Kind, o.Cents, o.Human = links, 1000_00+int64(len(s.w.ops)), agrees
		s.w.add(t, o)
	case n < 95:
		o.Kind, o.Cents, o.Human = links, 1000_00+int64(len(s.w.ops)), leaves
		s.w.add(t, o)
	default:
		o.Kind, o.Cents = generates, 2
		s.w.add(t, o)
	}
}

// allow draws the limits: just enough for all there is to pay, too little, or too little at
// a time. Accounts of one server share them, if there are two.
func (s *storm) allow(t *testing.T, r *rand.Rand) {
	wanted := map[*place]int64{}
	back := map[*place]int64{}
	largest := map[*place]int64{}
	for i := range s.w.ops {
		o := &s.w.ops[i]
		p := s.w.at[o.Site]
		wanted[p] += o.Cents
		largest[p] = max(largest[p], o.Cents)
		if o.Declines || o.Human == refuses {
			back[p] += o.Cents
		}
	}
	for n, p := range s.w.places {
		var own []int
		for i, at := range s.w.at {
			if at == p {
				own = append(own, i)
			}
		}
		l := limit{PerGeneration: 2, Total: wanted[p]}
		if len(own) > 1 || r.IntN(2) == 0 {
			l.Budget = "fleet"
		}
		exact := true
		switch (n + int(s.seed%3)) % 3 {
		case 0:
		case 1:
			l.Total = largest[p] + (wanted[p]-largest[p])*6/10
			exact = false
		default:
			l.Total, l.PerWindow, l.Window = 0, largest[p]+wanted[p]/10, 2*time.Second
			exact = false
		}
		for _, i := range own {
			s.w.sites[i].Limits = []limit{l}
			s.w.exact[i] = exact
			if len(own) == 1 && r.IntN(2) == 0 { // the other kind of budget beside it
				other := limit{PerGeneration: 2, Total: wanted[p]}
				if l.Budget == "" {
					other.Budget = "others"
				}
				s.w.sites[i].Limits = append(s.w.sites[i].Limits, other)
			}
		}
		t.Logf("server %d, %d account(s), %+v: %s", n, len(own), l, p.mode)
	}
}

// haunt has things go wrong at a server, at every third request or so.
func (s *storm) haunt(p *place, r *rand.Rand) {
	var mu sync.Mutex
	p.disturbed.Store(func() {
		if !s.faults.Load() {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if r.IntN(3) > 0 {
			return
		}
		s.injected.Add(1)
		f := p.fault(r, pick(r, "", "", "", "wallet.fund", "billing.payment_link", "images.text2img"), true)
		if f.Kind == sandbox.FaultLatency && r.IntN(20) == 0 {
			f.Delay = 1500 * time.Millisecond // which is too long
		}
		p.srv.Inject(f)
	})
}

// run lets the fleet work until all is done: twice in the storm, then in the calm.
func (s *storm) run(t *testing.T) {
	t.Helper()
	for round := range 4 {
		rough := round < 2
		s.faults.Store(rough)
		if !rough {
			for _, p := range s.w.places {
				p.srv.ClearFaults()
			}
		}
		begun := time.Now()
		ends, clears := s.sample(t), func() {}
		if rough && s.weather != nil {
			clears = s.weather(t)
		}
		s.round(t, round, rough)
		clears()
		ends()
		s.w.oblige()
		s.w.evidence().always(t)
		t.Logf("round %d: %v %v", round, s.tally(), time.Since(begun))
		s.w.later(leaseTime)
	}
	s.w.settles(t, s.j)
	e := s.w.evidence()
	e.finished(t, s.w.jobFor(s.j))
	t.Logf("pending in the end, and why: %v", e.open)
}

// left are the operations of a process that are not over, as far as anybody knows, and a
// few that are.
func (s *storm) left(process int, r *rand.Rand) (left []op) {
	over := map[int]bool{}
	for _, report := range s.w.heard() {
		over[report.Op] = over[report.Op] || report.Outcome.over()
	}
	for _, o := range s.w.ops {
		if len(o.Hands) > 0 && !slices.Contains(o.Hands, process) || over[o.ID] && r.IntN(20) > 0 {
			continue
		}
		left = append(left, o)
	}
	return left
}

// round lets the fleet work once. Where it is rough, processes are killed and started
// again, and all is frozen for a while.
func (s *storm) round(t *testing.T, round int, rough bool) {
	t.Helper()
	r := die(s.seed, 1000+round)
	var fleet [fleetSize]*process
	var awake []*process
	starts := func(i int) {
		j := s.j
		j.Process, j.Seed, j.Ops = i, r.Uint64()|1, s.left(i, r)
		if rough {
			j.Passes, j.Settles = 2, i%2 == 0
		}
		fleet[i] = start(t, s.w.jobFor(j), s.w.hear)
	}
	for i := range fleet {
		starts(i)
	}
	alive := func() bool { return slices.ContainsFunc(fleet[:], (*process).alive) }
	said := func() int { return len(s.w.heard()) }
	gap := func() int { return 30 + r.IntN(200+len(s.w.ops)/20) }
	part := len(s.w.ops) / 6
	kill, freeze, crash, wake, suspend := said()+gap(), said()+part, said()+2*part, said()+part/2, said()+3*part
	for alive() {
		<-time.After(time.Duration(1+r.IntN(40)) * time.Millisecond)
		s.w.oblige()
		// By what was done, and not by time: a slow machine must come to an end too.
		if s.sleeper != nil && said() > wake && round > 0 {
			s.sleeper.wake(time.Duration(s.w.ahead.Load()))
			awake, s.sleeper = append(awake, s.sleeper), nil
		}
		if !rough {
			continue
		}
		if said() > freeze {
			s.freeze(t)
			freeze = math.MaxInt
		}
		if said() > crash {
			s.redis.Restart()
			crash = math.MaxInt
		}
		i := r.IntN(fleetSize)
		switch {
		case !fleet[i].alive():
		case said() > suspend && round == 0: // until the next round
			s.sleeper = fleet[i]
			s.sleeper.suspend()
			starts(i)
			suspend = math.MaxInt
		case said() > kill:
			kill = said() + gap()
			fleet[i].kill()
			fleet[i].wait(t, time.Minute)
			s.killed.Add(1)
			starts(i)
		}
	}
	if round > 0 && s.sleeper != nil {
		s.sleeper.wake(time.Duration(s.w.ahead.Load()))
		awake, s.sleeper = append(awake, s.sleeper), nil
	}
	for _, p := range append(awake, fleet[:]...) {
		p.wait(t, 10*time.Minute)
	}
}

// freeze stops all spending for a while, and looks whether it has stopped.
func (s *storm) freeze(t *testing.T) {
	t.Helper()
	st, err := openStore(s.w.store, time.Duration(s.w.ahead.Load()))
	require.NoError(t, err)
	defer st.close()
	c, err := newClient(&s.j, &s.w.sites[0], st)
	require.NoError(t, err)
	ctx := context.WithoutCancel(t.Context())
	require.NoError(t, c.Freeze(ctx, "to see whether anybody minds"))
	// What was on its way arrives, and then nothing more.
	quiet := s.spending()
	for since := time.Now(); time.Since(since) < time.Second; {
		<-time.After(50 * time.Millisecond)
		if n := s.spending(); n > quiet {
			quiet, since = n, time.Now()
		}
	}
	<-time.After(500 * time.Millisecond)
	assert.Equal(t, quiet, s.spending(), "payments that were begun in spite of the freeze")
	require.NoError(t, c.Unfreeze(ctx))
}

// spending counts the requests that ask for money to be moved.
func (s *storm) spending() (n int) {
	for _, p := range s.w.places {
		for _, r := range p.srv.Requests() {
			switch r.Endpoint {
			case "wallet.fund", "billing.payment_link", "images.text2img":
				n++
			}
		}
	}
	return n
}

// sample asks all the time how much of the limits is used, as somebody does who wants to
// pay more than they allow. Of what was charged before nothing may be missing in it.
func (s *storm) sample(t *testing.T) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	st, err := openStore(s.w.store, time.Duration(s.w.ahead.Load()))
	require.NoError(t, err)
	var looks []func()
	for i, at := range s.w.sites {
		for _, l := range at.Limits {
			alone := at
			alone.Limits, alone.Account = []limit{l}, itoa(s.w.accounts[i])
			c, err := newClient(&s.j, &alone, st)
			require.NoError(t, err)
			looks = append(looks, func() { s.look(t, ctx, c, i, l) })
		}
	}
	var looking sync.WaitGroup
	looking.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			looks[i%len(looks)]()
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	return func() {
		cancel()
		looking.Wait()
		st.close()
	}
}

func (s *storm) look(t *testing.T, ctx context.Context, c *modelslab.Client, site int, l limit) {
	charged := int64(0)
	for _, charge := range s.w.at[site].srv.Charges() {
		if l.Budget != "" || charge.Email == s.w.emails[site] {
			charged += charge.Cents
		}
	}
	no := refusal(ctx, c, l.most()+1)
	if no == nil {
		return // it is frozen, or the store was busy
	}
	used := cents(t, no.Spent.String())
	assert.LessOrEqual(t, used, l.most(), "reserved and spent, budget %q", l.Budget)
	if l.Total > 0 {
		assert.GreaterOrEqual(t, used, charged, "reserved and spent, budget %q, is less than was charged", l.Budget)
	}
	s.sampled.Add(1)
}

// tally counts the last words on the operations.
func (s *storm) tally() map[outcome]int {
	last := map[int]outcome{}
	for _, r := range s.w.heard() {
		last[r.Op] = r.Outcome
	}
	n := map[outcome]int{}
	for o := range maps.Values(last) {
		n[o]++
	}
	return n
}

// sum says what has happened.
func (s *storm) sum(t *testing.T, begun time.Time) {
	charges, requests := 0, 0
	for _, p := range s.w.places {
		charges += len(p.srv.Charges())
		requests += len(p.srv.Requests())
	}
	assert.NotZero(t, s.killed.Load())
	assert.NotZero(t, s.sampled.Load())
	t.Logf("%d operations, %d requests, %d faults, %d charges, %d processes killed, limits read %d times, %v",
		len(s.w.ops), requests, s.injected.Load(), charges, s.killed.Load(), s.sampled.Load(), time.Since(begun).Round(time.Second))
}
