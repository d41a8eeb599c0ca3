package modelslab

import (
	"context"
	"encoding/json"
	"strings"
)

// VideoService makes and changes videos. The V7 methods take any model of the
// newer API, whose fields differ from model to model: [WithBodyField] sends what
// a struct here has no field for.
//
// Every method submits a job: it costs money, carries no idempotency key
// and is sent once; see [GenerationService.Run]. What it returns may still be
// processing: [GenerationService.Wait] sees it to its end.
// Documentation: docs.modelslab.com/video-api/overview.
type VideoService struct{ c *Client }

// Seconds is a duration as the newer API takes it. Digits alone are sent as a
// JSON number, which most models want: "5" is 5. Anything else is sent as a
// string, for the models that want the unit too: "10s".
type Seconds string

// MarshalJSON writes a number, or a string.
func (s Seconds) MarshalJSON() ([]byte, error) {
	if number := []byte(s); strings.Trim(string(s), "0123456789") == "" && json.Valid(number) {
		return number, nil
	}
	return json.Marshal(string(s))
}

// UnmarshalJSON reads a number or a string.
func (s *Seconds) UnmarshalJSON(data []byte) error {
	var w text
	err := w.UnmarshalJSON(data)
	*s = Seconds(w)
	return err
}

// TextToVideoParams describes a short video. ModelID and Prompt are required.
type TextToVideoParams struct {
	ModelID        string `json:"model_id" rule:"required"` // wan2.2 or ltx-2.3, and anything else counts as wan2.2; older texts name cogvideox and wanx
	Prompt         string `json:"prompt" rule:"required"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen

	Width             int      `json:"width,omitzero" rule:"1..512"`              // pixels, at most 512; default 512
	Height            int      `json:"height,omitzero" rule:"1..512"`             // likewise
	NumFrames         int      `json:"num_frames,omitzero" rule:"1..25"`          // at most 25; default 25
	FPS               int      `json:"fps,omitzero" rule:"1..16"`                 // frames a second, at most 16
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1..50"` // at most 50; default 20
	GuidanceScale     *float64 `json:"guidance_scale,omitzero" rule:"0..8"`       // 0 to 8; default 7
	ClipSkip          int      `json:"clip_skip,omitzero" rule:"1..2"`            // layers, at most 2
	Seed              *int64   `json:"seed,omitzero"`                             // nil: random

	UpscaleWidth             int      `json:"upscale_width,omitzero" rule:"1..1024"`             // pixels, at most 1024; default 1024
	UpscaleHeight            int      `json:"upscale_height,omitzero" rule:"1..1024"`            // pixels, at most 1024; default 640
	UpscaleStrength          *float64 `json:"upscale_strength,omitzero" rule:"0..1"`             // 0 to 1; default 0.6
	UpscaleGuidanceScale     *float64 `json:"upscale_guidance_scale,omitzero" rule:"0..12"`      // 0 to 8; the default is documented as 12 all the same
	UpscaleNumInferenceSteps int      `json:"upscale_num_inference_steps,omitzero" rule:"1..50"` // at most 50; default 20

	UseImprovedSampling  *bool  `json:"use_improved_sampling,omitzero"`  // for a steadier picture; default false
	ImprovedSamplingSeed *int64 `json:"improved_sampling_seed,omitzero"` // for the same video again with UseImprovedSampling

	OutputType      string `json:"output_type,omitzero"`      // mp4 or gif; default gif
	InstantResponse *bool  `json:"instant_response,omitzero"` // answer at once, with FutureLinks; default false
	Temp            *bool  `json:"temp,omitzero"`             // keep the result for 24 hours only; default false
	Webhook         string `json:"webhook,omitzero"`          // https URL told of the end
	TrackID         string `json:"track_id,omitzero"`         // told to the webhook
}

// TextToVideo submits a short video of what a text describes. Documentation:
// docs.modelslab.com/video-api/text-to-video. API: POST /api/v6/video/text2video.
func (s *VideoService) TextToVideo(ctx context.Context, p TextToVideoParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, videoTextToVideo, p, opts)
}

