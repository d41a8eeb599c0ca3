package modelslab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// seenEvent is an event that outlives the next one.
type seenEvent struct{ Name, Data string }

// eventsOf reads a stream to its end.
func eventsOf(r io.Reader, most int) (events []seenEvent, err error) {
	for er := newEventReader(r, most); ; {
		e, err := er.next()
		if err != nil {
			if again, errAgain := er.next(); errAgain == nil {
				return events, fmt.Errorf("goes on after %w: %v", err, again)
			}
			return events, err
		}
		events = append(events, seenEvent{e.name, string(e.data)})
	}
}

func data(lines ...string) []seenEvent {
	var events []seenEvent
	for _, d := range lines {
		events = append(events, seenEvent{"", d})
	}
	return events
}

// streams are texts and the events in them.
var streams = []struct {
	name   string
	text   string
	events []seenEvent
}{
	{"nothing", "", nil},
	{"one event", "data: a\n\n", data("a")},
	{"two events", "data: a\n\ndata: b\n\n", data("a", "b")},
	{"no space after the colon", "data:a\n\n", data("a")},
	{"one space is taken off, not two", "data:  a \n\n", data(" a ")},
	{"a tab is no space", "data:\ta\n\n", data("\ta")},
	{"several lines", "data: a\ndata: b\ndata:\ndata: c\n\n", data("a\nb\n\nc")},
	{"no data", "event: x\n\ndata: a\n\n", data("a")},
	{"empty data", "data\n\ndata:\n\ndata: a\n\n", data("", "", "a")},
	{"a name", "event: x\ndata: a\n\ndata: b\n\n", []seenEvent{{"x", "a"}, {"", "b"}}},
	{"a name after the data", "data: a\nevent: x\n\n", []seenEvent{{"x", "a"}}},
	{"the last name counts", "event: x\nevent: y\ndata: a\n\n", []seenEvent{{"y", "a"}}},
	{"comments", ": ping\n\n:\ndata: a\n: data: no\ndata: b\n\n: ping\n\n", data("a\nb")},
	{"id and retry", "id: 7\nretry: 100\ndata: a\n\nid\nretry: soon\n\n", data("a")},
	{"unknown fields", "Data: no\ndata-x: no\n data: no\nbytes: 5\ndata: a\n\n", data("a")},
	{"a colon in the value", "data: {\"a\":\"b: c\"}\n\n", data(`{"a":"b: c"}`)},
	{"empty lines without end", "\n\n\n\ndata: a\n\n\n\n", data("a")},
	{"byte order mark", "\xef\xbb\xbfdata: a\n\n", data("a")},
	{"byte order mark alone on its line", "\xef\xbb\xbf\ndata: a\n\n", data("a")},
	{"a second mark is none", "\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", data("b")},
	{"a mark inside is none", "data: a\n\n\xef\xbb\xbfdata: b\n\ndata: c\n\n", data("a", "c")},
	{"several bytes a character", "data: añ日🙂\n\n", data("añ日🙂")},
	{"cut off after the line", "data: a\n\ndata: [DONE]\n", data("a", "[DONE]")},
	{"cut off in the line", "data: a\n\nevent: x\ndata: [DONE]", []seenEvent{{"", "a"}, {"x", "[DONE]"}}},
	{"cut off without data", "data: a\n\nevent: x\n", data("a")},
}

func TestEventsAreTakenApart(t *testing.T) {
	for _, tt := range streams {
		for end, name := range map[string]string{"\n": "LF", "\r": "CR", "\r\n": "CRLF"} {
			t.Run(tt.name+", "+name, func(t *testing.T) {
				text := strings.ReplaceAll(tt.text, "\n", end)
				got, err := eventsOf(strings.NewReader(text), 1000)
				require.ErrorIs(t, err, io.EOF)
				assert.Equal(t, tt.events, got)

				got, err = eventsOf(iotest.OneByteReader(strings.NewReader(text)), 1000)
				require.ErrorIs(t, err, io.EOF)
				assert.Equal(t, tt.events, got, "byte by byte")
				got, err = eventsOf(iotest.DataErrReader(strings.NewReader(text)), 1000)
				require.ErrorIs(t, err, io.EOF)
				assert.Equal(t, tt.events, got, "with the end beside the last bytes")
				for i := range len(text) {
					got, err = eventsOf(io.MultiReader(strings.NewReader(text[:i]), strings.NewReader(text[i:])), 1000)
					require.ErrorIs(t, err, io.EOF)
					require.Equal(t, tt.events, got, "cut at %d", i)
				}
			})
		}
	}
}

