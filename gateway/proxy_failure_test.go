package gateway

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine"
)

// refused makes an upstream that nobody listens for.
func (w *world) refused(name string) *upstream {
	w.t.Helper()
	addr := netip.MustParseAddrPort("192.0.2.99:80")
	if !w.onSim() {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.t.Fatal(err)
		}
		addr = lis.Addr().(*net.TCPAddr).AddrPort()
		_ = lis.Close()
	}
	return w.upstreamAt(name, engine.TCPAddr(addr))
}

// unanswering makes an upstream whose listener has a full backlog: connecting
// to it takes for ever.
func (w *world) unanswering(name string) *upstream {
	w.t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		w.t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		w.t.Fatal(err)
	}
	addr, err := engine.LocalAddr(int32(fd))
	if err != nil {
		w.t.Fatal(err)
	}
	for full := false; !full; {
		conn, err := net.DialTimeout("tcp", addr.String(), 200*time.Millisecond)
		if err == nil {
			w.t.Cleanup(func() { _ = conn.Close() })
			continue
		}
		var e net.Error
		if full = errors.As(err, &e) && e.Timeout(); !full {
			w.t.Fatal(err)
		}
	}
	return w.upstreamAt(name, engine.TCPAddr(addr))
}

func TestProxyConnectRefused(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		a, b := w.refused("a"), w.refused("b")
		log := w.errorLog()
		w.serve("/p/: http://a http://b", "/one/: http://a")
		c := w.client()
		c.send(get("/p/"))
		c.expect(page(502))
		expectReason(t, log(), "connect_refused", b.name, 502)
		var before, after uint64
		w.do(func() { before = w.s.Stats().Connects })
		// Both have failed: they are tried all the same.
		c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi" + get("/one/"))
		c.expect(page(502) + page(502))
		w.do(func() { after = w.s.Stats().Connects })
		if after-before != 3 {
			t.Errorf("%d attempts, want 2 and 1", after-before)
		}
		expectReason(t, strings.Join(strings.SplitAfter(log(), "\n")[2:], ""), "connect_refused", a.name, 502)
	})
}

// TestProxyNextMember has a member that cannot be connected to: the request,
// its content included, goes to the next one, without an error.
func TestProxyNextMember(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.refused("gone")
		u := w.upstream("up", echoing())
		log := w.errorLog()
		w.serve("/p/: http://gone http://up")
		for range 4 {
			c := w.client()
			c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
			c.expect(relayed("POST /p/ hi"))
		}
		if got := log(); got != "" {
			t.Errorf("logged: %s", got)
		}
		// The member that failed is passed over for a while.
		w.do(func() {
			if n := w.s.Stats().Connects; n != uint64(u.count())+1 {
				t.Errorf("%d connects, of which %d to the member that works", n, u.count())
			}
		})
	})
}

// TestProxyFailTime brings a member back.
func TestProxyFailTime(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	a := w.upstream("a", always(ok("a")))
	b := w.upstream("b", always(ok("b")))
	w.serve("/p/: http://a http://b")
	ask := func(n int) (got string) {
		for range n {
			c := w.client()
			c.send(get("/p/"))
			head := c.untilHead()
			got += string(c.take(1))
			if !strings.HasPrefix(string(head), "HTTP/1.1 200 ") {
				t.Fatalf("%q", head)
			}
			c.close()
		}
		return got
	}
	a.refuse(true)
	if got := ask(6); got != "bbbbbb" {
		t.Errorf("while a is gone: %s", got)
	}
	if n := w.s.Stats().Connects; n != 2 {
		t.Errorf("%d connects: one to a, and one to b that is kept", n)
	}
	a.refuse(false)
	w.advance(4 * time.Second)
	if got := ask(4); got != "bbbb" {
		t.Errorf("before its time is over: %s", got)
	}
	w.advance(2 * time.Second)
	if got := ask(4); strings.Count(got, "a") != 2 {
		t.Errorf("after its time: %s", got)
	}
	// With all of them failed, one that is back is found at once.
	w.do(w.g.proxy.CloseIdle)
	a.refuse(true)
	b.refuse(true)
	c := w.client()
	c.send(get("/p/"))
	c.expect(page(502))
	a.refuse(false)
	if got := ask(1); got != "a" {
		t.Errorf("%s", got)
	}
}

