package sandbox

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/mail"
	"strings"
	"time"
)

const (
	minPassword  = 8             // the framework's usual floor
	codeLifetime = 1 * time.Hour // likewise
)

// account is a user with a wallet.
type account struct {
	id                    int64
	email, name, username string
	password              [sha256.Size]byte
	verified              bool
	created               time.Time

	code        string // the one in the last mail; "" once it was used
	codeExpires time.Time

	apiKey        string
	wallet        wallet
	subscriptions []*subscription
}

// token is an access token.
type token struct {
	text    string
	device  string
	account *account
	expiry  string
	expires time.Time // zero: never
}

// AccountParams describes an account to make.
type AccountParams struct {
	Email        string // "" invents one
	BalanceCents int64
}

// Account is an account that can be used at once: verified, with a token that does not
// expire and an API key.
type Account struct {
	ID          int64
	Email       string
	Password    string
	AccessToken string
	APIKey      string

	srv *Server
}

// Account makes a verified account without any request. For an address that exists
// already it signs that account in again and adds the balance to its wallet; the password
// is then empty.
func (s *Server) Account(p AccountParams) Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	email := normalEmail(p.Email)
	if email == "" {
		email = fmt.Sprintf("agent%d@example.com", s.nextID("invented address", 1))
	}
	a, password := s.byEmail[email], ""
	if a == nil {
		password = s.randomText(16)
		a = s.addAccount(email, "", password)
	}
	s.verify(a)
	if p.BalanceCents > 0 {
		s.credit(a, p.BalanceCents, movement{source: "sandbox", id: "opening_" + s.randomText(12), usecase: "opening_balance", description: "Opening balance"})
	}
	t := s.issue(a, "sandbox", "never")
	return Account{ID: a.id, Email: a.email, Password: password, AccessToken: t.text, APIKey: a.apiKey, srv: s}
}

// VerificationCode returns the code in the last mail to the address, and false if there
// is none that still waits to be used.
func (s *Server) VerificationCode(email string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byEmail[normalEmail(email)]
	if a == nil || a.code == "" {
		return "", false
	}
	return a.code, true
}

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

func normalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

func validEmail(email string) bool {
	a, err := mail.ParseAddress(email)
	return err == nil && a.Address == email
}

func (s *Server) addAccount(email, name, password string) *account {
	id := s.nextID("account", 101)
	local, _, _ := strings.Cut(email, "@")
	if name == "" {
		name = local
	}
	a := &account{
		id: id, email: email, name: name, username: fmt.Sprintf("%s%d", local, id),
		password: sha256.Sum256([]byte(password)), created: s.clock(),
	}
	s.accounts = append(s.accounts, a)
	s.byEmail[email] = a
	return a
}

// sendCode replaces the code, as a new mail would.
func (s *Server) sendCode(a *account) {
	if s.verificationCode != nil {
		a.code = s.verificationCode(a.email)
	} else {
		a.code = s.randomText(32)
	}
	a.codeExpires = s.clock().Add(codeLifetime)
}

func (s *Server) verify(a *account) {
	a.verified, a.code = true, ""
	if a.apiKey == "" {
		a.apiKey = s.randomText(60)
		s.apiKeys[a.apiKey] = a
	}
}

