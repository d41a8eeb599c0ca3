package modelslab_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// cardOf is one of Stripe's test numbers as a card.
func cardOf(t *testing.T, number string) modelslab.Card {
	t.Helper()
	card, err := modelslab.NewCard(number, 11, time.Now().Year()+3, cardCVC)
	require.NoError(t, err)
	return card
}

// save takes a card through a setup intent and to the account.
func save(t *testing.T, client *modelslab.Client, number string) *modelslab.PaymentMethod {
	t.Helper()
	intent, err := client.Billing.CreateSetupIntent(t.Context())
	require.NoError(t, err)
	pm, err := client.Billing.ConfirmSetupIntent(t.Context(), intent, cardOf(t, number))
	require.NoError(t, err)
	return pm
}

// Save a card without a charge, make it the default one, pay with it, and take it away.
func TestStoryOfASavedCard(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, billing := t.Context(), w.client.Billing
		cards := func() []modelslab.PaymentMethod {
			list, err := billing.PaymentMethods(ctx)
			require.NoError(t, err)
			return list
		}
		assert.Empty(t, cards())
		intent, err := billing.CreateSetupIntent(ctx)
		require.NoError(t, err)
		same(t, w, "intent", intent)
		assert.True(t, strings.HasPrefix(intent.SetupIntentID, "seti_"))
		pm, err := billing.ConfirmSetupIntent(ctx, intent, cardOf(t, cardNumber))
		require.NoError(t, err)
		same(t, w, "confirmed", pm)
		assert.Equal(t, "4242", pm.Last4)
		assert.Empty(t, cards(), "Stripe has it, the account does not")
		_, err = billing.ConfirmSetupIntent(ctx, intent, cardOf(t, cardNumber))
		require.ErrorIs(t, err, modelslab.ErrValidation, "an intent is good for one card")
		silent(t, err, cardNumber, cardCVC, intent.ClientSecret.Reveal())

		attached, err := billing.AttachPaymentMethod(ctx, modelslab.BillingAttachPaymentMethodParams{PaymentMethodID: pm.ID})
		require.NoError(t, err)
		same(t, w, "attached", attached, lost(messagesOnly, "Brand", "Last4", "ExpMonth", "ExpYear", "IsDefault"))
		assert.Equal(t, pm.ID, attached.ID)
		second := save(t, w.client, "5555555555554444")
		_, err = billing.AttachPaymentMethod(ctx, modelslab.BillingAttachPaymentMethodParams{PaymentMethodID: second.ID, MakeDefault: modelslab.Ptr(false)})
		require.NoError(t, err)
		list := cards()
		same(t, w, "both cards", list)
		require.Len(t, list, 2)
		assert.Equal(t, modelslab.PaymentMethod{ID: pm.ID, Brand: "visa", Last4: "4242", ExpMonth: 11, ExpYear: time.Now().Year() + 3, IsDefault: true}, list[0])
		assert.False(t, list[1].IsDefault)

		require.NoError(t, billing.SetDefaultPaymentMethod(ctx, second.ID))
		list = cards()
		assert.Equal(t, []bool{false, true}, []bool{list[0].IsDefault, list[1].IsDefault})
		_, err = billing.AttachPaymentMethod(ctx, modelslab.BillingAttachPaymentMethodParams{PaymentMethodID: "pm_1NobodyHasThis"})
		refused(t, w, "a card that nobody has", modelslab.ErrValidation, err)
		refused(t, w, "the default is one's own", modelslab.ErrNotFound, billing.SetDefaultPaymentMethod(ctx, "pm_1NobodyHasThis"))

		assert.Empty(t, w.srv.Charges(), "to save a card costs nothing")
		funding, err := fund25(t, w.client, pm.ID)
		require.NoError(t, err)
		same(t, w, "funding", funding)
		w.paid(t, nil, 2500, "wallet.fund")
		assert.Equal(t, pm.ID, w.srv.Charges()[0].PaymentMethodID)
		assert.Equal(t, modelslab.Dollars(26), balance(t, w.client))
		before := w.srv.Charges()
		_, err = w.client.Subscriptions.ChargeAmount(ctx, modelslab.SubscriptionChargeAmountParams{Amount: modelslab.Dollars(5)})
		require.NoError(t, err)
		w.paid(t, before, 500, "subscriptions.charge_amount")
		assert.Equal(t, second.ID, w.srv.Charges()[1].PaymentMethodID, "by the default card")

		overview, err := billing.Overview(ctx)
		require.NoError(t, err)
		same(t, w, "overview", overview)
		assert.Equal(t, modelslab.Dollars(26), *overview.WalletBalance)
		assert.Equal(t, modelslab.Dollars(30), *overview.TotalCharges)
		assert.Equal(t, 2, overview.InvoiceCount)
		assert.Len(t, overview.PaymentMethods, 2)
		assert.Nil(t, overview.ActiveSubscription)

		require.NoError(t, billing.DeletePaymentMethod(ctx, second.ID))
		list = cards()
		require.Len(t, list, 1)
		assert.True(t, list[0].IsDefault, "the other one takes its place")
		before = w.srv.Charges()
		_, err = fund25(t, w.client, second.ID)
		refused(t, w, "a card taken away", modelslab.ErrValidation, err)
		refused(t, w, "taken away twice", modelslab.ErrNotFound, billing.DeletePaymentMethod(ctx, second.ID))
		w.paid(t, before, 0, "")
		require.NoError(t, billing.DeletePaymentMethod(ctx, pm.ID))
		assert.Empty(t, cards())

		for _, r := range w.srv.Requests() {
			if !r.Stripe {
				assert.NotContains(t, string(r.Body), cardNumber)
				assert.NotContains(t, string(r.Body), cardCVC)
			} else {
				assert.NotContains(t, r.Header.Get("Authorization"), w.account.AccessToken)
			}
		}
	})
}

