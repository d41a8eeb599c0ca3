package modelslab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOptionsThatCannotBeAreRefused(t *testing.T) {
	base := stubbed(t, scripted(says(500, ``)))
	for _, tt := range []struct {
		name  string
		opt   Option
		field string
	}{
		{"nil", nil, "Option 1"},
		{"base URL empty", WithBaseURL(""), "WithBaseURL"},
		{"base URL no URL", WithBaseURL("://"), "WithBaseURL"},
		{"base URL without a scheme", WithBaseURL("modelslab.com"), "WithBaseURL"},
		{"base URL without a host", WithBaseURL("https://"), "WithBaseURL"},
		{"base URL with a port alone", WithBaseURL("https://:8080"), "WithBaseURL"},
		{"base URL plain http", WithBaseURL("http://modelslab.com"), "WithBaseURL"},
		{"base URL plain http to a private address", WithBaseURL("http://10.0.0.1"), "WithBaseURL"},
		{"base URL plain http to a name like localhost", WithBaseURL("http://localhost.evil.example"), "WithBaseURL"},
		{"base URL of another scheme", WithBaseURL("ftp://modelslab.com"), "WithBaseURL"},
		{"base URL with a path", WithBaseURL("https://modelslab.com/api"), "WithBaseURL"},
		{"base URL with a query", WithBaseURL("https://modelslab.com?x=1"), "WithBaseURL"},
		{"base URL with an empty query", WithBaseURL("https://modelslab.com?"), "WithBaseURL"},
		{"base URL with a fragment", WithBaseURL("https://modelslab.com#x"), "WithBaseURL"},
		{"base URL with a control character", WithBaseURL("https://modelslab.com\n"), "WithBaseURL"},
		{"Stripe URL plain http", WithStripeBaseURL("http://stripe.example"), "WithStripeBaseURL"},
		{"Stripe URL empty", WithStripeBaseURL(""), "WithStripeBaseURL"},
		{"Stripe URL with a path", WithStripeBaseURL("https://api.stripe.com/v1"), "WithStripeBaseURL"},
		{"publishable key empty", WithStripePublishableKey(""), "WithStripePublishableKey"},
		{"publishable key of another kind", WithStripePublishableKey("pm_1"), "WithStripePublishableKey"},
		{"token empty", WithAccessToken(""), "WithAccessToken"},
		{"token of spaces", WithAccessToken("  "), "WithAccessToken"},
		{"token with a space at its end", WithAccessToken("1|x "), "WithAccessToken"},
		{"token with a line break", WithAccessToken("1|x\r\nX-Evil: 1"), "WithAccessToken"},
		{"token printed", WithAccessToken("[redacted]"), "WithAccessToken"},
		{"API key empty", WithAPIKey(""), "WithAPIKey"},
		{"API key with a control character", WithAPIKey("k\x00"), "WithAPIKey"},
		{"API key printed", WithAPIKey("[redacted]"), "WithAPIKey"},
		{"account empty", WithAccount(""), "WithAccount"},
		{"account with a control character", WithAccount("7\n"), "WithAccount"},
		{"account too long", WithAccount(strings.Repeat("7", 300)), "WithAccount"},
		{"session nil", WithSession(nil), "Session"},
		{"session without a token", WithSession(&Session{APIKey: NewSecret("k")}), "Session.AccessToken"},
		{"session with an API key that cannot be sent", WithSession(&Session{AccessToken: NewSecret("1|x"), APIKey: NewSecret("k\n")}), "Session.APIKey"},
		{"http client nil", WithHTTPClient(nil), "WithHTTPClient"},
		{"http client with a negative timeout", WithHTTPClient(&http.Client{Timeout: -1}), "WithHTTPClient"},
		{"Stripe http client nil", WithStripeHTTPClient(nil), "WithStripeHTTPClient"},
		{"Stripe http client with a negative timeout", WithStripeHTTPClient(&http.Client{Timeout: -1}), "WithStripeHTTPClient"},
		{"user agent empty", WithUserAgent(""), "WithUserAgent"},
		{"user agent with a line break", WithUserAgent("x\r\nX-Evil: 1"), "WithUserAgent"},
		{"logger nil", WithLogger(nil), "WithLogger"},
		{"negative attempts", WithRetryPolicy(RetryPolicy{MaxAttempts: -1}), "RetryPolicy.MaxAttempts"},
		{"negative backoff", WithRetryPolicy(RetryPolicy{MinBackoff: -1}), "RetryPolicy.MinBackoff"},
		{"negative most backoff", WithRetryPolicy(RetryPolicy{MaxBackoff: -1}), "RetryPolicy.MaxBackoff"},
		{"negative wait", WithRetryPolicy(RetryPolicy{MaxWait: -1}), "RetryPolicy.MaxWait"},
		{"least backoff above the most", WithRetryPolicy(RetryPolicy{MinBackoff: 2, MaxBackoff: 1}), "RetryPolicy.MinBackoff"},
		{"rate limit mode below", WithRateLimitPolicy(RateLimitPolicy{Mode: -1}), "RateLimitPolicy.Mode"},
		{"rate limit mode above", WithRateLimitPolicy(RateLimitPolicy{Mode: 3}), "RateLimitPolicy.Mode"},
		{"no bytes", WithMaxResponseBytes(0), "WithMaxResponseBytes"},
		{"negative bytes", WithMaxResponseBytes(-1), "WithMaxResponseBytes"},
		{"a default nil", WithRequestDefaults(nil), "RequestOption"},
		{"a default key", WithRequestDefaults(WithIdempotencyKey("k")), "WithRequestDefaults"},
		{"a default operation", WithRequestDefaults(WithOperation("o")), "WithRequestDefaults"},
		{"a default response", WithRequestDefaults(WithResponse(&Response{})), "WithRequestDefaults"},
		{"a default body field", WithRequestDefaults(WithBodyField("note", "x")), "WithRequestDefaults"},
		{"a default that cannot be", WithRequestDefaults(WithRequestTimeout(-1)), "WithRequestTimeout"},
		{"a default new try", WithRequestDefaults(WithNewTry()), "WithRequestDefaults"},
		{"a default most that is nothing", WithRequestDefaults(WithMaxCharge(Amount{})), "WithMaxCharge"},
		{"policy that limits nothing", WithSpendPolicy(SpendPolicy{}), "SpendPolicy"},
		{"policy with a negative limit", WithSpendPolicy(SpendPolicy{PerCall: Dollars(-1)}), "SpendPolicy.PerCall"},
		{"policy with an absurd limit", WithSpendPolicy(SpendPolicy{Total: Dollars(1_000_000_001)}), "SpendPolicy.Total"},
		{"policy with parts of a cent", WithSpendPolicy(SpendPolicy{PerWindow: newAmount(1, 3), Window: time.Hour}), "SpendPolicy.PerWindow"},
		{"window without a limit", WithSpendPolicy(SpendPolicy{PerCall: Dollars(1), Window: time.Hour}), "SpendPolicy.Window"},
		{"limit without its window", WithSpendPolicy(SpendPolicy{PerWindow: Dollars(1)}), "SpendPolicy.Window"},
		{"window too short", WithSpendPolicy(SpendPolicy{PerWindow: Dollars(1), Window: time.Millisecond}), "SpendPolicy.Window"},
		{"budget's name with a line break", WithSpendPolicy(SpendPolicy{Budget: "a\nb", Total: Dollars(1)}), "SpendPolicy.Budget"},
		{"half a standing order", WithSpendPolicy(SpendPolicy{Total: Dollars(1), StandingOrders: StandingOrders{PerCharge: Dollars(1)}}), "SpendPolicy.StandingOrders"},
		{"store nil", WithStore(nil), "WithStore"},
		{"store a nil pointer", WithStore((*memoryStore)(nil)), "WithStore"},
		{"key lifetime zero", WithKeyLifetime(0), "WithKeyLifetime"},
		{"key lifetime beyond a day", WithKeyLifetime(25 * time.Hour), "WithKeyLifetime"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := New(tt.opt)
			assertParam(t, tt.field, err)
			assert.Nil(t, c)
			oneLine(t, err)
			c, err = base.With(tt.opt)
			assertParam(t, tt.field, err)
			assert.Nil(t, c)
		})
	}
}

