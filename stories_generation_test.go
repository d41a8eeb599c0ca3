package modelslab_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// medium is what a job makes.
type medium struct {
	name  string
	cents int64 // what the sandbox takes for one
	is    func(t testing.TB, content []byte)
}

// begins is a medium that is known by its first bytes, after skip others.
func begins(name string, cents int64, skip int, magic string) medium {
	return medium{name, cents, func(t testing.TB, content []byte) {
		t.Helper()
		require.Greater(t, len(content), skip+len(magic))
		assert.Equal(t, magic, string(content[skip:skip+len(magic)]))
	}}
}

var (
	aPicture = medium{"a picture", 2, func(t testing.TB, content []byte) {
		t.Helper()
		_, err := png.DecodeConfig(bytes.NewReader(content))
		assert.NoError(t, err)
	}}
	aFilm = begins("a film", 20, 4, "ftyp")
	aSong = begins("a sound", 3, 8, "WAVE")
	aMesh = begins("a mesh", 25, 0, "glTF")
	aText = medium{"a text", 1, func(t testing.TB, content []byte) {
		t.Helper()
		assert.Contains(t, string(content), " ", "more than a word")
	}}
)

// typedJob is a method that submits a job, with the least that it takes.
type typedJob struct {
	endpoint string
	makes    medium
	submit   func(ctx context.Context, g *modelslab.GenerationService, opts ...modelslab.RequestOption) (*modelslab.Generation, error)
}

func jobOf[S, P any](
	endpoint string, makes medium, service func(*modelslab.GenerationService) S,
	method func(S, context.Context, P, ...modelslab.RequestOption) (*modelslab.Generation, error), least P,
) typedJob {
	return typedJob{endpoint, makes, func(ctx context.Context, g *modelslab.GenerationService, opts ...modelslab.RequestOption) (*modelslab.Generation, error) {
		return method(service(g), ctx, least, opts...)
	}}
}

// path is where the job is submitted.
func (j typedJob) path() string { return rowNamed(j.endpoint).Path }

func rowNamed(name string) modelslab.Endpoint {
	all := modelslab.Endpoints()
	i := slices.IndexFunc(all, func(e modelslab.Endpoint) bool { return e.Name == name })
	if i < 0 {
		panic("no endpoint is named " + name)
	}
	return all[i]
}

