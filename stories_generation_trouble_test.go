package modelslab_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// brokenJob checks that an error tells of a job that broke, and of nothing else.
func brokenJob(t *testing.T, id string, err error) {
	t.Helper()
	var failed *modelslab.GenerationError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, id, failed.GenerationID)
	assert.NotEmpty(t, failed.Message)
	for _, other := range allKinds {
		if other != modelslab.ErrGenerationFailed {
			assert.NotErrorIs(t, err, other)
		}
	}
}

// A job that is accepted and then breaks is an error with its id. The money comes back.
func TestStoryOfEachJobThatFails(t *testing.T) {
	for outcome, status := range map[sandbox.GenerationOutcome]modelslab.GenerationStatus{
		sandbox.GenerationFails: modelslab.StatusFailed, sandbox.GenerationErrs: modelslab.StatusError,
	} {
		t.Run(string(outcome), func(t *testing.T) {
			eachJob(t, func(t *testing.T, j typedJob, w *world) {
				ctx := withinADay(t)
				job, err := j.submit(ctx, w.client.Generation)
				require.NoError(t, err, "it was accepted")
				assert.Equal(t, j.makes.cents, w.spent(t))
				last, err := w.client.Generation.Wait(ctx, job, modelslab.WaitParams{})
				brokenJob(t, job.ID, err)
				require.NotNil(t, last)
				assert.Equal(t, []string{job.ID, job.Path}, []string{last.ID, last.Path})
				assert.Equal(t, status, last.Status)
				assert.Empty(t, last.Output)
				assert.Zero(t, w.spent(t), "the price came back")
				none, err := w.client.Generation.Fetch(ctx, &modelslab.Generation{ID: job.ID, Path: job.Path})
				brokenJob(t, job.ID, err)
				assert.Nil(t, none)
				assert.Len(t, asked(w.srv, j.endpoint), 1)
			}, sandbox.WithGenerationOutcome(outcome))
		})
	}
}

// The process that submitted is gone before the job is done. Another one goes on, from
// what was kept: all of the job, or its ID and Path.
func TestStoryARestartWhileWaiting(t *testing.T) {
	eachJob(t, func(t *testing.T, j typedJob, w *world) {
		job, err := j.submit(t.Context(), w.client.Generation)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		last, err := w.client.Generation.Wait(ctx, job, modelslab.WaitParams{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.NotErrorIs(t, err, modelslab.ErrOutcomeUnknown, "a job that is waited for is known")
		require.NotNil(t, last)
		kept, err := json.Marshal(last)
		require.NoError(t, err)
		short := fmt.Appendf(nil, `{"id":%q,"path":%q}`, last.ID, last.Path)
		for _, kept := range [][]byte{kept, short} {
			var again modelslab.Generation
			require.NoError(t, json.Unmarshal(kept, &again))
			done, err := w.as(t, w.account).Generation.Wait(withinADay(t), &again, modelslab.WaitParams{})
			require.NoError(t, err)
			assert.Equal(t, []string{job.ID, job.Path}, []string{done.ID, done.Path})
			assert.Len(t, done.Output, 1)
		}
		assert.Len(t, asked(w.srv, j.endpoint), 1, "one submission")
		assert.Equal(t, j.makes.cents, w.spent(t))
	}, sandbox.WithGenerationTime(20*time.Second))
}

// The family whose answers are an empty text while a job is processing is waited for
// like any other, and nothing empty passes for a result.
func TestStoryOfAnEmptyOutput(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		job, err := w.client.Generation.Editing.RemoveBackground(t.Context(), modelslab.RemoveBackgroundParams{Image: modelslab.InputURL("https://files.example.com/a.png")})
		require.NoError(t, err)
		assert.NotEmpty(t, job.FutureLinks)
		assert.Empty(t, job.Output, "a link to what is not there yet is no output")
		elapse(time.Second)
		now, err := w.client.Generation.Fetch(t.Context(), job)
		require.NoError(t, err)
		assert.Contains(t, string(now.Raw), `"output":""`)
		assert.NotContains(t, string(now.Raw), `"id"`)
		assert.Empty(t, now.Output)
		assert.False(t, now.Done())
		assert.Equal(t, job.ID, now.ID)
		var seen []modelslab.GenerationStatus
		done, err := w.client.Generation.Wait(withinADay(t), now, modelslab.WaitParams{Progress: func(g *modelslab.Generation) {
			seen = append(seen, g.Status)
			assert.Equal(t, job.ID, g.ID)
			assert.Equal(t, g.Status == modelslab.StatusSuccess, len(g.Output) > 0)
		}})
		require.NoError(t, err)
		assert.Equal(t, []modelslab.GenerationStatus{modelslab.StatusProcessing, modelslab.StatusSuccess}, slices.Compact(seen))
		assert.Len(t, done.Output, 1)
	}, sandbox.WithGenerationTime(9*time.Second))
}

