package sandbox

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// model is a row of the catalogue.
type model struct {
	id, name, provider       string
	feature, kind            string // what it is for; how it is built
	subcategory, base        string // "": none
	tags                     string // separated by commas
	calls                    int64  // how often it was used, made up
	created                  string // the day
	adult, withoutParameters bool
}

// catalogue is the list of models, in the order of recommendation. The names and the
// values of feature are known from the documentation or in common use; everything else is
// the sandbox's own. One id has to be escaped in a path.
func catalogue() []model {
	const (
		image, video, audio, chat = "imagen", "video_fusion", "audio_gen", "llmaster"
		solid, room, face         = "threed", "interior", "deepfake"

		whole, lora, hosted = "checkpoint", "lora", "hosted"
	)
	return []model{
		{id: "flux", name: "Flux", provider: "Black Forest Labs", feature: image, kind: whole, subcategory: "general", base: "flux", tags: "photorealistic,fast", calls: 981_233, created: "2024-08-03"},
		{id: "flux-dev", name: "Flux Dev", provider: "Black Forest Labs", feature: image, kind: whole, subcategory: "general", base: "flux", tags: "photorealistic", calls: 611_840, created: "2024-08-05"},
		{id: "flux-kontext-dev", name: "Flux Kontext Dev", provider: "Black Forest Labs", feature: image, kind: whole, subcategory: "editing", base: "flux", tags: "editing,photorealistic", calls: 402_117, created: "2025-06-27"},
		{id: "flux-kontext-pro", name: "Flux Kontext Pro", provider: "Black Forest Labs", feature: image, kind: hosted, subcategory: "editing", tags: "editing", calls: 120_008, created: "2025-07-02"},
		{id: "sdxl", name: "SDXL", provider: "Stability AI", feature: image, kind: whole, subcategory: "general", base: "sdxl", tags: "photorealistic,art", calls: 873_552, created: "2023-07-26"},
		{id: "stable-diffusion-3.5-large", name: "Stable Diffusion 3.5 Large", provider: "Stability AI", feature: image, kind: whole, subcategory: "general", base: "sd3", tags: "art", calls: 95_410, created: "2024-10-22"},
		{id: "sd-1.5", name: "Stable Diffusion 1.5", provider: "Stability AI", feature: image, kind: whole, subcategory: "general", base: "sd15", tags: "art,fast", calls: 540_021, created: "2022-10-20"},
		{id: "qwen-image", name: "Qwen Image", provider: "Alibaba", feature: image, kind: whole, subcategory: "general", base: "qwen", tags: "text,photorealistic", calls: 88_731, created: "2025-08-04"},
		{id: "qwen-image-edit", name: "Qwen Image Edit", provider: "Alibaba", feature: image, kind: whole, subcategory: "editing", base: "qwen", tags: "editing,text", calls: 61_204, created: "2025-08-18"},
		{id: "studio-portrait-xl", name: "Studio Portrait XL", provider: "Community", feature: image, kind: whole, subcategory: "portrait", base: "sdxl", tags: "photorealistic,portrait", calls: 233_918, created: "2024-02-11"},
		{id: "midday-photo", name: "Midday Photo", provider: "Community", feature: image, kind: whole, subcategory: "general", base: "sd15", tags: "photorealistic", calls: 150_667, created: "2023-05-02"},
		{id: "ink-and-wash", name: "Ink and Wash", provider: "Community", feature: image, kind: whole, subcategory: "illustration", base: "sdxl", tags: "art,illustration", calls: 77_503, created: "2024-04-19"},
		{id: "cel-shade-v4", name: "Cel Shade v4", provider: "Community", feature: image, kind: whole, subcategory: "anime", base: "sd15", tags: "anime,illustration", calls: 310_299, created: "2023-09-08"},
		{id: "night-market-anime", name: "Night Market Anime", provider: "Community", feature: image, kind: whole, subcategory: "anime", base: "sdxl", tags: "anime", calls: 142_756, created: "2024-06-30", adult: true},
		{id: "paper-cut-lora", name: "Paper Cut", provider: "Community", feature: image, kind: lora, subcategory: "illustration", base: "sdxl", tags: "art,illustration", calls: 18_422, created: "2024-09-12"},
		{id: "old-film-lora", name: "Old Film", provider: "Community", feature: image, kind: lora, subcategory: "general", base: "flux", tags: "photorealistic,retro", calls: 25_871, created: "2024-11-03"},
		{id: "blueprint-lora", name: "Blueprint", provider: "Community", feature: image, kind: lora, subcategory: "illustration", base: "flux", tags: "art", calls: 9_316, created: "2025-01-21"},
		{id: "pixel-town-lora", name: "Pixel Town", provider: "Community", feature: image, kind: lora, subcategory: "illustration", base: "sd15", tags: "retro,illustration", calls: 33_054, created: "2023-12-01"},
		{id: "community/linocut:v2", name: "Linocut", provider: "Community", feature: image, kind: lora, subcategory: "illustration", base: "flux", tags: "art", calls: 4_120, created: "2025-03-15"},
		{id: "product-shot", name: "Product Shot", provider: "ModelsLab", feature: image, kind: hosted, subcategory: "product", tags: "photorealistic,product", calls: 45_982, created: "2025-02-08"},
		{id: "background-removal", name: "Background Removal", provider: "ModelsLab", feature: image, kind: hosted, subcategory: "editing", tags: "editing,product,fast", calls: 201_346, created: "2023-08-14"},
		{id: "upscaler-4x", name: "Upscaler 4x", provider: "ModelsLab", feature: image, kind: hosted, subcategory: "editing", tags: "editing", calls: 187_663, created: "2023-08-20", withoutParameters: true},
		{id: "wan2.2", name: "Wan 2.2", provider: "Alibaba", feature: video, kind: whole, subcategory: "text-to-video", base: "wan", tags: "cinematic", calls: 164_229, created: "2025-07-28"},
		{id: "wan2.1", name: "Wan 2.1", provider: "Alibaba", feature: video, kind: whole, subcategory: "text-to-video", base: "wan", tags: "cinematic,fast", calls: 132_080, created: "2025-02-25"},
		{id: "wan2.2-i2v", name: "Wan 2.2 from a picture", provider: "Alibaba", feature: video, kind: whole, subcategory: "image-to-video", base: "wan", tags: "cinematic", calls: 101_337, created: "2025-07-29"},
		{id: "cogvideox", name: "CogVideoX", provider: "Community", feature: video, kind: whole, subcategory: "text-to-video", base: "cogvideo", tags: "fast", calls: 58_905, created: "2024-08-27"},
		{id: "svd", name: "Stable Video Diffusion", provider: "Stability AI", feature: video, kind: whole, subcategory: "image-to-video", base: "svd", tags: "fast", calls: 71_118, created: "2023-11-21"},
		{id: "slow-pan", name: "Slow Pan", provider: "ModelsLab", feature: video, kind: hosted, subcategory: "image-to-video", tags: "cinematic,product", calls: 12_640, created: "2025-05-06"},
		{id: "drone-shot", name: "Drone Shot", provider: "ModelsLab", feature: video, kind: hosted, subcategory: "text-to-video", tags: "cinematic", calls: 10_287, created: "2025-05-13"},
		{id: "eleven_multilingual_v2", name: "Multilingual v2", provider: "ElevenLabs", feature: audio, kind: hosted, subcategory: "text-to-speech", tags: "voice", calls: 92_771, created: "2024-01-10"},
		{id: "scribe_v1", name: "Scribe v1", provider: "ElevenLabs", feature: audio, kind: hosted, subcategory: "speech-to-text", tags: "voice,text", calls: 30_455, created: "2025-02-26"},
		{id: "eleven_sound_effect", name: "Sound Effect", provider: "ElevenLabs", feature: audio, kind: hosted, subcategory: "sound", tags: "effects", calls: 21_903, created: "2024-06-04"},
		{id: "music_v1", name: "Music v1", provider: "ElevenLabs", feature: audio, kind: hosted, subcategory: "music", tags: "music", calls: 39_512, created: "2025-08-05"},
		{id: "inworld-tts-1", name: "Inworld TTS 1", provider: "Inworld", feature: audio, kind: hosted, subcategory: "text-to-speech", tags: "voice,fast", calls: 27_098, created: "2025-06-18"},
		{id: "choir-room", name: "Choir Room", provider: "ModelsLab", feature: audio, kind: whole, subcategory: "music", tags: "music,voice", calls: 6_733, created: "2025-04-02"},
		{id: "deepseek-chat", name: "DeepSeek Chat", provider: "DeepSeek", feature: chat, kind: hosted, subcategory: "chat", base: "deepseek", tags: "text,code", calls: 119_460, created: "2024-12-26"},
		{id: "llama-3.3-70b", name: "Llama 3.3 70B", provider: "Meta", feature: chat, kind: hosted, subcategory: "chat", base: "llama", tags: "text", calls: 84_322, created: "2024-12-06"},
		{id: "qwen3-coder", name: "Qwen3 Coder", provider: "Alibaba", feature: chat, kind: hosted, subcategory: "chat", base: "qwen", tags: "text,code", calls: 43_911, created: "2025-07-22"},
		{id: "caption-writer", name: "Caption Writer", provider: "ModelsLab", feature: chat, kind: hosted, subcategory: "vision", tags: "text,product", calls: 8_004, created: "2025-03-30"},
		{id: "clay-3d", name: "Clay 3D", provider: "ModelsLab", feature: solid, kind: hosted, subcategory: "text-to-3d", tags: "product", calls: 15_230, created: "2024-10-01"},
		{id: "turntable-3d", name: "Turntable 3D", provider: "ModelsLab", feature: solid, kind: hosted, subcategory: "image-to-3d", tags: "product,fast", calls: 19_874, created: "2024-12-17"},
		{id: "room-stager", name: "Room Stager", provider: "ModelsLab", feature: room, kind: hosted, subcategory: "staging", tags: "architecture,photorealistic", calls: 36_601, created: "2024-03-05"},
		{id: "floor-plan-view", name: "Floor Plan View", provider: "ModelsLab", feature: room, kind: hosted, subcategory: "floor-plan", tags: "architecture", calls: 7_249, created: "2025-01-09"},
		{id: "sketch-to-room", name: "Sketch to Room", provider: "ModelsLab", feature: room, kind: hosted, subcategory: "sketch", tags: "architecture,art", calls: 11_486, created: "2024-07-15"},
		{id: "face-swap-single", name: "Single Face Swap", provider: "ModelsLab", feature: face, kind: hosted, subcategory: "picture", tags: "portrait,editing", calls: 98_163, created: "2024-01-30"},
		{id: "face-swap-video", name: "Video Face Swap", provider: "ModelsLab", feature: face, kind: hosted, subcategory: "video", tags: "portrait,editing", calls: 41_775, created: "2024-05-22"},
	}
}

