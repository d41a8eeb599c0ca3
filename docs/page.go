package main

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// method is a method of the client, as reflection sees it.
type method struct {
	service   reflect.Type // *modelslab.WalletService
	name      string       // "Fund"
	arguments bool         // it takes some, beside the context and the options
}

// methodOf finds what a row's call names: "Wallet.Fund", "Generation.Images.TextToImage".
func methodOf(call string) (*method, error) {
	parts := strings.Split(call, ".")
	last := len(parts) - 1
	service, err := serviceOf(parts[:last])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	m, ok := service.MethodByName(parts[last])
	if !ok {
		return nil, fmt.Errorf("%s: there is no such method", call)
	}
	const always = 3 // the receiver, the context, the options
	return &method{service, m.Name, m.Type.NumIn() > always}, nil
}

func serviceOf(fields []string) (reflect.Type, error) {
	t := reflect.TypeFor[*modelslab.Client]()
	for _, name := range fields {
		field, ok := t.Elem().FieldByName(name)
		if !ok || field.Type.Kind() != reflect.Pointer {
			return nil, fmt.Errorf("there is no service %s", name)
		}
		t = field.Type
	}
	return t, nil
}

// link is a name with its place on pkg.go.dev. The path of the package is its own, so that a
// fork links to itself.
func link(text, anchor string) string {
	return fmt.Sprintf("[%s](https://pkg.go.dev/%s#%s)", text, reflect.TypeFor[modelslab.Client]().PkgPath(), anchor)
}

func (m *method) link(text string) string { return link(text, m.service.Elem().Name()+"."+m.name) }

// rates are what the vendor documents of the limiters.
func rates() map[modelslab.Limiter]string {
	return map[modelslab.Limiter]string{
		modelslab.LimiterAuth:       "20 a minute",
		modelslab.LimiterBilling:    "15 a minute",
		modelslab.LimiterGeneral:    "120 a minute",
		modelslab.LimiterGeneration: "5, 10 or 15 queued jobs",
	}
}

// sources are how well endpoints are known, in plain words.
func sources() []struct{ known, word, means string } {
	return []struct{ known, word, means string }{
		{"seed", "main pages", "the vendor's overview or its page on the headless flow prints it"},
		{"docs", "other pages", "another page of the vendor's documentation prints it"},
		{"skill", "tools", "only what the vendor writes for agents and tools names it, which is weaker than a page"},
		{"later", "newer copies", "only newer public copies of those texts have it; the client tries it where the server does not know the older one"},
	}
}

func page() ([]byte, error) {
	b := &bytes.Buffer{}
	all := modelslab.Endpoints()
	head(b, all)
	var services []string
	for _, e := range all {
		s := service(e)
		if parent, _, ok := strings.Cut(s, "."); ok && !slices.Contains(services, parent) {
			services = append(services, parent)
		}
		if !slices.Contains(services, s) {
			services = append(services, s)
		}
	}
	for _, s := range services {
		if err := section(b, s, all); err != nil {
			return nil, err
		}
	}
	tail(b)
	return b.Bytes(), nil
}

// service is the one that a row's call belongs to: "Wallet", "Generation.Images".
func service(e modelslab.Endpoint) string { return e.Call[:strings.LastIndexByte(e.Call, '.')] }

