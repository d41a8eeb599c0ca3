package modelslab

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const uploaded = `{"status":"success","id":7,"output":["https://files.example/a.png"]}`

// onePixel is a PNG.
var onePixel = func() []byte {
	b, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	if err != nil {
		panic(err)
	}
	return b
}()

func inFile(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func TestAFileIsSentAsItIsWhereverItComesFrom(t *testing.T) {
	sources := map[string]func(t *testing.T, b []byte) Input{
		"bytes":             func(_ *testing.T, b []byte) Input { return InputBytes(b) },
		"file":              func(t *testing.T, b []byte) Input { return InputFile(inFile(t, "a.png", b)) },
		"reader that seeks": func(_ *testing.T, b []byte) Input { return InputReader(bytes.NewReader(b)) },
		"reader":            func(_ *testing.T, b []byte) Input { return InputReader(struct{ io.Reader }{bytes.NewReader(b)}) },
		"reader of known length": func(_ *testing.T, b []byte) Input {
			return InputReader(bytes.NewBuffer(bytes.Clone(b)))
		},
		"reader of single bytes": func(_ *testing.T, b []byte) Input { return InputReader(iotest.OneByteReader(bytes.NewReader(b))) },
	}
	for name, source := range sources {
		// Around what is read and encoded at once, and around base64's padding.
		for _, size := range []int{1, 2, 3, 511, 512, 513, filePiece - 1, filePiece, filePiece + 1, 3*filePiece + 2} {
			t.Run(fmt.Sprintf("%s of %d bytes", name, size), func(t *testing.T) {
				content := append(bytes.Clone(onePixel), bytes.Repeat([]byte{0, 255, 7}, size)...)[:size]
				net := scripted(says(200, uploaded))
				upload, err := stubbed(t, net).Generation.Uploads.Image(t.Context(), UploadParams{File: source(t, content).MediaType("image/png")})
				require.NoError(t, err)
				assert.Equal(t, &Upload{ID: "7", URL: "https://files.example/a.png"}, upload)
				var sent struct {
					InitImage string `json:"init_image"`
					Key       string `json:"key"`
				}
				require.NoError(t, json.Unmarshal([]byte(net.requests()[0].Body), &sent))
				encoded, ok := strings.CutPrefix(sent.InitImage, "data:image/png;base64,")
				require.True(t, ok, "%.40s", sent.InitImage)
				got, err := base64.StdEncoding.DecodeString(encoded)
				require.NoError(t, err)
				assert.True(t, bytes.Equal(content, got))
				assert.Equal(t, testKey, sent.Key)
			})
		}
	}
}

func TestTheLengthOfABodyWithFilesIsToldWhereItIsKnown(t *testing.T) {
	var lengths []int64
	c := stubbed(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			return nil, err
		}
		if r.ContentLength >= 0 {
			assert.Equal(t, n, r.ContentLength)
		}
		lengths = append(lengths, r.ContentLength)
		return says(200, `{"status":"success","id":7,"output":["https://files.example/a"]}`)(r)
	}))
	for _, in := range []Input{InputBytes([]byte("ab")), InputFile(inFile(t, "a", []byte("ab"))), InputReader(strings.NewReader("ab")), InputReader(struct{ io.Reader }{strings.NewReader("ab")})} {
		_, err := c.Generation.Editing.RemoveBackground(t.Context(), RemoveBackgroundParams{Image: in})
		require.NoError(t, err)
	}
	require.Len(t, lengths, 4)
	assert.Positive(t, lengths[0])
	assert.Equal(t, []int64{lengths[0], lengths[0], lengths[0], -1}, lengths)
}

