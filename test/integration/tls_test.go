package integration

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// pki is a directory with certificates for test.local, admin.local and localhost, and for a client.
type pki struct {
	dir    string
	root   *certtest.Authority
	leaf   *certtest.Issued
	client *certtest.Issued
}

func newPKI(t *testing.T, edits ...certtest.Edit) *pki {
	t.Helper()
	k := &pki{dir: t.TempDir(), root: certtest.NewAuthority("AnyGate test root")}
	middle := k.root.Authority("AnyGate test authority")
	hosts := []string{"test.local", "admin.local", "localhost", "127.0.0.1"}
	k.leaf = middle.Server("P-256", hosts, edits...)
	second := middle.Server("RSA-2048", hosts, edits...)
	clients := certtest.NewAuthority("AnyGate test clients")
	k.client = clients.Client("somebody")
	for name, data := range map[string][]byte{
		"site.pem": k.leaf.Chain, "site.key": k.leaf.KeyPEM, "rsa.pem": second.Chain, "rsa.key": second.KeyPEM,
		"root.pem": k.root.PEM(), "clients.pem": clients.PEM(), "me.pem": k.client.Chain, "me.key": k.client.KeyPEM,
	} {
		if err := os.WriteFile(k.path(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

func (k *pki) path(name string) string { return filepath.Join(k.dir, name) }

const tlsLines = `
tls:
  certificates: [{cert: site.pem, key: site.key}, {cert: rsa.pem, key: rsa.key}]
`

const closing = "GET /hello HTTP/1.1\r\nHost: test.local\r\nConnection: close\r\n\r\n"

// openssl s_client agrees on what it should, is refused what it should not have, and resumes. Peer: openssl.
func TestOpenSSL(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		k := newPKI(t)
		s := product.Start(t, product.Config{Engine: e, Dir: k.dir, Listen: `"127.0.0.1:0 tls"`, Text: tlsLines + "routes: {/hello: OK greetings}\n"})
		base := []string{"-servername", "test.local", "-CAfile", k.path("root.pem"), "-verify_return_error", "-verify_hostname", "test.local"}
		run := func(send string, args ...string) string {
			return peer.SClient(t, s.Addr, send, append(args, base...)...)
		}
		const fine = "Verify return code: 0 (ok)"
		for _, c := range []struct {
			name string
			args []string
			want []string
		}{
			{"TLS 1.3", []string{"-tls1_3"}, []string{fine, "greetings", "New, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256", "Server Temp Key: X25519", "Peer signature type: ECDSA"}},
			{"TLS 1.2", []string{"-tls1_2"}, []string{fine, "greetings", "Protocol  : TLSv1.2", "ECDHE-ECDSA-AES", "Secure Renegotiation IS supported"}},
			{"AES-256", []string{"-ciphersuites", "TLS_AES_256_GCM_SHA384"}, []string{fine, "greetings", "TLS_AES_256_GCM_SHA384"}},
			{"ChaCha20", []string{"-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}, []string{fine, "greetings", "TLS_CHACHA20_POLY1305_SHA256"}},
			{"RSA 1.3", []string{"-sigalgs", "RSA-PSS+SHA256:RSA+SHA256"}, []string{fine, "greetings", "Peer signature type: RSA-PSS"}},
			{"RSA 1.2", []string{"-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"}, []string{fine, "greetings", "ECDHE-RSA-AES256-GCM-SHA384"}},
			{"P-256", []string{"-groups", "P-256"}, []string{fine, "greetings", "ECDH, prime256v1"}},
			{"P-384", []string{"-groups", "P-384"}, []string{fine, "greetings", "ECDH, secp384r1"}},
			{"another group first", []string{"-groups", "P-521:P-256"}, []string{fine, "greetings", "ECDH, prime256v1"}}, // a HelloRetryRequest
			{"ALPN", []string{"-alpn", "h9,http/1.1"}, []string{fine, "ALPN protocol: http/1.1"}},
			{"TLS 1.1", []string{"-tls1_1", "-cipher", "ALL@SECLEVEL=0"}, []string{"alert protocol version"}},
			{"CBC", []string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"}, []string{"alert handshake failure"}},
			{"no forward secrecy", []string{"-tls1_2", "-cipher", "AES128-GCM-SHA256"}, []string{"alert handshake failure"}},
			{"no group in common", []string{"-groups", "P-521"}, []string{"alert handshake failure"}},
		} {
			out := run(closing, c.args...)
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("%s: %q is not in\n%s", c.name, want, out)
				}
			}
		}
		for _, version := range []string{"-tls1_3", "-tls1_2"} {
			ticket := k.path("session" + version)
			if out := run(closing, version, "-sess_out", ticket); !strings.Contains(out, "New, ") {
				t.Errorf("%s: the first connection is not new:\n%s", version, out)
			}
			if out := run(closing, version, "-sess_in", ticket); !strings.Contains(out, "Reused, ") || !strings.Contains(out, "greetings") {
				t.Errorf("%s: the second connection is not resumed:\n%s", version, out)
			}
		}
		// A client that wants other keys in the middle of a connection: the records go on with them, but TLS 1.2 has no way
		// to be asked for that.
		command := func(command, word, version string) string {
			return peer.SCommand(t, s.Addr, command, word, closing, append([]string{version}, base...)...)
		}
		if out := command("K", "KEYUPDATE", "-tls1_3"); !strings.Contains(out, "greetings") || !strings.Contains(out, "KEYUPDATE") {
			t.Errorf("a key update:\n%s", out)
		}
		if out := command("R", "RENEGOTIATING", "-tls1_2"); !strings.Contains(out, "no renegotiation") && !strings.Contains(out, "unexpected message") || strings.Contains(out, "greetings") {
			t.Errorf("a renegotiation:\n%s", out)
		}
		s.Stop(t)
	})
}

// OpenSSL takes the stapled response. Peers: openssl, and an OCSP responder of the test's.
func TestStapling(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		var k *pki
		var middle *certtest.Authority
		responder := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			body, _ := io.ReadAll(q.Body)
			request, err := ocsp.ParseRequest(body)
			if err != nil {
				http.Error(w, err.Error(), 400)
				return
			}
			raw, err := ocsp.CreateResponse(middle.Cert, middle.Cert, ocsp.Response{
				Status: ocsp.Good, SerialNumber: request.SerialNumber, ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
			}, middle.Key)
			if err != nil {
				http.Error(w, err.Error(), 500)
				return
			}
			_, _ = w.Write(raw)
		}))
		defer responder.Close()
		k = newPKI(t)
		middle = k.root.Authority("responsible")
		leaf := middle.Server("P-256", []string{"test.local"}, ocspServer(responder.URL))
		for name, data := range map[string][]byte{"site.pem": leaf.Chain, "site.key": leaf.KeyPEM} {
			if err := os.WriteFile(k.path(name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := product.Start(t, product.Config{
			Engine: e, Dir: k.dir, Listen: `"127.0.0.1:0 tls"`,
			Text: "tls: {certificates: {cert: site.pem, key: site.key}, ocsp: {cache: ocsp}}\nroutes: {/hello: OK}\n",
		})
		ask := func() string {
			return peer.SClient(t, s.Addr, closing, "-status", "-servername", "test.local", "-CAfile", k.path("root.pem"))
		}
		out := ask()
		for deadline := time.Now().Add(20 * time.Second); !strings.Contains(out, "Cert Status: good"); out = ask() {
			if time.Now().After(deadline) {
				t.Fatalf("no response is stapled:\n%s\n%s", out, s.Stderr)
			}
		}
		kept := func() []string {
			files, _ := filepath.Glob(k.path("ocsp/*.ocsp"))
			return files
		}
		for deadline := time.Now().Add(10 * time.Second); len(kept()) != 1; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("kept are %q", kept())
			}
		}
		s.Stop(t)
	})
}

