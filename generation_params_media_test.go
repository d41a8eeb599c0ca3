package modelslab

import (
	"bytes"
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

// mediaParams are the params of videos, sound and objects, with the members that
// the documentation gives them: name and JSON type, those that are required with
// an exclamation mark.
var mediaParams = []struct {
	params any
	names  string
}{
	{TextToVideoParams{}, `
		model_id! string, prompt! string, negative_prompt string, seed integer, height integer, width integer, num_frames integer,
		num_inference_steps integer, guidance_scale number, clip_skip integer, upscale_height integer, upscale_width integer,
		upscale_strength number, upscale_guidance_scale number, upscale_num_inference_steps integer, use_improved_sampling boolean,
		improved_sampling_seed integer, fps integer, output_type string, instant_response boolean, temp boolean, webhook string, track_id string`},
	{TextToVideoUltraParams{}, `
		model_id! string, prompt! string, negative_prompt string, seed integer, resolution integer, num_frames integer,
		num_inference_steps integer, guidance_scale number, fps integer, portrait boolean, sample_shift integer, temp boolean,
		webhook string, track_id string`},
	{ImageToVideoParams{}, `
		model_id! string, init_image! string, prompt string, negative_prompt string, height integer, width integer, num_frames integer,
		num_inference_steps integer, min_guidance_scale number, max_guidance_scale number, motion_bucket_id integer,
		noise_aug_strength number, fps integer, output_type string, temp boolean, webhook string, track_id string`},
	{ImageToVideoUltraParams{}, `
		model_id! string, prompt! string, init_image! string, negative_prompt string, seed integer, resolution integer, num_frames integer,
		num_inference_steps integer, guidance_scale number, fps integer, portrait boolean, sample_shift integer, temp boolean,
		webhook string, track_id string`},
	{VideoToVideoParams{}, `
		init_image! string, init_video! string, to_animate boolean, resolution integer, num_inference_steps integer, seed integer,
		webhook string, track_id string`},
	{WatermarkRemoverParams{}, `init_video! string, webhook string, track_id string`},
	{TextToVideoV7Params{}, `
		model_id! string, prompt! string, negative_prompt string, init_audio string, width integer, height integer, aspect_ratio string,
		duration integer, fps integer, resolution string, portrait boolean, camera_fixed boolean, enhance_prompt boolean,
		generate_audio boolean, webhook string, track_id string`},
	{ImageToVideoV7Params{}, `
		model_id! string, init_image! array, prompt string, negative_prompt string, init_audio string, aspect_ratio string,
		duration integer, resolution string, portrait boolean, webhook string, track_id string`},
	{VideoToVideoV7Params{}, `
		model_id! string, prompt! string, init_video! array, init_image string, negative_prompt string, aspect_ratio string,
		duration integer, seed integer, public_figure_threshold string, webhook string, track_id string`},
	{LipSyncParams{}, `model_id! string, init_video! string, init_audio! string, webhook string, track_id string`},
	{MotionControlParams{}, `
		model_id! string, init_image! string, init_video! string, character_orientation! string, prompt string, mode string,
		keep_original_sound string, webhook string, track_id string`},

	{TextToSpeechParams{}, `
		prompt! string, voice_id! string, language! string, speed number, emotion boolean, output_format string, temp boolean,
		webhook string, track_id integer`},
	{TextToAudioParams{}, `
		prompt! string, init_audio! string, voice_id string, language string, speed number, temp boolean, webhook string, track_id integer`},
	{VoiceToVoiceParams{}, `
		init_audio! string, target_audio! string, stream boolean, temp boolean, webhook string, track_id integer`},
	{VoiceCoverParams{}, `
		init_audio! string, model_id! string, pitch string, algorithm string, rate number, seed integer, language string, emotion string,
		speed number, radius number, mix number, hop_length integer, originality number, lead_voice_volume_delta string,
		backup_voice_volume_delta string, instrument_volume_delta string, reverb_size number, wetness number, dryness number,
		damping number, temp boolean, webhook string, track_id integer`},
	{VoiceDesignParams{}, `prompt! string, voice_description! string, language string, webhook string, track_id integer`},
	{CreateDubbingParams{}, `
		init_video! string, output_lang! string, source_lang string, file_prefix string, voice_id string, voice_model string,
		speed number, seed integer, webhook string, track_id integer`},
	{MusicGenParams{}, `
		prompt! string, init_audio string, duration integer, output_format string, bitrate string, temp boolean, webhook string,
		track_id integer`},
	{SFXParams{}, `
		prompt! string, duration integer, output_format string, bitrate string, temp boolean, webhook string, track_id integer`},
	{SongGeneratorParams{}, `
		lyrics_generation boolean, lyrics string, prompt string, init_audio string, duration integer, language string,
		instrumental boolean, caption string, webhook string, track_id integer`},
	{LyricsGeneratorParams{}, `prompt! string, length string, webhook string, track_id integer`},
	{SpeechToTextParams{}, `init_audio! string, language! string, timestamp_level string, webhook string, track_id integer`},
	{VocalIsolatorParams{}, `init_video string, init_audio string, seed integer, webhook string, track_id integer`},
	{VoiceUploadParams{}, `name! string, init_audio! string, language! string, gender string, thumbnail string`},
	{VoicesParams{}, `type string`},
	{TextToSpeechV7Params{}, `
		model_id! string, prompt! string, voice_id! string, temperature number, language string, webhook string, track_id string`},
	{SpeechToTextV7Params{}, `model_id! string, init_audio! string, webhook string, track_id string`},
	{SpeechToSpeechParams{}, `model_id! string, init_audio! string, voice_id! string, webhook string, track_id string`},
	{MusicGenV7Params{}, `model_id! string, prompt! string, duration number, webhook string, track_id string`},
	{SoundGenerationParams{}, `model_id! string, prompt! string, duration integer, webhook string, track_id string`},
	{CreateDubbingV7Params{}, `model_id! string, target_language! string, init_audio string, init_video string, webhook string, track_id string`},
	{SongExtenderParams{}, `
		model_id! string, init_audio! string, extend_duration! number, prompt string, side string, webhook string, track_id string`},
	{SongInpaintParams{}, `
		model_id! string, init_audio! string, prompt string, lyrics string, sections array, webhook string, track_id string`},

	{TextTo3DParams{}, `
		prompt! string, resolution integer, output_format string, render boolean, negative_prompt string, guidance_scale number,
		num_inference_steps integer, ss_guidance_strength number, ss_sampling_steps integer, slat_guidance_strength number,
		slat_sampling_steps integer, mesh_simplify number, foreground_ratio number, remove_bg boolean, chunk_size integer, seed integer,
		temp string, webhook string, track_id string`},
	{ImageTo3DParams{}, `
		init_image! string, output_format string, render boolean, resolution integer, multi_image boolean, ss_guidance_strength number,
		ss_sampling_steps integer, slat_guidance_strength number, slat_sampling_steps integer, mesh_simplify number, chunk_size integer,
		seed integer, temp string, webhook string, track_id string`},
}

// mediaNames reads a list of names: all of them with their types, and those
// that are required.
func mediaNames(list string) (all, required map[string]string) {
	all, required = map[string]string{}, map[string]string{}
	for entry := range strings.SplitSeq(list, ",") {
		name, kind, _ := strings.Cut(strings.TrimSpace(entry), " ")
		name, must := strings.CutSuffix(name, "!")
		all[name] = kind
		if must {
			required[name] = kind
		}
	}
	return all, required
}

// mediaFilled is a copy of params with something allowed in each field, or only in
// those that are always sent.
func mediaFilled(t *testing.T, params any, all bool) any {
	t.Helper()
	v := reflect.New(reflect.TypeOf(params)).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if all || !strings.Contains(f.Tag.Get("json"), ",omitzero") {
			mediaFill(t, f, v.Field(i))
		}
	}
	return v.Interface()
}

