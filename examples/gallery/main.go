// Command gallery has several models draw the same prompts and lays the images out side by
// side, as a page that holds them all (HTML) and as a contact sheet (PNG).
//
//	go run ./examples/gallery                                   # in the sandbox: no account, no network, no money
//	go run ./examples/gallery -models flux,sdxl -prompts my.txt # a prompt a line
//	go run ./examples/gallery -spoil                            # with an image that fails, to see how that looks
//
// With -live it does so at the real service, for the account of MODELSLAB_API_KEY. Every
// image costs money there: as many as there are models times prompts.
//
// The images are made in make.go; progress.go shows how far they are, sheet.go and page.html
// lay them out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, modelslab.FromEnv())
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "gallery:", err)
		if next := advice(err); next != "" {
			fmt.Fprintln(os.Stderr, "what next:", next)
		}
		os.Exit(1)
	}
}

var errNoKey = errors.New("-live needs an API key in MODELSLAB_API_KEY. Nothing was sent")

func run(ctx context.Context, args []string, out io.Writer, opts ...modelslab.Option) error {
	g := &gallery{out: out}
	flags := flag.NewFlagSet("gallery", flag.ContinueOnError)
	live := flags.Bool("live", false, "use the real service, and real money")
	models := flags.String("models", "flux,sdxl,qwen-image", "the `ids` of the models")
	prompts := flags.String("prompts", "", "a `file` with a prompt a line; default: three of the program's own")
	saved := flags.String("out", "", "the `name` of the page and the sheet, without .html and .png (default: the first of gallery-1, gallery-2, … that is free)")
	spoil := flags.Bool("spoil", false, "in the sandbox: let an image fail")
	flags.IntVar(&g.atOnce, "at-once", 5, "how many `images` are in the making at the same time; 5 is what an account on pay as you go may have")
	flags.Int64Var(&g.seed, "seed", 1, "the first of the `seeds`: the same again is the same gallery again")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	g.models = nonEmpty(strings.Split(*models, ","))
	g.prompts = []string{"a lake in the mountains at sunset", "a forest in the morning fog", "mountains under a full moon"}
	if *prompts != "" {
		text, err := os.ReadFile(*prompts)
		if err != nil {
			return err
		}
		g.prompts = nonEmpty(strings.Split(string(text), "\n"))
	}
	switch {
	case len(g.models) == 0 || len(g.prompts) == 0:
		return errors.New("a gallery needs a model and a prompt. Nothing was sent")
	case g.atOnce < 1:
		return errors.New("-at-once must be 1 or more. Nothing was sent")
	case *live && *spoil:
		return errors.New("-spoil is for the sandbox. Nothing was sent")
	case *live && os.Getenv("MODELSLAB_API_KEY") == "":
		return errNoKey
	}
	if !*live {
		srv := sandbox.New(sandbox.InMemory())
		defer srv.Close()
		if *spoil {
			srv.Inject(sandbox.Fault{
				Endpoint: "images.text2img", Kind: sandbox.FaultAnswer, Status: http.StatusOK,
				Body: []byte(`{"status":"failed","message":"The model cannot draw this."}`),
			})
		}
		opts = srv.Account(sandbox.AccountParams{BalanceCents: 10_00}).ClientOptions()
	}
	client, err := modelslab.New(opts...)
	if err != nil {
		return err
	}
	g.Client = client
	return g.all(ctx, *saved)
}

func nonEmpty(texts []string) []string {
	var kept []string
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			kept = append(kept, t)
		}
	}
	return kept
}

// advice says what to do about an error.
func advice(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "it was interrupted. What was made until then is in the gallery; what was submitted goes on, and costs what it costs."
	case errors.Is(err, modelslab.ErrOutcomeUnknown):
		return "an image may have been paid whose answer was lost. Look at the account's usage before you make it again."
	case errors.Is(err, modelslab.ErrPaymentDeclined):
		return "the wallet holds too little for all of them. Fund it, as examples/headless does."
	case errors.Is(err, modelslab.ErrUnauthenticated):
		return "the key in MODELSLAB_API_KEY is not taken. Make another in the dashboard."
	case errors.Is(err, modelslab.ErrRateLimited):
		return "the account's queue is full. Take a smaller -at-once."
	case errors.Is(err, modelslab.ErrGenerationFailed):
		return "an image was begun and came to nothing. Another prompt or model may do better."
	case errors.Is(err, modelslab.ErrValidation), errors.Is(err, modelslab.ErrNotFound):
		return "the server does not take one of these models or prompts. Its tile says why."
	}
	return ""
}
