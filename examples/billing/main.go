// Command billing shows what an account does with a card: it saves one without charging it,
// makes it the default, has it fund the wallet by itself, redeems a coupon, lists the
// invoices, and takes the card off again.
//
//	go run ./examples/billing          # in the sandbox: no account, no network, no money
//
// With -live it does so at the real service, for the account of MODELSLAB_TOKEN and
// MODELSLAB_API_KEY. That moves real money: auto-funding charges the card, and the images
// cost something. It therefore needs -spend as well, and refuses without it. The card is read
// from MODELSLAB_CARD_NUMBER, MODELSLAB_CARD_EXPIRY (as in 04/29) and MODELSLAB_CARD_CVC.
// Auto-funding is off at the end, whatever it was before. The steps are in steps.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
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
		fmt.Fprintln(os.Stderr, "billing:", err)
		os.Exit(1)
	}
}

var errNoSpend = errors.New("-live moves real money: auto-funding charges the card, and images cost something. Nothing was sent; if that is what you want, say -live -spend")

func run(ctx context.Context, args []string, out io.Writer, opts ...modelslab.Option) error {
	flags := flag.NewFlagSet("billing", flag.ContinueOnError)
	live := flags.Bool("live", false, "use the real service; needs -spend")
	spend := flags.Bool("spend", false, "with -live: let real money move")
	code := flags.String("coupon", "", "the `code` of a coupon to redeem; default WELCOME5 in the sandbox, none with -live")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *live && !*spend:
		return errNoSpend
	}
	var card modelslab.Card
	var err error
	if *live {
		var month, year int
		if _, err := fmt.Sscanf(os.Getenv("MODELSLAB_CARD_EXPIRY"), "%d/%d", &month, &year); err != nil {
			return errors.New("MODELSLAB_CARD_EXPIRY must be a month and a year, as in 04/29")
		}
		card, err = modelslab.NewCard(os.Getenv("MODELSLAB_CARD_NUMBER"), month, year, os.Getenv("MODELSLAB_CARD_CVC"))
	} else {
		srv := sandbox.New(sandbox.InMemory(), sandbox.WithGenerationTime(0))
		defer srv.Close()
		opts = srv.Account(sandbox.AccountParams{Email: "ada@example.com", BalanceCents: 5_05}).ClientOptions()
		if *code == "" {
			*code = "WELCOME5"
		}
		card, err = modelslab.NewCard("4242 4242 4242 4242", 12, time.Now().Year()+1, "123")
	}
	if err != nil {
		return err
	}
	client, err := modelslab.New(opts...)
	if err != nil {
		return err
	}
	b := &billing{Client: client, out: out}
	err = b.all(ctx, card, *code)
	// A standing order and a saved card outlive this program unless it takes them back, also
	// when it was interrupted.
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	return errors.Join(err, b.clean(ctx))
}
