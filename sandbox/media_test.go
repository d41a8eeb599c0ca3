package sandbox_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image/gif"
	"image/png"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// path takes the origin off a link.
func (v *visitor) path(link any) string {
	v.t.Helper()
	text, isText := link.(string)
	require.True(v.t, isText, "%v is no link", link)
	path, ours := strings.CutPrefix(text, v.srv.URL())
	require.True(v.t, ours, text)
	return path
}

func list(t *testing.T, value any) []any {
	t.Helper()
	values, isList := value.([]any)
	require.True(t, isList, "%v is no array", value)
	return values
}

// parses looks into a file.
func parses(t *testing.T, kind, contentType string, file []byte) {
	t.Helper()
	switch kind {
	case "image":
		assert.Equal(t, "image/png", contentType)
		_, err := png.Decode(bytes.NewReader(file))
		assert.NoError(t, err)
	case "voice":
		assert.Equal(t, "audio/wav", contentType)
		require.Greater(t, len(file), 44)
		assert.Equal(t, "RIFF", string(file[:4]))
		assert.Equal(t, len(file)-8, int(binary.LittleEndian.Uint32(file[4:])))
		assert.Equal(t, "WAVEfmt ", string(file[8:16]))
		assert.Equal(t, len(file)-44, int(binary.LittleEndian.Uint32(file[40:])))
	case "video":
		assert.Equal(t, "video/mp4", contentType)
		size := binary.BigEndian.Uint32(file)
		assert.Equal(t, "ftypisom", string(file[4:12]))
		assert.Equal(t, "free", string(file[size+4:size+8]))
		assert.Equal(t, len(file), int(size+binary.BigEndian.Uint32(file[size:])))
		assert.Contains(t, string(file), "stub")
	case "3d":
		assert.Equal(t, "model/gltf-binary", contentType)
		assert.Equal(t, "glTF", string(file[:4]))
		assert.Equal(t, uint32(2), binary.LittleEndian.Uint32(file[4:]))
		assert.Equal(t, len(file), int(binary.LittleEndian.Uint32(file[8:])))
		size := binary.LittleEndian.Uint32(file[12:])
		assert.Equal(t, "JSON", string(file[16:20]))
		assert.True(t, json.Valid(file[20:20+size]))
		assert.Equal(t, "BIN\x00", string(file[24+size:28+size]))
		assert.Equal(t, len(file)-int(28+size), int(binary.LittleEndian.Uint32(file[20+size:])))
	case "text":
		assert.Equal(t, "text/plain; charset=utf-8", contentType)
		assert.NotEmpty(t, file)
	}
}

