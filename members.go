package modelslab

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Foreign JSON, taken apart where it stands: walks over members and elements, and
// readers that take whatever comes.

// jsonText reads a JSON string, or a number as it is written; anything else is
// "".
func jsonText(v []byte) string {
	var t text
	_ = t.UnmarshalJSON(v) // it takes everything
	return string(t)
}

// jsonInt reads a whole number, as a number or a string.
func jsonInt(v []byte) int {
	var n flexInt
	_ = n.UnmarshalJSON(v) // it takes everything
	return int(n)
}

// optionalInt reads a whole number that may be null.
func optionalInt(v []byte) *int64 {
	if jsonNumber(v) == "" {
		return nil
	}
	return Ptr(int64(jsonInt(v)))
}

// jsonNumber is a number as it is written, as a number or a string; anything
// else is "".
func jsonNumber(v []byte) json.Number {
	n := json.Number(jsonText(v))
	if c := n[:min(1, len(n))]; c != "-" && (c < "0" || c > "9") || !json.Valid([]byte(n)) {
		return ""
	}
	return n
}

// member is one member of a JSON object; nil if v is no object, or if the member
// is absent or null.
func member(v []byte, name string) []byte {
	var found []byte
	for m := membersOf(v); m.next(); {
		if string(m.name) == name && m.value[0] != 'n' {
			found = m.value
		}
	}
	return found
}

// inside is the object that stands in v under the first of the names that has
// one, and v itself where none has.
func inside(v []byte, names ...string) []byte {
	for _, name := range names {
		if inner := member(v, name); len(inner) > 0 && inner[0] == '{' {
			return inner
		}
	}
	return v
}

func hasMember(v []byte, name string) bool {
	for m := membersOf(v); m.next(); {
		if string(m.name) == name {
			return true
		}
	}
	return false
}

// members walks over the members of a JSON object, in order:
//
//	for m := membersOf(v); m.next(); { … m.name, m.value … }
//
// It finds where values end without reading them: their inner grammar is
// checked by whoever decodes them.
type members struct {
	b           []byte
	i           int
	name, value []byte
	err         error // what ended the walk, but for the object's end
}

func membersOf(v []byte) members {
	if len(v) == 0 || v[0] != '{' {
		return members{err: errUnreadable, i: -1}
	}
	return members{b: v}
}

// next steps to the next member. An object that is not closed, or followed by
// anything, ends with an error.
func (m *members) next() bool {
	b, i := m.b, m.i
	switch {
	case i < 0:
		return false
	case i == 0:
		i = skipSpace(b, 1)
		if i < len(b) && b[i] == '}' {
			return m.end(skipSpace(b, i+1) == len(b))
		}
	default:
		i = skipSpace(b, i)
		switch {
		case i < len(b) && b[i] == ',':
			i = skipSpace(b, i+1)
		case i < len(b) && b[i] == '}':
			return m.end(skipSpace(b, i+1) == len(b))
		default:
			return m.end(false)
		}
	}
	if i >= len(b) || b[i] != '"' {
		return m.end(false)
	}
	end := stringEnd(b, i)
	if end < 0 {
		return m.end(false)
	}
	m.name = b[i+1 : end-1]
	if bytes.IndexByte(m.name, '\\') >= 0 {
		m.name = []byte(jsonText(b[i:end]))
	}
	i = skipSpace(b, end)
	if i >= len(b) || b[i] != ':' {
		return m.end(false)
	}
	i = skipSpace(b, i+1)
	if end = valueEnd(b, i); end < 0 {
		return m.end(false)
	}
	m.value, m.i = b[i:end], end
	return true
}

func (m *members) end(well bool) bool {
	m.i = -1
	if !well {
		m.err = errUnreadable
	}
	return false
}

// elements walks over the elements of a JSON array, in order.
type elements struct {
	b     []byte
	i     int
	value []byte
}

func elementsOf(v []byte) elements {
	if len(v) == 0 || v[0] != '[' {
		return elements{}
	}
	return elements{b: v, i: 1}
}

func (e *elements) next() bool {
	i := skipSpace(e.b, e.i)
	if i < len(e.b) && e.b[i] == ',' {
		i = skipSpace(e.b, i+1)
	}
	end := -1
	if i > 0 && i < len(e.b) && e.b[i] != ']' {
		end = valueEnd(e.b, i)
	}
	if end < 0 {
		e.b = nil
		return false
	}
	e.value, e.i = e.b[i:end], end
	return true
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// stringEnd is where the string that begins at i ends, or -1.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		j := bytes.IndexByte(b[i:], '"')
		if j < 0 {
			return -1
		}
		i += j
		slashes := 0
		for b[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
	return -1
}

// valueEnd is where the value that begins at i ends, or -1.
func valueEnd(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return stringEnd(b, i)
	case '{', '[':
		depth := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				if i = stringEnd(b, i); i < 0 {
					return -1
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
		return -1
	}
	start := i
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
		i++
	}
	if !isScalar(b[start:i]) {
		return -1
	}
	return i
}

// isScalar tells a literal, or what looks like a number; whoever reads the
// number sees whether it is one.
func isScalar(v []byte) bool {
	switch string(v) {
	case "", "-":
		return false
	case "null", "true", "false":
		return true
	}
	if v[0] != '-' && !isDigit(v[0]) {
		return false
	}
	for _, c := range v[1:] {
		if !isDigit(c) && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-' {
			return false
		}
	}
	return true
}

// seconds reads a number of seconds, as a number or as a string.
func seconds(v []byte) (float64, bool) {
	s, err := strconv.ParseFloat(jsonText(v), 64)
	return s, err == nil && s >= 0
}
