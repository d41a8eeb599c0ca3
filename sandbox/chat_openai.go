package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// completeChat answers in the shape of OpenAI's chat completions.
func (s *Server) completeChat(c *call) answer {
	a, refusal, refused := s.chatHolder(c)
	if refused {
		return refusal
	}
	t, err := c.completion()
	if err != nil {
		return badChat(err)
	}
	id := "chat-" + s.randomText(12)
	if refusal, refused := s.payForChat(c, a, id, t.model); refused {
		return refusal
	}
	if t.stream {
		return s.streamed(s.completionEvents(c, t, id), event("", chatErrorBody("server_error", "stream_error", "The model stopped in the middle of its answer.")))
	}
	choices, written := make([]object, t.choices), 0
	for i := range choices {
		message, ended, n := s.completionMessage(t)
		choices[i] = object{"index": i, "message": message, "finish_reason": ended}
		written += n
	}
	return bare(http.StatusOK, object{
		"id": id, "object": "chat.completion", "created": c.now.Unix(), "model": t.model,
		"choices": choices, "usage": t.spent(written),
	})
}

func (t turn) spent(written int) object {
	return object{"prompt_tokens": t.count, "completion_tokens": written, "total_tokens": t.count + written}
}

func (s *Server) completionMessage(t turn) (message object, ended string, written int) {
	if t.call != nil {
		arguments := t.arguments()
		return object{"role": "assistant", "content": nil, "tool_calls": []object{{
			"id": "call_" + s.randomText(12), "type": "function",
			"function": object{"name": t.call.name, "arguments": arguments},
		}}}, "tool_calls", tokens(arguments)
	}
	text, ended, _ := t.reply()
	return object{"role": "assistant", "content": text}, ended, tokens(text)
}

// completionEvents are the chunks: the role first, then the text by words or the
// arguments by fragments, then why it ended.
func (s *Server) completionEvents(c *call, t turn, id string) []string {
	chunk := func(choices []object, usage any) string {
		body := object{"id": id, "object": "chat.completion.chunk", "created": c.now.Unix(), "model": t.model, "choices": choices}
		if usage != nil {
			body["usage"] = usage
		}
		return event("", body)
	}
	var events []string
	written := 0
	for i := range t.choices {
		piece := func(delta object, ended any) {
			events = append(events, chunk([]object{{"index": i, "delta": delta, "finish_reason": ended}}, nil))
		}
		message, ended, n := s.completionMessage(t)
		written += n
		if calls, isCall := message["tool_calls"].([]object); isCall {
			function := calls[0]["function"].(object)
			piece(object{"role": "assistant", "content": nil, "tool_calls": []object{{
				"index": 0, "id": calls[0]["id"], "type": "function",
				"function": object{"name": function["name"], "arguments": ""},
			}}}, nil)
			for _, f := range fragments(function["arguments"].(string)) {
				piece(object{"tool_calls": []object{{"index": 0, "function": object{"arguments": f}}}}, nil)
			}
		} else {
			piece(object{"role": "assistant", "content": ""}, nil)
			for _, word := range pieces(message["content"].(string)) {
				piece(object{"content": word}, nil)
			}
		}
		piece(object{}, ended)
	}
	if t.usage {
		events = append(events, chunk([]object{}, t.spent(written)))
	}
	return append(events, "data: [DONE]\n\n")
}

// fragments cuts JSON where a reader least likes it: anywhere, though never inside a
// character.
func fragments(text string) []string {
	const size = 7
	var list []string
	runes := []rune(text)
	for len(runes) > 0 {
		n := min(size, len(runes))
		list, runes = append(list, string(runes[:n])), runes[n:]
	}
	return list
}

// completion reads a request for a chat completion. What the model is called has a second
// name, as has the flag that asks for a stream.
func (c *call) completion() (turn, error) {
	t, messages, err := c.conversation([]string{"system", "user", "assistant", "tool"}, 2)
	if err != nil {
		return t, err
	}
	if t.model == "" {
		t.model = c.text("model_id")
	}
	if t.model == "" {
		return t, errors.New("model is required")
	}
	if !t.stream {
		if t.stream, err = c.flag("streaming"); err != nil {
			return t, err
		}
	}
	choices, err := c.whole("n", 1, 1, 10)
	if err != nil {
		return t, err
	}
	t.choices = int(choices)
	if t.stops, err = c.stopWords("stop", 4); err != nil {
		return t, err
	}
	if _, err := c.flag("parallel_tool_calls"); err != nil {
		return t, err
	}
	all := ""
	for i, m := range messages {
		text, isText := chatText(m["content"])
		_, calls := m["tool_calls"].([]any)
		if !isText && (m["content"] != nil || !calls) {
			return t, fmt.Errorf("messages.%d.content must be a string", i)
		}
		if id, _ := m["tool_call_id"].(string); m["role"] == "tool" && id == "" {
			return t, fmt.Errorf("messages.%d.tool_call_id is required", i)
		}
		t.count += tokens(text)
		all += "\n" + text
		if m["role"] == "user" || m["role"] == "tool" {
			t.said, t.byTool = text, m["role"] == "tool"
		}
	}
	if format, _ := c.fields["response_format"].(object); format["type"] == "json_object" {
		// The documentation wants the prompt to say so too.
		if t.asJSON = strings.Contains(strings.ToLower(all), "json"); !t.asJSON {
			return t, errors.New("messages must ask for JSON when response_format is json_object")
		}
	}
	options, _ := c.fields["stream_options"].(object)
	t.usage, _ = options["include_usage"].(bool)
	return t, c.functionChoice(&t)
}

func (c *call) functionChoice(t *turn) error {
	var tools []chatTool
	list, isList := c.fields["tools"].([]any)
	if c.has("tools") && !isList {
		return errors.New("tools must be an array")
	}
	for i := range list {
		tool, _ := list[i].(object)
		function, _ := tool["function"].(object)
		name, _ := function["name"].(string)
		if tool["type"] != "function" || name == "" {
			return fmt.Errorf("tools.%d must be a function with a name", i)
		}
		schema, _ := function["parameters"].(object)
		tools = append(tools, chatTool{name, schema})
	}
	switch choice := c.fields["tool_choice"].(type) {
	case nil:
		return t.choose(tools, false, "")
	case string:
		switch choice {
		case "none":
			return nil
		case "auto", "required":
			return t.choose(tools, choice == "required", "")
		}
	case object:
		function, _ := choice["function"].(object)
		if name, _ := function["name"].(string); choice["type"] == "function" && name != "" {
			return t.choose(tools, false, name)
		}
	}
	return errors.New("tool_choice must be auto, none, required or a named function")
}
