package sandbox_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// with is the same visitor with another token.
func (v *visitor) with(token string) *visitor {
	other := *v
	other.token = token
	return &other
}

// beside is another visitor of the same server, with an account of their own.
func (v *visitor) beside(email string) *visitor {
	a := v.srv.Account(sandbox.AccountParams{Email: email})
	other := v.with(a.AccessToken)
	other.apiKey = a.APIKey
	return other
}

// loggedIn is a session of the visitor's own.
func (v *visitor) loggedIn(email, password, more string) reply {
	v.t.Helper()
	return v.agents("POST", "/auth/login", `{"email":"`+email+`","password":"`+password+`"`+more+`}`)
}

// rows are the objects of a list that is the data itself.
func (r reply) rows(t testing.TB) []map[string]any {
	t.Helper()
	data, isArray := r.at("data").([]any)
	require.True(t, isArray, r.text)
	rows := make([]map[string]any, len(data))
	for i, row := range data {
		rows[i], _ = row.(map[string]any)
	}
	return rows
}

// column is one member of every row.
func column(rows []map[string]any, name string) []any {
	values := make([]any, len(rows))
	for i, row := range rows {
		values[i] = row[name]
	}
	return values
}

func TestAForgottenPassword(t *testing.T) {
	c := newClock()
	v := visit(t, sandbox.WithClock(c.Now), sandbox.WithoutRateLimits())
	a := v.srv.Account(sandbox.AccountParams{Email: "ada@example.com"})
	v = v.with(a.AccessToken)
	forget := func(email string) reply {
		return v.agents("POST", "/auth/forgot-password", `{"email":"`+email+`"}`)
	}
	reset := func(token, password string) reply {
		return v.agents("POST", "/auth/reset-password",
			`{"email":"Ada@example.com","token":"`+token+`","password":"`+password+`","password_confirmation":"`+password+`"}`)
	}

	_, waiting := v.srv.ResetToken("ada@example.com")
	assert.False(t, waiting)
	assert.False(t, func() bool { _, ok := v.srv.ResetToken("bob@example.com"); return ok }())
	known, unknown := forget(" Ada@example.com "), forget("bob@example.com")
	require.Equal(t, http.StatusOK, known.StatusCode, known.text)
	assert.Equal(t, known.at("data"), unknown.at("data"), "nobody learns who has an account")
	assert.Equal(t, http.StatusUnprocessableEntity, forget("nonsense").StatusCode)

	first, waiting := v.srv.ResetToken("ADA@example.com")
	require.True(t, waiting)
	forget("ada@example.com")
	second, _ := v.srv.ResetToken("ada@example.com")
	assert.NotEqual(t, first, second)
	r := reset(first, "brand new")
	require.Equal(t, http.StatusUnprocessableEntity, r.StatusCode, "the last mail counts")
	assert.NotEmpty(t, r.at("error", "details", "token"))
	r = reset(second, "short")
	assert.NotEmpty(t, r.at("error", "details", "password"))
	assert.Equal(t, http.StatusOK, v.agents("GET", "/me", "").StatusCode, "nothing has happened so far")

	r = reset(second, "brand new")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	_, waiting = v.srv.ResetToken("ada@example.com")
	assert.False(t, waiting)
	assert.Equal(t, http.StatusUnprocessableEntity, reset(second, "newer still").StatusCode, "a token works once")
	assert.Equal(t, http.StatusUnauthorized, v.agents("GET", "/me", "").StatusCode, "every token has ended")
	assert.Equal(t, http.StatusUnauthorized, v.loggedIn("ada@example.com", a.Password, "").StatusCode)
	r = v.loggedIn("ada@example.com", "brand new", "")
	require.Equal(t, http.StatusOK, r.StatusCode, r.text)
	assert.Equal(t, a.APIKey, r.at("data", "api_key"), "API keys stay")

	forget("ada@example.com")
	late, _ := v.srv.ResetToken("ada@example.com")
	c.Advance(time.Hour)
	assert.NotEmpty(t, reset(late, "too late now").at("error", "details", "token"))
}

func TestResetPasswordValidates(t *testing.T) {
	v := visit(t, sandbox.WithoutRateLimits())
	v.srv.Account(sandbox.AccountParams{Email: "ada@example.com"})
	v.agents("POST", "/auth/forgot-password", `{"email":"ada@example.com"}`)
	token, _ := v.srv.ResetToken("ada@example.com")
	for body, field := range map[string]string{
		`"token":"T","password":"longenough","password_confirmation":"longenough"`:                                  "email",
		`"email":"ada@example.com","password":"longenough","password_confirmation":"longenough"`:                    "token",
		`"email":"ada@example.com","token":"T","password_confirmation":"longenough"`:                                "password",
		`"email":"ada@example.com","token":"T","password":"longenough"`:                                             "password_confirmation",
		`"email":"ada@example.com","token":"T","password":"longenough","password_confirmation":"another one"`:       "password",
		`"email":"ada@example.com","token":"T","password":"short","password_confirmation":"short"`:                  "password",
		`"email":"bob@example.com","token":"T","password":"longenough","password_confirmation":"longenough"`:        "token",
		`"email":"ada@example.com","token":"wrong","password":"longenough","password_confirmation":"longenough"`:    "token",
		`"email":"bob@example.com","token":"` + token + `","password":"longest","password_confirmation":"longest1"`: "password",
	} {
		r := v.agents("POST", "/auth/reset-password", "{"+body+"}")
		assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode, body)
		assert.NotEmpty(t, r.at("error", "details", field), body)
		assert.Len(t, r.at("error", "details"), 1, body)
	}
	_, waiting := v.srv.ResetToken("ada@example.com")
	assert.True(t, waiting, "a refused reset uses up nothing")
}

func TestAChosenUsernameIsNotGivenOutAgain(t *testing.T) {
	v := visit(t)
	ada := v.beside("ada@example.com")
	require.Equal(t, http.StatusOK, ada.agents("PATCH", "/me", `{"username":"bob102"}`).StatusCode)
	bob := v.beside("bob@example.com")
	assert.Equal(t, "bob102_", bob.agents("GET", "/me", "").at("data", "username"))
}
