package sandbox_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// onTheWireAndInMemory runs a claim through a real listener and through the transport.
func onTheWireAndInMemory(t *testing.T, claim func(t *testing.T, v *visitor)) {
	t.Run("in memory", func(t *testing.T) { claim(t, visitAs(t, 0)) })
	t.Run("on the wire", func(t *testing.T) {
		srv := sandbox.New()
		t.Cleanup(srv.Close)
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		a := srv.Account(sandbox.AccountParams{})
		claim(t, &visitor{t: t, srv: srv, token: a.AccessToken, apiKey: a.APIKey, client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}})
	})
}

func (v *visitor) tryFund() (reply, error) {
	v.t.Helper()
	return v.try("POST", "/api/agents/v1/wallet/fund", "application/json", fundBody("25", "pm_card_visa"))
}

func TestDroppedConnections(t *testing.T) {
	onTheWireAndInMemory(t, func(t *testing.T, v *visitor) {
		v.srv.Inject(sandbox.Fault{Endpoint: "POST /wallet/fund", Kind: sandbox.FaultDropBefore})
		_, err := v.tryFund()
		require.ErrorIs(t, err, io.EOF)
		assert.Empty(t, v.srv.Charges())

		v.srv.Inject(sandbox.Fault{Endpoint: "/wallet/fund", Kind: sandbox.FaultDropAfter})
		_, err = v.tryFund()
		require.ErrorIs(t, err, io.EOF)
		assert.Len(t, v.srv.Charges(), 1)

		requests := v.srv.Requests()
		require.Len(t, requests, 2)
		assert.Equal(t, 0, requests[1].Status)
		assert.Equal(t, sandbox.FaultDropAfter, requests[1].Fault)
		assert.JSONEq(t, fundBody("25", "pm_card_visa"), string(requests[1].Body))
	})
}

func TestCutBodies(t *testing.T) {
	onTheWireAndInMemory(t, func(t *testing.T, v *visitor) {
		v.srv.Inject(sandbox.Fault{Endpoint: "POST /api/agents/v1/wallet/fund", Kind: sandbox.FaultCutBody})
		r, err := v.tryFund()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Equal(t, http.StatusOK, r.StatusCode)
		assert.Len(t, v.srv.Charges(), 1)
	})
}

func TestAnswersOfOthers(t *testing.T) {
	for _, tt := range []struct {
		fault  sandbox.Fault
		status int
		holds  string
	}{
		{sandbox.Fault{Kind: sandbox.Fault500}, 500, `{"message":"Server Error"}`},
		{sandbox.Fault{Kind: sandbox.Fault502}, 502, "<title>502 Bad Gateway</title>"},
		{sandbox.Fault{Kind: sandbox.Fault503, RetryAfter: 3 * time.Second}, 503, "<title>503 Service Unavailable</title>"},
		{sandbox.Fault{Kind: sandbox.Fault502, Status: 524}, 524, "<title>524"},
		{sandbox.Fault{Kind: sandbox.Fault429, RetryAfter: 3 * time.Second}, 429, `{"message":"Too Many Attempts."}`},
		{sandbox.Fault{Kind: sandbox.FaultHTML}, 200, "<title>Just a moment...</title>"},
		{sandbox.Fault{Kind: sandbox.FaultEmpty}, 200, ""},
		{sandbox.Fault{Kind: sandbox.FaultRedirect}, 302, ""},
		{sandbox.Fault{Kind: sandbox.FaultRedirect, Status: 307, Location: "https://other.example/x"}, 307, ""},
		{sandbox.Fault{Kind: sandbox.FaultEcho}, 502, fundBody("25", "pm_card_visa")},
		{sandbox.Fault{Kind: sandbox.FaultAnswer, Status: 418, Body: []byte("tea"), Header: http.Header{"Content-Type": {"text/plain"}}}, 418, "tea"},
	} {
		t.Run(string(tt.fault.Kind), func(t *testing.T) {
			onTheWireAndInMemory(t, func(t *testing.T, v *visitor) {
				v.srv.Inject(tt.fault)
				r, err := v.tryFund()
				require.NoError(t, err)
				assert.Equal(t, tt.status, r.StatusCode)
				assert.Contains(t, r.text, tt.holds)
				if tt.fault.RetryAfter > 0 {
					assert.Equal(t, "3", r.Header.Get("Retry-After"))
				}
				if tt.fault.Kind == sandbox.FaultRedirect {
					assert.NotEmpty(t, r.Header.Get("Location"))
				}
				assert.Empty(t, v.srv.Charges())
				r, err = v.tryFund()
				require.NoError(t, err)
				assert.Equal(t, http.StatusOK, r.StatusCode, "once")
			})
		})
	}
}

