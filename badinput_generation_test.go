package modelslab

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Bad input of the generation APIs: a submission that cannot work costs money all
// the same, so it is not made.

// assertRefused checks that a call is refused for one of its arguments, with the
// value and with what is allowed, and that nothing is sent.
func assertRefused(t *testing.T, call typedCall, param, value, allowed string) {
	t.Helper()
	c, wire := badWire(t)
	got, err := call(t.Context(), c)
	assert.Empty(t, wire.requests(), "nothing is sent")
	assert.Contains(t, []any{nil, 0, false}, got)
	require.Error(t, err)
	assertParam(t, param, err)
	oneLine(t, err)
	refused, _ := as[*ParamError](err)
	assert.Equal(t, value, refused.Value)
	assert.Contains(t, refused.Reason, allowed)
}

// changed is the call of a golden request with something else in its params.
func changed[P any](t testing.TB, golden string, change func(*P)) typedCall {
	t.Helper()
	row := callNamed(t, golden)
	p, ok := row.params.(P)
	require.True(t, ok, "%s takes %T", golden, row.params)
	change(&p)
	return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return row.send(ctx, c, p, opts...)
	}
}

func TestBadInputOfGenerations(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no-such.png")
	empty := filepath.Join(t.TempDir(), "empty.png")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	folder := t.TempDir()
	huge := make([]byte, 5<<20+1)
	urls := func(n int) []Input { return slices.Repeat([]Input{InputURL("https://files.example.com/a.png")}, n) }
	image := func(change func(*TextToImageParams)) typedCall {
		return changed(t, "images.text2img@everything", change)
	}
	removal := func(in Input) typedCall {
		return changed(t, "image_editing.removebg_mask", func(p *RemoveBackgroundParams) { p.Image = in })
	}
	swap := func(change func(*FaceSwapSingleParams)) typedCall {
		return changed(t, "faceswap.single_face_swap@file", change)
	}
	upload := func(golden string, in Input) typedCall {
		return changed(t, golden, func(p *UploadParams) { p.File = in })
	}
	for _, tt := range []struct {
		name, param, value, allowed string
		call                        typedCall
	}{
		{"an empty prompt", "TextToImageParams.Prompt", "", "required", image(func(p *TextToImageParams) { p.Prompt = "" })},
		{"a blank prompt", "TextToImageParams.Prompt", "", "required", image(func(p *TextToImageParams) { p.Prompt = " \t\n" })},
		{"an empty model id", "TextToImageParams.ModelID", "", "required", image(func(p *TextToImageParams) { p.ModelID = "" })},
		{"a width below the least", "TextToImageParams.Width", "248", "256 to 1488", image(func(p *TextToImageParams) { p.Width = 248 })},
		{"a width above the most", "TextToImageParams.Width", "1496", "256 to 1488", image(func(p *TextToImageParams) { p.Width = 1496 })},
		{"a width for one other model", "TextToImageParams.Width", "1032", "256 to 1024", image(func(p *TextToImageParams) { p.Width = 1032 })},
		{"a width not divisible by 8", "TextToImageParams.Width", "513", "divisible by 8", image(func(p *TextToImageParams) { p.Width = 513 })},
		{"a height not divisible by 8", "TextToImageParams.Height", "300", "divisible by 8", image(func(p *TextToImageParams) { p.Height = 300 })},
		{"a negative height", "TextToImageParams.Height", "-512", "256 to 1488", image(func(p *TextToImageParams) { p.Height = -512 })},
		{"five samples", "TextToImageParams.Samples", "5", "1 to 4", image(func(p *TextToImageParams) { p.Samples = 5 })},
		{"minus one sample", "TextToImageParams.Samples", "-1", "1 to 4", image(func(p *TextToImageParams) { p.Samples = -1 })},
		{"guidance that is no number", "TextToImageParams.GuidanceScale", "NaN", "1 to 20", image(func(p *TextToImageParams) { p.GuidanceScale = math.NaN() })},
		{"infinite guidance", "TextToImageParams.GuidanceScale", "+Inf", "1 to 20", image(func(p *TextToImageParams) { p.GuidanceScale = math.Inf(1) })},
		{"a strength of no adapter", "TextToImageParams.LoraStrength", "0.5", "one number for each", image(func(p *TextToImageParams) { p.LoraStrength = "0.5" })},
		{"a strength above 1", "InpaintParams.Strength", "1.01", "0 to 1", changed(t, "images.inpaint", func(p *InpaintParams) { p.Strength = Ptr(1.01) })},
		{"a width of v7 below 512", "TextToImageV7Params.Width", "504", "512 to 1024", changed(t, "images.text_to_image_v7", func(p *TextToImageV7Params) { p.Width = 504 })},

		{"a path where a URL is due", "RealtimeImageToImageParams.InitImage", "cat.png", "http or https", changed(t, "realtime.img2img", func(p *RealtimeImageToImageParams) { p.InitImage = InputURL("cat.png") })},
		{"an absolute path where a URL is due", "RemoveBackgroundParams.Image", "/home/ada/cat.png", "InputFile", removal(InputURL("/home/ada/cat.png"))},
		{"a Windows path where a URL is due", "RemoveBackgroundParams.Image", `C:\cat.png`, "http or https", removal(InputURL(`C:\cat.png`))},
		{"a data URI where a URL is due", "RemoveBackgroundParams.Image", "data:…", "InputBytes", removal(InputURL("data:image/png;base64,AA=="))},
		{"an ftp URL", "RemoveBackgroundParams.Image", "ftp://files.example.com/a.png", "http or https", removal(InputURL("ftp://files.example.com/a.png"))},
		{"a URL without a host", "RemoveBackgroundParams.Image", "https:///a.png", "", removal(InputURL("https:///a.png"))},
		{"a file that is not there", "RemoveBackgroundParams.Image", missing, "cannot be read", removal(InputFile(missing))},
		{"a folder", "RemoveBackgroundParams.Image", folder, "is a directory", removal(InputFile(folder))},
		{"a file without a name", "RemoveBackgroundParams.Image", "", "path is empty", removal(InputFile(""))},
		{"an empty file", "RemoveBackgroundParams.Image", `file "empty.png"`, "is empty", removal(InputFile(empty))},
		{"no bytes", "RemoveBackgroundParams.Image", "0 bytes", "is empty", removal(InputBytes(nil))},
		{"a reader that is nil", "RemoveBackgroundParams.Image", "", "reader is nil", removal(InputReader(nil))},
		{"no image", "RemoveBackgroundParams.Image", "", "InputURL", removal(Input{})},
		{"a file where URLs are taken alone", "WatermarkRemoverParams.InitVideo", "5 bytes", "Generation.Uploads", changed(t, "video.watermark_remover", func(p *WatermarkRemoverParams) { p.InitVideo = InputBytes([]byte("video")) })},
		{"a file, and an answer in URLs", "InpaintParams.MaskImage", "4 bytes", "Base64", changed(t, "images.inpaint", func(p *InpaintParams) { p.MaskImage = InputBytes([]byte("mask")) })},
		{"a file beside a URL", "FaceSwapSingleParams.ReferenceImage", "", "either URLs or files", swap(func(p *FaceSwapSingleParams) { p.ReferenceImage = InputURL("https://files.example.com/a.png") })},

		{"five images to edit", "QwenEditParams.InitImage", "5 items", "at most 4", changed(t, "image_editing.qwen_edit", func(p *QwenEditParams) { p.InitImage = urls(5) })},
		{"five images to mix", "ImageMixerParams.InitImage", "5 items", "at most 4", changed(t, "image_editing.img_mixer", func(p *ImageMixerParams) { p.InitImage = urls(5) })},
		{"no images to mix", "ImageMixerParams.InitImage", "", "required", changed(t, "image_editing.img_mixer", func(p *ImageMixerParams) { p.InitImage = nil })},
		{"no images to train with", "TrainingCreateParams.Images", "", "required", changed(t, "training.lora_fine_tune", func(p *TrainingCreateParams) { p.Images = []Input{} })},
		{"nine steps", "TrainingCreateParams.MaxTrainSteps", "9", "10 to 50", changed(t, "training.lora_fine_tune", func(p *TrainingCreateParams) { p.MaxTrainSteps = 9 })},
		{"no steps", "TrainingCreateParams.MaxTrainSteps", "0", "10 to 50", changed(t, "training.lora_fine_tune", func(p *TrainingCreateParams) { p.MaxTrainSteps = 0 })},

		{"lyrics about nothing", "SongGeneratorParams.Prompt", "", "required", changed(t, "voice.song_generator", func(p *SongGeneratorParams) { p.Prompt = "" })},
		{"a song of no style", "SongGeneratorParams.Caption", "", "required", changed(t, "voice.song_generator", func(p *SongGeneratorParams) { p.Caption = "" })},
		{"a song without words", "SongGeneratorParams.Lyrics", "", "lyrics", changed(t, "voice.song_generator", func(p *SongGeneratorParams) { *p = SongGeneratorParams{} })},
		{"nothing to isolate", "VocalIsolatorParams.InitVideo", "", "InitAudio", changed(t, "voice.vocal_isolator", func(p *VocalIsolatorParams) { *p = VocalIsolatorParams{} })},
		{"nothing to dub", "CreateDubbingV7Params.InitAudio", "", "InitVideo", changed(t, "voice.create_dubbing_v7", func(p *CreateDubbingV7Params) { p.InitAudio, p.InitVideo = Input{}, Input{} })},

		{"an upload of more than 5 MB", "UploadParams.File", "5242881 bytes", "larger than 5 MB", upload("uploads.file", InputBytes(huge))},
		{"a stream of more than 5 MB", "UploadParams.File", "a stream", "larger than 5 MB", upload("uploads.file", InputReader(io.LimitReader(endless{}, 5<<20+1)))},
		{"a stream that breaks", "UploadParams.File", "", "cannot be read", upload("uploads.file", InputReader(iotest.ErrReader(io.ErrClosedPipe)))},
		{"an upload of nothing", "UploadParams.File", "", "InputFile", upload("uploads.file", Input{})},
		{"an upload of a URL", "UploadParams.File", "a URL at files.example.com", "has a URL already", upload("uploads.file", InputURL("https://files.example.com/a.png"))},
		{"an upload of no media type", "UploadParams.File", "image/png;x", "media type", upload("uploads.file", pngFile.MediaType("image/png;x"))},
		{"a picture to crop of more than 5 MB", "UploadCropParams.Image", "5242881 bytes", "larger than 5 MB", changed(t, "uploads.base64_crop", func(p *UploadCropParams) { p.Image = InputBytes(huge) })},

		{"the deletion of no job", "GenerationDeleteParams.RequestID", "", "", changed(t, "general.delete_image", func(p *GenerationDeleteParams) { p.RequestID = "" })},
		{"assets of no type", "AssetsParams.Type", "", "required", changed(t, "general.assets_generated", func(p *AssetsParams) { p.Type = "" })},
		{"31 assets a page", "AssetsParams.PerPage", "31", "1 to 30", changed(t, "general.assets_generated", func(p *AssetsParams) { p.PerPage = 31 })},
		{"another server's models with no key", "ServerSyncModelsParams.SyncKey", "", "", changed(t, "servers.sync_models", func(p *ServerSyncModelsParams) { p.SyncKey = Secret{} })},
		{"S3 without its secret", "ServerS3Params.AWSSecretAccessKey", "", "", changed(t, "servers.update_s3", func(p *ServerS3Params) { p.AWSSecretAccessKey = Secret{} })},
		{"a server's name of two elements", "server", "flux/../video", "name of a server", func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return nil, c.Generation.Servers.For("flux/../video").Restart(ctx, opts...)
		}},
		{"a model of the images' server on another", "server", "flux", "image server", func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return nil, c.Generation.Servers.For(ServerFlux).VerifyModel(ctx, ServerModelParams{ModelID: "m"}, opts...)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { assertRefused(t, tt.call, tt.param, tt.value, tt.allowed) })
	}
}

