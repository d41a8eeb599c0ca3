package modelslab_test

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fenced are the code blocks of a page that are marked with a language.
func fenced(t *testing.T, page, language string) []string {
	t.Helper()
	content, err := os.ReadFile(page)
	require.NoError(t, err)
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, m[1])
	}
	require.NotEmpty(t, blocks)
	return blocks
}

// snippetImports are the packages that a snippet may use without importing them.
var snippetImports = map[string]string{
	"context": "context", "errors": "errors", "fmt": "fmt", "log": "log", "os": "os", "testing": "testing", "time": "time",
	"modelslab": "", "sandbox": "/sandbox", // below this module
}

// program makes a file that compiles of a snippet: a whole file stays as it is, declarations
// get their imports, and statements get a function around them too.
func program(t *testing.T, module, snippet string) []byte {
	t.Helper()
	if strings.HasPrefix(snippet, "package ") {
		return []byte(snippet)
	}
	const frame = "func _(ctx context.Context, client *modelslab.Client, store modelslab.Store, params modelslab.WalletFundParams, codeFromTheMail string, started time.Time, err error) error {\n%s\nreturn nil\n}\n"
	body := snippet
	if _, err := parser.ParseFile(token.NewFileSet(), "", "package snippet\n"+body, 0); err != nil {
		// A block of its own, so that the snippet may declare what the frame has.
		body = fmt.Sprintf(frame, "{\n"+snippet+"}\n")
	}
	file, err := parser.ParseFile(token.NewFileSet(), "", "package snippet\n"+body, 0)
	require.NoError(t, err, "no Go:\n%s", snippet)
	used := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Obj == nil {
				used[x.Name] = true
			}
		}
		return true
	})
	var b strings.Builder
	b.WriteString("package snippet\n\nimport (\n")
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range used {
			if !yield(name) {
				return
			}
		}
	}) {
		path, known := snippetImports[name]
		switch {
		case !known:
			continue // a variable, or the compiler will say
		case name == "modelslab" || name == "sandbox":
			path = module + path
		}
		fmt.Fprintf(&b, "\t%s %q\n", name, path)
	}
	b.WriteString(")\n\n" + body)
	source, err := format.Source([]byte(b.String()))
	require.NoError(t, err)
	return source
}

func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOTOOLCHAIN=local")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "go %s:\n%s", strings.Join(args, " "), out)
	return string(out)
}

// The snippets are compiled in a module of their own, as a reader would do it.
func TestReadmeAndMoneyCompile(t *testing.T) {
	root, err := os.Getwd()
	require.NoError(t, err)
	module := strings.TrimSpace(goCommand(t, root, "list", "-m"))
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} { // for the versions of what is required
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	goCommand(t, dir, "mod", "edit", "-module=example.com/readme", "-require="+module+"@v0.0.0", "-replace="+module+"="+root)

	for i, snippet := range append(fenced(t, "README.md", "go"), fenced(t, filepath.Join("docs", "money.md"), "go")...) {
		source := program(t, module, snippet)
		if strings.HasPrefix(snippet, "package ") {
			formatted, err := format.Source(source)
			require.NoError(t, err)
			assert.Equal(t, string(formatted), snippet, "gofmt")
		}
		place := filepath.Join(dir, fmt.Sprintf("snippet%02d", i+1))
		require.NoError(t, os.Mkdir(place, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(place, "snippet.go"), source, 0o600))
	}
	goCommand(t, dir, "vet", "-unreachable=false", "./...")
}

func TestReadmeNamesWhatIsThere(t *testing.T) {
	commands := strings.Join(fenced(t, "README.md", "sh"), "")
	assert.Contains(t, commands, "go run ./examples/headless\n")
	assert.Contains(t, commands, "go test ./...\n")
	for _, m := range regexp.MustCompile(`go run (\./\S+)`).FindAllStringSubmatch(commands, -1) {
		assert.FileExists(t, filepath.Join(m[1], "main.go"))
	}
	for _, page := range []string{"README.md", filepath.Join("docs", "money.md")} {
		content, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\]\(([^):#]+)\)`).FindAllStringSubmatch(string(content), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(page), m[1]))
			assert.NoError(t, err, page)
		}
	}
}
