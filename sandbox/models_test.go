package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// models searches, and returns the rows and the pagination of the answer.
func (v *visitor) models(query string) (rows []map[string]any, paging map[string]any) {
	v.t.Helper()
	r := v.agents("GET", "/models?"+query, "")
	require.Equal(v.t, http.StatusOK, r.StatusCode, r.text)
	items, _ := r.at("data", "items").([]any)
	for _, item := range items {
		rows = append(rows, item.(map[string]any))
	}
	paging, _ = r.at("data", "pagination").(map[string]any)
	return rows, paging
}

func TestTheCatalogueInPages(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	seen := map[any]bool{}
	var paging map[string]any
	for _, query := range []string{"", "page=2", "page=3&per_page=20"} {
		var rows []map[string]any
		rows, paging = v.models(query)
		for _, row := range rows {
			assert.False(t, seen[row["model_id"]], row["model_id"])
			seen[row["model_id"]] = true
			for _, field := range []string{"model_name", "provider", "feature", "model_type", "model_subcategory", "description", "created_at", "tags"} {
				assert.NotEmpty(t, row[field], "%s of %s", field, row["model_id"])
			}
		}
	}
	total, _ := paging["total"].(json.Number).Int64()
	assert.Len(t, seen, int(total))
	want, err := json.Marshal(map[string]any{"current_page": 3, "per_page": 20, "total": total, "last_page": 3, "from": 41, "to": total})
	require.NoError(t, err)
	got, err := json.Marshal(paging)
	require.NoError(t, err)
	assert.JSONEq(t, string(want), string(got))

	rows, paging := v.models("page=4")
	assert.Empty(t, rows)
	assert.Nil(t, paging["from"])
	rows, _ = v.models("per_page=200")
	assert.Len(t, rows, len(seen))
	rows, paging = v.models("search=there+is+no+such+model")
	assert.Empty(t, rows)
	assert.Equal(t, json.Number("1"), paging["last_page"])
	for _, query := range []string{"per_page=0", "per_page=201", "page=0", "page=x", "sort=cheapest"} {
		assert.Equal(t, http.StatusUnprocessableEntity, v.agents("GET", "/models?"+query, "").StatusCode, query)
	}
}

func TestModelsAreFilteredAndSorted(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	ids := func(query string) []any {
		rows, _ := v.models("per_page=200&" + query)
		return column(rows, "model_id")
	}
	every := func(query, field, value string) {
		rows, _ := v.models("per_page=200&" + query)
		assert.NotEmpty(t, rows, query)
		for _, row := range rows {
			assert.Equal(t, value, row[field], query)
		}
	}
	every("feature=Video_Fusion", "feature", "video_fusion")
	every("model_type=lora", "model_type", "lora")
	every("model_subcategory=anime", "model_subcategory", "anime")
	every("base_model=flux", "base_model", "flux")
	every("provider=Stability+AI", "provider", "Stability AI")
	assert.Equal(t, []any{"wan2.2", "wan2.2-i2v"}, ids("search=WAN+2.2"))
	assert.Equal(t, []any{"blueprint-lora", "community/linocut:v2"}, ids("model_type=lora&base_model=flux&tags=art"))

	both := ids("tags=anime,illustration")
	assert.Equal(t, []any{"cel-shade-v4"}, both)
	assert.Equal(t, both, ids("tags=anime&tags=illustration"))
	assert.Equal(t, both, ids("tags[]=anime&tags[]=illustration"))
	assert.Equal(t, both, ids("tags%5B%5D=anime&tags=Illustration,"))

	recommended := ids("")
	assert.Equal(t, recommended, ids("sort=recommended"))
	assert.Equal(t, ids("sort=latest"), ids("sort=newest"))
	assert.Equal(t, ids("sort=most-used"), ids("sort=popular"))
	assert.Equal(t, ids("sort=asc"), ids("sort=sort-asc"))
	down := ids("sort=desc")
	assert.Equal(t, down, ids("sort=sort-desc"))
	slices.Reverse(down)
	assert.Equal(t, down, ids("sort=asc"), "no two names are the same")
	assert.Equal(t, "flux", ids("sort=most-used")[0])
	assert.Equal(t, "qwen-image-edit", ids("sort=latest")[0])
	slices.SortFunc(recommended, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	assert.Len(t, slices.Compact(recommended), len(down))
}

func TestModelsOneByOne(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	rows, _ := v.models("per_page=200")
	without := 0
	for _, id := range column(rows, "model_id") {
		r := v.agents("GET", "/models/"+url.PathEscape(id.(string)), "")
		require.Equal(t, http.StatusOK, r.StatusCode, id)
		assert.Equal(t, id, r.at("data", "model_id"))
		assert.NotEmpty(t, r.at("data", "name"))
		configurations := r.at("data", "endpoint_configurations").([]any)
		require.Len(t, configurations, 1)
		one := configurations[0].(map[string]any)
		assert.NotEmpty(t, one["name"])
		assert.NotEmpty(t, one["config"].([]any))
		if one["parameters"] == nil {
			without++
			continue
		}
		schema := one["parameters"].(map[string]any)
		assert.NotEmpty(t, schema["properties"].(map[string]any)["prompt"], id)
	}
	assert.Equal(t, 1, without, "one model has no parameters")

	flux := v.agents("GET", "/models/flux", "").at("data", "endpoint_configurations").([]any)[0].(map[string]any)
	assert.Equal(t, "text2img", flux["name"])
	width := flux["parameters"].(map[string]any)["properties"].(map[string]any)["width"].(map[string]any)
	assert.Equal(t, json.Number("512"), width["default"])

	r := v.agents("GET", "/models/none", "")
	assert.Equal(t, http.StatusNotFound, r.StatusCode)
	assert.Contains(t, r.at("message"), "No query results")
	assert.Equal(t, http.StatusNotFound, v.agents("GET", "/models/FLUX", "").StatusCode)
	assert.Equal(t, http.StatusNotFound, v.agents("GET", "/models/community/linocut:v2", "").StatusCode, "a slash has to be escaped")
}

func TestWhatModelsCanBeFilteredBy(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithoutRateLimits())
	r := v.agents("GET", "/models/filters", "")
	feature := r.at("data", "features").([]any)[0].(map[string]any)
	assert.Equal(t, "audio_gen", feature["name"])
	for _, name := range []string{"recommended", "latest", "most-used", "asc", "desc", "sort-asc", "sort-desc"} {
		assert.Contains(t, r.at("data", "sorts"), name)
	}
	offered := map[string][]any{
		"model_type":        r.at("data", "model_types").([]any),
		"model_subcategory": r.at("data", "model_subcategories").([]any),
		"base_model":        r.at("data", "base_models").([]any),
		"sort":              r.at("data", "sorts").([]any),
		"tags":              v.agents("GET", "/models/tags", "").at("data").([]any),
		"feature":           column(objects(r.at("data", "features")), "name"),
		"provider":          column(v.agents("GET", "/models/providers", "").rows(t), "name"),
	}
	for name, values := range offered {
		assert.Len(t, slices.Compact(values), len(values), name)
		for _, value := range values {
			rows, _ := v.models(url.Values{name: {value.(string)}}.Encode())
			assert.NotEmpty(t, rows, "%s=%s", name, value)
		}
	}
}

func objects(list any) []map[string]any {
	var all []map[string]any
	for _, item := range list.([]any) {
		all = append(all, item.(map[string]any))
	}
	return all
}
