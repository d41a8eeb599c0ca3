package modelslab_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

const (
	submitCall = "POST /api/v6/images/text2img"
	fetchCall  = "POST /api/v6/images/fetch/12345678"
	imagesPath = "/api/v6/images/text2img"
)

func lighthouse() modelslab.TextToImageParams {
	return modelslab.TextToImageParams{ModelID: "flux", Prompt: "a lighthouse"}
}

func submit(ctx context.Context, c *modelslab.Client) (any, error) {
	return two(c.Generation.Images.TextToImage(ctx, lighthouse()))
}

func processing(t testing.TB) *modelslab.Generation {
	return &modelslab.Generation{
		ID: "12345678", Path: imagesPath, Status: modelslab.StatusProcessing, ETA: 10 * time.Second,
		FutureLinks: []string{"https://cdn.example.com/later-0.png"}, Message: "Ask again when the time is up.",
		Raw: json.RawMessage(strings.TrimSpace(textOf(t, "testdata/text2img_processing.json"))),
	}
}

func succeeded(t testing.TB) *modelslab.Generation {
	return &modelslab.Generation{
		ID: "12345678", Path: imagesPath, Status: modelslab.StatusSuccess,
		Output:     []string{"https://cdn.example.com/0.png", "https://cdn.example.com/1.png"},
		ProxyLinks: []string{"https://proxy.example.com/0.png", "https://proxy.example.com/1.png"},
		Raw:        json.RawMessage(strings.TrimSpace(textOf(t, "testdata/text2img_success.json"))),
	}
}

func TestGenerationCalls(t *testing.T) {
	const submission = `
POST https://modelslab.com/api/v6/images/text2img
Accept: application/json
Content-Type: application/json

{"model_id":"flux","prompt":"a lighthouse","key":"generation-key"}
`
	runExchanges(t, []exchange{
		{
			name: "TextToImage that is queued", on: submitCall, answer: prepared{status: 200, body: "testdata/text2img_processing.json"},
			call: submit, request: submission, want: processing(t),
		},
		{
			name: "TextToImage that is done at once", on: submitCall, answer: prepared{status: 200, body: "testdata/text2img_success.json"},
			call: submit, request: submission, want: succeeded(t),
		},
		{
			name: "TextToImage with all that can be said", on: submitCall, answer: prepared{status: 200, body: "testdata/text2img_success.json"},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				yes, no := modelslab.Ptr(true), modelslab.Ptr(false)
				return two(c.Generation.Images.TextToImage(ctx, modelslab.TextToImageParams{
					ModelID: "sdxl", Prompt: `"quoted" <b>`, NegativePrompt: "fog", Width: 768, Height: 512, Samples: 2, NumInferenceSteps: 20,
					GuidanceScale: 7.5, Seed: modelslab.Ptr(int64(0)), Scheduler: "DDIMScheduler", ClipSkip: 2, AlgorithmType: "none", VAE: "vae-1",
					LoraModel: "a,b", LoraStrength: "0.45,0.55", IPAdapterID: "ip-adapter_sdxl", IPAdapterScale: modelslab.Ptr(0.0),
					IPAdapterImage: modelslab.InputURL("https://example.com/i.png"), EnhancePrompt: no, MultiLingual: yes, SafetyChecker: no, SafetyCheckerType: "blur",
					UseKarrasSigmas: yes, Upscale: no, HighresFix: yes, Base64: no, Temp: yes, InstantResponse: yes,
					Webhook: "https://example.com/hook", TrackID: "t-1",
				}, modelslab.WithBodyField("cfg_star", 1.5)))
			},
			request: `
POST https://modelslab.com/api/v6/images/text2img
Accept: application/json
Content-Type: application/json

{"model_id":"sdxl","prompt":"\"quoted\" \u003cb\u003e","negative_prompt":"fog","width":768,"height":512,"samples":2,"num_inference_steps":20,` +
				`"guidance_scale":7.5,"seed":0,"scheduler":"DDIMScheduler","clip_skip":2,"algorithm_type":"none","vae":"vae-1","lora_model":"a,b",` +
				`"lora_strength":"0.45,0.55","ip_adapter_id":"ip-adapter_sdxl","ip_adapter_scale":0,"ip_adapter_image":"https://example.com/i.png",` +
				`"enhance_prompt":false,"multi_lingual":true,"safety_checker":false,"safety_checker_type":"blur","use_karras_sigmas":true,"upscale":false,` +
				`"highres_fix":true,"base64":false,"temp":true,"instant_response":true,"webhook":"https://example.com/hook","track_id":"t-1",` +
				`"key":"generation-key","cfg_star":1.5}
`,
			want: succeeded(t),
		},
		{
			name: "Run of a v7 path with a map", on: "POST /api/v7/images/text-to-image",
			answer: prepared{status: 200, body: `{"status":"processing","id":"abc123-def456","eta":2.5}`},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Generation.Run(ctx, "/api/v7/images/text-to-image", map[string]any{"model_id": "flux", "prompt": "a lighthouse"}))
			},
			request: `
POST https://modelslab.com/api/v7/images/text-to-image
Accept: application/json
Content-Type: application/json

{"model_id":"flux","prompt":"a lighthouse","key":"generation-key"}
`,
			want: &modelslab.Generation{
				ID: "abc123-def456", Path: "/api/v7/images/text-to-image", Status: "processing", ETA: 2500 * time.Millisecond,
				Raw: json.RawMessage(`{"status":"processing","id":"abc123-def456","eta":2.5}`),
			},
		},
		{
			name: "Fetch", on: fetchCall, answer: prepared{status: 200, body: "testdata/text2img_success.json"},
			call: func(ctx context.Context, c *modelslab.Client) (any, error) {
				return two(c.Generation.Fetch(ctx, &modelslab.Generation{ID: "12345678", Path: imagesPath}))
			},
			request: `
POST https://modelslab.com/api/v6/images/fetch/12345678
Accept: application/json
Content-Type: application/json

{"key":"generation-key"}
`,
			want: succeeded(t),
		},
	})
}

