package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	hookPath    = "/api/v6/video/text2video"
	hookFetch   = "/api/v6/video/fetch/"
	hookDone    = `{"status":"success","id":%s,"output":["https://files.example/a.mp4"]}`
	hookRunning = `{"status":"processing","id":%s,"eta":5}`
	hookFailed  = `{"status":"failed","id":%s,"message":"Out of memory."}`
)

// hookNet is the API behind a handler: what it says of each job, by path.
type hookNet struct {
	record
	mu   sync.Mutex
	says map[string][]step // the last one for ever
}

func (n *hookNet) on(id string, steps ...step) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.says[id] = steps
}

func (n *hookNet) RoundTrip(r *http.Request) (*http.Response, error) {
	n.add(r)
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	n.mu.Lock()
	steps := n.says[id]
	if len(steps) > 1 {
		n.says[id] = steps[1:]
	}
	n.mu.Unlock()
	if len(steps) == 0 {
		return says(404, `{"status":"error","message":"No such job."}`)(r)
	}
	return steps[0](r)
}

// hooked is a handler with what it was told and what it told.
type hooked struct {
	*WebhookHandler
	net *hookNet

	mu     sync.Mutex
	events []WebhookEvent
	errs   []error
}

// hook makes a handler inside a bubble. It is closed at the end.
func hook(t *testing.T, change func(*hooked, *WebhookParams)) *hooked {
	t.Helper()
	h := &hooked{net: &hookNet{says: map[string][]step{}}}
	p := WebhookParams{
		Handle: func(_ context.Context, e WebhookEvent) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.events = append(h.events, e)
		},
		Error: func(err error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.errs = append(h.errs, err)
		},
	}
	if change != nil {
		change(h, &p)
	}
	var err error
	h.WebhookHandler, err = stubbed(t, h.net, hasty(1)).Generation.WebhookHandler(p)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close(context.Background())) })
	return h
}

// handed are the events so far, once all goroutines of the bubble have come to rest.
func (h *hooked) handed() []WebhookEvent {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.events
}

func (h *hooked) reported() []error {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.errs
}

// post calls the handler and returns the status.
func (h *hooked) post(body string) int { return h.send(http.MethodPost, body).Code }

func (h *hooked) send(method, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/hook", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// about is a body about a job that carries a track id.
func about(status, id string, track TrackID) string {
	return fmt.Sprintf(`{"status":%q,"id":%s,"track_id":%q,"output":["https://evil.example/a.mp4"],"fetch_result":"https://evil.example/"}`, status, id, track)
}

func (h *hooked) fetches() int { return h.net.count() }

// hookTest is a test inside a bubble.
func hookTest(t *testing.T, claim func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, claim)
}

func TestWebhookIsConfirmedBeforeItIsHandedOver(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		h := hook(t, nil)
		track := h.Track(hookPath)
		h.net.on("7", says(200, fmt.Sprintf(hookDone, "7")))

		assert.Equal(t, 202, h.post(about("success", "7", track)))
		events := h.handed()
		require.Len(t, events, 1)
		e := events[0]
		require.NoError(t, e.Err)
		assert.Equal(t, "7", e.Generation.ID)
		assert.Equal(t, hookPath, e.Generation.Path)
		assert.Equal(t, track.String(), e.Generation.TrackID)
		assert.Equal(t, []string{"https://files.example/a.mp4"}, e.Generation.Output, "what the API says, not what the webhook said")
		assert.Equal(t, Webhook{ID: "7", Status: "success", TrackID: track.String(), raw: e.Webhook.raw}, e.Webhook)
		assert.Contains(t, string(e.Webhook.Raw()), "evil.example")
		require.Equal(t, 1, h.fetches())
		assert.Equal(t, hookFetch+"7", h.net.requests()[0].Path)

		assert.Equal(t, 200, h.post(about("success", "7", track)), "a repetition")
		assert.Equal(t, 404, h.post(about("success", "8", track)), "the track id is forgotten")
		assert.Len(t, h.handed(), 1)
		assert.Equal(t, 1, h.fetches())
		assert.Empty(t, h.reported())
	})
}

func TestWebhookOfAJobThatFailed(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		h := hook(t, nil)
		track := h.Track(hookPath)
		h.net.on("7", says(200, fmt.Sprintf(hookFailed, "7")))
		assert.Equal(t, 202, h.post(about("success", "7", track)), "whatever it says")
		events := h.handed()
		require.Len(t, events, 1)
		require.ErrorIs(t, events[0].Err, ErrGenerationFailed)
		assert.Equal(t, StatusFailed, events[0].Generation.Status)
		assert.Equal(t, "7", events[0].Generation.ID)
		assert.Equal(t, hookPath, events[0].Generation.Path)
	})
}

