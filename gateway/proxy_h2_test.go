package gateway

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy"
)

// TestProxyH2 relays exchanges of all kinds between clients of HTTP/1.1 and an
// upstream of HTTP/2.
func TestProxyH2(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 64<<10/16*5)
	for _, tt := range []struct {
		name, request string
		serve         func(r *originRequest)
		want          string
	}{
		{"GET", get("/p/a?b"), tells, chunkless("GET /p/a?b ")},
		{"HEAD", "HEAD /p/ HTTP/1.1\r\nHost: h\r\n\r\n", func(r *originRequest) { r.answer("200", "", "content-length", "7") }, emptyHead("Content-Length: 7\r\n")},
		{"a length", get("/p/"), func(r *originRequest) { r.answer("200", "hi", "content-length", "2", "x-a", "1") }, "HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nx-a: 1\r\nContent-Length: 2\r\n\r\nhi"},
		{"no content", get("/p/"), func(r *originRequest) { r.answer("204", "", "x", "y") }, "HTTP/1.1 204 No Content\r\nServer: anygate\r\nDate: D\r\nx: y\r\n\r\n"},
		{"an end with the head", get("/p/"), func(r *originRequest) { r.answer("404", "") }, "HTTP/1.1 404 Not Found\r\nServer: anygate\r\nDate: D\r\nContent-Length: 0\r\n\r\n"},
		{"content with a length", "POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", tells, chunkless("POST /p/ hello")},
		{"chunked content with trailers", "POST /p/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n", tells, chunkless("POST /p/ abc x-t=1")},
		{"content larger than the window", fmt.Sprintf("PUT /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(big), big), tells, chunkless(fmt.Sprintf("PUT /p/ %d bytes", len(big)))},
		{"a response larger than the window", get("/p/"), func(r *originRequest) { r.answer("200", big, "content-length", fmt.Sprint(len(big))) }, fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: %d\r\n\r\n%s", len(big), big)},
		{"interim responses", get("/p/"), func(r *originRequest) {
			r.head(false, ":status", "103", "link", "</a>")
			r.head(false, ":status", "100")
			tells(r)
		}, "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + chunkless("GET /p/ ")},
		{"trailers", get("/p/"), func(r *originRequest) {
			r.head(false, ":status", "200")
			r.send([]byte("abc"), func() { r.head(true, "x-sum", "6", "content-length", "3") })
		}, "HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 6\r\n\r\n"},
		{"a date and a server", get("/p/"), func(r *originRequest) {
			r.answer("304", "", "date", "Mon, 02 Jan 2006 15:04:05 GMT", "server", "o", "etag", `"1"`)
		}, "HTTP/1.1 304 Not Modified\r\ndate: Mon, 02 Jan 2006 15:04:05 GMT\r\nserver: o\r\netag: \"1\"\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachH2(t, &origin{serve: tt.serve}, func(t *testing.T, w *world, u *upstream) {
				w.serve("/p/: http://up")
				c := w.client()
				for range 3 {
					c.send(tt.request)
					c.expect(tt.want)
				}
				if n := u.count(); n != 1 {
					t.Errorf("%d connections", n)
				}
			})
		})
	}
}

// chunkless is what a client gets of a response without a length.
func chunkless(content string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(content), content)
}

func emptyHead(fields string) string {
	return "HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\n" + fields + "\r\n"
}

// TestProxyH2Request looks at the head of a request as it reaches the upstream.
func TestProxyH2Request(t *testing.T) {
	request := "GET /p/a HTTP/1.1\r\nHost: Example.com:81\r\nX-Up: A\r\nCookie: a=1; b=2\r\nConnection: x-gone, TE\r\nX-Gone: 1\r\n" +
		"TE: trailers, deflate\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nHTTP2-Settings: AAA\r\nAccept:  */* \r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"
	want := []string{
		":authority: Example.com:81", ":method: GET", ":path: /x/a", ":scheme: http", "accept: */*", "cookie: a=1; b=2",
		"forwarded: for=127.0.0.1;host=\"Example.com:81\";proto=http", "te: trailers", "via: 1.1 anygate",
		"x-forwarded-for: 127.0.0.1", "x-forwarded-host: Example.com:81", "x-forwarded-proto: http", "x-up: A",
	}
	forEachLoop(t, func(t *testing.T, w *world) {
		want := want
		if w.securing != nil {
			want = append([]string{":scheme: https"}, slices.DeleteFunc(slices.Clone(want), func(s string) bool { return s == ":scheme: http" })...)
		}
		var got []string
		o := &origin{serve: func(r *originRequest) {
			for _, f := range r.fields {
				got = append(got, f.Name+": "+f.Value)
			}
			r.answer("200", "")
		}}
		w.speaksH2(nil)
		u := w.upstream("up", o.data())
		w.serve("/p/: http://up/x/")
		c := w.client()
		c.send(request)
		c.expect(emptyHead("Content-Length: 0\r\n"))
		u.locked(func() { sameSet(t, got, want) })
	})
}

