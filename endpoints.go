package modelslab

import (
	"net/http"
	"slices"
	"strings"

	"github.com/modelslab/modelslab-agents-go/internal/retry"
)

// Repeat says whether a request may be sent a second time by itself.
type Repeat string

// The repeat classes.
const (
	RepeatSafe  Repeat = "safe"  // reading: repeated on lost connections, 408 and 5xx
	RepeatKeyed Repeat = "keyed" // carries an idempotency key: repeated with the same one
	RepeatOnce  Repeat = "once"  // never repeated once bytes may have left, but for a 429
)

func (r Repeat) class() retry.Class {
	switch r {
	case RepeatSafe:
		return retry.Safe
	case RepeatKeyed:
		return retry.Keyed
	default:
		return retry.Once
	}
}

// Limiter names one of the server's rate limiters.
type Limiter string

// The limiters, with what the vendor documents of them (overview and headless
// flow pages). The server's answers have the last word.
const (
	LimiterAuth       Limiter = "agent-auth"    // 20 a minute for an IP and e-mail
	LimiterBilling    Limiter = "agent-billing" // 15 a minute for an IP and user
	LimiterGeneral    Limiter = "agent-general" // 120 a minute for an IP and user
	LimiterGeneration Limiter = "generation"    // no rate is documented: 5, 10 or 15 queued jobs by plan
)

// Endpoint is one row of the endpoint table: all that the client knows of an
// endpoint before it calls it.
type Endpoint struct {
	Name    string  // "wallet.fund": service and call
	Call    string  // the method that calls it: "Wallet.Fund"
	Method  string  // "POST"
	Path    string  // template; below /api/agents/v1 unless it starts with /api/ or is Outside
	Limiter Limiter // "": none is known
	Repeat  Repeat
	Spends  bool // may move money, or commit somebody to it
	Bearer  bool // sends the access token
	Outside bool // Path is below the origin itself
	Job     bool // submits a job, which takes a place in the account's queue until it ends
	// Known is how well the endpoint is known: "seed", "docs" and "skill" are
	// the vendor's texts, from the strongest; "later" is seen in newer public
	// copies only.
	Known string

	full  string   // Path from the origin on
	fetch endpoint // where a job of this row is asked for
	list  string   // the name that its list stands under, where the path does not say it
}

// Endpoints returns a copy of the endpoint table, for tools, docs and tests.
func Endpoints() []Endpoint { return slices.Clone(table[:]) }

// endpoint is a row's place in the table.
type endpoint int

// The rows of the table, in the order of the services.
const (
	authSignup endpoint = iota
	authLogin
	authVerifyEmail
	authVerify
	authVerifyLink
	authRefresh
	authLogout
	authLogoutAll
	authResendVerification
	authForgotPassword
	authResetPassword
	authTokens
	authRevokeToken
	authRevokeOtherTokens
	authSwitchAccount

	profileGet
	profileUpdate
	profileUpdatePassword
	profileUpdateSocials
	profileUpdatePreferences

	apiKeysList
	apiKeysCreate
	apiKeysGet
	apiKeysUpdate
	apiKeysDelete

	usageSummary
	usageProducts
	usageHistory

	modelsSearch
	modelsFilters
	modelsTags
	modelsProviders
	modelsGet

	billingOverview
	billingStripeConfig
	billingSetupIntent
	billingPaymentLink
	billingPaymentMethods
	billingAttachPaymentMethod
	billingSetDefaultPaymentMethod
	billingDeletePaymentMethod
	billingInfo
	billingUpdateInfo
	billingInvoices
	billingInvoice
	billingInvoiceLinks

	walletBalance
	walletTransactions
	walletFund
	walletConfirmCheckout
	walletSetAutoFunding
	walletDisableAutoFunding
	walletWithdraw
	walletValidateCoupon
	walletValidateCouponByPost
	walletRedeemCoupon
	paymentsStatus

	subscriptionsPlans
	subscriptionsList
	subscriptionsCreate
	subscriptionsConfirmCheckout
	subscriptionsStatus
	subscriptionsChangePlan
	subscriptionsPause
	subscriptionsResume
	subscriptionsResetCycle
	subscriptionsChargeAmount
	subscriptionsFixPayment

	teamsList
	teamsInvite
	teamsGet
	teamsUpdate
	teamsDelete
	teamsResendInvite
	teamsAcceptInvite

	agentsEndpoints // the rows of the generation APIs follow
)