func TestFetchAsksTheFamilyThatTookTheJob(t *testing.T) {
	tests := []struct{ submitted, fetched string }{
		{"/api/v6/images/text2img", "/api/v6/images/fetch/7"},
		{"/api/v7/images/text-to-image", "/api/v7/images/fetch/7"},
		{"/api/v7/video-fusion/text-to-video", "/api/v7/video-fusion/fetch/7"},
		{"/api/v6/voice/text_to_speech", "/api/v6/voice/fetch/7"},
		{"/api/v6/3d/text_to_3d", "/api/v6/3d/fetch/7"},
		{"/api/v6/image_editing/removebg_mask", "/api/v6/image_editing/fetch/7"},
		{"/api/v1/enterprise/flux/text2img", "/api/v1/enterprise/flux/fetch/7"},
	}
	for _, tt := range tests {
		t.Run(tt.submitted, func(t *testing.T) {
			s := onStage(t)
			s.on("POST "+tt.fetched, prepared{status: 200, body: `{"status":"processing","message":"Wait.","output":"","tip":""}`})
			g, err := s.Generation.Fetch(t.Context(), &modelslab.Generation{ID: "7", Path: tt.submitted})
			require.NoError(t, err)
			assert.Equal(t, "7", g.ID, "not every family repeats the id")
			assert.Equal(t, tt.submitted, g.Path, "and the job can be fetched again")
			assert.Empty(t, g.Output)
		})
	}
}

func TestGenerationIDsAreReadAsNumbersAndText(t *testing.T) {
	for body, want := range map[string]string{
		`{"status":"processing","id":12345678}`:              "12345678",
		`{"status":"processing","id":"12345678"}`:            "12345678",
		`{"status":"processing","id":"abc123-def456"}`:       "abc123-def456",
		`{"status":"processing","id":9007199254740993}`:      "9007199254740993", // not a float64
		`{"status":"processing","id":"7","track_id":42}`:     "7",
		`{"status":"processing","id":123456789012345678901}`: "123456789012345678901",
	} {
		t.Run(want, func(t *testing.T) {
			s := onStage(t)
			s.on(submitCall, prepared{status: 200, body: body})
			s.on("POST /api/v6/images/fetch/"+want, prepared{status: 200, body: body})
			g, err := s.Generation.Images.TextToImage(t.Context(), lighthouse())
			require.NoError(t, err)
			assert.Equal(t, want, g.ID)
			_, err = s.Generation.Fetch(t.Context(), g)
			require.NoError(t, err)
		})
	}
}