// TestProxyRoundRobin counts how often each member is asked.
func TestProxyRoundRobin(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		for _, name := range []string{"a", "b", "c"} {
			w.upstream(name, answering(func(_ *upstreamConn, r *http.Request, _ string) string {
				return ok(name + r.RequestURI)
			}))
		}
		w.serve("/same/: http://a http://b http://c", "/own/: http://a/x/ http://b/y/ http://c/x/")
		count := map[string]int{}
		c := w.client()
		for range 30 {
			for _, path := range []string{"/same/1", "/own/1"} {
				c.send(get(path))
				head := string(c.untilHead())
				n := 0
				if _, err := fmt.Sscanf(head[strings.Index(head, "Content-Length: "):], "Content-Length: %d", &n); err != nil {
					t.Fatal(err)
				}
				count[string(c.take(n))]++
			}
		}
		for _, got := range []string{"a/same/1", "b/same/1", "c/same/1", "a/x/1", "b/y/1", "c/x/1"} {
			if count[got] != 10 {
				t.Errorf("%v, want 10 of each", count)
				break
			}
		}
	})
}

// TestProxyNextMemberKeepsThePath has targets with different paths: once the
// head is written, only a target with the same path can stand in.
func TestProxyNextMemberKeepsThePath(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.refused("gone")
		w.upstream("other", always(ok("other")))
		w.upstream("same", echoing())
		w.serve("/p/: http://gone/x/ http://other/y/ http://same/x/", "/q/: http://gone/x/ http://other/y/")
		c := w.client()
		c.send(get("/p/1"))
		c.expect(relayed("GET /x/1 "))
		// Once the head is written there is nobody to stand in.
		c.send(get("/q/1"))
		c.expect(page(502))
		// gone has failed by now, and is passed over.
		c.send(get("/q/1"))
		c.expect(relayed("other"))
	})
}

func TestProxyConnectTimeout(t *testing.T) {
	forEachLoop(t, func(t *testing.T, w *world) {
		w.timeouts.Connect = 100 * time.Millisecond
		slow := w.unanswering("slow")
		w.upstream("up", echoing())
		log := w.errorLog()
		w.serve("/p/: http://slow", "/q/: http://slow http://up")
		c := w.client()
		c.send(get("/p/"))
		c.expect(page(504))
		expectReason(t, log(), "connect_timeout", slow.name, 504)
		c.send(get("/q/"))
		c.expect(relayed("GET /q/ "))
		c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
		c.expect(page(504))
	})
}

func TestProxyFirstByteTimeout(t *testing.T) {
	for _, tt := range []struct{ name, request, begin string }{
		{"nothing comes", get("/p/"), ""},
		{"half a head comes", get("/p/"), "HTTP/1.1 200 OK\r\nConten"},
		{"an interim response comes", get("/p/"), "HTTP/1.1 102 Processing\r\n\r\n"},
		{"to content", "POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", ""},
		{"to chunked content", "POST /p/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.timeouts.FirstByte = 100 * time.Millisecond
				if tt.begin != "" {
					// What comes has to come within that time, on a busy machine too.
					w.timeouts.FirstByte = 500 * time.Millisecond
				}
				u := w.upstream("up", always(tt.begin))
				log := w.errorLog()
				w.serve("/p/: http://up")
				c := w.client()
				c.send(tt.request)
				if w.onSim() {
					w.steps(20)
					w.advance(2 * w.timeouts.FirstByte)
				}
				if strings.Contains(tt.begin, " 102 ") {
					c.expect(tt.begin)
				}
				c.expect(page(504))
				expectReason(t, log(), "first_byte_timeout", u.name, 504)
				u.waitEnded(0)
				c.expectOpen()
			})
		})
	}
}