func mediaFill(t *testing.T, f reflect.StructField, v reflect.Value) {
	t.Helper()
	var tries []any
	switch f.Type {
	case reflect.TypeFor[Input]():
		tries = []any{InputURL("https://files.example/a")}
	case reflect.TypeFor[[]Input]():
		tries = []any{[]Input{InputURL("https://files.example/a"), InputURL("https://files.example/b")}}
	case reflect.TypeFor[[]any]():
		tries = []any{[]any{[]int{30, 45}}}
	case reflect.TypeFor[Seconds]():
		tries = []any{Seconds("7")}
	case reflect.TypeFor[YesNo]():
		tries = []any{Yes}
	case reflect.TypeFor[string]():
		tries = []any{"https://files.example/words"}
	case reflect.TypeFor[int]():
		tries = []any{7, 1, 30, 512}
	case reflect.TypeFor[*int]():
		tries = []any{Ptr(7), Ptr(0)}
	case reflect.TypeFor[int64]():
		tries = []any{int64(7)}
	case reflect.TypeFor[*int64]():
		tries = []any{Ptr(int64(0))}
	case reflect.TypeFor[float64]():
		tries = []any{0.5, 0.95, 1.5}
	case reflect.TypeFor[*float64]():
		tries = []any{Ptr(0.5)}
	case reflect.TypeFor[*bool]():
		tries = []any{Ptr(false)}
	default:
		t.Fatalf("%s: nothing to fill a %s with", f.Name, f.Type)
	}
	for _, value := range tries {
		v.Set(reflect.ValueOf(value))
		ok := true
		for rule := range strings.SplitSeq(f.Tag.Get("rule"), ",") {
			ok = ok && (rule == "" || checkRule(v, rule) == nil)
		}
		if ok {
			return
		}
	}
	t.Fatalf("%s: no value follows %q", f.Name, f.Tag.Get("rule"))
}

