package modelslab

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// The account's queue, kept on this side: a place is taken before a job is
// submitted, and given back when the job has ended.

// queues are the queues of all accounts, by origin and API key.
type queues struct {
	mu sync.Mutex
	m  map[string]*queue
}

func (q *queues) of(party string) *queue {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.m == nil {
		q.m = map[string]*queue{}
	}
	if q.m[party] == nil {
		q.m[party] = &queue{places: map[*slot]bool{}}
	}
	return q.m[party]
}

// queue is one account's. Those who wait are served in the order in which they
// came. While any wait, one of them asks how the jobs are that hold the places,
// so that a job that nobody waits for gives its place back too.
type queue struct {
	mu      sync.Mutex
	places  map[*slot]bool
	waiting []*turn
	led     bool // somebody asks
}

// slot is a place in a queue: of a submission on its way, then of its job.
type slot struct {
	q    *queue
	job  Generation // ID "": not known yet, or never
	born time.Time  // when its job was submitted
	nays int        // how often in a row the server would not say how it is
	due  time.Time  // when to ask how the job is, or to give up the place of one nobody can ask for
	wait time.Duration
}

// turn is somebody who waits for a place.
type turn struct {
	limit int
	slot  *slot
	ready chan struct{} // closed: the place is there
	lead  chan struct{} // closed: it is theirs to ask
	leads bool
}

// asker asks how a job is, and reports whether the server would not say.
type asker func(context.Context, *Generation) (refused bool)

// stopWaiting is the key of a context's value, a chan struct{}: when it is closed,
// a submission that waits for a place gives up, and one on its way goes on.
type stopWaiting struct{}

// lostPlace is how long a submission keeps its place whose answer was lost: its
// job, if there is one, cannot be asked for.
const lostPlace = 5 * time.Minute

// A job keeps its place no longer than jobLife, which no documented one takes, nor
// after mostNays refusals to say how it is. Each question may take askTimeout.
const (
	jobLife    = 2 * time.Hour
	mostNays   = 5
	askTimeout = 10 * time.Second
)

// enter takes a place, and waits for one while the queue is full. ask asks how a
// job is, which gives its place back if it has ended.
func (q *queue) enter(ctx context.Context, limit int, ask asker) (*slot, error) {
	s := &slot{q: q}
	q.mu.Lock()
	if len(q.waiting) == 0 && len(q.places) < limit {
		q.places[s] = true
		q.mu.Unlock()
		return s, nil
	}
	me := &turn{limit: limit, slot: s, ready: make(chan struct{}), lead: make(chan struct{})}
	q.waiting = append(q.waiting, me)
	q.appoint()
	q.mu.Unlock()

	stop, _ := ctx.Value(stopWaiting{}).(chan struct{})
	select {
	case <-me.ready:
		return s, nil
	case <-ctx.Done():
		return nil, q.leave(me, ctx.Err())
	case <-stop:
		return nil, q.leave(me, context.Canceled)
	case <-me.lead:
	}
	if err := q.ask(ctx, me, stop, ask); err != nil {
		return nil, q.leave(me, err)
	}
	return s, nil
}

// leave ends the waiting of somebody who was not served, or just was.
func (q *queue) leave(me *turn, err error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, me); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		q.led = q.led && !me.leads
	} else {
		delete(q.places, me.slot) // it came too late
	}
	q.serve()
	return err
}

// serve hands places to those who wait. q.mu is held.
func (q *queue) serve() {
	for len(q.waiting) > 0 && len(q.places) < q.waiting[0].limit {
		next := q.waiting[0]
		q.waiting = q.waiting[1:]
		q.places[next.slot] = true
		q.led = q.led && !next.leads // whoever is served asks no more
		close(next.ready)
	}
	q.appoint()
}

// appoint lets the first of those who wait ask, if nobody does. q.mu is held.
func (q *queue) appoint() {
	if !q.led && len(q.waiting) > 0 {
		q.led, q.waiting[0].leads = true, true
		close(q.waiting[0].lead)
	}
}

// ask asks how the jobs are that hold places, each when it is due, until the
// place is there or ctx ends.
func (q *queue) ask(ctx context.Context, me *turn, stop chan struct{}, ask asker) error {
	for {
		s, job, delay := q.nextDue(time.Now())
		timer := time.NewTimer(delay)
		select {
		case <-me.ready:
			timer.Stop()
			return nil
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-stop:
			timer.Stop()
			return context.Canceled
		case <-timer.C:
		}
		switch {
		case s == nil:
		case job.ID == "":
			s.free() // nobody can tell any more
		case s.asked(time.Now()):
			asking, hangUp := context.WithCancel(ctx)
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				s.note(ask(asking, &job))
			}()
			select {
			case <-answered:
			case <-me.ready:
			case <-stop:
			}
			hangUp()
			<-answered
		}
	}
}

