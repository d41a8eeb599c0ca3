// Package storetest tells whether a [modelslab.Store] keeps its contract: what Get,
// Swap and List do, in one goroutine and in many, and what the abilities do that the
// store has beside.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t testing.TB) modelslab.Store { return mystore.Open(t.TempDir()) })
//	}
//
// Whether anything survives a crash depends on how the store is made to crash, and is
// left to its own tests.
package storetest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// claim is something that the contract says.
type claim[S any] struct {
	name string
	test func(*testing.T, S)
}

// Run holds a store against the contract. Each call of open gives an empty one. A
// [modelslab.StoreClock] and a [modelslab.StorePlaces] are held against theirs too.
func Run(t *testing.T, open func(testing.TB) modelslab.Store) {
	t.Helper()
	for _, c := range slices.Concat(swapClaims, valueClaims, listClaims, raceClaims) {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
	first := open(t)
	if _, is := first.(modelslab.StoreClock); is {
		for _, c := range clockClaims {
			t.Run(c.name, func(t *testing.T) { c.test(t, open(t).(modelslab.StoreClock)) })
		}
	}
	if _, is := first.(modelslab.StorePlaces); is {
		for _, c := range placeClaims {
			t.Run(c.name, func(t *testing.T) { c.test(t, open(t).(modelslab.StorePlaces)) })
		}
	}
}

// RunShared holds two handles against each other. Each call of open gives two that
// keep their keys in one place, with nothing in it: two clients of one server, say.
func RunShared(t *testing.T, open func(testing.TB) (a, b modelslab.Store)) {
	t.Helper()
	for _, c := range sharedClaims {
		t.Run(c.name, func(t *testing.T) {
			a, b := open(t)
			c.test(t, pair{a, b})
		})
	}
}

// within is how long anything may take that has to happen in the end, and brief a
// life that is worth waiting for. Servers count in milliseconds, by their own clock:
// a life may be short by slack.
const (
	within = 30 * time.Second
	brief  = 150 * time.Millisecond
	slack  = 20 * time.Millisecond
)

// until waits until done says so.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline, tick := time.After(within), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			require.FailNow(t, "not in time: "+what)
		}
	}
}

// together runs f in n goroutines that begin at once, and returns their errors.
func together(n int, f func(i int) error) []error {
	var all sync.WaitGroup
	begin, errs := make(chan struct{}), make([]error, n)
	for i := range n {
		all.Go(func() {
			<-begin
			errs[i] = f(i)
		})
	}
	close(begin)
	all.Wait()
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

func get(t testing.TB, s modelslab.Store, key string) []byte {
	t.Helper()
	v, err := s.Get(t.Context(), key)
	require.NoError(t, err)
	return v
}

func swap(t testing.TB, s modelslab.Store, key string, older, newer []byte, ttl time.Duration) bool {
	t.Helper()
	did, err := s.Swap(t.Context(), key, older, newer, ttl)
	require.NoError(t, err)
	return did
}

func put(t testing.TB, s modelslab.Store, key, value string) {
	t.Helper()
	require.True(t, swap(t, s, key, nil, []byte(value), 0), "something stood under %q", key)
}

// list is what List yields, in order. That a key comes twice, or an error at all, is
// a failure.
func list(t testing.TB, s modelslab.Store, prefix string) []string {
	t.Helper()
	var keys []string
	for key, err := range s.List(t.Context(), prefix) {
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(key, prefix), "%q does not begin with %q", key, prefix)
		keys = append(keys, key)
	}
	slices.Sort(keys)
	require.Len(t, slices.Compact(slices.Clone(keys)), len(keys), "a key came twice")
	return keys
}
