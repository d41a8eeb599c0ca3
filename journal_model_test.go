//go:build !race

// One goroutine, and hundreds of thousands of worlds: the race detector has nothing to see here.

package modelslab

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"maps"
	"math"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/internal/points"
	"github.com/modelslab/modelslab-agents-go/internal/retry"
)

// The model check: what may happen to one operation under two processes, a crash,
// late awakenings and every way in which a server treats keys, in every order.
//
// A world is all there is at one moment: what stands in the store, what the two
// processes know, what is on the wire, what the server knows under each key, and
// the clock. From each world the explorer goes to all that may come next, until
// there are no new ones, and holds each against the laws of docs/money.md.
//
// The steps are the production's own: each action below calls the functions that a
// call of Wallet.Fund or Client.Settle passes, on a store and a network that are
// the world's. Only their order (which function comes after which, and where
// others may come between) is written down here a second time, with the name of
// the function that has it. Steps are functions of what they read, so that each is
// computed once.
//
// A sleep between "again" (or "reserve") and the sending is here a request that
// stays on the wire: nobody else can tell the two apart.

// Sizes of the world.
const (
	modelThreads = 2
	modelKeys    = 6
	modelWire    = 6
	// mostWorlds is where a scenario gives up: it is meant to end by itself.
	mostWorlds = 3_000_000
)

// Times of the model: a lease ends within a tick, and a key is too old after two.
const (
	modelTick     = 4 * time.Minute
	modelLifetime = 2 // ticks
)

var modelEpoch = time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)

// place is where a call is on its road.
type spot int8

const (
	atHome    spot = iota
	atRecall       // payment.go, trip.recall
	atTake         // settle.go, Client.pursue: its first step
	atFind         // settle.go, Client.pursue: what it reads, and what follows
	atHold         // payment.go, trip.holdBudgets
	atReserve      // payment.go, trip.reserve: the journal's step
	atRelease      // payment.go, trip.releaseBudgets, when that has failed
	atAgain        // payment.go, trip.again
	atAwait        // client.go, trip.send: an answer is awaited
	atDoubt        // payment.go, trip.finish: doubtful
	atWrite        // book.go, journal.write: its step
	atBudgets      // book.go, journal.write: settleBudgets
	atKeep         // book.go, journal.write: keep
	atLookUp       // settle.go, journal.lookUp
	atReport       // settle.go, Client.Settle: lookUp after it has asked again
	atResolve      // settle.go, Client.Resolve: until it writes
)

var spots = [...]string{"home", "recall", "take", "find", "hold", "reserve", "release", "again", "await", "doubt", "write", "budgets", "keep", "look up", "report", "resolve"}

// Calls that a process makes.
type deed int8

const (
	byName   deed = iota + 1 // Fund with a name
	byOther                  // the same name with another card
	byNewTry                 // Fund with a name and WithNewTry
	nameless                 // Fund without
	settling                 // Settle of something pending
	denying                  // Resolve of something pending, as not paid
)

// after is what follows when an outcome is written.
type after int8

const (
	thenEnd     after = iota // finish: the call is over
	thenFound                // pursue has found something
	thenNothing              // pursue has found nothing, and the key is no more young
	thenFailed               // pursue could not look
	thenClosed               // Resolve
)

// verdict is what a call tells its caller.
type verdict int8

const (
	saysNothing verdict = iota // nothing was sent by this call
	saysPaid
	saysRefused
	saysUnknown
	saysWaiting // for the card holder
)

// local is what a call knows.
type local struct {
	at                spot
	deed              deed
	number            int8 // which call of the world it is, where that makes a key
	loops             int8
	tries             int8
	attempts          int8
	sent              int8 // how many requests may have left
	first             bool // nothing was sent since the try was taken over
	unanswered, twice bool
	then              after
	verdict           verdict
	// The last answer, and the last before it.
	status, answered int16
	replay           bool
	op               int32 // what Settle and Resolve are about: an entry
	r, last          int32 // likewise
	settled, outcome int32
	until            int64 // when the sum lapses that a named budget holds
}

type thread struct {
	calls int8 // made so far
	local
}

// What the server knows under a key.
type serverKey struct {
	charges    int8
	kept       int16 // the answer that it repeats
	busy, dead bool
	seen       bool
	born       int8
	human      int8 // 1: asked, 2: said yes, 3: said no
	told       bool // a process has written down that it was paid
}

const (
	onTheWay int8 = iota
	atWork
	deadEnd // its worker is gone, or it is lost
)

type wired struct {
	key   int8 // its number and one; 0: none
	from  int8 // the thread that waits, or -1
	stage int8
	sent  int8 // when
}

// world is all there is.
type world struct {
	clock   int8
	store   int32
	keys    [modelKeys]serverKey
	wire    [modelWire]wired // the earlier sent first
	mems    [modelThreads]int32
	threads [modelThreads]thread
	left    struct{ crashes, faults, freezes int8 }
	late    int8 // charges by sendings of a try that had been closed
	expired int8 // charges by sendings that were under way when their key was forgotten
}

// scenario is what may happen.
type scenario struct {
	name  string
	calls [modelThreads][][]deed // what each process may call, one after the other
	again []deed                 // and after a crash
	same  bool                   // both are goroutines of one process

	modes    []serverMode
	server   serverMode
	answers  []int16 // that the work may have
	doors    []int16 // what the server may say before any work
	ticks    int8
	crashes  int8
	faults   int8 // of the store, and of reading
	freezes  int8
	unsent   bool // a connection may fail before anything was sent
	limit    int64
	budget   int64 // of a budget with a name; 0: none
	overtake bool  // a sending that got no answer may arrive after a later one was answered
	attempts int
}

// serverMode is how a server treats keys.
type serverMode struct {
	name     string
	keeps    func(status int16) bool
	unmarked bool // replays are not marked
	inFlight bool // 409 while the first is at work
	wait     bool // or it waits
	conflict bool // 409 for every repeat
	killed   bool // after each charge, before the answer is kept
	lifetime int8 // ticks; 0: for ever
}

func is2xx(status int16) bool { return status == 200 }

var modelModes = []serverMode{
	{name: "2xx kept", keeps: is2xx},
	{name: "nothing kept but the payment", keeps: func(int16) bool { return false }},
	{name: "every outcome kept", keeps: func(int16) bool { return true }},
	{name: "every outcome kept, replays not marked", keeps: func(int16) bool { return true }, unmarked: true},
	{name: "2xx and 5xx kept", keeps: func(s int16) bool { return s == 200 || s >= 500 }},
	{name: "202 kept", keeps: func(s int16) bool { return s == 200 || s == 202 }},
	{name: "409 in flight", keeps: is2xx, inFlight: true},
	{name: "409 for every repeat", keeps: is2xx, conflict: true},
	{name: "killed between charge and cache", keeps: is2xx, killed: true},
	{name: "keys expire", keeps: is2xx, lifetime: modelLifetime},
}

// interned gives equal things the same number.
type interned[T any] struct {
	ids  map[string]int32
	list []T
}

func (n *interned[T]) id(key string, v T) int32 {
	if id, ok := n.ids[key]; ok {
		return id
	}
	if n.ids == nil {
		n.ids = map[string]int32{}
	}
	n.list = append(n.list, v)
	id := int32(len(n.list))
	n.ids[key] = id
	return id
}

func (n *interned[T]) of(id int32) T { return n.list[id-1] }

// memory is what a process knows beside its calls.
type memory struct {
	owner    string
	flying   map[tryOf]int
	archived map[tryOf]state
	owed     []owed
}

// facts are what a store's contents mean.
type facts struct {
	used, team int64 // cents that the budgets count
	frozen     bool
	open       []tryOf
	keys       [modelKeys]keyFacts
	rows       int // paid ones
}

type keyFacts struct {
	known, paid, open, closed bool
	sent                      bool // in the book, as sent
	owner                     string
	first                     int64
	last                      bool // no newer try
	tries                     int
}

// model explores a scenario.
type model struct {
	t testing.TB
	scenario
	c     *Client
	j     *journal
	store modelStore
	net   modelNet

	stores   interned[map[string][]byte]
	books    map[int32]*book
	plains   map[string][]byte
	mems     interned[memory]
	entries  interned[*entry]
	outcomes interned[*outcome]
	keys     interned[tryOf]
	firstKey []int // of the operation that a key is of
	facts    map[int32]*facts
	effects  map[stepOf]effect
	ends     map[endOf]string

	seed    maphash.Seed
	seen    map[uint64]struct{}
	origin  []int32
	branch  []uint16
	bad     string
	worlds  int
	moves   int
	quiet   int // worlds in which nobody is at anything
	verdict [5]int
}