// A card that cannot be saved says why, and nothing of itself.
func TestStoryOfCardsThatCannotBeSaved(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, billing := t.Context(), w.client.Billing
		intent, err := billing.CreateSetupIntent(ctx)
		require.NoError(t, err)
		mute := func(number string, err error) {
			silent(t, err, number, cardCVC, intent.ClientSecret.Reveal())
		}
		for number, code := range map[string]string{
			"4000000000000002": "generic_decline", "4000000000009995": "insufficient_funds", "4000000000009987": "lost_card",
			"4000000000000069": "expired_card", "4000000000000127": "incorrect_cvc", "4000000000000119": "processing_error",
		} {
			pm, err := billing.ConfirmSetupIntent(ctx, intent, cardOf(t, number))
			assert.Nil(t, pm)
			var declined *modelslab.PaymentDeclinedError
			require.ErrorAs(t, err, &declined, number)
			assert.Equal(t, code, declined.DeclineCode)
			assert.NotErrorIs(t, err, modelslab.ErrRequiresAction)
			mute(number, err)
		}
		for _, number := range []string{"4000002760003184", "4000000000003220", "4000002500003155"} {
			pm, err := billing.ConfirmSetupIntent(ctx, intent, cardOf(t, number))
			assert.Nil(t, pm)
			var action *modelslab.RequiresActionError
			require.ErrorAs(t, err, &action, number)
			assert.NotErrorIs(t, err, modelslab.ErrPaymentDeclined)
			mute(number, err)
		}
		// Another card is free to try, and one that pays later no more can be saved.
		pm, err := billing.ConfirmSetupIntent(ctx, intent, cardOf(t, "4000000000000341"))
		require.NoError(t, err)
		attach(t, w.client, pm.ID)
		_, err = fund25(t, w.client, pm.ID)
		refused(t, w, "declined when it is charged", modelslab.ErrPaymentDeclined, err, "4000000000000341")

		_, err = billing.ConfirmSetupIntent(ctx, &modelslab.SetupIntent{SetupIntentID: "seti_1NobodyHasThis", ClientSecret: modelslab.NewSecret("seti_1NobodyHasThis_secret_a")}, cardOf(t, cardNumber))
		require.ErrorIs(t, err, modelslab.ErrNotFound)
		mute(cardNumber, err)
		// The API itself refuses a card that its bank does.
		_, err = billing.AttachPaymentMethod(ctx, modelslab.BillingAttachPaymentMethodParams{PaymentMethodID: "pm_card_chargeDeclined"})
		refused(t, w, "declined at the API", modelslab.ErrPaymentDeclined, err)
		assert.Empty(t, w.srv.Charges())
	})
}

func TestStoryOfBillingDetails(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, billing := t.Context(), w.client.Billing
		info, err := billing.Info(ctx)
		require.NoError(t, err)
		same(t, w, "at first", info)
		assert.Equal(t, w.account.Email, info.Email)
		all := []string{"Name", "Email", "TaxID", "TaxIDType", "AddressLine1", "AddressLine2", "AddressCity", "AddressState", "AddressPostalCode", "AddressCountry"}
		changed, err := billing.UpdateInfo(ctx, modelslab.BillingUpdateInfoParams{
			Name: modelslab.Ptr("Ada"), Email: modelslab.Ptr("billing@example.com"), TaxID: modelslab.Ptr("DE123456789"), TaxIDType: modelslab.Ptr("eu_vat"),
			AddressLine1: modelslab.Ptr("1 Main Street"), AddressLine2: modelslab.Ptr("Back door"), AddressCity: modelslab.Ptr("Springfield"),
			AddressState: modelslab.Ptr("OR"), AddressPostalCode: modelslab.Ptr("97477"), AddressCountry: modelslab.Ptr("US"),
		})
		require.NoError(t, err)
		same(t, w, "changed", changed, lost(messagesOnly, all...))
		_, err = billing.UpdateInfo(ctx, modelslab.BillingUpdateInfoParams{AddressLine2: modelslab.Ptr(""), AddressCity: modelslab.Ptr("Eugene")})
		require.NoError(t, err)
		info, err = billing.Info(ctx)
		require.NoError(t, err)
		same(t, w, "in the end", info)
		assert.Equal(t, &modelslab.BillingInfo{
			Name: "Ada", Email: "billing@example.com", TaxID: "DE123456789", TaxIDType: "eu_vat", AddressLine1: "1 Main Street",
			AddressCity: "Eugene", AddressState: "OR", AddressPostalCode: "97477", AddressCountry: "US",
		}, info)
		me, err := w.client.Profile.Get(ctx)
		require.NoError(t, err)
		assert.Equal(t, w.account.Email, me.Email, "bills go elsewhere, the account stays")
	})
}