func TestLineEndsMayBeMixed(t *testing.T) {
	got, err := eventsOf(strings.NewReader("data: a\r\n\rdata: b\n\r\ndata: c\r\r\ndata: d\n\n"), 1000)
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, data("a", "b", "c", "d"), got)
}

func TestAnEventIsThereAsSoonAsItsLastByteIs(t *testing.T) {
	for _, text := range []string{"data: a\n\n", "data: a\r\r", "data: a\r\n\r\n", "data: a\r\n\r"} {
		r := newEventReader(io.MultiReader(strings.NewReader(text), panicReader{}), 1000)
		e, err := r.next()
		require.NoError(t, err, "%q", text)
		assert.Equal(t, "a", string(e.data))
	}
}

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic("the event was complete without this") }

func TestABrokenStreamGivesNoHalfEvents(t *testing.T) {
	broke := errors.New("broke")
	for _, text := range []string{"data: a\n\ndata: b", "data: a\n\ndata: b\n", "data: a\n\n", "data: a\r\r"} {
		got, err := eventsOf(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broke)), 1000)
		require.ErrorIs(t, err, broke, "%q", text)
		assert.Equal(t, data("a"), got)
	}
}

func TestAReaderThatGivesNothingIsLeft(t *testing.T) {
	got, err := eventsOf(io.MultiReader(strings.NewReader("data: a\n\ndata: b\n"), idleReader{}), 1000)
	require.ErrorIs(t, err, io.ErrNoProgress)
	assert.Equal(t, data("a"), got)
}

type idleReader struct{}

func (idleReader) Read([]byte) (int, error) { return 0, nil }

func TestEventsHaveAGreatestSize(t *testing.T) {
	const most = 10_000
	line := func(n int) string { return "data:" + strings.Repeat("x", n-5) }
	for name, tt := range map[string]struct {
		text string
		n    int
	}{
		"a line that fits":         {line(most) + "\n\n", 1},
		"a line that does not":     {line(most+1) + "\n\ndata: a\n\n", 0},
		"a line without end":       {line(10 * most), 0},
		"a comment without end":    {"data: a\n\n:" + strings.Repeat("x", 10*most), 1},
		"lines that fit together":  {line(most/2) + "\n" + line(most/2) + "\n\n", 1},
		"lines that do not":        {strings.Repeat(line(most/2)+"\n", 3) + "\ndata: a\n\n", 0},
		"empty lines without end":  {strings.Repeat("data\n", 2*most), 0},
		"an event after a big one": {line(most) + "\n\n" + line(most) + "\n\n", 2},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.text), iotest.HalfReader(strings.NewReader(tt.text)), iotest.OneByteReader(strings.NewReader(tt.text))} {
				got, err := eventsOf(r, most)
				assert.Len(t, got, tt.n)
				if strings.Contains(name, "fit") || tt.n == 2 {
					require.ErrorIs(t, err, io.EOF)
				} else {
					require.ErrorIs(t, err, errEventTooLarge)
				}
			}
		})
	}
}

