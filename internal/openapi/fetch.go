package openapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxDescription bounds what is read of an answer.
const maxDescription = 16 << 20

// Fetch reads a description. It sends no credential and follows no redirect: one
// would lead to a login page.
func Fetch(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%q is no address of a server", address)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := own.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDescription+1))
	err = errors.Join(err, resp.Body.Close())
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return nil, fmt.Errorf("GET %s: %d, redirected to %q", address, resp.StatusCode, oneLine(resp.Header.Get("Location")))
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("GET %s: status %d, not 200", address, resp.StatusCode)
	case err != nil:
		return nil, fmt.Errorf("GET %s: %w", address, err)
	case len(body) > maxDescription:
		return nil, fmt.Errorf("GET %s: the answer is larger than %d MiB", address, maxDescription>>20)
	}
	return body, nil
}
