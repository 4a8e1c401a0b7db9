package gateway

import (
	"net/netip"
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
)

// BenchmarkFields is what edits of responses add to a request: none, some that are bytes at load, and variables of both
// kinds, those of the head and those of the exchange.
func BenchmarkFields(b *testing.B) {
	var e http1.Edits
	e.Set("X-A", "1")
	for _, row := range []struct {
		name string
		p    *Policies
	}{
		{"none", nil},
		{"fixed", &Policies{Fields: NewFieldEdits(e, nil)}},
		{"client and id", &Policies{Fields: NewFieldEdits(e, linesOf(b, "X-Client: {client}", "X-Request-ID: {request-id}"))}},
		{"head", &Policies{Fields: NewFieldEdits(e, linesOf(b, "X-URL: {scheme}://{authority}{uri}"))}},
	} {
		b.Run(row.name, func(b *testing.B) {
			w := newSimWorld(b, 1, engine.Faults{})
			w.serve("/ping: OK pong")
			in := Incoming{Head: new(http1.Request), Protocol: "HTTP/1.1"}
			if _, err := in.Head.Scan([]byte("GET /ping?q=1 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: test\r\n\r\n"), &http1.DefaultLimits); err != 0 {
				b.Fatal(err)
			}
			block := []byte("Content-Type: text/plain; charset=utf-8\r\n")
			c := w.client()
			c.send("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")
			c.response("GET")
			x := w.g.newExchange()
			x.gen, x.codec = w.g.gen, &h1Conn{g: w.g}
			x.who.client = netip.MustParseAddrPort("192.0.2.1:1000")
			route := Route{Policies: row.p}
			b.ReportAllocs()
			for b.Loop() {
				x.enter(&route, &in)
				r := Response{Status: 200, Block: block}
				if row.p != nil {
					w.g.decorate(x, row.p, &r)
				}
				x.release()
			}
		})
	}
}
