package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func roadFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/road/" + name)
	require.NoError(t, err)
	return string(b)
}

func TestBalanceReadsEveryShape(t *testing.T) {
	for _, tt := range []struct {
		body string
		want string // "": an error
	}{
		{`{"data":{"balance":25.5,"currency":"USD"},"error":null,"meta":{"request_id":"r"}}`, "25.50"},
		{`{"error":null,"meta":{"request_id":"r"},"data":{"balance":25.5,"currency":"USD"}}`, "25.50"},
		{`{"data":{"balance":25.5},"meta":{}}`, "25.50"},
		{`{"data":{"balance":25.5},"meta":[],"error":[]}`, "25.50"},
		{`{"data":{"balance":25.5},"error":{}}`, "25.50"},
		{`{"data":{"balance":25.5},"error":""}`, "25.50"},
		{`{"data":{"balance":25.5},"error":false}`, "25.50"},
		{`{"data":{"balance":25.5}}`, "25.50"},
		{`{"balance":25.5,"currency":"USD"}`, "25.50"},
		{`{"balance":25.5,"currency":"USD","meta":{"request_id":"r"}}`, "25.50"},
		{`{"balance":25.5,"error":null}`, "25.50"},
		{`{"balance":"25.50","message":"ok","request_id":"r"}`, "25.50"},
		{`{"data":{"wallet":{"balance":"25.50","currency":"USD"}}}`, "25.50"},
		{`{"data":{"wallet_balance":25.50}}`, "25.50"},
		{`{"data":{"wallet":{"balance":25.5},"balance":9}}`, "25.50"},
		{`{"data":{"wallet":null,"balance":25.5}}`, "25.50"},
		{`{"data":{"wallet":[],"balance":25.5}}`, "25.50"},
		{`{"data":{"balance":0}}`, "0.00"},
		{`{"data":{"balance":-3.1}}`, "-3.10"},
		{`{"data":{"balance":25.5,"currency":5,"extra":[{"a":{"b":"}]"}}]}}`, "25.50"},
		{"\xef\xbb\xbf \n{\"data\" :\t{ \"balance\" : 25.5 } }\r\n", "25.50"},
		{`{"\u0064ata":{"bal\u0061nce":25.5}}`, "25.50"},
		{`{"data":{"balance":25.5},"message":"quotes \" and \\"}`, "25.50"},
		{`{"data":null,"data":{"balance":25.5}}`, "25.50"},

		{`{"data":null,"error":null,"meta":{"request_id":"r"}}`, ""},
		{`{"data":null,"balance":25.5}`, ""},
		{`{"data":{}}`, ""},
		{`{"data":[]}`, ""},
		{`{"data":[{"balance":25.5}]}`, ""},
		{`{"data":"25.5"}`, ""},
		{`{"data":{"balance":null}}`, ""},
		{`{"data":{"balance":""}}`, ""},
		{`{"data":{"balance":"lots"}}`, ""},
		{`{"data":{"balance":true}}`, ""},
		{`{"data":{"balance":{}}}`, ""},
		{`{"data":{"balance":1.2.3}}`, ""},
		{`{"data":{"balance":25.5,}}`, ""},
		{`{"data":{"balance":25.5}`, ""},
		{`{"data":{"balance":25.5}}}`, ""},
		{`{"data":{"balance":25.5}} trailing`, ""},
		{`{"error":null}`, ""},
		{`{"meta":{"request_id":"r"}}`, ""},
		{`{}`, ""}, {`[]`, ""}, {`null`, ""}, {`25.5`, ""}, {`"25.5"`, ""}, {``, ""}, {" \n", ""}, {`{`, ""}, {`}`, ""}, {`{"`, ""}, {`{"a"}`, ""}, {`{"a":}`, ""}, {`{a:1}`, ""},
		{`OK`, ""}, {`<html></html>`, ""},
	} {
		t.Run(tt.body, func(t *testing.T) {
			b, err := stubbed(t, scripted(says(200, tt.body))).Wallet.Balance(t.Context())
			if tt.want == "" {
				require.Error(t, err)
				assert.Nil(t, b)
				assert.Equal(t, 200, apiOf(t, err).StatusCode)
				assertKind(t, ErrServer, err)
				oneLine(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, b.Balance.String())
		})
	}
}

func TestSessionsHoldTheFirstTokenThereIs(t *testing.T) {
	for body, want := range map[string]string{
		`{"data":{"access_token":"1|a","token":"1|b"}}`:                            "1|a",
		`{"data":{"access_token":"","token":"1|b"},"access_token":"1|c"}`:          "1|b",
		`{"data":{"access_token":null,"message":"ok"},"access_token":"1|c"}`:       "1|c",
		`{"data":{"message":"ok"},"token":"1|d","error":null}`:                     "1|d",
		`{"access_token":"1|e","token_type":"Bearer"}`:                             "1|e",
		`{"data":{"access_token":"1|a","user":[],"expires_at":"","api_key":null}}`: "1|a",
	} {
		s, err := stubbed(t, scripted(says(200, body))).Auth.VerifyEmail(t.Context(), "482915")
		require.NoError(t, err, body)
		assert.Equal(t, want, s.AccessToken.Reveal(), body)
		assert.Nil(t, s.ExpiresAt, body)
		assert.True(t, s.APIKey.IsZero(), body)
	}
	for _, body := range []string{
		`{"data":{"message":"ok"}}`, `{"data":{"access_token":{}}}`, `{"data":{"access_token":""}}`, `{"data":{"access_token":"1|a\nX-Evil: 1"}}`,
		`{"data":{"access_token":"[redacted]"}}`, `{"data":{"access_token":" "}}`,
	} {
		_, err := stubbed(t, scripted(says(200, body))).Auth.VerifyEmail(t.Context(), "482915")
		assertKind(t, ErrOutcomeUnknown, err)
	}
}

func TestRefusalsAreReadInEveryShape(t *testing.T) {
	for _, tt := range []struct {
		name          string
		status        int
		body          string
		header        []string
		code, message string
		id            string
		details       string
	}{
		{"enveloped", 422, `{"data":null,"error":{"code":"validation_error","message":"Wrong.","details":{"a":["b"]}},"meta":{"request_id":"r-1"}}`, nil, "validation_error", "Wrong.", "r-1", `{"a":["b"]}`},
		{"details of PHP's", 401, `{"data":null,"error":{"code":"invalid_credentials","message":"Wrong.","details":[]}}`, nil, "invalid_credentials", "Wrong.", "", `[]`},
		{"details of scalars", 403, `{"error":{"code":"email_not_verified","message":"Verify.","details":{"verification_required":true}}}`, nil, "email_not_verified", "Verify.", "", `{"verification_required":true}`},
		{"details null", 403, `{"error":{"code":"x","message":"y","details":null}}`, nil, "x", "y", "", ``},
		{"a code of next year", 403, `{"error":{"code":"a_new_one","message":"y"}}`, nil, "a_new_one", "y", "", ``},
		{"a code that is a number", 400, `{"status":"error","messege":"Old.","code":123}`, nil, "123", "Old.", "", ``},
		{"error is a string", 400, `{"data":null,"error":"Broken."}`, nil, "", "Broken.", "", ``},
		{"message before the string", 400, `{"message":"First.","error":"Second."}`, nil, "", "First.", "", ``},
		{"the error's message before all", 400, `{"message":"Second.","error":{"message":"First."}}`, nil, "", "First.", "", ``},
		{"framework", 401, `{"message":"Unauthenticated."}`, nil, "", "Unauthenticated.", "", ``},
		{"framework, an empty message", 403, `{"message":""}`, nil, "", "Forbidden", "", ``},
		{"framework, validation", 422, roadFile(t, "framework_422.json"), nil, "", "The amount field must be at least 10. (and 1 more error)", "", ``},
		{"top-level code and details", 400, `{"code":"c","message":"m","details":{"x":1}}`, nil, "c", "m", "", `{"x":1}`},
		{"generation", 400, `{"status":"error","message":"No model."}`, nil, "", "No model.", "", ``},
		{"OpenAI's", 400, `{"error":{"message":"No model.","type":"invalid","code":null}}`, nil, "invalid", "No model.", "", ``},
		{"a page", 502, roadFile(t, "bad_gateway.html"), []string{"X-Request-Id", "r-h"}, "", "502 Bad Gateway", "r-h", ``},
		{"a page without a title", 503, `<html>page-canary`, nil, "", "Service Unavailable", "", ``},
		{"a page with an open title", 503, `<html><title>page-canary`, nil, "", "Service Unavailable", "", ``},
		{"a page whose title has attributes", 503, "<HTML><TITLE lang='en'>\n Down for\t maintenance </TITLE>", nil, "", "Down for maintenance", "", ``},
		{"text", 500, `page-canary`, nil, "", "Internal Server Error", "", ``},
		{"empty", 404, ``, nil, "", "Not Found", "", ``},
		{"a status without a name", 599, ``, nil, "", "", "", ``},
		{"cut JSON", 422, `{"message":"page-canary`, nil, "", "Unprocessable Entity", "", ``},
		{"a list", 422, `["page-canary"]`, nil, "", "Unprocessable Entity", "", ``},
		{"meta's id before the header's", 404, `{"meta":{"request_id":"r-m"}}`, []string{"X-Request-Id", "r-h"}, "", "Not Found", "r-m", ``},
		{"the header's before the body's", 404, `{"request_id":"r-b"}`, []string{"X-Request-Id", "r-h"}, "", "Not Found", "r-h", ``},
		{"the body's", 404, `{"request_id":"r-b"}`, nil, "", "Not Found", "r-b", ``},
		{"an id that is a number", 404, `{"meta":{"request_id":12}}`, nil, "", "Not Found", "12", ``},
		{"control characters", 400, `{"message":"a\u0000b\u001b[31mc\nd\u2028e"}`, nil, "", "a b [31mc d e", "", ``},
		{"escapes", 400, `{"error":{"message":"caf\u00e9 \"x\" \\ \ud83d\ude00"}}`, nil, "", `café "x" \ 😀`, "", ``},
		{"bytes that are no text", 400, "{\"message\":\"a\xffb\"}", nil, "", "a b", "", ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := stubbed(t, scripted(says(tt.status, tt.body, tt.header...)), hasty(1)).Wallet.Balance(t.Context())
			api := apiOf(t, err)
			assert.Equal(t, tt.status, api.StatusCode)
			assert.Equal(t, tt.code, api.Code)
			assert.Equal(t, tt.message, api.Message)
			assert.Equal(t, tt.id, api.RequestID)
			assert.Equal(t, tt.details, string(api.Details))
			assert.Equal(t, tt.body, string(api.Raw), "as received")
			assert.NotContains(t, err.Error(), "page-canary")
			oneLine(t, err)
		})
	}
}

