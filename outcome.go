package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"time"
)

// What an answer, or the lack of one, means for the call: the sixth door.

// both is the error of a call that was answered, repeated, and then not
// answered any more: it can be asked for either.
func (t *trip) both(last, answered *result, out any) error {
	was := t.read(answered, out)
	if u, ok := as[*OutcomeUnknownError](was); ok {
		was = u.Err
	}
	err := &stoppedError{last.err, was}
	if t.e.Repeat != RepeatSafe && (last.Open() || t.unanswered) {
		if e, ok := as[*APIError](was); ok {
			e.OutcomeUnknown = true
		}
		return t.unknown(err)
	}
	return err
}

// read makes of the last attempt what the caller gets.
func (t *trip) read(r *result, out any) error {
	switch {
	case r.Status == 0:
		if t.opts.response != nil {
			*t.opts.response = Response{IdempotencyKey: t.key, Attempts: t.attempts}
		}
		return t.lost(r.err, r.Open())
	case r.err != nil: // it broke off, or is too large
		t.fill(r)
		e := t.apiError(r)
		e.Message = "the answer could not be read"
		switch {
		case t.e.Repeat != RepeatSafe && (r.CutShort || r.Status < 400 || r.Open() || t.unanswered):
			e.OutcomeUnknown = true
			return t.unknown(&lostAnswer{r.err, e})
		case r.Status < 300:
			e.OutcomeUnknown = false
		}
		return &lostAnswer{r.err, e}
	}
	t.fill(r)
	if t.events.taken() {
		return nil // who reads the events sees what becomes of it
	}
	// The generation APIs say what became of a job by its status; error is then
	// one member of many.
	if r.answer.refused() || r.answer.failed() && !t.e.generation() {
		return t.refused(r, out)
	}
	err := t.settle(r, out)
	if err == nil {
		return nil
	}
	if kinded, ok := as[*APIError](err); ok && !kinded.OutcomeUnknown {
		return err // a definite answer of another kind
	}
	e := t.apiError(r)
	e.Message = clean(t.scrub(err.Error()), maxMessageText)
	if t.e.Repeat == RepeatSafe {
		return e
	}
	e.OutcomeUnknown = true
	return t.unknown(e)
}

// lostAnswer is an answer that could not be read to its end.
type lostAnswer struct {
	err error
	api *APIError
}

func (e *lostAnswer) Error() string   { return e.api.Error() + ": " + e.err.Error() }
func (e *lostAnswer) Unwrap() []error { return []error{e.api, e.err} }

// lost is the error of a call that got no answer.
func (t *trip) lost(err error, open bool) error {
	if t.e.Repeat == RepeatSafe {
		return err
	}
	if open || t.unanswered {
		return t.unknown(err)
	}
	for _, ended := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ended) {
			return ended // before any byte was sent
		}
	}
	return err
}

// refused is the error of an answer that says no.
func (t *trip) refused(r *result, out any) error {
	e, decided, err := t.typed(r)
	if f, ok := out.(refuser); ok && !decided && (!t.unanswered || t.e.Repeat == RepeatSafe) {
		if err := f.refusal(e); err != nil {
			return err
		}
	}
	if t.e.Repeat == RepeatSafe {
		return err
	}
	// A refusal settles the sending that it answers and no other one.
	// One in a success or a redirect is no refusal unless its code says so.
	vague := e.StatusCode < 300 && e.kind() == ErrServer || e.StatusCode >= 300 && e.StatusCode < 400 && t.e.Spends
	if r.Open() || vague || t.unanswered && !decided {
		e.OutcomeUnknown = true
		return t.unknown(err)
	}
	return err
}

