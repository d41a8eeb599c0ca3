package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// uploadRow is an endpoint that turns bytes into a link.
type uploadRow struct {
	name, path string
	field      string
	media      string // how the media type begins
	lasting    bool   // the link has no end
	unlimited  bool   // no greatest size is documented
}

// largestUpload is the documented limit, of the bytes themselves.
const largestUpload = 5 << 20

// Uploads that differ from the others.
const (
	cropUpload   = "uploads.base64_crop"
	serverUpload = "uploads.server_image"
)

func uploads() []*uploadRow {
	return []*uploadRow{
		{name: "uploads.file", path: "/api/v6/base64_to_url", field: "base64_string"},
		{name: "uploads.image", path: "/api/v6/image_editing/base64_to_url", field: "init_image", media: "image/", unlimited: true},
		{name: "uploads.video", path: "/api/v6/video/base64_to_url", field: "init_obj", media: "video/", unlimited: true},
		{name: "uploads.audio", path: "/api/v6/voice/base64_to_url", field: "init_audio", media: "audio/", unlimited: true},
		{name: "uploads.threed", path: "/api/v6/3d/base64_to_url", field: "init_obj", media: "model/", unlimited: true},
		{name: cropUpload, path: "/api/v3/base64_crop", field: "image", media: "image/", lasting: true},
		{name: serverUpload, path: "/api/v1/enterprise/upload_image", field: "base64_image", media: "image/", lasting: true, unlimited: true},
	}
}

func (s *Server) upload(c *call, u *uploadRow) answer {
	if _, refusal, refused := s.keyHolder(c); refused {
		return refusal
	}
	f, wrong := u.read(c)
	if wrong != "" {
		return generationError(http.StatusBadRequest, "%s", wrong)
	}
	id := s.nextID("generation", 10_000_001)
	if !u.lasting {
		f.expires = c.now.Add(dayLong)
	}
	name := fmt.Sprintf("%d-%s.%s", id, s.randomText(12), extension(f.mediaType))
	s.files[name] = f
	if u.name == cropUpload {
		// The picture is stored as it is: what a crop cuts away is not documented.
		return bare(http.StatusOK, object{"status": "success", "messege": "image uploaded", "link": s.link(name), "request_id": id})
	}
	return bare(http.StatusOK, object{"status": "success", "id": id, "output": []string{s.link(name)}})
}

// read takes the file out of the request, or says what is wrong with it.
func (u *uploadRow) read(c *call) (mediaFile, string) {
	fields := []param{{name: u.field, kind: "text", required: true}}
	switch u.name {
	case cropUpload:
		fields = append(fields, param{name: "crop", kind: "truefalse"})
	case serverUpload:
		fields = append(fields, param{name: "image_type", kind: "text", required: true, words: []string{"png", "jpeg", "jpg"}})
	}
	if wrong := complaint(c, fields); wrong != "" {
		return mediaFile{}, wrong
	}
	head, data, isURI := strings.Cut(c.text(u.field), ",")
	mediaType, base64URI := strings.CutSuffix(strings.TrimPrefix(head, "data:"), ";base64")
	if !isURI && u.name == serverUpload { // its page says base64, and nothing of a data URI
		mediaType, base64URI, data = "image/"+c.text("image_type"), true, head
	} else if !strings.HasPrefix(head, "data:") {
		base64URI = false
	}
	mediaType, _, _ = strings.Cut(mediaType, ";")
	if !base64URI || !strings.HasPrefix(mediaType, u.media) {
		return mediaFile{}, fmt.Sprintf("%s must be a data URI: data:%s...;base64,...", u.field, u.media)
	}
	content, err := base64.StdEncoding.DecodeString(data)
	switch {
	case err != nil || len(content) == 0:
		return mediaFile{}, u.field + " must be valid base64"
	case len(content) > largestUpload && !u.unlimited:
		return mediaFile{}, "File size exceeds the 5 MB limit."
	}
	return mediaFile{bytes: content, mediaType: servedAs(mediaType)}, ""
}

// servedAs is the media type of an upload's link. What a browser could run on this origin
// is served as plain bytes.
func servedAs(mediaType string) string {
	kind, _, _ := strings.Cut(mediaType, "/")
	harmless := slices.Contains([]string{"image", "video", "audio", "model"}, kind)
	if !harmless || strings.ContainsAny(mediaType, " \r\n") || strings.Contains(mediaType, "svg") {
		return "application/octet-stream"
	}
	return mediaType
}

// extension is how the name of an upload ends.
func extension(mediaType string) string {
	switch mediaType {
	case "image/png", "image/gif", "image/webp", "video/mp4", "video/webm", "audio/wav", "model/obj", "model/stl":
		return mediaType[strings.IndexByte(mediaType, '/')+1:]
	case "image/jpeg":
		return "jpg"
	case "audio/mpeg":
		return "mp3"
	case "model/gltf-binary":
		return "glb"
	}
	return "bin"
}
