package modelslab

import (
	"context"
	"strconv"
	"strings"
)

// ImagesService makes images.
// Documentation: docs.modelslab.com/image-generation.
type ImagesService struct{ c *Client }

// TextToImageParams describes an image. ModelID and Prompt are required; what is
// left at zero is left to the server, whose defaults are given. Models differ in
// what they take: a field that a model ignores does no harm.
type TextToImageParams struct {
	ModelID        string `json:"model_id"` // "flux", or any public or own model
	Prompt         string `json:"prompt"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // not for flux

	Width             int     `json:"width,omitzero"`               // pixels, divisible by 8; 256 to 1024; default 512
	Height            int     `json:"height,omitzero"`              // likewise
	Samples           int     `json:"samples,omitzero"`             // images to make, 1 to 4; default 1
	NumInferenceSteps int     `json:"num_inference_steps,omitzero"` // 1 to 20, flux 1 to 50
	GuidanceScale     float64 `json:"guidance_scale,omitzero"`      // 1 to 20; default 7.5
	Seed              *int64  `json:"seed,omitzero"`                // nil: random
	Scheduler         string  `json:"scheduler,omitzero"`
	ClipSkip          int     `json:"clip_skip,omitzero"` // 1 to 8; default 2
	AlgorithmType     string  `json:"algorithm_type,omitzero"`
	VAE               string  `json:"vae,omitzero"`

	LoraModel    string `json:"lora_model,omitzero"`    // ids, separated by commas
	LoraStrength string `json:"lora_strength,omitzero"` // as many numbers, 0.1 to 1, separated by commas

	IPAdapterID    string   `json:"ip_adapter_id,omitzero"`
	IPAdapterScale *float64 `json:"ip_adapter_scale,omitzero"` // 0 to 1
	IPAdapterImage string   `json:"ip_adapter_image,omitzero"` // URL

	EnhancePrompt     *bool  `json:"enhance_prompt,omitzero"`
	MultiLingual      *bool  `json:"multi_lingual,omitzero"`
	SafetyChecker     *bool  `json:"safety_checker,omitzero"`
	SafetyCheckerType string `json:"safety_checker_type,omitzero"` // blur, sensitive_content_text, pixelate, black
	UseKarrasSigmas   *bool  `json:"use_karras_sigmas,omitzero"`
	Upscale           *bool  `json:"upscale,omitzero"` // twice the size
	HighresFix        *bool  `json:"highres_fix,omitzero"`

	Base64          *bool  `json:"base64,omitzero"`           // Output holds base64 instead of URLs
	Temp            *bool  `json:"temp,omitzero"`             // keep the result for 24 hours only
	InstantResponse *bool  `json:"instant_response,omitzero"` // answer at once, with FutureLinks
	Webhook         string `json:"webhook,omitzero"`          // https URL told of the end
	TrackID         string `json:"track_id,omitzero"`         // told to the webhook
}

func (p TextToImageParams) check() error {
	if strings.TrimSpace(p.ModelID) == "" {
		return &ParamError{Param: "TextToImageParams.ModelID", Reason: "is empty; a model is needed, such as flux"}
	}
	if strings.TrimSpace(p.Prompt) == "" {
		return &ParamError{Param: "TextToImageParams.Prompt", Reason: "is empty"}
	}
	for _, f := range [...]struct {
		name  string
		value int
	}{
		{"Width", p.Width}, {"Height", p.Height}, {"Samples", p.Samples}, {"NumInferenceSteps", p.NumInferenceSteps}, {"ClipSkip", p.ClipSkip},
	} {
		if f.value < 0 {
			return &ParamError{Param: "TextToImageParams." + f.name, Value: strconv.Itoa(f.value), Reason: "must not be negative"}
		}
	}
	if p.GuidanceScale < 0 {
		return &ParamError{Param: "TextToImageParams.GuidanceScale", Value: strconv.FormatFloat(p.GuidanceScale, 'g', -1, 64), Reason: "must not be negative"}
	}
	return nil
}

// TextToImage submits an image. It may be done when TextToImage returns, or
// still be processing: [GenerationService.Wait] sees it to its end.
//
// A submission costs money and carries no idempotency key, so it is sent once;
// see [GenerationService.Run]. API: POST /api/v6/images/text2img.
func (s *ImagesService) TextToImage(ctx context.Context, p TextToImageParams, opts ...RequestOption) (*Generation, error) {
	j, err := call[job](ctx, s.c, imagesTextToImage, input{body: p}, opts)
	if err != nil {
		return nil, err
	}
	return &j.g, nil
}
