package modelslab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Bad input: what cannot be right is refused before any request, by a ParamError
// that names the argument. What nobody documents is not guessed at: it is sent.

// badCall is a call that must be refused.
type badCall struct {
	name  string
	param string
	call  typedCall
}

// badCalls are calls with one argument that none of them can take.
func badCalls[T any](name, param string, values []T, call func(v T) typedCall) []badCall {
	all := make([]badCall, 0, len(values))
	for _, v := range values {
		all = append(all, badCall{fmt.Sprintf("%s %v", name, v), param, call(v)})
	}
	return all
}

var (
	noIDs      = []ID{0, -1, -1 << 63}
	noElements = []string{"", ".", "..", "a\\b", "a\nb", "a\x00b"}
	slashed    = []string{"a/b", "/", "/a", "a/", "../a", "a/.."}
	// Numbers of cards, as people type and paste them.
	typedCards = []string{"4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", "378282246310005"}
	noAmounts  = []string{"0", "-0.01", "-25", "25.001", "0.001"}
)

func badAmounts(t testing.TB, texts ...string) []Amount {
	t.Helper()
	amounts := make([]Amount, len(texts))
	for i, s := range texts {
		amounts[i] = *dollarsOf(t, s)
	}
	return amounts
}

// byStringID are the calls that take an id of text, with the name of the argument.
var byStringID = []struct {
	name, param string
	slashes     bool // are part of an id here, and escaped
	call        func(id string) typedCall
}{
	{"Models.Get", "modelID", true, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Models.Get(ctx, id, opts...))
		}
	}},
	{"Billing.Invoice", "id", false, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Billing.Invoice(ctx, id, opts...))
		}
	}},
	{"Billing.InvoiceLinks", "id", false, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Billing.InvoiceLinks(ctx, id, opts...))
		}
	}},
	{"Billing.SetDefaultPaymentMethod", "id", false, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return nil, c.Billing.SetDefaultPaymentMethod(ctx, id, opts...)
		}
	}},
	{"Billing.DeletePaymentMethod", "id", false, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return nil, c.Billing.DeletePaymentMethod(ctx, id, opts...)
		}
	}},
	{"Billing.AttachPaymentMethod", "BillingAttachPaymentMethodParams.PaymentMethodID", false, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Billing.AttachPaymentMethod(ctx, BillingAttachPaymentMethodParams{PaymentMethodID: id}, opts...))
		}
	}},
	{"Billing.ConfirmSetupIntent", "intent.SetupIntentID", false, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Billing.ConfirmSetupIntent(ctx, &SetupIntent{SetupIntentID: id, ClientSecret: NewSecret("seti_1_secret_2")}, badInputCard(), opts...))
		}
	}},
	{"Wallet.Fund", "WalletFundParams.PaymentMethodID", false, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Wallet.Fund(ctx, WalletFundParams{Amount: Dollars(25), PaymentMethodID: id}, opts...))
		}
	}},
	{"Wallet.ConfirmCheckout", "sessionID", false, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Wallet.ConfirmCheckout(ctx, id, opts...))
		}
	}},
	{"Wallet.PaymentStatus", "paymentIntentID", false, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Wallet.PaymentStatus(ctx, id, opts...))
		}
	}},
	{"Wallet.RedeemCoupon", "WalletRedeemCouponParams.PaymentMethodID", false, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Wallet.RedeemCoupon(ctx, WalletRedeemCouponParams{CouponCode: "SPRING25", PaymentMethodID: id, PurchaseAmount: Dollars(25)}, opts...))
		}
	}},
	{"Subscriptions.Create", "SubscriptionCreateParams.PaymentMethodID", false, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Subscriptions.Create(ctx, SubscriptionCreateParams{PlanID: 10, PaymentMethodID: id}, opts...))
		}
	}},
	{"Subscriptions.ConfirmCheckout", "sessionID", false, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Subscriptions.ConfirmCheckout(ctx, id, opts...))
		}
	}},
	{"Teams.AcceptInvite", "inviteID", false, func(id string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return nil, c.Teams.AcceptInvite(ctx, id, opts...)
		}
	}},
}

