package vendorspec

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/modelslab/modelslab-agents-go"
)

type (
	generation = *modelslab.GenerationService
	client     = *modelslab.Client
)

func images(g generation) *modelslab.ImagesService     { return g.Images }
func video(g generation) *modelslab.VideoService       { return g.Video }
func audio(g generation) *modelslab.AudioService       { return g.Audio }
func threeD(g generation) *modelslab.ThreeDService     { return g.ThreeD }
func editing(g generation) *modelslab.EditingService   { return g.Editing }
func interior(g generation) *modelslab.InteriorService { return g.Interior }
func faceSwap(g generation) *modelslab.FaceSwapService { return g.FaceSwap }

// fetch asks for a job that was submitted to a path.
func fetch(path string) entry {
	return plain(func(ctx context.Context, c client) error {
		_, err := c.Generation.Fetch(ctx, &modelslab.Generation{ID: "12", Path: path})
		return err
	})
}

// calls are the calls of each row that a description has.
var calls = map[string]entry{
	"images.text2img": with(images, (*modelslab.ImagesService).TextToImage),
	"images.img2img": with(images, (*modelslab.ImagesService).ImageToImage, func(p *modelslab.ImageToImageParams, _ variant, file string) {
		if file == "image-editing" {
			p.ModelID, p.Prompt = "flux-kontext-dev", "a cat"
		}
	}),
	"images.inpaint":       with(images, (*modelslab.ImagesService).Inpaint),
	"images.fetch_by_body": fetch("/api/v6/images/text2img"),
	"images.controlnet": with(images, (*modelslab.ImagesService).ControlNet, func(p *modelslab.ControlNetParams, v variant, _ string) {
		if v == highest {
			p.Base64 = modelslab.Yes // it takes files then
		}
	}),
	"images.fetch_v5":   fetch("/api/v5/controlnet"),
	"realtime.text2img": with(images, (*modelslab.ImagesService).RealtimeTextToImage),
	"realtime.img2img":  with(images, (*modelslab.ImagesService).RealtimeImageToImage),
	"realtime.inpaint":  with(images, (*modelslab.ImagesService).RealtimeInpaint),
	"realtime.fetch":    fetch("/api/v6/realtime/text2img"),

	"video.text2video":        with(video, (*modelslab.VideoService).TextToVideo),
	"video.text2video_ultra":  with(video, (*modelslab.VideoService).TextToVideoUltra),
	"video.img2video":         with(video, (*modelslab.VideoService).ImageToVideo),
	"video.img2video_ultra":   with(video, (*modelslab.VideoService).ImageToVideoUltra),
	"video.video2video":       with(video, (*modelslab.VideoService).VideoToVideo),
	"video.watermark_remover": with(video, (*modelslab.VideoService).WatermarkRemover),
	"video.fetch":             fetch("/api/v6/video/text2video"),

	"voice.text_to_speech": with(audio, (*modelslab.AudioService).TextToSpeech),
	"voice.text_to_audio":  with(audio, (*modelslab.AudioService).TextToAudio),
	"voice.voice_to_voice": with(audio, (*modelslab.AudioService).VoiceToVoice),
	"voice.voice_cover":    with(audio, (*modelslab.AudioService).VoiceCover),
	"voice.voice_design":   with(audio, (*modelslab.AudioService).VoiceDesign),
	"voice.create_dubbing": with(audio, (*modelslab.AudioService).CreateDubbing),
	"voice.music_gen":      with(audio, (*modelslab.AudioService).MusicGen),
	"voice.sfx":            with(audio, (*modelslab.AudioService).SFX),
	"voice.song_generator": with(audio, (*modelslab.AudioService).SongGenerator, func(p *modelslab.SongGeneratorParams, _ variant, _ string) {
		p.Lyrics = "[Verse 1] A cat" // required where none are to be made
	}),
	"voice.lyrics_generator": with(audio, (*modelslab.AudioService).LyricsGenerator),
	"voice.speech_to_text":   with(audio, (*modelslab.AudioService).SpeechToText),
	"voice.vocal_isolator": with(audio, (*modelslab.AudioService).VocalIsolator, func(p *modelslab.VocalIsolatorParams, v variant, _ string) {
		if v == least {
			p.InitVideo = modelslab.InputURL("https://example.com/in") // one of the two is required
		}
	}),
	"voice.voice_upload": with(audio, (*modelslab.AudioService).VoiceUpload),
	"voice.voice_list":   with(audio, (*modelslab.AudioService).Voices),
	"voice.fetch":        fetch("/api/v6/voice/sfx"),

	"threed.text_to_3d":  with(threeD, (*modelslab.ThreeDService).TextTo3D),
	"threed.image_to_3d": with(threeD, (*modelslab.ThreeDService).ImageTo3D),
	"threed.fetch":       fetch("/api/v6/3d/text_to_3d"),

	"image_editing.removebg_mask":    with(editing, (*modelslab.EditingService).RemoveBackground),
	"image_editing.super_resolution": with(editing, (*modelslab.EditingService).SuperResolution),
	"image_editing.caption":          with(editing, (*modelslab.EditingService).Caption),
	"image_editing.face_gen":         with(editing, (*modelslab.EditingService).FaceGen),
	"image_editing.fashion":          with(editing, (*modelslab.EditingService).Fashion),
	"image_editing.qwen_edit":        with(editing, (*modelslab.EditingService).QwenEdit),
	"image_editing.flux_headshot":    with(editing, (*modelslab.EditingService).FluxHeadshot),
	"image_editing.head_shot":        with(editing, (*modelslab.EditingService).HeadShot),
	"image_editing.img_mixer":        with(editing, (*modelslab.EditingService).ImageMixer),
	"image_editing.inpaint":          with(editing, (*modelslab.EditingService).Inpaint),
	"image_editing.mask_creator":     with(editing, (*modelslab.EditingService).MaskCreator),
	"image_editing.object_removal":   with(editing, (*modelslab.EditingService).ObjectRemoval),
	"image_editing.outpaint":         with(editing, (*modelslab.EditingService).Outpaint),
	"image_editing.fetch":            fetch("/api/v6/image_editing/outpaint"),

	"interior.make":              with(interior, (*modelslab.InteriorService).Make),
	"interior.floor_planning":    with(interior, (*modelslab.InteriorService).FloorPlanning),
	"interior.room_decorator":    with(interior, (*modelslab.InteriorService).RoomDecorator),
	"interior.scenario_changer":  with(interior, (*modelslab.InteriorService).ScenarioChanger),
	"interior.sketch_rendering":  with(interior, (*modelslab.InteriorService).SketchRendering),
	"interior.exterior_restorer": with(interior, (*modelslab.InteriorService).ExteriorRestorer),
	"interior.object_removal":    with(interior, (*modelslab.InteriorService).ObjectRemoval),
	"interior.interior_mixer":    with(interior, (*modelslab.InteriorService).Mixer),
	"interior.fetch":             fetch("/api/v6/interior/make"),

	"faceswap.single_face_swap":    with(faceSwap, (*modelslab.FaceSwapService).Single),
	"faceswap.multiple_face_swap":  with(faceSwap, (*modelslab.FaceSwapService).Multiple),
	"faceswap.single_video_swap":   with(faceSwap, (*modelslab.FaceSwapService).SingleVideo),
	"faceswap.specific_video_swap": with(faceSwap, (*modelslab.FaceSwapService).SpecificVideo),
	"faceswap.fetch":               fetch("/api/v6/faceswap/single_face_swap"),

	"chat.completions": func(o []*operation) []call {
		say := func(p *modelslab.ChatParams, v variant, _ string) {
			p.Messages = []modelslab.ChatMessage{{Role: modelslab.RoleUser, Content: "cat?"}}
			if v == least {
				return
			}
			p.Messages = append([]modelslab.ChatMessage{{Role: modelslab.RoleSystem, Content: "be short"}}, append(p.Messages,
				modelslab.ChatMessage{Role: modelslab.RoleAssistant, ToolCalls: []modelslab.ChatToolCall{{ID: "c1", Name: "cat", Arguments: "{}"}}},
				modelslab.ChatMessage{Role: modelslab.RoleTool, ToolCallID: "c1", Content: "meow"})...)
			p.Tools = []modelslab.ChatTool{{Name: "cat", Description: "asks a cat", Parameters: json.RawMessage(`{"type":"object"}`)}}
			p.ToolChoice.Mode, p.ResponseFormat.Type = modelslab.ToolChoiceAuto, "json_object"
			if v == highest {
				p.ToolChoice = modelslab.ChatToolChoice{Function: "cat"}
			}
		}
		return append(with(chats, (*modelslab.ChatService).Complete, say)(o), with(chats, streamed, say)(o)...)
	},
	"chat.messages": func(o []*operation) []call {
		say := func(p *modelslab.MessageParams, v variant, _ string) {
			p.Messages = conversation(v)
			if v == least {
				return
			}
			p.Tools = []modelslab.MessageTool{{Name: "cat", Description: "asks a cat", InputSchema: json.RawMessage(`{"type":"object"}`)}}
			p.ToolChoice.Type = "auto"
			if v == highest {
				p.ToolChoice = modelslab.MessageToolChoice{Type: "tool", Name: "cat"}
			}
		}
		return append(with(chats, (*modelslab.ChatService).Message, say)(o), with(chats, messageStreamed, say)(o)...)
	},
	"chat.count_tokens": with(chats, (*modelslab.ChatService).CountTokens, func(p *modelslab.CountTokensParams, v variant, _ string) {
		p.Messages = conversation(v)
	}),
	"chat.models": plain(func(ctx context.Context, c client) error {
		_, err := c.Generation.Chat.Models(ctx)
		return err
	}),

	"uploads.file":  upload((*modelslab.UploadsService).File, modelslab.InputBytes(picture)),
	"uploads.image": upload((*modelslab.UploadsService).Image, modelslab.InputBytes(picture)),
	"uploads.video": upload((*modelslab.UploadsService).Video, modelslab.InputBytes(picture).MediaType("video/mp4")),
	"uploads.audio": upload((*modelslab.UploadsService).Audio, modelslab.InputBytes(picture).MediaType("audio/mpeg")),
	"uploads.threed": upload((*modelslab.UploadsService).ThreeD,
		modelslab.InputBytes(picture).MediaType("model/obj"), modelslab.InputBytes(picture).MediaType("model/gltf-binary")),
	"uploads.base64_crop": with(func(g generation) *modelslab.UploadsService { return g.Uploads }, (*modelslab.UploadsService).Crop,
		func(p *modelslab.UploadCropParams, v variant, _ string) {
			p.Image = modelslab.InputBytes(picture)
			if v == lowest {
				p.Crop = new(bool)
			}
		}),

	"training.lora_fine_tune": with(func(g generation) *modelslab.TrainingService { return g.Training }, (*modelslab.TrainingService).Create,
		func(p *modelslab.TrainingCreateParams, v variant, _ string) {
			p.MaxTrainSteps = 10
			if v == highest {
				p.WandbKey = modelslab.NewSecret("wandb-key-for-tests")
			}
		}),
	"training.status": plain(func(ctx context.Context, c client) error {
		_, err := c.Generation.Training.Status(ctx, "F5")
		return err
	}),
	"training.list": plain(func(ctx context.Context, c client) error {
		_, err := c.Generation.Training.List(ctx)
		return err
	}),
	"training.delete": plain(func(ctx context.Context, c client) error { return c.Generation.Training.Delete(ctx, "F5") }),
	"training.cancel": plain(func(ctx context.Context, c client) error { return c.Generation.Training.Cancel(ctx, "F5") }),

	"model_ops.list": plain(func(ctx context.Context, c client) error {
		_, err := c.Generation.Models.List(ctx)
		return err
	}),
	"model_ops.load":   with(models, noResult((*modelslab.KeyModelsService).Load)),
	"model_ops.reload": with(models, (*modelslab.KeyModelsService).Reload),

	"general.delete_image": with(all, noResult((*modelslab.GenerationService).Delete), func(p *modelslab.GenerationDeleteParams, _ variant, _ string) {
		p.RequestID = "12"
	}),
	"general.assets_generated_by_spec": with(all, (*modelslab.GenerationService).Assets, func(p *modelslab.AssetsParams, _ variant, _ string) {
		if p.Type == "cat" {
			p.Type = modelslab.AssetImage
		}
	}),
	"general.request_count": plain(func(ctx context.Context, c client) error {
		_, err := c.Generation.ProcessingCount(ctx)
		return err
	}),
	"general.wallet_balance": plain(func(ctx context.Context, c client) error {
		_, err := c.Generation.WalletBalance(ctx)
		return err
	}),

	"servers.restart_server":        servers((*modelslab.ServersService).Restart),
	"servers.update_server":         servers((*modelslab.ServersService).Update),
	"servers.system_details":        servers(details),
	"servers.clear_cache":           servers((*modelslab.ServersService).ClearCache),
	"servers.clear_queue":           servers((*modelslab.ServersService).ClearQueue),
	"servers.restart_server_images": servers((*modelslab.ServersService).Restart),
	"servers.update_server_images":  servers((*modelslab.ServersService).Update),
	"servers.system_details_images": servers(details),
	"servers.clear_cache_images":    servers((*modelslab.ServersService).ClearCache),
	"servers.clear_queue_images":    servers((*modelslab.ServersService).ClearQueue),
	"servers.fetch": func(operations []*operation) []call {
		var calls []call
		for _, o := range operations {
			server := dedicated[strings.TrimPrefix(o.document.file, enterpriseFile)]
			switch {
			case server == modelslab.ServerFlux2Dev:
				server = modelslab.ServerFlux
			case strings.Contains(o.path, "uncensored-chat"):
				continue // no page knows it by this name
			}
			made := fetch("/api/v1/enterprise/" + string(server) + "/make")(nil)[0]
			made.name, made.file = string(server), o.document.file
			calls = append(calls, made)
		}
		return calls
	},
	"servers.fetch_images": fetch("/api/v1/enterprise/text2img"),
}

