package modelslab

import "context"

// FaceSwapService puts faces of one image into another image or into a video.
//
// A submission costs money and carries no idempotency key, so it is sent once; see
// [GenerationService.Run].
//
// Documentation: docs.modelslab.com/faceswap-api.
type FaceSwapService struct{ c *Client }

// FaceSwapSingleParams says which face of an image is replaced, and by which. The
// three images are all URLs, or all files.
type FaceSwapSingleParams struct {
	InitImage      Input `json:"init_image" rule:"required" media:"flag"`      // the image whose face is replaced
	TargetImage    Input `json:"target_image" rule:"required" media:"flag"`    // the face to put there
	ReferenceImage Input `json:"reference_image" rule:"required" media:"flag"` // which face of InitImage is meant

	Watermark *bool  `json:"watermark,omitzero"` // default true
	Webhook   string `json:"webhook,omitzero"`   // https URL told of the end
	TrackID   int64  `json:"track_id,omitzero"`  // told to the webhook
}

// Single replaces one face of an image.
// Documentation: docs.modelslab.com/faceswap-api/specific-face-swap.
// API: POST /api/v6/faceswap/single_face_swap.
func (s *FaceSwapService) Single(ctx context.Context, p FaceSwapSingleParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, faceSwapSingle, p, opts)
}

// FaceSwapMultipleParams says in which image all faces are replaced, and by which.
// Both images are URLs, or both are files.
type FaceSwapMultipleParams struct {
	InitImage   Input `json:"init_image" rule:"required" media:"flag"`   // the image whose faces are replaced
	TargetImage Input `json:"target_image" rule:"required" media:"flag"` // the faces to put there

	Watermark *bool  `json:"watermark,omitzero"` // default true
	Webhook   string `json:"webhook,omitzero"`   // https URL told of the end
	TrackID   int64  `json:"track_id,omitzero"`  // told to the webhook
}

// Multiple replaces all faces of an image.
// Documentation: docs.modelslab.com/faceswap-api/multiple-face-swap.
// API: POST /api/v6/faceswap/multiple_face_swap.
func (s *FaceSwapService) Multiple(ctx context.Context, p FaceSwapMultipleParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, faceSwapMultiple, p, opts)
}

// FaceSwapSingleVideoParams says in which video all faces are replaced, and by
// which.
type FaceSwapSingleVideoParams struct {
	InitImage Input `json:"init_image" rule:"required" media:"url"` // the faces to put there
	InitVideo Input `json:"init_video" rule:"required" media:"url"` // shorter than 1 minute

	OutputFormat string `json:"output_format,omitzero"` // "mp4"; others that are named somewhere: gif, avi, mov; default "mp4"
	Watermark    *bool  `json:"watermark,omitzero"`     // default true
	Webhook      string `json:"webhook,omitzero"`       // https URL told of the end
	TrackID      int64  `json:"track_id,omitzero"`      // told to the webhook
}

// SingleVideo replaces all faces of a video by those of an image.
// Documentation: docs.modelslab.com/faceswap-api/single-video-swap.
// API: POST /api/v6/faceswap/single_video_swap.
func (s *FaceSwapService) SingleVideo(ctx context.Context, p FaceSwapSingleVideoParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, faceSwapSingleVideo, p, opts)
}

// FaceSwapSpecificVideoParams says which face of a video is replaced, and by which.
type FaceSwapSpecificVideoParams struct {
	InitImage      Input `json:"init_image" rule:"required" media:"url"`      // the face to put there
	InitVideo      Input `json:"init_video" rule:"required" media:"url"`      // shorter than 1 minute
	ReferenceImage Input `json:"reference_image" rule:"required" media:"url"` // which face is meant

	OutputFormat string `json:"output_format,omitzero"` // "mp4"; others that are named somewhere: gif, avi, mov; default "mp4"
	Watermark    *bool  `json:"watermark,omitzero"`     // default true
	Webhook      string `json:"webhook,omitzero"`       // https URL told of the end
	TrackID      int64  `json:"track_id,omitzero"`      // told to the webhook
}

// SpecificVideo replaces one face of a video.
// Documentation: docs.modelslab.com/faceswap-api/specific-video-swap.
// API: POST /api/v6/faceswap/specific_video_swap.
func (s *FaceSwapService) SpecificVideo(ctx context.Context, p FaceSwapSpecificVideoParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, faceSwapSpecificVideo, p, opts)
}
