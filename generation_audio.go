package modelslab

import (
	"context"
	"strings"
)

// AudioService makes speech, music, sounds and songs, and reads speech. The V7
// methods and those that have no page of their own take models of the newer API,
// whose fields differ from model to model: [WithBodyField] sends what a struct
// here has no field for.
//
// Every method that returns a [Generation] submits a job: it costs money, carries
// no idempotency key and is sent once; see [GenerationService.Run]. What it
// returns may still be processing: [GenerationService.Wait] sees it to its end.
// Documentation: docs.modelslab.com/voice-cloning/overview.
type AudioService struct{ c *Client }

// TextToSpeechParams is a text to be read by a voice that is there already.
// Prompt, VoiceID and Language are required.
type TextToSpeechParams struct {
	Prompt   string `json:"prompt" rule:"required,2500 chars"` // at most 2500 characters; may hold tags such as <laugh> with Emotion
	VoiceID  string `json:"voice_id" rule:"required"`          // as in madison; modelslab.com/trained-voice-lists has them
	Language string `json:"language" rule:"required"`          // american english, british english, spanish, japanese, mandarin chinese, french, brazilian portuguese, hindi or italian

	Speed        float64 `json:"speed,omitzero" rule:"0.."` // default 1
	Emotion      *bool   `json:"emotion,omitzero"`          // English only, with the voices Tara, Leah, Jess, Mia, Zoe, Leo, Dan and Zac; default false
	OutputFormat string  `json:"output_format,omitzero"`    // wav or mp3; known from the vendor's SDKs alone

	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// TextToSpeech submits a text to be read by a voice. Documentation:
// docs.modelslab.com/voice-cloning/text-to-speech. API: POST
// /api/v6/voice/text_to_speech.
func (s *AudioService) TextToSpeech(ctx context.Context, p TextToSpeechParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceTextToSpeech, p, opts)
}

// TextToAudioParams is a text to be read by the voice of a recording. Prompt and
// InitAudio are required.
type TextToAudioParams struct {
	Prompt    string `json:"prompt" rule:"required"`
	InitAudio Input  `json:"init_audio" media:"flag" rule:"required"` // the voice, 4 to 30 seconds of it

	VoiceID  string  `json:"voice_id,omitzero"`         // a voice of modelslab.com/voice-lists, or from VoiceUpload
	Language string  `json:"language,omitzero"`         // as in english, hindi or yue chinese: 48 are documented; default english
	Speed    float64 `json:"speed,omitzero" rule:"0.."` // default 1

	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// TextToAudio submits a text to be read by the voice of a recording: voice
// cloning. Documentation: docs.modelslab.com/voice-cloning/voice-cloning. API:
// POST /api/v6/voice/text_to_audio.
func (s *AudioService) TextToAudio(ctx context.Context, p TextToAudioParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceTextToAudio, p, opts)
}

// VoiceToVoiceParams is a recording that another voice is to speak. InitAudio and
// TargetAudio are required.
type VoiceToVoiceParams struct {
	InitAudio   Input `json:"init_audio" media:"flag" rule:"required"`   // what is said, at most 30 seconds
	TargetAudio Input `json:"target_audio" media:"flag" rule:"required"` // the voice, at most 30 seconds

	// Stream asks for the answer in pieces of base64. How they come is documented
	// nowhere, so this method cannot read them.
	Stream *bool `json:"stream,omitzero"`

	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// VoiceToVoice submits a recording that another voice is to speak.
// Documentation: docs.modelslab.com/voice-cloning/voice-to-voice. API: POST
// /api/v6/voice/voice_to_voice.
func (s *AudioService) VoiceToVoice(ctx context.Context, p VoiceToVoiceParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceVoiceToVoice, p, opts)
}

