package modelslab_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// parrot answers whatever it is asked with the same words.
type parrot struct {
	status int
	body   []byte
	asked  atomic.Int64
	enough context.CancelFunc // called when it was asked often enough
	most   int64
}

func (p *parrot) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	if p.asked.Add(1) >= p.most && p.enough != nil {
		p.enough()
	}
	return &http.Response{
		StatusCode: p.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(p.body)), ContentLength: int64(len(p.body)), Request: r,
	}, nil
}

// jobPaths is a path of each family of jobs, those of dedicated servers, of trainings
// and of workflows among them.
func jobPaths() []string {
	paths, families := []string{
		"/api/v3/lora_fine_tune", "/api/v1/workflows/flow-1/run", "/api/v1/enterprise/text2img", "/api/v1/enterprise/flux/text2img",
		"/api/v9/new-family/new-job",
	}, map[string]bool{}
	for _, j := range typedJobs() {
		family := j.path()[:strings.LastIndexByte(j.path(), '/')]
		if !families[family] {
			families[family] = true
			paths = append(paths, j.path())
		}
	}
	return paths
}

// FuzzJobAnswers gives any answer to a submission and to a question, in each family.
// Nothing panics, no success is without its output, and whoever waits gets a job.
func FuzzJobAnswers(f *testing.F) {
	for n, body := range []string{
		``, `null`, `{}`, `[]`, `"processing"`, `{"status":"processing","id":7,"eta":0.01,"output":[]}`, `{"status":"processing","message":"Wait.","output":"","tip":""}`,
		`{"status":"success","id":7,"output":["https://files.example.com/a.png"],"proxy_links":{"0":"x"},"meta":{}}`, `{"status":"success","id":"7","output":[[""]],"links":[null]}`,
		`{"status":"success","id":7,"output":{"output":["https://files.example.com/a.png"]}}`, `{"status":"failed","id":"7","message":"no memory","output":[],"track_id":1}`,
		`{"status":"error","messege":{"prompt":["The prompt is required."]},"code":400}`, `{"status":"success","messege":"model_ready","data":"Step:8","training_id":"t"}`,
		`{"status":"success","messege":"training_started","data":""}`, `{"status":"success","message":"started","execution_id":12345,"workflow_id":"flow-1"}`,
		`{"status":"success","execution":{"id":12345,"status":"completed"},"output":{"output":["u"]},"steps":[{}]}`, `{"status":"success","execution":{"status":"failed"},"error":"broke"}`,
		`{"status":"success","id":1e400,"output":"a caption of a picture"}`, `{"status":"queued","id":7,"eta":"soon","output":"x"}`, `{"STATUS":"success","Status":"failed","id":7,"output":["x"]}`,
		`{"status":"success","status":"failed","id":7,"output":["x"]}`, `{"error":{"message":"no","code":500}}`, `{"status":true,"id":[7],"output":7}`, `<html><title>502</title></html>`, `{"status":"success","id":7,"output":[`,
	} {
		for i := range 5 { // trainings, workflows and servers are the first
			f.Add([]byte(body), uint8(i), false)
		}
		f.Add([]byte(body), uint8(5+n), n%4 == 0)
	}
	paths := jobPaths()
	f.Fuzz(func(t *testing.T, body []byte, which uint8, refused bool) {
		path := paths[int(which)%len(paths)]
		without := strings.Contains(path, "lora_fine_tune") || strings.Contains(path, "/workflows/") // their success is in other words
		net := &parrot{status: http.StatusOK, body: body, most: 3}
		if refused {
			net.status = http.StatusBadRequest
		}
		c, err := modelslab.New(
			modelslab.WithHTTPClient(&http.Client{Transport: net}), modelslab.WithAPIKey("generation-key"),
			modelslab.WithRetryPolicy(modelslab.RetryPolicy{MaxAttempts: 1}),
		)
		require.NoError(t, err)
		check := func(g *modelslab.Generation, err error) {
			t.Helper()
			if err != nil {
				_ = err.Error()
				return
			}
			require.NotNil(t, g)
			assert.False(t, refused, "refused, and no error")
			assert.Equal(t, path, g.Path)
			if g.Status == modelslab.StatusSuccess && !without {
				assert.NotEmpty(t, g.Output, "a success without its output")
			}
			if !g.Done() {
				assert.NotEmpty(t, g.ID, "nobody can ask for it")
			}
			assert.NotContains(t, []modelslab.GenerationStatus{modelslab.StatusFailed, modelslab.StatusError}, g.Status, "failed, and no error")
			for _, output := range g.Output {
				assert.NotEmpty(t, output)
			}
		}
		g, err := c.Generation.Run(t.Context(), path, map[string]any{"prompt": "a lighthouse"})
		check(g, err)
		assert.EqualValues(t, 1, net.asked.Load(), "a submission is sent once")
		known := &modelslab.Generation{ID: "12345", Path: path}
		g, err = c.Generation.Fetch(t.Context(), known)
		check(g, err)
		if err == nil {
			assert.Equal(t, known.ID, g.ID, "another job's answer is not this one's")
		}

		ctx, enough := context.WithCancel(t.Context())
		defer enough()
		net.enough = enough
		net.most = net.asked.Load() + 1
		last, err := c.Generation.Wait(ctx, known, modelslab.WaitParams{})
		require.NotNil(t, last)
		assert.Equal(t, []string{known.ID, known.Path}, []string{last.ID, last.Path})
		if err == nil {
			check(last, nil)
			assert.Equal(t, modelslab.StatusSuccess, last.Status)
		}
	})
}