// typed gives an answer that says no the type that callers have to act on, and
// its part that all have. decided: the payment itself was looked at.
func (t *trip) typed(r *result) (e *APIError, decided bool, err error) {
	generation := t.e.generation()
	// A 402 is a decline, but for a checkout, where it may mean "not paid yet".
	declined := r.Status == http.StatusPaymentRequired && !r.Final
	if problem := r.answer.outer.err; !declined && problem != nil {
		declined = jsonText(member(problem, "code")) == "payment_declined" || r.Final && member(member(problem, "details"), "decline_code") != nil
	}
	switch {
	case r.Status == http.StatusTooManyRequests:
		limited := &RateLimitError{Limiter: t.e.Limiter, RetryAfter: t.retryAfter(r, time.Now())}
		err, e = limited, &limited.APIError
	case declined && !generation:
		d := &PaymentDeclinedError{}
		err, e, decided = d, &d.APIError, true
	default:
		e = &APIError{}
		err = e
	}
	t.fillError(e, r)
	r.answer.fault(e)
	if e.StatusCode == http.StatusUnauthorized {
		e.next = t.credentialAdvice()
	}
	e.Code = t.scrub(e.Code)
	e.Message = clean(t.scrub(e.Message), maxMessageText)
	if e.StatusCode >= 300 && e.StatusCode < 400 {
		e.Message = "redirected; API calls follow no redirects, so check the base URL"
	}
	if d, ok := err.(*PaymentDeclinedError); ok { //nolint:errorlint // made above, and never wrapped
		d.DeclineCode = jsonText(member(e.Details, "decline_code"))
		d.PaymentIntentID = t.scrub(jsonText(member(e.Details, "payment_intent_id")))
		// A page of a proxy's with that status has not looked at the payment.
		decided = e.Code != "" || d.DeclineCode != ""
		if d.DeclineCode == "authentication_required" {
			a := &RequiresActionError{APIError: *e, PaymentIntentID: d.PaymentIntentID, ClientSecret: secretOf(member(e.Details, "client_secret"))}
			return &a.APIError, true, a
		}
	}
	return e, decided, err
}

// credentialAdvice is what to do about credentials that the server refuses.
func (t *trip) credentialAdvice() string {
	switch {
	case t.e.Bearer && t.c.cell.renewals.doubts(t.cred):
		return "the refresh of this token had no answer that can be used: log in with Auth.Login, then use Client.WithSession"
	case t.e.Bearer:
		return "the token is dead or not the account's: log in with Auth.Login, then use Client.WithSession"
	case t.e.generation():
		return "the API key is refused: make one with APIKeys.Create, then use WithAPIKey"
	}
	return ""
}

func secretOf(v []byte) Secret {
	if s := jsonText(v); s != "" {
		return NewSecret(s)
	}
	return Secret{}
}

// settle makes a result of a success. Money that has not moved yet is none.
func (t *trip) settle(r *result, out any) error {
	a := &r.answer
	if a.shape == shapeOther {
		return unreadable(a.header)
	}
	if t.e.Spends && t.e.Bearer {
		if err := t.settled(r); err != nil {
			return err
		}
	}
	if err := t.paidByHand(a); err != nil {
		return err
	}
	if d, ok := out.(decoder); ok {
		return d.decode(t, a)
	}
	if out == nil { // nothing is needed of it but that it does not say no
		switch {
		case t.e.Repeat == RepeatKeyed:
			return paidWords(a, done)
		case saysFailed(a.payload(), false), saysFailed(a.body, true):
			return errSaysFailed
		}
		return nil
	}
	p := a.payload()
	if p == nil {
		return errNoData
	}
	return json.Unmarshal(p, out)
}

// settled looks at a success of a call that spends: only a finished payment is
// one.
func (t *trip) settled(r *result) error {
	var payment, status, message []byte
	for m := membersOf(r.answer.payload()); m.next(); {
		switch string(m.name) {
		case "payment":
			payment = m.value
		case "status":
			status = m.value
		case "message":
			message = m.value
		}
	}
	var state string
	var intent, secret []byte
	for m := membersOf(payment); m.next(); {
		switch string(m.name) {
		case "status":
			state = jsonText(m.value)
		case "payment_intent_id":
			intent = m.value
		case "client_secret":
			secret = m.value
		}
	}
	switch {
	case state == requiresAction, state == "" && jsonText(status) == requiresAction:
		e := t.apiError(r)
		e.Code, e.Message = requiresAction, clean(t.scrub(jsonText(message)), maxMessageText)
		p := r.answer.payload()
		if intent == nil {
			intent, secret = member(p, "payment_intent_id"), member(p, "client_secret")
		}
		return &RequiresActionError{APIError: *e, PaymentIntentID: t.scrub(jsonText(intent)), ClientSecret: secretOf(secret)}
	case state != "" && !finished(state):
		return unfinishedError(state)
	case state == "" && r.Status == http.StatusAccepted && t.e.Name != unlisted:
		return errors.New("accepted, and not finished")
	}
	return nil
}

