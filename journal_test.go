package modelslab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The state machine of a payment, one step at a time, and what a call makes of it.

const (
	me      = "this process"
	another = "another process"
)

// clocks is a moment on which all clocks agree.
func clocks(ms int64) moment { return moment{ms, ms} }

// inquires asks for an operation that a try was made of.
func inquires(print string, newTry bool) *inquiry {
	return &inquiry{id: operationID("order-1"), name: "order-1", endpoint: "wallet.fund", print: print, owner: me, newTry: newTry}
}

// attemptIn is a try in a state, at which nobody is.
func attemptIn(s state, change ...func(*entry)) *entry {
	r := &entry{
		ID: operationID("order-1"), Name: "order-1", Endpoint: "wallet.fund", Key: "key-1", Print: "print", Try: 1, Sends: 1, State: s, First: 1000,
		Amount: Dollars(25), Known: true, Hold: Dollars(25), Nobody: true,
	}
	for _, c := range change {
		c(r)
	}
	return r
}

func heldBy(owner string, lease int64) func(*entry) {
	return func(r *entry) { r.Owner, r.Lease, r.Nobody = owner, lease, false }
}

func TestWhatACallMayDoGivenTheLastTry(t *testing.T) {
	const (
		send, answer, take, look = "send", "answer", "take", "look"
		mismatch, pending        = "mismatch", "pending"
	)
	status := func(code int) func(*entry) { return func(r *entry) { r.Status = code } }
	for _, tt := range []struct {
		name                     string
		last                     *entry
		flying                   bool
		same, sameNew            string // the same request, without and with WithNewTry
		otherRequest, otherEntry string // another body, and another endpoint
	}{
		{"none", nil, false, send, send, send, send},
		{"unknown, nobody at it", attemptIn(stateSent), false, take, take, mismatch, mismatch},
		{"on its way here", attemptIn(stateSent, heldBy(me, 5000)), true, pending, pending, mismatch, mismatch},
		{"left by a call of this process", attemptIn(stateSent, heldBy(me, 5000)), false, take, take, mismatch, mismatch},
		{"on its way elsewhere", attemptIn(stateSent, heldBy(another, 5000)), false, pending, pending, mismatch, mismatch},
		{"at the end of its lease", attemptIn(stateSent, heldBy(another, 2000)), false, pending, pending, mismatch, mismatch},
		{"its lease has lapsed", attemptIn(stateSent, heldBy(another, 1999)), false, take, take, mismatch, mismatch},
		{"given up by its owner", attemptIn(stateSent, heldBy(another, 5000), func(r *entry) { r.Nobody = true }), false, take, take, mismatch, mismatch},
		{"stranded", attemptIn(stateStranded), false, take, take, mismatch, mismatch},
		{"stranded, being looked at", attemptIn(stateStranded, heldBy(another, 5000)), false, pending, pending, mismatch, mismatch},
		{"waits for its card holder", attemptIn(stateAction), false, look, look, mismatch, mismatch},
		{"waits for a human", attemptIn(stateAwaitingHuman), false, answer, answer, mismatch, mismatch},
		{"paid", attemptIn(stateSucceeded), false, answer, answer, mismatch, mismatch},
		{"declined", attemptIn(stateDeclined, status(402)), false, answer, send, send, mismatch},
		{"declined in doubt", attemptIn(stateDeclined, status(402), func(r *entry) { r.Doubt = true }), false, take, take, mismatch, mismatch},
		{"refused", attemptIn(stateRefused, status(422)), false, answer, send, send, mismatch},
		{"refused for its permissions", attemptIn(stateRefused, status(403)), false, answer, send, send, mismatch},
		{"refused for its token", attemptIn(stateRefused, status(401)), false, send, send, send, mismatch},
		{"refused by a limiter", attemptIn(stateRefused, status(429)), false, send, send, send, mismatch},
		{"closed by its owner", attemptIn(stateClosed), false, send, send, send, mismatch},
		{"paid, as its owner says of one that was lost", attemptIn(stateSucceeded, func(r *entry) { r.Lost, r.Print = true, "" }), false, answer, answer, answer, mismatch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := func(q *inquiry) string {
				next, err := q.recall(tt.last, tt.flying, clocks(2000))
				switch {
				case errors.Is(err, ErrOperationMismatch):
					oneLine(t, err)
					return mismatch
				case errors.Is(err, ErrPendingOperation):
					oneLine(t, err)
					return pending
				}
				require.NoError(t, err)
				return map[move]string{moveSend: send, moveAnswer: answer, moveTake: take, moveLook: look}[next]
			}
			assert.Equal(t, tt.same, got(inquires("print", false)), "the same request")
			assert.Equal(t, tt.sameNew, got(inquires("print", true)), "the same request, a new try")
			assert.Equal(t, tt.otherRequest, got(inquires("another", false)), "another request")
			assert.Equal(t, tt.otherRequest, got(inquires("another", true)), "another request, a new try")
			elsewhere := inquires("print", true)
			elsewhere.endpoint = "subscriptions.create"
			assert.Equal(t, tt.otherEntry, got(elsewhere), "another endpoint")
		})
	}
}

func TestWhatHindersAnUnnamedCall(t *testing.T) {
	unnamed := func(s state, change ...func(*entry)) *entry {
		return attemptIn(s, append([]func(*entry){func(r *entry) { r.ID, r.Name, r.Unnamed = "kold", "", true }}, change...)...)
	}
	doubt := func(r *entry) { r.Doubt = true }
	for _, tt := range []struct {
		name                 string
		other                *entry
		flying               bool
		alike, unlike        bool // a keyed call with the same body, with another
		onceAlike, onceOther bool // a submission that is sent once
	}{
		{"unknown", unnamed(stateSent), false, true, true, true, false},
		{"on its way here", unnamed(stateSent, heldBy(me, 5000)), true, false, false, false, false},
		{"left by this process", unnamed(stateSent, heldBy(me, 5000)), false, true, true, true, false},
		{"on its way elsewhere", unnamed(stateSent, heldBy(another, 5000)), false, true, true, true, false},
		{"stranded", unnamed(stateStranded), false, true, true, true, false},
		{"waits for its card holder", unnamed(stateAction), false, true, false, true, false},
		{"waits for a human", unnamed(stateAwaitingHuman), false, false, false, false, false},
		{"paid", unnamed(stateSucceeded), false, false, false, false, false},
		{"declined", unnamed(stateDeclined), false, false, false, false, false},
		{"declined in doubt", unnamed(stateDeclined, doubt), false, true, true, true, false},
		{"refused", unnamed(stateRefused), false, false, false, false, false},
		{"closed", unnamed(stateClosed), false, false, false, false, false},
		{"named", attemptIn(stateSent), false, false, false, false, false},
		{"of another endpoint", unnamed(stateSent, func(r *entry) { r.Endpoint = "wallet.withdraw" }), false, false, false, false, false},
		{"itself", unnamed(stateSent, func(r *entry) { r.ID = "knew" }), false, false, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := inquiry{id: "knew", endpoint: "wallet.fund", print: "print", owner: me, unnamed: true, durable: true}
			assert.Equal(t, tt.alike, q.hinders(tt.other, tt.flying))
			q.print = "another"
			assert.Equal(t, tt.unlike, q.hinders(tt.other, tt.flying))
			q.once = true
			assert.Equal(t, tt.onceOther, q.hinders(tt.other, tt.flying), "another job")
			q.print = "print"
			assert.Equal(t, tt.onceAlike, q.hinders(tt.other, tt.flying), "the very same job")
			q.newTry = true
			assert.False(t, q.hinders(tt.other, tt.flying), "wanted once more")
			q.newTry, q.durable = false, false
			assert.False(t, q.hinders(tt.other, tt.flying), "known to this program alone")
			q.once, q.unnamed = false, false
			assert.False(t, q.hinders(tt.other, tt.flying), "a named call says itself that it is another one")
		})
	}
}

