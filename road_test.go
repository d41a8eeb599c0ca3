package modelslab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func isKind(err, kind error) bool { return errors.Is(err, kind) }

// kindFor is the kind of an error that a class's call ends with where the
// answer leaves its outcome open: reading has no outcome.
func kindFor(call roadCall, reading error) error {
	if call.repeat == RepeatSafe {
		return reading
	}
	return ErrOutcomeUnknown
}

// repeated is how many requests a class sends, of three allowed, where a second
// one may help.
func repeated(call roadCall) int {
	if call.repeat == RepeatOnce {
		return 1
	}
	return 3
}

const badGateway = "<html><head><title>502 Bad Gateway</title></head><body>page-canary\nnginx</body></html>"

func TestServerErrorsAreRepeatedWhereThatCannotDoTheWorkTwice(t *testing.T) {
	for _, tt := range []struct {
		name    string
		status  int
		body    string
		message string
	}{
		{"500 with JSON", 500, `{"message":"Server Error"}`, "Server Error"},
		{"502 with a page", 502, badGateway, "502 Bad Gateway"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachClass(t, func(t *testing.T, call roadCall) {
				srv := serve(t, answers(tt.status, tt.body, "X-Request-Id", "req-5xx"))
				var resp Response
				err := call.do(t.Context(), onListener(t, srv.URL), WithResponse(&resp))

				assertSent(t, call, srv.requests(), repeated(call))
				assertKind(t, kindFor(call, ErrServer), err)
				api := apiOf(t, err)
				assert.Equal(t, tt.status, api.StatusCode)
				assert.Equal(t, tt.message, api.Message)
				assert.Equal(t, "req-5xx", api.RequestID)
				assert.Equal(t, repeated(call), api.Attempts)
				assert.Equal(t, tt.status, resp.StatusCode)
				assert.Equal(t, repeated(call), resp.Attempts)
				assert.NotContains(t, err.Error(), "page-canary")
				oneLine(t, err)
			})
		})
	}
}

func TestARepeatThatWorksIsASuccess(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"500":               answers(500, `{"message":"Server Error"}`),
		"502 with a page":   answers(502, badGateway),
		"connection lost":   hangsUp,
		"body cut short":    cutsShort,
		"request timeout":   answers(408, ``),
		"service too busy":  answers(503, ``, "Retry-After", "0"),
		"429 and no header": answers(429, `{"message":"Too Many Attempts."}`),
	} {
		t.Run(name, func(t *testing.T) {
			for _, call := range roadCalls[:2] {
				t.Run(call.name, func(t *testing.T) {
					srv := serve(t, first, first, answers(200, call.ok))
					var resp Response
					require.NoError(t, call.do(t.Context(), onListener(t, srv.URL), WithResponse(&resp)))
					assertSent(t, call, srv.requests(), 3)
					assert.Equal(t, 3, resp.Attempts)
					assert.Equal(t, srv.requests()[0].key(), resp.IdempotencyKey)
				})
			}
		})
	}
}

func TestALostConnectionIsRepeatedOnlyUnderAKeyOrWhenReading(t *testing.T) {
	eachClass(t, func(t *testing.T, call roadCall) {
		srv := serve(t, hangsUp)
		var resp Response
		err := call.do(t.Context(), onListener(t, srv.URL), WithResponse(&resp))

		assertSent(t, call, srv.requests(), repeated(call))
		assertKind(t, kindFor(call, nil), err)
		_, answered := as[*APIError](err)
		assert.False(t, answered, "no answer came")
		require.ErrorIs(t, err, io.EOF)
		assert.Equal(t, 0, resp.StatusCode)
		assert.Equal(t, repeated(call), resp.Attempts)
		assert.Equal(t, srv.requests()[0].key(), resp.IdempotencyKey)
		assert.NotContains(t, err.Error(), srv.URL)
		oneLine(t, err)
	})
}

func TestABodyCutShortIsNoSuccess(t *testing.T) {
	eachClass(t, func(t *testing.T, call roadCall) {
		srv := serve(t, cutsShort)
		var resp Response
		err := call.do(t.Context(), onListener(t, srv.URL), WithResponse(&resp))

		assertSent(t, call, srv.requests(), repeated(call))
		assertKind(t, kindFor(call, ErrServer), err)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		api := apiOf(t, err)
		assert.Equal(t, 200, api.StatusCode)
		assert.Equal(t, "req-cut", api.RequestID)
		assert.Contains(t, err.Error(), "req-cut")
		assert.Equal(t, "req-cut", resp.RequestID)
		assert.JSONEq(t, `"{\"data\":{\"balance\":2"`, quoted(resp.Raw), "what came of it")
	})
}

func quoted(raw []byte) string {
	b, _ := json.Marshal(string(raw))
	return string(b)
}

