package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/store/bolt"
)

// What its owner allows.
var (
	total  = modelslab.Dollars(50)
	hourly = modelslab.Dollars(40)
)

func policy() modelslab.SpendPolicy {
	return modelslab.SpendPolicy{
		PerCall: modelslab.Dollars(20), PerWindow: hourly, Window: time.Hour, Total: total,
		PerGeneration: modelslab.Cents(5), // a request for an image does not say what it costs
	}
}

// job is one thing on the agent's list. Its name is all that tells it from another: after
// a crash the same name is the same payment.
type job struct {
	name   string
	amount modelslab.Amount // to pay into the wallet
	cards  []string         // the next one is for a decline
	prompt string           // or an image to make, instead
}

// cardVariable holds a saved card, with -live.
const cardVariable = "MODELSLAB_PAYMENT_METHOD"

func list() []job {
	card, declined := os.Getenv(cardVariable), []string(nil)
	if card == "" {
		card, declined = "pm_card_visa", []string{"pm_card_chargeDeclined"} // the sandbox's
	}
	return []job{
		{name: "monday", amount: modelslab.Dollars(10), cards: []string{card}},
		{name: "tuesday", amount: modelslab.Cents(12_50), cards: append(declined, card)},
		{name: "poster", prompt: "a lighthouse in the fog"},
		{name: "wednesday", amount: modelslab.Dollars(15), cards: []string{card}},
		{name: "thursday", amount: modelslab.Dollars(10), cards: []string{card}}, // too much for this hour
		{name: "friday", amount: modelslab.Dollars(20), cards: []string{card}},   // too much for the budget
	}
}

// later is a store whose clock was put forward, so that nobody waits an hour. A file has no
// clock of its own: usually those of the machine and of the server count.
type later struct {
	*bolt.Store
	ahead time.Duration
}

// Now implements modelslab.StoreClock.
func (s later) Now(context.Context) (time.Time, error) { return time.Now().Add(s.ahead), nil }

// open makes the client of the agent, or of its owner: both look into one journal.
func open(path string, ahead time.Duration, opts ...modelslab.Option) (*modelslab.Client, func(), error) {
	file, err := bolt.Open(path)
	if err != nil {
		return nil, nil, err
	}
	var store modelslab.Store = file
	if ahead > 0 {
		store = later{file, ahead}
	}
	closed := func() { _ = file.Close() } // what was written is on the disk already
	client, err := modelslab.New(append(opts, modelslab.WithStore(store), modelslab.WithSpendPolicy(policy()))...)
	if err != nil {
		closed()
		return nil, nil, err
	}
	return client, closed, nil
}

// work is the agent. It remembers nothing but what is in the store.
func work(ctx context.Context, path string, ahead time.Duration, out io.Writer) error {
	client, closed, err := open(path, ahead, modelslab.FromEnv()) //nolint:contextcheck // a file is opened without one
	if err != nil {
		return err
	}
	defer closed()

	// What a dead one has left behind comes first.
	pending, err := client.Pending(ctx)
	if err != nil {
		return err
	}
	for _, op := range pending {
		// That one is still unknown, or that its lease has not ended, shows below.
		if _, err := client.Settle(ctx, op); err != nil && !errors.Is(err, modelslab.ErrPendingOperation) && !errors.Is(err, modelslab.ErrOutcomeUnknown) {
			return err
		}
	}
	left := false
	for _, j := range list() {
		says, done, err := j.do(ctx, client)
		if err != nil {
			return fmt.Errorf("%s: %w", j.name, err)
		}
		fmt.Fprintf(out, "%s: %s\n", j.name, says)
		left = left || !done
	}
	if left {
		return errLeft
	}
	return nil
}

// do does a job, whether or not it was begun before. An error is one that no restart helps.
func (j *job) do(ctx context.Context, c *modelslab.Client) (says string, done bool, err error) {
	if j.prompt != "" {
		err = j.draw(ctx, c)
	} else {
		err = j.pay(ctx, c)
	}
	var limit *modelslab.SpendLimitError
	switch {
	case err == nil:
		return "paid", true, nil
	case errors.As(err, &limit) && limit.Rule == "PerWindow":
		return "waits for another hour", false, nil
	case errors.As(err, &limit):
		return fmt.Sprintf("refused: $%s of $%s are spent", limit.Spent, limit.Limit), true, nil
	case errors.Is(err, modelslab.ErrOutcomeUnknown):
		return "may have been paid", false, nil
	case errors.Is(err, modelslab.ErrPendingOperation):
		return "is another process's", false, nil
	case errors.Is(err, modelslab.ErrPaymentDeclined):
		return "each card was declined", true, nil
	}
	return "", false, err
}

// pay charges the first card that does. Once a card was declined, the name is free for
// another one; a card that was declined before is not asked again, but answered from the
// journal.
func (j *job) pay(ctx context.Context, c *modelslab.Client) (err error) {
	for _, card := range j.cards {
		_, err = c.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: j.amount, PaymentMethodID: card}, modelslab.WithOperation(j.name))
		// A mismatch says that the name stands for the payment with a later card already.
		if !errors.Is(err, modelslab.ErrPaymentDeclined) && !errors.Is(err, modelslab.ErrOperationMismatch) {
			return err
		}
	}
	return err
}

// draw has an image made. A generation has no idempotency key, so one whose answer was
// lost is never sent again: it stays open until its owner says what became of it.
func (j *job) draw(ctx context.Context, c *modelslab.Client) error {
	image, err := c.Generation.Images.TextToImage(ctx, modelslab.TextToImageParams{ModelID: "flux", Prompt: j.prompt}, modelslab.WithOperation(j.name))
	if err != nil {
		return err
	}
	_, err = c.Generation.Wait(ctx, image, modelslab.WaitParams{})
	return err
}
