package moneytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// What has to hold of money, whatever happens: all of it is in this file. It is held
// against what the servers know, which the clients cannot change.

// evidence is what a world knows at one moment.
type evidence struct {
	w        *world
	reports  []report       // older than the charges
	last     map[int]report // by operation
	charges  map[*place][]sandbox.Charge
	requests map[*place][]sandbox.Request

	held, paid map[int]int64  // in cents, by site, in the end
	open       map[string]int // what is pending in the end, by the reason
}

func (w *world) evidence() *evidence {
	e := &evidence{w: w, reports: w.heard(), last: map[int]report{}, charges: map[*place][]sandbox.Charge{}, requests: map[*place][]sandbox.Request{}, held: map[int]int64{}, paid: map[int]int64{}, open: map[string]int{}}
	for _, r := range e.reports {
		e.last[r.Op] = r
	}
	for _, p := range w.places {
		e.charges[p] = p.srv.Charges()
		e.requests[p] = p.srv.Requests()
	}
	return e
}

// chargesOf are the charges of each operation.
func (e *evidence) chargesOf(t testing.TB) map[*op][]sandbox.Charge {
	t.Helper()
	byCard, bySum := map[string]*op{}, map[int64]*op{}
	for i := range e.w.ops {
		o := &e.w.ops[i]
		for _, card := range o.Cards {
			byCard[card] = o
		}
		if o.Kind == links {
			bySum[o.Cents] = o
		}
	}
	of := map[*op][]sandbox.Charge{}
	for _, p := range e.w.places {
		for _, c := range e.charges[p] {
			o := byCard[c.PaymentMethodID]
			if c.Endpoint == "checkout" {
				o = bySum[c.Cents]
			}
			require.NotNil(t, o, "a charge that nobody wanted: %+v", c)
			require.Equal(t, o.Cents, c.Cents, "%s was charged another sum: %+v", o.label(), c)
			require.Equal(t, e.w.emails[o.Site], c.Email, "%s was charged to somebody else: %+v", o.label(), c)
			of[o] = append(of[o], c)
		}
	}
	return of
}

// asksFor is what a request to pay asks for.
type asksFor struct {
	Card   string      `json:"payment_method_id"`
	Prompt string      `json:"prompt"`
	Amount json.Number `json:"amount"`
}

// always checks what has to hold at every moment.
func (e *evidence) always(t testing.TB) {
	t.Helper()
	of := e.chargesOf(t)
	for o, charges := range of {
		require.Len(t, charges, 1, "%s was charged more than once", o.label())
		require.False(t, o.Never, "%s was charged, which its owner does not allow", o.label())
	}
	e.withinLimits(t)
	e.saysTheTruth(t, of)
	e.sendsOnce(t)
}

// withinLimits adds the charges up that each limit is about.
func (e *evidence) withinLimits(t testing.TB) {
	t.Helper()
	for _, s := range e.w.sums() {
		l := s.limit
		var within []sandbox.Charge
		for _, c := range e.charges[s.p] {
			if slices.ContainsFunc(s.sites, func(i int) bool { return e.w.emails[i] == c.Email }) {
				within = append(within, c)
			}
		}
		if l.Total > 0 {
			total := int64(0)
			for _, c := range within {
				total += c.Cents
			}
			require.LessOrEqual(t, total, l.Total, "more was charged than its owner allows, budget %q", l.Budget)
		}
		if l.PerWindow == 0 {
			continue
		}
		slices.SortFunc(within, func(a, b sandbox.Charge) int { return a.Time.Compare(b.Time) })
		for first := range within {
			total := int64(0)
			for _, c := range within[first:] {
				// The purse counts in milliseconds.
				if c.Time.Sub(within[first].Time) < l.Window-2*time.Millisecond {
					total += c.Cents
				}
			}
			require.LessOrEqual(t, total, l.PerWindow, "more was charged in %v than its owner allows, budget %q", l.Window, l.Budget)
		}
	}
}

