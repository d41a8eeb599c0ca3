package modelslab

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// llmBase is where the language models are.
const llmBase = "/api/v7/llm"

// BaseURL is where the language models are, for the Go SDKs of OpenAI and
// Anthropic: https://modelslab.com/api/v7/llm/, or below [WithBaseURL].
func (s *ChatService) BaseURL() string { return s.c.cfg.origin() + llmBase + "/" }

// HTTPClient is an HTTP client for the Go SDKs of OpenAI and Anthropic, whose
// base URLs are then [ChatService.BaseURL].
// It sends only below that, with the API key in place of whatever key they have
// and without what they tell of an account there, follows no redirects, and asks
// the limiter first, whose [RateLimitError] comes out inside theirs. Any other
// URL is a [ParamError], and nothing is sent.
//
// A call that spends is held against the spending policies and the freeze like any
// other; a refusal comes out inside the SDK's error.
//
// It repeats nothing and has no time limit of its own. An answer costs money and
// carries no idempotency key, so tell the SDK to repeat nothing either: its
// maximum of retries is 2 unless you set it to 0.
func (s *ChatService) HTTPClient() *http.Client {
	return &http.Client{
		Transport:     &chatTransport{s.c},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// chatTransport sends foreign requests on the client's account.
type chatTransport struct{ c *Client }

// RoundTrip implements http.RoundTripper.
func (ct *chatTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	t, out, err := ct.prepare(req)
	if err == nil && t.e.Spends {
		err = t.begin(ctx)
	}
	if err == nil {
		err = t.wait(ctx)
	}
	if err == nil {
		err = t.reserve(ctx)
	}
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, seal(err)
	}
	start := time.Now()
	t.attempts = 1
	resp, err := ct.c.cfg.transport.RoundTrip(out)
	r := result{err: err}
	if resp != nil && err == nil {
		delete(resp.Header, "Set-Cookie")
		r.Status, r.answer = resp.StatusCode, answer{status: resp.StatusCode, header: resp.Header}
		// A queue of jobs that is full is no limiter; see attempt.
		if _, counted := headerInt(resp.Header, "X-Ratelimit-Remaining"); counted {
			var after time.Duration
			if r.Status == http.StatusTooManyRequests {
				after = t.retryAfter(&r, start)
			}
			t.limit.update(r.Status, resp.Header, time.Now(), after)
		}
	}
	t.log(ctx, &r, start)
	if t.pay != nil {
		t.end(ctx, &r)
	}
	return resp, err
}

// begin asks the owner's policies about a foreign request that spends.
func (t *trip) begin(ctx context.Context) error {
	t.pay = &payment{}
	if err := t.inquire(ctx); err != nil {
		return err
	}
	t.pay.q.durable = false // of its body, which tells it from others, nothing is known
	return t.allowSpend(ctx)
}

// end writes down what became of a foreign request, as far as its status tells.
func (t *trip) end(ctx context.Context, r *result) {
	o := &outcome{state: stateSucceeded}
	r.Sent = r.err == nil || sent(&flight{}, r.err)
	switch {
	case r.Open():
		o.state = stateSent
	case r.err != nil:
		o.state = "" // nothing was sent
	case r.Status >= http.StatusMultipleChoices:
		o.state, o.status = stateRefused, r.Status
	}
	writing, cancel := detach(ctx)
	defer cancel()
	_, _, _, err := t.pay.j.write(writing, t.pay.r, o)
	t.pay.j.land(t.pay.r)
	if err != nil {
		t.c.warn(ctx, "modelslab: the outcome of a call could not be written down; it stays pending", slog.String("endpoint", t.e.Name), slog.String("error", err.Error()))
	}
}

// prepare makes of a foreign request one that may be sent.
func (ct *chatTransport) prepare(req *http.Request) (*trip, *http.Request, error) {
	cfg, u := ct.c.cfg, req.URL
	path := u.Path
	if u.Scheme != cfg.scheme || !strings.EqualFold(u.Host, cfg.host) || u.User != nil || u.Opaque != "" || !strings.HasPrefix(path, llmBase+"/") {
		return nil, nil, &ParamError{Param: "url", Value: u.Scheme + "://" + u.Host + path, Reason: "must be below " + cfg.origin() + llmBase + "/"}
	}
	if err := checkPath("url", path); err != nil {
		return nil, nil, err
	}
	e := rowFor(req.Method, path)
	if e == nil {
		e = &Endpoint{Name: unlisted, Method: req.Method, Path: path, Limiter: LimiterGeneration, Repeat: RepeatOnce, Spends: req.Method != get, full: path}
	}
	t := &trip{c: ct.c, e: e, cred: ct.c.credentials()}
	switch {
	case t.cred.err != nil:
		return nil, nil, t.cred.err
	case t.cred.apiKey == "":
		return nil, nil, &credentialError{e.Method, e.Path, "an API key", "use WithAPIKey, or a session that holds one"}
	}
	out := req.Clone(req.Context())
	out.Host, out.URL.Host = cfg.host, cfg.host
	out.GetBody = nil // net/http would send it again by itself, under a key that the server does not know
	for _, name := range [...]string{
		"X-Api-Key", "Key", "Cookie", "Proxy-Authorization", "Openai-Organization", "Openai-Project",
	} {
		out.Header.Del(name)
	}
	out.Header["Authorization"] = []string{"Bearer " + t.cred.apiKey}
	agent := cfg.userAgent[0]
	if theirs := req.UserAgent(); theirs != "" {
		agent += " " + theirs
	}
	out.Header["User-Agent"] = []string{agent}
	return t, out, nil
}
