package modelslab_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	modelslab "github.com/modelslab/modelslab-agents-go"
	"github.com/modelslab/modelslab-agents-go/sandbox"
)

// mostItems is more than any walk here has: one that goes on for ever ends there.
const mostItems = 5000

// collect walks to the end. An error comes last, if at all, and with nothing.
func collect[T any](t *testing.T, items iter.Seq2[*T, error]) (all []T, err error) {
	t.Helper()
	for item, problem := range items {
		switch {
		case err != nil:
			require.Fail(t, "an error is the last thing")
		case (item == nil) == (problem == nil):
			require.Fail(t, "an item or an error")
		case len(all) == mostItems:
			require.Fail(t, "it does not end")
		}
		if err = problem; err == nil {
			all = append(all, *item)
		}
	}
	return all, err
}

// whole walks to the end of something that has one.
func whole[T any](t *testing.T, items iter.Seq2[*T, error]) []T {
	t.Helper()
	all, err := collect(t, items)
	require.NoError(t, err)
	return all
}

// rows fills a wallet's ledger up to so many rows.
func rows(t *testing.T, srv *sandbox.Server, email string, n int) {
	t.Helper()
	for range n {
		srv.Account(sandbox.AccountParams{Email: email, BalanceCents: 1})
	}
}

func txIDs(items []modelslab.Transaction) []modelslab.ID {
	ids := make([]modelslab.ID, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	return ids
}

// descending checks that ids go down from first, one by one.
func descending(t *testing.T, ids []modelslab.ID, first modelslab.ID, n int) {
	t.Helper()
	want := make([]modelslab.ID, n)
	for i := range want {
		want[i] = first - modelslab.ID(i)
	}
	assert.Equal(t, want, ids)
}

// inQueries are the values of a parameter in the requests of an endpoint, in order.
func inQueries(srv *sandbox.Server, endpoint, name string) (values []string) {
	for _, r := range asked(srv, endpoint) {
		values = append(values, r.Query.Get(name))
	}
	return values
}

func TestAllTransactions(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
		rows(t, srv, "agent1@example.com", 450)
		walk := client.Wallet.AllTransactions(t.Context(), modelslab.TransactionsParams{})
		assert.Empty(t, asked(srv, "wallet.transactions"), "nothing before it is ranged over")
		all := whole(t, walk)
		descending(t, txIDs(all), 456+449, 450)
		assert.Equal(t, []string{"", "200", "400"}, inQueries(srv, "wallet.transactions", "offset"), "three requests")
		assert.Equal(t, []string{"200", "200", "200"}, inQueries(srv, "wallet.transactions", "limit"))
		assert.Equal(t, txIDs(all), txIDs(whole(t, walk)), "it begins anew")
		rest := whole(t, client.Wallet.AllTransactions(t.Context(), modelslab.TransactionsParams{Offset: 100, Limit: 175}))
		descending(t, txIDs(rest), 456+349, 350)
		assert.Equal(t, []string{"100", "275"}, inQueries(srv, "wallet.transactions", "offset")[6:])
	})
}

func TestAllTransactionsInEveryShape(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		rows(t, w.srv, w.account.Email, 44) // one is there already
		walk := w.client.Wallet.AllTransactions(t.Context(), modelslab.TransactionsParams{Limit: 20})
		all := whole(t, walk)
		descending(t, txIDs(all), 456+44, 45)
		same(t, w, "rows", all)
		offsets := []string{"", "20", "40"}
		if withoutTotal.has(w) { // then only a page without anything tells the end
			offsets = append(offsets, "45")
		}
		assert.Equal(t, offsets, inQueries(w.srv, "wallet.transactions", "offset"))
		assert.Equal(t, all, whole(t, walk), "it begins anew")
		debits := whole(t, w.client.Wallet.AllTransactions(t.Context(), modelslab.TransactionsParams{Type: modelslab.TransactionDebit}))
		assert.Empty(t, debits)
		none := whole(t, w.client.Wallet.AllTransactions(t.Context(), modelslab.TransactionsParams{Offset: 45}))
		assert.Empty(t, none)
	})
}

