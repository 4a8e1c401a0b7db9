package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy"
)

// retrying is a policy of so many attempts more, for everything.
func retrying(attempts int, statuses ...int) proxy.Retry {
	r := proxy.Retry{Attempts: attempts, On: proxy.RetryConnect | proxy.RetryReset | proxy.RetryTimeout}
	for _, s := range statuses {
		r.Statuses.Add(s)
	}
	return r
}

// failing is an upstream of two members which together answer the first k
// requests with end, and what comes then as an echo. It tells how many
// requests came in all, and with which content.
func (w *world) failing(k int, end func(*upstreamConn, *http.Request, string) string) func() []string {
	var seen []string
	data := answering(func(c *upstreamConn, r *http.Request, content string) string {
		seen = append(seen, fmt.Sprintf("%s %s %s %d", c.u.name, r.Method, content, len(r.Trailer)))
		if len(seen) <= k {
			return end(c, r, content)
		}
		return ok(r.Method + " " + content)
	})
	a, b := w.upstream("a", data), w.upstream("b", data)
	return func() (got []string) {
		a.locked(func() { b.locked(func() { got = seen }) })
		return got
	}
}

func TestProxyRetries(t *testing.T) {
	const (
		put     = "PUT /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
		chunked = "PUT /p/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
		trailed = "PUT /p/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"
		empty   = "PUT /p/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
		post    = "POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
	)
	large := strings.Repeat("0123456789abcdef", 60<<10/16)
	huge := strings.Repeat("0123456789abcdef", 80<<10/16)
	putOf := func(body string) string {
		return fmt.Sprintf("PUT /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	unavailable := say("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy")
	busy := "HTTP/1.1 503 Service Unavailable\r\nServer: anygate\r\nDate: D\r\nContent-Length: 4\r\n\r\nbusy"
	for _, tt := range []struct {
		name     string
		retry    proxy.Retry
		failures int
		end      func(*upstreamConn, *http.Request, string) string
		request  string
		want     string
		requests int // that the members get
	}{
		{"a GET that is cut off", retrying(1), 1, cutOff(), get("/p/"), relayed("GET "), 2},
		{"a GET that is hung up on", retrying(1), 1, hangUp(""), get("/p/"), relayed("GET "), 2},
		{"within a head", retrying(1), 1, hangUp("HTTP/1.1 200 OK\r\nConte"), get("/p/"), relayed("GET "), 2},
		{"behind a 100", retrying(1), 1, hangUp("HTTP/1.1 100 Continue\r\n\r\n"), get("/p/"), relayed("GET "), 2},
		{"no retries", proxy.Retry{}, 1, cutOff(), get("/p/"), page(502), 1},
		{"not for that", proxy.Retry{Attempts: 1, On: proxy.RetryTimeout}, 1, cutOff(), get("/p/"), page(502), 1},
		{"attempts run out", retrying(2), 9, cutOff(), get("/p/"), page(502), 3},
		{"the last attempt", retrying(2), 2, cutOff(), get("/p/"), relayed("GET "), 3},
		{"more attempts than members", retrying(5), 5, hangUp(""), get("/p/"), relayed("GET "), 6},
		{"PUT whose content is held", retrying(1), 1, cutOff(), put, relayed("PUT hello"), 2},
		{"PUT in chunks", retrying(1), 1, cutOff(), chunked, relayed("PUT hello"), 2},
		{"PUT with trailers", retrying(1), 1, cutOff(), trailed, relayed("PUT hello"), 2},
		{"PUT of empty chunked content", retrying(1), 1, cutOff(), empty, relayed("PUT "), 2},
		{"PUT that just fits", retrying(1), 1, cutOff(), putOf(large), relayed("PUT " + large), 2},
		{"PUT that is too large", retrying(1), 1, cutOff(), putOf(huge), page(502), 1},
		{"POST", retrying(1), 1, cutOff(), post, page(502), 1},
		{"a status", retrying(1, 503), 1, unavailable, get("/p/"), relayed("GET "), 2},
		{"another status", retrying(1, 502), 1, unavailable, get("/p/"), busy, 1},
		{"a status to a PUT", retrying(2, 503), 2, unavailable, put, relayed("PUT hello"), 3},
		{"a status to a POST", retrying(1, 503), 1, unavailable, post, busy, 1},
		{"the status of the last attempt is passed on", retrying(1, 503), 9, unavailable, get("/p/"), busy, 2},
		{"a status whose content has not come", retrying(1, 503), 1, say("HTTP/1.1 503 No\r\nContent-Length: 400\r\n\r\nbusy"), get("/p/"), relayed("GET "), 2},
		{"a status in chunks", retrying(1, 503), 1, say("HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n"), get("/p/"), relayed("GET "), 2},
		{"a status with bytes behind it", retrying(1, 503), 1, say("HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusyHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), get("/p/"), relayed("GET "), 2},
		{"a bad response is not tried again", retrying(1), 1, say("HTTP/1.1 200 OK\r\nX : y\r\n\r\n"), get("/p/"), page(502), 1},
		{"the response has begun", retrying(1), 1, hangUp("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345"), get("/p/"), "HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 9\r\n\r\n12345", 1},
		{"an interim response has been passed on", retrying(1), 1, hangUp("HTTP/1.1 103 Early Hints\r\n\r\n"), get("/p/"), "HTTP/1.1 103 Early Hints\r\n\r\n" + page(502), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.retry = tt.retry
				seen := w.failing(tt.failures, tt.end)
				w.serve("/p/: http://a http://b")
				c := w.client()
				c.send(tt.request)
				c.expect(tt.want)
				got := seen()
				if len(got) != tt.requests {
					t.Fatalf("%d requests, want %d", len(got), tt.requests)
				}
				for i, r := range got {
					if i > 0 && r[0] == got[i-1][0] {
						t.Errorf("attempt %d went to the member of the one before", i)
					}
					if r[1:] != got[0][1:] {
						t.Errorf("attempt %d was another request: %s", i, brief(r))
					}
				}
			})
		})
	}
}

// TestProxyRetryOfSlowUpload has the first member end while content is still
// being sent: what had come is sent again, and the rest follows.
func TestProxyRetryOfSlowUpload(t *testing.T) {
	for _, framing := range []string{"Content-Length: 10\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"} {
		t.Run(framing[:7], func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.retry = retrying(1)
				cut := 0
				data := echoing()
				either := func(c *upstreamConn) {
					if cut++; cut == 1 {
						// Whatever has come of the request by now.
						c.abort()
						c.state = true
					}
					if c.state == nil {
						data(c)
					}
				}
				w.upstream("a", either)
				w.upstream("b", either)
				w.serve("/p/: http://a http://b")
				c := w.client()
				piece := func(s string) string {
					if framing[0] == 'T' {
						return fmt.Sprintf("%x\r\n%s\r\n", len(s), s)
					}
					return s
				}
				c.send("PUT /p/ HTTP/1.1\r\nHost: h\r\n" + framing + piece("hello"))
				w.eventually("the second member has it", func() bool { return w.s.Stats().Connects-w.base.Connects == 2 })
				rest := piece("world")
				if framing[0] == 'T' {
					rest += "0\r\n\r\n"
				}
				c.send(rest)
				c.expect(relayed("PUT /p/ helloworld"))
			})
		})
	}
}

