package modelslab

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
)

// Store is where a client keeps what must not be forgotten: its journal of
// payments, its budgets and the switch that freezes them. The default is a
// [NewMemoryStore] for each [New]; store/bolt keeps it through crashes on one
// machine and store/redis for a fleet. Package storetest tells whether an
// implementation keeps the contract below.
//
// Keys are texts of at most 600 bytes. Values are not empty, and a caller never
// changes one that it has given or was given. A method that returns an error may
// have done its work or not.
//
// There will never be a fourth method. What only some stores can do are
// interfaces of their own: [StoreClock], [StorePlaces], [StoreExclusive].
type Store interface {
	// Get returns what stands under key, or nil.
	Get(ctx context.Context, key string) ([]byte, error)
	// Swap puts newer under key if older stands there now, in one step, and reports
	// whether it did. A nil older means that nothing may stand there, a nil newer
	// takes the key away. After ttl the key is gone; 0 keeps it for ever, and less is
	// an error. When Swap
	// returns, what it did survives a crash of the process, and as much beyond that
	// as the store promises.
	Swap(ctx context.Context, key string, older, newer []byte, ttl time.Duration) (bool, error)
	// List yields the keys that begin with prefix, each once, in no order. Of those
	// that come or go meanwhile it may yield any. It ends with at most one error.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
}

// StoreClock is a [Store] with a clock that all its users share. Budgets and the
// age of keys are then counted by it.
type StoreClock interface {
	Now(ctx context.Context) (time.Time, error)
}

// StorePlaces is a [Store] that hands out places which all its users share. The
// server's limiters and the queue of jobs are then kept by all processes together.
type StorePlaces interface {
	// Enter takes one of limit places under key for member, until life is over, and
	// returns 0. A member that has a place keeps it, for life from now. While all
	// are taken it returns how long until the first is given up at the latest.
	Enter(ctx context.Context, key, member string, limit int, life time.Duration) (time.Duration, error)
	// Leave gives member's place back.
	Leave(ctx context.Context, key, member string) error
}

// StoreExclusive is a [Store] that one process has at a time. What another opening
// of it was at, nobody is at any more: a program that was killed and started again
// need not wait for itself.
type StoreExclusive interface {
	// Opened names this opening of the store, and no other one.
	Opened() string
}

// NewMemoryStore makes a store that lives as long as the process. It is the
// default, one for each [New]: names of operations keep their keys and their
// outcomes as long as the program runs, and are forgotten with it.
func NewMemoryStore() Store { return &memoryStore{m: map[string]memoryEntry{}} }

type memoryStore struct {
	mu sync.Mutex
	m  map[string]memoryEntry
}

type memoryEntry struct {
	value   []byte
	expires time.Time // zero: never
}

func (s *memoryStore) get(key string) []byte {
	e := s.m[key]
	if !e.expires.IsZero() && !time.Now().Before(e.expires) {
		delete(s.m, key)
		return nil
	}
	return e.value
}

func (s *memoryStore) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.get(key), nil
}

var (
	errEmptyValue  = errors.New("modelslab: a store keeps no empty values")
	errNegativeTTL = errors.New("modelslab: a time to live must not be negative")
)

func (s *memoryStore) Swap(ctx context.Context, key string, older, newer []byte, ttl time.Duration) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	switch {
	case newer != nil && len(newer) == 0:
		return false, errEmptyValue
	case ttl < 0:
		return false, errNegativeTTL
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.get(key)
	if (now == nil) != (older == nil) || !bytes.Equal(now, older) {
		return false, nil
	}
	if newer == nil {
		delete(s.m, key)
		return true, nil
	}
	e := memoryEntry{value: newer}
	if ttl > 0 {
		e.expires = time.Now().Add(ttl)
	}
	s.m[key] = e
	return true, nil
}

func (s *memoryStore) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if err := ctx.Err(); err != nil {
			yield("", err)
			return
		}
		s.mu.Lock()
		keys := make([]string, 0, len(s.m))
		for key := range s.m {
			if strings.HasPrefix(key, prefix) && s.get(key) != nil {
				keys = append(keys, key)
			}
		}
		s.mu.Unlock()
		slices.Sort(keys)
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}
}
