package bolt

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWaitingEndsWithTheContext has somebody else write for as long as it takes.
func TestWaitingEndsWithTheContext(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "store.db"))
	require.NoError(t, err)
	s.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	outcome := make(chan error)
	for _, key := range []string{"a", "b"} {
		go func() {
			_, err := s.Swap(ctx, key, nil, []byte("v"), 0)
			outcome <- err
		}()
	}
	waits := func(n int) func() bool {
		return func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.waiting) == n }
	}
	require.Eventually(t, waits(2), time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-outcome, context.Canceled)
	require.ErrorIs(t, <-outcome, context.Canceled)
	require.True(t, waits(0)())

	go func() {
		_, err := s.Swap(t.Context(), "c", nil, []byte("v"), 0)
		outcome <- err
	}()
	require.Eventually(t, waits(1), time.Minute, time.Millisecond)
	<-s.turn
	require.NoError(t, <-outcome)
	for key, there := range map[string]bool{"a": false, "b": false, "c": true} {
		v, err := s.Get(t.Context(), key)
		require.NoError(t, err)
		assert.Equal(t, there, v != nil, key)
	}
	require.NoError(t, s.Close())
}

// TestBegunIsSeenToItsEnd ends the context of a swap that the disk is at.
func TestBegunIsSeenToItsEnd(t *testing.T) {
	s := &Store{turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	outcome := make(chan bool)
	go func() {
		did, err := s.Swap(ctx, "key", nil, []byte("v"), 0)
		outcome <- did && err == nil
	}()
	var begun []*swap
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		begun, s.waiting = s.waiting, nil
		return begun != nil
	}, time.Minute, time.Millisecond)
	cancel()
	begun[0].did = true
	close(begun[0].done)
	assert.True(t, <-outcome)
}
