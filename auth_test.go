package modelslab_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

const (
	agentsAPI = "https://modelslab.com/api/agents/v1"
	theToken  = "12|agent-token"
	theAPIKey = "generation-key"
)

// stage is a client whose network is a set of prepared answers, with a record
// of what was sent.
type stage struct {
	*modelslab.Client
	t    testing.TB
	mock *httpmock.MockTransport

	mu   sync.Mutex
	sent []sentRequest
}

type sentRequest struct {
	*http.Request
	body string
	at   time.Time
}

// prepared is one answer. A body that names a file of testdata stands for it.
type prepared struct {
	status int
	body   string
	header map[string]string
	err    error // no answer at all
}

// onStage makes a client that holds a token and an API key. Options come after
// the stage's own.
func onStage(t testing.TB, opts ...modelslab.Option) *stage {
	t.Helper()
	s := &stage{t: t, mock: httpmock.NewMockTransport()}
	s.mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		t.Errorf("unexpected request: %s %s", r.Method, r.URL)
		return nil, fmt.Errorf("nobody answers %s", r.URL)
	})
	client, err := modelslab.New(append([]modelslab.Option{
		modelslab.WithHTTPClient(&http.Client{Transport: s}),
		modelslab.WithStripeHTTPClient(&http.Client{Transport: s}),
		modelslab.WithAccessToken(theToken), modelslab.WithAPIKey(theAPIKey),
		modelslab.WithRetryPolicy(modelslab.RetryPolicy{MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond}),
	}, opts...)...)
	require.NoError(t, err)
	s.Client = client
	return s
}

// RoundTrip keeps the request and passes it on to the prepared answers.
func (s *stage) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	s.mu.Lock()
	s.sent = append(s.sent, sentRequest{r.Clone(context.Background()), string(body), time.Now()})
	s.mu.Unlock()
	resp, err := s.mock.RoundTrip(r)
	if resp != nil && resp.Header.Get("Date") == "" {
		resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	return resp, err
}

// on prepares the answers to "POST /wallet/fund", or to a method and a whole
// URL; the last one is given for ever.
func (s *stage) on(call string, answers ...prepared) {
	s.t.Helper()
	method, url, _ := strings.Cut(call, " ")
	if strings.HasPrefix(url, "/api/") || strings.HasPrefix(url, "/verify/") {
		url = "https://modelslab.com" + url
	} else if strings.HasPrefix(url, "/") {
		url = agentsAPI + url
	}
	responders := make([]httpmock.Responder, len(answers))
	for i, a := range answers {
		responders[i] = a.responder(s.t)
	}
	given := 0
	s.mock.RegisterResponder(method, url, func(r *http.Request) (*http.Response, error) {
		s.mu.Lock()
		i := min(given, len(responders)-1)
		given++
		s.mu.Unlock()
		return responders[i](r)
	})
}

func (p prepared) responder(t testing.TB) httpmock.Responder {
	t.Helper()
	if p.err != nil {
		return httpmock.NewErrorResponder(p.err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	for k, v := range p.header {
		header.Set(k, v)
	}
	return httpmock.NewStringResponder(p.status, textOf(t, p.body)).HeaderSet(header)
}

// textOf is a body, from testdata if it names a file there.
func textOf(t testing.TB, body string) string {
	t.Helper()
	if !strings.HasPrefix(body, "testdata/") {
		return body
	}
	b, err := os.ReadFile(body)
	require.NoError(t, err)
	return string(b)
}

func (s *stage) requests() []sentRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

// keys are the idempotency keys of all requests to a path, in order.
func (s *stage) keys(path string) (keys []string) {
	for _, r := range s.requests() {
		if strings.HasSuffix(r.URL.Path, path) {
			keys = append(keys, r.Header.Get("Idempotency-Key"))
		}
	}
	return keys
}

var randomKey = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// golden writes a request as it went out: headers sorted, random keys as <uuid>.
func (r sentRequest) golden() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[name] {
			switch {
			case name == "User-Agent" && v == "modelslab-agents-go/"+modelslab.Version:
				continue
			case name == "Idempotency-Key" && randomKey.MatchString(v):
				v = "<uuid>"
			}
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	if r.body != "" {
		fmt.Fprintf(&b, "\n%s\n", r.body)
	}
	return b.String()
}

// exchange is one call with the request it must send and the result it must give.
type exchange struct {
	name    string
	on      string // "POST /wallet/fund"
	answer  prepared
	call    func(context.Context, *modelslab.Client) (any, error)
	request string // golden; without the first newline
	want    any
}

func runExchanges(t *testing.T, tests []exchange) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t)
				s.on(tt.on, tt.answer)
				got, err := tt.call(t.Context(), s.Client)
				require.NoError(t, err)
				assert.Equal(t, tt.want, got)
				require.Len(t, s.requests(), 1)
				assert.Equal(t, strings.TrimPrefix(tt.request, "\n"), s.requests()[0].golden())
			})
		})
	}
}

