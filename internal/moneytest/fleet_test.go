package moneytest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/modelslab/modelslab-agents-go/sandbox"
	"github.com/modelslab/modelslab-agents-go/store/redis/redistest"
)

// The server's limiter for payments, and who tries to break it.
const (
	perMinute   = 15
	fleetClient = 10 // in each process
)

// TestFleetsShareTheLimiter has fifty clients in five processes, all of which want to pay
// at once, and again and again. The server must not have to refuse one of them.
func TestFleetsShareTheLimiter(t *testing.T) {
	seed := drawn(t)
	r := die(seed, 0)
	w := &world{store: fmt.Sprintf("%s%s/fleet:", onRedis, redistest.Start(t).Addr)}
	p := &place{}
	w.addPlace(t, p, sandbox.Modes()[0], sandbox.WithRateLimit(sandbox.LimiterBilling, perMinute))
	w.addSite(p)
	for len(w.sites) < fleetClient { // clients of one account
		w.sites, w.at = append(w.sites, w.sites[0]), append(w.at, p)
		w.emails, w.accounts, w.exact = append(w.emails, w.emails[0]), append(w.accounts, w.accounts[0]), append(w.exact, true)
	}
	// What is repeated counts as well.
	for range 1 + r.IntN(4) {
		p.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: pick(r, sandbox.Fault500, sandbox.FaultDropAfter, sandbox.FaultCutBody)})
	}
	const processes = 5
	for process := range processes {
		for site := range w.sites {
			for range 3 {
				w.add(t, op{Site: site, Kind: pick(r, funds, links), Cents: 100_00 + int64(len(w.ops)), Human: leaves, Hands: []int{process}}, good)
			}
		}
	}
	var fleet []*process
	for i := range processes {
		j := job{
			Process: i, Seed: seed, Hands: 3 * fleetClient, Passes: 1 << 20,
			KeyLifetime: time.Hour, Attempts: 3, Patience: 10 * time.Second, Limiters: pick(r, "wait", "refuse"),
		}
		for _, o := range w.ops {
			if o.Hands[0] == i {
				j.Ops = append(j.Ops, o)
			}
		}
		fleet = append(fleet, start(t, w.jobFor(j), w.hear))
	}
	ticks := time.NewTicker(100 * time.Millisecond)
	defer ticks.Stop()
	for begun := time.Now(); time.Since(begun) < *minutes; {
		<-ticks.C
	}
	for _, p := range fleet {
		p.kill()
		p.wait(t, time.Minute)
	}

	var arrived []sandbox.Request
	for _, request := range p.srv.Requests() {
		assert.NotEqual(t, 429, request.Status, "the server had to refuse one")
		if request.Endpoint == "wallet.fund" || request.Endpoint == "billing.payment_link" {
			arrived = append(arrived, request)
		}
	}
	assert.GreaterOrEqual(t, len(arrived), perMinute, "nobody waits for longer than there is reason to")
	for first := range arrived {
		last := first
		for last+1 < len(arrived) && arrived[last+1].Time.Sub(arrived[first].Time) < time.Minute {
			last++
		}
		assert.LessOrEqual(t, last-first+1, perMinute, "payments within a minute of %v", arrived[first].Time)
	}
	e := w.evidence()
	e.always(t)
	refusals, faults := 0, 0
	for _, r := range e.reports {
		if strings.Contains(r.Error, "used up by all processes together") {
			refusals++
		}
	}
	for _, r := range arrived {
		if r.Fault != "" {
			faults++
		}
	}
	t.Logf("%d requests arrived, of which %d went wrong; %d calls were refused by their client", len(arrived), faults, refusals)
}
