package gateway

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/anygate/anygate/telemetry"
)

// tersely answers every request of HTTP/2 with the same content, without an
// allocation of its own.
func tersely(content string) func(c *upstreamConn) {
	settings := []byte{0, 0, 0, frameSettings, 0, 0, 0, 0, 0, 0, 0, 0, frameSettings, flagAck, 0, 0, 0, 0}
	// HEADERS with :status 200, which is the indexed field 8, then DATA, and
	// room for as much content of the next request.
	answer := []byte{0, 0, 1, frameHeaders, flagEndHeaders, 0, 0, 0, 0, 0x88, 0, 0, byte(len(content)), frameData, flagEnd, 0, 0, 0, 0}
	answer = append(answer, content...)
	answer = append(answer, 0, 0, 4, frameWindow, 0, 0, 0, 0, 0, 0, 0, 0, 5)
	var out []byte
	return func(c *upstreamConn) {
		in := c.in
		out = out[:0]
		if c.state == nil {
			if len(in) < 24 {
				return
			}
			c.state = true
			in = in[24:]
			out = append(out, settings...)
		}
		for len(in) >= 9 {
			n := 9 + int(in[2]) + int(in[1])<<8
			if len(in) < n {
				break
			}
			if (in[3] == frameHeaders || in[3] == frameData) && in[4]&flagEnd != 0 {
				copy(answer[5:9], in[5:9])
				copy(answer[15:19], in[5:9])
				out = append(out, answer...)
			}
			in = in[n:]
		}
		c.in = c.in[:copy(c.in, in)]
		_, _ = c.conn.Write(out)
	}
}

// TestProxyH2Allocations counts the allocations of the whole process while
// requests go to an upstream of HTTP/2.
func TestProxyH2Allocations(t *testing.T) {
	for _, content := range []string{"", "hello"} {
		for _, logged := range []bool{false, true} {
			t.Run(fmt.Sprintf("content %q, log %t", content, logged), func(t *testing.T) {
				forEachLoop(t, func(t *testing.T, w *world) {
					if logged {
						w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogJSON
					}
					w.speaksH2(nil)
					w.upstream("up", tersely("hello"))
					w.serve("/p/: http://up")
					countProxyH2(t, w, content)
				})
			})
		}
	}
}

func countProxyH2(t *testing.T, w *world, content string) {
	const depth, requests = 16, 3_200
	request := []byte("POST /p/a HTTP/1.1\r\nHost: h\r\nUser-Agent: test\r\nContent-Type: application/grpc\r\nGrpc-Timeout: 9S\r\nX-Any: thing\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(content), content))
	c := w.client()
	batch, in := bytes.Repeat(request, depth), make([]byte, 64<<10)
	end := []byte("\r\n0\r\n\r\n")
	round := func() {
		if _, err := c.conn.Write(batch); err != nil {
			t.Fatal(err)
		}
		for got := 0; bytes.Count(in[:got], end) < depth; {
			n, err := c.conn.Read(in[got:])
			if err != nil {
				t.Fatalf("read %s: %v", brief(string(in[:got])), err)
			}
			got += n
		}
	}
	for range 50 {
		round()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range requests / depth {
		round()
	}
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > 300 {
		t.Errorf("%d allocations in %d requests", n, requests)
	}
	c.close()
}
