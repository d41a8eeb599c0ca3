package sandbox_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

const (
	aPicture = "https://files.example/cat.png"
	aFilm    = "https://files.example/cat.mp4"
	aSound   = "https://files.example/cat.wav"
)

// leastRequest is the least that an endpoint takes, as documented, without the key.
type leastRequest struct {
	path, makes string
	body        map[string]any
	inline      string // what makes it take base64: "": nothing, "bare": nothing is needed, or the value of base64
}

func with(fields ...any) map[string]any {
	body := map[string]any{}
	for i := 0; i < len(fields); i += 2 {
		body[fields[i].(string)] = fields[i+1]
	}
	return body
}

func leastRequests() []leastRequest {
	const image, video, voice, solid, text = "image", "video", "voice", "3d", "text"
	v6, v7 := "/api/v6/", "/api/v7/"
	return []leastRequest{
		{v6 + "images/text2img", image, with("model_id", "flux", "prompt", "a lake"), ""},
		{v6 + "images/img2img", image, with("model_id", "flux", "init_image", aPicture), "true"},
		{v6 + "images/inpaint", image, with("model_id", "flux", "init_image", aPicture, "mask_image", aPicture), "true"},
		{"/api/v5/controlnet", image, with(), ""},
		{v6 + "realtime/text2img", image, with("prompt", "a lake"), ""},
		{v6 + "realtime/img2img", image, with("prompt", "a lake", "init_image", aPicture), ""},
		{v6 + "realtime/inpaint", image, with("prompt", "a lake", "init_image", aPicture, "mask_image", aPicture), ""},
		{v7 + "images/text-to-image", image, with("model_id", "flux", "prompt", "a lake"), ""},
		{v7 + "images/image-to-image", image, with("model_id", "flux", "prompt", "a lake", "init_image", aPicture), ""},
		{v7 + "images/inpaint", image, with("model_id", "flux", "prompt", "a lake", "init_image", aPicture, "mask_image", aPicture), ""},

		{v6 + "video/text2video", video, with("model_id", "cogvideox", "prompt", "a lake"), ""},
		{v6 + "video/text2video_ultra", video, with("model_id", "wan2.2", "prompt", "a lake"), ""},
		{v6 + "video/img2video", video, with("model_id", "svd", "init_image", aPicture), ""},
		{v6 + "video/img2video_ultra", video, with("model_id", "wan2.2", "prompt", "a lake", "init_image", aPicture), "true"},
		{v6 + "video/video2video", video, with("init_image", aPicture, "init_video", aFilm), ""},
		{v6 + "video/watermark_remover", video, with("init_video", aFilm), ""},
		{v7 + "video-fusion/text-to-video", video, with("model_id", "wan2.2", "prompt", "a lake"), ""},
		{v7 + "video-fusion/image-to-video", video, with("model_id", "wan2.2", "init_image", aPicture), ""},
		{v7 + "video-fusion/video-to-video", video, with("model_id", "gen4", "prompt", "a lake", "init_video", aFilm), ""},
		{v7 + "video-fusion/lip-sync", video, with("model_id", "sync", "init_video", aFilm, "init_audio", aSound), ""},
		{v7 + "video-fusion/motion-control", video, with("model_id", "kling", "init_image", aPicture, "init_video", aFilm, "character_orientation", "image"), ""},

		{v6 + "voice/text_to_speech", voice, with("prompt", "hello", "voice_id", "tara", "language", "american english"), ""},
		{v6 + "voice/text_to_audio", voice, with("prompt", "hello", "init_audio", aSound), "true"},
		{v6 + "voice/voice_to_voice", voice, with("init_audio", aSound, "target_audio", aSound), "bare"},
		{v6 + "voice/voice_cover", voice, with("init_audio", aSound, "model_id", "stage-tenor"), "bare"},
		{v6 + "voice/voice_design", voice, with("prompt", "hello", "voice_description", "old and kind"), ""},
		{v6 + "voice/create_dubbing", video, with("init_video", aFilm, "output_lang", "es"), "true"},
		{v6 + "voice/music_gen", voice, with("prompt", "a waltz"), ""},
		{v6 + "voice/sfx", voice, with("prompt", "a door"), ""},
		{v6 + "voice/song_generator", voice, with("lyrics", "[Verse 1] la"), ""},
		{v6 + "voice/lyrics_generator", text, with("prompt", "the sea"), ""},
		{v6 + "voice/speech_to_text", text, with("init_audio", aSound, "language", "en"), ""},
		{v6 + "voice/vocal_isolator", voice, with("init_audio", aSound), "true"},
		{v7 + "voice/text-to-speech", voice, with("model_id", "eleven_multilingual_v2", "prompt", "hello", "voice_id", "x"), ""},
		{v7 + "voice/speech-to-text", text, with("model_id", "scribe_v1", "init_audio", aSound), ""},
		{v7 + "voice/speech-to-speech", voice, with("model_id", "eleven_english_sts_v2", "init_audio", aSound, "voice_id", "x"), ""},
		{v7 + "voice/music-gen", voice, with("model_id", "music_v1", "prompt", "a waltz"), ""},
		{v7 + "voice/sound-generation", voice, with("model_id", "eleven_sound_effect", "prompt", "a door"), ""},
		{v7 + "voice/create-dubbing", voice, with("model_id", "dub", "init_audio", aSound, "target_language", "es"), ""},
		{v7 + "voice/song-extender", voice, with("model_id", "ace", "init_audio", aSound), ""},
		{v7 + "voice/song-inpaint", voice, with("model_id", "ace", "init_audio", aSound), ""},

		{v6 + "3d/text_to_3d", solid, with("prompt", "a dog"), ""},
		{v6 + "3d/image_to_3d", solid, with("init_image", aPicture), ""},

		{v6 + "image_editing/removebg_mask", image, with("image", aPicture), "bare"},
		{v6 + "image_editing/super_resolution", image, with("init_image", aPicture), ""},
		{v6 + "image_editing/caption", text, with("init_image", aPicture), ""},
		{v6 + "image_editing/face_gen", image, with("prompt", "a knight", "face_image", aPicture), "bare"},
		{v6 + "image_editing/fashion", image, with("init_image", aPicture, "cloth_image", aPicture, "cloth_type", "dresses"), ""},
		{v6 + "image_editing/qwen_edit", image, with("prompt", "more light", "init_image", []string{aPicture}), ""},
		{v6 + "image_editing/flux_headshot", image, with("prompt", "a knight", "face_image", aPicture), "bare"},
		{v6 + "image_editing/head_shot", image, with("prompt", "a knight", "face_image", aPicture), "bare"},
		{v6 + "image_editing/img_mixer", image, with("prompt", "both", "init_image", []string{aPicture, aPicture}), ""},
		{v6 + "image_editing/inpaint", image, with("prompt", "a hat", "init_image", aPicture, "mask_image", aPicture), ""},
		{v6 + "image_editing/mask_creator", image, with("specific_object", "the hat"), ""},
		{v6 + "image_editing/object_removal", image, with("init_image", aPicture, "mask_image", aPicture), ""},
		{v6 + "image_editing/outpaint", image, with("image", aPicture), "true"},

		{v6 + "interior/make", image, with("prompt", "oak", "init_image", aPicture), ""},
		{v6 + "interior/floor_planning", image, with("prompt", "oak", "init_image", aPicture), ""},
		{v6 + "interior/room_decorator", image, with("prompt", "oak", "init_image", aPicture), ""},
		{v6 + "interior/scenario_changer", image, with("prompt", "oak", "init_image", aPicture, "scenario", "forest"), ""},
		{v6 + "interior/sketch_rendering", image, with("prompt", "oak", "init_image", aPicture), ""},
		{v6 + "interior/exterior_restorer", image, with("prompt", "oak", "init_image", aPicture), ""},
		{v6 + "interior/object_removal", image, with("init_image", aPicture, "object_name", "chair"), ""},
		{v6 + "interior/interior_mixer", image, with("prompt", "oak", "init_image", aPicture, "object_image", aPicture), ""},

		{v6 + "faceswap/single_face_swap", image, with("init_image", aPicture, "target_image", aPicture, "reference_image", aPicture), "true"},
		{v6 + "faceswap/multiple_face_swap", image, with("init_image", aPicture, "target_image", aPicture), "true"},
		{v6 + "faceswap/single_video_swap", video, with("init_image", aPicture, "init_video", aFilm), ""},
		{v6 + "faceswap/specific_video_swap", video, with("init_image", aPicture, "init_video", aFilm, "reference_image", aPicture), ""},
	}
}

