package modelslab

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The shapes of the generation APIs. Their endpoints share few kinds of answer, so
// many of them have the same folder.

// sharedAnswers are folders of answers that belong to several endpoints.
var sharedAnswers = map[string]string{
	"job":    "a submission or a fetch",
	"failed": "a submission or a fetch, and not one of shapeRows",
	"upload": "a file that has a URL now",
	"done":   "a call without a result",
}

// peculiarJobs have answers of their own.
var peculiarJobs = []string{
	"images.text2img", "images.controlnet", "voice.voice_cover", "voice.speech_to_text", "voice.lyrics_generator", "image_editing.caption",
	"image_editing.fetch", "training.lora_fine_tune", "workflows.run",
}

// sameAnswers are endpoints that answer as others do. The search is documented for
// the control plane alone.
var sameAnswers = map[string]string{
	"model_search.search": "models.search", "model_search.search_v7": "models.search", "model_search.filters": "models.filters",
	"model_search.tags": "models.tags", "model_search.providers": "models.providers", "model_search.get": "models.get",
	"general.assets_generated_by_spec": "general.assets_generated",
	"servers.system_details_images":    "servers.system_details",

	"training.delete": "done", "training.cancel": "done", "training.cancel_by_page": "done", "workflows.cancel": "done",
	"model_ops.load": "done", "general.delete_image": "done",
	"servers.restart_server": "done", "servers.update_server": "done", "servers.clear_cache": "done", "servers.clear_queue": "done",
	"servers.restart_server_images": "done", "servers.update_server_images": "done", "servers.clear_cache_images": "done",
	"servers.clear_queue_images": "done", "servers.load_model": "done", "servers.load_model_v2": "done", "servers.load_vae": "done",
	"servers.verify_model": "done", "servers.delete_model": "done", "servers.sync_models": "done", "servers.update_s3": "done", "servers.reset_s3": "done",

	"uploads.file": "upload", "uploads.image": "upload", "uploads.video": "upload", "uploads.audio": "upload", "uploads.threed": "upload",
	"uploads.server_image": "upload",
}

// answersOf is the folder of an endpoint's answers.
func answersOf(name string) string {
	if folder := sameAnswers[name]; folder != "" {
		return folder
	}
	i := slices.IndexFunc(table[:], func(e Endpoint) bool { return e.Name == name })
	if i >= 0 && (table[i].Job || table[i].Call == "Generation.Fetch") && !slices.Contains(peculiarJobs, name) {
		return "job"
	}
	return name
}

// jobRows are what the answers in "job" must become, for each endpoint that gives
// them.
func jobRows() []shapeRow {
	var rows []shapeRow
	for i := range table {
		e := &table[i]
		if answersOf(e.Name) != "job" {
			continue
		}
		submitted := e.Path
		if j := slices.IndexFunc(generationCalls, func(row contractRow) bool { return row.golden == e.Name }); j >= 0 {
			submitted = generationCalls[j].of
		}
		done := &Generation{
			ID: contractJob, Path: submitted, Status: StatusSuccess,
			Output:     []string{"https://cdn.example.com/0.png", "https://cdn.example.com/1.png"},
			ProxyLinks: []string{"https://proxy.example.com/0.png", "https://proxy.example.com/1.png"},
		}
		noProxy := having(done, func(g *Generation) { g.ProxyLinks = nil })
		one := func(output string) *Generation {
			return having(noProxy, func(g *Generation) { g.Output = []string{output} })
		}
		queued := &Generation{
			ID: contractJob, Path: submitted, Status: StatusProcessing, FutureLinks: []string{"https://cdn.example.com/later-0.png"},
			ETA: 10 * time.Second, Message: "Ask again when the time is up.", TrackID: "204",
		}
		rows = append(rows, shapeRow{call: e.Name, want: done, but: map[string]any{
			"least": noProxy, "nulls": noProxy, "links_and_output": noProxy, "output_url": one("https://cdn.example.com/0.png"),
			"base64": one("aGVyZSBpcyBhIHBpY3R1cmU="), "processing": queued, "processing_as_text": queued,
			"other_word": &Generation{ID: contractJob, Path: submitted, Status: "of_next_year"},
		}})
	}
	return rows
}

