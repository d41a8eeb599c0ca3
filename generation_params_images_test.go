package modelslab

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// paramsCase is one endpoint for images: the names that the documentation gives
// its fields, written down by hand, and params with all of them and with the least.
type paramsCase struct {
	path        string
	least, full any
	required    []string // always in the JSON
	optional    []string // in it only when given
	send        func(context.Context, *Client, any) (*Generation, error)
}

func imageCase[S, P any](path, required, optional string, least, full P, service func(*GenerationService) S,
	method func(S, context.Context, P, ...RequestOption) (*Generation, error),
) paramsCase {
	return paramsCase{
		path: path, least: least, full: full, required: strings.Fields(required), optional: strings.Fields(optional),
		send: func(ctx context.Context, c *Client, p any) (*Generation, error) {
			return method(service(c.Generation), ctx, p.(P))
		},
	}
}

// What the v6 endpoints for images have in common beyond their required fields.
const (
	communityNames = "negative_prompt enhance_prompt width height samples num_inference_steps safety_checker safety_checker_type seed guidance_scale " +
		"use_karras_sigmas algorithm_type vae lora_strength lora_model clip_skip base64 temp webhook track_id ip_adapter_id ip_adapter_scale " +
		"ip_adapter_image scheduler instant_response "
	realtimeNames = "negative_prompt width height samples safety_checker seed instant_response base64 webhook track_id "
	interiorNames = "negative_prompt strength base64 num_inference_steps guidance_scale temp seed webhook track_id specific_object "
)

