// Command video makes a short video of what a text describes, and saves it.
//
//	go run ./examples/video                                # in the sandbox: no account, no network, no money
//	go run ./examples/video -type gif "a kite over the dunes"
//
// The sandbox has no encoder: its MP4 is a stub, which no player shows, and its GIF blinks.
// With -live the video is real, for the account of MODELSLAB_API_KEY, and costs money. It may
// take minutes. Whoever does not want to wait can interrupt the program: the job goes on, and
//
//	go run ./examples/video -live -job 12345
//
// waits for it again and saves it, without submitting anything.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, modelslab.FromEnv())
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "video:", err)
		if next := advice(err); next != "" {
			fmt.Fprintln(os.Stderr, "what next:", next)
		}
		os.Exit(1)
	}
}

var errNoKey = errors.New("-live needs an API key in MODELSLAB_API_KEY. Nothing was sent")

func run(ctx context.Context, args []string, out io.Writer, opts ...modelslab.Option) error {
	flags := flag.NewFlagSet("video", flag.ContinueOnError)
	live := flags.Bool("live", false, "use the real service, and real money")
	model := flags.String("model", "wan2.2", "the `id` of the model")
	kind := flags.String("type", "mp4", "`mp4` or gif")
	dir := flags.String("dir", ".", "the `directory` to save to")
	id := flags.String("job", "", "with -live: wait for the job with this `id`, and submit none")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case *id != "" && !*live:
		return errors.New("-job needs -live: each sandbox is a new one. Nothing was sent")
	case *live && os.Getenv("MODELSLAB_API_KEY") == "":
		return errNoKey
	}
	prompt := strings.Join(flags.Args(), " ")
	if prompt == "" {
		prompt = "waves roll onto a beach at sunset"
	}
	if err := os.MkdirAll(*dir, 0o750); err != nil { // better now than when something has been paid
		return err
	}
	if !*live {
		srv := sandbox.New(sandbox.InMemory(), sandbox.WithGenerationTime(3*time.Second))
		defer srv.Close()
		opts = srv.Account(sandbox.AccountParams{BalanceCents: 1_00}).ClientOptions()
	}
	client, err := modelslab.New(opts...)
	if err != nil {
		return err
	}
	before, _ := client.Generation.WalletBalance(ctx) // only to show it

	// The id and the path of a job are enough to wait for it, in whatever program.
	job := &modelslab.Generation{ID: *id, Path: "/api/v6/video/text2video"}
	if *id == "" {
		job, err = client.Generation.Video.TextToVideo(ctx, modelslab.TextToVideoParams{
			ModelID: *model, Prompt: prompt, Width: 512, Height: 512, NumFrames: 25, OutputType: *kind,
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "job %s: %q\n", job.ID, prompt)
	}
	shown := show(out, job)
	job, err = client.Generation.Wait(ctx, job, modelslab.WaitParams{Progress: shown.answer})
	shown.end()
	if err != nil {
		return err
	}
	paths, err := client.Generation.DownloadAll(ctx, job, *dir, modelslab.DownloadParams{})
	if err != nil {
		return fmt.Errorf("%w; it was made, and is at %s", err, strings.Join(job.Output, " "))
	}
	for _, path := range paths {
		fmt.Fprintln(out, "saved", path)
	}
	if !*live && *kind == "mp4" {
		fmt.Fprintln(out, "It is a stub: the sandbox has no encoder, and no player shows it. -type gif moves.")
	}
	if after, err := client.Generation.WalletBalance(ctx); err == nil && before != nil {
		if paid, err := before.Balance.Sub(after.Balance); err == nil {
			fmt.Fprintf(out, "paid $%s; the wallet holds $%s\n", paid, after.Balance)
		}
	}
	return nil
}

// advice says what to do about an error.
func advice(err error) string {
	switch {
	case errors.Is(err, modelslab.ErrOutcomeUnknown):
		return "the video may be in the making, and paid, although no answer came. Look at the account's usage before you send it again."
	case errors.Is(err, context.Canceled):
		return "it was interrupted. The job goes on, and costs what it costs: with -live, -job and its id wait for it again."
	case errors.Is(err, modelslab.ErrGenerationFailed):
		return "the job ended without a video. Another prompt or -model may do better."
	case errors.Is(err, modelslab.ErrPaymentDeclined):
		return "nothing was paid: the wallet holds too little. Fund it, as examples/headless does."
	case errors.Is(err, modelslab.ErrUnauthenticated):
		return "nothing was paid: the key in MODELSLAB_API_KEY is not taken. Make another in the dashboard."
	case errors.Is(err, modelslab.ErrNotFound):
		return "the account has no such job, or none any more."
	case errors.Is(err, modelslab.ErrValidation):
		return "nothing was paid: change what the error names."
	case errors.Is(err, modelslab.ErrRateLimited):
		return "nothing was paid: the account's queue is full. Wait until its jobs have ended."
	}
	return ""
}