// Every charge leaves an invoice with links that lead to it.
func TestStoryOfInvoices(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, billing := t.Context(), w.client.Billing
		none, err := billing.Invoices(ctx)
		require.NoError(t, err)
		assert.Empty(t, none)
		_, err = fund25(t, w.client, "pm_card_visa")
		require.NoError(t, err)
		elapse(time.Hour)
		_, err = w.client.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"})
		require.NoError(t, err)
		_, err = fund25(t, w.client, "pm_card_chargeDeclined")
		require.ErrorIs(t, err, modelslab.ErrPaymentDeclined)

		list, err := billing.Invoices(ctx)
		require.NoError(t, err)
		same(t, w, "invoices", list)
		require.Len(t, list, 2, "none for a decline")
		assert.Equal(t, modelslab.Dollars(47), *list[0].Amount)
		assert.Equal(t, modelslab.Dollars(25), *list[1].Amount)
		assert.Equal(t, "paid", list[1].Status)
		assert.Equal(t, time.Hour, list[0].CreatedAt.Sub(list[1].CreatedAt.Time))
		one, err := billing.Invoice(ctx, list[1].ID)
		require.NoError(t, err)
		assert.Equal(t, list[1], *one)

		links, err := billing.InvoiceLinks(ctx, list[1].ID)
		require.NoError(t, err)
		page := w.srv.URL() + "/invoices/" + list[1].ID
		want := modelslab.InvoiceLinks{PDFURL: page + ".pdf", ReceiptURL: page}
		switch { // the same links under other names
		case commandLine.has(w):
			want = modelslab.InvoiceLinks{URL: page + ".pdf", ReceiptURL: page}
		case otherNames.has(w):
			want = modelslab.InvoiceLinks{InvoicePDF: page + ".pdf", HostedInvoiceURL: page}
		}
		assert.Equal(t, want, *links)
		for link, mime := range map[string]string{page: "text/html; charset=utf-8", page + ".pdf": "application/pdf"} {
			resp, err := (&http.Client{Transport: w.srv.Transport()}).Get(link)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, mime, resp.Header.Get("Content-Type"))
			assert.Contains(t, string(body), list[1].Number)
		}

		other := w.as(t, w.srv.Account(sandbox.AccountParams{Email: "agent@example.com"}))
		_, err = other.Billing.Invoice(ctx, list[1].ID)
		refused(t, w, "somebody else's", modelslab.ErrNotFound, err)
		_, err = other.Billing.InvoiceLinks(ctx, list[1].ID)
		refused(t, w, "somebody else's links", modelslab.ErrNotFound, err)
	})
}

func TestStoryOfTheLedger(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, wallet := t.Context(), w.client.Wallet
		held, err := wallet.Balance(ctx)
		require.NoError(t, err)
		same(t, w, "balance", held)
		assert.Equal(t, modelslab.Dollars(1), held.Balance)
		funding, err := fund25(t, w.client, "pm_card_visa")
		require.NoError(t, err)
		elapse(time.Minute)
		_, err = w.client.Generation.Images.TextToImage(ctx, lighthouse())
		require.NoError(t, err)

		status, err := wallet.PaymentStatus(ctx, funding.PaymentIntentID)
		require.NoError(t, err)
		same(t, w, "status", status)
		assert.True(t, status.Succeeded())
		assert.Equal(t, modelslab.Dollars(25), *status.Amount)
		_, err = wallet.PaymentStatus(ctx, "pi_3NobodyHasThis")
		refused(t, w, "a payment that nobody made", modelslab.ErrNotFound, err)

		less := []exception{lost(withoutTotal, "Total"), lost(withoutWallet, "Wallet")}
		page, err := wallet.Transactions(ctx, modelslab.TransactionsParams{})
		require.NoError(t, err)
		same(t, w, "all", *page, less...)
		require.Len(t, page.Items, 3)
		assert.Equal(t, 3, page.Count)
		assert.Equal(t, []string{"debit", "credit", "credit"}, []string{page.Items[0].Type, page.Items[1].Type, page.Items[2].Type})
		assert.Equal(t, funding.PaymentIntentID, page.Items[1].TransactionID)
		assert.Equal(t, modelslab.Cents(2), page.Items[0].Amount)
		page, err = wallet.Transactions(ctx, modelslab.TransactionsParams{Type: modelslab.TransactionCredit, Limit: 1, Offset: 1})
		require.NoError(t, err)
		same(t, w, "one of two", *page, less...)
		require.Len(t, page.Items, 1)
		assert.Equal(t, modelslab.Dollars(1), page.Items[0].Amount)
		_, err = wallet.Transactions(ctx, modelslab.TransactionsParams{Type: "loan"})
		refused(t, w, "a kind that nobody knows", modelslab.ErrValidation, err)
	})
}

