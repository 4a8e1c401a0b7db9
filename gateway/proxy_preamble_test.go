package gateway

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/proxy/proxyproto"
)

// toldFirst makes a data function of one that answers whole requests, which
// are behind a PROXY header on each connection.
func toldFirst(respond func(c *upstreamConn, h *proxyproto.Header, r *http.Request, content string) string) func(c *upstreamConn) {
	answer := answering(func(c *upstreamConn, r *http.Request, content string) string {
		return respond(c, c.state.(*proxyproto.Header), r, content)
	})
	return func(c *upstreamConn) {
		if c.state == nil {
			h := new(proxyproto.Header)
			n, err := proxyproto.Parse(c.in, h)
			switch {
			case err != proxyproto.OK:
				c.write("HTTP/1.1 500 " + err.Error() + "\r\nContent-Length: 0\r\n\r\n")
				c.in = nil
				return
			case n == 0:
				return
			}
			h.TLVs = append(proxyproto.TLVs{}, h.TLVs...)
			c.in, c.state = c.in[n:], h
		}
		answer(c)
	}
}

// tellsPreamble answers with what the header says.
func tellsPreamble(c *upstreamConn, h *proxyproto.Header, r *http.Request, content string) string {
	body := fmt.Sprintf("v%d %s to %s: %s %s %q", h.Version, h.Source, h.Destination, r.Method, r.Header.Get("X-Forwarded-For"), content)
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// told is that answer.
func told(version int, from, to netip.AddrPort, rest string) string {
	body := fmt.Sprintf("v%d %s to %s: %s", version, from, to, rest)
	return fmt.Sprintf(okLine+served+"Content-Length: %d\r\n\r\n%s", len(body), body)
}

// endsOf are the two ends of the connection of the only client.
func (c *client) endsOf() (from, to netip.AddrPort) {
	c.w.t.Helper()
	if c.conn != nil {
		return netip.MustParseAddrPort(c.conn.LocalAddr().String()), c.w.addr
	}
	var conn engine.Conn
	c.w.s.Each(func(other engine.Conn) {
		if c.w.s.User(other) == userClient {
			conn = other
		}
	})
	return c.w.s.PeerAddr(conn), c.w.s.LocalAddr(conn)
}

// preambled makes the upstreams of a world speak the PROXY protocol.
func (w *world) preambled(version uint8) {
	w.pooling = pooled(func(s *proxy.Settings) { s.ProxyProtocol = version })
}

// TestProxyPreamble begins each connection with the address of its client, and
// uses it for one request.
func TestProxyPreamble(t *testing.T) {
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprint("v", version), func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.preambled(uint8(version))
				u := w.upstream("up", toldFirst(tellsPreamble))
				w.serve("/p/: http://up/")
				c := w.client()
				w.eventually("it is accepted", func() bool { return w.g.Open() > 0 })
				from, to := c.endsOf()
				for range 3 {
					c.send("GET /p/" + req + "\r\n")
					c.expect(told(version, from, to, `GET `+w.peerOf()+` ""`))
					c.send("POST /p/" + req + "Content-Length: 5\r\n\r\nhello")
					c.expect(told(version, from, to, `POST `+w.peerOf()+` "hello"`))
					c.send("PUT /p/" + req + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
					c.expect(told(version, from, to, `PUT `+w.peerOf()+` "abc"`))
				}
				c.close()
				if n := u.count(); n != 9 {
					t.Errorf("%d connections for 9 requests", n)
				}
				w.do(func() {
					if n := w.g.proxy.Idle(); n != 0 {
						t.Errorf("%d connections are kept", n)
					}
				})
			})
		})
	}
}

// TestProxyPreambleOfClient tells of who is the client, not of who has
// connected: one that a PROXY header or a trusted peer names.
func TestProxyPreambleOfClient(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.preambled(2)
		w.withPreamble()
		w.trustPeers()
		w.upstream("up", toldFirst(tellsPreamble))
		w.serve("/p/: http://up/")
		to := netip.MustParseAddrPort("198.51.100.1:443")
		c := w.client()
		c.send(v1Header + "GET /p/" + req + "X-Forwarded-For: 1.1.1.1\r\n\r\n")
		c.expect(told(2, netip.MustParseAddrPort("203.0.113.9:4711"), to, `GET 203.0.113.9 ""`))
		c.close()
		c = w.client()
		c.send("PROXY TCP4 10.0.0.9 198.51.100.1 4711 443\r\n")
		for _, who := range []string{"203.0.113.7", "203.0.113.8"} {
			c.send("GET /p/" + req + "X-Forwarded-For: " + who + "\r\n\r\n")
			c.expect(told(2, netip.AddrPortFrom(netip.MustParseAddr(who), 0), to, `GET `+who+`, 10.0.0.9 ""`))
		}
		c.send("GET /p/" + req + "X-Forwarded-For: 2001:db8::9\r\n\r\n")
		c.expect(told(2, netip.MustParseAddrPort("[2001:db8::9]:0"), netip.MustParseAddrPort("[::ffff:198.51.100.1]:443"), `GET 2001:db8::9, 10.0.0.9 ""`))
		c.close()
	})
}