func TestSearchAll(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		ctx, models := t.Context(), w.client.Models
		page, err := models.Search(ctx, modelslab.ModelSearchParams{PerPage: 200})
		require.NoError(t, err)
		catalogue := page.Items
		require.Greater(t, len(catalogue), 40)
		requests := func(p modelslab.ModelSearchParams) ([]modelslab.Model, int) {
			before := len(asked(w.srv, "models.search"))
			all := whole(t, models.SearchAll(ctx, p))
			return all, len(asked(w.srv, "models.search")) - before
		}
		sizes := []int{13}
		if w.first == nil {
			sizes = []int{0, 1, 7, len(catalogue), 200}
		}
		for _, perPage := range sizes {
			all, n := requests(modelslab.ModelSearchParams{PerPage: perPage})
			assert.Equal(t, modelIDs(catalogue), modelIDs(all))
			size := perPage
			if size == 0 {
				size = 20
			}
			want := (len(catalogue) + size - 1) / size
			if withoutPages.has(w) { // where nothing tells which page is the last, an empty one does
				assert.LessOrEqual(t, n, want+1)
				assert.GreaterOrEqual(t, n, want)
			} else {
				assert.Equal(t, want, n)
			}
		}
		rest, _ := requests(modelslab.ModelSearchParams{PerPage: 20, Page: 2})
		assert.Equal(t, modelIDs(catalogue[20:]), modelIDs(rest))
		fast, _ := requests(modelslab.ModelSearchParams{PerPage: 3, Tags: []string{"fast"}, Sort: modelslab.SortAsc})
		assert.Greater(t, len(fast), 3)
		for _, m := range fast {
			assert.Contains(t, m.Tags, "fast")
		}
		none, _ := requests(modelslab.ModelSearchParams{Search: "no such thing"})
		assert.Empty(t, none)
	})
}

func modelIDs(items []modelslab.Model) (ids []string) {
	for _, item := range items {
		ids = append(ids, item.ModelID)
	}
	return ids
}

// plant enters records, so many on each of so many days up to today, one a minute.
func plant(w *sandbox.Server, email string, days, perDay int) {
	noon := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	for day := days - 1; day >= 0; day-- {
		for i := range perDay {
			w.AddUsage(email, sandbox.Usage{Cents: 1, Time: noon.AddDate(0, 0, -day).Add(time.Duration(i) * time.Minute)})
		}
	}
}

func usageIDs(items []modelslab.UsageRecord) []modelslab.ID {
	ids := make([]modelslab.ID, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	return ids
}

func TestAllHistory(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
		const days, perDay = 20, 30
		plant(srv, "agent1@example.com", days, perDay)
		all := whole(t, client.Usage.AllHistory(t.Context(), modelslab.UsageHistoryParams{}))
		descending(t, usageIDs(all), 10_000_000+days*perDay, days*perDay)
		asks := asked(srv, "usage.history")
		assert.LessOrEqual(t, len(asks), 6, "600 records, and days that are asked for twice")
		for i, r := range asks {
			assert.Equal(t, "200", r.Query.Get("limit"))
			assert.Equal(t, i > 0, r.Query.Has("to"))
		}
	})
}

func TestAllHistoryInEveryShape(t *testing.T) {
	everyShape(t, func(t *testing.T, w *world) {
		const days, perDay = 10, 4
		plant(w.srv, w.account.Email, days, perDay)
		ctx, usage, today := t.Context(), w.client.Usage, time.Now()
		walk := usage.AllHistory(ctx, modelslab.UsageHistoryParams{Limit: 10})
		all := whole(t, walk)
		descending(t, usageIDs(all), 10_000_000+days*perDay, days*perDay)
		same(t, w, "records", all)
		n := len(asked(w.srv, "usage.history"))
		assert.LessOrEqual(t, n, 8)
		assert.Equal(t, all, whole(t, walk), "it begins anew")

		// Within bounds, both of which are included.
		some := whole(t, usage.AllHistory(ctx, modelslab.UsageHistoryParams{From: today.AddDate(0, 0, -6), To: today.AddDate(0, 0, -2), Limit: 9}))
		assert.Equal(t, all[2*perDay:7*perDay], some)
		for _, r := range asked(w.srv, "usage.history")[2*n:] {
			assert.Equal(t, today.AddDate(0, 0, -6).Format(time.DateOnly), r.Query.Get("from"))
			assert.GreaterOrEqual(t, r.Query.Get("to"), r.Query.Get("from"))
		}
		oneDay := whole(t, usage.AllHistory(ctx, modelslab.UsageHistoryParams{From: today.AddDate(0, 0, -3), To: today.AddDate(0, 0, -3)}))
		assert.Equal(t, all[3*perDay:4*perDay], oneDay)
		none := whole(t, usage.AllHistory(ctx, modelslab.UsageHistoryParams{To: today.AddDate(0, 0, -days)}))
		assert.Empty(t, none)
	})
}