// refusals429 counts the requests that were refused for a full queue.
func refusals429(srv *sandbox.Server) (n int) {
	for _, r := range srv.Requests() {
		if r.Status == http.StatusTooManyRequests {
			n++
		}
	}
	return n
}

// Without a gate a full queue is an error that says when to come back, and costs nothing.
func TestStoryOfAFullQueue(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := withinADay(t)
		once, err := w.client.With(modelslab.WithRetryPolicy(modelslab.RetryPolicy{MaxAttempts: 1}))
		require.NoError(t, err)
		var jobs []*modelslab.Generation
		for range 5 {
			job, err := once.Generation.Images.TextToImage(ctx, lighthouse())
			require.NoError(t, err)
			jobs = append(jobs, job)
		}
		elapse(10 * time.Second)
		for _, j := range typedJobs() {
			none, err := j.submit(ctx, once.Generation)
			assert.Nil(t, none)
			var limited *modelslab.RateLimitError
			require.ErrorAs(t, err, &limited, "one queue for all: %s", j.endpoint)
			assert.Equal(t, 20*time.Second, limited.RetryAfter)
			assert.Equal(t, modelslab.LimiterGeneration, limited.Limiter)
			for _, other := range allKinds {
				assert.Equal(t, other == modelslab.ErrRateLimited, errors.Is(err, other), "%v", other)
			}
		}
		assert.EqualValues(t, 10, w.spent(t), "five pictures")
		n, err := once.Generation.ProcessingCount(ctx)
		require.NoError(t, err)
		assert.Equal(t, 5, n)

		// The queue does not keep its own jobs from being asked for, and empties.
		for _, job := range jobs {
			_, err := once.Generation.Wait(ctx, job, modelslab.WaitParams{})
			require.NoError(t, err)
		}
		_, err = once.Generation.Images.TextToImage(ctx, lighthouse())
		require.NoError(t, err)
		assert.EqualValues(t, 12, w.spent(t))
	}, sandbox.WithGenerationTime(30*time.Second))
}

// A fleet over all families behind one gate never sees a 429.
func TestStoryOfAFleetBehindAGate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.srv.Account(sandbox.AccountParams{Email: w.account.Email, BalanceCents: 1000})
		ctx := withinADay(t)
		gated, err := modelslab.New(append(w.account.ClientOptions(), modelslab.WithQueueLimit(5), modelslab.WithRetryPolicy(modelslab.RetryPolicy{MaxAttempts: 1}))...)
		require.NoError(t, err)
		all := typedJobs()
		var group sync.WaitGroup
		for i := range 40 {
			client := gated
			if i%4 == 0 { // the gate is that of the account, whichever of its clients comes
				client, err = gated.With(modelslab.WithUserAgent("worker"))
				require.NoError(t, err)
			}
			group.Go(func() {
				job, err := all[i*len(all)/40].submit(ctx, client.Generation)
				if !assert.NoError(t, err) || i%5 == 0 { // some are never waited for
					return
				}
				job, err = client.Generation.Wait(ctx, job, modelslab.WaitParams{})
				assert.NoError(t, err)
				assert.Len(t, job.Output, 1)
			})
		}
		group.Wait()
		submitted := 0
		for _, j := range all {
			submitted += len(asked(w.srv, j.endpoint))
		}
		assert.Equal(t, 40, submitted)
		assert.Zero(t, refusals429(w.srv), "429")
		elapse(time.Minute)
		assert.Len(t, w.used(t), 40, "each is paid once")
	}, sandbox.WithGenerationTime(7*time.Second))
}

