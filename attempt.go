package modelslab

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelslab/modelslab-agents-go/internal/points"
	"github.com/modelslab/modelslab-agents-go/internal/retry"
)

// One sending of a request, and the reading of its answer: what net/http does
// for a call.

// flight follows one request through net/http, which may send it more than
// once by itself.
type flight struct {
	asked, got atomic.Int32
	trace      httptrace.ClientTrace
}

func (f *flight) getConn(string)                { f.asked.Add(1) }
func (f *flight) gotConn(httptrace.GotConnInfo) { f.got.Add(1) }

// result is what became of one sending.
type result struct {
	retry.Attempt
	answer answer
	err    error // no answer, or one that broke off
	body   *[]byte
}

func (r *result) free() {
	if r != nil && r.body != nil {
		releaseBody(r.body)
		r.body = nil
	}
}

// attempt sends the request once.
func (t *trip) attempt(ctx context.Context) (r result) {
	t.attempts++
	cfg := t.c.cfg
	timeout := t.timeout()
	start := time.Now()
	if t.events != nil {
		ctx = t.events.begin(ctx, timeout)
	} else if deadline, ok := ctx.Deadline(); !ok || deadline.Sub(start) > timeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var f *flight
	if t.e.Repeat != RepeatSafe {
		f = &flight{}
		f.trace.GetConn, f.trace.GotConn = f.getConn, f.gotConn
		ctx = httptrace.WithClientTrace(ctx, &f.trace)
	}
	r.Final = t.e.full == table[walletConfirmCheckout].full || t.e.full == table[subscriptionsConfirmCheckout].full

	if t.pay != nil {
		points.Pass(ctx, points.Sending)
	}
	if t.overslept() {
		r.err = t.networkError(errOverslept) // and the journal is asked before it is sent again
		return r
	}
	// Not http.Client.Do: it prepares for redirects, which are never followed.
	resp, err := cfg.transport.RoundTrip(t.request(ctx)) //nolint:bodyclose // readBody closes it
	if err == nil && (resp == nil || resp.Body == nil) {
		err = errors.New("the transport gave neither an answer nor an error")
	}
	if err != nil {
		// Of a body that a file's trouble has cut off nobody can have read the end.
		r.Sent = sent(f, err) && !t.upload.broke()
		r.err = t.networkError(err)
		t.log(ctx, &r, start)
		return r
	}
	r.Status, r.Sent = resp.StatusCode, true
	if !cfg.private || len(cfg.policies) > 0 {
		cfg.clock.hear(resp.Header["Date"])
	}
	if t.events.take(resp) {
		r.answer = newAnswer(resp.StatusCode, resp.Header, nil)
		t.limit.update(r.Status, resp.Header, time.Now(), 0)
		t.log(ctx, &r, start)
		return r
	}
	body, err := readBody(resp, cfg.maxResponse)
	r.body = body
	delete(resp.Header, "Set-Cookie")
	switch {
	case err == nil:
		r.answer = newAnswer(resp.StatusCode, resp.Header, *body)
	case errors.Is(err, errTooLarge):
		r.answer = answer{status: resp.StatusCode, header: resp.Header, shape: shapeOther}
		r.err = t.networkError(err)
	default:
		r.answer = answer{status: resp.StatusCode, header: resp.Header, shape: shapeOther}
		r.CutShort = true
		r.err = t.networkError(err)
	}
	if t.e.Job && r.Status == http.StatusTooManyRequests && r.answer.shape == shapeObject {
		// A refusal that holds a job is none.
		switch GenerationStatus(jsonText(member(r.answer.body, "status"))) {
		case StatusProcessing, StatusSuccess:
			r.CutShort = true
		}
	}
	// A request without a body is repeated by net/http itself when a kept
	// connection turns out to be dead, if it is a GET or has a key; the first
	// sending then never got an answer.
	if f != nil && t.body == nil && t.files == nil && (t.key != "" || t.e.Method == get) && f.got.Load() > 1 {
		t.unanswered = true
	}
	// A full queue of jobs (429 without a limiter's headers) must not keep the
	// jobs in it from being asked for.
	if _, counted := headerInt(resp.Header, "X-Ratelimit-Remaining"); t.limit != nil && (counted || t.e.Limiter != LimiterGeneration) {
		var after time.Duration
		if r.Status == http.StatusTooManyRequests {
			after = t.retryAfter(&r, start)
		}
		t.limit.update(r.Status, resp.Header, time.Now(), after)
	}
	t.log(ctx, &r, start)
	return r
}

// timeout bounds one attempt.
func (t *trip) timeout() time.Duration {
	timeout := t.opts.timeout
	if timeout == 0 {
		timeout = defaultRequestTimeout + t.files.patience()
	}
	if d := t.c.cfg.timeout; d > 0 {
		timeout = min(timeout, d)
	}
	return timeout
}

var errOverslept = errors.New("too long ago written down to be sent; nothing was sent this time")

