package redis_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	store "github.com/modelslab/modelslab-agents-go/store/redis"
	"github.com/modelslab/modelslab-agents-go/store/redis/redistest"
)

// proxy stands between a client and a server, and cuts connections over scripts.
type proxy struct {
	t      *testing.T
	server string
	addr   string

	mu     sync.Mutex
	cut    int // connections to be cut
	before bool
	evals  int // scripts that came
}

func startProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{t: t, server: server, addr: l.Addr().String()}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return p
}

// cuts has the next n scripts cut off, before or after the server has run them.
func (p *proxy) cuts(n int, before bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.before, p.evals = n, before, 0
}

func (p *proxy) came() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.evals
}

func (p *proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	var all sync.WaitGroup
	defer all.Wait()
	var mu sync.Mutex
	swallow := false
	all.Go(func() { // answers
		defer func() { _ = client.Close() }()
		buf := make([]byte, 1<<16)
		for {
			n, err := server.Read(buf)
			if err != nil {
				return
			}
			mu.Lock()
			lost := swallow
			mu.Unlock()
			if lost {
				return // the server has done it, and nobody hears so
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	})
	buf := make([]byte, 1<<16)
	for {
		n, err := client.Read(buf)
		if err != nil {
			_ = server.Close()
			return
		}
		if bytes.Contains(buf[:n], []byte("eval")) {
			p.mu.Lock()
			p.evals++
			cut, before := p.cut > 0, p.before
			p.cut--
			p.mu.Unlock()
			if cut && before {
				_ = server.Close()
				return
			}
			mu.Lock()
			swallow = cut
			mu.Unlock()
		}
		if _, err := io.Copy(server, bytes.NewReader(buf[:n])); err != nil {
			return
		}
	}
}

// TestAnswerIsLost cuts the connection after the server has done a swap. A client
// that asked again by itself would be told that it did nothing.
func TestAnswerIsLost(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--repl-diskless-sync-delay", "0")
	redistest.Start(t, "--replicaof", strings.Replace(server.Addr, ":", " ", 1))
	p := startProxy(t, server.Addr)
	client := redis.NewClient(&redis.Options{Addr: p.addr, MaxRetries: 5, MinRetryBackoff: time.Millisecond})
	defer func() { require.NoError(t, client.Close()) }()
	for name, opts := range map[string][]store.Option{"alone": nil, "with replicas": {store.WithReplicas(1, time.Second)}} {
		t.Run(name, func(t *testing.T) {
			s := store.New(client, prefix(), opts...)
			require.True(t, swap(t, s, "key", "", "1"), "the script is known now")

			p.cuts(1, false)
			did, err := s.Swap(t.Context(), "key", []byte("1"), []byte("2"), 0)
			require.ErrorContains(t, err, "what was asked may be done or not")
			assert.False(t, did)
			assert.Equal(t, 1, p.came(), "it was asked once")
			assert.Equal(t, "2", get(t, s, "key"), "it is done")

			p.cuts(1, true)
			_, err = s.Swap(t.Context(), "key", []byte("2"), []byte("3"), 0)
			require.ErrorContains(t, err, "what was asked may be done or not")
			assert.Equal(t, 1, p.came())
			assert.Equal(t, "2", get(t, s, "key"), "it is not done")

			p.cuts(1, false)
			_, err = s.Enter(t.Context(), "key", "a", 1, time.Minute)
			require.Error(t, err)
			wait, err := s.Enter(t.Context(), "key", "a", 1, time.Minute)
			require.NoError(t, err)
			assert.Zero(t, wait, "whoever asks again has the place")
		})
	}
}