func typedJobs() []typedJob {
	images := func(g *modelslab.GenerationService) *modelslab.ImagesService { return g.Images }
	video := func(g *modelslab.GenerationService) *modelslab.VideoService { return g.Video }
	audio := func(g *modelslab.GenerationService) *modelslab.AudioService { return g.Audio }
	solid := func(g *modelslab.GenerationService) *modelslab.ThreeDService { return g.ThreeD }
	editing := func(g *modelslab.GenerationService) *modelslab.EditingService { return g.Editing }
	interior := func(g *modelslab.GenerationService) *modelslab.InteriorService { return g.Interior }
	faces := func(g *modelslab.GenerationService) *modelslab.FaceSwapService { return g.FaceSwap }
	pic, mask := modelslab.InputURL("https://files.example.com/a.png"), modelslab.InputURL("https://files.example.com/mask.png")
	film, sound := modelslab.InputURL("https://files.example.com/a.mp4"), modelslab.InputURL("https://files.example.com/a.wav")
	pics := []modelslab.Input{pic}
	const prompt, model, voice = "a lighthouse at dusk", "some-model", "tara"
	return []typedJob{
		jobOf("images.text2img", aPicture, images, (*modelslab.ImagesService).TextToImage, modelslab.TextToImageParams{ModelID: "flux", Prompt: prompt}),
		jobOf("images.img2img", aPicture, images, (*modelslab.ImagesService).ImageToImage, modelslab.ImageToImageParams{ModelID: model, InitImage: pic}),
		jobOf("images.inpaint", aPicture, images, (*modelslab.ImagesService).Inpaint, modelslab.InpaintParams{ModelID: model, InitImage: pic, MaskImage: mask}),
		jobOf("images.controlnet", aPicture, images, (*modelslab.ImagesService).ControlNet, modelslab.ControlNetParams{}),
		jobOf("realtime.text2img", aPicture, images, (*modelslab.ImagesService).RealtimeTextToImage, modelslab.RealtimeTextToImageParams{Prompt: prompt}),
		jobOf("realtime.img2img", aPicture, images, (*modelslab.ImagesService).RealtimeImageToImage, modelslab.RealtimeImageToImageParams{Prompt: prompt, InitImage: pic}),
		jobOf("realtime.inpaint", aPicture, images, (*modelslab.ImagesService).RealtimeInpaint, modelslab.RealtimeInpaintParams{Prompt: prompt, InitImage: pic, MaskImage: mask}),
		jobOf("images.text_to_image_v7", aPicture, images, (*modelslab.ImagesService).TextToImageV7, modelslab.TextToImageV7Params{ModelID: model, Prompt: prompt}),
		jobOf("images.image_to_image_v7", aPicture, images, (*modelslab.ImagesService).ImageToImageV7, modelslab.ImageToImageV7Params{ModelID: model, Prompt: prompt, InitImage: pics}),
		jobOf("images.inpaint_v7", aPicture, images, (*modelslab.ImagesService).InpaintV7, modelslab.InpaintV7Params{ModelID: model, Prompt: prompt, InitImage: pic, MaskImage: mask}),

		jobOf("video.text2video", aFilm, video, (*modelslab.VideoService).TextToVideo, modelslab.TextToVideoParams{ModelID: model, Prompt: prompt}),
		jobOf("video.text2video_ultra", aFilm, video, (*modelslab.VideoService).TextToVideoUltra, modelslab.TextToVideoUltraParams{ModelID: model, Prompt: prompt}),
		jobOf("video.img2video", aFilm, video, (*modelslab.VideoService).ImageToVideo, modelslab.ImageToVideoParams{ModelID: model, InitImage: pic}),
		jobOf("video.img2video_ultra", aFilm, video, (*modelslab.VideoService).ImageToVideoUltra, modelslab.ImageToVideoUltraParams{ModelID: model, Prompt: prompt, InitImage: pic}),
		jobOf("video.video2video", aFilm, video, (*modelslab.VideoService).VideoToVideo, modelslab.VideoToVideoParams{InitImage: pic, InitVideo: film}),
		jobOf("video.watermark_remover", aFilm, video, (*modelslab.VideoService).WatermarkRemover, modelslab.WatermarkRemoverParams{InitVideo: film}),
		jobOf("video.text_to_video_v7", aFilm, video, (*modelslab.VideoService).TextToVideoV7, modelslab.TextToVideoV7Params{ModelID: model, Prompt: prompt}),
		jobOf("video.image_to_video_v7", aFilm, video, (*modelslab.VideoService).ImageToVideoV7, modelslab.ImageToVideoV7Params{ModelID: model, InitImage: pics}),
		jobOf("video.video_to_video_v7", aFilm, video, (*modelslab.VideoService).VideoToVideoV7, modelslab.VideoToVideoV7Params{ModelID: model, Prompt: prompt, InitVideo: []modelslab.Input{film}}),
		jobOf("video.lip_sync", aFilm, video, (*modelslab.VideoService).LipSync, modelslab.LipSyncParams{ModelID: model, InitVideo: film, InitAudio: sound}),
		jobOf("video.motion_control", aFilm, video, (*modelslab.VideoService).MotionControl, modelslab.MotionControlParams{ModelID: model, InitImage: pic, InitVideo: film, CharacterOrientation: "image"}),

		jobOf("voice.text_to_speech", aSong, audio, (*modelslab.AudioService).TextToSpeech, modelslab.TextToSpeechParams{Prompt: prompt, VoiceID: voice, Language: "american english"}),
		jobOf("voice.text_to_audio", aSong, audio, (*modelslab.AudioService).TextToAudio, modelslab.TextToAudioParams{Prompt: prompt, InitAudio: sound}),
		jobOf("voice.voice_to_voice", aSong, audio, (*modelslab.AudioService).VoiceToVoice, modelslab.VoiceToVoiceParams{InitAudio: sound, TargetAudio: sound}),
		jobOf("voice.voice_cover", aSong, audio, (*modelslab.AudioService).VoiceCover, modelslab.VoiceCoverParams{InitAudio: sound, ModelID: model}),
		jobOf("voice.voice_design", aSong, audio, (*modelslab.AudioService).VoiceDesign, modelslab.VoiceDesignParams{Prompt: prompt, VoiceDescription: "an old sailor"}),
		jobOf("voice.create_dubbing", aFilm, audio, (*modelslab.AudioService).CreateDubbing, modelslab.CreateDubbingParams{InitVideo: film, OutputLang: "es"}),
		jobOf("voice.music_gen", aSong, audio, (*modelslab.AudioService).MusicGen, modelslab.MusicGenParams{Prompt: prompt}),
		jobOf("voice.sfx", aSong, audio, (*modelslab.AudioService).SFX, modelslab.SFXParams{Prompt: prompt}),
		jobOf("voice.song_generator", aSong, audio, (*modelslab.AudioService).SongGenerator, modelslab.SongGeneratorParams{Lyrics: "[Verse 1]\nthe sea"}),
		jobOf("voice.lyrics_generator", aText, audio, (*modelslab.AudioService).LyricsGenerator, modelslab.LyricsGeneratorParams{Prompt: prompt}),
		jobOf("voice.speech_to_text", aText, audio, (*modelslab.AudioService).SpeechToText, modelslab.SpeechToTextParams{InitAudio: sound, Language: "en"}),
		jobOf("voice.vocal_isolator", aSong, audio, (*modelslab.AudioService).VocalIsolator, modelslab.VocalIsolatorParams{InitAudio: sound}),
		jobOf("voice.text_to_speech_v7", aSong, audio, (*modelslab.AudioService).TextToSpeechV7, modelslab.TextToSpeechV7Params{ModelID: model, Prompt: prompt, VoiceID: voice}),
		jobOf("voice.speech_to_text_v7", aText, audio, (*modelslab.AudioService).SpeechToTextV7, modelslab.SpeechToTextV7Params{ModelID: model, InitAudio: sound}),
		jobOf("voice.speech_to_speech", aSong, audio, (*modelslab.AudioService).SpeechToSpeech, modelslab.SpeechToSpeechParams{ModelID: model, InitAudio: sound, VoiceID: voice}),
		jobOf("voice.music_gen_v7", aSong, audio, (*modelslab.AudioService).MusicGenV7, modelslab.MusicGenV7Params{ModelID: model, Prompt: prompt}),
		jobOf("voice.sound_generation", aSong, audio, (*modelslab.AudioService).SoundGeneration, modelslab.SoundGenerationParams{ModelID: model, Prompt: prompt}),
		jobOf("voice.create_dubbing_v7", aSong, audio, (*modelslab.AudioService).CreateDubbingV7, modelslab.CreateDubbingV7Params{ModelID: model, TargetLanguage: "es", InitVideo: film}),
		jobOf("voice.song_extender", aSong, audio, (*modelslab.AudioService).SongExtender, modelslab.SongExtenderParams{ModelID: model, InitAudio: sound, ExtendDuration: 10}),
		jobOf("voice.song_inpaint", aSong, audio, (*modelslab.AudioService).SongInpaint, modelslab.SongInpaintParams{ModelID: model, InitAudio: sound}),

		jobOf("threed.text_to_3d", aMesh, solid, (*modelslab.ThreeDService).TextTo3D, modelslab.TextTo3DParams{Prompt: prompt}),
		jobOf("threed.image_to_3d", aMesh, solid, (*modelslab.ThreeDService).ImageTo3D, modelslab.ImageTo3DParams{InitImage: pic}),

		jobOf("image_editing.removebg_mask", aPicture, editing, (*modelslab.EditingService).RemoveBackground, modelslab.RemoveBackgroundParams{Image: pic}),
		jobOf("image_editing.super_resolution", aPicture, editing, (*modelslab.EditingService).SuperResolution, modelslab.SuperResolutionParams{InitImage: pic}),
		jobOf("image_editing.caption", aText, editing, (*modelslab.EditingService).Caption, modelslab.CaptionParams{InitImage: pic}),
		jobOf("image_editing.face_gen", aPicture, editing, (*modelslab.EditingService).FaceGen, modelslab.FaceGenParams{Prompt: prompt, FaceImage: pic}),
		jobOf("image_editing.fashion", aPicture, editing, (*modelslab.EditingService).Fashion, modelslab.FashionParams{InitImage: pic, ClothImage: mask, ClothType: "dresses"}),
		jobOf("image_editing.qwen_edit", aPicture, editing, (*modelslab.EditingService).QwenEdit, modelslab.QwenEditParams{Prompt: prompt, InitImage: pics}),
		jobOf("image_editing.flux_headshot", aPicture, editing, (*modelslab.EditingService).FluxHeadshot, modelslab.FluxHeadshotParams{Prompt: prompt, FaceImage: pic}),
		jobOf("image_editing.head_shot", aPicture, editing, (*modelslab.EditingService).HeadShot, modelslab.HeadShotParams{Prompt: prompt, FaceImage: pic}),
		jobOf("image_editing.img_mixer", aPicture, editing, (*modelslab.EditingService).ImageMixer, modelslab.ImageMixerParams{Prompt: prompt, InitImage: pics}),
		jobOf("image_editing.inpaint", aPicture, editing, (*modelslab.EditingService).Inpaint, modelslab.EditingInpaintParams{Prompt: prompt, InitImage: pic, MaskImage: mask}),
		jobOf("image_editing.mask_creator", aPicture, editing, (*modelslab.EditingService).MaskCreator, modelslab.MaskCreatorParams{InitImage: pic, SpecificObject: "the boat"}),
		jobOf("image_editing.object_removal", aPicture, editing, (*modelslab.EditingService).ObjectRemoval, modelslab.EditingObjectRemovalParams{InitImage: pic, MaskImage: mask}),
		jobOf("image_editing.outpaint", aPicture, editing, (*modelslab.EditingService).Outpaint, modelslab.OutpaintParams{Image: pic}),

		jobOf("interior.make", aPicture, interior, (*modelslab.InteriorService).Make, modelslab.InteriorMakeParams{InitImage: pic, Prompt: prompt}),
		jobOf("interior.floor_planning", aPicture, interior, (*modelslab.InteriorService).FloorPlanning, modelslab.InteriorFloorPlanningParams{InitImage: pic, Prompt: prompt}),
		jobOf("interior.room_decorator", aPicture, interior, (*modelslab.InteriorService).RoomDecorator, modelslab.InteriorRoomDecoratorParams{InitImage: pic, Prompt: prompt}),
		jobOf("interior.scenario_changer", aPicture, interior, (*modelslab.InteriorService).ScenarioChanger, modelslab.InteriorScenarioChangerParams{InitImage: pic, Prompt: prompt, Scenario: "snow"}),
		jobOf("interior.sketch_rendering", aPicture, interior, (*modelslab.InteriorService).SketchRendering, modelslab.InteriorSketchRenderingParams{InitImage: pic, Prompt: prompt}),
		jobOf("interior.exterior_restorer", aPicture, interior, (*modelslab.InteriorService).ExteriorRestorer, modelslab.InteriorExteriorRestorerParams{InitImage: pic, Prompt: prompt}),
		jobOf("interior.object_removal", aPicture, interior, (*modelslab.InteriorService).ObjectRemoval, modelslab.InteriorObjectRemovalParams{InitImage: pic, ObjectName: "the sofa"}),
		jobOf("interior.interior_mixer", aPicture, interior, (*modelslab.InteriorService).Mixer, modelslab.InteriorMixerParams{InitImage: pic, ObjectImage: mask, Prompt: prompt}),

		jobOf("faceswap.single_face_swap", aPicture, faces, (*modelslab.FaceSwapService).Single, modelslab.FaceSwapSingleParams{InitImage: pic, TargetImage: mask, ReferenceImage: pic}),
		jobOf("faceswap.multiple_face_swap", aPicture, faces, (*modelslab.FaceSwapService).Multiple, modelslab.FaceSwapMultipleParams{InitImage: pic, TargetImage: mask}),
		jobOf("faceswap.single_video_swap", aFilm, faces, (*modelslab.FaceSwapService).SingleVideo, modelslab.FaceSwapSingleVideoParams{InitImage: pic, InitVideo: film}),
		jobOf("faceswap.specific_video_swap", aFilm, faces, (*modelslab.FaceSwapService).SpecificVideo, modelslab.FaceSwapSpecificVideoParams{InitImage: pic, InitVideo: film, ReferenceImage: pic}),
	}
}