// stepOf is all that a step depends on.
type stepOf struct {
	local
	mem, store int32
	clock      int8
	fault      int8
	keys       [modelKeys]serverKey // as far as it can be read
}

// effect is what a step does.
type effect struct {
	local
	mem, store int32
	sends      bool
	over       bool
	key        int8 // that the verdict is about; its number and one
	told       int8 // which was written down as paid
	bad        string
}

type endOf struct {
	store int32
	clock int8
	late  int8
	keys  [modelKeys]serverKey
}

// modelStore is the world's store, of which a step sees one version.
type modelStore struct {
	m      map[string][]byte
	at     time.Time
	cut    int  // the step ends before this reading of the book; 0: never
	fault  int8 // of the next writing: 1: nothing is written, 2: it is; and nobody learns
	broken bool
	wrote  bool
	shadow bool // budgets with a name are another step's
	own    map[string][]byte
}

// errCut ends a step where others may come between.
var errCut = errors.New("cut")

var errModelStore = errors.New("the disk is gone")

func (s *modelStore) hidden(key string) bool { return s.shadow && strings.Contains(key, "/budget/") }

func (s *modelStore) Now(context.Context) (time.Time, error) { return s.at, nil }

func (s *modelStore) Get(_ context.Context, key string) ([]byte, error) {
	if strings.HasSuffix(key, "/book") && s.cut > 0 {
		if s.cut--; s.cut == 0 {
			panic(errCut)
		}
	}
	if s.broken {
		return nil, errModelStore
	}
	if s.hidden(key) {
		return s.own[key], nil
	}
	return s.m[key], nil
}

func (s *modelStore) Swap(_ context.Context, key string, older, newer []byte, _ time.Duration) (bool, error) {
	m := s.m
	if s.hidden(key) {
		m = s.own
	}
	if s.broken || s.fault == 1 {
		s.broken = true
		return false, errModelStore
	}
	if now := m[key]; (now == nil) != (older == nil) || !bytes.Equal(now, older) {
		return false, nil
	}
	s.wrote = true
	if newer == nil {
		delete(m, key)
	} else {
		m[key] = newer
	}
	if s.fault == 2 {
		s.broken = true
		return false, errModelStore
	}
	return true, nil
}

func (s *modelStore) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(s.m)) {
			if strings.HasPrefix(key, prefix) && !yield(key, nil) {
				return
			}
		}
	}
}

// modelNet is the server as far as it can be read.
type modelNet struct {
	keys   [modelKeys]serverKey
	cut    bool
	broken bool
	posts  int
}

func (n *modelNet) RoundTrip(req *http.Request) (*http.Response, error) {
	switch {
	case n.cut:
		panic(errCut)
	case req.Method != http.MethodGet:
		n.posts++
		return says(500, `{}`)(req)
	case n.broken:
		return says(403, `{"message":"This action is unauthorized."}`)(req)
	case strings.HasSuffix(req.URL.Path, "/wallet/transactions"):
		var list []string
		for i := range n.keys {
			for k := range n.keys[i].charges {
				list = append(list, fmt.Sprintf(`{"id":%d,"transaction_id":%q,"type":"credit","amount":25,"status":"success","created_at":%q}`,
					100*(i+1)+int(k), modelIntent(i, k), modelEpoch.Add(time.Hour).Format(time.RFC3339)))
			}
		}
		return says(200, `{"data":{"items":[`+strings.Join(list, ",")+`]}}`)(req)
	}
	for i := range n.keys {
		intent := modelIntent(i, 0)
		if strings.HasSuffix(req.URL.Path, "/payments/"+intent+"/status") {
			status := "succeeded"
			if n.keys[i].charges == 0 {
				status = [...]string{"requires_payment_method", "requires_action", "processing", "canceled"}[n.keys[i].human]
			}
			return says(200, fmt.Sprintf(`{"data":{"status":%q,"payment_intent_id":%q,"amount":25}}`, status, intent))(req)
		}
	}
	return says(404, `{}`)(req)
}

func modelIntent(key int, n int8) string { return fmt.Sprintf("pi_3Model%dx%d", key, n) }

// modelBodies are the server's answers.
func modelBody(status int16, key int, replay bool) string {
	meta := ""
	if replay {
		meta = `,"meta":{"idempotency_replay":true}`
	}
	switch status {
	case 200:
		return fmt.Sprintf(`{"data":{"payment":{"status":"succeeded","payment_intent_id":%q,"amount":25},"wallet":{"balance":"50.50"}},"error":null%s}`, modelIntent(key, 0), meta)
	case 202:
		return fmt.Sprintf(`{"data":{"payment":{"status":"requires_action","payment_intent_id":%q,"client_secret":"pi_secret_x"}}%s}`, modelIntent(key, 0), meta)
	case 402:
		return `{"data":null,"error":{"code":"payment_declined","message":"Your card has insufficient funds.","details":{"decline_code":"insufficient_funds"}}` + meta + `}`
	case 422:
		return `{"data":null,"error":{"code":"validation_error","message":"no","details":{}}` + meta + `}`
	}
	return `{"message":"no"}`
}

const modelName = "order-1"

func newModel(t testing.TB, s scenario) *model {
	t.Helper()
	m := &model{
		t: t, scenario: s, seed: maphash.MakeSeed(),
		books: map[int32]*book{}, plains: map[string][]byte{}, facts: map[int32]*facts{}, effects: map[stepOf]effect{}, ends: map[endOf]string{},
	}
	opts := []Option{
		WithStore(&m.store), WithKeyLifetime(modelLifetime * modelTick), WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitOff}),
		WithRetryPolicy(RetryPolicy{MaxAttempts: s.attempts, MinBackoff: 1, MaxBackoff: 1}),
	}
	if s.limit > 0 {
		opts = append(opts, WithSpendPolicy(SpendPolicy{Total: Dollars(s.limit)}))
	}
	if s.budget > 0 {
		opts = append(opts, WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(s.budget)}))
	}
	m.c = stubbed(t, &m.net, opts...)
	var err error
	m.j, err = m.c.journal(context.Background())
	require.NoError(t, err)
	return m
}

func (m *model) first() world {
	w := world{store: m.pack(map[string][]byte{})}
	for i := range w.mems {
		w.mems[i] = m.remember(memory{owner: "process " + string('A'+rune(i))})
	}
	w.left.crashes, w.left.faults, w.left.freezes = m.crashes, m.faults, m.freezes
	return w
}

// memOf is the memory of a thread's process.
func (m *model) memOf(th int) int {
	if m.same {
		return 0
	}
	return th
}

// pack gives the contents of a store their number. What only counts, or only
// orders, is left out.
func (m *model) pack(store map[string][]byte) int32 {
	var key strings.Builder
	var open *book
	for _, name := range slices.Sorted(maps.Keys(store)) {
		if strings.HasSuffix(name, "/book") {
			open = m.plainBook(store[name])
			raw, err := open.encode()
			require.NoError(m.t, err)
			store[name] = raw
		} else {
			store[name] = m.plain(name, store[name])
		}
		key.WriteString(name)
		key.WriteByte(0)
		key.Write(store[name])
		key.WriteByte(0)
	}
	id := m.stores.id(key.String(), store)
	if m.books[id] == nil && open != nil {
		m.books[id] = open
	}
	return id
}

// plainBook is the book without what only counts.
func (m *model) plainBook(raw []byte) *book {
	b := m.j.book
	if b == nil || !bytes.Equal(raw, m.j.raw) {
		var err error
		b, err = readBook(raw)
		require.NoError(m.t, err)
	}
	b = copyBook(b)
	b.Seq, b.By, b.At = 0, "", 0
	plainTries(b.Ops)
	plainPurse(&b.Purse)
	return b
}

// copyBook is a book that may be changed.
func copyBook(b *book) *book {
	c := *b
	c.Ops = make([]*entry, len(b.Ops))
	for i, r := range b.Ops {
		c.Ops[i] = r.clone()
		c.Ops[i].enc = r.enc
	}
	c.Purse.Recent, c.Purse.Holds = slices.Clone(b.Purse.Recent), slices.Clone(b.Purse.Holds)
	return &c
}

func plainTries(all []*entry) {
	for _, r := range all {
		first := r.First
		if !r.open() {
			first = 0
		}
		if r.Sends != 1 || r.Settled != 0 || r.First != first {
			r.enc, r.Sends, r.Settled, r.First = nil, 1, 0, first
		}
	}
	slices.SortFunc(all, func(a, b *entry) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Try, b.Try)) })
}

func plainPurse(p *purse) {
	for i := range p.Recent {
		p.Recent[i].At = 0
	}
	slices.SortFunc(p.Holds, func(a, b holding) int { return cmp.Or(cmp.Compare(a.Op, b.Op), cmp.Compare(a.Try, b.Try)) })
}

