package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The contract: each method against the request that the documentation wants of
// its endpoint. testdata/requests/<endpoint>.json is that request, whole; with
// @<variant> in its name it is another one to the same endpoint. The files were
// written from the documentation alone and not from what the code sends.

const (
	goldenToken  = "12|agent-token"
	goldenAPIKey = "generation-key"
)

// golden is a request as a file has it. What a file does not name must not be
// sent: a header, a query, a body.
type golden struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"` // from the origin on, escaped
	Query   map[string]string `json:"query"`
	Headers map[string]string `json:"headers"` // all but User-Agent
	Body    json.RawMessage   `json:"body"`
}

func readGolden(t testing.TB, name string) golden {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "requests", name+".json"))
	require.NoError(t, err)
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var g golden
	require.NoError(t, dec.Decode(&g), name)
	return g
}

// endpointOf is the endpoint's name in a golden file's.
func endpointOf(name string) string {
	endpoint, _, _ := strings.Cut(name, "@")
	return endpoint
}

// stems are the names of a folder's files, without the folder and .json.
func stems(t testing.TB, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
	require.NoError(t, err)
	for i := range files {
		files[i] = strings.TrimSuffix(filepath.Base(files[i]), ".json")
	}
	return files
}

// wireLog is a network that keeps what is sent and answers in order, the last
// answer for ever.
type wireLog struct {
	answers []step

	mu   sync.Mutex
	sent []wireRequest
}

type wireRequest struct {
	golden
	origin string
}

func (w *wireLog) RoundTrip(r *http.Request) (*http.Response, error) {
	g := golden{Method: r.Method, Path: r.URL.EscapedPath(), Headers: map[string]string{}}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		_ = r.Body.Close()
		g.Body = body
	}
	for name, values := range r.Header {
		g.Headers[name] = strings.Join(values, "\n")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	for name, values := range query {
		if g.Query == nil {
			g.Query = map[string]string{}
		}
		g.Query[name] = strings.Join(values, "\n")
	}
	w.mu.Lock()
	w.sent = append(w.sent, wireRequest{g, r.URL.Scheme + "://" + r.URL.Host})
	i := min(len(w.sent), len(w.answers)) - 1
	w.mu.Unlock()
	return w.answers[i](r)
}

func (w *wireLog) requests() []wireRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.sent)
}

// onWire is a client with the golden files' credentials over a network.
func onWire(t testing.TB, answers ...step) (*Client, *wireLog) {
	t.Helper()
	w := &wireLog{answers: answers}
	return stubbed(t, w, WithAccessToken(goldenToken), WithAPIKey(goldenAPIKey)), w
}

// typedCall is a call of a typed method with the params that a golden request
// stands for; the result is nil where the method has none.
type typedCall func(ctx context.Context, c *Client, opts ...RequestOption) (any, error)

