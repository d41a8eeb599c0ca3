package modelslab

import (
	"context"
	"encoding/json"
	"strings"
)

// TrainingService makes models of a customer's own pictures. A training costs
// money (1 US dollar, as documented) and takes 25 to 30 minutes.
// Documentation: docs.modelslab.com/image-generation/train-model.
type TrainingService struct{ c *Client }

// TrainingState is how far a training is. Words that nobody has heard of pass
// through, and count as still running.
type TrainingState string

// The documented states, in their order.
const (
	TrainingDeployingGPU   TrainingState = "deploying_gpu"
	TrainingStarted        TrainingState = "training_started"
	TrainingSucceeded      TrainingState = "training_success"
	TrainingCompressing    TrainingState = "trained_model_compressing"
	TrainingUploading      TrainingState = "trained_model_uploading"
	TrainingUploaded       TrainingState = "trained_model_uploaded"
	TrainingDeployingModel TrainingState = "deploying_model"
	TrainingModelReady     TrainingState = "model_ready" // the model can be used
)

// ended reports whether a state says that no model will come. The vendor lists
// none that does. A sentence is no state.
func (s TrainingState) ended() bool {
	if strings.ContainsAny(string(s), " \n") {
		return false
	}
	for _, word := range [...]string{"fail", "error", "cancel"} {
		if strings.Contains(string(s), word) {
			return true
		}
	}
	return false
}

// Training is a training and, in the end, a model.
type Training struct {
	ID       string           `json:"id"` // also the ModelID to generate with, once it is ready
	State    TrainingState    `json:"state"`
	Status   GenerationStatus `json:"status"`   // processing until the model is ready
	Progress string           `json:"progress"` // the server's text, of several lines
}

func trainingOf(g *Generation) *Training {
	return &Training{ID: g.ID, State: TrainingState(g.Message), Status: g.Status, Progress: jsonText(member(g.Raw, "data"))}
}

// training reads what is peculiar to the answers about trainings: success says
// that the question was understood, and messege how the training is.
func (g *Generation) training(body []byte, submitted bool) {
	g.Output = nil
	g.Message = firstOf(jsonText(member(body, "messege")), g.Message) // the state, so spelled
	if g.Status == StatusError || g.Status == StatusFailed || g.Status == "" {
		return
	}
	switch state := TrainingState(g.Message); {
	case state == TrainingModelReady:
		g.Status = StatusSuccess
	case state.ended() && !submitted:
		g.Status = StatusFailed
	default:
		g.Status = StatusProcessing
	}
}

// TrainingCreateParams describes a LoRA fine-tuning.
type TrainingCreateParams struct {
	InstancePrompt string  `json:"instance_prompt" rule:"required"` // how prompts will name what is learned
	ClassPrompt    string  `json:"class_prompt" rule:"required"`    // what kind of thing it is
	Images         []Input `json:"images" media:"url" rule:"required"`
	TrainingType   string  `json:"training_type" rule:"required"`        // men, women, couple, or null for things
	MaxTrainSteps  int     `json:"max_train_steps,string" rule:"10..50"` // twice the number of images is suggested
	BaseModelType  string  `json:"base_model_type,omitzero"`             // normal or sdxl; default sdxl
	LoRAType       string  `json:"lora_type,omitzero"`                   // lora or lycoris; default lora
	NegativePrompt string  `json:"negative_prompt,omitzero"`
	Seed           *int64  `json:"seed,omitzero,string"` // default 0
	WandbKey       Secret  `json:"-"`                    // of Weights & Biases, which then shows the training
	Webhook        string  `json:"webhook,omitzero"`     // https URL told of the training
}

func (p TrainingCreateParams) check() error {
	if p.MaxTrainSteps == 0 {
		return &ParamError{Param: "TrainingCreateParams.MaxTrainSteps", Value: "0", Reason: "must be 10 to 50"}
	}
	return nil
}

