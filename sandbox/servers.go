package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// serverNames are the dedicated servers by the names that stand in their paths. The one
// for images has none.
func serverNames() []string {
	return []string{
		"3d", "deepseek_chat", "face_gen", "faceswap", "flux", "flux_headshot", "flux_klein", "flux_kontext_dev",
		"image_editing", "image_to_video_ultra", "interior", "qwen", "realtime", "speech_to_text", "super_resolution",
		"text_to_speech", "ultra_video", "uncensored_chat", "video", "voice", "z_image_turbo",
	}
}

// imageServerJobs are the jobs of the server for images, whose path has nothing else.
func imageServerJobs() []string {
	return []string{"text2img", "img2img", "inpaint", "super_resolution", "controlnet"}
}

// dedicated is what an account keeps on its server for images. An account's API key is
// the key of all its servers here; the real ones have a key each.
type dedicated struct {
	models  []serverModel // oldest first
	vaes    []serverModel
	storage map[string]string // deploy_type to the public URL of its files
}

type serverModel struct {
	id, kind string
	loaded   time.Time
}

func (s *Server) dedicatedTo(a *account) *dedicated {
	d := s.kept.dedicated[a.id]
	if d == nil {
		d = &dedicated{storage: map[string]string{}}
		s.kept.dedicated[a.id] = d
	}
	return d
}

// onServer finds the account and the server, which is "" for images.
func (s *Server) onServer(c *call) (a *account, server string, refusal answer, refused bool) {
	server, named := c.params["server"]
	action, job := c.params["action"]
	if named && !slices.Contains(serverNames(), server) || job && !named && !slices.Contains(imageServerJobs(), action) {
		path := strings.TrimPrefix(c.http.URL.Path, "/")
		return nil, "", framework(http.StatusNotFound, fmt.Sprintf("The route %s could not be found.", path)), true
	}
	a, refusal, refused = s.keyHolder(c)
	return a, server, refusal, refused
}

// serverFamily is where the jobs of a server belong.
func serverFamily(server string) string {
	if server == "" {
		return enterpriseBase
	}
	return enterpriseBase + "/" + server
}

func done(message string) answer {
	return bare(http.StatusOK, object{"status": "success", "message": message})
}

func (s *Server) restartServer(c *call) answer {
	_, server, refusal, refused := s.onServer(c)
	if refused {
		return refusal
	}
	body := object{"status": "success", "message": "server restarting"}
	switch server {
	case "face_gen", "flux_headshot", "deepseek_chat":
		body["server_status"] = "restarting"
	}
	return bare(http.StatusOK, body)
}

func (s *Server) updateServer(c *call) answer {
	if _, _, refusal, refused := s.onServer(c); refused {
		return refusal
	}
	return done("server updating")
}

func (s *Server) serverDetails(c *call) answer {
	a, server, refusal, refused := s.onServer(c)
	if refused {
		return refusal
	}
	body := object{"status": "ok", "model_count": 0, "queue_time": 0}
	if server == "face_gen" || server == "flux_headshot" {
		body["status"] = "success"
	}
	if server == "" {
		body["model_count"] = len(s.dedicatedTo(a).models)
	}
	longest := time.Duration(0)
	for _, j := range s.queueOf(a, server, c.now) {
		longest = max(longest, j.ready.Sub(c.now))
	}
	body["queue_time"] = json.Number(seconds(longest))
	return bare(http.StatusOK, body)
}

func (s *Server) clearServerCache(c *call) answer {
	if _, _, refusal, refused := s.onServer(c); refused {
		return refusal
	}
	return done("Cache cleared successfully")
}

func (s *Server) clearServerQueue(c *call) answer {
	a, server, refusal, refused := s.onServer(c)
	if refused {
		return refusal
	}
	for _, j := range s.queueOf(a, server, c.now) {
		s.forget(j)
	}
	return done("Queue cleared, server is restarting")
}