func (s *Server) issue(a *account, device, expiry string) *token {
	expires, _ := expiryFrom(s.clock(), expiry)
	t := &token{
		text:    fmt.Sprintf("%d|%s", s.nextID("token", 12), s.randomText(40)),
		account: a, device: device, expiry: expiry, expires: expires,
	}
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

// authenticate finds out whose request it is. The second result is true if it must not go on.
func (s *Server) authenticate(c *call) (answer, bool) {
	if c.route.auth != bearer {
		return answer{}, false
	}
	text, found := strings.CutPrefix(c.http.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[text]
	if !found || t == nil || !t.expires.IsZero() && !s.clock().Before(t.expires) {
		return c.unauthenticated(), true
	}
	c.token, c.account = t, t.account
	return answer{}, false
}

func (s *Server) signup(c *call) answer {
	problems := bag{}
	email, password := normalEmail(c.text("email")), c.secret("password")
	switch {
	case email == "":
		problems.add("email", "The email field is required.")
	case !validEmail(email):
		problems.add("email", "The email field must be a valid email address.")
	case s.byEmail[email] != nil:
		problems.add("email", "The email has already been taken.")
	}
	switch {
	case password == "":
		problems.add("password", "The password field is required.")
	case len(password) < minPassword:
		problems.add("password", "The password field must be at least %d characters.", minPassword)
	case c.has("password_confirmation") && c.secret("password_confirmation") != password:
		problems.add("password", "The password field confirmation does not match.")
	}
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	a := s.addAccount(email, c.text("name"), password)
	s.sendCode(a)
	return c.success(http.StatusCreated, object{
		"message": "Account created. We have mailed a verification code.",
		"user":    a.json(),
	})
}

// secret is a string field as it was sent, blanks included.
func (c *call) secret(name string) string {
	v, _ := c.fields[name].(string)
	return v
}

func (a *account) json() object {
	return object{"id": a.id, "name": a.name, "email": a.email, "username": a.username, "verified": a.verified}
}

func (s *Server) login(c *call) answer {
	problems := bag{}
	for _, field := range []string{"email", "password"} {
		if c.secret(field) == "" {
			problems.add(field, "The %s field is required.", field)
		}
	}
	// The field "expiry", which an old client sends, is ignored on purpose.
	expiry := c.expiry(problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	a := s.byEmail[normalEmail(c.text("email"))]
	switch {
	case a == nil || a.password != sha256.Sum256([]byte(c.secret("password"))):
		return c.refuse(http.StatusUnauthorized, "invalid_credentials", "The email or the password is wrong.", []any{})
	case !a.verified:
		return c.refuse(http.StatusForbidden, "email_not_verified", "Verify your email address first.",
			object{"verification_required": true})
	}
	device := c.text("device_name")
	if device == "" {
		device = "agent-control-plane"
	}
	t := s.issue(a, device, expiry)
	data := a.session(t)
	data["token_expiry"] = expiry
	return c.ok(data)
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

func (a *account) session(t *token) object {
	return object{
		"access_token": t.text,
		"token_type":   "Bearer",
		"expires_at":   momentOrNull(t.expires),
		"user":         a.json(),
		"api_key":      a.apiKey,
	}
}

func (s *Server) verifyEmail(c *call) answer {
	code := c.text("verification_code")
	if code == "" {
		return c.invalidField("verification_code", "The verification code field is required.")
	}
	return s.verifyWith(c, code)
}

func (s *Server) verifyWith(c *call, code string) answer {
	for _, a := range s.accounts {
		if a.code != code || !c.now.Before(a.codeExpires) {
			continue
		}
		s.verify(a)
		data := a.session(s.issue(a, "agent-control-plane", defaultExpiry))
		data["message"] = "Email verified."
		return c.ok(data)
	}
	return c.invalidField("verification_code", "The verification code is invalid or has expired.")
}

// verifyLink is the link in the mail: JSON for programs, a redirect for browsers.
func (s *Server) verifyLink(c *call) answer {
	if strings.Contains(c.http.Header.Get("Accept"), "application/json") {
		return s.verifyWith(c, c.params["token"])
	}
	target := s.url + "/login?verified=1"
	if a := s.verifyWith(c, c.params["token"]); a.status != http.StatusOK {
		target = s.url + "/login?verified=0"
	}
	return page(http.StatusFound, "<!DOCTYPE html><title>Redirecting</title>").with("Location", target)
}

func (s *Server) refresh(c *call) answer {
	problems := bag{}
	expiry := c.expiry(problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	device := c.text("device_name")
	if device == "" {
		device = c.token.device
	}
	t := s.issue(c.account, device, expiry)
	delete(s.tokens, c.token.text)
	return c.ok(object{
		"access_token": t.text,
		"token_type":   "Bearer",
		"token_expiry": expiry,
		"expires_at":   momentOrNull(t.expires),
		"message":      "Token refreshed.",
	})
}

func (s *Server) logout(c *call) answer {
	delete(s.tokens, c.token.text)
	return c.ok(object{"message": "Logged out."})
}

// resendVerification says the same for every address: it must not tell who has an account.
func (s *Server) resendVerification(c *call) answer {
	email := normalEmail(c.text("email"))
	if !validEmail(email) {
		return c.invalidField("email", "The email field must be a valid email address.")
	}
	if a := s.byEmail[email]; a != nil && !a.verified {
		s.sendCode(a)
	}
	return c.ok(object{"message": "If the address needs verification, we have mailed a new code."})
}

func (s *Server) profile(c *call) answer {
	data := c.account.json()
	data["created_at"] = timestamp(c.account.created)
	return c.ok(data)
}
