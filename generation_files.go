package modelslab

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

const (
	defaultParallel = 4
	maxParallel     = 64
	maxFileName     = 200 // bytes
	maxSameName     = 10_000
	// progressStep is how many bytes come between two calls of Progress.
	progressStep = 256 << 10
	// surelyBase64 is the length from which a text without a space is no word.
	surelyBase64 = 256
)

// DownloadParams is how the outputs of a job are saved.
type DownloadParams struct {
	Parallel int // files at a time, 1 to 64; default 4
	// Name chooses the file's name for the output at a position of Output; url is
	// empty where the output is the file itself. It must be a plain name of at most
	// 200 bytes that every system takes: no slash, no "..", none of <>:"|?* and no
	// name of a Windows device. nil: the job's id, the position from 1 on, and an
	// extension by what the file is.
	Name func(i int, url string) string
	// Progress is told how far each file is; one call at a time, and downloads wait
	// for it. May be nil.
	Progress func(DownloadProgress)
}

// DownloadProgress is how far a file is. It names no URL, which can hold a
// signature.
type DownloadProgress struct {
	Index int    // the position in Output
	Name  string // the file's name; without an extension that is not known yet
	Bytes int64  // so far
	Total int64  // -1: not known
	Done  bool   // saved, under Name
}

// DownloadAll saves every output of a job that succeeded as a file in dir, which
// is made if it is missing, and returns the paths in the order of Output. Outputs
// in base64 and data URIs are decoded. A text that is no file (a caption, a
// transcript) is an error that names the output.
//
// A file appears in dir when it is whole, and replaces none: where a name is
// taken, -2, -3 … is added. What was saved before an error, or before ctx ended,
// stays and is among the paths, with "" for the others; nothing is left of those.
// Each file is fetched as [GenerationService.Download] does it, without
// credentials. Save early: the URLs of face_gen, head_shot and of any job with
// temp die after 24 hours, and nothing is promised for the others.
func (s *GenerationService) DownloadAll(ctx context.Context, g *Generation, dir string, p DownloadParams) ([]string, error) {
	plans, err := planFiles(ctx, g, dir, &p)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the owner's files, as readable as any
		return nil, fmt.Errorf("modelslab: %w", err)
	}
	root, err := os.OpenRoot(dir) // it stays where it is, whatever becomes of its name
	if err != nil {
		return nil, fmt.Errorf("modelslab: %w", err)
	}
	defer func() { _ = root.Close() }()
	d := &saver{s: s, root: root, progress: p.Progress}

	paths, errs := make([]string, len(plans)), make([]error, len(plans))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var next atomic.Int64
	w := newCrew()
	for range min(p.Parallel, len(plans)) {
		w.start(func() {
			well := false
			defer func() {
				if !well { // Progress panicked: the others end too
					cancel()
				}
			}()
			for i := int(next.Add(1) - 1); i < len(plans); i = int(next.Add(1) - 1) {
				name, err := d.save(ctx, &plans[i], g.Output[i])
				if err == nil {
					paths[i] = filepath.Join(dir, name)
					continue
				}
				errs[i] = fmt.Errorf("modelslab: %s: %w", plans[i].output(), err)
			}
			well = true
		})
	}
	w.wait()
	w.rethrow()
	return paths, errors.Join(errs...)
}

// filePlan is an output and the name that its file will have.
type filePlan struct {
	i         int
	stem, ext string
	sniff     bool // ext is to be found out
}

func (p *filePlan) output() string { return "Generation.Output[" + strconv.Itoa(p.i) + "]" }

// planFiles checks what can be checked before anything is fetched.
func planFiles(ctx context.Context, g *Generation, dir string, p *DownloadParams) ([]filePlan, error) {
	bad := func(param, value, reason string) ([]filePlan, error) {
		return nil, &ParamError{Param: param, Value: value, Reason: reason}
	}
	switch {
	case ctx == nil:
		return bad("ctx", "", "nil")
	case g == nil:
		return bad("Generation", "", "nil")
	case g.Status != StatusSuccess:
		return bad("Generation.Status", string(g.Status), "must be success: see Generation.Wait")
	case len(g.Output) == 0:
		return bad("Generation.Output", "", "is empty: there is nothing to save")
	case dir == "":
		return bad("dir", "", "is empty")
	case p.Parallel < 0 || p.Parallel > maxParallel:
		return bad("DownloadParams.Parallel", strconv.Itoa(p.Parallel), "must be 1 to "+strconv.Itoa(maxParallel))
	case p.Parallel == 0:
		p.Parallel = defaultParallel
	}
	plans := make([]filePlan, len(g.Output))
	for i, out := range g.Output {
		plans[i] = filePlan{i: i, stem: safeStem(g.ID) + "-" + strconv.Itoa(i+1), sniff: true}
		link := ""
		if isLink(out) {
			link = out
			plans[i].ext = knownExt(link)
			plans[i].sniff = plans[i].ext == ""
		}
		if p.Name == nil {
			continue
		}
		name := p.Name(i, link)
		if reason := badFileName(name); reason != "" {
			// It may have been made of a URL that holds a signature: it is not repeated.
			return bad("DownloadParams.Name", "", "what it returned for "+plans[i].output()+" "+reason)
		}
		ext := path.Ext(name)
		if ext == name {
			ext = ""
		}
		plans[i] = filePlan{i: i, stem: strings.TrimSuffix(name, ext), ext: ext}
	}
	return plans, nil
}

