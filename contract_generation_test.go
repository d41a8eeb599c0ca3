package modelslab

import (
	"context"
	"encoding/json"
	"net/http"
)

// The contract of the generation APIs: their part of the golden requests. Each
// endpoint has one with all that is documented of it, "@least" with what it cannot
// do without, and "@file" where a file may travel in the request.

// paramsCall is a typed call whose params are yet to be given.
type paramsCall func(ctx context.Context, c *Client, params any, opts ...RequestOption) (any, error)

// submits is the row of a method that takes params.
func submits[S, P, R any](golden string, service func(*GenerationService) S, method func(S, context.Context, P, ...RequestOption) (R, error), params P) contractRow {
	send := func(ctx context.Context, c *Client, params any, opts ...RequestOption) (any, error) {
		return got(method(service(c.Generation), ctx, params.(P), opts...))
	}
	return contractRow{golden: golden, params: params, send: send, call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return send(ctx, c, params, opts...)
	}}
}

// orders is the row of a method that takes params and has no result.
func orders[S, P any](golden string, service func(*GenerationService) S, method func(S, context.Context, P, ...RequestOption) error, params P) contractRow {
	return submits(golden, service, func(s S, ctx context.Context, p P, opts ...RequestOption) (any, error) {
		return nil, method(s, ctx, p, opts...)
	}, params)
}

// asks is the row of a method without params.
func asks[S, R any](golden string, service func(*GenerationService) S, method func(S, context.Context, ...RequestOption) (R, error)) contractRow {
	return contractRow{golden: golden, call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(method(service(c.Generation), ctx, opts...))
	}}
}

// does is the row of a method with neither params nor result.
func does[S any](golden string, service func(*GenerationService) S, method func(S, context.Context, ...RequestOption) error) contractRow {
	return asks(golden, service, func(s S, ctx context.Context, opts ...RequestOption) (any, error) {
		return nil, method(s, ctx, opts...)
	})
}

// fetches is the row of a fetch: of a job that was submitted to path.
func fetches(golden, path string) contractRow {
	return contractRow{golden: golden, of: path, call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Generation.Fetch(ctx, &Generation{ID: contractJob, Path: path}, opts...))
	}}
}

// behind is the row with an answer that comes first.
func (row contractRow) behind(first step) contractRow {
	row.before = first
	return row
}

const (
	contractJob      = "12345678"
	contractTraining = "tower-x-7"
	contractHook     = "https://hooks.example.com/jobs"
)

// noGenerationRoute is what the framework answers where it has no such path.
var noGenerationRoute = says(http.StatusNotFound, `{"message":"The route could not be found."}`)

// pngFile begins as pictures do.
var pngFile = InputBytes([]byte("\x89PNG\r\n\x1a\n small"))

func generationService(g *GenerationService) *GenerationService { return g }
func imagesService(g *GenerationService) *ImagesService         { return g.Images }
func videoService(g *GenerationService) *VideoService           { return g.Video }
func audioService(g *GenerationService) *AudioService           { return g.Audio }
func threeDService(g *GenerationService) *ThreeDService         { return g.ThreeD }
func editingService(g *GenerationService) *EditingService       { return g.Editing }
func interiorService(g *GenerationService) *InteriorService     { return g.Interior }
func faceSwapService(g *GenerationService) *FaceSwapService     { return g.FaceSwap }
func chatService(g *GenerationService) *ChatService             { return g.Chat }
func uploadsService(g *GenerationService) *UploadsService       { return g.Uploads }
func trainingService(g *GenerationService) *TrainingService     { return g.Training }
func workflowsService(g *GenerationService) *WorkflowsService   { return g.Workflows }
func keyModelsService(g *GenerationService) *KeyModelsService   { return g.Models }
func serversService(g *GenerationService) *ServersService       { return g.Servers }

func serverNamed(server Server) func(*GenerationService) *ServersService {
	return func(g *GenerationService) *ServersService { return g.Servers.For(server) }
}

// ofTraining is the row of a method that takes a training's id.
func ofTraining(golden string, method func(*TrainingService, context.Context, string, ...RequestOption) error) contractRow {
	return does(golden, trainingService, func(s *TrainingService, ctx context.Context, opts ...RequestOption) error {
		return method(s, ctx, contractTraining, opts...)
	})
}

var generationSearch = ModelSearchParams{
	Search: "night sky", Feature: "imagen", ModelType: "stable_diffusion_xl", ModelSubcategory: "anime", BaseModel: "sdxl",
	Provider: "community", Sort: "most-used", Tags: []string{"portrait", "line art"}, PerPage: 50, Page: 3,
}

var (
	lampSchema   = json.RawMessage(`{"type":"object","properties":{"level":{"type":"integer"}}}`)
	lampQuestion = []ChatMessage{{Role: RoleUser, Content: "Is the lamp lit?"}}
	lampMessage  = []MessageParam{{Role: RoleUser, Content: "Is the lamp lit?"}}
)

