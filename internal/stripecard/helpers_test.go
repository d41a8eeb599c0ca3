package stripecard_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/internal/stripecard"
)

const (
	number = "4000056655665556"
	cvc    = "737"
	key    = "pk_test_51PublishableKey"
	intent = "seti_1Intent"
	secret = "seti_1Intent_secret_Client"
)

var card = stripecard.Card{Number: number, CVC: cvc, ExpMonth: 12, ExpYear: 2031}

// server is a Stripe whose every answer is handle's, and counts the requests.
func server(t *testing.T, handle http.HandlerFunc) (client *stripecard.Client, seen *atomic.Int64) {
	t.Helper()
	seen = new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		handle(w, r)
	}))
	t.Cleanup(srv.Close)
	return stripecard.New(stripecard.Config{Origin: srv.URL}), seen
}

// answer is a handler that reads the request and always says the same.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Request-Id", "req_Abc")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// roundTripper is a function in the place of the network.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// over is a Client whose network is f.
func over(f roundTripper) *stripecard.Client {
	return stripecard.New(stripecard.Config{Origin: "https://stripe.invalid", HTTPClient: &http.Client{Transport: f}})
}

// create makes the one call most tests are about.
func create(t *testing.T, c *stripecard.Client) (*stripecard.PaymentMethod, error) {
	t.Helper()
	return c.CreatePaymentMethod(t.Context(), key, card, "idem-1")
}

// failed returns err as what every error must be, and looks for secrets in it.
func failed(t *testing.T, err error) *stripecard.Error {
	t.Helper()
	require.Error(t, err)
	var e *stripecard.Error
	require.ErrorAs(t, err, &e)
	for link := err; link != nil; link = errors.Unwrap(link) {
		assertHidden(t, link)
	}
	assertHidden(t, *e)
	assertHidden(t, struct{ hidden *stripecard.Error }{e})
	return e
}

// assertHidden prints v in every way and looks for the card, its CVC, the key
// and the client secret.
func assertHidden(t *testing.T, v any) {
	t.Helper()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", v)
	}
	b, err := json.Marshal(v)
	require.NoError(t, err)
	out.Write(b)
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "v", v)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "v", v)
	// A time of the log can hold the CVC's digits by chance, so the two logs
	// are looked at without it.
	for _, s := range []string{number, number[:6], fmt.Sprintf("%x", number), key, secret} {
		assert.NotContains(t, out.String(), s)
	}
	assert.NotRegexp(t, `(^|[^0-9.:])`+cvc+`([^0-9Z]|$)`, out.String())
}
