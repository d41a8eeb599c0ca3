package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
)

var valueClaims = []claim[modelslab.Store]{
	{"keys are any text", oddKeys},
	{"values are any bytes", oddValues},
	{"a value of a megabyte", bigValues},
	{"no value is empty", emptyValues},
	{"a value that was returned stays as it was", returnedValues},
}

// odd are keys that some store might take for something else, and for each other.
var odd = []string{
	" ", "  ", " a", "a ", "a", "A", "a b", "a\tb", "a\nb", "a\r\nb",
	"%", "%d", "%20", "100%", "*", "a*", "?", "a?", "[", "]", "[a]", "[^a]", "[a-z]", `\`, `\\`, `\*`, `a\`, "^a", "a$", ".", "..", "a.b",
	"/", "//", "/a", "a/", "a/b", "a//b", "../a", "a/../b", ":", "a:b", "{a}", "{}", "{a}b", "}", "'", `"`, "`", "a;b", "a,b", "a|b", "#", "-", "--", "$1", "@a", "~", "<a>", "a=b&c=d", "0", "nil", "null",
	"é", "e\u0301", "日本語", "ключ", "🔑", "\u202eabc", "\u00a0", "ı", "İ", "ß",
	strings.Repeat("k", 600), strings.Repeat("k", 599), strings.Repeat("鍵", 200), strings.Repeat("*", 600), strings.Repeat(`\`, 600),
}

func oddKeys(t *testing.T, s modelslab.Store) {
	errs := together(len(odd), func(i int) error {
		if did, err := s.Swap(t.Context(), odd[i], nil, []byte(odd[i]), 0); err != nil || !did {
			return fmt.Errorf("%q: %v, %w", odd[i], did, err)
		}
		return nil
	})
	require.Empty(t, errs)
	for _, key := range odd {
		require.Equal(t, []byte(key), get(t, s, key))
	}
	assert.Equal(t, slices.Sorted(slices.Values(odd)), list(t, s, ""))
	for _, prefix := range odd {
		assert.Equal(t, having(odd, prefix), list(t, s, prefix))
	}
	for _, key := range odd {
		require.True(t, swap(t, s, key, []byte(key), nil, 0), "%q", key)
		require.Nil(t, get(t, s, key))
	}
	assert.Empty(t, list(t, s, ""))
}

// having are those of keys that begin with prefix, in order.
func having(keys []string, prefix string) []string {
	var have []string
	for _, key := range keys {
		if strings.HasPrefix(key, prefix) {
			have = append(have, key)
		}
	}
	slices.Sort(have)
	return have
}

func oddValues(t *testing.T, s modelslab.Store) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	var before []byte
	for _, v := range [][]byte{every, {0}, {0, 0}, {0, 'a'}, {'a', 0}, []byte("a"), []byte("0"), []byte("00"), []byte("-1"), []byte("nil"), []byte("false"),
		[]byte("OK"), []byte(" "), []byte("\r\n"), []byte("\xff\xfe"), []byte(`{"a":"\u0000"}`), []byte("é")} {
		require.False(t, swap(t, s, "key", append(slices.Clone(before), 0), v, 0))
		require.True(t, swap(t, s, "key", before, v, 0), "%q", v)
		require.Equal(t, v, get(t, s, "key"))
		before = v
	}
}

func bigValues(t *testing.T, s modelslab.Store) {
	a := bytes.Repeat([]byte("0123456789abcde\x00"), 1<<16)
	b := slices.Clone(a)
	b[len(b)-1]++
	require.True(t, swap(t, s, "key", nil, a, 0))
	require.True(t, bytes.Equal(a, get(t, s, "key")))
	require.False(t, swap(t, s, "key", b, a, 0), "the last byte differs")
	require.True(t, swap(t, s, "key", a, b, 0))
	require.True(t, bytes.Equal(b, get(t, s, "key")))
	require.True(t, swap(t, s, "key", b, nil, 0))
	assert.Nil(t, get(t, s, "key"))
}

func emptyValues(t *testing.T, s modelslab.Store) {
	_, err := s.Swap(t.Context(), "key", nil, []byte{}, 0)
	require.Error(t, err)
	assert.Nil(t, get(t, s, "key"))
	did, _ := s.Swap(t.Context(), "key", []byte{}, []byte("v"), 0)
	assert.False(t, did, "no empty value stands there")
	assert.Nil(t, get(t, s, "key"))
	put(t, s, "key", "v")
	_, err = s.Swap(t.Context(), "key", []byte("v"), []byte{}, 0)
	require.Error(t, err)
	did, _ = s.Swap(t.Context(), "key", []byte{}, nil, 0)
	assert.False(t, did)
	assert.Equal(t, []byte("v"), get(t, s, "key"))
}

func returnedValues(t *testing.T, s modelslab.Store) {
	const n = 20
	made := func(i int) []byte { return bytes.Repeat(fmt.Append(nil, i), 1000) }
	key := func(i int) string { return fmt.Sprintf("key %d", i) }
	returned := make([][]byte, n)
	for i := range n {
		require.True(t, swap(t, s, key(i), nil, made(i), 0))
		returned[i] = get(t, s, key(i))
	}
	for i := range n {
		require.True(t, swap(t, s, key(i), returned[i], []byte("another"), 0))
	}
	for i := range n {
		require.True(t, swap(t, s, key(i), []byte("another"), nil, 0))
		put(t, s, fmt.Sprintf("more %d", i), strings.Repeat("#", 3000))
	}
	for i := range n {
		assert.Equal(t, made(i), returned[i])
	}
}