// TextToVideoUltraParams describes a video in higher quality. ModelID and Prompt
// are required.
type TextToVideoUltraParams struct {
	ModelID        string `json:"model_id" rule:"required"` // wan2.2 or ltx-2.3; anything else counts as wan2.2
	Prompt         string `json:"prompt" rule:"required"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen

	Resolution        int      `json:"resolution,omitzero" rule:"1..480"`         // pixels, at most 480
	Portrait          *bool    `json:"portrait,omitzero"`                         // 9:16; default false
	NumFrames         int      `json:"num_frames,omitzero" rule:"1.."`            // default 81
	FPS               int      `json:"fps,omitzero" rule:"1..18"`                 // frames a second, fewer than NumFrames; at most 16 or 18: the texts differ
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1..30"` // at most 30, default 25; other texts say 8
	GuidanceScale     *float64 `json:"guidance_scale,omitzero" rule:"0..8"`       // 0 to 8; the documentation's example has 1
	SampleShift       *int     `json:"sample_shift,omitzero" rule:"..10"`         // at most 10, default 5; the page's example calls it shift_sample
	Seed              *int64   `json:"seed,omitzero"`                             // nil: random

	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// TextToVideoUltra submits a video of what a text describes, in higher quality
// than TextToVideo. Documentation:
// docs.modelslab.com/video-api/text-to-video-ultra. API: POST
// /api/v6/video/text2video_ultra.
func (s *VideoService) TextToVideoUltra(ctx context.Context, p TextToVideoUltraParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, videoTextToVideoUltra, p, opts)
}

// ImageToVideoParams sets a picture in motion. ModelID and InitImage are
// required.
type ImageToVideoParams struct {
	ModelID   string `json:"model_id" rule:"required"`               // wan2.2 or ltx-2.3, and anything else counts as wan2.2; older texts name svd
	InitImage Input  `json:"init_image" media:"url" rule:"required"` // the picture

	Prompt         string `json:"prompt,omitzero"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen

	Width             int      `json:"width,omitzero" rule:"1..512"`              // pixels, at most 512
	Height            int      `json:"height,omitzero" rule:"1..512"`             // likewise
	NumFrames         int      `json:"num_frames,omitzero" rule:"1..25"`          // at most 25; default 16
	FPS               int      `json:"fps,omitzero" rule:"1..16"`                 // frames a second, at most 16
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1..50"` // at most 50; default 20
	MinGuidanceScale  float64  `json:"min_guidance_scale,omitzero" rule:"1..8"`   // at the first frame, 1 to 8; default 1
	MaxGuidanceScale  float64  `json:"max_guidance_scale,omitzero" rule:"1..8"`   // at the last frame, 1 to 8; default 3
	MotionBucketID    *int     `json:"motion_bucket_id,omitzero"`                 // more is more motion; default 127
	NoiseAugStrength  *float64 `json:"noise_aug_strength,omitzero" rule:"0..1"`   // 0 to 1: how much noise is added to the picture

	OutputType string `json:"output_type,omitzero"` // mp4 or gif
	Temp       *bool  `json:"temp,omitzero"`        // keep the result for 24 hours only; default false
	Webhook    string `json:"webhook,omitzero"`     // https URL told of the end
	TrackID    string `json:"track_id,omitzero"`    // told to the webhook
}

// ImageToVideo submits a short video that begins with a picture. Documentation:
// docs.modelslab.com/video-api/img-to-video. API: POST /api/v6/video/img2video.
func (s *VideoService) ImageToVideo(ctx context.Context, p ImageToVideoParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, videoImageToVideo, p, opts)
}

// ImageToVideoUltraParams sets a picture in motion in higher quality. ModelID,
// Prompt and InitImage are required.
type ImageToVideoUltraParams struct {
	ModelID   string `json:"model_id" rule:"required"` // wan2.2 or ltx-2.3; anything else counts as wan2.2
	Prompt    string `json:"prompt" rule:"required"`
	InitImage Input  `json:"init_image" media:"flag" rule:"required"` // the picture

	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen

	Resolution        int      `json:"resolution,omitzero" rule:"1.."`            // pixels; at most 720 for wan2.2
	Portrait          *bool    `json:"portrait,omitzero"`                         // 9:16; default false
	NumFrames         int      `json:"num_frames,omitzero" rule:"1.."`            // default 81
	FPS               int      `json:"fps,omitzero" rule:"1..18"`                 // frames a second, fewer than NumFrames; at most 16 or 18: the texts differ
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1..25"` // at most 25, default 25; other texts say 8
	GuidanceScale     *float64 `json:"guidance_scale,omitzero" rule:"0..8"`       // 0 to 8; the documentation's example has 1
	SampleShift       *int     `json:"sample_shift,omitzero" rule:"..10"`         // at most 10; default 5
	Seed              *int64   `json:"seed,omitzero"`                             // nil: random

	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// ImageToVideoUltra submits a video that begins with a picture, in higher
// quality than ImageToVideo. Documentation:
// docs.modelslab.com/video-api/image-to-video-ultra. API: POST
// /api/v6/video/img2video_ultra.
func (s *VideoService) ImageToVideoUltra(ctx context.Context, p ImageToVideoUltraParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, videoImageToVideoUltra, p, opts)
}

