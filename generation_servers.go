package modelslab

import (
	"context"
	"strings"
)

// ServersService manages one of the account's dedicated servers. It is the server
// for images unless For names another. Each server has an API key of its own:
// client.With(WithAPIKey(key)).Generation.Servers.For(ServerFlux).
// Documentation: docs.modelslab.com/enterprise-api.
type ServersService struct {
	c      *Client
	server Server
}

// Server is a kind of dedicated server. Those that the vendor adds can be named
// before this list has them.
type Server string

// The documented servers.
const (
	ServerTextToImage       Server = "text_to_image" // Stable Diffusion; the only one without a name in its paths
	Server3D                Server = "3d"
	ServerFaceGen           Server = "face_gen"
	ServerFaceSwap          Server = "faceswap"
	ServerFlux              Server = "flux"
	ServerFlux2Dev          Server = "flux_2_dev" // has the paths of flux, and is told apart by deploy_type
	ServerFluxHeadshot      Server = "flux_headshot"
	ServerFluxKlein         Server = "flux_klein"
	ServerFluxKontextDev    Server = "flux_kontext_dev"
	ServerImageEditing      Server = "image_editing"
	ServerImageToVideoUltra Server = "image_to_video_ultra"
	ServerInterior          Server = "interior"
	ServerQwen              Server = "qwen"
	ServerRealtime          Server = "realtime"
	ServerSpeechToText      Server = "speech_to_text"
	ServerSuperResolution   Server = "super_resolution"
	ServerTextToSpeech      Server = "text_to_speech"
	ServerUltraVideo        Server = "ultra_video"
	ServerVideo             Server = "video"
	ServerVoice             Server = "voice"
	ServerZImageTurbo       Server = "z_image_turbo"
)

// For is the service of another kind of server.
func (s *ServersService) For(server Server) *ServersService { return &ServersService{s.c, server} }

// deployed is the body of a call about a server.
type deployed struct {
	DeployType string `json:"deploy_type,omitzero"`
}

// segment is the server's name in paths; "": it has none.
func (s *ServersService) segment() (segment string, body deployed) {
	switch s.server {
	case "", ServerTextToImage:
		return "", deployed{}
	case ServerFlux2Dev:
		return string(ServerFlux), deployed{string(ServerFlux2Dev)}
	}
	return string(s.server), deployed{}
}

// act calls the row of a server with a name, or the one of the image server.
func (s *ServersService) act(ctx context.Context, named, images endpoint, out any, opts []RequestOption) error {
	segment, body := s.segment()
	if segment == "" {
		return send(ctx, s.c, images, input{body: body}, out, opts)
	}
	t := trip{c: s.c, e: named.row(), path: filled(named.row().full, segment), in: input{body: body, err: checkServer(segment)}}
	return t.walk(ctx, out, opts)
}

func checkServer(segment string) error {
	for i := range len(segment) {
		if c := segment[i]; (c < 'a' || c > 'z') && !isDigit(c) && c != '_' && c != '-' {
			return &ParamError{Param: "server", Value: segment, Reason: "is no name of a server, such as flux_klein"}
		}
	}
	return nil
}

// onImages refuses what only the image server has.
func (s *ServersService) onImages(method string, p any) input {
	in := input{body: p}
	if segment, _ := s.segment(); segment != "" {
		in.err = &ParamError{Param: "server", Value: string(s.server), Reason: method + " belongs to the image server, " + string(ServerTextToImage)}
	}
	return in
}

