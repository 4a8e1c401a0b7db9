package health

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// TestProbeOverTLS passes only if the member is believed, as it is for requests, and says why it is not.
func TestProbeOverTLS(t *testing.T) {
	root := certtest.NewAuthority("root")
	member := root.Server("P-256", []string{"app.test"}).TLS()
	trusting := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "app.test"}
	trusting.RootCAs.AddCert(root.Cert)
	client := func(change func(*tls.Config)) *tls.Config {
		c := trusting.Clone()
		if change != nil {
			change(c)
		}
		return c
	}
	for _, c := range []struct {
		name     string
		client   *tls.Config
		preamble uint8
		server   func(*tls.Config)
		plain    bool
		timeout  time.Duration
		want     string
	}{
		{name: "passes", client: client(nil)},
		{name: "behind a PROXY header", client: client(nil), preamble: 1},
		{name: "another name", client: client(func(c *tls.Config) { c.ServerName = "b.test" }), want: "TLS: its certificate is for app.test, not for b.test"},
		{name: "nobody vouches for it", client: client(func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }), want: `TLS: its certificate is issued by "root", whom nobody known vouches for`},
		{name: "no certificate of ours", client: client(nil), server: func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }, want: "TLS: it refuses the handshake: certificate required"},
		{name: "no TLS", client: client(nil), plain: true, want: "TLS: it does not speak TLS"},
		{name: "silence", client: client(nil), plain: true, timeout: 50 * time.Millisecond, want: "no TLS within 50ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				if c.plain {
					if c.timeout == 0 {
						_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
					}
					hold(conn)
					return
				}
				if c.preamble != 0 {
					line := make([]byte, len("PROXY UNKNOWN\r\n"))
					if _, err := io.ReadFull(conn, line); err != nil || string(line) != "PROXY UNKNOWN\r\n" {
						t.Errorf("before TLS there is %q: %v", line, err)
					}
				}
				server := &tls.Config{Certificates: []tls.Certificate{*member}}
				if c.server != nil {
					c.server(server)
				}
				secure := tls.Server(conn, server)
				if secure.Handshake() != nil {
					return
				}
				if text := head(secure); !strings.HasPrefix(text, "GET / HTTP/1.1\r\n") {
					t.Errorf("the request is %q", text)
				}
				_, _ = io.WriteString(secure, response(200, "fine"))
				_ = secure.Close()
			}()
			check := &Check{Timeout: 10 * time.Second}
			if c.timeout != 0 {
				check.Timeout = c.timeout
			}
			p := probeOf(t, l.Addr().String(), check)
			p.tls, p.preamble = c.client, c.preamble
			finish, err := p.run(context.Background())
			finish()
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
