package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// docs runs the command in a directory.
func docs(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	t.Chdir(dir)
	var out bytes.Buffer
	err := run(t.Context(), args, &out)
	return out.String(), err
}

func TestThePageIsFresh(t *testing.T) {
	_, err := docs(t, "..", "-check")
	require.NoError(t, err)
}

func TestAStalePageIsFoundAndWrittenAnew(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "docs"), 0o700))
	_, err := docs(t, dir, "-check")
	require.ErrorIs(t, err, os.ErrNotExist)

	_, err = docs(t, dir)
	require.NoError(t, err)
	_, err = docs(t, dir, "-check")
	require.NoError(t, err)

	file := filepath.Join(dir, pagePath)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o600))
	_, err = docs(t, dir, "-check")
	require.ErrorContains(t, err, "docs/reference.md is stale: run go run ./docs")
}

// cells are the rows of the page's tables of endpoints.
func cells(t *testing.T) map[string][][]string {
	t.Helper()
	text, err := page()
	require.NoError(t, err)
	rows := map[string][][]string{}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		if len(f) == 7 && strings.HasPrefix(f[1], "`") {
			id := f[0] + " " + strings.Trim(f[1], "`")
			rows[id] = append(rows[id], f)
		}
	}
	return rows
}

func TestEachEndpointIsOnThePageOnce(t *testing.T) {
	rows := cells(t)
	for _, e := range modelslab.Endpoints() {
		id := e.Method + " " + e.Path
		if assert.Len(t, rows[id], 1, id) {
			f := rows[id][0]
			assert.True(t, strings.HasPrefix(f[2], "["+e.Call+"](https://pkg.go.dev/"), f[2])
			assert.Equal(t, string(e.Repeat), f[4], id)
			if e.Limiter != "" {
				assert.True(t, strings.HasPrefix(f[3], string(e.Limiter)), f[3])
			}
		}
		delete(rows, id)
	}
	assert.Empty(t, rows, "and nothing else")
}

// declared are the names that the package declares, as pkg.go.dev spells its anchors, with
// their documentation.
func declared(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "*.go"))
	require.NoError(t, err)
	names := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				name := d.Name.Name
				if d.Recv != nil {
					name = strings.TrimPrefix(receiver(d.Recv.List[0].Type), "*") + "." + name
				}
				names[name] = d.Doc.Text()
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if v, ok := s.(*ast.ValueSpec); ok {
						for _, n := range v.Names {
							names[n.Name] = ""
						}
					}
				}
			}
		}
	}
	return names
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func TestLinksLeadToWhatIsDeclared(t *testing.T) {
	text, err := page()
	require.NoError(t, err)
	names := declared(t)
	links := regexp.MustCompile(`\]\(https://pkg\.go\.dev/([^#)]+)#([^)]+)\)`).FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, links)
	for _, l := range links {
		assert.Contains(t, names, l[2])
	}
	mod, err := os.ReadFile(filepath.Join("..", "go.mod"))
	require.NoError(t, err)
	assert.Contains(t, string(mod), "module "+links[0][1]+"\n")
}

// What a method's documentation says of limits and errors, its row says too.
func TestRowsAgreeWithTheDocumentation(t *testing.T) {
	names := declared(t)
	types := strings.NewReplacer("PaymentDeclinedError", "ErrPaymentDeclined", "RequiresActionError", "ErrRequiresAction")
	for id, rows := range cells(t) {
		f := rows[0]
		anchor := regexp.MustCompile(`#([^)]+)\)`).FindStringSubmatch(f[2])[1]
		doc := strings.Join(strings.Fields(names[anchor]), " ")
		require.NotEmpty(t, doc, anchor)
		if limit := regexp.MustCompile(`Limits: (\d+) a minute`).FindStringSubmatch(doc); limit != nil {
			assert.True(t, strings.HasSuffix(f[3], ", "+limit[1]+" a minute"), "%s: %s", id, f[3])
		}
		if anchor == "WalletService.PaymentStatus" || anchor == "BillingService.CreatePaymentLink" {
			continue // they name errors of other calls, after which they are asked
		}
		errors := strings.Split(f[5], ", ")
		for _, m := range regexp.MustCompile(`\[((?:Err\w+)|PaymentDeclinedError|RequiresActionError)\]`).FindAllStringSubmatch(doc, -1) {
			assert.Contains(t, errors, types.Replace(m[1]), id)
		}
	}
}

