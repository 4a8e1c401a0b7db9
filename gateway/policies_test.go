package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/policy/limiter"
)

var (
	perAddress = func() *Scope { s := PerAddress(); return &s }()
	perAgent   = func() *Scope { s := PerField("user-agent"); return &s }()
	perKey     = func() *Scope { s := PerField("x-key"); return &s }()
)

// byRate is a limit of a rate, of the route if scope is nil.
func byRate(scope *Scope, count int64, per time.Duration, burst int64) RateLimit {
	var l RateLimit
	name := "route"
	if scope == nil {
		l.Bucket = limiter.NewBucket(count, per, burst, 1)
	} else {
		l.Scope, l.Table = *scope, limiter.NewTable(count, per, burst, 64)
		if name = scope.name; name == "" {
			name = "ip"
		}
	}
	l.Describe(name, count, per, burst)
	return l
}

// byCount is a limit of what is under way, of the route if scope is nil.
func byCount(scope *Scope, most int) Concurrency {
	if scope == nil {
		return Concurrency{Counter: limiter.NewCounter(most)}
	}
	return Concurrency{Scope: *scope, Tally: limiter.NewTally(most, 64)}
}

// withFields puts field lines at the end of a response's head, before its
// length.
func withFields(response, fields string) string {
	return strings.Replace(response, "Content-Length:", fields+"Content-Length:", 1)
}

// TestRateLimit compares what a client gets, byte by byte.
func TestRateLimit(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.policies = &Policies{Limits: []RateLimit{byRate(nil, 1, time.Hour, 2)}}
		w.serve("/ping: OK pong")
		const policy = "RateLimit-Policy: \"route\";q=2;w=7200\r\n"
		c := w.client()
		c.send(strings.Repeat(get("/ping"), 2) + "HEAD /ping HTTP/1.1\r\nHost: h\r\n\r\n" + get("/ping") + get("/nowhere"))
		c.expect(withFields(text(200, "pong"), policy+"RateLimit: \"route\";r=1;t=3600\r\n"))
		c.expect(withFields(text(200, "pong"), policy+"RateLimit: \"route\";r=0;t=7200\r\n"))
		refused := withFields(page(429), "Retry-After: 3600\r\n"+policy+"RateLimit: \"route\";r=0;t=3600\r\n")
		c.expect(strings.TrimSuffix(refused, "429 Too Many Requests\n"))
		c.expect(refused)
		c.expect(page(404))
	})
}

// TestRateLimitFillsUp moves the clock.
func TestRateLimitFillsUp(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.policies = &Policies{Limits: []RateLimit{byRate(nil, 10, time.Second, 10)}}
	w.serve("/ping: OK pong")
	c := w.client()
	statuses := func(n int) (ok int) {
		for range n {
			c.send(get("/ping"))
			if c.response("GET").status == 200 {
				ok++
			}
		}
		return ok
	}
	if n := statuses(20); n < 10 || n > 11 {
		t.Fatalf("%d of the first 20 were allowed, want 10", n)
	}
	w.advance(500 * time.Millisecond)
	if n := statuses(20); n < 5 || n > 6 {
		t.Errorf("%d were allowed after half a second, want 5", n)
	}
}

// TestRateLimitScopes tells clients apart by a header field, and refuses a
// request that one of two limits refuses at no cost to the other.
func TestRateLimitScopes(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		route := byRate(nil, 1, time.Hour, 3)
		w.policies = &Policies{Limits: []RateLimit{route, byRate(perKey, 1, time.Hour, 1)}}
		w.serve("/ping: OK pong")
		c := w.client()
		for i, step := range []struct {
			fields string
			status int
			left   string
		}{
			{"X-Key: a\r\n", 200, `"route";r=2;t=3600, "x-key";r=0;t=3600`},
			{"x-key: a\r\n", 429, `"route";r=1;t=7200, "x-key";r=0;t=3600`},
			{"X-Key: a\r\nX-Key: b\r\n", 200, `"route";r=1;t=7200, "x-key";r=0;t=3600`},
			{"X-Key: a\r\nX-Key: b\r\n", 429, `"route";r=0;t=10800, "x-key";r=0;t=3600`},
			{"", 200, `"route";r=0;t=10800, "x-key";r=0;t=3600`},
			{"X-Key: c\r\n", 429, `"route";r=0;t=3600`},
		} {
			c.send("GET /ping HTTP/1.1\r\nHost: h\r\n" + step.fields + "\r\n")
			r := c.response("GET")
			if got := r.fields.Get("RateLimit"); r.status != step.status || got != step.left {
				t.Errorf("request %d: %d, %s, want %d, %s", i, r.status, got, step.status, step.left)
			}
			if got := r.fields.Get("RateLimit-Policy"); got != `"route";q=3;w=10800, "x-key";q=1;w=3600` {
				t.Errorf("request %d: RateLimit-Policy: %s", i, got)
			}
		}
	})
}

