package modelslab

import (
	"context"
	"strconv"
	"strings"
)

// ImagesService makes images: from a text, from other images, and inside a part of
// an image.
//
// A submission costs money and carries no idempotency key, so it is sent once; see
// [GenerationService.Run]. The image may be done when the method returns, or still
// be processing: [GenerationService.Wait] sees it to its end.
//
// The methods whose names end in V7 belong to the newer API, which has more models
// and fewer settings. What a model takes besides can be sent with [WithBodyField].
//
// Documentation: docs.modelslab.com/image-generation.
type ImagesService struct{ c *Client }

// TextToImageParams describes an image. ModelID and Prompt are required; what is
// left at zero is left to the server, whose defaults are given. Models differ in
// what they take: a field that a model ignores does no harm.
type TextToImageParams struct {
	ModelID        string `json:"model_id" rule:"required"` // "flux", or any public or own model
	Prompt         string `json:"prompt" rule:"required"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen; not for flux

	Width             int     `json:"width,omitzero" rule:"256..1488/8"`         // pixels, divisible by 8; 256 to 1024, z-image-turbo to 1488; default 512
	Height            int     `json:"height,omitzero" rule:"256..1488/8"`        // likewise
	Samples           int     `json:"samples,omitzero" rule:"1..4"`              // images to make, 1 to 4; default 1
	NumInferenceSteps int     `json:"num_inference_steps,omitzero" rule:"1..50"` // 1 to 20 and what is above counts as 20; flux 1 to 50, default 31
	GuidanceScale     float64 `json:"guidance_scale,omitzero" rule:"1..20"`      // how closely the prompt is followed, 1 to 20; default 7.5
	Seed              *int64  `json:"seed,omitzero"`                             // the same seed makes the same image; nil: random
	Scheduler         string  `json:"scheduler,omitzero"`                        // "UniPCMultistepScheduler", "DDIMScheduler", "EulerDiscreteScheduler" …
	ClipSkip          int     `json:"clip_skip,omitzero" rule:"1..8"`            // CLIP layers to skip, 1 to 8; default 2; not for flux
	AlgorithmType     string  `json:"algorithm_type,omitzero"`                   // "none" or "dpmsolver+++", for DPMSolverMultistepScheduler; default "none"
	VAE               string  `json:"vae,omitzero"`                              // id of a VAE of one's own; not for flux

	LoraModel    string `json:"lora_model,omitzero"`    // ids, separated by commas; not those made for SD with flux
	LoraStrength string `json:"lora_strength,omitzero"` // as many numbers, 0.1 to 1, separated by commas

	IPAdapterID    string   `json:"ip_adapter_id,omitzero"`                   // "ip-adapter_sdxl", "ip-adapter_sd15", "ip-adapter-plus-face_sd15", "ip-adapter-plus_sdxl_vit-h", "ip-adapter-plus-face_sdxl_vit-h"
	IPAdapterScale *float64 `json:"ip_adapter_scale,omitzero" rule:"0..1"`    // 0 to 1
	IPAdapterImage Input    `json:"ip_adapter_image,omitzero" media:"answer"` // a file only together with Base64

	EnhancePrompt     *bool  `json:"enhance_prompt,omitzero"`      // let the server better the prompt; default yes; not for flux
	MultiLingual      *bool  `json:"multi_lingual,omitzero"`       // the prompt is not English; default false
	SafetyChecker     *bool  `json:"safety_checker,omitzero"`      // replace what is not safe for work; default false
	SafetyCheckerType string `json:"safety_checker_type,omitzero"` // by what: blur, sensitive_content_text, pixelate, black; default sensitive_content_text
	UseKarrasSigmas   *bool  `json:"use_karras_sigmas,omitzero"`   // default true
	Upscale           *bool  `json:"upscale,omitzero"`             // twice the size; default false; not for flux
	HighresFix        *bool  `json:"highres_fix,omitzero"`         // default false; not for flux

	// For flux alone.
	InjectedNoiseAlpha *float64 `json:"injected_noise_alpha,omitzero" rule:"0..1"` // noise that is added, 0 to 1; default 0.75
	SigmaThreshold     *float64 `json:"sigma_threshold,omitzero" rule:"0..1"`      // the noise level where sampling changes, 0 to 1; default 0.45
	TrueCFGScale       *float64 `json:"true_cfg_scale,omitzero" rule:"0..10"`      // 0 to 10; default 1
	UseCFGZeroStar     *bool    `json:"use_cfg_zero_star,omitzero"`                // default true
	UseZeroInit        *bool    `json:"use_zero_init,omitzero"`                    // begin with zeros instead of noise; default false
	ZeroSteps          *int     `json:"zero_steps,omitzero" rule:"0..50"`          // steps that UseZeroInit lasts, 0 to 50; default 0

	Base64          *bool  `json:"base64,omitzero"`           // Output holds base64 instead of URLs; default false
	Temp            *bool  `json:"temp,omitzero"`             // keep the result for 24 hours only; default false
	InstantResponse *bool  `json:"instant_response,omitzero"` // answer at once, with FutureLinks; default false
	Webhook         string `json:"webhook,omitzero"`          // https URL told of the end
	TrackID         string `json:"track_id,omitzero"`         // told to the webhook
}

func (p TextToImageParams) check() error {
	for _, side := range [...]struct {
		name   string
		pixels int
	}{{"Width", p.Width}, {"Height", p.Height}} {
		// One model alone is sent larger sizes by the vendor's own clients.
		if side.pixels > 1024 && p.ModelID != "z-image-turbo" {
			return &ParamError{Param: "TextToImageParams." + side.name, Value: strconv.Itoa(side.pixels), Reason: "must be 256 to 1024, divisible by 8"}
		}
	}
	return checkLora("TextToImageParams", p.LoraModel, p.LoraStrength)
}

// checkLora refuses a strength for no model, and a list that is shorter than the
// other. Models without any strength are sent: the documentation does so too.
func checkLora(params, models, strengths string) error {
	if strings.TrimSpace(strengths) == "" {
		return nil
	}
	m, s := 0, strings.Count(strengths, ",")+1
	if strings.TrimSpace(models) != "" {
		m = strings.Count(models, ",") + 1
	}
	if m == s {
		for strength := range strings.SplitSeq(strengths, ",") {
			if x, err := strconv.ParseFloat(strings.TrimSpace(strength), 64); err != nil || !(x >= 0.1 && x <= 1) {
				return &ParamError{Param: params + ".LoraStrength", Value: strengths, Reason: "must be numbers from 0.1 to 1, separated by commas"}
			}
		}
		return nil
	}
	return &ParamError{
		Param: params + ".LoraStrength", Value: strengths,
		Reason: "must have one number for each id in LoraModel, which has " + strconv.Itoa(m) + "; here are " + strconv.Itoa(s),
	}
}

// TextToImage makes images from a text.
// Documentation: docs.modelslab.com/image-generation/community-models/dreambooth-text-to-image,
// docs.modelslab.com/image-generation/flux/flux-text-to-image.
// API: POST /api/v6/images/text2img.
func (s *ImagesService) TextToImage(ctx context.Context, p TextToImageParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, imagesTextToImage, p, opts)
}

// ImageToImageParams describes an image that is made from another one. With the
// model flux-kontext-dev, which also needs a prompt, there can be a second image;
// it takes the settings that stand together below, and no scheduler, LoRA or IP
// adapter.
type ImageToImageParams struct {
	ModelID        string `json:"model_id" rule:"required"`                  // a public or own model, or "flux-kontext-dev"
	InitImage      Input  `json:"init_image" rule:"required" media:"answer"` // a file only together with Base64; the result has its size
	Prompt         string `json:"prompt,omitzero"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen

	// For flux-kontext-dev alone.
	InitImage2 Input    `json:"init_image_2,omitzero" media:"url"` // a second image to take things from
	Guidance   *float64 `json:"guidance,omitzero" rule:"0..20"`    // how closely the prompt is followed, 0 to 20; default 2.5

	Strength          *float64 `json:"strength,omitzero" rule:"0..1"`             // 0 to 1; 1 keeps nothing of the image; flux-kontext-dev: default 0.5
	Width             int      `json:"width,omitzero" rule:"256..1024/8"`         // pixels, divisible by 8; 256 to 1024; default 512
	Height            int      `json:"height,omitzero" rule:"256..1024/8"`        // likewise
	Samples           int      `json:"samples,omitzero" rule:"1..4"`              // images to make, 1 to 4; default 1
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1..50"` // 1 to 20 and what is above counts as 20; flux-kontext-dev 1 to 50, default 28
	GuidanceScale     float64  `json:"guidance_scale,omitzero" rule:"1..20"`      // how closely the prompt is followed, 1 to 20; default 7.5
	Seed              *int64   `json:"seed,omitzero"`                             // the same seed makes the same image; nil: random
	Scheduler         string   `json:"scheduler,omitzero"`                        // "UniPCMultistepScheduler", "DDIMScheduler", "EulerDiscreteScheduler" …
	ClipSkip          int      `json:"clip_skip,omitzero" rule:"1..8"`            // CLIP layers to skip, 1 to 8; default 2
	AlgorithmType     string   `json:"algorithm_type,omitzero"`                   // "none" or "dpmsolver+++", for DPMSolverMultistepScheduler; default "none"
	VAE               string   `json:"vae,omitzero"`                              // id of a VAE of one's own

	LoraModel    string `json:"lora_model,omitzero"`    // ids, separated by commas
	LoraStrength string `json:"lora_strength,omitzero"` // as many numbers, 0.1 to 1, separated by commas

	IPAdapterID    string   `json:"ip_adapter_id,omitzero"`                   // as in TextToImageParams
	IPAdapterScale *float64 `json:"ip_adapter_scale,omitzero" rule:"0..1"`    // 0 to 1
	IPAdapterImage Input    `json:"ip_adapter_image,omitzero" media:"answer"` // a file only together with Base64

	EnhancePrompt     *bool  `json:"enhance_prompt,omitzero"`      // let the server better the prompt; default yes
	SafetyChecker     *bool  `json:"safety_checker,omitzero"`      // replace what is not safe for work; default false
	SafetyCheckerType string `json:"safety_checker_type,omitzero"` // by what: blur, sensitive_content_text, pixelate, black; default sensitive_content_text
	UseKarrasSigmas   *bool  `json:"use_karras_sigmas,omitzero"`   // default true

	Base64          *bool  `json:"base64,omitzero"`           // Output holds base64 instead of URLs; default false
	Temp            *bool  `json:"temp,omitzero"`             // keep the result for 24 hours only; default false
	InstantResponse *bool  `json:"instant_response,omitzero"` // answer at once, with FutureLinks; default false
	Webhook         string `json:"webhook,omitzero"`          // https URL told of the end
	TrackID         string `json:"track_id,omitzero"`         // told to the webhook
}

