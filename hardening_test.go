package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What would have cost somebody a job, a payment or a process.

func TestABodyMayBeClosedWhileItIsRead(t *testing.T) {
	path := inFile(t, "a.png", bytes.Repeat([]byte("x"), 1<<20))
	for range 100 {
		b := &fileBody{pieces: [][]byte{[]byte(`{"a":"`), []byte(`"}`)}, files: []Input{InputFile(path)}, sizes: []int64{1 << 20}}
		r := b.open(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(io.Discard, r)
		}()
		runtime.Gosched()
		require.NoError(t, r.Close())
		<-done
		_, err := r.Read(make([]byte, 1))
		require.Error(t, err)
	}
}

func TestACallWithAFileCanBeCancelledOverHTTP2(t *testing.T) {
	path := inFile(t, "a.png", bytes.Repeat([]byte("x"), 4<<20))
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 100<<10)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"status":"error","message":"no"}`)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	c := stubbed(t, srv.Client().Transport, WithBaseURL(srv.URL), hasty(1))
	for i := range 40 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%10+1)*time.Millisecond)
		require.Error(t, removing(ctx, c, InputFile(path)))
		cancel()
	}
}

func TestAReaderThatBlocksHoldsNoCallUp(t *testing.T) {
	calls := map[string]func(ctx context.Context, c *Client, in Input) error{
		"a file to learn the size of": func(ctx context.Context, c *Client, in Input) error {
			_, err := c.Generation.Uploads.File(ctx, UploadParams{File: in})
			return err
		},
		"a file to look at": removing,
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			r, w := io.Pipe()
			defer func() { _ = w.Close() }()
			net := scripted(says(200, uploaded))
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, call(ctx, stubbed(t, net), InputReader(r)), context.DeadlineExceeded)
			assert.Zero(t, net.count())
		})
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("the reader's own") }

func TestAReaderThatPanicsEndsItsCallAlone(t *testing.T) {
	net := scripted(says(200, uploaded))
	err := removing(t.Context(), stubbed(t, net), InputReader(panicking{}))
	assertParam(t, "RemoveBackgroundParams.Image", err)
	assert.Contains(t, err.Error(), "the reader's own")
	assert.Zero(t, net.count())
}

func TestAnEmptyStreamIsNoFile(t *testing.T) {
	net := scripted(says(200, uploaded))
	c := stubbed(t, net)
	assertParam(t, "RemoveBackgroundParams.Image", removing(t.Context(), c, InputReader(io.MultiReader())))
	_, err := c.Generation.Uploads.File(t.Context(), UploadParams{File: InputReader(io.MultiReader())})
	assertParam(t, "UploadParams.File", err)
	assert.Zero(t, net.count())
}

func TestOneReaderAtServesManyCallsAtOnce(t *testing.T) {
	content := strings.Repeat("0123456789", 20_000)
	in := InputReader(strings.NewReader(content))
	c := stubbed(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		var sent struct{ Image []byte }
		if err := json.Unmarshal(b, &sent); err != nil || string(sent.Image) != content {
			return nil, errors.New("another content")
		}
		return says(200, `{"status":"success","id":7,"output":["https://files.example/a"]}`)(r)
	}))
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { assert.NoError(t, removing(t.Context(), c, in)) })
	}
	group.Wait()
}

func TestAnInputIsSentOrRefusedWhereverItStands(t *testing.T) {
	net := scripted(says(200, `{"status":"processing","id":7}`))
	c := stubbed(t, net)
	_, err := c.Generation.ThreeD.ImageTo3D(t.Context(), ImageTo3DParams{InitImage: InputURL("https://files.example/a.png")}, WithBodyField("image", InputBytes([]byte("sound"))))
	require.NoError(t, err)
	assert.Contains(t, string(net.requests()[0].Body), `"image":"c291bmQ="`)

	type base struct{ Image Input }
	_, err = c.Generation.Run(t.Context(), "/api/v6/images/some-new", struct{ base }{base{InputBytes([]byte("sound"))}})
	require.NoError(t, err)
	assert.Contains(t, string(net.requests()[1].Body), `"Image":"c291bmQ="`)

	_, err = c.Generation.Run(t.Context(), "/api/v6/images/some-new", hidden{InputBytes([]byte("sound"))})
	require.ErrorIs(t, err, ErrValidation)
	_, err = c.Generation.Run(t.Context(), "/api/v6/images/some-new", map[string]any{"prompt": "about modelslab-input- marks"})
	require.NoError(t, err)
	assert.Equal(t, 3, net.count())
}

type hidden struct{ in Input }

func (h hidden) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]any{"in": h.in}) }

func TestWhoeverIsServedAsksNoMore(t *testing.T) {
	nothing := func(context.Context, *Generation) bool { return false }
	for i := range 3000 {
		q := &queue{places: map[*slot]bool{}}
		first, err := q.enter(t.Context(), 1, nothing)
		require.NoError(t, err)
		done := make(chan *slot)
		go func() {
			s, _ := q.enter(t.Context(), 1, nothing)
			done <- s
		}()
		for n := 0; n == 0; runtime.Gosched() {
			q.mu.Lock()
			n = len(q.waiting)
			q.mu.Unlock()
		}
		first.free()
		<-done
		q.mu.Lock()
		require.False(t, q.led, "round %d: nobody waits, and somebody still counts as asking", i)
		q.mu.Unlock()
	}
}

func TestShortPatienceIsServedTooOnceTheJobHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{limit: 1, takes: func(int) time.Duration { return 2 * time.Second }}
		c := inLine(t, l, WithQueueLimit(1))
		_, err := c.Generation.Images.TextToImage(t.Context(), drawing(0))
		require.NoError(t, err)
		tries := 0
		for err = errors.New("not yet"); err != nil && tries < 50; tries++ {
			ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
			_, err = c.Generation.Images.TextToImage(ctx, drawing(1))
			cancel()
		}
		require.NoError(t, err)
		assert.Less(t, tries, 10)
	})
}

func TestAJobThatIsCalledByHandKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{limit: 1, takes: func(int) time.Duration { return 30 * time.Second }}
		c := inLine(t, l, WithQueueLimit(1))
		for range 3 {
			var out map[string]any
			require.NoError(t, c.Generation.Call(t.Context(), post, "/api/v6/images/text2img", map[string]any{"prompt": "x"}, &out))
		}
		_, refused, _ := l.counts()
		assert.Zero(t, refused)
	})
}

func TestAnAnswerAboutAnotherJobIsNone(t *testing.T) {
	for _, status := range []string{"success", "failed"} {
		c := stubbed(t, scripted(says(200, `{"status":"`+status+`","id":999,"output":["https://files.example/x.png"]}`)))
		last, err := c.Generation.Wait(t.Context(), &Generation{ID: "123", Path: "/api/v6/images/text2img"}, WaitParams{})
		require.Error(t, err)
		assert.NotErrorIs(t, err, ErrGenerationFailed)
		assert.Contains(t, err.Error(), "999")
		assert.Equal(t, "123", last.ID)
		assert.Empty(t, last.Output)
	}
}

func TestALostAnswerNamesItsJobWhereItCan(t *testing.T) {
	for name, answer := range map[string]step{
		"a server error":          says(500, `{"status":"processing","id":77}`),
		"a refusal that is none":  says(429, `{"status":"processing","id":77,"eta":3}`),
		"an answer that is cut":   breaksOff(200, `{"status":"processing","id":77,"eta":3,"mes`),
		"words around the answer": says(200, `<br />{"status":"processing","id": "77"}`),
	} {
		t.Run(name, func(t *testing.T) {
			net := scripted(answer)
			_, err := stubbed(t, net, hasty(3)).Generation.Images.TextToImage(t.Context(), drawing(0))
			assertKind(t, ErrOutcomeUnknown, err)
			lost, ok := as[*OutcomeUnknownError](err)
			require.True(t, ok)
			assert.Equal(t, "77", lost.GenerationID)
			assert.Equal(t, 1, net.count())
		})
	}
}

