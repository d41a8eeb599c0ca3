// Command docs writes docs/reference.md, the page that lists every endpoint, from the table
// that the client itself works by. Run it in the repository's root:
//
//	go run ./docs              # writes the page
//	go run ./docs -check       # fails if the page is stale
//	go run ./docs -live        # compares the table with the server's own description
//
// -live asks for GET /api/agents/v1/openapi.json, without an account, and prints what is
// different: an endpoint that is missing here, one that is unknown there, or other
// credentials. With -origin it asks another server than https://modelslab.com, with -spec it
// reads a file instead. It exits with 1 if there is any difference.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/internal/openapi"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

const (
	pagePath = "docs/reference.md" // from the repository's root
	base     = "/api/agents/v1"
	origin   = "https://modelslab.com"
)

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("docs", flag.ContinueOnError)
	check := flags.Bool("check", false, "fail if the page is stale, and write nothing")
	live := flags.Bool("live", false, "compare the endpoints with the server's own description")
	server := flags.String("origin", origin, "with -live: the `URL` of the server")
	spec := flags.String("spec", "", "with -live: a `file` with the description, instead of the server")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case !*live && (*spec != "" || *server != origin):
		return errors.New("-origin and -spec go with -live")
	case *live && *check:
		return errors.New("-check and -live are two things; run them one after the other")
	case *live:
		return compare(ctx, *server, *spec, out)
	}
	text, err := page()
	if err != nil {
		return err
	}
	if !*check {
		return os.WriteFile(pagePath, text, 0o644) //nolint:gosec // a page is no secret
	}
	written, err := os.ReadFile(pagePath)
	if err != nil {
		return err
	}
	if string(written) != string(text) {
		return fmt.Errorf("%s is stale: run go run ./docs", pagePath)
	}
	return nil
}

// compare prints how the table and the server's own description differ.
func compare(ctx context.Context, server, spec string, out io.Writer) error {
	var description []byte
	var err error
	if spec != "" {
		description, err = os.ReadFile(spec) //nolint:gosec // its user says which
	} else {
		ctx, stop := context.WithTimeout(ctx, time.Minute)
		defer stop()
		description, err = openapi.Fetch(ctx, http.DefaultClient, strings.TrimSuffix(server, "/")+base+"/openapi.json")
	}
	if err != nil {
		return err
	}
	r, err := openapi.Compare(base, rows(), description)
	if err != nil {
		return err
	}
	for _, d := range r.Differences {
		fmt.Fprintln(out, d)
	}
	for _, note := range r.Notes {
		fmt.Fprintln(out, "note:", note)
	}
	fmt.Fprintf(out, "%d endpoints are the same here and there.\n", r.Same)
	if n := len(r.Differences); n > 0 {
		return fmt.Errorf("differences: %d", n)
	}
	return nil
}

// rows are the endpoints that a description of the Agents API should have.
func rows() []openapi.Row {
	var rows []openapi.Row
	for _, e := range modelslab.Endpoints() {
		if agents(e) {
			rows = append(rows, openapi.Row{Call: e.Call, Method: e.Method, Path: e.Path, Bearer: e.Bearer})
		}
	}
	return rows
}

// agents tells the endpoints of the Agents API from those beside it.
func agents(e modelslab.Endpoint) bool { return !e.Outside && !strings.HasPrefix(e.Path, "/api/") }
