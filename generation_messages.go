package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"strconv"
	"strings"
)

// The kinds of a [MessageBlock].
const (
	BlockText       = "text"
	BlockToolUse    = "tool_use"    // the model asks for a tool
	BlockToolResult = "tool_result" // the answer to that, in a message of RoleUser
)

// MessageBlock is a part of a message.
type MessageBlock struct {
	Type string `json:"type"` // BlockText, …
	Text string `json:"text,omitzero"`

	ID    string          `json:"id,omitzero"`    // BlockToolUse: what the result names
	Name  string          `json:"name,omitzero"`  // BlockToolUse: the tool
	Input json.RawMessage `json:"input,omitzero"` // BlockToolUse: its arguments, an object

	ToolUseID string `json:"tool_use_id,omitzero"` // BlockToolResult: the ID of the call
	Content   string `json:"content,omitzero"`     // BlockToolResult: what the tool said
	IsError   *bool  `json:"is_error,omitzero"`    // BlockToolResult: the tool failed

	// Raw is a block of another kind, as received: it can be handed back. A stream
	// does not put one together.
	Raw json.RawMessage `json:"-"`
}

// known reports whether the fields hold all of a block.
func (b MessageBlock) known() bool {
	switch b.Type {
	case BlockText, BlockToolUse, BlockToolResult:
		return true
	}
	return false
}

// MarshalJSON writes the block as the API has it.
func (b MessageBlock) MarshalJSON() ([]byte, error) {
	type plain MessageBlock
	switch {
	case b.Raw != nil && !b.known():
		return b.Raw, nil
	case b.Type == BlockToolUse && b.Input == nil:
		b.Input = json.RawMessage("{}")
	}
	return json.Marshal(plain(b))
}

// UnmarshalJSON reads what MarshalJSON writes, and what the API sends.
func (b *MessageBlock) UnmarshalJSON(v []byte) error {
	*b = readBlock(v)
	return nil
}

func (b MessageBlock) line() string {
	return "block " + clean(b.Type, maxCodeText) + ": " + clean(firstOf(b.Text, b.Name, b.Content), maxMessageText)
}

// Format writes one line under every verb.
func (b MessageBlock) Format(f fmt.State, verb rune) { formatText(f, verb, b.line()) }

// LogValue implements slog.LogValuer.
func (b MessageBlock) LogValue() slog.Value { return slog.StringValue(b.line()) }

// MessageParam is one message of a conversation: a text, or blocks. The model's
// own goes back as MessageParam{Role: m.Role, Blocks: m.Content}.
type MessageParam struct {
	Role    string // RoleUser, RoleAssistant
	Content string
	Blocks  []MessageBlock // instead of Content
}

// MarshalJSON writes the message as the API has it.
func (m MessageParam) MarshalJSON() ([]byte, error) {
	w := struct {
		Role    string `json:"role"`
		Content any    `json:"content"`
	}{m.Role, m.Content}
	if len(m.Blocks) > 0 {
		w.Content = m.Blocks
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *MessageParam) UnmarshalJSON(b []byte) error {
	*m = MessageParam{Role: jsonText(member(b, "role"))}
	content := member(b, "content")
	if len(content) > 0 && content[0] == '[' {
		m.Blocks = readBlocks(content)
	} else {
		m.Content = jsonText(content)
	}
	return nil
}

// MessageTool is a tool that the model may ask for.
type MessageTool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitzero"` // when to use it, and what for
	InputSchema json.RawMessage `json:"input_schema"`         // a JSON Schema of its input
}

// MessageToolChoice says whether the model uses a tool. The zero value leaves it
// to the server.
type MessageToolChoice struct {
	Type string `json:"type"`          // "auto", "any", "tool"
	Name string `json:"name,omitzero"` // with "tool": which one it must use
}

// MessageParams is a conversation that the model shall go on with. Model,
// MaxTokens and Messages are required; what is left at zero is left to the
// server. Models differ in what they take.
type MessageParams struct {
	Model     string         `json:"model" rule:"required"`          // an ID of ChatService.Models
	MaxTokens int            `json:"max_tokens" rule:"required,1.."` // tokens to write at most
	Messages  []MessageParam `json:"messages" rule:"required"`

	System        string            `json:"system,omitzero"`
	Temperature   *float64          `json:"temperature,omitzero" rule:"0..1"` // 0 to 1, more is more random; default 1
	TopP          *float64          `json:"top_p,omitzero" rule:"0..1"`       // 0 to 1
	TopK          int               `json:"top_k,omitzero" rule:"1.."`        // 1 or more
	StopSequences []string          `json:"stop_sequences,omitzero"`          // texts to stop before
	Tools         []MessageTool     `json:"tools,omitzero"`
	ToolChoice    MessageToolChoice `json:"tool_choice,omitzero"`

	stream bool // the answer shall come while it is made
}

