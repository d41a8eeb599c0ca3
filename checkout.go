package modelslab

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/modelslab/modelslab-agents-go/internal/retry"
)

// A checkout is a page of Stripe's where a human pays. Both services that have
// one confirm it in the same way: they ask until the answer is no longer "not
// yet".

// AwaitParams is how to wait for a human.
type AwaitParams struct {
	Interval time.Duration      // between two polls; default 10 s, at least 5 s
	Progress func(CheckoutPoll) // called after each poll that did not find it paid; may be nil
}

// CheckoutPoll is one answer to the question whether a checkout is paid.
type CheckoutPoll struct {
	Poll    int           // from 1
	Elapsed time.Duration // since the waiting began
	Err     error         // ErrCheckoutPending, or what went wrong this time
}

const (
	defaultPollInterval = 10 * time.Second
	minPollInterval     = 5 * time.Second
	// expiryGrace is how long after a link's expiry an answer is still waited
	// for: what was paid in the last second must not be given up.
	expiryGrace = 2 * time.Minute
)

// sessionParams is the body of confirm-checkout.
type sessionParams struct {
	SessionID string `json:"session_id"`
}

func (p sessionParams) check() error { return checkSession("sessionID", p.SessionID) }

// pendingError is the server's "not yet". No money has moved that was not there
// before.
type pendingError struct {
	APIError
	unpaid bool // the server says that it is not paid, and not just no
}

func (e *pendingError) Is(target error) bool { return e.is(ErrCheckoutPending, target) }
func (e *pendingError) Unwrap() error        { return e.part() }

// checkoutAnswer reads the many ways to say "not yet": none is documented.
type checkoutAnswer struct{}

// refusal tells "not yet" among the refusals.
func (checkoutAnswer) refusal(e *APIError) error {
	switch e.StatusCode {
	case http.StatusConflict, http.StatusTooEarly:
		return &pendingError{APIError: *e}
	case http.StatusBadRequest, http.StatusPaymentRequired, http.StatusUnprocessableEntity:
		if e.Code != "validation_error" && e.Code != "payment_declined" {
			return &pendingError{*e, saysUnpaid(e.Details) || unpaidCode.MatchString(e.Code)}
		}
	}
	return nil
}

var unpaidCode = regexp.MustCompile(`pending|unpaid|not_paid|incomplete|expired`)

// saysUnpaid looks for the words for a checkout that nobody has paid.
func saysUnpaid(object []byte) bool {
	for _, name := range [...]string{"status", "payment_status"} {
		switch strings.ToLower(jsonText(member(object, name))) {
		case "open", "unpaid", "pending", "processing":
			return true
		}
	}
	return false
}

// pending tells "not yet" among the successes.
func (checkoutAnswer) pending(t *trip, a *answer) error {
	object := a.object()
	unpaid := saysNo(member(object, "paid"))
	for _, part := range [...][]byte{object, a.body, member(object, "payment"), member(object, "payment_intent")} {
		unpaid = unpaid || saysUnpaid(part)
	}
	// A mere no may be another thing than "not yet": it is asked again, and never
	// taken for the last word.
	no := saysNo(member(object, "success")) || saysNo(member(a.body, "success"))
	if !unpaid && !no && a.status != http.StatusAccepted {
		return nil
	}
	e := t.apiError(&result{answer: *a, body: &a.body})
	e.Code, e.Message = "checkout_pending", "not paid yet"
	return &pendingError{*e, unpaid || a.status == http.StatusAccepted}
}

// awaiting is what differs between the services that wait for a checkout.
type awaiting[T any] struct {
	purpose  string
	endpoint endpoint
	confirm  func(ctx context.Context, sessionID string, opts ...RequestOption) (*T, error)
	// found looks whether what the link pays for is already there. refused is
	// the refusal that gave reason to look, or nil before a poll.
	found func(ctx context.Context, link *PaymentLink, refused *APIError) (*T, bool)
}

