package sandbox_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func TestAProfileChangesFieldByField(t *testing.T) {
	v := visit(t, sandbox.WithClock(newClock().Now), sandbox.WithoutRateLimits())
	v.srv.Account(sandbox.AccountParams{Email: "ada@example.com", BalanceCents: 12_50})
	v = v.beside("ada@example.com")
	get := func(path ...string) any { return v.agents("GET", "/me", "").at(append([]string{"data"}, path...)...) }
	patch := func(path, body string) reply {
		r := v.agents("PATCH", "/me"+path, body)
		require.Equal(t, http.StatusOK, r.StatusCode, r.text)
		return r
	}

	r := v.agents("GET", "/me", "")
	assert.JSONEq(t, `{
		"id": 101, "name": "ada", "email": "ada@example.com", "username": "ada101", "verified": true,
		"about_me": null, "created_at": "2026-03-01T09:30:00Z",
		"wallet_balance": 12.50, "wallet": {"balance": 12.50, "currency": "USD"},
		"preferences": {"nsfw_content": false, "wallet_notification_enabled": true, "wallet_notification_threshold": 10.00},
		"socials": {"facebook": null, "github": null, "twitter": null, "instagram": null, "discord": null}
	}`, dataOf(t, r))

	r = patch("", `{"about_me":" Paints by numbers. "}`)
	assert.Equal(t, "Paints by numbers.", r.at("data", "about_me"))
	assert.Equal(t, "ada", r.at("data", "name"))
	patch("", `{"name":"Ada","username":"ada"}`)
	assert.Equal(t, "Ada", get("name"))
	assert.Equal(t, "ada", get("username"))
	assert.Equal(t, "Paints by numbers.", get("about_me"))
	patch("", `{"about_me":null}`)
	assert.Nil(t, get("about_me"))
	patch("", `{}`)
	patch("", `{"username":"ADA"}`)
	assert.Equal(t, "ADA", get("username"), "one's own name is not taken")

	r = patch("/preferences", `{"wallet_notification_enabled":false,"wallet_notification_threshold":0}`)
	assert.NotEmpty(t, r.at("data", "message"))
	assert.Equal(t, false, get("preferences", "wallet_notification_enabled"))
	assert.Equal(t, json.Number("0.00"), get("preferences", "wallet_notification_threshold"))
	patch("/preferences", `{"nsfw_content":"1"}`)
	assert.Equal(t, true, get("preferences", "nsfw_content"))
	assert.Equal(t, false, get("preferences", "wallet_notification_enabled"))
	patch("/preferences", `{"nsfw_content":0,"wallet_notification_enabled":1,"wallet_notification_threshold":"7.25"}`)
	assert.Equal(t, false, get("preferences", "nsfw_content"))
	assert.Equal(t, json.Number("7.25"), get("preferences", "wallet_notification_threshold"))

	r = patch("/socials", `{"github":"ada","discord":"ada#1","website":"https://ada.example.com"}`)
	assert.NotEmpty(t, r.at("data", "message"))
	patch("/socials", `{"discord":""}`)
	assert.Equal(t, "ada", get("socials", "github"))
	assert.Nil(t, get("socials", "discord"))
	assert.Len(t, get("socials"), 5)
}

// dataOf is the data of an answer, as JSON.
func dataOf(t testing.TB, r reply) string {
	t.Helper()
	text, err := json.Marshal(r.at("data"))
	require.NoError(t, err)
	return string(text)
}

func TestAProfileRefuses(t *testing.T) {
	v := visit(t, sandbox.WithoutRateLimits())
	ada := v.beside("ada@example.com")
	bobsName := v.beside("bob@example.com").username()
	before := dataOf(t, ada.agents("GET", "/me", ""))
	for _, tt := range [][3]string{
		{"", `{"about_me":"x","name":""}`, "name"},
		{"", `{"about_me":"x","name":null}`, "name"},
		{"", `{"about_me":"x","name":5}`, "name"},
		{"", `{"about_me":["x"]}`, "about_me"},
		{"", `{"about_me":"x","username":" "}`, "username"},
		{"", `{"about_me":"x","username":"` + bobsName + `"}`, "username"},
		{"", `{"about_me":"x","username":"BOB102"}`, "username"},
		{"/preferences", `{"nsfw_content":true,"wallet_notification_enabled":"maybe"}`, "wallet_notification_enabled"},
		{"/preferences", `{"nsfw_content":null}`, "nsfw_content"},
		{"/preferences", `{"nsfw_content":[1]}`, "nsfw_content"},
		{"/preferences", `{"nsfw_content":true,"wallet_notification_threshold":-1}`, "wallet_notification_threshold"},
		{"/preferences", `{"nsfw_content":true,"wallet_notification_threshold":null}`, "wallet_notification_threshold"},
		{"/socials", `{"github":"ada","twitter":{}}`, "twitter"},
	} {
		r := ada.agents("PATCH", "/me"+tt[0], tt[1])
		assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode, tt[1])
		assert.NotEmpty(t, r.at("error", "details", tt[2]), r.text)
	}
	assert.JSONEq(t, before, dataOf(t, ada.agents("GET", "/me", "")), "a refused change changes nothing")
}

func TestChangingAPassword(t *testing.T) {
	v := visit(t, sandbox.WithoutRateLimits())
	a := v.srv.Account(sandbox.AccountParams{Email: "ada@example.com"})
	v = v.with(a.AccessToken)
	change := func(v *visitor, fields string) reply { return v.agents("PATCH", "/me/password", "{"+fields+"}") }
	current := `"current_password":"` + a.Password + `",`
	for fields, field := range map[string]string{
		`"current_password":"wrong","password":"brand new","password_confirmation":"brand new"`: "current_password",
		`"password":"brand new","password_confirmation":"brand new"`:                            "current_password",
		current + `"password":"brand new","password_confirmation":"brand old"`:                  "password",
		current + `"password":"brand new"`:                                                      "password_confirmation",
		current + `"password":"short","password_confirmation":"short"`:                          "password",
	} {
		r := change(v, fields)
		assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode, fields)
		assert.Len(t, r.at("error", "details"), 1, fields)
		assert.NotEmpty(t, r.at("error", "details", field), fields)
	}
	require.Equal(t, http.StatusOK, v.loggedIn("ada@example.com", a.Password, "").StatusCode)

	r := change(v, current+`"password":"brand new","password_confirmation":"brand new"`)
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, http.StatusOK, v.agents("GET", "/me", "").StatusCode, "tokens stay")
	assert.Equal(t, http.StatusUnauthorized, v.loggedIn("ada@example.com", a.Password, "").StatusCode)
	assert.Equal(t, http.StatusOK, v.loggedIn("ada@example.com", "brand new", "").StatusCode)

	bob := v.beside("bob@example.com")
	joined(t, v, bob, "bob@example.com")
	token, _ := bob.agents("POST", "/auth/switch-account", `{"account_username":"`+v.username()+`"}`).at("data", "access_token").(string)
	r = change(bob.with(token), `"current_password":"brand new","password":"mine now!","password_confirmation":"mine now!"`)
	assert.Equal(t, http.StatusForbidden, r.StatusCode)
	assert.Equal(t, "access_denied", r.at("error", "code"))
}
