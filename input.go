package modelslab

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Input is a picture, a recording, a video or another file that a generation
// starts from: the URL of one, or one that travels in the request itself. Where
// an endpoint takes URLs alone, [UploadsService] makes a URL of a file.
//
// A file that travels along is read while the request is sent, and encoded piece
// by piece: it is not in memory as a whole, unless the caller has it there, or it
// is a stream of unknown length where 5 MB are the most. One from [InputReader]
// that cannot seek is sent once, so its call is not repeated.
//
// It prints as a short description. In JSON it is its URL; one with a file of its
// own is sent by this package's calls alone.
type Input struct {
	src   *source
	media string
}

// source is where an input's bytes come from. It is one pointer further away,
// because fmt walks into a pointer in somebody's unexported field under verbs that
// fit none.
type source struct{ *content }

type content struct {
	mark string // stands for the bytes in encoded params; "": a URL
	url  string
	file string

	mu   sync.Mutex // guards what follows
	data []byte     // InputBytes, or a short stream that has been read
	kept bool       // data is all there is
	r    io.Reader
	from int64       // where r, which can seek, began
	at   io.ReaderAt // r, if it can also be read at any place: by several at once
	seek io.Seeker
	head []byte // read from r to learn what it is
	sent bool   // r was read, and cannot be again
}

// InputURL is a file that has a URL, http or https, which the API's servers can
// reach without credentials and redirects.
func InputURL(u string) Input { return Input{src: &source{&content{url: u}}} }

// InputBytes is a file in memory. b must not change until the call returns.
func InputBytes(b []byte) Input {
	return Input{src: &source{&content{mark: newMark(), data: b, kept: true}}}
}

// InputFile is a file on this machine. It is opened when a call is made, once
// for each sending.
func InputFile(path string) Input {
	return Input{src: &source{&content{mark: newMark(), file: path}}}
}

// InputReader is a file that r yields, from where r stands. It serves one call,
// which can be repeated after a 429 if r can seek; one that is an io.ReaderAt too,
// such as a bytes.Reader, serves any number. A Read that blocks holds no call up
// beyond its context.
func InputReader(r io.Reader) Input {
	src := &source{&content{mark: newMark(), r: r}}
	if s, ok := r.(io.Seeker); ok && !isNil(r) {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil {
			src.seek, src.from = s, at
			src.at, _ = r.(io.ReaderAt)
		}
	}
	return Input{src: src}
}

// MediaType returns the same input with a media type, such as "audio/mpeg", for
// endpoints that want it named and a content that does not tell.
func (in Input) MediaType(t string) Input {
	in.media = t
	return in
}

// markPrefix begins the marks that stand for files in encoded params.
const markPrefix = "modelslab-input-"

// markForm is the form of a mark, in the quotes of a text that is nothing else.
var markForm = regexp.MustCompile(`"` + markPrefix + `[0-9a-f]{32}"`)

// strayInput is a file that encoding/json has found, and this package has not.
func strayInput() error {
	return &ParamError{Param: "Input", Reason: "is in a place of the params where it cannot be sent: give it in a field, a map or a list that is exported"}
}

func newMark() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return markPrefix + hex.EncodeToString(b[:])
}

func isNil(r any) bool {
	v := reflect.ValueOf(r)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

func (in Input) inline() bool { return in.src != nil && in.src.mark != "" }

func (in Input) line() string {
	switch {
	case in.src == nil:
		return "no input"
	case !in.inline():
		if u, err := url.Parse(in.src.url); err == nil && u.Host != "" {
			return "a URL at " + u.Host // its query can hold a signature
		}
		return "a URL"
	case in.src.file != "":
		return "file " + strconv.Quote(filepath.Base(in.src.file))
	}
	in.src.mu.Lock()
	defer in.src.mu.Unlock()
	if in.src.kept {
		return strconv.Itoa(len(in.src.data)) + " bytes"
	}
	return "a stream"
}

// Format writes what the input is, and never its content.
func (in Input) Format(f fmt.State, verb rune) { formatText(f, verb, in.line()) }

// LogValue implements slog.LogValuer.
func (in Input) LogValue() slog.Value { return slog.StringValue(in.line()) }

// MarshalJSON writes the URL. A file is written as a mark that the road replaces
// by its content.
func (in Input) MarshalJSON() ([]byte, error) {
	switch {
	case in.src == nil:
		return []byte("null"), nil
	case in.inline():
		return []byte(`"` + in.src.mark + `"`), nil
	}
	return json.Marshal(in.src.url)
}

// UnmarshalJSON reads a URL.
func (in *Input) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*in = Input{}
		return nil
	}
	var u string
	if err := json.Unmarshal(data, &u); err != nil {
		return err
	}
	*in = InputURL(u)
	return nil
}

