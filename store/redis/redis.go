// Package redis is a [modelslab.Store] on a Redis server, for all the processes of a
// fleet: they share one journal, one budget, one clock, and the places of the limiters
// and of the queue.
//
//	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})
//	store := modelslabredis.New(client, "modelslab:")
//
// # What the guarantee rests on
//
// The store can keep no more than its server does, and a journal of payments that has
// lost an entry may let a payment be made twice. So let the server have:
//
//   - appendonly yes and appendfsync always: what was answered is on the disk. With
//     appendfsync everysec, the default, a crash of the machine may take the last
//     second; without appendonly, everything since the last snapshot.
//   - maxmemory-policy noeviction: or it forgets what it likes when memory runs low.
//     The store looks, and refuses any other policy before it writes.
//   - nothing else that forgets: it is no cache, and nobody runs FLUSHALL on it.
//
// Replicas are behind the primary. A failover loses what they had not received yet,
// unless [WithReplicas] waits for them.
//
// # What it asks of the server
//
// Redis 5 or newer, or one that speaks like it, alone, behind Sentinel or as a cluster;
// no [redis.Ring], which finds keys elsewhere as soon as a shard is down. All is done
// by scripts with one key each, and read from primaries only. While slots of a cluster
// move from one node to another, List may miss keys. An ACL needs
//
//	~modelslab:* +eval +evalsha +get +set +del +scan +info +time +wait
//	+zadd +zrem +zcard +zscore +zrange +zremrangebyscore +pexpireat
//
// and +cluster and +command for a cluster.
//
// No answer is waited for longer than ten seconds. When one is lost, the question is not
// repeated, and the error says that nobody knows what was done.
package redis

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

const (
	// longestKey is the longest that the contract of a store has.
	longestKey = 600
	// patience is how long a server may take to answer.
	patience = 10 * time.Second
	// scanned is how many keys the server looks at for one answer to List.
	scanned = 1000
)

// Store keeps everything under one prefix of a server's keys. It has the server's
// clock, and places to share.
type Store struct {
	client redis.UniversalClient
	prefix string

	replicas int
	timeout  time.Duration // for the replicas
	wrong    error         // an option is

	turn    chan struct{}             // full: somebody looks at the server
	checked atomic.Pointer[time.Time] // when the server was last found to be fit
}

var (
	_ modelslab.Store       = (*Store)(nil)
	_ modelslab.StoreClock  = (*Store)(nil)
	_ modelslab.StorePlaces = (*Store)(nil)
)

// Option changes how a [Store] works.
type Option func(*Store)

// WithReplicas has each change wait until n replicas have received it, so that it
// survives the loss of the primary, if the failover chooses one of them. When fewer
// have after timeout, the call returns an error, and the change is made nonetheless.
// The timeout has to be shorter than the client's ReadTimeout, which is 3 seconds
// unless it was changed.
func WithReplicas(n int, timeout time.Duration) Option {
	return func(s *Store) {
		switch s.replicas, s.timeout = n, timeout; {
		case n < 1:
			s.wrong = fmt.Errorf("WithReplicas takes 1 replica or more, not %d", n)
		case timeout < time.Millisecond:
			s.wrong = fmt.Errorf("WithReplicas takes a timeout of a millisecond or more, not %v", timeout)
		}
	}
}

// New makes a store of a client, which stays the caller's to close. All who use one
// prefix share one store; of two prefixes, neither begins with the other. The server
// is asked for the first time when the store is used.
func New(client redis.UniversalClient, prefix string, opts ...Option) *Store {
	s := &Store{client: client, prefix: prefix, turn: make(chan struct{}, 1)}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// String names the store without its server, whose address may hold a password.
func (s *Store) String() string { return fmt.Sprintf("modelslab/redis: the store under %q", s.prefix) }

// GoString is String: %#v would show what the client was made of.
func (s *Store) GoString() string { return s.String() }

// Get returns what stands under key, or nil.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := s.run(ctx, &getScript, s.value(key), key)
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := value.Text()
	return []byte(text), err
}

