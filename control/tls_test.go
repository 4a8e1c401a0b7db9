package control

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

var (
	tlsRoot    = certtest.NewAuthority("root")
	clientRoot = certtest.NewAuthority("clients")
	otherRoot  = certtest.NewAuthority("other clients")
)

// put writes a file in the place of another in one step.
func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.WriteFile(path+".new", data, 0o600), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}

func putPair(t *testing.T, dir, name string, i *certtest.Issued) {
	t.Helper()
	put(t, dir, name+".pem", i.Chain)
	put(t, dir, name+".key", i.KeyPEM)
}

// tlsSite is a directory with certificates for a.test and b.test, in RSA as well, and for admin.test.
func tlsSite(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	putPair(t, dir, "site", tlsRoot.Server("P-256", []string{"a.test", "b.test", "edge.test", "127.0.0.1"}))
	putPair(t, dir, "rsa", tlsRoot.Server("RSA-2048", []string{"a.test", "b.test"}))
	putPair(t, dir, "admin", tlsRoot.Server("P-256", []string{"admin.test", "*.admin.test", "a.test"}))
	put(t, dir, "clients.pem", clientRoot.PEM())
	put(t, dir, "others.pem", otherRoot.PEM())
	return dir
}

const tlsText = `
listen: ["127.0.0.1:0 tls", "127.0.0.2:0 redirect"%s]
server: {engine: %s, shards: 2}
log: {access: stdout json, error: debug}
tls:
  certificates: [{cert: site.pem, key: site.key}, {cert: rsa.pem, key: rsa.key}, {cert: admin.pem, key: admin.key}]
%s
routes:
  "/hello": OK hello
%s
`

// startTLS serves a configuration with some lines of tls and of routes.
func startTLS(t *testing.T, engine, dir, lines, routes string, listen ...string) *running {
	t.Helper()
	more := ""
	for _, l := range listen {
		more += fmt.Sprintf(", %q", l)
	}
	return start(t, dir, fmt.Sprintf(tlsText, more, engine, lines, routes))
}

// client is a client that trusts the root, asks for a name, and keeps connections.
func (r *running) client(t *testing.T, name string, change func(*tls.Config)) *http.Client {
	t.Helper()
	c := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: name}
	c.RootCAs.AddCert(tlsRoot.Cert)
	if change != nil {
		change(c)
	}
	addr := r.Addresses()[0]
	transport := &http.Transport{
		TLSClientConfig: c,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ask makes a request whose host is that of the URL.
func ask(t *testing.T, c *http.Client, url string, fields ...string) (*http.Response, string) {
	t.Helper()
	q, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		q.Header.Add(fields[i], fields[i+1])
	}
	resp, err := c.Do(q)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return resp, string(body)
}

func clientCertificate(a *certtest.Authority, name string) func(*tls.Config) {
	return func(c *tls.Config) { c.Certificates = []tls.Certificate{*a.Client(name).TLS()} }
}

