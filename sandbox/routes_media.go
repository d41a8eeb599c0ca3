package sandbox

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
)

// mediaKind is what a job makes.
type mediaKind string

const (
	makesImage mediaKind = "image"
	makesVoice mediaKind = "voice"
	makesVideo mediaKind = "video"
	makesSolid mediaKind = "3d"
	makesText  mediaKind = "text"
)

// textPlace is where an answer has a text: sources disagree, and so do the endpoints here.
type textPlace int

const (
	inLinkedFile textPlace = iota // the first of output is a link to it, as all other media
	inList                        // it is the first of output
	inPlace                       // it is output itself
)

// mediaJob is an endpoint that makes something.
type mediaJob struct {
	name, path string
	makes      mediaKind
	params     []param
	further    func(*call) string // a complaint that a table cannot make

	family  string // where to ask how far it is, without /fetch/{id}; ids belong to it
	queued  bool   // it never answers with a result at once
	encodes bool   // base64 asks for base64 in output
	links   bool   // results stand in links
	text    textPlace
	brief   bool // results live for a day
}

// Families whose answers differ from all others.
const (
	editing  = "/api/v6/image_editing"
	fifth    = "/api/v5/images" // ControlNet's
	ordinary = "/api/v6/images"
)

// everyJob holds the fields that every job takes.
const everyJob = `
	webhook text
	track_id any
	seed int 0..
	negative_prompt text
`

// Fields that several endpoints share.
const (
	pictureSize = `
		width int 256..1024/8
		height int 256..1024/8
		samples int 1..4
	`
	// Steps above 20 are capped for some models, not refused, and 50 is the most for any.
	diffusion = `
		guidance_scale number 1..20
		num_inference_steps int 1..50
		enhance_prompt bool
		safety_checker bool
		safety_checker_type text of:blur,sensitive_content_text,pixelate,black
		use_karras_sigmas bool
		algorithm_type text
		vae text
		lora_model text
		lora_strength any
		clip_skip int 1..8
		base64 bool
		temp bool
		instant_response bool
		ip_adapter_id text
		ip_adapter_scale number 0..1
		ip_adapter_image image base64
		scheduler text
		multi_lingual bool
		upscale bool
		highres_fix bool
		injected_noise_alpha number 0..1
		sigma_threshold number 0..1
		true_cfg_scale number 0..10
		use_cfg_zero_star bool
		use_zero_init bool
		zero_steps int 0..50
	`
	fromPicture = `
		init_image! image base64
		init_image_2 image base64
		strength number 0..1
		guidance number 0..20
	`
	realtime = pictureSize + `
		prompt! text
		safety_checker bool
		instant_response bool
		base64 bool
		strength number 0..1
		guidance_scale number 1..20
		num_inference_steps int 1..50
	`
	pictureV7 = pictureSize + `
		prompt! text
		model_id! text
		aspect_ratio text
		strength number 0..1
		num_inference_steps int 1..50
		guidance_scale number 1..20
		scheduler text
		lora_model text
		instant_response bool
		base64 bool
	`
	smallVideo = `
		model_id! text
		width int 1..512
		height int 1..512
		num_frames int 1..25
		num_inference_steps int 1..50
		fps int 1..16
		output_type text of:mp4,gif
		instant_response bool
		temp bool
	`
	ultraVideo = `
		model_id! text
		prompt! text
		num_frames int 1..
		guidance_scale number 0..8
		fps int 1..18
		portrait bool
		sample_shift|shift_sample int 0..10
		temp bool
	`
	videoV7 = `
		model_id! text
		aspect_ratio text
		duration any
		resolution text
		fps int 1..
		enhance_prompt bool
		portrait bool
		camera_fixed bool
		generate_audio bool
	`
	solid = `
		output_format text of:obj,stl,ply,glb
		render bool
		resolution int 1..512
		ss_guidance_strength number
		ss_sampling_steps int 1..50
		slat_guidance_strength number 0..10
		slat_sampling_steps int 1..50
		mesh_simplify number 0.9..0.98
		chunk_size int 1..12000
		temp yesno
	`
	portrait = `
		prompt! text
		face_image! image bare
		safety_checker bool
		safety_checker_type text of:black,blur,sensitive_content_text,pixelate
		base64 bool
	`
	room = `
		init_image! image
		strength number 0..10
		base64 bool
		num_inference_steps int 1..
		guidance_scale int 1..
		temp bool
		scale_down int 1..
		specific_object text
	`
	swap = `
		init_image! image base64
		watermark bool
		base64 bool
	`
	videoSwap = `
		init_image! image
		init_video! video
		output_format text of:mp4,gif,avi,mov
		watermark bool
	`
)

