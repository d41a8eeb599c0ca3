package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
)

// Transport carries requests to the server without a socket, whatever host they name. It
// behaves as net/http's transport does on a fresh connection: a dropped connection is
// io.EOF, a body that breaks off ends in io.ErrUnexpectedEOF, an ended context ends the
// request but not the work, and httptrace hooks learn when bytes have left.
func (s *Server) Transport() http.RoundTripper { return memory{s} }

type memory struct{ s *Server }

// peer is the address that requests in memory come from.
const peer = "127.0.0.1:49152"

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }() // it was only read
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	select {
	case <-m.s.closed:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused: the sandbox is closed")}
	default:
	}
	trace := httptrace.ContextClientTrace(ctx)
	if trace == nil {
		trace = &httptrace.ClientTrace{}
	}
	connected(trace, r)
	arrived, err := receivedForm(r)
	wrote(trace, err)
	if err != nil {
		return nil, err
	}
	answered := make(chan *recorder, 1)
	go func() {
		w := &recorder{header: http.Header{}}
		defer func() { answered <- w }()
		defer w.recover()
		m.s.ServeHTTP(w, arrived)
	}()
	select {
	case w := <-answered:
		if w.status != 0 && trace.GotFirstResponseByte != nil {
			trace.GotFirstResponseByte()
		}
		return w.response(r)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-m.s.closed:
		return nil, io.EOF
	}
}

func connected(trace *httptrace.ClientTrace, r *http.Request) {
	if trace.GetConn != nil {
		trace.GetConn(r.URL.Host)
	}
	if trace.GotConn != nil {
		// Hooks may look at the connection, so there has to be one.
		near, far := net.Pipe()
		_ = far.Close() // closing a pipe cannot fail
		trace.GotConn(httptrace.GotConnInfo{Conn: near})
	}
	if trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
}

func wrote(trace *httptrace.ClientTrace, err error) {
	if trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{Err: err})
	}
}

// receivedForm is the request as a server sees it, read to its end.
func receivedForm(r *http.Request) (*http.Request, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		if r.ContentLength > 0 && int64(len(body)) != r.ContentLength {
			return nil, fmt.Errorf("http: ContentLength=%d with Body length %d", r.ContentLength, len(body))
		}
	}
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.ContentLength = int64(len(body))
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = peer
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	in.Header = r.Header.Clone()
	if in.Header == nil {
		in.Header = http.Header{}
	}
	return in, nil
}

// recorder is the http.ResponseWriter of a request in memory.
type recorder struct {
	header  http.Header
	status  int
	body    bytes.Buffer
	aborted bool
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// recover turns the abort of a handler into what the other end of a connection sees.
func (w *recorder) recover() {
	switch p := recover(); p {
	case nil:
	case http.ErrAbortHandler:
		w.aborted = true
	default:
		panic(p)
	}
}

func (w *recorder) response(r *http.Request) (*http.Response, error) {
	if w.aborted && w.status == 0 {
		return nil, io.EOF
	}
	var length int64
	if _, err := fmt.Sscan(w.header.Get("Content-Length"), &length); err != nil {
		length = -1 // a stream
	}
	var body io.Reader = &w.body
	if w.aborted {
		body = io.MultiReader(body, brokenOff{})
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)),
		StatusCode: w.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(body), ContentLength: length, Request: r,
	}, nil
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
