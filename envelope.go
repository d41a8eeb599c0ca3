package modelslab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"
)

// An answer of the Agents API is an envelope, {data, error, meta}, or one of
// its relatives: without the envelope, with keys missing, from the framework
// (message, errors), from a proxy (an HTML page), or empty. The generation APIs
// have a shape of their own (status, message). All of them are taken apart
// here, in one walk over the body's outer object; the data is then decoded once,
// where it stands.

// answer is one response, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte // without the white space around it
	outer  outer
	shape  shape
}

// shape is what a body is at first sight.
type shape uint8

const (
	shapeEmpty  shape = iota
	shapeObject       // outer holds its parts
	shapeJSON         // an array or another JSON value, not validated
	shapeOther        // HTML, text, or JSON that breaks off
)

// outer are the members of the outermost object that mean something here, as
// they stand in the body; nil where absent. null counts as absent, but for
// data, whose presence marks an envelope.
type outer struct {
	data, err, meta          []byte
	message, messege, errors []byte
	code, details            []byte
	requestID, replay        []byte
	retryAfter               []byte
	// What is there, if only as null: data, and anything that belongs to no
	// envelope.
	hasData, hasOther bool
}

func newAnswer(status int, header http.Header, body []byte) answer {
	a := answer{status: status, header: header}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	body = bytes.TrimSpace(body)
	a.body = body
	switch {
	case len(body) == 0:
		a.shape = shapeEmpty
	case body[0] == '{':
		a.shape = shapeObject
		if !a.outer.read(body) {
			a.shape, a.outer = shapeOther, outer{}
		}
	case body[0] == '<':
		a.shape = shapeOther
	case json.Valid(body):
		a.shape = shapeJSON
	default:
		a.shape = shapeOther
	}
	return a
}

func (o *outer) read(object []byte) bool {
	m := membersOf(object)
	for m.next() {
		var place *[]byte
		switch string(m.name) {
		case "data":
			place, o.hasData = &o.data, true
		case "error":
			place = &o.err
		case "meta":
			place = &o.meta
		case "request_id":
			place = &o.requestID
		case "idempotency_replay":
			place = &o.replay
		default:
			o.hasOther = true
			switch string(m.name) {
			case "message":
				place = &o.message
			case "messege":
				place = &o.messege
			case "errors":
				place = &o.errors
			case "code":
				place = &o.code
			case "details":
				place = &o.details
			case "retry_after":
				place = &o.retryAfter
			}
		}
		if place != nil && m.value[0] != 'n' {
			*place = m.value
		}
	}
	return m.err == nil
}

// payload is what a method's result is decoded from: the envelope's data, or
// the whole body where there is no envelope. nil: there is none.
func (a *answer) payload() []byte {
	o := &a.outer
	switch {
	case a.shape == shapeJSON && string(a.body) != "null":
		return a.body
	case a.shape != shapeObject:
		return nil
	case o.data != nil && (o.data[0] == '{' || o.data[0] == '['):
		return o.data
	case o.hasData && o.data == nil, !o.hasData && !o.hasOther:
		return nil
	}
	return a.body
}

// members walks over the payload of an answer whose few members are wanted:
// cheaper than a struct to decode into. It is checked whole first.
func (a *answer) members() (members, error) {
	p := a.object()
	switch {
	case p == nil:
		return members{}, errNoData
	case p[0] != '{' || !json.Valid(p):
		return members{}, errUnreadable
	}
	return membersOf(p), nil
}

// facts is members for an answer of which hardly anything is documented: words
// alone are none.
func (a *answer) facts() (members, error) {
	m, err := a.members()
	if err == nil && onlyWords(a.object()) {
		err = missing("data")
	}
	return m, err
}

// onlyWords reports whether an object holds a message and nothing else.
func onlyWords(object []byte) bool {
	words, others := 0, 0
	for m := membersOf(object); m.next(); {
		switch string(m.name) {
		case "message", "messege", "status", "success", "meta", "error":
			words++
		default:
			others++
		}
	}
	return words > 0 && others == 0
}

// object is the payload where an object is due: PHP writes an empty one as [].
func (a *answer) object() []byte {
	p := a.payload()
	if len(p) > 0 && p[0] == '[' {
		if i := skipSpace(p, 1); i < len(p) && p[i] == ']' {
			return []byte("{}")
		}
	}
	return p
}

// anything is the payload of a success of which nothing is documented: an
// object, and an empty one where the server says nothing at all. Where money
// may have moved, a body that is missing without 204 No Content is a lost one.
func (a *answer) anything(t *trip) ([]byte, error) {
	p := a.object()
	switch {
	case p == nil && a.shape == shapeEmpty && t.e.Spends && a.status != http.StatusNoContent:
		return nil, errNoData
	case a.shape == shapeJSON && saysNo(a.body):
		return nil, errSaysFailed
	case p == nil || p[0] != '{' && a.shape == shapeJSON && !t.e.Spends:
		return []byte("{}"), nil
	case t.e.Spends && len(a.outer.data) > 0 && a.outer.data[0] == '"' && !done(jsonText(a.outer.data)):
		return nil, errUnreadable // a sentence instead of data
	case p[0] != '{' || !json.Valid(p):
		return nil, errUnreadable
	}
	return p, nil
}

// decode fills v from the payload.
func (a *answer) decode(v any) error {
	p := a.object()
	if p == nil {
		return errNoData
	}
	return decodeTolerant(p, v)
}

