package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	goredis "github.com/redis/go-redis/v9"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/store/redis"
)

// What a process learns from its environment, beside what [modelslab.FromEnv] reads.
// Secrets are no arguments, which anybody can see.
const (
	redisVariable  = "FLEET_REDIS"              // a URL may hold a password
	prefixVariable = "FLEET_PREFIX"             // of the store's keys
	cardVariable   = "MODELSLAB_PAYMENT_METHOD" // with -live
)

// price is that of an order.
var price = modelslab.Dollars(10)

// budget is what the owner allows: three quarters of the orders.
func budget(orders int) modelslab.Amount { return modelslab.Dollars(int64(orders*3/4) * 10) }

// counts are what the calls of a process came to.
type counts struct {
	Paid     int `json:"paid"`     // by a request of its own
	Recorded int `json:"recorded"` // by another process before: the journal answered
	Busy     int `json:"busy"`     // another process was at it
	Frozen   int `json:"frozen"`
	Budget   int `json:"budget"`
	Limited  int `json:"limited"` // by the server's limiter, which all share
	Unknown  int `json:"unknown"`
}

// open makes a client on the store that all share. Whoever closes it closes its Redis
// client too.
func open(url, prefix string, orders int, opts ...modelslab.Option) (*modelslab.Client, func(), error) {
	at, err := goredis.ParseURL(url)
	if err != nil {
		return nil, nil, errors.New("-redis is not the URL of a Redis server, such as redis://127.0.0.1:6379/0. Nothing was sent") // what it is may hold a password
	}
	server := goredis.NewClient(at)
	closed := func() { _ = server.Close() } // nothing is under way
	client, err := modelslab.New(append(opts,
		modelslab.WithStore(redis.New(server, prefix)),
		modelslab.WithSpendPolicy(modelslab.SpendPolicy{PerCall: price, Total: budget(orders)}),
	)...)
	if err != nil {
		closed()
		return nil, nil, err
	}
	return client, closed, nil
}

// work is one process. It knows nothing of the others.
func work(ctx context.Context, number uint64, orders int, out io.Writer) error {
	opts := []modelslab.Option{modelslab.FromEnv()}
	card := os.Getenv(cardVariable)
	if card == "" { // the sandbox, which has no limiters
		card = "pm_card_visa"
		opts = append(opts, modelslab.WithRateLimitPolicy(modelslab.RateLimitPolicy{Mode: modelslab.RateLimitOff}))
	}
	client, closed, err := open(os.Getenv(redisVariable), os.Getenv(prefixVariable), orders, opts...)
	if err != nil {
		return err
	}
	defer closed()

	var n counts
	todo := rand.New(rand.NewPCG(number, 0)).Perm(orders) //nolint:gosec // no secret
	for len(todo) > 0 {
		var left []int
		for _, order := range todo {
			again, err := n.pay(ctx, client, order, card)
			if err != nil {
				return err
			}
			if again {
				left = append(left, order)
			}
		}
		if todo = left; len(todo) > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Duration(50+rand.IntN(50)) * time.Millisecond): //nolint:gosec // no secret
			}
		}
	}
	return json.NewEncoder(out).Encode(n)
}

// pay pays an order that anybody may have paid before. again: it is worth another call.
func (n *counts) pay(ctx context.Context, c *modelslab.Client, order int, card string) (again bool, err error) {
	var resp modelslab.Response
	_, err = c.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: price, PaymentMethodID: card},
		modelslab.WithOperation(fmt.Sprintf("order-%03d", order)), modelslab.WithResponse(&resp))
	switch {
	case err == nil && resp.Attempts == 0:
		n.Recorded++
	case err == nil:
		n.Paid++
	case errors.Is(err, modelslab.ErrFrozen): // before the limits: it is one of them
		n.Frozen++
		return true, nil
	case errors.Is(err, modelslab.ErrSpendLimit):
		n.Budget++
	case errors.Is(err, modelslab.ErrPendingOperation):
		n.Busy++
		return true, nil
	case errors.Is(err, modelslab.ErrRateLimited):
		n.Limited++
		return true, nil
	case errors.Is(err, modelslab.ErrOutcomeUnknown):
		n.Unknown++
		return true, nil // under the same name, which finds out
	default:
		return false, fmt.Errorf("order %d: %w", order, err)
	}
	return false, nil
}
