package modelslab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Refreshing. A refresh kills the token that it was asked with, so of all the
// goroutines and clients of a session one alone may ask, the others wait, and
// the new token is kept before anybody uses it.

// RefreshPolicy says when and how a client refreshes its token by itself.
type RefreshPolicy struct {
	// Save keeps the new session, where the program will find it after a crash.
	// It is called before the new token is used, because the old one is dead by
	// then. While it fails, so do all calls; the next one tries it again. It must
	// not call the API with this session. Needed.
	Save func(ctx context.Context, s *Session) error
	// Margin is how long before [Session].ExpiresAt the token is refreshed;
	// default 24 h, and at most half of the life that the last refresh gave.
	Margin      time.Duration
	TokenExpiry TokenExpiry // of the new tokens; default 1_month
	DeviceName  string      // default: the old token's
}

const defaultRefreshMargin = 24 * time.Hour

// WithAutoRefresh refreshes the token of a session whose end is known before it
// comes: the first call that is due refreshes, and all other calls of the session
// wait for it. The end is known of sessions ([WithSession], [Client.WithSession]),
// not of a bare token.
//
// Each [Client.WithSession] of one session is a session of its own here: make the
// client once and share it, or two of them trade one token.
//
// A refresh is never repeated where its outcome is unknown: the calls that waited
// for it fail, unsent, and later ones go on with the old token, which may be
// dead. One that the server refuses is tried again a minute later at the
// earliest. A token that has expired cannot be refreshed: log in.
func WithAutoRefresh(p RefreshPolicy) Option {
	return func(cfg *config) error {
		switch {
		case p.Save == nil:
			return &ParamError{Param: "RefreshPolicy.Save", Reason: "nil: a new token that nobody keeps is lost with the program, and the old one is dead"}
		case p.Margin < 0:
			return &ParamError{Param: "RefreshPolicy.Margin", Value: p.Margin.String(), Reason: "must not be negative"}
		case p.Margin == 0:
			p.Margin = defaultRefreshMargin
		}
		cfg.refresh = &p
		return nil
	}
}

// renewals are a cell's refreshes: at most one at a time.
type renewals struct {
	mu      sync.Mutex
	running *renewal     // nil: none
	unsaved *Session     // a new session that Save has not kept yet; the old token is dead
	keep    keepFunc     // the Save that has to
	doubted *credentials // what a refresh was asked with whose outcome is unknown
	notYet  time.Time    // when a refresh may be tried again that was refused
	waiting atomic.Bool  // there is an unsaved one
}

type keepFunc = func(context.Context, *Session) error

// doubt remembers credentials that a refresh may have killed.
func (r *renewals) doubt(k *credentials) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doubted = k
}

// doubts reports whether the outcome of a refresh of these credentials is
// unknown.
func (r *renewals) doubts(k *credentials) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.doubted != nil && r.doubted.token == k.token
}

type renewal struct {
	done chan struct{} // closed when it is over
	err  error
}

// begin starts a renewal, or finds the one that is running.
func (r *renewals) begin() (n *renewal, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running != nil {
		return r.running, false
	}
	r.running = &renewal{done: make(chan struct{})}
	return r.running, true
}

func (r *renewals) end(n *renewal, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n.err, r.running = err, nil
	close(n.done)
}

// wait waits for the renewal that is running, if there is one.
func (r *renewals) wait(ctx context.Context) error {
	r.mu.Lock()
	n := r.running
	r.mu.Unlock()
	if n == nil {
		return nil
	}
	return n.wait(ctx)
}

