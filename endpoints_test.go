package modelslab

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// documentedRow is a row of testdata/endpoints.tsv: the vendor's documentation
// as it was read apart from the code.
type documentedRow struct {
	method, path string
	bearer       bool
	limiter      Limiter
	key          bool
	known        string
}

func documentedRows(t *testing.T) []documentedRow {
	t.Helper()
	b, err := os.ReadFile("testdata/endpoints.tsv")
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	require.Equal(t, "method\tpath\tbearer\tlimiter\tkey\tknown", lines[0])
	rows := make([]documentedRow, 0, len(lines))
	for _, line := range lines[1:] {
		f := strings.Split(line, "\t")
		require.Len(t, f, 6, line)
		rows = append(rows, documentedRow{f[0], f[1], f[2] == "yes", Limiter(f[3]), f[4] == "yes", f[5]})
	}
	return rows
}

func TestTheTableHoldsEveryDocumentedEndpoint(t *testing.T) {
	rows := documentedRows(t)
	require.Len(t, rows, 72)
	mine := map[string]Endpoint{}
	for _, e := range Endpoints() {
		if !strings.HasPrefix(e.Path, "/api/") { // those are the generation APIs'
			mine[e.Method+" "+e.Path] = e
		}
	}
	keys := 0
	for _, want := range rows {
		id := want.method + " " + want.path
		e, ok := mine[id]
		if !assert.True(t, ok, "%s is missing", id) {
			continue
		}
		delete(mine, id)
		assert.Equal(t, want.bearer, e.Bearer, id)
		assert.Equal(t, want.limiter, e.Limiter, id)
		assert.Equal(t, want.key, e.Repeat == RepeatKeyed, "%s: %s", id, e.Repeat)
		assert.Equal(t, want.known, e.Known, id)
		assert.False(t, e.Outside, id)
		if want.key {
			keys++
			continue
		}
		assert.Equal(t, want.method == http.MethodGet, e.Repeat == RepeatSafe, "%s: %s", id, e.Repeat)
		assert.False(t, e.Spends, "%s has no key, so it cannot be known to move money once", id)
	}
	assert.Equal(t, 20, keys, "the billing mutations")

	others := map[string]Repeat{}
	for id, e := range mine {
		others[id] = e.Repeat
	}
	assert.Equal(t, map[string]Repeat{
		"POST /auth/verify":             RepeatOnce, // verify-email's later name
		"GET /verify/{token}":           RepeatOnce, // uses its token up
		"POST /wallet/coupons/validate": RepeatSafe, // validate_coupon's other verb
	}, others, "and nothing else")
}

func TestWhatMayMoveMoneyIsMarked(t *testing.T) {
	want := []string{
		"POST /wallet/fund", "POST /subscriptions", "POST /billing/payment-link", "PUT /wallet/auto-funding", "POST /wallet/withdraw",
		"POST /wallet/coupons/redeem", "PUT /subscriptions/{id}", "POST /subscriptions/{id}/resume", "POST /subscriptions/{id}/reset-cycle",
		"POST /subscriptions/charge-amount", "POST /subscriptions/{id}/fix-payment",

		// Of the generation APIs: all jobs, and what is charged without being one.
		"POST /api/v6/voice/voice_upload", "POST /api/v7/llm/chat/completions", "POST /api/v7/llm/v1/messages", "POST /api/v3/load_model",
	}
	for _, fact := range generationFacts(t) {
		if fact.kind == "job" {
			want = append(want, fact.method+" "+fact.path)
		}
	}
	var got []string
	for _, e := range Endpoints() {
		if e.Spends {
			got = append(got, e.Method+" "+e.Path)
		}
	}
	assert.ElementsMatch(t, want, got)
}

func TestNamesAndPathsAreUnique(t *testing.T) {
	names, paths := map[string]bool{}, map[string]bool{}
	for _, e := range Endpoints() {
		assert.False(t, names[e.Name], e.Name)
		assert.False(t, paths[e.Method+e.Path], e.Path)
		names[e.Name], paths[e.Method+e.Path] = true, true
		assert.Regexp(t, `^[a-z_]+\.[a-z_0-9]+$`, e.Name)
		assert.True(t, strings.HasPrefix(e.Path, "/"), e.Path)
		assert.Contains(t, []string{"GET", "POST", "PUT", "PATCH", "DELETE"}, e.Method)
		assert.Contains(t, []Repeat{RepeatSafe, RepeatKeyed, RepeatOnce}, e.Repeat)
	}
}

