package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// workflow is one of the samples that every account has.
type workflow struct {
	id, name, description string
	parameters            []workflowParameter
	steps                 []string
}

type workflowParameter struct {
	key, kind string // string or number
	required  bool
}

// workflowsPerMinute is how often one account may run one workflow, as documented.
const workflowsPerMinute = 10

func workflows() []workflow {
	prompt := workflowParameter{"prompt", "string", true}
	return []workflow{
		{
			id: "7f6a1d52-3c4b-4e8e-9f0a-2b8c5d1e6a11", name: "Picture from words",
			description: "Draws a picture.",
			parameters:  []workflowParameter{prompt, {"negative_prompt", "string", false}, {"width", "number", false}},
			steps:       []string{"Text to Image"},
		},
		{
			id: "c2b9e0d4-5a17-4f36-8d21-7e4f9a0b3c22", name: "Large picture from words",
			description: "Draws a picture and makes it larger.",
			parameters:  []workflowParameter{prompt, {"scale", "number", true}},
			steps:       []string{"Text to Image", "Image Upscaler"},
		},
	}
}

// workflowUse is how an account uses a workflow.
type workflowUse struct {
	window
	calls int
	last  time.Time
}

// execution is one run of a workflow.
type execution struct {
	id        int64
	account   *account
	workflow  workflow
	input     object
	job       *job // the picture that is made, and the time that it takes
	cancelled time.Time
}

// workflowHolder finds the account of the API key, which has a header of its own.
func (s *Server) workflowHolder(c *call) (*account, answer, bool) {
	key := c.http.Header.Get("Key")
	if key == "" {
		return nil, generationError(http.StatusUnauthorized, "API key required"), true
	}
	if a := s.apiKeys[key]; a != nil {
		return a, answer{}, false
	}
	return nil, generationError(http.StatusUnauthorized, "Invalid API key"), true
}

// workflow finds the one that the path names.
func (s *Server) workflow(c *call) (*account, workflow, answer, bool) {
	a, refusal, refused := s.workflowHolder(c)
	if refused {
		return nil, workflow{}, refusal, true
	}
	for _, w := range workflows() {
		if w.id == c.params["workflow_id"] {
			return a, w, answer{}, false
		}
	}
	return nil, workflow{}, generationError(http.StatusNotFound, "Workflow not found or API not enabled"), true
}

func (s *Server) workflowUse(a *account, w workflow) *workflowUse {
	id := fmt.Sprintf("%d|%s", a.id, w.id)
	if s.kept.runs[id] == nil {
		s.kept.runs[id] = &workflowUse{}
	}
	return s.kept.runs[id]
}

func (s *Server) listWorkflows(c *call) answer {
	a, refusal, refused := s.workflowHolder(c)
	if refused {
		return refusal
	}
	var list []object
	for _, w := range workflows() {
		use := s.workflowUse(a, w)
		list = append(list, object{
			"id": w.id, "name": w.name, "description": w.description, "rate_limit": workflowsPerMinute,
			"call_count": use.calls, "last_called_at": momentOrNull(use.last),
			"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
		})
	}
	return bare(http.StatusOK, object{"status": "success", "workflows": list})
}

func (s *Server) getWorkflow(c *call) answer {
	_, w, refusal, refused := s.workflow(c)
	if refused {
		return refusal
	}
	parameters := make([]object, len(w.parameters))
	for i, p := range w.parameters {
		parameters[i] = object{"key": p.key, "type": p.kind, "required": p.required, "node_id": "node-1", "node_name": w.steps[0]}
	}
	place := s.url + workflowsBase + "/" + w.id
	return bare(http.StatusOK, object{
		"status": "success",
		"workflow": object{
			"id": w.id, "name": w.name, "description": w.description,
			"rate_limit": workflowsPerMinute, "webhook_url": textOrNull(s.services.workflowHook),
		},
		"parameters": parameters,
		"endpoints":  object{"run": place + "/run", "status": place + "/runs/{id}"},
	})
}

