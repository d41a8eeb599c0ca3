package sandbox_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

const workflowsPath = "/api/v1/workflows"

// workflows asks with the key in its header.
func (v *visitor) workflows(method, path, body string) reply {
	v.t.Helper()
	return v.send(method, workflowsPath+path, body, "key", v.apiKey)
}

// workflowIDs are the ids of the list.
func (v *visitor) workflowIDs() []string {
	v.t.Helper()
	var ids []string
	for _, w := range objects(v.workflows("GET", "", "").at("workflows")) {
		ids = append(ids, w["id"].(string))
	}
	require.Len(v.t, ids, 2)
	return ids
}

// picture gets a finished picture by its link.
func (v *visitor) picture(link any) {
	v.t.Helper()
	u, err := url.Parse(link.(string))
	require.NoError(v.t, err)
	r := v.send("GET", u.Path, "")
	require.Equal(v.t, http.StatusOK, r.StatusCode)
	_, err = png.Decode(strings.NewReader(r.text))
	assert.NoError(v.t, err)
}

func TestAWorkflowRuns(t *testing.T) {
	c := newClock()
	v := visitAs(t, 1_00, sandbox.WithClock(c.Now), sandbox.WithGenerationTime(8*time.Second))
	id := v.workflowIDs()[1]
	described := v.workflows("GET", "/"+id, "")
	assert.Equal(t, "success", described.at("status"))
	assert.Contains(t, described.at("endpoints", "run"), "/api/v1/workflows/"+id+"/run")
	for _, p := range objects(described.at("parameters")) {
		assert.Contains(t, []any{"string", "number"}, p["type"], p["key"])
	}

	r := v.workflows("POST", "/"+id+"/run", `{"prompt":"a lake","scale":2}`)
	require.Equal(t, http.StatusAccepted, r.StatusCode, r.text)
	number := r.at("execution_id").(json.Number).String()
	assert.Nil(t, r.at("webhook_url"))
	assert.Equal(t, "0.98", v.balance())
	place := "/" + id + "/runs/" + number
	assert.True(t, strings.HasSuffix(r.at("status_url").(string), workflowsPath+place))

	look := func() (reply, []any) {
		r := v.workflows("GET", place, "")
		assert.Equal(t, "success", r.at("status"))
		return r, column(objects(r.at("steps")), "status")
	}
	r, steps := look()
	assert.Equal(t, "pending", r.at("execution", "status"))
	assert.Equal(t, []any{"pending", "pending"}, steps)
	assert.Nil(t, r.at("execution", "started_at"))
	c.Advance(2 * time.Second)
	r, steps = look()
	assert.Equal(t, "running", r.at("execution", "status"))
	assert.Equal(t, []any{"running", "pending"}, steps)
	assert.Nil(t, r.at("execution", "completed_at"))
	c.Advance(3 * time.Second)
	_, steps = look()
	assert.Equal(t, []any{"completed", "running"}, steps)
	assert.Nil(t, r.at("output"))
	c.Advance(3 * time.Second)
	r, steps = look()
	assert.Equal(t, "completed", r.at("execution", "status"))
	assert.Equal(t, []any{"completed", "completed"}, steps)
	assert.Equal(t, json.Number("6"), r.at("execution", "execution_time"))
	v.picture(r.at("output", "output").([]any)[0])

	r = v.workflows("POST", place+"/cancel", "")
	assert.Equal(t, http.StatusBadRequest, r.StatusCode, "it is over")
	row := objects(v.workflows("GET", "", "").at("workflows"))[1]
	assert.Equal(t, json.Number("1"), row["call_count"])
	assert.Equal(t, "2026-03-01T09:30:00Z", row["last_called_at"])
}

func TestAWorkflowFailsUnderSuccess(t *testing.T) {
	v := visitAs(t, 1_00, sandbox.WithGenerationTime(0), sandbox.WithGenerationOutcome(sandbox.GenerationFails))
	id := v.workflowIDs()[0]
	number := v.workflows("POST", "/"+id+"/run", `{"prompt":"a lake"}`).at("execution_id").(json.Number).String()
	r := v.workflows("GET", "/"+id+"/runs/"+number, "")
	assert.Equal(t, http.StatusOK, r.StatusCode)
	assert.Equal(t, "success", r.at("status"))
	assert.Equal(t, "failed", r.at("execution", "status"))
	assert.Equal(t, []any{"failed"}, column(objects(r.at("steps")), "status"))
	assert.NotEmpty(t, r.at("error"))
	assert.Nil(t, r.at("output"))
	assert.Equal(t, "1.00", v.balance(), "given back")
}

func TestAWorkflowIsCancelled(t *testing.T) {
	c := newClock()
	v := visitAs(t, 1_00, sandbox.WithClock(c.Now))
	id := v.workflowIDs()[0]
	place := "/" + id + "/runs/" + v.workflows("POST", "/"+id+"/run", `{"prompt":"a lake"}`).at("execution_id").(json.Number).String()
	c.Advance(time.Second)
	assert.Equal(t, "success", v.workflows("POST", place+"/cancel", "").at("status"))
	c.Advance(time.Minute)
	r := v.workflows("GET", place, "")
	assert.Equal(t, "cancelled", r.at("execution", "status"))
	assert.Equal(t, "2026-03-01T09:30:01Z", r.at("execution", "completed_at"))
	assert.Equal(t, http.StatusBadRequest, v.workflows("POST", place+"/cancel", "").StatusCode)
	assert.Equal(t, http.StatusNotFound, v.workflows("POST", "/"+id+"/runs/1/cancel", "").StatusCode)
	assert.Equal(t, http.StatusNotFound, v.workflows("GET", "/"+v.workflowIDs()[1]+"/runs/"+place[strings.LastIndexByte(place, '/')+1:], "").StatusCode)
}

