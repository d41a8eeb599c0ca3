package modelslab

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/modelslab/modelslab-agents-go/internal/points"
)

// The road for money: describe, name, recall, allow, wait, reserve, send, read,
// settle. What the journal writes down is in journal.go, how the store keeps it in
// book.go, what the owner allows in spend.go, and what becomes of a payment whose
// answer was lost in settle.go.

// payment is what a call that spends knows of itself beside its trip.
type payment struct {
	j     *journal
	q     inquiry
	stake stake
	r     *entry // the try; nil: not reserved
	tries int    // before this one

	nonce    string   // what it holds sums in named budgets by
	approved bool     // by whoever the policies ask
	until    int64    // and until when, if it is not reserved
	before   []string // the subscriptions before it was sent
	looked   bool     // for the key among the settled ones
	ended    bool     // its outcome is written, or was tried to be
	sendBy   int64    // until when it may be sent without asking the journal again

	// The last answer, as far as it may be kept.
	status int
	answer []byte
	intent string
	paid   Amount
}

// errRaced says that another call of the operation was faster, and errHeld that
// one is just about to be.
var (
	errRaced = errors.New("raced")
	errHeld  = fmt.Errorf("%w: another call of the operation is being held against its budget", ErrPendingOperation)
)

// spend takes a call that spends through the doors.
func (t *trip) spend(ctx context.Context, out any) error {
	err := t.spends(ctx, out)
	if _, ok := as[*storeError](err); ok && t.pay.r == nil && ctx.Err() != nil {
		return ctx.Err() // before anything was sent
	}
	return err
}

func (t *trip) spends(ctx context.Context, out any) error {
	p := &payment{}
	t.pay = p
	if err := t.inquire(ctx); err != nil {
		return err
	}
	for {
		answered, err := t.recall(ctx, out)
		if answered || err != nil {
			return err
		}
		points.Pass(ctx, points.Recalled)
		if p.r == nil {
			if err := t.allowSpend(ctx); err != nil && !t.overtaken(ctx, err) {
				return err
			} else if err != nil {
				continue
			}
		}
		if p.r != nil {
			if err := t.allowAgain(ctx); err != nil {
				return t.openError(p.r, err)
			}
		}
		points.Pass(ctx, points.Allowed)
		if err := t.wait(ctx); err != nil {
			if p.r != nil { // it was sent before this call
				return t.openError(p.r, firstError(err, t.c.disown(ctx, p.j, p.r)))
			}
			return err
		}
		if err := t.pays(ctx, out); !errors.Is(err, errRaced) && (p.r != nil || !t.overtaken(ctx, err)) {
			return err
		}
		*p = payment{j: p.j, q: p.q, approved: p.approved}
	}
}

// overtaken reports whether a limit has refused a call only because another call of
// its operation has just used it.
func (t *trip) overtaken(ctx context.Context, err error) bool {
	p := t.pay
	if p.q.unnamed || !errors.Is(err, ErrSpendLimit) || errors.Is(err, ErrFrozen) {
		return false
	}
	next := moveSend
	err = p.j.see(ctx, func(b *book, now moment) error {
		r, _, err := p.j.lastTry(ctx, b, t.operationIn(b))
		if err != nil || r == nil {
			return err
		}
		next, err = p.q.recall(r, p.j.isFlying(r.ID, r.Try), now)
		return err
	})
	return err == nil && next != moveSend || errors.Is(err, ErrPendingOperation)
}

// pays sends a payment and writes down what became of it, also if a decoder of
// the caller's panics.
func (t *trip) pays(ctx context.Context, out any) (err error) {
	p := t.pay
	defer func() {
		if p.r != nil && !p.ended {
			_ = t.finish(ctx, out, ErrOutcomeUnknown)
		}
	}()
	err = t.queued(ctx, out)
	if p.r == nil {
		return err // nothing was written down, and nothing sent
	}
	return t.finish(ctx, out, err)
}

// inquire fixes which operation the call is of, and whose journal it is in.
func (t *trip) inquire(ctx context.Context) error {
	p, cfg := t.pay, t.c.cfg
	var err error
	if p.j, err = t.c.journalOf(ctx, t.cred, t.opts.operation != "" || !cfg.private || len(cfg.policies) > 0); err != nil {
		return err
	}
	p.q = inquiry{
		name: t.opts.operation, endpoint: t.e.Name, owner: p.j.owner, newTry: t.opts.newTry,
		once: t.e.Repeat == RepeatOnce, durable: !p.j.private,
	}
	if t.e.Name == unlisted {
		p.q.endpoint += " " + t.e.Method + " " + t.path
	}
	switch {
	case p.q.name != "":
		p.q.id = operationID(p.q.name)
		if t.opts.part.part != "" {
			p.q.id += "-" + t.opts.part.part
		}
	case t.key == "":
		p.q.id, p.q.unnamed = keyID(newKey()), true
	default:
		p.q.id, p.q.unnamed = keyID(t.key), t.opts.key == ""
	}
	if !p.q.unnamed || !p.q.once || p.q.durable {
		p.q.print = t.fingerprint()
	}
	return nil
}

