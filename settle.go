package modelslab

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/modelslab/modelslab-agents-go/internal/retry"
)

// What became of a payment whose answer was lost: read first, then ask with the
// same key while it is young, and otherwise leave it to its owner.

// PendingOperation is a payment that was sent, or may have been, and is not
// settled.
type PendingOperation struct {
	ID              string // what the journal calls it
	IdempotencyKey  string // empty for generations
	Operation       string // the name given with WithOperation, if any
	Endpoint        string // "wallet.fund"
	Account         string
	State           string // "sent", "stranded", "action_required", "awaiting_human", or "declined" in doubt
	PaymentIntentID string // "pi_…", if known
	SessionID       string // "cs_…", of a page to pay on
	GenerationID    string // of a submission whose answer named a job; see Generation.Fetch
	TrackID         string // of a submission with a webhook
	Try, Sends      int
	Amount          Amount // US dollars at stake; 0: not known
	FirstSent       time.Time
}

func (j *journal) pending(r *entry) PendingOperation {
	return PendingOperation{
		ID: r.ID, IdempotencyKey: r.Key, Operation: r.Name, Endpoint: r.Endpoint, Account: j.id(), State: string(r.State),
		PaymentIntentID: r.Intent, SessionID: r.Session, GenerationID: r.Job, TrackID: r.Track,
		Try: r.Try, Sends: r.Sends, Amount: r.Amount, FirstSent: time.UnixMilli(r.First),
	}
}

// Pending lists what the account has sent and not settled, the oldest first: also
// what other processes of the [Store] are at right now. [Client.Settle] finds out
// what became of one.
func (c *Client) Pending(ctx context.Context) ([]PendingOperation, error) {
	j, err := c.journal(ctx)
	if err != nil {
		return nil, err
	}
	if err := j.tidyUp(ctx); err != nil {
		return nil, err
	}
	var ops []PendingOperation
	err = j.see(ctx, func(b *book, _ moment) error {
		ops = nil
		for _, r := range b.Ops {
			if r.open() {
				ops = append(ops, j.pending(r))
			}
		}
		return nil
	})
	slices.SortStableFunc(ops, func(a, b PendingOperation) int { return a.FirstSent.Compare(b.FirstSent) })
	return ops, err
}

// journal is that of the account the client acts for.
func (c *Client) journal(ctx context.Context) (*journal, error) {
	if ctx == nil {
		return nil, &ParamError{Param: "ctx", Reason: "nil"}
	}
	k := c.credentials()
	if k.err != nil {
		return nil, k.err
	}
	if k.account == "" && k.token == "" && k.apiKey == "" {
		return nil, &credentialError{"the", "journal", "an account", "use WithSession, WithAccessToken or WithAccount"}
	}
	return c.journalOf(ctx, k, !c.cfg.private || len(c.cfg.policies) > 0)
}

// SettlementStatus is what Settle found out.
type SettlementStatus string

// The statuses of a settlement.
const (
	Done           SettlementStatus = "done"            // it was paid
	Refused        SettlementStatus = "refused"         // it was not, and cannot be any more
	ActionRequired SettlementStatus = "action_required" // a human has to act: 3-D Secure, or a page to pay on
	Unknown        SettlementStatus = "unknown"         // nobody can say yet
)

// Settlement is what became of a pending operation.
type Settlement struct {
	Status          SettlementStatus
	Amount          Amount // US dollars that have moved; 0 unless Done, or where it is not known
	PaymentIntentID string
	Response        Response // of the last answer, if the API was asked to carry it out
}

func (s Settlement) line() string {
	b := "settlement: " + clean(string(s.Status), maxCodeText)
	if !s.Amount.IsZero() {
		b += " $" + s.Amount.String()
	}
	if s.PaymentIntentID != "" {
		b += " " + clean(s.PaymentIntentID, maxCodeText)
	}
	if s.Response.StatusCode != 0 {
		b += ", " + s.Response.line()
	}
	return b
}

// Format writes one line under every verb.
func (s Settlement) Format(f fmt.State, verb rune) { formatText(f, verb, s.line()) }

// LogValue implements slog.LogValuer.
func (s Settlement) LogValue() slog.Value { return slog.StringValue(s.line()) }

// MarshalJSON writes the facts without headers and body.
func (s Settlement) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Status          SettlementStatus `json:"status"`
		Amount          Amount           `json:"amount"`
		PaymentIntentID string           `json:"payment_intent_id,omitzero"`
		Response        Response         `json:"response"`
	}{s.Status, s.Amount, s.PaymentIntentID, s.Response})
}

// Settle finds out what became of a pending operation. It reads first: the
// payment, the wallet's transactions, the subscriptions, the page to pay on, or
// the job. Where that proves nothing it asks with the same idempotency key, as
// long as that is young ([WithKeyLifetime]), which pays at most once. Otherwise the
// operation is stranded: it counts against the budgets, is never sent again, and
// waits for [Client.Resolve].
//
// An error says that it could not be looked; the status is Unknown then. One that
// another process is at is [ErrPendingOperation].
func (c *Client) Settle(ctx context.Context, op PendingOperation, opts ...RequestOption) (*Settlement, error) {
	var o callOptions
	if err := o.apply(opts); err != nil {
		return nil, err
	}
	if o.key != "" || o.operation != "" || len(o.fields) > 0 {
		return nil, &ParamError{Param: "Settle", Reason: "asks with the key and the request that are recorded; leave WithIdempotencyKey, WithOperation and WithBodyField out"}
	}
	j, err := c.journal(ctx)
	if err != nil {
		return nil, err
	}
	for range 4 {
		last, err := j.lookUp(ctx, op)
		if err != nil {
			return nil, err
		}
		if !last.open() {
			return settlement(last), nil
		}
		found, err := c.pursue(ctx, j, last)
		switch {
		case err != nil:
			return &Settlement{Status: Unknown}, err
		case found == nil || !found.r.open():
			continue
		case !found.young:
			return settlement(found.r), nil
		case len(found.r.Body) == 0 && found.r.Method != "" && !bodiless(found.r), found.r.Method == "":
			err := c.disown(ctx, j, found.r)
			return &Settlement{Status: Unknown}, err
		}
		var resp Response
		err = c.askAgain(ctx, j, found.r, append(opts[:len(opts):len(opts)], WithResponse(&resp)))
		s := settlement(found.r)
		if last, lost := j.lookUp(ctx, op); lost == nil {
			s = settlement(last)
		}
		s.Response = resp
		if o.response != nil {
			*o.response = resp
		}
		if s.Status == Unknown && (errors.Is(err, ErrFrozen) || resp.StatusCode == 0) {
			return s, err
		}
		return s, nil
	}
	return &Settlement{Status: Unknown}, fmt.Errorf("%w: other processes are at it", ErrPendingOperation)
}