// decodeBeside fills v from the payload, or from what stands beside a data that
// is null, where the answer may have come without its envelope.
func (a *answer) decodeBeside(v any) error {
	if a.object() == nil && a.shape == shapeObject {
		return decodeTolerant(a.body, v)
	}
	return a.decode(v)
}

var (
	errNoData     = errors.New("the answer holds no data")
	errUnreadable = errors.New("the answer is not JSON")
)

// unreadable is errUnreadable for an answer that says what it is instead.
func unreadable(h http.Header) error {
	media, _, err := mime.ParseMediaType(first(h["Content-Type"]))
	if err != nil || strings.HasSuffix(media, "json") {
		return errUnreadable
	}
	return fmt.Errorf("the answer is %s, not JSON", clean(media, maxCodeText))
}

// missing is the error for a success that lacks what it was asked for.
func missing(field string) error { return fmt.Errorf("the answer lacks %q", field) }

// decodeTolerant decodes JSON and lets a member of an unexpected type stay
// zero: what a method cannot do without, its decoder asks for.
func decodeTolerant(p []byte, v any) error {
	err := json.Unmarshal(p, v)
	if _, ok := as[*json.UnmarshalTypeError](err); ok {
		return nil
	}
	return err
}

// requestID is the server's id of the request: meta's, the body's, the
// header's.
func (a *answer) requestID() string {
	if id := jsonText(member(a.outer.meta, "request_id")); id != "" {
		return id
	}
	if id := first(a.header["X-Request-Id"]); id != "" {
		return id
	}
	return jsonText(a.outer.requestID)
}

var replayHeaders = [...]string{"Idempotency-Replay", "Idempotent-Replayed", "X-Idempotency-Replay"}

// replayed reports whether the server says that it gave an earlier answer once
// more. Where it says so is documented nowhere, so all likely places are asked.
func (a *answer) replayed() bool {
	if bytes.Contains(a.body, []byte(`"idempotency_replay"`)) {
		for _, v := range [...][]byte{member(a.outer.meta, "idempotency_replay"), member(a.outer.data, "idempotency_replay"), a.outer.replay} {
			if truth(v) {
				return true
			}
		}
	}
	for _, name := range replayHeaders {
		if v := a.header[name]; len(v) > 0 && truth([]byte(v[0])) {
			return true
		}
	}
	return false
}

func truth(v []byte) bool {
	switch strings.ToLower(strings.Trim(string(v), `" `)) {
	case "true", "1", "yes":
		return true
	}
	return false
}

// refused reports whether the answer's status says no.
func (a *answer) refused() bool { return a.status < 200 || a.status > 299 }

// failed reports whether there is an error in the body, whatever the status.
func (a *answer) failed() bool { return a.outer.err != nil && !emptyValue(a.outer.err) }

// emptyValue tells the ways in which PHP says nothing.
func emptyValue(v []byte) bool {
	switch string(bytes.TrimSpace(v)) {
	case "null", "false", `""`, "[]", "{}", "0":
		return true
	}
	return false
}

// fault is the error of an answer that says no.
func (a *answer) fault(e *APIError) {
	o := &a.outer
	kind := "" // what language models have where the code is null
	if o.err != nil && o.err[0] == '{' {
		for m := membersOf(o.err); m.next(); {
			switch string(m.name) {
			case "code":
				e.Code = jsonText(m.value)
			case "type":
				kind = jsonText(m.value)
			case "message":
				e.Message = jsonText(m.value)
			case "details":
				if m.value[0] != 'n' {
					e.Details = bytes.Clone(m.value)
				}
			}
		}
	}
	e.Code = firstOf(e.Code, jsonText(o.code), kind)
	if e.Details == nil && o.details != nil {
		e.Details = bytes.Clone(o.details)
	}
	for _, v := range [...][]byte{o.message, o.messege, o.err} {
		if e.Message == "" && len(v) > 0 && v[0] == '"' {
			e.Message = jsonText(v)
		}
	}
	if e.Message == "" && a.shape == shapeOther {
		e.Message = title(a.body)
	}
	if e.Message == "" {
		e.Message = http.StatusText(a.status)
	}
	// Field errors: in the envelope's details, or in the framework's errors.
	if a.status == http.StatusUnprocessableEntity || a.status == http.StatusBadRequest || e.Code == "validation_error" {
		e.Fields = fieldErrors(o.errors)
		if e.Fields == nil {
			e.Fields = fieldErrors(e.Details)
		}
	}
}

// fieldErrors reads a validation bag: field to messages, or to one message.
func fieldErrors(bag []byte) map[string][]string {
	var fields map[string][]string
	for m := membersOf(bag); m.next(); {
		var list []string
		switch m.value[0] {
		case '"':
			list = []string{jsonText(m.value)}
		case '[':
			if json.Unmarshal(m.value, &list) != nil {
				continue
			}
		default:
			continue
		}
		if fields == nil {
			fields = make(map[string][]string)
		}
		fields[string(m.name)] = list
	}
	return fields
}

var titleForm = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`)

// title is the title of an HTML page: all of a page that an error may show.
func title(page []byte) string {
	if m := titleForm.FindSubmatch(page[:min(len(page), 4096)]); m != nil {
		return string(bytes.TrimSpace(m[1]))
	}
	return ""
}