// refusal is one answer that says no and the error it must become.
type refusal struct {
	name   string
	answer prepared
	is     error
	check  func(*testing.T, error)
}

// runRefusals gives each answer to each repetition of one call.
func runRefusals(t *testing.T, on string, call func(context.Context, *modelslab.Client) (any, error), tests []refusal) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t, modelslab.WithRetryPolicy(modelslab.RetryPolicy{MaxAttempts: 1}))
				s.on(on, tt.answer)
				_, err := call(t.Context(), s.Client)
				require.ErrorIs(t, err, tt.is)
				assert.NotContains(t, err.Error(), "\n", "one line")
				for _, other := range allKinds {
					if other != tt.is {
						assert.NotErrorIs(t, err, other, "one kind only")
					}
				}
				if tt.check != nil {
					tt.check(t, err)
				}
			})
		})
	}
}

var allKinds = []error{
	modelslab.ErrUnauthenticated, modelslab.ErrPermissionDenied, modelslab.ErrNotFound, modelslab.ErrConflict,
	modelslab.ErrValidation, modelslab.ErrPaymentDeclined, modelslab.ErrRequiresAction, modelslab.ErrRateLimited,
	modelslab.ErrServer, modelslab.ErrOutcomeUnknown, modelslab.ErrGenerationFailed, modelslab.ErrCheckoutPending,
	modelslab.ErrCheckoutExpired,
}

// badInput is a call that must be refused before any request.
type badInput struct {
	name  string
	param string
	call  func(context.Context, *modelslab.Client) error
}

func runBadInput(t *testing.T, tests []badInput) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := onStage(t)
			err := tt.call(t.Context(), s.Client)
			var param *modelslab.ParamError
			require.ErrorAs(t, err, &param)
			assert.Equal(t, tt.param, param.Param)
			assert.NotEmpty(t, param.Reason)
			require.ErrorIs(t, err, modelslab.ErrValidation)
			assert.Empty(t, s.requests(), "nothing is sent")
			assert.NotContains(t, err.Error(), cardNumber)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

// two makes a call's results fit for a table.
func two[T any](v T, err error) (any, error) { return v, err }

// second drops a call's result.
func second[T any](_ T, err error) error { return err }

// elapse lets the fake time of a synctest bubble go by.
func elapse(d time.Duration) { <-time.After(d) }

func on(year int, month time.Month, day, hour, minute int) *modelslab.Timestamp {
	return &modelslab.Timestamp{Time: time.Date(year, month, day, hour, minute, 0, 0, time.UTC)}
}

var ada = &modelslab.User{ID: 123, Name: "Ada", Email: "ada@example.com", Username: "ada123", Verified: true}

