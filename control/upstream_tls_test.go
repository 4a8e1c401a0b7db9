package control

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// secureOrigin is a server that says who has asked it, and for whom.
type secureOrigin struct {
	*httptest.Server
	port        string
	connections atomic.Int64
	resumed     atomic.Int64
	checks      atomic.Int64
}

// newSecureOrigin serves with a certificate for app.test, its.srv.test, localhost and 127.0.0.1.
func newSecureOrigin(t *testing.T, change func(*tls.Config), before ...func(*httptest.Server)) *secureOrigin {
	t.Helper()
	o := &secureOrigin{}
	o.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/up" {
			o.checks.Add(1)
		}
		subject := "nobody"
		if len(q.TLS.PeerCertificates) > 0 {
			subject = q.TLS.PeerCertificates[0].Subject.CommonName
		}
		fmt.Fprintf(w, "%s asks %q by %q", subject, q.TLS.ServerName, q.TLS.NegotiatedProtocol)
	}))
	o.Config.ErrorLog = log.New(io.Discard, "", 0)
	o.TLS = &tls.Config{
		Certificates: []tls.Certificate{*tlsRoot.Server("P-256", []string{"app.test", "srv.test", "localhost", "127.0.0.1"}).TLS()},
		NextProtos:   []string{"h2", "http/1.1"},
		VerifyConnection: func(st tls.ConnectionState) error {
			if o.connections.Add(1); st.DidResume {
				o.resumed.Add(1)
			}
			return nil
		},
	}
	if change != nil {
		change(o.TLS)
	}
	for _, f := range before {
		f(o.Server)
	}
	o.StartTLS()
	t.Cleanup(o.Close)
	_, o.port, _ = net.SplitHostPort(o.Listener.Addr().String())
	return o
}

const upstreamTLSText = `
listen: "127.0.0.1:0"
server: {engine: %s, shards: 1}
log: {error: debug}
upstreams:
%s
routes:
%s
`

// askPlain asks over a connection of its own, without TLS.
func askPlain(t *testing.T, r *running, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + r.Addresses()[0] + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// says waits until the log has some texts.
func (r *running) says(t *testing.T, texts ...string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		log := r.err.String()
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(log, text) }) {
			return
		}
		if time.Now().After(end) {
			wantIn(t, log, texts...)
			return
		}
	}
}

func TestUpstreamTLS(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		put(t, dir, "ca.pem", tlsRoot.PEM())
		put(t, dir, "other.pem", otherRoot.PEM())
		o := newSecureOrigin(t, nil)
		r := start(t, dir, fmt.Sprintf(upstreamTLSText, engine, strings.ReplaceAll(`
  address: {members: 127.0.0.1:PORT, tls: {ca: ca.pem}}
  name: {members: 127.0.0.1:PORT, tls: {ca: ca.pem, server-name: app.test}}
  member: {members: localhost:PORT, tls: {ca: ca.pem}}
  wrong: {members: 127.0.0.1:PORT, tls: {ca: ca.pem, server-name: other.test}}
  untrusted: {members: 127.0.0.1:PORT, tls: {ca: other.pem}}
  unverified: {members: 127.0.0.1:PORT, tls: {server-name: other.test, verify: off}}
`, "PORT", o.port), strings.ReplaceAll(`
  "/address": http://address
  "/name": https://name
  "/member": http://member
  "/wrong": http://wrong
  "/untrusted": http://untrusted
  "/unverified": http://unverified
  "/system": https://127.0.0.1:PORT
  "/plain": http://127.0.0.1:PORT
`, "PORT", o.port)))
		for _, c := range []struct {
			path   string
			status int
			want   string
		}{
			{"/address", 200, `nobody asks "" by "http/1.1"`},
			{"/name", 200, `nobody asks "app.test" by "http/1.1"`},
			{"/member", 200, `nobody asks "localhost" by "http/1.1"`},
			{"/unverified", 200, `nobody asks "other.test" by "http/1.1"`},
			{"/wrong", 502, "502 Bad Gateway\n"},
			{"/untrusted", 502, "502 Bad Gateway\n"},
			{"/system", 502, "502 Bad Gateway\n"},
			{"/plain", 400, "Client sent an HTTP request to an HTTPS server.\n"},
		} {
			for range 2 {
				if status, body := askPlain(t, r, c.path); status != c.status || body != c.want {
					t.Errorf("%s: %d %q", c.path, status, body)
				}
			}
		}
		r.says(t, "its certificate is for app.test, srv.test, localhost and others, not for other.test",
			`pool=untrusted reason=tls_certificate cause="its certificate is issued by \"root\", whom nobody known vouches for"`,
			`pool=https://127.0.0.1:`+o.port+` reason=tls_certificate`)
		if n := strings.Count(r.err.String(), "upstream fails over TLS"); n != 3 {
			t.Errorf("%d failures are told of", n)
		}
	})
}

