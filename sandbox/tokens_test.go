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

func TestTokensAreListedAndRevoked(t *testing.T) {
	c := newClock()
	v := visit(t, sandbox.WithClock(c.Now), sandbox.WithoutRateLimits())
	a := v.srv.Account(sandbox.AccountParams{Email: "ada@example.com"})
	v = v.with(a.AccessToken)
	login := func(device, expiry string) *visitor {
		r := v.loggedIn("ada@example.com", a.Password, `,"device_name":"`+device+`","token_expiry":"`+expiry+`"`)
		token, _ := r.at("data", "access_token").(string)
		return v.with(token)
	}
	works := func(v *visitor) bool { return v.agents("GET", "/me", "").StatusCode == http.StatusOK }
	c.Advance(time.Hour)
	laptop, _ := login("laptop", "1_week"), login("phone", "never")

	rows := v.agents("GET", "/auth/tokens", "").rows(t)
	require.Len(t, rows, 3)
	assert.Equal(t, []any{"sandbox", "laptop", "phone"}, column(rows, "name"))
	assert.Equal(t, []any{"2026-03-01T10:30:00Z", nil, nil}, column(rows, "last_used_at"), "listing them is a use")
	assert.Equal(t, []any{"2026-03-01T09:30:00Z", "2026-03-01T10:30:00Z", "2026-03-01T10:30:00Z"}, column(rows, "created_at"))
	assert.Equal(t, []any{nil, "2026-03-08T10:30:00Z", nil}, column(rows, "expires_at"))
	assert.Equal(t, []any{"*"}, rows[0]["scopes"])
	assert.Contains(t, laptop.token, rows[1]["id"].(json.Number).String()+"|")

	c.Advance(time.Minute)
	require.True(t, works(laptop))
	c.Advance(time.Minute)
	rows = v.agents("GET", "/auth/tokens", "").rows(t)
	assert.Equal(t, []any{"2026-03-01T10:32:00Z", "2026-03-01T10:31:00Z", nil}, column(rows, "last_used_at"))

	bob := v.beside("bob@example.com")
	laptopID := "/auth/tokens/" + rows[1]["id"].(json.Number).String()
	for _, id := range []string{laptopID, "/auth/tokens/999", "/auth/tokens/laptop", "/auth/tokens/0"} {
		r := bob.agents("DELETE", id, "")
		assert.Equal(t, http.StatusNotFound, r.StatusCode, id)
		assert.Contains(t, r.at("message"), "No query results")
	}
	require.True(t, works(laptop))
	require.Equal(t, http.StatusOK, v.agents("DELETE", laptopID, "").StatusCode)
	assert.False(t, works(laptop))
	assert.Equal(t, http.StatusNotFound, v.agents("DELETE", laptopID, "").StatusCode)

	tablet := login("tablet", "1_week")
	c.Advance(7 * 24 * time.Hour)
	assert.Len(t, v.agents("GET", "/auth/tokens", "").rows(t), 2, "what has ended is not listed")
	assert.False(t, works(tablet))

	desk := login("desk", "1_month")
	require.Equal(t, http.StatusOK, desk.agents("POST", "/auth/tokens/revoke-others", "").StatusCode)
	assert.False(t, works(v))
	assert.True(t, works(desk))
	assert.True(t, works(bob), "others are other users'")
	rows = desk.agents("GET", "/auth/tokens", "").rows(t)
	require.Len(t, rows, 1)
	desk.agents("DELETE", "/auth/tokens/"+rows[0]["id"].(json.Number).String(), "")
	assert.False(t, works(desk), "revoking the current token logs out")

	car, plane := login("car", "1_month"), login("plane", "1_month")
	require.Equal(t, http.StatusOK, car.agents("POST", "/auth/logout-all", "").StatusCode)
	assert.False(t, works(car))
	assert.False(t, works(plane))
	assert.True(t, works(bob))
}

// joined makes one visitor an accepted member of the other's team.
func joined(t testing.TB, owner, guest *visitor, email string) {
	t.Helper()
	require.Equal(t, http.StatusCreated, owner.agents("POST", "/teams", `{"email":"`+email+`"}`).StatusCode)
	invite, waiting := owner.srv.InviteID(email)
	require.True(t, waiting)
	r := guest.agents("POST", "/teams/invitations/"+invite+"/accept", "")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
}

func (v *visitor) username() string {
	v.t.Helper()
	name, _ := v.agents("GET", "/me", "").at("data", "username").(string)
	return name
}

