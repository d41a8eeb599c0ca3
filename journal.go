package modelslab

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The journal: what is written down of a payment before it is sent and after it
// is answered. This file is the state machine alone. It takes no time, uses no
// network and no store: each function is one step from one state to the next.

// state is where a try of an operation is.
type state string

const (
	stateSent          state = "sent"            // bytes may have left
	stateStranded      state = "stranded"        // likewise, and it must not be asked again
	stateAction        state = "action_required" // its card holder is asked (3-D Secure)
	stateAwaitingHuman state = "awaiting_human"  // a page to pay on was made
	stateSucceeded     state = "succeeded"
	stateDeclined      state = "declined"
	stateRefused       state = "refused" // the server said no to every sending
	stateClosed        state = "closed"  // nobody has paid: its owner's word, or a page's expiry
)

func (s state) settled() bool {
	switch s {
	case stateSucceeded, stateDeclined, stateRefused, stateClosed:
		return true
	}
	return false
}

// entry is one try of one operation. Times are milliseconds of Unix time.
type entry struct {
	ID       string `json:"id"`
	Name     string `json:"name,omitzero"` // the caller's; empty: none
	Endpoint string `json:"endpoint"`
	Key      string `json:"key,omitzero"`
	Print    string `json:"print,omitzero"` // of the request
	Try      int    `json:"try"`
	Sends    int    `json:"sends"`
	State    state  `json:"state"`
	Unnamed  bool   `json:"unnamed,omitzero"`
	Nobody   bool   `json:"nobody,omitzero"` // no process is at it: its outcome is unknown
	Lost     bool   `json:"lost,omitzero"`   // written down after the fact: its request is not known
	Doubt    bool   `json:"doubt,omitzero"`  // declined, and an earlier sending had no answer

	Owner string `json:"owner,omitzero"`
	Lease int64  `json:"lease,omitzero"` // until when nobody else may go on with it

	First   int64 `json:"first"`            // the first sending, by the slowest clock
	Settled int64 `json:"settled,omitzero"` // when the outcome was written

	Amount   Amount   `json:"amount,omitzero"` // at stake, US dollars
	Known    bool     `json:"known,omitzero"`  // the amount is the request's, not its owner's bound
	Hold     Amount   `json:"hold,omitzero"`   // what the budgets hold for it
	Budgets  []string `json:"budgets,omitempty"`
	Beside   string   `json:"beside,omitzero"`   // the operation that it is a part of, whose sum is held for both
	Holder   string   `json:"holder,omitzero"`   // by what named budgets hold it
	Standing string   `json:"standing,omitzero"` // the standing order that it makes
	Orders   Amount   `json:"orders,omitzero"`   // and the most of one of its charges
	Ends     string   `json:"ends,omitzero"`     // the one that it puts another in the place of

	Method  string          `json:"method,omitzero"`
	Path    string          `json:"path,omitzero"`
	Body    json.RawMessage `json:"body,omitempty"` // the exact request, where all of it may be kept
	Payment string          `json:"payment_method,omitzero"`
	Plan    ID              `json:"plan,omitzero"`
	Before  []string        `json:"before,omitzero"` // the subscriptions before it was sent

	Intent  string `json:"intent,omitzero"`  // "pi_…"
	Session string `json:"session,omitzero"` // "cs_…"
	Expires int64  `json:"expires,omitzero"` // of the session
	Job     string `json:"job,omitzero"`
	Track   string `json:"track,omitzero"`
	Tx      string `json:"tx,omitzero"` // the wallet's transaction that proves it

	Paid   Amount          `json:"paid,omitzero"`
	Status int             `json:"status,omitzero"` // of the answer that settled it
	Answer json.RawMessage `json:"answer,omitempty"`
	Note   string          `json:"note,omitzero"`

	enc []byte // its JSON, until something changes
}

func (r *entry) clone() *entry {
	c := *r
	c.enc = nil
	return &c
}

// open reports whether it is not known whether money has moved, or will.
func (r *entry) open() bool { return !r.State.settled() || r.Doubt }

// paid reports whether money has moved.
func (r *entry) paid() bool { return r.State == stateSucceeded }