// queueOf are the account's unfinished jobs on a server.
func (s *Server) queueOf(a *account, server string, now time.Time) []*job {
	var list []*job
	for _, j := range s.jobs {
		if j.account == a && j.family == serverFamily(server) && now.Before(j.ready) {
			list = append(list, j)
		}
	}
	return list
}

// forget drops an unfinished job with what it would have made.
func (s *Server) forget(j *job) {
	for _, file := range j.files {
		delete(s.files, file)
	}
	delete(s.jobs, j.id)
	s.hooks = slices.DeleteFunc(s.hooks, func(other *job) bool { return other == j })
}

// pictureJob makes a job that ends with one picture.
func (s *Server) pictureJob(c *call, a *account, name, family string) *job {
	return s.newJob(c, a, &mediaJob{name: name, path: c.http.URL.Path, family: family, makes: makesImage}, 1)
}

// runOnServer starts a job on a server, whatever its kind: each makes a picture. The two
// servers for chat answer at once.
func (s *Server) runOnServer(c *call) answer {
	a, server, refusal, refused := s.onServer(c)
	if refused {
		return refusal
	}
	switch {
	case c.params["action"] == "fetch": // one of the two documented ways to fetch a face swap
		return s.serverJob(c, a, server, c.jobNumber("id"))
	case c.params["action"] == "start" && strings.HasSuffix(server, "_chat"):
		return s.chatOnServer(c, server)
	}
	if !c.given() {
		return generationError(http.StatusBadRequest, "prompt is required")
	}
	if hook := c.text("webhook"); hook != "" && !callable(hook) {
		return generationError(http.StatusBadRequest, "webhook must be a valid https URL")
	}
	j := s.pictureJob(c, a, "servers."+c.params["action"], serverFamily(server))
	s.promiseWebhook(j)
	return s.serverAnswer(c, server, j)
}

// given reports whether there is something to work on: a prompt or a file.
func (c *call) given() bool {
	for name, value := range c.fields {
		if list, _ := value.([]any); len(list) > 0 {
			value = list[0]
		}
		text, _ := value.(string)
		for _, kind := range []string{"prompt", "image", "video", "audio", "url"} {
			if text != "" && strings.HasSuffix(name, kind) {
				return true
			}
		}
	}
	return false
}

// chatOnServer gives its text in message.
func (s *Server) chatOnServer(c *call, server string) answer {
	t := turn{said: c.text("prompt"), most: 1000}
	if server == "uncensored_chat" {
		messages, _ := c.fields["messages"].([]any)
		for i := range messages {
			m, _ := messages[i].(object)
			if text, ok := chatText(m["content"]); ok && m["role"] == "user" {
				t.said = text
			}
		}
	}
	if t.said == "" {
		return generationError(http.StatusBadRequest, "%s is required",
			map[bool]string{true: "messages", false: "prompt"}[server == "uncensored_chat"])
	}
	text, _, _ := t.reply()
	return bare(http.StatusOK, object{"status": "success", "message": text, "meta": object{"max_tokens": c.fields["max_tokens"]}})
}

// jobNumber reads a job's id from the body, a number or its digits.
func (c *call) jobNumber(name string) string {
	n, ok := c.integer(name)
	if !ok {
		return fmt.Sprint(c.fields[name])
	}
	return strconv.FormatInt(n, 10)
}

func (s *Server) fetchFromServer(c *call) answer {
	a, server, refusal, refused := s.onServer(c)
	if refused {
		return refusal
	}
	id, inPath := c.params["id"]
	if !inPath {
		if !c.has("request_id") {
			return generationError(http.StatusBadRequest, "request_id is required")
		}
		id = c.jobNumber("request_id")
	}
	return s.serverJob(c, a, server, id)
}

func (s *Server) serverJob(c *call, a *account, server, id string) answer {
	n, err := strconv.ParseInt(id, 10, 64)
	j := s.jobs[n]
	if err != nil || j == nil || j.account != a || j.family != serverFamily(server) {
		return generationError(http.StatusNotFound, "No generation found for id %s", id)
	}
	return s.serverAnswer(c, server, j)
}