func imageCases() []paramsCase {
	pic, mask := InputURL("https://example.com/a.png"), InputURL("https://example.com/mask.png")
	video := InputURL("https://example.com/a.mp4")
	pics := []Input{pic, mask}
	on, seed := Ptr(true), Ptr(int64(7))
	const hook, track = "https://example.com/hook", "t-1"
	images := func(g *GenerationService) *ImagesService { return g.Images }
	editing := func(g *GenerationService) *EditingService { return g.Editing }
	interior := func(g *GenerationService) *InteriorService { return g.Interior }
	faceSwap := func(g *GenerationService) *FaceSwapService { return g.FaceSwap }
	return []paramsCase{
		imageCase("/api/v6/images/text2img", "model_id prompt",
			communityNames+"multi_lingual upscale highres_fix injected_noise_alpha sigma_threshold true_cfg_scale use_cfg_zero_star use_zero_init zero_steps",
			TextToImageParams{ModelID: "flux", Prompt: "a lighthouse"},
			TextToImageParams{
				ModelID: "flux", Prompt: "a lighthouse", NegativePrompt: "fog", Width: 1024, Height: 256, Samples: 4, NumInferenceSteps: 50,
				GuidanceScale: 7.5, Seed: seed, Scheduler: "DDIMScheduler", ClipSkip: 8, AlgorithmType: "none", VAE: "v", LoraModel: "a,b",
				LoraStrength: "0.1,1", IPAdapterID: "ip-adapter_sdxl", IPAdapterScale: Ptr(0.0), IPAdapterImage: pic, EnhancePrompt: on,
				MultiLingual: on, SafetyChecker: on, SafetyCheckerType: "blur", UseKarrasSigmas: on, Upscale: on, HighresFix: on,
				InjectedNoiseAlpha: Ptr(0.0), SigmaThreshold: Ptr(1.0), TrueCFGScale: Ptr(10.0), UseCFGZeroStar: on, UseZeroInit: on,
				ZeroSteps: Ptr(0), Base64: on, Temp: on, InstantResponse: on, Webhook: hook, TrackID: track,
			}, images, (*ImagesService).TextToImage),
		imageCase("/api/v6/images/img2img", "model_id init_image", communityNames+"prompt init_image_2 strength guidance",
			ImageToImageParams{ModelID: "m", InitImage: pic},
			ImageToImageParams{
				ModelID: "flux-kontext-dev", InitImage: pic, Prompt: "p", NegativePrompt: "n", InitImage2: mask, Guidance: Ptr(0.0),
				Strength: Ptr(0.0), Width: 512, Height: 512, Samples: 1, NumInferenceSteps: 28, GuidanceScale: 1, Seed: seed,
				Scheduler: "DDIMScheduler", ClipSkip: 1, AlgorithmType: "none", VAE: "v", LoraModel: "a", LoraStrength: "1",
				IPAdapterID: "ip-adapter_sd15", IPAdapterScale: Ptr(1.0), IPAdapterImage: pic, EnhancePrompt: on, SafetyChecker: on,
				SafetyCheckerType: "black", UseKarrasSigmas: on, Base64: on, Temp: on, InstantResponse: on, Webhook: hook, TrackID: track,
			}, images, (*ImagesService).ImageToImage),
		imageCase("/api/v6/images/inpaint", "model_id init_image mask_image", communityNames+"prompt strength",
			InpaintParams{ModelID: "m", InitImage: pic, MaskImage: mask},
			InpaintParams{
				ModelID: "m", InitImage: pic, MaskImage: mask, Prompt: "p", NegativePrompt: "n", Strength: Ptr(1.0), Width: 512, Height: 512,
				Samples: 1, NumInferenceSteps: 20, GuidanceScale: 20, Seed: seed, Scheduler: "DDIMScheduler", ClipSkip: 1,
				AlgorithmType: "none", VAE: "v", LoraModel: "a", LoraStrength: "1", IPAdapterID: "ip-adapter_sd15", IPAdapterScale: Ptr(1.0),
				IPAdapterImage: pic, EnhancePrompt: on, SafetyChecker: on, SafetyCheckerType: "black", UseKarrasSigmas: on, Base64: on,
				Temp: on, InstantResponse: on, Webhook: hook, TrackID: track,
			}, images, (*ImagesService).Inpaint),
		imageCase("/api/v5/controlnet", "",
			"model_id controlnet_model controlnet_type auto_hint guess_mode prompt negative_prompt init_image control_image mask_image width height "+
				"samples scheduler tomesd use_karras_sigmas algorithm_type vae lora_strength lora_model num_inference_steps safety_checker "+
				"ip_adapter_id ip_adapter_scale ip_adapter_image enhance_prompt controlnet_conditioning_scale strength guidance_scale seed "+
				"upscale clip_skip base64 temp webhook track_id",
			ControlNetParams{},
			ControlNetParams{
				ModelID: "fluxdev", ControlNetModel: "canny,depth", ControlNetType: "canny", Prompt: "p", NegativePrompt: "n", InitImage: pic,
				ControlImage: pic, MaskImage: mask, AutoHint: Yes, GuessMode: No, ControlNetConditioningScale: 0.1, Strength: Ptr(0.0),
				Width: 64, Height: 1024, Samples: 4, NumInferenceSteps: 31, GuidanceScale: 20, Seed: seed, Scheduler: "LCMScheduler",
				ClipSkip: 8, AlgorithmType: "none", VAE: "v", TomeSD: Yes, UseKarrasSigmas: No, LoraModel: "a,b", LoraStrength: "0.5,0.5",
				IPAdapterID: "ip-adapter_sdxl", IPAdapterScale: Ptr(0.0), IPAdapterImage: pic, EnhancePrompt: Yes, SafetyChecker: No,
				Upscale: Yes, Base64: Yes, Temp: No, Webhook: hook, TrackID: 1,
			}, images, (*ImagesService).ControlNet),
		imageCase("/api/v6/realtime/text2img", "prompt", realtimeNames,
			RealtimeTextToImageParams{Prompt: "p"},
			RealtimeTextToImageParams{
				Prompt: "p", NegativePrompt: "n", Width: 512, Height: 512, Samples: 1, Seed: seed, SafetyChecker: on, Base64: on,
				InstantResponse: on, Webhook: hook, TrackID: track,
			}, images, (*ImagesService).RealtimeTextToImage),
		imageCase("/api/v6/realtime/img2img", "prompt init_image", realtimeNames+"strength temp",
			RealtimeImageToImageParams{Prompt: "p", InitImage: pic},
			RealtimeImageToImageParams{
				Prompt: "p", InitImage: pic, NegativePrompt: "n", Strength: Ptr(0.0), Width: 512, Height: 512, Samples: 1, Seed: seed,
				SafetyChecker: on, Base64: on, Temp: on, InstantResponse: on, Webhook: hook, TrackID: track,
			}, images, (*ImagesService).RealtimeImageToImage),
		imageCase("/api/v6/realtime/inpaint", "prompt init_image mask_image", realtimeNames+"strength",
			RealtimeInpaintParams{Prompt: "p", InitImage: pic, MaskImage: mask},
			RealtimeInpaintParams{
				Prompt: "p", InitImage: pic, MaskImage: mask, NegativePrompt: "n", Strength: Ptr(1.0), Width: 512, Height: 512, Samples: 1,
				Seed: seed, SafetyChecker: on, Base64: on, InstantResponse: on, Webhook: hook, TrackID: track,
			}, images, (*ImagesService).RealtimeInpaint),
		imageCase("/api/v7/images/text-to-image", "model_id prompt",
			"negative_prompt width height aspect_ratio samples num_inference_steps guidance_scale scheduler seed lora_model webhook track_id",
			TextToImageV7Params{ModelID: "imagen-4", Prompt: "p"},
			TextToImageV7Params{
				ModelID: "imagen-4", Prompt: "p", NegativePrompt: "n", Width: 1024, Height: 512, AspectRatio: "1:1", Samples: 1,
				NumInferenceSteps: 30, GuidanceScale: 15, Scheduler: "Euler a", Seed: seed, LoraModel: "l", Webhook: hook, TrackID: track,
			}, images, (*ImagesService).TextToImageV7),
		imageCase("/api/v7/images/image-to-image", "model_id prompt init_image",
			"negative_prompt init_image_2 width height aspect_ratio strength samples scheduler webhook track_id",
			ImageToImageV7Params{ModelID: "nano-banana", Prompt: "p", InitImage: []Input{pic}},
			ImageToImageV7Params{
				ModelID: "nano-banana", Prompt: "p", InitImage: pics, InitImage2: mask, NegativePrompt: "n", Strength: Ptr(0.0), Width: 512,
				Height: 1024, AspectRatio: "16:9", Samples: 4, Scheduler: "DDIMScheduler", Webhook: hook, TrackID: track,
			}, images, (*ImagesService).ImageToImageV7),
		imageCase("/api/v7/images/inpaint", "model_id prompt init_image mask_image", "negative_prompt strength scheduler webhook track_id",
			InpaintV7Params{ModelID: "m", Prompt: "p", InitImage: pic, MaskImage: mask},
			InpaintV7Params{
				ModelID: "m", Prompt: "p", InitImage: pic, MaskImage: mask, NegativePrompt: "n", Strength: Ptr(1.0),
				Scheduler: "DDIMScheduler", Webhook: hook, TrackID: track,
			}, images, (*ImagesService).InpaintV7),

		imageCase("/api/v6/image_editing/removebg_mask", "image",
			"alpha_matting post_process_mask only_mask inverse_mask seed base64 alpha_matting_foreground_threshold "+
				"alpha_matting_background_threshold alpha_matting_erode_size webhook track_id",
			RemoveBackgroundParams{Image: pic},
			RemoveBackgroundParams{
				Image: pic, OnlyMask: on, InverseMask: on, PostProcessMask: on, Seed: seed, AlphaMatting: on,
				AlphaMattingForegroundThreshold: Ptr(0), AlphaMattingBackgroundThreshold: Ptr(20), AlphaMattingErodeSize: Ptr(0), Base64: on,
				Webhook: hook, TrackID: 1,
			}, editing, (*EditingService).RemoveBackground),
		imageCase("/api/v6/image_editing/super_resolution", "init_image", "model_id scale face_enhance webhook track_id",
			SuperResolutionParams{InitImage: pic},
			SuperResolutionParams{InitImage: pic, ModelID: "ultra_resolution", Scale: 4, FaceEnhance: on, Webhook: hook, TrackID: 1},
			editing, (*EditingService).SuperResolution),
		imageCase("/api/v6/image_editing/caption", "init_image", "length base64 webhook track_id",
			CaptionParams{InitImage: pic},
			CaptionParams{InitImage: pic, Length: "long", Base64: on, Webhook: hook, TrackID: 1},
			editing, (*EditingService).Caption),
		imageCase("/api/v6/image_editing/face_gen", "prompt face_image",
			"negative_prompt width height num_inference_steps guidance_scale s_scale samples safety_checker safety_checker_type base64 style "+
				"seed webhook track_id",
			FaceGenParams{Prompt: "p", FaceImage: pic},
			FaceGenParams{
				Prompt: "p", FaceImage: pic, NegativePrompt: "n", Width: 512, Height: 768, Samples: 2, NumInferenceSteps: 41,
				GuidanceScale: 7.5, SScale: Ptr(0.0), Style: "anime", Seed: seed, SafetyChecker: on, SafetyCheckerType: "blur", Base64: on,
				Webhook: hook, TrackID: 1,
			}, editing, (*EditingService).FaceGen),
		imageCase("/api/v6/image_editing/fashion", "init_image cloth_image cloth_type",
			"prompt negative_prompt num_inference_steps temp guidance_scale seed webhook track_id",
			FashionParams{InitImage: pic, ClothImage: mask, ClothType: "dresses"},
			FashionParams{
				InitImage: pic, ClothImage: mask, ClothType: "dresses", Prompt: "p", NegativePrompt: "n", NumInferenceSteps: 21,
				GuidanceScale: 7.5, Seed: seed, Temp: No, Webhook: hook, TrackID: 1,
			}, editing, (*EditingService).Fashion),
		imageCase("/api/v6/image_editing/qwen_edit", "prompt init_image", "safety_checker base64 webhook track_id model_id",
			QwenEditParams{Prompt: "p", InitImage: []Input{pic}},
			QwenEditParams{
				Prompt: "p", InitImage: []Input{pic, pic, mask, mask}, ModelID: "qwen-edit-2511", SafetyChecker: on, Base64: on,
				Webhook: hook, TrackID: 1,
			},
			editing, (*EditingService).QwenEdit),
		imageCase("/api/v6/image_editing/flux_headshot", "prompt face_image seed",
			"negative_prompt width height num_inference_steps guidance_scale webhook track_id",
			FluxHeadshotParams{Prompt: "p", FaceImage: pic},
			FluxHeadshotParams{
				Prompt: "p", FaceImage: pic, Seed: seed, NegativePrompt: "n", Width: 1024, Height: 1024, NumInferenceSteps: 26,
				GuidanceScale: 10, Webhook: hook, TrackID: 1,
			}, editing, (*EditingService).FluxHeadshot),
		imageCase("/api/v6/image_editing/head_shot", "prompt face_image",
			"negative_prompt width height num_inference_steps guidance_scale s_scale samples safety_checker safety_checker_type base64 seed "+
				"webhook track_id",
			HeadShotParams{Prompt: "p", FaceImage: pic},
			HeadShotParams{
				Prompt: "p", FaceImage: pic, NegativePrompt: "n", Width: 512, Height: 768, Samples: 2, NumInferenceSteps: 41,
				GuidanceScale: 7.5, SScale: Ptr(2.0), Seed: seed, SafetyChecker: on, SafetyCheckerType: "blur", Base64: on, Webhook: hook,
				TrackID: 1,
			}, editing, (*EditingService).HeadShot),
		imageCase("/api/v6/image_editing/img_mixer", "prompt init_image",
			"negative_prompt width height steps guidance_scale seed samples webhook track_id",
			ImageMixerParams{Prompt: "p", InitImage: pics},
			ImageMixerParams{
				Prompt: "p", InitImage: pics, NegativePrompt: "n", Width: 800, Height: 600, Samples: 1, Steps: 41, GuidanceScale: 10,
				Seed: seed, Webhook: hook, TrackID: 1,
			}, editing, (*EditingService).ImageMixer),
		imageCase("/api/v6/image_editing/inpaint", "prompt init_image mask_image",
			"negative_prompt width height samples num_inference_steps safety_checker guidance_scale strength instant_response base64 seed "+
				"webhook track_id",
			EditingInpaintParams{Prompt: "p", InitImage: pic, MaskImage: mask},
			EditingInpaintParams{
				Prompt: "p", InitImage: pic, MaskImage: mask, NegativePrompt: "n", Strength: Ptr(0.0), Width: 512, Height: 512, Samples: 4,
				NumInferenceSteps: 30, GuidanceScale: 5, Seed: seed, SafetyChecker: No, InstantResponse: on, Base64: on, Webhook: hook,
				TrackID: 1,
			}, editing, (*EditingService).Inpaint),
		imageCase("/api/v6/image_editing/mask_creator", "init_image specific_object", "base64 webhook track_id",
			MaskCreatorParams{InitImage: pic, SpecificObject: "the ball"},
			MaskCreatorParams{InitImage: pic, SpecificObject: "the ball", Base64: on, Webhook: hook, TrackID: 1},
			editing, (*EditingService).MaskCreator),
		imageCase("/api/v6/image_editing/object_removal", "init_image mask_image", "webhook track_id",
			EditingObjectRemovalParams{InitImage: pic, MaskImage: mask},
			EditingObjectRemovalParams{InitImage: pic, MaskImage: mask, Webhook: hook, TrackID: 1},
			editing, (*EditingService).ObjectRemoval),
		imageCase("/api/v6/image_editing/outpaint", "image",
			"prompt negative_prompt width height overlap_width num_inference_steps guidance_scale seed temp webhook track_id",
			OutpaintParams{Image: pic},
			OutpaintParams{
				Image: pic, Prompt: "p", NegativePrompt: "n", Width: 1440, Height: 720, OverlapWidth: Ptr(0), NumInferenceSteps: 30,
				GuidanceScale: 8, Seed: seed, Temp: on, Webhook: hook, TrackID: 1,
			}, editing, (*EditingService).Outpaint),

		imageCase("/api/v6/interior/make", "init_image prompt", interiorNames+"scale_down",
			InteriorMakeParams{InitImage: pic, Prompt: "p"},
			InteriorMakeParams{
				InitImage: pic, Prompt: "p", NegativePrompt: "n", SpecificObject: "a lamp", ScaleDown: Ptr(6), Strength: Ptr(10.0),
				NumInferenceSteps: 51, GuidanceScale: 8, Seed: Ptr(int64(0)), Base64: on, Temp: on, Webhook: hook, TrackID: 1,
			}, interior, (*InteriorService).Make),
		imageCase("/api/v6/interior/floor_planning", "init_image prompt", interiorNames,
			InteriorFloorPlanningParams{InitImage: pic, Prompt: "p"},
			InteriorFloorPlanningParams{
				InitImage: pic, Prompt: "p", NegativePrompt: "n", SpecificObject: "a lamp", Strength: Ptr(0.99), NumInferenceSteps: 51,
				GuidanceScale: 8, Seed: seed, Base64: on, Temp: on, Webhook: hook, TrackID: 1,
			}, interior, (*InteriorService).FloorPlanning),
		imageCase("/api/v6/interior/room_decorator", "init_image prompt", interiorNames,
			InteriorRoomDecoratorParams{InitImage: pic, Prompt: "p"},
			InteriorRoomDecoratorParams{
				InitImage: pic, Prompt: "p", NegativePrompt: "n", SpecificObject: "a lamp", Strength: Ptr(0.99), NumInferenceSteps: 51,
				GuidanceScale: 8, Seed: seed, Base64: on, Temp: on, Webhook: hook, TrackID: 1,
			}, interior, (*InteriorService).RoomDecorator),
		imageCase("/api/v6/interior/scenario_changer", "init_image prompt scenario", interiorNames,
			InteriorScenarioChangerParams{InitImage: pic, Prompt: "p", Scenario: "snow"},
			InteriorScenarioChangerParams{
				InitImage: pic, Prompt: "p", Scenario: "snow", NegativePrompt: "n", SpecificObject: "a lamp", Strength: Ptr(0.99),
				NumInferenceSteps: 51, GuidanceScale: 8, Seed: seed, Base64: on, Temp: on, Webhook: hook, TrackID: 1,
			}, interior, (*InteriorService).ScenarioChanger),
		imageCase("/api/v6/interior/sketch_rendering", "init_image prompt", interiorNames,
			InteriorSketchRenderingParams{InitImage: pic, Prompt: "p"},
			InteriorSketchRenderingParams{
				InitImage: pic, Prompt: "p", NegativePrompt: "n", SpecificObject: "a lamp", Strength: Ptr(0.99), NumInferenceSteps: 51,
				GuidanceScale: 8, Seed: seed, Base64: on, Temp: on, Webhook: hook, TrackID: 1,
			}, interior, (*InteriorService).SketchRendering),
		imageCase("/api/v6/interior/exterior_restorer", "init_image prompt", interiorNames,
			InteriorExteriorRestorerParams{InitImage: pic, Prompt: "p"},
			InteriorExteriorRestorerParams{
				InitImage: pic, Prompt: "p", NegativePrompt: "n", SpecificObject: "a lamp", Strength: Ptr(0.99), NumInferenceSteps: 51,
				GuidanceScale: 8, Seed: seed, Base64: on, Temp: on, Webhook: hook, TrackID: 1,
			}, interior, (*InteriorService).ExteriorRestorer),
		imageCase("/api/v6/interior/object_removal", "init_image object_name", "base64 webhook track_id",
			InteriorObjectRemovalParams{InitImage: pic, ObjectName: "the sofa"},
			InteriorObjectRemovalParams{InitImage: pic, ObjectName: "the sofa", Base64: on, Webhook: hook, TrackID: 1},
			interior, (*InteriorService).ObjectRemoval),
		imageCase("/api/v6/interior/interior_mixer", "init_image object_image prompt",
			"width height guidance_scale num_inference_steps base64 webhook track_id",
			InteriorMixerParams{InitImage: pic, ObjectImage: mask, Prompt: "p"},
			InteriorMixerParams{
				InitImage: pic, ObjectImage: mask, Prompt: "p", Width: 2048, Height: 512, NumInferenceSteps: 8, GuidanceScale: 8, Base64: on,
				Webhook: hook, TrackID: 1,
			}, interior, (*InteriorService).Mixer),

		imageCase("/api/v6/faceswap/single_face_swap", "init_image target_image reference_image", "watermark webhook track_id",
			FaceSwapSingleParams{InitImage: pic, TargetImage: mask, ReferenceImage: pic},
			FaceSwapSingleParams{InitImage: pic, TargetImage: mask, ReferenceImage: pic, Watermark: on, Webhook: hook, TrackID: 1},
			faceSwap, (*FaceSwapService).Single),
		imageCase("/api/v6/faceswap/multiple_face_swap", "init_image target_image", "watermark webhook track_id",
			FaceSwapMultipleParams{InitImage: pic, TargetImage: mask},
			FaceSwapMultipleParams{InitImage: pic, TargetImage: mask, Watermark: on, Webhook: hook, TrackID: 1},
			faceSwap, (*FaceSwapService).Multiple),
		imageCase("/api/v6/faceswap/single_video_swap", "init_image init_video", "output_format watermark webhook track_id",
			FaceSwapSingleVideoParams{InitImage: pic, InitVideo: video},
			FaceSwapSingleVideoParams{InitImage: pic, InitVideo: video, OutputFormat: "mp4", Watermark: on, Webhook: hook, TrackID: 1},
			faceSwap, (*FaceSwapService).SingleVideo),
		imageCase("/api/v6/faceswap/specific_video_swap", "init_image init_video reference_image", "output_format watermark webhook track_id",
			FaceSwapSpecificVideoParams{InitImage: pic, InitVideo: video, ReferenceImage: mask},
			FaceSwapSpecificVideoParams{
				InitImage: pic, InitVideo: video, ReferenceImage: mask, OutputFormat: "mp4", Watermark: on, Webhook: hook, TrackID: 1,
			},
			faceSwap, (*FaceSwapService).SpecificVideo),
	}
}

