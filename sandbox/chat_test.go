package sandbox_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

const (
	chatPath     = "/api/v7/llm/chat/completions"
	messagesPath = "/api/v7/llm/v1/messages"
)

// chat asks with the API key where the endpoint wants it.
func (v *visitor) chat(path, body string) reply {
	v.t.Helper()
	return v.send("POST", path, body, "Authorization", "Bearer "+v.apiKey)
}

// sse is a server-sent event, taken apart.
type sse struct {
	name, text string
	data       map[string]any
}

func (e sse) at(path ...string) any { return reply{body: e.data}.at(path...) }

func events(t *testing.T, text string) []sse {
	t.Helper()
	var list []sse
	for block := range strings.SplitSeq(strings.TrimSuffix(text, "\n\n"), "\n\n") {
		var e sse
		for line := range strings.SplitSeq(block, "\n") {
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				e.name = name
				continue
			}
			data, ok := strings.CutPrefix(line, "data: ")
			require.True(t, ok, line)
			e.text = data
		}
		if e.text != "[DONE]" {
			require.NoError(t, json.Unmarshal([]byte(e.text), &e.data), e.text)
		}
		list = append(list, e)
	}
	return list
}

// choice is the delta and the reason of a chunk's only choice.
func (e sse) choice(t *testing.T) (delta map[string]any, reason any) {
	t.Helper()
	choices, _ := e.data["choices"].([]any)
	require.Len(t, choices, 1, e.text)
	choice := choices[0].(map[string]any)
	delta, _ = choice["delta"].(map[string]any)
	return delta, choice["finish_reason"]
}

func firstChoice(r reply) reply {
	choices, _ := r.at("choices").([]any)
	return reply{body: choices[0].(map[string]any)}
}

func TestCompletionsEchoAndCost(t *testing.T) {
	v := visitAs(t, 2)
	ask := `{"model":"qwen3-coder","messages":[{"role":"system","content":"Be short."},{"role":"user","content":"Where is Paris?"}]}`
	r := v.chat(chatPath, ask)
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "chat.completion", r.at("object"))
	assert.Equal(t, "qwen3-coder", r.at("model"))
	assert.Equal(t, "You said: Where is Paris?", firstChoice(r).at("message", "content"))
	assert.Equal(t, "stop", firstChoice(r).at("finish_reason"))
	assert.Equal(t, json.Number("5"), r.at("usage", "prompt_tokens"))
	assert.Equal(t, json.Number("10"), r.at("usage", "total_tokens"))
	assert.Equal(t, "0.01", v.balance())

	assert.Equal(t, http.StatusOK, v.chat(messagesPath, `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}`).StatusCode)
	r = v.chat(chatPath, ask)
	assert.Equal(t, http.StatusPaymentRequired, r.StatusCode)
	assert.Contains(t, r.at("error", "message"), "Insufficient credits")
	assert.NotEmpty(t, r.at("error", "code"))

	free := visitAs(t, 0, sandbox.WithPrice("chat.completions", 0))
	assert.Equal(t, http.StatusOK, free.chat(chatPath, ask).StatusCode)
	r = free.chat(chatPath, `{"model":"m","n":2,"stop":["Par"],"messages":[{"role":"user","content":"in Paris or not"}]}`)
	assert.Equal(t, "You said: in ", firstChoice(r).at("message", "content"))
	assert.Len(t, r.at("choices"), 2)
	r = free.chat(chatPath, `{"model_id":"m","max_tokens":3,"messages":[{"role":"user","content":"one two three"}]}`)
	assert.Equal(t, "You said: one", firstChoice(r).at("message", "content"))
	assert.Equal(t, "length", firstChoice(r).at("finish_reason"))
	r = free.chat(chatPath, `{"model":"m","response_format":{"type":"json_object"},"messages":[{"role":"user","content":"Say it as JSON."}]}`)
	assert.Equal(t, `{"you_said":"Say it as JSON."}`, firstChoice(r).at("message", "content"))
}