func TestEveryJobRunsToItsEnd(t *testing.T) {
	c := newClock()
	v := busyVisit(t, sandbox.WithClock(c.Now))
	for _, l := range leastRequests() {
		t.Run(l.path, func(t *testing.T) {
			v.t = t
			body := maps.Clone(l.body)
			body["track_id"] = 7
			if l.makes == "image" && !strings.HasSuffix(l.path, "_mixer") { // which may not be so small
				body["width"], body["height"] = 256, 256
			}
			r := v.ask(l.path, body)
			require.Equal(t, "processing", r.at("status"), r.text)
			assert.Equal(t, []any{}, r.at("output"))
			assert.Equal(t, json.Number("2"), r.at("eta"))
			assert.Equal(t, json.Number("7"), r.at("track_id"))
			id := r.at("id").(json.Number).String()
			fetch := v.path(r.at("fetch_result"))
			assert.Equal(t, http.StatusNotFound, v.send("GET", v.path(list(t, r.at("future_links"))[0]), "").StatusCode, "not yet")
			fetched := func() reply {
				if l.path == "/api/v5/controlnet" {
					return v.send("GET", fetch, "")
				}
				assert.Equal(t, http.StatusUnauthorized, v.send("POST", fetch, "{}").StatusCode)
				return v.ask(fetch, nil)
			}
			editing := strings.HasPrefix(l.path, "/api/v6/image_editing/")
			r = fetched()
			assert.Equal(t, "processing", r.at("status"), r.text)
			if editing {
				assert.Equal(t, "", r.at("output"))
				assert.Nil(t, r.at("id"))
				assert.Nil(t, r.at("eta"))
			} else {
				assert.Equal(t, id, r.at("id").(json.Number).String())
			}
			c.Advance(2 * time.Second)
			r = fetched()
			require.Equal(t, "success", r.at("status"), r.text)
			assert.Equal(t, id, r.at("id").(json.Number).String())
			switch l.path {
			case "/api/v6/image_editing/caption":
				assert.Equal(t, []any{"A landscape with hills under a wide sky."}, r.at("output"))
				return
			case "/api/v6/voice/lyrics_generator":
				assert.Equal(t, "[Verse 1]\nThis is a song about the sea\n[Chorus]\nOh, the sea", r.at("output"))
				return
			case "/api/v7/voice/speech-to-text":
				assert.Equal(t, "The quick brown fox jumps over the lazy dog.", r.at("output"))
				return
			}
			place := "output"
			if l.path == "/api/v6/voice/voice_cover" {
				assert.Empty(t, r.at("output"))
				place = "links"
			}
			link := list(t, r.at(place))[0]
			file := v.send("GET", v.path(link), "")
			require.Equal(t, http.StatusOK, file.StatusCode)
			parses(t, l.makes, file.Header.Get("Content-Type"), []byte(file.text))
			assert.Equal(t, l.makes == "voice", r.at("audio_time") != nil)
			if !editing && l.path != "/api/v5/controlnet" {
				assert.Equal(t, json.Number("2"), r.at("generationTime"))
				assert.Equal(t, []any{link}, r.at("proxy_links"))
			}
		})
	}
}

func TestOutcomesInEveryFamily(t *testing.T) {
	for _, outcome := range []sandbox.GenerationOutcome{sandbox.GenerationFails, sandbox.GenerationErrs} {
		c := newClock()
		v := busyVisit(t, sandbox.WithClock(c.Now), sandbox.WithGenerationOutcome(outcome))
		for _, l := range leastRequests() {
			before := v.balance()
			r := v.ask(l.path, l.body)
			assert.NotEqual(t, before, v.balance(), l.path)
			link, fetch := v.path(list(t, r.at("future_links"))[0]), v.path(r.at("fetch_result"))
			c.Advance(2 * time.Second)
			r = v.ask(fetch, nil)
			if l.path == "/api/v5/controlnet" {
				r = v.send("GET", fetch, "")
			}
			assert.Equal(t, http.StatusOK, r.StatusCode)
			assert.Equal(t, string(outcome), r.at("status"), l.path)
			assert.NotEmpty(t, r.complaint(), l.path)
			assert.Equal(t, before, v.balance(), l.path)
			assert.Equal(t, http.StatusNotFound, v.send("GET", link, "").StatusCode, l.path)
		}
	}
}

func TestTheFifthVersionSpellsItsErrors(t *testing.T) {
	v := busyVisit(t, sandbox.WithQueueLimit(0))
	assert.JSONEq(t, `{"status":"error","messege":"Invalid API key","code":401}`, v.send("POST", "/api/v5/controlnet", `{"key":"x"}`).text)
	assert.JSONEq(t, `{"status":"error","messege":"width must be between 64 and 1024","code":400}`, v.ask("/api/v5/controlnet", with("width", 1)).text)
	assert.JSONEq(t, `{"status":"error","messege":"No generation found for id 9","code":404}`, v.send("GET", "/api/v5/images/fetch/9", "").text)
	assert.JSONEq(t, `{"status":"error","messege":"Rate limit exceeded. Maximum 0 queued requests allowed.","code":429,"retry_after":0}`, v.ask("/api/v5/controlnet", nil).text)
}

