package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	chatBody = `{"id":"chatcmpl-1","object":"chat.completion","created":1767322245,"model":"m-1","choices":[{"index":0,` +
		`"message":{"role":"assistant","content":"Hello, world."},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}}`
	chatStream = `: hello

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1767322245,"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Hello, "},"finish_reason":null}]}

: ping

data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"world."},"finish_reason":null}]}

data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: {"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}}

data: [DONE]

`
	oneLineEach = `data: {"choices":[{"index":0,"delta":{"content":"Hello, "}}]}
data: {"choices":[{"index":0,"delta":{"content":"world."},"finish_reason":"stop"}]}
data: [DONE]
`
	toolStream = `data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":""}}]}}]}

data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"cit"}}]}}]}

data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"time","arguments":"{}"}},{"index":0,"function":{"arguments":"y\":\"Bonn\"}"}}]}}]}

data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: [DONE]

`
	messageBody = `{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"Hello, "},{"type":"text","text":"world."}],` +
		`"model":"m-1","stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":3}}`
	messageStream = `event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"m-1","stop_reason":null,"usage":{"input_tokens":5,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello, "}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"world."}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: weather_report
data: {"type":"weather_report","sun":true}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":3}}

event: message_stop
data: {"type":"message_stop"}

`
	messageToolStream = `data: {"type":"message_start","message":{"id":"msg_2","model":"m-1","usage":{"input_tokens":7}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}

data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":" \"Bonn\"}"}}

data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}

data: {"type":"message_stop"}

`
	chatPath    = "/api/v7/llm/chat/completions"
	messagePath = "/api/v7/llm/v1/messages"
)

func hello() ChatParams {
	return ChatParams{Model: "m-1", Messages: []ChatMessage{{Role: RoleUser, Content: "Hello?"}}}
}

func helloMessage() MessageParams {
	return MessageParams{Model: "m-1", MaxTokens: 100, Messages: []MessageParam{{Role: RoleUser, Content: "Hello?"}}}
}

func chatOver(t testing.TB, rt http.RoundTripper, opts ...Option) *ChatService {
	t.Helper()
	return stubbed(t, rt, opts...).Generation.Chat
}

// streaming answers with events.
func streaming(events string, header ...string) step {
	return says(200, events, append([]string{"Content-Type", "text/event-stream; charset=utf-8"}, header...)...)
}

// reading answers with events from a reader.
func reading(body func(ctx context.Context) io.ReadCloser) step {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := streaming("")(req)
		resp.Body, resp.ContentLength = body(req.Context()), -1
		return resp, err
	}
}

// lastOf ranges over a stream: its last event, and its error.
func lastOf[E any](t *testing.T, events iter.Seq2[*E, error]) (*E, error) {
	t.Helper()
	var last *E
	var failed error
	for e, err := range events {
		require.NoError(t, failed, "an error comes last")
		require.NotNil(t, e, "an event is never nil")
		last, failed = e, err
	}
	require.NotNil(t, last, "there is a last event")
	return last, failed
}

func wholeChat() *ChatCompletion {
	return &ChatCompletion{
		ID: "chatcmpl-1", Model: "m-1", Created: Timestamp{time.Unix(1767322245, 0).UTC()},
		Choices: []ChatChoice{{Message: ChatMessage{Role: RoleAssistant, Content: "Hello, world."}, FinishReason: "stop"}},
		Usage:   ChatUsage{5, 3, 8},
	}
}

func wholeMessage() *Message {
	return &Message{
		ID: "msg_1", Role: RoleAssistant, Model: "m-1", Content: []MessageBlock{{Type: BlockText, Text: "Hello, world."}},
		StopReason: "end_turn", Usage: MessageUsage{5, 3},
	}
}

func TestAStreamIsTheAnswerAsItIsMade(t *testing.T) {
	net := scripted(streaming(chatStream, "X-Request-Id", "req-7", "Set-Cookie", "a=b"))
	var deltas []string
	var resp Response
	var last *ChatEvent
	for e, err := range chatOver(t, net).Stream(t.Context(), hello(), WithResponse(&resp)) {
		require.NoError(t, err)
		if e.Chunk != nil {
			assert.Nil(t, e.Completion)
			assert.Equal(t, "chatcmpl-1", e.Chunk.ID)
			assert.True(t, json.Valid(e.Chunk.Raw))
			deltas = append(deltas, e.Delta+e.FinishReason)
		}
		last = e
	}
	assert.Equal(t, []string{"", "Hello, ", "world.", "stop", ""}, deltas)
	assert.Equal(t, &ChatEvent{Completion: wholeChat()}, last)
	assert.Equal(t, "Hello, world.", last.Completion.Text())
	assert.Equal(t, "req-7", resp.RequestID)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Empty(t, resp.Header["Set-Cookie"])

	seen := net.requests()
	require.Len(t, seen, 1)
	assert.Equal(t, chatPath, seen[0].Path)
	assert.Equal(t, "Bearer "+testKey, seen[0].Header.Get("Authorization"))
	assert.Empty(t, seen[0].key())
	assert.JSONEq(t, `{"model":"m-1","messages":[{"role":"user","content":"Hello?"}],"stream":true}`, seen[0].Body)
}

func TestAMessageStreamIsTheMessageAsItIsMade(t *testing.T) {
	net := scripted(streaming(messageStream))
	var kinds, deltas []string
	var last *MessageEvent
	for e, err := range chatOver(t, net).MessageStream(t.Context(), helloMessage()) {
		require.NoError(t, err)
		kinds, deltas, last = append(kinds, e.Type), append(deltas, e.Delta+e.StopReason), e
		assert.Equal(t, e.Message == nil, e.Raw != nil)
	}
	assert.Equal(t, []string{
		"message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop", "weather_report", "message_delta", "message_stop", "message",
	}, kinds)
	assert.Equal(t, []string{"", "", "Hello, ", "world.", "", "", "end_turn", "", ""}, deltas)
	assert.Equal(t, wholeMessage(), last.Message)
	assert.JSONEq(t, `{"model":"m-1","max_tokens":100,"messages":[{"role":"user","content":"Hello?"}],"stream":true}`, net.requests()[0].Body)
	assert.Equal(t, messagePath, net.requests()[0].Path)
	assert.Equal(t, "Bearer "+testKey, net.requests()[0].Header.Get("Authorization"))
}

