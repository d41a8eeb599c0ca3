package main

import (
	"slices"
	"strings"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// rule says which errors a caller has to handle, from what a row of the table says of its
// endpoint.
type rule struct {
	errors []string
	when   string // for whom, on the page
	means  string // and what to do
	holds  func(e modelslab.Endpoint, m *method) bool
}

func rules() []rule {
	named := func(names ...string) func(modelslab.Endpoint) bool {
		return func(e modelslab.Endpoint) bool { return slices.Contains(names, e.Name) }
	}
	login := named("auth.login")
	attaches := named("billing.attach_payment_method")
	links := named("billing.payment_link") // moves no money by itself
	codes := named("auth.verify_email", "auth.verify", "wallet.validate_coupon", "wallet.validate_coupon_by_post", "wallet.redeem_coupon")
	confirms := func(e modelslab.Endpoint) bool { return strings.HasSuffix(e.Path, "/confirm-checkout") }

	return []rule{
		{
			[]string{"ErrUnauthenticated", "ErrPermissionDenied"},
			"calls with a token or an API key, and logging in",
			"log in again; or the account may not do this",
			func(e modelslab.Endpoint, _ *method) bool { return e.Bearer || generates(e) || login(e) },
		},
		{
			[]string{"ErrNotFound"},
			"paths with a `{…}`, and bodies with a code or a checkout's session",
			"there is no such thing",
			func(e modelslab.Endpoint, _ *method) bool {
				return strings.Contains(e.Path, "{") || codes(e) || confirms(e)
			},
		},
		{
			[]string{"ErrValidation"},
			"calls that take an argument",
			"the argument is wrong: `*ParamError` before anything is sent, `APIError.Fields` after",
			func(_ modelslab.Endpoint, m *method) bool { return m.arguments },
		},
		{
			[]string{"ErrPaymentDeclined"},
			"calls that may move money, attaching a card, and confirming a checkout",
			"no money has moved: another card, or more in the wallet",
			func(e modelslab.Endpoint, _ *method) bool { return e.Spends && !links(e) || attaches(e) || confirms(e) },
		},
		{
			[]string{"ErrRequiresAction"},
			"calls that may move money, but for generations",
			"no money has moved yet: a person must act; do not call again",
			func(e modelslab.Endpoint, _ *method) bool { return e.Spends && !generates(e) && !links(e) },
		},
		{
			[]string{"ErrCheckoutPending"},
			"confirming a checkout",
			"nobody has paid yet: ask again later, or use AwaitCheckout",
			func(e modelslab.Endpoint, _ *method) bool { return confirms(e) },
		},
		{
			[]string{"ErrGenerationFailed"},
			"generations",
			"the job ended without a result",
			func(e modelslab.Endpoint, _ *method) bool { return generates(e) },
		},
		{
			[]string{"ErrRateLimited"},
			"calls that a limiter counts",
			"wait as long as `RateLimitError.RetryAfter` says",
			func(e modelslab.Endpoint, _ *method) bool { return e.Limiter != "" },
		},
		{
			[]string{"ErrServer"},
			"repeat class safe",
			"the server failed, and nothing was at stake",
			func(e modelslab.Endpoint, _ *method) bool { return e.Repeat == modelslab.RepeatSafe },
		},
		{
			[]string{"ErrOutcomeUnknown"},
			"repeat classes keyed and once",
			"it may have been carried out: look before you call again",
			func(e modelslab.Endpoint, _ *method) bool { return e.Repeat != modelslab.RepeatSafe },
		},
	}
}

// generates tells the endpoints of the generation APIs, which take the API key.
func generates(e modelslab.Endpoint) bool { return strings.HasPrefix(e.Path, "/api/") }

// errorsOf are the errors of a row, by the rules.
func errorsOf(e modelslab.Endpoint, m *method) []string {
	var names []string
	for _, r := range rules() {
		if r.holds(e, m) {
			names = append(names, r.errors...)
		}
	}
	return names
}