// fingerprint stands for the request, without the API key in it.
func (t *trip) fingerprint() string {
	body := t.body
	if t.files != nil {
		body = bytes.Join(t.files.pieces, nil) // of the files themselves nobody knows before they are sent
	}
	if key := t.cred.apiKey; key != "" && t.e.generation() {
		body = bytes.ReplaceAll(body, []byte(key), nil)
	}
	sum := fingerprint(t.e.Method, t.path+"?"+t.query, body)
	var digits [32]byte
	hex.Encode(digits[:], sum[:16])
	return string(digits[:])
}

// bookAccount is the account whose journal a call is written in. Where the
// journal outlives the program, or limits what is spent, it has to be the
// account's own, and is asked for. Otherwise what stands for it will do, until it
// is known.
func (c *Client) bookAccount(ctx context.Context, k *credentials, sure bool) (account string, known bool, err error) {
	if k.account != "" {
		return k.account, true, nil
	}
	if k.token == "" { // of an API key alone nobody says whose it is
		return keyParty(k), false, nil
	}
	id := c.shared.owners.of(c.ownerOf(k))
	if id == "" && sure {
		if id, err = c.account(ctx, k); err != nil {
			return "", false, err
		}
	}
	if id == "" {
		return c.party(), false, nil
	}
	return id, true, nil
}

// journalOf is the journal that a call is written in. The last one is remembered.
func (c *Client) journalOf(ctx context.Context, k *credentials, sure bool) (*journal, error) {
	if last := c.latest.journal.Load(); last != nil && last.k == k && last.sure == sure {
		return last.j.here(), nil
	}
	account, known, err := c.bookAccount(ctx, k, sure)
	if err != nil {
		return nil, err
	}
	j := c.shared.journals.of(c.cfg, account, known)
	if known && c.cfg.private && k.token != "" { // what was paid before it was known is the account's
		c.shared.journals.same(c.cfg, account, c.cell.party)
	}
	c.latest.journal.Store(&lastJournal{k, sure, j})
	return j, nil
}

type lastJournal struct {
	k    *credentials
	sure bool
	j    *journal
}

func keyParty(k *credentials) string { return "key " + digest(k.apiKey) }

// recall answers a call whose outcome is known, and finds out what became of one
// whose outcome is not. It leaves a try to ask for again in t.pay.r.
func (t *trip) recall(ctx context.Context, out any) (answered bool, err error) {
	p := t.pay
	if p.q.unnamed && t.opts.newTry && !p.q.once {
		return false, &ParamError{Param: "WithNewTry", Reason: "is about an operation: name it with WithOperation"}
	}
	if p.q.unnamed {
		return false, nil // its key is random: there is nothing to find
	}
	for range 5 { // each time it becomes known what became of a try
		var next move
		var last, link *entry
		err := p.j.see(ctx, func(b *book, now moment) error {
			last, link = nil, nil
			r, tries, err := p.j.lastTry(ctx, b, t.operationIn(b))
			if err != nil {
				return err
			}
			p.tries = tries
			flying := r != nil && p.j.isFlying(r.ID, r.Try)
			if next, err = p.q.recall(r, flying, now); err != nil {
				return err
			}
			if r != nil {
				last = r.clone()
			}
			if next != moveSend && next != moveTake || t.opts.part.part != "" {
				return nil
			}
			if link, err = p.j.linkOf(ctx, b, &p.q); err != nil || link == nil {
				return err
			}
			if next == moveSend && link.paid() {
				return p.q.paidAtLink()
			}
			link = link.clone()
			return nil
		})
		if err != nil {
			return false, err
		}
		if link != nil && link.open() && !t.opts.part.looked {
			if err := t.c.lookAtLink(ctx, link); err != nil {
				return false, err
			}
			t.opts.part.looked = true
			continue
		}
		if last == nil && !p.looked && strings.HasPrefix(t.opts.key, keyPrefix) {
			if p.looked, err = true, t.findKey(ctx); err != nil {
				return false, err
			}
			continue
		}
		switch next {
		case moveSend:
			t.retry()
			return false, nil
		case moveAnswer:
			return true, t.replay(last, out)
		}
		s, err := t.c.pursue(ctx, p.j, last)
		switch {
		case err != nil:
			return false, t.openError(last, err)
		case s == nil:
			continue
		case s.r.State.settled() && !s.r.Doubt:
			continue
		case s.r.State == stateAction:
			return true, t.waiting(s.r)
		case s.r.Doubt:
			return false, t.openError(s.r, errInDoubt)
		case s.young && !p.q.once && t.opts.key == "" || s.young && t.opts.key == s.r.Key:
			p.r, t.key, t.keyTry, t.unanswered = s.r, s.r.Key, s.r.Try, true
			return false, nil
		}
		if s.young {
			err = t.c.disown(ctx, p.j, s.r)
		}
		if s.r.Key == "" {
			return false, t.openError(s.r, errNoKey)
		}
		return false, t.openError(s.r, firstError(err, errTooOld))
	}
	return false, t.openError(p.r, ErrPendingOperation)
}