func (m model) tagList() []string { return strings.Split(m.tags, ",") }

func (m model) description() string {
	return fmt.Sprintf("%s by %s, for %s.", m.name, m.provider, m.subcategory)
}

func (m model) json() object {
	return object{
		"model_id": m.id, "model_name": m.name, "provider": m.provider, "feature": m.feature,
		"model_type": m.kind, "model_subcategory": m.subcategory, "base_model": textOrNull(m.base),
		"description": m.description(), "tags": m.tagList(), "status": "model_ready",
		"is_nsfw": m.adult, "api_calls": m.calls, "created_at": m.created + "T00:00:00Z",
	}
}

// sortings are the orders in which models can be listed: those of the documentation, and
// the two other names that the vendor's tools use. What sets "asc" apart from "sort-asc" is
// not written down; here both go by name.
func sortings() map[string]func(a, b model) int {
	byName := func(a, b model) int { return cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) }
	byNameDown := func(a, b model) int { return byName(b, a) }
	newest := func(a, b model) int { return cmp.Compare(b.created, a.created) }
	mostUsed := func(a, b model) int { return cmp.Compare(b.calls, a.calls) }
	return map[string]func(a, b model) int{
		"recommended": func(model, model) int { return 0 }, // the catalogue's own order
		"latest":      newest, "newest": newest,
		"most-used": mostUsed, "popular": mostUsed,
		"asc": byName, "sort-asc": byName,
		"desc": byNameDown, "sort-desc": byNameDown,
	}
}