func TestA429IsRepeatedByEveryClassAfterItsRetryAfter(t *testing.T) {
	date := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		header []string
		body   string
		waits  time.Duration
	}{
		{"seconds", []string{"Retry-After", "3"}, ``, 3 * time.Second},
		{"an HTTP date, by the server's clock", []string{"Retry-After", date.Add(4 * time.Second).Format(http.TimeFormat), "Date", date.Format(http.TimeFormat)}, ``, 4 * time.Second},
		{"the body's word", nil, `{"status":"error","message":"slow down","retry_after":5}`, 5 * time.Second},
		{"the end of the window, in seconds", []string{"X-RateLimit-Reset", "6", "X-RateLimit-Remaining", "0"}, ``, 6 * time.Second},
		{"the end of the window, as a time", []string{"X-RateLimit-Reset", fmt.Sprint(date.Add(7 * time.Second).Unix()), "X-RateLimit-Remaining", "0", "Date", date.Format(http.TimeFormat)}, ``, 7 * time.Second},
		{"Retry-After has the say over Reset", []string{"Retry-After", "2", "X-RateLimit-Reset", "9"}, ``, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachClass(t, func(t *testing.T, call roadCall) {
				synctest.Test(t, func(t *testing.T) {
					net := scripted(says(429, tt.body, tt.header...), says(200, call.ok))
					start := time.Now()
					require.NoError(t, call.do(t.Context(), stubbed(t, net)))
					waited := time.Since(start)
					assert.GreaterOrEqual(t, waited, tt.waits, "never shorter than asked for")
					assert.Less(t, waited, tt.waits+time.Second)
					assertSent(t, call, net.requests(), 2)
				})
			})
		})
	}
}

func TestRetryAfterIsAFloorUnderTheBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := scripted(says(503, ``, "Retry-After", "2"), says(200, balanceBody))
		c := stubbed(t, net, WithRetryPolicy(RetryPolicy{MinBackoff: 10 * time.Second, MaxBackoff: 10 * time.Second}))
		c.cfg.jitter = func() float64 { return 0.5 }
		start := time.Now()
		_, err := c.Wallet.Balance(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 5*time.Second, time.Since(start), "the backoff where that is longer")

		net = scripted(says(503, ``, "Retry-After", "20"), says(200, balanceBody))
		c = stubbed(t, net, WithRetryPolicy(RetryPolicy{MinBackoff: 10 * time.Second, MaxBackoff: 10 * time.Second}))
		start = time.Now()
		_, err = c.Wallet.Balance(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 20*time.Second, time.Since(start), "Retry-After where that is longer, for a 503 too")
	})
}

func TestBackoffGrowsAndIsCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		net := scripted(func(r *http.Request) (*http.Response, error) {
			at = append(at, time.Since(start))
			return says(500, ``)(r)
		})
		c := stubbed(t, net, WithRetryPolicy(RetryPolicy{MaxAttempts: 6}))
		c.cfg.jitter = func() float64 { return 0.999999999999 }
		_, err := c.Wallet.Balance(t.Context())
		require.ErrorIs(t, err, ErrServer)
		require.Len(t, at, 6)
		for i, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
			assert.InDelta(t, want.Seconds(), (at[i+1] - at[i]).Seconds(), 1e-6)
		}
	})
}

func TestA429ThatDoesNotFitTheDeadlineIsReturnedAtOnce(t *testing.T) {
	eachClass(t, func(t *testing.T, call roadCall) {
		srv := serve(t, answers(429, `{"message":"Too Many Attempts."}`, "Retry-After", "60", "X-Request-Id", "req-429"))
		ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
		defer cancel()
		start := time.Now()
		err := call.do(ctx, onListener(t, srv.URL), WithOperationIf(call))

		assert.Less(t, time.Since(start), 10*time.Second)
		assertSent(t, call, srv.requests(), 1)
		assertKind(t, ErrRateLimited, err)
		limited, ok := as[*RateLimitError](err)
		require.True(t, ok)
		assert.Equal(t, time.Minute, limited.RetryAfter)
		assert.Equal(t, 429, limited.StatusCode)
		assert.Equal(t, "req-429", apiOf(t, err).RequestID)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, srv.requests()[0].key(), limited.IdempotencyKey)
	})
}

// WithOperationIf names the call where it can be named.
func WithOperationIf(call roadCall) RequestOption {
	if call.repeat == RepeatKeyed {
		return WithOperation("order-" + call.name)
	}
	return WithRequestTimeout(time.Minute)
}

func TestAWaitBeyondMaxWaitIsNotStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			retryAfter string
			waits      bool
		}{{"30", true}, {"31", false}, {"99999999999999", false}} {
			net := scripted(says(429, ``, "Retry-After", tt.retryAfter), says(200, balanceBody))
			c := stubbed(t, net, WithRetryPolicy(RetryPolicy{MaxWait: 30 * time.Second, MinBackoff: 1, MaxBackoff: 1}))
			start := time.Now()
			_, err := c.Wallet.Balance(t.Context())
			if tt.waits {
				require.NoError(t, err)
				assert.Equal(t, 30*time.Second, time.Since(start))
				continue
			}
			assertKind(t, ErrRateLimited, err)
			assert.Zero(t, time.Since(start))
			assert.Equal(t, 1, net.count())
		}
	})
}

