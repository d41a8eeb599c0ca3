package modelslab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Lists. The API has no one shape for them: an array; an object with the array
// as items, as data, or under a name of its own; several arrays by kind; or an
// object of elements by name. How many there are in all stands beside the list,
// in a pagination, or in the envelope's meta. All of that is read here.

// listing is where an answer's elements are.
type listing struct {
	parts  []part
	beside [][]byte // the objects that the list was found in, the outermost first
	extent
}

// part is an array of elements, or an object whose members they are.
type part struct {
	name  string
	value []byte
}

// kinds are the names under which a list may come in several parts.
func kinds(name string) []string {
	switch name {
	case "teams":
		return []string{"members", "team_members", "invites", "invitations", "pending_invites"}
	case "subscriptions":
		return []string{"addon", "addons", "enterprise", "normal"}
	}
	return nil
}

// extent is what is said of a list beside its elements; 0: not said.
type extent struct{ count, total, page, perPage, lastPage int }

func (x *extent) read(name, value []byte) {
	var place *int
	switch string(name) {
	case "count":
		place = &x.count
	case "total":
		place = &x.total
	case "current_page":
		place = &x.page
	case "per_page":
		place = &x.perPage
	case "last_page":
		place = &x.lastPage
	default:
		return
	}
	if n := jsonInt(value); *place == 0 && n > 0 {
		*place = n
	}
}

func (x *extent) readAll(object []byte) {
	for m := membersOf(object); m.next(); {
		x.read(m.name, m.value)
	}
}

// list finds the elements of an answer. name is the list's own: what the
// endpoint's path ends with.
func (a *answer) list(name string) (listing, error) {
	var l listing
	p := a.payload()
	switch {
	case p == nil:
		return l, errNoData
	case !json.Valid(p):
		return l, errUnreadable
	case saysFailed(p, false), saysFailed(a.body, true):
		return l, errSaysFailed
	case !l.find(p, name, 0):
		return l, missing(name)
	}
	if p[0] == '[' && a.shape == shapeObject { // a paginator, with or without an envelope
		l.beside = append(l.beside, a.body)
		l.readAll(a.body)
		l.readAll(member(a.body, "pagination"))
	}
	l.readAll(a.outer.meta)
	l.readAll(member(a.outer.meta, "pagination"))
	return l, nil
}

var errSaysFailed = errors.New("the answer says that the call failed")

// saysFailed reports whether an object says no in a member that is there for
// that. A status is the call's in the whole body; inside the data it is that of
// the thing which the data show.
func saysFailed(object []byte, whole bool) bool {
	if whole && saysNo(object) {
		return true
	}
	for m := membersOf(object); m.next(); {
		switch string(m.name) {
		case "success":
			if saysNo(m.value) {
				return true
			}
		case "status":
			if whole && saysNo(m.value) {
				return true
			}
		case "error", "errors":
			if !emptyValue(m.value) {
				return true
			}
		}
	}
	return false
}

// deepest is how far inside a list may be: {transactions: {data: […]}}.
const deepest = 2

func (l *listing) find(p []byte, name string, depth int) bool {
	if p[0] == '[' {
		l.parts = append(l.parts, part{name, p})
		return true
	}
	if p[0] != '{' || depth > deepest {
		return false
	}
	l.beside = append(l.beside, p)
	var named, unnamed []byte
	arrays, objects, others := 0, 0, 0
	for m := membersOf(p); m.next(); {
		switch string(m.name) {
		case "items", name, "data":
			if named == nil && m.value[0] != 'n' {
				named = m.value
			}
		case "pagination":
			l.readAll(m.value)
		case "meta", "links", "wallet", "pay_as_you_go", "error", "errors":
		default:
			l.read(m.name, m.value)
			switch m.value[0] {
			case '[':
				unnamed = m.value
				arrays++
			case '{':
				objects++
			default:
				others++
			}
		}
	}
	if named != nil && l.find(named, name, depth+1) {
		return true
	}
	parted := false
	for m := membersOf(p); m.next(); {
		kind, v := string(m.name), m.value
		switch {
		case !slices.Contains(kinds(name), kind):
			continue
		case member(v, "id") != nil: // one of its kind
			l.parts = append(l.parts, part{kind, slices.Concat([]byte("["), v, []byte("]"))})
		case !l.find(v, kind, depth+1):
			continue
		}
		parted = true
	}
	switch {
	case parted:
	case arrays == 1 && member(p, "id") == nil: // under a name that nobody has foretold
		l.parts = append(l.parts, part{name, unnamed})
	case arrays == 0 && (objects > 0 && others == 0 || len(bytes.TrimSpace(p[1:len(p)-1])) == 0):
		l.parts = append(l.parts, part{name, p})
	default:
		return false
	}
	return true
}

// side is a member of the objects that the list was found in.
func (l *listing) side(name string) []byte {
	for _, object := range l.beside {
		if v := member(object, name); v != nil {
			return v
		}
	}
	return nil
}

// place is where an element stands: in which array, or under which key.
type place struct{ list, key string }

