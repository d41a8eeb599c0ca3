// Command headless goes from no account to a generated image on disk, without a browser: it
// signs up, verifies the e-mail, gives a card to Stripe, pays, and generates.
//
//	go run ./examples/headless                          # in the sandbox: no account, no network, no money
//	go run ./examples/headless -card 4000000000000002   # a card that is declined
//	go run ./examples/headless -card 4000002760003184   # a card that wants its holder (3-D Secure)
//	go run ./examples/headless -human                   # a person pays on a page instead
//	go run ./examples/headless -subscribe 20            # a plan instead of funding the wallet
//
// With -live it does the same at the real service, with real money. What must stay out of
// the shell's history is read from the environment alone:
//
//	MODELSLAB_PASSWORD      the account's password
//	MODELSLAB_CARD_NUMBER   the card; not needed with -human
//	MODELSLAB_CARD_EXPIRY   as in 04/29
//	MODELSLAB_CARD_CVC      the digits on its back
//	MODELSLAB_EMAIL         where the code is mailed; -email does as well
//	MODELSLAB_API_KEY       only if the account's session brings no key of its own
//
// It asks for the mailed code on the terminal, and for a yes before it charges anything.
// -login uses an account that exists. -order names the payment: with the same name again,
// after a crash say, the server sees the same payment and not a second one.
//
// The five steps are in flow.go; advice.go says what to do about each error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], surroundings{
		in: os.Stdin, out: os.Stdout, errs: os.Stderr, env: os.Getenv, terminal: isTerminal(os.Stdout),
	})
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "headless:", err)
		if next := advice(err); next != "" {
			fmt.Fprintln(os.Stderr, "what next:", next)
		}
		os.Exit(1)
	}
}

// surroundings are what the program meets outside itself. Tests bring their own.
type surroundings struct {
	in        io.Reader
	out, errs io.Writer
	terminal  bool // out is one
	env       func(name string) string
	sandbox   []sandbox.Option   // how the sandbox behaves
	live      []modelslab.Option // how the client of -live is made
}

// settings are what the flags say.
type settings struct {
	live, login, human   bool
	email, card          string
	amount               modelslab.Amount
	plan                 modelslab.ID // 0: fund the wallet
	order                string
	prompt, model, saved string
}

// errUsage is a command line that cannot be right; the flag set has said why.
var errUsage = errors.New("wrong usage")

func parse(args []string, errs io.Writer) (settings, error) {
	s := settings{amount: modelslab.Dollars(25)}
	flags := flag.NewFlagSet("headless", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.BoolVar(&s.live, "live", false, "use the real service, and real money")
	flags.BoolVar(&s.login, "login", false, "with -live: log in to an account that exists")
	flags.BoolVar(&s.human, "human", false, "let a person pay on a page")
	flags.StringVar(&s.email, "email", "", "with -live: the account's `address`; default $MODELSLAB_EMAIL")
	flags.StringVar(&s.card, "card", "", "in the sandbox: the test card's `number`; default 4242424242424242")
	flags.Func("amount", "US `dollars` to fund the wallet with (default 25)", func(text string) (err error) {
		s.amount, err = modelslab.ParseAmount(text)
		return err
	})
	flags.Func("subscribe", "buy this `plan`, a number, instead of funding the wallet", func(text string) error {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id <= 0 {
			return errors.New("a plan is a number, such as 20")
		}
		s.plan = modelslab.ID(id)
		return nil
	})
	flags.StringVar(&s.order, "order", "headless-example", "what the payment is for: the same `name` again is the same payment again")
	flags.StringVar(&s.prompt, "prompt", "a cabin by a mountain lake at sunset", "what the image shows")
	flags.StringVar(&s.model, "model", "flux", "the `id` of the model that makes it")
	flags.StringVar(&s.saved, "out", "", "the `file` to save to (default: the first of headless-1.png, headless-2.png, … that is free)")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return s, err
	case err != nil:
		return s, errUsage
	}
	wrong := ""
	switch {
	case flags.NArg() > 0:
		wrong = fmt.Sprintf("unexpected argument %q", flags.Arg(0))
	case s.live && s.card != "":
		wrong = "-card is for the sandbox's test cards; a real number would stay in the shell's history: set MODELSLAB_CARD_NUMBER"
	case s.card != "" && s.human:
		wrong = "-human pays without -card"
	case !s.live && (s.login || s.email != ""):
		wrong = "-login and -email need -live: each sandbox is a new one"
	case s.amount.Sign() <= 0:
		wrong = "-amount must be more than 0"
	case !wholeCents(s.amount):
		wrong = "-amount must have at most two decimals"
	case s.saved != "" && !isDirectory(filepath.Dir(s.saved)):
		wrong = fmt.Sprintf("-out: %s is no directory", filepath.Dir(s.saved))
	}
	if wrong != "" {
		fmt.Fprintln(errs, "headless:", wrong)
		return s, errUsage
	}
	return s, nil
}

func run(ctx context.Context, args []string, around surroundings) error {
	s, err := parse(args, around.errs)
	if err != nil {
		return err
	}
	var w world
	if s.live {
		w = newLive(s, around)
	} else {
		srv := sandbox.New(around.sandbox...)
		defer srv.Close()
		w = &inSandbox{srv: srv, number: s.card, out: around.out}
	}
	client, err := modelslab.New(append(w.options(), modelslab.WithUserAgent("headless-example"))...)
	if err != nil {
		return err
	}
	f := &flow{settings: s, world: w, client: client, out: around.out, terminal: around.terminal}
	return f.run(ctx)
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// wholeCents: the wallet takes no fractions of a cent, and it is better to know
// before there is an account.
func wholeCents(a modelslab.Amount) bool {
	_, fraction, _ := strings.Cut(a.String(), ".")
	return len(fraction) == 2
}
