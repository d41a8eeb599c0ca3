package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// visitor is a client made by hand: it knows the wire and nothing else.
type visitor struct {
	t      testing.TB
	srv    *sandbox.Server
	client *http.Client
	token  string
	apiKey string
}

type reply struct {
	*http.Response
	text string
	body map[string]any
}

// at walks into the body: r.at("data", "payment", "status").
func (r reply) at(path ...string) any {
	var here any = r.body
	for _, name := range path {
		inner, _ := here.(map[string]any)
		here = inner[name]
	}
	return here
}

func visit(t testing.TB, opts ...sandbox.Option) *visitor {
	t.Helper()
	srv := sandbox.New(append([]sandbox.Option{sandbox.InMemory()}, opts...)...)
	t.Cleanup(srv.Close)
	return &visitor{t: t, srv: srv, client: &http.Client{
		Transport:     srv.Transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// visitAs is visit with a ready-made account.
func visitAs(t testing.TB, cents int64, opts ...sandbox.Option) *visitor {
	t.Helper()
	v := visit(t, opts...)
	a := v.srv.Account(sandbox.AccountParams{BalanceCents: cents})
	v.token, v.apiKey = a.AccessToken, a.APIKey
	return v
}

func (v *visitor) try(method, path, contentType, body string, headers ...string) (reply, error) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.srv.URL()+path, strings.NewReader(body))
	require.NoError(v.t, err)
	r.Header.Set("Accept", "application/json")
	if body != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if v.token != "" && strings.HasPrefix(path, "/api/agents/") {
		r.Header.Set("Authorization", "Bearer "+v.token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := v.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{Response: resp}, err
	}
	out := reply{Response: resp, text: string(text)}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		require.NoError(v.t, d.Decode(&out.body), out.text)
	}
	return out, nil
}

func (v *visitor) send(method, path, body string, headers ...string) reply {
	v.t.Helper()
	r, err := v.try(method, path, "application/json", body, headers...)
	require.NoError(v.t, err)
	return r
}

func (v *visitor) agents(method, path, body string, headers ...string) reply {
	v.t.Helper()
	return v.send(method, "/api/agents/v1"+path, body, headers...)
}

func (v *visitor) fund(dollars, method, key string) reply {
	v.t.Helper()
	return v.agents("POST", "/wallet/fund", fundBody(dollars, method), "Idempotency-Key", key)
}

func fundBody(dollars, method string) string {
	return `{"amount":` + dollars + `,"payment_method_id":"` + method + `"}`
}

func (v *visitor) balance() string {
	v.t.Helper()
	n, _ := v.agents("GET", "/wallet/balance", "").at("data", "balance").(json.Number)
	return n.String()
}

// tokenize makes a payment method of a card number at Stripe.
func (v *visitor) tokenize(number string, headers ...string) reply {
	v.t.Helper()
	key, _ := v.agents("GET", "/billing/stripe-config", "").at("publishable_key").(string)
	form := url.Values{
		"type": {"card"}, "card[number]": {number}, "card[exp_month]": {"12"}, "card[exp_year]": {"2040"}, "card[cvc]": {"123"},
	}
	r, err := v.try("POST", "/v1/payment_methods", "application/x-www-form-urlencoded", form.Encode(),
		append([]string{"Authorization", "Bearer " + key}, headers...)...)
	require.NoError(v.t, err)
	return r
}

// clock is a time that only moves when it is told to.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
