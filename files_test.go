package modelslab

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const pngHead = "\x89PNG\r\n\x1a\n"

// fileNet serves files by path.
func fileNet(files map[string]step) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		if answer := files[r.URL.Path]; answer != nil {
			return answer(r)
		}
		return says(404, "")(r)
	}
}

func madeOf(outputs ...string) *Generation {
	return &Generation{ID: "7", Path: hookPath, Status: StatusSuccess, Output: outputs}
}

// entries are the files in dir with their contents; unfinished ones too.
func entries(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range list {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		all[e.Name()] = string(content)
	}
	return all
}

func fileAt(path string) string { return "https://" + publicName + path }

func TestDownloadAllSavesEveryOutput(t *testing.T) {
	c := publicClient(t, fileNet(map[string]step{
		"/a.png":  says(200, pngHead+"a", "Content-Type", "image/png"),
		"/b.MP4":  says(200, "b"),
		"/c":      says(200, "c", "Content-Type", "audio/mpeg; x=y"),
		"/d":      says(200, pngHead+"d", "Content-Type", "application/octet-stream"),
		"/e.evil": says(200, "e"),
		"/f":      says(200, "glTF\x02", "Content-Type", "nonsense;;"),
		"/g":      says(200, "fLaC"),
		"/h":      says(200, "", "Content-Length", "0"),
		"/i.jpeg": says(200, "i", "Content-Type", "text/html"),
	}))
	dir := filepath.Join(t.TempDir(), "deep", "er")
	g := madeOf(fileAt("/a.png?signature=x.mp3"), fileAt("/b.MP4"), fileAt("/c"), fileAt("/d"), fileAt("/e.evil"), fileAt("/f"), fileAt("/g"), fileAt("/h"), fileAt("/i.jpeg#x"))
	paths, err := c.Generation.DownloadAll(t.Context(), g, dir, DownloadParams{})
	require.NoError(t, err)
	want := []string{"7-1.png", "7-2.mp4", "7-3.mp3", "7-4.png", "7-5.bin", "7-6.glb", "7-7.flac", "7-8.bin", "7-9.jpeg"}
	for i, name := range want {
		assert.Equal(t, filepath.Join(dir, name), paths[i])
	}
	saved := entries(t, dir)
	assert.Len(t, saved, len(want), "and nothing else")
	assert.Equal(t, pngHead+"a", saved["7-1.png"])
	assert.Equal(t, "i", saved["7-9.jpeg"])
	assert.Empty(t, saved["7-8.bin"])
}

func TestDownloadAllDecodesFilesInTheAnswer(t *testing.T) {
	long := strings.Repeat("\xfb\xff\x00\x10", 100)
	encoded := base64.StdEncoding.EncodeToString([]byte(long))
	tests := []struct{ output, name, content string }{
		{base64.StdEncoding.EncodeToString([]byte(pngHead)), "7-1.png", pngHead},
		{encoded, "7-1.bin", long},
		{base64.RawURLEncoding.EncodeToString([]byte(long)), "7-1.bin", long},
		{encoded[:76] + "\r\n" + encoded[76:] + "\n", "7-1.bin", long},
		{"data:image/webp;base64,UklGRg==", "7-1.webp", "RIFF"},
		{"DATA:audio/wav;rate=8000;BASE64,UklGRg%3D%3D", "7-1.wav", "RIFF"},
		{"data:,hello%20there", "7-1.txt", "hello there"},
		{"data:text/vtt,WEBVTT", "7-1.vtt", "WEBVTT"},
		{"data:evil/../../x;base64," + base64.StdEncoding.EncodeToString([]byte(pngHead)), "7-1.png", pngHead},
	}
	c := publicClient(t, scripted(breaks(errors.New("nothing is fetched"))))
	for _, tt := range tests {
		dir := t.TempDir()
		paths, err := c.Generation.DownloadAll(t.Context(), madeOf(tt.output), dir, DownloadParams{})
		require.NoError(t, err, tt.output)
		assert.Equal(t, []string{filepath.Join(dir, tt.name)}, paths)
		assert.Equal(t, map[string]string{tt.name: tt.content}, entries(t, dir))
	}
}