func TestRequestOptionsThatCannotBeAreRefusedByEveryCall(t *testing.T) {
	for _, tt := range []struct {
		name  string
		opt   RequestOption
		field string
	}{
		{"nil", nil, "RequestOption"},
		{"response nil", WithResponse(nil), "WithResponse"},
		{"timeout zero", WithRequestTimeout(0), "WithRequestTimeout"},
		{"timeout negative", WithRequestTimeout(-time.Second), "WithRequestTimeout"},
		{"key empty", WithIdempotencyKey(""), "WithIdempotencyKey"},
		{"key not ASCII", WithIdempotencyKey("ü"), "WithIdempotencyKey"},
		{"operation empty", WithOperation(""), "WithOperation"},
		{"operation too long", WithOperation(strings.Repeat("o", 201)), "WithOperation"},
		{"most that is nothing", WithMaxCharge(Amount{}), "WithMaxCharge"},
		{"most below nothing", WithMaxCharge(Dollars(-1)), "WithMaxCharge"},
		{"most beyond all measure", WithMaxCharge(Dollars(1_000_000_001)), "WithMaxCharge"},
		{"header's name empty", WithHeader("", "x"), "WithHeader"},
		{"header's name with a space", WithHeader("X Y", "x"), "WithHeader"},
		{"header's name with a colon", WithHeader("X:Y", "x"), "WithHeader"},
		{"header's name with a line break", WithHeader("X\r\nY", "x"), "WithHeader"},
		{"header's name not ASCII", WithHeader("Größe", "x"), "WithHeader"},
		{"header's value with a line break", WithHeader("x-trace", "a\r\nX-Evil: 1"), "WithHeader X-Trace"},
		{"header's value with a zero", WithHeader("X-Trace", "a\x00"), "WithHeader X-Trace"},
		{"a header of ours", WithHeader("accept", "text/html"), "WithHeader"},
		{"field's name empty", WithBodyField("", 1), "WithBodyField"},
		{"field's name with a control character", WithBodyField("a\n", 1), "WithBodyField"},
		{"field that does not encode", WithBodyField("f", make(chan int)), "WithBodyField f"},
		{"field with a secret", WithBodyField("f", NewSecret("x")), "WithBodyField f"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachClass(t, func(t *testing.T, call roadCall) {
				net := scripted(says(200, call.ok))
				err := call.do(t.Context(), stubbed(t, net), tt.opt)
				assertParam(t, tt.field, err)
				assert.Zero(t, net.count())
			})
		})
	}
}