func TestWhoMayChat(t *testing.T) {
	v := visitAs(t, 1_00)
	ask := `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}`
	for _, path := range []string{chatPath, messagesPath, messagesPath + "/count_tokens"} {
		below := path != chatPath
		for header, fine := range map[[2]string]bool{
			{"Authorization", "Bearer " + v.apiKey}: true,
			{"X-Api-Key", v.apiKey}:                 below,
			{"Authorization", "Bearer " + v.token}:  false,
			{"Key", v.apiKey}:                       false,
		} {
			r := v.send("POST", path, ask, header[0], header[1])
			assert.Equal(t, fine, r.StatusCode == http.StatusOK, "%s %s: %s", path, header[0], r.text)
			if !fine {
				assert.Equal(t, http.StatusUnauthorized, r.StatusCode)
				assert.Equal(t, "authentication_error", r.at("error", "type"))
			}
		}
	}
	r := v.send("GET", "/api/v7/llm/v1/models", "", "X-Api-Key", v.apiKey)
	assert.Equal(t, "list", r.at("object"))
	assert.Equal(t, "model", objects(r.at("data"))[0]["object"])
	assert.NotEmpty(t, column(objects(r.at("data")), "owned_by"))
	assert.Equal(t, http.StatusUnauthorized, v.send("GET", "/api/v7/llm/v1/models", "").StatusCode)
}

func TestChatRules(t *testing.T) {
	v := visitAs(t, 10_00)
	user := `"messages":[{"role":"user","content":"x"}]`
	for body, wrong := range map[string]string{
		`[]`:                          "JSON object",
		`{"model":"m"}`:               "messages is required",
		`{"model":"m","messages":[]}`: "messages is required",
		`{` + user + `}`:              "model is required",
		`{"model":"m","messages":[{"role":"robot","content":"x"}]}`:                               "role",
		`{"model":"m","messages":[{"role":"user","content":null}]}`:                               "content",
		`{"model":"m","messages":[{"role":"tool","content":"x"}]}`:                                "tool_call_id",
		`{"model":"m","max_tokens":0,` + user + `}`:                                               "max_tokens",
		`{"model":"m","max_tokens":"5",` + user + `}`:                                             "max_tokens",
		`{"model":"m","temperature":2.1,` + user + `}`:                                            "temperature must be between 0 and 2",
		`{"model":"m","temperature":-0.1,` + user + `}`:                                           "temperature",
		`{"model":"m","top_p":1.5,` + user + `}`:                                                  "top_p",
		`{"model":"m","top_k":0,` + user + `}`:                                                    "top_k",
		`{"model":"m","presence_penalty":-3,` + user + `}`:                                        "presence_penalty",
		`{"model":"m","frequency_penalty":2.5,` + user + `}`:                                      "frequency_penalty",
		`{"model":"m","repetition_penalty":0,` + user + `}`:                                       "repetition_penalty",
		`{"model":"m","n":11,` + user + `}`:                                                       "n must be",
		`{"model":"m","stop":["a","b","c","d","e"],` + user + `}`:                                 "stop",
		`{"model":"m","stream":"yes",` + user + `}`:                                               "stream",
		`{"model":"m","response_format":{"type":"json_object"},` + user + `}`:                     "JSON",
		`{"model":"m","tools":[{"type":"function"}],` + user + `}`:                                "tools.0",
		`{"model":"m","tool_choice":"required",` + user + `}`:                                     "requires tools",
		`{"model":"m","tool_choice":"some",` + user + `}`:                                         "tool_choice",
		`{"model":"m","tool_choice":{"type":"function","function":{"name":"none"}},` + user + `}`: "not among",
	} {
		r := v.chat(chatPath, body)
		assert.Equal(t, http.StatusBadRequest, r.StatusCode, body)
		assert.Contains(t, r.at("error", "message"), wrong, body)
	}
	for body, wrong := range map[string]string{
		`{"model":"m",` + user + `}`:                                                               "max_tokens is required",
		`{"max_tokens":5,` + user + `}`:                                                            "model is required",
		`{"model":"m","max_tokens":5,"temperature":1.1,` + user + `}`:                              "temperature must be between 0 and 1",
		`{"model":"m","max_tokens":5,"messages":[{"role":"system","content":"x"}]}`:                "role",
		`{"model":"m","max_tokens":5,"tools":[{"name":"f"}],` + user + `}`:                         "input_schema",
		`{"model":"m","max_tokens":5,"tool_choice":"auto",` + user + `}`:                           "tool_choice",
		`{"model":"m","max_tokens":5,"tool_choice":{"type":"tool"},` + user + `}`:                  "tool_choice",
		`{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"text":"untyped"}]}]}`: "content",
	} {
		r := v.chat(messagesPath, body)
		assert.Equal(t, http.StatusBadRequest, r.StatusCode, body)
		assert.Contains(t, r.at("error", "message"), wrong, body)
	}
	assert.Equal(t, "10.00", v.balance(), "nothing was answered, nothing was paid")
}

