package modelslab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Who a client acts for. Sessions come from AuthService; this is how a client
// holds one.

// credentials are what a client acts with. They never change; a cell may come
// to hold others.
type credentials struct {
	token, apiKey string
	bearer        []string // the Authorization header; shared by all requests
	account       string   // the acting account's id; "": not known yet
	user          *User
	expires       time.Time // the token's end; zero: never, or not known
	born          time.Time // when a refresh gave it; zero: it came in another way
	err           error     // why nothing can be sent with them
}

func (k *credentials) setToken(token string) {
	k.token, k.bearer = token, []string{"Bearer " + token}
}

// scrub takes the credentials out of foreign text.
func (k *credentials) scrub(s string) string {
	for _, secret := range [...]string{k.token, k.apiKey} {
		s = scrubSecret(s, secret)
	}
	return s
}

// scrubSecret takes a secret out of foreign text, in each of the notations in
// which a server may repeat what it was sent.
func scrubSecret(s, secret string) string {
	if len(secret) <= 2 {
		return s
	}
	s = strings.ReplaceAll(s, secret, redacted)
	if strings.Contains(s, "%") { // of a query or a path
		s = strings.ReplaceAll(s, url.QueryEscape(secret), redacted)
		s = strings.ReplaceAll(s, url.PathEscape(secret), redacted)
	}
	if strings.Contains(s, "\\") { // of JSON: Go's, PHP's, and Go's in PHP's
		forms := []string{secret}
		if b, err := json.Marshal(secret); err == nil {
			forms = append(forms, string(b[1:len(b)-1]))
		}
		for _, form := range forms {
			s = strings.ReplaceAll(s, form, redacted)
			s = strings.ReplaceAll(s, strings.ReplaceAll(form, "/", `\/`), redacted)
		}
	}
	if strings.Contains(s, "&") { // of a page
		s = strings.ReplaceAll(s, html.EscapeString(secret), redacted)
	}
	return s
}

func sessionCredentials(s *Session) *credentials {
	k := &credentials{}
	if s == nil {
		k.err = &ParamError{Param: "Session", Reason: "nil"}
		return k
	}
	token, key := s.AccessToken.Reveal(), s.APIKey.Reveal()
	if k.err = checkCredential("Session.AccessToken", token); k.err != nil {
		return k
	}
	if key != "" {
		if k.err = checkCredential("Session.APIKey", key); k.err != nil {
			return k
		}
	}
	k.setToken(token)
	k.apiKey, k.user = key, s.User
	if s.ExpiresAt != nil {
		k.expires = s.ExpiresAt.Time
	}
	if s.User != nil && s.User.ID != 0 {
		k.account = itoa(int64(s.User.ID))
	}
	return k
}

// cell is where the clients of one session find its credentials.
type cell struct {
	now atomic.Pointer[credentials]
	// party stands for the account wherever something is kept per account; a
	// refresh does not change it.
	party    string
	renewals renewals
}

func newCell(k *credentials) *cell {
	c := &cell{}
	c.now.Store(k)
	switch {
	case k.account != "":
		c.party = partyOf(k.account)
	case k.token != "":
		c.party = "token " + digest(k.token)
	case k.apiKey != "":
		c.party = "key " + digest(k.apiKey)
	}
	return c
}

func partyOf(account string) string { return "account " + account }

func (c *cell) load() *credentials { return c.now.Load() }

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:12])
}

// owners remembers whose a token is.
type owners struct {
	mu sync.Mutex
	m  map[string]string // digest of the token to account id
}

// maxOwners bounds the memory; a forgotten owner costs one GET.
const maxOwners = 1024

func (o *owners) of(token string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.m[token]
}

// ownerOf is what the owner of a token is remembered under.
func (c *Client) ownerOf(k *credentials) string { return digest(c.cfg.origin() + " " + k.token) }

// account is the acting account's id, which an operation's key is derived from.
func (c *Client) account(ctx context.Context, k *credentials) (string, error) {
	if k.account != "" {
		return k.account, nil
	}
	o, id := &c.shared.owners, c.ownerOf(k)
	if account := o.of(id); account != "" {
		return account, nil
	}
	me, err := call[ownID](ctx, c, profileGet, input{}, nil)
	if err != nil {
		return "", fmt.Errorf("modelslab: names of operations, stores and spending policies belong to an account, whose id is needed (or WithAccount): %w", err)
	}
	account := itoa(int64(me.id))
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.m == nil || len(o.m) >= maxOwners {
		o.m = make(map[string]string)
	}
	o.m[id] = account
	return account, nil
}

// ownID is the one thing needed of GET /me. Nothing stands in for the id: a key
// derived from something else would be another key, and could pay twice.
type ownID struct{ id ID }

func (o *ownID) decode(_ *trip, a *answer) error {
	var w struct {
		ID   ID `json:"id"`
		User struct {
			ID ID `json:"id"`
		} `json:"user"`
	}
	if err := a.decode(&w); err != nil {
		return err
	}
	if o.id = w.ID; o.id == 0 {
		o.id = w.User.ID
	}
	if o.id == 0 {
		return missing("id")
	}
	return nil
}

// credentialError is a call for which the client holds no credential. Nothing
// was sent. It answers to ErrUnauthenticated.
// errNoAccount says that an operation's name needs an account to be one of.
var errNoAccount = &credentialError{"WithOperation with", "an API key alone", "an account", "whose the key is, nobody says; add WithAccount"}

type credentialError struct{ method, path, need, hint string }

func (e *credentialError) Error() string {
	return "modelslab: " + e.method + " " + e.path + " needs " + e.need + ", and the client has none: " + e.hint
}

func (e *credentialError) Is(target error) bool { return target == ErrUnauthenticated }