// ask sends fields as JSON, with the key.
func (v *visitor) ask(path string, fields map[string]any) reply {
	v.t.Helper()
	whole := with("key", v.apiKey)
	maps.Copy(whole, fields)
	body, err := json.Marshal(whole)
	require.NoError(v.t, err)
	return v.send("POST", path, string(body))
}

// complaint is how an answer refuses, in either spelling.
func (r reply) complaint() any {
	if r.at("messege") != nil {
		return r.at("messege")
	}
	return r.at("message")
}

// busyVisit is a visit to a server with a queue that does not fill.
func busyVisit(t testing.TB, opts ...sandbox.Option) *visitor {
	t.Helper()
	return visitAs(t, 1000_00, append([]sandbox.Option{sandbox.WithClock(newClock().Now), sandbox.WithQueueLimit(10_000)}, opts...)...)
}

func refused(t *testing.T, r reply, because string, about ...any) {
	t.Helper()
	assert.Equal(t, http.StatusBadRequest, r.StatusCode, about...)
	assert.Equal(t, "error", r.at("status"), about...)
	assert.Equal(t, because, r.complaint(), about...)
}

func TestEveryJobTakesItsLeastRequestAndNoLess(t *testing.T) {
	v := busyVisit(t)
	for _, l := range leastRequests() {
		r := v.ask(l.path, l.body)
		assert.Equal(t, "processing", r.at("status"), "%s: %s", l.path, r.text)
		for name := range l.body {
			for _, nothing := range []any{nil, "", "  "} {
				less := maps.Clone(l.body)
				less[name] = nothing
				refused(t, v.ask(l.path, less), name+" is required", "%s without %s", l.path, name)
			}
		}
		assert.Equal(t, http.StatusUnauthorized, v.send("POST", l.path, `{}`).StatusCode, l.path)
		assert.Equal(t, http.StatusUnauthorized, v.send("POST", l.path, `{"key":"no"}`).StatusCode, l.path)
	}
}