// VoiceCoverParams is a song that another voice is to sing. InitAudio and ModelID
// are required.
type VoiceCoverParams struct {
	InitAudio Input  `json:"init_audio" media:"flag" rule:"required"` // the song: a URL, also one of YouTube, or a WAV file
	ModelID   string `json:"model_id" rule:"required"`                // the voice; modelslab.com/voice-cover has them

	Pitch       string   `json:"pitch,omitzero"`                   // m2f, f2m or none: from a man's voice to a woman's, or back
	Algorithm   string   `json:"algorithm,omitzero"`               // rmvpe or mangio-crepe; default rmvpe
	Rate        *float64 `json:"rate,omitzero" rule:"0..1"`        // likeness to the voice as it was trained, 0 to 1
	Seed        *int64   `json:"seed,omitzero"`                    // nil: random
	Language    string   `json:"language,omitzero"`                // default english
	Emotion     string   `json:"emotion,omitzero"`                 // neutral, happy, sad, angry or dull; default neutral
	Speed       float64  `json:"speed,omitzero" rule:"0.5..2"`     // 0.5 to 2; default 1
	Radius      *float64 `json:"radius,omitzero" rule:"0..3"`      // length of the filter against artifacts, 0 to 3; default 3
	Mix         *float64 `json:"mix,omitzero" rule:"0..1"`         // likeness to the song's loudness, 0 to 1; default 0.25
	HopLength   int      `json:"hop_length,omitzero" rule:"1.."`   // how often mangio-crepe looks at the pitch; the documentation's example has 128
	Originality *float64 `json:"originality,omitzero" rule:"0..1"` // likeness to the song's voiceless consonants, 0 to 1; default 0.33

	LeadVoiceVolumeDelta   *int `json:"lead_voice_volume_delta,omitzero,string" rule:"-5..5"`   // louder or softer, -5 to 5
	BackupVoiceVolumeDelta *int `json:"backup_voice_volume_delta,omitzero,string" rule:"-5..5"` // likewise
	InstrumentVolumeDelta  *int `json:"instrument_volume_delta,omitzero,string" rule:"-5..5"`   // likewise

	ReverbSize *float64 `json:"reverb_size,omitzero" rule:"0..1"` // of the room, 0 to 1; default 0.15
	Wetness    *float64 `json:"wetness,omitzero" rule:"0..1"`     // reverb of the new voice, 0 to 1; default 0.2
	Dryness    *float64 `json:"dryness,omitzero" rule:"0..1"`     // reverb of the old voice, 0 to 1; default 0.8
	Damping    *float64 `json:"damping,omitzero" rule:"0..1"`     // of high tones in the reverb, 0 to 1; default 0.7

	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// VoiceCover submits a song that another voice is to sing. Documentation:
// docs.modelslab.com/voice-cloning/voice-cover. API: POST
// /api/v6/voice/voice_cover.
func (s *AudioService) VoiceCover(ctx context.Context, p VoiceCoverParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceVoiceCover, p, opts)
}

// VoiceDesignParams describes a voice, and says what it is to read. Prompt and
// VoiceDescription are required.
type VoiceDesignParams struct {
	Prompt           string `json:"prompt" rule:"required,1000 chars"`            // what is read, at most 1000 characters
	VoiceDescription string `json:"voice_description" rule:"required,1000 chars"` // tone, accent, age and so on, at most 1000 characters

	Language string `json:"language,omitzero"` // chinese, english, japanese, korean, german, french, russian, portuguese, spanish or italian

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// VoiceDesign submits a text to be read by a voice that is but described.
// Documentation: docs.modelslab.com/voice-cloning/voice-design. API: POST
// /api/v6/voice/voice_design.
func (s *AudioService) VoiceDesign(ctx context.Context, p VoiceDesignParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceVoiceDesign, p, opts)
}

// CreateDubbingParams is a video that is to speak another language. InitVideo and
// OutputLang are required.
type CreateDubbingParams struct {
	InitVideo  Input  `json:"init_video" media:"flag" rule:"required"`
	OutputLang string `json:"output_lang" rule:"required"` // es, fr, hi, it, pt-br, en-us, en-gb, ja or zh

	SourceLang string  `json:"source_lang,omitzero"`      // what is spoken now; default hi
	VoiceID    string  `json:"voice_id,omitzero"`         // as in henry; modelslab.com/trained-voice-lists has them
	VoiceModel string  `json:"voice_model,omitzero"`      // default kokoro
	Speed      float64 `json:"speed,omitzero" rule:"0.."` // default 1
	FilePrefix string  `json:"file_prefix,omitzero"`      // begins the result's file name; default spanish_dub
	Seed       *int64  `json:"seed,omitzero"`             // 0 is random

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// CreateDubbing submits a video that is to speak another language.
// Documentation: docs.modelslab.com/voice-cloning/create-dubbing. API: POST
// /api/v6/voice/create_dubbing.
func (s *AudioService) CreateDubbing(ctx context.Context, p CreateDubbingParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceCreateDubbing, p, opts)
}