func TestImagesAreFetchedByBodyToo(t *testing.T) {
	v := busyVisit(t)
	id := v.ask("/api/v6/images/text2img", with("model_id", "flux", "prompt", "x")).at("id")
	for _, number := range []any{id, id.(json.Number).String()} {
		assert.Equal(t, id, v.ask("/api/v6/images/fetch", with("request_id", number)).at("id"))
	}
	refused(t, v.ask("/api/v6/images/fetch", nil), "request_id is required")
	assert.Equal(t, http.StatusNotFound, v.ask("/api/v6/images/fetch", with("request_id", 1)).StatusCode)
	assert.Equal(t, http.StatusUnauthorized, v.send("POST", "/api/v6/images/fetch", `{}`).StatusCode)
	assert.Equal(t, http.StatusNotFound, v.ask("/api/v6/realtime/fetch/"+id.(json.Number).String(), nil).StatusCode, "ids belong to a family")
}

func TestWhatIsInstantAndWhatQueues(t *testing.T) {
	v := busyVisit(t, sandbox.WithGenerationTime(0))
	for _, l := range leastRequests() {
		r := v.ask(l.path, l.body)
		queues := l.makes == "video" || l.makes == "3d"
		assert.Equal(t, map[bool]string{true: "processing", false: "success"}[queues], r.at("status"), l.path)
		if queues {
			assert.Equal(t, json.Number("0"), r.at("eta"))
			assert.Equal(t, "success", v.ask(v.path(r.at("fetch_result")), nil).at("status"), l.path)
			assert.Equal(t, l.makes == "3d", r.at("extra_assets") != nil, l.path)
		}
	}
	r := v.ask("/api/v6/realtime/text2img", with("prompt", "x", "instant_response", true))
	assert.Equal(t, "processing", r.at("status"))
	assert.Len(t, r.at("future_links"), 1)
}

func TestBase64Answers(t *testing.T) {
	v := busyVisit(t, sandbox.WithGenerationTime(0))
	for path, flag := range map[string]any{
		"/api/v6/images/text2img": true, "/api/v5/controlnet": "yes", "/api/v6/realtime/text2img": true,
		"/api/v6/image_editing/removebg_mask": true, "/api/v6/image_editing/inpaint": "true", "/api/v6/interior/make": true,
		"/api/v6/faceswap/multiple_face_swap": nil, // there it is about the input
	} {
		for _, l := range leastRequests() {
			if l.path != path {
				continue
			}
			body := with("width", 256, "height", 256)
			maps.Copy(body, l.body)
			body["base64"] = flag
			if flag == nil {
				body["base64"] = true
			}
			output := list(t, v.ask(path, body).at("output"))[0].(string)
			file, err := base64.StdEncoding.DecodeString(output)
			if flag == nil {
				assert.Contains(t, output, "/media/")
				continue
			}
			require.NoError(t, err, path)
			parses(t, "image", "image/png", file)
		}
	}
}

func TestOtherFormats(t *testing.T) {
	v := busyVisit(t, sandbox.WithGenerationTime(0))
	get := func(path string, fields map[string]any) reply {
		r := v.ask(v.path(v.ask(path, fields).at("fetch_result")), nil)
		return v.send("GET", v.path(list(t, r.at("output"))[0]), "")
	}
	r := get("/api/v6/video/text2video", with("model_id", "wanx", "prompt", "x", "output_type", "gif"))
	assert.Equal(t, "image/gif", r.Header.Get("Content-Type"))
	g, err := gif.DecodeAll(strings.NewReader(r.text))
	require.NoError(t, err)
	assert.Len(t, g.Image, 2)
	for format, start := range map[string]string{"obj": "v 0 0 0", "stl": "solid ", "ply": "ply\n", "glb": "glTF"} {
		assert.True(t, strings.HasPrefix(get("/api/v6/3d/text_to_3d", with("prompt", "x", "output_format", format)).text, start), format)
	}
}