func TestDownloadAllNamesOutputsThatAreNoFiles(t *testing.T) {
	c := publicClient(t, fileNet(map[string]step{"/a.png": says(200, "a")}))
	for _, text := range []string{
		"a lighthouse at night", "lighthouse", "word", "Hello.", "", "=", "ftp://files.example/a.png", "file:///etc/passwd", "javascript:1", "/etc/passwd", "a.png",
		"data:", "data:image/png;base64", "data:image/png;base64,$$", "data:x,%zz", "{\"a\":1}", strings.Repeat("word ", 100), "http:/x",
	} {
		dir := t.TempDir()
		paths, err := c.Generation.DownloadAll(t.Context(), madeOf(fileAt("/a.png"), text), dir, DownloadParams{})
		require.ErrorContains(t, err, "Generation.Output[1]", text)
		if text != "http:/x" {
			assertParam(t, "Generation.Output", err)
		}
		assert.Equal(t, []string{filepath.Join(dir, "7-1.png"), ""}, paths, "the others are saved")
		assert.Len(t, entries(t, dir), 1)
	}
}

func TestDownloadAllReplacesNothing(t *testing.T) {
	c := publicClient(t, fileNet(map[string]step{"/a.png": says(200, "new"), "/b.png": says(200, "other")}))
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("theirs"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x.png"), []byte("old"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "x-2.png")))
	require.NoError(t, os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "x-3.png")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "x-4.png"), 0o700))
	same := func(int, string) string { return "x.png" }
	paths, err := c.Generation.DownloadAll(t.Context(), madeOf(fileAt("/a.png"), fileAt("/b.png")), dir, DownloadParams{Name: same, Parallel: 1})
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(dir, "x-5.png"), filepath.Join(dir, "x-6.png")}, paths)
	for path, want := range map[string]string{outside: "theirs", filepath.Join(dir, "x.png"): "old", paths[0]: "new", paths[1]: "other"} {
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
	assert.NoFileExists(t, filepath.Join(dir, "nowhere"))

	for name, want := range map[string]string{"plain": "plain-2", ".env": ".env-2", "a.tar.gz": "a.tar-2.gz"} {
		dir := t.TempDir()
		paths, err := c.Generation.DownloadAll(t.Context(), madeOf(fileAt("/a.png"), fileAt("/a.png")), dir, DownloadParams{Name: func(int, string) string { return name }})
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{filepath.Join(dir, name), filepath.Join(dir, want)}, paths)
	}
}

// The name is taken first where the file system has no links.
func TestDownloadAllWithoutLinks(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer func() { _ = root.Close() }()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "part"), []byte("whole"), 0o600))
	d := &saver{root: root}
	require.NoError(t, d.claim("part", "a.png"))
	require.ErrorIs(t, d.claim("part", "a.png"), os.ErrExist)
	require.Error(t, d.claim("part", "b.png"), "there is none any more")
	assert.Equal(t, map[string]string{"a.png": "whole"}, entries(t, dir))
}

func TestDownloadAllRefusesNames(t *testing.T) {
	net := scripted(says(200, "x"))
	c := publicClient(t, net)
	for _, name := range []string{
		"", ".", "..", "../a", "..\\a", "a/b", "/a", "\\a", "a\\b", "a/", "C:a", "a:stream", "a\x00b", "a\nb", "a..b", "a.", "a ", " a", "a\xffb", "a?", "a*", `a"`, "a<", "a|",
		"con", "CON.png", "nul.tar.gz", "Com1.png", "LPT9", "aux .png", "COM¹.png", "conin$", strings.Repeat("a", maxFileName+1),
	} {
		dir := filepath.Join(t.TempDir(), "new")
		_, err := c.Generation.DownloadAll(t.Context(), madeOf(fileAt("/a.png"), fileAt("/b.png?signature=hush")), dir, DownloadParams{Name: func(i int, url string) string {
			if i == 0 {
				return "fine.png"
			}
			assert.Equal(t, fileAt("/b.png?signature=hush"), url)
			return name
		}})
		assertParam(t, "DownloadParams.Name", err)
		assert.ErrorContains(t, err, "Generation.Output[1]")
		assert.NoDirExists(t, dir)
	}
	assert.Zero(t, net.count(), "before anything is fetched")
	for _, name := range []string{"a", "a.png", ".hidden", "ä ö.png", "console.png", "com10", "a-2.png", strings.Repeat("a", maxFileName), "名.png"} {
		assert.Empty(t, badFileName(name), name)
	}

	t.Run("the job's id is foreign too", func(t *testing.T) {
		for id, want := range map[string]string{
			"../../etc/x": "------etc-x-1.png", "": "job-1.png", "con": "con-1.png", "a\x00b": "a-b-1.png", "C:\\x": "C--x-1.png", "é": "--1.png",
			strings.Repeat("9", 500): strings.Repeat("9", maxFileName/2) + "-1.png",
		} {
			g := madeOf(fileAt("/a.png"))
			g.ID = id
			dir := t.TempDir()
			paths, err := c.Generation.DownloadAll(t.Context(), g, dir, DownloadParams{})
			require.NoError(t, err)
			assert.Equal(t, []string{filepath.Join(dir, want)}, paths)
		}
	})
}