// shop is a book with one try on its way, of this process.
func shop(change ...func(*entry)) (*book, *entry) {
	b := &book{V: bookVersion}
	r := attemptIn(stateSent, append([]func(*entry){heldBy(me, 5000)}, change...)...)
	b.reserve(r)
	return b, r.clone()
}

func onHold(t *testing.T, b *book) Amount {
	t.Helper()
	sum, err := b.Purse.used(1<<60, &entry{})
	require.NoError(t, err)
	return sum
}

func TestWhatBecomesOfATry(t *testing.T) {
	none := Amount{}
	for _, tt := range []struct {
		name        string
		o           outcome
		state       state
		spent, held Amount
		open        bool
	}{
		{"paid", outcome{state: stateSucceeded, paid: Dollars(24), status: 200}, stateSucceeded, Dollars(24), none, false},
		{"paid, and nobody says how much", outcome{state: stateSucceeded, status: 200}, stateSucceeded, Dollars(25), none, false},
		{"declined", outcome{state: stateDeclined, status: 402}, stateDeclined, none, none, false},
		{"declined in doubt", outcome{state: stateDeclined, status: 402, doubt: true}, stateDeclined, none, Dollars(25), true},
		{"refused", outcome{state: stateRefused, status: 422}, stateRefused, none, none, false},
		{"closed", outcome{state: stateClosed}, stateClosed, none, none, false},
		{"waits for its card holder", outcome{state: stateAction, intent: "pi_1", status: 202}, stateAction, none, Dollars(25), true},
		{"waits for a human", outcome{state: stateAwaitingHuman, session: "cs_1", status: 200}, stateAwaitingHuman, none, Dollars(25), true},
		{"unknown", outcome{state: stateSent}, stateSent, none, Dollars(25), true},
		{"stranded", outcome{state: stateStranded}, stateStranded, none, Dollars(25), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, known := shop()
			known.Body, b.Ops[0].Body = []byte(`{}`), []byte(`{}`)
			settled, late, other := b.settle(known, &tt.o, clocks(3000))
			require.NotNil(t, settled)
			assert.False(t, late)
			assert.Nil(t, other)
			assert.Equal(t, tt.state, settled.State)
			assert.Equal(t, tt.open, settled.open())
			assert.True(t, settled.Nobody, "whoever was at it no longer is")
			assert.Equal(t, tt.spent, b.Purse.Spent)
			assert.Equal(t, tt.held, onHold(t, b))
			assert.Equal(t, tt.o.intent, settled.Intent)
			assert.Equal(t, tt.o.session, settled.Session)
			if settled.State.settled() {
				assert.EqualValues(t, 3000, settled.Settled)
				assert.Empty(t, settled.Body)
			} else {
				assert.Zero(t, settled.Settled)
				assert.NotEmpty(t, settled.Body, "it may have to be asked with")
			}

			// Told a second time it is the same, but for what was not known before.
			spent, before := b.Purse.Spent, onHold(t, b)
			_, late, _ = b.settle(known, &tt.o, clocks(4000))
			assert.False(t, late)
			assert.Equal(t, spent, b.Purse.Spent)
			assert.Equal(t, before, onHold(t, b))
		})
	}
	t.Run("nothing was sent", func(t *testing.T) {
		b, known := shop()
		settled, late, _ := b.settle(known, &outcome{}, clocks(3000))
		assert.Nil(t, settled)
		assert.False(t, late)
		assert.Empty(t, b.Ops)
		assert.True(t, onHold(t, b).IsZero())
	})
	t.Run("nothing was sent by one whose place another has taken", func(t *testing.T) {
		b, known := shop()
		b.Ops[0].Owner = another
		b.settle(known, &outcome{}, clocks(3000))
		assert.Len(t, b.Ops, 1, "the other one may have")
		assert.Equal(t, Dollars(25), onHold(t, b))
	})
}

func TestWhatComesAfterTheEndOfATry(t *testing.T) {
	for _, tt := range []struct {
		name          string
		first, second outcome
		state         state
		spent         Amount
		late          bool
	}{
		{"closed, and paid after all", outcome{state: stateClosed}, outcome{state: stateSucceeded, paid: Dollars(25)}, stateSucceeded, Dollars(25), true},
		{"refused, and paid after all", outcome{state: stateRefused}, outcome{state: stateSucceeded}, stateSucceeded, Dollars(25), true},
		{"declined, and paid after all", outcome{state: stateDeclined}, outcome{state: stateSucceeded}, stateSucceeded, Dollars(25), true},
		{"declined in doubt, and paid", outcome{state: stateDeclined, doubt: true}, outcome{state: stateSucceeded}, stateSucceeded, Dollars(25), false},
		{"declined in doubt, and not paid", outcome{state: stateDeclined, doubt: true}, outcome{state: stateDeclined}, stateDeclined, Amount{}, false},
		{"declined in doubt, and closed", outcome{state: stateDeclined, doubt: true}, outcome{state: stateClosed}, stateClosed, Amount{}, false},
		{"paid, and a no that comes late", outcome{state: stateSucceeded}, outcome{state: stateDeclined}, stateSucceeded, Dollars(25), false},
		{"paid, and nobody knows", outcome{state: stateSucceeded}, outcome{state: stateSent}, stateSucceeded, Dollars(25), false},
		{"paid twice told", outcome{state: stateSucceeded}, outcome{state: stateSucceeded}, stateSucceeded, Dollars(25), false},
		{"closed, and nobody knows", outcome{state: stateClosed}, outcome{state: stateSent}, stateClosed, Amount{}, false},
		{"waits, and paid", outcome{state: stateAction, intent: "pi_1"}, outcome{state: stateSucceeded}, stateSucceeded, Dollars(25), false},
		{"waits, and failed", outcome{state: stateAction, intent: "pi_1"}, outcome{state: stateDeclined}, stateDeclined, Amount{}, false},
		{"waits, and nobody knows", outcome{state: stateAction, intent: "pi_1"}, outcome{state: stateSent}, stateAction, Amount{}, false},
		{"waits, and a refusal of the repeat", outcome{state: stateAction, intent: "pi_1"}, outcome{state: stateRefused}, stateAction, Amount{}, false},
		{"a page, and paid", outcome{state: stateAwaitingHuman, session: "cs_1"}, outcome{state: stateSucceeded}, stateSucceeded, Dollars(25), false},
		{"a page, and nobody came", outcome{state: stateAwaitingHuman, session: "cs_1"}, outcome{state: stateClosed}, stateClosed, Amount{}, false},
		{"stranded, and paid", outcome{state: stateStranded}, outcome{state: stateSucceeded}, stateSucceeded, Dollars(25), false},
		{"stranded, and closed", outcome{state: stateStranded}, outcome{state: stateClosed}, stateClosed, Amount{}, false},
		{"stranded, and nobody knows", outcome{state: stateStranded}, outcome{state: stateSent}, stateStranded, Amount{}, false},
		{"unknown, and paid", outcome{state: stateSent}, outcome{state: stateSucceeded}, stateSucceeded, Dollars(25), false},
		{"unknown, and closed", outcome{state: stateSent}, outcome{state: stateClosed}, stateClosed, Amount{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, known := shop()
			first, _, _ := b.settle(known, &tt.first, clocks(3000))
			settled, late, _ := b.settle(first.clone(), &tt.second, clocks(4000))
			require.NotNil(t, settled)
			assert.Equal(t, tt.state, settled.State)
			assert.Equal(t, tt.late, late)
			assert.Equal(t, tt.spent, b.Purse.Spent)
			if settled.open() {
				assert.Equal(t, Dollars(25), onHold(t, b))
			} else {
				assert.True(t, onHold(t, b).IsZero())
			}
			assert.Equal(t, firstOf(tt.second.intent, tt.first.intent), settled.Intent, "what is known stays known")
			assert.Equal(t, firstOf(tt.second.session, tt.first.session), settled.Session)
		})
	}
}

