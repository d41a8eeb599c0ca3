package modelslab

import "strings"

// The rows of the generation APIs. They take the account's API key; see
// generationAuth for where.

const (
	imagesTextToImage endpoint = agentsEndpoints + iota
	imagesImageToImage
	imagesInpaint
	imagesFetch
	imagesFetchByBody
	imagesControlNet
	imagesFetchV5
	realtimeTextToImage
	realtimeImageToImage
	realtimeInpaint
	realtimeFetch
	imagesTextToImageV7
	imagesImageToImageV7
	imagesInpaintV7
	imagesFetchV7

	videoTextToVideo
	videoTextToVideoUltra
	videoImageToVideo
	videoImageToVideoUltra
	videoVideoToVideo
	videoWatermarkRemover
	videoFetch
	videoTextToVideoV7
	videoImageToVideoV7
	videoVideoToVideoV7
	videoLipSync
	videoMotionControl
	videoFetchV7

	voiceTextToSpeech
	voiceTextToAudio
	voiceVoiceToVoice
	voiceVoiceCover
	voiceVoiceDesign
	voiceCreateDubbing
	voiceMusicGen
	voiceSFX
	voiceSongGenerator
	voiceLyricsGenerator
	voiceSpeechToText
	voiceVocalIsolator
	voiceVoiceUpload
	voiceVoiceList
	voiceFetch
	voiceTextToSpeechV7
	voiceSpeechToTextV7
	voiceSpeechToSpeech
	voiceMusicGenV7
	voiceSoundGeneration
	voiceCreateDubbingV7
	voiceSongExtender
	voiceSongInpaint
	voiceFetchV7

	threeDTextTo3D
	threeDImageTo3D
	threeDFetch

	editingRemoveBackground
	editingSuperResolution
	editingCaption
	editingFaceGen
	editingFashion
	editingQwenEdit
	editingFluxHeadshot
	editingHeadShot
	editingImageMixer
	editingInpaint
	editingMaskCreator
	editingObjectRemoval
	editingOutpaint
	editingFetch

	interiorMake
	interiorFloorPlanning
	interiorRoomDecorator
	interiorScenarioChanger
	interiorSketchRendering
	interiorExteriorRestorer
	interiorObjectRemoval
	interiorMixer
	interiorFetch

	faceSwapSingle
	faceSwapMultiple
	faceSwapSingleVideo
	faceSwapSpecificVideo
	faceSwapFetch

	chatCompletions
	chatMessages
	chatCountTokens
	chatModels

	uploadsFile
	uploadsImage
	uploadsVideo
	uploadsAudio
	uploadsThreeD
	uploadsCrop
	uploadsServerImage

	trainingCreate
	trainingStatus
	trainingList
	trainingDelete
	trainingCancel
	trainingCancelByPage

	workflowsList
	workflowsGet
	workflowsRun
	workflowsExecution
	workflowsCancel

	modelSearch
	modelSearchFilters
	modelSearchTags
	modelSearchProviders
	modelSearchGet
	modelSearchV7
	modelsList
	modelsLoad
	modelsReload

	jobsDelete
	jobsAssets
	jobsAssetsBySpec
	jobsProcessing
	jobsWalletBalance

	serversRestart
	serversUpdate
	serversDetails
	serversClearCache
	serversClearQueue
	serversRestartImages
	serversUpdateImages
	serversDetailsImages
	serversClearCacheImages
	serversClearQueueImages
	serversLoadModel
	serversLoadModelV2
	serversLoadVAE
	serversVerifyModel
	serversModels
	serversDeleteModel
	serversSyncModels
	serversSchedulers
	serversUpdateS3
	serversResetS3
	serversFetch
	serversFetchImages

	endpointCount
)

// enterprise is where the dedicated servers are.
const enterprise = "/api/v1/enterprise"

