package sandbox

import (
	"net/http"
	"strconv"
	"time"
)

// Limiter names one of the three rate limiters.
type Limiter string

// The limiters, counted per minute: by address and e-mail for LimiterAuth, by address and
// user for the others.
const (
	LimiterAuth    Limiter = "agent-auth"
	LimiterBilling Limiter = "agent-billing"
	LimiterGeneral Limiter = "agent-general"
)

// RateLimitHeaders says what the limiters tell in headers.
type RateLimitHeaders int

// What limiters can tell. Retry-After stands on every 429 in each of them.
const (
	// RateLimitAbsolute puts X-RateLimit-Limit, -Remaining and -Reset on every answer,
	// Reset in Unix seconds.
	RateLimitAbsolute RateLimitHeaders = iota
	// RateLimitRelative is RateLimitAbsolute with Reset in seconds from now.
	RateLimitRelative
	// RateLimitResetOn429 leaves Reset out of every answer but a 429, as the framework does.
	RateLimitResetOn429
	// RateLimitSilent sends no X-RateLimit header at all.
	RateLimitSilent
)

const windowLength = time.Minute

// window counts requests from the first one on, for a minute.
type window struct {
	ends time.Time
	used int
}

// limit counts the request and reports whether it is one too many.
func (s *Server) limit(c *call) (answer, bool) {
	most := s.rateLimits[c.route.limiter]
	if c.route.limiter == "" || most <= 0 {
		return answer{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	id := string(c.route.limiter) + "|" + c.ip() + "|" + s.limitedAs(c)
	w := s.windows[id]
	if w == nil || !now.Before(w.ends) {
		w = &window{ends: now.Add(windowLength)}
		s.windows[id] = w
	}
	over := w.used >= most
	if !over {
		w.used++
	}
	c.limitHeader = s.limitHeaders(most, most-w.used, w.ends, now, over)
	if !over {
		return answer{}, false
	}
	return tooMany(w.ends.Sub(now)), true
}

func (s *Server) limitedAs(c *call) string {
	if c.route.limiter == LimiterAuth {
		return normalEmail(c.text("email"))
	}
	if c.account == nil {
		return ""
	}
	return strconv.FormatInt(c.account.id, 10)
}

func (s *Server) limitHeaders(most, left int, ends, now time.Time, over bool) http.Header {
	if s.rateLimitHeaders == RateLimitSilent {
		return nil
	}
	h := http.Header{}
	h.Set("X-RateLimit-Limit", strconv.Itoa(most))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(left))
	switch {
	case s.rateLimitHeaders == RateLimitRelative:
		h.Set("X-RateLimit-Reset", seconds(ends.Sub(now)))
	case s.rateLimitHeaders == RateLimitAbsolute || over:
		// Rounded up: a client that waits until then must find the window over.
		h.Set("X-RateLimit-Reset", strconv.FormatInt(ends.Add(time.Second-1).Unix(), 10))
	}
	return h
}

func tooMany(wait time.Duration) answer {
	return framework(http.StatusTooManyRequests, "Too Many Attempts.").with("Retry-After", seconds(wait))
}

// seconds is a duration in whole seconds, rounded up.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
