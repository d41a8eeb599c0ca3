package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// form is a way to write a list.
type form int

const (
	bareArray    form = iota // data: [...]
	itemsPaged               // data: {items, pagination}
	itemsCounted             // data: {items, count, total}
	underName                // data: {transactions: [...]}
	totalInMeta              // data: [...], meta: {total}
	paginator                // data: {data: [...], current_page, ...}, as the framework writes it
	resource                 // data: [...], links, meta: {current_page, ...}, likewise
)

// listing is an endpoint that answers with a list.
type listing struct {
	name  string // what it is a list of
	usual form   // that of the handler
}

func listings() map[string]listing {
	return map[string]listing{
		"auth.tokens":             {"tokens", bareArray},
		"api_keys.list":           {"api_keys", bareArray},
		"usage.products":          {"products", bareArray},
		"usage.history":           {"history", bareArray},
		"models.search":           {"models", itemsPaged},
		"models.tags":             {"tags", bareArray},
		"models.providers":        {"providers", bareArray},
		"billing.payment_methods": {"payment_methods", bareArray},
		"billing.invoices":        {"invoices", bareArray},
		"wallet.transactions":     {"transactions", itemsCounted},
		"subscriptions.plans":     {"subscription_plans", underName},
		"subscriptions.list":      {"subscriptions", itemsCounted},
		"teams.list":              {"members", bareArray},
	}
}

// lists writes every list in that form that has another one.
func lists(f form) []rule {
	other := func(endpoint string) bool {
		l, isList := listings()[endpoint]
		return isList && l.usual != f
	}
	return []rule{{where: other, success: func(d *draft) {
		if l, isList := d.list(); isList {
			d.writeList(l, f)
		}
	}}}
}

// list is a list, whatever form it had.
type list struct {
	name           string
	items          []any
	total          int
	page, pageSize int
	rest           object // what stood beside the items: a wallet, pay_as_you_go
}

// list reads the data as a list, if that is what this endpoint answers with.
func (d *draft) list() (list, bool) {
	known, isList := listings()[d.endpoint]
	if !isList {
		return list{}, false
	}
	l := list{name: known.name, rest: object{}}
	var paging object
	switch data := d.data.(type) {
	case []any:
		l.items = data
	case object:
		where := slices.IndexFunc(containers(known.name), func(name string) bool {
			_, isArray := data[name].([]any)
			return isArray
		})
		if where < 0 {
			return list{}, false
		}
		container := containers(known.name)[where]
		l.items, l.rest = data[container].([]any), maps.Clone(data)
		paging, _ = data["pagination"].(object)
		for _, name := range []string{container, "pagination", "count", "total"} {
			delete(l.rest, name)
		}
		l.total = whole(data["total"])
	default:
		return list{}, false
	}
	l.total = max(l.total, whole(paging["total"]), len(l.items))
	l.pageSize = firstWhole(paging["per_page"], d.query.Get("limit"), d.query.Get("per_page"), number(len(l.items)), "15")
	offset := whole(d.query.Get("offset"))
	l.page = firstWhole(paging["current_page"], d.query.Get("page"), number(offset/l.pageSize+1))
	return l, true
}

func containers(name string) []string { return []string{"items", name, "data"} }

func (d *draft) writeList(l list, f form) {
	data := maps.Clone(l.rest)
	switch f {
	case bareArray:
		d.data = l.items
	case itemsPaged:
		data["items"], data["pagination"] = l.items, l.paging()
		d.data = data
	case itemsCounted:
		data["items"], data["count"], data["total"] = l.items, number(len(l.items)), number(l.total)
		d.data = data
	case underName:
		data[l.name] = l.items
		d.data = data
	case totalInMeta:
		d.data = l.items
		d.addMeta(object{"total": number(l.total)})
	case paginator:
		data = l.paging()
		maps.Copy(data, l.neighbours(d.url, "first_page_url", "last_page_url", "prev_page_url", "next_page_url"))
		data["data"], data["path"], data["links"] = l.items, d.url, []any{}
		d.data = data
	case resource:
		d.data = l.items
		d.addMeta(l.paging())
		delete(d.around, "error")
		maps.Copy(d.around, l.rest)
		d.around["links"] = l.neighbours(d.url, "first", "last", "prev", "next")
	}
}

