package sandbox

import (
	"net/http"
	"slices"
	"time"
)

// day is when the model was made.
func (m model) day() time.Time {
	d, err := time.Parse(time.DateOnly, m.created)
	if err != nil {
		panic("sandbox: " + err.Error())
	}
	return d
}

// byQueryKey opens a handler to the holder of the API key in the query.
func byQueryKey(handle func(*Server, *call) answer) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		key := c.log.Query.Get("key")
		if key == "" {
			return generationError(http.StatusUnauthorized, "API key required")
		}
		if c.account = s.apiKeys[key]; c.account == nil {
			return generationError(http.StatusUnauthorized, "Invalid API key")
		}
		return handle(s, c)
	}
}

// loadedModel is one that an account brought along.
type loadedModel struct {
	account        *account
	id, name, link string
	image          string
	private        bool
	created        time.Time
}

// listPublicModels is a bare array: the image models of the catalogue, and those that
// accounts have loaded for everybody.
func (s *Server) listPublicModels(c *call) answer {
	if _, refusal, refused := s.keyHolder(c); refused {
		return refusal
	}
	row := func(id, name, description, image string, created any) object {
		return object{
			"model_id": id, "status": "model_ready", "created_at": created, "instance_prompt": nil,
			"model_name": name, "description": description, "screenshots": image,
		}
	}
	list := []object{}
	for _, m := range catalogue() {
		if m.feature == "imagen" {
			list = append(list, row(m.id, m.name, m.description(), "https://pictures.example/"+m.id+".png", nil))
		}
	}
	for _, m := range s.kept.loaded {
		if !m.private {
			list = append(list, row(m.id, m.name, "Loaded from "+m.link, m.image, timestamp(m.created)))
		}
	}
	return bare(http.StatusOK, list)
}

func (s *Server) loadModel(c *call) answer {
	a, refusal, refused := s.keyHolder(c)
	if refused {
		return refusal
	}
	for _, err := range []error{
		c.wanted("url", "model_id", "model_name"),
		c.oneOf("model_format", true, "diffusers", "safetensors", "ckpt"),
		c.oneOf("model_category", true, "stable_diffusion", "stable_diffusion_xl", "flux", "z_image"),
		c.oneOf("model_visibility", true, "private", "public"),
		c.oneOf("model_subcategory", false, "lora"),
		c.oneOf("revision", false, "fp16", "fp32"),
		c.oneOf("force_load", false, "yes", "no"),
		c.oneOf("hf_upload", false, "yes", "no"),
	} {
		if err != nil {
			return generationError(http.StatusBadRequest, "%s", err.Error())
		}
	}
	m := loadedModel{
		account: a, id: c.text("model_id"), name: c.text("model_name"), link: c.text("url"), image: c.text("model_image"),
		private: c.text("model_visibility") == "private", created: c.now,
	}
	s.kept.loaded = slices.DeleteFunc(s.kept.loaded, func(old loadedModel) bool { return old.account == a && old.id == m.id })
	s.kept.loaded = append(s.kept.loaded, m)
	return bare(http.StatusOK, object{"status": "success", "message": "model load started"})
}

// reloadModel wakes a model that was idle: one of the catalogue, a loaded or a trained one.
func (s *Server) reloadModel(c *call) answer {
	a, refusal, refused := s.keyHolder(c)
	if refused {
		return refusal
	}
	if err := c.wanted("model_id"); err != nil {
		return generationError(http.StatusBadRequest, "%s", err.Error())
	}
	id := c.text("model_id")
	known := slices.ContainsFunc(catalogue(), func(m model) bool { return m.id == id }) ||
		slices.ContainsFunc(s.kept.loaded, func(m loadedModel) bool { return m.id == id && (!m.private || m.account == a) }) ||
		slices.ContainsFunc(s.trainingsOf(a), func(t *training) bool { return t.id == id })
	if !known {
		return generationError(http.StatusNotFound, "Model not found: %s", id)
	}
	return bare(http.StatusOK, object{"status": "success", "message": "Model reloaded."})
}