func (p TrainingCreateParams) wire() any {
	type plain TrainingCreateParams
	return struct {
		plain
		WandbKey string `json:"wandb_key,omitzero"`
	}{plain(p), p.WandbKey.Reveal()}
}

func (p TrainingCreateParams) secrets() []string { return []string{p.WandbKey.Reveal()} }

// Create starts a training. It costs money and carries no key, so it is sent
// once: after [ErrOutcomeUnknown] look at List before you call again. API: POST
// /api/v3/lora_fine_tune.
func (s *TrainingService) Create(ctx context.Context, p TrainingCreateParams, opts ...RequestOption) (*Training, error) {
	g, err := submit(ctx, s.c, trainingCreate, p, opts)
	if err != nil {
		return nil, err
	}
	return trainingOf(g), nil
}

// Status asks how a training is. One that has broken off is a
// [GenerationError]. API: POST /api/v3/fine_tune_status/{training_id}.
func (s *TrainingService) Status(ctx context.Context, id string, opts ...RequestOption) (*Training, error) {
	if err := checkElement("id", id); err != nil {
		return nil, err
	}
	g, err := s.c.Generation.Fetch(ctx, &Generation{ID: id, Path: trainingCreate.row().full}, opts...)
	if err != nil {
		return nil, err
	}
	return trainingOf(g), nil
}

// TrainingWaitParams is how to wait for a training; see [WaitParams].
type TrainingWaitParams struct {
	WaitParams
	Progress func(*Training) // called after each answer; may be nil
}

// Wait asks until the model is ready, as [GenerationService.Wait] does: what it
// returns is never nil.
func (s *TrainingService) Wait(ctx context.Context, id string, p TrainingWaitParams, opts ...RequestOption) (*Training, error) {
	if err := checkElement("id", id); err != nil {
		return &Training{ID: id}, err
	}
	wait, progress := p.WaitParams, p.WaitParams.Progress
	wait.Progress = func(g *Generation) {
		if progress != nil {
			progress(g)
		}
		if p.Progress != nil {
			p.Progress(trainingOf(g))
		}
	}
	g, err := s.c.Generation.Wait(ctx, &Generation{ID: id, Path: trainingCreate.row().full}, wait, opts...)
	return trainingOf(g), err
}

// trainingIDs is the list of trainings.
type trainingIDs []string

func (l *trainingIDs) decode(t *trip, a *answer) error {
	if err := t.jobFailure(a); err != nil {
		return err
	}
	p := a.payload()
	if p == nil && a.outer.hasData {
		return nil // null: none
	}
	switch {
	case p == nil:
		return errNoData
	case p[0] != '[' || !json.Valid(p):
		return missing("data")
	}
	*l = namesOf(p)
	return nil
}

// List lists the ids of the account's trained models. API: POST
// /api/v3/finetune_list.
func (s *TrainingService) List(ctx context.Context, opts ...RequestOption) ([]string, error) {
	l, err := call[trainingIDs](ctx, s.c, trainingList, input{}, opts)
	if err != nil {
		return nil, err
	}
	return *l, nil
}

// Delete deletes a trained model. API: POST
// /api/v3/finetune/delete/{training_id}.
func (s *TrainingService) Delete(ctx context.Context, id string, opts ...RequestOption) error {
	return send(ctx, s.c, trainingDelete, input{param: "id", element: id}, &acknowledged{}, opts)
}

// Cancel stops a training. The vendor's texts spell its path in two ways; the
// second is tried where the first is not found. API: POST
// /api/v3/cancel_training/{training_id}.
func (s *TrainingService) Cancel(ctx context.Context, id string, opts ...RequestOption) error {
	in := input{param: "id", element: id}
	err := send(ctx, s.c, trainingCancel, in, &acknowledged{}, opts)
	if isNotFound(err) {
		if err2 := send(ctx, s.c, trainingCancelByPage, in, &acknowledged{}, opts); !isNotFound(err2) {
			return err2
		}
	}
	return err
}