func TestEveryCallNeedsAContext(t *testing.T) {
	eachClass(t, func(t *testing.T, call roadCall) {
		net := scripted(says(200, call.ok))
		assertParam(t, "ctx", call.do(nil, stubbed(t, net)))
		assert.Zero(t, net.count())
	})
}

func TestWhatARefusedOptionHeldIsNotPrinted(t *testing.T) {
	for _, opt := range []Option{
		WithAccessToken("canary-9b1f04\n"), WithAPIKey("canary-9b1f04\n"), WithStripePublishableKey("sk_live_canary-9b1f04"),
		WithStripePublishableKey("rk_live_canary-9b1f04"), WithBaseURL("https://user:canary-9b1f04@modelslab.com"),
		WithBaseURL("http://canary-9b1f04:x@modelslab.com"), WithSession(&Session{AccessToken: NewSecret("canary-9b1f04\n")}),
	} {
		_, err := New(opt)
		require.Error(t, err)
		assertNotPrinted(t, err, "canary-9b1f04")
	}
	_, err := LoadSession([]byte(`{"access_token":"canary-9b1f04`))
	require.Error(t, err)
	assertNotPrinted(t, err, "canary-9b1f04")
	err = roadCalls[1].do(t.Context(), stubbed(t, scripted()), WithHeader("X-Trace", "canary-9b1f04\n"))
	assertParam(t, "WithHeader X-Trace", err)
	assertNotPrinted(t, err, "canary-9b1f04")
}