// saysTheTruth holds what the processes said against the charges.
func (e *evidence) saysTheTruth(t testing.TB, of map[*op][]sandbox.Charge) {
	t.Helper()
	sessions := map[int]string{}
	for _, r := range e.reports {
		if r.Op < 0 {
			continue
		}
		o := &e.w.ops[r.Op]
		said := fmt.Sprintf("%s is said to be %s: %+v", o.label(), r.Outcome, r)
		switch r.Outcome {
		case paid:
			if o.Kind != generates {
				require.NotEmpty(t, of[o], "%s, and nothing was charged; %s", said, story(func() string { return e.history(o, of) }))
			}
		case declined, refused, limited, settled:
			for _, c := range of[o] {
				require.False(t, c.Time.Before(r.Begun), "%s, and it was charged before: %+v", said, c)
			}
		case twice:
			require.Fail(t, said)
		case mixed: // it is not known yet what became of the card before
			require.Greater(t, len(o.Cards), 1, said)
		}
		if r.Outcome == declined {
			require.NotEqual(t, agrees, o.Human, said)
			require.False(t, slices.Contains([]kind{links, generates}, o.Kind), said)
		}
		if r.Limit != "" && r.Limit != "0" {
			limit, spent := cents(t, r.Limit), cents(t, r.Spent)
			require.LessOrEqual(t, spent, limit, said)
			require.Greater(t, spent+o.Cents, limit, "%s, although there is room", said)
		}
		if r.Session != "" {
			if first := sessions[r.Op]; first != "" {
				require.Equal(t, first, r.Session, "%s has two pages to pay on", o.label())
			}
			sessions[r.Op] = r.Session
		}
	}
}

// cents reads an amount as errors print it.
func cents(t testing.TB, dollars string) int64 {
	t.Helper()
	whole, part, _ := strings.Cut(dollars, ".")
	n, err := strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
	require.NoError(t, err, dollars)
	return n
}

// sendsOnce holds the requests against the operations.
func (e *evidence) sendsOnce(t testing.TB) {
	t.Helper()
	byCard := map[string]*op{}
	for i := range e.w.ops {
		for _, card := range e.w.ops[i].Cards {
			byCard[card] = &e.w.ops[i]
		}
	}
	submissions := map[string]int{}
	for _, p := range e.w.places {
		for _, r := range e.requests[p] {
			var asks asksFor
			if r.Method != "POST" || r.Stripe || json.Unmarshal(r.Body, &asks) != nil {
				continue
			}
			if o := byCard[asks.Card]; o != nil {
				require.False(t, o.Never, "%s was sent, which its owner does not allow", o.label())
			}
			if asks.Prompt != "" && r.Status != 429 {
				submissions[r.Host+" "+asks.Prompt]++
				require.Equal(t, 1, submissions[r.Host+" "+asks.Prompt], "the job %s was submitted twice", asks.Prompt)
			}
		}
	}
}

// finished checks what has to hold once the work was done again to its end, and
// everything was settled that can be.
func (e *evidence) finished(t testing.TB, j *job) {
	t.Helper()
	e.always(t)
	of := e.chargesOf(t)
	s, err := openStore(j.Store, j.Ahead)
	require.NoError(t, err)
	defer s.close()
	for i := range j.Sites {
		c, err := newClient(j, &j.Sites[i], s)
		require.NoError(t, err)
		e.booksBalance(t, c, i, of)
	}
	for _, sum := range e.w.sums() {
		if sum.limit.Window > 0 && sum.limit.Window < 24*time.Hour {
			continue // what was spent counts no more
		}
		alone := j.Sites[sum.sites[0]]
		alone.Limits = []limit{sum.limit}
		c, err := newClient(j, &alone, s)
		require.NoError(t, err)
		want := int64(0)
		for _, i := range sum.sites {
			want += e.held[i] + e.paid[i]
		}
		no := refusal(context.WithoutCancel(t.Context()), c, sum.limit.most()+1)
		require.NotNil(t, no, "more than everything was allowed")
		require.Equal(t, want, cents(t, no.Spent.String()), "a budget counts what was neither paid nor may be: %+v", sum)
	}
}

// refusal asks for more than the owner allows. Its answer says how much of it is used.
func refusal(ctx context.Context, c *modelslab.Client, sum int64) (no *modelslab.SpendLimitError) {
	_, err := c.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Cents(sum), PaymentMethodID: "pm_card_visa"})
	if !errors.As(err, &no) || errors.Is(err, modelslab.ErrFrozen) {
		return nil
	}
	return no
}

// sum is what the limits of one or more accounts are about.
type sum struct {
	p     *place
	limit limit
	sites []int
}

// sums are the sums that are limited in a world.
func (w *world) sums() (all []sum) {
	for i, at := range w.sites {
		for _, l := range at.Limits {
			k := slices.IndexFunc(all, func(s sum) bool { return s.p == w.at[i] && s.limit == l && l.Budget != "" })
			if k < 0 {
				k, all = len(all), append(all, sum{p: w.at[i], limit: l})
			}
			if !slices.Contains(all[k].sites, i) { // one may say it twice
				all[k].sites = append(all[k].sites, i)
			}
		}
	}
	return all
}

