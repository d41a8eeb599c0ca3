package modelslab

import "context"

// EditingService changes images, and says what is on them.
//
// A submission costs money and carries no idempotency key, so it is sent once; see
// [GenerationService.Run].
//
// Documentation: docs.modelslab.com/image-editing.
type EditingService struct{ c *Client }

// RemoveBackgroundParams names an image whose background goes away.
type RemoveBackgroundParams struct {
	Image Input `json:"image" rule:"required" media:"base64"`

	OnlyMask        *bool  `json:"only_mask,omitzero"`         // make the mask alone; default false
	InverseMask     *bool  `json:"inverse_mask,omitzero"`      // turn the mask round; default false
	PostProcessMask *bool  `json:"post_process_mask,omitzero"` // smooth the mask; default false
	Seed            *int64 `json:"seed,omitzero"`              // the same seed makes the same image

	AlphaMatting                    *bool `json:"alpha_matting,omitzero"`                                    // soft edges; default false
	AlphaMattingForegroundThreshold *int  `json:"alpha_matting_foreground_threshold,omitzero" rule:"0..240"` // 0 to 240; default 240
	AlphaMattingBackgroundThreshold *int  `json:"alpha_matting_background_threshold,omitzero" rule:"0..20"`  // 0 to 20; default 20
	AlphaMattingErodeSize           *int  `json:"alpha_matting_erode_size,omitzero" rule:"0..5"`             // 0 to 5; default 5

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64 instead of URLs; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// RemoveBackground cuts out what is in the foreground, or makes the mask for it.
// Documentation: docs.modelslab.com/image-editing/removebg-createmask.
// API: POST /api/v6/image_editing/removebg_mask.
func (s *EditingService) RemoveBackground(ctx context.Context, p RemoveBackgroundParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, editingRemoveBackground, p, opts)
}

// SuperResolutionParams names an image that is to be larger.
type SuperResolutionParams struct {
	InitImage Input `json:"init_image" rule:"required" media:"url"`

	ModelID     string `json:"model_id,omitzero"`         // RealESRGAN_x4plus, RealESRGAN_x4plus_anime_6B, RealESRGAN_x2plus, realesr-general-x4v3, ultra_resolution; default realesr-general-x4v3
	Scale       int    `json:"scale,omitzero" rule:"1.."` // how many times the size; default 3
	FaceEnhance *bool  `json:"face_enhance,omitzero"`     // better the faces; default false

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// SuperResolution makes an image larger.
// Documentation: docs.modelslab.com/image-editing/super-resolution.
// API: POST /api/v6/image_editing/super_resolution.
func (s *EditingService) SuperResolution(ctx context.Context, p SuperResolutionParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, editingSuperResolution, p, opts)
}

// CaptionParams names an image that is to be described.
type CaptionParams struct {
	InitImage Input `json:"init_image" rule:"required" media:"url"` // PNG or JPEG

	Length string `json:"length,omitzero"` // "short", "normal" or "long"; default "normal"

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// Caption says what is on an image: the text is the job's Output.
// Documentation: docs.modelslab.com/image-editing/caption.
// API: POST /api/v6/image_editing/caption.
func (s *EditingService) Caption(ctx context.Context, p CaptionParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, editingCaption, p, opts)
}

