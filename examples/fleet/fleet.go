package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// fleet is the owner of all the processes.
type fleet struct {
	out               io.Writer
	processes, orders int
	live              bool

	srv     *sandbox.Server // nil: live
	account sandbox.Account
	client  *modelslab.Client // the owner's own
	begun   time.Time
}

func (f *fleet) say(format string, values ...any) {
	fmt.Fprintf(f.out, "%4.1fs  %s\n", time.Since(f.begun).Seconds(), fmt.Sprintf(format, values...))
}

func (f *fleet) all(ctx context.Context, url string) error {
	f.begun = time.Now()
	prefix := "modelslab:" // the fleet's own, for as long as there is one
	opts := []modelslab.Option{modelslab.FromEnv()}
	if !f.live {
		prefix = "modelslab-fleet-" + rand.Text()[:8] + ":"
		srv, err := sandbox.Start(sandbox.WithoutRateLimits(), sandbox.WithFault(sandbox.Fault{
			Endpoint: "wallet.fund", Kind: sandbox.FaultLatency, Delay: 50 * time.Millisecond, Times: -1,
		}))
		if err != nil {
			return err
		}
		defer srv.Close()
		f.srv, f.account = srv, srv.Account(sandbox.AccountParams{Email: "fleet@example.com"})
		opts = f.account.ClientOptions()
	}
	client, closed, err := open(url, prefix, f.orders, opts...)
	if err != nil {
		return err
	}
	defer closed()
	f.client = client
	if !f.live {
		defer forget(context.WithoutCancel(ctx), url, prefix)
	}
	fmt.Fprintf(f.out, "%d processes on one Redis want %d orders of $%s paid, each of them all. Together they may spend $%s.\n",
		f.processes, f.orders, price, budget(f.orders))

	members, stop := context.WithCancelCause(ctx) // one that fails ends them all
	defer stop(nil)
	ended := make(chan counts, f.processes)
	for i := range f.processes {
		p, err := f.start(members, i+1, url, prefix)
		if err != nil {
			return err
		}
		go func() {
			n, err := p.wait()
			if err != nil {
				stop(err)
			}
			ended <- n
		}()
	}
	frozen, err := f.freezeInTheMiddle(members)
	var sum counts
	if err == nil {
		for range f.processes {
			sum.add(<-ended)
		}
	}
	if cause := context.Cause(members); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	f.say("all have ended")
	return f.report(ctx, sum, frozen)
}

// process is one of the fleet.
type process struct {
	*exec.Cmd
	number    int
	out, errs bytes.Buffer
}

func (f *fleet) start(ctx context.Context, number int, url, prefix string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{number: number}
	p.Cmd = exec.CommandContext(ctx, self, "-member", strconv.Itoa(number), "-orders", strconv.Itoa(f.orders)) //nolint:gosec // this program
	p.Stdout, p.Stderr = &p.out, &p.errs
	p.Env = append(os.Environ(), redisVariable+"="+url, prefixVariable+"="+prefix)
	if !f.live {
		// Of the same name the last one counts, and an empty one is as good as none.
		p.Env = append(p.Env, cardVariable+"=", "MODELSLAB_ACCOUNT=", "MODELSLAB_BASE_URL="+f.srv.URL(),
			"MODELSLAB_TOKEN="+f.account.AccessToken, "MODELSLAB_API_KEY="+f.account.APIKey)
	}
	return p, p.Start()
}

func (p *process) wait() (n counts, err error) {
	if err := p.Wait(); err != nil {
		return n, fmt.Errorf("process %d: %w: %s", p.number, err, strings.TrimSpace(p.errs.String()))
	}
	return n, json.Unmarshal(p.out.Bytes(), &n)
}

