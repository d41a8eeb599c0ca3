package storetest

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

var clockClaims = []claim[modelslab.StoreClock]{
	{"the clock is near and goes on", clockGoesOn},
}

func clockGoesOn(t *testing.T, s modelslab.StoreClock) {
	var last time.Time
	for range 200 {
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		require.False(t, now.Before(last), "the clock went back from %v to %v", last, now)
		last = now
	}
	assert.WithinDuration(t, time.Now(), last, time.Minute)
	until(t, "the clock goes on", func() bool {
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		return now.After(last)
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Now(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

var placeClaims = []claim[modelslab.StorePlaces]{
	{"there are as many places as the limit", placesLimited},
	{"a place ends with its life", placesEnd},
	{"a member keeps its place", placesKept},
	{"a place has a new life when its member enters again", placesRenewed},
	{"a place is given back once", placesLeft},
	{"never are more inside", func(t *testing.T, s modelslab.StorePlaces) { placesHeld(t, s) }},
	{"arguments that mean nothing are errors", placesRefuse},
	{"an ended context takes no place", placesEndedContext},
}

func enter(t testing.TB, s modelslab.StorePlaces, key, member string, limit int, life time.Duration) time.Duration {
	t.Helper()
	wait, err := s.Enter(t.Context(), key, member, limit, life)
	require.NoError(t, err)
	return wait
}

func leave(t testing.TB, s modelslab.StorePlaces, key, member string) {
	t.Helper()
	require.NoError(t, s.Leave(t.Context(), key, member))
}

func placesLimited(t *testing.T, s modelslab.StorePlaces) {
	for _, key := range []string{"key", "other key", `*?[a]\ %é`} {
		assert.Zero(t, enter(t, s, key, "a", 2, time.Minute))
		assert.Zero(t, enter(t, s, key, `*?[b]\ %é`, 2, time.Hour))
		wait := enter(t, s, key, "c", 2, time.Second)
		assert.Greater(t, wait, 50*time.Second)
		assert.LessOrEqual(t, wait, time.Minute, "the first place is given up by then")
		assert.Zero(t, enter(t, s, key, "c", 3, time.Minute), "under a larger limit there is a place")
		assert.Positive(t, enter(t, s, key, "d", 1, time.Minute))
	}
}

func placesEnd(t *testing.T, s modelslab.StorePlaces) {
	begun := time.Now()
	require.Zero(t, enter(t, s, "key", "a", 1, brief))
	var wait time.Duration
	until(t, "the end of the place", func() bool {
		before := wait
		if wait = enter(t, s, "key", "b", 1, time.Minute); wait == 0 {
			return true
		}
		require.Positive(t, wait)
		require.LessOrEqual(t, wait, brief)
		if before != 0 {
			require.LessOrEqual(t, wait, before, "the end comes nearer")
		}
		return false
	})
	assert.GreaterOrEqual(t, time.Since(begun), brief-slack)
	assert.Positive(t, enter(t, s, "key", "a", 1, brief), "whose life is over is outside")
}

func placesKept(t *testing.T, s modelslab.StorePlaces) {
	for range 3 {
		assert.Zero(t, enter(t, s, "key", "a", 2, time.Minute))
	}
	assert.Zero(t, enter(t, s, "key", "b", 2, time.Minute), "a has one place, not three")
	assert.Positive(t, enter(t, s, "key", "c", 2, time.Minute))
	assert.Zero(t, enter(t, s, "key", "a", 2, time.Minute))
	assert.Zero(t, enter(t, s, "key", "b", 1, time.Minute), "a lower limit takes nobody's place")
}

func placesRenewed(t *testing.T, s modelslab.StorePlaces) {
	require.Zero(t, enter(t, s, "longer", "a", 1, brief))
	require.Zero(t, enter(t, s, "longer", "a", 1, time.Hour))
	require.Zero(t, enter(t, s, "shorter", "a", 1, time.Hour))
	require.Zero(t, enter(t, s, "shorter", "a", 1, brief))
	assert.LessOrEqual(t, enter(t, s, "shorter", "b", 1, time.Hour), brief)
	until(t, "the end of the shorter life", func() bool { return enter(t, s, "shorter", "b", 1, time.Hour) == 0 })
	wait := enter(t, s, "longer", "b", 1, time.Minute)
	assert.Greater(t, wait, 50*time.Minute)
	assert.LessOrEqual(t, wait, time.Hour)
}

func placesLeft(t *testing.T, s modelslab.StorePlaces) {
	leave(t, s, "key", "nobody")
	require.Zero(t, enter(t, s, "key", "a", 1, time.Hour))
	leave(t, s, "other key", "a")
	leave(t, s, "key", "b")
	require.Positive(t, enter(t, s, "key", "b", 1, time.Hour))
	leave(t, s, "key", "a")
	require.Zero(t, enter(t, s, "key", "b", 1, time.Hour))
	leave(t, s, "key", "a")
	assert.Positive(t, enter(t, s, "key", "c", 1, time.Hour), "the place is b's, and a gave back what it had no more")
}

// placesHeld lets many members in and out, through one handle or more, and counts.
func placesHeld(t *testing.T, handles ...modelslab.StorePlaces) {
	const members, limit, times = 24, 3, 4
	var inside, most atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	errs := together(members, func(i int) error {
		s, member := handles[i%len(handles)], fmt.Sprint("member ", i)
		for range times {
			for {
				wait, err := s.Enter(ctx, "key", member, limit, time.Minute)
				if err != nil {
					return err
				}
				if wait == 0 {
					break
				}
				if wait < 0 || wait > time.Minute {
					return fmt.Errorf("a wait of %v", wait)
				}
			}
			n := inside.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			if n > limit {
				return fmt.Errorf("%d are inside", n)
			}
			inside.Add(-1)
			if err := s.Leave(ctx, "key", member); err != nil {
				return err
			}
		}
		return nil
	})
	require.Empty(t, errs)
	assert.LessOrEqual(t, most.Load(), int64(limit))
	for i := range limit {
		assert.Zero(t, enter(t, handles[0], "key", fmt.Sprint("last ", i), limit, time.Minute), "all have left")
	}
}

func placesRefuse(t *testing.T, s modelslab.StorePlaces) {
	for _, c := range []struct {
		key, member string
		limit       int
		life        time.Duration
	}{
		{"", "a", 1, time.Minute}, {"key", "", 1, time.Minute},
		{"key", "a", 0, time.Minute}, {"key", "a", -1, time.Minute}, {"key", "a", math.MinInt, time.Minute},
		{"key", "a", 1, 0}, {"key", "a", 1, -time.Minute},
	} {
		_, err := s.Enter(t.Context(), c.key, c.member, c.limit, c.life)
		assert.Error(t, err, "%+v", c)
	}
	assert.Error(t, s.Leave(t.Context(), "", "a"))
	assert.Error(t, s.Leave(t.Context(), "key", ""))
	assert.Zero(t, enter(t, s, "key", "b", 1, time.Minute), "nobody is inside")
	assert.Zero(t, enter(t, s, "short", "b", math.MaxInt, time.Nanosecond), "any life is one")
	assert.Zero(t, enter(t, s, "long", "b", 1, math.MaxInt64))
	assert.Positive(t, enter(t, s, "long", "a", 1, time.Minute))
}

func placesEndedContext(t *testing.T, s modelslab.StorePlaces) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Enter(ctx, "key", "a", 1, time.Hour)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, enter(t, s, "key", "b", 1, time.Hour))
	require.ErrorIs(t, s.Leave(ctx, "key", "b"), context.Canceled)
	assert.Positive(t, enter(t, s, "key", "a", 1, time.Hour))
}