func TestAuthCalls(t *testing.T) {
	runExchanges(t, []exchange{
		{
			name:   "Signup",
			on:     "POST /auth/signup",
			answer: prepared{status: 201, body: `{"data":{"message":"Look into your mailbox.","user":{"id":123,"email":"ada@example.com"}},"error":null,"meta":{}}`},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Auth.Signup(ctx, modelslab.AuthSignupParams{Email: "ada@example.com", Password: modelslab.NewSecret("open sesame"), Name: "Ada"}))
			},
			request: `
POST https://modelslab.com/api/agents/v1/auth/signup
Accept: application/json
Content-Type: application/json

{"email":"ada@example.com","password":"open sesame","name":"Ada"}
`,
			want: &modelslab.Signup{Message: "Look into your mailbox.", User: &modelslab.User{ID: 123, Email: "ada@example.com"}},
		},
		{
			name:   "Signup without a name, answered by a server that hands out a token at once",
			on:     "POST /auth/signup",
			answer: prepared{status: 200, body: `{"data":{"access_token":"9|early","api_key":null}}`},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Auth.Signup(ctx, modelslab.AuthSignupParams{Email: "ada@example.com", Password: modelslab.NewSecret("open sesame")}))
			},
			request: `
POST https://modelslab.com/api/agents/v1/auth/signup
Accept: application/json
Content-Type: application/json

{"email":"ada@example.com","password":"open sesame"}
`,
			want: &modelslab.Signup{AccessToken: modelslab.NewSecret("9|early")},
		},
		{
			name:   "VerifyEmail",
			on:     "POST /auth/verify-email",
			answer: prepared{status: 200, body: "testdata/auth_verify_email.json"},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Auth.VerifyEmail(ctx, "code-from-mail"))
			},
			request: `
POST https://modelslab.com/api/agents/v1/auth/verify-email
Accept: application/json
Content-Type: application/json

{"verification_code":"code-from-mail"}
`,
			want: &modelslab.Session{
				AccessToken: modelslab.NewSecret("30|q8TzLm4r"), APIKey: modelslab.NewSecret("gen-key-1"), TokenType: "Bearer",
				ExpiresAt: on(2026, 3, 22, 0, 0), User: ada, Message: "Your address is verified.",
			},
		},
		{
			name:   "VerifyLink, outside the base and without a token",
			on:     "GET /verify/code-from-mail",
			answer: prepared{status: 200, body: "testdata/auth_verify_email.json"},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Auth.VerifyLink(ctx, "code-from-mail"))
			},
			request: `
GET https://modelslab.com/verify/code-from-mail
Accept: application/json
`,
			want: &modelslab.Session{
				AccessToken: modelslab.NewSecret("30|q8TzLm4r"), APIKey: modelslab.NewSecret("gen-key-1"), TokenType: "Bearer",
				ExpiresAt: on(2026, 3, 22, 0, 0), User: ada, Message: "Your address is verified.",
			},
		},
		{
			name:   "Login",
			on:     "POST /auth/login",
			answer: prepared{status: 200, body: "testdata/auth_login.json"},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Auth.Login(ctx, modelslab.AuthLoginParams{
					Email: "ada@example.com", Password: modelslab.NewSecret("open sesame"),
					DeviceName: "night shift", TokenExpiry: modelslab.TokenExpiryWeek,
				}))
			},
			request: `
POST https://modelslab.com/api/agents/v1/auth/login
Accept: application/json
Content-Type: application/json

{"email":"ada@example.com","password":"open sesame","device_name":"night shift","token_expiry":"1_week"}
`,
			want: &modelslab.Session{
				AccessToken: modelslab.NewSecret("31|nXo9pVd2"), APIKey: modelslab.NewSecret("gen-key-1"), TokenType: "Bearer",
				TokenExpiry: modelslab.TokenExpiryWeek, ExpiresAt: on(2026, 3, 21, 9, 30), User: ada,
			},
		},
		{
			name:   "Refresh",
			on:     "POST /auth/refresh",
			answer: prepared{status: 200, body: "testdata/auth_refresh.json"},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Auth.Refresh(ctx, modelslab.AuthRefreshParams{TokenExpiry: modelslab.TokenExpiryThreeMonths}))
			},
			request: `
POST https://modelslab.com/api/agents/v1/auth/refresh
Accept: application/json
Authorization: Bearer 12|agent-token
Content-Type: application/json

{"token_expiry":"3_months"}
`,
			want: &modelslab.Session{
				AccessToken: modelslab.NewSecret("32|Kk3wUe7b"), APIKey: modelslab.NewSecret(theAPIKey), TokenType: "Bearer",
				TokenExpiry: modelslab.TokenExpiryThreeMonths, ExpiresAt: on(2026, 5, 20, 9, 30), Message: "The old token is dead.",
			},
		},
		{
			name:   "Logout",
			on:     "POST /auth/logout",
			answer: prepared{status: 204},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return nil, c.Auth.Logout(ctx)
			},
			request: `
POST https://modelslab.com/api/agents/v1/auth/logout
Accept: application/json
Authorization: Bearer 12|agent-token
`,
		},
		{
			name:   "ResendVerification",
			on:     "POST /auth/resend-verification",
			answer: prepared{status: 200, body: `{"data":{"message":"On its way."}}`},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return nil, c.Auth.ResendVerification(ctx, "ada@example.com")
			},
			request: `
POST https://modelslab.com/api/agents/v1/auth/resend-verification
Accept: application/json
Content-Type: application/json

{"email":"ada@example.com"}
`,
		},
	})
}