func TestDownloadAllLeavesNothingUnfinished(t *testing.T) {
	files := map[string]step{
		"/good.png": says(200, "good"), "/cut.png": breaksOff(200, "half"), "/gone.png": says(410, ""), "/lost.png": breaks(io.ErrUnexpectedEOF),
	}
	dir := t.TempDir()
	c := publicClient(t, fileNet(files))
	g := madeOf(fileAt("/cut.png?signature=hush"), fileAt("/good.png"), fileAt("/gone.png"), fileAt("/lost.png"), "https://127.0.0.1/x.png")
	paths, err := c.Generation.DownloadAll(t.Context(), g, dir, DownloadParams{Parallel: 2})
	assert.Equal(t, []string{"", filepath.Join(dir, "7-2.png"), "", "", ""}, paths)
	assert.Equal(t, map[string]string{"7-2.png": "good"}, entries(t, dir))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorIs(t, err, ErrNotFound)
	for _, i := range []int{0, 2, 3, 4} {
		assert.ErrorContains(t, err, fmt.Sprintf("Generation.Output[%d]", i))
	}
	assert.NotContains(t, err.Error(), "hush")
	assert.NotContains(t, err.Error(), "[1]")
}

func TestDownloadAllWhoseContextEnds(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := publicClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		switch r.URL.Path {
		case "/a.png":
			return says(200, "a")(r)
		case "/b.png":
			return file(200, io.MultiReader(strings.NewReader("half"), readerFunc(func([]byte) (int, error) {
				cancel()
				<-r.Context().Done()
				return 0, r.Context().Err()
			})), -1)(r)
		}
		t.Errorf("%s after the end", r.URL.Path)
		return nil, r.Context().Err()
	}))
	paths, err := c.Generation.DownloadAll(ctx, madeOf(fileAt("/a.png"), fileAt("/b.png"), fileAt("/c.png"), "data:,text"), dir, DownloadParams{Parallel: 1})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []string{filepath.Join(dir, "7-1.png"), "", "", ""}, paths)
	assert.Equal(t, map[string]string{"7-1.png": "a"}, entries(t, dir))
}

func TestDownloadAllWorksSideBySide(t *testing.T) {
	for parallel, want := range map[int]int{0: defaultParallel, 1: 1, 3: 3, 64: 10} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			open, most := 0, 0
			gate := make(chan struct{})
			c := publicClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
				mu.Lock()
				open++
				most = max(most, open)
				mu.Unlock()
				<-gate
				mu.Lock()
				open--
				mu.Unlock()
				return says(200, r.URL.Path)(r)
			}))
			go func() {
				synctest.Wait()
				close(gate)
			}()
			var outputs []string
			for i := range 10 {
				outputs = append(outputs, fileAt(fmt.Sprintf("/%d.png", i)))
			}
			dir := t.TempDir()
			paths, err := c.Generation.DownloadAll(t.Context(), madeOf(outputs...), dir, DownloadParams{Parallel: parallel})
			require.NoError(t, err)
			assert.Equal(t, want, most)
			saved := entries(t, dir)
			for i, path := range paths {
				assert.Equal(t, fmt.Sprintf("/%d.png", i), saved[filepath.Base(path)], "in the order of Output")
			}
		})
	}
}

