package sandbox_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func TestAPIKeysComeAndGo(t *testing.T) {
	v := visit(t, sandbox.WithClock(newClock().Now), sandbox.WithoutRateLimits(), sandbox.WithGenerationTime(0))
	a := v.srv.Account(sandbox.AccountParams{Email: "ada@example.com", BalanceCents: 10_00})
	v = v.with(a.AccessToken)
	generates := func(key string) bool {
		r := v.send("POST", "/api/v6/images/text2img", `{"key":"`+key+`","model_id":"flux","prompt":"x"}`)
		return r.at("status") == "success"
	}
	mask := func(key string) string { return key[:4] + strings.Repeat("*", len(key)-8) + key[len(key)-4:] }

	rows := v.agents("GET", "/api-keys", "").rows(t)
	require.Len(t, rows, 1)
	assert.Equal(t, "Default", rows[0]["name"])
	assert.Equal(t, mask(a.APIKey), rows[0]["key"])
	assert.Nil(t, rows[0]["notes"])
	assert.Equal(t, "2026-03-01T09:30:00Z", rows[0]["created_at"])
	first := "/api-keys/" + rows[0]["id"].(json.Number).String()

	r := v.agents("POST", "/api-keys", `{"name":"CI","notes":"for the nightly run"}`)
	require.Equal(t, http.StatusCreated, r.StatusCode, r.text)
	key, _ := r.at("data", "key").(string)
	assert.Regexp(t, `^[A-Za-z0-9]{60}$`, key, "whole, this once")
	assert.True(t, generates(key))
	second := "/api-keys/" + r.at("data", "id").(json.Number).String()
	r = v.agents("GET", second, "")
	assert.Equal(t, mask(key), r.at("data", "key"))
	assert.Equal(t, "for the nightly run", r.at("data", "notes"))

	r = v.agents("PUT", second, `{"notes":null}`)
	assert.Equal(t, "CI", r.at("data", "name"))
	assert.Nil(t, r.at("data", "notes"))
	r = v.agents("PUT", second, `{"name":"Nightly"}`)
	assert.Equal(t, mask(key), r.at("data", "key"))
	assert.Equal(t, []any{"Default", "Nightly"}, column(v.agents("GET", "/api-keys", "").rows(t), "name"))

	login := func() any { return v.loggedIn("ada@example.com", a.Password, "").at("data", "api_key") }
	assert.Equal(t, a.APIKey, login())
	require.Equal(t, http.StatusOK, v.agents("DELETE", first, "").StatusCode)
	assert.False(t, generates(a.APIKey), "a deleted key opens nothing")
	assert.Equal(t, key, login())
	require.Equal(t, http.StatusOK, v.agents("DELETE", second, "").StatusCode)
	assert.Nil(t, login())
	assert.Empty(t, v.agents("GET", "/api-keys", "").rows(t))
	assert.Equal(t, http.StatusNotFound, v.agents("GET", second, "").StatusCode)
	assert.Equal(t, "9.98", v.balance())
}

func TestAPIKeysRefuse(t *testing.T) {
	v := visit(t)
	ada, bob := v.beside("ada@example.com"), v.beside("bob@example.com")
	for _, body := range []string{`{}`, `{"name":" "}`, `{"name":7}`, `{"name":"x","notes":7}`} {
		assert.Equal(t, http.StatusUnprocessableEntity, ada.agents("POST", "/api-keys", body).StatusCode, body)
	}
	id := "/api-keys/" + ada.agents("GET", "/api-keys", "").rows(t)[0]["id"].(json.Number).String()
	assert.Equal(t, http.StatusUnprocessableEntity, ada.agents("PUT", id, `{"name":""}`).StatusCode)
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		r := bob.agents(method, id, "")
		assert.Equal(t, http.StatusNotFound, r.StatusCode, method)
		assert.Contains(t, r.at("message"), "No query results")
		assert.Equal(t, http.StatusNotFound, bob.agents(method, "/api-keys/x", "").StatusCode, method)
	}
	assert.Len(t, ada.agents("GET", "/api-keys", "").rows(t), 1)
}
