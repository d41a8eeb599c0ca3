package modelslab_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// world is where a story happens: a server of some shape and an account at it, both
// the same in every shape, down to each id and each token.
type world struct {
	shape   sandbox.Shape // the zero Shape is the documented one
	srv     *sandbox.Server
	account sandbox.Account // of ada@example.com, with $1 in its wallet
	client  *modelslab.Client

	told  map[string]facts // what was held to be the same, by name
	first map[string]facts // what the documented shape told; nil: this is it
}

// everyShape tells a story in the documented shape and in each other one, in memory
// and fake time. Whatever the story hands to same comes out alike in all of them.
func everyShape(t *testing.T, story func(t *testing.T, w *world), opts ...sandbox.Option) {
	t.Helper()
	opts = append([]sandbox.Option{sandbox.InMemory(), sandbox.WithoutRateLimits()}, opts...)
	tell := func(t *testing.T, shape sandbox.Shape, first map[string]facts) (told map[string]facts) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			chance := sandbox.WithRandom(rand.NewChaCha8([32]byte{1}))
			srv := sandbox.New(slices.Concat(opts, []sandbox.Option{chance}, shape.Options)...)
			defer srv.Close()
			w := &world{shape: shape, srv: srv, told: map[string]facts{}, first: first}
			w.account = srv.Account(sandbox.AccountParams{Email: "ada@example.com", BalanceCents: 100})
			w.client = w.as(t, w.account)
			story(t, w)
			told = w.told
		})
		return told
	}
	var first map[string]facts
	if !t.Run("as documented", func(t *testing.T) { first = tell(t, sandbox.Shape{}, nil) }) {
		return
	}
	for _, shape := range sandbox.Shapes() {
		t.Run(shape.Name, func(t *testing.T) {
			t.Parallel()
			told := tell(t, shape, first)
			assert.Equal(t, slices.Sorted(maps.Keys(first)), slices.Sorted(maps.Keys(told)), "the whole story is told")
		})
	}
}

// as is a client of an account at the world's server.
func (w *world) as(t testing.TB, account sandbox.Account) *modelslab.Client {
	t.Helper()
	client, err := modelslab.New(account.ClientOptions()...)
	require.NoError(t, err)
	return client
}

// visitor is a client that nobody has signed in to.
func (w *world) visitor(t testing.TB) *modelslab.Client {
	t.Helper()
	client, err := modelslab.New(w.srv.ClientOptions()...)
	require.NoError(t, err)
	return client
}

// paid checks what was charged since the last time: nothing, or one amount by an endpoint.
func (w *world) paid(t testing.TB, before []sandbox.Charge, cents int64, endpoint string) {
	t.Helper()
	charges := w.srv.Charges()[len(before):]
	if cents == 0 {
		assert.Empty(t, charges)
		return
	}
	require.Len(t, charges, 1)
	assert.Equal(t, cents, charges[0].Cents)
	assert.Equal(t, endpoint, charges[0].Endpoint)
	assert.Equal(t, w.account.Email, charges[0].Email)
}

// What some shapes cannot carry, and what some say besides.
type shapes []string

var (
	messagesOnly = shapes{"messages only", "messages only, bare"}

	// A list alone has no place for what stands beside it; some lists have none for a part.
	listsAlone    = shapes{"lists as bare arrays"}
	withoutTotal  = shapes{"lists as bare arrays", "lists under their names"}
	withoutWallet = shapes{"lists as bare arrays", "lists with the total in meta", "framework paginator", "a framework left alone"}
	withoutPages  = shapes{"lists as bare arrays", "lists under their names", "lists in items with count and total", "lists with the total in meta"}
	// Lists that are arrays as documented have a total in these.
	withTotal = shapes{
		"lists in items with pagination", "lists in items with count and total", "lists with the total in meta",
		"framework paginator", "framework resources", "a framework left alone", "everything as text",
	}

	byKind          = shapes{"lists by kind"}
	commandLine     = shapes{"command-line synonyms"}
	otherNames      = shapes{"other synonyms", "everything as text"}
	frameworkErrors = shapes{"framework errors", "a framework left alone"}
	lowerCurrency   = shapes{"numbers and booleans as text"}
	upperCurrency   = shapes{"booleans as numbers, ids as text"}
)

