package vendorspec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// defect is something wrong in one of the files. The tests hold that it is
// still there, and, where it is corrected, that a right request or a reader
// would trip over it.
type defect struct {
	file string
	what string
	at   string // a JSON pointer without its first slash
	is   string // the JSON that is there; "" is nothing at all
	want string // the JSON that belongs there; "" is nothing at all
	to   string // instead of is and want: the pointer to where it belongs

	// note is a defect that hinders no reader and no request: nothing is
	// corrected.
	note bool
	// seen finds what no pointer can.
	seen func(object) bool
}

func (d *defect) String() string { return d.file + ": " + d.what + " (" + d.at + ")" }

// there tells whether the file, as it is, has the defect.
func (d *defect) there(tree object) bool {
	if d.seen != nil {
		return d.seen(tree)
	}
	v, ok := lookup(tree, d.at)
	if d.to != "" {
		_, taken := lookup(tree, d.to)
		return ok && !taken
	}
	return same(v, ok, d.is)
}

func (d *defect) correct(tree object) error {
	if d.note {
		return nil
	}
	if d.to != "" {
		v, ok := lookup(tree, d.at)
		if !ok {
			return errors.New("nothing is there")
		}
		if err := put(tree, d.at, nil, false); err != nil {
			return err
		}
		return put(tree, d.to, v, true)
	}
	if d.want == "" {
		return put(tree, d.at, nil, false)
	}
	v, err := parse(d.want)
	if err != nil {
		return err
	}
	return put(tree, d.at, v, true)
}

func parse(text string) (any, error) {
	b, err := decode([]byte(`{"v":` + text + `}`))
	return b["v"], err
}

