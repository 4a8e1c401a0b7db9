package gateway

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy"
)

// pooled are the usual settings of an upstream with some changes.
func pooled(change func(s *proxy.Settings)) *proxy.Settings {
	s := proxy.DefaultSettings
	change(&s)
	return &s
}

// limited are settings with limits.
func limited(l proxy.Limits) *proxy.Settings {
	return pooled(func(s *proxy.Settings) { s.Limits = l })
}

// held is an origin that answers when it is told to, in the order in which the
// requests came.
type held struct {
	u       *upstream
	waiting []heldRequest
	most    int
}

type heldRequest struct {
	c    *upstreamConn
	path string
}

func (w *world) held(name string) *held {
	h := &held{}
	h.u = w.upstream(name, answering(func(c *upstreamConn, r *http.Request, _ string) string {
		h.waiting = append(h.waiting, heldRequest{c, r.RequestURI})
		h.most = max(h.most, len(h.waiting))
		return ""
	}))
	return h
}

// has waits until n requests are there.
func (h *held) has(n int) {
	h.u.w.t.Helper()
	h.u.w.waitFor(fmt.Sprintf("%d requests are there", n), func() (ok bool) {
		h.u.locked(func() { ok = len(h.waiting) >= n })
		return ok
	})
}

// answer answers the first request with its path.
func (h *held) answer() (path string) {
	h.u.w.t.Helper()
	h.has(1)
	h.u.locked(func() {
		r := h.waiting[0]
		h.waiting = h.waiting[1:]
		path = r.path
		r.c.write(ok(path))
	})
	return path
}

// waitingIn waits until an upstream's queue holds n calls.
func (w *world) waitingIn(pool string, n int) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("%d calls wait", n), func() bool { return w.pools[pool].Waiting.Used() == int64(n) })
}

// TestProxyQueue has more requests than the upstream takes at a time: they are
// served one after the other, in the order in which they came.
func TestProxyQueue(t *testing.T) {
	for name, l := range map[string]proxy.Limits{
		"connections": {Connections: 2, Queue: 100},
		"requests":    {Requests: 2, Queue: 100},
		"both":        {Requests: 2, Connections: 2, Queue: 100, Wait: time.Minute},
		"unequal":     {Requests: 5, Connections: 2, Queue: 100},
	} {
		t.Run(name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				const clients = 12
				w.pooling = limited(l)
				h := w.held("up")
				w.serve("/p/: http://up")
				var all []*client
				for k := range clients {
					c := w.client()
					all = append(all, c)
					c.send(get(fmt.Sprintf("/p/%d", k)))
					if k < 2 {
						h.has(k + 1)
					} else {
						w.waitingIn("up", k-1)
					}
				}
				for k := range clients {
					path := fmt.Sprintf("/p/%d", k)
					h.has(min(2, clients-k))
					if got := h.answer(); got != path {
						t.Fatalf("%s is served, and it is the turn of %s", got, path)
					}
					all[k].expect(relayed(path))
				}
				if h.most > 2 || h.u.count() != 2 {
					t.Errorf("%d requests at a time, over %d connections", h.most, h.u.count())
				}
			})
		})
	}
}

// TestProxyQueueFull has no room for another waiting request.
func TestProxyQueueFull(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.pooling = limited(proxy.Limits{Connections: 1, Queue: 1})
		h := w.held("up")
		log := w.errorLog()
		w.serve("/p/: http://up")
		a, b, c := w.client(), w.client(), w.client()
		a.send(get("/p/a"))
		h.has(1)
		b.send(get("/p/b"))
		w.waitingIn("up", 1)
		c.send(get("/p/c"))
		c.expect(page(503))
		expectReason(t, log(), "queue_full", "up", 503)
		for _, x := range []*client{a, b} {
			x.expect(relayed(h.answer()))
		}
		c.send(get("/p/c"))
		c.expect(relayed(h.answer()))
	})
}

// TestProxyQueueTimeout lets requests wait too long. Content of theirs is not
// asked for before they have a connection.
func TestProxyQueueTimeout(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.timeouts.FirstByte = time.Hour
	w.pooling = limited(proxy.Limits{Requests: 1, Queue: 9, Wait: 5 * time.Second})
	h := w.held("up")
	log := w.errorLog()
	w.serve("/p/: http://up")
	a, b, c := w.client(), w.client(), w.client()
	a.send(get("/p/a"))
	h.has(1)
	b.send("POST /p/b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	w.waitingIn("up", 1)
	w.advance(3 * time.Second)
	w.steps(5)
	c.send(get("/p/c"))
	w.waitingIn("up", 2)
	w.advance(2100 * time.Millisecond)
	w.steps(5)
	b.expect(closing(page(503)))
	expectReason(t, log(), "queue_timeout", "up", 503)
	w.waitingIn("up", 1)
	a.expect(relayed(h.answer()))
	c.expect(relayed(h.answer()))
}

// TestProxyQueueCancel has clients that do not want to wait.
func TestProxyQueueCancel(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.pooling = limited(proxy.Limits{Connections: 1, Queue: 9})
		h := w.held("up")
		w.serve("/p/: http://up")
		var all []*client
		for k := range 5 {
			c := w.client()
			all = append(all, c)
			c.send(get(fmt.Sprintf("/p/%d", k)))
			if k == 0 {
				h.has(1)
			} else {
				w.waitingIn("up", k)
			}
		}
		for i, k := range []int{4, 1, 2} { // the last, the first, one that has become the first
			if k == 1 {
				all[k].closeWrite() // most that close their side have gone
			} else {
				all[k].abort()
			}
			w.waitingIn("up", 3-i)
		}
		all[0].expect(relayed(h.answer()))
		all[3].expect(relayed(h.answer()))
		w.waitingIn("up", 0)
	})
}