// plain is another value of the store without what only counts.
func (m *model) plain(name string, raw []byte) []byte {
	known := strings.Contains(name, "/op/") || strings.Contains(name, "/budget/")
	if !known {
		return raw
	}
	if plain := m.plains[string(raw)]; plain != nil {
		return plain
	}
	var v any
	if strings.Contains(name, "/op/") {
		var kept keptOperation
		require.NoError(m.t, json.Unmarshal(raw, &kept))
		plainTries(kept.Tries)
		v = kept
	} else {
		var b budget
		require.NoError(m.t, json.Unmarshal(raw, &b))
		b.Seq, b.By, b.At = 0, "", 0
		plainPurse(&b.Purse)
		v = b
	}
	plain, err := json.Marshal(v)
	require.NoError(m.t, err)
	m.plains[string(raw)] = plain
	return plain
}

func (m *model) remember(mem memory) int32 {
	key := fmt.Sprint(mem.owner, mem.flying, mem.archived) // fmt sorts maps
	for _, o := range mem.owed {
		key += fmt.Sprint(m.entry(o.r), m.outcome(&o.o))
	}
	return m.mems.id(key, mem)
}

func (m *model) entry(r *entry) int32 {
	if r == nil {
		return 0
	}
	r = r.clone()
	r.Sends, r.Settled, r.Lease = 1, 0, 0
	if !r.open() {
		r.First = 0
	}
	raw, _ := json.Marshal(r)
	return m.entries.id(string(raw), r)
}

// tryOf is an entry of which only matters which one it is.
func (m *model) tryOf(r *entry) int32 { return m.entry(&entry{ID: r.ID, Try: r.Try}) }

func (m *model) entryOf(id int32) *entry {
	if id == 0 {
		return nil
	}
	return m.entries.of(id).clone()
}

func (m *model) outcome(o *outcome) int32 {
	c := *o
	return m.outcomes.id(fmt.Sprintf("%+v", c), &c)
}

func (m *model) outcomeOf(id int32) *outcome {
	c := *m.outcomes.of(id)
	return &c
}

// key is the number of an entry's key, and one.
func (m *model) key(r *entry) int8 {
	if r == nil || r.Key == "" {
		return 0
	}
	id := m.keys.id(r.Key, tryOf{r.ID, r.Try})
	if n := len(m.keys.list); n > len(m.firstKey) {
		require.LessOrEqual(m.t, n, modelKeys)
		m.firstKey = append(m.firstKey, slices.IndexFunc(m.keys.list, func(of tryOf) bool { return of.id == r.ID }))
	}
	return int8(id)
}

// load puts the client into a world.
func (m *model) load(s *stepOf) {
	m.store = modelStore{m: maps.Clone(m.stores.of(s.store)), at: modelEpoch.Add(time.Duration(s.clock) * modelTick), fault: s.fault}
	m.net = modelNet{keys: s.keys, broken: s.fault != 0}
	mem := m.mems.of(s.mem)
	m.j.owner, m.j.raw, m.j.book = mem.owner, nil, nil
	if b := m.books[s.store]; b != nil { // it need not be read each time
		m.j.raw, m.j.book = m.store.m[m.j.bookKey], copyBook(b)
	}
	m.j.flying, m.j.archived = maps.Clone(mem.flying), maps.Clone(mem.archived)
	if m.j.flying == nil {
		m.j.flying = map[tryOf]int{}
	}
	if m.j.archived == nil {
		m.j.archived = map[tryOf]state{}
	}
	m.j.owed = slices.Clone(mem.owed)
}

// save takes what a step has left.
func (m *model) save(e *effect) {
	if m.store.wrote {
		e.store = m.pack(m.store.m)
	}
	e.mem = m.remember(memory{m.j.owner, maps.Clone(m.j.flying), maps.Clone(m.j.archived), slices.Clone(m.j.owed)})
}

// cut runs a step and reports whether it was ended at a cut.
func cut(step func()) (was bool) {
	defer func() {
		if r := recover(); r != nil {
			if r != errCut {
				panic(r)
			}
			was = true
		}
	}()
	step()
	return false
}

// trip makes the call of Wallet.Fund, or of Settle when it asks again, as far as
// it has come: client.go, trip.walk; settle.go, Client.askAgain.
func (m *model) trip(l *local) (*trip, any) {
	ctx := context.Background()
	var out any = new(Funding)
	r := m.entryOf(l.r)
	var t *trip
	if l.deed == settling {
		t = &trip{c: m.c, e: walletFund.row(), path: r.Path, body: r.Body, key: r.Key, cred: m.c.credentials()}
		t.pay = &payment{j: m.j}
		t.pay.q = inquiry{id: r.ID, name: r.Name, endpoint: r.Endpoint, print: r.Print, owner: m.j.owner}
		out = t.recorded()
	} else {
		p := WalletFundParams{Amount: Dollars(25), PaymentMethodID: "pm_card_one"}
		var opts []RequestOption
		switch l.deed {
		case byName, byNewTry, byOther:
			opts = append(opts, WithOperation(modelName))
		}
		switch l.deed {
		case byNewTry:
			opts = append(opts, WithNewTry())
		case byOther:
			p.PaymentMethodID = "pm_card_two"
		}
		t = &trip{c: m.c, e: walletFund.row(), in: input{body: p}}
		require.NoError(m.t, t.describe(ctx, opts))
		require.NoError(m.t, t.name(ctx))
		if l.deed == nameless {
			t.key = fmt.Sprintf("random-%d", l.number)
		}
		t.pay = &payment{}
		require.NoError(m.t, t.inquire(ctx))
		if l.deed == nameless {
			t.pay.q.id = keyID(t.key)
		}
		t.pay.tries = int(l.tries)
		t.retry()
		var err error
		t.pay.stake, err = t.stake(ctx)
		require.NoError(m.t, err)
	}
	t.attempts, t.unanswered = int(l.attempts), l.unanswered
	if r != nil {
		t.pay.r, t.key = r, r.Key
	}
	return t, out
}

// does carries out a thread's step.
func (m *model) does(s stepOf) effect {
	if e, ok := m.effects[s]; ok {
		return e
	}
	m.load(&s)
	e := effect{local: s.local}
	func() {
		defer func() {
			if r := recover(); r != nil {
				e.bad = fmt.Sprint("it panics: ", r, "\n", string(debug.Stack()))
			}
		}()
		switch s.at {
		case atRecall:
			m.recall(&e)
		case atTake:
			m.take(&e)
		case atFind:
			m.find(&e)
		case atHold:
			m.hold(&e)
		case atReserve:
			m.reserve(&e)
		case atRelease:
			m.release(&e)
		case atAgain:
			m.again(&e)
		case atAwait:
			m.answer(&e)
		case atDoubt:
			m.doubt(&e)
		case atWrite:
			m.write(&e, s)
		case atBudgets:
			m.budgets(&e)
		case atKeep:
			m.keep(&e)
		case atLookUp, atReport:
			m.lookUp(&e)
		case atResolve:
			m.resolve(&e)
		default:
			e.bad = "nobody is there"
		}
	}()
	e.store = s.store
	m.save(&e)
	m.effects[s] = e
	return e
}

// end is the end of a call, and what its caller is told.
func (m *model) end(e *effect, err error, about *entry) {
	m.ends1(e, m.told(err), about)
}

func (m *model) ends1(e *effect, v verdict, about *entry) {
	e.over, e.key = true, m.key(about)
	e.verdict = v
}

// told is what an error says to a caller.
func (m *model) told(err error) verdict {
	api, answered := as[*APIError](err)
	switch {
	case err == nil:
		return saysPaid
	case errors.Is(err, ErrOutcomeUnknown):
		return saysUnknown
	case errors.Is(err, ErrRequiresAction):
		return saysWaiting
	case answered && api.StatusCode != 0:
		return saysRefused
	}
	return saysNothing
}

// lastTry is the try that recall has looked at.
func (m *model) lastTry(t *trip) *entry {
	b, err := readBook(m.store.m[m.j.bookKey])
	require.NoError(m.t, err)
	last, _, err := m.j.lastTry(context.Background(), b, t.operationIn(b))
	require.NoError(m.t, err)
	return last
}

// recall: payment.go, trip.spend and trip.recall until it pursues a try.
func (m *model) recall(e *effect) {
	t, out := m.trip(&e.local)
	m.store.cut = 2
	var answered bool
	var err error
	pursues := cut(func() { answered, err = t.recall(context.Background(), out) })
	m.store.cut = 0
	e.tries = int8(t.pay.tries)
	switch {
	case pursues:
		e.last, e.at, e.tries = m.tryOf(m.lastTry(t)), atTake, 0
	case answered:
		m.end(e, err, m.lastTry(t))
	case err != nil:
		m.end(e, err, nil)
	case m.budget > 0:
		e.at = atHold
	default:
		e.at = atReserve
	}
}

