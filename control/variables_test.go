package control

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestVariablesOfClientCertificates passes on what is known of a certificate, to upstreams of HTTP/1.1 and HTTP/2, and to the
// client: of one that somebody vouches for, and of no other.
func TestVariablesOfClientCertificates(t *testing.T) {
	origin := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		fmt.Fprintf(w, "%s %q %q %q %q %q %q %q", q.Host, q.Header.Values("X-Verify"), q.Header.Values("X-Subject"), q.Header.Values("X-Issuer"),
			q.Header.Values("X-Serial"), q.Header.Values("X-Print"), q.Header.Values("X-Cert"), q.Header.Values("X-TLS"))
	}))
	both := new(http.Protocols)
	both.SetHTTP1(true)
	both.SetUnencryptedHTTP2(true)
	origin.Config.Protocols = both
	origin.Start()
	defer origin.Close()
	h2c := strings.Replace(origin.URL, "http", "h2c", 1)
	spoof := []string{"X-Verify", "SUCCESS", "X-Subject", "CN=admin", "X-Issuer", "CN=admin", "x-serial", "00", "X-Print", "00", "X-Cert", "x"}
	engines(t, func(t *testing.T, engine string) {
		r := startTLS(t, engine, tlsSite(t), `
  clients:
    - {ca: clients.pem, names: admin.test, require: off}
`, strings.NewReplacer("H1", origin.URL, "H2C", h2c).Replace(`
  "/up/": H1
  "/h2c/": H2C
  "b.test/up/": H1 | mtls others.pem
  "b.test/h2c/": H2C | mtls others.pem
use:
  - headers req ~X-Verify={client-cert-verify} ~X-Subject={client-cert-subject} ~X-Issuer={client-cert-issuer}
      ~X-Serial={client-cert-serial} ~X-Print={client-cert-fingerprint} ~X-Cert={client-cert} ~X-TLS={tls-version} ~Host={host}:{server-port}
  - headers +X-Seen="{client-cert-verify} {client-cert-subject}" +X-Sub={client-cert-subject}
`))
		for _, c := range []struct {
			name, url string
			change    func(*tls.Config)
			status    int
			verify    string
			who       string
		}{
			{"without", "https://admin.test/up/", nil, 200, "NONE", ""},
			{"with", "https://admin.test/up/", clientCertificate(clientRoot, "c"), 200, "SUCCESS", "CN=c"},
			{"refused, without", "https://b.test/up/", nil, 403, "NONE", ""},
			{"refused, wrong", "https://b.test/up/", clientCertificate(clientRoot, "c"), 403, "FAILED", ""},
			{"a route's", "https://b.test/up/", clientCertificate(otherRoot, "o"), 200, "SUCCESS", "CN=o"},
		} {
			var own *tls.Certificate
			client := r.client(t, strings.Split(c.url, "/")[2], func(cfg *tls.Config) {
				if c.change != nil {
					c.change(cfg)
					own = &cfg.Certificates[0]
					cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil }
				}
			})
			for _, up := range []string{"/up/", "/h2c/"} {
				resp, body := ask(t, client, strings.Replace(c.url, "/up/", up, 1), spoof...)
				seen := strings.TrimSpace(c.verify + " " + c.who)
				if resp.StatusCode != c.status || resp.Header.Get("X-Seen") != seen || resp.Header.Get("X-Sub") != c.who || (resp.Header["X-Sub"] != nil) != (c.who != "") {
					t.Errorf("%s, %s: %d %v", c.name, up, resp.StatusCode, resp.Header)
				}
				if c.status != 200 {
					continue
				}
				want := fmt.Sprintf(`["%s"] [] [] [] [] [] ["TLSv1.3"]`, c.verify)
				if c.who != "" {
					leaf := own.Leaf
					want = fmt.Sprintf(`["%s"] ["%s"] ["%s"] ["%X"] ["%x"] [":`, c.verify, c.who, leaf.Issuer, leaf.SerialNumber.Bytes(), sha256.Sum256(leaf.Raw))
				}
				host, rest, _ := strings.Cut(body, " ")
				name, port, _ := strings.Cut(host, ":")
				if !strings.HasPrefix(rest, want) || name != strings.Split(c.url, "/")[2] || !strings.HasSuffix(r.Addresses()[0], ":"+port) {
					t.Errorf("%s, %s: the upstream is told %s, want %s", c.name, up, body, want)
				}
			}
		}
	})
}
