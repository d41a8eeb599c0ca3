package modelslab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// AuthService opens accounts and sessions.
// Documentation: docs.modelslab.com/agents-api/authentication.
type AuthService struct{ c *Client }

// TokenExpiry is how long a token lives. The server may cut it short:
// [Session.ExpiresAt] is what counts. Other words than these pass through.
type TokenExpiry string

// The documented lifetimes.
const (
	TokenExpiryWeek        TokenExpiry = "1_week"
	TokenExpiryMonth       TokenExpiry = "1_month" // the server's default
	TokenExpiryThreeMonths TokenExpiry = "3_months"
	TokenExpiryNever       TokenExpiry = "never"
)

// Lifetimes that newer copies of the vendor's texts have.
const (
	TokenExpirySixMonths TokenExpiry = "6_months"
	TokenExpiryYear      TokenExpiry = "1_year"
)

// User is the owner of a session.
type User struct {
	ID       ID     `json:"id"`
	Name     string `json:"name,omitzero"`
	Email    string `json:"email,omitzero"`
	Username string `json:"username,omitzero"`
	Verified bool   `json:"verified"`
}

type userWire struct {
	ID       ID       `json:"id"`
	Name     text     `json:"name"`
	Email    text     `json:"email"`
	Username text     `json:"username"`
	Verified flexBool `json:"verified"`
}

func (w *userWire) user() *User {
	if w == nil {
		return nil
	}
	return &User{w.ID, string(w.Name), string(w.Email), string(w.Username), bool(w.Verified)}
}

// Session is what a program needs to act for an account: give it to
// [Client.WithSession], and keep it with [Session.Save].
type Session struct {
	AccessToken Secret      `json:"access_token"`
	APIKey      Secret      `json:"api_key"` // for the generation APIs; may be empty
	TokenType   string      `json:"token_type"`
	TokenExpiry TokenExpiry `json:"token_expiry"`
	ExpiresAt   *Timestamp  `json:"expires_at"` // nil: never, or not said
	User        *User       `json:"user"`       // nil: not said
	Message     string      `json:"message"`
	// What newer copies of the vendor's texts have beside: what the token may do,
	// and whether the account's policy made its life shorter than was asked.
	Scopes              []string `json:"scopes,omitzero"`
	TokenLifetimeCapped bool     `json:"token_lifetime_capped,omitzero"`
}

// savedSession is a session as Save writes it.
type savedSession struct {
	AccessToken string      `json:"access_token"`
	APIKey      string      `json:"api_key,omitzero"`
	TokenType   string      `json:"token_type,omitzero"`
	TokenExpiry TokenExpiry `json:"token_expiry,omitzero"`
	ExpiresAt   *Timestamp  `json:"expires_at,omitzero"`
	User        *User       `json:"user,omitzero"`
}

// Save encodes the session with its secrets in clear: whoever reads it can
// spend the account's money. Keep it in a file of mode 0600 or in a secret store.
func (s *Session) Save() ([]byte, error) {
	if s == nil {
		return nil, &ParamError{Param: "Session", Reason: "nil"}
	}
	//nolint:gosec // writing the secrets in clear is what Save is for
	return json.Marshal(savedSession{s.AccessToken.Reveal(), s.APIKey.Reveal(), s.TokenType, s.TokenExpiry, s.ExpiresAt, s.User})
}

// LoadSession reads what [Session.Save] wrote.
func LoadSession(data []byte) (*Session, error) {
	var w savedSession
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, &ParamError{Param: "LoadSession", Reason: "the data is no saved session"} // err could quote a token
	}
	s := &Session{TokenType: w.TokenType, TokenExpiry: w.TokenExpiry, ExpiresAt: w.ExpiresAt, User: w.User}
	if w.AccessToken != "" {
		s.AccessToken = NewSecret(w.AccessToken)
	}
	if w.APIKey != "" {
		s.APIKey = NewSecret(w.APIKey)
	}
	if err := sessionCredentials(s).err; err != nil {
		return nil, err
	}
	return s, nil
}

