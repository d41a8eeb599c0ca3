package stripecard_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/internal/stripecard"
)

func TestStripesErrorsAreMappedFieldByField(t *testing.T) {
	for name, tt := range map[string]struct {
		status     int
		body       string
		retryAfter string
		want       stripecard.Error
	}{
		"declined": {402, `{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","message":"Your card has insufficient funds.",
				"doc_url":"https://stripe.com/docs","charge":"ch_1","payment_method":{"id":"pm_1","object":"payment_method"}}`, "",
			stripecard.Error{Type: "card_error", Code: "card_declined", DeclineCode: "insufficient_funds", Message: "Your card has insufficient funds."}},
		"wrong number": {402, `{"type":"card_error","code":"incorrect_number","param":"number","message":"Your card number is incorrect."}`, "",
			stripecard.Error{Type: "card_error", Code: "incorrect_number", Param: "number", Message: "Your card number is incorrect."}},
		"bad parameter": {400, `{"type":"invalid_request_error","code":"parameter_missing","param":"payment_method_data[card][exp_month]","message":"Missing."}`, "",
			stripecard.Error{Type: "invalid_request_error", Code: "parameter_missing", Param: "payment_method_data[card][exp_month]", Message: "Missing."}},
		"raw cards not allowed": {402, `{"type":"invalid_request_error","message":"Sending credit card numbers directly to the Stripe API is generally unsafe."}`, "",
			stripecard.Error{Type: "invalid_request_error", Message: "Sending credit card numbers directly to the Stripe API is generally unsafe."}},
		"wrong key": {401, `{"type":"invalid_request_error","message":"Invalid API Key provided: ` + key + `"}`, "",
			stripecard.Error{Type: "invalid_request_error", Message: "Invalid API Key provided: [redacted]"}},
		"key used before": {400, `{"type":"idempotency_error","message":"Keys can only be used with the same parameters."}`, "",
			stripecard.Error{Type: "idempotency_error", Message: "Keys can only be used with the same parameters."}},
		"too many": {429, `{"type":"invalid_request_error","code":"rate_limit","message":"Too many requests."}`, "7",
			stripecard.Error{Type: "invalid_request_error", Code: "rate_limit", Message: "Too many requests.", RetryAfter: "7"}},
		"in flight": {409, `{"type":"idempotency_error","code":"idempotency_key_in_use","message":"Wait."}`, "Fri, 21 Nov 2025 10:00:00 GMT",
			stripecard.Error{Type: "idempotency_error", Code: "idempotency_key_in_use", Message: "Wait.", RetryAfter: "Fri, 21 Nov 2025 10:00:00 GMT"}},
		"Stripe's fault": {500, `{"type":"api_error","message":"Sorry."}`, number,
			stripecard.Error{Type: "api_error", Message: "Sorry."}},
		"away": {503, `{"type":"api_error","message":"Later."}`, cvc + " Main Street",
			stripecard.Error{Type: "api_error", Message: "Later."}},
		"a type to come": {418, `{"type":"teapot_error","message":"Short and stout."}`, "",
			stripecard.Error{Type: "teapot_error", Message: "Short and stout."}},
	} {
		t.Run(name, func(t *testing.T) {
			c, seen := server(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", tt.retryAfter)
				answer(tt.status, `{"error":`+tt.body+`}`)(w, r)
			})
			tt.want.StatusCode, tt.want.RequestID = tt.status, "req_Abc"

			pm, err := create(t, c)
			assert.Nil(t, pm)
			assert.Equal(t, &tt.want, failed(t, err))

			si, err := c.ConfirmSetupIntent(t.Context(), key, intent, secret, card, "idem-1")
			assert.Nil(t, si)
			assert.Equal(t, &tt.want, failed(t, err))
			assert.EqualValues(t, 2, seen.Load(), "one attempt a call")
		})
	}
}