func TestGenerationOutputShapes(t *testing.T) {
	one := []string{"https://cdn.example.com/a.png"}
	two := []string{"https://cdn.example.com/a.png", "https://cdn.example.com/b.png"}
	tests := []struct {
		name, fields string
		output       []string
		proxy        []string
	}{
		{"a list", `"output":["https://cdn.example.com/a.png","https://cdn.example.com/b.png"]`, two, nil},
		{"one text", `"output":"https://cdn.example.com/a.png"`, one, nil},
		{"an object by number", `"output":{"1":"https://cdn.example.com/b.png","0":"https://cdn.example.com/a.png"}`, two, nil},
		{"ten and more by number", `"output":["x"],"proxy_links":{"10":"k","9":"j","0":"a"}`, []string{"x"}, []string{"a", "j", "k"}},
		{"a list of lists", `"output":[["https://cdn.example.com/a.png"],["https://cdn.example.com/b.png"]]`, two, nil},
		{"a workflow's", `"output":{"output":["https://cdn.example.com/a.png"]}`, one, nil},
		{"links", `"links":["https://cdn.example.com/a.png"]`, one, nil},
		{"links beside an empty output", `"output":[],"links":["https://cdn.example.com/a.png"]`, one, nil},
		{"base64", `"output":["iVBORw0KGgo="]`, []string{"iVBORw0KGgo="}, nil},
		{"null proxies", `"output":["x"],"proxy_links":null`, []string{"x"}, nil},
		{"nothing but text counts", `"output":["x",null,7,""]`, []string{"x"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := onStage(t)
			s.on(submitCall, prepared{status: 200, body: `{"status":"success","id":1,` + tt.fields + `}`})
			g, err := s.Generation.Images.TextToImage(t.Context(), lighthouse())
			require.NoError(t, err)
			assert.Equal(t, tt.output, g.Output)
			assert.Equal(t, tt.proxy, g.ProxyLinks)
		})
	}
}

func TestGenerationErrors(t *testing.T) {
	failed := func(id, says string) func(*testing.T, error) {
		return func(t *testing.T, err error) {
			var failed *modelslab.GenerationError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, id, failed.GenerationID)
			assert.ErrorContains(t, err, says)
			var api *modelslab.APIError
			require.ErrorAs(t, err, &api)
			assert.Equal(t, 200, api.StatusCode)
		}
	}
	runRefusals(t, submitCall, submit, []refusal{
		{"200 with status error", prepared{status: 200, body: `{"status":"error","message":"Model not found."}`}, modelslab.ErrGenerationFailed, failed("", "Model not found.")},
		{"200 with status error, misspelled", prepared{status: 200, body: `{"status":"error","messege":"Model not found.","code":123}`}, modelslab.ErrGenerationFailed, failed("", "Model not found.")},
		{"failed", prepared{status: 200, body: `{"status":"failed","id":"7","message":"Out of memory.","track_id":"t"}`}, modelslab.ErrGenerationFailed, failed("7", "Out of memory.")},
		{"success with no output", prepared{status: 200, body: `{"status":"success","id":7,"output":[]}`}, modelslab.ErrGenerationFailed, failed("7", "no output")},
		{"success with empty text for output", prepared{status: 200, body: `{"status":"success","id":7,"output":"","future_links":["https://cdn.example.com/a.png"]}`}, modelslab.ErrGenerationFailed, failed("7", "no output")},

		{"a bad key", prepared{status: 401, body: `{"status":"error","message":"Invalid API key generation-key"}`}, modelslab.ErrUnauthenticated, func(t *testing.T, err error) {
			assert.NotContains(t, err.Error(), theAPIKey)
		}},
		{"no credits", prepared{status: 402, body: `{"status":"error","message":"Insufficient credits."}`}, modelslab.ErrPaymentDeclined, nil},
		{"not allowed", prepared{status: 403, body: `{"status":"error","message":"No."}`}, modelslab.ErrPermissionDenied, nil},
		{"a bad prompt", prepared{status: 400, body: `{"status":"error","message":"prompt is required"}`}, modelslab.ErrValidation, nil},
		{"a full queue", prepared{status: 429, body: `{"status":"error","message":"Maximum 5 queued requests allowed.","retry_after":12}`}, modelslab.ErrRateLimited, func(t *testing.T, err error) {
			var limited *modelslab.RateLimitError
			require.ErrorAs(t, err, &limited)
			assert.Equal(t, 12*time.Second, limited.RetryAfter, "from the body")
			assert.Equal(t, modelslab.LimiterGeneration, limited.Limiter)
		}},

		{"server error", prepared{status: 500, body: `{"status":"error","message":"Sorry."}`}, modelslab.ErrOutcomeUnknown, nil},
		{"connection lost", prepared{err: io.ErrUnexpectedEOF}, modelslab.ErrOutcomeUnknown, nil},
		{"a page", prepared{status: 200, body: "<title>Welcome</title>"}, modelslab.ErrOutcomeUnknown, nil},
		{"nothing", prepared{status: 200}, modelslab.ErrOutcomeUnknown, nil},
		{"an empty object", prepared{status: 200, body: `{}`}, modelslab.ErrOutcomeUnknown, nil},
		{"queued without an id", prepared{status: 200, body: `{"status":"processing","eta":3}`}, modelslab.ErrOutcomeUnknown, nil},
	})
}