// The token has had two names and two places, and its lifetime two fields.
func TestSessionIsReadFromEveryPlaceItHasStoodIn(t *testing.T) {
	plain := func(token string) *modelslab.Session {
		return &modelslab.Session{AccessToken: modelslab.NewSecret(token)}
	}
	tests := []struct {
		name, body string
		want       *modelslab.Session
	}{
		{"data.access_token", `{"data":{"access_token":"1|a"}}`, plain("1|a")},
		{"data.token", `{"data":{"token":"1|a"}}`, plain("1|a")},
		{"top level access_token", `{"access_token":"1|a"}`, plain("1|a")},
		{"top level token beside data", `{"data":{"message":""},"token":"1|a"}`, plain("1|a")},
		{"the first one wins", `{"data":{"token":"1|b","access_token":"1|a"},"access_token":"1|c"}`, plain("1|a")},
		{"a token that never expires", `{"data":{"access_token":"1|a","expires_at":null,"api_key":null,"user":null}}`, plain("1|a")},
		{"an empty expiry", `{"data":{"access_token":"1|a","expires_at":""}}`, plain("1|a")},
		{
			"a lifetime that the account's policy cut short", `{"data":{"access_token":"1|a","token_expiry":"never","token_expiry_effective":"1_week"}}`,
			&modelslab.Session{AccessToken: modelslab.NewSecret("1|a"), TokenExpiry: modelslab.TokenExpiryWeek},
		},
		{
			"a word for a lifetime that nobody has heard of", `{"data":{"access_token":"1|a","token_expiry":"1_decade"}}`,
			&modelslab.Session{AccessToken: modelslab.NewSecret("1|a"), TokenExpiry: "1_decade"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := onStage(t)
			s.on("POST /auth/verify-email", prepared{status: 200, body: tt.body})
			got, err := s.Auth.VerifyEmail(t.Context(), "c0de")
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestSignupAnsweredWithNothingIsAnAccount(t *testing.T) {
	for name, answer := range map[string]prepared{
		"201 without a body":  {status: 201},
		"data null":           {status: 200, body: `{"data":null,"error":null}`},
		"data an empty array": {status: 200, body: `{"data":[],"error":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := onStage(t)
			s.on("POST /auth/signup", answer)
			got, err := s.Auth.Signup(t.Context(), modelslab.AuthSignupParams{Email: "ada@example.com", Password: modelslab.NewSecret("open sesame")})
			require.NoError(t, err)
			assert.Equal(t, &modelslab.Signup{}, got)
		})
	}
}

func TestASessionWithoutATokenIsNoSession(t *testing.T) {
	for name, answer := range map[string]prepared{
		"no token":                    {status: 200, body: `{"data":{"message":"Verified.","user":{"id":1}}}`},
		"an empty token":              {status: 200, body: `{"data":{"access_token":""}}`},
		"null":                        {status: 200, body: `{"data":null,"error":null}`},
		"no body":                     {status: 200},
		"a page":                      {status: 200, body: "<html><title>Welcome</title></html>"},
		"a token that breaks headers": {status: 200, body: `{"data":{"access_token":"1|a\r\nX-Evil: 1"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := onStage(t)
			s.on("POST /auth/verify-email", answer)
			session, err := s.Auth.VerifyEmail(t.Context(), "c0de")
			require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown, "the code is used up, perhaps")
			assert.Nil(t, session)
			assert.NotContains(t, err.Error(), "X-Evil")
			assert.Len(t, s.requests(), 1, "a code works once, so it is sent once")
		})
	}
}

func TestAuthErrors(t *testing.T) {
	login := func(ctx context.Context, c *modelslab.Client) (any, error) {
		return two(c.Auth.Login(ctx, modelslab.AuthLoginParams{Email: "ada@example.com", Password: modelslab.NewSecret("open sesame")}))
	}
	code := func(want string) func(*testing.T, error) {
		return func(t *testing.T, err error) {
			var api *modelslab.APIError
			require.ErrorAs(t, err, &api)
			assert.Equal(t, want, api.Code)
			assert.Equal(t, "/auth/login", api.Path)
		}
	}
	runRefusals(t, "POST /auth/login", login, []refusal{
		{
			"wrong password", prepared{status: 401, body: `{"data":null,"error":{"code":"invalid_credentials","message":"No.","details":[]},"meta":{}}`},
			modelslab.ErrUnauthenticated, code("invalid_credentials"),
		},
		{
			"address not verified", prepared{status: 403, body: `{"error":{"code":"email_not_verified","message":"Verify first.","details":{"verification_required":true}}}`},
			modelslab.ErrPermissionDenied, code("email_not_verified"),
		},
		{
			"account closed", prepared{status: 403, body: `{"error":{"code":"access_denied","message":"Write to support."}}`},
			modelslab.ErrPermissionDenied, code("access_denied"),
		},
		{
			"unknown lifetime", prepared{status: 422, body: `{"error":{"code":"validation_error","message":"No.","details":{"token_expiry":["The selected token expiry is invalid."]}}}`},
			modelslab.ErrValidation, func(t *testing.T, err error) {
				var api *modelslab.APIError
				require.ErrorAs(t, err, &api)
				assert.Equal(t, map[string][]string{"token_expiry": {"The selected token expiry is invalid."}}, api.Fields)
			},
		},
		{
			"too often", prepared{status: 429, body: `{"message":"Too Many Attempts."}`, header: map[string]string{"Retry-After": "17", "X-RateLimit-Remaining": "0"}},
			modelslab.ErrRateLimited, func(t *testing.T, err error) {
				var limited *modelslab.RateLimitError
				require.ErrorAs(t, err, &limited)
				assert.Equal(t, 17*time.Second, limited.RetryAfter)
				assert.Equal(t, modelslab.LimiterAuth, limited.Limiter)
			},
		},
		{
			"the server failed, with a session opened or not", prepared{status: 500, body: `{"message":"Server Error"}`},
			modelslab.ErrOutcomeUnknown, nil,
		},
		{
			"a password that comes back in the text", prepared{status: 422, body: `{"message":"The password open sesame is too weak."}`},
			modelslab.ErrValidation, func(t *testing.T, err error) {
				assert.NotContains(t, err.Error(), "open sesame")
			},
		},
	})
}

func TestAuthErrorsOfTheOtherCalls(t *testing.T) {
	const unauthenticated = `{"message":"Unauthenticated."}`
	tests := []struct {
		name, on string
		answer   prepared
		call     func(context.Context, *modelslab.Client) error
		is       error
	}{
		{"address taken", "POST /auth/signup", prepared{status: 422, body: `{"message":"Taken.","errors":{"email":["The email has already been taken."]}}`},
			func(ctx context.Context, c *modelslab.Client) error {
				return second(c.Auth.Signup(ctx, modelslab.AuthSignupParams{Email: "ada@example.com", Password: modelslab.NewSecret("open sesame")}))
			}, modelslab.ErrValidation},
		{"wrong code", "POST /auth/verify-email", prepared{status: 422, body: `{"error":{"code":"validation_error","message":"Wrong code."}}`},
			func(ctx context.Context, c *modelslab.Client) error { return second(c.Auth.VerifyEmail(ctx, "c0de")) }, modelslab.ErrValidation},
		{"link gone", "GET /verify/c0de", prepared{status: 410, body: "<title>Gone</title>"},
			func(ctx context.Context, c *modelslab.Client) error { return second(c.Auth.VerifyLink(ctx, "c0de")) }, modelslab.ErrNotFound},
		{"refresh with a dead token", "POST /auth/refresh", prepared{status: 401, body: unauthenticated},
			func(ctx context.Context, c *modelslab.Client) error {
				return second(c.Auth.Refresh(ctx, modelslab.AuthRefreshParams{}))
			}, modelslab.ErrUnauthenticated},
		{"logout with a dead token", "POST /auth/logout", prepared{status: 401, body: unauthenticated},
			func(ctx context.Context, c *modelslab.Client) error { return c.Auth.Logout(ctx) }, modelslab.ErrUnauthenticated},
		{"resend too often", "POST /auth/resend-verification", prepared{status: 429, header: map[string]string{"Retry-After": "90"}},
			func(ctx context.Context, c *modelslab.Client) error {
				return c.Auth.ResendVerification(ctx, "ada@example.com")
			}, modelslab.ErrRateLimited},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := onStage(t)
			s.on(tt.on, tt.answer)
			require.ErrorIs(t, tt.call(t.Context(), s.Client), tt.is)
			assert.Len(t, s.requests(), 1)
		})
	}
}

// The browser's mode of the verification link is a redirect, which is not followed.
func TestVerifyLinkFollowsNoRedirect(t *testing.T) {
	s := onStage(t)
	s.on("GET /verify/c0de", prepared{status: 302, header: map[string]string{"Location": "https://modelslab.com/login"}})
	_, err := s.Auth.VerifyLink(t.Context(), "c0de")
	require.Error(t, err)
	assert.Contains(t, err.Error(), "redirect")
	assert.Len(t, s.requests(), 1)
}

func TestVerifyEmailTriesItsOtherNameWhereTheRouteIsUnknown(t *testing.T) {
	tests := []struct {
		name   string
		answer prepared
		again  bool
	}{
		{"the framework knows no such route", prepared{status: 404, body: `{"message":"The route api/agents/v1/auth/verify-email could not be found."}`}, true},
		{"the route takes other verbs", prepared{status: 405, body: `{"message":"The POST method is not supported for route api/agents/v1/auth/verify-email. Supported methods: GET."}`}, true},
		{"the API knows no such code", prepared{status: 404, body: `{"data":null,"error":{"code":"not_found","message":"No such code."},"meta":{}}`}, false},
		{"a row that does not exist", prepared{status: 404, body: `{"message":"No query results for model [App\\Models\\Code] 12"}`}, false},
		{"a wrong code", prepared{status: 422, body: `{"error":{"code":"validation_error","message":"Wrong code."}}`}, false},
		{"a server error", prepared{status: 502, body: "<title>502 Bad Gateway</title>"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := onStage(t)
			s.on("POST /auth/verify-email", tt.answer)
			s.on("POST /auth/verify", prepared{status: 200, body: "testdata/auth_verify_email.json"})
			session, err := s.Auth.VerifyEmail(t.Context(), "c0de")
			if !tt.again {
				require.Error(t, err)
				assert.Len(t, s.requests(), 1)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "30|q8TzLm4r", session.AccessToken.Reveal())
			require.Len(t, s.requests(), 2)
			assert.Equal(t, `{"verification_code":"c0de"}`, s.requests()[1].body)
		})
	}

	t.Run("once", func(t *testing.T) {
		s := onStage(t)
		none := prepared{status: 404, body: `{"message":"The route api/agents/v1/auth/verify could not be found."}`}
		s.on("POST /auth/verify-email", none)
		s.on("POST /auth/verify", none)
		_, err := s.Auth.VerifyEmail(t.Context(), "c0de")
		require.ErrorIs(t, err, modelslab.ErrNotFound)
		assert.Len(t, s.requests(), 2)
	})
}

func TestRefreshIsNewForEveryClientOfTheSession(t *testing.T) {
	s := onStage(t)
	s.on("POST /auth/refresh", prepared{status: 200, body: "testdata/auth_refresh.json"})
	s.on("GET /wallet/balance", prepared{status: 200, body: `{"balance":1}`})
	session := &modelslab.Session{AccessToken: modelslab.NewSecret("30|old"), APIKey: modelslab.NewSecret("gen-key-1"), User: ada}

	first := s.WithSession(session)
	sibling, err := first.With(modelslab.WithUserAgent("sibling"))
	require.NoError(t, err)
	stranger := s.WithSession(session) // a cell of its own, with the same content

	fresh, err := first.Auth.Refresh(t.Context(), modelslab.AuthRefreshParams{})
	require.NoError(t, err)
	assert.Equal(t, "32|Kk3wUe7b", fresh.AccessToken.Reveal())
	assert.Equal(t, "gen-key-1", fresh.APIKey.Reveal(), "the API key is not renewed and is kept")
	assert.Equal(t, ada, fresh.User)

	bearer := func(c *modelslab.Client) string {
		_, err := c.Wallet.Balance(t.Context())
		require.NoError(t, err)
		all := s.requests()
		return all[len(all)-1].Header.Get("Authorization")
	}
	assert.Equal(t, "Bearer 32|Kk3wUe7b", bearer(first))
	assert.Equal(t, "Bearer 32|Kk3wUe7b", bearer(sibling), "it shares the session")
	assert.Equal(t, "Bearer 30|old", bearer(stranger), "it does not")
	assert.Equal(t, "Bearer "+theToken, bearer(s.Client), "nor does the client it was made from")
	assert.Equal(t, "30|old", session.AccessToken.Reveal(), "the session given stays as it is")
}

func TestRefreshKeepsTheOldTokenWhenItFails(t *testing.T) {
	tests := []struct {
		name   string
		answer prepared
		is     error
	}{
		{"refused", prepared{status: 401, body: `{"message":"Unauthenticated."}`}, modelslab.ErrUnauthenticated},
		{"no such endpoint", prepared{status: 404, body: `{"message":"The route api/agents/v1/auth/refresh could not be found."}`}, modelslab.ErrNotFound},
		{"server error", prepared{status: 503}, modelslab.ErrOutcomeUnknown},
		{"connection lost", prepared{err: io.ErrUnexpectedEOF}, modelslab.ErrOutcomeUnknown},
		{"a success without a token", prepared{status: 200, body: `{"data":{"message":"Refreshed."}}`}, modelslab.ErrOutcomeUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := onStage(t)
			s.on("POST /auth/refresh", tt.answer)
			s.on("POST /auth/logout", prepared{status: 204})
			session, err := s.Auth.Refresh(t.Context(), modelslab.AuthRefreshParams{})
			require.ErrorIs(t, err, tt.is)
			assert.Nil(t, session)
			assert.Len(t, s.requests(), 1, "never repeated: the old token may be dead already")

			require.NoError(t, s.Auth.Logout(t.Context()))
			assert.Equal(t, "Bearer "+theToken, s.requests()[1].Header.Get("Authorization"))
		})
	}

	t.Run("a server without the endpoint is one to log in at", func(t *testing.T) {
		s := onStage(t)
		s.on("POST /auth/refresh", prepared{status: 404})
		_, err := s.Auth.Refresh(t.Context(), modelslab.AuthRefreshParams{})
		require.ErrorContains(t, err, "log in")
	})
}

func TestASavedSessionIsTheSame(t *testing.T) {
	whole := &modelslab.Session{
		AccessToken: modelslab.NewSecret("31|n\"Xo<9>"), APIKey: modelslab.NewSecret("gen-key-1"), TokenType: "Bearer",
		TokenExpiry: modelslab.TokenExpiryMonth, ExpiresAt: on(2026, 3, 21, 9, 30), User: ada,
	}
	for name, session := range map[string]*modelslab.Session{
		"whole":      whole,
		"token only": {AccessToken: modelslab.NewSecret("1|a")},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := session.Save()
			require.NoError(t, err)
			again, err := modelslab.LoadSession(data)
			require.NoError(t, err)
			assert.Equal(t, session, again)
		})
	}

	t.Run("a client acts with it as before", func(t *testing.T) {
		data, err := whole.Save()
		require.NoError(t, err)
		again, err := modelslab.LoadSession(data)
		require.NoError(t, err)
		s := onStage(t)
		s.on("POST /auth/logout", prepared{status: 204})
		require.NoError(t, s.WithSession(again).Auth.Logout(t.Context()))
		assert.Equal(t, `Bearer 31|n"Xo<9>`, s.requests()[0].Header.Get("Authorization"))
	})

	t.Run("JSON of a session is no saved session", func(t *testing.T) {
		data, err := json.Marshal(whole)
		require.NoError(t, err)
		assert.NotContains(t, string(data), "gen-key-1")
		_, err = modelslab.LoadSession(data)
		require.ErrorIs(t, err, modelslab.ErrValidation)
	})
}

