package modelslab

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What money safety costs a call: BenchmarkFund and BenchmarkBalance (bench_test.go)
// are the same calls with nothing but the defaults.

func benchMoney(b *testing.B, opts ...Option) *Client {
	b.Helper()
	c, err := New(append([]Option{
		WithHTTPClient(&http.Client{Transport: newCanned(fundedBody)}), WithAccessToken(testToken), WithAccount("7"),
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

// fewest is the least that a call allocates: pools make it more by chance.
func fewest(t *testing.T, call func(i int) error) float64 {
	t.Helper()
	least := 1e9
	for i := range 60 {
		least = min(least, testing.AllocsPerRun(1, func() { require.NoError(t, call(i)) }))
	}
	return least
}

// A payment costs at most 15 allocations more than it did before there was a journal,
// and a call that does not spend none.
func TestAllocationsOfMoneySafety(t *testing.T) {
	const balanceBefore, fundBefore, namedBefore, submitBefore, mostMore = 15, 31, 38, 61, 15
	ctx := context.Background()
	client := func(body string, opts ...Option) *Client {
		c, err := New(append([]Option{WithHTTPClient(&http.Client{Transport: newCanned(body)}), WithAccessToken(testToken), WithRateLimitPolicy(RateLimitPolicy{Mode: RateLimitOff})}, opts...)...)
		require.NoError(t, err)
		return c
	}
	reading := map[string]*Client{
		"defaults": client(balanceBody), "a store": client(balanceBody, WithStore(NewMemoryStore()), WithAccount("7")), "a policy": client(balanceBody, WithSpendPolicy(SpendPolicy{PerCall: Dollars(25)}), WithAccount("7")),
	}
	for name, c := range reading {
		assert.LessOrEqual(t, fewest(t, func(int) error { return second(c.Wallet.Balance(ctx)) }), float64(balanceBefore), "reading, %s", name)
	}
	c := client(fundedBody)
	assert.LessOrEqual(t, fewest(t, func(int) error { return second(c.Wallet.Fund(ctx, fundParams())) }), float64(fundBefore+mostMore), "an unnamed payment")
	c = client(fundedBody, WithAccount("7"))
	n := 0
	assert.LessOrEqual(t, fewest(t, func(int) error {
		n++
		return second(c.Wallet.Fund(ctx, fundParams(), WithOperation(fmt.Sprint("order-", n))))
	}), float64(namedBefore+mostMore), "a named payment")
	c = mustWith(t, client(processingBody), WithAPIKey(testKey))
	params := TextToImageParams{ModelID: "flux", Prompt: "a lighthouse", Width: 512, Height: 512}
	assert.LessOrEqual(t, fewest(t, func(int) error { return second(c.Generation.Images.TextToImage(ctx, params)) }), float64(submitBefore+mostMore), "a submission")
}