func TestMessagesAreScrubbed(t *testing.T) {
	spaced := "4000 0566 5566 5556"
	for message, want := range map[string]string{
		"the card " + number + " is bad":                     "the card [redacted] is bad",
		"the card " + spaced + " is bad":                     "the card [redacted] is bad",
		"4000-0566-5566-5556!":                               "[redacted]!",
		"4000%200566%20556655%2556":                          "[redacted]",
		"4.0.0.0.0.5.6.6.5.5.6.6.5.5.5.6":                    "[redacted]",
		"x" + number + "9":                                   "x[redacted]9",
		"another card: 4242 4242 4242 4242":                  "another card: [redacted]",
		"another card: 378282246310005.":                     "another card: [redacted].",
		"cvc=737&exp_month=12":                               "cvc=[redacted]&exp_month=12",
		"cvc%253D737 or 737 737":                             "cvc [redacted] or [redacted] [redacted]",
		"17370 is not the code":                              "17370 is not the code",
		"key " + key + " and " + secret:                      "key [redacted] and [redacted]",
		"key sk_live_Abc1*** and pi_1_secret_2":              "key [redacted] and [redacted]",
		"two\nlines\tand\x00\x1b[31m a\u2028b\u202e c\u200b": "two lines and [31m a b c",
		"<html>" + strings.Repeat("é", 300):                  "<html>" + strings.Repeat("é", 193) + "…",
		strings.Repeat("-", 190) + number:                    strings.Repeat("-", 190) + "[redacted]",
		strings.Repeat("-", 195) + number:                    strings.Repeat("-", 195) + "[red…",
	} {
		quoted := strconv.QuoteToGraphic(message)
		quoted = strings.NewReplacer(`\x00`, `\u0000`, `\x1b`, `\u001b`).Replace(quoted)
		c, _ := server(t, answer(400, `{"error":{"type":"invalid_request_error","message":`+quoted+`}}`))
		_, err := c.ConfirmSetupIntent(t.Context(), key, intent, secret, card, "idem-1")
		e := failed(t, err)
		assert.Equal(t, want, e.Message)
		assert.LessOrEqual(t, utf8.RuneCountInString(e.Message), 200)
		assert.NotContains(t, e.Error(), "\n")
	}
}

func TestNoFieldCarriesTheCard(t *testing.T) {
	for _, planted := range []string{number, "n" + number, "card[" + cvc + "]", cvc, "a b", "<p>", key, secret, "x\ny", strings.Repeat("a", 200)} {
		c, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "after "+planted)
			w.WriteHeader(402)
			fmt.Fprintf(w, `{"error":{"type":%[1]q,"code":%[1]q,"decline_code":%[1]q,"param":%[1]q,"message":"no"}}`, planted)
		})
		_, err := c.ConfirmSetupIntent(t.Context(), key, intent, secret, card, "idem-1")
		assert.Equal(t, &stripecard.Error{StatusCode: 402, Message: "no"}, failed(t, err), planted)
	}
}

// echo is a proxy's page that repeats the whole request.
func echo(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		plain, _ := url.QueryUnescape(string(body))
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html><pre>%s\n%v\n%s\n%s</pre></html>", r.URL, r.Header, body, plain)
	}
}

func TestAnAnswerThatIsNotStripesContributesItsStatus(t *testing.T) {
	form := "type=card&card[number]=" + number + "&card[cvc]=" + cvc
	for name, handle := range map[string]http.HandlerFunc{
		"200 page":            echo(200),
		"201 page":            echo(201),
		"300 page":            echo(300),
		"400 page":            echo(400),
		"402 page":            echo(402),
		"500 page":            echo(500),
		"502 page":            echo(502),
		"200 empty":           answer(200, ""),
		"204 empty":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"200 id as a string":  answer(200, `"pm_1Made"`),
		"200 no id":           answer(200, `{"object":"payment_method","echo":"`+form+`"}`),
		"200 another id":      answer(200, `{"id":"tok_1"}`),
		"200 number as id":    answer(200, `{"id":"pm_`+number+`"}`),
		"200 id of a kind":    answer(200, `{"id":`+number+`}`),
		"200 error":           answer(200, `{"error":{"type":"card_error","message":"`+form+`"}}`),
		"200 two values":      answer(200, paymentMethod+paymentMethod),
		"200 half a value":    answer(200, paymentMethod[:len(paymentMethod)/2]),
		"304 payment method":  answer(304, ""),
		"307 payment method":  answer(307, paymentMethod),
		"400 no error object": answer(400, `{"message":"`+form+`"}`),
		"400 error as text":   answer(400, `{"error":"`+form+`"}`),
		"400 empty error":     answer(400, `{"error":{}}`),
		"400 error of a kind": answer(400, `{"error":{"type":["`+form+`"],"message":7}}`),
		"400 list":            answer(400, `["`+form+`"]`),
		"500 null":            answer(500, `null`),
	} {
		t.Run(name, func(t *testing.T) {
			c, seen := server(t, handle)
			pm, err := create(t, c)
			assert.Nil(t, pm)
			e := failed(t, err)
			e.RequestID = "" // some of the handlers send one
			status, _ := strconv.Atoi(name[:3])
			assert.Equal(t, &stripecard.Error{StatusCode: status, Unreadable: true}, e)
			assert.EqualValues(t, 1, seen.Load())
		})
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		other, seen := new(atomic.Int64), new(atomic.Int64)
		elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { other.Add(1) }))
		t.Cleanup(elsewhere.Close)
		stripe := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen.Add(1)
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
		}))
		t.Cleanup(stripe.Close)

		for _, given := range []*http.Client{nil, {}, {CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}} {
			_, err := create(t, stripecard.New(stripecard.Config{Origin: stripe.URL, HTTPClient: given}))
			assert.Equal(t, &stripecard.Error{StatusCode: status, Unreadable: true}, failed(t, err))
		}
		assert.EqualValues(t, 3, seen.Load())
		assert.Zero(t, other.Load(), "the other host saw a request")
	}
}