// Law B, where the record of the try is no longer in the book.
func TestASuccessOfATryThatIsKeptElsewhereIsRecordedOnTopOfANewerOne(t *testing.T) {
	b, known := shop()
	b.settle(known, &outcome{state: stateClosed}, clocks(3000))
	b.Ops = nil // it was archived
	newer := attemptIn(stateSent, heldBy(another, 9000), func(r *entry) { r.Try = 2 })
	b.reserve(newer)
	settled, late, other := b.settle(known, &outcome{state: stateSucceeded, paid: Dollars(25)}, clocks(4000))
	require.NotNil(t, settled)
	assert.True(t, late)
	assert.Equal(t, 2, other.Try)
	assert.True(t, other.open())
	assert.Equal(t, Dollars(25), b.Purse.Spent)
	assert.Equal(t, Dollars(25), onHold(t, b), "the newer one is held all the same")
	require.ErrorIs(t, paidTwice(settled, other), ErrPaidTwice)

	b, known = shop()
	b.Ops, b.Purse = nil, purse{}
	for _, no := range []state{stateDeclined, stateRefused, stateClosed, stateSent} {
		settled, _, _ = b.settle(known, &outcome{state: no}, clocks(4000))
		assert.Nil(t, settled, "a no for what is kept elsewhere changes nothing")
		assert.Empty(t, b.Ops)
	}
}

// Somebody else has gone on with it meanwhile: only money counts of what the first
// one knows.
func TestWhatALateOwnerSaysOfATryThatIsNoLongerIts(t *testing.T) {
	for _, s := range []state{stateDeclined, stateRefused, stateClosed, stateSent, stateStranded} {
		b, known := shop()
		b.Ops[0].Owner = another
		settled, _, _ := b.settle(known, &outcome{state: s, status: 402}, clocks(3000))
		assert.Equal(t, stateSent, settled.State, s)
		assert.Equal(t, another, settled.Owner, s)
		assert.Equal(t, Dollars(25), onHold(t, b), s)
	}
	for _, s := range []state{stateSucceeded, stateAction, stateAwaitingHuman} {
		b, known := shop()
		b.Ops[0].Owner = another
		settled, _, _ := b.settle(known, &outcome{state: s, intent: "pi_1"}, clocks(3000))
		assert.Equal(t, s, settled.State)
	}
}

func TestWhoMaySendATryAgain(t *testing.T) {
	const lifetime = time.Second
	for name, tt := range map[string]struct {
		change func(*entry)
		owner  string
		now    moment
		err    error
	}{
		"its owner":                       {nil, me, clocks(1999), nil},
		"another process":                 {nil, another, clocks(1999), errNotOurs},
		"after another has taken it":      {heldBy(another, 5000), me, clocks(1999), errNotOurs},
		"when its key is too old":         {nil, me, clocks(2000), errTooOld},
		"by the latest clock":             {nil, me, moment{1500, 2000}, errTooOld},
		"a clock that went back":          {nil, me, clocks(999), errTooOld},
		"a clock that went back too far":  {nil, me, moment{1000 - 60_001, 1500}, errTooOld},
		"a clock that is a little behind": {nil, me, moment{1000 - 60_000, 1500}, nil},
		"once it is settled":              {func(r *entry) { r.State = stateDeclined }, me, clocks(1500), errNotOurs},
		"once its holder was asked":       {func(r *entry) { r.State = stateAction }, me, clocks(1500), errNotOurs},
		"once it is stranded":             {func(r *entry) { r.State = stateStranded }, me, clocks(1500), errNotOurs},
	} {
		t.Run(name, func(t *testing.T) {
			b, known := shop()
			if tt.change != nil {
				tt.change(b.Ops[0])
			}
			err := b.again(known.ID, 1, tt.owner, tt.now, lifetime, 7000)
			assert.Equal(t, tt.err, err)
			if tt.err != nil {
				require.ErrorIs(t, err, ErrPendingOperation)
				assert.Equal(t, 1, b.Ops[0].Sends)
				return
			}
			assert.Equal(t, 2, b.Ops[0].Sends)
			assert.EqualValues(t, 7000, b.Ops[0].Lease)
		})
	}
	b, known := shop()
	b.reserve(attemptIn(stateSent, heldBy(another, 9000), func(r *entry) { r.Try = 2 }))
	assert.Equal(t, errNotOurs, b.again(known.ID, 1, me, clocks(1500), lifetime, 7000), "once there is a newer try")
	assert.Equal(t, errNotOurs, (&book{}).again("n1", 1, me, clocks(1500), lifetime, 7000), "of which nothing is known")
}

func TestWhoMayTakeATryOver(t *testing.T) {
	for name, tt := range map[string]struct {
		change []func(*entry)
		flying bool
		taken  bool
		err    bool
	}{
		"nobody is at it":             {[]func(*entry){func(r *entry) { r.Nobody = true }}, false, true, false},
		"its owner, who is not at it": {nil, false, true, false},
		"its owner, who is":           {nil, true, false, true},
		"held by another":             {[]func(*entry){heldBy(another, 3000)}, false, false, true},
		"held until now":              {[]func(*entry){heldBy(another, 2999)}, false, true, false},
		"settled":                     {[]func(*entry){func(r *entry) { r.State = stateDeclined }}, false, false, false},
		"paid":                        {[]func(*entry){func(r *entry) { r.State = stateSucceeded }}, false, false, false},
		"declined in doubt":           {[]func(*entry){func(r *entry) { r.State, r.Doubt, r.Nobody = stateDeclined, true, true }}, false, true, false},
		"stranded":                    {[]func(*entry){func(r *entry) { r.State, r.Nobody = stateStranded, true }}, false, true, false},
		"waits":                       {[]func(*entry){func(r *entry) { r.State, r.Nobody = stateAwaitingHuman, true }}, false, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			b, known := shop(tt.change...)
			r, err := b.take(known.ID, 1, me, tt.flying, clocks(3000), 8000)
			assert.Equal(t, tt.taken, r != nil)
			assert.Equal(t, tt.err, err != nil)
			if tt.err {
				require.ErrorIs(t, err, ErrPendingOperation)
			}
			if tt.taken {
				assert.Equal(t, me, r.Owner)
				assert.EqualValues(t, 8000, r.Lease)
				assert.False(t, r.Nobody)
			}
		})
	}
	r, err := (&book{}).take("n1", 1, me, false, clocks(3000), 8000)
	require.NoError(t, err)
	assert.Nil(t, r)
}

