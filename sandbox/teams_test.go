package sandbox_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

func TestATeam(t *testing.T) {
	v := visit(t, sandbox.WithClock(newClock().Now), sandbox.WithoutRateLimits())
	ada, bob, carol := v.beside("ada@example.com"), v.beside("bob@example.com"), v.beside("carol@example.com")
	assert.Empty(t, ada.agents("GET", "/teams", "").rows(t))

	r := ada.agents("POST", "/teams", `{"email":"Bob@Example.com"}`)
	require.Equal(t, http.StatusCreated, r.StatusCode, r.text)
	invite, waiting := v.srv.InviteID("bob@example.com")
	require.True(t, waiting)
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, invite)
	assert.JSONEq(t, `{"id": 7, "name": null, "email": "bob@example.com", "role": "member", "permissions": [],
		"status": "pending", "invite_id": "`+invite+`", "created_at": "2026-03-01T09:30:00Z"}`, dataOf(t, r))
	r = ada.agents("POST", "/teams", `{"email":"dan@example.com","role":"admin"}`)
	assert.Equal(t, "admin", r.at("data", "role"))
	dan := "/teams/" + r.at("data", "id").(json.Number).String()

	require.Equal(t, http.StatusOK, ada.agents("POST", "/teams/7/resend-invite", "").StatusCode)
	again, _ := v.srv.InviteID("bob@example.com")
	assert.Equal(t, invite, again)
	accept := func(v *visitor, invite string) reply {
		return v.agents("POST", "/teams/invitations/"+invite+"/accept", "")
	}
	r = accept(carol, invite)
	assert.Equal(t, http.StatusForbidden, r.StatusCode)
	assert.Equal(t, "access_denied", r.at("error", "code"))
	assert.Equal(t, http.StatusNotFound, accept(bob, "7").StatusCode)
	require.Equal(t, http.StatusOK, accept(bob, invite).StatusCode)
	assert.Equal(t, http.StatusNotFound, accept(bob, invite).StatusCode, "an invitation works once")
	_, waiting = v.srv.InviteID("bob@example.com")
	assert.False(t, waiting)
	assert.Equal(t, http.StatusUnprocessableEntity, ada.agents("POST", "/teams/7/resend-invite", "").StatusCode)

	rows := ada.agents("GET", "/teams", "").rows(t)
	assert.Equal(t, []any{"accepted", "pending"}, column(rows, "status"))
	assert.Equal(t, []any{"bob", nil}, column(rows, "name"))
	assert.NotContains(t, rows[0], "invite_id")
	assert.Empty(t, bob.agents("GET", "/teams", "").rows(t), "bob has a team of his own")

	r = ada.agents("PUT", "/teams/7", `{"role":"admin","permissions":["billing","api-keys"]}`)
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "accepted", r.at("data", "status"))
	ada.agents("PUT", "/teams/7", `{"role":"viewer"}`)
	r = ada.agents("GET", "/teams/7", "")
	assert.Equal(t, "viewer", r.at("data", "role"))
	assert.Equal(t, []any{"billing", "api-keys"}, r.at("data", "permissions"))
	assert.Empty(t, ada.agents("PUT", "/teams/7", `{"permissions":[]}`).at("data", "permissions"))

	require.Equal(t, http.StatusOK, ada.agents("DELETE", dan, "").StatusCode)
	_, waiting = v.srv.InviteID("dan@example.com")
	assert.False(t, waiting)
	assert.Equal(t, []any{json.Number("7")}, column(ada.agents("GET", "/teams", "").rows(t), "id"))
}

func TestWhoLeavesATeamIsOut(t *testing.T) {
	for _, leave := range [][2]string{{"DELETE", ""}, {"PUT", `{"invite_status":"pending"}`}} {
		v := visit(t)
		ada, bob := v.beside("ada@example.com"), v.beside("bob@example.com")
		joined(t, ada, bob, "bob@example.com")
		body := `{"account_username":"` + ada.username() + `"}`
		token, _ := bob.agents("POST", "/auth/switch-account", body).at("data", "access_token").(string)
		asAda := bob.with(token)
		require.Equal(t, http.StatusOK, asAda.agents("GET", "/me", "").StatusCode)

		require.Equal(t, http.StatusOK, ada.agents(leave[0], "/teams/7", leave[1]).StatusCode)
		assert.Equal(t, http.StatusUnauthorized, asAda.agents("GET", "/me", "").StatusCode)
		assert.Equal(t, http.StatusForbidden, bob.agents("POST", "/auth/switch-account", body).StatusCode)
		assert.Equal(t, http.StatusOK, bob.agents("GET", "/me", "").StatusCode)
		assert.Equal(t, http.StatusOK, ada.agents("GET", "/me", "").StatusCode)
	}
}

func TestTheOwnerCanAcceptInAMembersPlace(t *testing.T) {
	v := visit(t)
	ada, bob := v.beside("ada@example.com"), v.beside("bob@example.com")
	ada.agents("POST", "/teams", `{"email":"bob@example.com"}`)
	assert.Equal(t, "accepted", ada.agents("PUT", "/teams/7", `{"invite_status":"accepted"}`).at("data", "status"))
	body := `{"account_username":"` + ada.username() + `"}`
	assert.Equal(t, http.StatusOK, bob.agents("POST", "/auth/switch-account", body).StatusCode)
}

func TestTeamsRefuse(t *testing.T) {
	v := visit(t, sandbox.WithoutRateLimits())
	ada, bob := v.beside("ada@example.com"), v.beside("bob@example.com")
	ada.agents("POST", "/teams", `{"email":"bob@example.com"}`)
	for body, field := range map[string]string{
		`{}`:                                      "email",
		`{"email":"nonsense"}`:                    "email",
		`{"email":"BOB@example.com"}`:             "email",
		`{"email":"Ada@example.com"}`:             "email",
		`{"email":"carol@example.com","role":""}`: "role",
		`{"email":"carol@example.com","role":7}`:  "role",
	} {
		r := ada.agents("POST", "/teams", body)
		assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode, body)
		assert.NotEmpty(t, r.at("error", "details", field), body)
	}
	for body, field := range map[string]string{
		`{"role":"x","invite_status":"refused"}`: "invite_status",
		`{"role":"x","invite_status":null}`:      "invite_status",
		`{"role":"x","permissions":"billing"}`:   "permissions",
		`{"role":"x","permissions":["a",1]}`:     "permissions",
		`{"role":null}`:                          "role",
	} {
		r := ada.agents("PUT", "/teams/7", body)
		assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode, body)
		assert.NotEmpty(t, r.at("error", "details", field), body)
	}
	assert.Equal(t, "member", ada.agents("GET", "/teams/7", "").at("data", "role"))
	for _, request := range [][2]string{{"GET", ""}, {"PUT", ""}, {"DELETE", ""}, {"POST", "/resend-invite"}} {
		for _, id := range []string{"7", "99", "x"} {
			r := bob.agents(request[0], "/teams/"+id+request[1], "")
			assert.Equal(t, http.StatusNotFound, r.StatusCode, "%s %s", request[0], id)
			assert.Contains(t, r.at("message"), "No query results")
		}
	}
	assert.Len(t, ada.agents("GET", "/teams", "").rows(t), 1)
}
