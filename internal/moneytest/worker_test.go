package moneytest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/internal/points"
)

// job is what a process is to do.
type job struct {
	Process int           // which of several it is
	Store   string        // see openStore
	Ahead   time.Duration // of the machine's clock
	Sites   []site
	Ops     []op   // those that it is to carry out
	Seed    uint64 // 0: they are carried out in their order
	Hands   int    // how many are carried out at a time
	Passes  int    // how often those are tried that are not over
	Settles bool   // between the passes it settles what is pending

	KeyLifetime time.Duration
	Attempts    int
	Patience    time.Duration // for one attempt
	Limiters    string        // "wait" and "refuse" mind them; empty: they are off

	DiesAt string // the point at which it kills itself
	Nth    int64  // and at which time that it comes there
}

// site is an account on a server, with what its owner allows.
type site struct {
	URL, Token, APIKey string
	Account            string // empty: the client has to ask
	Limits             []limit
}

// limit is a spend policy in cents.
type limit struct {
	Budget           string
	Total, PerWindow int64
	Window           time.Duration
	PerGeneration    int64
	StandingOrders   int64
}

func (l *limit) policy() modelslab.SpendPolicy {
	p := modelslab.SpendPolicy{
		Budget: l.Budget, Total: modelslab.Cents(l.Total),
		PerWindow: modelslab.Cents(l.PerWindow), Window: l.Window, PerGeneration: modelslab.Cents(l.PerGeneration),
	}
	p.StandingOrders.PerCharge = modelslab.Cents(l.StandingOrders)
	p.StandingOrders.PerWindow = modelslab.Cents(l.StandingOrders)
	return p
}

// most is the sum that it allows.
func (l *limit) most() int64 { return max(l.Total, l.PerWindow) }

// kind is a kind of payment.
type kind string

const (
	funds     kind = "fund"
	links     kind = "link"
	subscribe kind = "subscribe"
	generates kind = "generate"
)

// human is what the person does who is asked to confirm a payment, or to pay.
type human string

const (
	agrees  human = "agrees"
	refuses human = "refuses"
	leaves  human = "leaves" // it open
)

// op is a payment that an agent is to make.
type op struct {
	ID    int
	Name  string // what the client is told; empty: it is not
	Site  int
	Kind  kind
	Cents int64    // no two links have the same sum, nor two payments without a name
	Cards []string // nobody else's; the next one is for a decline
	Anew  bool     // a declined card is tried anew, once
	Human human
	Hands []int // the processes that carry it out; none: all
	Never bool  // its owner's limits must refuse it

	Declines bool // each of its cards is declined
}

// label tells operations apart, whether they have a name or not.
func (o *op) label() string { return "op-" + itoa(o.ID) }

// report is what a process says of an operation.
type report struct {
	Op      int       `json:"op"`
	Outcome outcome   `json:"outcome"`
	Begun   time.Time `json:"begun"` // when the call was made
	Key     string    `json:"key,omitzero"`
	Intent  string    `json:"intent,omitzero"`
	Session string    `json:"session,omitzero"`
	Limit   string    `json:"limit,omitzero"`
	Spent   string    `json:"spent,omitzero"`
	Error   string    `json:"error,omitzero"`

	Sent   int              `json:"sent,omitzero"`
	Passed map[string]int64 `json:"passed,omitempty"` // how often it came to which point
}

// outcome is how a call has ended.
type outcome string

const (
	begins outcome = "begins" // of the process itself
	ends   outcome = "ends"

	paid     outcome = "paid"
	declined outcome = "declined" // with its last card
	refused  outcome = "refused"  // by the server, for now: no money has moved
	limited  outcome = "limited"  // by its owner
	frozen   outcome = "frozen"
	asked    outcome = "asked"   // a human has to confirm it
	linked   outcome = "linked"  // a human has to pay
	unknown  outcome = "unknown" // nobody knows
	busy     outcome = "busy"    // another process is at it
	failed   outcome = "failed"  // in another way, before it was sent
	twice    outcome = "twice"   // it was paid twice
	mixed    outcome = "mixed"   // its name was used for something else
	settled  outcome = "settled" // by Settle: not paid, and never
)

// over reports whether there is nothing left to do, humans aside.
func (o outcome) over() bool { return o == paid || o == declined }

// worker carries out the operations of a job.
type worker struct {
	job     *job
	ahead   *atomic.Int64
	clients []*modelslab.Client
	tell    func(report)
	passes  map[string]*atomic.Int64
}

func newWorker(j *job, s *opened, tell func(report)) (*worker, error) {
	w := &worker{job: j, ahead: s.ahead, tell: tell, passes: map[string]*atomic.Int64{}}
	for _, point := range points.All() {
		w.passes[point] = &atomic.Int64{}
	}
	for i := range j.Sites {
		c, err := newClient(j, &j.Sites[i], s)
		if err != nil {
			return nil, err
		}
		w.clients = append(w.clients, c)
	}
	return w, nil
}

