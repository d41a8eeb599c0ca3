package modelslab

import (
	"context"
	"iter"
	"strconv"
)

// KeyModelsService finds models with the API key alone, where [ModelsService]
// wants an access token, and manages the account's own.
// Documentation: docs.modelslab.com/agents-api/usage-and-models and
// docs.modelslab.com/image-generation/model-operation.
type KeyModelsService struct{ c *Client }

// Search reads one page of the models that the params choose. API: GET
// /api/v6/model-search.
func (s *KeyModelsService) Search(ctx context.Context, p ModelSearchParams, opts ...RequestOption) (*ModelPage, error) {
	return call[ModelPage](ctx, s.c, modelSearch, p.input(), opts)
}

// SearchAll yields the models of all pages from p.Page on; see
// [ModelsService.SearchAll].
func (s *KeyModelsService) SearchAll(ctx context.Context, p ModelSearchParams, opts ...RequestOption) iter.Seq2[*Model, error] {
	return allModels(p, func(p ModelSearchParams) (*ModelPage, error) { return s.Search(ctx, p, opts...) })
}

// SearchV7 is Search under the path that the guide to model selection names. API:
// GET /api/v7/models.
func (s *KeyModelsService) SearchV7(ctx context.Context, p ModelSearchParams, opts ...RequestOption) (*ModelPage, error) {
	return call[ModelPage](ctx, s.c, modelSearchV7, p.input(), opts)
}

// Filters reads the words that a search can be narrowed with. API: GET
// /api/v6/model-search/filters.
func (s *KeyModelsService) Filters(ctx context.Context, opts ...RequestOption) (*ModelFilters, error) {
	return call[ModelFilters](ctx, s.c, modelSearchFilters, input{}, opts)
}

// Tags lists the tags of models. API: GET /api/v6/model-search/tags.
func (s *KeyModelsService) Tags(ctx context.Context, opts ...RequestOption) ([]string, error) {
	return names(ctx, s.c, modelSearchTags, opts)
}

// Providers lists who makes models. API: GET /api/v6/model-search/providers.
func (s *KeyModelsService) Providers(ctx context.Context, opts ...RequestOption) ([]string, error) {
	return names(ctx, s.c, modelSearchProviders, opts)
}

// Get reads one model, with the parameters of the endpoints that take it. API:
// GET /api/v6/model-search/{modelId}.
func (s *KeyModelsService) Get(ctx context.Context, modelID string, opts ...RequestOption) (*Model, error) {
	return call[Model](ctx, s.c, modelSearchGet, input{param: "modelID", element: modelID}, opts)
}

// PublicModel is a model of the public list.
type PublicModel struct {
	ModelID        string    `json:"model_id"`
	ModelName      string    `json:"model_name"`
	Status         string    `json:"status"`
	Description    string    `json:"description"`
	InstancePrompt string    `json:"instance_prompt"`
	Screenshots    string    `json:"screenshots"` // one URL, despite the name
	CreatedAt      Timestamp `json:"created_at"`
}

func (m *PublicModel) read(_ place, object []byte) error {
	var w struct {
		ModelID        text      `json:"model_id"`
		ModelName      text      `json:"model_name"`
		Status         text      `json:"status"`
		Description    text      `json:"description"`
		InstancePrompt text      `json:"instance_prompt"`
		Screenshots    text      `json:"screenshots"`
		CreatedAt      Timestamp `json:"created_at"`
	}
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	*m = PublicModel{
		ModelID: string(w.ModelID), ModelName: string(w.ModelName), Status: string(w.Status), Description: string(w.Description),
		InstancePrompt: string(w.InstancePrompt), Screenshots: string(w.Screenshots), CreatedAt: w.CreatedAt,
	}
	return nil
}

func (m *PublicModel) known() bool { return m.ModelID != "" }

// List lists the public models and the account's own. API: POST
// /api/v4/dreambooth/model_list.
func (s *KeyModelsService) List(ctx context.Context, opts ...RequestOption) ([]PublicModel, error) {
	return list[PublicModel](ctx, s.c, modelsList, input{}, opts)
}

// ModelLoadParams is a model to bring into the account.
type ModelLoadParams struct {
	URL              string `json:"url" rule:"required"` // a Hugging Face id, or a link to a ckpt or safetensors file
	ModelID          string `json:"model_id" rule:"required"`
	ModelName        string `json:"model_name" rule:"required"`
	ModelFormat      string `json:"model_format" rule:"required"`     // diffusers, safetensors, ckpt
	ModelCategory    string `json:"model_category" rule:"required"`   // stable_diffusion, stable_diffusion_xl, flux, z_image
	ModelVisibility  string `json:"model_visibility" rule:"required"` // private or public
	ModelSubcategory string `json:"model_subcategory,omitzero"`       // lora
	ModelImage       Input  `json:"model_image,omitzero" media:"url"` // a picture of what it does
	ForceLoad        YesNo  `json:"force_load,omitzero"`              // default yes
	Revision         string `json:"revision,omitzero"`                // fp16 or fp32; default fp16
	HFUpload         YesNo  `json:"hf_upload,omitzero"`               // default no
}