// operationIn is what the call's operation is kept under. A key that a call was
// given may be that of a named one whose outcome is open.
func (t *trip) operationIn(b *book) string {
	p := t.pay
	if t.opts.key != "" {
		for _, r := range b.Ops {
			if r.Key == t.opts.key {
				p.q.id = r.ID
			}
		}
	}
	return p.q.id
}

// findKey looks for the key that a call was given among the named operations that
// are settled.
func (t *trip) findKey(ctx context.Context) error {
	p := t.pay
	for id, err := range p.j.operations(ctx) {
		var tries []*entry
		if err == nil {
			tries, _, err = p.j.past(ctx, id)
		}
		if err != nil {
			return err
		}
		if slices.ContainsFunc(tries, func(r *entry) bool { return r.Key == t.opts.key }) {
			p.q.id = id
		}
	}
	return nil
}

// retry gives the call the key of its try.
func (t *trip) retry() {
	if next := t.pay.tries + 1; t.pay.q.name != "" && t.e.Repeat == RepeatKeyed && t.keyTry != next {
		t.key, t.keyTry = operationKey(t.owner, t.e.Name, t.pay.q.name, next), next
	}
}

// openError is the error of a call that was not sent because it is not known what
// became of an earlier one.
func (t *trip) openError(r *entry, err error) error {
	u := &OutcomeUnknownError{Operation: t.opts.operation, Endpoint: t.e.Name, IdempotencyKey: t.key, Err: err}
	if r != nil {
		u.IdempotencyKey, u.Amount, u.GenerationID = r.Key, r.Amount, r.Job
	}
	return u
}

// waiting is the error of a payment whose card holder is still asked.
func (t *trip) waiting(r *entry) error {
	return &RequiresActionError{
		APIError: APIError{
			Response: Response{StatusCode: http.StatusAccepted, IdempotencyKey: r.Key, IdempotencyReplay: true},
			Method:   t.e.Method, Path: t.e.Path, Code: requiresAction,
			Message: "its card holder has not confirmed it yet; nothing was sent",
		},
		PaymentIntentID: r.Intent,
	}
}

// replay answers with what is recorded.
func (t *trip) replay(r *entry, out any) error {
	t.recalled, t.key, t.unanswered = true, r.Key, r.Doubt
	if g, ok := out.(*job); ok && r.Job != "" && len(r.Answer) == 0 {
		g.g = Generation{ID: r.Job, Path: t.path, Status: StatusProcessing, TrackID: r.Track}
		return nil
	}
	body := []byte(r.Answer)
	if len(body) == 0 {
		if t.e.generation() && r.paid() {
			return t.openError(r, errJobNotKept)
		}
		body = t.stand(r)
	}
	t.last.Status, t.last.Sent = r.Status, true
	if t.last.Status == 0 {
		t.last.Status = http.StatusOK
		if !r.paid() && r.State != stateAwaitingHuman {
			t.last.Status = http.StatusConflict
		}
	}
	t.last.answer = newAnswer(t.last.Status, http.Header{}, body)
	t.last.body = &body
	err := t.read(&t.last, out)
	t.last.body = nil // it is nobody's to give back
	return err
}

var errJobNotKept = errors.New("it is recorded as paid, and which job it made is not; nothing was sent; see Client.Ledger")

// stand is an answer for an outcome that was found in another way than by one.
func (t *trip) stand(r *entry) []byte {
	type payment struct {
		Status string `json:"status"`
		Intent string `json:"payment_intent_id,omitzero"`
	}
	type data struct {
		Status  string  `json:"status"`
		Payment payment `json:"payment"`
		Message string  `json:"message"`
	}
	var v any = struct {
		Data data `json:"data"`
	}{data{"active", payment{"succeeded", r.Intent}, firstOf(r.Note, "as recorded")}}
	if t.e == walletFund.row() || t.e == walletWithdraw.row() {
		v = struct {
			Data data `json:"data"`
		}{data{"succeeded", payment{"succeeded", r.Intent}, firstOf(r.Note, "as recorded")}}
	}
	if !r.paid() {
		type refusal struct {
			Code    string            `json:"code"`
			Message string            `json:"message"`
			Details map[string]string `json:"details"`
		}
		code := ""
		if r.State == stateDeclined {
			code = "payment_declined"
		}
		v = struct {
			Error refusal `json:"error"`
		}{refusal{code, firstOf(r.Note, "as recorded"), map[string]string{"payment_intent_id": r.Intent}}}
	}
	b, _ := json.Marshal(v) // texts always encode
	return b
}