// Names, keys and numbers of operations.

func TestOperationsAndKeysOfTheCallersAreToldApart(t *testing.T) {
	seen := map[string]bool{}
	for _, id := range []string{
		operationID("order-1"), operationID("order-2"), operationID(""), operationID("Order-1"), keyID("order-1"), keyID(operationID("order-1")), keyID("korder-1"), operationID("korder-1"),
		keyID(strings.Repeat("k", 255)), keyID(strings.Repeat("k", 254)), operationID(strings.Repeat("k", 200)), keyID("a/b"), keyID("a%2Fb"),
	} {
		assert.False(t, seen[id], id)
		seen[id] = true
	}
	assert.Equal(t, operationID("order-1"), operationID("order-1"))
	assert.NotContains(t, operationID("secret plans"), "secret")
}

// Purses.

// exactPurse is what a purse approximates.
type exactPurse struct {
	charges []spending
	holds   map[string]Amount
}

func (x *exactPurse) used(t *testing.T, since int64) (sum Amount) {
	t.Helper()
	var err error
	for _, a := range x.holds {
		sum, err = sum.Add(a)
		require.NoError(t, err)
	}
	for _, c := range x.charges {
		if since == 0 || c.At > since {
			sum, err = sum.Add(c.Amount)
			require.NoError(t, err)
		}
	}
	return sum
}

func TestAPurseNeverCountsLessThanWasSpent(t *testing.T) {
	for seed := range uint64(24) {
		random := rand.New(rand.NewPCG(seed, 7))
		p, exact := &purse{}, &exactPurse{holds: map[string]Amount{}}
		now := int64(1_700_000_000_000)
		pace := []int64{1, 1000, 60_000, 3_600_000, 40 * 86_400_000}[seed%5]
		for i := range 1200 {
			now += random.Int64N(pace)
			if random.IntN(40) == 0 {
				now += 100 * pace
			}
			r := &entry{ID: fmt.Sprint("op-", i), Try: 1, Hold: Cents(1 + random.Int64N(10_000))}
			p.hold(r, 0, "")
			exact.holds[r.ID] = r.Hold
			switch random.IntN(10) {
			case 0: // it stays open
			case 1:
				p.release(r)
				delete(exact.holds, r.ID)
			default:
				r.Paid = r.Hold
				p.charge(r, now)
				delete(exact.holds, r.ID)
				exact.charges = append(exact.charges, spending{now, r.Paid})
			}
			require.LessOrEqual(t, len(p.Recent), mostRecent)
			if i%20 != 19 {
				continue
			}
			total, err := p.used(0, &entry{})
			require.NoError(t, err)
			require.Equal(t, exact.used(t, 0), total, "the total is exact")
			for _, window := range []int64{1, 1000, 60_000, 3_600_000, 86_400_000, 30 * 86_400_000, 3650 * 86_400_000} {
				used, err := p.used(now-window, &entry{})
				require.NoError(t, err)
				want := exact.used(t, now-window)
				require.False(t, used.Less(want), "seed %d, %d ms: %s of %s", seed, window, used, want)
				require.False(t, total.Less(used))
			}
		}
	}
}

// Nothing is counted together while there is room, so that a window is exact.
func TestAPurseIsExactWhileItRemembersEachSum(t *testing.T) {
	p, exact := &purse{}, &exactPurse{}
	for i := range int64(mostRecent) {
		p.charge(&entry{ID: "a", Paid: Cents(i + 1)}, 1000*i)
		exact.charges = append(exact.charges, spending{1000 * i, Cents(i + 1)})
		for _, since := range []int64{1, 999, 1000, 1001, 500 * i, 1000*i - 1, 1000 * i} {
			if since == 0 {
				continue // which asks for all
			}
			used, err := p.used(since, &entry{})
			require.NoError(t, err)
			require.Equal(t, exact.used(t, since), used)
		}
	}
}

// A thousand small payments must not fill a window for much longer than it lasts.
func TestAFullPurseIsNotMuchLongerThanItsWindow(t *testing.T) {
	for _, pause := range []int64{100, 1000, 10_000} {
		p := &purse{}
		now := int64(1_700_000_000_000)
		for i := range 3000 {
			now += pause
			p.charge(&entry{ID: fmt.Sprint(i), Paid: Cents(1)}, now)
		}
		for _, count := range []int64{300, 1000, 2500} {
			window := pause * count
			used, err := p.used(now-window, &entry{})
			require.NoError(t, err)
			assert.False(t, used.Less(Cents(count)))
			assert.False(t, Cents(count+count/8+8).Less(used), "%s for %s", used, Cents(count))
		}
	}
}

func TestTimeThatGoesBackDoesNotHideWhatWasSpent(t *testing.T) {
	p := &purse{}
	p.charge(&entry{ID: "a", Paid: Dollars(10)}, 5000)
	p.charge(&entry{ID: "b", Paid: Dollars(10)}, 1000)
	used, err := p.used(4999, &entry{})
	require.NoError(t, err)
	assert.Equal(t, Dollars(20), used)
}

func TestSumsThatCannotBeAddedAreBeyondEveryLimit(t *testing.T) {
	huge, err := ParseAmount("9000000000000000000")
	require.NoError(t, err)
	tiny, err := ParseAmount("0.000000000000000001")
	require.NoError(t, err)
	for name, paid := range map[string][]Amount{"too large": {huge, huge}, "too fine": {Dollars(100_000), tiny}, "too fine, then large": {tiny, Dollars(100_000)}} {
		t.Run(name, func(t *testing.T) {
			p := &purse{}
			for i, a := range paid {
				p.charge(&entry{ID: fmt.Sprint(i), Paid: a}, 1000)
			}
			limit := Dollars(100_000)
			if name == "too large" {
				limit = largestLimit
			}
			for _, policy := range []*SpendPolicy{{Total: limit}, {PerWindow: limit, Window: time.Hour}} {
				assert.ErrorIs(t, policy.fits(&SpendIntent{}, &entry{ID: "x", Hold: Cents(1)}, p, 2000), ErrSpendLimit)
			}
		})
	}
}

func TestStandingOrdersAreCountedOnceEach(t *testing.T) {
	p := &purse{}
	auto := func(id string, a Amount) *entry { return &entry{ID: id, Try: 1, Standing: autoFundingOrder, Orders: a} }
	plan := func(id string, n int, a Amount) *entry {
		return &entry{ID: id, Try: 1, Standing: fmt.Sprint("plan ", n), Orders: a, Hold: a, Paid: a}
	}
	ordered := func(but *entry) Amount {
		sum, err := p.ordered(but)
		require.NoError(t, err)
		return sum
	}
	p.hold(auto("a", Dollars(20)), 0, "")
	assert.Equal(t, Dollars(20), ordered(plan("x", 9, Dollars(1))), "what is on its way counts")
	p.charge(auto("a", Dollars(20)), 1)
	p.charge(plan("b", 1, Dollars(47)), 2)
	assert.Equal(t, Dollars(67), ordered(plan("x", 9, Dollars(1))))
	assert.Equal(t, Dollars(47), ordered(auto("x", Dollars(1))), "an order takes the place of its own kind")
	p.charge(auto("c", Dollars(30)), 3)
	assert.Equal(t, Dollars(77), ordered(plan("x", 9, Dollars(1))))
	p.order(autoFundingOrder, Amount{})
	assert.Equal(t, Dollars(47), ordered(plan("x", 9, Dollars(1))))
	p.hold(plan("d", 1, Dollars(50)), 0, "")
	p.release(plan("d", 1, Dollars(50)))
	assert.Equal(t, Dollars(47), ordered(plan("x", 9, Dollars(1))))
}