// jsonNames are the names of a JSON object, in order.
func jsonNames(t *testing.T, body []byte) []string {
	t.Helper()
	var m map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(body, &m), string(body))
	return slices.Sorted(maps.Keys(m))
}

func paramsNames(t *testing.T, p any) []string {
	t.Helper()
	body, err := json.Marshal(p)
	require.NoError(t, err)
	return jsonNames(t, body)
}

func alphabetical(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return all
}

func TestImageParamsHoldTheDocumentedNames(t *testing.T) {
	for _, c := range imageCases() {
		t.Run(c.path, func(t *testing.T) {
			v := reflect.ValueOf(c.full)
			for i := range v.NumField() {
				assert.False(t, v.Field(i).IsZero(), "%s is not in the full params: is it documented?", v.Type().Field(i).Name)
			}
			assert.Equal(t, alphabetical(c.required, c.optional), paramsNames(t, c.full), "all of them")
			assert.Equal(t, alphabetical(c.required), paramsNames(t, c.least), "the least")
		})
	}
}

func TestImageParamsGoToTheirPath(t *testing.T) {
	for _, c := range imageCases() {
		for _, p := range []any{c.full, c.least} {
			network := scripted(says(200, `{"status":"processing","id":5}`))
			g, err := c.send(t.Context(), stubbed(t, network), p)
			require.NoError(t, err, c.path)
			assert.Equal(t, c.path, g.Path)
			require.Equal(t, 1, network.count())
			sent := network.requests()[0]
			assert.Equal(t, "POST "+c.path, sent.Method+" "+sent.Path)
			assert.Equal(t, alphabetical(paramsNames(t, p), []string{"key"}), jsonNames(t, []byte(sent.Body)), "with URLs nothing is added but the key")
		}
	}
}