// got makes a method's results fit for a typedCall.
func got[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// contractRow is a golden request with the call that must produce it.
type contractRow struct {
	golden string
	call   typedCall
	before step // the answer to a request that comes first; nil: there is none

	// What a call of the generation APIs is given, and the call with something
	// else in its place.
	params any
	send   paramsCall
	of     string // a fetch: where its job was submitted
}

// contract is all of it.
var contract = slices.Concat(accountContract, generationJobs, generationCalls)

// noRoute is what the framework answers where it has no such path.
var noRoute = says(http.StatusNotFound, `{"message":"The route api/agents/v1/auth/verify-email could not be found."}`)

// onlyPost is what the framework answers to the wrong method.
var onlyPost = says(http.StatusMethodNotAllowed, `{"message":"The GET method is not supported for this route. Supported methods: POST."}`, "Allow", "POST")

const (
	contractMail     = "ada@example.com"
	contractPassword = "difference engine 1822"
	contractCode     = "c0de-51f7e2"
	contractDevice   = "night builds"
	contractCard     = "pm_1Nightly"
	contractPage     = "cs_test_b7Hn2k"
	contractInvite   = "0b7c9d1e-4f52-4c0a-9e6b-2d1f8a3c5e70"
)

var accountContract = []contractRow{
	{golden: "auth.signup", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Auth.Signup(ctx, AuthSignupParams{Email: contractMail, Password: NewSecret(contractPassword), Name: "Ada"}, opts...))
	}},
	{golden: "auth.signup@nameless", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Auth.Signup(ctx, AuthSignupParams{Email: contractMail, Password: NewSecret(contractPassword)}, opts...))
	}},
	{golden: "auth.login", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Auth.Login(ctx, AuthLoginParams{
			Email: contractMail, Password: NewSecret(contractPassword), DeviceName: contractDevice, TokenExpiry: TokenExpiryWeek,
		}, opts...))
	}},
	{golden: "auth.login@least", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Auth.Login(ctx, AuthLoginParams{Email: contractMail, Password: NewSecret(contractPassword)}, opts...))
	}},
	{golden: "auth.verify_email", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Auth.VerifyEmail(ctx, contractCode, opts...))
	}},
	{golden: "auth.verify", before: noRoute, call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Auth.VerifyEmail(ctx, contractCode, opts...))
	}},
	{golden: "auth.verify_link", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Auth.VerifyLink(ctx, contractCode, opts...))
	}},
	{golden: "auth.refresh", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Auth.Refresh(ctx, AuthRefreshParams{TokenExpiry: TokenExpiryThreeMonths, DeviceName: contractDevice}, opts...))
	}},
	{golden: "auth.logout", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Auth.Logout(ctx, opts...)
	}},
	{golden: "auth.logout_all", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Auth.LogoutAll(ctx, opts...)
	}},
	{golden: "auth.resend_verification", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Auth.ResendVerification(ctx, contractMail, opts...)
	}},
	{golden: "auth.forgot_password", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Auth.ForgotPassword(ctx, contractMail, opts...)
	}},
	{golden: "auth.reset_password", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Auth.ResetPassword(ctx, AuthResetPasswordParams{
			Email: contractMail, Token: NewSecret("reset-9d02c4"), Password: NewSecret(contractPassword),
		}, opts...)
	}},
	{golden: "auth.tokens", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Auth.Tokens(ctx, opts...))
	}},
	{golden: "auth.revoke_token", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Auth.RevokeToken(ctx, 31, opts...)
	}},
	{golden: "auth.revoke_other_tokens", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Auth.RevokeOtherTokens(ctx, opts...)
	}},
	{golden: "auth.switch_account", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Auth.SwitchAccount(ctx, AuthSwitchAccountParams{
			AccountUsername: "charles-shop", DeviceName: contractDevice, TokenExpiry: TokenExpiryNever,
		}, opts...))
	}},
	{golden: "auth.switch_account@least", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Auth.SwitchAccount(ctx, AuthSwitchAccountParams{AccountUsername: "charles-shop"}, opts...))
	}},

	{golden: "profile.get", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Profile.Get(ctx, opts...))
	}},
	{golden: "profile.update", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Profile.Update(ctx, ProfileUpdateParams{
			Name: Ptr("Ada King"), Username: Ptr("ada-king"), AboutMe: Ptr("Writes programs for machines that are not built yet."),
		}, opts...))
	}},
	{golden: "profile.update@emptied", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Profile.Update(ctx, ProfileUpdateParams{AboutMe: Ptr("")}, opts...))
	}},
	{golden: "profile.update_password", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Profile.UpdatePassword(ctx, ProfileUpdatePasswordParams{
			CurrentPassword: NewSecret(contractPassword), Password: NewSecret("analytical engine 1837"),
		}, opts...)
	}},
	{golden: "profile.update_socials", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Profile.UpdateSocials(ctx, ProfileUpdateSocialsParams{
			Facebook: Ptr("ada.king"), GitHub: Ptr("ada-king"), Twitter: Ptr("adaking"), Instagram: Ptr("ada_king"), Discord: Ptr("ada#1815"),
		}, opts...)
	}},
	{golden: "profile.update_socials@emptied", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Profile.UpdateSocials(ctx, ProfileUpdateSocialsParams{Discord: Ptr("")}, opts...)
	}},
	{golden: "profile.update_preferences", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Profile.UpdatePreferences(ctx, ProfileUpdatePreferencesParams{
			NSFWContent: Ptr(true), WalletNotificationEnabled: Ptr(true), WalletNotificationThreshold: Ptr(Cents(1250)),
		}, opts...)
	}},
	{golden: "profile.update_preferences@false_and_zero", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Profile.UpdatePreferences(ctx, ProfileUpdatePreferencesParams{
			NSFWContent: Ptr(false), WalletNotificationEnabled: Ptr(false), WalletNotificationThreshold: Ptr(Amount{}),
		}, opts...)
	}},

	{golden: "api_keys.list", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.APIKeys.List(ctx, opts...))
	}},
	{golden: "api_keys.create", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.APIKeys.Create(ctx, APIKeyCreateParams{Name: "thumbnails", Notes: "For the nightly run; change it in June."}, opts...))
	}},
	{golden: "api_keys.create@least", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.APIKeys.Create(ctx, APIKeyCreateParams{Name: "thumbnails"}, opts...))
	}},
	{golden: "api_keys.get", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.APIKeys.Get(ctx, 8, opts...))
	}},
	{golden: "api_keys.update", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.APIKeys.Update(ctx, 8, APIKeyUpdateParams{Name: Ptr("thumbnails 2"), Notes: Ptr("Also for previews.")}, opts...))
	}},
	{golden: "api_keys.update@emptied", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.APIKeys.Update(ctx, 8, APIKeyUpdateParams{Notes: Ptr("")}, opts...))
	}},
	{golden: "api_keys.delete", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.APIKeys.Delete(ctx, 8, opts...)
	}},

	{golden: "usage.summary", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Usage.Summary(ctx, opts...))
	}},
	{golden: "usage.products", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Usage.Products(ctx, opts...))
	}},
	{golden: "usage.history", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Usage.History(ctx, UsageHistoryParams{
			From: time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC), To: time.Date(2026, 2, 15, 0, 0, 0, 0, time.UTC), Limit: 200,
		}, opts...))
	}},
	{golden: "usage.history@least", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Usage.History(ctx, UsageHistoryParams{}, opts...))
	}},

	{golden: "models.search", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Models.Search(ctx, ModelSearchParams{
			Search: "night sky", Feature: "imagen", ModelType: "stable_diffusion_xl", ModelSubcategory: "anime", BaseModel: "sdxl",
			Provider: "community", Sort: "most-used", Tags: []string{"portrait", "line art"}, PerPage: 50, Page: 3,
		}, opts...))
	}},
	{golden: "models.search@least", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Models.Search(ctx, ModelSearchParams{}, opts...))
	}},
	{golden: "models.filters", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Models.Filters(ctx, opts...))
	}},
	{golden: "models.tags", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Models.Tags(ctx, opts...))
	}},
	{golden: "models.providers", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Models.Providers(ctx, opts...))
	}},
	{golden: "models.get", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Models.Get(ctx, "flux-dev", opts...))
	}},
	{golden: "models.get@escaped", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Models.Get(ctx, "sd xl?1.0#%", opts...))
	}},
	{golden: "models.get@slashed", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Models.Get(ctx, "stabilityai/sdxl-turbo", opts...))
	}},

	{golden: "billing.overview", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.Overview(ctx, opts...))
	}},
	{golden: "billing.stripe_config", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.StripeConfig(ctx, opts...))
	}},
	{golden: "billing.setup_intent", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.CreateSetupIntent(ctx, opts...))
	}},
	{golden: "billing.payment_link", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.CreatePaymentLink(ctx, PaymentLinkParams{Purpose: PurposeFund, Amount: Cents(2550)}, opts...))
	}},
	{golden: "billing.payment_link@subscribe", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.CreatePaymentLink(ctx, PaymentLinkParams{Purpose: PurposeSubscribe, PlanID: 10}, opts...))
	}},
	{golden: "billing.payment_methods", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.PaymentMethods(ctx, opts...))
	}},
	{golden: "billing.attach_payment_method", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.AttachPaymentMethod(ctx, BillingAttachPaymentMethodParams{PaymentMethodID: contractCard, MakeDefault: Ptr(false)}, opts...))
	}},
	{golden: "billing.attach_payment_method@least", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.AttachPaymentMethod(ctx, BillingAttachPaymentMethodParams{PaymentMethodID: contractCard}, opts...))
	}},
	{golden: "billing.set_default_payment_method", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Billing.SetDefaultPaymentMethod(ctx, contractCard, opts...)
	}},
	{golden: "billing.delete_payment_method", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Billing.DeletePaymentMethod(ctx, contractCard, opts...)
	}},
	{golden: "billing.info", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.Info(ctx, opts...))
	}},
	{golden: "billing.update_info", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.UpdateInfo(ctx, BillingUpdateInfoParams{
			Name: Ptr("Ada King"), Email: Ptr("billing@example.com"), TaxID: Ptr("DE123456789"), TaxIDType: Ptr("eu_vat"),
			AddressLine1: Ptr("12 Example Street"), AddressLine2: Ptr("Back house"), AddressCity: Ptr("Berlin"), AddressState: Ptr("BE"),
			AddressPostalCode: Ptr("10115"), AddressCountry: Ptr("DE"),
		}, opts...))
	}},
	{golden: "billing.update_info@emptied", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.UpdateInfo(ctx, BillingUpdateInfoParams{AddressLine2: Ptr("")}, opts...))
	}},
	{golden: "billing.invoices", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.Invoices(ctx, opts...))
	}},
	{golden: "billing.invoice", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.Invoice(ctx, "in_1Paid", opts...))
	}},
	{golden: "billing.invoice_links", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Billing.InvoiceLinks(ctx, "in_1Paid", opts...))
	}},

	{golden: "wallet.balance", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.Balance(ctx, opts...))
	}},
	{golden: "wallet.transactions", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.Transactions(ctx, TransactionsParams{Type: TransactionDebit, Limit: 2, Offset: 10}, opts...))
	}},
	{golden: "wallet.transactions@least", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.Transactions(ctx, TransactionsParams{}, opts...))
	}},
	{golden: "wallet.fund", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.Fund(ctx, WalletFundParams{Amount: Cents(2550), PaymentMethodID: contractCard}, opts...))
	}},
	{golden: "wallet.fund@checkout", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.FundCheckout(ctx, WalletFundCheckoutParams{Amount: Cents(2550)}, opts...))
	}},
	{golden: "wallet.confirm_checkout", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.ConfirmCheckout(ctx, contractPage, opts...))
	}},
	{golden: "wallet.set_auto_funding", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.SetAutoFunding(ctx, WalletSetAutoFundingParams{AutoChargeAmount: Dollars(25), ChargeThreshold: Cents(750)}, opts...))
	}},
	{golden: "wallet.disable_auto_funding", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Wallet.DisableAutoFunding(ctx, opts...)
	}},
	{golden: "wallet.withdraw", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.Withdraw(ctx, WalletWithdrawParams{Amount: Cents(2025)}, opts...))
	}},
	{golden: "wallet.validate_coupon", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.ValidateCoupon(ctx, WalletValidateCouponParams{CouponCode: "SPRING & 25%", PurchaseAmount: Cents(4025)}, opts...))
	}},
	{golden: "wallet.validate_coupon@least", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.ValidateCoupon(ctx, WalletValidateCouponParams{CouponCode: "SPRING25"}, opts...))
	}},
	{golden: "wallet.validate_coupon_by_post", before: onlyPost, call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.ValidateCoupon(ctx, WalletValidateCouponParams{CouponCode: "SPRING25", PurchaseAmount: Cents(4025)}, opts...))
	}},
	{golden: "wallet.validate_coupon_by_post@least", before: onlyPost, call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.ValidateCoupon(ctx, WalletValidateCouponParams{CouponCode: "SPRING25"}, opts...))
	}},
	{golden: "wallet.redeem_coupon", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.RedeemCoupon(ctx, WalletRedeemCouponParams{CouponCode: "SPRING25", PaymentMethodID: contractCard, PurchaseAmount: Cents(4025)}, opts...))
	}},
	{golden: "wallet.redeem_coupon@least", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.RedeemCoupon(ctx, WalletRedeemCouponParams{CouponCode: "SPRING25"}, opts...))
	}},
	{golden: "payments.status", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Wallet.PaymentStatus(ctx, "pi_3Night", opts...))
	}},

	{golden: "subscriptions.plans", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Subscriptions.Plans(ctx, opts...))
	}},
	{golden: "subscriptions.list", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Subscriptions.List(ctx, opts...))
	}},
	{golden: "subscriptions.create", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Subscriptions.Create(ctx, SubscriptionCreateParams{PlanID: 10, PaymentMethodID: contractCard}, opts...))
	}},
	{golden: "subscriptions.create@checkout", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Subscriptions.CreateCheckout(ctx, SubscriptionCheckoutParams{
			PlanID: 10, SuccessURL: "https://shop.example.com/paid", CancelURL: "https://shop.example.com/not-paid",
		}, opts...))
	}},
	{golden: "subscriptions.confirm_checkout", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Subscriptions.ConfirmCheckout(ctx, contractPage, opts...))
	}},
	{golden: "subscriptions.status", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Subscriptions.Status(ctx, 45, opts...))
	}},
	{golden: "subscriptions.change_plan", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Subscriptions.ChangePlan(ctx, 45, SubscriptionChangePlanParams{NewPlanID: 21}, opts...))
	}},
	{golden: "subscriptions.pause", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Subscriptions.Pause(ctx, 45, opts...))
	}},
	{golden: "subscriptions.resume", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Subscriptions.Resume(ctx, 45, opts...))
	}},
	{golden: "subscriptions.reset_cycle", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Subscriptions.ResetCycle(ctx, 45, opts...))
	}},
	{golden: "subscriptions.charge_amount", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Subscriptions.ChargeAmount(ctx, SubscriptionChargeAmountParams{Amount: Cents(4999)}, opts...))
	}},
	{golden: "subscriptions.fix_payment", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Subscriptions.FixPayment(ctx, 45, SubscriptionFixPaymentParams{PlanCategory: "enterprise", StripeSubscriptionID: "sub_1Night"}, opts...))
	}},

	{golden: "teams.list", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Teams.List(ctx, opts...))
	}},
	{golden: "teams.invite", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Teams.Invite(ctx, TeamInviteParams{Email: "charles@example.com", Role: "night-operator"}, opts...))
	}},
	{golden: "teams.invite@least", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Teams.Invite(ctx, TeamInviteParams{Email: "charles@example.com"}, opts...))
	}},
	{golden: "teams.get", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Teams.Get(ctx, 77, opts...))
	}},
	{golden: "teams.update", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Teams.Update(ctx, 77, TeamUpdateParams{
			Role: Ptr("viewer"), Permissions: []string{"models", "billing"}, InviteStatus: Ptr("accepted"),
		}, opts...))
	}},
	{golden: "teams.update@no_permissions", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Teams.Update(ctx, 77, TeamUpdateParams{Permissions: []string{}}, opts...))
	}},
	{golden: "teams.delete", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Teams.Delete(ctx, 77, opts...)
	}},
	{golden: "teams.resend_invite", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Teams.ResendInvite(ctx, 77, opts...)
	}},
	{golden: "teams.accept_invite", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return nil, c.Teams.AcceptInvite(ctx, contractInvite, opts...)
	}},

	{golden: "images.text2img", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Generation.Images.TextToImage(ctx, TextToImageParams{
			ModelID: "flux-dev", Prompt: "a lighthouse at night, ink", NegativePrompt: "people", Width: 768, Height: 512, Samples: 2,
			NumInferenceSteps: 30, GuidanceScale: 6.5, Seed: Ptr[int64](0), Scheduler: "UniPCMultistepScheduler", ClipSkip: 2,
			LoraModel: "ink,fog", LoraStrength: "0.5,0.8", EnhancePrompt: Ptr(false), SafetyChecker: Ptr(true), SafetyCheckerType: "blur",
			Base64: Ptr(false), Temp: Ptr(true), Webhook: "https://hooks.example.com/images", TrackID: "run-204",
		}, opts...))
	}},
	{golden: "images.text2img@least", call: func(ctx context.Context, c *Client, opts ...RequestOption) (any, error) {
		return got(c.Generation.Images.TextToImage(ctx, TextToImageParams{ModelID: "flux-dev", Prompt: "a lighthouse at night, ink"}, opts...))
	}},
}

