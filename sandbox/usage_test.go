package sandbox_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func TestGenerationsAreUsage(t *testing.T) {
	c := newClock()
	v := visit(t, sandbox.WithClock(c.Now), sandbox.WithoutRateLimits())
	v.srv.Account(sandbox.AccountParams{Email: "ada@example.com", BalanceCents: 10_00})
	v = v.beside("ada@example.com")
	assert.Empty(t, v.agents("GET", "/usage/history", "").rows(t))
	assert.Empty(t, v.agents("GET", "/usage/products", "").rows(t))

	image := `{"key":"` + v.apiKey + `","model_id":"flux","prompt":"x","samples":3}`
	r := v.send("POST", "/api/v6/images/text2img", image)
	c.Advance(time.Second)
	v.send("POST", "/api/v7/images/text-to-image", image)
	other := v.beside("bob@example.com")
	other.send("POST", "/api/v6/images/text2img", `{"key":"`+other.apiKey+`","model_id":"flux","prompt":"too poor"}`)
	c.Advance(time.Second)

	rows := v.agents("GET", "/usage/history", "").rows(t)
	require.Len(t, rows, 2)
	assert.Equal(t, []any{"/api/v7/images/text-to-image", "/api/v6/images/text2img"}, column(rows, "endpoint"), "newest first")
	assert.Equal(t, []any{"processing", "success"}, column(rows, "status"))
	assert.Equal(t, []any{"image_generation", "image_generation"}, column(rows, "type"))
	assert.Equal(t, json.Number("0.06"), rows[0]["cost"])
	assert.Equal(t, r.at("id"), rows[1]["id"])
	assert.Equal(t, "2026-03-01T09:30:00Z", rows[1]["created_at"])
	assert.Empty(t, other.agents("GET", "/usage/history", "").rows(t))

	v.srv.AddUsage("Ada@example.com", sandbox.Usage{Type: "text_to_speech", Endpoint: "/api/v7/voice/text-to-speech", Status: "failed", Cents: 25}, sandbox.Usage{Time: c.Now().Add(-time.Hour)})
	assert.JSONEq(t, `{"total_calls": 4, "credits_used": 0.37, "credits_remaining": 9.88, "wallet": {"balance": 9.88, "currency": "USD"}}`,
		dataOf(t, v.agents("GET", "/usage/summary", "")))
	assert.JSONEq(t, `[
		{"product": "image_generation", "name": "image_generation", "requests": 3, "calls": 3, "cost": 0.12, "limit": null, "remaining": null},
		{"product": "text_to_speech", "name": "text_to_speech", "requests": 1, "calls": 1, "cost": 0.25, "limit": null, "remaining": null}
	]`, dataOf(t, v.agents("GET", "/usage/products", "")))
	assert.Panics(t, func() { v.srv.AddUsage("nobody@example.com") })
}

func TestAFailedGenerationCostsNothingOnceItIsKnown(t *testing.T) {
	c := newClock()
	v := visitAs(t, 100, sandbox.WithClock(c.Now), sandbox.WithGenerationOutcome(sandbox.GenerationFails))
	r := v.send("POST", "/api/v6/images/text2img", `{"key":"`+v.apiKey+`","model_id":"flux","prompt":"x"}`)
	c.Advance(2 * time.Second)
	v.send("POST", "/api/v6/images/fetch/"+r.at("id").(json.Number).String(), `{"key":"`+v.apiKey+`"}`)
	row := v.agents("GET", "/usage/history", "").rows(t)[0]
	assert.Equal(t, "failed", row["status"])
	assert.Equal(t, json.Number("0.00"), row["cost"])
}

func TestUsageHistoryPages(t *testing.T) {
	c := newClock()
	v := visit(t, sandbox.WithClock(c.Now), sandbox.WithoutRateLimits())
	ada := v.beside("ada@example.com")
	day := func(d, hour int) time.Time { return time.Date(2026, 2, d, hour, 0, 0, 0, time.UTC) }
	for i := range 110 {
		v.srv.AddUsage("ada@example.com", sandbox.Usage{Time: day(28, 0).Add(time.Duration(i%50) * time.Minute)})
	}
	v.srv.AddUsage("ada@example.com",
		sandbox.Usage{Endpoint: "last of 3", Time: day(4, 0).Add(-time.Second)},
		sandbox.Usage{Endpoint: "first of 2", Time: day(2, 0)},
		sandbox.Usage{Endpoint: "last of 1", Time: day(2, 0).Add(-time.Second)},
		sandbox.Usage{Endpoint: "first of 4", Time: day(4, 0)},
	)
	history := func(query string) []map[string]any { return ada.agents("GET", "/usage/history?"+query, "").rows(t) }

	assert.Len(t, history(""), 100)
	assert.Len(t, history("limit=200"), 114)
	assert.Equal(t, []any{"last of 3", "first of 2"}, column(history("from=2026-02-02&to=2026-02-03"), "endpoint"), "both days count")
	assert.Equal(t, []any{"first of 2"}, column(history("from=2026-02-02&to=2026-02-02"), "endpoint"))
	assert.Equal(t, []any{"first of 4"}, column(history("to=2026-02-27&limit=1"), "endpoint"))
	assert.Empty(t, history("from=2026-03-01"))

	// By moving "to", every record is found.
	seen := map[any]bool{}
	for _, row := range append(history("from=2026-02-28&limit=200"), history("to=2026-02-27")...) {
		seen[row["id"]] = true
	}
	assert.Len(t, seen, 114)
	for i, rows := 1, history("limit=200"); i < len(rows); i++ {
		assert.GreaterOrEqual(t, rows[i-1]["created_at"], rows[i]["created_at"])
	}

	for query, field := range map[string]string{
		"from=2026-02-03&to=2026-02-02": "to",
		"from=yesterday":                "from",
		"to=2026-02-30":                 "to",
		"to=2026-02-01T00:00:00Z":       "to",
		"limit=0":                       "limit",
		"limit=201":                     "limit",
		"limit=ten":                     "limit",
	} {
		r := ada.agents("GET", "/usage/history?"+query, "")
		assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode, query)
		assert.NotEmpty(t, r.at("error", "details", field), query)
	}
}
