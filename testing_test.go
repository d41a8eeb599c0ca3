package modelslab

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Helpers of the tests of the road: a network made of answers in order, a server
// made of handlers in order, and one call of each repeat class.

const (
	testToken  = "17|token-canary-8f2b61"
	testKey    = "apikey-canary-77c0d4"
	testMethod = "pm_card_visa"
	testIntent = "pi_3TestIntent"
)

// sentRequest is a request as the other side saw it.
type sentRequest struct {
	Method, Path, Query string
	Header              http.Header
	Body                string
}

func (r sentRequest) key() string { return r.Header.Get("Idempotency-Key") }

// record keeps the requests that a fake network saw.
type record struct {
	mu   sync.Mutex
	seen []sentRequest
}

func (r *record) add(req *http.Request) int {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, sentRequest{req.Method, req.URL.Path, req.URL.RawQuery, req.Header.Clone(), string(body)})
	return len(r.seen) - 1
}

func (r *record) requests() []sentRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

// count is the number of requests that were seen.
func (r *record) count() int { return len(r.requests()) }

// step is one answer of a scripted network.
type step func(*http.Request) (*http.Response, error)

// script is a transport that takes its steps in order, the last one for ever,
// and reports nothing to httptrace.
type script struct {
	record
	steps []step
}

func scripted(steps ...step) *script { return &script{steps: steps} }

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	i := s.add(req)
	return s.steps[min(i, len(s.steps)-1)](req)
}

// says answers with a body; header is name, value, name, value.
func says(status int, body string, header ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Add(header[i], header[i+1])
		}
		return &http.Response{
			StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
		}, nil
	}
}

// breaks gives no answer.
func breaks(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// breaksOff gives an answer whose body ends too early.
func breaksOff(status int, body string, header ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := says(status, body, header...)(req)
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(body), errReader{}))
		resp.ContentLength = int64(len(body)) + 10
		return resp, err
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// live is a real server that takes its handlers in order, the last one for ever.
type live struct {
	record
	URL string
}

func serve(t *testing.T, handlers ...http.HandlerFunc) *live {
	t.Helper()
	l := &live{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := l.add(r)
		handlers[min(i, len(handlers)-1)](w, r)
	}))
	t.Cleanup(srv.Close)
	l.URL = srv.URL
	return l
}

// answers writes a body; header is name, value, name, value.
func answers(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// hangsUp closes the connection without a word, once the request was read.
func hangsUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.Close()
}

// cutsShort promises more than it sends.
func cutsShort(w http.ResponseWriter, r *http.Request) {
	answers(http.StatusOK, `{"data":{"balance":2`, "Content-Length", "200", "X-Request-Id", "req-cut")(w, r)
}

// stubbed is a client over a scripted network, with backoffs of a nanosecond.
func stubbed(t testing.TB, rt http.RoundTripper, opts ...Option) *Client {
	t.Helper()
	c, err := New(append([]Option{
		WithHTTPClient(&http.Client{Transport: rt}), WithAccessToken(testToken), WithAPIKey(testKey), WithAccount("7"), hasty(3),
	}, opts...)...)
	require.NoError(t, err)
	return c
}

// onListener is a client of a real server, on connections of its own.
func onListener(t testing.TB, url string, opts ...Option) *Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return stubbed(t, transport, append([]Option{WithBaseURL(url)}, opts...)...)
}

// hasty is a retry policy that hardly waits on its own account.
func hasty(attempts int) Option {
	return WithRetryPolicy(RetryPolicy{MaxAttempts: attempts, MinBackoff: 1, MaxBackoff: 1})
}

func fundParams() WalletFundParams {
	return WalletFundParams{Amount: Dollars(25), PaymentMethodID: testMethod}
}

// Answers that each class's call takes for a success.
const (
	balanceBody = `{"data":{"balance":25.5,"currency":"USD"},"error":null,"meta":{"request_id":"req-1"}}`
	fundedBody  = `{"data":{"payment":{"status":"succeeded","payment_intent_id":"pi_3TestIntent","amount":25},"wallet":{"balance":"50.50"}},"error":null,"meta":{"request_id":"req-1"}}`
	signupBody  = `{"data":{"message":"Check your mail.","user":{"id":7}},"error":null,"meta":{"request_id":"req-1"}}`
	imageBody   = `{"status":"success","id":12345678,"output":["https://files.example/a.png"]}`
)

// roadCall is one call of one repeat class.
type roadCall struct {
	name   string
	repeat Repeat
	method string
	path   string
	ok     string // a body that is a success
	do     func(context.Context, *Client, ...RequestOption) error
}