// Load begins to bring a model into the account. Nothing is documented to ask for
// its end. API: POST /api/v3/load_model.
func (s *KeyModelsService) Load(ctx context.Context, p ModelLoadParams, opts ...RequestOption) error {
	return send(ctx, s.c, modelsLoad, input{body: p}, &acknowledged{}, opts)
}

// ModelReloadParams names a model.
type ModelReloadParams struct {
	ModelID string `json:"model_id" rule:"required"`
}

// Reload brings back a model that was not used for 7 days, which takes about two
// minutes: done is false while it is being loaded. API: POST
// /api/v6/images/model_reload.
func (s *KeyModelsService) Reload(ctx context.Context, p ModelReloadParams, opts ...RequestOption) (done bool, err error) {
	r, err := call[reloaded](ctx, s.c, modelsReload, input{body: p}, opts)
	return err == nil && bool(*r), err
}

type reloaded bool

func (r *reloaded) decode(t *trip, a *answer) error {
	*r = jsonText(member(a.body, "status")) == string(StatusSuccess)
	return t.jobFailure(a)
}

// Assets of an account.

// AssetType is a kind of what was generated.
type AssetType string

// The kinds.
const (
	AssetImage AssetType = "image"
	AssetVideo AssetType = "video"
	AssetVoice AssetType = "voice"
	Asset3D    AssetType = "3d"
)

// GenerationDeleteParams names something generated.
type GenerationDeleteParams struct {
	RequestID string    `json:"request_id" rule:"required"` // the job's ID
	Type      AssetType `json:"type,omitzero"`              // default image
}

// wire writes an id of digits as the number that is documented.
func (p GenerationDeleteParams) wire() any {
	w := struct {
		RequestID any       `json:"request_id"`
		Type      AssetType `json:"type,omitzero"`
	}{p.RequestID, p.Type}
	if n, ok := parseInt([]byte(p.RequestID)); ok && n >= 0 && itoa(n) == p.RequestID {
		w.RequestID = n
	}
	return w
}

// Delete deletes what a job made. API: POST /api/v3/delete_image.
func (s *GenerationService) Delete(ctx context.Context, p GenerationDeleteParams, opts ...RequestOption) error {
	return send(ctx, s.c, jobsDelete, input{body: p}, &acknowledged{}, opts)
}

// AssetsParams chooses what was generated.
type AssetsParams struct {
	Type    AssetType `json:"type" rule:"required"`
	PerPage int       `json:"per_page,omitzero" rule:"1..30"` // default 10
	Page    int       `json:"page,omitzero" rule:"1.."`       // from 1
}

// Asset is what a job made.
type Asset struct {
	ID     string   `json:"id"`
	Output []string `json:"output"` // URLs
}

func (x *Asset) read(_ place, object []byte) error {
	x.ID, x.Output = jsonText(member(object, "id")), links(member(object, "output"))
	return nil
}

func (x *Asset) known() bool { return x.ID != "" || len(x.Output) > 0 }

// AssetPage is one page of what was generated.
type AssetPage struct {
	Items []Asset `json:"items"`
	// What the server says of the whole; 0: not said.
	Total       int `json:"total"`
	CurrentPage int `json:"current_page"`
	PerPage     int `json:"per_page"`
	LastPage    int `json:"last_page"`
}

func (p *AssetPage) decode(t *trip, a *answer) error {
	if err := t.jobFailure(a); err != nil {
		return err
	}
	l, err := a.list("assets")
	if err != nil {
		return err
	}
	p.Total, p.CurrentPage, p.PerPage, p.LastPage = l.total, l.page, l.perPage, l.lastPage
	p.Items, err = readElements[Asset](&l)
	return err
}

// Assets reads one page of what the account's jobs have made. The vendor's texts
// name two paths; the second is tried where the first is not found. API: POST
// /api/v6/assets_generated.
func (s *GenerationService) Assets(ctx context.Context, p AssetsParams, opts ...RequestOption) (*AssetPage, error) {
	page, err := call[AssetPage](ctx, s.c, jobsAssets, input{body: p}, opts)
	if isNotFound(err) {
		page, err = call[AssetPage](ctx, s.c, jobsAssetsBySpec, input{body: p}, opts)
	}
	return page, err
}

type processingCount int

func (n *processingCount) decode(t *trip, a *answer) error {
	if err := t.jobFailure(a); err != nil {
		return err
	}
	for _, name := range [...]string{"processing_count", "count"} {
		if v := jsonNumber(member(a.object(), name)); v != "" {
			i, err := strconv.Atoi(string(v))
			*n = processingCount(i)
			return err
		}
	}
	return missing("processing_count")
}

// ProcessingCount is how many of the account's jobs have not ended. It can be
// asked 30 times a minute. API: POST /api/v6/processing/request_count.
func (s *GenerationService) ProcessingCount(ctx context.Context, opts ...RequestOption) (int, error) {
	n, err := call[processingCount](ctx, s.c, jobsProcessing, input{}, opts)
	if err != nil {
		return 0, err
	}
	return int(*n), nil
}

// WalletBalance is the wallet's balance for those who have an API key and no
// access token; see [WalletService.Balance]. API: POST /api/wallet_balance.
func (s *GenerationService) WalletBalance(ctx context.Context, opts ...RequestOption) (*Balance, error) {
	return call[Balance](ctx, s.c, jobsWalletBalance, input{}, opts)
}