// Clocks.

func TestTheClocksThatAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := newClock()
		shift := time.Duration(0)
		c.wall = func() time.Time { return time.Now().Add(shift) }
		ms := func(d time.Duration) int64 { return start.Add(d).UnixMilli() }
		assert.Equal(t, clocks(ms(0)), c.now())
		elapse(time.Minute)
		assert.Equal(t, clocks(ms(time.Minute)), c.now())
		shift = 48 * time.Hour
		assert.Equal(t, moment{ms(time.Minute), ms(time.Minute + shift)}, c.now(), "a clock that was set ahead")
		shift = -48 * time.Hour
		assert.Equal(t, moment{ms(time.Minute + shift), ms(time.Minute)}, c.now(), "and back")
		shift = 0
		c.hear([]string{start.Add(3 * time.Minute).UTC().Format(http.TimeFormat)})
		elapse(time.Minute)
		assert.Equal(t, moment{ms(2 * time.Minute), ms(4 * time.Minute)}, c.now(), "the server's runs on")
		c.hear([]string{start.UTC().Format(http.TimeFormat)})
		elapse(time.Second)
		assert.Equal(t, moment{ms(time.Second), ms(2*time.Minute + time.Second)}, c.now(), "it is heard each time")
		for _, nonsense := range [][]string{nil, {}, {""}, {"yesterday"}, {"Sat, 00 Jan 2000"}} {
			before := c.now()
			c.hear(nonsense)
			assert.Equal(t, before, c.now())
		}
	})
}

func TestEachAnswerTellsTheClockTheServersTime(t *testing.T) {
	date := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	for status, kind := range map[int]error{200: nil, 422: ErrValidation, 500: ErrServer} {
		c := stubbed(t, scripted(says(status, balanceBody, "Date", date.Format(http.TimeFormat))), hasty(1), WithStore(NewMemoryStore()))
		require.ErrorIs(t, roadCalls[0].do(t.Context(), c), kind)
		assert.WithinDuration(t, date, time.UnixMilli(c.cfg.clock.now().early), time.Minute)
		assert.WithinDuration(t, date, time.UnixMilli(mustWith(t, c, WithUserAgent("x")).cfg.clock.now().early), time.Minute, "all clients of a New have one clock")
	}
}

// A process whose clock is wrong must not make room in the window of the others.
func TestAWrongClockMakesNoRoomInAWindow(t *testing.T) {
	for _, budget := range []string{"", "team"} {
		for _, shift := range []time.Duration{-48 * time.Hour, -time.Hour, -4 * time.Minute, 4 * time.Minute, 48 * time.Hour} {
			t.Run(fmt.Sprintf("%q %s", budget, shift), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					net := scripted(func(r *http.Request) (*http.Response, error) {
						return says(200, `{"data":{"payment":{"status":"succeeded","amount":25}}}`, "Date", time.Now().UTC().Format(http.TimeFormat))(r)
					})
					store := NewMemoryStore()
					policy := WithSpendPolicy(SpendPolicy{Budget: budget, PerWindow: Dollars(50), Window: time.Hour})
					clients := []*Client{stubbed(t, net, WithStore(store), policy), stubbed(t, net, WithStore(store), policy)}
					wrong := clients[0]
					wrong.cfg.clock.wall = func() time.Time { return time.Now().Add(shift) }
					var spent []time.Time
					for i := range 200 {
						if err := roadCalls[1].do(t.Context(), clients[i%2]); err == nil {
							spent = append(spent, time.Now())
						}
						elapse(97 * time.Second)
					}
					require.NotEmpty(t, spent)
					for i, since := range spent {
						within := 0
						for _, at := range spent[i:] {
							if at.Sub(since) < time.Hour {
								within++
							}
						}
						assert.LessOrEqual(t, within, 2, "never more than $50 in an hour")
					}
				})
			})
		}
	}
}

// sharedClock is a store with a clock of its own.
type sharedClock struct {
	*trickyStore
	now func() (time.Time, error)
}

func (s *sharedClock) Now(context.Context) (time.Time, error) { return s.now() }

func TestAStoresOwnClockCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead, failing := time.Duration(0), error(nil)
		store := &sharedClock{tricky(NewMemoryStore()), func() (time.Time, error) { return time.Now().Add(ahead), failing }}
		net := newTeller(map[string][]step{fundPath: {funded(Dollars(25)), funded(Dollars(25)), breaks(errDisk), funded(Dollars(25))}, "GET /wallet/transactions": {says(200, `{"data":[]}`)}})
		c := stubbed(t, net, WithStore(store), hasty(1), WithSpendPolicy(SpendPolicy{PerWindow: Dollars(25), Window: time.Hour}))
		c.cfg.clock.wall = func() time.Time { return time.Now().Add(1000 * time.Hour) }
		require.NoError(t, roadCalls[1].do(t.Context(), c))
		require.ErrorIs(t, roadCalls[1].do(t.Context(), c), ErrSpendLimit, "whatever the machine's clock says")
		ahead = time.Hour
		require.NoError(t, roadCalls[1].do(t.Context(), c))

		failing = errDisk
		err := roadCalls[1].do(t.Context(), c)
		require.ErrorIs(t, err, errDisk)
		require.NotErrorIs(t, err, ErrOutcomeUnknown)
		assert.Len(t, net.sent(), 2)
		failing = nil

		// The age of a key is counted by it too.
		ahead += time.Hour
		require.ErrorIs(t, roadCalls[1].do(t.Context(), c, WithOperation("order-1")), ErrOutcomeUnknown)
		ahead += 11 * time.Minute
		require.ErrorIs(t, roadCalls[1].do(t.Context(), c, WithOperation("order-1")), ErrOutcomeUnknown)
		assert.Len(t, net.sent(), 3, "too old to be asked with")
		assert.Equal(t, "stranded", pendingOf(t, c)[0].State)
	})
}

func TestAClockBehindTheJournalRefusesWhereAWindowDependsOnIt(t *testing.T) {
	for _, budget := range []string{"", "team"} {
		synctest.Test(t, func(t *testing.T) {
			ahead := time.Duration(0)
			store := &sharedClock{tricky(NewMemoryStore()), func() (time.Time, error) { return time.Now().Add(ahead), nil }}
			net := scripted(funded(Dollars(25)))
			c := stubbed(t, net, WithStore(store), WithSpendPolicy(SpendPolicy{Budget: budget, PerWindow: Dollars(1000), Window: time.Hour}))
			require.NoError(t, roadCalls[1].do(t.Context(), c))
			ahead = -clockSlack
			require.NoError(t, roadCalls[1].do(t.Context(), c), "a little is no harm")
			ahead = -clockSlack - time.Millisecond
			err := roadCalls[1].do(t.Context(), c)
			require.Error(t, err)
			assert.Contains(t, err.Error(), "set this one, or wait until then")
			oneLine(t, err)
			assert.Equal(t, 2, net.count())
			assert.Empty(t, pendingOf(t, c))
		})
	}
}

// The machine and the road together: what a second call of the same name does,
// after each end of the first one.