// What is left of a stream that breaks off is the text so far, beside an error that says
// that the rest may have been paid.
func TestStoryOfAStreamThatBreaksOff(t *testing.T) {
	const whole = "You said: a long story of the sea"
	for n := range 10 {
		t.Run(fmt.Sprintf("after %d events", n), func(t *testing.T) {
			for shape, stream := range streams("a long story of the sea") {
				inWorld(t, func(t *testing.T, w *world) {
					text, soFar, err := stream(t.Context(), w.client)
					require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown, shape)
					assert.True(t, strings.HasPrefix(whole, text), "%s: %q", shape, text)
					assert.Equal(t, text, soFar, shape)
					if n > 5 {
						assert.Contains(t, text, "You said: a", shape)
					}
					assert.EqualValues(t, 1, w.spent(t), "%s: paid once", shape)
					assert.Len(t, slices.Concat(asked(w.srv, "chat.completions"), asked(w.srv, "chat.messages")), 1, "%s: never sent again", shape)
				}, sandbox.WithChatCut(n))
			}
		})
	}
}

// When all has come but the word that nothing more will, nothing is missing.
func TestStoryOfAStreamThatBreaksOffBehindItsEnd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		text, soFar, err := streams("a long story of the sea")["completion"](t.Context(), w.client)
		require.NoError(t, err)
		assert.Equal(t, "You said: a long story of the sea", text)
		assert.Equal(t, text, soFar)
	}, sandbox.WithChatCut(10))
}

// An error that the stream itself tells is an answer of the API's, with what came before.
func TestStoryOfAnErrorInAStream(t *testing.T) {
	for _, n := range []int{0, 1, 3, 6} {
		t.Run(fmt.Sprintf("after %d events", n), func(t *testing.T) {
			for shape, stream := range streams("a long story of the sea") {
				inWorld(t, func(t *testing.T, w *world) {
					text, soFar, err := stream(t.Context(), w.client)
					var api *modelslab.APIError
					require.ErrorAs(t, err, &api, shape)
					assert.Contains(t, api.Message, "stopped in the middle", shape)
					require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown, shape)
					assert.Equal(t, text, soFar, shape)
					assert.EqualValues(t, 1, w.spent(t), shape)
				}, sandbox.WithChatStreamError(n))
			}
		})
	}
}

// streams ask in both shapes. They return the text as it came, the text of what stands
// beside the error, and the error.
func streams(question string) map[string]func(context.Context, *modelslab.Client) (text, soFar string, err error) {
	return map[string]func(context.Context, *modelslab.Client) (string, string, error){
		"completion": func(ctx context.Context, c *modelslab.Client) (text, soFar string, err error) {
			for event, e := range c.Generation.Chat.Stream(ctx, modelslab.ChatParams{
				Model: "some-model", Messages: []modelslab.ChatMessage{{Role: modelslab.RoleUser, Content: question}},
			}) {
				text += event.Delta
				if err = e; event.Completion != nil {
					soFar = event.Completion.Text()
				}
			}
			return text, soFar, err
		},
		"message": func(ctx context.Context, c *modelslab.Client) (text, soFar string, err error) {
			for event, e := range c.Generation.Chat.MessageStream(ctx, modelslab.MessageParams{
				Model: "some-model", MaxTokens: 100, Messages: []modelslab.MessageParam{{Role: modelslab.RoleUser, Content: question}},
			}) {
				text += event.Delta
				if err = e; event.Message != nil {
					soFar = event.Message.Text()
				}
			}
			return text, soFar, err
		},
	}
}

