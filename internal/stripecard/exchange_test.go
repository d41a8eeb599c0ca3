package stripecard_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/internal/stripecard"
)

var silent = log.New(io.Discard, "", 0)

func TestTheCallersTraceHooksSeeNothing(t *testing.T) {
	type private struct{}
	ctx := context.WithValue(t.Context(), private{}, "a value of the caller's")
	hook := func(name string) { t.Errorf("%s was called", name) }
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:              func(string) { hook("GetConn") },
		GotConn:              func(httptrace.GotConnInfo) { hook("GotConn") },
		GotFirstResponseByte: func() { hook("GotFirstResponseByte") },
		Got1xxResponse:       func(int, textproto.MIMEHeader) error { hook("Got1xxResponse"); return nil },
		ConnectStart:         func(string, string) { hook("ConnectStart") },
		WroteHeaderField:     func(k string, v []string) { hook("WroteHeaderField") },
		WroteHeaders:         func() { hook("WroteHeaders") },
		WroteRequest:         func(httptrace.WroteRequestInfo) { hook("WroteRequest") },
	})

	c, _ := server(t, answer(200, paymentMethod))
	_, err := c.CreatePaymentMethod(ctx, key, card, "idem-1")
	require.NoError(t, err)

	c = over(func(r *http.Request) (*http.Response, error) {
		assert.Nil(t, r.Context().Value(private{}))
		assert.Nil(t, httptrace.ContextClientTrace(r.Context()))
		return nil, io.EOF
	})
	_, err = c.CreatePaymentMethod(ctx, key, card, "idem-1")
	_ = failed(t, err)
}

func TestTheCallersCancellationEndsTheCall(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan struct{})
	c, seen := server(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel(fmt.Errorf("a cause that names %s", number))
		<-done
	})
	defer close(done)
	_, err := c.CreatePaymentMethod(ctx, key, card, "idem-1")
	assert.Equal(t, &stripecard.Error{Err: context.Canceled}, failed(t, err))

	_, err = c.CreatePaymentMethod(ctx, key, card, "idem-1")
	assert.Equal(t, &stripecard.Error{Err: context.Canceled}, failed(t, err))
	assert.EqualValues(t, 1, seen.Load(), "a context that has ended sends nothing")
}

func TestACancellationWhileTheAnswerComes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	c, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, paymentMethod[:50])
		_ = http.NewResponseController(w).Flush()
		cancel()
		<-done
	})
	defer close(done)
	_, err := c.CreatePaymentMethod(ctx, key, card, "idem-1")
	e := failed(t, err)
	assert.ErrorIs(t, e, context.Canceled)
	assert.Equal(t, e.StatusCode == 200, e.CutShort)
}

// hung is a network in which nothing happens until the request's context ends.
func hung(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestTheCallersDeadlineIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := over(hung).CreatePaymentMethod(ctx, key, card, "idem-1")
		assert.Equal(t, &stripecard.Error{Err: context.DeadlineExceeded}, failed(t, err))
		assert.Equal(t, time.Minute, time.Since(start))

		_, err = over(hung).CreatePaymentMethod(ctx, key, card, "idem-1")
		assert.Equal(t, &stripecard.Error{Err: context.DeadlineExceeded}, failed(t, err))
	})
}

// late is a context in the moment between its deadline and its timer.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now(), true }

func TestADeadlineCountsBeforeItsTimerFires(t *testing.T) {
	c, seen := server(t, answer(200, paymentMethod))
	_, err := c.CreatePaymentMethod(late{t.Context()}, key, card, "idem-1")
	assert.Equal(t, &stripecard.Error{Err: context.DeadlineExceeded}, failed(t, err))
	assert.Zero(t, seen.Load())
}

func TestTheClientsOwnTimeoutIsNotTheCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := stripecard.New(stripecard.Config{HTTPClient: &http.Client{Transport: roundTripper(hung), Timeout: time.Second}})
		_, err := create(t, c)
		assert.Equal(t, &stripecard.Error{Err: os.ErrDeadlineExceeded}, failed(t, err))
		assert.NotErrorIs(t, err, context.DeadlineExceeded)
	})
	assert.NotZero(t, stripecard.NewHTTPClient().Timeout)
}