// endless yields zeros for ever.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// A job is asked for by its id and the path that it was submitted to.
func TestBadInputOfJobs(t *testing.T) {
	const submitted = "/api/v6/images/text2img"
	for name, tt := range map[string]struct {
		job          *Generation
		param, value string
	}{
		"no job":                {nil, "Generation", ""},
		"no id":                 {&Generation{Path: submitted}, "Generation.ID", ""},
		"an id of two elements": {&Generation{ID: "7/8", Path: submitted}, "Generation.ID", "7/8"},
		"the folder above":      {&Generation{ID: "..", Path: submitted}, "Generation.ID", ".."},
		"a query in the id":     {&Generation{ID: "7\n8", Path: submitted}, "Generation.ID", "7\n8"},
		"no path":               {&Generation{ID: "7"}, "Generation.Path", ""},
		"an unknown path":       {&Generation{ID: "7", Path: "/api/v6/nothing"}, "Generation.Path", "/api/v6/nothing"},
		"an unknown version":    {&Generation{ID: "7", Path: "/api/v2/images/text2img"}, "Generation.Path", "/api/v2/images/text2img"},
		"a path that fetches":   {&Generation{ID: "7", Path: "/api/v6/images/fetch/7"}, "Generation.Path", "/api/v6/images/fetch/7"},
		"a call that is no job": {&Generation{ID: "7", Path: "/api/v6/voice/voice_list"}, "Generation.Path", "/api/v6/voice/voice_list"},
		"a conversation":        {&Generation{ID: "7", Path: "/api/v7/llm/chat/completions"}, "Generation.Path", "/api/v7/llm/chat/completions"},
		"a URL":                 {&Generation{ID: "7", Path: "https://evil.example.com" + submitted}, "Generation.Path", "https://evil.example.com" + submitted},
		"the control plane":     {&Generation{ID: "7", Path: "/api/agents/v1/wallet/fund"}, "Generation.Path", "/api/agents/v1/wallet/fund"},
	} {
		t.Run(name, func(t *testing.T) {
			assertRefused(t, func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
				return got(c.Generation.Fetch(ctx, tt.job, opts...))
			}, tt.param, tt.value, "")

			c, wire := badWire(t)
			last, err := c.Generation.Wait(t.Context(), tt.job, WaitParams{})
			assertParam(t, tt.param, err)
			assert.NotNil(t, last, "the last that is known")
			assert.Empty(t, wire.requests())
		})
	}
	c, wire := badWire(t)
	for _, id := range noElements {
		for name, call := range map[string]func() error{
			"id": func() error { _, err := c.Generation.Training.Status(t.Context(), id); return err },
			"id ": func() error {
				_, err := c.Generation.Training.Wait(t.Context(), id, TrainingWaitParams{})
				return err
			},
			"id  ":          func() error { return c.Generation.Training.Delete(t.Context(), id) },
			"id   ":         func() error { return c.Generation.Training.Cancel(t.Context(), id) },
			"workflowID":    func() error { _, err := c.Generation.Workflows.Get(t.Context(), id); return err },
			"workflowID ":   func() error { _, err := c.Generation.Workflows.Run(t.Context(), id, nil); return err },
			"workflowID  ":  func() error { _, err := c.Generation.Workflows.Execution(t.Context(), id, "4021"); return err },
			"workflowID   ": func() error { return c.Generation.Workflows.Cancel(t.Context(), id, "4021") },
			"executionID":   func() error { _, err := c.Generation.Workflows.Execution(t.Context(), "7c1e", id); return err },
			"executionID ":  func() error { return c.Generation.Workflows.Cancel(t.Context(), "7c1e", id) },
			"modelID":       func() error { _, err := c.Generation.Models.Get(t.Context(), id); return err },
		} {
			assertParam(t, strings.TrimSpace(name), call())
		}
	}
	assert.Empty(t, wire.requests())
}

