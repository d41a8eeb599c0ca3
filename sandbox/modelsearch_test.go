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

func TestTheCatalogueByKey(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	for path, twin := range map[string]string{
		"/api/v6/model-search?search=flux&per_page=5&key=": "/models?search=flux&per_page=5",
		"/api/v7/models?feature=video_fusion&key=":         "/models?feature=video_fusion",
		"/api/v6/model-search/filters?key=":                "/models/filters",
		"/api/v6/model-search/tags?key=":                   "/models/tags",
		"/api/v6/model-search/providers?key=":              "/models/providers",
		"/api/v6/model-search/flux?key=":                   "/models/flux",
		"/api/v6/model-search/community%2Flinocut:v2?key=": "/models/community%2Flinocut:v2",
	} {
		r := v.send("GET", path+v.apiKey, "")
		require.Equal(t, http.StatusOK, r.StatusCode, path)
		assert.JSONEq(t, dataOf(t, v.agents("GET", twin, "")), dataOf(t, r), path)
		for _, key := range []string{"", "wrong"} {
			assert.Equal(t, http.StatusUnauthorized, v.send("GET", path+key, "").StatusCode, path)
		}
	}
	assert.Equal(t, http.StatusNotFound, v.send("GET", "/api/v6/model-search/none?key="+v.apiKey, "").StatusCode)
}

// publicModels is the bare array.
func (v *visitor) publicModels() []map[string]any {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), "POST", v.srv.URL()+"/api/v4/dreambooth/model_list", strings.NewReader(`{"key":"`+v.apiKey+`"}`))
	require.NoError(v.t, err)
	r.Header.Set("Content-Type", "application/json")
	resp, err := v.client.Do(r)
	require.NoError(v.t, err)
	defer func() { _ = resp.Body.Close() }() // it was only read
	var list []map[string]any
	require.NoError(v.t, json.NewDecoder(resp.Body).Decode(&list))
	return list
}

func TestModelsAreBroughtAlong(t *testing.T) {
	v := visitAs(t, 0)
	before := v.publicModels()
	for _, m := range before {
		assert.Equal(t, "model_ready", m["status"])
		assert.NotEmpty(t, m["screenshots"])
	}
	load := func(id, visibility string) reply {
		return v.send("POST", "/api/v3/load_model", `{"key":"`+v.apiKey+`","url":"diffusers/x","model_id":"`+id+`",
			"model_format":"diffusers","model_category":"stable_diffusion_xl","model_visibility":"`+visibility+`","model_name":"X"}`)
	}
	r := load("mine", "private")
	assert.Equal(t, "success", r.at("status"))
	assert.Equal(t, "model load started", r.at("message"))
	load("ours", "public")
	after := v.publicModels()
	require.Len(t, after, len(before)+1)
	assert.Equal(t, "ours", after[len(after)-1]["model_id"])
	r = load("x", "secret")
	assert.Equal(t, http.StatusBadRequest, r.StatusCode)
	assert.Contains(t, r.at("message"), "model_visibility")

	reload := func(who *visitor, id string) reply {
		return who.send("POST", "/api/v6/images/model_reload", `{"key":"`+who.apiKey+`","model_id":"`+id+`"}`)
	}
	for _, id := range []string{"flux", "mine", "ours"} {
		assert.Equal(t, "success", reload(v, id).at("status"), id)
	}
	r = reload(v.beside("other@example.com"), "mine")
	assert.Equal(t, http.StatusNotFound, r.StatusCode)
	assert.Equal(t, "Model not found: mine", r.at("message"))
	assert.Equal(t, http.StatusBadRequest, reload(v, "").StatusCode)
	assert.Equal(t, http.StatusUnauthorized, v.send("POST", "/api/v4/dreambooth/model_list", `{}`).StatusCode)
}