// allowSpend asks the owner's policies.
func (t *trip) allowSpend(ctx context.Context) (err error) {
	p, cfg := t.pay, t.c.cfg
	if p.stake, err = t.stake(ctx); err != nil {
		return err
	}
	in := t.intent()
	if most := t.opts.maxCharge; !most.IsZero() && p.stake.known && most.Less(p.stake.amount) {
		return &SpendLimitError{Intent: in, Limit: most, Rule: "WithMaxCharge"}
	}
	if len(cfg.policies) == 0 {
		return nil
	}
	if len(t.opts.fields) > 0 {
		return &ParamError{Param: "WithBodyField " + t.opts.fields[0].name, Reason: "a policy cannot tell what it does to a payment"}
	}
	for i := range cfg.policies {
		if _, ok := t.counted(&cfg.policies[i], &p.stake); !ok && cfg.policies[i].limits() {
			return &SpendLimitError{Intent: in, Err: errAmountUnknown}
		}
	}
	if err := t.serverTime(ctx); err != nil {
		return err
	}
	r := t.newEntry(moment{})
	if err := p.j.see(ctx, func(b *book, now moment) error {
		if err := t.unfrozen(ctx); err != nil {
			return err
		}
		return t.fitsAccount(r, b, now)
	}); err != nil {
		return err
	}
	for _, name := range t.c.cfg.budgets() {
		if err := t.sweepingly(ctx, name, func() error { return t.fitsBudget(ctx, name, func(*purse, *entry) error { return errUnchanged }) }); err != nil {
			return err
		}
	}
	return t.approve(ctx, in)
}

// approve asks whoever the policies ask, once for the call.
func (t *trip) approve(ctx context.Context, in SpendIntent) error {
	if t.pay.approved || t.opts.part.asked {
		return nil
	}
	for i := range t.c.cfg.policies {
		if approve := t.c.cfg.policies[i].Approve; approve != nil {
			if err := approve(ctx, in); err != nil {
				return &SpendLimitError{Intent: in, Err: err}
			}
		}
	}
	t.pay.approved = true
	return nil
}

// allowAgain asks the owner's policies about a try that was taken over: its sum is
// held, but who has written it down may have had others. A no gives it up.
func (t *trip) allowAgain(ctx context.Context) (err error) {
	r, cfg := t.pay.r, t.c.cfg
	allowed := false
	defer func() {
		if !allowed { // also if Approve panics
			err = firstError(err, t.c.disown(ctx, t.pay.j, r))
		}
	}()
	most := r.Amount
	if !r.Known && most.Less(r.Hold) {
		most = r.Hold
	}
	t.pay.stake = stake{r.Amount, r.Known, r.Payment, r.Plan, r.Standing, r.Orders}
	in := t.intent()
	if limit := t.opts.maxCharge; !limit.IsZero() && limit.Less(most) {
		return &SpendLimitError{Intent: in, Limit: limit, Rule: "WithMaxCharge"}
	}
	for i := range cfg.policies {
		if limit := cfg.policies[i].PerCall; !limit.IsZero() && limit.Less(most) {
			return &SpendLimitError{Intent: in, Limit: limit, Rule: "PerCall", Budget: cfg.policies[i].Budget}
		}
	}
	err = t.approve(ctx, in)
	allowed = err == nil
	return err
}

// serverTime asks for the server's time where a rolling window is to be judged and
// nothing but this machine's clock tells the time.
func (t *trip) serverTime(ctx context.Context) error {
	cfg := t.c.cfg
	if _, shared := cfg.store.(StoreClock); shared || cfg.clock.heard() || !slices.ContainsFunc(cfg.policies, func(p SpendPolicy) bool { return p.Window != 0 }) {
		return nil
	}
	_, err := t.c.Wallet.Balance(ctx) // whose answer says it
	if err != nil && ctx.Err() == nil && cfg.clock.heard() {
		return nil
	}
	if err != nil {
		return fmt.Errorf("modelslab: the server's time, which a window is judged by, cannot be read, and nothing was sent: %w", err)
	}
	return nil
}

// intent is what the owner is asked about.
func (t *trip) intent() SpendIntent {
	s := &t.pay.stake
	in := SpendIntent{
		Operation: t.opts.operation, Endpoint: t.e.Name, Account: t.pay.j.id(), PaymentMethodID: s.payment,
		IdempotencyKey: t.key, Amount: s.amount, AmountKnown: s.known, PlanID: s.plan,
	}
	if s.standing == autoFundingOrder {
		in.Amount = s.orders
	}
	if !s.known {
		in.Amount = t.counts()
	}
	return in
}