func bodiless(r *entry) bool {
	return r.Endpoint == subscriptionsResume.row().Name || r.Endpoint == subscriptionsResetCycle.row().Name
}

func settlement(r *entry) *Settlement {
	s := &Settlement{Status: Unknown, PaymentIntentID: r.Intent}
	switch {
	case r.paid():
		s.Status, s.Amount = Done, r.Paid
	case r.State.settled() && !r.Doubt:
		s.Status = Refused
	case r.State == stateAction, r.State == stateAwaitingHuman:
		s.Status = ActionRequired
	}
	return s
}

// lookUp finds the try that a caller means.
func (j *journal) lookUp(ctx context.Context, op PendingOperation) (*entry, error) {
	var found *entry
	err := j.see(ctx, func(b *book, _ moment) error {
		found = nil
		id := op.id()
		if id == "" {
			return &ParamError{Param: "PendingOperation", Reason: "names no operation: ID, IdempotencyKey or Operation is needed"}
		}
		for _, r := range b.Ops {
			if (r.ID == id || op.ID == "" && r.Key != "" && r.Key == op.IdempotencyKey) && (op.Try == 0 || r.Try == op.Try) {
				found = r.clone()
			}
		}
		if found != nil {
			return nil
		}
		kept, _, err := j.past(ctx, id)
		for _, r := range kept {
			if op.Try == 0 || r.Try == op.Try {
				found = r
			}
		}
		return err
	})
	if err == nil && found == nil && op.ID == "" && op.IdempotencyKey != "" {
		err = j.each(ctx, func(r *entry) { // a named one that is settled
			if r.Key == op.IdempotencyKey && (op.Try == 0 || r.Try == op.Try) {
				found = r
			}
		})
	}
	if err == nil && found == nil {
		err = &ParamError{Param: "PendingOperation", Value: firstOf(op.Operation, op.IdempotencyKey, op.ID), Reason: "is not in the journal of this account"}
	}
	return found, err
}

// notInJournal reports whether lookUp has found nothing.
func notInJournal(err error) bool {
	p, ok := as[*ParamError](err)
	return ok && p.Param == "PendingOperation"
}

func (op *PendingOperation) id() string {
	switch {
	case op.ID != "":
		return op.ID
	case op.Operation != "":
		return operationID(op.Operation)
	case op.IdempotencyKey != "":
		return keyID(op.IdempotencyKey)
	}
	return ""
}

// pursued is a try that this process now is at. young: it may be asked again.
type pursued struct {
	r     *entry
	young bool
}

