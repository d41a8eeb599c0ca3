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
	minPassword   = 8             // the framework's usual floor
	codeLifetime  = 1 * time.Hour // likewise
	resetLifetime = 1 * time.Hour // likewise
)

// usualDevice is the name of a token whose client gave none.
const usualDevice = "agent-control-plane"

// account is a user with a wallet.
type account struct {
	id                    int64
	email, name, username string
	password              [sha256.Size]byte
	verified              bool
	created               time.Time

	code        string // the one in the last mail; "" once it was used
	codeExpires time.Time

	resetToken   string // likewise, from the mail of a forgotten password
	resetExpires time.Time

	about       string
	socials     map[string]string
	preferences preferences

	keys          []*apiKey // oldest first
	usage         []usageRecord
	team          []*member
	wallet        wallet
	subscriptions []*subscription
	billing       billing
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
	t := s.issue(a, a, "sandbox", "never")
	return Account{ID: a.id, Email: a.email, Password: password, AccessToken: t.text, APIKey: a.firstKey(), srv: s}
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

// ResetToken returns the token in the last mail for a forgotten password to the address,
// and false if there is none that still waits to be used.
func (s *Server) ResetToken(email string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byEmail[normalEmail(email)]
	if a == nil || a.resetToken == "" {
		return "", false
	}
	return a.resetToken, true
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
	username := fmt.Sprintf("%s%d", local, id)
	for s.byUsername(username) != nil { // somebody chose it
		username += "_"
	}
	a := &account{
		id: id, email: email, name: name, username: username,
		password: sha256.Sum256([]byte(password)), created: s.clock(),
		socials: map[string]string{}, preferences: defaultPreferences(),
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

// verify takes the address as proven. The first time, the account gets its API key.
func (s *Server) verify(a *account) {
	if !a.verified {
		s.addKey(a, "Default", "")
	}
	a.verified, a.code = true, ""
}

func (a *account) hasPassword(password string) bool {
	return a.password == sha256.Sum256([]byte(password))
}

func (s *Server) signup(c *call) answer {
	problems := bag{}
	email := normalEmail(c.text("email"))
	switch {
	case email == "":
		problems.add("email", "The email field is required.")
	case !validEmail(email):
		problems.add("email", "The email field must be a valid email address.")
	case s.byEmail[email] != nil:
		problems.add("email", "The email has already been taken.")
	}
	c.require(problems, "password")
	password := c.newPassword(problems)
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

// require says which fields are missing.
func (c *call) require(problems bag, fields ...string) {
	for _, field := range fields {
		if c.secret(field) == "" {
			problems.add(field, "The %s field is required.", words(field))
		}
	}
}

// newPassword reads a password that is to be set, or says what is wrong with it. The
// confirmation counts where it was sent; who wants one has to require it.
func (c *call) newPassword(problems bag) string {
	password := c.secret("password")
	switch {
	case password == "": // for require
	case len(password) < minPassword:
		problems.add("password", "The password field must be at least %d characters.", minPassword)
	case c.has("password_confirmation") && c.secret("password_confirmation") != password:
		problems.add("password", "The password field confirmation does not match.")
	}
	return password
}

func (a *account) json() object {
	return object{"id": a.id, "name": a.name, "email": a.email, "username": a.username, "verified": a.verified}
}

func (s *Server) login(c *call) answer {
	problems := bag{}
	c.require(problems, "email", "password")
	// The field "expiry", which an old client sends, is ignored on purpose.
	expiry := c.expiry(problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	a := s.byEmail[normalEmail(c.text("email"))]
	switch {
	case a == nil || !a.hasPassword(c.secret("password")):
		return c.refuse(http.StatusUnauthorized, "invalid_credentials", "The email or the password is wrong.", []any{})
	case !a.verified:
		return c.refuse(http.StatusForbidden, "email_not_verified", "Verify your email address first.",
			object{"verification_required": true})
	}
	t := s.issue(a, a, c.device(usualDevice), expiry)
	data := a.session(t)
	data["token_expiry"] = expiry
	return c.ok(data)
}

func (a *account) session(t *token) object {
	return object{
		"access_token": t.text,
		"token_type":   "Bearer",
		"expires_at":   momentOrNull(t.expires),
		"user":         a.json(),
		"api_key":      textOrNull(a.firstKey()),
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
		data := a.session(s.issue(a, a, usualDevice, defaultExpiry))
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

// forgotPassword says the same for every address too.
func (s *Server) forgotPassword(c *call) answer {
	email := normalEmail(c.text("email"))
	if !validEmail(email) {
		return c.invalidField("email", "The email field must be a valid email address.")
	}
	if a := s.byEmail[email]; a != nil {
		a.resetToken, a.resetExpires = s.randomText(64), c.now.Add(resetLifetime)
	}
	return c.ok(object{"message": "If the address has an account, we have mailed a link to reset the password."})
}

// resetPassword ends every token of the user: whoever forgot a password cannot tell who
// else signed in with it. API keys stay.
func (s *Server) resetPassword(c *call) answer {
	problems := bag{}
	c.require(problems, "email", "token", "password", "password_confirmation")
	password := c.newPassword(problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	a := s.byEmail[normalEmail(c.text("email"))]
	if a == nil || a.resetToken == "" || a.resetToken != c.text("token") || !c.now.Before(a.resetExpires) {
		// The same words for an address that nobody has.
		return c.invalidField("token", "This password reset token is invalid.")
	}
	a.resetToken, a.password = "", sha256.Sum256([]byte(password))
	s.endTokens(func(t *token) bool { return t.user == a })
	return c.ok(object{"message": "Password reset. Log in with the new one."})
}