// serverAnswer tells how far a job is, in the few fields that are documented.
func (s *Server) serverAnswer(c *call, server string, j *job) answer {
	if left := j.ready.Sub(c.now); left > 0 {
		fetch := fmt.Sprintf("%s%s/fetch/%d", s.url, j.family, j.id)
		if server == "" {
			fetch = s.url + enterpriseBase + "/fetch"
		}
		return bare(http.StatusOK, object{
			"status": "processing", "id": j.id, "eta": json.Number(seconds(left)), "output": []any{},
			"message": "Try to fetch the request after the given time.", "fetch_result": fetch,
		})
	}
	if s.generationOutcome != GenerationSucceeds {
		return s.broken(j)
	}
	return bare(http.StatusOK, object{"status": "success", "id": j.id, "output": s.links(j)})
}

func (s *Server) loadServerModel(c *call) answer {
	return s.loadOnServer(c, "model_id", "model_type",
		c.wanted("url", "model_id"),
		c.oneOf("model_type", true, "huggingface", "api_trained", "custom_ckpt", "lora", "controlnet"),
		c.oneOf("from_safetensors", false, "yes", "no"),
		c.oneOf("upcast_attention", false, "yes", "no"),
		c.oneOf("revision", false, "fp16", "fp32"))
}

func (s *Server) loadServerModelV2(c *call) answer {
	return s.loadOnServer(c, "model_id", "model_category",
		c.wanted("url", "model_id"),
		c.oneOf("model_category", true, "lora", "stable_diffusion", "stable_diffusion_xl", "controlnet"),
		c.oneOf("model_format", true, "ckpt", "safetensors", "pt", "diffusers"),
		c.oneOf("revision", false, "fp16", "fp32"))
}

func (s *Server) loadServerVAE(c *call) answer {
	return s.loadOnServer(c, "vae_id", "vae_type",
		c.wanted("vae_id", "vae_url"),
		c.oneOf("vae_type", true, "diffusers", "safetensors", "pt"))
}

// loadOnServer keeps what was named, in place of an older one of that name. The answers of
// this and of everything below are not documented.
func (s *Server) loadOnServer(c *call, id, kind string, problems ...error) answer {
	a, _, refusal, refused := s.onServer(c)
	if refused {
		return refusal
	}
	for _, err := range problems {
		if err != nil {
			return generationError(http.StatusBadRequest, "%s", err.Error())
		}
	}
	d := s.dedicatedTo(a)
	list := &d.models
	if id == "vae_id" {
		list = &d.vaes
	}
	m := serverModel{id: c.text(id), kind: c.text(kind), loaded: c.now}
	*list = append(slices.DeleteFunc(*list, func(old serverModel) bool { return old.id == m.id }), m)
	return done("model load started")
}

// modelOnServer finds the model that the body names.
func (s *Server) modelOnServer(c *call) (*dedicated, int, answer, bool) {
	a, _, refusal, refused := s.onServer(c)
	if refused {
		return nil, 0, refusal, true
	}
	if err := c.wanted("model_id"); err != nil {
		return nil, 0, generationError(http.StatusBadRequest, "%s", err.Error()), true
	}
	d, id := s.dedicatedTo(a), c.text("model_id")
	i := slices.IndexFunc(d.models, func(m serverModel) bool { return m.id == id })
	if i < 0 {
		return nil, 0, generationError(http.StatusNotFound, "Model not found: %s", id), true
	}
	return d, i, answer{}, false
}

func (s *Server) verifyServerModel(c *call) answer {
	if _, _, refusal, refused := s.modelOnServer(c); refused {
		return refusal
	}
	return done("model exists")
}

func (s *Server) deleteServerModel(c *call) answer {
	d, i, refusal, refused := s.modelOnServer(c)
	if refused {
		return refusal
	}
	d.models = slices.Delete(d.models, i, i+1)
	return done("model deleted")
}