// Whatever a stream looks like, it comes to the same answer.
func TestStreamsThatComeToTheSame(t *testing.T) {
	crlf := strings.NewReplacer("\n", "\r\n")
	unnamed := func(s string) string {
		for _, line := range strings.Split(messageStream, "\n") {
			if strings.HasPrefix(line, "event: ") {
				s = strings.Replace(s, line+"\n", "", 1)
			}
		}
		return s
	}
	typeless := func(s string) string {
		for _, line := range strings.Split(messageStream, "\n") {
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				s = strings.ReplaceAll(s, `"type":"`+name+`",`, "")
			}
		}
		return s
	}
	for name, text := range map[string]string{
		"CRLF": crlf.Replace(chatStream), "CR": strings.ReplaceAll(chatStream, "\n", "\r"), "byte order mark": "\xef\xbb\xbf" + chatStream,
		"no empty line at the end": strings.TrimSuffix(chatStream, "\n"), "no line end at the end": strings.TrimRight(chatStream, "\n"),
		"no [DONE]": strings.ReplaceAll(chatStream, "data: [DONE]\n\n", ""), "nothing behind [DONE] counts": chatStream + "data: {\"choices\":[{\"delta\":{\"content\":\"more\"}}]}\n\n",
		"events by name":       strings.ReplaceAll(chatStream, "data: {", "event: chunk\ndata: {"),
		"pings":                strings.ReplaceAll(chatStream, "\n\n", "\n\n: ping\n\ndata:\n\n"),
		"no space":             strings.ReplaceAll(chatStream, "data: ", "data:"),
		"no empty lines":       strings.ReplaceAll(strings.ReplaceAll(chatStream, "\n\n", "\n"), ": ping\n", ""),
		"over several lines":   strings.ReplaceAll(chatStream, `,"choices"`, ",\ndata: \"choices\""),
		"messages, not deltas": strings.ReplaceAll(chatStream, `"delta"`, `"message"`),
		"errors that are none": strings.ReplaceAll(chatStream, `"choices"`, `"error":null,"choices"`),
		"content in parts":     strings.ReplaceAll(chatStream, `"content":"world."`, `"content":[{"type":"text","text":"wor"},{"type":"text","text":"ld."}]`),
		"numbers as strings":   strings.NewReplacer(`"index":0`, `"index":"0"`, `"prompt_tokens":5`, `"prompt_tokens":"5"`, `1767322245`, `"1767322245"`).Replace(chatStream),
		"one event":            "data: " + chatBody + "\n\n",
	} {
		t.Run("chat, "+name, func(t *testing.T) {
			last, err := lastOf(t, chatOver(t, scripted(streaming(text))).Stream(t.Context(), hello()))
			require.NoError(t, err)
			assert.Equal(t, wholeChat(), last.Completion)
		})
	}
	for name, text := range map[string]string{
		"CRLF": crlf.Replace(messageStream), "no names": unnamed(messageStream), "no types": typeless(messageStream),
		"[DONE] too":      messageStream + "data: [DONE]\n\n",
		"[DONE] alone":    strings.Replace(messageStream, "event: message_stop\ndata: {\"type\":\"message_stop\"}", "data: [DONE]", 1),
		"no message_stop": strings.Replace(messageStream, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", "", 1),
		"no block begins": strings.Replace(messageStream, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n", "", 1),
		"text at once":    strings.Replace(strings.Replace(messageStream, `"text":""`, `"text":"Hel"`, 1), `"text":"Hello, "`, `"text":"lo, "`, 1),
		"one event":       "data: " + strings.Replace(messageBody, `"Hello, "},{"type":"text","text":"world."`, `"Hello, world."`, 1) + "\n\n",
	} {
		t.Run("messages, "+name, func(t *testing.T) {
			last, err := lastOf(t, chatOver(t, scripted(streaming(text))).MessageStream(t.Context(), helloMessage()))
			require.NoError(t, err)
			assert.Equal(t, wholeMessage(), last.Message)
		})
	}
}

func TestStreamsMayBeCutAnywhere(t *testing.T) {
	for i := range chatStream {
		in := func(context.Context) io.ReadCloser {
			return io.NopCloser(io.MultiReader(strings.NewReader(chatStream[:i]), strings.NewReader(chatStream[i:])))
		}
		last, err := lastOf(t, chatOver(t, scripted(reading(in))).Stream(t.Context(), hello()))
		require.NoError(t, err, "cut at %d", i)
		require.Equal(t, wholeChat(), last.Completion, "cut at %d", i)
	}
	byByte := func(context.Context) io.ReadCloser {
		return io.NopCloser(iotest.OneByteReader(strings.NewReader(messageStream)))
	}
	last, err := lastOf(t, chatOver(t, scripted(reading(byByte))).MessageStream(t.Context(), helloMessage()))
	require.NoError(t, err)
	assert.Equal(t, wholeMessage(), last.Message)
}

func TestToolCallsArePutTogether(t *testing.T) {
	var pieces []ChatToolCallDelta
	var last *ChatEvent
	for e, err := range chatOver(t, scripted(streaming(toolStream))).Stream(t.Context(), hello()) {
		require.NoError(t, err)
		pieces, last = append(pieces, e.ToolCalls...), e
	}
	assert.Equal(t, []ChatToolCallDelta{
		{Index: 0, ID: "call_1", Name: "weather"}, {Index: 0, Arguments: `{"cit`}, {Index: 1, ID: "call_2", Name: "time", Arguments: "{}"}, {Index: 0, Arguments: `y":"Bonn"}`},
	}, pieces)
	choice := last.Completion.Choices[0]
	assert.Equal(t, "tool_calls", choice.FinishReason)
	assert.Equal(t, []ChatToolCall{{"call_1", "weather", `{"city":"Bonn"}`}, {"call_2", "time", "{}"}}, choice.Message.ToolCalls)
	assert.Empty(t, last.Completion.Text())

	// What the model said goes back as it came.
	net := scripted(says(200, chatBody))
	_, err := chatOver(t, net).Complete(t.Context(), ChatParams{Model: "m-1", Messages: []ChatMessage{
		choice.Message, {Role: RoleTool, ToolCallID: "call_1", Content: "rain"}, {Role: RoleTool, ToolCallID: "call_2"},
	}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"model":"m-1","messages":[
		{"role":"assistant","content":null,"tool_calls":[
			{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Bonn\"}"}},
			{"id":"call_2","type":"function","function":{"name":"time","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"call_1","content":"rain"},
		{"role":"tool","tool_call_id":"call_2","content":""}]}`, net.requests()[0].Body)
}

func TestServersCountToolCallsInTheirOwnWays(t *testing.T) {
	want := []ChatToolCall{{"a", "f", `{"x":1}`}, {"b", "g", `{}`}}
	chunks := func(deltas ...string) string {
		s := ""
		for _, d := range deltas {
			s += `data: {"choices":[{"index":0,"delta":{"tool_calls":[` + d + "]}}]}\n\n"
		}
		return s + "data: [DONE]\n\n"
	}
	for name, text := range map[string]string{
		"all at one index":      chunks(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}`, `{"index":0,"function":{"arguments":"1}"}}`, `{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}`),
		"no index":              chunks(`{"id":"a","function":{"name":"f","arguments":"{\"x\":"}}`, `{"function":{"arguments":"1}"}}`, `{"id":"b","function":{"name":"g","arguments":"{}"}}`),
		"the id each time":      chunks(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}`, `{"index":0,"id":"a","function":{"name":"f","arguments":"1}"}}`, `{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}`),
		"objects":               chunks(`{"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}},{"index":1,"id":"b","function":{"name":"g","arguments":{}}}`),
		"the id after the name": chunks(`{"index":0,"function":{"name":"f","arguments":"{\"x\":1}"}}`, `{"index":0,"id":"a"}`, `{"index":1,"function":{"name":"g"}}`, `{"index":1,"id":"b","function":{"arguments":"{}"}}`),
		"an index from afar":    chunks(`{"index":99999999999,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}`, `{"index":-1,"id":"b","function":{"name":"g","arguments":"{}"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			last, err := lastOf(t, chatOver(t, scripted(streaming(text))).Stream(t.Context(), hello()))
			require.NoError(t, err)
			assert.Equal(t, want, last.Completion.Choices[0].Message.ToolCalls)
		})
	}
}

func TestToolInputIsPutTogether(t *testing.T) {
	var pieces string
	var last *MessageEvent
	for e, err := range chatOver(t, scripted(streaming(messageToolStream))).MessageStream(t.Context(), helloMessage()) {
		require.NoError(t, err)
		pieces, last = pieces+e.PartialJSON, e
	}
	assert.Equal(t, `{"city": "Bonn"}`, pieces)
	assert.Equal(t, &Message{
		ID: "msg_2", Role: RoleAssistant, Model: "m-1", StopReason: "tool_use", Usage: MessageUsage{7, 9},
		Content: []MessageBlock{{Type: "thinking"}, {Type: BlockToolUse, ID: "toolu_1", Name: "weather", Input: json.RawMessage(`{"city": "Bonn"}`)}},
	}, last.Message)

	cut := strings.Replace(messageToolStream, ` \"Bonn\"}`, "", 1)
	last, err := lastOf(t, chatOver(t, scripted(streaming(cut))).MessageStream(t.Context(), helloMessage()))
	require.NoError(t, err)
	assert.JSONEq(t, `"{\"city\":"`, string(last.Message.Content[1].Input), "input that is no JSON is a string")
	_, err = json.Marshal(last)
	require.NoError(t, err)
}

func TestSeveralAnswersAreKeptApart(t *testing.T) {
	text := `data: {"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]}

data: {"choices":[{"index":1,"delta":{"content":"B"},"finish_reason":"length"}]}

data: {"choices":[{"index":0,"delta":{"content":"A"},"finish_reason":"stop"}]}

`
	p := hello()
	p.N = 2
	said := ""
	var last *ChatEvent
	for e, err := range chatOver(t, scripted(streaming(text))).Stream(t.Context(), p) {
		require.NoError(t, err)
		said, last = said+e.Delta+e.FinishReason, e
	}
	assert.Equal(t, "aAstop", said, "of the first choice")
	assert.Equal(t, []ChatChoice{
		{0, ChatMessage{Role: RoleAssistant, Content: "aA"}, "stop"}, {1, ChatMessage{Role: RoleAssistant, Content: "bB"}, "length"},
	}, last.Completion.Choices)

	p.N = 3 // one has not even begun
	last, err := lastOf(t, chatOver(t, scripted(streaming(text))).Stream(t.Context(), p))
	assertKind(t, ErrOutcomeUnknown, err)
	assert.Len(t, last.Completion.Choices, 2)
}

// brokenStreams are streams that give "Hello, " and no more.
var brokenStreams = map[string]step{
	"the connection breaks":       breaksOffStream(strings.Split(chatStream, `data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"world."}`)[0]),
	"it ends":                     streaming(strings.Split(chatStream, `data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"world."}`)[0]),
	"it ends in the middle":       streaming(strings.Split(chatStream, `world."}`)[0]),
	"an event is no JSON":         streaming(strings.Split(chatStream, "world.")[0] + "\n\ndata: [DONE]\n\n"),
	"an event is no object":       streaming(strings.Split(chatStream, "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"world.\"}")[0] + "data: \"ld\"\n\ndata: [DONE]\n\n"),
	"an event is far too large":   streaming(strings.Split(chatStream, "world.")[0] + strings.Repeat("x", maxEventBytes)),
	"all of it is far too large":  streaming(strings.Split(chatStream, "world.")[0] + strings.Repeat("x", 400<<10) + "\n\n"),
	"a page in the middle of all": streaming(strings.Split(chatStream, ": ping")[0] + "data: <html>\n\n"),
}

func breaksOffStream(body string) step {
	return breaksOff(200, body, "Content-Type", "text/event-stream")
}

func TestAStreamThatBreaksOffMayBePaid(t *testing.T) {
	for name, broken := range brokenStreams {
		t.Run(name, func(t *testing.T) {
			net := scripted(broken)
			last, err := lastOf(t, chatOver(t, net, WithMaxResponseBytes(300<<10)).Stream(t.Context(), hello()))
			assertKind(t, ErrOutcomeUnknown, err)
			oneLine(t, err)
			api := apiOf(t, err)
			assert.Equal(t, 200, api.StatusCode)
			unknown, ok := as[*OutcomeUnknownError](err)
			require.True(t, ok)
			assert.Equal(t, "chat.completions", unknown.Endpoint)
			require.NotNil(t, last.Completion)
			assert.Equal(t, "Hello, ", last.Completion.Text())
			assert.Empty(t, last.Completion.Choices[0].FinishReason)
			assert.Equal(t, 1, net.count(), "it is not asked for again")
		})
	}
	_, err := lastOf(t, chatOver(t, scripted(brokenStreams["the connection breaks"])).Stream(t.Context(), hello()))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = lastOf(t, chatOver(t, scripted(brokenStreams["it ends"])).Stream(t.Context(), hello()))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = lastOf(t, chatOver(t, scripted(brokenStreams["an event is far too large"])).Stream(t.Context(), hello()))
	require.ErrorIs(t, err, errEventTooLarge)

	last, err := lastOf(t, chatOver(t, scripted(breaksOffStream(strings.Split(messageStream, "world.")[0]))).MessageStream(t.Context(), helloMessage()))
	assertKind(t, ErrOutcomeUnknown, err)
	assert.Equal(t, "Hello, ", last.Message.Text())
	assert.Empty(t, last.Message.StopReason)

	for name, text := range map[string]string{"nothing": "", "comments": ": ping\n\n", "the end": "data: [DONE]\n\n", "no choices": "data: {\"choices\":[]}\n\ndata: [DONE]\n\n"} {
		t.Run("nothing but "+name, func(t *testing.T) {
			_, err := lastOf(t, chatOver(t, scripted(streaming(text))).Stream(t.Context(), hello()))
			assertKind(t, ErrOutcomeUnknown, err)
			_, err = lastOf(t, chatOver(t, scripted(streaming(text))).MessageStream(t.Context(), helloMessage()))
			assertKind(t, ErrOutcomeUnknown, err)
		})
	}
}

func TestAnAnswerThatIsAllThereIsWhole(t *testing.T) {
	finished := strings.Split(chatStream, "data: [DONE]")[0]
	last, err := lastOf(t, chatOver(t, scripted(breaksOffStream(finished))).Stream(t.Context(), hello()))
	require.NoError(t, err, "it broke when nothing more was due")
	assert.Equal(t, wholeChat(), last.Completion)

	// An end without a reason is an end.
	last, err = lastOf(t, chatOver(t, scripted(streaming("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n"))).Stream(t.Context(), hello()))
	require.NoError(t, err)
	assert.Equal(t, "a", last.Completion.Text())
}

func TestAnErrorInAStream(t *testing.T) {
	begun := strings.Split(chatStream, ": ping")[0]
	for name, tt := range map[string]struct{ event, code, message string }{
		"OpenAI's":        {`data: {"error":{"message":"The model stopped.","type":"server_error","code":"stream_error"}}`, "stream_error", "The model stopped."},
		"without a code":  {`data: {"error":{"message":"The model stopped.","type":"server_error","code":null}}`, "server_error", "The model stopped."},
		"Anthropic's":     {"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}", "overloaded_error", "Overloaded"},
		"the vendor's":    {`data: {"status":"error","message":"Server busy"}`, "", "Server busy"},
		"a text":          {`data: {"error":"Server busy"}`, "", "Server busy"},
		"no JSON":         {"event: error\ndata: upstream\ndata: gone", "", "upstream"},
		"with the secret": {`data: {"error":{"message":"Bad ` + testKey + `"}}`, "", "Bad [redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			last, err := lastOf(t, chatOver(t, scripted(streaming(begun+tt.event+"\n\ndata: [DONE]\n\n"))).Stream(t.Context(), hello()))
			api := apiOf(t, err)
			assert.Equal(t, 200, api.StatusCode)
			assert.Equal(t, tt.code, api.Code)
			assert.Equal(t, tt.message, api.Message)
			assertKind(t, ErrOutcomeUnknown, err)
			oneLine(t, err)
			assert.Equal(t, "Hello, ", last.Completion.Text())

			_, err = lastOf(t, chatOver(t, scripted(streaming(tt.event+"\n\n"))).MessageStream(t.Context(), helloMessage()))
			assert.Equal(t, tt.message, apiOf(t, err).Message)
		})
	}
}

// closes counts how often a body is closed.
type closes struct {
	io.Reader
	n *int
}

func (c closes) Close() error { *c.n++; return nil }

func TestLeavingALoopHangsUp(t *testing.T) {
	for name, leave := range map[string]func(iter.Seq2[*ChatEvent, error]){
		"break": func(events iter.Seq2[*ChatEvent, error]) {
			for _, err := range events {
				assert.NoError(t, err)
				break
			}
		},
		"panic": func(events iter.Seq2[*ChatEvent, error]) {
			assert.Panics(t, func() {
				for _, err := range events {
					panic(err)
				}
			})
		},
		"the end": func(events iter.Seq2[*ChatEvent, error]) { _, _ = lastOf(t, events) },
		"pulled": func(events iter.Seq2[*ChatEvent, error]) {
			next, stop := iter.Pull2(events)
			_, err, ok := next()
			assert.True(t, ok)
			assert.NoError(t, err)
			stop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			body := func(context.Context) io.ReadCloser { return closes{strings.NewReader(chatStream), &n} }
			leave(chatOver(t, scripted(reading(body))).Stream(t.Context(), hello()))
			assert.Equal(t, 1, n)
		})
	}

	t.Run("the server notices", func(t *testing.T) {
		gone := make(chan struct{})
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, strings.Split(chatStream, ": ping")[0])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			close(gone)
		})
		for e, err := range onListener(t, srv.URL).Generation.Chat.Stream(t.Context(), hello()) {
			require.NoError(t, err)
			if e.Delta != "" {
				break
			}
		}
		<-gone
	})
}

func TestAStreamIsPaidOnce(t *testing.T) {
	net := scripted(streaming(chatStream))
	events := chatOver(t, net).Stream(t.Context(), hello())
	assert.Zero(t, net.count(), "nothing is sent before it is ranged over")
	_, err := lastOf(t, events)
	require.NoError(t, err)
	for range 2 {
		last, err := lastOf(t, events)
		assertParam(t, "ChatService.Stream", err)
		assert.Nil(t, last.Completion)
	}
	assert.Equal(t, 1, net.count())

	messages := chatOver(t, scripted(streaming(messageStream))).MessageStream(t.Context(), helloMessage())
	for _, err := range messages {
		require.NoError(t, err)
		break
	}
	_, err = lastOf(t, messages)
	assertParam(t, "ChatService.MessageStream", err)
}

func TestAServerThatDoesNotStreamIsReadAllTheSame(t *testing.T) {
	for _, kind := range []string{"application/json", ""} {
		net := scripted(says(200, chatBody, "Content-Type", kind))
		var events []*ChatEvent
		for e, err := range chatOver(t, net).Stream(t.Context(), hello()) {
			require.NoError(t, err)
			events = append(events, e)
		}
		require.Len(t, events, 2)
		assert.Equal(t, "Hello, world.", events[0].Delta)
		assert.Equal(t, "stop", events[0].FinishReason)
		assert.Equal(t, &ChatEvent{Completion: wholeChat()}, events[1])

		var messages []*MessageEvent
		for e, err := range chatOver(t, scripted(says(200, messageBody, "Content-Type", kind))).MessageStream(t.Context(), helloMessage()) {
			require.NoError(t, err)
			messages = append(messages, e)
		}
		require.Len(t, messages, 2)
		assert.Equal(t, "Hello, world.", messages[0].Delta)
		assert.Equal(t, "end_turn", messages[0].StopReason)
		assert.Equal(t, "Hello, world.", messages[1].Message.Text())
	}

	for body, kind := range map[string]error{
		`{"status":"error","message":"no"}`: ErrGenerationFailed, `{"error":{"message":"no"}}`: ErrGenerationFailed,
		`{}`: ErrOutcomeUnknown, `{"choices":[]}`: ErrOutcomeUnknown, ``: ErrOutcomeUnknown, badGateway: ErrOutcomeUnknown, `[]`: ErrOutcomeUnknown, `{"choices":`: ErrOutcomeUnknown,
	} {
		t.Run(body, func(t *testing.T) {
			last, err := lastOf(t, chatOver(t, scripted(says(200, body))).Stream(t.Context(), hello()))
			assertKind(t, kind, err)
			assert.Nil(t, last.Completion)
			_, err = lastOf(t, chatOver(t, scripted(says(200, body))).MessageStream(t.Context(), helloMessage()))
			assertKind(t, kind, err)
			_, err = chatOver(t, scripted(says(200, body))).Complete(t.Context(), hello())
			assertKind(t, kind, err)
			_, err = chatOver(t, scripted(says(200, body))).Message(t.Context(), helloMessage())
			assertKind(t, kind, err)
		})
	}
}

func TestAStreamIsRefusedAsAnyCallIs(t *testing.T) {
	refusal := func(message, kind, code string) string {
		return `{"error":{"message":"` + message + `","type":"` + kind + `","code":"` + code + `"}}`
	}
	for _, tt := range []struct {
		status  int
		body    string
		kind    error
		code    string
		message string
		n       int
	}{
		{401, refusal("Invalid API key", "authentication_error", "invalid_api_key"), ErrUnauthenticated, "invalid_api_key", "Invalid API key", 1},
		{400, refusal("messages is required", "invalid_request_error", "invalid_parameter"), ErrValidation, "invalid_parameter", "messages is required", 1},
		{400, `{"status":"error","message":"messages is required"}`, ErrValidation, "", "messages is required", 1},
		{402, refusal("Insufficient credits.", "insufficient_credits", "insufficient_credits"), ErrPaymentDeclined, "insufficient_credits", "Insufficient credits.", 1},
		{404, refusal("No such model", "invalid_request_error", "model_not_found"), ErrNotFound, "model_not_found", "No such model", 1},
		{429, refusal("Slow down", "rate_limit_error", "rate_limited"), ErrRateLimited, "rate_limited", "Slow down", 3},
		{500, refusal("Sorry", "server_error", "boom"), ErrOutcomeUnknown, "boom", "Sorry", 1},
		{502, badGateway, ErrOutcomeUnknown, "", "502 Bad Gateway", 1},
		{302, ``, ErrOutcomeUnknown, "", "redirected; API calls follow no redirects, so check the base URL", 1},
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.body), func(t *testing.T) {
			for _, media := range []string{"application/json", "text/event-stream"} {
				check := func(err error, net *script) {
					t.Helper()
					assertKind(t, tt.kind, err)
					api := apiOf(t, err)
					assert.Equal(t, tt.status, api.StatusCode)
					assert.Equal(t, tt.code, api.Code)
					assert.Equal(t, tt.message, api.Message)
					assert.Equal(t, tt.n, net.count())
					oneLine(t, err)
				}
				net := scripted(says(tt.status, tt.body, "Content-Type", media))
				last, err := lastOf(t, chatOver(t, net).Stream(t.Context(), hello()))
				check(err, net)
				assert.Equal(t, &ChatEvent{}, last)
				net = scripted(says(tt.status, tt.body, "Content-Type", media))
				_, err = lastOf(t, chatOver(t, net).MessageStream(t.Context(), helloMessage()))
				check(err, net)
				net = scripted(says(tt.status, tt.body, "Content-Type", media))
				_, err = chatOver(t, net).Complete(t.Context(), hello())
				check(err, net)
			}
		})
	}

	t.Run("and streams after a 429", func(t *testing.T) {
		net := scripted(says(429, `{"status":"error","message":"queue full","retry_after":0}`), streaming(chatStream))
		last, err := lastOf(t, chatOver(t, net).Stream(t.Context(), hello()))
		require.NoError(t, err)
		assert.Equal(t, wholeChat(), last.Completion)
		assert.Equal(t, 2, net.count())
	})

	t.Run("or not sent", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		net := scripted(streaming(chatStream))
		_, err := lastOf(t, chatOver(t, net).Stream(ctx, hello()))
		require.ErrorIs(t, err, context.Canceled)
		assertKind(t, nil, err)
		_, err = lastOf(t, chatOver(t, net).Stream(t.Context(), ChatParams{}))
		assertParam(t, "ChatParams.Model", err)
		_, err = lastOf(t, chatOver(t, net).Stream(t.Context(), hello(), WithBodyField("stream", false)))
		assertParam(t, "WithBodyField stream", err)
		_, err = chatOver(t, net).Complete(t.Context(), hello(), WithBodyField("stream", true))
		assertParam(t, "WithBodyField stream", err)
		_, err = lastOf(t, chatOver(t, net).MessageStream(t.Context(), helloMessage(), WithIdempotencyKey("k")))
		assertParam(t, "WithIdempotencyKey", err)
		c, err := New(WithHTTPClient(&http.Client{Transport: net}))
		require.NoError(t, err)
		_, err = lastOf(t, c.Generation.Chat.Stream(t.Context(), hello()))
		assertKind(t, ErrUnauthenticated, err)
		assert.Zero(t, net.count())
	})
}

// hanging gives a text, and then nothing until its context ends.
type hanging struct {
	io.Reader
	ctx context.Context
}

func (h hanging) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if err != nil {
		<-h.ctx.Done()
		return 0, h.ctx.Err()
	}
	return n, nil
}

func (h hanging) Close() error { return nil }

func hangs(text string) step {
	return reading(func(ctx context.Context) io.ReadCloser { return hanging{strings.NewReader(text), ctx} })
}

func TestAContextThatEndsInTheMiddle(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last *ChatEvent
	var failed error
	for e, err := range chatOver(t, scripted(hangs(strings.Split(chatStream, ": ping")[0]))).Stream(ctx, hello()) {
		if last, failed = e, err; e.Delta != "" {
			cancel()
		}
	}
	assertKind(t, ErrOutcomeUnknown, failed)
	require.ErrorIs(t, failed, context.Canceled)
	assert.Equal(t, "Hello, ", last.Completion.Text())

	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, strings.Split(chatStream, ": ping")[0])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	for e, err := range onListener(t, srv.URL).Generation.Chat.Stream(ctx, hello()) {
		if last, failed = e, err; e.Delta != "" {
			cancel()
		}
	}
	assertKind(t, ErrOutcomeUnknown, failed)
	require.ErrorIs(t, failed, context.Canceled)
	assert.Equal(t, "Hello, ", last.Completion.Text())
}

func TestASilenceEndsAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		last, err := lastOf(t, chatOver(t, scripted(hangs(strings.Split(chatStream, ": ping")[0]))).Stream(t.Context(), hello(), WithRequestTimeout(7*time.Second)))
		assertKind(t, ErrOutcomeUnknown, err)
		require.ErrorContains(t, err, "nothing came for as long as WithRequestTimeout allows")
		assert.Equal(t, "Hello, ", last.Completion.Text())
		assert.Equal(t, 7*time.Second, time.Since(began))
	})
}

func TestACallerMayTakeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := func(ctx context.Context) io.ReadCloser {
			return heeding{iotest.OneByteReader(strings.NewReader(chatStream)), ctx}
		}
		var last *ChatEvent
		for e, err := range chatOver(t, scripted(reading(body))).Stream(t.Context(), hello()) {
			require.NoError(t, err)
			<-time.After(time.Hour) // of the bubble's clock: somebody is asked
			last = e
		}
		assert.Equal(t, wholeChat(), last.Completion)
	})
}

// heeding reads until its context ends, as a connection does.
type heeding struct {
	io.Reader
	ctx context.Context
}

func (h heeding) Read(p []byte) (int, error) {
	if err := h.ctx.Err(); err != nil {
		return 0, err
	}
	return h.Reader.Read(p)
}

func (h heeding) Close() error { return nil }

func TestCompletions(t *testing.T) {
	net := scripted(says(200, chatBody, "X-Request-Id", "req-1"))
	var resp Response
	p := ChatParams{
		Model: "m-1", Messages: []ChatMessage{{Role: RoleSystem, Content: "Be short."}, {Role: RoleUser, Content: "Hello?", Name: "ada"}},
		MaxTokens: 50, Temperature: Ptr(0.0), TopP: Ptr(0.5), TopK: 40, PresencePenalty: Ptr(-2.0), FrequencyPenalty: Ptr(0.0), RepetitionPenalty: 1.1,
		Stop: []string{"\n\n"}, Seed: Ptr(int64(1<<53 + 1)), N: 1, ResponseFormat: ChatResponseFormat{Type: "json_object"},
		Tools:      []ChatTool{{"weather", "The weather in a city.", json.RawMessage(`{"type":"object"}`)}, {Name: "time"}},
		ToolChoice: ChatToolChoice{Function: "weather"}, ParallelToolCalls: Ptr(false),
	}
	c, err := chatOver(t, net).Complete(t.Context(), p, WithResponse(&resp), WithBodyField("stream_options", map[string]any{}))
	require.NoError(t, err)
	assert.Equal(t, wholeChat(), c)
	assert.Equal(t, "Hello, world.", c.Text())
	assert.Empty(t, (&ChatCompletion{}).Text())
	assert.Equal(t, "req-1", resp.RequestID)
	assert.Equal(t, chatBody, string(resp.Raw))
	assert.JSONEq(t, `{"model":"m-1","messages":[{"role":"system","content":"Be short."},{"role":"user","content":"Hello?","name":"ada"}],
		"max_tokens":50,"temperature":0,"top_p":0.5,"top_k":40,"presence_penalty":-2,"frequency_penalty":0,"repetition_penalty":1.1,"stop":["\n\n"],
		"seed":9007199254740993,"n":1,"response_format":{"type":"json_object"},
		"tools":[{"type":"function","function":{"name":"weather","description":"The weather in a city.","parameters":{"type":"object"}}},{"type":"function","function":{"name":"time"}}],
		"tool_choice":{"type":"function","function":{"name":"weather"}},"parallel_tool_calls":false,"stream_options":{}}`, net.requests()[0].Body)
	assert.Contains(t, net.requests()[0].Body, `"seed":9007199254740993`)

	p = hello()
	p.ToolChoice.Mode = ToolChoiceRequired
	_, err = chatOver(t, net).Complete(t.Context(), p)
	require.NoError(t, err)
	assert.JSONEq(t, `{"model":"m-1","messages":[{"role":"user","content":"Hello?"}],"tool_choice":"required"}`, net.requests()[1].Body)
}

