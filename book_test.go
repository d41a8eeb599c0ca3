package modelslab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/internal/points"
)

// The journal in its store: what happens when several processes write at once,
// when the store loses, lies or fails, and what stands in it afterwards. Each New
// is an owner of its own, and stands for a process.

// errDisk is what a store says that fails.
var errDisk = errors.New("disk full")

// trickyStore is a store in which something happens before or instead of a step.
type trickyStore struct {
	Store
	mu   sync.Mutex
	get  func(key string) error
	swap func(ctx context.Context, key string, older, newer []byte, do func() (bool, error)) (bool, error)
	list func(prefix string) error
}

func tricky(s Store) *trickyStore { return &trickyStore{Store: s} }

// set changes what happens from now on.
func (s *trickyStore) set(change func(*trickyStore)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *trickyStore) Get(ctx context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	get := s.get
	s.mu.Unlock()
	if get != nil {
		if err := get(key); err != nil {
			return nil, err
		}
	}
	return s.Store.Get(ctx, key)
}

func (s *trickyStore) Swap(ctx context.Context, key string, older, newer []byte, ttl time.Duration) (bool, error) {
	s.mu.Lock()
	swap := s.swap
	s.mu.Unlock()
	do := func() (bool, error) { return s.Store.Swap(ctx, key, older, newer, ttl) }
	if swap == nil {
		return do()
	}
	return swap(ctx, key, older, newer, do)
}

func (s *trickyStore) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	s.mu.Lock()
	list := s.list
	s.mu.Unlock()
	if list != nil {
		if err := list(prefix); err != nil {
			return func(yield func(string, error) bool) { yield("", err) }
		}
	}
	return s.Store.List(ctx, prefix)
}

// contents is all that stands in a store.
func contents(t testing.TB, s Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for key, err := range s.List(context.Background(), "") {
		require.NoError(t, err)
		v, err := s.Get(context.Background(), key)
		require.NoError(t, err)
		all[key] = string(v)
	}
	return all
}

// teller is a network that answers by the endpoint: for each the steps in order,
// and the last one for ever. What it does not know is 404.
type teller struct {
	record
	mu sync.Mutex
	on map[string][]step
}

func newTeller(on map[string][]step) *teller { return &teller{on: on} }

func (n *teller) RoundTrip(req *http.Request) (*http.Response, error) {
	n.add(req)
	n.mu.Lock()
	name := req.Method + " " + strings.TrimPrefix(req.URL.Path, agentsBase)
	steps := n.on[name]
	if len(steps) > 1 {
		n.on[name] = steps[1:]
	}
	n.mu.Unlock()
	if len(steps) == 0 {
		return says(404, `{"message":"The route could not be found."}`)(req)
	}
	return steps[0](req)
}

// sent are the requests that were not for reading.
func (r *record) sent() (posts []sentRequest) {
	for _, s := range r.requests() {
		if s.Method != get {
			posts = append(posts, s)
		}
	}
	return posts
}

const fundPath = "POST /wallet/fund"

// funded says that a sum has been charged.
func funded(amount Amount) step {
	return says(200, `{"data":{"payment":{"status":"succeeded","payment_intent_id":"pi_3TestIntent","amount":`+amount.String()+`}}}`)
}

func ledgerOf(t testing.TB, c *Client) (all []LedgerEntry) {
	t.Helper()
	for e, err := range c.Ledger(context.Background()) {
		require.NoError(t, err)
		all = append(all, *e)
	}
	return all
}

func pendingOf(t testing.TB, c *Client) []PendingOperation {
	t.Helper()
	ops, err := c.Pending(context.Background())
	require.NoError(t, err)
	return ops
}

const (
	theSpace = "mla1/https://modelslab.com/7/" // of the account of stubbed clients
	theBook  = theSpace + "book"
)

// bookIn is what stands in the account's book.
func bookIn(t testing.TB, s Store) *book {
	t.Helper()
	raw, err := s.Get(context.Background(), theBook)
	require.NoError(t, err)
	b, err := readBook(raw)
	require.NoError(t, err)
	return b
}

// journalIn is the journal of a client's account.
func journalIn(t testing.TB, c *Client) *journal {
	t.Helper()
	j, err := c.journal(context.Background())
	require.NoError(t, err)
	return j
}

// budgetIn is what stands in a budget of its own name.
func budgetIn(t testing.TB, s Store, name string) *purse {
	t.Helper()
	raw, err := s.Get(context.Background(), "mla1/https://modelslab.com/budget/"+name)
	require.NoError(t, err)
	var b budget
	if raw != nil {
		require.NoError(t, json.Unmarshal(raw, &b))
	}
	return &b.Purse
}

// counted is what a purse counts in all.
func counted(t testing.TB, p *purse) Amount {
	t.Helper()
	sum, err := p.used(0, &entry{})
	require.NoError(t, err)
	return sum
}

func TestAPaymentThatAnotherProcessSettlesMeanwhileIsAnsweredFromTheRecord(t *testing.T) {
	for _, when := range []string{"before it is taken over", "and taken out of the book"} {
		t.Run(when, func(t *testing.T) {
			store := tricky(NewMemoryStore())
			net := newTeller(map[string][]step{
				fundPath:                   {breaks(errors.New("reset")), funded(Dollars(25))},
				"GET /wallet/transactions": {says(200, `{"data":[]}`)},
			})
			first := stubbed(t, net, WithStore(store), hasty(1))
			other := stubbed(t, net, WithStore(store), hasty(1))
			_, err := first.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"))
			require.ErrorIs(t, err, ErrOutcomeUnknown)

			reads := 0
			store.set(func(s *trickyStore) {
				s.get = func(key string) error {
					if key != theBook {
						return nil
					}
					if reads++; reads != 2 {
						return nil
					}
					// Between the look at the record and the taking over.
					store.set(func(s *trickyStore) { s.get = nil })
					_, err := first.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"))
					require.NoError(t, err)
					if when == "and taken out of the book" {
						_, err = first.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-2"))
						require.NoError(t, err)
						require.Nil(t, bookIn(t, store).last(operationID("order-1")))
					}
					return nil
				}
			})
			var resp Response
			_, err = other.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"), WithResponse(&resp))
			require.NoError(t, err)
			assert.True(t, resp.IdempotencyReplay)
			assert.Zero(t, resp.Attempts)
			assert.Empty(t, pendingOf(t, other), "what was settled is not open again")
			assert.Len(t, ledgerOf(t, other), len(net.sent())-1)
		})
	}
}

