package modelslab

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Walks over servers that do not behave as the documented one is thought to.

// answering is a network that makes an answer of each query.
type answering func(n int, q map[string][]string) string

func (f answering) steps(n *int) step {
	return func(req *http.Request) (*http.Response, error) {
		*n++
		return says(200, f(*n, req.URL.Query()))(req)
	}
}

// day15 is a moment of a day in February 2026, in UTC.
func day15(day, hour, minute int) time.Time {
	return time.Date(2026, time.February, day, hour, minute, 0, 0, time.UTC)
}

func TestAllHistoryOverAServerWhoseDaysBeginElsewhere(t *testing.T) {
	india := time.FixedZone("IST", 5*3600+1800)
	pacific := time.FixedZone("PST", -8*3600)
	for _, zone := range []*time.Location{time.UTC, india, pacific} {
		for _, exclusive := range []bool{false, true} {
			var made []time.Time // newest first
			for at := day15(20, 23, 30); at.After(day15(14, 0, 0)); at = at.Add(-150 * time.Minute) {
				made = append(made, at)
			}
			n := 0
			c := stubbed(t, scripted(answering(func(_ int, q map[string][]string) string {
				var items []string
				for i, at := range made {
					on := at.In(zone).Format(time.DateOnly)
					if to := q["to"]; to != nil && (on > to[0] || exclusive && on == to[0]) {
						continue
					}
					if limit, _ := strconv.Atoi(q["limit"][0]); len(items) < limit {
						items = append(items, fmt.Sprintf(`{"id":%d,"created_at":%q}`, i+1, at.Format(time.RFC3339)))
					}
				}
				return `{"data":[` + strings.Join(items, ",") + `]}`
			}).steps(&n)))
			var ids []ID
			for r, err := range c.Usage.AllHistory(t.Context(), UsageHistoryParams{Limit: 25}) {
				require.NoError(t, err)
				ids = append(ids, r.ID)
			}
			slices.Sort(ids)
			assert.Len(t, ids, len(made), "%s, exclusive %t", zone, exclusive)
			assert.Len(t, slices.Compact(ids), len(made), "each once")
			assert.Less(t, n, 40)
		}
	}
}

func TestWalksKnowRowsByWhateverIdTheyHave(t *testing.T) {
	row := func(id string) string {
		return `{"id":` + id + `,"amount":5,"type":"debit","created_at":"2026-02-15T10:00:00Z"}`
	}
	pages := func(rows ...string) answering {
		return func(_ int, q map[string][]string) string {
			offset := 0
			if q["offset"] != nil {
				offset, _ = strconv.Atoi(q["offset"][0])
			}
			end := min(offset+2, len(rows))
			return `{"data":{"items":[` + strings.Join(rows[min(offset, end):end], ",") + `]}}`
		}
	}
	for name, tt := range map[string]struct {
		rows answering
		want int
	}{
		"texts for ids":                {pages(row(`"a-1"`), row(`"a-2"`), row(`"a-3"`), row(`"a-4"`)), 4},
		"a row pushed along":           {pages(row(`"a-1"`), row(`"a-2"`), row(`"a-2"`), row(`"a-3"`)), 3},
		"no ids, and alike":            {pages(row(`null`), row(`null`), row(`null`), row(`null`), row(`null`)), 5},
		"numbers for ids, as a server": {pages(row(`1`), row(`2`), row(`"3"`)), 3},
	} {
		t.Run(name, func(t *testing.T) {
			n, got := 0, 0
			for _, err := range stubbed(t, scripted(tt.rows.steps(&n))).Wallet.AllTransactions(t.Context(), TransactionsParams{Limit: 2}) {
				require.NoError(t, err)
				got++
			}
			assert.Equal(t, tt.want, got)
			assert.Less(t, n, 6)
		})
	}
	t.Run("usage without ids", func(t *testing.T) {
		n, got := 0, 0
		c := stubbed(t, scripted(answering(func(int, map[string][]string) string {
			return `{"data":[{"type":"image","cost":0.02,"created_at":"2026-02-15T10:00:00Z"},{"type":"image","cost":0.02,"created_at":"2026-02-15T10:00:00Z"},` +
				`{"id":"u-3","created_at":"2026-02-15T09:00:00Z"}]}`
		}).steps(&n)))
		for _, err := range c.Usage.AllHistory(t.Context(), UsageHistoryParams{}) {
			require.NoError(t, err)
			got++
		}
		assert.Equal(t, 3, got, "two that are alike are two")
	})
}

func TestAWaveOfNewTransactionsEndsAWalkWithAnError(t *testing.T) {
	n := 0
	c := stubbed(t, scripted(answering(func(n int, q map[string][]string) string {
		// As many new rows as a page holds arrive before each request: what is at the offset has been seen.
		return fmt.Sprintf(`{"data":{"items":[{"id":1,"amount":1},{"id":2,"amount":1}],"total":%d}}`, 100+2*n)
	}).steps(&n)))
	got := 0
	var last error
	for tx, err := range c.Wallet.AllTransactions(t.Context(), TransactionsParams{Limit: 2}) {
		if err != nil {
			last = err
			continue
		}
		require.NotNil(t, tx)
		got++
	}
	assert.Equal(t, 2, got)
	require.ErrorContains(t, last, "there may be more transactions")
	assert.Less(t, n, 6)
}

func TestModelsGetIsNeverAnotherEndpoint(t *testing.T) {
	rt := scripted(says(200, `{"data":[]}`))
	for _, id := range []string{"filters", "tags", "providers", "", ".", "..", "a/../b", "a//b", "/a", "a/"} {
		_, err := stubbed(t, rt).Models.Get(t.Context(), id)
		assertParam(t, "modelID", err)
	}
	assert.Zero(t, rt.count())
}

func TestAWalkOverAServerThatKnowsNeitherPagesNorIdsEnds(t *testing.T) {
	n, got := 0, 0
	var last error
	c := stubbed(t, scripted(answering(func(int, map[string][]string) string { return `{"data":[{"amount":1,"type":"debit"}]}` }).steps(&n)))
	for _, err := range c.Wallet.AllTransactions(t.Context(), TransactionsParams{}) {
		if last = err; err == nil {
			got++
		}
		require.Less(t, n, 10)
	}
	require.ErrorContains(t, last, "the same page")
	assert.Positive(t, got)
}
