package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/proxy"
)

// beside makes a second shard of the same process: it serves the same
// generation on a listener of its own.
func (w *world) beside() *world {
	v := newWorld(w.t, w.kind)
	v.id = w.id + 1
	v.current.Store(w.current.Load())
	v.start()
	return v
}

// together runs a test on each real loop, with two shards that share an
// upstream with limits. f is the upstream.
func together(t *testing.T, l proxy.Limits, f func(c *upstreamConn), test func(t *testing.T, a, b *world, u *upstream)) {
	forEachLoop(t, func(t *testing.T, a *world) {
		a.pooling = limited(l)
		u := a.upstream("up", f)
		a.serve("/p/: http://up")
		b := a.beside()
		test(t, a, b, u)
		// What is left is given back by both.
		for _, w := range []*world{a, b} {
			for _, c := range w.clients {
				c.abort()
			}
			w.eventually("no client is left", func() bool { return w.g.Open() == 0 })
			w.do(func() { w.g.proxy.CloseIdle() })
		}
		pool := a.pools["up"]
		a.waitFor("everything is given back", func() bool {
			return pool.Conns.Used() == 0 && pool.Requests.Used() == 0 && pool.Waiting.Used() == 0
		})
	})
}

// TestProxyLendsIdle has one shard hold all connections that the upstream may
// have, idle, when the other gets a request.
func TestProxyLendsIdle(t *testing.T) {
	together(t, proxy.Limits{Connections: 4, Queue: 100}, echoing(), func(t *testing.T, a, b *world, u *upstream) {
		pool := a.pools["up"]
		hold := func(w *world, n int) {
			// As many requests at a time as there may be connections.
			var all []*client
			for range n {
				c := w.client()
				all = append(all, c)
				c.send(strings.Repeat(get("/p/"), 5))
			}
			for _, c := range all {
				c.expect(strings.Repeat(relayed("GET /p/ "), 5))
			}
		}
		for round := range 10 {
			hold(a, 8)
			if n := pool.Conns.Used(); n < 1 || n > 4 {
				t.Fatalf("round %d: %d connections", round, n)
			}
			c := b.client()
			c.send(get("/p/b"))
			c.expect(relayed("GET /p/b "))
			hold(b, 8)
		}
	})
}

// TestProxyLendsUnderLoad keeps both shards busy, one with far more clients
// than the other. Each gets on, whoever came first.
func TestProxyLendsUnderLoad(t *testing.T) {
	for name, l := range map[string]proxy.Limits{
		"one connection":    {Connections: 1, Queue: 1000},
		"some connections":  {Connections: 3, Queue: 1000},
		"one request":       {Requests: 1, Queue: 1000},
		"some requests":     {Requests: 3, Queue: 1000},
		"both":              {Requests: 3, Connections: 2, Queue: 1000},
		"more than clients": {Requests: 100, Connections: 100, Queue: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			var now, most, bad atomic.Int64
			bound := int64(1000)
			for _, n := range []int{l.Connections, l.Requests} {
				if n > 0 {
					bound = min(bound, int64(n))
				}
			}
			f := answering(func(c *upstreamConn, r *http.Request, _ string) string {
				n := now.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				now.Add(-1)
				return ok(r.RequestURI)
			})
			together(t, l, f, func(t *testing.T, a, b *world, u *upstream) {
				const each = 40
				var wait sync.WaitGroup
				done := [2]atomic.Int64{}
				drive := func(k int, w *world, clients int) {
					for i := range clients {
						wait.Go(func() {
							path := fmt.Sprintf("/p/%d/%d", k, i)
							client := http.Client{Transport: &http.Transport{}, Timeout: patience}
							defer client.CloseIdleConnections()
							for range each {
								r, err := client.Get("http://" + w.addr.String() + path)
								if err != nil || r.StatusCode != 200 {
									bad.Add(1)
									t.Errorf("%s: %v", path, err)
									return
								}
								_ = r.Body.Close()
								done[k].Add(1)
							}
						})
					}
				}
				drive(0, a, 12)
				drive(1, b, 2)
				wait.Wait()
				if done[0].Load() != 12*each || done[1].Load() != 2*each {
					t.Errorf("%d and %d requests are done", done[0].Load(), done[1].Load())
				}
				if m := most.Load(); m > bound {
					t.Errorf("%d requests at a time, at most %d may be", m, bound)
				}
			})
		})
	}
}

// TestProxyLendsToAStarvingShard keeps one shard busy for ever: the other one's
// single request does not wait until that ends.
func TestProxyLendsToAStarvingShard(t *testing.T) {
	for name, l := range map[string]proxy.Limits{
		"connections": {Connections: 2, Queue: 1000},
		"requests":    {Requests: 2, Queue: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			together(t, l, echoing(), func(t *testing.T, a, b *world, u *upstream) {
				var wait sync.WaitGroup
				var stop atomic.Bool
				for range 8 {
					wait.Go(func() {
						client := http.Client{Transport: &http.Transport{}, Timeout: patience}
						defer client.CloseIdleConnections()
						for !stop.Load() {
							r, err := client.Get("http://" + a.addr.String() + "/p/")
							if err != nil {
								t.Error(err)
								return
							}
							_ = r.Body.Close()
						}
					})
				}
				begin := time.Now()
				c := b.client()
				for range 5 {
					c.send(get("/p/b"))
					c.expect(relayed("GET /p/b "))
				}
				if took := time.Since(begin); took > patience/2 {
					t.Errorf("5 requests of the other shard took %v", took)
				}
				stop.Store(true)
				wait.Wait()
			})
		})
	}
}