func TestWebhookThatLies(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		h := hook(t, nil)
		track := h.Track(hookPath)
		h.net.on("7", says(200, fmt.Sprintf(hookRunning, "7")))
		assert.Equal(t, 202, h.post(about("success", "7", track)))
		assert.Empty(t, h.handed(), "the job has not ended")
		assert.Equal(t, 202, h.post(about("failed", "7", track)))
		assert.Empty(t, h.handed())
		assert.Empty(t, h.reported(), "nothing is wrong with waiting")

		h.net.on("7", says(200, fmt.Sprintf(hookDone, "7")))
		assert.Equal(t, 202, h.post(about("success", "7", track)), "the same again, and true")
		assert.Len(t, h.handed(), 1)
	})
}

func TestWebhookFromSomebodyWhoKnowsATrackID(t *testing.T) {
	t.Run("is worth a few questions", func(t *testing.T) {
		hookTest(t, func(t *testing.T) {
			h := hook(t, nil)
			track := h.Track(hookPath)
			for i := range webhookFetches {
				require.Equal(t, 202, h.post(about("success", strconv.Itoa(100+i), track)))
				synctest.Wait()
			}
			for i := range 50 {
				assert.Equal(t, 429, h.post(about("success", strconv.Itoa(200+i), track)))
			}
			assert.Empty(t, h.handed())
			assert.Equal(t, webhookFetches, h.fetches())
			assert.Len(t, h.reported(), webhookFetches)

			g := &Generation{ID: "7", Path: hookPath, TrackID: track.String()}
			h.net.on("7", says(200, fmt.Sprintf(hookDone, "7")))
			require.NoError(t, h.Expect(g), "the owner's word begins anew")
			assert.Equal(t, 404, h.post(about("success", "100", track)))
			assert.Equal(t, 202, h.post(about("success", "7", track)))
			assert.Len(t, h.handed(), 1)
		})
	})
	t.Run("cannot name another of our jobs", func(t *testing.T) {
		hookTest(t, func(t *testing.T) {
			h := hook(t, nil)
			mine, other := h.Track(hookPath), h.Track(hookPath)
			require.NoError(t, h.Expect(&Generation{ID: "8", Path: hookPath, TrackID: other.String()}))
			h.net.on("8", says(200, fmt.Sprintf(hookDone, "8")))
			assert.Equal(t, 404, h.post(about("success", "8", mine)), "8 has another track id")
			require.NoError(t, h.Expect(&Generation{ID: "7", Path: hookPath, TrackID: mine.String()}))
			assert.Equal(t, 404, h.post(about("success", "9", mine)), "it is 7 that has this one")
			assert.Zero(t, h.fetches())
			assert.Equal(t, 202, h.post(fmt.Sprintf(`{"status":"success","track_id":%d}`, other)), "the id is known")
			assert.Len(t, h.handed(), 1)
		})
	})
	t.Run("cannot make a refusal a failure", func(t *testing.T) {
		hookTest(t, func(t *testing.T) {
			h := hook(t, nil)
			track := h.Track(hookPath)
			h.net.on("9", says(200, `{"status":"error","message":"Request not found."}`))
			assert.Equal(t, 202, h.post(about("failed", "9", track)))
			assert.Empty(t, h.handed())
			require.Len(t, h.reported(), 1)
			assert.ErrorContains(t, h.reported()[0], "about this job")

			require.NoError(t, h.Expect(&Generation{ID: "9", Path: hookPath, TrackID: track.String()}))
			assert.Equal(t, 202, h.post(about("failed", "9", track)))
			require.Len(t, h.handed(), 1, "9 is the job now, whether the answer says so or not")
			require.ErrorIs(t, h.handed()[0].Err, ErrGenerationFailed)
		})
	})
	t.Run("cannot name a job with another track id", func(t *testing.T) {
		hookTest(t, func(t *testing.T) {
			h := hook(t, nil)
			track := h.Track(hookPath)
			h.net.on("9", says(200, `{"status":"success","id":9,"output":["x"],"track_id":"42"}`))
			assert.Equal(t, 202, h.post(about("success", "9", track)))
			assert.Empty(t, h.handed())
			assert.Len(t, h.reported(), 1)
		})
	})
	t.Run("is found out while the job is asked for", func(t *testing.T) {
		hookTest(t, func(t *testing.T) {
			h := hook(t, nil)
			track := h.Track(hookPath)
			h.net.on("9", func(r *http.Request) (*http.Response, error) {
				assert.NoError(t, h.Expect(&Generation{ID: "7", Path: hookPath, TrackID: track.String()}))
				return says(200, fmt.Sprintf(hookDone, "9"))(r)
			})
			assert.Equal(t, 202, h.post(about("success", "9", track)))
			assert.Empty(t, h.handed())
		})
	})
}