func TestPlainHTTPIsForLoopbackAlone(t *testing.T) {
	for _, origin := range []string{
		"http://127.0.0.1:8085", "http://127.9.9.9", "http://[::1]:80", "http://localhost:1", "http://LOCALHOST:1", "https://modelslab.com",
		"https://modelslab.com/", "https://MODELSLAB.com:8443", "https://[2001:db8::1]",
	} {
		_, err := New(WithBaseURL(origin), WithStripeBaseURL(origin))
		require.NoError(t, err, origin)
	}
	net := scripted(func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, "https://models.example:8443/api/agents/v1/wallet/balance", r.URL.String())
		assert.Equal(t, "models.example:8443", r.Host)
		return says(200, balanceBody)(r)
	})
	require.NoError(t, roadCalls[0].do(t.Context(), stubbed(t, net, WithBaseURL("https://Models.example:8443/"))))
	assert.Equal(t, 1, net.count())
}

func TestTheEnvironmentIsReadOnlyOnRequest(t *testing.T) {
	t.Setenv("MODELSLAB_TOKEN", "17|from-env")
	t.Setenv("MODELSLAB_API_KEY", "key-from-env")
	t.Setenv("MODELSLAB_BASE_URL", "https://env.example")
	t.Setenv("MODELSLAB_ACCOUNT", "42")
	net := scripted(func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, "env.example", r.URL.Host)
		return says(200, `{"data":{"payment":{"status":"succeeded"}}}`)(r)
	}, says(200, imageBody))
	hc := WithHTTPClient(&http.Client{Transport: net})

	c, err := New(hc)
	require.NoError(t, err)
	require.ErrorIs(t, roadCalls[0].do(t.Context(), c), ErrUnauthenticated, "nothing is read without FromEnv")
	assert.Zero(t, net.count())

	c, err = New(hc, FromEnv())
	require.NoError(t, err)
	require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation("order-1041")))
	require.NoError(t, roadCalls[3].do(t.Context(), c))
	seen := net.requests()
	assert.Equal(t, "Bearer 17|from-env", seen[0].Header.Get("Authorization"))
	assert.Equal(t, derived("42", "wallet.fund", "order-1041", "1"), seen[0].key())
	assert.Contains(t, seen[1].Body, `"key":"key-from-env"`)

	for name, bad := range map[string]string{
		"MODELSLAB_TOKEN": "a\nb", "MODELSLAB_API_KEY": "[redacted]", "MODELSLAB_BASE_URL": "http://modelslab.com", "MODELSLAB_ACCOUNT": "a\nb",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, bad)
			_, err := New(FromEnv())
			require.ErrorIs(t, err, ErrValidation)
			assert.Contains(t, err.Error(), name)
			t.Setenv(name, "")
			_, err = New(FromEnv())
			require.NoError(t, err, "what is empty is not set")
		})
	}
}

func TestACallWithoutItsCredentialIsRefusedAndSaysWhatIsMissing(t *testing.T) {
	net := scripted(says(200, `{}`))
	c, err := New(WithHTTPClient(&http.Client{Transport: net}))
	require.NoError(t, err)
	for i, call := range roadCalls {
		err := call.do(t.Context(), c)
		if call.name == "Auth.Signup" {
			require.NoError(t, err, "which needs none")
			continue
		}
		require.ErrorIs(t, err, ErrUnauthenticated)
		assert.Contains(t, err.Error(), []string{"access token", "access token", "", "API key"}[i])
	}
	assert.Equal(t, 1, net.count())
}

