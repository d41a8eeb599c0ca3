package modelslab_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// An agent may fund $25 at a time and $40 in a day, and its owner has the last word.
func ExampleWithSpendPolicy() {
	srv := sandbox.New(sandbox.InMemory())
	account := srv.Account(sandbox.AccountParams{})
	client, err := modelslab.New(append(account.ClientOptions(), modelslab.WithSpendPolicy(modelslab.SpendPolicy{
		PerCall:   modelslab.Dollars(25),
		PerWindow: modelslab.Dollars(40), Window: 24 * time.Hour,
		Approve: func(_ context.Context, in modelslab.SpendIntent) error {
			if in.PaymentMethodID != "pm_card_visa" {
				return errors.New("only the company's card")
			}
			return nil
		},
	}))...)
	if err != nil {
		log.Fatal(err)
	}

	for _, p := range []modelslab.WalletFundParams{
		{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_visa"},
		{Amount: modelslab.Dollars(30), PaymentMethodID: "pm_card_visa"},
		{Amount: modelslab.Dollars(20), PaymentMethodID: "pm_card_visa"},
		{Amount: modelslab.Dollars(15), PaymentMethodID: "pm_card_mastercard"},
	} {
		_, err := client.Wallet.Fund(context.Background(), p)
		var refused *modelslab.SpendLimitError
		switch {
		case err == nil:
			fmt.Println("paid $" + p.Amount.String())
		case errors.As(err, &refused) && refused.Err != nil:
			fmt.Println("refused:", refused.Err)
		case errors.As(err, &refused):
			fmt.Printf("refused: $%s of $%s are spent\n", refused.Spent, refused.Limit)
		default:
			log.Fatal(err)
		}
	}
	fmt.Println("charges:", len(srv.Charges()))
	// Output:
	// paid $25.00
	// refused: $0.00 of $25.00 are spent
	// refused: $25.00 of $40.00 are spent
	// refused: only the company's card
	// charges: 1
}

// A payment with a name is made once, however often the program is started. The
// store has to outlive it: store/bolt and store/redis do.
func ExampleWithStore() {
	srv := sandbox.New(sandbox.InMemory())
	account := srv.Account(sandbox.AccountParams{})
	store := modelslab.NewMemoryStore() // it lives as long as this example, and the programs in it do not
	ctx := context.Background()

	start := func() *modelslab.Client {
		client, err := modelslab.New(append(account.ClientOptions(), modelslab.WithStore(store))...)
		if err != nil {
			log.Fatal(err)
		}
		return client
	}
	for range 3 { // started, stopped, and started again
		var resp modelslab.Response
		_, err := start().Wallet.Fund(ctx, modelslab.WalletFundParams{
			Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_visa",
		}, modelslab.WithOperation("order-1041"), modelslab.WithResponse(&resp))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("paid; requests sent:", resp.Attempts)
	}

	// The name stands for that payment, and for no other one.
	_, err := start().Wallet.Fund(ctx, modelslab.WalletFundParams{
		Amount: modelslab.Dollars(40), PaymentMethodID: "pm_card_visa",
	}, modelslab.WithOperation("order-1041"))
	fmt.Println("another amount:", errors.Is(err, modelslab.ErrOperationMismatch))
	fmt.Println("charges:", len(srv.Charges()))
	// Output:
	// paid; requests sent: 1
	// paid; requests sent: 0
	// paid; requests sent: 0
	// another amount: true
	// charges: 1
}

// What a program does first after a restart: it finds out what became of the
// payments whose answers were lost.
func ExampleClient_Settle() {
	srv := sandbox.New(sandbox.InMemory())
	account := srv.Account(sandbox.AccountParams{})
	store := modelslab.NewMemoryStore() // in earnest one of store/bolt or store/redis
	options := append(account.ClientOptions(), modelslab.WithStore(store), modelslab.WithRetryPolicy(modelslab.RetryPolicy{MaxAttempts: 1}))
	ctx := context.Background()

	// The card is charged, and the connection breaks before the answer comes.
	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropAfter})
	client, err := modelslab.New(options...)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_visa"})
	fmt.Println("unknown:", errors.Is(err, modelslab.ErrOutcomeUnknown))

	client, err = modelslab.New(options...) // after a restart
	if err != nil {
		log.Fatal(err)
	}
	// What a killed program was at is its own for some minutes more; this one has given it up.
	pending, err := client.Pending(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, op := range pending {
		settled, err := client.Settle(ctx, op)
		if err != nil {
			log.Fatal(err) // it could not be looked; later, then
		}
		switch settled.Status {
		case modelslab.Done:
			fmt.Println(op.Endpoint, "was paid: $"+settled.Amount.String())
		case modelslab.Refused:
			fmt.Println(op.Endpoint, "was not paid")
		case modelslab.ActionRequired:
			fmt.Println(op.Endpoint, "waits for a human")
		case modelslab.Unknown:
			fmt.Println(op.Endpoint, "needs its owner's word: Client.Resolve")
		}
	}
	fmt.Println("charges:", len(srv.Charges()))
	// Output:
	// unknown: true
	// wallet.fund was paid: $25.00
	// charges: 1
}