func TestAnIDIsFoundWhereverTheAnswerHasIt(t *testing.T) {
	for body, want := range map[string]string{
		`{"status":"processing","request_id":55,"fetch_result":"https://modelslab.com/api/v6/images/fetch"}`: "55",
		`{"status":"processing","fetch_result":"https://modelslab.com/api/v6/images/fetch/77"}`:              "77",
		`{"status":"processing","fetch_result":"https://modelslab.com/api/v6/images/fetch"}`:                 "",
	} {
		g, err := stubbed(t, scripted(says(200, body)), hasty(1)).Generation.Images.TextToImage(t.Context(), drawing(0))
		if want == "" {
			assertKind(t, ErrOutcomeUnknown, err)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, want, g.ID)
	}
}

func TestASentenceEndsNoTraining(t *testing.T) {
	c := stubbed(t, scripted(says(200, `{"status":"success","messege":"Training started. It cannot be cancelled now.","training_id":"tr-1"}`)))
	training, err := c.Generation.Training.Create(t.Context(), TrainingCreateParams{
		InstancePrompt: "a", ClassPrompt: "b", Images: []Input{InputURL("https://files.example/a.png")}, TrainingType: "men", MaxTrainSteps: 18,
	})
	require.NoError(t, err)
	assert.Equal(t, StatusProcessing, training.Status)
	c = stubbed(t, scripted(says(200, `{"status":"success","message":"ok","messege":"model_ready"}`)))
	training, err = c.Generation.Training.Status(t.Context(), "tr-1")
	require.NoError(t, err)
	assert.Equal(t, TrainingModelReady, training.State)
}

func TestWaitSleepsNoLongerThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := stubbed(t, scripted(says(429, `{"status":"error","message":"full","retry_after":1795000000}`), says(200, `{"status":"success","id":1,"output":["https://files.example/a"]}`)), hasty(1))
		began := time.Now()
		_, err := c.Generation.Wait(t.Context(), &Generation{ID: "1", Path: "/api/v6/images/text2img"}, WaitParams{})
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(began), 2*time.Minute)
	})
}

func TestAFailureIsOneUnderAnyStatusCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, status := range []int{500, 422} {
			c := stubbed(t, scripted(says(status, `{"status":"failed","id":"123","message":"no memory"}`)))
			last, err := c.Generation.Wait(withinHour(t), &Generation{ID: "123", Path: "/api/v6/images/text2img"}, WaitParams{})
			require.ErrorIs(t, err, ErrGenerationFailed)
			assert.Equal(t, StatusFailed, last.Status)
		}
	})
}

func withinHour(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	t.Cleanup(cancel)
	return ctx
}

func TestAnEmptySuccessOfWhatIsPaidIsNone(t *testing.T) {
	for _, body := range []string{"", `""`, "[]", "0", "null"} {
		err := stubbed(t, scripted(says(200, body)), hasty(1)).Generation.Call(t.Context(), post, "/api/v6/images/text2img", map[string]any{"prompt": "x"}, nil)
		assertKind(t, ErrOutcomeUnknown, err)
	}
}

func TestASuccessWithProxyLinksAloneIsOne(t *testing.T) {
	g, err := stubbed(t, scripted(says(200, `{"status":"success","id":1,"output":[],"proxy_links":{"0":"https://p.example/x.png"}}`))).Generation.Images.TextToImage(t.Context(), drawing(0))
	require.NoError(t, err)
	assert.Equal(t, []string{"https://p.example/x.png"}, g.Output)
}

func TestJobsThatNobodyCouldAskForAreNotSubmitted(t *testing.T) {
	net := scripted(says(200, `{"status":"processing","id":1}`))
	_, err := stubbed(t, net).Generation.Run(t.Context(), "/api/v3/dreambooth", map[string]any{"prompt": "x"})
	assertParam(t, "path", err)
	assert.Zero(t, net.count())
}

