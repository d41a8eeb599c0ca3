package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// progress is the line that tells how the job is: one that changes on a terminal, elsewhere a
// new one for each answer.
type progress struct {
	out      io.Writer
	terminal bool
	stop     chan struct{}
	done     sync.WaitGroup
	start    time.Time

	mu  sync.Mutex
	job modelslab.Generation // as the server told last
	at  time.Time            // when
}

func show(out io.Writer, job *modelslab.Generation) *progress {
	p := &progress{out: out, terminal: isTerminal(out), stop: make(chan struct{}), start: time.Now()}
	p.answer(job)
	if p.terminal {
		p.done.Go(p.move)
	}
	return p
}

// answer takes note of what the server said.
func (p *progress) answer(job *modelslab.Generation) {
	p.mu.Lock()
	p.job, p.at = *job, time.Now()
	p.mu.Unlock()
	if !p.terminal {
		fmt.Fprintln(p.out, p.line())
	}
}

func (p *progress) line() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	status := p.job.Status
	if status == "" {
		status = "asked for" // picked up: nothing is known of it yet
	}
	text := fmt.Sprintf("%s, %.0fs", status, time.Since(p.start).Seconds())
	if left := p.job.ETA - time.Since(p.at); left > 0 {
		text += fmt.Sprintf(", about %.0fs to go", left.Seconds())
	}
	return text
}

func (p *progress) move() {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		fmt.Fprintf(p.out, "\r\x1b[K%s", p.line())
		select {
		case <-p.stop:
			fmt.Fprintf(p.out, "\r\x1b[K%s\n", p.line())
			return
		case <-tick.C:
		}
	}
}

func (p *progress) end() {
	close(p.stop)
	p.done.Wait()
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