func TestANamedBudgetKeepsWhatAnotherProcessHoldsForTheSameOperation(t *testing.T) {
	store := NewMemoryStore()
	policy := WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(50)})
	ready, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	net := scripted(func(r *http.Request) (*http.Response, error) {
		close(goOn) // while the first one is on its way, the second one comes to the budget
		if err := <-done; err != nil {
			t.Log(err)
		}
		return funded(Dollars(25))(r)
	}, funded(Dollars(25)))
	first, second := stubbed(t, net, WithStore(store), policy), stubbed(t, net, WithStore(store), policy)
	go func() {
		ctx := points.With(context.Background(), func(point string) {
			if point == points.Allowed {
				close(ready)
				<-goOn
			}
		})
		_, err := second.Wallet.Fund(ctx, fundParams(), WithOperation("order-1"))
		assert.ErrorIs(t, err, ErrPendingOperation)
		close(done)
	}()
	<-ready
	_, err := first.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"))
	require.NoError(t, err)
	assert.Equal(t, Dollars(25), counted(t, budgetIn(t, store, "team")), "what was paid counts")
	for range 3 {
		_, err = first.Wallet.Fund(t.Context(), fundParams())
	}
	require.ErrorIs(t, err, ErrSpendLimit)
	assert.Len(t, net.sent(), 2, "never more than the limit")
}

// The process is stopped between the two steps, and wakes when its hold is given up.
func TestAProcessThatWakesUpAfterItsHoldLapsedSpendsNothingUncounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := NewMemoryStore()
		policy := WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(50)})
		net := scripted(funded(Dollars(25)))
		late, other := stubbed(t, net, WithStore(store), policy), stubbed(t, net, WithStore(store), policy)
		slept := false
		ctx := points.With(t.Context(), func(point string) {
			if point != points.Held || slept {
				return
			}
			slept = true
			elapse(time.Hour)
			for range 2 {
				_, err := other.Wallet.Fund(t.Context(), fundParams())
				assert.NoError(t, err)
			}
		})
		_, err := late.Wallet.Fund(ctx, fundParams())
		require.ErrorIs(t, err, ErrSpendLimit)
		assert.Len(t, net.sent(), 2)
		assert.Equal(t, Dollars(50), counted(t, budgetIn(t, store, "team")))
	})
}

// The process is stopped in the middle of the second step, which is taken when it wakes.
func TestAProcessThatWakesUpWhileItWritesItDownSpendsNothingUncounted(t *testing.T) {
	for name, spent := range map[string]int{"all was spent meanwhile": 2, "a part was": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, stopped := NewMemoryStore(), tricky(nil)
				stopped.Store = store
				policy := WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(50)})
				net := scripted(funded(Dollars(25)))
				late := stubbed(t, net, WithStore(stopped), WithAccount("7"), policy)
				other := stubbed(t, net, WithStore(store), WithAccount("8"), policy)
				slept := false
				stopped.swap = func(_ context.Context, key string, _, _ []byte, do func() (bool, error)) (bool, error) {
					if !slept && strings.HasSuffix(key, "/book") {
						slept = true
						elapse(time.Hour)
						for range spent {
							_, err := other.Wallet.Fund(t.Context(), fundParams())
							assert.NoError(t, err)
						}
						_, err := other.Wallet.Fund(t.Context(), WalletFundParams{Amount: Dollars(1000), PaymentMethodID: "pm_card_visa"})
						assert.ErrorIs(t, err, ErrSpendLimit)
					}
					return do()
				}
				_, err := late.Wallet.Fund(t.Context(), fundParams())
				if spent == 2 {
					require.ErrorIs(t, err, ErrSpendLimit)
				} else {
					require.NoError(t, err)
				}
				assert.Len(t, net.sent(), 2)
				assert.Empty(t, pendingOf(t, late))
				assert.Equal(t, Dollars(50), counted(t, budgetIn(t, store, "team")))
			})
		})
	}
}

// opened is a store that one process has at a time.
type opened struct {
	Store
	name string
}

func (o opened) Opened() string { return o.name }

// A process dies while a named budget holds the sum, and the journal knows of nothing.
func TestAHoldOfAnEarlierOpeningIsNobodys(t *testing.T) {
	for name, opts := range map[string][]RequestOption{"the same name": {WithOperation("order-1")}, "another": {WithOperation("order-2")}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			store := NewMemoryStore()
			policy := WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(25)})
			net := scripted(funded(Dollars(25)))
			dies := points.With(t.Context(), func(point string) {
				if point == points.Held {
					panic("killed")
				}
			})
			c := stubbed(t, net, WithStore(opened{store, "first"}), policy)
			assert.Panics(t, func() { _, _ = c.Wallet.Fund(dies, fundParams(), WithOperation("order-1")) })
			require.Equal(t, Dollars(25), counted(t, budgetIn(t, store, "team")))
			c = stubbed(t, net, WithStore(opened{store, "second"}), policy)
			_, err := c.Wallet.Fund(t.Context(), fundParams(), opts...)
			require.NoError(t, err)
			assert.Len(t, net.sent(), 1)
			assert.Equal(t, Dollars(25), counted(t, budgetIn(t, store, "team")))
		})
	}
}

func TestALateSuccessCountsWhatWasAtStakeWhereTheAnswerDoesNotSay(t *testing.T) {
	for name, budget := range map[string]string{"the account's budget": "", "a budget of its own name": "team"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := NewMemoryStore()
				var other *Client
				net := scripted(func(r *http.Request) (*http.Response, error) {
					elapse(time.Hour)
					assert.NoError(t, other.Resolve(context.Background(), pendingOf(t, other)[0], NotPaid, "nothing on the statement"))
					return says(200, `{"data":{"payment":{"status":"succeeded"}}}`)(r)
				})
				policy := WithSpendPolicy(SpendPolicy{Budget: budget, Total: Dollars(100)})
				other = stubbed(t, net, WithStore(store), policy)
				_, err := stubbed(t, net, WithStore(store), policy).Wallet.Fund(t.Context(), fundParams())
				require.NoError(t, err)
				ledger := ledgerOf(t, other)
				require.Len(t, ledger, 1)
				assert.Equal(t, Dollars(25), ledger[0].Amount)
				assert.Equal(t, Dollars(25), counted(t, &bookIn(t, store).Purse))
				if budget != "" {
					assert.Equal(t, Dollars(25), counted(t, budgetIn(t, store, budget)))
				}
			})
		})
	}
}

func TestWhatIsAsLongAsTheWordRedactedIsNotKeptEither(t *testing.T) {
	const token = "tok3n-10by" // ten bytes, like the word in its place
	require.Len(t, token, len(redacted))
	store := NewMemoryStore()
	net := scripted(says(200, `{"data":{"payment":{"status":"succeeded"},"message":"thanks, `+token+`"}}`))
	c := stubbed(t, net, WithStore(store), WithAccessToken(token), WithAccount("7"))
	_, err := c.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"))
	require.NoError(t, err)
	for key, value := range contents(t, store) {
		assert.NotContains(t, value, token, key)
	}
}

