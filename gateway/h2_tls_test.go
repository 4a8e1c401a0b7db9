package gateway

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/h2"
)

// muxing is a client that speaks HTTP/2 by preference, in the versions of c.
func muxing(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.NextProtos = []string{protocolH2, "http/1.1"}
	return c
}

// TestH2UnderTLS runs exchanges of all actions over one connection.
func TestH2UnderTLS(t *testing.T) {
	for _, v := range tlsVersions {
		t.Run(v.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				w.encrypting(muxing(v.config))
				h2AtOnce(t, w)
			})
		})
	}
}

// TestH2UnderTLSWithFaults cuts and delays what a simulation moves.
func TestH2UnderTLSWithFaults(t *testing.T) {
	for _, v := range tlsVersions {
		for seed := range uint64(3) {
			w := newSimWorld(t, seed, engine.Faults{Short: 0.5, Delay: 0.3, NoBufs: 0.1, Cancel: 0.1})
			w.encrypting(muxing(v.config))
			h2AtOnce(t, w)
		}
	}
}

// TestALPN has clients name protocols, and looks at which one they get.
func TestALPN(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.encrypting(nil)
		w.muxed()
		w.serve("/ping: OK pong")
		for _, tt := range []struct {
			name    string
			offer   []string
			want    string
			refused bool
		}{
			{"none", nil, "", false},
			{"HTTP/1.1", []string{"http/1.1"}, "http/1.1", false},
			{"HTTP/2", []string{"h2"}, "h2", false},
			{"both", []string{"h2", "http/1.1"}, "h2", false},
			{"both, in the other order", []string{"http/1.1", "h2"}, "h2", false},
			{"and others", []string{"h3", "acme-tls/1", "http/1.1"}, "http/1.1", false},
			{"others only", []string{"h3", "acme-tls/1"}, "", true},
			{"in capitals", []string{"H2"}, "", true},
		} {
			for _, v := range tlsVersions {
				t.Run(tt.name+" in "+v.name, func(t *testing.T) {
					w.t = t
					cfg := v.config.Clone()
					cfg.NextProtos = tt.offer
					w.tls = nil
					c := w.client()
					x := c.tlsOf(insecure(cfg))
					c.send("")
					c.until("the handshake has ended", func([]byte) bool { return x.done })
					if tt.refused {
						// no_application_protocol (RFC 7301, section 3.2)
						if x.err == nil || !strings.Contains(x.err.Error(), "no application protocol") {
							t.Errorf("the handshake ends with %v", x.err)
						}
						c.close()
						return
					}
					if got := x.tc.ConnectionState().NegotiatedProtocol; x.err != nil || got != tt.want {
						t.Fatalf("%q is spoken, %v", got, x.err)
					}
					if tt.want != protocolH2 {
						c.send(get("/ping"))
						c.expect(text(200, "pong"))
						c.close()
						return
					}
					m := newH2Client(c)
					m.begin()
					e := m.request("GET /ping", 'n', "", "")
					m.finish(t)
					e.want(t, h2Head(200, h2Text, 4), "pong", "")
					m.close()
				})
			}
		}
		w.t = t
	})
}

// TestH2NotNegotiated has clients speak what was not agreed on: the protocol is the one of the handshake.
func TestH2NotNegotiated(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.encrypting(nil)
		w.muxed()
		w.serve("/ping: OK pong")
		for _, offer := range [][]string{nil, {"http/1.1"}} {
			w.tls = &tls.Config{NextProtos: offer}
			c := w.client()
			c.send(h2.Preface)
			if got := string(c.rest()); !strings.HasPrefix(got, "HTTP/1.1 400 ") && !strings.HasPrefix(got, "HTTP/1.1 505 ") {
				t.Errorf("the preface is answered with %q", got)
			}
			c.close()
			// Nor is there a way from HTTP/1.1 (RFC 9113, section 3.1).
			c = w.client()
			c.send(upgrading("/ping", nil))
			c.expect(text(200, "pong"))
			c.close()
		}
		w.tls = muxing(&tls.Config{})
		c := newH2Client(w.client())
		c.strict = false
		c.send(get("/ping"))
		c.end(t)
		if len(c.goaways) != 1 || c.goaways[0].ErrCode != http2.ErrCodeProtocol {
			t.Errorf("HTTP/1.1 is answered with %v", c.goaways)
		}
	})
}