// FaceGenParams describes an image with a given face. Prompt and FaceImage are
// required.
type FaceGenParams struct {
	Prompt         string `json:"prompt" rule:"required"`
	FaceImage      Input  `json:"face_image" rule:"required" media:"base64"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen; only the page's example has it

	Width             int      `json:"width,omitzero" rule:"1..512"`            // pixels, at most 512; default that of FaceImage
	Height            int      `json:"height,omitzero" rule:"1..768"`           // pixels, at most 768; default that of FaceImage
	Samples           int      `json:"samples,omitzero" rule:"1..2"`            // images to make, 1 or 2
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1.."` // 21, 31 or 41
	GuidanceScale     float64  `json:"guidance_scale,omitzero" rule:"1..20"`    // how closely the prompt is followed, 1 to 20
	SScale            *float64 `json:"s_scale,omitzero" rule:"0..2"`            // weight of the face, 0 to 2; default 1
	Style             string   `json:"style,omitzero"`                          // comic, chibi, 3d, anime, realistic; default realistic
	Seed              *int64   `json:"seed,omitzero"`                           // the same seed makes the same image; only the page's example has it

	SafetyChecker     *bool  `json:"safety_checker,omitzero"`      // replace what is not safe for work
	SafetyCheckerType string `json:"safety_checker_type,omitzero"` // by what: black, blur, sensitive_content_text, pixelate

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64 instead of URLs; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// FaceGen makes images with a given face. They are kept for 24 hours.
// Documentation: docs.modelslab.com/image-editing/face-gen.
// API: POST /api/v6/image_editing/face_gen.
func (s *EditingService) FaceGen(ctx context.Context, p FaceGenParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, editingFaceGen, p, opts)
}

// FashionParams describes who tries on what. InitImage, ClothImage and ClothType
// are required.
type FashionParams struct {
	InitImage  Input  `json:"init_image" rule:"required" media:"url"`  // the whole person, on a white background
	ClothImage Input  `json:"cloth_image" rule:"required" media:"url"` // the garment alone, on a white background
	ClothType  string `json:"cloth_type" rule:"required"`              // "upper_body", "lower_body" or "dresses"

	Prompt            string  `json:"prompt,omitzero"`
	NegativePrompt    string  `json:"negative_prompt,omitzero"`                // what should not be seen
	NumInferenceSteps int     `json:"num_inference_steps,omitzero" rule:"1.."` // 21, 31 or 41
	GuidanceScale     float64 `json:"guidance_scale,omitzero" rule:"1..20"`    // how closely the prompt is followed, 1 to 20
	Seed              *int64  `json:"seed,omitzero"`                           // the same seed makes the same image; only the page's example has it

	Temp    YesNo  `json:"temp,omitzero"`     // links through a proxy, for where the storage is blocked; default no
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// Fashion dresses a person in a garment from another image.
// Documentation: docs.modelslab.com/image-editing/fashion.
// API: POST /api/v6/image_editing/fashion.
func (s *EditingService) Fashion(ctx context.Context, p FashionParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, editingFashion, p, opts)
}

// QwenEditParams describes a change to up to 4 images. Prompt and InitImage are
// required.
type QwenEditParams struct {
	Prompt    string  `json:"prompt" rule:"required"`
	InitImage []Input `json:"init_image" rule:"required,..4 items" media:"url"` // 1 to 4 images, which the prompt can name by number

	ModelID       string `json:"model_id,omitzero"`       // qwen-edit-2509 or qwen-edit-2511; default qwen-edit-2509
	SafetyChecker *bool  `json:"safety_checker,omitzero"` // replace what is not safe for work

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64 instead of URLs; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// QwenEdit changes images as the prompt says.
// Documentation: docs.modelslab.com/image-editing/qwen-edit.
// API: POST /api/v6/image_editing/qwen_edit.
func (s *EditingService) QwenEdit(ctx context.Context, p QwenEditParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, editingQwenEdit, p, opts)
}

