package openapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const base = "/api/agents/v1"

// The table of these tests.
func rows() []Row {
	return []Row{
		{"Auth.Login", "POST", "/auth/login", false},
		{"Auth.RevokeToken", "DELETE", "/auth/tokens/{id}", true},
		{"Wallet.Balance", "GET", "/wallet/balance", true},
	}
}

// Operations of a description that agrees with it.
const (
	login   = `"/auth/login": {"post": {"security": []}}`
	revoke  = `"/auth/tokens/{tokenId}": {"parameters": [{"name": "tokenId"}], "delete": {}}`
	balance = `"/wallet/balance": {"get": {}}`

	bearers = `"security": [{"token": []}], "components": {"securitySchemes": {"token": {"type": "http", "scheme": "Bearer"}, "key": {"type": "apiKey"}}}`
	atBase  = `"servers": [{"url": "https://api.example.com/api/agents/v1/"}]`
)

func describe(top string, paths ...string) []byte {
	return fmt.Appendf(nil, `{"openapi": "3.1.0", %s, "paths": {%s}}`, top, strings.Join(paths, ", "))
}

func compare(t *testing.T, description []byte) (differences, notes []string) {
	t.Helper()
	r, err := Compare(base, rows(), description)
	require.NoError(t, err)
	for _, d := range r.Differences {
		differences = append(differences, d.String())
	}
	return differences, r.Notes
}

func TestNamesOfParametersAreNoDifference(t *testing.T) {
	r, err := Compare(base, rows(), describe(bearers+","+atBase, login, revoke, balance))
	require.NoError(t, err)
	assert.Equal(t, &Report{Same: 3}, r)
}

func TestTheBaseStandsWhereverItWasPut(t *testing.T) {
	whole := make([]string, 0, 3)
	for _, p := range []string{login, revoke, balance} {
		whole = append(whole, strings.Replace(p, `"/`, `"/api/agents/v1/`, 1))
	}
	for name, description := range map[string][]byte{
		"a relative URL":           describe(bearers+`, "servers": [{"url": "/api/agents/v1"}]`, login, revoke, balance),
		"the second server":        describe(bearers+`, "servers": [{"url": "https://api.example.com/v2"}, {"url": "https://api.example.com/api/agents/v1"}]`, login, revoke, balance),
		"variables":                describe(bearers+`, "servers": [{"url": "https://{host}/api/{area}/v1", "variables": {"host": {"default": "api.example.com"}, "area": {"default": "agents"}}}]`, login, revoke, balance),
		"a host that is not known": describe(bearers+`, "servers": [{"url": "{scheme}://{host}/api/agents/v1"}]`, login, revoke, balance),
		"the paths":                describe(bearers+`, "servers": [{"url": "https://api.example.com"}]`, whole...),
		"the paths, and a server":  describe(bearers+","+atBase, whole...),
		"the paths alone":          describe(bearers, whole...),
		"nowhere":                  describe(bearers, login, revoke, balance),
		"a path's own servers": describe(bearers+`, "servers": [{"url": "https://api.example.com/v2"}]`,
			strings.Replace(login, "{", "{"+atBase+", ", 1), strings.Replace(revoke, "{\"p", "{"+atBase+", \"p", 1), strings.Replace(balance, "{}", "{"+atBase+"}", 1)),
		"in the envelope": fmt.Appendf(nil, `{"data": %s, "error": null}`, describe(bearers+","+atBase, login, revoke, balance)),
	} {
		t.Run(name, func(t *testing.T) {
			differences, notes := compare(t, description)
			assert.Empty(t, differences)
			assert.Empty(t, notes)
		})
	}
}

func TestDifferences(t *testing.T) {
	differences, notes := compare(t, describe(bearers+","+atBase,
		`"/auth/login": {"post": {}, "options": {}, "get": {"security": [], "summary": "A\n\u001b[31mform"}}`,
		`"/auth/tokens/{id}": {"delete": {"security": [{"key": []}]}}`,
		`"/wallet/fund": {"post": {}}`,
	))
	assert.Equal(t, []string{
		"missing here: GET /auth/login: A [31mform",
		"different security: POST /auth/login: here nothing, there a bearer token",
		"different security: DELETE /auth/tokens/{id}: here a bearer token, there another credential",
		"unknown there: GET /wallet/balance",
		"missing here: POST /wallet/fund",
	}, differences)
	assert.Empty(t, notes)
}

func TestAParameterIsNoFixedPath(t *testing.T) {
	differences, _ := compare(t, describe(bearers+","+atBase, login, `"/auth/tokens/all": {"delete": {}}`, balance))
	assert.Equal(t, []string{"missing here: DELETE /auth/tokens/all", "unknown there: DELETE /auth/tokens/{id}"}, differences)
}

