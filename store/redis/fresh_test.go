package redis

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/store/redis/redistest"
)

// TestAnotherPolicyIsNoticed sets the policy under a store that has found it well.
func TestAnotherPolicyIsNoticed(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := New(server.Client(), "modelslab:")
	_, err := s.Get(t.Context(), "key")
	require.NoError(t, err)
	require.NoError(t, server.Client().ConfigSet(t.Context(), "maxmemory-policy", "allkeys-random").Err())
	_, err = s.Get(t.Context(), "key")
	require.NoError(t, err, "it was looked at a moment ago")

	ago := time.Now().Add(-fresh)
	s.checked.Store(&ago)
	_, err = s.Get(t.Context(), "key")
	require.ErrorContains(t, err, "maxmemory-policy is allkeys-random")
}