func TestSchemasOfAllKinds(t *testing.T) {
	check := func(schema string, params map[string]any) error {
		_, err := stubbed(t, scripted(says(200, `{"status":"processing","id":1}`))).Generation.Run(t.Context(), "/api/v7/images/text-to-image", params, WithSchema(json.RawMessage(schema)))
		return err
	}
	fine := map[string]any{"prompt": "x", "width": 512}
	for _, schema := range []string{
		``, `null`, `{}`, `[]`, `true`,
		`{"type":"object","required":["key","prompt"],"properties":{"key":{"type":"string","minLength":99},"prompt":{"type":"string"}}}`,
		`{"$schema":"http://json-schema.org/draft-04/schema#","properties":{"prompt":{"type":"string","required":true},"width":{"type":"integer","minimum":0,"exclusiveMinimum":true}}}`,
		`{"properties":{"width":{"type":"integer","maximum":"2048","enum":[]},"prompt":{"type":"string","pattern":"(?=x)x","maxLength":"2500"},"none":null}}`,
		`{"properties":[],"oneOf":[]}`,
		`{"definitions":{"size":{"type":"integer"}},"properties":{"width":{"$ref":"#/definitions/size"}}}`,
		`{"$ref":"#"}`, `{"allOf":[{"$ref":"#"}]}`, `{"properties":{"children":{"items":{"$ref":"#"}}}}`,
		`{"properties":{"width":{"type":"Integer","nullable":true},"prompt":{"type":"file"}}}`,
	} {
		assert.NoError(t, check(schema, fine), schema)
	}
	for _, tt := range []struct{ schema, param string }{
		{`{"properties":{"width":{"type":"integer","maximum":500}}}`, "params.width"},
		{`{"required":["seed"]}`, "params.seed"},
		{`{"required":"seed","properties":{}}`, "params.seed"},
		{`{"required":["prompt"],"properties":{"prompt":{},"seed":{"type":"integer","required":true}}}`, "params.seed"},
		{`{"properties":{"prompt":{"type":"string"}},"additionalProperties":false}`, "params.width"},
		{`{"definitions":{"size":{"type":"integer","maximum":5}},"properties":{"width":{"$ref":"#/definitions/size"}}}`, "params.width"},
		{`{"prompt":{"type":"string","required":"yes"}}`, "WithSchema"},
		{`"x"`, "WithSchema"},
		{`{"properties":{"width":{"$ref":"https://schemas.example/size"}}}`, "WithSchema"},
		{`{"properties":` + strings.Repeat(`{"a":{"properties":`, 100) + `{}` + strings.Repeat(`}}`, 100) + `}`, "WithSchema"},
	} {
		for range 20 {
			assertParam(t, tt.param, check(tt.schema, fine))
		}
	}
}

func TestUploadsKnowWhatTheyTake(t *testing.T) {
	net := scripted(says(200, uploaded))
	u := stubbed(t, net).Generation.Uploads
	_, err := u.ThreeD(t.Context(), UploadParams{File: InputBytes(onePixel)})
	assertParam(t, "UploadParams.File", err)
	_, err = u.ThreeD(t.Context(), UploadParams{File: InputBytes([]byte("v 0 0 0"))})
	assertParam(t, "UploadParams.File", err)
	assert.Contains(t, err.Error(), "MediaType")
	_, err = u.Crop(t.Context(), UploadCropParams{Image: InputURL("https://files.example/a.png")})
	assertParam(t, "UploadCropParams.Image", err)
	assert.Zero(t, net.count())
	_, err = u.ThreeD(t.Context(), UploadParams{File: InputBytes([]byte("v 0 0 0")).MediaType("model/obj")})
	require.NoError(t, err)
}

func TestASignatureStandsInNoError(t *testing.T) {
	for _, u := range []string{"s3://bucket/k.png?sig=SECRETSIG", "//host/k?X-Amz-Signature=SECRETSIG"} {
		err := removing(t.Context(), stubbed(t, scripted()), InputURL(u))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "SECRETSIG")
	}
}

func TestABatchThatHasStoppedSubmitsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		sent := 0
		c := stubbed(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			sent++
			n := sent
			mu.Unlock()
			if n == 1 {
				return says(400, `{"status":"error","message":"no"}`)(r)
			}
			return says(429, `{"status":"error","message":"full"}`, "Retry-After", "20")(r)
		}))
		began := time.Now()
		for _, r := range Batch(t.Context(), c, c.Generation.Images.TextToImage, []TextToImageParams{drawing(0), drawing(1), drawing(2)}, BatchParams{StopOnError: true}) {
			assert.Error(t, r.Err)
		}
		assert.Less(t, time.Since(began), 20*time.Second)
		assert.LessOrEqual(t, sent, 3)
	})
}

func TestAWebhookThatIsAheadOfTheAPIIsLookedIntoAgain(t *testing.T) {
	for name, first := range map[string]step{
		"the API knows of no end yet": says(200, fmt.Sprintf(hookRunning, "5")),
		"the API is down":             says(503, "busy"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := hook(t, nil)
				h.net.on("5", first, first, says(200, fmt.Sprintf(hookDone, "5")))
				require.NoError(t, h.Expect(&Generation{ID: "5", Path: hookPath}))
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"status":"success","id":5,"output":["x"]}`)))
				assert.Equal(t, http.StatusAccepted, w.Code)
				<-time.After(time.Minute)
				synctest.Wait()
				assert.Len(t, h.handed(), 1)
			})
		})
	}
}

func TestAPlaceIsGivenUpWhereNobodySaysHowTheJobIs(t *testing.T) {
	for name, tt := range map[string]struct {
		answer step
		within time.Duration
	}{
		"the server will not say":  {says(403, `<html><title>Just a moment</title>`), 10 * time.Minute},
		"the job never ends":       {says(200, `{"status":"processing","id":1}`), 3 * time.Hour},
		"the question never ends":  {hangsUntilCancelled, 3 * time.Hour},
		"the answer is never JSON": {says(200, `<html>`), 3 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := stubbed(t, roundTrip(func(r *http.Request) (*http.Response, error) {
					if strings.Contains(r.URL.Path, "/fetch") {
						return tt.answer(r)
					}
					return says(200, `{"status":"processing","id":1,"eta":1}`)(r)
				}), WithQueueLimit(1), hasty(1))
				_, err := c.Generation.Images.TextToImage(t.Context(), drawing(0))
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), tt.within)
				defer cancel()
				_, err = c.Generation.Images.TextToImage(ctx, drawing(1))
				require.NoError(t, err)
			})
		})
	}
}

func hangsUntilCancelled(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestAStreamOfNothingButCommentsEnds(t *testing.T) {
	chat := chatOver(t, scripted(reading(func(context.Context) io.ReadCloser { return io.NopCloser(endlessComments{}) })), WithMaxResponseBytes(64<<10))
	_, err := lastOf(t, chat.Stream(t.Context(), hello()))
	assertKind(t, ErrOutcomeUnknown, err)
	require.ErrorIs(t, err, errTooLarge)
}

type endlessComments struct{}

func (endlessComments) Read(p []byte) (int, error) { return copy(p, ": ping\n\n"), nil }

func TestSecretsAreTakenOutInEveryNotation(t *testing.T) {
	echo := roundTrip(func(r *http.Request) (*http.Response, error) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal("invalid: " + strings.ReplaceAll(string(b), "/", `\/`))
		if err != nil {
			return nil, err
		}
		return says(422, `{"status":"error","message":`+string(text)+`}`)(r)
	})
	c := stubbed(t, echo, hasty(1), WithAPIKey("key&canary/1"))
	calls := []error{
		c.Generation.Servers.SyncModels(t.Context(), ServerSyncModelsParams{SyncKey: NewSecret("sync&canary<1>")}),
		c.Generation.Servers.UpdateS3(t.Context(), ServerS3Params{
			PublicURL: "a", RegionName: "b", EndpointURL: "c", AWSAccessKeyID: "d", AWSSecretAccessKey: NewSecret("aws/canary/1"), ImageDirectory: "e",
		}),
	}
	for _, err := range calls {
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "canary")
		assert.Contains(t, err.Error(), redacted)
	}
}
