package gateway

import (
	"bytes"
	"crypto/tls"
	"net"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/telemetry"
)

// tlsVersions are the two ways in which records are made.
var tlsVersions = []struct {
	name   string
	config *tls.Config
}{
	{"TLS 1.3", &tls.Config{MinVersion: tls.VersionTLS13}},
	{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}},
}

// TestHTTP1UnderTLS runs the whole table through TLS.
func TestHTTP1UnderTLS(t *testing.T) {
	for _, v := range tlsVersions {
		t.Run(v.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.encrypting(v.config)
				tableWorld(t, w)
				for _, r := range append(h1Table, longHeads()...) {
					t.Run(r.name, func(t *testing.T) {
						w.t = t
						r.check(w, r.in)
					})
				}
				w.t = t
			})
		})
	}
}

// TestHTTP1UnderTLSWithFaults cuts and delays what a simulation moves.
func TestHTTP1UnderTLSWithFaults(t *testing.T) {
	for _, v := range tlsVersions {
		for seed := range uint64(4) {
			w := newSimWorld(t, seed, engine.Faults{Short: 0.7, Delay: 0.3, NoBufs: 0.2, Cancel: 0.2})
			w.encrypting(v.config)
			tableWorld(t, w)
			for _, r := range h1Table {
				r.checkMerged(w)
			}
		}
	}
}

// TestOthersUnderTLS runs tests of other files, of connections that end in some way or
// another and of content that flows in both directions, with clients under TLS.
func TestOthersUnderTLS(t *testing.T) {
	everyWorld = func(w *world) { w.encrypting(&tls.Config{}) }
	defer func() { everyWorld = nil }()
	for name, test := range map[string]func(*testing.T){
		"client aborts":                    TestClientAborts,
		"drain":                            TestDrain,
		"events":                           TestEventsArriveAsTheyAreWritten,
		"flood of requests":                TestFloodOfRequests,
		"half-closed client":               TestHalfClosedClient,
		"half-closed clients":              TestHalfClosedClients,
		"large upload":                     TestProxyLargePost,
		"pipelined":                        TestMixedPipeline,
		"reload":                           TestReload,
		"slow reader":                      TestSlowReader,
		"slow readers leave room":          TestSlowReadersLeaveRoomForOthers,
		"stalled upload":                   TestProxyStalledUpload,
		"tiny chunks":                      TestTinyChunks,
		"tunnel":                           TestTunnel,
		"tunnel in pieces":                 TestTunnelInPieces,
		"tunnel resets":                    TestTunnelResets,
		"tunnel under back-pressure":       TestTunnelBackPressure,
		"tunnel whose upstream ends first": TestTunnelUpstreamEndsFirst,
	} {
		t.Run(name, test)
	}
}

// TestPreambleBeforeTLS has a PROXY header come before the handshake, in one piece with
// it, and in many.
func TestPreambleBeforeTLS(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.encrypting(nil)
		w.settings.Listeners[7].ProxyProtocol = true
		w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogText
		w.serve("/*: *")
		for _, piece := range []int{1 << 20, 100, 1} {
			c := w.client()
			x := c.tlsOf(insecure(&tls.Config{}))
			x.proceed()
			first := append([]byte("PROXY TCP4 203.0.113.7 192.0.2.2 4711 443\r\n"), x.taken()...)
			for len(first) > 0 {
				n := min(piece, len(first))
				if err := c.write(first[:n]); err != nil {
					t.Fatal(err)
				}
				first = first[n:]
				if w.onSim() {
					w.step()
				}
			}
			c.until("the handshake has ended", func([]byte) bool { return x.done })
			c.send("GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			if got := string(c.rest()); !strings.HasPrefix(got, "HTTP/1.1 200") {
				t.Errorf("received %q", got)
			}
			c.close()
		}
		if log := logOf(t, w.access); strings.Count(log, "203.0.113.7") != 3 {
			t.Errorf("the access log is\n%s", log)
		}
	})
}