// MusicGenParams describes music. Prompt is required.
type MusicGenParams struct {
	Prompt string `json:"prompt" rule:"required"`

	InitAudio    Input  `json:"init_audio,omitzero" media:"flag"` // a melody to go by, at most 30 seconds
	Duration     int    `json:"duration,omitzero" rule:"30..480"` // seconds, 30 to 480; default 30
	OutputFormat string `json:"output_format,omitzero"`           // wav, mp3 or flac; default wav
	Bitrate      string `json:"bitrate,omitzero"`                 // 128k, 192k or 320k; default 320k

	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// MusicGen submits music that a text describes. Documentation:
// docs.modelslab.com/voice-cloning/music-gen. API: POST
// /api/v6/voice/music_gen.
func (s *AudioService) MusicGen(ctx context.Context, p MusicGenParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceMusicGen, p, opts)
}

// SFXParams describes a sound. Prompt is required.
type SFXParams struct {
	Prompt string `json:"prompt" rule:"required"`

	Duration     int    `json:"duration,omitzero" rule:"1..300"` // seconds, 3 to 15, default 10; one of the vendor's SDKs allows 1 to 300
	OutputFormat string `json:"output_format,omitzero"`          // wav, mp3 or flac; known from the vendor's SDKs and dedicated servers
	Bitrate      string `json:"bitrate,omitzero"`                // 128k, 192k or 320k; likewise

	Temp    *bool  `json:"temp,omitzero"`     // keep the result for 24 hours only; default false
	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// SFX submits a sound that a text describes. Documentation:
// docs.modelslab.com/voice-cloning/sfx. API: POST /api/v6/voice/sfx.
func (s *AudioService) SFX(ctx context.Context, p SFXParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceSFX, p, opts)
}

// SongGeneratorParams describes a song. With LyricsGeneration the lyrics are made
// of Prompt, and Caption is required too; without it Lyrics is required, unless
// the song is Instrumental.
type SongGeneratorParams struct {
	LyricsGeneration *bool  `json:"lyrics_generation,omitzero"` // default false
	Prompt           string `json:"prompt,omitzero"`            // what the lyrics are to be about
	Lyrics           string `json:"lyrics,omitzero"`            // with tags such as [Verse 1]; an older text wants LRC, with times
	Caption          string `json:"caption,omitzero"`           // the style: genre, instruments, voice, mood

	InitAudio    Input  `json:"init_audio,omitzero" media:"url"`  // MP3 or WAV, for the style
	Duration     int    `json:"duration,omitzero" rule:"30..480"` // seconds, 30 to 480
	Language     string `json:"language,omitzero"`                // a code as in en or yue: 50 are documented; default: as the lyrics are
	Instrumental *bool  `json:"instrumental,omitzero"`            // nobody sings; default false

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

func (p SongGeneratorParams) check() error {
	made := p.LyricsGeneration != nil && *p.LyricsGeneration
	silent := p.Instrumental != nil && *p.Instrumental
	switch {
	case made && strings.TrimSpace(p.Prompt) == "":
		return &ParamError{Param: "SongGeneratorParams.Prompt", Reason: "is empty, and required with LyricsGeneration"}
	case made && strings.TrimSpace(p.Caption) == "":
		return &ParamError{Param: "SongGeneratorParams.Caption", Reason: "is empty, and required with LyricsGeneration"}
	case !made && !silent && strings.TrimSpace(p.Lyrics) == "":
		return &ParamError{Param: "SongGeneratorParams.Lyrics", Reason: "is empty; give lyrics, or set LyricsGeneration or Instrumental"}
	}
	return nil
}

// SongGenerator submits a song with vocals. Documentation:
// docs.modelslab.com/voice-cloning/song-generator. API: POST
// /api/v6/voice/song_generator.
func (s *AudioService) SongGenerator(ctx context.Context, p SongGeneratorParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceSongGenerator, p, opts)
}

// LyricsGeneratorParams says what lyrics are to be about. Prompt is required.
type LyricsGeneratorParams struct {
	Prompt string `json:"prompt" rule:"required"`

	Length string `json:"length,omitzero"` // short or long; default short

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// LyricsGenerator submits lyrics, in English. The text itself is in the job's
// Output. Documentation: docs.modelslab.com/voice-cloning/lyrics-generator. API:
// POST /api/v6/voice/lyrics_generator.
func (s *AudioService) LyricsGenerator(ctx context.Context, p LyricsGeneratorParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceLyricsGenerator, p, opts)
}