func TestCompletionsAreReadWhateverTheyHold(t *testing.T) {
	read := func(body string) (*ChatCompletion, error) {
		return chatOver(t, scripted(says(200, body))).Complete(t.Context(), hello())
	}
	c, err := read(`{"choices":[{"message":{"content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},{"id":"b","function":{"name":"g","arguments":{"y":[2]}}}]},"finish_reason":"tool_calls"}],"usage":null}`)
	require.NoError(t, err)
	assert.Equal(t, ChatMessage{Role: RoleAssistant, ToolCalls: []ChatToolCall{{"a", "f", `{"x":1}`}, {"b", "g", `{"y":[2]}`}}}, c.Choices[0].Message)
	assert.Zero(t, c.Usage)

	c, err = read(`{"id":7,"created":"2026-01-02","model":null,"choices":[{"index":1,"message":{"content":"b"}},null,{"index":0,"message":{"content":"a"},"logprobs":{}}],"error":null,"status":"success"}`)
	require.NoError(t, err)
	assert.Equal(t, "7", c.ID)
	assert.Equal(t, "a", c.Text())
	assert.Len(t, c.Choices, 2)
	assert.Equal(t, 2026, c.Created.Year())

	for body, lacks := range map[string]string{
		`{"id":"a"}`: `the answer lacks "choices"`, `{"choices":null}`: `the answer lacks "choices"`, `{"choices":{}}`: `the answer lacks "choices"`, `{"choices":["a"]}`: `the answer lacks "choices"`,
		`"text"`: "the answer is not JSON", `{"choices":[{]}`: "the answer is not JSON",
	} {
		_, err = read(body)
		assertKind(t, ErrOutcomeUnknown, err)
		require.ErrorContains(t, err, lacks, body)
	}
	for _, body := range []string{`{"error":{"message":"The model is gone.","type":"server_error","code":"gone"}}`, `{"error":{"message":"The model is gone.","type":"gone"},"choices":[]}`, `{"status":"error","code":"gone","message":"The model is gone."}`, `{"status":"failed","error":{"message":"The model is gone.","code":"gone"}}`} {
		_, err = read(body)
		assertKind(t, ErrGenerationFailed, err)
		api := apiOf(t, err)
		assert.Equal(t, "gone", api.Code)
		assert.Equal(t, "The model is gone.", api.Message)
		assert.Equal(t, 200, api.StatusCode)
	}
}