// Every job of these services has a case.
func TestImageParamsKnowEveryEndpoint(t *testing.T) {
	var missed []string
	known := map[string]bool{}
	for _, c := range imageCases() {
		known[c.path] = true
	}
	for _, e := range Endpoints() {
		for _, service := range []string{"Generation.Images.", "Generation.Editing.", "Generation.Interior.", "Generation.FaceSwap."} {
			if e.Job && strings.HasPrefix(e.Call, service) && !known[e.Path] {
				missed = append(missed, e.Path)
			}
		}
	}
	assert.Empty(t, missed)
}

func TestImageParamsThatAreMissingAreNotSent(t *testing.T) {
	for _, c := range imageCases() {
		v := reflect.ValueOf(c.full)
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !slices.Contains(c.required, name) || f.Type.Kind() == reflect.Pointer {
				continue
			}
			p := reflect.New(v.Type()).Elem()
			p.Set(v)
			p.Field(i).SetZero()
			network := scripted(says(200, `{"status":"processing","id":5}`))
			_, err := c.send(t.Context(), stubbed(t, network), p.Interface())
			refused, ok := as[*ParamError](err)
			if assert.True(t, ok, "%s without %s: %v", c.path, f.Name, err) {
				assert.Equal(t, v.Type().Name()+"."+f.Name, refused.Param)
			}
			assert.Zero(t, network.count())
		}
	}
}