// Swap puts newer under key if older stands there now, and reports whether it did.
func (s *Store) Swap(ctx context.Context, key string, older, newer []byte, ttl time.Duration) (bool, error) {
	switch {
	case newer != nil && len(newer) == 0:
		return false, s.wrap(errors.New("a store keeps no empty values"))
	case older != nil && len(older) == 0:
		return false, s.wrap(ctx.Err()) // nor does one stand anywhere
	case ttl < 0:
		return false, s.wrap(fmt.Errorf("a ttl of %v has ended before it began", ttl))
	}
	did, err := s.run(ctx, &swapScript, s.value(key), key, older, newer, ceil(ttl, time.Millisecond))
	if err != nil {
		return false, err
	}
	return did.Bool()
}

// Now is the server's time; a cluster's is that of one of its nodes.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	const key = "clock"
	cmd, err := s.run(ctx, &clockScript, s.prefix+key, key)
	if err != nil {
		return time.Time{}, err
	}
	micros, err := cmd.Int64()
	return time.UnixMicro(micros), err
}

// Enter takes one of limit places under key for member, by the server's clock.
func (s *Store) Enter(ctx context.Context, key, member string, limit int, life time.Duration) (time.Duration, error) {
	switch {
	case member == "":
		return 0, s.wrap(errNobody)
	case limit < 1:
		return 0, s.wrap(fmt.Errorf("a limit is 1 or more, not %d", limit))
	case life <= 0:
		return 0, s.wrap(fmt.Errorf("a life is longer than %v", life))
	}
	cmd, err := s.run(ctx, &enterScript, s.places(key), key, member, limit, ceil(life, time.Microsecond))
	if err != nil {
		return 0, err
	}
	micros, err := cmd.Int64()
	if micros > math.MaxInt64/int64(time.Microsecond) {
		return math.MaxInt64, err
	}
	return time.Duration(micros) * time.Microsecond, err
}

var errNobody = errors.New("a member has a name")

// Leave gives member's place back.
func (s *Store) Leave(ctx context.Context, key, member string) error {
	if member == "" {
		return s.wrap(errNobody)
	}
	_, err := s.run(ctx, &leaveScript, s.places(key), key, member)
	return err
}

// ceil is d in units of its own, rounded up: nothing ends too early.
func ceil(d, unit time.Duration) int64 {
	n := int64(d / unit)
	if d%unit > 0 {
		n++
	}
	return n
}

// List yields the keys that begin with prefix. It keeps those that it has yielded in
// memory, because a server may name one twice.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := s.list(ctx, prefix, func(key string) bool { return yield(key, nil) }); err != nil {
			yield("", err)
		}
	}
}

func (s *Store) list(ctx context.Context, prefix string, yield func(string) bool) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	nodes, err := s.primaries(ctx)
	if err != nil {
		return s.failed(ctx, err)
	}
	base := s.value("")
	pattern, seen := glob.Replace(base+prefix)+"*", map[string]bool{}
	for _, node := range nodes {
		before, err := s.info(ctx, node)
		if err != nil {
			return s.failed(ctx, err)
		}
		for cursor := uint64(0); ; {
			cmd := redis.NewScanCmd(ctx, nil, "scan", cursor, "match", pattern, "count", scanned)
			if err := s.process(ctx, node, cmd); err != nil {
				return s.failed(ctx, err)
			}
			var keys []string
			keys, cursor = cmd.Val()
			for _, key := range keys {
				if seen[key] {
					continue
				}
				seen[key] = true
				if !yield(strings.TrimPrefix(key, base)) {
					return nil
				}
			}
			if cursor == 0 {
				break
			}
		}
		after, err := s.info(ctx, node)
		if err != nil {
			return s.failed(ctx, err)
		}
		if before["run_id"] != after["run_id"] { // a cursor means nothing to another server
			return s.failed(ctx, errors.New("another server took over while it was listed; list again"))
		}
	}
	return nil
}

// glob escapes what a pattern of Redis gives a meaning to.
var glob = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`)

// value and places are the server's keys for a store's.
func (s *Store) value(key string) string  { return s.prefix + "v:" + key }
func (s *Store) places(key string) string { return s.prefix + "p:" + key }
