package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// token is an access token. It knows who signed in, and for which account it acts: their
// own, until they switch to one whose team they are in.
type token struct {
	id      int64
	text    string // the id, a bar, and what is secret about it
	device  string
	user    *account
	account *account
	expiry  string

	created  time.Time
	lastUsed time.Time // zero: never
	expires  time.Time // zero: never
}

func (t *token) ended(now time.Time) bool { return !t.expires.IsZero() && !now.Before(t.expires) }

// ExpireToken ends the life of an access token now. It reports whether there was one.
func (s *Server) ExpireToken(accessToken string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[accessToken]
	if t != nil {
		t.expires = s.clock()
	}
	return t != nil
}

func (s *Server) issue(user, actsFor *account, device, expiry string) *token {
	now := s.clock()
	expires, _ := expiryFrom(now, expiry)
	t := &token{
		id: s.nextID("token", 12), device: device, user: user, account: actsFor,
		expiry: expiry, created: now, expires: expires,
	}
	t.text = fmt.Sprintf("%d|%s", t.id, s.randomText(40))
	s.tokens[t.text] = t
	return t
}

const defaultExpiry = "1_month"

// expiryFrom is the end of a token's life; the zero time is no end.
func expiryFrom(now time.Time, expiry string) (time.Time, bool) {
	switch expiry {
	case "1_week":
		return now.AddDate(0, 0, 7), true
	case "1_month":
		return now.AddDate(0, 1, 0), true
	case "3_months":
		return now.AddDate(0, 3, 0), true
	case "6_months":
		return now.AddDate(0, 6, 0), true
	case "1_year":
		return now.AddDate(1, 0, 0), true
	case "never":
		return time.Time{}, true
	}
	return time.Time{}, false
}

// expiry reads token_expiry, or says what is wrong with it.
func (c *call) expiry(problems bag) string {
	if !c.has("token_expiry") {
		return defaultExpiry
	}
	expiry := c.text("token_expiry")
	if _, known := expiryFrom(c.now, expiry); !known {
		problems.add("token_expiry", "The selected token expiry is invalid.")
	}
	return expiry
}

// device is the name that the client gives its token.
func (c *call) device(usual string) string { return cmp.Or(c.text("device_name"), usual) }

// authenticate finds out whose request it is. The second result is true if it must not go on.
func (s *Server) authenticate(c *call) (answer, bool) {
	if c.route.auth != bearer {
		return answer{}, false
	}
	text, found := strings.CutPrefix(c.http.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	t, now := s.tokens[text], s.clock()
	if !found || t == nil || t.ended(now) {
		return c.unauthenticated(), true
	}
	t.lastUsed = now
	c.token, c.account = t, t.account
	return answer{}, false
}

func (s *Server) refresh(c *call) answer {
	problems := bag{}
	expiry := c.expiry(problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	t := s.issue(c.token.user, c.account, c.device(c.token.device), expiry)
	delete(s.tokens, c.token.text)
	return c.issued(t, "Token refreshed.")
}

// issued hands out a token that took the place of another.
func (c *call) issued(t *token, message string) answer {
	return c.ok(object{
		"access_token": t.text,
		"token_type":   "Bearer",
		"token_expiry": t.expiry,
		"expires_at":   momentOrNull(t.expires),
		"message":      message,
	})
}

func (s *Server) logout(c *call) answer {
	delete(s.tokens, c.token.text)
	return c.ok(object{"message": "Logged out."})
}

// logoutAll ends what the user signed in with, whichever account it acts for.
func (s *Server) logoutAll(c *call) answer {
	s.endTokens(func(t *token) bool { return t.user == c.token.user })
	return c.ok(object{"message": "Logged out everywhere."})
}

func (s *Server) endTokens(which func(*token) bool) {
	maps.DeleteFunc(s.tokens, func(_ string, t *token) bool { return which(t) })
}

// tokensOf lists the tokens of a user that still work, oldest first.
func (s *Server) tokensOf(user *account) []*token {
	now := s.clock()
	var list []*token
	for _, t := range s.tokens {
		if t.user == user && !t.ended(now) {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b *token) int { return cmp.Compare(a.id, b.id) })
	return list
}

func (s *Server) listTokens(c *call) answer {
	list := []any{}
	for _, t := range s.tokensOf(c.token.user) {
		list = append(list, object{
			"id": t.id, "name": t.device, "scopes": []string{"*"},
			"last_used_at": momentOrNull(t.lastUsed), "created_at": timestamp(t.created),
			"expires_at": momentOrNull(t.expires),
		})
	}
	return c.ok(list)
}

// revokeToken may end the very token that asks: that is a logout.
func (s *Server) revokeToken(c *call) answer {
	id := c.rowID()
	for _, t := range s.tokensOf(c.token.user) {
		if t.id == id {
			delete(s.tokens, t.text)
			return c.ok(object{"message": "Token revoked."})
		}
	}
	return missing("PersonalAccessToken", c.params["id"])
}

// rowID is the id in the path; no row has the id 0.
func (c *call) rowID() int64 {
	id, err := strconv.ParseInt(c.params["id"], 10, 64)
	if err != nil {
		return 0
	}
	return id
}

func (s *Server) revokeOtherTokens(c *call) answer {
	s.endTokens(func(t *token) bool { return t.user == c.token.user && t != c.token })
	return c.ok(object{"message": "All other tokens revoked."})
}

// switchAccount issues a token that acts for another account. The one that asks stays
// valid, and stays what it was.
func (s *Server) switchAccount(c *call) answer {
	problems := bag{}
	c.require(problems, "account_username")
	expiry := c.expiry(problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	user, target := c.token.user, s.byUsername(c.text("account_username"))
	if target == nil || target != user && !target.hasMember(user) {
		// The same for a name that nobody has: it must not tell who has an account.
		return c.accessDenied("You are not a member of this account's team.")
	}
	t := s.issue(user, target, c.device(c.token.device), expiry)
	return c.issued(t, "Account switched.")
}

func (c *call) accessDenied(message string) answer {
	return c.refuse(http.StatusForbidden, "access_denied", message, []any{})
}