// mediaKinds are an object's members with their types.
func mediaKinds(t *testing.T, object []byte) map[string]string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	var members map[string]any
	require.NoError(t, d.Decode(&members), "%s", object)
	kinds := map[string]string{}
	for name, value := range members {
		switch v := value.(type) {
		case json.Number:
			kinds[name] = "integer"
			if strings.ContainsAny(v.String(), ".eE") {
				kinds[name] = "number"
			}
		case string:
			kinds[name] = "string"
		case bool:
			kinds[name] = "boolean"
		case []any:
			kinds[name] = "array"
		default:
			kinds[name] = "another thing"
		}
	}
	return kinds
}

func TestMediaParamsHoldTheDocumentedNames(t *testing.T) {
	for _, tt := range mediaParams {
		t.Run(reflect.TypeOf(tt.params).Name(), func(t *testing.T) {
			all, required := mediaNames(tt.names)

			full, err := json.Marshal(mediaFilled(t, tt.params, true))
			require.NoError(t, err)
			assert.Equal(t, all, mediaKinds(t, full))

			least, err := json.Marshal(mediaFilled(t, tt.params, false))
			require.NoError(t, err)
			assert.Equal(t, required, mediaKinds(t, least), "what is optional and zero is absent")

			assert.NoError(t, checkRules(mediaFilled(t, tt.params, true)))
			assert.NoError(t, checkRules(mediaFilled(t, tt.params, false)))
			if len(required) > 0 {
				assert.Error(t, checkRules(tt.params), "what is required is asked for")
			}
		})
	}
}

func TestRequiredMediaParamsAreAskedFor(t *testing.T) {
	for _, tt := range mediaParams {
		_, required := mediaNames(tt.names)
		v := reflect.New(reflect.TypeOf(tt.params)).Elem()
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if _, must := required[name]; !must {
				continue
			}
			v.Set(reflect.ValueOf(mediaFilled(t, tt.params, true)))
			v.Field(i).SetZero()
			assertParam(t, v.Type().Name()+"."+f.Name, checkRules(v.Interface()))
		}
	}
}

func TestSecondsAreANumberWhereTheyAreOne(t *testing.T) {
	for in, want := range map[Seconds]string{
		"5": `5`, "10": `10`, "0": `0`, "10s": `"10s"`, "": `""`, "007": `"007"`, "-5": `"-5"`, "5.5": `"5.5"`, "1e3": `"1e3"`, "true": `"true"`,
	} {
		got, err := json.Marshal(in)
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
		var back Seconds
		require.NoError(t, json.Unmarshal(got, &back))
		assert.Equal(t, in, back)
	}
}