func generationShapes(t testing.TB) []shapeRow {
	t.Helper()
	job := func(path string, output ...string) *Generation {
		return &Generation{ID: contractJob, Path: path, Status: StatusSuccess, Output: output}
	}
	edited := job("/api/v6/image_editing/outpaint", "https://cdn.example.com/0.png", "https://cdn.example.com/1.png")
	controlled := job("/api/v5/controlnet", edited.Output...)
	lit := job("/api/v6/voice/speech_to_text", "The lamp is lit.")
	uploaded := &Upload{ID: "99", URL: "https://cdn.example.com/up.png"}
	cropped := &Upload{ID: "99", URL: "https://cdn.example.com/crop.png"}
	training := &Training{ID: contractTraining, State: TrainingDeployingGPU, Status: StatusProcessing, Progress: "It will take half an hour."}
	lights := Workflow{
		ID: "7c1e", Name: "Night lights", Description: "Lamps for photographs.", RateLimit: 10, CallCount: 42,
		LastCalledAt: at(2026, 2, 15, 10, 0, 0), CreatedAt: at(2026, 1, 5, 8, 0, 0), UpdatedAt: at(2026, 2, 1, 12, 0, 0),
	}
	described := &Workflow{
		ID: "7c1e", Name: lights.Name, Description: lights.Description, RateLimit: 10, WebhookURL: contractHook,
		Parameters: []WorkflowParameter{
			{Key: "prompt", Type: "string", Required: true, NodeID: "n1", NodeName: "Text"}, {Key: "steps", Type: "number", NodeID: "2"},
		},
	}
	execution := &WorkflowExecution{
		ID: "4021", WorkflowID: "7c1e", Status: "completed", Output: []string{"https://cdn.example.com/0.png"},
		StartedAt: at(2026, 2, 15, 10, 0, 0), CompletedAt: at(2026, 2, 15, 10, 0, 12), ExecutionTime: 12.5,
		Steps: []WorkflowStep{{Name: "Text", Status: "completed", StartedAt: at(2026, 2, 15, 10, 0, 0), CompletedAt: at(2026, 2, 15, 10, 0, 1)}},
	}
	assets := &AssetPage{
		Items: []Asset{{ID: contractJob, Output: []string{"https://cdn.example.com/0.glb", "https://cdn.example.com/0.mp4"}}, {ID: "12345677"}},
		Total: 53, CurrentPage: 2, PerPage: 30, LastPage: 2,
	}
	details := &ServerDetails{Status: "ok", ModelCount: 7, QueueTime: 12}
	answered := &ChatCompletion{
		ID: "chatcmpl-7", Model: "night-1", Created: at(2026, 2, 15, 10, 0, 0),
		Choices: []ChatChoice{{Message: ChatMessage{Role: RoleAssistant, Content: "It is lit."}, FinishReason: "stop"}},
		Usage:   ChatUsage{PromptTokens: 12, CompletionTokens: 4, TotalTokens: 16},
	}
	message := &Message{
		ID: "msg_7", Role: RoleAssistant, Model: "night-1", Content: []MessageBlock{{Type: BlockText, Text: "It is lit."}},
		StopReason: "end_turn", Usage: MessageUsage{InputTokens: 12, OutputTokens: 4},
	}

	rows := append(jobRows(), []shapeRow{
		{call: "image_editing.fetch", want: edited, but: map[string]any{
			"processing_without_an_id": &Generation{ID: contractJob, Path: edited.Path, Status: StatusProcessing, Message: "Ask again when the time is up."},
		}},
		{call: "images.controlnet", want: controlled, but: map[string]any{
			"processing": &Generation{
				ID: contractJob, Path: controlled.Path, Status: StatusProcessing, ETA: 14500 * time.Millisecond, Message: "Ask again when the time is up.",
				FutureLinks: []string{"https://cdn.example.com/later-0.png"},
			},
		}},
		{call: "image_editing.caption", want: job("/api/v6/image_editing/caption", "a tower in snow")},
		{call: "voice.voice_cover", want: job("/api/v6/voice/voice_cover", "https://cdn.example.com/cover.wav")},
		{call: "voice.speech_to_text", want: lit, but: map[string]any{
			"link": having(lit, func(g *Generation) { g.Output = []string{"https://cdn.example.com/transcript.json"} }),
		}},
		{call: "voice.lyrics_generator", want: job("/api/v6/voice/lyrics_generator", "[Verse 1]\nThe lamp goes round\n")},
		{call: "voice.voice_list", want: []Voice{
			{VoiceID: "madison", Name: "Madison", Language: "english"}, {VoiceID: "keeper-7", Name: "Keeper", Language: "hindi"},
		}, but: map[string]any{"empty": []Voice{}}},
		{call: "voice.voice_upload", want: &Voice{VoiceID: "keeper-7", Name: "Keeper", Language: "english"}, but: map[string]any{
			"number": &Voice{VoiceID: "77", Name: "Keeper", Language: "english"},
		}},

		{call: "uploads.base64_crop", want: cropped, but: map[string]any{"without_an_id": &Upload{URL: cropped.URL}}},

		{call: "training.lora_fine_tune", want: training},
		{call: "training.status", want: &Training{ID: contractTraining, State: TrainingStarted, Status: StatusProcessing, Progress: "Steps: 10\nSteps: 11"}, but: map[string]any{
			"ready":      &Training{ID: contractTraining, State: TrainingModelReady, Status: StatusSuccess},
			"other_word": &Training{ID: contractTraining, State: "of_next_year", Status: StatusProcessing},
		}},
		{call: "training.list", want: []string{contractTraining, "tower-x-6"}, but: map[string]any{"empty": []string{}}},
		{call: "training.delete"}, {call: "training.cancel"}, {call: "training.cancel_by_page"},

		{call: "workflows.list", want: []Workflow{
			lights, {ID: "8", Name: "Fog", RateLimit: 5, CreatedAt: at(2026, 2, 1, 12, 0, 0)},
		}, but: map[string]any{"empty": []Workflow{}}},
		{call: "workflows.get", want: described, but: map[string]any{
			"without_parameters": having(described, func(w *Workflow) { w.WebhookURL, w.Parameters = "", nil }),
		}},
		{call: "workflows.run", want: &Generation{ID: "4021", Path: "/api/v1/workflows/7c1e/run", Status: StatusProcessing, Message: "It runs."}},
		{call: "workflows.execution", want: execution, but: map[string]any{
			"running": having(execution, func(x *WorkflowExecution) {
				x.Status, x.Output, x.CompletedAt, x.ExecutionTime = "running", nil, Timestamp{}, 0
				x.Steps = []WorkflowStep{{Name: "Text", Status: "running", StartedAt: x.StartedAt}}
			}),
			"failed": having(execution, func(x *WorkflowExecution) {
				x.Status, x.Output, x.Steps, x.Error = "failed", nil, nil, "the lamp broke"
			}),
			"cancelled": &WorkflowExecution{ID: "4021", WorkflowID: "7c1e", Status: "cancelled"},
		}},
		{call: "workflows.cancel"},

		{call: "model_ops.list", want: []PublicModel{
			{
				ModelID: "midnight-ink", ModelName: "Midnight Ink", Status: "model_ready", Description: "Draws.", InstancePrompt: "ink",
				Screenshots: "https://img.example.com/ink.png", CreatedAt: at(2025, 12, 1, 0, 0, 0),
			},
			{ModelID: "fog", Status: "model_ready"},
		}, but: map[string]any{"empty": []PublicModel{}}},
		{call: "model_ops.load"},
		{call: "model_ops.reload", want: true, but: map[string]any{"processing": false}},

		{call: "general.delete_image"},
		{call: "general.assets_generated", want: assets, but: map[string]any{"empty": &AssetPage{CurrentPage: 2, PerPage: 30, LastPage: 1}}},
		{call: "general.request_count", want: 3, but: map[string]any{"none": 0}},
		{call: "general.wallet_balance", want: &Balance{Balance: Cents(4360), Currency: "USD"}},

		{call: "servers.system_details", want: details, but: map[string]any{
			"success": having(details, func(d *ServerDetails) { d.Status = "success" }),
			"message": &ServerDetails{Status: "success", Message: "All is well."},
		}},
		{call: "servers.get_all_models", want: []string{"midnight-ink", "fog"}},
		{call: "servers.schedulers_list", want: []string{"DDIMScheduler", "UniPCMultistepScheduler"}},

		{call: "chat.completions", want: answered, but: map[string]any{
			"tool_calls": having(answered, func(c *ChatCompletion) {
				c.Choices = []ChatChoice{{
					Message:      ChatMessage{Role: RoleAssistant, ToolCalls: []ChatToolCall{{ID: "call_1", Name: "lamp", Arguments: `{"level":1}`}}},
					FinishReason: "tool_calls",
				}}
			}),
		}},
		{call: "chat.messages", want: message, but: map[string]any{
			"tool_use": having(message, func(m *Message) {
				m.StopReason, m.Content = "tool_use", []MessageBlock{
					{Type: BlockText, Text: "I will look."},
					{Type: BlockToolUse, ID: "toolu_1", Name: "lamp", Input: json.RawMessage(`{"level":1}`)},
				}
			}),
		}},
		{call: "chat.count_tokens", want: 12},
		{call: "chat.models", want: []ChatModel{
			{ID: "night-1", Object: "model", Created: answered.Created, OwnedBy: "modelslab"},
			{ID: "Qwen/Qwen2.5-VL-72B-Instruct-together", Object: "model", Created: answered.Created, OwnedBy: "together"},
		}, but: map[string]any{"empty": []ChatModel{}}},
	}...)

	// Who answers as another does becomes what the other becomes.
	account := accountShapes(t)
	for i := range table {
		name := table[i].Name
		switch folder := sameAnswers[name]; {
		case folder == "upload":
			rows = append(rows, shapeRow{call: name, want: uploaded, but: map[string]any{"without_an_id": &Upload{URL: uploaded.URL}}})
		case folder == "done":
			if !slices.ContainsFunc(rows, func(row shapeRow) bool { return row.call == name }) {
				rows = append(rows, shapeRow{call: name})
			}
		case folder != "":
			for _, row := range slices.Concat(account, rows) {
				if row.call == folder {
					rows = append(rows, shapeRow{call: name, want: row.want, but: row.but})
				}
			}
		}
	}
	return rows
}

