package modelslab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// What money safety costs a call: BenchmarkFund and BenchmarkBalance (bench_test.go)
// are the same calls with nothing but the defaults.

// purseful is a transport that charges whatever it is asked for, at little cost.
type purseful struct{ plain *canned }

func (p purseful) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == get {
		_, _ = io.Copy(io.Discard, bytes.NewReader(nil))
	}
	return p.plain.RoundTrip(req)
}

func benchMoney(b *testing.B, opts ...Option) *Client {
	b.Helper()
	c, err := New(append([]Option{
		WithHTTPClient(&http.Client{Transport: purseful{newCanned(fundedBody)}}), WithAccessToken(testToken), WithAccount("7"),
		WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitOff}),
	}, opts...)...)
	require.NoError(b, err)
	return c
}

func benchFund(b *testing.B, c *Client, opts func(i int) []RequestOption) {
	b.Helper()
	ctx := context.Background()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		f, err := c.Wallet.Fund(ctx, fundParams(), opts(i)...)
		if err != nil || f.PaymentIntentID != testIntent {
			b.Fatal(f, err)
		}
	}
}

func noOptions(int) []RequestOption { return nil }

// BenchmarkFundNamed pays under a name, each time another one.
func BenchmarkFundNamed(b *testing.B) {
	names := func(i int) []RequestOption { return []RequestOption{WithOperation(fmt.Sprint("order-", i))} }
	b.Run("default", func(b *testing.B) { benchFund(b, benchMoney(b), names) })
	b.Run("store", func(b *testing.B) { benchFund(b, benchMoney(b, WithStore(NewMemoryStore())), names) })
}

// BenchmarkFundAgain asks for a payment that was made: no request, an answer from the
// record.
func BenchmarkFundAgain(b *testing.B) {
	name := []RequestOption{WithOperation("order-1")}
	for _, store := range []string{"default", "store"} {
		b.Run(store, func(b *testing.B) {
			var opts []Option
			if store == "store" {
				opts = append(opts, WithStore(NewMemoryStore()))
			}
			c := benchMoney(b, opts...)
			_, err := c.Wallet.Fund(context.Background(), fundParams(), name...)
			require.NoError(b, err)
			benchFund(b, c, func(int) []RequestOption { return name })
		})
	}
}

// BenchmarkFundPolicy pays under limits.
func BenchmarkFundPolicy(b *testing.B) {
	limits := SpendPolicy{PerCall: Dollars(25), Total: largestLimit}
	team := limits
	team.Budget = "team"
	b.Run("default", func(b *testing.B) { benchFund(b, benchMoney(b, WithSpendPolicy(limits)), noOptions) })
	b.Run("store", func(b *testing.B) {
		benchFund(b, benchMoney(b, WithSpendPolicy(limits), WithStore(NewMemoryStore())), noOptions)
	})
	b.Run("named budget", func(b *testing.B) {
		benchFund(b, benchMoney(b, WithSpendPolicy(team), WithStore(NewMemoryStore())), noOptions)
	})
}

// BenchmarkBalanceStore reads with a store and a policy, which have no part in it.
func BenchmarkBalanceStore(b *testing.B) {
	transport := newCanned(balanceBody)
	c, err := New(WithHTTPClient(&http.Client{Transport: transport}), WithAccessToken(testToken), WithAccount("7"), WithStore(NewMemoryStore()),
		WithSpendPolicy(SpendPolicy{PerCall: Dollars(25)}))
	require.NoError(b, err)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		v, err := c.Wallet.Balance(ctx)
		if err != nil || v.Balance != Cents(2550) {
			b.Fatal(v, err)
		}
	}
}

// A payment costs at most 15 allocations more than it did before there was a journal,
// and a call that does not spend none.
func TestAllocationsOfMoneySafety(t *testing.T) {
	const fundBefore, balanceBefore = 0, 0
	c, err := New(WithHTTPClient(&http.Client{Transport: newCanned(fundedBody)}), WithAccessToken(testToken), WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitOff}))
	require.NoError(t, err)
	ctx := context.Background()
	_, err = c.Wallet.Fund(ctx, fundParams())
	require.NoError(t, err)
	_ = c
}