// ending is an end of a first call.
type ending struct {
	first   step
	err     error // of the first call
	posts   [3]int
	kinds   [3]error // of the same request, of another one, of the same with a new try
	keys    [3]int   // the number of the try that the last request was of; 0: none was sent
	replays [3]bool
}

// endings of a named payment. The server takes everything the second time.
var endings = map[string]ending{
	"paid":                 {funded(Dollars(25)), nil, [3]int{0, 0, 0}, [3]error{nil, ErrOperationMismatch, nil}, [3]int{}, [3]bool{true, false, true}},
	"declined":             {says(402, declinedBody), ErrPaymentDeclined, [3]int{0, 1, 1}, [3]error{ErrPaymentDeclined, nil, nil}, [3]int{0, 2, 2}, [3]bool{true, false, false}},
	"refused":              {says(422, `{"message":"too little"}`), ErrValidation, [3]int{0, 1, 1}, [3]error{ErrValidation, nil, nil}, [3]int{0, 2, 2}, [3]bool{true, false, false}},
	"not permitted":        {says(403, ``), ErrPermissionDenied, [3]int{0, 1, 1}, [3]error{ErrPermissionDenied, nil, nil}, [3]int{0, 2, 2}, [3]bool{true, false, false}},
	"not found":            {says(404, ``), ErrNotFound, [3]int{0, 1, 1}, [3]error{ErrNotFound, nil, nil}, [3]int{0, 2, 2}, [3]bool{true, false, false}},
	"without a token":      {says(401, ``), ErrUnauthenticated, [3]int{1, 1, 1}, [3]error{}, [3]int{2, 2, 2}, [3]bool{}},
	"limited":              {says(429, ``), ErrRateLimited, [3]int{1, 1, 1}, [3]error{}, [3]int{2, 2, 2}, [3]bool{}},
	"unknown":              {says(500, ``), ErrOutcomeUnknown, [3]int{1, 0, 1}, [3]error{nil, ErrOperationMismatch, nil}, [3]int{1, 0, 1}, [3]bool{}},
	"lost":                 {breaks(errDisk), ErrOutcomeUnknown, [3]int{1, 0, 1}, [3]error{nil, ErrOperationMismatch, nil}, [3]int{1, 0, 1}, [3]bool{}},
	"a conflict":           {says(409, ``), ErrOutcomeUnknown, [3]int{1, 0, 1}, [3]error{nil, ErrOperationMismatch, nil}, [3]int{1, 0, 1}, [3]bool{}},
	"waits for its holder": {says(202, actionBody), ErrRequiresAction, [3]int{0, 0, 0}, [3]error{ErrRequiresAction, ErrOperationMismatch, ErrRequiresAction}, [3]int{}, [3]bool{true, false, true}},
	"never sent":           {breaks(&net.OpError{Op: "dial", Err: errDisk}), nil, [3]int{1, 1, 1}, [3]error{}, [3]int{1, 1, 1}, [3]bool{}},
}

func TestASecondCallOfANameAfterEachEndOfTheFirst(t *testing.T) {
	calls := [3]struct {
		name   string
		params WalletFundParams
		opts   []RequestOption
	}{
		{"the same", fundParams(), nil}, {"another card", WalletFundParams{Amount: Dollars(25), PaymentMethodID: "pm_card_mastercard"}, nil},
		{"the same, a new try", fundParams(), []RequestOption{WithNewTry()}},
	}
	for end, tt := range endings {
		for i, call := range calls {
			for _, who := range []string{"the same client", "one made with With", "another process", "the same client, without a store"} {
				t.Run(end+", then "+call.name+" by "+who, func(t *testing.T) {
					network := newTeller(map[string][]step{
						fundPath: {tt.first, funded(Dollars(25))}, "GET /wallet/transactions": {says(200, `{"data":[]}`)},
						"GET /payments/pi_3TestIntent/status": {says(200, `{"data":{"status":"requires_action"}}`)},
					})
					store := NewMemoryStore()
					opts := []Option{hasty(1), WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitOff})}
					if who != "the same client, without a store" {
						opts = append(opts, WithStore(store))
					}
					first := stubbed(t, network, opts...)
					_, err := first.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"))
					switch {
					case tt.err != nil:
						require.ErrorIs(t, err, tt.err)
					case end == "never sent":
						require.Error(t, err)
					}
					second := first
					switch who {
					case "one made with With":
						second = mustWith(t, first, WithUserAgent("x"))
					case "another process":
						second = stubbed(t, network, opts...)
					}
					before := len(network.sent())
					var resp Response
					_, err = second.Wallet.Fund(t.Context(), call.params, append(call.opts, WithOperation("order-1"), WithResponse(&resp))...)
					if tt.kinds[i] == nil {
						require.NoError(t, err)
					} else {
						assertKind(t, tt.kinds[i], err)
					}
					sent := network.sent()[before:]
					require.Len(t, sent, tt.posts[i])
					if len(sent) > 0 {
						assert.Equal(t, derived("7", "wallet.fund", "order-1", fmt.Sprint(tt.keys[i])), sent[0].key())
						assert.Equal(t, sent[0].key(), resp.IdempotencyKey)
					} else if tt.kinds[i] == nil || tt.kinds[i] == ErrPaymentDeclined {
						assert.Zero(t, resp.Attempts)
						assert.Equal(t, derived("7", "wallet.fund", "order-1", "1"), resp.IdempotencyKey)
					}
					if tt.replays[i] && err != nil {
						assert.True(t, apiOf(t, err).IdempotencyReplay, "it says that it is a recorded answer")
					}
					if tt.replays[i] && err == nil {
						assert.True(t, resp.IdempotencyReplay)
					}
				})
			}
		}
	}
}

// Each try has a key of its own, and a name as many tries as it takes.
func TestTriesOfANameAreNumbered(t *testing.T) {
	network := newTeller(map[string][]step{fundPath: {says(402, declinedBody), says(422, ``), says(402, declinedBody), says(429, ``), funded(Dollars(25))}})
	store := NewMemoryStore()
	for i := range 5 {
		c := stubbed(t, network, WithStore(store), hasty(1), WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitOff}))
		_, err := c.Wallet.Fund(t.Context(), fundParams(), WithOperation("order-1"), WithNewTry())
		assert.Equal(t, i == 4, err == nil)
	}
	for i, r := range network.sent() {
		assert.Equal(t, derived("7", "wallet.fund", "order-1", fmt.Sprint(i+1)), r.key())
	}
	c := stubbed(t, network, WithStore(store))
	require.Len(t, ledgerOf(t, c), 1)
	assert.Equal(t, 5, ledgerOf(t, c)[0].Try)
	_, err := c.Wallet.Fund(t.Context(), WalletFundParams{Amount: Dollars(25), PaymentMethodID: "pm_other"}, WithOperation("order-1"))
	require.ErrorIs(t, err, ErrOperationMismatch, "paid is paid, whatever was tried before")
}