// A day of which the API does not show all says so, and loses nothing that was shown.
func TestAllHistoryOfABusyDay(t *testing.T) {
	for _, tt := range []struct {
		perDay, limit int
		tooMany       bool
	}{{199, 0, false}, {201, 0, true}, {450, 0, true}, {9, 10, false}, {11, 10, true}} {
		t.Run(fmt.Sprintf("%d records, %d a page", tt.perDay, tt.limit), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
				const email = "agent1@example.com"
				plant(srv, email, 3, tt.perDay)
				all, err := collect(t, client.Usage.AllHistory(t.Context(), modelslab.UsageHistoryParams{Limit: tt.limit}))
				if !tt.tooMany {
					require.NoError(t, err)
					descending(t, usageIDs(all), 10_000_000+modelslab.ID(3*tt.perDay), 3*tt.perDay)
					return
				}
				limit := tt.limit
				if limit == 0 {
					limit = 200
				}
				require.Error(t, err)
				assert.Contains(t, err.Error(), time.Now().UTC().Format(time.DateOnly), "which day")
				assert.Contains(t, err.Error(), strconv.Itoa(limit), "how many")
				descending(t, usageIDs(all), 10_000_000+modelslab.ID(3*tt.perDay), limit)
				// The error says how to go on, and so it does.
				yesterday := time.Now().AddDate(0, 0, -1)
				rest, err := collect(t, client.Usage.AllHistory(t.Context(), modelslab.UsageHistoryParams{To: yesterday, Limit: tt.limit}))
				require.Error(t, err)
				descending(t, usageIDs(rest), 10_000_000+modelslab.ID(2*tt.perDay), limit)
			})
		})
	}
}

// walks are the three of them over a server that has more than a page for each, as a
// count of items.
var walks = map[string]struct {
	endpoint string
	walk     func(context.Context, *modelslab.Client) iter.Seq2[modelslab.ID, error]
}{
	"AllTransactions": {"wallet.transactions", func(ctx context.Context, c *modelslab.Client) iter.Seq2[modelslab.ID, error] {
		return counted(c.Wallet.AllTransactions(ctx, modelslab.TransactionsParams{Limit: 10}), func(tx *modelslab.Transaction) modelslab.ID { return tx.ID })
	}},
	"SearchAll": {"models.search", func(ctx context.Context, c *modelslab.Client) iter.Seq2[modelslab.ID, error] {
		return counted(c.Models.SearchAll(ctx, modelslab.ModelSearchParams{PerPage: 10}), func(*modelslab.Model) modelslab.ID { return 0 })
	}},
	"AllHistory": {"usage.history", func(ctx context.Context, c *modelslab.Client) iter.Seq2[modelslab.ID, error] {
		return counted(c.Usage.AllHistory(ctx, modelslab.UsageHistoryParams{Limit: 10}), func(r *modelslab.UsageRecord) modelslab.ID { return r.ID })
	}},
}

func counted[T any](items iter.Seq2[*T, error], id func(*T) modelslab.ID) iter.Seq2[modelslab.ID, error] {
	return func(yield func(modelslab.ID, error) bool) {
		for item, err := range items {
			if err != nil {
				yield(-1, err)
				return
			}
			if !yield(id(item), nil) {
				return
			}
		}
	}
}

// eachWalk runs a test for each of them at a server with some forty items for each.
func eachWalk(t *testing.T, test func(t *testing.T, srv *sandbox.Server, endpoint string, walk func(context.Context) iter.Seq2[modelslab.ID, error])) {
	t.Helper()
	for name, w := range walks {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
				rows(t, srv, "agent1@example.com", 40)
				plant(srv, "agent1@example.com", 10, 4)
				test(t, srv, w.endpoint, func(ctx context.Context) iter.Seq2[modelslab.ID, error] { return w.walk(ctx, client) })
			})
		})
	}
}

func TestWalksAreLazy(t *testing.T) {
	eachWalk(t, func(t *testing.T, srv *sandbox.Server, endpoint string, walk func(context.Context) iter.Seq2[modelslab.ID, error]) {
		items := walk(t.Context())
		assert.Empty(t, asked(srv, endpoint))
		for _, err := range items {
			require.NoError(t, err)
			break
		}
		assert.Len(t, asked(srv, endpoint), 1)
		n := 0
		for _, err := range items {
			require.NoError(t, err)
			if n++; n == 10 {
				break
			}
		}
		assert.Len(t, asked(srv, endpoint), 2, "the first page once more, and no second one")
	})
}