// VideoToVideoParams gives a picture the motion of a video. InitImage and
// InitVideo are required.
type VideoToVideoParams struct {
	InitImage Input `json:"init_image" media:"url" rule:"required"` // who or what is to move
	InitVideo Input `json:"init_video" media:"url" rule:"required"` // how it is to move

	ToAnimate         *bool  `json:"to_animate,omitzero"`                       // for videos with much motion only; default false
	Resolution        int    `json:"resolution,omitzero" rule:"1..720"`         // pixels: 480 or 720
	NumInferenceSteps int    `json:"num_inference_steps,omitzero" rule:"1..10"` // at most 10; default 6
	Seed              *int64 `json:"seed,omitzero"`                             // nil: random; in the page's example alone

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// VideoToVideo submits a video in which a picture moves as another video does.
// The page is hidden in the vendor's navigation. Documentation:
// docs.modelslab.com/video-api/video-to-video. API: POST
// /api/v6/video/video2video.
func (s *VideoService) VideoToVideo(ctx context.Context, p VideoToVideoParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, videoVideoToVideo, p, opts)
}

// WatermarkRemoverParams names a video with a watermark.
type WatermarkRemoverParams struct {
	InitVideo Input `json:"init_video" media:"url" rule:"required"`

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// WatermarkRemover submits a video whose watermark is to go. Documentation:
// docs.modelslab.com/video-api/watermark-remover. API: POST
// /api/v6/video/watermark_remover.
func (s *VideoService) WatermarkRemover(ctx context.Context, p WatermarkRemoverParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, videoWatermarkRemover, p, opts)
}

// TextToVideoV7Params describes a video for a model of the newer API. ModelID and
// Prompt are required; models differ in which of the others they take and need.
type TextToVideoV7Params struct {
	ModelID        string `json:"model_id" rule:"required"` // as in seedance-t2v or wan2.6-t2v; [ModelsService] finds them
	Prompt         string `json:"prompt" rule:"required"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen

	InitAudio Input `json:"init_audio,omitzero" media:"url"` // sound to go with; wan2.5 needs it, and cuts it to 5 to 10 seconds

	Width       int     `json:"width,omitzero" rule:"512..1024"`  // pixels, 512 to 1024
	Height      int     `json:"height,omitzero" rule:"512..1024"` // likewise
	AspectRatio string  `json:"aspect_ratio,omitzero"`            // as in 16:9 or 9:16
	Resolution  string  `json:"resolution,omitzero"`              // a preset: 480p or 720p
	Duration    Seconds `json:"duration,omitzero"`                // by model: "5" or "10" for kling, "4s", "8s" or "12s" for sora-2; at least 4
	FPS         int     `json:"fps,omitzero" rule:"1.."`          // frames a second

	Portrait      *bool `json:"portrait,omitzero"`       // higher than wide
	CameraFixed   *bool `json:"camera_fixed,omitzero"`   // the camera stands still
	EnhancePrompt *bool `json:"enhance_prompt,omitzero"` // let a language model rewrite the prompt
	GenerateAudio *bool `json:"generate_audio,omitzero"` // make sound too

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// TextToVideoV7 submits a video of what a text describes to a model of the newer
// API. Documentation: docs.modelslab.com/guides/model-selection and
// docs.modelslab.com/mcp-web-api/tools-reference. API: POST
// /api/v7/video-fusion/text-to-video.
func (s *VideoService) TextToVideoV7(ctx context.Context, p TextToVideoV7Params, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, videoTextToVideoV7, p, opts)
}

// ImageToVideoV7Params sets a picture in motion with a model of the newer API.
// ModelID and InitImage are required, and for most models Prompt.
type ImageToVideoV7Params struct {
	ModelID   string  `json:"model_id" rule:"required"`                  // as in seedance-i2v or kling-v2-1-i2v
	InitImage []Input `json:"init_image" media:"base64" rule:"required"` // one; for Hailuo-02-start-end-frame the first and the last frame

	Prompt         string `json:"prompt,omitzero"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be seen

	InitAudio Input `json:"init_audio,omitzero" media:"url"` // wan2.5 and omni-human need it: the latter less than 30 seconds, the former cuts it to 5 to 10

	AspectRatio string  `json:"aspect_ratio,omitzero"` // as in 16:9 or 9:16
	Resolution  string  `json:"resolution,omitzero"`   // a preset: 480p or 720p
	Duration    Seconds `json:"duration,omitzero"`     // by model: "5" or "10" for kling, "6s" or "10s" for Hailuo; at least 4
	Portrait    *bool   `json:"portrait,omitzero"`     // higher than wide

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// ImageToVideoV7 submits a video that begins with a picture to a model of the
// newer API. Documentation: docs.modelslab.com/guides/model-selection and
// docs.modelslab.com/mcp-web-api/tools-reference. API: POST
// /api/v7/video-fusion/image-to-video.
func (s *VideoService) ImageToVideoV7(ctx context.Context, p ImageToVideoV7Params, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, videoImageToVideoV7, p, opts)
}