func TestWhatIsNoSavedSession(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":                 "",
		"no JSON":                 "hush-hush",
		"cut short":               `{"access_token":"hush-hush`,
		"an array":                `["hush-hush"]`,
		"no token":                `{"api_key":"hush-hush"}`,
		"null":                    `null`,
		"a token of another sort": `{"access_token":{"hush-hush":1}}`,
		"a token with a newline":  `{"access_token":"hush-hush\n"}`,
		"a key with a newline":    `{"access_token":"1|a","api_key":"hush-hush\r\nX: y"}`,
		"a printed secret":        `{"access_token":"[redacted]"}`,
	} {
		t.Run(name, func(t *testing.T) {
			session, err := modelslab.LoadSession([]byte(data))
			var param *modelslab.ParamError
			require.ErrorAs(t, err, &param)
			assert.Nil(t, session)
			assert.NotContains(t, err.Error(), "hush-hush")
		})
	}

	t.Run("nil is not saved", func(t *testing.T) {
		var session *modelslab.Session
		_, err := session.Save()
		require.ErrorIs(t, err, modelslab.ErrValidation)
	})
}

func TestAClientWithoutASessionSaysWhichCallNeedsOne(t *testing.T) {
	s := onStage(t)
	empty := s.WithSession(nil)
	_, err := empty.Wallet.Balance(t.Context())
	var param *modelslab.ParamError
	require.ErrorAs(t, err, &param)
	assert.Equal(t, "Session", param.Param)

	open, err := modelslab.New(modelslab.WithHTTPClient(&http.Client{Transport: s}))
	require.NoError(t, err)
	_, err = open.Wallet.Balance(t.Context())
	require.ErrorIs(t, err, modelslab.ErrUnauthenticated)
	assert.ErrorContains(t, err, "/wallet/balance")
	assert.Empty(t, s.requests())
}