// mediaJobs are the endpoints that make something. They are read only; reading their tables
// takes longer than all else that makes a server.
var mediaJobs = sync.OnceValue(readMediaJobs)

func readMediaJobs() []*mediaJob {
	list := []*mediaJob{
		{name: "images.text2img", path: "/api/v6/images/text2img", makes: makesImage, encodes: true, params: params("prompt! text \n model_id! text" + pictureSize + diffusion), further: loras},
		{name: "images.img2img", path: "/api/v6/images/img2img", makes: makesImage, encodes: true, params: params("prompt text \n model_id! text" + pictureSize + diffusion + fromPicture), further: kontext},
		{name: "images.inpaint", path: "/api/v6/images/inpaint", makes: makesImage, encodes: true, params: params("prompt text \n model_id! text \n mask_image! image base64 \n steps int 1..50" + pictureSize + diffusion + fromPicture), further: loras},
		{name: "images.controlnet", path: "/api/v5/controlnet", family: fifth, makes: makesImage, encodes: true, further: controlNet, params: params(`
			prompt text
			model_id text
			controlnet_model text
			controlnet_type text
			auto_hint yesno
			guess_mode yesno
			init_image image base64
			control_image image base64
			mask_image image base64
			width int 64..1024
			height int 64..1024
			samples int 1..4
			scheduler text
			tomesd yesno
			use_karras_sigmas yesno
			algorithm_type text of:dpmsolver+++,none
			vae text
			lora_model text
			lora_strength any
			num_inference_steps int 1..50
			safety_checker yesno
			ip_adapter_id text
			ip_adapter_scale number 0..1
			ip_adapter_image image base64
			enhance_prompt yesno
			controlnet_conditioning_scale number 0.1..5
			strength number 0..1
			guidance_scale number 1..20
			upscale yesno
			clip_skip int 1..8
			base64 yesno
			temp yesno
		`)},
		{name: "realtime.text2img", path: "/api/v6/realtime/text2img", makes: makesImage, encodes: true, params: params(realtime)},
		{name: "realtime.img2img", path: "/api/v6/realtime/img2img", makes: makesImage, encodes: true, params: params(realtime + "init_image! image")},
		{name: "realtime.inpaint", path: "/api/v6/realtime/inpaint", makes: makesImage, encodes: true, params: params(realtime + "init_image! image \n mask_image! image")},
		{name: "images.text_to_image_v7", path: "/api/v7/images/text-to-image", makes: makesImage, params: params(pictureV7)},
		{name: "images.image_to_image_v7", path: "/api/v7/images/image-to-image", makes: makesImage, params: params(pictureV7 + "init_image! images 14 items \n init_image_2 image")},
		{name: "images.inpaint_v7", path: "/api/v7/images/inpaint", makes: makesImage, params: params(pictureV7 + "init_image! images 14 items \n mask_image! image")},

		{name: "video.text2video", path: "/api/v6/video/text2video", makes: makesVideo, params: params(smallVideo + `
			prompt! text
			guidance_scale number 0..8
			clip_skip int 1..2
			upscale_height int 1..1024
			upscale_width int 1..1024
			upscale_strength number 0..1
			upscale_guidance_scale number 0..12
			upscale_num_inference_steps int 1..50
			use_improved_sampling bool
			improved_sampling_seed int
		`)},
		{name: "video.text2video_ultra", path: "/api/v6/video/text2video_ultra", makes: makesVideo, params: params(ultraVideo + "resolution int 1..480 \n num_inference_steps int 1..30")},
		{name: "video.img2video", path: "/api/v6/video/img2video", makes: makesVideo, params: params(smallVideo + `
			prompt text
			init_image! image
			min_guidance_scale number 1..8
			max_guidance_scale number 1..8
			motion_bucket_id int
			noise_aug_strength number 0..1
		`)},
		{name: "video.img2video_ultra", path: "/api/v6/video/img2video_ultra", makes: makesVideo, params: params(ultraVideo + `
			init_image! image base64
			base64 bool
			resolution int 1..720
			num_inference_steps int 1..25
		`)},
		{name: "video.video2video", path: "/api/v6/video/video2video", makes: makesVideo, params: params(`
			init_image! image
			init_video! video
			to_animate bool
			resolution int 1..720
			num_inference_steps int 1..10
		`)},
		{name: "video.watermark_remover", path: "/api/v6/video/watermark_remover", makes: makesVideo, params: params("init_video! video")},
		{name: "video.text_to_video_v7", path: "/api/v7/video-fusion/text-to-video", makes: makesVideo, params: params(videoV7 + `
			prompt! text
			width int 512..1024
			height int 512..1024
			init_audio audio
		`)},
		{name: "video.image_to_video_v7", path: "/api/v7/video-fusion/image-to-video", makes: makesVideo, params: params(videoV7 + "prompt text \n init_image! images \n init_audio audio")},
		{name: "video.video_to_video_v7", path: "/api/v7/video-fusion/video-to-video", makes: makesVideo, params: params(videoV7 + `
			prompt! text
			init_video! videos
			init_image images
			seed int 0..4294967295
			public_figure_threshold text of:auto,low,medium,high
		`)},
		{name: "video.lip_sync", path: "/api/v7/video-fusion/lip-sync", makes: makesVideo, params: params("model_id! text \n prompt text \n init_video! videos \n init_audio! audio")},
		{name: "video.motion_control", path: "/api/v7/video-fusion/motion-control", makes: makesVideo, params: params(`
			model_id! text
			prompt text 2500 chars
			init_image! images
			init_video! videos
			character_orientation! text of:image,video
			mode text of:std,pro
			keep_original_sound yesno
		`)},

		{name: "voice.text_to_speech", path: "/api/v6/voice/text_to_speech", makes: makesVoice, params: params(`
			prompt! text 2500 chars
			voice_id! text
			language! text
			speed number
			emotion any
			temp any
			output_format text
		`)},
		{name: "voice.text_to_audio", path: "/api/v6/voice/text_to_audio", makes: makesVoice, params: params(`
			prompt! text
			init_audio! audio base64
			voice_id text
			language text
			speed number
			base64 bool
			temp any
		`)},
		{name: "voice.voice_to_voice", path: "/api/v6/voice/voice_to_voice", makes: makesVoice, params: params(`
			init_audio! audio bare
			target_audio! audio bare
			stream bool
			base64 bool
			temp any
		`)},
		{name: "voice.voice_cover", path: "/api/v6/voice/voice_cover", makes: makesVoice, links: true, params: params(`
			init_audio! audio bare
			model_id! text
			pitch text of:m2f,f2m,none
			algorithm text of:rmvpe,mangio-crepe
			rate number 0..1
			language text
			emotion text of:neutral,happy,sad,angry,dull
			speed number 0.5..2
			radius number 0..3
			mix number 0..1
			hop_length int
			originality number 0..1
			lead_voice_volume_delta int -5..5
			backup_voice_volume_delta int -5..5
			instrument_volume_delta int -5..5
			reverb_size number 0..1
			wetness number 0..1
			dryness number 0..1
			damping number 0..1
			base64 bool
			temp any
		`)},
		{name: "voice.voice_design", path: "/api/v6/voice/voice_design", makes: makesVoice, params: params("prompt! text 1000 chars \n voice_description! text 1000 chars \n language text")},
		{name: "voice.create_dubbing", path: "/api/v6/voice/create_dubbing", makes: makesVideo, params: params(`
			init_video! video base64
			output_lang! text of:es,fr,hi,it,pt-br,en-us,en-gb,ja,zh
			source_lang text
			file_prefix text
			voice_id text
			voice_model text
			speed number
			base64 bool
		`)},
		{name: "voice.music_gen", path: "/api/v6/voice/music_gen", makes: makesVoice, params: params(`
			prompt! text
			init_audio audio base64
			duration int 30..480
			output_format text of:wav,mp3,flac
			bitrate text of:128k,192k,320k
			base64 bool
			temp any
		`)},
		{name: "voice.sfx", path: "/api/v6/voice/sfx", makes: makesVoice, params: params("prompt! text \n duration int 3..15 \n output_format text \n bitrate text \n temp any")},
		{name: "voice.song_generator", path: "/api/v6/voice/song_generator", makes: makesVoice, further: song, params: params(`
			lyrics_generation bool
			prompt text
			caption text
			lyrics text
			init_audio audio
			duration int 30..480
			language text
			instrumental bool
		`)},
		{name: "voice.lyrics_generator", path: "/api/v6/voice/lyrics_generator", makes: makesText, text: inPlace, params: params("prompt! text \n length text of:short,long")},
		{name: "voice.speech_to_text", path: "/api/v6/voice/speech_to_text", makes: makesText, params: params("init_audio!|audio_url audio \n language!|input_language text \n timestamp_level text of:word,sentence,null")},
		{name: "voice.vocal_isolator", path: "/api/v6/voice/vocal_isolator", makes: makesVoice, params: params("init_video video base64 \n init_audio audio base64 \n base64 bool"), further: audioOrVideo},
		{name: "voice.text_to_speech_v7", path: "/api/v7/voice/text-to-speech", makes: makesVoice, params: params(`
			model_id! text
			prompt!|text text
			voice_id! text
			temperature number 0..1
			language text
		`)},
		{name: "voice.speech_to_text_v7", path: "/api/v7/voice/speech-to-text", makes: makesText, text: inPlace, params: params("model_id! text \n init_audio! audio")},
		{name: "voice.speech_to_speech", path: "/api/v7/voice/speech-to-speech", makes: makesVoice, params: params("model_id! text \n init_audio! audio \n voice_id! text")},
		{name: "voice.music_gen_v7", path: "/api/v7/voice/music-gen", makes: makesVoice, params: params("model_id! text \n prompt! text \n duration number")},
		{name: "voice.sound_generation", path: "/api/v7/voice/sound-generation", makes: makesVoice, params: params("model_id! text \n prompt! text \n duration number 1..22")},
		{name: "voice.create_dubbing_v7", path: "/api/v7/voice/create-dubbing", makes: makesVoice, params: params("model_id! text \n target_language! text \n init_audio audio \n init_video video"), further: audioOrVideo},
		{name: "voice.song_extender", path: "/api/v7/voice/song-extender", makes: makesVoice, params: params(`
			model_id! text
			init_audio! audio
			prompt text
			extend_duration number 0..85
			side text of:left,right
		`)},
		{name: "voice.song_inpaint", path: "/api/v7/voice/song-inpaint", makes: makesVoice, params: params("model_id! text \n init_audio! audio \n prompt text \n lyrics text \n sections texts")},

		{name: "threed.text_to_3d", path: "/api/v6/3d/text_to_3d", makes: makesSolid, params: params("prompt! text \n guidance_scale number \n num_inference_steps int \n foreground_ratio number \n remove_bg bool" + solid)},
		{name: "threed.image_to_3d", path: "/api/v6/3d/image_to_3d", makes: makesSolid, params: params("init_image!|image image \n multi_image bool" + solid)},

		{name: "image_editing.removebg_mask", path: "/api/v6/image_editing/removebg_mask", makes: makesImage, encodes: true, params: params(`
			image! image bare
			alpha_matting bool
			post_process_mask bool
			only_mask bool
			inverse_mask bool
			base64 bool
			alpha_matting_foreground_threshold int 0..240
			alpha_matting_background_threshold int 0..20
			alpha_matting_erode_size int 0..5
		`)},
		{name: "image_editing.super_resolution", path: "/api/v6/image_editing/super_resolution", makes: makesImage, params: params("init_image! image \n model_id text \n scale int 1.. \n face_enhance bool")},
		{name: "image_editing.caption", path: "/api/v6/image_editing/caption", makes: makesText, text: inList, params: params("init_image! image \n length text of:short,normal,long \n base64 bool")},
		{name: "image_editing.face_gen", path: "/api/v6/image_editing/face_gen", makes: makesImage, encodes: true, brief: true, params: params(portrait + `
			width int 1..512
			height int 1..768
			num_inference_steps int 1..50
			guidance_scale number 1..20
			s_scale number 0..2
			samples int 1..2
			style text of:comic,chibi,3d,anime,realistic
		`)},
		{name: "image_editing.fashion", path: "/api/v6/image_editing/fashion", makes: makesImage, params: params(`
			init_image! image
			cloth_image! image
			cloth_type! text of:upper_body,lower_body,dresses
			prompt text
			num_inference_steps int 1..50
			temp yesno
			guidance_scale number 1..20
		`)},
		{name: "image_editing.qwen_edit", path: "/api/v6/image_editing/qwen_edit", makes: makesImage, encodes: true, params: params("prompt! text \n init_image! images 4 items \n safety_checker bool \n base64 bool \n model_id text")},
		// Its description requires a seed; its page sends null.
		{name: "image_editing.flux_headshot", path: "/api/v6/image_editing/flux_headshot", makes: makesImage, params: params(portrait + `
			seed int
			width int 1..1024
			height int 1..1024
			num_inference_steps int 1..26
			guidance_scale number 1..10
			samples int 1..4
		`)},
		{name: "image_editing.head_shot", path: "/api/v6/image_editing/head_shot", makes: makesImage, encodes: true, brief: true, params: params(portrait + `
			width int 1..512
			height int 1..768
			num_inference_steps int 1..50
			guidance_scale number 1..7.5
			s_scale number 0..2
			samples int 1..2
		`)},
		{name: "image_editing.img_mixer", path: "/api/v6/image_editing/img_mixer", makes: makesImage, params: params(`
			prompt! text
			init_image! imagelist 4 items
			width int 1..1024
			height int 1..1024
			steps int 1..50
			guidance_scale number 1..20
			samples int 1..1
		`)},
		{name: "image_editing.inpaint", path: "/api/v6/image_editing/inpaint", makes: makesImage, encodes: true, params: params(`
			prompt! text
			init_image! image
			mask_image! image
			width int 1..1024
			height int 1..1024
			samples int 1..4
			num_inference_steps int 1..
			safety_checker yesno
			guidance_scale number 1..5
			strength number 0..1
			instant_response truefalse
			base64 truefalse
		`)},
		{name: "image_editing.mask_creator", path: "/api/v6/image_editing/mask_creator", makes: makesImage, encodes: true, params: params("specific_object! text \n init_image image \n base64 bool")},
		{name: "image_editing.object_removal", path: "/api/v6/image_editing/object_removal", makes: makesImage, params: params("init_image! image \n mask_image! image")},
		{name: "image_editing.outpaint", path: "/api/v6/image_editing/outpaint", makes: makesImage, params: params(`
			prompt text
			image! image base64
			width int 1..1440
			height int 1..1440
			overlap_width int 0..512
			num_inference_steps int 1..30
			guidance_scale number
			temp bool
			base64 bool
		`)},

		{name: "interior.make", path: "/api/v6/interior/make", makes: makesImage, encodes: true, params: params("prompt! text" + room)},
		{name: "interior.floor_planning", path: "/api/v6/interior/floor_planning", makes: makesImage, encodes: true, params: params("prompt! text" + room)},
		{name: "interior.room_decorator", path: "/api/v6/interior/room_decorator", makes: makesImage, encodes: true, params: params("prompt! text" + room)},
		{name: "interior.scenario_changer", path: "/api/v6/interior/scenario_changer", makes: makesImage, encodes: true, params: params("prompt! text \n scenario! text of:beach,desert,plain,taiga,mountain,snow,jungle,city,underwater,urban,forest" + room)},
		{name: "interior.sketch_rendering", path: "/api/v6/interior/sketch_rendering", makes: makesImage, encodes: true, params: params("prompt! text" + room)},
		{name: "interior.exterior_restorer", path: "/api/v6/interior/exterior_restorer", makes: makesImage, encodes: true, params: params("prompt! text" + room)},
		{name: "interior.object_removal", path: "/api/v6/interior/object_removal", makes: makesImage, encodes: true, params: params("object_name! text" + room)},
		{name: "interior.interior_mixer", path: "/api/v6/interior/interior_mixer", makes: makesImage, encodes: true, params: params("prompt! text \n object_image! image \n width int 512..2048 \n height int 512..2048" + room)},

		{name: "faceswap.single_face_swap", path: "/api/v6/faceswap/single_face_swap", makes: makesImage, params: params(swap + "target_image! image base64 \n reference_image! image base64")},
		{name: "faceswap.multiple_face_swap", path: "/api/v6/faceswap/multiple_face_swap", makes: makesImage, params: params(swap + "target_image! image base64")},
		{name: "faceswap.single_video_swap", path: "/api/v6/faceswap/single_video_swap", makes: makesVideo, params: params(videoSwap)},
		{name: "faceswap.specific_video_swap", path: "/api/v6/faceswap/specific_video_swap", makes: makesVideo, params: params(videoSwap + "reference_image! image")},
	}
	shared := params(everyJob)
	for _, m := range list {
		m.params = append(m.params, shared...)
		m.family = cmp.Or(m.family, m.path[:strings.LastIndexByte(m.path, '/')])
		m.queued = m.makes == makesVideo || m.makes == makesSolid
	}
	return list
}