func TestImageParamsThatAreOutOfRangeAreNotSent(t *testing.T) {
	pic := InputURL("https://example.com/a.png")
	file := InputBytes([]byte("a picture"))
	text := func(change func(*TextToImageParams)) TextToImageParams {
		p := TextToImageParams{ModelID: "flux", Prompt: "p"}
		change(&p)
		return p
	}
	for _, c := range []struct {
		name, path, param string
		p                 any
	}{
		{"a width below 256", "/api/v6/images/text2img", "TextToImageParams.Width", text(func(p *TextToImageParams) { p.Width = 248 })},
		{"a width that 8 does not divide", "/api/v6/images/text2img", "TextToImageParams.Width", text(func(p *TextToImageParams) { p.Width = 515 })},
		{"a height above 1488", "/api/v6/images/text2img", "TextToImageParams.Height", text(func(p *TextToImageParams) { p.Height = 1496 })},
		{"5 images", "/api/v6/images/text2img", "TextToImageParams.Samples", text(func(p *TextToImageParams) { p.Samples = 5 })},
		{"51 steps", "/api/v6/images/text2img", "TextToImageParams.NumInferenceSteps", text(func(p *TextToImageParams) { p.NumInferenceSteps = 51 })},
		{"guidance 0.5", "/api/v6/images/text2img", "TextToImageParams.GuidanceScale", text(func(p *TextToImageParams) { p.GuidanceScale = 0.5 })},
		{"scale 1.1", "/api/v6/images/text2img", "TextToImageParams.IPAdapterScale", text(func(p *TextToImageParams) { p.IPAdapterScale = Ptr(1.1) })},
		{"-1 zero steps", "/api/v6/images/text2img", "TextToImageParams.ZeroSteps", text(func(p *TextToImageParams) { p.ZeroSteps = Ptr(-1) })},
		{"a strength without a LoRA", "/api/v6/images/text2img", "TextToImageParams.LoraStrength", text(func(p *TextToImageParams) { p.LoraStrength = "0.5" })},
		{"fewer strengths than LoRAs", "/api/v6/images/text2img", "TextToImageParams.LoraStrength", text(func(p *TextToImageParams) { p.LoraModel, p.LoraStrength = "a,b", "0.5" })},
		{"a file, and the answer in URLs", "/api/v6/images/text2img", "TextToImageParams.IPAdapterImage", text(func(p *TextToImageParams) { p.IPAdapterImage = file })},
		{"a strength above 1", "/api/v6/images/img2img", "ImageToImageParams.Strength", ImageToImageParams{ModelID: "m", InitImage: pic, Strength: Ptr(1.5)}},
		{"no prompt for kontext", "/api/v6/images/img2img", "ImageToImageParams.Prompt", ImageToImageParams{ModelID: "flux-kontext-dev", InitImage: pic}},
		{"more strengths than LoRAs", "/api/v6/images/img2img", "ImageToImageParams.LoraStrength", ImageToImageParams{ModelID: "m", InitImage: pic, LoraModel: "a", LoraStrength: "1,1"}},
		{"more strengths than LoRAs", "/api/v6/images/inpaint", "InpaintParams.LoraStrength", InpaintParams{ModelID: "m", InitImage: pic, MaskImage: pic, LoraModel: "a", LoraStrength: "1,1"}},
		{"more strengths than LoRAs", "/api/v5/controlnet", "ControlNetParams.LoraStrength", ControlNetParams{LoraModel: "a", LoraStrength: "1,1"}},
		{"a file, and the answer in URLs", "/api/v5/controlnet", "ControlNetParams.InitImage", ControlNetParams{InitImage: file, Base64: No}},
		{"a file where URLs are taken", "/api/v6/realtime/img2img", "RealtimeImageToImageParams.InitImage", RealtimeImageToImageParams{Prompt: "p", InitImage: file}},
		{"a width of 256", "/api/v7/images/text-to-image", "TextToImageV7Params.Width", TextToImageV7Params{ModelID: "m", Prompt: "p", Width: 256}},
		{"a file where URLs are taken", "/api/v7/images/image-to-image", "ImageToImageV7Params.InitImage[1]", ImageToImageV7Params{ModelID: "m", Prompt: "p", InitImage: []Input{pic, file}}},
		{"241", "/api/v6/image_editing/removebg_mask", "RemoveBackgroundParams.AlphaMattingForegroundThreshold", RemoveBackgroundParams{Image: pic, AlphaMattingForegroundThreshold: Ptr(241)}},
		{"5 images", "/api/v6/image_editing/qwen_edit", "QwenEditParams.InitImage", QwenEditParams{Prompt: "p", InitImage: []Input{pic, pic, pic, pic, pic}}},
		{"2 results", "/api/v6/image_editing/img_mixer", "ImageMixerParams.Samples", ImageMixerParams{Prompt: "p", InitImage: []Input{pic}, Samples: 2}},
		{"guidance 6", "/api/v6/image_editing/inpaint", "EditingInpaintParams.GuidanceScale", EditingInpaintParams{Prompt: "p", InitImage: pic, MaskImage: pic, GuidanceScale: 6}},
		{"a width of 256", "/api/v6/interior/interior_mixer", "InteriorMixerParams.Width", InteriorMixerParams{InitImage: pic, ObjectImage: pic, Prompt: "p", Width: 256}},
	} {
		t.Run(c.path+" "+c.name, func(t *testing.T) {
			cases := imageCases()
			at := slices.IndexFunc(cases, func(known paramsCase) bool { return known.path == c.path })
			require.GreaterOrEqual(t, at, 0)
			network := scripted(says(200, `{"status":"processing","id":5}`))
			_, err := cases[at].send(t.Context(), stubbed(t, network), c.p)
			refused, ok := as[*ParamError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, c.param, refused.Param)
			assert.Zero(t, network.count())
		})
	}
}