func (p MessageParams) check() error {
	for i, t := range p.Tools {
		at := "MessageParams.Tools[" + strconv.Itoa(i) + "]."
		if t.Name == "" {
			return &ParamError{Param: at + "Name", Reason: "is empty"}
		}
		if err := checkSchema(at+"InputSchema", t.InputSchema); err != nil {
			return err
		}
	}
	switch c := p.ToolChoice; {
	case c.Name != "" && c.Type != "tool":
		return &ParamError{Param: "MessageParams.ToolChoice.Type", Value: c.Type, Reason: `must be "tool" beside a Name`}
	case c.Name == "" && c.Type == "tool":
		return &ParamError{Param: "MessageParams.ToolChoice.Name", Reason: `is empty; "tool" needs one`}
	}
	return checkMessages("MessageParams.Messages", p.Messages)
}

func checkMessages(param string, messages []MessageParam) error {
	for i, m := range messages {
		at := param + "[" + strconv.Itoa(i) + "]"
		switch {
		case strings.TrimSpace(m.Role) == "":
			return &ParamError{Param: at + ".Role", Reason: "is empty; give RoleUser or RoleAssistant"}
		case m.Content != "" && len(m.Blocks) > 0:
			return &ParamError{Param: at, Reason: "must have Content or Blocks, not both"}
		}
		for j, b := range m.Blocks {
			at := at + ".Blocks[" + strconv.Itoa(j) + "]"
			switch {
			case b.Type == "":
				return &ParamError{Param: at + ".Type", Reason: "is empty; give BlockText, BlockToolUse or BlockToolResult"}
			case b.Type == BlockToolResult && b.ToolUseID == "":
				return &ParamError{Param: at + ".ToolUseID", Reason: "is empty; a result needs the ID of the call that it answers"}
			}
		}
	}
	return nil
}

func (p MessageParams) wire() any {
	type plain MessageParams
	return struct {
		plain
		Stream bool `json:"stream,omitzero"`
	}{plain(p), p.stream}
}

// Message is the answer of a model.
type Message struct {
	ID      string         `json:"id"`
	Role    string         `json:"role"`
	Model   string         `json:"model"`
	Content []MessageBlock `json:"content"`
	// StopReason is why it ended: "end_turn", "max_tokens", "stop_sequence" or
	// "tool_use", and an open set. "" is an answer that is not whole.
	StopReason   string       `json:"stop_reason"`
	StopSequence string       `json:"stop_sequence,omitzero"` // the one that it stopped before
	Usage        MessageUsage `json:"usage,omitzero"`
}

// MessageUsage is what an answer took, in tokens; both 0: not said.
type MessageUsage struct {
	InputTokens  int `json:"input_tokens"`
	OutputTokens int `json:"output_tokens"`
}

// Text is the text of all blocks that are text.
func (m *Message) Text() string {
	var b strings.Builder
	for _, block := range m.Content {
		if block.Type == BlockText {
			b.WriteString(block.Text)
		}
	}
	return b.String()
}

// Message asks a model to go on with a conversation, and waits for all of its
// answer: [ChatService.Complete] in Anthropic's shape.
// Documentation: docs.modelslab.com/llm-api/messages.
// API: POST /api/v7/llm/v1/messages.
func (s *ChatService) Message(ctx context.Context, p MessageParams, opts ...RequestOption) (*Message, error) {
	return call[Message](ctx, s.c, chatMessages, input{body: p}, opts)
}

func (m *Message) decode(t *trip, a *answer) error {
	if err := languageError(t, a); err != nil {
		return err
	}
	m.read(a.body)
	if m.Content == nil && m.StopReason == "" {
		return missing("content")
	}
	return nil
}

// read takes over what an object says of the message.
func (m *Message) read(object []byte) {
	for f := membersOf(object); f.next(); {
		switch string(f.name) {
		case "id":
			m.ID = jsonText(f.value)
		case "role":
			m.Role = jsonText(f.value)
		case "model":
			m.Model = jsonText(f.value)
		case "content":
			switch f.value[0] {
			case '[':
				m.Content = readBlocks(f.value)
			case '"':
				m.Content = []MessageBlock{{Type: BlockText, Text: jsonText(f.value)}}
			}
		case "stop_reason":
			m.StopReason = firstOf(jsonText(f.value), m.StopReason)
		case "stop_sequence":
			m.StopSequence = firstOf(jsonText(f.value), m.StopSequence)
		case "usage":
			for u := membersOf(f.value); u.next(); {
				switch n := jsonInt(u.value); string(u.name) {
				case "input_tokens":
					m.Usage.InputTokens = max(m.Usage.InputTokens, n)
				case "output_tokens": // of all that has come
					m.Usage.OutputTokens = max(m.Usage.OutputTokens, n)
				}
			}
		}
	}
	m.Role = firstOf(m.Role, RoleAssistant)
}