// jobCalls are the rows whose call becomes a *Generation, without their variants.
func jobCalls() []contractRow {
	var rows []contractRow
	for _, row := range slices.Concat(generationJobs, generationCalls) {
		if e := endpointNamed(row.golden); e != nil && (e.Job || e.Call == "Generation.Fetch") {
			rows = append(rows, row)
		}
	}
	return rows
}

func endpointNamed(name string) *Endpoint {
	i := slices.IndexFunc(table[:], func(e Endpoint) bool { return e.Name == name })
	if i < 0 {
		return nil
	}
	return &table[i]
}

// A job that ended badly is the same error of every endpoint, under whatever
// status it is said.
func TestShapesOfFailedJobs(t *testing.T) {
	shapes := stems(t, filepath.Join("answers", "failed"))
	require.Len(t, shapes, 5)
	for _, row := range jobCalls() {
		for _, shape := range shapes {
			t.Run(row.golden+"/"+shape, func(t *testing.T) {
				b := answerFile(t, "failed", shape)
				c, wire := onWire(t, row.onlyAnswer(b.step(http.StatusOK))...)
				got, err := row.call(t.Context(), c)
				assert.Nil(t, got)
				require.ErrorIs(t, err, ErrGenerationFailed)
				require.NotErrorIs(t, err, ErrOutcomeUnknown)
				oneLine(t, err)
				failed, ok := as[*GenerationError](err)
				require.True(t, ok, "%v", err)
				assert.Equal(t, "the prompt is required", failed.Message)
				if strings.HasPrefix(shape, "failed") {
					assert.Equal(t, contractJob, failed.GenerationID)
				}
				assert.JSONEq(t, string(b), string(failed.Raw))
				sent := 1
				if row.before != nil {
					sent = 2
				}
				assert.Len(t, wire.requests(), sent, "a definite answer is not asked for again")
			})
		}
	}
}

