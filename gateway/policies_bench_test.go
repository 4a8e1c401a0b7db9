package gateway

import (
	"net/netip"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
)

// BenchmarkLimits is what limits add to a request: taking, the response's
// fields, and giving back.
func BenchmarkLimits(b *testing.B) {
	for _, row := range []struct {
		name string
		p    Policies
	}{
		{"rate per route", Policies{Limits: []RateLimit{byRate(nil, 1e9, time.Second, 1e9)}}},
		{"rate per address", Policies{Limits: []RateLimit{byRate(perAddress, 1e9, time.Second, 1e9)}}},
		{"rate per header", Policies{Limits: []RateLimit{byRate(perKey, 1e9, time.Second, 1e9)}}},
		{"count per address", Policies{Conns: []Concurrency{byCount(perAddress, 1000)}}},
	} {
		b.Run(row.name, func(b *testing.B) {
			w := newSimWorld(b, 1, engine.Faults{})
			w.serve("/ping: OK pong")
			route := Route{Policies: &row.p}
			in := Incoming{Head: new(http1.Request)}
			if _, err := in.Head.Scan([]byte("GET /ping HTTP/1.1\r\nHost: h\r\nUser-Agent: test\r\nX-Key: 1234567890\r\n\r\n"), &http1.DefaultLimits); err != 0 {
				b.Fatal(err)
			}
			block := []byte("Content-Type: text/plain; charset=utf-8\r\n")
			x := w.g.newExchange()
			x.route, x.gen = &route, w.g.gen
			x.who.client = netip.MustParseAddrPort("192.0.2.1:1000")
			for b.Loop() {
				x.policy = policyState{}
				if !w.g.admit(x, &in) {
					b.Fatal("refused")
				}
				r := Response{Status: 200, Block: block}
				w.g.decorate(x, &row.p, &r)
				x.release()
			}
		})
	}
}