// letterbox is a handler of webhooks, what it has handed over, and what it was told.
type letterbox struct {
	*modelslab.WebhookHandler
	mu     sync.Mutex
	events []modelslab.WebhookEvent
	errs   []error
}

func (l *letterbox) ends() []modelslab.WebhookEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

func (l *letterbox) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	l.ServeHTTP(w, r)
	return w.Result(), nil
}

// post is a webhook of anybody's.
func (l *letterbox) post(body string) (status int) {
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/modelslab", strings.NewReader(body)))
	synctest.Wait() // until it has been looked into
	return w.Code
}

// withLetterbox tells a story with a server that delivers its webhooks.
func withLetterbox(t *testing.T, story func(t *testing.T, w *world, l *letterbox), opts ...sandbox.Option) {
	t.Helper()
	l := &letterbox{}
	inWorld(t, func(t *testing.T, w *world) {
		hooks, err := w.client.Generation.WebhookHandler(modelslab.WebhookParams{
			Handle: func(_ context.Context, e modelslab.WebhookEvent) {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.events = append(l.events, e)
			},
			Error: func(err error) {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.errs = append(l.errs, err)
			},
		})
		require.NoError(t, err)
		l.WebhookHandler = hooks
		story(t, w, l)
		require.NoError(t, hooks.Close(t.Context()))
	}, append(opts, sandbox.WithWebhookTransport(l))...)
}

const hookURL = "https://hooks.example.com/modelslab"

// filmed submits a film whose end is told to the letterbox.
func filmed(t *testing.T, w *world, l *letterbox) (*modelslab.Generation, string) {
	t.Helper()
	track := l.Track(rowNamed("video.text2video").Path).String()
	job, err := w.client.Generation.Video.TextToVideo(t.Context(), modelslab.TextToVideoParams{
		ModelID: "some-model", Prompt: "a lighthouse at dusk", Webhook: hookURL, TrackID: track,
	})
	require.NoError(t, err)
	assert.Equal(t, track, job.TrackID)
	job.TrackID = track
	return job, track
}

// A webhook is a hint. One that lies moves nothing: it is the API that is asked.
func TestStoryOfAWebhookThatLies(t *testing.T) {
	lie := func(id, track string) string {
		return fmt.Sprintf(`{"status":"success","id":%s,"track_id":%q,"output":["https://evil.example.com/a.mp4"]}`, id, track)
	}
	for name, known := range map[string]bool{"before the submission's answer is known": false, "after it": true} {
		t.Run(name, func(t *testing.T) {
			withLetterbox(t, func(t *testing.T, w *world, l *letterbox) {
				job, track := filmed(t, w, l)
				if known {
					require.NoError(t, l.Expect(job))
				}
				assert.Equal(t, http.StatusAccepted, l.post(lie(job.ID, track)), "it will be looked into")
				assert.Empty(t, l.ends(), "the job is processing")
				assert.Equal(t, http.StatusNotFound, l.post(lie(job.ID, "1234567890")), "nobody knows the track id")
				assert.Equal(t, http.StatusNotFound, l.post(lie(job.ID, "")), "the id alone is guessed")
				other, _ := filmed(t, w, l)
				want := http.StatusAccepted // there is no telling yet
				if known {
					want = http.StatusNotFound
				}
				assert.Equal(t, want, l.post(lie(other.ID, track)), "another job's id")
				assert.Empty(t, l.ends())

				elapse(10 * time.Second) // the true one comes
				synctest.Wait()
				ends := l.ends()
				require.Len(t, ends, 2)
				for _, e := range ends {
					require.NoError(t, e.Err)
					require.Len(t, e.Generation.Output, 1)
					assert.NotContains(t, e.Generation.Output[0], "evil")
				}
				i := slices.IndexFunc(ends, func(e modelslab.WebhookEvent) bool { return e.Generation.ID == job.ID })
				require.GreaterOrEqual(t, i, 0)
				assert.Equal(t, track, ends[i].Generation.TrackID)
				for _, d := range w.srv.Webhooks() {
					assert.Equal(t, http.StatusAccepted, d.Status)
				}
				assert.Equal(t, http.StatusOK, l.post(lie(job.ID, track)), "it was handed over")
				assert.Len(t, l.ends(), 2, "once")
				assert.Empty(t, l.errs)
				assert.EqualValues(t, 40, w.spent(t))
			}, sandbox.WithGenerationTime(5*time.Second))
		})
	}
}

