package modelslab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	oldToken = "1|old-token-canary"
	newToken = "2|new-token-canary"
)

// dying is a session whose token ends in d.
func dying(d time.Duration) *Session {
	return &Session{
		AccessToken: NewSecret(oldToken), APIKey: NewSecret(testKey), ExpiresAt: &Timestamp{time.Now().Add(d)}, User: &User{ID: 7},
	}
}

// refreshing is a server on which a token dies when it is traded for a new one.
type refreshing struct {
	record
	mu        sync.Mutex
	live      string
	refreshes int
	refresh   step          // what a refresh gets instead; nil: a new token
	life      time.Duration // of the new tokens; 0: they do not expire
	during    func()        // while a refresh is under way
	balance   func(*http.Request)
}

func (s *refreshing) RoundTrip(req *http.Request) (*http.Response, error) {
	s.add(req)
	if !strings.HasSuffix(req.URL.Path, "/auth/refresh") {
		if s.balance != nil {
			s.balance(req)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if req.Header.Get("Authorization") != "Bearer "+s.live {
			return says(401, `{"message":"Unauthenticated."}`)(req)
		}
		return says(200, balanceBody)(req)
	}
	if s.during != nil {
		s.during()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refreshes++
	switch {
	case s.refresh != nil:
		return s.refresh(req)
	case req.Header.Get("Authorization") != "Bearer "+s.live:
		return says(401, `{"message":"Unauthenticated."}`)(req)
	}
	s.live = fmt.Sprintf("%d|new-token-canary", s.refreshes+1)
	expires := "null"
	if s.life > 0 {
		expires = `"` + time.Now().Add(s.life).UTC().Format(time.RFC3339) + `"`
	}
	return says(200, fmt.Sprintf(`{"data":{"access_token":%q,"token_type":"Bearer","expires_at":%s}}`, s.live, expires))(req)
}

func (s *refreshing) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refreshes
}

// keeper is a program's Save.
type keeper struct {
	mu   sync.Mutex
	kept []*Session
	err  error
}

func (k *keeper) save(_ context.Context, s *Session) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return k.err
	}
	k.kept = append(k.kept, s)
	return nil
}

func (k *keeper) tokens() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []string
	for _, s := range k.kept {
		all = append(all, s.AccessToken.Reveal())
	}
	return all
}

// onRefreshing is a client of the server with a session that ends in d.
func onRefreshing(t *testing.T, s *refreshing, k *keeper, d time.Duration, p RefreshPolicy) *Client {
	t.Helper()
	s.live = oldToken
	p.Save = k.save
	c, err := New(WithHTTPClient(&http.Client{Transport: s}), WithSession(dying(d)), hasty(3), WithAutoRefresh(p))
	require.NoError(t, err)
	return c
}

func balanceOf(c *Client) error {
	_, err := c.Wallet.Balance(context.Background())
	return err
}

func TestOneRefreshForTwoHundredGoroutinesWithOneDyingToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s, k := &refreshing{during: func() { <-gate }}, &keeper{}
		c := onRefreshing(t, s, k, time.Hour, RefreshPolicy{})
		other, err := c.With(WithUserAgent("another client of the cell"))
		require.NoError(t, err)

		var wg sync.WaitGroup
		errs := make([]error, 200)
		for i := range errs {
			wg.Go(func() { errs[i] = balanceOf([]*Client{c, other}[i%2]) })
		}
		synctest.Wait()
		require.Equal(t, 1, s.count(), "all wait for one refresh")
		close(gate)
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		assert.Equal(t, 1, s.times())
		assert.Equal(t, 201, s.count())
		assert.Equal(t, []string{newToken}, k.tokens())
		for _, r := range s.requests()[1:] {
			require.Equal(t, "Bearer "+newToken, r.Header.Get("Authorization"))
		}
		kept := k.kept[0]
		assert.Equal(t, testKey, kept.APIKey.Reveal(), "the refresh sends no key: it is the client's")
		assert.Equal(t, ID(7), kept.User.ID)
	})
}