func TestMediaAreLinksUnlessBase64IsDocumented(t *testing.T) {
	v := busyVisit(t)
	for _, l := range leastRequests() {
		for name, value := range l.body {
			link, isLink := value.(string)
			if !isLink || !strings.HasPrefix(link, "https://") {
				continue
			}
			noun := map[string]string{aPicture: "image", aFilm: "video", aSound: "audio"}[link]
			cannot := fmt.Sprintf("Unable to fetch %s from provided URL", noun)
			send := func(media any, base64 any) reply {
				body := maps.Clone(l.body)
				body[name] = media
				if base64 != nil {
					body["base64"] = base64
				}
				return v.ask(l.path, body)
			}
			about := l.path + " " + name
			for _, nonsense := range []string{"cat.png", "ftp://files.example/cat.png", "data:image/png;base64,AAAA", "https://"} {
				refused(t, send(nonsense, nil), cannot, "%s %s", about, nonsense)
			}
			inline := send("AAAA", nil)
			switch l.inline {
			case "bare":
				assert.Equal(t, "processing", inline.at("status"), about)
			case "":
				refused(t, inline, cannot, about)
			default:
				refused(t, inline, cannot, about)
				assert.Equal(t, "processing", send("AAAA", true).at("status"), about)
				refused(t, send("cat picture", true), cannot, about)
			}
		}
	}
	body := with("base64", "yes", "init_image", "AAAA", "control_image", "AAAA", "mask_image", "AAAA")
	assert.Equal(t, "processing", v.ask("/api/v5/controlnet", body).at("status"), "base64 means both there")
	body["base64"] = "no"
	refused(t, v.ask("/api/v5/controlnet", body), "Unable to fetch image from provided URL")
}