func isLink(out string) bool {
	return hasPrefixFold(out, "https://") || hasPrefixFold(out, "http://")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// safeStem makes of a foreign id the beginning of a file name.
func safeStem(id string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, id)
	return firstOf(safe[:min(len(safe), maxFileName/2)], "job")
}

// badFileName is why a name is none that every system takes; "": it is one.
func badFileName(name string) string {
	base, _, _ := strings.Cut(name, ".")
	switch {
	case name == "":
		return "is empty"
	case len(name) > maxFileName:
		return "has more than " + strconv.Itoa(maxFileName) + " bytes"
	case strings.ContainsAny(name, `/\<>:"|?*`), hasControl(name), !utf8.ValidString(name):
		return `must be a plain file name: no slash, no control character and none of <>:"|?*`
	case name == ".", strings.Contains(name, ".."), strings.HasSuffix(name, "."), strings.HasSuffix(name, " "), strings.HasPrefix(name, " "):
		return `must hold no "..", and end neither with a dot nor with a space`
	case slices.Contains(devices, strings.ToUpper(strings.TrimRight(base, " "))):
		return "is the name of a device under Windows"
	}
	return ""
}

// devices are names that Windows keeps for itself, with any extension
// (learn.microsoft.com/windows/win32/fileio/naming-a-file).
var devices = func() []string {
	names := []string{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
	for _, n := range []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³"} {
		names = append(names, "COM"+n, "LPT"+n)
	}
	return names
}()

// fileTypes are the extensions that outputs have, by the types that servers call
// them.
var fileTypes = map[string]string{
	"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif", "image/bmp": ".bmp", "image/avif": ".avif", "image/tiff": ".tiff",
	"video/mp4": ".mp4", "video/webm": ".webm", "video/quicktime": ".mov", "video/x-matroska": ".mkv", "video/avi": ".avi", "video/x-msvideo": ".avi",
	"audio/mpeg": ".mp3", "audio/mp3": ".mp3", "audio/wav": ".wav", "audio/wave": ".wav", "audio/x-wav": ".wav", "audio/vnd.wave": ".wav",
	"audio/flac": ".flac", "audio/x-flac": ".flac", "audio/ogg": ".ogg", "application/ogg": ".ogg", "audio/opus": ".opus",
	"audio/mp4": ".m4a", "audio/x-m4a": ".m4a", "audio/aac": ".aac", "audio/aiff": ".aiff",
	"model/gltf-binary": ".glb", "model/gltf+json": ".gltf", "model/obj": ".obj", "model/stl": ".stl", "model/ply": ".ply", "model/fbx": ".fbx",
	"application/zip": ".zip", "application/json": ".json", "text/plain": ".txt", "text/vtt": ".vtt", "application/x-subrip": ".srt",
}

// otherExts are extensions without a type of their own.
var otherExts = []string{".jpeg", ".tif", ".usdz", ".m4v", ".safetensors"}

// knownExt is the extension of a URL's path, if it is one that outputs have.
func knownExt(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	ext := strings.ToLower(path.Ext(u.Path))
	if slices.Contains(otherExts, ext) {
		return ext
	}
	for _, known := range fileTypes {
		if ext == known {
			return ext
		}
	}
	return ""
}

// extOf is the extension for a file, by what its server calls it and by its first
// bytes.
func extOf(contentType string, head []byte) string {
	if media, _, err := mime.ParseMediaType(contentType); err == nil && fileTypes[media] != "" {
		return fileTypes[media]
	}
	return firstOf(sniffed(head), ".bin")
}

// sniffed is the extension that the first bytes of a file tell; "": they do not.
func sniffed(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("glTF")):
		return ".glb"
	case bytes.HasPrefix(head, []byte("fLaC")):
		return ".flac"
	}
	media, _, _ := strings.Cut(http.DetectContentType(head), ";")
	if strings.HasPrefix(media, "text/") {
		return "" // it tells no text from another
	}
	return fileTypes[media]
}