// pursue goes on with a try that nobody is at, and reads what became of it. nil:
// somebody else has settled it meanwhile. A young one stays this process's.
func (c *Client) pursue(ctx context.Context, j *journal, last *entry) (*pursued, error) {
	var r *entry
	err := j.step(ctx, func(b *book, now moment) error {
		if r != nil {
			delete(j.flying, tryOf{r.ID, r.Try})
			r = nil
		}
		taken, err := b.take(last.ID, last.Try, j.owner, j.isFlying(last.ID, last.Try), now, now.late+leaseMargin.Milliseconds()*3)
		switch {
		case err != nil:
			return err
		case taken == nil:
			return errUnchanged
		}
		r = taken.clone()
		j.fly(r)
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return nil, nil //nolint:nilnil // it is settled by now
	}
	if err != nil {
		if r != nil {
			j.land(r)
		}
		return nil, err
	}
	o, err := c.find(ctx, j, r)
	if err != nil {
		_ = c.disown(ctx, j, r)
		return nil, err
	}
	if o == nil && r.Doubt && c.doubtful(ctx, j, r) == nil {
		o = &outcome{state: stateDeclined, status: r.Status, answer: r.Answer, note: r.Note}
	}
	young := false
	if o == nil && r.State == stateSent {
		now, err := j.now(ctx)
		if err != nil {
			_ = c.disown(ctx, j, r)
			return nil, err
		}
		if r.Key == "" || tooOld(r, now, c.cfg.keyLifetime) {
			o = &outcome{state: stateStranded}
		} else {
			young = true
		}
	}
	if young {
		return &pursued{r, true}, nil
	}
	if o == nil {
		return &pursued{r, false}, c.disown(ctx, j, r)
	}
	writing, cancel := detach(ctx)
	defer cancel()
	settled, _, _, err := j.write(writing, r, o)
	j.land(r)
	if err != nil {
		return nil, err
	}
	if settled == nil {
		return nil, nil //nolint:nilnil // it is settled
	}
	return &pursued{settled, false}, nil
}

// disown says that nobody is at a try any more.
func (c *Client) disown(ctx context.Context, j *journal, r *entry) error {
	writing, cancel := detach(ctx)
	defer cancel()
	_, _, _, err := j.write(writing, r, &outcome{state: stateSent})
	j.land(r)
	return err
}

// askAgain sends a recorded request under its key.
func (c *Client) askAgain(ctx context.Context, j *journal, r *entry, opts []RequestOption) error {
	e := rowNamed(r.Endpoint)
	if e == nil {
		return c.disown(ctx, j, r)
	}
	t := &trip{c: c, e: e, path: r.Path, body: r.Body, key: r.Key, cred: c.credentials(), unanswered: true}
	t.pay = &payment{j: j, r: r}
	t.pay.q = inquiry{id: r.ID, name: r.Name, endpoint: r.Endpoint, print: r.Print, owner: j.owner}
	if err := firstError(t.opts.apply(c.cfg.defaults), t.opts.apply(opts)); err != nil {
		return errors.Join(err, c.disown(ctx, j, r))
	}
	out := t.recorded()
	if err := t.lookBefore(ctx); err != nil {
		return errors.Join(err, c.disown(ctx, j, r))
	}
	if err := t.allowAgain(ctx); err != nil {
		return err
	}
	if err := t.wait(ctx); err != nil {
		return errors.Join(err, c.disown(ctx, j, r))
	}
	return seal(t.pays(ctx, out))
}

// lookBefore looks at the link that was made in the place of the card that is about
// to be asked again.
func (t *trip) lookBefore(ctx context.Context) error {
	var link *entry
	err := t.pay.j.see(ctx, func(b *book, _ moment) (err error) {
		if link, err = t.pay.j.linkOf(ctx, b, &t.pay.q); link != nil {
			link = link.clone()
		}
		return err
	})
	if err == nil && link != nil && link.open() {
		err = t.c.lookAtLink(ctx, link)
	}
	return err
}

// recorded makes the params and the result of a request that was taken from the
// journal.
func (t *trip) recorded() any {
	switch t.e {
	case walletFund.row():
		if member(t.body, "payment_method_id") == nil {
			return recordedAs[WalletFundCheckoutParams, PaymentLink](t)
		}
		return recordedAs[WalletFundParams, Funding](t)
	case billingPaymentLink.row():
		return recordedAs[PaymentLinkParams, PaymentLink](t)
	case subscriptionsCreate.row():
		if member(t.body, "payment_method_id") == nil {
			return recordedAs[SubscriptionCheckoutParams, PaymentLink](t)
		}
		return recordedAs[SubscriptionCreateParams, SubscriptionResult](t)
	case subscriptionsChangePlan.row():
		return recordedAs[SubscriptionChangePlanParams, SubscriptionChange](t)
	case subscriptionsChargeAmount.row():
		return recordedAs[SubscriptionChargeAmountParams, AmountCharge](t)
	case walletRedeemCoupon.row():
		return recordedAs[WalletRedeemCouponParams, CouponRedemption](t)
	case walletWithdraw.row():
		return recordedAs[WalletWithdrawParams, Withdrawal](t)
	case walletSetAutoFunding.row():
		return recordedAs[WalletSetAutoFundingParams, AutoFunding](t)
	}
	return new(SubscriptionChange)
}

// recordedAs reads the params of a recorded request, and makes its result.
func recordedAs[Params, Result any](t *trip) any {
	var p Params
	if json.Unmarshal(t.body, &p) == nil {
		t.in.body = p
	}
	return new(Result)
}

func rowNamed(name string) *Endpoint {
	for i := range table {
		if table[i].Name == name {
			return &table[i]
		}
	}
	return nil
}

// Reading.

// find reads what became of a try; nil: nothing proves it.
func (c *Client) find(ctx context.Context, j *journal, r *entry) (*outcome, error) {
	if r.Intent != "" {
		status, err := c.Wallet.PaymentStatus(ctx, r.Intent)
		switch {
		case err == nil && status.Succeeded():
			o := &outcome{state: stateSucceeded, intent: r.Intent, note: "read from the payment"}
			if status.Amount != nil {
				o.paid = *status.Amount
			}
			if r.Endpoint == walletFund.row().Name && r.Known && o.paid.Less(r.Amount) {
				o.paid = r.Amount // what says less has the budgets no cheaper
			}
			return o, nil
		case err == nil && status.IsFinal() && r.State == stateAction:
			return &outcome{state: stateDeclined, intent: r.Intent, status: 402, note: "the payment has " + clean(status.Status, maxCodeText)}, nil
		case r.State == stateAction:
			return nil, err
		case err != nil && !errors.Is(err, ErrNotFound):
			return nil, err
		}
	}
	switch e := rowNamed(r.Endpoint); {
	case r.Session != "":
		return c.findSession(ctx, r)
	case r.Job != "":
		return c.findJob(ctx, r)
	case e == nil:
		return nil, nil //nolint:nilnil // a path that nobody knows
	case e == walletFund.row():
		if r.Payment == "" || r.Amount.IsZero() {
			return nil, nil //nolint:nilnil // nothing was to be charged at once
		}
		return c.findCredit(ctx, j, r)
	case strings.HasPrefix(r.Endpoint, "subscriptions."):
		return c.findSubscription(ctx, j, r)
	}
	return nil, nil //nolint:nilnil // nothing to read
}

// findJob asks for the job that a lost answer named.
func (c *Client) findJob(ctx context.Context, r *entry) (*outcome, error) {
	_, err := c.Generation.Fetch(ctx, &Generation{ID: r.Job, Path: r.Path})
	switch {
	case err == nil, errors.Is(err, ErrGenerationFailed):
		return &outcome{state: stateSucceeded, job: r.Job, note: "its job is there"}, nil
	case errors.Is(err, ErrValidation), errors.Is(err, ErrNotFound):
		return nil, nil //nolint:nilnil // it cannot be asked for
	}
	return nil, err
}

// Why reading does not tell that a payment was not made.
var (
	errTooMany = errors.New("the wallet has too many transactions since")
	errCoupon  = errors.New("a credit may be a coupon's, or its own")
)

// mostRead is how many transactions are read to find one, 200 at a time.
const mostRead = 2000

// findCredit looks for the credit of a payment among the wallet's transactions.
func (c *Client) findCredit(ctx context.Context, j *journal, r *entry) (*outcome, error) {
	w, err := c.credits(ctx, j, r)
	if err != nil {
		return nil, err
	}
	for _, tx := range w.free {
		if tx == w.claimed || r.Intent != "" && tx.TransactionID == r.Intent {
			return c.claim(ctx, j, r, tx)
		}
	}
	switch {
	case w.perhaps > 0 || len(w.free)-w.unnamed != w.open:
		return nil, nil //nolint:nilnil // ambiguity is no proof
	case len(w.free) == 1:
		return c.claim(ctx, j, r, w.free[0])
	}
	// All of them are paid, and nobody can say which credit is whose.
	return &outcome{state: stateSucceeded, paid: r.Amount, note: fmt.Sprintf("found with %d alike in the wallet's transactions", len(w.free))}, nil
}

// claim makes a transaction that of a try, if it is nobody's.
func (c *Client) claim(ctx context.Context, j *journal, r *entry, tx *Transaction) (*outcome, error) {
	id := tx.identity()
	mine := []byte(claimant(r))
	key := j.space + "claim/" + storeName(id)
	ok, err := j.store.Swap(ctx, key, nil, mine, 0)
	if err == nil && !ok {
		var whose []byte
		whose, err = j.store.Get(ctx, key)
		ok = bytes.Equal(whose, mine)
	}
	if err != nil {
		return nil, &storeError{"claiming a transaction", err}
	}
	if !ok {
		return nil, nil //nolint:nilnil // it is another payment's
	}
	o := &outcome{state: stateSucceeded, paid: tx.Amount, tx: id, note: "found in the wallet's transactions"}
	if paymentIntentForm.MatchString(tx.TransactionID) {
		o.intent = tx.TransactionID
	}
	return o, nil
}

// claimant is who a try is among those who claim transactions.
func claimant(r *entry) string { return r.ID + "/" + itoa(int64(r.Try)) }

// funds reports whether a transaction is a card's payment into the wallet, as far
// as it says: not a coupon, nor a gift.
func (tx *Transaction) funds() bool {
	switch {
	case tx.Type != "" && tx.Type != TransactionCredit, !finished(tx.Status):
		return false
	case tx.Source != "" && tx.Source != "stripe", tx.UseCase != "" && tx.UseCase != "wallet_funding":
		return false
	}
	return tx.TransactionID == "" || paymentIntentForm.MatchString(tx.TransactionID) || sessionInURL.MatchString(tx.TransactionID)
}

// identity is what a transaction is known by.
func (tx *Transaction) identity() string {
	return firstOf(tx.TransactionID, tx.ref, itoa(int64(tx.ID)))
}

// creditsOf are the wallet's credits of one sum since a try was sent, and who may
// want them.
type creditsOf struct {
	free    []*Transaction // those that are not known to be another payment's
	claimed *Transaction   // the one that the try has claimed before
	open    int            // payments of the sum whose outcome is open, this one included
	unnamed int            // paid ones of the time, of which nobody knows which credit is theirs
	perhaps int            // likewise, and theirs may be older
	coupons int            // of unnamed, those that may have credited another sum
	cut     bool           // there are more transactions than are read
}

// credits reads the wallet, then the journal, then the claims: what has made a
// credit was written down before that, and what has left the journal has claimed
// its credit before that.
func (c *Client) credits(ctx context.Context, j *journal, r *entry) (*creditsOf, error) {
	after := time.UnixMilli(r.First).Add(-clockSlack)
	var all []*Transaction
	read := 0
	w := &creditsOf{open: 1}
	for tx, err := range c.Wallet.AllTransactions(ctx, TransactionsParams{}) {
		if err != nil {
			return nil, err
		}
		if read++; read > mostRead {
			w.cut = tx.CreatedAt.IsZero() || !tx.CreatedAt.Before(after) // they come the newest first
			break
		}
		credit := tx.funds() && tx.Amount == r.Amount
		named := tx.TransactionID != "" && (tx.TransactionID == r.Intent || tx.TransactionID == r.Session)
		if credit && (named || !tx.CreatedAt.IsZero() && !tx.CreatedAt.Before(after)) {
			all = append(all, tx)
		}
	}
	var others []*entry
	if err := j.payments(ctx, r.Amount, func(x *entry) {
		if (x.ID != r.ID || x.Try != r.Try) && x.credits() {
			others = append(others, x)
		}
	}); err != nil {
		return nil, err
	}
	claims := map[string]bool{} // who has claimed one of them
	for _, tx := range all {
		whose, err := j.store.Get(ctx, j.space+"claim/"+storeName(tx.identity()))
		switch {
		case err != nil:
			return nil, &storeError{"reading a claim", err}
		case string(whose) == claimant(r):
			w.claimed = tx
			fallthrough
		case whose == nil:
			w.free = append(w.free, tx)
		default:
			claims[string(whose)] = true
		}
	}
	for _, x := range others {
		if claims[claimant(x)] {
			continue
		}
		i := slices.IndexFunc(w.free, func(tx *Transaction) bool {
			id := tx.identity()
			return x.paid() && (id == x.Intent || id == x.Session || id == x.Tx)
		})
		switch {
		case i >= 0:
			w.free = slices.Delete(w.free, i, i+1)
		case x.sum() != r.Amount:
		case x.open():
			w.open++
		case !x.paid() || time.UnixMilli(x.Settled).Before(after):
		case time.UnixMilli(x.First).After(after):
			w.unnamed++
			if x.Endpoint == walletRedeemCoupon.row().Name {
				w.coupons++
			}
		default:
			w.perhaps++
		}
	}
	return w, nil
}

// sum is what a try has credited to the wallet, or would.
func (r *entry) sum() Amount {
	if r.paid() && !r.Paid.IsZero() {
		return r.Paid
	}
	return r.Amount
}

// payments goes over the tries that may explain a credit of a sum, beside those
// that have claimed it.
func (j *journal) payments(ctx context.Context, sum Amount, do func(*entry)) error {
	if j.private {
		return j.each(ctx, do)
	}
	var open []*entry
	if err := j.see(ctx, func(b *book, _ moment) error {
		open = open[:0]
		for _, r := range b.Ops {
			open = append(open, r.clone())
		}
		return nil
	}); err != nil {
		return err
	}
	seen := map[tryOf]bool{}
	for _, r := range open {
		seen[tryOf{r.ID, r.Try}] = true
		do(r)
	}
	for key, err := range j.store.List(ctx, j.paidPrefix(sum)) {
		var raw []byte
		if err == nil {
			raw, err = j.store.Get(ctx, key)
		}
		if err != nil {
			return &storeError{"listing payments of a sum", err}
		}
		r := &entry{}
		if raw == nil || json.Unmarshal(raw, r) != nil || seen[tryOf{r.ID, r.Try}] {
			continue
		}
		do(r)
	}
	return nil
}

func (j *journal) paidPrefix(sum Amount) string { return j.space + "paid/" + sum.String() + "/" }

// explain says whose the transactions of a paid try are, so that they prove no
// other one. Of a try of which nobody knows which transaction is its own, it says
// that there is one.
func (j *journal) explain(ctx context.Context, r *entry) error {
	if !r.paid() || !r.credits() {
		return nil
	}
	known := false
	for _, id := range [...]string{r.Intent, r.Session, r.Tx} {
		if id == "" {
			continue
		}
		known = known || id != r.Session
		if _, err := j.store.Swap(ctx, j.space+"claim/"+storeName(id), nil, []byte(claimant(r)), 0); err != nil {
			return &storeError{"claiming a transaction", err}
		}
	}
	if known {
		return nil
	}
	enc, err := json.Marshal(entry{ID: r.ID, Endpoint: r.Endpoint, Try: r.Try, State: r.State, First: r.First, Settled: r.Settled, Paid: r.Paid, Amount: r.Amount, Session: r.Session})
	if err != nil {
		return err
	}
	if _, err := j.store.Swap(ctx, j.paidPrefix(r.sum())+storeName(claimant(r)), nil, enc, 0); err != nil {
		return &storeError{"writing down a payment of a sum", err}
	}
	return nil
}

// credits reports whether a try adds to the wallet, should it be paid.
func (r *entry) credits() bool {
	switch r.Endpoint {
	case walletFund.row().Name, walletRedeemCoupon.row().Name:
		return true
	case billingPaymentLink.row().Name:
		return r.Plan == 0
	}
	return false
}

// doubtful reports why it is not sure that a declined payment was not charged by
// an earlier sending; nil: it was not.
func (c *Client) doubtful(ctx context.Context, j *journal, r *entry) error {
	switch {
	case r.Endpoint == walletFund.row().Name && r.Payment != "":
		w, err := c.credits(ctx, j, r)
		switch {
		case err != nil:
			return err
		case len(w.free) > w.unnamed:
			return ErrOutcomeUnknown
		case len(w.free) > 0 && w.coupons > 0:
			return errCoupon
		case w.cut:
			return errTooMany
		}
		return nil
	case strings.HasPrefix(r.Endpoint, "subscriptions.") && r.Before != nil:
		o, sure, err := c.lookSubscription(ctx, j, r)
		if o != nil {
			return ErrOutcomeUnknown
		}
		if err != nil || sure {
			return err
		}
	}
	return errors.New("nothing to read tells")
}

// listSubscriptions notes what subscriptions there are before one is changed, so
// that a lost answer can be told from what has changed.
func (t *trip) listSubscriptions(ctx context.Context) error {
	p := t.pay
	if p.j.private && len(t.c.cfg.policies) == 0 || !strings.HasPrefix(t.e.Name, "subscriptions.") || p.before != nil || t.e == subscriptionsChargeAmount.row() {
		return nil
	}
	list, err := t.c.Subscriptions.List(ctx)
	if err != nil {
		return fmt.Errorf("modelslab: the subscriptions before %s cannot be read, and nothing was sent: %w", t.e.Name, err)
	}
	p.before = []string{}
	for i := range list {
		p.before = append(p.before, snapshot(&list[i]))
	}
	return nil
}

// snapshot is what may change of a subscription.
func snapshot(s *Subscription) string {
	start := ""
	if s.CurrentPeriodStart != nil {
		start = s.CurrentPeriodStart.UTC().Format(time.RFC3339)
	}
	return strings.Join([]string{firstOf(itoa(int64(s.ID)), s.StripeSubscriptionID), itoa(int64(s.PlanID)), s.Status, start}, "|")
}

// findSubscription compares the subscriptions with those before.
func (c *Client) findSubscription(ctx context.Context, j *journal, r *entry) (*outcome, error) {
	o, _, err := c.lookSubscription(ctx, j, r)
	return o, err
}

// lookSubscription is findSubscription; sure: without an outcome nothing was paid.
func (c *Client) lookSubscription(ctx context.Context, j *journal, r *entry) (o *outcome, sure bool, err error) {
	if r.Before == nil {
		return nil, false, nil // nothing to compare with
	}
	list, err := c.Subscriptions.List(ctx)
	if err != nil {
		return nil, false, err
	}
	rivals := 0 // who may have changed them too; they were written down before they did
	if err := j.each(ctx, func(x *entry) {
		alike := x.Endpoint == r.Endpoint && x.Path == r.Path || subscribes(x) && r.Endpoint == subscriptionsCreate.row().Name
		if r.Endpoint == subscriptionsCreate.row().Name && x.Plan != 0 && r.Plan != 0 && x.Plan != r.Plan {
			alike = false // another plan
		}
		if alike && (x.ID != r.ID || x.Try != r.Try) && (x.open() || x.paid() && x.Settled >= r.First-clockSlack.Milliseconds()) {
			rivals++
		}
	}); err != nil {
		return nil, false, err
	}
	was := map[string][]string{}
	for _, s := range r.Before {
		parts := strings.Split(s, "|")
		was[parts[0]] = parts
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(r.Path, agentsBase+"/subscriptions/"), "/")
	var proof []*Subscription
	latest := time.UnixMilli(r.First).Add(c.cfg.keyLifetime + clockSlack) // later periods begin by themselves
	same := r.Endpoint == subscriptionsCreate.row().Name
	for i := range list {
		s := &list[i]
		now := strings.Split(snapshot(s), "|")
		before, known := was[now[0]]
		changed := false
		if now[0] == id && known { // it would show
			same = now[3] == before[3] && now[2] == before[2] && now[1] == before[1] &&
				(r.Endpoint == subscriptionsChangePlan.row().Name || r.Endpoint == subscriptionsResetCycle.row().Name && now[3] != "" ||
					!s.Active() && r.Endpoint != subscriptionsResetCycle.row().Name)
		}
		switch r.Endpoint {
		case subscriptionsCreate.row().Name:
			same = same && known // and none has come
			changed = !known && s.PlanID == r.Plan && s.Active()
		case subscriptionsChangePlan.row().Name:
			changed = now[0] == id && known && s.PlanID == r.Plan && before[1] != now[1]
		case subscriptionsResetCycle.row().Name:
			changed = now[0] == id && known && before[3] != "" && now[3] > before[3] && s.CurrentPeriodStart.Before(latest)
		case subscriptionsResume.row().Name, subscriptionsFixPayment.row().Name:
			changed = now[0] == id && known && s.Active() && before[2] != s.Status
		}
		if changed {
			proof = append(proof, s)
		}
	}
	if len(proof) != 1 || rivals > 0 {
		return nil, same && len(proof) == 0 && rivals == 0, nil // ambiguity is no proof
	}
	o = &outcome{state: stateSucceeded, note: "found among the subscriptions"}
	if proof[0].Amount != nil {
		o.paid = *proof[0].Amount
	}
	return o, false, nil
}

// findSession asks whether a page to pay on was paid, which credits it.
func (c *Client) findSession(ctx context.Context, r *entry) (*outcome, error) {
	link := &PaymentLink{SessionID: r.Session, Amount: r.Amount, PlanID: r.Plan}
	if r.Expires != 0 {
		link.ExpiresAt = &Timestamp{time.UnixMilli(r.Expires)}
	}
	var resp Response
	confirm := func() (intent string, err error) {
		f, err := c.Wallet.ConfirmCheckout(ctx, r.Session, WithResponse(&resp))
		if err == nil {
			intent = f.PaymentIntentID
		}
		return intent, err
	}
	found := func(refused *APIError) (string, bool) {
		f, ok := c.Wallet.credited(ctx, link, refused)
		if !ok {
			return "", false
		}
		return f.PaymentIntentID, true
	}
	if subscribes(r) {
		confirm = func() (string, error) {
			_, err := c.Subscriptions.ConfirmCheckout(ctx, r.Session, WithResponse(&resp))
			return "", err
		}
		found = func(refused *APIError) (string, bool) {
			_, ok := c.Subscriptions.subscribed(ctx, link, refused)
			return "", ok
		}
	}
	paid := func(intent string) *outcome {
		return &outcome{state: stateSucceeded, intent: intent, note: "a human has paid"}
	}
	if intent, ok := found(nil); ok {
		return paid(intent), nil
	}
	intent, err := confirm()
	if err == nil {
		return paid(intent), nil
	}
	api, answered := as[*APIError](err)
	if answered {
		if intent, ok := found(api); ok {
			return paid(intent), nil
		}
	}
	if !errors.Is(err, ErrCheckoutPending) {
		return nil, err
	}
	server := retry.ServerTime(resp.Header["Date"], time.Time{})
	if p, ok := as[*pendingError](err); ok && p.unpaid && !resp.IdempotencyReplay && link.expired(server.Add(-expiryGrace)) {
		return &outcome{state: stateClosed, note: "nobody paid before it expired"}, nil
	}
	return nil, nil //nolint:nilnil // nobody has paid yet
}

// subscribes reports whether a page buys a plan.
func subscribes(r *entry) bool {
	return r.Endpoint == subscriptionsCreate.row().Name || r.Endpoint == billingPaymentLink.row().Name && r.Plan != 0
}

// settlesSession writes down that a page was paid, whoever has confirmed it.
func (c *Client) settlesSession(ctx context.Context, session, intent string) error {
	j, err := c.journal(ctx)
	if err != nil {
		return err
	}
	meant := func(r *entry) bool { return r.Session == session }
	o := &outcome{state: stateSucceeded, intent: intent, note: "a human has paid"}
	if found, err := j.settleWhere(ctx, meant, o); found || err != nil {
		return err
	}
	return j.settleLate(ctx, meant, o)
}

// settlesTrack writes down that a submission whose answer was lost has a job.
func (c *Client) settlesTrack(ctx context.Context, track, id string) error {
	if track == "" || c.cfg.private {
		return nil
	}
	j, err := c.journal(ctx)
	if err != nil {
		return err
	}
	_, err = j.settleWhere(ctx, func(r *entry) bool { return r.Track == track }, &outcome{state: stateSucceeded, job: id, note: "its webhook has come"})
	return err
}

// lostSubmission is where a submission with that track id was sent whose answer
// was lost, if the journal knows of one.
func (c *Client) lostSubmission(ctx context.Context, track string) (*Generation, error) {
	if track == "" || c.cfg.private {
		return nil, nil //nolint:nilnil // there is none
	}
	j, err := c.journal(ctx)
	if err != nil {
		return nil, err
	}
	var g *Generation
	err = j.see(ctx, func(b *book, _ moment) error {
		g = nil
		for _, r := range b.Ops {
			if r.open() && r.Track == track {
				g = &Generation{Path: r.Path, TrackID: track}
			}
		}
		return nil
	})
	return g, err
}

// settleWhere settles the open try that is meant, if there is one.
func (j *journal) settleWhere(ctx context.Context, meant func(*entry) bool, o *outcome) (found bool, err error) {
	var r *entry
	if err := j.see(ctx, func(b *book, _ moment) error {
		r = nil
		for _, x := range b.Ops {
			if x.open() && meant(x) {
				r = x.clone()
			}
		}
		return nil
	}); err != nil || r == nil {
		return false, err
	}
	return true, j.writeDetached(ctx, r, o)
}

// settleLate records a payment that had been called unpaid, if one is meant. It
// goes over the whole journal.
func (j *journal) settleLate(ctx context.Context, meant func(*entry) bool, o *outcome) error {
	var r *entry
	paid := false
	if err := j.each(ctx, func(x *entry) {
		switch {
		case !meant(x):
		case x.paid():
			paid = true
		case r == nil || r.Try < x.Try:
			r = x.clone()
		}
	}); err != nil || r == nil || paid {
		return err
	}
	return j.writeDetached(ctx, r, o)
}

func (j *journal) writeDetached(ctx context.Context, r *entry, o *outcome) error {
	writing, cancel := detach(ctx)
	defer cancel()
	settled, late, other, err := j.write(writing, r, o)
	if err == nil && late && other != nil && (other.paid() || other.open()) {
		err = paidTwice(settled, other)
	}
	return err
}

// each goes over all tries of the account, each once: those in the book, and
// those that are kept under their operations.
func (j *journal) each(ctx context.Context, do func(*entry)) error {
	var open []*entry
	seen := map[tryOf]bool{}
	if err := j.see(ctx, func(b *book, _ moment) error {
		open = open[:0]
		for _, r := range b.Ops {
			open = append(open, r.clone())
		}
		return nil
	}); err != nil {
		return err
	}
	for _, r := range open {
		seen[tryOf{r.ID, r.Try}] = true
		do(r)
	}
	for id, err := range j.operations(ctx) {
		if err != nil {
			return err
		}
		tries, _, err := j.past(ctx, id)
		if err != nil {
			return err
		}
		for _, r := range tries {
			if !seen[tryOf{r.ID, r.Try}] {
				do(r)
			}
		}
	}
	return nil
}

// operations are those of which settled tries are kept.
func (j *journal) operations(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if j.private {
			j := j.lockKept()
			ids := slices.Sorted(maps.Keys(j.kept))
			j.keptMu.Unlock()
			for _, id := range ids {
				if !yield(id, nil) {
					return
				}
			}
			return
		}
		prefix := j.space + "op/"
		for key, err := range j.store.List(ctx, prefix) {
			if err != nil {
				yield("", &storeError{"listing the operations", err})
				return
			}
			if !yield(strings.TrimPrefix(key, prefix), nil) {
				return
			}
		}
	}
}