// A link for a human, and the page that they pay on.
func TestStoryOfAPaymentLink(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		link := link25(t, w.client)
		same(t, w, "link", link)
		_, err := w.client.Wallet.ConfirmCheckout(t.Context(), link.SessionID)
		require.ErrorIs(t, err, modelslab.ErrCheckoutPending)
		time.AfterFunc(65*time.Second, func() { assert.NoError(t, w.srv.CompleteCheckout(link.SessionID)) })
		funding, err := w.client.Wallet.AwaitCheckout(withinADay(t), link, modelslab.AwaitParams{})
		require.NoError(t, err)
		same(t, w, "funding", funding)
		w.paid(t, nil, 2500, "checkout")
		assert.Equal(t, modelslab.Dollars(26), balance(t, w.client))

		checkout, err := w.client.Wallet.FundCheckout(t.Context(), modelslab.WalletFundCheckoutParams{Amount: modelslab.Dollars(30)})
		require.NoError(t, err)
		same(t, w, "checkout", checkout)
		require.NoError(t, w.srv.CompleteCheckout(checkout.SessionID))
		funding, err = w.client.Wallet.ConfirmCheckout(t.Context(), checkout.SessionID)
		require.NoError(t, err)
		same(t, w, "confirmed", funding)
		assert.Equal(t, modelslab.Dollars(56), balance(t, w.client))
	})
}

func storyOfCoupons(t *testing.T, w *world) {
	ctx, wallet := t.Context(), w.client.Wallet
	validate := func(code string, purchase modelslab.Amount) (*modelslab.Coupon, error) {
		return wallet.ValidateCoupon(ctx, modelslab.WalletValidateCouponParams{CouponCode: code, PurchaseAmount: purchase})
	}
	redeem := func(p modelslab.WalletRedeemCouponParams) (*modelslab.CouponRedemption, error) {
		return wallet.RedeemCoupon(ctx, p)
	}
	coupon, err := validate("WELCOME5", modelslab.Amount{})
	require.NoError(t, err)
	same(t, w, "welcome", coupon)
	assert.True(t, coupon.Valid)
	assert.Equal(t, "WELCOME5", coupon.CouponCode)
	assert.Equal(t, modelslab.Dollars(5), *coupon.Amount)
	assert.Equal(t, modelslab.Dollars(1), balance(t, w.client), "to ask changes nothing")

	redeemed, err := redeem(modelslab.WalletRedeemCouponParams{CouponCode: "WELCOME5"})
	require.NoError(t, err)
	same(t, w, "welcome redeemed", redeemed, lost(messagesOnly, "Status", "Amount", "Balance"))
	assert.Equal(t, modelslab.Dollars(6), balance(t, w.client), "it has been credited")
	assert.Empty(t, w.srv.Charges())
	_, err = redeem(modelslab.WalletRedeemCouponParams{CouponCode: "WELCOME5"})
	refused(t, w, "once", modelslab.ErrValidation, err)
	_, err = validate("WELCOME5", modelslab.Amount{})
	refused(t, w, "no good any more", modelslab.ErrValidation, err)
	for _, code := range []string{"EXPIRED", "NOSUCHCODE"} {
		_, err = validate(code, modelslab.Amount{})
		refused(t, w, code+" asked for", modelslab.ErrValidation, err)
		_, err = redeem(modelslab.WalletRedeemCouponParams{CouponCode: code})
		refused(t, w, code+" redeemed", modelslab.ErrValidation, err)
	}

	coupon, err = validate("BONUS10", modelslab.Dollars(25))
	require.NoError(t, err)
	same(t, w, "bonus", coupon)
	_, err = validate("BONUS10", modelslab.Dollars(20))
	refused(t, w, "too small a purchase", modelslab.ErrValidation, err)
	_, err = redeem(modelslab.WalletRedeemCouponParams{CouponCode: "BONUS10"})
	refused(t, w, "no purchase at all", modelslab.ErrValidation, err)
	_, err = redeem(modelslab.WalletRedeemCouponParams{CouponCode: "BONUS10", PaymentMethodID: "pm_card_chargeDeclined", PurchaseAmount: modelslab.Dollars(25)})
	refused(t, w, "a purchase that is not paid", modelslab.ErrPaymentDeclined, err)
	assert.Equal(t, modelslab.Dollars(6), balance(t, w.client), "nothing for a decline")
	assert.Empty(t, w.srv.Charges())

	redeemed, err = redeem(modelslab.WalletRedeemCouponParams{CouponCode: "BONUS10", PaymentMethodID: "pm_card_visa", PurchaseAmount: modelslab.Dollars(25)})
	if messagesOnly.has(w) { // a card was to be charged, and no word tells what became of it
		require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
		redeemed = &modelslab.CouponRedemption{}
	} else {
		require.NoError(t, err)
		assert.Equal(t, w.srv.Charges()[0].PaymentIntentID, redeemed.PaymentIntentID)
		assert.Equal(t, modelslab.Dollars(10), *redeemed.Amount, "what the coupon gave")
		assert.Equal(t, modelslab.Dollars(41), *redeemed.Balance)
	}
	same(t, w, "bonus redeemed", redeemed, lost(messagesOnly, "Status", "PaymentIntentID", "Message", "Amount", "Balance"))
	w.paid(t, nil, 2500, "wallet.redeem_coupon")
	assert.Equal(t, modelslab.Dollars(41), balance(t, w.client), "purchase and bonus")
}

func TestStoryOfCoupons(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		storyOfCoupons(t, w)
		assert.Empty(t, asked(w.srv, "wallet.validate_coupon_by_post"))
	})
}

