package gateway

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
)

// h2Answers are bytes of upstreams of HTTP/2 behind their settings: what they
// say to the first request.
func h2Answers() (answers [][]byte) {
	frame := func(kind, flags byte, stream uint32, p []byte) []byte {
		b := []byte{byte(len(p) >> 16), byte(len(p) >> 8), byte(len(p)), kind, flags, 0, 0, 0, byte(stream)}
		return append(b, p...)
	}
	block := func(pairs ...string) []byte {
		var b bytes.Buffer
		e := hpack.NewEncoder(&b)
		for i := 0; i < len(pairs); i += 2 {
			_ = e.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
		}
		return b.Bytes()
	}
	join := func(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
	head := frame(frameHeaders, flagEndHeaders, 1, block(":status", "200", "x", "y"))
	return [][]byte{
		join(frame(frameSettings, 0, 0, nil), head, frame(frameData, flagEnd, 1, []byte("hello"))),
		join(frame(frameHeaders, flagEndHeaders, 1, block(":status", "103", "link", "x")), head, frame(frameData, 0, 1, []byte("a")), frame(frameHeaders, flagEndHeaders|flagEnd, 1, block("t", "1"))),
		join(frame(frameHeaders, flagEndHeaders, 1, block(":status", "200", "content-length", "3")), frame(frameData, flagEnd, 1, []byte("hello"))),
		join(frame(frameHeaders, flagEndHeaders|flagEnd, 1, block(":status", "200", "a:b", "c"))),
		join(frame(frameHeaders, flagEndHeaders|flagEnd, 1, block(":status", "200", "a", "b\r\nc: d"))),
		join(frame(frameHeaders, flagEndHeaders|flagEnd, 1, block(":status", "200", "transfer-encoding", "chunked"))),
		join(frame(frameHeaders, flagEndHeaders|flagEnd, 1, block(":status", "101", "upgrade", "x"))),
		join(frame(frameReset, 0, 1, []byte{0, 0, 0, 7})),
		join(frame(frameGoAway, 0, 0, []byte{0, 0, 0, 0, 0, 0, 0, 0})),
		join(head, frame(frameReset, 0, 1, []byte{0, 0, 0, 0})),
		join(frame(frameHeaders, 0, 1, block(":status", "200")), frame(frameContinue, flagEndHeaders, 1, block("a", "b")), frame(frameData, flagEnd|flagPadded, 1, []byte("\x03hello\x00\x00\x00"))),
		join(frame(framePing, 0, 0, make([]byte, 8)), frame(frameWindow, 0, 0, []byte{0, 0, 1, 0}), head),
		[]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
	}
}

// FuzzProxyH2 has an upstream answer a request with arbitrary bytes. Whatever
// they are, the client gets one response that a strict parser reads, and
// nothing is left when both have gone.
func FuzzProxyH2(f *testing.F) {
	for _, b := range h2Answers() {
		f.Add(b)
	}
	w := newSimWorld(f, 1, engine.Faults{})
	w.speaksH2(nil)
	var answer []byte
	w.upstream("up", func(c *upstreamConn) {
		c.in = nil
		if c.state == nil {
			c.state = true
			// Its settings have to be first.
			c.write("\x00\x00\x00\x04\x00\x00\x00\x00\x00" + string(answer))
			c.closeWrite()
		}
	})
	w.serve("/p/: http://up")
	f.Fuzz(func(t *testing.T, b []byte) {
		w.t, answer = t, b
		c := w.client()
		c.send("GET /p/ HTTP/1.1\r\nHost: h\r\n\r\n")
		c.closeWrite()
		got := c.rest()
		w.clients = w.clients[:len(w.clients)-1]
		w.eventually("nobody is left", func() bool { return w.s.Stats().Open == 0 })
		u := w.upstreams["up"]
		u.conns = u.conns[:0]
		checkH2Answer(t, got)
	})
}

// checkH2Answer reads the responses that a client got, all but the last one of
// which are interim ones.
func checkH2Answer(t *testing.T, got []byte) {
	t.Helper()
	for rest := got; ; {
		var head http1.Response
		limits := http1.DefaultLimits
		n, err := head.Scan(rest, &limits)
		if err != http1.OK || n == 0 {
			t.Fatalf("the client got %q: %v", got, err)
		}
		rest = rest[n:]
		if head.Interim() {
			continue
		}
		for i := range head.Fields {
			name := strings.ToLower(string(head.Name(&head.Fields[i])))
			if name == "upgrade" || strings.HasPrefix(name, ":") {
				t.Errorf("the client got %q", got)
			}
		}
		var body http1.Body
		kind, length := head.Content(http1.GET)
		body.Reset(kind, length, &limits)
		for len(rest) > 0 {
			_, k, done, err := body.Next(rest)
			if err != http1.OK || done && k < len(rest) {
				t.Fatalf("the client got %q: %v", got, err)
			}
			rest = rest[k:]
		}
		return
	}
}

// TestProxyH2StarvedShard relays with ever fewer buffers: requests fail, the
// shard does not, and nothing is left.
func TestProxyH2StarvedShard(t *testing.T) {
	content := strings.Repeat("0123456789", 10_000)
	for _, small := range []int{2, 4, 6, 8, 10, 12, 16, 20, 24, 32} {
		for _, large := range []int{0, 1, 3, 8} {
			w := newSimWorld(t, uint64(small), engine.Faults{Short: 0.5})
			w.limits.SmallBuffers, w.limits.LargeBuffers = small, large
			w.speaksH2(nil)
			w.retry = retrying(1, 503)
			w.upstream("up", (&origin{serve: func(r *originRequest) {
				if r.get(":path") == "/p/large" {
					r.answer("200", content)
					return
				}
				tells(r)
			}}).data())
			w.serve("/p/: http://up")
			for i, request := range []string{
				get("/p/a"), get("/p/large"),
				"PUT /p/b HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + content,
				"POST /p/c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
				webSocketRequest, get("/p/a"),
			} {
				c := w.client()
				c.send(request)
				if i%2 == 0 {
					w.client().send(get("/p/large"))
				}
				for range 80 {
					w.step()
					if c.over() {
						break
					}
				}
				c.abort()
			}
			for _, c := range w.clients {
				c.abort()
			}
		}
	}
}