func TestFieldErrorsAreReadFromBothShapes(t *testing.T) {
	want := map[string][]string{
		"amount":            {"The amount field must be at least 10."},
		"payment_method_id": {"The payment method id field is required.", "It must start with pm_."},
	}
	for name, body := range map[string]string{
		"the envelope's":              roadFile(t, "envelope_422.json"),
		"the framework's":             roadFile(t, "framework_422.json"),
		"the framework's, in details": `{"error":{"code":"validation_error","details":[]},"errors":` + mustMember(roadFile(t, "framework_422.json"), "errors") + `}`,
	} {
		err := roadCalls[1].do(t.Context(), stubbed(t, scripted(says(422, body))))
		assertKind(t, ErrValidation, err)
		assert.Equal(t, want, apiOf(t, err).Fields, name)
	}
	for body, want := range map[string]map[string][]string{
		`{"error":{"code":"validation_error","details":{"a":"one","b":["x","y"],"c":{"d":1},"e":null,"f":[1],"g":[]}}}`: {"a": {"one"}, "b": {"x", "y"}, "g": {}},
		`{"error":{"code":"validation_error","details":[]}}`:                                                            nil,
		`{"error":{"code":"validation_error","details":{}}}`:                                                            nil,
		`{"error":{"code":"validation_error"}}`:                                                                         nil,
		`{"message":"x","errors":[]}`:                                                                                   nil,
		`{"message":"x","errors":"y"}`:                                                                                  nil,
	} {
		err := roadCalls[1].do(t.Context(), stubbed(t, scripted(says(422, body))))
		assert.Equal(t, want, apiOf(t, err).Fields, body)
	}
	err := roadCalls[1].do(t.Context(), stubbed(t, scripted(says(402, declinedBody))))
	assert.Nil(t, apiOf(t, err).Fields, "a decline is no form that was filled in wrongly")
}