// lossy are stores that make it hard.
var lossy = map[string]func() *trickyStore{
	"each swap loses once": func() *trickyStore {
		s, tried := tricky(NewMemoryStore()), map[string]bool{}
		s.swap = func(_ context.Context, key string, older, newer []byte, do func() (bool, error)) (bool, error) {
			s.mu.Lock()
			again := tried[key]
			tried[key] = !again
			s.mu.Unlock()
			if !again {
				return false, nil
			}
			return do()
		}
		return s
	},
	"somebody else is faster each time": func() *trickyStore {
		s, n := tricky(NewMemoryStore()), 0
		s.swap = func(ctx context.Context, key string, older, newer []byte, do func() (bool, error)) (bool, error) {
			s.mu.Lock()
			n++
			first := n%2 == 1
			s.mu.Unlock()
			if first && strings.HasSuffix(key, "/book") { // its book, with a number of its own
				var b book
				if older != nil && json.Unmarshal(older, &b) != nil {
					return false, errDisk
				}
				b.V, b.Seq, b.By = bookVersion, b.Seq+1, "another"
				enc, err := b.encode()
				if err != nil {
					return false, err
				}
				if _, err := s.Store.Swap(ctx, key, older, enc, 0); err != nil {
					return false, err
				}
			}
			return do()
		}
		return s
	},
}

func TestALostRaceForTheStoreChangesNothingInTheEnd(t *testing.T) {
	for name, open := range lossy {
		t.Run(name, func(t *testing.T) {
			store := open()
			net := newTeller(map[string][]step{fundPath: {
				says(402, declinedBody), funded(Dollars(25)), breaks(errDisk), funded(Dollars(25)), says(202, actionBody), says(422, ""), funded(Dollars(25)),
			}, "GET /wallet/transactions": {says(200, `{"data":[]}`)}})
			c := stubbed(t, net, WithStore(store), hasty(1), WithSpendPolicy(SpendPolicy{Total: Dollars(100)}), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(100)}))
			fund := func(name string) error { return roadCalls[1].do(t.Context(), c, WithOperation(name)) }
			require.ErrorIs(t, fund("a"), ErrPaymentDeclined)
			require.NoError(t, fund("b"))
			require.ErrorIs(t, fund("c"), ErrOutcomeUnknown)
			require.NoError(t, fund("c"))
			require.ErrorIs(t, fund("d"), ErrRequiresAction)
			require.ErrorIs(t, fund("e"), ErrValidation)
			require.NoError(t, fund("f"))
			require.ErrorIs(t, fund("g"), ErrSpendLimit, "$75 were paid, and $25 wait for their card holder")
			require.NoError(t, fund("b"), "from the record")
			assert.Len(t, net.sent(), 7)
			assert.Len(t, ledgerOf(t, c), 3)
			assert.Len(t, pendingOf(t, c), 1)
			assert.Equal(t, Dollars(100), counted(t, &bookIn(t, store).Purse))
			assert.Equal(t, Dollars(100), counted(t, budgetIn(t, store, "team")))
			assert.Equal(t, Dollars(75), bookIn(t, store).Purse.Spent)
		})
	}
}

// What a store has done and denies is done once.
func TestAStoreThatWorksAndSaysThatItFailedLosesNothing(t *testing.T) {
	for _, part := range []string{"", "/book", "/op/", "/budget/"} {
		for every := 1; every <= 4; every++ {
			t.Run(fmt.Sprintf("%q, each %d.", part, every), func(t *testing.T) {
				store := tricky(NewMemoryStore())
				net := newTeller(map[string][]step{fundPath: {funded(Dollars(25))}, "GET /wallet/transactions": {says(200, `{"data":[]}`)}})
				c := stubbed(t, net, WithStore(store), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(1000)}))
				swaps := 0
				store.set(func(s *trickyStore) {
					s.swap = func(_ context.Context, key string, older, newer []byte, do func() (bool, error)) (bool, error) {
						ok, err := do()
						store.mu.Lock()
						defer store.mu.Unlock()
						if strings.Contains(key, part) {
							if swaps++; swaps%every == 0 {
								return false, errDisk
							}
						}
						return ok, err
					}
				})
				var worked int
				for i := range 6 {
					var resp Response
					err := roadCalls[1].do(t.Context(), c, WithOperation(fmt.Sprint("order-", i)), WithResponse(&resp))
					if err == nil {
						worked++
						continue
					}
					require.ErrorIs(t, err, errDisk)
					require.NotErrorIs(t, err, ErrOutcomeUnknown)
					assert.Zero(t, resp.StatusCode, "refused before it was sent")
				}
				store.set(func(s *trickyStore) { s.swap = nil })
				assert.Len(t, net.sent(), worked)
				for i := range 6 {
					require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation(fmt.Sprint("order-", i))))
				}
				assert.Len(t, net.sent(), 6, "each once")
				assert.Len(t, ledgerOf(t, c), 6)
				assert.Empty(t, pendingOf(t, c))
				other := stubbed(t, net, WithStore(store))
				assert.Len(t, ledgerOf(t, other), 6, "another process sees them all")
				assert.Empty(t, pendingOf(t, other))
				assert.Equal(t, Dollars(150), counted(t, &bookIn(t, store).Purse))
				assert.Equal(t, Dollars(150), counted(t, budgetIn(t, store, "team")))
			})
		}
	}
}

func TestAStoreThatFailsNowAndThenLosesNothing(t *testing.T) {
	for _, way := range []string{"get", "swap", "either"} {
		for every := 2; every <= 7; every++ {
			t.Run(fmt.Sprint(way, ", each ", every, "."), func(t *testing.T) {
				store := tricky(NewMemoryStore())
				net := newTeller(map[string][]step{
					fundPath: {funded(Dollars(25)), says(402, declinedBody), breaks(errDisk), funded(Dollars(25)), funded(Dollars(25))}, "GET /wallet/transactions": {says(200, `{"data":[]}`)},
				})
				c := stubbed(t, net, WithStore(store), hasty(1), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(1000)}))
				var mu sync.Mutex
				steps := 0
				fails := func() bool {
					mu.Lock()
					defer mu.Unlock()
					steps++
					return steps%every == 0
				}
				store.set(func(s *trickyStore) {
					s.get = func(string) error {
						if way != "swap" && fails() {
							return errDisk
						}
						return nil
					}
					s.swap = func(_ context.Context, _ string, _, _ []byte, do func() (bool, error)) (bool, error) {
						if way != "get" && fails() {
							return false, errDisk
						}
						return do()
					}
				})
				answered := map[string]bool{}
				for i := range 5 {
					name := fmt.Sprint("order-", i)
					for range 8 {
						if err := roadCalls[1].do(t.Context(), c, WithOperation(name)); err == nil || errors.Is(err, ErrPaymentDeclined) || errors.Is(err, ErrOutcomeUnknown) {
							answered[name] = err == nil
							break
						}
					}
				}
				store.set(func(s *trickyStore) { s.get, s.swap = nil, nil })
				last := roadCalls[1].do(t.Context(), c, WithOperation("last"))
				for i := 0; i < 3 && last != nil; i++ { // until the declined and the lost one have been told
					last = roadCalls[1].do(t.Context(), c, WithOperation(fmt.Sprint("last-", i)))
				}
				require.NoError(t, last, "and then it works")
				for _, op := range pendingOf(t, c) {
					s, err := c.Settle(t.Context(), op)
					require.NoError(t, err)
					assert.Equal(t, Done, s.Status, "asked with the key that it had")
				}
				paid := 0
				keys := map[string]bool{}
				for _, r := range net.sent() {
					keys[r.key()] = true
				}
				for _, e := range ledgerOf(t, c) {
					paid++
					assert.True(t, keys[e.IdempotencyKey], "nothing is in the ledger that was not sent")
				}
				for name, ok := range answered {
					if ok {
						require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation(name)), "what was said to be paid stays so")
					}
				}
				assert.Equal(t, Dollars(int64(25*paid)), counted(t, &bookIn(t, store).Purse))
				used := counted(t, budgetIn(t, store, "team"))
				assert.False(t, used.Less(Dollars(int64(25*paid))), "what is held too long is no harm, what is not counted is")
				require.NoError(t, journalIn(t, c).sweep(t.Context(), "team"))
				assert.Equal(t, Dollars(int64(25*paid)), counted(t, budgetIn(t, store, "team")), "and is given back when it is wanted")
			})
		}
	}
}

