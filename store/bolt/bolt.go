// Package bolt is a [modelslab.Store] in a file, for the programs of one machine that
// run one at a time: [Open] holds the file until [Store.Close], or the end of the
// process, and whoever opens it meanwhile is told so.
//
// When Swap returns, the disk has said that it keeps what was done: neither a crash of
// the program nor one of the machine takes it back. Swaps that come while the disk is
// busy go to it together. What expires goes by the machine's clock.
//
// Open reads all of the file and refuses a damaged one, since a journal of payments
// with a page missing is worse than none. Keep the file on a local disk: locks and
// fsync are not to be trusted over a network. A backup is a copy of the file that was
// made while nobody had it open; going back to one forgets what was paid since.
package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

const (
	// longestKey is the longest that the contract of a store has.
	longestKey = 600
	// listed is how many keys List reads before it yields them: a reading that is
	// under way keeps the file from growing.
	listed = 500
)

// Store keeps everything in one file. It has no clock and no places to share: nobody
// else has the file.
type Store struct {
	path string
	name string        // of this opening
	turn chan struct{} // full: somebody writes

	mu      sync.Mutex
	db      *bbolt.DB // nil: it is closed
	waiting []*swap
	broken  error // why nothing more is done
}

var (
	_ modelslab.Store          = (*Store)(nil)
	_ modelslab.StoreExclusive = (*Store)(nil)
)

// Opened names this opening of the file. While it lasts no other process has the
// file, so whatever another opening was at, nobody is at any more.
func (s *Store) Opened() string { return s.name }

// swap is one that waits for its turn, and then its outcome.
type swap struct {
	key          []byte
	older, newer []byte
	expires      time.Time
	did          bool
	err          error
	done         chan struct{}
}

// Close gives the file to others. What is under way is brought to its end first.
func (s *Store) Close() error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.mu.Lock()
	db, broken := s.db, s.broken
	s.db, s.broken = nil, s.wrap(errClosed)
	s.mu.Unlock()
	switch {
	case db == nil:
		return nil // it was closed before
	case broken == nil:
		return s.wrap(db.Close())
	}
	// bbolt may wait for ever for a lock that it took before it panicked.
	closed := make(chan error, 1)
	go func() { closed <- caught(db.Close) }()
	select {
	case err := <-closed:
		return s.wrap(err)
	case <-time.After(patience):
		return s.errorf("the file stays locked until the process ends, after: %w", broken)
	}
}

// Get returns what stands under key, or nil.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.check(ctx, key); err != nil {
		return nil, err
	}
	var value []byte
	var expired bool
	err := s.read(func(keys *bbolt.Bucket) error {
		raw := keys.Get([]byte(key))
		if raw == nil {
			return nil
		}
		r, err := parse([]byte(key), raw)
		if err != nil {
			return err
		}
		if expired = r.expired(time.Now()); !expired {
			value = bytes.Clone(r.value) // the file's pages are used again
		}
		return nil
	})
	if expired {
		s.drop(ctx, key)
	}
	return value, err
}

// Swap puts newer under key if older stands there now, and reports whether it did. It
// returns when the disk has kept it. Whoever waits for the writing of others stops
// when ctx ends, with nothing done; a writing that has begun is waited for.
func (s *Store) Swap(ctx context.Context, key string, older, newer []byte, ttl time.Duration) (bool, error) {
	if err := s.check(ctx, key); err != nil {
		return false, err
	}
	switch {
	case newer != nil && len(newer) == 0:
		return false, s.errorf("a store keeps no empty values")
	case ttl < 0:
		return false, s.errorf("a ttl of %v has ended before it began", ttl)
	}
	w := &swap{key: []byte(key), older: older, newer: newer, done: make(chan struct{})}
	if ttl > 0 {
		w.expires = time.Now().Add(ttl)
	}
	if err := s.write(ctx, w); err != nil {
		return false, err
	}
	return w.did, w.err
}

// List yields the keys that begin with prefix, in order.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for from := []byte(prefix); from != nil; {
			if err := ctx.Err(); err != nil {
				yield("", s.wrap(err))
				return
			}
			keys, expired, next, err := s.page([]byte(prefix), from)
			if err != nil {
				yield("", err)
				return
			}
			s.drop(ctx, expired...)
			for _, key := range keys {
				if !yield(key, nil) {
					return
				}
			}
			from = next
		}
	}
}

// page reads some keys, from one on, and where to go on; nil: there are no more.
func (s *Store) page(prefix, from []byte) (keys, expired []string, next []byte, err error) {
	now := time.Now()
	err = s.read(func(b *bbolt.Bucket) error {
		c := b.Cursor()
		for k, raw := c.Seek(from); bytes.HasPrefix(k, prefix) && k != nil; k, raw = c.Next() {
			if len(keys)+len(expired) == listed {
				next = bytes.Clone(k)
				break
			}
			switch r, err := parse(k, raw); {
			case err != nil:
				return err
			case r.expired(now):
				expired = append(expired, string(k))
			default:
				keys = append(keys, string(k))
			}
		}
		return nil
	})
	return keys, expired, next, err
}

// drop takes away what has expired. Should that fail, it is absent all the same.
func (s *Store) drop(ctx context.Context, expired ...string) {
	swaps := make([]*swap, len(expired))
	for i, key := range expired {
		swaps[i] = &swap{key: []byte(key), done: make(chan struct{})} // from nothing to nothing
	}
	_ = s.write(ctx, swaps...)
}

