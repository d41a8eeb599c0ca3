package modelslab

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// net/http sends some requests a second time by itself, when a kept connection
// turns out to be dead: those without a body that are GETs or carry an
// idempotency key. It tells nobody. Such a first send has no answer, and what
// comes back answers the second one only.

// afterWarming is a client with a kept connection to a server that answers one
// request and then takes the handlers in order.
func afterWarming(t *testing.T, opts []Option, handlers ...http.HandlerFunc) (*Client, func() []sentRequest) {
	t.Helper()
	srv := serve(t, append([]http.HandlerFunc{answers(200, balanceBody)}, handlers...)...)
	c := onListener(t, srv.URL, opts...)
	_, err := c.Wallet.Balance(t.Context())
	require.NoError(t, err)
	return c, func() []sentRequest { return srv.requests()[1:] }
}

func pause(ctx context.Context, c *Client, opts ...RequestOption) error {
	return c.Call(ctx, post, "/subscriptions/45/pause", nil, nil, opts...)
}

func TestAHiddenReplayCountsTheFirstSendAsUnanswered(t *testing.T) {
	for status, body := range map[int]string{
		401: `{"message":"Unauthenticated."}`,
		403: `{"message":""}`,
		404: `{"message":"No query results"}`,
		422: `{"message":"not active","errors":{"id":["not active"]}}`,
		429: ``,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			c, seen := afterWarming(t, []Option{hasty(1)}, hangsUp, answers(status, body))
			var resp Response
			err := pause(t.Context(), c, WithResponse(&resp))

			sent := seen()
			require.Len(t, sent, 2, "net/http has sent it twice")
			assert.Equal(t, sent[0].key(), sent[1].key())
			assert.NotEmpty(t, sent[0].key())
			assert.Equal(t, "/api/agents/v1/subscriptions/45/pause", sent[0].Path)
			assertKind(t, ErrOutcomeUnknown, err)
			assert.Equal(t, status, apiOf(t, err).StatusCode)
			assert.Equal(t, 1, resp.Attempts, "attempts of ours")
			assert.Equal(t, sent[0].key(), resp.IdempotencyKey)
		})
	}
}

func TestAHiddenReplayThatSucceedsIsASuccess(t *testing.T) {
	c, seen := afterWarming(t, nil, hangsUp, answers(200, `{"data":{"status":"paused"},"error":null}`))
	require.NoError(t, pause(t.Context(), c))
	assert.Len(t, seen(), 2)
}

func TestARefusalOnAFreshConnectionIsARefusal(t *testing.T) {
	srv := serve(t, answers(401, `{"message":"Unauthenticated."}`))
	assertKind(t, ErrUnauthenticated, pause(t.Context(), onListener(t, srv.URL)))
	assert.Equal(t, 1, srv.count())

	c, seen := afterWarming(t, nil, answers(401, `{"message":"Unauthenticated."}`))
	assertKind(t, ErrUnauthenticated, pause(t.Context(), c))
	assert.Len(t, seen(), 1, "nor does a kept connection that works put it in doubt")
}

func TestAKeyedBodyIsRepeatedByUsAlone(t *testing.T) {
	fund := roadCalls[1]
	c, seen := afterWarming(t, []Option{hasty(1)}, hangsUp, answers(200, fundedBody))
	err := fund.do(t.Context(), c)
	assertKind(t, ErrOutcomeUnknown, err)
	assertSent(t, fund, seen(), 1)

	c, seen = afterWarming(t, nil, hangsUp, answers(200, fundedBody))
	var resp Response
	require.NoError(t, fund.do(t.Context(), c, WithResponse(&resp)))
	assertSent(t, fund, seen(), 2)
	assert.Equal(t, 2, resp.Attempts, "each send is an attempt of ours")
}

func TestWhatIsSentOnceIsNotReplayed(t *testing.T) {
	for _, call := range roadCalls[2:] {
		c, seen := afterWarming(t, nil, hangsUp, answers(200, call.ok))
		assertKind(t, ErrOutcomeUnknown, call.do(t.Context(), c))
		assertSent(t, call, seen(), 1)
	}
	c, seen := afterWarming(t, nil, hangsUp, answers(200, `{"data":{}}`))
	assertKind(t, ErrOutcomeUnknown, c.Auth.Logout(t.Context()))
	assert.Len(t, seen(), 1, "without a body and without a key")
}

func TestAHiddenReplayOfAGetThatIsSentOnceLeavesTheOutcomeUnknown(t *testing.T) {
	c, seen := afterWarming(t, nil, hangsUp, answers(404, `{"message":"This link has been used."}`))
	_, err := c.Auth.VerifyLink(t.Context(), "mailed-token-1")
	if len(seen()) > 1 {
		assertKind(t, ErrOutcomeUnknown, err)
		assert.Equal(t, 404, apiOf(t, err).StatusCode)
	} else {
		assertKind(t, ErrOutcomeUnknown, err)
	}
	assert.NotContains(t, err.Error(), "mailed-token-1")
}

func TestAHiddenReplayOfAReadingHurtsNobody(t *testing.T) {
	c, seen := afterWarming(t, []Option{hasty(1)}, hangsUp, answers(404, `{"message":"no"}`))
	_, err := c.Wallet.Balance(t.Context())
	assertKind(t, ErrNotFound, err)
	assert.Len(t, seen(), 2)
}

// overHTTP2 is a client of a server that speaks HTTP/2 and takes the handlers in
// order.
func overHTTP2(t *testing.T, handlers ...http.HandlerFunc) (*Client, *record) {
	t.Helper()
	seen := &record{}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := seen.add(r)
		assert.Equal(t, 2, r.ProtoMajor)
		handlers[min(n, len(handlers)-1)](w, r)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	c, err := New(WithBaseURL(srv.URL), WithHTTPClient(srv.Client()), WithAccessToken(testToken), WithAPIKey(testKey), hasty(3))
	require.NoError(t, err)
	return c, seen
}

// resets ends the stream without an answer, as a server does that is stopped in
// the middle of its work.
func resets(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestOverHTTP2ALostAnswerIsRepeatedByUsAlone(t *testing.T) {
	eachClass(t, func(t *testing.T, call roadCall) {
		c, seen := overHTTP2(t, resets, answers(200, call.ok))
		var resp Response
		err := call.do(t.Context(), c, WithResponse(&resp))
		if call.repeat == RepeatOnce {
			assertKind(t, ErrOutcomeUnknown, err)
			assertSent(t, call, seen.requests(), 1)
			return
		}
		require.NoError(t, err)
		assertSent(t, call, seen.requests(), 2)
		assert.Equal(t, 2, resp.Attempts)
	})
}

func TestOverHTTP2ARefusalAfterALostAnswerSettlesNothing(t *testing.T) {
	c, seen := overHTTP2(t, resets, answers(401, `{"message":"Unauthenticated."}`))
	err := roadCalls[1].do(t.Context(), c)
	assertKind(t, ErrOutcomeUnknown, err)
	assert.Equal(t, 401, apiOf(t, err).StatusCode)
	assert.Equal(t, 2, seen.count())
}