func TestMediaTypesAreToldByNameOrContent(t *testing.T) {
	for _, tt := range []struct {
		in   Input
		want string
	}{
		{InputBytes(onePixel), "image/png"},
		{InputReader(struct{ io.Reader }{bytes.NewReader(onePixel)}), "image/png"},
		{InputReader(bytes.NewReader(onePixel)), "image/png"},
		{InputFile(inFile(t, "a.bin", onePixel)), "image/png"},
		{InputBytes([]byte("glTF\x02\x00\x00\x00")), "model/glb"},
		{InputFile(inFile(t, "cube.OBJ", []byte("v 0 0 0"))), "model/obj"},
		{InputFile(inFile(t, "a.mp3", []byte("no tag"))), "audio/mpeg"},
		{InputBytes([]byte("RIFF\x00\x00\x00\x00WAVEfmt ")), "audio/wav"},
		{InputBytes([]byte("RIFF\x00\x00\x00\x00WAVEfmt ")).MediaType("audio/x-mine"), "audio/x-mine"},
		{InputBytes([]byte{0, 1, 2}), "application/octet-stream"},
	} {
		got, err := (&attachment{in: tt.in}).mediaType(t.Context())
		require.NoError(t, err)
		assert.Equal(t, tt.want, got)
		r, _, err := tt.in.open()
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		assert.NotEmpty(t, b, "looking at it takes nothing away")
		require.NoError(t, r.Close())
	}
}

// removing is a call with one file that may be inline.
func removing(ctx context.Context, c *Client, in Input) error {
	_, err := c.Generation.Editing.RemoveBackground(ctx, RemoveBackgroundParams{Image: in})
	return err
}

func TestWhatCannotBeSentIsRefusedBeforeAnythingIs(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "no such.png")
	var none *os.File
	for _, tt := range []struct {
		name   string
		in     Input
		reason string
	}{
		{"nothing", Input{}, "missing"},
		{"a path for a URL", InputURL("cat.png"), "InputFile"},
		{"an absolute path for a URL", InputURL("/home/cat.png"), "InputFile"},
		{"another scheme", InputURL("file:///cat.png"), "http or https"},
		{"a data URI for a URL", InputURL("data:image/png;base64,AAAA"), "InputBytes"},
		{"a URL with a password", InputURL("https://me:secret@files.example/a.png"), "password"},
		{"a file that is not there", InputFile(missing), "no such file"},
		{"a directory", InputFile(dir), "is a directory"},
		{"no path", InputFile(""), "no file"},
		{"an empty file", InputFile(inFile(t, "empty.png", nil)), "empty"},
		{"no bytes", InputBytes(nil), "empty"},
		{"a nil reader", InputReader(nil), "no file"},
		{"a nil file", InputReader(none), "no file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			net := scripted(says(200, uploaded))
			err := removing(t.Context(), stubbed(t, net), tt.in)
			assertParam(t, "RemoveBackgroundParams.Image", err)
			assert.Contains(t, err.Error(), tt.reason)
			assert.NotContains(t, err.Error(), "secret")
			assert.Zero(t, net.count())
		})
	}
	t.Run("a reader that fails", func(t *testing.T) {
		net := scripted(says(200, uploaded))
		_, err := stubbed(t, net).Generation.Uploads.File(t.Context(), UploadParams{File: InputReader(iotest.ErrReader(errors.New("the disk is gone")))})
		assertParam(t, "UploadParams.File", err)
		assert.Contains(t, err.Error(), "the disk is gone")
		assert.Zero(t, net.count())
	})
	t.Run("a media type that is none", func(t *testing.T) {
		net := scripted(says(200, uploaded))
		_, err := stubbed(t, net).Generation.Uploads.File(t.Context(), UploadParams{File: InputBytes(onePixel).MediaType("image/png\",\"key\":\"x")})
		assertParam(t, "UploadParams.File", err)
		assert.Zero(t, net.count())
	})
	t.Run("a URL to be uploaded", func(t *testing.T) {
		net := scripted(says(200, uploaded))
		_, err := stubbed(t, net).Generation.Uploads.Image(t.Context(), UploadParams{File: InputURL("https://files.example/a.png")})
		assertParam(t, "UploadParams.File", err)
		assert.Zero(t, net.count())
	})
}