// anotherRound: trip.recall and Client.Settle, after they have found out something.
func (m *model) anotherRound(e *effect) {
	e.loops++
	e.r, e.last, e.settled, e.outcome, e.twice, e.then = 0, 0, 0, 0, false, 0
	switch {
	case e.loops == 4:
		m.ends1(e, saysUnknown, nil)
	case e.deed == settling:
		e.at = atLookUp
	default:
		e.at = atRecall
	}
}

// take: settle.go, Client.pursue until it reads.
func (m *model) take(e *effect) {
	last := m.entryOf(e.last)
	m.store.cut, m.net.cut = 2, true
	var err error
	took := cut(func() { _, err = m.c.pursue(context.Background(), m.j, last) })
	m.store.cut, m.net.cut = 0, false
	switch {
	case took:
		b, err := readBook(m.store.m[m.j.bookKey])
		require.NoError(m.t, err)
		e.r, e.last, e.at = m.entry(b.find(last.ID, last.Try)), 0, atFind
	case err != nil:
		m.ends1(e, saysUnknown, nil)
	default:
		m.anotherRound(e)
	}
}

// find: settle.go, Client.pursue from find on.
func (m *model) find(e *effect) {
	ctx := context.Background()
	r := m.entryOf(e.r)
	m.store.fault = 0 // of the reading
	o, err := m.c.find(ctx, m.j, r)
	if err != nil {
		m.writes(e, &outcome{state: stateSent}, thenFailed)
		return
	}
	if o == nil && r.State == stateSent {
		now, err := m.j.now(ctx)
		require.NoError(m.t, err)
		if r.Key != "" && !tooOld(r, now, m.c.cfg.keyLifetime) {
			e.unanswered, e.first, e.at = true, true, atAgain
			return
		}
		o = &outcome{state: stateStranded}
	}
	if o == nil {
		m.writes(e, &outcome{state: stateSent}, thenNothing)
		return
	}
	m.writes(e, o, thenFound)
}

func (m *model) writes(e *effect, o *outcome, then after) {
	e.local = local{deed: e.deed, number: e.number, loops: e.loops, verdict: e.verdict, op: e.op, r: e.r, outcome: m.outcome(o), then: then, at: atWrite}
}

// hold: payment.go, trip.reserve until the journal's step.
func (m *model) hold(e *effect) {
	t, _ := m.trip(&e.local)
	err := t.holdBudgets(context.Background(), []string{"team"})
	for name, raw := range m.store.m { // a name that is random is none for two worlds to be the same
		m.store.m[name] = bytes.ReplaceAll(raw, []byte(t.pay.nonce), []byte(nonceOf(&e.local)))
	}
	if err != nil {
		m.end(e, err, nil)
		return
	}
	e.until = t.pay.until
	e.at = atReserve
}

func nonceOf(l *local) string { return fmt.Sprintf("call-%d", l.number) }

// reserve: payment.go, trip.reserve, the journal's step. The budgets with a name
// were asked before, and are told after.
func (m *model) reserve(e *effect) {
	t, _ := m.trip(&e.local)
	m.store.shadow, m.store.own = true, map[string][]byte{}
	err := t.reserve(points.With(context.Background(), func(point string) {
		if point == points.Held {
			t.pay.nonce, t.pay.until = nonceOf(&e.local), e.until
		}
	}))
	m.store.shadow = false
	if err == nil {
		e.r, e.sends, e.attempts, e.at = m.entry(t.pay.r), true, 1, atAwait
		return
	}
	raced := errors.Is(err, errRaced)
	e.verdict = m.told(err)
	if raced {
		e.verdict = -1
	}
	e.at = atRelease
	if m.budget == 0 {
		m.released(e)
	}
}

// release: payment.go, trip.reserve, after the journal has said no.
func (m *model) release(e *effect) {
	t, _ := m.trip(&e.local)
	t.pay.nonce = nonceOf(&e.local)
	t.releaseBudgets(context.Background(), []string{"team"})
	m.released(e)
}

func (m *model) released(e *effect) {
	if e.verdict >= 0 {
		m.ends1(e, e.verdict, nil)
		return
	}
	e.local = local{at: atRecall, deed: e.deed, number: e.number} // errRaced: trip.spend goes round
}

// again: payment.go, trip.again, before a repeat in trip.send or in trip.reserve.
func (m *model) again(e *effect) {
	t, out := m.trip(&e.local)
	err := t.again(context.Background())
	switch {
	case err == nil:
		e.sends, e.first, e.at = true, false, atAwait
		e.attempts++
	case e.first:
		m.finish(e, t, out, err)
	default:
		m.read(e, t, out, err)
	}
}

// answer: client.go, trip.send after an attempt.
func (m *model) answer(e *effect) {
	t, out := m.trip(&e.local)
	a := retry.Attempt{Status: int(max(e.status, 0)), Sent: e.status >= 0}
	if t.attempts < m.attempts && retry.MayRepeat(t.e.Repeat.class(), a) {
		e.unanswered = e.unanswered || a.Open()
		if e.status > 0 {
			e.answered = e.status
		}
		e.at, e.status, e.replay = atAgain, 0, false
		return
	}
	m.read(e, t, out, nil)
}

var errNoAnswer = errors.New("no answer")

// read: client.go, the end of trip.send.
func (m *model) read(e *effect, t *trip, out any, stopped error) {
	r := m.result(e, t, e.status)
	if stopped != nil {
		r = &result{err: stopped}
	}
	var err error
	if r.Status != 0 || e.answered == 0 {
		t.note(r)
		err = t.read(r, out)
	} else {
		err = t.both(r, m.result(e, t, e.answered), out)
	}
	m.finish(e, t, out, err)
}

// result is what attempt.go makes of an answer.
func (m *model) result(e *effect, t *trip, status int16) *result {
	if status <= 0 {
		return &result{Attempt: retry.Attempt{Sent: status == 0}, err: errNoAnswer}
	}
	body := []byte(modelBody(status, int(m.key(t.pay.r))-1, e.replay && status == e.status))
	return &result{Attempt: retry.Attempt{Status: int(status), Sent: true}, answer: newAnswer(int(status), http.Header{}, body), body: &body}
}

// finish: payment.go, trip.finish until it writes.
func (m *model) finish(e *effect, t *trip, out any, err error) {
	o := t.outcome(out, err)
	e.verdict = m.told(err)
	m.writes(e, o, thenEnd)
	if o.doubt {
		e.at = atDoubt
	}
}

// doubt: payment.go, trip.finish, of a decline after a sending without an answer.
func (m *model) doubt(e *effect) {
	o := m.outcomeOf(e.outcome)
	m.store.fault = 0
	if doubt := m.c.doubtful(context.Background(), m.j, m.entryOf(e.r)); doubt == nil {
		o.doubt = false
	} else if errors.Is(doubt, ErrOutcomeUnknown) {
		o = &outcome{state: stateSent, intent: o.intent}
		e.verdict = saysUnknown
	}
	m.writes(e, o, thenEnd)
}

// write: book.go, journal.write until its step is done. What it returns is taken
// from a second run to its end.
func (m *model) write(e *effect, s stepOf) {
	r, o := m.entryOf(e.r), m.outcomeOf(e.outcome)
	settled, late, other, _ := m.j.write(context.Background(), r, o)
	e.settled, e.twice = m.entry(settled), late && settled != nil && other != nil && (other.paid() || other.open())
	m.load(&s)
	ctx := points.With(context.Background(), func(point string) {
		if point == points.Settled {
			panic(errCut)
		}
	})
	r, o = m.entryOf(e.r), m.outcomeOf(e.outcome)
	var err error
	wrote := cut(func() { _, _, _, err = m.j.write(ctx, r, o) })
	switch {
	case !wrote && err == nil: // it is kept already
		m.written(e)
	case !wrote: // the store has failed
		e.settled, e.twice = 0, false
		if e.then == thenEnd && e.verdict == saysRefused {
			e.verdict = saysUnknown
		}
		m.store.broken = false
		if e.then == thenFound { // pursue: the error is the call's
			e.then = thenFailed
		}
		m.written(e)
	case len(r.Budgets) > 0:
		e.at = atBudgets
	default:
		m.wrote(e)
	}
}

func (m *model) wrote(e *effect) {
	if settled := m.entryOf(e.settled); settled != nil && !settled.open() {
		e.at = atKeep
		return
	}
	m.written(e)
}