// unfit says what is wrong with the parameters of a run.
func (c *call) unfit(w workflow) bag {
	problems := bag{}
	for _, p := range w.parameters {
		value := c.fields[p.key]
		_, isText := value.(string)
		_, isNumber := value.(json.Number)
		switch {
		case value == nil && p.required, p.required && isText && c.text(p.key) == "":
			problems.add(p.key, "The %s field is required.", p.key)
		case value != nil && p.kind == "string" && !isText:
			problems.add(p.key, "The %s field must be a string.", p.key)
		case value != nil && p.kind == "number" && !isNumber:
			problems.add(p.key, "The %s field must be a number.", p.key)
		}
	}
	return problems
}

func (s *Server) runWorkflow(c *call) answer {
	a, w, refusal, refused := s.workflow(c)
	if refused {
		return refusal
	}
	use := s.workflowUse(a, w)
	if !c.now.Before(use.ends) {
		use.window = window{ends: c.now.Add(windowLength)}
	}
	if use.used >= workflowsPerMinute && s.rateLimits != nil {
		return bare(http.StatusTooManyRequests, object{
			"status": "error", "message": fmt.Sprintf("Rate limit exceeded. Maximum %d requests per minute.", workflowsPerMinute),
			"retry_after": json.Number(seconds(use.ends.Sub(c.now))),
		})
	}
	use.used++
	if problems := c.unfit(w); len(problems) > 0 {
		return bare(http.StatusUnprocessableEntity, object{"status": "error", "message": "Validation failed", "errors": problems})
	}
	cost := s.priceOf(c.route.name, makesImage)
	if a.subscribed() {
		cost = 0
	}
	if a.wallet.balance < cost {
		return poor()
	}
	use.calls, use.last = use.calls+1, c.now
	e := &execution{
		id: s.nextID("execution", 12345), account: a, workflow: w, input: maps.Clone(c.fields),
		job: s.pictureJob(c, a, c.route.name, workflowsBase),
	}
	e.job.cost = cost
	e.job.webhook = s.services.workflowHook
	e.job.tell = func() object { return s.workflowPayload(e) }
	s.promiseWebhook(e.job)
	s.kept.executions[e.id] = e
	if cost > 0 {
		s.debit(a, cost, movement{source: "api", id: strconv.FormatInt(e.job.id, 10), usecase: "workflow", description: w.name})
	}
	return bare(http.StatusAccepted, object{
		"status": "success", "message": "Workflow execution started.", "execution_id": e.id, "workflow_id": w.id,
		"status_url":  fmt.Sprintf("%s%s/%s/runs/%d", s.url, workflowsBase, w.id, e.id),
		"webhook_url": textOrNull(s.services.workflowHook),
	})
}

// execution finds the one that the path names.
func (s *Server) execution(c *call) (*execution, answer, bool) {
	a, w, refusal, refused := s.workflow(c)
	if refused {
		return nil, refusal, true
	}
	id, err := strconv.ParseInt(c.params["execution_id"], 10, 64)
	e := s.kept.executions[id]
	if err != nil || e == nil || e.account != a || e.workflow.id != w.id {
		return nil, generationError(http.StatusNotFound, "Execution not found"), true
	}
	return e, answer{}, false
}

// begins is when an execution leaves the queue, after a quarter of its time.
func (e *execution) begins() time.Time {
	return e.job.created.Add(e.job.ready.Sub(e.job.created) / 4)
}

// state says how far an execution is, and when it ended if it did.
func (s *Server) executionState(e *execution, now time.Time) (status string, ended time.Time) {
	switch {
	case !e.cancelled.IsZero():
		return "cancelled", e.cancelled
	case now.Before(e.begins()):
		return "pending", time.Time{}
	case now.Before(e.job.ready):
		return "running", time.Time{}
	case s.generationOutcome != GenerationSucceeds:
		return "failed", e.job.ready
	}
	return "completed", e.job.ready
}