// loras holds the two lists of LoRA models against each other.
func loras(c *call) string {
	if !c.has("lora_strength") || c.text("lora_model") == "" {
		return ""
	}
	models := strings.Split(c.text("lora_model"), ",")
	strengths := strings.Split(fmt.Sprint(c.fields["lora_strength"]), ",")
	if len(models) != len(strengths) {
		return "lora_model and lora_strength must have the same number of values"
	}
	for _, text := range strengths {
		if n, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil || math.IsNaN(n) || n < 0.1 || n > 1 {
			return "lora_strength must be between 0.1 and 1"
		}
	}
	return ""
}

// kontext is the one model of image to image that cannot do without a prompt.
func kontext(c *call) string {
	if c.text("model_id") == "flux-kontext-dev" && c.text("prompt") == "" {
		return "prompt is required"
	}
	return loras(c)
}

// controlNet asks the type to be that of the model.
func controlNet(c *call) string {
	model, kind := c.text("controlnet_model"), c.text("controlnet_type")
	if model != "" && kind != "" && len(strings.Split(model, ",")) == 1 && model != kind {
		return "controlnet_type must match controlnet_model"
	}
	return loras(c)
}

// song asks for what is to be sung, or for what the lyrics are to be about.
func song(c *call) string {
	needed := []string{"lyrics"}
	if c.set("lyrics_generation") {
		needed = []string{"prompt", "caption"}
	} else if c.set("instrumental") {
		needed = nil
	}
	for _, name := range needed {
		if c.text(name) == "" {
			return name + " is required"
		}
	}
	return ""
}

