package modelslab

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"time"
)

// UsageService tells what the account has used.
// Documentation: docs.modelslab.com/agents-api/usage-and-models.
type UsageService struct{ c *Client }

// UsageSummary is the account's use in all. More may be in [Response].Raw: what
// the server sends here is hardly documented.
type UsageSummary struct {
	TotalCalls       *int64      `json:"total_calls"`           // nil: not sent
	CreditsUsed      json.Number `json:"credits_used,omitzero"` // in a unit that is documented nowhere; empty: not sent
	CreditsRemaining json.Number `json:"credits_remaining,omitzero"`
	WalletBalance    *Amount     `json:"wallet_balance"` // US dollars; nil: not sent
	Currency         string      `json:"currency"`
}

func (s *UsageSummary) decode(_ *trip, a *answer) error {
	m, err := a.facts()
	if err != nil {
		return err
	}
	var held holdings
	for m.next() {
		switch string(m.name) {
		case "total_calls":
			s.TotalCalls = optionalInt(m.value)
		case "credits_used":
			s.CreditsUsed = jsonNumber(m.value)
		case "credits_remaining":
			s.CreditsRemaining = jsonNumber(m.value)
		default:
			_ = held.read(m.name, m.value) // it is beside the point here
		}
	}
	s.WalletBalance, s.Currency = held.balance().pointer(), held.currency
	return nil
}

// Summary reads the account's use in all. Limits: 120 a minute. API: GET
// /usage/summary.
func (s *UsageService) Summary(ctx context.Context, opts ...RequestOption) (*UsageSummary, error) {
	return call[UsageSummary](ctx, s.c, usageSummary, input{}, opts)
}

// ProductUsage is the use of one product, and what its plan still allows.
type ProductUsage struct {
	Product        string      `json:"product"`
	Calls          int64       `json:"calls"`
	Limit          *int64      `json:"limit"`                    // of calls; nil: not sent
	Remaining      *int64      `json:"remaining"`                // calls; nil: not sent
	PercentageUsed json.Number `json:"percentage_used,omitzero"` // 0 to 100; empty: not sent
	Cost           *Amount     `json:"cost"`                     // US dollars; nil: not sent
}

func (p *ProductUsage) read(at place, object []byte) error {
	var cost maybe
	for m := membersOf(object); m.next(); {
		switch string(m.name) {
		case "product", "name":
			p.Product = firstOf(p.Product, jsonText(m.value))
		case "requests", "calls":
			p.Calls = int64(jsonInt(m.value))
		case "limit", "api_call_limit", "total_api_call":
			p.Limit = optionalInt(m.value)
		case "remaining", "api_call_remaining":
			p.Remaining = optionalInt(m.value)
		case "percentage_used":
			p.PercentageUsed = jsonNumber(m.value)
		case "cost":
			_ = cost.UnmarshalJSON(m.value) // it takes everything
		}
	}
	p.Product, p.Cost = firstOf(p.Product, at.key), cost.pointer()
	if p.Calls == 0 && p.Limit != nil && p.Remaining != nil {
		p.Calls = max(0, *p.Limit-*p.Remaining)
	}
	return nil
}

func (p *ProductUsage) known() bool { return p.Product != "" }

// Products reads the use of each product. Limits: 120 a minute. API: GET
// /usage/products.
func (s *UsageService) Products(ctx context.Context, opts ...RequestOption) ([]ProductUsage, error) {
	return list[ProductUsage](ctx, s.c, usageProducts, input{}, opts)
}

// UsageHistoryParams chooses records.
type UsageHistoryParams struct {
	From, To time.Time // the days of these moments, where they are, both included; zero: no bound
	Limit    int       // 1 to 200; 0: the server's default, 100
}

func (p UsageHistoryParams) input() input {
	from, to := day(p.From), day(p.To)
	in := input{query: url.Values{}, err: checkLimit("UsageHistoryParams.Limit", p.Limit)}
	switch {
	case from != "" && to != "" && from > to:
		in.err = &ParamError{Param: "UsageHistoryParams.From", Value: from, Reason: "is after To, " + to}
	case len(from) > len(time.DateOnly) || len(to) > len(time.DateOnly):
		in.err = &ParamError{Param: "UsageHistoryParams", Value: firstOf(from, to), Reason: "must have a year of four digits"}
	}
	for name, value := range map[string]string{"from": from, "to": to} {
		if value != "" {
			in.query.Set(name, value)
		}
	}
	if p.Limit > 0 {
		in.query.Set("limit", strconv.Itoa(p.Limit))
	}
	return in
}

// day is a moment's day as the API takes it.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// UsageRecord is one call of a generation API.
type UsageRecord struct {
	ID        ID        `json:"id"`
	Type      string    `json:"type"`
	Endpoint  string    `json:"endpoint"`
	Status    string    `json:"status"`
	Cost      *Amount   `json:"cost"` // US dollars; nil: not sent
	CreatedAt Timestamp `json:"created_at"`

	ref string // an id that is no number
}

func (r *UsageRecord) read(_ place, object []byte) error {
	var w struct {
		ID        ID        `json:"id"`
		Type      text      `json:"type"`
		Endpoint  text      `json:"endpoint"`
		Status    text      `json:"status"`
		Cost      maybe     `json:"cost"`
		CreatedAt Timestamp `json:"created_at"`
	}
	if err := decodeTolerant(object, &w); err != nil {
		return err
	}
	*r = UsageRecord{ID: w.ID, Type: string(w.Type), Endpoint: string(w.Endpoint), Status: string(w.Status), Cost: w.Cost.pointer(), CreatedAt: w.CreatedAt}
	if r.ID == 0 {
		r.ref = jsonText(member(object, "id"))
	}
	return nil
}