func TestUploadsAreAtMostFiveMegabytes(t *testing.T) {
	const most = 5 << 20
	for name, source := range map[string]func(n int) Input{
		"bytes":  func(n int) Input { return InputBytes(make([]byte, n)) },
		"file":   func(n int) Input { return InputFile(inFile(t, "a.png", make([]byte, n))) },
		"seeker": func(n int) Input { return InputReader(bytes.NewReader(make([]byte, n))) },
		"stream": func(n int) Input { return InputReader(io.LimitReader(zeros{}, int64(n))) },
	} {
		t.Run(name, func(t *testing.T) {
			net := scripted(says(200, uploaded))
			c := stubbed(t, net)
			_, err := c.Generation.Uploads.File(t.Context(), UploadParams{File: source(most + 1)})
			assertParam(t, "UploadParams.File", err)
			assert.Contains(t, err.Error(), "5 MB")
			assert.Zero(t, net.count())
			_, err = c.Generation.Uploads.File(t.Context(), UploadParams{File: source(most)})
			require.NoError(t, err)
			assert.Equal(t, 1, net.count())
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestACallWithAFileIsRepeatedOnlyIfTheFileIs(t *testing.T) {
	full := says(429, `{"status":"error","message":"Rate limit exceeded.","retry_after":0}`)
	for _, tt := range []struct {
		name string
		in   Input
		sent int
	}{
		{"bytes", InputBytes([]byte("sound")), 2},
		{"file", InputFile(inFile(t, "a.wav", []byte("sound"))), 2},
		{"reader that seeks", InputReader(strings.NewReader("sound")), 2},
		{"stream", InputReader(struct{ io.Reader }{strings.NewReader("sound")}), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			net := scripted(full, says(200, `{"status":"success","id":7,"output":["https://files.example/a"]}`))
			err := removing(t.Context(), stubbed(t, net, hasty(3)), tt.in)
			require.Equal(t, tt.sent, net.count())
			for _, r := range net.requests() {
				assert.Contains(t, string(r.Body), `"image":"c291bmQ="`)
			}
			if tt.sent == 1 {
				assertKind(t, ErrRateLimited, err)
				return
			}
			require.NoError(t, err)
		})
	}
}

func TestAStreamServesOneCall(t *testing.T) {
	in := InputReader(struct{ io.Reader }{strings.NewReader("sound")})
	net := scripted(says(200, `{"status":"success","id":7,"output":["https://files.example/a"]}`))
	c := stubbed(t, net)
	require.NoError(t, removing(t.Context(), c, in))
	err := removing(t.Context(), c, in)
	assertParam(t, "RemoveBackgroundParams.Image", err)
	assert.Equal(t, 1, net.count())
}

func TestAFileThatChangesWhileItIsSentIsNoWholeRequest(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"shorter": func(path string) error { return os.Truncate(path, 3) },
		"longer":  func(path string) error { return os.WriteFile(path, make([]byte, 1<<20), 0o600) },
		"gone":    os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			path := inFile(t, "a.png", make([]byte, 300<<10))
			c := stubbed(t, roundTrip(func(r *http.Request) (*http.Response, error) {
				_ = change(path) // again, for a second sending
				if _, err := io.Copy(io.Discard, r.Body); err != nil {
					return nil, err
				}
				return says(200, uploaded)(r)
			}))
			err := removing(t.Context(), c, InputFile(path))
			require.Error(t, err)
			assert.NotErrorIs(t, err, ErrOutcomeUnknown, "no server can have read a whole request")
			assert.Contains(t, err.Error(), "file of the request")
		})
	}
}

