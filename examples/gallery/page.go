package main

import (
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"net/http"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// writePage writes the page. The images are within it, so that it is one file to send or keep.
func (g *gallery) writePage(w io.Writer) error {
	type row struct {
		Prompt string
		Tiles  []tile
	}
	var rows []row
	for i, prompt := range g.prompts {
		columns := len(g.models)
		rows = append(rows, row{prompt, g.tiles[i*columns : (i+1)*columns]})
	}
	return page.Execute(w, struct {
		Models []string
		Rows   []row
	}{g.models, rows})
}

// Source is the image as a URL that holds all of it.
func (t tile) Source() template.URL {
	kind := http.DetectContentType(t.Image)
	return template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(t.Image)) //nolint:gosec // base64, and a type of image/…
}

// Reason is why there is no image.
func (t tile) Reason() string { return reason(t.Err) }

// Seconds is how long the image took.
func (t tile) Seconds() float64 { return t.Took.Seconds() }
