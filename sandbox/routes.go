package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Where the surfaces begin.
const (
	agentsBase = "/api/agents/v1"
	stripeBase = "/v1/"
)

// Surface says which part of the outside world a route belongs to.
type Surface string

// The surfaces of a server.
const (
	SurfaceAgents     Surface = "agents"     // the Agents API, bearer token
	SurfaceGeneration Surface = "generation" // the generation API, key in the body
	SurfaceStripe     Surface = "stripe"     // Stripe's API, publishable key
	SurfaceWeb        Surface = "web"        // what a person's browser sees: links, pictures, checkout pages
)

// Route is one endpoint that a server answers.
type Route struct {
	Name    string // "wallet.fund"
	Method  string
	Path    string // the whole path, as a template: "/api/agents/v1/payments/{id}/status"
	Surface Surface
	Limiter Limiter // "": none
	Bearer  bool    // wants an access token
	Keyed   bool    // honours Idempotency-Key
}

// Routes lists the endpoints of this server.
func (s *Server) Routes() []Route {
	list := make([]Route, len(s.routes))
	for i, r := range s.routes {
		list[i] = Route{
			Name: r.name, Method: r.method, Path: r.path, Surface: r.surface,
			Limiter: r.limiter, Bearer: r.auth == bearer, Keyed: r.keyed,
		}
	}
	return list
}

type authorization int

const (
	open   authorization = iota // nobody is asked, or the handler asks
	bearer                      // an access token
)

const keyed = true

type route struct {
	name, method, path string
	surface            Surface
	limiter            Limiter
	auth               authorization
	keyed              bool
	handle             func(*Server, *call) answer // called with s.mu held
}