// ruled are the params of the contract, one of each type: the one with most in it.
func ruled(t testing.TB) map[reflect.Type]contractRow {
	t.Helper()
	rows, most := map[reflect.Type]contractRow{}, map[reflect.Type]int{}
	for _, row := range slices.Concat(generationJobs, generationCalls) {
		if row.params == nil || strings.HasSuffix(row.golden, "@file") {
			continue
		}
		v, n := reflect.ValueOf(row.params), 0
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				n++
			}
		}
		if _, ok := rows[v.Type()]; !ok || n > most[v.Type()] {
			rows[v.Type()], most[v.Type()] = row, n
		}
	}
	// The sizes of this type's rule are those of one model.
	typ := reflect.TypeFor[TextToImageParams]()
	row := rows[typ]
	p := row.params.(TextToImageParams)
	p.ModelID = "z-image-turbo"
	row.params = p
	rows[typ] = row
	return rows
}

// withField is the row's call with another value in a field, which may be a pointer
// to it.
func (row contractRow) withField(field int, value any) typedCall {
	p := reflect.New(reflect.TypeOf(row.params)).Elem()
	p.Set(reflect.ValueOf(row.params))
	f, v := p.Field(field), reflect.ValueOf(value)
	if f.Kind() == reflect.Pointer {
		at := reflect.New(f.Type().Elem())
		at.Elem().Set(v.Convert(f.Type().Elem()))
		f.Set(at)
	} else {
		f.Set(v.Convert(f.Type()))
	}
	changed := p.Interface()
	return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return row.send(ctx, c, changed, opts...)
	}
}

