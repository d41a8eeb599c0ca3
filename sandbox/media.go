package sandbox

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/color/palette"
	"image/gif"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// mediaFile is what a link below /media/ leads to.
type mediaFile struct {
	job     *job   // nil: an upload
	format  string // png, wav, mp4, gif, glb, obj, stl, ply, txt
	picture picture
	text    string
	seed    int64

	bytes     []byte // of an upload
	mediaType string // likewise
	expires   time.Time
}

// encodedFile is a file that stands in an answer as base64. It is rendered when the answer
// is written, outside the server's lock.
type encodedFile struct{ file mediaFile }

func (e encodedFile) MarshalJSON() ([]byte, error) {
	return json.Marshal(base64.StdEncoding.EncodeToString(e.file.render()))
}

// dayLong is how long uploads and temporary results live.
const dayLong = 24 * time.Hour

// draw plans what a job makes. s.mu is held.
func (s *Server) draw(c *call, j *job, results int64) {
	m := j.row
	about := cmp.Or(c.text("prompt"), c.text("text"), m.title())
	seed := c.count("seed", 0)
	if !c.has("seed") || seed == 0 && m.makes == makesSolid { // where 0 means random
		seed = promptSeed(about)
	}
	// The vendor's own limits allow pictures too small to write on.
	width, height := c.side("width"), c.side("height")
	f := mediaFile{job: j, format: m.format(c), text: m.words(about), seed: seed}
	if m.brief || c.set("temp") {
		f.expires = j.created.Add(dayLong)
	}
	for i := range results {
		name := fmt.Sprintf("%d-%d.%s", j.id, i, f.format)
		f.picture = picture{prompt: about, seed: seed + i, width: width, height: height}
		s.files[name] = f
		j.files = append(j.files, name)
	}
	j.meta = m.meta(c, about, seed, width, height, results)
}

// side is the length of a picture's side.
func (c *call) side(name string) int { return int(min(max(c.count(name, 512), 64), 2048)) }

// title says what an endpoint does, for jobs that have no prompt.
func (m *mediaJob) title() string {
	_, name, _ := strings.Cut(m.name, ".")
	return strings.ReplaceAll(name, "_", " ")
}

// format is the kind of file that the request asks for. Audio is always a wave file, and no
// video is one, whatever format was asked for: only a GIF can be made without a codec.
func (m *mediaJob) format(c *call) string {
	asked := cmp.Or(c.text("output_format"), c.text("output_type"))
	switch m.makes {
	case makesVoice:
		return "wav"
	case makesVideo:
		if asked == "gif" {
			return asked
		}
		return "mp4"
	case makesSolid:
		return cmp.Or(asked, "glb")
	case makesText:
		return "txt"
	}
	return "png"
}

// words is the text of a job that writes one.
func (m *mediaJob) words(about string) string {
	switch m.name {
	case "image_editing.caption":
		return "A landscape with hills under a wide sky."
	case "voice.lyrics_generator":
		return "[Verse 1]\nThis is a song about " + about + "\n[Chorus]\nOh, " + about
	}
	return "The quick brown fox jumps over the lazy dog."
}

// meta repeats the parameters, as the vendor does, without the key and inline media.
func (m *mediaJob) meta(c *call, about string, seed int64, width, height int, results int64) object {
	const longest = 4096
	meta := object{}
	for name, value := range c.fields {
		text, isText := value.(string)
		if name != "key" && name != "webhook" && name != "track_id" && (!isText || len(text) <= longest) {
			meta[name] = value
		}
	}
	meta["seed"] = seed
	if c.has("prompt") {
		meta["prompt"] = about
	}
	if m.family == "/api/v6/video" && !slices.Contains([]any{nil, "cogvideox", "wanx", "svd", "wan2.2", "ltx-2.3"}, c.fields["model_id"]) {
		meta["model_id"] = "wan2.2" // what the pages say becomes of any other model
	}
	switch {
	case m.family == fifth:
		meta["W"], meta["H"], meta["n_samples"] = width, height, results
		meta["steps"] = c.count("num_inference_steps", 30)
	case m.makes == makesImage:
		meta["width"], meta["height"], meta["samples"] = width, height, results
	}
	return meta
}

// media serves a finished file. It is public, as the real links are; it is rendered when the
// answer is written, outside the server's lock.
func (s *Server) media(c *call) answer {
	f, ok := s.files[c.params["file"]]
	if j := f.job; !ok || !f.expires.IsZero() && !c.now.Before(f.expires) ||
		j != nil && (j.deleted || c.now.Before(j.ready) || s.generationOutcome != GenerationSucceeds) {
		return page(http.StatusNotFound, "<!DOCTYPE html><title>404 Not Found</title>")
	}
	return answer{status: http.StatusOK, raw: f.render}.
		with("Content-Type", f.contentType()).
		with("X-Content-Type-Options", "nosniff") // uploads hold whatever somebody sent
}

