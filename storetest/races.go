package storetest

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

var raceClaims = []claim[modelslab.Store]{
	{"no update is lost", func(t *testing.T, s modelslab.Store) { noneLost(t, s) }},
	{"one of many puts", func(t *testing.T, s modelslab.Store) { onePuts(t, s) }},
	{"one of many takes away", func(t *testing.T, s modelslab.Store) { oneTakes(t, s) }},
	{"what was swapped is there to be read", func(t *testing.T, s modelslab.Store) { readAfterSwap(t, s) }},
}

// count adds one to the number under key.
func count(ctx context.Context, s modelslab.Store, key string) error {
	for {
		now, err := s.Get(ctx, key)
		if err != nil {
			return err
		}
		n := 0
		if now != nil {
			if n, err = strconv.Atoi(string(now)); err != nil {
				return err
			}
		}
		if did, err := s.Swap(ctx, key, now, []byte(strconv.Itoa(n+1)), 0); did || err != nil {
			return err
		}
	}
}

// noneLost counts in many goroutines, through one handle or more.
func noneLost(t *testing.T, handles ...modelslab.Store) {
	const hands, times = 16, 15
	errs := together(hands, func(hand int) error {
		s := handles[hand%len(handles)]
		for range times {
			if err := count(t.Context(), s, "count"); err != nil {
				return err
			}
			if err := count(t.Context(), s, fmt.Sprint("own ", hand)); err != nil {
				return err
			}
		}
		return nil
	})
	require.Empty(t, errs)
	for _, s := range handles {
		assert.Equal(t, strconv.Itoa(hands*times), string(get(t, s, "count")))
		for hand := range hands {
			assert.Equal(t, strconv.Itoa(times), string(get(t, s, fmt.Sprint("own ", hand))))
		}
	}
}

func onePuts(t *testing.T, handles ...modelslab.Store) {
	for round := range 20 {
		key := fmt.Sprint("round ", round)
		var winner atomic.Int64
		errs := together(12, func(hand int) error {
			did, err := handles[hand%len(handles)].Swap(t.Context(), key, nil, []byte(strconv.Itoa(hand)), 0)
			if did && !winner.CompareAndSwap(0, int64(hand)+1) {
				return fmt.Errorf("%d won too", hand)
			}
			return err
		})
		require.Empty(t, errs)
		for _, s := range handles {
			require.Equal(t, strconv.FormatInt(winner.Load()-1, 10), string(get(t, s, key)))
		}
	}
}

func oneTakes(t *testing.T, handles ...modelslab.Store) {
	for round := range 20 {
		key := fmt.Sprint("round ", round)
		put(t, handles[0], key, "v")
		var took atomic.Int64
		errs := together(12, func(hand int) error {
			did, err := handles[hand%len(handles)].Swap(t.Context(), key, []byte("v"), nil, 0)
			if did {
				took.Add(1)
			}
			return err
		})
		require.Empty(t, errs)
		require.EqualValues(t, 1, took.Load())
		require.Nil(t, get(t, handles[0], key))
	}
}

// readAfterSwap has each goroutine read what it has just swapped, while the others
// make the store busy.
func readAfterSwap(t *testing.T, handles ...modelslab.Store) {
	errs := together(12, func(hand int) error {
		s, key := handles[hand%len(handles)], fmt.Sprint("hand ", hand)
		var now []byte
		for i := range 20 {
			next := []byte(strconv.Itoa(i))
			if did, err := s.Swap(t.Context(), key, now, next, 0); err != nil || !did {
				return fmt.Errorf("swap %d: %v, %w", i, did, err)
			}
			for _, other := range handles {
				if v, err := other.Get(t.Context(), key); err != nil || string(v) != string(next) {
					return fmt.Errorf("swap %d: %q, %w", i, v, err)
				}
			}
			now = next
		}
		return nil
	})
	require.Empty(t, errs)
}
