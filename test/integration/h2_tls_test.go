package integration

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// The specification's own tests, over TLS. Peer: h2spec.
func TestH2ConformanceTLS(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		k := newPKI(t)
		up := origin.Start(t)
		for _, action := range []string{`OK "hello"`, absolute(t, "testdata/spa"), "http://" + up.Addr + "/", `"*"`} {
			s := product.Start(t, product.Config{Engine: e, Dir: k.dir, Listen: `"127.0.0.1:0 tls"`, Text: tlsLines + "routes: {/: " + action + "}\n"})
			conforms(t, action, peer.H2spec(t, s.Addr, 2*time.Second, "--tls", "--insecure"))
			s.Stop(t)
		}
	})
}

// OpenSSL names protocols, and is told which one is spoken, or that none of them is. Peer: openssl.
func TestALPN(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		k := newPKI(t)
		for _, h2 := range []bool{true, false} {
			server := ""
			if !h2 {
				server = "h2: off"
			}
			s := product.Start(t, product.Config{Engine: e, Dir: k.dir, Listen: `"127.0.0.1:0 tls"`, Server: server, Text: tlsLines + "routes: {/hello: OK greetings}\n"})
			const http1, none, refused = "ALPN protocol: http/1.1", "No ALPN negotiated", "alert no application protocol"
			for _, c := range []struct{ offer, with, without string }{
				{"", none, none},
				{"http/1.1", http1, http1},
				{"h2", "ALPN protocol: h2\n", refused},
				{"http/1.1,h2", "ALPN protocol: h2\n", http1},
				{"h3,http/1.1", http1, http1},
				{"h3,spdy/3", refused, refused},
			} {
				want := c.with
				if !h2 {
					want = c.without
				}
				for _, version := range []string{"-tls1_3", "-tls1_2"} {
					args := []string{version, "-servername", "test.local", "-CAfile", k.path("root.pem")}
					if c.offer != "" {
						args = append(args, "-alpn", c.offer)
					}
					out := peer.SClient(t, s.Addr, closing, args...)
					if !strings.Contains(out, want) {
						t.Errorf("HTTP/2 %v, %s, %q: %q is not in\n%s", h2, version, c.offer, want, out)
					}
					if served := want == none || want == http1; served != strings.Contains(out, "greetings") {
						t.Errorf("HTTP/2 %v, %s, %q: served %v, want %v:\n%s", h2, version, c.offer, !served, served, out)
					}
				}
			}
			s.Stop(t)
		}
	})
}

// Peers: curl, nghttp and h2load before, Go's net/http behind.
func TestH2ClientsTLS(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		k := newPKI(t)
		up := origin.Start(t)
		large, err := io.ReadAll(origin.NewPattern(8 << 20))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(k.path("large"), large, 0o644); err != nil {
			t.Fatal(err)
		}
		s := secure(t, k, product.Config{Engine: e, Text: tlsLines + `  hsts: 1y
log: {access: stdout json}
routes:
  "/": ` + absolute(t, "testdata/spa") + `
  "/ping": OK pong
  "/large": ./large
  "/api/": http://` + up.Addr + `/
  "/echo": "*"
`})
		for _, version := range []string{"1.2", "1.3"} {
			t.Run("curl TLS "+version, func(t *testing.T) {
				curl := func(args ...string) peer.Answer {
					t.Helper()
					return s.curl(t, append(args, "--tlsv"+version, "--tls-max", version)...)
				}
				if a := curl(s.on("test.local", "/ping")); a.Proto != "HTTP/2" || a.Status != 200 || a.Body != "pong" || a.Header.Get("Strict-Transport-Security") != "max-age=31536000" {
					t.Errorf("%+v", a)
				}
				for _, path := range []string{"/", "/assets/app.js", "/api/x", "/echo", "/none.js"} {
					if a := curl(s.on("test.local", path)); a.Proto != "HTTP/2" || len(a.Header["Strict-Transport-Security"]) != 1 {
						t.Errorf("%s: %+v", path, a)
					}
				}
				for _, older := range []string{"--http1.1", "--no-alpn"} {
					if a := curl(older, s.on("test.local", "/ping")); a.Proto != "HTTP/1.1" || a.Status != 200 || a.Body != "pong" {
						t.Errorf("%s: %+v", older, a)
					}
				}
				a := curl("--header", "X-Forwarded-Proto: http", s.on("test.local", "/api/see"))
				if got := seen(t, a.Body); a.Proto != "HTTP/2" || got.Header.Get("X-Forwarded-Proto") != "https" || got.Host != "test.local:"+s.port {
					t.Errorf("the upstream saw %+v", got)
				}
				if a := curl(s.on("test.local", "/large")); a.Status != 200 || a.Body != string(large) {
					t.Errorf("a download is answered %d with %d bytes, %s", a.Status, len(a.Body), a.Message)
				}
				var check origin.Checker
				a = curl(s.on("test.local", "/api/pattern/8000000"))
				if _, err := io.Copy(&check, strings.NewReader(a.Body)); err != nil || check.Length() != 8_000_000 {
					t.Errorf("what is proxied is answered %d with %d bytes, %v", a.Status, len(a.Body), err)
				}
				a = curl("--data-binary", "@"+k.path("large"), s.on("test.local", "/api/check"))
				if a.Proto != "HTTP/2" || a.Status != 200 || a.Body != strconv.Itoa(len(large)) {
					t.Errorf("an upload is answered %d %.200q, %s", a.Status, a.Body, a.Message)
				}
				// One connection for two names, of which the certificate has one only.
				if a := curl(s.on("test.local", "/ping"), "--header", "Host: other.local"); a.Proto != "HTTP/2" || a.Status != 421 {
					t.Errorf("a host that the certificate does not cover: %+v", a)
				}
				if a := curl(s.on("test.local", "/ping"), "--header", "Host: admin.local"); a.Status != 200 {
					t.Errorf("a host that it covers: %+v", a)
				}
			})
		}
		t.Run("curl over one connection", func(t *testing.T) {
			args := []string{"--noproxy", "*", "--silent", "--write-out", " %{http_version} %{num_connects}\n"}
			for range 5 {
				args = append(args, s.on("test.local", "/ping"))
			}
			out, err := exec.Command(peer.Find(t, "curl"), append(args, s.base...)...).CombinedOutput()
			if err != nil || string(out) != "pong 2 1\n"+strings.Repeat("pong 2 0\n", 4) {
				t.Errorf("%q, %v", out, err)
			}
		})
		t.Run("nghttp", func(t *testing.T) {
			out := peer.Nghttp(t, "-nasv", "https://localhost:"+s.port+"/")
			for _, want := range []string{"/assets/app.js", "The negotiated protocol: h2", ":status: 200"} {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in:\n%s", want, out)
				}
			}
			if strings.Contains(out, "GOAWAY frame <") && !strings.Contains(out, "NO_ERROR") {
				t.Errorf("the connection ends badly:\n%s", out)
			}
		})
		t.Run("h2load", func(t *testing.T) {
			for _, path := range []string{"/ping", "/assets/app.js", "/api/x", "/large"} {
				n := 2000
				if path == "/large" {
					n = 16
				}
				if got := peer.H2load(t, n, 4, 32, "https://localhost:"+s.port+path); got != n {
					t.Errorf("%s: %d of %d requests succeeded", path, got, n)
				}
			}
		})
		s.Stop(t)
	})
}