// SpeechToTextParams is a recording to be written down. InitAudio and Language
// are required.
type SpeechToTextParams struct {
	InitAudio Input  `json:"init_audio" media:"url" rule:"required"` // WAV, MP3, FLAC or OPUS; 5 seconds to an hour
	Language  string `json:"language" rule:"required"`               // ISO 639-1, as in en

	TimestampLevel string `json:"timestamp_level,omitzero"` // sentence, or word, which is less reliable; default: no times

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

// SpeechToText submits a recording to be written down. The text, or a URL of it,
// is in the job's Output: the vendor's texts differ. Documentation:
// docs.modelslab.com/voice-cloning/speech-to-text. API: POST
// /api/v6/voice/speech_to_text.
func (s *AudioService) SpeechToText(ctx context.Context, p SpeechToTextParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceSpeechToText, p, opts)
}

// VocalIsolatorParams is a video or a recording whose voices and music are to be
// taken apart. One of InitVideo and InitAudio is required; of both the server
// takes InitVideo.
type VocalIsolatorParams struct {
	InitVideo Input  `json:"init_video,omitzero" media:"flag"`
	InitAudio Input  `json:"init_audio,omitzero" media:"flag"`
	Seed      *int64 `json:"seed,omitzero"` // 0 is random

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID int64  `json:"track_id,omitzero"` // told to the webhook
}

func (p VocalIsolatorParams) check() error {
	if p.InitVideo == (Input{}) && p.InitAudio == (Input{}) {
		return &ParamError{Param: "VocalIsolatorParams.InitVideo", Reason: "is missing; give InitVideo or InitAudio"}
	}
	return nil
}

// VocalIsolator submits a video or a recording to part its voices from its music.
// Documentation: docs.modelslab.com/voice-cloning/vocal-isolator. API: POST
// /api/v6/voice/vocal_isolator.
func (s *AudioService) VocalIsolator(ctx context.Context, p VocalIsolatorParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceVocalIsolator, p, opts)
}

// Voice is a voice that texts can be read with.
type Voice struct {
	VoiceID  string `json:"voice_id"` // what TextToAudioParams.VoiceID takes
	Name     string `json:"name"`
	Language string `json:"language"` // as in english
}

func (v *Voice) read(at place, object []byte) error {
	var w struct {
		VoiceID  text `json:"voice_id"`
		Name     text `json:"name"`
		Language text `json:"language"`
	}
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	*v = Voice{VoiceID: firstOf(string(w.VoiceID), at.key), Name: string(w.Name), Language: string(w.Language)}
	if v.VoiceID == "" {
		return missing("voice_id")
	}
	return nil
}

// decode takes the answer to an upload. What it does not repeat of the voice is
// as it was asked for.
func (v *Voice) decode(t *trip, a *answer) error {
	if err := t.jobFailure(a); err != nil {
		return err
	}
	object, err := a.anything(t)
	if err != nil {
		return err
	}
	if err := v.read(place{}, inside(object, "voice")); err != nil {
		return err
	}
	if asked, ok := t.in.body.(VoiceUploadParams); ok {
		v.Name, v.Language = firstOf(v.Name, asked.Name), firstOf(v.Language, asked.Language)
	}
	return nil
}

// VoiceUploadParams is a recording of a voice. Name, InitAudio and Language are
// required.
type VoiceUploadParams struct {
	Name      string `json:"name" rule:"required"`
	InitAudio Input  `json:"init_audio" media:"flag" rule:"required"` // MP3 or WAV, best 10 to 25 seconds
	Language  string `json:"language" rule:"required"`                // english, arabic, spanish, german, czech, brazilian portuguese, chinese, dutch, french, hindi, hungarian, italian, japanese, korean, polish, russian or turkish

	Gender    string `json:"gender,omitzero"`                // male or female
	Thumbnail Input  `json:"thumbnail,omitzero" media:"url"` // a picture for the voice
}