// TestDescribe checks that what is said of a policy is its rate.
func TestDescribe(t *testing.T) {
	for _, test := range []struct {
		count, burst int64
		per          time.Duration
		want         string
	}{
		{100, 100, time.Second, `"ip";q=100;w=1`},
		{100, 200, time.Second, `"ip";q=200;w=2`},
		{100, 150, time.Second, `"ip";q=200;w=2`},
		{100, 5, time.Second, `"ip";q=100;w=1`},
		{6000, 6000, time.Minute, `"ip";q=6000;w=60`},
		{1, 1, time.Hour, `"ip";q=1;w=3600`},
		{1, 1e9, time.Hour, `"ip";q=596523;w=2147483647`},
	} {
		var l RateLimit
		l.Describe("ip", test.count, test.per, test.burst)
		if l.policy != test.want {
			t.Errorf("%d per %s burst %d: %s, want %s", test.count, test.per, test.burst, l.policy, test.want)
		}
	}
}

// TestConns has one request too many, and another when one has ended, in each
// way in which a request can end.
func TestConns(t *testing.T) {
	for _, scope := range []*Scope{nil, perAddress} {
		status, name := 503, "route"
		if scope != nil {
			status, name = 429, "address"
		}
		for _, ending := range []string{"answered", "the client goes", "the upstream goes", "in the middle"} {
			t.Run(name+", "+ending, func(t *testing.T) {
				forEachEngine(t, func(t *testing.T, w *world) {
					w.policies = &Policies{Conns: []Concurrency{byCount(nil, 100), byCount(scope, 2)}}
					w.upstream("up", func(c *upstreamConn) {
						if !strings.Contains(string(c.in), "\r\n\r\n") {
							return
						}
						path := strings.Fields(string(c.in))[1]
						c.in = nil
						switch path {
						case "/go":
							c.abort()
						case "/half":
							c.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
							c.closeWrite()
						case "/answer":
							c.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
						}
					})
					w.serve("/: http://up")
					under := func() int64 { return w.policies.Conns[0].Counter.Count() }
					first, second := w.client(), w.client()
					first.send(get("/wait"))
					second.send(get("/wait"))
					w.eventually("both are under way", func() bool { return under() == 2 })
					third := w.client()
					third.send(get("/answer"))
					third.expect(withFields(page(status), "Retry-After: 1\r\n"))

					second.abort()
					w.eventually("one has ended", func() bool { return under() == 1 })
					fourth := w.client()
					switch ending {
					case "answered":
						fourth.send(get("/answer"))
						if r := fourth.response("GET"); r.status != 200 {
							t.Errorf("refused with %d", r.status)
						}
					case "the client goes":
						fourth.send(get("/wait"))
						w.eventually("it is under way", func() bool { return under() == 2 })
						fourth.abort()
					case "the upstream goes":
						fourth.send(get("/go"))
						if r := fourth.response("GET"); r.status != 502 {
							t.Errorf("answered with %d", r.status)
						}
					case "in the middle":
						fourth.send(get("/half"))
						fourth.rest()
					}
					w.eventually("it has ended", func() bool { return under() == 1 })
					first.abort()
					w.eventually("all have ended", func() bool { return under() == 0 })
				})
			})
		}
	}
}