// curl is redirected to TLS, remembers to stay there, and moves a lot of content both ways. Peers: curl before, Go's
// net/http behind.
func TestCurlTLS(t *testing.T) {
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
		s := product.Start(t, product.Config{
			Engine: e, Dir: k.dir, Listen: `["127.0.0.1:0 tls", "127.0.0.2:0 redirect"]`,
			Text: tlsLines + "  hsts: 1y\nroutes: {/hello: OK greetings, /large: ./large, /up/: \"http://" + up.Addr + "/\"}\n",
		})
		_, port, err := net.SplitHostPort(s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		_, plain, err := net.SplitHostPort(s.Addrs[1])
		if err != nil {
			t.Fatal(err)
		}
		base := []string{
			"--cacert", k.path("root.pem"), "--resolve", "test.local:" + port + ":127.0.0.1", "--resolve", "test.local:" + plain + ":127.0.0.2",
			"--resolve", "other.local:" + port + ":127.0.0.1",
		}
		curl := func(args ...string) peer.Answer { return peer.Curl(t, append(args, base...)...) }
		url := "https://test.local:" + port
		if a := curl("--location", "http://test.local:"+plain+"/hello"); a.Status != 200 || a.Body != "greetings" || len(a.Interim) != 1 || a.Interim[0] != 308 || a.Header.Get("Strict-Transport-Security") != "max-age=31536000" {
			t.Errorf("redirected: %+v", a)
		}
		// The file of HSTS knows no ports: it is only looked at for the name.
		store := k.path("hsts")
		if a := curl("--hsts", store, url+"/hello"); a.Status != 200 {
			t.Errorf("%+v", a)
		}
		if text, err := os.ReadFile(store); err != nil || !strings.Contains(string(text), "test.local") {
			t.Errorf("curl remembers %q, %v", text, err)
		}
		for _, version := range []string{"1.2", "1.3"} {
			only := []string{"--tlsv" + version, "--tls-max", version}
			if a := curl(append(only, url+"/large")...); a.Status != 200 || a.Body != string(large) {
				t.Errorf("TLS %s: a download is answered %d with %d bytes, %s", version, a.Status, len(a.Body), a.Message)
			}
			a := curl(append(only, "--data-binary", "@"+k.path("large"), url+"/up/check")...)
			if a.Status != 200 || a.Body != strconv.Itoa(len(large)) {
				t.Errorf("TLS %s: an upload is answered %d %.200q, %s", version, a.Status, a.Body, a.Message)
			}
		}
		if a := curl("https://other.local:" + port + "/hello"); a.Exit != 60 {
			t.Errorf("a name that is not the certificate's: %+v", a)
		}
		// One connection for two names: the second is not one of the certificate's.
		if a := curl("--header", "Host: other.local", url+"/hello"); a.Status != 421 {
			t.Errorf("a host that the certificate does not cover: %+v", a)
		}
		if a := curl("--tls-max", "1.1", "--tlsv1.1", "--ciphers", "ALL@SECLEVEL=0", url+"/hello"); a.Exit != 35 {
			t.Errorf("TLS 1.1: %+v", a)
		}
		if a := peer.Curl(t, "http://"+s.Addr+"/hello"); a.Status != 400 {
			t.Errorf("HTTP on the port of TLS: %+v", a)
		}
		s.Stop(t)
	})
}