func TestLoRAsWithoutStrengthsAreSent(t *testing.T) {
	assert.NoError(t, TextToImageParams{LoraModel: "a,b"}.check())
	assert.NoError(t, ImageToImageParams{LoraModel: "a,b", LoraStrength: "0.1, 1"}.check())
}

func TestFlagsOfInpaintingAreWords(t *testing.T) {
	body, err := json.Marshal(EditingInpaintParams{InstantResponse: Ptr(true), Base64: Ptr(false)})
	require.NoError(t, err)
	assert.Contains(t, string(body), `"instant_response":"true","base64":"false"`)
}

func TestASeedThatMustBeThereCanBeNull(t *testing.T) {
	body, err := json.Marshal(FluxHeadshotParams{})
	require.NoError(t, err)
	assert.Contains(t, string(body), `"seed":null`)
	body, err = json.Marshal(FluxHeadshotParams{Seed: Ptr(int64(0))})
	require.NoError(t, err)
	assert.Contains(t, string(body), `"seed":0`)
}

func TestALoneImageOfV7IsAnArray(t *testing.T) {
	body, err := json.Marshal(ImageToImageV7Params{InitImage: []Input{InputURL("https://example.com/a.png")}})
	require.NoError(t, err)
	assert.Contains(t, string(body), `"init_image":["https://example.com/a.png"]`)
}
