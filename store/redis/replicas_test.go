package redis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
	store "github.com/modelslab/modelslab-agents-go/store/redis"
	"github.com/modelslab/modelslab-agents-go/store/redis/redistest"
)

// What WithReplicas is for: nothing is paid that a failover would forget.
func TestNothingIsPaidThatNoReplicaHasReceived(t *testing.T) {
	primary := redistest.Start(t, "--repl-diskless-sync-delay", "0")
	replica := redistest.Start(t, "--replicaof", strings.Replace(primary.Addr, ":", " ", 1))
	require.Eventually(t, func() bool {
		return strings.Contains(primary.Client().Info(t.Context(), "replication").Val(), "state=online")
	}, 20*time.Second, 5*time.Millisecond)
	srv := sandbox.New(sandbox.WithoutRateLimits())
	defer srv.Close()
	account := srv.Account(sandbox.AccountParams{Email: "agent@example.com"})
	p := prefix()
	client := func(s *redistest.Server, opts ...store.Option) *modelslab.Client {
		c, err := modelslab.New(append(account.ClientOptions(), modelslab.WithStore(store.New(s.Client(), p, opts...)),
			modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(10)}))...)
		require.NoError(t, err)
		return c
	}
	fund := func(c *modelslab.Client, name string) error {
		var resp modelslab.Response
		_, err := c.Wallet.Fund(t.Context(), modelslab.WalletFundParams{Amount: modelslab.Dollars(10), PaymentMethodID: "pm_card_visa"},
			modelslab.WithOperation(name), modelslab.WithResponse(&resp))
		t.Logf("%s: %v, JournalErr %v", name, err, resp.JournalErr)
		return err
	}
	// The replica is cut off: it receives nothing more.
	require.NoError(t, replica.Client().ReplicaOf(t.Context(), "NO", "ONE").Err())
	err := fund(client(primary, store.WithReplicas(1, 50*time.Millisecond)), "order-1")
	assert.Error(t, err, "no replica has received the reservation")
	assert.Empty(t, srv.Charges(), "nothing is sent that a failover would forget")

	// The primary dies, and the replica takes its place.
	primary.Kill()
	_ = fund(client(replica), "order-2")
	var sum int64
	for _, c := range srv.Charges() {
		sum += c.Cents
	}
	assert.LessOrEqual(t, sum, int64(10_00), "the budget of $10 is exceeded")
}