// TestProxyFirstByteTimeoutBeginsWithTheEndOfTheRequest has an upstream that
// takes its time over the content, but never too long.
func TestProxyFirstByteTimeoutBeginsWithTheEndOfTheRequest(t *testing.T) {
	for name, late := range map[string]bool{"in time": false, "too late": true} {
		t.Run(name, func(t *testing.T) { slowUpload(t, late) })
	}
}

// slowUpload has an upstream that answers when it has taken all, or does not.
func slowUpload(t *testing.T, late bool) {
	const size = 100 << 10
	w := newSimWorld(t, 1, engine.Faults{})
	w.timeouts.FirstByte, w.timeouts.Idle = time.Second, 10*time.Second
	log := w.errorLog()
	u := w.upstream("up", func(c *upstreamConn) {
		if strings.HasSuffix(string(c.in), "the end") {
			c.state = true
		}
	})
	w.serve("/p/: http://up")
	dial := w.sim.OnDial
	w.sim.OnDial = func(addr *engine.Addr) *engine.SimPeer {
		p := dial(addr)
		p.Window = 1000
		return p
	}
	c := w.client()
	c.send(fmt.Sprintf("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size-7)+"the end"))
	w.eventually("the request begins", func() bool { return u.count() == 1 && len(u.conns[0].in) > 0 })
	p := u.conns[0].peer
	w.eventually("all of the content is taken", func() bool { return c.peer.Unread() == 0 })
	for range 20 { // far longer than the first byte may take
		w.advance(900 * time.Millisecond)
		p.Window += 4 << 10
		w.steps(5)
	}
	p.Window = -1
	w.eventually("the request is there", func() bool { return u.conns[0].state != nil })
	w.steps(5)
	w.advance(900 * time.Millisecond)
	if late {
		w.advance(200 * time.Millisecond)
		w.steps(20)
		if len(c.peer.FromShard) == 0 {
			t.Fatal("the time is not over when it should be")
		}
		c.expect(page(504))
		expectReason(t, log(), "first_byte_timeout", u.name, 504)
		return
	}
	u.conns[0].write(ok("done"))
	c.expect(relayed("done"))
}

func TestProxyIdleTimeout(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 10\r\n\r\n"
	forEachEngine(t, func(t *testing.T, w *world) {
		w.timeouts.Idle = 100 * time.Millisecond
		u := w.upstream("up", always("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"))
		log := w.errorLog()
		w.serve("/p/: http://up")
		c := w.client()
		c.send(get("/p/"))
		c.expect(head + "hello")
		if w.onSim() {
			w.advance(200 * time.Millisecond)
		}
		c.expectEnd()
		expectReason(t, log(), "upstream_idle_timeout", u.name, 200)
		u.waitEnded(0)
	})
}

// TestProxyIdleTimeoutOfUpload has an upstream that stops reading: the client,
// which has had no answer, gets one.
func TestProxyIdleTimeoutOfUpload(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.timeouts.Idle = 10 * time.Second
	u := w.upstream("up", func(*upstreamConn) {})
	log := w.errorLog()
	w.serve("/p/: http://up")
	c := w.client()
	c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n")
	w.eventually("the request begins", func() bool { return u.count() == 1 && len(u.conns[0].in) > 0 })
	p := u.conns[0].peer
	p.Window = len(p.FromShard) + 1000
	c.send(strings.Repeat("x", 1_000_000))
	w.steps(200)
	w.advance(11 * time.Second) // it has taken some since
	w.steps(20)
	if len(c.peer.FromShard) > 0 {
		t.Fatalf("answered too soon: %q", c.peer.FromShard)
	}
	w.advance(11 * time.Second)
	c.expect(closing(page(504)))
	expectReason(t, log(), "upstream_idle_timeout", u.name, 504)
	c.expectEnd()
	u.waitEnded(0)
}

// TestProxySlowClientIsNotTheUpstreamsFault has a client that pauses for longer
// than the upstream may, in both directions.
func TestProxySlowClientIsNotTheUpstreamsFault(t *testing.T) {
	const size = 2 << 20
	w := newSimWorld(t, 1, engine.Faults{})
	w.timeouts.Idle = time.Second
	w.settings.BodyIdle, w.settings.Write = time.Hour, time.Hour
	body := numbers(size)
	w.upstream("up", always(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, body)))
	w.serve("/p/: http://up")
	c := w.client()
	c.send("POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab")
	for range 5 {
		w.steps(5)
		w.advance(2 * time.Second)
	}
	c.send("cd")
	c.peer.Window = 10
	for range 5 {
		w.steps(100)
		w.advance(2 * time.Second)
	}
	c.peer.Window = -1
	c.expect(fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: %d\r\n\r\n", size))
	if string(c.take(size)) != body {
		t.Error("the content is damaged")
	}
}

// TestProxyHeadTooLarge has a head that the limits allow, but whose rewriting
// makes it larger than a buffer.
func TestProxyHeadTooLarge(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.settings.HTTP.HeadBytes = 60 << 10
		u := w.upstream("up", echoing())
		log := w.errorLog()
		w.serve("/p/:a: http://up/"+strings.Repeat(":a/", 20), "/: http://up")
		c := w.client()
		c.send(get("/p/" + strings.Repeat("x", 7000)))
		c.expect(page(431))
		expectReason(t, log(), "head_too_large", u.name, 431)
		// The limit itself is no reason.
		fields := strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 58)
		c.send("GET /ok HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n")
		c.expect(relayed("GET /ok "))
	})
}

