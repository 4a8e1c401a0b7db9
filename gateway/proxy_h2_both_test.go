package gateway

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/proxy"
)

// TestProxyH2Both has a client of HTTP/2 in front of an upstream of HTTP/2:
// many exchanges at a time, of all kinds, over one connection each.
func TestProxyH2Both(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		w.speaksH2(nil)
		large := numbered(300_000)
		o := &origin{serve: func(r *originRequest) {
			switch r.get(":path") {
			case "/p/large":
				r.head(r.get(":method") == "HEAD", ":status", "200", "content-length", fmt.Sprint(len(large)))
				if r.get(":method") != "HEAD" {
					r.send([]byte(large), nil)
				}
			case "/p/trailers":
				r.head(false, ":status", "200", "content-type", "application/grpc")
				r.send(r.content, func() { r.head(true, "grpc-status", "0", "x-got", fmt.Sprint(len(r.trailers))) })
			case "/p/only":
				r.answer("200", "", "content-type", "application/grpc", "grpc-status", "5")
			case "/p/empty":
				r.answer("204", "")
			default:
				tells(r)
			}
		}}
		u := w.upstream("up", o.data())
		w.serve("/p/: http://up")
		c := w.h2Client()
		var all []*h2Exchange
		for range 4 {
			all = append(
				all,
				c.request("GET /p/a", 'n', "", ""),
				c.request("POST /p/b", 'l', "hello", ""),
				c.request("PUT /p/c", 'c', large, ""),
				c.request("GET /p/large", 'n', "", ""),
				c.request("POST /p/trailers", 'c', large, "X-T: 1\r\n"),
				c.request("POST /p/only", 'c', "abc", ""),
				c.request("GET /p/empty", 'n', "", ""),
				c.request("HEAD /p/large", 'n', "", ""),
			)
		}
		c.finish(t)
		for ; len(all) > 0; all = all[8:] {
			all[0].want(t, "200\r\n", "GET /p/a ", "")
			all[1].want(t, "200\r\n", "POST /p/b hello", "")
			all[2].want(t, "200\r\n", "PUT /p/c 300000 bytes", "")
			all[3].want(t, h2Head(200, "", len(large)), large, "")
			all[4].want(t, "200\r\ncontent-type: application/grpc\r\n", large, "grpc-status: 0\r\nx-got: 1\r\n")
			all[5].want(t, h2Head(200, "content-type: application/grpc\r\ngrpc-status: 5\r\n", 0), "", "")
			all[6].want(t, "204\r\n", "", "")
			all[7].want(t, h2Head(200, "", len(large)), "", "")
		}
		if n := u.count(); n != 1 {
			t.Errorf("%d connections", n)
		}
		c.close()
	})
}

// TestProxyH2BothBidirectional sends and receives on one stream in turns, as
// gRPC does, before either side has ended.
func TestProxyH2BothBidirectional(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		w.speaksH2(nil)
		o := &origin{
			begin: func(r *originRequest) { r.head(false, ":status", "200") },
			part:  func(r *originRequest, b []byte) { r.add(b, false) },
			serve: func(r *originRequest) { r.head(true, "grpc-status", "0") },
		}
		w.upstream("up", o.data())
		w.serve("/p/: http://up")
		c := w.h2Client()
		e := c.request("POST /p/", 'c', strings.Repeat("ping.", 20), "")
		for n := range 20 {
			e.hold = 5 * (19 - n)
			c.until(t, "the answer has come", func() bool { return len(e.got) == 5*(n+1) })
		}
		c.finish(t)
		e.want(t, "200\r\n", strings.Repeat("ping.", 20), "grpc-status: 0\r\n")
		c.close()
	})
}

// TestProxyH2BothTunnel passes an extended CONNECT on as one.
func TestProxyH2BothTunnel(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		w.speaksH2(nil)
		u := w.upstream("up", chat(settingConnect, 1).data())
		w.serve("/p/: http://up", "CONNECT tunnel.test/: http://up")
		c := w.h2Client()
		c.until(t, "the settings have come", func() bool { return c.settings })
		large := numbered(500_000)
		e := c.fields([][2]string{{":method", "CONNECT"}, {":scheme", "http"}, {":authority", "h"}, {":path", "/p/"}, {":protocol", "websocket"}}, true, large, "")
		c.finish(t)
		e.want(t, "200\r\nx-a: 1\r\n", large+"bye", "")
		u.locked(func() {
			if r := u.h2conn(0).order[0]; r.get(":protocol") != "websocket" || r.get(":path") != "/p/" {
				t.Errorf("the upstream got %v", r.fields)
			}
		})
		c.close()
	})
}

