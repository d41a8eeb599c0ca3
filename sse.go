package modelslab

import (
	"bytes"
	"errors"
	"io"
)

// Server-sent events, as the HTML standard has them: how the answers of language
// models arrive while they are made.

// maxEventBytes bounds one event, and one line of it.
const maxEventBytes = 1 << 20

var errEventTooLarge = errors.New("an event of the stream is larger than 1 MiB")

// event is one event of a stream. Its data hold until the next one is asked for.
type event struct {
	name string // "": not said
	data []byte // its lines, joined by line feeds
}

// eventReader takes a stream of events apart.
type eventReader struct {
	r    io.Reader
	most int    // bytes of a line, and of an event
	buf  []byte // as it was read; buf[at:end] is still to be looked at
	at   int
	end  int

	line   []byte // a line that comes in pieces
	data   []byte // of the event at hand
	began  bool   // the first line is over
	afterR bool   // the last byte was CR: an LF now belongs to it
	ended  bool   // the stream has come to its end, and well
	err    error  // why there is no more; io.EOF where it has ended
}

func newEventReader(r io.Reader, most int) *eventReader {
	return &eventReader{r: r, most: most, buf: make([]byte, 4096)}
}

// next is the next event that has data. io.EOF is the end of the stream. An
// event that the end of the stream cuts off counts all the same: some servers
// leave out the empty line after their last one.
func (r *eventReader) next() (event, error) {
	var e event
	r.data = r.data[:0]
	some := false
	for {
		line, ok := r.readLine()
		switch {
		case !ok && !(r.ended && some):
			return event{}, r.err
		case !ok, len(line) == 0 && some:
			e.data = r.data[:len(r.data)-1]
			return e, nil
		case len(line) == 0:
			e.name = "" // an event without data is none
			continue
		}
		field, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimPrefix(value, []byte{' '})
		switch string(field) {
		case "event":
			e.name = string(value)
		case "data":
			if some = true; len(r.data)+len(value) > r.most {
				r.at, r.err = r.end, errEventTooLarge
				return event{}, r.err
			}
			r.data = append(append(r.data, value...), '\n')
		}
		// A comment has an empty field. id and retry are for those who connect
		// again, and what is paid for is not asked for a second time.
	}
}

// maxEmptyReads is how often in a row a reader may give neither bytes nor an
// error.
const maxEmptyReads = 100

// readLine is the next line without its end, which is CR, LF or both. It holds
// until the next one is asked for. What follows the last end is a line too,
// unless it is empty or the reader broke.
func (r *eventReader) readLine() (line []byte, ok bool) {
	r.line = r.line[:0]
	for {
		if r.at == r.end && !r.fill() {
			if r.ended && len(r.line) > 0 {
				return r.first(r.line), true
			}
			return nil, false
		}
		if r.afterR { // nobody waited for it: the line was complete without
			r.afterR = false
			if r.buf[r.at] == '\n' {
				r.at++
				continue
			}
		}
		rest := r.buf[r.at:r.end]
		i := bytes.IndexAny(rest, "\r\n")
		piece := rest
		if i >= 0 {
			piece = rest[:i]
		}
		if len(r.line)+len(piece) > r.most {
			r.at, r.err = r.end, errEventTooLarge
			return nil, false
		}
		r.at += len(piece)
		if i >= 0 {
			r.at++
			r.afterR = rest[i] == '\r'
			if len(r.line) == 0 {
				return r.first(piece), true
			}
		}
		if r.line = append(r.line, piece...); i >= 0 {
			return r.first(r.line), true
		}
	}
}

// fill reads on. false: there is no more, and err says why.
func (r *eventReader) fill() bool {
	for range maxEmptyReads {
		if r.err != nil {
			return false
		}
		n, err := r.r.Read(r.buf)
		r.at, r.end, r.err = 0, n, err
		if err == io.EOF {
			r.ended = true
		}
		if n > 0 {
			return true
		}
	}
	if r.err == nil {
		r.err = io.ErrNoProgress
	}
	return false
}

// first takes the byte order mark off the first line.
func (r *eventReader) first(line []byte) []byte {
	if !r.began {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	r.began = true
	return line
}