// VideoToVideoV7Params changes a video with a model of the newer API. ModelID,
// Prompt and InitVideo are required.
type VideoToVideoV7Params struct {
	ModelID   string  `json:"model_id" rule:"required"`               // as in gen4_aleph
	Prompt    string  `json:"prompt" rule:"required"`                 // at most 1000 characters for gen4_aleph
	InitVideo []Input `json:"init_video" media:"url" rule:"required"` // one; at most 16 MB for gen4_aleph

	InitImage      Input  `json:"init_image,omitzero" media:"url"` // a picture to go by
	NegativePrompt string `json:"negative_prompt,omitzero"`        // what should not be seen

	AspectRatio           string  `json:"aspect_ratio,omitzero"`              // as in 16:9; gen4_aleph needs it in pixels, as in 1280:720
	Duration              Seconds `json:"duration,omitzero"`                  // at least 4
	Seed                  *int64  `json:"seed,omitzero" rule:"0..4294967295"` // 0 to 4294967295; nil: random
	PublicFigureThreshold string  `json:"public_figure_threshold,omitzero"`   // auto, low, medium or high: how strictly well-known faces are kept out

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// VideoToVideoV7 submits a video to be changed by a model of the newer API.
// Documentation: docs.modelslab.com/guides/model-selection and
// docs.modelslab.com/mcp-web-api/tools-reference. API: POST
// /api/v7/video-fusion/video-to-video.
func (s *VideoService) VideoToVideoV7(ctx context.Context, p VideoToVideoV7Params, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, videoVideoToVideoV7, p, opts)
}

// LipSyncParams makes the lips of a video follow a recording. ModelID, InitVideo
// and InitAudio are required.
type LipSyncParams struct {
	ModelID   string `json:"model_id" rule:"required"`                  // as in lipsync-2
	InitVideo Input  `json:"init_video" media:"base64" rule:"required"` // with a face in it
	InitAudio Input  `json:"init_audio" media:"base64" rule:"required"` // what is to be said

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// LipSync submits a video whose lips are to follow a recording. Documentation:
// docs.modelslab.com/mcp-web-api/tools-reference. API: POST
// /api/v7/video-fusion/lip-sync.
func (s *VideoService) LipSync(ctx context.Context, p LipSyncParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, videoLipSync, p, opts)
}

// MotionControlParams gives the figure of a picture the motion of a video.
// ModelID, InitImage, InitVideo and CharacterOrientation are required.
type MotionControlParams struct {
	ModelID              string `json:"model_id" rule:"required"`               // as in kling-motion-control
	InitImage            Input  `json:"init_image" media:"url" rule:"required"` // who is to move
	InitVideo            Input  `json:"init_video" media:"url" rule:"required"` // how to move
	CharacterOrientation string `json:"character_orientation" rule:"required"`  // which way the figure faces: as in the image, or as in the video

	Prompt            string `json:"prompt,omitzero" rule:"2500 chars"` // at most 2500 characters
	Mode              string `json:"mode,omitzero"`                     // std, or pro for the better one
	KeepOriginalSound YesNo  `json:"keep_original_sound,omitzero"`      // of InitVideo

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// MotionControl submits a video in which the figure of a picture moves as
// another video does. Documentation:
// docs.modelslab.com/mcp-web-api/tools-reference. API: POST
// /api/v7/video-fusion/motion-control.
func (s *VideoService) MotionControl(ctx context.Context, p MotionControlParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, videoMotionControl, p, opts)
}
