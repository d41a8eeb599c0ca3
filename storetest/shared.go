package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// pair is two handles of one place.
type pair struct{ a, b modelslab.Store }

var sharedClaims = []claim[pair]{
	{"each sees what the other did", eachSees},
	{"a ttl ends for both", endsForBoth},
	{"of both no update is lost", func(t *testing.T, p pair) { noneLost(t, p.a, p.b) }},
	{"one of many puts in both", func(t *testing.T, p pair) { onePuts(t, p.a, p.b) }},
	{"one of many takes away from both", func(t *testing.T, p pair) { oneTakes(t, p.a, p.b) }},
	{"what was swapped is there for both to be read", func(t *testing.T, p pair) { readAfterSwap(t, p.a, p.b) }},
	{"both have one clock", oneClock},
	{"both share places", sharePlaces},
}

func eachSees(t *testing.T, p pair) {
	v, w := []byte("v"), []byte("w")
	for i, from := range []pair{p, {p.b, p.a}} {
		key := fmt.Sprint("key ", i)
		require.True(t, swap(t, from.a, key, nil, v, 0))
		require.Equal(t, v, get(t, from.b, key))
		require.False(t, swap(t, from.b, key, nil, w, 0))
		require.Equal(t, []string{key}, list(t, from.b, ""))
		require.True(t, swap(t, from.b, key, v, w, 0))
		require.False(t, swap(t, from.a, key, v, nil, 0))
		require.True(t, swap(t, from.a, key, w, nil, 0))
		require.Nil(t, get(t, from.b, key))
		require.Empty(t, list(t, from.b, ""))
	}
}

func endsForBoth(t *testing.T, p pair) {
	require.True(t, swap(t, p.a, "key", nil, []byte("v"), brief))
	require.True(t, swap(t, p.b, "other key", nil, []byte("v"), brief))
	until(t, "the end of the ttl", func() bool { return get(t, p.a, "other key") == nil })
	until(t, "the end of the ttl", func() bool { return get(t, p.b, "key") == nil })
	assert.Empty(t, list(t, p.a, ""))
	assert.True(t, swap(t, p.b, "key", nil, []byte("w"), 0))
	assert.Equal(t, []byte("w"), get(t, p.a, "key"))
}

func oneClock(t *testing.T, p pair) {
	a, is := p.a.(modelslab.StoreClock)
	if !is {
		return
	}
	b := p.b.(modelslab.StoreClock)
	var last time.Time
	for range 50 {
		for _, s := range []modelslab.StoreClock{a, b} {
			now, err := s.Now(t.Context())
			require.NoError(t, err)
			require.False(t, now.Before(last), "the clock went back from %v to %v", last, now)
			last = now
		}
	}
}

func sharePlaces(t *testing.T, p pair) {
	a, is := p.a.(modelslab.StorePlaces)
	if !is {
		return
	}
	b := p.b.(modelslab.StorePlaces)
	require.Zero(t, enter(t, a, "one", "a", 1, time.Hour))
	require.Positive(t, enter(t, b, "one", "b", 1, time.Hour))
	require.Zero(t, enter(t, b, "one", "a", 1, time.Hour), "a member is the same through either")
	leave(t, b, "one", "a")
	require.Zero(t, enter(t, b, "one", "b", 1, time.Hour))
	require.Positive(t, enter(t, a, "one", "a", 1, time.Hour))
	placesHeld(t, a, b)
}