func TestWalksEndWithTheContext(t *testing.T) {
	eachWalk(t, func(t *testing.T, srv *sandbox.Server, endpoint string, walk func(context.Context) iter.Seq2[modelslab.ID, error]) {
		ctx, cancel := context.WithCancel(t.Context())
		n, errors := 0, 0
		for _, err := range walk(ctx) {
			assert.Zero(t, errors, "an error is the last thing")
			if err != nil {
				errors++
				require.ErrorIs(t, err, context.Canceled)
				continue
			}
			if n++; n == 3 {
				cancel()
			}
		}
		cancel()
		assert.Equal(t, 1, errors)
		assert.LessOrEqual(t, n, 10, "no more than the page at hand")
		assert.Len(t, asked(srv, endpoint), 1)

		_, err := first(walk(ctx))
		require.ErrorIs(t, err, context.Canceled)
		assert.Len(t, asked(srv, endpoint), 1, "over before it began")
	})
}

// first is what comes first.
func first[T any](items iter.Seq2[T, error]) (T, error) {
	for item, err := range items {
		return item, err
	}
	var none T
	return none, nil
}

func TestWalksEndWithAnError(t *testing.T) {
	eachWalk(t, func(t *testing.T, srv *sandbox.Server, endpoint string, walk func(context.Context) iter.Seq2[modelslab.ID, error]) {
		n, problems := 0, []error{}
		for _, err := range walk(t.Context()) {
			if err != nil {
				problems = append(problems, err)
				continue
			}
			assert.Empty(t, problems)
			if n++; n == 10 {
				srv.Inject(sandbox.Fault{Endpoint: endpoint, Kind: sandbox.FaultAnswer, Status: 403, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"message":"Not now."}`)})
			}
		}
		require.Len(t, problems, 1)
		require.ErrorIs(t, problems[0], modelslab.ErrPermissionDenied)
		assert.Equal(t, 10, n)
		assert.Len(t, asked(srv, endpoint), 2)

		// A page that is lost on the way is asked for again: no item less, and none twice.
		srv.Inject(sandbox.Fault{Endpoint: endpoint, Kind: sandbox.FaultCutBody})
		srv.Inject(sandbox.Fault{Endpoint: endpoint, Kind: sandbox.Fault502})
		n = 0
		for _, err := range walk(t.Context()) {
			require.NoError(t, err)
			n++
		}
		assert.GreaterOrEqual(t, n, 40)
		assert.LessOrEqual(t, n, 46)
	})
}

// While one reads, new rows push old ones over to the next page.
func TestAllTransactionsWhileRowsArrive(t *testing.T) {
	for _, tt := range []struct{ limit, arrive int }{{200, 5}, {200, 199}, {10, 3}, {10, 9}, {4, 6}, {2, 3}, {10, 25}} {
		t.Run(fmt.Sprintf("%d new ones a page of %d", tt.arrive, tt.limit), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *sandbox.Server, client *modelslab.Client) {
				const email = "agent1@example.com"
				there := max(3*tt.limit, 30)
				rows(t, srv, email, there)
				seen := map[modelslab.ID]int{}
				n, pages := 0, 0
				for tx, err := range client.Wallet.AllTransactions(t.Context(), modelslab.TransactionsParams{Limit: tt.limit}) {
					require.NoError(t, err)
					if n++; n > mostItems {
						require.Fail(t, "it does not end")
					}
					seen[tx.ID]++
					if sent := len(asked(srv, "wallet.transactions")); sent > pages && sent < 4 { // the first of a page
						pages = sent
						rows(t, srv, email, tt.arrive)
					}
				}
				var missed, twice []modelslab.ID
				for i := range there { // what arrives in the meantime may be read or not
					if id := 456 + modelslab.ID(i); seen[id] == 0 {
						missed = append(missed, id)
					}
				}
				for id, times := range seen {
					if times > 1 {
						twice = append(twice, id)
					}
				}
				assert.Empty(t, missed, "whatever was there at the start is read")
				assert.Empty(t, twice, "once")
			})
		})
	}
}

// answersTo is a server of one's own: a body for each query. It gives up after a while,
// so that a walk that goes on for ever is seen.
type answersTo struct {
	answer func(n int, q url.Values) string
	n      int
	t      *testing.T
}

func (s *answersTo) RoundTrip(r *http.Request) (*http.Response, error) {
	s.n++
	status := http.StatusOK
	if s.n > 30 {
		s.t.Error("it does not end")
		status = http.StatusForbidden
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(s.answer(s.n, r.URL.Query()))), ContentLength: -1,
	}, nil
}

func serverOf(t *testing.T, answer func(n int, q url.Values) string) (*answersTo, *modelslab.Client) {
	t.Helper()
	s := &answersTo{answer: answer, t: t}
	client, err := modelslab.New(modelslab.WithHTTPClient(&http.Client{Transport: s}), modelslab.WithAccessToken("1|token"))
	require.NoError(t, err)
	return s, client
}

// element is a row that is good for each of the lists: a number, and a day in February.
func element(id, day int) string {
	return fmt.Sprintf(`{"id":%d,"model_id":"m%d","amount":1,"type":"credit","created_at":"2026-02-%02dT10:00:00Z"}`, id, id, day)
}

// elements are rows from one id down to another, two a day.
func elements(from, to int) []string {
	var list []string
	for id := from; id >= to; id-- {
		list = append(list, element(id, 1+id/2))
	}
	return list
}

func bare(list []string) string { return "[" + strings.Join(list, ",") + "]" }

// lists are the three of them at any server.
var lists = map[string]func(context.Context, *modelslab.Client) ([]int, error){
	"AllTransactions": func(ctx context.Context, c *modelslab.Client) (ids []int, err error) {
		for tx, problem := range c.Wallet.AllTransactions(ctx, modelslab.TransactionsParams{Limit: 10}) {
			if err = problem; err == nil {
				ids = append(ids, int(tx.ID))
			}
		}
		return ids, err
	},
	"SearchAll": func(ctx context.Context, c *modelslab.Client) (ids []int, err error) {
		for m, problem := range c.Models.SearchAll(ctx, modelslab.ModelSearchParams{PerPage: 10}) {
			if err = problem; err == nil {
				id, _ := strconv.Atoi(m.ModelID[1:])
				ids = append(ids, id)
			}
		}
		return ids, err
	},
	"AllHistory": func(ctx context.Context, c *modelslab.Client) (ids []int, err error) {
		for r, problem := range c.Usage.AllHistory(ctx, modelslab.UsageHistoryParams{Limit: 10}) {
			if err = problem; err == nil {
				ids = append(ids, int(r.ID))
			}
		}
		return ids, err
	},
}

func downFrom(from, to int) (ids []int) {
	for id := from; id >= to; id-- {
		ids = append(ids, id)
	}
	return ids
}

// A server that does not know page, offset or to sends the same for ever: once is enough.
func TestWalksOfAServerWithoutPages(t *testing.T) {
	for size, body := range map[int]string{
		6: bare(elements(6, 1)), 10: bare(elements(10, 1)), 25: bare(elements(25, 1)), 1: bare(elements(1, 1)), 0: `[]`,
	} {
		for shape, wrap := range map[string]string{
			"bare":                     `{"data":%s,"error":null}`,
			"with a total":             `{"data":{"items":%s,"total":1000},"error":null}`,
			"with pages that it lacks": `{"data":{"items":%s,"pagination":{"total":1000,"last_page":100,"current_page":1,"per_page":10}},"error":null}`,
			"with a total of its own":  `{"data":{"items":%s,"count":` + strconv.Itoa(size) + `,"total":` + strconv.Itoa(size) + `},"error":null}`,
		} {
			for name, read := range lists {
				t.Run(fmt.Sprintf("%s/%d %s", name, size, shape), func(t *testing.T) {
					srv, client := serverOf(t, func(int, url.Values) string { return fmt.Sprintf(wrap, body) })
					ids, err := read(t.Context(), client)
					assert.Equal(t, downFrom(size, 1), ids)
					assert.LessOrEqual(t, srv.n, 3)
					if err != nil { // of the history alone: more than asked for, of several days
						assert.Equal(t, "AllHistory", name)
						assert.GreaterOrEqual(t, size, 10)
						assert.NotContains(t, err.Error(), "more than", "no day here has more than two")
					}
				})
			}
		}
	}
}

// One that begins anew behind its last page is no endless list either.
func TestWalksOfAServerThatBeginsAnew(t *testing.T) {
	for name, read := range lists {
		if name == "AllHistory" {
			continue // it has no pages
		}
		for _, pages := range []int{2, 3} {
			t.Run(fmt.Sprintf("%s/%d pages", name, pages), func(t *testing.T) {
				_, client := serverOf(t, func(_ int, q url.Values) string {
					page := 0
					if offset, _ := strconv.Atoi(q.Get("offset")); offset > 0 {
						page = offset / 10
					}
					if n, _ := strconv.Atoi(q.Get("page")); n > 0 {
						page = n - 1
					}
					from := 10 * (pages - page%pages)
					return `{"data":` + bare(elements(from, from-9)) + `}`
				})
				ids, err := read(t.Context(), client)
				require.NoError(t, err)
				assert.Equal(t, downFrom(10*pages, 1), ids)
			})
		}
	}
}

// A total that is wrong loses nothing, and does not go on for ever.
func TestWalksOfAServerThatCannotCount(t *testing.T) {
	for total, want := range map[int]int{0: 25, 1000: 25, 25: 25} {
		for name, read := range lists {
			if name == "AllHistory" {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", name, total), func(t *testing.T) {
				_, client := serverOf(t, func(_ int, q url.Values) string {
					skip, _ := strconv.Atoi(q.Get("offset"))
					if n, _ := strconv.Atoi(q.Get("page")); n > 0 {
						skip = 10 * (n - 1)
					}
					rest := elements(25-skip, 1)
					return fmt.Sprintf(`{"data":{"items":%s,"total":%d}}`, bare(rest[:min(10, len(rest))]), total)
				})
				ids, err := read(t.Context(), client)
				require.NoError(t, err)
				assert.Equal(t, downFrom(want, 1), ids)
			})
		}
	}
}

// historyOf is a server with a history, of which it shows so many records at once, in
// whatever order it likes.
func historyOf(t *testing.T, records []string, limit int, oldestFirst bool) (*answersTo, *modelslab.Client) {
	t.Helper()
	return serverOf(t, func(_ int, q url.Values) string {
		var found []string
		for _, r := range records {
			_, created, _ := strings.Cut(r, `"created_at":"`)
			if day := created[:10]; q.Get("to") == "" || day <= q.Get("to") {
				found = append(found, r)
			}
		}
		if oldestFirst {
			slices.Reverse(found)
		}
		return `{"data":` + bare(found[:min(limit, len(found))]) + `}`
	})
}

// No word of the documentation says that the newest comes first. Where the oldest does,
// what a page does not show cannot be reached by moving back: silence would be a lie.
func TestAllHistoryOfAServerThatBeginsWithTheOldest(t *testing.T) {
	_, client := historyOf(t, elements(9, 1), 10, true)
	ids, err := lists["AllHistory"](t.Context(), client)
	require.NoError(t, err)
	slices.Sort(ids)
	assert.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8, 9}, ids, "all of it in one page")

	_, client = historyOf(t, elements(25, 1), 10, true)
	ids, err = lists["AllHistory"](t.Context(), client)
	if err == nil {
		slices.Sort(ids)
		assert.Len(t, ids, 25, "all of it, or an error")
	}
}

