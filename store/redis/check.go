package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// fresh is how long a server that was fit is taken to be: somebody may set another
// policy, and a failover may bring another server.
const fresh = time.Minute

var errSilent = fmt.Errorf("the server did not answer within %v: what was asked may be done or not", patience)

// ready looks whether the server is fit to keep anything, unless it was a moment ago.
func (s *Store) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return s.wrap(err)
	}
	if s.wrong != nil {
		return s.wrap(s.wrong)
	}
	if s.isFresh() {
		return nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return s.wrap(ctx.Err())
	}
	if s.isFresh() {
		return nil // somebody else has looked
	}
	begun := time.Now()
	if err := s.check(ctx); err != nil {
		return s.failed(ctx, err)
	}
	s.checked.Store(&begun)
	return nil
}

func (s *Store) isFresh() bool {
	checked := s.checked.Load()
	return checked != nil && time.Since(*checked) < fresh
}

// check asks each primary how it is. INFO says it even where CONFIG is forbidden.
func (s *Store) check(ctx context.Context) error {
	if client, is := s.client.(*redis.Client); is && s.replicas > 0 {
		if read := client.Options().ReadTimeout; read > 0 && s.timeout >= read {
			return fmt.Errorf("WithReplicas waits for %v, and the client for no answer longer than its ReadTimeout of %v", s.timeout, read)
		}
	}
	nodes, err := s.primaries(ctx)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		info, err := s.info(ctx, node)
		if err != nil {
			return err
		}
		switch policy := info["maxmemory_policy"]; {
		case info["loading"] == "1":
			return errLoading
		case info["role"] == "slave":
			return errReplica
		case policy == "":
			return errors.New("the server does not say in INFO what its maxmemory-policy is, which has to be noeviction")
		case policy != "noeviction":
			return fmt.Errorf("the server's maxmemory-policy is %s, so that it may forget payments: set it to noeviction, in redis.conf too (CONFIG SET maxmemory-policy noeviction)", policy)
		}
	}
	return nil
}

// primaries are the servers that hold the keys.
func (s *Store) primaries(ctx context.Context) ([]processor, error) {
	switch client := s.client.(type) {
	case nil:
		return nil, errors.New("New was given no client")
	case *redis.Ring:
		return nil, errors.New("a Ring looks for keys elsewhere when a shard is down; use a Client, or a ClusterClient")
	case *redis.ClusterClient:
		var mu sync.Mutex
		var nodes []processor
		err := s.bounded(ctx, func(ctx context.Context) error {
			return client.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
				mu.Lock()
				defer mu.Unlock()
				nodes = append(nodes, node)
				return nil
			})
		})
		mu.Lock()
		defer mu.Unlock()
		return nodes, err
	default:
		return []processor{client}, nil
	}
}

// info is what a server says of itself.
func (s *Store) info(ctx context.Context, node processor) (map[string]string, error) {
	cmd := redis.NewStringCmd(ctx, "info")
	if err := s.process(ctx, node, cmd); err != nil {
		return nil, err
	}
	info := map[string]string{}
	for line := range strings.Lines(cmd.Val()) {
		if name, value, is := strings.Cut(strings.TrimSpace(line), ":"); is {
			info[name] = value
		}
	}
	return info, nil
}

var (
	errLoading = errors.New("the server is still loading its data: try again when it has")
	errReplica = errors.New("the server is a replica, which takes no changes: give New a client of the primary")
)

// troubles are answers of a server, by a part of theirs, and what they mean.
var troubles = []struct{ says, means string }{
	{"READONLY", "the server has become a replica, which takes no changes: give New a client that follows the primary"},
	{"OOM command", "the server's memory is full, and nothing was written: give it more (maxmemory)"},
	{"LOADING", "the server is still loading its data: try again when it has"},
	{"MISCONF", "the server cannot write to its disk: see its log"},
	{"NOREPLICAS", "the server has too few replicas to take changes (min-replicas-to-write)"},
	{"NOAUTH", "the server asks for a password: give the client one"},
	{"WRONGPASS", "the server does not take the client's name and password"},
	{"NOPERM", "the server's ACL forbids what the store needs: see the documentation of this package"},
	{"MOVED", "the server is part of a cluster, or its slots have just moved: the client has to be a ClusterClient"},
	{"CLUSTERDOWN", "the cluster has lost too many nodes to answer"},
	{"MASTERDOWN", "the server has lost its primary"},
	{"WRONGTYPE", "the key holds something that no store has put there: use another prefix"},
}

// failed explains an error, and has the server looked at again before it is used.
func (s *Store) failed(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redis.Nil):
		return err
	case ctx.Err() != nil:
		return s.wrap(ctx.Err())
	}
	s.checked.Store(nil)
	var answer redis.Error
	var network net.Error
	switch isAnswer := errors.As(err, &answer); {
	case errors.Is(err, redis.ErrClosed):
		err = fmt.Errorf("the client is closed: %w", err)
	case isAnswer:
		for _, trouble := range troubles {
			if strings.Contains(err.Error(), trouble.says) {
				return s.wrap(fmt.Errorf("%s: %w", trouble.means, err))
			}
		}
	case isDial(err):
		err = fmt.Errorf("the server is down or out of reach, and nothing was done: %w", err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		err = fmt.Errorf("the server's answer was lost: what was asked may be done or not: %w", err)
	}
	return s.wrap(err)
}

func isDial(err error) bool {
	op := (*net.OpError)(nil)
	return errors.As(err, &op) && op.Op == "dial"
}

func (s *Store) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("modelslab/redis: %w", err)
}