// Nothing that submits a job is missing above but what has stories of its own.
func TestTypedJobsAreAllThatThereAre(t *testing.T) {
	told := []string{"training.lora_fine_tune", "workflows.run"}
	for _, j := range typedJobs() {
		told = append(told, j.endpoint)
	}
	var all []string
	for _, e := range modelslab.Endpoints() {
		if e.Job {
			all = append(all, e.Name)
		}
	}
	assert.ElementsMatch(t, all, told)
}

// eachJob tells a story of each job, in fake time, with $1 in the wallet.
func eachJob(t *testing.T, story func(t *testing.T, j typedJob, w *world), opts ...sandbox.Option) {
	t.Helper()
	for _, j := range typedJobs() {
		t.Run(j.endpoint, func(t *testing.T) { inWorld(t, func(t *testing.T, w *world) { story(t, j, w) }, opts...) })
	}
}

// inWorld tells a story in the documented shape, in memory and fake time.
func inWorld(t *testing.T, story func(t *testing.T, w *world), opts ...sandbox.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.New(append([]sandbox.Option{sandbox.InMemory(), sandbox.WithoutRateLimits()}, opts...)...)
		defer srv.Close()
		w := &world{srv: srv, account: srv.Account(sandbox.AccountParams{Email: "ada@example.com", BalanceCents: 100})}
		w.client = w.as(t, w.account)
		story(t, w)
	})
}

