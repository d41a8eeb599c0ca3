package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// receiver is who is told, and what it does then.
type receiver struct {
	*modelslab.Client
	out         io.Writer
	local, url  string // of the server: on this machine, and from outside
	prompt, dir string
	patience    time.Duration
	hooks       *modelslab.WebhookHandler
}

const (
	place   = "/modelslab" // of the handler on the server
	jobPath = "/api/v6/images/text2img"
)

func (r *receiver) say(who, format string, values ...any) {
	fmt.Fprintf(r.out, "%-10s%s\n", who, fmt.Sprintf(format, values...))
}

func (r *receiver) all(ctx context.Context, mux *http.ServeMux) error {
	ended := make(chan modelslab.WebhookEvent, 1)
	var err error
	r.hooks, err = r.Generation.WebhookHandler(modelslab.WebhookParams{
		Handle: func(_ context.Context, e modelslab.WebhookEvent) { ended <- e },
		Error:  func(err error) { r.say("trouble", "%v", err) },
	})
	if err != nil {
		return err
	}
	mux.Handle(place, r.hooks)

	before, _ := r.Generation.WalletBalance(ctx) // only to show it
	job, err := r.submit(ctx)
	if err != nil {
		return err
	}
	if err := r.lie(ctx, job); err != nil {
		return err
	}
	if job, err = r.wait(ctx, job, ended); err != nil {
		return err
	}
	paths, err := r.Generation.DownloadAll(ctx, job, r.dir, modelslab.DownloadParams{})
	if err != nil {
		return err
	}
	for _, path := range paths {
		r.say("saved", "%s", path)
	}
	if after, err := r.Generation.WalletBalance(ctx); err == nil && before != nil {
		if paid, err := before.Balance.Sub(after.Balance); err == nil {
			r.say("paid", "$%s; the wallet holds $%s", paid, after.Balance)
		}
	}
	return r.hooks.Close(ctx)
}

// submit sends the job with a track id, which its webhook repeats. Nobody can guess it, and
// the handler knows from it that the webhook is about a job of its own.
func (r *receiver) submit(ctx context.Context) (*modelslab.Generation, error) {
	track := r.hooks.Track(jobPath)
	job, err := r.Generation.Images.TextToImage(ctx, modelslab.TextToImageParams{
		ModelID: "flux", Prompt: r.prompt, Width: 768, Height: 512,
		Webhook: r.url + place, TrackID: track.String(),
	})
	if err != nil {
		return nil, err
	}
	r.say("submitted", "job %s, with a webhook at %s", job.ID, r.url+place)
	job.TrackID = track.String()
	return job, r.hooks.Expect(job) // from now on no other job has this track id
}

// lie sends two webhooks that are not true.
func (r *receiver) lie(ctx context.Context, job *modelslab.Generation) error {
	for _, l := range []struct{ what, id, track string }{
		{"a job of nobody's is done", "4711", ""},
		{"this job is done already", job.ID, job.TrackID},
	} {
		body, err := json.Marshal(map[string]any{
			"status": "success", "id": l.id, "track_id": l.track, "output": []string{"https://example.com/not-the-image.png"},
		})
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.local+place, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil {
			return err
		}
		r.say("a lie", "%q is answered with %d %s", l.what, resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	now, err := r.Generation.Fetch(ctx, job)
	if err == nil && !now.Done() {
		r.say("not true", "the API says that the job is %s, so the handler hands nothing over", now.Status)
	}
	return err
}

// wait returns when the handler says that the job has ended. Webhooks come as best they can:
// of one that does not come the API is asked in the end.
func (r *receiver) wait(ctx context.Context, job *modelslab.Generation, ended <-chan modelslab.WebhookEvent) (*modelslab.Generation, error) {
	start := time.Now()
	select {
	case e := <-ended:
		r.say("told", "by a webhook after %.1fs that the status is %q; the API says %q too", time.Since(start).Seconds(), e.Webhook.Status, e.Generation.Status)
		return e.Generation, e.Err
	case <-time.After(r.patience):
		r.say("not told", "within %s; so it asks", r.patience)
		return r.Generation.Wait(ctx, job, modelslab.WaitParams{})
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("job %s", job.ID), ctx.Err())
	}
}