// budgets: book.go, journal.write after its step.
func (m *model) budgets(e *effect) {
	require.NoError(m.t, m.j.settleBudgets(context.Background(), m.entryOf(e.r), m.entryOf(e.settled)))
	m.wrote(e)
}

// keep: book.go, the end of journal.write.
func (m *model) keep(e *effect) {
	settled := m.entryOf(e.settled)
	require.NoError(m.t, m.j.keep(context.Background(), settled))
	m.j.archived[tryOf{settled.ID, settled.Try}] = settled.State
	if settled.paid() {
		e.told = m.key(settled)
	}
	m.written(e)
}

// written: what follows journal.write in trip.finish, Client.pursue, Client.disown,
// trip.recall, Client.Settle and Client.Resolve.
func (m *model) written(e *effect) {
	r, settled := m.entryOf(e.r), m.entryOf(e.settled)
	if e.then != thenClosed {
		m.j.land(r)
	}
	switch e.then {
	case thenEnd:
		if o := m.outcomeOf(e.outcome); settled != nil && (o.state == stateDeclined || o.state == stateRefused) && settled.State != o.state && (settled.open() || settled.paid()) {
			e.verdict = saysUnknown
		}
		if e.twice {
			e.verdict = saysUnknown // PaidTwiceError
		}
		if e.deed == settling {
			e.at = atReport
			return
		}
		m.ends1(e, e.verdict, r)
		return
	case thenClosed:
		m.ends1(e, saysNothing, nil)
		return
	case thenFailed:
		m.ends1(e, saysUnknown, nil)
		return
	case thenFound:
		if settled == nil || settled.State.settled() && !settled.Doubt {
			m.anotherRound(e)
			return
		}
		r = settled
	}
	if e.deed == settling {
		m.settlement(e, r)
		return
	}
	if r.State == stateAction {
		m.ends1(e, saysWaiting, r)
		return
	}
	m.ends1(e, saysUnknown, r)
}

func (m *model) settlement(e *effect, r *entry) {
	v := saysUnknown
	switch settlement(r).Status {
	case Done:
		v = saysPaid
	case Refused:
		v = saysRefused
	case ActionRequired:
		v = saysWaiting
	}
	m.ends1(e, v, r)
}

// lookUp: settle.go, Client.Settle.
func (m *model) lookUp(e *effect) {
	op := m.entryOf(e.op)
	last, err := m.j.lookUp(context.Background(), PendingOperation{ID: op.ID, Try: op.Try})
	switch {
	case err != nil:
		m.ends1(e, saysNothing, nil) // it was never sent, and nothing stands there any more
	case e.at == atReport, !last.open():
		m.settlement(e, last)
	default:
		e.last, e.at = m.tryOf(last), atTake
	}
}

// resolve: settle.go, Client.Resolve until it writes.
func (m *model) resolve(e *effect) {
	op := m.entryOf(e.op)
	pending := PendingOperation{ID: op.ID, Try: op.Try}
	m.store.cut = 3
	var err error
	writes := cut(func() { err = m.c.Resolve(context.Background(), pending, NotPaid, "") })
	m.store.cut = 0
	if !writes {
		m.ends1(e, saysNothing, nil)
		_ = err
		return
	}
	r, err := m.j.lookUp(context.Background(), pending)
	require.NoError(m.t, err)
	e.r = m.entry(r)
	m.writes(e, &outcome{state: stateClosed, note: "its owner's word"}, thenClosed)
}

// What may happen in a world.

// next hands out all worlds that may come after w.
func (m *model) next(w *world, to func(what string, th int, w *world)) {
	for th := range w.threads {
		m.nextOf(w, th, to)
	}
	m.serve(w, to)
	if w.clock < m.ticks && (w.keys[0].seen || w.wire[0].key != 0) { // nothing depends on when it all begins
		n := *w
		n.clock++
		to("a tick", -1, &n)
	}
	if w.left.freezes > 0 {
		n := *w
		n.left.freezes--
		m.load(&stepOf{store: w.store, mem: w.mems[0], clock: w.clock})
		require.NoError(m.t, m.c.Freeze(context.Background(), ""))
		n.store = m.pack(m.store.m)
		to("freeze", -1, &n)
	}
	if w.left.crashes > 0 {
		m.crash(w, to)
	}
}

// crash: a process is gone with all it knows, and another one begins.
func (m *model) crash(w *world, to func(string, int, *world)) {
	for p := range modelThreads {
		if m.memOf(p) != p {
			continue
		}
		busy := false
		n := *w
		for th := range n.threads {
			if m.memOf(th) != p {
				continue
			}
			busy = busy || hasLeftTraces(n.threads[th].at)
			n.threads[th].local = local{}
			m.forsake(&n, th)
		}
		if !busy {
			continue
		}
		n.left.crashes--
		n.mems[p] = m.remember(memory{owner: m.mems.of(w.mems[p]).owner + ", restarted"})
		to("crash", p, &n)
	}
}

// hasLeftTraces reports whether a process that dies here leaves something. Of one
// that does not, nobody can tell that it was ever there.
func hasLeftTraces(at spot) bool {
	switch at {
	case atHome, atRecall, atTake, atLookUp, atReport, atHold, atResolve:
		return false
	}
	return true
}

// forsake leaves a thread's request to itself.
func (m *model) forsake(w *world, th int) {
	for i := 0; i < len(w.wire); i++ {
		if q := &w.wire[i]; q.key != 0 && int(q.from) == th {
			q.from = -1
			if q.stage == deadEnd {
				unwire(w, i)
				i--
			}
		}
	}
}

// settleDown puts what is on the wire in an order, and lets one of the requests
// that are alike and that nobody waits for stand for all of them.
func settleDown(w *world) {
	n := slices.IndexFunc(w.wire[:], func(q wired) bool { return q.key == 0 })
	if n < 0 {
		n = len(w.wire)
	}
	slices.SortFunc(w.wire[:n], func(a, b wired) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.key, b.key), cmp.Compare(a.sent, b.sent), cmp.Compare(a.stage, b.stage))
	})
	for i := 1; i < len(w.wire); i++ {
		if w.wire[i].from < 0 && w.wire[i].key != 0 && w.wire[i].stage == onTheWay && w.wire[i] == w.wire[i-1] {
			unwire(w, i)
			i--
		}
	}
}

func unwire(w *world, i int) {
	copy(w.wire[i:], w.wire[i+1:])
	w.wire[len(w.wire)-1] = wired{}
}

func (m *model) nextOf(w *world, th int, to func(string, int, *world)) {
	l := &w.threads[th]
	switch l.at {
	case atHome:
		m.begin(w, th, to)
		return
	case atAwait:
		m.await(w, th, to)
		return
	}
	m.step(w, th, 0, to)
	if w.left.faults == 0 {
		return
	}
	switch l.at {
	case atFind, atDoubt:
		m.step(w, th, 1, to)
	case atTake, atReserve, atAgain, atWrite:
		m.step(w, th, 1, to)
		m.step(w, th, 2, to)
	}
}

// begin starts a call.
func (m *model) begin(w *world, th int, to func(string, int, *world)) {
	l := &w.threads[th]
	plan := m.calls[th]
	var may []deed
	switch {
	case int(l.calls) < len(plan):
		may = plan[l.calls]
	case int(l.calls) == len(plan) && strings.Contains(m.mems.of(w.mems[m.memOf(th)]).owner, "restarted"):
		may = m.again_()
	}
	for _, d := range may {
		n := *w
		t := &n.threads[th]
		t.calls++
		t.local = local{deed: d, at: atRecall}
		if d == nameless || m.budget > 0 {
			t.number = int8(th)*4 + t.calls
		}
		switch d {
		case nameless:
			t.at = atReserve
			if m.budget > 0 {
				t.at = atHold
			}
		case settling, denying:
			for _, op := range m.factsOf(w.store).open {
				n := n
				n.threads[th].op = m.tryOf(&entry{ID: op.id, Try: op.try})
				n.threads[th].at = atLookUp
				if d == denying {
					if n.keys[m.keyOf(op)].charges > 0 {
						continue // its owner speaks the truth, as far as he can see
					}
					n.threads[th].at = atResolve
				}
				m.step(&n, th, 0, to)
			}
			continue
		}
		m.step(&n, th, 0, to)
	}
}

func (m *model) again_() []deed { return m.scenario.again }

func (m *model) keyOf(op tryOf) int {
	for i, x := range m.keys.list {
		if x == op {
			return i
		}
	}
	m.t.Fatalf("nobody knows try %d of %s", op.try, op.id)
	return 0
}

