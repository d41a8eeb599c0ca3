package redis_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// prefixes gives each test a part of the server of its own, with characters that
// mean something in a pattern.
var prefixes atomic.Int64

func prefix() string { return fmt.Sprintf(`m[o]dels*lab?\%d:`, prefixes.Add(1)) }

func TestContract(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	storetest.Run(t, func(testing.TB) modelslab.Store { return store.New(server.Client(), prefix()) })
	storetest.RunShared(t, func(testing.TB) (a, b modelslab.Store) {
		p := prefix()
		return store.New(server.Client(), p), store.New(server.NewClient(), p)
	})
}

func swap(t testing.TB, s *store.Store, key, older, newer string) bool {
	t.Helper()
	did, err := s.Swap(t.Context(), key, value(older), value(newer), 0)
	require.NoError(t, err)
	return did
}

// value is nil for "".
func value(v string) []byte {
	if v == "" {
		return nil
	}
	return []byte(v)
}

func get(t testing.TB, s *store.Store, key string) string {
	t.Helper()
	v, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	return string(v)
}

// fails has every method say the same.
func fails(t testing.TB, s *store.Store, says string) {
	t.Helper()
	_, err := s.Get(t.Context(), "key")
	assert.ErrorContains(t, err, says)
	did, err := s.Swap(t.Context(), "key", nil, []byte("v"), 0)
	assert.ErrorContains(t, err, says)
	assert.False(t, did)
	var errs []error
	for _, err := range s.List(t.Context(), "") {
		errs = append(errs, err)
	}
	if assert.Len(t, errs, 1) {
		assert.ErrorContains(t, errs[0], says)
	}
	_, err = s.Now(t.Context())
	assert.ErrorContains(t, err, says)
	_, err = s.Enter(t.Context(), "key", "a", 1, time.Minute)
	assert.ErrorContains(t, err, says)
	err = s.Leave(t.Context(), "key", "a")
	assert.ErrorContains(t, err, says)
	assert.True(t, strings.HasPrefix(err.Error(), "modelslab/redis: "), err.Error())
}

func TestEvictionIsRefused(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--maxmemory-policy", "allkeys-lru")
	s := store.New(server.Client(), prefix())
	fails(t, s, "maxmemory-policy is allkeys-lru")
	fails(t, s, "CONFIG SET maxmemory-policy noeviction")
	assert.Zero(t, server.Client().DBSize(t.Context()).Val(), "nothing is written")

	require.NoError(t, server.Client().ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err())
	assert.True(t, swap(t, s, "key", "", "v"))
	assert.Equal(t, "v", get(t, s, "key"))
}

func TestMemoryIsFull(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := store.New(server.Client(), prefix())
	require.True(t, swap(t, s, "key", "", "v"))
	require.NoError(t, server.Client().ConfigSet(t.Context(), "maxmemory", "1").Err())
	_, err := s.Swap(t.Context(), "key", []byte("v"), []byte("w"), 0)
	require.ErrorContains(t, err, "memory is full")
	assert.Equal(t, "v", get(t, s, "key"), "what is there can be read")
	assert.True(t, swap(t, s, "key", "v", ""), "and taken away")

	require.NoError(t, server.Client().ConfigSet(t.Context(), "maxmemory", "0").Err())
	assert.True(t, swap(t, s, "key", "", "w"))
}

func TestReplicas(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t, "--repl-diskless-sync-delay", "0")
	replica := redistest.Start(t, "--replicaof", strings.Replace(primary.Addr, ":", " ", 1))
	p := prefix()
	fails(t, store.New(replica.Client(), p), "the server is a replica")

	s := store.New(primary.Client(), p, store.WithReplicas(1, 2*time.Second))
	require.Eventually(t, func() bool {
		return strings.Contains(primary.Client().Info(t.Context(), "replication").Val(), "state=online")
	}, 20*time.Second, 5*time.Millisecond)
	require.True(t, swap(t, s, "key", "", "v"))
	require.False(t, swap(t, s, "key", "", "w"))
	wait, err := s.Enter(t.Context(), "key", "a", 1, time.Minute)
	require.NoError(t, err)
	require.Zero(t, wait)
	require.NoError(t, s.Leave(t.Context(), "key", "a"))
	assert.Equal(t, "v", replica.Client().Get(t.Context(), p+"v:key").Val(), "it has been received")

	replica.Kill()
	s = store.New(primary.Client(), p, store.WithReplicas(1, 50*time.Millisecond))
	_, err = s.Swap(t.Context(), "key", []byte("v"), []byte("w"), 0)
	require.ErrorContains(t, err, "0 of 1 replicas had received it after 50ms")
	assert.Equal(t, "w", get(t, s, "key"), "it is done nonetheless")

	// A server that becomes a replica is noticed at the first change.
	s = store.New(primary.Client(), p)
	require.Equal(t, "w", get(t, s, "key"))
	require.NoError(t, primary.Client().ReplicaOf(t.Context(), "127.0.0.1", "1").Err())
	_, err = s.Swap(t.Context(), "key", []byte("w"), []byte("x"), 0)
	require.ErrorContains(t, err, "has become a replica")
	fails(t, s, "the server is a replica")
}