func TestTLS(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		dir := tlsSite(t)
		write(t, dir, "dist/index.html", "the index")
		r := startTLS(t, engine, dir, "  hsts: {max-age: 1y, subdomains: on}", "  \"/static/\": ./dist/")
		// The access log and all forms of responses, with what all of them over TLS have.
		for _, c := range []struct {
			url    string
			status int
		}{{"https://a.test/hello", 200}, {"https://a.test/static/", 200}, {"https://a.test/none", 404}, {"https://b.test/hello", 200}, {"https://other.test/hello", 421}} {
			resp, _ := ask(t, r.client(t, "a.test", nil), c.url)
			if got := resp.Header.Values("Strict-Transport-Security"); resp.StatusCode != c.status || len(got) != 1 || got[0] != "max-age=31536000; includeSubDomains" {
				t.Errorf("%s: %d, HSTS %q", c.url, resp.StatusCode, got)
			}
			if resp.TLS.Version != tls.VersionTLS13 || resp.TLS.NegotiatedProtocol != "" && resp.TLS.NegotiatedProtocol != "http/1.1" {
				t.Errorf("%s: %x %q", c.url, resp.TLS.Version, resp.TLS.NegotiatedProtocol)
			}
		}
		// Kinds of keys, by what the client can do.
		for _, c := range []struct {
			name   string
			change func(*tls.Config)
			want   x509.PublicKeyAlgorithm
		}{
			{"modern", nil, x509.ECDSA},
			{"TLS 1.2", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, x509.ECDSA},
			{"RSA", func(c *tls.Config) {
				c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
			}, x509.RSA},
		} {
			resp, body := ask(t, r.client(t, "a.test", c.change), "https://a.test/hello")
			if got := resp.TLS.PeerCertificates[0].PublicKeyAlgorithm; got != c.want || body != "hello" {
				t.Errorf("%s: %v %q", c.name, got, body)
			}
		}
		// Plain HTTP is sent to TLS.
		_, port, err := net.SplitHostPort(r.Addresses()[0])
		if err != nil {
			t.Fatal(err)
		}
		plain := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, _ := ask(t, plain, "http://"+r.Addresses()[1]+"/a/b?c=d")
		if want := "https://127.0.0.2:" + port + "/a/b?c=d"; resp.StatusCode != 308 || resp.Header.Get("Location") != want || resp.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%d %q, want %q", resp.StatusCode, resp.Header, want)
		}
		resp, _ = ask(t, plain, "http://"+r.Addresses()[1]+"/.well-known/acme-challenge/x")
		if resp.StatusCode != 404 {
			t.Errorf("a challenge is answered %d", resp.StatusCode)
		}
		if st := r.Certificates(); len(st) != 3 || st[1].Kind != "RSA-2048" || st[0].NotAfter.IsZero() {
			t.Errorf("%+v", st)
		}
	})
}

// TestReplacedCertificate replaces a certificate 200 times while clients connect; no handshake fails, and the last one is shown.
func TestReplacedCertificate(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		dir := tlsSite(t)
		r := startTLS(t, engine, dir, "", "")
		set := r.registry.set()
		var over atomic.Bool
		var handshakes atomic.Int64
		var clients sync.WaitGroup
		for range 2 {
			clients.Go(func() {
				c := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "a.test"}
				c.RootCAs.AddCert(tlsRoot.Cert)
				for !over.Load() {
					conn, err := tls.Dial("tcp", r.Addresses()[0], c)
					if err != nil {
						t.Errorf("a handshake failed: %v", err)
						return
					}
					conn.Close()
					handshakes.Add(1)
				}
			})
		}
		versions := [3]*certtest.Issued{}
		for i := range versions {
			versions[i] = tlsRoot.Server("P-256", []string{"a.test"})
		}
		for n := range 200 {
			putPair(t, dir, "site", versions[n%len(versions)])
			set.Look()
			set.Look()
		}
		for handshakes.Load() < 50 && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
		over.Store(true)
		clients.Wait()
		resp, _ := ask(t, r.client(t, "a.test", nil), "https://a.test/hello")
		if resp.TLS.PeerCertificates[0].SerialNumber.Cmp(versions[199%3].Cert.SerialNumber) != 0 {
			t.Error("the last certificate is not shown")
		}
		logged := func() int { return strings.Count(r.err.String(), "a certificate was replaced") }
		for end := time.Now().Add(20 * time.Second); logged() < 200 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if n := logged(); n != 200 {
			t.Errorf("%d replacements are logged\n%s", n, r.err.String())
		}
	})
}