// byNumber are the calls that take an ID.
var byNumber = []struct {
	name, param string
	call        func(id ID) typedCall
}{
	{"Auth.RevokeToken", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return nil, c.Auth.RevokeToken(ctx, id, opts...)
		}
	}},
	{"APIKeys.Get", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.APIKeys.Get(ctx, id, opts...))
		}
	}},
	{"APIKeys.Update", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.APIKeys.Update(ctx, id, APIKeyUpdateParams{Name: Ptr("thumbnails")}, opts...))
		}
	}},
	{"APIKeys.Delete", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return nil, c.APIKeys.Delete(ctx, id, opts...)
		}
	}},
	{"Billing.CreatePaymentLink", "PaymentLinkParams.PlanID", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Billing.CreatePaymentLink(ctx, PaymentLinkParams{Purpose: PurposeSubscribe, PlanID: id}, opts...))
		}
	}},
	{"Subscriptions.Create", "SubscriptionCreateParams.PlanID", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Subscriptions.Create(ctx, SubscriptionCreateParams{PlanID: id, PaymentMethodID: contractCard}, opts...))
		}
	}},
	{"Subscriptions.Status", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Subscriptions.Status(ctx, id, opts...))
		}
	}},
	{"Subscriptions.ChangePlan", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Subscriptions.ChangePlan(ctx, id, SubscriptionChangePlanParams{NewPlanID: 21}, opts...))
		}
	}},
	{"Subscriptions.ChangePlan to", "SubscriptionChangePlanParams.NewPlanID", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Subscriptions.ChangePlan(ctx, 45, SubscriptionChangePlanParams{NewPlanID: id}, opts...))
		}
	}},
	{"Subscriptions.Pause", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Subscriptions.Pause(ctx, id, opts...))
		}
	}},
	{"Subscriptions.Resume", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Subscriptions.Resume(ctx, id, opts...))
		}
	}},
	{"Subscriptions.ResetCycle", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Subscriptions.ResetCycle(ctx, id, opts...))
		}
	}},
	{"Subscriptions.FixPayment", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Subscriptions.FixPayment(ctx, id, SubscriptionFixPaymentParams{}, opts...))
		}
	}},
	{"Teams.Get", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Teams.Get(ctx, id, opts...))
		}
	}},
	{"Teams.Update", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Teams.Update(ctx, id, TeamUpdateParams{Role: Ptr("viewer")}, opts...))
		}
	}},
	{"Teams.Delete", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return nil, c.Teams.Delete(ctx, id, opts...)
		}
	}},
	{"Teams.ResendInvite", "id", func(id ID) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return nil, c.Teams.ResendInvite(ctx, id, opts...)
		}
	}},
}

func badInputCard() Card {
	return Card{Number: NewSecret("4242424242424242"), ExpMonth: 12, ExpYear: time.Now().Year() + 3, CVC: NewSecret("123")}
}

func couponCall(code string) typedCall {
	return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.ValidateCoupon(ctx, WalletValidateCouponParams{CouponCode: code}, opts...))
	}
}

func redeemCall(p WalletRedeemCouponParams) typedCall {
	return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.RedeemCoupon(ctx, p, opts...))
	}
}

func historyCall(p UsageHistoryParams) typedCall {
	return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Usage.History(ctx, p, opts...))
	}
}

func searchCall(p ModelSearchParams) typedCall {
	return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Models.Search(ctx, p, opts...))
	}
}

func transactionsCall(p TransactionsParams) typedCall {
	return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.Transactions(ctx, p, opts...))
	}
}

func autoFundingCall(charge, threshold Amount) typedCall {
	return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.SetAutoFunding(ctx, WalletSetAutoFundingParams{AutoChargeAmount: charge, ChargeThreshold: threshold}, opts...))
	}
}

func chargeCall(a Amount) typedCall {
	return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Subscriptions.ChargeAmount(ctx, SubscriptionChargeAmountParams{Amount: a}, opts...))
	}
}

func billingInfoCall(p BillingUpdateInfoParams) typedCall {
	return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.UpdateInfo(ctx, p, opts...))
	}
}

