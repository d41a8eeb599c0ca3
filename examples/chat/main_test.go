package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func chat(t *testing.T, typed string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, strings.NewReader(typed), &out)
	return out.String(), err
}

// live runs the program as -live does, with a sandbox in the place of the real service.
func live(t *testing.T, srv *sandbox.Server, cents int64, typed string, args ...string) (string, error) {
	t.Helper()
	t.Setenv("MODELSLAB_API_KEY", "set")
	var out bytes.Buffer
	err := run(t.Context(), append([]string{"-live"}, args...), strings.NewReader(typed), &out,
		srv.Account(sandbox.AccountParams{BalanceCents: cents}).ClientOptions()...)
	return out.String(), err
}

func TestAQuestion(t *testing.T) {
	printed, err := chat(t, "not read", "Why", "not?")
	require.NoError(t, err)
	assert.Equal(t, "You said: Why not?\npaid $0.01; the wallet holds $0.99\n", printed)
}

func TestAConversation(t *testing.T) {
	srv := sandbox.New(sandbox.InMemory())
	printed, err := live(t, srv, 1_00, "Hello\n\nAnd you?\n")
	require.NoError(t, err)
	assert.Contains(t, printed, "> Hello\nYou said: Hello\n> \n> And you?\nYou said: And you?\n> \npaid $0.02")

	var last []byte
	for _, r := range srv.Requests() {
		if strings.HasSuffix(r.Path, "/chat/completions") {
			last = r.Body
		}
	}
	for _, said := range []string{`"Hello"`, `"You said: Hello"`, `"And you?"`} {
		assert.Contains(t, string(last), said, "the model is told everything")
	}
}

func TestModels(t *testing.T) {
	printed, err := chat(t, "", "-models")
	require.NoError(t, err)
	assert.Contains(t, printed, "Qwen/Qwen2.5-VL-72B-Instruct-together\n")
	assert.NotContains(t, printed, "paid")
}

func TestAnAnswerThatBreaksOffIsShownAsFarAsItCame(t *testing.T) {
	printed, err := live(t, sandbox.New(sandbox.InMemory(), sandbox.WithChatCut(3)), 1_00, "", "Hello", "you")
	require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
	assert.Equal(t, "You said:\n", printed)
	assert.Contains(t, advice(err), "may have been paid")
}

func TestLiveNeedsAKey(t *testing.T) {
	t.Setenv("MODELSLAB_API_KEY", "")
	_, err := chat(t, "", "-live", "Hello")
	require.ErrorIs(t, err, errNoKey)
}

func TestAnEmptyWallet(t *testing.T) {
	_, err := live(t, sandbox.New(sandbox.InMemory()), 0, "", "Hello")
	require.ErrorIs(t, err, modelslab.ErrPaymentDeclined)
	assert.Contains(t, advice(err), "Fund it")
}

func TestAnInterruptionAtThePromptIsAnEnd(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	require.NoError(t, run(ctx, nil, strings.NewReader(""), &bytes.Buffer{}))
}

func TestAdvice(t *testing.T) {
	require.ErrorIs(t, run(t.Context(), []string{"-help"}, nil, nil), flag.ErrHelp)
	for _, err := range []error{
		modelslab.ErrGenerationFailed, modelslab.ErrUnauthenticated, modelslab.ErrValidation, modelslab.ErrRateLimited,
	} {
		assert.NotEmpty(t, advice(err), "%v", err)
	}
	assert.Empty(t, advice(errors.New("something else")))
}