func TestMetaRepeatsTheRequest(t *testing.T) {
	v := busyVisit(t)
	meta := v.ask("/api/v6/video/text2video", with("model_id", "zeroscope", "prompt", "a lake", "num_frames", "16")).at("meta")
	assert.Equal(t, map[string]any{
		"model_id": "wan2.2", "prompt": "a lake", "num_frames": "16", "seed": meta.(map[string]any)["seed"],
	}, meta)
	v.ask("/api/v6/3d/text_to_3d", with("prompt", "x", "seed", 0))
	meta = v.ask("/api/v5/controlnet", with("prompt", "x", "width", 64, "height", 72, "samples", 2, "seed", 5)).at("meta")
	assert.Equal(t, json.Number("64"), meta.(map[string]any)["W"])
	assert.Equal(t, json.Number("5"), meta.(map[string]any)["seed"])
	for _, r := range v.srv.Requests() {
		assert.NotContains(t, fmt.Sprint(meta), "key:", r.Path)
	}
}

func TestOneQueueForAllJobs(t *testing.T) {
	c := newClock()
	v := visitAs(t, 1000_00, sandbox.WithClock(c.Now), sandbox.WithQueueLimit(2))
	v.ask("/api/v6/3d/text_to_3d", with("prompt", "x"))
	c.Advance(500 * time.Millisecond)
	v.ask("/api/v6/voice/sfx", with("prompt", "x"))
	r := v.ask("/api/v6/video/text2video", with("model_id", "wanx", "prompt", "x"))
	assert.Equal(t, http.StatusTooManyRequests, r.StatusCode)
	assert.JSONEq(t, `{"status":"error","message":"Rate limit exceeded. Maximum 2 queued requests allowed.","retry_after":2}`, r.text)
	count := func() any { return v.ask("/api/v6/processing/request_count", nil).at("processing_count") }
	assert.Equal(t, json.Number("2"), count())
	c.Advance(1500 * time.Millisecond)
	assert.Equal(t, json.Number("1"), count())
	assert.Equal(t, "processing", v.ask("/api/v6/video/text2video", with("model_id", "wanx", "prompt", "x")).at("status"))
	byGet := v.send("GET", "/api/v6/processing/request_count", `{"key":"`+v.apiKey+`"}`)
	assert.JSONEq(t, `{"status":"success","processing_count":2,"message":"Current processing request count retrieved successfully"}`, byGet.text)
	assert.Equal(t, byGet.text, v.send("GET", "/api/v6/processing/request_count?key="+v.apiKey, "").text)
	for range 26 {
		count()
	}
	r = v.ask("/api/v6/processing/request_count", nil)
	assert.Equal(t, http.StatusTooManyRequests, r.StatusCode, "30 in a minute")
	assert.Equal(t, json.Number("59"), r.at("retry_after"), "begun 1.5 s ago")
	c.Advance(time.Minute)
	assert.Equal(t, json.Number("0"), count())
}

