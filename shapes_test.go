package modelslab

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The shapes: what an endpoint answers has not one form, and its method must make
// the same of each. testdata/answers/<endpoint>/<shape>.json are answers that all
// tell the same facts, as default.json does in the documented form; an empty file
// is 204 No Content. Where a shape cannot tell all of it, the row says what it does
// tell.

// answerBody is an answer's body.
type answerBody []byte

func answerFile(t testing.TB, endpoint, shape string) answerBody {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "answers", answersOf(endpoint), shape+".json"))
	require.NoError(t, err)
	return b
}

// step answers with the body.
func (b answerBody) step(status int) step {
	if len(b) == 0 {
		return says(http.StatusNoContent, "")
	}
	return says(status, string(b), "Content-Type", "application/json")
}

// dense is the body without white space.
func (b answerBody) dense(t testing.TB) answerBody {
	t.Helper()
	var buf bytes.Buffer
	if len(b) > 0 {
		require.NoError(t, json.Compact(&buf, b))
	}
	return buf.Bytes()
}

// requestID is what a body has as meta.request_id.
func (b answerBody) requestID() string {
	var w struct {
		Meta struct {
			RequestID string `json:"request_id"`
		} `json:"meta"`
	}
	_ = json.Unmarshal(b, &w) // meta may be anything
	return w.Meta.RequestID
}

// shapeRow is what all answers to a golden request's call must become.
type shapeRow struct {
	call string         // the golden request
	want any            // nil: the method has no result
	but  map[string]any // by shape: what that shape can tell
}

// having is a result with something else in it.
func having[T any](v *T, change func(*T)) *T {
	other := *v
	change(&other)
	return &other
}

// each is a list with something else in each of its elements.
func each[T any](list []T, change func(*T)) []T {
	list = slices.Clone(list)
	for i := range list {
		change(&list[i])
	}
	return list
}

func at(year int, month time.Month, day, hour, minute, second int) Timestamp {
	return Timestamp{time.Date(year, month, day, hour, minute, second, 0, time.UTC)}
}

func dollarsOf(t testing.TB, s string) *Amount {
	t.Helper()
	a, err := ParseAmount(s)
	require.NoError(t, err)
	return &a
}

// tidy makes results comparable that callers cannot tell apart: empty lists and
// nil ones, and moments in different zones.
func tidy(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			tidy(v.Elem())
		}
	case reflect.Slice:
		if v.Len() == 0 {
			if v.CanSet() {
				v.SetZero()
			}
			return
		}
		for i := range v.Len() {
			tidy(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[Timestamp]() {
			if v.CanSet() {
				v.Set(reflect.ValueOf(Timestamp{v.Interface().(Timestamp).UTC()}))
			}
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				tidy(v.Field(i))
			}
		}
	}
}

// tidied is v, tidied; lists come as their own pointers so that empty ones are too.
func tidied(v any) any {
	if v == nil {
		return nil
	}
	p := reflect.New(reflect.TypeOf(v))
	p.Elem().Set(reflect.ValueOf(v))
	tidy(p)
	return p.Elem().Interface()
}

