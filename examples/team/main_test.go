package main

import (
	"bytes"
	"flag"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func runs(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, &out)
	return out.String(), err
}

func TestTranscript(t *testing.T) {
	printed, err := runs(t)
	require.NoError(t, err, printed)
	assert.Equal(t, `invite  grace@example.com has a mail; the invitation is pending
accept  grace@example.com is in the team
switch  grace@example.com acts for the account of ada@example.com
change  grace@example.com was viewer and is editor now, for models
remove  grace@example.com is out; its session for the account is refused: true
`, printed)
}

// service is a sandbox in the place of the real service, with two accounts.
func service(t *testing.T, opts ...sandbox.Option) *sandbox.Server {
	t.Helper()
	srv := sandbox.New(opts...)
	t.Cleanup(srv.Close)
	t.Setenv("MODELSLAB_BASE_URL", srv.URL())
	t.Setenv("MODELSLAB_TOKEN", srv.Account(sandbox.AccountParams{Email: "ada@example.com"}).AccessToken)
	t.Setenv("MODELSLAB_GUEST_TOKEN", srv.Account(sandbox.AccountParams{Email: "grace@example.com"}).AccessToken)
	t.Setenv("MODELSLAB_API_KEY", "")
	t.Setenv("MODELSLAB_ACCOUNT", "")
	return srv
}

func TestLive(t *testing.T) {
	srv := service(t)
	printed, err := runs(t, "-live", "-guest", "grace@example.com")
	require.NoError(t, err, printed)
	assert.Contains(t, printed, "is refused: true")
	assert.Empty(t, srv.Charges())
}

func TestLiveTakesTheIDFromTheMail(t *testing.T) {
	srv := service(t)
	owner, err := modelslab.New(modelslab.FromEnv())
	require.NoError(t, err)
	_, err = owner.Teams.Invite(t.Context(), modelslab.TeamInviteParams{Email: "grace@example.com"})
	require.NoError(t, err)
	id, _ := srv.InviteID("grace@example.com")

	printed, err := runs(t, "-live", "-guest", "grace@example.com", "-invite", id)
	require.NoError(t, err, printed)
	assert.NotContains(t, printed, "has a mail")
	assert.Contains(t, printed, "was member and is editor now")
}

func TestLiveInvitesNobodyWhoWasNotNamed(t *testing.T) {
	srv := service(t)
	_, err := runs(t, "-live")
	require.ErrorContains(t, err, "-guest")
	assert.Empty(t, srv.Requests())
}

func TestLiveNeedsBothTokens(t *testing.T) {
	srv := service(t)
	t.Setenv("MODELSLAB_GUEST_TOKEN", "")
	_, err := runs(t, "-live", "-guest", "grace@example.com")
	require.ErrorContains(t, err, "the guest's token")
	t.Setenv("MODELSLAB_GUEST_TOKEN", "x")
	t.Setenv("MODELSLAB_TOKEN", "")
	_, err = runs(t, "-live", "-guest", "grace@example.com")
	require.ErrorIs(t, err, modelslab.ErrUnauthenticated)
	assert.Empty(t, srv.Requests())
}

func TestAnInvitationWhoseIDIsInTheMailAlone(t *testing.T) {
	service(t)
	client, err := modelslab.New(modelslab.FromEnv())
	require.NoError(t, err)
	var out bytes.Buffer
	err = (&team{owner: client, guest: client, email: "grace@example.com", mail: func(string) (string, bool) { return "", false }, out: &out}).all(t.Context())
	require.ErrorContains(t, err, "run again with -invite")
}

func TestSomebodyWhoIsNotInTheTeam(t *testing.T) {
	service(t)
	client, err := modelslab.New(modelslab.FromEnv())
	require.NoError(t, err)
	_, err = (&team{owner: client, email: "nobody@example.com"}).member(t.Context())
	require.ErrorContains(t, err, "not in the team")
}

func TestCommandLinesThatCannotBeRight(t *testing.T) {
	for _, args := range [][]string{{"please"}, {"-cheap"}, {"-guest", "grace@example.com"}, {"-invite", "x"}} {
		_, err := runs(t, args...)
		require.Error(t, err, args)
	}
	_, err := runs(t, "-help")
	require.ErrorIs(t, err, flag.ErrHelp)
}