func TestPrices(t *testing.T) {
	v := visitAs(t, 1_00, sandbox.WithClock(newClock().Now), sandbox.WithQueueLimit(99),
		sandbox.WithPrice("voice.sfx", 0), sandbox.WithPrice("images.text2img", 7))
	for _, step := range []struct {
		path   string
		fields map[string]any
		left   string
	}{
		{"/api/v6/images/text2img", with("model_id", "flux", "prompt", "x", "samples", 2), "0.86"},
		{"/api/v6/realtime/text2img", with("prompt", "x", "samples", 2), "0.82"},
		{"/api/v6/voice/sfx", with("prompt", "x"), "0.82"},
		{"/api/v6/voice/music_gen", with("prompt", "x"), "0.79"},
		{"/api/v6/voice/lyrics_generator", with("prompt", "x"), "0.78"},
		{"/api/v6/voice/voice_upload", with("name", "me", "language", "english", "init_audio", aSound), "0.73"},
		{"/api/v6/3d/text_to_3d", with("prompt", "x"), "0.48"},
		{"/api/v6/video/text2video", with("model_id", "wanx", "prompt", "x"), "0.28"},
		{"/api/v6/video/text2video", with("model_id", "wanx", "prompt", "x"), "0.08"},
	} {
		assert.Equal(t, http.StatusOK, v.ask(step.path, step.fields).StatusCode, step.path)
		assert.Equal(t, step.left, v.balance(), step.path)
	}
	r := v.ask("/api/v6/video/text2video", with("model_id", "wanx", "prompt", "x"))
	assert.Equal(t, http.StatusPaymentRequired, r.StatusCode)
	assert.JSONEq(t, `{"status":"success","data":{"balance":0.08,"currency":"USD"}}`, v.ask("/api/wallet_balance", nil).text)
	types := map[any]bool{}
	for _, row := range v.agents("GET", "/usage/history", "").rows(t) {
		types[row["type"]] = true
	}
	assert.Len(t, types, 5)
}

func TestVoices(t *testing.T) {
	v := busyVisit(t)
	voices := func(who *visitor, fields map[string]any) []any {
		return list(t, who.ask("/api/v6/voice/voice_list", fields).at("voices"))
	}
	assert.Len(t, voices(v, nil), 3)
	assert.Len(t, voices(v, with("type", "voice_cover")), 1)
	assert.Empty(t, voices(v, with("type", "trained")))
	refused(t, v.ask("/api/v6/voice/voice_list", with("type", "old")), "type must be one of manual, trained, voice_cover")

	upload := with("name", "me", "language", "english", "init_audio", "AAAA", "base64", true)
	r := v.ask("/api/v6/voice/voice_upload", upload)
	require.Equal(t, "success", r.at("status"), r.text)
	assert.Equal(t, []any{map[string]any{"voice_id": r.at("voice_id"), "name": "me", "language": "english"}}, voices(v, with("type", "trained")))
	assert.Empty(t, voices(v.beside("bob@example.com"), with("type", "trained")), "a voice is its owner's")
	for _, name := range []string{"name", "language", "init_audio"} {
		less := maps.Clone(upload)
		delete(less, name)
		refused(t, v.ask("/api/v6/voice/voice_upload", less), name+" is required")
	}
	poor := visitAs(t, 0)
	assert.Equal(t, http.StatusPaymentRequired, poor.ask("/api/v6/voice/voice_upload", upload).StatusCode)
}