// A success has something to show, and a job that runs on has an id to ask for.
func TestShapesOfJobsThatTellTooLittle(t *testing.T) {
	for _, row := range jobCalls() {
		e := endpointNamed(row.golden)
		if e == trainingCreate.row() || e == workflowsRun.row() {
			continue // their answers tell other things
		}
		for name, body := range map[string]string{
			"nothing":                 `{}`,
			"no status and no output": `{"message":"Here you are."}`,
			"a success of nothing":    `{"status":"success","id":12345678,"output":[]}`,
			"a success of null":       `{"status":"success","id":12345678,"output":null}`,
			"a success to come":       `{"status":"success","id":12345678,"output":"","future_links":["https://cdn.example.com/0.png"]}`,
			"no id to ask for":        `{"status":"processing","eta":10}`,
		} {
			t.Run(row.golden+"/"+name, func(t *testing.T) {
				c, wire := onWire(t, row.onlyAnswer(says(http.StatusOK, body))...)
				got, err := row.call(t.Context(), c)
				if name == "no id to ask for" && !e.Job {
					require.NoError(t, err, "the id is known")
					return
				}
				require.Error(t, err)
				assert.Nil(t, got)
				if e.Job {
					assert.Len(t, wire.requests(), 1, "a submission is sent once")
				}
			})
		}
	}
}

