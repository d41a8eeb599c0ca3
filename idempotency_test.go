package modelslab

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKeysOfTheCallersAreChecked(t *testing.T) {
	net := scripted(says(200, fundedBody))
	c := stubbed(t, net)
	for _, key := range []string{
		"", " ", " k", "k ", "k\n", "k\r\nX-Evil: 1", "k\x00", "k\x7f", "k\t1", "schlüssel", "k\xff", strings.Repeat("k", 256),
	} {
		assertParam(t, "WithIdempotencyKey", roadCalls[1].do(t.Context(), c, WithIdempotencyKey(key)))
	}
	assert.Zero(t, net.count())
	for i, key := range []string{"k", "fund-25-20260220-abc", "a key with spaces", strings.Repeat("k", 255), `!"#$%&'()*+,-./:;<=>?@[\]^_{|}~`} {
		var resp Response
		require.NoError(t, roadCalls[1].do(t.Context(), c, WithIdempotencyKey(key), WithResponse(&resp)))
		assert.Equal(t, key, net.requests()[i].key())
		assert.Equal(t, key, resp.IdempotencyKey)
	}
}

func TestNamesOfOperationsAreChecked(t *testing.T) {
	net := scripted(says(200, fundedBody))
	c := stubbed(t, net)
	for _, name := range []string{"", strings.Repeat("n", 201)} {
		assertParam(t, "WithOperation", roadCalls[1].do(t.Context(), c, WithOperation(name)))
	}
	assertParam(t, "WithOperation", roadCalls[1].do(t.Context(), c, WithOperation("o"), WithIdempotencyKey("k")))
	assertParam(t, "WithOperation", roadCalls[1].do(t.Context(), c, WithIdempotencyKey("k"), WithOperation("o")))
	assert.Zero(t, net.count())
	require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation(strings.Repeat("n", 200))))
	require.NoError(t, roadCalls[1].do(t.Context(), c, WithOperation("Größe 25 €")))
	for _, r := range net.requests() {
		assert.Regexp(t, `^mla1-[0-9a-f]{40}$`, r.key(), "whatever the name, its key can be sent")
	}
}

func TestEveryErrorOfAKeyedCallHoldsTheKey(t *testing.T) {
	for name, answer := range map[string]step{
		"declined": says(402, declinedBody), "action": says(202, actionBody), "refused": says(422, ``), "unauthenticated": says(401, ``),
		"rate limited": says(429, ``), "server": says(500, ``), "lost": breaks(fmt.Errorf("reset")), "cut short": breaksOff(200, `{`),
		"no JSON": says(200, badGateway), "no data": says(200, `{"data":null}`),
	} {
		t.Run(name, func(t *testing.T) {
			net := scripted(answer)
			var resp Response
			err := roadCalls[1].do(t.Context(), stubbed(t, net), WithResponse(&resp))
			require.Error(t, err)
			key := net.requests()[0].key()
			assert.Equal(t, key, resp.IdempotencyKey)
			if api, ok := as[*APIError](err); ok {
				assert.Equal(t, key, api.IdempotencyKey)
			}
			if unknown, ok := as[*OutcomeUnknownError](err); ok {
				assert.Equal(t, key, unknown.IdempotencyKey)
			} else {
				assert.NotErrorIs(t, err, ErrOutcomeUnknown)
			}
		})
	}
}

func TestAnUnknownOutcomeNamesTheOperation(t *testing.T) {
	err := roadCalls[1].do(t.Context(), stubbed(t, scripted(says(500, ``))), WithOperation("order-1"))
	unknown, ok := as[*OutcomeUnknownError](err)
	require.True(t, ok)
	assert.Equal(t, "order-1", unknown.Operation)
	assert.Equal(t, "wallet.fund", unknown.Endpoint)
	assert.Equal(t, derived("7", "wallet.fund", "order-1", "1"), unknown.IdempotencyKey)
}

func TestTheMemoryOfKeysIsBounded(t *testing.T) {
	var k keysInUse
	busy := fingerprint(post, "/busy", nil)
	require.NoError(t, k.take("busy", busy))
	for i := range maxKeysInUse + 100 {
		key := fmt.Sprint("k-", i)
		require.NoError(t, k.take(key, fingerprint(post, "/", nil)))
		k.release(key, true)
	}
	assert.LessOrEqual(t, len(k.m), maxKeysInUse)
	require.ErrorIs(t, k.take("busy", fingerprint(post, "/busy", []byte("other"))), ErrOperationMismatch, "a call on its way is never dropped")
}

func TestKeysAreClaimedByOneRequestAtATime(t *testing.T) {
	var k keysInUse
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := map[string]int{}
	for i := range 64 {
		wg.Go(func() {
			body := fmt.Sprint(i % 4)
			if k.take("k", fingerprint(post, "/", []byte(body))) == nil {
				mu.Lock()
				won[body]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	assert.Len(t, won, 1, "only calls with one body have it")
	for _, n := range won {
		assert.Equal(t, 16, n, "and each of those")
	}
}

func TestFingerprintsTellRequestsApart(t *testing.T) {
	seen := map[[32]byte]bool{}
	for _, f := range [][32]byte{
		fingerprint(post, "/a", []byte("b")), fingerprint(put, "/a", []byte("b")), fingerprint(post, "/ab", nil), fingerprint(post, "/a", []byte("c")), fingerprint(post, "/a", nil),
	} {
		assert.False(t, seen[f])
		seen[f] = true
	}
	assert.Equal(t, fingerprint(post, "/a", []byte("b")), fingerprint(post, "/a", []byte("b")))
}

func TestAKeyStandsForOneQueryToo(t *testing.T) {
	rt := scripted(says(200, `{"data":{"message":"Done."}}`))
	c := stubbed(t, rt)
	remove := func(id string) error {
		return c.Call(t.Context(), del, "/servers", url.Values{"id": {id}}, nil, WithIdempotencyKey("gone"))
	}
	require.NoError(t, remove("1"))
	require.NoError(t, remove("1"))
	require.ErrorIs(t, remove("2"), ErrOperationMismatch)
	assert.Equal(t, 1, rt.count(), "the second one is answered from the journal")
}