// ruleCase is a value for a field, and what a refusal says of it.
type ruleCase struct {
	value any
	shown string // ParamError.Value; "": allowed
	says  string // in ParamError.Reason
}

// casesOf are values on either side of a rule.
func casesOf(t testing.TB, f reflect.StructField, rule string) []ruleCase {
	t.Helper()
	typ := f.Type
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if most, ok := strings.CutSuffix(rule, " chars"); ok {
		n, err := strconv.Atoi(most)
		require.NoError(t, err)
		long := strings.Repeat("é", n+1)
		return []ruleCase{{long, long, most}, {strings.Repeat("é", n), "", ""}}
	}
	if span, ok := strings.CutSuffix(rule, " items"); ok {
		n, err := strconv.Atoi(strings.TrimPrefix(span, ".."))
		require.NoError(t, err)
		var list reflect.Value
		if typ.Elem().Kind() == reflect.String {
			list = reflect.ValueOf(slices.Repeat([]string{"x"}, n+1))
		} else {
			list = reflect.ValueOf(slices.Repeat([]Input{InputURL("https://files.example.com/a.png")}, n+1))
		}
		return []ruleCase{{list.Interface(), strconv.Itoa(n+1) + " items", strconv.Itoa(n)}, {list.Slice(0, n).Interface(), "", ""}}
	}
	if _, ok := strings.CutSuffix(rule, " MB"); ok {
		return []ruleCase{{InputBytes(make([]byte, 5<<20+1)), "5242881 bytes", "5 MB"}}
	}
	span, step, _ := strings.Cut(rule, "/")
	least, most, ok := strings.Cut(span, "..")
	require.True(t, ok, "an unknown rule: %s", rule)
	var cases []ruleCase
	add := func(x float64, allowed bool, says string) {
		c := ruleCase{value: x, shown: strconv.FormatFloat(x, 'g', -1, 64), says: says}
		if typ.Kind() != reflect.Float64 {
			c.value, c.shown = int64(x), strconv.FormatInt(int64(x), 10)
		}
		if allowed {
			c.shown = ""
		}
		if x == 0 && f.Type.Kind() != reflect.Pointer {
			return // absent
		}
		cases = append(cases, c)
	}
	inside := 1.0
	if step != "" {
		n, err := strconv.ParseFloat(step, 64)
		require.NoError(t, err)
		inside = n
	}
	if typ.Kind() == reflect.Float64 {
		inside = 0.001
	}
	if least != "" {
		x, err := strconv.ParseFloat(least, 64)
		require.NoError(t, err)
		add(x, true, "")
		add(x-inside, false, least)
		add(-1e6*inside-1e6, false, least)
		if step != "" {
			add(x+1, false, "divisible by "+step)
		}
	}
	if most != "" {
		x, err := strconv.ParseFloat(most, 64)
		require.NoError(t, err)
		add(x, true, "")
		add(x+inside, false, most)
		add(1e6*inside+x, false, most)
	}
	if typ.Kind() == reflect.Float64 {
		for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			if math.IsNaN(x) || math.IsInf(x, 1) && most != "" || math.IsInf(x, -1) && least != "" {
				add(x, false, "")
			}
		}
	}
	return cases
}

