package vendorspec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPrism sends the requests to another reader of the descriptions, if the
// environment variable PRISM names it: it refuses what is not as described.
// Without it, what it would serve is held.
func TestPrism(t *testing.T) {
	requests := capture(t)
	all, err := bundles(documents(t))
	require.NoError(t, err)
	served := map[*operation]bool{}
	for _, b := range all {
		for _, o := range b.operations {
			served[o] = true
		}
	}
	for _, s := range requests {
		for _, o := range s.found {
			assert.True(t, served[o], "%s is served nowhere", o.name())
		}
	}
	prism := os.Getenv("PRISM")
	for _, b := range all {
		if prism == "" {
			spec, err := openapi3.NewLoader().LoadFromData(b.json)
			if assert.NoError(t, err) {
				assert.NoError(t, valid(&document{spec: spec}))
			}
			continue
		}
		assert.NoError(t, b.serve(t, prism, requests))
	}
}

// bundle is several descriptions in one, each path with that of its server. To
// start a server for each file would take a minute.
type bundle struct {
	version    string
	tree       object
	json       []byte
	operations map[string]*operation // by method and path
}

// bundles puts each description into the first bundle where it fits: of its
// version, and without another description of an endpoint that it has.
func bundles(docs []*document) ([]*bundle, error) {
	var all []*bundle
	for _, d := range docs {
		tree, err := decode(bytes.ReplaceAll(d.json, []byte(`"`+schemaPrefix), []byte(`"`+schemaPrefix+d.file+".")))
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(b *bundle) bool {
			return b.version == d.spec.OpenAPIMajorMinor() && !slices.ContainsFunc(d.operations, func(o *operation) bool { return b.operations[endpoint(o)] != nil })
		})
		if i < 0 {
			i = len(all)
			all = append(all, &bundle{
				version: d.spec.OpenAPIMajorMinor(), operations: map[string]*operation{},
				tree: object{
					"openapi": tree["openapi"], "info": object{"title": "bundle", "version": "1"}, "paths": object{},
					"components": object{"schemas": object{}, "securitySchemes": object{}},
				},
			})
		}
		all[i].add(d, tree)
	}
	for _, b := range all {
		var err error
		if b.json, err = encode(b.tree); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func endpoint(o *operation) string { return o.method + " " + o.base + o.path }

func (b *bundle) add(d *document, tree object) {
	components := member(b.tree, "components")
	for name, schema := range member(member(tree, "components"), "schemas") {
		member(components, "schemas")[d.file+"."+name] = schema
	}
	maps.Copy(member(components, "securitySchemes"), member(member(tree, "components"), "securitySchemes"))
	for _, o := range d.operations {
		b.operations[endpoint(o)] = o
		full := member(b.tree, "paths")
		item, ok := full[o.base+o.path].(object)
		if !ok {
			item = object{}
			full[o.base+o.path] = item
		}
		method := strings.ToLower(o.method)
		described := member(member(member(tree, "paths"), o.path), method)
		delete(described, "servers")
		item[method] = described
	}
}

// serve has Prism serve the bundle, and sends it the requests.
func (b *bundle) serve(t *testing.T, prism string, requests []*sent) error {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bundle.json")
	if err := os.WriteFile(file, b.json, 0o600); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = l.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, prism, "mock", "-h", "127.0.0.1", "-p", port, "--errors", file)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		cancel()
		return err
	}
	var end error
	ended := make(chan struct{})
	go func() {
		end = cmd.Wait()
		close(ended)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	for deadline := time.After(time.Minute); ; {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			break
		}
		select {
		case <-ended:
			return fmt.Errorf("it did not start: %w\n%s", end, said.String())
		case <-deadline:
			return errors.New("it does not listen")
		case <-time.After(50 * time.Millisecond): // another process: nothing tells when it listens
		}
	}
	refused := map[*operation]bool{}
	for _, s := range requests {
		for _, o := range s.found {
			if b.operations[endpoint(o)] != o {
				continue
			}
			answer, status, err := ask(ctx, address, s, s.body)
			if err != nil {
				return err
			}
			assert.Equal(t, http.StatusOK, status, "%s\n%s %s\n%s\n%s", s, s.method, s.url, s.body, answer)
			if refused[o] || s.method != http.MethodPost {
				continue
			}
			// It does refuse, and each endpoint at that.
			refused[o] = true
			answer, status, err = ask(ctx, address, s, []byte(`{}`))
			if err != nil {
				return err
			}
			if len(o.requires()) > 0 {
				assert.Equal(t, http.StatusUnprocessableEntity, status, "%s\n%s", o.name(), answer)
			}
		}
	}
	return nil
}

// requires are the fields that a body must have.
func (o *operation) requires() []string {
	if schema := bodySchema(o); schema != nil {
		return schema.Required
	}
	return nil
}

func ask(ctx context.Context, address string, s *sent, body []byte) (answer []byte, status int, err error) {
	u := *s.url
	u.Scheme, u.Host = "http", address
	r, err := http.NewRequestWithContext(ctx, s.method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	r.Header = s.header.Clone()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err = io.ReadAll(res.Body)
	return answer, res.StatusCode, err
}
