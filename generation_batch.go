package modelslab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/modelslab/modelslab-agents-go/internal/retry"
)

// ErrNotSubmitted is a job of a [Batch] that was never submitted, so that it cost
// nothing. The error holds the reason too.
var ErrNotSubmitted = errors.New("modelslab: not submitted")

// defaultConcurrency is the queue of an account on pay as you go
// (docs.modelslab.com/rate-limits).
const defaultConcurrency = 5

// BatchParams is how a batch is carried out.
type BatchParams struct {
	// Concurrency is how many jobs are under way at once, from the submission until
	// the loop has taken the result. Default: the client's [WithQueueLimit], or 5.
	Concurrency int
	// StopOnError submits nothing more after the first failure. What was submitted
	// is seen to its end.
	StopOnError bool
	Wait        WaitParams // how each job is waited for
	// Options go with every submission, and not with the questions after it. A
	// [WithResponse] would be written by several at once, and is refused.
	Options []RequestOption

	// Submitted is called as soon as a job was accepted, Progress after each answer
	// of one that is waited for, with the position of its params. Only one call of
	// either, or of Wait.Progress, runs at a time, and jobs wait for it. Save the ID
	// and Path in Submitted: they are enough to pick the job up later.
	Submitted func(i int, g *Generation)
	Progress  func(i int, g *Generation)
}

// BatchResult is what became of one job of a batch.
type BatchResult struct {
	// Generation is the last that is known of the job; nil if none was accepted.
	Generation *Generation
	// Err is nil for a job that succeeded, else what its submission or
	// [GenerationService.Wait] ended with, or [ErrNotSubmitted].
	Err error
}

// Format writes one line under every verb.
func (r BatchResult) Format(f fmt.State, verb rune) {
	formatText(f, verb, resultLine(r.Generation, r.Err))
}

// LogValue implements slog.LogValuer.
func (r BatchResult) LogValue() slog.Value {
	return slog.StringValue(resultLine(r.Generation, r.Err))
}

// MarshalJSON writes the job without the body of the answer.
func (r BatchResult) MarshalJSON() ([]byte, error) { return marshalResult(r.Generation, r.Err) }

func resultLine(g *Generation, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case g == nil:
		return "no generation"
	}
	return g.line()
}

func marshalResult(g *Generation, err error) ([]byte, error) {
	var w struct {
		Generation *Generation `json:"generation,omitzero"`
		Error      string      `json:"error,omitzero"`
	}
	if g != nil {
		shown := *g
		shown.Raw = nil
		w.Generation = &shown
	}
	if err != nil {
		w.Error = err.Error()
	}
	return json.Marshal(w)
}

// Batch submits a job for each of params, several side by side, waits for all of
// them, and yields what became of each as they end, by the position of its
// params. submit is a method of c, such as c.Generation.Images.TextToImage, or a
// function around one that returns its error.
//
//	for i, r := range modelslab.Batch(ctx, c, c.Generation.Images.TextToImage, params, modelslab.BatchParams{}) {
//		if r.Err != nil {
//			log.Printf("%d: %v", i, r.Err)
//			continue
//		}
//		fmt.Println(i, r.Generation.Output)
//	}
//
// Every job costs money. Nothing is submitted before the loop begins, and no more
// than Concurrency jobs ahead of it: a slow loop body holds the rest back. One
// that fails does not stop the others, unless StopOnError is set. Submissions
// that a full queue refuses (429) are tried again while other jobs of the batch
// are under way.
//
// Each position is yielded once. After ctx has ended, jobs that were accepted
// come with the last that is known of them and the error of ctx, and the others
// with [ErrNotSubmitted]; a submission that ctx broke off can be
// [ErrOutcomeUnknown]. A loop that is left ends the waiting and not the jobs:
// nothing new is submitted, submissions on their way are finished first and told
// to Submitted, and no goroutine stays behind. What submit or a callback panics
// with comes out of the loop.
//
// A batch can be ranged over once. The second time each position has
// [ErrNotSubmitted], so that nothing is paid twice. What cannot be right is a
// [ParamError] for each position.
func Batch[P any](ctx context.Context, c *Client, submit func(context.Context, P, ...RequestOption) (*Generation, error), params []P, b BatchParams) iter.Seq2[int, BatchResult] {
	params, opts := slices.Clone(params), slices.Clip(slices.Clone(b.Options)) // they are the caller's, who may change them
	run := &batch{ctx: ctx, c: c, p: b, n: len(params), gone: make(chan struct{}), halt: make(chan struct{})}
	run.err = run.check(submit == nil)
	if run.err == nil {
		ctx = context.WithValue(ctx, stopWaiting{}, run.halt)
	}
	run.submit = func(i int) (*Generation, error) { return submit(ctx, params[i], opts...) }
	return run.results
}

