package modelslab

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// An answer that streams events: the road up to its headers, and then a body that
// somebody reads while it comes.

// eventBody is such an answer, or the whole one that came instead.
type eventBody struct {
	t *trip
	// whole is the answer, if it was no stream.
	whole *answer

	body    io.ReadCloser // nil: no stream
	timeout time.Duration // for the headers, and for each silence
	timer   *time.Timer
	cancel  context.CancelCauseFunc
	ctx     context.Context
	silent  *atomic.Bool // of the attempt at hand
	left    int64        // bytes that may still come
}

// streamFactor is how many times larger than an answer a stream of one may be:
// what is around its words takes more room than they do.
const streamFactor = 16

// What is read, and how long, behind the end of a stream.
const (
	drainTime  = 100 * time.Millisecond
	drainBytes = 4 << 10
)

var errSilence = errors.New("nothing came for as long as WithRequestTimeout allows")

// openStream takes a call down the road as far as its answer's headers. Refusals
// and repeats are those of any call. The caller closes what it gets.
func openStream(ctx context.Context, c *Client, e endpoint, in input, opts []RequestOption) (*eventBody, error) {
	b := &eventBody{}
	b.t = &trip{c: c, e: e.row(), in: in, events: b}
	if err := b.t.walk(ctx, b, opts); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// begin makes the context of one attempt. The one before, if any, has ended.
func (b *eventBody) begin(ctx context.Context, timeout time.Duration) context.Context {
	b.end()
	ctx, cancel := context.WithCancelCause(ctx)
	b.ctx, b.cancel, b.timeout = ctx, cancel, timeout
	silent := &atomic.Bool{}
	b.silent, b.left = silent, b.t.c.cfg.maxResponse*streamFactor
	b.timer = time.AfterFunc(timeout, func() {
		silent.Store(true)
		cancel(errSilence)
	})
	return ctx
}

func (b *eventBody) end() {
	if b.timer != nil {
		b.timer.Stop()
		b.cancel(nil)
	}
}

// take keeps the body of an answer that streams.
func (b *eventBody) take(resp *http.Response) bool {
	if b == nil || resp.StatusCode < 200 || resp.StatusCode > 299 {
		return false
	}
	media, _, err := mime.ParseMediaType(first(resp.Header["Content-Type"]))
	if err != nil || !strings.EqualFold(media, "text/event-stream") {
		return false
	}
	delete(resp.Header, "Set-Cookie")
	b.body = resp.Body
	b.timer.Stop()
	return true
}

// taken reports whether there is a stream.
func (b *eventBody) taken() bool { return b != nil && b.body != nil }

// decode keeps the whole answer that came instead of a stream.
func (b *eventBody) decode(_ *trip, a *answer) error {
	if a.shape == shapeEmpty {
		return errNoData
	}
	whole := newAnswer(a.status, a.header, bytes.Clone(a.body))
	b.whole = &whole
	return nil
}

// Read reads from the stream. A silence ends it; the caller may take its time
// between two of these.
func (b *eventBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.timeout)
	n, err := b.body.Read(p)
	b.timer.Stop()
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	if err != nil && !errors.Is(err, io.EOF) && b.silent.Load() {
		err = errSilence
	}
	return n, err
}

// drain reads what may stand behind the end, so that the connection can be used
// again. A server that goes on is not waited for.
func (b *eventBody) drain() {
	if b.body == nil {
		return
	}
	b.timer.Reset(drainTime)
	_, _ = io.CopyN(io.Discard, b.body, drainBytes)
}

// Close hangs up. It can be called at any time, and again.
func (b *eventBody) Close() {
	b.end()
	if b.body != nil {
		_ = b.body.Close()
	}
}

// broken is the error of a stream that broke off: it may have been paid.
func (b *eventBody) broken(err error) error {
	e := b.t.apiError(&b.t.last)
	e.Message, e.OutcomeUnknown = "the stream broke off", true
	return seal(b.t.unknown(&lostAnswer{b.t.networkError(err), e}))
}

// refused is the error that an event of the stream tells. What came before it may
// have been paid.
func (b *eventBody) refused(code, message string) error {
	e := b.t.apiError(&b.t.last)
	e.Code, e.Message = b.t.scrub(code), clean(b.t.scrub(message), maxMessageText)
	e.OutcomeUnknown = b.t.e.Spends
	if !e.OutcomeUnknown {
		return seal(e)
	}
	return seal(b.t.unknown(e))
}