// step lets a thread go on to the next cut.
func (m *model) step(w *world, th int, fault int8, to func(string, int, *world)) {
	s := stepOf{local: w.threads[th].local, mem: w.mems[m.memOf(th)], store: w.store, clock: w.clock, fault: fault}
	s.sent = 0
	if s.at == atFind || s.at == atDoubt {
		for i := range w.keys {
			s.keys[i] = serverKey{charges: w.keys[i].charges, human: w.keys[i].human}
		}
	}
	e := m.does(s)
	if to == nil { // in place
		m.apply(w, w, th, &e)
		return
	}
	n := *w
	what := spots[s.at]
	if fault != 0 {
		n.left.faults--
		what = faults[fault-1] + what
	}
	m.apply(w, &n, th, &e)
	m.reach(what, th, &n, to)
}

var faults = [...]string{"in vain: ", "without knowing: "}

// apply takes over what a step has done, and holds it against the laws.
func (m *model) apply(w, n *world, th int, e *effect) {
	if e.bad != "" {
		m.bad = e.bad
		return
	}
	n.store, n.mems[m.memOf(th)] = e.store, e.mem
	if e.store != w.store {
		f, was := m.factsOf(e.store), m.factsOf(w.store)
		for i := range n.keys {
			if n.keys[i].charges > 0 && f.keys[i].closed && !f.keys[i].paid && !was.keys[i].closed {
				n.late++
				if !m.overtake {
					m.bad = "a try is closed that was charged"
				}
			}
		}
	}
	t := &n.threads[th]
	sent := t.sent
	t.local = e.local
	t.sent = sent
	if e.sends {
		m.sends(w, n, th)
	}
	if e.told != 0 {
		n.keys[e.told-1].told = true
	}
	if e.over {
		m.over(n, th, e)
	}
}

// sends puts a request on the wire.
func (m *model) sends(w, n *world, th int) {
	t := &n.threads[th]
	r := m.entries.of(t.r)
	key := m.key(r)
	f, was := m.factsOf(n.store), m.factsOf(w.store)
	k := f.keys[key-1]
	now := modelEpoch.Add(time.Duration(n.clock) * modelTick).UnixMilli()
	switch {
	case !k.sent || k.owner != m.mems.of(n.mems[m.memOf(th)]).owner:
		m.bad = "a process sends what is not its own"
	case !k.last:
		m.bad = "an old try is sent"
	case time.Duration(now-k.first)*time.Millisecond >= modelLifetime*modelTick:
		m.bad = "a key is sent that is too old"
	case was.frozen:
		m.bad = "something is sent in spite of the freeze"
	}
	for i, op := range m.keys.list {
		if op.id == r.ID && was.keys[i].paid {
			m.bad = "a paid operation is sent"
		}
	}
	i := slices.IndexFunc(n.wire[:], func(q wired) bool { return q.key == 0 })
	if i < 0 {
		m.t.Fatal("the wire is too short")
	}
	n.wire[i] = wired{key: key, from: int8(th), sent: n.clock}
	t.sent++
}

// over checks what a caller is told.
func (m *model) over(n *world, th int, e *effect) {
	t := &n.threads[th]
	m.verdict[e.verdict]++
	var k serverKey
	if e.key != 0 {
		k = n.keys[e.key-1]
	}
	switch {
	case e.verdict == saysPaid && k.charges == 0 && n.late == 0: // otherwise reading takes the late one for it
		m.bad = "success without money"
	case e.verdict == saysRefused && k.charges > 0 && n.late == 0:
		m.bad = "a refusal, and the money has moved"
	case e.verdict == saysNothing && t.sent > 0:
		m.bad = "the caller is told that nothing was sent"
	}
	t.local = local{}
}

// await is what may become of a thread's request on this side. An answer that
// comes is taken at once: a process that sleeps over it sleeps before it writes.
func (m *model) await(w *world, th int, to func(string, int, *world)) {
	i := slices.IndexFunc(w.wire[:], func(q wired) bool { return q.key != 0 && int(q.from) == th })
	n := *w
	m.forsake(&n, th)
	m.hears(&n, th, 0, false)
	m.reach("gets no answer", th, &n, to)
	if w.wire[i].stage == onTheWay && m.unsent {
		n := *w
		unwire(&n, i)
		n.threads[th].sent--
		m.hears(&n, th, -1, false)
		m.reach("could not send", th, &n, to)
	}
}

// hears gives a thread its answer; 0: none, -1: nothing was sent.
func (m *model) hears(n *world, th int, status int16, replay bool) {
	t := &n.threads[th]
	t.status, t.replay = status, replay
	m.step(n, th, 0, nil)
}

// The server.

func (m *model) serve(w *world, to func(string, int, *world)) {
	for i, q := range w.wire {
		if q.key == 0 {
			break
		}
		switch q.stage {
		case onTheWay:
			m.arrive(w, i, to)
		case atWork:
			m.work(w, i, to)
		}
	}
	for i := range w.keys {
		if w.keys[i].human != 1 {
			continue
		}
		n := *w
		n.keys[i].human = 2
		m.charge(&n, i, -1)
		m.reach("the card holder pays", -1, &n, to)
		n = *w
		n.keys[i].human = 3
		m.reach("the card holder says no", -1, &n, to)
	}
}

// reach hands out a world, unless the way to it was bad.
func (m *model) reach(what string, th int, n *world, to func(string, int, *world)) {
	if m.bad == "" {
		to(what, th, n)
	}
}

// arrive is a request's arrival, before any work.
func (m *model) arrive(w *world, i int, to func(string, int, *world)) {
	q := w.wire[i]
	base := *w
	for _, status := range m.doors {
		if q.from < 0 {
			break // and nobody hears it
		}
		n := base
		m.reply(&n, i, status, false)
		m.reach("the door says ", int(status), &n, to)
	}
	n := base
	k := &n.keys[q.key-1]
	if mode := &m.server; mode.lifetime > 0 && k.seen && n.clock-k.born >= mode.lifetime && !k.busy {
		*k = serverKey{charges: k.charges, told: k.told} // and a charge is no more the key's
		k.seen, k.born = true, n.clock
		m.begins(&n, i, to)
		return
	}
	switch mode := &m.server; {
	case k.dead:
		m.reply(&n, i, 409, false)
		m.reach("409, dead", -1, &n, to)
	case k.busy && mode.wait:
	case k.busy, k.seen && mode.conflict:
		m.reply(&n, i, 409, false)
		m.reach("409", -1, &n, to)
	case k.kept != 0:
		m.reply(&n, i, k.kept, !mode.unmarked)
		m.reach("replay ", int(k.kept), &n, to)
	default:
		if mode.lifetime > 0 && !k.seen {
			k.born = n.clock
		}
		k.seen = true
		m.begins(&n, i, to)
	}
}

func (m *model) begins(n *world, i int, to func(string, int, *world)) {
	if m.server.inFlight {
		n.keys[n.wire[i].key-1].busy = true
		n.wire[i].stage = atWork
		m.reach("the work begins", -1, n, to)
		return
	}
	m.work(n, i, to)
}

// Answers of the work, beside their status: 500 was not charged, 599 was.
const charged500 = 599

// work is the payment itself.
func (m *model) work(w *world, i int, to func(string, int, *world)) {
	key := int(w.wire[i].key) - 1
	for _, status := range m.answers {
		n := *w
		k := &n.keys[key]
		k.busy = false
		forgotten := m.server.lifetime > 0 && k.charges > 0 && n.clock-k.born < m.server.lifetime && k.kept == 0 && k.born > 0 && !k.told && false
		_ = forgotten
		switch {
		case k.charges > 0 && !m.forgot(k): // the payment is the key's, and is found again
			if status != 200 && status != charged500 {
				continue
			}
		case k.human == 1:
			if status != 202 {
				continue
			}
		case k.human == 3:
			if status != 402 {
				continue
			}
		case status == 200, status == charged500:
			m.charge(&n, key, i)
		case status == 202:
			k.human = 1
		}
		said := status
		if status == charged500 {
			said = 500
		}
		switch {
		case m.server.killed && (status == 200 || status == charged500):
			k.dead = true
			m.drop(&n, i)
			m.reach("charged, and killed", -1, &n, to)
			continue
		case m.server.keeps(said):
			k.kept = said
		case said == 402 && !m.overtake:
			m.lose(&n, i)
		}
		m.reply(&n, i, said, false)
		for k := 0; k < len(n.wire); k++ { // nobody waits for those
			if n.wire[k].stage == deadEnd && n.wire[k].from < 0 {
				unwire(&n, k)
				k--
			}
		}
		m.reach("the work ends with ", int(status), &n, to)
	}
}

// forgot reports whether a key's charge was made before the key was forgotten.
func (m *model) forgot(k *serverKey) bool {
	return m.server.lifetime > 0 && k.charges > 0 && k.kept == 0
}