func chats(g generation) *modelslab.ChatService { return g.Chat }

// conversation is what was said, in words or in blocks.
func conversation(v variant) []modelslab.MessageParam {
	said := []modelslab.MessageParam{{Role: modelslab.RoleUser, Content: "cat?"}}
	if v != highest {
		return said
	}
	return append(said,
		modelslab.MessageParam{Role: modelslab.RoleAssistant, Blocks: []modelslab.MessageBlock{
			{Type: modelslab.BlockText, Text: "I ask it"}, {Type: modelslab.BlockToolUse, ID: "c1", Name: "cat"},
		}},
		modelslab.MessageParam{Role: modelslab.RoleUser, Blocks: []modelslab.MessageBlock{
			{Type: modelslab.BlockToolResult, ToolUseID: "c1", Content: "meow", IsError: new(bool)},
		}})
}

func messageStreamed(s *modelslab.ChatService, ctx context.Context, p modelslab.MessageParams, opts ...modelslab.RequestOption) (last *modelslab.MessageEvent, err error) {
	for last, err = range s.MessageStream(ctx, p, opts...) {
		if err != nil {
			break
		}
	}
	return last, err
}

func streamed(s *modelslab.ChatService, ctx context.Context, p modelslab.ChatParams, opts ...modelslab.RequestOption) (last *modelslab.ChatEvent, err error) {
	for last, err = range s.Stream(ctx, p, opts...) {
		if err != nil {
			break
		}
	}
	return last, err
}