// Each rule of each field, broken from either side, and kept at its very end.
func TestBadInputBreaksEveryRule(t *testing.T) {
	n := 0
	for typ, row := range ruled(t) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			tag := f.Tag.Get("rule")
			if tag == "" {
				continue
			}
			param := typ.Name() + "." + f.Name
			for rule := range strings.SplitSeq(tag, ",") {
				n++
				if rule == "required" {
					t.Run(param+"/"+rule, func(t *testing.T) {
						zero := reflect.Zero(f.Type).Interface()
						assertRefused(t, row.withField(i, zero), param, "", "")
						if f.Type.Kind() == reflect.String {
							assertRefused(t, row.withField(i, " \n"), param, "", "")
						}
					})
					continue
				}
				for _, tt := range casesOf(t, f, rule) {
					call := row.withField(i, tt.value)
					t.Run(param+"/"+rule+"/"+tt.shown[:min(20, len(tt.shown))], func(t *testing.T) {
						if tt.shown != "" {
							c, wire := badWire(t)
							got, err := call(t.Context(), c)
							assert.Contains(t, []any{nil, 0, false}, got)
							assertParam(t, param, err)
							assert.Empty(t, wire.requests())
							refused, _ := as[*ParamError](err)
							assert.Equal(t, tt.shown, refused.Value)
							assert.Contains(t, refused.Reason, tt.says)
							return
						}
						w := scripted(says(http.StatusTeapot, `{}`))
						_, err := call(t.Context(), stubbed(t, w))
						require.Error(t, err)
						_, refused := as[*ParamError](err)
						assert.False(t, refused, "%v is allowed: %v", tt.value, err)
					})
				}
			}
		}
	}
	assert.Greater(t, n, 350, "rules")
}