func TestMaxAttemptsBoundsTheSendings(t *testing.T) {
	for _, attempts := range []int{1, 2, 5} {
		eachClass(t, func(t *testing.T, call roadCall) {
			net := scripted(says(429, ``))
			err := call.do(t.Context(), stubbed(t, net, hasty(attempts)))
			assertKind(t, ErrRateLimited, err)
			assertSent(t, call, net.requests(), attempts)
			assert.Equal(t, attempts, apiOf(t, err).Attempts)
		})
	}
}

func TestAContextThatEndsTheWaitKeepsBothErrors(t *testing.T) {
	answer := map[Repeat]http.HandlerFunc{
		RepeatSafe:  answers(503, `{"message":"Service Unavailable"}`, "Retry-After", "30"),
		RepeatKeyed: answers(503, `{"message":"Service Unavailable"}`, "Retry-After", "30"),
		RepeatOnce:  answers(429, `{"message":"Too Many Attempts."}`, "Retry-After", "30"),
	}
	eachClass(t, func(t *testing.T, call roadCall) {
		srv := serve(t, answer[call.repeat])
		c := onListener(t, srv.URL)
		ctx, cancel := context.WithCancel(t.Context())
		c.cfg.jitter = func() float64 { cancel(); return 0 } // between the answer and the wait
		err := call.do(ctx, c)

		assertSent(t, call, srv.requests(), 1)
		require.ErrorIs(t, err, context.Canceled)
		api := apiOf(t, err)
		switch call.repeat {
		case RepeatSafe:
			assertKind(t, ErrServer, err)
			assert.Equal(t, 503, api.StatusCode)
		case RepeatKeyed:
			assertKind(t, ErrOutcomeUnknown, err)
			assert.Equal(t, 503, api.StatusCode)
		case RepeatOnce:
			assertKind(t, ErrRateLimited, err)
			assert.Equal(t, 429, api.StatusCode)
		}
		oneLine(t, err)
	})
}

func TestADeadlineThatEndsARepeatKeepsBothErrors(t *testing.T) {
	for _, call := range roadCalls[:2] {
		t.Run(call.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				net := scripted(says(500, `{"message":"Server Error"}`, "X-Request-Id", "req-500"), func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				})
				var resp Response
				err := call.do(ctx, stubbed(t, net), WithResponse(&resp))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				api := apiOf(t, err)
				assert.Equal(t, 500, api.StatusCode)
				assert.Equal(t, "req-500", api.RequestID)
				assertKind(t, kindFor(call, ErrServer), err)
				assertSent(t, call, net.requests(), 2)
				assert.Equal(t, 2, resp.Attempts)
			})
		})
	}
}

func TestASuccessThatIsNoJSONIsNoSuccess(t *testing.T) {
	for name, body := range map[string]string{
		"HTML":               "<!doctype html><title>Log in</title><p>page-canary",
		"text":               "OK page-canary",
		"JSON that ends":     `{"data":{"balance":25`,
		"two values":         `{"data":{}} {"data":{}}`,
		"a page after space": "\n\n <html>page-canary</html>",
	} {
		t.Run(name, func(t *testing.T) {
			eachClass(t, func(t *testing.T, call roadCall) {
				srv := serve(t, answers(200, body, "X-Request-Id", "req-html"))
				err := call.do(t.Context(), onListener(t, srv.URL))

				assertSent(t, call, srv.requests(), 1)
				assertKind(t, kindFor(call, ErrServer), err)
				api := apiOf(t, err)
				assert.Equal(t, 200, api.StatusCode)
				assert.Equal(t, "req-html", api.RequestID)
				assert.NotContains(t, err.Error(), "page-canary")
				oneLine(t, err)
			})
		})
	}
}