func accountShapes(t testing.TB) []shapeRow {
	t.Helper()
	money := func(s string) Amount { return *dollarsOf(t, s) }

	ada := &User{ID: 123, Name: "Ada", Email: contractMail, Username: "ada123", Verified: true}
	unverified := having(ada, func(u *User) { u.Verified = false })
	signup := &Signup{Message: "We have mailed a code to you.", User: unverified}
	login := &Session{
		AccessToken: NewSecret("31|login-token"), APIKey: NewSecret("gen-key-1"), TokenType: "Bearer", TokenExpiry: TokenExpiryWeek,
		ExpiresAt: Ptr(at(2026, 3, 21, 9, 30, 0)), User: ada,
	}
	later := having(login, func(s *Session) { s.Scopes, s.TokenLifetimeCapped = []string{"models:read", "wallet:read"}, true })
	onlyToken := &Session{AccessToken: login.AccessToken}
	verified := &Session{
		AccessToken: NewSecret("30|first-token"), APIKey: NewSecret("gen-key-1"), TokenType: "Bearer", ExpiresAt: Ptr(at(2026, 4, 14, 18, 0, 0)),
		User: ada, Message: "The address is yours.",
	}
	refreshed := &Session{
		AccessToken: NewSecret("32|refreshed-token"), APIKey: NewSecret(goldenAPIKey), TokenType: "Bearer", TokenExpiry: TokenExpiryThreeMonths,
		ExpiresAt: Ptr(at(2026, 5, 20, 9, 30, 0)), Message: "Use this one from now on.",
	}
	switched := &Session{AccessToken: NewSecret("33|team-token"), TokenType: "Bearer", TokenExpiry: TokenExpiryNever, Message: "You act for charles-shop now."}
	tokens := []AccessToken{
		{
			ID: 31, Name: "night builds", Scopes: []string{"models:read", "wallet:read"}, CreatedAt: at(2026, 1, 5, 8, 0, 0),
			LastUsedAt: Ptr(at(2026, 2, 15, 10, 0, 0)), ExpiresAt: Ptr(at(2026, 3, 21, 9, 30, 0)),
		},
		{ID: 17, Name: "agent-control-plane", Scopes: []string{"*"}, CreatedAt: at(2025, 12, 24, 0, 0, 0)},
	}

	profile := &Profile{
		ID: 123, Name: "Ada", Email: contractMail, Username: "ada123", AboutMe: "Counts what can be counted.", Verified: true,
		CreatedAt: at(2026, 1, 5, 8, 0, 0), WalletBalance: Ptr(Cents(7550)), Currency: "USD",
		Preferences: &ProfilePreferences{WalletNotificationEnabled: true, WalletNotificationThreshold: Ptr(Dollars(10))},
		Socials:     ProfileSocials{GitHub: "ada-king", Twitter: "adaking", Discord: "ada#1815"},
	}
	keys := []APIKey{
		{ID: 8, Name: "thumbnails", Key: NewSecret("mlk_whole_8f2c"), Notes: "For the nightly run.", CreatedAt: at(2026, 2, 1, 12, 0, 0)},
		{ID: 5, Name: "default", Key: NewSecret("mlk_****91ab"), CreatedAt: at(2026, 1, 5, 8, 0, 0)},
	}

	usage := &UsageSummary{TotalCalls: Ptr[int64](1284), CreditsUsed: "310.5", CreditsRemaining: "689.5", WalletBalance: Ptr(Cents(7550)), Currency: "USD"}
	products := []ProductUsage{
		{Product: "imagen", Calls: 120, Limit: Ptr[int64](1000), Remaining: Ptr[int64](880), PercentageUsed: "12", Cost: Ptr(Cents(240))},
		{Product: "llmaster", Calls: 7, PercentageUsed: "0", Cost: dollarsOf(t, "0.035")},
	}
	history := &UsagePage{Items: []UsageRecord{
		{ID: 9002, Type: "image", Endpoint: "/api/v6/images/text2img", Status: "success", Cost: dollarsOf(t, "0.0047"), CreatedAt: at(2026, 2, 15, 10, 0, 0)},
		{ID: 9001, Type: "video", Endpoint: "/api/v6/video/text2video", Status: "failed", CreatedAt: at(2026, 2, 14, 23, 59, 59)},
	}}
	history57 := having(history, func(p *UsagePage) { p.Total = 57 })

	models := &ModelPage{
		Items: []Model{
			{
				ModelID: "flux-dev", ModelName: "Flux Dev", Provider: "community", ModelType: "imagen", ModelSubcategory: "realistic", BaseModel: "flux",
				Description: "Paints what it is told.", Status: "model_ready", Tags: []string{"portrait", "line art"}, CreatedAt: at(2025, 7, 9, 20, 52, 8),
			},
			{
				ModelID: "midnight-ink", ModelName: "Midnight Ink", Provider: "ada", ModelType: "imagen", BaseModel: "sdxl", Status: "model_ready",
				IsNSFW: true, CreatedAt: at(2025, 12, 1, 0, 0, 0),
			},
		},
		Total: 812, CurrentPage: 3, PerPage: 2, LastPage: 406,
	}
	onlyTotal := having(models, func(p *ModelPage) { p.CurrentPage, p.PerPage, p.LastPage = 0, 0, 0 })
	fluxDev := having(&models.Items[0], func(m *Model) {
		m.EndpointConfigurations = []EndpointConfiguration{
			{
				Name:       "text2img",
				Parameters: json.RawMessage(`{"type":"object","properties":{"prompt":{"type":"string"},"steps":{"type":"integer","default":20,"enum":[10,20,50]}}}`),
				Config:     json.RawMessage(`[{"field":"prompt","widget":"textarea"}]`),
			},
			{Name: "img2img"},
		}
	})
	filters := &ModelFilters{
		Sorts: []string{"recommended", "latest", "most-used"}, ModelTypes: []string{"checkpoint", "lora"}, ModelSubcategories: []string{"anime", "realistic"},
		BaseModels: []string{"flux", "sdxl"}, Features: []string{"imagen", "audio_gen"},
	}

	enterprise := Subscription{ID: 45, PlanID: 10, PlanName: "Basic Enterprise", Status: "active", NextBillingDate: Ptr(at(2026, 3, 15, 10, 0, 0))}
	voices := Subscription{ID: 12, PlanID: 3, PlanName: "Voices", Feature: "addon", Status: "canceled"}
	cards := []PaymentMethod{
		{ID: contractCard, Brand: "visa", Last4: "4242", ExpMonth: 12, ExpYear: 2030, IsDefault: true},
		{ID: "pm_1Spare", Brand: "mastercard", Last4: "0005", ExpMonth: 4, ExpYear: 2028},
	}
	overview := &BillingOverview{
		WalletBalance: Ptr(Cents(7550)), Currency: "USD", TotalCharges: Ptr(Cents(12450)), TotalDeposits: Ptr(Dollars(200)), InvoiceCount: 3,
		ActiveSubscription: &enterprise, Subscriptions: []Subscription{enterprise, voices}, PaymentMethods: cards[:1],
	}
	attached := having(&cards[0], func(m *PaymentMethod) { m.IsDefault = false })
	stripe := &StripeConfig{PublishableKey: "pk_live_51NightKey", Instructions: "Give the card to Stripe with this key."}
	intent := &SetupIntent{
		SetupIntentID: "seti_1Night", ClientSecret: NewSecret("seti_1Night_secret_q9"), Status: "requires_payment_method", Instructions: "Confirm it at Stripe.",
	}
	link := &PaymentLink{
		PaymentURL: "https://checkout.stripe.com/c/pay/cs_test_b7Hn2k", SessionID: contractPage, Purpose: PurposeFund, Amount: Cents(2550),
		ExpiresAt: Ptr(at(2026, 2, 16, 10, 0, 0)), Instructions: "Show it to a person, then confirm.",
	}
	info := &BillingInfo{
		Name: "Ada King", Email: "billing@example.com", TaxID: "DE123456789", TaxIDType: "eu_vat", AddressLine1: "12 Example Street", AddressLine2: "Back house",
		AddressCity: "Berlin", AddressState: "BE", AddressPostalCode: "10115", AddressCountry: "DE",
	}
	nameAndMail := &BillingInfo{Name: info.Name, Email: info.Email}
	invoices := []Invoice{
		{ID: "in_1Paid", Number: "ML-0007", Amount: Ptr(Dollars(249)), Currency: "usd", Status: "paid", Description: "Basic Enterprise", CreatedAt: at(2026, 2, 15, 10, 0, 0)},
		{ID: "2041", Number: "ML-0006", Amount: Ptr(Cents(50)), Currency: "usd", Status: "open", CreatedAt: at(2026, 1, 15, 10, 0, 0)},
	}

	balance := &Balance{Balance: Cents(7550), Currency: "USD"}
	movements := &TransactionPage{
		Items: []Transaction{
			{ID: 456, Source: "stripe", TransactionID: "pi_3Night", Type: "credit", Amount: Dollars(25), Status: "success", UseCase: "wallet_funding", CreatedAt: at(2026, 2, 15, 10, 0, 0)},
			{
				ID: 455, Source: "api", TransactionID: "987", Type: "debit", Amount: money("0.0047"), Status: "success", UseCase: "image_generation", Description: "1 image",
				CreatedAt: at(2026, 2, 15, 9, 0, 0),
			},
		},
		Count: 2, Total: 12,
		Wallet: WalletSummary{Balance: Ptr(Cents(7550)), Currency: "USD", TotalCredited: Ptr(Dollars(150)), AmountUsed: Ptr(Cents(7450))},
	}
	noWallet := having(movements, func(p *TransactionPage) { p.Wallet = WalletSummary{} })
	noTotal := having(noWallet, func(p *TransactionPage) { p.Total = 0 })
	funded := &Funding{Status: "succeeded", PaymentIntentID: "pi_3Night", Message: "The wallet is fuller now.", Balance: Ptr(Dollars(101))}
	confirmed := &Funding{Status: "paid", PaymentIntentID: "pi_3Page", Message: "Thank you.", Balance: Ptr(Dollars(101))}
	auto := &AutoFunding{Enabled: true, AutoChargeAmount: Dollars(25), ChargeThreshold: Cents(750), Message: "It refills itself."}
	coupon := &Coupon{CouponCode: "SPRING & 25%", Type: "bonus", Valid: true, Amount: Ptr(Dollars(10)), Message: "Ten dollars on top."}
	spent := &Coupon{CouponCode: "SPRING & 25%", Message: "It ended in March."}
	payment := &PaymentStatus{Status: "succeeded", PaymentIntentID: "pi_3Night", Amount: Ptr(Dollars(25)), Currency: "usd"}

	plans := &Plans{
		SubscriptionPlans: []Plan{
			{ID: 10, Name: "Basic Enterprise", Category: "enterprise", Type: "basic", Period: "monthly", Price: Ptr(Dollars(249)), Features: []string{"A server of one's own", "No queue"}},
			{ID: 21, Name: "Premium", Category: "normal", Type: "premium", Period: "yearly", Price: Ptr(Cents(4750)), APICallLimit: 10000, RateLimit: 15},
		},
		PayAsYouGo: &PayAsYouGo{Available: true, Description: "Pay for each picture.", MinimumTopupUSD: Ptr(Dollars(10)), Currency: "USD",
			AutoPayments: AutoPayments{Supported: true, Description: "Refill by itself.", ConfigureEndpoint: "PUT /wallet/auto-funding", DisableEndpoint: "DELETE /wallet/auto-funding"}, FundEndpoint: "POST /wallet/fund"},
	}
	plansAlone := having(plans, func(p *Plans) { p.PayAsYouGo = nil })
	subscriptions := []Subscription{
		*having(&enterprise, func(s *Subscription) { s.Feature, s.StripeSubscriptionID = "enterprise", "sub_1Night" }),
		*having(&voices, func(s *Subscription) { s.Status = "past_due" }),
	}
	bought := &SubscriptionResult{
		Status: "active", Message: "Welcome on board.", StripeSubscriptionID: "sub_1Night",
		Subscription: &Subscription{ID: 45, PlanID: 10, Feature: "enterprise", Status: "active", StripeSubscriptionID: "sub_1Night"},
	}
	status := &Subscription{
		ID: 45, PlanID: 10, PlanName: "Basic Enterprise", Status: "active", StripeSubscriptionID: "sub_1Night", Amount: Ptr(Dollars(249)),
		CurrentPeriodStart: Ptr(at(2026, 2, 15, 10, 0, 0)), CurrentPeriodEnd: Ptr(at(2026, 3, 15, 10, 0, 0)), NextBillingDate: Ptr(at(2026, 3, 15, 10, 0, 0)),
	}
	change := func(message string, sub Subscription) *SubscriptionChange {
		return &SubscriptionChange{Status: sub.Status, Message: message, Subscription: &sub}
	}

	charles := TeamMember{
		ID: 77, Name: "Charles", Email: "charles@example.com", Role: "viewer", Status: "accepted", Permissions: []string{"models", "billing"},
		CreatedAt: at(2026, 2, 1, 12, 0, 0),
	}
	grace := TeamMember{ID: 78, InviteID: contractInvite, Email: "grace@example.com", Role: "editor", Status: "pending", CreatedAt: at(2026, 2, 10, 12, 0, 0)}
	image := &Generation{
		ID: "12345678", Path: "/api/v6/images/text2img", Status: StatusSuccess,
		Output:     []string{"https://cdn.example.com/0.png", "https://cdn.example.com/1.png"},
		ProxyLinks: []string{"https://proxy.example.com/0.png", "https://proxy.example.com/1.png"},
	}

	return []shapeRow{
		{call: "auth.signup", want: signup, but: map[string]any{
			"token_at_once":       having(signup, func(s *Signup) { s.AccessToken, s.APIKey = NewSecret("29|too-early"), NewSecret("gen-key-early") }),
			"token_as_token":      &Signup{Message: signup.Message, AccessToken: NewSecret("29|too-early")},
			"message_only":        &Signup{Message: signup.Message},
			"message_beside_null": &Signup{}, // there is no data
			"empty_array":         &Signup{},
			"no_content":          &Signup{},
		}},
		{call: "auth.login", want: login, but: map[string]any{
			"later_fields": later, "later_fields_loose": later, "nulls": onlyToken, "only_a_token": onlyToken,
		}},
		{call: "auth.verify_email", want: verified, but: map[string]any{"no_api_key": having(verified, func(s *Session) { s.APIKey = Secret{} })}},
		{call: "auth.verify", want: having(verified, func(s *Session) { s.Scopes = []string{"*"} })},
		{call: "auth.verify_link", want: verified},
		{call: "auth.refresh", want: refreshed, but: map[string]any{
			"never_expires": having(refreshed, func(s *Session) { s.TokenExpiry, s.ExpiresAt = TokenExpiryNever, nil }),
		}},
		{call: "auth.logout"}, {call: "auth.logout_all"}, {call: "auth.resend_verification"}, {call: "auth.forgot_password"}, {call: "auth.reset_password"},
		{call: "auth.tokens", want: tokens, but: map[string]any{"empty": []AccessToken{}}},
		{call: "auth.revoke_token"}, {call: "auth.revoke_other_tokens"},
		{call: "auth.switch_account", want: switched, but: map[string]any{"only_a_token": &Session{AccessToken: switched.AccessToken}}},

		{call: "profile.get", want: profile, but: map[string]any{
			"empty_arrays": having(profile, func(p *Profile) {
				p.WalletBalance, p.Currency, p.Preferences, p.Socials = nil, "", nil, ProfileSocials{}
			}),
			"nulls": &Profile{ID: 123, Email: contractMail},
		}},
		{call: "profile.update", want: &Profile{
			ID: 123, Name: "Ada King", Email: contractMail, Username: "ada-king", AboutMe: "Writes programs for machines that are not built yet.", Verified: true,
			CreatedAt: profile.CreatedAt, WalletBalance: profile.WalletBalance,
		}},
		{call: "profile.update_password"}, {call: "profile.update_socials"}, {call: "profile.update_preferences"},

		{call: "api_keys.list", want: keys, but: map[string]any{
			"without_keys": each(keys, func(k *APIKey) { k.Key = Secret{} }), "empty": []APIKey{},
		}},
		{call: "api_keys.create", want: having(&keys[0], func(k *APIKey) { k.Notes = "For the nightly run; change it in June." })},
		{call: "api_keys.get", want: &keys[0], but: map[string]any{
			"masked":      having(&keys[0], func(k *APIKey) { k.Key, k.Notes = NewSecret("mlk_****8f2c"), "" }),
			"without_key": &APIKey{ID: 8, Name: "thumbnails"},
		}},
		{call: "api_keys.update", want: having(&keys[0], func(k *APIKey) {
			k.Name, k.Key, k.Notes = "thumbnails 2", NewSecret("mlk_****8f2c"), "Also for previews."
		})},
		{call: "api_keys.delete"},

		{call: "usage.summary", want: usage, but: map[string]any{
			"nulls":             &UsageSummary{},
			"zeros":             &UsageSummary{TotalCalls: Ptr[int64](0), CreditsUsed: "0", CreditsRemaining: "0", WalletBalance: &Amount{}, Currency: "usd"},
			"unknown_keys_only": &UsageSummary{},
		}},
		{call: "usage.products", want: products, but: map[string]any{
			// total_api_call is what the plan allows: 999 beside 897 remaining and 10 % used in
			// the documentation of the sibling endpoint. The calls made are what is gone of it.
			"keyed_as_the_sibling": []ProductUsage{
				{Product: "imagen", Calls: 120, Limit: Ptr[int64](1000), Remaining: Ptr[int64](880), PercentageUsed: "12"},
				{Product: "llmaster", Limit: Ptr[int64](50), Remaining: Ptr[int64](50), PercentageUsed: "0"},
			},
			"empty": []ProductUsage{}, "empty_object": []ProductUsage{},
		}},
		{call: "usage.history", want: history, but: map[string]any{
			"items_pagination": history57, "items_total": history57, "named": history57, "paginator": history57, "resource": history57, "total_in_meta": history57,
			"empty": &UsagePage{},
		}},

		{call: "models.search", want: models, but: map[string]any{
			"total_in_meta": onlyTotal, "items_total": onlyTotal, "named": onlyTotal, "keyed": onlyTotal,
			"bare":  &ModelPage{Items: models.Items},
			"empty": &ModelPage{CurrentPage: 3, PerPage: 50, LastPage: 1},
		}},
		{call: "models.filters", want: filters, but: map[string]any{"empty": &ModelFilters{}}},
		{call: "models.tags", want: []string{"anime", "portrait", "line art"}, but: map[string]any{"empty": []string{}}},
		{call: "models.providers", want: []string{"community", "ada"}},
		{call: "models.get", want: fluxDev, but: map[string]any{
			"without_configurations": &models.Items[0], "least": &Model{ModelID: "flux-dev"},
		}},

		{call: "billing.overview", want: overview, but: map[string]any{
			"nothing_yet":                    &BillingOverview{WalletBalance: &Amount{}, Currency: "USD", TotalCharges: &Amount{}, TotalDeposits: &Amount{}},
			"empty_array_for_a_subscription": &BillingOverview{WalletBalance: &Amount{}, Currency: "USD"},
		}},
		{call: "billing.stripe_config", want: stripe, but: map[string]any{
			"without_instructions": &StripeConfig{PublishableKey: stripe.PublishableKey},
		}},
		{call: "billing.setup_intent", want: intent, but: map[string]any{
			"least": &SetupIntent{SetupIntentID: intent.SetupIntentID, ClientSecret: intent.ClientSecret},
		}},
		{call: "billing.payment_link", want: link, but: map[string]any{
			"least": having(link, func(l *PaymentLink) { l.ExpiresAt, l.Instructions = nil, "" }),
		}},
		{call: "billing.payment_methods", want: cards, but: map[string]any{"empty": []PaymentMethod{}}},
		{call: "billing.attach_payment_method", want: attached, but: map[string]any{
			"message_only": &PaymentMethod{ID: contractCard}, "no_content": &PaymentMethod{ID: contractCard},
		}},
		{call: "billing.set_default_payment_method"}, {call: "billing.delete_payment_method"},
		{call: "billing.info", want: info, but: map[string]any{
			"nulls": nameAndMail, "empty_array_for_the_address": nameAndMail, "empty_array": &BillingInfo{},
		}},
		{call: "billing.update_info", want: info, but: map[string]any{"message_only": &BillingInfo{}, "no_content": &BillingInfo{}}},
		{call: "billing.invoices", want: invoices, but: map[string]any{
			"only_what_is_known": []Invoice{
				{ID: "in_1Paid", Amount: Ptr(Dollars(249)), Status: "paid", CreatedAt: invoices[0].CreatedAt},
				{ID: "2041", Status: "draft"},
			},
			"empty": []Invoice{},
		}},
		{call: "billing.invoice", want: &invoices[0]},
		{call: "billing.invoice_links", want: &InvoiceLinks{PDFURL: "https://files.example.com/in_1Paid.pdf", ReceiptURL: "https://pay.example.com/receipts/1"}, but: map[string]any{
			"url_at_top":      &InvoiceLinks{URL: "https://files.example.com/in_1Paid.pdf"},
			"url":             &InvoiceLinks{URL: "https://files.example.com/in_1Paid.pdf"},
			"url_beside_data": &InvoiceLinks{URL: "https://files.example.com/in_1Paid.pdf"},
			"stripe_names":    &InvoiceLinks{InvoicePDF: "https://files.example.com/in_1Paid.pdf", HostedInvoiceURL: "https://pay.example.com/invoices/1"},
			"all_bare": &InvoiceLinks{
				URL: "https://files.example.com/in_1Paid.pdf", PDFURL: "https://files.example.com/pdf/1", InvoicePDF: "https://files.example.com/pdf/2",
				ReceiptURL: "https://pay.example.com/receipts/1", HostedInvoiceURL: "https://pay.example.com/invoices/1",
			},
			"nulls": &InvoiceLinks{ReceiptURL: "https://pay.example.com/receipts/1"},
		}},

		{call: "wallet.balance", want: balance, but: map[string]any{
			"lower_case": &Balance{Balance: balance.Balance, Currency: "usd"},
			"zero":       &Balance{Currency: "USD"},
			"debt":       &Balance{Balance: money("-0.0025")},
		}},
		{call: "wallet.transactions", want: movements, but: map[string]any{
			"array": noTotal, "bare": noTotal, "paginator": noWallet, "resource": noWallet, "wallet_empty_array": &TransactionPage{},
		}},
		{call: "wallet.fund", want: funded, but: map[string]any{"balance_only": &Funding{Status: "succeeded", Balance: funded.Balance}}},
		{call: "wallet.confirm_checkout", want: confirmed, but: map[string]any{"balance_only": &Funding{Status: "succeeded", Balance: confirmed.Balance}}},
		{call: "wallet.set_auto_funding", want: auto, but: map[string]any{"no_content": having(auto, func(f *AutoFunding) { f.Message = "" })}},
		{call: "wallet.disable_auto_funding"},
		{call: "wallet.withdraw", want: &Withdrawal{Status: "success", Message: "On its way.", Amount: Cents(2025), Balance: Ptr(Cents(5525))}},
		{call: "wallet.validate_coupon", want: coupon, but: map[string]any{"not_valid": spent, "not_valid_loose": spent}},
		{call: "wallet.validate_coupon_by_post", want: having(coupon, func(c *Coupon) { c.CouponCode = "SPRING25" })},
		{call: "wallet.redeem_coupon", want: &CouponRedemption{
			Status: "success", PaymentIntentID: "pi_3Bonus", Message: "Redeemed.", Amount: Ptr(Dollars(10)), Balance: Ptr(Cents(12625)),
		}},
		{call: "payments.status", want: payment, but: map[string]any{
			"upper_case":     having(payment, func(p *PaymentStatus) { p.Currency = "USD" }),
			"without_amount": having(payment, func(p *PaymentStatus) { p.Amount, p.Currency = nil, "" }),
		}},

		{call: "subscriptions.plans", want: plans, but: map[string]any{
			"array": plansAlone, "items_total": plansAlone,
			"described": &Plans{
				SubscriptionPlans: []Plan{{ID: 10, Name: "Basic Enterprise", Category: "enterprise", Type: "basic", Period: "monthly", Description: "Ask for a price."}},
				PayAsYouGo:        &PayAsYouGo{},
			},
		}},
		{call: "subscriptions.list", want: subscriptions, but: map[string]any{
			"paginator": []Subscription{*having(&subscriptions[0], func(s *Subscription) { s.NextBillingDate = Ptr(at(2026, 3, 15, 0, 0, 0)) }), subscriptions[1]},
			"empty":     []Subscription{}, "empty_kinds": []Subscription{},
		}},
		{call: "subscriptions.create", want: bought},
		{call: "subscriptions.confirm_checkout", want: bought, but: map[string]any{"status_only": &SubscriptionResult{Status: "active"}}},
		{call: "subscriptions.status", want: status, but: map[string]any{
			"documented_only": having(status, func(s *Subscription) { s.PlanName, s.Amount, s.CurrentPeriodEnd, s.NextBillingDate = "", nil, nil, nil }),
		}},
		{call: "subscriptions.change_plan", want: change("The plan is another one.", Subscription{
			ID: 45, PlanID: 21, PlanName: "Premium", Feature: "normal", Status: "active", StripeSubscriptionID: "sub_1Night",
		})},
		{
			call: "subscriptions.pause",
			want: change("It rests.", Subscription{ID: 45, PlanID: 10, PlanName: "Basic Enterprise", Status: "paused", StripeSubscriptionID: "sub_1Night"}),
			but:  map[string]any{"message_only": &SubscriptionChange{Message: "It rests."}, "no_content": &SubscriptionChange{}},
		},
		{call: "subscriptions.resume", want: change("It runs again.", Subscription{
			ID: 45, PlanID: 10, PlanName: "Basic Enterprise", Status: "active", StripeSubscriptionID: "sub_1Night",
		})},
		{call: "subscriptions.reset_cycle", want: change("The month begins today.", Subscription{
			ID: 45, PlanID: 10, Status: "active", CurrentPeriodStart: Ptr(at(2026, 2, 20, 0, 0, 0)), CurrentPeriodEnd: Ptr(at(2026, 3, 20, 0, 0, 0)),
		})},
		{call: "subscriptions.charge_amount", want: &AmountCharge{Status: "succeeded", PaymentIntentID: "pi_3Charge", Message: "Charged.", Amount: Cents(4999)}},
		{call: "subscriptions.fix_payment", want: change("Paid after all.", Subscription{ID: 45, PlanID: 10, Status: "active", StripeSubscriptionID: "sub_1Night"})},

		{call: "teams.list", want: []TeamMember{charles, grace}, but: map[string]any{"empty_lists": []TeamMember{}}},
		{
			call: "teams.invite",
			want: having(&grace, func(m *TeamMember) { m.Email, m.Role = charles.Email, "night-operator" }),
			but:  map[string]any{"message_only": &TeamMember{Email: charles.Email}},
		},
		{call: "teams.get", want: &charles, but: map[string]any{"nulls": &TeamMember{ID: 77, Email: charles.Email, Status: "accepted"}}},
		{call: "teams.update", want: &charles},
		{call: "teams.delete"}, {call: "teams.resend_invite"}, {call: "teams.accept_invite"},

		{call: "images.text2img", want: image},
	}
}

