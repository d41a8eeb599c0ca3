package main

import (
	"bytes"
	"context"
	"flag"
	"net"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// The program starts itself as the members, and the test's binary is the program here.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args[1:], "-member") {
		main()
		return
	}
	os.Exit(m.Run())
}

func runs(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, &out)
	return out.String(), err
}

// server is a redis-server for a test.
func server(t *testing.T) (*redisServer, *goredis.Client) {
	t.Helper()
	s, err := startRedis(t.Context())
	require.NoError(t, err)
	t.Cleanup(s.stop)
	at, err := goredis.ParseURL(s.url)
	require.NoError(t, err)
	client := goredis.NewClient(at)
	t.Cleanup(func() { _ = client.Close() })
	return s, client
}

func TestAFleetPaysEachOrderOnceAndNothingWhileItIsFrozen(t *testing.T) {
	printed, err := runs(t, "-processes", "6", "-orders", "24")
	require.NoError(t, err, printed)
	assert.Equal(t, "18 orders paid by 6 processes, each once, and none while spending was frozen", lastLine(printed))
	assert.Contains(t, printed, "\ncharges  18, in the ledger 18\nbudget   $180.00 of $180.00\npending  0\n")
	assert.Regexp(t, `\n  paid +18\n`, printed)
	assert.Regexp(t, `\n  refused: all spending is frozen +[1-9]\d*\n`, printed)
	assert.Regexp(t, `\n  refused: the budget is used up +[1-9]\d*\n`, printed)
	counts := regexp.MustCompile(`(\d+) (?:orders )?are paid`).FindAllStringSubmatch(printed, -1)
	require.Len(t, counts, 3)
	assert.Equal(t, counts[1][1], counts[2][1], "while it was frozen")
}

func TestAServerThatRanBeforeIsLeftAsItWas(t *testing.T) {
	s, client := server(t)
	require.NoError(t, client.Set(t.Context(), "mine", "1", 0).Err())
	printed, err := runs(t, "-redis", s.url+"/0", "-processes", "2", "-orders", "4")
	require.NoError(t, err, printed)
	assert.Equal(t, []string{"mine"}, client.Keys(t.Context(), "*").Val())
}

func TestAServerThatForgetsIsRefused(t *testing.T) {
	s, client := server(t)
	require.NoError(t, client.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
	_, err := runs(t, "-redis", s.url)
	require.ErrorContains(t, err, "maxmemory-policy is allkeys-lru")
}

func TestNoServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	_, err = runs(t, "-redis", "redis://"+addr, "-processes", "2")
	require.ErrorContains(t, err, "out of reach")
	_, err = runs(t, "-redis", "http://127.0.0.1")
	require.EqualError(t, err, "-redis is not the URL of a Redis server, such as redis://127.0.0.1:6379/0. Nothing was sent")

	t.Setenv("PATH", t.TempDir())
	_, err = runs(t)
	require.ErrorContains(t, err, "apt-get install redis-server")
}

func TestLiveLeavesWhatItHasPaid(t *testing.T) {
	s, client := server(t)
	srv, err := sandbox.Start()
	require.NoError(t, err)
	defer srv.Close()
	a := srv.Account(sandbox.AccountParams{})
	t.Setenv("MODELSLAB_BASE_URL", srv.URL())
	t.Setenv("MODELSLAB_TOKEN", a.AccessToken)
	t.Setenv("MODELSLAB_API_KEY", a.APIKey)
	t.Setenv(cardVariable, "pm_card_visa")
	printed, err := runs(t, "-live", "-spend", "-redis", s.url, "-processes", "2", "-orders", "4")
	require.NoError(t, err, printed)
	assert.Len(t, srv.Charges(), 3)
	assert.NotEmpty(t, client.Keys(t.Context(), "modelslab:*").Val())
}

func TestLiveSpendsNothingUnlessAllIsSaid(t *testing.T) {
	t.Setenv("MODELSLAB_TOKEN", "")
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"-live"}, "-live -spend. Nothing was sent"},
		{[]string{"-live", "-spend"}, "-live needs -redis"},
		{[]string{"-live", "-spend", "-redis", "redis://127.0.0.1:1"}, "-live needs MODELSLAB_TOKEN. Nothing was sent"},
	} {
		_, err := runs(t, c.args...)
		require.ErrorContains(t, err, c.says)
	}
}

func TestPaymentsBehindItsBackAreNoticed(t *testing.T) {
	s, _ := server(t)
	srv := sandbox.New(sandbox.InMemory())
	a := srv.Account(sandbox.AccountParams{})
	client, closed, err := open(s.url, "test:", 4, a.ClientOptions()...)
	require.NoError(t, err)
	defer closed()
	f := &fleet{out: &bytes.Buffer{}, srv: srv, client: client, orders: 4}
	var n counts
	again, err := n.pay(t.Context(), client, 1, "pm_card_visa")
	require.NoError(t, err)
	assert.False(t, again)
	require.NoError(t, f.report(t.Context(), n, 0))
	require.ErrorContains(t, f.report(t.Context(), n, 1), "1 orders were paid while spending was frozen")

	stranger, err := modelslab.New(a.ClientOptions()...)
	require.NoError(t, err)
	_, err = stranger.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: price, PaymentMethodID: "pm_card_visa"})
	require.NoError(t, err)
	require.ErrorContains(t, f.report(t.Context(), n, 0), "the charges and the ledger differ")
}

func TestAnInterruptionEndsTheFleet(t *testing.T) {
	ctx, interrupt := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer interrupt()
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, []string{"-processes", "2"}, &out), context.DeadlineExceeded)
}

func TestCommandLinesThatCannotBeRight(t *testing.T) {
	for _, args := range [][]string{{"please"}, {"-orders", "3"}, {"-processes", "0"}} {
		_, err := runs(t, args...)
		require.Error(t, err, args)
	}
	_, err := runs(t, "-help")
	require.ErrorIs(t, err, flag.ErrHelp)
}