// documentedSortings is what the filters offer.
func documentedSortings() []string {
	return []string{"recommended", "latest", "most-used", "asc", "desc", "sort-asc", "sort-desc"}
}

// fits reports whether the query asks for the model. Case does not matter, as it does not
// to the framework's usual database.
func (m model) fits(query url.Values) bool {
	for name, value := range map[string]string{
		"feature": m.feature, "model_type": m.kind, "model_subcategory": m.subcategory,
		"base_model": m.base, "provider": m.provider,
	} {
		if want := query.Get(name); want != "" && !strings.EqualFold(want, value) {
			return false
		}
	}
	words := strings.ToLower(m.id + "\n" + m.name + "\n" + m.description())
	return strings.Contains(words, strings.ToLower(query.Get("search"))) && m.tagged(wantedTags(query))
}

// wantedTags reads tags=a&tags=b, tags=a,b and tags[]=a&tags[]=b alike.
func wantedTags(query url.Values) []string {
	var tags []string
	for _, value := range slices.Concat(query["tags"], query["tags[]"]) {
		for tag := range strings.SplitSeq(value, ",") {
			if tag = strings.TrimSpace(tag); tag != "" {
				tags = append(tags, tag)
			}
		}
	}
	return tags
}

// tagged reports whether the model carries every one of the tags.
func (m model) tagged(tags []string) bool {
	own := m.tagList()
	for _, tag := range tags {
		if !slices.ContainsFunc(own, func(t string) bool { return strings.EqualFold(t, tag) }) {
			return false
		}
	}
	return true
}