func mustMember(body, name string) string {
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		panic(err)
	}
	return string(m[name])
}

func TestTheReplayFlagIsFoundWhereverItIs(t *testing.T) {
	for _, tt := range []struct {
		body   string
		header []string
		want   bool
	}{
		{`{"data":{},"meta":{"idempotency_replay":true}}`, nil, true},
		{`{"data":{},"meta":{"idempotency_replay":1}}`, nil, true},
		{`{"data":{},"meta":{"idempotency_replay":"true"}}`, nil, true},
		{`{"data":{},"meta":{"idempotency_replay":"1"}}`, nil, true},
		{`{"data":{"idempotency_replay":true}}`, nil, true},
		{`{"data":{"idempotency_replay":"TRUE"}}`, nil, true},
		{`{"data":{},"idempotency_replay":true}`, nil, true},
		{`{"message":"bare","idempotency_replay":1}`, nil, true},
		{`{"data":{}}`, []string{"Idempotency-Replay", "true"}, true},
		{`{"data":{}}`, []string{"Idempotent-Replayed", "true"}, true},
		{`{"data":{}}`, []string{"X-Idempotency-Replay", "1"}, true},
		{`{"data":{}}`, []string{"idempotency-replay", "True"}, true},
		{`{"data":{},"meta":{"idempotency_replay":false},"idempotency_replay":true}`, nil, true},
		{``, []string{"Idempotency-Replay", "true"}, true},

		{`{"data":{}}`, nil, false},
		{`{"data":{},"meta":{"idempotency_replay":false}}`, nil, false},
		{`{"data":{},"meta":{"idempotency_replay":0}}`, nil, false},
		{`{"data":{},"meta":{"idempotency_replay":"false"}}`, nil, false},
		{`{"data":{},"meta":{"idempotency_replay":null}}`, nil, false},
		{`{"data":{},"meta":{"idempotency_replay":{}}}`, nil, false},
		{`{"data":{"message":"\"idempotency_replay\":true"}}`, nil, false},
		{`{"data":{"nested":{"idempotency_replay":true}}}`, nil, false},
		{`{"data":[{"idempotency_replay":true}]}`, nil, false},
		{`{"data":{}}`, []string{"Idempotency-Replay", "false"}, false},
		{`{"data":{}}`, []string{"Idempotency-Replay", ""}, false},
		{badGateway, nil, false},
	} {
		t.Run(tt.body+fmt.Sprint(tt.header), func(t *testing.T) {
			h := http.Header{}
			for i := 0; i < len(tt.header); i += 2 {
				h.Set(tt.header[i], tt.header[i+1])
			}
			a := newAnswer(200, h, []byte(tt.body))
			assert.Equal(t, tt.want, a.replayed())

			for _, status := range []int{200, 422} {
				var resp Response
				_ = pauseWith(t, stubbed(t, scripted(says(status, tt.body, tt.header...))), WithResponse(&resp))
				assert.Equal(t, tt.want, resp.IdempotencyReplay, status)
			}
			var resp Response
			_ = roadCalls[0].do(t.Context(), stubbed(t, scripted(says(200, tt.body, tt.header...))), WithResponse(&resp))
			assert.False(t, resp.IdempotencyReplay, "a call without a key is nobody's replay")
		})
	}
}