// TestUpstreamH2TLS has pools whose protocol is h2, in front of servers that speak HTTP/2, that do not, and that know
// nothing of ALPN. Requests and checks go out alike.
func TestUpstreamH2TLS(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		put(t, dir, "ca.pem", tlsRoot.PEM())
		speaking := func(version uint16, protocols ...string) func(*tls.Config) {
			return func(c *tls.Config) {
				c.MinVersion, c.MaxVersion, c.NextProtos = version, version, append([]string{}, protocols...)
			}
		}
		h2 := func(s *httptest.Server) { s.EnableHTTP2 = true }
		both := newSecureOrigin(t, speaking(tls.VersionTLS13, "http/1.1", "h2"), h2)
		old := newSecureOrigin(t, speaking(tls.VersionTLS12, "h2"), h2)
		another := newSecureOrigin(t, speaking(tls.VersionTLS13, "http/1.1"))
		silent := newSecureOrigin(t, speaking(tls.VersionTLS13))
		r := start(t, dir, fmt.Sprintf(upstreamTLSText, engine, strings.NewReplacer("BOTH", both.port, "OLD", old.port, "ANOTHER", another.port, "SILENT", silent.port).Replace(`
  both: {members: 127.0.0.1:BOTH, protocol: h2, tls: {ca: ca.pem, server-name: app.test}, health: {path: /up, every: 2s}}
  unsaid: {members: 127.0.0.1:BOTH, tls: {ca: ca.pem, server-name: app.test}}
  old: {members: "https://localhost:OLD", protocol: h2, tls: {ca: ca.pem}}
  another: {members: 127.0.0.1:ANOTHER, protocol: h2, tls: {ca: ca.pem}, health: {path: /up, every: 2s, fall: 1}}
  silent: {members: 127.0.0.1:SILENT, protocol: h2, tls: {ca: ca.pem}, health: {path: /up, every: 2s, fall: 1}}
  spare: {members: [127.0.0.1:SILENT, 127.0.0.1:BOTH], protocol: h2, tls: {ca: ca.pem}}
`), `
  "/both": https://both
  "/unsaid": https://unsaid
  "/old": http://old
  "/another": https://another
  "/silent": https://silent
  "/spare": https://spare
`))
		for _, c := range []struct {
			path   string
			status int
			want   string
		}{
			{"/both", 200, `nobody asks "app.test" by "h2"`},
			{"/unsaid", 200, `nobody asks "app.test" by "http/1.1"`},
			{"/old", 200, `nobody asks "localhost" by "h2"`},
			{"/another", 502, "502 Bad Gateway\n"},
			{"/silent", 502, "502 Bad Gateway\n"},
			{"/spare", 200, `nobody asks "" by "h2"`},
		} {
			for range 2 {
				if status, body := askPlain(t, r, c.path); status != c.status || body != c.want {
					t.Errorf("%s: %d %q", c.path, status, body)
				}
			}
		}
		const refused, unchosen = "it refuses the handshake: no application protocol", "it does not speak HTTP/2: it has chosen no protocol by ALPN"
		r.says(t, `pool=another reason=tls_handshake cause="`+refused, `pool=silent reason=tls_handshake cause="`+unchosen,
			"of another is down: 1 check failed: TLS: "+refused, "of silent is down: 1 check failed: TLS: "+unchosen)
		if n := both.checks.Load(); n < 1 {
			t.Errorf("%d checks have come", n)
		}
	})
}

// TestUpstreamTLSIdentity shows a certificate to an upstream, and another one when the file is replaced: no connection or
// session of the old one is used any more.
func TestUpstreamTLSIdentity(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		put(t, dir, "ca.pem", tlsRoot.PEM())
		putPair(t, dir, "me", clientRoot.Client("one"))
		o := newSecureOrigin(t, func(c *tls.Config) {
			c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
			c.ClientCAs.AddCert(clientRoot.Cert)
		})
		r := start(t, dir, fmt.Sprintf(upstreamTLSText, engine, strings.ReplaceAll(`
  shown: {members: 127.0.0.1:PORT, tls: {ca: ca.pem, cert: me.pem, key: me.key}, health: {path: /up, every: 2s}}
  hidden: {members: 127.0.0.1:PORT, tls: {ca: ca.pem}}
`, "PORT", o.port), `
  "/shown": http://shown
  "/hidden": http://hidden
`))
		want := func(path string, status int, body string) {
			t.Helper()
			if got, text := askPlain(t, r, path); got != status || text != body {
				t.Errorf("%s: %d %q", path, got, text)
			}
		}
		want("/shown", 200, `one asks "" by "http/1.1"`)
		want("/shown", 200, `one asks "" by "http/1.1"`)
		want("/hidden", 502, "502 Bad Gateway\n")
		r.says(t, `reason=tls_handshake cause="it refuses the handshake: certificate required"`)
		for end := time.Now().Add(20 * time.Second); o.checks.Load() < 3; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d checks:\n%s", o.checks.Load(), r.err.String())
			}
		}
		putPair(t, dir, "me", clientRoot.Client("two"))
		r.says(t, "a certificate for upstreams was replaced")
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			_, text := askPlain(t, r, "/shown")
			if text == `two asks "" by "http/1.1"` {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("the old certificate is shown: %s", text)
			}
		}
		want("/shown", 200, `two asks "" by "http/1.1"`)
		if strings.Contains(r.err.String(), "is down") {
			t.Errorf("checks fail:\n%s", r.err.String())
		}
	})
}