func (f mediaFile) contentType() string {
	if f.mediaType != "" {
		return f.mediaType
	}
	switch f.format {
	case "png", "gif":
		return "image/" + f.format
	case "wav":
		return "audio/wav"
	case "mp4":
		return "video/mp4"
	case "glb":
		return "model/gltf-binary"
	case "obj", "stl":
		return "model/" + f.format
	case "ply":
		return "application/octet-stream"
	}
	return "text/plain; charset=utf-8"
}

// render makes the bytes of the file. The same file is always the same bytes.
func (f mediaFile) render() []byte {
	switch f.format {
	case "png":
		return f.picture.png()
	case "wav":
		return tone(f.seed)
	case "mp4":
		return videoStub()
	case "gif":
		return blink()
	case "glb":
		return triangle()
	case "obj":
		return []byte("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
	case "stl":
		return []byte("solid triangle\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\nendsolid triangle\n")
	case "ply":
		return []byte("ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nelement face 1\nproperty list uchar int vertex_index\nend_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")
	case "txt":
		return []byte(f.text)
	}
	return f.bytes
}

const (
	toneLength = 250 * time.Millisecond
	toneRate   = 8000 // samples per second
)

// tone is a wave file with a note that fades out, a different one for each seed.
func tone(seed int64) []byte {
	samples := int(toneLength * toneRate / time.Second)
	pitch := 220 * math.Pow(2, float64(uint64(seed)%24)/12) //nolint:gosec // any number will do
	b := bytes.NewBuffer(make([]byte, 0, 44+2*samples))
	b.WriteString("RIFF")
	put(b, uint32(36+2*samples))
	b.WriteString("WAVEfmt ")
	put(b, uint32(16), uint16(1), uint16(1), uint32(toneRate), uint32(2*toneRate), uint16(2), uint16(16)) // PCM, one channel, 16 bits
	b.WriteString("data")
	put(b, uint32(2*samples))
	for i := range samples {
		fade := 1 - float64(i)/float64(samples)
		put(b, int16(12000*fade*math.Sin(2*math.Pi*pitch*float64(i)/toneRate)))
	}
	return b.Bytes()
}

// put writes numbers of fixed size, little endian. A buffer takes everything.
func put(b *bytes.Buffer, numbers ...any) {
	for _, n := range numbers {
		_ = binary.Write(b, binary.LittleEndian, n)
	}
}

// triangle is a binary glTF with one triangle.
func triangle() []byte {
	const points = 9 * 4
	description := []byte(`{"asset":{"version":"2.0","generator":"sandbox"},"scene":0,"scenes":[{"nodes":[0]}],"nodes":[{"mesh":0}],` +
		`"meshes":[{"primitives":[{"attributes":{"POSITION":0}}]}],"buffers":[{"byteLength":36}],` +
		`"bufferViews":[{"buffer":0,"byteLength":36,"target":34962}],` +
		`"accessors":[{"bufferView":0,"componentType":5126,"count":3,"type":"VEC3","min":[0,0,0],"max":[1,1,0]}]}`)
	for len(description)%4 != 0 {
		description = append(description, ' ')
	}
	var b bytes.Buffer
	b.WriteString("glTF")
	put(&b, uint32(2), uint32(12+8+len(description)+8+points)) //nolint:gosec // a few hundred
	put(&b, uint32(len(description)))                          //nolint:gosec // likewise
	b.WriteString("JSON")
	b.Write(description)
	put(&b, uint32(points))
	b.WriteString("BIN\x00")
	put(&b, [9]float32{0, 0, 0, 1, 0, 0, 0, 1, 0})
	return b.Bytes()
}

// videoStub is an MP4 file without a film: a sandbox has no encoder.
func videoStub() []byte {
	var b bytes.Buffer
	box := func(kind, content string) {
		_ = binary.Write(&b, binary.BigEndian, uint32(8+len(content))) //nolint:gosec // a few dozen bytes
		b.WriteString(kind + content)
	}
	box("ftyp", "isom\x00\x00\x02\x00isomiso2mp41")
	box("free", "This is a stub made by a sandbox. It holds no film.")
	return b.Bytes()
}

// blink is a GIF of two frames.
func blink() []byte {
	g := &gif.GIF{}
	for i := range 2 {
		frame := image.NewPaletted(image.Rect(0, 0, 16, 16), palette.Plan9)
		for p := range frame.Pix {
			frame.Pix[p] = uint8(255 * i) //nolint:gosec // 0 or 255
		}
		g.Image, g.Delay = append(g.Image, frame), append(g.Delay, 50)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		panic(fmt.Sprintf("sandbox: the GIF does not encode: %v", err))
	}
	return b.Bytes()
}