func TestPiecesOfAnswersPrintOneLine(t *testing.T) {
	raw := json.RawMessage(`{"canary":1}`)
	for want, v := range map[string]any{
		"chunk of c-1: 1 choices":           ChatChunk{ID: "c-1", Choices: make([]ChatChunkChoice, 1), Raw: raw},
		"event content_block_delta: Hello,": MessageEvent{Type: "content_block_delta", Delta: "Hello,\n", Raw: raw},
		"block tool_use: weather":           MessageBlock{Type: BlockToolUse, Name: "weather", Raw: raw},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			assert.Equal(t, want, fmt.Sprintf(verb, v))
		}
		assert.Equal(t, want, v.(slog.LogValuer).LogValue().String())
		wire, err := json.Marshal(v)
		require.NoError(t, err)
		assert.NotContains(t, string(wire), "canary")
	}
}

func TestChatValuesSurviveTheirJSON(t *testing.T) {
	for _, v := range []any{
		&ChatMessage{Role: RoleAssistant, ToolCalls: []ChatToolCall{{"a", "f", "{"}}}, &ChatMessage{Role: RoleTool, Content: "x", ToolCallID: "a"},
		&ChatTool{"f", "d", json.RawMessage(`{"type":"object"}`)}, &ChatToolChoice{Mode: "auto"}, &ChatToolChoice{Function: "f"}, wholeChat(),
		&MessageParam{Role: RoleUser, Content: "x"}, &MessageParam{Role: RoleUser, Blocks: []MessageBlock{{Type: BlockToolResult, ToolUseID: "a", Content: "x", IsError: Ptr(false)}}},
		&MessageBlock{Type: BlockToolUse, ID: "a", Name: "f", Input: json.RawMessage(`{"x":1}`)}, &MessageBlock{Type: "thinking", Raw: json.RawMessage(`{"type":"thinking","thinking":"x"}`)},
		wholeMessage(),
	} {
		wire, err := json.Marshal(v)
		require.NoError(t, err)
		again := newOf(v)
		require.NoError(t, json.Unmarshal(wire, again), "%s", wire)
		assert.Equal(t, v, again)
	}
}