// reopens reports whether the same request may be sent anew, as another try,
// although this one was closed: what it was refused for has nothing to do with it.
func (r *entry) reopens() bool {
	switch r.State {
	case stateClosed:
		return true
	case stateRefused:
		return r.Status == 0 || r.Status == 401 || r.Status == 429
	}
	return false
}

func (r *entry) age(now int64) time.Duration { return time.Duration(now-r.First) * time.Millisecond }

// moment is now, as far as clocks agree: for what must not end too early and for
// what must not go on too long.
type moment struct{ early, late int64 }

// held reports whether another process may be at work on it.
func (r *entry) held(owner string, flying bool, now moment) bool {
	switch {
	case r.Owner == "" || r.Nobody:
		return false
	case r.Owner == owner:
		return flying
	case gone(r.Owner, owner):
		return false
	}
	return now.early <= r.Lease
}

// gone reports whether an owner cannot live any more, because the store is in the
// hands of me alone.
func gone(owner, me string) bool {
	opening, _, _ := strings.Cut(me, "/")
	return strings.HasPrefix(me, exclusively) && !strings.HasPrefix(owner, opening+"/")
}

// exclusively begins the names of owners in a store that one process has at a time.
const exclusively = "x:"

// inquiry is what a call wants of its operation.
type inquiry struct {
	id, name, endpoint, print string
	owner                     string
	unnamed, once             bool
	durable                   bool // the journal outlives the program
	newTry                    bool
}

// move is what a call is to do next.
type move int

const (
	moveSend   move = iota // as a new try
	moveAnswer             // with what is recorded
	moveTake               // find out what became of it, and ask again under its key
	moveLook               // at what its card holder has done
)

// recall says what a call may do, given the last try of its operation.
func (q *inquiry) recall(last *entry, flying bool, now moment) (move, error) {
	if last == nil {
		return moveSend, nil
	}
	if last.Endpoint != q.endpoint {
		return 0, fmt.Errorf("%w: %s stands for %s", ErrOperationMismatch, q.what(last), last.Endpoint)
	}
	same := last.Print == q.print || last.Lost
	switch last.State {
	case stateSent, stateStranded:
		switch {
		case !same:
			return 0, q.mismatch(last)
		case last.held(q.owner, flying, now):
			return 0, fmt.Errorf("%w: %s is on its way in %s", ErrPendingOperation, q.what(last), where(last.Owner == q.owner))
		}
		return moveTake, nil
	case stateAction:
		if !same {
			return 0, q.mismatch(last)
		}
		return moveLook, nil
	case stateSucceeded, stateAwaitingHuman:
		if !same {
			return 0, q.mismatch(last)
		}
		return moveAnswer, nil
	}
	switch {
	case last.Doubt && !same:
		return 0, q.mismatch(last)
	case last.Doubt:
		return moveTake, nil
	case same && !q.newTry && !last.reopens():
		return moveAnswer, nil
	}
	return moveSend, nil
}

func where(here bool) string {
	if here {
		return "this process"
	}
	return "another process"
}

// what names the operation in errors.
func (q *inquiry) what(r *entry) string {
	if q.name != "" {
		return fmt.Sprintf("operation %q", clean(q.name, maxValueText))
	}
	return "key " + r.Key
}

func (q *inquiry) mismatch(r *entry) error {
	is := "open"
	if r.paid() {
		is = "paid"
	}
	return fmt.Errorf("%w: %s was used with another request, whose outcome is %s; nothing was sent", ErrOperationMismatch, q.what(r), is)
}

// hinders reports whether an unnamed call must not be sent because of r: the
// commonest way to pay twice is to crash, to start again and to send the same
// under a new random key.
func (q *inquiry) hinders(r *entry, flying bool) bool {
	switch {
	case !q.unnamed || !r.Unnamed || r.Endpoint != q.endpoint || r.ID == q.id:
		return false
	case q.once && (!q.durable || r.Print != q.print || q.newTry):
		return false // another job, of which there are many, or one that this program knows of
	case r.State == stateSent && r.Owner == q.owner && flying:
		return false // a call of this very process, which will say what became of it
	}
	// That a card holder is asked is known, and another card may be tried for it.
	return r.State == stateSent || r.State == stateStranded || r.State == stateAction && r.Print == q.print || r.Doubt
}