// shapeRows are all of them.
func shapeRows(t testing.TB) []shapeRow {
	t.Helper()
	return append(accountShapes(t), generationShapes(t)...)
}

// callNamed is the call of a golden request.
func callNamed(t testing.TB, name string) contractRow {
	t.Helper()
	i := slices.IndexFunc(contract, func(row contractRow) bool { return row.golden == name })
	require.GreaterOrEqual(t, i, 0, name)
	return contract[i]
}

func TestShapes(t *testing.T) {
	rows := shapeRows(t)
	for _, row := range rows {
		call := callNamed(t, row.call)
		shapes := stems(t, filepath.Join("answers", answersOf(row.call)))
		for _, shape := range slices.Sorted(maps.Keys(row.but)) {
			assert.Contains(t, shapes, shape, "%s: an exception for no file", row.call)
		}
		for _, shape := range shapes {
			want, excepted := row.but[shape]
			if !excepted {
				want = row.want
			}
			body := answerFile(t, row.call, shape)
			statuses := []int{http.StatusOK}
			if method := readGolden(t, row.call).Method; method != get && call.before == nil {
				statuses = append(statuses, http.StatusCreated)
			}
			for _, status := range statuses {
				for form, body := range map[string]answerBody{"as it is": body, "dense": body.dense(t)} {
					t.Run(strings.Join([]string{row.call, shape, http.StatusText(status), form}, "/"), func(t *testing.T) {
						steps := []step{body.step(status)}
						if call.before != nil {
							steps = append([]step{call.before}, steps...)
						}
						c, _ := onWire(t, steps...)
						var resp Response
						got, err := call.call(t.Context(), c, WithResponse(&resp))
						require.NoError(t, err)
						assert.Equal(t, string(body), string(resp.Raw), "all that was sent can be had")
						if id := body.requestID(); id != "" {
							assert.Equal(t, id, resp.RequestID)
						}
						assert.Equal(t, strings.Contains(shape, "replay"), resp.IdempotencyReplay)
						if row.want == nil {
							assert.Nil(t, got)
							return
						}
						if g, ok := got.(*Generation); ok {
							assert.Equal(t, string(bytes.TrimSpace(body)), string(g.Raw))
							g.Raw = nil
						}
						assert.Equal(t, tidied(want), tidied(got))
					})
				}
			}
		}
	}
}