func newClient(j *job, at *site, s *opened, more ...modelslab.Option) (*modelslab.Client, error) {
	mode, most := modelslab.RateLimitOff, time.Second
	switch j.Limiters {
	case "wait":
		mode, most = modelslab.RateLimitWait, time.Hour
	case "refuse":
		mode = modelslab.RateLimitRefuse
	}
	opts := []modelslab.Option{
		modelslab.WithBaseURL(at.URL), modelslab.WithStripeBaseURL(at.URL),
		modelslab.WithAccessToken(at.Token), modelslab.WithAPIKey(at.APIKey),
		modelslab.WithStore(s.Store), modelslab.WithKeyLifetime(j.KeyLifetime),
		modelslab.WithRateLimitPolicy(modelslab.RateLimitPolicy{Mode: mode}),
		modelslab.WithRetryPolicy(modelslab.RetryPolicy{
			MaxAttempts: j.Attempts, MinBackoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond, MaxWait: most,
		}),
		modelslab.WithRequestDefaults(modelslab.WithRequestTimeout(j.Patience)),
	}
	if at.Account != "" {
		opts = append(opts, modelslab.WithAccount(at.Account))
	}
	for i := range at.Limits {
		opts = append(opts, modelslab.WithSpendPolicy(at.Limits[i].policy()))
	}
	return modelslab.New(append(opts, more...)...)
}

// passed says how often it came to which point.
func (w *worker) passed() map[string]int64 {
	m := map[string]int64{}
	for point, n := range w.passes {
		m[point] = n.Load()
	}
	return m
}

// pass is what happens at a point: death, if this is the one.
func (w *worker) pass(point string) {
	if w.passes[point].Add(1) == w.job.Nth && point == w.job.DiesAt {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // it takes a moment
	}
}

// work does the job.
func (w *worker) work(ctx context.Context) {
	ctx = points.With(ctx, w.pass)
	todo := slices.Clone(w.job.Ops)
	if w.job.Seed != 0 {
		r := rand.New(rand.NewPCG(w.job.Seed, uint64(w.job.Process)))
		r.Shuffle(len(todo), func(i, k int) { todo[i], todo[k] = todo[k], todo[i] })
	}
	for range w.job.Passes {
		if todo = w.pursue(ctx, todo); len(todo) == 0 {
			return
		}
		if w.job.Settles {
			w.settle(ctx)
		}
	}
}

// now is the time that everybody goes by.
func (w *worker) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// pursue carries out operations, each once, and returns those that are not over.
func (w *worker) pursue(ctx context.Context, ops []op) (left []op) {
	next := make(chan op)
	var mu sync.Mutex
	var hands sync.WaitGroup
	for range w.job.Hands {
		hands.Go(func() {
			for o := range next {
				r := w.do(ctx, &o)
				for r.Outcome == frozen {
					<-time.After(100 * time.Millisecond)
					r = w.do(ctx, &o)
				}
				w.tell(r)
				if !r.Outcome.over() {
					mu.Lock()
					left = append(left, o)
					mu.Unlock()
				}
			}
		})
	}
	for i := range ops {
		next <- ops[i]
	}
	close(next)
	hands.Wait()
	return left
}

// do carries out an operation, as an agent does that knows of no earlier time.
func (w *worker) do(ctx context.Context, o *op) report {
	r := report{Op: o.ID, Begun: w.now()}
	var resp modelslab.Response
	opts := []modelslab.RequestOption{modelslab.WithResponse(&resp)}
	if o.Name != "" {
		opts = append(opts, modelslab.WithOperation(o.Name))
	} else if known := w.recall(ctx, o, &r); known {
		return r
	}
	switch o.Kind {
	case links:
		w.link(ctx, o, &r, opts)
	case generates:
		_, err := w.clients[o.Site].Generation.Images.TextToImage(ctx, modelslab.TextToImageParams{ModelID: "flux", Prompt: o.label()}, opts...)
		r.tell(err)
	default:
		w.charge(ctx, o, &r, opts)
	}
	r.Key, r.Sent = resp.IdempotencyKey, resp.Attempts
	return r
}

