package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

// gallery is a table of images: a column for each model, a row for each prompt.
type gallery struct {
	*modelslab.Client
	out             io.Writer
	models, prompts []string
	atOnce          int
	seed            int64
	tiles           []tile // row by row
}

// tile is one image, or what became of it.
type tile struct {
	Number        int
	Model, Prompt string
	Job           string // its id, if it was begun
	Took          time.Duration
	Image         []byte // as it was downloaded
	Err           error
}

func (g *gallery) all(ctx context.Context, name string) error {
	// The files come first: better to know now that they cannot be than when the images have
	// been paid.
	page, sheet, err := create(name)
	if err != nil {
		return err
	}
	before := g.balance(ctx)
	g.make(ctx)

	if err := errors.Join(g.writePage(page), page.Close(), g.writeSheet(sheet), sheet.Close()); err != nil {
		return err
	}
	fmt.Fprintf(g.out, "saved %s and %s\n", page.Name(), sheet.Name())
	if after := g.balance(ctx); before != nil && after != nil {
		if paid, err := before.Balance.Sub(after.Balance); err == nil {
			fmt.Fprintf(g.out, "paid $%s; the wallet holds $%s\n", paid, after.Balance)
		}
	}
	return g.failures()
}

// make has all images made at the same time, as far as atOnce lets it.
func (g *gallery) make(ctx context.Context) {
	var params []modelslab.TextToImageParams
	for _, prompt := range g.prompts {
		for column, model := range g.models {
			params = append(params, modelslab.TextToImageParams{
				ModelID: model, Prompt: prompt, Width: 512, Height: 512,
				Seed: modelslab.Ptr(g.seed + int64(column)), // the same seed says nothing across models
			})
			g.tiles = append(g.tiles, tile{Number: len(g.tiles) + 1, Model: model, Prompt: prompt, Err: modelslab.ErrNotSubmitted})
		}
	}
	shown := newBoard(g.out, g.tiles)
	defer shown.close()
	jobs := modelslab.Batch(ctx, g.Client, g.Generation.Images.TextToImage, params, modelslab.BatchParams{
		Concurrency: g.atOnce,
		Submitted:   shown.submitted,
		Progress:    shown.answered,
	})
	for i, job := range jobs { // in the order in which they end
		t := &g.tiles[i]
		t.Err = job.Err
		if job.Generation != nil {
			t.Job = job.Generation.ID
		}
		if t.Err == nil {
			t.Image, t.Err = g.download(ctx, job.Generation)
		}
		t.Took = shown.ended(i, t.Err)
	}
}

func (g *gallery) download(ctx context.Context, job *modelslab.Generation) ([]byte, error) {
	var b bytes.Buffer
	if _, err := g.Generation.Download(ctx, job.Output[0], &b); err != nil {
		return nil, err
	}
	if kind := http.DetectContentType(b.Bytes()); !strings.HasPrefix(kind, "image/") {
		return nil, fmt.Errorf("this is no image, but %s", kind)
	}
	return b.Bytes(), nil
}

// failures is the error of the whole gallery: nil if every image is there.
func (g *gallery) failures() error {
	var failed []error
	for _, t := range g.tiles {
		if t.Err != nil {
			failed = append(failed, t.Err)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d images failed; the first: %w", len(failed), len(g.tiles), failed[0])
}

// balance is what the wallet holds; nil if that cannot be read, which spoils nothing here.
func (g *gallery) balance(ctx context.Context) *modelslab.Balance {
	b, _ := g.Generation.WalletBalance(ctx)
	return b
}

// create makes the two files: under the name that was asked for, or the first of gallery-1,
// gallery-2 and so on that is free.
func create(name string) (page, sheet *os.File, err error) {
	for n := 1; ; n++ {
		free, how := name, os.O_RDWR|os.O_CREATE|os.O_TRUNC
		if name == "" {
			free, how = fmt.Sprintf("gallery-%d", n), os.O_RDWR|os.O_CREATE|os.O_EXCL
		}
		page, err = os.OpenFile(free+".html", how, 0o644) //nolint:gosec // its user says where, and a picture is no secret
		if err == nil {
			sheet, err = os.OpenFile(free+".png", how, 0o644) //nolint:gosec // likewise
			if err == nil {
				return page, sheet, nil
			}
			_, _ = page.Close(), os.Remove(page.Name()) // it is empty
		}
		if name != "" || !errors.Is(err, os.ErrExist) {
			return nil, nil, err
		}
	}
}