// Run submits a job to the server: action is the path's last element, such as
// "text2img", and params those of the public endpoint, or a map. It may queue, and
// [GenerationService.Wait] sees it to its end. Results live for 24 hours where the
// server has no S3 of its own. API: POST /api/v1/enterprise/{server}/{action}.
func (s *ServersService) Run(ctx context.Context, action string, params any, opts ...RequestOption) (*Generation, error) {
	segment, body := s.segment()
	if err := firstError(checkElement("action", action), checkServer(segment)); err != nil {
		return nil, err
	}
	path := enterprise + "/" + action
	if segment != "" {
		path = enterprise + "/" + segment + "/" + action
	}
	if rowFor(post, path) != nil || action == "fetch" {
		return nil, &ParamError{Param: "action", Value: action, Reason: "submits no job; the service has a method for it"}
	}
	if body.DeployType != "" {
		opts = append(opts[:len(opts):len(opts)], WithBodyField("deploy_type", body.DeployType))
	}
	return s.c.Generation.Run(ctx, path, params, opts...)
}

// Restart restarts the server. API: POST
// /api/v1/enterprise/{server}/restart_server.
func (s *ServersService) Restart(ctx context.Context, opts ...RequestOption) error {
	return s.act(ctx, serversRestart, serversRestartImages, &acknowledged{}, opts)
}

// Update updates the server's software. API: POST
// /api/v1/enterprise/{server}/update_server.
func (s *ServersService) Update(ctx context.Context, opts ...RequestOption) error {
	return s.act(ctx, serversUpdate, serversUpdateImages, &acknowledged{}, opts)
}

// ClearCache empties the server's cache. API: POST
// /api/v1/enterprise/{server}/clear_cache.
func (s *ServersService) ClearCache(ctx context.Context, opts ...RequestOption) error {
	return s.act(ctx, serversClearCache, serversClearCacheImages, &acknowledged{}, opts)
}

// ClearQueue drops the jobs that wait, and restarts the server. API: POST
// /api/v1/enterprise/{server}/clear_queue.
func (s *ServersService) ClearQueue(ctx context.Context, opts ...RequestOption) error {
	return s.act(ctx, serversClearQueue, serversClearQueueImages, &acknowledged{}, opts)
}

// ServerDetails is how a server is.
type ServerDetails struct {
	Status     string  `json:"status"` // "ok" or "success"
	Message    string  `json:"message"`
	ModelCount int     `json:"model_count"`
	QueueTime  float64 `json:"queue_time"` // seconds, by its name; the unit is documented nowhere
}

func (d *ServerDetails) decode(t *trip, a *answer) error {
	if err := t.jobFailure(a); err != nil {
		return err
	}
	m, err := a.members()
	if err != nil {
		return err
	}
	for m.next() {
		switch string(m.name) {
		case "status":
			d.Status = jsonText(m.value)
		case "message":
			d.Message = jsonText(m.value)
		case "model_count":
			d.ModelCount = jsonInt(m.value)
		case "queue_time":
			d.QueueTime, _ = seconds(m.value)
		}
	}
	return nil
}

// Details reads how the server is. API: POST
// /api/v1/enterprise/{server}/system_details.
func (s *ServersService) Details(ctx context.Context, opts ...RequestOption) (*ServerDetails, error) {
	d := &ServerDetails{}
	if err := s.act(ctx, serversDetails, serversDetailsImages, d, opts); err != nil {
		return nil, err
	}
	return d, nil
}

// ServerLoadModelParams is a model to put on the image server.
type ServerLoadModelParams struct {
	URL             string `json:"url" rule:"required"` // or a Hugging Face id
	ModelID         string `json:"model_id" rule:"required"`
	ModelType       string `json:"model_type" rule:"required"` // huggingface, api_trained, custom_ckpt, lora, controlnet
	FromSafetensors YesNo  `json:"from_safetensors,omitzero"`
	Revision        string `json:"revision,omitzero"` // fp16 or fp32
	UpcastAttention YesNo  `json:"upcast_attention,omitzero"`
	Webhook         string `json:"webhook,omitzero"` // https URL told of the end
}

// LoadModel begins to load a model; only a webhook tells of its end. API: POST
// /api/v1/enterprise/load_model.
func (s *ServersService) LoadModel(ctx context.Context, p ServerLoadModelParams, opts ...RequestOption) error {
	return send(ctx, s.c, serversLoadModel, s.onImages("LoadModel", p), &acknowledged{}, opts)
}