func TestWebhookThatNobodyExpects(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		h := hook(t, nil)
		h.Track(hookPath)
		for name, body := range map[string]string{
			"another track id": about("success", "7", NewTrackID()),
			"no track id":      `{"status":"success","id":7}`,
			"null":             `{"status":"success","id":7,"track_id":null}`,
			"a text":           `{"status":"success","id":7,"track_id":"t-1"}`,
			"nothing":          `{}`,
			"a workflow":       `{"event":"workflow.completed","execution_id":7,"workflow_id":3,"status":"completed"}`,
			"a training":       `{"status":"success","training_status":"deploying_gpu","logs":"","model_id":"m-1"}`,
			"a path":           `{"status":"success","id":"../../agents/v1/wallet","track_id":"1","path":"/api/v6/video/text2video"}`,
		} {
			assert.Equal(t, 404, h.post(body), name)
		}
		assert.Empty(t, h.handed())
		assert.Zero(t, h.fetches())
	})
}

func TestWebhookIDsThatAreNoElementOfAPath(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		h := hook(t, nil)
		track := h.Track(hookPath)
		for _, id := range []string{`""`, `".."`, `"../8"`, `"a/b"`, `"a\\b"`, `null`, `{}`, `[7]`, `true`, `"4242424242424242"`} {
			assert.Equal(t, 404, h.post(about("success", id, track)), id)
		}
		assert.Equal(t, 400, h.post(about("success", `"a\u0000b"`, track)))
		assert.Zero(t, h.fetches())
	})
}

func TestWebhookTrackIDsComeBackInManyForms(t *testing.T) {
	for name, form := range map[string]string{"text": `"%d"`, "a number": `%d`, "a float": `%d.0`, "a text of a float": `"%d.0"`} {
		t.Run(name, func(t *testing.T) {
			hookTest(t, func(t *testing.T) {
				h := hook(t, nil)
				track := h.Track(hookPath)
				h.net.on("7", says(200, fmt.Sprintf(hookDone, "7")))
				assert.Equal(t, 202, h.post(`{"status":"success","id":"7","track_id":`+fmt.Sprintf(form, track)+`}`))
				assert.Len(t, h.handed(), 1)
			})
		})
	}
	t.Run("one of the owner's own", func(t *testing.T) {
		hookTest(t, func(t *testing.T) {
			h := hook(t, nil)
			require.NoError(t, h.Expect(&Generation{ID: "7", Path: hookPath, TrackID: "order/5"}))
			h.net.on("7", says(200, fmt.Sprintf(hookDone, "7")))
			assert.Equal(t, 404, h.post(`{"status":"success","id":7}`), "the id alone can be guessed")
			assert.Equal(t, 202, h.post(`{"status":"success","id":7,"track_id":"order/5"}`))
			assert.Len(t, h.handed(), 1)
		})
	})
}

func TestTrackIDs(t *testing.T) {
	seen := map[TrackID]bool{}
	for range 1000 {
		id := NewTrackID()
		require.Greater(t, id, TrackID(0))
		require.Less(t, id, TrackID(1)<<53)
		require.EqualValues(t, id, int64(float64(id)), "a server that counts in floats gives it back")
		require.Equal(t, strconv.FormatInt(int64(id), 10), id.String())
		require.False(t, seen[id])
		seen[id] = true
	}
}