func (p ImageToImageParams) check() error {
	if p.ModelID == "flux-kontext-dev" && strings.TrimSpace(p.Prompt) == "" {
		return &ParamError{Param: "ImageToImageParams.Prompt", Reason: "is empty, and required with flux-kontext-dev"}
	}
	return checkLora("ImageToImageParams", p.LoraModel, p.LoraStrength)
}

// ImageToImage makes images from an image and a text.
// Documentation: docs.modelslab.com/image-generation/community-models/dreambooth-image-to-image,
// docs.modelslab.com/image-editing/flux-kontext-img-to-image.
// API: POST /api/v6/images/img2img.
func (s *ImagesService) ImageToImage(ctx context.Context, p ImageToImageParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, imagesImageToImage, p, opts)
}

// InpaintParams describes what is painted into a part of an image. ModelID,
// InitImage and MaskImage are required.
type InpaintParams struct {
	ModelID        string `json:"model_id" rule:"required"`                  // a public or own model that can inpaint
	InitImage      Input  `json:"init_image" rule:"required" media:"answer"` // a file only together with Base64
	MaskImage      Input  `json:"mask_image" rule:"required" media:"answer"` // white is painted anew; a file only together with Base64
	Prompt         string `json:"prompt,omitzero"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen

	Strength          *float64 `json:"strength,omitzero" rule:"0..1"`             // 0 to 1; 1 keeps nothing of what was there
	Width             int      `json:"width,omitzero" rule:"256..1024/8"`         // pixels, divisible by 8; 256 to 1024; default 512
	Height            int      `json:"height,omitzero" rule:"256..1024/8"`        // likewise
	Samples           int      `json:"samples,omitzero" rule:"1..4"`              // images to make, 1 to 4; default 1
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1..50"` // 1 to 20; what is above counts as 20
	GuidanceScale     float64  `json:"guidance_scale,omitzero" rule:"1..20"`      // how closely the prompt is followed, 1 to 20; default 7.5
	Seed              *int64   `json:"seed,omitzero"`                             // the same seed makes the same image; nil: random
	Scheduler         string   `json:"scheduler,omitzero"`                        // "UniPCMultistepScheduler", "DDIMScheduler", "EulerDiscreteScheduler" …
	ClipSkip          int      `json:"clip_skip,omitzero" rule:"1..8"`            // CLIP layers to skip, 1 to 8; default 2
	AlgorithmType     string   `json:"algorithm_type,omitzero"`                   // "none" or "dpmsolver+++", for DPMSolverMultistepScheduler; default "none"
	VAE               string   `json:"vae,omitzero"`                              // id of a VAE of one's own

	LoraModel    string `json:"lora_model,omitzero"`    // ids, separated by commas
	LoraStrength string `json:"lora_strength,omitzero"` // as many numbers, 0.1 to 1, separated by commas

	IPAdapterID    string   `json:"ip_adapter_id,omitzero"`                   // as in TextToImageParams
	IPAdapterScale *float64 `json:"ip_adapter_scale,omitzero" rule:"0..1"`    // 0 to 1
	IPAdapterImage Input    `json:"ip_adapter_image,omitzero" media:"answer"` // a file only together with Base64

	EnhancePrompt     *bool  `json:"enhance_prompt,omitzero"`      // let the server better the prompt; default yes
	SafetyChecker     *bool  `json:"safety_checker,omitzero"`      // replace what is not safe for work; default false
	SafetyCheckerType string `json:"safety_checker_type,omitzero"` // by what: blur, sensitive_content_text, pixelate, black; default sensitive_content_text
	UseKarrasSigmas   *bool  `json:"use_karras_sigmas,omitzero"`   // default true

	Base64          *bool  `json:"base64,omitzero"`           // Output holds base64 instead of URLs; default false
	Temp            *bool  `json:"temp,omitzero"`             // keep the result for 24 hours only; default false
	InstantResponse *bool  `json:"instant_response,omitzero"` // answer at once, with FutureLinks; default false
	Webhook         string `json:"webhook,omitzero"`          // https URL told of the end
	TrackID         string `json:"track_id,omitzero"`         // told to the webhook
}