// FluxHeadshotParams describes a portrait with a given face. Prompt and FaceImage
// are required.
type FluxHeadshotParams struct {
	Prompt    string `json:"prompt" rule:"required"`
	FaceImage Input  `json:"face_image" rule:"required" media:"base64"`
	// Seed is always sent, because the API requires it; nil is sent as null, as
	// the page's example does, and is random.
	Seed           *int64 `json:"seed"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen; only the page's example has it

	Width             int     `json:"width,omitzero" rule:"1..1024"`             // pixels, at most 1024; default that of FaceImage
	Height            int     `json:"height,omitzero" rule:"1..1024"`            // likewise
	NumInferenceSteps int     `json:"num_inference_steps,omitzero" rule:"1..26"` // at most 26
	GuidanceScale     float64 `json:"guidance_scale,omitzero" rule:"1..10"`      // how closely the prompt is followed, 1 to 10

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// FluxHeadshot makes a portrait with a given face, by flux.
// Documentation: docs.modelslab.com/image-editing/flux-headshot.
// API: POST /api/v6/image_editing/flux_headshot.
func (s *EditingService) FluxHeadshot(ctx context.Context, p FluxHeadshotParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, editingFluxHeadshot, p, opts)
}

// HeadShotParams describes a portrait with a given face. Prompt and FaceImage are
// required.
type HeadShotParams struct {
	Prompt         string `json:"prompt" rule:"required"`
	FaceImage      Input  `json:"face_image" rule:"required" media:"base64"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen; only the page's example has it

	Width             int      `json:"width,omitzero" rule:"1..512"`            // pixels, at most 512; default that of FaceImage
	Height            int      `json:"height,omitzero" rule:"1..768"`           // pixels, at most 768; default that of FaceImage
	Samples           int      `json:"samples,omitzero" rule:"1..2"`            // images to make, 1 or 2
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1.."` // 21, 31 or 41
	GuidanceScale     float64  `json:"guidance_scale,omitzero" rule:"1..20"`    // how closely the prompt is followed; whole, 1 to 5 by the specification, while the page's example has 7.5
	SScale            *float64 `json:"s_scale,omitzero" rule:"0..2"`            // weight of the face, 0 to 2; default 1
	Seed              *int64   `json:"seed,omitzero"`                           // the same seed makes the same image; only the page's example has it

	SafetyChecker     *bool  `json:"safety_checker,omitzero"`      // replace what is not safe for work
	SafetyCheckerType string `json:"safety_checker_type,omitzero"` // by what: black, blur, sensitive_content_text, pixelate

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64 instead of URLs; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// HeadShot makes portraits with a given face. They are kept for 24 hours.
// Documentation: docs.modelslab.com/image-editing/head-shot.
// API: POST /api/v6/image_editing/head_shot.
func (s *EditingService) HeadShot(ctx context.Context, p HeadShotParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, editingHeadShot, p, opts)
}

// ImageMixerParams describes a mixture of up to 4 images. Prompt and InitImage are
// required.
type ImageMixerParams struct {
	Prompt         string  `json:"prompt" rule:"required"`
	InitImage      []Input `json:"init_image" rule:"required,..4 items" media:"url"` // at most 4 images
	NegativePrompt string  `json:"negative_prompt,omitzero"`                         // what should not be seen

	Width         int     `json:"width,omitzero" rule:"1..1024"`        // pixels, at most 1024; default that of InitImage
	Height        int     `json:"height,omitzero" rule:"1..1024"`       // likewise
	Samples       int     `json:"samples,omitzero" rule:"1..1"`         // 1
	Steps         int     `json:"steps,omitzero" rule:"1..50"`          // denoising steps, 1 to 50; not num_inference_steps here
	GuidanceScale float64 `json:"guidance_scale,omitzero" rule:"1..20"` // how closely the prompt is followed, 1 to 20
	Seed          *int64  `json:"seed,omitzero"`                        // the same seed makes the same image

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// ImageMixer mixes several images into one.
// Documentation: docs.modelslab.com/image-editing/imagemixer.
// API: POST /api/v6/image_editing/img_mixer.
func (s *EditingService) ImageMixer(ctx context.Context, p ImageMixerParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, editingImageMixer, p, opts)
}