// answersFor are the answers that a row's call gets: the one that comes first, if
// any, and a success.
func (row contractRow) answersFor(t testing.TB, shape string) []step {
	t.Helper()
	var steps []step
	if row.before != nil {
		steps = append(steps, row.before)
	}
	return append(steps, answerFile(t, endpointOf(row.golden), shape).step(http.StatusOK))
}

// contractShapes are the answers of calls whose endpoint answers each of its
// uses in another way.
var contractShapes = map[string]string{
	"wallet.fund@checkout":           `{"data":{"checkout_url":"https://checkout.stripe.com/c/pay/cs_test_b7Hn2k","session_id":"cs_test_b7Hn2k"}}`,
	"subscriptions.create@checkout":  `{"data":{"checkout_url":"https://checkout.stripe.com/c/pay/cs_test_b7Hn2k","session_id":"cs_test_b7Hn2k"}}`,
	"billing.payment_link@subscribe": `{"payment_url":"https://checkout.stripe.com/c/pay/cs_test_b7Hn2k","session_id":"cs_test_b7Hn2k","purpose":"subscribe"}`,
}

func (row contractRow) success(t testing.TB) []step {
	t.Helper()
	if body := contractShapes[row.golden]; body != "" {
		return []step{says(http.StatusOK, body)}
	}
	return row.answersFor(t, "default")
}

