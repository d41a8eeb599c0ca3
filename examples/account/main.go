// Command account shows what an account tells of itself, and changes some of it: it logs in,
// reads the profile, sets a preference, makes an API key and deletes it, reads the usage, and
// ends the account's other sessions. No call here moves money.
//
//	go run ./examples/account          # in the sandbox: no account, no network
//
// With -live it does so at the real service, with MODELSLAB_TOKEN, or else by logging in with
// MODELSLAB_EMAIL and MODELSLAB_PASSWORD. It only reads then; -change has it do the rest too,
// which ends every other session of the account. The steps are in steps.go.
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

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "account:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("account", flag.ContinueOnError)
	live := flags.Bool("live", false, "use the real service")
	change := flags.Bool("change", false, "with -live: change the account too, and end its other sessions")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	opts, email, password := []modelslab.Option{modelslab.FromEnv()}, os.Getenv("MODELSLAB_EMAIL"), os.Getenv("MODELSLAB_PASSWORD")
	if os.Getenv("MODELSLAB_TOKEN") != "" {
		email = "" // there is a session already
	}
	if !*live {
		srv := sandbox.New(sandbox.InMemory())
		defer srv.Close()
		a := srv.Account(sandbox.AccountParams{Email: "ada@example.com", BalanceCents: 5_00})
		srv.AddUsage(a.Email, sandbox.Usage{Endpoint: "/api/v6/images/text2img", Cents: 2}, sandbox.Usage{Endpoint: "/api/v6/images/img2img", Cents: 3})
		opts, email, password = srv.ClientOptions(), a.Email, a.Password
	}
	client, err := modelslab.New(opts...)
	if err != nil {
		return err
	}
	a := &account{client}
	for _, step := range []struct {
		name    string
		needed  bool
		changes bool // something of the account's
		do      func(context.Context) (string, error)
	}{
		{"log in", email != "", false, func(ctx context.Context) (string, error) { return a.logIn(ctx, email, password) }},
		{"profile", true, false, a.profile},
		{"preference", true, true, a.preference},
		{"API keys", true, true, a.keys},
		{"usage", true, false, a.usage},
		{"sessions", true, false, a.sessions},
		{"the others", true, true, a.endOthers},
		{"log out", email != "", false, func(ctx context.Context) (string, error) { return "this session has ended", a.Auth.Logout(ctx) }},
	} {
		if !step.needed {
			continue
		}
		text := "left as it is; -change changes it"
		if !step.changes || *change || !*live {
			if text, err = step.do(ctx); err != nil {
				return fmt.Errorf("%s: %w", step.name, err)
			}
		}
		fmt.Fprintf(out, "%-12s%s\n", step.name, strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 12)))
	}
	return nil
}