func TestSwitchingAccounts(t *testing.T) {
	c := newClock()
	v := visit(t, sandbox.WithClock(c.Now), sandbox.WithoutRateLimits())
	v.srv.Account(sandbox.AccountParams{Email: "ada@example.com", BalanceCents: 75_00})
	ada, bob := v.beside("ada@example.com"), v.beside("bob@example.com")
	adasName, bobsName := ada.username(), bob.username()
	switchTo := func(v *visitor, username, more string) reply {
		return v.agents("POST", "/auth/switch-account", `{"account_username":"`+username+`"`+more+`}`)
	}
	for _, username := range []string{adasName, "nobody"} {
		r := switchTo(bob, username, "")
		assert.Equal(t, http.StatusForbidden, r.StatusCode, username)
		assert.Equal(t, "access_denied", r.at("error", "code"))
	}
	ada.agents("POST", "/teams", `{"email":"bob@example.com"}`)
	assert.Equal(t, http.StatusForbidden, switchTo(bob, adasName, "").StatusCode, "an invitation is not enough")
	invite, _ := v.srv.InviteID("bob@example.com")
	require.Equal(t, http.StatusOK, bob.agents("POST", "/teams/invitations/"+invite+"/accept", "").StatusCode)

	r := switchTo(bob, adasName, `,"device_name":"for ada","token_expiry":"1_week"`)
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, "Bearer", r.at("data", "token_type"))
	assert.Equal(t, "1_week", r.at("data", "token_expiry"))
	assert.Equal(t, "2026-03-08T09:30:00Z", r.at("data", "expires_at"))
	assert.NotEmpty(t, r.at("data", "message"))
	token, _ := r.at("data", "access_token").(string)
	asAda := bob.with(token)
	assert.Equal(t, adasName, asAda.username())
	assert.Equal(t, "75.00", asAda.balance())
	assert.Equal(t, bobsName, bob.username(), "the old token stays what it was")
	assert.Len(t, asAda.agents("GET", "/teams", "").rows(t), 1, "the team is ada's")

	assert.Equal(t, []any{"sandbox", "for ada"}, column(bob.agents("GET", "/auth/tokens", "").rows(t), "name"))
	assert.Len(t, ada.agents("GET", "/auth/tokens", "").rows(t), 2, "a token belongs to who signed in")
	refreshed, _ := asAda.agents("POST", "/auth/refresh", "").at("data", "access_token").(string)
	asAda = bob.with(refreshed)
	assert.Equal(t, adasName, asAda.username(), "a refreshed token still acts for ada")

	token, _ = switchTo(asAda, bobsName, "").at("data", "access_token").(string)
	assert.Equal(t, bobsName, bob.with(token).username(), "and back")
	assert.Equal(t, http.StatusForbidden, switchTo(ada, bobsName, "").StatusCode, "a team has a direction")

	r = switchTo(bob, adasName, `,"token_expiry":"soon"`)
	assert.NotEmpty(t, r.at("error", "details", "token_expiry"))
	r = bob.agents("POST", "/auth/switch-account", `{}`)
	assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode)
	assert.NotEmpty(t, r.at("error", "details", "account_username"))

	require.Equal(t, http.StatusOK, bob.agents("POST", "/auth/logout-all", "").StatusCode)
	assert.Equal(t, http.StatusUnauthorized, asAda.agents("GET", "/me", "").StatusCode)
	assert.Equal(t, http.StatusOK, ada.agents("GET", "/me", "").StatusCode)
}

func TestHowLongTokensLive(t *testing.T) {
	v := visit(t, sandbox.WithClock(newClock().Now), sandbox.WithoutRateLimits())
	a := v.srv.Account(sandbox.AccountParams{Email: "ada@example.com"})
	for expiry, end := range map[string]any{
		"1_week":   "2026-03-08T09:30:00Z",
		"1_month":  "2026-04-01T09:30:00Z",
		"3_months": "2026-06-01T09:30:00Z",
		"6_months": "2026-09-01T09:30:00Z",
		"1_year":   "2027-03-01T09:30:00Z",
		"never":    nil,
	} {
		body := `{"token_expiry":"` + expiry + `"}`
		r := v.with(v.srv.Account(sandbox.AccountParams{Email: "ada@example.com"}).AccessToken).agents("POST", "/auth/refresh", body)
		require.Equal(t, http.StatusOK, r.StatusCode, r.text)
		assert.Equal(t, expiry, r.at("data", "token_expiry"))
		assert.Equal(t, end, r.at("data", "expires_at"), expiry)
	}
	v = v.with(a.AccessToken)
	r := v.agents("POST", "/auth/refresh", `{"token_expiry":"2_days"}`)
	assert.NotEmpty(t, r.at("error", "details", "token_expiry"))
	assert.Equal(t, http.StatusOK, v.agents("GET", "/me", "").StatusCode, "a refused refresh ends nothing")
}
