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
	Method  string  // "POST"
	Path    string  // template; below /api/agents/v1 unless it starts with /api/ or is Outside
	Limiter Limiter // "": none is known
	Repeat  Repeat
	Spends  bool // may move money, or commit somebody to it
	Bearer  bool // sends the access token
	Outside bool // Path is below the origin itself
	// Known is how well the endpoint is known: "seed", "docs" and "skill" are
	// the vendor's texts, from the strongest; "later" is seen in newer public
	// copies only.
	Known string

	full string // Path from the origin on
}

// Endpoints returns a copy of the endpoint table, for tools, docs and tests.
func Endpoints() []Endpoint { return slices.Clone(table[:]) }

// endpoint is a row's place in the table.
type endpoint int

// The rows that this package's methods call.
const (
	authSignup endpoint = iota
	authLogin
	authVerifyEmail
	authVerify
	authVerifyLink
	authRefresh
	authLogout
	authResendVerification
	profileGet
	billingStripeConfig
	billingPaymentLink
	walletBalance
	walletTransactions
	walletFund
	walletConfirmCheckout
	paymentsStatus
	subscriptionsPlans
	subscriptionsList
	subscriptionsCreate
	subscriptionsConfirmCheckout
	subscriptionsStatus
	imagesTextToImage
	firstUncalled // rows from here on are known to Call alone
)

const (
	agentsBase = "/api/agents/v1"

	get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
)

func (e endpoint) row() *Endpoint { return &table[e] }