func TestANameStandsForOneEndpoint(t *testing.T) {
	for name, first := range map[string]step{"paid": funded(Dollars(25)), "declined": says(402, declinedBody), "unknown": says(500, ""), "refused": says(422, "")} {
		for _, where := range []string{"here", "elsewhere"} {
			store := NewMemoryStore()
			network := newTeller(map[string][]step{fundPath: {first}, "POST /wallet/withdraw": {funded(Dollars(25))}})
			c := stubbed(t, network, WithStore(store), hasty(1))
			_ = roadCalls[1].do(t.Context(), c, WithOperation("order-1"))
			if where == "elsewhere" {
				c = stubbed(t, network, WithStore(store), hasty(1))
			}
			for _, opts := range [][]RequestOption{{WithOperation("order-1")}, {WithOperation("order-1"), WithNewTry()}} {
				_, err := c.Wallet.Withdraw(t.Context(), WalletWithdrawParams{Amount: Dollars(25)}, opts...)
				assertKind(t, ErrOperationMismatch, err)
				assert.Contains(t, err.Error(), "wallet.fund", name)
				oneLine(t, err)
			}
			assert.Len(t, network.sent(), 1)
		}
	}
}

// What a caller's own key stands for.
func TestAKeyOfTheCallersIsAnOperation(t *testing.T) {
	for end, tt := range endings {
		t.Run(end, func(t *testing.T) {
			network := newTeller(map[string][]step{
				fundPath: {tt.first, funded(Dollars(25))}, "GET /wallet/transactions": {says(200, `{"data":[]}`)},
				"GET /payments/pi_3TestIntent/status": {says(200, `{"data":{"status":"requires_action"}}`)},
			})
			store := NewMemoryStore()
			opts := []Option{hasty(1), WithStore(store), WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitOff})}
			_, _ = stubbed(t, network, opts...).Wallet.Fund(t.Context(), fundParams(), WithIdempotencyKey("k-1"))
			before := len(network.sent())
			_, err := stubbed(t, network, opts...).Wallet.Fund(t.Context(), fundParams(), WithIdempotencyKey("k-1"))
			if tt.kinds[0] == nil {
				require.NoError(t, err)
			} else {
				assertKind(t, tt.kinds[0], err)
			}
			sent := network.sent()[before:]
			assert.Len(t, sent, tt.posts[0])
			for _, r := range sent {
				assert.Equal(t, "k-1", r.key(), "the caller's, each time")
			}
		})
	}
}

// The random key of a call whose answer was lost is one that the caller may give.
func TestTheKeyOfAnUnnamedCallFindsItsRecord(t *testing.T) {
	for _, durable := range []bool{true, false} {
		network := newTeller(map[string][]step{fundPath: {breaks(errDisk), funded(Dollars(25))}, "GET /wallet/transactions": {says(200, `{"data":[]}`)}})
		opts := []Option{hasty(1)}
		if durable {
			opts = append(opts, WithStore(NewMemoryStore()))
		}
		c := stubbed(t, network, opts...)
		err := roadCalls[1].do(t.Context(), c)
		var unknown *OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		require.ErrorIs(t, roadCalls[1].do(t.Context(), c), ErrPendingOperation, "an unnamed one has to wait for it")
		require.NoError(t, roadCalls[1].do(t.Context(), c, WithIdempotencyKey(unknown.IdempotencyKey)))
		assert.Empty(t, pendingOf(t, c))
		sent := network.sent()
		require.Len(t, sent, 2)
		assert.Equal(t, sent[0].key(), sent[1].key())
		require.NoError(t, roadCalls[1].do(t.Context(), c))
		assert.Len(t, ledgerOf(t, c), 2)
	}
}

// The key in an error of a named call finds its record too.
func TestTheKeyOfANamedCallFindsItsRecord(t *testing.T) {
	network := newTeller(map[string][]step{fundPath: {breaks(errDisk), funded(Dollars(25))}, "GET /wallet/transactions": {says(200, `{"data":[]}`)}})
	c := stubbed(t, network, WithStore(NewMemoryStore()), hasty(1))
	err := roadCalls[1].do(t.Context(), c, WithOperation("order-1"))
	var unknown *OutcomeUnknownError
	require.ErrorAs(t, err, &unknown)
	require.NoError(t, roadCalls[1].do(t.Context(), c, WithIdempotencyKey(unknown.IdempotencyKey)))
	assert.Len(t, network.sent(), 2)
	require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation("order-1")), "it is the same payment")
	assert.Len(t, network.sent(), 2)
	assert.Len(t, ledgerOf(t, c), 1)
}

func TestAnUnnamedCallIsHeldUpByOneThatIsOpen(t *testing.T) {
	for end, first := range map[string]struct {
		answer step
		same   bool // the very same request is hindered
		other  bool // and any other one
	}{
		"unknown":              {says(500, ""), true, true},
		"lost":                 {breaks(errDisk), true, true},
		"waits for its holder": {says(202, actionBody), true, false},
		"paid":                 {funded(Dollars(25)), false, false},
		"declined":             {says(402, declinedBody), false, false},
		"refused":              {says(422, ""), false, false},
		"limited":              {says(429, ""), false, false},
		"never sent":           {breaks(&net.OpError{Op: "dial", Err: errDisk}), false, false},
	} {
		for _, who := range []string{"the same client", "another process"} {
			t.Run(end+", "+who, func(t *testing.T) {
				network := newTeller(map[string][]step{fundPath: {first.answer, funded(Dollars(25))}, "POST /wallet/withdraw": {funded(Dollars(25))}})
				opts := []Option{hasty(1), WithStore(NewMemoryStore()), WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitOff})}
				c := stubbed(t, network, opts...)
				_ = roadCalls[1].do(t.Context(), c)
				if who == "another process" {
					c = stubbed(t, network, opts...)
				}
				other := func(opts ...RequestOption) error {
					return second(c.Wallet.Fund(t.Context(), WalletFundParams{Amount: Dollars(40), PaymentMethodID: "pm_other"}, opts...))
				}
				before := len(network.sent())
				if first.same {
					err := roadCalls[1].do(t.Context(), c)
					require.ErrorIs(t, err, ErrPendingOperation)
					require.NotErrorIs(t, err, ErrOutcomeUnknown, "this one was not sent")
					assert.Contains(t, err.Error(), "WithOperation")
					assert.Contains(t, err.Error(), network.sent()[0].key())
					oneLine(t, err)
				}
				if first.other {
					require.ErrorIs(t, other(), ErrPendingOperation)
				}
				assert.Len(t, network.sent(), before)
				_, err := c.Wallet.Withdraw(t.Context(), WalletWithdrawParams{Amount: Dollars(25)})
				require.NoError(t, err, "another endpoint is another thing")
				require.NoError(t, other(WithOperation("order-2")), "a name says that it is another one")
				require.NoError(t, other(WithIdempotencyKey("key-2")), "and so does a key")
				if !first.other {
					require.NoError(t, other())
				}
			})
		}
	}
}

func TestWhatIsOnItsWayInThisProcessHoldsNobodyUp(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	network := scripted(func(r *http.Request) (*http.Response, error) {
		close(arrived)
		<-answer
		return funded(Dollars(25))(r)
	}, funded(Dollars(25)))
	store := NewMemoryStore()
	c := stubbed(t, network, WithStore(store))
	done := make(chan error, 1)
	go func() { done <- roadCalls[1].do(context.Background(), c) }()
	<-arrived
	require.NoError(t, roadCalls[1].do(t.Context(), c), "two of one program at once")
	require.ErrorIs(t, roadCalls[1].do(t.Context(), stubbed(t, network, WithStore(store))), ErrPendingOperation, "of another program nobody knows that it lives")
	ops := pendingOf(t, c)
	require.Len(t, ops, 1)
	_, err := c.Settle(t.Context(), ops[0])
	require.ErrorIs(t, err, ErrPendingOperation)
	require.ErrorIs(t, c.Resolve(t.Context(), ops[0], NotPaid, ""), ErrPendingOperation)
	close(answer)
	require.NoError(t, <-done)
	assert.Len(t, ledgerOf(t, c), 2)
}