func TestAssetsAndTheirDeletion(t *testing.T) {
	c := newClock()
	v := busyVisit(t, sandbox.WithClock(c.Now))
	var ids []json.Number
	for range 12 {
		ids = append(ids, v.ask("/api/v6/images/text2img", with("model_id", "flux", "prompt", "x")).at("id").(json.Number))
	}
	v.ask("/api/v6/voice/sfx", with("prompt", "x"))
	assets := func(fields ...any) reply { return v.ask("/api/v6/assets_generated", with(fields...)) }
	assert.Empty(t, assets("type", "image").at("data"), "nothing is finished")
	c.Advance(2 * time.Second)

	r := assets("type", "image")
	assert.Equal(t, r.text, v.ask("/api/assets_generated", with("type", "image")).text)
	assert.Equal(t, "image", r.at("type"))
	rows := list(t, r.at("data"))
	require.Len(t, rows, 10)
	newest := rows[0].(map[string]any)
	assert.Equal(t, ids[11], newest["id"], "newest first")
	assert.JSONEq(t, `{"current_page":1,"per_page":10,"total":12,"last_page":2,"from":1,"to":10}`, textOf(t, r.at("pagination")))
	assert.JSONEq(t, `{"current_page":2,"per_page":10,"total":12,"last_page":2,"from":11,"to":12}`, textOf(t, assets("type", "image", "page", 2).at("pagination")))
	assert.JSONEq(t, `{"current_page":9,"per_page":30,"total":1,"last_page":1,"from":null,"to":null}`, textOf(t, assets("type", "voice", "page", "9", "per_page", 30).at("pagination")))
	refused(t, assets(), "type is required")
	refused(t, assets("type", "music"), "type must be one of image, video, voice, 3d")
	refused(t, assets("type", "image", "per_page", 31), "per_page must be between 1 and 30")

	link := v.path(list(t, newest["output"])[0])
	assert.Equal(t, http.StatusOK, v.send("GET", link, "").StatusCode)
	remove := func(fields ...any) reply { return v.ask("/api/v3/delete_image", with(fields...)) }
	refused(t, remove(), "request_id is required")
	assert.Equal(t, http.StatusNotFound, remove("request_id", ids[11], "type", "video").StatusCode)
	assert.Equal(t, http.StatusNotFound, v.beside("bob@example.com").ask("/api/v3/delete_image", with("request_id", ids[11])).StatusCode)
	assert.JSONEq(t, `{"status":"success","messege":"image deleted"}`, remove("request_id", ids[11], "type", "image").text)
	assert.Equal(t, http.StatusNotFound, remove("request_id", ids[11]).StatusCode)
	assert.Equal(t, http.StatusNotFound, v.send("GET", link, "").StatusCode)
	assert.Equal(t, http.StatusNotFound, v.ask("/api/v6/images/fetch/"+ids[11].String(), nil).StatusCode)
	assert.Equal(t, json.Number("11"), assets("type", "image").at("pagination", "total"))
}

func textOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

func TestUploads(t *testing.T) {
	c := newClock()
	v := visitAs(t, 0, sandbox.WithClock(c.Now))
	inline := func(mediaType string, content []byte) string {
		return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(content)
	}
	for _, u := range []struct {
		path, field, mediaType, served string
		more                           map[string]any
	}{
		{"/api/v6/base64_to_url", "base64_string", "text/html", "application/octet-stream", nil},
		{"/api/v6/base64_to_url", "base64_string", "audio/mpeg", "audio/mpeg", nil},
		{"/api/v6/image_editing/base64_to_url", "init_image", "image/png", "image/png", nil},
		{"/api/v6/image_editing/base64_to_url", "init_image", "image/svg+xml", "application/octet-stream", nil},
		{"/api/v6/video/base64_to_url", "init_obj", "video/mp4", "video/mp4", nil},
		{"/api/v6/voice/base64_to_url", "init_audio", "audio/wav", "audio/wav", nil},
		{"/api/v6/3d/base64_to_url", "init_obj", "model/gltf-binary", "model/gltf-binary", nil},
		{"/api/v3/base64_crop", "image", "image/jpeg", "image/jpeg", with("crop", "false")},
		{"/api/v1/enterprise/upload_image", "base64_image", "image/png", "image/png", with("image_type", "png")},
	} {
		send := func(value any) reply {
			body := maps.Clone(u.more)
			if body == nil {
				body = map[string]any{}
			}
			body[u.field] = value
			return v.ask(u.path, body)
		}
		r := send(inline(u.mediaType, []byte("content")))
		require.Equal(t, "success", r.at("status"), "%s: %s", u.path, r.text)
		link := r.at("link")
		if u.path != "/api/v3/base64_crop" {
			link = list(t, r.at("output"))[0]
			assert.NotNil(t, r.at("id"))
		} else {
			assert.Equal(t, "image uploaded", r.at("messege"))
			assert.NotNil(t, r.at("request_id"))
		}
		file := v.send("GET", v.path(link), "")
		assert.Equal(t, "content", file.text, u.path)
		assert.Equal(t, u.served, file.Header.Get("Content-Type"), u.path)

		refused(t, send(""), u.field+" is required")
		refused(t, send(nil), u.field+" is required")
		refused(t, send("data:"+u.mediaType+";base64,*"), u.field+" must be valid base64")
		for _, wrong := range []string{"https://files.example/a", inline("application/pdf", []byte("x")), u.mediaType + ";base64,AAAA", "data:" + u.mediaType + ",AAAA"} {
			if strings.Contains(wrong, "pdf") && u.path == "/api/v6/base64_to_url" || !strings.Contains(wrong, ",") && u.path == "/api/v1/enterprise/upload_image" {
				continue // any media there; and bare base64 there, whose complaint is another
			}
			assert.Contains(t, send(wrong).at("message"), "must be a data URI", "%s %s", u.path, wrong)
		}
		switch u.path {
		case "/api/v1/enterprise/upload_image":
			assert.Equal(t, "success", send("AAAA").at("status"), "no data URI is documented")
		case "/api/v6/base64_to_url", "/api/v3/base64_crop": // of the others none is documented
			large := send(inline(u.mediaType, make([]byte, 5<<20+1)))
			assert.JSONEq(t, `{"status":"error","message":"File size exceeds the 5 MB limit."}`, large.text)
			assert.Equal(t, http.StatusBadRequest, large.StatusCode)
		}
		assert.Equal(t, http.StatusUnauthorized, v.send("POST", u.path, `{}`).StatusCode)
		c.Advance(24 * time.Hour)
		lasting := strings.Contains(u.path, "crop") || strings.Contains(u.path, "enterprise")
		assert.Equal(t, map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[lasting], v.send("GET", v.path(link), "").StatusCode, u.path)
	}
	assert.Equal(t, http.StatusOK, v.ask("/api/v6/base64_to_url", with("base64_string", inline("image/png", make([]byte, 5<<20)))).StatusCode)
	refused(t, v.ask("/api/v3/base64_crop", with("image", inline("image/png", []byte("x")), "crop", true)), `crop must be "true" or "false"`)
	refused(t, v.ask("/api/v1/enterprise/upload_image", with("base64_image", "AAAA")), "image_type is required")
}