func TestOptionsAndClients(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", ReadTimeout: time.Second})
	defer func() { require.NoError(t, client.Close()) }()
	fails(t, store.New(client, "", store.WithReplicas(0, time.Second)), "takes 1 replica or more")
	fails(t, store.New(client, "", store.WithReplicas(1, 0)), "a timeout of a millisecond or more")
	fails(t, store.New(client, "", store.WithReplicas(1, time.Second)), "its ReadTimeout of 1s")
	fails(t, store.New(nil, ""), "no client")
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"a": "127.0.0.1:1"}})
	defer func() { require.NoError(t, ring.Close()) }()
	fails(t, store.New(ring, ""), "a Ring looks for keys elsewhere")
}

func TestRefusesArguments(t *testing.T) {
	t.Parallel()
	s := store.New(redistest.Start(t).Client(), prefix())
	for _, key := range []string{"", strings.Repeat("k", 601)} {
		_, err := s.Get(t.Context(), key)
		assert.ErrorContains(t, err, "a key has 1 to 600 bytes")
		_, err = s.Swap(t.Context(), key, nil, []byte("v"), 0)
		assert.ErrorContains(t, err, "a key has 1 to 600 bytes")
	}
	_, err := s.Swap(t.Context(), "key", nil, []byte("v"), -1)
	assert.ErrorContains(t, err, "ended before it began")
	did, err := s.Swap(t.Context(), "key", nil, []byte("v"), 1)
	require.NoError(t, err, "a nanosecond is a ttl")
	assert.True(t, did)
}

func TestPrefixesAreApart(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := store.New(server.Client(), "a:"), store.New(server.Client(), "b:")
	require.True(t, swap(t, a, "key", "", "of a"))
	require.True(t, swap(t, b, "key", "", "of b"))
	wait, err := a.Enter(t.Context(), "key", "a", 1, time.Minute)
	require.NoError(t, err, "a place is no value")
	require.Zero(t, wait)
	assert.Equal(t, "of a", get(t, a, "key"))
	assert.Equal(t, "of b", get(t, b, "key"))
	for key, err := range a.List(t.Context(), "") {
		require.NoError(t, err)
		assert.Equal(t, "key", key)
	}
	ttl := server.Client().PTTL(t.Context(), "a:p:key").Val()
	assert.Greater(t, ttl, 50*time.Second, "places go away by themselves")
	assert.LessOrEqual(t, ttl, time.Minute+time.Second)
}

func TestDown(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	used, unused := store.New(server.NewClient(), prefix()), store.New(server.NewClient(), prefix())
	require.True(t, swap(t, used, "key", "", "v"))
	server.Kill()
	for _, s := range []*store.Store{used, unused} {
		begun := time.Now()
		_, err := s.Swap(t.Context(), "key", []byte("v"), []byte("w"), 0)
		require.Error(t, err)
		_, err = s.Get(t.Context(), "key")
		require.ErrorContains(t, err, "down or out of reach, and nothing was done")
		require.ErrorContains(t, err, server.Addr)
		assert.Less(t, time.Since(begun), 10*time.Second)
	}
	server.Restart()
	assert.Equal(t, "v", get(t, used, "key"))
	assert.True(t, swap(t, unused, "key", "", "v"))
}

func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	client := redis.NewClient(&redis.Options{Addr: l.Addr().String()})
	defer func() { require.NoError(t, client.Close()) }()
	s := store.New(client, prefix())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err = s.Get(ctx, "key")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, time.Since(begun), 2*time.Second)
}

// TestServerKilled kills the server while many write: all that was answered is there
// when it is back.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	const hands = 8
	p := prefix()
	var answered [hands]atomic.Int64
	for round := range 4 {
		var all sync.WaitGroup
		var left atomic.Int64
		left.Store(50 + rand.Int64N(200))
		enough := make(chan struct{})
		client := server.NewClient()
		for hand := range hands {
			all.Go(func() {
				s, key := store.New(client, p), fmt.Sprint("hand ", hand)
				now, err := s.Get(t.Context(), key)
				for n := number(now) + 1; err == nil; n++ {
					next := strconv.AppendInt(nil, n, 10)
					var did bool
					if did, err = s.Swap(t.Context(), key, now, next, 0); err == nil {
						assert.True(t, did)
						answered[hand].Store(n)
						now = next
						if left.Add(-1) == 0 {
							close(enough)
						}
					}
				}
			})
		}
		<-enough
		server.Kill()
		all.Wait()
		server.Restart()
		s := store.New(client, p)
		for hand := range hands {
			kept := number([]byte(get(t, s, fmt.Sprint("hand ", hand))))
			sent := answered[hand].Load()
			require.GreaterOrEqual(t, kept, sent, "round %d: an answered swap was lost", round)
			require.LessOrEqual(t, kept, sent+1)
		}
	}
}

func number(v []byte) int64 {
	n, _ := strconv.ParseInt(string(v), 10, 64)
	return n
}

