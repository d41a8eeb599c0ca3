package modelslab

import "context"

// ThreeDService makes three-dimensional objects.
//
// Every method submits a job: it costs money, carries no idempotency key and is
// sent once; see [GenerationService.Run]. What it returns may still be
// processing: [GenerationService.Wait] sees it to its end.
// Documentation: docs.modelslab.com/3d-api/overview.
type ThreeDService struct{ c *Client }

// TextTo3DParams describes an object. Prompt is required.
type TextTo3DParams struct {
	Prompt         string `json:"prompt" rule:"required"`
	NegativePrompt string `json:"negative_prompt,omitzero"` // what should not be there

	Resolution        int      `json:"resolution,omitzero" rule:"1..512"`       // at most 512; default 512
	OutputFormat      string   `json:"output_format,omitzero"`                  // obj, stl, ply or glb; default glb
	Render            *bool    `json:"render,omitzero"`                         // make a video of the object too; default false
	GuidanceScale     *float64 `json:"guidance_scale,omitzero"`                 // how closely the prompt is followed; default 3
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1.."` // default 30
	ForegroundRatio   float64  `json:"foreground_ratio,omitzero"`               // the object's part of the whole picture; default 0.85
	RemoveBG          *bool    `json:"remove_bg,omitzero"`                      // remove the background; default false
	Seed              *int64   `json:"seed,omitzero"`                           // 0, the default, is random

	SSGuidanceStrength   *float64 `json:"ss_guidance_strength,omitzero"`                // default 7.5
	SSSamplingSteps      int      `json:"ss_sampling_steps,omitzero" rule:"1..50"`      // 1 to 50; default 50
	SlatGuidanceStrength *float64 `json:"slat_guidance_strength,omitzero" rule:"0..10"` // for the details, 0 to 10; default 3
	SlatSamplingSteps    int      `json:"slat_sampling_steps,omitzero" rule:"1..50"`    // 1 to 50; default 50
	MeshSimplify         float64  `json:"mesh_simplify,omitzero" rule:"0.9..0.98"`      // how much the mesh is simplified, 0.9 to 0.98; default 0.9
	ChunkSize            int      `json:"chunk_size,omitzero" rule:"1..12000"`          // at most 12000; default 8192

	Temp    YesNo  `json:"temp,omitzero"`     // keep the result for 24 hours only; default no
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// TextTo3D submits an object that a text describes. Documentation:
// docs.modelslab.com/3d-api/text-to-3d. API: POST /api/v6/3d/text_to_3d.
func (s *ThreeDService) TextTo3D(ctx context.Context, p TextTo3DParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, threeDTextTo3D, p, opts)
}

// ImageTo3DParams makes an object of a picture. InitImage is required.
//
// The vendor's texts differ in what the picture is called. It is sent as
// init_image, as the documentation has it; for a server that wants the other
// name, add [WithBodyField]("image", url).
type ImageTo3DParams struct {
	InitImage Input `json:"init_image" media:"url" rule:"required"` // the picture

	MultiImage   *bool  `json:"multi_image,omitzero"`              // several pictures together; default false; how to send them is documented nowhere
	Resolution   int    `json:"resolution,omitzero" rule:"1..512"` // at most 512; default 256
	OutputFormat string `json:"output_format,omitzero"`            // obj, stl, ply or glb; default glb
	Render       *bool  `json:"render,omitzero"`                   // make a video of the object too; default false
	Seed         *int64 `json:"seed,omitzero"`                     // 0, the default, is random

	SSGuidanceStrength   *float64 `json:"ss_guidance_strength,omitzero"`                // default 7.5
	SSSamplingSteps      int      `json:"ss_sampling_steps,omitzero" rule:"1..50"`      // 1 to 50; default 12
	SlatGuidanceStrength *float64 `json:"slat_guidance_strength,omitzero" rule:"0..10"` // for the details, 0 to 10; default 3
	SlatSamplingSteps    int      `json:"slat_sampling_steps,omitzero" rule:"1..50"`    // 1 to 50; default 12
	MeshSimplify         float64  `json:"mesh_simplify,omitzero" rule:"0.9..0.98"`      // how much the mesh is simplified, 0.9 to 0.98; default 0.9
	ChunkSize            int      `json:"chunk_size,omitzero" rule:"1..12000"`          // at most 12000; default 8192

	Temp    YesNo  `json:"temp,omitzero"`     // keep the result for 24 hours only; default no
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// ImageTo3D submits an object that is made of a picture. Documentation:
// docs.modelslab.com/3d-api/image-to-3d. API: POST /api/v6/3d/image_to_3d.
func (s *ThreeDService) ImageTo3D(ctx context.Context, p ImageTo3DParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, threeDImageTo3D, p, opts)
}