func TestAStoreThatFailsBeforeItIsSentRefusesAndHoldsNothing(t *testing.T) {
	for name, breakIt := range map[string]func(*trickyStore){
		"reading": func(s *trickyStore) { s.get = func(string) error { return errDisk } },
		"reading the freeze": func(s *trickyStore) {
			s.get = func(key string) error {
				if key == frozenKey {
					return errDisk
				}
				return nil
			}
		},
		"writing": func(s *trickyStore) {
			s.swap = func(context.Context, string, []byte, []byte, func() (bool, error)) (bool, error) {
				return false, errDisk
			}
		},
		"writing the book": func(s *trickyStore) {
			s.swap = func(_ context.Context, key string, _, _ []byte, do func() (bool, error)) (bool, error) {
				if key == theBook {
					return false, errDisk
				}
				return do()
			}
		},
		"writing a budget": func(s *trickyStore) {
			s.swap = func(_ context.Context, key string, _, _ []byte, do func() (bool, error)) (bool, error) {
				if strings.Contains(key, "/budget/") {
					return false, errDisk
				}
				return do()
			}
		},
	} {
		for _, opts := range [][]RequestOption{nil, {WithOperation("order-1")}, {WithIdempotencyKey("key-1")}} {
			t.Run(fmt.Sprint(name, len(opts)), func(t *testing.T) {
				store := tricky(NewMemoryStore())
				net := newTeller(map[string][]step{fundPath: {funded(Dollars(25))}, "GET /wallet/balance": {says(200, balanceBody)}})
				c := stubbed(t, net, WithStore(store), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(50)}))
				require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation("before")))
				store.set(breakIt)
				var resp Response
				err := roadCalls[1].do(t.Context(), c, append(opts, WithResponse(&resp))...)
				require.ErrorIs(t, err, errDisk)
				require.NotErrorIs(t, err, ErrOutcomeUnknown)
				oneLine(t, err)
				assert.Zero(t, resp)
				assert.Len(t, net.sent(), 1, "nothing was sent")
				require.NoError(t, roadCalls[0].do(t.Context(), c), "reading goes on")
				store.set(func(s *trickyStore) { s.get, s.swap = nil, nil })
				assert.Empty(t, pendingOf(t, c))
				require.NoError(t, roadCalls[1].do(t.Context(), c, opts...), "its sum is still there")
				require.ErrorIs(t, roadCalls[1].do(t.Context(), c), ErrSpendLimit)
			})
		}
	}
}

// journalDies breaks the store for good when the request is on its way.
func journalDies(store *trickyStore, answer step) step {
	return func(r *http.Request) (*http.Response, error) {
		store.set(func(s *trickyStore) {
			s.get = func(string) error { return errDisk }
			s.swap = func(context.Context, string, []byte, []byte, func() (bool, error)) (bool, error) {
				return false, errDisk
			}
		})
		return answer(r)
	}
}

func heals(store *trickyStore) {
	store.set(func(s *trickyStore) { s.get, s.swap, s.list = nil, nil, nil })
}

func TestAStoreThatDiesAfterTheChargeTakesNothingFromTheCaller(t *testing.T) {
	for name, named := range map[string][]RequestOption{"named": {WithOperation("order-1")}, "unnamed": nil} {
		t.Run(name, func(t *testing.T) {
			store := tricky(NewMemoryStore())
			net := newTeller(map[string][]step{fundPath: {journalDies(store, funded(Dollars(25))), funded(Dollars(25))}, "GET /wallet/transactions": {says(200, `{"data":[]}`)}})
			var log strings.Builder
			c := stubbed(t, net, WithStore(store), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(50)}), WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			var resp Response
			f, err := c.Wallet.Fund(t.Context(), fundParams(), append(named, WithResponse(&resp))...)
			require.NoError(t, err)
			assert.Equal(t, "succeeded", f.Status)
			require.ErrorIs(t, resp.JournalErr, errDisk)
			assert.Contains(t, log.String(), "level=ERROR")
			assert.Contains(t, log.String(), resp.IdempotencyKey)
			assert.NotContains(t, log.String(), testToken)

			require.ErrorIs(t, roadCalls[1].do(t.Context(), c, WithOperation("order-2")), errDisk, "no further spend while the journal cannot be written")
			_, err = c.Pending(t.Context())
			require.ErrorIs(t, err, errDisk)
			assert.Len(t, net.sent(), 1)

			heals(store)
			other := stubbed(t, net, WithStore(store))
			ops := pendingOf(t, other)
			require.Len(t, ops, 1, "to others it is open")
			assert.Equal(t, resp.IdempotencyKey, ops[0].IdempotencyKey)
			require.ErrorIs(t, roadCalls[1].do(t.Context(), other, named...), ErrPendingOperation)
			assert.Empty(t, pendingOf(t, c), "who knows better writes it down")
			assert.Empty(t, pendingOf(t, other))
			assert.Len(t, ledgerOf(t, other), 1)
			require.NoError(t, roadCalls[1].do(t.Context(), c, append(named, WithResponse(&resp))...))
			require.NoError(t, resp.JournalErr)
			if named != nil {
				assert.Len(t, net.sent(), 1, "answered from the record")
				require.NoError(t, roadCalls[1].do(t.Context(), c))
			}
			assert.Len(t, net.sent(), 2)
			require.ErrorIs(t, roadCalls[1].do(t.Context(), c), ErrSpendLimit)
			assert.Equal(t, Dollars(50), counted(t, &bookIn(t, store).Purse))
			assert.Equal(t, Dollars(50), counted(t, budgetIn(t, store, "team")))
		})
	}
}