// await polls a checkout to its end.
func await[T any](ctx context.Context, link *PaymentLink, p AwaitParams, opts []RequestOption, w awaiting[T]) (*T, error) {
	if err := checkAwait(ctx, link, p, w.purpose); err != nil {
		return nil, err
	}
	var o callOptions
	if err := o.apply(opts); err != nil {
		return nil, err
	}
	if o.key != "" || o.operation != "" {
		return nil, &ParamError{Param: "AwaitCheckout", Reason: "derives its keys from the session; leave WithIdempotencyKey and WithOperation out"}
	}
	interval := p.Interval
	if interval == 0 {
		interval = defaultPollInterval
	}
	interval = max(interval, minPollInterval)

	var (
		start = time.Now()
		ahead time.Duration // of the server's clock over this one
		open  error         // the last poll, while its outcome is open
	)
	for poll, k := 1, 1; ; poll++ {
		if paid, ok := w.found(ctx, link, nil); ok {
			return paid, nil
		}
		// Poll k has a key of its own, because the server may keep its "not
		// yet" under it; a poll without a definite answer is asked again under
		// the same one.
		var resp Response
		key := operationKey("checkout", w.endpoint.row().Name, link.SessionID, k)
		paid, err := w.confirm(ctx, link.SessionID, append(opts[:len(opts):len(opts)], WithIdempotencyKey(key), WithResponse(&resp))...)
		if o.response != nil {
			*o.response = resp
		}
		if resp.IdempotencyReplay && errors.Is(err, ErrCheckoutPending) { // a "not yet" of long ago
			paid, err = w.confirm(ctx, link.SessionID, append(opts[:len(opts):len(opts)], WithIdempotencyKey(newKey()), WithResponse(&resp))...)
			if o.response != nil {
				*o.response = resp
			}
		}
		if err == nil {
			return paid, nil
		}
		if p.Progress != nil {
			p.Progress(CheckoutPoll{poll, time.Since(start), err})
		}
		api, answered := as[*APIError](err)
		if answered && (api.StatusCode == http.StatusConflict || api.StatusCode == http.StatusUnprocessableEntity) {
			if paid, ok := w.found(ctx, link, api); ok {
				return paid, nil
			}
		}
		now := time.Now()
		server := retry.ServerTime(resp.Header["Date"], time.Time{})
		if !server.IsZero() {
			ahead = server.Sub(now)
		}
		delay := interval
		switch definite := answered && api.StatusCode != http.StatusConflict && api.StatusCode != http.StatusTooEarly; {
		case errors.Is(err, ErrCheckoutPending) && definite:
			open = nil
			k++
			if p, ok := as[*pendingError](err); ok && p.unpaid && link.expired(server) && !resp.IdempotencyReplay {
				return nil, seal(&expiredError{*api})
			}
		case errors.Is(err, ErrCheckoutPending):
		case errors.Is(err, ErrRateLimited):
			if limited, ok := as[*RateLimitError](err); ok {
				delay = max(delay, limited.RetryAfter)
			}
		case errors.Is(err, ErrOutcomeUnknown):
			open = err
		case answered || errors.Is(err, ErrValidation) || errors.Is(err, ErrUnauthenticated) || errors.Is(err, ErrOperationMismatch):
			// A definite word, which waiting will not change. It says nothing
			// of an earlier poll that got no answer.
			if open != nil {
				err = awaitUnknown(w.endpoint, key, link, err)
			}
			return nil, err
		}
		if link.expired(now.Add(ahead - expiryGrace)) {
			return nil, awaitUnknown(w.endpoint, key, link, firstError(open, err))
		}
		if stopped := retry.Wait(ctx, delay); stopped != nil {
			if open != nil {
				return nil, awaitUnknown(w.endpoint, key, link, &stoppedError{stopped, open})
			}
			return nil, &stoppedError{stopped, err}
		}
	}
}

// foundPaid writes down that a page was paid that somebody else has confirmed.
func (c *Client) foundPaid(ctx context.Context, session, intent string) {
	if err := c.settlesSession(ctx, session, intent); err != nil {
		c.warn(ctx, "modelslab: what was settled could not be written down", slog.String("error", err.Error()))
	}
}

