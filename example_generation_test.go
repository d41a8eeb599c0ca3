package modelslab_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// A picture is changed by words. Files go as URLs here; Uploads makes one of a file.
func ExampleImagesService() {
	client, _ := demo()
	ctx := context.Background()

	job, err := client.Generation.Images.ImageToImage(ctx, modelslab.ImageToImageParams{
		ModelID: "flux", Prompt: "the same bay in winter",
		InitImage: modelslab.InputURL("https://example.com/bay.png"),
		Strength:  modelslab.Ptr(0.6),
	})
	if err != nil {
		log.Fatal(err)
	}
	job, err = client.Generation.Wait(ctx, job, modelslab.WaitParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Status, len(job.Output), "picture")

	// What cannot be right is said before anything is sent or paid.
	_, err = client.Generation.Images.TextToImage(ctx, modelslab.TextToImageParams{ModelID: "flux", Prompt: "a bay", Width: 100})
	fmt.Println(err)
	// Output:
	// success 1 picture
	// modelslab: TextToImageParams.Width: "100": must be 256 to 1488, divisible by 8
}

// Videos take a while. Wait asks now and then, and no more often than it must.
func ExampleVideoService() {
	client, _ := demo()
	ctx := context.Background()

	job, err := client.Generation.Video.TextToVideo(ctx, modelslab.TextToVideoParams{
		ModelID: "wan2.2", Prompt: "waves below a lighthouse", NumFrames: 25,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("at first:", job.Status)
	job, err = client.Generation.Wait(ctx, job, modelslab.WaitParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("then:", job.Status, filepath.Ext(job.Output[0]))
	// Output:
	// at first: processing
	// then: success .mp4
}

// Speech from a text, and a text from speech.
func ExampleAudioService() {
	client, _ := demo()
	ctx := context.Background()

	voices, err := client.Generation.Audio.Voices(ctx, modelslab.VoicesParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("read by", voices[0].Name)
	speech, err := client.Generation.Audio.TextToSpeech(ctx, modelslab.TextToSpeechParams{
		Prompt: "The lamp is lit.", VoiceID: voices[0].VoiceID, Language: voices[0].Language,
	})
	if err != nil {
		log.Fatal(err)
	}
	speech, err = client.Generation.Wait(ctx, speech, modelslab.WaitParams{})
	if err != nil {
		log.Fatal(err)
	}

	text, err := client.Generation.Audio.SpeechToTextV7(ctx, modelslab.SpeechToTextV7Params{
		ModelID: "scribe_v1", InitAudio: modelslab.InputURL(speech.Output[0]),
	})
	if err != nil {
		log.Fatal(err)
	}
	text, err = client.Generation.Wait(ctx, text, modelslab.WaitParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(text.Output[0]) // the sandbox does not listen
	// Output:
	// read by Tara
	// The quick brown fox jumps over the lazy dog.
}

func ExampleThreeDService() {
	client, _ := demo()
	ctx := context.Background()

	job, err := client.Generation.ThreeD.TextTo3D(ctx, modelslab.TextTo3DParams{Prompt: "a lighthouse", OutputFormat: "glb"})
	if err != nil {
		log.Fatal(err)
	}
	job, err = client.Generation.Wait(ctx, job, modelslab.WaitParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Status, filepath.Ext(job.Output[0]))
	// Output:
	// success .glb
}

// Where the API takes files themselves, so do the params.
func ExampleEditingService() {
	client, _ := demo()
	ctx := context.Background()

	photo := []byte("\x89PNG\r\n\x1a\n…") // InputFile("photo.png") reads a file while it is sent
	cut, err := client.Generation.Editing.RemoveBackground(ctx, modelslab.RemoveBackgroundParams{
		Image: modelslab.InputBytes(photo),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cut.Status)

	caption, err := client.Generation.Editing.Caption(ctx, modelslab.CaptionParams{
		InitImage: modelslab.InputURL(cut.Output[0]), // this one takes URLs alone
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(caption.Output[0])
	// Output:
	// success
	// A landscape with hills under a wide sky.
}

func ExampleInteriorService() {
	client, _ := demo()

	job, err := client.Generation.Interior.RoomDecorator(context.Background(), modelslab.InteriorRoomDecoratorParams{
		InitImage: modelslab.InputURL("https://example.com/room.png"), Prompt: "a reading room by the sea",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Status, len(job.Output), "picture")
	// Output:
	// success 1 picture
}

func ExampleFaceSwapService() {
	client, _ := demo()

	job, err := client.Generation.FaceSwap.Multiple(context.Background(), modelslab.FaceSwapMultipleParams{
		InitImage:   modelslab.InputURL("https://example.com/crew.png"),
		TargetImage: modelslab.InputURL("https://example.com/keeper.png"),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Status, len(job.Output), "picture")
	// Output:
	// success 1 picture
}

// A conversation goes on with what the model said.
func ExampleChatService() {
	client, _ := demo()
	ctx := context.Background()

	params := modelslab.ChatParams{
		Model: "gpt-4o-mini", // Chat.Models lists them
		Messages: []modelslab.ChatMessage{
			{Role: modelslab.RoleSystem, Content: "Answer in one sentence."},
			{Role: modelslab.RoleUser, Content: "who keeps the light?"},
		},
	}
	answer, err := client.Generation.Chat.Complete(ctx, params)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Text())

	params.Messages = append(params.Messages, answer.Choices[0].Message,
		modelslab.ChatMessage{Role: modelslab.RoleUser, Content: "and by day?"})
	answer, err = client.Generation.Chat.Complete(ctx, params)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Text())
	// Output:
	// You said: who keeps the light?
	// You said: and by day?
}

// The text is shown as it is made; the last event holds all of it.
func ExampleChatService_Stream() {
	client, _ := demo()

	var whole *modelslab.ChatCompletion
	for event, err := range client.Generation.Chat.Stream(context.Background(), modelslab.ChatParams{
		Model:    "gpt-4o-mini",
		Messages: []modelslab.ChatMessage{{Role: modelslab.RoleUser, Content: "tell me of the sea"}},
	}) {
		if err != nil { // event.Completion holds what came before it
			log.Fatal(err)
		}
		fmt.Print(event.Delta)
		whole = event.Completion
	}
	fmt.Println()
	fmt.Println(whole.Choices[0].FinishReason)
	// Output:
	// You said: tell me of the sea
	// stop
}

// A file gets a URL, for endpoints that take nothing else.
func ExampleUploadsService() {
	client, _ := demo()
	ctx := context.Background()

	upload, err := client.Generation.Uploads.Image(ctx, modelslab.UploadParams{
		File: modelslab.InputBytes([]byte("\x89PNG\r\n\x1a\n…")), // or InputFile("room.png")
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(filepath.Ext(upload.URL))

	job, err := client.Generation.Interior.ObjectRemoval(ctx, modelslab.InteriorObjectRemovalParams{
		InitImage: upload.Input(), ObjectName: "the sofa",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Status)
	// Output:
	// .png
	// success
}

// A training ends in a model, whose id is the training's.
func ExampleTrainingService() {
	srv := sandbox.New(sandbox.InMemory(), sandbox.WithTrainingTime(0))
	account := srv.Account(sandbox.AccountParams{BalanceCents: 200})
	client, err := modelslab.New(account.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	params := modelslab.TrainingCreateParams{
		InstancePrompt: "photo of xyz lighthouse", ClassPrompt: "photo of a lighthouse",
		TrainingType: "null", MaxTrainSteps: 12,
	}
	for i := range 6 {
		params.Images = append(params.Images, modelslab.InputURL(fmt.Sprintf("https://example.com/%d.png", i)))
	}
	training, err := client.Generation.Training.Create(ctx, params)
	if err != nil {
		log.Fatal(err)
	}

	// It takes half an hour; the id is enough to go on in another process.
	training, err = client.Generation.Training.Wait(ctx, training.ID, modelslab.TrainingWaitParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(training.State)
	// Output:
	// model_ready
}

// A workflow that was composed on the site is run with its own parameters.
func ExampleWorkflowsService() {
	client, _ := demo()
	ctx := context.Background()

	workflows, err := client.Generation.Workflows.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	workflow, err := client.Generation.Workflows.Get(ctx, workflows[0].ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(workflow.Name)
	for _, p := range workflow.Parameters {
		fmt.Println("-", p.Key, p.Type, "required:", p.Required)
	}

	run, err := client.Generation.Workflows.Run(ctx, workflow.ID, map[string]any{"prompt": "a lighthouse"})
	if err != nil {
		log.Fatal(err)
	}
	run, err = client.Generation.Wait(ctx, run, modelslab.WaitParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(run.Status, len(run.Output), "picture")
	// Output:
	// Picture from words
	// - prompt string required: true
	// - negative_prompt string required: false
	// - width number required: false
	// success 1 picture
}

// Each dedicated server has an API key of its own.
func ExampleServersService() {
	client, _ := demo()
	ctx := context.Background()

	flux := client.Generation.Servers.For(modelslab.ServerFlux)
	job, err := flux.Run(ctx, "text2img", map[string]any{"prompt": "a lighthouse"})
	if err != nil {
		log.Fatal(err)
	}
	job, err = client.Generation.Wait(ctx, job, modelslab.WaitParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Path, job.Status)

	if err = flux.ClearCache(ctx); err != nil {
		log.Fatal(err)
	}
	details, err := flux.Details(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("seconds of work in the queue:", details.QueueTime)
	// Output:
	// /api/v1/enterprise/flux/text2img success
	// seconds of work in the queue: 0
}

// Models are found with the API key alone.
func ExampleKeyModelsService() {
	client, _ := demo()
	ctx := context.Background()

	page, err := client.Generation.Models.Search(ctx, modelslab.ModelSearchParams{Feature: "imagen", BaseModel: "qwen"})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range page.Items {
		fmt.Println(m.ModelID)
	}
	model, err := client.Generation.Models.Get(ctx, page.Items[0].ModelID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("tells what it takes:", model.Schema("text2img") != nil)
	// Output:
	// qwen-image
	// qwen-image-edit
	// tells what it takes: true
}

// Many jobs, a few at a time, in the order in which they end.
func ExampleBatch() {
	client, srv := demo()

	var params []modelslab.TextToImageParams
	for _, season := range []string{"spring", "summer", "autumn", "winter"} {
		params = append(params, modelslab.TextToImageParams{ModelID: "flux", Prompt: "a bay in " + season})
	}
	params[2].Height = 100 // one that fails does not stop the others
	done := 0
	for i, r := range modelslab.Batch(context.Background(), client, client.Generation.Images.TextToImage, params, modelslab.BatchParams{}) {
		if r.Err != nil {
			fmt.Println(i, "is wrong:", errors.Is(r.Err, modelslab.ErrValidation))
			continue
		}
		done += len(r.Generation.Output)
	}
	fmt.Println(done, "pictures of", len(srv.Requests()), "requests")
	// Output:
	// 2 is wrong: true
	// 3 pictures of 3 requests
}

// Results are kept for a limited time: save them.
func ExampleGenerationService_DownloadAll() {
	client, _ := demo()
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "pictures")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	job, err := client.Generation.Images.TextToImage(ctx, modelslab.TextToImageParams{
		ModelID: "flux", Prompt: "a lighthouse", Samples: 2, Width: 256, Height: 256,
	})
	if err != nil {
		log.Fatal(err)
	}
	job, err = client.Generation.Wait(ctx, job, modelslab.WaitParams{})
	if err != nil {
		log.Fatal(err)
	}
	paths, err := client.Generation.DownloadAll(ctx, job, dir, modelslab.DownloadParams{
		Name: func(i int, _ string) string { return fmt.Sprintf("lighthouse-%d.png", i) }, // nil: by the job's id
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, path := range paths {
		fmt.Println(filepath.Base(path))
	}
	// Output:
	// lighthouse-0.png
	// lighthouse-1.png
}

// A webhook is signed by nobody, so it is only a hint: the handler asks the API.
func ExampleGenerationService_WebhookHandler() {
	client, _ := demo()
	ctx := context.Background()
	ended := make(chan modelslab.WebhookEvent, 1)
	hooks, err := client.Generation.WebhookHandler(modelslab.WebhookParams{
		Handle: func(_ context.Context, e modelslab.WebhookEvent) { ended <- e },
	})
	if err != nil {
		log.Fatal(err)
	}
	// http.Handle("/modelslab", hooks)

	track := hooks.Track("/api/v6/images/text2img")
	job, err := client.Generation.Images.TextToImage(ctx, modelslab.TextToImageParams{
		ModelID: "flux", Prompt: "a lighthouse", Webhook: "https://example.com/modelslab", TrackID: track.String(),
	})
	if err != nil {
		log.Fatal(err)
	}
	job.TrackID = track.String()
	if err = hooks.Expect(job); err != nil {
		log.Fatal(err)
	}

	// Anybody may call. This is what the vendor would send.
	call := func(body string) int {
		w := httptest.NewRecorder()
		hooks.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/modelslab", strings.NewReader(body)))
		return w.Code
	}
	fmt.Println("a stranger's:", call(`{"status":"success","id":1,"track_id":"1"}`))
	fmt.Println("the job's:", call(fmt.Sprintf(`{"status":"success","id":%s,"track_id":%q}`, job.ID, track)))
	event := <-ended
	fmt.Println(event.Generation.Status, event.Err)
	if err = hooks.Close(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// a stranger's: 404
	// the job's: 202
	// success <nil>
}

// A model's own schema stops what it would refuse, before it is paid for.
func ExampleWithSchema() {
	client, srv := demo()
	ctx := context.Background()

	model, err := client.Generation.Models.Get(ctx, "flux")
	if err != nil {
		log.Fatal(err)
	}
	schema := model.Schema("/api/v6/images/text2img")
	before := len(srv.Requests())
	_, err = client.Generation.Images.TextToImage(ctx, modelslab.TextToImageParams{
		ModelID: "flux", Prompt: "a lighthouse", Width: 1400, // within what the endpoint takes
	}, modelslab.WithSchema(schema))
	var wrong *modelslab.ParamError
	if errors.As(err, &wrong) {
		fmt.Println(wrong.Param, wrong.Value)
	}
	fmt.Println("sent:", len(srv.Requests())-before)
	// Output:
	// TextToImageParams.Width 1400
	// sent: 0
}

// The account's queue is short. The client waits before it is full.
func ExampleWithQueueLimit() {
	srv := sandbox.New(sandbox.InMemory(), sandbox.WithQueueLimit(2), sandbox.WithGenerationTime(50*time.Millisecond))
	account := srv.Account(sandbox.AccountParams{BalanceCents: 100})
	client, err := modelslab.New(append(account.ClientOptions(), modelslab.WithQueueLimit(2))...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			job, err := client.Generation.Images.TextToImage(ctx, modelslab.TextToImageParams{ModelID: "flux", Prompt: "a lighthouse"})
			if err != nil {
				log.Fatal(err)
			}
			quick := modelslab.WaitParams{MaxInterval: 100 * time.Millisecond} // as the sandbox is
			if _, err = client.Generation.Wait(ctx, job, quick); err != nil {
				log.Fatal(err)
			}
		})
	}
	group.Wait()
	refused := 0
	for _, r := range srv.Requests() {
		if r.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	fmt.Println("refused for a full queue:", refused)
	// Output:
	// refused for a full queue: 0
}