// A server that knows the newer verb alone is asked so, and nobody notices.
func TestStoryOfCouponsByPost(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		storyOfCoupons(t, w)
		byPost := asked(w.srv, "wallet.validate_coupon_by_post")
		assert.Len(t, byPost, 6, "one for each question")
		for _, r := range byPost {
			assert.Empty(t, r.Query)
			assert.Contains(t, string(r.Body), "coupon_code")
		}
	}, sandbox.WithCouponValidationByPost())
}

// A bonus whose purchase waits for the card's holder is credited when they have acted.
func TestStoryOfABonusThatWaits(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		p := modelslab.WalletRedeemCouponParams{CouponCode: "BONUS10", PaymentMethodID: "pm_card_authenticationRequired", PurchaseAmount: modelslab.Dollars(25)}
		intent := holderWanted(t, second(w.client.Wallet.RedeemCoupon(t.Context(), p)))
		assert.Equal(t, modelslab.Dollars(1), balance(t, w.client))
		require.NoError(t, w.srv.CompleteAction(intent))
		assert.Equal(t, modelslab.Dollars(36), balance(t, w.client))
		w.paid(t, nil, 2500, "wallet.redeem_coupon")
	})
}

// The default card is charged whenever the balance falls below the threshold.
func TestStoryOfAutoFunding(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, wallet := t.Context(), w.client.Wallet
		order := modelslab.WalletSetAutoFundingParams{AutoChargeAmount: modelslab.Dollars(5), ChargeThreshold: modelslab.Dollars(1)}
		generate := func() {
			_, err := w.client.Generation.Images.TextToImage(ctx, lighthouse())
			require.NoError(t, err)
		}
		_, err := wallet.SetAutoFunding(ctx, order)
		refused(t, w, "no card to charge", modelslab.ErrValidation, err)
		attach(t, w.client, "pm_card_visa")
		on, err := wallet.SetAutoFunding(ctx, order)
		require.NoError(t, err)
		same(t, w, "on", on)
		assert.True(t, on.Enabled)
		assert.Equal(t, order.AutoChargeAmount, on.AutoChargeAmount)
		w.paid(t, nil, 0, "") // $1 is not below $1

		generate() // 50 cents
		w.paid(t, nil, 500, "wallet.auto_funding")
		assert.Equal(t, modelslab.Cents(550), balance(t, w.client))
		for range 9 {
			generate()
		}
		w.paid(t, nil, 500, "wallet.auto_funding")
		assert.Equal(t, modelslab.Dollars(1), balance(t, w.client))
		require.NoError(t, wallet.DisableAutoFunding(ctx))
		generate()
		w.paid(t, nil, 500, "wallet.auto_funding")
		assert.Equal(t, modelslab.Cents(50), balance(t, w.client), "off is off")

		// Where the balance is low already, the order charges at once, and once.
		before := w.srv.Charges()
		again, err := wallet.SetAutoFunding(ctx, order)
		require.NoError(t, err)
		same(t, w, "on again", again)
		w.paid(t, before, 500, "wallet.auto_funding")
		before = w.srv.Charges()
		_, err = wallet.SetAutoFunding(ctx, order)
		require.NoError(t, err)
		w.paid(t, before, 0, "")

		// A card that fails ends it.
		require.NoError(t, wallet.DisableAutoFunding(ctx))
		attach(t, w.client, "pm_card_chargeCustomerFail")
		_, err = wallet.SetAutoFunding(ctx, modelslab.WalletSetAutoFundingParams{AutoChargeAmount: modelslab.Dollars(5), ChargeThreshold: modelslab.Dollars(100)})
		refused(t, w, "a card that fails", modelslab.ErrPaymentDeclined, err)
		generate()
		w.paid(t, before, 0, "")
		assert.Equal(t, modelslab.Dollars(5), balance(t, w.client))
	}, sandbox.WithImagePrice(50), sandbox.WithGenerationTime(0))
}

func TestStoryOfAWithdrawal(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, wallet := t.Context(), w.client.Wallet
		withdraw := func(a modelslab.Amount) (*modelslab.Withdrawal, error) {
			return wallet.Withdraw(ctx, modelslab.WalletWithdrawParams{Amount: a})
		}
		_, err := fund25(t, w.client, "pm_card_visa")
		require.NoError(t, err)
		_, err = withdraw(modelslab.Dollars(10))
		refused(t, w, "no reseller", modelslab.ErrPermissionDenied, err)
		assert.Equal(t, modelslab.Dollars(26), balance(t, w.client))

		require.NoError(t, w.srv.MakeReseller(w.account.Email))
		out, err := withdraw(modelslab.Dollars(10))
		require.NoError(t, err)
		same(t, w, "out", out, lost(messagesOnly, "Status", "Balance"))
		assert.Equal(t, modelslab.Dollars(10), out.Amount)
		assert.Equal(t, modelslab.Dollars(16), balance(t, w.client))
		_, err = withdraw(modelslab.Cents(1601))
		refused(t, w, "more than there is", modelslab.ErrValidation, err)
		_, err = withdraw(modelslab.Dollars(16))
		require.NoError(t, err)
		assert.True(t, balance(t, w.client).IsZero())
		w.paid(t, nil, 2500, "wallet.fund") // no card pays for a withdrawal
	})
}

