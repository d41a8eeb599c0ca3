package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// supervisor is the agent's owner: it runs the agent, kills it, and runs it again.
type supervisor struct {
	out    io.Writer
	path   string // of the journal
	live   bool
	kills  int // that are left
	random *rand.Rand

	srv     *sandbox.Server // nil: live
	account sandbox.Account
	ahead   atomic.Int64 // how much later it is than the machine's clock says, in the sandbox
	trap    trap

	killed int               // so often, so far
	says   map[string]string // what the agent said of each job; nil: it was killed
}

// trap kills the agent a moment after one of its requests was carried out, whose answer is
// on its way then, or lost.
type trap struct {
	mu     sync.Mutex
	after  int           // the request, counted from 1; 0: none
	delay  time.Duration // and how long after it
	sprung string        // what that request was
	kill   func()
}

func (t *trap) request(r sandbox.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.after--; t.after != 0 {
		return
	}
	t.sprung = r.Method + " " + r.Path
	if t.delay > 0 {
		time.AfterFunc(t.delay, t.kill)
		return
	}
	t.kill() // before its answer is sent
}

func (s *supervisor) all(ctx context.Context) error {
	if !s.live {
		srv, err := sandbox.Start(
			sandbox.OnRequest(s.trap.request), sandbox.WithGenerationTime(0), sandbox.WithoutRateLimits(),
			sandbox.WithClock(func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }),
		)
		if err != nil {
			return err
		}
		defer srv.Close()
		s.srv, s.account = srv, srv.Account(sandbox.AccountParams{Email: "agent@example.com"})
	}
	const patience = 20 // runs that are not killed
	for run := 1; ; run++ {
		done, says, err := s.run(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "run %-2d  %s\n", run, says)
		if done {
			break
		}
		if run-s.killed > patience {
			return errors.New("the agent does not come to its end")
		}
		if err := s.between(ctx); err != nil {
			return err
		}
	}
	return s.report(ctx)
}

// run lets the agent run once, and says how it ended.
func (s *supervisor) run(ctx context.Context) (done bool, says string, err error) {
	self, err := os.Executable()
	if err != nil {
		return false, "", err
	}
	ahead := time.Duration(s.ahead.Load())
	s.says = nil
	cmd := exec.CommandContext(ctx, self, "-agent", "-store", s.path, "-ahead", ahead.String()) //nolint:gosec // this program
	cmd.Env = s.environment()
	var printed, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &errs
	if err := cmd.Start(); err != nil {
		return false, "", err
	}
	disarm := s.arm(func() { _ = cmd.Process.Kill() }) // it may have ended by itself
	err = cmd.Wait()
	sprung := disarm()
	code := cmd.ProcessState.ExitCode()
	switch {
	case ctx.Err() != nil:
		return false, "", ctx.Err()
	case sprung != "" && code != 0 && code != somethingLeft:
		s.kills--
		s.killed++
		return false, "killed " + sprung, nil
	case code != 0 && code != somethingLeft:
		return false, "", fmt.Errorf("the agent failed: %w: %s", err, strings.TrimSpace(errs.String()))
	}
	s.says = map[string]string{}
	var left []string
	for line := range strings.Lines(printed.String()) {
		name, words, _ := strings.Cut(strings.TrimSpace(line), ": ")
		s.says[name] = words
		if words != "paid" && !strings.HasPrefix(words, "refused") {
			left = append(left, name+" "+words)
		}
	}
	if code == somethingLeft {
		return false, "came to the end of its list: " + strings.Join(left, ", "), nil
	}
	return true, "had nothing left to do", nil
}

// environment is that of the agent: secrets are no arguments, which anybody can see.
func (s *supervisor) environment() []string {
	env := os.Environ()
	if s.live {
		return env
	}
	var own []string
	for _, v := range env {
		if !strings.HasPrefix(v, "MODELSLAB_") {
			own = append(own, v)
		}
	}
	return append(own, "MODELSLAB_BASE_URL="+s.srv.URL(), "MODELSLAB_TOKEN="+s.account.AccessToken,
		"MODELSLAB_API_KEY="+s.account.APIKey, "MODELSLAB_ACCOUNT="+strconv.FormatInt(s.account.ID, 10))
}

