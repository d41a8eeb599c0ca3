package modelslab

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
)

// What the processes of an account share beside its journal, over a [Store] that
// hands out places ([StorePlaces]): the server's limiters and the queue of jobs.
//
//	mla1/<origin>/limit/<limiter>/<whose>   the calls of the last minute
//	mla1/<origin>/queue/<whose>             the places in the queue
//	mla1/<origin>/jobs/<whose>/<job>        whose place a job has
//	mla1/<origin>/asker/<whose>             who asks how the jobs are

// rate is a limiter's documented one, in calls a minute (overview and headless
// flow pages); 0: none is.
func (l Limiter) rate() int {
	switch l {
	case LimiterAuth:
		return 20
	case LimiterBilling:
		return 15
	case LimiterGeneral:
		return 120
	}
	return 0
}

// rateWindow is how long a call counts: the server's minute, and what may pass
// between the place here and the arrival there.
const rateWindow = time.Minute + 3*time.Second

// places are the shared ones of the client's store; nil: it has none.
func (c *Client) places() StorePlaces {
	if c.cfg.private {
		return nil
	}
	p, _ := c.cfg.store.(StorePlaces)
	return p
}

// admit takes a place in a limiter that all processes share, and waits for one. A
// store that fails holds up nobody who only reads: who spends is refused by it
// anyway.
func (t *trip) admit(ctx context.Context) error {
	places, limit, mode := t.c.places(), t.e.Limiter.rate(), t.c.cfg.rateLimit.Mode
	if places == nil || limit == 0 || mode == RateLimitOff {
		return nil
	}
	whose, err := t.whose(ctx)
	if err != nil {
		return err
	}
	key := storeRoot + t.c.cfg.origin() + "/limit/" + string(t.e.Limiter) + "/" + storeName(whose)
	me := uuid.NewString()
	for {
		d, err := places.Enter(ctx, key, me, limit, rateWindow)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			t.c.warn(ctx, "modelslab: the shared limiter cannot be asked", slog.String("limiter", string(t.e.Limiter)), slog.String("error", err.Error()))
			return nil
		case d <= 0:
			return nil
		}
		if mode == RateLimitRefuse || !t.mayWait(ctx, d) {
			return &RateLimitError{
				APIError: APIError{
					Response: Response{IdempotencyKey: t.key}, Method: t.e.Method, Path: t.e.Path,
					Message: "the limiter " + string(t.e.Limiter) + " is used up by all processes together",
				},
				Limiter: t.e.Limiter, RetryAfter: d,
			}
		}
		if err := holdOn(ctx, d+jitter(t.c.cfg.jitter)); err != nil {
			return err
		}
	}
}

// jitter keeps processes that wait for the same moment apart.
func jitter(random func() float64) time.Duration {
	return time.Duration(random() * float64(200*time.Millisecond))
}

// whose is what a limiter counts by: the account, or the e-mail.
func (t *trip) whose(ctx context.Context) (string, error) {
	if t.e.Limiter == LimiterAuth {
		if m, ok := t.in.body.(mailer); ok {
			return digest(strings.ToLower(m.mailbox())), nil
		}
		return "nobody", nil
	}
	if t.e == profileGet.row() { // which is how the account is learned
		return t.c.party(), nil
	}
	account, _, err := t.c.bookAccount(ctx, t.cred, true)
	return account, err
}

// sharedPlace is a submission's place in the queue that all processes share.
type sharedPlace struct {
	c      *Client
	places StorePlaces
	whose  string
	member string
}

func queueKey(c *Client, whose string) string {
	return storeRoot + c.cfg.origin() + "/queue/" + storeName(whose)
}

func jobsPrefix(c *Client, whose string) string {
	return storeRoot + c.cfg.origin() + "/jobs/" + storeName(whose) + "/"
}

// placeOfJob is what a job's place is kept under.
func placeOfJob(c *Client, whose, id, path string) string {
	return jobsPrefix(c, whose) + digest(path+" "+id)
}

// heldPlace says whose place a job has.
type heldPlace struct {
	Member string `json:"member"`
	ID     string `json:"id"`
	Path   string `json:"path"`
	Nays   int    `json:"nays,omitzero"` // how often in a row the server would not say how it is
}