// purchase is a call that spends, what has to be there before it, and what it costs.
type purchase struct {
	name, endpoint string
	cents          int64 // taken from a card
	wallet         int64 // what it adds to the wallet, in cents
	prepare        func(t *testing.T, srv *sandbox.Server, client *modelslab.Client, email string)
	buy            func(context.Context, *modelslab.Client) error
}

// purchases are all calls that move money, or order it to be moved.
func purchases() []purchase {
	const sub = 45 // the id of the sandbox's first subscription
	subscribed := func(t *testing.T, _ *sandbox.Server, c *modelslab.Client, _ string) {
		attach(t, c, "pm_card_visa")
		_, err := c.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"})
		if err != nil { // some servers never answer
			require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown)
		}
		_, err = c.Subscriptions.Status(t.Context(), sub)
		require.NoError(t, err)
	}
	pastDue := func(t *testing.T, srv *sandbox.Server, c *modelslab.Client, email string) {
		subscribed(t, srv, c, email)
		require.NoError(t, srv.MarkPastDue(sub))
	}
	lapsed := func(t *testing.T, srv *sandbox.Server, c *modelslab.Client, email string) {
		subscribed(t, srv, c, email)
		_, err := c.Subscriptions.Pause(t.Context(), sub)
		require.NoError(t, err)
		elapse(40 * 24 * time.Hour)
	}
	carded := func(t *testing.T, _ *sandbox.Server, c *modelslab.Client, _ string) { attach(t, c, "pm_card_visa") }
	reseller := func(t *testing.T, srv *sandbox.Server, _ *modelslab.Client, email string) {
		srv.Account(sandbox.AccountParams{Email: email, BalanceCents: 100_00})
		require.NoError(t, srv.MakeReseller(email))
	}
	return []purchase{
		{"fund", "wallet.fund", 2500, 2500, nil, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Wallet.Fund(ctx, modelslab.WalletFundParams{Amount: modelslab.Dollars(25), PaymentMethodID: "pm_card_visa"}))
		}},
		{"auto-funding", "wallet.set_auto_funding", 2000, 2000, carded, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Wallet.SetAutoFunding(ctx, modelslab.WalletSetAutoFundingParams{AutoChargeAmount: modelslab.Dollars(20), ChargeThreshold: modelslab.Dollars(2)}))
		}},
		{"coupon", "wallet.redeem_coupon", 0, 500, nil, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Wallet.RedeemCoupon(ctx, modelslab.WalletRedeemCouponParams{CouponCode: "WELCOME5"}))
		}},
		{"bonus", "wallet.redeem_coupon", 2500, 3500, nil, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Wallet.RedeemCoupon(ctx, modelslab.WalletRedeemCouponParams{CouponCode: "BONUS10", PaymentMethodID: "pm_card_visa", PurchaseAmount: modelslab.Dollars(25)}))
		}},
		{"withdraw", "wallet.withdraw", 0, -3000, reseller, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Wallet.Withdraw(ctx, modelslab.WalletWithdrawParams{Amount: modelslab.Dollars(30)}))
		}},
		{"subscribe", "subscriptions.create", 4700, 0, nil, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.Create(ctx, modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"}))
		}},
		{"change plan", "subscriptions.change_plan", 10000, 0, subscribed, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.ChangePlan(ctx, sub, modelslab.SubscriptionChangePlanParams{NewPlanID: 21}))
		}},
		{"resume", "subscriptions.resume", 4700, 0, lapsed, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.Resume(ctx, sub))
		}},
		{"reset cycle", "subscriptions.reset_cycle", 4700, 0, subscribed, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.ResetCycle(ctx, sub))
		}},
		{"fix payment", "subscriptions.fix_payment", 4700, 0, pastDue, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.FixPayment(ctx, sub, modelslab.SubscriptionFixPaymentParams{PlanCategory: "normal"}))
		}},
		{"charge amount", "subscriptions.charge_amount", 700, 0, subscribed, func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.ChargeAmount(ctx, modelslab.SubscriptionChargeAmountParams{Amount: modelslab.Dollars(7)}))
		}},
	}
}

// Nothing that spends is missing above but for links, which a human pays.
func TestPurchasesAreAllThatSpend(t *testing.T) {
	tried := []string{"billing.payment_link"}
	for _, p := range purchases() {
		tried = append(tried, p.endpoint)
	}
	for _, e := range modelslab.Endpoints() {
		if e.Spends && e.Bearer { // generations pay from the wallet, and have stories of their own
			assert.Contains(t, tried, e.Name)
		}
	}
}

