package redis_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	store "github.com/modelslab/modelslab-agents-go/store/redis"
	"github.com/modelslab/modelslab-agents-go/store/redis/redistest"
	"github.com/modelslab/modelslab-agents-go/storetest"
)

// startCluster runs two servers that share the slots.
func startCluster(t *testing.T) [2]*redistest.Server {
	t.Helper()
	var servers [2]*redistest.Server
	var busses [2]string
	for i := range servers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		_, busses[i], err = net.SplitHostPort(l.Addr().String())
		require.NoError(t, err)
		servers[i] = redistest.Start(t, "--cluster-enabled", "yes", "--cluster-port", busses[i])
		client := servers[i].Client()
		require.NoError(t, client.Do(t.Context(), "cluster", "set-config-epoch", i+1).Err())
		require.NoError(t, client.ClusterAddSlotsRange(t.Context(), 8192*i, 8192*i+8191).Err())
	}
	host, port, err := net.SplitHostPort(servers[1].Addr)
	require.NoError(t, err)
	require.NoError(t, servers[0].Client().Do(t.Context(), "cluster", "meet", host, port, busses[1]).Err())
	for _, server := range servers {
		require.Eventually(t, func() bool {
			info := server.Client().ClusterInfo(t.Context()).Val()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_slots_ok:16384") && strings.Contains(info, "cluster_size:2")
		}, 30*time.Second, 10*time.Millisecond)
	}
	return servers
}

func TestCluster(t *testing.T) {
	t.Parallel()
	servers := startCluster(t)
	client := func(t testing.TB) *redis.ClusterClient {
		c := redis.NewClusterClient(&redis.ClusterOptions{
			Addrs:    []string{servers[0].Addr},
			ReadOnly: true, RouteRandomly: true, // which the store does not let happen
		})
		t.Cleanup(func() { assert.NoError(t, c.Close()) })
		return c
	}
	one := client(t)
	storetest.Run(t, func(testing.TB) modelslab.Store { return store.New(one, prefix()) })
	storetest.RunShared(t, func(t testing.TB) (a, b modelslab.Store) {
		p := prefix()
		return store.New(one, p), store.New(client(t), p)
	})
	for _, server := range servers {
		assert.Greater(t, server.Client().DBSize(t.Context()).Val(), int64(100), "each has its part")
	}

	_, err := store.New(one, prefix(), store.WithReplicas(1, 10*time.Millisecond)).Swap(t.Context(), "key", nil, []byte("v"), 0)
	require.ErrorContains(t, err, "0 of 1 replicas")
	says := 0
	for _, server := range servers { // the key is on one of them
		if _, err := store.New(server.Client(), "one prefix:").Get(t.Context(), "key"); err != nil {
			assert.ErrorContains(t, err, "has to be a ClusterClient")
			says++
		}
	}
	assert.Equal(t, 1, says)

	require.NoError(t, servers[1].Client().ConfigSet(t.Context(), "maxmemory-policy", "volatile-ttl").Err())
	fails(t, store.New(one, prefix()), "maxmemory-policy is volatile-ttl")
}
