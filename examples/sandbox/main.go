// Command sandbox serves the SDK's sandbox, a ModelsLab and a Stripe in one process, on a
// loopback address until it is interrupted, so that curl and any other client can use it.
//
//	go run ./examples/sandbox
//	go run ./examples/sandbox -addr 127.0.0.1:8085 -no-limits
//
// It prints the environment a client needs, then a line for each request. When somebody
// signs up, it prints the code that would have been mailed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8085", "loopback `address` to serve on")
	noLimits := flags.Bool("no-limits", false, "lift the rate limits")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	w := &log{out: out}
	opts := []sandbox.Option{sandbox.WithAddr(*addr), sandbox.OnRequest(w.request)}
	if *noLimits {
		opts = append(opts, sandbox.WithoutRateLimits())
	}
	srv, err := sandbox.Start(opts...)
	if err != nil {
		return err
	}
	defer srv.Close()
	w.serve(srv)
	<-ctx.Done()
	return nil
}

// log writes whole lines, also when requests overlap.
type log struct {
	mu  sync.Mutex
	out io.Writer
	srv *sandbox.Server
}

// serve prints how to reach the server. It holds the log's lock, so that this comes first.
func (l *log) serve(srv *sandbox.Server) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.srv = srv
	a := srv.Account(sandbox.AccountParams{Email: "agent@example.com", BalanceCents: 50_00})
	fmt.Fprintf(l.out, `# The ModelsLab sandbox. No money exists here. Interrupt it to end it.
# The account %[2]s has a balance of $50:
export MODELSLAB_BASE_URL=%[1]s
export MODELSLAB_TOKEN='%[3]s'
export MODELSLAB_API_KEY=%[4]s
# Stripe's API is at the same origin: %[1]s/v1/payment_methods
# In Go: modelslab.New(modelslab.FromEnv(), modelslab.WithStripeBaseURL("%[1]s"))
# Try:
#   curl -H 'Accept: application/json' -H "Authorization: Bearer $MODELSLAB_TOKEN" %[1]s/api/agents/v1/wallet/balance
#   curl -H 'Content-Type: application/json' -d '{"key":"'$MODELSLAB_API_KEY'","model_id":"flux","prompt":"a lake at sunset"}' %[1]s/api/v6/images/text2img

`, srv.URL(), a.Email, a.AccessToken, a.APIKey)
}

func (l *log) request(r sandbox.Request) {
	status := fmt.Sprint(r.Status)
	if r.Status == 0 {
		status = "---" // the connection was dropped
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "%s  %-6s %-44s %s  %s\n", r.Time.Format(time.TimeOnly), r.Method, r.Path, status, r.Duration.Round(time.Microsecond))
	l.mail(r)
}

// mail shows the verification code after a request that sends one: nobody here has a mailbox.
func (l *log) mail(r sandbox.Request) {
	if r.Endpoint != "auth.signup" && r.Endpoint != "auth.resend_verification" || r.Status >= 300 || l.srv == nil {
		return
	}
	var body struct{ Email string }
	if json.Unmarshal(r.Body, &body) != nil {
		return // then it named no address either
	}
	if code, waiting := l.srv.VerificationCode(body.Email); waiting {
		fmt.Fprintf(l.out, "          mail to %s: the verification code is %s\n", body.Email, code)
	}
}
