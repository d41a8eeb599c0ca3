package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/modelslab/modelslab-agents-go/internal/points"
	"github.com/modelslab/modelslab-agents-go/internal/retry"
)

// The journal in its store. Under the origin and the account stand one book,
// which holds what is open, and one value for each operation that was settled,
// which nobody takes away but Prune:
//
//	mla1/frozen                              who has frozen all spending, and why
//	mla1/<origin>/<account>/book             open operations and the account's budget
//	mla1/<origin>/<account>/op/<operation>   the tries of it that are settled
//	mla1/<origin>/<account>/claim/<id>       whose a transaction of the wallet is
//	mla1/<origin>/<account>/paid/<sum>/<try> who was paid without a word on which transaction is theirs
//	mla1/<origin>/budget/<name>              a budget with a name
const (
	storeRoot = "mla1/"
	frozenKey = storeRoot + "frozen"
)

// Times of the journal.
const (
	storeTimeout = 5 * time.Second // for what is written once the call is over
	leaseMargin  = time.Minute     // beyond what a sending and the wait before it may take
	clockSlack   = 5 * time.Minute // by which clocks may differ
)

// journals are the journals of the accounts that the clients of one New act for.
type journals struct {
	mu    sync.Mutex
	owner string // this process, and this New
	m     map[journalPlace]*journal
	live  map[string]struct{} // the calls that hold sums in named budgets, and may yet write a journal
}

// begin says that a call is about to hold sums in named budgets.
func (js *journals) begin(call string) {
	js.mu.Lock()
	defer js.mu.Unlock()
	if js.live == nil {
		js.live = map[string]struct{}{}
	}
	js.live[call] = struct{}{}
}

// end says that it has: the journal knows of it, or never will.
func (js *journals) end(call string) {
	js.mu.Lock()
	defer js.mu.Unlock()
	delete(js.live, call)
}

// ended reports whether a call of this New can write no journal any more.
func (js *journals) ended(owner, me, call string) bool {
	js.mu.Lock()
	defer js.mu.Unlock()
	_, live := js.live[call]
	return owner == me && !live
}

type journalPlace struct {
	store Store
	space string
}

// of is an account's journal. Unless it is known, account only stands for it.
func (js *journals) of(cfg *config, account string, known bool) *journal {
	place := placeOf(cfg, account)
	js.mu.Lock()
	defer js.mu.Unlock()
	if j := js.m[place]; j != nil {
		return j
	}
	if js.m == nil {
		js.owner, js.m = uuid.NewString(), map[journalPlace]*journal{}
	}
	j := &journal{
		store: cfg.store, private: cfg.private, space: place.space, bookKey: place.space + "book",
		budgets: storeRoot + cfg.origin() + "/budget/", owner: ownerIn(cfg.store, js.owner),
		all: js, clock: cfg.clock, flying: map[tryOf]int{}, archived: map[tryOf]state{},
	}
	if known {
		j.account.Store(&account)
	}
	js.m[place] = j
	return j
}

// id is the account's; "": it is not known.
func (j *journal) id() string {
	if id := j.account.Load(); id != nil {
		return *id
	}
	return ""
}

// ownerIn is what this New is called in a store.
func ownerIn(store Store, owner string) string {
	if x, ok := store.(StoreExclusive); ok {
		return exclusively + x.Opened() + "/" + owner
	}
	return owner
}

// same says that an account's journal, which there is, is also that of a party of
// which only now is known that it is the account.
func (js *journals) same(cfg *config, account, party string) {
	a, b := placeOf(cfg, account), placeOf(cfg, party)
	js.mu.Lock()
	defer js.mu.Unlock()
	switch {
	case js.m[b] == nil:
		js.m[b] = js.m[a]
	case js.m[a] != js.m[b] && js.m[b].id() == "":
		js.m[b].join(js.m[a])
		js.m[b] = js.m[a]
	}
}

