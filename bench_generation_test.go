package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Files pass through: how large one is must not be seen in the heap.

const (
	sixtyMB      = 60 << 20
	twoHundredMB = 200 << 20
)

// flow gives so many bytes, and does not seek.
func flow(n int64) io.Reader { return struct{ io.Reader }{io.LimitReader(zeros{}, n)} }

// sink is a server that throws away what it is sent, and takes a job.
func sink(t testing.TB) *Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || n < sixtyMB/3*4 {
			http.Error(w, fmt.Sprint(n, err), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"processing","id":7,"eta":3}`)
	}))
	t.Cleanup(srv.Close)
	return onListener(t, srv.URL)
}

// spring is a server with a file of 200 MB.
func spring(t testing.TB) (*Client, string) {
	t.Helper()
	piece := bytes.Repeat([]byte("water. "), 64<<10/7)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "video/mp4")
		w.Header().Set("Content-Length", itoa(twoHundredMB))
		for left := twoHundredMB; left > 0; {
			n, err := w.Write(piece[:min(left, len(piece))])
			if left -= n; err != nil {
				return
			}
		}
	}))
	t.Cleanup(srv.Close)
	return onListener(t, srv.URL), srv.URL + "/film.mp4"
}

func upload60(ctx context.Context, c *Client) error {
	_, err := c.Generation.Audio.VoiceCover(ctx, VoiceCoverParams{InitAudio: InputReader(flow(sixtyMB)), ModelID: "tenor"})
	return err
}

func TestAnUploadOf60MBIsNotHeld(t *testing.T) {
	c := sink(t)
	assert.Less(t, heapPeak(t, func() { require.NoError(t, upload60(t.Context(), c)) }), uint64(10<<20), "bytes")
}

func TestADownloadOf200MBIsNotHeld(t *testing.T) {
	c, url := spring(t)
	t.Run("Download", func(t *testing.T) {
		peak := heapPeak(t, func() {
			n, err := c.Generation.Download(t.Context(), url, io.Discard)
			require.NoError(t, err)
			assert.EqualValues(t, twoHundredMB, n)
		})
		assert.Less(t, peak, uint64(10<<20), "bytes")
	})
	t.Run("DownloadAll", func(t *testing.T) {
		dir := t.TempDir()
		peak := heapPeak(t, func() {
			g := &Generation{ID: "7", Path: "/api/v6/video/text2video", Status: StatusSuccess, Output: []string{url}}
			var last DownloadProgress
			paths, err := c.Generation.DownloadAll(t.Context(), g, dir, DownloadParams{Progress: func(p DownloadProgress) { last = p }})
			require.NoError(t, err)
			require.Len(t, paths, 1)
			assert.Equal(t, DownloadProgress{Name: "7-1.mp4", Bytes: twoHundredMB, Total: twoHundredMB, Done: true}, last)
		})
		assert.Less(t, peak, uint64(10<<20), "bytes")
	})
}

// reportPeak measures the heap over all rounds of a benchmark.
func reportPeak(b *testing.B, size int64, round func() error) {
	b.Helper()
	b.SetBytes(size)
	peak := heapPeak(b, func() {
		for b.Loop() {
			if err := round(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(peak)/(1<<20), "peak-heap-MB")
}

func BenchmarkUpload60MB(b *testing.B) {
	c := sink(b)
	reportPeak(b, sixtyMB, func() error { return upload60(context.Background(), c) })
}

func BenchmarkDownload200MB(b *testing.B) {
	c, url := spring(b)
	reportPeak(b, twoHundredMB, func() error {
		_, err := c.Generation.Download(context.Background(), url, io.Discard)
		return err
	})
}

const processingBody = `{"status":"processing","id":12345678,"eta":10,"message":"Ask again when the time is up.","tip":"",` +
	`"fetch_result":"https://modelslab.com/api/v6/images/fetch/12345678","output":[],"future_links":["https://files.example/later.png"],` +
	`"meta":{"model_id":"flux","prompt":"a lighthouse","width":512,"height":512,"samples":1}}`

// BenchmarkSubmit is one submission beside the least that one would write by hand.
func BenchmarkSubmit(b *testing.B) {
	sdk, _ := benchClients(b, processingBody)
	sdk, err := sdk.With(WithAPIKey(testKey))
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	params := TextToImageParams{ModelID: "flux", Prompt: "a lighthouse", Width: 512, Height: 512}
	b.Run("sdk", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g, err := sdk.Generation.Images.TextToImage(ctx, params)
			if err != nil || g.ID != "12345678" {
				b.Fatal(g, err)
			}
		}
	})
	b.Run("handwritten", func(b *testing.B) {
		hc := &http.Client{Transport: newCanned(processingBody)}
		once := func() (id int64, err error) {
			body, err := json.Marshal(map[string]any{"key": testKey, "model_id": params.ModelID, "prompt": params.Prompt, "width": params.Width, "height": params.Height})
			if err != nil {
				return 0, err
			}
			resp, err := hc.Post("https://modelslab.com/api/v6/images/text2img", "application/json", bytes.NewReader(body))
			if err != nil {
				return 0, err
			}
			defer func() { _ = resp.Body.Close() }()
			var g struct {
				ID     int64    `json:"id"`
				Status string   `json:"status"`
				Output []string `json:"output"`
			}
			err = json.NewDecoder(io.LimitReader(resp.Body, 32<<20)).Decode(&g)
			return g.ID, err
		}
		b.ReportAllocs()
		for b.Loop() {
			if id, err := once(); err != nil || id != 12345678 {
				b.Fatal(id, err)
			}
		}
	})
}

// streamOf is an answer of so many events.
func streamOf(events int) string {
	var b bytes.Buffer
	chunk := func(delta, finish string) {
		_, _ = fmt.Fprintf(&b, "data: {\"id\":\"chat-1\",\"object\":\"chat.completion.chunk\",\"created\":1750000000,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}]}\n\n", delta, finish)
	}
	chunk(`{"role":"assistant","content":""}`, "null")
	for range events - 2 {
		chunk(`{"content":" word"}`, "null")
	}
	chunk(`{}`, `"stop"`)
	b.WriteString("data: [DONE]\n\n")
	return b.String()
}

// BenchmarkStream reads an answer of a thousand events.
func BenchmarkStream(b *testing.B) {
	const events = 1000
	transport := newCanned(streamOf(events))
	transport.header.Set("Content-Type", "text/event-stream")
	c, err := New(WithHTTPClient(&http.Client{Transport: transport}), WithAPIKey(testKey))
	if err != nil {
		b.Fatal(err)
	}
	params := ChatParams{Model: "m", Messages: []ChatMessage{{Role: RoleUser, Content: "hello"}}}
	b.SetBytes(int64(len(transport.body)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		text := 0
		for event, err := range c.Generation.Chat.Stream(context.Background(), params) {
			if err != nil {
				b.Fatal(err)
			}
			n++
			text += len(event.Delta)
		}
		if text != (events-2)*len(" word") {
			b.Fatal(text)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(max(n, 1)), "ns/event")
}