// arm draws when the agent dies. What it returns says afterwards when that was; "": it did
// not.
func (s *supervisor) arm(kill func()) (disarm func() string) {
	if s.kills == 0 {
		return func() string { return "" }
	}
	if s.live { // nobody sees its requests
		after := time.Duration(100+s.random.IntN(5000)) * time.Millisecond
		died := make(chan struct{})
		timer := time.AfterFunc(after, func() { kill(); close(died) })
		return func() string {
			if timer.Stop() {
				return ""
			}
			<-died
			return "after " + after.String()
		}
	}
	t := &s.trap
	t.mu.Lock()
	defer t.mu.Unlock()
	t.after, t.delay, t.sprung, t.kill = 1+s.random.IntN(3), 0, "", kill
	if s.random.IntN(2) == 0 {
		t.delay = time.Duration(100+s.random.IntN(1900)) * time.Microsecond
	}
	return func() string {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.after = 0
		switch {
		case t.sprung == "":
			return ""
		case t.delay > 0:
			return fmt.Sprintf("%v after %s", t.delay.Round(100*time.Microsecond), t.sprung)
		}
		return "before it heard what became of " + t.sprung
	}
}

// between is what the owner does between two runs.
func (s *supervisor) between(ctx context.Context) error {
	switch {
	case s.says == nil: // the last run was killed
		return nil
	case s.live:
		return errors.New("something is left: run this again in an hour, with the same -store; what is stranded waits for Client.Resolve")
	}
	decided, err := s.decide(ctx)
	if err != nil || decided > 0 {
		return err
	}
	fmt.Fprintln(s.out, "        an hour passes, and with it the window of the budget")
	s.ahead.Add(int64(time.Hour))
	return nil
}

// decide gives the owner's word on what nobody else can tell of: here, whether an image
// was made whose answer was lost. The owner looks at the account, as a person would.
func (s *supervisor) decide(ctx context.Context) (decided int, err error) {
	client, closed, err := s.open() //nolint:contextcheck // a file is opened without one
	if err != nil {
		return 0, err
	}
	defer closed()
	pending, err := client.Pending(ctx)
	if err != nil {
		return 0, err
	}
	for _, op := range pending {
		if op.State != "stranded" {
			continue // the agent settles it
		}
		verdict, note := modelslab.NotPaid, "there is no such charge"
		for _, charge := range s.srv.Charges() { // the card's statement
			if charge.IdempotencyKey == op.IdempotencyKey {
				verdict, note = modelslab.Paid, "the card was charged"
			}
		}
		jobs, err := debits(ctx, client)
		if err != nil {
			return decided, err
		}
		for id := range jobs {
			if op.IdempotencyKey == "" { // the one image of the list
				op.GenerationID = id // by which the agent finds it
				verdict, note = modelslab.Paid, "the wallet paid for job "+id
			}
		}
		if err := client.Resolve(ctx, op, verdict, note); err != nil {
			return decided, err
		}
		decided++
		fmt.Fprintf(s.out, "        %s was stranded; its owner says %s: %s\n", op.Operation, strings.ReplaceAll(string(verdict), "_", " "), note)
	}
	return decided, nil
}

// debits says how often the wallet paid for which job.
func debits(ctx context.Context, c *modelslab.Client) (map[string]int, error) {
	jobs := map[string]int{}
	for tx, err := range c.Wallet.AllTransactions(ctx, modelslab.TransactionsParams{Type: modelslab.TransactionDebit}) {
		if err != nil {
			return nil, err
		}
		jobs[tx.TransactionID]++
	}
	return jobs, nil
}

func (s *supervisor) open() (*modelslab.Client, func(), error) {
	opts := []modelslab.Option{modelslab.FromEnv()}
	if !s.live {
		opts = s.account.ClientOptions()
	}
	return open(s.path, time.Duration(s.ahead.Load()), opts...)
}
