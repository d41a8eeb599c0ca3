package modelslab_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"log"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// From nothing to an image: an account, a card, money, a picture. The sandbox
// plays ModelsLab and Stripe here; against the real ones the client is made by
// modelslab.New() alone, and the code comes by mail.
func Example() {
	srv := sandbox.New()
	defer srv.Close()
	ctx := context.Background()
	client, err := modelslab.New(srv.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}

	// Sign up, and prove the address with the mailed code.
	_, err = client.Auth.Signup(ctx, modelslab.AuthSignupParams{
		Email: "agent@example.com", Password: modelslab.NewSecret("correct horse"),
	})
	if err != nil {
		log.Fatal(err)
	}
	code, _ := srv.VerificationCode("agent@example.com")
	session, err := client.Auth.VerifyEmail(ctx, code)
	if err != nil {
		log.Fatal(err)
	}
	client = client.WithSession(session)

	// The card goes to Stripe and nowhere else.
	card, err := modelslab.NewCard("4242 4242 4242 4242", 12, 2040, "123")
	if err != nil {
		log.Fatal(err)
	}
	method, err := client.Billing.TokenizeCard(ctx, card)
	if err != nil {
		log.Fatal(err)
	}

	// Charge it. No error means paid.
	funding, err := client.Wallet.Fund(ctx, modelslab.WalletFundParams{
		Amount: modelslab.Dollars(25), PaymentMethodID: method.ID,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("funded:", funding.Status)

	// Submit a picture, wait for it, and load it.
	job, err := client.Generation.Images.TextToImage(ctx, modelslab.TextToImageParams{
		ModelID: "flux", Prompt: "a lighthouse at dusk",
	})
	if err != nil {
		log.Fatal(err)
	}
	job, err = client.Generation.Wait(ctx, job, modelslab.WaitParams{})
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if _, err = client.Generation.Download(ctx, job.Output[0], &file); err != nil {
		log.Fatal(err)
	}
	picture, err := png.DecodeConfig(&file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("picture:", picture.Width, "x", picture.Height)

	balance, err := client.Wallet.Balance(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("left: $" + balance.Balance.String())
	// Output:
	// funded: succeeded
	// picture: 512 x 512
	// left: $24.98
}

// demo is a sandbox and a client with an account in it. Real programs get
// theirs from modelslab.New and a session.
func demo() (*modelslab.Client, *sandbox.Server) {
	srv := sandbox.New(sandbox.InMemory(), sandbox.WithGenerationTime(0))
	account := srv.Account(sandbox.AccountParams{BalanceCents: 100})
	client, err := modelslab.New(account.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	return client, srv
}

func ExampleAuthService_Signup() {
	srv := sandbox.New(sandbox.InMemory())
	ctx := context.Background()
	client, err := modelslab.New(srv.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}

	_, err = client.Auth.Signup(ctx, modelslab.AuthSignupParams{
		Email:    "agent@example.com",
		Password: modelslab.NewSecret("correct horse"),
	})
	if err != nil {
		log.Fatal(err)
	}

	_, err = client.Auth.VerifyEmail(ctx, "a-guess")
	fmt.Println("wrong code:", errors.Is(err, modelslab.ErrValidation))

	code, _ := srv.VerificationCode("agent@example.com") // from the mail
	session, err := client.Auth.VerifyEmail(ctx, code)
	if err != nil {
		log.Fatal(err)
	}
	client = client.WithSession(session)

	fmt.Println(session.User.Email, "verified:", session.User.Verified)
	fmt.Println("token:", session.AccessToken) // secrets print like this
	// Output:
	// wrong code: true
	// agent@example.com verified: true
	// token: [redacted]
}

func ExampleBillingService_TokenizeCard() {
	client, _ := demo()
	ctx := context.Background()

	_, err := modelslab.NewCard("4242 4242 4242 4241", 12, 2040, "123")
	fmt.Println(err) // a mistyped number is found at once, and not repeated

	card, err := modelslab.NewCard("4242 4242 4242 4242", 12, 2040, "123")
	if err != nil {
		log.Fatal(err)
	}
	method, err := client.Billing.TokenizeCard(ctx, card)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(method.Brand, method.Last4, "live:", method.Livemode)
	fmt.Println("card:", card)
	// Output:
	// modelslab: Card.Number: is mistyped: its check digit is wrong
	// visa 4242 live: false
	// card: [redacted]
}

// What a program does with each way in which a payment can end.
func ExampleWalletService_Fund() {
	client, _ := demo()
	ctx := context.Background()

	for _, method := range []string{"pm_card_visa", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_threeDSecure2Required"} {
		funding, err := client.Wallet.Fund(ctx, modelslab.WalletFundParams{
			Amount: modelslab.Dollars(25), PaymentMethodID: method,
		})
		var declined *modelslab.PaymentDeclinedError
		switch {
		case err == nil:
			fmt.Println("paid, balance now $" + funding.Balance.String())
		case errors.As(err, &declined):
			fmt.Println("try another card:", declined.DeclineCode)
		case errors.Is(err, modelslab.ErrRequiresAction):
			fmt.Println("a human must act: send a payment link")
		case errors.Is(err, modelslab.ErrOutcomeUnknown):
			fmt.Println("look before paying again:", err)
		default:
			log.Fatal(err) // no money moved
		}
	}
	// Output:
	// paid, balance now $26.00
	// try another card: insufficient_funds
	// a human must act: send a payment link
}

// Without a card, a human pays on a page.
func ExampleWalletService_AwaitCheckout() {
	client, srv := demo()
	ctx := context.Background()

	link, err := client.Billing.CreatePaymentLink(ctx, modelslab.PaymentLinkParams{
		Purpose: modelslab.PurposeFund, Amount: modelslab.Dollars(25),
	})
	if err != nil {
		log.Fatal(err)
	}
	// Keep link.SessionID, then show link.PaymentURL to the human, who pays.
	if err = srv.CompleteCheckout(link.SessionID); err != nil {
		log.Fatal(err)
	}

	funding, err := client.Wallet.AwaitCheckout(ctx, link, modelslab.AwaitParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("balance now $" + funding.Balance.String())
	// Output:
	// balance now $26.00
}

func ExampleSubscriptionsService_Create() {
	client, _ := demo()
	ctx := context.Background()

	plans, err := client.Subscriptions.Plans(ctx)
	if err != nil {
		log.Fatal(err)
	}
	var plan modelslab.Plan
	for _, plan = range plans.SubscriptionPlans {
		if plan.Name == "Standard" {
			break
		}
	}
	bought, err := client.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{
		PlanID: plan.ID, PaymentMethodID: "pm_card_visa", // from Billing.TokenizeCard
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s for $%s: %s\n", plan.Name, plan.Price, bought.Status)
	// Output:
	// Standard for $47.00: active
}

func ExampleGenerationService_Wait() {
	srv := sandbox.New(sandbox.InMemory(), sandbox.WithGenerationTime(time.Second))
	account := srv.Account(sandbox.AccountParams{BalanceCents: 100})
	client, err := modelslab.New(account.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	job, err := client.Generation.Images.TextToImage(ctx, modelslab.TextToImageParams{
		ModelID: "flux", Prompt: "a lighthouse at dusk", Samples: 2,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Status, "for about", job.ETA)

	// In another process &modelslab.Generation{ID: job.ID, Path: job.Path} would do.
	job, err = client.Generation.Wait(ctx, job, modelslab.WaitParams{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Status, len(job.Output), "files")
	// Output:
	// processing for about 1s
	// success 2 files
}

// Any job of the generation APIs can be run by its path.
func ExampleGenerationService_Run() {
	client, _ := demo()

	job, err := client.Generation.Run(context.Background(), "/api/v7/images/text-to-image", map[string]any{
		"model_id": "flux", "prompt": "a lighthouse at dusk",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Status)
	// Output:
	// success
}

// A call by hand walks the same road as a method.
func ExampleClient_Call() {
	client, _ := demo()

	var me struct {
		Email    string
		Verified bool
	}
	err := client.Call(context.Background(), "GET", "/me", nil, &me)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(me.Email, me.Verified)
	// Output:
	// agent1@example.com true
}
