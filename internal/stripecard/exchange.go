package stripecard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"
)

const (
	// maxAnswer bounds a body. Stripe's answers to these calls are a few KiB.
	maxAnswer = 1 << 20
	// maxHeader bounds the headers of an answer.
	maxHeader = 64 << 10
	// timeout ends a request whose caller set no deadline; it is what Stripe's
	// own libraries take.
	timeout = 80 * time.Second
)

// NewHTTPClient returns the client that Stripe calls use unless told otherwise.
func NewHTTPClient() *http.Client {
	client := discreet(http.Client{Timeout: timeout})
	return &client
}

// discreet returns client without the habits of net/http that show a card to
// somebody else: a 307 sends it to another host, HTTP/2 prints it under
// GODEBUG=http2debug=2, and an idle connection prints what comes in on it, be
// it an echo. A nil Transport is not http.DefaultTransport here, since anybody
// can replace that.
func discreet(client http.Client) http.Client {
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if client.Transport == nil {
		client.Transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout:    15 * time.Second,
			MaxResponseHeaderBytes: maxHeader,
		}
	}
	if transport, ok := client.Transport.(*http.Transport); ok {
		transport = transport.Clone()
		transport.DisableKeepAlives = true
		transport.ForceAttemptHTTP2 = false
		transport.TLSNextProto = nil
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetHTTP1(true)
		if transport.TLSClientConfig != nil {
			transport.TLSClientConfig.NextProtos = nil
		}
		client.Transport = transport
	}
	return client
}

// exchange is one request and what came of it. It is the transport that
// stripe-go sees, so that stripe-go reads no answer that it would quote.
type exchange struct {
	ctx     context.Context
	origin  string
	http    http.Client
	secrets secrets

	status int         // 0 until an answer came
	header http.Header // of the answer
	broken error       // what ended the body early
}

var errUnusable = errors.New("not an answer of Stripe")

// RoundTrip sends req once and reads its whole answer.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	// Without GetBody net/http cannot repeat the request by itself, which it
	// does for one with an Idempotency-Key when a kept connection turns out to
	// be closed.
	once := req.WithContext(req.Context())
	once.GetBody = nil
	// stripe-go gives no length, which would send the form in chunks.
	if req.Body != nil {
		form, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		once.Body, once.ContentLength = io.NopCloser(bytes.NewReader(form)), int64(len(form))
	}

	resp, err := x.http.Transport.RoundTrip(once)
	if err != nil || resp == nil {
		return nil, err
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	x.status, x.header = resp.StatusCode, resp.Header

	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close()
	if err != nil {
		x.broken = err
		return nil, err
	}
	// stripe-go takes whatever is below 400 for a success.
	success := resp.StatusCode/100 == 2
	if len(body) > maxAnswer || !success && resp.StatusCode < 400 || !isObject(body) {
		return nil, errUnusable
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// isObject reports whether body is one JSON object. A string is not enough:
// stripe-go takes one for the id of an object it was not sent.
func isObject(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) && json.Valid(body)
}

// failure says what went wrong, from what the exchange saw itself; of err it
// takes nothing but the fields of Stripe's error object.
func (x *exchange) failure(err error) *Error {
	if x.status == 0 {
		return &Error{Err: x.cause(err)}
	}
	e := &Error{StatusCode: x.status, RequestID: x.requestID(), RetryAfter: retryAfter(x.header)}
	var told *stripe.Error
	switch {
	case x.broken != nil:
		e.CutShort, e.Err = true, x.cause(x.broken)
	case errors.As(err, &told) && (told.Type != "" || told.Msg != ""):
		e.Type = x.secrets.word(string(told.Type))
		e.Code = x.secrets.word(string(told.Code))
		e.DeclineCode = x.secrets.word(string(told.DeclineCode))
		e.Param = x.secrets.word(told.Param)
		e.Message = x.secrets.line(told.Msg)
	default:
		e.Unreadable = true
	}
	return e
}

// unreadable is the error for an answer that is well-formed and yet not what
// the call must return.
func (x *exchange) unreadable() *Error { return x.failure(errUnusable) }

func (x *exchange) requestID() string { return x.secrets.id(x.header.Get("Request-Id")) }

// ended tells how the caller's context ended, or nil. A dial watches the
// deadline with a clock of its own, and can give up a moment before ctx does.
func (x *exchange) ended() error {
	deadline, ok := x.ctx.Deadline()
	switch err := x.ctx.Err(); {
	case errors.Is(err, context.DeadlineExceeded), ok && !time.Now().Before(deadline):
		return context.DeadlineExceeded
	case err != nil:
		return context.Canceled
	}
	return nil
}

// valueless is a context without its values: trace hooks, which see headers,
// and whatever else the caller's program passes along.
type valueless struct{ context.Context }

func (valueless) Value(any) any { return nil }
