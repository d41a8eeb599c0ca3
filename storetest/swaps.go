package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

var swapClaims = []claim[modelslab.Store]{
	{"what was never put is nil", neverPut},
	{"swap compares", swapCompares},
	{"a key can be put again after it was taken away", putAgain},
	{"after its ttl a key is gone", ttlEnds},
	{"a negative ttl is an error", ttlNegative},
	{"a swap sets the ttl anew", ttlAnew},
	{"without a ttl a key stays", ttlTakenOff},
	{"an ended context does nothing", endedContext},
}

func neverPut(t *testing.T, s modelslab.Store) {
	assert.Nil(t, get(t, s, "nothing"))
	assert.Empty(t, list(t, s, ""))
	assert.False(t, swap(t, s, "nothing", []byte("v"), []byte("w"), 0))
	assert.False(t, swap(t, s, "nothing", []byte("v"), nil, 0), "there is nothing to take away")
	assert.True(t, swap(t, s, "nothing", nil, nil, 0), "nothing stands there, as said")
	assert.Nil(t, get(t, s, "nothing"))
	assert.Empty(t, list(t, s, ""))
}

func swapCompares(t *testing.T, s modelslab.Store) {
	v, w, x := []byte("v"), []byte("w"), []byte("x")
	put(t, s, "other", "o")
	steps := []struct {
		older, newer []byte
		did          bool
		then         []byte
	}{
		{nil, v, true, v},
		{nil, x, false, v},
		{nil, v, false, v}, // the same value is not nothing
		{nil, nil, false, v},
		{x, w, false, v},
		{[]byte("vv"), w, false, v},
		{v, w, true, w},
		{v, x, false, w},
		{w, w, true, w},
		{v, nil, false, w},
		{w, nil, true, nil},
		{w, nil, false, nil},
		{w, v, false, nil},
		{nil, nil, true, nil},
	}
	for i, step := range steps {
		require.Equal(t, step.did, swap(t, s, "key", step.older, step.newer, 0), "step %d", i)
		require.Equal(t, step.then, get(t, s, "key"), "step %d", i)
	}
	assert.Equal(t, []byte("o"), get(t, s, "other"))
}

func putAgain(t *testing.T, s modelslab.Store) {
	for range 3 {
		put(t, s, "key", "v")
		require.Equal(t, []string{"key"}, list(t, s, ""))
		require.True(t, swap(t, s, "key", []byte("v"), nil, 0))
		require.Nil(t, get(t, s, "key"))
		require.Empty(t, list(t, s, ""))
	}
}

func ttlEnds(t *testing.T, s modelslab.Store) {
	put(t, s, "stays", "v")
	for _, key := range []string{"listed", "swapped", "put again"} {
		require.True(t, swap(t, s, key, nil, []byte("v"), brief))
	}
	begun := time.Now()
	require.True(t, swap(t, s, "last", nil, []byte("v"), brief))
	until(t, "the end of the ttl", func() bool { return get(t, s, "last") == nil })
	assert.GreaterOrEqual(t, time.Since(begun), brief-slack)
	assert.Empty(t, list(t, s, "listed"))
	assert.False(t, swap(t, s, "swapped", []byte("v"), []byte("w"), 0), "there is nothing that was to be swapped")
	assert.True(t, swap(t, s, "put again", nil, []byte("v"), time.Hour))
	assert.Equal(t, []string{"put again", "stays"}, list(t, s, ""))
	assert.Equal(t, []byte("v"), get(t, s, "put again"), "the old ttl is no more")
}

func ttlNegative(t *testing.T, s modelslab.Store) {
	put(t, s, "there", "v")
	for key, older := range map[string][]byte{"there": []byte("v"), "not there": nil} {
		before := get(t, s, key)
		ok, err := s.Swap(t.Context(), key, older, []byte("w"), -time.Second)
		require.Error(t, err, "a time to live of less than nothing")
		assert.False(t, ok)
		assert.Equal(t, before, get(t, s, key), "and nothing has changed")
	}
}

func ttlAnew(t *testing.T, s modelslab.Store) {
	v, w := []byte("v"), []byte("w")
	require.True(t, swap(t, s, "longer", nil, v, brief))
	require.True(t, swap(t, s, "longer", v, v, time.Hour))
	require.True(t, swap(t, s, "refused", nil, v, time.Hour))
	require.False(t, swap(t, s, "refused", w, v, brief), "and the ttl stays")
	require.True(t, swap(t, s, "shorter", nil, v, time.Hour))
	require.True(t, swap(t, s, "shorter", v, w, brief)) // the last that was put: the others would be gone too
	until(t, "the end of the shorter ttl", func() bool { return get(t, s, "shorter") == nil })
	assert.Equal(t, v, get(t, s, "longer"))
	assert.Equal(t, v, get(t, s, "refused"))
}

func ttlTakenOff(t *testing.T, s modelslab.Store) {
	v := []byte("v")
	require.True(t, swap(t, s, "key", nil, v, brief))
	require.True(t, swap(t, s, "key", v, v, 0))
	require.True(t, swap(t, s, "clock", nil, v, brief))
	until(t, "the end of the ttl", func() bool { return get(t, s, "clock") == nil })
	assert.Equal(t, v, get(t, s, "key"))
}

func endedContext(t *testing.T, s modelslab.Store) {
	put(t, s, "key", "v")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Get(ctx, "key")
	require.ErrorIs(t, err, context.Canceled)
	did, err := s.Swap(ctx, "key", []byte("v"), []byte("w"), 0)
	require.ErrorIs(t, err, context.Canceled)
	assert.False(t, did)
	_, err = s.Swap(ctx, "new", nil, []byte("w"), 0)
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Swap(ctx, "key", []byte("v"), nil, 0)
	require.ErrorIs(t, err, context.Canceled)
	var errs []error
	for key, err := range s.List(ctx, "") {
		assert.Empty(t, key)
		errs = append(errs, err)
	}
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], context.Canceled)
	assert.Equal(t, []string{"key"}, list(t, s, ""))
	assert.Equal(t, []byte("v"), get(t, s, "key"))
}
