package modelslab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// farm is an API that makes jobs: job n of prompt "n" takes n seconds, unless
// something else is said of it.
type farm struct {
	mu        sync.Mutex
	submitted []string // prompts
	open      map[string]time.Time
	most      int // jobs open at once
	limit     int // 0: none
	takes     func(prompt string) time.Duration
	refuses   map[string]step // by prompt
	before    func(prompt string)
}

func (f *farm) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	if id, ok := strings.CutPrefix(r.URL.Path, "/api/v6/images/fetch/"); ok {
		f.mu.Lock()
		ends, open := f.open[id]
		done := !open || !time.Now().Before(ends)
		if done {
			delete(f.open, id)
		}
		f.mu.Unlock()
		switch {
		case done && strings.Contains(id, "bad"):
			return says(200, fmt.Sprintf(`{"status":"failed","id":%q,"message":"Out of memory."}`, id))(r)
		case done:
			return says(200, fmt.Sprintf(`{"status":"success","id":%q,"output":["https://files.example/%s.png"]}`, id, id))(r)
		}
		return says(200, fmt.Sprintf(`{"status":"processing","id":%q,"eta":1}`, id))(r)
	}
	prompt := jsonText(member(body, "prompt"))
	if f.before != nil {
		f.before(prompt)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuses[prompt] != nil {
		return f.refuses[prompt](r)
	}
	if f.limit > 0 && len(f.open) >= f.limit {
		return says(429, `{"status":"error","message":"Queue full."}`, "Retry-After", "1")(r)
	}
	id := "job-" + prompt
	takes := time.Second
	if f.takes != nil {
		takes = f.takes(prompt)
	}
	if f.open == nil {
		f.open = map[string]time.Time{}
	}
	f.submitted = append(f.submitted, prompt)
	f.open[id] = time.Now().Add(takes)
	f.most = max(f.most, len(f.open))
	return says(200, fmt.Sprintf(`{"status":"processing","id":%q,"eta":1}`, id))(r)
}

func (f *farm) prompts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.submitted)
}

func batchParams(n int) []TextToImageParams {
	params := make([]TextToImageParams, n)
	for i := range params {
		params[i] = TextToImageParams{ModelID: "flux", Prompt: strconv.Itoa(i)}
	}
	return params
}

// batchOf ranges over a batch of n and checks that each position comes once.
func batchOf(t *testing.T, ctx context.Context, c *Client, n int, b BatchParams) (results []BatchResult, order []int) {
	t.Helper()
	results = make([]BatchResult, n)
	for i, r := range Batch(ctx, c, c.Generation.Images.TextToImage, batchParams(n), b) {
		require.NotContains(t, order, i)
		results[i], order = r, append(order, i)
	}
	require.Len(t, order, n)
	return results, order
}

func TestBatchYieldsResultsAsJobsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &farm{takes: func(p string) time.Duration { n, _ := strconv.Atoi(p); return time.Duration(10-n) * 10 * time.Second }}
		var accepted, asked []int
		results, order := batchOf(t, t.Context(), stubbed(t, f), 5, BatchParams{
			Submitted: func(i int, g *Generation) {
				assert.Equal(t, "job-"+strconv.Itoa(i), g.ID)
				accepted = append(accepted, i)
			},
			Progress: func(i int, _ *Generation) { asked = append(asked, i) },
		})
		assert.Equal(t, []int{4, 3, 2, 1, 0}, order)
		for i, r := range results {
			require.NoError(t, r.Err)
			assert.Equal(t, []string{fmt.Sprintf("https://files.example/job-%d.png", i)}, r.Generation.Output)
		}
		assert.ElementsMatch(t, []int{0, 1, 2, 3, 4}, accepted)
		assert.Greater(t, len(asked), 5)
	})
}