const (
	weatherTool = `{"type":"function","function":{"name":"get_weather","parameters":{"type":"object",
		"properties":{"city":{"type":"string"},"days":{"type":"integer"},"unit":{"enum":["celsius"]}},"required":["city","days","unit"]}}}`
	weatherToolOfMessages = `{"name":"get_weather","input_schema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}`
)

func TestToolsAreCalledAndTheirResultsRead(t *testing.T) {
	v := visitAs(t, 1_00)
	ask := `{"model":"m","tools":[` + weatherTool + `],"tool_choice":"required","messages":[{"role":"user","content":"Oslo"}]`
	call := firstChoice(v.chat(chatPath, ask+`}`))
	assert.Equal(t, "tool_calls", call.at("finish_reason"))
	assert.Nil(t, call.at("message", "content"))
	one := objects(call.at("message", "tool_calls"))[0]
	function := one["function"].(map[string]any)
	assert.Equal(t, "get_weather", function["name"])
	assert.JSONEq(t, `{"city":"Oslo","days":1,"unit":"celsius"}`, function["arguments"].(string))

	r := v.chat(chatPath, ask+`,"stream":true}`)
	arguments := ""
	for _, e := range events(t, r.text) {
		if e.text == "[DONE]" {
			continue
		}
		delta, _ := e.choice(t)
		if calls, ok := delta["tool_calls"].([]any); ok {
			piece, _ := calls[0].(map[string]any)["function"].(map[string]any)["arguments"].(string)
			arguments += piece
		}
	}
	assert.JSONEq(t, function["arguments"].(string), arguments)

	// With a free choice the tool is called when it is spoken of, and not after its result.
	free := `{"model":"m","tools":[` + weatherTool + `],"messages":[`
	assert.Equal(t, "tool_calls", firstChoice(v.chat(chatPath, free+`{"role":"user","content":"use get_weather"}]}`)).at("finish_reason"))
	assert.Equal(t, "stop", firstChoice(v.chat(chatPath, free+`{"role":"user","content":"hello"}]}`)).at("finish_reason"))
	r = v.chat(chatPath, free+`{"role":"user","content":"use get_weather"},
		{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"call_1","content":"sunny"}]}`)
	assert.Equal(t, "The tool said: sunny", firstChoice(r).at("message", "content"))

	r = v.chat(messagesPath, `{"model":"m","max_tokens":9,"tools":[`+weatherToolOfMessages+`],"tool_choice":{"type":"any"},"messages":[{"role":"user","content":"Oslo"}]}`)
	assert.Equal(t, "tool_use", r.at("stop_reason"))
	block := objects(r.at("content"))[0]
	assert.Equal(t, "tool_use", block["type"])
	assert.Equal(t, map[string]any{"city": "Oslo"}, block["input"])
	r = v.chat(messagesPath, `{"model":"m","max_tokens":9,"tools":[`+weatherToolOfMessages+`],"messages":[
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"rainy"}]}]}`)
	assert.Equal(t, "The tool said: rainy", objects(r.at("content"))[0]["text"])
}

func TestCompletionsStream(t *testing.T) {
	v := visitAs(t, 1_00)
	r := v.chat(chatPath, `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"good morning"}]}`)
	require.Equal(t, http.StatusOK, r.StatusCode)
	assert.Equal(t, "text/event-stream", r.Header.Get("Content-Type"))
	assert.EqualValues(t, -1, r.ContentLength)
	list := events(t, r.text)
	require.Len(t, list, 8) // the role, four words, the reason, the usage, the end
	first, _ := list[0].choice(t)
	assert.Equal(t, map[string]any{"role": "assistant", "content": ""}, first)
	said := ""
	for _, e := range list[1:5] {
		delta, reason := e.choice(t)
		assert.Nil(t, reason)
		assert.Equal(t, "chat.completion.chunk", e.at("object"))
		said += delta["content"].(string)
	}
	assert.Equal(t, "You said: good morning", said)
	_, reason := list[5].choice(t)
	assert.Equal(t, "stop", reason)
	assert.Empty(t, list[6].at("choices"))
	assert.EqualValues(t, 6, list[6].at("usage", "total_tokens"))
	assert.Equal(t, "[DONE]", list[7].text)
}