func generationRows(rows *[endpointCount]Endpoint) {
	// put fills rows one after the other from the first.
	put := func(first endpoint, list ...Endpoint) {
		for i, e := range list {
			e.Limiter = LimiterGeneration
			if e.Known == "" {
				e.Known = "docs"
				if strings.HasPrefix(e.Path, "/api/v7/") && !strings.HasPrefix(e.Path, "/api/v7/llm/") {
					e.Known = "skill"
				}
			}
			rows[first+endpoint(i)] = e
		}
	}
	// A submission pays for a job and takes no key.
	job := func(name, call, path string, fetch endpoint) Endpoint {
		return Endpoint{Name: name, Call: "Generation." + call, Method: post, Path: path, Repeat: RepeatOnce, Spends: true, Job: true, fetch: fetch}
	}
	// ask reads, whatever its method.
	ask := func(name, call, method, path string) Endpoint {
		return Endpoint{Name: name, Call: "Generation." + call, Method: method, Path: path, Repeat: RepeatSafe}
	}
	fetch := func(name, path string) Endpoint { return ask(name, "Fetch", post, path) }
	do := func(name, call, path string) Endpoint {
		return Endpoint{Name: name, Call: "Generation." + call, Method: post, Path: path, Repeat: RepeatOnce}
	}
	pay := func(name, call, path string) Endpoint {
		e := do(name, call, path)
		e.Spends = true
		return e
	}

	put(
		imagesTextToImage,
		job("images.text2img", "Images.TextToImage", "/api/v6/images/text2img", imagesFetch),
		job("images.img2img", "Images.ImageToImage", "/api/v6/images/img2img", imagesFetch),
		job("images.inpaint", "Images.Inpaint", "/api/v6/images/inpaint", imagesFetch),
		fetch("images.fetch", "/api/v6/images/fetch/{id}"),
		fetch("images.fetch_by_body", "/api/v6/images/fetch"), // where the path's form is not found
		job("images.controlnet", "Images.ControlNet", "/api/v5/controlnet", imagesFetchV5),
		ask("images.fetch_v5", "Fetch", get, "/api/v5/images/fetch/{id}"),
		job("realtime.text2img", "Images.RealtimeTextToImage", "/api/v6/realtime/text2img", realtimeFetch),
		job("realtime.img2img", "Images.RealtimeImageToImage", "/api/v6/realtime/img2img", realtimeFetch),
		job("realtime.inpaint", "Images.RealtimeInpaint", "/api/v6/realtime/inpaint", realtimeFetch),
		fetch("realtime.fetch", "/api/v6/realtime/fetch/{id}"),
		job("images.text_to_image_v7", "Images.TextToImageV7", "/api/v7/images/text-to-image", imagesFetchV7),
		job("images.image_to_image_v7", "Images.ImageToImageV7", "/api/v7/images/image-to-image", imagesFetchV7),
		job("images.inpaint_v7", "Images.InpaintV7", "/api/v7/images/inpaint", imagesFetchV7),
		fetch("images.fetch_v7", "/api/v7/images/fetch/{id}"),
	)
	put(
		videoTextToVideo,
		job("video.text2video", "Video.TextToVideo", "/api/v6/video/text2video", videoFetch),
		job("video.text2video_ultra", "Video.TextToVideoUltra", "/api/v6/video/text2video_ultra", videoFetch),
		job("video.img2video", "Video.ImageToVideo", "/api/v6/video/img2video", videoFetch),
		job("video.img2video_ultra", "Video.ImageToVideoUltra", "/api/v6/video/img2video_ultra", videoFetch),
		job("video.video2video", "Video.VideoToVideo", "/api/v6/video/video2video", videoFetch),
		job("video.watermark_remover", "Video.WatermarkRemover", "/api/v6/video/watermark_remover", videoFetch),
		fetch("video.fetch", "/api/v6/video/fetch/{id}"),
		job("video.text_to_video_v7", "Video.TextToVideoV7", "/api/v7/video-fusion/text-to-video", videoFetchV7),
		job("video.image_to_video_v7", "Video.ImageToVideoV7", "/api/v7/video-fusion/image-to-video", videoFetchV7),
		job("video.video_to_video_v7", "Video.VideoToVideoV7", "/api/v7/video-fusion/video-to-video", videoFetchV7),
		job("video.lip_sync", "Video.LipSync", "/api/v7/video-fusion/lip-sync", videoFetchV7),
		job("video.motion_control", "Video.MotionControl", "/api/v7/video-fusion/motion-control", videoFetchV7),
		fetch("video.fetch_v7", "/api/v7/video-fusion/fetch/{id}"),
	)
	put(
		voiceTextToSpeech,
		job("voice.text_to_speech", "Audio.TextToSpeech", "/api/v6/voice/text_to_speech", voiceFetch),
		job("voice.text_to_audio", "Audio.TextToAudio", "/api/v6/voice/text_to_audio", voiceFetch),
		job("voice.voice_to_voice", "Audio.VoiceToVoice", "/api/v6/voice/voice_to_voice", voiceFetch),
		job("voice.voice_cover", "Audio.VoiceCover", "/api/v6/voice/voice_cover", voiceFetch),
		job("voice.voice_design", "Audio.VoiceDesign", "/api/v6/voice/voice_design", voiceFetch),
		job("voice.create_dubbing", "Audio.CreateDubbing", "/api/v6/voice/create_dubbing", voiceFetch),
		job("voice.music_gen", "Audio.MusicGen", "/api/v6/voice/music_gen", voiceFetch),
		job("voice.sfx", "Audio.SFX", "/api/v6/voice/sfx", voiceFetch),
		job("voice.song_generator", "Audio.SongGenerator", "/api/v6/voice/song_generator", voiceFetch),
		job("voice.lyrics_generator", "Audio.LyricsGenerator", "/api/v6/voice/lyrics_generator", voiceFetch),
		job("voice.speech_to_text", "Audio.SpeechToText", "/api/v6/voice/speech_to_text", voiceFetch),
		job("voice.vocal_isolator", "Audio.VocalIsolator", "/api/v6/voice/vocal_isolator", voiceFetch),
		pay("voice.voice_upload", "Audio.VoiceUpload", "/api/v6/voice/voice_upload"),
		ask("voice.voice_list", "Audio.Voices", post, "/api/v6/voice/voice_list"),
		fetch("voice.fetch", "/api/v6/voice/fetch/{id}"),
		job("voice.text_to_speech_v7", "Audio.TextToSpeechV7", "/api/v7/voice/text-to-speech", voiceFetchV7),
		job("voice.speech_to_text_v7", "Audio.SpeechToTextV7", "/api/v7/voice/speech-to-text", voiceFetchV7),
		job("voice.speech_to_speech", "Audio.SpeechToSpeech", "/api/v7/voice/speech-to-speech", voiceFetchV7),
		job("voice.music_gen_v7", "Audio.MusicGenV7", "/api/v7/voice/music-gen", voiceFetchV7),
		job("voice.sound_generation", "Audio.SoundGeneration", "/api/v7/voice/sound-generation", voiceFetchV7),
		job("voice.create_dubbing_v7", "Audio.CreateDubbingV7", "/api/v7/voice/create-dubbing", voiceFetchV7),
		job("voice.song_extender", "Audio.SongExtender", "/api/v7/voice/song-extender", voiceFetchV7),
		job("voice.song_inpaint", "Audio.SongInpaint", "/api/v7/voice/song-inpaint", voiceFetchV7),
		fetch("voice.fetch_v7", "/api/v7/voice/fetch/{id}"),
	)
	put(
		threeDTextTo3D,
		job("threed.text_to_3d", "ThreeD.TextTo3D", "/api/v6/3d/text_to_3d", threeDFetch),
		job("threed.image_to_3d", "ThreeD.ImageTo3D", "/api/v6/3d/image_to_3d", threeDFetch),
		fetch("threed.fetch", "/api/v6/3d/fetch/{id}"),
	)
	put(
		editingRemoveBackground,
		job("image_editing.removebg_mask", "Editing.RemoveBackground", "/api/v6/image_editing/removebg_mask", editingFetch),
		job("image_editing.super_resolution", "Editing.SuperResolution", "/api/v6/image_editing/super_resolution", editingFetch),
		job("image_editing.caption", "Editing.Caption", "/api/v6/image_editing/caption", editingFetch),
		job("image_editing.face_gen", "Editing.FaceGen", "/api/v6/image_editing/face_gen", editingFetch),
		job("image_editing.fashion", "Editing.Fashion", "/api/v6/image_editing/fashion", editingFetch),
		job("image_editing.qwen_edit", "Editing.QwenEdit", "/api/v6/image_editing/qwen_edit", editingFetch),
		job("image_editing.flux_headshot", "Editing.FluxHeadshot", "/api/v6/image_editing/flux_headshot", editingFetch),
		job("image_editing.head_shot", "Editing.HeadShot", "/api/v6/image_editing/head_shot", editingFetch),
		job("image_editing.img_mixer", "Editing.ImageMixer", "/api/v6/image_editing/img_mixer", editingFetch),
		job("image_editing.inpaint", "Editing.Inpaint", "/api/v6/image_editing/inpaint", editingFetch),
		job("image_editing.mask_creator", "Editing.MaskCreator", "/api/v6/image_editing/mask_creator", editingFetch),
		job("image_editing.object_removal", "Editing.ObjectRemoval", "/api/v6/image_editing/object_removal", editingFetch),
		job("image_editing.outpaint", "Editing.Outpaint", "/api/v6/image_editing/outpaint", editingFetch),
		fetch("image_editing.fetch", "/api/v6/image_editing/fetch/{id}"),
	)
	put(
		interiorMake,
		job("interior.make", "Interior.Make", "/api/v6/interior/make", interiorFetch),
		job("interior.floor_planning", "Interior.FloorPlanning", "/api/v6/interior/floor_planning", interiorFetch),
		job("interior.room_decorator", "Interior.RoomDecorator", "/api/v6/interior/room_decorator", interiorFetch),
		job("interior.scenario_changer", "Interior.ScenarioChanger", "/api/v6/interior/scenario_changer", interiorFetch),
		job("interior.sketch_rendering", "Interior.SketchRendering", "/api/v6/interior/sketch_rendering", interiorFetch),
		job("interior.exterior_restorer", "Interior.ExteriorRestorer", "/api/v6/interior/exterior_restorer", interiorFetch),
		job("interior.object_removal", "Interior.ObjectRemoval", "/api/v6/interior/object_removal", interiorFetch),
		job("interior.interior_mixer", "Interior.Mixer", "/api/v6/interior/interior_mixer", interiorFetch),
		fetch("interior.fetch", "/api/v6/interior/fetch/{id}"),
	)
	put(
		faceSwapSingle,
		job("faceswap.single_face_swap", "FaceSwap.Single", "/api/v6/faceswap/single_face_swap", faceSwapFetch),
		job("faceswap.multiple_face_swap", "FaceSwap.Multiple", "/api/v6/faceswap/multiple_face_swap", faceSwapFetch),
		job("faceswap.single_video_swap", "FaceSwap.SingleVideo", "/api/v6/faceswap/single_video_swap", faceSwapFetch),
		job("faceswap.specific_video_swap", "FaceSwap.SpecificVideo", "/api/v6/faceswap/specific_video_swap", faceSwapFetch),
		fetch("faceswap.fetch", "/api/v6/faceswap/fetch/{id}"),
	)
	put(
		chatCompletions,
		pay("chat.completions", "Chat.Complete", "/api/v7/llm/chat/completions"),
		pay("chat.messages", "Chat.Message", "/api/v7/llm/v1/messages"),
		ask("chat.count_tokens", "Chat.CountTokens", post, "/api/v7/llm/v1/messages/count_tokens"),
		ask("chat.models", "Chat.Models", get, "/api/v7/llm/v1/models"),
	)
	put(
		// To upload a file again makes another link to it, and no harm.
		uploadsFile,
		ask("uploads.file", "Uploads.File", post, "/api/v6/base64_to_url"),
		ask("uploads.image", "Uploads.Image", post, "/api/v6/image_editing/base64_to_url"),
		ask("uploads.video", "Uploads.Video", post, "/api/v6/video/base64_to_url"),
		ask("uploads.audio", "Uploads.Audio", post, "/api/v6/voice/base64_to_url"),
		ask("uploads.threed", "Uploads.ThreeD", post, "/api/v6/3d/base64_to_url"),
		ask("uploads.base64_crop", "Uploads.Crop", post, "/api/v3/base64_crop"),
		ask("uploads.server_image", "Uploads.ServerImage", post, enterprise+"/upload_image"),
	)
	put(
		trainingCreate,
		job("training.lora_fine_tune", "Training.Create", "/api/v3/lora_fine_tune", trainingStatus),
		ask("training.status", "Training.Status", post, "/api/v3/fine_tune_status/{training_id}"),
		ask("training.list", "Training.List", post, "/api/v3/finetune_list"),
		do("training.delete", "Training.Delete", "/api/v3/finetune/delete/{training_id}"),
		do("training.cancel", "Training.Cancel", "/api/v3/cancel_training/{training_id}"),
		do("training.cancel_by_page", "Training.Cancel", "/api/v3/cancle_training/{training_id}"), // so spelled on the page
	)
	put(
		workflowsList,
		ask("workflows.list", "Workflows.List", get, "/api/v1/workflows"),
		ask("workflows.get", "Workflows.Get", get, "/api/v1/workflows/{workflow_id}"),
		job("workflows.run", "Workflows.Run", "/api/v1/workflows/{workflow_id}/run", workflowsExecution),
		ask("workflows.execution", "Workflows.Execution", get, "/api/v1/workflows/{workflow_id}/runs/{execution_id}"),
		do("workflows.cancel", "Workflows.Cancel", "/api/v1/workflows/{workflow_id}/runs/{execution_id}/cancel"),
	)
	put(
		modelSearch,
		ask("model_search.search", "Models.Search", get, "/api/v6/model-search"),
		ask("model_search.filters", "Models.Filters", get, "/api/v6/model-search/filters"),
		ask("model_search.tags", "Models.Tags", get, "/api/v6/model-search/tags"),
		ask("model_search.providers", "Models.Providers", get, "/api/v6/model-search/providers"),
		ask("model_search.get", "Models.Get", get, "/api/v6/model-search/{modelId}"),
		ask("model_search.search_v7", "Models.SearchV7", get, "/api/v7/models"),
		ask("model_ops.list", "Models.List", post, "/api/v4/dreambooth/model_list"),
		pay("model_ops.load", "Models.Load", "/api/v3/load_model"),
		do("model_ops.reload", "Models.Reload", "/api/v6/images/model_reload"),
	)
	put(
		jobsDelete,
		do("general.delete_image", "Delete", "/api/v3/delete_image"),
		ask("general.assets_generated", "Assets", post, "/api/v6/assets_generated"),
		ask("general.assets_generated_by_spec", "Assets", post, "/api/assets_generated"), // where the page's path is not found
		ask("general.request_count", "ProcessingCount", post, "/api/v6/processing/request_count"),
		ask("general.wallet_balance", "WalletBalance", post, "/api/wallet_balance"),
	)
	put(
		serversRestart,
		do("servers.restart_server", "Servers.Restart", enterprise+"/{server}/restart_server"),
		do("servers.update_server", "Servers.Update", enterprise+"/{server}/update_server"),
		ask("servers.system_details", "Servers.Details", post, enterprise+"/{server}/system_details"),
		do("servers.clear_cache", "Servers.ClearCache", enterprise+"/{server}/clear_cache"),
		do("servers.clear_queue", "Servers.ClearQueue", enterprise+"/{server}/clear_queue"),
		// The server for images has no name in its path.
		do("servers.restart_server_images", "Servers.Restart", enterprise+"/restart_server"),
		do("servers.update_server_images", "Servers.Update", enterprise+"/update_server"),
		ask("servers.system_details_images", "Servers.Details", post, enterprise+"/system_details"),
		do("servers.clear_cache_images", "Servers.ClearCache", enterprise+"/clear_cache"),
		do("servers.clear_queue_images", "Servers.ClearQueue", enterprise+"/clear_queue"),
		do("servers.load_model", "Servers.LoadModel", enterprise+"/load_model"),
		do("servers.load_model_v2", "Servers.LoadModelV2", enterprise+"/load_model_v2"),
		do("servers.load_vae", "Servers.LoadVAE", enterprise+"/load_vae"),
		ask("servers.verify_model", "Servers.VerifyModel", post, enterprise+"/verify_model"),
		ask("servers.get_all_models", "Servers.Models", post, enterprise+"/get_all_models"),
		do("servers.delete_model", "Servers.DeleteModel", enterprise+"/delete_model"),
		do("servers.sync_models", "Servers.SyncModels", enterprise+"/sync_models"),
		ask("servers.schedulers_list", "Servers.Schedulers", post, enterprise+"/schedulers_list"),
		do("servers.update_s3", "Servers.UpdateS3", enterprise+"/update_s3"),
		do("servers.reset_s3", "Servers.ResetS3", enterprise+"/reset_s3"),
		fetch("servers.fetch", enterprise+"/{server}/fetch/{id}"),
		fetch("servers.fetch_images", enterprise+"/fetch"),
	)
	for row, name := range map[endpoint]string{
		modelSearch: "models", modelsList: "models", serversModels: "models", serversSchedulers: "schedulers", voiceVoiceList: "voices",
	} {
		rows[row].list = name
	}
}