func resetCall(email, token, password string) typedCall {
	return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Auth.ResetPassword(ctx, AuthResetPasswordParams{Email: email, Token: NewSecret(token), Password: NewSecret(password)}, opts...)
	}
}

func passwordCall(current, password string) typedCall {
	return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Profile.UpdatePassword(ctx, ProfileUpdatePasswordParams{CurrentPassword: NewSecret(current), Password: NewSecret(password)}, opts...)
	}
}

func setupCall(intent *SetupIntent, card Card) typedCall {
	return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.ConfirmSetupIntent(ctx, intent, card, opts...))
	}
}

func allBadCalls(t testing.TB) []badCall {
	t.Helper()
	day := func(d int) time.Time { return time.Date(2026, 2, d, 12, 0, 0, 0, time.UTC) }
	var all []badCall
	for _, tt := range byNumber {
		all = append(all, badCalls(tt.name, tt.param, noIDs, tt.call)...)
	}
	for _, tt := range byStringID {
		all = append(all, badCalls(tt.name, tt.param, noElements, tt.call)...)
		all = append(all, badCalls(tt.name, tt.param, typedCards, tt.call)...)
		if tt.slashes {
			all = append(all, badCalls(tt.name, tt.param, []string{"/", "/a", "a/", "../a", "a/..", "a/../b", "a//b", "a/./b"}, tt.call)...)
			continue
		}
		all = append(all, badCalls(tt.name, tt.param, slashed, tt.call)...)
		if strings.HasSuffix(tt.param, "PaymentMethodID") || strings.Contains(tt.name, "PaymentMethod") {
			all = append(all, badCalls(tt.name, tt.param, []string{"card_1", "pi_1", "PM_1", "pm_", "pm_4242424242424242", "pm_1?x=y", "pm_1 "}, tt.call)...)
		}
	}

	amounts := badAmounts(t, noAmounts...)
	all = append(all, badCalls("Wallet.Withdraw", "WalletWithdrawParams.Amount", amounts, func(a Amount) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Wallet.Withdraw(ctx, WalletWithdrawParams{Amount: a}, opts...))
		}
	})...)
	all = append(all, badCalls("Wallet.Fund", "WalletFundParams.Amount", amounts, func(a Amount) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Wallet.Fund(ctx, WalletFundParams{Amount: a, PaymentMethodID: contractCard}, opts...))
		}
	})...)
	all = append(all, badCalls("Wallet.SetAutoFunding of", "WalletSetAutoFundingParams.AutoChargeAmount", append(amounts, badAmounts(t, "4.99", "1")...),
		func(a Amount) typedCall { return autoFundingCall(a, Dollars(1)) })...)
	all = append(all, badCalls("Wallet.SetAutoFunding below", "WalletSetAutoFundingParams.ChargeThreshold", append(amounts, badAmounts(t, "0.99")...),
		func(a Amount) typedCall { return autoFundingCall(Dollars(5), a) })...)
	all = append(all, badCalls("Subscriptions.ChargeAmount", "SubscriptionChargeAmountParams.Amount",
		append(amounts, badAmounts(t, "4.99", "10000.01", "5.005", "999999999999")...), chargeCall)...)
	all = append(all, badCalls("Wallet.RedeemCoupon of a purchase of", "WalletRedeemCouponParams.PurchaseAmount", badAmounts(t, "0", "-1", "1.001"), func(a Amount) typedCall {
		return redeemCall(WalletRedeemCouponParams{CouponCode: "SPRING25", PaymentMethodID: contractCard, PurchaseAmount: a})
	})...)
	all = append(all, badCalls("Wallet.ValidateCoupon for a purchase of", "WalletValidateCouponParams.PurchaseAmount", badAmounts(t, "-1", "1.001"), func(a Amount) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Wallet.ValidateCoupon(ctx, WalletValidateCouponParams{CouponCode: "SPRING25", PurchaseAmount: a}, opts...))
		}
	})...)
	all = append(all, badCalls("Wallet.ValidateCoupon", "WalletValidateCouponParams.CouponCode", append([]string{"", "a\nb"}, typedCards...), couponCall)...)
	all = append(all, badCalls("Wallet.RedeemCoupon", "WalletRedeemCouponParams.CouponCode", append([]string{"", "a\nb"}, typedCards...), func(code string) typedCall {
		return redeemCall(WalletRedeemCouponParams{CouponCode: code})
	})...)

	limits := []int{-1, 201, -1 << 62, 1 << 62}
	all = append(all, badCalls("Usage.History of", "UsageHistoryParams.Limit", limits, func(n int) typedCall { return historyCall(UsageHistoryParams{Limit: n}) })...)
	all = append(all, badCalls("Wallet.Transactions of", "TransactionsParams.Limit", limits, func(n int) typedCall { return transactionsCall(TransactionsParams{Limit: n}) })...)
	all = append(all, badCalls("Wallet.Transactions from", "TransactionsParams.Offset", []int{-1, -1 << 62}, func(n int) typedCall { return transactionsCall(TransactionsParams{Offset: n}) })...)
	all = append(all, badCalls("Models.Search of", "ModelSearchParams.PerPage", limits, func(n int) typedCall { return searchCall(ModelSearchParams{PerPage: n}) })...)
	all = append(all, badCalls("Models.Search page", "ModelSearchParams.Page", []int{-1, -1 << 62}, func(n int) typedCall { return searchCall(ModelSearchParams{Page: n}) })...)
	all = append(all, badCalls("Models.Search tag", "ModelSearchParams.Tags", []string{"", "a,b", ","}, func(tag string) typedCall {
		return searchCall(ModelSearchParams{Tags: []string{"portrait", tag}})
	})...)

	mails := []string{"", "ada", "ada@", "@example.com", "ada@example.com, charles@example.com", "ada@example.com\n"}
	all = append(all, badCalls("Auth.ForgotPassword", "email", mails, func(mail string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return nil, c.Auth.ForgotPassword(ctx, mail, opts...)
		}
	})...)
	all = append(all, badCalls("Auth.ResetPassword", "AuthResetPasswordParams.Email", mails, func(mail string) typedCall {
		return resetCall(mail, "reset-9d02c4", contractPassword)
	})...)
	all = append(all, badCalls("Teams.Invite", "TeamInviteParams.Email", mails, func(mail string) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Teams.Invite(ctx, TeamInviteParams{Email: mail, Role: "viewer"}, opts...))
		}
	})...)
	all = append(all, badCalls("Billing.UpdateInfo", "BillingUpdateInfoParams.Email", mails[1:], func(mail string) typedCall {
		return billingInfoCall(BillingUpdateInfoParams{Email: &mail})
	})...)

	past := badInputCard()
	past.ExpYear = time.Now().Year() - 1
	short := badInputCard()
	short.Number = NewSecret("42424242")
	return append(all, []badCall{
		{"history that ends before it begins", "UsageHistoryParams.From", historyCall(UsageHistoryParams{From: day(2), To: day(1)})},
		{"a key without a name", "APIKeyCreateParams.Name", func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.APIKeys.Create(ctx, APIKeyCreateParams{Notes: "nameless"}, opts...))
		}},
		{"no account to switch to", "AuthSwitchAccountParams.AccountUsername", func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Auth.SwitchAccount(ctx, AuthSwitchAccountParams{DeviceName: contractDevice}, opts...))
		}},
		{"reset without a token", "AuthResetPasswordParams.Token", resetCall(contractMail, "", contractPassword)},
		{"reset with a printed token", "AuthResetPasswordParams.Token", resetCall(contractMail, "[redacted]", contractPassword)},
		{"reset without a password", "AuthResetPasswordParams.Password", resetCall(contractMail, "reset-9d02c4", "")},
		{"no current password", "ProfileUpdatePasswordParams.CurrentPassword", passwordCall("", contractPassword)},
		{"no new password", "ProfileUpdatePasswordParams.Password", passwordCall(contractPassword, "")},
		{"a printed new password", "ProfileUpdatePasswordParams.Password", passwordCall(contractPassword, "[redacted]")},

		{"profile update of nothing", "ProfileUpdateParams", func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Profile.Update(ctx, ProfileUpdateParams{}, opts...))
		}},
		{"socials update of nothing", "ProfileUpdateSocialsParams", func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return nil, c.Profile.UpdateSocials(ctx, ProfileUpdateSocialsParams{}, opts...)
		}},
		{"preferences update of nothing", "ProfileUpdatePreferencesParams", func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return nil, c.Profile.UpdatePreferences(ctx, ProfileUpdatePreferencesParams{}, opts...)
		}},
		{"a threshold below nothing", "ProfileUpdatePreferencesParams.WalletNotificationThreshold", func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return nil, c.Profile.UpdatePreferences(ctx, ProfileUpdatePreferencesParams{WalletNotificationThreshold: Ptr(Cents(-1))}, opts...)
		}},
		{"key update of nothing", "APIKeyUpdateParams", func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.APIKeys.Update(ctx, 8, APIKeyUpdateParams{}, opts...))
		}},
		{"member update of nothing", "TeamUpdateParams", func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Teams.Update(ctx, 77, TeamUpdateParams{}, opts...))
		}},
		{"billing update of nothing", "BillingUpdateInfoParams", billingInfoCall(BillingUpdateInfoParams{})},
		{"a tax id of no type", "BillingUpdateInfoParams.TaxIDType", billingInfoCall(BillingUpdateInfoParams{TaxID: Ptr("DE123456789")})},
		{"a tax id of an empty type", "BillingUpdateInfoParams.TaxIDType", billingInfoCall(BillingUpdateInfoParams{TaxID: Ptr("DE123456789"), TaxIDType: Ptr("")})},

		{"coupon with a card and no purchase", "WalletRedeemCouponParams.PurchaseAmount", redeemCall(WalletRedeemCouponParams{CouponCode: "SPRING25", PaymentMethodID: contractCard})},
		{"coupon with a purchase and no card", "WalletRedeemCouponParams.PaymentMethodID", redeemCall(WalletRedeemCouponParams{CouponCode: "SPRING25", PurchaseAmount: Dollars(25)})},
		{"fix of a subscription of no such form", "SubscriptionFixPaymentParams.StripeSubscriptionID", func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Subscriptions.FixPayment(ctx, 45, SubscriptionFixPaymentParams{StripeSubscriptionID: "4242424242424242"}, opts...))
		}},

		{"no setup intent", "intent", setupCall(nil, badInputCard())},
		{"a setup intent without its secret", "intent.ClientSecret", setupCall(&SetupIntent{SetupIntentID: "seti_1Night"}, badInputCard())},
		{"the secret in the id's place", "intent.SetupIntentID", setupCall(&SetupIntent{SetupIntentID: "seti_1Night_secret_q9", ClientSecret: NewSecret("seti_1Night_secret_q9")}, badInputCard())},
		{"an expired card to save", "Card.ExpYear", setupCall(&SetupIntent{SetupIntentID: "seti_1Night", ClientSecret: NewSecret("seti_1Night_secret_q9")}, past)},
		{"a short card to save", "Card.Number", setupCall(&SetupIntent{SetupIntentID: "seti_1Night", ClientSecret: NewSecret("seti_1Night_secret_q9")}, short)},
	}...)
}

