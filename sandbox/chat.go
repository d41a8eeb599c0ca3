package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// chatError is the shape in which the language models refuse.
func chatError(status int, kind, code, format string, args ...any) answer {
	return bare(status, chatErrorBody(kind, code, fmt.Sprintf(format, args...)))
}

func chatErrorBody(kind, code, message string) object {
	return object{"error": object{"message": message, "type": kind, "code": code}}
}

func badChat(err error) answer {
	return chatError(http.StatusBadRequest, "invalid_request_error", "invalid_parameter", "%s", err.Error())
}

// chatHolder finds the account of the API key in the headers. Only the paths below /v1
// know X-Api-Key.
func (s *Server) chatHolder(c *call) (*account, answer, bool) {
	key, _ := strings.CutPrefix(c.http.Header.Get("Authorization"), "Bearer ")
	if own := c.http.Header.Get("X-Api-Key"); key == "" && strings.HasPrefix(c.http.URL.Path, llmBase+"/v1/") {
		key = own
	}
	if key == "" {
		return nil, chatError(http.StatusUnauthorized, "authentication_error", "missing_api_key", "API key required"), true
	}
	if a := s.apiKeys[key]; a != nil {
		return a, answer{}, false
	}
	return nil, chatError(http.StatusUnauthorized, "authentication_error", "invalid_api_key", "Invalid API key"), true
}

// chatPrice is what an answer costs, in cents, unless [WithPrice] says another.
const chatPrice = 1

// payForChat takes the price, or refuses.
func (s *Server) payForChat(c *call, a *account, id, model string) (answer, bool) {
	cost, set := s.prices[c.route.name]
	if !set {
		cost = chatPrice
	}
	if a.subscribed() {
		cost = 0
	}
	if a.wallet.balance < cost {
		return chatError(http.StatusPaymentRequired, "insufficient_credits", "insufficient_credits",
			"Insufficient credits. Fund your wallet or subscribe to a plan."), true
	}
	if cost > 0 {
		s.debit(a, cost, movement{source: "api", id: id, usecase: "llm_chat", description: model})
	}
	s.record(c, a, "llm_chat", cost)
	return answer{}, false
}

// record enters a call that is no job into the usage, under the number that it returns.
func (s *Server) record(c *call, a *account, kind string, cents int64) int64 {
	u := Usage{Type: kind, Endpoint: c.route.path, Status: usageSuccess, Cents: cents, Time: c.now}
	id := s.nextID("generation", 10_000_001)
	a.usage = append(a.usage, usageRecord{Usage: u, id: id})
	return id
}

// chatTool is a function that the model may call.
type chatTool struct {
	name   string
	schema object // JSON Schema of its arguments
}

// turn is what a conversation asks for, in the words of neither of the two shapes.
type turn struct {
	model   string
	said    string // the last message
	byTool  bool   // which is the result of a tool
	asJSON  bool
	most    int // tokens
	stops   []string
	stream  bool
	call    *chatTool // the answer shall call it
	count   int       // tokens that were sent
	choices int
	usage   bool // the stream shall tell the usage
}

// tokens counts words: enough to have numbers that follow from the text.
func tokens(text string) int { return len(strings.Fields(text)) }

// reply says what was said last, in a few words. It ends at a stop sequence or where the
// tokens end.
func (t turn) reply() (text, ended, stop string) {
	words := strings.Fields(t.said)
	const few = 12
	quoted := strings.Join(words[:min(few, len(words))], " ")
	if len(words) > few {
		quoted += " …"
	}
	text = "You said: " + quoted
	if t.byTool {
		text = "The tool said: " + quoted
	}
	if t.asJSON {
		b, _ := json.Marshal(map[string]string{"you_said": quoted}) // strings always encode
		text = string(b)
	}
	ended = "stop"
	for _, s := range t.stops {
		if before, _, found := strings.Cut(text, s); found && s != "" {
			text, stop = before, s
		}
	}
	if pieces := pieces(text); len(pieces) > t.most {
		text, ended, stop = strings.Join(pieces[:t.most], ""), "length", ""
	}
	return text, ended, stop
}

