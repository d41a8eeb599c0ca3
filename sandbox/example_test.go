package sandbox_test

import (
	"context"
	"fmt"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func Example() {
	srv := sandbox.New()
	defer srv.Close()
	ctx := context.Background()
	client, err := modelslab.New(srv.ClientOptions()...)
	if err != nil {
		fmt.Println(err)
		return
	}

	_, err = client.Auth.Signup(ctx, modelslab.AuthSignupParams{
		Email: "agent@example.com", Password: modelslab.NewSecret("correct horse"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	code, _ := srv.VerificationCode("agent@example.com") // instead of reading the mail
	session, err := client.Auth.VerifyEmail(ctx, code)
	if err != nil {
		fmt.Println(err)
		return
	}
	client = client.WithSession(session)

	_, err = client.Wallet.Fund(ctx, modelslab.WalletFundParams{
		Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_visa",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	balance, err := client.Wallet.Balance(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(balance.Balance, balance.Currency)
	for _, c := range srv.Charges() {
		fmt.Println(c.Cents, c.Endpoint, c.PaymentMethodID)
	}
	// Output:
	// 25.00 USD
	// 2500 wallet.fund pm_card_visa
}