var table = func() [75]Endpoint {
	open := func(name, path, known string) Endpoint {
		return Endpoint{Name: name, Method: post, Path: path, Limiter: LimiterAuth, Repeat: RepeatOnce, Known: known}
	}
	read := func(name, path, known string) Endpoint {
		return Endpoint{Name: name, Method: get, Path: path, Limiter: LimiterGeneral, Repeat: RepeatSafe, Bearer: true, Known: known}
	}
	write := func(name, method, path, known string) Endpoint {
		return Endpoint{Name: name, Method: method, Path: path, Limiter: LimiterGeneral, Repeat: RepeatOnce, Bearer: true, Known: known}
	}
	// keyed rows are the billing mutations: all of them take an idempotency key.
	keyed := func(name, method, path, known string) Endpoint {
		return Endpoint{Name: name, Method: method, Path: path, Limiter: LimiterBilling, Repeat: RepeatKeyed, Bearer: true, Known: known}
	}
	spend := func(name, method, path, known string) Endpoint {
		e := keyed(name, method, path, known)
		e.Spends = true
		return e
	}

	rows := [...]Endpoint{
		authSignup:             open("auth.signup", "/auth/signup", "seed"),
		authLogin:              open("auth.login", "/auth/login", "docs"),
		authVerifyEmail:        open("auth.verify_email", "/auth/verify-email", "seed"),
		authVerify:             open("auth.verify", "/auth/verify", "later"), // verify-email's other name
		authVerifyLink:         {Name: "auth.verify_link", Method: get, Path: "/verify/{token}", Repeat: RepeatOnce, Outside: true, Known: "docs"},
		authRefresh:            write("auth.refresh", post, "/auth/refresh", "docs"),
		authLogout:             write("auth.logout", post, "/auth/logout", "docs"),
		authResendVerification: open("auth.resend_verification", "/auth/resend-verification", "docs"),

		profileGet: read("profile.get", "/me", "docs"),

		billingStripeConfig: read("billing.stripe_config", "/billing/stripe-config", "seed"),
		billingPaymentLink:  spend("billing.payment_link", post, "/billing/payment-link", "seed"),

		walletBalance:         read("wallet.balance", "/wallet/balance", "docs"),
		walletTransactions:    read("wallet.transactions", "/wallet/transactions", "docs"),
		walletFund:            spend("wallet.fund", post, "/wallet/fund", "seed"),
		walletConfirmCheckout: keyed("wallet.confirm_checkout", post, "/wallet/confirm-checkout", "seed"),
		paymentsStatus:        read("payments.status", "/payments/{id}/status", "docs"),

		subscriptionsPlans:           read("subscriptions.plans", "/subscriptions/plans", "seed"),
		subscriptionsList:            read("subscriptions.list", "/subscriptions", "docs"),
		subscriptionsCreate:          spend("subscriptions.create", post, "/subscriptions", "seed"),
		subscriptionsConfirmCheckout: keyed("subscriptions.confirm_checkout", post, "/subscriptions/confirm-checkout", "seed"),
		subscriptionsStatus:          read("subscriptions.status", "/subscriptions/{id}/status", "docs"),

		// A submission pays for a job and takes no key.
		imagesTextToImage: {Name: "images.text2img", Method: post, Path: "/api/v6/images/text2img", Limiter: LimiterGeneration, Repeat: RepeatOnce, Spends: true, Known: "docs"},

		firstUncalled: open("auth.forgot_password", "/auth/forgot-password", "docs"),
		open("auth.reset_password", "/auth/reset-password", "docs"),
		write("auth.logout_all", post, "/auth/logout-all", "docs"),
		read("auth.tokens", "/auth/tokens", "skill"),
		write("auth.revoke_token", del, "/auth/tokens/{id}", "skill"),
		write("auth.revoke_other_tokens", post, "/auth/tokens/revoke-others", "skill"),
		write("auth.switch_account", post, "/auth/switch-account", "skill"),

		write("profile.update", patch, "/me", "docs"),
		write("profile.update_password", patch, "/me/password", "skill"),
		write("profile.update_socials", patch, "/me/socials", "skill"),
		write("profile.update_preferences", patch, "/me/preferences", "docs"),

		read("api_keys.list", "/api-keys", "docs"),
		write("api_keys.create", post, "/api-keys", "docs"),
		read("api_keys.get", "/api-keys/{id}", "docs"),
		write("api_keys.update", put, "/api-keys/{id}", "docs"),
		write("api_keys.delete", del, "/api-keys/{id}", "docs"),

		read("usage.summary", "/usage/summary", "docs"),
		read("usage.products", "/usage/products", "docs"),
		read("usage.history", "/usage/history", "docs"),

		read("models.search", "/models", "docs"),
		read("models.filters", "/models/filters", "docs"),
		read("models.tags", "/models/tags", "docs"),
		read("models.providers", "/models/providers", "docs"),
		read("models.get", "/models/{modelId}", "docs"),

		read("billing.overview", "/billing/overview", "docs"),
		keyed("billing.setup_intent", post, "/billing/setup-intent", "docs"),
		read("billing.payment_methods", "/billing/payment-methods", "docs"),
		keyed("billing.attach_payment_method", post, "/billing/payment-methods", "docs"),
		keyed("billing.set_default_payment_method", put, "/billing/payment-methods/{id}/default", "docs"),
		keyed("billing.delete_payment_method", del, "/billing/payment-methods/{id}", "docs"),
		read("billing.info", "/billing/info", "docs"),
		keyed("billing.update_info", put, "/billing/info", "docs"),
		read("billing.invoices", "/billing/invoices", "docs"),
		read("billing.invoice", "/billing/invoices/{id}", "docs"),
		read("billing.invoice_links", "/billing/invoices/{id}/pdf", "docs"),

		spend("wallet.set_auto_funding", put, "/wallet/auto-funding", "docs"),
		keyed("wallet.disable_auto_funding", del, "/wallet/auto-funding", "docs"),
		spend("wallet.withdraw", post, "/wallet/withdraw", "docs"),
		read("wallet.validate_coupon", "/wallet/coupons/validate", "docs"),
		spend("wallet.redeem_coupon", post, "/wallet/coupons/redeem", "docs"),

		spend("subscriptions.change_plan", put, "/subscriptions/{id}", "docs"),
		keyed("subscriptions.pause", post, "/subscriptions/{id}/pause", "docs"),
		spend("subscriptions.resume", post, "/subscriptions/{id}/resume", "docs"),
		spend("subscriptions.reset_cycle", post, "/subscriptions/{id}/reset-cycle", "docs"),
		spend("subscriptions.charge_amount", post, "/subscriptions/charge-amount", "skill"),
		spend("subscriptions.fix_payment", post, "/subscriptions/{id}/fix-payment", "skill"),

		read("teams.list", "/teams", "docs"),
		write("teams.invite", post, "/teams", "docs"),
		read("teams.get", "/teams/{id}", "docs"),
		write("teams.update", put, "/teams/{id}", "docs"),
		write("teams.delete", del, "/teams/{id}", "docs"),
		write("teams.resend_invite", post, "/teams/{id}/resend-invite", "docs"),
		write("teams.accept_invite", post, "/teams/invitations/{inviteId}/accept", "docs"),
	}
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