func TestSecurity(t *testing.T) {
	for security, there := range map[string]string{
		`[]`:                           nothing,
		`[{}]`:                         nothing,
		`[{"token": []}, {}]`:          nothing, // it can be left out
		`[{"token": []}]`:              bearer,
		`[{"key": []}, {"token": []}]`: bearer,
		`[{"key": []}]`:                another,
		`[{"unheard": []}]`:            another,
	} {
		r, err := Compare(base, rows()[2:], describe(bearers+","+atBase, `"/wallet/balance": {"get": {"security": `+security+`}}`))
		require.NoError(t, err)
		if there == bearer {
			assert.Equal(t, 1, r.Same, security)
			continue
		}
		assert.Equal(t, []Difference{{OtherSecurity, "GET", "/wallet/balance", "here a bearer token, there " + there}}, r.Differences, security)
	}
	for _, kind := range []string{"oauth2", "openIdConnect"} {
		r, err := Compare(base, rows()[2:], describe(`"security": [{"a": []}], "components": {"securitySchemes": {"a": {"type": "`+kind+`"}}}`, balance))
		require.NoError(t, err)
		assert.Empty(t, r.Differences, kind)
	}
}

func TestADescriptionWithoutSecurityIsNoClaimThatAllIsOpen(t *testing.T) {
	differences, notes := compare(t, describe(atBase, `"/auth/login": {"post": {}}`, revoke, balance))
	assert.Empty(t, differences)
	assert.Equal(t, []string{"it says nothing of security, which was not compared"}, notes)
}

func TestOneNameOfACallIsEnough(t *testing.T) {
	twice := append(rows(), Row{"Wallet.Balance", "GET", "/wallet", true})
	r, err := Compare(base, twice, describe(bearers+","+atBase, login, revoke, `"/wallet": {"get": {}}`))
	require.NoError(t, err)
	assert.Empty(t, r.Differences)
	assert.Equal(t, []string{"GET /wallet/balance is unknown there, as GET /wallet it is known"}, r.Notes)

	r, err = Compare(base, twice, describe(bearers+","+atBase, login, revoke))
	require.NoError(t, err)
	assert.Len(t, r.Differences, 2, "neither of them is known")
}

func TestWhatWasNotComparedIsSaid(t *testing.T) {
	differences, notes := compare(t, describe(bearers, login, revoke, balance,
		`"/api/v6/images/text2img": {"post": {}}`, `"/api/agents/v10/wallet": {"get": {}}`, `"/teams": {"$ref": "teams.json"}`))
	assert.Empty(t, differences)
	assert.Equal(t, []string{"/teams stands in another document, which was not read", "endpoints outside /api/agents/v1, which were not compared: 2"}, notes)
}

func TestWhatIsNoDescription(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"nothing":            {" \n", "empty"},
		"a page":             {"\ufeff\n<!DOCTYPE html><html><head><title>Log in\n to continue</title>", `a page came instead of a description: "Log in to continue"`},
		"an untitled page":   {"<p>no", "untitled"},
		"half of it":         {`{"openapi": "3.1.0", "paths": {`, "cannot be read"},
		"an error":           {`{"message": "Unauthenticated."}`, "no OpenAPI 3"},
		"an older one":       {`{"swagger": "2.0", "paths": {"/wallet/balance": {"get": {}}}}`, "no OpenAPI 3"},
		"no paths":           {`{"openapi": "3.1.0", "paths": {}}`, "no OpenAPI 3"},
		"another API":        {`{"openapi": "3.1.0", "servers": [{"url": "https://api.example.com/v2"}], "paths": {"/wallet/balance": {"get": {}}}}`, "nothing is described below /api/agents/v1"},
		"no operation":       {`{"openapi": "3.1.0", "paths": {"/wallet/balance": {"get": 7}}}`, "GET /wallet/balance"},
		"servers of no kind": {`{"openapi": "3.1.0", "paths": {"/wallet/balance": {"servers": 7, "get": {}}}}`, "servers"},
	} {
		_, err := Compare(base, rows(), []byte(c.text))
		assert.ErrorContains(t, err, c.says, name)
	}
}

func TestFetch(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "application/json", r.Header.Get("Accept"))
		assert.Empty(t, r.Header.Get("Authorization"))
		_, _ = w.Write([]byte("{}"))
	})
	mux.Handle("GET /moved.json", http.RedirectHandler("/login", http.StatusFound))
	mux.HandleFunc("GET /cut.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = w.Write([]byte("{"))
	})
	mux.HandleFunc("GET /large.json", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, maxDescription+1))
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()

	body, err := Fetch(t.Context(), srv.Client(), srv.URL+"/openapi.json")
	require.NoError(t, err)
	assert.Equal(t, "{}", string(body))
	for path, says := range map[string]string{
		"/moved.json": `redirected to "/login"`, "/none.json": "status 404", "/cut.json": "EOF", "/large.json": "larger than 16 MiB",
	} {
		_, err := Fetch(t.Context(), srv.Client(), srv.URL+path)
		assert.ErrorContains(t, err, says, path)
	}
	for _, address := range []string{"", "modelslab.com", "file:///etc/hosts", "https://", "https://a b/"} {
		_, err := Fetch(t.Context(), srv.Client(), address)
		assert.ErrorContains(t, err, "no address of a server", address)
	}
}

func FuzzCompare(f *testing.F) {
	f.Add([]byte(`{"openapi": "3.1.0", "paths": {"/wallet/balance": {"get": {"security": [{}]}}}}`))
	f.Add(describe(bearers+","+atBase, login, revoke, balance))
	f.Add([]byte("<title>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Compare(base, rows(), text)
		if err != nil {
			return
		}
		for _, d := range r.Differences {
			assert.NotContains(t, d.String(), "\n")
		}
	})
}