func TestWebhookRefusals(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		h := hook(t, nil)
		track := h.Track(hookPath)
		good := about("success", "7", track)
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			w := h.send(method, good)
			assert.Equal(t, 405, w.Code, method)
			assert.Equal(t, "POST", w.Header().Get("Allow"))
		}
		for _, media := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "text/html", ";"} {
			assert.Equal(t, 415, h.send("POST", good, "Content-Type", media).Code, media)
		}
		for _, body := range []string{"", " ", "null", "7", `"x"`, "[]", "[" + good + "]", "{", good[:len(good)-1], good + "}", "<html>", `{"id":7,}`, "\xff", "{'id':7}"} {
			assert.Equal(t, 400, h.post(body), body)
		}
		assert.Equal(t, 400, h.post(`{"status":"success","id":"`+strings.Repeat("7", maxWebhookText+1)+`"}`))
		pad := strings.Repeat(" ", maxWebhookBytes)
		assert.Equal(t, 413, h.post(good+pad), "by its length")
		r := httptest.NewRequest("POST", "/hook", io.MultiReader(strings.NewReader(good), strings.NewReader(pad)))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, 413, w.Code, "by its end")
		r = httptest.NewRequest("POST", "/hook", io.MultiReader(strings.NewReader(good), errReader{}))
		w = httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, 400, w.Code, "broken off")
		r.Body = nil
		w = httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, 400, w.Code)
		assert.Empty(t, h.handed())
		assert.Zero(t, h.fetches())

		h.net.on("7", says(200, fmt.Sprintf(hookDone, "7")))
		assert.Equal(t, 202, h.send("POST", "\xef\xbb\xbf \n"+good+pad[:1000], "Content-Type", "application/json; charset=utf-8").Code)
		assert.Len(t, h.handed(), 1)
	})
	for _, media := range []string{"", "text/plain;charset=UTF-8", "application/vnd.api+json", "Application/JSON"} {
		assert.True(t, mayBeJSON(http.Header{"Content-Type": {media}}), media)
	}
}

func TestWebhooksOfWorkflows(t *testing.T) {
	const path = "/api/v1/workflows/wf-3/run"
	done := `{"status":"success","execution":{"id":44,"workflow_id":"wf-3","status":"completed"},"output":{"output":["https://files.example/a.png"]}}`
	failed := `{"status":"success","execution":{"id":44,"status":"failed"},"error":"Node 2 broke."}`
	a := `{"event":"workflow.completed","workflow":{"id":"wf-3","name":"x","user_id":"1"},"execution":{"id":"44","status":"completed","output_data":{}}}`
	b := `{"event":"workflow.completed","execution_id":44,"workflow_id":"wf-3","status":"completed","output":{},"completed_at":"2026-01-01T00:00:00Z"}`
	for name, body := range map[string]string{"variant A": a, "variant B": b} {
		t.Run(name, func(t *testing.T) {
			hookTest(t, func(t *testing.T) {
				h := hook(t, nil)
				assert.Equal(t, 404, h.post(body), "not yet")
				require.NoError(t, h.Expect(&Generation{ID: "44", Path: path}))
				h.net.on("44", says(200, done))
				assert.Equal(t, 404, h.post(strings.Replace(body, "wf-3", "wf-4", 1)), "another workflow")
				assert.Equal(t, 404, h.post(`{"status":"success","id":44}`), "a generation")
				assert.Zero(t, h.fetches())
				assert.Equal(t, 202, h.post(body))
				events := h.handed()
				require.Len(t, events, 1)
				require.NoError(t, events[0].Err)
				assert.Equal(t, []string{"https://files.example/a.png"}, events[0].Generation.Output)
				assert.Equal(t, "workflow.completed", events[0].Webhook.Event)
				assert.Equal(t, "wf-3", events[0].Webhook.WorkflowID)
				assert.Equal(t, "completed", events[0].Webhook.Status)
				assert.Equal(t, "/api/v1/workflows/wf-3/runs/44", h.net.requests()[0].Path)
				assert.Equal(t, 200, h.post(body))
				require.NoError(t, h.Expect(&Generation{ID: "44", Path: path}), "was handed over")
				assert.Equal(t, 200, h.post(body))
				assert.Len(t, h.handed(), 1)
			})
		})
	}
	t.Run("a run that failed", func(t *testing.T) {
		hookTest(t, func(t *testing.T) {
			h := hook(t, nil)
			require.NoError(t, h.Expect(&Generation{ID: "44", Path: path}))
			h.net.on("44", says(200, failed))
			assert.Equal(t, 202, h.post(a))
			require.Len(t, h.handed(), 1)
			require.ErrorIs(t, h.handed()[0].Err, ErrGenerationFailed)
		})
	})
}

func TestWebhookIDsBelongToAFamily(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		h := hook(t, nil)
		require.NoError(t, h.Expect(&Generation{ID: "7", Path: hookPath}))
		require.NoError(t, h.Expect(&Generation{ID: "7", Path: "/api/v6/3d/text_to_3d"}))
		h.net.on("7", says(200, fmt.Sprintf(hookDone, "7")))
		assert.Equal(t, 202, h.post(`{"status":"success","id":7}`), "it may be either")
		assert.Len(t, h.handed(), 2)
		assert.Equal(t, 2, h.fetches())
	})
}