// write brings swaps to the disk, together with those of others that wait too.
func (s *Store) write(ctx context.Context, swaps ...*swap) error {
	if len(swaps) == 0 {
		return nil
	}
	s.mu.Lock()
	s.waiting = append(s.waiting, swaps...)
	s.mu.Unlock()
	last := swaps[len(swaps)-1] // they are done together
	select {
	case <-last.done:
	case s.turn <- struct{}{}:
		s.commit()
		<-s.turn
	case <-ctx.Done():
		if s.withdraw(swaps) {
			return s.wrap(ctx.Err())
		}
	}
	<-last.done
	return nil
}

// withdraw reports whether none of swaps had been begun.
func (s *Store) withdraw(swaps []*swap) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.waiting, swaps[0])
	if i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+len(swaps))
	}
	return i >= 0
}

// commit does all that waits, with one commit. Whoever calls it holds the turn.
func (s *Store) commit() {
	s.mu.Lock()
	db, swaps, err := s.db, s.waiting, s.broken
	s.waiting = nil
	s.mu.Unlock()
	if err == nil && len(swaps) > 0 {
		err = s.guard(func() error { return s.apply(db, swaps) })
	}
	for _, w := range swaps {
		if err != nil {
			w.did, w.err = false, err
		}
		close(w.done)
	}
}

// apply does swaps in one transaction.
func (s *Store) apply(db *bbolt.DB, swaps []*swap) (err error) {
	tx, err := db.Begin(true)
	if err != nil {
		return s.wrap(err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	keys := tx.Bucket(bucketKeys)
	if keys == nil {
		return s.wrap(errDamaged)
	}
	now, changed, count := time.Now(), false, keys.Sequence()
	for _, w := range swaps {
		raw := keys.Get(w.key)
		var stands record
		if raw != nil {
			if stands, w.err = parse(w.key, raw); w.err != nil {
				w.err = s.wrap(w.err)
				continue
			}
			if stands.expired(now) {
				stands.value = nil
			}
		}
		if (stands.value == nil) != (w.older == nil) || !bytes.Equal(stands.value, w.older) {
			continue
		}
		w.did = true
		switch {
		case w.newer != nil:
			if raw == nil {
				count++
			}
			err = keys.Put(w.key, encode(w.key, w.newer, w.expires))
		case raw != nil:
			count--
			err = keys.Delete(w.key)
		default:
			continue // from nothing to nothing
		}
		if err != nil {
			return s.wrap(err)
		}
		changed = true
	}
	if !changed {
		return nil
	}
	if count != keys.Sequence() {
		if err := keys.SetSequence(count); err != nil {
			return s.wrap(err)
		}
	}
	id := tx.ID()
	if err := tx.Commit(); err != nil {
		return s.failed(db, id, err)
	}
	return nil
}

// failed is what a commit that failed leaves behind. Nothing refers to the pages that
// it wrote, until the head of the file does: if that was written and only its fsync
// failed, then the head in memory is not the one on the disk, and whatever came next
// could overwrite pages that the one on the disk needs.
func (s *Store) failed(db *bbolt.DB, id int, err error) error {
	var now int
	if read := db.View(func(tx *bbolt.Tx) error { now = tx.ID(); return nil }); read == nil && now < id {
		return s.wrap(err)
	}
	return s.breaks(fmt.Errorf("the disk did not confirm the last change, which may be lost or not; open the store again when the disk is well: %w", err))
}

// read hands the keys to f.
func (s *Store) read(f func(keys *bbolt.Bucket) error) error {
	s.mu.Lock()
	db, err := s.db, s.broken
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.guard(func() error {
		return s.wrap(db.View(func(tx *bbolt.Tx) error {
			keys := tx.Bucket(bucketKeys)
			if keys == nil {
				return errDamaged
			}
			return f(keys)
		}))
	})
}

// guard turns a panic of bbolt's over a damaged page into an error, as it does a disk
// that no longer reads what is mapped. What bbolt holds is unknown then: it is not
// asked again.
func (s *Store) guard(f func() error) (err error) {
	err = caught(f)
	if p := (*panicked)(nil); errors.As(err, &p) {
		return s.breaks(err)
	}
	return err
}

// breaks makes err the answer to whatever comes.
func (s *Store) breaks(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = s.wrap(err)
	}
	return s.broken
}

func (s *Store) check(ctx context.Context, key string) error {
	if n := len(key); n < 1 || n > longestKey {
		return s.errorf("a key has 1 to %d bytes, not %d", longestKey, n)
	}
	return s.wrap(ctx.Err())
}

func (s *Store) errorf(format string, a ...any) error {
	return s.wrap(fmt.Errorf(format, a...))
}

func (s *Store) wrap(err error) error { return wrap(s.path, err) }

var errClosed = errors.New("the store is closed")

func wrap(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		err = errClosed
	}
	return fmt.Errorf("modelslab/bolt: %s: %w", path, err)
}

// panicked is a panic that was caught.
type panicked struct{ value any }

func (p *panicked) Error() string {
	return fmt.Sprintf("%v: %v", errDamaged, p.value)
}

// caught runs f and returns its panic as an error.
func caught(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a mapped page that is not in the file
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{p}
		}
	}()
	return f()
}