const (
	agentsBase = "/api/agents/v1"

	get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
)

func (e endpoint) row() *Endpoint { return &table[e] }

//go:generate go run ./docs

var table = func() [endpointCount]Endpoint {
	open := func(name, call, path, known string) Endpoint {
		return Endpoint{Name: name, Call: call, Method: post, Path: path, Limiter: LimiterAuth, Repeat: RepeatOnce, Known: known}
	}
	read := func(name, call, path, known string) Endpoint {
		return Endpoint{Name: name, Call: call, Method: get, Path: path, Limiter: LimiterGeneral, Repeat: RepeatSafe, Bearer: true, Known: known}
	}
	write := func(name, call, method, path, known string) Endpoint {
		return Endpoint{Name: name, Call: call, Method: method, Path: path, Limiter: LimiterGeneral, Repeat: RepeatOnce, Bearer: true, Known: known}
	}
	// keyed rows are the billing mutations: all of them take an idempotency key.
	keyed := func(name, call, method, path, known string) Endpoint {
		return Endpoint{Name: name, Call: call, Method: method, Path: path, Limiter: LimiterBilling, Repeat: RepeatKeyed, Bearer: true, Known: known}
	}
	spend := func(name, call, method, path, known string) Endpoint {
		e := keyed(name, call, method, path, known)
		e.Spends = true
		return e
	}
	// The other name or verb of an endpoint: seen in newer public copies only.
	alias := func(of Endpoint, name, method, path string) Endpoint {
		of.Name, of.Method, of.Path, of.Known = name, method, path, "later"
		return of
	}

	rows := [endpointCount]Endpoint{
		authSignup:             open("auth.signup", "Auth.Signup", "/auth/signup", "seed"),
		authLogin:              open("auth.login", "Auth.Login", "/auth/login", "docs"),
		authVerifyEmail:        open("auth.verify_email", "Auth.VerifyEmail", "/auth/verify-email", "seed"),
		authVerifyLink:         {Name: "auth.verify_link", Call: "Auth.VerifyLink", Method: get, Path: "/verify/{token}", Repeat: RepeatOnce, Outside: true, Known: "docs"},
		authRefresh:            write("auth.refresh", "Auth.Refresh", post, "/auth/refresh", "docs"),
		authLogout:             write("auth.logout", "Auth.Logout", post, "/auth/logout", "docs"),
		authLogoutAll:          write("auth.logout_all", "Auth.LogoutAll", post, "/auth/logout-all", "docs"),
		authResendVerification: open("auth.resend_verification", "Auth.ResendVerification", "/auth/resend-verification", "docs"),
		authForgotPassword:     open("auth.forgot_password", "Auth.ForgotPassword", "/auth/forgot-password", "docs"),
		authResetPassword:      open("auth.reset_password", "Auth.ResetPassword", "/auth/reset-password", "docs"),
		authTokens:             read("auth.tokens", "Auth.Tokens", "/auth/tokens", "skill"),
		authRevokeToken:        write("auth.revoke_token", "Auth.RevokeToken", del, "/auth/tokens/{id}", "skill"),
		authRevokeOtherTokens:  write("auth.revoke_other_tokens", "Auth.RevokeOtherTokens", post, "/auth/tokens/revoke-others", "skill"),
		authSwitchAccount:      write("auth.switch_account", "Auth.SwitchAccount", post, "/auth/switch-account", "skill"),

		profileGet:               read("profile.get", "Profile.Get", "/me", "docs"),
		profileUpdate:            write("profile.update", "Profile.Update", patch, "/me", "docs"),
		profileUpdatePassword:    write("profile.update_password", "Profile.UpdatePassword", patch, "/me/password", "skill"),
		profileUpdateSocials:     write("profile.update_socials", "Profile.UpdateSocials", patch, "/me/socials", "skill"),
		profileUpdatePreferences: write("profile.update_preferences", "Profile.UpdatePreferences", patch, "/me/preferences", "docs"),

		apiKeysList:   read("api_keys.list", "APIKeys.List", "/api-keys", "docs"),
		apiKeysCreate: write("api_keys.create", "APIKeys.Create", post, "/api-keys", "docs"),
		apiKeysGet:    read("api_keys.get", "APIKeys.Get", "/api-keys/{id}", "docs"),
		apiKeysUpdate: write("api_keys.update", "APIKeys.Update", put, "/api-keys/{id}", "docs"),
		apiKeysDelete: write("api_keys.delete", "APIKeys.Delete", del, "/api-keys/{id}", "docs"),

		usageSummary:  read("usage.summary", "Usage.Summary", "/usage/summary", "docs"),
		usageProducts: read("usage.products", "Usage.Products", "/usage/products", "docs"),
		usageHistory:  read("usage.history", "Usage.History", "/usage/history", "docs"),

		modelsSearch:    read("models.search", "Models.Search", "/models", "docs"),
		modelsFilters:   read("models.filters", "Models.Filters", "/models/filters", "docs"),
		modelsTags:      read("models.tags", "Models.Tags", "/models/tags", "docs"),
		modelsProviders: read("models.providers", "Models.Providers", "/models/providers", "docs"),
		modelsGet:       read("models.get", "Models.Get", "/models/{modelId}", "docs"),

		billingOverview:                read("billing.overview", "Billing.Overview", "/billing/overview", "docs"),
		billingStripeConfig:            read("billing.stripe_config", "Billing.StripeConfig", "/billing/stripe-config", "seed"),
		billingSetupIntent:             keyed("billing.setup_intent", "Billing.CreateSetupIntent", post, "/billing/setup-intent", "docs"),
		billingPaymentLink:             spend("billing.payment_link", "Billing.CreatePaymentLink", post, "/billing/payment-link", "seed"),
		billingPaymentMethods:          read("billing.payment_methods", "Billing.PaymentMethods", "/billing/payment-methods", "docs"),
		billingAttachPaymentMethod:     keyed("billing.attach_payment_method", "Billing.AttachPaymentMethod", post, "/billing/payment-methods", "docs"),
		billingSetDefaultPaymentMethod: keyed("billing.set_default_payment_method", "Billing.SetDefaultPaymentMethod", put, "/billing/payment-methods/{id}/default", "docs"),
		billingDeletePaymentMethod:     keyed("billing.delete_payment_method", "Billing.DeletePaymentMethod", del, "/billing/payment-methods/{id}", "docs"),
		billingInfo:                    read("billing.info", "Billing.Info", "/billing/info", "docs"),
		billingUpdateInfo:              keyed("billing.update_info", "Billing.UpdateInfo", put, "/billing/info", "docs"),
		billingInvoices:                read("billing.invoices", "Billing.Invoices", "/billing/invoices", "docs"),
		billingInvoice:                 read("billing.invoice", "Billing.Invoice", "/billing/invoices/{id}", "docs"),
		billingInvoiceLinks:            read("billing.invoice_links", "Billing.InvoiceLinks", "/billing/invoices/{id}/pdf", "docs"),

		walletBalance:            read("wallet.balance", "Wallet.Balance", "/wallet/balance", "docs"),
		walletTransactions:       read("wallet.transactions", "Wallet.Transactions", "/wallet/transactions", "docs"),
		walletFund:               spend("wallet.fund", "Wallet.Fund", post, "/wallet/fund", "seed"),
		walletConfirmCheckout:    keyed("wallet.confirm_checkout", "Wallet.ConfirmCheckout", post, "/wallet/confirm-checkout", "seed"),
		walletSetAutoFunding:     spend("wallet.set_auto_funding", "Wallet.SetAutoFunding", put, "/wallet/auto-funding", "docs"),
		walletDisableAutoFunding: keyed("wallet.disable_auto_funding", "Wallet.DisableAutoFunding", del, "/wallet/auto-funding", "docs"),
		walletWithdraw:           spend("wallet.withdraw", "Wallet.Withdraw", post, "/wallet/withdraw", "docs"),
		walletValidateCoupon:     read("wallet.validate_coupon", "Wallet.ValidateCoupon", "/wallet/coupons/validate", "docs"),
		walletRedeemCoupon:       spend("wallet.redeem_coupon", "Wallet.RedeemCoupon", post, "/wallet/coupons/redeem", "docs"),
		paymentsStatus:           read("payments.status", "Wallet.PaymentStatus", "/payments/{id}/status", "docs"),

		subscriptionsPlans:           read("subscriptions.plans", "Subscriptions.Plans", "/subscriptions/plans", "seed"),
		subscriptionsList:            read("subscriptions.list", "Subscriptions.List", "/subscriptions", "docs"),
		subscriptionsCreate:          spend("subscriptions.create", "Subscriptions.Create", post, "/subscriptions", "seed"),
		subscriptionsConfirmCheckout: keyed("subscriptions.confirm_checkout", "Subscriptions.ConfirmCheckout", post, "/subscriptions/confirm-checkout", "seed"),
		subscriptionsStatus:          read("subscriptions.status", "Subscriptions.Status", "/subscriptions/{id}/status", "docs"),
		subscriptionsChangePlan:      spend("subscriptions.change_plan", "Subscriptions.ChangePlan", put, "/subscriptions/{id}", "docs"),
		subscriptionsPause:           keyed("subscriptions.pause", "Subscriptions.Pause", post, "/subscriptions/{id}/pause", "docs"),
		subscriptionsResume:          spend("subscriptions.resume", "Subscriptions.Resume", post, "/subscriptions/{id}/resume", "docs"),
		subscriptionsResetCycle:      spend("subscriptions.reset_cycle", "Subscriptions.ResetCycle", post, "/subscriptions/{id}/reset-cycle", "docs"),
		subscriptionsChargeAmount:    spend("subscriptions.charge_amount", "Subscriptions.ChargeAmount", post, "/subscriptions/charge-amount", "skill"),
		subscriptionsFixPayment:      spend("subscriptions.fix_payment", "Subscriptions.FixPayment", post, "/subscriptions/{id}/fix-payment", "skill"),

		teamsList:         read("teams.list", "Teams.List", "/teams", "docs"),
		teamsInvite:       write("teams.invite", "Teams.Invite", post, "/teams", "docs"),
		teamsGet:          read("teams.get", "Teams.Get", "/teams/{id}", "docs"),
		teamsUpdate:       write("teams.update", "Teams.Update", put, "/teams/{id}", "docs"),
		teamsDelete:       write("teams.delete", "Teams.Delete", del, "/teams/{id}", "docs"),
		teamsResendInvite: write("teams.resend_invite", "Teams.ResendInvite", post, "/teams/{id}/resend-invite", "docs"),
		teamsAcceptInvite: write("teams.accept_invite", "Teams.AcceptInvite", post, "/teams/invitations/{inviteId}/accept", "docs"),
	}
	rows[authVerify] = alias(rows[authVerifyEmail], "auth.verify", post, "/auth/verify")
	rows[walletValidateCouponByPost] = alias(rows[walletValidateCoupon], "wallet.validate_coupon_by_post", post, "/wallet/coupons/validate")
	generationRows(&rows)
	for i := range rows {
		e := &rows[i]
		e.full = e.Path
		if !e.Outside && !strings.HasPrefix(e.Path, "/api/") {
			e.full = agentsBase + e.Path
		}
	}
	return rows
}()

// rowFor finds the row that a call by hand is a call of. Fixed paths win over
// templates: /models/tags is not the model "tags".
func rowFor(method, full string) *Endpoint {
	var found *Endpoint
	for i := range table {
		e := &table[i]
		if e.Method != method {
			continue
		}
		if e.full == full {
			return e
		}
		if found == nil && matches(e.full, full) {
			found = e
		}
	}
	return found
}

func matches(template, path string) bool {
	for {
		open := strings.IndexByte(template, '{')
		if open < 0 {
			return template == path
		}
		if len(path) <= open || path[:open] != template[:open] {
			return false
		}
		template = template[open+strings.IndexByte(template[open:], '}')+1:]
		path = path[open:]
		end := strings.IndexByte(path, '/')
		if end < 0 {
			end = len(path)
		}
		if end == 0 {
			return false
		}
		path = path[end:]
	}
}
