package main

import (
	"bytes"
	"flag"
	"io"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// runs is what the program prints. A day is printed as a day.
func runs(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, &out)
	return regexp.MustCompile(`\d{4}-\d\d-\d\d`).ReplaceAllString(out.String(), "DAY"), err
}

func TestTranscript(t *testing.T) {
	t.Setenv("MODELSLAB_TOKEN", "of somebody who is not meant")
	printed, err := runs(t)
	require.NoError(t, err, printed)
	assert.Equal(t, `log in      ada@example.com has a session, token [redacted]
profile     ada@example.com is ada101, verified: true
preference  a mail comes when the wallet holds less than $7.50
API keys    Default, account-example; the last one is deleted again
usage       2 calls in all, 2 in the last 30 days
            success  $0.03  /api/v6/images/img2img
            success  $0.02  /api/v6/images/text2img
sessions    sandbox never ends
            account-example ends on DAY
the others  ended; there is now: account-example ends on DAY
log out     this session has ended
`, printed)
}

// service is a sandbox in the place of the real service.
func service(t *testing.T) (*sandbox.Server, sandbox.Account) {
	t.Helper()
	srv := sandbox.New()
	t.Cleanup(srv.Close)
	t.Setenv("MODELSLAB_BASE_URL", srv.URL())
	for _, name := range []string{"MODELSLAB_TOKEN", "MODELSLAB_EMAIL", "MODELSLAB_PASSWORD", "MODELSLAB_API_KEY", "MODELSLAB_ACCOUNT"} {
		t.Setenv(name, "")
	}
	return srv, srv.Account(sandbox.AccountParams{})
}

func TestLiveOnlyReads(t *testing.T) {
	srv, a := service(t)
	t.Setenv("MODELSLAB_TOKEN", a.AccessToken)
	printed, err := runs(t, "-live")
	require.NoError(t, err, printed)
	assert.NotContains(t, printed, "log in")
	assert.Contains(t, printed, "preference  left as it is; -change changes it\n")
	for _, r := range srv.Requests() {
		assert.Equal(t, "GET", r.Method, r.Path)
	}
}

func TestLiveChangesWhereThatIsWanted(t *testing.T) {
	srv, a := service(t)
	t.Setenv("MODELSLAB_EMAIL", a.Email)
	t.Setenv("MODELSLAB_PASSWORD", a.Password)
	printed, err := runs(t, "-live", "-change")
	require.NoError(t, err, printed)
	assert.Contains(t, printed, "$7.50")
	assert.Contains(t, printed, "usage       0 calls in all, 0 in the last 30 days\n")
	assert.Contains(t, printed, "the others  ended; there is now: account-example ends on DAY\n")
	assert.Empty(t, srv.Charges())
	last := srv.Requests()[len(srv.Requests())-1]
	assert.Equal(t, "auth.logout", last.Endpoint)
}

func TestLiveNeedsCredentials(t *testing.T) {
	srv, a := service(t)
	_, err := runs(t, "-live")
	require.ErrorIs(t, err, modelslab.ErrUnauthenticated)
	assert.Empty(t, srv.Requests())

	t.Setenv("MODELSLAB_EMAIL", a.Email)
	t.Setenv("MODELSLAB_PASSWORD", "a guess")
	_, err = runs(t, "-live")
	require.ErrorIs(t, err, modelslab.ErrUnauthenticated)
	assert.ErrorContains(t, err, "log in: ")
}

func TestCommandLinesThatCannotBeRight(t *testing.T) {
	require.Error(t, run(t.Context(), []string{"please"}, io.Discard))
	require.ErrorIs(t, run(t.Context(), []string{"-help"}, io.Discard), flag.ErrHelp)
}
