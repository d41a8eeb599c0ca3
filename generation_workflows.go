package modelslab

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// WorkflowsService runs workflows that were composed on the site. A run is a job:
// [GenerationService.Wait] sees it to its end, and its Path is that of the run.
// Documentation: docs.modelslab.com/workflows-api.
type WorkflowsService struct{ c *Client }

// Workflow is a chain of generations under one name.
type Workflow struct {
	ID           string              `json:"id"`
	Name         string              `json:"name"`
	Description  string              `json:"description"`
	RateLimit    int                 `json:"rate_limit"`  // runs a minute; 0: not said
	CallCount    int                 `json:"call_count"`  // in List
	WebhookURL   string              `json:"webhook_url"` // in Get
	LastCalledAt Timestamp           `json:"last_called_at"`
	CreatedAt    Timestamp           `json:"created_at"`
	UpdatedAt    Timestamp           `json:"updated_at"`
	Parameters   []WorkflowParameter `json:"parameters"` // in Get
}

// WorkflowParameter is something that a run takes.
type WorkflowParameter struct {
	Key      string `json:"key"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
	NodeID   string `json:"node_id"`
	NodeName string `json:"node_name"`
}

func (p *WorkflowParameter) read(at place, object []byte) error {
	var w struct {
		Key      text     `json:"key"`
		Type     text     `json:"type"`
		Required flexBool `json:"required"`
		NodeID   text     `json:"node_id"`
		NodeName text     `json:"node_name"`
	}
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	*p = WorkflowParameter{Key: firstOf(string(w.Key), at.key), Type: string(w.Type), Required: bool(w.Required), NodeID: string(w.NodeID), NodeName: string(w.NodeName)}
	return nil
}

func (w *Workflow) read(_ place, object []byte) error {
	var v struct {
		ID           text      `json:"id"`
		Name         text      `json:"name"`
		Description  text      `json:"description"`
		RateLimit    flexInt   `json:"rate_limit"`
		CallCount    flexInt   `json:"call_count"`
		WebhookURL   text      `json:"webhook_url"`
		LastCalledAt Timestamp `json:"last_called_at"`
		CreatedAt    Timestamp `json:"created_at"`
		UpdatedAt    Timestamp `json:"updated_at"`
	}
	if err := decodeTolerant(object, &v); err != nil {
		return err
	}
	*w = Workflow{
		ID: string(v.ID), Name: string(v.Name), Description: string(v.Description), RateLimit: int(v.RateLimit), CallCount: int(v.CallCount),
		WebhookURL: string(v.WebhookURL), LastCalledAt: v.LastCalledAt, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
	}
	return nil
}

func (w *Workflow) known() bool { return w.ID != "" }

func (w *Workflow) decode(t *trip, a *answer) error {
	if err := t.jobFailure(a); err != nil {
		return err
	}
	if a.shape != shapeObject || !json.Valid(a.body) {
		return errUnreadable
	}
	if err := w.read(place{}, inside(a.object(), "workflow")); err != nil {
		return err
	}
	if w.ID == "" {
		return missing("workflow")
	}
	if v := member(a.object(), "parameters"); v != nil {
		var err error
		w.Parameters, err = listIn[WorkflowParameter](v, "parameters")
		return err
	}
	return nil
}

// WorkflowExecution is one run.
type WorkflowExecution struct {
	ID         string `json:"id"`
	WorkflowID string `json:"workflow_id"`
	// Status is pending, running, completed, failed or cancelled. Words that
	// nobody has heard of pass through.
	Status        string         `json:"status"`
	Output        []string       `json:"output"` // URLs
	Error         string         `json:"error"`  // why it failed
	Steps         []WorkflowStep `json:"steps"`
	StartedAt     Timestamp      `json:"started_at"`
	CompletedAt   Timestamp      `json:"completed_at"`
	ExecutionTime float64        `json:"execution_time"` // seconds
}

// WorkflowStep is one node's part of a run.
type WorkflowStep struct {
	Name        string    `json:"name"`
	Status      string    `json:"status"`
	StartedAt   Timestamp `json:"started_at"`
	CompletedAt Timestamp `json:"completed_at"`
}

func (s *WorkflowStep) read(_ place, object []byte) error {
	var w struct {
		Name        text      `json:"name"`
		Status      text      `json:"status"`
		StartedAt   Timestamp `json:"started_at"`
		CompletedAt Timestamp `json:"completed_at"`
	}
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	*s = WorkflowStep{Name: string(w.Name), Status: string(w.Status), StartedAt: w.StartedAt, CompletedAt: w.CompletedAt}
	return nil
}

func (x *WorkflowExecution) decode(t *trip, a *answer) error {
	if a.shape != shapeObject || !json.Valid(a.body) {
		return errUnreadable
	}
	execution := member(a.object(), "execution")
	if execution == nil {
		if err := t.jobFailure(a); err != nil {
			return err
		}
		return missing("execution")
	}
	var w struct {
		ID            text      `json:"id"`
		WorkflowID    text      `json:"workflow_id"`
		Status        text      `json:"status"`
		StartedAt     Timestamp `json:"started_at"`
		CompletedAt   Timestamp `json:"completed_at"`
		ExecutionTime text      `json:"execution_time"`
	}
	if err := decodeTolerant(execution, &w); err != nil {
		return err
	}
	took, _ := seconds([]byte(w.ExecutionTime))
	*x = WorkflowExecution{
		ID: string(w.ID), WorkflowID: string(w.WorkflowID), Status: string(w.Status),
		Output: links(member(a.object(), "output")), Error: jsonText(member(a.object(), "error")),
		StartedAt: w.StartedAt, CompletedAt: w.CompletedAt, ExecutionTime: took,
	}
	if v := member(a.object(), "steps"); v != nil {
		var err error
		if x.Steps, err = listIn[WorkflowStep](v, "steps"); err != nil {
			return err
		}
	}
	if x.Status == "" {
		return missing("execution.status")
	}
	return nil
}

// execution reads what is peculiar to the answers about runs: the outer status
// speaks of the question, and the execution's own of the run.
func (g *Generation) execution(body []byte) {
	if g.Status == StatusError || g.Status == StatusFailed {
		return
	}
	run := member(body, "execution")
	if run == nil && g.Status == "" {
		return // says nothing
	}
	switch jsonText(member(run, "status")) {
	case "completed":
		g.Status = StatusSuccess
	case "failed":
		g.Status, g.Message = StatusFailed, firstOf(jsonText(member(body, "error")), g.Message)
	case "cancelled", "canceled":
		g.Status, g.Message = StatusFailed, "the run was cancelled"
	default:
		g.Status = StatusProcessing
	}
}

// List lists the account's workflows. API: GET /api/v1/workflows.
func (s *WorkflowsService) List(ctx context.Context, opts ...RequestOption) ([]Workflow, error) {
	return list[Workflow](ctx, s.c, workflowsList, input{}, opts)
}

// Get reads one workflow with the parameters that a run takes. API: GET
// /api/v1/workflows/{workflow_id}.
func (s *WorkflowsService) Get(ctx context.Context, workflowID string, opts ...RequestOption) (*Workflow, error) {
	return call[Workflow](ctx, s.c, workflowsGet, input{param: "workflowID", element: workflowID}, opts)
}

// Run starts a run with the workflow's own parameters: a map or a struct by
// their keys; nil if it has none. It costs what its steps cost, and is sent once.
// Limits: per workflow, 10 a minute by default. API: POST
// /api/v1/workflows/{workflow_id}/run.
func (s *WorkflowsService) Run(ctx context.Context, workflowID string, params any, opts ...RequestOption) (*Generation, error) {
	if err := checkElement("workflowID", workflowID); err != nil {
		return nil, err
	}
	if params == nil {
		params = struct{}{}
	}
	return s.c.Generation.Run(ctx, filled(workflowsRun.row().full, workflowID), params, opts...)
}

// Execution reads how a run is, step by step. One that failed is no error here.
// API: GET /api/v1/workflows/{workflow_id}/runs/{execution_id}.
func (s *WorkflowsService) Execution(ctx context.Context, workflowID, executionID string, opts ...RequestOption) (*WorkflowExecution, error) {
	x := &WorkflowExecution{}
	if err := s.execution(ctx, workflowsExecution, workflowID, executionID, x, opts); err != nil {
		return nil, err
	}
	return x, nil
}

// Cancel stops a run that has not ended. API: POST
// /api/v1/workflows/{workflow_id}/runs/{execution_id}/cancel.
func (s *WorkflowsService) Cancel(ctx context.Context, workflowID, executionID string, opts ...RequestOption) error {
	return s.execution(ctx, workflowsCancel, workflowID, executionID, &acknowledged{}, opts)
}

func (s *WorkflowsService) execution(ctx context.Context, e endpoint, workflowID, executionID string, out any, opts []RequestOption) error {
	t := trip{c: s.c, e: e.row(), path: filled(e.row().full, workflowID, executionID), in: input{
		err: firstError(checkElement("workflowID", workflowID), checkElement("executionID", executionID)),
	}}
	return t.walk(ctx, out, opts)
}

// acknowledged is a success of which nothing is needed but that it does not say
// no.
type acknowledged struct{}

func (*acknowledged) decode(t *trip, a *answer) error {
	if err := t.jobFailure(a); err != nil {
		return err
	}
	if a.shape == shapeEmpty && t.e.Spends && a.status != http.StatusNoContent {
		return errNoData
	}
	if a.shape == shapeJSON && saysNo(a.body) || saysFailed(a.body, true) {
		return errSaysFailed
	}
	return nil
}

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