// counts is what the budgets count for the call.
func (t *trip) counts() (most Amount) {
	s := &t.pay.stake
	most = s.amount
	if s.known {
		return most
	}
	most = t.opts.maxCharge
	for i := range t.c.cfg.policies {
		if a, ok := t.counted(&t.c.cfg.policies[i], s); ok && most.Less(a) {
			most = a
		}
	}
	return most
}

// fitsAccount asks the policies that are about the account's own budget, and those
// that no sum is about.
func (t *trip) fitsAccount(r *entry, b *book, now moment) (err error) {
	in := t.intent()
	for i := range t.c.cfg.policies {
		policy := &t.c.cfg.policies[i]
		if policy.Budget != "" {
			continue
		}
		if policy.Window != 0 {
			if now, err = notBefore(now, b.At); err != nil {
				return err
			}
		}
		if err := policy.fits(&in, r, &b.Purse, now.early); err != nil {
			return err
		}
	}
	return nil
}

// unfrozen says no while all spending is frozen, or nobody can tell.
func (t *trip) unfrozen(ctx context.Context) error {
	f, err := t.pay.j.frozen(ctx)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &SpendLimitError{Intent: t.intent(), Err: fmt.Errorf("%w, because it cannot be read whether it is: %w", ErrFrozen, err)}
	}
	if f != nil {
		return &SpendLimitError{Intent: t.intent(), Err: f}
	}
	return nil
}

// newEntry is the try as it is written down before it is sent.
func (t *trip) newEntry(now moment) *entry {
	p := t.pay
	r := &entry{
		ID: p.q.id, Name: p.q.name, Endpoint: p.q.endpoint, Key: t.key, Print: p.q.print, Try: p.tries + 1, Sends: 1,
		State: stateSent, Unnamed: p.q.unnamed, Owner: p.j.owner, Lease: t.lease(now), First: now.early,
		Amount: p.stake.amount, Known: p.stake.known, Hold: t.counts(), Standing: p.stake.standing, Orders: p.stake.orders,
		Payment: p.stake.payment, Plan: p.stake.plan, Before: p.before, Track: t.track, Holder: p.nonce,
	}
	if !p.j.private {
		r.Method, r.Path, r.Body = t.e.Method, t.path, t.keepable()
	}
	r.Budgets = t.c.cfg.budgets()
	if t.opts.part.held {
		r.Beside = operationID(p.q.name)
	}
	if t.e == subscriptionsChangePlan.row() {
		r.Ends = t.planBefore()
	}
	return r
}

// lease is until when nobody else may go on with the try: no sending, and no wait
// before it, takes longer.
func (t *trip) lease(now moment) int64 {
	return now.late + (t.timeout() + t.c.cfg.retry.MaxWait + leaseMargin).Milliseconds()
}

// reserve writes the try down, before the first byte leaves. A try that was taken
// over is down already.
func (t *trip) reserve(ctx context.Context) error {
	p := t.pay
	if p == nil {
		return nil
	}
	if p.r != nil {
		return t.again(ctx)
	}
	if err := t.listSubscriptions(ctx); err != nil {
		return err
	}
	budgets := t.c.cfg.budgets()
	if err := t.holdBudgets(ctx, budgets); err != nil {
		return err
	}
	if len(budgets) > 0 {
		points.Pass(ctx, points.Held)
	}
	var r *entry
	var began int64
	err := p.j.step(ctx, func(b *book, now moment) error {
		if r != nil { // of a step that was not taken
			delete(p.j.flying, tryOf{r.ID, r.Try})
		}
		began = t.c.cfg.clock.now().late
		if err := t.unfrozen(ctx); err != nil {
			return err
		}
		if !p.q.unnamed {
			last, tries, err := p.j.lastTry(ctx, b, t.operationIn(b))
			if err != nil {
				return err
			}
			flying := last != nil && p.j.isFlying(last.ID, last.Try)
			if next, err := p.q.recall(last, flying, now); err != nil || next != moveSend || tries != p.tries {
				return errRaced
			}
			if err := p.j.notPaidByLink(ctx, b, &p.q); err != nil {
				return err
			}
		}
		for _, other := range b.Ops {
			if p.q.hinders(other, p.j.isFlying(other.ID, other.Try)) {
				return t.hindered(other)
			}
		}
		if len(budgets) > 0 && now.late >= p.until {
			return errRaced // the budgets may have given it to another
		}
		r = t.newEntry(now)
		if err := t.fitsAccount(r, b, now); err != nil {
			return err
		}
		b.reserve(r)
		p.j.fly(r)
		return nil
	})
	if err != nil {
		if r != nil {
			p.j.land(r)
			if _, failed := as[*storeError](err); failed { // it may be down all the same
				p.j.locked(func() { p.j.owed = append(p.j.owed, owed{r.clone(), outcome{}}) })
				return err // and the budgets hold it until that is written, or its lease is over
			}
		}
		t.releaseBudgets(ctx, budgets)
		return err
	}
	p.r = r.clone()
	if len(budgets) > 0 {
		p.j.all.end(p.nonce)
	}
	t.mayStart(began, t.c.cfg.keyLifetime)
	points.Pass(ctx, points.Reserved)
	if len(budgets) > 0 {
		// Before the journal knew of it, the budgets may have given the sum to another.
		if now, err := p.j.now(ctx); err != nil || now.late >= p.until {
			return firstError(err, errRaced)
		}
	}
	// Whoever has frozen all spending, and sees nothing pending then, can be sure that
	// nothing more is sent.
	return t.unfrozen(ctx)
}

