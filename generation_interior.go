package modelslab

import "context"

// InteriorService furnishes rooms, and changes how houses look.
//
// A submission costs money and carries no idempotency key, so it is sent once; see
// [GenerationService.Run].
//
// Documentation: docs.modelslab.com/interior-api.
type InteriorService struct{ c *Client }

// InteriorMakeParams describes a room that is to be furnished anew. InitImage and
// Prompt are required.
type InteriorMakeParams struct {
	InitImage Input  `json:"init_image" rule:"required" media:"url"` // the room
	Prompt    string `json:"prompt" rule:"required"`                 // the room as it should be

	NegativePrompt    string   `json:"negative_prompt,omitzero"`                // what should not be seen
	SpecificObject    string   `json:"specific_object,omitzero"`                // a thing that must be there: "mid-century coffee table"
	ScaleDown         *int     `json:"scale_down,omitzero"`                     // how far the image is scaled down for the work; default 6
	Strength          *float64 `json:"strength,omitzero" rule:"0..10"`          // how much changes, 1 to 10, default 5; the page's example has 0.99 of 1
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1.."` // 21, 31 or 41; default 51: the documentation says both
	GuidanceScale     int      `json:"guidance_scale,omitzero" rule:"1..20"`    // how closely the prompt is followed, 1 to 20; default 8
	Seed              *int64   `json:"seed,omitzero"`                           // the same seed makes the same image; default 0

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64 instead of URLs; default false
	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// Make furnishes a room anew.
// Documentation: docs.modelslab.com/interior-api/interior.
// API: POST /api/v6/interior/make.
func (s *InteriorService) Make(ctx context.Context, p InteriorMakeParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, interiorMake, p, opts)
}

// InteriorFloorPlanningParams describes a floor plan. InitImage and Prompt are
// required.
type InteriorFloorPlanningParams struct {
	InitImage Input  `json:"init_image" rule:"required" media:"url"` // the room or its plan
	Prompt    string `json:"prompt" rule:"required"`                 // what to make of it

	NegativePrompt    string   `json:"negative_prompt,omitzero"`                // what should not be seen
	SpecificObject    string   `json:"specific_object,omitzero"`                // a thing that must be there; only the page's example has it
	Strength          *float64 `json:"strength,omitzero" rule:"0..1"`           // 0 to 1; 1 keeps nothing of the image
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1.."` // 21, 31 or 41; the page's example has 51
	GuidanceScale     int      `json:"guidance_scale,omitzero" rule:"1..20"`    // how closely the prompt is followed, 1 to 20
	Seed              *int64   `json:"seed,omitzero"`                           // the same seed makes the same image; nil: random

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64 instead of URLs; default false
	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// FloorPlanning renders a floor plan.
// Documentation: docs.modelslab.com/interior-api/floor-planning.
// API: POST /api/v6/interior/floor_planning.
func (s *InteriorService) FloorPlanning(ctx context.Context, p InteriorFloorPlanningParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, interiorFloorPlanning, p, opts)
}

// InteriorRoomDecoratorParams describes a room that is to be decorated. InitImage and
// Prompt are required.
type InteriorRoomDecoratorParams struct {
	InitImage Input  `json:"init_image" rule:"required" media:"url"` // the room
	Prompt    string `json:"prompt" rule:"required"`                 // the room as it should be

	NegativePrompt    string   `json:"negative_prompt,omitzero"`                // what should not be seen
	SpecificObject    string   `json:"specific_object,omitzero"`                // a thing that must be there: "mid-century coffee table"
	Strength          *float64 `json:"strength,omitzero" rule:"0..1"`           // 0 to 1; 1 keeps nothing of the image
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1.."` // 21, 31 or 41; the page's example has 51
	GuidanceScale     int      `json:"guidance_scale,omitzero" rule:"1..20"`    // how closely the prompt is followed, 1 to 20
	Seed              *int64   `json:"seed,omitzero"`                           // the same seed makes the same image; nil: random

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64 instead of URLs; default false
	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// RoomDecorator decorates a room.
// Documentation: docs.modelslab.com/interior-api/room-decorator.
// API: POST /api/v6/interior/room_decorator.
func (s *InteriorService) RoomDecorator(ctx context.Context, p InteriorRoomDecoratorParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, interiorRoomDecorator, p, opts)
}

// InteriorScenarioChangerParams describes other surroundings. InitImage, Prompt and
// Scenario are required.
type InteriorScenarioChangerParams struct {
	InitImage Input  `json:"init_image" rule:"required" media:"url"` // the photo
	Prompt    string `json:"prompt" rule:"required"`                 // the surroundings, their colors and mood
	Scenario  string `json:"scenario" rule:"required"`               // beach, desert, plain, taiga, mountain, snow, jungle, city, underwater, urban, forest

	NegativePrompt    string   `json:"negative_prompt,omitzero"`                // what should not be seen
	SpecificObject    string   `json:"specific_object,omitzero"`                // a thing that must be there; only the page's example has it
	Strength          *float64 `json:"strength,omitzero" rule:"0..1"`           // 0 to 1; 1 keeps nothing of the image
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1.."` // 21, 31 or 41; the page's example has 51
	GuidanceScale     int      `json:"guidance_scale,omitzero" rule:"1..20"`    // how closely the prompt is followed, 1 to 20
	Seed              *int64   `json:"seed,omitzero"`                           // the same seed makes the same image; nil: random

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64 instead of URLs; default false
	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// ScenarioChanger puts a house into other surroundings.
// Documentation: docs.modelslab.com/interior-api/scenario-changer.
// API: POST /api/v6/interior/scenario_changer.
func (s *InteriorService) ScenarioChanger(ctx context.Context, p InteriorScenarioChangerParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, interiorScenarioChanger, p, opts)
}