func TestDefaultsComeBeforeTheCallsOwn(t *testing.T) {
	net := scripted(says(200, fundedBody))
	c := stubbed(t, net, WithRequestDefaults(WithHeader("X-Trace", "a")), WithRequestDefaults(WithHeader("X-Team", "b"), WithRequestTimeout(time.Second)))
	d := mustWith(t, c, WithRequestDefaults(WithHeader("X-Trace", "c")))
	e := mustWith(t, c, WithRequestDefaults(WithHeader("X-Trace", "d")))
	for i, client := range []*Client{c, d, e, c} {
		require.NoError(t, roadCalls[1].do(t.Context(), client, WithHeader("X-Trace", "own")))
		assert.Equal(t, [][]string{{"a", "own"}, {"a", "c", "own"}, {"a", "d", "own"}, {"a", "own"}}[i], net.requests()[i].Header["X-Trace"])
		assert.Equal(t, "b", net.requests()[i].Header.Get("X-Team"))
	}
}

func TestEachAttemptIsOneRecordOfTheLog(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	net := scripted(breaks(errors.New("token "+testToken+" reset")), says(500, ``), says(200, fundedBody, rates(9, "30", "X-Request-Id", "req-h", "Set-Cookie", "cookie-canary")...))
	c := stubbed(t, net, WithLogger(logger))
	require.NoError(t, roadCalls[1].do(t.Context(), c))
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, lines, 3)
	for i, line := range lines {
		assert.Contains(t, line, "level=DEBUG")
		assert.Contains(t, line, "endpoint=wallet.fund")
		assert.Contains(t, line, "path=/wallet/fund")
		assert.Contains(t, line, fmt.Sprintf("attempt=%d", i+1))
		assert.Contains(t, line, "duration=")
	}
	assert.Contains(t, lines[0], "error=")
	assert.Contains(t, lines[1], "status=500")
	assert.Contains(t, lines[2], "status=200")
	assert.Contains(t, lines[2], "request_id=req-1")
	assert.Contains(t, lines[2], "remaining=9")
	for _, canary := range []string{testToken, testKey, testMethod, "cookie-canary", "succeeded", "modelslab.com", net.requests()[0].key()} {
		assert.NotContains(t, log.String(), canary)
	}

	log.Reset()
	quiet := slog.New(slog.NewTextHandler(&log, nil))
	require.NoError(t, roadCalls[1].do(t.Context(), stubbed(t, scripted(says(200, fundedBody)), WithLogger(quiet))))
	assert.Empty(t, log.String(), "above debug nothing is said")
}

// bearers is who a client's calls say they come from.
func bearers(t *testing.T, c *Client) (token, key string) {
	t.Helper()
	net := scripted(says(200, balanceBody), says(200, imageBody))
	c = mustWith(t, c, WithHTTPClient(&http.Client{Transport: net}))
	if roadCalls[0].do(t.Context(), c) == nil {
		token = strings.TrimPrefix(net.requests()[0].Header.Get("Authorization"), "Bearer ")
	}
	net.mu.Lock()
	net.seen = make([]sentRequest, 1)
	net.mu.Unlock()
	if roadCalls[3].do(t.Context(), c) == nil {
		_, key, _ = strings.Cut(net.requests()[1].Body, `"key":"`)
		key = strings.TrimSuffix(key, `"}`)
	}
	return token, key
}