func (p InpaintParams) check() error {
	return checkLora("InpaintParams", p.LoraModel, p.LoraStrength)
}

// Inpaint paints the masked part of an image anew, with a model of the caller's
// choice. [EditingService.Inpaint] does it without one.
// Documentation: docs.modelslab.com/image-generation/community-models/dreambooth-inpainting.
// API: POST /api/v6/images/inpaint.
func (s *ImagesService) Inpaint(ctx context.Context, p InpaintParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, imagesInpaint, p, opts)
}

// ControlNetParams describes an image whose shape follows another one. The
// documentation requires none of the fields; a useful call has ModelID,
// ControlNetModel, InitImage, and Prompt or GuessMode.
//
// The controls are canny, depth, hed, mlsd, normal, openpose, scribble,
// segmentation, inpaint, softedge, lineart, shuffle, tile, face_detector, qrcode,
// blur, pose, gray and low_quality. The model fluxdev takes one of canny, tile,
// depth, blur, pose, gray and low_quality.
type ControlNetParams struct {
	ModelID         string `json:"model_id,omitzero"`         // a public or own model, or "fluxdev"
	ControlNetModel string `json:"controlnet_model,omitzero"` // a control, or several that are separated by commas
	ControlNetType  string `json:"controlnet_type,omitzero"`  // a control, one of those in ControlNetModel
	Prompt          string `json:"prompt,omitzero"`
	NegativePrompt  string `json:"negative_prompt,omitzero"` // what should not be seen

	InitImage    Input `json:"init_image,omitzero" media:"answer"`    // the image to follow; a file only together with Base64
	ControlImage Input `json:"control_image,omitzero" media:"answer"` // the hint image, for several controls; likewise
	MaskImage    Input `json:"mask_image,omitzero" media:"answer"`    // for the control inpaint; likewise

	AutoHint                    YesNo    `json:"auto_hint,omitzero"`                                   // make the hint from InitImage; default yes
	GuessMode                   YesNo    `json:"guess_mode,omitzero"`                                  // guess from InitImage instead of a prompt; default no
	ControlNetConditioningScale float64  `json:"controlnet_conditioning_scale,omitzero" rule:"0.1..5"` // weight of the control, 0.1 to 5
	Strength                    *float64 `json:"strength,omitzero" rule:"0..1"`                        // 0 to 1; 1 keeps nothing of InitImage; default 0.55

	Width             int     `json:"width,omitzero" rule:"64..1024"`            // pixels, 64 to 1024; default 512
	Height            int     `json:"height,omitzero" rule:"64..1024"`           // likewise
	Samples           int     `json:"samples,omitzero" rule:"1..4"`              // images to make, 1 to 4; default 1
	NumInferenceSteps int     `json:"num_inference_steps,omitzero" rule:"1..50"` // 21 or 31 by one page, 30 by another; default 30
	GuidanceScale     float64 `json:"guidance_scale,omitzero" rule:"1..20"`      // how closely the prompt is followed, 1 to 20; default 7.5
	Seed              *int64  `json:"seed,omitzero"`                             // the same seed makes the same image; nil: random
	Scheduler         string  `json:"scheduler,omitzero"`                        // default "UniPCMultistepScheduler"
	ClipSkip          int     `json:"clip_skip,omitzero" rule:"1..8"`            // CLIP layers to skip, 1 to 8
	AlgorithmType     string  `json:"algorithm_type,omitzero"`                   // "none" or "dpmsolver+++", for DPMSolverMultistepScheduler; default "none"
	VAE               string  `json:"vae,omitzero"`                              // id of a VAE of one's own
	TomeSD            YesNo   `json:"tomesd,omitzero"`                           // faster, by merging tokens; default yes
	UseKarrasSigmas   YesNo   `json:"use_karras_sigmas,omitzero"`                // default yes

	LoraModel    string `json:"lora_model,omitzero"`    // ids, separated by commas
	LoraStrength string `json:"lora_strength,omitzero"` // as many numbers, 0.1 to 1, separated by commas

	IPAdapterID    string   `json:"ip_adapter_id,omitzero"`                // "ip-adapter_sdxl", "ip-adapter_sd15", "ip-adapter-plus-face_sd15"
	IPAdapterScale *float64 `json:"ip_adapter_scale,omitzero" rule:"0..1"` // 0 to 1
	IPAdapterImage Input    `json:"ip_adapter_image,omitzero" media:"url"`

	EnhancePrompt YesNo `json:"enhance_prompt,omitzero"` // let the server better the prompt; default yes
	SafetyChecker YesNo `json:"safety_checker,omitzero"` // replace what is not safe for work by a blank image; default no
	Upscale       YesNo `json:"upscale,omitzero"`        // twice the size

	Base64  YesNo  `json:"base64,omitzero"`   // images are sent, and come back, as base64; default no
	Temp    YesNo  `json:"temp,omitzero"`     // keep the result for 24 hours only; default no
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

func (p ControlNetParams) check() error {
	return checkLora("ControlNetParams", p.LoraModel, p.LoraStrength)
}

// ControlNet makes images that keep the shape of another one: its edges, depth or
// pose.
// Documentation: docs.modelslab.com/image-generation/controlnet/controlnet-main.
// API: POST /api/v5/controlnet.
func (s *ImagesService) ControlNet(ctx context.Context, p ControlNetParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, imagesControlNet, p, opts)
}