func TestRowsHaveTheirPlaceFromTheOrigin(t *testing.T) {
	for i := range table {
		switch e := &table[i]; {
		case e.Outside, strings.HasPrefix(e.Path, "/api/"):
			assert.Equal(t, e.Path, e.full)
		default:
			assert.Equal(t, "/api/agents/v1"+e.Path, e.full)
		}
	}
	assert.Equal(t, "wallet.balance", walletBalance.row().Name)
	assert.Equal(t, "images.text2img", imagesTextToImage.row().Name)
}

func TestEveryDocumentedPathFindsItsRow(t *testing.T) {
	fill := strings.NewReplacer("{id}", "45", "{modelId}", "flux-dev", "{inviteId}", "0b7c9d1e-1")
	for _, want := range documentedRows(t) {
		e := rowFor(want.method, "/api/agents/v1"+fill.Replace(want.path))
		if assert.NotNil(t, e, want.path) {
			assert.Equal(t, want.path, e.Path)
			assert.Equal(t, want.method, e.Method)
		}
	}
}

func TestPathsFindTheirRows(t *testing.T) {
	for _, tt := range []struct{ method, path, row string }{
		{get, "/models/tags", "models.tags"}, // not the model "tags"
		{get, "/models/tag", "models.get"},
		{get, "/models/a.b-c_d", "models.get"},
		{get, "/models/a/b", ""},
		{get, "/models/", ""},
		{get, "/models", "models.search"},
		{post, "/models", ""},
		{post, "/subscriptions/confirm-checkout", "subscriptions.confirm_checkout"},
		{post, "/subscriptions/charge-amount", "subscriptions.charge_amount"},
		{post, "/subscriptions/45", ""},
		{put, "/subscriptions/45", "subscriptions.change_plan"},
		{put, "/subscriptions/45/pause", ""},
		{post, "/subscriptions/45/pause", "subscriptions.pause"},
		{post, "/subscriptions//pause", ""},
		{get, "/subscriptions/plans", "subscriptions.plans"},
		{get, "/subscriptions/45/status", "subscriptions.status"},
		{get, "/subscriptions/45/status/x", ""},
		{get, "/billing/invoices/9/pdf", "billing.invoice_links"},
		{get, "/billing/invoices/9", "billing.invoice"},
		{put, "/billing/payment-methods/pm_1/default", "billing.set_default_payment_method"},
		{del, "/billing/payment-methods/pm_1", "billing.delete_payment_method"},
		{post, "/teams/invitations/x/accept", "teams.accept_invite"},
		{post, "/teams/4/resend-invite", "teams.resend_invite"},
		{"post", "/wallet/fund", ""},
		{post, "/Wallet/Fund", ""},
		{post, "/wallet/fundx", ""},
		{post, "/wallet/fun", ""},
	} {
		e := rowFor(tt.method, "/api/agents/v1"+tt.path)
		if tt.row == "" {
			assert.Nil(t, e, "%s %s", tt.method, tt.path)
			continue
		}
		if assert.NotNil(t, e, "%s %s", tt.method, tt.path) {
			assert.Equal(t, tt.row, e.Name, "%s %s", tt.method, tt.path)
		}
	}
	assert.Nil(t, rowFor(get, "/wallet/balance"), "without its base it is another path")
	assert.Nil(t, rowFor(get, ""))
	assert.Equal(t, "auth.verify_link", rowFor(get, "/verify/abc").Name)
	assert.Equal(t, "images.text2img", rowFor(post, "/api/v6/images/text2img").Name)
}

func TestEndpointsReturnsACopy(t *testing.T) {
	rows := Endpoints()
	for i := range rows {
		rows[i] = Endpoint{Name: "spoilt"}
	}
	for _, e := range Endpoints() {
		assert.NotEqual(t, "spoilt", e.Name)
	}
	assert.Equal(t, "wallet.fund", walletFund.row().Name)
}

func TestRepeatClassesAreTheRetryRules(t *testing.T) {
	assert.Equal(t, RepeatOnce.class(), Repeat("of next year").class(), "what nobody knows is sent once")
	assert.NotEqual(t, RepeatSafe.class(), RepeatKeyed.class())
	assert.NotEqual(t, RepeatKeyed.class(), RepeatOnce.class())
	assert.NotEqual(t, RepeatSafe.class(), RepeatOnce.class())
}