func TestWhatTheJournalCouldNotTakeIsToldWithEveryOutcome(t *testing.T) {
	for name, tt := range map[string]struct {
		answer step
		kind   error
	}{
		"declined": {says(402, declinedBody), ErrPaymentDeclined}, "action": {says(202, actionBody), ErrRequiresAction}, "refused": {says(422, ""), ErrValidation},
		"limited": {says(429, ""), ErrRateLimited}, "unknown": {says(500, ""), ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			store := tricky(NewMemoryStore())
			net := newTeller(map[string][]step{fundPath: {journalDies(store, tt.answer)}})
			c := stubbed(t, net, WithStore(store), hasty(1))
			var resp Response
			err := roadCalls[1].do(t.Context(), c, WithOperation("order-1"), WithResponse(&resp))
			require.ErrorIs(t, err, tt.kind, "the outcome is the call's own")
			require.ErrorIs(t, resp.JournalErr, errDisk)
			require.ErrorIs(t, apiOf(t, err).JournalErr, errDisk)
			oneLine(t, err)
			heals(store)
			open := pendingOf(t, c)
			assert.Equal(t, tt.kind == ErrRequiresAction || tt.kind == ErrOutcomeUnknown, len(open) == 1, open)
			if tt.kind == ErrRequiresAction {
				assert.Equal(t, "action_required", open[0].State, "what it knows is written down later")
				assert.Equal(t, testIntent, open[0].PaymentIntentID)
			}
		})
	}
}

func TestARecordThatCannotBeArchivedIsStillTheRecord(t *testing.T) {
	store := tricky(NewMemoryStore())
	net := newTeller(map[string][]step{fundPath: {funded(Dollars(25))}})
	c := stubbed(t, net, WithStore(store))
	store.set(func(s *trickyStore) {
		s.swap = func(_ context.Context, key string, _, _ []byte, do func() (bool, error)) (bool, error) {
			if strings.Contains(key, "/op/") {
				return false, errDisk
			}
			return do()
		}
	})
	var resp Response
	require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation("order-1"), WithResponse(&resp)))
	require.ErrorIs(t, resp.JournalErr, errDisk)
	for _, client := range []*Client{c, stubbed(t, net, WithStore(store))} {
		require.NoError(t, roadCalls[1].do(t.Context(), client, WithOperation("order-1")))
		assert.Len(t, ledgerOf(t, client), 1)
		assert.Empty(t, pendingOf(t, client))
	}
	heals(store)
	require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation("order-2")))
	assert.Len(t, ledgerOf(t, c), 2)
	assert.Len(t, net.sent(), 2)
}

// Two accounts, two origins: what one does is none of the other's business.
func TestAccountsAndOriginsDoNotSeeEachOther(t *testing.T) {
	store := NewMemoryStore()
	net := newTeller(map[string][]step{fundPath: {funded(Dollars(25))}})
	policy := []Option{WithStore(store), hasty(1), WithSpendPolicy(SpendPolicy{Total: Dollars(25)}), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(50)})}
	clients := map[string]*Client{
		"7":                 stubbed(t, net, policy...),
		"8":                 stubbed(t, net, append(policy, WithAccount("8"))...),
		"7 in the sandbox":  stubbed(t, net, append(policy, WithBaseURL("http://127.0.0.1:8085"))...),
		"7 at another port": stubbed(t, net, append(policy, WithBaseURL("http://127.0.0.1:8086"))...),
		"7/":                stubbed(t, net, append(policy, WithAccount("7/"))...),
		"7%2F":              stubbed(t, net, append(policy, WithAccount("7%2F"))...),
		"a long name":       stubbed(t, net, append(policy, WithAccount(strings.Repeat("/", 200)), WithBaseURL("https://another.example"))...),
		"a longer name":     stubbed(t, net, append(policy, WithAccount(strings.Repeat("/", 199)), WithBaseURL("https://another.example"))...),
		"up":                stubbed(t, net, append(policy, WithAccount(".."), WithBaseURL("https://a-third.example"))...),
		"book":              stubbed(t, net, append(policy, WithAccount("book"), WithBaseURL("https://a-third.example"))...),
		"budget":            stubbed(t, net, append(policy, WithAccount("budget"), WithBaseURL("https://a-fourth.example"))...),
	}
	paid := 0
	for _, name := range slices.Sorted(maps.Keys(clients)) {
		c := clients[name]
		err := roadCalls[1].do(t.Context(), c, WithOperation("order-1"))
		if errors.Is(err, ErrSpendLimit) { // the team's, of the two that share an origin
			continue
		}
		require.NoError(t, err, name)
		paid++
		assert.Len(t, net.sent(), paid, "%s: the name is its own", name)
		assert.Len(t, ledgerOf(t, c), 1, name)
		assert.Empty(t, pendingOf(t, c), name)
		require.ErrorIs(t, roadCalls[1].do(t.Context(), c), ErrSpendLimit, name)
	}
	assert.Equal(t, len(clients)-2, paid, "$50 at modelslab.com are two payments of four accounts")
	require.NoError(t, clients["8"].Freeze(t.Context(), "all of it"))
	for name, c := range clients {
		require.ErrorIs(t, roadCalls[1].do(t.Context(), c, WithOperation("order-2")), ErrFrozen, name)
	}
}

func TestKeysOfTheStoreAreAsShortAsItsContractSays(t *testing.T) {
	store := NewMemoryStore()
	net := newTeller(map[string][]step{fundPath: {funded(Dollars(25))}})
	host := strings.Repeat(strings.Repeat("h", 60)+".", 4) + "example" // as long as a host may be
	c := stubbed(t, net, WithStore(store), WithBaseURL("https://"+host), WithAccount(strings.Repeat("a", 200)), WithSpendPolicy(SpendPolicy{Budget: strings.Repeat("b", 200), Total: Dollars(1000)}))
	require.NoError(t, roadCalls[1].do(t.Context(), c, WithIdempotencyKey(strings.Repeat("k", 255))))
	require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation(strings.Repeat("o", 200))))
	require.NoError(t, roadCalls[1].do(t.Context(), c))
	for key, value := range contents(t, store) {
		assert.LessOrEqual(t, len(key), 600, key)
		assert.NotEmpty(t, value)
	}
	assert.Len(t, ledgerOf(t, c), 3)
}

// keysWithSlashes are keys of the caller's that look like places in the store.
func TestAKeyOfTheCallersMayLookLikeAPlaceInTheStore(t *testing.T) {
	store := NewMemoryStore()
	net := newTeller(map[string][]step{fundPath: {funded(Dollars(25))}})
	c := stubbed(t, net, WithStore(store), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(100)}))
	for i, key := range []string{"a/op/b", "../book", "op/x", "/"} {
		require.NoError(t, roadCalls[1].do(t.Context(), c, WithIdempotencyKey(key)), key)
		require.NoError(t, roadCalls[1].do(t.Context(), c, WithIdempotencyKey(key)), "from the record")
		assert.Len(t, net.sent(), i+1, key)
	}
	assert.Len(t, ledgerOf(t, c), 4)
	require.ErrorIs(t, roadCalls[1].do(t.Context(), c), ErrSpendLimit)
}