// Ids have more digits than a float holds, and keep them all.
func TestShapesOfLongIDs(t *testing.T) {
	for _, row := range jobCalls() {
		if e := endpointNamed(row.golden); !e.Job || e == trainingCreate.row() || e == workflowsRun.row() {
			continue
		}
		for _, id := range []string{`9007199254740993123`, `"9007199254740993123"`} {
			c, _ := onWire(t, row.onlyAnswer(says(http.StatusOK, `{"status":"processing","id":`+id+`}`))...)
			got, err := row.call(t.Context(), c)
			require.NoError(t, err, row.golden)
			assert.Equal(t, "9007199254740993123", got.(*Generation).ID, row.golden)
		}
	}
}

// The documented states of a training, and words that can only be its end.
func TestShapesOfTrainings(t *testing.T) {
	create, status := callNamed(t, "training.lora_fine_tune"), callNamed(t, "training.status")
	for state, want := range map[TrainingState]GenerationStatus{
		TrainingDeployingGPU: StatusProcessing, TrainingStarted: StatusProcessing, TrainingSucceeded: StatusProcessing,
		TrainingCompressing: StatusProcessing, TrainingUploading: StatusProcessing, TrainingUploaded: StatusProcessing,
		TrainingDeployingModel: StatusProcessing, TrainingModelReady: StatusSuccess,
	} {
		for _, call := range []contractRow{create, status} {
			c, _ := onWire(t, says(http.StatusOK, `{"status":"success","messege":"`+string(state)+`","data":"d","training_id":"tower-x-7"}`))
			got, err := call.call(t.Context(), c)
			require.NoError(t, err, state)
			assert.Equal(t, &Training{ID: contractTraining, State: state, Status: want, Progress: "d"}, got)
		}
	}
	for _, state := range []string{"training_failed", "training_cancelled"} {
		c, _ := onWire(t, says(http.StatusOK, `{"status":"success","messege":"`+state+`","data":""}`))
		got, err := status.call(t.Context(), c)
		require.ErrorIs(t, err, ErrGenerationFailed, state)
		assert.Nil(t, got)
	}
}

