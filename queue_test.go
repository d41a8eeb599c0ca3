package modelslab

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// line is a server that runs jobs, each for a time of its own, and refuses those
// beyond its limit.
type line struct {
	limit int
	takes func(n int) time.Duration
	lose  map[int]bool // submissions whose answer is lost
	fail  map[int]bool // jobs that fail

	mu       sync.Mutex
	ends     []time.Time
	prompts  []string
	refused  int
	fetches  int
	mostBusy int
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if id, ok := strings.CutPrefix(r.URL.Path, "/api/v6/images/fetch/"); ok {
		l.fetches++
		n, _ := strconv.Atoi(id)
		switch {
		case l.ends[n].After(now):
			return says(200, fmt.Sprintf(`{"status":"processing","id":%d,"output":""}`, n))(r)
		case l.fail[n]:
			return says(200, fmt.Sprintf(`{"status":"failed","id":%d,"message":"no memory"}`, n))(r)
		}
		return says(200, fmt.Sprintf(`{"status":"success","id":%d,"output":["https://files.example/%d.png"]}`, n, n))(r)
	}
	busy := 0
	for _, end := range l.ends {
		if end.After(now) {
			busy++
		}
	}
	if busy >= l.limit {
		l.refused++
		return says(429, `{"status":"error","message":"Rate limit exceeded. Maximum 5 queued requests allowed.","retry_after":30}`)(r)
	}
	l.mostBusy = max(l.mostBusy, busy+1)
	n := len(l.ends)
	l.ends = append(l.ends, now.Add(l.takes(n)))
	if l.lose[n] {
		return breaks(http.ErrServerClosed)(r)
	}
	return says(200, fmt.Sprintf(`{"status":"processing","id":%d,"eta":2,"output":[]}`, n))(r)
}

func (l *line) counts() (submitted, refused, mostBusy int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ends), l.refused, l.mostBusy
}

func inLine(t *testing.T, l *line, opts ...Option) *Client {
	t.Helper()
	return stubbed(t, l, append([]Option{WithQueueLimit(5), hasty(1)}, opts...)...)
}

func drawing(n int) TextToImageParams {
	return TextToImageParams{ModelID: "flux", Prompt: "picture " + strconv.Itoa(n)}
}

func TestAFleetNeverSeesAFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{limit: 5, takes: func(n int) time.Duration { return time.Duration(1+n%7) * time.Second }}
		c := inLine(t, l)
		var group sync.WaitGroup
		for i := range 60 {
			group.Go(func() {
				g, err := c.Generation.Images.TextToImage(t.Context(), drawing(i))
				if !assert.NoError(t, err) {
					return
				}
				if i%3 == 0 {
					return // nobody waits for this one, and its place comes back all the same
				}
				_, err = c.Generation.Wait(t.Context(), g, WaitParams{})
				assert.NoError(t, err)
			})
		}
		group.Wait()
		submitted, refused, busy := l.counts()
		assert.Equal(t, 60, submitted)
		assert.Zero(t, refused, "429")
		assert.Equal(t, 5, busy)
	})
}

func TestWhoeverWaitsIsServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{limit: 5, takes: func(int) time.Duration { return 20 * time.Second }}
		c := inLine(t, l, WithQueueLimit(1))
		var mu sync.Mutex
		var order []int
		var group sync.WaitGroup
		for i := range 5 {
			group.Go(func() {
				_, err := c.Generation.Images.TextToImage(t.Context(), drawing(i))
				assert.NoError(t, err)
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
			})
			synctest.Wait() // it has its place in the line
		}
		group.Wait()
		assert.Equal(t, []int{0, 1, 2, 3, 4}, order)
	})
}

func TestWaitingForAPlaceEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{limit: 5, takes: func(int) time.Duration { return time.Hour }}
		c := inLine(t, l, WithQueueLimit(1))
		_, err := c.Generation.Images.TextToImage(t.Context(), drawing(0))
		require.NoError(t, err)

		// The one that asks for the others leaves, and so does one behind it.
		leading, leave := context.WithTimeout(t.Context(), 30*time.Second)
		defer leave()
		behind, leaveToo := context.WithTimeout(t.Context(), time.Minute)
		defer leaveToo()
		var group sync.WaitGroup
		for _, ctx := range []context.Context{leading, behind} {
			group.Go(func() {
				_, err := c.Generation.Images.TextToImage(ctx, drawing(1))
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.NotErrorIs(t, err, ErrOutcomeUnknown, "nothing was sent")
			})
			synctest.Wait()
		}
		last := make(chan error, 1)
		go func() {
			_, err := c.Generation.Images.TextToImage(t.Context(), drawing(2))
			last <- err
		}()
		group.Wait()
		submitted, _, _ := l.counts()
		assert.Equal(t, 1, submitted)
		require.NoError(t, <-last)
		submitted, refused, _ := l.counts()
		assert.Equal(t, 2, submitted)
		assert.Zero(t, refused)
	})
}

func TestAFailedJobGivesItsPlaceBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{limit: 5, takes: func(int) time.Duration { return 3 * time.Second }, fail: map[int]bool{0: true, 1: true}}
		c := inLine(t, l, WithQueueLimit(1))
		for i := range 3 {
			_, err := c.Generation.Images.TextToImage(t.Context(), drawing(i))
			require.NoError(t, err)
		}
	})
}

func TestARefusedSubmissionTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := says(402, `{"status":"error","message":"Insufficient credits."}`)
		c := stubbed(t, scripted(refused), WithQueueLimit(1), hasty(1))
		for range 3 {
			_, err := c.Generation.Images.TextToImage(t.Context(), drawing(0))
			require.Error(t, err)
		}
		_, err := c.Generation.Images.TextToImage(t.Context(), TextToImageParams{})
		assertKind(t, ErrValidation, err)
	})
}

func TestASubmissionWithoutAnAnswerKeepsItsPlaceForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{limit: 1, takes: func(int) time.Duration { return 4 * time.Minute }, lose: map[int]bool{0: true}}
		c := inLine(t, l, WithQueueLimit(1))
		start := time.Now()
		_, err := c.Generation.Images.TextToImage(t.Context(), drawing(0))
		assertKind(t, ErrOutcomeUnknown, err)
		_, err = c.Generation.Images.TextToImage(t.Context(), drawing(1))
		require.NoError(t, err)
		assert.Equal(t, lostPlace, time.Since(start).Round(time.Second))
		_, refused, _ := l.counts()
		assert.Zero(t, refused)
	})
}

func TestAccountsHaveQueuesOfTheirOwnAndClientsOfOneAccountShareIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{limit: 9, takes: func(int) time.Duration { return time.Hour }}
		c := inLine(t, l, WithQueueLimit(1))
		other, err := c.With(WithAPIKey("another-key"))
		require.NoError(t, err)
		same, err := c.With(WithUserAgent("twin"))
		require.NoError(t, err)
		_, err = c.Generation.Images.TextToImage(t.Context(), drawing(0))
		require.NoError(t, err)
		_, err = other.Generation.Images.TextToImage(t.Context(), drawing(1))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = same.Generation.Images.TextToImage(ctx, drawing(2))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestCallsThatSubmitNothingPassTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{limit: 9, takes: func(int) time.Duration { return time.Second }}
		c := inLine(t, l, WithQueueLimit(1))
		g, err := c.Generation.Images.TextToImage(t.Context(), drawing(0))
		require.NoError(t, err)
		_, err = c.Generation.Fetch(t.Context(), g)
		require.NoError(t, err)
	})
}

func TestQueueLimitIsChecked(t *testing.T) {
	for _, n := range []int{-1, 0, 1001} {
		_, err := New(WithQueueLimit(n))
		assertParam(t, "WithQueueLimit", err)
	}
}

func TestJobsOfUnknownPathsTakePlacesTooAndThoseOfDedicatedServersNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := stubbed(t, scripted(says(200, `{"status":"processing","id":7,"eta":60}`)), WithQueueLimit(1), hasty(1))
		run := func(path string) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
			defer cancel()
			_, err := c.Generation.Run(ctx, path, map[string]any{"prompt": "x"})
			return err
		}
		require.NoError(t, run("/api/v8/images/some-new"))
		require.ErrorIs(t, run("/api/v8/images/some-new"), context.DeadlineExceeded)
		require.NoError(t, run("/api/v1/enterprise/flux/text2img"))
		require.NoError(t, run("/api/v1/enterprise/flux/text2img"))
	})
}
