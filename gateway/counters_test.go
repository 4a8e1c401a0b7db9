package gateway

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/test/cacheline"
)

// counted gives every route of the world's generation a series of its own.
func (w *world) counted(lines ...string) {
	w.t.Helper()
	gen := w.generation(lines...)
	for i := range gen.Routes {
		gen.Routes[i].Series = uint32(FirstSeries + i)
	}
	w.current.Store(gen)
	w.start()
}

// snapshot has the shard copy what it has counted.
func (w *world) snapshot() (s Snapshot) {
	w.t.Helper()
	w.do(func() { w.g.Snapshot(&s) })
	return s
}

// requests writes what was counted of a series: "read 2xx 3, write 4xx 1".
func (s *Snapshot) requests(series int) string {
	var list []string
	for m := range MethodGroups {
		for class := range StatusClasses {
			if n := s.Routes[series].Requests[class][m]; n > 0 {
				list = append(list, fmt.Sprintf("%s %dxx %d", m, class, n))
			}
		}
	}
	return strings.Join(list, ", ")
}

func reasons(list []ReasonCount) string {
	var out []string
	for _, r := range list {
		out = append(out, fmt.Sprintf("%s %d", r.Reason, r.Count))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func TestRequestsAreCounted(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", answering(say(ok("12345"))))
		w.counted("/fixed: 404 nothing", "/echo: *", "POST /p/: http://up")
		c := w.client()
		c.send("GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n")
		c.expect(text(404, "nothing"))
		c.send("DELETE /fixed HTTP/1.1\r\nHost: h\r\n\r\n")
		c.expect(text(404, "nothing"))
		c.send("BREW /fixed HTTP/1.1\r\nHost: h\r\n\r\n")
		c.expect(text(404, "nothing"))
		c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
		c.expect(relayed("12345"))
		c.send("GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n")
		c.expect(page(404))
		c.send("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n")
		c.expect(closing(page(400)))
		s := w.snapshot()
		for series, want := range []string{
			SeriesNone: "read 4xx 1, other 4xx 1", SeriesOther: "",
			FirstSeries: "read 4xx 1, write 4xx 1, other 4xx 1", FirstSeries + 1: "", FirstSeries + 2: "write 2xx 1",
		} {
			if got := s.requests(series); got != want {
				t.Errorf("series %d: %q, not %q", series, got, want)
			}
		}
		p := &s.Routes[FirstSeries+2]
		if p.Received != 3 || p.Sent != 5 || p.Durations.Count() != 1 {
			t.Errorf("%d bytes received, %d sent, %d durations", p.Received, p.Sent, p.Durations.Count())
		}
		if got := reasons(s.Faults); got != "bad_request_target 1" {
			t.Errorf("faults: %q", got)
		}
		if s.Active != 0 || s.Protocols != [Protocols]uint64{5, 0} {
			t.Errorf("%d under way, protocols %v", s.Active, s.Protocols)
		}
		u := &s.Upstreams[0]
		if u.Upstream.Name != "up" || u.Connects != 1 || u.Answers.Count() != 1 || u.Open != 1 || u.Busy != 0 {
			t.Errorf("upstream %s: %+v", u.Upstream.Name, u)
		}
	})
}

func TestFailuresAreCounted(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", answering(say("HTTP/1.1 nonsense\r\n\r\n")))
		w.counted("/p/: http://up")
		c := w.client()
		c.send(get("/p/"))
		c.expect(page(502))
		s := w.snapshot()
		if got := s.requests(FirstSeries); got != "read 5xx 1" {
			t.Errorf("requests: %q", got)
		}
		if got := reasons(s.Faults); got != "bad_response 1" {
			t.Errorf("faults: %q", got)
		}
		if n := s.Upstreams[0].Failures[proxy.BadResponse]; n != 1 {
			t.Errorf("%d failures of the upstream", n)
		}
	})
}

func TestTunnelsAreCounted(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.upstream("up", tunnelOrHTTP())
		w.counted("/p/: http://up")
		c := w.client()
		c.send(offering("/p/", "x"))
		c.expect(switched("x"))
		if s := w.snapshot(); s.Active != 1 || s.Tunnels != 1 {
			t.Errorf("%d under way, %d tunnels", s.Active, s.Tunnels)
		}
		c.closeWrite()
		c.expect("bye")
		c.expectEnd()
		s := w.snapshot()
		if got := s.requests(FirstSeries); got != "read 1xx 1" || s.Active != 0 || s.Tunnels != 0 {
			t.Errorf("requests: %q, %d under way, %d tunnels", got, s.Active, s.Tunnels)
		}
		if n := s.Routes[FirstSeries].Durations.Count(); n != 0 {
			t.Errorf("%d durations of tunnels", n)
		}
	})
}