// outcome is what became of a try.
type outcome struct {
	state  state // stateSent: unknown; "": nothing was sent
	paid   Amount
	status int
	answer []byte
	note   string

	intent, session, job, tx string
	expires                  int64
	doubt                    bool
}

// moves reports whether money has moved by it, or may.
func (o *outcome) moves() bool {
	return o.state == stateSucceeded || o.state == stateAction || o.state == stateAwaitingHuman
}

// settle writes an outcome into an entry.
func (r *entry) settle(o *outcome, now moment) {
	r.enc = nil
	r.Intent, r.Session = firstOf(o.intent, r.Intent), firstOf(o.session, r.Session)
	r.Job, r.Tx, r.Note = firstOf(o.job, r.Job), firstOf(o.tx, r.Tx), firstOf(o.note, r.Note)
	if o.expires != 0 {
		r.Expires = o.expires
	}
	switch {
	case o.status != 0:
		r.Status, r.Answer = o.status, o.answer
	case o.state != stateSent && r.State != stateAwaitingHuman: // what it said before is no longer so
		r.Status, r.Answer = 0, nil
	}
	r.Nobody, r.Owner, r.Lease = true, "", 0
	if o.state == stateSent && r.State != stateSent {
		return // nothing new
	}
	r.State, r.Doubt = o.state, o.doubt
	switch {
	case r.paid():
		r.Paid = o.paid
		if r.Paid.IsZero() {
			r.Paid = r.Amount
		}
		if r.Paid.IsZero() {
			r.Paid = r.Hold
		}
	case r.State.settled() && !r.Doubt:
		r.Hold = Amount{}
	}
	if r.State.settled() {
		r.Settled, r.Body, r.Before = now.early, nil, nil
	}
}

// book is what is open of an account: one value in the store, so that a step is
// one swap.
type book struct {
	V     int      `json:"v"`
	Seq   int64    `json:"seq"`
	By    string   `json:"by"` // who wrote it
	At    int64    `json:"at"` // the latest time that was ever written
	Purse purse    `json:"purse"`
	Ops   []*entry `json:"ops"`
}

const bookVersion = 1

// last is the newest try of an operation here.
func (b *book) last(id string) *entry {
	var found *entry
	for _, r := range b.Ops {
		if r.ID == id && (found == nil || r.Try > found.Try) {
			found = r
		}
	}
	return found
}

func (b *book) find(id string, try int) *entry {
	for _, r := range b.Ops {
		if r.ID == id && r.Try == try {
			return r
		}
	}
	return nil
}

// reserve writes a new try down. Its limits have been looked at.
func (b *book) reserve(r *entry) {
	b.Ops = append(b.Ops, r)
	if !r.Hold.IsZero() || r.Standing != "" {
		b.Purse.hold(r, 0, "")
	}
}

// Reasons for which a try must not be sent again.
var (
	errNotOurs    = fmt.Errorf("%w: another process has gone on with it", ErrPendingOperation)
	errPaidBefore = fmt.Errorf("%w: another try of it was paid", ErrPendingOperation)
	errInDoubt    = fmt.Errorf("%w: it was declined, and may have been charged before by a sending that had no answer", ErrPendingOperation)
	errNoKey      = fmt.Errorf("%w: it carries no key to ask with, and its job may be running", ErrPendingOperation)
	errTooOld     = fmt.Errorf("%w: its key is too old to be asked with", ErrPendingOperation)
)

// join takes in what another book of the same account holds.
func (b *book) join(other *book) {
	for _, r := range other.Ops {
		mine := b.find(r.ID, r.Try)
		switch {
		case mine == nil:
			b.Ops = append(b.Ops, r)
		case r.open() && !mine.open() && !mine.paid():
			*mine = *r // one key, and what it stands for is not known after all
		default:
			other.Purse.release(r)
		}
	}
	b.Purse.join(&other.Purse)
	b.At = max(b.At, other.At)
}

