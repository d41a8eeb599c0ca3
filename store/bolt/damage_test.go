package bolt_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/store/bolt"
)

// survives opens a file that may be damaged. Either Open says so and leaves it alone,
// or the store has all that it had and works.
func survives(t *testing.T, what string, file []byte, all map[string]string) (refused bool) {
	t.Helper()
	path := newPath(t)
	require.NoError(t, os.WriteFile(path, file, 0o600))
	s, err := bolt.Open(path)
	if err != nil {
		after, read := os.ReadFile(path)
		require.NoError(t, read)
		require.True(t, bytes.Equal(file, after), "%s: it was changed", what)
		require.Contains(t, err.Error(), path)
		s, again := bolt.Open(path)
		require.Nil(t, s)
		require.EqualError(t, again, err.Error(), "%s: it is not held", what)
		return true
	}
	has(t, s, all, what)
	put(t, s, "one more", "v", 0)
	require.NoError(t, s.Close())
	s, err = bolt.Open(path)
	require.NoError(t, err, what)
	require.NoError(t, s.Close())
	return false
}

func TestAnyBitTurned(t *testing.T) {
	t.Parallel()
	path, all := filled(t)
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	page := os.Getpagesize()
	require.Greater(t, len(file)/page, 12, "there are branches")
	random := rand.New(rand.NewPCG(1, 2))
	tries, refused := 0, 0
	turn := func(at int) {
		bit := byte(1) << random.IntN(8)
		file[at] ^= bit
		tries++
		if survives(t, fmt.Sprintf("bit %08b turned at %d", bit, at), file, all) {
			refused++
		}
		file[at] ^= bit
	}
	for at := 0; at < len(file); at += page {
		for range 4 { // where a page says what it is, and where its keys are
			turn(at + random.IntN(96))
		}
		turn(at + random.IntN(page))
	}
	assert.Greater(t, refused, tries/4)
}

func TestTruncated(t *testing.T) {
	t.Parallel()
	path, all := filled(t)
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	page := os.Getpagesize()
	refused := 0
	for n := 0; n < len(file); n += page/2 + 1 {
		if survives(t, "truncated", file[:n], all) {
			refused++
		}
	}
	for n := page; n < len(file); n += page {
		if survives(t, "truncated", file[:n], all) {
			refused++
		}
	}
	assert.Greater(t, refused, 3)
}

func TestPagesMixedUp(t *testing.T) {
	t.Parallel()
	path, all := filled(t)
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	page := os.Getpagesize()
	pages := len(file) / page
	random := rand.New(rand.NewPCG(3, 4))
	for at := range pages {
		for _, from := range []int{-1, random.IntN(pages)} {
			mixed, with := bytes.Clone(file), make([]byte, page)
			if from >= 0 {
				with = file[from*page : (from+1)*page]
			}
			copy(mixed[at*page:], with)
			survives(t, "mixed up", mixed, all)
		}
	}
}

// TestDamagedWhileOpen cuts the file off under a store that has it open: the pages
// that were mapped are no more.
func TestDamagedWhileOpen(t *testing.T) {
	t.Parallel()
	path, _ := filled(t)
	s := open(t, path)
	require.NoError(t, os.Truncate(path, int64(2*os.Getpagesize())))
	_, err := contents(t, s)
	require.ErrorContains(t, err, "damaged")
	_, err = s.Get(t.Context(), "journal/001")
	require.ErrorContains(t, err, "damaged")
	did, err := s.Swap(t.Context(), "new", nil, []byte("v"), 0)
	require.ErrorContains(t, err, "damaged")
	assert.False(t, did)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	refused(t, path, "damaged")
}

func TestDamagedWhileSwapping(t *testing.T) {
	t.Parallel()
	path, _ := filled(t)
	s := open(t, path)
	require.NoError(t, os.Truncate(path, int64(2*os.Getpagesize())))
	did, err := s.Swap(t.Context(), "new", nil, []byte("v"), 0)
	require.ErrorContains(t, err, "damaged")
	assert.False(t, did)
	require.NoError(t, s.Close())
	refused(t, path, "damaged")
}
