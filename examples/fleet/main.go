// Command fleet runs twenty processes that spend from one budget, and freezes all of them
// in the middle.
//
//	go -C examples/fleet run .                                   # starts a redis-server of its own
//	go -C examples/fleet run . -redis redis://127.0.0.1:6379/0   # uses one that runs already
//	go -C examples/fleet run . -processes 50 -orders 200
//
// It runs in the sandbox: no account, no money, no network but loopback. It needs
// redis-server on the PATH (apt-get install redis-server, brew install redis), or -redis.
//
// Each process wants every order paid, and none of them talks to another: all that they
// share is the store. The budget is for three quarters of the orders. The table at the end
// is made of what the store's ledger holds and of what the sandbox has charged, and the
// program fails if they differ, if the budget is exceeded, or if anything was charged while
// spending was frozen.
//
// member.go is one of the processes, fleet.go the owner of all. The limiters, which the
// processes share over Redis too, are lifted here on both sides, or fifteen payments a
// minute would be all that there is to see.
//
// With -live -spend the fleet pays real money, $10 an order, for the account of
// MODELSLAB_TOKEN with the saved card MODELSLAB_PAYMENT_METHOD ("pm_…"). It needs -redis
// then, a server that keeps what it is told, and the limiters hold.
//
// It is a module of its own, so that go-redis is no dependency of package modelslab.
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

var (
	errNoSpend = errors.New("-live spends real money; if that is what you want, say -live -spend. Nothing was sent")
	errNoRedis = errors.New("-live needs -redis, a server that is kept: it remembers what was paid. Nothing was sent")
)

func run(ctx context.Context, args []string, out io.Writer) error {
	f := &fleet{out: out}
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	flags.IntVar(&f.processes, "processes", 20, "how `many` there are")
	flags.IntVar(&f.orders, "orders", 60, "how `many` orders each of them wants paid")
	url := flags.String("redis", "", "the `URL` of a Redis server; default: one of its own")
	flags.BoolVar(&f.live, "live", false, "use the real service; needs -spend and -redis")
	spend := flags.Bool("spend", false, "with -live: let real money move")
	member := flags.Int("member", 0, "be the process of that `number`; what starts itself says so")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case f.processes < 1 || f.orders < 4:
		return errors.New("-processes must be 1 or more, and -orders 4 or more. Nothing was sent")
	case *member > 0:
		return work(ctx, uint64(*member), f.orders, out)
	case f.live && !*spend:
		return errNoSpend
	case f.live && *url == "":
		return errNoRedis
	}
	if f.live {
		for _, name := range []string{"MODELSLAB_TOKEN", cardVariable} {
			if os.Getenv(name) == "" {
				return fmt.Errorf("-live needs %s. Nothing was sent", name)
			}
		}
	}
	if *url == "" {
		server, err := startRedis(ctx)
		if err != nil {
			return err
		}
		defer server.stop()
		*url = server.url
	}
	return f.all(ctx, *url)
}