// open begins to read the input, and says how long it is; -1: nobody knows.
func (in Input) open() (io.ReadCloser, int64, error) {
	src := in.src
	if src.file != "" || !src.kept && src.r == nil {
		f, size, err := openFile(src.file)
		if err != nil {
			return nil, 0, err
		}
		return f, size, nil
	}
	src.mu.Lock()
	defer src.mu.Unlock()
	if src.kept {
		return io.NopCloser(bytes.NewReader(src.data)), int64(len(src.data)), nil
	}
	if src.seek != nil {
		end, err := src.seek.Seek(0, io.SeekEnd)
		if err == nil {
			_, err = src.seek.Seek(src.from, io.SeekStart)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("cannot seek: %w", err)
		}
		size := max(0, end-src.from)
		if src.at != nil {
			return io.NopCloser(io.NewSectionReader(src.at, src.from, size)), size, nil
		}
		return io.NopCloser(src.r), size, nil
	}
	if src.sent {
		return nil, 0, errors.New("the reader was read by an earlier call; make a new Input")
	}
	size := int64(-1)
	if l, ok := src.r.(interface{ Len() int }); ok {
		size = int64(l.Len() + len(src.head))
	}
	return io.NopCloser(&onceReader{src: src}), size, nil
}

func openFile(path string) (*os.File, int64, error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return nil, 0, errNotRegular // to open a pipe would wait for whoever writes
	}
	f, err := os.Open(path) //nolint:gosec // the caller names the file that it wants to send
	if err != nil {
		return nil, 0, plainPathError(err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = plainPathError(err)
	case info.IsDir():
		err = errors.New("is a directory")
	case !info.Mode().IsRegular():
		err = errNotRegular
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

var errNotRegular = errors.New("is no regular file; give InputReader its content")

// plainPathError is err without the path, which stands beside it.
func plainPathError(err error) error {
	if p, ok := as[*os.PathError](err); ok {
		return p.Err
	}
	return err
}

// onceReader reads a stream from its start, what was looked at included.
type onceReader struct {
	src *source
	at  int
}

func (o *onceReader) Read(p []byte) (int, error) {
	o.src.mu.Lock()
	o.src.sent = true
	head := o.src.head
	o.src.mu.Unlock()
	if o.at < len(head) {
		n := copy(p, head[o.at:])
		o.at += n
		return n, nil
	}
	return o.src.r.Read(p)
}

// blocks reports whether reading may take as long as somebody else likes.
func (in Input) blocks() bool {
	in.src.mu.Lock()
	defer in.src.mu.Unlock()
	return in.src.file == "" && !in.src.kept && in.src.seek == nil
}

// again reports whether the input can be read a second time.
func (in Input) again() bool {
	in.src.mu.Lock()
	defer in.src.mu.Unlock()
	return in.src.file != "" || in.src.kept || in.src.seek != nil
}

// checkSize refuses a file that is too large. A stream of unknown length is read
// to learn it: as far as it may be long, and one byte more.
func (a *attachment) checkSize(ctx context.Context) error {
	r, size, err := a.in.open()
	if err != nil {
		return a.in.unreadable(a.param, err)
	}
	defer func() { _ = r.Close() }()
	shown := strconv.FormatInt(size, 10) + " bytes"
	if size < 0 {
		data, err := readSome(ctx, r, a.most+1)
		if err != nil {
			return a.readError(ctx, err)
		}
		src := a.in.src
		src.mu.Lock()
		src.data, src.kept = data, true
		src.mu.Unlock()
		size, shown = int64(len(data)), "a stream"
	}
	if size == 0 {
		return &ParamError{Param: a.param, Value: shown, Reason: "is empty"}
	}
	if size > a.most {
		return &ParamError{Param: a.param, Value: shown, Reason: "is larger than " + megabytes(a.most)}
	}
	return nil
}

// readError is the error of a look at a file: ctx's own, if it ended.
func (a *attachment) readError(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	return a.in.unreadable(a.param, err)
}

// readSome reads at most n bytes from a reader that may block for ever, until ctx
// ends. The goroutine ends with the Read that it is in.
func readSome(ctx context.Context, r io.Reader, n int64) ([]byte, error) {
	type read struct {
		data []byte
		err  error
	}
	done := make(chan read, 1)
	go func() {
		var all read
		defer func() {
			if cause := recover(); cause != nil { // in the caller's reader
				all.err = fmt.Errorf("the reader panicked: %v", cause)
			}
			done <- all
		}()
		all.data, all.err = io.ReadAll(io.LimitReader(r, n))
	}()
	select {
	case all := <-done:
		return all.data, all.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func megabytes(n int64) string { return strconv.FormatInt(n>>20, 10) + " MB" }

func (in Input) unreadable(param string, err error) *ParamError {
	return &ParamError{Param: param, Value: in.src.file, Reason: "cannot be read: " + clean(err.Error(), maxMessageText)}
}

// mediaTypes are those that http.DetectContentType does not tell, by extension.
var mediaTypes = map[string]string{
	".glb": "model/glb", ".gltf": "model/gltf", ".obj": "model/obj", ".stl": "model/stl", ".ply": "model/ply", ".fbx": "model/fbx",
	".mp3": "audio/mpeg", ".flac": "audio/flac", ".opus": "audio/opus", ".m4a": "audio/mp4", ".wav": "audio/wav", ".ogg": "audio/ogg",
	".mov": "video/quicktime", ".mp4": "video/mp4", ".webm": "video/webm", ".mkv": "video/x-matroska",
}

// mediaType is what the file is: by its owner's word, its name or its beginning.
func (a *attachment) mediaType(ctx context.Context) (string, error) {
	if a.in.media != "" {
		return a.in.media, nil
	}
	if t := mediaTypes[strings.ToLower(filepath.Ext(a.in.src.file))]; t != "" {
		return t, nil
	}
	head, err := a.in.peek(ctx)
	if err != nil {
		return "", a.readError(ctx, err)
	}
	if bytes.HasPrefix(head, []byte("glTF")) {
		return "model/glb", nil // not model/gltf-binary: uploads of 3D models take letters and digits
	}
	t, _, _ := strings.Cut(http.DetectContentType(head), ";")
	if t == "audio/wave" {
		t = "audio/wav"
	}
	return t, nil
}

// peek is the file's beginning.
func (in Input) peek(ctx context.Context) ([]byte, error) {
	r, _, err := in.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	const most = 512
	if !in.blocks() {
		return io.ReadAll(io.LimitReader(r, most))
	}
	head, err := readSome(ctx, r, most)
	if err != nil {
		return nil, err
	}
	in.src.mu.Lock()
	defer in.src.mu.Unlock()
	in.src.head, in.src.sent = head, false
	return head, nil
}

// The ways in which an endpoint takes files, as media tags of Input fields have
// them. Without a tag, in params that are not of this package, a file is base64.
const (
	mediaURL     = "url"     // URLs alone
	mediaBase64  = "base64"  // or base64, told apart by nothing
	mediaFlag    = "flag"    // or base64, told by the field base64
	mediaAnswer  = "answer"  // or base64, when the answer is asked for as base64 too
	mediaDataURI = "datauri" // as a data URI; behind it may stand how the media type has to begin
)

// mediaForm is the form of a media type (RFC 6838).
var mediaForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+_-]*/[A-Za-z0-9][A-Za-z0-9.+_-]*$`)

// attachment is an input among params.
type attachment struct {
	param, way string
	in         Input
	most       int64  // bytes; 0: no limit is documented
	media      string // of a data URI
}

var inputType = reflect.TypeFor[Input]()

// attachments finds the inputs among params.
func attachments(params any) []attachment {
	var all []attachment
	v, own := paramsOf(params)
	if !own {
		collectInputs("params", reflect.ValueOf(params), 0, false, func(param string, in Input) {
			all = append(all, attachment{param: param, way: mediaBase64, in: in})
		})
		return all
	}
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if !mayHoldInput(f.Type) {
			continue
		}
		way := f.Tag.Get("media")
		if way == "" {
			way = mediaURL
		}
		collectInputs(t.Name()+"."+f.Name, v.Field(i), 0, false, func(param string, in Input) {
			all = append(all, attachment{param: param, way: way, in: in, most: mostBytes(f.Tag.Get("rule"))})
		})
	}
	return all
}

// mostBytes is the size that a rule allows for a file; 0: none.
func mostBytes(rules string) int64 {
	_, last, _ := strings.Cut(rules, ",")
	if most, ok := strings.CutSuffix(last, " MB"); ok {
		return int64(atoi([]byte(most))) << 20
	}
	return 0
}

// mayHoldInput leaves out what is a number, a text or a pointer to one: most fields.
func mayHoldInput(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return mayHoldInput(t.Elem())
	case reflect.Struct, reflect.Map, reflect.Interface:
		return true
	}
	return false
}

// collectInputs yields the inputs within v; in a list, also those that are empty.
func collectInputs(param string, v reflect.Value, depth int, listed bool, yield func(string, Input)) {
	if !v.IsValid() || depth > 32 {
		return
	}
	if v.Type() == inputType {
		if !v.CanInterface() {
			return
		}
		if in, ok := v.Interface().(Input); ok && (in.src != nil || listed) {
			yield(param, in)
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			collectInputs(param, v.Elem(), depth+1, listed, yield)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() || f.Anonymous {
				collectInputs(param+"."+f.Name, v.Field(i), depth+1, false, yield)
			}
		}
	case reflect.Slice, reflect.Array:
		if k := v.Type().Elem().Kind(); k < reflect.Array || k == reflect.String {
			return // of numbers or text
		}
		for i := range v.Len() {
			collectInputs(param+"["+strconv.Itoa(i)+"]", v.Index(i), depth+1, true, yield)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			collectInputs(param+"."+fmt.Sprint(it.Key()), it.Value(), depth+1, false, yield)
		}
	}
}

// check refuses what cannot be sent.
func (a *attachment) check() error {
	src := a.in.src
	if src == nil {
		return missingInput(a.param)
	}
	if !a.in.inline() {
		u, err := url.Parse(src.url)
		switch {
		case strings.HasPrefix(src.url, "data:"):
			return &ParamError{Param: a.param, Value: "data:…", Reason: "must be an http or https URL; give the bytes to InputBytes"}
		case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
			shown, _, _ := strings.Cut(redactUserinfo(src.url), "?") // behind it a signature can stand
			return &ParamError{Param: a.param, Value: shown, Reason: "must be an http or https URL; a file on this machine is InputFile"}
		case u.User != nil:
			return &ParamError{Param: a.param, Reason: "must hold no user or password"}
		case strings.HasPrefix(a.way, mediaDataURI):
			return &ParamError{Param: a.param, Value: a.in.line(), Reason: "has a URL already"}
		}
		return nil
	}
	if src.r != nil && isNil(src.r) || src.r == nil && !src.kept && src.file == "" {
		return &ParamError{Param: a.param, Reason: "holds no file: the reader is nil, or the path is empty"}
	}
	if a.way == mediaURL {
		return &ParamError{Param: a.param, Value: a.in.line(), Reason: "must be a URL here; Generation.Uploads makes one of a file"}
	}
	if a.in.media != "" && !mediaForm.MatchString(a.in.media) {
		return &ParamError{Param: a.param, Value: a.in.media, Reason: "is no media type, such as image/png"}
	}
	r, size, err := a.in.open()
	if err != nil {
		return a.in.unreadable(a.param, err)
	}
	_ = r.Close()
	if size == 0 {
		return &ParamError{Param: a.param, Value: a.in.line(), Reason: "is empty"}
	}
	return nil
}

// attach checks the inputs among the params of the call, and keeps those that
// travel along.
func (t *trip) attach(ctx context.Context) error {
	all := attachments(t.in.body)
	for _, f := range t.opts.fields {
		all = append(all, f.inputs...)
	}
	flagged, linked := "", ""
	for i := range all {
		a := &all[i]
		if err := a.check(); err != nil {
			return err
		}
		inline := a.in.inline()
		switch {
		case a.way == mediaAnswer && inline && !asksBase64(t.in.body):
			return &ParamError{Param: a.param, Value: a.in.line(), Reason: "is taken here only with Base64, which asks for the answer in base64 too; Generation.Uploads makes a URL of a file"}
		case a.way == mediaFlag && inline:
			flagged = a.param
		case a.way == mediaFlag:
			linked = a.param
		}
		if !inline {
			continue
		}
		if a.most > 0 {
			if err := a.checkSize(ctx); err != nil {
				return err
			}
		}
		if a.in.blocks() {
			switch head, err := a.in.peek(ctx); {
			case err != nil:
				return a.readError(ctx, err)
			case len(head) == 0:
				return &ParamError{Param: a.param, Value: "a stream", Reason: "is empty"}
			}
		}
		if kind, ok := strings.CutPrefix(a.way, mediaDataURI); ok {
			var err error
			if a.media, err = a.mediaType(ctx); err != nil {
				return err
			}
			if kind = strings.TrimSpace(kind); !strings.HasPrefix(a.media, kind) {
				return &ParamError{Param: a.param, Value: a.media, Reason: "by its content or name is no " + kind + "…: say what it is with Input.MediaType"}
			}
		}
		t.inputs = append(t.inputs, *a)
	}
	if flagged != "" && linked != "" {
		return &ParamError{Param: linked, Reason: "is a URL, and " + flagged + " is a file: this endpoint takes either URLs or files"}
	}
	t.flagged = flagged != ""
	return nil
}

// asksBase64 reports whether params ask for an answer in base64.
func asksBase64(params any) bool {
	v, ok := paramsOf(params)
	if !ok {
		return false
	}
	switch f := v.FieldByName("Base64"); {
	case !f.IsValid():
		return false
	case f.Kind() == reflect.Pointer:
		return !f.IsNil() && f.Elem().Bool()
	default:
		return f.String() == string(Yes)
	}
}

// fileBody is a request's body with files in it: pieces of JSON, and between
// them the files, which are encoded as they are sent.
type fileBody struct {
	pieces [][]byte // one more than there are files
	files  []Input
	sizes  []int64 // of the files; -1: unknown
	length int64   // of the whole; -1: unknown
}

// newFileBody cuts encoded params where their inputs are.
func newFileBody(body []byte, inputs []attachment) (*fileBody, error) {
	type cut struct {
		at, end int
		a       *attachment
	}
	var cuts []cut
	for i := range inputs {
		a := &inputs[i]
		mark := []byte(a.in.src.mark)
		if i > 0 && hasSource(inputs[:i], a.in.src) {
			continue // the same file in two places: found already
		}
		for at := 0; ; {
			n := bytes.Index(body[at:], mark)
			if n < 0 {
				break
			}
			cuts = append(cuts, cut{at + n, at + n + len(mark), a})
			at += n + len(mark)
		}
	}
	if n := len(markForm.FindAll(body, -1)); n > len(cuts) {
		return nil, strayInput()
	}
	sort.Slice(cuts, func(i, j int) bool { return cuts[i].at < cuts[j].at })
	b := &fileBody{}
	last := 0
	for i := range cuts {
		c := &cuts[i]
		in := c.a.in
		piece := body[last:c.at:c.at]
		if strings.HasPrefix(c.a.way, mediaDataURI) {
			piece = append(piece, "data:"+c.a.media+";base64,"...)
		}
		r, size, err := in.open()
		if err != nil {
			return nil, in.unreadable(c.a.param, err)
		}
		_ = r.Close()
		for _, before := range b.files {
			if before.src == in.src && !in.again() {
				return nil, &ParamError{Param: c.a.param, Reason: "is a stream, which can be sent in one place only"}
			}
		}
		b.pieces = append(b.pieces, piece)
		b.files = append(b.files, in)
		b.sizes = append(b.sizes, size)
		last = c.end
	}
	b.pieces = append(b.pieces, body[last:])
	for _, p := range b.pieces {
		b.length += int64(len(p))
	}
	for _, size := range b.sizes {
		if size < 0 {
			b.length = -1
			break
		}
		b.length += (size + 2) / 3 * 4
	}
	return b, nil
}

func hasSource(among []attachment, src *source) bool {
	for i := range among {
		if among[i].in.src == src {
			return true
		}
	}
	return false
}

// again reports whether the body can be sent a second time.
func (b *fileBody) again() bool {
	for _, in := range b.files {
		if !in.again() {
			return false
		}
	}
	return true
}

// What a slow line sends in a second, in bytes, and how long a file of unknown
// length may take.
const (
	slowLine        = 128 << 10
	unknownPatience = 10 * time.Minute
)

// patience is how much longer than other calls one with files may take.
func (b *fileBody) patience() time.Duration {
	switch {
	case b == nil:
		return 0
	case b.length < 0:
		return unknownPatience
	}
	return time.Duration(b.length/slowLine) * time.Second
}

// open begins to send the body. What blocks in a caller's reader is left alone
// when ctx ends.
func (b *fileBody) open(ctx context.Context) *fileReader { return &fileReader{b: b, ctx: ctx} }

// fileReader yields a body piece by piece, and opens one file at a time. A
// transport may close it while it is being read.
type fileReader struct {
	b   *fileBody
	ctx context.Context //nolint:containedctx // of the request whose body it is

	next int // piece
	text []byte
	size int64 // what the file has to have; -1: whatever comes
	read int64
	lame atomic.Bool // it ended with an error of a file's
	raw  []byte      // as read
	out  []byte      // encoded, and not yet taken
	buf  []byte
	err  error

	mu     sync.Mutex // guards what follows
	file   io.ReadCloser
	closed bool
}

// What is read of a file at once, in bytes: divisible by 3, so that base64 needs
// no padding before the end.
const filePiece = 24 << 10

var errBodyClosed = errors.New("modelslab: the request has ended")

func (f *fileReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		switch {
		case f.err != nil:
			f.lame.Store(!errors.Is(f.err, io.EOF) && !errors.Is(f.err, errBodyClosed))
			return 0, f.err
		case len(f.text) > 0:
			n := copy(p, f.text)
			f.text = f.text[n:]
			return n, nil
		case len(f.out) > 0:
			n := copy(p, f.out)
			f.out = f.out[n:]
			return n, nil
		}
		f.mu.Lock()
		file, closed := f.file, f.closed
		f.mu.Unlock()
		switch {
		case closed:
			f.err = errBodyClosed
		case file != nil:
			f.fill(file)
		case f.next == len(f.b.pieces):
			f.err = io.EOF
		default:
			f.begin()
		}
	}
}

// broke reports whether a file could not be sent whole.
func (f *fileReader) broke() bool { return f != nil && f.lame.Load() }

// begin turns to the next piece, and to the file behind it.
func (f *fileReader) begin() {
	i := f.next
	f.next++
	f.text = f.b.pieces[i]
	if i == len(f.b.files) {
		return
	}
	file, _, err := f.b.files[i].open()
	if err != nil {
		f.err = fmt.Errorf("modelslab: a file of the request cannot be read: %w", err)
		return
	}
	if f.b.files[i].blocks() {
		file = leave(f.ctx, file)
	}
	f.size, f.read = f.b.sizes[i], 0
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		_ = file.Close()
		return
	}
	f.file = file
}

// fill reads and encodes the next part of the file.
func (f *fileReader) fill(file io.ReadCloser) {
	if f.raw == nil {
		f.raw, f.buf = make([]byte, filePiece), make([]byte, base64.StdEncoding.EncodedLen(filePiece))
	}
	n, err := io.ReadFull(file, f.raw)
	f.read += int64(n)
	if f.size >= 0 && f.read > f.size {
		f.err = errors.New("modelslab: a file of the request grew while it was sent")
		return
	}
	f.out = f.buf[:base64.StdEncoding.EncodedLen(n)]
	base64.StdEncoding.Encode(f.out, f.raw[:n])
	if err == nil {
		return
	}
	closing := f.drop()
	switch {
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		f.err = fmt.Errorf("modelslab: a file of the request cannot be read: %w", plainPathError(err))
	case f.size >= 0 && f.read != f.size:
		f.err = errors.New("modelslab: a file of the request became shorter while it was sent")
	case closing != nil:
		f.err = fmt.Errorf("modelslab: a file of the request cannot be read: %w", plainPathError(closing))
	}
}

// drop closes the file at hand, if there is one.
func (f *fileReader) drop() error {
	f.mu.Lock()
	file := f.file
	f.file = nil
	f.mu.Unlock()
	if file == nil {
		return nil
	}
	return file.Close()
}

// Close implements io.Closer.
func (f *fileReader) Close() error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	return f.drop()
}

// leave reads from a reader that may block for ever, until ctx ends. The goroutine
// ends with the Read that it is in.
func leave(ctx context.Context, r io.ReadCloser) io.ReadCloser {
	pr, pw := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = pr.CloseWithError(ctx.Err()) })
	go func() {
		var err error
		defer func() {
			if cause := recover(); cause != nil { // in the caller's reader
				err = fmt.Errorf("the reader panicked: %v", cause)
			}
			_ = pw.CloseWithError(err)
			_ = r.Close()
			stop()
		}()
		_, err = io.Copy(pw, r)
	}()
	return pr
}