// ServerLoadModelV2Params is a model to put on the image server.
type ServerLoadModelV2Params struct {
	URL           string `json:"url" rule:"required"`
	ModelID       string `json:"model_id" rule:"required"`
	ModelCategory string `json:"model_category" rule:"required"` // lora, stable_diffusion, stable_diffusion_xl, controlnet
	ModelFormat   string `json:"model_format" rule:"required"`   // ckpt, safetensors, pt, diffusers
	Revision      string `json:"revision,omitzero"`              // fp16 or fp32
	Webhook       string `json:"webhook,omitzero"`               // https URL told of the end
}

// LoadModelV2 begins to load a model; only a webhook tells of its end. API: POST
// /api/v1/enterprise/load_model_v2.
func (s *ServersService) LoadModelV2(ctx context.Context, p ServerLoadModelV2Params, opts ...RequestOption) error {
	return send(ctx, s.c, serversLoadModelV2, s.onImages("LoadModelV2", p), &acknowledged{}, opts)
}

// ServerLoadVAEParams is a VAE to put on the image server.
type ServerLoadVAEParams struct {
	VAEID   string `json:"vae_id" rule:"required"`
	VAEURL  string `json:"vae_url" rule:"required"`
	VAEType string `json:"vae_type" rule:"required"` // diffusers, safetensors, pt
	Webhook string `json:"webhook,omitzero"`         // https URL told of the end
}

// LoadVAE begins to load a VAE; only a webhook tells of its end. API: POST
// /api/v1/enterprise/load_vae.
func (s *ServersService) LoadVAE(ctx context.Context, p ServerLoadVAEParams, opts ...RequestOption) error {
	return send(ctx, s.c, serversLoadVAE, s.onImages("LoadVAE", p), &acknowledged{}, opts)
}

// ServerModelParams names a model of the image server.
type ServerModelParams struct {
	ModelID string `json:"model_id" rule:"required"`
}

// VerifyModel asks whether a model is on the image server. One that is not is an
// error. API: POST /api/v1/enterprise/verify_model.
func (s *ServersService) VerifyModel(ctx context.Context, p ServerModelParams, opts ...RequestOption) error {
	return send(ctx, s.c, serversVerifyModel, s.onImages("VerifyModel", p), &acknowledged{}, opts)
}

// DeleteModel takes a model off the image server. API: POST
// /api/v1/enterprise/delete_model.
func (s *ServersService) DeleteModel(ctx context.Context, p ServerModelParams, opts ...RequestOption) error {
	return send(ctx, s.c, serversDeleteModel, s.onImages("DeleteModel", p), &acknowledged{}, opts)
}

// serverNames is a list of names, in an answer that is documented nowhere.
type serverNames []string

func (l *serverNames) decode(t *trip, a *answer) error {
	if err := t.jobFailure(a); err != nil {
		return err
	}
	items, err := a.list(t.e.listName())
	if err != nil {
		return err
	}
	return items.each(func(_ place, v []byte) error {
		name := nameOf(v)
		for _, key := range [...]string{"model_id", "scheduler", "id"} {
			name = firstOf(jsonText(member(v, key)), name)
		}
		if name = strings.TrimSpace(name); name != "" {
			*l = append(*l, name)
		}
		return nil
	})
}

func (s *ServersService) names(ctx context.Context, method string, e endpoint, opts []RequestOption) ([]string, error) {
	l, err := call[serverNames](ctx, s.c, e, s.onImages(method, nil), opts)
	if err != nil {
		return nil, err
	}
	return *l, nil
}

// Models lists the ids of the models on the image server. API: POST
// /api/v1/enterprise/get_all_models.
func (s *ServersService) Models(ctx context.Context, opts ...RequestOption) ([]string, error) {
	return s.names(ctx, "Models", serversModels, opts)
}