func TestBatchConcurrency(t *testing.T) {
	for name, tt := range map[string]struct {
		concurrency int
		opts        []Option
		want        int
	}{
		"default":               {0, nil, 5},
		"the client's queue":    {0, []Option{WithQueueLimit(3)}, 3},
		"said":                  {7, nil, 7},
		"less than the queue":   {2, []Option{WithQueueLimit(3)}, 2},
		"more than the queue":   {9, []Option{WithQueueLimit(3)}, 3},
		"more than there is":    {1000, nil, 20},
		"one after the other":   {1, nil, 1},
		"the queue of one":      {4, []Option{WithQueueLimit(1)}, 1},
		"as much as a Standard": {0, []Option{WithQueueLimit(10)}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &farm{}
				results, _ := batchOf(t, t.Context(), stubbed(t, f, tt.opts...), 20, BatchParams{Concurrency: tt.concurrency})
				for _, r := range results {
					require.NoError(t, r.Err)
				}
				assert.Equal(t, tt.want, f.most)
				assert.Len(t, f.prompts(), 20, "each once")
			})
		})
	}
}

func TestBatchOutlastsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &farm{refuses: map[string]step{
			"1": says(400, `{"status":"error","message":"No."}`), "2": breaks(io.ErrUnexpectedEOF), "3": says(200, `{"status":"error","message":"No."}`),
		}}
		results, _ := batchOf(t, t.Context(), stubbed(t, f), 8, BatchParams{Concurrency: 2})
		require.ErrorIs(t, results[1].Err, ErrValidation)
		require.ErrorIs(t, results[2].Err, ErrOutcomeUnknown)
		require.ErrorIs(t, results[3].Err, ErrGenerationFailed)
		for _, i := range []int{1, 2, 3} {
			assert.NotErrorIs(t, results[i].Err, ErrNotSubmitted)
			assert.Nil(t, results[i].Generation)
		}
		for _, i := range []int{0, 4, 5, 6, 7} {
			require.NoError(t, results[i].Err)
		}
	})
}

func TestBatchStopsOnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &farm{refuses: map[string]step{"2": says(402, `{"status":"error","message":"No credits."}`)}, takes: func(string) time.Duration { return time.Minute }}
		f.before = func(prompt string) {
			if prompt == "2" {
				<-time.After(time.Second) // the two before it are submitted first
			}
		}
		results, _ := batchOf(t, t.Context(), stubbed(t, f), 9, BatchParams{Concurrency: 3, StopOnError: true})
		require.NoError(t, results[0].Err, "what was submitted is seen to its end")
		require.NoError(t, results[1].Err)
		require.ErrorIs(t, results[2].Err, ErrPaymentDeclined)
		require.NotErrorIs(t, results[2].Err, ErrNotSubmitted)
		for _, r := range results[3:] {
			require.ErrorIs(t, r.Err, ErrNotSubmitted)
			require.ErrorIs(t, r.Err, ErrPaymentDeclined, "and why")
			assert.Nil(t, r.Generation)
			oneLine(t, r.Err)
		}
		assert.ElementsMatch(t, []string{"0", "1"}, f.prompts())
	})
	t.Run("of a job too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &farm{}
			c := stubbed(t, f)
			params := []string{"0", "bad", "2", "3"}
			var last []error
			for _, r := range Batch(t.Context(), c, func(ctx context.Context, p string, opts ...RequestOption) (*Generation, error) {
				return c.Generation.Images.TextToImage(ctx, TextToImageParams{ModelID: "flux", Prompt: p}, opts...)
			}, params, BatchParams{Concurrency: 1, StopOnError: true}) {
				last = append(last, r.Err)
			}
			require.Len(t, last, 4)
			require.NoError(t, last[0])
			require.ErrorIs(t, last[1], ErrGenerationFailed)
			require.ErrorIs(t, last[2], ErrNotSubmitted)
			require.ErrorIs(t, last[3], ErrNotSubmitted)
		})
	})
}

