package integration

import (
	"crypto/sha256"
	"encoding/base64"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// A browser loads a single-page application over TLS, all of it by HTTP/2: documents, modules, calls, and a WebSocket. Peers: Chromium before, Go's net/http behind.
func TestBrowserTLS(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		k := newPKI(t)
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Dir: k.dir, Listen: `"127.0.0.1:0 tls"`, Text: tlsLines + `  hsts: 1y
log: {access: stdout json}
routes:
  "/": ` + absolute(t, "testdata/spa") + `
  "/api/": http://` + up.Addr + `/
`})
		_, port, err := net.SplitHostPort(s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		// The browser trusts the keys of these certificates, and nothing else that it does not know.
		var pins []string
		for _, name := range []string{"site.pem", "rsa.pem"} {
			pins = append(pins, keyPin(t, k.path(name)))
		}
		document := peer.Chromium(t, "https://localhost:"+port+"/orders/7", 20*time.Second, "--ignore-certificate-errors-spki-list="+strings.Join(pins, ","))
		got := facts(document)
		for name, want := range map[string]string{
			"view": "order 7: 200 GET /orders/7?full=1 spa", "posted": "a new order", "large": "3000000", "socket": "echo: through a tunnel", "done": "/orders/7",
			"protocols": "h2",
		} {
			if got[name] != want {
				t.Errorf("%s is %q, want %q; the document:\n%s", name, got[name], want, document)
			}
		}
		s.Stop(t)
		log := s.Stdout.String()
		for line := range strings.Lines(log) {
			if strings.HasPrefix(line, "{") && !strings.Contains(line, `"HTTP/2.0"`) {
				t.Errorf("not by HTTP/2: %s", line)
			}
		}
		// The WebSocket has a stream of the same connection (RFC 8441).
		if s.Stdout.Count("/api/socket", `"status":101`) != 1 {
			t.Errorf("the WebSocket is not in the log:\n%s", log)
		}
	})
}

// keyPin is the hash of a certificate's public key, as Chromium wants it.
func keyPin(t *testing.T, file string) string {
	t.Helper()
	sum := sha256.Sum256(firstCertificate(t, file).RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}
