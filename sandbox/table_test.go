package sandbox_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// The sandbox and the client each have their own table, written from the same reference.
// The sandbox serves every row of the client's, and the rows have to say the same.
func TestRoutesAgreeWithTheClientsTable(t *testing.T) {
	rows := map[string]modelslab.Endpoint{}
	for _, e := range modelslab.Endpoints() {
		rows[e.Name] = e
	}
	served := map[string]bool{}
	for _, route := range visit(t).srv.Routes() {
		served[route.Name] = true
		e, known := rows[route.Name]
		if !known {
			assert.NotEqual(t, sandbox.SurfaceAgents, route.Surface, "%s is not in the client's table", route.Name)
			continue
		}
		assert.Equal(t, route.Method, e.Method, route.Name)
		assert.Equal(t, route.Path, wholePath(e), route.Name)
		assert.Equal(t, route.Bearer, e.Bearer, route.Name)
		assert.Equal(t, route.Keyed, e.Repeat == modelslab.RepeatKeyed, route.Name)
		if route.Surface == sandbox.SurfaceAgents {
			assert.Equal(t, string(route.Limiter), string(e.Limiter), route.Name)
		}
	}
	for name := range rows {
		assert.True(t, served[name], "the sandbox does not serve %s", name)
	}
}

func wholePath(e modelslab.Endpoint) string {
	if e.Outside || strings.HasPrefix(e.Path, "/api/") {
		return e.Path
	}
	return "/api/agents/v1" + e.Path
}