// spent is what has left the wallet of its $1, in cents.
func (w *world) spent(t *testing.T) int64 {
	t.Helper()
	left, err := strconv.ParseInt(strings.ReplaceAll(balance(t, w.client).String(), ".", ""), 10, 64)
	require.NoError(t, err)
	return 100 - left
}

// used are the records of the account's use, newest first.
func (w *world) used(t testing.TB) []modelslab.UsageRecord {
	t.Helper()
	page, err := w.client.Usage.History(t.Context(), modelslab.UsageHistoryParams{})
	require.NoError(t, err)
	return page.Items
}

// contentOf is an output: a file behind a link, or the text itself.
func contentOf(t testing.TB, c *modelslab.Client, output string) []byte {
	t.Helper()
	if !strings.HasPrefix(output, "http") {
		return []byte(output)
	}
	var file bytes.Buffer
	_, err := c.Generation.Download(t.Context(), output, &file)
	require.NoError(t, err)
	return file.Bytes()
}

// Submit, wait, look at what came, and find the job again with nothing but its ID and
// Path. It is paid once, and sent once.
func TestStoryOfEachJob(t *testing.T) {
	painted := false
	eachJob(t, func(t *testing.T, j typedJob, w *world) {
		ctx := withinADay(t)
		job, err := j.submit(ctx, w.client.Generation)
		require.NoError(t, err)
		assert.Equal(t, modelslab.StatusProcessing, job.Status)
		assert.False(t, job.Done())
		assert.Empty(t, job.Output)
		assert.Equal(t, j.path(), job.Path)
		require.NotEmpty(t, job.ID)
		assert.Equal(t, 2*time.Second, job.ETA)
		assert.Equal(t, j.makes.cents, w.spent(t))

		kept, err := json.Marshal(job)
		require.NoError(t, err)
		done, err := w.client.Generation.Wait(ctx, job, modelslab.WaitParams{})
		require.NoError(t, err)
		assert.Equal(t, modelslab.StatusSuccess, done.Status)
		assert.Equal(t, []string{job.ID, job.Path}, []string{done.ID, done.Path})
		require.Len(t, done.Output, 1)
		if j.makes.name != aPicture.name || !painted { // to paint takes longer than all the rest
			j.makes.is(t, contentOf(t, w.client, done.Output[0]))
			painted = painted || j.makes.name == aPicture.name
		} else {
			assert.Equal(t, ".png", path.Ext(done.Output[0]))
		}

		// Another process, with what the first one wrote down.
		var again modelslab.Generation
		require.NoError(t, json.Unmarshal(kept, &again))
		raw := again.Raw
		again.Raw = job.Raw
		assert.Equal(t, job, &again)
		assert.JSONEq(t, string(job.Raw), string(raw))
		fresh := w.as(t, w.account)
		for name, known := range map[string]*modelslab.Generation{"all": &again, "ID and Path": {ID: job.ID, Path: job.Path}} {
			found, err := fresh.Generation.Fetch(ctx, known)
			require.NoError(t, err, name)
			assert.Equal(t, done, found, name)
		}

		assert.Len(t, asked(w.srv, j.endpoint), 1, "submissions")
		assert.Equal(t, j.makes.cents, w.spent(t), "%s", j.makes.name)
		require.Len(t, w.used(t), 1)
		assert.Equal(t, j.path(), w.used(t)[0].Endpoint)
		assert.Equal(t, modelslab.Cents(j.makes.cents), *w.used(t)[0].Cost)
		assert.Empty(t, w.srv.Charges(), "no card was charged")
		for _, r := range w.srv.Requests() {
			assert.Equal(t, http.StatusOK, r.Status, r.Path)
		}
	})
}

