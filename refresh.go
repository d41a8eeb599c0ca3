package modelslab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
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
	unsaved *Session     // a new session that Save has not kept yet
	doubted *credentials // what a refresh was asked with whose outcome is unknown
	notYet  time.Time    // when a refresh may be tried again that was refused
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
	return r.unsaved != nil || now.Before(k.expires) && r.doubted != k && !now.Before(r.notYet)
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
			go func(ctx context.Context) { c.cell.renewals.end(n, c.renewOnce(ctx)) }(context.WithoutCancel(ctx))
		}
		if err := n.wait(ctx); err != nil || mine {
			return err
		}
	}
	return nil
}

// renewOnce refreshes, keeps and puts to use; the renewal that it is part of has
// begun.
func (c *Client) renewOnce(ctx context.Context) (err error) {
	r, p := &c.cell.renewals, c.cfg.refresh
	old := c.cell.load()
	defer func() {
		// Somebody's transport or Save, in a goroutine where nobody could catch it.
		if v := recover(); v != nil {
			err = r.failed(old, fmt.Errorf("%w: panic: %s", ErrOutcomeUnknown, clean(old.scrub(fmt.Sprint(v)), maxMessageText)))
		}
	}()
	session := r.unsaved
	if session == nil {
		if session, err = c.refresh(ctx, AuthRefreshParams{TokenExpiry: p.TokenExpiry, DeviceName: p.DeviceName}, nil); err != nil {
			return r.failed(old, err)
		}
	}
	r.mu.Lock()
	r.unsaved = session // until adopt
	r.mu.Unlock()
	if err := p.Save(ctx, session); err != nil {
		return &refreshError{"the refreshed session could not be kept", err}
	}
	c.adopt(old, session)
	return nil
}

// failed is the end of a refresh that gave no session. What the server refused,
// and what was never sent, leaves the old token alive: the call goes on with it.
func (r *renewals) failed(old *credentials, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if errors.Is(err, ErrOutcomeUnknown) {
		r.doubted = old
		return &refreshError{"the refresh of the token had no answer that can be used, so the token may be dead: log in (Auth.Login), then use Client.WithSession", err}
	}
	wait := time.Minute
	if limited, ok := as[*RateLimitError](err); ok {
		wait = max(wait, limited.RetryAfter)
	}
	r.notYet = time.Now().Add(wait)
	return nil
}

// refresh asks for a new token. The old one is dead once it has the answer.
func (c *Client) refresh(ctx context.Context, p AuthRefreshParams, opts []RequestOption) (*Session, error) {
	old := c.credentials()
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

// adopt puts a refreshed session to use, for all clients of the cell. Clients
// made with With may have an API key of their own: that stays theirs.
func (c *Client) adopt(old *credentials, s *Session) {
	fresh := sessionCredentials(s)
	if c.over != nil && c.over.apiKey != "" && fresh.apiKey == c.over.apiKey {
		fresh.apiKey = old.apiKey
	}
	fresh.account = firstOf(old.account, fresh.account)
	fresh.born = time.Now()
	c.cell.now.Store(fresh)
	c.cell.renewals.mu.Lock()
	c.cell.renewals.unsaved = nil
	c.cell.renewals.mu.Unlock()
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
	text string
	err  error
}

func (e *refreshError) Error() string        { return "modelslab: not sent: " + e.text + ": " + e.err.Error() }
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