func (r *UsageRecord) known() bool {
	return r.ID != 0 || r.Endpoint != "" || r.Type != "" || !r.CreatedAt.IsZero()
}

// key tells a record from another.
func (r *UsageRecord) key() any {
	switch {
	case r.ID != 0:
		return r.ID
	case r.ref != "":
		return r.ref
	}
	whole := *r
	whole.Cost = nil
	return struct {
		UsageRecord
		sum
	}{whole, sumOf(r.Cost)}
}

// UsagePage is some of the records, presumably the newest first: the order is
// documented nowhere.
type UsagePage struct {
	Items []UsageRecord `json:"items"`
	Total int           `json:"total"` // in all, as the server says; 0: not said
}

func (p *UsagePage) decode(t *trip, a *answer) error {
	l, err := a.list(t.e.listName())
	if err != nil {
		return err
	}
	p.Total = l.total
	p.Items, err = readElements[UsageRecord](&l)
	return err
}

// History reads records of the account's use. The API has no pages here: to see
// older ones, move To back, as AllHistory does. Limits: 120 a minute, 200
// records. API: GET /usage/history.
func (s *UsageService) History(ctx context.Context, p UsageHistoryParams, opts ...RequestOption) (*UsagePage, error) {
	return call[UsagePage](ctx, s.c, usageHistory, p.input(), opts)
}

// AllHistory yields the records from To back to From, asking for 200 at a time
// unless Limit says otherwise. It begins anew each time it is ranged over, and
// ends with at most one error, last.
//
// It goes back day by day, because the API has no other cursor: each request
// ends with the oldest day seen so far. Where that cannot reach all records (a
// day with more of them than Limit, a server that sorts or bounds them in another
// way than is documented) the last thing it yields is an error that says so. API:
// GET /usage/history.
func (s *UsageService) AllHistory(ctx context.Context, p UsageHistoryParams, opts ...RequestOption) iter.Seq2[*UsageRecord, error] {
	return walk(func() func() ([]UsageRecord, bool, error) {
		w := historyWalk{p: p, last: p.To, known: seen{}}
		if w.p.Limit == 0 {
			w.p.Limit = maxPage
		}
		return func() ([]UsageRecord, bool, error) {
			for {
				if w.stop != nil {
					return nil, false, w.stop
				}
				page, err := s.History(ctx, w.p, opts...)
				if err != nil {
					return nil, false, err
				}
				if news, more := w.take(page); len(news) > 0 || !more {
					return news, more, nil
				}
			}
		}
	})
}

// historyWalk goes back through the records.
type historyWalk struct {
	p     UsageHistoryParams // of the next request
	last  time.Time          // the caller's To
	known seen
	// overlaps: the next page begins with a day that has been seen.
	overlaps bool
	stop     error // why there may be records that cannot be reached
}

// take tells what is new in a page, and whether there can be more.
func (w *historyWalk) take(page *UsagePage) (news []UsageRecord, more bool) {
	items := page.Items
	news = fresh(w.known, items, (*UsageRecord).key)
	oldest, newest := span(items)
	full := len(items) >= w.p.Limit
	switch {
	case w.overlaps && len(news) == len(items) && (w.last.IsZero() || day(w.p.To) < day(w.last)):
		// This server's days are not those that its records are dated in: what
		// lies between the two must not be passed over.
		w.p.To, w.overlaps = w.p.To.AddDate(0, 0, 1), false
		return news, true
	case len(items) == 0:
		return nil, w.end(false, "")
	case oldest.IsZero():
		return news, w.end(full, "the records do not say when they were made")
	case full && items[0].CreatedAt.Before(items[len(items)-1].CreatedAt.Time):
		return news, w.end(full, "the server begins with the oldest ones: go on with UsageHistoryParams.From at the last day")
	case len(news) > 0:
		w.p.To, w.overlaps = oldest, true
		if from := w.p.From; !from.IsZero() && day(oldest) < day(from) {
			w.p.To, w.overlaps = from, false
		}
		return news, true
	case full && (day(oldest) == day(newest) || newest.Sub(oldest) < 24*time.Hour): // a server's day may be two of ours
		return nil, w.end(full, fmt.Sprintf("%s has more than %d of them: go on with UsageHistoryParams.To at the day before", day(oldest), w.p.Limit))
	case day(w.p.To) < day(oldest): // and that was asked for already
		return nil, w.end(full, "the server does not keep to UsageHistoryParams.To")
	}
	w.p.To, w.overlaps = w.p.To.AddDate(0, 0, -1), false // that day is done
	if !w.p.From.IsZero() && day(w.p.To) < day(w.p.From) {
		return nil, w.end(false, "")
	}
	return nil, true
}

// end ends the walk: with an error, once what is new has been yielded, where
// there may be records that cannot be reached.
func (w *historyWalk) end(missed bool, why string) bool {
	if missed {
		w.stop = unreachable("usage records", why)
	}
	return missed
}

// span is when the oldest and the newest record were made; zero: not said.
func span(items []UsageRecord) (oldest, newest time.Time) {
	for _, r := range items {
		t := r.CreatedAt.Time
		if t.IsZero() {
			continue
		}
		if oldest.IsZero() || t.Before(oldest) {
			oldest = t
		}
		if t.After(newest) {
			newest = t
		}
	}
	return oldest, newest
}
