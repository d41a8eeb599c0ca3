// Command chat talks to a language model and shows its answer while it is being written.
//
//	go run ./examples/chat "Why is the sky blue?"      # one question; in the sandbox: no account, no network, no money
//	go run ./examples/chat                             # a conversation, a line at a time, until Ctrl-D
//	printf 'Hello\nAnd you?\n' | go run ./examples/chat
//
// The sandbox's model only repeats what it hears. With -live a real one answers, for the
// account of MODELSLAB_API_KEY, and every answer costs money. -models lists what -model takes,
// and costs nothing.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, modelslab.FromEnv())
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "chat:", err)
		if next := advice(err); next != "" {
			fmt.Fprintln(os.Stderr, "what next:", next)
		}
		os.Exit(1)
	}
}

var errNoKey = errors.New("-live needs an API key in MODELSLAB_API_KEY. Nothing was sent")

func run(ctx context.Context, args []string, in io.Reader, out io.Writer, opts ...modelslab.Option) error {
	flags := flag.NewFlagSet("chat", flag.ContinueOnError)
	live := flags.Bool("live", false, "ask a real model, for real money")
	model := flags.String("model", "Qwen/Qwen2.5-VL-72B-Instruct-together", "the `id` of the model")
	list := flags.Bool("models", false, "list the models, and ask nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *live {
		if os.Getenv("MODELSLAB_API_KEY") == "" {
			return errNoKey
		}
	} else {
		srv := sandbox.New(sandbox.InMemory())
		defer srv.Close()
		opts = srv.Account(sandbox.AccountParams{BalanceCents: 1_00}).ClientOptions()
	}
	client, err := modelslab.New(opts...)
	if err != nil {
		return err
	}
	c := &conversation{Client: client, out: out, params: modelslab.ChatParams{Model: *model}}
	switch {
	case *list:
		return c.models(ctx)
	case flags.NArg() > 0:
		return c.talk(ctx, slices.Values([]string{strings.Join(flags.Args(), " ")}))
	}
	return c.talk(ctx, lines(ctx, in, out))
}

// conversation is what has been said so far. A model remembers nothing: it is told all of it,
// every time.
type conversation struct {
	*modelslab.Client
	params modelslab.ChatParams
	out    io.Writer
}

// ask adds a question, and shows the answer word by word.
func (c *conversation) ask(ctx context.Context, question string) error {
	p := c.params
	p.Messages = append(p.Messages, modelslab.ChatMessage{Role: modelslab.RoleUser, Content: question})
	for event, err := range c.Generation.Chat.Stream(ctx, p) {
		fmt.Fprint(c.out, event.Delta) // an error comes last, after what was heard
		if event.Completion != nil {
			fmt.Fprintln(c.out)
		}
		if err != nil {
			return err
		}
		if event.Completion != nil && len(event.Completion.Choices) > 0 {
			p.Messages = append(p.Messages, event.Completion.Choices[0].Message)
		}
	}
	c.params = p
	return nil
}

// talk asks one question after the other, and tells at the end what the answers cost.
func (c *conversation) talk(ctx context.Context, questions iter.Seq[string]) error {
	before := c.balance(ctx)
	for question := range questions {
		if err := c.ask(ctx, question); err != nil {
			return err
		}
	}
	after := c.balance(ctx)
	if before == nil || after == nil {
		return nil
	}
	paid, err := before.Balance.Sub(after.Balance)
	if err == nil {
		fmt.Fprintf(c.out, "paid $%s; the wallet holds $%s\n", paid, after.Balance)
	}
	return err
}

// balance is what the wallet holds; nil if that cannot be read, which spoils nothing here.
func (c *conversation) balance(ctx context.Context) *modelslab.Balance {
	b, _ := c.Generation.WalletBalance(ctx)
	return b
}

func (c *conversation) models(ctx context.Context) error {
	all, err := c.Generation.Chat.Models(ctx)
	for _, m := range all {
		fmt.Fprintln(c.out, m.ID)
	}
	return err
}

// lines asks in for a line at a time, and leaves out empty ones. It ends with ctx too: Ctrl-C
// at the prompt is an end like Ctrl-D.
func lines(ctx context.Context, in io.Reader, out io.Writer) iter.Seq[string] {
	read := make(chan string)
	go func() {
		defer close(read)
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case read <- strings.TrimSpace(s.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	return func(yield func(string) bool) {
		for {
			fmt.Fprint(out, "> ")
			select {
			case <-ctx.Done():
				fmt.Fprintln(out)
				return
			case line, more := <-read:
				if !more || !isTerminal(in) {
					fmt.Fprintln(out, line) // nobody has seen it typed
				}
				if !more || line != "" && !yield(line) {
					return
				}
			}
		}
	}
}

func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// advice says what to do about an error.
func advice(err error) string {
	switch {
	case errors.Is(err, modelslab.ErrOutcomeUnknown):
		return "the answer broke off. What was made of it may have been paid; to ask again is another answer, at another price."
	case errors.Is(err, modelslab.ErrGenerationFailed):
		return "the model gave no answer. Another -model may."
	case errors.Is(err, modelslab.ErrPaymentDeclined):
		return "nothing was paid: the wallet holds too little. Fund it, as examples/headless does."
	case errors.Is(err, modelslab.ErrUnauthenticated):
		return "nothing was paid: the key in MODELSLAB_API_KEY is not taken. Make another in the dashboard."
	case errors.Is(err, modelslab.ErrValidation), errors.Is(err, modelslab.ErrNotFound):
		return "nothing was paid: the question or the -model cannot be right. See -models."
	case errors.Is(err, modelslab.ErrRateLimited):
		return "nothing was paid. Wait a little, and ask again."
	}
	return ""
}