func TestWebhookCountsAgainAfterTrouble(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		h := hook(t, nil)
		track := h.Track(hookPath)
		h.net.on("7", breaks(io.ErrUnexpectedEOF), says(503, ""), says(401, `{"status":"error"}`), says(200, fmt.Sprintf(hookDone, "7")))
		for i := range 3 {
			assert.Equal(t, 202, h.post(about("success", "7", track)))
			assert.Empty(t, h.handed())
			errs := h.reported()
			require.Len(t, errs, i+1)
			assert.ErrorContains(t, errs[i], "webhook for 7 at "+hookPath)
		}
		assert.ErrorIs(t, h.reported()[1], ErrServer)
		assert.ErrorIs(t, h.reported()[2], ErrUnauthenticated)
		assert.Equal(t, 202, h.post(about("success", "7", track)))
		assert.Len(t, h.handed(), 1)
	})
}

// A true webhook must not be lost behind a question that was asked before it.
func TestWebhookThatComesWhileTheJobIsAskedFor(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		h := hook(t, nil)
		track := h.Track(hookPath)
		h.net.on("7", func(r *http.Request) (*http.Response, error) {
			assert.Equal(t, 202, h.post(about("success", "7", track)))
			return says(200, fmt.Sprintf(hookRunning, "7"))(r)
		}, says(200, fmt.Sprintf(hookDone, "7")))
		assert.Equal(t, 202, h.post(about("processing", "7", track)))
		events := h.handed()
		require.Len(t, events, 1)
		assert.Equal(t, "success", events[0].Webhook.Status)
		assert.Equal(t, 2, h.fetches())
	})
}

// held is a step that waits before it answers.
func held(gate chan struct{}, then step) step {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-gate:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		return then(r)
	}
}

func TestWebhookBacklogIsBounded(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		h := hook(t, func(_ *hooked, p *WebhookParams) { p.Workers, p.Backlog = 2, 3 })
		gate := make(chan struct{})
		var tracks []TrackID
		for i := range 6 {
			tracks = append(tracks, h.Track(hookPath))
			h.net.on(strconv.Itoa(i), held(gate, says(200, fmt.Sprintf(hookDone, strconv.Itoa(i)))))
		}
		for i := range 5 {
			require.Equal(t, 202, h.post(about("success", strconv.Itoa(i), tracks[i])))
			synctest.Wait()
		}
		w := h.send("POST", about("success", "5", tracks[5]))
		assert.Equal(t, 503, w.Code)
		assert.Equal(t, "30", w.Header().Get("Retry-After"))
		assert.Equal(t, 202, h.post(about("success", "4", tracks[4])), "it waits already")
		assert.Equal(t, 2, h.fetches(), "as many as there are workers")
		assert.Empty(t, h.handed(), "webhooks are answered before they are confirmed")

		close(gate)
		assert.Len(t, h.handed(), 5)
		assert.Equal(t, 202, h.post(about("success", "5", tracks[5])), "tried again")
		assert.Len(t, h.handed(), 6)
		assert.Equal(t, 6, h.fetches())
	})
}