// join puts what a private journal holds into another one, which is of the same
// account. Calls that are on their way with it go on in the other one.
func (j *journal) join(into *journal) {
	j.mu.Lock()
	defer j.mu.Unlock()
	into.mu.Lock()
	defer into.mu.Unlock()
	if j.book != nil {
		if into.book == nil {
			into.book = &book{V: bookVersion}
		}
		into.book.join(j.book)
	}
	for of, calls := range j.flying {
		into.flying[of] += calls
	}
	j.keptMu.Lock()
	defer j.keptMu.Unlock()
	for _, tries := range j.kept {
		for _, r := range tries {
			into.keepHere(r)
		}
	}
	j.book, j.kept, j.flying = nil, nil, into.flying
	j.account.Store(into.account.Load())
	j.joined.Store(into)
}

// here is the journal that this one was put into, or else itself.
func (j *journal) here() *journal {
	for into := j.joined.Load(); into != nil; into = j.joined.Load() {
		j = into
	}
	return j
}

// lock locks the journal that this one is part of.
func (j *journal) lock() *journal {
	for {
		j = j.here()
		j.mu.Lock()
		if j.joined.Load() == nil {
			return j
		}
		j.mu.Unlock()
	}
}

// lockKept is lock for the settled tries alone.
func (j *journal) lockKept() *journal {
	for {
		j = j.here()
		j.keptMu.Lock()
		if j.joined.Load() == nil {
			return j
		}
		j.keptMu.Unlock()
	}
}

func placeOf(cfg *config, account string) journalPlace {
	return journalPlace{cfg.store, storeRoot + cfg.origin() + "/" + storeName(account) + "/"}
}

// longestName is the longest text that stands in a key as it is, in bytes.
const longestName = 100

// storeName makes one element of a key of any text.
func storeName(s string) string {
	if s = url.PathEscape(s); len(s) > longestName {
		return digest(s)
	}
	return s
}

type tryOf struct {
	id  string
	try int
}

// journal is one account's.
type journal struct {
	store    Store
	private  bool // the store is this New's own memory
	space    string
	bookKey  string
	budgets  string
	owner    string
	all      *journals              // of its New
	account  atomic.Pointer[string] // its id; nil: not known yet
	clock    *clock
	mu       sync.Mutex // of all below; a step is taken by one at a time
	raw      []byte     // what book was read from, or written as
	book     *book
	flying   map[tryOf]int
	archived map[tryOf]state // settled tries in the book that are kept elsewhere too, as they were then
	dropped  []tryOf         // of those, what is no longer in book, and still in raw
	owed     []owed          // outcomes that the store did not take

	// A private store is this memory: the book above is the only one, and the
	// settled tries are here.
	keptMu sync.Mutex
	kept   map[string][]*entry
	joined atomic.Pointer[journal] // that it has become a part of
}

type owed struct {
	r *entry
	o outcome
}

// storeError is a store that does not do what it is there for.
type storeError struct {
	doing string
	err   error
}

func (e *storeError) Error() string {
	return "modelslab: the store: " + e.doing + ": " + clean(e.err.Error(), maxMessageText)
}
func (e *storeError) Unwrap() error { return e.err }

var errNotSaid = errors.New("it does not say what became of it")

// errUnchanged ends a step that has changed nothing.
var errUnchanged = errors.New("unchanged")

// locked does something with what the journal knows beside its book.
func (j *journal) locked(do func()) {
	j = j.lock()
	defer j.mu.Unlock()
	do()
}

