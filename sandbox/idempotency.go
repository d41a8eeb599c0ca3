package sandbox

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// Idempotency is how a server treats idempotency keys. All that is documented is that the
// same key gets the kept answer, marked idempotency_replay, and is not charged twice: the
// zero value keeps 2xx answers other than 202 for ever, for each user, puts the flag into
// meta, and answers 409 while the first request is still at work.
//
// Whatever is kept, a payment made under a key is remembered with it: when an answer was
// not kept and the work is done again, it finds that payment instead of making another,
// as a server does that hands its key on to the card processor.
type Idempotency struct {
	// Replay is where a repeated answer says that it is one, and Spelling is how.
	Replay   ReplayPlace
	Spelling ReplaySpelling

	// Which outcomes are kept besides 2xx.
	Cache202, Cache402, Cache422, Cache429, Cache5xx bool

	// Nothing ignores keys altogether: a repeat charges again.
	Nothing bool
	// IgnoreOnPutAndDelete honours keys on POST only.
	IgnoreOnPutAndDelete bool

	// CheckBody refuses a key that comes back with another method, path or body with 422;
	// otherwise it gets the old answer.
	CheckBody bool
	Scope     KeyScope
	// Lifetime is how long a key is remembered, counted from its first use. 0 is for ever.
	Lifetime time.Duration

	// WaitInFlight lets a repeat wait while the first request is still at work; the default
	// is 409.
	WaitInFlight bool
	// LockFor is how long the first request is protected. When its work takes longer, a
	// repeat does the work again. 0 is as long as the work takes.
	LockFor time.Duration
	// ConflictOnRepeat answers every repeat with 409, also after the work is done.
	ConflictOnRepeat bool
	// KillAfterMove kills the request between the movement of money and the keeping of the
	// answer: the connection drops and the key stays locked for ever.
	KillAfterMove bool
}

// ReplayPlace is where a replayed answer is marked.
type ReplayPlace string

// The places of the replay flag.
const (
	ReplayInMeta                   ReplayPlace = "" // meta.idempotency_replay
	ReplayInData                   ReplayPlace = "data"
	ReplayAtTopLevel               ReplayPlace = "top"
	ReplayHeaderIdempotencyReplay  ReplayPlace = "Idempotency-Replay"
	ReplayHeaderIdempotentReplayed ReplayPlace = "Idempotent-Replayed"
	ReplayHeaderXIdempotencyReplay ReplayPlace = "X-Idempotency-Replay"
	ReplayUnmarked                 ReplayPlace = "nowhere"
)

// ReplaySpelling is how the flag is spelled.
type ReplaySpelling int

// The spellings of the replay flag.
const (
	ReplayTrue     ReplaySpelling = iota // true
	ReplayOne                            // 1
	ReplayTrueText                       // "true"
)

// KeyScope says within what a key has to be unique.
type KeyScope int

// The scopes of a key.
const (
	ScopeUser KeyScope = iota
	ScopeUserAndPath
	ScopeGlobal
)

// keyEntry is what the server knows under one key.
type keyEntry struct {
	print       [sha256.Size]byte
	born        time.Time
	lockedUntil time.Time     // zero: as long as the work takes
	done        chan struct{} // closed when the work is over
	kept        *answer
	dead        bool    // its worker was killed; nobody will ever unlock it
	intent      *intent // the payment made under the key
}

func (e *keyEntry) working() bool {
	select {
	case <-e.done:
		return false
	default:
		return true
	}
}

func (s *Server) keyIgnored(c *call) bool {
	m := c.http.Method
	return s.idempotency.Nothing ||
		s.idempotency.IgnoreOnPutAndDelete && (m == http.MethodPut || m == http.MethodDelete)
}

// idempotent runs the work once for each key, as far as the mode goes.
func (s *Server) idempotent(c *call, run func() answer) answer {
	e, early, stop := s.claimKey(c)
	if stop {
		return early
	}
	c.entry = e
	a := run()
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.moved && s.idempotency.KillAfterMove {
		e.dead = true
		a = answer{drop: true}
	} else if s.keeps(a.status) {
		kept := a
		e.kept = &kept
	}
	close(e.done)
	return a
}