var contractUUID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestContractRequests(t *testing.T) {
	for _, row := range contract {
		t.Run(row.golden, func(t *testing.T) {
			want := readGolden(t, row.golden)
			var opts []RequestOption
			if key := want.Headers["Idempotency-Key"]; key != "" {
				opts = append(opts, WithIdempotencyKey(key))
			}
			c, wire := onWire(t, row.success(t)...)
			_, err := row.call(t.Context(), c, opts...)
			require.NoError(t, err)
			assertGolden(t, row, want, wire.requests())
		})
	}
}

// A caller who names no key gets a random one where the server knows keys.
func TestContractRandomKeys(t *testing.T) {
	for _, row := range contract {
		want := readGolden(t, row.golden)
		if want.Headers["Idempotency-Key"] == "" {
			continue
		}
		t.Run(row.golden, func(t *testing.T) {
			keys := map[string]bool{}
			for range 2 {
				c, wire := onWire(t, row.success(t)...)
				_, err := row.call(t.Context(), c)
				require.NoError(t, err)
				sent := wire.requests()
				require.NotEmpty(t, sent)
				key := sent[len(sent)-1].Headers["Idempotency-Key"]
				assert.Regexp(t, contractUUID, key)
				keys[key] = true
				sent[len(sent)-1].Headers["Idempotency-Key"] = want.Headers["Idempotency-Key"]
				assertGolden(t, row, want, sent)
			}
			assert.Len(t, keys, 2, "each call has a key of its own")
		})
	}
}