func TestMediaParamsKeepTheirRanges(t *testing.T) {
	in := InputURL("https://files.example/a")
	long := func(n int) string { return strings.Repeat("ä", n) }
	for name, tt := range map[string]struct {
		params any
		field  string // "": all is well
	}{
		"frames":                 {TextToVideoParams{ModelID: "wan2.2", Prompt: "a", NumFrames: 26}, "TextToVideoParams.NumFrames"},
		"a scale of nothing":     {TextToVideoParams{ModelID: "wan2.2", Prompt: "a", GuidanceScale: Ptr(0.0)}, ""},
		"the documented default": {TextToVideoParams{ModelID: "wan2.2", Prompt: "a", UpscaleGuidanceScale: Ptr(12.0)}, ""},
		"the page's frames":      {TextToVideoUltraParams{ModelID: "wan2.2", Prompt: "a", FPS: 18}, ""},
		"pixels":                 {TextToVideoUltraParams{ModelID: "wan2.2", Prompt: "a", Resolution: 481}, "TextToVideoUltraParams.Resolution"},
		"more pixels":            {ImageToVideoUltraParams{ModelID: "wan2.2", Prompt: "a", InitImage: in, Resolution: 720}, ""},
		"guidance":               {ImageToVideoParams{ModelID: "svd", InitImage: in, MinGuidanceScale: 0.5}, "ImageToVideoParams.MinGuidanceScale"},
		"width":                  {TextToVideoV7Params{ModelID: "m", Prompt: "a", Width: 511}, "TextToVideoV7Params.Width"},
		"the greatest seed":      {VideoToVideoV7Params{ModelID: "m", Prompt: "a", InitVideo: []Input{in}, Seed: Ptr(int64(4294967295))}, ""},
		"a greater one":          {VideoToVideoV7Params{ModelID: "m", Prompt: "a", InitVideo: []Input{in}, Seed: Ptr(int64(4294967296))}, "VideoToVideoV7Params.Seed"},
		"a long prompt":          {TextToSpeechParams{Prompt: long(2500), VoiceID: "v", Language: "hindi"}, ""},
		"a longer one":           {TextToSpeechParams{Prompt: long(2501), VoiceID: "v", Language: "hindi"}, "TextToSpeechParams.Prompt"},
		"a long description":     {VoiceDesignParams{Prompt: "a", VoiceDescription: long(1001)}, "VoiceDesignParams.VoiceDescription"},
		"softer":                 {VoiceCoverParams{InitAudio: in, ModelID: "m", LeadVoiceVolumeDelta: Ptr(-5)}, ""},
		"too soft":               {VoiceCoverParams{InitAudio: in, ModelID: "m", LeadVoiceVolumeDelta: Ptr(-6)}, "VoiceCoverParams.LeadVoiceVolumeDelta"},
		"speed":                  {VoiceCoverParams{InitAudio: in, ModelID: "m", Speed: 2.5}, "VoiceCoverParams.Speed"},
		"music":                  {MusicGenParams{Prompt: "a", Duration: 29}, "MusicGenParams.Duration"},
		"a sound":                {SoundGenerationParams{ModelID: "m", Prompt: "a", Duration: 23}, "SoundGenerationParams.Duration"},
		"no temperature":         {TextToSpeechV7Params{ModelID: "m", Prompt: "a", VoiceID: "v", Temperature: Ptr(0.0)}, ""},
		"an extension":           {SongExtenderParams{ModelID: "m", InitAudio: in, ExtendDuration: 85.5}, "SongExtenderParams.ExtendDuration"},
		"a mesh":                 {TextTo3DParams{Prompt: "a", MeshSimplify: 0.99}, "TextTo3DParams.MeshSimplify"},
		"no steps":               {ImageTo3DParams{InitImage: in, SSSamplingSteps: -1}, "ImageTo3DParams.SSSamplingSteps"},
		"a blank prompt":         {MotionControlParams{ModelID: " ", InitImage: in, InitVideo: in, CharacterOrientation: "image"}, "MotionControlParams.ModelID"},
		"lyrics to be made":      {SongGeneratorParams{LyricsGeneration: Ptr(true), Prompt: "rain", Caption: "jazz"}, ""},
		"of nothing":             {SongGeneratorParams{LyricsGeneration: Ptr(true), Caption: "jazz"}, "SongGeneratorParams.Prompt"},
		"in no style":            {SongGeneratorParams{LyricsGeneration: Ptr(true), Prompt: "rain"}, "SongGeneratorParams.Caption"},
		"lyrics that are there":  {SongGeneratorParams{Lyrics: "[Verse 1]"}, ""},
		"no lyrics":              {SongGeneratorParams{LyricsGeneration: Ptr(false), Prompt: "rain", Caption: "jazz"}, "SongGeneratorParams.Lyrics"},
		"nobody sings":           {SongGeneratorParams{Caption: "jazz", Instrumental: Ptr(true)}, ""},
		"nothing to isolate":     {VocalIsolatorParams{}, "VocalIsolatorParams.InitVideo"},
		"a recording to isolate": {VocalIsolatorParams{InitAudio: in}, ""},
		"nothing to dub":         {CreateDubbingV7Params{ModelID: "m", TargetLanguage: "es"}, "CreateDubbingV7Params.InitAudio"},
		"a video to dub":         {CreateDubbingV7Params{ModelID: "m", TargetLanguage: "es", InitVideo: in}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkRules(tt.params)
			if own, ok := tt.params.(interface{ check() error }); ok && err == nil {
				err = own.check()
			}
			if tt.field == "" {
				assert.NoError(t, err)
				return
			}
			assertParam(t, tt.field, err)
		})
	}
}

