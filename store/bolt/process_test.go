//go:build unix

package bolt_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/store/bolt"
)

// The test binary is also the other process of some tests: what it does then is in
// this variable, and the path of its store in the next.
const (
	playVariable = "BOLT_TEST_PLAY"
	pathVariable = "BOLT_TEST_PATH"
)

func TestMain(m *testing.M) {
	play, path := os.Getenv(playVariable), os.Getenv(pathVariable)
	if play == "" {
		os.Exit(m.Run())
	}
	plays := map[string]func(*bolt.Store) error{"write": writes, "hold": holds, "fill": fills}
	s, err := bolt.Open(path)
	if err == nil {
		err = plays[play](s)
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// other is another process that has a store.
type other struct {
	*exec.Cmd
	lines *bufio.Scanner
	in    io.WriteCloser
}

func start(t *testing.T, play, path string) *other {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command(self)
	c.Env = append(os.Environ(), playVariable+"="+play, pathVariable+"="+path)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	o := &other{c, bufio.NewScanner(out), in}
	t.Cleanup(o.kill)
	return o
}

func (o *other) kill() {
	_ = o.Process.Kill()
	_ = o.Wait()
}

func (o *other) says(t *testing.T, what string) {
	t.Helper()
	require.True(t, o.lines.Scan(), "it has ended")
	require.Equal(t, what, o.lines.Text())
}

const hands = 4

// writes puts records in some goroutines, and says each that was confirmed, until it
// is killed.
func writes(s *bolt.Store) error {
	var all sync.WaitGroup
	errs := make([]error, hands)
	for hand := range hands {
		all.Go(func() { errs[hand] = writeAs(s, hand) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func writeAs(s *bolt.Store, hand int) error {
	ctx, last := context.Background(), fmt.Sprint("last/", hand)
	now, err := s.Get(ctx, last)
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(string(now))
	for n++; ; n++ {
		if did, err := s.Swap(ctx, recordKey(hand, n), nil, []byte(recordValue(hand, n)), 0); err != nil || !did {
			if v, get := s.Get(ctx, recordKey(hand, n)); err != nil || get != nil || string(v) != recordValue(hand, n) {
				return fmt.Errorf("record %d of %d: %v, %v, %v", n, hand, did, err, get)
			}
		}
		next := []byte(strconv.Itoa(n))
		if did, err := s.Swap(ctx, last, now, next, 0); err != nil || !did {
			return fmt.Errorf("count %d of %d: %v, %w", n, hand, did, err)
		}
		now = next
		if _, err := fmt.Printf("%d %d\n", hand, n); err != nil {
			return err
		}
	}
}

func recordKey(hand, n int) string { return fmt.Sprintf("record/%d/%06d", hand, n) }

func recordValue(hand, n int) string {
	return fmt.Sprint(hand, " ", n, strings.Repeat("x", n*n%9000))
}

// TestKilled kills a process that writes, at any moment, again and again: what it has
// confirmed is there, whole, and so is what it had not.
func TestKilled(t *testing.T) {
	t.Parallel()
	for store := range 4 {
		path := filepath.Join(t.TempDir(), fmt.Sprint("store ", store))
		var confirmed [hands]int
		for range 5 {
			o := start(t, "write", path)
			// Before it has begun, while it begins, or after some records.
			if after := rand.IntN(150) - 30; after < 0 {
				<-time.After(time.Duration(-after) * time.Millisecond)
			} else {
				for range after {
					require.True(t, o.lines.Scan())
					confirms(t, o.lines.Text(), &confirmed)
				}
			}
			require.NoError(t, o.Process.Kill())
			for o.lines.Scan() {
				confirms(t, o.lines.Text(), &confirmed)
			}
			_ = o.Wait()
			holdsConfirmed(t, path, confirmed)
		}
	}
}

func confirms(t *testing.T, line string, confirmed *[hands]int) {
	t.Helper()
	var hand, n int
	_, err := fmt.Sscanf(line, "%d %d", &hand, &n)
	require.NoError(t, err, line)
	require.Greater(t, n, confirmed[hand])
	confirmed[hand] = n
}

func holdsConfirmed(t *testing.T, path string, confirmed [hands]int) {
	t.Helper()
	s := open(t, path)
	got, err := contents(t, s)
	require.NoError(t, err)
	known := 0
	for hand, n := range confirmed {
		last := 0
		if v, is := got[fmt.Sprint("last/", hand)]; is {
			known++
			last, err = strconv.Atoi(v)
			require.NoError(t, err)
		}
		require.GreaterOrEqual(t, last, n, "a confirmed record was lost")
		require.LessOrEqual(t, last, n+1)
		for i := 1; i <= last+1; i++ {
			v, is := got[recordKey(hand, i)]
			if !is {
				require.Equal(t, last+1, i, "a record was lost")
				continue
			}
			require.Equal(t, recordValue(hand, i), v)
			known++
		}
	}
	require.Len(t, got, known, "nothing else is there")
	require.NoError(t, s.Close())
}

func holds(s *bolt.Store) error {
	fmt.Println("held")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return s.Close()
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	o := start(t, "hold", path)
	o.says(t, "held")
	begun := time.Now()
	s, err := bolt.Open(path)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "another process holds the file")
	assert.Nil(t, s)
	assert.Less(t, time.Since(begun), 10*time.Second)

	o.kill()
	s = open(t, path)
	_, err = bolt.Open(path)
	require.ErrorContains(t, err, "another Store of this one")
	require.NoError(t, s.Close())
	require.NoError(t, open(t, path).Close())
}

// TestHandedOver opens a store that its old process closes a moment later.
func TestHandedOver(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	o := start(t, "hold", path)
	o.says(t, "held")
	opened := make(chan error)
	go func() {
		s, err := bolt.Open(path)
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	require.NoError(t, o.in.Close())
	require.NoError(t, <-opened)
}

// fills lets the disk be full for a while.
func fills(s *bolt.Store) error {
	ctx := context.Background()
	signal.Ignore(syscall.SIGXFSZ)
	if _, err := s.Swap(ctx, "before", nil, []byte("v"), 0); err != nil {
		return err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	full := limit
	full.Cur = 1 << 17
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		return err
	}
	big := []byte(strings.Repeat("v", 1<<20))
	for range 3 {
		if did, err := s.Swap(ctx, "big", nil, big, 0); err == nil || did {
			return fmt.Errorf("the disk was not full: %v", did)
		}
		if v, err := s.Get(ctx, "before"); err != nil || string(v) != "v" {
			return fmt.Errorf("reading: %q, %w", v, err)
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if did, err := s.Swap(ctx, "big", nil, big, 0); err != nil || !did {
		return fmt.Errorf("after: %v, %w", did, err)
	}
	fmt.Println("done")
	return s.Close()
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	start(t, "fill", path).says(t, "done")
	got, err := contents(t, open(t, path))
	require.NoError(t, err)
	assert.Len(t, got, 2)
	assert.Len(t, got["big"], 1<<20)
}

func TestOthersMayNotRead(t *testing.T) {
	path, all := filled(t)
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o610, 0o666, 0o777} {
		require.NoError(t, os.Chmod(path, mode))
		refused(t, path, "chmod 600")
	}
	require.NoError(t, os.Chmod(path, 0o600))
	has(t, open(t, path), all)
}

func TestOddFiles(t *testing.T) {
	path := newPath(t)
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	_, err := bolt.Open(path)
	require.ErrorContains(t, err, "not a regular file")

	_, err = bolt.Open("/dev/null")
	require.ErrorContains(t, err, "not a regular file")

	to, all := filled(t)
	link := newPath(t)
	require.NoError(t, os.Symlink(to, link))
	has(t, open(t, link), all)

	loose := newPath(t)
	require.NoError(t, os.Symlink(filepath.Join(t.TempDir(), "gone"), loose))
	_, err = bolt.Open(loose)
	require.Error(t, err)
}

// TestMadeOnce has many processes make one store at once: one gets it, the others
// are told, and none makes another in its place.
func TestMadeOnce(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	var all sync.WaitGroup
	var stores [8]*bolt.Store
	for i := range stores {
		all.Go(func() {
			s, err := bolt.Open(path)
			if err != nil {
				assert.ErrorContains(t, err, "another process holds the file")
				return
			}
			stores[i] = s
		})
	}
	all.Wait()
	n := 0
	for _, s := range stores {
		if s != nil {
			n++
			put(t, s, "key", "v", 0)
			require.NoError(t, s.Close())
		}
	}
	assert.Equal(t, 1, n)
	got, err := contents(t, open(t, path))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"key": "v"}, got)
}
