// Command webhook is told of the end of a job instead of asking for it: it starts a server,
// submits a job with the server's URL as its webhook, and saves the image when it is called.
//
// A webhook is not signed, so anybody can send one. The handler therefore takes none at its
// word, and asks the API. To show that, somebody lies here: that a job nobody has submitted is
// done, and that the one under way is done already, with an image of the liar's.
//
//	go run ./examples/webhook    # in the sandbox: no account, no network, no money
//
// With -live the job is real, for the account of MODELSLAB_API_KEY, and costs money. ModelsLab
// has to reach the server then: at a public https URL, such as that of a tunnel, which leads
// to the address that the server listens on:
//
//	go run ./examples/webhook -live -addr 127.0.0.1:8090 -url https://example.com
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
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
		fmt.Fprintln(os.Stderr, "webhook:", err)
		if next := advice(err); next != "" {
			fmt.Fprintln(os.Stderr, "what next:", next)
		}
		os.Exit(1)
	}
}

var (
	errNoKey = errors.New("-live needs an API key in MODELSLAB_API_KEY. Nothing was sent")
	errNoURL = errors.New("-live needs -url, a public https URL, and -addr, the address on this machine that it leads to. Nothing was sent")
)

func run(ctx context.Context, args []string, out io.Writer, opts ...modelslab.Option) error {
	r := &receiver{out: out}
	flags := flag.NewFlagSet("webhook", flag.ContinueOnError)
	live := flags.Bool("live", false, "use the real service, and real money")
	addr := flags.String("addr", "", "the `address` to listen on (default: a free port on loopback)")
	flags.StringVar(&r.url, "url", "", "the public `URL` that leads to -addr (default: that address itself)")
	flags.StringVar(&r.prompt, "prompt", "a cabin by a mountain lake at sunset", "what the image shows")
	flags.StringVar(&r.dir, "dir", ".", "the `directory` to save to")
	flags.DurationVar(&r.patience, "patience", 2*time.Minute, "how long to wait for the webhook before asking for the job")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *live && os.Getenv("MODELSLAB_API_KEY") == "":
		return errNoKey
	case *live && (r.url == "" || *addr == ""):
		return errNoURL
	}
	if err := os.MkdirAll(r.dir, 0o750); err != nil { // better now than when something has been paid
		return err
	}
	if !*live {
		srv := sandbox.New(sandbox.InMemory())
		defer srv.Close()
		opts = srv.Account(sandbox.AccountParams{BalanceCents: 1_00}).ClientOptions()
	}
	var err error
	if r.Client, err = modelslab.New(opts...); err != nil {
		return err
	}
	if *addr == "" {
		*addr = "127.0.0.1:0"
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	r.local = "http://" + listener.Addr().String()
	if r.url == "" {
		r.url = r.local
	}
	mux := http.NewServeMux()
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	err = r.all(ctx, mux)
	err = errors.Join(err, server.Close())
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// advice says what to do about an error.
func advice(err error) string {
	switch {
	case errors.Is(err, modelslab.ErrOutcomeUnknown):
		return "the job may be under way, and paid, although no answer came. Look at the account's usage before you send it again."
	case errors.Is(err, context.Canceled):
		return "it was interrupted. The job goes on, and costs what it costs."
	case errors.Is(err, modelslab.ErrGenerationFailed):
		return "the job ended without an image. Another -prompt may do better."
	case errors.Is(err, modelslab.ErrPaymentDeclined):
		return "nothing was paid: the wallet holds too little. Fund it, as examples/headless does."
	case errors.Is(err, modelslab.ErrUnauthenticated):
		return "nothing was paid: the key in MODELSLAB_API_KEY is not taken. Make another in the dashboard."
	case errors.Is(err, modelslab.ErrValidation):
		return "nothing was paid: change what the error names. The -url has to be https."
	case errors.Is(err, modelslab.ErrRateLimited):
		return "nothing was paid: the account's queue is full. Wait until its jobs have ended."
	}
	return ""
}
