package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// answer is what a request gets. Either body, which is encoded as JSON, or raw is set.
type answer struct {
	status int
	header http.Header
	body   any
	raw    func() []byte
	drop   bool         // close the connection without a word
	cut    bool         // close it in the middle of the body
	replay bool         // a kept answer, given again
	stream *eventStream // in place of a body
}

func (a answer) bytes() []byte {
	if a.raw != nil {
		return a.raw()
	}
	if a.body == nil {
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(a.body); err != nil {
		panic(fmt.Sprintf("sandbox: an answer does not encode: %v", err))
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// with adds a header.
func (a answer) with(name, value string) answer {
	a.header = a.header.Clone()
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set(name, value)
	return a
}

type object = map[string]any

// bag is what validation complains about: field to messages.
type bag map[string][]string

func (b bag) add(field, format string, args ...any) {
	b[field] = append(b[field], fmt.Sprintf(format, args...))
}

// bare answers with a body as it is.
func bare(status int, body any) answer {
	return answer{status: status, body: body}.with("Content-Type", "application/json")
}

// framework is an answer that the application did not design.
func framework(status int, message string) answer {
	return bare(status, object{"message": message})
}

func page(status int, html string) answer {
	return answer{status: status, raw: func() []byte { return []byte(html) }}.
		with("Content-Type", "text/html; charset=utf-8")
}

// ok is the envelope of a success.
func (c *call) ok(data any) answer { return c.success(http.StatusOK, data) }

func (c *call) success(status int, data any) answer {
	return bare(status, object{"data": data, "error": nil, "meta": c.meta()})
}

// refuse is the envelope of a failure.
func (c *call) refuse(status int, code, message string, details any) answer {
	return bare(status, object{
		"data":  nil,
		"error": object{"code": code, "message": message, "details": details},
		"meta":  c.meta(),
	})
}

func (c *call) meta() object { return object{"request_id": c.requestID} }

// invalid is failed validation, in one of its two shapes.
func (c *call) invalid(problems bag) answer {
	fields := slices.Sorted(maps.Keys(problems))
	message := problems[fields[0]][0]
	if n := len(problems); n == 2 {
		message += " (and 1 more error)"
	} else if n > 2 {
		message += fmt.Sprintf(" (and %d more errors)", n-1)
	}
	switch {
	case c.wantsPage():
		return loginPage()
	case c.s.frameworkErrors:
		return bare(http.StatusUnprocessableEntity, object{"message": message, "errors": problems})
	}
	return c.refuse(http.StatusUnprocessableEntity, "validation_error", message, problems)
}

func (c *call) invalidField(field, format string, args ...any) answer {
	problems := bag{}
	problems.add(field, format, args...)
	return c.invalid(problems)
}

func (c *call) unauthenticated() answer {
	if c.wantsPage() {
		return loginPage()
	}
	return framework(http.StatusUnauthorized, "Unauthenticated.")
}

// missing is the framework's answer for a row that does not exist.
func missing(model, id string) answer {
	return framework(http.StatusNotFound, fmt.Sprintf(`No query results for model [App\Models\%s] %s`, model, id))
}

// wantsPage follows the framework: the first media type of Accept decides.
func (c *call) wantsPage() bool {
	if !c.s.loginPageForHTML {
		return false
	}
	first, _, _ := strings.Cut(c.http.Header.Get("Accept"), ",")
	return !strings.Contains(first, "/json") && !strings.Contains(first, "+json")
}

func loginPage() answer {
	return page(http.StatusFound, "<!DOCTYPE html><title>Redirecting</title>Redirecting to login.").
		with("Location", "/login")
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// momentOrNull is for times that may never come.
func momentOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return timestamp(t)
}