func models(g generation) *modelslab.KeyModelsService { return g.Models }

func all(g generation) *modelslab.GenerationService { return g }

// noResult gives a method that returns an error alone the form of the others.
func noResult[S, P any](method func(*S, context.Context, P, ...modelslab.RequestOption) error) func(*S, context.Context, P, ...modelslab.RequestOption) (struct{}, error) {
	return func(s *S, ctx context.Context, p P, opts ...modelslab.RequestOption) (struct{}, error) {
		return struct{}{}, method(s, ctx, p, opts...)
	}
}

func upload(method func(*modelslab.UploadsService, context.Context, modelslab.UploadParams, ...modelslab.RequestOption) (*modelslab.Upload, error), files ...modelslab.Input) entry {
	var do []func(context.Context, client) error
	for _, file := range files {
		do = append(do, func(ctx context.Context, c client) error {
			_, err := method(c.Generation.Uploads, ctx, modelslab.UploadParams{File: file})
			return err
		})
	}
	return plain(do...)
}

func details(s *modelslab.ServersService, ctx context.Context, opts ...modelslab.RequestOption) error {
	_, err := s.Details(ctx, opts...)
	return err
}

// dedicated are the servers, by the file that describes each.
var dedicated = map[string]modelslab.Server{
	"3d-api":               modelslab.Server3D,
	"deepseek-chat":        "deepseek_chat",
	"face-gen":             modelslab.ServerFaceGen,
	"faceswap":             modelslab.ServerFaceSwap,
	"flux":                 modelslab.ServerFlux,
	"flux-2-dev":           modelslab.ServerFlux2Dev,
	"flux-headshot":        modelslab.ServerFluxHeadshot,
	"flux-klein":           modelslab.ServerFluxKlein,
	"flux-kontext-dev":     modelslab.ServerFluxKontextDev,
	"image-editing":        modelslab.ServerImageEditing,
	"image-to-video-ultra": modelslab.ServerImageToVideoUltra,
	"interior":             modelslab.ServerInterior,
	"qwen":                 modelslab.ServerQwen,
	"realtime":             modelslab.ServerRealtime,
	"speech-to-text":       modelslab.ServerSpeechToText,
	"super-resolution":     modelslab.ServerSuperResolution,
	"text-to-image":        modelslab.ServerTextToImage,
	"text-to-speech":       modelslab.ServerTextToSpeech,
	"text-to-video-ultra":  modelslab.ServerUltraVideo,
	"uncensored-chat":      "uncensored_chat",
	"video":                modelslab.ServerVideo,
	"voice-cloning":        modelslab.ServerVoice,
	"z-image-turbo":        modelslab.ServerZImageTurbo,
}