func readBlocks(v []byte) []MessageBlock {
	blocks := []MessageBlock{}
	for e := elementsOf(v); e.next(); {
		if e.value[0] == '{' {
			blocks = append(blocks, readBlock(e.value))
		}
	}
	return blocks
}

func readBlock(v []byte) MessageBlock {
	b := MessageBlock{
		Type: jsonText(member(v, "type")), Text: jsonText(member(v, "text")), ID: jsonText(member(v, "id")), Name: jsonText(member(v, "name")),
		ToolUseID: jsonText(member(v, "tool_use_id")), Content: contentText(member(v, "content")),
	}
	if in := member(v, "input"); in != nil {
		b.Input = bytes.Clone(in)
	}
	if failed := member(v, "is_error"); failed != nil {
		b.IsError = Ptr(truth(failed))
	}
	if !b.known() {
		b.Raw = bytes.Clone(v)
	}
	return b
}

// MessageEvent is a piece of an answer that is still being made. A program that
// shows text needs Delta alone.
type MessageEvent struct {
	Type  string `json:"type"` // "content_block_delta" and so on; an open set
	Index int    `json:"index"`
	// What the block at Index has got: text, or a piece of a tool's input.
	Delta       string `json:"delta"`
	PartialJSON string `json:"partial_json,omitzero"`
	// Block is a block that begins, without what is still to come.
	Block      *MessageBlock   `json:"block,omitzero"`
	StopReason string          `json:"stop_reason,omitzero"`
	Raw        json.RawMessage `json:"-"` // as received, with what no field here is for
	// Message is the answer put together. Only the last event has one: the whole
	// answer, or beside an error what came of it, if anything.
	Message *Message `json:"message,omitzero"`
}

func (e MessageEvent) line() string {
	return "event " + clean(e.Type, maxCodeText) + ": " + clean(firstOf(e.Delta, e.PartialJSON), maxMessageText)
}

// Format writes one line under every verb.
func (e MessageEvent) Format(f fmt.State, verb rune) { formatText(f, verb, e.line()) }

// LogValue implements slog.LogValuer.
func (e MessageEvent) LogValue() slog.Value { return slog.StringValue(e.line()) }

// MessageStream is [ChatService.Message] with the answer as it is made. All that
// [ChatService.Stream] says of its sequence, its errors and its limits holds here
// too; the whole answer is the Message of the last event. The vendor does not
// name its events: Anthropic's are read, and others are passed on as Raw.
// Documentation: docs.modelslab.com/llm-api/messages.
// API: POST /api/v7/llm/v1/messages.
func (s *ChatService) MessageStream(ctx context.Context, p MessageParams, opts ...RequestOption) iter.Seq2[*MessageEvent, error] {
	p.stream = true
	return streamed(ctx, s.c, chatMessages, input{body: p}, opts, "ChatService.MessageStream", func() gatherer[MessageEvent] {
		return &messageSoFar{}
	})
}

// messageSoFar is what has come of a message.
type messageSoFar struct {
	head    Message // its Content is what came at once
	some    bool    // anything has come
	ended   bool
	blocks  []*blockSoFar
	byIndex map[int]*blockSoFar
}

type blockSoFar struct {
	block       MessageBlock
	text, input strings.Builder
}