// TestMediaMethodsCallTheirRows calls each method with all that it takes.
func TestMediaMethodsCallTheirRows(t *testing.T) {
	names := map[string]map[string]string{}
	for _, tt := range mediaParams {
		names[reflect.TypeOf(tt.params).Name()], _ = mediaNames(tt.names)
	}
	called := 0
	for _, e := range Endpoints() {
		service, method, ok := strings.Cut(strings.TrimPrefix(e.Call, "Generation."), ".")
		if !ok || service != "Video" && service != "Audio" && service != "ThreeD" {
			continue
		}
		called++
		t.Run(e.Call, func(t *testing.T) {
			net := scripted(says(200, `{"status":"success","id":7,"output":["https://files.example/a"],"voice_id":"v7","voices":[{"voice_id":"v7"}]}`))
			c := stubbed(t, net)
			m := reflect.ValueOf(c.Generation).Elem().FieldByName(service).MethodByName(method)
			require.True(t, m.IsValid())
			params := reflect.New(m.Type().In(1)).Elem().Interface()
			out := m.Call([]reflect.Value{reflect.ValueOf(context.Background()), reflect.ValueOf(mediaFilled(t, params, true))})
			require.True(t, out[1].IsNil(), "%v", out[1])

			require.Equal(t, 1, net.count())
			sent := net.requests()[0]
			assert.Equal(t, e.Method+" "+e.Path, sent.Method+" "+sent.Path)
			want := maps.Clone(names[reflect.TypeOf(params).Name()])
			require.NotNil(t, want, "%T is in the table", params)
			want["key"] = "string"
			assert.Equal(t, want, mediaKinds(t, []byte(sent.Body)))
			if e.Job {
				g, ok := out[0].Interface().(*Generation)
				require.True(t, ok)
				assert.Equal(t, "7", g.ID)
				assert.Equal(t, e.Path, g.Path)
				assert.Equal(t, []string{"https://files.example/a"}, g.Output)
			}
		})
	}
	assert.Equal(t, len(mediaParams), called)
}