// TestServerName is who is asked for when nothing is said.
func TestServerName(t *testing.T) {
	for _, c := range []struct {
		scheme, addr, said, want string
	}{
		{"http", "app.test:8443", "", "app.test"},
		{"https", "10.0.0.1:443", "", "10.0.0.1"},
		{"https", "[2001:db8::1]:443", "", "2001:db8::1"},
		{"https", "[fe80::1%eth0]:443", "", "fe80::1"},
		{"https", "app.test.:443", "", "app.test"},
		{"srv", "_https._tcp.app.test", "", "app.test"},
		{"srv", "app.test", "", "app.test"},
		{"unix", "/run/app.sock", "", "localhost"},
		{"unix", "/run/app.sock", "app.test", "app.test"},
		{"http", "app.test:8443", "other.test", "other.test"},
	} {
		if got := serverName(&config.UpstreamTLS{ServerName: c.said}, &config.Member{Scheme: c.scheme, Addr: c.addr}); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.scheme, c.addr, got, c.want)
		}
	}
}

// TestUpstreamTLSIsKept by a configuration that says the same of it, so that connections and sessions are.
func TestUpstreamTLSIsKept(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "ca.pem", tlsRoot.PEM())
	put(t, dir, "other.pem", otherRoot.PEM())
	putPair(t, dir, "me", clientRoot.Client("one"))
	reg := NewRegistry(nil)
	compile := func(settings string) any {
		t.Helper()
		cfg := parse(t, dir, "upstreams: {a: {members: [10.0.0.1:443], tls: "+settings+"}}\nroutes: {\"/\": http://a}\n")
		if _, err := Compile(cfg, reg); err != nil {
			t.Fatal(err)
		}
		return reg.pools[0].upstream.Set().Endpoints[0].Member.TLS()
	}
	same := "{ca: ca.pem, cert: me.pem, key: me.key}"
	first := compile(same)
	if compile(same) != first {
		t.Error("it is another one")
	}
	for _, other := range []string{"{ca: other.pem, cert: me.pem, key: me.key}", "{ca: ca.pem}", "{verify: off}"} {
		if compile(other) == first {
			t.Errorf("%s: it is the same one", other)
		}
	}
	putPair(t, dir, "me", clientRoot.Client("two"))
	if compile(same) == first {
		t.Error("it is the same one with another certificate")
	}
	put(t, dir, "ca.pem", []byte("nothing"))
	cfg := parse(t, dir, "upstreams: {a: {members: [10.0.0.1:443], tls: {verify: off}}}\nroutes: {\"/\": http://a}\n")
	cfg.Upstreams[0].TLS = &config.UpstreamTLS{CA: &config.File{Name: dir + "/ca.pem", Path: dir + "/ca.pem"}}
	if _, err := Compile(cfg, reg); err == nil || !strings.Contains(err.Error(), "is not PEM") {
		t.Errorf("a file of authorities without one: %v", err)
	}
}

// TestUpstreamTLSExpires has a certificate that ends while it is served: the next connection is refused, sessions included.
func TestUpstreamTLSExpires(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "ca.pem", tlsRoot.PEM())
	// Enough for the first requests, on a busy machine too.
	until := time.Now().Add(4 * time.Second).Truncate(time.Second).Add(time.Second)
	o := newSecureOrigin(t, func(c *tls.Config) {
		c.Certificates = []tls.Certificate{*tlsRoot.Server("P-256", []string{"app.test"}, certtest.Valid(time.Now().Add(-time.Hour), until)).TLS()}
	})
	r := start(t, dir, fmt.Sprintf(upstreamTLSText, "auto", "  a: {members: 127.0.0.1:"+o.port+", keepalive: off, tls: {ca: ca.pem, server-name: app.test}}", "  \"/\": http://a"))
	for range 3 {
		if status, body := askPlain(t, r, "/"); status != 200 {
			t.Fatalf("%d %s\n%s", status, body, r.err.String())
		}
	}
	if n, resumed := o.connections.Load(), o.resumed.Load(); n != 3 || resumed != 2 {
		t.Errorf("%d connections, %d of them resumed", n, resumed)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if status, _ := askPlain(t, r, "/"); status == 502 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the certificate is taken for ever")
		}
	}
	r.says(t, "reason=tls_certificate", `the certificate of \"app.test\" is valid from `)
	if time.Now().Before(until) {
		t.Error("it was refused too soon")
	}
}