func TestAnAnswerIsReadThroughALimit(t *testing.T) {
	body := func(size int) string {
		head, tail := `{"id":"pm_1Made","pad":"`, `"}`
		return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
	}
	c, _ := server(t, answer(200, body(1<<20)))
	pm, err := create(t, c)
	require.NoError(t, err)
	assert.Equal(t, "pm_1Made", pm.ID)

	c, _ = server(t, answer(200, body(1<<20+1)))
	_, err = create(t, c)
	assert.Equal(t, &stripecard.Error{StatusCode: 200, Unreadable: true, RequestID: "req_Abc"}, failed(t, err))

	read := new(atomic.Int64)
	c = over(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(endless{read})}, nil
	})
	_, err = create(t, c)
	assert.True(t, failed(t, err).Unreadable)
	assert.LessOrEqual(t, read.Load(), int64(4<<20), "an endless body is not read to its end")
}

// endless is a body without an end.
type endless struct{ read *atomic.Int64 }

func (e endless) Read(p []byte) (int, error) {
	e.read.Add(int64(len(p)))
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestABodyThatBreaksOffIsSaidToBeCutShort(t *testing.T) {
	for _, status := range []int{200, 402, 500} {
		c, seen := server(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Request-Id", "req_Abc")
			w.Header().Set("Content-Length", strconv.Itoa(len(paymentMethod)))
			w.WriteHeader(status)
			_, _ = io.WriteString(w, paymentMethod[:50])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
		_, err := create(t, c)
		assert.Equal(t, &stripecard.Error{
			StatusCode: status, CutShort: true, RequestID: "req_Abc", Err: io.ErrUnexpectedEOF,
		}, failed(t, err))
		assert.EqualValues(t, 1, seen.Load())
	}
}

func TestANetworkFailureIsReducedToItsKind(t *testing.T) {
	leak := fmt.Errorf("POST %s to https://host.invalid/?card=%s&cvc=%s", key, number, cvc)
	for name, tt := range map[string]struct{ err, want error }{
		"refused":     {&net.OpError{Op: "dial", Err: os.NewSyscallError(number, syscall.ECONNREFUSED)}, syscall.ECONNREFUSED},
		"reset":       {fmt.Errorf("%w: %w", leak, syscall.ECONNRESET), syscall.ECONNRESET},
		"timeout":     {&net.OpError{Op: number, Err: os.ErrDeadlineExceeded}, os.ErrDeadlineExceeded},
		"not ours":    {fmt.Errorf("%w: %w", leak, context.DeadlineExceeded), os.ErrDeadlineExceeded},
		"closed":      {fmt.Errorf("%w: %w", leak, io.EOF), io.ErrUnexpectedEOF},
		"name":        {&net.DNSError{Err: number, Name: "host.invalid"}, nil},
		"unknown":     {leak, nil},
		"stripe-like": {errors.Join(leak, &stripecard.Error{Message: number}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			sent := 0
			_, err := create(t, over(func(r *http.Request) (*http.Response, error) {
				sent++
				assert.Nil(t, r.GetBody, "net/http could repeat the request by itself")
				return nil, tt.err
			}))
			e := failed(t, err)
			assert.Equal(t, 1, sent)
			if tt.want != nil {
				assert.ErrorIs(t, err, tt.want)
			}
			assert.NotContains(t, e.Error(), "invalid")
			var inURL *url.Error
			assert.False(t, errors.As(err, &inURL))
			assert.Equal(t, &stripecard.Error{Err: e.Err}, e)
			assert.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's deadline has not passed")
		})
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := listener.Addr().String()
	require.NoError(t, listener.Close())

	_, err = create(t, stripecard.New(stripecard.Config{Origin: "http://" + addr}))
	e := failed(t, err)
	assert.Zero(t, e.StatusCode)
	assert.Error(t, e.Err)
	assert.NotContains(t, e.Error(), addr)
}

func TestAServerOfAnotherProtocolIsNotQuoted(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 4096))
		// net/http quotes the first line of such an answer in its error.
		_, _ = io.WriteString(conn, number+" "+cvc+"\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}()
	_, err = create(t, stripecard.New(stripecard.Config{Origin: "http://" + listener.Addr().String()}))
	assert.Zero(t, failed(t, err).StatusCode)
}

func TestAnUntrustedCertificateEndsTheCall(t *testing.T) {
	srv := httptest.NewUnstartedServer(answer(200, paymentMethod))
	srv.Config.ErrorLog = silent
	srv.StartTLS()
	t.Cleanup(srv.Close)
	_, err := create(t, stripecard.New(stripecard.Config{Origin: srv.URL}))
	assert.ErrorContains(t, failed(t, err), "certificate")
}