// assertGolden compares what was sent, whole, with a golden request.
func assertGolden(t *testing.T, row contractRow, want golden, sent []wireRequest) {
	t.Helper()
	n := 1
	if row.before != nil {
		n = 2
	}
	require.Len(t, sent, n)
	saw := sent[n-1]
	assert.Equal(t, "https://modelslab.com", saw.origin)
	assert.Equal(t, want.Method, saw.Method)
	assert.Equal(t, want.Path, saw.Path)
	assert.Equal(t, want.Query, saw.Query)
	headers := maps.Clone(saw.Headers)
	assert.Equal(t, "modelslab-agents-go/"+Version, headers["User-Agent"])
	delete(headers, "User-Agent")
	assert.Equal(t, want.Headers, headers)
	if want.Body == nil {
		assert.Empty(t, string(saw.Body), "no body")
		return
	}
	if assert.NotEmpty(t, saw.Body) {
		assert.JSONEq(t, string(want.Body), string(saw.Body))
	}
}

func TestContractHasNoKeyWhereTheServerKnowsNone(t *testing.T) {
	for _, row := range contract {
		want := readGolden(t, row.golden)
		if want.Headers["Idempotency-Key"] != "" {
			continue
		}
		t.Run(row.golden, func(t *testing.T) {
			c, wire := onWire(t, row.success(t)...)
			_, err := row.call(t.Context(), c, WithIdempotencyKey("not-wanted-here"))
			assertParam(t, "WithIdempotencyKey", err)
			assert.Empty(t, wire.requests())
		})
	}
}