func TestWhatAClientHasOfAnother(t *testing.T) {
	c, err := New(WithAccessToken("1|a"), WithAPIKey("key-a"), WithAccount("7"))
	require.NoError(t, err)
	full := &Session{AccessToken: NewSecret("2|b"), APIKey: NewSecret("key-b"), User: &User{ID: 8}}
	bare := &Session{AccessToken: NewSecret("3|c")}
	keyAlone, err := New(WithAPIKey("key-c"))
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		c                   *Client
		token, key, account string
	}{
		"itself":                    {c, "1|a", "key-a", "7"},
		"With nothing":              {mustWith(t, c), "1|a", "key-a", "7"},
		"With a token":              {mustWith(t, c, WithAccessToken("4|d")), "4|d", "", ""},
		"With a token and a key":    {mustWith(t, c, WithAccessToken("4|d"), WithAPIKey("key-d")), "4|d", "key-d", ""},
		"With a key and a token":    {mustWith(t, c, WithAPIKey("key-d"), WithAccessToken("4|d")), "4|d", "key-d", ""},
		"With a token, an account":  {mustWith(t, c, WithAccount("9"), WithAccessToken("4|d")), "4|d", "", "9"},
		"With a key":                {mustWith(t, c, WithAPIKey("key-d")), "1|a", "key-d", "7"},
		"With an account":           {mustWith(t, c, WithAccount("9")), "1|a", "key-a", "9"},
		"With a session":            {mustWith(t, c, WithSession(full)), "2|b", "key-b", "8"},
		"With a bare session":       {mustWith(t, c, WithSession(bare)), "3|c", "", ""},
		"With a session and a key":  {mustWith(t, c, WithSession(bare), WithAPIKey("key-d")), "3|c", "key-d", ""},
		"a key, then an account":    {mustWith(t, keyAlone, WithAccount("9")), "", "key-c", "9"},
		"WithSession":               {c.WithSession(full), "2|b", "key-b", "8"},
		"WithSession, a bare one":   {c.WithSession(bare), "3|c", "", ""},
		"WithSession, then a token": {mustWith(t, c.WithSession(full), WithAccessToken("4|d")), "4|d", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			token, key := bearers(t, tt.c)
			assert.Equal(t, tt.token, token)
			assert.Equal(t, tt.key, key)
			assert.Equal(t, tt.account, tt.c.credentials().account)
		})
	}
	assert.Equal(t, "7", c.cell.load().account, "the first one is as it was")
}

func TestAClientOfANilOrUnsendableSessionFailsEachCall(t *testing.T) {
	net := scripted(says(200, balanceBody))
	c := stubbed(t, net)
	for field, s := range map[string]*Session{
		"Session":             nil,
		"Session.AccessToken": {},
		"Session.APIKey":      {AccessToken: NewSecret("1|x"), APIKey: NewSecret("[redacted]")},
	} {
		client := c.WithSession(s)
		require.NotNil(t, client)
		eachClass(t, func(t *testing.T, call roadCall) { assertParam(t, field, call.do(t.Context(), client)) })
		assertParam(t, field, roadCalls[0].do(t.Context(), mustWith(t, client)))
	}
	assert.Zero(t, net.count())
}

// refresher answers refresh with ever new tokens, and everything else with a
// balance, if the token is one that it has given and that no refresh has ended.
type refresher struct {
	mu    sync.Mutex
	alive string
	n     int
}

func (f *refresher) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, "/auth/refresh") {
		f.n++
		f.alive = fmt.Sprintf("%d|fresh", f.n)
		return says(200, `{"data":{"access_token":"`+f.alive+`","token_type":"Bearer"}}`)(r)
	}
	if r.Header.Get("Authorization") != "Bearer "+f.alive {
		return says(401, `{"message":"Unauthenticated."}`)(r)
	}
	return says(200, balanceBody)(r)
}

