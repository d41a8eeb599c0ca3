package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

var listClaims = []claim[modelslab.Store]{
	{"list yields the keys of a prefix", listPrefix},
	{"list yields many keys, each once", listMany},
	{"whoever lists may stop", listStops},
	{"whoever lists may swap", listSwaps},
	{"list while keys come and go", listMeanwhile},
}

func listPrefix(t *testing.T, s modelslab.Store) {
	keys := []string{"a", "a/1", "a/2", "a/2/3", "ab", "A/1", "b/a/1", `a\/1`, "*", "*/1", "a*", "[a]/1", "?/1"}
	for _, key := range keys {
		put(t, s, key, "v")
	}
	for _, prefix := range []string{"", "a", "a/", "a/2", "a/2/3", "a/2/3/", "A", "b", "c", "*", "*/", "a*", "[a]", "[", "?", "?/", `a\`, `\`, "/"} {
		assert.Equal(t, having(keys, prefix), list(t, s, prefix), "prefix %q", prefix)
	}
}

// fill puts n keys with one prefix, and returns them in order.
func fill(t testing.TB, s modelslab.Store, prefix string, n int) []string {
	t.Helper()
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s%04d", prefix, i)
	}
	const hands = 50
	errs := together(hands, func(hand int) error {
		for i := hand; i < n; i += hands {
			if did, err := s.Swap(t.Context(), keys[i], nil, []byte("v"), 0); err != nil || !did {
				return fmt.Errorf("%q: %v, %w", keys[i], did, err)
			}
		}
		return nil
	})
	require.Empty(t, errs)
	return keys
}

func listMany(t *testing.T, s modelslab.Store) {
	fill(t, s, "others/", 500)
	keys := fill(t, s, "many/", 1500)
	assert.Equal(t, keys, list(t, s, "many/"))
	assert.Len(t, list(t, s, ""), 2000)
	assert.Len(t, list(t, s, "many/1"), 500)
}

func listStops(t *testing.T, s modelslab.Store) {
	fill(t, s, "key/", 1200)
	for _, n := range []int{1, 2, 1100} {
		seen := 0
		for _, err := range s.List(t.Context(), "key/") {
			require.NoError(t, err)
			if seen++; seen == n {
				break
			}
		}
		assert.Equal(t, n, seen)
	}
	put(t, s, "after", "v") // nothing is held any more
	assert.Len(t, list(t, s, "key/"), 1200)
}

func listSwaps(t *testing.T, s modelslab.Store) {
	fill(t, s, "key/", 40)
	v := []byte("v")
	seen := 0
	for key, err := range s.List(t.Context(), "key/") {
		require.NoError(t, err)
		seen++
		require.Equal(t, v, get(t, s, key))
		require.True(t, swap(t, s, key, v, nil, 0))
		put(t, s, "done/"+key, strings.Repeat("v", 10_000))
	}
	assert.Equal(t, 40, seen)
	assert.Empty(t, list(t, s, "key/"))
	assert.Len(t, list(t, s, "done/"), 40)
}

func listMeanwhile(t *testing.T, s modelslab.Store) {
	stay := fill(t, s, "key/stays/", 1100)
	var stop atomic.Bool
	defer stop.Store(true)
	ended := make(chan []error, 1)
	go func() {
		ended <- together(4, func(hand int) error {
			for i := 0; !stop.Load(); i++ {
				key := fmt.Sprintf("key/%d/%d", hand, i%100)
				if _, err := s.Swap(t.Context(), key, nil, []byte("v"), 0); err != nil {
					return err
				}
				if _, err := s.Swap(t.Context(), key, []byte("v"), nil, 0); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	for range 5 {
		got := list(t, s, "key/")
		assert.Equal(t, stay, having(got, "key/stays/"))
		assert.False(t, slices.Contains(got, ""))
	}
	stop.Store(true)
	assert.Empty(t, <-ended)
	assert.Equal(t, stay, list(t, s, "key/"))
}
