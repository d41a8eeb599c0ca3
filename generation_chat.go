package modelslab

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// ChatService talks to language models, in the shape of OpenAI's completions
// ([ChatService.Complete], [ChatService.Stream]) and of Anthropic's messages
// ([ChatService.Message], [ChatService.MessageStream]). [ChatService.HTTPClient]
// is for those who use the SDKs of these two.
//
// An answer costs money and carries no idempotency key, so a call is sent once:
// after [ErrOutcomeUnknown] it may have been paid.
// Documentation: docs.modelslab.com/llm-api/overview.
type ChatService struct{ c *Client }

// Who says a message.
const (
	RoleSystem    = "system" // of completions only; messages have MessageParams.System
	RoleUser      = "user"
	RoleAssistant = "assistant"
	RoleTool      = "tool" // the result of a tool call; of completions only
)

// ChatMessage is one message of a conversation. The model's own can be handed
// back as they came.
type ChatMessage struct {
	Role string `json:"role"` // RoleSystem, …
	// Content is the text. It is sent as null where it is empty beside tool calls.
	Content    string         `json:"content"`
	Name       string         `json:"name,omitzero"`         // of whoever has the role, if there are several
	ToolCalls  []ChatToolCall `json:"tool_calls,omitzero"`   // RoleAssistant: what the model asks for
	ToolCallID string         `json:"tool_call_id,omitzero"` // RoleTool: which call this is the result of
}

// MarshalJSON writes the message as the API has it.
func (m ChatMessage) MarshalJSON() ([]byte, error) {
	type plain ChatMessage
	if m.Content != "" || len(m.ToolCalls) == 0 {
		return json.Marshal(plain(m))
	}
	return json.Marshal(struct {
		plain
		Content *string `json:"content"`
	}{plain: plain(m)})
}

// ChatTool is a function that the model may ask for.
type ChatTool struct {
	Name        string
	Description string          // when to use it, and what for
	Parameters  json.RawMessage // a JSON Schema of its arguments; nil: it takes none
}

// chatToolWire is a tool as the API has it.
type chatToolWire struct {
	Type     string `json:"type"`
	Function struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitzero"`
		Parameters  json.RawMessage `json:"parameters,omitzero"`
	} `json:"function"`
}

// MarshalJSON writes the tool as the API has it.
func (t ChatTool) MarshalJSON() ([]byte, error) {
	w := chatToolWire{Type: typeFunction}
	w.Function.Name, w.Function.Description, w.Function.Parameters = t.Name, t.Description, t.Parameters
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *ChatTool) UnmarshalJSON(b []byte) error {
	var w chatToolWire
	err := json.Unmarshal(b, &w)
	*t = ChatTool(w.Function)
	return err
}

// typeFunction is the one kind of tools that there is.
const typeFunction = "function"

// ChatToolCall is a function that the model asks for. Answer it with a message
// of RoleTool.
type ChatToolCall struct {
	ID        string
	Name      string
	Arguments string // JSON as the model wrote it, which need not be valid
}

// chatToolCallWire is a call as the API has it.
type chatToolCallWire struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// MarshalJSON writes the call as the API has it.
func (c ChatToolCall) MarshalJSON() ([]byte, error) {
	w := chatToolCallWire{ID: c.ID, Type: typeFunction}
	w.Function.Name, w.Function.Arguments = c.Name, c.Arguments
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *ChatToolCall) UnmarshalJSON(b []byte) error {
	var w chatToolCallWire
	err := json.Unmarshal(b, &w)
	*c = ChatToolCall{ID: w.ID, Name: w.Function.Name, Arguments: w.Function.Arguments}
	return err
}

// ChatToolChoice says whether the model calls a tool: by a Mode, or by the name
// of the one Function that it must call. The zero value leaves it to the server,
// whose default is auto.
type ChatToolChoice struct {
	Mode     string // ToolChoiceAuto, …
	Function string
}

