package modelslab

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/modelslab/modelslab-agents-go/internal/retry"
)

// RateLimitMode says what a call does when its limiter is known to be used up.
type RateLimitMode int

// The modes.
const (
	RateLimitWait   RateLimitMode = iota // wait for the reset, if that is worth it; see RetryPolicy.MaxWait
	RateLimitRefuse                      // return a *RateLimitError, with no request
	RateLimitOff                         // send, and let the server say
)

// RateLimitPolicy is how a client treats the server's limiters.
type RateLimitPolicy struct{ Mode RateLimitMode }

// RateLimit is what a limiter's last answers said.
type RateLimit struct {
	Limiter   Limiter
	Limit     int       // requests in a window; 0: not said
	Remaining int       // requests left in the window
	Reset     time.Time // when the window ends, by this machine's clock; zero: not said
	Known     bool      // an answer has spoken of it, and its window has not ended since
}

// Facts about the server's windows.
const (
	// deltaBelow is where an X-RateLimit-Reset stops being a number of seconds
	// (three years) and becomes Unix time (1973; fake clocks begin in 2000).
	deltaBelow = 100_000_000
	// windowSlack is how far two ends of one window may lie apart where each
	// was computed from a number of seconds.
	windowSlack = 2 * time.Second
	// longWindow is what no window's end can be away from now, the windows being
	// a minute long: a later answer corrects such a state.
	longWindow = 2 * time.Minute
	// maxReset is the longest that a limiter is taken to stay empty: the windows
	// are a minute long, and a wrong clock must not stop a client for a day. The
	// call that a Retry-After answers always tells all of it.
	maxReset = time.Hour
)

// limitKey is one limiter of one party. The server counts by IP and user, and
// LimiterAuth by IP and e-mail.
type limitKey struct {
	limiter Limiter
	party   string
}

// limits holds the state of every limiter that a client and its relatives use.
type limits struct {
	mu sync.Mutex
	m  map[limitKey]*limitState
}

// maxLimitStates bounds the memory of a program that signs up e-mail after
// e-mail.
const maxLimitStates = 4096

func (l *limits) state(limiter Limiter, party string) *limitState {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := limitKey{limiter, party}
	s := l.m[k]
	if s == nil {
		if l.m == nil {
			l.m = make(map[limitKey]*limitState)
		}
		if len(l.m) >= maxLimitStates {
			for old, st := range l.m {
				if _, empty := st.emptyFor(time.Now()); !empty {
					delete(l.m, old)
					break
				}
			}
		}
		s = &limitState{}
		l.m[k] = s
	}
	return s
}

// limitState is one limiter as the last answers left it. It keeps what the
// headers said and reads times out of them only when somebody asks: most calls
// never do.
type limitState struct {
	mu    sync.Mutex
	seen  bool
	limit int
	left  int
	reset int64     // the Reset header; 0: absent
	date  []string  // the Date header that came with it
	began time.Time // when it came
	ends  time.Time // what they amount to, once it is needed
	until time.Time // a 429's Retry-After, or zero
}

// update learns from an answer's headers.
func (s *limitState) update(status int, h http.Header, now time.Time, retryAfter time.Duration) {
	left, okLeft := headerInt(h, "X-Ratelimit-Remaining")
	if status == http.StatusTooManyRequests {
		left, okLeft = 0, true
	}
	if !okLeft {
		return
	}
	reset, _ := headerInt(h, "X-Ratelimit-Reset")
	limit, okLimit := headerInt(h, "X-Ratelimit-Limit")

	s.mu.Lock()
	defer s.mu.Unlock()
	same := s.seen && s.reset == reset && reset >= deltaBelow
	if s.seen && !same {
		older, newer := s.resetAt(), resetTime(reset, h["Date"], now)
		switch {
		case newer.IsZero() || older.IsZero() || older.Before(now):
		case newer.Before(older.Add(-windowSlack)) && older.Sub(now) < longWindow && status != http.StatusTooManyRequests:
			return // a late answer from a window gone by
		case newer.After(older.Add(-windowSlack)) && newer.Before(older.Add(windowSlack)):
			same = true
		}
	}
	if same && status != http.StatusTooManyRequests {
		left = min(left, int64(s.left)) // answers overtake each other
	}
	s.seen, s.left = true, int(left)
	if okLimit {
		s.limit = int(limit)
	}
	if !same {
		s.reset, s.date, s.began, s.ends = reset, h["Date"], now, time.Time{}
	}
	switch {
	case retryAfter > 0:
		s.until = now.Add(min(retryAfter, maxReset))
	case left > 0:
		s.until = time.Time{}
	}
}

// resetAt is when the window ends. It is worked out when it is first asked for.
func (s *limitState) resetAt() time.Time {
	if s.ends.IsZero() {
		s.ends = resetTime(s.reset, s.date, s.began)
	}
	return s.ends
}

// emptyFor reports how long the limiter is known to stay empty.
func (s *limitState) emptyFor(now time.Time) (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.seen || s.left > 0 {
		return 0, false
	}
	end := s.until
	if end.IsZero() {
		end = s.resetAt() // with no word on when, nothing is known
	}
	d := end.Sub(now)
	return d, d > 0 && !end.IsZero()
}

// snapshot is the state for callers.
func (s *limitState) snapshot(l Limiter, now time.Time) RateLimit {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := RateLimit{Limiter: l, Limit: s.limit, Remaining: s.left, Reset: s.resetAt()}
	if s.until.After(r.Reset) {
		r.Reset = s.until
	}
	r.Known = s.seen && (r.Reset.IsZero() || r.Reset.After(now))
	if !r.Known {
		r = RateLimit{Limiter: l, Limit: s.limit}
	}
	return r
}

// read is what one answer's headers say. Of a window that is known already the
// end is known too. s may be nil: the answer counts for no limiter.
func (s *limitState) read(l Limiter, h http.Header, now time.Time) RateLimit {
	left, ok := headerInt(h, "X-Ratelimit-Remaining")
	limit, _ := headerInt(h, "X-Ratelimit-Limit")
	reset, _ := headerInt(h, "X-Ratelimit-Reset")
	r := RateLimit{Limiter: l, Limit: int(limit), Remaining: int(left), Known: ok}
	if s != nil && reset >= deltaBelow {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.reset == reset {
			r.Reset = s.resetAt()
			return r
		}
	}
	r.Reset = resetTime(reset, h["Date"], now)
	return r
}

// resetTime turns a Reset header into a time by this machine's clock: the
// server's clock is the one in its Date header.
func resetTime(reset int64, date []string, now time.Time) time.Time {
	switch {
	case reset <= 0:
		return time.Time{}
	case reset < deltaBelow:
		return now.Add(min(time.Duration(reset)*time.Second, maxReset))
	}
	d := time.Unix(reset, 0).Sub(retry.ServerTime(date, now))
	if d > maxReset {
		return time.Time{}
	}
	return now.Add(d)
}

// headerInt reads a number from a header given by its canonical name.
func headerInt(h http.Header, canonical string) (int64, bool) {
	v := h[canonical]
	if len(v) == 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(v[0]), 10, 64)
	return max(n, 0), err == nil
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}