// TestProxyPreambleRepeated sends the header again where a request is.
func TestProxyPreambleRepeated(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.preambled(1)
		w.retry = retrying(2)
		u := w.upstream("up", toldFirst(func(c *upstreamConn, h *proxyproto.Header, r *http.Request, content string) string {
			if c.id < 2 {
				c.abort()
				return ""
			}
			return tellsPreamble(c, h, r, content)
		}))
		w.serve("/p/: http://up/")
		c := w.client()
		w.eventually("it is accepted", func() bool { return w.g.Open() > 0 })
		from, to := c.endsOf()
		c.send("PUT /p/" + req + "Content-Length: 5\r\n\r\nhello")
		c.expect(told(1, from, to, `PUT `+w.peerOf()+` "hello"`))
		c.close()
		if n := u.count(); n != 3 {
			t.Errorf("%d connections, want 3", n)
		}
	})
}

// TestProxyPreambleTurnedOnAndOff changes the settings of an upstream with
// connections to it: none is used in a way that it was not made for.
func TestProxyPreambleTurnedOnAndOff(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	on := pooled(func(s *proxy.Settings) { s.ProxyProtocol = 2 })
	u := w.upstream("up", func(c *upstreamConn) {
		if c.state == nil && strings.HasPrefix(string(c.in), "GET") {
			c.state = &proxyproto.Header{}
		}
		toldFirst(tellsPreamble)(c)
	})
	w.serve("/p/: http://up/")
	ask := "GET /p/" + req + "\r\n"
	c := w.client()
	plain := told(0, netip.AddrPort{}, netip.AddrPort{}, `GET 192.0.2.1 ""`)
	c.send(ask)
	c.expect(plain)
	from, to := c.endsOf()
	w.pools["up"].Settings.Store(on)
	for range 2 {
		c.send(ask)
		c.expect(told(2, from, to, `GET 192.0.2.1 ""`))
	}
	w.pools["up"].Settings.Store(&proxy.DefaultSettings)
	for range 2 {
		c.send(ask)
		c.expect(plain)
	}
	if n := u.count(); n != 3 {
		t.Errorf("%d connections: one before, which is kept, and two for the requests with a header", n)
	}
	c.close()
}

// TestProxyPreambleLimited waits for connections that are not kept.
func TestProxyPreambleLimited(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.pooling = pooled(func(s *proxy.Settings) {
			s.ProxyProtocol = 1
			s.Limits = proxy.Limits{Connections: 1, Queue: 100}
		})
		w.upstream("up", toldFirst(tellsPreamble))
		w.serve("/p/: http://up/")
		var clients []*client
		for range 8 {
			c := w.client()
			clients = append(clients, c)
			for range 3 {
				c.send("GET /p/" + req + "\r\n")
			}
		}
		for _, c := range clients {
			for range 3 {
				if body := c.response("GET").content; !strings.HasPrefix(body, "v1 "+w.peerOf()+":") {
					t.Errorf("the response is %q", body)
				}
			}
			c.close()
		}
	})
}

// TestProxyPreambleTunnel switches to another protocol behind a header.
func TestProxyPreambleTunnel(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.preambled(2)
		w.upstream("up", func(c *upstreamConn) {
			if c.state == nil {
				var h proxyproto.Header
				n, _ := proxyproto.Parse(c.in, &h)
				end := strings.Index(string(c.in[n:]), "\r\n\r\n")
				if n == 0 || end < 0 {
					return
				}
				c.in, c.state = c.in[n+end+4:], true
				c.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello " + h.Source.Addr().String() + "\n")
			}
			c.write(string(c.in))
			c.in = nil
		})
		w.serve("/p/: http://up/")
		c := w.client()
		c.send("GET /p/" + req + "Connection: Upgrade\r\nUpgrade: x\r\n\r\n")
		c.until("the tunnel speaks", func(got []byte) bool { return strings.HasSuffix(string(got), "\r\n\r\nhello "+w.peerOf()+"\n") })
		c.got = nil
		c.send("ping")
		c.expect("ping")
		c.close()
	})
}