// The methods that submit no job, from one end to the other. In the end every endpoint
// of the generation APIs was asked.
func TestStoryOfTheOtherServices(t *testing.T) {
	seen := map[string]bool{}
	tell := func(name string, story func(t *testing.T, w *world), opts ...sandbox.Option) {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				story(t, w)
				for _, r := range w.srv.Requests() {
					seen[r.Endpoint] = true
				}
			}, opts...)
		})
	}
	tell("uploads", storyOfUploads)
	tell("chat", storyOfChat)
	tell("training", storyOfATraining)
	tell("training under the page's spelling", storyOfACancelledTraining, sandbox.WithoutRoute("training.cancel"))
	tell("workflows", storyOfAWorkflow)
	tell("servers", storyOfServers)
	tell("models", storyOfModels)
	tell("voices", storyOfVoices)
	tell("what an account has made", storyOfAssets)
	tell("what an account has made, at the other path", storyOfAssets, sandbox.WithoutRoute("general.assets_generated"))
	tell("a picture asked for by body", func(t *testing.T, w *world) {
		g, err := w.client.Generation.Images.TextToImage(t.Context(), lighthouse())
		require.NoError(t, err)
		g, err = w.client.Generation.Wait(withinADay(t), g, modelslab.WaitParams{})
		require.NoError(t, err)
		assert.Len(t, g.Output, 1)
	}, sandbox.WithoutRoute("images.fetch"))
	if t.Failed() {
		return
	}
	for _, e := range modelslab.Endpoints() {
		if e.Limiter == modelslab.LimiterGeneration && !e.Job && !strings.Contains(e.Call, "Fetch") {
			assert.True(t, seen[e.Name], "%s, by %s", e.Name, e.Call)
		}
	}
}

func storyOfUploads(t *testing.T, w *world) {
	ctx, up := t.Context(), w.client.Generation.Uploads
	of := func(content string) modelslab.UploadParams {
		return modelslab.UploadParams{File: modelslab.InputBytes([]byte(content))}
	}
	const (
		picture = "\x89PNG\r\n\x1a\n and so on"
		sound   = "RIFF\x00\x00\x00\x00WAVEfmt and so on"
		mesh    = "glTF\x02\x00\x00\x00 and so on"
		film    = "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom and so on"
	)
	tests := []struct {
		name, content string
		call          func() (*modelslab.Upload, error)
	}{
		{"File", picture, func() (*modelslab.Upload, error) { return up.File(ctx, of(picture)) }},
		{"Image", picture, func() (*modelslab.Upload, error) { return up.Image(ctx, of(picture)) }},
		{"Video", film, func() (*modelslab.Upload, error) { return up.Video(ctx, of(film)) }},
		{"Audio", sound, func() (*modelslab.Upload, error) { return up.Audio(ctx, of(sound)) }},
		{"ThreeD", mesh, func() (*modelslab.Upload, error) { return up.ThreeD(ctx, of(mesh)) }},
		{"Crop", picture, func() (*modelslab.Upload, error) {
			return up.Crop(ctx, modelslab.UploadCropParams{Image: of(picture).File})
		}},
		{"Crop without a cut", picture, func() (*modelslab.Upload, error) {
			return up.Crop(ctx, modelslab.UploadCropParams{Image: of(picture).File, Crop: modelslab.Ptr(false)})
		}},
		{"ServerImage", picture, func() (*modelslab.Upload, error) {
			return up.ServerImage(ctx, modelslab.UploadServerImageParams{Image: of(picture).File, ImageType: "png"})
		}},
	}
	for _, tt := range tests {
		u, err := tt.call()
		require.NoError(t, err, tt.name)
		assert.NotEmpty(t, u.ID, tt.name)
		assert.Equal(t, tt.content, string(contentOf(t, w.client, u.URL)), tt.name)
		g, err := w.client.Generation.Editing.Caption(ctx, modelslab.CaptionParams{InitImage: u.Input()})
		require.NoError(t, err, "%s: the upload is an input of a job", tt.name)
		_, err = w.client.Generation.Wait(withinADay(t), g, modelslab.WaitParams{})
		require.NoError(t, err)
	}
	assert.EqualValues(t, len(tests), w.spent(t), "the captions; uploads are free")
	_, err := up.Audio(ctx, of(picture))
	require.ErrorIs(t, err, modelslab.ErrValidation, "a picture is no sound")
}

func storyOfChat(t *testing.T, w *world) {
	ctx, chat := t.Context(), w.client.Generation.Chat
	models, err := chat.Models(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, models)
	model := models[0].ID
	question := []modelslab.ChatMessage{{Role: modelslab.RoleUser, Content: "is the lamp lit"}}
	completion, err := chat.Complete(ctx, modelslab.ChatParams{Model: model, Messages: question})
	require.NoError(t, err)
	assert.Equal(t, "You said: is the lamp lit", completion.Text())
	assert.Equal(t, "stop", completion.Choices[0].FinishReason)
	assert.EqualValues(t, 1, w.spent(t))

	text, last := "", (*modelslab.ChatEvent)(nil)
	for event, err := range chat.Stream(ctx, modelslab.ChatParams{Model: model, Messages: question}) {
		require.NoError(t, err)
		text += event.Delta
		last = event
	}
	assert.Equal(t, completion.Text(), text)
	assert.Equal(t, text, last.Completion.Text())
	assert.EqualValues(t, 2, w.spent(t))

	messages := []modelslab.MessageParam{{Role: modelslab.RoleUser, Content: "is the lamp lit"}}
	message, err := chat.Message(ctx, modelslab.MessageParams{Model: model, MaxTokens: 100, Messages: messages})
	require.NoError(t, err)
	assert.Equal(t, completion.Text(), message.Text())
	text = ""
	var end *modelslab.MessageEvent
	for event, err := range chat.MessageStream(ctx, modelslab.MessageParams{Model: model, MaxTokens: 100, Messages: messages}) {
		require.NoError(t, err)
		text += event.Delta
		end = event
	}
	assert.Equal(t, completion.Text(), text)
	assert.Equal(t, text, end.Message.Text())
	assert.EqualValues(t, 4, w.spent(t))

	n, err := chat.CountTokens(ctx, modelslab.CountTokensParams{Model: model, Messages: messages})
	require.NoError(t, err)
	assert.Equal(t, message.Usage.InputTokens, n)
	assert.EqualValues(t, 4, w.spent(t), "to count is free")
}