// A success that is claimed of a job that broke is handed over as what it is.
func TestStoryOfAWebhookThatDeniesAFailure(t *testing.T) {
	withLetterbox(t, func(t *testing.T, w *world, l *letterbox) {
		job, track := filmed(t, w, l)
		require.NoError(t, l.Expect(job))
		elapse(4900 * time.Millisecond)
		assert.Equal(t, http.StatusAccepted, l.post(`{"status":"success","id":`+job.ID+`,"track_id":"`+track+`","output":["https://evil.example.com/a.mp4"]}`))
		assert.Empty(t, l.ends())
		elapse(time.Second)
		synctest.Wait()
		ends := l.ends()
		require.Len(t, ends, 1)
		brokenJob(t, job.ID, ends[0].Err)
		assert.Equal(t, modelslab.StatusFailed, ends[0].Generation.Status)
		assert.Empty(t, ends[0].Generation.Output)
		assert.Zero(t, w.spent(t))

		// The true webhook never comes, and the lie is late.
		track = l.Track(rowNamed("video.text2video").Path).String()
		job, err := w.client.Generation.Video.TextToVideo(t.Context(), modelslab.TextToVideoParams{ModelID: "some-model", Prompt: "a bay", TrackID: track})
		require.NoError(t, err)
		elapse(6 * time.Second)
		assert.Equal(t, http.StatusAccepted, l.post(`{"status":"success","id":`+job.ID+`,"track_id":"`+track+`","output":["https://evil.example.com/a.mp4"]}`))
		ends = l.ends()
		require.Len(t, ends, 2)
		brokenJob(t, job.ID, ends[1].Err)
		assert.Empty(t, ends[1].Generation.Output)
	}, sandbox.WithGenerationTime(5*time.Second), sandbox.WithGenerationOutcome(sandbox.GenerationFails))
}

// A workflow's webhook has no track id, and tells its end in one of two ways.
func TestStoryOfAWorkflowsWebhook(t *testing.T) {
	for _, payload := range []sandbox.WorkflowWebhook{sandbox.WorkflowWebhookNested, sandbox.WorkflowWebhookFlat} {
		t.Run(string(payload), func(t *testing.T) {
			withLetterbox(t, func(t *testing.T, w *world, l *letterbox) {
				run := startRun(t, w)
				require.NoError(t, l.Expect(run))
				flow := strings.Split(run.Path, "/")[4]
				assert.Equal(t, http.StatusAccepted, l.post(fmt.Sprintf(`{"event":"workflow.completed","execution_id":%s,"workflow_id":%q,"status":"completed"}`, run.ID, flow)))
				assert.Equal(t, http.StatusNotFound, l.post(fmt.Sprintf(`{"event":"workflow.completed","execution_id":%s,"workflow_id":"another","status":"completed"}`, run.ID)))
				assert.Empty(t, l.ends(), "it is running")
				elapse(3 * time.Second)
				synctest.Wait()
				ends := l.ends()
				require.Len(t, ends, 1)
				require.NoError(t, ends[0].Err)
				assert.Equal(t, run.ID, ends[0].Generation.ID)
				require.Len(t, ends[0].Generation.Output, 1)
			}, sandbox.WithWorkflowWebhook(hookURL, payload))
		})
	}
}