func sameSet(t *testing.T, got, want []string) {
	t.Helper()
	count := map[string]int{}
	for _, s := range got {
		count[s]++
	}
	for _, s := range want {
		if count[s]--; count[s] < 0 {
			t.Errorf("%q is missing", s)
		}
	}
	for s, n := range count {
		if n > 0 {
			t.Errorf("%q is too much", s)
		}
	}
}

// TestProxyH2SettingsOpenWindows has an upstream whose settings, and nothing else, open
// the windows of streams on which content waits: it has that much room from the beginning,
// and sees no reason to say it again.
func TestProxyH2SettingsOpenWindows(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 40<<10/16)
	o := &origin{settings: []uint32{settingWindow, 100}, narrow: true, serve: tells}
	o.part = func(r *originRequest, b []byte) {
		r.content = append(r.content, b...)
		if len(r.content) == 100 {
			r.c.o.settings[1] = 1 << 20
			r.c.announce()
		}
	}
	forEachH2(t, o, func(t *testing.T, w *world, u *upstream) {
		o.settings[1] = 100
		w.serve("/p/: http://up")
		c := w.client()
		c.send(get("/p/")) // after it the settings are known
		c.expect(chunkless("GET /p/ "))
		c.send(fmt.Sprintf("PUT /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(content), content))
		c.expect(chunkless(fmt.Sprintf("PUT /p/ %d bytes", len(content))))
	})
}

// TestProxyH2SettingsCloseWindows has an upstream whose first settings, which come when
// a request is under way already, leave streams a window that never again becomes what it was.
func TestProxyH2SettingsCloseWindows(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 80<<10/16)
	o := &origin{settings: []uint32{settingWindow, 500}, serve: tells}
	forEachH2(t, o, func(t *testing.T, w *world, u *upstream) {
		w.serve("/p/: http://up")
		c := w.client()
		c.send(fmt.Sprintf("PUT /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(content), content))
		c.expect(chunkless(fmt.Sprintf("PUT /p/ %d bytes", len(content))))
	})
}

// TestProxyH2Shares sends many requests at a time: one connection carries
// them, and another one is opened when it is full.
func TestProxyH2Shares(t *testing.T) {
	for _, tt := range []struct {
		name             string
		settings         []uint32
		streams, clients int
		conns            int
	}{
		{"room for all", nil, 100, 20, 1},
		{"the member's limit", []uint32{settingStreams, 8}, 100, 20, 3},
		{"the upstream's limit", nil, 5, 20, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				var waiting []*originRequest
				o := &origin{settings: tt.settings}
				o.serve = func(r *originRequest) {
					if r.get(":path") == "/p/first" {
						tells(r)
						return
					}
					if waiting = append(waiting, r); len(waiting) == tt.clients {
						for _, r := range waiting {
							tells(r)
						}
						waiting = nil
					}
				}
				w.speaksH2(func(s *proxy.Settings) { s.KeepAlive.Streams = tt.streams })
				u := w.upstream("up", o.data())
				w.serve("/p/: http://up")
				c := w.client()
				c.send(get("/p/first"))
				c.expect(chunkless("GET /p/first "))
				var all []*client
				for range tt.clients {
					all = append(all, w.client())
				}
				for round := range 3 {
					for i, c := range all {
						c.send(get(fmt.Sprintf("/p/%d/%d", round, i)))
					}
					for i, c := range all {
						c.expect(chunkless(fmt.Sprintf("GET /p/%d/%d ", round, i)))
					}
				}
				if n := u.count(); n != tt.conns {
					t.Errorf("%d connections, want %d", n, tt.conns)
				}
				w.idle(tt.conns)
			})
		})
	}
}