// A submission costs money and has no key, so nothing repeats it.
func TestASubmissionIsSentOnce(t *testing.T) {
	for name, answer := range map[string]prepared{"lost": {err: io.EOF}, "500": {status: 500}, "502": {status: 502, body: "<title>502</title>"}, "409": {status: 409}} {
		t.Run(name, func(t *testing.T) {
			s := onStage(t)
			s.on(submitCall, answer)
			_, err := s.Generation.Images.TextToImage(t.Context(), lighthouse())
			require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
			_, err = s.Generation.Run(t.Context(), imagesPath, lighthouse())
			require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
			require.Len(t, s.requests(), 2)
			assert.Empty(t, s.requests()[0].Header.Get("Idempotency-Key"))
		})
	}
}

func TestCallPutsTheKeyWhereTheFamilyWantsIt(t *testing.T) {
	in := map[string]any{"x": 1}
	tests := []struct {
		name, method, path string
		in                 any
		request            string
	}{
		{"v6 POST: the body", "POST", "/api/v6/images/model_reload", in, `
POST https://modelslab.com/api/v6/images/model_reload
Accept: application/json
Content-Type: application/json

{"x":1,"key":"generation-key"}
`},
		{"v3 POST without a body: a body of its own", "POST", "/api/v3/fine_tune_status/9", nil, `
POST https://modelslab.com/api/v3/fine_tune_status/9
Accept: application/json
Content-Type: application/json

{"key":"generation-key"}
`},
		{"v6 GET: the query", "GET", "/api/v6/model-search", url.Values{"search": {"flux dev"}}, `
GET https://modelslab.com/api/v6/model-search?search=flux+dev&key=generation-key
Accept: application/json
`},
		{"v6 GET without a query", "GET", "/api/v6/tags", nil, `
GET https://modelslab.com/api/v6/tags?key=generation-key
Accept: application/json
`},
		{"workflows: a header named key", "GET", "/api/v1/workflows/3/runs/4", nil, `
GET https://modelslab.com/api/v1/workflows/3/runs/4
Accept: application/json
Key: generation-key
`},
		{"llm: bearer", "POST", "/api/v7/llm/chat/completions", in, `
POST https://modelslab.com/api/v7/llm/chat/completions
Accept: application/json
Authorization: Bearer generation-key
Content-Type: application/json

{"x":1}
`},
		{"uncensored chat: bearer", "POST", "/api/uncensored-chat/v1/chat/completions", in, `
POST https://modelslab.com/api/uncensored-chat/v1/chat/completions
Accept: application/json
Authorization: Bearer generation-key
Content-Type: application/json

{"x":1}
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := onStage(t)
			s.mock.RegisterNoResponder(prepared{status: 200, body: `{"status":"ok","data":{"n":1}}`}.responder(t))
			var out struct {
				Status string
				Data   struct{ N int }
			}
			require.NoError(t, s.Generation.Call(t.Context(), tt.method, tt.path, tt.in, &out))
			assert.Equal(t, 1, out.Data.N, "the whole answer is decoded: data is a member like others here")
			require.Len(t, s.requests(), 1)
			assert.Equal(t, strings.TrimPrefix(tt.request, "\n"), s.requests()[0].golden())
			assert.NotContains(t, s.requests()[0].golden(), theToken)
		})
	}
}

func TestGenerationCallResults(t *testing.T) {
	tests := []struct {
		name   string
		answer prepared
		out    func() any
		want   any
		is     error
	}{
		{"a list", prepared{status: 200, body: `[{"model_id":"flux"}]`}, func() any { return new([]map[string]string) }, &[]map[string]string{{"model_id": "flux"}}, nil},
		{"nothing wanted", prepared{status: 204}, func() any { return nil }, nil, nil},
		{"an error in a 200", prepared{status: 200, body: `{"status":"error","id":7,"messege":"No."}`}, func() any { return new(map[string]any) }, nil, modelslab.ErrGenerationFailed},
		{"a 401", prepared{status: 401, body: `{"status":"error","message":"Bad key."}`}, func() any { return new(map[string]any) }, nil, modelslab.ErrUnauthenticated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := onStage(t)
			s.on("GET /api/v6/tags?key=generation-key", tt.answer)
			out := tt.out()
			err := s.Generation.Call(t.Context(), "GET", "/api/v6/tags", nil, out)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, out)
		})
	}
}

// A second key in the query would make it the server's choice whose it is.
func TestGenerationCallTakesNoKeyOfTheCallers(t *testing.T) {
	s := onStage(t)
	s.mock.RegisterNoResponder(prepared{status: 200, body: `{}`}.responder(t))
	var out map[string]any
	query := s.Generation.Call(t.Context(), "GET", "/api/v6/tags", url.Values{"key": {"other"}}, &out)
	body := s.Generation.Call(t.Context(), "POST", "/api/v6/images/model_reload", map[string]any{"key": "other"}, &out)
	field := s.Generation.Call(t.Context(), "POST", "/api/v6/images/model_reload", nil, &out, modelslab.WithBodyField("key", "other"))
	for name, err := range map[string]error{"query": query, "body": body, "WithBodyField": field} {
		assert.ErrorIs(t, err, modelslab.ErrValidation, name)
	}
	assert.Empty(t, s.requests())
}

// waited tells when, since the start of the wait, the questions were asked.
func (s *stage) waited(start time.Time) (after []time.Duration) {
	for _, r := range s.requests() {
		after = append(after, r.at.Sub(start))
	}
	return after
}

func TestWaitStartsWithTheServersEstimateAndBacksOff(t *testing.T) {
	running := func(eta string) prepared {
		return prepared{status: 200, body: `{"status":"processing","id":12345678` + eta + `}`}
	}
	done := prepared{status: 200, body: "testdata/text2img_success.json"}
	sec := func(n ...float64) (all []time.Duration) {
		for _, s := range n {
			all = append(all, time.Duration(s*float64(time.Second)))
		}
		return all
	}
	none := running("")
	tests := []struct {
		name    string
		from    modelslab.Generation
		params  modelslab.WaitParams
		answers []prepared
		want    []time.Duration
	}{
		{"the estimate first", modelslab.Generation{Status: "processing", ETA: 4 * time.Second}, modelslab.WaitParams{}, []prepared{done}, sec(4)},
		{"an estimate beyond ten seconds is asked about sooner", modelslab.Generation{Status: "processing", ETA: 90 * time.Second}, modelslab.WaitParams{}, []prepared{done}, sec(10)},
		{"no estimate", modelslab.Generation{Status: "processing"}, modelslab.WaitParams{}, []prepared{done}, sec(1)},
		{"a job picked up is asked about at once", modelslab.Generation{}, modelslab.WaitParams{}, []prepared{done}, sec(0)},
		{"ever more rarely, up to ten seconds", modelslab.Generation{Status: "processing"}, modelslab.WaitParams{}, []prepared{none, none, none, none, none, none, done}, sec(1, 3, 7, 15, 25, 35, 45)},
		{"up to what the caller says", modelslab.Generation{Status: "processing"}, modelslab.WaitParams{MaxInterval: 3 * time.Second}, []prepared{none, none, none, done}, sec(1, 3, 6, 9)},
		{"never more often than every second, whatever the server says", modelslab.Generation{}, modelslab.WaitParams{}, []prepared{running(`,"eta":0.01`), running(`,"eta":0.01`), running(`,"eta":0.01`), done}, sec(0, 1, 2, 3)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t)
				s.on(fetchCall, tt.answers...)
				given := tt.from
				given.ID, given.Path = "12345678", imagesPath
				before := given
				var seen []modelslab.GenerationStatus
				tt.params.Progress = func(g *modelslab.Generation) { seen = append(seen, g.Status) }
				start := time.Now()
				got, err := s.Generation.Wait(withinADay(t), &given, tt.params)
				require.NoError(t, err)
				assert.Equal(t, succeeded(t), got)
				assert.Equal(t, tt.want, s.waited(start))
				assert.Equal(t, before, given, "the one given stays as it is")
				assert.Len(t, seen, len(tt.answers))
				assert.Equal(t, modelslab.StatusSuccess, seen[len(seen)-1])
			})
		})
	}
}

func TestWaitForAJobThatIsDoneAsksNobody(t *testing.T) {
	s := onStage(t)
	done := succeeded(t)
	got, err := s.Generation.Wait(withinADay(t), done, modelslab.WaitParams{})
	require.NoError(t, err)
	assert.Equal(t, done, got)
	assert.NotSame(t, done, got)
}

func TestWaitOutlastsTroubleOnTheWay(t *testing.T) {
	done := prepared{status: 200, body: "testdata/text2img_success.json"}
	for name, trouble := range map[string]prepared{
		"connection lost":             {err: io.EOF},
		"408":                         {status: 408},
		"409":                         {status: 409},
		"425":                         {status: 425},
		"429":                         {status: 429, body: `{"status":"error","message":"Slow down.","retry_after":30}`},
		"500":                         {status: 500, body: `{"status":"error","message":"Sorry."}`},
		"502 with a page":             {status: 502, body: "<title>502 Bad Gateway</title>"},
		"200 with a page":             {status: 200, body: "<title>Just a moment...</title>"},
		"200 with nothing":            {status: 200},
		"a state nobody has heard of": {status: 200, body: `{"status":"levitating","id":12345678}`},
		"queued":                      {status: 200, body: `{"status":"queued","id":12345678,"output":["https://cdn.example.com/early.png"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t)
				s.on(fetchCall, trouble, trouble, trouble, trouble, done)
				start := time.Now()
				got, err := s.Generation.Wait(withinADay(t), processing(t), modelslab.WaitParams{})
				require.NoError(t, err)
				assert.Equal(t, modelslab.StatusSuccess, got.Status)
				if trouble.status == 429 {
					assert.GreaterOrEqual(t, time.Since(start), 40*time.Second, "a 429 is waited out")
				}
			})
		})
	}
}