// EditingInpaintParams describes what is painted into a part of an image. Prompt,
// InitImage and MaskImage are required.
type EditingInpaintParams struct {
	Prompt         string `json:"prompt" rule:"required"`
	InitImage      Input  `json:"init_image" rule:"required" media:"url"`
	MaskImage      Input  `json:"mask_image" rule:"required" media:"url"` // white is painted anew
	NegativePrompt string `json:"negative_prompt,omitzero"`               // what should not be seen

	Strength          *float64 `json:"strength,omitzero" rule:"0..1"`           // 0 to 1; 1 keeps nothing of what was there; default 0.7
	Width             int      `json:"width,omitzero" rule:"1..1024"`           // pixels, at most 1024; default 512, or that of InitImage: the documentation says both
	Height            int      `json:"height,omitzero" rule:"1..1024"`          // likewise
	Samples           int      `json:"samples,omitzero" rule:"1..4"`            // images to make, 1 to 4; default 1
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1.."` // default 30
	GuidanceScale     int      `json:"guidance_scale,omitzero" rule:"1..5"`     // how closely the prompt is followed, 1 to 5; default 5
	Seed              *int64   `json:"seed,omitzero"`                           // the same seed makes the same image
	SafetyChecker     YesNo    `json:"safety_checker,omitzero"`                 // replace what is not safe for work; default no

	// These two travel as the words "true" and "false".
	InstantResponse *bool `json:"instant_response,omitzero,string"` // answer at once, with FutureLinks; default false
	Base64          *bool `json:"base64,omitzero,string"`           // Output holds base64 instead of URLs; default false

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// Inpaint paints the masked part of an image anew. [ImagesService.Inpaint] does it
// with a model of the caller's choice.
// Documentation: docs.modelslab.com/image-editing/inpaint.
// API: POST /api/v6/image_editing/inpaint.
func (s *EditingService) Inpaint(ctx context.Context, p EditingInpaintParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, editingInpaint, p, opts)
}

// MaskCreatorParams names a thing on an image.
type MaskCreatorParams struct {
	InitImage      Input  `json:"init_image" rule:"required" media:"url"` // the page's example has it, the specification forgot it
	SpecificObject string `json:"specific_object" rule:"required"`        // what to mask: "the ball"

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64 instead of URLs
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// MaskCreator makes the mask of a thing on an image.
// Documentation: docs.modelslab.com/image-editing/mask-creator.
// API: POST /api/v6/image_editing/mask_creator.
func (s *EditingService) MaskCreator(ctx context.Context, p MaskCreatorParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, editingMaskCreator, p, opts)
}

// EditingObjectRemovalParams names an image and the part of it that goes away.
type EditingObjectRemovalParams struct {
	InitImage Input `json:"init_image" rule:"required" media:"url"`
	MaskImage Input `json:"mask_image" rule:"required" media:"url"` // what is to go

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// ObjectRemoval takes what a mask covers out of an image.
// [InteriorService.ObjectRemoval] is told by name what to take out of a room.
// Documentation: docs.modelslab.com/image-editing/object-remover.
// API: POST /api/v6/image_editing/object_removal.
func (s *EditingService) ObjectRemoval(ctx context.Context, p EditingObjectRemovalParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, editingObjectRemoval, p, opts)
}

// OutpaintParams describes how an image goes on beyond its edges.
type OutpaintParams struct {
	Image Input `json:"image" rule:"required" media:"flag"`

	Prompt            string  `json:"prompt,omitzero"`                           // default "high quality"
	NegativePrompt    string  `json:"negative_prompt,omitzero"`                  // what should not be seen; default "low quality"
	Width             int     `json:"width,omitzero" rule:"1..1440"`             // of the result, pixels, at most 1440; default 1280
	Height            int     `json:"height,omitzero" rule:"1..1440"`            // of the result, pixels, at most 1440; default 720
	OverlapWidth      *int    `json:"overlap_width,omitzero" rule:"0..512"`      // pixels where old and new mix, at most 42 by the specification, 512 by another source; default 10
	NumInferenceSteps int     `json:"num_inference_steps,omitzero" rule:"1..30"` // 1 to 30; default 10
	GuidanceScale     float64 `json:"guidance_scale,omitzero" rule:"1..20"`      // how closely the prompt is followed, 1 to 20; default 8
	Seed              *int64  `json:"seed,omitzero"`                             // the same seed makes the same image

	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default true
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// Outpaint paints what lies beyond the edges of an image.
// Documentation: docs.modelslab.com/image-editing/outpaint.
// API: POST /api/v6/image_editing/outpaint.
func (s *EditingService) Outpaint(ctx context.Context, p OutpaintParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, editingOutpaint, p, opts)
}