// TestProxyOutOfBuffers has none left for a head that needs a large one, and
// then next to no small ones, where all that would be passed on is turned away.
func TestProxyOutOfBuffers(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		u := w.upstream("up", echoing())
		log := w.errorLog()
		var all []engine.Buf
		hoarding := false
		w.wrap = func(h *engine.Handler) {
			received := h.Received
			h.Received = func(c engine.Conn, p []byte) {
				if hoarding && w.s.User(c) == userClient {
					hoarding = false
					for b := w.s.Buffer(engine.LargeBuffer); b != 0; b = w.s.Buffer(engine.LargeBuffer) {
						all = append(all, b)
					}
				}
				received(c, p)
			}
		}
		w.serve("/p/: http://up")
		request := "GET /p/ HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 5000) + "\r\n\r\n"
		c := w.client()
		c.send(request[:5020])
		// Its beginning is kept in a large buffer when they run out.
		w.eventually("the beginning is there", func() bool { return w.s.Stats().LargeInUse > w.base.LargeInUse })
		w.do(func() { hoarding = true })
		c.send(request[5020:])
		c.expect(page(503))
		expectReason(t, log(), "no_buffers", u.name, 503)
		// One that does without is passed on.
		c.send(get("/p/"))
		c.expect(relayed("GET /p/ "))
		w.do(func() {
			for !w.s.Exhausted() {
				all = append(all, w.s.Buffer(engine.SmallBuffer))
			}
		})
		w.eventually("what is passed on is turned away", func() bool { return w.g.shedder.buffers })
		c.send(get("/p/"))
		c.expect(turnedAway)
		w.do(func() {
			for _, b := range all {
				w.s.ReleaseBuffer(b)
			}
		})
		w.eventually("no longer", func() bool { return !w.g.shedder.buffers })
		c.send(request)
		c.expect(relayed("GET /p/ "))
	})
}

// TestProxyOutOfConnections has a table that is full of clients.
func TestProxyOutOfConnections(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.limits.Connections, w.limits.Clients = 2, 2
		u := w.upstream("up", echoing())
		log := w.errorLog()
		w.serve("/p/: http://up", "GET /ping: OK pong")
		a, b := w.client(), w.client()
		for _, c := range []*client{a, b} {
			c.send(get("/ping"))
			c.expect(text(200, "pong"))
		}
		a.send(get("/p/"))
		a.expect(page(503))
		expectReason(t, log(), "no_connections", u.name, 503)
		b.close()
		w.eventually("b is gone", func() bool { return w.s.Stats().Clients == 1 })
		a.send(get("/p/"))
		a.expect(relayed("GET /p/ "))
	})
}