// routeTable is the whole server. Rows with fixed paths stand before rows whose template
// would match them too.
func routeTable() []route {
	agents := []route{
		{"auth.signup", "POST", "/auth/signup", "", LimiterAuth, open, !keyed, (*Server).signup},
		{"auth.login", "POST", "/auth/login", "", LimiterAuth, open, !keyed, (*Server).login},
		{"auth.verify_email", "POST", "/auth/verify-email", "", LimiterAuth, open, !keyed, (*Server).verifyEmail},
		{"auth.verify", "POST", "/auth/verify", "", LimiterAuth, open, !keyed, (*Server).verifyEmail},
		{"auth.refresh", "POST", "/auth/refresh", "", LimiterGeneral, bearer, !keyed, (*Server).refresh},
		{"auth.logout", "POST", "/auth/logout", "", LimiterGeneral, bearer, !keyed, (*Server).logout},
		{"auth.resend_verification", "POST", "/auth/resend-verification", "", LimiterAuth, open, !keyed, (*Server).resendVerification},
		{"auth.forgot_password", "POST", "/auth/forgot-password", "", LimiterAuth, open, !keyed, (*Server).forgotPassword},
		{"auth.reset_password", "POST", "/auth/reset-password", "", LimiterAuth, open, !keyed, (*Server).resetPassword},
		{"auth.logout_all", "POST", "/auth/logout-all", "", LimiterGeneral, bearer, !keyed, (*Server).logoutAll},
		{"auth.tokens", "GET", "/auth/tokens", "", LimiterGeneral, bearer, !keyed, (*Server).listTokens},
		{"auth.revoke_other_tokens", "POST", "/auth/tokens/revoke-others", "", LimiterGeneral, bearer, !keyed, (*Server).revokeOtherTokens},
		{"auth.revoke_token", "DELETE", "/auth/tokens/{id}", "", LimiterGeneral, bearer, !keyed, (*Server).revokeToken},
		{"auth.switch_account", "POST", "/auth/switch-account", "", LimiterGeneral, bearer, !keyed, (*Server).switchAccount},

		{"profile.get", "GET", "/me", "", LimiterGeneral, bearer, !keyed, (*Server).profile},
		{"profile.update", "PATCH", "/me", "", LimiterGeneral, bearer, !keyed, (*Server).updateProfile},
		{"profile.update_password", "PATCH", "/me/password", "", LimiterGeneral, bearer, !keyed, (*Server).updatePassword},
		{"profile.update_socials", "PATCH", "/me/socials", "", LimiterGeneral, bearer, !keyed, (*Server).updateSocials},
		{"profile.update_preferences", "PATCH", "/me/preferences", "", LimiterGeneral, bearer, !keyed, (*Server).updatePreferences},

		{"api_keys.list", "GET", "/api-keys", "", LimiterGeneral, bearer, !keyed, (*Server).listAPIKeys},
		{"api_keys.create", "POST", "/api-keys", "", LimiterGeneral, bearer, !keyed, (*Server).createAPIKey},
		{"api_keys.get", "GET", "/api-keys/{id}", "", LimiterGeneral, bearer, !keyed, (*Server).getAPIKey},
		{"api_keys.update", "PUT", "/api-keys/{id}", "", LimiterGeneral, bearer, !keyed, (*Server).updateAPIKey},
		{"api_keys.delete", "DELETE", "/api-keys/{id}", "", LimiterGeneral, bearer, !keyed, (*Server).deleteAPIKey},

		{"usage.summary", "GET", "/usage/summary", "", LimiterGeneral, bearer, !keyed, (*Server).usageSummary},
		{"usage.products", "GET", "/usage/products", "", LimiterGeneral, bearer, !keyed, (*Server).usageProducts},
		{"usage.history", "GET", "/usage/history", "", LimiterGeneral, bearer, !keyed, (*Server).usageHistory},

		{"models.search", "GET", "/models", "", LimiterGeneral, bearer, !keyed, (*Server).searchModels},
		{"models.filters", "GET", "/models/filters", "", LimiterGeneral, bearer, !keyed, (*Server).modelFilters},
		{"models.tags", "GET", "/models/tags", "", LimiterGeneral, bearer, !keyed, (*Server).modelTags},
		{"models.providers", "GET", "/models/providers", "", LimiterGeneral, bearer, !keyed, (*Server).modelProviders},
		{"models.get", "GET", "/models/{modelId}", "", LimiterGeneral, bearer, !keyed, (*Server).getModel},

		{"billing.stripe_config", "GET", "/billing/stripe-config", "", LimiterGeneral, bearer, !keyed, (*Server).stripeConfig},
		{"billing.payment_link", "POST", "/billing/payment-link", "", LimiterBilling, bearer, keyed, (*Server).paymentLink},
		{"billing.overview", "GET", "/billing/overview", "", LimiterGeneral, bearer, !keyed, (*Server).billingOverview},
		{"billing.setup_intent", "POST", "/billing/setup-intent", "", LimiterBilling, bearer, keyed, (*Server).createSetupIntent},
		{"billing.payment_methods", "GET", "/billing/payment-methods", "", LimiterGeneral, bearer, !keyed, (*Server).listPaymentMethods},
		{"billing.attach_payment_method", "POST", "/billing/payment-methods", "", LimiterBilling, bearer, keyed, (*Server).attachPaymentMethod},
		{"billing.set_default_payment_method", "PUT", "/billing/payment-methods/{id}/default", "", LimiterBilling, bearer, keyed, (*Server).setDefaultPaymentMethod},
		{"billing.delete_payment_method", "DELETE", "/billing/payment-methods/{id}", "", LimiterBilling, bearer, keyed, (*Server).deletePaymentMethod},
		{"billing.info", "GET", "/billing/info", "", LimiterGeneral, bearer, !keyed, (*Server).billingInfo},
		{"billing.update_info", "PUT", "/billing/info", "", LimiterBilling, bearer, keyed, (*Server).updateBillingInfo},
		{"billing.invoices", "GET", "/billing/invoices", "", LimiterGeneral, bearer, !keyed, (*Server).listInvoices},
		{"billing.invoice", "GET", "/billing/invoices/{id}", "", LimiterGeneral, bearer, !keyed, (*Server).getInvoice},
		{"billing.invoice_links", "GET", "/billing/invoices/{id}/pdf", "", LimiterGeneral, bearer, !keyed, (*Server).invoiceLinks},

		{"wallet.balance", "GET", "/wallet/balance", "", LimiterGeneral, bearer, !keyed, (*Server).balance},
		{"wallet.transactions", "GET", "/wallet/transactions", "", LimiterGeneral, bearer, !keyed, (*Server).transactions},
		{"wallet.fund", "POST", "/wallet/fund", "", LimiterBilling, bearer, keyed, (*Server).fund},
		{"wallet.confirm_checkout", "POST", "/wallet/confirm-checkout", "", LimiterBilling, bearer, keyed, (*Server).confirmFunding},
		{"wallet.set_auto_funding", "PUT", "/wallet/auto-funding", "", LimiterBilling, bearer, keyed, (*Server).setAutoFunding},
		{"wallet.disable_auto_funding", "DELETE", "/wallet/auto-funding", "", LimiterBilling, bearer, keyed, (*Server).disableAutoFunding},
		{"wallet.withdraw", "POST", "/wallet/withdraw", "", LimiterBilling, bearer, keyed, (*Server).withdraw},
		{"wallet.validate_coupon", "GET", "/wallet/coupons/validate", "", LimiterGeneral, bearer, !keyed, (*Server).validateCoupon},
		{"wallet.validate_coupon_by_post", "POST", "/wallet/coupons/validate", "", LimiterGeneral, bearer, !keyed, (*Server).validateCoupon},
		{"wallet.redeem_coupon", "POST", "/wallet/coupons/redeem", "", LimiterBilling, bearer, keyed, (*Server).redeemCoupon},

		{"payments.status", "GET", "/payments/{id}/status", "", LimiterGeneral, bearer, !keyed, (*Server).paymentStatus},

		{"subscriptions.plans", "GET", "/subscriptions/plans", "", LimiterGeneral, bearer, !keyed, (*Server).plans},
		{"subscriptions.list", "GET", "/subscriptions", "", LimiterGeneral, bearer, !keyed, (*Server).subscriptions},
		{"subscriptions.create", "POST", "/subscriptions", "", LimiterBilling, bearer, keyed, (*Server).subscribe},
		{"subscriptions.confirm_checkout", "POST", "/subscriptions/confirm-checkout", "", LimiterBilling, bearer, keyed, (*Server).confirmSubscription},
		{"subscriptions.status", "GET", "/subscriptions/{id}/status", "", LimiterGeneral, bearer, !keyed, (*Server).subscriptionStatus},
		{"subscriptions.charge_amount", "POST", "/subscriptions/charge-amount", "", LimiterBilling, bearer, keyed, (*Server).chargeAmount},
		{"subscriptions.change_plan", "PUT", "/subscriptions/{id}", "", LimiterBilling, bearer, keyed, (*Server).changePlan},
		{"subscriptions.pause", "POST", "/subscriptions/{id}/pause", "", LimiterBilling, bearer, keyed, (*Server).pauseSubscription},
		{"subscriptions.resume", "POST", "/subscriptions/{id}/resume", "", LimiterBilling, bearer, keyed, (*Server).resumeSubscription},
		{"subscriptions.reset_cycle", "POST", "/subscriptions/{id}/reset-cycle", "", LimiterBilling, bearer, keyed, (*Server).resetCycle},
		{"subscriptions.fix_payment", "POST", "/subscriptions/{id}/fix-payment", "", LimiterBilling, bearer, keyed, (*Server).fixPayment},

		{"teams.accept_invite", "POST", "/teams/invitations/{inviteId}/accept", "", LimiterGeneral, bearer, !keyed, (*Server).acceptInvite},
		{"teams.list", "GET", "/teams", "", LimiterGeneral, bearer, !keyed, (*Server).listTeam},
		{"teams.invite", "POST", "/teams", "", LimiterGeneral, bearer, !keyed, (*Server).inviteMember},
		{"teams.get", "GET", "/teams/{id}", "", LimiterGeneral, bearer, !keyed, (*Server).getMember},
		{"teams.update", "PUT", "/teams/{id}", "", LimiterGeneral, bearer, !keyed, (*Server).updateMember},
		{"teams.delete", "DELETE", "/teams/{id}", "", LimiterGeneral, bearer, !keyed, (*Server).deleteMember},
		{"teams.resend_invite", "POST", "/teams/{id}/resend-invite", "", LimiterGeneral, bearer, !keyed, (*Server).resendInvite},
	}
	for i := range agents {
		agents[i].path, agents[i].surface = agentsBase+agents[i].path, SurfaceAgents
	}
	return slices.Concat(agents, mediaRoutes(), otherGenerationRoutes(), []route{
		{"stripe.payment_methods", "POST", "/v1/payment_methods", SurfaceStripe, "", open, !keyed, (*Server).createPaymentMethod},
		{"stripe.confirm_setup_intent", "POST", "/v1/setup_intents/{id}/confirm", SurfaceStripe, "", open, !keyed, (*Server).confirmSetupIntent},

		{"auth.verify_link", "GET", "/verify/{token}", SurfaceWeb, "", open, !keyed, (*Server).verifyLink},
		{"media.get", "GET", "/media/{file}", SurfaceWeb, "", open, !keyed, (*Server).media},
		{"invoices.page", "GET", "/invoices/{file}", SurfaceWeb, "", open, !keyed, (*Server).invoicePage},
		{"checkout.page", "GET", "/checkout/{id}", SurfaceWeb, "", open, !keyed, (*Server).checkoutPage},
		{"checkout.pay", "POST", "/checkout/{id}/pay", SurfaceWeb, "", open, !keyed, (*Server).checkoutPay},
	})
}