// step changes the book: it is read, changed, and swapped for what was read, as
// often as somebody else was faster. change may be called more than once, with a
// book of its own each time. Of a step that fails nobody can tell whether it was
// taken, unless change itself has failed.
func (j *journal) step(ctx context.Context, change func(b *book, now moment) error) error {
	j = j.lock()
	defer j.mu.Unlock()
	if j.private {
		return j.stepHere(change)
	}
	var mine []byte
	for {
		raw, err := j.store.Get(ctx, j.bookKey)
		if err != nil {
			j.book = nil
			return &storeError{"reading the journal", err}
		}
		if mine != nil && bytes.Equal(raw, mine) { // it was taken, and the store did not say so
			j.book = nil
			if !j.stands(ctx, mine) { // and must not be done twice
				return &storeError{"writing the journal", errNotSaid}
			}
			j.raw = mine
			return nil
		}
		if j.book == nil || !bytes.Equal(raw, j.raw) {
			if j.book, err = readBook(raw); err != nil {
				j.book = nil
				return err
			}
			j.raw, j.dropped = raw, nil
		}
		now, err := j.now(ctx)
		if err != nil {
			return err
		}
		b := j.book
		j.book = nil // until it is known what the store holds
		if err := j.tidy(ctx, b, now); err != nil {
			return err
		}
		if err := change(b, now); err != nil {
			if errors.Is(err, errUnchanged) && len(j.owed) == 0 {
				j.book = b
			}
			return err
		}
		b.V = bookVersion
		b.Seq++
		b.By = j.owner
		b.At = max(b.At, now.early)
		enc, err := b.encode()
		if err != nil {
			return err
		}
		ok, err := j.store.Swap(ctx, j.bookKey, raw, enc, 0)
		if err != nil {
			if again, lost := j.store.Get(ctx, j.bookKey); lost != nil || !bytes.Equal(again, enc) || !j.stands(ctx, enc) {
				return &storeError{"writing the journal", err}
			}
			ok = true
		}
		if ok {
			for _, of := range j.dropped {
				delete(j.archived, of)
			}
			for _, x := range j.owed {
				if x.o.state == "" && b.find(x.r.ID, x.r.Try) == nil {
					j.all.end(x.r.Holder)
					_ = j.settleBudgets(ctx, x.r, nil) // otherwise a sweep does
				}
			}
			j.raw, j.book, j.owed, j.dropped = enc, b, nil, nil
			return nil
		}
		mine = enc
	}
}

// stands reports whether the book is as it was written, and will stay so: that it
// can be read is no word of a store on what it survives, as a swap is.
func (j *journal) stands(ctx context.Context, book []byte) bool {
	ok, err := j.store.Swap(ctx, j.bookKey, book, book, 0)
	return ok && err == nil
}

// stepHere is step for a book that nobody else has: it is changed where it is. A
// change that fails has changed nothing.
func (j *journal) stepHere(change func(b *book, now moment) error) error {
	if j.book == nil {
		j.book = &book{V: bookVersion}
	}
	now := j.clock.now()
	if err := change(j.book, now); err != nil {
		return err
	}
	j.book.At = max(j.book.At, now.early)
	return nil
}

// tidy takes out of a book what is kept elsewhere, and writes into it what the
// store would not take before.
func (j *journal) tidy(ctx context.Context, b *book, now moment) error {
	if len(j.archived) > 0 {
		b.Ops = slices.DeleteFunc(b.Ops, func(r *entry) bool {
			of := tryOf{r.ID, r.Try}
			gone := !r.open() && j.archived[of] == r.State
			if gone {
				j.dropped = append(j.dropped, of)
			}
			return gone
		})
	}
	for i := range j.owed {
		r, o := j.owed[i].r, &j.owed[i].o
		if b.find(r.ID, r.Try) == nil && o.moves() {
			kept, err := j.keptTry(ctx, r)
			if err != nil {
				return err
			}
			if kept != nil && kept.paid() {
				continue // it has become known in another way
			}
		}
		b.settle(r, o, now)
	}
	return nil
}

