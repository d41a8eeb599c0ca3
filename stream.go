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
	silent  atomic.Bool
}

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
	b.timer = time.AfterFunc(timeout, func() {
		b.silent.Store(true)
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
	if err != nil && !errors.Is(err, io.EOF) && b.silent.Load() {
		err = errSilence
	}
	return n, err
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