func TestWaitEndsWithAnAnswerThatWillNotChange(t *testing.T) {
	tests := []struct {
		name   string
		answer prepared
		is     error
		last   modelslab.GenerationStatus
	}{
		{"401", prepared{status: 401, body: `{"status":"error","message":"Bad key."}`}, modelslab.ErrUnauthenticated, "processing"},
		{"403", prepared{status: 403, body: `{"status":"error","message":"No."}`}, modelslab.ErrPermissionDenied, "processing"},
		{"404", prepared{status: 404, body: `{"status":"error","message":"No such job."}`}, modelslab.ErrNotFound, "processing"},
		{"failed", prepared{status: 200, body: `{"status":"failed","id":"12345678","message":"Out of memory."}`}, modelslab.ErrGenerationFailed, "failed"},
		{"error", prepared{status: 200, body: `{"status":"error","message":"Out of memory."}`}, modelslab.ErrGenerationFailed, "error"},
		{"success with no output", prepared{status: 200, body: `{"status":"success","id":12345678,"output":[]}`}, modelslab.ErrGenerationFailed, "success"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := onStage(t)
				s.on(fetchCall, tt.answer)
				s.on("POST /api/v6/images/fetch", tt.answer) // the other form, asked where the first is not found
				got, err := s.Generation.Wait(withinADay(t), processing(t), modelslab.WaitParams{})
				require.ErrorIs(t, err, tt.is)
				require.NotNil(t, got)
				assert.Equal(t, "12345678", got.ID)
				assert.Equal(t, tt.last, got.Status, "the last that is known of the job")
				asked := 1
				if tt.name == "404" {
					asked = 2 // in the two forms that the documentation has
				}
				assert.Len(t, s.requests(), asked)
			})
		})
	}

	t.Run("a client without an API key", func(t *testing.T) {
		s := onStage(t)
		c := s.WithSession(&modelslab.Session{AccessToken: modelslab.NewSecret("1|a")})
		got, err := c.Generation.Wait(withinADay(t), &modelslab.Generation{ID: "1", Path: imagesPath}, modelslab.WaitParams{})
		require.ErrorIs(t, err, modelslab.ErrUnauthenticated)
		assert.Equal(t, "1", got.ID)
		assert.Empty(t, s.requests())
	})
}