func TestMediaFilesTravelWhereTheEndpointTakesThem(t *testing.T) {
	file := InputBytes([]byte("sound"))
	in := InputURL("https://files.example/a")
	ctx := context.Background()
	for name, tt := range map[string]struct {
		do   func(*Client) error
		want string // a part of the body; "": refused
	}{
		"told by a flag": {func(c *Client) error {
			_, err := c.Generation.Audio.TextToAudio(ctx, TextToAudioParams{Prompt: "a", InitAudio: file})
			return err
		}, `"base64":true`},
		"and not told for a URL": {func(c *Client) error {
			_, err := c.Generation.Audio.TextToAudio(ctx, TextToAudioParams{Prompt: "a", InitAudio: in})
			return err
		}, `"init_audio":"https://files.example/a","key"`},
		"a cover": {func(c *Client) error {
			_, err := c.Generation.Audio.VoiceCover(ctx, VoiceCoverParams{ModelID: "m", InitAudio: file})
			return err
		}, `"init_audio":"c291bmQ=","model_id":"m","base64":true,"key"`},
		"a voice": {func(c *Client) error {
			_, err := c.Generation.Audio.VoiceUpload(ctx, VoiceUploadParams{Name: "Ada", InitAudio: file, Language: "english", Thumbnail: in})
			return err
		}, `"base64":true`},
		"URLs alone": {func(c *Client) error {
			_, err := c.Generation.Video.MotionControl(ctx, MotionControlParams{ModelID: "m", InitVideo: in, InitImage: file, CharacterOrientation: "image"})
			return err
		}, ""},
		"a list of URLs": {func(c *Client) error {
			_, err := c.Generation.Video.VideoToVideoV7(ctx, VideoToVideoV7Params{ModelID: "m", Prompt: "a", InitVideo: []Input{in, file}})
			return err
		}, ""},
		"an empty one in a list": {func(c *Client) error {
			_, err := c.Generation.Video.ImageToVideoV7(ctx, ImageToVideoV7Params{ModelID: "m", InitImage: []Input{in, {}}})
			return err
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			net := scripted(says(200, `{"status":"success","id":7,"output":["https://files.example/a"],"voice_id":"v7"}`))
			err := tt.do(stubbed(t, net))
			if tt.want == "" {
				assertKind(t, ErrValidation, err)
				assert.Zero(t, net.count())
				return
			}
			require.NoError(t, err)
			assert.Contains(t, net.requests()[0].Body, tt.want)
		})
	}
}

func TestVoicesAreRead(t *testing.T) {
	ctx := context.Background()
	c := stubbed(t, scripted(says(200, `{"status":"success","voices":[{"voice_id":"v1","name":"Ada","language":"english"},{"voice_id":2,"name":"Bob","language":null}]}`)))
	voices, err := c.Generation.Audio.Voices(ctx, VoicesParams{})
	require.NoError(t, err)
	assert.Equal(t, []Voice{{"v1", "Ada", "english"}, {"2", "Bob", ""}}, voices)

	c = stubbed(t, scripted(says(200, `{"status":"success","voices":[]}`)))
	voices, err = c.Generation.Audio.Voices(ctx, VoicesParams{Type: "trained"})
	require.NoError(t, err)
	assert.Empty(t, voices)

	c = stubbed(t, scripted(says(200, `{"status":"success","voice_id":"v9","message":"Voice uploaded"}`)))
	upload := VoiceUploadParams{Name: "Ada", InitAudio: InputURL("https://files.example/a.wav"), Language: "english"}
	voice, err := c.Generation.Audio.VoiceUpload(ctx, upload)
	require.NoError(t, err)
	assert.Equal(t, &Voice{"v9", "Ada", "english"}, voice)

	for _, word := range []string{"error", "failed"} {
		c = stubbed(t, scripted(says(200, `{"status":"`+word+`","message":"The recording is too short"}`)))
		_, err = c.Generation.Audio.VoiceUpload(ctx, upload)
		assertKind(t, ErrGenerationFailed, err)
		assert.Equal(t, "The recording is too short", apiOf(t, err).Message)
		_, err = c.Generation.Audio.Voices(ctx, VoicesParams{})
		assertKind(t, ErrGenerationFailed, err)
	}
	for _, body := range []string{`{"status":"success"}`, `{"status":"success","voice_id":""}`, ``, `[]`} {
		net := scripted(says(200, body))
		_, err = stubbed(t, net).Generation.Audio.VoiceUpload(ctx, upload)
		assertKind(t, ErrOutcomeUnknown, err)
		assert.Equal(t, 1, net.count())
	}
}

func TestMediaParamsAreEachInTheTableOnce(t *testing.T) {
	types := make([]string, 0, len(mediaParams))
	for _, tt := range mediaParams {
		types = append(types, reflect.TypeOf(tt.params).Name())
	}
	slices.Sort(types)
	assert.Equal(t, len(types), len(slices.Compact(slices.Clone(types))))
}
