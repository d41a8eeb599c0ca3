package moneytest

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/store/bolt"
	"github.com/modelslab/modelslab-agents-go/store/redis"
)

// Stores are named by a text, so that a job can say which: "bolt:/a/file" and
// "redis:127.0.0.1:6379/a-prefix:".
const (
	onBolt  = "bolt:"
	onRedis = "redis:"
)

// opened is a store whose clock is ahead of the machine's: a lease of a process that was
// killed ends minutes later, and no test waits for that. What it stores is none of the
// clock's business.
type opened struct {
	modelslab.Store
	ahead *atomic.Int64
	close func()
}

func openStore(name string, ahead time.Duration) (*opened, error) {
	o := &opened{ahead: &atomic.Int64{}}
	o.ahead.Store(int64(ahead))
	if path, is := strings.CutPrefix(name, onBolt); is {
		s, err := bolt.Open(path)
		if err != nil {
			return nil, err
		}
		// Closing can only fail where writing has failed before.
		o.Store, o.close = &boltAhead{s, o.ahead}, func() { _ = s.Close() }
		return o, nil
	}
	addr, prefix, _ := strings.Cut(strings.TrimPrefix(name, onRedis), "/")
	client := goredis.NewClient(&goredis.Options{Addr: addr})
	o.Store, o.close = &redisAhead{redis.New(client, prefix), o.ahead}, func() { _ = client.Close() }
	return o, nil
}

// boltAhead has a clock, which a file has not.
type boltAhead struct {
	*bolt.Store
	ahead *atomic.Int64
}

func (s *boltAhead) Now(ctx context.Context) (time.Time, error) {
	return time.Now().Add(time.Duration(s.ahead.Load())), ctx.Err()
}

// redisAhead has the server's clock, moved on.
type redisAhead struct {
	*redis.Store
	ahead *atomic.Int64
}

func (s *redisAhead) Now(ctx context.Context) (time.Time, error) {
	now, err := s.Store.Now(ctx)
	return now.Add(time.Duration(s.ahead.Load())), err
}
