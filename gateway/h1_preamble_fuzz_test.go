package gateway

import (
	"bytes"
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy/proxyproto"
)

// FuzzPreamble feeds a connection that begins with a PROXY header arbitrary
// bytes, in one piece and in pieces: what comes back must be the same, nothing
// comes back without a header, and every connection must end.
func FuzzPreamble(f *testing.F) {
	ping := "GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"
	for _, tt := range preambles {
		f.Add([]byte(tt.header+ping), []byte{1, 7, 30})
	}
	f.Add([]byte(v1Header+v2Header+ping), []byte{40, 3})
	f.Add([]byte(ping), []byte{2})
	w := newSimWorld(f, 1, engine.Faults{})
	w.withPreamble()
	w.serve("GET /ping: OK pong", "/echo: *")
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		if len(in) > 2*proxyproto.MaxLength {
			return
		}
		// What is wrong with a head is looked for when it has ended.
		in = append(in[:len(in):len(in)], "\r\n\r\n"...)
		w.t = t
		whole := w.feed(in)
		var h proxyproto.Header
		if n, _ := proxyproto.Parse(in, &h); n == 0 && whole != "" {
			t.Fatalf("there is no header, and it is answered with %s", brief(whole))
		}
		var pieces [][]byte
		rest := in
		for _, n := range cuts {
			k := min(int(n)+1, len(rest))
			pieces, rest = append(pieces, rest[:k]), rest[k:]
		}
		pieces = append(pieces, rest)
		// The echo has the client's port, which is another each time.
		if split := w.feed(pieces...); split != whole && !bytes.Contains(in, []byte("/echo")) {
			t.Fatalf("in one piece\n%s\nin %d pieces\n%s", brief(whole), len(pieces), brief(split))
		}
	})
}
