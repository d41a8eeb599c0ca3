package stripecard

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Error is every failure of this package. It holds nothing of what stripe-go
// said, and of what Stripe said only fields that are free of the card, the key
// and the client secret, so that it is safe to print in any way.
//
// Without a StatusCode no answer came: Err then tells why, or is nil if the
// request was refused here and never sent.
type Error struct {
	StatusCode  int    // 0: no answer
	Type        string // card_error, invalid_request_error, api_error, …
	Code        string // card_declined, …
	DeclineCode string // insufficient_funds, …
	Param       string // the parameter at fault
	Message     string // one line, at most 200 characters
	RequestID   string
	RetryAfter  string // the header: seconds or an HTTP date
	CutShort    bool   // the answer's body broke off
	Unreadable  bool   // the answer is not Stripe's: a page, a redirect, over 1 MiB, a result without its id
	// Err is context.Canceled or context.DeadlineExceeded if the caller's
	// context ended, else a plain cause such as syscall.ECONNREFUSED or
	// os.ErrDeadlineExceeded: never text from a peer.
	Err error
}

// Error returns one short line.
func (e *Error) Error() string {
	parts := []string{"stripe:"}
	add := func(format, s string) {
		if s != "" {
			parts = append(parts, strings.Replace(format, "*", s, 1))
		}
	}
	if e.StatusCode != 0 {
		add("*", strconv.Itoa(e.StatusCode))
	}
	add("*", e.Type)
	add("*", e.Code)
	add("(*)", e.DeclineCode)
	add("param *", e.Param)
	if e.CutShort {
		add("*", "the answer broke off:")
	}
	if e.Unreadable {
		add("*", "the answer is not one of Stripe's")
	}
	if e.Err != nil {
		add("*", e.Err.Error())
	}
	add("[*]", e.RequestID)
	add("- *", e.Message)
	return strings.Join(parts, " ")
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// refusal is the error for a request that is not sent. It does not repeat the
// value: somebody may have put a card number or a secret key there.
func refusal(param, message string) *Error {
	return &Error{Param: param, Message: message + "; nothing was sent"}
}

// The causes that have no error value in the standard library.
var (
	errLookup      = errors.New("the host name could not be resolved")
	errCertificate = errors.New("the host's certificate is not trusted")
	errNetwork     = errors.New("the request failed")
)

// cause reduces err to a kind. Its text may quote the URL, a proxy's answer or
// the first line that came back, which can be an echo of the request.
func (x *exchange) cause(err error) error {
	if ended := x.ended(); ended != nil {
		return ended
	}
	var (
		timeout     net.Error
		number      syscall.Errno
		lookup      *net.DNSError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return os.ErrDeadlineExceeded
	case errors.As(err, &number):
		return number
	case errors.As(err, &lookup):
		return errLookup
	case errors.As(err, &certificate):
		return errCertificate
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	}
	return errNetwork
}

// retryAfter returns the header if it has one of its two forms.
func retryAfter(h http.Header) string {
	value := h.Get("Retry-After")
	if _, err := strconv.ParseUint(value, 10, 32); err == nil {
		return value
	}
	if _, err := http.ParseTime(value); err == nil {
		return value
	}
	return ""
}
