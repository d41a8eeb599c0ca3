package bolt_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
	"github.com/modelslab/modelslab-agents-go/store/bolt"
)

// A program that is started again finds what it has paid under a name.
func Example() {
	srv := sandbox.New(sandbox.InMemory())
	account := srv.Account(sandbox.AccountParams{BalanceCents: 100})
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	program := func() error {
		store, err := bolt.Open(filepath.Join(dir, "modelslab.db"))
		if err != nil {
			return err
		}
		defer func() { _ = store.Close() }()
		client, err := modelslab.New(append(account.ClientOptions(), modelslab.WithStore(store))...)
		if err != nil {
			return err
		}
		funding, err := client.Wallet.Fund(context.Background(), modelslab.WalletFundParams{
			Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_visa",
		}, modelslab.WithOperation("order-1041"))
		if err != nil {
			return err
		}
		fmt.Println(funding.Status)
		return nil
	}
	for range 2 {
		if err := program(); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("charges:", len(srv.Charges()))
	// Output:
	// succeeded
	// succeeded
	// charges: 1
}