// generationJobs submit one job each.
var generationJobs = []contractRow{
	submits("images.text2img@everything", imagesService, (*ImagesService).TextToImage, TextToImageParams{
		ModelID: "flux-dev", Prompt: "a lighthouse at night, ink", NegativePrompt: "people", Width: 768, Height: 512, Samples: 2,
		NumInferenceSteps: 18, GuidanceScale: 6.5, Seed: Ptr[int64](0), Scheduler: "DDIMScheduler", ClipSkip: 1,
		AlgorithmType: "dpmsolver+++", VAE: "sd-vae-ft-mse", LoraModel: "ink,fog", LoraStrength: "0.5,0.8", IPAdapterID: "ip-adapter_sd15",
		IPAdapterScale: Ptr(0.4), IPAdapterImage: InputURL("https://files.example.com/ip_adapter_image.png"), EnhancePrompt: Ptr(false),
		MultiLingual: Ptr(true), SafetyChecker: Ptr(true), SafetyCheckerType: "black", UseKarrasSigmas: Ptr(false), Upscale: Ptr(true),
		HighresFix: Ptr(true), InjectedNoiseAlpha: Ptr(0.2), SigmaThreshold: Ptr[float64](0), TrueCFGScale: Ptr(3.5),
		UseCFGZeroStar: Ptr(false), UseZeroInit: Ptr(true), ZeroSteps: Ptr(4), Base64: Ptr(false), Temp: Ptr(true),
		InstantResponse: Ptr(true), Webhook: contractHook, TrackID: "run-204",
	}),
	submits("images.text2img@file", imagesService, (*ImagesService).TextToImage, TextToImageParams{
		ModelID: "flux-dev", Prompt: "a lighthouse at night, ink", IPAdapterImage: InputBytes([]byte("a small picture")), Base64: Ptr(true),
	}),
	submits("images.img2img", imagesService, (*ImagesService).ImageToImage, ImageToImageParams{
		ModelID: "flux-kontext-dev", InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "a lighthouse at night, ink",
		NegativePrompt: "people", InitImage2: InputURL("https://files.example.com/init_image_2.png"), Guidance: Ptr(3.5), Strength: Ptr(0.6),
		Width: 768, Height: 512, Samples: 2, NumInferenceSteps: 18, GuidanceScale: 6.5, Seed: Ptr[int64](0), Scheduler: "DDIMScheduler",
		ClipSkip: 1, AlgorithmType: "dpmsolver+++", VAE: "sd-vae-ft-mse", LoraModel: "ink,fog", LoraStrength: "0.5,0.8",
		IPAdapterID: "ip-adapter_sd15", IPAdapterScale: Ptr(0.4), IPAdapterImage: InputURL("https://files.example.com/ip_adapter_image.png"),
		EnhancePrompt: Ptr(false), SafetyChecker: Ptr(true), SafetyCheckerType: "pixelate", UseKarrasSigmas: Ptr(false), Base64: Ptr(false),
		Temp: Ptr(true), InstantResponse: Ptr(true), Webhook: contractHook, TrackID: "run-204",
	}),
	submits("images.img2img@least", imagesService, (*ImagesService).ImageToImage, ImageToImageParams{ModelID: "midnight-ink", InitImage: InputURL("https://files.example.com/init_image.png")}),
	submits("images.img2img@file", imagesService, (*ImagesService).ImageToImage, ImageToImageParams{
		ModelID: "midnight-ink", InitImage: InputBytes([]byte("a small picture")), Prompt: "a lighthouse at night, ink", Base64: Ptr(true),
	}),
	submits("images.inpaint", imagesService, (*ImagesService).Inpaint, InpaintParams{
		ModelID: "midnight-inpaint", InitImage: InputURL("https://files.example.com/init_image.png"),
		MaskImage: InputURL("https://files.example.com/mask_image.png"), Prompt: "a lighthouse at night, ink", NegativePrompt: "people",
		Strength: Ptr(0.6), Width: 768, Height: 512, Samples: 2, NumInferenceSteps: 18, GuidanceScale: 6.5, Seed: Ptr[int64](0),
		Scheduler: "DDIMScheduler", ClipSkip: 1, AlgorithmType: "dpmsolver+++", VAE: "sd-vae-ft-mse", LoraModel: "ink,fog",
		LoraStrength: "0.5,0.8", IPAdapterID: "ip-adapter_sd15", IPAdapterScale: Ptr(0.4),
		IPAdapterImage: InputURL("https://files.example.com/ip_adapter_image.png"), EnhancePrompt: Ptr(false), SafetyChecker: Ptr(true),
		SafetyCheckerType: "pixelate", UseKarrasSigmas: Ptr(false), Base64: Ptr(false), Temp: Ptr(true), InstantResponse: Ptr(true),
		Webhook: contractHook, TrackID: "run-204",
	}),
	submits("images.inpaint@least", imagesService, (*ImagesService).Inpaint, InpaintParams{
		ModelID: "midnight-inpaint", InitImage: InputURL("https://files.example.com/init_image.png"),
		MaskImage: InputURL("https://files.example.com/mask_image.png"),
	}),
	submits("images.inpaint@file", imagesService, (*ImagesService).Inpaint, InpaintParams{
		ModelID: "midnight-inpaint", InitImage: InputBytes([]byte("a small picture")), MaskImage: InputBytes([]byte("a small picture")),
		Base64: Ptr(true),
	}),
	submits("images.controlnet", imagesService, (*ImagesService).ControlNet, ControlNetParams{
		ModelID: "fluxdev", ControlNetModel: "canny,depth", ControlNetType: "canny", Prompt: "a lighthouse at night, ink",
		NegativePrompt: "people", InitImage: InputURL("https://files.example.com/init_image.png"),
		ControlImage: InputURL("https://files.example.com/control_image.png"),
		MaskImage:    InputURL("https://files.example.com/mask_image.png"), AutoHint: No, GuessMode: Yes, ControlNetConditioningScale: 0.75,
		Strength: Ptr(0.6), Width: 768, Height: 512, Samples: 2, NumInferenceSteps: 31, GuidanceScale: 6.5, Seed: Ptr[int64](0),
		Scheduler: "DDIMScheduler", ClipSkip: 1, AlgorithmType: "dpmsolver+++", VAE: "sd-vae-ft-mse", TomeSD: No, UseKarrasSigmas: No,
		LoraModel: "ink,fog", LoraStrength: "0.5,0.8", IPAdapterID: "ip-adapter_sd15", IPAdapterScale: Ptr(0.4),
		IPAdapterImage: InputURL("https://files.example.com/ip_adapter_image.png"), EnhancePrompt: No, SafetyChecker: Yes, Upscale: Yes,
		Base64: No, Temp: Yes, Webhook: contractHook, TrackID: 204,
	}),
	submits("images.controlnet@least", imagesService, (*ImagesService).ControlNet, ControlNetParams{}),
	submits("images.controlnet@file", imagesService, (*ImagesService).ControlNet, ControlNetParams{
		InitImage: InputBytes([]byte("a small picture")), MaskImage: InputBytes([]byte("a small picture")), Base64: Yes,
	}),
	submits("realtime.text2img", imagesService, (*ImagesService).RealtimeTextToImage, RealtimeTextToImageParams{
		Prompt: "a lighthouse at night, ink", NegativePrompt: "people", Width: 768, Height: 512, Samples: 2, Seed: Ptr[int64](0),
		SafetyChecker: Ptr(true), Base64: Ptr(true), InstantResponse: Ptr(true), Webhook: contractHook,
		TrackID: "run-204",
	}),
	submits("realtime.text2img@least", imagesService, (*ImagesService).RealtimeTextToImage, RealtimeTextToImageParams{Prompt: "a lighthouse at night, ink"}),
	submits("realtime.img2img", imagesService, (*ImagesService).RealtimeImageToImage, RealtimeImageToImageParams{
		Prompt: "a lighthouse at night, ink", InitImage: InputURL("https://files.example.com/init_image.png"), NegativePrompt: "people",
		Strength: Ptr(0.6), Width: 768, Height: 512, Samples: 2, Seed: Ptr[int64](0), SafetyChecker: Ptr(true), Base64: Ptr(true),
		Temp: Ptr(true), InstantResponse: Ptr(true), Webhook: contractHook, TrackID: "run-204",
	}),
	submits("realtime.img2img@least", imagesService, (*ImagesService).RealtimeImageToImage, RealtimeImageToImageParams{
		Prompt: "a lighthouse at night, ink", InitImage: InputURL("https://files.example.com/init_image.png"),
	}),
	submits("realtime.inpaint", imagesService, (*ImagesService).RealtimeInpaint, RealtimeInpaintParams{
		Prompt: "a lighthouse at night, ink", InitImage: InputURL("https://files.example.com/init_image.png"),
		MaskImage: InputURL("https://files.example.com/mask_image.png"), NegativePrompt: "people", Strength: Ptr(0.6), Width: 768,
		Height: 512, Samples: 2, Seed: Ptr[int64](0), SafetyChecker: Ptr(true), Base64: Ptr(true), InstantResponse: Ptr(true),
		Webhook: contractHook, TrackID: "run-204",
	}),
	submits("realtime.inpaint@least", imagesService, (*ImagesService).RealtimeInpaint, RealtimeInpaintParams{
		Prompt: "a lighthouse at night, ink", InitImage: InputURL("https://files.example.com/init_image.png"),
		MaskImage: InputURL("https://files.example.com/mask_image.png"),
	}),
	submits("images.text_to_image_v7", imagesService, (*ImagesService).TextToImageV7, TextToImageV7Params{
		ModelID: "imagen-4", Prompt: "a lighthouse at night, ink", NegativePrompt: "people", Width: 768, Height: 512, AspectRatio: "16:9",
		Samples: 2, NumInferenceSteps: 18, GuidanceScale: 6.5, Scheduler: "DDIMScheduler", Seed: Ptr[int64](0), LoraModel: "ink,fog",
		Webhook: contractHook, TrackID: "run-204",
	}),
	submits("images.text_to_image_v7@least", imagesService, (*ImagesService).TextToImageV7, TextToImageV7Params{ModelID: "imagen-4", Prompt: "a lighthouse at night, ink"}),
	submits("images.image_to_image_v7", imagesService, (*ImagesService).ImageToImageV7, ImageToImageV7Params{
		ModelID: "nano-banana", Prompt: "a lighthouse at night, ink",
		InitImage:  []Input{InputURL("https://files.example.com/init_image-0.png"), InputURL("https://files.example.com/init_image-1.png")},
		InitImage2: InputURL("https://files.example.com/init_image_2.png"), NegativePrompt: "people", Strength: Ptr(0.6), Width: 768,
		Height: 512, AspectRatio: "16:9", Samples: 2, Scheduler: "DDIMScheduler", Webhook: contractHook,
		TrackID: "run-204",
	}),
	submits("images.image_to_image_v7@least", imagesService, (*ImagesService).ImageToImageV7, ImageToImageV7Params{
		ModelID: "nano-banana", Prompt: "a lighthouse at night, ink",
		InitImage: []Input{InputURL("https://files.example.com/init_image-0.png"), InputURL("https://files.example.com/init_image-1.png")},
	}),
	submits("images.inpaint_v7", imagesService, (*ImagesService).InpaintV7, InpaintV7Params{
		ModelID: "midnight-inpaint", Prompt: "a lighthouse at night, ink", InitImage: InputURL("https://files.example.com/init_image.png"),
		MaskImage: InputURL("https://files.example.com/mask_image.png"), NegativePrompt: "people", Strength: Ptr(0.6),
		Scheduler: "DDIMScheduler", Webhook: contractHook, TrackID: "run-204",
	}),
	submits("images.inpaint_v7@least", imagesService, (*ImagesService).InpaintV7, InpaintV7Params{
		ModelID: "midnight-inpaint", Prompt: "a lighthouse at night, ink", InitImage: InputURL("https://files.example.com/init_image.png"),
		MaskImage: InputURL("https://files.example.com/mask_image.png"),
	}),

	submits("video.text2video", videoService, (*VideoService).TextToVideo, TextToVideoParams{
		ModelID: "cogvideox", Prompt: "the lamp turns, waves break", NegativePrompt: "people", Width: 448, Height: 512, NumFrames: 24,
		FPS: 12, NumInferenceSteps: 18, GuidanceScale: Ptr(6.5), ClipSkip: 1, Seed: Ptr[int64](0), UpscaleWidth: 960, UpscaleHeight: 960,
		UpscaleStrength: Ptr[float64](0), UpscaleGuidanceScale: Ptr(5.5), UpscaleNumInferenceSteps: 25, UseImprovedSampling: Ptr(true),
		ImprovedSamplingSeed: Ptr[int64](7), OutputType: "mp4", InstantResponse: Ptr(true), Temp: Ptr(true),
		Webhook: contractHook, TrackID: "run-204",
	}),
	submits("video.text2video@least", videoService, (*VideoService).TextToVideo, TextToVideoParams{ModelID: "cogvideox", Prompt: "the lamp turns, waves break"}),
	submits("video.text2video_ultra", videoService, (*VideoService).TextToVideoUltra, TextToVideoUltraParams{
		ModelID: "wan2.2", Prompt: "the lamp turns, waves break", NegativePrompt: "people", Resolution: 480, Portrait: Ptr(true),
		NumFrames: 24, FPS: 12, NumInferenceSteps: 18, GuidanceScale: Ptr(6.5), SampleShift: Ptr(3), Seed: Ptr[int64](0), Temp: Ptr(true),
		Webhook: contractHook, TrackID: "run-204",
	}),
	submits("video.text2video_ultra@least", videoService, (*VideoService).TextToVideoUltra, TextToVideoUltraParams{ModelID: "wan2.2", Prompt: "the lamp turns, waves break"}),
	submits("video.img2video", videoService, (*VideoService).ImageToVideo, ImageToVideoParams{
		ModelID: "svd", InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "the lamp turns, waves break",
		NegativePrompt: "people", Width: 448, Height: 512, NumFrames: 24, FPS: 12, NumInferenceSteps: 18, MinGuidanceScale: 1.5,
		MaxGuidanceScale: 4, MotionBucketID: Ptr(20), NoiseAugStrength: Ptr(0.1), OutputType: "mp4", Temp: Ptr(true),
		Webhook: contractHook, TrackID: "run-204",
	}),
	submits("video.img2video@least", videoService, (*VideoService).ImageToVideo, ImageToVideoParams{ModelID: "svd", InitImage: InputURL("https://files.example.com/init_image.png")}),
	submits("video.img2video_ultra", videoService, (*VideoService).ImageToVideoUltra, ImageToVideoUltraParams{
		ModelID: "ltx-2.3", Prompt: "the lamp turns, waves break", InitImage: InputURL("https://files.example.com/init_image.png"),
		NegativePrompt: "people", Resolution: 480, Portrait: Ptr(true), NumFrames: 24, FPS: 12, NumInferenceSteps: 18,
		GuidanceScale: Ptr(6.5), SampleShift: Ptr(3), Seed: Ptr[int64](0), Temp: Ptr(true), Webhook: contractHook,
		TrackID: "run-204",
	}),
	submits("video.img2video_ultra@least", videoService, (*VideoService).ImageToVideoUltra, ImageToVideoUltraParams{
		ModelID: "ltx-2.3", Prompt: "the lamp turns, waves break", InitImage: InputURL("https://files.example.com/init_image.png"),
	}),
	submits("video.img2video_ultra@file", videoService, (*VideoService).ImageToVideoUltra, ImageToVideoUltraParams{
		ModelID: "ltx-2.3", Prompt: "the lamp turns, waves break", InitImage: InputBytes([]byte("a small picture")),
	}),
	submits("video.video2video", videoService, (*VideoService).VideoToVideo, VideoToVideoParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), InitVideo: InputURL("https://files.example.com/init_video.mp4"),
		ToAnimate: Ptr(true), Resolution: 480, NumInferenceSteps: 10, Seed: Ptr[int64](0), Webhook: contractHook,
		TrackID: "run-204",
	}),
	submits("video.video2video@least", videoService, (*VideoService).VideoToVideo, VideoToVideoParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), InitVideo: InputURL("https://files.example.com/init_video.mp4"),
	}),
	submits("video.watermark_remover", videoService, (*VideoService).WatermarkRemover, WatermarkRemoverParams{
		InitVideo: InputURL("https://files.example.com/init_video.mp4"), Webhook: contractHook, TrackID: "run-204",
	}),
	submits("video.watermark_remover@least", videoService, (*VideoService).WatermarkRemover, WatermarkRemoverParams{InitVideo: InputURL("https://files.example.com/init_video.mp4")}),
	submits("video.text_to_video_v7", videoService, (*VideoService).TextToVideoV7, TextToVideoV7Params{
		ModelID: "seedance-t2v", Prompt: "the lamp turns, waves break", NegativePrompt: "people",
		InitAudio: InputURL("https://files.example.com/init_audio.wav"), Width: 768, Height: 512, AspectRatio: "16:9", Resolution: "720p",
		Duration: "5", FPS: 12, Portrait: Ptr(true), CameraFixed: Ptr(true), EnhancePrompt: Ptr(true), GenerateAudio: Ptr(true),
		Webhook: contractHook, TrackID: "run-204",
	}),
	submits("video.text_to_video_v7@least", videoService, (*VideoService).TextToVideoV7, TextToVideoV7Params{ModelID: "seedance-t2v", Prompt: "the lamp turns, waves break"}),
	submits("video.image_to_video_v7", videoService, (*VideoService).ImageToVideoV7, ImageToVideoV7Params{
		ModelID:   "seedance-i2v",
		InitImage: []Input{InputURL("https://files.example.com/init_image-0.png"), InputURL("https://files.example.com/init_image-1.png")},
		Prompt:    "the lamp turns, waves break", NegativePrompt: "people", InitAudio: InputURL("https://files.example.com/init_audio.wav"),
		AspectRatio: "16:9", Resolution: "720p", Duration: "10s", Portrait: Ptr(true), Webhook: contractHook,
		TrackID: "run-204",
	}),
	submits("video.image_to_video_v7@least", videoService, (*VideoService).ImageToVideoV7, ImageToVideoV7Params{
		ModelID:   "seedance-i2v",
		InitImage: []Input{InputURL("https://files.example.com/init_image-0.png"), InputURL("https://files.example.com/init_image-1.png")},
	}),
	submits("video.image_to_video_v7@file", videoService, (*VideoService).ImageToVideoV7, ImageToVideoV7Params{ModelID: "seedance-i2v", InitImage: []Input{InputBytes([]byte("a small picture"))}}),
	submits("video.video_to_video_v7", videoService, (*VideoService).VideoToVideoV7, VideoToVideoV7Params{
		ModelID: "gen4_aleph", Prompt: "the lamp turns, waves break",
		InitVideo: []Input{InputURL("https://files.example.com/init_video-0.mp4"), InputURL("https://files.example.com/init_video-1.mp4")},
		InitImage: InputURL("https://files.example.com/init_image.png"), NegativePrompt: "people", AspectRatio: "16:9", Duration: "8",
		Seed: Ptr[int64](0), PublicFigureThreshold: "low", Webhook: contractHook, TrackID: "run-204",
	}),
	submits("video.video_to_video_v7@least", videoService, (*VideoService).VideoToVideoV7, VideoToVideoV7Params{
		ModelID: "gen4_aleph", Prompt: "the lamp turns, waves break",
		InitVideo: []Input{InputURL("https://files.example.com/init_video-0.mp4"), InputURL("https://files.example.com/init_video-1.mp4")},
	}),
	submits("video.lip_sync", videoService, (*VideoService).LipSync, LipSyncParams{
		ModelID: "lipsync-2", InitVideo: InputURL("https://files.example.com/init_video.mp4"),
		InitAudio: InputURL("https://files.example.com/init_audio.wav"), Webhook: contractHook, TrackID: "run-204",
	}),
	submits("video.lip_sync@least", videoService, (*VideoService).LipSync, LipSyncParams{
		ModelID: "lipsync-2", InitVideo: InputURL("https://files.example.com/init_video.mp4"),
		InitAudio: InputURL("https://files.example.com/init_audio.wav"),
	}),
	submits("video.lip_sync@file", videoService, (*VideoService).LipSync, LipSyncParams{
		ModelID: "lipsync-2", InitVideo: InputBytes([]byte("a very short video")), InitAudio: InputBytes([]byte("a short recording")),
	}),
	submits("video.motion_control", videoService, (*VideoService).MotionControl, MotionControlParams{
		ModelID: "kling-motion-control", InitImage: InputURL("https://files.example.com/init_image.png"),
		InitVideo: InputURL("https://files.example.com/init_video.mp4"), CharacterOrientation: "video", Prompt: "the lamp turns, waves break",
		Mode: "pro", KeepOriginalSound: Yes, Webhook: contractHook, TrackID: "run-204",
	}),
	submits("video.motion_control@least", videoService, (*VideoService).MotionControl, MotionControlParams{
		ModelID: "kling-motion-control", InitImage: InputURL("https://files.example.com/init_image.png"),
		InitVideo: InputURL("https://files.example.com/init_video.mp4"), CharacterOrientation: "video",
	}),

	submits("voice.text_to_speech", audioService, (*AudioService).TextToSpeech, TextToSpeechParams{
		Prompt: "The lamp goes round.", VoiceID: "madison", Language: "british english", Speed: 1.25, Emotion: Ptr(true), OutputFormat: "mp3",
		Temp: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("voice.text_to_speech@least", audioService, (*AudioService).TextToSpeech, TextToSpeechParams{Prompt: "The lamp goes round.", VoiceID: "madison", Language: "british english"}),
	submits("voice.text_to_audio", audioService, (*AudioService).TextToAudio, TextToAudioParams{
		Prompt: "The lamp goes round.", InitAudio: InputURL("https://files.example.com/init_audio.wav"), VoiceID: "madison",
		Language: "english", Speed: 1.25, Temp: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("voice.text_to_audio@least", audioService, (*AudioService).TextToAudio, TextToAudioParams{
		Prompt: "The lamp goes round.", InitAudio: InputURL("https://files.example.com/init_audio.wav"),
	}),
	submits("voice.text_to_audio@file", audioService, (*AudioService).TextToAudio, TextToAudioParams{Prompt: "The lamp goes round.", InitAudio: InputBytes([]byte("a short recording"))}),
	submits("voice.voice_to_voice", audioService, (*AudioService).VoiceToVoice, VoiceToVoiceParams{
		InitAudio: InputURL("https://files.example.com/init_audio.wav"), TargetAudio: InputURL("https://files.example.com/target_audio.wav"),
		Stream: Ptr(true), Temp: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("voice.voice_to_voice@least", audioService, (*AudioService).VoiceToVoice, VoiceToVoiceParams{
		InitAudio: InputURL("https://files.example.com/init_audio.wav"), TargetAudio: InputURL("https://files.example.com/target_audio.wav"),
	}),
	submits("voice.voice_to_voice@file", audioService, (*AudioService).VoiceToVoice, VoiceToVoiceParams{
		InitAudio: InputBytes([]byte("a short recording")), TargetAudio: InputBytes([]byte("a short recording")),
	}),
	submits("voice.voice_cover", audioService, (*AudioService).VoiceCover, VoiceCoverParams{
		InitAudio: InputURL("https://files.example.com/init_audio.wav"), ModelID: "night-singer", Pitch: "m2f", Algorithm: "mangio-crepe",
		Rate: Ptr(0.5), Seed: Ptr[int64](0), Language: "english", Emotion: "sad", Speed: 1.25, Radius: Ptr(1.5), Mix: Ptr[float64](0),
		HopLength: 128, Originality: Ptr(0.25), LeadVoiceVolumeDelta: Ptr(-2), BackupVoiceVolumeDelta: Ptr(0), InstrumentVolumeDelta: Ptr(3),
		ReverbSize: Ptr(0.3), Wetness: Ptr(0.1), Dryness: Ptr(0.9), Damping: Ptr(0.2), Temp: Ptr(true),
		Webhook: contractHook, TrackID: 204,
	}),
	submits("voice.voice_cover@least", audioService, (*AudioService).VoiceCover, VoiceCoverParams{InitAudio: InputURL("https://files.example.com/init_audio.wav"), ModelID: "night-singer"}),
	submits("voice.voice_cover@file", audioService, (*AudioService).VoiceCover, VoiceCoverParams{InitAudio: InputBytes([]byte("a short recording")), ModelID: "night-singer"}),
	submits("voice.voice_design", audioService, (*AudioService).VoiceDesign, VoiceDesignParams{
		Prompt: "The lamp goes round.", VoiceDescription: "old, calm and a little hoarse", Language: "english",
		Webhook: contractHook, TrackID: 204,
	}),
	submits("voice.voice_design@least", audioService, (*AudioService).VoiceDesign, VoiceDesignParams{Prompt: "The lamp goes round.", VoiceDescription: "old, calm and a little hoarse"}),
	submits("voice.create_dubbing", audioService, (*AudioService).CreateDubbing, CreateDubbingParams{
		InitVideo: InputURL("https://files.example.com/init_video.mp4"), OutputLang: "pt-br", SourceLang: "en-us", VoiceID: "madison",
		VoiceModel: "kokoro", Speed: 1.25, FilePrefix: "night", Seed: Ptr[int64](0), Webhook: contractHook, TrackID: 204,
	}),
	submits("voice.create_dubbing@least", audioService, (*AudioService).CreateDubbing, CreateDubbingParams{InitVideo: InputURL("https://files.example.com/init_video.mp4"), OutputLang: "pt-br"}),
	submits("voice.create_dubbing@file", audioService, (*AudioService).CreateDubbing, CreateDubbingParams{InitVideo: InputBytes([]byte("a very short video")), OutputLang: "pt-br"}),
	submits("voice.music_gen", audioService, (*AudioService).MusicGen, MusicGenParams{
		Prompt: "surf, and a bell far away", InitAudio: InputURL("https://files.example.com/init_audio.wav"), Duration: 60,
		OutputFormat: "flac", Bitrate: "192k", Temp: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("voice.music_gen@least", audioService, (*AudioService).MusicGen, MusicGenParams{Prompt: "surf, and a bell far away"}),
	submits("voice.music_gen@file", audioService, (*AudioService).MusicGen, MusicGenParams{Prompt: "surf, and a bell far away", InitAudio: InputBytes([]byte("a short recording"))}),
	submits("voice.sfx", audioService, (*AudioService).SFX, SFXParams{
		Prompt: "surf, and a bell far away", Duration: 8, OutputFormat: "mp3", Bitrate: "192k", Temp: Ptr(true),
		Webhook: contractHook, TrackID: 204,
	}),
	submits("voice.sfx@least", audioService, (*AudioService).SFX, SFXParams{Prompt: "surf, and a bell far away"}),
	submits("voice.song_generator", audioService, (*AudioService).SongGenerator, SongGeneratorParams{
		LyricsGeneration: Ptr(true), Prompt: "surf, and a bell far away", Lyrics: "[Verse 1]\nThe lamp goes round",
		Caption: "slow sea shanty, accordion", InitAudio: InputURL("https://files.example.com/init_audio.wav"), Duration: 60, Language: "yue",
		Instrumental: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("voice.song_generator@least", audioService, (*AudioService).SongGenerator, SongGeneratorParams{Lyrics: "[Verse 1]\nThe lamp goes round"}),
	submits("voice.lyrics_generator", audioService, (*AudioService).LyricsGenerator, LyricsGeneratorParams{
		Prompt: "surf, and a bell far away", Length: "long", Webhook: contractHook, TrackID: 204,
	}),
	submits("voice.lyrics_generator@least", audioService, (*AudioService).LyricsGenerator, LyricsGeneratorParams{Prompt: "surf, and a bell far away"}),
	submits("voice.speech_to_text", audioService, (*AudioService).SpeechToText, SpeechToTextParams{
		InitAudio: InputURL("https://files.example.com/init_audio.wav"), Language: "en", TimestampLevel: "sentence",
		Webhook: contractHook, TrackID: 204,
	}),
	submits("voice.speech_to_text@least", audioService, (*AudioService).SpeechToText, SpeechToTextParams{InitAudio: InputURL("https://files.example.com/init_audio.wav"), Language: "en"}),
	submits("voice.vocal_isolator", audioService, (*AudioService).VocalIsolator, VocalIsolatorParams{
		InitVideo: InputURL("https://files.example.com/init_video.mp4"), InitAudio: InputURL("https://files.example.com/init_audio.wav"),
		Seed: Ptr[int64](0), Webhook: contractHook, TrackID: 204,
	}),
	submits("voice.vocal_isolator@least", audioService, (*AudioService).VocalIsolator, VocalIsolatorParams{InitAudio: InputURL("https://files.example.com/init_audio.wav")}),
	submits("voice.vocal_isolator@file", audioService, (*AudioService).VocalIsolator, VocalIsolatorParams{InitVideo: InputBytes([]byte("a very short video"))}),
	submits("voice.text_to_speech_v7", audioService, (*AudioService).TextToSpeechV7, TextToSpeechV7Params{
		ModelID: "eleven_multilingual_v2", Prompt: "The lamp goes round.", VoiceID: "madison", Temperature: Ptr[float64](0), Language: "en",
		Webhook: contractHook, TrackID: "run-204",
	}),
	submits("voice.text_to_speech_v7@least", audioService, (*AudioService).TextToSpeechV7, TextToSpeechV7Params{ModelID: "eleven_multilingual_v2", Prompt: "The lamp goes round.", VoiceID: "madison"}),
	submits("voice.speech_to_text_v7", audioService, (*AudioService).SpeechToTextV7, SpeechToTextV7Params{
		ModelID: "scribe_v1", InitAudio: InputURL("https://files.example.com/init_audio.wav"), Webhook: contractHook,
		TrackID: "run-204",
	}),
	submits("voice.speech_to_text_v7@least", audioService, (*AudioService).SpeechToTextV7, SpeechToTextV7Params{ModelID: "scribe_v1", InitAudio: InputURL("https://files.example.com/init_audio.wav")}),
	submits("voice.speech_to_text_v7@file", audioService, (*AudioService).SpeechToTextV7, SpeechToTextV7Params{ModelID: "scribe_v1", InitAudio: InputBytes([]byte("a short recording"))}),
	submits("voice.speech_to_speech", audioService, (*AudioService).SpeechToSpeech, SpeechToSpeechParams{
		ModelID: "eleven_english_sts_v2", InitAudio: InputURL("https://files.example.com/init_audio.wav"), VoiceID: "madison",
		Webhook: contractHook, TrackID: "run-204",
	}),
	submits("voice.speech_to_speech@least", audioService, (*AudioService).SpeechToSpeech, SpeechToSpeechParams{
		ModelID: "eleven_english_sts_v2", InitAudio: InputURL("https://files.example.com/init_audio.wav"), VoiceID: "madison",
	}),
	submits("voice.speech_to_speech@file", audioService, (*AudioService).SpeechToSpeech, SpeechToSpeechParams{
		ModelID: "eleven_english_sts_v2", InitAudio: InputBytes([]byte("a short recording")), VoiceID: "madison",
	}),
	submits("voice.music_gen_v7", audioService, (*AudioService).MusicGenV7, MusicGenV7Params{
		ModelID: "music_v1", Prompt: "surf, and a bell far away", Duration: 30.5, Webhook: contractHook,
		TrackID: "run-204",
	}),
	submits("voice.music_gen_v7@least", audioService, (*AudioService).MusicGenV7, MusicGenV7Params{ModelID: "music_v1", Prompt: "surf, and a bell far away"}),
	submits("voice.sound_generation", audioService, (*AudioService).SoundGeneration, SoundGenerationParams{
		ModelID: "eleven_sound_effect", Prompt: "surf, and a bell far away", Duration: 12, Webhook: contractHook,
		TrackID: "run-204",
	}),
	submits("voice.sound_generation@least", audioService, (*AudioService).SoundGeneration, SoundGenerationParams{ModelID: "eleven_sound_effect", Prompt: "surf, and a bell far away"}),
	submits("voice.create_dubbing_v7", audioService, (*AudioService).CreateDubbingV7, CreateDubbingV7Params{
		ModelID: "dubbing-1", TargetLanguage: "es", InitAudio: InputURL("https://files.example.com/init_audio.wav"),
		InitVideo: InputURL("https://files.example.com/init_video.mp4"), Webhook: contractHook, TrackID: "run-204",
	}),
	submits("voice.create_dubbing_v7@least", audioService, (*AudioService).CreateDubbingV7, CreateDubbingV7Params{
		ModelID: "dubbing-1", TargetLanguage: "es", InitAudio: InputURL("https://files.example.com/init_audio.wav"),
	}),
	submits("voice.create_dubbing_v7@file", audioService, (*AudioService).CreateDubbingV7, CreateDubbingV7Params{
		ModelID: "dubbing-1", TargetLanguage: "es", InitAudio: InputBytes([]byte("a short recording")),
	}),
	submits("voice.song_extender", audioService, (*AudioService).SongExtender, SongExtenderParams{
		ModelID: "song-extender", InitAudio: InputURL("https://files.example.com/init_audio.wav"), ExtendDuration: 20.5,
		Prompt: "surf, and a bell far away", Side: "left", Webhook: contractHook, TrackID: "run-204",
	}),
	submits("voice.song_extender@least", audioService, (*AudioService).SongExtender, SongExtenderParams{
		ModelID: "song-extender", InitAudio: InputURL("https://files.example.com/init_audio.wav"), ExtendDuration: 20.5,
	}),
	submits("voice.song_extender@file", audioService, (*AudioService).SongExtender, SongExtenderParams{
		ModelID: "song-extender", InitAudio: InputBytes([]byte("a short recording")), ExtendDuration: 20.5,
	}),
	submits("voice.song_inpaint", audioService, (*AudioService).SongInpaint, SongInpaintParams{
		ModelID: "song-inpaint", InitAudio: InputURL("https://files.example.com/init_audio.wav"), Prompt: "surf, and a bell far away",
		Lyrics: "[Verse 1]\nThe lamp goes round", Sections: []any{map[string]any{"start": 10, "end": 20.5}},
		Webhook: contractHook, TrackID: "run-204",
	}),
	submits("voice.song_inpaint@least", audioService, (*AudioService).SongInpaint, SongInpaintParams{ModelID: "song-inpaint", InitAudio: InputURL("https://files.example.com/init_audio.wav")}),
	submits("voice.song_inpaint@file", audioService, (*AudioService).SongInpaint, SongInpaintParams{ModelID: "song-inpaint", InitAudio: InputBytes([]byte("a short recording"))}),

	submits("threed.text_to_3d", threeDService, (*ThreeDService).TextTo3D, TextTo3DParams{
		Prompt: "a small lighthouse", NegativePrompt: "people", Resolution: 480, OutputFormat: "stl", Render: Ptr(true),
		GuidanceScale: Ptr(6.5), NumInferenceSteps: 18, ForegroundRatio: 0.7, RemoveBG: Ptr(true), Seed: Ptr[int64](0),
		SSGuidanceStrength: Ptr(6.5), SSSamplingSteps: 20, SlatGuidanceStrength: Ptr[float64](0), SlatSamplingSteps: 30, MeshSimplify: 0.95,
		ChunkSize: 4096, Temp: Yes, Webhook: contractHook, TrackID: "run-204",
	}),
	submits("threed.text_to_3d@least", threeDService, (*ThreeDService).TextTo3D, TextTo3DParams{Prompt: "a small lighthouse"}),
	submits("threed.image_to_3d", threeDService, (*ThreeDService).ImageTo3D, ImageTo3DParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), MultiImage: Ptr(true), Resolution: 480, OutputFormat: "stl",
		Render: Ptr(true), Seed: Ptr[int64](0), SSGuidanceStrength: Ptr(6.5), SSSamplingSteps: 20, SlatGuidanceStrength: Ptr[float64](0),
		SlatSamplingSteps: 30, MeshSimplify: 0.95, ChunkSize: 4096, Temp: Yes, Webhook: contractHook, TrackID: "run-204",
	}),
	submits("threed.image_to_3d@least", threeDService, (*ThreeDService).ImageTo3D, ImageTo3DParams{InitImage: InputURL("https://files.example.com/init_image.png")}),

	submits("image_editing.removebg_mask", editingService, (*EditingService).RemoveBackground, RemoveBackgroundParams{
		Image: InputURL("https://files.example.com/image.png"), OnlyMask: Ptr(true), InverseMask: Ptr(true), PostProcessMask: Ptr(true),
		Seed: Ptr[int64](0), AlphaMatting: Ptr(true), AlphaMattingForegroundThreshold: Ptr(200), AlphaMattingBackgroundThreshold: Ptr(0),
		AlphaMattingErodeSize: Ptr(3), Base64: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("image_editing.removebg_mask@least", editingService, (*EditingService).RemoveBackground, RemoveBackgroundParams{Image: InputURL("https://files.example.com/image.png")}),
	submits("image_editing.removebg_mask@file", editingService, (*EditingService).RemoveBackground, RemoveBackgroundParams{Image: InputBytes([]byte("a small picture"))}),
	submits("image_editing.super_resolution", editingService, (*EditingService).SuperResolution, SuperResolutionParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), ModelID: "ultra_resolution", Scale: 2, FaceEnhance: Ptr(true),
		Webhook: contractHook, TrackID: 204,
	}),
	submits("image_editing.super_resolution@least", editingService, (*EditingService).SuperResolution, SuperResolutionParams{InitImage: InputURL("https://files.example.com/init_image.png")}),
	submits("image_editing.caption", editingService, (*EditingService).Caption, CaptionParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), Length: "long", Base64: Ptr(true),
		Webhook: contractHook, TrackID: 204,
	}),
	submits("image_editing.caption@least", editingService, (*EditingService).Caption, CaptionParams{InitImage: InputURL("https://files.example.com/init_image.png")}),
	submits("image_editing.face_gen", editingService, (*EditingService).FaceGen, FaceGenParams{
		Prompt: "the same tower in snow", FaceImage: InputURL("https://files.example.com/face_image.png"), NegativePrompt: "people",
		Width: 448, Height: 512, Samples: 2, NumInferenceSteps: 41, GuidanceScale: 6.5, SScale: Ptr(0.5), Style: "anime", Seed: Ptr[int64](0),
		SafetyChecker: Ptr(true), SafetyCheckerType: "pixelate", Base64: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("image_editing.face_gen@least", editingService, (*EditingService).FaceGen, FaceGenParams{
		Prompt: "the same tower in snow", FaceImage: InputURL("https://files.example.com/face_image.png"),
	}),
	submits("image_editing.face_gen@file", editingService, (*EditingService).FaceGen, FaceGenParams{Prompt: "the same tower in snow", FaceImage: InputBytes([]byte("a small picture"))}),
	submits("image_editing.fashion", editingService, (*EditingService).Fashion, FashionParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), ClothImage: InputURL("https://files.example.com/cloth_image.png"),
		ClothType: "dresses", Prompt: "the same tower in snow", NegativePrompt: "people", NumInferenceSteps: 41, GuidanceScale: 6,
		Seed: Ptr[int64](0), Temp: Yes, Webhook: contractHook, TrackID: 204,
	}),
	submits("image_editing.fashion@least", editingService, (*EditingService).Fashion, FashionParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), ClothImage: InputURL("https://files.example.com/cloth_image.png"),
		ClothType: "dresses",
	}),
	submits("image_editing.qwen_edit", editingService, (*EditingService).QwenEdit, QwenEditParams{
		Prompt:    "the same tower in snow",
		InitImage: []Input{InputURL("https://files.example.com/init_image-0.png"), InputURL("https://files.example.com/init_image-1.png")},
		ModelID:   "qwen-edit-2511", SafetyChecker: Ptr(true), Base64: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("image_editing.qwen_edit@least", editingService, (*EditingService).QwenEdit, QwenEditParams{
		Prompt:    "the same tower in snow",
		InitImage: []Input{InputURL("https://files.example.com/init_image-0.png"), InputURL("https://files.example.com/init_image-1.png")},
	}),
	submits("image_editing.flux_headshot", editingService, (*EditingService).FluxHeadshot, FluxHeadshotParams{
		Prompt: "the same tower in snow", FaceImage: InputURL("https://files.example.com/face_image.png"), Seed: Ptr[int64](0),
		NegativePrompt: "people", Width: 768, Height: 512, NumInferenceSteps: 18, GuidanceScale: 6.5,
		Webhook: contractHook, TrackID: 204,
	}),
	submits("image_editing.flux_headshot@least", editingService, (*EditingService).FluxHeadshot, FluxHeadshotParams{
		Prompt: "the same tower in snow", FaceImage: InputURL("https://files.example.com/face_image.png"), Seed: Ptr[int64](0),
	}),
	submits("image_editing.flux_headshot@null", editingService, (*EditingService).FluxHeadshot, FluxHeadshotParams{
		Prompt: "the same tower in snow", FaceImage: InputURL("https://files.example.com/face_image.png"),
	}),
	submits("image_editing.flux_headshot@file", editingService, (*EditingService).FluxHeadshot, FluxHeadshotParams{
		Prompt: "the same tower in snow", FaceImage: InputBytes([]byte("a small picture")), Seed: Ptr[int64](0),
	}),
	submits("image_editing.head_shot", editingService, (*EditingService).HeadShot, HeadShotParams{
		Prompt: "the same tower in snow", FaceImage: InputURL("https://files.example.com/face_image.png"), NegativePrompt: "people",
		Width: 448, Height: 512, Samples: 2, NumInferenceSteps: 41, GuidanceScale: 5, SScale: Ptr(0.5), Seed: Ptr[int64](0),
		SafetyChecker: Ptr(true), SafetyCheckerType: "pixelate", Base64: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("image_editing.head_shot@least", editingService, (*EditingService).HeadShot, HeadShotParams{
		Prompt: "the same tower in snow", FaceImage: InputURL("https://files.example.com/face_image.png"),
	}),
	submits("image_editing.head_shot@file", editingService, (*EditingService).HeadShot, HeadShotParams{Prompt: "the same tower in snow", FaceImage: InputBytes([]byte("a small picture"))}),
	submits("image_editing.img_mixer", editingService, (*EditingService).ImageMixer, ImageMixerParams{
		Prompt:         "the same tower in snow",
		InitImage:      []Input{InputURL("https://files.example.com/init_image-0.png"), InputURL("https://files.example.com/init_image-1.png")},
		NegativePrompt: "people", Width: 768, Height: 512, Samples: 1, Steps: 30, GuidanceScale: 6.5, Seed: Ptr[int64](0),
		Webhook: contractHook, TrackID: 204,
	}),
	submits("image_editing.img_mixer@least", editingService, (*EditingService).ImageMixer, ImageMixerParams{
		Prompt:    "the same tower in snow",
		InitImage: []Input{InputURL("https://files.example.com/init_image-0.png"), InputURL("https://files.example.com/init_image-1.png")},
	}),
	submits("image_editing.inpaint", editingService, (*EditingService).Inpaint, EditingInpaintParams{
		Prompt: "the same tower in snow", InitImage: InputURL("https://files.example.com/init_image.png"),
		MaskImage: InputURL("https://files.example.com/mask_image.png"), NegativePrompt: "people", Strength: Ptr(0.6), Width: 768,
		Height: 512, Samples: 2, NumInferenceSteps: 18, GuidanceScale: 5, Seed: Ptr[int64](0), SafetyChecker: Yes, InstantResponse: Ptr(true),
		Base64: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("image_editing.inpaint@least", editingService, (*EditingService).Inpaint, EditingInpaintParams{
		Prompt: "the same tower in snow", InitImage: InputURL("https://files.example.com/init_image.png"),
		MaskImage: InputURL("https://files.example.com/mask_image.png"),
	}),
	submits("image_editing.mask_creator", editingService, (*EditingService).MaskCreator, MaskCreatorParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), SpecificObject: "the lamp", Base64: Ptr(true),
		Webhook: contractHook, TrackID: 204,
	}),
	submits("image_editing.mask_creator@least", editingService, (*EditingService).MaskCreator, MaskCreatorParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), SpecificObject: "the lamp",
	}),
	submits("image_editing.object_removal", editingService, (*EditingService).ObjectRemoval, EditingObjectRemovalParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), MaskImage: InputURL("https://files.example.com/mask_image.png"),
		Webhook: contractHook, TrackID: 204,
	}),
	submits("image_editing.object_removal@least", editingService, (*EditingService).ObjectRemoval, EditingObjectRemovalParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), MaskImage: InputURL("https://files.example.com/mask_image.png"),
	}),
	submits("image_editing.outpaint", editingService, (*EditingService).Outpaint, OutpaintParams{
		Image: InputURL("https://files.example.com/image.png"), Prompt: "the same tower in snow", NegativePrompt: "people", Width: 768,
		Height: 512, OverlapWidth: Ptr(20), NumInferenceSteps: 18, GuidanceScale: 6.5, Seed: Ptr[int64](0), Temp: Ptr(false),
		Webhook: contractHook, TrackID: 204,
	}),
	submits("image_editing.outpaint@least", editingService, (*EditingService).Outpaint, OutpaintParams{Image: InputURL("https://files.example.com/image.png")}),
	submits("image_editing.outpaint@file", editingService, (*EditingService).Outpaint, OutpaintParams{Image: InputBytes([]byte("a small picture"))}),

	submits("interior.make", interiorService, (*InteriorService).Make, InteriorMakeParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "oak, brass and a window on the sea",
		NegativePrompt: "people", SpecificObject: "the lamp", ScaleDown: Ptr(4), Strength: Ptr(0.6), NumInferenceSteps: 31, GuidanceScale: 6,
		Seed: Ptr[int64](0), Base64: Ptr(true), Temp: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("interior.make@least", interiorService, (*InteriorService).Make, InteriorMakeParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "oak, brass and a window on the sea",
	}),
	submits("interior.floor_planning", interiorService, (*InteriorService).FloorPlanning, InteriorFloorPlanningParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "oak, brass and a window on the sea",
		NegativePrompt: "people", SpecificObject: "the lamp", Strength: Ptr(0.6), NumInferenceSteps: 31, GuidanceScale: 6,
		Seed: Ptr[int64](0), Base64: Ptr(true), Temp: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("interior.floor_planning@least", interiorService, (*InteriorService).FloorPlanning, InteriorFloorPlanningParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "oak, brass and a window on the sea",
	}),
	submits("interior.room_decorator", interiorService, (*InteriorService).RoomDecorator, InteriorRoomDecoratorParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "oak, brass and a window on the sea",
		NegativePrompt: "people", SpecificObject: "the lamp", Strength: Ptr(0.6), NumInferenceSteps: 31, GuidanceScale: 6,
		Seed: Ptr[int64](0), Base64: Ptr(true), Temp: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("interior.room_decorator@least", interiorService, (*InteriorService).RoomDecorator, InteriorRoomDecoratorParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "oak, brass and a window on the sea",
	}),
	submits("interior.scenario_changer", interiorService, (*InteriorService).ScenarioChanger, InteriorScenarioChangerParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "oak, brass and a window on the sea", Scenario: "snow",
		NegativePrompt: "people", SpecificObject: "the lamp", Strength: Ptr(0.6), NumInferenceSteps: 31, GuidanceScale: 6,
		Seed: Ptr[int64](0), Base64: Ptr(true), Temp: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("interior.scenario_changer@least", interiorService, (*InteriorService).ScenarioChanger, InteriorScenarioChangerParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "oak, brass and a window on the sea", Scenario: "snow",
	}),
	submits("interior.sketch_rendering", interiorService, (*InteriorService).SketchRendering, InteriorSketchRenderingParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "oak, brass and a window on the sea",
		NegativePrompt: "people", SpecificObject: "the lamp", Strength: Ptr(0.6), NumInferenceSteps: 31, GuidanceScale: 6,
		Seed: Ptr[int64](0), Base64: Ptr(true), Temp: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("interior.sketch_rendering@least", interiorService, (*InteriorService).SketchRendering, InteriorSketchRenderingParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "oak, brass and a window on the sea",
	}),
	submits("interior.exterior_restorer", interiorService, (*InteriorService).ExteriorRestorer, InteriorExteriorRestorerParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "oak, brass and a window on the sea",
		NegativePrompt: "people", SpecificObject: "the lamp", Strength: Ptr(0.6), NumInferenceSteps: 31, GuidanceScale: 6,
		Seed: Ptr[int64](0), Base64: Ptr(true), Temp: Ptr(true), Webhook: contractHook, TrackID: 204,
	}),
	submits("interior.exterior_restorer@least", interiorService, (*InteriorService).ExteriorRestorer, InteriorExteriorRestorerParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), Prompt: "oak, brass and a window on the sea",
	}),
	submits("interior.object_removal", interiorService, (*InteriorService).ObjectRemoval, InteriorObjectRemovalParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), ObjectName: "the crane", Base64: Ptr(true),
		Webhook: contractHook, TrackID: 204,
	}),
	submits("interior.object_removal@least", interiorService, (*InteriorService).ObjectRemoval, InteriorObjectRemovalParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), ObjectName: "the crane",
	}),
	submits("interior.interior_mixer", interiorService, (*InteriorService).Mixer, InteriorMixerParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), ObjectImage: InputURL("https://files.example.com/object_image.png"),
		Prompt: "oak, brass and a window on the sea", Width: 768, Height: 512, NumInferenceSteps: 8, GuidanceScale: 6, Base64: Ptr(true),
		Webhook: contractHook, TrackID: 204,
	}),
	submits("interior.interior_mixer@least", interiorService, (*InteriorService).Mixer, InteriorMixerParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), ObjectImage: InputURL("https://files.example.com/object_image.png"),
		Prompt: "oak, brass and a window on the sea",
	}),

	submits("faceswap.single_face_swap", faceSwapService, (*FaceSwapService).Single, FaceSwapSingleParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), TargetImage: InputURL("https://files.example.com/target_image.png"),
		ReferenceImage: InputURL("https://files.example.com/reference_image.png"), Watermark: Ptr(false),
		Webhook: contractHook, TrackID: 204,
	}),
	submits("faceswap.single_face_swap@least", faceSwapService, (*FaceSwapService).Single, FaceSwapSingleParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), TargetImage: InputURL("https://files.example.com/target_image.png"),
		ReferenceImage: InputURL("https://files.example.com/reference_image.png"),
	}),
	submits("faceswap.single_face_swap@file", faceSwapService, (*FaceSwapService).Single, FaceSwapSingleParams{
		InitImage: InputBytes([]byte("a small picture")), TargetImage: InputBytes([]byte("a small picture")),
		ReferenceImage: InputBytes([]byte("a small picture")),
	}),
	submits("faceswap.multiple_face_swap", faceSwapService, (*FaceSwapService).Multiple, FaceSwapMultipleParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), TargetImage: InputURL("https://files.example.com/target_image.png"),
		Watermark: Ptr(false), Webhook: contractHook, TrackID: 204,
	}),
	submits("faceswap.multiple_face_swap@least", faceSwapService, (*FaceSwapService).Multiple, FaceSwapMultipleParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), TargetImage: InputURL("https://files.example.com/target_image.png"),
	}),
	submits("faceswap.multiple_face_swap@file", faceSwapService, (*FaceSwapService).Multiple, FaceSwapMultipleParams{
		InitImage: InputBytes([]byte("a small picture")), TargetImage: InputBytes([]byte("a small picture")),
	}),
	submits("faceswap.single_video_swap", faceSwapService, (*FaceSwapService).SingleVideo, FaceSwapSingleVideoParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), InitVideo: InputURL("https://files.example.com/init_video.mp4"),
		OutputFormat: "mp4", Watermark: Ptr(false), Webhook: contractHook, TrackID: 204,
	}),
	submits("faceswap.single_video_swap@least", faceSwapService, (*FaceSwapService).SingleVideo, FaceSwapSingleVideoParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), InitVideo: InputURL("https://files.example.com/init_video.mp4"),
	}),
	submits("faceswap.specific_video_swap", faceSwapService, (*FaceSwapService).SpecificVideo, FaceSwapSpecificVideoParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), InitVideo: InputURL("https://files.example.com/init_video.mp4"),
		ReferenceImage: InputURL("https://files.example.com/reference_image.png"), OutputFormat: "mp4", Watermark: Ptr(false),
		Webhook: contractHook, TrackID: 204,
	}),
	submits("faceswap.specific_video_swap@least", faceSwapService, (*FaceSwapService).SpecificVideo, FaceSwapSpecificVideoParams{
		InitImage: InputURL("https://files.example.com/init_image.png"), InitVideo: InputURL("https://files.example.com/init_video.mp4"),
		ReferenceImage: InputURL("https://files.example.com/reference_image.png"),
	}),
}