func newOf(v any) any {
	switch v.(type) {
	case *ChatMessage:
		return new(ChatMessage)
	case *ChatTool:
		return new(ChatTool)
	case *ChatToolChoice:
		return new(ChatToolChoice)
	case *ChatCompletion:
		return new(ChatCompletion)
	case *MessageParam:
		return new(MessageParam)
	case *MessageBlock:
		return new(MessageBlock)
	default:
		return new(Message)
	}
}

func TestMessages(t *testing.T) {
	net := scripted(says(200, messageBody))
	m, err := chatOver(t, net).Message(t.Context(), MessageParams{
		Model: "m-1", MaxTokens: 50, Messages: []MessageParam{
			{Role: RoleUser, Content: "Hello?"},
			{Role: RoleAssistant, Blocks: []MessageBlock{{Type: "thinking", Raw: json.RawMessage(`{"type":"thinking","thinking":"hm"}`)}, {Type: BlockToolUse, ID: "toolu_1", Name: "time"}}},
			{Role: RoleUser, Blocks: []MessageBlock{{Type: BlockToolResult, ToolUseID: "toolu_1", Content: "noon", IsError: Ptr(false)}, {Type: BlockText, Text: "So?"}}},
		},
		System: "Be short.", Temperature: Ptr(1.0), TopP: Ptr(0.5), TopK: 3, StopSequences: []string{"END"},
		Tools: []MessageTool{{"time", "The time.", json.RawMessage(`{"type":"object"}`)}}, ToolChoice: MessageToolChoice{"tool", "time"},
	})
	require.NoError(t, err)
	assert.Equal(t, "Hello, world.", m.Text())
	assert.Equal(t, &Message{
		ID: "msg_1", Role: RoleAssistant, Model: "m-1", Content: []MessageBlock{{Type: BlockText, Text: "Hello, "}, {Type: BlockText, Text: "world."}},
		StopReason: "end_turn", Usage: MessageUsage{5, 3},
	}, m)
	assert.JSONEq(t, `{"model":"m-1","max_tokens":50,"messages":[
		{"role":"user","content":"Hello?"},
		{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"tool_use","id":"toolu_1","name":"time","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"noon","is_error":false},{"type":"text","text":"So?"}]}],
		"system":"Be short.","temperature":1,"top_p":0.5,"top_k":3,"stop_sequences":["END"],
		"tools":[{"name":"time","description":"The time.","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"time"}}`, net.requests()[0].Body)

	read := func(body string) (*Message, error) {
		return chatOver(t, scripted(says(200, body))).Message(t.Context(), helloMessage())
	}
	m, err = read(`{"content":"Hi.","stop_reason":"stop_sequence","stop_sequence":"END"}`)
	require.NoError(t, err)
	assert.Equal(t, "Hi.", m.Text())
	assert.Equal(t, "END", m.StopSequence)
	m, err = read(`{"content":[{"type":"thinking","thinking":"x"},{"type":"tool_use","id":"a","name":"f","input":{"n":1}}],"stop_reason":"tool_use"}`)
	require.NoError(t, err)
	assert.Equal(t, []MessageBlock{{Type: "thinking", Raw: json.RawMessage(`{"type":"thinking","thinking":"x"}`)}, {Type: BlockToolUse, ID: "a", Name: "f", Input: json.RawMessage(`{"n":1}`)}}, m.Content)
	m, err = read(`{"content":[],"stop_reason":"end_turn"}`)
	require.NoError(t, err)
	assert.Empty(t, m.Text())
	_, err = read(`{"id":"msg_1","content":null}`)
	assertKind(t, ErrOutcomeUnknown, err)
	require.ErrorContains(t, err, `the answer lacks "content"`)
	_, err = read(`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`)
	assertKind(t, ErrGenerationFailed, err)
	assert.Equal(t, "overloaded_error", apiOf(t, err).Code)
}

