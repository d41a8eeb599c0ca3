package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// live runs the program as -live does, with a sandbox in the place of the real service.
func live(t *testing.T, cents int64, opts ...sandbox.Option) (*sandbox.Server, sandbox.Account, string, error) {
	t.Helper()
	srv := sandbox.New(append(opts, sandbox.InMemory())...)
	t.Cleanup(srv.Close)
	a := srv.Account(sandbox.AccountParams{BalanceCents: cents})
	t.Setenv("MODELSLAB_API_KEY", "set")
	t.Setenv("MODELSLAB_BASE_URL", srv.URL()+"/")
	var out bytes.Buffer
	err := run(t.Context(), []string{"-live", "Hello", "there"}, &out, a.ClientOptions()...)
	return srv, a, out.String(), err
}

func TestBothGetAnAnswerAndAStream(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out), out.String())
	assert.Equal(t, `openai-go, at once:               You said: Why is the sky blue?
openai-go, as it is made:         You said: Why is the sky blue?
anthropic-sdk-go, at once:        You said: Why is the sky blue?
anthropic-sdk-go, as it is made:  You said: Why is the sky blue?
paid $0.04; the wallet holds $0.96
`, out.String())
}

func TestOnlyTheAccountsKeyIsSent(t *testing.T) {
	for _, name := range []string{"OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"} {
		t.Setenv(name, "of-another-account")
	}
	t.Setenv("OPENAI_BASE_URL", "https://example.com/v1")
	t.Setenv("ANTHROPIC_BASE_URL", "https://example.com")
	srv, a, printed, err := live(t, 1_00)
	require.NoError(t, err)
	assert.Equal(t, 4, strings.Count(printed, "You said: Hello there"))

	asked := 0
	for _, r := range srv.Requests() {
		if !strings.Contains(r.Path, "/llm/") {
			continue // the wallet
		}
		asked++
		assert.Equal(t, "Bearer "+a.APIKey, r.Header.Get("Authorization"))
		for name, values := range r.Header {
			assert.NotContains(t, strings.Join(values, " "), "of-another-account", name)
			assert.NotEqual(t, unused, strings.Join(values, " "), name)
		}
	}
	assert.Equal(t, 4, asked)
}

func TestNothingIsAskedTwice(t *testing.T) {
	for kind, says := range map[sandbox.FaultKind]string{
		sandbox.FaultDropAfter: "may have been paid",
		sandbox.Fault500:       "may have been paid",
		sandbox.Fault429:       "nothing was paid",
	} {
		srv, _, _, err := live(t, 1_00, sandbox.WithFault(sandbox.Fault{Endpoint: "/api/v7/llm/chat/completions", Kind: kind}))
		require.Error(t, err, kind)
		assert.Contains(t, advice(err), says, kind)
		asked := 0
		for _, r := range srv.Requests() {
			if strings.Contains(r.Path, "/llm/") {
				asked++
			}
		}
		assert.Equal(t, 1, asked, kind)
	}
}

func TestErrorsOfTheServer(t *testing.T) {
	_, _, _, err := live(t, 0)
	require.Error(t, err)
	assert.Contains(t, advice(err), "Fund it")

	_, _, printed, err := live(t, 2) // enough for the first two answers
	require.ErrorContains(t, err, "anthropic-sdk-go")
	assert.Contains(t, advice(err), "Fund it")
	assert.Equal(t, 2, strings.Count(printed, "You said"))
}

func TestLiveNeedsAKey(t *testing.T) {
	t.Setenv("MODELSLAB_API_KEY", "")
	require.ErrorIs(t, run(t.Context(), []string{"-live"}, &bytes.Buffer{}, modelslab.FromEnv()), errNoKey)
	assert.Empty(t, advice(errNoKey))
}