// sessionWire is a session as the server sends it.
type sessionWire struct {
	AccessToken text            `json:"access_token"`
	Token       text            `json:"token"`
	APIKey      text            `json:"api_key"`
	TokenType   text            `json:"token_type"`
	TokenExpiry TokenExpiry     `json:"token_expiry"`
	Effective   TokenExpiry     `json:"token_expiry_effective"`
	Capped      flexBool        `json:"token_lifetime_capped"`
	ExpiresAt   Timestamp       `json:"expires_at"`
	User        *userWire       `json:"user"`
	Message     text            `json:"message"`
	Scopes      json.RawMessage `json:"scopes"`
}

func (w *sessionWire) token() string { return firstOf(string(w.AccessToken), string(w.Token)) }

func (s *Session) decode(_ *trip, a *answer) error {
	var w sessionWire
	if err := a.decodeBeside(&w); err != nil {
		return err
	}
	token := w.token()
	if token == "" { // beside the data rather than in it
		var top sessionWire
		if decodeTolerant(a.body, &top) == nil {
			token = top.token()
		}
	}
	if token == "" {
		return missing("access_token")
	}
	if checkCredential("access_token", token) != nil {
		return fmt.Errorf("the access token cannot be sent in a header")
	}
	*s = Session{
		AccessToken: NewSecret(token),
		TokenType:   string(w.TokenType),
		TokenExpiry: TokenExpiry(firstOf(string(w.Effective), string(w.TokenExpiry))),
		User:        w.User.user(),
		Message:     string(w.Message),
	}
	s.APIKey = sendable(w.APIKey)
	s.ExpiresAt = w.ExpiresAt.pointer()
	s.Scopes, s.TokenLifetimeCapped = namesOf(w.Scopes), bool(w.Capped)
	return nil
}

// sendable is a credential as a Secret, and none where it could not be sent.
func sendable(s text) Secret {
	if checkCredential("", string(s)) != nil {
		return Secret{}
	}
	return NewSecret(string(s))
}

// AuthSignupParams opens an account.
type AuthSignupParams struct {
	Email    string `json:"email"`
	Password Secret `json:"password"`
	Name     string `json:"name,omitzero"` // optional
	// PasswordConfirmation is Password once more, for a server that asks for it;
	// none is documented to. Sent only if it is set.
	PasswordConfirmation Secret `json:"password_confirmation,omitzero"`
}

func (p AuthSignupParams) check() error {
	return firstError(checkEmail("AuthSignupParams.Email", p.Email), checkNotEmpty("AuthSignupParams.Password", p.Password))
}

func (p AuthSignupParams) wire() any {
	return struct {
		Email                string `json:"email"`
		Password             string `json:"password"`
		Name                 string `json:"name,omitzero"`
		PasswordConfirmation string `json:"password_confirmation,omitzero"`
	}{p.Email, p.Password.Reveal(), p.Name, p.PasswordConfirmation.Reveal()}
}

func (p AuthSignupParams) secrets() []string {
	return []string{p.Password.Reveal(), p.PasswordConfirmation.Reveal()}
}
func (p AuthSignupParams) mailbox() string { return p.Email }

// Signup is an account that waits for its e-mail to be verified. What the
// server sends here is documented nowhere, so each field may be empty.
type Signup struct {
	Message     string `json:"message"`
	User        *User  `json:"user"`
	AccessToken Secret `json:"access_token"`
	APIKey      Secret `json:"api_key"`
}

func (s *Signup) decode(_ *trip, a *answer) error {
	if a.object() == nil {
		return nil // the account is there, and there is no more to say
	}
	var w sessionWire
	if err := a.decode(&w); err != nil {
		return err
	}
	s.Message, s.User = string(w.Message), w.User.user()
	s.AccessToken, s.APIKey = sendable(text(w.token())), sendable(w.APIKey)
	return nil
}

// Signup opens an account and has a verification code mailed to it. Limits:
// 20 a minute. It is sent once: after [ErrOutcomeUnknown], log in or sign up
// again to see. API: POST /auth/signup.
func (s *AuthService) Signup(ctx context.Context, p AuthSignupParams, opts ...RequestOption) (*Signup, error) {
	return call[Signup](ctx, s.c, authSignup, input{body: p}, opts)
}