// batch is a Batch without its type.
type batch struct {
	ctx    context.Context
	c      *Client
	p      BatchParams
	n      int
	submit func(i int) (*Generation, error)
	err    error // what is wrong with the params
	used   atomic.Bool

	waiting context.Context // ends with ctx, and when the loop is left
	next    atomic.Int64
	running atomic.Int64 // jobs accepted that have not ended
	done    chan indexed
	gone    chan struct{} // closed: the loop has been left
	halt    chan struct{} // closed: what is not on its way is not to be submitted
	halting sync.Once
	calls   sync.Mutex // one callback at a time

	mu      sync.Mutex
	stopped error // why nothing more is submitted
}

type indexed struct {
	i int
	r BatchResult
}

var (
	errRangedTwice = errors.New("the batch was ranged over before")
	errNoJob       = errors.New("modelslab: submit returned neither a job nor an error")
)

func (b *batch) check(noSubmit bool) error {
	switch {
	case b.ctx == nil:
		return &ParamError{Param: "ctx", Reason: "nil"}
	case b.c == nil || b.c.cfg == nil:
		return &ParamError{Param: "c", Reason: "nil, or not made by New"}
	case noSubmit:
		return &ParamError{Param: "submit", Reason: "nil"}
	case b.p.Concurrency < 0:
		return &ParamError{Param: "BatchParams.Concurrency", Value: itoa(int64(b.p.Concurrency)), Reason: "must not be negative"}
	case b.p.Wait.MaxInterval < 0:
		return &ParamError{Param: "BatchParams.Wait.MaxInterval", Value: b.p.Wait.MaxInterval.String(), Reason: "must not be negative"}
	}
	var o callOptions
	if err := o.apply(b.p.Options); err != nil {
		return err
	}
	if o.response != nil {
		return &ParamError{Param: "BatchParams.Options", Reason: "WithResponse would be written by several calls at once"}
	}
	return nil
}

// results is the iterator.
func (b *batch) results(yield func(int, BatchResult) bool) {
	err := b.err
	if err == nil && b.used.Swap(true) {
		err = notSubmitted(errRangedTwice)
	}
	if err != nil {
		for i := range b.n {
			if !yield(i, BatchResult{Err: err}) {
				return
			}
		}
		return
	}
	workers := b.p.Concurrency
	if workers == 0 {
		workers = b.c.cfg.queueLimit
	}
	if workers == 0 {
		workers = defaultConcurrency
	}
	b.done = make(chan indexed)
	ctx, leave := context.WithCancel(b.ctx)
	b.waiting = ctx
	w := newCrew()
	b.deliver(yield, w, min(workers, b.n), leave)
	w.rethrow()
}

// deliver yields the results. The workers are gone when it returns, however it
// does.
func (b *batch) deliver(yield func(int, BatchResult) bool, w *crew, workers int, leave context.CancelFunc) {
	defer func() {
		close(b.gone)
		b.halting.Do(func() { close(b.halt) })
		leave()
		w.wait()
	}()
	for range workers {
		w.start(b.work)
	}
	for range b.n {
		select {
		case one := <-b.done:
			if !yield(one.i, one.r) {
				return
			}
		case <-w.died:
			return
		}
	}
}

// work carries out one job after the other, until the loop is left.
func (b *batch) work() {
	for {
		select {
		case <-b.gone:
			return
		default:
		}
		i := int(b.next.Add(1) - 1)
		if i >= b.n {
			return
		}
		one := indexed{i, b.one(i)}
		select {
		case b.done <- one:
		case <-b.gone:
			return
		}
	}
}