// each hands over the elements in order. null is none.
func (l *listing) each(take func(at place, v []byte) error) error {
	for _, p := range l.parts {
		n := 0
		for e := elementsOf(p.value); e.next(); n++ {
			if err := takeElement(take, place{list: p.name}, e.value); err != nil {
				return fmt.Errorf("%s[%d]: %w", p.name, n, err)
			}
		}
		for m := membersOf(p.value); m.next(); {
			if m.value[0] != '{' {
				continue // beside the elements
			}
			if err := takeElement(take, place{p.name, string(m.name)}, m.value); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	return nil
}

func takeElement(take func(place, []byte) error, at place, v []byte) error {
	if v[0] == 'n' {
		return nil
	}
	return take(at, v)
}

// reader is an element that takes its own JSON apart.
type reader[T any] interface {
	*T
	read(at place, v []byte) error
}

var errNoObject = errors.New("is no object")

// maxHint bounds what is set aside for a list because of its own count.
const maxHint = 200

func readElements[T any, P reader[T]](l *listing) ([]T, error) {
	items := make([]T, 0, min(l.count, maxHint))
	_, names := any(P(nil)).(*named)
	err := l.each(func(at place, v []byte) error {
		if v[0] != '{' && !names {
			return errNoObject
		}
		items = append(items, *new(T))
		item := P(&items[len(items)-1])
		if err := item.read(at, v); err != nil {
			return err
		}
		if known, ok := any(item).(interface{ known() bool }); ok && !known.known() {
			return missing("id") // an object of another kind
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// listIn reads a list that stands inside an answer under a name.
func listIn[T any, P reader[T]](v []byte, name string) ([]T, error) {
	var l listing
	if !l.find(v, name, 0) {
		return nil, nil
	}
	return readElements[T, P](&l)
}

// listOf is the result of methods that return a list and nothing beside it.
type listOf[T any, P reader[T]] []T

func (l *listOf[T, P]) decode(t *trip, a *answer) error {
	if err := t.saysNo(a); err != nil {
		return err
	}
	found, err := a.list(t.e.listName())
	if err != nil {
		return err
	}
	*l, err = readElements[T, P](&found)
	return err
}

// list is the one road with a list for a result.
func list[T any, P reader[T]](ctx context.Context, c *Client, e endpoint, in input, opts []RequestOption) ([]T, error) {
	l, err := call[listOf[T, P]](ctx, c, e, in, opts)
	if err != nil {
		return nil, err
	}
	return *l, nil
}

// listName is the name that a list of this endpoint may stand under.
func (e *Endpoint) listName() string {
	if e.list != "" {
		return e.list
	}
	return strings.ReplaceAll(e.Path[strings.LastIndexByte(e.Path, '/')+1:], "-", "_")
}

// named is an element that is but a name: a string, or an object that holds one.
type named string

func (n *named) read(at place, v []byte) error {
	*n = named(nameOf(v))
	if *n == "" {
		*n = named(at.key)
	}
	if *n == "" {
		return missing("name")
	}
	return nil
}

// names is the one road with names alone for a result.
func names(ctx context.Context, c *Client, e endpoint, opts []RequestOption) ([]string, error) {
	l, err := list[named](ctx, c, e, input{}, opts)
	if err != nil {
		return nil, err
	}
	all := make([]string, len(l))
	for i, n := range l {
		all[i] = string(n)
	}
	return all, nil
}

func nameOf(v []byte) string {
	if v[0] != '{' {
		return jsonText(v)
	}
	for _, name := range [...]string{"name", "label", "title", "value", "slug", "id"} {
		if s := jsonText(member(v, name)); s != "" {
			return s
		}
	}
	return ""
}

// namesOf reads a list of names that stands somewhere in an answer: an array, or
// an object by name. What is neither holds none.
func namesOf(v []byte) []string {
	var names []string
	if len(v) > 0 && v[0] == '[' {
		names = []string{}
	}
	add := func(at place, v []byte) {
		var n named
		if n.read(at, v) == nil {
			names = append(names, string(n))
		}
	}
	for e := elementsOf(v); e.next(); {
		add(place{}, e.value)
	}
	for m := membersOf(v); m.next(); {
		if m.value[0] != '{' {
			m.value = []byte("{}") // {"imagen": 12}: the key is the name
		}
		add(place{key: string(m.name)}, m.value)
	}
	return names
}

// walk yields the items of one page after another. start begins a walk: next
// then gets a page, and says whether there can be another one. A page without
// anything new ends the walk: some servers know no pages and send the first one
// for ever.
func walk[T any](start func() (next func() (items []T, more bool, err error))) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for next, more := start(), true; more; {
			var items []T
			var err error
			if items, more, err = next(); err != nil {
				yield(nil, err)
				return
			}
			if len(items) == 0 {
				return
			}
			for i := range items {
				if !yield(&items[i], nil) {
					return
				}
			}
		}
	}
}

// seen is what a walk has yielded, by what tells one item from another: while one
// reads, new rows push old ones over to the next page, and a server may begin
// anew behind its last one.
type seen map[any]struct{}

// fresh are the items that no page before had. Items of one page that are alike
// are not the same one.
func fresh[T any](known seen, items []T, key func(*T) any) []T {
	type nth struct {
		key any
		n   int
	}
	keys, times := make([]nth, len(items)), make(map[any]int, len(items))
	news := make([]T, 0, len(items))
	for i := range items {
		k := key(&items[i])
		keys[i] = nth{k, times[k]}
		times[k]++
		if _, old := known[keys[i]]; !old {
			news = append(news, items[i])
		}
	}
	for _, k := range keys {
		known[k] = struct{}{}
	}
	return news
}

// unreachable is the last word of a walk that may not have seen everything.
func unreachable(what, why string) error {
	return fmt.Errorf("modelslab: there may be more %s: %s", what, why)
}