func sixPictures() modelslab.TrainingCreateParams {
	p := modelslab.TrainingCreateParams{InstancePrompt: "photo of xyz lighthouse", ClassPrompt: "photo of a lighthouse", TrainingType: "null", MaxTrainSteps: 12}
	for range 6 {
		p.Images = append(p.Images, modelslab.InputURL("https://files.example.com/a.png"))
	}
	return p
}

// From the pictures to the model, and a picture made with it.
func storyOfATraining(t *testing.T, w *world) {
	ctx, training := withinADay(t), w.client.Generation.Training
	ids, err := training.List(ctx)
	require.NoError(t, err)
	assert.Empty(t, ids)
	begun, err := training.Create(ctx, sixPictures())
	require.NoError(t, err)
	assert.Equal(t, modelslab.TrainingDeployingGPU, begun.State)
	assert.Equal(t, modelslab.StatusProcessing, begun.Status)
	assert.EqualValues(t, 100, w.spent(t))

	var states []modelslab.TrainingState
	done, err := w.as(t, w.account).Generation.Training.Wait(ctx, begun.ID, modelslab.TrainingWaitParams{
		WaitParams: modelslab.WaitParams{MaxInterval: 100 * time.Millisecond},
		Progress: func(tr *modelslab.Training) {
			assert.Equal(t, begun.ID, tr.ID)
			if len(states) == 0 || states[len(states)-1] != tr.State {
				states = append(states, tr.State)
			}
		},
	})
	require.NoError(t, err)
	assert.Equal(t, &modelslab.Training{ID: begun.ID, State: modelslab.TrainingModelReady, Status: modelslab.StatusSuccess, Progress: done.Progress}, done)
	assert.Equal(t, []modelslab.TrainingState{
		modelslab.TrainingDeployingGPU, modelslab.TrainingStarted, modelslab.TrainingSucceeded, modelslab.TrainingCompressing,
		modelslab.TrainingUploading, modelslab.TrainingUploaded, modelslab.TrainingDeployingModel, modelslab.TrainingModelReady,
	}, states)
	assert.NotEmpty(t, done.Progress)
	status, err := training.Status(ctx, begun.ID)
	require.NoError(t, err)
	assert.Equal(t, done, status)
	assert.Len(t, asked(w.srv, "training.lora_fine_tune"), 1)
	assert.EqualValues(t, 100, w.spent(t), "one dollar, as documented")

	reloaded, err := w.client.Generation.Models.Reload(ctx, modelslab.ModelReloadParams{ModelID: done.ID})
	require.NoError(t, err)
	assert.True(t, reloaded)
	ids, err = training.List(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{begun.ID}, ids)
	require.Error(t, training.Cancel(ctx, begun.ID), "it is over")
	require.NoError(t, training.Delete(ctx, begun.ID))
	require.ErrorIs(t, training.Delete(ctx, begun.ID), modelslab.ErrNotFound)
	_, err = training.Status(ctx, begun.ID)
	require.ErrorIs(t, err, modelslab.ErrNotFound)
}

func storyOfACancelledTraining(t *testing.T, w *world) {
	ctx, training := withinADay(t), w.client.Generation.Training
	begun, err := training.Create(ctx, sixPictures())
	require.NoError(t, err)
	elapse(time.Second)
	require.NoError(t, training.Cancel(ctx, begun.ID))
	got, err := training.Wait(ctx, begun.ID, modelslab.TrainingWaitParams{})
	require.ErrorIs(t, err, modelslab.ErrGenerationFailed)
	assert.Equal(t, begun.ID, got.ID)
	assert.Equal(t, modelslab.StatusFailed, got.Status)
	assert.Equal(t, modelslab.TrainingState("training_cancelled"), got.State)
	_, err = training.Status(ctx, begun.ID)
	require.ErrorIs(t, err, modelslab.ErrGenerationFailed)
	require.Error(t, training.Cancel(ctx, begun.ID), "twice")
	require.ErrorIs(t, training.Cancel(ctx, "nobody"), modelslab.ErrNotFound)
}