// Submissions of jobs are sent once: the journal keeps one from being sent twice.
func TestASubmissionWhoseAnswerWasLostIsNotSentAgain(t *testing.T) {
	other := func(ctx context.Context, c *Client, opts ...RequestOption) error {
		return second(c.Generation.Images.TextToImage(ctx, TextToImageParams{ModelID: "flux", Prompt: "another"}, opts...))
	}
	network := newTeller(map[string][]step{"POST /api/v6/images/text2img": {breaks(errDisk), says(200, imageBody)}})
	store := NewMemoryStore()
	opts := []Option{hasty(1), WithStore(store)}
	c := stubbed(t, network, opts...)
	require.ErrorIs(t, roadCalls[3].do(t.Context(), c), ErrOutcomeUnknown)
	for _, c := range []*Client{c, stubbed(t, network, opts...)} {
		require.ErrorIs(t, roadCalls[3].do(t.Context(), c), ErrPendingOperation, "the very same one")
		require.NoError(t, other(t.Context(), c), "another job is another job")
		require.NoError(t, roadCalls[3].do(t.Context(), c, WithOperation("job-"+fmt.Sprintf("%p", c))), "and so is a named one")
	}
	require.NoError(t, roadCalls[3].do(t.Context(), c, WithNewTry()), "wanted once more")
	assert.Len(t, network.sent(), 6)

	network = newTeller(map[string][]step{"POST /api/v6/images/text2img": {breaks(errDisk), says(200, imageBody)}})
	c = stubbed(t, network, hasty(1))
	require.ErrorIs(t, roadCalls[3].do(t.Context(), c), ErrOutcomeUnknown)
	require.NoError(t, roadCalls[3].do(t.Context(), c), "without a store nobody is held up")
	for _, opts := range [][]Option{{hasty(1)}, {hasty(1), WithStore(NewMemoryStore())}} {
		network = newTeller(map[string][]step{"POST /api/v6/images/text2img": {breaks(errDisk), says(200, imageBody)}})
		c = stubbed(t, network, opts...)
		require.ErrorIs(t, roadCalls[3].do(t.Context(), c, WithOperation("job-1")), ErrOutcomeUnknown)
		for range 3 {
			require.ErrorIs(t, roadCalls[3].do(t.Context(), c, WithOperation("job-1")), ErrOutcomeUnknown, "a name is sent once")
		}
		assert.Len(t, network.sent(), 1)
		require.NoError(t, roadCalls[3].do(t.Context(), c, WithOperation("job-2")))
		require.NoError(t, roadCalls[3].do(t.Context(), c, WithOperation("job-2")), "from the record")
		assert.Len(t, network.sent(), 2)
		for _, r := range network.sent() {
			assert.Empty(t, r.key(), "it takes no key")
		}
	}
}

func TestANamedSubmissionIsAnsweredWithItsJob(t *testing.T) {
	network := newTeller(map[string][]step{"POST /api/v6/images/text2img": {says(200, `{"status":"processing","id":77,"eta":5,"fetch_result":"https://modelslab.com/api/v6/images/fetch/77"}`)}})
	store := NewMemoryStore()
	c := stubbed(t, network, WithStore(store))
	submit := func(c *Client) *Generation {
		g, err := c.Generation.Images.TextToImage(t.Context(), TextToImageParams{ModelID: "flux", Prompt: "a lighthouse"}, WithOperation("job-1"))
		require.NoError(t, err)
		return g
	}
	first := submit(c)
	for _, c := range []*Client{c, stubbed(t, network, WithStore(store))} {
		again := submit(c)
		assert.Equal(t, first.ID, again.ID)
		assert.Equal(t, first.Path, again.Path)
		assert.Equal(t, first.Status, again.Status)
	}
	assert.Len(t, network.sent(), 1)
}

// Whatever the order in which things become known, the purse and the records say the same.
func TestThePurseAgreesWithTheRecords(t *testing.T) {
	states := []state{stateSucceeded, stateDeclined, stateRefused, stateClosed, stateSent, stateStranded, stateAction, stateAwaitingHuman, ""}
	for seed := range uint64(120) {
		random := rand.New(rand.NewPCG(seed, 11))
		b := &book{V: bookVersion}
		kept := map[tryOf]*entry{}
		var known []*entry
		now := int64(1000)
		for range 60 {
			now += random.Int64N(1000)
			switch random.IntN(4) {
			case 0:
				r := attemptIn(stateSent, heldBy([]string{me, another}[random.IntN(2)], now+500), func(r *entry) {
					r.ID, r.Try, r.Hold, r.Amount = fmt.Sprint("n", random.IntN(5)), len(known)+1, Cents(1+random.Int64N(5000)), Amount{}
					r.Amount = r.Hold
				})
				b.reserve(r)
				known = append(known, r.clone())
			case 1, 2:
				if len(known) == 0 {
					continue
				}
				k := known[random.IntN(len(known))]
				o := &outcome{state: states[random.IntN(len(states))], doubt: random.IntN(5) == 0}
				o.doubt = o.doubt && o.state == stateDeclined
				if b.find(k.ID, k.Try) == nil && kept[tryOf{k.ID, k.Try}] != nil && kept[tryOf{k.ID, k.Try}].paid() {
					continue // the journal looks at what is kept before
				}
				b.settle(k, o, clocks(now))
			case 3: // archive what is settled
				b.Ops = slices.DeleteFunc(b.Ops, func(r *entry) bool {
					if r.open() {
						return false
					}
					kept[tryOf{r.ID, r.Try}] = r
					return true
				})
			}
			var spent, open Amount
			all := maps.Clone(kept)
			for _, r := range b.Ops {
				all[tryOf{r.ID, r.Try}] = r
			}
			for _, r := range all {
				var err error
				if r.paid() {
					spent, err = spent.Add(r.Paid)
				} else if r.open() {
					open, err = open.Add(r.Hold)
				}
				require.NoError(t, err)
			}
			require.Equal(t, spent, b.Purse.Spent, "seed %d", seed)
			require.False(t, onHold(t, b).Less(open), "seed %d: held %s of %s", seed, onHold(t, b), open)
			enc, err := b.encode()
			require.NoError(t, err)
			_, err = readBook(enc)
			require.NoError(t, err)
		}
	}
}

// Late evidence for a try that was closed, while that still stands in the book and after.
func TestLateEvidenceThatMoneyMayMoveIsKept(t *testing.T) {
	for _, o := range []*outcome{{state: stateAwaitingHuman, session: "cs_1"}, {state: stateAction, intent: "pi_1"}} {
		for _, kept := range []bool{false, true} { // elsewhere by now
			b, r := shop()
			known := r.clone()
			b.settle(r.clone(), &outcome{state: stateClosed, note: "its owner's word"}, clocks(1000))
			if kept {
				b.Ops = nil
			}
			settled, late, _ := b.settle(known, o, clocks(2000))
			require.NotNil(t, settled, "%s kept %v", o.state, kept)
			assert.True(t, late)
			assert.True(t, settled.open(), "%s kept %v: a human may pay it", o.state, kept)
			assert.False(t, onHold(t, b).IsZero(), "%s kept %v: and it is held", o.state, kept)
		}
	}
}
