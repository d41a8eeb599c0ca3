package moneytest

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// TestChaosOnTheWire has a proxy between the fleet and each server, that resets
// connections and cuts them off in the middle of requests and answers.
func TestChaosOnTheWire(t *testing.T) {
	seed := drawn(t)
	begun := time.Now()
	s := newStorm(t, seed, *operations/2, 3+*operations/1000)
	r := die(seed, 2)
	var wires []*wire
	for _, p := range s.w.places {
		w := newWire(t, strings.TrimPrefix(p.srv.URL(), "http://"))
		wires = append(wires, w)
		for site, at := range s.w.at {
			if at == p {
				s.w.sites[site].URL = "http://" + w.addr
			}
		}
	}
	s.weather = func(t *testing.T) (end func()) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		var all sync.WaitGroup
		all.Go(func() {
			for ctx.Err() == nil {
				n := r.IntN(3)
				pick(r, wires...).renew(n, r)
				s.injected.Add(int64(n))
				select {
				case <-ctx.Done():
				case <-time.After(time.Duration(r.IntN(100)) * time.Millisecond):
				}
			}
		})
		return func() {
			cancel()
			all.Wait()
			for _, w := range wires {
				w.renew(0, r)
			}
		}
	}
	s.run(t)
	s.sum(t, begun)
}

// wire is a proxy before a server. What it does to its connections is drawn anew now and
// then, and it is another proxy then: to change the toxics of connections that are there
// is not safe.
type wire struct {
	addr, upstream string
	server         *toxiproxy.ApiServer
	proxy          *toxiproxy.Proxy
}

func newWire(t *testing.T, upstream string) *wire {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	w := &wire{upstream: upstream, server: server}
	w.proxy = toxiproxy.NewProxy(server, "", "127.0.0.1:0", upstream)
	require.NoError(t, w.proxy.Start())
	w.addr = w.proxy.Listen
	t.Cleanup(func() { w.proxy.Stop() })
	return w
}

// renew breaks all connections off, and gives those to come n toxics.
func (w *wire) renew(n int, r *rand.Rand) {
	w.proxy.Stop()
	next := toxiproxy.NewProxy(w.server, "", w.addr, w.upstream)
	for range n {
		x := drawToxic(r)
		enc, err := json.Marshal(x)
		if err != nil {
			panic(err)
		}
		_, _ = next.Toxics.AddToxicJson(bytes.NewReader(enc)) // there may be one of its name
	}
	for next.Start() != nil { // somebody has its port for a moment
		<-time.After(time.Millisecond)
	}
	w.proxy = next
}

// toxic is one as toxiproxy reads it.
type toxic struct {
	Type       string           `json:"type"`
	Stream     string           `json:"stream"`
	Toxicity   float64          `json:"toxicity"`
	Attributes map[string]int64 `json:"attributes"`
}

func drawToxic(r *rand.Rand) toxic {
	x := pick(r,
		toxic{Type: "limit_data", Attributes: map[string]int64{"bytes": r.Int64N(1500)}},
		toxic{Type: "limit_data", Attributes: map[string]int64{"bytes": r.Int64N(1500)}},
		toxic{Type: "reset_peer", Attributes: map[string]int64{"timeout": r.Int64N(20)}},
		toxic{Type: "timeout", Attributes: map[string]int64{"timeout": 1 + r.Int64N(200)}},
		toxic{Type: "latency", Attributes: map[string]int64{"latency": r.Int64N(40), "jitter": r.Int64N(40)}},
		toxic{Type: "slicer", Attributes: map[string]int64{"average_size": 1 + r.Int64N(100), "size_variation": 0, "delay": r.Int64N(300)}},
	)
	x.Stream, x.Toxicity = pick(r, "upstream", "downstream"), 0.2+r.Float64()/2
	return x
}