// startRun starts the first workflow.
func startRun(t *testing.T, w *world) *modelslab.Generation {
	t.Helper()
	flows := w.client.Generation.Workflows
	list, err := flows.List(t.Context())
	require.NoError(t, err)
	run, err := flows.Run(t.Context(), list[0].ID, map[string]any{"prompt": "a lighthouse"})
	require.NoError(t, err)
	return run
}

// The answer about a run that failed has the status success. It is the run's own that counts.
func TestStoryOfAWorkflowThatFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		run := startRun(t, w)
		assert.EqualValues(t, 2, w.spent(t))
		last, err := w.client.Generation.Wait(withinADay(t), run, modelslab.WaitParams{})
		brokenJob(t, run.ID, err)
		assert.ErrorContains(t, err, "the model broke")
		assert.Equal(t, modelslab.StatusFailed, last.Status)
		assert.Equal(t, run.ID, last.ID)
		assert.Zero(t, w.spent(t), "the price came back")
		execution, err := w.client.Generation.Workflows.Execution(t.Context(), strings.Split(run.Path, "/")[4], run.ID)
		require.NoError(t, err, "how it is, is no error")
		assert.Equal(t, "failed", execution.Status)
		assert.Contains(t, execution.Error, "the model broke")
		assert.Empty(t, execution.Output)
	}, sandbox.WithGenerationOutcome(sandbox.GenerationFails))
}

func TestStoryOfAWorkflowThatIsCancelled(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		run := startRun(t, w)
		flow := strings.Split(run.Path, "/")[4]
		elapse(time.Second)
		require.NoError(t, w.client.Generation.Workflows.Cancel(t.Context(), flow, run.ID))
		last, err := w.as(t, w.account).Generation.Wait(withinADay(t), &modelslab.Generation{ID: run.ID, Path: run.Path}, modelslab.WaitParams{})
		brokenJob(t, run.ID, err)
		assert.ErrorContains(t, err, "cancelled")
		assert.Equal(t, modelslab.StatusFailed, last.Status)
		execution, err := w.client.Generation.Workflows.Execution(t.Context(), flow, run.ID)
		require.NoError(t, err)
		assert.Equal(t, "cancelled", execution.Status)
		require.Error(t, w.client.Generation.Workflows.Cancel(t.Context(), flow, run.ID), "twice")
	})
}

func TestStoryOfATrainingThatFails(t *testing.T) {
	for outcome, status := range map[sandbox.GenerationOutcome]modelslab.GenerationStatus{
		sandbox.GenerationFails: modelslab.StatusFailed, sandbox.GenerationErrs: modelslab.StatusError,
	} {
		t.Run(string(outcome), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				ctx := withinADay(t)
				training := w.client.Generation.Training
				begun, err := training.Create(ctx, sixPictures())
				require.NoError(t, err)
				assert.EqualValues(t, 100, w.spent(t))
				last, err := training.Wait(ctx, begun.ID, modelslab.TrainingWaitParams{})
				brokenJob(t, begun.ID, err)
				assert.Equal(t, &modelslab.Training{ID: begun.ID, State: "training_failed", Status: status, Progress: "The training failed."}, last)
				assert.Zero(t, w.spent(t), "the price came back")
				none, err := training.Status(ctx, begun.ID)
				brokenJob(t, begun.ID, err)
				assert.Nil(t, none)
			}, sandbox.WithTrainingOutcome(outcome))
		})
	}
}

func TestStoryOfATrainingThatIsCancelled(t *testing.T) {
	inWorld(t, storyOfACancelledTraining)
}

// submission is a call of the generation APIs that pays.
type submission struct {
	endpoint string
	cents    int64
	call     func(ctx context.Context, g *modelslab.GenerationService) error
}

