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

	"github.com/anygate/anygate/proxy"
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
		{name: "silence", client: client(nil), plain: true, timeout: 500 * time.Millisecond, want: "no TLS within 500ms"},
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

// TestProbeOverTLSAndHTTP2 asks members of a pool that speaks HTTP/2 over TLS, which is another protocol for ALPN only: a
// member that does not choose it has not been asked.
func TestProbeOverTLSAndHTTP2(t *testing.T) {
	root := certtest.NewAuthority("root")
	member := root.Server("P-256", []string{"app.test"}).TLS()
	trusted := x509.NewCertPool()
	trusted.AddCert(root.Cert)
	headers, content := frame(1, 4, 1, fields(":status", "200", "content-type", "application/grpc")), frame(0, 0, 1, []byte{0, 0, 0, 0, 2, 8, serving})
	path, grpc := &Check{Path: "/up", Timeout: 10 * time.Second}, &Check{GRPC: true, Service: "a.B", Timeout: 10 * time.Second}
	const (
		get  = ":method=GET :scheme=https :authority=ADDR :path=/up user-agent=anygate-health accept=*/* "
		call = ":method=POST :scheme=https :authority=ADDR :path=/grpc.health.v1.Health/Check user-agent=anygate-health content-type=application/grpc te=trailers "
	)
	for _, c := range []struct {
		name   string
		check  *Check
		speaks []string // what the member has for ALPN
		frames [][]byte
		asked  string // nothing reaches the member if empty
		want   string
	}{
		{"passes", path, []string{"h2"}, [][]byte{frame(1, 5, 1, fields(":status", "200"))}, get, ""},
		{"a wrong status", path, []string{"http/1.1", "h2"}, [][]byte{frame(1, 5, 1, fields(":status", "503"))}, get, "status 503"},
		{"serving", grpc, []string{"h2"}, [][]byte{headers, content, frame(1, 5, 1, fields("grpc-status", "0"))}, call, ""},
		{"another protocol", path, []string{"http/1.1"}, nil, "", "TLS: it refuses the handshake: no application protocol"},
		{"no ALPN", grpc, nil, nil, "", "TLS: it does not speak HTTP/2: it has chosen no protocol by ALPN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan string, 1)
			server := &tls.Config{Certificates: []tls.Certificate{*member}, NextProtos: c.speaks}
			speak := h2says(asked, c.frames...)
			addr := scripted(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
				secure := tls.Server(conn, server)
				if secure.Handshake() == nil {
					speak(secure)
				}
			})
			p := probeOf(t, addr, c.check)
			p.protocol, p.tls = proxy.H2, &tls.Config{RootCAs: trusted, ServerName: "app.test", NextProtos: []string{"h2"}}
			finish, err := p.run(t.Context())
			finish()
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if c.asked == "" {
				if len(asked) > 0 {
					t.Errorf("asked %q", <-asked)
				}
				return
			}
			if got, want := <-asked, strings.ReplaceAll(c.asked, "ADDR", p.addr.String()); got != want {
				t.Errorf("asked %q, want %q", got, want)
			}
		})
	}
}