// TestClientsThatGoAreCounted looks at exchanges that end without a status.
func TestClientsThatGoAreCounted(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		u := w.upstream("up", func(*upstreamConn) {})
		w.counted("/p/: http://up")
		c := w.client()
		c.send(get("/p/"))
		w.waitFor("the request is there", func() bool { return u.count() == 1 })
		c.abort()
		w.eventually("the client is gone", func() bool { return w.g.Open() == 0 })
		s := w.snapshot()
		if got := s.requests(FirstSeries); got != "read 0xx 1" {
			t.Errorf("requests: %q", got)
		}
		if got := reasons(s.Faults); got != "client_closed 1" {
			t.Errorf("faults: %q", got)
		}
	})
}

func TestHandshakesAreCounted(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.encrypting(&tls.Config{})
		w.counted("/: 200 x")
		c := w.client()
		c.send(get("/"))
		c.expect(text(200, "x"))
		w.tls = nil
		plain := w.client()
		plain.send(get("/"))
		w.eventually("the plain client is refused", func() bool { return w.g.count.failures.used == 1 })
		s := w.snapshot()
		if s.Secured != (TLSCount{Full: [2]uint64{0, 1}}) {
			t.Errorf("handshakes: %+v", s.Secured)
		}
		if got := reasons(s.Unsecured); got != "plain_http 1" {
			t.Errorf("failures: %q", got)
		}
	})
}

// TestRoutesKeepTheirCounts adds a route while the shard counts.
func TestRoutesKeepTheirCounts(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.counted("/a: 200 a")
		c := w.client()
		c.send(get("/a"))
		c.expect(text(200, "a"))
		gen := w.generation("/b: 200 b", "/a: 200 a")
		gen.Routes[0].Series, gen.Routes[1].Series = FirstSeries+1, FirstSeries
		w.current.Store(gen)
		for _, path := range []string{"a", "b"} {
			c.send(get("/" + path))
			c.expect(text(200, path))
		}
		s := w.snapshot()
		if a, b := s.requests(FirstSeries), s.requests(FirstSeries+1); a != "read 2xx 2" || b != "read 2xx 1" {
			t.Errorf("%q and %q", a, b)
		}
	})
}

func TestReasonsAreBounded(t *testing.T) {
	var c reasonCounts
	for range 2 {
		for i := range maxReasons + 10 {
			c.count(fmt.Sprint("reason", i))
		}
	}
	list := c.append(nil)
	if n := len(list); n != maxReasons+1 || list[n-1] != (ReasonCount{otherReason, 20}) {
		t.Fatalf("%d reasons, the last of them %+v", n, list[n-1])
	}
	for _, r := range list[:maxReasons] {
		if r.Count != 2 {
			t.Errorf("%+v", r)
		}
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.counted("/: 200 x")
	var s Snapshot
	w.do(func() {
		w.g.Snapshot(&s)
		x := w.g.newExchange()
		defer w.g.freeExchange(x)
		x.route = &w.g.gen.Routes[0]
		x.log.status = 200
		in := Incoming{Protocol: "HTTP/1.1"}
		if n := testing.AllocsPerRun(100, func() {
			w.g.countBegin(x, &in)
			w.g.countEnd(x, "client_closed")
		}); n != 0 {
			t.Errorf("counting makes %v allocations", n)
		}
		w.g.Snapshot(&s)
		if n := testing.AllocsPerRun(100, func() { w.g.Snapshot(&s) }); n != 0 {
			t.Errorf("a snapshot makes %v allocations", n)
		}
	})
}

// TestRouteCountsShareNoCacheLine is about two shards' counts of a few routes.
func TestRouteCountsShareNoCacheLine(t *testing.T) {
	cacheline.Disjoint[[FirstSeries + 1]RouteCount](t)
}

func BenchmarkCounting(b *testing.B) {
	w := newSimWorld(b, 1, engine.Faults{})
	w.counted("/: 200 x")
	w.do(func() {
		x := w.g.newExchange()
		x.route = &w.g.gen.Routes[0]
		in := Incoming{Protocol: "HTTP/1.1"}
		for b.Loop() {
			x.log.status = 200
			w.g.countBegin(x, &in)
			w.g.countEnd(x, "")
		}
		w.g.freeExchange(x)
	})
}

// BenchmarkSnapshot is for how long a shard is kept from its work.
func BenchmarkSnapshot(b *testing.B) {
	for _, routes := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			w := newSimWorld(b, 1, engine.Faults{})
			var lines []string
			for i := range routes {
				lines = append(lines, fmt.Sprintf("/%d: 200 x", i))
			}
			w.counted(lines...)
			var s Snapshot
			w.do(func() {
				for b.Loop() {
					w.g.Snapshot(&s)
				}
			})
		})
	}
}
