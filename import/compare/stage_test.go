package compare

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// stage is a directory with a configuration of nginx in which ports, upstreams and paths are those of this test.
type stage struct {
	dir    string // of everything
	shared *world
	// ports are those of the configuration, and what stands for them.
	ports map[string]string
}

// world is what both servers see: files, certificates and upstreams.
type world struct {
	dir       string
	origins   map[string]string // address in the configuration: address
	authority *certtest.Authority
	clients   *certtest.Authority
	// certificate is that of a client, the same for both servers.
	certificate tls.Certificate
	made        map[string]bool
}

func newWorld(t *testing.T, corpus string) *world {
	t.Helper()
	w := &world{
		dir: t.TempDir(), origins: map[string]string{}, made: map[string]bool{},
		authority: certtest.NewAuthority("servers"), clients: certtest.NewAuthority("clients"),
	}
	w.certificate = *w.clients.Client("alice").TLS()
	if _, err := os.Stat(filepath.Join(corpus, "files")); err == nil {
		if err := os.CopyFS(w.dir, os.DirFS(filepath.Join(corpus, "files"))); err != nil {
			t.Fatal(err)
		}
	}
	// Files that were changed within two seconds have a weak entity tag, and no consequence here.
	for _, d := range []string{"srv", "run", "run/app", "var/www", "var/log/nginx", "etc/ssl", "etc/nginx"} {
		if err := os.MkdirAll(filepath.Join(w.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

var (
	ownLines  = regexp.MustCompile(`(?m)^\s*(user|pid|worker_processes)\s[^;]*;\n`)
	sixListen = regexp.MustCompile(`(?m)^\s*listen\s+\[::\]:\d+[^;]*;.*\n`)
	listening = regexp.MustCompile(`(\blisten\s+)(?:127\.0\.0\.1:)?(\d+)\b`)
	upstreams = regexp.MustCompile(`(https?://)?\b((?:127\.0\.0\.\d+|10\.\d+\.\d+\.\d+|localhost):(\d+))\b`)
	sockets   = regexp.MustCompile(`unix:/run/`)
	paths     = regexp.MustCompile(`(^|[\s"])(/srv/|/var/www/|/var/log/nginx/|/etc/ssl/|/etc/letsencrypt/|/etc/nginx/htpasswd)`)
	certs     = regexp.MustCompile(`ssl_certificate\s+(\S+);`)
	keys      = regexp.MustCompile(`ssl_certificate_key\s+(\S+);`)
	names     = regexp.MustCompile(`server_name\s+([^;]+);`)
	clientCAs = regexp.MustCompile(`ssl_client_certificate\s+(\S+);`)
	trusted   = regexp.MustCompile(`proxy_ssl_trusted_certificate\s+(\S+);`)
)

// newStage copies a corpus with everything replaced that belongs to another machine.
func newStage(t *testing.T, corpus, name string, w *world) *stage {
	t.Helper()
	s := &stage{dir: filepath.Join(w.dir, name), shared: w, ports: map[string]string{}}
	err := filepath.WalkDir(corpus, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(corpus, path)
		if err != nil || rel == "files" {
			return filepath.SkipDir
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(s.dir, rel), 0o755)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		out := s.adapt(t, string(text))
		if rel == "nginx.conf" && !strings.Contains(out, "http {") {
			out = "events {}\nhttp {\n" + out + "}\n"
		}
		if rel == "nginx.conf" && !strings.Contains(out, "events") {
			out = "events {}\n" + out
		}
		if rel == "nginx.conf" && !strings.Contains(out, "mime.types") {
			out = strings.Replace(out, "http {\n", "http {\ninclude /etc/nginx/mime.types;\n", 1)
		}
		return os.WriteFile(filepath.Join(s.dir, rel), []byte(out), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// adapt replaces ports, upstreams and paths.
func (s *stage) adapt(t *testing.T, text string) string {
	w := s.shared
	text = ownLines.ReplaceAllString(text, "")
	text = sixListen.ReplaceAllString(text, "")
	text = paths.ReplaceAllString(text, "${1}"+w.dir+"${2}")
	text = sockets.ReplaceAllStringFunc(text, func(string) string {
		w.origin(t, "unix:"+filepath.Join(w.dir, "run/app/app.sock"), "unix", false)
		return "unix:" + w.dir + "/run/"
	})
	var b strings.Builder
	for line := range strings.Lines(text) {
		switch {
		case listening.MatchString(line):
			line = listening.ReplaceAllStringFunc(line, func(l string) string {
				m := listening.FindStringSubmatch(l)
				return m[1] + "127.0.0.1:" + s.port(t, m[2])
			})
		default:
			line = upstreams.ReplaceAllStringFunc(line, func(u string) string {
				m := upstreams.FindStringSubmatch(u)
				if m[3] == "1" {
					return u // Nobody listens there.
				}
				return m[1] + w.origin(t, m[2], "tcp", m[1] == "https://")
			})
		}
		b.WriteString(line)
	}
	text = b.String()
	s.certificates(t, text)
	return text
}

// port is what stands for a port of the configuration.
func (s *stage) port(t *testing.T, p string) string {
	t.Helper()
	if s.ports[p] == "" {
		s.ports[p] = freePort(t)
	}
	return s.ports[p]
}

// promised are ports that a server will listen on later: no upstream may take one meanwhile.
var promised = map[string]bool{}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	promised[port] = true
	return port
}

// certificates makes those that the configuration names.
func (s *stage) certificates(t *testing.T, text string) {
	t.Helper()
	w := s.shared
	var hosts []string
	for _, m := range names.FindAllStringSubmatch(text, -1) {
		hosts = append(hosts, strings.Fields(m[1])...)
	}
	cs, ks := certs.FindAllStringSubmatch(text, -1), keys.FindAllStringSubmatch(text, -1)
	for i, m := range cs {
		if w.made[m[1]] {
			continue
		}
		w.made[m[1]] = true
		issued := w.authority.Server("P-256", hosts)
		w.write(t, m[1], append(issued.Chain, w.authority.PEM()...))
		w.write(t, ks[i][1], issued.KeyPEM)
	}
	for _, m := range clientCAs.FindAllStringSubmatch(text, -1) {
		w.write(t, m[1], w.clients.PEM())
	}
	for _, m := range trusted.FindAllStringSubmatch(text, -1) {
		w.write(t, m[1], w.authority.PEM())
	}
	if strings.Contains(text, "ssl-dhparams.pem") {
		for _, f := range regexp.MustCompile(`ssl_dhparam (\S+);`).FindAllStringSubmatch(text, -1) {
			w.write(t, f[1], []byte(ffdhe2048))
		}
	}
}

// ffdhe2048 is the group of RFC 7919, which nginx reads where a configuration has a file for it.
const ffdhe2048 = `-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
`

func (w *world) write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// origin is the address of the upstream that stands for one of the configuration.
func (w *world) origin(t *testing.T, addr, network string, secure bool) string {
	t.Helper()
	key := fmt.Sprint(addr, secure)
	if w.origins[key] == "" {
		w.origins[key] = serveOrigin(t, w, addr, network, secure)
	}
	return w.origins[key]
}