// A page that is full and tells no times cannot be gone on from.
func TestAllHistoryWithoutTimes(t *testing.T) {
	timeless := func(n int) string {
		var list []string
		for id := range n {
			list = append(list, fmt.Sprintf(`{"id":%d}`, id+1))
		}
		return `{"data":` + bare(list) + `}`
	}
	_, client := serverOf(t, func(int, url.Values) string { return timeless(4) })
	ids, err := lists["AllHistory"](t.Context(), client)
	require.NoError(t, err)
	assert.Len(t, ids, 4)
	_, client = serverOf(t, func(int, url.Values) string { return timeless(10) })
	ids, err = lists["AllHistory"](t.Context(), client)
	assert.Len(t, ids, 10)
	require.Error(t, err, "there may be more, and no way to it")
}

// A server that shows fewer than it is asked for at once is read to its end all the same.
func TestWalksOfAServerWithSmallerPages(t *testing.T) {
	_, client := historyOf(t, elements(25, 1), 4, false)
	ids, err := lists["AllHistory"](t.Context(), client)
	require.NoError(t, err)
	assert.Equal(t, downFrom(25, 1), ids)

	for name, read := range lists {
		if name != "AllTransactions" {
			continue
		}
		_, client := serverOf(t, func(_ int, q url.Values) string {
			skip, _ := strconv.Atoi(q.Get("offset"))
			rest := elements(25-skip, 1)
			return `{"data":` + bare(rest[:min(4, len(rest))]) + `}`
		})
		ids, err := read(t.Context(), client)
		require.NoError(t, err)
		assert.Equal(t, downFrom(25, 1), ids)
	}
}