// A run's own status decides, whatever the answer says of itself.
func TestShapesOfWorkflowRuns(t *testing.T) {
	run := &Generation{ID: "4021", Path: "/api/v1/workflows/7c1e/run"}
	for shape, want := range map[string]GenerationStatus{"default": StatusSuccess, "running": StatusProcessing} {
		c, wire := onWire(t, answerFile(t, "workflows.execution", shape).step(http.StatusOK))
		g, err := c.Generation.Fetch(t.Context(), run)
		require.NoError(t, err)
		assert.Equal(t, want, g.Status)
		assert.Equal(t, "4021", g.ID)
		assert.Equal(t, run.Path, g.Path)
		assert.Equal(t, "/api/v1/workflows/7c1e/runs/4021", wire.requests()[0].Path)
		if shape == "default" {
			assert.Equal(t, []string{"https://cdn.example.com/0.png"}, g.Output)
		}
	}
	for shape, why := range map[string]string{"failed": "the lamp broke", "cancelled": "cancelled"} {
		c, _ := onWire(t, answerFile(t, "workflows.execution", shape).step(http.StatusOK))
		g, err := c.Generation.Fetch(t.Context(), run)
		require.ErrorIs(t, err, ErrGenerationFailed)
		assert.ErrorContains(t, err, why)
		assert.Nil(t, g)
	}
}

// What a call without a job is told under "error" is no success either.
func TestShapesOfRefusedCalls(t *testing.T) {
	for _, row := range generationCalls {
		e := endpointNamed(row.golden)
		if e == nil || e.Job || e.Call == "Generation.Fetch" || strings.HasPrefix(e.Name, "model_search.") {
			continue
		}
		for _, shape := range []string{"error", "error_messege", "error_of_a_server"} {
			t.Run(row.golden+"/"+shape, func(t *testing.T) {
				c, _ := onWire(t, row.onlyAnswer(answerFile(t, "failed", shape).step(http.StatusOK))...)
				got, err := row.call(t.Context(), c)
				require.Error(t, err)
				assert.Contains(t, []any{nil, false, 0}, got)
				api := apiOf(t, err)
				assert.Equal(t, "the prompt is required", api.Message)
				require.NotErrorIs(t, err, ErrOutcomeUnknown)
			})
		}
	}
}

// An id that is not found under a path is asked for in the body too, and trouble
// on the way there is no verdict on the id.
func TestShapesOfTheOtherFetch(t *testing.T) {
	job := &Generation{ID: contractJob, Path: "/api/v6/images/text2img"}
	for name, tt := range map[string]struct {
		second step
		is     error
	}{
		"limited": {says(http.StatusTooManyRequests, `{"status":"error","message":"Rate limit exceeded.","retry_after":0}`), ErrRateLimited},
		"down":    {says(http.StatusServiceUnavailable, `{"status":"error","message":"Later."}`), nil},
		"broken":  {says(http.StatusOK, `{"status":"failed","id":12345678,"message":"It broke."}`), ErrGenerationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			c, wire := onWire(t, noGenerationRoute, tt.second)
			g, err := c.Generation.Fetch(t.Context(), job)
			require.Error(t, err)
			assert.Nil(t, g)
			require.NotErrorIs(t, err, ErrNotFound)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			assert.Equal(t, "/api/v6/images/fetch", wire.requests()[len(wire.requests())-1].Path)
		})
	}
	c, wire := onWire(t, noGenerationRoute, noGenerationRoute)
	_, err := c.Generation.Fetch(t.Context(), job)
	require.ErrorIs(t, err, ErrNotFound)
	assert.Len(t, wire.requests(), 2)
}
