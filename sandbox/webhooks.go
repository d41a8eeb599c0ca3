package sandbox

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Delivery is one call of a webhook. Each is tried once, as generations promise no more.
type Delivery struct {
	URL     string
	Payload []byte
	Status  int    // what the receiver answered; 0: nothing
	Err     string // why there was no answer
}

// Webhooks returns the calls of webhooks so far, in the order in which they ended.
func (s *Server) Webhooks() []Delivery {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	return slices.Clone(s.hooked)
}

// What an answer says of its webhook. The documentation names the field and no value.
const (
	hookPending = "pending"
	hookSent    = "sent"
	hookFailed  = "failed"
)

// receiverTime is how long a receiver may take, as documented.
const receiverTime = 30 * time.Second

// callable reports whether a webhook's URL is one: https, or http on this machine.
func callable(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// promiseWebhook plans the call for the moment when the job is ready. s.mu is held.
func (s *Server) promiseWebhook(j *job) {
	if j.webhook == "" {
		return
	}
	j.hookState = hookPending
	s.hooks = append(s.hooks, j)
	s.wakeFor(j, j.ready.Sub(j.created))
}

// wakeFor looks at the job again after a while. A clock that stands still is not waited
// for: the next request looks too.
func (s *Server) wakeFor(j *job, left time.Duration) {
	time.AfterFunc(left, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		now := s.clock()
		if still := j.ready.Sub(now); still > 0 && still < left {
			s.wakeFor(j, still)
			return
		}
		s.callDueWebhooks(now)
	})
}

// callDueWebhooks calls the webhooks of all jobs that have become ready. s.mu is held.
func (s *Server) callDueWebhooks(now time.Time) {
	if s.delivering.Err() != nil {
		return
	}
	s.hooks = slices.DeleteFunc(s.hooks, func(j *job) bool {
		if now.Before(j.ready) {
			return false
		}
		payload := s.payload(j)
		go s.callWebhook(s.delivering, j, payload)
		return true
	})
}

// payload is what a webhook tells.
func (s *Server) payload(j *job) object {
	if j.tell != nil {
		return j.tell()
	}
	if s.generationOutcome != GenerationSucceeds {
		s.refund(j)
		body := failedBody(j)
		delete(body, "output")
		return body
	}
	body := object{
		"status": "success", "id": j.id, "output": s.output(j),
		"generationTime": j.ready.Sub(j.created).Seconds(), "meta": j.meta,
	}
	if j.trackID != nil {
		body["track_id"] = j.trackID
	}
	return body
}

// callWebhook makes the call. Redirects are not followed.
func (s *Server) callWebhook(ctx context.Context, j *job, payload object) {
	ctx, cancel := context.WithTimeout(ctx, receiverTime)
	defer cancel()
	d := Delivery{URL: j.webhook, Payload: bare(http.StatusOK, payload).bytes()}
	if err := d.send(ctx, s.hookTransport()); err != nil {
		d.Err = err.Error()
	}
	state := hookFailed
	if d.Status >= 200 && d.Status < 300 {
		state = hookSent
	}
	s.mu.Lock()
	j.hookState = state
	s.mu.Unlock()
	s.logMu.Lock()
	s.hooked = append(s.hooked, d)
	s.logMu.Unlock()
}

func (s *Server) hookTransport() http.RoundTripper {
	if s.webhookTransport != nil {
		return s.webhookTransport
	}
	usual, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // the program has its own
		return http.DefaultTransport
	}
	once := usual.Clone()
	once.DisableKeepAlives = true
	return once
}

func (d *Delivery) send(ctx context.Context, rt http.RoundTripper) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(d.Payload))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := rt.RoundTrip(r)
	if err != nil {
		return err
	}
	d.Status = resp.StatusCode
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // what it says is nobody's business
	return resp.Body.Close()
}
