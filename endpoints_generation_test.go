package modelslab

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// generationFact is a row of testdata/generation-endpoints.tsv: what is documented
// of an endpoint of the generation APIs, as it was read apart from the code.
type generationFact struct {
	version, method, path string
	auth                  string // where the API key goes: body, query, header, bearer, none
	kind                  string // job: may queue; fetch: asks for one; sync: answers at once
	known                 string
}

func generationFacts(t testing.TB) []generationFact {
	t.Helper()
	b, err := os.ReadFile("testdata/generation-endpoints.tsv")
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	require.Equal(t, "version\tmethod\tpath\tauth\tkind\tknown", lines[0])
	rows := make([]generationFact, 0, len(lines))
	for _, line := range lines[1:] {
		f := strings.Split(line, "\t")
		require.Len(t, f, 6, line)
		rows = append(rows, generationFact{f[0], f[1], f[2], f[3], f[4], f[5]})
	}
	return rows
}

// Neither more nor less than what is documented.
func TestTheTableHoldsEveryGenerationEndpoint(t *testing.T) {
	mine := map[string]Endpoint{}
	for _, e := range Endpoints() {
		if strings.HasPrefix(e.Path, "/api/") {
			mine[e.Method+" "+e.Path] = e
		}
	}
	versions := map[string]int{}
	c, _ := onWire(t)
	for _, want := range generationFacts(t) {
		versions[want.version]++
		id := want.method + " " + want.path
		e, ok := mine[id]
		if !assert.True(t, ok, "%s is missing", id) {
			continue
		}
		delete(mine, id)
		assert.Equal(t, want.known, e.Known, id)
		assert.Equal(t, LimiterGeneration, e.Limiter, id)
		assert.False(t, e.Bearer || e.Outside, id)
		assert.Equal(t, want.kind == "job", e.Job, id)
		_, found := methodNamed(c, e.Call)
		assert.True(t, found && strings.HasPrefix(e.Call, "Generation."), "%s: there is no method %s", id, e.Call)
		switch want.kind {
		case "job":
			assert.Equal(t, RepeatOnce, e.Repeat, id)
			assert.True(t, e.Spends, id)
			assert.Equal(t, "fetch", kindOf(t, e.fetch.row()), "%s: where to ask for a job", id)
		case "fetch":
			assert.Equal(t, RepeatSafe, e.Repeat, id)
			assert.False(t, e.Spends, id)
		default:
			assert.Equal(t, "sync", want.kind, id)
		}
		if want.method == get {
			assert.Equal(t, RepeatSafe, e.Repeat, id)
		}
	}
	assert.Empty(t, mine, "rows that nothing documents")
	assert.Equal(t, map[string]int{"v1": 28, "v3": 9, "v4": 1, "v5": 2, "v6": 75, "v7": 24, "none": 2}, versions)
}

// kindOf is what is documented of a row.
func kindOf(t testing.TB, e *Endpoint) string {
	t.Helper()
	for _, fact := range generationFacts(t) {
		if fact.method == e.Method && fact.path == e.Path {
			return fact.kind
		}
	}
	return ""
}

// keyPlaces are the places of a request that hold the API key.
func keyPlaces(r wireRequest) []string {
	places := []string{}
	if r.Headers["Authorization"] == "Bearer "+goldenAPIKey {
		places = append(places, "bearer")
	}
	var body struct {
		Key string `json:"key"`
	}
	if json.Unmarshal(r.Body, &body) == nil && body.Key == goldenAPIKey {
		places = append(places, "body")
	}
	if r.Headers["Key"] == goldenAPIKey {
		places = append(places, "header")
	}
	if r.Query["key"] == goldenAPIKey {
		places = append(places, "query")
	}
	return places
}

// Every endpoint is called with the documented verb, path and place for the key,
// and the key is nowhere else; the access token is not sent at all.
func TestGenerationRequestsAreAuthenticated(t *testing.T) {
	rows := slices.Concat(accountContract, generationJobs, generationCalls)
	for _, fact := range generationFacts(t) {
		called := 0
		for _, row := range rows {
			e := endpointNamed(endpointOf(row.golden))
			if e == nil || e.Method != fact.method || e.Path != fact.path {
				continue
			}
			called++
			t.Run(row.golden, func(t *testing.T) {
				c, wire := onWire(t, row.success(t)...)
				_, err := row.call(t.Context(), c)
				require.NoError(t, err)
				sent := wire.requests()
				r := sent[len(sent)-1]
				assert.Equal(t, fact.method, r.Method)
				assert.True(t, matches(fact.path, r.Path), "%s is not %s", r.Path, fact.path)
				want := []string{fact.auth}
				if fact.auth == "none" {
					want = []string{}
				}
				assert.Equal(t, want, keyPlaces(r))
				all, err := json.Marshal(r.golden)
				require.NoError(t, err)
				assert.Equal(t, len(want), strings.Count(string(all), goldenAPIKey), "in one place")
				assert.NotContains(t, string(all), goldenToken)
			})
		}
		assert.Positive(t, called, "%s %s is called by no row of the contract", fact.method, fact.path)
	}
}