func TestATitleIsReadFromAnyPage(t *testing.T) {
	for _, page := range []string{
		strings.Repeat("\xff", 50) + "<title>Latin</title>",
		"<title>" + strings.Repeat("\xe9", 50) + "</title>",
		strings.Repeat("İ", 50) + "<title>Turkish</title>",
		strings.Repeat("K", 50) + "<TITLE>Kelvin</TITLE>",
		strings.Repeat(" ", 5000) + "<title>far down</title>",
		"<html>" + strings.Repeat(" ", 4085) + "<title>x</title>",
		"<title", "<title>", "<title></title", "<title></title>", "<TITLE\xff>\xff</TITLE>",
	} {
		assert.NotPanics(t, func() { _ = title([]byte(page)) }, "%.60q", page)
	}
	assert.Equal(t, "Turkish", title([]byte(strings.Repeat("İ", 50)+"<title>Turkish</title>")))
	assert.Equal(t, "Latin", title([]byte(strings.Repeat("\xff", 50)+"<title>Latin</title>")))
	assert.NotPanics(t, func() {
		err := roadCalls[0].do(t.Context(), stubbed(t, scripted(says(502, "<p>"+strings.Repeat("\xe9", 90)+"<title>Hors service</title>"))))
		assert.ErrorContains(t, err, "Hors service")
	})
}