func TestATokenIsRefreshedOnceItsEndIsNear(t *testing.T) {
	for name, tt := range map[string]struct {
		life, margin time.Duration
		refreshes    int
	}{
		"a day by default":        {23 * time.Hour, 0, 1},
		"two days are not near":   {48 * time.Hour, 0, 0},
		"the caller's margin":     {48 * time.Hour, 72 * time.Hour, 1},
		"not yet by the caller's": {time.Hour, time.Minute, 0},
		"over: log in":            {-time.Second, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, k := &refreshing{}, &keeper{}
			c := onRefreshing(t, s, k, tt.life, RefreshPolicy{Margin: tt.margin, TokenExpiry: TokenExpiryWeek, DeviceName: "robot"})
			require.NoError(t, balanceOf(c))
			assert.Equal(t, tt.refreshes, s.times())
			if tt.refreshes > 0 {
				assert.JSONEq(t, `{"token_expiry":"1_week","device_name":"robot"}`, s.requests()[0].Body)
			}
		})
	}
	t.Run("no end is known", func(t *testing.T) {
		s := &refreshing{live: testToken}
		c := stubbed(t, s, WithAutoRefresh(RefreshPolicy{Save: (&keeper{}).save}))
		require.NoError(t, balanceOf(c))
		assert.Zero(t, s.times())
	})
}

func TestATokenWithALifeShorterThanTheMarginIsNotRefreshedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, k := &refreshing{life: time.Hour}, &keeper{}
		c := onRefreshing(t, s, k, time.Hour, RefreshPolicy{})
		for range 5 {
			require.NoError(t, balanceOf(c))
		}
		assert.Equal(t, 1, s.times())
		<-time.After(31 * time.Minute) // half of its life
		require.NoError(t, balanceOf(c))
		require.NoError(t, balanceOf(c))
		assert.Equal(t, 2, s.times())
	})
}

func TestTheNewSessionIsKeptBeforeItIsUsed(t *testing.T) {
	s, k := &refreshing{}, &keeper{err: errors.New("disk full")}
	c := onRefreshing(t, s, k, time.Hour, RefreshPolicy{})
	for range 2 {
		err := balanceOf(c)
		require.ErrorIs(t, err, ErrUnauthenticated)
		require.ErrorIs(t, err, k.err)
		require.NotErrorIs(t, err, ErrOutcomeUnknown)
		assert.Contains(t, err.Error(), "not sent")
		assert.Contains(t, err.Error(), "disk full")
		assert.NotContains(t, err.Error(), "canary")
	}
	assert.Equal(t, 1, s.count(), "the refresh alone, once: the old token is dead")
	k.err = nil
	require.NoError(t, balanceOf(c), "nothing was lost")
	assert.Equal(t, 1, s.times())
	assert.Equal(t, []string{newToken}, k.tokens())
}

func TestARefreshByHandFindsTheSessionThatCouldNotBeKept(t *testing.T) {
	s, k := &refreshing{}, &keeper{err: errors.New("disk full")}
	c := onRefreshing(t, s, k, time.Hour, RefreshPolicy{})
	require.Error(t, balanceOf(c))
	_, err := c.Auth.Refresh(t.Context(), AuthRefreshParams{})
	require.ErrorIs(t, err, k.err, "it has to be kept first")
	k.err = nil
	session, err := c.Auth.Refresh(t.Context(), AuthRefreshParams{})
	require.NoError(t, err)
	assert.Equal(t, []string{newToken}, k.tokens())
	assert.Equal(t, "3|new-token-canary", session.AccessToken.Reveal())
	require.NoError(t, balanceOf(c))
}