func TestConversationsThatCannotBeRight(t *testing.T) {
	chat := func(change func(*ChatParams)) error {
		p := hello()
		change(&p)
		_, err := chatOver(t, scripted(says(200, chatBody))).Complete(t.Context(), p)
		return err
	}
	for param, change := range map[string]func(*ChatParams){
		"ChatParams.Model": func(p *ChatParams) { p.Model = " " }, "ChatParams.Messages": func(p *ChatParams) { p.Messages = nil },
		"ChatParams.Messages[0].Role":       func(p *ChatParams) { p.Messages[0].Role = "" },
		"ChatParams.Messages[1].ToolCallID": func(p *ChatParams) { p.Messages = append(p.Messages, ChatMessage{Role: RoleTool}) },
		"ChatParams.MaxTokens":              func(p *ChatParams) { p.MaxTokens = -1 }, "ChatParams.Temperature": func(p *ChatParams) { p.Temperature = Ptr(2.1) },
		"ChatParams.TopP": func(p *ChatParams) { p.TopP = Ptr(-0.1) }, "ChatParams.TopK": func(p *ChatParams) { p.TopK = -5 },
		"ChatParams.PresencePenalty": func(p *ChatParams) { p.PresencePenalty = Ptr(-2.5) }, "ChatParams.FrequencyPenalty": func(p *ChatParams) { p.FrequencyPenalty = Ptr(3.0) },
		"ChatParams.RepetitionPenalty": func(p *ChatParams) { p.RepetitionPenalty = 0.05 }, "ChatParams.Stop": func(p *ChatParams) { p.Stop = []string{"a", "b", "c", "d", "e"} },
		"ChatParams.N": func(p *ChatParams) { p.N = 11 }, "ChatParams.Tools[0].Name": func(p *ChatParams) { p.Tools = []ChatTool{{}} },
		"ChatParams.Tools[0].Parameters": func(p *ChatParams) { p.Tools = []ChatTool{{Name: "f", Parameters: json.RawMessage(`[]`)}} },
		"ChatParams.ToolChoice":          func(p *ChatParams) { p.ToolChoice = ChatToolChoice{Mode: ToolChoiceAuto, Function: "f"} },
	} {
		assertParam(t, param, chat(change))
	}

	message := func(change func(*MessageParams)) error {
		p := helloMessage()
		change(&p)
		_, err := chatOver(t, scripted(says(200, messageBody))).Message(t.Context(), p)
		return err
	}
	for param, change := range map[string]func(*MessageParams){
		"MessageParams.Model": func(p *MessageParams) { p.Model = "" }, "MessageParams.MaxTokens": func(p *MessageParams) { p.MaxTokens = 0 },
		"MessageParams.Messages": func(p *MessageParams) { p.Messages = nil }, "MessageParams.Messages[0].Role": func(p *MessageParams) { p.Messages[0].Role = "" },
		"MessageParams.Messages[0]":                func(p *MessageParams) { p.Messages[0].Blocks = []MessageBlock{{Type: BlockText, Text: "x"}} },
		"MessageParams.Messages[0].Blocks[0].Type": func(p *MessageParams) { p.Messages[0] = MessageParam{Role: RoleUser, Blocks: []MessageBlock{{}}} },
		"MessageParams.Messages[0].Blocks[0].ToolUseID": func(p *MessageParams) {
			p.Messages[0] = MessageParam{Role: RoleUser, Blocks: []MessageBlock{{Type: BlockToolResult}}}
		},
		"MessageParams.Temperature": func(p *MessageParams) { p.Temperature = Ptr(1.5) }, "MessageParams.TopP": func(p *MessageParams) { p.TopP = Ptr(1.1) },
		"MessageParams.TopK": func(p *MessageParams) { p.TopK = -1 }, "MessageParams.Tools[0].Name": func(p *MessageParams) { p.Tools = []MessageTool{{}} },
		"MessageParams.Tools[0].InputSchema": func(p *MessageParams) { p.Tools = []MessageTool{{Name: "f"}} },
		"MessageParams.ToolChoice.Type":      func(p *MessageParams) { p.ToolChoice = MessageToolChoice{"auto", "f"} }, "MessageParams.ToolChoice.Name": func(p *MessageParams) { p.ToolChoice = MessageToolChoice{Type: "tool"} },
	} {
		assertParam(t, param, message(change))
	}
	_, err := chatOver(t, scripted(says(200, `{"input_tokens":5}`))).CountTokens(t.Context(), CountTokensParams{Model: "m-1", Messages: []MessageParam{{Content: "x"}}})
	assertParam(t, "CountTokensParams.Messages[0].Role", err)
}

func TestTokensAreCounted(t *testing.T) {
	count := func(steps ...step) (int, error) {
		return chatOver(t, scripted(steps...)).CountTokens(t.Context(), CountTokensParams{Model: "m-1", Messages: helloMessage().Messages, System: "Be short."})
	}
	net := scripted(says(500, ``), says(200, `{"input_tokens":15}`))
	n, err := chatOver(t, net).CountTokens(t.Context(), CountTokensParams{Model: "m-1", Messages: helloMessage().Messages, System: "Be short."})
	require.NoError(t, err)
	assert.Equal(t, 15, n)
	require.Equal(t, 2, net.count(), "counting costs nothing, and is repeated")
	assert.Equal(t, "/api/v7/llm/v1/messages/count_tokens", net.requests()[0].Path)
	assert.JSONEq(t, `{"model":"m-1","messages":[{"role":"user","content":"Hello?"}],"system":"Be short."}`, net.requests()[0].Body)

	n, err = count(says(200, `{"input_tokens":0}`))
	require.NoError(t, err)
	assert.Zero(t, n)
	for _, body := range []string{`{}`, `{"input_tokens":null}`, `{"input_tokens":-1}`, `{"input_tokens":"many"}`, `{"status":"error","message":"no"}`, `[]`} {
		_, err = count(says(200, body))
		assertKind(t, ErrServer, err)
	}
}

func TestLanguageModelsAreListed(t *testing.T) {
	list := func(body string) ([]ChatModel, error) {
		return chatOver(t, scripted(says(200, body)), hasty(1)).Models(t.Context())
	}
	net := scripted(says(200, `{"object":"list","data":[{"id":"Qwen/Qwen2.5-VL-72B","object":"model","created":1767322245,"owned_by":"qwen"},{"id":"m-2"}]}`))
	models, err := chatOver(t, net).Models(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []ChatModel{{"Qwen/Qwen2.5-VL-72B", "model", Timestamp{time.Unix(1767322245, 0).UTC()}, "qwen"}, {ID: "m-2"}}, models)
	assert.Equal(t, "/api/v7/llm/v1/models", net.requests()[0].Path)
	assert.Empty(t, net.requests()[0].Query)
	assert.Equal(t, "Bearer "+testKey, net.requests()[0].Header.Get("Authorization"))

	models, err = list(`[{"id":"m-1"}]`)
	require.NoError(t, err)
	assert.Equal(t, []ChatModel{{ID: "m-1"}}, models)
	models, err = list(`{"object":"list","data":[]}`)
	require.NoError(t, err)
	assert.Empty(t, models)
	for _, body := range []string{`{"object":"list"}`, `{"status":"error","message":"no"}`, `{"error":{"message":"no"}}`, `{"data":[{"object":"model"}]}`, `{"data":[`, ``} {
		_, err = list(body)
		assertKind(t, ErrServer, err)
	}
	_, err = list(`{"error":{"message":"The models are away."}}`)
	assert.Equal(t, "The models are away.", apiOf(t, err).Message)
}

