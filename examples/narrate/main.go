// Command narrate has a text read aloud and saves the recording.
//
//	go run ./examples/narrate                          # in the sandbox: no account, no network, no money
//	go run ./examples/narrate "Once upon a time …"
//	go run ./examples/narrate - <story.txt             # what stands in a file, at most 2500 characters
//
// The sandbox cannot speak: its recording is a single note. With -live a voice reads, for the
// account of MODELSLAB_API_KEY, and that costs money. modelslab.com/trained-voice-lists has
// the voices.
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
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, modelslab.FromEnv())
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "narrate:", err)
		if next := advice(err); next != "" {
			fmt.Fprintln(os.Stderr, "what next:", next)
		}
		os.Exit(1)
	}
}

var errNoKey = errors.New("-live needs an API key in MODELSLAB_API_KEY. Nothing was sent")

func run(ctx context.Context, args []string, in io.Reader, out io.Writer, opts ...modelslab.Option) error {
	flags := flag.NewFlagSet("narrate", flag.ContinueOnError)
	live := flags.Bool("live", false, "use the real service, and real money")
	voice := flags.String("voice", "madison", "the `id` of the voice")
	language := flags.String("language", "american english", "the `language` of the text")
	dir := flags.String("dir", ".", "the `directory` to save to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *live && os.Getenv("MODELSLAB_API_KEY") == "" {
		return errNoKey
	}
	text := strings.Join(flags.Args(), " ")
	switch text {
	case "":
		text = "The lamp in the old lighthouse turned all night, though no ship had passed for years."
	case "-":
		typed, err := io.ReadAll(in)
		if err != nil {
			return err
		}
		text = strings.TrimSpace(string(typed))
	}
	if err := os.MkdirAll(*dir, 0o750); err != nil { // better now than when something has been paid
		return err
	}
	if !*live {
		srv := sandbox.New(sandbox.InMemory())
		defer srv.Close()
		opts = srv.Account(sandbox.AccountParams{BalanceCents: 1_00}).ClientOptions()
	}
	client, err := modelslab.New(opts...)
	if err != nil {
		return err
	}
	before, _ := client.Generation.WalletBalance(ctx) // only to show it

	job, err := client.Generation.Audio.TextToSpeech(ctx, modelslab.TextToSpeechParams{
		Prompt: text, VoiceID: *voice, Language: *language,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "job %s: %s reads %d characters\n", job.ID, *voice, len([]rune(text)))

	start := time.Now()
	job, err = client.Generation.Wait(ctx, job, modelslab.WaitParams{})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "done after %.1fs\n", time.Since(start).Seconds())

	// No file is replaced: where a name is taken, the next one gets a number.
	paths, err := client.Generation.DownloadAll(ctx, job, *dir, modelslab.DownloadParams{})
	if err != nil {
		return fmt.Errorf("%w; it was made, and is at %s", err, strings.Join(job.Output, " "))
	}
	for _, path := range paths {
		fmt.Fprintln(out, "saved", path)
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
		return "the text may be read, and paid, although no answer came. Look at the account's usage before you send it again."
	case errors.Is(err, context.Canceled):
		return "it was interrupted. A job that has an id goes on, and costs what it costs."
	case errors.Is(err, modelslab.ErrGenerationFailed):
		return "the job ended without a recording. Another -voice may do."
	case errors.Is(err, modelslab.ErrPaymentDeclined):
		return "nothing was paid: the wallet holds too little. Fund it, as examples/headless does."
	case errors.Is(err, modelslab.ErrUnauthenticated):
		return "nothing was paid: the key in MODELSLAB_API_KEY is not taken. Make another in the dashboard."
	case errors.Is(err, modelslab.ErrValidation):
		return "nothing was paid: change what the error names."
	case errors.Is(err, modelslab.ErrRateLimited):
		return "nothing was paid: the account's queue is full. Wait until its jobs have ended."
	}
	return ""
}