// again lets the owner of a try send it once more, until lease.
func (b *book) again(id string, try int, owner string, now moment, lifetime time.Duration, lease int64) error {
	r := b.last(id)
	switch {
	case r == nil || r.Try != try || r.State != stateSent || r.Owner != owner:
		return errNotOurs
	case tooOld(r, now, lifetime):
		return errTooOld
	}
	r.enc = nil
	r.Sends++
	r.Lease, r.Nobody = lease, false
	return nil
}

// tooOld reports whether the server may have forgotten a try's key.
func tooOld(r *entry, now moment, lifetime time.Duration) bool {
	age := r.age(now.late)
	return age < 0 || age >= lifetime || r.age(now.early) < -time.Minute
}

// take makes owner the one who goes on with a try that nobody is at.
func (b *book) take(id string, try int, owner string, flying bool, now moment, lease int64) (*entry, error) {
	r := b.find(id, try)
	switch {
	case r == nil || !r.open():
		return nil, nil //nolint:nilnil // it is settled by now
	case r.held(owner, flying, now):
		return nil, fmt.Errorf("%w: it is on its way in %s", ErrPendingOperation, where(r.Owner == owner))
	}
	r.enc = nil
	r.Owner, r.Lease, r.Nobody = owner, lease, false
	return r, nil
}

// settle writes an outcome down, and moves what the budget holds. known is the
// try as its owner knows it. late: the try had been closed before, and money has
// moved all the same; of a try that is not the last one, other is that one.
func (b *book) settle(known *entry, o *outcome, now moment) (settled *entry, late bool, other *entry) {
	r := b.find(known.ID, known.Try)
	if last := b.last(known.ID); last != nil && last.Try > known.Try {
		other = last
	}
	switch {
	case o.state == "":
		if r != nil && r.State == stateSent && r.Owner == known.Owner {
			b.Purse.release(r)
			b.Ops = slices.DeleteFunc(b.Ops, func(x *entry) bool { return x == r })
		}
		return nil, false, other
	case r == nil && o.moves():
		r = known.clone() // it was closed, and is kept elsewhere by now
		b.Ops = append(b.Ops, r)
		late = true
	case r == nil:
		return nil, false, other
	case r.paid():
		return r, false, other
	case r.State.settled() && !r.Doubt:
		if !o.moves() {
			return r, false, other
		}
		r.Hold = known.Hold
		late = true
	case r.Owner != known.Owner && !o.moves():
		return r, false, other // a no settles the sendings of whom it was said to
	case r.State != stateSent && r.State != stateStranded && (o.state == stateSent || o.state == stateRefused):
		if r.Owner == known.Owner {
			r.enc, r.Owner, r.Lease, r.Nobody = nil, "", 0, true
		}
		return r, false, other
	}
	r.settle(o, now)
	switch {
	case r.paid():
		b.Purse.charge(r, now.late)
	case r.State.settled() && !r.Doubt:
		b.Purse.release(r)
	case late && !r.Hold.IsZero(): // a human may pay it after all
		b.Purse.hold(r, 0, "")
	}
	return r, late, other
}

// Budgets.

// purse is a budget: what was spent and what is held for what may be.
type purse struct {
	Spent    Amount    `json:"spent,omitzero"`
	Begun    int64     `json:"begun,omitzero"`   // when the first sum was spent
	Recent   sums      `json:"recent,omitempty"` // the latest, in order
	Holds    []holding `json:"holds,omitempty"`
	Standing []order   `json:"standing,omitempty"`
	Told     string    `json:"told,omitzero"` // the tries that a named budget has counted, the latest: digests, one after the other
}

type spending struct {
	At     int64
	Amount Amount
}

// sums are written as [at, amount, at, amount, …]: there are many.
type sums []spending