// TestPlacesOfManyClients has places end by themselves, and looks afterwards whether
// there was a moment with too many.
func TestPlacesOfManyClients(t *testing.T) {
	t.Parallel()
	const members, limit, life = 50, 4, 15 * time.Millisecond
	server := redistest.Start(t)
	p := prefix()
	var handles [5]*store.Store
	for i := range handles {
		handles[i] = store.New(server.NewClient(), p)
	}
	type moment struct {
		at    time.Time
		enter int
	}
	var mu sync.Mutex
	var moments []moment
	var all sync.WaitGroup
	for i := range members {
		all.Go(func() {
			s := handles[i%len(handles)]
			for round := range 4 {
				for member := fmt.Sprint(i, "/", round); ; {
					before := time.Now()
					wait, err := s.Enter(t.Context(), "key", member, limit, life)
					after := time.Now()
					if !assert.NoError(t, err) {
						return
					}
					if wait == 0 {
						// It has the place from some moment before after until some
						// moment after before and its life.
						if end := before.Add(life); end.After(after) {
							mu.Lock()
							moments = append(moments, moment{after, 1}, moment{end, -1})
							mu.Unlock()
						}
						break
					}
					assert.Positive(t, wait)
					assert.LessOrEqual(t, wait, life)
					<-time.After(wait)
				}
			}
		})
	}
	all.Wait()
	slices.SortFunc(moments, func(a, b moment) int { return a.at.Compare(b.at) })
	inside, most := 0, 0
	for _, m := range moments {
		inside += m.enter
		most = max(most, inside)
	}
	assert.LessOrEqual(t, most, limit)
	assert.GreaterOrEqual(t, most, 2, "they were inside together")
}

func TestListOfAServerThatWasStartedAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := store.New(server.Client(), "modelslab:")
	pipe := server.Client().Pipeline()
	for i := range 3000 {
		pipe.Set(t.Context(), fmt.Sprintf("modelslab:v:%d", i), "v", 0)
	}
	_, err := pipe.Exec(t.Context())
	require.NoError(t, err)
	n := 0
	var errs []error
	for _, err := range s.List(t.Context(), "") {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if n++; n == 1 {
			server.Restart()
		}
	}
	require.Len(t, errs, 1)
	assert.Positive(t, n)
}

func TestTellsNoPassword(t *testing.T) {
	t.Parallel()
	const password, wrong = "the-right-password", "the-wrong-password"
	server := redistest.Start(t, "--requirepass", password)
	for given, says := range map[string]string{"": "asks for a password", wrong: "does not take the client's name and password"} {
		client := redis.NewClient(&redis.Options{Addr: server.Addr, Password: given})
		s := store.New(client, "modelslab:")
		fails(t, s, says)
		_, err := s.Get(t.Context(), "key")
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), wrong)
		require.NoError(t, client.Close())
		fails(t, s, "the client is closed")
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr, Password: password})
	s := store.New(client, "modelslab:")
	require.True(t, swap(t, s, "key", "", "v"))
	shown := fmt.Sprintf("%v %+v %#v %s", s, s, s, s)
	assert.Contains(t, shown, "modelslab:")
	assert.NotContains(t, shown, password)
	require.NoError(t, client.Close())
}

// TestACL has a user that may do what the documentation of the package lists.
func TestACL(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rules := "on >pw ~modelslab:* +eval +evalsha +get +set +del +scan +info +time +wait" +
		" +zadd +zrem +zcard +zscore +zrange +zremrangebyscore +pexpireat"
	user := func(name, rules string) *store.Store {
		args := []any{"acl", "setuser", name}
		for _, rule := range strings.Fields(rules) {
			args = append(args, rule)
		}
		require.NoError(t, server.Client().Do(t.Context(), args...).Err())
		client := redis.NewClient(&redis.Options{Addr: server.Addr, Username: name, Password: "pw"})
		t.Cleanup(func() { assert.NoError(t, client.Close()) })
		return store.New(client, "modelslab:", store.WithReplicas(1, time.Millisecond))
	}
	s := user("enough", rules)
	_, err := s.Swap(t.Context(), "key", nil, []byte("v"), time.Minute)
	require.ErrorContains(t, err, "0 of 1 replicas")
	_, err = s.Swap(t.Context(), "key", []byte("v"), []byte("w"), 0)
	require.ErrorContains(t, err, "0 of 1 replicas")
	assert.Equal(t, "w", get(t, s, "key"))
	_, err = s.Swap(t.Context(), "key", []byte("w"), nil, 0)
	require.ErrorContains(t, err, "0 of 1 replicas")
	_, err = s.Now(t.Context())
	require.NoError(t, err)
	_, err = s.Enter(t.Context(), "key", "a", 1, time.Minute)
	require.ErrorContains(t, err, "0 of 1 replicas")
	_, err = s.Enter(t.Context(), "key", "b", 1, time.Minute)
	require.NoError(t, err, "nothing was changed that a replica could receive")
	require.ErrorContains(t, s.Leave(t.Context(), "key", "a"), "0 of 1 replicas")
	for _, err := range s.List(t.Context(), "") {
		require.NoError(t, err)
	}
	fails(t, user("little", strings.Replace(rules, "+info", "", 1)), "the server's ACL forbids")
}
