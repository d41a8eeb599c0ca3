package sandbox

import (
	"net/http"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// ClientOptions are the options that point a client at this server, its Stripe included.
// They hold no credentials: [Account.ClientOptions] does.
func (s *Server) ClientOptions() []modelslab.Option {
	opts := []modelslab.Option{
		modelslab.WithBaseURL(s.url),
		modelslab.WithStripeBaseURL(s.url),
	}
	if s.inMemory {
		client := &http.Client{Transport: s.Transport()}
		opts = append(opts, modelslab.WithHTTPClient(client), modelslab.WithStripeHTTPClient(client))
	}
	return opts
}

// ClientOptions are the server's, with the account's access token and API key.
func (a Account) ClientOptions() []modelslab.Option {
	return append(a.srv.ClientOptions(),
		modelslab.WithAccessToken(a.AccessToken), modelslab.WithAPIKey(a.APIKey))
}