func (m *model) charge(n *world, key, i int) {
	k := &n.keys[key]
	f := m.factsOf(n.store)
	switch {
	case k.charges > 0:
		// Only a server that has forgotten the key does that, and only for a sending
		// that was allowed while it was young.
		if q := n.wire[i]; !m.forgot(k) || q.sent >= k.born {
			m.bad = "the same key is charged twice"
		}
		n.expired++
	case f.keys[key].closed && !f.keys[key].paid:
		n.late++
		if !m.overtake {
			m.bad = "a try is charged that was closed"
		}
	case !f.keys[key].known:
		m.bad = "what is charged is not in the journal"
	}
	k.charges++
}

func (m *model) drop(n *world, i int) {
	if n.wire[i].from < 0 {
		unwire(n, i)
		return
	}
	n.wire[i].stage = deadEnd
}

// lose loses what is still on its way under a request's key.
func (m *model) lose(n *world, i int) {
	for k := range n.wire {
		if k != i && n.wire[k].key == n.wire[i].key && n.wire[k].stage == onTheWay {
			n.wire[k].stage = deadEnd
		}
	}
}

// reply answers a request, if somebody still waits.
func (m *model) reply(n *world, i int, status int16, replay bool) {
	th := int(n.wire[i].from)
	unwire(n, i)
	if th >= 0 {
		m.hears(n, th, status, replay)
	}
}

// factsOf reads a store.
func (m *model) factsOf(store int32) *facts {
	if f := m.facts[store]; f != nil {
		return f
	}
	f := &facts{}
	var all []*entry
	var inBook int
	newest := map[string]int{}
	content := m.stores.of(store)
	f.frozen = content[frozenKey] != nil
	if raw := content[m.j.bookKey]; raw != nil {
		b, err := readBook(raw)
		require.NoError(m.t, err)
		all, inBook = b.Ops, len(b.Ops)
		f.used = m.cents(&b.Purse)
	}
	for _, name := range slices.Sorted(maps.Keys(content)) {
		switch raw := content[name]; {
		case strings.Contains(name, "/op/"):
			var kept keptOperation
			require.NoError(m.t, json.Unmarshal(raw, &kept))
			all = append(all, kept.Tries...)
		case strings.Contains(name, "/budget/"):
			var b budget
			require.NoError(m.t, json.Unmarshal(raw, &b))
			f.team = m.cents(&b.Purse)
		}
	}
	for _, r := range all {
		newest[r.ID] = max(newest[r.ID], r.Try)
	}
	for i, r := range all {
		k := &f.keys[m.key(r)-1]
		k.known = true
		k.paid = k.paid || r.paid()
		k.open = k.open || i < inBook && r.open()
		k.closed = k.closed || !r.open() && !r.paid()
		k.last = r.Try == newest[r.ID]
		if i < inBook && r.State == stateSent {
			k.sent, k.owner, k.first = true, r.Owner, r.First
		}
		if i < inBook && r.open() {
			f.open = append(f.open, tryOf{r.ID, r.Try})
		}
	}
	for i := range f.keys {
		if f.keys[i].paid {
			f.rows++
		}
	}
	m.facts[store] = f
	return f
}

// laws that hold in every world.
func (m *model) check(w *world) string {
	f := m.factsOf(w.store)
	var charges, rows [modelKeys]int // by the first try of their operation
	total := 0
	for i := range m.keys.list {
		k := &w.keys[i]
		total += int(k.charges)
		charges[m.firstKey[i]] += int(k.charges)
		switch {
		case k.told && !f.keys[i].paid:
			return "a payment that was written down is lost"
		case f.keys[i].paid && k.charges == 0 && w.late == 0:
			return "the ledger has a payment that never was"
		case f.keys[i].paid:
			rows[m.firstKey[i]]++
		}
	}
	excused := int(w.late + w.expired)
	for i, n := range charges {
		switch {
		case n > 1+excused:
			return "an operation is charged twice"
		case rows[i] > n:
			return "the ledger has more payments of an operation than there were"
		}
	}
	if sum := f.used; sum < 2500*int64(total-excused) {
		return "the account's budget counts less than was charged"
	} else if m.limit > 0 && sum > 100*m.limit+2500*int64(excused) {
		return "the account's limit is exceeded"
	}
	if sum := f.team; m.budget > 0 && sum < 2500*int64(total-excused) {
		return "the named budget counts less than was charged"
	} else if m.budget > 0 && sum > 100*m.budget+2500*int64(excused) {
		return "the named budget's limit is exceeded"
	}
	if a, b := &w.threads[0], &w.threads[1]; m.same && isAtTry(a) && isAtTry(b) {
		if x, y := m.entries.of(a.r), m.entries.of(b.r); x.ID == y.ID && x.Try == y.Try {
			return "two goroutines of a process are at one try"
		}
	}
	if w.threads[0].at == atHome && w.threads[1].at == atHome {
		m.quiet++
		return m.epilogue(w)
	}
	return ""
}

// isAtTry reports whether a call is between taking a try and writing its outcome.
func isAtTry(t *thread) bool {
	switch t.at {
	case atFind, atAgain, atAwait, atDoubt, atWrite:
		return t.deed != denying
	}
	return false
}

// cents is what a budget counts.
func (m *model) cents(p *purse) int64 {
	used, err := p.used(0, &entry{})
	require.NoError(m.t, err)
	n, err := strconv.ParseFloat(used.String(), 64)
	require.NoError(m.t, err)
	return int64(math.Round(100 * n))
}

// epilogue: nobody is at anything. A new process looks at all that is pending, when
// all keys are too old to be asked with, and then the ledger has to be right.
func (m *model) epilogue(w *world) string {
	end := endOf{store: w.store, clock: w.clock, late: w.late + w.expired}
	for i := range w.keys {
		end.keys[i] = serverKey{charges: w.keys[i].charges, human: w.keys[i].human, told: w.keys[i].told}
	}
	if bad, ok := m.ends[end]; ok {
		return bad
	}
	m.load(&stepOf{store: w.store, mem: m.remember(memory{owner: "an auditor"}), clock: w.clock + modelLifetime, keys: end.keys})
	bad := m.audit(w)
	m.ends[end] = bad
	return bad
}

func (m *model) audit(w *world) string {
	ctx := context.Background()
	for range 2 {
		ops, err := m.c.Pending(ctx)
		require.NoError(m.t, err)
		for _, op := range ops {
			if s, err := m.c.Settle(ctx, op); err != nil {
				return fmt.Sprint("Settle says ", s, err)
			}
		}
	}
	if m.net.posts > 0 {
		return "Settle sends with a key that is too old"
	}
	store := w.store
	if m.store.wrote {
		store = m.pack(m.store.m)
	}
	f := m.factsOf(store)
	charged, open, extra := 0, 0, 0
	for i := range m.keys.list {
		charged += min(1, int(w.keys[i].charges))
		if f.keys[i].open {
			open++
			if w.keys[i].charges > 0 {
				extra++
			}
		}
	}
	rows := 0
	for _, err := range m.c.Ledger(ctx) {
		require.NoError(m.t, err)
		rows++
	}
	switch {
	case rows != f.rows:
		return "the ledger does not have each payment once"
	case rows > charged || rows < charged-extra-int(w.late):
		return fmt.Sprintf("the ledger has %d payments of %d", rows, charged)
	case extra > 0 && open < 2 && w.late+w.expired == 0:
		return "reading does not settle what was charged"
	}
	if sum := f.used; sum != int64(2500*(rows+open)) {
		return fmt.Sprintf("the account's budget counts %d cents for %d payments and %d pending", sum, rows, open)
	}
	return ""
}

// explore goes through all worlds, and returns how it came to a bad one.
func (m *model) explore() (trace []string) {
	type found struct {
		w  world
		id int32
	}
	w := m.first()
	front := []found{{w, 0}}
	m.seen[maphash.Comparable(m.seed, w)] = struct{}{}
	m.origin, m.branch = []int32{-1}, []uint16{0}
	for len(front) > 0 {
		var news []found
		for i := range front {
			f := &front[i]
			branch := uint16(0)
			stop := false
			m.next(&f.w, func(_ string, _ int, n *world) {
				branch++
				m.moves++
				if stop {
					return
				}
				settleDown(n)
				h := maphash.Comparable(m.seed, *n)
				if _, ok := m.seen[h]; ok {
					return
				}
				m.seen[h] = struct{}{}
				id := int32(len(m.origin))
				m.origin, m.branch = append(m.origin, f.id), append(m.branch, branch-1)
				if m.bad = m.check(n); m.bad != "" {
					stop = true
					trace = m.retrace(id)
					return
				}
				news = append(news, found{*n, id})
			})
			if m.bad != "" {
				if trace == nil {
					trace = append(m.retrace(f.id), "and then one of what may come next is bad")
				}
				m.worlds = len(m.origin)
				return trace
			}
		}
		if len(m.origin) > mostWorlds {
			m.t.Fatalf("more than %d worlds", mostWorlds)
		}
		front = news
	}
	m.worlds = len(m.origin)
	return nil
}