func TestAnEmptySuccessIsEnoughWhereNothingIsNeeded(t *testing.T) {
	for _, status := range []int{200, 201, 204} {
		for _, body := range []string{``, `{}`, `[]`, `null`, `{"data":null,"error":null}`, `{"data":[]}`, `{"message":"ok"}`} {
			c := stubbed(t, scripted(says(status, body)))
			require.NoError(t, c.Auth.Logout(t.Context()), body)
			require.NoError(t, c.Auth.ResendVerification(t.Context(), "a@example.com"), body)
			require.NoError(t, c.Call(t.Context(), del, "/teams/4", nil, nil), body)
			s, err := c.Auth.Signup(t.Context(), AuthSignupParams{Email: "a@example.com", Password: NewSecret("pw-pw-pw")})
			require.NoError(t, err, body)
			assert.Empty(t, s.AccessToken.Reveal())
		}
	}
	err := stubbed(t, scripted(says(200, `<html>`))).Auth.Logout(t.Context())
	assertKind(t, ErrOutcomeUnknown, err)
}

func TestListsAreReadInEveryShape(t *testing.T) {
	ctx := func(t *testing.T) context.Context { return t.Context() }
	for body, want := range map[string]int{
		`{"data":{"items":[{"id":1,"amount":1},{"id":"2","amount":"2"}],"count":2,"total":9,"wallet":{"balance":"5.00"}}}`: 2,
		`{"data":[{"id":1,"amount":1},{"id":2,"amount":2},{"id":3,"amount":3}]}`:                                           3,
		`[{"id":1,"amount":1}]`:           1,
		`{"items":[{"id":1,"amount":1}]}`: 1,
		`{"data":[]}`:                     0,
		`{"data":{"items":[]}}`:           0,
		`{"data":[{"id":1}]}`:             -1,
		`{"data":[1]}`:                    -1,
		`{"data":{"items":null}}`:         -1,
		`{"data":{"items":"x"}}`:          -1,
		`{"data":{"count":0}}`:            -1,
		`{"data":"x"}`:                    -1,
	} {
		page, err := stubbed(t, scripted(says(200, body))).Wallet.Transactions(ctx(t), TransactionsParams{})
		if want < 0 {
			require.Error(t, err, body)
			continue
		}
		require.NoError(t, err, body)
		assert.Len(t, page.Items, want, body)
	}
	for body, want := range map[string]int{
		`{"data":{"subscription_plans":[{"id":1,"price":"9.00"},{"id":2,"interval":"monthly"}],"pay_as_you_go":{"minimum_topup_usd":10},"count":2}}`: 2,
		`{"data":[{"id":1,"interval":"monthly","description":"x"}]}`:                                                                                 1,
		`{"subscription_plans":[{"id":1}]}`:                                   1,
		`{"data":{"subscription_plans":[{"id":1,"features":"x","name":[]}]}}`: 1,
		`{"data":{"subscription_plans":[]}}`:                                  0,
		`{"data":{"subscription_plans":null}}`:                                -1,
		`{"data":{"pay_as_you_go":{"available":1}}}`:                          -1,
	} {
		plans, err := stubbed(t, scripted(says(200, body))).Subscriptions.Plans(ctx(t))
		if want < 0 {
			require.Error(t, err, body)
			continue
		}
		require.NoError(t, err, body)
		assert.Len(t, plans.SubscriptionPlans, want, body)
	}
}