// badWire is a client all of whose networks are one that must stay silent.
func badWire(t testing.TB, opts ...Option) (*Client, *wireLog) {
	t.Helper()
	w := &wireLog{answers: []step{breaks(errors.New("nothing was to be sent"))}}
	network := &http.Client{Transport: w}
	c := stubbed(t, w, append([]Option{WithAccessToken(goldenToken), WithAPIKey(goldenAPIKey), WithStripeHTTPClient(network)}, opts...)...)
	return c, w
}

func TestBadInputIsRefusedBeforeAnyRequest(t *testing.T) {
	for _, tt := range allBadCalls(t) {
		t.Run(tt.name, func(t *testing.T) {
			c, wire := badWire(t)
			got, err := tt.call(t.Context(), c)
			assert.Nil(t, got)
			require.Error(t, err)
			assertParam(t, tt.param, err)
			oneLine(t, err)
			assert.Empty(t, wire.requests(), "nothing is sent")
			for _, shown := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
				for _, number := range typedCards {
					assert.NotContains(t, shown, number, "a card number is never repeated")
				}
				assert.NotContains(t, shown, contractPassword)
				assert.NotContains(t, shown, "reset-9d02c4")
				assert.NotContains(t, shown, "_secret_")
				assert.NotContains(t, shown, goldenToken)
			}
		})
	}
}