func TestOneNameIsPaidOnceHoweverManyAskAtOnce(t *testing.T) {
	store := NewMemoryStore()
	net := newTeller(map[string][]step{fundPath: {funded(Dollars(25))}, "GET /wallet/transactions": {says(200, `{"data":[]}`)}})
	for name, clients := range map[string][]*Client{
		"one process":       {stubbed(t, net, WithStore(store))},
		"four processes":    {stubbed(t, net, WithStore(store)), stubbed(t, net, WithStore(store)), stubbed(t, net, WithStore(store)), stubbed(t, net, WithStore(store))},
		"the default store": {stubbed(t, net)},
		"with a budget":     {stubbed(t, net, WithStore(store), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(25)})), stubbed(t, net, WithStore(store), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(25)}))},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(net.sent())
			var group sync.WaitGroup
			for i := range 32 {
				group.Go(func() {
					err := roadCalls[1].do(context.Background(), clients[i%len(clients)], WithOperation("all "+name))
					if err != nil && !errors.Is(err, ErrPendingOperation) {
						assert.NoError(t, err)
					}
				})
			}
			group.Wait()
			for _, c := range clients {
				require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation("all "+name)))
			}
			assert.Len(t, net.sent(), before+1)
		})
	}
}

// spends are calls that spend, as the store may see them.
var spends = map[string]func(ctx context.Context, c *Client, opts ...RequestOption) error{
	"fund": roadCalls[1].do,
	"page": func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return second(c.Wallet.FundCheckout(ctx, WalletFundCheckoutParams{Amount: Dollars(25)}, opts...))
	},
	"link": func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return second(c.Billing.CreatePaymentLink(ctx, PaymentLinkParams{Purpose: PurposeFund, Amount: Dollars(25)}, opts...))
	},
	"withdraw": func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return second(c.Wallet.Withdraw(ctx, WalletWithdrawParams{Amount: Dollars(25)}, opts...))
	},
	"coupon": func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return second(c.Wallet.RedeemCoupon(ctx, WalletRedeemCouponParams{CouponCode: "BONUS10", PaymentMethodID: testMethod, PurchaseAmount: Dollars(25)}, opts...))
	},
	"auto-funding": func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return second(c.Wallet.SetAutoFunding(ctx, WalletSetAutoFundingParams{AutoChargeAmount: Dollars(25), ChargeThreshold: Dollars(5)}, opts...))
	},
	"subscribe": spendings[1].do,
	"change plan": func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return second(c.Subscriptions.ChangePlan(ctx, 45, SubscriptionChangePlanParams{NewPlanID: 3}, opts...))
	},
	"resume": func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return second(c.Subscriptions.Resume(ctx, 45, opts...))
	},
	"fix payment": func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return second(c.Subscriptions.FixPayment(ctx, 45, SubscriptionFixPaymentParams{PlanCategory: "normal"}, opts...))
	},
	"charge": func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return second(c.Subscriptions.ChargeAmount(ctx, SubscriptionChargeAmountParams{Amount: Dollars(25)}, opts...))
	},
	"fund by hand": func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return c.Call(ctx, post, "/wallet/fund", map[string]any{"amount": 25, "payment_method_id": testMethod}, nil, opts...)
	},
	"fund by hand, and more": func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return c.Call(ctx, post, "/wallet/fund", map[string]any{"amount": 25, "payment_method_id": testMethod, "note": canaryPassword, "card": map[string]string{"number": canaryNumber}}, nil, opts...)
	},
	"picture": roadCalls[3].do,
	"picture by hand": func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return second(c.Generation.Run(ctx, "/api/v6/images/text2img", map[string]any{"model_id": "flux", "prompt": canaryPassword}, opts...))
	},
	"chat": func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return second(c.Generation.Chat.Complete(ctx, ChatParams{Model: "x", Messages: []ChatMessage{{Role: "user", Content: canaryPassword}}}, opts...))
	},
}

func TestNoSecretStandsInTheStore(t *testing.T) {
	said := map[string]step{
		"success": planted(200, `{"data":{"payment":{"status":"succeeded","payment_intent_id":"pi_3TestIntent","amount":25,"client_secret":"`+canaryClient+`"},"status":"active","message":"ECHO",
			"subscription":{"id":45,"plan_id":3,"status":"active","latest_invoice":{"payment_intent":{"client_secret":"`+canaryClient+`"}}},"trace":"`+testToken+`"},"error":null}`),
		"a link":   planted(200, `{"payment_url":"https://checkout.stripe.com/c/pay/cs_test_1","checkout_url":"https://checkout.stripe.com/c/pay/cs_test_1","session_id":"cs_test_1","message":"ECHO","client_secret":"`+canaryClient+`"}`),
		"a job":    planted(200, `{"status":"success","id":5,"output":["https://files.example/a.png"],"message":"ECHO","meta":{"key":"`+testKey+`","seed":1}}`),
		"a chat":   planted(200, `{"id":"chat-1","model":"x","choices":[{"index":0,"message":{"role":"assistant","content":"ECHO"},"finish_reason":"stop"}]}`),
		"declined": planted(402, `{"error":{"code":"payment_declined","message":"ECHO","details":{"decline_code":"insufficient_funds","payment_intent_id":"pi_3TestIntent","client_secret":"`+canaryClient+`","trace":"`+testToken+`"}}}`),
		"action":   planted(202, `{"data":{"payment":{"status":"requires_action","payment_intent_id":"pi_3TestIntent","client_secret":"`+canaryClient+`"},"message":"ECHO"}}`),
		"refused":  planted(422, `{"message":"ECHO","errors":{"amount":["ECHO"]},"trace":"`+testToken+`"}`),
		"error":    planted(500, `{"message":"ECHO"}`),
		"page":     planted(502, "<title>ECHO</title>"+testToken),
		"escaped":  says(422, `{"message":"`+strings.ReplaceAll(testToken, "-", `\u002d`)+`"}`),
		"lost":     breaks(fmt.Errorf("proxy: Authorization: Bearer %s, key %s, card %s", testToken, testKey, canaryNumber)),
	}
	for way, spend := range spends {
		for name, answer := range said {
			t.Run(way+", "+name, func(t *testing.T) {
				net := scripted(func(r *http.Request) (*http.Response, error) {
					switch {
					case r.Method != get:
						return answer(r)
					case strings.HasSuffix(r.URL.Path, "/plans"):
						return says(200, `{"data":{"subscription_plans":[{"id":3,"price":9}]}}`)(r)
					}
					return planted(200, `{"data":[{"id":45,"plan_id":3,"status":"paused","amount":9,"client_secret":"`+canaryClient+`","message":"ECHO"}]}`)(r)
				})
				store := NewMemoryStore()
				c := stubbed(t, net, WithStore(store), hasty(1), WithSpendPolicy(SpendPolicy{Budget: "team", PerCall: Dollars(1000), StandingOrders: StandingOrders{Dollars(1000), Dollars(1000)}}))
				opts := []RequestOption{WithHeader("X-Trace", canaryHeader), WithMaxCharge(Dollars(100)), WithOperation("order-1")}
				_ = spend(t.Context(), c, opts...)
				_ = spend(t.Context(), c, opts[:2]...)
				require.NotEmpty(t, net.sent())
				for _, op := range pendingOf(t, c) {
					_, _ = c.Settle(t.Context(), op)
				}
				all := contents(t, store)
				require.NotEmpty(t, all)
				for key, value := range all {
					for _, secret := range []string{
						testToken, testKey, canaryClient, canaryHeader, canaryNumber, canaryCookie, canaryPassword, "4000 0566 5566 5556", "sk_live_canary0", "_secret_", "Bearer", "Authorization",
						strings.ReplaceAll(testToken, "-", `\u002d`),
					} {
						assert.NotContains(t, value, secret, key)
						assert.NotContains(t, key, secret)
					}
				}
			})
		}
	}
}