// retrace tells how a world came about.
func (m *model) retrace(id int32) (trace []string) {
	var path []uint16
	for ; m.origin[id] >= 0; id = m.origin[id] {
		path = append(path, m.branch[id])
	}
	slices.Reverse(path)
	bad := m.bad
	w := m.first()
	for _, branch := range path {
		k := uint16(0)
		var to world
		m.bad = ""
		m.next(&w, func(what string, th int, n *world) {
			if k == branch {
				who := ""
				if th >= 0 {
					who = fmt.Sprintf("%d: ", th)
				}
				trace = append(trace, who+what)
				settleDown(n)
				to = *n
			}
			k++
		})
		w = to
		trace[len(trace)-1] += m.show(&w)
	}
	m.bad = bad
	return trace
}

// show writes down what stands in a world.
func (m *model) show(w *world) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n      t=%d", w.clock)
	for name, raw := range m.stores.of(w.store) {
		switch {
		case strings.HasSuffix(name, "/book"):
			book, _ := readBook(raw)
			for _, r := range book.Ops {
				fmt.Fprintf(&b, " [%s %d %s doubt=%v by %q]", r.ID[:4], r.Try, r.State, r.Doubt, r.Owner)
			}
			used, _ := book.Purse.used(0, &entry{})
			fmt.Fprintf(&b, " used=%s", used)
		case strings.Contains(name, "/op/"):
			var kept keptOperation
			_ = json.Unmarshal(raw, &kept)
			for _, r := range kept.Tries {
				fmt.Fprintf(&b, " {%s %d %s}", r.ID[:4], r.Try, r.State)
			}
		case strings.Contains(name, "/budget/"):
			var x budget
			_ = json.Unmarshal(raw, &x)
			used, _ := x.Purse.used(0, &entry{})
			fmt.Fprintf(&b, " team=%s", used)
		}
	}
	for i := range w.threads {
		t := &w.threads[i]
		fmt.Fprintf(&b, "\n      thread %d: call %d at %d deed %d att %d unanswered %v status %d", i, t.calls, t.at, t.deed, t.attempts, t.unanswered, t.status)
		if t.r != 0 {
			fmt.Fprintf(&b, " try %d", m.entries.of(t.r).Try)
		}
		if t.outcome != 0 {
			fmt.Fprintf(&b, " outcome %s", m.outcomes.of(t.outcome).state)
		}
	}
	for _, q := range w.wire {
		if q.key != 0 {
			fmt.Fprintf(&b, "\n      wire: key %d from %d stage %d", q.key, q.from, q.stage)
		}
	}
	for i, k := range w.keys {
		if k.seen {
			fmt.Fprintf(&b, "\n      key %d: %+v", i+1, k)
		}
	}
	return b.String()
}

func modesNamed(names ...string) (modes []serverMode) {
	for _, m := range modelModes {
		if slices.Contains(names, m.name) {
			modes = append(modes, m)
		}
	}
	return modes
}

var few = modesNamed("2xx kept", "every outcome kept", "409 in flight")

var scenarios = []scenario{
	{
		name: "two calls of a name and a crash", crashes: 1, ticks: 1, attempts: 2, limit: 25,
		calls: [modelThreads][][]deed{{{byName}}, {{byName}}}, again: []deed{byName},
		answers: []int16{200, 402}, doors: []int16{401}, modes: modelModes,
	},
	{
		name: "keys that become too old", crashes: 1, ticks: 2, attempts: 1, limit: 25,
		calls: [modelThreads][][]deed{{{byName}}, {{byName, settling}}}, again: []deed{byName},
		answers: []int16{200, 402}, modes: modesNamed("2xx kept", "keys expire"),
	},
	{
		name: "what comes after a no", ticks: 1, attempts: 1, limit: 25,
		calls:   [modelThreads][][]deed{{{byName}, {byName, byNewTry}}, {{byOther, settling}}},
		answers: []int16{200, 402}, doors: []int16{401}, modes: few,
	},
	{
		name: "what comes after a crash", ticks: 1, attempts: 1, crashes: 1, limit: 25,
		calls: [modelThreads][][]deed{{{byName}}, {{settling, byOther}}}, again: []deed{byName, byOther, nameless},
		answers: []int16{200, 402}, modes: few,
	},
	{
		name: "calls without a name", crashes: 1, ticks: 1, attempts: 1, limit: 25,
		calls: [modelThreads][][]deed{{{nameless}}, {{settling, nameless}}}, again: []deed{nameless, settling},
		answers: []int16{200, 402}, modes: few,
	},
	{
		name: "its owner says that it was not paid", overtake: true, ticks: 1, attempts: 1, limit: 25,
		calls:   [modelThreads][][]deed{{{byName}, {byName}}, {{denying}, {byName}}},
		answers: []int16{200, 402}, doors: []int16{401}, modes: modesNamed("2xx kept", "409 in flight"),
	},
	{
		name: "the card holder is asked", ticks: 1, attempts: 1, limit: 25, crashes: 1,
		calls: [modelThreads][][]deed{{{byName}}, {{byName, settling}}}, again: []deed{byName},
		answers: []int16{200, 202}, modes: modesNamed("2xx kept", "202 kept", "every outcome kept"),
	},
	{
		name: "a budget with a name", ticks: 1, attempts: 1, limit: 50, budget: 25, crashes: 1,
		calls: [modelThreads][][]deed{{{byName}}, {{byName, nameless}}}, again: []deed{byName},
		answers: []int16{200}, doors: []int16{401}, modes: modesNamed("2xx kept"),
	},
	{
		name: "a freeze", ticks: 1, attempts: 2, limit: 25, freezes: 1,
		calls:   [modelThreads][][]deed{{{byName}}, {{byName, settling}}},
		answers: []int16{200, 402}, modes: modesNamed("2xx kept"),
	},
	{
		name: "a store that fails", ticks: 1, attempts: 1, limit: 25, faults: 1,
		calls:   [modelThreads][][]deed{{{byName}, {byName}}, {{byName, settling}}},
		answers: []int16{200, 402}, modes: modesNamed("2xx kept"),
	},
	{
		name: "two goroutines of a process", ticks: 1, attempts: 1, limit: 25, same: true, crashes: 1,
		calls: [modelThreads][][]deed{{{byName}, {settling}}, {{byName, settling}}}, again: []deed{byName},
		answers: []int16{200, 402}, doors: []int16{401}, modes: modesNamed("2xx kept", "409 in flight"),
	},
	{
		name: "errors of the server", ticks: 1, attempts: 2, limit: 25,
		calls:   [modelThreads][][]deed{{{byName}}, {{byName, settling}}},
		answers: []int16{200, 500, charged500}, doors: []int16{429, 502}, modes: modesNamed("2xx kept", "2xx and 5xx kept", "409 for every repeat"),
	},
	{
		name: "a network that fails", ticks: 1, attempts: 2, limit: 25, unsent: true,
		calls:   [modelThreads][][]deed{{{byName}}, {{byName, settling}}},
		answers: []int16{200, 402}, doors: []int16{401}, modes: modesNamed("2xx kept"),
	},
	{
		name: "a sending arrives after a later one was declined", ticks: 1, attempts: 1, limit: 25, overtake: true,
		calls:   [modelThreads][][]deed{{{byName}}, {{byName, byOther}, {byOther}}},
		answers: []int16{200, 402}, modes: modesNamed("2xx kept"),
	},
}

func TestModelOfOneOperation(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			m := newModel(t, s)
			for _, mode := range s.modes {
				m.scenario.server = mode
				t.Run(mode.name, func(t *testing.T) { m.run(t) })
			}
		})
	}
}

func (m *model) run(t *testing.T) {
	start := time.Now()
	m.seen, m.moves, m.quiet, m.bad = map[uint64]struct{}{}, 0, 0, ""
	trace := m.explore()
	t.Logf("%d worlds, %d moves, %d quiet, %d steps, %d stores, verdicts %v, %v", m.worlds, m.moves, m.quiet, len(m.effects), len(m.stores.list), m.verdict, time.Since(start).Round(time.Millisecond))
	if m.bad != "" {
		for i, s := range trace {
			t.Logf("%d. %s", i+1, s)
		}
		t.Fatal(m.bad)
	}
}