// roadCalls are calls of each class: safe, keyed and once.
var roadCalls = []roadCall{
	{"Wallet.Balance", RepeatSafe, get, "/api/agents/v1/wallet/balance", balanceBody, func(ctx context.Context, c *Client, opts ...RequestOption) error {
		_, err := c.Wallet.Balance(ctx, opts...)
		return err
	}},
	{"Wallet.Fund", RepeatKeyed, post, "/api/agents/v1/wallet/fund", fundedBody, func(ctx context.Context, c *Client, opts ...RequestOption) error {
		_, err := c.Wallet.Fund(ctx, fundParams(), opts...)
		return err
	}},
	{"Auth.Signup", RepeatOnce, post, "/api/agents/v1/auth/signup", signupBody, func(ctx context.Context, c *Client, opts ...RequestOption) error {
		_, err := c.Auth.Signup(ctx, AuthSignupParams{Email: "a@example.com", Password: NewSecret("password-canary-5d")}, opts...)
		return err
	}},
	{"Images.TextToImage", RepeatOnce, post, "/api/v6/images/text2img", imageBody, func(ctx context.Context, c *Client, opts ...RequestOption) error {
		_, err := c.Generation.Images.TextToImage(ctx, TextToImageParams{ModelID: "flux", Prompt: "a lighthouse"}, opts...)
		return err
	}},
}

// eachClass runs a claim for a call of each class.
func eachClass(t *testing.T, claim func(*testing.T, roadCall)) {
	t.Helper()
	for _, call := range roadCalls {
		t.Run(call.name, func(t *testing.T) { claim(t, call) })
	}
}

// assertSent checks what a server saw: n requests, all the same one.
func assertSent(t *testing.T, call roadCall, seen []sentRequest, n int) {
	t.Helper()
	require.Len(t, seen, n)
	for _, r := range seen {
		assert.Equal(t, call.method, r.Method)
		assert.Equal(t, call.path, r.Path)
		assert.Equal(t, seen[0].Body, r.Body, "the same body each time")
		assert.Equal(t, seen[0].key(), r.key(), "the same key each time")
		assert.Equal(t, call.repeat == RepeatKeyed, r.key() != "", "a key where the server knows keys, and only there")
	}
}

// sentinels are all kinds of errors.
var sentinels = map[string]error{
	"ErrUnauthenticated": ErrUnauthenticated, "ErrPermissionDenied": ErrPermissionDenied, "ErrNotFound": ErrNotFound,
	"ErrConflict": ErrConflict, "ErrValidation": ErrValidation, "ErrPaymentDeclined": ErrPaymentDeclined,
	"ErrRequiresAction": ErrRequiresAction, "ErrRateLimited": ErrRateLimited, "ErrServer": ErrServer,
	"ErrOutcomeUnknown": ErrOutcomeUnknown, "ErrGenerationFailed": ErrGenerationFailed, "ErrCheckoutPending": ErrCheckoutPending,
	"ErrCheckoutExpired": ErrCheckoutExpired, "ErrOperationMismatch": ErrOperationMismatch, "ErrSpendLimit": ErrSpendLimit,
}

// assertKind checks that err answers to want and to no other kind; nil: to none.
func assertKind(t *testing.T, want, err error) {
	t.Helper()
	require.Error(t, err)
	for _, name := range slices.Sorted(maps.Keys(sentinels)) {
		kind := sentinels[name]
		assert.Equal(t, kind == want, isKind(err, kind), "is %s: %v", name, err)
	}
}

// apiOf is the answer that err holds.
func apiOf(t *testing.T, err error) *APIError {
	t.Helper()
	api, ok := as[*APIError](err)
	require.True(t, ok, "no *APIError in %v", err)
	return api
}

// assertParam checks that err is a ParamError for a field.
func assertParam(t *testing.T, field string, err error) {
	t.Helper()
	param, ok := as[*ParamError](err)
	require.True(t, ok, "no *ParamError but %v", err)
	assert.Equal(t, field, param.Param)
	assert.NotEmpty(t, param.Reason)
	assertKind(t, ErrValidation, err)
}

// oneLine checks that an error's text is fit for a log.
func oneLine(t *testing.T, err error) {
	t.Helper()
	assert.NotContains(t, err.Error(), "\n")
	assert.Less(t, len(err.Error()), 700)
	assert.False(t, bytes.ContainsFunc([]byte(err.Error()), func(r rune) bool { return r < ' ' }))
}

// elapse lets the fake time of a synctest bubble go by.
func elapse(d time.Duration) { <-time.After(d) }