func TestFilesTravelAtAnyDepthOfParamsByHand(t *testing.T) {
	net := scripted(says(200, `{"status":"success","id":7,"output":["https://files.example/a"]}`))
	c := stubbed(t, net)
	file := InputBytes([]byte("sound"))
	type nested struct {
		Clip Input `json:"clip"`
	}
	_, err := c.Generation.Run(t.Context(), "/api/v7/voice/some-new", map[string]any{
		"a": file, "list": []any{file, InputURL("https://files.example/b"), nested{file}}, "pointer": &nested{InputBytes([]byte("b"))}, "prompt": "x",
	})
	require.NoError(t, err)
	assert.JSONEq(t, `{"a":"c291bmQ=","list":["c291bmQ=","https://files.example/b",{"clip":"c291bmQ="}],"pointer":{"clip":"Yg=="},"prompt":"x","key":"`+testKey+`"}`, string(net.requests()[0].Body))

	_, err = c.Generation.Run(t.Context(), "/api/v7/voice/some-new", map[string]any{"list": []any{InputURL("not a URL")}})
	assertParam(t, "params.list[0]", err)
	stream := InputReader(struct{ io.Reader }{strings.NewReader("sound")})
	_, err = c.Generation.Run(t.Context(), "/api/v7/voice/some-new", map[string]any{"a": stream, "b": stream})
	require.Error(t, err)
	assert.ErrorIs(t, err, ErrValidation)
	assert.Equal(t, 1, net.count())
}

func TestAnInputPrintsShortly(t *testing.T) {
	for _, tt := range []struct {
		in   Input
		want string
	}{
		{Input{}, "no input"},
		{InputURL("https://files.example/a.png?signature=secret"), "a URL at files.example"},
		{InputBytes([]byte("secret")), "6 bytes"},
		{InputFile("/home/somebody/cat.png"), `file "cat.png"`},
		{InputReader(strings.NewReader("secret")), "a stream"},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
			assert.Equal(t, tt.want, fmt.Sprintf(verb, tt.in))
		}
	}
	var in Input
	require.NoError(t, json.Unmarshal([]byte(`"https://files.example/a.png"`), &in))
	b, err := json.Marshal(in)
	require.NoError(t, err)
	assert.Equal(t, `"https://files.example/a.png"`, string(b))
}

// TestALargeFileIsNeverInMemory sends 60 MB, and looks at how much the heap has
// grown meanwhile.
func TestALargeFileIsNeverInMemory(t *testing.T) {
	const size = 60 << 20
	path := filepath.Join(t.TempDir(), "film.mp4")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(size))
	require.NoError(t, f.Close())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		assert.Greater(t, n, int64(size)*4/3)
		assert.Equal(t, n, r.ContentLength)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"processing","id":7,"eta":3}`)
	}))
	defer srv.Close()
	c := onListener(t, srv.URL)
	peak := heapPeak(t, func() {
		_, err := c.Generation.Run(t.Context(), "/api/v7/video-fusion/video-to-video", map[string]any{"init_video": InputFile(path)})
		require.NoError(t, err)
	})
	assert.Less(t, peak, uint64(size/4), "bytes")
}

// heapPeak is how much the heap grew at most while do ran.
func heapPeak(t testing.TB, do func()) uint64 {
	t.Helper()
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, uint64(0)
	done, sampled := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sampled)
		for {
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
	}()
	do()
	close(done)
	<-sampled
	return most - min(most, before)
}

func TestALargeFileHasMoreTime(t *testing.T) {
	small, err := newFileBody([]byte("{}"), nil)
	require.NoError(t, err)
	assert.Zero(t, small.patience())
	assert.Zero(t, (*fileBody)(nil).patience())
	in := InputBytes(make([]byte, 3<<20))
	large, err := newFileBody([]byte(`{"image":"`+in.src.mark+`"}`), []attachment{{in: in}})
	require.NoError(t, err)
	assert.Equal(t, 32*time.Second, large.patience())
	in = InputReader(struct{ io.Reader }{strings.NewReader("a")})
	stream, err := newFileBody([]byte(`{"image":"`+in.src.mark+`"}`), []attachment{{in: in}})
	require.NoError(t, err)
	assert.Equal(t, unknownPatience, stream.patience())
}
