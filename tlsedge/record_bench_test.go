package tlsedge

import (
	"crypto/tls"
	"fmt"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
)

var benchSizes = []int{100, 1300, 4096, recordContent}

func BenchmarkSeal(b *testing.B) {
	for name, s := range allSuites {
		for _, n := range benchSizes {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				l, _ := pairOf(s)
				from, dst := pattern(n), make([]byte, sealed(n))
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					copy(dst[recordHead:], from)
					l.seal(dst, n, typeApplicationData)
				}
			})
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for name, s := range allSuites {
		for _, n := range benchSizes {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				a, l := pairOf(s)
				record := make([]byte, sealed(n))
				a.seal(record, n, typeApplicationData)
				in := make([]byte, len(record))
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					copy(in, record)
					l.rx.seq = 0
					if _, _, alert := l.open(in); alert != 0 {
						b.Fatal(alert)
					}
				}
			})
		}
	}
}

// BenchmarkHandshake reports the server's share as server-ns/op: the client's work is
// done by the same thread, and is not in it.
func BenchmarkHandshake(b *testing.B) {
	rows := []struct {
		name    string
		resumed bool
		client  func(*tls.Config)
	}{
		{"ECDSA, X25519", false, func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} }},
		{"ECDSA, X25519MLKEM768", false, nil},
		{"resumed, X25519", true, func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} }},
		{"RSA, X25519", false, func(c *tls.Config) { c.CurvePreferences, c.ServerName = []tls.CurveID{tls.X25519}, "rsa.example" }},
	}
	for _, row := range rows {
		b.Run(row.name, func(b *testing.B) {
			e, server := newBenchEdge(b), testServer(b)
			cfg := testClientConfig()
			cfg.ClientSessionCache = tls.NewLRUClientSessionCache(4)
			if row.client != nil {
				row.client(cfg)
			}
			var spent time.Duration
			warm := false
			dst := make([]byte, 4096)
			once := func() {
				if !row.resumed {
					cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
				}
				before := e.stats.Resumed
				begin := time.Now()
				c := e.Server(engine.Conn(1), server)
				spent += time.Since(begin)
				client := benchClient(cfg)
				client.begin()
				for round := 0; !client.done || !c.ready; round++ {
					in := client.says()
					begin := time.Now()
					if _, _, err := c.Open(in); err != nil {
						b.Fatal(err)
					}
					for c.Next(0) < 0 {
						client.gives(dst[:c.Say(dst)])
					}
					spent += time.Since(begin)
					client.proceed()
				}
				_, _ = client.tc.Read(dst) // the ticket
				if warm && row.resumed != (e.stats.Resumed > before) {
					b.Fatalf("resumed: %t", !row.resumed)
				}
				begin = time.Now()
				c.Drop()
				spent += time.Since(begin)
				e.starts = startsPerTurn
			}
			once()
			spent, warm = 0, true
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				once()
				n++
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(n), "server-ns/op")
		})
	}
}

// inMemory is a client whose handshake is made in a coroutine of an Edge's kind.
type inMemory struct {
	tr   *transport
	tc   *tls.Conn
	f    *flight
	done bool
}

func benchClient(cfg *tls.Config) *inMemory {
	f := newFlight()
	f.tc = tls.Client(f.tr, cfg)
	f.tr.flight = f
	return &inMemory{tr: f.tr, tc: f.tc, f: f}
}

func (m *inMemory) begin() { m.f.next() }

func (m *inMemory) says() []byte {
	b := m.tr.out
	m.tr.out = nil
	return b
}

func (m *inMemory) gives(p []byte) { m.tr.in = append(m.tr.in, p...) }

func (m *inMemory) proceed() {
	if m.f.done {
		return
	}
	m.f.next()
	if m.f.done {
		if m.f.err != nil {
			panic(m.f.err)
		}
		m.done, m.tr.flight = true, nil
		m.f.tc = nil
		m.f.next() // the coroutine ends
	}
}