func TestContextEndsTheWaitingAndNotTheJob(t *testing.T) {
	t.Run("between two questions", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := onStage(t)
			s.on(fetchCall, prepared{status: 200, body: `{"status":"processing","id":12345678,"eta":8,"message":"Half way."}`})
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
			defer cancel()
			start := time.Now()
			got, err := s.Generation.Wait(ctx, processing(t), modelslab.WaitParams{})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, 15*time.Second, time.Since(start))
			assert.Equal(t, "12345678", got.ID)
			assert.Equal(t, "Half way.", got.Message, "the last that is known of the job")
		})
	})
	t.Run("in trouble, which is told too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := onStage(t)
			s.on(fetchCall, prepared{status: 503})
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
			defer cancel()
			got, err := s.Generation.Wait(ctx, processing(t), modelslab.WaitParams{})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorIs(t, err, modelslab.ErrServer)
			assert.Equal(t, processing(t), got)
		})
	})
	t.Run("during a question", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := onStage(t, modelslab.WithHTTPClient(&http.Client{Transport: hang{}}))
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
			defer cancel()
			got, err := s.Generation.Wait(ctx, processing(t), modelslab.WaitParams{})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, "12345678", got.ID)
		})
	})
	t.Run("before it began", func(t *testing.T) {
		s := onStage(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		got, err := s.Generation.Wait(ctx, processing(t), modelslab.WaitParams{})
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, processing(t), got)
		assert.Empty(t, s.requests())
	})
}