// hindered is the error of an unnamed call while another one is unresolved.
func (t *trip) hindered(other *entry) error {
	return fmt.Errorf("%w: key %s of %s, sent %s, is %q; Client.Pending shows it, Client.Settle finds out what became of it; "+
		"if this is another payment, give it a name with WithOperation; nothing was sent",
		ErrPendingOperation, firstOf(other.Key, other.ID), other.Endpoint, time.UnixMilli(other.First).UTC().Format(time.RFC3339), other.State)
}

// again asks the journal whether the try may be sent once more.
func (t *trip) again(ctx context.Context) error {
	p := t.pay
	if p == nil || p.r == nil {
		return nil
	}
	var began int64
	var left time.Duration // of its key's life
	err := p.j.step(ctx, func(b *book, now moment) error {
		began = t.c.cfg.clock.now().late
		if err := t.unfrozen(ctx); err != nil {
			return err
		}
		if p.r.Try > 1 { // an earlier one may have turned out to be paid
			kept, _, err := p.j.past(ctx, p.r.ID)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(slices.Concat(kept, b.Ops), func(x *entry) bool { return x.ID == p.r.ID && x.paid() }) {
				return errPaidBefore
			}
		}
		if err := p.j.notPaidByLink(ctx, b, &p.q); err != nil {
			return err
		}
		left = t.c.cfg.keyLifetime
		if r := b.find(p.r.ID, p.r.Try); r != nil {
			left -= r.age(now.late)
		}
		return b.again(p.r.ID, p.r.Try, p.j.owner, now, t.c.cfg.keyLifetime, t.lease(now))
	})
	if err == nil {
		t.mayStart(began, left)
		points.Pass(ctx, points.Repeating)
	}
	return err
}

// mayStart notes that the journal has let the try be sent, at a time, and that its
// key is young for so long then.
func (t *trip) mayStart(at int64, young time.Duration) {
	t.pay.sendBy = at + min(t.c.cfg.retry.MaxWait+leaseMargin/2, young).Milliseconds() - 1
}

// overslept reports whether so much time has passed since then that another
// process may have gone on with the try: a program can be stopped at any
// instruction, and a machine suspended.
func (t *trip) overslept() bool {
	return t.pay != nil && t.pay.sendBy != 0 && t.c.cfg.clock.now().late > t.pay.sendBy
}

// holdBudgets holds the sum in the budgets that have a name.
func (t *trip) holdBudgets(ctx context.Context, names []string) error {
	p := t.pay
	if len(names) > 0 {
		p.nonce = newKey()
		p.j.all.begin(p.nonce)
	}
	for i, name := range names {
		err := t.sweepingly(ctx, name, func() error {
			return t.fitsBudget(ctx, name, func(purse *purse, r *entry) error {
				if by := purse.heldBy(r.ID, r.Try); by != "" && by != p.nonce {
					return errHeld
				}
				if p.until == 0 || r.Lease < p.until { // the first of them to lapse
					p.until = r.Lease
				}
				purse.hold(r, r.Lease, p.nonce)
				return nil
			})
		})
		if err != nil {
			t.releaseBudgets(ctx, names[:i+1])
			return err
		}
	}
	return nil
}

// fitsBudget asks the policies of a named budget, and then does something with it.
func (t *trip) fitsBudget(ctx context.Context, name string, do func(*purse, *entry) error) error {
	return t.pay.j.stepBudgetBy(ctx, name, true, func(purse *purse, now moment) error {
		r := t.newEntry(now)
		r.ID = t.pay.j.opName(r.ID)
		if r.Beside != "" {
			r.Beside = t.pay.j.opName(r.Beside)
		}
		r.Standing, r.Ends = t.pay.j.orderName(r.Standing), t.pay.j.orderName(r.Ends)
		in := t.intent()
		for i := range t.c.cfg.policies {
			if policy := &t.c.cfg.policies[i]; policy.Budget == name {
				if err := policy.fits(&in, r, purse, now.early); err != nil {
					return err
				}
			}
		}
		return do(purse, r)
	})
}