func (d *draft) addMeta(members object) {
	meta, _ := d.around["meta"].(object)
	if meta == nil {
		meta = object{}
	}
	maps.Copy(meta, members)
	d.around["meta"], d.enveloped = meta, true
}

func (l list) lastPage() int { return max(1, (l.total-1)/l.pageSize+1) }

// paging is what pages of lists say about themselves.
func (l list) paging() object {
	p := object{
		"current_page": number(l.page), "per_page": number(l.pageSize),
		"total": number(l.total), "last_page": number(l.lastPage()),
		"from": nil, "to": nil,
	}
	if n := len(l.items); n > 0 {
		first := (l.page-1)*l.pageSize + 1
		p["from"], p["to"] = number(first), number(first+n-1)
	}
	return p
}

// neighbours are the addresses of other pages, under those names.
func (l list) neighbours(address, first, last, before, after string) object {
	page := func(n int) string { return fmt.Sprintf("%s?page=%d", address, n) }
	links := object{first: page(1), last: page(l.lastPage()), before: nil, after: nil}
	if l.page > 1 {
		links[before] = page(l.page - 1)
	}
	if l.page < l.lastPage() {
		links[after] = page(l.page + 1)
	}
	return links
}

// productsByName writes products as the general API does: an object of objects.
func productsByName(d *draft) {
	l, isList := d.list()
	if !isList {
		return
	}
	byName := object{}
	for i, item := range l.items {
		product, _ := item.(object)
		name, isText := first(product, "name", "product").(string)
		if !isText {
			name = strconv.Itoa(i)
		}
		calls, left := first(product, "calls", "requests"), first(product, "remaining")
		total := first(product, "limit") // what the plan allows, not what was called
		if total == nil && left != nil {
			total = whole(calls) + whole(left)
		}
		share := 0.0
		if used := float64(whole(calls)); left != nil && used > 0 {
			share = 100 * used / (used + float64(whole(left)))
		}
		byName[name] = object{
			"total_api_call": total, "api_call_remaining": left,
			"percentage_used": json.Number(strconv.FormatFloat(share, 'f', 2, 64)),
		}
	}
	d.data = byName
}

// inviteesUnder parts a team from those who have not accepted yet.
func inviteesUnder(name string) func(*draft) {
	return func(d *draft) {
		d.part("members", func(member object) string {
			if first(member, "status", "invite_status") == "pending" {
				return name
			}
			return "members"
		}, name)
	}
}

func subscriptionsByKind(d *draft) {
	kinds := []string{"addon", "enterprise", "normal"}
	d.part("normal", func(subscription object) string {
		kind, _ := first(subscription, "category", "feature", "type").(string)
		if slices.Contains(kinds, kind) {
			return kind
		}
		return "normal"
	}, kinds...)
}

// part writes a list as an object of several, some of which may be empty.
func (d *draft) part(rest string, kindOf func(object) string, kinds ...string) {
	l, isList := d.list()
	if !isList {
		return
	}
	parts := object{rest: []any{}}
	for _, kind := range kinds {
		parts[kind] = []any{}
	}
	for _, item := range l.items {
		kind := rest
		if record, isObject := item.(object); isObject {
			kind = kindOf(record)
		}
		parts[kind] = append(parts[kind].([]any), item)
	}
	d.data = parts
}

// first is the first of those members that is there.
func first(o object, names ...string) any {
	for _, name := range names {
		if v := o[name]; v != nil {
			return v
		}
	}
	return nil
}

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// whole reads a number of things, as a number or a text; anything else is 0.
func whole(v any) int {
	n, err := strconv.Atoi(strings.TrimSpace(fmt.Sprint(v)))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// firstWhole is the first that is more than 0, and 1 if none is.
func firstWhole(values ...any) int {
	for _, v := range values {
		if n := whole(v); n > 0 {
			return n
		}
	}
	return 1
}