func TestNullWhereDataIsDue(t *testing.T) {
	calls := map[string]func(context.Context, *Client) error{
		"Subscriptions.Plans":  func(ctx context.Context, c *Client) error { _, err := c.Subscriptions.Plans(ctx); return err },
		"Subscriptions.List":   func(ctx context.Context, c *Client) error { _, err := c.Subscriptions.List(ctx); return err },
		"Subscriptions.Status": func(ctx context.Context, c *Client) error { _, err := c.Subscriptions.Status(ctx, 45); return err },
		"Wallet.Transactions": func(ctx context.Context, c *Client) error {
			_, err := c.Wallet.Transactions(ctx, TransactionsParams{})
			return err
		},
		"Wallet.PaymentStatus": func(ctx context.Context, c *Client) error {
			_, err := c.Wallet.PaymentStatus(ctx, testIntent)
			return err
		},
		"Billing.StripeConfig": func(ctx context.Context, c *Client) error { _, err := c.Billing.StripeConfig(ctx); return err },
		"Billing.CreatePaymentLink": func(ctx context.Context, c *Client) error {
			_, err := c.Billing.CreatePaymentLink(ctx, PaymentLinkParams{Purpose: PurposeFund, Amount: Dollars(25)})
			return err
		},
		"Subscriptions.Create": func(ctx context.Context, c *Client) error {
			_, err := c.Subscriptions.Create(ctx, SubscriptionCreateParams{PlanID: 3, PaymentMethodID: testMethod})
			return err
		},
		"Auth.VerifyEmail": func(ctx context.Context, c *Client) error { _, err := c.Auth.VerifyEmail(ctx, "482915"); return err },
		"Auth.Login": func(ctx context.Context, c *Client) error {
			_, err := c.Auth.Login(ctx, AuthLoginParams{Email: "a@example.com", Password: NewSecret("pw-pw-pw")})
			return err
		},
		"Auth.Refresh": func(ctx context.Context, c *Client) error {
			_, err := c.Auth.Refresh(ctx, AuthRefreshParams{})
			return err
		},
		"Call into a map": func(ctx context.Context, c *Client) error {
			var out map[string]any
			return c.Call(ctx, get, "/wallet/balance", nil, &out)
		},
		"Generation.Call into a map": func(ctx context.Context, c *Client) error {
			var out map[string]any
			return c.Generation.Call(ctx, post, "/api/v6/images/system_details", map[string]any{}, &out)
		},
	}
	for _, call := range roadCalls {
		if call.name != "Auth.Signup" { // where all that the server could say is optional
			calls[call.name] = func(ctx context.Context, c *Client) error { return call.do(ctx, c) }
		}
	}
	for name, do := range calls {
		t.Run(name, func(t *testing.T) {
			for _, body := range []string{``, `null`, `5`, `"x"`, `true`, `{"data":null}`, `{"data":null,"error":null,"meta":{"request_id":"r"}}`} {
				if strings.HasPrefix(name, "Generation.Call") && strings.HasPrefix(body, "{") {
					continue // there the whole body is the data
				}
				if strings.HasPrefix(name, "Call") && (body == `5` || body == `"x"` || body == `true`) {
					continue // encoding/json's word: not a map
				}
				srv := serve(t, answers(200, body))
				err := do(t.Context(), onListener(t, srv.URL))
				if assert.Error(t, err, "%q is no %s", body, name) {
					assert.Equal(t, 200, apiOf(t, err).StatusCode)
				}
				assert.Equal(t, 1, srv.count())
			}
		})
	}
}

func TestTheClientDoesNotPrintItsCredentials(t *testing.T) {
	srv := serve(t, answers(200, balanceBody))
	c := onListener(t, srv.URL)
	_, err := c.Wallet.Balance(t.Context())
	require.NoError(t, err)
	for _, v := range []any{c, *c, c.Wallet, *c.Wallet, c.Auth, c.Billing, c.Generation, *c.Generation, c.Generation.Images, c.Subscriptions, struct{ c *Client }{c}, struct{ c Client }{*c}} {
		assertNotPrinted(t, v, testToken, testKey)
	}
}

func TestAContextEndedBeforehandSendsNothing(t *testing.T) {
	eachClass(t, func(t *testing.T, call roadCall) {
		net := scripted(says(200, call.ok))
		c := stubbed(t, net)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		assert.Equal(t, context.Canceled, call.do(ctx, c), "the plain error")
		ctx, cancel = context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		assert.Equal(t, context.DeadlineExceeded, call.do(ctx, c), "the plain error")
		assert.Zero(t, net.count())
	})
}

func TestAContextEndedWhileConnectingIsThePlainError(t *testing.T) {
	eachClass(t, func(t *testing.T, call roadCall) {
		if call.repeat == RepeatSafe {
			return // reading has no outcome to be in doubt of
		}
		ctx, cancel := context.WithCancel(t.Context())
		transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		err := call.do(ctx, stubbed(t, transport, WithBaseURL("http://127.0.0.1:1")))
		assert.Equal(t, context.Canceled, err)
	})
}

func TestAContextEndedOnTheWireLeavesTheOutcomeUnknown(t *testing.T) {
	eachClass(t, func(t *testing.T, call roadCall) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		released := make(chan struct{})
		srv := serve(t, func(http.ResponseWriter, *http.Request) { cancel(); <-released })
		defer close(released)
		err := call.do(ctx, onListener(t, srv.URL))
		require.ErrorIs(t, err, context.Canceled)
		assertKind(t, kindFor(call, nil), err)
		assert.Equal(t, 1, srv.count())
	})
}