// RealtimeTextToImageParams describes an image that is wanted quickly. The server
// chooses the model. Prompt is required.
type RealtimeTextToImageParams struct {
	Prompt         string `json:"prompt" rule:"required"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen

	Width         int    `json:"width,omitzero" rule:"256..1024/8"`  // pixels, divisible by 8; 256 to 1024; default 512
	Height        int    `json:"height,omitzero" rule:"256..1024/8"` // likewise
	Samples       int    `json:"samples,omitzero" rule:"1..4"`       // images to make, 1 to 4; default 1
	Seed          *int64 `json:"seed,omitzero"`                      // the same seed makes the same image; nil: random
	SafetyChecker *bool  `json:"safety_checker,omitzero"`            // replace what is not safe for work by a blank image; default false

	Base64          *bool  `json:"base64,omitzero"`           // Output holds base64 instead of URLs; default false
	InstantResponse *bool  `json:"instant_response,omitzero"` // answer at once, with FutureLinks; default false
	Webhook         string `json:"webhook,omitzero"`          // https URL told of the end
	TrackID         string `json:"track_id,omitzero"`         // told to the webhook
}

// RealtimeTextToImage makes images from a text, quickly and in less detail.
// Documentation: docs.modelslab.com/image-generation/realtime-stable-diffusion/text-to-image.
// API: POST /api/v6/realtime/text2img.
func (s *ImagesService) RealtimeTextToImage(ctx context.Context, p RealtimeTextToImageParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, realtimeTextToImage, p, opts)
}

// RealtimeImageToImageParams describes an image that is made from another one, and
// wanted quickly. Prompt and InitImage are required.
type RealtimeImageToImageParams struct {
	Prompt         string `json:"prompt" rule:"required"`
	InitImage      Input  `json:"init_image" rule:"required" media:"url"` // PNG or JPEG
	NegativePrompt string `json:"negative_prompt,omitzero"`               // what should not be seen

	Strength      *float64 `json:"strength,omitzero" rule:"0..1"`      // 0 to 1; 1 keeps nothing of the image
	Width         int      `json:"width,omitzero" rule:"256..1024/8"`  // pixels, divisible by 8; 256 to 1024; default 512
	Height        int      `json:"height,omitzero" rule:"256..1024/8"` // likewise
	Samples       int      `json:"samples,omitzero" rule:"1..4"`       // images to make, 1 to 4; default 1
	Seed          *int64   `json:"seed,omitzero"`                      // the same seed makes the same image; nil: random
	SafetyChecker *bool    `json:"safety_checker,omitzero"`            // replace what is not safe for work by a blank image; default false

	Base64          *bool  `json:"base64,omitzero"`           // Output holds base64 instead of URLs; default false
	Temp            *bool  `json:"temp,omitzero"`             // keep the result for 24 hours only; only the page's example has it
	InstantResponse *bool  `json:"instant_response,omitzero"` // answer at once, with FutureLinks; default false
	Webhook         string `json:"webhook,omitzero"`          // https URL told of the end
	TrackID         string `json:"track_id,omitzero"`         // told to the webhook
}

// RealtimeImageToImage makes images from an image and a text, quickly and in less
// detail.
// Documentation: docs.modelslab.com/image-generation/realtime-stable-diffusion/image-to-image.
// API: POST /api/v6/realtime/img2img.
func (s *ImagesService) RealtimeImageToImage(ctx context.Context, p RealtimeImageToImageParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, realtimeImageToImage, p, opts)
}

// RealtimeInpaintParams describes what is painted quickly into a part of an image.
// Prompt, InitImage and MaskImage are required.
type RealtimeInpaintParams struct {
	Prompt         string `json:"prompt" rule:"required"`
	InitImage      Input  `json:"init_image" rule:"required" media:"url"` // PNG or JPEG
	MaskImage      Input  `json:"mask_image" rule:"required" media:"url"` // white is painted anew
	NegativePrompt string `json:"negative_prompt,omitzero"`               // what should not be seen

	Strength      *float64 `json:"strength,omitzero" rule:"0..1"`      // 0 to 1; 1 keeps nothing of what was there
	Width         int      `json:"width,omitzero" rule:"256..1024/8"`  // pixels, divisible by 8; 256 to 1024; default 512
	Height        int      `json:"height,omitzero" rule:"256..1024/8"` // likewise
	Samples       int      `json:"samples,omitzero" rule:"1..4"`       // images to make, 1 to 4; default 1
	Seed          *int64   `json:"seed,omitzero"`                      // the same seed makes the same image; nil: random
	SafetyChecker *bool    `json:"safety_checker,omitzero"`            // replace what is not safe for work by a blank image; default false

	Base64          *bool  `json:"base64,omitzero"`           // Output holds base64 instead of URLs; default false
	InstantResponse *bool  `json:"instant_response,omitzero"` // answer at once, with FutureLinks; default false
	Webhook         string `json:"webhook,omitzero"`          // https URL told of the end
	TrackID         string `json:"track_id,omitzero"`         // told to the webhook
}

// RealtimeInpaint paints the masked part of an image anew, quickly and in less
// detail.
// Documentation: docs.modelslab.com/image-generation/realtime-stable-diffusion/inpaint.
// API: POST /api/v6/realtime/inpaint.
func (s *ImagesService) RealtimeInpaint(ctx context.Context, p RealtimeInpaintParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, realtimeInpaint, p, opts)
}

// TextToImageV7Params describes an image for the newer API. ModelID and Prompt are
// required. Models differ: some want Width and Height, others AspectRatio.
type TextToImageV7Params struct {
	ModelID        string `json:"model_id" rule:"required"`
	Prompt         string `json:"prompt" rule:"required"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen

	Width             int     `json:"width,omitzero" rule:"512..1024"`         // pixels, 512 to 1024; required by flux-pro, flux-2-pro and seedream-t2i
	Height            int     `json:"height,omitzero" rule:"512..1024"`        // likewise
	AspectRatio       string  `json:"aspect_ratio,omitzero"`                   // "1:1", "3:4", "4:3", "9:16", "16:9", "3:2", "2:3", "21:9", "9:21"; required by imagen-4 and its kin
	Samples           int     `json:"samples,omitzero" rule:"1..4"`            // images to make, 1 to 4; default 1
	NumInferenceSteps int     `json:"num_inference_steps,omitzero" rule:"1.."` // more take longer
	GuidanceScale     float64 `json:"guidance_scale,omitzero" rule:"1..20"`    // how closely the prompt is followed, flux-pro 1 to 10; 7 to 15 is usual
	Scheduler         string  `json:"scheduler,omitzero"`                      // not for flux; flux-pro: "DPM++ 2M", "DPM++ SDE", "Euler", "Euler a"
	Seed              *int64  `json:"seed,omitzero"`                           // the same seed makes the same image; nil: random
	LoraModel         string  `json:"lora_model,omitzero"`                     // for flux-pro

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// TextToImageV7 makes images from a text.
// Documentation: docs.modelslab.com/guides/model-selection,
// docs.modelslab.com/mcp-web-api/tools-reference.
// API: POST /api/v7/images/text-to-image.
func (s *ImagesService) TextToImageV7(ctx context.Context, p TextToImageV7Params, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, imagesTextToImageV7, p, opts)
}