func TestTemporaryResultsEnd(t *testing.T) {
	c := newClock()
	v := busyVisit(t, sandbox.WithClock(c.Now), sandbox.WithGenerationTime(0))
	for path, fields := range map[string]map[string]any{
		"/api/v6/images/text2img":        with("model_id", "flux", "prompt", "x", "temp", true),
		"/api/v6/image_editing/face_gen": with("prompt", "x", "face_image", aPicture),
	} {
		link := v.path(list(t, v.ask(path, fields).at("output"))[0])
		assert.Equal(t, http.StatusOK, v.send("GET", link, "").StatusCode)
		c.Advance(24 * time.Hour)
		assert.Equal(t, http.StatusNotFound, v.send("GET", link, "").StatusCode)
	}
}

func TestLargeBodies(t *testing.T) {
	v := visitAs(t, 0)
	const upload = "/api/v1/enterprise/upload_image"
	send := func(contentType, body string) int {
		r, err := v.try("POST", upload, contentType, body)
		require.NoError(t, err)
		return r.StatusCode
	}
	whole := func(size int) string {
		return `{"key":"` + v.apiKey + `","image_type":"png","base64_image":"` + strings.Repeat("A", size) + `"}`
	}
	assert.Equal(t, http.StatusOK, send("application/json", whole(1<<20)))
	seen := v.srv.Requests()[0]
	assert.Len(t, seen.Body, 64<<10)
	assert.Contains(t, string(seen.Body), v.apiKey)
	small := whole(400_000)
	assert.Equal(t, http.StatusOK, send("application/json", small))
	assert.Equal(t, small, string(v.srv.Requests()[1].Body))

	// 60 MB are 80 MB of base64. To parse them takes long: it is enough that they are read.
	assert.Equal(t, http.StatusUnauthorized, send("text/plain", whole(80_000_000)))
	large := strings.Repeat("x", 9<<20)
	assert.Equal(t, http.StatusRequestEntityTooLarge, v.agents("POST", "/auth/login", large).StatusCode)
}
