package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// board shows how far the images are: on a terminal a bar for each, which moves by the
// server's estimate, elsewhere a line for each thing that happens.
type board struct {
	out  io.Writer
	bars bool
	stop chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex // images report at the same time
	rows  []row
	drawn bool
}

type row struct {
	name      string
	status    string
	start     time.Time
	estimated time.Time // when it ends, as far as anybody knows
	ended     bool
}

func newBoard(out io.Writer, tiles []tile) *board {
	const mostBars = 24 // a terminal has few lines
	b := &board{out: out, bars: len(tiles) <= mostBars && isTerminal(out), stop: make(chan struct{})}
	for _, t := range tiles {
		b.rows = append(b.rows, row{name: fmt.Sprintf("%2d %s: %s", t.Number, t.Model, t.Prompt), status: "waits"})
	}
	if b.bars {
		b.done.Go(b.move)
	}
	return b
}

// submitted, answered and ended are the three things that can happen to an image.
func (b *board) submitted(i int, g *modelslab.Generation) {
	b.set(i, func(r *row) {
		r.start = time.Now()
		b.estimate(r, g)
		r.status = "submitted"
	})
}

func (b *board) answered(i int, g *modelslab.Generation) {
	b.set(i, func(r *row) {
		b.estimate(r, g)
		r.status = string(g.Status)
	})
}

func (b *board) ended(i int, err error) (took time.Duration) {
	b.set(i, func(r *row) {
		r.ended, r.status = true, "downloaded"
		if err != nil {
			r.status = "failed: " + reason(err)
		}
		if !r.start.IsZero() {
			took = time.Since(r.start)
		}
	})
	return took
}

func (b *board) estimate(r *row, g *modelslab.Generation) {
	eta := g.ETA
	if eta <= 0 {
		eta = 5 * time.Second // nobody said
	}
	r.estimated = time.Now().Add(eta)
}

func (b *board) set(i int, change func(*row)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &b.rows[i]
	was := r.status
	change(r)
	if !b.bars && r.status != was {
		fmt.Fprintf(b.out, "%-46.46s  %s\n", r.name, r.line())
	}
}

func (r *row) line() string {
	if r.start.IsZero() {
		return r.status
	}
	return fmt.Sprintf("%s after %.1fs", r.status, time.Since(r.start).Seconds())
}

// share is how much is done by the estimate. It never says that all of it is: only the
// server knows that.
func (r *row) share() float64 {
	switch {
	case r.ended:
		return 1
	case r.start.IsZero():
		return 0
	}
	return min(0.95, float64(time.Since(r.start))/float64(r.estimated.Sub(r.start)))
}

func (b *board) move() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		b.draw()
		select {
		case <-b.stop:
			b.draw()
			return
		case <-tick.C:
		}
	}
}

// draw writes all rows over the ones that it wrote before.
func (b *board) draw() {
	const width = 20
	b.mu.Lock()
	defer b.mu.Unlock()
	var s strings.Builder
	if b.drawn {
		fmt.Fprintf(&s, "\x1b[%dA", len(b.rows)) // up to the first
	}
	for _, r := range b.rows {
		full := int(r.share() * width)
		fmt.Fprintf(&s, "\r\x1b[K%-36.36s [%s%s] %.20s\n", r.name, strings.Repeat("#", full), strings.Repeat("-", width-full), r.status)
	}
	b.drawn = true
	fmt.Fprint(b.out, s.String())
}

func (b *board) close() {
	close(b.stop)
	b.done.Wait()
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// reason is an error in few words, for a tile.
func reason(err error) string {
	var api *modelslab.APIError
	switch {
	case errors.As(err, &api) && api.Message != "":
		return api.Message
	case errors.As(err, &api) && api.StatusCode != 0:
		return fmt.Sprintf("the server answered %d", api.StatusCode)
	}
	return err.Error()
}