func TestWebhookHandlerCloses(t *testing.T) {
	t.Run("when all is done", func(t *testing.T) {
		hookTest(t, func(t *testing.T) {
			h := hook(t, func(_ *hooked, p *WebhookParams) { p.Workers = 1 })
			gate := make(chan struct{})
			track, other := h.Track(hookPath), h.Track(hookPath)
			h.net.on("7", held(gate, says(200, fmt.Sprintf(hookDone, "7"))))
			h.net.on("8", says(200, fmt.Sprintf(hookDone, "8")))
			require.Equal(t, 202, h.post(about("success", "7", track)))
			require.Equal(t, 202, h.post(about("success", "8", other)))
			synctest.Wait()
			time.AfterFunc(time.Second, func() { close(gate) })
			start := time.Now()
			require.NoError(t, h.Close(t.Context()))
			assert.Equal(t, time.Second, time.Since(start))
			assert.Len(t, h.events, 2)
			third := h.Track(hookPath)
			w := h.send("POST", about("success", "9", third))
			assert.Equal(t, 503, w.Code)
			assert.NotEmpty(t, w.Header().Get("Retry-After"))
			require.NoError(t, h.Close(t.Context()), "again")
		})
	})
	t.Run("when its time is up", func(t *testing.T) {
		hookTest(t, func(t *testing.T) {
			h := hook(t, func(_ *hooked, p *WebhookParams) { p.Workers = 1 })
			track, other := h.Track(hookPath), h.Track(hookPath)
			h.net.on("7", held(nil, nil))
			require.Equal(t, 202, h.post(about("success", "7", track)))
			require.Equal(t, 202, h.post(about("success", "8", other)))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, h.Close(ctx), context.DeadlineExceeded)
			assert.Empty(t, h.handed())
			assert.Len(t, h.reported(), 2, "both are told")
			assert.LessOrEqual(t, h.fetches(), 2)
		})
	})
	t.Run("when Handle takes its time", func(t *testing.T) {
		hookTest(t, func(t *testing.T) {
			h := hook(t, func(_ *hooked, p *WebhookParams) {
				p.Handle = func(ctx context.Context, _ WebhookEvent) { <-ctx.Done() }
			})
			track := h.Track(hookPath)
			h.net.on("7", says(200, fmt.Sprintf(hookDone, "7")))
			require.Equal(t, 202, h.post(about("success", "7", track)))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, h.Close(ctx), context.DeadlineExceeded)
			require.NoError(t, h.Close(t.Context()))
		})
	})
	t.Run("without a context", func(t *testing.T) {
		hookTest(t, func(t *testing.T) {
			assertParam(t, "ctx", hook(t, nil).Close(nil)) //nolint:staticcheck // on purpose
		})
	})
}

func TestWebhookQuestionsEndBySomeTime(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		h := hook(t, nil)
		track := h.Track(hookPath)
		h.net.on("7", held(nil, nil))
		require.Equal(t, 202, h.post(about("success", "7", track)))
		synctest.Wait()
		require.NoError(t, h.Close(t.Context()))
		assert.Len(t, h.reported(), 1)
	})
}

func TestWebhookHandleThatPanicsOrExits(t *testing.T) {
	for name, handle := range map[string]func(){
		"a text": func() { panic("no more room") }, "an error": func() { panic(io.EOF) }, "nil": func() { panic(nil) },
		"Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			hookTest(t, func(t *testing.T) {
				handled := 0
				h := hook(t, func(_ *hooked, p *WebhookParams) {
					p.Workers = 1
					p.Handle = func(context.Context, WebhookEvent) { handled++; handle() }
				})
				for i := range 3 {
					track, id := h.Track(hookPath), strconv.Itoa(i)
					h.net.on(id, says(200, fmt.Sprintf(hookDone, id)))
					require.Equal(t, 202, h.post(about("success", id, track)))
					h.net.on(id, says(200, fmt.Sprintf(hookDone, id)))
					synctest.Wait()
					assert.Equal(t, 200, h.post(about("success", id, track)), "handed over all the same")
				}
				synctest.Wait()
				assert.Equal(t, 3, handled)
				if name != "Goexit" {
					require.Len(t, h.reported(), 3)
					assert.ErrorContains(t, h.reported()[0], "Handle panicked")
				}
			})
		})
	}
	t.Run("Error too", func(t *testing.T) {
		hookTest(t, func(t *testing.T) {
			h := hook(t, func(_ *hooked, p *WebhookParams) {
				p.Error = func(error) { panic("again") }
				p.Handle = func(context.Context, WebhookEvent) { panic("no") }
			})
			track := h.Track(hookPath)
			h.net.on("7", says(200, fmt.Sprintf(hookDone, "7")))
			require.Equal(t, 202, h.post(about("success", "7", track)))
		})
	})
}