func TestARefreshWithAnUnknownOutcomeIsNotRepeated(t *testing.T) {
	for name, refresh := range map[string]step{
		"lost":              breaks(errors.New("connection reset")),
		"500":               says(500, `{"message":"Server Error"}`),
		"a page":            says(200, `<title>Welcome</title>`),
		"without a token":   says(200, `{"data":{}}`),
		"cut":               breaksOff(200, `{"data":{"access_`),
		"an error with 200": says(200, `{"error":"later"}`),
	} {
		t.Run(name, func(t *testing.T) {
			s, k := &refreshing{refresh: refresh}, &keeper{}
			c := onRefreshing(t, s, k, time.Hour, RefreshPolicy{})
			_, err := c.Wallet.Fund(t.Context(), fundParams())
			require.ErrorIs(t, err, ErrUnauthenticated)
			require.NotErrorIs(t, err, ErrOutcomeUnknown, "nothing became of the payment")
			var unknown *OutcomeUnknownError
			require.False(t, errors.As(err, &unknown))
			assert.Contains(t, err.Error(), "log in")
			assert.NotContains(t, err.Error(), "canary")
			require.Equal(t, 1, s.count(), "the payment was not sent")

			require.NoError(t, balanceOf(c), "the old token may live still")
			s.live = "dead"
			err = balanceOf(c)
			require.ErrorIs(t, err, ErrUnauthenticated)
			assert.Contains(t, err.Error(), "the refresh of this token had no answer")
			assert.Equal(t, 1, s.times())
			assert.Empty(t, k.tokens())
		})
	}
}

func TestARefreshThatIsRefusedIsTriedAgainLater(t *testing.T) {
	for name, tt := range map[string]struct {
		refresh step
		after   time.Duration
	}{
		"429":        {says(429, `{"message":"Too Many Attempts."}`, "Retry-After", "300"), 301 * time.Second},
		"422":        {says(422, `{"message":"No."}`), 61 * time.Second},
		"404":        {says(404, `{"message":"The route api/agents/v1/auth/refresh could not be found."}`), 61 * time.Second},
		"unsendable": {breaks(&net.OpError{Op: "dial", Err: errors.New("no route")}), 61 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, k := &refreshing{refresh: tt.refresh}, &keeper{}
				c, err := onRefreshing(t, s, k, time.Hour, RefreshPolicy{}).With(WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitOff}))
				require.NoError(t, err)
				require.NoError(t, balanceOf(c), "the old token is alive")
				tried := s.times()
				require.NoError(t, balanceOf(c))
				require.Equal(t, tried, s.times(), "not for each call")
				<-time.After(tt.after)
				s.refresh = nil
				require.NoError(t, balanceOf(c))
				assert.Equal(t, tried+1, s.times())
				assert.Len(t, k.tokens(), 1)
			})
		})
	}
}

func TestACallerWhoLeavesDoesNotLoseTheRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s, k := &refreshing{during: func() { <-gate }}, &keeper{}
		c := onRefreshing(t, s, k, time.Hour, RefreshPolicy{})
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := c.Wallet.Fund(ctx, fundParams())
			left <- err
		}()
		synctest.Wait()
		cancel()
		require.Equal(t, context.Canceled, <-left, "nothing of the payment was sent")
		close(gate)
		synctest.Wait()
		require.NoError(t, balanceOf(c))
		assert.Equal(t, []string{newToken}, k.tokens())
		assert.Equal(t, 1, s.times())
	})
}

func TestACallOnItsWayWhenTheTokenDiesIsSentWithTheNewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c *Client
		s, k := &refreshing{}, &keeper{}
		first := true
		s.balance = func(*http.Request) { // the call is on the wire while another one refreshes
			if first {
				first = false
				_, err := c.Auth.Refresh(context.Background(), AuthRefreshParams{})
				assert.NoError(t, err)
			}
		}
		c = onRefreshing(t, s, k, 48*time.Hour, RefreshPolicy{})
		var resp Response
		_, err := c.Wallet.Balance(t.Context(), WithResponse(&resp))
		require.NoError(t, err)
		assert.Equal(t, 2, resp.Attempts)

		s.live = "dead"
		_, err = c.Wallet.Balance(t.Context(), WithResponse(&resp))
		require.ErrorIs(t, err, ErrUnauthenticated)
		assert.Equal(t, 1, resp.Attempts, "no other token is at hand")
		assert.Contains(t, err.Error(), "Auth.Login")
	})
}

func TestRefreshesByHandWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		s, k := &refreshing{during: func() { <-gate }}, &keeper{}
		c := onRefreshing(t, s, k, time.Hour, RefreshPolicy{})
		done := make(chan error, 3)
		for range 2 {
			go func() {
				_, err := c.Auth.Refresh(t.Context(), AuthRefreshParams{})
				done <- err
			}()
		}
		go func() { done <- balanceOf(c) }()
		synctest.Wait()
		require.Equal(t, 1, s.count())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := c.Auth.Refresh(ctx, AuthRefreshParams{})
		require.ErrorIs(t, err, context.Canceled)
		close(gate)
		for range 3 {
			require.NoError(t, <-done)
		}
		assert.LessOrEqual(t, s.times(), 3)
		for i, r := range s.requests() {
			if i > 0 {
				assert.NotEqual(t, s.requests()[i-1], r, "no token is traded twice")
			}
		}
	})
}

func TestWhileASessionWaitsToBeKeptNobodyUsesTheDeadToken(t *testing.T) {
	s, k := &refreshing{}, &keeper{err: errors.New("disk full at " + newToken)}
	c := onRefreshing(t, s, k, 2*time.Hour, RefreshPolicy{})
	late, err := c.With(WithAutoRefresh(RefreshPolicy{Save: k.save, Margin: time.Minute}), WithAPIKey("another-key"))
	require.NoError(t, err)
	require.Error(t, balanceOf(c))
	err = balanceOf(late)
	require.ErrorIs(t, err, k.err)
	assert.NotContains(t, err.Error(), "canary", "Save's own words are scrubbed")
	assert.Equal(t, 1, s.count())
	k.err = nil
	require.NoError(t, balanceOf(late))
	assert.Equal(t, testKey, k.kept[0].APIKey.Reveal(), "the session's key is kept, not that of a client made with With")
	assert.Equal(t, "another-key", late.credentials().apiKey)
	assert.Equal(t, testKey, c.credentials().apiKey)
}

func TestSaveMayDoWhatItLikesToItsSession(t *testing.T) {
	s := &refreshing{live: oldToken}
	c := stubbed(t, s, WithSession(dying(time.Hour)), WithAutoRefresh(RefreshPolicy{Save: func(ctx context.Context, s *Session) error {
		deadline, ok := ctx.Deadline()
		assert.True(t, ok && time.Until(deadline) > 50*time.Second, "it has an end")
		s.User.ID, *s.User = 0, User{}
		*s = Session{}
		return nil
	}}))
	require.NoError(t, balanceOf(c))
	require.NoError(t, balanceOf(c))
	assert.Equal(t, "7", c.credentials().account)
}

func TestASaveThatEndsItsGoroutineEndsNothingElse(t *testing.T) {
	s, broken := &refreshing{live: oldToken}, true
	c := stubbed(t, s, WithSession(dying(time.Hour)), WithAutoRefresh(RefreshPolicy{Save: func(context.Context, *Session) error {
		if broken {
			runtime.Goexit() // what t.FailNow does
		}
		return nil
	}}))
	require.ErrorIs(t, balanceOf(c), ErrUnauthenticated)
	broken = false
	require.NoError(t, balanceOf(c))
	assert.Equal(t, 1, s.times())
}

func TestARefreshByHandWithAnUnknownOutcomeIsNotRepeatedByItself(t *testing.T) {
	s, k := &refreshing{refresh: breaks(errors.New("connection reset"))}, &keeper{}
	c := onRefreshing(t, s, k, time.Hour, RefreshPolicy{})
	_, err := c.Auth.Refresh(t.Context(), AuthRefreshParams{})
	require.ErrorIs(t, err, ErrOutcomeUnknown)
	s.live = "dead"
	err = balanceOf(c)
	require.ErrorIs(t, err, ErrUnauthenticated)
	assert.Contains(t, err.Error(), "the refresh of this token had no answer")
	assert.Equal(t, 1, s.times())
}

