package sandbox_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// receiver is a transport that answers webhooks itself.
type receiver func(*http.Request) (*http.Response, error)

func (f receiver) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answering(status int) receiver {
	return func(r *http.Request) (*http.Response, error) {
		_, err := io.Copy(io.Discard, r.Body)
		return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}, err
	}
}

func asMap(t *testing.T, payload []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	var body map[string]any
	require.NoError(t, d.Decode(&body), string(payload))
	return body
}

func TestWebhooksCallARealReceiver(t *testing.T) {
	type call struct {
		method, contentType string
		body                []byte
	}
	calls := make(chan call, 2)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		calls <- call{r.Method, r.Header.Get("Content-Type"), body}
	}))
	defer hook.Close()
	srv := sandbox.New(sandbox.WithGenerationTime(10 * time.Millisecond))
	defer srv.Close()
	v := &visitor{t: t, srv: srv, client: http.DefaultClient, apiKey: srv.Account(sandbox.AccountParams{BalanceCents: 100}).APIKey}
	r := v.ask("/api/v6/images/text2img", with("model_id", "flux", "prompt", "x", "webhook", hook.URL+"/hook", "track_id", "order-7"))
	require.Equal(t, "processing", r.at("status"), r.text)
	got := <-calls
	assert.Equal(t, "POST", got.method)
	assert.Equal(t, "application/json", got.contentType)
	body := asMap(t, got.body)
	assert.Equal(t, "success", body["status"])
	assert.Equal(t, r.at("id"), body["id"])
	assert.Equal(t, "order-7", body["track_id"])
	assert.Equal(t, r.at("future_links"), body["output"])
	assert.Equal(t, json.Number("0.01"), body["generationTime"])
	assert.Equal(t, r.at("meta"), body["meta"])
}

func TestWebhooksByTheClock(t *testing.T) {
	for _, tt := range []struct {
		name    string
		outcome sandbox.GenerationOutcome
		rt      receiver
		state   string
		want    sandbox.Delivery // without URL and payload
		fields  []string
	}{
		{"success", sandbox.GenerationSucceeds, answering(204), "sent", sandbox.Delivery{Status: 204}, []string{"status", "id", "output", "generationTime", "meta", "track_id"}},
		{"failure", sandbox.GenerationFails, answering(200), "sent", sandbox.Delivery{Status: 200}, []string{"status", "id", "message", "track_id"}},
		{"error", sandbox.GenerationErrs, answering(200), "sent", sandbox.Delivery{Status: 200}, []string{"status", "id", "message", "track_id"}},
		{"refused", sandbox.GenerationSucceeds, answering(500), "failed", sandbox.Delivery{Status: 500}, nil},
		{"redirected", sandbox.GenerationSucceeds, answering(302), "failed", sandbox.Delivery{Status: 302}, nil},
		{"no receiver", sandbox.GenerationSucceeds, func(*http.Request) (*http.Response, error) { return nil, errors.New("nobody there") }, "failed", sandbox.Delivery{Err: "nobody there"}, nil},
		{"slow receiver", sandbox.GenerationSucceeds, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, "failed", sandbox.Delivery{Err: "context deadline exceeded"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := visitAs(t, 100, sandbox.WithGenerationOutcome(tt.outcome), sandbox.WithWebhookTransport(tt.rt))
				r := v.ask("/api/v6/voice/sfx", with("prompt", "x", "webhook", "https://hooks.example/a", "track_id", 7))
				assert.Equal(t, "pending", r.at("webhook_status"))
				<-time.After(1999 * time.Millisecond)
				synctest.Wait()
				assert.Empty(t, v.srv.Webhooks())
				<-time.After(31 * time.Second) // what a receiver may take, too
				synctest.Wait()
				calls := v.srv.Webhooks()
				require.Len(t, calls, 1)
				assert.Equal(t, "https://hooks.example/a", calls[0].URL)
				body := asMap(t, calls[0].Payload)
				calls[0].URL, calls[0].Payload = "", nil
				assert.Equal(t, tt.want, calls[0])
				if tt.fields != nil {
					assert.Len(t, body, len(tt.fields))
					for _, name := range tt.fields {
						assert.Contains(t, body, name)
					}
				}
				r = v.ask(v.path(r.at("fetch_result")), nil)
				if tt.outcome == sandbox.GenerationSucceeds {
					assert.Equal(t, tt.state, r.at("webhook_status"))
				} else {
					assert.Equal(t, "failed", body["status"])
				}
			})
		})
	}
}

func TestAFailureToldByWebhookIsPaidBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := visitAs(t, 100, sandbox.WithGenerationOutcome(sandbox.GenerationFails), sandbox.WithWebhookTransport(answering(200)))
		v.ask("/api/v6/voice/sfx", with("prompt", "x", "webhook", "https://hooks.example/a"))
		assert.Equal(t, "0.97", v.balance())
		<-time.After(3 * time.Second)
		synctest.Wait()
		assert.Equal(t, "1.00", v.balance())
	})
}

// A clock that the test moves has no timers: the next request finds what is due.
func TestWebhooksWithAClockOfOnesOwn(t *testing.T) {
	called := make(chan string, 3)
	c := newClock()
	v := visitAs(t, 100, sandbox.WithClock(c.Now), sandbox.WithWebhookTransport(receiver(func(r *http.Request) (*http.Response, error) {
		called <- r.URL.Path
		return answering(200)(r)
	})))
	v.ask("/api/v6/voice/sfx", with("prompt", "x", "webhook", "https://hooks.example/a"))
	assert.Empty(t, called)
	c.Advance(2 * time.Second)
	v.balance()
	assert.Equal(t, "/a", <-called)
	v.balance()
	assert.Empty(t, called, "one call")
}

func TestNoWebhookAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := make(chan struct{})
		v := visitAs(t, 100, sandbox.WithWebhookTransport(receiver(func(r *http.Request) (*http.Response, error) {
			close(waiting)
			<-r.Context().Done()
			return nil, r.Context().Err()
		})))
		v.ask("/api/v6/voice/sfx", with("prompt", "x", "webhook", "https://hooks.example/a"))
		<-waiting
		v.ask("/api/v6/voice/sfx", with("prompt", "x", "webhook", "https://hooks.example/b"))
		v.srv.Close()
		<-time.After(time.Minute)
		synctest.Wait()
		calls := v.srv.Webhooks()
		require.Len(t, calls, 1)
		assert.Equal(t, "context canceled", calls[0].Err)
	})
}
