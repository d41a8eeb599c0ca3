package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reshaped sends a body through the rules of a shape, as if an endpoint had answered it.
func reshaped(rules []rule, endpoint string, query url.Values, status int, body string) (int, string) {
	a := bare(status, json.RawMessage(body))
	d := openDraft(a)
	d.endpoint, d.query, d.url = endpoint, query, "http://127.0.0.1/list"
	for _, change := range changesOf(rules, endpoint, status) {
		change(d)
	}
	a = d.finish(a)
	return a.status, string(a.bytes())
}

func rulesOf(t *testing.T, name string) []rule {
	t.Helper()
	for _, s := range Shapes() {
		if s.Name == name {
			return s.rules
		}
	}
	require.Fail(t, "no such shape", name)
	return nil
}

func TestEveryFormOfAListIsReadAndWritten(t *testing.T) {
	const items, page = `[{"id":8},{"id":9}]`, `"current_page":3,"per_page":2,"total":7,"last_page":4,"from":5,"to":6`
	for endpoint, known := range listings() {
		for form, body := range map[form]string{
			bareArray:    `{"data":` + items + `}`,
			itemsPaged:   `{"data":{"items":` + items + `,"pagination":{` + page + `},"wallet":{}}}`,
			itemsCounted: `{"data":{"items":` + items + `,"count":2,"total":7,"wallet":{}}}`,
			underName:    `{"data":{"` + known.name + `":` + items + `,"wallet":{}}}`,
			totalInMeta:  `{"data":` + items + `,"meta":{"total":7}}`,
		} {
			d := openDraft(bare(http.StatusOK, json.RawMessage(body)))
			d.endpoint = endpoint
			d.query = url.Values{"limit": {"2"}, "offset": {"4"}}
			l, isList := d.list()
			require.True(t, isList, body)
			// What the form does not tell has to be in the question.
			l.total = 7
			assert.Equal(t, list{
				name: known.name, items: []any{object{"id": json.Number("8")}, object{"id": json.Number("9")}},
				total: 7, page: 3, pageSize: 2, rest: l.rest,
			}, l)

			d.writeList(l, form)
			if form == underName || form == totalInMeta || form == bareArray {
				assert.JSONEq(t, body, string(d.finish(bare(http.StatusOK, nil)).bytes()))
			}
			d.writeList(l, itemsPaged)
			want := `{"items":` + items + `,"pagination":{` + page + `}`
			if len(l.rest) > 0 {
				want += `,"wallet":{}`
			}
			got, err := json.Marshal(d.data)
			require.NoError(t, err)
			assert.JSONEq(t, want+"}", string(got))
		}
	}
}

