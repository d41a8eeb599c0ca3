package modelslab

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// GenerationService submits jobs, waits for them and downloads what they made.
// The generation APIs take the account's API key, not the access token.
// Documentation: docs.modelslab.com.
//
// A method's path never changes: one without a suffix is of v6 where v6 has one,
// and its twin of v7 ends in V7. The two differ in what they take.
type GenerationService struct {
	Images   *ImagesService
	Video    *VideoService
	Audio    *AudioService
	ThreeD   *ThreeDService
	Editing  *EditingService
	Interior *InteriorService
	FaceSwap *FaceSwapService
	Chat     *ChatService

	Uploads   *UploadsService
	Training  *TrainingService
	Workflows *WorkflowsService
	Servers   *ServersService
	Models    *KeyModelsService

	c *Client
}

func newGenerationService(c *Client) *GenerationService {
	return &GenerationService{
		Images: &ImagesService{c}, Video: &VideoService{c}, Audio: &AudioService{c}, ThreeD: &ThreeDService{c},
		Editing: &EditingService{c}, Interior: &InteriorService{c}, FaceSwap: &FaceSwapService{c}, Chat: &ChatService{c},
		Uploads: &UploadsService{c}, Training: &TrainingService{c}, Workflows: &WorkflowsService{c},
		Servers: &ServersService{c: c}, Models: &KeyModelsService{c},
		c: c,
	}
}

// submit sends a job.
func submit(ctx context.Context, c *Client, e endpoint, params any, opts []RequestOption) (*Generation, error) {
	j, err := call[job](ctx, c, e, input{body: params}, opts)
	if err != nil {
		return nil, err
	}
	return &j.g, nil
}

// Run submits any job: a whole path of the generation APIs, as in
// "/api/v7/images/text-to-image", and params that encode to a JSON object
// without a key. A job may be done when Run returns; see [GenerationService.Wait].
// A path whose jobs could not be asked for afterwards is refused.
//
// A submission spends money and carries no idempotency key, so it is sent once:
// after [ErrOutcomeUnknown] it may be running. A full queue is [ErrRateLimited];
// [WithQueueLimit] keeps away from it. [WithSchema] holds the params against what
// the model says that it takes, before anything is paid. Params may hold [Input]
// values at any depth: files are sent as base64.
func (s *GenerationService) Run(ctx context.Context, path string, params any, opts ...RequestOption) (*Generation, error) {
	if err := checkGenerationPath(path); err != nil {
		return nil, err
	}
	if _, err := asking(&Generation{ID: "1", Path: path}); err != nil {
		return nil, &ParamError{Param: "path", Value: path, Reason: "is none of a job that could be asked for afterwards; Generation.Call calls any path"}
	}
	if params == nil {
		return nil, &ParamError{Param: "params", Reason: "nil"}
	}
	var j job
	if err := s.c.callAny(ctx, post, path, path, params, &j, opts); err != nil {
		return nil, err
	}
	return &j.g, nil
}

// Call calls any path of the generation APIs, /api/… but not /api/agents/…, with
// the API key where that family wants it, and decodes the whole answer into out.
// GET is repeatable; anything else is sent once.
func (s *GenerationService) Call(ctx context.Context, method, path string, in, out any, opts ...RequestOption) error {
	if err := checkGenerationPath(path); err != nil {
		return err
	}
	if out != nil {
		if err := checkOut(out); err != nil {
			return err
		}
	}
	return s.c.callAny(ctx, method, path, path, in, &whole{out: out}, opts)
}

// jobFailure is the error of a success status around words for "no"; nil: there
// are none.
func (t *trip) jobFailure(a *answer) error {
	if status := jsonText(member(a.body, "status")); !a.failed() && status != string(StatusError) && status != string(StatusFailed) {
		return nil
	}
	e := t.apiError(&result{answer: *a, body: &a.body})
	a.fault(e)
	e.Message = clean(t.scrub(e.Message), maxMessageText)
	return &GenerationError{APIError: *e, GenerationID: jsonText(member(a.body, "id"))}
}

// saysNo is jobFailure for results that answers of the Agents API have too, which
// say no by their status code.
func (t *trip) saysNo(a *answer) error {
	if !t.e.generation() {
		return nil
	}
	return t.jobFailure(a)
}

// whole is a result that has no envelope: data is a member like others there.
type whole struct {
	out any
	job *Generation // what the answer says, if the call submitted a job
}

func (w *whole) decode(t *trip, a *answer) error {
	if t.e.Job {
		j := job{}
		if err := j.decode(t, a); err == nil {
			w.job = &j.g
		}
	}
	switch {
	case t.e.Spends && a.status != http.StatusNoContent && (a.shape == shapeEmpty || emptyValue(a.body)):
		return errNoData // whatever was paid for
	case a.shape == shapeEmpty && w.out == nil:
		return nil
	case a.shape == shapeEmpty, string(a.body) == "null":
		return errNoData
	case a.shape == shapeOther:
		return errUnreadable
	}
	if err := t.jobFailure(a); err != nil {
		return err
	}
	if w.out == nil {
		return nil
	}
	return json.Unmarshal(a.body, w.out)
}

func checkGenerationPath(path string) error {
	if err := checkPath("path", path); err != nil {
		return err
	}
	if !strings.HasPrefix(path, "/api/") || path == "/api/agents" || strings.HasPrefix(path, "/api/agents/") {
		return &ParamError{Param: "path", Value: path, Reason: "must be below /api/ and outside /api/agents/; Client.Call calls the latter"}
	}
	return nil
}

// keyPlace is where a family of the generation APIs wants the API key.
type keyPlace uint8

const (
	keyNowhere keyPlace = iota
	keyInBody
	keyInQuery
	keyInHeader // a header literally named key
	keyInBearer
)

// generation reports whether the row is one of the generation APIs, which know
// the API key and have no envelope.
func (e *Endpoint) generation() bool {
	return !e.Bearer && !e.Outside && strings.HasPrefix(e.full, "/api/") && !strings.HasPrefix(e.full, agentsBase)
}

func generationAuth(e *Endpoint) keyPlace {
	switch {
	case !e.generation(), e.full == table[imagesFetchV5].full:
		return keyNowhere // the second: by its description, it asks for none
	case strings.HasPrefix(e.full, "/api/v7/llm/"), strings.HasPrefix(e.full, "/api/uncensored-chat/"):
		return keyInBearer
	case strings.HasPrefix(e.full, "/api/v1/workflows"):
		return keyInHeader
	case e.Method == get, e.Method == del:
		return keyInQuery
	}
	return keyInBody
}
