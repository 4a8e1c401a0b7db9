package gateway

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/telemetry"
)

// h2Batch is some requests that are sent together, again and again.
type h2Batch struct {
	frames []byte
	ids    []int // where stream identifiers are in frames
	per    int   // frames of a request
	next   uint32
	in     []byte
	have   int
	update [13]byte // WINDOW_UPDATE of the connection
}

// newH2Batch makes n requests. Their heads are in the form that changes no
// table, so that the bytes stay the same.
func newH2Batch(n int, method, path, content string) *h2Batch {
	b := &h2Batch{next: 1, per: 1, in: make([]byte, 1<<20)}
	var block []byte
	fields := [][2]string{
		{":method", method},
		{":scheme", "http"},
		{":authority", "h"},
		{":path", path},
		{"x-forwarded-for", "203.0.113.9, 10.0.0.2"},
		{"user-agent", "test"},
		{"referer", "http://h/"},
	}
	if content != "" {
		fields = append(fields, [2]string{"content-length", strconv.Itoa(len(content))})
	}
	for _, f := range fields {
		block = append(block, 0, byte(len(f[0])))
		block = append(append(block, f[0]...), byte(len(f[1])))
		block = append(block, f[1]...)
	}
	frame := func(kind http2.FrameType, flags http2.Flags, payload []byte) {
		b.frames = append(b.frames, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), byte(kind), byte(flags))
		b.ids = append(b.ids, len(b.frames))
		b.frames = append(append(b.frames, 0, 0, 0, 0), payload...)
	}
	if content != "" {
		b.per = 2
	}
	for range n {
		if content == "" {
			frame(http2.FrameHeaders, http2.FlagHeadersEndHeaders|http2.FlagHeadersEndStream, block)
			continue
		}
		frame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, block)
		frame(http2.FrameData, http2.FlagDataEndStream, []byte(content))
	}
	return b
}

// round sends the requests and reads until all of the streams have ended. It
// allocates nothing.
func (b *h2Batch) round(t testing.TB, conn net.Conn) {
	for i, at := range b.ids {
		binary.BigEndian.PutUint32(b.frames[at:], b.next+uint32(i/b.per)*2)
	}
	n := len(b.ids) / b.per
	b.next += uint32(2 * n)
	if _, err := conn.Write(b.frames); err != nil {
		t.Fatal(err)
	}
	received := 0
	for n > 0 {
		k, err := conn.Read(b.in[b.have:])
		if err != nil {
			t.Fatalf("%d streams are open: %v", n, err)
		}
		b.have += k
		at := 0
		for b.have-at >= 9 {
			h := b.in[at:]
			size := 9 + (int(h[0])<<16 | int(h[1])<<8 | int(h[2]))
			if b.have-at < size {
				break
			}
			if kind := http2.FrameType(h[3]); kind == http2.FrameGoAway || kind == http2.FrameRSTStream {
				t.Fatalf("%v: %x", kind, h[:size])
			} else if (kind == http2.FrameData || kind == http2.FrameHeaders) && h[4]&1 != 0 {
				n--
			}
			if h[3] == byte(http2.FrameData) {
				received += size - h2.FrameHeader
			}
			at += size
		}
		b.have = copy(b.in, b.in[at:b.have])
	}
	if received == 0 {
		return
	}
	// The connection's window is given back.
	b.update[2], b.update[3] = 4, byte(http2.FrameWindowUpdate)
	binary.BigEndian.PutUint32(b.update[9:], uint32(received))
	if _, err := conn.Write(b.update[:]); err != nil {
		t.Fatal(err)
	}
}

// TestH2Allocations counts the allocations of the whole process while a loop
// serves.
func TestH2Allocations(t *testing.T) {
	rows := []struct{ name, method, path, content string }{
		{"fixed", "GET", "/ping", ""},
		{"content nobody reads", "POST", "/both", "hello"},
		{"redirect", "GET", "/old/x", ""},
		{"refused", "GET", "/nowhere", ""},
		{"static from memory", "GET", "/files/a.txt", ""},
		{"static by reference", "GET", "/files/middle.bin", ""},
		{"static from a descriptor", "GET", "/files/large.bin", ""},
		{"HEAD of it", "HEAD", "/files/large.bin", ""},
		{"proxied", "GET", "/p/a", ""},
		{"proxied with content", "POST", "/p/a", "hello"},
		{"fixed, with variables", "GET", "/ping", ""},
		{"proxied, with variables", "POST", "/p/a", "hello"},
	}
	for _, logged := range []bool{false, true} {
		for _, row := range rows {
			t.Run(fmt.Sprintf("%s, log %t", row.name, logged), func(t *testing.T) {
				forEachLoop(t, func(t *testing.T, w *world) {
					if strings.HasSuffix(row.name, "variables") {
						withVariables(w)
					}
					countH2Allocations(t, w, newH2Batch(16, row.method, row.path, row.content), logged)
				})
			})
		}
	}
}

// TestH2AllocationsUnderTLS does so under TLS, with the field that heads have there.
func TestH2AllocationsUnderTLS(t *testing.T) {
	for _, path := range []string{"/ping", "/files/a.txt", "/files/middle.bin", "/files/large.bin", "/p/a"} {
		t.Run(path, func(t *testing.T) {
			forEachLoop(t, func(t *testing.T, w *world) {
				w.encrypting(muxing(&tls.Config{}))
				w.settings.HSTS = []byte("Strict-Transport-Security: max-age=3600\r\n")
				countH2Allocations(t, w, newH2Batch(16, "GET", path, ""), false)
			})
		})
	}
}

func countH2Allocations(t *testing.T, w *world, b *h2Batch, logged bool) {
	if logged {
		w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogJSON
	}
	w.muxed()
	tableWorld(t, w)
	response := []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	w.upstreams["up"].data = func(c *upstreamConn) {
		for {
			i := bytes.Index(c.in, []byte("\r\n\r\n"))
			if i < 0 {
				return
			}
			c.in = c.in[:copy(c.in, c.in[i+4:])]
			_, _ = c.conn.Write(response)
		}
	}
	cfg := w.tls
	w.tls = nil
	c := w.client()
	conn, counted := net.Conn(c.conn), new(recordCounter)
	if cfg != nil {
		counted.TCPConn = c.conn
		conn = tls.Client(counted, insecure(cfg))
	}
	// Windows that do not stop a stream; and what comes is acknowledged.
	if _, err := io.WriteString(conn, h2.Preface+"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x7f\xff\xff\xff"+"\x00\x00\x00\x04\x01\x00\x00\x00\x00"+"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\xff\x00\x00"); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		b.round(t, conn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(2 * patience))
	theirs := counted.records
	rounds := 600
	if w.upstreams["up"].count() > 0 || bytes.Contains(b.frames, []byte("large")) {
		rounds = 60
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		b.round(t, conn)
	}
	runtime.ReadMemStats(&after)
	n, requests := after.Mallocs-before.Mallocs, rounds*16
	// The client's tls.Conn makes one for every record that it reads.
	if n > uint64(counted.records-theirs)+100 {
		t.Errorf("%d allocations in %d requests", n, requests)
	}
	t.Logf("%d allocations in %d requests, and %d records", n, requests, counted.records-theirs)
	c.close()
}