// see reads the book and changes nothing.
func (j *journal) see(ctx context.Context, look func(b *book, now moment) error) error {
	err := j.step(ctx, func(b *book, now moment) error {
		if err := look(b, now); err != nil {
			return err
		}
		if len(j.owed) > 0 {
			return nil
		}
		return errUnchanged
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

func readBook(raw []byte) (*book, error) {
	if raw == nil {
		return &book{V: bookVersion}, nil
	}
	b := &book{}
	if err := readVersion(raw, b, &b.V); err != nil {
		return nil, &storeError{"reading the journal", err}
	}
	for _, r := range b.Ops {
		if r == nil || r.ID == "" || r.Try < 1 {
			return nil, &storeError{"reading the journal", errDamaged}
		}
	}
	return b, nil
}

var errDamaged = errors.New("what stands there is damaged; nothing was sent")

// readVersion decodes a value of the store and checks its version.
func readVersion(raw []byte, v any, version *int) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%w: %s", errDamaged, clean(err.Error(), maxMessageText))
	}
	if *version != bookVersion {
		return fmt.Errorf("what stands there is of version %d, and this program knows %d; nothing was sent", *version, bookVersion)
	}
	return nil
}

// encode writes the book: each operation as it was, if nothing has changed.
func (b *book) encode() ([]byte, error) {
	ops := b.Ops
	b.Ops = nil
	head, err := json.Marshal(b)
	b.Ops = ops
	if err != nil {
		return nil, err
	}
	size := len(head) + 2
	for _, r := range ops {
		if r.enc == nil {
			if r.enc, err = json.Marshal(r); err != nil {
				return nil, err
			}
		}
		size += len(r.enc) + 1
	}
	buf := make([]byte, 0, size)
	buf = append(buf, head[:len(head)-len("null}")]...)
	buf = append(buf, '[')
	for i, r := range ops {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, r.enc...)
	}
	return append(buf, ']', '}'), nil
}

// now is the time by all clocks there are.
func (j *journal) now(ctx context.Context) (moment, error) {
	if shared, ok := j.store.(StoreClock); ok {
		t, err := shared.Now(ctx)
		if err != nil {
			return moment{}, &storeError{"asking for the time", err}
		}
		ms := t.UnixMilli()
		return moment{ms, ms}, nil
	}
	return j.clock.now(), nil
}

// clock is this process's time: what the machine says, what has passed since the
// clock was made, which nobody can set, and what the server says.
type clock struct {
	wall  func() time.Time // tests have others
	begun time.Time

	mu     sync.Mutex
	server time.Time // its Date
	seen   time.Time // when it said so
}

func newClock() *clock { return &clock{wall: time.Now, begun: time.Now()} }

// hear learns what the server says of the time.
func (c *clock) hear(date []string) {
	t := retry.ServerTime(date, time.Time{})
	if t.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if ahead := c.server.Add(now.Sub(c.seen)).Sub(t); !c.server.IsZero() && ahead >= 0 && ahead < 2*time.Second {
		return // it says whole seconds: what is known is as good, and time does not go back
	}
	c.server, c.seen = t, now
}

// heard reports whether the server has said what time it is.
func (c *clock) heard() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.server.IsZero()
}

func (c *clock) now() moment {
	wall := c.wall().UnixMilli()
	passed := c.begun.UnixMilli() + time.Since(c.begun).Milliseconds()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server.IsZero() {
		return moment{min(wall, passed), max(wall, passed)}
	}
	server := c.server.UnixMilli() + time.Since(c.seen).Milliseconds()
	return moment{min(wall, server), max(wall, passed, server)}
}

// What a call does with the journal.

// past are the settled tries of an operation.
func (j *journal) past(ctx context.Context, id string) (tries []*entry, raw []byte, err error) {
	if j.private {
		j = j.lockKept()
		defer j.keptMu.Unlock()
		return j.kept[id], nil, nil
	}
	raw, err = j.store.Get(ctx, j.space+"op/"+id)
	if err != nil {
		return nil, nil, &storeError{"reading an operation", err}
	}
	if raw == nil {
		return nil, nil, nil
	}
	var kept keptOperation
	if err := readVersion(raw, &kept, &kept.V); err != nil {
		return nil, nil, &storeError{"reading an operation", err}
	}
	if len(kept.Tries) == 0 || slices.ContainsFunc(kept.Tries, func(r *entry) bool { return r == nil || r.ID != id || r.Try < 1 }) {
		return nil, nil, &storeError{"reading an operation", errDamaged}
	}
	return kept.Tries, raw, nil
}