// same compares what a pointer found with JSON text.
func same(v any, found bool, text string) bool {
	if text == "" || !found {
		return !found && text == ""
	}
	want, err := parse(text)
	if err != nil {
		return false
	}
	a, errA := json.Marshal(v)
	b, errB := json.Marshal(want)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

func lookup(v any, pointer string) (any, bool) {
	for name := range strings.SplitSeq(pointer, "/") {
		name = unescape.Replace(name)
		switch at := v.(type) {
		case object:
			next, ok := at[name]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// put sets or removes a member of an object.
func put(tree object, pointer string, v any, set bool) error {
	i := strings.LastIndexByte(pointer, '/')
	parent, ok := lookup(tree, pointer[:max(i, 0)])
	if !ok {
		return fmt.Errorf("nothing is at %s", pointer[:max(i, 0)])
	}
	o, ok := parent.(object)
	if !ok {
		return fmt.Errorf("%s is no object", pointer[:i])
	}
	name := unescape.Replace(pointer[i+1:])
	if set {
		o[name] = v
	} else {
		delete(o, name)
	}
	return nil
}

// defects is the list. Tests take more from the files than people do, so what
// only answers or prose get wrong is not in it.
var defects = slices.Concat(generationDefects, chatDefects(), idDefects(), pathDefects(), nullableDefects())

const (
	common     = "components/schemas/CommonImageGenerationParams/properties/"
	webAddress = `{"type":"string","format":"uri"}`
	anyString  = `{"type":"string"}`
)

var generationDefects = []defect{
	{
		file: "3d-api", what: "image_to_3d requires image; its field is init_image",
		at: "components/schemas/ImageTo3DRequest/required", is: `["key","image"]`, want: `["key","init_image"]`,
	},
	{
		file: "3d-api", what: "the pattern knows no hyphen, and the media types of most models have one: model/gltf-binary",
		at:   "components/schemas/Base64ToUrlRequest/properties/init_obj/pattern",
		is:   `"^data:model\\/[a-zA-Z0-9]+;base64,[A-Za-z0-9+\\/]+=*$"`,
		want: `"^data:model\\/[a-zA-Z0-9.+-]+;base64,[A-Za-z0-9+\\/]+=*$"`,
	},

	{
		file: "faceswap-api", what: "base64 says that the image is base64, so it is not always an address",
		at: "components/schemas/SpecificFaceSwapRequest/properties/init_image", is: webAddress, want: anyString,
	},
	{
		file: "faceswap-api", what: "base64 says that the image is base64, so it is not always an address",
		at: "components/schemas/SpecificFaceSwapRequest/properties/target_image", is: webAddress, want: anyString,
	},
	{
		file: "faceswap-api", what: "base64 says that the image is base64, so it is not always an address",
		at: "components/schemas/SpecificFaceSwapRequest/properties/reference_image", is: webAddress, want: anyString,
	},
	{
		file: "faceswap-api", what: "base64 says that the image is base64, so it is not always an address",
		at: "components/schemas/MultipleFaceSwapRequest/properties/init_image", is: webAddress, want: anyString,
	},
	{
		file: "faceswap-api", what: "base64 says that the image is base64, so it is not always an address",
		at: "components/schemas/MultipleFaceSwapRequest/properties/target_image", is: webAddress, want: anyString,
	},

	{
		file: "general-api", what: "a GET that requires a body", note: true,
		at: "paths/~1clear_cache/get/requestBody/required", is: "true",
	},
	{
		file: "general-api", what: "a GET that requires a body", note: true,
		at: "paths/~1subscribed_products/get/requestBody/required", is: "true",
	},
	{
		file: "general-api", what: "the page says /api/v6/assets_generated", note: true,
		at: "paths/~1assets_generated/post/servers", is: `[{"url":"/api"}]`,
	},
	{
		file: "general-api", what: "the page says that it is a GET", note: true,
		at: "paths/~1processing~1request_count/get", is: "",
	},

	{
		file: "image-editing", what: "caption requires a prompt, and has no such field",
		at: "components/schemas/CaptionRequest/required", is: `["key","prompt","init_image"]`, want: `["key","init_image"]`,
	},
	{
		file: "image-editing", what: "mask_creator has no image",
		at: "components/schemas/MaskCreatorRequest/properties/init_image", is: "", want: webAddress,
	},
	{
		file: "image-editing", what: "one image may come without the array, says the page", note: true,
		at: "components/schemas/QwenRequest/properties/init_image/type", is: `"array"`,
	},
	{
		file: "image-editing", what: "flux_headshot requires a seed, and none is null by the page",
		at: "components/schemas/FluxHeadshotRequest/properties/seed", is: `{"type":"integer"}`, want: `{"type":["integer","null"]}`,
	},
	{
		file: "image-editing", what: "base64 says that the image is base64, so it is not always an address",
		at: "components/schemas/OutpaintRequest/properties/image", is: webAddress, want: anyString,
	},

	{
		file: "image-editing", what: "the other description of img2img takes base64 with base64, so it is not always an address",
		at: "components/schemas/FluxKontextImageToImageRequest/properties/init_image", is: webAddress, want: anyString,
	},

	{
		file: "image-generation-community-models", what: "the default of a boolean is a word",
		at: common + "enhance_prompt/default", is: `"yes"`, want: "true",
	},
	{
		file: "image-generation-community-models", what: "the default is above the maximum",
		at: common + "num_inference_steps/default", is: "31", want: "20",
	},
	{
		file: "image-generation-community-models", what: "strengths are below one, and several come with commas",
		at: common + "lora_strength", is: `{"type":"integer"}`, want: anyString,
	},
	{
		file: "image-generation-community-models", what: "with base64 images may come as base64, so it is not always an address",
		at: common + "ip_adapter_image", is: webAddress, want: anyString,
	},
	{
		file: "image-generation-community-models", what: "with base64 images may come as base64, so it is not always an address",
		at: "components/schemas/ImageToImageRequest/properties/init_image", is: webAddress, want: anyString,
	},
	{
		file: "image-generation-community-models", what: "with base64 images may come as base64, so it is not always an address",
		at: "components/schemas/InpaintingRequest/properties/init_image", is: webAddress, want: anyString,
	},
	{
		file: "image-generation-community-models", what: "with base64 images may come as base64, so it is not always an address",
		at: "components/schemas/InpaintingRequest/properties/mask_image", is: webAddress, want: anyString,
	},
	{
		file: "image-generation-community-models", what: "the quickstart's fetch/{id} is missing", note: true,
		at: "paths/~1fetch~1{id}", is: "",
	},

	{
		file: "image-generation-controlnet", what: "the default is none of the values",
		at: "components/schemas/ControlNetRequest/properties/num_inference_steps/default", is: "30", want: "31",
	},
	{
		file: "image-generation-controlnet", what: "several come with commas, so it is no list of words",
		at: "components/schemas/ControlNetRequest/properties/controlnet_model", is: controlNets, want: anyString,
	},
	{
		file: "image-generation-controlnet", what: "several come with commas, so it is no list of words",
		at: "components/schemas/ControlNetRequest/properties/controlnet_type", is: controlNets, want: anyString,
	},
	{
		file: "image-generation-controlnet", what: "with base64 images may come as base64, so it is not always an address",
		at: "components/schemas/ControlNetRequest/properties/init_image", is: webAddress, want: anyString,
	},
	{
		file: "image-generation-controlnet", what: "with base64 images may come as base64, so it is not always an address",
		at: "components/schemas/ControlNetRequest/properties/control_image", is: webAddress, want: anyString,
	},
	{
		file: "image-generation-controlnet", what: "with base64 images may come as base64, so it is not always an address",
		at: "components/schemas/ControlNetRequest/properties/mask_image", is: webAddress, want: anyString,
	},
	{
		file: "image-generation-controlnet", what: "fetch takes no key", note: true,
		at: "paths/~1images~1fetch~1{id}/get/parameters", is: `[{"name":"id","in":"path","required":true,"schema":{"type":"integer","format":"int64"}}]`,
	},

	{
		file: "image-generation-train-model", what: "null is a word", note: true,
		at: "components/schemas/LoraTrainingRequest/properties/training_type/enum", is: `["men","women","couple","null"]`,
	},
	{
		file: "image-generation-train-model", what: "the page spells it cancle_training", note: true,
		at: "paths/~1cancle_training~1{training_id}", is: "",
	},

	{
		file: "interior-api", what: "the default is none of the documented values, which are 21, 31 and 41", note: true,
		at: "components/schemas/InteriorMakeRequest/properties/num_inference_steps", is: `{"type":"integer","default":51}`,
	},
	{
		file: "interior-api", what: "the range is only prose, and the pages know another: 0 to 1", note: true,
		at: "components/schemas/InteriorMakeRequest/properties/strength", is: `{"type":"number","default":5}`,
	},

	{
		file: "llm-api", what: "the model is not required; the page requires it", note: true,
		at: "components/schemas/ChatCompletionsRequest/required", is: `["messages"]`,
	},
	{
		file: "llm-api", what: "the page's tool is missing",
		at: "components/schemas/ChatMessage/properties/role/enum", is: `["system","user","assistant"]`, want: `["system","user","assistant","tool"]`,
	},
	{
		file: "llm-api", what: "beside tool calls the page has null",
		at: "components/schemas/ChatMessage/properties/content", is: anyString, want: `{"type":["string","null"]}`,
	},
	{
		file: "llm-api", what: "the page has blocks too",
		at: "components/schemas/AnthropicMessage/properties/content", is: anyString,
		want: `{"anyOf":[{"type":"array","items":{"type":"object","required":["type"]}},{"type":"string"}]}`,
	},
	{
		file: "llm-api", what: "messages takes a Bearer too, says the page",
		at: "paths/~1v1~1messages/post/security", is: `[{"apiKeyAuth":[]}]`, want: `[{"apiKeyAuth":[]},{"bearerAuth":[]}]`,
	},
	{
		file: "llm-api", what: "count_tokens takes a Bearer too, says the overview",
		at: "paths/~1v1~1messages~1count_tokens/post/security", is: `[{"apiKeyAuth":[]}]`, want: `[{"apiKeyAuth":[]},{"bearerAuth":[]}]`,
	},
	{
		file: "llm-api", what: "models takes a Bearer too, says the overview",
		at: "paths/~1v1~1models/get/security", is: `[{"apiKeyAuth":[]}]`, want: `[{"apiKeyAuth":[]},{"bearerAuth":[]}]`,
	},

	{
		file: "video-api", what: "the models are out of date",
		at: "components/schemas/TextToVideoRequest/properties/model_id", is: `{"type":"string","enum":["cogvideox","wanx"]}`, want: anyString,
	},
	{
		file: "video-api", what: "the models are out of date",
		at: "components/schemas/ImageToVideoRequest/properties/model_id", is: `{"type":"string","enum":["svd"]}`, want: anyString,
	},
	{
		file: "video-api", what: "the default is above the maximum",
		at: "components/schemas/TextToVideoRequest/properties/upscale_guidance_scale/default", is: "12", want: "8",
	},
	{
		file: "video-api", what: "base64 says that the image is base64, so it is not always an address",
		at: "components/schemas/ImageToVideoUltraRequest/properties/init_image", is: webAddress, want: anyString,
	},
	{
		file: "video-api", what: "scene_maker was withdrawn", note: true,
		at: "paths/~1video~1scene_maker/post/requestBody/required", is: "true",
	},

	{
		file: "voice-cloning", what: "the default is none of the values",
		at: "components/schemas/TextToSpeechRequest/properties/language/default", is: `"english"`, want: `"american english"`,
	},
	{
		file: "voice-cloning", what: "base64 says that the file is base64, so it is not always an address",
		at: "components/schemas/TextToAudioRequest/properties/init_audio", is: webAddress, want: anyString,
	},
	{
		file: "voice-cloning", what: "base64 says that the file is base64, so it is not always an address",
		at: "components/schemas/MusicGenRequest/properties/init_audio", is: webAddress, want: anyString,
	},
	{
		file: "voice-cloning", what: "base64 says that the file is base64, so it is not always an address",
		at: "components/schemas/VoiceUploadRequest/properties/init_audio", is: webAddress, want: anyString,
	},
	{
		file: "voice-cloning", what: "base64 says that the file is base64, so it is not always an address",
		at: "components/schemas/VocalIsolatorRequest/properties/init_audio", is: webAddress, want: anyString,
	},
	{
		file: "voice-cloning", what: "base64 says that the file is base64, so it is not always an address",
		at: "components/schemas/VocalIsolatorRequest/properties/init_video", is: webAddress, want: anyString,
	},
	{
		file: "voice-cloning", what: "base64 says that the file is base64, so it is not always an address",
		at: "components/schemas/CreateDubbingRequest/properties/init_video", is: webAddress, want: anyString,
	},
	{
		file: "voice-cloning", what: "voice_design requires no key", note: true,
		at: "components/schemas/VoiceDesignRequest/required", is: `["prompt","voice_description"]`,
	},
	{
		file: "voice-cloning", what: "two bodies are told apart by a boolean, which is not required", note: true,
		at: "components/schemas/SongGeneratorRequest/required", is: `["key"]`,
	},

	{
		file: "enterprise-api-faceswap", what: "the page has the id in the path", at: "paths/~1faceswap~1fetch~1{id}",
		is: "", want: serverFetch,
	},
	{
		file: "enterprise-api-z-image-turbo", what: "the page's update_server is missing", at: "paths/~1z_image_turbo~1update_server",
		is: "", want: serverCall,
	},
	{
		file: "enterprise-api-flux", what: "the page's update_server is missing", at: "paths/~1flux~1update_server",
		is: "", want: serverCall,
	},
}

const controlNets = `{"type":"string","enum":["canny","depth","hed","mlsd","normal","openpose","scribble","segmentation","inpaint","softedge",` +
	`"lineart","shuffle","tile","face_detector","qrcode","blur","pose","gray","low_quality"]}`

// What all dedicated servers take, and what they take for a job.
const (
	serverBody  = `"requestBody":{"required":true,"content":{"application/json":{"schema":{"type":"object","required":["key"],"properties":{"key":{"type":"string"}}}}}}`
	serverCall  = `{"post":{` + serverBody + `}}`
	serverFetch = `{"post":{"parameters":` + idParameter + `,` + serverBody + `}}`
	idParameter = `[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}]`
)

// chatDefects are the fields that the pages about parameters and function
// calling have, and the file has not.
func chatDefects() []defect {
	const tools = `{"type":"array","items":{"type":"object"}}`
	var all []defect
	for _, d := range []struct{ schema, field, want string }{
		{"ChatCompletionsRequest", "top_k", `{"type":"integer","minimum":1}`},
		{"ChatCompletionsRequest", "repetition_penalty", `{"type":"number","minimum":0.1,"maximum":2}`},
		{"ChatCompletionsRequest", "stop", `{"anyOf":[{"type":"array","maxItems":4,"items":{"type":"string"}},{"type":"string"}]}`},
		{"ChatCompletionsRequest", "seed", `{"type":"integer"}`},
		{"ChatCompletionsRequest", "n", `{"type":"integer","minimum":1,"maximum":10}`},
		{"ChatCompletionsRequest", "response_format", `{"type":"object"}`},
		{"ChatCompletionsRequest", "tools", tools},
		{"ChatCompletionsRequest", "tool_choice", `{"anyOf":[{"type":"string","enum":["auto","none","required"]},{"type":"object"}]}`},
		{"ChatCompletionsRequest", "parallel_tool_calls", `{"type":"boolean"}`},
		{"MessagesRequest", "top_k", `{"type":"integer","minimum":1}`},
		{"MessagesRequest", "stop_sequences", `{"type":"array","items":{"type":"string"}}`},
		{"MessagesRequest", "tools", tools},
		{"MessagesRequest", "tool_choice", `{"type":"object"}`},
		{"ChatMessage", "tool_calls", tools},
		{"ChatMessage", "tool_call_id", anyString},
	} {
		all = append(all, defect{
			file: "llm-api", what: "the page's " + d.field + " is missing",
			at: "components/schemas/" + d.schema + "/properties/" + d.field, is: "", want: d.want,
		})
	}
	return all
}

// idDefects are the fetches that do not declare their id.
func idDefects() []defect {
	var all []defect
	for _, d := range []struct{ server, path string }{
		{"flux-kontext-dev", "enterprise/flux_kontext_dev"},
		{"image-editing", "enterprise/image_editing"},
		{"image-to-video-ultra", "image_to_video_ultra"},
		{"interior", "interior"},
		{"qwen", "qwen"},
		{"realtime", "enterprise/realtime"},
		{"speech-to-text", "enterprise/speech_to_text"},
		{"super-resolution", "super-resolution"},
		{"text-to-speech", "enterprise/text_to_speech"},
		{"text-to-video-ultra", "text-to-video-ultra"},
		{"uncensored-chat", "uncensored-chat"},
		{"video", "enterprise/video"},
		{"voice-cloning", "voice-cloning"},
	} {
		all = append(all, defect{
			file: "enterprise-api-" + d.server, what: "the id of fetch is not declared",
			at: "paths/~1" + strings.ReplaceAll(d.path, "/", "~1") + "~1fetch~1{id}/post/parameters", is: "", want: idParameter,
		})
	}
	return all
}

// pathDefects are the servers that their pages call otherwise.
func pathDefects() []defect {
	var all []defect
	calls := []string{"restart_server", "clear_cache", "clear_queue", "system_details", "update_server", "fetch~1{id}"}
	for _, d := range []struct {
		file, has, page string
		calls           []string // that the pages have
	}{
		{"super-resolution", "super-resolution", "super_resolution", calls},
		{"text-to-video-ultra", "text-to-video-ultra", "ultra_video", calls},
		{"uncensored-chat", "uncensored-chat", "uncensored_chat", calls[:3]},
		{"voice-cloning", "voice-cloning", "voice", calls},
	} {
		for _, call := range d.calls {
			all = append(all, defect{
				file: "enterprise-api-" + d.file, what: "the page calls this server " + d.page,
				at: "paths/~1" + d.has + "~1" + call, to: "paths/~1" + d.page + "~1" + call,
			})
		}
	}
	for _, call := range calls[:4] {
		all = append(all, defect{
			file: "enterprise-api-flux-2-dev", what: "a copy of enterprise-api-flux; the pages tell the two apart by deploy_type",
			at: "paths/~1flux~1" + call + "/post/requestBody/content/application~1json/schema/properties/deploy_type", is: "", want: `{"type":"string","enum":["flux_2_dev"]}`,
		})
	}
	// A copy of flux's file, paths and all.
	for _, call := range []string{"restart_server", "system_details", "clear_cache", "clear_queue", "fetch~1{id}"} {
		all = append(all, defect{
			file: "enterprise-api-z-image-turbo", what: "a copy of enterprise-api-flux; the page calls this server z_image_turbo",
			at: "paths/~1flux~1" + call, to: "paths/~1z_image_turbo~1" + call,
		})
	}
	return all
}

// nullableDefects are the files of OpenAPI 3.1 with a word of 3.0, which a
// strict reader passes over.
func nullableDefects() []defect {
	var all []defect
	for _, file := range []string{"3d-api", "faceswap-api", "image-editing", "image-generation-community-models", "image-generation-flux", "interior-api"} {
		all = append(all, defect{
			file: file, what: "nullable is not in OpenAPI 3.1", at: "openapi", note: true,
			seen: func(tree object) bool { return tree["openapi"] == "3.1.0" && holds(tree, "nullable") },
		})
	}
	return all
}

// holds tells whether a name is a member anywhere.
func holds(v any, name string) bool {
	switch v := v.(type) {
	case object:
		if _, ok := v[name]; ok {
			return true
		}
		for _, item := range v {
			if holds(item, name) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return holds(item, name) })
	}
	return false
}
