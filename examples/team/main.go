// Command team shows how two accounts work together: one invites the other, which accepts,
// acts for it, gets another role, and is removed. No call here moves money.
//
//	go run ./examples/team          # in the sandbox: no account, no network
//
// With -live it does so at the real service: MODELSLAB_TOKEN is the token of the account that
// invites, MODELSLAB_GUEST_TOKEN that of the other one, and -guest its address, which gets a
// mail. Where the server shows the invitation's id in that mail alone, -invite hands it on in
// a second run.
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

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "team:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("team", flag.ContinueOnError)
	live := flags.Bool("live", false, "use the real service; needs -guest")
	email := flags.String("guest", "", "with -live: the `address` of the account that is invited")
	invite := flags.String("invite", "", "with -live: the `id` of an invitation that was sent before")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *live && *email == "":
		return errors.New("-live invites somebody to the account: say whom with -guest. Nothing was sent")
	case !*live && (*email != "" || *invite != ""):
		return errors.New("-guest and -invite need -live: each sandbox is a new one")
	}
	t := &team{out: out, email: *email, invite: *invite}
	opts, token := []modelslab.Option{modelslab.FromEnv()}, os.Getenv("MODELSLAB_GUEST_TOKEN")
	if !*live {
		srv := sandbox.New(sandbox.InMemory())
		defer srv.Close()
		opts = srv.Account(sandbox.AccountParams{Email: "ada@example.com"}).ClientOptions()
		guest := srv.Account(sandbox.AccountParams{Email: "grace@example.com"})
		t.email, token, t.mail = guest.Email, guest.AccessToken, srv.InviteID
	}
	var err error
	if t.owner, err = modelslab.New(opts...); err != nil {
		return err
	}
	// A token of one's own drops the API key and the account of the client it is made from.
	if t.guest, err = t.owner.With(modelslab.WithAccessToken(token)); err != nil {
		return fmt.Errorf("the guest's token: %w", err)
	}
	return t.all(ctx)
}