// saver saves files in one directory.
type saver struct {
	s    *GenerationService
	root *os.Root

	mu       sync.Mutex
	progress func(DownloadProgress)
}

func (d *saver) tell(p DownloadProgress) {
	if d.progress == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.progress(p)
}

// save makes a file of an output and returns its name.
func (d *saver) save(ctx context.Context, plan *filePlan, out string) (name string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	var content []byte
	media := ""
	link := isLink(out)
	if !link {
		var ok bool
		if content, media, ok = inlineFile(out); !ok {
			return "", &ParamError{Param: "Generation.Output", Reason: "is neither a URL nor a file in base64: it is a text to read"}
		}
	}
	temporary := ".modelslab-" + rand.Text() + ".part"
	file, err := d.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", err
	}
	closed := false
	defer func() { // also after a panic of Progress
		if !closed {
			_ = file.Close()
		}
		_ = d.root.Remove(temporary)
	}()
	f := &savedFile{d: d, plan: plan, file: file}
	if link {
		_, err = d.s.c.download(ctx, out, f)
	} else {
		f.begin(media, int64(len(content)))
		_, err = f.Write(content)
	}
	if err != nil {
		return "", err
	}
	if err := file.Sync(); err != nil {
		return "", err
	}
	closed = true
	if err := file.Close(); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	ext := plan.ext
	if plan.sniff {
		ext = extOf(f.media, f.head)
	}
	if name, err = d.publish(temporary, plan.stem, ext); err != nil {
		return "", err
	}
	d.tell(DownloadProgress{Index: plan.i, Name: name, Bytes: f.n, Total: f.n, Done: true})
	return name, nil
}

// publish gives a whole file the first name that is free.
func (d *saver) publish(temporary, stem, ext string) (string, error) {
	for n := 1; n <= maxSameName; n++ {
		name := stem + ext
		if n > 1 {
			name = stem + "-" + strconv.Itoa(n) + ext
		}
		err := d.root.Link(temporary, name) // unlike a renaming, it replaces nothing
		if err != nil && !errors.Is(err, fs.ErrExist) {
			err = d.claim(temporary, name)
		}
		switch {
		case err == nil:
			return name, nil
		case !errors.Is(err, fs.ErrExist):
			return "", err
		}
	}
	return "", &ParamError{Param: "dir", Reason: "has " + strconv.Itoa(maxSameName) + " files of the same name"}
}

// claim is for file systems without links: it takes the name, then renames.
func (d *saver) claim(temporary, name string) error {
	taken, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if err = taken.Close(); err == nil {
		err = d.root.Rename(temporary, name)
	}
	if err != nil {
		_ = d.root.Remove(name)
	}
	return err
}

// savedFile is a file on its way to the disk.
type savedFile struct {
	d    *saver
	plan *filePlan
	file *os.File

	media   string
	head    []byte
	n, told int64
	total   int64
}

func (f *savedFile) begin(contentType string, length int64) {
	f.media, f.total = contentType, max(length, -1)
	f.tell()
}

func (f *savedFile) Write(p []byte) (int, error) {
	if room := 512 - len(f.head); room > 0 {
		f.head = append(f.head, p[:min(room, len(p))]...)
	}
	n, err := f.file.Write(p)
	f.n += int64(n)
	if f.n-f.told >= progressStep {
		f.tell()
	}
	return n, err
}

func (f *savedFile) tell() {
	f.told = f.n
	f.d.tell(DownloadProgress{Index: f.plan.i, Name: f.plan.stem + f.plan.ext, Bytes: f.n, Total: f.total})
}

// inlineFile decodes an output that is the file itself: a data URI, or base64.
func inlineFile(out string) (content []byte, media string, ok bool) {
	if hasPrefixFold(out, "data:") {
		head, data, found := strings.Cut(out[len("data:"):], ",")
		if !found {
			return nil, "", false
		}
		if strings.Contains(data, "%") {
			var err error
			if data, err = url.PathUnescape(data); err != nil {
				return nil, "", false
			}
		}
		end := len(head) - len(";base64")
		if end < 0 || !strings.EqualFold(head[end:], ";base64") {
			return []byte(data), firstOf(head, "text/plain"), true
		}
		content, ok = fromBase64(data)
		return content, head[:end], ok
	}
	content, ok = fromBase64(out)
	// A word of a caption can be base64 too.
	return content, "", ok && (sniffed(content) != "" || len(out) >= surelyBase64)
}

// fromBase64 reads the alphabets of RFC 4648, padded or not.
func fromBase64(s string) ([]byte, bool) {
	s = strings.TrimRight(s, "=\r\n")
	if s == "" {
		return nil, false
	}
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		encoding = base64.RawURLEncoding
	}
	content, err := encoding.Strict().DecodeString(s)
	return content, err == nil
}