// TestProxyH2Retries has the upstream refuse requests in the ways in which a
// client may send them again, whatever their method.
func TestProxyH2Retries(t *testing.T) {
	const post = "POST /p/ HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
	for _, tt := range []struct {
		name, request string
		first         func(r *originRequest) // what becomes of the first one
		want          string
		conns         int
	}{
		{"refused", post, func(r *originRequest) { r.cut(7) }, chunkless("POST /p/ "), 1},
		{"GOAWAY below it", post, func(r *originRequest) { r.c.leave(r.stream-2, 0) }, chunkless("POST /p/ "), 2},
		{"GOAWAY below it, and the end", post, func(r *originRequest) { r.c.leave(r.stream-2, 0); r.c.closeWrite() }, chunkless("POST /p/ "), 2},
		{"GOAWAY above it", post, func(r *originRequest) { r.c.leave(r.stream, 0); tells(r) }, chunkless("POST /p/ "), 1},
		{"a reset of a GET", get("/p/"), func(r *originRequest) { r.cut(2) }, "", 1},
		{"a reset of a POST", post, func(r *originRequest) { r.cut(2) }, "", 1},
		{"the end below a GET", get("/p/"), func(r *originRequest) { r.c.closeWrite() }, chunkless("GET /p/ "), 2},
		{"the end below a POST", post, func(r *originRequest) { r.c.closeWrite() }, "", 1},
		{"a broken frame", post, func(r *originRequest) { r.c.frame(frameData, 0, 0, []byte("x")) }, "", 1},
		{"a broken head", post, func(r *originRequest) { r.head(true, "status", "200") }, "", 1},
		{"101", post, func(r *originRequest) { r.head(true, ":status", "101") }, "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forEachEngine(t, func(t *testing.T, w *world) {
				n := 0
				o := &origin{serve: func(r *originRequest) {
					// The first request makes the connection one that has served.
					if n++; n == 2 {
						tt.first(r)
						return
					}
					tells(r)
				}}
				w.speaksH2(nil)
				u := w.upstream("up", o.data())
				w.serve("/p/: http://up")
				c := w.client()
				c.send(get("/p/first"))
				c.expect(chunkless("GET /p/first "))
				w.idle(1)
				c.send(tt.request)
				if tt.want == "" {
					c.until("an answer has come", func(got []byte) bool { return strings.Contains(string(got), "\r\n\r\n") })
					if !strings.HasPrefix(string(c.got), "HTTP/1.1 502 ") {
						t.Fatalf("received %s", brief(string(c.got)))
					}
				} else {
					c.expect(tt.want)
				}
				if n := u.count(); n != tt.conns {
					t.Errorf("%d connections, want %d", n, tt.conns)
				}
			})
		})
	}
}

// TestProxyH2RefusedAlways has the upstream refuse whatever it gets: that ends.
func TestProxyH2RefusedAlways(t *testing.T) {
	for name, refuse := range map[string]func(r *originRequest){
		"by RST_STREAM": func(r *originRequest) { r.cut(7) },
		"by GOAWAY":     func(r *originRequest) { r.c.leave(0, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			forEachH2(t, &origin{serve: refuse}, func(t *testing.T, w *world, u *upstream) {
				w.serve("/p/: http://up")
				c := w.client()
				c.send(get("/p/"))
				c.until("an answer has come", func(got []byte) bool { return strings.Contains(string(got), "\r\n\r\n") })
				if !strings.HasPrefix(string(c.got), "HTTP/1.1 503 ") {
					t.Fatalf("received %s", brief(string(c.got)))
				}
				if n := u.count(); n > 3 {
					t.Errorf("%d connections", n)
				}
			})
		})
	}
}

// TestProxyH2CutOff ends a response before its content does.
func TestProxyH2CutOff(t *testing.T) {
	for name, cut := range map[string]func(r *originRequest){
		"RST_STREAM":            func(r *originRequest) { r.cut(2) },
		"RST_STREAM, no error":  func(r *originRequest) { r.cut(0) },
		"the connection's end":  func(r *originRequest) { r.c.closeWrite() },
		"a reset of it":         func(r *originRequest) { r.c.abort() },
		"an end that is early":  func(r *originRequest) { r.c.frame(frameData, flagEnd, r.stream, nil) },
		"content beyond length": func(r *originRequest) { r.c.frame(frameData, 0, r.stream, []byte("0123456789")) },
	} {
		t.Run(name, func(t *testing.T) {
			forEachH2(t, &origin{serve: func(r *originRequest) {
				r.head(false, ":status", "200", "content-length", "10")
				r.send([]byte("abcde"), func() {})
			}}, func(t *testing.T, w *world, u *upstream) {
				w.serve("/p/: http://up")
				c := w.client()
				c.send(get("/p/"))
				c.expect("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 10\r\n\r\nabcde")
				u.locked(func() { cut(u.h2conn(0).order[0]) })
				c.expectEnd()
			})
		})
	}
}

