package sandbox_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/modelslab/modelslab-agents-go/sandbox"
)

const enterprisePath = "/api/v1/enterprise"

// server posts fields, JSON without its braces, beside the key.
func (v *visitor) server(path, fields string) reply {
	v.t.Helper()
	body := `{"key":"` + v.apiKey + `"`
	if fields != "" {
		body += "," + fields
	}
	return v.send("POST", enterprisePath+path, body+"}")
}

func TestEveryServerIsManaged(t *testing.T) {
	v := visitAs(t, 0)
	names := []string{""}
	for _, name := range strings.Fields(`3d face_gen faceswap flux flux_headshot flux_klein flux_kontext_dev image_editing
		image_to_video_ultra interior qwen realtime speech_to_text super_resolution text_to_speech ultra_video video voice
		z_image_turbo deepseek_chat uncensored_chat`) {
		names = append(names, "/"+name)
	}
	for _, name := range names {
		for _, action := range []string{"restart_server", "update_server", "clear_cache", "clear_queue"} {
			r := v.server(name+"/"+action, "")
			assert.Equal(t, http.StatusOK, r.StatusCode, name)
			assert.Equal(t, "success", r.at("status"))
			assert.NotEmpty(t, r.at("message"))
			assert.Equal(t, http.StatusUnauthorized, v.send("POST", enterprisePath+name+"/"+action, `{}`).StatusCode)
		}
		assert.Equal(t, json.Number("0"), v.server(name+"/system_details", "").at("queue_time"))
	}
	assert.Equal(t, "server restarting", v.server("/flux/restart_server", `"deploy_type":"flux_2_dev"`).at("message"))
	assert.Equal(t, "ok", v.server("/flux/system_details", "").at("status"))
	assert.Equal(t, "success", v.server("/face_gen/system_details", "").at("status"))
	assert.NotEmpty(t, v.server("/face_gen/restart_server", "").at("server_status"))
	for _, path := range []string{"/toaster/restart_server", "/toaster/text2img", "/toaster/fetch/1", "/text2toast"} {
		r := v.server(path, `"prompt":"x"`)
		assert.Equal(t, http.StatusNotFound, r.StatusCode, path)
		assert.Equal(t, "The route api/v1/enterprise"+path+" could not be found.", r.at("message"))
	}
}

func TestTheModelsOfAServer(t *testing.T) {
	c := newClock()
	v := visitAs(t, 0, sandbox.WithClock(c.Now))
	load := `"url":"wavymulder/Analog-Diffusion","model_id":"analog","model_type":"huggingface"`
	for path, fields := range map[string]string{
		"/load_model":    load,
		"/load_model_v2": `"url":"https://example.com/1","model_id":"majic","model_category":"stable_diffusion","model_format":"safetensors"`,
		"/load_vae":      `"vae_id":"anime2","vae_url":"bullhug/kl-f8-anime2","vae_type":"diffusers"`,
	} {
		assert.Equal(t, "success", v.server(path, fields).at("status"), path)
	}
	v.server("/load_model", load) // once more, in place of the first
	list := objects(v.server("/get_all_models", "").at("models"))
	assert.ElementsMatch(t, []any{"analog", "majic"}, column(list, "model_id"))
	assert.Equal(t, "2026-03-01T09:30:00Z", list[0]["created_at"])
	assert.Equal(t, json.Number("2"), v.server("/system_details", "").at("model_count"))

	other := v.beside("other@example.com")
	assert.Empty(t, other.server("/get_all_models", "").at("models"))
	assert.Equal(t, "success", v.server("/sync_models", `"sync_key":"`+other.apiKey+`"`).at("status"))
	assert.Len(t, other.server("/get_all_models", "").at("models"), 2)

	assert.Equal(t, http.StatusOK, v.server("/verify_model", `"model_id":"majic"`).StatusCode)
	assert.Equal(t, http.StatusOK, v.server("/delete_model", `"model_id":"majic"`).StatusCode)
	for _, path := range []string{"/verify_model", "/delete_model"} {
		r := v.server(path, `"model_id":"majic"`)
		assert.Equal(t, http.StatusNotFound, r.StatusCode)
		assert.Equal(t, "Model not found: majic", r.at("message"))
	}
	assert.Len(t, v.server("/schedulers_list", "").at("schedulers"), 18)

	for path, fields := range map[string]string{
		"/load_model":    `"url":"x","model_id":"m","model_type":"toaster"`,
		"/load_model_v2": `"url":"x","model_id":"m","model_category":"flux","model_format":"pt"`,
		"/load_vae":      `"vae_id":"x","vae_type":"pt"`,
		"/verify_model":  ``,
		"/sync_models":   ``,
		"/reset_s3":      `"deploy_type":"toaster"`,
		"/update_s3":     `"public_url":"https://example.com/"`,
	} {
		assert.Equal(t, http.StatusBadRequest, v.server(path, fields).StatusCode, path)
	}
}