// forget takes away what is kept of an operation, if it still is that.
func (j *journal) forget(ctx context.Context, id string, tries []*entry, raw []byte) (bool, error) {
	if j.private {
		j = j.lockKept()
		defer j.keptMu.Unlock()
		if !slices.Equal(j.kept[id], tries) {
			return false, nil
		}
		delete(j.kept, id)
		return true, nil
	}
	ok, err := j.store.Swap(ctx, j.space+"op/"+id, raw, nil, 0)
	if err != nil {
		return false, &storeError{"forgetting an operation", err}
	}
	return ok, nil
}

// Verdict is the owner's word on a payment that nobody else can tell of.
type Verdict string

// The verdicts.
const (
	Paid    Verdict = "paid"
	NotPaid Verdict = "not_paid"
)

// Resolve writes down the owner's word on a payment: what the card's statement or
// the vendor's support says of one that Settle leaves unknown. Paid answers later
// calls of the operation with success and counts op.Amount, or what was held.
// NotPaid gives the budgets back what they held and opens the name again; if money
// has moved all the same, [Client.Reconcile] finds it.
//
// With Paid, an operation that the journal has lost is written down anew, so that
// its name is not paid for again: it needs Operation, Endpoint and Amount. note is
// kept beside it.
func (c *Client) Resolve(ctx context.Context, op PendingOperation, v Verdict, note string) error {
	o := &outcome{note: firstOf(clean(note, maxMessageText), "its owner's word")}
	switch v {
	case Paid:
		o.state, o.paid = stateSucceeded, op.Amount
		o.intent, o.session, o.job = op.PaymentIntentID, op.SessionID, op.GenerationID
	case NotPaid:
		o.state = stateClosed
	default:
		return &ParamError{Param: "Verdict", Value: string(v), Reason: "must be Paid or NotPaid"}
	}
	if op.Amount.Sign() < 0 || largestLimit.Less(op.Amount) {
		return &ParamError{Param: "PendingOperation.Amount", Value: op.Amount.String(), Reason: "must be $0 to $" + largestLimit.String()}
	}
	j, err := c.journal(ctx)
	if err != nil {
		return err
	}
	r, err := j.lookUp(ctx, op)
	if notInJournal(err) && v == Paid && op.Operation != "" && op.Endpoint != "" {
		return c.recover(ctx, j, op, o)
	}
	if err != nil {
		return err
	}
	switch {
	case r.paid() && v == NotPaid:
		return &ParamError{Param: "Verdict", Value: string(v), Reason: "the payment is recorded as paid"}
	case !r.open() && v == NotPaid, r.paid():
		return nil
	}
	err = j.step(ctx, func(b *book, now moment) error {
		x := b.find(r.ID, r.Try)
		if x != nil && x.held(j.owner, j.isFlying(x.ID, x.Try), now) {
			return fmt.Errorf("%w: it is on its way in %s", ErrPendingOperation, where(x.Owner == j.owner))
		}
		return errUnchanged
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return err
	}
	if o.paid.IsZero() {
		o.paid = r.Amount
	}
	writing, cancel := detach(ctx)
	defer cancel()
	settled, _, _, err := j.write(writing, r, o)
	if err == nil && settled != nil && settled.open() {
		err = fmt.Errorf("%w: another process has gone on with it", ErrPendingOperation)
	}
	return err
}

// recover writes down an operation that its owner says was paid, and that the
// journal does not know.
func (c *Client) recover(ctx context.Context, j *journal, op PendingOperation, o *outcome) error {
	if e := rowNamed(op.Endpoint); e == nil || !e.Spends {
		return &ParamError{Param: "PendingOperation.Endpoint", Value: op.Endpoint, Reason: "is no endpoint that spends; see Endpoints"}
	}
	if err := firstError(checkOperation(op.Operation), checkAmount("PendingOperation.Amount", op.Amount)); err != nil {
		return err
	}
	if op.Try < 0 {
		return &ParamError{Param: "PendingOperation.Try", Value: itoa(int64(op.Try)), Reason: "must not be negative"}
	}
	try := max(op.Try, 1)
	r := &entry{
		Budgets: c.cfg.budgets(), Holder: newKey(),
		ID: operationID(op.Operation), Name: op.Operation, Endpoint: op.Endpoint, Key: op.IdempotencyKey, Try: try,
		State: stateStranded, Amount: op.Amount, Hold: op.Amount, Intent: op.PaymentIntentID, Session: op.SessionID, Nobody: true, Lost: true,
	}
	if r.Key == "" {
		r.Key = operationKey(j.id(), op.Endpoint, op.Operation, try)
	}
	if err := j.step(ctx, func(b *book, now moment) error {
		r.First = now.early
		if b.find(r.ID, r.Try) == nil {
			b.reserve(r.clone())
		}
		return nil
	}); err != nil {
		return err
	}
	_, _, _, err := j.write(ctx, r, o)
	return err
}

// LedgerEntry is a payment that was made.
type LedgerEntry struct {
	ID              string // what the journal calls it
	Operation       string // the name given with WithOperation, if any
	Endpoint        string
	IdempotencyKey  string
	Try             int
	Amount          Amount // US dollars; of a generation the most that was counted for it
	PaymentIntentID string // "pi_…", if known
	SessionID       string // "cs_…", of a page to pay on
	GenerationID    string
	TransactionID   string // of the wallet's transaction that proved it, if one did
	FirstSent       time.Time
	Settled         time.Time // when it was known to be paid
	Note            string    // how it is known, if not by the call's own answer
}

func ledgerEntry(r *entry) *LedgerEntry {
	return &LedgerEntry{
		ID: r.ID, Operation: r.Name, Endpoint: r.Endpoint, IdempotencyKey: r.Key, Try: r.Try, Amount: r.Paid,
		PaymentIntentID: r.Intent, SessionID: r.Session, GenerationID: r.Job, TransactionID: r.Tx,
		FirstSent: time.UnixMilli(r.First), Settled: time.UnixMilli(r.Settled), Note: r.Note,
	}
}

// Ledger yields the account's payments, each once, in the order in which they
// were settled. It ends with at most one error, last. With the default store
// generations without a name are not in it.
func (c *Client) Ledger(ctx context.Context) iter.Seq2[*LedgerEntry, error] {
	return func(yield func(*LedgerEntry, error) bool) {
		j, err := c.journal(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		paid, err := j.paid(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, r := range paid {
			if !yield(ledgerEntry(r), nil) {
				return
			}
		}
	}
}

func (j *journal) paid(ctx context.Context) (paid []*entry, err error) {
	err = j.each(ctx, func(r *entry) {
		if r.paid() {
			paid = append(paid, r)
		}
	})
	slices.SortStableFunc(paid, func(a, b *entry) int { return cmp.Or(cmp.Compare(a.Settled, b.Settled), cmp.Compare(a.First, b.First)) })
	return paid, err
}

// Reconciliation compares the ledger with the wallet's transactions.
type Reconciliation struct {
	Matched   []LedgerEntry      // payments whose credit is in the wallet
	Unclaimed []Transaction      // credits that no payment in the ledger explains: somebody else's, auto-funding's, or lost ones
	Missing   []LedgerEntry      // payments into the wallet without a credit, such as ones that were refunded
	Pending   []PendingOperation // what is not settled; see Settle
}

// Reconcile compares what the journal knows of the wallet with what the wallet
// says, since a time. It finds charges that the journal has lost, as after a store
// was restored from a copy: they are in Unclaimed, and [Client.Resolve] with Paid
// writes them down under their names again. It sends no payment and settles none.
func (c *Client) Reconcile(ctx context.Context, since time.Time) (*Reconciliation, error) {
	j, err := c.journal(ctx)
	if err != nil {
		return nil, err
	}
	rec := &Reconciliation{}
	if rec.Pending, err = c.Pending(ctx); err != nil {
		return nil, err
	}
	paid, err := j.paid(ctx)
	if err != nil {
		return nil, err
	}
	var credits []*Transaction
	for tx, err := range c.Wallet.AllTransactions(ctx, TransactionsParams{}) {
		if err != nil {
			return nil, err
		}
		if (tx.Type == "" || tx.Type == TransactionCredit) && finished(tx.Status) && !tx.CreatedAt.Before(since) {
			credits = append(credits, tx)
		}
	}
	paid = slices.DeleteFunc(paid, func(r *entry) bool {
		return !r.credits() || time.UnixMilli(r.Settled).Before(since) && time.UnixMilli(r.First).Before(since)
	})
	named := func(r *entry, tx *Transaction) bool {
		id := firstOf(tx.TransactionID, tx.ref, itoa(int64(tx.ID)))
		return id == r.Intent || id == r.Session || id == r.Tx
	}
	alike := func(r *entry, tx *Transaction) bool {
		return r.Intent == "" && r.Tx == "" && tx.Amount == r.Paid && tx.funds()
	}
	for _, same := range [...]func(*entry, *Transaction) bool{named, alike} {
		paid = slices.DeleteFunc(paid, func(r *entry) bool {
			i := slices.IndexFunc(credits, func(tx *Transaction) bool { return same(r, tx) })
			if i < 0 {
				return false
			}
			credits = slices.Delete(credits, i, i+1)
			rec.Matched = append(rec.Matched, *ledgerEntry(r))
			return true
		})
	}
	for _, tx := range credits {
		rec.Unclaimed = append(rec.Unclaimed, *tx)
	}
	for _, r := range paid {
		if !fundsWallet(r) {
			continue // what a coupon credits is not its price
		}
		rec.Missing = append(rec.Missing, *ledgerEntry(r))
	}
	return rec, nil
}

// fundsWallet reports whether a payment adds to the wallet.
func fundsWallet(r *entry) bool {
	switch r.Endpoint {
	case walletFund.row().Name:
		return true
	case billingPaymentLink.row().Name:
		return r.Plan == 0
	}
	return false
}

// Prune forgets settled operations whose outcome was written before a time: their
// names could be paid for again, so it must be long after any of them may be
// called. What is open stays, and so do the sums of the budgets. It returns how
// many it took away.
func (c *Client) Prune(ctx context.Context, before time.Time) (int, error) {
	j, err := c.journal(ctx)
	if err != nil {
		return 0, err
	}
	if !before.Before(time.Now()) {
		return 0, &ParamError{Param: "before", Value: before.String(), Reason: "must be in the past"}
	}
	gone := 0
	for id, err := range j.operations(ctx) {
		if err != nil {
			return gone, err
		}
		tries, raw, err := j.past(ctx, id)
		if err != nil {
			return gone, err
		}
		if len(tries) == 0 || slices.ContainsFunc(tries, func(r *entry) bool {
			return r.open() || !time.UnixMilli(r.Settled).Before(before)
		}) {
			continue
		}
		if ok, err := j.forget(ctx, id, tries, raw); err != nil {
			return gone, err
		} else if ok {
			gone += len(tries)
		}
	}
	return gone, nil
}

// Freezing.

// freeze is the switch that stops all spending.
type freeze struct {
	Reason string `json:"reason,omitzero"`
	At     int64  `json:"at"`
}

func (f *freeze) Error() string {
	s := ErrFrozen.Error() + " since " + time.UnixMilli(f.At).UTC().Format(time.RFC3339)
	if f.Reason != "" {
		s += ": " + clean(f.Reason, maxMessageText)
	}
	return s + "; see Client.Unfreeze"
}

func (f *freeze) Is(target error) bool { return target == ErrFrozen }

// frozen reads the switch.
func (j *journal) frozen(ctx context.Context) (*freeze, error) {
	raw, err := j.store.Get(ctx, frozenKey)
	if err != nil || raw == nil {
		return nil, err
	}
	f := &freeze{}
	if err := json.Unmarshal(raw, f); err != nil {
		f.Reason = "what stands in the store is no freeze, and may be one"
	}
	return f, nil
}

// Freeze stops all spending of all processes of the [Store], at any origin and of
// any account, until Unfreeze: no payment is begun and none is repeated. What is
// on the wire already settles. Reading, ConfirmCheckout, DisableAutoFunding, Pause
// and DeletePaymentMethod go on. Standing orders that the server has are not its
// business: disable them too. reason is shown by the calls that are refused.
func (c *Client) Freeze(ctx context.Context, reason string) error {
	if ctx == nil {
		return &ParamError{Param: "ctx", Reason: "nil"}
	}
	now := newClock().now()
	enc, err := json.Marshal(freeze{clean(reason, maxMessageText), now.late})
	if err != nil {
		return err
	}
	for {
		raw, err := c.cfg.store.Get(ctx, frozenKey)
		if err != nil {
			return &storeError{"freezing", err}
		}
		if raw != nil {
			return nil // already
		}
		if ok, err := c.cfg.store.Swap(ctx, frozenKey, nil, enc, 0); ok || err != nil {
			if err != nil {
				return &storeError{"freezing", err}
			}
			return nil
		}
	}
}

// Unfreeze ends a freeze.
func (c *Client) Unfreeze(ctx context.Context) error {
	if ctx == nil {
		return &ParamError{Param: "ctx", Reason: "nil"}
	}
	for {
		raw, err := c.cfg.store.Get(ctx, frozenKey)
		if err != nil {
			return &storeError{"ending the freeze", err}
		}
		if raw == nil {
			return nil
		}
		if ok, err := c.cfg.store.Swap(ctx, frozenKey, raw, nil, 0); ok || err != nil {
			if err != nil {
				return &storeError{"ending the freeze", err}
			}
			return nil
		}
	}
}

// ErrPaidTwice is inside the error of a payment that was made twice; see
// [PaidTwiceError].
var ErrPaidTwice = errors.New("modelslab: paid twice")

// PaidTwiceError is an operation for which money has moved more than once, or has
// moved and may move again: both are in the ledger or pending. It happens where a
// payment that its owner had called unpaid was paid after all, or a human paid both
// the card's confirmation and a payment link. It answers to [ErrPaidTwice] and to
// [ErrOutcomeUnknown].
type PaidTwiceError struct {
	Operation     string
	First, Second LedgerEntry // Second may not be settled: its Settled is zero then
}

// Error implements error.
func (e *PaidTwiceError) Error() string { return e.text() }

func (e PaidTwiceError) text() string {
	how := "was paid as well"
	if e.Second.Settled.IsZero() {
		how = "may be paid as well"
	}
	return fmt.Sprintf("%v: %s: $%s (%s %s) was paid, and $%s (%s %s) %s: have one of them refunded", ErrPaidTwice, clean(firstOf(e.Operation, e.First.Endpoint), maxCodeText),
		e.First.Amount, e.First.Endpoint, e.First.IdempotencyKey, e.Second.Amount, e.Second.Endpoint, e.Second.IdempotencyKey, how)
}

// Format writes the error's line under every verb.
func (e PaidTwiceError) Format(f fmt.State, verb rune) { formatText(f, verb, e.text()) }

// LogValue implements slog.LogValuer.
func (e PaidTwiceError) LogValue() slog.Value { return slog.StringValue(e.text()) }

// MarshalJSON writes the error's line and both payments.
func (e PaidTwiceError) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Error  string      `json:"error"`
		First  LedgerEntry `json:"first"`
		Second LedgerEntry `json:"second"`
	}{e.text(), e.First, e.Second})
}

// Is reports whether target is [ErrPaidTwice] or [ErrOutcomeUnknown].
func (e *PaidTwiceError) Is(target error) bool {
	return target == ErrPaidTwice || target == ErrOutcomeUnknown
}

func paidTwice(a, b *entry) error {
	e := &PaidTwiceError{Operation: a.Name, First: *ledgerEntry(a), Second: *ledgerEntry(b)}
	if !b.paid() {
		e.Second.Settled, e.Second.Amount = time.Time{}, b.Amount
	}
	return e
}
