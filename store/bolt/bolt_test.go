package bolt_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/store/bolt"
	"github.com/modelslab/modelslab-agents-go/storetest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) modelslab.Store { return open(t, newPath(t)) })
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "store.db") }

func open(t testing.TB, path string) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func put(t testing.TB, s *bolt.Store, key, value string, ttl time.Duration) {
	t.Helper()
	did, err := s.Swap(t.Context(), key, nil, []byte(value), ttl)
	require.NoError(t, err)
	require.True(t, did)
}

// contents is all that s holds.
func contents(t testing.TB, s *bolt.Store) (map[string]string, error) {
	all := map[string]string{}
	for key, err := range s.List(t.Context(), "") {
		if err != nil {
			return nil, err
		}
		v, err := s.Get(t.Context(), key)
		if err != nil {
			return nil, err
		}
		all[key] = string(v)
	}
	return all, nil
}

// has holds what is in s against all, whose values are too long to be shown.
func has(t testing.TB, s *bolt.Store, all map[string]string, what ...any) {
	t.Helper()
	got, err := contents(t, s)
	require.NoError(t, err, what...)
	require.True(t, maps.Equal(all, got), "of %d records %d are there %v", len(all), len(got), what)
}

// filled is the path of a store that has been closed, with many records in it.
func filled(t testing.TB) (string, map[string]string) {
	t.Helper()
	path, all := newPath(t), map[string]string{}
	s := open(t, path)
	for i := range 90 {
		key, value := fmt.Sprintf("journal/%03d", i), strings.Repeat(fmt.Sprint(i), 10+7*i)
		put(t, s, key, value, time.Duration(i%2)*time.Hour)
		all[key] = value
	}
	for i := 0; i < 90; i += 9 { // so that pages are free
		key := fmt.Sprintf("journal/%03d", i)
		did, err := s.Swap(t.Context(), key, []byte(all[key]), nil, 0)
		require.NoError(t, err)
		require.True(t, did)
		delete(all, key)
	}
	require.NoError(t, s.Close())
	return path, all
}

func TestKeepsWhatItHas(t *testing.T) {
	path, all := filled(t)
	for range 2 {
		s := open(t, path)
		has(t, s, all)
		require.NoError(t, s.Close())
	}
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode())
	}
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, files, 1, "nothing is left of how it was made")
}

// TestOpensWhatItMade swaps at random and opens the store again and again: Open finds
// nothing damaged that is not.
func TestOpensWhatItMade(t *testing.T) {
	t.Parallel()
	path, all, random := newPath(t), map[string]string{}, rand.New(rand.NewPCG(5, 6))
	for range 8 {
		s := open(t, path)
		has(t, s, all)
		for range 60 {
			key := fmt.Sprintf("%0*d", 1+random.IntN(200), random.IntN(150))
			var older, newer []byte
			if v, is := all[key]; is {
				older = []byte(v)
			}
			if delete(all, key); random.IntN(5) > 1 {
				newer = bytes.Repeat([]byte{'v'}, 1+random.IntN(1+random.IntN(20_000)))
				all[key] = string(newer)
			}
			did, err := s.Swap(t.Context(), key, older, newer, 0)
			require.NoError(t, err)
			require.True(t, did)
		}
		require.NoError(t, s.Close())
	}
}

func TestWhatHasExpiredLeavesTheFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		see  func(t *testing.T, s *bolt.Store, path string)
	}{
		{"got", func(t *testing.T, s *bolt.Store, _ string) {
			require.True(t, gone(t, s, "key 0"))
			require.True(t, gone(t, s, "key 1"))
		}},
		{"listed", func(t *testing.T, s *bolt.Store, _ string) {
			all, err := contents(t, s)
			require.NoError(t, err)
			require.Equal(t, map[string]string{"stays": "v"}, all)
		}},
		{"opened", func(t *testing.T, s *bolt.Store, path string) {
			require.NoError(t, s.Close())
			require.Equal(t, 3, inFile(t, path), "they are still there")
			require.NoError(t, open(t, path).Close())
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := newPath(t)
			s := open(t, path)
			put(t, s, "stays", "v", 0)
			for _, key := range []string{"key 0", "key 1", "last"} {
				put(t, s, key, "v", 50*time.Millisecond)
			}
			require.Eventually(t, func() bool { return gone(t, s, "last") }, time.Minute, time.Millisecond)
			c.see(t, s, path)
			require.NoError(t, s.Close())
			assert.Equal(t, 1, inFile(t, path))
		})
	}
}

func gone(t testing.TB, s *bolt.Store, key string) bool {
	v, err := s.Get(t.Context(), key)
	return assert.NoError(t, err) && v == nil
}

// inFile is the number of records in a file that nobody has open.
func inFile(t testing.TB, path string) (n int) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.View(func(tx *bbolt.Tx) error {
		n = tx.Bucket([]byte("keys")).Stats().KeyN
		return nil
	}))
	require.NoError(t, db.Close())
	return n
}