const requiresAction = "requires_action"

// paidByHand holds an answer to a payment that was called by hand against what
// its method would make of it. A checkout page is no payment, and no failure.
func (t *trip) paidByHand(a *answer) error {
	if !t.byHand {
		return nil
	}
	p := a.object()
	page := jsonText(member(p, "checkout_url")) != ""
	switch t.e {
	case walletFund.row():
		if !page {
			return new(Funding).decode(t, a)
		}
	case subscriptionsCreate.row():
		if !page && member(member(p, "payment"), "status") == nil {
			return new(SubscriptionResult).decode(t, a)
		}
	case subscriptionsChangePlan.row(), subscriptionsResume.row(), subscriptionsResetCycle.row(), subscriptionsFixPayment.row():
		return new(SubscriptionChange).decode(t, a)
	case subscriptionsChargeAmount.row():
		return new(AmountCharge).decode(t, a)
	case walletRedeemCoupon.row():
		return new(CouponRedemption).decode(t, a)
	case walletSetAutoFunding.row():
		return new(AutoFunding).decode(t, a)
	case walletWithdraw.row():
		return new(Withdrawal).decode(t, a)
	}
	return nil
}

func (t *trip) unknown(err error) error {
	u := &OutcomeUnknownError{Operation: t.opts.operation, Endpoint: t.e.Name, IdempotencyKey: t.key, Err: err}
	if p, ok := t.in.body.(priced); ok {
		u.Amount = p.price()
	}
	if t.e.Job && t.last.body != nil {
		if m := jobIDForm.FindSubmatch(*t.last.body); m != nil {
			u.GenerationID = t.scrub(firstOf(string(m[1]), string(m[2])))
		}
	}
	return u
}

// jobIDForm finds a job's id in an answer that cannot be read any better.
var jobIDForm = regexp.MustCompile(`"(?:id|execution_id|training_id)"\s*:\s*(?:"([A-Za-z0-9][A-Za-z0-9_-]{0,99})"|([0-9]{1,19})[\s,}])`)

// fill gives the caller the response.
func (t *trip) fill(r *result) {
	if t.opts.response != nil {
		*t.opts.response = t.response(r)
	}
}

func (t *trip) response(r *result) Response {
	a := &r.answer
	resp := Response{
		StatusCode:        a.status,
		Header:            a.header,
		RequestID:         a.requestID(),
		RateLimit:         t.limit.read(t.e.Limiter, a.header, time.Now()),
		IdempotencyKey:    t.key,
		IdempotencyReplay: t.recalled || t.key != "" && a.replayed(),
		Attempts:          t.attempts,
	}
	if r.body != nil && len(*r.body) > 0 {
		resp.Raw = bytes.Clone(*r.body)
	}
	return resp
}

func (t *trip) apiError(r *result) *APIError {
	e := &APIError{}
	t.fillError(e, r)
	return e
}

func (t *trip) fillError(e *APIError, r *result) {
	e.Method, e.Path = t.e.Method, t.e.Path
	if t.opts.response != nil {
		e.Response = *t.opts.response
	} else {
		e.Response = t.response(r)
	}
	if t.cred != nil {
		e.RequestID = t.cred.scrub(e.RequestID)
	}
}

// scrub takes out of foreign text what the request itself held in secret.
func (t *trip) scrub(s string) string {
	if s == "" {
		return s
	}
	if t.cred != nil {
		s = t.cred.scrub(s)
	}
	if p, ok := t.in.body.(secretly); ok {
		for _, secret := range p.secrets() {
			s = scrubSecret(s, secret)
		}
	}
	return scrubText(s)
}