// A float that is none cannot be sent, and its field is named.
func TestBadInputOfFloatsThatAreNone(t *testing.T) {
	n := 0
	for typ, row := range ruled(t) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Type != reflect.TypeFor[float64]() && f.Type != reflect.TypeFor[*float64]() {
				continue
			}
			n++
			for shown, x := range map[string]float64{"NaN": math.NaN(), "+Inf": math.Inf(1), "-Inf": math.Inf(-1)} {
				t.Run(typ.Name()+"."+f.Name+"/"+shown, func(t *testing.T) {
					assertRefused(t, row.withField(i, x), typ.Name()+"."+f.Name, shown, "")
				})
			}
		}
	}
	assert.Greater(t, n, 60, "floats")
}

// Every file of every endpoint: what is no URL, what is no file, and what the
// endpoint cannot take.
func TestBadInputOfEveryFile(t *testing.T) {
	n := 0
	missing := filepath.Join(t.TempDir(), "no-such.png")
	for typ, row := range ruled(t) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			list := f.Type == reflect.TypeFor[[]Input]()
			if !list && f.Type != reflect.TypeFor[Input]() {
				continue
			}
			n++
			with := func(in Input) typedCall {
				if list {
					return row.withField(i, []Input{in})
				}
				return row.withField(i, in)
			}
			param, way := typ.Name()+"."+f.Name, f.Tag.Get("media")
			if list {
				param += "[0]"
			}
			t.Run(param, func(t *testing.T) {
				if _, ok := row.params.(UploadParams); ok {
					way = mediaDataURI // of the type that is sent
				}
				way, _, _ := strings.Cut(way, " ")
				assert.Contains(t, []string{mediaURL, mediaBase64, mediaFlag, mediaAnswer, mediaDataURI}, way)
				for _, u := range []string{"cat.png", "", "//files.example.com/a.png", "file:///etc/passwd", "https://"} {
					c, wire := badWire(t)
					_, err := with(InputURL(u))(t.Context(), c)
					assertParam(t, param, err)
					assert.Empty(t, wire.requests(), u)
				}
				c, wire := badWire(t)
				_, err := with(InputURL("https://ada:"+contractPassword+"@files.example.com/a.png"))(t.Context(), c)
				assertParam(t, param, err)
				assert.NotContains(t, err.Error(), contractPassword)
				_, err = with(InputFile(missing))(t.Context(), c)
				assertParam(t, param, err)
				_, err = with(InputBytes([]byte{}))(t.Context(), c)
				assertParam(t, param, err)
				if way == mediaURL {
					_, err = with(InputBytes([]byte("a file")))(t.Context(), c)
					assertParam(t, param, err)
					assert.ErrorContains(t, err, "Generation.Uploads")
				}
				assert.Empty(t, wire.requests())
			})
		}
	}
	assert.Greater(t, n, 80, "files")
}

// The rules that are written down are those that are broken above.
func TestBadInputKnowsEveryRuledType(t *testing.T) {
	known := map[string]bool{
		// What UploadParams becomes, by the endpoint.
		"uploadFile": true, "uploadImage": true, "uploadVideo": true, "uploadModel": true, "uploadAudio": true,
	}
	for typ := range ruled(t) {
		known[typ.Name()] = true
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	n := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(tree, func(node ast.Node) bool {
			spec, ok := node.(*ast.TypeSpec)
			if !ok {
				return true
			}
			fields, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range fields.Fields.List {
				if f.Tag != nil && strings.Contains(f.Tag.Value, `rule:"`) {
					n++
					assert.True(t, known[spec.Name.Name], "%s: no call of the contract has a %s", file, spec.Name.Name)
				}
			}
			return true
		})
	}
	assert.Greater(t, n, 300)
}