func TestContractIsComplete(t *testing.T) {
	files := stems(t, "requests")
	rows := make([]string, 0, len(contract))
	for _, row := range contract {
		rows = append(rows, row.golden)
	}
	assert.ElementsMatch(t, files, rows, "a golden request for each row, and a row for each golden request")

	byName := map[string]Endpoint{}
	for _, e := range Endpoints() {
		byName[e.Name] = e
		assert.Contains(t, files, e.Name, "the golden request of an endpoint")
		assert.FileExists(t, filepath.Join("testdata", "answers", answersOf(e.Name), "default.json"))
	}
	for _, name := range files {
		e, ok := byName[endpointOf(name)]
		if !assert.True(t, ok, "%s is no endpoint", name) {
			continue
		}
		// The table and the golden request say the same.
		g := readGolden(t, name)
		assert.Equal(t, e.Method, g.Method, name)
		assert.Equal(t, e.Bearer, g.Headers["Authorization"] == "Bearer "+goldenToken, name)
		assert.Equal(t, e.Repeat == RepeatKeyed, g.Headers["Idempotency-Key"] != "", name)
		assert.Equal(t, "application/json", g.Headers["Accept"], name)
		assert.Equal(t, g.Body != nil, g.Headers["Content-Type"] != "", name)
		assert.True(t, matches(e.full, g.Path), "%s: %s is not %s", name, g.Path, e.full)
	}
	folders, err := os.ReadDir(filepath.Join("testdata", "answers"))
	require.NoError(t, err)
	for _, folder := range folders {
		if _, shared := sharedAnswers[folder.Name()]; shared {
			continue
		}
		assert.Contains(t, byName, folder.Name(), "answers of no endpoint")
		assert.Equal(t, folder.Name(), answersOf(folder.Name()))
	}
}

