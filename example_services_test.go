package modelslab_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// A session is a token with an end. The account can list its tokens and end them.
func ExampleAuthService() {
	srv := sandbox.New(sandbox.InMemory())
	account := srv.Account(sandbox.AccountParams{Email: "ada@example.com"})
	client, err := modelslab.New(srv.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	session, err := client.Auth.Login(ctx, modelslab.AuthLoginParams{
		Email: account.Email, Password: modelslab.NewSecret(account.Password),
		DeviceName: "build-7", TokenExpiry: modelslab.TokenExpiryWeek,
	})
	if err != nil {
		log.Fatal(err)
	}
	client = client.WithSession(session)

	if err = client.Auth.RevokeOtherTokens(ctx); err != nil {
		log.Fatal(err)
	}
	tokens, err := client.Auth.Tokens(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range tokens {
		fmt.Println("left:", t.Name)
	}

	if err = client.Auth.Logout(ctx); err != nil {
		log.Fatal(err)
	}
	_, err = client.Auth.Tokens(ctx)
	fmt.Println("log in again:", errors.Is(err, modelslab.ErrUnauthenticated))
	// Output:
	// left: build-7
	// log in again: true
}

// Fields that are nil stay as they are; false and $0 are sent.
func ExampleProfileService() {
	client, _ := demo()
	ctx := context.Background()

	_, err := client.Profile.Update(ctx, modelslab.ProfileUpdateParams{AboutMe: modelslab.Ptr("paints lighthouses")})
	if err != nil {
		log.Fatal(err)
	}
	err = client.Profile.UpdatePreferences(ctx, modelslab.ProfileUpdatePreferencesParams{
		WalletNotificationEnabled: modelslab.Ptr(false),
	})
	if err != nil {
		log.Fatal(err)
	}

	profile, err := client.Profile.Get(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(profile.Email, profile.AboutMe)
	fmt.Println("mails about the wallet:", profile.Preferences.WalletNotificationEnabled)
	fmt.Println("their threshold still: $" + profile.Preferences.WalletNotificationThreshold.String())
	// Output:
	// agent1@example.com paints lighthouses
	// mails about the wallet: false
	// their threshold still: $10.00
}

// A key for one purpose can be ended without touching the others.
func ExampleAPIKeysService() {
	client, _ := demo()
	ctx := context.Background()

	made, err := client.APIKeys.Create(ctx, modelslab.APIKeyCreateParams{Name: "thumbnails"})
	if err != nil {
		log.Fatal(err)
	}
	// Only this answer is sure to show the whole key.
	worker, err := client.With(modelslab.WithAPIKey(made.Key.Reveal()))
	if err != nil {
		log.Fatal(err)
	}
	params := modelslab.TextToImageParams{ModelID: "flux", Prompt: "a lighthouse at dusk"}
	job, err := worker.Generation.Images.TextToImage(ctx, params)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("with the key:", job.Status)

	if err = client.APIKeys.Delete(ctx, made.ID); err != nil {
		log.Fatal(err)
	}
	_, err = worker.Generation.Images.TextToImage(ctx, params)
	fmt.Println("without it:", errors.Is(err, modelslab.ErrUnauthenticated))
	// Output:
	// with the key: success
	// without it: true
}

// The history has no pages; the iterator goes back day by day.
func ExampleUsageService() {
	client, srv := demo()
	ctx := context.Background()
	srv.AddUsage("agent1@example.com", sandbox.Usage{
		Endpoint: "/api/v6/images/text2img", Cents: 2, Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}, sandbox.Usage{
		Type: "audio_generation", Endpoint: "/api/v6/voice/text_to_audio", Cents: 5, Time: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC),
	})

	products, err := client.Usage.Products(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range products {
		fmt.Printf("%s: calls %d, cost $%s\n", p.Product, p.Calls, p.Cost)
	}
	for record, err := range client.Usage.AllHistory(ctx, modelslab.UsageHistoryParams{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(record.CreatedAt.Format(time.DateOnly), record.Endpoint)
	}
	// Output:
	// image_generation: calls 1, cost $0.02
	// audio_generation: calls 1, cost $0.05
	// 2026-03-02 /api/v6/voice/text_to_audio
	// 2026-03-01 /api/v6/images/text2img
}

func ExampleModelsService() {
	client, _ := demo()
	ctx := context.Background()

	filters, err := client.Models.Filters(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("features:", strings.Join(filters.Features, ", "))

	// SearchAll asks for one page after another.
	for model, err := range client.Models.SearchAll(ctx, modelslab.ModelSearchParams{
		Feature: "imagen", BaseModel: "qwen", Sort: modelslab.SortMostUsed, PerPage: 1,
	}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(model.ModelID, "by", model.Provider)
	}

	_, err = client.Models.Get(ctx, "no-such-model")
	fmt.Println("none:", errors.Is(err, modelslab.ErrNotFound))
	// Output:
	// features: audio_gen, deepfake, imagen, interior, llmaster, threed, video_fusion
	// qwen-image by Alibaba
	// qwen-image-edit by Alibaba
	// none: true
}

// A card is saved without being charged: by Stripe's leave, and at Stripe.
func ExampleBillingService() {
	client, _ := demo()
	ctx := context.Background()
	card, err := modelslab.NewCard("4242 4242 4242 4242", 12, 2040, "123")
	if err != nil {
		log.Fatal(err)
	}

	intent, err := client.Billing.CreateSetupIntent(ctx)
	if err != nil {
		log.Fatal(err)
	}
	method, err := client.Billing.ConfirmSetupIntent(ctx, intent, card)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Billing.AttachPaymentMethod(ctx, modelslab.BillingAttachPaymentMethodParams{PaymentMethodID: method.ID})
	if err != nil {
		log.Fatal(err)
	}
	saved, err := client.Billing.PaymentMethods(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range saved {
		fmt.Println(m.Brand, m.Last4, "default:", m.IsDefault)
	}

	// Whatever is charged later leaves an invoice.
	_, err = client.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: method.ID})
	if err != nil {
		log.Fatal(err)
	}
	invoices, err := client.Billing.Invoices(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, in := range invoices {
		fmt.Printf("%s: $%s, %s\n", in.Description, in.Amount, in.Status)
	}
	// Output:
	// visa 4242 default: true
	// Wallet funding: $25.00, paid
}

// Coupons, a standing order, and the list of what moved.
func ExampleWalletService() {
	client, _ := demo()
	ctx := context.Background()

	coupon, err := client.Wallet.ValidateCoupon(ctx, modelslab.WalletValidateCouponParams{CouponCode: "WELCOME5"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(coupon.Message)
	_, err = client.Wallet.RedeemCoupon(ctx, modelslab.WalletRedeemCouponParams{CouponCode: "WELCOME5"})
	if err != nil {
		log.Fatal(err)
	}

	// The server charges the default card by itself from here on, at once if need be.
	_, err = client.Billing.AttachPaymentMethod(ctx, modelslab.BillingAttachPaymentMethodParams{PaymentMethodID: "pm_card_visa"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Wallet.SetAutoFunding(ctx, modelslab.WalletSetAutoFundingParams{
		AutoChargeAmount: modelslab.Dollars(20), ChargeThreshold: modelslab.Dollars(10),
	})
	if err != nil {
		log.Fatal(err)
	}

	for tx, err := range client.Wallet.AllTransactions(ctx, modelslab.TransactionsParams{Type: modelslab.TransactionCredit}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: $%s\n", tx.Description, tx.Amount)
	}
	// Output:
	// The coupon credits $5.00.
	// Automatic wallet funding: $20.00
	// Coupon WELCOME5: $5.00
	// Opening balance: $1.00
}

// A plan that was bought can be changed, paused and resumed.
func ExampleSubscriptionsService() {
	client, _ := demo()
	ctx := context.Background()
	_, err := client.Billing.AttachPaymentMethod(ctx, modelslab.BillingAttachPaymentMethodParams{PaymentMethodID: "pm_card_visa"})
	if err != nil {
		log.Fatal(err)
	}
	const standard, premium = 20, 21 // from Subscriptions.Plans
	bought, err := client.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: standard, PaymentMethodID: "pm_card_visa"})
	if err != nil {
		log.Fatal(err)
	}
	id := bought.Subscription.ID

	if _, err = client.Subscriptions.ChangePlan(ctx, id, modelslab.SubscriptionChangePlanParams{NewPlanID: premium}); err != nil {
		log.Fatal(err)
	}
	if _, err = client.Subscriptions.Pause(ctx, id); err != nil {
		log.Fatal(err)
	}
	now, err := client.Subscriptions.Status(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("plan", now.PlanID, "is", now.Status)

	if _, err = client.Subscriptions.Resume(ctx, id); err != nil {
		log.Fatal(err)
	}
	all, err := client.Subscriptions.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range all {
		fmt.Println("plan", s.PlanID, "can be used:", s.Active())
	}
	// Output:
	// plan 21 is paused
	// plan 21 can be used: true
}

// One account invites another, which then acts for it in a session of its own.
func ExampleTeamsService() {
	owner, srv := demo()
	account := srv.Account(sandbox.AccountParams{Email: "grace@example.com"})
	guest, err := modelslab.New(account.ClientOptions()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	member, err := owner.Teams.Invite(ctx, modelslab.TeamInviteParams{Email: "grace@example.com", Role: "viewer"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(member.Email, "is", member.Status)

	id, _ := srv.InviteID("grace@example.com") // from the mail
	if err = guest.Teams.AcceptInvite(ctx, id); err != nil {
		log.Fatal(err)
	}
	profile, err := owner.Profile.Get(ctx)
	if err != nil {
		log.Fatal(err)
	}
	session, err := guest.Auth.SwitchAccount(ctx, modelslab.AuthSwitchAccountParams{AccountUsername: profile.Username})
	if err != nil {
		log.Fatal(err)
	}
	balance, err := guest.WithSession(session).Wallet.Balance(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the owner's wallet: $" + balance.Balance.String())
	// Output:
	// grace@example.com is pending
	// the owner's wallet: $1.00
}

// The paths of some groups are published nowhere. Call reaches them once they are known; a
// path that the server does not have is an error like any other.
func ExampleClient_Call_unpublished() {
	client, _ := demo()

	var upload struct {
		URL string `json:"url"`
	}
	err := client.Call(context.Background(), "POST", "/uploads", map[string]string{"name": "lake.png"}, &upload)
	if errors.Is(err, modelslab.ErrNotFound) {
		var refused *modelslab.APIError
		errors.As(err, &refused)
		fmt.Println(refused.StatusCode, refused.Message)
	}
	// Output:
	// 404 The route api/agents/v1/uploads could not be found.
}

// The token is new before its end comes, and kept before it is used.
func ExampleWithAutoRefresh() {
	srv := sandbox.New(sandbox.InMemory())
	account := srv.Account(sandbox.AccountParams{Email: "ada@example.com"})
	ctx := context.Background()
	var kept []byte // in real programs a file of mode 0600, or a secret store
	client, err := modelslab.New(append(srv.ClientOptions(), modelslab.WithAutoRefresh(modelslab.RefreshPolicy{
		Margin: 8 * 24 * time.Hour, // more than the week of the first token, so that it is due here
		Save: func(_ context.Context, s *modelslab.Session) (err error) {
			fmt.Println("a token for", s.TokenExpiry)
			kept, err = s.Save()
			return err
		},
	}))...)
	if err != nil {
		log.Fatal(err)
	}
	session, err := client.Auth.Login(ctx, modelslab.AuthLoginParams{
		Email: account.Email, Password: modelslab.NewSecret(account.Password), TokenExpiry: modelslab.TokenExpiryWeek,
	})
	if err != nil {
		log.Fatal(err)
	}
	client = client.WithSession(session)

	for range 2 { // the first call refreshes, the second one has no need to
		profile, err := client.Profile.Get(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("hello,", profile.Email)
	}

	session, err = modelslab.LoadSession(kept) // as the program does when it starts again
	if err != nil {
		log.Fatal(err)
	}
	profile, err := client.WithSession(session).Profile.Get(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("hello again,", profile.Email)
	// Output:
	// a token for 1_month
	// hello, ada@example.com
	// hello, ada@example.com
	// hello again, ada@example.com
}