func TestBatchLoopThatIsLeft(t *testing.T) {
	leave := map[string]func(seq func(func(int, BatchResult) bool), on func()){
		"break": func(seq func(func(int, BatchResult) bool), on func()) {
			for range seq {
				on()
				break
			}
		},
		"a panic": func(seq func(func(int, BatchResult) bool), on func()) {
			defer func() { _ = recover() }()
			for range seq {
				on()
				panic("no more")
			}
		},
		"Goexit": func(seq func(func(int, BatchResult) bool), on func()) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range seq {
					on()
					runtime.Goexit()
				}
			}()
			<-done
		},
	}
	for name, leave := range leave {
		t.Run(name, func(t *testing.T) {
			// The bubble itself fails if a goroutine outlives the iterator.
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				f := &farm{
					takes: func(p string) time.Duration { n, _ := strconv.Atoi(p); return time.Duration(1+n*1000) * time.Second },
					before: func(p string) {
						if p == "3" {
							<-gate // on its way when the loop is left
						}
					},
				}
				c := stubbed(t, f)
				var accepted []int
				seq := Batch(t.Context(), c, c.Generation.Images.TextToImage, batchParams(50), BatchParams{
					Concurrency: 3, Submitted: func(i int, _ *Generation) { accepted = append(accepted, i) },
				})
				start := time.Now()
				leave(seq, func() {
					synctest.Wait()
					time.AfterFunc(10*time.Second, func() { close(gate) })
				})
				assert.Less(t, time.Since(start), time.Minute, "the waiting ends, and the jobs do not")
				assert.ElementsMatch(t, []string{"0", "1", "2", "3"}, f.prompts(), "nothing new")
				assert.ElementsMatch(t, []int{0, 1, 2, 3}, accepted, "what was on its way is told")
				assert.GreaterOrEqual(t, time.Since(start), 10*time.Second, "and was waited for")
			})
		})
	}
}

func TestBatchWhoseContextEnds(t *testing.T) {
	t.Run("on the way", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &farm{takes: func(p string) time.Duration { n, _ := strconv.Atoi(p); return time.Duration(1+n*1000) * time.Second }}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			results, _ := batchOf(t, ctx, stubbed(t, f), 8, BatchParams{Concurrency: 2})
			require.NoError(t, results[0].Err)
			for i, r := range results[1:] {
				require.ErrorIs(t, r.Err, context.DeadlineExceeded)
				if submitted := i+1 <= 2; submitted {
					require.NotErrorIs(t, r.Err, ErrNotSubmitted)
					require.NotNil(t, r.Generation)
					assert.Equal(t, "job-"+strconv.Itoa(i+1), r.Generation.ID)
					assert.Equal(t, StatusProcessing, r.Generation.Status)
				} else {
					require.ErrorIs(t, r.Err, ErrNotSubmitted)
					assert.Nil(t, r.Generation)
				}
			}
			assert.Len(t, f.prompts(), 3)
		})
	})
	t.Run("before it began", func(t *testing.T) {
		f := &farm{}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		results, _ := batchOf(t, ctx, stubbed(t, f), 8, BatchParams{})
		for _, r := range results {
			require.ErrorIs(t, r.Err, ErrNotSubmitted)
			require.ErrorIs(t, r.Err, context.Canceled)
		}
		assert.Empty(t, f.prompts())
	})
	t.Run("in a submission", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := stubbed(t, roundTrip(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			results, _ := batchOf(t, ctx, c, 2, BatchParams{Concurrency: 1})
			require.ErrorIs(t, results[0].Err, ErrOutcomeUnknown)
			require.ErrorIs(t, results[0].Err, context.DeadlineExceeded)
			require.NotErrorIs(t, results[0].Err, ErrNotSubmitted)
			require.ErrorIs(t, results[1].Err, ErrNotSubmitted)
		})
	})
	t.Run("in the queue", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &farm{takes: func(string) time.Duration { return time.Hour }}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			results, _ := batchOf(t, ctx, stubbed(t, f, WithQueueLimit(1)), 3, BatchParams{Concurrency: 3})
			waited := 0
			for _, r := range results {
				require.ErrorIs(t, r.Err, context.DeadlineExceeded)
				if errors.Is(r.Err, ErrNotSubmitted) {
					waited++
				}
			}
			assert.Equal(t, 2, waited)
			assert.Len(t, f.prompts(), 1)
		})
	})
}