// methodNamed finds "Wallet.Fund" or "Generation.Images.TextToImage" on a client.
func methodNamed(c *Client, name string) (reflect.Value, bool) {
	parts := strings.Split(name, ".")
	v := reflect.ValueOf(c)
	for _, part := range parts[:len(parts)-1] {
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			return reflect.Value{}, false
		}
		if v = v.Elem().FieldByName(part); !v.IsValid() {
			return reflect.Value{}, false
		}
	}
	m := v.MethodByName(parts[len(parts)-1])
	return m, m.IsValid()
}

// Methods that no row names: they make more of an endpoint, or of several.
var contractComposites = []string{
	"Billing.TokenizeCard", "Billing.ConfirmSetupIntent", // at Stripe
	"Wallet.FundCheckout", "Subscriptions.CreateCheckout", // other uses of an endpoint
	"Wallet.AwaitCheckout", "Wallet.FundOrLink", "Wallet.AwaitFund", "Subscriptions.AwaitCheckout",
	"Wallet.AllTransactions", "Usage.AllHistory", "Models.SearchAll",

	"Generation.Run", "Generation.Call", // what has no method of its own
	"Generation.Wait", "Generation.Download", "Generation.DownloadAll",
	"Generation.Models.SearchAll", "Generation.Servers.For", "Generation.Servers.Run",
	"Generation.Training.Wait", "Generation.WebhookHandler",
	"Generation.Chat.Stream", "Generation.Chat.MessageStream", "Generation.Chat.HTTPClient", "Generation.Chat.BaseURL",
}