func (s *Server) match(r *http.Request) (*route, map[string]string) {
	for i := range s.routes {
		if s.routes[i].method != r.Method {
			continue
		}
		if params, ok := matchPath(s.routes[i].path, r.URL.EscapedPath()); ok {
			return &s.routes[i], params
		}
	}
	return nil, nil
}

// matchPath holds an escaped path against a template, element by element, so that an
// escaped slash stays inside its element.
func matchPath(template, path string) (map[string]string, bool) {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	var params map[string]string
	for i, w := range want {
		name, isParam := strings.CutPrefix(w, "{")
		if !isParam {
			if w != got[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(got[i])
		if err != nil || value == "" {
			return nil, false
		}
		if params == nil {
			params = map[string]string{}
		}
		params[strings.TrimSuffix(name, "}")] = value
	}
	return params, true
}

// noRoute is the framework's 404, or its 405 when another verb would have found a route.
func (s *Server) noRoute(c *call) answer {
	path := strings.TrimPrefix(c.http.URL.Path, "/")
	allowed := map[string]bool{}
	for _, r := range s.routes {
		if _, ok := matchPath(r.path, c.http.URL.EscapedPath()); ok {
			allowed[r.method] = true
		}
	}
	if len(allowed) == 0 {
		if c.log.Stripe {
			return stripeError(http.StatusNotFound, object{
				"type":    "invalid_request_error",
				"message": fmt.Sprintf("Unrecognized request URL (%s: %s).", c.http.Method, c.http.URL.Path),
			})
		}
		return framework(http.StatusNotFound, fmt.Sprintf("The route %s could not be found.", path))
	}
	verbs := strings.Join(slices.Sorted(maps.Keys(allowed)), ", ")
	return framework(http.StatusMethodNotAllowed, fmt.Sprintf(
		"The %s method is not supported for route %s. Supported methods: %s.", c.http.Method, path, verbs)).
		with("Allow", verbs)
}