// TestProxyH2Connect relays a CONNECT over a stream.
func TestProxyH2Connect(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		w.speaksH2(nil)
		o := chat()
		o.begin = func(r *originRequest) { r.head(false, ":status", "200") }
		o.serve = func(r *originRequest) { r.add([]byte("bye"), true) }
		u := w.upstream("up", o.data())
		w.serve("CONNECT tunnel.test/: http://up")
		c := w.h2Client()
		e := c.fields([][2]string{{":method", "CONNECT"}, {":authority", "tunnel.test:22"}}, true, "hello", "")
		c.finish(t)
		e.want(t, "200\r\n", "hellobye", "")
		d := w.client()
		d.send("CONNECT tunnel.test:22 HTTP/1.1\r\nHost: tunnel.test:22\r\n\r\nhi")
		d.expect("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\n\r\nhi")
		d.closeWrite()
		d.expect("bye")
		d.expectEnd()
		u.locked(func() {
			for _, r := range u.h2conn(0).order {
				if r.get(":method") != "CONNECT" || r.get(":authority") != "tunnel.test:22" || r.get(":path") != "" || r.get(":scheme") != "" {
					t.Errorf("the upstream got %v", r.fields)
				}
			}
		})
		c.close()
	})
}

// TestProxyH2BothFaults runs exchanges through an unkind network to unreliable
// upstreams, and cancels some: whatever happens to one, the others get what is
// theirs, or an error.
func TestProxyH2BothFaults(t *testing.T) {
	var whole, failed, cut int
	faults := allFaults
	faults.Reset = 0.0002
	for seed := range uint64(200) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newSimWorld(t, seed, faults)
			rng := rand.New(rand.NewPCG(seed, 3))
			w.settings.Header, w.settings.BodyIdle, w.settings.Write = time.Hour, time.Hour, time.Hour
			w.muxed()
			w.speaksH2(func(s *proxy.Settings) {
				if seed%3 == 0 {
					s.Limits = proxy.Limits{Connections: 1, Queue: 100}
				}
			})
			if seed%2 == 0 {
				w.retry = retrying(2, 503)
			}
			w.upstream("a", faultOriginH2(rng).data())
			w.upstream("b", faultOriginH2(rng).data())
			w.serve("/p/: http://a http://b")
			c := w.h2Client()
			bodies := map[*h2Exchange]string{}
			for k := range 12 {
				id := fmt.Sprintf("%d-%d", seed, k)
				size := fmt.Sprint([]int{0, 100, 5000, 70_000}[rng.IntN(4)])
				content := ""
				if rng.IntN(2) == 0 {
					content = strings.Repeat(id+"!", []int{1, 50, 3000, 12_000}[rng.IntN(4)])
				}
				method := []string{"GET", "POST", "PUT", "DELETE"}[rng.IntN(4)]
				e := c.fields([][2]string{{":method", method}, {":scheme", "http"}, {":authority", "h"}, {":path", "/p/" + id}, {"x-id", id}, {"x-size", size}}, content != "", content, "")
				bodies[e] = faultBody(id, size, content)
			}
			for n := 0; n < turns && !c.ended; n++ {
				c.work()
				left := 0
				for _, e := range c.streams {
					if e.over() {
						continue
					}
					left++
					if rng.IntN(5000) == 0 {
						e.cancel()
						e.sentEnd = true
					}
				}
				if left == 0 {
					break
				}
			}
			for e, body := range bodies {
				switch {
				case strings.HasPrefix(e.head, "50"):
					failed++
				case !strings.HasPrefix(body, e.got):
					t.Fatalf("stream %d got other content", e.id)
				case e.ended && !e.reset && e.got == body:
					whole++
				case e.ended && !e.reset:
					t.Fatalf("stream %d got %d bytes of %d as a whole answer: %q", e.id, len(e.got), len(body), e.head)
				default:
					cut++
				}
			}
		})
	}
	t.Logf("%d whole, %d failed, %d cut off or cancelled", whole, failed, cut)
	if whole < 500 || failed < 100 || cut < 50 {
		t.Errorf("%d whole, %d failed, %d cut off: the faults are not what they should be", whole, failed, cut)
	}
}