// nextDue is the place whose job is asked for next, and when. Without any there
// is nothing to do but wait.
func (q *queue) nextDue(now time.Time) (*slot, Generation, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var first *slot
	for s := range q.places {
		if !s.due.IsZero() && (first == nil || s.due.Before(first.due)) {
			first = s
		}
	}
	if first == nil {
		return nil, Generation{}, defaultWaitInterval
	}
	return first, first.job, max(0, first.due.Sub(now))
}

// asked sets when to ask for the job again, and reports whether it is still to be
// asked for now.
func (s *slot) asked(now time.Time) bool {
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	if s.due.After(now) || !s.q.places[s] {
		return false
	}
	s.wait = min(2*s.wait, defaultWaitInterval)
	s.due = now.Add(s.wait)
	return true
}

// note counts refusals, and gives up the place of a job that cannot be asked for.
func (s *slot) note(refused bool) {
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	if s.nays++; !refused {
		s.nays = 0
	}
	if s.nays >= mostNays || time.Since(s.born) > jobLife {
		delete(s.q.places, s)
		s.q.serve()
	}
}

// free gives the place back.
func (s *slot) free() {
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	delete(s.q.places, s)
	s.q.serve()
}

// keep leaves the place to the job that the submission made.
func (s *slot) keep(g *Generation) {
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	s.job, s.born = Generation{ID: g.ID, Path: g.Path}, time.Now()
	s.wait = minWaitInterval
	s.due = time.Now().Add(min(max(g.ETA, minWaitInterval), defaultWaitInterval))
}

// lose keeps the place for a while: there may be a job, and nobody knows its id.
func (s *slot) lose() {
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	s.due = time.Now().Add(lostPlace)
}

// ended gives back the place of a job that has ended.
func (q *queue) ended(id, path string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for s := range q.places {
		if s.job.ID == id && s.job.Path == path {
			delete(q.places, s)
			q.serve()
			return
		}
	}
}

// queued sends a call, from its place in the queue if it submits a job.
func (t *trip) queued(ctx context.Context, out any) error {
	limit := t.c.cfg.queueLimit
	if !t.e.Job || limit == 0 || t.e == trainingCreate.row() { // a training runs for half an hour, in no queue that is documented
		return t.send(ctx, out)
	}
	s, err := t.c.queue(t.cred).enter(ctx, limit, t.c.look)
	if err != nil {
		return err // nothing was sent
	}
	shared, err := t.share(ctx, limit)
	if err != nil {
		s.free()
		return err
	}
	sent := false
	defer func() {
		if !sent { // a decoder of the caller's panicked
			s.lose()
		}
	}()
	err = t.send(ctx, out)
	sent = true
	var g *Generation
	switch v := out.(type) {
	case *job:
		g = &v.g
	case *whole:
		g = v.job
	}
	switch {
	case err == nil && g != nil && !g.Done():
		s.keep(g)
		shared.keep(ctx, g)
	case err != nil && errors.Is(err, ErrOutcomeUnknown):
		s.lose()
	default:
		s.free()
		shared.free(ctx)
	}
	return err
}

// queue is the queue of the account whose key the call carries.
func (c *Client) queue(cred *credentials) *queue {
	return c.shared.queues.of(c.cfg.origin() + " " + digest(cred.apiKey))
}

// look asks how a job is, for those who wait behind it.
func (c *Client) look(ctx context.Context, g *Generation) (refused bool) {
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	_, err := c.Generation.fetch(asking, g, nil) // which tells the queue of a job's end
	return err != nil && asking.Err() == nil && !transient(err)
}

// WithQueueLimit holds submissions of jobs back while as many as n jobs of the
// account have not ended: 5 on pay as you go, 10 on Standard and 15 on Unlimited
// Premium, as documented (docs.modelslab.com/rate-limits). Whoever waits is served
// in order, and stops waiting when the context ends; nothing has been sent then.
//
// The clients of one [New] share the places of an account, and over a [Store] that
// hands out places (store/redis) all processes do. A job gives its place
// back when Wait, Fetch or a client that waits for a place sees its end, at the
// latest after two hours. Trainings are not held, nor jobs on dedicated servers,
// which have queues of their own. Jobs of other programs are not counted: a 429 of
// theirs is repeated like any.
func WithQueueLimit(n int) Option {
	return func(cfg *config) error {
		if n < 1 || n > 1000 {
			return &ParamError{Param: "WithQueueLimit", Value: itoa(int64(n)), Reason: "must be 1 to 1000"}
		}
		cfg.queueLimit = n
		return nil
	}
}
