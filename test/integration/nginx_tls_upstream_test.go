package integration

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// Upstreams that are spoken to over TLS, well and badly configured. Peers: curl before, nginx behind.
func TestNginxUpstreamOverTLS(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		k := newPKI(t)
		old := k.root.Server("P-256", []string{"test.local"}, certtest.Valid(time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)))
		stranger := certtest.NewAuthority("Stranger").Server("P-256", []string{"test.local"})
		for name, data := range map[string][]byte{
			"old.pem": old.Chain, "old.key": old.KeyPEM, "stranger.pem": stranger.Chain, "stranger.key": stranger.KeyPEM,
		} {
			if err := os.WriteFile(k.path(name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		root := writeSite(t, map[string]string{"small.txt": "small", "large.txt": digits(5_000_000)})
		port := make(map[string]string)
		var servers strings.Builder
		server := func(name, listen, cert string, lines ...string) {
			addr := peer.FreePort(t)
			_, port[name], _ = net.SplitHostPort(addr)
			servers.WriteString("server { listen " + addr + " ssl " + listen + "; ssl_certificate " + k.path(cert+".pem") + "; ssl_certificate_key " +
				k.path(cert+".key") + "; root " + root + "; " + strings.Join(lines, " ") + `
				location /old/ { alias ` + root + `/; chunked_transfer_encoding off; ssi on; ssi_types text/plain; }
				location /tls { add_header X-Seen "$ssl_protocol|$ssl_server_name|$ssl_session_reused|$ssl_client_s_dn|$proxy_protocol_addr|$ssl_alpn_protocol"; return 200 ok; }
				location /upload { client_max_body_size 10m; proxy_pass http://PLAIN/sink; }
			}
			`)
		}
		server("good", "", "site")
		server("rsa", "", "rsa", "ssl_protocols TLSv1.3;")
		server("only12", "", "rsa", "ssl_protocols TLSv1.2;")
		server("mutual", "", "site", "ssl_client_certificate "+k.path("clients.pem")+"; ssl_verify_client on;")
		server("told", "proxy_protocol", "site")
		server("expired", "", "old")
		server("stranger", "", "stranger")
		plain := peer.FreePort(t)
		servers.WriteString("ssl_protocols TLSv1.2 TLSv1.3; server { listen " + plain + "; client_max_body_size 10m; location /sink { return 200 taken; } }")
		_, port["plain"], _ = net.SplitHostPort(plain)
		nginx := peer.StartNginx(t, root, strings.ReplaceAll(servers.String(), "PLAIN", plain), "")

		lines := strings.NewReplacer("GOOD", port["good"], "RSA", port["rsa"], "ONLY12", port["only12"], "MUTUAL", port["mutual"], "TOLD", port["told"],
			"EXPIRED", port["expired"], "STRANGER", port["stranger"], "PLAIN", port["plain"]).Replace(`
upstreams:
  good: {members: 127.0.0.1:GOOD, tls: {ca: root.pem, server-name: test.local}}
  again: {members: 127.0.0.1:GOOD, keepalive: off, tls: {ca: root.pem, server-name: test.local}}
  address: {members: "https://127.0.0.1:RSA", tls: {ca: root.pem}}
  only12: {members: 127.0.0.1:ONLY12, keepalive: off, tls: {ca: root.pem, server-name: test.local}}
  mutual: {members: 127.0.0.1:MUTUAL, tls: {ca: root.pem, server-name: test.local, cert: me.pem, key: me.key}}
  hidden: {members: 127.0.0.1:MUTUAL, tls: {ca: root.pem, server-name: test.local}}
  told: {members: 127.0.0.1:TOLD, proxy-protocol: v2, tls: {ca: root.pem, server-name: test.local}}
  expired: {members: 127.0.0.1:EXPIRED, tls: {ca: root.pem, server-name: test.local}}
  stranger: {members: 127.0.0.1:STRANGER, tls: {ca: root.pem, server-name: test.local}}
  wrong: {members: 127.0.0.1:GOOD, tls: {ca: root.pem, server-name: elsewhere.local}}
  plain: {members: 127.0.0.1:PLAIN, tls: {ca: root.pem, server-name: test.local}}
  spare:
    members: [127.0.0.1:EXPIRED, 127.0.0.1:GOOD]
    tls: {ca: root.pem, server-name: test.local}
routes:
  /good/: https://good/
  /again/: https://again/
  /address/: https://address/
  /only12/: https://only12/
  /mutual/: https://mutual/
  /hidden/: https://hidden/
  /told/: https://told/
  /expired/: https://expired/
  /stranger/: https://stranger/
  /wrong/: https://wrong/
  /plain/: https://plain/
  /spare/: https://spare/
  /system/: https://127.0.0.1:GOOD/
`)
		s := product.Start(t, product.Config{Engine: e, Dir: k.dir, Server: "shards: 1", Text: lines})
		seen := func(want string) map[string]string { return map[string]string{"X-Seen": want} }
		check(t, s, []expectation{
			{"small", "/good/small.txt", 200, map[string]string{"Content-Length": "5"}, text("small")},
			{"large", "/good/large.txt", 200, map[string]string{"Content-Length": "5000000"}, text(digits(5_000_000))},
			{"until the end of the connection", "/good/old/small.txt", 200, map[string]string{"Transfer-Encoding": "chunked"}, text("small")},
			{"large, until the end of the connection", "/good/old/large.txt", 200, map[string]string{"Transfer-Encoding": "chunked"}, text(digits(5_000_000))},
			{"upload", "--data-binary @" + nginx.Root + "/large.txt /good/upload", 200, nil, text("taken")},
			{"what is agreed on", "/good/tls", 200, seen("~TLSv1.3|test.local|"), nil},
			{"an address, and an RSA key", "/address/tls", 200, seen("TLSv1.3||.|||http/1.1"), nil},
			{"the first connection", "/again/tls", 200, seen("TLSv1.3|test.local|.|||http/1.1"), nil},
			{"the next one resumes its session", "/again/tls", 200, seen("TLSv1.3|test.local|r|||http/1.1"), nil},
			{"TLS 1.2", "/only12/tls", 200, seen("TLSv1.2|test.local|.|||http/1.1"), nil},
			{"TLS 1.2, resumed", "/only12/tls", 200, seen("TLSv1.2|test.local|r|||http/1.1"), nil},
			{"a certificate of ours", "/mutual/tls", 200, seen("~CN=somebody"), nil},
			{"none of ours", "/hidden/tls", 400, nil, text("~No required SSL certificate was sent")},
			{"a PROXY header before TLS", "/told/tls", 200, seen("TLSv1.3|test.local|.||127.0.0.1|http/1.1"), nil},
			{"the next member", "/spare/small.txt", 200, nil, text("small")},
			{"expired", "/expired/small.txt", 502, nil, nil},
			{"another authority", "/stranger/small.txt", 502, nil, nil},
			{"another name", "/wrong/small.txt", 502, nil, nil},
			{"no TLS", "/plain/small.txt", 502, nil, nil},
			{"the authorities of the system", "/system/small.txt", 502, nil, nil},
		})
		s.Stop(t)
		for _, line := range [][]string{
			{"upstream fails over TLS", "pool=expired", "reason=tls_certificate", `the certificate of \"test.local\" is valid from `},
			{"upstream fails over TLS", "pool=stranger", "reason=tls_certificate", `issued by \"Stranger\", whom nobody known vouches for`},
			{"upstream fails over TLS", "pool=wrong", "reason=tls_certificate", "and others, not for elsewhere.local"},
			{"upstream fails over TLS", "pool=plain", "reason=tls_handshake", "it does not speak TLS"},
			{"upstream fails over TLS", "pool=https://127.0.0.1:" + port["good"], "reason=tls_certificate"},
			{"upstream gave no response", "reason=tls_certificate", "route=/wrong/", "status=502"},
		} {
			s.Stderr.Line(t, line...)
		}
	})
}

