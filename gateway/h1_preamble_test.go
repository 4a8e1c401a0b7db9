package gateway

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy/proxyproto"
	"github.com/anygate/anygate/telemetry"
)

const (
	v1Header = "PROXY TCP4 203.0.113.9 198.51.100.1 4711 443\r\n"
	v2Start  = "\r\n\r\n\x00\r\nQUIT\n"
	// v2Header is of a client at [2001:db8::9]:4711 that came over TLS.
	v2Header = v2Start + "\x21\x21\x00\x2c" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x12\x67\x01\xbb" +
		"\x20\x00\x05\x01\x00\x00\x00\x00"
	v2Local = v2Start + "\x20\x00\x00\x00"
)

// withPreamble makes the connections of a world begin with a PROXY header.
func (w *world) withPreamble() {
	w.settings.Listeners = make([]Listener, 8)
	w.settings.Listeners[7].ProxyProtocol = true
}

// preambles are headers and what upstreams are told of their clients.
var preambles = []struct{ name, header, addresses, proto, forwarded string }{
	{"v1", v1Header, "203.0.113.9", "http", `for=203.0.113.9;host="h";proto=http`},
	{"v2", v2Header, "2001:db8::9", "https", `for="[2001:db8::9]";host="h";proto=https`},
	{"v1 UNKNOWN", "PROXY UNKNOWN\r\n", "PEER", "http", `for=PEER;host="h";proto=http`},
	{"v2 LOCAL", v2Local, "PEER", "http", `for=PEER;host="h";proto=http`},
	{"v2 UNSPEC", v2Start + "\x21\x00\x00\x00", "PEER", "http", `for=PEER;host="h";proto=http`},
	{"v2 unix", v2Start + "\x21\x31\x00\xd8" + strings.Repeat("/", 216), "PEER", "http", `for=PEER;host="h";proto=http`},
	{"v1 of a mapped address", "PROXY TCP6 ::ffff:203.0.113.9 ::1 4711 443\r\n", "203.0.113.9", "http", `for=203.0.113.9;host="h";proto=http`},
}

func TestPreamble(t *testing.T) {
	for _, tt := range preambles {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.withPreamble()
				w.upstream("up", answering(tellsIdentity))
				w.serve("/p/: http://up/", "/ping: OK pong")
				want := w.toldIdentity(tt.addresses, tt.proto, "h", tt.forwarded)
				ask := "GET /p/" + req + "X-Forwarded-For: 1.1.1.1\r\n\r\n"
				c := w.client()
				c.send(tt.header + ask + ask)
				c.expect(want + want)
				c.send(ask)
				c.expect(want)
				// A second header is no request.
				c.send(tt.header)
				c.expect(closing(page(400)))
				c.expectEnd()
			})
		})
	}
}

// TestPreambleInPieces cuts the header and the request behind it in two at
// every byte, and sends them byte by byte.
func TestPreambleInPieces(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.withPreamble()
	w.upstream("up", answering(tellsIdentity))
	w.serve("/p/: http://up/")
	for _, tt := range preambles {
		want := w.toldIdentity(tt.addresses, tt.proto, "h", tt.forwarded)
		all := tt.header + "GET /p/" + req + "\r\n"
		for i := 1; i < len(all); i++ {
			c := w.client()
			c.send(all[:i])
			w.steps(2)
			c.send(all[i:])
			c.expect(want)
			c.close()
		}
		c := w.client()
		for i := range len(all) {
			c.send(all[i : i+1])
			w.steps(2)
		}
		c.expect(want)
		c.close()
	}
}

// TestPreambleOfGreatestLength comes in pieces of a hundred bytes.
func TestPreambleOfGreatestLength(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.withPreamble()
		w.upstream("up", answering(tellsIdentity))
		w.serve("/p/: http://up/")
		from, to := netip.MustParseAddrPort("203.0.113.9:4711"), netip.MustParseAddrPort("198.51.100.1:443")
		b := proxyproto.Append(nil, 2, from, to)
		b, ok := proxyproto.AppendTLV(b, 0, proxyproto.Noop, make([]byte, proxyproto.MaxLength-len(b)-10))
		if !ok {
			t.Fatal("no room")
		}
		if b, ok = proxyproto.AppendChecksum(b, 0); !ok || len(b) != proxyproto.MaxLength {
			t.Fatalf("the header has %d bytes", len(b))
		}
		all := string(b) + "GET /p/" + req + "\r\n"
		c := w.client()
		for len(all) > 0 {
			n := min(100, len(all))
			c.send(all[:n])
			all = all[n:]
			if w.onSim() {
				w.steps(2)
			}
		}
		c.expect(w.toldIdentity("203.0.113.9", "http", "h", `for=203.0.113.9;host="h";proto=http`))
		c.close()
	})
}

