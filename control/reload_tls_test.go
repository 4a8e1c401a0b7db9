package control

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestReloadTLS keeps sessions and connections when the configuration is replaced, unless clients are asked for something
// else.
func TestReloadTLS(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		dir := tlsSite(t)
		text := func(lines, routes string) string { return fmt.Sprintf(tlsText, "", engine, lines, routes) }
		r := startReloading(t, dir, text("", ""))
		get := func(c *http.Client) *http.Response {
			t.Helper()
			resp, err := c.Get("https://a.test/hello")
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			return resp
		}
		cache := tls.NewLRUClientSessionCache(4)
		fresh := func() *http.Client {
			return r.client(t, "a.test", func(c *tls.Config) { c.ClientSessionCache = cache })
		}
		kept := fresh()
		get(kept)
		served := r.registry.set()
		r.mustChange(text("", "  \"/more\": OK\n"))
		if r.registry.set() == served {
			t.Error("the certificates were not read again")
		}
		if resp := get(kept); resp.Close || resp.TLS.DidResume {
			t.Errorf("the connection of before: Connection: close %t, another handshake %t", resp.Close, resp.TLS.DidResume)
		}
		if resp := get(fresh()); !resp.TLS.DidResume {
			t.Error("the session of before is not resumed")
		}
		// A certificate that cannot be read leaves everything as it is.
		put(t, dir, "site.pem", []byte("nothing"))
		if _, err := r.change(text("", ""), false); err == nil || !strings.Contains(err.Error(), "site.pem") {
			t.Errorf("a bad certificate: %v", err)
		}
		get(fresh())
		putPair(t, dir, "site", tlsRoot.Server("P-256", []string{"a.test", "b.test", "edge.test", "127.0.0.1"}))
		// Whoever has not been asked for a certificate has to come again.
		r.mustChange(text("  clients: {ca: clients.pem}", ""))
		if resp := get(kept); !resp.Close {
			t.Error("a connection without a certificate goes on")
		}
		if _, err := fresh().Get("https://a.test/hello"); err == nil {
			t.Error("a client without a certificate is served")
		}
	})
}