// The list, the parameters that are wanted, a run, and its steps.
func storyOfAWorkflow(t *testing.T, w *world) {
	ctx, flows := withinADay(t), w.client.Generation.Workflows
	list, err := flows.List(ctx)
	require.NoError(t, err)
	require.Len(t, list, 2)
	flow, err := flows.Get(ctx, list[1].ID)
	require.NoError(t, err)
	params := map[string]any{}
	for _, p := range flow.Parameters {
		if p.Required {
			params[p.Key] = map[string]any{"string": "a lighthouse", "number": 2}[p.Type]
		}
	}
	run, err := flows.Run(ctx, flow.ID, params)
	require.NoError(t, err)
	assert.Equal(t, modelslab.StatusProcessing, run.Status)
	assert.Equal(t, "/api/v1/workflows/"+flow.ID+"/run", run.Path)
	begun, err := flows.Execution(ctx, flow.ID, run.ID)
	require.NoError(t, err)
	assert.Equal(t, "pending", begun.Status)
	kept := &modelslab.Generation{ID: run.ID, Path: run.Path}
	done, err := w.as(t, w.account).Generation.Wait(ctx, kept, modelslab.WaitParams{})
	require.NoError(t, err)
	require.Len(t, done.Output, 1)
	aPicture.is(t, contentOf(t, w.client, done.Output[0]))
	execution, err := flows.Execution(ctx, flow.ID, run.ID)
	require.NoError(t, err)
	assert.Equal(t, "completed", execution.Status)
	assert.Equal(t, done.Output, execution.Output)
	assert.Len(t, execution.Steps, 2)
	for _, step := range execution.Steps {
		assert.Equal(t, "completed", step.Status)
	}
	assert.EqualValues(t, 2, w.spent(t))
	assert.Len(t, asked(w.srv, "workflows.run"), 1)
	list, err = flows.List(ctx)
	require.NoError(t, err)
	assert.Equal(t, 1, list[1].CallCount)
	require.Error(t, flows.Cancel(ctx, flow.ID, run.ID), "it is over")

	_, err = flows.Run(ctx, flow.ID, nil)
	require.ErrorIs(t, err, modelslab.ErrValidation, "without what it needs")
	_, err = flows.Get(ctx, "nobody")
	require.ErrorIs(t, err, modelslab.ErrNotFound)
	assert.EqualValues(t, 2, w.spent(t))
}

func storyOfServers(t *testing.T, w *world) {
	ctx, servers := withinADay(t), w.client.Generation.Servers
	var pictures []string
	for _, s := range []*modelslab.ServersService{servers, servers.For(modelslab.ServerTextToImage), servers.For(modelslab.ServerFlux), servers.For(modelslab.ServerFlux2Dev)} {
		require.NoError(t, s.Restart(ctx))
		require.NoError(t, s.Update(ctx))
		require.NoError(t, s.ClearCache(ctx))
		job, err := s.Run(ctx, "text2img", lighthouse())
		require.NoError(t, err)
		require.NoError(t, s.ClearQueue(ctx))
		_, err = w.client.Generation.Fetch(ctx, job)
		require.ErrorIs(t, err, modelslab.ErrNotFound, "the queue was emptied")
		job, err = s.Run(ctx, "text2img", lighthouse())
		require.NoError(t, err)
		details, err := s.Details(ctx)
		require.NoError(t, err)
		assert.InDelta(t, 2.0, details.QueueTime, 0)
		for _, known := range []*modelslab.Generation{job, {ID: job.ID, Path: job.Path}} {
			done, err := w.client.Generation.Wait(ctx, known, modelslab.WaitParams{})
			require.NoError(t, err)
			require.Len(t, done.Output, 1)
			pictures = append(pictures, done.Output[0])
		}
	}
	aPicture.is(t, contentOf(t, w.client, pictures[0]))
	require.NoError(t, servers.LoadModel(ctx, modelslab.ServerLoadModelParams{URL: "some/model", ModelID: "one", ModelType: "huggingface"}))
	require.NoError(t, servers.LoadModelV2(ctx, modelslab.ServerLoadModelV2Params{URL: "some/model", ModelID: "two", ModelCategory: "lora", ModelFormat: "pt"}))
	require.NoError(t, servers.LoadVAE(ctx, modelslab.ServerLoadVAEParams{VAEID: "vae", VAEURL: "some/vae", VAEType: "pt"}))
	ids, err := servers.Models(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"one", "two"}, ids)
	one := modelslab.ServerModelParams{ModelID: "one"}
	require.NoError(t, servers.VerifyModel(ctx, one))

	other := w.srv.Account(sandbox.AccountParams{Email: "grace@example.com"})
	require.NoError(t, servers.SyncModels(ctx, modelslab.ServerSyncModelsParams{SyncKey: modelslab.NewSecret(other.APIKey)}))
	ids, err = w.as(t, other).Generation.Servers.Models(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"one", "two"}, ids)
	require.NoError(t, servers.DeleteModel(ctx, one))
	require.ErrorIs(t, servers.VerifyModel(ctx, one), modelslab.ErrNotFound)
	schedulers, err := servers.Schedulers(ctx)
	require.NoError(t, err)
	assert.Contains(t, schedulers, "DDIMScheduler")
	for _, s := range []*modelslab.ServersService{servers, servers.For(modelslab.ServerVoice), servers.For(modelslab.ServerFaceSwap), servers.For(modelslab.Server3D), servers.For(modelslab.ServerFlux)} {
		require.NoError(t, s.UpdateS3(ctx, modelslab.ServerS3Params{
			PublicURL: "https://files.example.com", RegionName: "eu", EndpointURL: "https://s3.example.com", AWSAccessKeyID: "id",
			AWSSecretAccessKey: modelslab.NewSecret("not for eyes"), ImageDirectory: "out",
		}))
		require.NoError(t, s.ResetS3(ctx))
	}
	assert.Zero(t, w.spent(t), "they are paid by the month")
}