func TestTheExactRequestIsKeptOnlyWhereAllOfItMayBe(t *testing.T) {
	want := map[string]string{
		"fund": `{"amount":25,"payment_method_id":"pm_card_visa"}`, "page": `{"amount":25}`, "link": `{"purpose":"fund","amount":25}`, "withdraw": `{"amount":25}`,
		"coupon": `{"coupon_code":"BONUS10","payment_method_id":"pm_card_visa","purchase_amount":25}`, "auto-funding": `{"auto_charge_amount":25,"charge_threshold":5}`,
		"subscribe": `{"plan_id":3,"payment_method_id":"pm_card_visa"}`, "change plan": `{"new_plan_id":3}`, "resume": ``, "fix payment": `{"plan_category":"normal"}`, "charge": `{"amount":25}`,
		"fund by hand": `{"amount":25,"payment_method_id":"pm_card_visa"}`,
	}
	for way, spend := range spends {
		t.Run(way, func(t *testing.T) {
			store := NewMemoryStore()
			net := scripted(func(r *http.Request) (*http.Response, error) {
				if r.Method == get {
					return says(200, `{"data":[]}`)(r)
				}
				return says(500, "")(r)
			})
			c := stubbed(t, net, WithStore(store), hasty(1))
			require.ErrorIs(t, spend(t.Context(), c, WithOperation("order-1")), ErrOutcomeUnknown)
			r := bookIn(t, store).last(operationID("order-1"))
			require.NotNil(t, r)
			assert.Equal(t, want[way], string(r.Body))
			if want[way] != "" {
				assert.Equal(t, net.sent()[0].Body, string(r.Body), "to the byte")
			}
			if want[way] == "" && !strings.HasPrefix(way, "resume") {
				return
			}
			for _, opt := range []RequestOption{WithBodyField("note", "x"), WithBodyField("", "")} {
				err := spend(t.Context(), c, WithOperation("order-2"), opt)
				if errors.Is(err, ErrValidation) {
					continue
				}
				r = bookIn(t, store).last(operationID("order-2"))
				require.NotNil(t, r)
				assert.Empty(t, r.Body, "a field more, and nothing is kept")
			}
			// The private memory of a New keeps none at all: there is nobody who could ask with it.
			mine := stubbed(t, net, hasty(1))
			require.ErrorIs(t, spend(t.Context(), mine, WithOperation("order-1")), ErrOutcomeUnknown)
			require.NoError(t, journalIn(t, mine).see(t.Context(), func(b *book, _ moment) error {
				assert.Empty(t, b.last(operationID("order-1")).Body)
				return nil
			}))
		})
	}
}

// What was kept is forgotten when it is no longer needed.
func TestTheRequestIsForgottenOnceItIsSettled(t *testing.T) {
	store := NewMemoryStore()
	net := newTeller(map[string][]step{fundPath: {says(500, ""), funded(Dollars(25))}, "GET /wallet/transactions": {says(200, `{"data":[]}`)}})
	c := stubbed(t, net, WithStore(store), hasty(1))
	require.ErrorIs(t, roadCalls[1].do(t.Context(), c, WithOperation("order-1")), ErrOutcomeUnknown)
	require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation("order-1")))
	for key, value := range contents(t, store) {
		assert.NotContains(t, value, `"body"`, key)
	}
}

// The journal that a budget's hold is of is found whatever the origin is called.
func TestABudgetKeepsWhatIsOpenWhateverTheOriginIsCalled(t *testing.T) {
	for _, origin := range []string{"https://modelslab.com", "https://op", "https://op.example", "http://127.0.0.1:8085", "http://[::1]:8085"} {
		for _, account := range []string{"7", "op", "a/op/b"} {
			t.Run(origin+" "+account, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := NewMemoryStore()
					net := newTeller(map[string][]step{fundPath: {breaks(errDisk), funded(Dollars(25))}})
					opts := []Option{WithStore(store), WithBaseURL(origin), WithAccount(account), hasty(1), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(25)})}
					require.ErrorIs(t, roadCalls[1].do(t.Context(), stubbed(t, net, opts...), WithIdempotencyKey("a/op/b")), ErrOutcomeUnknown)
					elapse(24 * time.Hour)
					require.ErrorIs(t, roadCalls[1].do(t.Context(), stubbed(t, net, opts...), WithOperation("order-2")), ErrSpendLimit)
					assert.Len(t, net.sent(), 1)
				})
			})
		}
	}
}

// A call that another one was faster than goes on with what has become of the
// operation; its owner has said yes to it already.
func TestACallThatWasRacedAsksItsOwnerOnce(t *testing.T) {
	store := NewMemoryStore()
	net := newTeller(map[string][]step{fundPath: {says(429, ""), funded(Dollars(25))}})
	opts := []Option{WithStore(store), hasty(1), WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitOff})}
	other := stubbed(t, net, opts...)
	times := 0
	c := stubbed(t, net, append(opts, WithSpendPolicy(SpendPolicy{Approve: func(context.Context, SpendIntent) error { times++; return nil }}))...)
	raced := false
	ctx := points.With(t.Context(), func(point string) {
		if point == points.Allowed && !raced {
			raced = true
			assert.ErrorIs(t, roadCalls[1].do(context.Background(), other, WithOperation("order-1")), ErrRateLimited)
		}
	})
	require.NoError(t, roadCalls[1].do(ctx, c, WithOperation("order-1")))
	assert.Len(t, net.sent(), 2)
	assert.Equal(t, 1, times)
}