func TestForeignSDKsSendBelowTheLanguageModelsOnly(t *testing.T) {
	net := scripted(says(200, chatBody))
	hc := chatOver(t, net).HTTPClient()
	for _, target := range []string{
		"https://api.openai.com/api/v7/llm/chat/completions", "http://modelslab.com/api/v7/llm/chat/completions", "https://modelslab.com:8443/api/v7/llm/chat/completions",
		"https://modelslab.com.evil.example/api/v7/llm/chat/completions", "https://user:pass-canary@modelslab.com/api/v7/llm/chat/completions",
		"https://modelslab.com/api/v7/llm", "https://modelslab.com/api/v7/llm/", "https://modelslab.com/api/v7/llmx/chat", "https://modelslab.com/api/v6/images/text2img", "https://modelslab.com/",
		"https://modelslab.com/api/v7/llm/../../agents/v1/wallet/balance", "https://modelslab.com/api/v7/llm/%2e%2e/%2e%2e/agents/v1/wallet/balance", "https://modelslab.com/api/v7/llm/%2e%2e%2f%2e%2e%2fagents/v1",
		"https://modelslab.com/api/v7/llm/%252e%252e/x", "https://modelslab.com/api/v7/llm//chat", "https://modelslab.com/api/v7/llm/..%5cx", "https://modelslab.com/api/v7/llm/chat/",
	} {
		closed := 0
		req, err := http.NewRequestWithContext(t.Context(), post, target, closes{strings.NewReader("{}"), &closed})
		require.NoError(t, err)
		_, err = hc.Do(req)
		require.Error(t, err, target)
		assertParam(t, "url", err)
		assert.NotContains(t, err.Error(), "pass-canary")
		assert.Equal(t, 1, closed, "a transport closes the body")
	}
	opaque := &http.Request{Method: get, URL: &url.URL{Scheme: "https", Host: "modelslab.com", Path: "/api/v7/llm/x", Opaque: "//evil.example/"}, Header: http.Header{}}
	_, err := hc.Transport.RoundTrip(opaque.WithContext(t.Context()))
	assertParam(t, "url", err)
	assert.Zero(t, net.count())
}

func TestForeignSDKsSendWithTheKeyOfTheClient(t *testing.T) {
	var logged bytes.Buffer
	var host string
	var again bool
	net := scripted(func(req *http.Request) (*http.Response, error) {
		host, again = req.Host, req.GetBody != nil
		return says(200, chatBody, "Set-Cookie", "a=b")(req)
	})
	hc := chatOver(t, net, WithUserAgent("agent-7"), WithLogger(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))).HTTPClient()
	req, err := http.NewRequestWithContext(t.Context(), post, "https://modelslab.com/api/v7/llm/v1/messages?beta=true", strings.NewReader("{}"))
	require.NoError(t, err)
	for name, v := range map[string]string{
		"Authorization": "Bearer sk-foreign-canary", "X-Api-Key": "sk-foreign-canary", "Key": "x", "Cookie": "c=d", "Openai-Organization": "org-canary", "Openai-Project": "proj-canary",
		"User-Agent": "OpenAI/Go 3.0", "Anthropic-Version": "2023-06-01", "Content-Type": "application/json",
	} {
		req.Header.Set(name, v)
	}
	req.Host = "evil.example"
	before := req.Header.Clone()
	resp, err := hc.Do(req)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, chatBody, string(body))
	assert.Empty(t, resp.Header["Set-Cookie"])
	assert.Equal(t, before, req.Header, "the request itself is not changed")
	assert.Equal(t, "modelslab.com", host)
	assert.False(t, again, "net/http cannot send the body again")
	assert.Equal(t, []sentRequest{{post, messagePath, "beta=true", http.Header{
		"Authorization": {"Bearer " + testKey}, "User-Agent": {"agent-7 modelslab-agents-go/" + Version + " OpenAI/Go 3.0"},
		"Anthropic-Version": {"2023-06-01"}, "Content-Type": {"application/json"},
	}, "{}"}}, net.requests())
	assert.Contains(t, logged.String(), "chat.messages")
	assert.NotContains(t, logged.String(), "canary")

	// A path that the table does not have, and an id with a slash.
	for _, target := range []string{"https://modelslab.com/api/v7/llm/models", "https://modelslab.com/api/v7/llm/v1/models/Qwen%2FQwen2.5-VL-72B"} {
		req, err = http.NewRequestWithContext(t.Context(), get, target, nil)
		require.NoError(t, err)
		resp, err = hc.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}

	c, err := New(WithHTTPClient(&http.Client{Transport: net}))
	require.NoError(t, err)
	_, err = c.Generation.Chat.HTTPClient().Do(req)
	require.ErrorIs(t, err, ErrUnauthenticated)
	_, err = c.WithSession(nil).Generation.Chat.HTTPClient().Do(req)
	require.ErrorIs(t, err, ErrValidation)
	assert.Equal(t, 3, net.count())
}

func TestForeignSDKsFollowNoRedirectsAndRepeatNothing(t *testing.T) {
	for status, header := range map[int][]string{302: {"Location", "https://evil.example/"}, 307: {"Location", "/api/v7/llm/v1/messages"}, 429: nil, 500: nil} {
		net := scripted(says(status, `{}`, header...))
		resp, err := chatOver(t, net).HTTPClient().Post("https://modelslab.com"+chatPath, "application/json", strings.NewReader("{}"))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, status, resp.StatusCode)
		assert.Equal(t, 1, net.count())
	}
	broke := errors.New("broke")
	net := scripted(breaks(broke))
	_, err := chatOver(t, net).HTTPClient().Post("https://modelslab.com"+chatPath, "application/json", strings.NewReader("{}"))
	require.ErrorIs(t, err, broke)
	assert.Equal(t, 1, net.count())
}

func TestForeignSDKsAskTheLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := scripted(says(429, `{}`, "X-RateLimit-Remaining", "0", "Retry-After", "5"), says(200, chatBody, "X-RateLimit-Remaining", "9"))
		c := stubbed(t, net)
		ask := func(c *Client) (*http.Response, error) {
			return c.Generation.Chat.HTTPClient().Post("https://modelslab.com"+chatPath, "application/json", strings.NewReader("{}"))
		}
		began := time.Now()
		resp, err := ask(c)
		require.NoError(t, err)
		assert.Equal(t, 429, resp.StatusCode)
		assert.Zero(t, time.Since(began), "its own 429 is for the SDK")
		assert.Zero(t, c.RateLimit(LimiterGeneration).Remaining)

		hurried, err := c.With(WithRateLimitPolicy(RateLimitPolicy{RateLimitRefuse}))
		require.NoError(t, err)
		_, err = ask(hurried)
		limited, ok := as[*RateLimitError](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, 5*time.Second, limited.RetryAfter)
		assert.Equal(t, 1, net.count())

		resp, err = ask(c)
		require.NoError(t, err)
		assert.Equal(t, 200, resp.StatusCode)
		assert.Equal(t, 5*time.Second, time.Since(began), "the next one waits")
		assert.Equal(t, 9, c.RateLimit(LimiterGeneration).Remaining)

		// A full queue of jobs says nothing of a limiter.
		net.steps = append(net.steps, says(429, `{}`), says(200, chatBody))
		_, err = ask(c)
		require.NoError(t, err)
		_, err = ask(c)
		require.NoError(t, err)
		assert.Equal(t, 5*time.Second, time.Since(began))
	})
}

func TestForeignSDKsStream(t *testing.T) {
	srv := serve(t, answers(200, chatStream, "Content-Type", "text/event-stream"))
	resp, err := onListener(t, srv.URL).Generation.Chat.HTTPClient().Post(srv.URL+chatPath, "application/json", strings.NewReader(`{"stream":true}`))
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, chatStream, string(body))
	assert.JSONEq(t, `{"stream":true}`, srv.requests()[0].Body)
}