// TestConnsReleasesWhatIsRefused refuses requests behind the count: for their
// rate, and by the next count.
func TestConnsReleasesWhatIsRefused(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.policies = &Policies{
			Conns:  []Concurrency{byCount(nil, 1), byCount(perAddress, 1), byCount(perKey, 1)},
			Limits: []RateLimit{byRate(nil, 1, time.Hour, 1)},
		}
		w.serve("/ping: OK pong")
		c := w.client()
		for i := range 5 {
			c.send(get("/ping"))
			want := 429
			if i == 0 {
				want = 200
			}
			if r := c.response("GET"); r.status != want || w.policies.Conns[0].Counter.Count() != 0 {
				t.Errorf("request %d: %d, and %d are counted", i, r.status, w.policies.Conns[0].Counter.Count())
			}
		}
	})
}

// TestEveryActionIsLimited asks each action with a limit that says so in the
// response, and then once more, when none is reached.
func TestEveryActionIsLimited(t *testing.T) {
	for _, line := range []string{"GET /ping", "GET /old/x", "GET /files/a.txt", "GET /files/none", "GET /p/a", "POST /both"} {
		t.Run(line, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.policies = &Policies{Limits: []RateLimit{byRate(perAddress, 1, time.Hour, 1)}}
				tableWorld(t, w)
				c := w.client()
				method, _, _ := strings.Cut(line, " ")
				for i, want := range []string{`"ip";r=0;t=3600`, `"ip";r=0;t=3600`} {
					c.send(line + req + "Content-Length: 0\r\n\r\n")
					r := c.response(method)
					if got := r.fields.Get("RateLimit"); got != want || (r.status == 429) != (i == 1) {
						t.Errorf("request %d: %d, RateLimit: %s", i, r.status, got)
					}
				}
			})
		})
	}
}

// TestConnectIsLimited refuses a tunnel, and tells one that is allowed.
func TestConnectIsLimited(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.policies = &Policies{
			Conns:  []Concurrency{byCount(nil, 1)},
			Limits: []RateLimit{byRate(nil, 1, time.Hour, 1)},
		}
		w.upstream("up", tunnelOrigin("HTTP/1.1 200 OK\r\n\r\n", nil))
		w.serve("CONNECT /: http://up")
		const ask = "CONNECT db:1 HTTP/1.1\r\nHost: db:1\r\n\r\n"
		first, second := w.client(), w.client()
		first.send(ask)
		first.until("the tunnel stands", func(got []byte) bool { return strings.Contains(string(got), "\r\n\r\n") })
		if !strings.HasPrefix(string(first.got), "HTTP/1.1 200 ") || !strings.Contains(string(first.got), "RateLimit: \"route\";r=0;t=3600\r\n") {
			t.Errorf("the tunnel began with %q", first.got)
		}
		second.send(ask)
		if got := string(second.rest()); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
			t.Errorf("a second tunnel was answered with %q", got)
		}
		first.abort()
		w.eventually("the tunnel is gone", func() bool { return w.policies.Conns[0].Counter.Count() == 0 })
		third := w.client()
		third.send(ask)
		if got := string(third.rest()); !strings.HasPrefix(got, "HTTP/1.1 429 ") {
			t.Errorf("a third tunnel was answered with %q", got)
		}
	})
}

// TestPoliciesUnderFaults counts requests while everything fails that can: at
// the end none is counted.
func TestPoliciesUnderFaults(t *testing.T) {
	for seed := range uint64(40) {
		w := newSimWorld(t, seed+1, allFaults)
		w.policies = &Policies{Conns: []Concurrency{byCount(nil, 5), byCount(perAddress, 4)}, Limits: []RateLimit{byRate(perAddress, 1000, time.Second, 10)}}
		w.upstream("up", always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
		w.serve("/: http://up", "/ping: OK pong")
		for i := range 12 {
			c := w.client()
			c.send(get("/ping") + get(fmt.Sprintf("/%d", i)) + get("/x"))
		}
		w.steps(300)
		for _, c := range w.clients {
			c.abort()
		}
		w.eventually("none is counted", func() bool { return w.policies.Conns[0].Counter.Count() == 0 })
	}
}
