package modelslab

import (
	"encoding/json"
	"net/http"
	"reflect"
	"testing"
	"time"
)

// generationTypes are the exported types of the generation side that hold values
// of their own. Their fields are filled below: files and secrets with canaries.
func generationTypes() []any {
	return []any{
		// Params of jobs.
		ImageToImageParams{}, InpaintParams{}, ControlNetParams{}, RealtimeTextToImageParams{}, RealtimeImageToImageParams{}, RealtimeInpaintParams{},
		TextToImageV7Params{}, ImageToImageV7Params{}, InpaintV7Params{},
		TextToVideoParams{}, TextToVideoUltraParams{}, ImageToVideoParams{}, ImageToVideoUltraParams{}, VideoToVideoParams{}, WatermarkRemoverParams{},
		TextToVideoV7Params{}, ImageToVideoV7Params{}, VideoToVideoV7Params{}, LipSyncParams{}, MotionControlParams{}, Seconds(""),
		TextToSpeechParams{}, TextToAudioParams{}, VoiceToVoiceParams{}, VoiceCoverParams{}, VoiceDesignParams{}, CreateDubbingParams{}, MusicGenParams{},
		SFXParams{}, SongGeneratorParams{}, LyricsGeneratorParams{}, SpeechToTextParams{}, VocalIsolatorParams{}, VoiceUploadParams{}, VoicesParams{}, Voice{},
		TextToSpeechV7Params{}, SpeechToTextV7Params{}, SpeechToSpeechParams{}, MusicGenV7Params{}, SoundGenerationParams{}, CreateDubbingV7Params{},
		SongExtenderParams{}, SongInpaintParams{},
		TextTo3DParams{}, ImageTo3DParams{},
		RemoveBackgroundParams{}, SuperResolutionParams{}, CaptionParams{}, FaceGenParams{}, FashionParams{}, QwenEditParams{}, FluxHeadshotParams{},
		HeadShotParams{}, ImageMixerParams{}, EditingInpaintParams{}, MaskCreatorParams{}, EditingObjectRemovalParams{}, OutpaintParams{},
		InteriorMakeParams{}, InteriorFloorPlanningParams{}, InteriorRoomDecoratorParams{}, InteriorScenarioChangerParams{}, InteriorSketchRenderingParams{},
		InteriorExteriorRestorerParams{}, InteriorObjectRemovalParams{}, InteriorMixerParams{},
		FaceSwapSingleParams{}, FaceSwapMultipleParams{}, FaceSwapSingleVideoParams{}, FaceSwapSpecificVideoParams{},
		// Files, and what is around jobs.
		Input{}, UploadParams{}, UploadCropParams{}, UploadServerImageParams{}, Upload{}, YesNo(""), TrackID(0), DownloadProgress{},
		GenerationDeleteParams{}, AssetsParams{}, Asset{}, AssetPage{}, AssetType(""),
		TrainingCreateParams{}, Training{}, TrainingState(""),
		Workflow{}, WorkflowParameter{}, WorkflowExecution{}, WorkflowStep{},
		Server(""), ServerDetails{}, ServerLoadModelParams{}, ServerLoadModelV2Params{}, ServerLoadVAEParams{}, ServerModelParams{}, ServerSyncModelsParams{},
		ServerS3Params{},
		PublicModel{}, ModelLoadParams{}, ModelReloadParams{},
		// Chat.
		ChatParams{}, ChatMessage{}, ChatTool{}, ChatToolCall{}, ChatToolChoice{}, ChatResponseFormat{}, ChatCompletion{}, ChatChoice{}, ChatUsage{}, ChatEvent{},
		ChatChunk{}, ChatChunkChoice{}, ChatDelta{}, ChatToolCallDelta{}, ChatModel{},
		MessageParams{}, MessageParam{}, MessageBlock{}, MessageTool{}, MessageToolChoice{}, Message{}, MessageUsage{}, MessageEvent{}, CountTokensParams{},
	}
}

// full is a value with something in each field: canaries where nothing may be
// shown, words elsewhere.
func full(v reflect.Value, depth int) {
	if depth > 6 || !v.CanSet() {
		return
	}
	switch v.Type() {
	case inputType:
		v.Set(reflect.ValueOf(InputBytes([]byte(canaryBody))))
		return
	case reflect.TypeFor[Secret]():
		v.Set(reflect.ValueOf(NewSecret(canaryPassword)))
		return
	case reflect.TypeFor[Timestamp]():
		v.Set(reflect.ValueOf(Timestamp{time.Unix(1_700_000_000, 0)}))
		return
	case reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte(`{"type":"object"}`))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("words")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		full(v.Elem(), depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		full(v.Index(0), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			full(v.Field(i), depth+1)
		}
	}
}

// generationValues are filled values of the generation side, and those that are
// made by calls.
func generationValues(t *testing.T) []any {
	t.Helper()
	var all []any
	for _, v := range generationTypes() {
		p := reflect.New(reflect.TypeOf(v))
		full(p.Elem(), 0)
		all = append(all, p.Elem().Interface())
	}
	c := stubbed(t, scripted(planted(http.StatusOK, `{"status":"processing","id":7,HIDDEN}`)))
	g := c.Generation
	all = append(all, g.Video, g.Audio, g.ThreeD, g.Editing, g.Interior, g.FaceSwap, g.Chat, g.Uploads, g.Training, g.Workflows, g.Servers, g.Models)
	job, err := g.Video.TextToVideo(t.Context(), TextToVideoParams{ModelID: "wan2.2", Prompt: "words"})
	if err != nil {
		t.Fatal(err)
	}
	webhook, ok := readWebhook([]byte(`{"id":7,"status":"success","secret":"` + canaryBody + `"}`))
	if !ok {
		t.Fatal("a webhook that is documented")
	}
	return append(all, BatchResult{Generation: job}, WebhookEvent{Generation: job, Webhook: webhook}, webhook)
}