// TestH2TurnedOffMeanwhile has the configuration change between the offer and the end of the handshake: the client has to
// come again.
func TestH2TurnedOffMeanwhile(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.encrypting(nil)
		w.muxed()
		w.serve("/ping: OK pong")
		c := w.greeting(muxing(&tls.Config{}))
		w.settings.H2 = nil
		w.current.Store(w.generation("/ping: OK pong"))
		c.send("") // what is left of the handshake
		if got := c.rest(); len(got) > 0 || !c.notified {
			t.Errorf("received %q, the end was announced: %t", got, c.notified)
		}
	})
}

// TestH2Misdirected has streams of one connection ask for hosts that it is for, and for others.
func TestH2Misdirected(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.encrypting(muxing(&tls.Config{ServerName: "h"}))
		w.muxed()
		w.serve("/*: OK ok", "CONNECT /*: 403")
		c := w.h2Client()
		ask := func(authority string) *h2Exchange {
			return c.fields([][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", authority}, {":path", "/"}}, false, "", "")
		}
		own, other, port, capitals, third, socket := ask("h"), ask("other.example"), ask("other.example:8443"), ask("H"), ask("third.example"),
			c.fields([][2]string{{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":authority", "third.example"}, {":path", "/"}}, true, "", "")
		c.finish(t)
		for _, e := range []*h2Exchange{own, other, port, capitals} {
			e.want(t, h2Head(200, h2Text, 2), "ok", "")
		}
		for _, e := range []*h2Exchange{third, socket} {
			e.want(t, h2Head(421, h2Text, len("421 Misdirected Request\n")), "421 Misdirected Request\n", "")
		}
		c.close()
	})
}