// booksBalance holds an account's ledger against its charges.
func (e *evidence) booksBalance(t testing.TB, c *modelslab.Client, site int, of map[*op][]sandbox.Charge) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	pending, err := c.Pending(ctx)
	require.NoError(t, err)
	open := map[*op]modelslab.PendingOperation{}
	for _, p := range pending {
		o := e.w.opNamed(site, p.Operation, p.Amount)
		require.NotNil(t, o, "nobody knows what is pending: %+v", p)
		open[o] = p
		e.held[site] += o.Cents
		switch waits := p.State == "action_required" || p.State == "awaiting_human"; {
		case waits:
			e.open["a human"]++
		case o.Kind == generates:
			e.open["a job that may have been lost"]++
		default:
			e.open["a server that does not tell"]++
		}
	}
	rows := map[*op]*modelslab.LedgerEntry{}
	for row, err := range c.Ledger(ctx) {
		require.NoError(t, err)
		o := e.w.opNamed(site, row.Operation, row.Amount)
		require.NotNil(t, o, "nobody knows what the ledger is about: %+v", row)
		require.Nil(t, rows[o], "%s is in the ledger twice", o.label())
		rows[o] = row
		e.paid[site] += o.Cents
	}
	for i := range e.w.ops {
		o := &e.w.ops[i]
		if o.Site != site {
			continue
		}
		e.isSettled(t, o, rows[o], of, open)
	}
	e.reconciles(t, c, site, rows)
}

// isSettled checks what is known of an operation in the end.
func (e *evidence) isSettled(t testing.TB, o *op, row *modelslab.LedgerEntry, of map[*op][]sandbox.Charge, open map[*op]modelslab.PendingOperation) {
	t.Helper()
	p, pending := open[o]
	charges := of[o]
	is := story(func() string {
		return fmt.Sprintf("%s %s (%s): charges %+v, ledger %+v, pending %+v (%v), said %s", o.label(), o.Kind, e.w.at[o.Site].mode, charges, row, p, pending, e.said(o))
	})
	if row != nil && o.Kind != generates {
		require.Len(t, charges, 1, "the ledger knows of a payment that was not made: %s", is)
		require.Equal(t, modelslab.Cents(charges[0].Cents), row.Amount, "%s", is)
		if row.PaymentIntentID != "" {
			require.Equal(t, charges[0].PaymentIntentID, row.PaymentIntentID, "%s", is)
		}
		if charges[0].IdempotencyKey != "" {
			require.Equal(t, charges[0].IdempotencyKey, row.IdempotencyKey, "%s", is)
		}
		require.False(t, pending, "paid, and pending: %s", is)
	}
	if len(charges) > 0 {
		require.True(t, row != nil || pending, "a charge was forgotten: %s", is)
	}
	if pending && o.Kind != generates {
		if o.Kind == funds && len(charges) > 0 {
			require.True(t, e.ambiguous(o, of, open), "the wallet shows its credit: %s", is)
		}
		waits := p.State == "action_required" || p.State == "awaiting_human"
		require.True(t, waits && o.Human == leaves && len(charges) == 0 || e.hopeless(o, p.IdempotencyKey) || e.ambiguous(o, of, open), "pending, and could be settled: %s", is)
		return
	}
	if o.Kind == generates {
		return
	}
	switch {
	case o.Never, o.Human == refuses, o.Declines:
		require.Empty(t, charges, "%s", is)
		require.False(t, pending, "%s", is)
	case o.Human == leaves && e.w.exact[o.Site]:
		require.Fail(t, "nobody waits for its human", "%s", is)
	case o.Name == "" && row == nil && e.hindered(o, open):
	case !e.w.exact[o.Site] && row == nil:
		require.Contains(t, e.said(o), "Outcome:"+string(limited), "%s", is)
	default:
		require.NotNil(t, row, "it was never paid: %s", is)
	}
}

// story is told if it is asked for.
type story func() string

func (s story) String() string { return s() }

// ambiguous reports whether a payment like it is open, and one of the two was charged:
// nobody can tell then whose a credit of that sum is.
func (e *evidence) ambiguous(o *op, of map[*op][]sandbox.Charge, open map[*op]modelslab.PendingOperation) bool {
	for other := range open {
		if other != o && other.Site == o.Site && other.Cents == o.Cents && (len(of[other]) == 0) != (len(of[o]) == 0) {
			return true
		}
	}
	return false
}

// hindered reports whether another payment without a name is open: none is sent then.
func (e *evidence) hindered(o *op, open map[*op]modelslab.PendingOperation) bool {
	for other := range open {
		if other.Site == o.Site && other.Name == "" && e.last[o.ID].Outcome == busy {
			return true
		}
	}
	return false
}