// sent reports whether bytes may have left. That none did needs proof: no
// connection could be made, or none was handed over. A transport that reports
// nothing has sent.
func sent(f *flight, err error) bool {
	if f == nil {
		return true
	}
	if f.got.Load() > 0 {
		return true
	}
	if f.asked.Load() > 0 {
		return false
	}
	op, ok := as[*net.OpError](err)
	return !ok || op.Op != "dial"
}

// Shared by all requests, never written to.
var (
	valueJSON   = []string{"application/json"}
	valueEvents = []string{"text/event-stream, application/json"}
)

// request builds the request anew, so that no attempt sees what a transport
// did to the one before. It has no GetBody: net/http must not send a body twice
// without our counting it.
func (t *trip) request(ctx context.Context) *http.Request {
	cfg := t.c.cfg
	h := make(http.Header, 8)
	h["Accept"] = valueJSON
	if t.events != nil {
		h["Accept"] = valueEvents
	}
	h["User-Agent"] = cfg.userAgent
	if t.e.Bearer {
		h["Authorization"] = t.cred.bearer
	}
	switch generationAuth(t.e) {
	case keyInBearer:
		h["Authorization"] = []string{"Bearer " + t.cred.apiKey}
	case keyInHeader:
		h["Key"] = []string{t.cred.apiKey}
	}
	if t.key != "" {
		h["Idempotency-Key"] = []string{t.key}
	}
	for _, f := range t.opts.headers {
		h[f.name] = append(h[f.name], f.value)
	}
	req := (&http.Request{
		Method: t.e.Method,
		URL:    &url.URL{Scheme: cfg.scheme, Host: cfg.host, Path: t.path, RawPath: t.escaped, RawQuery: t.query},
		Host:   cfg.host,
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h,
	}).WithContext(ctx)
	if t.files != nil {
		h["Content-Type"] = valueJSON
		t.upload = t.files.open(ctx)
		req.Body, req.ContentLength = t.upload, t.files.length
	}
	if t.body != nil {
		h["Content-Type"] = valueJSON
		// net/http knows this kind of body, and sends it with the headers in one
		// piece.
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(t.body)), int64(len(t.body))
	}
	return req
}

var errTooLarge = errors.New("the answer is larger than WithMaxResponseBytes allows")

// bodies keeps buffers for answers. What outlives a call is copied out of them.
var bodies = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}

const maxPooledBody = 1 << 20

func releaseBody(b *[]byte) {
	if cap(*b) <= maxPooledBody {
		*b = (*b)[:0]
		bodies.Put(b)
	}
}

// readBody reads an answer to its end, so that the connection can be used
// again, and closes it.
func readBody(resp *http.Response, limit int64) (*[]byte, error) {
	defer func() { _ = resp.Body.Close() }()
	p := bodies.Get().(*[]byte)
	b := (*p)[:0]
	if n := resp.ContentLength; n > int64(cap(b)) && n <= limit {
		b = make([]byte, 0, min(n+1, maxPooledBody)) // a header alone allocates no more
	}
	var err error
	for err == nil {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		room := b[len(b):cap(b)]
		if left := limit - int64(len(b)); int64(len(room)) > left {
			room = room[:left+1] // one more than there may be, to see whether there is
		}
		var n int
		n, err = resp.Body.Read(room)
		b = b[:len(b)+n]
		if int64(len(b)) > limit {
			err = errTooLarge
		}
	}
	*p = b
	if err == io.EOF {
		err = nil
	}
	return p, err
}

// networkError is err without the URL that net/http writes into it.
func (t *trip) networkError(err error) error {
	if u, ok := as[*url.Error](err); ok {
		err = u.Err
	}
	return &networkError{method: t.e.Method, path: t.e.Path, text: clean(t.scrub(err.Error()), maxMessageText), err: err}
}

type networkError struct {
	method, path, text string
	err                error
}

func (e *networkError) Error() string { return "modelslab: " + e.method + " " + e.path + ": " + e.text }
func (e *networkError) Unwrap() error { return e.err }

// log writes one record for an attempt.
func (t *trip) log(ctx context.Context, r *result, start time.Time) {
	l := t.c.cfg.logger
	if l == nil || !l.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("endpoint", t.e.Name), slog.String("method", t.e.Method), slog.String("path", t.e.Path),
		slog.Int("attempt", t.attempts), slog.Duration("duration", time.Since(start)),
	}
	if r.Status != 0 {
		attrs = append(attrs, slog.Int("status", r.Status), slog.String("request_id", clean(t.scrub(r.answer.requestID()), maxCodeText)))
		if left, ok := headerInt(r.answer.header, "X-Ratelimit-Remaining"); ok {
			attrs = append(attrs, slog.String("limiter", string(t.e.Limiter)), slog.Int64("remaining", left))
		}
	}
	if r.err != nil {
		attrs = append(attrs, slog.String("error", r.err.Error()))
	}
	l.LogAttrs(ctx, slog.LevelDebug, "modelslab attempt", attrs...)
}