// VoiceUpload keeps a recording as a voice for TextToAudio. No job is made: the
// voice is there when it returns. It may cost money, carries no idempotency key
// and is sent once: after [ErrOutcomeUnknown] look at Voices. Documentation:
// docs.modelslab.com/voice-cloning/upload-voice. API: POST
// /api/v6/voice/voice_upload.
func (s *AudioService) VoiceUpload(ctx context.Context, p VoiceUploadParams, opts ...RequestOption) (*Voice, error) {
	return call[Voice](ctx, s.c, voiceVoiceUpload, input{body: p}, opts)
}

// VoicesParams chooses among the account's voices.
type VoicesParams struct {
	Type string `json:"type,omitzero"` // manual, trained or voice_cover; default manual
}

// voiceList is the answer to Voices.
type voiceList []Voice

func (l *voiceList) decode(t *trip, a *answer) error {
	if err := t.jobFailure(a); err != nil {
		return err
	}
	found, err := a.list("voices")
	if err != nil {
		return err
	}
	*l, err = readElements[Voice](&found)
	return err
}

// Voices lists the voices that were uploaded. It can be repeated, and is.
// Documentation: docs.modelslab.com/voice-cloning/voice-list. API: POST
// /api/v6/voice/voice_list.
func (s *AudioService) Voices(ctx context.Context, p VoicesParams, opts ...RequestOption) ([]Voice, error) {
	l, err := call[voiceList](ctx, s.c, voiceVoiceList, input{body: p}, opts)
	if err != nil {
		return nil, err
	}
	return *l, nil
}

// TextToSpeechV7Params is a text to be read by a model of the newer API. ModelID,
// Prompt and VoiceID are required.
type TextToSpeechV7Params struct {
	ModelID string `json:"model_id" rule:"required"` // as in eleven_multilingual_v2 or inworld-tts-1
	Prompt  string `json:"prompt" rule:"required"`   // the text
	VoiceID string `json:"voice_id" rule:"required"` // an id of ElevenLabs for their models; a name, such as Alex or Ashley, for inworld-tts-1

	Temperature *float64 `json:"temperature,omitzero" rule:"0..1"` // how much the voice varies, 0 to 1
	Language    string   `json:"language,omitzero"`                // a code, as in en

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// TextToSpeechV7 submits a text to be read by a model of the newer API.
// Documentation: docs.modelslab.com/guides/model-selection and
// docs.modelslab.com/mcp-web-api/tools-reference. API: POST
// /api/v7/voice/text-to-speech.
func (s *AudioService) TextToSpeechV7(ctx context.Context, p TextToSpeechV7Params, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceTextToSpeechV7, p, opts)
}

// SpeechToTextV7Params is a recording to be written down by a model of the newer
// API. ModelID and InitAudio are required.
type SpeechToTextV7Params struct {
	ModelID   string `json:"model_id" rule:"required"`                  // as in scribe_v1
	InitAudio Input  `json:"init_audio" media:"base64" rule:"required"` // MP3 or WAV

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// SpeechToTextV7 submits a recording to be written down by a model of the newer
// API. The text, or a URL of it, is in the job's Output. Documentation:
// docs.modelslab.com/mcp-web-api/tools-reference. API: POST
// /api/v7/voice/speech-to-text.
func (s *AudioService) SpeechToTextV7(ctx context.Context, p SpeechToTextV7Params, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceSpeechToTextV7, p, opts)
}

// SpeechToSpeechParams is a recording that another voice is to speak. ModelID,
// InitAudio and VoiceID are required.
type SpeechToSpeechParams struct {
	ModelID   string `json:"model_id" rule:"required"`                  // as in eleven_english_sts_v2
	InitAudio Input  `json:"init_audio" media:"base64" rule:"required"` // MP3 or WAV
	VoiceID   string `json:"voice_id" rule:"required"`                  // the voice

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// SpeechToSpeech submits a recording that another voice is to speak.
// Documentation: docs.modelslab.com/mcp-web-api/tools-reference. API: POST
// /api/v7/voice/speech-to-speech.
func (s *AudioService) SpeechToSpeech(ctx context.Context, p SpeechToSpeechParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceSpeechToSpeech, p, opts)
}

// MusicGenV7Params describes music for a model of the newer API. ModelID and
// Prompt are required.
type MusicGenV7Params struct {
	ModelID string `json:"model_id" rule:"required"` // as in music_v1 or sonauto_song
	Prompt  string `json:"prompt" rule:"required"`

	Duration float64 `json:"duration,omitzero" rule:"0.."` // seconds

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// MusicGenV7 submits music that a text describes to a model of the newer API.
// Documentation: docs.modelslab.com/mcp-web-api/tools-reference. API: POST
// /api/v7/voice/music-gen.
func (s *AudioService) MusicGenV7(ctx context.Context, p MusicGenV7Params, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceMusicGenV7, p, opts)
}

