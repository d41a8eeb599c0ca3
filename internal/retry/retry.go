// Package retry decides whether a request may be sent again and how long to
// wait first. It knows HTTP, not ModelsLab.
package retry

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Class says what a second sending of a request can do.
type Class uint8

// The classes, from the one that may always be repeated to the one that may
// not.
const (
	Safe  Class = iota // sending it again changes nothing
	Keyed              // the server recognises the second one by its key
	Once               // sending it again does the work again
)

// Attempt is what is known of one sending.
type Attempt struct {
	Status   int  // 0: no answer came
	Sent     bool // bytes may have left; false needs proof
	CutShort bool // an answer began, and its body broke off
	// Final says that a 409 or 425 is the endpoint's own answer, not a sign
	// that the first sending is still being worked on.
	Final bool
}

// Open reports whether a leaves it open what the server did: no answer, an
// unfinished one, or one that speaks of the server's state and not of the
// request.
func (a Attempt) Open() bool {
	switch {
	case a.Status == 0:
		return a.Sent
	case a.CutShort, a.Status >= http.StatusInternalServerError:
		return true
	}
	switch a.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly:
		return true
	}
	return false
}

// MayRepeat reports whether sending again cannot do the work twice and may
// help.
func MayRepeat(c Class, a Attempt) bool {
	switch {
	case a.Status == http.StatusTooManyRequests && !a.CutShort:
		return true // the server says that it did nothing
	case c == Once:
		return a.Status == 0 && !a.Sent
	case a.Status == 0, a.CutShort:
		return true
	case a.Status == http.StatusConflict, a.Status == http.StatusTooEarly:
		// That key may still be in flight: its answer can be had later.
		return c == Keyed && !a.Final
	}
	return a.Status == http.StatusRequestTimeout || a.Status >= http.StatusInternalServerError
}

// Policy bounds the attempts of one call and the waits between them.
type Policy struct {
	MaxAttempts            int
	MinBackoff, MaxBackoff time.Duration
	MaxWait                time.Duration
}

// Delay is how long to wait after attempt n (from 1): exponential backoff with
// full jitter, and never less than floor. random gives numbers in [0, 1).
func (p Policy) Delay(n int, floor time.Duration, random func() float64) time.Duration {
	ceiling := p.MaxBackoff
	if shift := n - 1; shift < 62 {
		if d := p.MinBackoff << shift; d > 0 && d>>shift == p.MinBackoff && d < ceiling {
			ceiling = d
		}
	}
	return max(time.Duration(random()*float64(ceiling)), floor)
}

// Fits reports whether a wait of d is worth starting: no longer than MaxWait,
// and over before the context's deadline.
func (p Policy) Fits(ctx context.Context, d time.Duration) bool {
	if d > p.MaxWait {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > d
}

// Wait returns after d, or with the context's error as soon as it ends.
func Wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// After reads a Retry-After header, which is a number of seconds or a date.
// The date counts from the server's own clock where the answer has one.
func After(h http.Header, now time.Time) (time.Duration, bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0, false
	}
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		const most = 1 << 32 // seconds; larger ones would overflow a Duration
		if s != s || s < 0 {
			return 0, false
		}
		return time.Duration(min(s, most) * float64(time.Second)), true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	return max(0, at.Sub(ServerTime(h["Date"], now))), true
}

// ServerTime is the server's clock as its Date header has it, or now.
func ServerTime(date []string, now time.Time) time.Time {
	if len(date) > 0 {
		if t, err := http.ParseTime(date[0]); err == nil {
			return t
		}
	}
	return now
}