func TestWorkflowRules(t *testing.T) {
	v := visitAs(t, 3)
	id := v.workflowIDs()[1]
	for body, field := range map[string]string{
		`{"scale":2}`:                     "prompt",
		`{"prompt":" ","scale":2}`:        "prompt",
		`{"prompt":5,"scale":2}`:          "prompt",
		`{"prompt":"a lake"}`:             "scale",
		`{"prompt":"a lake","scale":"2"}`: "scale",
	} {
		r := v.workflows("POST", "/"+id+"/run", body)
		assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode, body)
		assert.Equal(t, "error", r.at("status"))
		assert.NotEmpty(t, r.at("message"))
		assert.NotEmpty(t, r.at("errors", field), body)
	}
	fine := `{"prompt":"a lake","scale":2}`
	assert.Equal(t, http.StatusAccepted, v.workflows("POST", "/"+id+"/run", fine).StatusCode)
	assert.Equal(t, http.StatusPaymentRequired, v.workflows("POST", "/"+id+"/run", fine).StatusCode)
	assert.Equal(t, http.StatusNotFound, v.workflows("POST", "/none/run", fine).StatusCode)
	for _, headers := range [][]string{{"key", "wrong"}, {"Authorization", "Bearer " + v.apiKey}} {
		assert.Equal(t, http.StatusUnauthorized, v.send("GET", workflowsPath, "", headers...).StatusCode)
	}
	v = visitAs(t, 1_00)
	number := v.workflows("POST", "/"+id+"/run", fine).at("execution_id").(json.Number).String()
	assert.Equal(t, http.StatusNotFound, v.beside("other@example.com").workflows("GET", "/"+id+"/runs/"+number, "").StatusCode)
}

func TestAWorkflowsOwnLimit(t *testing.T) {
	c := newClock()
	v := visitAs(t, 1_00, sandbox.WithClock(c.Now))
	ids := v.workflowIDs()
	run := func(id string) reply {
		return v.workflows("POST", "/"+id+"/run", `{"prompt":"a lake","scale":2}`)
	}
	for range 10 {
		require.Equal(t, http.StatusAccepted, run(ids[0]).StatusCode)
	}
	c.Advance(15 * time.Second)
	r := run(ids[0])
	assert.Equal(t, http.StatusTooManyRequests, r.StatusCode)
	assert.Equal(t, json.Number("45"), r.at("retry_after"))
	assert.Empty(t, r.Header.Get("Retry-After"))
	assert.Equal(t, http.StatusAccepted, run(ids[1]).StatusCode, "each has its own")
	c.Advance(45 * time.Second)
	assert.Equal(t, http.StatusAccepted, run(ids[0]).StatusCode)

	v = visitAs(t, 1_00, sandbox.WithoutRateLimits())
	for range 11 {
		assert.Equal(t, http.StatusAccepted, run(ids[0]).StatusCode)
	}
}

// carrier answers requests in place of the network.
type carrier func(*http.Request) (*http.Response, error)

func (f carrier) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWorkflowsTellTheirEnd(t *testing.T) {
	for _, variant := range []sandbox.WorkflowWebhook{sandbox.WorkflowWebhookNested, sandbox.WorkflowWebhookFlat} {
		for _, outcome := range []sandbox.GenerationOutcome{sandbox.GenerationSucceeds, sandbox.GenerationFails} {
			c := newClock()
			told := make(chan map[string]any, 1)
			v := visitAs(t, 1_00, sandbox.WithClock(c.Now), sandbox.WithGenerationOutcome(outcome),
				sandbox.WithWorkflowWebhook("https://hooks.example/end", variant),
				sandbox.WithWebhookTransport(carrier(func(r *http.Request) (*http.Response, error) {
					var payload map[string]any
					if err := json.NewDecoder(r.Body).Decode(&payload); err != nil {
						return nil, err
					}
					told <- payload
					return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(nil)), Request: r}, nil
				})))
			id := v.workflowIDs()[0]
			r := v.workflows("POST", "/"+id+"/run", `{"prompt":"a lake"}`)
			assert.Equal(t, "https://hooks.example/end", r.at("webhook_url"))
			c.Advance(time.Minute)
			v.workflowIDs() // any request looks for what is due
			got := reply{body: <-told}
			status := map[sandbox.GenerationOutcome]string{sandbox.GenerationSucceeds: "completed", sandbox.GenerationFails: "failed"}[outcome]
			assert.Equal(t, "workflow."+status, got.at("event"))
			number, err := r.at("execution_id").(json.Number).Float64()
			require.NoError(t, err)
			if variant == sandbox.WorkflowWebhookFlat {
				assert.InDelta(t, number, got.at("execution_id"), 0)
				assert.Equal(t, id, got.at("workflow_id"))
				assert.Equal(t, status, got.at("status"))
				assert.Equal(t, status == "completed", got.at("output", "output") != nil)
				continue
			}
			assert.Equal(t, r.at("execution_id").(json.Number).String(), got.at("execution", "id"))
			assert.Equal(t, id, got.at("workflow", "id"))
			assert.Equal(t, status, got.at("execution", "status"))
			assert.Equal(t, "a lake", got.at("execution", "input_data", "prompt"))
			assert.Equal(t, status == "completed", got.at("execution", "output_data", "output") != nil)
		}
	}
}