// awaitUnknown is the end of a wait that leaves it open whether the credit came.
func awaitUnknown(e endpoint, key string, link *PaymentLink, err error) error {
	if api, ok := as[*APIError](err); ok {
		api.OutcomeUnknown = true
	}
	if unknown, ok := err.(*OutcomeUnknownError); ok { //nolint:errorlint // only the outermost one says twice what this one says
		err = unknown.Err
	}
	return &OutcomeUnknownError{Endpoint: e.row().Name, IdempotencyKey: key, Amount: link.Amount, Err: err}
}

// expired reports whether the link had expired by now, as far as is known.
func (l *PaymentLink) expired(now time.Time) bool {
	return l.ExpiresAt != nil && !l.ExpiresAt.IsZero() && !now.IsZero() && now.After(l.ExpiresAt.Time)
}

// expiredError is a link that was not paid in its time.
type expiredError struct{ APIError }

func (e *expiredError) Is(target error) bool { return e.is(ErrCheckoutExpired, target) }
func (e *expiredError) Unwrap() error        { return e.part() }

func checkAwait(ctx context.Context, link *PaymentLink, p AwaitParams, purpose string) error {
	switch {
	case ctx == nil:
		return &ParamError{Param: "ctx", Reason: "nil"}
	case link == nil:
		return &ParamError{Param: "link", Reason: "nil"}
	case link.Purpose != "" && link.Purpose != purpose:
		return &ParamError{Param: "link.Purpose", Value: link.Purpose, Reason: "must be " + purpose + ": the other service confirms this link"}
	case p.Interval < 0:
		return &ParamError{Param: "AwaitParams.Interval", Value: p.Interval.String(), Reason: "must not be negative"}
	}
	return checkSession("link.SessionID", link.SessionID)
}

// paidIntent is the payment that a refusal names, if it has succeeded.
func (s *WalletService) paidIntent(ctx context.Context, refused *APIError) (string, bool) {
	if refused == nil {
		return "", false
	}
	intent := jsonText(member(refused.Details, "payment_intent_id"))
	if !paymentIntentForm.MatchString(intent) {
		return "", false
	}
	status, err := s.PaymentStatus(ctx, intent)
	return intent, err == nil && status.Succeeded()
}

// credited looks for a link's credit in the wallet. Only what names the payment
// proves it: another payment may be of the same sum.
func (s *WalletService) credited(ctx context.Context, link *PaymentLink, refused *APIError) (*Funding, bool) {
	intent, paid := s.paidIntent(ctx, refused)
	if paid {
		return &Funding{Status: "succeeded", PaymentIntentID: intent}, true
	}
	page, err := s.Transactions(ctx, TransactionsParams{Type: TransactionCredit})
	if err != nil {
		return nil, false
	}
	for _, tx := range page.Items {
		named := tx.TransactionID == link.SessionID || intent != "" && tx.TransactionID == intent
		if named && finished(tx.Status) && (tx.Type == "" || tx.Type == TransactionCredit) {
			f := &Funding{Status: tx.Status, PaymentIntentID: intent, Balance: page.Wallet.Balance}
			if f.PaymentIntentID == "" && paymentIntentForm.MatchString(tx.TransactionID) {
				f.PaymentIntentID = tx.TransactionID
			}
			return f, true
		}
	}
	return nil, false
}

// subscribed tells whether a link's plan is paid: by the payment that a refusal
// names. A subscription of the plan alone proves nothing, since it may have been
// bought in another way; it is named if there is but one.
func (s *SubscriptionsService) subscribed(ctx context.Context, link *PaymentLink, refused *APIError) (*SubscriptionResult, bool) {
	if _, paid := s.c.Wallet.paidIntent(ctx, refused); !paid {
		return nil, false
	}
	r := &SubscriptionResult{Status: "active"}
	list, err := s.List(ctx)
	if err != nil || link.PlanID == 0 {
		return r, true
	}
	for _, sub := range list {
		if sub.PlanID != link.PlanID || !sub.Active() {
			continue
		}
		if r.Subscription != nil {
			return &SubscriptionResult{Status: "active"}, true
		}
		r.Subscription, r.Status, r.StripeSubscriptionID = &sub, sub.Status, sub.StripeSubscriptionID
	}
	return r, true
}