// verification is the body of verify-email.
type verification struct {
	Code string `json:"verification_code"`
}

func (v verification) check() error {
	spoiled := func(r rune) bool { return r <= ' ' || r > '~' }
	if v.Code == "" || len(v.Code) > 1024 || strings.ContainsFunc(v.Code, spoiled) {
		return &ParamError{Param: "code", Reason: "the code from the mail is needed, without spaces"}
	}
	return nil
}

func (v verification) secrets() []string { return []string{v.Code} }

// VerifyEmail proves the address with the code from the mail and opens the
// account's first session. A wrong code is presumably [ErrValidation] or
// [ErrNotFound]; neither is documented. It is sent once. Where the server does
// not know verify-email, its later name, verify, is tried once. Limits: 20 a
// minute. API: POST /auth/verify-email.
func (s *AuthService) VerifyEmail(ctx context.Context, code string, opts ...RequestOption) (*Session, error) {
	session, err := call[Session](ctx, s.c, authVerifyEmail, input{body: verification{code}}, opts)
	if api, ok := as[*APIError](err); ok && noSuchRoute(api) {
		return call[Session](ctx, s.c, authVerify, input{body: verification{code}}, opts)
	}
	return session, err
}

// noSuchRoute tells a path that the server does not have from a thing that it
// does not have: the framework answers the former itself, without a code.
func noSuchRoute(e *APIError) bool {
	switch e.StatusCode {
	case http.StatusMethodNotAllowed:
		return true
	case http.StatusNotFound:
		return e.Code == "" && strings.HasPrefix(e.Message, "The route ")
	}
	return false
}

// VerifyLink does what VerifyEmail does with the token of the mailed link,
// through the page that the link opens. VerifyEmail takes the same token and is
// better known. No limit is documented. It is sent once. API: GET
// /verify/{token}, outside the base.
func (s *AuthService) VerifyLink(ctx context.Context, token string, opts ...RequestOption) (*Session, error) {
	if err := (verification{token}).check(); err != nil {
		return nil, &ParamError{Param: "token", Reason: "the token from the mailed link is needed"}
	}
	if err := checkElement("token", token); err != nil {
		return nil, &ParamError{Param: "token", Reason: "is not one element of a path"} // unprinted
	}
	return call[Session](ctx, s.c, authVerifyLink, input{param: "token", element: token}, opts)
}

// AuthLoginParams opens a session.
type AuthLoginParams struct {
	Email       string      `json:"email"`
	Password    Secret      `json:"password"`
	DeviceName  string      `json:"device_name,omitzero"`  // the token's name
	TokenExpiry TokenExpiry `json:"token_expiry,omitzero"` // default 1_month
}

func (p AuthLoginParams) check() error {
	return firstError(checkEmail("AuthLoginParams.Email", p.Email), checkNotEmpty("AuthLoginParams.Password", p.Password))
}

func (p AuthLoginParams) wire() any {
	return struct {
		Email       string      `json:"email"`
		Password    string      `json:"password"`
		DeviceName  string      `json:"device_name,omitzero"`
		TokenExpiry TokenExpiry `json:"token_expiry,omitzero"`
	}{p.Email, p.Password.Reveal(), p.DeviceName, p.TokenExpiry}
}

func (p AuthLoginParams) secrets() []string { return []string{p.Password.Reveal()} }
func (p AuthLoginParams) mailbox() string   { return p.Email }

// Login opens a session with e-mail and password. Wrong ones are
// [ErrUnauthenticated], an address not verified yet is [ErrPermissionDenied].
// Limits: 20 a minute. It is sent once. API: POST /auth/login.
func (s *AuthService) Login(ctx context.Context, p AuthLoginParams, opts ...RequestOption) (*Session, error) {
	return call[Session](ctx, s.c, authLogin, input{body: p}, opts)
}

// AuthRefreshParams asks for a new token.
type AuthRefreshParams struct {
	TokenExpiry TokenExpiry `json:"token_expiry,omitzero"` // default 1_month
	DeviceName  string      `json:"device_name,omitzero"`  // default: the old token's
}