func head(b *bytes.Buffer, all []modelslab.Endpoint) {
	documented := 0
	for _, e := range all {
		if agents(e) && e.Known != "later" {
			documented++
		}
	}
	fmt.Fprintf(b, `<!-- Written by go run ./docs from Endpoints(). Do not edit. -->

# Reference

All endpoints that the client knows, one row each: the %d that the vendor documents for the
Agents API, and %d beside them (other names of two of them, the mailed link, and the generation
APIs). The Go call links to its documentation, which has the details.

Paths are below `+"`%s`"+`, but for those that begin with `+"`/api/`"+` and for the mailed link,
which are below the origin. Rates are the vendor's; the headers of its answers have the last
word.

## Repeat classes

| Class | What the client does by itself |
|---|---|
| safe | repeats it on a lost connection, 408 and 5xx |
| keyed | sends an idempotency key, and repeats it with the same one, also on 409 and 425 |
| once | sends it once; only a 429, and a connection that was never made, are tried again |

A call with `+"`WithOperation` or `WithIdempotencyKey`"+` can also end with
`+"`ErrOperationMismatch`"+`: the name or the key stands for another request, and nothing was sent.

## Errors

A row names the errors that a caller has to be ready for, by these rules. Every call can also
end with the error of its context, or with that of a connection.

| Error | On which rows | What it means |
|---|---|---|
`, documented, len(all)-documented, base)
	for _, r := range rules() {
		names := make([]string, len(r.errors))
		for i, name := range r.errors {
			names[i] = link(name, name)
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", strings.Join(names, ", "), r.when, r.means)
	}
	b.WriteString("\nA 409 is `ErrConflict` where a call of the class safe gets it. To any other call it may say that an\n" +
		"earlier sending is still being worked on, so that it is `ErrOutcomeUnknown`, or, of a checkout,\n" +
		"`ErrCheckoutPending`.\n\n" +
		"Every call that may move money can also end with `ErrSpendLimit` (its owner's limits, or a freeze, do\n" +
		"not allow it) or `ErrPendingOperation` (an earlier one is not settled): nothing was sent then. One\n" +
		"that was paid twice is `ErrPaidTwice`, which is an `ErrOutcomeUnknown` too. [money.md](money.md) tells what\n" +
		"to do at each error.\n\n## How well an endpoint is known\n\n| Known from | What that means |\n|---|---|\n")
	for _, s := range sources() {
		fmt.Fprintf(b, "| %s | %s |\n", s.word, s.means)
	}
}

// section is the table of a service.
func section(b *bytes.Buffer, name string, all []modelslab.Endpoint) error {
	fmt.Fprintf(b, "\n## %s\n\n| Method | Path | Go | Limiter | Repeat | Errors | Known from |\n|---|---|---|---|---|---|---|\n", name)
	var called []string
	for _, e := range all {
		if service(e) != name {
			continue
		}
		line, err := line(e)
		if err != nil {
			return err
		}
		b.WriteString(line)
		called = append(called, e.Call)
	}
	t, err := serviceOf(strings.Split(name, "."))
	if err != nil {
		return err
	}
	var others []string
	for i := range t.NumMethod() {
		if m := (method{service: t, name: t.Method(i).Name}); !slices.Contains(called, name+"."+m.name) {
			others = append(others, m.link(name+"."+m.name))
		}
	}
	if len(others) > 0 {
		fmt.Fprintf(b, "\nMethods without a row of their own: %s.\n", strings.Join(others, ", "))
	}
	return nil
}

// line is the row of an endpoint.
func line(e modelslab.Endpoint) (string, error) {
	m, err := methodOf(e.Call)
	if err != nil {
		return "", err
	}
	limiter := "none is known"
	if e.Limiter != "" {
		rate, ok := rates()[e.Limiter]
		if !ok {
			return "", fmt.Errorf("%s: the rate of %s is not known here", e.Name, e.Limiter)
		}
		limiter = string(e.Limiter)
		if e.Job || e.Limiter != modelslab.LimiterGeneration { // reads and uploads wait in no queue
			limiter += ", " + rate
		}
	}
	known := ""
	for _, s := range sources() {
		if s.known == e.Known {
			known = s.word
		}
	}
	if known == "" {
		return "", fmt.Errorf("%s: nobody has said what %q means", e.Name, e.Known)
	}
	return fmt.Sprintf("| %s | `%s` | %s | %s | %s | %s | %s |\n",
		e.Method, e.Path, m.link(e.Call), limiter, e.Repeat, strings.Join(errorsOf(e, m), ", "), known), nil
}

// tail names what the table cannot have.
func tail(b *bytes.Buffer) {
	fmt.Fprintf(b, `
## Groups without published paths

The vendor's overview names three more groups of the Agents API, in one line each. No path of
theirs is published, so there are no methods for them.

| Group | What it is for |
|---|---|
| Training | training and fine-tuning jobs |
| Servers | dedicated servers |
| Uploads | files, by presigned URLs or as base64 |

Who knows a path of theirs reaches it with %s: the
access token is sent, a GET is repeated as in the class safe, and anything else is sent once,
unless `+"`WithIdempotencyKey`"+` says that the server knows a repeat by its key. What
`+"`Client.Generation`"+` has under these names are older APIs for the same, which take the API key.
Other paths of the generation APIs are reached with %s and
%s.
`, link("Client.Call", "Client.Call"), link("Generation.Run", "GenerationService.Run"), link("Generation.Call", "GenerationService.Call"))
}