const enterpriseFile = "enterprise-api-"

// servers calls each server that has a description of the row.
func servers(method func(*modelslab.ServersService, context.Context, ...modelslab.RequestOption) error) entry {
	return func(operations []*operation) []call {
		var calls []call
		for _, o := range operations {
			server, ok := dedicated[strings.TrimPrefix(o.document.file, enterpriseFile)]
			if strings.Contains(o.path, "uncensored-chat") {
				continue // no page knows it by this name
			}
			calls = append(calls, call{name: string(server), file: o.document.file, do: func(ctx context.Context, c client) error {
				if !ok {
					return errors.New("no such server")
				}
				return method(c.Generation.Servers.For(server), ctx)
			}})
		}
		return calls
	}
}

// undescribed are the rows that no description has, and why.
var undescribed = map[string]string{
	"images.fetch":             "the description has the form with the id in the body alone",
	"images.text_to_image_v7":  v7,
	"images.image_to_image_v7": v7,
	"images.inpaint_v7":        v7,
	"images.fetch_v7":          v7,
	"video.text_to_video_v7":   v7,
	"video.image_to_video_v7":  v7,
	"video.video_to_video_v7":  v7,
	"video.lip_sync":           v7,
	"video.motion_control":     v7,
	"video.fetch_v7":           v7,
	"voice.text_to_speech_v7":  v7,
	"voice.speech_to_text_v7":  v7,
	"voice.speech_to_speech":   v7,
	"voice.music_gen_v7":       v7,
	"voice.sound_generation":   v7,
	"voice.create_dubbing_v7":  v7,
	"voice.song_extender":      v7,
	"voice.song_inpaint":       v7,
	"voice.fetch_v7":           v7,

	"training.cancel_by_page":  "the page's spelling; the description has the other",
	"general.assets_generated": "the page's path; the description has the other",
	"workflows.list":           pagesOnly,
	"workflows.get":            pagesOnly,
	"workflows.run":            pagesOnly,
	"workflows.execution":      pagesOnly,
	"workflows.cancel":         pagesOnly,
	"model_search.search":      pagesOnly,
	"model_search.filters":     pagesOnly,
	"model_search.tags":        pagesOnly,
	"model_search.providers":   pagesOnly,
	"model_search.get":         pagesOnly,
	"model_search.search_v7":   pagesOnly,
	"uploads.server_image":     serverPagesOnly,
	"servers.load_model":       serverPagesOnly,
	"servers.load_model_v2":    serverPagesOnly,
	"servers.load_vae":         serverPagesOnly,
	"servers.verify_model":     serverPagesOnly,
	"servers.get_all_models":   serverPagesOnly,
	"servers.delete_model":     serverPagesOnly,
	"servers.sync_models":      serverPagesOnly,
	"servers.schedulers_list":  serverPagesOnly,
	"servers.update_s3":        serverPagesOnly,
	"servers.reset_s3":         serverPagesOnly,
}

