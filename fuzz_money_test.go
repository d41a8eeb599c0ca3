package modelslab

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzReadBook gives any bytes to whatever reads the journal. Each is an error, or a
// book that is written and read back the same; and a client with such a store never
// panics, and never sends a payment that it could not write down.
func FuzzReadBook(f *testing.F) {
	net := newTeller(map[string][]step{fundPath: {says(500, ""), funded(Dollars(25)), says(402, declinedBody)}, "GET /wallet/transactions": {says(200, `{"data":[]}`)}})
	store := NewMemoryStore()
	c := stubbed(f, net, WithStore(store), hasty(1), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(1000)}))
	for i := range 4 {
		_ = roadCalls[1].do(f.Context(), c, WithOperation(fmt.Sprint("order-", i)))
		for _, value := range contents(f, store) {
			f.Add([]byte(value))
		}
	}
	for _, value := range damaged {
		f.Add([]byte(value))
	}
	for _, value := range []string{
		`{"v":1,"seq":1,"ops":[]}`, `{"v":1,"ops":[{"id":"n1","try":1,"state":"sent","body":{"a":1},"answer":null}]}`, `{"v":1,"ops":[{"id":"n1","try":1,"state":"of next year"}]}`,
		`{"v":1,"ops":[{"id":"n1","try":1},{"id":"n1","try":1}]}`, `{"v":1,"purse":{"spent":1e18,"recent":[1,25,2]},"ops":[]}`, `{"v":1,"purse":{"recent":[5,25,1,-25]},"ops":[]}`,
		`{"v":1,"purse":{"holds":[{"op":"n1","try":1,"amount":9e17},{"op":"n1","try":1,"amount":9e17}]},"ops":[]}`, `{"v":1,"at":9223372036854775807,"ops":[{"id":"n1","try":9223372036854775807,"first":-1}]}`,
		`{"v":1,"tries":[{"id":"` + operationID("order-1") + `","try":1,"state":"succeeded","endpoint":"wallet.fund","answer":"x","status":200}]}`,
		`{"v":1,"tries":[{"id":"` + operationID("order-1") + `","try":1,"state":"declined","endpoint":"wallet.fund","print":"","status":99999}]}`, "{\"v\":1,\"ops\":[{\"id\":\"\xff\",\"try\":1}]}",
	} {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := readBook(raw)
		if err != nil {
			oneLine(t, err)
			require.Nil(t, b)
		} else {
			first, err := b.encode()
			require.NoError(t, err)
			again, err := readBook(first)
			require.NoError(t, err)
			second, err := again.encode()
			require.NoError(t, err)
			require.Equal(t, string(first), string(second))
			require.Len(t, again.Ops, len(b.Ops))
			for i, r := range b.Ops {
				require.Equal(t, r.State, again.Ops[i].State)
				require.Equal(t, r.Paid, again.Ops[i].Paid)
				require.Equal(t, r.open(), again.Ops[i].open())
			}
			require.Equal(t, b.Purse, again.Purse)
		}
		if len(raw) == 0 {
			return
		}
		for _, key := range []string{theBook, theSpace + "op/" + operationID("order-1"), "mla1/https://modelslab.com/budget/team", frozenKey} {
			store := NewMemoryStore()
			_, err := store.Swap(t.Context(), key, nil, raw, 0)
			require.NoError(t, err)
			net := newTeller(map[string][]step{fundPath: {says(500, "")}, "GET /wallet/transactions": {says(200, `{"data":[]}`)}, "GET /subscriptions": {says(200, `{"data":[]}`)}})
			c := stubbed(t, net, WithStore(store), hasty(1), WithSpendPolicy(SpendPolicy{Budget: "team", Total: Dollars(1000)}))
			unknown := 0
			for _, opts := range [][]RequestOption{{WithOperation("order-1")}, {WithOperation("order-1"), WithNewTry()}, nil, {WithOperation("order-2")}} {
				sent := len(net.sent())
				var resp Response
				err := roadCalls[1].do(t.Context(), c, append(opts, WithResponse(&resp))...)
				if len(net.sent()) > sent {
					require.ErrorIs(t, err, ErrOutcomeUnknown)
					require.NoError(t, resp.JournalErr, "what was sent is written down")
					unknown++
				}
			}
			if ops, err := c.Pending(t.Context()); err == nil {
				for _, op := range ops {
					_, _ = c.Settle(t.Context(), op)
				}
			}
			for _, err := range c.Ledger(t.Context()) {
				_ = err
				continue
			}
			for _, r := range net.requests() {
				assert.True(t, r.Method == get || strings.HasSuffix(r.Path, "/wallet/fund") || r.Method == http.MethodPost || r.Method == put, r.Path)
			}
		}
	})
}

// FuzzPurse pays, holds and gives back whatever the bytes say, beside an exact account
// of it. The purse never counts less, its total is exact, and it reads back the same.
func FuzzPurse(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Add([]byte{0, 0, 0, 0, 1, 255, 255, 255, 2, 0, 0, 0})
	long := make([]byte, 4*600)
	for i := range long {
		long[i] = byte(i*i + i/7)
	}
	f.Add(long)
	f.Fuzz(func(t *testing.T, steps []byte) {
		p, exact := &purse{}, &exactPurse{holds: map[string]Amount{}}
		now := int64(1_700_000_000_000)
		if len(steps) > 4*4000 {
			steps = steps[:4*4000]
		}
		for i := 0; i+4 <= len(steps); i += 4 {
			kind, n := steps[i], int64(binary.BigEndian.Uint16(steps[i+2:]))
			now += int64(steps[i+1]) * int64(steps[i+1]) * []int64{0, 1, 1000, 60_000}[kind>>6]
			r := &entry{ID: fmt.Sprint("op-", kind&15), Try: 1, Hold: Cents(n), Amount: Cents(n)}
			switch (kind >> 4) & 3 {
			case 0:
				p.hold(r, 0, "")
				exact.holds[r.ID] = r.Hold
			case 1:
				p.release(r)
				delete(exact.holds, r.ID)
			default:
				r.Paid = r.Hold
				p.charge(r, now)
				delete(exact.holds, r.ID)
				exact.charges = append(exact.charges, spending{now, r.Paid})
			}
		}
		require.LessOrEqual(t, len(p.Recent), mostRecent)
		total, err := p.used(0, &entry{})
		require.NoError(t, err)
		require.Equal(t, exact.used(t, 0), total)
		for _, since := range []int64{now, now - 1, now - 1000, now - 60_000, now - 3_600_000, now - 86_400_000, 1_700_000_000_000, 1} {
			used, err := p.used(since, &entry{})
			require.NoError(t, err)
			require.False(t, used.Less(exact.used(t, since)), "since %d: %s of %s", since, used, exact.used(t, since))
			require.False(t, total.Less(used))
		}
		enc, err := json.Marshal(p)
		require.NoError(t, err)
		var again purse
		require.NoError(t, json.Unmarshal(enc, &again))
		for _, since := range []int64{0, 1, now - 60_000} {
			was, err := p.used(since, &entry{})
			require.NoError(t, err)
			is, err := again.used(since, &entry{})
			require.NoError(t, err)
			require.Equal(t, was, is)
		}
	})
}