// happens makes a purchase of which something goes wrong on the way, and holds the
// end against the law: never failed with a charge, never a success without one, and
// never two.
func (p purchase) happens(t *testing.T, faults []sandbox.Fault, opts ...sandbox.Option) (sent []sandbox.Request, moved bool, err error) {
	t.Helper()
	srv := sandbox.New(append([]sandbox.Option{sandbox.InMemory(), sandbox.WithoutRateLimits()}, opts...)...)
	defer srv.Close()
	const email = "ada@example.com"
	client, err := modelslab.New(srv.Account(sandbox.AccountParams{Email: email, BalanceCents: 100}).ClientOptions()...)
	require.NoError(t, err)
	if p.prepare != nil {
		p.prepare(t, srv, client, email)
	}
	charges, held, tried := len(srv.Charges()), balance(t, client), len(asked(srv, p.endpoint))
	for _, f := range faults {
		f.Endpoint = p.endpoint
		srv.Inject(f)
	}
	err = p.buy(t.Context(), client)
	srv.ClearFaults()

	var taken int64
	for _, c := range srv.Charges()[charges:] {
		taken += c.Cents
	}
	gained, problem := balance(t, client).Sub(held)
	require.NoError(t, problem)
	if moved = taken != 0 || !gained.IsZero(); moved {
		assert.Equal(t, p.cents, taken, "once: %v", err)
		assert.Equal(t, modelslab.Cents(p.wallet), gained, "once: %v", err)
	}
	if err == nil {
		assert.True(t, moved, "a success, and no money")
	}
	sent = asked(srv, p.endpoint)[tried:]
	require.NotEmpty(t, sent)
	for _, r := range sent {
		assert.NotEmpty(t, r.IdempotencyKey)
		assert.Equal(t, sent[0].IdempotencyKey, r.IdempotencyKey, "one call, one key")
		assert.Equal(t, sent[0].Body, r.Body)
	}
	if err == nil {
		return sent, moved, nil
	}
	var unknown *modelslab.OutcomeUnknownError
	require.ErrorAs(t, err, &unknown, "never failed with a charge")
	assert.Equal(t, p.endpoint, unknown.Endpoint)
	assert.Equal(t, sent[0].IdempotencyKey, unknown.IdempotencyKey)
	for _, kind := range allKinds {
		if kind != modelslab.ErrOutcomeUnknown {
			assert.NotErrorIs(t, err, kind)
		}
	}
	return sent, moved, err
}

// inBubbles runs a test for each purchase, each in fake time of its own.
func inBubbles(t *testing.T, prefix string, test func(t *testing.T, p purchase)) {
	t.Helper()
	for _, p := range purchases() {
		t.Run(prefix+p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, p) })
		})
	}
}

// The law for each of them, whatever the server makes of a key and wherever it breaks.
func TestStoryOfPurchasesWhoseAnswerIsLost(t *testing.T) {
	for _, mode := range sandbox.Modes() {
		t.Run(mode.Name, func(t *testing.T) {
			t.Parallel()
			for name, fault := range map[string]sandbox.Fault{
				"connection dropped": {Kind: sandbox.FaultDropAfter},
				"body cut short":     {Kind: sandbox.FaultCutBody},
				"proxy error":        {Kind: sandbox.Fault502, AfterWork: true},
				"server error":       {Kind: sandbox.Fault500, AfterWork: true},
				"200 without a body": {Kind: sandbox.FaultEmpty, AfterWork: true},
			} {
				inBubbles(t, name+"/", func(t *testing.T, p purchase) {
					sent, moved, err := p.happens(t, []sandbox.Fault{fault}, mode.Options...)
					assert.True(t, moved, "the work was done")
					repeated := len(sent) > 1
					if fault.Kind != sandbox.FaultEmpty && fault.Kind != sandbox.Fault500 {
						assert.True(t, repeated, "it is asked for again")
					}
					// A server that ignores the key does the work once more, or cannot.
					ignored := mode.Idempotency.IgnoreOnPutAndDelete && sent[0].Method == http.MethodPut
					kept := mode.Idempotency.Cache5xx && fault.Kind == sandbox.Fault500
					if repeated && mode.Settles && !ignored && !kept {
						require.NoError(t, err, "the repeat settles it")
					}
					if !mode.Settles {
						require.Error(t, err)
					}
				})
			}
		})
	}
}

// The same in every shape: a repeat reads as the first answer would have.
func TestStoryOfPurchasesWhoseAnswerIsLostInEveryShape(t *testing.T) {
	for _, shape := range append(sandbox.Shapes(), sandbox.Shape{Name: "as documented"}) {
		t.Run(shape.Name, func(t *testing.T) {
			t.Parallel()
			inBubbles(t, "", func(t *testing.T, p purchase) {
				sent, moved, err := p.happens(t, []sandbox.Fault{{Kind: sandbox.FaultDropAfter}}, shape.Options...)
				assert.True(t, moved)
				assert.Len(t, sent, 2)
				if p.name == "bonus" && slices.Contains(messagesOnly, shape.Name) {
					require.Error(t, err, "no word for what became of the card")
					return
				}
				require.NoError(t, err)
			})
		})
	}
}

func TestStoryOfPurchasesThatNeverArrive(t *testing.T) {
	for _, mode := range sandbox.Modes() {
		t.Run(mode.Name, func(t *testing.T) {
			t.Parallel()
			inBubbles(t, "twice/", func(t *testing.T, p purchase) {
				sent, moved, err := p.happens(t, []sandbox.Fault{{Kind: sandbox.FaultDropBefore, Times: 2}}, mode.Options...)
				assert.True(t, moved)
				assert.GreaterOrEqual(t, len(sent), 3)
				if mode.Settles {
					require.NoError(t, err)
				}
			})
			inBubbles(t, "ever/", func(t *testing.T, p purchase) {
				_, moved, err := p.happens(t, []sandbox.Fault{{Kind: sandbox.FaultDropBefore, Times: -1}}, mode.Options...)
				require.Error(t, err)
				assert.False(t, moved)
			})
		})
	}
}