func TestFaultsHitWhatTheyName(t *testing.T) {
	v := visitAs(t, 0)
	v.srv.Inject(sandbox.Fault{Endpoint: "stripe.payment_methods", Kind: sandbox.FaultEcho})
	v.srv.Inject(sandbox.Fault{Endpoint: "GET /payments/{id}/status", Kind: sandbox.Fault502, Times: 2})
	v.srv.Inject(sandbox.Fault{Endpoint: "GET /payments/pi_a/status", Kind: sandbox.Fault503})
	v.srv.Inject(sandbox.Fault{Endpoint: "/nowhere", Kind: sandbox.FaultHTML, Times: -1})
	status := func(path string) int { return v.agents("GET", path, "").StatusCode }
	assert.Equal(t, http.StatusOK, status("/wallet/balance"))
	assert.Equal(t, 502, status("/payments/pi_a/status"))
	assert.Equal(t, 502, status("/payments/pi_b/status"))
	assert.Equal(t, 404, status("/payments/pi_b/status"))
	assert.Equal(t, 503, status("/payments/pi_a/status"))
	for range 3 {
		assert.Equal(t, http.StatusOK, status("/nowhere"))
	}
	echo := v.tokenize("4242424242424242")
	assert.Equal(t, 502, echo.StatusCode)
	assert.Contains(t, echo.text, "4242424242424242")
	v.srv.Inject(sandbox.Fault{Kind: sandbox.Fault502})
	assert.Equal(t, http.StatusBadGateway, status("/billing/stripe-config"))
	v.srv.Inject(sandbox.Fault{Endpoint: "*", Kind: sandbox.Fault502, Times: -1})
	assert.Equal(t, 502, v.send("GET", "/media/x.png", "").StatusCode)
}

func TestSlowWorkIsDoneForAClientThatHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := visitAs(t, 0)
		v.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultLatency, Delay: time.Minute})
		v.client.Timeout = time.Second
		_, err := v.tryFund()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Empty(t, v.srv.Charges())
		<-time.After(time.Minute)
		synctest.Wait()
		assert.Len(t, v.srv.Charges(), 1)

		v.srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultLatency, Delay: time.Minute, AfterWork: true})
		_, err = v.tryFund()
		require.Error(t, err)
		assert.Len(t, v.srv.Charges(), 2, "charged at once, answered late")
		v.srv.Close()
		_, err = v.tryFund()
		require.ErrorContains(t, err, "refused")
	})
}

func TestTheTransportTellsWhenBytesLeft(t *testing.T) {
	v := visitAs(t, 0)
	var steps []string
	trace := &httptrace.ClientTrace{
		GetConn:      func(string) { steps = append(steps, "get") },
		GotConn:      func(i httptrace.GotConnInfo) { steps = append(steps, "got "+i.Conn.RemoteAddr().Network()) },
		WroteHeaders: func() { steps = append(steps, "headers") },
		WroteRequest: func(httptrace.WroteRequestInfo) { steps = append(steps, "request") },
	}
	ctx, cancel := context.WithCancel(httptrace.WithClientTrace(t.Context(), trace))
	r, err := http.NewRequestWithContext(ctx, "GET", "https://elsewhere.example/api/agents/v1/me", nil)
	require.NoError(t, err)
	resp, err := v.client.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	assert.Equal(t, []string{"get", "got pipe", "headers", "request"}, steps)
	assert.Equal(t, "elsewhere.example", v.srv.Requests()[0].Host)

	cancel()
	_, err = v.srv.Transport().RoundTrip(r)
	require.ErrorIs(t, err, context.Canceled)
	assert.Len(t, steps, 4, "nothing left")
	assert.Len(t, v.srv.Requests(), 1)
}

func TestStartRefusesAddresses(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "192.0.2.1:80", "example.com:80", ":0", "nonsense"} {
		_, err := sandbox.Start(sandbox.WithAddr(addr))
		require.Error(t, err, addr)
	}
	srv, err := sandbox.Start(sandbox.WithAddr("127.0.0.1:0"))
	require.NoError(t, err)
	defer srv.Close()
	_, err = sandbox.Start(sandbox.WithAddr(strings.TrimPrefix(srv.URL(), "http://")))
	require.Error(t, err, "the address is taken")
}

func TestOnRequestTellsOfEveryAnswer(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	v := visit(t, sandbox.OnRequest(func(r sandbox.Request) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, r.Method+" "+r.Path+" "+http.StatusText(r.Status))
	}))
	v.agents("GET", "/me?x=1", "")
	v.agents("GET", "/nowhere", "")
	assert.Equal(t, []string{"GET /api/agents/v1/me Unauthorized", "GET /api/agents/v1/nowhere Not Found"}, lines)
}