// The account's queue may be shorter than Concurrency.
func TestBatchOutlastsAFullQueue(t *testing.T) {
	t.Run("of its own jobs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &farm{limit: 2, takes: func(string) time.Duration { return 5 * time.Minute }}
			results, _ := batchOf(t, t.Context(), stubbed(t, f), 6, BatchParams{Concurrency: 6})
			for _, r := range results {
				require.NoError(t, r.Err)
			}
			assert.Len(t, f.prompts(), 6)
			assert.Equal(t, 2, f.most)
		})
	})
	t.Run("not of others' jobs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := stubbed(t, scripted(says(429, `{"status":"error","message":"Queue full."}`, "Retry-After", "1")))
			results, _ := batchOf(t, t.Context(), c, 3, BatchParams{})
			for _, r := range results {
				require.ErrorIs(t, r.Err, ErrRateLimited)
			}
		})
	})
	t.Run("until the context ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &farm{limit: 1, takes: func(string) time.Duration { return time.Hour }}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(10*time.Minute, cancel)
			results, _ := batchOf(t, ctx, stubbed(t, f), 2, BatchParams{})
			slices.SortFunc(results, func(a, b BatchResult) int { return strings.Compare(a.Err.Error(), b.Err.Error()) })
			require.ErrorIs(t, results[1].Err, ErrNotSubmitted)
			require.ErrorIs(t, results[1].Err, ErrRateLimited)
			require.ErrorIs(t, results[1].Err, context.Canceled)
			require.NotErrorIs(t, results[0].Err, ErrNotSubmitted)
		})
	})
	t.Run("where the client is to refuse", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &farm{limit: 1, takes: func(string) time.Duration { return time.Hour }}
			results, _ := batchOf(t, t.Context(), stubbed(t, f, hasty(1), WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitRefuse})), 2, BatchParams{})
			refused := 0
			for _, r := range results {
				if errors.Is(r.Err, ErrRateLimited) {
					refused++
				}
			}
			assert.Equal(t, 1, refused)
		})
	})
}

func TestBatchPanicsComeOutOfTheLoop(t *testing.T) {
	c := stubbed(t, &farm{})
	for name, tt := range map[string]struct {
		submit func(context.Context, TextToImageParams, ...RequestOption) (*Generation, error)
		b      BatchParams
	}{
		"of submit":    {func(context.Context, TextToImageParams, ...RequestOption) (*Generation, error) { panic(io.EOF) }, BatchParams{}},
		"of Submitted": {nil, BatchParams{Submitted: func(int, *Generation) { panic(io.EOF) }}},
		"of Progress":  {nil, BatchParams{Progress: func(int, *Generation) { panic(io.EOF) }}},
		"of Wait's":    {nil, BatchParams{Wait: WaitParams{Progress: func(*Generation) { panic(io.EOF) }}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				submit := c.Generation.Images.TextToImage
				if tt.submit != nil {
					submit = tt.submit
				}
				defer func() {
					err, ok := recover().(error)
					require.True(t, ok)
					require.ErrorIs(t, err, io.EOF)
					assert.Contains(t, err.Error(), "batch_test.go", "where it was")
				}()
				for range Batch(t.Context(), c, submit, batchParams(5), tt.b) {
				}
				t.Error("no panic")
			})
		})
	}
	t.Run("and Goexit", func(t *testing.T) {
		exited := make(chan bool, 1)
		go func() {
			well := false
			defer func() { exited <- !well }()
			for range Batch(t.Context(), c, func(context.Context, int, ...RequestOption) (*Generation, error) { runtime.Goexit(); return nil, nil }, []int{1, 2}, BatchParams{}) {
			}
			well = true
		}()
		assert.True(t, <-exited)
	})
}

func TestBatchCallbacksComeOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := 0 // the race detector looks too
		one := func() {
			busy++
			assert.Equal(t, 1, busy)
			runtime.Gosched()
			busy--
		}
		results, _ := batchOf(t, t.Context(), stubbed(t, &farm{}), 40, BatchParams{
			Concurrency: 20, Wait: WaitParams{Progress: func(*Generation) { one() }},
			Submitted: func(int, *Generation) { one() }, Progress: func(int, *Generation) { one() },
		})
		for _, r := range results {
			require.NoError(t, r.Err)
		}
	})
}

func TestBatchIsRangedOverOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &farm{}
		c := stubbed(t, f)
		seq := Batch(t.Context(), c, c.Generation.Images.TextToImage, batchParams(4), BatchParams{})
		for _, r := range seq {
			require.NoError(t, r.Err)
		}
		var again []int
		for i, r := range seq {
			require.ErrorIs(t, r.Err, ErrNotSubmitted)
			again = append(again, i)
		}
		assert.Equal(t, []int{0, 1, 2, 3}, again)
		for range seq {
			break
		}
		assert.Len(t, f.prompts(), 4, "nothing is paid twice")
	})
}

func TestBatchHoldsItsOwnCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &farm{}
		c := stubbed(t, f)
		params := batchParams(3)
		seq := Batch(t.Context(), c, c.Generation.Images.TextToImage, params, BatchParams{Options: []RequestOption{WithBodyField("extra", 1)}})
		assert.Empty(t, f.prompts(), "nothing happens before the loop")
		clear(params)
		for _, r := range seq {
			require.NoError(t, r.Err)
		}
		assert.ElementsMatch(t, []string{"0", "1", "2"}, f.prompts())
	})
}

func TestBatchWithASubmitThatReturnsNothing(t *testing.T) {
	c := stubbed(t, &farm{})
	for _, r := range Batch(t.Context(), c, func(context.Context, int, ...RequestOption) (*Generation, error) { return nil, nil }, []int{1}, BatchParams{}) {
		require.ErrorIs(t, r.Err, errNoJob)
	}
}

func TestBatchBadParams(t *testing.T) {
	f := &farm{}
	c := stubbed(t, f)
	submit := c.Generation.Images.TextToImage
	for param, seq := range map[string]func(func(int, BatchResult) bool){
		"ctx":                          Batch(nil, c, submit, batchParams(3), BatchParams{}), //nolint:staticcheck // on purpose
		"c":                            Batch(t.Context(), nil, submit, batchParams(3), BatchParams{}),
		"submit":                       Batch(t.Context(), c, nil, batchParams(3), BatchParams{}),
		"BatchParams.Concurrency":      Batch(t.Context(), c, submit, batchParams(3), BatchParams{Concurrency: -1}),
		"BatchParams.Wait.MaxInterval": Batch(t.Context(), c, submit, batchParams(3), BatchParams{Wait: WaitParams{MaxInterval: -1}}),
		"RequestOption":                Batch(t.Context(), c, submit, batchParams(3), BatchParams{Options: []RequestOption{nil}}),
		"BatchParams.Options":          Batch(t.Context(), c, submit, batchParams(3), BatchParams{Options: []RequestOption{WithResponse(&Response{})}}),
	} {
		t.Run(param, func(t *testing.T) {
			var all []int
			for i, r := range seq {
				assertParam(t, param, r.Err)
				all = append(all, i)
			}
			assert.Equal(t, []int{0, 1, 2}, all)
		})
	}
	for range Batch(t.Context(), c, nil, batchParams(0), BatchParams{}) {
		t.Error("of nothing comes nothing")
	}
	assert.Empty(t, f.prompts())
}

func TestALoopThatIsLeftTakesBackWhatWaitsForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{limit: 5, takes: func(n int) time.Duration { return time.Duration(1+n*3600) * time.Second }}
		c := inLine(t, l, WithQueueLimit(2))
		start := time.Now()
		for range Batch(t.Context(), c, c.Generation.Images.TextToImage, []TextToImageParams{drawing(0), drawing(1), drawing(2), drawing(3)}, BatchParams{Concurrency: 4}) {
			break
		}
		submitted, _, _ := l.counts()
		assert.LessOrEqual(t, submitted, 3)
		assert.Less(t, time.Since(start), time.Minute, "nobody waits for the places of jobs that run for hours")
	})
}