// TestProxyH2NoContent has an upstream break the rules behind the head of a
// response that has no content: the client has all of it by then, and keeps its
// connection.
func TestProxyH2NoContent(t *testing.T) {
	for name, wrong := range map[string]func(r *originRequest){
		"content":              func(r *originRequest) { r.c.frame(frameData, flagEnd, r.stream, []byte("evil")) },
		"RST_STREAM":           func(r *originRequest) { r.cut(2) },
		"the connection's end": func(r *originRequest) { r.c.closeWrite() },
	} {
		t.Run(name, func(t *testing.T) {
			forEachH2(t, &origin{serve: func(r *originRequest) {
				status := r.get(":path")[len("/p/"):]
				r.head(false, ":status", status)
				wrong(r)
			}}, func(t *testing.T, w *world, _ *upstream) {
				w.serve("/p/: http://up")
				c := w.client()
				for _, in := range []string{"GET /p/204", "POST /p/204", "GET /p/304", "HEAD /p/200"} {
					status := map[string]string{"204": "204 No Content", "304": "304 Not Modified", "200": "200 OK"}[in[len(in)-3:]]
					c.send(in + req + "\r\n")
					c.expect("HTTP/1.1 " + status + "\r\nServer: anygate\r\nDate: D\r\n\r\n")
				}
			})
		})
	}
}

// TestProxyH2Floods has one request's upstream flood its stream: that request
// ends, and another on the same connection goes on.
func TestProxyH2Floods(t *testing.T) {
	for name, flood := range map[string]func(r *originRequest){
		"interim responses": func(r *originRequest) { r.head(false, ":status", "103") },
		"empty DATA":        func(r *originRequest) { r.c.frame(frameData, 0, r.stream, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			forEachH2(t, &origin{serve: func(r *originRequest) {
				if r.get(":path") == "/p/slow" {
					return
				}
				if name == "empty DATA" {
					r.head(false, ":status", "200")
				}
				for range 2000 {
					flood(r)
				}
			}}, func(t *testing.T, w *world, u *upstream) {
				w.serve("/p/: http://up")
				victim := w.client()
				victim.send(get("/p/slow"))
				w.waitFor("it is asked", func() (asked bool) {
					if u.count() == 1 {
						u.locked(func() {
							o, ok := u.conns[0].state.(*originConn)
							asked = ok && len(o.order) == 1
						})
					}
					return asked
				})
				for range 3 {
					c := w.client()
					c.send(get("/p/flood"))
					c.until("it has failed", func(got []byte) bool { return bytes.Contains(got, []byte("HTTP/1.1 502")) })
				}
				u.locked(func() {
					r := u.h2conn(0).order[0]
					r.head(false, ":status", "200", "content-length", "2")
					r.send([]byte("ok"), nil)
				})
				victim.expect("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: 2\r\n\r\nok")
			})
		})
	}
}