// hopeless reports whether a server does not tell what became of a request, however often
// it is asked.
func (e *evidence) hopeless(o *op, key string) bool {
	p := e.w.at[o.Site]
	if !p.definite {
		return true
	}
	for _, r := range e.requests[p] {
		if r.IdempotencyKey == key && r.Replay && (r.Status == 429 || r.Status >= 500) {
			return true // it has kept that, and says it for ever
		}
	}
	return false
}

// history is what has happened to an operation, and to those of its account that are of
// the same sum.
func (e *evidence) history(o *op, of map[*op][]sandbox.Charge) string {
	alike := func(other *op) bool { return other.Site == o.Site && other.Cents == o.Cents }
	var lines []string
	add := func(at time.Time, format string, args ...any) {
		lines = append(lines, at.UTC().Format("15:04:05.000000 ")+fmt.Sprintf(format, args...))
	}
	for other, charges := range of {
		for _, c := range charges {
			if alike(other) {
				add(c.Time, "%s is charged %s under %s", other.label(), c.PaymentIntentID, c.IdempotencyKey)
			}
		}
	}
	for _, r := range e.reports {
		if r.Op >= 0 && alike(&e.w.ops[r.Op]) {
			add(r.Begun, "a call of op-%d begins that ends as %s %s", r.Op, r.Outcome, r.Error)
		}
	}
	for _, r := range e.requests[e.w.at[o.Site]] {
		if i := slices.IndexFunc(o.Cards, func(card string) bool { return strings.Contains(string(r.Body), card) }); i >= 0 {
			add(r.Time, "card %d of it is sent: %d %s %v", i, r.Status, r.Fault, r.Duration)
		}
		if strings.Contains(r.Path, "transactions") {
			add(r.Time, "the wallet is read: %d %s", r.Status, r.Fault)
		}
	}
	if s, err := openStore(e.w.store, time.Duration(e.w.ahead.Load())); err == nil {
		defer s.close()
		j := job{KeyLifetime: time.Hour, Attempts: 1, Patience: time.Minute}
		at := e.w.sites[o.Site]
		at.URL = e.w.at[o.Site].srv.URL()
		at.Account = itoa(e.w.accounts[o.Site])
		if c, err := newClient(&j, &at, s); err == nil {
			for row, err := range c.Ledger(context.Background()) {
				if err == nil && row.Amount == modelslab.Cents(o.Cents) {
					add(row.Settled, "%s is in the ledger: try %d, first sent %v, %s %s %q", row.Operation, row.Try, row.FirstSent.UTC().Format("15:04:05.000"), row.PaymentIntentID, row.TransactionID, row.Note)
				}
			}
			pending, _ := c.Pending(context.Background())
			for _, p := range pending {
				if p.Amount == modelslab.Cents(o.Cents) {
					add(p.FirstSent, "%s is first sent, and pending: %+v", p.Operation, p)
				}
			}
		}
	}
	slices.Sort(lines)
	return "what has happened (" + e.w.at[o.Site].mode + "):\n" + strings.Join(lines, "\n")
}

// said is the last word of the processes on an operation.
func (e *evidence) said(o *op) string {
	if r, ok := e.last[o.ID]; ok {
		return fmt.Sprintf("%+v", r)
	}
	return "nothing"
}

// reconciles checks that the wallet and the ledger agree.
func (e *evidence) reconciles(t testing.TB, c *modelslab.Client, site int, rows map[*op]*modelslab.LedgerEntry) {
	t.Helper()
	rec, err := c.Reconcile(context.WithoutCancel(t.Context()), time.Time{})
	require.NoError(t, err)
	assert.Empty(t, rec.Missing, "credits that are not there")
	funded := 0
	for o := range rows {
		if o.Kind == funds || o.Kind == links {
			funded++
		}
	}
	assert.Len(t, rec.Matched, funded, "credits of the payments")
	pending := map[modelslab.Amount]int{}
	for _, p := range rec.Pending {
		pending[p.Amount]++
	}
	for _, tx := range rec.Unclaimed {
		if tx.Amount == modelslab.Cents(opening) {
			continue
		}
		pending[tx.Amount]--
		assert.GreaterOrEqual(t, pending[tx.Amount], 0, "a credit that the journal knows nothing of: %+v", tx)
	}
}

// opNamed finds an operation by what the journal says of it.
func (w *world) opNamed(site int, name string, amount modelslab.Amount) *op {
	if name != "" {
		id, err := strconv.Atoi(strings.TrimPrefix(strings.Split(name, "/")[0], "op-"))
		if err != nil || id < 0 || id >= len(w.ops) || w.ops[id].Name != name || w.ops[id].Site != site {
			return nil
		}
		return &w.ops[id]
	}
	for i := range w.ops {
		if o := &w.ops[i]; o.Site == site && o.Name == "" && modelslab.Cents(o.Cents) == amount {
			return o
		}
	}
	return nil
}