// sweepingly does something with a named budget, and once more where it refuses
// for the sake of a try that is settled by now.
func (t *trip) sweepingly(ctx context.Context, name string, do func() error) error {
	err := do()
	if !errors.Is(err, ErrSpendLimit) && !errors.Is(err, errHeld) {
		return err
	}
	if err := t.pay.j.sweep(ctx, name); err != nil {
		return err
	}
	return do()
}

// releaseBudgets gives back what named budgets hold for a try that is not down.
func (t *trip) releaseBudgets(ctx context.Context, names []string) {
	if len(names) == 0 {
		return
	}
	p := t.pay
	defer p.j.all.end(p.nonce)
	ctx, cancel := detach(ctx)
	defer cancel()
	r := t.newEntry(moment{})
	for _, name := range names {
		if err := p.j.stepBudget(ctx, name, func(purse *purse, now moment) error {
			return purse.end(p.j.opName(r.ID), r.Try, p.nonce, nil, now)
		}); err != nil {
			t.c.warn(ctx, "modelslab: a budget holds what was not spent, until its lease ends", slog.String("error", err.Error()))
		}
	}
}

// detach makes a context for what has to be written although the call is over.
func detach(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
}

// note keeps what a payment's answer says.
func (t *trip) note(r *result) {
	p := t.pay
	if p == nil || r.Status == 0 || r.err != nil || t.events.taken() {
		return
	}
	p.status, p.intent, p.paid = r.Status, "", Amount{}
	if p.q.unnamed && p.j.private {
		return // nobody will ask for its words
	}
	if !t.e.generation() && r.answer.shape == shapeObject {
		var w paymentWords
		if o := r.answer.object(); len(o) > 0 && w.read(o) == nil {
			p.intent = w.intent
			a := w.amount()
			if t.e == walletRedeemCoupon.row() {
				a = w.payment // the other one is what it gives
			}
			if a.sent && a.Amount.Sign() > 0 {
				p.paid = a.Amount
			}
		}
	}
	p.answer = nil
	if p.q.unnamed && t.e.generation() {
		return
	}
	p.answer = t.presentable(r.answer.body)
}

// mostKept is the longest answer that is kept in the journal, in bytes.
const mostKept = 16 << 10

// presentable is a body without what must not be kept; nil: there is no such.
func (t *trip) presentable(body []byte) []byte {
	if len(body) == 0 || len(body) > mostKept || !json.Valid(body) {
		return nil
	}
	if bytes.Contains(body, []byte(`\u`)) { // so that secrets in it have one notation
		var v any
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		if d.Decode(&v) != nil {
			return nil
		}
		plain, err := json.Marshal(v)
		if err != nil {
			return nil
		}
		body = plain
	}
	clean := t.scrub(string(body))
	for _, h := range t.opts.headers {
		clean = scrubSecret(clean, h.value)
	}
	if clean == string(body) {
		return bytes.Clone(body)
	}
	if !json.Valid([]byte(clean)) {
		return nil
	}
	return []byte(clean)
}

// keepable is the exact request, if all of its fields may be kept.
func (t *trip) keepable() json.RawMessage {
	allowed, ok := keptFields[t.e.Name]
	if !ok || t.files != nil || t.query != "" {
		return nil
	}
	for m := membersOf(t.body); m.next(); {
		if !slices.Contains(allowed, string(m.name)) {
			return nil
		}
	}
	return t.body
}

// keptFields are the fields of payments that may be kept in a store. None of them
// is a secret.
var keptFields = map[string][]string{
	"wallet.fund":                 {"amount", "payment_method_id"},
	"wallet.withdraw":             {"amount"},
	"wallet.set_auto_funding":     {"auto_charge_amount", "charge_threshold"},
	"wallet.redeem_coupon":        {"coupon_code", "payment_method_id", "purchase_amount"},
	"billing.payment_link":        {"purpose", "amount", "plan_id"},
	"subscriptions.create":        {"plan_id", "payment_method_id", "success_url", "cancel_url"},
	"subscriptions.change_plan":   {"new_plan_id"},
	"subscriptions.resume":        {},
	"subscriptions.reset_cycle":   {},
	"subscriptions.charge_amount": {"amount"},
	"subscriptions.fix_payment":   {"plan_category", "stripe_subscription_id"},
}