func TestRules(t *testing.T) {
	for _, c := range []struct{ shape, endpoint, body, want string }{
		{"lists as bare arrays", "wallet.transactions", `{"data":{"no":"list"}}`, `{"data":{"no":"list"}}`},
		{"lists as bare arrays", "wallet.balance", `{"data":{"items":[]}}`, `{"data":{"items":[]}}`},
		{"framework paginator", "api_keys.list", `{"data":[]}`,
			`{"data":{"data":[],"links":[],"path":"http://127.0.0.1/list","current_page":1,"per_page":15,"total":0,"last_page":1,"from":null,"to":null,
			"first_page_url":"http://127.0.0.1/list?page=1","last_page_url":"http://127.0.0.1/list?page=1","prev_page_url":null,"next_page_url":null}}`},
		{"framework resources", "api_keys.list", `{"data":[],"error":null,"meta":{"request_id":"r"}}`,
			`{"data":[],"links":{"first":"http://127.0.0.1/list?page=1","last":"http://127.0.0.1/list?page=1","prev":null,"next":null},
			"meta":{"request_id":"r","current_page":1,"per_page":15,"total":0,"last_page":1,"from":null,"to":null}}`},
		{"lists by kind", "usage.products", `{"data":[{"name":"a","calls":3,"remaining":1},{"product":"b"},7]}`,
			`{"data":{"a":{"total_api_call":4,"api_call_remaining":1,"percentage_used":75.00},
			"b":{"total_api_call":null,"api_call_remaining":null,"percentage_used":0.00},
			"2":{"total_api_call":null,"api_call_remaining":null,"percentage_used":0.00}}}`},
		{"lists by kind", "subscriptions.list", `{"data":[{"category":"addon"},{"feature":"imagen"},1]}`,
			`{"data":{"addon":[{"category":"addon"}],"enterprise":[],"normal":[{"feature":"imagen"},1]}}`},
		{"bare answers", "auth.logout", `{"data":null,"error":null}`, `{"data":null,"error":null}`},
		{"bare answers", "auth.tokens", `{"data":[1],"error":null}`, `[1]`},
		{"command-line synonyms", "wallet.balance", `{"data":{"balance":1,"wallet":{"balance":2}}}`, `{"data":{"wallet":{"balance":2}}}`},
		{"command-line synonyms", "wallet.balance", `{"data":{"balance":1,"wallet":"none"}}`, `{"data":{"wallet":{"balance":1}}}`},
		{"command-line synonyms", "models.search", `{"data":[{"title":"T","name":"N"},"odd"]}`, `{"data":[{"name":"N"},"odd"]}`},
		{"other synonyms", "auth.login", `{"access_token":"t","user":{}}`, `{"token":"t","user":{}}`},
		{"other synonyms", "models.filters", `{"data":{"sorts":["a b"],"n":1}}`, `{"data":{"sorts":[{"id":1,"name":"a b","slug":"a-b"}],"n":1}}`},
		{"numbers and booleans as text", "models.get", `{"data":{"n":1.50,"yes":[true,null],"parameters":{"n":1}}}`,
			`{"data":{"n":"1.50","yes":["1",null],"parameters":{"n":1}}}`},
		{"booleans as numbers, ids as text", "auth.login", `{"data":{"id":1,"plan_id":2,"n":3,"ok":false}}`, `{"data":{"id":"1","plan_id":"2","n":3,"ok":0}}`},
		{"times with an offset", "profile.get", `{"data":{"a":"2026-01-02T03:04:05Z","b":"on 2026-01-02T03:04:05Z"}}`,
			`{"data":{"a":"2026-01-02T03:04:05+00:00","b":"on 2026-01-02T03:04:05Z"}}`},
		{"times without a zone, or empty", "profile.get", `{"data":{"used_at":null,"name":null},"error":null}`, `{"data":{"used_at":"","name":null},"error":null}`},
		{"empty objects as arrays", "profile.get", `{"data":{},"error":null,"meta":{"a":{"b":null}}}`, `{"data":[],"error":null,"meta":{"a":[]}}`},
		{"null left out", "profile.get", `{"data":{"a":null,"b":[{"c":null},null]},"error":null}`, `{"data":{"b":[{},null]},"error":null}`},
		{"messages only", "teams.invite", `{"data":[],"error":null}`, `{"data":{"message":"Done."},"error":null}`},
	} {
		_, got := reshaped(rulesOf(t, c.shape), c.endpoint, nil, http.StatusOK, c.body)
		assert.JSONEq(t, c.want, got, "%s: %s", c.shape, c.body)
	}
}

func TestRulesForFailures(t *testing.T) {
	for _, c := range []struct{ shape, body, want string }{
		{"errors as text", `{"message":"Server Error"}`, `{"message":"Server Error"}`},
		{"errors as text", `{"data":null,"error":{"code":"c","message":"m"}}`, `{"data":null,"error":"m","code":"c"}`},
		{"errors as text", `{"data":null,"error":"m"}`, `{"data":null,"error":"m"}`},
		{"errors with little in them", `{"message":"m","errors":{"a":["b"]}}`, `{"message":"m","errors":{"a":["b"]}}`},
		{"errors with little in them", `{"data":null,"error":{"code":"other","details":{"list":[1]}},"meta":{}}`, `{"error":{"code":"other","details":{"list":[1]}}}`},
		{"lists as bare arrays", `{"data":{"items":[]}}`, `{"data":{"items":[]}}`},
	} {
		_, got := reshaped(rulesOf(t, c.shape), "auth.tokens", nil, http.StatusConflict, c.body)
		assert.JSONEq(t, c.want, got, "%s: %s", c.shape, c.body)
	}
}