// The API key travels with every question, so only the configured origin is asked.
func TestWaitAsksItsOwnOriginWhateverTheServerNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onStage(t)
		evil := `{"status":"processing","id":12345678,"eta":1,"fetch_result":"https://evil.example.com/api/v6/images/fetch/12345678"}`
		s.on(submitCall, prepared{status: 200, body: evil})
		s.on(fetchCall, prepared{status: 200, body: evil}, prepared{status: 200, body: "testdata/text2img_success.json"})
		g, err := s.Generation.Images.TextToImage(t.Context(), lighthouse())
		require.NoError(t, err)
		_, err = s.Generation.Wait(withinADay(t), g, modelslab.WaitParams{})
		require.NoError(t, err)
		require.Len(t, s.requests(), 3)
		for _, r := range s.requests() {
			assert.Equal(t, "modelslab.com", r.URL.Host)
		}
	})
}

func TestAJobCanBeKeptAndPickedUpByAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := onStage(t)
		s.on(submitCall, prepared{status: 200, body: "testdata/text2img_processing.json"})
		g, err := s.Generation.Images.TextToImage(t.Context(), lighthouse())
		require.NoError(t, err)
		kept, err := json.Marshal(g)
		require.NoError(t, err)

		var again modelslab.Generation
		require.NoError(t, json.Unmarshal(kept, &again))
		compact := *g
		assert.JSONEq(t, string(g.Raw), string(again.Raw))
		compact.Raw, again.Raw = nil, nil
		assert.Equal(t, compact, again)

		fresh := onStage(t)
		fresh.on(fetchCall, prepared{status: 200, body: "testdata/text2img_success.json"})
		done, err := fresh.Generation.Wait(withinADay(t), &again, modelslab.WaitParams{})
		require.NoError(t, err)
		assert.Equal(t, succeeded(t), done)
	})
}

