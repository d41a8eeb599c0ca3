package modelslab

import "context"

// APIKeysService keeps the keys of the generation APIs. They are no access
// tokens: give one to [WithAPIKey].
// Documentation: docs.modelslab.com/agents-api/profile-and-api-keys.
type APIKeysService struct{ c *Client }

// APIKey is a key of the generation APIs.
type APIKey struct {
	ID   ID     `json:"id"`
	Name string `json:"name"`
	// Key is whole in the answer to Create. Anywhere else it may be whole, masked
	// or missing: keep the one from Create.
	Key       Secret    `json:"key"`
	Notes     string    `json:"notes"`
	CreatedAt Timestamp `json:"created_at"`
}

func (k *APIKey) read(_ place, object []byte) error {
	var w struct {
		ID        ID        `json:"id"`
		Name      text      `json:"name"`
		Key       text      `json:"key"`
		APIKey    text      `json:"api_key"`
		Notes     text      `json:"notes"`
		CreatedAt Timestamp `json:"created_at"`
	}
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	*k = APIKey{ID: w.ID, Name: string(w.Name), Key: sendable(text(firstOf(string(w.Key), string(w.APIKey)))), Notes: string(w.Notes), CreatedAt: w.CreatedAt}
	return nil
}

func (k *APIKey) known() bool { return k.ID != 0 || k.Name != "" }

func (k *APIKey) decode(t *trip, a *answer) error {
	object, err := a.anything(t)
	if err != nil {
		return err
	}
	if err := k.read(place{}, inside(object, "api_key", "key")); err != nil {
		return err
	}
	if t.e.Repeat == RepeatSafe && k.ID == 0 && k.Name == "" {
		return missing("id")
	}
	return nil
}

// List lists the account's keys. Limits: 120 a minute. API: GET /api-keys.
func (s *APIKeysService) List(ctx context.Context, opts ...RequestOption) ([]APIKey, error) {
	return list[APIKey](ctx, s.c, apiKeysList, input{}, opts)
}

// APIKeyCreateParams makes a key.
type APIKeyCreateParams struct {
	Name  string `json:"name"`
	Notes string `json:"notes,omitzero"` // optional
}

func (p APIKeyCreateParams) check() error {
	if p.Name == "" {
		return &ParamError{Param: "APIKeyCreateParams.Name", Reason: "is empty"}
	}
	return nil
}

// Create makes a key. Keep [APIKey.Key] at once: it may never be shown again.
// Where it is empty the server has not sent it: delete that key and make another.
// It is sent once; after [ErrOutcomeUnknown] look at List. Limits: 120 a minute.
// API: POST /api-keys.
func (s *APIKeysService) Create(ctx context.Context, p APIKeyCreateParams, opts ...RequestOption) (*APIKey, error) {
	return call[APIKey](ctx, s.c, apiKeysCreate, input{body: p}, opts)
}

// Get reads a key. One that does not exist is [ErrNotFound]. Limits: 120 a
// minute. API: GET /api-keys/{id}.
func (s *APIKeysService) Get(ctx context.Context, id ID, opts ...RequestOption) (*APIKey, error) {
	return call[APIKey](ctx, s.c, apiKeysGet, byID(id, nil), opts)
}

// APIKeyUpdateParams changes what a key is called. Fields that are nil stay as
// they are.
type APIKeyUpdateParams struct {
	Name  *string `json:"name,omitzero"`
	Notes *string `json:"notes,omitzero"`
}

func (p APIKeyUpdateParams) check() error {
	return checkSome("APIKeyUpdateParams", p.Name != nil, p.Notes != nil)
}

// Update changes what a key is called. It is sent once. Limits: 120 a minute.
// API: PUT /api-keys/{id}.
func (s *APIKeysService) Update(ctx context.Context, id ID, p APIKeyUpdateParams, opts ...RequestOption) (*APIKey, error) {
	return call[APIKey](ctx, s.c, apiKeysUpdate, byID(id, p), opts)
}

// Delete ends a key: generations with it are refused from then on. It is sent
// once; one that is gone is [ErrNotFound]. Limits: 120 a minute. API: DELETE
// /api-keys/{id}.
func (s *APIKeysService) Delete(ctx context.Context, id ID, opts ...RequestOption) error {
	return send(ctx, s.c, apiKeysDelete, byID(id, nil), nil, opts)
}