// One switch stops the spending of all programs that share a store.
func ExampleClient_Freeze() {
	client, srv := demo()
	ctx := context.Background()
	fund := func() error {
		_, err := client.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_visa"})
		return err
	}

	if err := client.Freeze(ctx, "an agent runs wild"); err != nil {
		log.Fatal(err)
	}
	fmt.Println("frozen:", errors.Is(fund(), modelslab.ErrFrozen))
	balance, err := client.Wallet.Balance(ctx) // reading goes on
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("balance $" + balance.Balance.String())

	if err := client.Unfreeze(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("paid:", fund() == nil)
	fmt.Println("charges:", len(srv.Charges()))
	// Output:
	// frozen: true
	// balance $1.00
	// paid: true
	// charges: 1
}

// What the account has paid, and how that is known.
func ExampleClient_Ledger() {
	client, _ := demo()
	ctx := context.Background()
	for i, dollars := range []int64{10, 25} {
		_, err := client.Wallet.Fund(ctx, modelslab.WalletFundParams{
			Amount: modelslab.Dollars(dollars), PaymentMethodID: "pm_card_visa",
		}, modelslab.WithOperation(fmt.Sprint("order-", i+1)))
		if err != nil {
			log.Fatal(err)
		}
	}

	for paid, err := range client.Ledger(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(paid.Operation, paid.Endpoint, "$"+paid.Amount.String(), paid.PaymentIntentID[:3])
	}
	// Unordered output:
	// order-1 wallet.fund $10.00 pi_
	// order-2 wallet.fund $25.00 pi_
}

// The journal and the wallet are compared: here the store was lost, and its charge
// is found again.
func ExampleClient_Reconcile() {
	srv := sandbox.New(sandbox.InMemory())
	account := srv.Account(sandbox.AccountParams{})
	ctx := context.Background()
	start := func(store modelslab.Store) *modelslab.Client {
		client, err := modelslab.New(append(account.ClientOptions(), modelslab.WithStore(store))...)
		if err != nil {
			log.Fatal(err)
		}
		return client
	}
	fund := modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_visa"}
	if _, err := start(modelslab.NewMemoryStore()).Wallet.Fund(ctx, fund, modelslab.WithOperation("order-1041")); err != nil {
		log.Fatal(err)
	}

	client := start(modelslab.NewMemoryStore()) // the disk is gone, and with it the journal
	found, err := client.Reconcile(ctx, time.Now().Add(-24*time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	for _, credit := range found.Unclaimed {
		fmt.Println("nobody knows of $" + credit.Amount.String())
		// Its owner knows what it was for.
		err = client.Resolve(ctx, modelslab.PendingOperation{
			Operation: "order-1041", Endpoint: "wallet.fund", Amount: credit.Amount, PaymentIntentID: credit.TransactionID,
		}, modelslab.Paid, "found by reconciling")
		if err != nil {
			log.Fatal(err)
		}
	}

	_, err = client.Wallet.Fund(ctx, fund, modelslab.WithOperation("order-1041")) // from the record
	fmt.Println("paid:", err == nil)
	fmt.Println("charges:", len(srv.Charges()))
	// Output:
	// nobody knows of $25.00
	// paid: true
	// charges: 1
}

// The owner's word settles what nothing that can be read does.
func ExampleClient_Resolve() {
	srv := sandbox.New(sandbox.InMemory())
	account := srv.Account(sandbox.AccountParams{})
	client, err := modelslab.New(append(account.ClientOptions(),
		modelslab.WithRetryPolicy(modelslab.RetryPolicy{MaxAttempts: 1}),
		modelslab.WithSpendPolicy(modelslab.SpendPolicy{Total: modelslab.Dollars(25)}))...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	fund := func(name string) error {
		_, err := client.Wallet.Fund(ctx, modelslab.WalletFundParams{
			Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_visa",
		}, modelslab.WithOperation(name))
		return err
	}

	srv.Inject(sandbox.Fault{Endpoint: "wallet.fund", Kind: sandbox.FaultDropBefore})
	fmt.Println("unknown:", errors.Is(fund("order-1"), modelslab.ErrOutcomeUnknown))
	fmt.Println("it counts until it is known:", errors.Is(fund("order-2"), modelslab.ErrSpendLimit))

	// The card's statement has no such charge.
	err = client.Resolve(ctx, modelslab.PendingOperation{Operation: "order-1"}, modelslab.NotPaid, "not on the statement of May")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("paid:", fund("order-2") == nil)
	// Output:
	// unknown: true
	// it counts until it is known: true
	// paid: true
}