const (
	v7              = "of v7 the vendor describes the chat alone"
	pagesOnly       = "has pages alone"
	serverPagesOnly = "has a page alone: the descriptions of the servers have what all servers can"
)

// beyond are the fields that requests have and the description has not, by
// operation and path, and where they come from.
var beyond = map[string]string{
	"image-editing: POST /api/v6/images/img2img /instant_response":                      instant,
	"image-generation-community-models: POST /api/v6/images/img2img /instant_response":  instant,
	"image-generation-community-models: POST /api/v6/images/inpaint /instant_response":  instant,
	"image-generation-community-models: POST /api/v6/images/text2img /instant_response": instant,
	"image-generation-flux: POST /api/v6/images/text2img /instant_response":             instant,

	"image-generation-realtime-stable-diffusion: POST /api/v6/realtime/img2img /temp": onPage,
	"video-api: POST /api/v6/video/video2video /seed":                                 onPage,
	"image-editing: POST /api/v6/image_editing/face_gen /negative_prompt":             onPage,
	"image-editing: POST /api/v6/image_editing/face_gen /seed":                        onPage,
	"image-editing: POST /api/v6/image_editing/fashion /seed":                         onPage,
	"image-editing: POST /api/v6/image_editing/flux_headshot /negative_prompt":        onPage,
	"image-editing: POST /api/v6/image_editing/head_shot /negative_prompt":            onPage,
	"image-editing: POST /api/v6/image_editing/head_shot /seed":                       onPage,
	"interior-api: POST /api/v6/interior/floor_planning /specific_object":             onPage,
	"interior-api: POST /api/v6/interior/scenario_changer /specific_object":           onPage,
	"interior-api: POST /api/v6/interior/sketch_rendering /specific_object":           onPage,
	"interior-api: POST /api/v6/interior/exterior_restorer /specific_object":          onPage,

	"voice-cloning: POST /api/v6/voice/text_to_speech /output_format": inSDKs,
	"voice-cloning: POST /api/v6/voice/sfx /output_format":            inSDKs,
	"voice-cloning: POST /api/v6/voice/sfx /bitrate":                  inSDKs,
}