func storyOfModels(t *testing.T, w *world) {
	ctx, models := t.Context(), w.client.Generation.Models
	page, err := models.Search(ctx, modelslab.ModelSearchParams{Feature: "imagen", PerPage: 2})
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	other, err := models.SearchV7(ctx, modelslab.ModelSearchParams{Feature: "imagen", PerPage: 2})
	require.NoError(t, err)
	assert.Equal(t, page, other)
	var ids []string
	for m, err := range models.SearchAll(ctx, modelslab.ModelSearchParams{Feature: "imagen", PerPage: 2}) {
		require.NoError(t, err)
		ids = append(ids, m.ModelID)
	}
	assert.Len(t, ids, page.Total)
	filters, err := models.Filters(ctx)
	require.NoError(t, err)
	assert.Contains(t, filters.Features, "imagen")
	for name, list := range map[string]func(context.Context, ...modelslab.RequestOption) ([]string, error){"tags": models.Tags, "providers": models.Providers} {
		names, err := list(ctx)
		require.NoError(t, err, name)
		assert.NotEmpty(t, names, name)
	}
	model, err := models.Get(ctx, ids[0])
	require.NoError(t, err)
	assert.Equal(t, ids[0], model.ModelID)
	_, err = models.Get(ctx, "nobody")
	require.ErrorIs(t, err, modelslab.ErrNotFound)

	has := func(id string) bool {
		list, err := models.List(ctx)
		require.NoError(t, err)
		return slices.ContainsFunc(list, func(m modelslab.PublicModel) bool { return m.ModelID == id })
	}
	assert.True(t, has(ids[0]))
	assert.False(t, has("mine"))
	require.NoError(t, models.Load(ctx, modelslab.ModelLoadParams{
		URL: "some/model", ModelID: "mine", ModelName: "Mine", ModelFormat: "safetensors", ModelCategory: "flux", ModelVisibility: "public",
	}))
	assert.True(t, has("mine"))
	done, err := models.Reload(ctx, modelslab.ModelReloadParams{ModelID: "mine"})
	require.NoError(t, err)
	assert.True(t, done)
	_, err = models.Reload(ctx, modelslab.ModelReloadParams{ModelID: "nobody"})
	require.ErrorIs(t, err, modelslab.ErrNotFound)
}

func storyOfVoices(t *testing.T, w *world) {
	ctx, audio := withinADay(t), w.client.Generation.Audio
	common, err := audio.Voices(ctx, modelslab.VoicesParams{})
	require.NoError(t, err)
	assert.NotEmpty(t, common)
	voice, err := audio.VoiceUpload(ctx, modelslab.VoiceUploadParams{
		Name: "Ada", InitAudio: modelslab.InputReader(strings.NewReader("RIFF\x00\x00\x00\x00WAVEfmt and so on")), Language: "english",
	})
	require.NoError(t, err)
	mine, err := audio.Voices(ctx, modelslab.VoicesParams{Type: "trained"})
	require.NoError(t, err)
	assert.Equal(t, []modelslab.Voice{*voice}, mine)
	assert.EqualValues(t, 5, w.spent(t))
	job, err := audio.TextToAudio(ctx, modelslab.TextToAudioParams{
		Prompt: "hello", InitAudio: modelslab.InputURL("https://files.example.com/a.wav"), VoiceID: voice.VoiceID,
	})
	require.NoError(t, err)
	job, err = w.client.Generation.Wait(ctx, job, modelslab.WaitParams{})
	require.NoError(t, err)
	aSong.is(t, contentOf(t, w.client, job.Output[0]))
}

func storyOfAssets(t *testing.T, w *world) {
	ctx, g := withinADay(t), w.client.Generation
	count := func() int {
		n, err := g.ProcessingCount(ctx)
		require.NoError(t, err)
		return n
	}
	var jobs []*modelslab.Generation
	for i := range 3 {
		assert.Equal(t, i, count())
		job, err := g.Images.TextToImage(ctx, lighthouse())
		require.NoError(t, err)
		jobs = append(jobs, job)
	}
	for i := range jobs {
		var err error
		jobs[i], err = g.Wait(ctx, jobs[i], modelslab.WaitParams{})
		require.NoError(t, err)
	}
	assert.Zero(t, count())
	first, err := g.Assets(ctx, modelslab.AssetsParams{Type: modelslab.AssetImage, PerPage: 2})
	require.NoError(t, err)
	assert.Equal(t, &modelslab.AssetPage{
		Items: []modelslab.Asset{{ID: jobs[2].ID, Output: jobs[2].Output}, {ID: jobs[1].ID, Output: jobs[1].Output}},
		Total: 3, CurrentPage: 1, PerPage: 2, LastPage: 2,
	}, first)
	none, err := g.Assets(ctx, modelslab.AssetsParams{Type: modelslab.AssetVideo})
	require.NoError(t, err)
	assert.Empty(t, none.Items)

	id := jobs[2].ID
	require.NoError(t, g.Delete(ctx, modelslab.GenerationDeleteParams{RequestID: id, Type: modelslab.AssetImage}))
	require.ErrorIs(t, g.Delete(ctx, modelslab.GenerationDeleteParams{RequestID: id}), modelslab.ErrNotFound)
	_, err = g.Fetch(ctx, jobs[2])
	require.ErrorIs(t, err, modelslab.ErrNotFound)
	last, err := g.Assets(ctx, modelslab.AssetsParams{Type: modelslab.AssetImage})
	require.NoError(t, err)
	assert.Len(t, last.Items, 2)

	b, err := g.WalletBalance(ctx)
	require.NoError(t, err)
	assert.Equal(t, modelslab.Cents(94), b.Balance, "what is deleted stays paid")
	assert.EqualValues(t, 6, w.spent(t))
}