// keptOperation is what stands under an operation's name.
type keptOperation struct {
	V     int      `json:"v"`
	Tries []*entry `json:"tries"`
}

// lastTry is the try that a call of an operation has to look at: what was paid,
// or else the newest. The book has to be read before what is kept elsewhere.
func (j *journal) lastTry(ctx context.Context, b *book, id string) (last *entry, tries int, err error) {
	kept, _, err := j.past(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range slices.Concat(kept, b.Ops) {
		if r.ID != id {
			continue
		}
		tries = max(tries, r.Try)
		if last == nil || r.Try >= last.Try && !last.paid() || r.open() && !last.paid() || r.paid() && !last.open() {
			last = r
		}
	}
	return last, tries, nil
}

// keep puts a settled try to the others of its operation.
func (j *journal) keep(ctx context.Context, r *entry) error {
	if j.private {
		j.keepHere(r)
		return nil
	}
	for {
		tries, raw, err := j.past(ctx, r.ID)
		if err != nil {
			return err
		}
		tries = withTry(tries, r)
		enc, err := json.Marshal(keptOperation{bookVersion, tries})
		if err != nil {
			return err
		}
		if bytes.Equal(enc, raw) {
			return nil
		}
		ok, err := j.store.Swap(ctx, j.space+"op/"+r.ID, raw, enc, 0)
		if err != nil {
			return &storeError{"keeping an operation", err}
		}
		if ok {
			return nil
		}
	}
}

// keepHere is keep in a private journal.
func (j *journal) keepHere(r *entry) {
	j = j.lockKept()
	defer j.keptMu.Unlock()
	if j.kept == nil {
		j.kept = map[string][]*entry{}
	}
	j.kept[r.ID] = withTry(j.kept[r.ID], r)
}

// mostLost is how many generations whose answers were lost a private journal
// remembers: nobody can ask for them by a name.
const mostLost = 256

// forgetOldest leaves no more than most lost generations without a name.
func (b *book) forgetOldest(most int) {
	lost := 0
	for _, r := range b.Ops {
		if r.Unnamed && r.Key == "" && r.Nobody && r.Hold.IsZero() {
			lost++
		}
	}
	b.Ops = slices.DeleteFunc(b.Ops, func(r *entry) bool {
		drop := lost > most && r.Unnamed && r.Key == "" && r.Nobody && r.Hold.IsZero()
		if drop {
			lost--
			b.Purse.release(r)
		}
		return drop
	})
}

// tidyUp keeps under their names the settled tries that stand in the book still,
// because the process that settled them died, or its store did.
func (j *journal) tidyUp(ctx context.Context) error {
	if j.private {
		return nil
	}
	var left []*entry
	if err := j.see(ctx, func(b *book, now moment) error {
		left = left[:0]
		for _, r := range b.Ops {
			if _, known := j.archived[tryOf{r.ID, r.Try}]; !known && !r.open() && r.Settled < now.early-leaseMargin.Milliseconds() {
				left = append(left, r.clone())
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for _, r := range left {
		kept, err := j.keptTry(ctx, r)
		if err == nil && (kept == nil || kept.State != r.State) { // its budgets are told before it is kept
			err = j.settleBudgets(ctx, r, r)
		}
		if err == nil {
			err = firstError(j.keep(ctx, r), j.explain(ctx, r))
		}
		if err != nil {
			return err
		}
		j.locked(func() { j.archived[tryOf{r.ID, r.Try}] = r.State })
	}
	return nil
}

// keptTry is a try as it is kept under its operation; nil: it is not.
func (j *journal) keptTry(ctx context.Context, r *entry) (*entry, error) {
	tries, _, err := j.past(ctx, r.ID)
	for _, kept := range tries {
		if kept.Try == r.Try {
			return kept, err
		}
	}
	return nil, err
}

// withTry puts a try to the others. One that is recorded as paid stays so.
func withTry(tries []*entry, r *entry) []*entry {
	for i, old := range tries {
		if old.Try != r.Try {
			continue
		}
		if old.paid() && !r.paid() {
			return tries
		}
		tries = slices.Clone(tries) // others may be reading
		tries[i] = r
		return tries
	}
	return append(tries[:len(tries):len(tries)], r)
}

// write settles a try, durably, and keeps it under its operation's name.
func (j *journal) write(ctx context.Context, r *entry, o *outcome) (settled *entry, late bool, other *entry, err error) {
	unsent := false                                 // and taken out of the book
	forget := j.private && r.Unnamed && r.Key == "" // nobody can ask for it any more
	err = j.step(ctx, func(b *book, now moment) error {
		if b.find(r.ID, r.Try) == nil && o.moves() {
			kept, err := j.keptTry(ctx, r)
			if err != nil {
				return err
			}
			if kept != nil && kept.paid() { // it is known already, in another way
				late, other, settled = false, nil, kept
				return errUnchanged
			}
		}
		stood := b.find(r.ID, r.Try) != nil
		s, l, x := b.settle(r, o, now)
		late, other, settled = l, x, nil
		unsent = stood && b.find(r.ID, r.Try) == nil
		if s == nil {
			return nil
		}
		settled = s.clone()
		if j.private && !s.open() { // where nothing can come between, it is kept in the same step
			b.Ops = slices.DeleteFunc(b.Ops, func(y *entry) bool { return y == s })
			if !forget || len(r.Budgets) > 0 { // until those have been told
				return j.keep(ctx, settled)
			}
		}
		if forget && s.open() {
			b.forgetOldest(mostLost)
		}
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return settled, false, nil, nil
	}
	if err != nil {
		j.locked(func() { j.owed = append(j.owed, owed{r, *o}) })
		return nil, false, nil, err
	}
	if late && other == nil { // it may have been paid anew, and be in the book no more
		tries, _, _ := j.past(ctx, r.ID)
		for _, x := range tries {
			if x.Try != r.Try && x.paid() {
				other = x
			}
		}
	}
	points.Pass(ctx, points.Settled)
	if len(r.Budgets) > 0 && (settled != nil || unsent) {
		err = j.settleBudgets(ctx, r, settled)
		if late && settled != nil && settled.open() {
			err = j.holdLate(ctx, settled)
		}
		if forget && err == nil && settled != nil && !settled.open() {
			j.forgetHere(r.ID)
		}
	}
	if settled == nil || settled.open() || j.private || err != nil { // what its budgets have not been told, a later look does
		return settled, late, other, err
	}
	if late {
		j.locked(func() { delete(j.archived, tryOf{settled.ID, settled.Try}) })
	}
	if kept := firstError(j.keep(ctx, settled), j.explain(ctx, settled)); kept != nil {
		return settled, late, other, firstError(err, kept)
	}
	points.Pass(ctx, points.Archived)
	j.locked(func() { j.archived[tryOf{settled.ID, settled.Try}] = settled.State })
	return settled, late, other, err
}

// holdLate holds in the named budgets what a human may pay after all.
func (j *journal) holdLate(ctx context.Context, r *entry) error {
	var failed error
	for _, name := range r.Budgets {
		failed = firstError(failed, j.stepBudget(ctx, name, func(p *purse, _ moment) error {
			c := r.clone()
			c.ID, c.Standing = j.opName(r.ID), j.orderName(r.Standing)
			if c.Beside != "" {
				c.Beside = j.opName(c.Beside)
			}
			p.hold(c, 0, r.Holder)
			return nil
		}))
	}
	return failed
}

// forgetHere is forget in a private journal.
func (j *journal) forgetHere(id string) {
	j = j.lockKept()
	defer j.keptMu.Unlock()
	delete(j.kept, id)
}

func (j *journal) isFlying(id string, try int) bool { return j.flying[tryOf{id, try}] > 0 }

// fly says that a call of this process is at a try. A step is being taken.
func (j *journal) fly(r *entry) { j.flying[tryOf{r.ID, r.Try}]++ }

// land says that it no longer is.
func (j *journal) land(r *entry) {
	j.locked(func() {
		of := tryOf{r.ID, r.Try}
		if j.flying[of]--; j.flying[of] <= 0 {
			delete(j.flying, of)
		}
	})
}

// Budgets with a name of their own. They are values of their own, since they may
// belong to several accounts: a sum is held there first, and lapses if the
// journal never comes to know of it.

type budget struct {
	V     int    `json:"v"`
	Seq   int64  `json:"seq"`
	By    string `json:"by"`
	At    int64  `json:"at"`
	Purse purse  `json:"purse"`
}

// opName is what a named budget calls a try's operation: several accounts may
// share it.
func (j *journal) opName(id string) string { return j.space + holdCut + id }

// orderName is what a named budget calls a standing order, likewise.
func (j *journal) orderName(order string) string { return orderIn(j.space, order) }

func orderIn(space, order string) string {
	if order == "" {
		return ""
	}
	return space + holdCut + order
}

// holdCut stands where neither an origin nor an account has anything.
const holdCut = "\n"

// stepBudget changes a budget. What has happened is written down by whatever clock.
func (j *journal) stepBudget(ctx context.Context, name string, change func(p *purse, now moment) error) error {
	return j.stepBudgetBy(ctx, name, false, change)
}

// stepBudgetBy is stepBudget; exactly: not by a clock that stands before what is
// written down.
func (j *journal) stepBudgetBy(ctx context.Context, name string, exactly bool, change func(p *purse, now moment) error) error {
	key := j.budgets + storeName(name)
	var mine []byte
	for {
		raw, err := j.store.Get(ctx, key)
		if err != nil {
			return &storeError{"reading a budget", err}
		}
		if mine != nil && bytes.Equal(raw, mine) {
			return nil
		}
		var b budget
		if raw != nil {
			if err := readVersion(raw, &b, &b.V); err != nil {
				return &storeError{"reading a budget", err}
			}
		}
		b.V = bookVersion
		now, err := j.now(ctx)
		if err != nil {
			return err
		}
		if exactly {
			if now, err = notBefore(now, b.At); err != nil {
				return err
			}
		}
		now.early = max(now.early, b.At)
		if err := change(&b.Purse, now); err != nil {
			if errors.Is(err, errUnchanged) {
				return nil
			}
			return err
		}
		b.Seq++
		b.By, b.At = j.owner, max(b.At, now.early)
		if mine, err = json.Marshal(b); err != nil {
			return err
		}
		ok, err := j.store.Swap(ctx, key, raw, mine, 0)
		if err != nil {
			return &storeError{"writing a budget", err}
		}
		if ok {
			return nil
		}
	}
}

// notBefore makes sure that time does not go back where sums leave a window: by a
// little it stands still, by more the clock is wrong.
func notBefore(now moment, at int64) (moment, error) {
	if now.early < at-clockSlack.Milliseconds() {
		return now, &clockError{time.UnixMilli(now.early), time.UnixMilli(at)}
	}
	now.early = max(now.early, at)
	return now, nil
}

// clockError is a clock that stands before what is written down.
type clockError struct{ now, last time.Time }

func (e *clockError) Error() string {
	return "modelslab: the clock says " + e.now.UTC().Format(time.RFC3339) + ", and the journal was written at " +
		e.last.UTC().Format(time.RFC3339) + ": one of the two clocks was wrong; set this one, or wait until then; nothing was sent"
}

// settleBudgets tells the named budgets what became of a try. It may be told
// twice.
func (j *journal) settleBudgets(ctx context.Context, r, settled *entry) error {
	if settled != nil && settled.open() {
		return nil
	}
	var failed error
	for _, name := range r.Budgets {
		failed = firstError(failed, j.stepBudget(ctx, name, func(p *purse, now moment) error {
			return p.end(j.opName(r.ID), r.Try, r.Holder, settled, now)
		}))
	}
	return failed
}

// end takes what a call holds out of a named budget, and counts it if it was paid:
// also where the hold had lapsed, and once.
func (p *purse) end(op string, try int, by string, settled *entry, now moment) error {
	held := p.heldBy(op, try) == by
	if held {
		_, held = p.drop(op, try)
	}
	paid := settled != nil && settled.paid() && !p.told(op, try, by)
	if paid {
		c := settled.clone()
		c.ID = op
		space, _, _ := strings.Cut(op, holdCut)
		c.Standing, c.Ends = orderIn(space, c.Standing), orderIn(space, c.Ends)
		p.count(c, now.late)
	} else if held {
		p.left(op)
	}
	if !held && !paid {
		return errUnchanged
	}
	return nil
}

// sweep looks after what a named budget holds for tries that are settled, or that
// no journal has come to know of.
func (j *journal) sweep(ctx context.Context, name string) error {
	var held []holding
	var at moment
	if err := j.stepBudget(ctx, name, func(p *purse, now moment) error {
		held, at = slices.Clone(p.Holds), now
		return errUnchanged
	}); err != nil {
		return err
	}
	ended := make([]bool, len(held)) // before the journals are read: what has ended has written them by now
	for i, h := range held {
		ended[i] = j.all.ended(h.Owner, j.owner, h.By)
	}
	books := map[string]*book{}
	for i, h := range held {
		r, err := j.tryAt(ctx, h, books)
		if err != nil {
			return err
		}
		if r != nil && r.Holder != h.By {
			r = nil // another call's
		}
		if r == nil && at.early <= h.Until && !gone(h.Owner, j.owner) && !ended[i] || r != nil && r.open() {
			continue
		}
		if err := j.stepBudget(ctx, name, func(p *purse, now moment) error {
			return p.end(h.Op, h.Try, h.By, r, now)
		}); err != nil {
			return err
		}
	}
	return nil
}

// tryAt finds a try of any account's; nil: no journal knows of it.
// Books that were read already are in books.
func (j *journal) tryAt(ctx context.Context, h holding, books map[string]*book) (*entry, error) {
	space, id, ok := strings.Cut(h.Op, holdCut)
	if !ok {
		return nil, nil //nolint:nilnil // nobody can have written it
	}
	if j.private {
		return j.all.try(journalPlace{j.store, space}, id, h.Try), nil
	}
	b := books[space]
	if b == nil {
		raw, err := j.store.Get(ctx, space+"book")
		if err != nil {
			return nil, &storeError{"reading the journal", err}
		}
		if b, err = readBook(raw); err != nil {
			return nil, err
		}
		books[space] = b
	}
	if r := b.find(id, h.Try); r != nil {
		return r, nil
	}
	other := journal{store: j.store, space: space}
	tries, _, err := other.past(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, r := range tries {
		if r.Try == h.Try {
			return r, nil
		}
	}
	return nil, nil //nolint:nilnil // it was never begun
}

// try finds a try in the memory of this New; nil: it is not there.
func (js *journals) try(place journalPlace, id string, try int) *entry {
	js.mu.Lock()
	j := js.m[place]
	js.mu.Unlock()
	if j == nil {
		return nil
	}
	var found *entry
	j = j.lock()
	if j.book != nil {
		if r := j.book.find(id, try); r != nil {
			found = r.clone()
		}
	}
	j.mu.Unlock()
	if found != nil {
		return found
	}
	j = j.lockKept()
	defer j.keptMu.Unlock()
	for _, r := range j.kept[id] {
		if r.Try == try {
			return r
		}
	}
	return nil
}
