package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// narrate runs the program in memory and in fake time, in a directory of its own.
func narrate(t *testing.T, typed string, args []string, opts ...modelslab.Option) (printed string, err error) {
	t.Helper()
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		err = run(t.Context(), args, strings.NewReader(typed), &out, opts...)
		printed = out.String()
	})
	return printed, err
}

func TestTranscript(t *testing.T) {
	printed, err := narrate(t, "", nil)
	require.NoError(t, err)
	assert.Equal(t, "job 10000001: madison reads 85 characters\ndone after 2.0s\nsaved 10000001-1.wav\npaid $0.03; the wallet holds $0.97\n", printed)
	sound, err := os.ReadFile("10000001-1.wav")
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(sound, []byte("RIFF")))
}

func TestReadsWhatItIsGiven(t *testing.T) {
	printed, err := narrate(t, "héllo\n", []string{"-voice", "dan", "-dir", "sub", "-"})
	require.NoError(t, err)
	assert.Contains(t, printed, "dan reads 5 characters")
	assert.Contains(t, printed, "saved "+filepath.Join("sub", "10000001-1.wav"))

	printed, err = narrate(t, "", []string{"two", "words"})
	require.NoError(t, err)
	assert.Contains(t, printed, "reads 9 characters")
}

func TestWhatCannotBeReadCostsNothing(t *testing.T) {
	for _, typed := range []string{" \n", strings.Repeat("a", 2501)} {
		printed, err := narrate(t, typed, []string{"-"})
		require.ErrorIs(t, err, modelslab.ErrValidation)
		assert.Empty(t, printed)
		assert.Contains(t, advice(err), "nothing was paid")
	}
}

func TestADirectoryThatCannotBeIsKnownFirst(t *testing.T) {
	t.Setenv("MODELSLAB_API_KEY", "set")
	srv := sandbox.New(sandbox.InMemory())
	_, err := narrate(t, "", []string{"-live", "-dir", filepath.Join(os.Args[0], "sub")}, srv.Account(sandbox.AccountParams{}).ClientOptions()...)
	require.Error(t, err)
	assert.Empty(t, srv.Requests())
}

func TestLiveNeedsAKey(t *testing.T) {
	t.Setenv("MODELSLAB_API_KEY", "")
	_, err := narrate(t, "", []string{"-live"})
	require.ErrorIs(t, err, errNoKey)
}

func TestAJobThatFails(t *testing.T) {
	t.Setenv("MODELSLAB_API_KEY", "set")
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.New(sandbox.InMemory(), sandbox.WithGenerationOutcome(sandbox.GenerationFails))
		err := run(t.Context(), []string{"-live"}, nil, &bytes.Buffer{}, srv.Account(sandbox.AccountParams{BalanceCents: 1_00}).ClientOptions()...)
		require.ErrorIs(t, err, modelslab.ErrGenerationFailed)
		assert.Contains(t, advice(err), "-voice")
	})
}

func TestAdvice(t *testing.T) {
	for _, err := range []error{
		modelslab.ErrOutcomeUnknown, context.Canceled, modelslab.ErrPaymentDeclined, modelslab.ErrUnauthenticated, modelslab.ErrRateLimited,
	} {
		assert.NotEmpty(t, advice(err), "%v", err)
	}
	assert.Empty(t, advice(errors.New("something else")))
}