// MarshalJSON implements json.Marshaler.
func (s sums) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 24*len(s)+2), '[')
	for i, x := range s {
		if i > 0 {
			b = append(b, ',')
		}
		b = x.Amount.appendJSON(append(strconv.AppendInt(b, x.At, 10), ','))
	}
	return append(b, ']'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *sums) UnmarshalJSON(data []byte) error {
	inner, begins := bytes.CutPrefix(bytes.TrimSpace(data), []byte{'['})
	inner, ends := bytes.CutSuffix(inner, []byte{']'})
	if !begins || !ends {
		return errors.New("sums are a list")
	}
	*s = make(sums, 0, (bytes.Count(inner, []byte{','})+1)/2)
	for len(bytes.TrimSpace(inner)) > 0 {
		var at, amount []byte
		at, inner, _ = bytes.Cut(inner, []byte{','})
		amount, inner, _ = bytes.Cut(inner, []byte{','})
		var x spending
		var err error
		if x.At, err = strconv.ParseInt(string(bytes.TrimSpace(at)), 10, 64); err != nil {
			return fmt.Errorf("the time of a sum: %w", err)
		}
		if err = x.Amount.UnmarshalJSON(bytes.TrimSpace(amount)); err != nil {
			return fmt.Errorf("a sum: %w", err)
		}
		*s = append(*s, x)
	}
	return nil
}

type holding struct {
	Op       string `json:"op"`
	Try      int    `json:"try"`
	Amount   Amount `json:"amount,omitzero"`
	Until    int64  `json:"until,omitzero"` // when it lapses if the journal does not know of it; 0: it does
	By       string `json:"by,omitzero"`    // the call that holds it, likewise
	Owner    string `json:"owner,omitzero"` // whose call that is
	Standing string `json:"standing,omitzero"`
	Orders   Amount `json:"orders,omitzero"`
	Beside   string `json:"beside,omitzero"` // whose sum is held for it as well
	Sum      Amount `json:"sum,omitzero"`    // and what it holds itself once that is released
}

// order is a standing order.
type order struct {
	Name   string `json:"name"`
	Amount Amount `json:"amount"` // the most of one charge
}

// mostRecent bounds what a purse remembers one by one. What is older is counted
// together, as if it had been spent when the last of it was.
const mostRecent = 128

func (p *purse) hold(r *entry, until int64, by string) {
	p.drop(r.ID, r.Try)
	h := holding{Op: r.ID, Try: r.Try, Amount: p.weight(r), Until: until, By: by, Standing: r.Standing, Orders: r.Orders}
	if by != "" {
		h.Owner = r.Owner
	}
	if h.Amount != r.Hold {
		h.Beside, h.Sum = r.Beside, r.Hold
	}
	p.Holds = append(p.Holds, h)
}

// weight is what a try adds to what is held.
func (p *purse) weight(r *entry) Amount {
	if r.Beside != "" && slices.ContainsFunc(p.Holds, func(h holding) bool { return h.Op == r.Beside && h.Try != 0 && !h.Amount.Less(r.Hold) }) {
		return Amount{}
	}
	return r.Hold
}

// left gives a part of an operation its own sum, once the other part holds none.
func (p *purse) left(op string) {
	for i := range p.Holds {
		if h := &p.Holds[i]; h.Beside == op {
			h.Amount, h.Beside = h.Sum, ""
		}
	}
}

// heldBy is the call that holds a sum for a try; "": none does.
func (p *purse) heldBy(id string, try int) string {
	for _, h := range p.Holds {
		if h.Op == id && h.Try == try {
			return h.By
		}
	}
	return ""
}

// mostTold is how many tries a named budget remembers that it has counted.
const mostTold = 256

// told reports whether a try has been counted, and remembers it.
func (p *purse) told(id string, try int, by string) bool {
	name := digest(id + "/" + strconv.Itoa(try) + "/" + by)
	for i := 0; i+len(name) <= len(p.Told); i += len(name) {
		if p.Told[i:i+len(name)] == name {
			return true
		}
	}
	p.Told += name
	p.Told = p.Told[max(0, len(p.Told)-mostTold*len(name)):]
	return false
}

func (p *purse) drop(id string, try int) (found holding, ok bool) {
	for i, h := range p.Holds {
		if h.Op == id && h.Try == try {
			p.Holds = slices.Delete(p.Holds, i, i+1)
			return h, true
		}
	}
	return holding{}, false
}

func (p *purse) release(r *entry) {
	if _, ok := p.drop(r.ID, r.Try); ok {
		p.left(r.ID)
	}
}

// charge counts what was paid, and holds it no longer.
func (p *purse) charge(r *entry, at int64) {
	p.drop(r.ID, r.Try)
	p.count(r, at)
}