// The modes of a [ChatToolChoice].
const (
	ToolChoiceAuto     = "auto"     // as the model likes
	ToolChoiceNone     = "none"     // none
	ToolChoiceRequired = "required" // at least one
)

// MarshalJSON writes the choice as the API has it: a word or an object.
func (c ChatToolChoice) MarshalJSON() ([]byte, error) {
	if c.Function == "" {
		return json.Marshal(c.Mode)
	}
	var w struct {
		Type     string `json:"type"`
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	w.Type, w.Function.Name = typeFunction, c.Function
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *ChatToolChoice) UnmarshalJSON(b []byte) error {
	*c = ChatToolChoice{Mode: jsonText(b), Function: jsonText(member(member(b, "function"), "name"))}
	return nil
}

// ChatResponseFormat is the form of the answer. With the type json_object the
// messages must ask for JSON too.
type ChatResponseFormat struct {
	Type string `json:"type"` // "text", "json_object"
}

// ChatParams is a conversation that the model shall go on with. Model and
// Messages are required; what is left at zero is left to the server, whose
// defaults are given. Models differ in what they take.
// Documentation: docs.modelslab.com/llm-api/advanced-parameters.
type ChatParams struct {
	Model    string        `json:"model" rule:"required"` // an ID of ChatService.Models
	Messages []ChatMessage `json:"messages" rule:"required"`

	MaxTokens         int      `json:"max_tokens,omitzero" rule:"1.."`            // tokens to write at most; default 1000
	Temperature       *float64 `json:"temperature,omitzero" rule:"0..2"`          // 0 to 2, more is more random; default 1
	TopP              *float64 `json:"top_p,omitzero" rule:"0..1"`                // 0 to 1; default 1
	TopK              int      `json:"top_k,omitzero" rule:"1.."`                 // 1 or more; not all models
	PresencePenalty   *float64 `json:"presence_penalty,omitzero" rule:"-2..2"`    // -2 to 2; default 0
	FrequencyPenalty  *float64 `json:"frequency_penalty,omitzero" rule:"-2..2"`   // -2 to 2; default 0
	RepetitionPenalty float64  `json:"repetition_penalty,omitzero" rule:"0.1..2"` // 0.1 to 2; default 1
	Stop              []string `json:"stop,omitzero" rule:"..4 items"`            // up to 4 texts to stop before
	Seed              *int64   `json:"seed,omitzero"`                             // nil: random
	N                 int      `json:"n,omitzero" rule:"1..10"`                   // answers to make, 1 to 10; default 1; each one costs

	ResponseFormat    ChatResponseFormat `json:"response_format,omitzero"`
	Tools             []ChatTool         `json:"tools,omitzero"`
	ToolChoice        ChatToolChoice     `json:"tool_choice,omitzero"`         // default auto
	ParallelToolCalls *bool              `json:"parallel_tool_calls,omitzero"` // several calls in one answer; default true

	stream bool // the answer shall come while it is made
}

func (p ChatParams) check() error {
	for i, m := range p.Messages {
		at := "ChatParams.Messages[" + strconv.Itoa(i) + "]."
		switch {
		case strings.TrimSpace(m.Role) == "":
			return &ParamError{Param: at + "Role", Reason: "is empty; give RoleUser, RoleSystem, RoleAssistant or RoleTool"}
		case m.Role == RoleTool && m.ToolCallID == "":
			return &ParamError{Param: at + "ToolCallID", Reason: "is empty; a result needs the ID of the call that it answers"}
		}
	}
	for i, t := range p.Tools {
		at := "ChatParams.Tools[" + strconv.Itoa(i) + "]."
		if t.Name == "" {
			return &ParamError{Param: at + "Name", Reason: "is empty"}
		}
		if err := checkSchema(at+"Parameters", t.Parameters); t.Parameters != nil && err != nil {
			return err
		}
	}
	if p.ToolChoice.Mode != "" && p.ToolChoice.Function != "" {
		return &ParamError{Param: "ChatParams.ToolChoice", Value: p.ToolChoice.Mode, Reason: "must be a Mode or a Function, not both"}
	}
	return nil
}

// checkSchema refuses what cannot be a JSON Schema of a tool.
func checkSchema(param string, schema json.RawMessage) error {
	if b := bytes.TrimSpace(schema); len(b) == 0 || b[0] != '{' || !json.Valid(b) {
		return &ParamError{Param: param, Reason: "must be a JSON Schema, an object"}
	}
	return nil
}

func (p ChatParams) wire() any {
	type plain ChatParams
	return struct {
		plain
		Stream bool `json:"stream,omitzero"`
	}{plain(p), p.stream}
}

// ChatCompletion is the answer of a model.
type ChatCompletion struct {
	ID      string       `json:"id"`
	Model   string       `json:"model"`
	Created Timestamp    `json:"created"`
	Choices []ChatChoice `json:"choices"` // in order; as many as ChatParams.N
	Usage   ChatUsage    `json:"usage,omitzero"`
}

// Text is the text of the first choice.
func (c *ChatCompletion) Text() string {
	if len(c.Choices) == 0 {
		return ""
	}
	return c.Choices[0].Message.Content
}

// ChatChoice is one of several answers to the same conversation.
type ChatChoice struct {
	Index   int         `json:"index"`
	Message ChatMessage `json:"message"` // to go on with: append it to ChatParams.Messages
	// FinishReason is why it ended: "stop", "length", "content_filter" or
	// "tool_calls", and an open set. "" is an answer that is not whole.
	FinishReason string `json:"finish_reason"`
}

// ChatUsage is what an answer took, in tokens; all 0: not said.
type ChatUsage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// Complete asks a model to go on with a conversation, and waits for all of its
// answer. One that takes longer than a minute needs [WithRequestTimeout], or
// [ChatService.Stream]. A conversation that the server cannot use is
// [ErrValidation]; one that it answers with an error instead of text is
// [ErrGenerationFailed].
// Documentation: docs.modelslab.com/llm-api/chat-completions.
// API: POST /api/v7/llm/chat/completions.
func (s *ChatService) Complete(ctx context.Context, p ChatParams, opts ...RequestOption) (*ChatCompletion, error) {
	return call[ChatCompletion](ctx, s.c, chatCompletions, input{body: p}, opts)
}

// ChatEvent is a piece of an answer that is still being made. A program that
// shows text needs Delta alone.
type ChatEvent struct {
	// Of the first choice: the text that has come, fragments of tool calls, and
	// why it ended.
	Delta        string              `json:"delta"`
	ToolCalls    []ChatToolCallDelta `json:"tool_calls,omitzero"`
	FinishReason string              `json:"finish_reason,omitzero"`
	// Chunk is all that has come, for all choices; nil on the last event.
	Chunk *ChatChunk `json:"chunk,omitzero"`
	// Completion is the answer put together. Only the last event has one: the
	// whole answer, or beside an error what came of it, if anything.
	Completion *ChatCompletion `json:"completion,omitzero"`
}

// ChatChunk is what one event of a stream brings.
type ChatChunk struct {
	ID      string            `json:"id"`
	Model   string            `json:"model"`
	Created Timestamp         `json:"created"`
	Choices []ChatChunkChoice `json:"choices"`
	Usage   *ChatUsage        `json:"usage,omitzero"` // nil: not said
	Raw     json.RawMessage   `json:"-"`              // as received, with what no field here is for
}

func (c ChatChunk) line() string {
	return "chunk of " + clean(c.ID, maxCodeText) + ": " + strconv.Itoa(len(c.Choices)) + " choices"
}

// Format writes one line under every verb.
func (c ChatChunk) Format(f fmt.State, verb rune) { formatText(f, verb, c.line()) }

// LogValue implements slog.LogValuer.
func (c ChatChunk) LogValue() slog.Value { return slog.StringValue(c.line()) }

// ChatChunkChoice is what one event brings for one choice.
type ChatChunkChoice struct {
	Index        int       `json:"index"`
	Delta        ChatDelta `json:"delta"`
	FinishReason string    `json:"finish_reason"` // "": it goes on
}

// ChatDelta is a piece of a message.
type ChatDelta struct {
	Role      string              `json:"role,omitzero"`
	Content   string              `json:"content"`
	ToolCalls []ChatToolCallDelta `json:"tool_calls,omitzero"`
}

// ChatToolCallDelta is a piece of a tool call. The pieces of one call have the
// same Index; the first one names it.
type ChatToolCallDelta struct {
	Index     int    `json:"index"`
	ID        string `json:"id,omitzero"`
	Name      string `json:"name,omitzero"`
	Arguments string `json:"arguments"` // a piece of its JSON
}

// Stream is [ChatService.Complete] with the answer as it is made. It is sent
// when the sequence is ranged over, which can be done once: a second time would
// pay again. To leave the loop hangs up; what was made until then may be paid.
//
//	for event, err := range client.Generation.Chat.Stream(ctx, params) {
//		if err != nil {
//			return err
//		}
//		fmt.Print(event.Delta)
//	}
//
// The last event holds the whole answer as its Completion. An error comes last,
// beside an event (never nil) that holds what came before it. A stream that
// breaks off, that tells an error or that ctx ends is [ErrOutcomeUnknown]; an
// error that the stream tells is an [APIError] in it. [WithRequestTimeout] bounds
// the wait for the answer to begin, and each silence in it. An event may have 1
// MiB, the whole answer as much as [WithMaxResponseBytes] says.
//
// Whether the stream tells the usage is up to the server; see [WithBodyField]
// for stream_options.
// Documentation: docs.modelslab.com/llm-api/chat-completions.
// API: POST /api/v7/llm/chat/completions.
func (s *ChatService) Stream(ctx context.Context, p ChatParams, opts ...RequestOption) iter.Seq2[*ChatEvent, error] {
	p.stream = true
	return streamed(ctx, s.c, chatCompletions, input{body: p}, opts, "ChatService.Stream", func() gatherer[ChatEvent] {
		return &chatSoFar{wanted: max(p.N, 1)}
	})
}

// gatherer puts an answer together from the events of a stream.
type gatherer[E any] interface {
	// take reads one event; nil: there is nothing in it to show.
	take(name string, data []byte) (*E, error)
	// whole reads the answer of a server that does not stream.
	whole(t *trip, a *answer) (*E, error)
	// over tells whether the stream has said that nothing more comes.
	over() bool
	// lacks is what is missing of a whole answer; nil: nothing.
	lacks() error
	// last holds what has come so far.
	last() *E
}

// toldError is an error that a stream tells.
type toldError struct{ code, message string }

func (e *toldError) Error() string { return e.code + ": " + e.message }

// streamed is the one road for answers that stream. name is the method's.
func streamed[E any](ctx context.Context, c *Client, e endpoint, in input, opts []RequestOption, name string, begin func() gatherer[E]) iter.Seq2[*E, error] {
	var used atomic.Bool
	return func(yield func(*E, error) bool) {
		g := begin()
		if used.Swap(true) {
			yield(g.last(), &ParamError{Param: name, Reason: "has been ranged over; another time would pay again, so call it anew for that"})
			return
		}
		b, err := openStream(ctx, c, e, in, opts)
		if err != nil {
			yield(g.last(), err)
			return
		}
		defer b.Close()
		goesOn, err := gather(b, g, c.cfg.maxResponse, func(event *E) bool { return yield(event, nil) })
		if !goesOn {
			return
		}
		if told, ok := as[*toldError](err); ok {
			err = b.refused(told.code, told.message)
		} else if _, definite := as[*APIError](err); err != nil && !definite {
			err = b.broken(err)
		}
		yield(g.last(), seal(err))
	}
}

// gather hands over the events of an answer, at most so many bytes of them,
// until it is over. false: nobody wants any more of them.
func gather[E any](b *eventBody, g gatherer[E], most int64, yield func(*E) bool) (goesOn bool, err error) {
	if b.whole != nil {
		event, err := g.whole(b.t, b.whole)
		return err != nil || yield(event), err
	}
	for r := newEventReader(b, maxEventBytes); ; {
		e, err := r.next()
		if err != nil {
			switch {
			case g.lacks() == nil:
				err = nil // all is there, whatever broke then
			case r.ended:
				err = io.ErrUnexpectedEOF
			}
			return true, err
		}
		if most -= int64(len(e.data)); most < 0 {
			return true, errTooLarge
		}
		for _, data := range documents(e.data) {
			event, err := g.take(e.name, data)
			if err != nil {
				return true, err
			}
			if event != nil && !yield(event) {
				return false, nil
			}
			if g.over() {
				b.drain()
				return true, g.lacks()
			}
		}
	}
}

// documents are the JSON texts of an event: one, or one a line where a server
// leaves out the empty lines between events.
func documents(data []byte) [][]byte {
	if bytes.IndexByte(data, '\n') < 0 || json.Valid(data) {
		return [][]byte{data}
	}
	return bytes.Split(data, []byte{'\n'})
}

// streamEnd is what OpenAI's streams say last. Others may say it too.
const streamEnd = "[DONE]"

// toldBy is the error that an event tells, if it does.
func toldBy(name string, data []byte) error {
	a := newAnswer(0, nil, data)
	if name != "error" && !saysError(&a) {
		return nil
	}
	e := languageFault(&a)
	if e.Message == "" {
		e.Message = clean(string(data), maxMessageText)
	}
	return &toldError{e.Code, e.Message}
}

// saysError reports whether an answer of a language model is an error, in either
// of the two shapes that this family has for them.
func saysError(a *answer) bool {
	switch GenerationStatus(jsonText(member(a.body, "status"))) {
	case StatusError, StatusFailed:
		return true
	}
	return a.failed()
}

// languageFault is the error that is in an answer. Its type does for a code
// where there is none.
func languageFault(a *answer) *APIError {
	e := &APIError{}
	a.fault(e)
	e.Code = firstOf(e.Code, jsonText(member(a.outer.err, "type")))
	return e
}

// languageError is the error of a success that holds one.
func languageError(t *trip, a *answer) error {
	switch {
	case a.shape == shapeEmpty:
		return errNoData
	case a.shape != shapeObject || !json.Valid(a.body):
		return errUnreadable
	case !saysError(a):
		return nil
	}
	e := languageFault(a)
	t.fillError(e, &result{answer: *a, body: &a.body})
	e.Code, e.Message = t.scrub(e.Code), clean(t.scrub(e.Message), maxMessageText)
	if !t.e.Spends {
		return e
	}
	return &GenerationError{APIError: *e}
}

func (c *ChatCompletion) decode(t *trip, a *answer) error {
	if err := languageError(t, a); err != nil {
		return err
	}
	chunk, err := readChunk(a.body)
	if err != nil {
		return err
	}
	so := chatSoFar{ended: true}
	so.add(chunk)
	*c = *so.completion()
	return so.lacks()
}

// readChunk reads a chunk, or a completion as the one chunk that it is.
func readChunk(data []byte) (*ChatChunk, error) {
	if len(data) == 0 || data[0] != '{' || !json.Valid(data) {
		return nil, errUnreadable
	}
	c := &ChatChunk{}
	for m := membersOf(data); m.next(); {
		switch string(m.name) {
		case "id":
			c.ID = jsonText(m.value)
		case "model":
			c.Model = jsonText(m.value)
		case "created":
			_ = c.Created.UnmarshalJSON(m.value) // it takes everything
		case "choices":
			for e := elementsOf(m.value); e.next(); {
				if e.value[0] == '{' {
					c.Choices = append(c.Choices, readChunkChoice(e.value))
				}
			}
		case "usage":
			if m.value[0] == '{' {
				c.Usage = &ChatUsage{
					PromptTokens:     jsonInt(member(m.value, "prompt_tokens")),
					CompletionTokens: jsonInt(member(m.value, "completion_tokens")),
					TotalTokens:      jsonInt(member(m.value, "total_tokens")),
				}
			}
		}
	}
	return c, nil
}

func readChunkChoice(v []byte) ChatChunkChoice {
	c := ChatChunkChoice{Index: jsonInt(member(v, "index")), FinishReason: jsonText(member(v, "finish_reason"))}
	for m := membersOf(inside(v, "delta", "message")); m.next(); {
		switch string(m.name) {
		case "role":
			c.Delta.Role = jsonText(m.value)
		case "content":
			c.Delta.Content = contentText(m.value)
		case "tool_calls":
			for e := elementsOf(m.value); e.next(); {
				if e.value[0] == '{' {
					c.Delta.ToolCalls = append(c.Delta.ToolCalls, readToolCall(e.value, len(c.Delta.ToolCalls)))
				}
			}
		}
	}
	return c
}

// readToolCall reads a call, or a piece of one; those of a whole message have no
// index but their place.
func readToolCall(v []byte, place int) ChatToolCallDelta {
	function := member(v, "function")
	d := ChatToolCallDelta{Index: place, ID: jsonText(member(v, "id")), Name: jsonText(member(function, "name"))}
	if i := member(v, "index"); i != nil {
		d.Index = jsonInt(i)
	}
	if arguments := member(function, "arguments"); len(arguments) > 0 && arguments[0] == '"' {
		d.Arguments = jsonText(arguments)
	} else {
		d.Arguments = string(arguments) // some models send the object itself
	}
	return d
}

// contentText is the text of a message: a string, or the texts of its parts.
func contentText(v []byte) string {
	if len(v) == 0 || v[0] != '[' {
		return jsonText(v)
	}
	var b strings.Builder
	for e := elementsOf(v); e.next(); {
		b.WriteString(jsonText(member(e.value, "text")))
	}
	return b.String()
}

// chatSoFar is what has come of a completion.
type chatSoFar struct {
	wanted  int // choices
	head    ChatCompletion
	some    bool // anything has come
	ended   bool // [DONE] has come
	choices []*choiceSoFar
	byIndex map[int]*choiceSoFar
}

type choiceSoFar struct {
	index        int
	role, finish string
	content      strings.Builder
	calls        []*callSoFar
	byIndex      map[int]*callSoFar
}

type callSoFar struct {
	id, name  string
	arguments strings.Builder
}

func (s *chatSoFar) take(name string, data []byte) (*ChatEvent, error) {
	data = bytes.TrimSpace(data)
	switch string(data) {
	case "":
		return nil, nil
	case streamEnd:
		s.ended = true
		return nil, nil
	}
	if err := toldBy(name, data); err != nil {
		return nil, err
	}
	c, err := readChunk(data)
	if err != nil {
		return nil, err
	}
	c.Raw = bytes.Clone(data)
	s.add(c)
	event := &ChatEvent{Chunk: c}
	for _, choice := range c.Choices {
		if choice.Index == 0 {
			event.Delta += choice.Delta.Content
			event.ToolCalls = append(event.ToolCalls, choice.Delta.ToolCalls...)
			event.FinishReason = firstOf(choice.FinishReason, event.FinishReason)
		}
	}
	return event, nil
}

func (s *chatSoFar) add(c *ChatChunk) {
	s.some = true
	s.head.ID, s.head.Model = firstOf(s.head.ID, c.ID), firstOf(s.head.Model, c.Model)
	if s.head.Created.IsZero() {
		s.head.Created = c.Created
	}
	if c.Usage != nil {
		s.head.Usage = *c.Usage
	}
	for i := range c.Choices {
		s.choice(c.Choices[i].Index).add(&c.Choices[i])
	}
}

func (s *chatSoFar) choice(index int) *choiceSoFar {
	c := s.byIndex[index]
	if c == nil {
		if s.byIndex == nil {
			s.byIndex = make(map[int]*choiceSoFar)
		}
		c = &choiceSoFar{index: index}
		s.byIndex[index] = c
		s.choices = append(s.choices, c)
	}
	return c
}

func (c *choiceSoFar) add(piece *ChatChunkChoice) {
	c.role, c.finish = firstOf(c.role, piece.Delta.Role), firstOf(piece.FinishReason, c.finish)
	c.content.WriteString(piece.Delta.Content)
	for i := range piece.Delta.ToolCalls {
		d := &piece.Delta.ToolCalls[i]
		call := c.byIndex[d.Index]
		// Some servers give all calls the same index: another id is another call.
		if call == nil || d.ID != "" && call.id != "" && d.ID != call.id {
			if c.byIndex == nil {
				c.byIndex = make(map[int]*callSoFar)
			}
			call = &callSoFar{}
			c.byIndex[d.Index] = call
			c.calls = append(c.calls, call)
		}
		call.id, call.name = firstOf(call.id, d.ID), firstOf(call.name, d.Name)
		call.arguments.WriteString(d.Arguments)
	}
}

func (s *chatSoFar) whole(t *trip, a *answer) (*ChatEvent, error) {
	if err := new(ChatCompletion).decode(t, a); err != nil {
		return nil, err
	}
	return s.take("", a.body)
}

func (s *chatSoFar) over() bool { return s.ended }

// lacks takes the reasons why the choices ended for the end, where no [DONE]
// comes.
func (s *chatSoFar) lacks() error {
	switch {
	case len(s.choices) == 0, !s.ended && len(s.choices) < s.wanted:
		return missing("choices")
	case s.ended:
		return nil
	}
	for _, c := range s.choices {
		if c.finish == "" {
			return missing("finish_reason")
		}
	}
	return nil
}

func (s *chatSoFar) last() *ChatEvent {
	if !s.some {
		return &ChatEvent{}
	}
	return &ChatEvent{Completion: s.completion()}
}

func (s *chatSoFar) completion() *ChatCompletion {
	c := s.head
	c.Choices = make([]ChatChoice, 0, len(s.choices))
	for _, so := range s.choices {
		choice := ChatChoice{Index: so.index, FinishReason: so.finish}
		choice.Message = ChatMessage{Role: firstOf(so.role, RoleAssistant), Content: so.content.String()}
		for _, call := range so.calls {
			choice.Message.ToolCalls = append(choice.Message.ToolCalls, ChatToolCall{ID: call.id, Name: call.name, Arguments: call.arguments.String()})
		}
		c.Choices = append(c.Choices, choice)
	}
	slices.SortStableFunc(c.Choices, func(a, b ChatChoice) int { return cmp.Compare(a.Index, b.Index) })
	return &c
}

// ChatModel is a language model.
type ChatModel struct {
	ID      string    `json:"id"` // what ChatParams.Model takes
	Object  string    `json:"object"`
	Created Timestamp `json:"created"`
	OwnedBy string    `json:"owned_by"`
}

func (m *ChatModel) read(_ place, object []byte) error {
	*m = ChatModel{ID: jsonText(member(object, "id")), Object: jsonText(member(object, "object")), OwnedBy: jsonText(member(object, "owned_by"))}
	if created := member(object, "created"); created != nil {
		_ = m.Created.UnmarshalJSON(created) // it takes everything
	}
	return nil
}

func (m *ChatModel) known() bool { return m.ID != "" }

// chatModelList is the answer with all models.
type chatModelList struct{ list listOf[ChatModel, *ChatModel] }

func (l *chatModelList) decode(t *trip, a *answer) error {
	if a.shape != shapeJSON { // a bare array is a list too
		if err := languageError(t, a); err != nil {
			return err
		}
	}
	return l.list.decode(t, a)
}

// Models lists the language models. It can be repeated, and is.
// Documentation: docs.modelslab.com/llm-api/list-models.
// API: GET /api/v7/llm/v1/models.
func (s *ChatService) Models(ctx context.Context, opts ...RequestOption) ([]ChatModel, error) {
	l, err := call[chatModelList](ctx, s.c, chatModels, input{}, opts)
	if err != nil {
		return nil, err
	}
	return l.list, nil
}