func TestADialErrorIsNotUnknownAndIsRepeated(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	eachClass(t, func(t *testing.T, call roadCall) {
		var dials atomic.Int32
		transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials.Add(1)
			var d net.Dialer
			return d.DialContext(ctx, network, addr)
		}}
		var resp Response
		err := call.do(t.Context(), stubbed(t, transport, WithBaseURL("http://"+closed.Addr().String())), WithResponse(&resp))
		assertKind(t, nil, err)
		op, ok := as[*net.OpError](err)
		require.True(t, ok)
		assert.Equal(t, "dial", op.Op)
		assert.EqualValues(t, 3, dials.Load())
		assert.Equal(t, 3, resp.Attempts)
		oneLine(t, err)
	})
}

func TestACallThatConnectsAtTheSecondDialIsSentOnce(t *testing.T) {
	eachClass(t, func(t *testing.T, call roadCall) {
		srv := serve(t, answers(200, call.ok))
		var dials atomic.Int32
		transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if dials.Add(1) == 1 {
				return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("no route")}
			}
			var d net.Dialer
			return d.DialContext(ctx, network, addr)
		}}
		var resp Response
		require.NoError(t, call.do(t.Context(), stubbed(t, transport, WithBaseURL(srv.URL)), WithResponse(&resp)))
		assertSent(t, call, srv.requests(), 1)
		assert.Equal(t, 2, resp.Attempts)
	})
}

func TestATransportThatReportsNothingHasSent(t *testing.T) {
	boom := errors.New("boom")
	eachClass(t, func(t *testing.T, call roadCall) {
		net := scripted(breaks(boom))
		err := call.do(t.Context(), stubbed(t, net))
		require.ErrorIs(t, err, boom)
		assertKind(t, kindFor(call, nil), err)
		assertSent(t, call, net.requests(), repeated(call))
	})
}

func TestATransportThatReportsNothingCanStillProveThatItCouldNotConnect(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}
	for _, call := range roadCalls[1:] {
		t.Run(call.name, func(t *testing.T) {
			rt := scripted(breaks(fmt.Errorf("proxy: %w", dial)))
			err := call.do(t.Context(), stubbed(t, rt))
			assertKind(t, nil, err)
			assertSent(t, call, rt.requests(), 3)

			rt = scripted(breaks(&net.OpError{Op: "read", Net: "tcp", Err: errors.New("reset")}))
			err = call.do(t.Context(), stubbed(t, rt))
			assertKind(t, ErrOutcomeUnknown, err)
		})
	}
}

func TestALostFirstSendIsNotForgottenWhenTheSecondCannotConnect(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}
	rt := scripted(breaks(io.ErrUnexpectedEOF), breaks(dial))
	err := roadCalls[1].do(t.Context(), stubbed(t, rt))
	assertKind(t, ErrOutcomeUnknown, err)
	assert.Equal(t, 3, rt.count())
}

func TestWithRequestTimeoutBoundsOneAttempt(t *testing.T) {
	hangs := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	eachClass(t, func(t *testing.T, call roadCall) {
		synctest.Test(t, func(t *testing.T) {
			for _, tt := range []struct {
				opts  []RequestOption
				limit time.Duration
			}{{nil, time.Minute}, {[]RequestOption{WithRequestTimeout(2 * time.Second)}, 2 * time.Second}} {
				net := scripted(hangs)
				start := time.Now()
				err := call.do(t.Context(), stubbed(t, net), tt.opts...)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assertKind(t, kindFor(call, nil), err)
				assertSent(t, call, net.requests(), repeated(call))
				assert.InDelta(t, tt.limit.Seconds()*float64(repeated(call)), time.Since(start).Seconds(), 0.001)
			}
		})
	})
}

func TestWithRequestTimeoutHoldsForTheBodyToo(t *testing.T) {
	released := make(chan struct{})
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "req-slow")
		w.WriteHeader(200)
		_ = http.NewResponseController(w).Flush()
		<-released
	})
	defer close(released)
	err := roadCalls[3].do(t.Context(), onListener(t, srv.URL), WithRequestTimeout(100*time.Millisecond))
	assertKind(t, ErrOutcomeUnknown, err)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, "req-slow", apiOf(t, err).RequestID)
}

func TestAnswersAreReadThroughALimit(t *testing.T) {
	c, err := New()
	require.NoError(t, err)
	assert.EqualValues(t, 32<<20, c.cfg.maxResponse, "32 MiB by default")

	eachClass(t, func(t *testing.T, call roadCall) {
		size := int64(len(call.ok))
		srv := serve(t, answers(200, call.ok))
		require.NoError(t, call.do(t.Context(), onListener(t, srv.URL, WithMaxResponseBytes(size))))

		for name, handler := range map[string]http.HandlerFunc{
			"with its length": answers(200, call.ok, "X-Request-Id", "req-big"),
			"without its length": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Request-Id", "req-big")
				_ = http.NewResponseController(w).Flush()
				_, _ = io.WriteString(w, call.ok)
			},
		} {
			srv = serve(t, handler)
			err := call.do(t.Context(), onListener(t, srv.URL, WithMaxResponseBytes(size-1)))
			assertKind(t, kindFor(call, ErrServer), err)
			api := apiOf(t, err)
			assert.Equal(t, 200, api.StatusCode, name)
			assert.Equal(t, "req-big", api.RequestID, name)
			assert.LessOrEqual(t, int64(len(api.Raw)), size, name)
			assert.Equal(t, 1, srv.count(), "asking again would not make it smaller")
		}
	})
}

func TestRedirectsAreNeverFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		eachClass(t, func(t *testing.T, call roadCall) {
			elsewhere := serve(t, answers(200, call.ok))
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
			})
			followed := false
			hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error {
				followed = true
				return nil
			}}
			err := call.do(t.Context(), onListener(t, srv.URL, WithHTTPClient(hc)))
			require.Error(t, err)
			assert.Equal(t, status, apiOf(t, err).StatusCode)
			assert.Zero(t, elsewhere.count(), "another server must not see the request")
			assert.Equal(t, 1, srv.count())
			assert.False(t, followed)
			assert.Contains(t, err.Error(), "redirect")
			if call.name == "Wallet.Fund" || call.name == "Images.TextToImage" {
				assertKind(t, ErrOutcomeUnknown, err)
			}
			assert.NotContains(t, err.Error(), elsewhere.URL)
		})
	}
}

func TestTheCallersHTTPClientIsCopied(t *testing.T) {
	srv := serve(t, answers(200, balanceBody))
	transport := &http.Transport{DisableKeepAlives: true}
	hc := &http.Client{Transport: transport, Timeout: 3 * time.Second}
	c := onListener(t, srv.URL, WithHTTPClient(hc))
	assert.Nil(t, hc.CheckRedirect)
	assert.Same(t, transport, hc.Transport)
	assert.Nil(t, hc.Jar)
	hc.Transport = scripted(breaks(errors.New("changed afterwards")))
	hc.Timeout = 1
	_, err := c.Wallet.Balance(t.Context())
	require.NoError(t, err, "what happens to the caller's afterwards changes nothing")
}

func TestTheCallersTimeoutHoldsForEachAttempt(t *testing.T) {
	eachClass(t, func(t *testing.T, call roadCall) {
		released := make(chan struct{})
		srv := serve(t, func(http.ResponseWriter, *http.Request) { <-released })
		defer close(released)
		hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 100 * time.Millisecond}
		err := call.do(t.Context(), onListener(t, srv.URL, WithHTTPClient(hc)))
		assertKind(t, kindFor(call, nil), err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, repeated(call), srv.count())
	})
}

func TestRequestsAreExactlyThese(t *testing.T) {
	agent := "modelslab-agents-go/" + Version
	key := "order-1041"
	for _, tt := range []struct {
		call   roadCall
		opts   []RequestOption
		header http.Header
		body   string
	}{
		{roadCalls[0], nil, http.Header{
			"Accept": {"application/json"}, "Authorization": {"Bearer " + testToken}, "User-Agent": {agent},
		}, ``},
		{roadCalls[1], []RequestOption{WithIdempotencyKey(key)}, http.Header{
			"Accept": {"application/json"}, "Authorization": {"Bearer " + testToken}, "User-Agent": {agent},
			"Content-Type": {"application/json"}, "Idempotency-Key": {key},
		}, `{"amount":25,"payment_method_id":"pm_card_visa"}`},
		{roadCalls[2], nil, http.Header{
			"Accept": {"application/json"}, "User-Agent": {agent}, "Content-Type": {"application/json"},
		}, `{"email":"a@example.com","password":"password-canary-5d"}`},
		{roadCalls[3], nil, http.Header{
			"Accept": {"application/json"}, "User-Agent": {agent}, "Content-Type": {"application/json"},
		}, `{"model_id":"flux","prompt":"a lighthouse","key":"` + testKey + `"}`},
	} {
		t.Run(tt.call.name, func(t *testing.T) {
			net := scripted(says(200, tt.call.ok))
			require.NoError(t, tt.call.do(t.Context(), stubbed(t, net), tt.opts...))
			seen := net.requests()
			require.Len(t, seen, 1)
			assert.Equal(t, sentRequest{tt.call.method, tt.call.path, "", tt.header, tt.body}, seen[0])

			// What net/http adds on a real connection, and nothing else.
			srv := serve(t, answers(200, tt.call.ok))
			require.NoError(t, tt.call.do(t.Context(), onListener(t, srv.URL), tt.opts...))
			seen = srv.requests()
			require.Len(t, seen, 1)
			tt.header.Set("Accept-Encoding", "gzip")
			if tt.body != "" {
				tt.header.Set("Content-Length", fmt.Sprint(len(tt.body)))
			}
			assert.Equal(t, sentRequest{tt.call.method, tt.call.path, "", tt.header, tt.body}, seen[0])
		})
	}
}