func TestWebhookFind(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		var asked []Webhook
		h := hook(t, func(h *hooked, p *WebhookParams) {
			p.Find = func(_ context.Context, w Webhook) (*Generation, error) {
				asked = append(asked, w)
				switch w.TrackID {
				case "order-1", "order-1b":
					return &Generation{ID: "7", Path: hookPath}, nil
				case "order-2":
					return nil, errors.New("the database is away")
				case "order-3":
					return &Generation{ID: w.ID, Path: "/api/agents/v1/wallet"}, nil
				}
				return nil, nil
			}
		})
		assert.Equal(t, 404, h.post(`{"status":"success","id":7,"track_id":"order-9"}`))
		w := h.send("POST", `{"status":"success","id":7,"track_id":"order-2"}`)
		assert.Equal(t, 503, w.Code)
		assert.NotEmpty(t, w.Header().Get("Retry-After"))
		assert.Equal(t, 500, h.post(`{"status":"success","id":7,"track_id":"order-3"}`))
		require.Len(t, h.reported(), 2)
		assert.ErrorContains(t, h.reported()[0], "the database is away")
		assertParam(t, "Generation.Path", h.reported()[1])
		assert.Zero(t, h.fetches())

		h.net.on("7", says(200, fmt.Sprintf(hookRunning, "7")))
		assert.Equal(t, 202, h.post(`{"status":"success","id":8,"track_id":"order-1"}`), "the job is the owner's to say")
		assert.Empty(t, h.handed())
		h.net.on("7", says(200, fmt.Sprintf(hookDone, "7")))
		assert.Equal(t, 202, h.post(`{"status":"success","id":8,"track_id":"order-1"}`))
		assert.Len(t, h.handed(), 1)
		assert.Equal(t, 200, h.post(`{"status":"success","id":8,"track_id":"order-1"}`))
		assert.Equal(t, 200, h.post(`{"status":"success","id":9,"track_id":"order-1b"}`), "by another name")
		assert.Len(t, h.handed(), 1)
		assert.Equal(t, 2, h.fetches())

		before := len(asked)
		track := h.Track(hookPath)
		h.net.on("5", says(200, fmt.Sprintf(hookDone, "5")))
		assert.Equal(t, 202, h.post(about("success", "5", track)))
		assert.Len(t, asked, before, "nobody is asked for what the handler knows")
	})
	t.Run("is worth a few questions", func(t *testing.T) {
		hookTest(t, func(t *testing.T) {
			h := hook(t, func(_ *hooked, p *WebhookParams) {
				p.Find = func(context.Context, Webhook) (*Generation, error) {
					return &Generation{ID: "7", Path: hookPath}, nil
				}
			})
			h.net.on("7", says(200, fmt.Sprintf(hookRunning, "7")))
			for i := range 100 {
				h.post(`{"status":"success","id":` + strconv.Itoa(i) + `}`)
				synctest.Wait()
			}
			assert.Equal(t, webhookFetches, h.fetches())
		})
	})
}

func TestWebhookMemoryIsBounded(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		h := hook(t, nil)
		first := h.Track(hookPath)
		var last TrackID
		for i := range webhookMemory {
			last = h.Track(hookPath)
			require.NoError(t, h.Expect(&Generation{ID: strconv.Itoa(i), Path: hookPath, TrackID: last.String()}), "it is the same job")
		}
		assert.Len(t, h.tracks, webhookMemory)
		assert.Len(t, h.ids, webhookMemory)
		assert.Equal(t, webhookMemory, h.order.Len())
		assert.Equal(t, 404, h.post(about("success", "7", first)), "the oldest is forgotten")
		h.net.on(strconv.Itoa(webhookMemory-1), says(200, fmt.Sprintf(hookDone, strconv.Itoa(webhookMemory-1))))
		assert.Equal(t, 202, h.post(about("success", strconv.Itoa(webhookMemory-1), last)))
		assert.Len(t, h.handed(), 1)
		assert.Equal(t, webhookMemory-1, h.order.Len())
	})
	r := newRecent[int, int]()
	for i := range 3 * webhookMemory {
		r.put(i, i)
		r.put(i, i+1)
	}
	assert.Len(t, r.m, webhookMemory)
	assert.Equal(t, webhookMemory, r.order.Len())
	got, ok := r.get(3*webhookMemory - 1)
	assert.True(t, ok)
	assert.Equal(t, 3*webhookMemory, got)
	_, ok = r.get(0)
	assert.False(t, ok)
}

func TestWebhookBadParams(t *testing.T) {
	c := stubbed(t, scripted(says(500, "")))
	handle := func(context.Context, WebhookEvent) {}
	for param, p := range map[string]WebhookParams{
		"WebhookParams.Handle":  {},
		"WebhookParams.Workers": {Handle: handle, Workers: -1},
		"WebhookParams.Backlog": {Handle: handle, Backlog: maxWebhookBacklog + 1},
	} {
		_, err := c.Generation.WebhookHandler(p)
		assertParam(t, param, err)
	}
	hookTest(t, func(t *testing.T) {
		h := hook(t, nil)
		assertParam(t, "Generation", h.Expect(nil))
		assertParam(t, "Generation.ID", h.Expect(&Generation{Path: hookPath}))
		assertParam(t, "Generation.Path", h.Expect(&Generation{ID: "1", Path: "/api/v6/video"}))
		track := h.Track("/api/agents/v1/wallet/fund")
		require.Len(t, h.reported(), 1)
		assertParam(t, "Generation.Path", h.reported()[0])
		assert.Equal(t, 404, h.post(about("success", "7", track)))
	})
}