func TestErrorsFollowFromTheRow(t *testing.T) {
	const always = "ErrUnauthenticated ErrPermissionDenied "
	want := map[string]string{
		"auth.signup":                   "ErrValidation ErrRateLimited ErrOutcomeUnknown",
		"auth.login":                    always + "ErrValidation ErrRateLimited ErrOutcomeUnknown",
		"auth.logout":                   always + "ErrRateLimited ErrOutcomeUnknown",
		"auth.verify_link":              "ErrNotFound ErrValidation ErrOutcomeUnknown",
		"wallet.balance":                always + "ErrRateLimited ErrServer",
		"wallet.fund":                   always + "ErrValidation ErrPaymentDeclined ErrRequiresAction ErrRateLimited ErrOutcomeUnknown",
		"wallet.confirm_checkout":       always + "ErrNotFound ErrValidation ErrPaymentDeclined ErrCheckoutPending ErrRateLimited ErrOutcomeUnknown",
		"billing.attach_payment_method": always + "ErrValidation ErrPaymentDeclined ErrRateLimited ErrOutcomeUnknown",
		"api_keys.get":                  always + "ErrNotFound ErrValidation ErrRateLimited ErrServer",
		"images.text2img":               always + "ErrValidation ErrPaymentDeclined ErrGenerationFailed ErrRateLimited ErrOutcomeUnknown",
	}
	for _, e := range modelslab.Endpoints() {
		m, err := methodOf(e.Call)
		require.NoError(t, err)
		got := errorsOf(e, m)
		if w, ok := want[e.Name]; ok {
			assert.Equal(t, strings.Fields(w), got, e.Name)
		}
		assert.NotEqual(t, slices.Contains(got, "ErrServer"), slices.Contains(got, "ErrOutcomeUnknown"), e.Name)
	}
}

func TestWhatThePageCannotSayIsAnError(t *testing.T) {
	good := modelslab.Endpoints()[0]
	for name, spoil := range map[string]func(e *modelslab.Endpoint){
		"no such service": func(e *modelslab.Endpoint) { e.Call = "Purse.Open" },
		"no service":      func(e *modelslab.Endpoint) { e.Call = "cfg.Open" },
		"no such method":  func(e *modelslab.Endpoint) { e.Call = "Wallet.Open" },
		"no such limiter": func(e *modelslab.Endpoint) { e.Limiter = "agent-new" },
		"no such source":  func(e *modelslab.Endpoint) { e.Known = "rumour" },
	} {
		e := good
		spoil(&e)
		_, err := line(e)
		assert.Error(t, err, name)
	}
}

// vendor serves a description where the vendor has it.
func vendor(t *testing.T, body []byte) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/agents/v1/openapi.json", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

func fixture(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "openapi.json"))
	require.NoError(t, err)
	return text
}

func TestLiveFindsNothingDifferent(t *testing.T) {
	const says = "72 endpoints are the same here and there.\n"
	printed, err := docs(t, ".", "-live", "-origin", vendor(t, fixture(t))+"/")
	require.NoError(t, err, printed)
	assert.Contains(t, printed, says)

	printed, err = docs(t, ".", "-live", "-spec", filepath.Join("testdata", "openapi.json"))
	require.NoError(t, err, printed)
	assert.Contains(t, printed, says)
}

func TestLivePrintsWhatIsDifferent(t *testing.T) {
	var doc map[string]any
	require.NoError(t, json.Unmarshal(fixture(t), &doc))
	paths := doc["paths"].(map[string]any)
	delete(paths, "/teams")
	paths["/uploads"] = map[string]any{"post": map[string]any{"summary": "Upload a file"}}
	paths["/subscriptions/plans"].(map[string]any)["get"].(map[string]any)["security"] = []any{}
	changed, err := json.Marshal(doc)
	require.NoError(t, err)

	printed, err := docs(t, ".", "-live", "-origin", vendor(t, changed))
	require.EqualError(t, err, "differences: 4")
	assert.Equal(t, `different security: GET /subscriptions/plans: here a bearer token, there nothing
unknown there: GET /teams
unknown there: POST /teams
missing here: POST /uploads: Upload a file
note: POST /auth/verify is unknown there, as POST /auth/verify-email it is known
note: POST /wallet/coupons/validate is unknown there, as GET /wallet/coupons/validate it is known
69 endpoints are the same here and there.
`, printed)
}

func TestLiveWithoutADescription(t *testing.T) {
	_, err := docs(t, ".", "-live", "-origin", vendor(t, []byte("<!DOCTYPE html><title>ModelsLab</title>")))
	require.ErrorContains(t, err, `a page came instead of a description: "ModelsLab"`)
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	_, err = docs(t, ".", "-live", "-origin", srv.URL)
	require.ErrorContains(t, err, "404")
	_, err = docs(t, ".", "-live", "-origin", "modelslab.com")
	require.ErrorContains(t, err, "no address")
	_, err = docs(t, ".", "-live", "-spec", "none.json")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestCommandLinesThatCannotBeRight(t *testing.T) {
	for _, args := range [][]string{{"please"}, {"-cheap"}, {"-spec", "x.json"}, {"-origin", "https://example.com"}, {"-live", "-check"}} {
		_, err := docs(t, t.TempDir(), args...)
		assert.Error(t, err, args)
	}
	_, err := docs(t, t.TempDir(), "-help")
	assert.ErrorIs(t, err, flag.ErrHelp)
}