// FuzzEvents gives any text to the parser of events and to those who put answers
// together, and any body to the calls of language models. None may panic, a
// stream is the same however it comes in pieces, what is put together is the sum
// of its pieces, and each call has a result or an error.
func FuzzEvents(f *testing.F) {
	for _, s := range streams {
		f.Add(s.text, s.text)
	}
	for _, s := range []string{chatStream, toolStream, messageStream, messageToolStream, oneLineEach} {
		f.Add(s, chatBody)
		f.Add(strings.ReplaceAll(s, "\n", "\r\n"), messageBody)
	}
	for _, s := range []string{
		`{}`, `[]`, `null`, `{"choices":[]}`, `{"choices":[{}]}`, `{"choices":[{"index":-1,"message":{"content":[{"text":"a"},7]}}]}`, `{"choices":[{"index":1e99,"delta":{"tool_calls":[{"index":5,"function":{"arguments":{"a":1}}}]}}]}`,
		`{"content":"a"}`, `{"content":[{"type":"thinking","thinking":"x"}],"stop_reason":7}`, `{"error":{"message":null}}`, `{"status":"error","message":"no"}`, `{"input_tokens":"5"}`, `{"input_tokens":-5}`, `{"data":[{"id":"a"},{}]}`, `[{"id":1}]`,
		`{"usage":{"prompt_tokens":1e30}}`, `{"choices":{"0":{"message":{}}}}`, `{"message":"\ud800"}`,
	} {
		f.Add("data: "+s+"\n\n", s)
		f.Add("event: content_block_delta\ndata: "+s+"\n\ndata: [DONE]\n\n", s)
	}
	net := &always{}
	c := stubbed(f, net, hasty(1))
	f.Fuzz(func(t *testing.T, text, body string) {
		const most = 500
		events, err := eventsOf(strings.NewReader(text), most)
		require.Error(t, err)
		pieces, errPieces := eventsOf(iotest.OneByteReader(strings.NewReader(text)), most)
		assert.Equal(t, events, pieces)
		assert.Equal(t, err, errPieces)
		for _, e := range events {
			assert.LessOrEqual(t, len(e.Data), most+1)
		}
		fuzzChat(t, events)
		fuzzMessage(t, events)

		for _, row := range []struct {
			name string
			call func(*ChatService) (any, error)
		}{
			{"Complete", func(s *ChatService) (any, error) { return notBoth(s.Complete(t.Context(), hello())) }},
			{"Message", func(s *ChatService) (any, error) { return notBoth(s.Message(t.Context(), helloMessage())) }},
			{"CountTokens", func(s *ChatService) (any, error) {
				n, err := s.CountTokens(t.Context(), CountTokensParams{Model: "m", Messages: helloMessage().Messages})
				assert.GreaterOrEqual(t, n, 0)
				return n, err
			}},
			{"Models", func(s *ChatService) (any, error) {
				models, err := s.Models(t.Context())
				for _, m := range models {
					assert.NotEmpty(t, m.ID)
				}
				return models, err
			}},
			{"Stream", func(s *ChatService) (any, error) { return lastOf(t, s.Stream(t.Context(), hello())) }},
			{"MessageStream", func(s *ChatService) (any, error) { return lastOf(t, s.MessageStream(t.Context(), helloMessage())) }},
		} {
			for _, net.step = range []step{says(200, body), streaming(text)} {
				got, err := row.call(c.Generation.Chat)
				if err != nil {
					oneLine(t, err)
					continue
				}
				_, err = json.Marshal(got)
				require.NoError(t, err, row.name)
			}
		}
	})
}

// always is a network with one answer, which keeps no record.
type always struct{ step }

func (a *always) RoundTrip(req *http.Request) (*http.Response, error) { return a.step(req) }

func notBoth[T any](v *T, err error) (any, error) {
	if err != nil && v != nil {
		return nil, fmt.Errorf("%v beside %w", v, err)
	}
	return v, err
}

func fuzzChat(t *testing.T, events []seenEvent) {
	so, text := &chatSoFar{wanted: 1}, ""
	for _, e := range events {
		event, err := so.take(e.Name, []byte(e.Data))
		if err != nil {
			break
		}
		if event != nil {
			text += event.Delta
		}
	}
	c := so.completion()
	got := ""
	for _, choice := range c.Choices {
		if choice.Index == 0 {
			got += choice.Message.Content
		}
	}
	assert.Equal(t, text, got)
	wire, err := json.Marshal(c)
	require.NoError(t, err)
	var again ChatCompletion
	require.NoError(t, json.Unmarshal(wire, &again))
	rewire, err := json.Marshal(&again)
	require.NoError(t, err)
	assert.JSONEq(t, string(wire), string(rewire))
}

func fuzzMessage(t *testing.T, events []seenEvent) {
	so, text, atOnce := &messageSoFar{}, 0, false
	for _, e := range events {
		event, err := so.take(e.Name, []byte(e.Data))
		if err != nil {
			break
		}
		if event != nil {
			text += len(event.Delta)
			atOnce = atOnce || event.Type == typeMessage || event.Type == "message_start" || event.Type == "content_block_start"
		}
	}
	last := so.last()
	wire, err := json.Marshal(last)
	require.NoError(t, err)
	if last.Message == nil {
		assert.Zero(t, text)
		return
	}
	if !atOnce {
		n := 0
		for _, b := range last.Message.Content {
			n += len(b.Text)
		}
		assert.Equal(t, text, n)
	}
	var again MessageEvent
	require.NoError(t, json.Unmarshal(wire, &again))
}