func (n *renewal) wait(ctx context.Context) error {
	select {
	case <-n.done:
		return n.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// due reports whether the client's token has to be refreshed before a call.
func (c *Client) due(now time.Time) bool {
	p, k, r := c.cfg.refresh, c.cell.load(), &c.cell.renewals
	if r.waiting.Load() {
		return true
	}
	if p == nil || k.expires.IsZero() {
		return false
	}
	margin := p.Margin
	if !k.born.IsZero() {
		margin = min(margin, k.expires.Sub(k.born)/2)
	}
	if now.Before(k.expires.Add(-margin)) {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Before(k.expires) && r.doubted != k && !now.Before(r.notYet)
}

// renew refreshes the token if that is due. The caller's cancellation ends its
// waiting and not the refresh, whose answer must not be lost.
func (c *Client) renew(ctx context.Context) error {
	for c.due(time.Now()) {
		n, mine := c.cell.renewals.begin()
		if mine {
			if !c.due(time.Now()) { // somebody else's has ended meanwhile
				c.cell.renewals.end(n, nil)
				return nil
			}
			go func(ctx context.Context) {
				// It stays so if a transport or a Save ends the goroutine.
				r, old := &c.cell.renewals, c.cell.load()
				var err error = &refreshError{"the refresh of the token came to no end", ErrOutcomeUnknown}
				ended := false
				defer func() {
					if !ended && !r.waiting.Load() {
						r.doubt(old)
					}
					r.end(n, err)
				}()
				err = c.renewOnce(ctx)
				ended = true
			}(context.WithoutCancel(ctx))
		}
		if err := n.wait(ctx); err != nil || mine {
			return err
		}
	}
	return nil
}

// saveTimeout bounds Save, so that one that never returns does not stop all calls
// as long as it looks at its context.
const saveTimeout = time.Minute

// renewOnce refreshes, keeps and puts to use; the renewal that it is part of has
// begun.
func (c *Client) renewOnce(ctx context.Context) (err error) {
	r := &c.cell.renewals
	old := c.cell.load()
	defer func() {
		// Somebody's transport or Save, in a goroutine where nobody could catch it.
		if v := recover(); v != nil {
			err = r.failed(old, fmt.Errorf("%w: panic: %s", ErrOutcomeUnknown, clean(r.scrub(old, fmt.Sprint(v)), maxMessageText)))
		}
	}()
	if !r.waiting.Load() {
		p := c.cfg.refresh
		session, err := c.unhurried().refresh(ctx, AuthRefreshParams{TokenExpiry: p.TokenExpiry, DeviceName: p.DeviceName}, nil)
		if err != nil {
			return r.failed(old, err)
		}
		r.hold(session, p.Save)
	}
	return c.keepUnsaved(ctx, old)
}

// unhurried is the client for a refresh that other calls wait for: it is tried
// once, and waits for no limiter. There is another day for it.
func (c *Client) unhurried() *Client {
	quick := *c
	cfg := *c.cfg
	cfg.retry.MaxAttempts, cfg.rateLimit.Mode = 1, RateLimitRefuse
	quick.cfg = &cfg
	return &quick
}

// hold takes a new session that has to be kept before it is used.
func (r *renewals) hold(s *Session, keep keepFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unsaved, r.keep = s, keep
	r.waiting.Store(true)
}

// keepUnsaved has the new session kept, and puts it to use.
func (c *Client) keepUnsaved(ctx context.Context, old *credentials) error {
	r := &c.cell.renewals
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	copied := *r.unsaved // it is the program's: what it does to it must not matter
	if copied.User != nil {
		copied.User = Ptr(*copied.User)
	}
	if copied.ExpiresAt != nil {
		copied.ExpiresAt = Ptr(*copied.ExpiresAt)
	}
	if err := r.keep(ctx, &copied); err != nil {
		return &refreshError{"the refreshed session could not be kept: " + clean(r.scrub(old, err.Error()), maxMessageText), err}
	}
	c.adopt(old, r.unsaved)
	return nil
}

// scrub takes the old and the new credentials out of foreign text.
func (r *renewals) scrub(old *credentials, s string) string {
	if s = old.scrub(s); r.unsaved != nil {
		s = sessionCredentials(r.unsaved).scrub(s)
	}
	return scrubText(s)
}

// failed is the end of a refresh that gave no session. What the server refused,
// and what was never sent, leaves the old token alive: the call goes on with it.
func (r *renewals) failed(old *credentials, err error) error {
	if errors.Is(err, ErrOutcomeUnknown) {
		r.doubt(old)
		return &refreshError{"the refresh of the token had no answer that can be used, so the token may be dead: log in (Auth.Login), then use Client.WithSession: " + err.Error(), err}
	}
	wait := time.Minute
	if limited, ok := as[*RateLimitError](err); ok {
		wait = max(wait, limited.RetryAfter)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notYet = time.Now().Add(wait)
	return nil
}

// refresh asks for a new token. The old one is dead once it has the answer. What
// the answer lacks is the session's, and not that of a client made with With.
func (c *Client) refresh(ctx context.Context, p AuthRefreshParams, opts []RequestOption) (*Session, error) {
	old := c.cell.load()
	session, err := call[Session](ctx, c, authRefresh, input{body: p}, opts)
	if err != nil {
		if api, ok := as[*APIError](err); ok && (api.StatusCode == http.StatusNotFound || api.StatusCode == http.StatusMethodNotAllowed) {
			return nil, fmt.Errorf("%w (this server knows no refresh: log in)", err)
		}
		return nil, err
	}
	if session.User == nil {
		session.User = old.user
	}
	if session.APIKey.IsZero() && old.apiKey != "" {
		session.APIKey = NewSecret(old.apiKey)
	}
	return session, nil
}

// adopt puts a refreshed session to use, for all clients of the cell.
func (c *Client) adopt(old *credentials, s *Session) {
	fresh := sessionCredentials(s)
	fresh.account = firstOf(old.account, fresh.account)
	fresh.born = time.Now()
	c.cell.now.Store(fresh)
	r := &c.cell.renewals
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unsaved, r.keep = nil, nil
	r.waiting.Store(false)
}

// replaced reports whether a refresh, under way or over, has replaced the token
// that the call was sent with.
func (t *trip) replaced(ctx context.Context) bool {
	if err := t.c.cell.renewals.wait(ctx); err != nil {
		return false
	}
	return t.c.cell.load().token != t.cred.token
}

// refreshError is a call that was not sent, because a refresh went wrong. It
// answers to ErrUnauthenticated: whatever became of the refresh, nothing became
// of the call.
type refreshError struct {
	text string // scrubbed
	err  error
}

func (e *refreshError) Error() string        { return "modelslab: not sent: " + e.text }
func (e *refreshError) Is(target error) bool { return target == ErrUnauthenticated }

// Unwrap hides what an unknown refresh answers to, which would say that the call
// may have been carried out.
func (e *refreshError) Unwrap() error {
	if api, ok := as[*APIError](e.err); ok {
		return maskedKind{api}
	}
	if errors.Is(e.err, ErrOutcomeUnknown) {
		return nil
	}
	return e.err
}