// TestPreambleRefused closes connections that begin with anything else, and
// says why in the error log.
func TestPreambleRefused(t *testing.T) {
	for _, tt := range []struct{ name, in, reason string }{
		{"a request", "GET /ping" + req + "\r\n", "no_proxy_header"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "no_proxy_header"},
		{"garbage", "PROXY \xff\xff\xff\r\n", "bad_proxy_protocol"},
		{"an endless line", "PROXY TCP4 " + strings.Repeat("1", 1000), "proxy_header_too_long"},
		{"an address that is none", "PROXY TCP4 203.0.113.999 198.51.100.1 4711 443\r\n", "bad_proxy_address"},
		{"an announcement of 64 KiB", v2Start + "\x21\x11\xff\xff", "proxy_header_too_long"},
		{"a giant TLV", v2Start + "\x21\x11\x00\x0f\xcb\x00\x71\x09\xc6\x33\x64\x01\x12\x67\x01\xbb\x02\xff\xff", "bad_proxy_tlv"},
		{"a wrong checksum", v2Start + "\x21\x11\x00\x13\xcb\x00\x71\x09\xc6\x33\x64\x01\x12\x67\x01\xbb\x03\x00\x04\x00\x00\x00\x00", "bad_proxy_checksum"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.withPreamble()
				w.errors = telemetry.NewRing(1 << 16)
				w.serve("/ping: OK pong")
				c := w.client()
				c.send(tt.in)
				if got := c.rest(); len(got) > 0 {
					t.Errorf("it was answered with %q", got)
				}
				w.eventually("the client has gone", func() bool { return w.g.Open() == 0 })
				if got := logOf(t, w.errors); !strings.Contains(got, "warn connection refused reason="+tt.reason+" client="+w.peerOf()+":") {
					t.Errorf("the error log is %q", got)
				}
			})
		})
	}
}

// TestPreambleThenGarbage answers what follows a header as ever.
func TestPreambleThenGarbage(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.withPreamble()
		w.serve("/ping: OK pong")
		for _, in := range []string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", v1Header, v2Header} {
			c := w.client()
			c.send(v2Header + in)
			c.expect(closing(page(400)))
			c.expectEnd()
		}
	})
}

// TestPreambleTrust takes headers from trusted peers only, if there are any.
func TestPreambleTrust(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.withPreamble()
		w.settings.Trust = NewTrust(prefixes("10.0.0.0/8"))
		w.errors = telemetry.NewRing(1 << 16)
		w.serve("/ping: OK pong")
		c := w.client()
		c.expectEnd()
		w.eventually("the client has gone", func() bool { return w.g.Open() == 0 })
		if got := logOf(t, w.errors); !strings.Contains(got, "reason=proxy_header_untrusted client="+w.peerOf()+":") {
			t.Errorf("the error log is %q", got)
		}
	})
}

// TestPreambleOfTrustedPeer tells of a client that is trusted, and speaks for
// another, or of one that is not.
func TestPreambleOfTrustedPeer(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.withPreamble()
		w.trustPeers()
		w.upstream("up", answering(tellsIdentity))
		w.serve("/p/: http://up/")
		ask := "GET /p/" + req + "X-Forwarded-For: 203.0.113.77\r\n\r\n"
		c := w.client()
		c.send("PROXY TCP4 10.0.0.9 10.0.0.1 4711 443\r\n" + ask)
		c.expect(w.toldIdentity("203.0.113.77, 10.0.0.9", "http", "h", `for=203.0.113.77;host="h";proto=http, for=10.0.0.9;host="h";proto=http`))
		c.close()
		c = w.client()
		c.send(v1Header + ask)
		c.expect(w.toldIdentity("203.0.113.9", "http", "h", `for=203.0.113.9;host="h";proto=http`))
		c.close()
	})
}

// TestPreambleTimer bounds the time for a header, however slowly it comes.
func TestPreambleTimer(t *testing.T) {
	w := timerWorld(t)
	w.withPreamble()
	w.errors = telemetry.NewRing(1 << 16)
	w.serve("/ping: OK pong")
	silent, slow, later := w.client(), w.client(), w.client()
	later.send(v1Header)
	for _, b := range strings.Split(v1Header, "")[:9] {
		slow.send(b)
		slow.stays(time.Second)
	}
	slow.ends(2 * time.Second)
	for _, c := range []*client{silent, slow, later} {
		c.expectEnd()
	}
	if got := logOf(t, w.errors); strings.Count(got, "\n") != 1 || !strings.Contains(got, "reason=proxy_header_timeout") {
		t.Errorf("the error log is %q", got)
	}
}

// TestPreambleEnds closes, resets, or drains where a header is to come.
func TestPreambleEnds(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.withPreamble()
		w.errors = telemetry.NewRing(1 << 16)
		w.serve("/ping: OK pong")
		for _, sent := range []string{"", "PROXY TCP4 203", v1Header, v2Header[:20]} {
			c := w.client()
			c.send(sent)
			c.closeWrite()
			c.expectEnd()
			c = w.client()
			c.send(sent)
			w.eventually("it is accepted", func() bool { return w.g.Open() > 0 })
			c.abort()
			w.eventually("the client has gone", func() bool { return w.g.Open() == 0 })
		}
		c := w.client()
		w.eventually("it is accepted", func() bool { return w.g.Open() > 0 })
		w.do(func() { w.g.drain() })
		c.expectEnd()
		if got := logOf(t, w.errors); got != "" {
			t.Errorf("the error log is %q", got)
		}
	})
}

// TestPreambleNotAskedFor is no request on a listener without the option.
func TestPreambleNotAskedFor(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.settings.Listeners = make([]Listener, 7)
		w.serve("/ping: OK pong")
		for _, header := range []string{v1Header, v2Header} {
			c := w.client()
			c.send(header + "GET /ping" + req + "\r\n")
			c.expect(closing(page(400)))
			c.expectEnd()
		}
	})
}