// TestClientCertificates has them asked for by name, by address and by route.
func TestClientCertificates(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		fmt.Fprintf(w, "%q %q %q %q", q.Header.Values("X-Client-Cert-Subject"), q.Header.Values("X-Client-Cert-Fingerprint"), q.Header.Values("Client-Cert"), q.Header.Values("Client-Cert-Chain"))
	}))
	defer origin.Close()
	// The same in HTTP/2, without TLS and with it.
	both := new(http.Protocols)
	both.SetHTTP1(true)
	both.SetUnencryptedHTTP2(true)
	over2 := httptest.NewUnstartedServer(origin.Config.Handler)
	over2.Config.Protocols = both
	over2.Start()
	defer over2.Close()
	overTLS := newSecureOrigin(t, nil, func(s *httptest.Server) { s.Config.Handler, s.EnableHTTP2 = origin.Config.Handler, true })
	spoof := []string{"X-Client-Cert-Subject", "CN=admin", "x-client-cert-fingerprint", "00", "Client-Cert", ":AA==:", "Client-Cert-Chain", ":AA==:", "X-Client-Cert-Verified", "yes"}
	engines(t, func(t *testing.T, engine string) {
		dir := tlsSite(t)
		put(t, dir, "root.pem", tlsRoot.PEM())
		r := startTLS(t, engine, dir, `
  clients:
    - {ca: clients.pem, names: "*.admin.test"}
    - {ca: clients.pem, names: admin.test, require: off}
`, strings.NewReplacer("H1", origin.URL, "H2C", strings.Replace(over2.URL, "http", "h2c", 1), "SECURE", "127.0.0.1:"+overTLS.port).Replace(`
  "/up/": H1
  "b.test/up/": H1
  "b.test/up/route/": H1 | mtls others.pem
  "/h2c/": H2C
  "b.test/h2c/": H2C
  "b.test/h2c/route/": H2C | mtls others.pem
  "/h2/": https://h2
  "b.test/h2/": https://h2
  "b.test/h2/route/": https://h2 | mtls others.pem
upstreams:
  h2: {members: SECURE, protocol: h2, tls: {ca: root.pem}}
`))
		const none = "[] [] [] []"
		identified := func(body, name string) bool {
			return strings.HasPrefix(body, `["CN=`+name+`"] ["`) && strings.Contains(body, `":`) && strings.HasSuffix(body, `:"] []`)
		}
		for _, c := range []struct {
			name, sni, url string
			change         func(*tls.Config)
			status         int    // 0 for a handshake that fails
			who            string // is told to the upstream
		}{
			{"nobody is asked", "a.test", "https://a.test/up/", clientCertificate(clientRoot, "c"), 200, ""},
			{"optional, without", "admin.test", "https://admin.test/up/", nil, 200, ""},
			{"optional, with", "admin.test", "https://admin.test/up/", clientCertificate(clientRoot, "c"), 200, "c"},
			{"optional, wrong", "admin.test", "https://admin.test/up/", clientCertificate(otherRoot, "o"), 0, ""},
			{"required, without", "x.admin.test", "https://x.admin.test/up/", nil, 0, ""},
			{"required, with", "x.admin.test", "https://x.admin.test/up/", clientCertificate(clientRoot, "c"), 200, "c"},
			{"required, wrong", "x.admin.test", "https://x.admin.test/up/", clientCertificate(otherRoot, "o"), 0, ""},
			{"a host with other terms", "a.test", "https://admin.test/up/", clientCertificate(clientRoot, "c"), 421, ""},
			{"and back", "admin.test", "https://a.test/up/", clientCertificate(clientRoot, "c"), 421, ""},
			{"a route, without", "b.test", "https://b.test/up/route/", nil, 403, ""},
			{"a route, wrong", "b.test", "https://b.test/up/route/", clientCertificate(clientRoot, "c"), 403, ""},
			{"a route, with", "b.test", "https://b.test/up/route/", clientCertificate(otherRoot, "o"), 200, "o"},
			{"beside the route nobody has verified", "b.test", "https://b.test/up/", clientCertificate(otherRoot, "o"), 200, ""},
		} {
			for _, version := range []uint16{tls.VersionTLS13, tls.VersionTLS12} {
				client := r.client(t, c.sni, func(cfg *tls.Config) {
					cfg.MaxVersion = version
					if c.change != nil {
						c.change(cfg)
						// Whatever the server says it wants: clients that are wrong do not ask.
						own := cfg.Certificates[0]
						cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
					}
				})
				if c.status == 0 {
					q, _ := http.NewRequest("GET", c.url, nil)
					if resp, err := client.Do(q); err == nil {
						resp.Body.Close()
						t.Errorf("%s (%x): answered %d", c.name, version, resp.StatusCode)
					}
					continue
				}
				// All by one connection, to upstreams that speak one version of HTTP and the other.
				for _, up := range []string{"/up/", "/h2c/", "/h2/"} {
					resp, body := ask(t, client, strings.Replace(c.url, "/up/", up, 1), spoof...)
					if resp.StatusCode != c.status {
						t.Errorf("%s, %s (%x): answered %d %q", c.name, up, version, resp.StatusCode, body)
					}
					if c.status == 200 && (c.who == "" && body != none || c.who != "" && !identified(body, c.who)) {
						t.Errorf("%s, %s (%x): the upstream is told %s", c.name, up, version, body)
					}
				}
			}
		}
	})
}

