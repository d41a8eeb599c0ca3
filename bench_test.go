package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/google/uuid"
)

// The benchmarks put the road beside what a careful programmer would write by
// hand for one endpoint, on the same transport in the same run. The hand-written
// one has a key, checks the status, reads through a limit and keeps the request
// id; it does not repeat, knows no limiter and types no error.

// canned is a transport that reads the request and gives the same answer again
// and again, at little cost of its own.
type canned struct {
	body   []byte
	header http.Header
}

func newCanned(body string) *canned {
	h := http.Header{}
	for name, v := range map[string]string{
		"Content-Type": "application/json", "Date": "Fri, 02 Jan 2032 03:04:05 GMT", "X-Request-Id": "req-h", "X-Ratelimit-Limit": "120",
		"X-Ratelimit-Remaining": "119", "X-Ratelimit-Reset": "1956625500",
	} {
		h.Set(name, v)
	}
	return &canned{[]byte(body), h}
}

type cannedBody struct{ bytes.Reader }

func (*cannedBody) Close() error { return nil }

func (c *canned) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
	}
	b := &cannedBody{}
	b.Reset(c.body)
	h := make(http.Header, len(c.header))
	for name, v := range c.header {
		h[name] = v
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: b, ContentLength: int64(len(c.body)), Request: req,
	}, nil
}

// byHand is a client as one writes it for a service at hand.
type byHand struct {
	hc          *http.Client
	base, token string
}

type handError struct {
	Status    int
	Code      string
	Message   string
	RequestID string
}

func (e *handError) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

func (c *byHand) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", uuid.NewString())
	}
	resp, err := c.hc.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 32<<20))
	if err != nil {
		return err
	}
	var envelope struct {
		Data  json.RawMessage `json:"data"`
		Error *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
		Meta struct {
			RequestID string `json:"request_id"`
		} `json:"meta"`
	}
	if err := json.Unmarshal(b, &envelope); err != nil {
		return fmt.Errorf("%d: %w", resp.StatusCode, err)
	}
	if envelope.Error != nil || resp.StatusCode < 200 || resp.StatusCode > 299 {
		e := &handError{Status: resp.StatusCode, RequestID: envelope.Meta.RequestID}
		if envelope.Error != nil {
			e.Code, e.Message = envelope.Error.Code, envelope.Error.Message
		}
		return e
	}
	if len(envelope.Data) == 0 || string(envelope.Data) == "null" {
		return errors.New("no data")
	}
	return json.Unmarshal(envelope.Data, out)
}

func benchClients(b *testing.B, body string) (*Client, *byHand) {
	b.Helper()
	transport := newCanned(body)
	c, err := New(WithHTTPClient(&http.Client{Transport: transport}), WithAccessToken(testToken))
	if err != nil {
		b.Fatal(err)
	}
	return c, &byHand{&http.Client{Transport: transport}, "https://modelslab.com/api/agents/v1", testToken}
}

func BenchmarkBalance(b *testing.B) {
	sdk, hand := benchClients(b, balanceBody)
	ctx := context.Background()
	b.Run("sdk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v, err := sdk.Wallet.Balance(ctx)
			if err != nil || v.Balance != Cents(2550) {
				b.Fatal(v, err)
			}
		}
	})
	b.Run("handwritten", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v struct {
				Balance  float64 `json:"balance"`
				Currency string  `json:"currency"`
			}
			if err := hand.do(ctx, get, "/wallet/balance", nil, &v); err != nil || v.Balance != 25.5 {
				b.Fatal(v, err)
			}
		}
	})
}

func BenchmarkFund(b *testing.B) {
	sdk, hand := benchClients(b, fundedBody)
	ctx := context.Background()
	b.Run("sdk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v, err := sdk.Wallet.Fund(ctx, fundParams())
			if err != nil || v.PaymentIntentID != testIntent {
				b.Fatal(v, err)
			}
		}
	})
	b.Run("handwritten", func(b *testing.B) {
		type params struct {
			Amount          float64 `json:"amount"`
			PaymentMethodID string  `json:"payment_method_id"`
		}
		b.ReportAllocs()
		for b.Loop() {
			var v struct {
				Payment struct {
					Status          string `json:"status"`
					PaymentIntentID string `json:"payment_intent_id"`
				} `json:"payment"`
				Wallet struct {
					Balance string `json:"balance"`
				} `json:"wallet"`
			}
			if err := hand.do(ctx, post, "/wallet/fund", params{25, testMethod}, &v); err != nil || v.Payment.PaymentIntentID != testIntent {
				b.Fatal(v, err)
			}
		}
	})
}