// TestProxyQueueSurvivesFailures has connections of a limited upstream fail in
// all manners: none of what they were counted as is lost.
func TestProxyQueueSurvivesFailures(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newSimWorld(t, seed, allFaults)
			w.retry = retrying(int(seed % 3))
			w.settings.Header, w.settings.Write = time.Hour, time.Hour
			w.pooling = limited(proxy.Limits{Connections: 1 + int(seed%2), Requests: int(seed % 4), Queue: 1000})
			w.upstream("a", echoing())
			w.upstream("b", echoing())
			w.serve("/p/: http://a http://b")
			for range 20 {
				w.client().send(get("/p/") + get("/p/"))
			}
			pool := w.pools["route /p/"]
			for _, c := range w.clients {
				c.until("both answers have come", func(got []byte) bool {
					if n := pool.Conns.Used(); n > int64(1+seed%2) {
						t.Fatalf("%d connections", n)
					}
					return strings.Count(string(got), "HTTP/1.1 ") >= 2
				})
			}
		})
	}
}

// TestProxyIdleOfAnotherMember has an upstream whose only connection is idle,
// to a member whose turn it is not.
func TestProxyIdleOfAnotherMember(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.pooling = limited(proxy.Limits{Connections: 1, Queue: 1})
		w.upstream("a", echoing())
		w.upstream("b", echoing())
		w.serve("/p/: http://a http://b")
		c := w.client()
		for range 6 {
			c.send(get("/p/"))
			c.expect(relayed("GET /p/ "))
		}
		if n := w.pools["route /p/"].Conns.Used(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

// TestProxyKeepAliveLimits ends connections by their age and by what they have
// carried.
func TestProxyKeepAliveLimits(t *testing.T) {
	for _, tt := range []struct {
		name string
		keep proxy.KeepAlive
		want int // connections for 10 requests, a second apart
	}{
		{"requests", proxy.KeepAlive{Idle: time.Hour, Connections: 8, Requests: 3}, 4},
		{"one request", proxy.KeepAlive{Idle: time.Hour, Connections: 8, Requests: 1}, 10},
		{"age", proxy.KeepAlive{Idle: time.Hour, Connections: 8, Age: 4500 * time.Millisecond}, 2},
		{"age without a bound on idleness", proxy.KeepAlive{Connections: 8, Age: 4500 * time.Millisecond}, 2},
		{"idle", proxy.KeepAlive{Idle: 900 * time.Millisecond, Connections: 8}, 10},
		{"none kept", proxy.KeepAlive{Idle: time.Hour}, 10},
		{"no bound", proxy.KeepAlive{Connections: 8}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newSimWorld(t, 1, engine.Faults{})
			w.pooling = pooled(func(s *proxy.Settings) { s.KeepAlive = tt.keep })
			u := w.upstream("up", echoing())
			w.serve("/p/: http://up")
			c := w.client()
			for range 10 {
				c.send(get("/p/"))
				c.expect(relayed("GET /p/ "))
				w.steps(5)
				w.advance(time.Second)
				w.steps(5)
			}
			if n := u.count(); n != tt.want {
				t.Errorf("%d connections, want %d", n, tt.want)
			}
		})
	}
}

// TestProxyWarm has connections open before anybody asks for them.
func TestProxyWarm(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.pooling = pooled(func(s *proxy.Settings) { s.KeepAlive.Warm = 3 })
		u := w.upstream("up", echoing())
		w.serve("/p/: http://up")
		w.idle(3)
		c := w.client()
		c.send(get("/p/"))
		c.expect(relayed("GET /p/ "))
		u.locked(func() {
			for _, c := range u.conns {
				c.closeWrite()
			}
		})
		w.idle(0)
		if w.onSim() {
			w.advance(time.Second)
		}
		w.idle(3)
		// They stand before the origin has taken them.
		w.waitFor("three more have come", func() bool { return u.count() == 6 })
	})
}