// ImageToImageV7Params describes an image that the newer API makes from others.
// ModelID, Prompt and InitImage are required.
type ImageToImageV7Params struct {
	ModelID string `json:"model_id" rule:"required"`
	Prompt  string `json:"prompt" rule:"required"` // what is to become of the image
	// InitImage is always sent as an array, as the newer examples do, also with
	// one image in it; the vendor's command line sends a lone one as a string. Most
	// models take one, flux-2-pro and seedream up to 10, nano-banana-pro up to 14.
	InitImage      []Input `json:"init_image" rule:"required" media:"url"`
	InitImage2     Input   `json:"init_image_2,omitzero" media:"url"` // required by nano-banana and gen4_image_turbo
	NegativePrompt string  `json:"negative_prompt,omitzero"`          // what should not be seen

	Strength    *float64 `json:"strength,omitzero" rule:"0..1"`    // 0 to 1, more changes more
	Width       int      `json:"width,omitzero" rule:"512..1024"`  // pixels, 512 to 1024
	Height      int      `json:"height,omitzero" rule:"512..1024"` // likewise
	AspectRatio string   `json:"aspect_ratio,omitzero"`            // "1:1", "3:4", "4:3", "9:16", "16:9", "3:2", "2:3", "21:9", "9:21"
	Samples     int      `json:"samples,omitzero" rule:"1..4"`     // images to make, 1 to 4; default 1
	Scheduler   string   `json:"scheduler,omitzero"`               // needed by SD and SDXL models, not for flux: "UniPCMultistepScheduler", "DDIMScheduler" …

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// ImageToImageV7 makes images from images and a text.
// Documentation: docs.modelslab.com/guides/model-selection,
// docs.modelslab.com/mcp-web-api/tools-reference.
// API: POST /api/v7/images/image-to-image.
func (s *ImagesService) ImageToImageV7(ctx context.Context, p ImageToImageV7Params, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, imagesImageToImageV7, p, opts)
}

// InpaintV7Params describes what the newer API paints into a part of an image.
// ModelID, Prompt, InitImage and MaskImage are required.
type InpaintV7Params struct {
	ModelID        string   `json:"model_id" rule:"required"`
	Prompt         string   `json:"prompt" rule:"required"` // what to paint
	InitImage      Input    `json:"init_image" rule:"required" media:"url"`
	MaskImage      Input    `json:"mask_image" rule:"required" media:"url"` // white is painted anew, black stays
	NegativePrompt string   `json:"negative_prompt,omitzero"`               // what should not be seen
	Strength       *float64 `json:"strength,omitzero" rule:"0..1"`          // 0 to 1, more changes more
	Scheduler      string   `json:"scheduler,omitzero"`                     // needed by SD and SDXL models, not for flux: "UniPCMultistepScheduler", "DDIMScheduler" …

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// InpaintV7 paints the masked part of an image anew.
// Documentation: docs.modelslab.com/guides/model-selection,
// docs.modelslab.com/mcp-web-api/tools-reference.
// API: POST /api/v7/images/inpaint.
func (s *ImagesService) InpaintV7(ctx context.Context, p InpaintV7Params, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, imagesInpaintV7, p, opts)
}
