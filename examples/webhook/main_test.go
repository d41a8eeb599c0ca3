package main

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func TestTranscript(t *testing.T) {
	t.Chdir(t.TempDir())
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out), out.String())
	printed := regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(out.String(), "HOST")
	printed = regexp.MustCompile(`after \d+\.\ds`).ReplaceAllString(printed, "after a while")
	assert.Equal(t, `submitted job 10000001, with a webhook at http://HOST/modelslab
a lie     "a job of nobody's is done" is answered with 404 Not Found
a lie     "this job is done already" is answered with 202 Accepted
not true  the API says that the job is processing, so the handler hands nothing over
told      by a webhook after a while that the status is "success"; the API says "success" too
saved     10000001-1.png
paid      $0.02; the wallet holds $0.98
`, printed)
	assertPicture(t)
}

func assertPicture(t *testing.T) {
	t.Helper()
	data, err := os.ReadFile("10000001-1.png")
	require.NoError(t, err)
	picture, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	assert.Equal(t, 768, picture.Bounds().Dx())
}

func TestAWebhookThatDoesNotComeIsNotWaitedForForEver(t *testing.T) {
	t.Chdir(t.TempDir())
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-patience", "1ms"}, &out), out.String())
	assert.Contains(t, out.String(), "not told  within 1ms; so it asks")
	assertPicture(t)
}

func TestLiveNeedsAKeyAndAPlaceToCall(t *testing.T) {
	t.Setenv("MODELSLAB_API_KEY", "")
	require.ErrorIs(t, run(t.Context(), []string{"-live"}, &bytes.Buffer{}), errNoKey)
	t.Setenv("MODELSLAB_API_KEY", "set")
	for _, args := range [][]string{{"-live"}, {"-live", "-url", "https://example.com"}, {"-live", "-addr", "127.0.0.1:0"}} {
		require.ErrorIs(t, run(t.Context(), args, &bytes.Buffer{}), errNoURL)
	}
}

func TestAJobThatFails(t *testing.T) {
	t.Setenv("MODELSLAB_API_KEY", "set")
	t.Chdir(t.TempDir())
	srv := sandbox.New(sandbox.InMemory(), sandbox.WithGenerationOutcome(sandbox.GenerationFails))
	defer srv.Close()
	// Nobody calls this URL: it is the API that tells.
	err := run(t.Context(), []string{"-live", "-addr", "127.0.0.1:0", "-url", "https://127.0.0.1:1", "-patience", "1ms"}, &bytes.Buffer{},
		srv.Account(sandbox.AccountParams{BalanceCents: 1_00}).ClientOptions()...)
	require.ErrorIs(t, err, modelslab.ErrGenerationFailed)
}

func TestAdvice(t *testing.T) {
	require.Error(t, run(t.Context(), []string{"please"}, &bytes.Buffer{}))
	for _, err := range []error{
		modelslab.ErrOutcomeUnknown, context.Canceled, modelslab.ErrGenerationFailed, modelslab.ErrPaymentDeclined,
		modelslab.ErrUnauthenticated, modelslab.ErrValidation, modelslab.ErrRateLimited,
	} {
		assert.NotEmpty(t, advice(err), "%v", err)
	}
	assert.Empty(t, advice(errors.New("something else")))
}
