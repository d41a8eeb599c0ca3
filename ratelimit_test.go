package modelslab

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var refuse = WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitRefuse})

// rateHeader is an answer's header; left < 0 and reset "" leave theirs out.
func rateHeader(left int, reset string, more ...string) http.Header {
	h := http.Header{}
	if left >= 0 {
		h.Set("X-RateLimit-Remaining", fmt.Sprint(left))
		h.Set("X-RateLimit-Limit", "15")
	}
	if reset != "" {
		h.Set("X-RateLimit-Reset", reset)
	}
	for i := 0; i < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

// rates is rateHeader for says.
func rates(left int, reset string, more ...string) []string {
	var list []string
	for name, v := range rateHeader(left, reset, more...) {
		list = append(list, name, v[0])
	}
	return list
}

func TestEveryRowIsCountedByItsLimiter(t *testing.T) {
	fill := strings.NewReplacer("{id}", "45", "{modelId}", "flux-dev", "{inviteId}", "0b7c")
	for _, row := range documentedRows(t) {
		t.Run(row.method+" "+row.path, func(t *testing.T) {
			net := scripted(says(200, `{"data":{"payment":{"status":"succeeded"}}}`))
			c := stubbed(t, net, refuse)
			call := func() error { return c.Call(t.Context(), row.method, fill.Replace(row.path), nil, nil) }
			empty := func(l Limiter) { c.limiter(l, "").update(429, rateHeader(0, "30"), time.Now(), 0) }
			for _, l := range []Limiter{LimiterAuth, LimiterBilling, LimiterGeneral, LimiterGeneration} {
				if l != row.limiter {
					empty(l)
				}
			}
			require.NoError(t, call(), "the other limiters do not matter")
			require.Equal(t, 1, net.count())
			empty(row.limiter)
			err := call()
			assertKind(t, ErrRateLimited, err)
			limited, _ := as[*RateLimitError](err)
			assert.Equal(t, row.limiter, limited.Limiter)
			assert.Equal(t, 1, net.count(), "a limiter known to be empty costs no request")
		})
	}
}

func TestTheFlowsCallsAreCountedByTheirLimiters(t *testing.T) {
	want := map[string]Limiter{"Wallet.Balance": LimiterGeneral, "Wallet.Fund": LimiterBilling, "Auth.Signup": LimiterAuth, "Images.TextToImage": LimiterGeneration}
	eachClass(t, func(t *testing.T, call roadCall) {
		net := scripted(says(200, call.ok, rates(3, "30")...))
		c := stubbed(t, net)
		var resp Response
		require.NoError(t, call.do(t.Context(), c, WithResponse(&resp)))
		assert.Equal(t, want[call.name], resp.RateLimit.Limiter)
		assert.Equal(t, 3, resp.RateLimit.Remaining)
		if call.name != "Auth.Signup" { // counted by e-mail
			state := c.RateLimit(want[call.name])
			assert.Equal(t, 3, state.Remaining)
			assert.Equal(t, 15, state.Limit)
			assert.True(t, state.Known)
		}
		for _, l := range []Limiter{LimiterBilling, LimiterGeneral, LimiterGeneration} {
			assert.Equal(t, l == want[call.name], c.RateLimit(l).Known, l)
		}
	})
	assert.Equal(t, RateLimit{Limiter: ""}, stubbed(t, scripted()).RateLimit(""))
	assert.Equal(t, RateLimit{Limiter: "of next year"}, stubbed(t, scripted()).RateLimit("of next year"))
}

func TestHeadersTellTheStateOfALimiter(t *testing.T) {
	now := time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)
	unix := func(d time.Duration) string { return fmt.Sprint(now.Add(d).Unix()) }
	date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, tt := range []struct {
		name   string
		status int
		header http.Header
		after  time.Duration // a 429's Retry-After
		known  bool
		left   int
		reset  time.Duration // 0: not said
		empty  time.Duration // 0: not known to be empty
	}{
		{"relative reset", 200, rateHeader(7, "40"), 0, true, 7, 40 * time.Second, 0},
		{"absolute reset", 200, rateHeader(7, unix(40*time.Second)), 0, true, 7, 40 * time.Second, 0},
		{"no reset", 200, rateHeader(7, ""), 0, true, 7, 0, 0},
		{"empty, relative reset", 200, rateHeader(0, "40"), 0, true, 0, 40 * time.Second, 40 * time.Second},
		{"empty, absolute reset", 200, rateHeader(0, unix(40*time.Second)), 0, true, 0, 40 * time.Second, 40 * time.Second},
		{"empty, and no word on when", 200, rateHeader(0, ""), 0, true, 0, 0, 0},
		{"the server's clock is an hour ahead", 200, rateHeader(0, unix(time.Hour+40*time.Second), "Date", date(time.Hour)), 0, true, 0, 40 * time.Second, 40 * time.Second},
		{"the server's clock is a day behind", 200, rateHeader(0, unix(-24*time.Hour+40*time.Second), "Date", date(-24*time.Hour)), 0, true, 0, 40 * time.Second, 40 * time.Second},
		{"a Date that nobody can read", 200, rateHeader(0, unix(40*time.Second), "Date", "yesterday"), 0, true, 0, 40 * time.Second, 40 * time.Second},
		{"a relative reset needs no clock", 200, rateHeader(0, "40", "Date", date(time.Hour)), 0, true, 0, 40 * time.Second, 40 * time.Second},
		{"reset in the past", 200, rateHeader(0, unix(-time.Second)), 0, false, 0, 0, 0},
		{"reset of zero", 200, rateHeader(0, "0"), 0, true, 0, 0, 0},
		{"a bogus reset, far ahead", 200, rateHeader(0, unix(48*time.Hour)), 0, true, 0, 0, 0},
		{"a reset in milliseconds", 200, rateHeader(0, fmt.Sprint(now.UnixMilli())), 0, true, 0, 0, 0},
		{"a reset that is no number", 200, rateHeader(0, "soon"), 0, true, 0, 0, 0},
		{"a negative reset", 200, rateHeader(0, "-5"), 0, true, 0, 0, 0},
		{"a relative reset of years", 200, rateHeader(0, "99999999"), 0, true, 0, time.Hour, time.Hour},
		{"a negative rest", 200, rateHeader(0, "40", "X-RateLimit-Remaining", "-3"), 0, true, 0, 40 * time.Second, 40 * time.Second},
		{"no headers", 200, http.Header{}, 0, false, 0, 0, 0},
		{"a reset without a rest", 200, rateHeader(-1, "40"), 0, false, 0, 0, 0},
		{"a rest that is no number", 200, rateHeader(0, "40", "X-RateLimit-Remaining", "many"), 0, false, 0, 0, 0},
		{"429 with Retry-After alone", 429, http.Header{}, 50 * time.Second, true, 0, 50 * time.Second, 50 * time.Second},
		{"429 with all headers", 429, rateHeader(0, unix(40*time.Second)), 50 * time.Second, true, 0, 50 * time.Second, 50 * time.Second},
		{"429 whose Retry-After is shorter", 429, rateHeader(0, "40"), 20 * time.Second, true, 0, 40 * time.Second, 20 * time.Second},
		{"429 whose rest is wrong", 429, rateHeader(5, "40"), 0, true, 0, 40 * time.Second, 40 * time.Second},
		{"429 that says nothing", 429, http.Header{}, 0, true, 0, 0, 0},
		{"a refusal counts like a success", 422, rateHeader(7, "40"), 0, true, 7, 40 * time.Second, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &limitState{}
			s.update(tt.status, tt.header, now, tt.after)
			got := s.snapshot(LimiterBilling, now)
			assert.Equal(t, LimiterBilling, got.Limiter)
			assert.Equal(t, tt.known, got.Known)
			assert.Equal(t, tt.left, got.Remaining)
			if tt.reset == 0 {
				assert.True(t, got.Reset.IsZero(), got.Reset)
			} else {
				assert.Equal(t, now.Add(tt.reset), got.Reset)
			}
			d, empty := s.emptyFor(now)
			assert.Equal(t, tt.empty > 0, empty)
			if empty {
				assert.Equal(t, tt.empty, d)
				d, empty = s.emptyFor(now.Add(tt.empty - time.Second))
				assert.True(t, empty)
				assert.Equal(t, time.Second, d)
			}
			_, empty = s.emptyFor(now.Add(tt.empty + 1))
			assert.False(t, empty, "a window that has ended is not known")
			assert.False(t, tt.reset > 0 && s.snapshot(LimiterBilling, now.Add(tt.reset+time.Second)).Known)
		})
	}
	assert.Equal(t, RateLimit{Limiter: LimiterBilling}, (&limitState{}).snapshot(LimiterBilling, now), "nothing is known at first")
}