// curl shows its certificate where it must, and the upstream is told whose it is. Peers: curl, Go's net/http.
func TestCurlClientCertificate(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		k := newPKI(t)
		s := product.Start(t, product.Config{
			Engine: e, Dir: k.dir, Listen: `"127.0.0.1:0 tls"`,
			Text: tlsLines + "  clients: {ca: clients.pem, names: admin.local}\nroutes:\n  /hello: OK greetings\n  test.local/vip: OK | mtls clients.pem\n",
		})
		_, port, err := net.SplitHostPort(s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		base := []string{"--cacert", k.path("root.pem"), "--resolve", "test.local:" + port + ":127.0.0.1", "--resolve", "admin.local:" + port + ":127.0.0.1"}
		me := []string{"--cert", k.path("me.pem"), "--key", k.path("me.key")}
		for _, version := range []string{"1.2", "1.3"} {
			curl := func(args ...string) peer.Answer {
				return peer.Curl(t, append(append(args, base...), "--tlsv"+version, "--tls-max", version)...)
			}
			admin, test := "https://admin.local:"+port, "https://test.local:"+port
			if a := curl(append(me, admin+"/hello")...); a.Status != 200 || a.Body != "greetings" {
				t.Errorf("TLS %s with: %+v", version, a)
			}
			if a := curl(admin + "/hello"); a.Exit == 0 || a.Status != 0 {
				t.Errorf("TLS %s without: %+v", version, a)
			}
			if a := curl(test + "/hello"); a.Status != 200 {
				t.Errorf("TLS %s beside: %+v", version, a)
			}
			if a := curl(append(me, test+"/vip")...); a.Status != 200 {
				t.Errorf("TLS %s, a route, with: %+v", version, a)
			}
			if a := curl(test + "/vip"); a.Status != 403 {
				t.Errorf("TLS %s, a route, without: %+v", version, a)
			}
			// A name without certificates is no way around one with.
			if a := curl("--header", "Host: admin.local", test+"/hello"); a.Status != 421 {
				t.Errorf("TLS %s around: %+v", version, a)
			}
		}
		s.Stop(t)
	})
}