// Where the account's id comes to be known late, what was open before stays open.
func TestWhatIsOpenStaysSoWhenTheAccountComesToBeKnown(t *testing.T) {
	for name, before := range map[string]func(c *Client){
		"nothing else was done": func(*Client) {},
		"another client of the New had said the id": func(c *Client) {
			require.NoError(t, roadCalls[1].do(t.Context(), mustWith(t, c, WithAccount("7")), WithOperation("other")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			net := newTeller(map[string][]step{fundPath: {funded(Dollars(25)), says(500, ""), funded(Dollars(25))}, "GET /me": {says(200, `{"data":{"id":7}}`)}, "GET /wallet/transactions": {says(200, `{"data":[]}`)}})
			if name == "nothing else was done" {
				net.on[fundPath] = net.on[fundPath][1:]
			}
			c, err := New(WithHTTPClient(&http.Client{Transport: net}), WithAccessToken(testToken), hasty(1))
			require.NoError(t, err)
			before(c)
			require.ErrorIs(t, roadCalls[1].do(t.Context(), c), ErrOutcomeUnknown)
			require.Len(t, pendingOf(t, c), 1)
			require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation("order-1")), "which asks for the id")
			require.Len(t, pendingOf(t, c), 1)
			require.ErrorIs(t, roadCalls[1].do(t.Context(), c), ErrPendingOperation)
		})
	}
}

func TestTheOwnersWordOnAnAmountIsNoLessThanNothing(t *testing.T) {
	net := newTeller(map[string][]step{fundPath: {says(500, "")}})
	c := stubbed(t, net, WithStore(NewMemoryStore()), hasty(1))
	require.ErrorIs(t, roadCalls[1].do(t.Context(), c, WithOperation("order-1")), ErrOutcomeUnknown)
	for _, amount := range []Amount{Dollars(-25), Dollars(1_000_000_001)} {
		require.ErrorIs(t, c.Resolve(t.Context(), PendingOperation{Operation: "order-1", Amount: amount}, Paid, ""), ErrValidation)
	}
	assert.Len(t, pendingOf(t, c), 1)
	require.NoError(t, c.Resolve(t.Context(), PendingOperation{Operation: "order-1"}, Paid, ""))
	assert.Equal(t, Dollars(25), ledgerOf(t, c)[0].Amount, "what was at stake, where nothing is said")
}

// TestTwoJournalsOfOneAccountAreOne has payments on their way in both of them while it
// becomes known that they are of one account.
func TestTwoJournalsOfOneAccountAreOne(t *testing.T) {
	const each = 40
	cfg := defaultConfig()
	js := &journals{}
	party, account := js.of(cfg, "party", false), js.of(cfg, "7", true)
	pay := func(j *journal, id string, o outcome) {
		r := &entry{ID: id, Endpoint: "wallet.fund", Key: id, Try: 1, State: stateSent, Owner: j.owner, Unnamed: true, Amount: Dollars(1), Hold: Dollars(1)}
		assert.NoError(t, j.step(t.Context(), func(b *book, _ moment) error {
			b.reserve(r.clone())
			j.fly(r)
			return nil
		}))
		_, _, _, err := j.write(t.Context(), r, &o)
		assert.NoError(t, err)
		j.land(r)
	}
	paid, lost := outcome{state: stateSucceeded, paid: Dollars(1)}, outcome{state: stateSent}
	var calls sync.WaitGroup
	for i := range each {
		for name, j := range map[string]*journal{"party": party, "account": account} {
			calls.Go(func() { pay(j, fmt.Sprint(name, " paid ", i), paid) })
			calls.Go(func() { pay(j, fmt.Sprint(name, " lost ", i), lost) })
		}
		if i == each/2 {
			calls.Go(func() { js.same(cfg, "7", "party") })
		}
	}
	calls.Wait()
	assert.Same(t, account, js.of(cfg, "party", false))
	for _, j := range []*journal{party, account} {
		assert.Equal(t, "7", j.id())
		assert.Empty(t, j.flying)
		settled, err := j.paid(t.Context())
		require.NoError(t, err)
		assert.Len(t, settled, 2*each)
		require.NoError(t, j.see(t.Context(), func(b *book, now moment) error {
			assert.Len(t, b.Ops, 2*each)
			assert.Equal(t, Dollars(2*each), b.Purse.Spent)
			for _, since := range []int64{0, now.early - time.Hour.Milliseconds()} {
				used, err := b.Purse.used(since, &entry{})
				assert.NoError(t, err)
				assert.Equal(t, Dollars(4*each), used, "what is lost is held")
			}
			return nil
		}))
	}
}

func TestOneKeyInTwoJournalsOfOneAccount(t *testing.T) {
	try := func(s state) *entry {
		r := &entry{ID: "kmine", Key: "mine", Try: 1, State: s, Hold: Dollars(1)}
		if s.settled() {
			r.Hold = Amount{}
		}
		return r
	}
	for _, tt := range []struct{ mine, other, want state }{
		{stateSent, stateSent, stateSent},
		{stateDeclined, stateSent, stateSent},
		{stateSent, stateDeclined, stateSent},
		{stateSucceeded, stateSent, stateSucceeded},
		{stateSent, stateAction, stateSent},
	} {
		b, other := &book{}, &book{}
		b.reserve(try(tt.mine))
		other.reserve(try(tt.other))
		b.join(other)
		require.Len(t, b.Ops, 1)
		assert.Equal(t, tt.want, b.Ops[0].State, "%s and %s", tt.mine, tt.other)
		held, err := b.Purse.used(0, &entry{})
		require.NoError(t, err)
		if b.Ops[0].open() {
			assert.Equal(t, Dollars(1), held, "%s and %s", tt.mine, tt.other)
		} else {
			assert.Zero(t, held, "%s and %s", tt.mine, tt.other)
		}
	}
}

// The server's Date has whole seconds: each one that is heard would set the time back to
// the beginning of its second.
func TestTheServersTimeDoesNotGoBackWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		ahead := time.Now().Add(time.Hour)
		last := int64(0)
		for range 40 {
			c.hear([]string{ahead.Add(time.Since(c.begun)).UTC().Format(http.TimeFormat)})
			now := c.now()
			require.Greater(t, now.late, last)
			require.WithinDuration(t, time.Now().Add(time.Hour), time.UnixMilli(now.late), time.Second)
			last = now.late
			elapse(130 * time.Millisecond)
		}
		c.hear([]string{time.Now().UTC().Format(http.TimeFormat)}) // it has been set
		assert.WithinDuration(t, time.Now(), time.UnixMilli(c.now().late), time.Second)
	})
}

// An operation is paid between Prune's look at it and its forgetting.
func TestPruneTakesNothingThatCameMeanwhile(t *testing.T) {
	j := &journal{private: true, flying: map[tryOf]int{}, clock: newClock()}
	require.NoError(t, j.keep(t.Context(), &entry{ID: "n1", Try: 1, State: stateDeclined}))
	tries, raw, err := j.past(t.Context(), "n1")
	require.NoError(t, err)
	require.Len(t, tries, 1)
	require.NoError(t, j.keep(t.Context(), &entry{ID: "n1", Try: 2, State: stateSucceeded}))
	ok, err := j.forget(t.Context(), "n1", tries, raw)
	require.NoError(t, err)
	assert.False(t, ok)
	tries, _, err = j.past(t.Context(), "n1")
	require.NoError(t, err)
	assert.Len(t, tries, 2, "the paid one is in the ledger still")
}