// stepsJSON splits the time that an execution runs among its steps.
func (e *execution) stepsJSON(status string, ended, now time.Time) []object {
	begin := e.begins()
	share := e.job.ready.Sub(begin) / time.Duration(len(e.workflow.steps))
	if !ended.IsZero() {
		now = ended
	}
	list := make([]object, len(e.workflow.steps))
	for i, name := range e.workflow.steps {
		from := begin.Add(share * time.Duration(i))
		until := from.Add(share)
		step := object{"name": name, "status": "pending", "started_at": nil, "completed_at": nil}
		if status != "pending" && !now.Before(from) {
			step["status"], step["started_at"] = "running", timestamp(from)
			if !now.Before(until) {
				step["status"], step["completed_at"] = "completed", timestamp(until)
			}
		}
		if status == "failed" && i == len(list)-1 {
			step["status"] = "failed"
		}
		if status == "cancelled" && step["status"] != "completed" {
			step["status"] = "cancelled"
		}
		list[i] = step
	}
	return list
}

// workflowFailure is what a failed execution says, under the status success.
const workflowFailure = "Image generation failed: the model broke."

func (s *Server) workflowExecution(c *call) answer {
	e, refusal, refused := s.execution(c)
	if refused {
		return refusal
	}
	status, ended := s.executionState(e, c.now)
	body := object{
		"status": "success", "steps": e.stepsJSON(status, ended, c.now),
		"execution": object{
			"id": e.id, "workflow_id": e.workflow.id, "status": status,
			"started_at": e.startedAt(status), "completed_at": momentOrNull(ended), "execution_time": e.took(ended),
		},
	}
	switch status {
	case "completed":
		body["output"] = s.executionOutput(e)
	case "failed":
		s.refund(e.job)
		body["error"] = workflowFailure
	}
	return bare(http.StatusOK, body)
}

func (e *execution) startedAt(status string) any {
	if status == "pending" || status == "cancelled" && e.cancelled.Before(e.begins()) {
		return nil
	}
	return timestamp(e.begins())
}

func (e *execution) took(ended time.Time) any {
	if ended.IsZero() || ended.Before(e.begins()) {
		return nil
	}
	return ended.Sub(e.begins()).Seconds()
}

func (s *Server) executionOutput(e *execution) object {
	return object{"output": s.links(e.job), "proxy_links": s.links(e.job), "status": "success"}
}

func (s *Server) cancelWorkflow(c *call) answer {
	e, refusal, refused := s.execution(c)
	if refused {
		return refusal
	}
	if status, _ := s.executionState(e, c.now); !slices.Contains([]string{"pending", "running"}, status) {
		return generationError(http.StatusBadRequest, "Cannot cancel execution in current state: %s", status)
	}
	e.cancelled = c.now
	s.forget(e.job)
	return done("Execution cancelled.")
}

// workflowPayload is what the webhook tells of an end, in one of the two documented ways.
// Only the event of a success is documented.
func (s *Server) workflowPayload(e *execution) object {
	status, ended := s.executionState(e, e.job.ready)
	if status == "failed" {
		s.refund(e.job)
	}
	var output any
	if status == "completed" {
		output = s.executionOutput(e)
	}
	if s.services.workflowVariant == WorkflowWebhookFlat {
		return object{
			"event": "workflow." + status, "execution_id": e.id, "workflow_id": e.workflow.id,
			"status": status, "output": output, "completed_at": timestamp(ended),
		}
	}
	return object{
		"event": "workflow." + status,
		"workflow": object{
			"id": e.workflow.id, "name": e.workflow.name, "user_id": strconv.FormatInt(e.account.id, 10),
		},
		"execution": object{
			"id": strconv.FormatInt(e.id, 10), "status": status,
			"started_at": timestamp(e.begins()), "completed_at": timestamp(ended), "execution_time": e.took(ended),
			"input_data": e.input, "output_data": output,
		},
	}
}
