package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// flow is one run of the five steps.
type flow struct {
	settings
	world    world
	client   *modelslab.Client
	out      io.Writer
	terminal bool // out is one
}

func (f *flow) run(ctx context.Context) error {
	var card modelslab.Card
	var err error
	if !f.human { // a card that cannot be right is known before there is an account
		if card, err = f.world.card(); err != nil {
			return err
		}
	}
	if err := f.open(ctx); err != nil {
		return err
	}
	before, err := f.client.Wallet.Balance(ctx)
	if err != nil {
		return err
	}
	var plan *modelslab.Plan // nil: fund the wallet
	if f.plan != 0 {
		if plan, err = f.findPlan(ctx); err != nil {
			return err
		}
	}
	if f.human {
		err = f.payByHuman(ctx, plan)
	} else {
		err = f.payByCard(ctx, card, plan)
	}
	if err != nil {
		return err
	}
	if err := f.generate(ctx); err != nil {
		return err
	}
	after, err := f.client.Wallet.Balance(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(f.out, "balance: $%s before, $%s after\n", before.Balance, after.Balance)
	return nil
}

// open is steps 1 and 2: an account, and a session in it.
func (f *flow) open(ctx context.Context) error {
	email, password, err := f.world.account()
	if err != nil {
		return err
	}
	var session *modelslab.Session
	if f.login {
		session, err = f.logIn(ctx, email, password)
	} else {
		session, err = f.signUp(ctx, email, password)
	}
	if err != nil {
		return err
	}
	if session.APIKey.IsZero() {
		session.APIKey = f.world.apiKey()
	}
	if session.APIKey.IsZero() { // better now than when the money has been spent
		return errNoAPIKey
	}
	f.client = f.client.WithSession(session)
	return nil
}

func (f *flow) signUp(ctx context.Context, email string, password modelslab.Secret) (*modelslab.Session, error) {
	var resp modelslab.Response
	_, err := f.client.Auth.Signup(ctx, modelslab.AuthSignupParams{Email: email, Password: password}, modelslab.WithResponse(&resp))
	if err != nil {
		return nil, err
	}
	f.step(1, "sign up", email+" has a code in the mail", &resp)
	return f.verify(ctx, email)
}

func (f *flow) logIn(ctx context.Context, email string, password modelslab.Secret) (*modelslab.Session, error) {
	var resp modelslab.Response
	session, err := f.client.Auth.Login(ctx, modelslab.AuthLoginParams{Email: email, Password: password}, modelslab.WithResponse(&resp))
	switch {
	case errors.Is(err, modelslab.ErrPermissionDenied): // the address is not verified yet
		if err := f.client.Auth.ResendVerification(ctx, email, modelslab.WithResponse(&resp)); err != nil {
			return nil, err
		}
		f.step(1, "log in", email+" has a new code in the mail", &resp)
		return f.verify(ctx, email)
	case err != nil:
		return nil, err
	}
	f.step(2, "log in", email+" has a session", &resp)
	return session, nil
}

// verify trades the code from the mail for the account's first session.
func (f *flow) verify(ctx context.Context, email string) (*modelslab.Session, error) {
	const tries = 3
	for n := 1; ; n++ {
		code, err := f.world.code(ctx, email)
		if err != nil {
			return nil, err
		}
		var resp modelslab.Response
		session, err := f.client.Auth.VerifyEmail(ctx, code, modelslab.WithResponse(&resp))
		wrong := errors.Is(err, modelslab.ErrValidation) || errors.Is(err, modelslab.ErrNotFound)
		switch {
		case wrong && n < tries:
			fmt.Fprintln(f.out, "That is not the code.")
			continue
		case err != nil:
			return nil, err
		}
		f.step(2, "verify", "the code opened a session", &resp)
		return session, nil
	}
}

// payByCard is steps 3 and 4: the card goes to Stripe, and what Stripe calls it is charged.
func (f *flow) payByCard(ctx context.Context, card modelslab.Card, plan *modelslab.Plan) error {
	var resp modelslab.Response
	method, err := f.client.Billing.TokenizeCard(ctx, card, modelslab.WithResponse(&resp))
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s ending in %s", method.Brand, method.Last4)
	f.step(3, "card", fmt.Sprintf("%s is %s; only Stripe saw it", name, method.ID), &resp)

	if plan != nil {
		return f.subscribe(ctx, plan, method.ID, name)
	}
	return f.fund(ctx, method.ID, name)
}

func (f *flow) fund(ctx context.Context, paymentMethodID, card string) error {
	if err := f.world.consent(ctx, fmt.Sprintf("Charge $%s to the %s?", f.amount, card)); err != nil {
		return err
	}
	// The name of the operation is the payment's identity: should the program die now and be
	// run again, the server sees the same payment, and not a second one.
	var resp modelslab.Response
	funding, err := f.client.Wallet.Fund(ctx,
		modelslab.WalletFundParams{Amount: f.amount, PaymentMethodID: paymentMethodID},
		modelslab.WithOperation(f.order), modelslab.WithResponse(&resp))
	if err != nil {
		return err
	}
	f.step(4, "fund", fmt.Sprintf("$%s charged, %s", f.amount, funding.PaymentIntentID), &resp)
	return nil
}

func (f *flow) subscribe(ctx context.Context, plan *modelslab.Plan, paymentMethodID, card string) error {
	if err := f.world.consent(ctx, fmt.Sprintf("Buy %s with the %s?", describe(plan), card)); err != nil {
		return err
	}
	var resp modelslab.Response
	bought, err := f.client.Subscriptions.Create(ctx,
		modelslab.SubscriptionCreateParams{PlanID: plan.ID, PaymentMethodID: paymentMethodID},
		modelslab.WithOperation(f.order), modelslab.WithResponse(&resp))
	if err != nil {
		return err
	}
	f.step(4, "subscribe", fmt.Sprintf("%s is %s", describe(plan), bought.Status), &resp)
	return nil
}

// payByHuman is steps 3 and 4 without a card: a person pays on a page of Stripe's.
func (f *flow) payByHuman(ctx context.Context, plan *modelslab.Plan) error {
	params := modelslab.PaymentLinkParams{Purpose: modelslab.PurposeFund, Amount: f.amount}
	what := "$" + f.amount.String()
	if plan != nil {
		params = modelslab.PaymentLinkParams{Purpose: modelslab.PurposeSubscribe, PlanID: plan.ID}
		what = describe(plan)
	}
	var resp modelslab.Response
	link, err := f.client.Billing.CreatePaymentLink(ctx, params, modelslab.WithOperation(f.order), modelslab.WithResponse(&resp))
	if err != nil {
		return err
	}
	f.step(3, "link", fmt.Sprintf("a person can pay %s at %s", what, link.PaymentURL), &resp)
	f.world.show(ctx, link)

	await := modelslab.AwaitParams{
		Interval: 5 * time.Second,
		Progress: func(p modelslab.CheckoutPoll) {
			state := "not paid yet"
			if !errors.Is(p.Err, modelslab.ErrCheckoutPending) {
				state = p.Err.Error()
			}
			fmt.Fprintf(f.out, "    %s after %s\n", state, p.Elapsed.Round(time.Second))
		},
	}
	if plan != nil {
		bought, err := f.client.Subscriptions.AwaitCheckout(ctx, link, await, modelslab.WithResponse(&resp))
		if err != nil {
			return err
		}
		f.step(4, "subscribe", fmt.Sprintf("%s is %s", what, bought.Status), &resp)
		return nil
	}
	funding, err := f.client.Wallet.AwaitCheckout(ctx, link, await, modelslab.WithResponse(&resp))
	if err != nil {
		return err
	}
	f.step(4, "fund", fmt.Sprintf("%s paid, %s", what, funding.PaymentIntentID), &resp)
	return nil
}

func (f *flow) findPlan(ctx context.Context) (*modelslab.Plan, error) {
	plans, err := f.client.Subscriptions.Plans(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range plans.SubscriptionPlans {
		if p.ID == f.plan {
			return &p, nil
		}
	}
	return nil, &noPlanError{f.plan, plans.SubscriptionPlans}
}

// noPlanError is a plan that nobody sells.
type noPlanError struct {
	asked modelslab.ID
	sold  []modelslab.Plan
}

func (e *noPlanError) Error() string { return fmt.Sprintf("there is no plan %d", e.asked) }

// describe names a plan and its price.
func describe(p *modelslab.Plan) string {
	price := "at a price that was not said"
	if p.Price != nil {
		price = "$" + p.Price.String()
	}
	return fmt.Sprintf("plan %d (%s, %s %s)", p.ID, p.Name, price, p.Period)
}

// generate is step 5: submit, wait, download.
func (f *flow) generate(ctx context.Context) error {
	var resp modelslab.Response
	job, err := f.client.Generation.Images.TextToImage(ctx,
		modelslab.TextToImageParams{ModelID: f.model, Prompt: f.prompt, Width: 768, Height: 512},
		modelslab.WithResponse(&resp))
	if err != nil {
		return err
	}
	f.step(5, "generate", fmt.Sprintf("job %s: %q", job.ID, f.prompt), &resp)

	shown := watch(f.out, f.terminal, job.ETA)
	job, err = f.client.Generation.Wait(ctx, job, modelslab.WaitParams{Progress: shown.answer})
	shown.end(err == nil)
	if err != nil {
		return err
	}
	file, err := create(f.saved, extension(job.Output[0]))
	if err != nil {
		return err
	}
	size, err := f.client.Generation.Download(ctx, job.Output[0], file)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	fmt.Fprintf(f.out, "    saved %s (%d bytes)\n", file.Name(), size)
	return nil
}

// create makes the file to save to: the one that was asked for, or the first of
// headless-1.png, headless-2.png and so on that is free.
func create(name, extension string) (*os.File, error) {
	if name != "" {
		return os.Create(name) //nolint:gosec // its user says where
	}
	for n := 1; ; n++ {
		file, err := os.OpenFile(fmt.Sprintf("headless-%d%s", n, extension), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // a picture is no secret
		if !errors.Is(err, os.ErrExist) {
			return file, err
		}
	}
}

// extension is that of the image behind a URL.
func extension(link string) string {
	if u, err := url.Parse(link); err == nil {
		switch ext := strings.ToLower(path.Ext(u.Path)); ext {
		case ".jpg", ".jpeg", ".webp":
			return ext
		}
	}
	return ".png"
}

// step prints the line of a step: what happened, the request's id, and what the limiter has
// left.
func (f *flow) step(n int, name, what string, resp *modelslab.Response) {
	id := resp.RequestID
	if id == "" {
		id = "no request id"
	}
	limiter := ", no limiter"
	if l := resp.RateLimit; l.Known {
		limiter = fmt.Sprintf(", %s %d/%d", l.Limiter, l.Remaining, l.Limit)
	}
	if resp.IdempotencyReplay {
		what += " (the answer to an earlier request: nothing was paid twice)"
	}
	fmt.Fprintf(f.out, "%d/5 %-9s  %s  [%s%s]\n", n, name, what, id, limiter)
}
