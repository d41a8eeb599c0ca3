package retry

import (
	"context"
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMayRepeat(t *testing.T) {
	tests := []struct {
		name string
		a    Attempt
		want [3]bool // safe, keyed, once
		open bool
	}{
		{"could not connect", Attempt{}, [3]bool{true, true, true}, false},
		{"connection died after sending", Attempt{Sent: true}, [3]bool{true, true, false}, true},
		{"body broke off", Attempt{Status: 200, Sent: true, CutShort: true}, [3]bool{true, true, false}, true},
		{"refusal whose body broke off", Attempt{Status: 429, Sent: true, CutShort: true}, [3]bool{true, true, false}, true},
		{"success", Attempt{Status: 200, Sent: true}, [3]bool{}, false},
		{"redirect", Attempt{Status: 302, Sent: true}, [3]bool{}, false},
		{"bad request", Attempt{Status: 400, Sent: true}, [3]bool{}, false},
		{"declined", Attempt{Status: 402, Sent: true}, [3]bool{}, false},
		{"server's time-out", Attempt{Status: 408, Sent: true}, [3]bool{true, true, false}, true},
		{"key in flight", Attempt{Status: 409, Sent: true}, [3]bool{false, true, false}, true},
		{"conflict that is the answer", Attempt{Status: 409, Sent: true, Final: true}, [3]bool{}, true},
		{"too early", Attempt{Status: 425, Sent: true}, [3]bool{false, true, false}, true},
		{"too many requests", Attempt{Status: 429, Sent: true}, [3]bool{true, true, true}, false},
		{"server error", Attempt{Status: 500, Sent: true}, [3]bool{true, true, false}, true},
		{"bad gateway", Attempt{Status: 502, Sent: true}, [3]bool{true, true, false}, true},
		{"the CDN's own", Attempt{Status: 524, Sent: true}, [3]bool{true, true, false}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i, c := range []Class{Safe, Keyed, Once} {
				assert.Equal(t, tt.want[i], MayRepeat(c, tt.a), "class %d", c)
			}
			assert.Equal(t, tt.open, tt.a.Open(), "open")
		})
	}
}

func TestDelay(t *testing.T) {
	p := Policy{MinBackoff: 500 * time.Millisecond, MaxBackoff: 8 * time.Second}
	whole := func() float64 { return 1 }
	for n, want := range map[int]time.Duration{
		1: 500 * time.Millisecond, 2: time.Second, 3: 2 * time.Second, 5: 8 * time.Second,
		6: 8 * time.Second, 60: 8 * time.Second, 64: 8 * time.Second, 1000: 8 * time.Second,
	} {
		assert.Equal(t, want, p.Delay(n, 0, whole), "attempt %d", n)
	}
	nothing := func() float64 { return 0 }
	assert.Equal(t, time.Duration(0), p.Delay(3, 0, nothing), "the jitter is full")
	assert.Equal(t, 3*time.Second, p.Delay(1, 3*time.Second, nothing), "the floor is never cut short")
	assert.Equal(t, 8*time.Second, p.Delay(9, 3*time.Second, whole))
}

func TestFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Policy{MaxWait: time.Minute}
		assert.True(t, p.Fits(context.Background(), time.Minute))
		assert.False(t, p.Fits(context.Background(), time.Minute+1))
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		assert.True(t, p.Fits(ctx, 9*time.Second))
		assert.False(t, p.Fits(ctx, 10*time.Second))
	})
}

func TestWaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		require.NoError(t, Wait(context.Background(), 3*time.Second))
		assert.Equal(t, 3*time.Second, time.Since(start))

		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.ErrorIs(t, Wait(ctx, time.Hour), context.DeadlineExceeded)
		assert.Equal(t, 4*time.Second, time.Since(start))
		require.ErrorIs(t, Wait(ctx, 0), context.DeadlineExceeded, "no wait at all still looks at the context")
	})
}

func TestAfter(t *testing.T) {
	now := time.Date(2026, 2, 15, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		name, value, date string
		want              time.Duration
		ok                bool
	}{
		{name: "absent"},
		{name: "seconds", value: "3", want: 3 * time.Second, ok: true},
		{name: "zero", value: "0", ok: true},
		{name: "fraction", value: "0.5", want: 500 * time.Millisecond, ok: true},
		{name: "negative", value: "-1"},
		{name: "not a number", value: "NaN"},
		{name: "words", value: "soon"},
		{name: "beyond a Duration", value: "1e300", want: time.Duration(1<<32) * time.Second, ok: true},
		{name: "infinite", value: "Inf", want: time.Duration(1<<32) * time.Second, ok: true},
		{name: "date", value: "Sun, 15 Feb 2026 10:01:00 GMT", want: time.Minute, ok: true},
		{name: "date by the server's clock", value: "Sun, 15 Feb 2026 12:01:00 GMT", date: "Sun, 15 Feb 2026 12:00:00 GMT", want: time.Minute, ok: true},
		{name: "date gone by", value: "Sun, 15 Feb 2026 09:00:00 GMT", ok: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			if tt.value != "" {
				h.Set("Retry-After", tt.value)
			}
			if tt.date != "" {
				h.Set("Date", tt.date)
			}
			got, ok := After(h, now)
			assert.Equal(t, tt.ok, ok)
			assert.Equal(t, tt.want, got)
		})
	}
	assert.Positive(t, time.Duration(math.MaxInt64)-(1<<32)*time.Second, "the bound is a Duration")
}