func TestTheCallersClientIsCopied(t *testing.T) {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	var cookies, protocols []string
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies = append(cookies, r.Header["Cookie"]...)
		protocols = append(protocols, r.Proto)
		http.SetCookie(w, &http.Cookie{Name: "tracker", Value: "1"})
		answer(200, paymentMethod)(w, r)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	origin, err := url.Parse(srv.URL)
	require.NoError(t, err)

	mine := srv.Client()
	mine.Jar = jar
	before := *mine
	client := stripecard.New(stripecard.Config{Origin: srv.URL, HTTPClient: mine})
	for range 2 {
		_, err = create(t, client)
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"HTTP/1.1", "HTTP/1.1"}, protocols)
	assert.Empty(t, cookies)
	assert.Empty(t, jar.Cookies(origin))
	assert.Same(t, before.Transport, mine.Transport)
	assert.Nil(t, mine.CheckRedirect)

	mine.Jar = nil
	resp, err := mine.Get(srv.URL)
	require.NoError(t, err)
	_ = resp.Body.Close()
	assert.Equal(t, "HTTP/2.0", resp.Proto, "the original is as it was")
}

// TestNothingIsPrinted runs this test again as a child that has net/http print
// what it does, since its debug output is fixed when a program starts.
func TestNothingIsPrinted(t *testing.T) {
	if mode := os.Getenv("STRIPECARD_CHILD"); mode != "" {
		child(t, mode)
		return
	}
	for _, mode := range []string{"own", "callers", "echoes", "unsolicited"} {
		out := run(t, mode)
		assert.NotRegexp(t, number+`|(^|[^0-9.:])`+cvc+`([^0-9]|$)|http2`, out, mode)
		assert.NotRegexp(t, `\[(DEBUG|INFO|WARN|ERROR)\]`, out, "stripe-go logged something")
	}
	assert.Contains(t, run(t, "control"), number, "HTTP/2's debug output shows what is sent over it")
}

func run(t *testing.T, mode string) string {
	t.Helper()
	self := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNothingIsPrinted$", "-test.v")
	self.Env = append(os.Environ(), "STRIPECARD_CHILD="+mode, "GODEBUG=http2debug=2")
	out, err := self.CombinedOutput()
	require.NoError(t, err, "the child in mode %s failed:\n%s", mode, bytes.ReplaceAll(out, []byte(number), []byte("N")))
	require.Contains(t, string(out), "PASS")
	return string(out)
}

func child(t *testing.T, mode string) {
	srv := httptest.NewUnstartedServer(answer(200, paymentMethod))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	trusting := stripecard.NewHTTPClient()
	trusting.Transport.(*http.Transport).TLSClientConfig = &tls.Config{
		RootCAs: srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs,
	}

	switch mode {
	case "own":
		_, err := create(t, stripecard.New(stripecard.Config{Origin: srv.URL, HTTPClient: trusting}))
		require.NoError(t, err)
	case "callers":
		mine := srv.Client()
		_, err := create(t, stripecard.New(stripecard.Config{Origin: srv.URL, HTTPClient: mine}))
		require.NoError(t, err)
	case "echoes":
		for _, status := range []int{200, 302, 400, 500} {
			for _, handle := range []http.HandlerFunc{
				echo(status),
				answer(status, `{"error":{"type":"api_error","message":"`+number+` `+cvc+`"}}`),
			} {
				c, _ := server(t, handle)
				_, err := create(t, c)
				_ = failed(t, err)
			}
		}
	case "unsolicited":
		unsolicited(t)
	case "control":
		resp, err := srv.Client().PostForm(srv.URL, url.Values{"card[number]": {number}})
		require.NoError(t, err)
		_ = resp.Body.Close()
	}
}

// unsolicited is a server that goes on with an echo after its answer, which
// net/http prints if it still has the connection.
func unsolicited(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = conn.Read(make([]byte, 4096))
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(paymentMethod), paymentMethod)
		_, _ = io.WriteString(conn, number+" "+cvc+"\r\n")
		_, _ = io.Copy(io.Discard, conn)
	}()
	_, err = create(t, stripecard.New(stripecard.Config{Origin: "http://" + listener.Addr().String()}))
	require.NoError(t, err)
	<-closed // by the client: the connection is not kept
}