// InteriorSketchRenderingParams describes what becomes of a sketch. InitImage and
// Prompt are required.
type InteriorSketchRenderingParams struct {
	InitImage Input  `json:"init_image" rule:"required" media:"url"` // the sketch or line drawing
	Prompt    string `json:"prompt" rule:"required"`                 // materials, colors and mood

	NegativePrompt    string   `json:"negative_prompt,omitzero"`                // what should not be seen
	SpecificObject    string   `json:"specific_object,omitzero"`                // a thing that must be there; only the page's example has it
	Strength          *float64 `json:"strength,omitzero" rule:"0..1"`           // 0 to 1; 1 keeps nothing of the image
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1.."` // 21, 31 or 41; the page's example has 51
	GuidanceScale     int      `json:"guidance_scale,omitzero" rule:"1..20"`    // how closely the prompt is followed, 1 to 20
	Seed              *int64   `json:"seed,omitzero"`                           // the same seed makes the same image; nil: random

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64 instead of URLs; default false
	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// SketchRendering makes a photo of a sketch.
// Documentation: docs.modelslab.com/interior-api/sketch-rendering.
// API: POST /api/v6/interior/sketch_rendering.
func (s *InteriorService) SketchRendering(ctx context.Context, p InteriorSketchRenderingParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, interiorSketchRendering, p, opts)
}

// InteriorExteriorRestorerParams describes a house that is to look fresh. InitImage and
// Prompt are required.
type InteriorExteriorRestorerParams struct {
	InitImage Input  `json:"init_image" rule:"required" media:"url"` // the house from outside
	Prompt    string `json:"prompt" rule:"required"`                 // style, colors and mood

	NegativePrompt    string   `json:"negative_prompt,omitzero"`                // what should not be seen
	SpecificObject    string   `json:"specific_object,omitzero"`                // a thing that must be there; only the page's example has it
	Strength          *float64 `json:"strength,omitzero" rule:"0..1"`           // 0 to 1; 1 keeps nothing of the image
	NumInferenceSteps int      `json:"num_inference_steps,omitzero" rule:"1.."` // 21, 31 or 41; the page's example has 51
	GuidanceScale     int      `json:"guidance_scale,omitzero" rule:"1..20"`    // how closely the prompt is followed, 1 to 20
	Seed              *int64   `json:"seed,omitzero"`                           // the same seed makes the same image; nil: random

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64 instead of URLs; default false
	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// ExteriorRestorer freshens the outside of a house.
// Documentation: docs.modelslab.com/interior-api/exterior-restorer.
// API: POST /api/v6/interior/exterior_restorer.
func (s *InteriorService) ExteriorRestorer(ctx context.Context, p InteriorExteriorRestorerParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, interiorExteriorRestorer, p, opts)
}

// InteriorObjectRemovalParams names a thing that is to go. InitImage and ObjectName
// are required.
type InteriorObjectRemovalParams struct {
	InitImage  Input  `json:"init_image" rule:"required" media:"url"`
	ObjectName string `json:"object_name" rule:"required"` // the thing, in words

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64 instead of URLs; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// ObjectRemoval takes a thing out of an image. [EditingService.ObjectRemoval] is
// told by a mask what to take.
// Documentation: docs.modelslab.com/interior-api/object-removal.
// API: POST /api/v6/interior/object_removal.
func (s *InteriorService) ObjectRemoval(ctx context.Context, p InteriorObjectRemovalParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, interiorObjectRemoval, p, opts)
}

// InteriorMixerParams says what is put into a room. InitImage, ObjectImage and Prompt
// are required.
type InteriorMixerParams struct {
	InitImage   Input  `json:"init_image" rule:"required" media:"url"`   // the room
	ObjectImage Input  `json:"object_image" rule:"required" media:"url"` // the thing to put there
	Prompt      string `json:"prompt" rule:"required"`                   // where and how

	Width             int `json:"width,omitzero" rule:"512..2048"`         // pixels, 512 to 2048; default that of InitImage
	Height            int `json:"height,omitzero" rule:"512..2048"`        // likewise
	NumInferenceSteps int `json:"num_inference_steps,omitzero" rule:"1.."` // default 8; the page's example has 51
	GuidanceScale     int `json:"guidance_scale,omitzero" rule:"1..20"`    // how closely the prompt is followed, 1 to 20

	Base64  *bool  `json:"base64,omitzero"`   // Output holds base64 instead of URLs; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// Mixer puts a thing from one image into the room of another.
// Documentation: docs.modelslab.com/interior-api/interior-mixer.
// API: POST /api/v6/interior/interior_mixer.
func (s *InteriorService) Mixer(ctx context.Context, p InteriorMixerParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, interiorMixer, p, opts)
}
