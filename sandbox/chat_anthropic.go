package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
)

// createMessage answers in the shape of Anthropic's messages.
func (s *Server) createMessage(c *call) answer {
	a, refusal, refused := s.chatHolder(c)
	if refused {
		return refusal
	}
	t, err := c.message()
	if err != nil {
		return badChat(err)
	}
	id := "msg_" + s.randomText(12)
	if refusal, refused := s.payForChat(c, a, id, t.model); refused {
		return refusal
	}
	block, reason, stop, written := s.messageBlock(t)
	message := object{
		"id": id, "type": "message", "role": "assistant", "model": t.model,
		"content": []object{block}, "stop_reason": reason, "stop_sequence": textOrNull(stop),
		"usage": object{"input_tokens": t.count, "output_tokens": written},
	}
	if !t.stream {
		return bare(http.StatusOK, message)
	}
	failure := chatErrorBody("overloaded_error", "stream_error", "The model stopped in the middle of its answer.")
	failure["type"] = "error"
	return s.streamed(messageEvents(message, block), event("error", failure))
}

func (s *Server) messageBlock(t turn) (block object, reason, stop string, written int) {
	if t.call != nil {
		input := t.arguments()
		return object{
			"type": "tool_use", "id": "toolu_" + s.randomText(12), "name": t.call.name, "input": json.RawMessage(input),
		}, "tool_use", "", tokens(input)
	}
	text, ended, stop := t.reply()
	reason = "end_turn"
	switch {
	case ended == "length":
		reason = "max_tokens"
	case stop != "":
		reason = "stop_sequence"
	}
	return object{"type": "text", "text": text}, reason, stop, tokens(text)
}

// messageEvents are a message in Anthropic's events. The vendor does not name its own.
func messageEvents(message, block object) []string {
	var events []string
	send := func(kind string, data object) {
		data["type"] = kind
		events = append(events, event(kind, data))
	}
	usage := message["usage"].(object)
	start := object{}
	for name, value := range message {
		start[name] = value
	}
	start["content"], start["stop_reason"], start["stop_sequence"] = []object{}, nil, nil
	start["usage"] = object{"input_tokens": usage["input_tokens"], "output_tokens": 1}
	send("message_start", object{"message": start})

	empty, deltas := object{"type": "text", "text": ""}, []object{}
	if block["type"] == "tool_use" {
		empty = object{"type": "tool_use", "id": block["id"], "name": block["name"], "input": object{}}
		for _, f := range fragments(string(block["input"].(json.RawMessage))) {
			deltas = append(deltas, object{"type": "input_json_delta", "partial_json": f})
		}
	} else {
		for _, word := range pieces(block["text"].(string)) {
			deltas = append(deltas, object{"type": "text_delta", "text": word})
		}
	}
	send("content_block_start", object{"index": 0, "content_block": empty})
	send("ping", object{})
	for _, delta := range deltas {
		send("content_block_delta", object{"index": 0, "delta": delta})
	}
	send("content_block_stop", object{"index": 0})
	send("message_delta", object{
		"delta": object{"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]},
		"usage": object{"output_tokens": usage["output_tokens"]},
	})
	send("message_stop", object{})
	return events
}

// message reads a request for a message.
func (c *call) message() (turn, error) {
	t, err := c.counted()
	if err != nil {
		return t, err
	}
	if !c.has("max_tokens") {
		return t, errors.New("max_tokens is required")
	}
	if t.stops, err = c.stopWords("stop_sequences", math.MaxInt); err != nil {
		return t, err
	}
	return t, c.toolChoice(&t)
}

// counted reads what counting the tokens needs: the model, the messages and the system
// prompt.
func (c *call) counted() (turn, error) {
	t, messages, err := c.conversation([]string{"user", "assistant"}, 1)
	if err != nil {
		return t, err
	}
	if t.model == "" {
		return t, errors.New("model is required")
	}
	if c.has("system") {
		system, isText := chatText(c.fields["system"])
		if !isText {
			return t, errors.New("system must be a string")
		}
		t.count += tokens(system)
	}
	for i, m := range messages {
		text, isText := chatText(m["content"])
		if !isText {
			return t, fmt.Errorf("messages.%d.content must be a string or an array of blocks", i)
		}
		t.count += tokens(text)
		if m["role"] == "user" {
			t.said, t.byTool = text, hasToolResult(m["content"])
		}
	}
	return t, nil
}

func hasToolResult(content any) bool {
	blocks, _ := content.([]any)
	for _, item := range blocks {
		if block, _ := item.(object); block["type"] == "tool_result" {
			return true
		}
	}
	return false
}

func (c *call) toolChoice(t *turn) error {
	var tools []chatTool
	list, isList := c.fields["tools"].([]any)
	if c.has("tools") && !isList {
		return errors.New("tools must be an array")
	}
	for i := range list {
		tool, _ := list[i].(object)
		name, _ := tool["name"].(string)
		schema, hasSchema := tool["input_schema"].(object)
		if name == "" || !hasSchema {
			return fmt.Errorf("tools.%d needs a name and an input_schema", i)
		}
		tools = append(tools, chatTool{name, schema})
	}
	choice, isObject := c.fields["tool_choice"].(object)
	if c.has("tool_choice") && !isObject {
		return errors.New("tool_choice must be an object")
	}
	name, _ := choice["name"].(string)
	switch kind, _ := choice["type"].(string); {
	case !isObject, kind == "auto":
		return t.choose(tools, false, "")
	case kind == "any":
		return t.choose(tools, true, "")
	case kind == "tool" && name != "":
		return t.choose(tools, false, name)
	case kind == "none":
		return nil
	}
	return errors.New("tool_choice must be of type auto, any or tool, the last with a name")
}

func (s *Server) countTokens(c *call) answer {
	if _, refusal, refused := s.chatHolder(c); refused {
		return refusal
	}
	t, err := c.counted()
	if err != nil {
		return badChat(err)
	}
	return bare(http.StatusOK, object{"input_tokens": t.count})
}