// A refusal of the repeat settles the repeat, and not the first sending.
func TestStoryOfPurchasesWhoseRepeatIsRefused(t *testing.T) {
	for _, status := range []int{401, 403, 404, 409, 422} {
		refusal := sandbox.Fault{
			Kind: sandbox.FaultAnswer, Times: -1, Status: status,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"message":"Not now."}`),
		}
		for name, first := range map[string]sandbox.FaultKind{"done": sandbox.FaultDropAfter, "not done": sandbox.FaultDropBefore} {
			inBubbles(t, strconv.Itoa(status)+"/"+name+"/", func(t *testing.T, p purchase) {
				_, moved, err := p.happens(t, []sandbox.Fault{{Kind: first}, refusal})
				require.Error(t, err)
				assert.Equal(t, name == "done", moved)
			})
		}
	}
}

// Changes that cost nothing carry a key too: done once, and told, or not known.
func TestStoryOfChangesWhoseAnswerIsLost(t *testing.T) {
	const sub, other = 45, "pm_card_mastercard"
	defaultCard := func(t *testing.T, c *modelslab.Client) string {
		list, err := c.Billing.PaymentMethods(t.Context())
		require.NoError(t, err)
		for _, pm := range list {
			if pm.IsDefault {
				return pm.ID
			}
		}
		return ""
	}
	changes := []struct {
		endpoint string
		change   func(context.Context, *modelslab.Client) error
		done     func(*testing.T, *modelslab.Client) bool
	}{
		{"billing.attach_payment_method", func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Billing.AttachPaymentMethod(ctx, modelslab.BillingAttachPaymentMethodParams{PaymentMethodID: "pm_card_amex"}))
		}, func(t *testing.T, c *modelslab.Client) bool { return defaultCard(t, c) == "pm_card_amex" }},
		{"billing.set_default_payment_method", func(ctx context.Context, c *modelslab.Client) error {
			return c.Billing.SetDefaultPaymentMethod(ctx, other)
		}, func(t *testing.T, c *modelslab.Client) bool { return defaultCard(t, c) == other }},
		{"billing.delete_payment_method", func(ctx context.Context, c *modelslab.Client) error {
			return c.Billing.DeletePaymentMethod(ctx, other)
		}, func(t *testing.T, c *modelslab.Client) bool {
			list, err := c.Billing.PaymentMethods(t.Context())
			require.NoError(t, err)
			return len(list) == 1
		}},
		{"billing.update_info", func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Billing.UpdateInfo(ctx, modelslab.BillingUpdateInfoParams{Name: modelslab.Ptr("Ada")}))
		}, func(t *testing.T, c *modelslab.Client) bool {
			info, err := c.Billing.Info(t.Context())
			require.NoError(t, err)
			return info.Name == "Ada"
		}},
		{"billing.setup_intent", func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Billing.CreateSetupIntent(ctx))
		}, func(*testing.T, *modelslab.Client) bool { return true }},
		{"wallet.disable_auto_funding", func(ctx context.Context, c *modelslab.Client) error {
			return c.Wallet.DisableAutoFunding(ctx)
		}, func(*testing.T, *modelslab.Client) bool { return true }},
		{"subscriptions.pause", func(ctx context.Context, c *modelslab.Client) error {
			return second(c.Subscriptions.Pause(ctx, sub))
		}, func(t *testing.T, c *modelslab.Client) bool {
			status, err := c.Subscriptions.Status(t.Context(), sub)
			require.NoError(t, err)
			return status.Status == "paused"
		}},
	}
	for _, mode := range sandbox.Modes() {
		t.Run(mode.Name, func(t *testing.T) {
			t.Parallel()
			for _, c := range changes {
				inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
					attach(t, client, other)
					attach(t, client, "pm_card_visa")
					if _, err := client.Subscriptions.Create(t.Context(), modelslab.SubscriptionCreateParams{PlanID: 20, PaymentMethodID: "pm_card_visa"}); err != nil {
						require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown) // some servers never answer
					}
					spent, tried := cents(srv), len(asked(srv, c.endpoint))
					srv.Inject(sandbox.Fault{Endpoint: c.endpoint, Kind: sandbox.FaultDropAfter})
					err := c.change(t.Context(), client)
					sent := asked(srv, c.endpoint)[tried:]
					require.Len(t, sent, 2, c.endpoint)
					assert.Equal(t, sent[0].IdempotencyKey, sent[1].IdempotencyKey)
					assert.NotEmpty(t, sent[0].IdempotencyKey)
					assert.True(t, c.done(t, client), c.endpoint)
					assert.Equal(t, spent, cents(srv), c.endpoint)
					if err != nil {
						require.ErrorIs(t, err, modelslab.ErrOutcomeUnknown, "never failed when it was done: %s", c.endpoint)
					}
					ignored := mode.Idempotency.IgnoreOnPutAndDelete && sent[0].Method == http.MethodDelete
					if mode.Settles && !ignored {
						require.NoError(t, err, c.endpoint)
					}
				})
			}
		})
	}
}