func TestARefreshIsSeenByAllClientsOfTheSession(t *testing.T) {
	user := &User{ID: 7, Email: "a@example.com"}
	server := &refresher{alive: "0|old"}
	c, err := New(WithHTTPClient(&http.Client{Transport: server}), WithSession(&Session{AccessToken: NewSecret("0|old"), APIKey: NewSecret("key-a"), User: user}))
	require.NoError(t, err)
	child := mustWith(t, c, WithUserAgent("child"))
	grandchild := mustWith(t, child, WithRequestDefaults(WithRequestTimeout(time.Second)))
	other := c.WithSession(&Session{AccessToken: NewSecret("0|old")})
	keyed := mustWith(t, c, WithAPIKey("key-own"), WithAccount("9"))

	s, err := child.Auth.Refresh(t.Context(), AuthRefreshParams{})
	require.NoError(t, err)
	assert.Equal(t, "1|fresh", s.AccessToken.Reveal())
	assert.Equal(t, "key-a", s.APIKey.Reveal(), "the session returned has the client's key")
	assert.Equal(t, user, s.User, "and user")
	for _, client := range []*Client{c, child, grandchild} {
		require.NoError(t, roadCalls[0].do(t.Context(), client))
		_, key := bearers(t, client)
		assert.Equal(t, "key-a", key)
	}
	assertKind(t, ErrUnauthenticated, roadCalls[0].do(t.Context(), other))
	require.NoError(t, roadCalls[0].do(t.Context(), keyed), "a key of one's own does not part one from the session")
	_, key := bearers(t, keyed)
	assert.Equal(t, "key-own", key)
	assert.Equal(t, "9", keyed.credentials().account)

	data, err := s.Save()
	require.NoError(t, err)
	again, err := LoadSession(data)
	require.NoError(t, err)
	require.NoError(t, roadCalls[0].do(t.Context(), other.WithSession(again)))
}

func TestARefreshThatFailsChangesNothing(t *testing.T) {
	for name, answer := range map[string]step{
		"401": says(401, ``), "500": says(500, ``), "no token": says(200, `{"data":{}}`), "lost": breaks(errors.New("reset")), "a token that cannot be sent": says(200, `{"data":{"access_token":"a\nb"}}`),
	} {
		net := scripted(answer)
		c := stubbed(t, net)
		_, err := c.Auth.Refresh(t.Context(), AuthRefreshParams{})
		require.Error(t, err, name)
		assert.Equal(t, 1, net.count(), "it is sent once")
		token, key := bearers(t, c)
		assert.Equal(t, testToken, token, name)
		assert.Equal(t, testKey, key, name)
	}
}

func TestClientsAreSafeForConcurrentUse(t *testing.T) {
	server := &refresher{alive: "0|old"}
	c, err := New(WithHTTPClient(&http.Client{Transport: server}), WithAccessToken("0|old"), WithAPIKey("key-a"), WithAccount("7"), hasty(3))
	require.NoError(t, err)
	var wg sync.WaitGroup
	var torn atomic.Int32
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				d, err := c.With(WithUserAgent(fmt.Sprint("agent-", i)))
				if !assert.NoError(t, err) {
					return
				}
				// With another's refresh on the way a token may be dead; it is never half of one.
				if err := roadCalls[0].do(context.Background(), d); err != nil && !errors.Is(err, ErrUnauthenticated) {
					assert.NoError(t, err)
				}
				if cred := d.cell.load(); cred.apiKey != "key-a" || cred.account != "7" || cred.bearer[0] != "Bearer "+cred.token {
					torn.Add(1)
				}
				_ = c.RateLimit(LimiterGeneral)
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			_, err := c.Auth.Refresh(context.Background(), AuthRefreshParams{})
			assert.NoError(t, err)
			_, err = c.With(WithAPIKey("key-a"))
			assert.NoError(t, err)
		}
	})
	wg.Wait()
	assert.Zero(t, torn.Load())
	require.NoError(t, roadCalls[0].do(t.Context(), c), "the last refresh counts")
}