func TestProxyRetryTimeouts(t *testing.T) {
	// The second upstream has as long to answer, which on a busy machine takes a while.
	const within = 500 * time.Millisecond
	for _, tt := range []struct {
		name   string
		set    func(w *world)
		reason string
	}{
		{"first byte", func(w *world) { w.timeouts.FirstByte = within }, "first_byte_timeout"},
		{"per try", func(w *world) { w.retry.PerTry = within }, "per_try_timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.retry = retrying(1)
				tt.set(w)
				never := func(*upstreamConn, *http.Request, string) string { return "" }
				seen := w.failing(1, never)
				w.serve("/p/: http://a http://b")
				c := w.client()
				c.send(get("/p/"))
				if w.onSim() {
					w.steps(20)
					w.advance(2 * within)
				}
				c.expect(relayed("GET "))
				if n := len(seen()); n != 2 {
					t.Errorf("%d requests", n)
				}
			})
			t.Run("twice", func(t *testing.T) {
				w := newSimWorld(t, 1, engine.Faults{})
				w.retry = retrying(1)
				tt.set(w)
				w.failing(9, func(*upstreamConn, *http.Request, string) string { return "" })
				log := w.errorLog()
				w.serve("/p/: http://a http://b")
				c := w.client()
				c.send(get("/p/"))
				for range 2 {
					w.steps(20)
					w.advance(2 * within)
				}
				c.expect(page(504))
				expectReason(t, log(), tt.reason, "b", 504)
			})
		})
	}
}

// TestProxyRetryBudget has many requests fail at once, of which few may be
// sent again.
func TestProxyRetryBudget(t *testing.T) {
	const clients = 40
	w := newSimWorld(t, 1, engine.Faults{})
	w.retry = retrying(3)
	w.retry.Budget = 0.25
	var waiting []*upstreamConn
	requests := 0
	data := answering(func(c *upstreamConn, _ *http.Request, _ string) string {
		requests++
		waiting = append(waiting, c)
		return ""
	})
	w.upstream("a", data)
	w.upstream("b", data)
	w.serve("/p/: http://a http://b")
	for range clients {
		w.client().send(get("/p/"))
	}
	w.eventually("all are there", func() bool { return requests == clients })
	first := waiting
	waiting = nil
	for _, c := range first {
		c.abort()
	}
	w.eventually("all have failed, or are there again", func() bool {
		failed := 0
		for _, c := range w.clients {
			if len(c.peer.FromShard) > 0 {
				failed++
			}
		}
		return failed+len(waiting) == clients
	})
	// Those that have failed are not under way any more, so the share of the
	// others may not be more than a quarter of what is left at any moment.
	if n := len(waiting); n < 3 || n > clients/4 {
		t.Errorf("%d of %d were sent again", n, clients)
	}
	for _, c := range waiting {
		c.write(ok("again"))
	}
}

// TestProxyRetryKeepsTheConnection has a member answer with a status that is
// tried again: its connection is whole, and serves the next request.
func TestProxyRetryKeepsTheConnection(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.retry = retrying(1, 503)
		u := w.upstream("up", answers(say("HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy"), say(ok("fine"))))
		w.serve("/p/: http://up")
		c := w.client()
		c.send(get("/p/") + get("/p/"))
		c.expect(relayed("fine") + relayed("fine"))
		if n := u.count(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}