func (p *purse) count(r *entry, at int64) {
	if r.Ends != "" {
		p.order(r.Ends, Amount{})
	}
	if r.Standing != "" {
		p.order(r.Standing, r.Orders)
	}
	if r.Paid.Sign() <= 0 {
		return
	}
	sum, err := p.Spent.Add(r.Paid)
	if err != nil {
		sum = largestLimit // beyond what can be added, and beyond any limit
	}
	p.Spent = sum
	if p.Begun == 0 {
		p.Begun = at
	}
	if n := len(p.Recent); n > 0 {
		at = max(at, p.Recent[n-1].At)
	}
	p.Recent = append(p.Recent, spending{at, r.Paid})
	if len(p.Recent) > mostRecent {
		p.shorten()
	}
}

// join takes in another purse.
func (p *purse) join(other *purse) {
	sum, err := p.Spent.Add(other.Spent)
	if err != nil {
		sum = largestLimit
	}
	p.Spent = sum
	if p.Begun == 0 || other.Begun != 0 && other.Begun < p.Begun {
		p.Begun = other.Begun
	}
	p.Recent = append(p.Recent, other.Recent...)
	slices.SortStableFunc(p.Recent, func(a, b spending) int { return cmp.Compare(a.At, b.At) })
	for len(p.Recent) > mostRecent {
		p.shorten()
	}
	for _, h := range other.Holds {
		p.drop(h.Op, h.Try)
		p.Holds = append(p.Holds, h)
	}
	for _, o := range other.Standing {
		p.order(o.Name, o.Amount)
	}
}

// shorten counts two neighbours as one: those whose sum then stands for the
// shortest time, for its age.
func (p *purse) shorten() {
	newest := p.Recent[len(p.Recent)-1].At
	best, least, from := 0, -1.0, p.Begun
	for i := range len(p.Recent) - 1 {
		span := float64(p.Recent[i+1].At-from+1) / float64(newest-from+1)
		if least < 0 || span < least {
			best, least = i, span
		}
		from = p.Recent[i].At
	}
	sum, err := p.Recent[best].Amount.Add(p.Recent[best+1].Amount)
	if err != nil {
		sum = largestLimit
	}
	p.Recent[best+1].Amount = sum
	p.Recent = slices.Delete(p.Recent, best, best+1)
}

// order notes a standing order, and forgets it if it charges nothing.
func (p *purse) order(name string, most Amount) {
	p.Standing = slices.DeleteFunc(p.Standing, func(o order) bool { return o.Name == name })
	if most.Sign() > 0 {
		p.Standing = append(p.Standing, order{name, most})
	}
}

// used is what counts against a limit: what is held, and what was spent since.
func (p *purse) used(since int64, but *entry) (Amount, error) {
	var total Amount
	var err error
	add := func(a Amount) {
		if err == nil {
			total, err = total.Add(a)
		}
	}
	for _, h := range p.Holds {
		if h.Op != but.ID || h.Try != but.Try {
			add(h.Amount)
		}
	}
	if since == 0 {
		add(p.Spent)
	}
	for i := len(p.Recent) - 1; since != 0 && i >= 0 && p.Recent[i].At > since; i-- {
		add(p.Recent[i].Amount)
	}
	return total, err
}

// ordered is what the standing orders beside one may charge, each once.
func (p *purse) ordered(but *entry) (Amount, error) {
	var total Amount
	var err error
	for _, o := range p.Standing {
		if o.Name != but.Standing && err == nil {
			total, err = total.Add(o.Amount)
		}
	}
	for _, h := range p.Holds {
		if h.Standing != "" && h.Standing != but.Standing && err == nil {
			total, err = total.Add(h.Orders)
		}
	}
	return total, err
}

// Names of what is kept.

// operationID is what a named operation is kept under.
func operationID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "n" + hex.EncodeToString(sum[:16])
}

// keyID is what a call with a key of its own is kept under. The key of an unnamed
// call is random, and is the caller's own the second time.
func keyID(key string) string {
	if len(key) > 2*keyDigits {
		key = digest(key)
	}
	return "k" + key
}