// Streams of one connection are let in by what the handshake has shown. Peer: curl.
func TestH2ClientCertificate(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		k := newPKI(t)
		up := origin.Start(t)
		s := secure(t, k, product.Config{Engine: e, Text: tlsLines + `  clients: {ca: clients.pem, names: admin.local}
routes:
  /hello: OK greetings
  test.local/vip: http://` + up.Addr + ` | mtls clients.pem
`})
		me := []string{"--cert", k.path("me.pem"), "--key", k.path("me.key")}
		// Several requests over one connection, and the status of each.
		several := func(args ...string) string {
			out, err := exec.Command(peer.Find(t, "curl"), append(append([]string{
				"--noproxy", "*", "--silent", "--write-out", "%{stderr}%{http_version} %{http_code} %{num_connects}, ",
			}, args...), s.base...)...).CombinedOutput()
			if err != nil {
				t.Errorf("curl %q: %v", args, err)
			}
			return string(out)
		}
		for _, version := range []string{"1.2", "1.3"} {
			only := []string{"--tlsv" + version, "--tls-max", version}
			urls := []string{s.on("test.local", "/hello"), "--output", "/dev/null", s.on("test.local", "/vip"), "--output", "/dev/null", s.on("test.local", "/hello"), "--output", "/dev/null"}
			if got := several(append(only, urls...)...); got != "2 200 1, 2 403 0, 2 200 0, " {
				t.Errorf("TLS %s without: %s", version, got)
			}
			if got := several(append(append(only, me...), urls...)...); got != "2 200 1, 2 200 0, 2 200 0, " {
				t.Errorf("TLS %s with: %s", version, got)
			}
			a := s.curl(t, append(append(only, me...), s.on("test.local", "/vip"), "--header", "X-Client-Cert-Subject: CN=me")...)
			if got := seen(t, a.Body); a.Proto != "HTTP/2" || got.Header.Get("X-Client-Cert-Subject") != "CN=somebody" || len(got.Header["X-Client-Cert-Subject"]) != 1 {
				t.Errorf("TLS %s: the upstream saw %v", version, got.Header)
			}
			if a := s.curl(t, append(append(only, me...), s.on("admin.local", "/hello"))...); a.Proto != "HTTP/2" || a.Status != 200 {
				t.Errorf("TLS %s, a name, with: %+v", version, a)
			}
			if a := s.curl(t, append(only, s.on("admin.local", "/hello"))...); a.Exit == 0 || a.Status != 0 {
				t.Errorf("TLS %s, a name, without: %+v", version, a)
			}
			// A stream for that name on another's connection is no way around, whoever asks.
			for _, who := range [][]string{nil, me} {
				if a := s.curl(t, append(append(only, who...), s.on("test.local", "/hello"), "--header", "Host: admin.local")...); a.Proto != "HTTP/2" || a.Status != 421 {
					t.Errorf("TLS %s around: %+v", version, a)
				}
			}
		}
		s.Stop(t)
	})
}

// A PROXY header comes before the handshake, and HTTP/2 behind it. Peers: curl before, Go's net/http behind.
func TestH2BehindProxyProtocolTLS(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := secure(t, newPKI(t), product.Config{Engine: e, Listen: `"127.0.0.1:0 tls proxy-protocol"`, Text: tlsLines + "routes: {/: http://" + up.Addr + "}\n"})
		a := s.curl(t, "--haproxy-protocol", s.on("test.local", "/see"))
		if got := seen(t, a.Body); a.Proto != "HTTP/2" || got.Header.Get("X-Forwarded-Proto") != "https" || got.Header.Get("X-Forwarded-For") != "127.0.0.1" {
			t.Errorf("%+v, the upstream saw %v", a, got.Header)
		}
		s.Stop(t)
	})
}