// outcome is what a call's end says of its try.
func (t *trip) outcome(out any, err error) *outcome {
	p := t.pay
	o := &outcome{state: stateSucceeded, status: p.status, answer: p.answer, intent: p.intent, paid: p.paid}
	if err == nil {
		// A server that says less than it was asked for has the budgets no cheaper.
		if p.stake.known && o.paid.Less(p.stake.amount) && t.asksSum() {
			o.paid = p.stake.amount
		}
		t.succeeded(out, o)
		return o
	}
	api, answered := as[*APIError](err)
	switch {
	case errors.Is(err, ErrOutcomeUnknown):
		*o = outcome{state: stateSent, intent: p.intent}
		if u, ok := as[*OutcomeUnknownError](err); ok {
			o.job = u.GenerationID
		}
	case errors.Is(err, ErrRequiresAction):
		*o = outcome{state: stateAction, intent: p.intent, status: p.status}
		if a, ok := as[*RequiresActionError](err); ok {
			o.intent = a.PaymentIntentID
		}
	case errors.Is(err, ErrPaymentDeclined):
		o.state, o.doubt = stateDeclined, t.unanswered && !(answered && api.IdempotencyReplay)
		if d, ok := as[*PaymentDeclinedError](err); ok {
			o.intent = firstOf(d.PaymentIntentID, o.intent)
		}
	case errors.Is(err, ErrGenerationFailed):
		if g, ok := as[*GenerationError](err); ok && g.GenerationID != "" {
			o.job = g.GenerationID // it was accepted, and broke
			break
		}
		o.state = stateRefused
	case answered && api.StatusCode != 0:
		o.state, o.status = stateRefused, api.StatusCode
	case t.unanswered:
		*o = outcome{state: stateSent, intent: p.intent}
	default:
		*o = outcome{} // no byte has left
	}
	return o
}

// asksSum reports whether the request says the sum that is charged.
func (t *trip) asksSum() bool {
	switch t.e {
	case walletFund.row(), subscriptionsChargeAmount.row(), walletWithdraw.row():
		return true
	}
	return false
}

// succeeded reads out of a result what the journal wants to know.
func (t *trip) succeeded(out any, o *outcome) {
	var link *PaymentLink
	switch v := out.(type) {
	case *PaymentLink:
		link = v
	case *Funding:
		o.intent = v.PaymentIntentID
	case *job:
		o.job = v.g.ID
	case *whole:
		if v.job != nil {
			o.job = v.job.ID
		}
	default:
		if t.byHand && t.e.Bearer {
			if l := new(PaymentLink); len(t.pay.answer) > 0 {
				a := newAnswer(o.status, nil, t.pay.answer)
				if member(a.object(), "checkout_url") != nil || member(a.object(), "payment_url") != nil {
					if l.decode(t, &a) == nil {
						link = l
					}
				}
			}
		}
	}
	if link == nil {
		return
	}
	o.state, o.session = stateAwaitingHuman, link.SessionID
	if link.ExpiresAt != nil {
		o.expires = link.ExpiresAt.UnixMilli()
	}
}

// finish writes down what became of the payment, and gives the call its error.
func (t *trip) finish(ctx context.Context, out any, err error) error {
	p := t.pay
	p.ended = true
	o := t.outcome(out, err)
	writing := ctx // which a journal in memory takes no notice of
	if !p.j.private || o.doubt || len(p.r.Budgets) > 0 {
		var cancel context.CancelFunc
		writing, cancel = detach(ctx)
		defer cancel()
	}
	points.Pass(writing, points.Answered)
	if o.doubt {
		if doubt := t.c.doubtful(writing, p.j, p.r); doubt == nil {
			o.doubt = false
		} else if errors.Is(doubt, ErrOutcomeUnknown) {
			o = &outcome{state: stateSent, intent: o.intent}
			err = t.unknown(err)
		} else if !p.j.private {
			err = t.unknown(err) // nobody could look whether it was charged before, and its record is open
		}
	}
	if o.state == stateSent && !errors.Is(err, ErrOutcomeUnknown) {
		err = t.unknown(err) // an earlier sending had no answer
	}
	settled, late, other, failed := p.j.write(writing, p.r, o)
	p.j.land(p.r)
	if no := o.state == stateDeclined || o.state == stateRefused; no && settled != nil && settled.State != o.state && (settled.open() || settled.paid()) {
		err = t.unknown(err) // it was said to this sending alone, and another process has gone on
	}
	switch {
	case failed != nil && (o.state == stateDeclined || o.state == stateRefused):
		err = t.unknown(err) // nobody else knows of the no, and whoever goes on may be told yes
		fallthrough
	case failed != nil:
		t.c.warn(ctx, "modelslab: the outcome of a payment could not be written down; it stays pending",
			slog.String("endpoint", t.e.Name), slog.String("idempotency_key", t.key), slog.String("outcome", string(o.state)), slog.String("error", failed.Error()))
		t.journalFailed(err, failed)
	case late && settled != nil:
		t.c.warn(ctx, "modelslab: money has moved for a payment that had been closed",
			slog.String("endpoint", t.e.Name), slog.String("idempotency_key", t.key))
		if other != nil && (other.paid() || other.open()) {
			return paidTwice(settled, other)
		}
	}
	return err
}

// journalFailed tells the caller that the record lacks what the call knows.
func (t *trip) journalFailed(err, failed error) {
	if t.opts.response != nil {
		t.opts.response.JournalErr = failed
	}
	if api, ok := as[*APIError](err); ok {
		api.JournalErr = failed
	}
}