// TestResumedClients keeps a ticket from one policy out of another.
func TestResumedClients(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		dir := tlsSite(t)
		r := startTLS(t, engine, dir, `
  clients: {ca: clients.pem, names: admin.test}
  tickets: {secret: a secret for this test only and of some length}
`, "")
		for _, version := range []uint16{tls.VersionTLS13, tls.VersionTLS12} {
			// One cache for both names, as a hostile client has it: Go's looks up sessions by the server's name.
			cache := anyName{tls.NewLRUClientSessionCache(8)}
			connect := func(name string, change func(*tls.Config)) (resumed bool, err error) {
				client := r.client(t, name, func(c *tls.Config) {
					c.MaxVersion, c.ClientSessionCache, c.InsecureSkipVerify = version, cache, true
					if change != nil {
						change(c)
					}
				})
				defer client.CloseIdleConnections()
				q, _ := http.NewRequest("GET", "https://"+name+"/hello", nil)
				resp, err := client.Do(q)
				if err != nil {
					return false, err
				}
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				return resp.TLS.DidResume, err
			}
			if resumed, err := connect("a.test", nil); err != nil || resumed {
				t.Errorf("%x: the first time: %v %v", version, resumed, err)
			}
			if resumed, err := connect("a.test", nil); err != nil || !resumed {
				t.Errorf("%x: the second time: %v %v", version, resumed, err)
			}
			if _, err := connect("admin.test", nil); err == nil {
				t.Errorf("%x: a ticket gets past the request for a certificate", version)
			}
			with := clientCertificate(clientRoot, "c")
			if resumed, err := connect("admin.test", with); err != nil || resumed {
				t.Errorf("%x: with a certificate: %v %v", version, resumed, err)
			}
			if resumed, err := connect("admin.test", with); err != nil || !resumed {
				t.Errorf("%x: with a certificate again: %v %v", version, resumed, err)
			}
			if resumed, err := connect("a.test", nil); err != nil || resumed {
				t.Errorf("%x: a ticket of clients with certificates: %v %v", version, resumed, err)
			}
		}
	})
}

// anyName is a cache that gives out the last session whatever the name.
type anyName struct{ tls.ClientSessionCache }

func (a anyName) Get(string) (*tls.ClientSessionState, bool) { return a.ClientSessionCache.Get("") }
func (a anyName) Put(_ string, s *tls.ClientSessionState)    { a.ClientSessionCache.Put("", s) }