// generationCalls are the others.
var generationCalls = []contractRow{
	fetches("images.fetch", "/api/v6/images/inpaint"),
	fetches("images.fetch_by_body", "/api/v6/images/text2img").behind(noGenerationRoute),
	fetches("images.fetch_v5", "/api/v5/controlnet"),
	fetches("realtime.fetch", "/api/v6/realtime/img2img"),
	fetches("images.fetch_v7", "/api/v7/images/inpaint"),
	fetches("video.fetch", "/api/v6/video/img2video_ultra"),
	fetches("video.fetch_v7", "/api/v7/video-fusion/lip-sync"),
	fetches("voice.fetch", "/api/v6/voice/voice_cover"),
	fetches("voice.fetch_v7", "/api/v7/voice/song-extender"),
	fetches("threed.fetch", "/api/v6/3d/image_to_3d"),
	fetches("image_editing.fetch", "/api/v6/image_editing/outpaint"),
	fetches("interior.fetch", "/api/v6/interior/make"),
	fetches("faceswap.fetch", "/api/v6/faceswap/single_video_swap"),
	fetches("servers.fetch", "/api/v1/enterprise/flux_klein/text2img"),
	fetches("servers.fetch_images", "/api/v1/enterprise/text2img"),

	submits("voice.voice_upload", audioService, (*AudioService).VoiceUpload, VoiceUploadParams{
		Name: "Keeper", InitAudio: InputURL("https://files.example.com/init_audio.wav"), Language: "english", Gender: "female",
		Thumbnail: InputURL("https://files.example.com/thumbnail.png"),
	}),
	submits("voice.voice_upload@least", audioService, (*AudioService).VoiceUpload, VoiceUploadParams{
		Name: "Keeper", InitAudio: InputURL("https://files.example.com/init_audio.wav"), Language: "english",
	}),
	submits("voice.voice_upload@file", audioService, (*AudioService).VoiceUpload, VoiceUploadParams{
		Name: "Keeper", InitAudio: InputBytes([]byte("a short recording")), Language: "english",
	}),
	submits("voice.voice_list", audioService, (*AudioService).Voices, VoicesParams{Type: "trained"}),
	submits("voice.voice_list@least", audioService, (*AudioService).Voices, VoicesParams{}),

	submits("uploads.file", uploadsService, (*UploadsService).File, UploadParams{File: pngFile}),
	submits("uploads.image", uploadsService, (*UploadsService).Image, UploadParams{File: InputBytes([]byte("a small picture")).MediaType("image/jpeg")}),
	submits("uploads.video", uploadsService, (*UploadsService).Video, UploadParams{File: InputBytes([]byte("a very short video")).MediaType("video/mp4")}),
	submits("uploads.audio", uploadsService, (*UploadsService).Audio, UploadParams{File: InputBytes([]byte("a short recording")).MediaType("audio/mpeg")}),
	submits("uploads.threed", uploadsService, (*UploadsService).ThreeD, UploadParams{File: InputBytes([]byte("v 0 0 0\n")).MediaType("model/obj")}),
	submits("uploads.threed@glb", uploadsService, (*UploadsService).ThreeD, UploadParams{File: InputBytes([]byte("glTF\x02\x00\x00\x00"))}),
	submits("uploads.base64_crop", uploadsService, (*UploadsService).Crop, UploadCropParams{Image: pngFile, Crop: Ptr(false)}),
	submits("uploads.base64_crop@least", uploadsService, (*UploadsService).Crop, UploadCropParams{Image: pngFile}),
	submits("uploads.server_image", uploadsService, (*UploadsService).ServerImage, UploadServerImageParams{Image: pngFile, ImageType: "png"}),

	submits("training.lora_fine_tune", trainingService, (*TrainingService).Create, TrainingCreateParams{
		InstancePrompt: "photo of tower x", ClassPrompt: "a tower",
		Images:       []Input{InputURL("https://files.example.com/images-0.png"), InputURL("https://files.example.com/images-1.png")},
		TrainingType: "null", MaxTrainSteps: 16, BaseModelType: "normal", LoRAType: "lycoris", NegativePrompt: "people",
		Seed: Ptr[int64](0), WandbKey: NewSecret("wandb-9f3c"), Webhook: contractHook,
	}),
	submits("training.lora_fine_tune@least", trainingService, (*TrainingService).Create, TrainingCreateParams{
		InstancePrompt: "photo of tower x", ClassPrompt: "a tower",
		Images:       []Input{InputURL("https://files.example.com/images-0.png"), InputURL("https://files.example.com/images-1.png")},
		TrainingType: "null", MaxTrainSteps: 16,
	}),
	asks("training.status", trainingService, func(s *TrainingService, ctx context.Context, opts ...RequestOption) (*Training, error) {
		return s.Status(ctx, contractTraining, opts...)
	}),
	asks("training.list", trainingService, (*TrainingService).List),
	ofTraining("training.delete", (*TrainingService).Delete),
	ofTraining("training.cancel", (*TrainingService).Cancel),
	ofTraining("training.cancel_by_page", (*TrainingService).Cancel).behind(noGenerationRoute),

	asks("workflows.list", workflowsService, (*WorkflowsService).List),
	asks("workflows.get", workflowsService, func(s *WorkflowsService, ctx context.Context, opts ...RequestOption) (*Workflow, error) {
		return s.Get(ctx, "7c1e", opts...)
	}),
	asks("workflows.run", workflowsService, func(s *WorkflowsService, ctx context.Context, opts ...RequestOption) (*Generation, error) {
		return s.Run(ctx, "7c1e", map[string]any{"prompt": "a lighthouse at night, ink", "steps": 20}, opts...)
	}),
	asks("workflows.run@least", workflowsService, func(s *WorkflowsService, ctx context.Context, opts ...RequestOption) (*Generation, error) {
		return s.Run(ctx, "7c1e", nil, opts...)
	}),
	asks("workflows.execution", workflowsService, func(s *WorkflowsService, ctx context.Context, opts ...RequestOption) (*WorkflowExecution, error) {
		return s.Execution(ctx, "7c1e", "4021", opts...)
	}),
	does("workflows.cancel", workflowsService, func(s *WorkflowsService, ctx context.Context, opts ...RequestOption) error {
		return s.Cancel(ctx, "7c1e", "4021", opts...)
	}),

	submits("model_search.search", keyModelsService, (*KeyModelsService).Search, generationSearch),
	submits("model_search.search@least", keyModelsService, (*KeyModelsService).Search, ModelSearchParams{}),
	asks("model_search.filters", keyModelsService, (*KeyModelsService).Filters),
	asks("model_search.tags", keyModelsService, (*KeyModelsService).Tags),
	asks("model_search.providers", keyModelsService, (*KeyModelsService).Providers),
	asks("model_search.get", keyModelsService, func(s *KeyModelsService, ctx context.Context, opts ...RequestOption) (*Model, error) {
		return s.Get(ctx, "flux-dev", opts...)
	}),
	asks("model_search.get@slashed", keyModelsService, func(s *KeyModelsService, ctx context.Context, opts ...RequestOption) (*Model, error) {
		return s.Get(ctx, "stabilityai/sdxl-turbo", opts...)
	}),
	submits("model_search.search_v7", keyModelsService, (*KeyModelsService).SearchV7, generationSearch),
	asks("model_ops.list", keyModelsService, (*KeyModelsService).List),
	orders("model_ops.load", keyModelsService, (*KeyModelsService).Load, ModelLoadParams{
		URL: "https://files.example.com/ink.safetensors", ModelID: "midnight-ink-2", ModelName: "Midnight Ink 2", ModelFormat: "safetensors",
		ModelCategory: "stable_diffusion_xl", ModelVisibility: "private", ModelSubcategory: "lora",
		ModelImage: InputURL("https://files.example.com/model_image.png"), ForceLoad: No, Revision: "fp32", HFUpload: Yes,
	}),
	orders("model_ops.load@least", keyModelsService, (*KeyModelsService).Load, ModelLoadParams{
		URL: "https://files.example.com/ink.safetensors", ModelID: "midnight-ink-2", ModelName: "Midnight Ink 2", ModelFormat: "safetensors",
		ModelCategory: "stable_diffusion_xl", ModelVisibility: "private",
	}),
	submits("model_ops.reload", keyModelsService, (*KeyModelsService).Reload, ModelReloadParams{ModelID: "midnight-ink-2"}),

	orders("general.delete_image", generationService, (*GenerationService).Delete, GenerationDeleteParams{RequestID: "12345678", Type: AssetVideo}),
	orders("general.delete_image@least", generationService, (*GenerationService).Delete, GenerationDeleteParams{RequestID: "12345678"}),
	submits("general.assets_generated", generationService, (*GenerationService).Assets, AssetsParams{Type: Asset3D, PerPage: 30, Page: 2}),
	submits("general.assets_generated@least", generationService, (*GenerationService).Assets, AssetsParams{Type: AssetVoice}),
	submits("general.assets_generated_by_spec", generationService, (*GenerationService).Assets, AssetsParams{Type: Asset3D, PerPage: 30, Page: 2}).behind(noGenerationRoute),
	asks("general.request_count", generationService, (*GenerationService).ProcessingCount),
	asks("general.wallet_balance", generationService, (*GenerationService).WalletBalance),

	does("servers.restart_server", serverNamed(ServerFluxKlein), (*ServersService).Restart),
	does("servers.restart_server@flux_2_dev", serverNamed(ServerFlux2Dev), (*ServersService).Restart),
	does("servers.update_server", serverNamed(ServerFluxKlein), (*ServersService).Update),
	asks("servers.system_details", serverNamed(ServerFluxKlein), (*ServersService).Details),
	does("servers.clear_cache", serverNamed(ServerFluxKlein), (*ServersService).ClearCache),
	does("servers.clear_queue", serverNamed(ServerFluxKlein), (*ServersService).ClearQueue),
	does("servers.restart_server_images", serversService, (*ServersService).Restart),
	does("servers.update_server_images", serversService, (*ServersService).Update),
	asks("servers.system_details_images", serversService, (*ServersService).Details),
	does("servers.clear_cache_images", serversService, (*ServersService).ClearCache),
	does("servers.clear_queue_images", serversService, (*ServersService).ClearQueue),
	orders("servers.load_model", serversService, (*ServersService).LoadModel, ServerLoadModelParams{
		URL: "https://files.example.com/ink.safetensors", ModelID: "midnight-ink", ModelType: "custom_ckpt", FromSafetensors: Yes,
		Revision: "fp32", UpcastAttention: No, Webhook: contractHook,
	}),
	orders("servers.load_model@least", serversService, (*ServersService).LoadModel, ServerLoadModelParams{
		URL: "https://files.example.com/ink.safetensors", ModelID: "midnight-ink", ModelType: "custom_ckpt",
	}),
	orders("servers.load_model_v2", serversService, (*ServersService).LoadModelV2, ServerLoadModelV2Params{
		URL: "https://files.example.com/ink.pt", ModelID: "midnight-ink", ModelCategory: "controlnet", ModelFormat: "pt", Revision: "fp16",
		Webhook: contractHook,
	}),
	orders("servers.load_model_v2@least", serversService, (*ServersService).LoadModelV2, ServerLoadModelV2Params{
		URL: "https://files.example.com/ink.pt", ModelID: "midnight-ink", ModelCategory: "controlnet", ModelFormat: "pt",
	}),
	orders("servers.load_vae", serversService, (*ServersService).LoadVAE, ServerLoadVAEParams{
		VAEID: "sd-vae", VAEURL: "https://files.example.com/vae.pt", VAEType: "pt", Webhook: contractHook,
	}),
	orders("servers.load_vae@least", serversService, (*ServersService).LoadVAE, ServerLoadVAEParams{
		VAEID: "sd-vae", VAEURL: "https://files.example.com/vae.pt", VAEType: "pt",
	}),
	orders("servers.verify_model", serversService, (*ServersService).VerifyModel, ServerModelParams{ModelID: "midnight-ink"}),
	asks("servers.get_all_models", serversService, (*ServersService).Models),
	orders("servers.delete_model", serversService, (*ServersService).DeleteModel, ServerModelParams{ModelID: "midnight-ink"}),
	orders("servers.sync_models", serversService, (*ServersService).SyncModels, ServerSyncModelsParams{SyncKey: NewSecret("other-server-key")}),
	asks("servers.schedulers_list", serversService, (*ServersService).Schedulers),
	orders("servers.update_s3", serversService, (*ServersService).UpdateS3, contractS3),
	orders("servers.update_s3@named", serverNamed(ServerVoice), (*ServersService).UpdateS3, contractS3),
	does("servers.reset_s3", serversService, (*ServersService).ResetS3),
	does("servers.reset_s3@named", serverNamed(ServerSuperResolution), (*ServersService).ResetS3),

	submits("chat.completions", chatService, (*ChatService).Complete, ChatParams{
		Model: "Qwen/Qwen2.5-VL-72B-Instruct-together",
		Messages: []ChatMessage{
			{Role: RoleSystem, Content: "Answer as a keeper."},
			lampQuestion[0],
			{Role: RoleAssistant, ToolCalls: []ChatToolCall{{ID: "call_1", Name: "lamp", Arguments: `{"level":1}`}}},
			{Role: RoleTool, ToolCallID: "call_1", Content: "lit"},
		},
		MaxTokens: 200, Temperature: Ptr[float64](0), TopP: Ptr(0.9), TopK: 40, PresencePenalty: Ptr(-0.5), FrequencyPenalty: Ptr(0.5),
		RepetitionPenalty: 1.1, Stop: []string{"END", "STOP"}, Seed: Ptr[int64](0), N: 2, ResponseFormat: ChatResponseFormat{Type: "json_object"},
		Tools:      []ChatTool{{Name: "lamp", Description: "Sets the lamp.", Parameters: lampSchema}},
		ToolChoice: ChatToolChoice{Function: "lamp"}, ParallelToolCalls: Ptr(false),
	}),
	submits("chat.completions@least", chatService, (*ChatService).Complete, ChatParams{Model: "night-1", Messages: lampQuestion}),
	submits("chat.messages", chatService, (*ChatService).Message, MessageParams{
		Model: "night-1", MaxTokens: 200,
		Messages: []MessageParam{
			lampMessage[0],
			{Role: RoleAssistant, Blocks: []MessageBlock{
				{Type: BlockText, Text: "I will look."},
				{Type: BlockToolUse, ID: "toolu_1", Name: "lamp", Input: json.RawMessage(`{"level":1}`)},
			}},
			{Role: RoleUser, Blocks: []MessageBlock{{Type: BlockToolResult, ToolUseID: "toolu_1", Content: "lit"}}},
		},
		System: "Answer as a keeper.", Temperature: Ptr(0.5), TopP: Ptr(0.9), TopK: 40, StopSequences: []string{"END"},
		Tools:      []MessageTool{{Name: "lamp", Description: "Sets the lamp.", InputSchema: lampSchema}},
		ToolChoice: MessageToolChoice{Type: "tool", Name: "lamp"},
	}),
	submits("chat.messages@least", chatService, (*ChatService).Message, MessageParams{Model: "night-1", MaxTokens: 200, Messages: lampMessage}),
	submits("chat.count_tokens", chatService, (*ChatService).CountTokens, CountTokensParams{
		Model: "night-1", Messages: lampMessage, System: "Answer as a keeper.",
	}),
	asks("chat.models", chatService, (*ChatService).Models),
}

var contractS3 = ServerS3Params{
	PublicURL: "https://cdn.example.com", RegionName: "eu-central-1", EndpointURL: "https://s3.example.com", AWSAccessKeyID: "AKIANIGHT",
	AWSSecretAccessKey: NewSecret("s3-secret-5d"), ImageDirectory: "results",
}