// TestProxyH2ClientGoes has the client go while the response is on its way: the
// stream ends, and the connection does not.
func TestProxyH2ClientGoes(t *testing.T) {
	forEachH2(t, &origin{serve: func(r *originRequest) {
		if r.get(":path") == "/p/b" {
			tells(r)
			return
		}
		r.head(false, ":status", "200")
		r.send([]byte("abc"), func() {})
	}}, func(t *testing.T, w *world, u *upstream) {
		w.serve("/p/: http://up")
		c := w.client()
		c.send(get("/p/a"))
		c.expect("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
		c.abort()
		w.waitFor("the stream is reset", func() (done bool) {
			u.locked(func() { done = u.h2conn(0).resets == 1 })
			return done
		})
		c = w.client()
		c.send(get("/p/b"))
		c.expect(chunkless("GET /p/b "))
		if n := u.count(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

// TestProxyH2SlowReader has a client that does not read: no more is taken of
// its response than fits, and others on the same connection are served.
func TestProxyH2SlowReader(t *testing.T) {
	const size = 8 << 20
	content := make([]byte, size)
	o := &origin{}
	o.serve = func(r *originRequest) {
		if r.get(":path") != "/p/big" {
			tells(r)
			return
		}
		r.head(false, ":status", "200", "content-length", fmt.Sprint(size))
		r.send(content, nil)
	}
	w := newSimWorld(t, 1, engine.Faults{})
	w.speaksH2(nil)
	u := w.upstream("up", o.data())
	w.serve("/p/: http://up")
	slow := w.client()
	slow.peer.Window = 0
	slow.send(get("/p/big"))
	w.steps(2000)
	left := len(u.h2conn(0).order[0].pending)
	if taken := size - left; taken > 1<<20 || taken == 0 {
		t.Errorf("%d bytes were taken for a client that reads nothing", taken)
	}
	c := w.client()
	for i := range 10 {
		c.send(get(fmt.Sprintf("/p/%d", i)))
		c.expect(chunkless(fmt.Sprintf("GET /p/%d ", i)))
	}
	slow.peer.Window = -1
	slow.take(size)
}

// TestProxyH2Timeouts has the upstream say nothing.
func TestProxyH2Timeouts(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	o := &origin{}
	o.serve = func(r *originRequest) {
		if r.get(":path") == "/p/" {
			tells(r)
		}
	}
	w.timeouts.FirstByte = 5 * time.Second
	w.speaksH2(nil)
	u := w.upstream("up", o.data())
	w.serve("/p/: http://up")
	c, d := w.client(), w.client()
	c.send(get("/p/hang"))
	w.steps(10)
	w.advance(3 * time.Second)
	d.send(get("/p/hang/too"))
	w.steps(10)
	w.advance(2 * time.Second)
	c.until("an answer has come", func(got []byte) bool { return strings.Contains(string(got), "504 Gateway") })
	// The member is asked whether it is there, and is: the other waits on.
	w.eventually("the member is asked", func() bool { return u.h2conn(0).pings == 1 })
	w.steps(10)
	if len(d.got) > 0 {
		t.Errorf("the other has %s", brief(string(d.got)))
	}
	e := w.client()
	e.send(get("/p/"))
	e.expect(chunkless("GET /p/ "))
	if n := u.count(); n != 1 {
		t.Errorf("%d connections", n)
	}
	// It says no more: what waits for it on this connection fails with it.
	o.raw = func(*originConn, byte, byte, uint32, []byte) {}
	w.advance(3 * time.Second)
	d.until("an answer has come", func(got []byte) bool { return strings.Contains(string(got), "504 Gateway") })
	w.eventually("nothing is idle", func() bool { return w.g.proxy.Idle() == 0 })
	e.send(get("/p/"))
	e.expect(chunkless("GET /p/ "))
	if n := u.count(); n != 2 {
		t.Errorf("%d connections, want a second one", n)
	}
}

// TestProxyH2Ping asks for signs of life on a connection on which nothing
// comes, and ends it when there is none.
func TestProxyH2Ping(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.timeouts.FirstByte = time.Hour
	w.speaksH2(func(s *proxy.Settings) { s.KeepAlive.Ping = 20 * time.Second })
	o := &origin{serve: func(*originRequest) {}}
	u := w.upstream("up", o.data())
	w.serve("/p/: http://up")
	c := w.client()
	c.send(get("/p/"))
	w.steps(10)
	for n := range 3 {
		w.advance(21 * time.Second)
		w.steps(10)
		if got := u.h2conn(0).pings; got != n+1 {
			t.Fatalf("%d pings, want %d", got, n+1)
		}
	}
	o.raw = func(*originConn, byte, byte, uint32, []byte) {}
	w.advance(21 * time.Second)
	w.steps(10)
	w.advance(11 * time.Second)
	c.until("an answer has come", func(got []byte) bool { return strings.Contains(string(got), "502 Bad Gateway") })
}

// TestProxyH2Limits has requests wait for the upstream's limits.
func TestProxyH2Limits(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		var waiting []*originRequest
		o := &origin{settings: []uint32{settingStreams, 2}}
		o.serve = func(r *originRequest) { waiting = append(waiting, r) }
		w.speaksH2(func(s *proxy.Settings) {
			s.Limits = proxy.Limits{Connections: 1, Queue: 10, Wait: time.Minute}
			s.KeepAlive.Streams = 2
		})
		u := w.upstream("up", o.data())
		w.serve("/p/: http://up")
		var all []*client
		for i := range 6 {
			c := w.client()
			c.send(get(fmt.Sprintf("/p/%d", i)))
			all = append(all, c)
		}
		for range all {
			var r *originRequest
			w.waitFor("a request has come", func() bool {
				u.locked(func() {
					if len(waiting) > 0 {
						r, waiting = waiting[0], waiting[1:]
						tells(r)
					}
				})
				return r != nil
			})
		}
		for i, c := range all {
			c.expect(chunkless(fmt.Sprintf("GET /p/%d ", i)))
		}
		if n := u.count(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}