func TestStorageKeysAreNotToldAgain(t *testing.T) {
	v := visitAs(t, 0)
	r := v.server("/update_s3", `"deploy_type":"flux","public_url":"https://files.example/","region_name":"us-east-1",
		"endpoint_url":"https://s3.example","aws_access_key_id":"its-name","aws_secret_access_key":"its-secret","image_directory":"generations"`)
	assert.Equal(t, http.StatusOK, r.StatusCode)
	assert.Equal(t, "flux", r.at("deploy_type"))
	assert.NotContains(t, r.text, "its-secret")
	assert.NotContains(t, r.text, "its-name")
	assert.Equal(t, "text_to_image", v.server("/reset_s3", "").at("deploy_type"))
}

func TestJobsOnServers(t *testing.T) {
	c := newClock()
	v := visitAs(t, 0, sandbox.WithClock(c.Now))
	for path, fields := range map[string]string{
		"/flux/text2img": `"prompt":"a lake"`, "/flux_klein/img2img": `"init_image":["https://example.com/1.png"]`,
		"/super_resolution/make": `"init_image":"https://example.com/1.png"`, "/video/text2video": `"prompt":"a lake"`,
		"/text2img": `"prompt":"a lake"`, "/super_resolution": `"url":"https://example.com/1.png"`,
	} {
		assert.Equal(t, http.StatusBadRequest, v.server(path, `"seed":1`).StatusCode, path)
		r := v.server(path, fields)
		require.Equal(t, http.StatusOK, r.StatusCode, path)
		assert.Equal(t, "processing", r.at("status"))
		assert.Empty(t, r.at("output"))
		id := r.at("id").(json.Number).String()
		server := path[:strings.LastIndexByte(path, '/')]
		fetch, body := server+"/fetch/"+id, ""
		if server == "" {
			fetch, body = "/fetch", `"request_id":`+id
		}
		assert.True(t, strings.HasSuffix(r.at("fetch_result").(string), strings.TrimSuffix(fetch, "?")))
		assert.Equal(t, "processing", v.server(fetch, body).at("status"))
		assert.Equal(t, json.Number("2"), v.server(server+"/system_details", "").at("queue_time"))
		c.Advance(2 * time.Second)
		r = v.server(fetch, body)
		assert.Equal(t, "success", r.at("status"))
		v.picture(r.at("output").([]any)[0])
		assert.Equal(t, http.StatusNotFound, v.server("/qwen/fetch/"+id, "").StatusCode, "ids belong to a server")
		assert.Equal(t, http.StatusNotFound, v.beside("other@example.com").server(fetch, body).StatusCode)
	}
	assert.Equal(t, http.StatusBadRequest, v.server("/fetch", "").StatusCode)

	swap := v.server("/faceswap/single_face_swap", `"init_image":"https://example.com/1.png"`).at("id").(json.Number).String()
	assert.Equal(t, "processing", v.server("/faceswap/fetch", `"id":"`+swap+`"`).at("status"), "the id may stand in the body")
	assert.Equal(t, "success", v.server("/faceswap/clear_queue", "").at("status"))
	assert.Equal(t, http.StatusNotFound, v.server("/faceswap/fetch/"+swap, "").StatusCode)

	assert.Equal(t, "You said: hello", v.server("/deepseek_chat/start", `"prompt":"hello"`).at("message"))
	assert.Equal(t, "You said: hi", v.server("/uncensored_chat/start", `"messages":[{"role":"user","content":"hi"}]`).at("message"))
	assert.Equal(t, http.StatusBadRequest, v.server("/uncensored_chat/start", `"prompt":""`).StatusCode)
}

func TestJobsOnServersFail(t *testing.T) {
	v := visitAs(t, 0, sandbox.WithGenerationTime(0), sandbox.WithGenerationOutcome(sandbox.GenerationFails))
	assert.Equal(t, "failed", v.server("/flux/text2img", `"prompt":"a lake"`).at("status"))
}
