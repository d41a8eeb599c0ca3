// Command budget shows an agent that is killed again and again while it spends money, and
// neither pays twice nor beyond its budget.
//
//	go -C examples/budget run .                      # in the sandbox: no account, no network, no money
//	go -C examples/budget run . -kills 20 -seed 7    # other moments
//	go -C examples/budget run . -store agent.db      # with a journal that is kept, to look at
//
// The program starts itself once more as the agent, kills that with SIGKILL at random
// moments, and starts it again until its work is done. The table at the end is made of what
// the agent has written down and of what the sandbox has charged, and the program fails if
// they differ.
//
// agent.go is what an agent does: it opens its store, settles what a dead one has left
// behind, and goes through its list, with a name for each payment. supervise.go is what its
// owner does: kill it, restart it, and give a word where nobody else can.
//
// With -live -spend it pays up to $50 of real money at the real service, for the account of
// MODELSLAB_TOKEN and MODELSLAB_API_KEY, with the saved card MODELSLAB_PAYMENT_METHOD
// ("pm_…"). It kills nothing then, unless -kills says so, and needs -store: a journal that
// is thrown away remembers nothing.
//
// It is a module of its own, so that bbolt is no dependency of package modelslab.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errLeft):
		os.Exit(somethingLeft)
	default:
		fmt.Fprintln(os.Stderr, "budget:", err)
		os.Exit(1)
	}
}

// somethingLeft is how an agent ends that has to be started again.
const somethingLeft = 3

var (
	errLeft    = errors.New("something is left to do")
	errNoSpend = errors.New("-live spends real money, up to $50; if that is what you want, say -live -spend. Nothing was sent")
	errNoStore = errors.New("-live needs -store, a file that is kept: it remembers what was paid. Nothing was sent")
)

func run(ctx context.Context, args []string, out io.Writer) error {
	s := &supervisor{out: out}
	flags := flag.NewFlagSet("budget", flag.ContinueOnError)
	kills := flags.Int("kills", 8, "how `often` the agent is killed; with -live 0, unless it is said")
	seed := flags.Uint64("seed", 0, "the same `number` again draws the same moments again; 0 draws one")
	flags.StringVar(&s.path, "store", "", "the `file` of the journal; default: one that is thrown away")
	flags.BoolVar(&s.live, "live", false, "use the real service; needs -spend and -store")
	spend := flags.Bool("spend", false, "with -live: let real money move")
	isAgent := flags.Bool("agent", false, "be the agent; what starts itself says so")
	ahead := flags.Duration("ahead", 0, "with -agent: how much later than now it is")
	if err := flags.Parse(args); err != nil {
		return err
	}
	said := false
	flags.Visit(func(f *flag.Flag) { said = said || f.Name == "kills" })
	switch {
	case *kills < 0:
		return errors.New("-kills must be 0 or more. Nothing was sent")
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *isAgent:
		return work(ctx, s.path, *ahead, out)
	case s.live && !*spend:
		return errNoSpend
	case s.live && s.path == "":
		return errNoStore
	}
	if s.live {
		for _, name := range []string{"MODELSLAB_TOKEN", "MODELSLAB_API_KEY", cardVariable} {
			if os.Getenv(name) == "" {
				return fmt.Errorf("-live needs %s. Nothing was sent", name)
			}
		}
	}
	s.kills = *kills
	if s.live && !said {
		s.kills = 0
	}
	if *seed == 0 {
		*seed = rand.Uint64N(1_000_000) + 1 //nolint:gosec // no secret
	}
	s.random = rand.New(rand.NewPCG(*seed, 0)) //nolint:gosec // no secret
	if s.path == "" {
		dir, err := os.MkdirTemp("", "modelslab-budget-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		s.path = filepath.Join(dir, "agent.db")
	}
	fmt.Fprintf(out, "An agent may spend $%s in all and $%s an hour. It is killed up to %d times (-seed %d).\n", total, hourly, s.kills, *seed)
	return s.all(ctx)
}