// TestMisdirected asks for hosts over connections that were made for another.
func TestMisdirected(t *testing.T) {
	rows := []struct {
		name, sni, host string
		status          int
	}{
		{"the same", "h", "h", 200},
		{"the same, with a port", "h", "h:8443", 200},
		{"the same, in capitals", "h", "H", 200},
		{"another of the certificate's", "h", "other.example", 200},
		{"none of the certificate's", "h", "third.example", 421},
		{"a name that begins alike", "h", "hh", 421},
		{"unknown, and shown the default", "unknown.example", "unknown.example", 200},
		{"unknown, and then another", "unknown.example", "third.example", 421},
		{"unknown, and then one of the default's", "unknown.example", "other.example", 200},
		{"no name, and one of the default's", "192.0.2.1", "h", 200},
		{"no name, and another", "192.0.2.1", "third.example", 421},
		{"no name, and an address", "192.0.2.1", "192.0.2.1", 200},
		{"no name, and an address with a port", "192.0.2.1", "[2001:db8::1]:443", 200},
	}
	forEachEngine(t, func(t *testing.T, w *world) {
		w.encrypting(&tls.Config{})
		w.serve("/*: OK ok")
		for _, r := range rows {
			t.Run(r.name, func(t *testing.T) {
				w.t = t
				w.tls = &tls.Config{ServerName: r.sni}
				c := w.client()
				c.send("GET / HTTP/1.1\r\nHost: " + r.host + "\r\n\r\n")
				if r.status == 200 {
					c.expect(text(200, "ok"))
				} else {
					c.expect(page(r.status))
				}
				c.close()
			})
		}
		w.t = t
	})
}

// TestRedirectToTLS sends clients of a plain listener to https.
func TestRedirectToTLS(t *testing.T) {
	at := func(location string) string {
		return "HTTP/1.1 308 Permanent Redirect\r\nServer: anygate\r\nDate: D\r\nLocation: " + location +
			"\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 19\r\n\r\nPermanent Redirect\n"
	}
	rows := []struct {
		name string
		port uint16
		in   string
		out  string
	}{
		{"a path and a query", 443, "GET /a/b?c=d HTTP/1.1\r\nHost: h\r\n\r\n", at("https://h/a/b?c=d")},
		{"a port is replaced", 443, "GET / HTTP/1.1\r\nHost: h:8080\r\n\r\n", at("https://h/")},
		{"by another", 8443, "GET / HTTP/1.1\r\nHost: h:8080\r\n\r\n", at("https://h:8443/")},
		{"an address", 8443, "GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n", at("https://[2001:db8::1]:8443/")},
		{"an address with a port", 443, "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", at("https://[2001:db8::1]/")},
		{"the absolute form", 443, "GET http://other.example/x HTTP/1.1\r\nHost: other.example\r\n\r\n", at("https://other.example/x")},
		{"an ACME challenge", 443, "GET /.well-known/acme-challenge/token HTTP/1.1\r\nHost: h\r\n\r\n", text(200, "ok")},
		{"a path that only looks like one", 443, "GET /.well-known/acme-challenge/../../secret HTTP/1.1\r\nHost: h\r\n\r\n", at("https://h/.well-known/acme-challenge/../../secret")},
		{"no host", 443, "GET / HTTP/1.0\r\n\r\n", closing(page(400))},
	}
	forEachEngine(t, func(t *testing.T, w *world) {
		w.listener(Listener{})
		w.serve("/*: OK ok")
		for _, r := range rows {
			t.Run(r.name, func(t *testing.T) {
				w.t = t
				w.listener(Listener{Redirect: r.port})
				w.current.Store(w.generation("/*: OK ok"))
				c := w.client()
				c.send(r.in)
				c.expect(r.out)
				c.close()
			})
		}
		w.t = t
	})
}

// TestPlainRequestToTLS is answered in the client's own language.
func TestPlainRequestToTLS(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.encrypting(nil)
		w.serve("/*: OK ok")
		c := w.client()
		c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		c.until("there is an answer", func([]byte) bool { return false })
		if !strings.HasPrefix(string(c.got), "HTTP/1.1 400 Bad Request\r\n") || !strings.HasSuffix(string(c.got), "https:// in place of http\n") {
			t.Errorf("the answer is %q", c.got)
		}
	})
}

// TestHandshakeTimeout ends connections that do not come to their point.
func TestHandshakeTimeout(t *testing.T) {
	for _, in := range []string{"", "\x16", "\x16\x03\x01\x02\x00\x01"} {
		w := newSimWorld(t, 1, engine.Faults{})
		w.errors = telemetry.NewRing(1 << 12)
		w.encrypting(nil)
		w.serve("/*: OK ok")
		c := w.client()
		c.send(in)
		w.steps(10)
		if c.peer.Closed {
			t.Fatal("closed at once")
		}
		w.advance(6 * time.Second)
		w.steps(10)
		if !c.peer.Closed {
			t.Errorf("still open after %q", in)
		}
	}
}