// Upstreams that are spoken to in HTTP/2 over TLS. Peers: curl before, nginx behind.
func TestNginxUpstreamH2TLS(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		k := newPKI(t)
		root := writeSite(t, map[string]string{"small.txt": "small", "large.txt": digits(5_000_000)})
		port := make(map[string]string)
		var servers strings.Builder
		server := func(name, listen string, lines ...string) {
			addr := peer.FreePort(t)
			_, port[name], _ = net.SplitHostPort(addr)
			servers.WriteString("server { listen " + addr + " " + listen + "; ssl_certificate " + k.path("site.pem") + "; ssl_certificate_key " + k.path("site.key") +
				"; root " + root + "; " + strings.Join(lines, " ") + `
				location /old/ { alias ` + root + `/; ssi on; ssi_types text/plain; }
				location /tls { add_header X-Seen "$server_protocol|$scheme|$ssl_protocol|$ssl_server_name|$ssl_session_reused|$ssl_client_s_dn|$ssl_alpn_protocol"; return 200 ok; }
				location /upload { client_max_body_size 10m; proxy_pass http://PLAIN/sink; }
			}
			`)
		}
		server("good", "ssl http2")
		server("only12", "ssl http2", "ssl_protocols TLSv1.2;")
		server("few", "ssl http2", "keepalive_requests 3;")
		server("mutual", "ssl http2", "ssl_client_certificate "+k.path("clients.pem")+"; ssl_verify_client on;")
		server("one", "ssl")
		plain := peer.FreePort(t)
		servers.WriteString("ssl_protocols TLSv1.2 TLSv1.3; server { listen " + plain + "; client_max_body_size 10m; location /sink { return 200 taken; } }")
		_, port["plain"], _ = net.SplitHostPort(plain)
		nginx := peer.StartNginx(t, root, strings.ReplaceAll(servers.String(), "PLAIN", plain), "")

		lines := strings.NewReplacer("GOOD", port["good"], "ONLY12", port["only12"], "FEW", port["few"], "MUTUAL", port["mutual"], "ONE", port["one"], "PLAIN", port["plain"]).Replace(`
upstreams:
  good: {members: 127.0.0.1:GOOD, protocol: h2, health: {path: /small.txt, every: 1s}, tls: {ca: root.pem, server-name: test.local}}
  again: {members: 127.0.0.1:GOOD, protocol: h2, keepalive: off, tls: {ca: root.pem, server-name: test.local}}
  only12: {members: 127.0.0.1:ONLY12, protocol: h2, tls: {ca: root.pem, server-name: test.local}}
  few: {members: 127.0.0.1:FEW, protocol: h2, tls: {ca: root.pem, server-name: test.local}}
  mutual: {members: 127.0.0.1:MUTUAL, protocol: h2, tls: {ca: root.pem, server-name: test.local, cert: me.pem, key: me.key}}
  hidden: {members: 127.0.0.1:MUTUAL, protocol: h2, tls: {ca: root.pem, server-name: test.local}}
  wrong: {members: 127.0.0.1:GOOD, protocol: h2, tls: {ca: root.pem, server-name: elsewhere.local}}
  one: {members: 127.0.0.1:ONE, protocol: h2, tls: {ca: root.pem, server-name: test.local}}
  plain: {members: 127.0.0.1:PLAIN, protocol: h2, tls: {ca: root.pem, server-name: test.local}}
  spare:
    members: [127.0.0.1:ONE, 127.0.0.1:GOOD]
    protocol: h2
    tls: {ca: root.pem, server-name: test.local}
routes:
  /good/: https://good/
  /again/: https://again/
  /only12/: https://only12/
  /few/: https://few/
  /mutual/: https://mutual/
  /hidden/: https://hidden/
  /wrong/: https://wrong/
  /one/: https://one/
  /plain/: https://plain/
  /spare/: https://spare/
`)
		s := product.Start(t, product.Config{Engine: e, Dir: k.dir, Server: "shards: 1", Text: lines})
		seen := func(want string) map[string]string { return map[string]string{"X-Seen": want} }
		list := []expectation{
			{"small", "/good/small.txt", 200, map[string]string{"Content-Length": "5"}, text("small")},
			{"large", "/good/large.txt", 200, map[string]string{"Content-Length": "5000000"}, text(digits(5_000_000))},
			{"large, without a length", "/good/old/large.txt", 200, map[string]string{"Transfer-Encoding": "chunked"}, text(digits(5_000_000))},
			{"upload", "--data-binary @" + nginx.Root + "/large.txt /good/upload", 200, nil, text("taken")},
			{"what is agreed on", "/good/tls", 200, seen("HTTP/2.0|https|TLSv1.3|test.local|.||h2"), nil},
			{"the first connection", "/again/tls", 200, seen("HTTP/2.0|https|TLSv1.3|test.local|.||h2"), nil},
			{"the next one resumes its session", "/again/tls", 200, seen("HTTP/2.0|https|TLSv1.3|test.local|r||h2"), nil},
			{"TLS 1.2", "/only12/tls", 200, seen("HTTP/2.0|https|TLSv1.2|test.local|.||h2"), nil},
			{"a certificate of ours", "/mutual/tls", 200, seen("HTTP/2.0|https|TLSv1.3|test.local|.|CN=somebody|h2"), nil},
			{"none of ours", "/hidden/tls", 400, nil, text("~No required SSL certificate was sent")},
			{"the next member", "/spare/small.txt", 200, nil, text("small")},
			{"another name", "/wrong/small.txt", 502, nil, nil},
			{"HTTP/1.1 only", "/one/small.txt", 502, nil, nil},
			{"no TLS", "/plain/small.txt", 502, nil, nil},
		}
		// A server that ends its connections after a few requests says so first.
		for range 10 {
			list = append(list, expectation{"few requests", "/few/small.txt", 200, nil, text("small")})
		}
		check(t, s, list)
		s.Stop(t)
		for _, line := range [][]string{
			{"upstream fails over TLS", "pool=wrong", "reason=tls_certificate", "and others, not for elsewhere.local"},
			{"upstream fails over TLS", "pool=one", "reason=tls_handshake", "no application protocol"},
			{"upstream fails over TLS", "pool=plain", "reason=tls_handshake", "it does not speak TLS"},
			{"upstream gave no response", "reason=tls_handshake", "route=/one/", "status=502"},
		} {
			s.Stderr.Line(t, line...)
		}
	})
}
