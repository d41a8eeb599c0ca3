package modelslab

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
	"strings"
)

// ModelsService finds models to generate with.
// Documentation: docs.modelslab.com/agents-api/usage-and-models.
type ModelsService struct{ c *Client }

// The documented orders of a search.
const (
	SortRecommended = "recommended" // the server's default
	SortLatest      = "latest"
	SortMostUsed    = "most-used"
	SortAsc         = "asc"
	SortDesc        = "desc"
	// How these two differ from the two before is documented nowhere.
	SortSortAsc  = "sort-asc"
	SortSortDesc = "sort-desc"
)

// ModelSearchParams chooses models. All fields are optional; words that nobody
// has foretold are passed on.
type ModelSearchParams struct {
	Search           string
	Feature          string // "imagen", "video_fusion", "audio_gen", "llmaster", "threed", "interior", "deepfake"
	ModelType        string
	ModelSubcategory string
	BaseModel        string
	Provider         string
	Sort             string   // SortRecommended, …
	Tags             []string // without commas
	PerPage          int      // 1 to 200; 0: the server's default, 20
	Page             int      // from 1; 0: the first
}

func (p ModelSearchParams) input() input {
	in := input{query: url.Values{}, err: checkLimit("ModelSearchParams.PerPage", p.PerPage)}
	if p.Page < 0 {
		in.err = &ParamError{Param: "ModelSearchParams.Page", Value: strconv.Itoa(p.Page), Reason: "must be 1 or more, or 0 for the first"}
	}
	for _, tag := range p.Tags {
		if tag == "" || strings.Contains(tag, ",") {
			in.err = &ParamError{Param: "ModelSearchParams.Tags", Value: tag, Reason: "must be a tag, without a comma"}
		}
	}
	for _, f := range [...]struct{ param, name, value string }{
		{"Search", "search", p.Search}, {"Feature", "feature", p.Feature}, {"ModelType", "model_type", p.ModelType},
		{"ModelSubcategory", "model_subcategory", p.ModelSubcategory}, {"BaseModel", "base_model", p.BaseModel},
		{"Provider", "provider", p.Provider}, {"Sort", "sort", p.Sort}, {"Tags", "tags", strings.Join(p.Tags, ",")},
		{"PerPage", "per_page", positive(p.PerPage)}, {"Page", "page", positive(p.Page)},
	} {
		if f.value != "" {
			in.query.Set(f.name, f.value)
			in.err = firstError(in.err, checkText("ModelSearchParams."+f.param, f.value))
		}
	}
	return in
}

func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Model is something to generate with.
type Model struct {
	ModelID          string    `json:"model_id"` // what generations name
	ModelName        string    `json:"model_name"`
	Provider         string    `json:"provider"`
	ModelType        string    `json:"model_type"` // or the feature it belongs to
	ModelSubcategory string    `json:"model_subcategory"`
	BaseModel        string    `json:"base_model"`
	Description      string    `json:"description"`
	Status           string    `json:"status"`
	Tags             []string  `json:"tags"`
	IsNSFW           bool      `json:"is_nsfw"`
	CreatedAt        Timestamp `json:"created_at"`
	// EndpointConfigurations are the endpoints that take the model; Get alone
	// sends them.
	EndpointConfigurations []EndpointConfiguration `json:"endpoint_configurations"`
}

// EndpointConfiguration is how one endpoint takes a model.
type EndpointConfiguration struct {
	Name       string          `json:"name"`
	Parameters json.RawMessage `json:"parameters"` // a JSON Schema of the endpoint's fields; nil: not sent
	Config     json.RawMessage `json:"config"`     // the vendor's own description of a form; nil: not sent
}

func (c *EndpointConfiguration) read(at place, object []byte) error {
	for m := membersOf(object); m.next(); {
		switch string(m.name) {
		case "name":
			c.Name = jsonText(m.value)
		case "parameters":
			c.Parameters = rawOf(m.value)
		case "config":
			c.Config = rawOf(m.value)
		}
	}
	c.Name = firstOf(c.Name, at.key)
	return nil
}

// rawOf keeps JSON as it is; null, and what PHP makes of an empty object, is nil.
func rawOf(v []byte) json.RawMessage {
	if v[0] == 'n' || emptyValue(v) {
		return nil
	}
	return json.RawMessage(strings.Clone(string(v)))
}

func (m *Model) read(at place, object []byte) error {
	var w struct {
		ModelID          text      `json:"model_id"`
		ModelName        text      `json:"model_name"`
		Name             text      `json:"name"`
		Title            text      `json:"title"`
		Provider         text      `json:"provider"`
		ModelCategory    text      `json:"model_category"`
		ModelType        text      `json:"model_type"`
		Feature          text      `json:"feature"`
		ModelSubcategory text      `json:"model_subcategory"`
		BaseModel        text      `json:"base_model"`
		Description      text      `json:"description"`
		Status           text      `json:"status"`
		IsNSFW           flexBool  `json:"is_nsfw"`
		CreatedAt        Timestamp `json:"created_at"`
	}
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	*m = Model{
		ModelID: firstOf(string(w.ModelID), at.key), ModelName: firstOf(string(w.ModelName), string(w.Name), string(w.Title)),
		Provider: firstOf(string(w.Provider), string(w.ModelCategory)), ModelType: firstOf(string(w.ModelType), string(w.Feature)),
		ModelSubcategory: string(w.ModelSubcategory), BaseModel: string(w.BaseModel), Description: string(w.Description),
		Status: string(w.Status), Tags: tagsOf(member(object, "tags")), IsNSFW: bool(w.IsNSFW), CreatedAt: w.CreatedAt,
	}
	if v := member(object, "endpoint_configurations"); v != nil {
		var err error
		m.EndpointConfigurations, err = listIn[EndpointConfiguration](v, "endpoint_configurations")
		return err
	}
	return nil
}