// Refresh trades the client's token for a new one, which this client and all
// that share its session use from then on. The old token is dead at once, so
// keep the new session before anything else. It is sent once: after
// [ErrOutcomeUnknown] the old token may be dead already, and login is the way
// on. The session returned has the client's API key and user. Limits: 120 a
// minute. API: POST /auth/refresh.
func (s *AuthService) Refresh(ctx context.Context, p AuthRefreshParams, opts ...RequestOption) (*Session, error) {
	if ctx == nil {
		return nil, &ParamError{Param: "ctx", Reason: "nil"}
	}
	r := &s.c.cell.renewals
	n, mine := r.begin()
	for !mine {
		_ = n.wait(ctx) // how that one ended is its own callers' matter
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, mine = r.begin()
	}
	defer r.end(n, nil)
	old := s.c.cell.load()
	if r.waiting.Load() { // the token at hand is dead already
		if err := s.c.keepUnsaved(ctx, old); err != nil {
			return nil, err
		}
		old = s.c.cell.load()
	}
	answered := false
	defer func() {
		if !answered { // a panic, or an answer that cannot be used
			r.doubt(old)
		}
	}()
	session, err := s.c.refresh(ctx, p, opts)
	answered = !errors.Is(err, ErrOutcomeUnknown)
	if err != nil {
		return nil, err
	}
	s.c.adopt(old, session)
	own := *session
	if s.c.over != nil && s.c.over.apiKey != "" {
		own.APIKey = NewSecret(s.c.over.apiKey)
	}
	return &own, nil
}

// Logout ends the client's token. It is sent once; a token that is gone is
// [ErrUnauthenticated]. Limits: 120 a minute. API: POST /auth/logout.
func (s *AuthService) Logout(ctx context.Context, opts ...RequestOption) error {
	return send(ctx, s.c, authLogout, input{}, nil, opts)
}

// emailOnly is the body of calls that take an address.
type emailOnly struct {
	Email string `json:"email"`
}

func (p emailOnly) check() error    { return checkEmail("email", p.Email) }
func (p emailOnly) mailbox() string { return p.Email }

// ResendVerification has the verification code mailed once more. An address
// that nobody knows is presumably no error. Limits: 20 a minute. API: POST
// /auth/resend-verification.
func (s *AuthService) ResendVerification(ctx context.Context, email string, opts ...RequestOption) error {
	return send(ctx, s.c, authResendVerification, input{body: emailOnly{email}}, nil, opts)
}

// ForgotPassword has a token for ResetPassword mailed. An address that nobody
// knows is presumably no error. It is sent once. Limits: 20 a minute. API: POST
// /auth/forgot-password.
func (s *AuthService) ForgotPassword(ctx context.Context, email string, opts ...RequestOption) error {
	return send(ctx, s.c, authForgotPassword, input{body: emailOnly{email}}, nil, opts)
}

// AuthResetPasswordParams sets a password that was forgotten.
type AuthResetPasswordParams struct {
	Email    string `json:"email"`
	Token    Secret `json:"token"`    // from the mail
	Password Secret `json:"password"` // the new one; it is sent twice, as its own confirmation
}

func (p AuthResetPasswordParams) check() error {
	return firstError(checkEmail("AuthResetPasswordParams.Email", p.Email), checkNotEmpty("AuthResetPasswordParams.Token", p.Token),
		checkNotEmpty("AuthResetPasswordParams.Password", p.Password))
}

func (p AuthResetPasswordParams) wire() any {
	return struct {
		Email                string `json:"email"`
		Token                string `json:"token"`
		Password             string `json:"password"`
		PasswordConfirmation string `json:"password_confirmation"`
	}{p.Email, p.Token.Reveal(), p.Password.Reveal(), p.Password.Reveal()}
}

func (p AuthResetPasswordParams) secrets() []string {
	return []string{p.Token.Reveal(), p.Password.Reveal()}
}
func (p AuthResetPasswordParams) mailbox() string { return p.Email }