func TestAnswersThatOvertakeEachOther(t *testing.T) {
	now := time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)
	unix := func(d time.Duration) string { return fmt.Sprint(now.Add(d).Unix()) }
	type got struct {
		at     time.Duration
		status int
		header http.Header
	}
	for _, tt := range []struct {
		name    string
		answers []got
		left    int
		reset   time.Duration
	}{
		{"in order", []got{{0, 200, rateHeader(9, unix(60*time.Second))}, {1, 200, rateHeader(8, unix(60*time.Second))}}, 8, 60 * time.Second},
		{"the lower rest of a window holds", []got{{0, 200, rateHeader(5, unix(60*time.Second))}, {1, 200, rateHeader(9, unix(60*time.Second))}}, 5, 60 * time.Second},
		{"so too where the end is relative", []got{{0, 200, rateHeader(5, "60")}, {time.Second, 200, rateHeader(9, "59")}}, 5, 60 * time.Second},
		{"and rounded", []got{{0, 200, rateHeader(5, "60")}, {1500 * time.Millisecond, 200, rateHeader(9, "59")}}, 5, 60 * time.Second},
		{"a 429 of this window holds", []got{{0, 429, rateHeader(0, unix(60*time.Second))}, {1, 200, rateHeader(3, unix(60*time.Second))}}, 0, 60 * time.Second},
		{"a new window starts anew", []got{{0, 200, rateHeader(0, unix(10*time.Second))}, {11 * time.Second, 200, rateHeader(14, unix(70*time.Second))}}, 14, 70 * time.Second},
		{"so too where the end is relative ", []got{{0, 200, rateHeader(0, "10")}, {11 * time.Second, 200, rateHeader(14, "60")}}, 14, 71 * time.Second},
		{"a new window before the old one's end", []got{{0, 200, rateHeader(0, unix(10*time.Second))}, {5 * time.Second, 200, rateHeader(14, unix(65*time.Second))}}, 14, 65 * time.Second},
		{"a late answer of a window gone by is nothing", []got{{0, 200, rateHeader(14, unix(70*time.Second))}, {1, 200, rateHeader(0, unix(10*time.Second))}}, 14, 70 * time.Second},
		{"an answer without headers is nothing", []got{{0, 200, rateHeader(4, unix(60*time.Second))}, {1, 200, http.Header{}}}, 4, 60 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &limitState{}
			last := now
			for _, a := range tt.answers {
				last = now.Add(a.at)
				s.update(a.status, a.header, last, 0)
			}
			r := s.snapshot(LimiterGeneral, last)
			assert.True(t, r.Known)
			assert.Equal(t, tt.left, r.Remaining)
			assert.Equal(t, now.Add(tt.reset), r.Reset)
		})
	}
}

func TestALimiterThatIsEmptyIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := scripted(says(200, balanceBody, rates(0, "20")...), says(200, balanceBody, rates(119, "60")...))
		c := stubbed(t, net)
		require.NoError(t, roadCalls[0].do(t.Context(), c))
		start := time.Now()
		require.NoError(t, roadCalls[0].do(t.Context(), c))
		assert.Equal(t, 20*time.Second, time.Since(start))
		require.NoError(t, roadCalls[1].do(t.Context(), stubbed(t, scripted(says(200, fundedBody)))), "another limiter")
		require.NoError(t, roadCalls[0].do(t.Context(), c))
		assert.Equal(t, 20*time.Second, time.Since(start), "and not waited for again")
	})
}

func TestALimiterThatIsEmptyIsRefusedWithNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := scripted(says(200, fundedBody, rates(0, "20")...))
		c := stubbed(t, net, refuse)
		require.NoError(t, roadCalls[1].do(t.Context(), c))
		start := time.Now()
		err := roadCalls[1].do(t.Context(), c, WithIdempotencyKey("k-1"))
		assertKind(t, ErrRateLimited, err)
		limited, ok := as[*RateLimitError](err)
		require.True(t, ok)
		assert.Equal(t, LimiterBilling, limited.Limiter)
		assert.Equal(t, 20*time.Second, limited.RetryAfter)
		assert.Equal(t, 0, limited.StatusCode, "no answer came")
		assert.Equal(t, 0, limited.Attempts)
		assert.Equal(t, "k-1", limited.IdempotencyKey)
		assert.Equal(t, start.Add(20*time.Second), limited.RateLimit.Reset)
		_, answered := as[*APIError](err)
		assert.False(t, answered)
		assert.Zero(t, time.Since(start))
		assert.Equal(t, 1, net.count())
		assert.Contains(t, err.Error(), "not sent")
		assert.Contains(t, err.Error(), "agent-billing")

		require.NoError(t, roadCalls[0].do(t.Context(), stubbed(t, scripted(says(200, balanceBody)), refuse)))
		<-time.After(20 * time.Second) // of the bubble
		require.NoError(t, roadCalls[1].do(t.Context(), c), "the window has ended")
	})
}