func TestMessagesStream(t *testing.T) {
	v := visitAs(t, 1_00)
	ask := `{"model":"m","max_tokens":50,"system":"Be kind.","messages":[{"role":"user","content":[{"type":"text","text":"good morning"}]}]`
	whole := v.chat(messagesPath, ask+`}`)
	assert.Equal(t, "end_turn", whole.at("stop_reason"))
	assert.Equal(t, json.Number("4"), whole.at("usage", "input_tokens"))
	assert.Equal(t, json.Number("4"), v.chat(messagesPath+"/count_tokens", ask+`}`).at("input_tokens"))

	var names []string
	said := ""
	for _, e := range events(t, v.chat(messagesPath, ask+`,"stream":true}`).text) {
		assert.Equal(t, e.name, e.at("type"))
		if piece, ok := e.at("delta", "text").(string); ok {
			said += piece
			continue
		}
		names = append(names, e.name)
	}
	assert.Equal(t, []string{"message_start", "content_block_start", "ping", "content_block_stop", "message_delta", "message_stop"}, names)
	assert.Equal(t, objects(whole.at("content"))[0]["text"], said)

	tool := v.chat(messagesPath, ask+`,"stream":true,"tools":[`+weatherToolOfMessages+`],"tool_choice":{"type":"tool","name":"get_weather"}}`)
	input := ""
	for _, e := range events(t, tool.text) {
		piece, _ := e.at("delta", "partial_json").(string)
		input += piece
	}
	assert.JSONEq(t, `{"city":"good morning"}`, input)
	r := v.chat(messagesPath, `{"model":"m","max_tokens":2,"messages":[{"role":"user","content":"x"}]}`)
	assert.Equal(t, "max_tokens", r.at("stop_reason"))
	r = v.chat(messagesPath, `{"model":"m","max_tokens":9,"stop_sequences":["stop"],"messages":[{"role":"user","content":"now stop it"}]}`)
	assert.Equal(t, "stop_sequence", r.at("stop_reason"))
	assert.Equal(t, "stop", r.at("stop_sequence"))
}

func TestStreamsBreakOff(t *testing.T) {
	ask := `{"model":"m","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"a b c d e f"}]}`
	for _, path := range []string{chatPath, messagesPath} {
		v := visitAs(t, 1_00, sandbox.WithChatCut(3))
		_, err := v.try("POST", path, "application/json", ask, "Authorization", "Bearer "+v.apiKey)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, path)

		v = visitAs(t, 1_00, sandbox.WithChatStreamError(3))
		list := events(t, v.chat(path, ask).text)
		require.Len(t, list, 4)
		last := list[3]
		assert.NotEmpty(t, last.at("error", "message"))
		assert.NotEmpty(t, last.at("error", "type"))
		if path == messagesPath {
			assert.Equal(t, "error", last.name)
		}
		assert.Equal(t, "0.99", v.balance(), "it was paid for")

		v = visitAs(t, 1_00, sandbox.WithFault(sandbox.Fault{Kind: sandbox.FaultCutBody}))
		_, err = v.try("POST", path, "application/json", ask, "Authorization", "Bearer "+v.apiKey)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, path)
	}
}

// flushes counts what was written between one flush and the next.
type flushes struct {
	*httptest.ResponseRecorder
	parts []string
}

func (f *flushes) Flush() {
	f.parts = append(f.parts, f.Body.String())
	f.Body.Reset()
}

func TestEveryEventIsFlushed(t *testing.T) {
	v := visitAs(t, 1_00)
	ask := `{"model":"m","stream":true,"messages":[{"role":"user","content":"good morning"}]}`
	r := httptest.NewRequest("POST", chatPath, strings.NewReader(ask))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+v.apiKey)
	w := &flushes{ResponseRecorder: httptest.NewRecorder()}
	v.srv.ServeHTTP(w, r)
	require.Len(t, w.parts, 7)
	for _, part := range w.parts {
		assert.Len(t, events(t, part), 1)
	}
}

func TestStreamsOverASocket(t *testing.T) {
	srv := sandbox.New(sandbox.WithChatCut(2))
	t.Cleanup(srv.Close)
	a := srv.Account(sandbox.AccountParams{BalanceCents: 1_00})
	r, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL()+chatPath,
		strings.NewReader(`{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}`))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+a.APIKey)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }() // it was only read
	lines := bufio.NewScanner(resp.Body)
	n := 0
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data: ") {
			n++
		}
	}
	assert.Equal(t, 2, n)
	require.ErrorIs(t, lines.Err(), io.ErrUnexpectedEOF)
}