func submissions() []submission {
	var all []submission
	for _, j := range typedJobs() {
		all = append(all, submission{j.endpoint, j.makes.cents, func(ctx context.Context, g *modelslab.GenerationService) error {
			return second(j.submit(ctx, g))
		}})
	}
	return append(all,
		submission{"training.lora_fine_tune", 100, func(ctx context.Context, g *modelslab.GenerationService) error {
			return second(g.Training.Create(ctx, sixPictures()))
		}},
		submission{"workflows.run", 2, func(ctx context.Context, g *modelslab.GenerationService) error {
			return second(g.Workflows.Run(ctx, "7f6a1d52-3c4b-4e8e-9f0a-2b8c5d1e6a11", map[string]any{"prompt": "a lighthouse"}))
		}},
		submission{"voice.voice_upload", 5, func(ctx context.Context, g *modelslab.GenerationService) error {
			return second(g.Audio.VoiceUpload(ctx, modelslab.VoiceUploadParams{Name: "Ada", InitAudio: modelslab.InputURL("https://files.example.com/a.wav"), Language: "english"}))
		}},
		submission{"model_ops.load", 0, func(ctx context.Context, g *modelslab.GenerationService) error {
			return g.Models.Load(ctx, modelslab.ModelLoadParams{
				URL: "some/model", ModelID: "mine", ModelName: "Mine", ModelFormat: "safetensors", ModelCategory: "flux", ModelVisibility: "public",
			})
		}},
		submission{"chat.completions", 1, func(ctx context.Context, g *modelslab.GenerationService) error {
			return second(g.Chat.Complete(ctx, modelslab.ChatParams{Model: "some-model", Messages: []modelslab.ChatMessage{{Role: modelslab.RoleUser, Content: "hello"}}}))
		}},
		submission{"chat.messages", 1, func(ctx context.Context, g *modelslab.GenerationService) error {
			return second(g.Chat.Message(ctx, modelslab.MessageParams{Model: "some-model", MaxTokens: 9, Messages: []modelslab.MessageParam{{Role: modelslab.RoleUser, Content: "hello"}}}))
		}},
	)
}

func TestSubmissionsAreAllThatPay(t *testing.T) {
	var all, told []string
	for _, e := range modelslab.Endpoints() {
		if e.Spends && e.Limiter == modelslab.LimiterGeneration {
			all = append(all, e.Name)
		}
	}
	for _, s := range submissions() {
		told = append(told, s.endpoint)
	}
	assert.ElementsMatch(t, all, told)
}

// An answer that is lost leaves open whether the job runs: it is paid at most once, said
// to be unknown, and never sent again.
func TestStoryOfALostAnswerOfEachSubmission(t *testing.T) {
	faults := []struct {
		name string
		sandbox.Fault
		done bool // the work was
	}{
		{"connection dropped", sandbox.Fault{Kind: sandbox.FaultDropAfter}, true},
		{"body cut", sandbox.Fault{Kind: sandbox.FaultCutBody}, true},
		{"500", sandbox.Fault{Kind: sandbox.Fault500}, false},
		{"500 after the work", sandbox.Fault{Kind: sandbox.Fault500, AfterWork: true}, true},
		{"502 after the work", sandbox.Fault{Kind: sandbox.Fault502, AfterWork: true}, true},
		{"503 after the work", sandbox.Fault{Kind: sandbox.Fault503, AfterWork: true, RetryAfter: time.Second}, true},
		{"a page after the work", sandbox.Fault{Kind: sandbox.FaultHTML, AfterWork: true}, true},
		{"nothing after the work", sandbox.Fault{Kind: sandbox.FaultEmpty, AfterWork: true}, true},
		{"a redirect after the work", sandbox.Fault{Kind: sandbox.FaultRedirect, AfterWork: true}, true},
	}
	for _, s := range submissions() {
		t.Run(s.endpoint, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.srv.Account(sandbox.AccountParams{Email: w.account.Email, BalanceCents: 2000})
				before := balance(t, w.client)
				for _, f := range faults {
					if s.endpoint == "model_ops.load" && f.Kind == sandbox.FaultEmpty {
						continue // what it answers is not documented: a success that says nothing is one
					}
					f.Endpoint = s.endpoint
					sent := len(asked(w.srv, s.endpoint))
					w.srv.Inject(f.Fault)
					err := s.call(t.Context(), w.client.Generation)
					require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown, f.name)
					var unknown *modelslab.OutcomeUnknownError
					require.ErrorAs(t, err, &unknown, f.name)
					assert.Equal(t, s.endpoint, unknown.Endpoint, f.name)
					assert.NotErrorIs(t, err, modelslab.ErrGenerationFailed, f.name)
					assert.Len(t, asked(w.srv, s.endpoint), sent+1, "%s: sent once", f.name)
					elapse(10 * time.Second)
					after := balance(t, w.client)
					want := before
					if f.done {
						want, err = before.Sub(modelslab.Cents(s.cents))
						require.NoError(t, err)
					}
					assert.Equal(t, want.String(), after.String(), f.name)
					before = after
				}
			})
		})
	}
}