func TestGenerationRefusesBadInput(t *testing.T) {
	image := func(change func(*modelslab.TextToImageParams)) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			p := lighthouse()
			change(&p)
			return second(c.Generation.Images.TextToImage(ctx, p))
		}
	}
	run := func(path string, params any, opts ...modelslab.RequestOption) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Generation.Run(ctx, path, params, opts...))
		}
	}
	call := func(method, path string, in, out any) func(context.Context, *modelslab.Client) error {
		return func(ctx context.Context, c *modelslab.Client) error {
			return c.Generation.Call(ctx, method, path, in, out)
		}
	}
	some := map[string]any{"prompt": "a lighthouse"}
	tests := []badInput{
		{"no prompt", "TextToImageParams.Prompt", image(func(p *modelslab.TextToImageParams) { p.Prompt = "" })},
		{"a blank prompt", "TextToImageParams.Prompt", image(func(p *modelslab.TextToImageParams) { p.Prompt = " \n\t" })},
		{"no model", "TextToImageParams.ModelID", image(func(p *modelslab.TextToImageParams) { p.ModelID = "" })},
		{"width -8", "TextToImageParams.Width", image(func(p *modelslab.TextToImageParams) { p.Width = -8 })},
		{"height -8", "TextToImageParams.Height", image(func(p *modelslab.TextToImageParams) { p.Height = -8 })},
		{"-1 samples", "TextToImageParams.Samples", image(func(p *modelslab.TextToImageParams) { p.Samples = -1 })},
		{"-1 steps", "TextToImageParams.NumInferenceSteps", image(func(p *modelslab.TextToImageParams) { p.NumInferenceSteps = -1 })},
		{"clip skip -1", "TextToImageParams.ClipSkip", image(func(p *modelslab.TextToImageParams) { p.ClipSkip = -1 })},
		{"guidance -1", "TextToImageParams.GuidanceScale", image(func(p *modelslab.TextToImageParams) { p.GuidanceScale = -1 })},

		{"run nothing", "params", run("/api/v6/images/text2img", nil)},
		{"run with the key among the params", "key", run("/api/v6/images/text2img", map[string]any{"key": "k"})},
		{"run a list", "[]string", run("/api/v6/images/text2img", []string{"a lighthouse"})},
		{"run with a secret", "in", run("/api/v6/images/text2img", map[string]any{"password": modelslab.NewSecret("hush")})},
		{"run the Agents API", "path", run("/api/agents/v1/wallet/fund", some)},
		{"run the Agents API by another name", "path", run("/api/v6/../agents/v1/wallet/fund", some)},
		{"run under a key", "WithIdempotencyKey", run("/api/v6/images/text2img", some, modelslab.WithIdempotencyKey("k"))},
		{"run with a field that the params have", "WithBodyField prompt", run("/api/v6/images/text2img", lighthouse(), modelslab.WithBodyField("prompt", "x"))},
		{"run with a field that is in the map", "WithBodyField prompt", run("/api/v6/images/text2img", some, modelslab.WithBodyField("prompt", "x"))},

		{"call with an unknown verb", "method", call("FETCH", "/api/v6/tags", nil, nil)},
		{"call into nothing", "out", call("GET", "/api/v6/tags", nil, (*int)(nil))},
		{"call into a copy", "out", call("GET", "/api/v6/tags", nil, map[string]any{})},
		{"a body for GET", "in", call("GET", "/api/v6/tags", some, nil)},
		{"a query for POST", "in", call("POST", "/api/v6/images/model_reload", url.Values{"a": {"b"}}, nil)},

		{"fetch nothing", "Generation", func(ctx context.Context, c *modelslab.Client) error { return second(c.Generation.Fetch(ctx, nil)) }},
		{"wait for nothing", "Generation", func(ctx context.Context, c *modelslab.Client) error {
			got, err := c.Generation.Wait(ctx, nil, modelslab.WaitParams{})
			if got == nil {
				return errors.New("nil, and it must never be")
			}
			return err
		}},
		{"wait at most -1 s", "WaitParams.MaxInterval", func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Generation.Wait(ctx, &modelslab.Generation{ID: "1", Path: imagesPath}, modelslab.WaitParams{MaxInterval: -time.Second}))
		}},
	}
	for name, path := range map[string]string{
		"empty": "", "relative": "api/v6/images/text2img", "a URL": "https://evil.example.com/api/v6/images/text2img", "double slash": "/api//v6/images/text2img",
		"slash at the end": "/api/v6/images/", "a dot": "/api/./v6/images", "two dots": "/api/v6/../v7/images", "an escape": "/api/v6/%2e%2e/images",
		"a query": "/api/v6/images?key=1", "a fragment": "/api/v6/images#1", "a newline": "/api/v6/images\n", "a backslash": `/api/v6\images`, "elsewhere": "/verify/1",
	} {
		tests = append(tests, badInput{"run a path: " + name, "path", run(path, some)}, badInput{"call a path: " + name, "path", call("GET", path, nil, nil)})
	}
	for name, id := range map[string]string{"empty": "", "dot": ".", "two dots": "..", "slash": "1/2", "backslash": `1\2`, "newline": "1\n", "a card number": cardNumber} {
		g := &modelslab.Generation{ID: id, Path: imagesPath}
		tests = append(tests,
			badInput{"fetch an id: " + name, "Generation.ID", func(ctx context.Context, c *modelslab.Client) error { return second(c.Generation.Fetch(ctx, g)) }},
			badInput{"wait for an id: " + name, "Generation.ID", func(ctx context.Context, c *modelslab.Client) error {
				return second(c.Generation.Wait(ctx, g, modelslab.WaitParams{}))
			}},
		)
	}
	for name, path := range map[string]string{"empty": "", "no job": "/api/v3/delete_image", "the Agents API": "/api/agents/v1/wallet/fund", "climbing": "/api/v6/images/../../agents/v1"} {
		tests = append(tests, badInput{"fetch a path: " + name, "Generation.Path", func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Generation.Fetch(ctx, &modelslab.Generation{ID: "1", Path: path}))
		}})
	}
	runBadInput(t, tests)
}
