package integration

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/anygate/anygate/test/internal/product"
)

// Idle connections under TLS hold what those without it do, and the state of one record layer. Peer: Go's crypto/tls.
func TestH2IdleMemoryTLS(t *testing.T) {
	const connections, warm = 5_000, 300
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			k := newPKI(t)
			// What is looked for is what connections hold, not what the collector lets the handshakes leave behind.
			s := product.Start(t, product.Config{
				Engine: e, Dir: k.dir, Env: []string{"GOGC=10"}, Listen: `"127.0.0.1:0 tls"`, Server: "shards: 1, timeouts: {idle: 10m}",
				Text: "tls: {certificates: [{cert: site.pem, key: site.key}]}\nroutes: {/: OK hello}\n",
			})
			// The requests are for the host that is asked for, so that they are answered.
			client := &tls.Config{ServerName: "h", InsecureSkipVerify: true, NextProtos: []string{"h2"}, CurvePreferences: []tls.CurveID{tls.X25519}, MinVersion: tls.VersionTLS13}
			conns := make([]net.Conn, connections)
			open := func(from, to int) {
				each(t, to-from, func(i int) error {
					c, err := net.Dial("tcp", s.Addr)
					if err != nil {
						return err
					}
					conns[from+i] = c
					secure := tls.Client(c, client)
					if _, err := io.WriteString(secure, h2Begin+h2Request(1, 0x82, "/", true)); err != nil {
						return err
					}
					return readUntil(secure, "hello")
				})
			}
			open(0, warm) // what the first connections need once
			before := s.Settled(t)
			open(warm, connections)
			grown := (s.Settled(t) - before) / (connections - warm)
			t.Logf("an idle connection has %d bytes", grown)
			if grown > 5<<10 {
				t.Errorf("%d bytes for each idle connection", grown)
			}
			for _, c := range conns {
				_ = c.Close()
			}
			s.Stop(t)
		})
	}
}