func generationOf(t *testing.T, body string) (*Generation, error) {
	t.Helper()
	return stubbed(t, scripted(says(200, body))).Generation.Images.TextToImage(t.Context(), TextToImageParams{ModelID: "flux", Prompt: "x"})
}

func TestGenerationsAreReadInEveryShape(t *testing.T) {
	g, err := generationOf(t, roadFile(t, "generation_success.json"))
	require.NoError(t, err)
	assert.Equal(t, "9007199254740993", g.ID, "each digit")
	assert.Equal(t, StatusSuccess, g.Status)
	assert.Equal(t, []string{"https://files.example/a.png", "https://files.example/b.png"}, g.Output)
	assert.Equal(t, []string{"https://proxy.example/0.png", "https://proxy.example/2.png", "https://proxy.example/10.png"}, g.ProxyLinks, "by number")
	assert.Equal(t, "77", g.TrackID)
	assert.Equal(t, "/api/v6/images/text2img", g.Path)
	assert.JSONEq(t, roadFile(t, "generation_success.json"), string(g.Raw))

	g, err = generationOf(t, roadFile(t, "generation_processing.json"))
	require.NoError(t, err)
	assert.Equal(t, "abc123-def456", g.ID)
	assert.Equal(t, StatusProcessing, g.Status)
	assert.Empty(t, g.Output, "links to come are no results")
	assert.Equal(t, []string{"https://files.example/a.png"}, g.FutureLinks)
	assert.Equal(t, 10*time.Second, g.ETA)
	assert.Equal(t, "Try fetching it.", g.Message)

	for output, want := range map[string][]string{
		`["a","b"]`: {"a", "b"}, `"a"`: {"a"}, `{"0":"a","1":"b"}`: {"a", "b"}, `{"b":"x","a":"y"}`: {"x", "y"},
		`{"output":["a"]}`: {"a"}, `[["a"],["b","c"]]`: {"a", "b", "c"}, `["a",null,"",5,{"x":"b"}]`: nil, `["\u0061\/b"]`: {"a/b"},
	} {
		g, err = generationOf(t, `{"status":"success","id":1,"output":`+output+`}`)
		require.NoError(t, err, output)
		if want != nil {
			assert.Equal(t, want, g.Output, output)
		} else {
			assert.Contains(t, g.Output, "a")
			assert.Contains(t, g.Output, "b")
			assert.NotContains(t, g.Output, "")
		}
	}
	g, err = generationOf(t, `{"status":"success","id":1,"links":["a"]}`)
	require.NoError(t, err)
	assert.Equal(t, []string{"a"}, g.Output)
	g, err = generationOf(t, `{"status":"queued_of_next_year","id":1,"output":["a"],"eta":null}`)
	require.NoError(t, err)
	assert.False(t, g.Done(), "an unknown word is still running, whatever is in output")
	g, err = generationOf(t, `{"status":"success","id":1,"output":["a"],"error":"a warning","meta":null,"message":{"x":1}}`)
	require.NoError(t, err, "the status decides")
	assert.Equal(t, []string{"a"}, g.Output)
}

func TestJobsThatFailedAreErrorsWhateverTheStatusCode(t *testing.T) {
	for _, tt := range []struct{ body, message, id string }{
		{`{"status":"error","message":"No such model."}`, "No such model.", ""},
		{`{"status":"error","messege":"No such model.","code":123}`, "No such model.", ""},
		{`{"status":"error","error":{"message":"No such model."}}`, "No such model.", ""},
		{`{"status":"error","error":"No such model."}`, "No such model.", ""},
		{`{"status":"failed","id":"9","message":"It broke.","track_id":null}`, "It broke.", "9"},
		{`{"status":"success","id":9,"output":[]}`, "success, and no output came with it", "9"},
		{`{"status":"success","id":9,"output":"","future_links":["a"]}`, "success, and no output came with it", "9"},
		{`{"status":"success","id":9}`, "success, and no output came with it", "9"},
	} {
		g, err := generationOf(t, tt.body)
		assert.Nil(t, g)
		assertKind(t, ErrGenerationFailed, err)
		failed, ok := as[*GenerationError](err)
		require.True(t, ok, tt.body)
		assert.Equal(t, tt.message, failed.Message)
		assert.Equal(t, tt.id, failed.GenerationID)
		assert.Equal(t, 200, apiOf(t, err).StatusCode)
	}
	for _, body := range []string{`{}`, `[]`, `{"status":"processing"}`, `{"output":[]}`, `"x"`, `{"data":{"status":"success"}}`, `{"status":5}`} {
		_, err := generationOf(t, body)
		assertKind(t, ErrOutcomeUnknown, err)
	}
}