func TestALimiterThatIsEmptyIsNotHeededIfOff(t *testing.T) {
	net := scripted(says(200, fundedBody, rates(0, "20")...))
	c := stubbed(t, net, WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitOff}))
	for range 3 {
		require.NoError(t, roadCalls[1].do(t.Context(), c))
	}
	assert.Equal(t, 3, net.count())
	assert.Equal(t, 0, c.RateLimit(LimiterBilling).Remaining, "known all the same")
}

func TestAFullMinuteOfTheLimiterFitsTheDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := scripted(says(200, balanceBody, rates(0, "60")...), says(200, balanceBody))
		c := stubbed(t, net)
		require.NoError(t, roadCalls[0].do(t.Context(), c))
		require.NoError(t, roadCalls[0].do(t.Context(), c), "it waits")
		assert.Equal(t, 2, net.count())
	})
}

func TestAWaitForTheLimiterThatDoesNotFitIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		empty := says(200, balanceBody, rates(0, "50")...)
		for name, tt := range map[string]struct {
			opts    []Option
			timeout time.Duration
			fits    bool
		}{
			"it fits":                 {nil, time.Hour, true},
			"longer than MaxWait":     {[]Option{WithRetryPolicy(RetryPolicy{MaxWait: 49 * time.Second})}, time.Hour, false},
			"longer than the context": {nil, 49 * time.Second, false},
		} {
			net := scripted(empty, says(200, balanceBody))
			c := stubbed(t, net, tt.opts...)
			require.NoError(t, roadCalls[0].do(t.Context(), c), name)
			ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
			start := time.Now()
			err := roadCalls[0].do(ctx, c)
			if tt.fits {
				require.NoError(t, err, name)
				assert.Equal(t, 50*time.Second, time.Since(start), name)
			} else {
				assertKind(t, ErrRateLimited, err)
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				assert.Zero(t, time.Since(start), name)
				assert.Equal(t, 1, net.count(), name)
			}
			cancel()
		}
	})
}

func TestTheWaitForALimiterEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := scripted(says(200, fundedBody, rates(0, "50")...))
		c := stubbed(t, net)
		require.NoError(t, roadCalls[1].do(t.Context(), c))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		start := time.Now()
		assert.Equal(t, context.Canceled, roadCalls[1].do(ctx, c), "nothing was sent")
		assert.Equal(t, 5*time.Second, time.Since(start))
		assert.Equal(t, 1, net.count())
	})
}

func TestA429IsRememberedForTheNextCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := scripted(says(429, `{"message":"Too Many Attempts."}`, "Retry-After", "50"))
		c := stubbed(t, net, refuse, hasty(1))
		assertKind(t, ErrRateLimited, roadCalls[1].do(t.Context(), c))
		assertKind(t, ErrRateLimited, roadCalls[1].do(t.Context(), c))
		assert.Equal(t, 1, net.count())
		<-time.After(50 * time.Second) // of the bubble
		assertKind(t, ErrRateLimited, roadCalls[1].do(t.Context(), c))
		assert.Equal(t, 2, net.count())
	})
}

func TestPartiesAreCountedApart(t *testing.T) {
	net := scripted(says(200, balanceBody, rates(0, "50")...))
	c := stubbed(t, net, refuse, WithAccount("7"))
	require.NoError(t, roadCalls[0].do(t.Context(), c))
	assertKind(t, ErrRateLimited, roadCalls[0].do(t.Context(), c))

	same := map[string]*Client{
		"With nothing":     mustWith(t, c),
		"With a timeout":   mustWith(t, c, WithRequestDefaults(WithRequestTimeout(time.Second))),
		"the same account": mustWith(t, c, WithAccessToken("18|second"), WithAccount("7")),
	}
	for name, d := range same {
		assertKind(t, ErrRateLimited, roadCalls[0].do(t.Context(), d))
		assert.Equal(t, c.RateLimit(LimiterGeneral), d.RateLimit(LimiterGeneral), name)
	}
	others := map[string]*Client{
		"another account":       mustWith(t, c, WithAccount("8")),
		"another token":         mustWith(t, c, WithAccessToken("19|third")),
		"another session":       c.WithSession(&Session{AccessToken: NewSecret("20|fourth"), User: &User{ID: 9}}),
		"another origin":        mustWith(t, c, WithBaseURL("https://other.example")),
		"another New":           stubbed(t, net, refuse, WithAccount("7")),
		"a session without one": c.WithSession(&Session{AccessToken: NewSecret(testToken)}),
	}
	for name, d := range others {
		assert.False(t, d.RateLimit(LimiterGeneral).Known, name)
		require.NoError(t, roadCalls[0].do(t.Context(), d), name)
	}
}

