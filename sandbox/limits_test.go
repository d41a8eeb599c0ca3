package sandbox_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func TestLimitersCountByTheMinute(t *testing.T) {
	c := newClock()
	v := visitAs(t, 0, sandbox.WithClock(c.Now))
	for i := range 15 {
		r := v.fund("10", "pm_card_visa", fmt.Sprint(i))
		assert.Equal(t, http.StatusOK, r.StatusCode)
		assert.Equal(t, "15", r.Header.Get("X-RateLimit-Limit"))
		assert.Equal(t, strconv.Itoa(14-i), r.Header.Get("X-RateLimit-Remaining"))
		assert.Equal(t, strconv.FormatInt(c.Now().Add(time.Minute).Unix(), 10), r.Header.Get("X-RateLimit-Reset"))
	}
	c.Advance(20 * time.Second)
	r := v.fund("10", "pm_card_visa", "late")
	assert.Equal(t, http.StatusTooManyRequests, r.StatusCode)
	assert.JSONEq(t, `{"message":"Too Many Attempts."}`, r.text)
	assert.Equal(t, "40", r.Header.Get("Retry-After"))
	assert.Equal(t, "0", r.Header.Get("X-RateLimit-Remaining"))
	assert.Len(t, v.srv.Charges(), 15)
	assert.Equal(t, "120", v.agents("GET", "/me", "").Header.Get("X-RateLimit-Limit"), "limiters are apart")

	other := &visitor{t: t, srv: v.srv, client: v.client, token: v.srv.Account(sandbox.AccountParams{}).AccessToken}
	assert.Equal(t, http.StatusOK, other.fund("10", "pm_card_visa", "other").StatusCode, "and so are users")
	c.Advance(40 * time.Second)
	assert.Equal(t, "14", v.fund("10", "pm_card_visa", "next").Header.Get("X-RateLimit-Remaining"))
}

func TestTheAuthLimiterCountsByAddressAndEmail(t *testing.T) {
	v := visit(t, sandbox.WithRateLimit(sandbox.LimiterAuth, 1))
	login := func(email string) int {
		return v.agents("POST", "/auth/login", `{"email":"`+email+`","password":"x"}`).StatusCode
	}
	assert.Equal(t, http.StatusUnauthorized, login("a@example.com"))
	assert.Equal(t, http.StatusTooManyRequests, login("A@example.com"))
	assert.Equal(t, http.StatusUnauthorized, login("b@example.com"))
}

func TestRateLimitHeadersVary(t *testing.T) {
	for headers, want := range map[sandbox.RateLimitHeaders][3]string{
		sandbox.RateLimitRelative:   {"1", "60", "60"},
		sandbox.RateLimitResetOn429: {"1", "", "1772357460"},
		sandbox.RateLimitSilent:     {"", "", ""},
	} {
		v := visitAs(t, 0, sandbox.WithClock(newClock().Now), sandbox.WithRateLimitHeaders(headers), sandbox.WithRateLimit(sandbox.LimiterGeneral, 1))
		first, second := v.agents("GET", "/me", ""), v.agents("GET", "/me", "")
		assert.Equal(t, want, [3]string{first.Header.Get("X-RateLimit-Limit"), first.Header.Get("X-RateLimit-Reset"), second.Header.Get("X-RateLimit-Reset")})
		assert.Equal(t, "60", second.Header.Get("Retry-After"))
	}
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	for range 200 {
		assert.Empty(t, v.agents("GET", "/me", "").Header.Get("X-RateLimit-Limit"))
	}
}

func TestManyAtOnce(t *testing.T) {
	v := visit(t, sandbox.WithoutRateLimits(), sandbox.WithGenerationTime(0))
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			a := v.srv.Account(sandbox.AccountParams{Email: fmt.Sprintf("a%d@example.com", i)})
			own := &visitor{t: t, srv: v.srv, client: v.client, token: a.AccessToken, apiKey: a.APIKey}
			for j := range 8 {
				own.fund("10", "pm_card_visa", fmt.Sprint(j))
				own.send("POST", "/api/v6/images/text2img", `{"key":"`+a.APIKey+`","model_id":"flux","prompt":"x"}`)
				v.srv.Charges()
				v.srv.Requests()
			}
			assert.Equal(t, "79.84", own.balance())
		})
	}
	all.Wait()
	assert.Len(t, v.srv.Charges(), 16*8)
}