func (s *messageSoFar) take(name string, data []byte) (*MessageEvent, error) {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0:
		return nil, nil
	case string(data) == streamEnd:
		s.ended = true
		return nil, nil
	}
	if err := toldBy(name, data); err != nil {
		return nil, err
	}
	if data[0] != '{' || !json.Valid(data) {
		return nil, errUnreadable
	}
	e := &MessageEvent{Type: firstOf(jsonText(member(data, "type")), name), Index: jsonInt(member(data, "index")), Raw: bytes.Clone(data)}
	delta := member(data, "delta")
	switch e.Type {
	case "ping":
		return nil, nil
	case "message_start":
		s.head.read(member(data, "message"))
	case typeMessage:
		s.head.read(data)
		s.ended = true
		e = s.event(data)
	case "content_block_start":
		block := MessageBlock{Type: BlockText}
		if v := member(data, "content_block"); v != nil {
			block = readBlock(v)
			block.Raw = nil // more of it may come
		}
		e.Block, e.Delta = &block, block.Text
		so := s.block(e.Index)
		so.block = block
		so.text.WriteString(block.Text)
	case "content_block_delta":
		so := s.block(e.Index)
		switch jsonText(member(delta, "type")) {
		case "text_delta", "":
			so.block.Type = firstOf(so.block.Type, BlockText)
			e.Delta = jsonText(member(delta, "text"))
			so.text.WriteString(e.Delta)
		case "input_json_delta":
			so.block.Type = firstOf(so.block.Type, BlockToolUse)
			e.PartialJSON = jsonText(member(delta, "partial_json"))
			so.input.WriteString(e.PartialJSON)
		}
	case "message_delta":
		e.StopReason = jsonText(member(delta, "stop_reason"))
		s.head.read(delta)
		if usage := member(data, "usage"); usage != nil {
			s.head.read([]byte(`{"usage":` + string(usage) + `}`))
		}
	case "message_stop":
		s.ended = true
	default:
		return e, nil
	}
	s.some = true
	return e, nil
}

func (s *messageSoFar) block(index int) *blockSoFar {
	b := s.byIndex[index]
	if b == nil {
		if s.byIndex == nil {
			s.byIndex = make(map[int]*blockSoFar)
		}
		b = &blockSoFar{}
		s.byIndex[index] = b
		s.blocks = append(s.blocks, b)
	}
	return b
}

func (s *messageSoFar) whole(t *trip, a *answer) (*MessageEvent, error) {
	if err := s.head.decode(t, a); err != nil {
		return nil, err
	}
	s.some, s.ended = true, true
	return s.event(a.body), nil
}

// event is the one event of a message that came all at once.
func (s *messageSoFar) event(data []byte) *MessageEvent {
	return &MessageEvent{Type: typeMessage, Delta: s.head.Text(), StopReason: s.head.StopReason, Raw: bytes.Clone(data)}
}

// typeMessage is the type of a message, and of an event that holds all of one.
const typeMessage = "message"

func (s *messageSoFar) over() bool { return s.ended }

// lacks takes the reason why the message ended for the end, where no
// message_stop comes.
func (s *messageSoFar) lacks() error {
	switch {
	case s.head.StopReason != "":
		return nil
	case len(s.blocks) == 0 && len(s.head.Content) == 0:
		return missing("content")
	case s.ended:
		return nil
	}
	return missing("stop_reason")
}

func (s *messageSoFar) last() *MessageEvent {
	if !s.some {
		return &MessageEvent{}
	}
	m := s.head
	m.Role = firstOf(m.Role, RoleAssistant)
	for _, so := range s.blocks {
		b := so.block
		b.Text = so.text.String()
		if in := so.input.String(); in != "" {
			b.Input = json.RawMessage(in)
		}
		if b.Input != nil && !json.Valid(b.Input) { // cut off, or the model's mistake
			b.Input, _ = json.Marshal(string(b.Input)) // a string always encodes
		}
		m.Content = append(m.Content, b)
	}
	return &MessageEvent{Type: typeMessage, Message: &m}
}

// CountTokensParams is a conversation whose length is asked for.
type CountTokensParams struct {
	Model    string         `json:"model" rule:"required"`
	Messages []MessageParam `json:"messages" rule:"required"`
	System   string         `json:"system,omitzero"`
}

func (p CountTokensParams) check() error {
	return checkMessages("CountTokensParams.Messages", p.Messages)
}

// tokenCount is the answer to CountTokens.
type tokenCount struct{ n int }

func (c *tokenCount) decode(t *trip, a *answer) error {
	if err := languageError(t, a); err != nil {
		return err
	}
	n := optionalInt(member(a.body, "input_tokens"))
	if n == nil || *n < 0 {
		return missing("input_tokens")
	}
	c.n = int(*n)
	return nil
}

// CountTokens counts the tokens of a conversation, as a [Message] of it would
// take them for its input. It makes no answer, can be repeated, and is.
// Documentation: docs.modelslab.com/llm-api/openapi.json.
// API: POST /api/v7/llm/v1/messages/count_tokens.
func (s *ChatService) CountTokens(ctx context.Context, p CountTokensParams, opts ...RequestOption) (int, error) {
	n, err := call[tokenCount](ctx, s.c, chatCountTokens, input{body: p}, opts)
	if err != nil {
		return 0, err
	}
	return n.n, nil
}