// Page sizes of the model search. The default is documented, the most is not.
const (
	defaultModels = 20
	largestModels = 200
)

func (s *Server) searchModels(c *call) answer {
	problems, query := bag{}, c.log.Query
	order := sortings()[cmp.Or(query.Get("sort"), "recommended")]
	if order == nil {
		problems.add("sort", "The selected sort is invalid.")
	}
	size := c.queryNumber("per_page", defaultModels, 1, largestModels, problems)
	page := c.queryNumber("page", 1, 1, 1<<20, problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	found := slices.DeleteFunc(catalogue(), func(m model) bool { return !m.fits(query) })
	slices.SortStableFunc(found, order)
	begin := min((page-1)*size, len(found))
	end := min(begin+size, len(found))
	items := []any{}
	for _, m := range found[begin:end] {
		items = append(items, m.json())
	}
	return c.ok(object{"items": items, "pagination": pagination(page, size, begin, end, len(found))})
}

// pagination speaks of the rows from begin up to end, in the words of the framework: rows
// are counted from 1, there is always a last page, and an empty page is from nowhere.
func pagination(page, size, begin, end, total int) object {
	p := object{
		"current_page": page, "per_page": size, "total": total,
		"last_page": max(1, (total+size-1)/size), "from": nil, "to": nil,
	}
	if begin < end {
		p["from"], p["to"] = begin+1, end
	}
	return p
}

func (s *Server) getModel(c *call) answer {
	for _, m := range catalogue() {
		if m.id != c.params["modelId"] {
			continue
		}
		data := m.json()
		data["name"] = m.name
		data["endpoint_configurations"] = []any{m.configuration()}
		return c.ok(data)
	}
	return missing("AiModel", c.params["modelId"])
}

// configuration is how the model is called: a JSON Schema of its parameters, and what a
// web page makes a form of.
func (m model) configuration() object {
	c := object{"name": m.subcategory, "parameters": json.RawMessage(promptSchema), "config": json.RawMessage(promptForm)}
	if m.feature == "imagen" {
		c["name"], c["parameters"] = "text2img", json.RawMessage(imageSchema)
	}
	if m.withoutParameters {
		c["parameters"] = nil
	}
	return c
}

// The schema of text to image allows what the sandbox's own endpoint takes.
const (
	imageSchema = `{
		"type": "object",
		"required": ["prompt"],
		"properties": {
			"prompt": {"type": "string", "description": "What the picture shows."},
			"width": {"type": "integer", "minimum": 256, "maximum": 1024, "multipleOf": 8, "default": 512},
			"height": {"type": "integer", "minimum": 256, "maximum": 1024, "multipleOf": 8, "default": 512},
			"samples": {"type": "integer", "enum": [1, 2, 3, 4], "default": 1},
			"guidance_scale": {"type": "number", "minimum": 1, "maximum": 20, "default": 7.5},
			"seed": {"type": ["integer", "null"], "minimum": 0, "default": null}
		}
	}`
	promptSchema = `{
		"type": "object",
		"required": ["prompt"],
		"properties": {"prompt": {"type": "string"}}
	}`
	promptForm = `[{"name": "prompt", "type": "textarea", "label": "Prompt", "required": true}]`
)

// distinct lists what the catalogue holds of something, sorted, each value once.
func distinct(of func(model) []string) []string {
	var all []string
	for _, m := range catalogue() {
		all = append(all, of(m)...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(v string) bool { return v == "" })
}

// named makes objects of names.
func named(names []string) []object {
	list := make([]object, len(names))
	for i, name := range names {
		list[i] = object{"name": name}
	}
	return list
}

func (s *Server) modelFilters(c *call) answer {
	return c.ok(object{
		"sorts":               documentedSortings(),
		"features":            named(distinct(func(m model) []string { return []string{m.feature} })),
		"model_types":         distinct(func(m model) []string { return []string{m.kind} }),
		"model_subcategories": distinct(func(m model) []string { return []string{m.subcategory} }),
		"base_models":         distinct(func(m model) []string { return []string{m.base} }),
	})
}

func (s *Server) modelTags(c *call) answer { return c.ok(distinct(model.tagList)) }

func (s *Server) modelProviders(c *call) answer {
	return c.ok(named(distinct(func(m model) []string { return []string{m.provider} })))
}