func TestEveryRuleRefuses(t *testing.T) {
	v := busyVisit(t)
	least := map[string]map[string]any{}
	for _, l := range leastRequests() {
		least[l.path] = l.body
	}
	long := func(n int) string { return strings.Repeat("é", n) }
	for path, rules := range map[string][]any{ // field, values that are refused, the complaint, and values that are not
		"/api/v6/images/text2img": {
			"prompt", []any{5, true, []string{"x"}}, "prompt must be a string", []any{"x"},
			"width", []any{255, 1025, "2048", 512.5, true, "wide", "NaN"}, "width must be between 256 and 1024", []any{256, 1024, "512", nil},
			"height", []any{300, "260"}, "height must be divisible by 8", []any{264},
			"samples", []any{0, 5, -1}, "samples must be between 1 and 4", []any{1, 4},
			"guidance_scale", []any{0.5, 21, "a lot"}, "guidance_scale must be between 1 and 20", []any{1, "7.5", 20},
			"num_inference_steps", []any{0, 51}, "num_inference_steps must be between 1 and 50", []any{31, "31"},
			"clip_skip", []any{9}, "clip_skip must be between 1 and 8", []any{2},
			"safety_checker", []any{"maybe", 3}, "safety_checker must be true or false", []any{true, "yes", "no", "true"},
			"safety_checker_type", []any{"red"}, "safety_checker_type must be one of blur, sensitive_content_text, pixelate, black", []any{"blur"},
			"seed", []any{-1, "x", 1.5}, "seed must be at least 0", []any{0, "12"},
			"track_id", []any{true, []int{1}}, "track_id must be a string or a number", []any{"a", 7, nil},
			"webhook", []any{"http://files.example/hook", "ftp://x", "hook"}, "webhook must be a valid https URL", []any{"https://files.example/hook", "http://127.0.0.1:9/hook", nil, ""},
			"never_heard_of", nil, "", []any{1, "x", nil},
		},
		"/api/v6/images/img2img":    {"strength", []any{-0.1, 1.1}, "strength must be between 0 and 1", []any{0, 1, "0.5"}, "guidance", []any{21}, "guidance must be between 0 and 20", []any{"2.5"}},
		"/api/v6/realtime/text2img": {"width", []any{1032}, "width must be between 256 and 1024", []any{1024}},
		"/api/v5/controlnet": {
			"width", []any{63, 1025}, "width must be between 64 and 1024", []any{64},
			"auto_hint", []any{true, "maybe"}, "auto_hint must be yes or no", []any{"yes"},
			"controlnet_conditioning_scale", []any{0, 5.1}, "controlnet_conditioning_scale must be between 0.1 and 5", []any{"0.5"},
		},
		"/api/v7/images/image-to-image": {
			"init_image", []any{[]string{aPicture, "cat.png"}}, "Unable to fetch image from provided URL", []any{[]string{aPicture, aPicture}},
		},
		"/api/v6/video/text2video": {
			"width", []any{513}, "width must be between 1 and 512", []any{512},
			"num_frames", []any{26}, "num_frames must be between 1 and 25", []any{25},
			"fps", []any{17}, "fps must be between 1 and 16", []any{16},
			"output_type", []any{"avi"}, "output_type must be one of mp4, gif", []any{"gif"},
			"guidance_scale", []any{8.5}, "guidance_scale must be between 0 and 8", []any{8},
		},
		"/api/v6/video/text2video_ultra": {"resolution", []any{481, "512x512"}, "resolution must be between 1 and 480", []any{480}},
		"/api/v6/video/img2video":        {"min_guidance_scale", []any{0}, "min_guidance_scale must be between 1 and 8", []any{1}, "motion_bucket_id", []any{"x"}, "motion_bucket_id must be an integer", []any{127}},
		"/api/v6/video/video2video":      {"num_inference_steps", []any{11}, "num_inference_steps must be between 1 and 10", []any{6}},
		"/api/v7/video-fusion/text-to-video": {
			"width", []any{256}, "width must be between 512 and 1024", []any{512},
			"duration", []any{true}, "duration must be a string or a number", []any{5, "6s"},
		},
		"/api/v7/video-fusion/video-to-video": {"public_figure_threshold", []any{"none"}, "public_figure_threshold must be one of auto, low, medium, high", []any{"low"}},
		"/api/v7/video-fusion/motion-control": {
			"prompt", []any{long(2501)}, "prompt must be at most 2500 characters", []any{long(2500)},
			"mode", []any{"fast"}, "mode must be one of std, pro", []any{"pro"},
		},
		"/api/v6/voice/text_to_speech": {"prompt", []any{long(2501)}, "prompt must be at most 2500 characters", []any{long(2500)}, "speed", []any{"fast"}, "speed must be a number", []any{"1.2", 1}},
		"/api/v6/voice/voice_design":   {"voice_description", []any{long(1001)}, "voice_description must be at most 1000 characters", []any{long(1000)}},
		"/api/v6/voice/music_gen":      {"duration", []any{29, 481}, "duration must be between 30 and 480", []any{30}, "bitrate", []any{"1k"}, "bitrate must be one of 128k, 192k, 320k", []any{"320k"}},
		"/api/v6/voice/sfx":            {"duration", []any{2, 16}, "duration must be between 3 and 15", []any{3, 15}},
		"/api/v6/voice/speech_to_text": {"timestamp_level", []any{"letter"}, "timestamp_level must be one of word, sentence, null", []any{"word", nil}},
		"/api/v6/voice/voice_cover":    {"speed", []any{0.4}, "speed must be between 0.5 and 2", []any{0.5}, "pitch", []any{"up"}, "pitch must be one of m2f, f2m, none", []any{"m2f"}, "lead_voice_volume_delta", []any{"-6"}, "lead_voice_volume_delta must be between -5 and 5", []any{"+5"}},
		"/api/v6/voice/song_generator": {"duration", []any{10}, "duration must be between 30 and 480", []any{30}},
		"/api/v7/voice/text-to-speech": {"temperature", []any{1.1}, "temperature must be between 0 and 1", []any{0}},
		"/api/v7/voice/song-extender":  {"extend_duration", []any{86}, "extend_duration must be between 0 and 85", []any{85}, "side", []any{"up"}, "side must be one of left, right", []any{"left"}},
		"/api/v7/voice/song-inpaint":   {"sections", []any{"x"}, "sections must be an array", []any{[]any{map[string]any{}}}},
		"/api/v6/3d/text_to_3d": {
			"resolution", []any{513}, "resolution must be between 1 and 512", []any{512},
			"mesh_simplify", []any{0.5}, "mesh_simplify must be between 0.9 and 0.98", []any{0.95},
			"temp", []any{true}, "temp must be yes or no", []any{"no"},
			"output_format", []any{"fbx"}, "output_format must be one of obj, stl, ply, glb", []any{"stl"},
		},
		"/api/v6/image_editing/removebg_mask": {"alpha_matting_erode_size", []any{6}, "alpha_matting_erode_size must be between 0 and 5", []any{0}},
		"/api/v6/image_editing/face_gen":      {"samples", []any{3}, "samples must be between 1 and 2", []any{2}, "height", []any{769}, "height must be between 1 and 768", []any{768}},
		"/api/v6/image_editing/fashion":       {"cloth_type", []any{"dress"}, "cloth_type must be one of upper_body, lower_body, dresses", []any{"upper_body"}},
		"/api/v6/image_editing/qwen_edit":     {"init_image", []any{[]string{aPicture, aPicture, aPicture, aPicture, aPicture}}, "init_image takes at most 4 items", []any{aPicture}},
		"/api/v6/image_editing/img_mixer":     {"init_image", []any{aPicture}, "init_image must be an array", []any{[]string{aPicture}}, "samples", []any{2}, "samples must be between 1 and 1", []any{1}},
		"/api/v6/image_editing/inpaint":       {"guidance_scale", []any{6}, "guidance_scale must be between 1 and 5", []any{5}, "base64", []any{true}, `base64 must be "true" or "false"`, []any{"true"}},
		"/api/v6/image_editing/outpaint":      {"width", []any{1441}, "width must be between 1 and 1440", []any{1440}, "num_inference_steps", []any{31}, "num_inference_steps must be between 1 and 30", []any{30}},
		"/api/v6/interior/scenario_changer":   {"scenario", []any{"moon"}, "scenario must be one of beach, desert, plain, taiga, mountain, snow, jungle, city, underwater, urban, forest", []any{"snow"}},
		"/api/v6/interior/interior_mixer":     {"width", []any{256, 2049}, "width must be between 512 and 2048", []any{512}},
		"/api/v6/faceswap/single_video_swap":  {"output_format", []any{"mkv"}, "output_format must be one of mp4, gif, avi, mov", []any{"mp4"}},
	} {
		for i := 0; i < len(rules); i += 4 {
			name, wrong, because, right := rules[i].(string), rules[i+1], rules[i+2].(string), rules[i+3].([]any)
			body := maps.Clone(least[path])
			values, _ := wrong.([]any)
			for _, body[name] = range values {
				refused(t, v.ask(path, body), because, "%s %s=%v", path, name, body[name])
			}
			for _, body[name] = range right {
				assert.Equal(t, "processing", v.ask(path, body).at("status"), "%s %s=%v", path, name, body[name])
			}
		}
	}
}

