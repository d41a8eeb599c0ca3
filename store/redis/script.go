package redis

import (
	"context"
	"crypto/sha1" //nolint:gosec // how Redis names scripts
	"encoding/hex"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// script runs on the server, in one step and with one key.
type script struct {
	source  string
	writes  bool
	changed int64 // what a script that writes returns when it has changed something
}

func (c *script) hash() string {
	sum := sha1.Sum([]byte(c.source)) //nolint:gosec // how Redis names scripts
	return hex.EncodeToString(sum[:])
}

// Values are never empty, so that an empty argument can stand for nil. Times are in
// microseconds, which a Lua number and a score hold exactly; a Lua number is a text of
// few digits unless it is told otherwise.
var (
	// getScript reads, because a plain GET may be answered by a replica, or by the
	// cache of a client that has one.
	getScript = script{source: `return redis.call('GET', KEYS[1])`}

	swapScript = script{writes: true, changed: 1, source: `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1])
elseif ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`}

	clockScript = script{source: clockSource + `return now`}

	// enterScript keeps when each place ends in a sorted set, which ends with the
	// last of them.
	enterScript = script{writes: true, changed: 0, source: clockSource + `
local member, limit, life = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
if not redis.call('ZSCORE', KEYS[1], member) and redis.call('ZCARD', KEYS[1]) >= limit then
	return math.max(1, tonumber(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]) - now)
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + life), member)
local last = tonumber(redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.ceil(last / 1000)))
return 0`}

	leaveScript = script{writes: true, changed: 1, source: `return redis.call('ZREM', KEYS[1], ARGV[1])`}
)

const clockSource = `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
`

// run has the server run a script on one of its keys, which stands for one of the
// store's.
func (s *Store) run(ctx context.Context, c *script, serverKey, key string, args ...any) (*redis.Cmd, error) {
	if n := len(key); n < 1 || n > longestKey {
		return nil, s.wrap(fmt.Errorf("a key has 1 to %d bytes, not %d", longestKey, n))
	}
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	cmd, err := s.eval(ctx, c, serverKey, "evalsha", c.hash(), args)
	if redis.HasErrorPrefix(err, "NOSCRIPT") { // the server does not know it, and has done nothing
		cmd, err = s.eval(ctx, c, serverKey, "eval", c.source, args)
	}
	return cmd, s.failed(ctx, err)
}

// eval runs a script once. With replicas to wait for, both go over one connection:
// the server counts who has received what that connection wrote.
func (s *Store) eval(ctx context.Context, c *script, serverKey, how, what string, args []any) (*redis.Cmd, error) {
	cmd := redis.NewCmd(ctx, append([]any{how, what, 1, serverKey}, args...)...)
	if s.replicas == 0 || !c.writes {
		return cmd, s.process(ctx, s.client, cmd)
	}
	var node redis.Cmdable = s.client
	if cluster, is := s.client.(*redis.ClusterClient); is {
		primary, err := cluster.MasterForKey(ctx, serverKey)
		if err != nil {
			return cmd, err
		}
		node = primary
	}
	wait := redis.NewIntCmd(ctx, "wait", s.replicas, s.timeout.Milliseconds())
	err := s.bounded(ctx, func(ctx context.Context) error {
		pipe := node.Pipeline()
		_ = pipe.Process(ctx, once{cmd})
		_ = pipe.Process(ctx, once{wait})
		_, err := pipe.Exec(ctx)
		return err
	})
	if err != nil {
		return cmd, err
	}
	result, err := cmd.Int64()
	if err != nil {
		return cmd, err
	}
	if got := wait.Val(); got < int64(s.replicas) && result == c.changed {
		return cmd, fmt.Errorf("it is done on the primary, but %d of %d replicas had received it after %v: a failover may undo it", got, s.replicas, s.timeout)
	}
	return cmd, nil
}

// once is a command that go-redis does not send again by itself. When the answer to a
// swap was lost, the second try would find it done and say that it did nothing.
type once struct{ redis.Cmder }

// NoRetry says so.
func (once) NoRetry() bool { return true }

// processor is what sends a command: a client, or one node of a cluster's.
type processor interface {
	Process(ctx context.Context, cmd redis.Cmder) error
}

func (s *Store) process(ctx context.Context, to processor, cmd redis.Cmder) error {
	return s.bounded(ctx, func(ctx context.Context) error { return to.Process(ctx, once{cmd}) })
}

// bounded gives up when ctx ends, or the patience, which go-redis does not while it
// dials, or waits for an answer.
func (s *Store) bounded(ctx context.Context, f func(context.Context) error) error {
	inner, cancel := context.WithTimeoutCause(ctx, patience, errSilent)
	defer cancel()
	answered := make(chan error, 1)
	go func() { answered <- f(inner) }()
	select {
	case err := <-answered:
		if err == nil || inner.Err() == nil {
			return err
		}
	case <-inner.Done():
	}
	return context.Cause(inner)
}
