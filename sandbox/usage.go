package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Usage is one call of the generation API, as the usage history tells of it.
type Usage struct {
	Type     string // "" is "image_generation"
	Endpoint string // "/api/v6/images/text2img"
	Status   string // "" is "success"
	Cents    int64
	Time     time.Time // zero is now, by the server's clock
}

const (
	usageImages  = "image_generation"
	usageSuccess = "success"
)

type usageRecord struct {
	Usage
	id int64
}

// AddUsage enters records into the usage of an account, beside those of its generations.
// They tell of money without moving any: the wallet stays as it is. It panics if nobody
// has the address.
func (s *Server) AddUsage(email string, records ...Usage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byEmail[normalEmail(email)]
	if a == nil {
		panic(fmt.Sprintf("sandbox: nobody has the address %q", email))
	}
	for _, u := range records {
		u.Type, u.Status = cmp.Or(u.Type, usageImages), cmp.Or(u.Status, usageSuccess)
		if u.Time.IsZero() {
			u.Time = s.clock()
		}
		// Numbered like generations, so that no two records share an id.
		a.usage = append(a.usage, usageRecord{Usage: u, id: s.nextID("generation", 10_000_001)})
	}
}

// usageOf lists the generations and the planted records of an account, oldest first.
func (s *Server) usageOf(a *account) []usageRecord {
	list := slices.Clone(a.usage)
	for _, j := range s.jobs {
		if j.account == a {
			list = append(list, s.jobUsage(j))
		}
	}
	slices.SortFunc(list, func(x, y usageRecord) int {
		return cmp.Or(x.Time.Compare(y.Time), cmp.Compare(x.id, y.id))
	})
	return list
}

func (s *Server) jobUsage(j *job) usageRecord {
	u := Usage{Type: j.row.usage(), Endpoint: j.row.path, Status: usageSuccess, Cents: j.cost, Time: j.created}
	switch {
	case s.clock().Before(j.ready):
		u.Status = "processing"
	case s.generationOutcome != GenerationSucceeds:
		u.Status = "failed"
	}
	if j.refunded {
		u.Cents = 0
	}
	return usageRecord{Usage: u, id: j.id}
}

func (s *Server) usageSummary(c *call) answer {
	used, records := int64(0), s.usageOf(c.account)
	for _, u := range records {
		used += u.Cents
	}
	balance := s.dollars(c.account.wallet.balance)
	return c.ok(object{
		"total_calls": len(records), "credits_used": s.dollars(used), "credits_remaining": balance,
		"wallet": object{"balance": balance, "currency": "USD"},
	})
}

// usageProducts names everything twice, as its two sources do. No plan of the sandbox
// limits the number of calls.
func (s *Server) usageProducts(c *call) answer {
	calls, cents := map[string]int{}, map[string]int64{}
	var products []string // in the order of first use
	for _, u := range s.usageOf(c.account) {
		if calls[u.Type] == 0 {
			products = append(products, u.Type)
		}
		calls[u.Type]++
		cents[u.Type] += u.Cents
	}
	list := []any{}
	for _, p := range products {
		list = append(list, object{
			"product": p, "name": p, "requests": calls[p], "calls": calls[p],
			"cost": s.dollars(cents[p]), "limit": nil, "remaining": nil,
		})
	}
	return c.ok(list)
}

// Page sizes of the history, as documented.
const (
	defaultHistory = 100
	largestHistory = 200
)

func (s *Server) usageHistory(c *call) answer {
	problems := bag{}
	from, to := c.queryDay("from", problems), c.queryDay("to", problems)
	if !from.IsZero() && !to.IsZero() && to.Before(from) {
		problems.add("to", "The to field must be a date after or equal to from.")
	}
	limit := c.queryNumber("limit", defaultHistory, 1, largestHistory, problems)
	if len(problems) > 0 {
		return c.invalid(problems)
	}
	list := []any{}
	records := s.usageOf(c.account)
	for i := len(records) - 1; i >= 0 && len(list) < limit; i-- { // newest first
		u := records[i]
		if u.Time.Before(from) || !to.IsZero() && !u.Time.Before(to.AddDate(0, 0, 1)) {
			continue
		}
		list = append(list, object{
			"id": u.id, "type": u.Type, "endpoint": u.Endpoint, "status": u.Status,
			"cost": s.dollars(u.Cents), "created_at": timestamp(u.Time),
		})
	}
	return c.ok(list)
}

// queryDay reads a date from the query, in UTC, or says what is wrong with it. The zero
// time is none.
func (c *call) queryDay(name string, problems bag) time.Time {
	text := c.log.Query.Get(name)
	if text == "" {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		problems.add(name, "The %s field must match the format Y-m-d.", name)
	}
	return day
}