func TestRulesBetweenFields(t *testing.T) {
	v := busyVisit(t)
	picture := "/api/v6/images/text2img"
	loras := func(models string, strengths any) reply {
		return v.ask(picture, with("model_id", "sdxl", "prompt", "x", "lora_model", models, "lora_strength", strengths))
	}
	assert.Equal(t, "processing", loras("a,b", "0.45,0.55").at("status"))
	assert.Equal(t, "processing", loras("a", 1).at("status"))
	refused(t, loras("a,b", "0.45"), "lora_model and lora_strength must have the same number of values")
	refused(t, loras("a", "0.05"), "lora_strength must be between 0.1 and 1")
	refused(t, loras("a", "strong"), "lora_strength must be between 0.1 and 1")

	refused(t, v.ask("/api/v6/images/img2img", with("model_id", "flux-kontext-dev", "init_image", aPicture)), "prompt is required")
	refused(t, v.ask("/api/v5/controlnet", with("controlnet_model", "canny", "controlnet_type", "depth")), "controlnet_type must match controlnet_model")
	assert.Equal(t, "processing", v.ask("/api/v5/controlnet", with("controlnet_model", "canny,depth", "controlnet_type", "canny")).at("status"))

	song := "/api/v6/voice/song_generator"
	refused(t, v.ask(song, with("lyrics_generation", true, "prompt", "x")), "caption is required")
	refused(t, v.ask(song, with("lyrics_generation", true, "caption", "x")), "prompt is required")
	assert.Equal(t, "processing", v.ask(song, with("lyrics_generation", true, "prompt", "x", "caption", "x")).at("status"))
	assert.Equal(t, "processing", v.ask(song, with("instrumental", true)).at("status"))

	for path, fields := range map[string]map[string]any{ // the other of two documented names
		"/api/v6/voice/vocal_isolator": with("init_video", aFilm),
		"/api/v7/voice/create-dubbing": with("model_id", "dub", "init_video", aFilm, "target_language", "es"),
		"/api/v7/voice/text-to-speech": with("model_id", "x", "text", "hello", "voice_id", "x"),
		"/api/v6/voice/speech_to_text": with("audio_url", aSound, "input_language", "en"),
		"/api/v6/3d/image_to_3d":       with("image", aPicture),
	} {
		assert.Equal(t, "processing", v.ask(path, fields).at("status"), path)
	}
	refused(t, v.ask("/api/v6/3d/image_to_3d", with("image", "cat.png")), "Unable to fetch image from provided URL")
	r := v.send("POST", picture, `{"key":"`+v.apiKey+`","model_id":"sdxl"`, "Content-Type", "application/json")
	assert.Equal(t, http.StatusUnauthorized, r.StatusCode, "what cannot be read has no key")
}