// freezeInTheMiddle stops all spending once a quarter of the orders is paid, looks whether
// anything is paid meanwhile, and lets it go on. It returns how many were.
func (f *fleet) freezeInTheMiddle(ctx context.Context) (meanwhile int, err error) {
	frozen := false
	defer func() {
		if frozen && err != nil {
			err = fmt.Errorf("%w; all spending is still frozen: Client.Unfreeze ends that, and so does another run", err)
		}
	}()
	if err := f.await(ctx, func() (bool, error) {
		n, err := f.paid(ctx)
		return n >= f.orders/4, err
	}); err != nil {
		return 0, err
	}
	if err := f.client.Freeze(ctx, "its owner wants to look at it"); err != nil {
		return 0, err
	}
	frozen = true
	n, err := f.paid(ctx)
	if err != nil {
		return 0, err
	}
	f.say("%d orders are paid, and the owner freezes all spending", n)
	// What is on the wire cannot be called back. Once nothing is pending, nothing is.
	if err := f.await(ctx, func() (bool, error) {
		pending, err := f.client.Pending(ctx)
		return len(pending) == 0, err
	}); err != nil {
		return 0, err
	}
	before, err := f.paid(ctx)
	if err != nil {
		return 0, err
	}
	f.say("%d are paid: what was on the wire has settled", before)
	if err := pause(ctx, 1500*time.Millisecond); err != nil {
		return 0, err
	}
	after, err := f.paid(ctx)
	if err != nil {
		return 0, err
	}
	f.say("%d are paid, a second and a half later", after)
	if err := f.client.Unfreeze(ctx); err != nil {
		return 0, err
	}
	frozen = false
	f.say("the owner lifts the freeze")
	return after - before, nil
}

// paid says how many orders are.
func (f *fleet) paid(ctx context.Context) (n int, err error) {
	if !f.live {
		return len(f.srv.Charges()), nil
	}
	for _, err := range f.client.Ledger(ctx) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

func (f *fleet) await(ctx context.Context, done func() (bool, error)) error {
	for {
		if is, err := done(); is || err != nil {
			return err
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (n *counts) add(m counts) {
	n.Paid += m.Paid
	n.Recorded += m.Recorded
	n.Busy += m.Busy
	n.Frozen += m.Frozen
	n.Budget += m.Budget
	n.Unknown += m.Unknown
	n.Limited += m.Limited
}

// report holds what the store has written down against what was charged.
func (f *fleet) report(ctx context.Context, n counts, whileFrozen int) error {
	var spent modelslab.Amount
	keys := map[string]int{}
	rows := 0
	for entry, err := range f.client.Ledger(ctx) {
		if err != nil {
			return err
		}
		if spent, err = spent.Add(entry.Amount); err != nil {
			return err
		}
		keys[entry.IdempotencyKey]++
		rows++
	}
	pending, err := f.client.Pending(ctx)
	if err != nil {
		return err
	}
	charges := rows
	once := len(keys) == rows
	if !f.live {
		charges = len(f.srv.Charges())
		for _, charge := range f.srv.Charges() {
			keys[charge.IdempotencyKey]--
		}
		for _, more := range keys {
			once = once && more == 0
		}
	}

	fmt.Fprintln(f.out, "\nwhat the calls of all processes came to:")
	w := tabwriter.NewWriter(f.out, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		what string
		n    int
	}{
		{"paid", n.Paid},
		{"answered from the journal: another process has paid", n.Recorded},
		{"refused: another process is at it", n.Busy},
		{"refused: all spending is frozen", n.Frozen},
		{"refused: the budget is used up", n.Budget},
		{"refused: the limiter is used up", n.Limited},
		{"nobody knows, and asked again", n.Unknown},
	} {
		if row.n == 0 {
			continue
		}
		fmt.Fprintf(w, "  %s\t%5d\n", row.what, row.n)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(f.out, "\ncharges  %d, in the ledger %d\nbudget   $%s of $%s\npending  %d\n", charges, rows, spent, budget(f.orders), len(pending))
	switch {
	case !once || charges != rows:
		return errors.New("the charges and the ledger differ")
	case budget(f.orders).Less(spent):
		return errors.New("the budget is exceeded")
	case whileFrozen > 0:
		return fmt.Errorf("%d orders were paid while spending was frozen", whileFrozen)
	case len(pending) > 0:
		return errors.New("something is pending")
	}
	fmt.Fprintf(f.out, "%d orders paid by %d processes, each once, and none while spending was frozen\n", charges, f.processes)
	return nil
}