func TestWhatIsUnderWayStaysAsItIs(t *testing.T) {
	const body = `{"data":{"payment":{"status":"requires_action"}}}`
	for _, name := range []string{"messages only", "created is 201, deleted is 204", "created is 200, deleted is empty"} {
		for _, endpoint := range []string{"wallet.redeem_coupon", "wallet.fund", "teams.invite", "teams.delete"} {
			status, got := reshaped(rulesOf(t, name), endpoint, nil, http.StatusAccepted, body)
			assert.Equal(t, http.StatusAccepted, status)
			assert.JSONEq(t, body, got)
		}
	}
}

func TestWhereTheReplayFlagGoes(t *testing.T) {
	for _, c := range []struct {
		place      ReplayPlace
		body, want string
	}{
		{ReplayInMeta, `{"data":[]}`, `{"data":[],"meta":{"idempotency_replay":true}}`},
		{ReplayInMeta, `{"data":{},"meta":[]}`, `{"data":{},"meta":{"idempotency_replay":true}}`},
		{ReplayInData, `{"data":[1]}`, `{"data":[1]}`},
		{ReplayInData, `{"data":{}}`, `{"data":{"idempotency_replay":true}}`},
		{ReplayInData, `{"message":"m"}`, `{"message":"m","idempotency_replay":true}`},
		{ReplayAtTopLevel, `{"data":[1]}`, `{"data":[1],"idempotency_replay":true}`},
		{ReplayInData, `[1]`, `[1]`},
		{ReplayInMeta, `"m"`, `"m"`},
	} {
		kept := bare(http.StatusOK, copyJSON(bare(http.StatusOK, json.RawMessage(c.body))))
		a := Idempotency{Replay: c.place}.mark(kept)
		assert.JSONEq(t, c.want, string(a.bytes()))
		assert.JSONEq(t, c.body, string(kept.bytes()), "what is kept stays as it is")
	}
	silent := Idempotency{Replay: ReplayInData}.mark(answer{status: http.StatusNoContent})
	assert.Empty(t, silent.bytes())
}

// FuzzReshape sends whatever JSON there is through every shape of an endpoint.
func FuzzReshape(f *testing.F) {
	shapes, routes := Shapes(), routeTable()
	for i, body := range []string{
		`{"data":[{"id":1,"status":"pending"}],"error":null,"meta":{"request_id":"r"}}`,
		`{"data":{"items":[{"model_name":"m","feature":"addon"}],"pagination":{"per_page":"0","current_page":-1,"total":1e400}}}`,
		`{"data":{"transactions":[null,1,"x",[]],"count":99999999999999999999,"total":9223372036854775807}}`,
		`{"data":{"access_token":"t","balance":1.50,"wallet":[],"card":"none","brand":"visa","address_line1":"1"}}`,
		`{"data":null,"error":{"code":"validation_error","details":{"a":["b"],"c":[]}}}`,
		`{"error":"text"}`, `[]`, `null`, `"x"`, `{}`, `{"data":{"data":{}}}`,
	} {
		for n := range routes {
			if n%5 == i%5 {
				f.Add(body, "limit=2&offset=9223372036854775807&page=3", 200+200*(i%2), n)
				f.Add(body, "limit=9223372036854775807&per_page=x&page=9223372036854775807", 200, n)
				f.Add(body, "limit=1&offset=9223372036854775807", 200, n)
			}
		}
	}
	f.Fuzz(func(t *testing.T, body, rawQuery string, status, n int) {
		if !json.Valid([]byte(body)) || strings.TrimSpace(body) == "null" { // an answer without a body is left alone
			return
		}
		query, _ := url.ParseQuery(rawQuery) // what can be read of it
		endpoint := routes[uint(n)%uint(len(routes))].name
		for _, shape := range shapes {
			_, out := reshaped(shape.rules, endpoint, query, status, body)
			silent := out == "" && slices.Contains(strings.Fields(deletions), endpoint)
			if !silent && !json.Valid([]byte(out)) {
				t.Fatalf("%s, %s: %s became %s", shape.Name, endpoint, body, out)
			}
		}
	})
}