// inOrder is an object's members as encoding/json sees them: the last that is
// not null wins, where a name comes twice.
func inOrder(t *testing.T, object []byte) (members map[string]json.RawMessage, null map[string]bool) {
	t.Helper()
	members, null = map[string]json.RawMessage{}, map[string]bool{}
	dec := json.NewDecoder(bytes.NewReader(object))
	_, err := dec.Token()
	require.NoError(t, err)
	for dec.More() {
		name, err := dec.Token()
		require.NoError(t, err)
		var v json.RawMessage
		require.NoError(t, dec.Decode(&v))
		if string(v) == "null" {
			null[name.(string)] = true
		} else {
			members[name.(string)] = v
		}
	}
	return members, null
}

func FuzzEnvelope(f *testing.F) {
	for _, body := range []string{
		balanceBody, fundedBody, signupBody, imageBody, declinedBody, actionBody, authenticationBody, createdBody, badGateway,
		roadFile(f, "framework_422.json"), roadFile(f, "envelope_422.json"), roadFile(f, "generation_success.json"),
		``, `null`, `[]`, `{}`, `{"data":[]}`, `{"data":null,"error":null,"meta":null}`, `{"data":"x","error":"y"}`, `{"idempotency_replay":1}`,
		`{"meta":{"request_id":5,"idempotency_replay":"true"}}`, `{"\u0064ata":{"a":"\\\""}}`, "\xef\xbb\xbf{\"data\":{}}", `{"data":{"a":[}]}`,
		`{"a":"`, `{"a":1.2.3}`, `{"data":{"x":1},"data":null}`, "\xff<title>\xff</title>", `{"error":{"details":{"a":[1,"x"],"b":"y"},"code":"validation_error"}}`, `{"":0}`,
	} {
		f.Add(200, []byte(body))
		f.Add(422, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		given := bytes.Clone(body)
		a := newAnswer(status, http.Header{"Idempotency-Replay": {"false"}}, body)
		p, o := a.payload(), a.object()
		replayed, id := a.replayed(), a.requestID()
		_, _ = a.list("items")
		_, _ = a.members()
		var e APIError
		a.fault(&e)
		oneLine(t, &APIError{Message: e.Message, Code: e.Code, Response: Response{RequestID: id}})
		_, _ = json.Marshal(e)
		for _, out := range []decoder{
			&Balance{}, &Funding{}, &TransactionPage{}, &Plans{}, &Session{}, &Signup{}, &StripeConfig{}, &PaymentLink{}, &Subscription{}, &SubscriptionResult{},
			&PaymentStatus{}, &ownID{}, &Profile{}, &APIKey{}, &TeamMember{}, &UsageSummary{}, &UsagePage{}, &Model{}, &ModelPage{}, &ModelFilters{},
			&BillingOverview{}, &PaymentMethod{}, &SetupIntent{}, &BillingInfo{}, &Invoice{}, &InvoiceLinks{}, &AutoFunding{}, &Withdrawal{}, &Coupon{},
			&CouponRedemption{}, &SubscriptionChange{}, &AmountCharge{}, &checkoutFunding{}, &checkoutSubscription{},
			&listOf[Subscription, *Subscription]{}, &listOf[named, *named]{}, &listOf[ProductUsage, *ProductUsage]{},
		} {
			row := *walletFund.row()
			_ = out.decode(&trip{e: &row, c: fuzzClient}, &a)
		}
		require.Equal(t, given, body, "read only")

		trimmed := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
		if len(trimmed) == 0 || trimmed[0] != '{' || !json.Valid(trimmed) {
			return
		}
		members, null := inOrder(t, trimmed)
		require.Equal(t, shapeObject, a.shape)
		for name, got := range map[string][]byte{
			"data": a.outer.data, "error": a.outer.err, "meta": a.outer.meta, "message": a.outer.message, "messege": a.outer.messege,
			"errors": a.outer.errors, "code": a.outer.code, "details": a.outer.details, "request_id": a.outer.requestID,
			"idempotency_replay": a.outer.replay, "retry_after": a.outer.retryAfter,
		} {
			require.Equal(t, string(members[name]), string(got), name)
		}
		for name, v := range members {
			if strings.ToValidUTF8(name, "") == name && !strings.ContainsRune(name, '\ufffd') {
				require.Equal(t, string(v), string(member(trimmed, name)), "%q", name)
			}
		}
		switch data := members["data"]; {
		case len(data) > 0 && (data[0] == '{' || data[0] == '['):
			require.Equal(t, string(data), string(p))
			if data[0] == '[' && json.Valid(data) && len(bytes.TrimSpace(data[1:len(data)-1])) == 0 {
				require.Equal(t, "{}", string(o))
			}
		case data == nil && null["data"]:
			require.Nil(t, p)
		case p != nil:
			require.Equal(t, string(trimmed), string(p))
		}
		if s := members["meta"]; s != nil {
			var meta struct {
				ID any `json:"request_id"`
			}
			_ = json.Unmarshal(s, &meta)
			if want, ok := meta.ID.(string); ok && want != "" && !strings.ContainsRune(want, '\ufffd') && bytes.Count(bytes.ToLower(s), []byte("request_id")) == 1 && bytes.Contains(s, []byte(`"request_id"`)) {
				require.Equal(t, want, id)
			}
		}
		if replayed {
			require.Contains(t, string(trimmed), "idempotency_replay")
		}
	})
}