const (
	instant = "of realtime, video and dedicated servers"
	onPage  = "of the example on the endpoint's page"
	inSDKs  = "of the vendor's own SDKs"
)

// uncalled are the operations that no row calls, and why.
var uncalled = map[string]string{
	"enterprise-api-deepseek-chat: POST /api/v1/enterprise/deepseek_chat/start":              anyJob,
	"enterprise-api-flux-klein: POST /api/v1/enterprise/flux_klein/img2img":                  anyJob,
	"enterprise-api-speech-to-text: POST /api/v1/enterprise/speech_to_text/transcribe":       anyJob,
	"enterprise-api-faceswap: POST /api/v1/enterprise/faceswap/fetch":                        "the page has the id in the path, like the other servers",
	"enterprise-api-uncensored-chat: POST /api/v1/enterprise/uncensored-chat/fetch/{id}":     otherName,
	"enterprise-api-uncensored-chat: POST /api/v1/enterprise/uncensored-chat/system_details": otherName,
	"enterprise-api-uncensored-chat: POST /api/v1/enterprise/uncensored-chat/update_server":  otherName,

	"general-api: POST /api/v3/buy_subscription":                         "Subscriptions buys plans",
	"general-api: GET /api/subscribed_products":                          "Subscriptions lists them",
	"general-api: POST /api/v3/dreambooth/buy_model":                     "buys a quantity of the vendor's models; Generation.Call can",
	"general-api: POST /api/check_nsfw_cp":                               noMethod,
	"general-api: POST /api/v3/nsfw_image_check":                         noMethod,
	"general-api: GET /api/v5/clear_cache":                               "a GET with a body; " + noMethod,
	"uncensored-chat-api: POST /api/v6/llm/uncensored_chat":              hidden,
	"uncensored-chat-api: POST /api/uncensored-chat/v1/chat/completions": hidden,
	"video-api: POST /api/v6/video/scene_maker":                          "was withdrawn",
}

const (
	anyJob    = "Servers.Run submits any job of a server, with params of the caller's"
	otherName = "no page has it, and the server has another name on those that there are"
	noMethod  = "has no method; Generation.Call calls it"
	hidden    = "an older chat, whose pages are hidden; Generation.Call calls it"
)

// unsent are the fields that no request has, and why.
var unsent = map[string]string{}