func TestZeroFieldsOfARetryPolicyAreTheDefaults(t *testing.T) {
	p := RetryPolicy{}.policy()
	assert.Equal(t, 3, p.MaxAttempts)
	assert.Equal(t, 500*time.Millisecond, p.MinBackoff)
	assert.Equal(t, 8*time.Second, p.MaxBackoff)
	assert.Equal(t, time.Minute, p.MaxWait)
	p = RetryPolicy{MaxAttempts: 7}.policy()
	assert.Equal(t, 7, p.MaxAttempts)
	assert.Equal(t, time.Minute, p.MaxWait)
}

func TestTheUserAgentNamesTheProgramFirst(t *testing.T) {
	net := scripted(says(200, balanceBody))
	require.NoError(t, roadCalls[0].do(t.Context(), stubbed(t, net, WithUserAgent("my-agent/2.0"))))
	assert.Equal(t, []string{"my-agent/2.0 modelslab-agents-go/" + Version}, net.requests()[0].Header["User-Agent"])
}

func TestALimitWithoutEndIsALimit(t *testing.T) {
	for _, limit := range []int64{math.MaxInt64, 1 << 61} {
		c := stubbed(t, scripted(says(200, fundedBody, "Content-Length", "1152921504606846976")), WithMaxResponseBytes(limit))
		require.NoError(t, roadCalls[1].do(t.Context(), c))
	}
}

func TestAnOriginHasOneSpelling(t *testing.T) {
	for _, spelling := range []string{"https://api.stripe.com:443", "https://api.stripe.com.", "https://API.stripe.com", "https://api.stripe.com/"} {
		net := scripted(says(200, `{"publishable_key":"pk_live_1"}`))
		c := stubbed(t, net, WithBaseURL("https://example.com"), WithStripeBaseURL(spelling), WithStripeHTTPClient(&http.Client{Transport: net}))
		card, err := NewCard("4242424242424242", 12, time.Now().Year()+1, "123")
		require.NoError(t, err)
		_, err = c.Billing.TokenizeCard(t.Context(), card)
		assertParam(t, "WithBaseURL", err)
		assert.Equal(t, 1, net.count(), "the key was asked for, and nothing went to Stripe")
	}
}

func TestACardNumberInAnIDIsNotRepeated(t *testing.T) {
	for _, id := range []string{
		"4242424242424242\n", "card 4242424242424242", "4242.4242.4242.4242", "4242424242424241", "4242424242424242 12/29 123", "pm_4242424242424242", "pm_4242 4242 4242 4242",
	} {
		net := scripted(says(200, fundedBody))
		_, err := stubbed(t, net).Wallet.Fund(t.Context(), WalletFundParams{Amount: Dollars(25), PaymentMethodID: id})
		assertParam(t, "WalletFundParams.PaymentMethodID", err)
		assert.NotContains(t, err.Error(), "4242")
		assert.ErrorContains(t, err, "card number")
		assert.Zero(t, net.count())
	}
}

func TestANilPointerIsRefusedBeforeItIsRead(t *testing.T) {
	net := scripted(says(200, fundedBody))
	c := stubbed(t, net)
	assertParam(t, "in", c.Call(t.Context(), post, "/wallet/fund", (*WalletFundParams)(nil), nil))
	_, err := c.Generation.Run(t.Context(), "/api/v6/images/text2img", (*TextToImageParams)(nil))
	assertParam(t, "in", err)
	assert.Zero(t, net.count())
}

func TestAKeyThatCannotBeSentDoesNotEndASession(t *testing.T) {
	net := scripted(says(200, `{"data":{"access_token":"2|fresh","api_key":"[redacted]"}}`), says(200, balanceBody))
	c := stubbed(t, net)
	_, err := c.Auth.Refresh(t.Context(), AuthRefreshParams{})
	require.NoError(t, err)
	require.NoError(t, roadCalls[0].do(t.Context(), c))
	assert.Equal(t, "Bearer 2|fresh", net.requests()[1].Header.Get("Authorization"))
}