// fuzzClient scrubs errors for decoders that are run apart from the road.
var fuzzClient = func() *Client {
	c, err := New(WithAccessToken(testToken), WithAPIKey(testKey))
	if err != nil {
		panic(err)
	}
	return c
}()

func FuzzGeneration(f *testing.F) {
	for _, body := range []string{
		imageBody, roadFile(f, "generation_success.json"), roadFile(f, "generation_processing.json"),
		`{"status":"failed","id":"9","message":"x"}`, `{"status":"error","messege":"x","code":1}`, `{"status":"success","id":1,"output":[["a"],{"0":"b"}]}`,
		`{"status":"success","id":1e3,"output":"a","eta":1e300}`, `{"id":-0,"eta":"NaN","output":{"output":{"output":"x"}}}`, `{"status":"ok","id":"\ud800"}`,
		`{"status":"processing","id":{"a":1},"eta":-5}`, `[]`, `null`, ``, `{`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := newAnswer(200, http.Header{}, bytes.Clone(body))
		j := &job{}
		err := j.decode(&trip{e: imagesTextToImage.row(), path: "/api/v6/images/text2img", c: fuzzClient}, &a)
		if err != nil {
			assert.Less(t, len(err.Error()), 1000)
			return
		}
		g := &j.g
		require.True(t, json.Valid(g.Raw))
		require.False(t, g.Status == StatusSuccess && len(g.Output) == 0, "success is something to show")
		require.False(t, g.Status != StatusSuccess && g.ID == "", "what still runs can be asked for")
		require.False(t, g.Status == StatusFailed || g.Status == StatusError)
		require.GreaterOrEqual(t, g.ETA, time.Duration(0))
		require.LessOrEqual(t, g.ETA, 24*time.Hour)
		require.NotContains(t, g.Output, "")

		kept, err := json.Marshal(g)
		require.NoError(t, err)
		var again Generation
		require.NoError(t, json.Unmarshal(kept, &again))
		again.Raw = g.Raw
		require.Equal(t, g.ID, again.ID)
		require.Equal(t, g.Status, again.Status)
		require.Equal(t, g.Output, again.Output)
		require.Equal(t, g.ETA, again.ETA)
	})
}
