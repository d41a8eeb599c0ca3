package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// screen is a buffer for several writers.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// makeGallery runs the program in memory and in fake time.
func makeGallery(t *testing.T, args ...string) (printed string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var out screen
		err = run(t.Context(), args, &out)
		printed = out.b.String()
	})
	return printed, err
}

func readSheet(t *testing.T, name string) image.Image {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	sheet, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	return sheet
}

func TestAGallery(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("prompts.txt", []byte("<b>one</b>\r\n\n a forest \n"), 0o600))
	printed, err := makeGallery(t, "-models", "flux,qwen-image", "-prompts", "prompts.txt")
	require.NoError(t, err, printed)
	assert.Contains(t, printed, "saved gallery-1.html and gallery-1.png\npaid $0.08; the wallet holds $9.92\n")
	assert.Equal(t, 4, strings.Count(printed, "submitted after 0.0s"))
	assert.Equal(t, 4, strings.Count(printed, "downloaded after"))

	page := readPage(t, "gallery-1.html")
	assert.Equal(t, 4, strings.Count(page, `<img src="data:image/png;base64,`))
	assert.Regexp(t, `<figcaption>1, job 1000000\d, 2\.0 s</figcaption>`, withoutImages(page))
	for _, text := range []string{`<th scope="col">qwen-image</th>`, `<th scope="row">a forest</th>`, `<th scope="row">&lt;b&gt;one&lt;/b&gt;</th>`} {
		assert.Contains(t, withoutImages(page), text)
	}
	assert.NotContains(t, withoutImages(page), "http", "it needs nothing from elsewhere")
	sheet := readSheet(t, "gallery-1.png")
	assert.Equal(t, image.Rect(0, 0, margin+gap+2*(side+gap), header+gap+2*(side+gap)), sheet.Bounds())
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(page)
}

// withoutImages is a page that can be shown when a test fails.
func withoutImages(page string) string {
	return regexp.MustCompile(`base64,[^"]*`).ReplaceAllString(page, "")
}

func TestNothingIsReplacedThatNobodyNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"", "", "mine", "mine"} {
		page, sheet, err := create(name)
		require.NoError(t, err)
		require.NoError(t, errors.Join(page.Close(), sheet.Close()))
	}
	for _, name := range []string{"gallery-1.html", "gallery-1.png", "gallery-2.html", "gallery-2.png", "mine.html", "mine.png"} {
		assert.FileExists(t, name)
	}
	// Where only the second name is taken, the first is not left behind.
	require.NoError(t, os.WriteFile("gallery-3.png", nil, 0o600))
	page, sheet, err := create("")
	require.NoError(t, err)
	require.NoError(t, errors.Join(page.Close(), sheet.Close()))
	assert.Equal(t, "gallery-4.html", page.Name())
	assert.NoFileExists(t, "gallery-3.html")
}

func TestAFailureIsATileOfTheGallery(t *testing.T) {
	t.Chdir(t.TempDir())
	printed, err := makeGallery(t, "-spoil", "-models", "flux", "-at-once", "1", "-out", "mine")
	require.ErrorIs(t, err, modelslab.ErrGenerationFailed, printed)
	require.ErrorContains(t, err, "1 of 3 images failed")
	assert.Contains(t, advice(err), "Another prompt or model")
	assert.Contains(t, printed, "failed: The model cannot draw this.")
	assert.Contains(t, printed, "paid $0.04")

	page := readPage(t, "mine.html")
	assert.Contains(t, withoutImages(page), `<div class="failed"><strong>Failed.</strong> The model cannot draw this.</div>`)
	assert.Equal(t, 2, strings.Count(page, "<img "))
	sheet := readSheet(t, "mine.png")
	assert.Equal(t, alarm, sheet.At(margin+gap+side/2, header+side/2))
}

func TestAnInterruptionKeepsWhatWasMade(t *testing.T) {
	t.Setenv("MODELSLAB_API_KEY", "set")
	t.Chdir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		srv := sandbox.New(sandbox.InMemory())
		ctx, interrupt := context.WithTimeout(t.Context(), 3*time.Second)
		defer interrupt()
		var out screen
		err := run(ctx, []string{"-live", "-at-once", "1"}, &out, srv.Account(sandbox.AccountParams{BalanceCents: 1_00}).ClientOptions()...)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "8 of 9 images failed")
		assert.Equal(t, 1, strings.Count(readPage(t, "gallery-1.html"), "<img "))
	})
}

func TestWhatCannotBeRightCostsNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("MODELSLAB_API_KEY", "")
	for _, args := range [][]string{
		{"please"}, {"-models", " ,"}, {"-at-once", "0"}, {"-live", "-spoil"}, {"-live"}, {"-prompts", "no-such-file"}, {"-out", "no/such/place"},
	} {
		_, err := makeGallery(t, args...)
		require.Error(t, err, "%v", args)
	}
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	assert.Empty(t, files)
}

func TestBars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out screen
		b := newBoard(&out, []tile{{Number: 1, Model: "flux", Prompt: "a lake"}})
		b.bars = true
		b.done.Go(b.move)
		b.submitted(0, &modelslab.Generation{ETA: 2 * time.Second})
		<-time.After(1010 * time.Millisecond)
		b.answered(0, &modelslab.Generation{Status: modelslab.StatusProcessing, ETA: time.Second})
		<-time.After(5 * time.Second)
		b.ended(0, nil)
		b.close()
		printed := out.b.String()
		assert.Contains(t, printed, "[##########----------] submitted")
		assert.Contains(t, printed, "[###################-] processing")
		assert.Contains(t, printed, "\x1b[1A\r\x1b[K 1 flux: a lake")
		assert.True(t, strings.HasSuffix(printed, "[####################] downloaded\n"), printed)
	})
}

func TestPicturesOfAllSizesFit(t *testing.T) {
	red := color.RGBA{0xff, 0, 0, 0xff}
	for _, size := range []image.Point{{1, 1}, {700, 100}, {100, 700}, {512, 512}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			picture := image.NewRGBA(image.Rectangle{Max: size})
			fill(picture, picture.Bounds(), red)
			var data bytes.Buffer
			require.NoError(t, png.Encode(&data, picture))
			sheet := image.NewRGBA(image.Rect(0, 0, 2*side, 2*side))
			(&tile{Image: data.Bytes()}).draw(sheet, image.Rect(side, side, 2*side, 2*side))
			assert.Equal(t, red, sheet.At(side+side/2, side+side/2))
			assert.Zero(t, sheet.At(side-1, side+side/2))
		})
	}
	sheet := image.NewRGBA(image.Rect(0, 0, side, side))
	(&tile{Image: []byte("RIFF....WEBPVP8 ")}).draw(sheet, sheet.Bounds())
	assert.Equal(t, alarm, sheet.At(1, 1))
}

func TestAdvice(t *testing.T) {
	for _, err := range []error{
		context.Canceled, modelslab.ErrOutcomeUnknown, modelslab.ErrPaymentDeclined, modelslab.ErrUnauthenticated, modelslab.ErrRateLimited, modelslab.ErrValidation,
	} {
		assert.NotEmpty(t, advice(err), "%v", err)
	}
	assert.Empty(t, advice(errors.New("something else")))
}