func audioOrVideo(c *call) string {
	if c.text("init_audio") == "" && c.text("init_video") == "" {
		return "init_audio is required"
	}
	return ""
}

// mediaRoutes are the jobs that make media, the calls that ask for them, uploads, and what
// an account can ask about its own.
func mediaRoutes() []route {
	post := func(name, path string, handle func(*Server, *call) answer) route {
		return route{name, "POST", path, SurfaceGeneration, "", open, !keyed, handle}
	}
	get := func(name, path string, handle func(*Server, *call) answer) route {
		return route{name, "GET", path, SurfaceGeneration, "", open, !keyed, handle}
	}
	var rows []route
	for _, m := range mediaJobs() {
		rows = append(rows, post(m.name, m.path, func(s *Server, c *call) answer { return s.submit(c, m) }))
	}
	for _, f := range []struct{ name, family string }{
		{"images.fetch", "/api/v6/images"},
		{"images.fetch_v7", "/api/v7/images"},
		{"realtime.fetch", "/api/v6/realtime"},
		{"video.fetch", "/api/v6/video"},
		{"video.fetch_v7", "/api/v7/video-fusion"},
		{"voice.fetch", "/api/v6/voice"},
		{"voice.fetch_v7", "/api/v7/voice"},
		{"threed.fetch", "/api/v6/3d"},
		{"image_editing.fetch", editing},
		{"interior.fetch", "/api/v6/interior"},
		{"faceswap.fetch", "/api/v6/faceswap"},
	} {
		rows = append(rows, post(f.name, f.family+"/fetch/{id}", func(s *Server, c *call) answer {
			return s.fetchJob(c, f.family, c.params["id"])
		}))
	}
	rows = append(rows,
		post("images.fetch_by_body", "/api/v6/images/fetch", (*Server).fetchByBody),
		get("images.fetch_v5", "/api/v5/images/fetch/{id}", (*Server).fetchWithoutKey),

		post("voice.voice_upload", "/api/v6/voice/voice_upload", (*Server).uploadVoice),
		post("voice.voice_list", "/api/v6/voice/voice_list", (*Server).listVoices),

		post("general.delete_image", "/api/v3/delete_image", (*Server).deleteMedia),
		post("general.assets_generated", "/api/v6/assets_generated", (*Server).assets),
		post("general.assets_generated_by_spec", "/api/assets_generated", (*Server).assets),
		post("general.request_count", "/api/v6/processing/request_count", (*Server).requestCount),
		get("general.request_count_by_get", "/api/v6/processing/request_count", (*Server).requestCount),
		post("general.wallet_balance", "/api/wallet_balance", (*Server).generationBalance),
	)
	for _, u := range uploads() {
		rows = append(rows, post(u.name, u.path, func(s *Server, c *call) answer { return s.upload(c, u) }))
	}
	return rows
}