// ResetPassword sets a new password with the token from the mail. A wrong token
// is presumably [ErrValidation]. It is sent once. Limits: 20 a minute. API: POST
// /auth/reset-password.
func (s *AuthService) ResetPassword(ctx context.Context, p AuthResetPasswordParams, opts ...RequestOption) error {
	return send(ctx, s.c, authResetPassword, input{body: p}, nil, opts)
}

// AccessToken is a token of the account, without the token itself.
type AccessToken struct {
	ID         ID         `json:"id"`
	Name       string     `json:"name"`   // the device's
	Scopes     []string   `json:"scopes"` // what it may do; empty: not said
	CreatedAt  Timestamp  `json:"created_at"`
	LastUsedAt *Timestamp `json:"last_used_at"` // nil: never, or not said
	ExpiresAt  *Timestamp `json:"expires_at"`   // nil: never, or not said
}

func (k *AccessToken) read(_ place, object []byte) error {
	var w struct {
		ID         ID        `json:"id"`
		Name       text      `json:"name"`
		CreatedAt  Timestamp `json:"created_at"`
		LastUsedAt Timestamp `json:"last_used_at"`
		ExpiresAt  Timestamp `json:"expires_at"`
	}
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	*k = AccessToken{
		ID: w.ID, Name: string(w.Name), Scopes: namesOf(member(object, "scopes")), CreatedAt: w.CreatedAt,
		LastUsedAt: w.LastUsedAt.pointer(), ExpiresAt: w.ExpiresAt.pointer(),
	}
	if k.Scopes == nil {
		k.Scopes = namesOf(member(object, "abilities"))
	}
	return nil
}

func (k *AccessToken) known() bool { return k.ID != 0 || k.Name != "" }

// Tokens lists the account's tokens. Limits: 120 a minute. API: GET /auth/tokens.
func (s *AuthService) Tokens(ctx context.Context, opts ...RequestOption) ([]AccessToken, error) {
	return list[AccessToken](ctx, s.c, authTokens, input{}, opts)
}

// RevokeToken ends a token. The client's own is ended in the same way, and its
// calls are [ErrUnauthenticated] from then on. It is sent once. Limits: 120 a
// minute. API: DELETE /auth/tokens/{id}.
func (s *AuthService) RevokeToken(ctx context.Context, id ID, opts ...RequestOption) error {
	return send(ctx, s.c, authRevokeToken, byID(id, nil), nil, opts)
}

// RevokeOtherTokens ends all tokens of the user but the client's. It is sent
// once. Limits: 120 a minute. API: POST /auth/tokens/revoke-others.
func (s *AuthService) RevokeOtherTokens(ctx context.Context, opts ...RequestOption) error {
	return send(ctx, s.c, authRevokeOtherTokens, input{}, nil, opts)
}

// LogoutAll ends all tokens of the user, the client's with them. It is sent once.
// Limits: 120 a minute. API: POST /auth/logout-all.
func (s *AuthService) LogoutAll(ctx context.Context, opts ...RequestOption) error {
	return send(ctx, s.c, authLogoutAll, input{}, nil, opts)
}

// AuthSwitchAccountParams names another account of the user's.
type AuthSwitchAccountParams struct {
	AccountUsername string      `json:"account_username"`
	DeviceName      string      `json:"device_name,omitzero"`  // the token's name
	TokenExpiry     TokenExpiry `json:"token_expiry,omitzero"` // default 1_month
}

func (p AuthSwitchAccountParams) check() error {
	if p.AccountUsername == "" {
		return &ParamError{Param: "AuthSwitchAccountParams.AccountUsername", Reason: "is empty"}
	}
	return nil
}

// SwitchAccount opens a session for an account whose team the user is in: give
// it to [Client.WithSession]. The session holds what the server sends and nothing
// of the client's own account: neither its API key nor its user. It is sent once.
// Limits: 120 a minute. API: POST /auth/switch-account.
func (s *AuthService) SwitchAccount(ctx context.Context, p AuthSwitchAccountParams, opts ...RequestOption) (*Session, error) {
	return call[Session](ctx, s.c, authSwitchAccount, input{body: p}, opts)
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