// SoundGenerationParams describes a sound. ModelID and Prompt are required.
type SoundGenerationParams struct {
	ModelID string `json:"model_id" rule:"required"` // as in eleven_sound_effect
	Prompt  string `json:"prompt" rule:"required"`

	// Duration is in seconds, 1 to 22. One of the vendor's SDKs calls it "time in
	// seconds", with spaces: [WithBodyField] sends it so.
	Duration int `json:"duration,omitzero" rule:"1..22"`

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// SoundGeneration submits a sound that a text describes. Documentation:
// docs.modelslab.com/mcp-web-api/tools-reference. API: POST
// /api/v7/voice/sound-generation.
func (s *AudioService) SoundGeneration(ctx context.Context, p SoundGenerationParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceSoundGeneration, p, opts)
}

// CreateDubbingV7Params is a recording or a video that is to speak another
// language. ModelID and TargetLanguage are required, and one of InitAudio and
// InitVideo: the vendor's texts differ in which.
type CreateDubbingV7Params struct {
	ModelID        string `json:"model_id" rule:"required"`
	TargetLanguage string `json:"target_language" rule:"required"`

	InitAudio Input `json:"init_audio,omitzero" media:"base64"`
	InitVideo Input `json:"init_video,omitzero" media:"base64"`

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

func (p CreateDubbingV7Params) check() error {
	if p.InitAudio == (Input{}) && p.InitVideo == (Input{}) {
		return &ParamError{Param: "CreateDubbingV7Params.InitAudio", Reason: "is missing; give InitAudio or InitVideo"}
	}
	return nil
}

// CreateDubbingV7 submits a recording or a video that is to speak another
// language to a model of the newer API. Documentation:
// docs.modelslab.com/mcp-web-api/tools-reference. API: POST
// /api/v7/voice/create-dubbing.
func (s *AudioService) CreateDubbingV7(ctx context.Context, p CreateDubbingV7Params, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceCreateDubbingV7, p, opts)
}

// SongExtenderParams is a song that is to become longer. ModelID, InitAudio and
// ExtendDuration are required.
type SongExtenderParams struct {
	ModelID        string  `json:"model_id" rule:"required"`                  // as in song-extender
	InitAudio      Input   `json:"init_audio" media:"base64" rule:"required"` // the song
	ExtendDuration float64 `json:"extend_duration" rule:"required,0..85"`     // seconds, at most 85

	Prompt string `json:"prompt,omitzero"` // how it is to go on; one of the vendor's SDKs requires it
	Side   string `json:"side,omitzero"`   // left or right: before the song or behind it

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// SongExtender submits a song that is to become longer. Documentation:
// docs.modelslab.com/mcp-web-api/tools-reference. API: POST
// /api/v7/voice/song-extender.
func (s *AudioService) SongExtender(ctx context.Context, p SongExtenderParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceSongExtender, p, opts)
}

// SongInpaintParams is a song of which parts are to be sung anew. ModelID and
// InitAudio are required. The vendor's texts differ in the rest: one asks for
// Prompt, another for Lyrics and Sections.
type SongInpaintParams struct {
	ModelID   string `json:"model_id" rule:"required"`                  // as in song-inpaint
	InitAudio Input  `json:"init_audio" media:"base64" rule:"required"` // the song

	Prompt   string `json:"prompt,omitzero"`   // what is to be changed
	Lyrics   string `json:"lyrics,omitzero"`   // the new ones
	Sections []any  `json:"sections,omitzero"` // which times are meant; what stands for one is documented nowhere, and is sent as it encodes to JSON

	Webhook string `json:"webhook,omitzero"`  // https URL told of the end
	TrackID string `json:"track_id,omitzero"` // told to the webhook
}

// SongInpaint submits a song of which parts are to be sung anew. Documentation:
// docs.modelslab.com/mcp-web-api/tools-reference. API: POST
// /api/v7/voice/song-inpaint.
func (s *AudioService) SongInpaint(ctx context.Context, p SongInpaintParams, opts ...RequestOption) (*Generation, error) {
	return submit(ctx, s.c, voiceSongInpaint, p, opts)
}