func TestEachAttemptIsBuiltAnew(t *testing.T) {
	spoils := func(r *http.Request) (*http.Response, error) {
		for name := range r.Header {
			r.Header.Set(name, "spoilt")
		}
		r.URL.Path = "/spoilt"
		return says(500, ``)(r)
	}
	net := scripted(spoils, spoils, says(200, fundedBody))
	c := stubbed(t, net, WithUserAgent("agent-7"))
	require.NoError(t, roadCalls[1].do(t.Context(), c))
	seen := net.requests()
	assertSent(t, roadCalls[1], seen, 3)
	assert.Equal(t, seen[0].Header, seen[2].Header)
	assert.Equal(t, "agent-7 modelslab-agents-go/"+Version, seen[2].Header.Get("User-Agent"))
	assert.Equal(t, "Bearer "+testToken, seen[2].Header.Get("Authorization"))
}

func TestTheResponseIsFilledOnSuccessAndOnFailure(t *testing.T) {
	header := []string{
		"X-Request-Id", "req-h", "X-RateLimit-Limit", "15", "X-RateLimit-Remaining", "9", "X-RateLimit-Reset", "30",
		"Idempotency-Replay", "true", "Set-Cookie", "session=cookie-canary",
	}
	for _, tt := range []struct {
		name   string
		status int
		body   string
		id     string
	}{
		{"success", 200, fundedBody, "req-1"},
		{"refused", 422, `{"data":null,"error":{"code":"validation_error","message":"too little","details":[]},"meta":{"request_id":"req-2"}}`, "req-2"},
		{"declined", 402, `{"data":null,"error":{"code":"payment_declined","message":"no","details":{"decline_code":"insufficient_funds"}}}`, "req-h"},
		{"no JSON", 200, badGateway, "req-h"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			net := scripted(says(tt.status, tt.body, header...))
			var resp Response
			before := time.Now()
			err := roadCalls[1].do(t.Context(), stubbed(t, net), WithResponse(&resp), WithIdempotencyKey("k-1"))
			assert.Equal(t, tt.status != 200 || tt.name == "no JSON", err != nil)
			assert.Equal(t, tt.status, resp.StatusCode)
			assert.Equal(t, tt.id, resp.RequestID)
			assert.Equal(t, "k-1", resp.IdempotencyKey)
			assert.True(t, resp.IdempotencyReplay)
			assert.Equal(t, 1, resp.Attempts)
			assert.Equal(t, tt.body, string(resp.Raw))
			assert.Equal(t, "9", resp.Header.Get("X-RateLimit-Remaining"))
			assert.NotContains(t, fmt.Sprint(resp.Header), "cookie-canary")
			assert.Equal(t, LimiterBilling, resp.RateLimit.Limiter)
			assert.Equal(t, 15, resp.RateLimit.Limit)
			assert.Equal(t, 9, resp.RateLimit.Remaining)
			assert.True(t, resp.RateLimit.Known)
			assert.WithinDuration(t, before.Add(30*time.Second), resp.RateLimit.Reset, 5*time.Second)
			require.NoError(t, resp.JournalErr)
			if err != nil {
				assert.Equal(t, resp, apiOf(t, err).Response, "the error carries the same")
			}
		})
	}

	t.Run("no answer", func(t *testing.T) {
		resp := Response{StatusCode: 200, RequestID: "stale", Raw: []byte("stale")}
		err := roadCalls[1].do(t.Context(), stubbed(t, scripted(breaks(io.ErrUnexpectedEOF))), WithResponse(&resp), WithIdempotencyKey("k-1"))
		require.Error(t, err)
		assert.Equal(t, Response{IdempotencyKey: "k-1", Attempts: 3}, resp)
	})
}

func TestRawOutlivesTheCall(t *testing.T) {
	net := scripted(says(200, fundedBody), says(200, strings.Repeat(" ", 100)+balanceBody))
	c := stubbed(t, net)
	var first Response
	require.NoError(t, roadCalls[1].do(t.Context(), c, WithResponse(&first)))
	for range 20 {
		require.NoError(t, roadCalls[0].do(t.Context(), c))
	}
	assert.Equal(t, fundedBody, string(first.Raw))

	net = scripted(says(422, `{"message":"no","errors":{"amount":["too little"]},"details":{"why":"small"}}`), says(200, balanceBody))
	c = stubbed(t, net)
	api := apiOf(t, roadCalls[1].do(t.Context(), c))
	for range 20 {
		require.NoError(t, roadCalls[0].do(t.Context(), c))
	}
	assert.JSONEq(t, `{"why":"small"}`, string(api.Details))
	assert.Equal(t, map[string][]string{"amount": {"too little"}}, api.Fields)
}