// share takes a place in the queue of all processes, and waits for one. While it
// waits, one of those who do asks how the jobs are that hold the places. nil: the
// store shares no places.
func (t *trip) share(ctx context.Context, limit int) (*sharedPlace, error) {
	places := t.c.places()
	if places == nil {
		return nil, nil //nolint:nilnil // there is none to take
	}
	s := &sharedPlace{t.c, places, digest(t.cred.apiKey), uuid.NewString()}
	key, life := queueKey(t.c, s.whose), max(lostPlace, t.timeout()+leaseMargin)
	for {
		d, err := places.Enter(ctx, key, s.member, limit, life)
		if err != nil {
			return nil, &storeError{"taking a place in the queue", err}
		}
		if d <= 0 {
			return s, nil
		}
		if free, err := places.Enter(ctx, storeRoot+t.c.cfg.origin()+"/asker/"+storeName(s.whose), s.member, 1, askTimeout); err == nil && free <= 0 {
			t.c.askForAll(ctx, s.whose)
			if d, err = places.Enter(ctx, key, s.member, limit, life); err == nil && d <= 0 {
				return s, nil
			}
		}
		pause := min(max(d, minWaitInterval), 2*minWaitInterval) + time.Duration(rand.Int64N(int64(200*time.Millisecond))) //nolint:gosec // no secret
		if err := holdOn(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// askForAll asks how the jobs are that hold places; those that have ended give
// them back.
func (c *Client) askForAll(ctx context.Context, whose string) {
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	for key, err := range c.cfg.store.List(asking, jobsPrefix(c, whose)) {
		if err != nil {
			return
		}
		raw, err := c.cfg.store.Get(asking, key)
		var h heldPlace
		if err != nil || raw == nil || json.Unmarshal(raw, &h) != nil {
			continue
		}
		_, err = c.Generation.fetch(asking, &Generation{ID: h.ID, Path: h.Path}, nil) // which gives the place of one that has ended back
		if err == nil || asking.Err() != nil || transient(err) {
			continue
		}
		if h.Nays++; h.Nays >= mostNays {
			c.leaveQueue(asking, whose, h.ID, h.Path)
		} else if enc, err := json.Marshal(h); err == nil {
			_, _ = c.cfg.store.Swap(asking, key, raw, enc, jobLife)
		}
	}
}

// keep leaves the place to the job that the submission made.
func (s *sharedPlace) keep(ctx context.Context, g *Generation) {
	if s == nil {
		return
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	enc, err := json.Marshal(heldPlace{Member: s.member, ID: g.ID, Path: g.Path})
	if err == nil {
		_, err = s.c.cfg.store.Swap(ctx, placeOfJob(s.c, s.whose, g.ID, g.Path), nil, enc, jobLife)
	}
	if err == nil {
		_, err = s.places.Enter(ctx, queueKey(s.c, s.whose), s.member, 1, jobLife)
	}
	s.failed(ctx, err)
}

// free gives the place back.
func (s *sharedPlace) free(ctx context.Context) {
	if s == nil {
		return
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	s.failed(ctx, s.places.Leave(ctx, queueKey(s.c, s.whose), s.member))
}

func (s *sharedPlace) failed(ctx context.Context, err error) {
	if err != nil {
		s.c.warn(ctx, "modelslab: the place of a job in the shared queue could not be written down", slog.String("error", err.Error()))
	}
}

// leaveQueue gives back the shared place of a job that has ended, whoever has
// submitted it.
func (c *Client) leaveQueue(ctx context.Context, whose, id, path string) {
	places := c.places()
	if places == nil {
		return
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	key := placeOfJob(c, whose, id, path)
	raw, err := c.cfg.store.Get(ctx, key)
	var h heldPlace
	if err == nil && raw != nil {
		if json.Unmarshal(raw, &h) == nil {
			err = places.Leave(ctx, queueKey(c, whose), h.Member)
		}
		if err == nil {
			_, err = c.cfg.store.Swap(ctx, key, raw, nil, 0)
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		c.warn(ctx, "modelslab: the place of a job in the shared queue could not be given back", slog.String("error", err.Error()))
	}
}