// serverModels lists ids and when they were loaded: that much the documentation says.
func (s *Server) serverModels(c *call) answer {
	a, _, refusal, refused := s.onServer(c)
	if refused {
		return refusal
	}
	list := []object{}
	for _, m := range s.dedicatedTo(a).models {
		list = append(list, object{"model_id": m.id, "model_type": m.kind, "created_at": timestamp(m.loaded)})
	}
	return bare(http.StatusOK, object{"status": "success", "models": list})
}

// syncServerModels copies the models to the server of another key.
func (s *Server) syncServerModels(c *call) answer {
	a, _, refusal, refused := s.onServer(c)
	if refused {
		return refusal
	}
	if err := c.wanted("sync_key"); err != nil {
		return generationError(http.StatusBadRequest, "%s", err.Error())
	}
	other := s.apiKeys[c.text("sync_key")]
	if other == nil {
		return generationError(http.StatusUnauthorized, "Invalid sync_key")
	}
	to := s.dedicatedTo(other)
	for _, m := range s.dedicatedTo(a).models {
		if !slices.ContainsFunc(to.models, func(old serverModel) bool { return old.id == m.id }) {
			to.models = append(to.models, m)
		}
	}
	return done("models synced")
}

func (s *Server) serverSchedulers(c *call) answer {
	if _, _, refusal, refused := s.onServer(c); refused {
		return refusal
	}
	return bare(http.StatusOK, object{"status": "success", "schedulers": []string{
		"DDPMScheduler", "DDIMScheduler", "PNDMScheduler", "LMSDiscreteScheduler", "EulerDiscreteScheduler",
		"EulerAncestralDiscreteScheduler", "DPMSolverMultistepScheduler", "HeunDiscreteScheduler",
		"KDPM2DiscreteScheduler", "DPMSolverSinglestepScheduler", "KDPM2AncestralDiscreteScheduler",
		"UniPCMultistepScheduler", "DDIMInverseScheduler", "DEISMultistepScheduler", "IPNDMScheduler",
		"KarrasVeScheduler", "ScoreSdeVeScheduler", "LCMScheduler",
	}})
}

// deployType says which server's storage is meant.
func (c *call) deployType() (string, error) {
	if !c.has("deploy_type") {
		return "text_to_image", nil
	}
	return c.text("deploy_type"), c.oneOf("deploy_type", true,
		"text_to_image", "image_editing", "voice_cloning", "text_to_3d", "video", "face_gen", "deepfake", "realtime",
		"super_resolution", "flux", "flux_headshot", "interior", "qwen", "qwen_tts", "flux_kontext_dev",
		"image_to_video_ultra", "z_image_turbo")
}

// updateStorage keeps where the files are to be found, and neither of the keys to it.
func (s *Server) updateStorage(c *call) answer {
	a, _, refusal, refused := s.onServer(c)
	if refused {
		return refusal
	}
	kind, err := c.deployType()
	if err == nil {
		err = c.wanted("public_url", "region_name", "endpoint_url", "aws_access_key_id", "aws_secret_access_key", "image_directory")
	}
	if err != nil {
		return generationError(http.StatusBadRequest, "%s", err.Error())
	}
	s.dedicatedTo(a).storage[kind] = c.text("public_url")
	return bare(http.StatusOK, object{
		"status": "success", "message": "S3 details updated", "deploy_type": kind, "public_url": c.text("public_url"),
	})
}

func (s *Server) resetStorage(c *call) answer {
	a, _, refusal, refused := s.onServer(c)
	if refused {
		return refusal
	}
	kind, err := c.deployType()
	if err != nil {
		return generationError(http.StatusBadRequest, "%s", err.Error())
	}
	delete(s.dedicatedTo(a).storage, kind)
	return bare(http.StatusOK, object{"status": "success", "message": "S3 details reset", "deploy_type": kind})
}
