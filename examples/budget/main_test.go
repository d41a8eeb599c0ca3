package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// The program starts itself as the agent, and the test's binary is the program here.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args[1:], "-agent") {
		main()
		return
	}
	os.Exit(m.Run())
}

func budget(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, &out)
	return out.String(), err
}

func lastLine(printed string) string {
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	return lines[len(lines)-1]
}

func TestEachPaymentIsChargedOnceHoweverOftenTheAgentIsKilled(t *testing.T) {
	for seed := range 3 {
		printed, err := budget(t, "-kills", "6", "-seed", fmt.Sprint(seed+1))
		require.NoError(t, err, printed)
		assert.Regexp(t, `^killed [1-6] times: 5 payments, each charged once$`, lastLine(printed))
		assert.Contains(t, printed, "\nbudget     $47.55 of $50.00\npending    nothing\n")
		assert.Regexp(t, `\ntuesday +[2-9] `, printed, "its first card was declined")
		assert.Regexp(t, `\nfriday .* refused: \$47\.55 of \$50\.00 are spent\n`, printed)
	}
}

func TestAnAgentThatNobodyKillsWaitsForAnHourOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.db")
	printed, err := budget(t, "-kills", "0", "-seed", "1", "-store", path)
	require.NoError(t, err, printed)
	assert.Contains(t, printed, `run 1   came to the end of its list: thursday waits for another hour, friday waits for another hour
        an hour passes, and with it the window of the budget
run 2   had nothing left to do
`)
	assert.Equal(t, "killed 0 times: 5 payments, each charged once", lastLine(printed))
	assert.FileExists(t, path)
}

// service is a sandbox in the place of the real service.
func service(t *testing.T, opts ...sandbox.Option) *supervisor {
	t.Helper()
	srv, err := sandbox.Start(append(opts, sandbox.WithGenerationTime(0))...)
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	a := srv.Account(sandbox.AccountParams{})
	t.Setenv("MODELSLAB_BASE_URL", srv.URL())
	t.Setenv("MODELSLAB_TOKEN", a.AccessToken)
	t.Setenv("MODELSLAB_API_KEY", a.APIKey)
	return &supervisor{
		out: &bytes.Buffer{}, srv: srv, account: a, path: filepath.Join(t.TempDir(), "agent.db"),
		random: rand.New(rand.NewPCG(1, 1)),
	}
}

// works is one run of the agent in this process.
func (s *supervisor) works(t *testing.T) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := work(t.Context(), s.path, 0, &out)
	return out.String(), err
}

func TestTheOwnerSaysWhatBecameOfAnImageWhoseAnswerWasLost(t *testing.T) {
	for kind, says := range map[sandbox.FaultKind]string{
		sandbox.FaultDropAfter:  "owner says paid: the wallet paid for job 10000001",
		sandbox.FaultDropBefore: "owner says not paid: there is no such charge",
	} {
		t.Run(string(kind), func(t *testing.T) {
			s := service(t, sandbox.WithFault(sandbox.Fault{Endpoint: "images.text2img", Kind: kind}))
			printed, err := s.works(t)
			require.ErrorIs(t, err, errLeft)
			assert.Contains(t, printed, "poster: may have been paid\n")

			printed, err = s.works(t)
			require.ErrorIs(t, err, errLeft)
			assert.Contains(t, printed, "poster: may have been paid\n", "it is not made anew")

			decided, err := s.decide(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 1, decided)
			assert.Contains(t, s.out.(*bytes.Buffer).String(), says)

			printed, err = s.works(t)
			require.ErrorIs(t, err, errLeft, "an hour has not passed")
			assert.Contains(t, printed, "poster: paid\n")
			client, closed, err := s.open()
			require.NoError(t, err)
			defer closed()
			jobs, err := debits(t.Context(), client)
			require.NoError(t, err)
			assert.Len(t, jobs, 1, "it was made once")
		})
	}
}

func TestAChargeThatNoLedgerHasIsNoticed(t *testing.T) {
	s := service(t)
	_, err := s.works(t)
	require.ErrorIs(t, err, errLeft)
	require.NoError(t, s.report(t.Context()))

	stranger, err := modelslab.New(s.account.ClientOptions()...)
	require.NoError(t, err)
	_, err = stranger.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(10), PaymentMethodID: "pm_card_visa"})
	require.NoError(t, err)
	require.ErrorContains(t, s.report(t.Context()), "of the wallet's credits 1 are in no ledger")
}

func TestLiveLeavesWhatTheWindowDoesNotAllow(t *testing.T) {
	s := service(t)
	t.Setenv(cardVariable, "pm_card_visa")
	for range 2 {
		printed, err := budget(t, "-live", "-spend", "-store", s.path)
		require.ErrorContains(t, err, "run this again in an hour", printed)
		assert.Len(t, s.srv.Charges(), 3, "monday, tuesday and wednesday, once")
	}
}

func TestLiveSpendsNothingUnlessAllIsSaid(t *testing.T) {
	s := service(t)
	t.Setenv(cardVariable, "pm_card_visa")
	t.Setenv("MODELSLAB_API_KEY", "")
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"-live"}, "-live -spend. Nothing was sent"},
		{[]string{"-live", "-spend"}, "-live needs -store"},
		{[]string{"-live", "-spend", "-store", s.path}, "-live needs MODELSLAB_API_KEY. Nothing was sent"},
	} {
		_, err := budget(t, c.args...)
		require.ErrorContains(t, err, c.says)
	}
	assert.Empty(t, s.srv.Requests())
}

func TestAnAgentThatFailsSaysWhy(t *testing.T) {
	dir := t.TempDir() // which is no file
	_, err := budget(t, "-store", dir)
	require.ErrorContains(t, err, "the agent failed: exit status 1: budget: modelslab/bolt: "+dir)
}

func TestAnInterruptionEndsTheAgentToo(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	var out bytes.Buffer
	interrupt()
	require.ErrorIs(t, run(ctx, nil, &out), context.Canceled)
}

func TestCommandLinesThatCannotBeRight(t *testing.T) {
	_, err := budget(t, "please")
	require.ErrorContains(t, err, `unexpected argument "please"`)
	_, err = budget(t, "-help")
	require.ErrorIs(t, err, flag.ErrHelp)
}