// TestProxyWarmLeavesMembersAlone has members that are down, or refuse.
func TestProxyWarmLeavesMembersAlone(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.pooling = pooled(func(s *proxy.Settings) { s.KeepAlive.Warm = 2 })
	a, b := w.upstream("a", echoing()), w.upstream("b", echoing())
	b.refuse(true)
	w.serve("/p/: http://a http://b")
	pool := w.pools["route /p/"]
	pool.Set().Endpoints[0].Member.SetState(proxy.Unhealthy, 0)
	for range 4 {
		w.advance(time.Second)
		w.steps(10)
	}
	if a.count() != 0 {
		t.Error("a member that is down gets connections")
	}
	if n := w.s.Stats().Connects; n > 4 {
		t.Errorf("%d connects to a member that refuses, within 4 s", n)
	}
	pool.Set().Endpoints[0].Member.SetState(0, 0)
	w.advance(time.Second)
	w.steps(10)
	w.idle(2)
}

func TestProxyBreaker(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		h := w.held("up")
		log := w.errorLog()
		w.serve("/p/: http://up")
		pool := w.pools["up"]
		a, b := w.client(), w.client()
		pool.SetBreaker(proxy.BreakerOpen)
		a.send(get("/p/"))
		a.expect(page(503))
		expectReason(t, log(), "breaker_open", "up", 503)
		pool.SetBreaker(proxy.BreakerHalfOpen)
		for range 2 {
			a.send(get("/p/a"))
			h.has(1)
			b.send(get("/p/b"))
			b.expect(page(503))
			a.expect(relayed(h.answer()))
		}
		// One that is given up makes room for the next.
		a.send(get("/p/a"))
		h.has(1)
		a.abort()
		w.eventually("a is gone", func() bool { return w.g.Open() == 1 })
		h.u.locked(func() { h.waiting = nil })
		b.send(get("/p/b"))
		b.expect(relayed(h.answer()))
	})
}

// TestProxyBreakerTrialIsOverWithItsHead lets the one request that may try get
// a response without an end: the head of it is what counts.
func TestProxyBreakerTrialIsOverWithItsHead(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		endless := say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1")
		w.upstream("up", answers(endless, endless))
		w.serve("/p/: http://up")
		pool := w.pools["up"]
		pool.SetBreaker(proxy.BreakerHalfOpen)
		for range 2 {
			c := w.client()
			c.send(get("/p/"))
			c.until("the response has begun", func(got []byte) bool {
				return bytes.HasPrefix(got, []byte("HTTP/1.1 200 ")) && bytes.HasSuffix(got, []byte("\r\n\r\n1"))
			})
		}
		if n := pool.Cells()[0].Successes.Load(); n != 2 {
			t.Errorf("%d successes are counted", n)
		}
	})
}

func TestProxyNoMembers(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", echoing())
		log := w.errorLog()
		w.serve("/p/: http://up")
		m := w.pools["up"].Set().Endpoints[0].Member
		m.SetState(proxy.Unhealthy, 0)
		c := w.client()
		c.send(get("/p/"))
		c.expect(page(503))
		expectReason(t, log(), "no_members", "up", 503)
		m.SetState(0, 0)
		c.send(get("/p/"))
		c.expect(relayed("GET /p/ "))
	})
}

// TestProxyCounts checks what is told to those who judge members.
func TestProxyCounts(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.upstream("up", answers(
		say(ok("1")), say("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), say("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"),
		say("HTTP/1.1 200 OK\r\nX : y\r\n\r\n"), hangUp("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"), say(ok("6")),
	))
	w.serve("/p/: http://up")
	pool := w.pools["up"]
	m := &pool.Set().Endpoints[0].Member.Cells()[0]
	for i, want := range []struct{ failures, successes, consecutive, answers uint64 }{
		{0, 1, 0, 1},
		{0, 2, 0, 2},
		{1, 2, 1, 3},
		{2, 2, 2, 3},
		{3, 2, 3, 4},
		{3, 3, 0, 5},
	} {
		c := w.client()
		c.send(get("/p/"))
		c.until("an answer is there", func(got []byte) bool { return len(got) > 0 })
		w.steps(20)
		for _, cell := range []*proxy.Cell{m, &pool.Cells()[0]} {
			if cell.Requests.Load() != uint64(i+1) || cell.Failures.Load() != want.failures || cell.Successes.Load() != want.successes || cell.Consecutive.Load() != want.consecutive {
				t.Errorf("after request %d: %d requests, %d failures, %d successes, %d consecutive", i+1, cell.Requests.Load(), cell.Failures.Load(), cell.Successes.Load(), cell.Consecutive.Load())
			}
		}
		if n := m.LatencyN.Load(); n != want.answers {
			t.Errorf("after request %d: %d latencies", i+1, n)
		}
		c.abort()
		w.steps(20)
	}
}