// What holds for all methods, whatever they are called with.
func TestBadInputOfEveryMethod(t *testing.T) {
	for _, row := range contract {
		t.Run(row.golden, func(t *testing.T) {
			t.Run("no context", func(t *testing.T) {
				c, wire := badWire(t)
				_, err := row.call(nil, c)
				assertParam(t, "ctx", err)
				assert.Empty(t, wire.requests())
			})
			t.Run("an option that is nil", func(t *testing.T) {
				c, wire := badWire(t)
				_, err := row.call(t.Context(), c, nil)
				assertParam(t, "RequestOption", err)
				assert.Empty(t, wire.requests())
			})
			t.Run("a response that is nil", func(t *testing.T) {
				c, wire := badWire(t)
				_, err := row.call(t.Context(), c, WithResponse(nil))
				assertParam(t, "WithResponse", err)
				assert.Empty(t, wire.requests())
			})
			t.Run("a context that is over", func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				c, wire := badWire(t)
				_, err := row.call(ctx, c)
				require.ErrorIs(t, err, context.Canceled)
				require.NotErrorIs(t, err, ErrOutcomeUnknown, "nothing was sent")
				assert.Empty(t, wire.requests())
			})
			t.Run("no credentials", func(t *testing.T) {
				w := &wireLog{answers: row.success(t)}
				c, err := New(WithHTTPClient(&http.Client{Transport: w}), hasty(1))
				require.NoError(t, err)
				_, err = row.call(t.Context(), c)
				g := readGolden(t, row.golden)
				if g.Headers["Authorization"] == "" && len(keyPlaces(wireRequest{golden: g})) == 0 {
					require.NoError(t, err, "an open endpoint")
					return
				}
				require.ErrorIs(t, err, ErrUnauthenticated)
				assert.Empty(t, w.requests())
			})
		})
	}
}