// one carries out a job.
func (b *batch) one(i int) BatchResult {
	if err := b.ended(); err != nil {
		return BatchResult{Err: notSubmitted(err)}
	}
	g, err := b.submitted(i)
	switch {
	case err != nil:
		b.fail(err)
		return BatchResult{g, err}
	case g == nil:
		b.fail(errNoJob)
		return BatchResult{Err: errNoJob}
	}
	if b.p.Submitted != nil {
		b.tell(func() { b.p.Submitted(i, g) })
	}
	p := b.p.Wait
	if b.p.Progress != nil || p.Progress != nil {
		p.Progress = func(g *Generation) {
			b.tell(func() {
				if b.p.Wait.Progress != nil {
					b.p.Wait.Progress(g)
				}
				if b.p.Progress != nil {
					b.p.Progress(i, g)
				}
			})
		}
	}
	b.running.Add(1)
	defer b.running.Add(-1)
	last, err := b.c.Generation.Wait(b.waiting, g, p)
	if err != nil {
		b.fail(err)
	}
	return BatchResult{last, err}
}

// submitted submits a job, again and again while the queue is full of those of
// this batch.
func (b *batch) submitted(i int) (*Generation, error) {
	for pause := minWaitInterval; ; pause = min(2*pause, defaultWaitInterval) {
		g, err := b.submit(i)
		if err == nil || errors.Is(err, ErrOutcomeUnknown) {
			return g, err
		}
		if stop := b.ended(); stop != nil && g == nil && errors.Is(err, context.Canceled) {
			if errors.Is(err, ErrRateLimited) {
				stop = &stoppedError{stop, err}
			}
			return nil, notSubmitted(stop) // it waited, for a place or after a 429
		}
		if ended := b.ctx.Err(); ended != nil && g == nil {
			switch {
			case errors.Is(err, ended):
				return nil, notSubmitted(err)
			case errors.Is(err, ErrRateLimited):
				return nil, notSubmitted(&stoppedError{ended, err})
			}
		}
		limited, ok := as[*RateLimitError](err)
		if !ok || g != nil || b.running.Load() == 0 || b.c.cfg.rateLimit.Mode == RateLimitRefuse || !b.c.cfg.retry.Fits(b.ctx, limited.RetryAfter) {
			return g, err
		}
		if stop := retry.Wait(b.waiting, max(pause, limited.RetryAfter)); stop != nil {
			return nil, notSubmitted(&stoppedError{stop, err})
		}
		if stop := b.ended(); stop != nil {
			return nil, notSubmitted(stop)
		}
	}
}

// tell calls a callback.
func (b *batch) tell(call func()) {
	b.calls.Lock()
	defer b.calls.Unlock()
	call()
}

// ended is why nothing more is submitted.
func (b *batch) ended() error {
	if err := b.waiting.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stopped
}

func (b *batch) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.p.StopOnError && b.stopped == nil {
		b.stopped = err
		b.halting.Do(func() { close(b.halt) })
	}
}

func notSubmitted(cause error) error { return fmt.Errorf("%w: %w", ErrNotSubmitted, cause) }

// crew are goroutines that nobody leaves behind. What ends one of them before its
// time, a panic or runtime.Goexit, goes on in the one that waits for them.
type crew struct {
	wg   sync.WaitGroup
	died chan struct{} // closed: one ended before its time

	once  sync.Once
	cause any // nil: runtime.Goexit
	stack []byte
}

func newCrew() *crew { return &crew{died: make(chan struct{})} }

func (w *crew) start(work func()) {
	w.wg.Go(func() {
		well := false
		defer func() {
			if well {
				return
			}
			cause := recover()
			w.once.Do(func() {
				w.cause, w.stack = cause, debug.Stack()
				close(w.died)
			})
		}()
		work()
		well = true
	})
}

func (w *crew) wait() { w.wg.Wait() }

// rethrow ends the caller as the first of them was ended.
func (w *crew) rethrow() {
	select {
	case <-w.died:
	default:
		return
	}
	if w.cause == nil {
		runtime.Goexit()
	}
	panic(&crewPanic{w.cause, w.stack})
}

// crewPanic is a panic of another goroutine, with the place where it happened.
type crewPanic struct {
	value any
	stack []byte
}

func (p *crewPanic) Error() string { return fmt.Sprintf("%v\n\n%s", p.value, p.stack) }

func (p *crewPanic) Unwrap() error {
	err, _ := p.value.(error)
	return err
}