// A 429 was not accepted, so it is repeated by itself, and paid once.
func TestStoryOfASubmissionThatIsRefusedAtFirst(t *testing.T) {
	for _, s := range submissions() {
		t.Run(s.endpoint, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.srv.Inject(sandbox.Fault{Endpoint: s.endpoint, Kind: sandbox.Fault429, Times: 2, RetryAfter: 7 * time.Second})
				start := time.Now()
				require.NoError(t, s.call(withinADay(t), w.client.Generation))
				assert.GreaterOrEqual(t, time.Since(start), 14*time.Second)
				assert.Len(t, asked(w.srv, s.endpoint), 3)
				assert.Equal(t, s.cents, w.spent(t))
			})
		})
	}
}

// What a model does not take is refused before anything is sent or paid.
func TestStoryOfAModelsOwnSchema(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx, g := withinADay(t), w.client.Generation
		model, err := g.Models.Get(ctx, "flux")
		require.NoError(t, err)
		schema := model.Schema(imagesPath)
		require.NotEmpty(t, schema)
		sent := len(w.srv.Requests())
		for param, p := range map[string]map[string]any{
			"params.prompt":  {"model_id": "flux"},
			"params.width":   {"model_id": "flux", "prompt": "a lighthouse", "width": 300},
			"params.height":  {"model_id": "flux", "prompt": "a lighthouse", "height": 2048},
			"params.samples": {"model_id": "flux", "prompt": "a lighthouse", "samples": 9},
			"params.seed":    {"model_id": "flux", "prompt": "a lighthouse", "seed": -1},
		} {
			none, err := g.Run(ctx, imagesPath, p, modelslab.WithSchema(schema))
			assert.Nil(t, none)
			var wrong *modelslab.ParamError
			require.ErrorAs(t, err, &wrong, param)
			assert.Equal(t, param, wrong.Param)
			require.ErrorIs(t, err, modelslab.ErrValidation)
			assert.NotErrorIs(t, err, modelslab.ErrOutcomeUnknown)
		}
		typed := lighthouse()
		typed.Width = 1200 // within what the endpoint takes, and not the model
		_, err = g.Images.TextToImage(ctx, typed, modelslab.WithSchema(schema))
		require.ErrorIs(t, err, modelslab.ErrValidation)
		_, err = g.Images.TextToImage(ctx, lighthouse(), modelslab.WithSchema(json.RawMessage(`"no schema"`)))
		require.ErrorIs(t, err, modelslab.ErrValidation)
		assert.Len(t, w.srv.Requests(), sent, "nothing was sent")
		assert.Zero(t, w.spent(t))

		job, err := g.Images.TextToImage(ctx, lighthouse(), modelslab.WithSchema(schema))
		require.NoError(t, err)
		_, err = g.Wait(ctx, job, modelslab.WaitParams{})
		require.NoError(t, err)
		assert.EqualValues(t, 2, w.spent(t))
	})
}