// charge tries the cards in turn.
func (w *worker) charge(ctx context.Context, o *op, r *report, opts []modelslab.RequestOption) {
	for i, card := range o.Cards {
		pay := func(more ...modelslab.RequestOption) {
			var err error
			all := slices.Concat(opts, more)
			if o.Kind == subscribe {
				_, err = w.clients[o.Site].Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: standardPlan, PaymentMethodID: card}, all...)
			} else {
				_, err = w.clients[o.Site].Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Cents(o.Cents), PaymentMethodID: card}, all...)
			}
			*r = report{Op: r.Op, Begun: r.Begun}
			r.tell(err)
		}
		if pay(); r.Outcome == declined && o.Anew {
			pay(modelslab.WithNewTry())
		}
		// Its name may stand for the payment with the next card already.
		if r.Outcome != declined && (r.Outcome != mixed || i == len(o.Cards)-1) {
			return
		}
	}
}

// link makes a page to pay on, and asks whether it was paid.
func (w *worker) link(ctx context.Context, o *op, r *report, opts []modelslab.RequestOption) {
	link, err := w.clients[o.Site].Billing.CreatePaymentLink(ctx, modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: modelslab.Cents(o.Cents)}, opts...)
	r.tell(err)
	if err != nil {
		return
	}
	r.Outcome, r.Session = linked, link.SessionID
	if o.ID%2 == 0 { // for the others Settle asks
		if _, err := w.clients[o.Site].Wallet.ConfirmCheckout(ctx, link.SessionID); err == nil {
			r.Outcome = paid
		}
	}
}

// recall is what an agent does about a payment without a name: it settles what is
// pending, and looks into the ledger.
func (w *worker) recall(ctx context.Context, o *op, r *report) bool {
	c := w.clients[o.Site]
	ops, err := c.Pending(ctx)
	if err != nil {
		r.tell(err)
		return true
	}
	for _, p := range ops {
		if p.Operation != "" || p.Amount != modelslab.Cents(o.Cents) {
			continue
		}
		if s, err := c.Settle(ctx, p); err != nil || s.Status == modelslab.Unknown {
			r.Outcome = unknown
			return true
		}
	}
	for entry, err := range c.Ledger(ctx) {
		if err != nil {
			r.tell(err)
			return true
		}
		if entry.Operation == "" && entry.Amount == modelslab.Cents(o.Cents) {
			r.Outcome = paid
			return true
		}
	}
	return false
}

// settle finds out what became of what is pending.
func (w *worker) settle(ctx context.Context) {
	for i, c := range w.clients {
		ops, err := c.Pending(ctx)
		if err != nil {
			w.tell(report{Op: -1, Outcome: failed, Error: err.Error()})
			continue
		}
		for _, p := range ops {
			o := w.named(i, p)
			if o == nil {
				continue // it is another process's
			}
			r := report{Op: o.ID, Begun: w.now(), Key: p.IdempotencyKey}
			s, err := c.Settle(ctx, p)
			switch {
			case err != nil:
				r.tell(err)
			case s.Status == modelslab.Done:
				r.Outcome = paid
			case s.Status == modelslab.Refused:
				r.Outcome = settled
			case s.Status == modelslab.ActionRequired && p.SessionID != "":
				r.Outcome, r.Session = linked, p.SessionID
			case s.Status == modelslab.ActionRequired:
				r.Outcome, r.Intent = asked, s.PaymentIntentID
			default:
				r.Outcome = unknown
			}
			w.tell(r)
		}
	}
}

// named is the operation that is pending.
func (w *worker) named(site int, p modelslab.PendingOperation) *op {
	for i := range w.job.Ops {
		o := &w.job.Ops[i]
		if o.Site == site && o.Name == p.Operation && (o.Name != "" || p.Amount == modelslab.Cents(o.Cents)) {
			return o
		}
	}
	return nil
}

// tell says how a call has ended.
func (r *report) tell(err error) {
	if err == nil {
		r.Outcome = paid
		return
	}
	r.Error = err.Error()
	var limit *modelslab.SpendLimitError
	var action *modelslab.RequiresActionError
	var api *modelslab.APIError
	switch {
	case errors.Is(err, modelslab.ErrPaidTwice):
		r.Outcome = twice
	case errors.Is(err, modelslab.ErrFrozen):
		r.Outcome = frozen
	case errors.As(err, &limit):
		r.Outcome, r.Limit, r.Spent = limited, limit.Limit.String(), limit.Spent.String()
	case errors.As(err, &action):
		r.Outcome, r.Intent = asked, action.PaymentIntentID
	case errors.Is(err, modelslab.ErrOutcomeUnknown):
		r.Outcome = unknown
	case errors.Is(err, modelslab.ErrPendingOperation):
		r.Outcome = busy
	case errors.Is(err, modelslab.ErrOperationMismatch):
		r.Outcome = mixed
	case errors.Is(err, modelslab.ErrPaymentDeclined):
		r.Outcome = declined
	case errors.As(err, &api) && api.Method != http.MethodGet && api.StatusCode >= 400 && api.StatusCode < 500:
		r.Outcome = refused
	default:
		r.Outcome = failed
	}
}