func TestARefreshByHandThatEndsWithItsContextSaysSo(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			c := onRefreshing(t, &refreshing{}, &keeper{}, time.Hour, RefreshPolicy{})
			n, _ := c.cell.renewals.begin()
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				_, err := c.Auth.Refresh(ctx, AuthRefreshParams{})
				ended <- err
			}()
			synctest.Wait()
			c.cell.renewals.end(n, nil)
			cancel()
			if err := <-ended; err != nil {
				require.ErrorIs(t, err, context.Canceled)
			}
		})
	}
}

func TestAnAnswerThatBrokeOffIsNotRepeatedWithAnotherToken(t *testing.T) {
	var c *Client
	refresh := func(req *http.Request) (*http.Response, error) {
		_, err := c.Auth.Refresh(context.Background(), AuthRefreshParams{})
		if !assert.NoError(t, err) {
			return nil, err
		}
		return breaksOff(401, `{"message":"Unauth`)(req)
	}
	rt := scripted(refresh, says(200, `{"data":{"access_token":"`+newToken+`"}}`), says(403, `{"message":"No."}`))
	c = stubbed(t, rt, hasty(1))
	assertKind(t, ErrOutcomeUnknown, c.Call(t.Context(), post, "/servers/deploy", map[string]any{"plan": 1}, nil))
	assert.Equal(t, 2, rt.count(), "the call and the refresh")
}

func TestAPanicInARefreshIsAnErrorOfTheCall(t *testing.T) {
	t.Run("in the transport", func(t *testing.T) {
		s, k := &refreshing{during: func() { panic("at " + oldToken) }}, &keeper{}
		c := onRefreshing(t, s, k, time.Hour, RefreshPolicy{})
		err := balanceOf(c)
		require.ErrorIs(t, err, ErrUnauthenticated)
		assert.Contains(t, err.Error(), "panic: at")
		assert.NotContains(t, err.Error(), "canary")
	})
	t.Run("in Save", func(t *testing.T) {
		s := &refreshing{live: oldToken}
		broken := true
		c := stubbed(t, s, WithSession(dying(time.Hour)), WithAutoRefresh(RefreshPolicy{Save: func(context.Context, *Session) error {
			if broken {
				panic("no disk")
			}
			return nil
		}}))
		require.ErrorIs(t, balanceOf(c), ErrUnauthenticated)
		broken = false
		require.NoError(t, balanceOf(c), "the session was not lost")
		assert.Equal(t, 1, s.times())
	})
}

func TestWithAutoRefreshOptions(t *testing.T) {
	save := (&keeper{}).save
	_, err := New(WithAutoRefresh(RefreshPolicy{}))
	assertParam(t, "RefreshPolicy.Save", err)
	_, err = New(WithAutoRefresh(RefreshPolicy{Save: save, Margin: -1}))
	assertParam(t, "RefreshPolicy.Margin", err)

	s := &refreshing{live: oldToken}
	c := stubbed(t, s, WithAutoRefresh(RefreshPolicy{Save: save}))
	require.NoError(t, balanceOf(c.WithSession(dying(time.Hour))))
	assert.Equal(t, 1, s.times(), "a client made with WithSession keeps the policy")
}

func TestARefreshThatNobodySawTheEndOfIsNotRepeated(t *testing.T) {
	t.Run("its goroutine ended in the transport", func(t *testing.T) {
		s, k := &refreshing{during: runtime.Goexit}, &keeper{}
		c := onRefreshing(t, s, k, time.Hour, RefreshPolicy{})
		require.ErrorIs(t, balanceOf(c), ErrUnauthenticated)
		require.NoError(t, balanceOf(c), "the old token may live still")
		assert.Equal(t, 2, s.count(), "one refresh, one balance")
	})
	t.Run("by hand, with a panic", func(t *testing.T) {
		s, k := &refreshing{during: func() { panic("no network") }}, &keeper{}
		c := onRefreshing(t, s, k, time.Hour, RefreshPolicy{})
		assert.Panics(t, func() { _, _ = c.Auth.Refresh(t.Context(), AuthRefreshParams{}) })
		require.NoError(t, balanceOf(c))
		assert.Equal(t, 2, s.count())
	})
}