// TestECHAndRefusal hides a name, and refuses one that nobody has.
func TestECHAndRefusal(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		dir := tlsSite(t)
		r := startTLS(t, engine, dir, `
  default: none
  ech: {public-name: edge.test, keys: `+dir+`/ech}
`, "")
		set := r.registry.set()
		resp, _ := ask(t, r.client(t, "admin.test", func(c *tls.Config) { c.EncryptedClientHelloConfigList = set.ECHConfigList() }), "https://admin.test/hello")
		if resp.StatusCode != 200 || !resp.TLS.ECHAccepted {
			t.Errorf("ECH: %d, accepted %v", resp.StatusCode, resp.TLS.ECHAccepted)
		}
		for _, name := range []string{"unknown.test", "127.0.0.1"} {
			conn, err := tls.Dial("tcp", r.Addresses()[0], &tls.Config{ServerName: name, InsecureSkipVerify: true})
			if err == nil {
				conn.Close()
			}
			if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestKeyLog writes the secrets of connections, and says so loudly.
func TestKeyLog(t *testing.T) {
	dir := tlsSite(t)
	file := filepath.Join(dir, "secrets")
	cfg := parse(t, dir, fmt.Sprintf(tlsText, "", "epoll", "", ""))
	r := &running{t: t, signals: make(chan os.Signal, 2), ended: make(chan error, 1)}
	s, err := Start(Options{Config: cfg, Version: "0.0.0", Stdout: &r.out, Stderr: &r.err, KeyLog: file})
	if err != nil {
		t.Fatal(err)
	}
	r.Server, s.repeat = s, 0
	go func() { r.ended <- s.Serve(r.signals) }()
	ask(t, r.client(t, "a.test", nil), "https://a.test/hello")
	close(r.signals)
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "CLIENT_TRAFFIC_SECRET_0 ") {
		t.Errorf("%q, %v", text, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	wantIn(t, r.err.String(), "THE SECRETS OF ALL TLS CONNECTIONS ARE WRITTEN TO A FILE", "file="+file)
	if _, err := Start(Options{Config: cfg, KeyLog: filepath.Join(dir, "none", "secrets"), Stderr: &r.err, Stdout: &r.out}); err == nil {
		t.Error("it starts without its file")
	}
}

// TestTerms compiles the rules for clients: which authorities, for which names and addresses.
func TestTerms(t *testing.T) {
	dir := tlsSite(t)
	cfg := parse(t, dir, fmt.Sprintf(tlsText, ", \":1 tls\"", "epoll", `
  profile: modern
  groups: [X25519]
  clients:
    - {ca: clients.pem, require: off}
    - {ca: others.pem, listen: ":1"}
    - {ca: others.pem, names: "*.admin.test"}
`, "  \"a.test/route/\": OK | mtls others.pem"))
	gen, err := Compile(cfg, NewRegistry(nil))
	if err != nil {
		t.Fatal(err)
	}
	first, second := gen.Settings.Listeners[0].TLS, gen.Settings.Listeners[2].TLS
	if first.Config.ClientAuth != tls.VerifyClientCertIfGiven || second.Config.ClientAuth != tls.RequireAndVerifyClientCert {
		t.Errorf("%v %v", first.Config.ClientAuth, second.Config.ClientAuth)
	}
	if first.Config.MinVersion != tls.VersionTLS13 || len(first.Config.CurvePreferences) != 1 {
		t.Errorf("%+v", first.Config)
	}
	if string(first.Tag) == string(second.Tag) || len(first.Tag) != 16 {
		t.Error("terms cannot be told apart in tickets")
	}
	terms := first.Names.Terms[first.Names.Index("x.admin.test")]
	if terms.Config.ClientAuth != tls.RequireAndVerifyClientCert || string(terms.Tag) != string(second.Tag) {
		t.Error("the same terms are not the same")
	}
	if first.Certificates != second.Certificates || first.Tickets != second.Tickets || first.Handshake != cfg.Server.Timeouts.Header {
		t.Error("listeners do not share what is the same")
	}
	if gen.Settings.HSTS != nil || !gen.Settings.OwnCertificates {
		t.Error("settings")
	}
	again, err := Compile(cfg, NewRegistry(nil))
	if err != nil || string(again.Settings.Listeners[0].TLS.Tag) != string(first.Tag) {
		t.Error("another process has other terms")
	}
}

// TestLateIdentity keeps what a client says of itself behind its content from an upstream that heeds trailers.
func TestLateIdentity(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		fmt.Fprint(w, q.Trailer)
	}))
	defer origin.Close()
	engines(t, func(t *testing.T, engine string) {
		r := startTLS(t, engine, tlsSite(t), "", "  \"/up/\": "+origin.URL)
		c, err := tls.Dial("tcp", r.Addresses()[0], &tls.Config{ServerName: "a.test", InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		fmt.Fprint(c, "POST /up/ HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTrailer: Client-Cert, X-Client-Cert-Subject, X-Sum\r\nConnection: close\r\n\r\n"+
			"1\r\nx\r\n0\r\nClient-Cert: :AA==:\r\nX-Client-Cert-Subject: CN=admin\r\nX-Sum: 7\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || strings.Contains(string(body), "admin") || strings.Contains(string(body), "AA==") || !strings.Contains(string(body), "X-Sum:[7]") {
			t.Errorf("%q, %v", body, err)
		}
	})
}