// Schedulers lists the schedulers of the image server. API: POST
// /api/v1/enterprise/schedulers_list.
func (s *ServersService) Schedulers(ctx context.Context, opts ...RequestOption) ([]string, error) {
	return s.names(ctx, "Schedulers", serversSchedulers, opts)
}

// ServerSyncModelsParams names the server to copy models from.
type ServerSyncModelsParams struct {
	SyncKey Secret `json:"-"` // the other server's API key
}

func (p ServerSyncModelsParams) check() error {
	return checkNotEmpty("ServerSyncModelsParams.SyncKey", p.SyncKey)
}

func (p ServerSyncModelsParams) wire() any {
	return struct {
		SyncKey string `json:"sync_key"`
	}{p.SyncKey.Reveal()}
}

func (p ServerSyncModelsParams) secrets() []string { return []string{p.SyncKey.Reveal()} }

// SyncModels copies the models of another server. API: POST
// /api/v1/enterprise/sync_models.
func (s *ServersService) SyncModels(ctx context.Context, p ServerSyncModelsParams, opts ...RequestOption) error {
	return send(ctx, s.c, serversSyncModels, s.onImages("SyncModels", p), &acknowledged{}, opts)
}

// ServerS3Params is the storage that a server puts its results into.
type ServerS3Params struct {
	PublicURL          string `json:"public_url" rule:"required"`
	RegionName         string `json:"region_name" rule:"required"`
	EndpointURL        string `json:"endpoint_url" rule:"required"`
	AWSAccessKeyID     string `json:"aws_access_key_id" rule:"required"`
	AWSSecretAccessKey Secret `json:"-"`
	ImageDirectory     string `json:"image_directory" rule:"required"`
}

func (p ServerS3Params) check() error {
	return checkNotEmpty("ServerS3Params.AWSSecretAccessKey", p.AWSSecretAccessKey)
}

func (p ServerS3Params) secrets() []string { return []string{p.AWSSecretAccessKey.Reveal()} }

// serverS3 is the storage of a server whose kind is told in the body.
type serverS3 struct {
	ServerS3Params
	deployType string
}

func (p serverS3) check() error {
	return firstError(checkRules(p.ServerS3Params), p.ServerS3Params.check())
}

func (p serverS3) wire() any {
	return struct {
		ServerS3Params
		AWSSecretAccessKey string `json:"aws_secret_access_key"`
		DeployType         string `json:"deploy_type,omitzero"`
	}{p.ServerS3Params, p.AWSSecretAccessKey.Reveal(), p.deployType}
}

// UpdateS3 has the server put its results into a bucket. The page on it has no
// word for the newer servers (ultra_video, speech_to_text, text_to_speech,
// flux_klein, flux_2_dev): theirs is that of their paths, which is a guess. API: POST
// /api/v1/enterprise/update_s3.
func (s *ServersService) UpdateS3(ctx context.Context, p ServerS3Params, opts ...RequestOption) error {
	return send(ctx, s.c, serversUpdateS3, input{body: serverS3{p, s.deployType()}, err: checkServer(s.deployType())}, &acknowledged{}, opts)
}

// ResetS3 has the server use the vendor's storage again. API: POST
// /api/v1/enterprise/reset_s3.
func (s *ServersService) ResetS3(ctx context.Context, opts ...RequestOption) error {
	return send(ctx, s.c, serversResetS3, input{body: deployed{s.deployType()}, err: checkServer(s.deployType())}, &acknowledged{}, opts)
}

// deployType is the server's name where the body has to hold it, by the page on
// update_s3, whose words for a few servers are not those of their paths.
func (s *ServersService) deployType() string {
	switch s.server {
	case "":
		return ""
	case Server3D:
		return "text_to_3d"
	case ServerVoice:
		return "voice_cloning"
	case ServerFaceSwap:
		return "deepfake"
	}
	return string(s.server)
}