func TestStatusesTellTheKind(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		kind   error
	}{
		{400, ``, ErrValidation}, {401, `{"message":"Unauthenticated."}`, ErrUnauthenticated}, {402, ``, ErrPaymentDeclined},
		{403, `{"message":""}`, ErrPermissionDenied}, {404, `{"message":"The route x could not be found."}`, ErrNotFound},
		{405, ``, ErrNotFound}, {409, ``, ErrConflict}, {410, ``, ErrNotFound}, {413, badGateway, ErrValidation}, {418, ``, ErrValidation},
		{419, ``, ErrValidation}, {422, `{"message":"x","errors":{}}`, ErrValidation}, {429, ``, ErrRateLimited}, {500, ``, ErrServer},
		{503, ``, ErrServer}, {520, badGateway, ErrServer}, {599, ``, ErrServer},
		{200, `{"data":null,"error":{"code":"validation_error"}}`, ErrValidation},
		{200, `{"data":null,"error":{"code":"payment_declined"}}`, ErrPaymentDeclined},
		{200, `{"data":null,"error":{"code":"invalid_credentials"}}`, ErrUnauthenticated},
		{200, `{"data":null,"error":{"code":"email_not_verified"}}`, ErrPermissionDenied},
		{200, `{"data":null,"error":{"code":"rate_limited"}}`, ErrRateLimited},
		{200, `{"data":null,"error":"who knows"}`, ErrServer},
		{422, `{"error":{"code":"a_code_of_next_year"}}`, ErrValidation},
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.body), func(t *testing.T) {
			err := roadCalls[0].do(t.Context(), stubbed(t, scripted(says(tt.status, tt.body)), hasty(1)))
			assertKind(t, tt.kind, err)
			assert.Equal(t, tt.status, apiOf(t, err).StatusCode)
		})
	}
}

func TestErrorsSayMethodTemplateStatusCodeRequestAndMessageInOneLine(t *testing.T) {
	net := scripted(says(422, `{"data":null,"error":{"code":"validation_error","message":"The id\n is  wrong.","details":{}},"meta":{"request_id":"req-9"}}`))
	_, err := stubbed(t, net).Subscriptions.Status(t.Context(), 45)
	require.EqualError(t, err, `modelslab: GET /subscriptions/{id}/status: 422 validation_error (request req-9): The id is wrong.`)
	assert.Equal(t, "/api/agents/v1/subscriptions/45/status", net.requests()[0].Path)

	net = scripted(says(500, `{"message":"`+strings.Repeat("long ", 1000)+`"}`))
	_, err = stubbed(t, net).Subscriptions.Status(t.Context(), 45)
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 400)
}

func TestAPanicOfTheCallersIsNotSwallowed(t *testing.T) {
	net := scripted(func(*http.Request) (*http.Response, error) { panic("the transport's own") })
	assert.Panics(t, func() { _ = roadCalls[0].do(t.Context(), stubbed(t, net)) })
}

func TestPathElementsReachTheServerAsOneElement(t *testing.T) {
	net := scripted(says(200, `{"data":{"status":"succeeded"}}`))
	c := stubbed(t, net)
	_, err := c.Wallet.PaymentStatus(t.Context(), testIntent)
	require.NoError(t, err)
	assert.Equal(t, "/api/agents/v1/payments/"+testIntent+"/status", net.requests()[0].Path)

	srv := serve(t, answers(404, `{}`))
	_, err = onListener(t, srv.URL).Auth.VerifyLink(t.Context(), "a?b%c#d")
	require.ErrorIs(t, err, ErrNotFound)
	assert.Equal(t, "/verify/a?b%c#d", srv.requests()[0].Path, "decoded by the server")
	assert.Empty(t, srv.requests()[0].Query)
}

func TestATransportThatGivesNothingIsAnError(t *testing.T) {
	nothing := func(*http.Request) (*http.Response, error) { return nil, nil }
	noBody := func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 200}, nil }
	for _, broken := range []step{nothing, noBody} {
		_, err := stubbed(t, scripted(broken)).Wallet.Balance(t.Context())
		require.ErrorContains(t, err, "neither an answer nor an error")
		_, err = stubbed(t, scripted(broken)).Wallet.Fund(t.Context(), fundParams())
		assertKind(t, ErrOutcomeUnknown, err) // it may have sent all the same
	}
}

func TestAnElementOfAPathIsEscaped(t *testing.T) {
	for token, path := range map[string]string{
		"a%2Fb": "/verify/a%252Fb", "a?b#c": "/verify/a%3Fb%23c", "a;b=c+d": "/verify/a;b=c+d", "A-1_2.3~4": "/verify/A-1_2.3~4",
	} {
		net := scripted(func(r *http.Request) (*http.Response, error) {
			assert.Equal(t, path, r.URL.EscapedPath())
			assert.Empty(t, r.URL.RawQuery)
			return says(200, `{"data":{"access_token":"1|a"}}`)(r)
		})
		_, err := stubbed(t, net).Auth.VerifyLink(t.Context(), token)
		require.NoError(t, err)
	}
}

func TestAResponseIsOneLine(t *testing.T) {
	assert.Equal(t, "200", fmt.Sprint(Response{StatusCode: 200, Attempts: 1}))
	assert.Equal(t, "402 (request req-1) replay after 3 attempts", fmt.Sprint(Response{StatusCode: 402, RequestID: "req-1", IdempotencyReplay: true, Attempts: 3}))
}
