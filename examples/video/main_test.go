package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// video runs the program in memory and in fake time, in a directory of its own.
func video(t *testing.T, args ...string) (printed string, err error) {
	t.Helper()
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		err = run(t.Context(), args, &out)
		printed = out.String()
	})
	return printed, err
}

func TestTranscript(t *testing.T) {
	printed, err := video(t)
	require.NoError(t, err)
	assert.Equal(t, `job 10000001: "waves roll onto a beach at sunset"
processing, 0s, about 3s to go
success, 3s
saved 10000001-1.mp4
It is a stub: the sandbox has no encoder, and no player shows it. -type gif moves.
paid $0.20; the wallet holds $0.80
`, printed)
}

func TestAGIFMoves(t *testing.T) {
	printed, err := video(t, "-type", "gif", "a", "kite")
	require.NoError(t, err)
	assert.Contains(t, printed, `job 10000001: "a kite"`)
	assert.NotContains(t, printed, "stub")
	picture, err := os.ReadFile("10000001-1.gif")
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(picture, []byte("GIF89a")))
}

func TestAnInterruptedJobIsPickedUp(t *testing.T) {
	t.Setenv("MODELSLAB_API_KEY", "set")
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.New(sandbox.InMemory(), sandbox.WithGenerationTime(time.Minute))
		opts := srv.Account(sandbox.AccountParams{BalanceCents: 1_00}).ClientOptions()
		ctx, interrupt := context.WithTimeout(t.Context(), 10*time.Second)
		defer interrupt()
		require.ErrorIs(t, run(ctx, []string{"-live"}, &bytes.Buffer{}, opts...), context.DeadlineExceeded)

		var out bytes.Buffer
		require.NoError(t, run(t.Context(), []string{"-live", "-job", "10000001"}, &out, opts...))
		assert.Contains(t, out.String(), "asked for, 0s\n")
		assert.Contains(t, out.String(), "saved 10000001-1.mp4\npaid $0.00; the wallet holds $0.80\n")
	})
}

func TestLiveNeedsAKey(t *testing.T) {
	t.Setenv("MODELSLAB_API_KEY", "")
	_, err := video(t, "-live")
	require.ErrorIs(t, err, errNoKey)
	_, err = video(t, "-job", "1")
	require.ErrorContains(t, err, "needs -live")
}

// screen is a buffer for several writers.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func TestTheLineOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out screen
		p := &progress{out: &out, terminal: true, stop: make(chan struct{}), start: time.Now()}
		p.answer(&modelslab.Generation{Status: modelslab.StatusProcessing, ETA: 5 * time.Second})
		p.done.Go(p.move)
		<-time.After(2100 * time.Millisecond)
		p.answer(&modelslab.Generation{Status: modelslab.StatusSuccess})
		p.end()
		assert.Contains(t, out.b.String(), "\r\x1b[Kprocessing, 2s, about 3s to go")
		assert.Contains(t, out.b.String(), "success, 2s\n")
	})
}

func TestAdvice(t *testing.T) {
	for _, err := range []error{
		modelslab.ErrOutcomeUnknown, context.Canceled, modelslab.ErrGenerationFailed, modelslab.ErrPaymentDeclined,
		modelslab.ErrUnauthenticated, modelslab.ErrNotFound, modelslab.ErrValidation, modelslab.ErrRateLimited,
	} {
		assert.NotEmpty(t, advice(err), "%v", err)
	}
	assert.Empty(t, advice(errors.New("something else")))
}