// recordCounter counts the records that a client reads.
type recordCounter struct {
	*net.TCPConn
	records int
	head    []byte
	left    int
}

func (r *recordCounter) Read(p []byte) (int, error) {
	n, err := r.TCPConn.Read(p)
	for b := p[:n]; len(b) > 0; {
		if r.left > 0 {
			k := min(r.left, len(b))
			b, r.left = b[k:], r.left-k
			continue
		}
		r.head, b = append(r.head, b[0]), b[1:]
		if len(r.head) == 5 {
			r.left = int(r.head[3])<<8 | int(r.head[4])
			r.records++
			r.head = r.head[:0]
		}
	}
	return n, err
}

// TestRequestsUnderTLSAllocateNothing counts the allocations of the whole process,
// in which the client's tls.Conn makes one for every record that it reads.
func TestRequestsUnderTLSAllocateNothing(t *testing.T) {
	rows := []struct{ name, line, content string }{
		{"fixed", "GET /ping", ""},
		{"static from memory", "GET /files/a.txt", ""},
		{"static by reference", "GET /files/middle.bin", ""},
		{"static from a descriptor", "GET /files/large.bin", ""},
		{"proxied", "GET /p/a", ""},
		{"proxied with content", "POST /p/a", strings.Repeat("hello", 1000)},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			forEachLoop(t, func(t *testing.T, w *world) {
				w.encrypting(nil)
				tableWorld(t, w)
				end, response := []byte("\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
				w.upstreams["up"].data = func(c *upstreamConn) {
					for {
						i := bytes.Index(c.in, end)
						if i < 0 || len(c.in) < i+4+len(row.content) {
							return
						}
						c.in = c.in[:copy(c.in, c.in[i+4+len(row.content):])]
						_, _ = c.conn.Write(response)
					}
				}
				w.tls = nil
				raw := w.client()
				counted := &recordCounter{TCPConn: raw.conn}
				c := tls.Client(counted, insecure(&tls.Config{}))
				request := []byte(row.line + req + "Content-Length: " + strconv.Itoa(len(row.content)) + "\r\n\r\n" + row.content)
				const depth = 16
				batch := bytes.Repeat(request, depth)
				in := make([]byte, 0, depth*301_000)
				length := 0
				round := func() {
					if _, err := c.Write(batch); err != nil {
						t.Fatal(err)
					}
					for in = in[:0]; len(in) < depth*length || length == 0; {
						n, err := c.Read(in[len(in):cap(in)])
						if err != nil {
							t.Fatal(err)
						}
						in = in[:len(in)+n]
						if length == 0 && bytes.Count(in, []byte("HTTP/1.1 200")) == depth {
							// All are of the same length.
							length = bytes.Index(in[1:], []byte("HTTP/1.1 200")) + 1
						}
					}
				}
				_ = raw.conn.SetDeadline(time.Now().Add(3 * patience))
				round()
				for range min(20, 1+1_000_000/length) {
					round()
				}
				rounds := max(4, 4000/depth*200/(200+length))
				first := counted.records
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for range rounds {
					round()
				}
				runtime.ReadMemStats(&after)
				if n := after.Mallocs - before.Mallocs; n > uint64(counted.records-first)+300 {
					t.Errorf("%d allocations in %d requests, and %d records", n, rounds*depth, counted.records-first)
				}
			})
		})
	}
}

// TestDrainDuringAHandshake lets it end, and answers the request that follows.
func TestDrainDuringAHandshake(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.encrypting(nil)
		w.serve("/ping: OK pong")
		c := w.client()
		x := c.tlsOf(insecure(&tls.Config{}))
		x.proceed()
		if err := c.write(x.taken()); err != nil {
			t.Fatal(err)
		}
		w.eventually("the handshake is under way", func() bool { return w.g.edge.Stats().Flights == 1 })
		w.do(func() { w.g.drain() })
		c.until("the handshake has ended", func([]byte) bool { return x.done })
		c.send("GET /ping" + req + "\r\n")
		c.expect(closing(text(200, "pong")))
		c.expectEnd()
		w.eventually("the shard is drained", func() bool { return w.g.Open() == 0 })
	})
}