func (names shapes) has(w *world) bool { return slices.Contains(names, w.shape.Name) }

// Every name is that of a shape, so that none of them is an exception for nothing.
func TestExceptionsAreOfShapesThatExist(t *testing.T) {
	known := []string{}
	for _, shape := range sandbox.Shapes() {
		known = append(known, shape.Name)
	}
	for _, names := range []shapes{
		messagesOnly, listsAlone, withoutTotal, withoutWallet, withoutPages, withTotal, byKind, commandLine, otherNames,
		frameworkErrors, lowerCurrency, upperCurrency,
	} {
		assert.Subset(t, known, names)
	}
}

// exception changes what is expected of a shape.
type exception func(w *world, want facts)

// lost is what a shape cannot carry: those fields, and all that is in them.
func lost(in shapes, fields ...string) exception {
	return func(w *world, want facts) {
		if !in.has(w) {
			return
		}
		maps.DeleteFunc(want, func(path, _ string) bool {
			return slices.ContainsFunc(fields, func(field string) bool { return isIn(path, field) })
		})
	}
}

// told is what a shape says in place of the documented words, or besides. A field of
// elements, "[].Cost", is that of each of them.
func told(in shapes, field, value string) exception {
	return func(w *world, want facts) {
		if !in.has(w) {
			return
		}
		rest, each := strings.CutPrefix(field, "[]")
		if !each {
			want[field] = value
			return
		}
		n, _ := strconv.Atoi(want["#"])
		for i := range n {
			want[fmt.Sprintf("[%d]%s", i, rest)] = value
		}
	}
}

var index = regexp.MustCompile(`\[\d+\]`)

func isIn(path, field string) bool {
	rest, within := strings.CutPrefix(index.ReplaceAllString(path, "[]"), field)
	return within && (rest == "" || rest[0] == '.' || rest[0] == '[' || rest[0] == '#')
}

// same holds a result against that of the documented shape.
func same(t *testing.T, w *world, name string, got any, but ...exception) {
	t.Helper()
	require.NotContains(t, w.told, name, "each name once")
	w.told[name] = factsOf(got)
	if w.first == nil {
		return
	}
	want := maps.Clone(w.first[name])
	for path, value := range want { // a currency may have either case
		if path == "Currency" || strings.HasSuffix(path, ".Currency") {
			switch {
			case lowerCurrency.has(w):
				want[path] = strings.ToLower(value)
			case upperCurrency.has(w):
				want[path] = strings.ToUpper(value)
			}
		}
	}
	for _, change := range but {
		change(w, want)
	}
	told := w.told[name]
	assert.Equal(t, want.without(told), told.without(want), "%s: what differs", name)
}

// facts are all that a result says, by the path of each: "Items[3].Amount". What is empty
// says nothing.
type facts map[string]string

// without are the facts that others do not tell in the same way.
func (f facts) without(others facts) facts {
	rest := maps.Clone(f)
	maps.DeleteFunc(rest, func(path, value string) bool {
		other, there := others[path]
		return there && other == value
	})
	return rest
}

func factsOf(v any) facts {
	f := facts{}
	f.add("", reflect.ValueOf(v))
	return f
}

