package gateway

import (
	"testing"

	"golang.org/x/net/http2"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/h2"
)

// FuzzH2 feeds a connection of HTTP/2 arbitrary frames, in pieces cut where the
// second argument says. What comes back has to be frames that x/net's framer
// takes, and when the client has gone nothing may be left of it.
func FuzzH2(f *testing.F) {
	for _, seed := range h2Seeds() {
		f.Add(seed, []byte{1, 9, 30})
	}
	w := newSimWorld(f, 1, engine.Faults{})
	w.muxed()
	w.settings.Body = 5000
	w.upstream("up", answering(tableUpstream))
	w.serve("GET /ping: OK pong", "GET POST /both: CREATED both", "/none: NO_CONTENT", "/echo: *", "/big: OK "+numbered(100_000), "/p/: http://up/", "CONNECT /: http://up")
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		if len(in) > 8192 {
			return
		}
		w.t = t
		c := newH2Client(w.client())
		c.strict = false
		rest := append([]byte(h2.Preface), in...)
		for _, n := range cuts {
			k := min(int(n)+1, len(rest))
			c.peer.Write(rest[:k])
			rest = rest[k:]
			w.step()
		}
		c.peer.Write(rest)
		w.steps(10)
		c.closeWrite()
		for n := 0; n < 200 && !c.ended; n++ {
			w.step()
			c.receive(patience)
		}
		c.abort()
		w.eventually("the client is gone", func() bool { return w.s.Stats().Clients == 0 && w.h2Open() == 0 })
		w.clients = w.clients[:len(w.clients)-1]
		for c.in = c.got; ; {
			n := wholeFrame(c.in)
			if n == 0 {
				break
			}
			c.pending.Reset(c.in[:n])
			if _, err := c.reader.ReadFrame(); err != nil {
				t.Fatalf("a frame of the gateway's is wrong: %v (%x)", err, c.in[:min(n, 100)])
			}
			c.in = c.in[n:]
		}
	})
}

// h2Seeds are connections of clients, without the preface.
func h2Seeds() (seeds [][]byte) {
	seed := func(write func(c *h2Client)) {
		c := newH2Client(&client{})
		_ = c.framer.WriteSettings()
		write(c)
		seeds = append(seeds, append([]byte(nil), c.out.Bytes()...))
	}
	head := func(c *h2Client, method, path string, end bool, more ...[2]string) uint32 {
		id := c.next
		c.next += 2
		fields := append([][2]string{{":method", method}, {":scheme", "http"}, {":authority", "h"}, {":path", path}}, more...)
		_ = c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.encode(fields...), EndStream: end, EndHeaders: true})
		return id
	}
	for _, path := range []string{"/ping", "/none", "/big", "/p/a", "/echo", "/nowhere"} {
		seed(func(c *h2Client) {
			head(c, "GET", path, true)
			_ = c.framer.WriteWindowUpdate(1, 100_000)
			_ = c.framer.WriteRSTStream(head(c, "GET", path, true), http2.ErrCodeCancel)
		})
		seed(func(c *h2Client) {
			id := head(c, "POST", path, false)
			_ = c.framer.WriteData(id, false, []byte("some"))
			_ = c.framer.WriteData(id, true, []byte("thing"))
		})
	}
	seed(func(c *h2Client) {
		id := head(c, "POST", "/echo", false, [2]string{"expect", "100-continue"}, [2]string{"content-length", "9"})
		_ = c.framer.WriteDataPadded(id, false, []byte("something"), make([]byte, 7))
		_ = c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.encode([2]string{"x-sum", "1"}), EndStream: true, EndHeaders: true})
	})
	seed(func(c *h2Client) {
		id := head(c, "CONNECT", "/p/", false, [2]string{":protocol", "websocket"})
		_ = c.framer.WriteData(id, true, []byte("early"))
		_ = c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}, http2.Setting{ID: http2.SettingMaxFrameSize, Val: 20_000})
		_ = c.framer.WritePing(false, [8]byte{1})
		_ = c.framer.WriteGoAway(0, http2.ErrCodeNo, nil)
	})
	return seeds
}

// TestH2Seeds runs the seeds, cut at every byte.
func TestH2Seeds(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.muxed()
	w.upstream("up", answering(tableUpstream))
	w.serve("GET /ping: OK pong", "GET POST /both: CREATED both", "/none: NO_CONTENT", "/echo: *", "/big: OK "+numbered(100_000), "/p/: http://up/")
	for _, seed := range h2Seeds() {
		for cut := range seed {
			c := w.client()
			c.send(h2.Preface + string(seed[:cut]))
			w.steps(2)
			c.send(string(seed[cut:]))
			w.steps(6)
			c.abort()
		}
	}
	w.eventually("nothing is left", func() bool { return w.s.Stats().Clients == 0 && w.h2Open() == 0 })
}