// Calls that have several endpoints: a second name or verb, a fetch for each
// family, a server with a name in its path and one without.
var contractShared = []string{
	"Auth.VerifyEmail", "Wallet.ValidateCoupon", "Generation.Fetch", "Generation.Assets", "Generation.Training.Cancel",
	"Generation.Servers.Restart", "Generation.Servers.Update", "Generation.Servers.Details", "Generation.Servers.ClearCache",
	"Generation.Servers.ClearQueue",
}

func TestContractCallsAreMethods(t *testing.T) {
	c, _ := onWire(t, says(http.StatusOK, `{}`))
	called := map[string]int{}
	for _, e := range Endpoints() {
		m, ok := methodNamed(c, e.Call)
		if !assert.True(t, ok, "%s: there is no method %q", e.Name, e.Call) {
			continue
		}
		called[e.Call]++
		typ := m.Type()
		require.Positive(t, typ.NumIn(), e.Call)
		assert.Equal(t, reflect.TypeFor[context.Context](), typ.In(0), "%s: the context comes first", e.Call)
		assert.True(t, typ.IsVariadic() && typ.In(typ.NumIn()-1) == reflect.TypeFor[[]RequestOption](), "%s: options come last", e.Call)
		require.Positive(t, typ.NumOut(), e.Call)
		assert.Equal(t, reflect.TypeFor[error](), typ.Out(typ.NumOut()-1), "%s: the error comes last", e.Call)
		assert.LessOrEqual(t, typ.NumOut(), 2, e.Call)
	}
	for call, n := range called {
		assert.Equal(t, slices.Contains(contractShared, call), n > 1, "%s is the call of %d endpoints", call, n)
	}

	// And the other way round: what the services can do is in the table.
	seen := 0
	var walk func(prefix string, v reflect.Type)
	walk = func(prefix string, v reflect.Type) {
		for i := range v.NumField() {
			f := v.Field(i)
			if !f.IsExported() {
				continue
			}
			for j := range f.Type.NumMethod() {
				name := prefix + f.Name + "." + f.Type.Method(j).Name
				_, row := called[name]
				assert.NotEqual(t, row, slices.Contains(contractComposites, name), "%s is in the table, or one of those that make more of it", name)
				seen++
			}
			if f.Name == "Generation" {
				walk("Generation.", f.Type.Elem())
			}
		}
	}
	walk("", reflect.TypeFor[Client]())
	assert.Greater(t, seen, len(called))
	for _, name := range contractComposites {
		_, ok := methodNamed(c, name)
		assert.True(t, ok, name)
	}
}