// claimKey returns the entry under which the caller may work, or the answer it gets instead.
func (s *Server) claimKey(c *call) (*keyEntry, answer, bool) {
	mode := s.idempotency
	id, fingerprint := s.keyID(c), keyPrint(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		now := s.clock()
		e := s.keys[id]
		expired := e != nil && mode.Lifetime > 0 && now.Sub(e.born) >= mode.Lifetime
		overran := e != nil && e.working() && mode.LockFor > 0 && !now.Before(e.lockedUntil)
		switch {
		case e != nil && e.dead:
			return nil, c.keyConflict(), true
		case e == nil || expired || overran:
			e = &keyEntry{print: fingerprint, born: now, lockedUntil: now.Add(mode.LockFor), done: make(chan struct{})}
			s.keys[id] = e
			return e, answer{}, false
		case mode.CheckBody && e.print != fingerprint:
			return nil, s.reshape(c, c.refuse(http.StatusUnprocessableEntity, "idempotency_key_reused",
				"This idempotency key was used with another request.", object{})), true
		case e.working() && mode.WaitInFlight:
			s.mu.Unlock()
			select {
			case <-e.done:
			case <-s.closed:
			case <-c.http.Context().Done():
			}
			s.mu.Lock()
			if e.working() {
				return nil, answer{drop: true}, true
			}
		case e.working() || mode.ConflictOnRepeat:
			return nil, c.keyConflict(), true
		case e.kept != nil:
			return nil, mode.mark(*e.kept), true
		default:
			e.lockedUntil, e.done = now.Add(mode.LockFor), make(chan struct{})
			return e, answer{}, false
		}
	}
}

func (c *call) keyConflict() answer {
	return c.s.reshape(c, c.refuse(http.StatusConflict, "idempotency_conflict",
		"A request with this idempotency key is already being processed.", object{}))
}

func (s *Server) keyID(c *call) string {
	var user int64
	if c.account != nil {
		user = c.account.id
	}
	switch s.idempotency.Scope {
	case ScopeGlobal:
		return c.key
	case ScopeUserAndPath:
		return fmt.Sprintf("%d %s %s %s", user, c.http.Method, c.http.URL.Path, c.key)
	}
	return fmt.Sprintf("%d %s", user, c.key)
}

func keyPrint(c *call) [sha256.Size]byte {
	head := fmt.Sprintf("%s %s\n", c.http.Method, c.http.URL.Path)
	return sha256.Sum256(append([]byte(head), c.body...))
}

// keeps reports whether an outcome is kept under its key.
func (s *Server) keeps(status int) bool {
	mode := s.idempotency
	switch {
	case status == http.StatusAccepted:
		return mode.Cache202
	case status == http.StatusPaymentRequired:
		return mode.Cache402
	case status == http.StatusUnprocessableEntity:
		return mode.Cache422
	case status == http.StatusTooManyRequests:
		return mode.Cache429
	case status >= 500:
		return mode.Cache5xx
	}
	return status >= 200 && status < 300
}

// mark says on a kept answer that it is one. The kept one is shared and stays as it is.
func (i Idempotency) mark(a answer) answer {
	a.replay = true
	var flag any = true
	switch i.Spelling {
	case ReplayOne:
		flag = 1
	case ReplayTrueText:
		flag = "true"
	}
	switch i.Replay {
	case ReplayUnmarked:
	case ReplayInMeta, ReplayInData, ReplayAtTopLevel:
		if body, isObject := a.body.(object); isObject {
			a.body = flagged(body, i.Replay, flag, a.status)
		}
	default:
		a = a.with(string(i.Replay), fmt.Sprint(flag))
	}
	return a
}

// flagged is the body with the flag. Some have no place for it: a refusal has no data, and
// data may be an array.
func flagged(body object, place ReplayPlace, flag any, status int) object {
	const name = "idempotency_replay"
	body = maps.Clone(body)
	meta, _ := body["meta"].(object)
	data, isObject := body["data"].(object)
	_, enveloped := body["data"]
	switch {
	case place == ReplayInMeta:
		meta = maps.Clone(meta)
		if meta == nil {
			meta = object{} // an answer without meta gets one
		}
		meta[name], body["meta"] = flag, meta
	case place == ReplayInData && isObject:
		data = maps.Clone(data)
		data[name], body["data"] = flag, data
	case place == ReplayAtTopLevel, !enveloped && status < http.StatusBadRequest: // a bare body is the data
		body[name] = flag
	}
	return body
}