func TestTheAuthLimiterCountsByEmail(t *testing.T) {
	net := scripted(says(200, signupBody, rates(0, "50")...))
	c := stubbed(t, net, refuse)
	signup := func(c *Client, email string) error {
		_, err := c.Auth.Signup(t.Context(), AuthSignupParams{Email: email, Password: NewSecret("pw-pw-pw")})
		return err
	}
	require.NoError(t, signup(c, "a@example.com"))
	assertKind(t, ErrRateLimited, signup(c, "a@example.com"))
	assertKind(t, ErrRateLimited, signup(c, "A@Example.com"))
	_, err := c.Auth.Login(t.Context(), AuthLoginParams{Email: "a@example.com", Password: NewSecret("pw-pw-pw")})
	assertKind(t, ErrRateLimited, err)
	assertKind(t, ErrRateLimited, c.Auth.ResendVerification(t.Context(), "a@example.com"))
	assertKind(t, ErrRateLimited, signup(c.WithSession(&Session{AccessToken: NewSecret("20|x")}), "a@example.com"))
	assert.Equal(t, 1, net.count(), "whoever the token belongs to")
	require.NoError(t, signup(c, "b@example.com"))

	assert.False(t, c.RateLimit(LimiterAuth).Known, "shown is the one without an e-mail")
	net = scripted(says(200, `{"data":{"access_token":"1|x"}}`, rates(4, "50")...))
	c = stubbed(t, net)
	_, err = c.Auth.VerifyEmail(t.Context(), "482915")
	require.NoError(t, err)
	assert.Equal(t, 4, c.RateLimit(LimiterAuth).Remaining)
}

func TestAFullQueueOfJobsDoesNotStopAskingForJobs(t *testing.T) {
	net := scripted(
		says(429, `{"status":"error","message":"queue is full","retry_after":50}`),
		says(200, `{"status":"processing","id":5,"eta":3}`),
	)
	c := stubbed(t, net, refuse, hasty(1))
	assertKind(t, ErrRateLimited, roadCalls[3].do(t.Context(), c))
	_, err := c.Generation.Fetch(t.Context(), &Generation{ID: "5", Path: "/api/v6/images/text2img"})
	require.NoError(t, err)
	assert.Equal(t, 2, net.count())
}

func TestTheMemoryOfLimitersIsBounded(t *testing.T) {
	var l limits
	busy := l.state(LimiterAuth, "busy")
	busy.update(429, http.Header{}, time.Now(), time.Hour)
	for i := range maxLimitStates + 100 {
		l.state(LimiterAuth, fmt.Sprint(i))
	}
	assert.LessOrEqual(t, len(l.m), maxLimitStates)
	assert.Same(t, busy, l.state(LimiterAuth, "busy"), "one that is empty is kept")
}

func TestManyCallsShareALimiterSafely(t *testing.T) {
	net := scripted(func(r *http.Request) (*http.Response, error) { return says(200, balanceBody, rates(100, "50")...)(r) })
	c := stubbed(t, net)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 20 {
				if assert.NoError(t, roadCalls[0].do(t.Context(), c)) {
					_ = c.RateLimit(LimiterGeneral)
				}
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 320, net.count())
	assert.True(t, c.RateLimit(LimiterGeneral).Known)
}

func TestHeadersOfACallWithoutALimiterAreReadAllTheSame(t *testing.T) {
	net := scripted(says(200, `{"data":{"access_token":"1|a"}}`, "X-RateLimit-Remaining", "3", "X-RateLimit-Reset", "1771149660", "Date", "Sun, 15 Feb 2026 10:00:00 GMT"))
	var resp Response
	_, err := stubbed(t, net).Auth.VerifyLink(t.Context(), "mailed-token-1", WithResponse(&resp))
	require.NoError(t, err)
	assert.Equal(t, 3, resp.RateLimit.Remaining)
	assert.WithinDuration(t, time.Now().Add(time.Minute), resp.RateLimit.Reset, 10*time.Second)
}

func TestAnAnswerCorrectsAWindowThatCannotBe(t *testing.T) {
	var s limitState
	now := time.Now()
	s.update(200, rateHeader(0, "3000"), now, 0)
	s.update(200, rateHeader(100, "60"), now.Add(time.Second), 0)
	_, empty := s.emptyFor(now.Add(time.Second))
	assert.False(t, empty)

	s.update(200, rateHeader(5, "3000"), now, 0)
	s.update(429, rateHeader(0, "30"), now, 30*time.Second)
	d, empty := s.emptyFor(now)
	assert.True(t, empty, "a 429 is never too late")
	assert.LessOrEqual(t, d, 30*time.Second)
}