func TestDownloadAllTellsItsProgress(t *testing.T) {
	big := strings.Repeat("x", 3*progressStep)
	c := publicClient(t, fileNet(map[string]step{
		"/big.png": says(200, big), "/open": step(file(200, strings.NewReader("open"), -1)), "/cut.png": breaksOff(200, "half"),
	}))
	seen := map[int][]DownloadProgress{}
	busy := 0
	g := madeOf(fileAt("/big.png?signature=hush"), fileAt("/open"), "data:,text", fileAt("/cut.png"))
	_, err := c.Generation.DownloadAll(t.Context(), g, t.TempDir(), DownloadParams{Progress: func(p DownloadProgress) {
		busy++
		assert.Equal(t, 1, busy, "one at a time")
		seen[p.Index] = append(seen[p.Index], p)
		assert.NotContains(t, fmt.Sprintf("%+v", p), "hush")
		busy--
	}})
	require.Error(t, err)
	require.GreaterOrEqual(t, len(seen[0]), 4)
	assert.Equal(t, DownloadProgress{Index: 0, Name: "7-1.png", Total: int64(len(big))}, seen[0][0])
	for i, p := range seen[0][1:] {
		assert.GreaterOrEqual(t, p.Bytes, seen[0][i].Bytes)
	}
	assert.Equal(t, DownloadProgress{Index: 0, Name: "7-1.png", Bytes: int64(len(big)), Total: int64(len(big)), Done: true}, seen[0][len(seen[0])-1])
	assert.Equal(t, []DownloadProgress{{1, "7-2", 0, -1, false}, {1, "7-2.bin", 4, 4, true}}, seen[1])
	assert.Equal(t, []DownloadProgress{{2, "7-3", 0, 4, false}, {2, "7-3.txt", 4, 4, true}}, seen[2])
	assert.False(t, seen[3][len(seen[3])-1].Done)

	t.Run("and its panics come out", func(t *testing.T) {
		dir := t.TempDir()
		assert.Panics(t, func() {
			_, _ = c.Generation.DownloadAll(t.Context(), g, dir, DownloadParams{Progress: func(p DownloadProgress) { panic("no") }})
		})
		assert.Empty(t, entries(t, dir))
	})
}

func TestDownloadAllIntoADirectoryThatIsNone(t *testing.T) {
	net := scripted(says(200, "x"))
	c := publicClient(t, net)
	base := t.TempDir()
	plain := filepath.Join(base, "plain")
	require.NoError(t, os.WriteFile(plain, nil, 0o600))
	broken := filepath.Join(base, "broken")
	require.NoError(t, os.Symlink(filepath.Join(base, "nowhere", "x"), broken))
	for _, dir := range []string{plain, filepath.Join(plain, "below"), broken, "a\x00b"} {
		_, err := c.Generation.DownloadAll(t.Context(), madeOf(fileAt("/a.png")), dir, DownloadParams{})
		require.Error(t, err, dir)
	}
	assert.Zero(t, net.count(), "before anything is fetched")

	real, link := filepath.Join(base, "real"), filepath.Join(base, "link")
	require.NoError(t, os.Mkdir(real, 0o700))
	require.NoError(t, os.Symlink(real, link))
	paths, err := c.Generation.DownloadAll(t.Context(), madeOf(fileAt("/a.png")), link, DownloadParams{})
	require.NoError(t, err, "a link to a directory is one")
	assert.Equal(t, []string{filepath.Join(link, "7-1.png")}, paths)
	assert.Equal(t, map[string]string{"7-1.png": "x"}, entries(t, real))

	t.Run("any more", func(t *testing.T) {
		gone := filepath.Join(base, "gone")
		c := publicClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			assert.NoError(t, os.RemoveAll(gone))
			return says(200, "x")(r)
		}))
		paths, err := c.Generation.DownloadAll(t.Context(), madeOf(fileAt("/a.png")), gone, DownloadParams{})
		require.Error(t, err)
		assert.Equal(t, []string{""}, paths)
		assert.NoDirExists(t, gone)
	})
}

func TestDownloadAllBadParams(t *testing.T) {
	net := scripted(says(200, "x"))
	c := publicClient(t, net)
	good := madeOf(fileAt("/a.png"))
	dir := filepath.Join(t.TempDir(), "new")
	for name, tt := range map[string]struct {
		param string
		g     *Generation
		dir   string
		p     DownloadParams
	}{
		"no job":        {"Generation", nil, dir, DownloadParams{}},
		"still running": {"Generation.Status", processing(good), dir, DownloadParams{}},
		"no output":     {"Generation.Output", madeOf(), dir, DownloadParams{}},
		"no directory":  {"dir", good, "", DownloadParams{}},
		"-1 at a time":  {"DownloadParams.Parallel", good, dir, DownloadParams{Parallel: -1}},
		"65 at a time":  {"DownloadParams.Parallel", good, dir, DownloadParams{Parallel: 65}},
	} {
		t.Run(name, func(t *testing.T) {
			paths, err := c.Generation.DownloadAll(t.Context(), tt.g, tt.dir, tt.p)
			assertParam(t, tt.param, err)
			assert.Nil(t, paths)
		})
	}
	_, err := c.Generation.DownloadAll(nil, good, dir, DownloadParams{}) //nolint:staticcheck // on purpose
	assertParam(t, "ctx", err)
	assert.NoDirExists(t, dir)
	assert.Zero(t, net.count())
}

func processing(g *Generation) *Generation {
	running := *g
	running.Status = StatusProcessing
	return &running
}
