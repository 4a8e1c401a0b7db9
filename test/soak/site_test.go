package soak

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// everything is a configuration with all policies. The arguments are two upstreams, and one that is at times unwell.
const everything = `
tls:
  certificates: [{cert: site.pem, key: site.key}]
admin: {listen: "127.0.0.1:0", pprof: on}
log:
  access: {to: access.log, format: json, fields: [X-Trace]}
  slow: 5s
  mask: [pin]
use:
  - limit 1000000/s per ip
  - conns 10000 per ip
  - allow 127.0.0.0/8
  - deny 192.0.2.0/24
  - headers ~X-Soak=on -Server
  - headers req +X-Through=soak
  - cors https://soak.test credentials maxage 1h
  - body 1MiB
  - timeout 1m
  - compress
  - log 10%%
  - retry 2
  - balance p2c
upstreams:
  up:
    members: [%[1]s, %[2]s]
    health: {path: /status/204, every: 1s}
    passive: {errors: 50, eject: 1s}
    breaker: {errors: 90%%, window: 10s, min: 1000, open: 1s}
    limits: {connections: 1000, requests: 1000, queue: 1000}
  two: {members: [%[2]s], protocol: h2c}
  unwell: {members: [%[1]s, %[3]s], balance: round-robin}
routes:
  "/version":  OK generation 0
  "/echo":     "*"
  "/static/":  ./site/
  "/up/":      http://up/
  "/two/":     http://two/
  "/unwell/":  {to: http://unwell/, retry: {attempts: 5, on: [connect, reset, 503], budget: 100%%}}
  "/sticky/":  http://up/ | balance hash header X-Trace
  "/bearer":   {answer: OK open, use: [auth bearer tokens]}
  "/basic":    {answer: OK open, use: [auth basic users]}
  "/partner":  {answer: OK partner, use: [mtls clients.pem]}
  "/denied":   {answer: OK, use: [deny 127.0.0.1]}
  "/limited":  {answer: OK, use: [limit 1/s burst 2]}
  "/busy":     http://%[3]s/slow | conns 1
  "/late":     http://%[3]s/never | timeout 5ms
  "/small":    {echo: "*", use: [body 1KiB]}
`

// The site's files.
const (
	smallSize = 1 << 10
	textSize  = 30 << 10
	largeSize = 4 << 20
)

// slowness is how long the upstream that is unwell takes where that is the point: /busy is to be met while it is.
const slowness = 20 * time.Millisecond

// site is what the product needs to serve everything.
type site struct {
	dir        string
	config     string
	authority  *certtest.Authority
	client     *certtest.Issued
	generation int
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir(), authority: certtest.NewAuthority("AnyGate soak")}
	issued := s.authority.Server("P-256", []string{"soak.test"})
	clients := certtest.NewAuthority("AnyGate soak clients")
	s.client = clients.Client("partner")
	for name, content := range map[string]string{
		"site.pem": string(issued.Chain), "site.key": string(issued.KeyPEM), "clients.pem": string(clients.PEM()),
		"tokens": "alpha-token\nbeta-token\n",
		// bob, secret; with the smallest cost there is, since the machine has other things to do.
		"users":           "bob:$2a$04$jqKQzeoq6xBdzd2IIsHj9eYGdrLL7s/yBfNNmP5zRETywT.3rU9NW\n",
		"site/small.txt":  strings.Repeat("0123456789abcdef", smallSize/16),
		"site/text.txt":   strings.Repeat("many words, again and again. ", textSize/29),
		"site/large.blob": strings.Repeat("0123456789abcdef", largeSize/16),
	} {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// start starts the product and what is behind it.
func (s *site) start(t *testing.T, e product.Engine) *product.Server {
	t.Helper()
	p := product.Start(t, product.Config{
		Engine: e, Dir: s.dir, Listen: `["127.0.0.1:0", "127.0.0.2:0 tls"]`,
		Text: fmt.Sprintf(everything, origin.Start(t).Addr, origin.Start(t).Addr, unwell(t)),
	})
	text, err := os.ReadFile(filepath.Join(s.dir, "anygate.yml"))
	if err != nil {
		t.Fatal(err)
	}
	s.config = string(text)
	return p
}

// reload changes the configuration, and rotates the log.
func (s *site) reload(t *testing.T) {
	t.Helper()
	s.generation++
	path := filepath.Join(s.dir, "anygate.yml")
	text := strings.Replace(s.config, "generation 0", fmt.Sprintf("generation %d", s.generation), 1)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := product.Run(t, product.Command{Args: []string{"reload", "-c", path}}); r.Code != 0 || !strings.Contains(r.Stdout, "~ route /version") {
		t.Errorf("reload: %d, %q, %q", r.Code, r.Stdout, r.Stderr)
	}
}

// unwell is an upstream that answers every seventh request with 503, and others with the Pattern, as the other upstreams
// do.
func unwell(t *testing.T) string {
	t.Helper()
	var n atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/pattern/", func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%7 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var size int64
		_, _ = fmt.Sscanf(r.URL.Path, "/pattern/%d", &size)
		w.Header().Set("Content-Length", fmt.Sprint(size))
		_, _ = w.Write(pattern(size))
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(slowness): // What is tested is that somebody waits.
		case <-r.Context().Done():
		}
		_, _ = w.Write([]byte("at last"))
	})
	// Whoever waits for this has to be told something else, however late the machine is.
	mux.HandleFunc("/never", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.Listener.Addr().(*net.TCPAddr).String()
}