func (m *Model) known() bool { return m.ModelID != "" || m.ModelName != "" }

// tagsOf reads tags: a list, or one text with commas.
func tagsOf(v []byte) []string {
	var tags []string
	for _, tag := range strings.Split(jsonText(v), ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	return append(tags, namesOf(v)...)
}

func (m *Model) decode(t *trip, a *answer) error {
	if err := t.saysNo(a); err != nil {
		return err
	}
	object := a.object()
	switch {
	case object == nil:
		return errNoData
	case !json.Valid(object):
		return errUnreadable
	}
	if err := m.read(place{}, inside(object, "model")); err != nil {
		return err
	}
	if v := member(object, "endpoint_configurations"); m.EndpointConfigurations == nil && v != nil { // beside it
		m.EndpointConfigurations, _ = listIn[EndpointConfiguration](v, "endpoint_configurations")
	}
	if m.ModelID == "" && m.ModelName == "" {
		return missing("model_id")
	}
	return nil
}

// ModelPage is one page of a search.
type ModelPage struct {
	Items []Model `json:"items"`
	// What the server says of the whole; 0: not said.
	Total       int `json:"total"`
	CurrentPage int `json:"current_page"`
	PerPage     int `json:"per_page"`
	LastPage    int `json:"last_page"`
}

func (p *ModelPage) decode(t *trip, a *answer) error {
	if err := t.saysNo(a); err != nil {
		return err
	}
	l, err := a.list(t.e.listName())
	if err != nil {
		return err
	}
	p.Total, p.CurrentPage, p.PerPage, p.LastPage = l.total, l.page, l.perPage, l.lastPage
	p.Items, err = readElements[Model](&l)
	return err
}

// Search reads one page of the models that the params choose. Limits: 120 a
// minute. API: GET /models.
func (s *ModelsService) Search(ctx context.Context, p ModelSearchParams, opts ...RequestOption) (*ModelPage, error) {
	return call[ModelPage](ctx, s.c, modelsSearch, p.input(), opts)
}

// SearchAll yields the models of all pages from p.Page on. It begins anew each
// time it is ranged over, and ends with at most one error, last. API: GET
// /models.
func (s *ModelsService) SearchAll(ctx context.Context, p ModelSearchParams, opts ...RequestOption) iter.Seq2[*Model, error] {
	return allModels(p, func(p ModelSearchParams) (*ModelPage, error) { return s.Search(ctx, p, opts...) })
}

func allModels(p ModelSearchParams, search func(ModelSearchParams) (*ModelPage, error)) iter.Seq2[*Model, error] {
	return walk(func() func() ([]Model, bool, error) {
		p := p
		known := seen{}
		return func() ([]Model, bool, error) {
			page, err := search(p)
			if err != nil {
				return nil, false, err
			}
			p.Page = max(p.Page, 1) + 1
			news := fresh(known, page.Items, func(m *Model) any { return firstOf(m.ModelID, m.ModelName) })
			return news, page.LastPage == 0 || p.Page <= page.LastPage, nil
		}
	})
}

// ModelFilters are the words that a search can be narrowed with.
type ModelFilters struct {
	Sorts              []string `json:"sorts"`
	Features           []string `json:"features"`
	ModelTypes         []string `json:"model_types"`
	ModelSubcategories []string `json:"model_subcategories"`
	BaseModels         []string `json:"base_models"`
}

func (f *ModelFilters) decode(t *trip, a *answer) error {
	if err := t.saysNo(a); err != nil {
		return err
	}
	m, err := a.facts()
	if err != nil {
		return err
	}
	for m.next() {
		switch names := namesOf(m.value); strings.ToLower(string(m.name)) {
		case "sorts", "sort":
			f.Sorts = names
		case "features", "feature":
			f.Features = names
		case "types", "model_types", "model_type":
			f.ModelTypes = names
		case "subcategories", "model_subcategories", "model_subcategory":
			f.ModelSubcategories = names
		case "base_models", "base_model":
			f.BaseModels = names
		}
	}
	return nil
}

// Filters reads the words that a search can be narrowed with. Limits: 120 a
// minute. API: GET /models/filters.
func (s *ModelsService) Filters(ctx context.Context, opts ...RequestOption) (*ModelFilters, error) {
	return call[ModelFilters](ctx, s.c, modelsFilters, input{}, opts)
}

// Tags lists the tags of models. Limits: 120 a minute. API: GET /models/tags.
func (s *ModelsService) Tags(ctx context.Context, opts ...RequestOption) ([]string, error) {
	return names(ctx, s.c, modelsTags, opts)
}

// Providers lists who makes models. Limits: 120 a minute. API: GET
// /models/providers.
func (s *ModelsService) Providers(ctx context.Context, opts ...RequestOption) ([]string, error) {
	return names(ctx, s.c, modelsProviders, opts)
}

// Get reads one model, with the parameters of the endpoints that take it. One
// that does not exist is [ErrNotFound]. Limits: 120 a minute. API: GET
// /models/{modelId}.
func (s *ModelsService) Get(ctx context.Context, modelID string, opts ...RequestOption) (*Model, error) {
	return call[Model](ctx, s.c, modelsGet, input{param: "modelID", element: modelID}, opts)
}