// pieces cuts a text into words, each with the space before it.
func pieces(text string) []string {
	var list []string
	for {
		end := strings.IndexByte(text[min(1, len(text)):], ' ')
		if end < 0 {
			break
		}
		list, text = append(list, text[:end+1]), text[end+1:]
	}
	if text != "" {
		list = append(list, text)
	}
	return list
}

// arguments makes up what the tool is called with: what was said for each text, and
// otherwise the plainest value that the schema allows.
func (t turn) arguments() string {
	names, _ := t.call.schema["required"].([]any)
	properties, _ := t.call.schema["properties"].(object)
	values := object{}
	for _, n := range names {
		name, _ := n.(string)
		property, _ := properties[name].(object)
		values[name] = t.argument(property)
	}
	b, err := json.Marshal(values)
	if err != nil {
		panic(fmt.Sprintf("sandbox: arguments do not encode: %v", err))
	}
	return string(b)
}

func (t turn) argument(schema object) any {
	if enum, _ := schema["enum"].([]any); len(enum) > 0 {
		return enum[0]
	}
	switch schema["type"] {
	case "integer", "number":
		if least := schema["minimum"]; least != nil {
			return least
		}
		return 1
	case "boolean":
		return true
	case "array":
		return []any{}
	case "object":
		return object{}
	}
	return t.said
}

// choose decides which tool the answer calls: the one that was asked for, the first where
// one is required, and with a free choice the one whose name was spoken. After a tool's
// result a free choice is text.
func (t *turn) choose(tools []chatTool, required bool, named string) error {
	if named != "" {
		i := slices.IndexFunc(tools, func(tool chatTool) bool { return tool.name == named })
		if i < 0 {
			return fmt.Errorf("tool_choice names %q, which is not among the tools", named)
		}
		t.call = &tools[i]
		return nil
	}
	for i := range tools {
		if required || !t.byTool && strings.Contains(t.said, tools[i].name) {
			t.call = &tools[i]
			return nil
		}
	}
	if required {
		return errors.New("tool_choice requires tools")
	}
	return nil
}

// real reads an optional number within bounds. The language models take no number in
// quotes.
func (c *call) real(name string, least, most float64) error {
	if !c.has(name) {
		return nil
	}
	n, isNumber := c.fields[name].(json.Number)
	f, err := strconv.ParseFloat(n.String(), 64)
	if !isNumber || err != nil || f < least || f > most {
		return fmt.Errorf("%s must be between %v and %v", name, least, most)
	}
	return nil
}

// whole is real for integers, and returns the usual value where there is none.
func (c *call) whole(name string, usual, least, most int64) (int64, error) {
	if !c.has(name) {
		return usual, nil
	}
	n, isNumber := c.fields[name].(json.Number)
	i, err := n.Int64()
	if !isNumber || err != nil || i < least || i > most {
		if most == math.MaxInt64 {
			return 0, fmt.Errorf("%s must be an integer of at least %d", name, least)
		}
		return 0, fmt.Errorf("%s must be an integer between %d and %d", name, least, most)
	}
	return i, nil
}

// flag reads an optional boolean.
func (c *call) flag(name string) (bool, error) {
	b, isBool := c.fields[name].(bool)
	if c.has(name) && !isBool {
		return false, fmt.Errorf("%s must be a boolean", name)
	}
	return b, nil
}

// conversation reads what both shapes have in common: messages, and the numbers.
func (c *call) conversation(roles []string, hottest float64) (turn, []object, error) {
	t := turn{model: c.text("model"), choices: 1}
	if c.malformed {
		return t, nil, errors.New("the request body must be a JSON object")
	}
	list, _ := c.fields["messages"].([]any)
	if len(list) == 0 {
		return t, nil, errors.New("messages is required")
	}
	messages := make([]object, len(list))
	for i := range list {
		messages[i], _ = list[i].(object)
		role, _ := messages[i]["role"].(string)
		if !slices.Contains(roles, role) {
			return t, nil, fmt.Errorf("messages.%d.role must be one of %s", i, strings.Join(roles, ", "))
		}
	}
	for _, f := range []struct {
		name        string
		least, most float64
	}{
		{"temperature", 0, hottest}, {"top_p", 0, 1},
		{"presence_penalty", -2, 2}, {"frequency_penalty", -2, 2}, {"repetition_penalty", 0.1, 2},
	} {
		if err := c.real(f.name, f.least, f.most); err != nil {
			return t, nil, err
		}
	}
	if _, err := c.whole("top_k", 1, 1, math.MaxInt64); err != nil {
		return t, nil, err
	}
	most, err := c.whole("max_tokens", 1000, 1, math.MaxInt64)
	if err != nil {
		return t, nil, err
	}
	t.most = int(min(most, math.MaxInt32))
	if t.stream, err = c.flag("stream"); err != nil {
		return t, nil, err
	}
	return t, messages, nil
}