// TestH2HSTS has every kind of head say that clients come by https, and only where they do.
func TestH2HSTS(t *testing.T) {
	const line = "strict-transport-security: max-age=3600\r\n"
	forEachEngine(t, func(t *testing.T, w *world) {
		w.encrypting(muxing(&tls.Config{}))
		w.settings.HSTS = []byte("Strict-Transport-Security: max-age=3600\r\n")
		w.muxed()
		dir := t.TempDir()
		for name, content := range map[string]string{"a.txt": "file a", "middle.bin": numbered(20_000)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		files := "/files/: " + dir + "/"
		w.upstream("up", answering(tableUpstream))
		w.upstream("strict", func(c *upstreamConn) {
			if strings.Contains(string(c.in), "\r\n\r\n") {
				c.in = nil
				c.write("HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\nContent-Length: 0\r\n\r\n")
			}
		})
		w.serve("/ping: OK pong", files, "/p/: http://up/", "/strict: http://strict", "/echo: *")
		c := w.h2Client()
		for range 3 { // in the connection's table, and beside it
			for _, path := range []string{"/ping", "/files/a.txt", "/files/middle.bin", "/p/a", "/echo", "/nowhere"} {
				e := c.request("GET "+path, 'n', "", "")
				c.finish(t)
				if strings.Count(e.head, line) != 1 || strings.Count(e.head, "strict-transport") != 1 {
					t.Errorf("%s: %q", path, e.head)
				}
			}
			e := c.request("GET /strict", 'n', "", "")
			c.finish(t)
			e.want(t, h2Head(200, "strict-transport-security: max-age=1\r\n", 0), "", "")
			// It is for the final response.
			e = c.request("GET /p/hints", 'n', "", "")
			c.finish(t)
			if strings.Contains(e.interim, "strict") || !strings.Contains(e.head, line) {
				t.Errorf("%q, then %q", e.interim, e.head)
			}
		}
		// It changes with the configuration, and so does what was encoded.
		w.settings.HSTS = []byte("Strict-Transport-Security: max-age=7200\r\n")
		w.current.Store(w.generation("/ping: OK pong"))
		e := c.request("GET /ping", 'n', "", "")
		c.finish(t)
		e.want(t, h2Head(200, h2Text, 4)+"strict-transport-security: max-age=7200\r\n", "pong", "")
		c.close()

		w.tls = nil
		w.listener(Listener{})
		w.current.Store(w.generation("/ping: OK pong", files))
		plain := w.h2Client()
		for _, path := range []string{"/ping", "/files/a.txt", "/nowhere"} {
			e := plain.request("GET "+path, 'n', "", "")
			plain.finish(t)
			if strings.Contains(e.head, "strict-transport") {
				t.Errorf("%s, in cleartext: %q", path, e.head)
			}
		}
		plain.close()
	})
}

// TestH2DrainUnderTLS ends connections in every state. What was asked for is answered, and the client is told what was not.
func TestH2DrainUnderTLS(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.encrypting(muxing(&tls.Config{}))
		w.muxed()
		w.serve("/ping: OK pong", "/big: OK "+numbered(400_000))
		idle, busy := w.h2Client(), w.h2Client(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000})
		busy.greedy = false
		first := idle.request("GET /ping", 'n', "", "")
		idle.finish(t)
		first.want(t, h2Head(200, h2Text, 4), "pong", "")
		waiting := busy.request("GET /big", 'n', "", "")
		busy.until(t, "the response has begun", func() bool { return len(waiting.got) == 1000 })
		late := w.greeting(muxing(&tls.Config{}))
		w.do(func() { w.g.drain() })

		busy.until(t, "the end is announced", func() bool { return len(busy.goaways) > 0 })
		waiting.open(1 << 20)
		busy.greedy = true
		busy.end(t)
		waiting.want(t, h2Head(200, h2Text, 400_000), numbered(400_000), "")
		idle.end(t)
		for name, c := range map[string]*h2Client{"idle": idle, "busy": busy} {
			if n := len(c.goaways); n != 2 || c.goaways[0].LastStreamID != 1<<31-1 || c.goaways[1].LastStreamID != 1 || !c.notified {
				t.Errorf("%s: %d GOAWAY, %v, the end was announced: %t", name, n, c.goaways, c.notified)
			}
		}
		// A handshake that is under way ends, and what comes with it is answered.
		late.until("the handshake has ended", func([]byte) bool { return late.x.done })
		m := newH2Client(late.client)
		m.begin()
		e := m.request("GET /ping", 'n', "", "")
		m.end(t)
		e.want(t, h2Head(200, h2Text, 4), "pong", "")
		w.eventually("the shard is drained", func() bool { return w.g.Open() == 0 })
	})
}

// halfway is a client in the middle of its handshake.
type halfway struct {
	*client
	x *tlsClient
}

// greeting connects and says hello.
func (w *world) greeting(cfg *tls.Config) halfway {
	w.t.Helper()
	before := w.tls
	w.tls = nil
	c := w.client()
	w.tls = before
	x := c.tlsOf(insecure(cfg))
	x.proceed()
	if err := c.write(x.taken()); err != nil {
		w.t.Fatal(err)
	}
	w.eventually("the handshake is under way", func() bool { return w.g.edge.Stats().Flights == 1 })
	return halfway{c, x}
}

// TestH2SettingsTimeoutUnderTLS: a client that says nothing behind its handshake is not waited for.
func TestH2SettingsTimeoutUnderTLS(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.encrypting(muxing(&tls.Config{}))
	w.muxed()
	w.serve("/ping: OK pong")
	c := newH2Client(w.client())
	c.strict = false
	w.steps(10)
	w.advance(11 * time.Second)
	c.end(t)
	if !c.notified {
		t.Error("the end was not announced")
	}
}
