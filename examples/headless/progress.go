package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// progress shows how far a job is: on a terminal a bar that moves by the server's estimate,
// elsewhere a line for each answer.
type progress struct {
	out  io.Writer
	bar  bool
	stop chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex
	start time.Time
	ends  time.Time // by the last estimate
}

// noEstimate is how long a job is taken to last when the server does not say.
const noEstimate = 10 * time.Second

func watch(out io.Writer, terminal bool, eta time.Duration) *progress {
	p := &progress{out: out, bar: terminal, stop: make(chan struct{}), start: time.Now()}
	if eta <= 0 {
		eta = noEstimate
	}
	p.ends = p.start.Add(eta)
	if p.bar {
		p.done.Go(p.move)
	} else {
		fmt.Fprintf(out, "    about %.1fs to go\n", eta.Seconds())
	}
	return p
}

// answer takes note of what the server said.
func (p *progress) answer(g *modelslab.Generation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g.ETA > 0 {
		p.ends = time.Now().Add(g.ETA)
	}
	if !p.bar {
		fmt.Fprintf(p.out, "    %s after %.1fs\n", g.Status, time.Since(p.start).Seconds())
	}
}

// end stops the bar, at its end if the job is done.
func (p *progress) end(done bool) {
	close(p.stop)
	p.done.Wait()
	if !p.bar {
		return
	}
	if done {
		p.draw(1)
	}
	fmt.Fprintln(p.out)
}

func (p *progress) move() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		p.draw(p.share())
		select {
		case <-p.stop:
			return
		case <-tick.C:
		}
	}
}

// share is how much is done by the estimate. It never says that all of it is: only the
// server knows that.
func (p *progress) share() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(0.95, float64(time.Since(p.start))/float64(p.ends.Sub(p.start)))
}

func (p *progress) draw(share float64) {
	const width = 40
	full := int(share * width)
	fmt.Fprintf(p.out, "\r    [%s%s] %3.0f%%", strings.Repeat("#", full), strings.Repeat("-", width-full), 100*share)
}