func (f facts) add(path string, v reflect.Value) {
	switch value := v.Interface().(type) {
	case modelslab.Amount:
		f[path] = value.String()
		return
	case modelslab.Timestamp:
		if !value.IsZero() {
			f[path] = value.Format(time.RFC3339Nano)
		}
		return
	case modelslab.Secret:
		if !value.IsZero() {
			f[path] = value.Reveal()
		}
		return
	case json.RawMessage:
		var document any
		if value != nil && json.Unmarshal(value, &document) == nil {
			f[path] = fmt.Sprint(document)
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if e := v.Elem(); e.Kind() == reflect.Struct {
			f.add(path, e)
		} else {
			f[path] = fmt.Sprint(e.Interface())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			f.add(strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), v.Field(i))
		}
	case reflect.Slice:
		if v.Len() > 0 {
			f[path+"#"] = strconv.Itoa(v.Len())
		}
		for i := range v.Len() {
			f.add(fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			f.add(path+"."+it.Key().String(), it.Value())
		}
	default:
		if !v.IsZero() {
			f[path] = fmt.Sprint(v.Interface())
		}
	}
}

// fault is what an answer that says no tells.
type fault struct {
	StatusCode    int
	Code, Message string
	Fields        map[string][]string
	DeclineCode   string
}

// refused checks that a call was refused, for one reason only, in the same words in every
// shape, and that no secret stands in them.
func refused(t *testing.T, w *world, name string, kind, err error, secrets ...string) {
	t.Helper()
	require.ErrorIs(t, err, kind, name)
	for _, other := range allKinds {
		if other != kind {
			assert.NotErrorIs(t, err, other, name)
		}
	}
	silent(t, err, secrets...)
	var api *modelslab.APIError
	require.ErrorAs(t, err, &api, name)
	r := fault{StatusCode: api.StatusCode, Code: api.Code, Message: api.Message, Fields: api.Fields}
	var declined *modelslab.PaymentDeclinedError
	if errors.As(err, &declined) {
		r.DeclineCode = declined.DeclineCode
	}
	var but []exception
	if kind == modelslab.ErrValidation {
		but = append(but, lost(frameworkErrors, "Code"))
	}
	same(t, w, name, r, but...)
}

// holderWanted checks that a payment waits for the card's holder, and returns its id.
func holderWanted(t *testing.T, err error) string {
	t.Helper()
	var action *modelslab.RequiresActionError
	require.ErrorAs(t, err, &action)
	for _, other := range allKinds {
		if other != modelslab.ErrRequiresAction {
			assert.NotErrorIs(t, err, other)
		}
	}
	silent(t, err, "_secret_")
	require.NotEmpty(t, action.PaymentIntentID)
	return action.PaymentIntentID
}

// silent checks that an error says nothing of what has to stay secret, however it is shown.
func silent(t *testing.T, err error, secrets ...string) {
	t.Helper()
	asJSON, _ := json.Marshal(err)
	shown := fmt.Sprintf("%v\n%+v\n%#v\n%q\n%s", err, err, err, err, asJSON)
	for _, secret := range secrets {
		require.NotEmpty(t, secret)
		if len(secret) < 8 { // a key may hold these digits by chance, and not as a word
			assert.NotRegexp(t, `\b`+regexp.QuoteMeta(secret)+`\b`, shown)
			continue
		}
		assert.NotContains(t, shown, secret)
	}
	assert.NotContains(t, err.Error(), "\n")
}

// dead checks that a client's token works no more.
func dead(t *testing.T, client *modelslab.Client, why string) {
	t.Helper()
	_, err := client.Wallet.Balance(t.Context())
	require.ErrorIs(t, err, modelslab.ErrUnauthenticated, why)
}

// alive checks that it works.
func alive(t *testing.T, client *modelslab.Client, why string) {
	t.Helper()
	_, err := client.Wallet.Balance(t.Context())
	require.NoError(t, err, why)
}

// attach saves one of Stripe's published cards and makes it the default one.
func attach(t *testing.T, client *modelslab.Client, pm string) {
	t.Helper()
	_, err := client.Billing.AttachPaymentMethod(t.Context(), modelslab.BillingAttachPaymentMethodParams{PaymentMethodID: pm})
	require.NoError(t, err)
}

// inBubble runs a test in fake time, with an account at a server in memory.
func inBubble(t *testing.T, test func(t *testing.T, srv *sandbox.Server, client *modelslab.Client), opts ...sandbox.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, client := inSandbox(t, append([]sandbox.Option{sandbox.WithoutRateLimits()}, opts...)...)
		test(t, srv, client)
	})
}