func TestShapesOfEveryEndpoint(t *testing.T) {
	rows := map[string]shapeRow{}
	for _, row := range shapeRows(t) {
		assert.NotContains(t, rows, row.call)
		rows[row.call] = row
	}
	for _, e := range Endpoints() {
		row, ok := rows[e.Name]
		if !assert.True(t, ok, "%s has no row", e.Name) {
			continue
		}
		delete(rows, e.Name)
		c, _ := onWire(t, says(http.StatusOK, "{}"))
		if m, ok := methodNamed(c, e.Call); assert.True(t, ok, e.Call) {
			assert.Equal(t, m.Type().NumOut() == 2, row.want != nil, "%s: a result to expect", e.Name)
			if row.want != nil {
				assert.Equal(t, m.Type().Out(0), reflect.TypeOf(row.want), e.Name)
			}
		}
		// Whatever else a shape tells, it tells no other type.
		for shape, other := range row.but {
			assert.Equal(t, reflect.TypeOf(row.want), reflect.TypeOf(other), "%s/%s", e.Name, shape)
		}
	}
	assert.Empty(t, rows, "rows of no endpoint")
}

// Every form that a list is known to take occurs, and so does every other oddity.
func TestShapesHoldEveryQuirk(t *testing.T) {
	all := map[string]string{}
	err := filepath.WalkDir(filepath.Join("testdata", "answers"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	require.NoError(t, err)
	for _, quirk := range []string{
		`"pagination":`, `"total":`, `"total": "`, `"current_page":`, `"last_page":`, `"per_page":`, `"next_page_url":`, `"links":`, `"count":`, `"count": "`, `"items":`,
		`"meta": []`, `"meta": null`, `"meta": {}`, `"error": null`, `"error": []`, `"data": []`, `"data": {}`, `"data": null`, `"data": true`,
		`"token":`, `"access_token":`, `"token_expiry_effective":`, `"token_lifetime_capped":`, `"scopes":`, `"abilities":`,
		`"model_name":`, `"name":`, `"title":`, `"provider":`, `"model_category":`, `"model_type":`, `"feature":`,
		`"about_me":`, `"about":`, `"period":`, `"interval":`, `"balance":`, `"wallet":`, `"wallet_balance":`, `"wallet": []`,
		`"requests":`, `"calls":`, `"product":`, `"total_api_call":`, `"api_call_remaining":`, `"percentage_used":`,
		`"card":`, `"address":`, `"address": []`, `"address_line1":`, `"subscription":`, `"active_subscription": []`, `"preferences": []`,
		`"url":`, `"pdf_url":`, `"invoice_pdf":`, `"receipt_url":`, `"hosted_invoice_url":`,
		`"members":`, `"invites":`, `"invitations":`, `"invite_status":`, `"coupon_code":`, `"code":`,
		`"idempotency_replay": true`, `"idempotency_replay": 1`, `"idempotency_replay": "true"`, `"idempotency_replay": "1"`, `"idempotency_replay": false`,
		`": "yes"`, `": "no"`, `": "true"`, `": "false"`, `": "1"`, `": "0"`, `": 1`, `": 0`, `": true`, `": false`,
		`"amount": 25.00`, `"amount": "25.00"`, `"amount": 25,`, `"currency": "usd"`, `"currency": "USD"`, `"id": 45`, `"id": "45"`,
		`T10:00:00Z"`, `T10:00:00+00:00"`, `T10:00:00.000000Z"`, ` 10:00:00"`, `+01:00"`, `_at": null`, `_at": ""`,
	} {
		found := slices.ContainsFunc(slices.Collect(maps.Values(all)), func(body string) bool { return strings.Contains(body, quirk) })
		assert.True(t, found, "no answer has %s", quirk)
	}
	bare, none := 0, 0
	for path, body := range all {
		switch {
		case body == "":
			none++
		case strings.HasPrefix(body, "["), !strings.Contains(body, `"data"`) && !strings.Contains(path, "text2img"):
			bare++
		}
	}
	assert.Greater(t, bare, 30, "answers without an envelope")
	assert.Greater(t, none, 15, "answers without a body")
}

// Words that nobody has foretold pass through wherever a result has a word.
func TestShapesPassUnknownWordsThrough(t *testing.T) {
	const unknown = "of_next_year"
	for _, tt := range []struct{ call, member, word string }{
		{"auth.login", "token_type", "Bearer"}, {"auth.login", "token_expiry", "1_week"}, {"auth.refresh", "token_expiry", "3_months"},
		{"usage.products", "product", "llmaster"}, {"usage.history", "type", "video"}, {"usage.history", "status", "failed"},
		{"models.search", "model_type", "imagen"}, {"models.search", "status", "model_ready"}, {"models.search", "model_subcategory", "realistic"},
		{"models.search", "base_model", "sdxl"}, {"models.get", "provider", "community"}, {"models.get", "status", "model_ready"},
		{"billing.overview", "status", "active"}, {"billing.overview", "currency", "USD"}, {"billing.setup_intent", "status", "requires_payment_method"},
		{"billing.payment_methods", "brand", "visa"}, {"billing.info", "tax_id_type", "eu_vat"},
		{"billing.invoices", "status", "open"}, {"billing.invoice", "status", "paid"}, {"billing.invoice", "currency", "usd"},
		{"wallet.balance", "currency", "USD"}, {"wallet.transactions", "type", "debit"}, {"wallet.transactions", "status", "success"},
		{"wallet.transactions", "usecase", "image_generation"}, {"wallet.transactions", "source", "api"}, {"wallet.validate_coupon", "type", "bonus"},
		{"payments.status", "status", "succeeded"}, {"payments.status", "currency", "usd"},
		{"subscriptions.plans", "category", "normal"}, {"subscriptions.plans", "period", "yearly"}, {"subscriptions.plans", "type", "basic"},
		{"subscriptions.list", "status", "past_due"}, {"subscriptions.list", "feature", "addon"}, {"subscriptions.status", "status", "active"},
		{"subscriptions.pause", "status", "paused"},
		{"teams.list", "role", "editor"}, {"teams.list", "status", "pending"}, {"teams.get", "role", "viewer"}, {"teams.update", "status", "accepted"},
	} {
		t.Run(tt.call+"/"+tt.member, func(t *testing.T) {
			was := `"` + tt.member + `": "` + tt.word + `"`
			body := string(answerFile(t, tt.call, "default"))
			require.Contains(t, body, was)
			c, _ := onWire(t, says(http.StatusOK, strings.ReplaceAll(body, was, `"`+tt.member+`": "`+unknown+`"`)))
			got, err := callNamed(t, tt.call).call(t.Context(), c)
			require.NoError(t, err)
			b, err := json.Marshal(got)
			require.NoError(t, err)
			assert.Contains(t, string(b), unknown)
		})
	}
}

// Members that nobody has foretold are no reason to fail, whatever they are.
func TestShapesTakeUnknownMembers(t *testing.T) {
	for _, row := range shapeRows(t) {
		body := strings.TrimSpace(string(answerFile(t, row.call, "default")))
		if !strings.HasPrefix(body, "{") {
			continue
		}
		t.Run(row.call, func(t *testing.T) {
			const more = `"x_new":{"deep":[1,{"er":null}]},"x_list":[[]],"x_text":"}{][,:\"\\","x_number":-1.5e300,"x_null":null,`
			for _, body := range []string{"{" + more + body[1:], strings.Replace(body, `"data": {`, `"data": {`+more, 1)} {
				call := callNamed(t, row.call)
				steps := []step{says(http.StatusOK, body)}
				if call.before != nil {
					steps = append([]step{call.before}, steps...)
				}
				c, _ := onWire(t, steps...)
				got, err := call.call(t.Context(), c)
				require.NoError(t, err, body)
				if g, ok := got.(*Generation); ok {
					g.Raw = nil
				}
				if row.want != nil {
					assert.Equal(t, tidied(row.want), tidied(got))
				}
			}
		})
	}
}

// onlyAnswer is a row's network with one answer, after the one that comes first.
func (row contractRow) onlyAnswer(s step) []step {
	if row.before != nil {
		return []step{row.before, s}
	}
	return []step{s}
}

// What is no answer of the API is no success of any method, whatever its status.
func TestShapesThatAreNoAnswer(t *testing.T) {
	const page = "<!DOCTYPE html><html><head><title>Log in</title></head><body>" + contractPassword + "</body></html>"
	refusal := `{"data":null,"error":{"code":"validation_error","message":"No.","details":{"x":["No."]}},"meta":{"request_id":"r-no"}}`
	for _, row := range contract {
		keyed := readGolden(t, row.golden).Headers["Idempotency-Key"] != ""
		e := endpointNamed(endpointOf(row.golden))
		for _, tt := range []struct {
			name   string
			answer step
			is     error // nil: any error
		}{
			{"a page instead of an answer", says(http.StatusOK, page, "Content-Type", "text/html; charset=UTF-8"), nil},
			{"a page that says nothing of itself", says(http.StatusOK, page), nil},
			{"a redirect to a page", says(http.StatusFound, page, "Location", "https://modelslab.com/login"), nil},
			{"a body that breaks off", says(http.StatusOK, `{"data":{"message":"It goes`), nil},
			{"a refusal under a success's status", says(http.StatusOK, refusal), ErrValidation},
			{"a refusal", says(http.StatusUnprocessableEntity, refusal), ErrValidation},
			{"a refusal of the framework's", says(http.StatusUnprocessableEntity, `{"message":"No.","errors":{"x":["No."]}}`), ErrValidation},
			{"a token that is no more", says(http.StatusUnauthorized, `{"message":"Unauthenticated."}`), ErrUnauthenticated},
			{"a thing that is not there", says(http.StatusNotFound, `{"message":"No query results for model [X] 12"}`), ErrNotFound},
		} {
			t.Run(row.golden+"/"+tt.name, func(t *testing.T) {
				switch {
				case !e.generation():
				case e.Job && tt.name == "a refusal under a success's status":
					tt.is = ErrOutcomeUnknown // error is one member of many there, and no verdict
				case tt.name == "a refusal under a success's status", row.golden == "images.fetch_by_body":
					tt.is = nil // refused it is; the latter may say so of either question
				}
				c, wire := onWire(t, row.onlyAnswer(tt.answer)...)
				got, err := row.call(t.Context(), c)
				require.Error(t, err)
				assert.Nil(t, got)
				oneLine(t, err)
				assert.NotContains(t, err.Error(), contractPassword)
				api := apiOf(t, err)
				assert.NotZero(t, api.StatusCode)
				if tt.is != nil {
					confirm := strings.HasSuffix(row.golden, "confirm_checkout")
					if !confirm || api.Code == "validation_error" {
						require.ErrorIs(t, err, tt.is)
					}
				}
				if keyed && tt.name == "a page instead of an answer" {
					require.ErrorIs(t, err, ErrOutcomeUnknown)
				}
				assert.NotEmpty(t, wire.requests())
			})
		}
	}
}

// Whatever may charge a card can be declined, and can ask for its holder.
func TestShapesOfPaymentOutcomes(t *testing.T) {
	spends := map[string]bool{}
	for _, e := range Endpoints() {
		spends[e.Name] = e.Spends && e.Bearer
	}
	holder := `{"data":null,"error":{"code":"payment_declined","message":"Ask the holder.","details":{"decline_code":"authentication_required","payment_intent_id":"pi_3Night"}}}`
	for _, row := range contract {
		if !spends[endpointOf(row.golden)] {
			continue
		}
		for _, tt := range []struct {
			name   string
			status int
			body   string
			is     error
		}{
			{"declined", http.StatusPaymentRequired, string(roadAnswer(t, "payment_declined")), ErrPaymentDeclined},
			{"asks for its holder", http.StatusAccepted, string(roadAnswer(t, "payment_requires_action")), ErrRequiresAction},
			{"asks for its holder in a refusal", http.StatusPaymentRequired, holder, ErrRequiresAction},
		} {
			t.Run(row.golden+"/"+tt.name, func(t *testing.T) {
				c, wire := onWire(t, says(tt.status, tt.body))
				got, err := row.call(t.Context(), c)
				assert.Nil(t, got)
				assertKind(t, tt.is, err)
				assert.Len(t, wire.requests(), 1, "a definite answer is not asked for again")
				assert.NotContains(t, err.Error(), "_secret_")
			})
		}
	}
}

// roadAnswer is one of testdata's answers to a payment.
func roadAnswer(t testing.TB, name string) answerBody {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	return b
}

// A call whose result nobody documents takes an empty answer; one that reads
// something does not.
func TestShapesOfEmptyAnswers(t *testing.T) {
	rows := map[string]shapeRow{}
	for _, row := range shapeRows(t) {
		rows[row.call] = row
	}
	for _, row := range contract {
		want, ok := rows[row.golden]
		if !ok {
			continue
		}
		_, tolerated := want.but["no_content"]
		for name, answer := range map[string]step{
			"204":  says(http.StatusNoContent, ""),
			"null": says(http.StatusOK, `{"data":null,"error":null,"meta":{"request_id":"r-null"}}`),
		} {
			t.Run(row.golden+"/"+name, func(t *testing.T) {
				c, _ := onWire(t, row.onlyAnswer(answer)...)
				got, err := row.call(t.Context(), c)
				switch {
				case want.want == nil:
					require.NoError(t, err)
				case tolerated:
					require.NoError(t, err)
					assert.NotNil(t, got)
				case row.golden == "billing.info": // nobody has entered any yet
					require.NoError(t, err)
				case readGolden(t, row.golden).Method == get && row.golden != "auth.verify_link":
					require.Error(t, err, "what was to be read is not there")
					assert.Nil(t, got)
				}
			})
		}
	}
}

// Elements that are no objects are not passed off as empty ones.
func TestShapesOfElementsThatAreNone(t *testing.T) {
	for _, name := range []string{
		"auth.tokens", "api_keys.list", "usage.products", "usage.history", "models.search", "billing.payment_methods", "billing.invoices",
		"wallet.transactions", "subscriptions.plans", "subscriptions.list", "teams.list",
	} {
		for _, element := range []string{`7`, `"x"`, `true`, `[1]`} {
			t.Run(name+"/"+element, func(t *testing.T) {
				c, _ := onWire(t, says(http.StatusOK, `{"data":[`+element+`],"error":null,"meta":{}}`))
				got, err := callNamed(t, name).call(t.Context(), c)
				if err != nil {
					return
				}
				v := reflect.ValueOf(got)
				if v.Kind() == reflect.Pointer {
					v = v.Elem().Field(0)
				}
				assert.Zero(t, v.Len(), "%s became %v", element, got)
			})
		}
	}
}