// TestRefuses has Open say what is wrong with a path, and leave it as it was.
func TestRefuses(t *testing.T) {
	t.Parallel()
	store := func(t *testing.T, path string, change func(tx *bbolt.Tx) error) {
		s, err := bolt.Open(path)
		require.NoError(t, err)
		require.NoError(t, s.Close())
		db, err := bbolt.Open(path, 0o600, nil)
		require.NoError(t, err)
		require.NoError(t, db.Update(change))
		require.NoError(t, db.Close())
	}
	write := func(content string) func(*testing.T, string) {
		return func(t *testing.T, path string) { require.NoError(t, os.WriteFile(path, []byte(content), 0o600)) }
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		says string
	}{
		{"empty", write(""), "the file is empty"},
		{"text", write("Dear diary,\n"), "not a store"},
		{"more text", write(strings.Repeat("Dear diary,\n", 5000)), "not a store"},
		{"zeros", write(strings.Repeat("\x00", 1<<16)), "not a store"},
		{"another program's", func(t *testing.T, path string) {
			db, err := bbolt.Open(path, 0o600, nil)
			require.NoError(t, err)
			require.NoError(t, db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("keys")); return err }))
			require.NoError(t, db.Close())
		}, "another program"},
		{"a later version's", func(t *testing.T, path string) {
			store(t, path, func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("indexes"))
				require.NoError(t, err)
				return tx.Bucket([]byte("modelslab")).Put([]byte("version"), []byte("2"))
			})
		}, `version "2"`},
		{"without a version", func(t *testing.T, path string) {
			store(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("modelslab")).Delete([]byte("version")) })
		}, `version ""`},
		{"with more in it", func(t *testing.T, path string) {
			store(t, path, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("more")); return err })
		}, "damaged"},
		{"with a record of another hand", func(t *testing.T, path string) {
			store(t, path, func(tx *bbolt.Tx) error {
				return tx.Bucket([]byte("keys")).Put([]byte("k"), []byte("value of some length"))
			})
		}, "damaged"},
		{"a folder", func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o700)) }, "a folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := newPath(t)
			c.make(t, path)
			refused(t, path, c.says)
		})
	}
}

// refused has Open refuse path, and change nothing.
func refused(t *testing.T, path, says string) {
	t.Helper()
	before, _ := os.ReadFile(path)
	stat, err := os.Stat(path)
	require.NoError(t, err)
	s, err := bolt.Open(path)
	require.ErrorContains(t, err, says)
	assert.True(t, strings.HasPrefix(err.Error(), "modelslab/bolt: "+path+": "), err.Error())
	assert.Nil(t, s)
	after, _ := os.ReadFile(path)
	assert.True(t, bytes.Equal(before, after), "it was changed")
	now, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, stat.Mode(), now.Mode())
}

func TestRefusesPaths(t *testing.T) {
	_, err := bolt.Open("")
	require.EqualError(t, err, "modelslab/bolt: the path of the file is empty")
	dir := t.TempDir()
	_, err = bolt.Open(filepath.Join(dir, "no", "store.db"))
	require.ErrorContains(t, err, "there is no folder "+filepath.Join(dir, "no"))
	_, err = bolt.Open(filepath.Join(dir, "no") + string(filepath.Separator))
	require.ErrorContains(t, err, "that of a file")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	_, err = bolt.Open(filepath.Join(dir, "file", "store.db"))
	require.ErrorContains(t, err, "not a directory")
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 1, "nothing was made")

	t.Chdir(dir)
	s := open(t, "store.db")
	put(t, s, "key", "v", 0)
	assert.FileExists(t, filepath.Join(dir, "store.db"))
}

func TestRefusesArguments(t *testing.T) {
	s := open(t, newPath(t))
	for _, key := range []string{"", strings.Repeat("k", 601)} {
		_, err := s.Get(t.Context(), key)
		assert.ErrorContains(t, err, "a key has 1 to 600 bytes")
		_, err = s.Swap(t.Context(), key, nil, []byte("v"), 0)
		assert.ErrorContains(t, err, "a key has 1 to 600 bytes")
	}
	_, err := s.Swap(t.Context(), "key", nil, []byte("v"), -1)
	assert.ErrorContains(t, err, "ended before it began")
}

func TestClosed(t *testing.T) {
	s := open(t, newPath(t))
	put(t, s, "key", "v", 0)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	_, err := s.Get(t.Context(), "key")
	assert.ErrorContains(t, err, "the store is closed")
	_, err = s.Swap(t.Context(), "key", []byte("v"), []byte("w"), 0)
	assert.ErrorContains(t, err, "the store is closed")
	_, err = contents(t, s)
	assert.ErrorContains(t, err, "the store is closed")
}

func TestCloseMeanwhile(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path)
	var all sync.WaitGroup
	var done atomic.Int64
	enough := make(chan struct{})
	for hand := range 8 {
		all.Go(func() {
			for i := 0; ; i++ {
				did, err := s.Swap(t.Context(), fmt.Sprintf("%d/%d", hand, i), nil, []byte("v"), 0)
				if err != nil {
					assert.ErrorContains(t, err, "the store is closed")
					return
				}
				assert.True(t, did)
				if done.Add(1) == 200 {
					close(enough)
				}
				if _, err := s.Get(t.Context(), "0/0"); err != nil {
					assert.ErrorContains(t, err, "the store is closed")
				}
			}
		})
	}
	<-enough
	require.NoError(t, s.Close())
	all.Wait()
	s = open(t, path)
	got, err := contents(t, s)
	require.NoError(t, err)
	assert.Len(t, got, int(done.Load()), "what was confirmed is there, and no more")
}

func BenchmarkSwap(b *testing.B) {
	for _, hands := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprint("hands=", hands), func(b *testing.B) {
			s := open(b, newPath(b))
			var all sync.WaitGroup
			for hand := range hands {
				all.Go(func() {
					var now []byte
					for i := hand; i < b.N; i += hands {
						next := fmt.Append(nil, i)
						if did, err := s.Swap(b.Context(), fmt.Sprint("key ", hand), now, next, 0); err != nil || !did {
							b.Error(did, err)
							return
						}
						now = next
					}
				})
			}
			all.Wait()
		})
	}
}
