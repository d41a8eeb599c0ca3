package modelslab_test

import (
	"context"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/internal/openapi"
)

var live = flag.Bool("live", false, "ask the vendor for its description of the API, and not this repository's testdata")

// go test -run TestLiveOpenAPI -live . asks the vendor, without an account. Without -live the
// description is one that was made up for tests. go run ./docs -live prints the same.
func TestLiveOpenAPI(t *testing.T) {
	const base = "/api/agents/v1"
	description, err := os.ReadFile(filepath.Join("docs", "testdata", "openapi.json"))
	if *live {
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		description, err = openapi.Fetch(ctx, http.DefaultClient, "https://modelslab.com"+base+"/openapi.json")
	}
	require.NoError(t, err)
	var rows []openapi.Row
	for _, e := range modelslab.Endpoints() {
		if !e.Outside && !strings.HasPrefix(e.Path, "/api/") {
			rows = append(rows, openapi.Row{Call: e.Call, Method: e.Method, Path: e.Path, Bearer: e.Bearer})
		}
	}
	report, err := openapi.Compare(base, rows, description)
	require.NoError(t, err)
	for _, d := range report.Differences {
		assert.Fail(t, d.String())
	}
	for _, note := range report.Notes {
		t.Log(note)
	}
	if !*live {
		assert.Equal(t, 72, report.Same)
	}
}