// Iterators give their one error like everybody else.
func TestBadInputOfIterators(t *testing.T) {
	for _, tt := range []struct {
		name, param string
		all         func(context.Context, *Client) []error
	}{
		{"Wallet.AllTransactions", "TransactionsParams.Limit", func(ctx context.Context, c *Client) (errs []error) {
			for tx, err := range c.Wallet.AllTransactions(ctx, TransactionsParams{Limit: 201}) {
				errs = append(errs, err)
				if tx != nil {
					errs = append(errs, errors.New("an item beside an error"))
				}
			}
			return errs
		}},
		{"Wallet.AllTransactions from", "TransactionsParams.Offset", func(ctx context.Context, c *Client) (errs []error) {
			for _, err := range c.Wallet.AllTransactions(ctx, TransactionsParams{Offset: -1}) {
				errs = append(errs, err)
			}
			return errs
		}},
		{"Usage.AllHistory", "UsageHistoryParams.From", func(ctx context.Context, c *Client) (errs []error) {
			p := UsageHistoryParams{From: time.Date(2026, 2, 2, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}
			for r, err := range c.Usage.AllHistory(ctx, p) {
				errs = append(errs, err)
				if r != nil {
					errs = append(errs, errors.New("an item beside an error"))
				}
			}
			return errs
		}},
		{"Models.SearchAll", "ModelSearchParams.PerPage", func(ctx context.Context, c *Client) (errs []error) {
			for m, err := range c.Models.SearchAll(ctx, ModelSearchParams{PerPage: -1}) {
				errs = append(errs, err)
				if m != nil {
					errs = append(errs, errors.New("an item beside an error"))
				}
			}
			return errs
		}},
		{"Models.SearchAll without a context", "ctx", func(_ context.Context, c *Client) (errs []error) {
			for _, err := range c.Models.SearchAll(nil, ModelSearchParams{}) { //nolint:staticcheck // the point
				errs = append(errs, err)
			}
			return errs
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, wire := badWire(t)
			errs := tt.all(t.Context(), c)
			require.Len(t, errs, 1)
			assertParam(t, tt.param, errs[0])
			assert.Empty(t, wire.requests())
		})
	}
}

// The documented bounds themselves are inside, and words that nobody documents
// are not the client's to refuse.
func TestBadInputEndsWhereTheDocumentationDoes(t *testing.T) {
	today := time.Date(2026, 2, 15, 23, 0, 0, 0, time.UTC)
	member := func(p TeamUpdateParams) typedCall {
		return func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Teams.Update(ctx, 1, p, opts...))
		}
	}
	for _, tt := range []struct {
		name string
		sent string // in the body or the query
		call typedCall
	}{
		{"auto-funding of $5 below $1", `"auto_charge_amount":5`, autoFundingCall(Dollars(5), Dollars(1))},
		{"a charge of $5", `"amount":5`, chargeCall(Dollars(5))},
		{"a charge of $10000", `"amount":10000`, chargeCall(Dollars(10_000))},
		{"one record", "limit=1", historyCall(UsageHistoryParams{Limit: 1})},
		{"200 records", "limit=200", historyCall(UsageHistoryParams{Limit: 200})},
		{"the history of one day, from late to early", "from=2026-02-15&to=2026-02-15", historyCall(UsageHistoryParams{From: today, To: today.Add(-22 * time.Hour)})},
		{"an open beginning", "to=2026-02-15", historyCall(UsageHistoryParams{To: today})},
		{"200 models", "per_page=200", searchCall(ModelSearchParams{PerPage: 200})},
		{"an order of next year", "sort=cheapest", searchCall(ModelSearchParams{Sort: "cheapest"})},
		{"a feature of next year", "feature=holograms", searchCall(ModelSearchParams{Feature: "holograms"})},
		{"200 transactions", "limit=200", transactionsCall(TransactionsParams{Limit: 200})},
		{"transactions of another type", "type=refund", transactionsCall(TransactionsParams{Type: "refund"})},
		{"a role of next year", `"role":"stage manager"`, func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Teams.Invite(ctx, TeamInviteParams{Email: contractMail, Role: "stage manager"}, opts...))
		}},
		{"another role of next year", `"role":"stage manager"`, member(TeamUpdateParams{Role: Ptr("stage manager")})},
		{"permissions of next year", `"permissions":["curtain"]`, member(TeamUpdateParams{Permissions: []string{"curtain"}})},
		{"an invitation's state of next year", `"invite_status":"declined"`, member(TeamUpdateParams{InviteStatus: Ptr("declined")})},
		{"a tax id removed", `"tax_id":""`, billingInfoCall(BillingUpdateInfoParams{TaxID: Ptr("")})},
		{"a tax id's type alone", `"tax_id_type":"us_ein"`, billingInfoCall(BillingUpdateInfoParams{TaxIDType: Ptr("us_ein")})},
		{"a plan category of next year", `"plan_category":"llmaster"`, func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Subscriptions.FixPayment(ctx, 1, SubscriptionFixPaymentParams{PlanCategory: "llmaster"}, opts...))
		}},
		{"a lifetime of next year", `"token_expiry":"2_years"`, func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Auth.SwitchAccount(ctx, AuthSwitchAccountParams{AccountUsername: "charles-shop", TokenExpiry: "2_years"}, opts...))
		}},
		{"the largest id", "/9223372036854775807/status", func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Subscriptions.Status(ctx, 1<<63-1, opts...))
		}},
		{"an invoice's number for an id", "/billing/invoices/2041", func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
			return got(c.Billing.Invoice(ctx, "2041", opts...))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := scripted(says(http.StatusTeapot, `{}`))
			c := stubbed(t, w)
			_, err := tt.call(t.Context(), c)
			require.Error(t, err)
			_, refused := as[*ParamError](err)
			assert.False(t, refused, "%v", err)
			require.Len(t, w.requests(), 1)
			r := w.requests()[0]
			assert.Contains(t, r.Path+"?"+r.Query+" "+r.Body, tt.sent)
		})
	}
}