func TestWebhookTroubleGoesToTheLoggerWhereNobodyAsksForIt(t *testing.T) {
	hookTest(t, func(t *testing.T) {
		var log bytes.Buffer
		net := &hookNet{says: map[string][]step{}}
		c := stubbed(t, net, WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		h, err := c.Generation.WebhookHandler(WebhookParams{Handle: func(context.Context, WebhookEvent) {}})
		require.NoError(t, err)
		track := h.Track(hookPath)
		r := httptest.NewRequest("POST", "/hook", strings.NewReader(about("success", "7", track)))
		h.ServeHTTP(httptest.NewRecorder(), r)
		require.NoError(t, h.Close(t.Context()))
		assert.Contains(t, log.String(), "webhook for 7")
		assert.NotContains(t, log.String(), testKey)
	})
}

func TestWebhookTypesPrintNoBody(t *testing.T) {
	const canary = "canary-body-1f"
	w, ok := readWebhook([]byte(`{"status":"success","id":7,"meta":"` + canary + `"}`))
	require.True(t, ok)
	g := &Generation{ID: "7", Path: hookPath, Status: StatusSuccess, Raw: json.RawMessage(`{"meta":"` + canary + `"}`)}
	h, err := stubbed(t, scripted(says(500, ""))).Generation.WebhookHandler(WebhookParams{Handle: func(context.Context, WebhookEvent) {}})
	require.NoError(t, err)
	track := h.Track(hookPath)
	for _, v := range []any{w, &w, WebhookEvent{Generation: g, Webhook: w}, &WebhookEvent{Generation: g, Webhook: w}, BatchResult{Generation: g}, &BatchResult{Generation: g}, []BatchResult{{Generation: g}}} {
		assertNotShown(t, v, true, canary)
	}
	assertNotShown(t, h, false, track.String(), testKey)
	assert.Equal(t, "generation 7 at "+hookPath+": success", fmt.Sprint(WebhookEvent{Generation: g}))
	assert.Equal(t, "not yet", fmt.Sprint(WebhookEvent{Err: errors.New("not yet")}))
	assert.Equal(t, "no generation", fmt.Sprint(BatchResult{}))
}

func FuzzWebhook(f *testing.F) {
	for _, body := range []string{
		about("success", "7", 5), `{"event":"workflow.completed","workflow":{"id":"3"},"execution":{"id":"4","status":"completed"}}`,
		`{"event":"x","execution_id":4,"workflow_id":3,"status":"completed"}`, `{"status":"failed","id":"7","message":"no","track_id":1e3}`,
		`{"id":7}`, `{"id":44,"execution":{},"workflow":[]}`, "[]", "", `{"track_id":"12.0","id":"../x"}`, "{\"id\":\"\\ud800\"}",
	} {
		f.Add("POST", "application/json", []byte(body))
	}
	f.Add("GET", "text/html", []byte("{}"))
	net := scripted(breaks(errors.New("nothing may be fetched")))
	c := stubbed(f, net, hasty(1))
	h, err := c.Generation.WebhookHandler(WebhookParams{Handle: func(context.Context, WebhookEvent) { f.Error("handed over") }})
	require.NoError(f, err)
	require.NoError(f, h.Expect(&Generation{ID: "known-7c1e", Path: hookPath, TrackID: "track-55d0"}))
	require.NoError(f, h.Expect(&Generation{ID: "known-99aa", Path: "/api/v1/workflows/known-wf-02/run"}))
	h.Track(hookPath)
	guessed := false
	f.Fuzz(func(t *testing.T, method, media string, body []byte) {
		r := httptest.NewRequest("POST", "/hook", bytes.NewReader(body))
		r.Method = method
		r.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		known := bytes.Contains(body, []byte("known-")) || bytes.Contains(body, []byte("track-"))
		if w.Code == http.StatusAccepted && !known && !bytes.Contains(body, []byte(`\u`)) {
			t.Fatalf("%d for %q", w.Code, body)
		}
		switch w.Code {
		case 202, 400, 404, 405, 413, 415, 429:
		default:
			t.Fatalf("%d for %q", w.Code, body)
		}
		guessed = guessed || w.Code == http.StatusAccepted
		if n := net.count(); n > 0 && !guessed {
			t.Fatalf("%d fetched after %q", n, body)
		}
	})
}