// stopWords reads a text or a list of texts.
func (c *call) stopWords(name string, most int) ([]string, error) {
	if text, isText := c.fields[name].(string); isText {
		return []string{text}, nil
	}
	list, isList := c.fields[name].([]any)
	if c.has(name) && !isList || len(list) > most {
		return nil, fmt.Errorf("%s takes up to %d texts", name, most)
	}
	stops := make([]string, len(list))
	for i := range list {
		text, isText := list[i].(string)
		if !isText {
			return nil, fmt.Errorf("%s takes texts", name)
		}
		stops[i] = text
	}
	return stops, nil
}

// chatText is the text of a message's content, which is a string or a list of parts.
func chatText(content any) (text string, ok bool) {
	switch content := content.(type) {
	case string:
		return content, true
	case []any:
		var texts []string
		for _, item := range content {
			part, isObject := item.(object)
			kind, _ := part["type"].(string)
			if !isObject || kind == "" {
				return "", false
			}
			if inner, hasContent := part["content"]; hasContent { // of a tool_result
				if said, ok := chatText(inner); ok {
					texts = append(texts, said)
				}
			}
			if said, isText := part["text"].(string); isText {
				texts = append(texts, said)
			}
		}
		return strings.Join(texts, " "), true
	}
	return "", false
}

// eventStream is the body of an answer that comes in pieces.
type eventStream struct {
	events []string
	broken bool // the connection closes after the last
}

// event is one server-sent event; without a name it is data alone.
func event(name string, data any) string {
	b := string(bare(0, data).bytes())
	if name == "" {
		return "data: " + b + "\n\n"
	}
	return "event: " + name + "\ndata: " + b + "\n\n"
}

// streamed sends the events, or as many as the options let through.
func (s *Server) streamed(events []string, failure string) answer {
	e := &eventStream{events: events}
	if n := s.services.chatStreamError; n >= 0 && n < len(events) {
		e.events = append(slices.Clone(events[:n]), failure)
	}
	if n := s.services.chatCut; n >= 0 && n < len(e.events) {
		e.events, e.broken = e.events[:n], true
	}
	return answer{status: http.StatusOK, stream: e}.
		with("Content-Type", "text/event-stream").with("Cache-Control", "no-cache")
}

// chatModels lists the language models of the catalogue, and one that is spelled as the
// documentation spells it.
func (s *Server) chatModels(c *call) answer {
	if _, refusal, refused := s.chatHolder(c); refused {
		return refusal
	}
	list := []object{{"id": "Qwen/Qwen2.5-VL-72B-Instruct-together", "object": "model", "created": 1737936000, "owned_by": "Qwen"}}
	for _, m := range catalogue() {
		if m.feature == "llmaster" {
			list = append(list, object{"id": m.id, "object": "model", "created": m.day().Unix(), "owned_by": m.provider})
		}
	}
	return bare(http.StatusOK, object{"object": "list", "data": list})
}

// send writes the events and flushes each. A stream that is cut ends halfway.
func (e *eventStream) send(w http.ResponseWriter, cut bool) {
	flush := func() {}
	if f, ok := w.(http.Flusher); ok {
		flush = f.Flush
	}
	events := e.events
	if cut {
		events = events[:len(events)/2]
	}
	for _, text := range events {
		// The client may be gone; nobody is left to tell.
		_, _ = io.WriteString(w, text)
		flush()
	}
	if cut || e.broken {
		flush() // the status at least, when there are no events
		panic(http.ErrAbortHandler)
	}
}
