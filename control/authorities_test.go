package control

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestReplacedAuthorities has those who vouch for clients, by the handshake and by a route, and for upstreams, take the
// place of others while they are in use. Who was let in by the old ones is not let in any more.
func TestReplacedAuthorities(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		dir := tlsSite(t)
		put(t, dir, "up.pem", otherRoot.PEM())
		o := newSecureOrigin(t, nil)
		r := startTLS(t, engine, dir, `
  clients: {ca: clients.pem, names: "*.admin.test"}
`, fmt.Sprintf(`
  "/route": {answer: OK, use: mtls others.pem}
  "/up": https://up
upstreams:
  up: {members: "127.0.0.1:%s", tls: {ca: up.pem}}
`, o.port))
		showing := func(who func(*tls.Config)) func(*tls.Config) {
			return func(c *tls.Config) {
				who(c)
				own := c.Certificates[0]
				c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
			}
		}
		client := r.client(t, "x.admin.test", showing(clientCertificate(clientRoot, "c")))
		other := r.client(t, "x.admin.test", showing(clientCertificate(otherRoot, "o")))
		byRoute := r.client(t, "b.test", showing(clientCertificate(otherRoot, "o")))
		// status is that of an answer, 0 for a handshake or a connection that fails.
		status := func(c *http.Client, url string) int {
			resp, err := c.Get(url)
			if err != nil {
				return 0
			}
			resp.Body.Close()
			return resp.StatusCode
		}
		want := func(when string, first, second, route, up int) {
			t.Helper()
			for _, w := range []struct {
				c      *http.Client
				url    string
				status int
			}{
				{client, "https://x.admin.test/hello", first},
				{other, "https://x.admin.test/hello", second},
				{byRoute, "https://b.test/route", route},
				{byRoute, "https://b.test/up", up},
			} {
				if got := status(w.c, w.url); got != w.status {
					t.Errorf("%s: %s: %d, want %d", when, w.url, got, w.status)
				}
			}
		}
		want("at the start", 200, 0, 200, 502)

		put(t, dir, "clients.pem", []byte("-----BEGIN CERTIFICATE-----\n"))
		r.says(t, "authorities cannot be replaced: the old ones stay")
		want("with a file that is half written", 200, 0, 200, 502)

		put(t, dir, "clients.pem", otherRoot.PEM())
		put(t, dir, "others.pem", clientRoot.PEM())
		put(t, dir, "up.pem", tlsRoot.PEM())
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			if log := r.err.String(); strings.Contains(log, "authorities were replaced") &&
				status(byRoute, "https://b.test/route") == 403 && status(byRoute, "https://b.test/up") == 200 && status(other, "https://x.admin.test/hello") == 200 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("the old authorities stay:\n%s", r.err.String())
			}
		}
		// The connection of the first client has been used since before.
		want("with other authorities", 0, 200, 403, 200)
	})
}