func TestAuthRefusesBadInput(t *testing.T) {
	signup := func(email, password string) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Auth.Signup(ctx, modelslab.AuthSignupParams{Email: email, Password: modelslab.NewSecret(password)}))
		}
	}
	login := func(email, password string) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Auth.Login(ctx, modelslab.AuthLoginParams{Email: email, Password: modelslab.NewSecret(password)}))
		}
	}
	verify := func(code string) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error { return second(c.Auth.VerifyEmail(ctx, code)) }
	}
	link := func(token string) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error { return second(c.Auth.VerifyLink(ctx, token)) }
	}
	resend := func(email string) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error { return c.Auth.ResendVerification(ctx, email) }
	}
	tests := []badInput{
		{"signup without a password", "AuthSignupParams.Password", signup("ada@example.com", "")},
		{"signup with a printed secret for a password", "AuthSignupParams.Password", signup("ada@example.com", "[redacted]")},
		{"login without a password", "AuthLoginParams.Password", login("ada@example.com", "")},
		{"no code", "code", verify("")},
		{"a code with spaces", "code", verify("12 34")},
		{"a code with a newline", "code", verify("1234\n")},
		{"no link token", "token", link("")},
		{"a link token with a slash", "token", link("a/b")},
		{"a link token that climbs", "token", link("..")},
		{"a link token that stays", "token", link(".")},
		{"a link token with a control character", "token", link("a\x00b")},
		{"signup with no context", "ctx", func(_ context.Context, c *modelslab.Client) error {
			return second(c.Auth.Signup(nil, modelslab.AuthSignupParams{Email: "ada@example.com", Password: modelslab.NewSecret("open sesame")})) //nolint:staticcheck // the point
		}},
	}
	for name, email := range map[string]string{
		"empty": "", "no at": "ada.example.com", "nothing before the at": "@example.com", "nothing after the at": "ada@",
		"two ats": "ada@b@example.com", "a space": "a da@example.com", "a newline": "ada@example.com\n", "a list": "ada@example.com,eve@example.com",
		"angle brackets": "<ada@example.com>", "dot at the end": "ada@example.", "two dots": "ada@example..com",
		"too long": strings.Repeat("a", 250) + "@example.com",
	} {
		tests = append(tests,
			badInput{"signup, e-mail: " + name, "AuthSignupParams.Email", signup(email, "open sesame")},
			badInput{"login, e-mail: " + name, "AuthLoginParams.Email", login(email, "open sesame")},
			badInput{"resend, e-mail: " + name, "email", resend(email)},
		)
	}
	runBadInput(t, tests)
}
