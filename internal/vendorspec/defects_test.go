package vendorspec

import (
	"bytes"
	"io/fs"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFilesHoldNoProse(t *testing.T) {
	names, err := files()
	require.NoError(t, err)
	assert.Len(t, names, 38)
	// Of a text there is nothing longer than a language: "brazilian portuguese".
	text := regexp.MustCompile(`"[^"]*\S \S+ \S+ \S[^"]*"`)
	for _, name := range names {
		b, err := fs.ReadFile(testdata, "testdata/"+name+".json")
		require.NoError(t, err)
		again, err := Reduce(name, b)
		require.NoError(t, err, name)
		assert.True(t, bytes.Equal(b, again), "%s has more than Reduce keeps", name)
		assert.NotRegexp(t, text, string(b), name)
	}
}

func TestReduceDropsWhatIsNoRule(t *testing.T) {
	b, err := Reduce("cats", []byte(`{"openapi":"3.0.0","info":{"title":"The Cat API","version":"7","description":"All about cats."},
		"servers":[{"url":"https://cats.example.com/api/v6","description":"Our server"}],"tags":[{"name":"Cats"}],
		"paths":{"/cat/{id}":{"summary":"Cats","post":{"summary":"Feed a cat","description":"It is hungry.","tags":["Cats"],
			"parameters":[{"name":"id","in":"path","required":true,"description":"Which cat","example":"5","schema":{"type":"string"}}],
			"requestBody":{"required":true,"content":{"application/json":{"example":{"food":"fish"},"schema":{"$ref":"#/components/schemas/Food"}}}},
			"responses":{"200":{"description":"Fed"}}}}},
		"components":{"schemas":{
			"Food":{"type":"object","description":"What it eats","required":["food"],"properties":{
				"description":{"type":"string","description":"A field of that name","maxLength":9},
				"food":{"type":"string","default":"fresh fish","enum":["fish","fresh fish"]},
				"more":{"type":"array","items":{"$ref":"#/components/schemas/Food"},"minItems":1,"default":[]}}},
			"Fed":{"type":"object"}}}}`))
	require.NoError(t, err)
	assert.JSONEq(t, `{"openapi":"3.0.0","info":{"title":"cats","version":"7"},
		"servers":[{"url":"/api/v6"}],
		"paths":{"/cat/{id}":{"post":{
			"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],
			"requestBody":{"required":true,"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Food"}}}}}}},
		"components":{"schemas":{
			"Food":{"type":"object","required":["food"],"properties":{
				"description":{"type":"string","maxLength":9},
				"food":{"type":"string","enum":["fish","fresh fish"]},
				"more":{"type":"array","items":{"$ref":"#/components/schemas/Food"},"minItems":1,"default":[]}}}}}}`, string(b))

	for _, bad := range []string{
		`{"paths":{"/cat":{"post":{"parameters":[{"$ref":"#/components/parameters/Cat"}]}}}}`,
		`{"paths":{"/cat":{"post":{"requestBody":{"$ref":"#/components/requestBodies/Cat"}}}}}`,
		`{"paths":{"/cat":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Cat"}}}}}}}}`,
		`{"paths":{"/cat":{"post":{"requestBody":{"content":{"application/json":{"schema":{"if":{}}}}}}}}}`,
		`{"paths":{"/cat":{"$ref":"cats.json"}}}`,
		`{"paths":`,
	} {
		_, err := Reduce("cats", []byte(bad))
		assert.Error(t, err, "%s would lose a rule", bad)
	}
}

func TestEveryDefectIsStillThere(t *testing.T) {
	seen := map[string]bool{}
	for i := range defects {
		d := &defects[i]
		tree, err := read(d.file)
		require.NoError(t, err)
		assert.True(t, d.there(tree), "%s: it is gone, or another one", d)
		assert.False(t, seen[d.String()], "%s: twice", d)
		seen[d.String()] = true
	}
}

func TestCorrectedFilesAreValid(t *testing.T) {
	docs, err := loadAll()
	require.NoError(t, err)
	for _, d := range docs {
		assert.NoError(t, valid(d), d.file)
	}
}

func TestEveryCorrectionIsNeeded(t *testing.T) {
	requests := capture(t)
	for i := range defects {
		d := &defects[i]
		if d.note {
			continue
		}
		without, err := load(d.file, d)
		require.NoError(t, err, d)
		if valid(without) != nil {
			continue
		}
		needed := slices.ContainsFunc(requests, func(s *sent) bool {
			if !slices.ContainsFunc(s.found, func(o *operation) bool { return o.document.file == d.file }) {
				return false
			}
			found := s.operations([]*document{without})
			return len(found) == 0 || len(complaints(found[0], s)) > len(complaints(s.found[slices.IndexFunc(s.found, func(o *operation) bool { return o.document.file == d.file })], s))
		})
		assert.True(t, needed, "%s: no request and no reader needs this correction", d)
	}
}
