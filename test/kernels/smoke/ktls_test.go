package smoke

import (
	"bufio"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// kernelVariable is "on" where the kernel has to make records: that it does not is a failure then, and not a reason
// to expect the warning.
const kernelVariable = "ANYGATE_TEST_KTLS"

// counters is what the kernel counts of its TLS; it is there when the kernel has TLS.
const counters = "/proc/net/tls_stat"

// counted reads one of those counters.
func counted(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile(counters)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == name {
			n, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("%s does not count %s:\n%s", counters, name, text)
	return 0
}

// secure is a site with a certificate, files and an upstream, whose records the kernel is to make.
type secure struct {
	*product.Server
	roots *x509.CertPool
	files map[string]string // their content
}

func startSecure(t *testing.T, engine product.Engine, environment ...string) *secure {
	t.Helper()
	dir := t.TempDir()
	root := certtest.NewAuthority("root")
	leaf := root.Server("P-256", []string{"test"})
	s := &secure{roots: x509.NewCertPool(), files: map[string]string{"small": octets(t, smallFile), "large": octets(t, 1<<20), "huge": octets(t, 3<<20)}}
	s.roots.AddCert(root.Cert)
	written := map[string][]byte{"site.pem": leaf.Chain, "site.key": leaf.KeyPEM}
	for name, content := range s.files {
		written["files/"+name] = []byte(content)
	}
	if err := os.Mkdir(filepath.Join(dir, "files"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range written {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	up := origin.Start(t)
	s.Server = product.Start(t, product.Config{
		Engine: engine, Dir: dir, Env: environment, Listen: `"127.0.0.1:0 tls"`, Text: `
tls: {certificates: [{cert: site.pem, key: site.key}], ktls: on}
routes:
  "/": OK hello
  "/files/": ./files/
  "/up/": http://` + up.Addr + `/
`,
	})
	return s
}

func (s *secure) config() *tls.Config {
	return &tls.Config{RootCAs: s.roots, ServerName: "test", MinVersion: tls.VersionTLS13, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
}

// dial makes a connection under TLS 1.3. A small receive buffer makes the server's side wait.
func (s *secure) dial(t *testing.T, buffer int) (*wire.Conn, *tls.Conn) {
	t.Helper()
	plain, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.Close() })
	if buffer > 0 {
		if err := plain.(*net.TCPConn).SetReadBuffer(buffer); err != nil {
			t.Fatal(err)
		}
	}
	c := tls.Client(plain, s.config())
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return wire.New(t, c), c
}

func (s *secure) get(t *testing.T, c *wire.Conn, name string) {
	t.Helper()
	if r := c.Get("/files/"+name, 200); sha256.Sum256([]byte(r.Body)) != sha256.Sum256([]byte(s.files[name])) {
		t.Errorf("%s: %d octets of %d, or others", name, len(r.Body), len(s.files[name]))
	}
}

const (
	// many connections are few here, because a handshake takes an emulated processor a fifth of a second.
	many = 10
	// relayed is what goes through a proxy, in either direction.
	relayed = 2_000_000
)

const closing = " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"

// TestKTLS serves TLS with `ktls: on`, on every kernel. What it expects of one that makes records is that it has made
// them, and of another that the server says so, and serves.
func TestKTLS(t *testing.T) {
	for _, engine := range []product.Engine{"auto", product.Epoll} {
		t.Run(string(engine), func(t *testing.T) {
			s := startSecure(t, engine)
			_, err := os.Stat(counters)
			has := err == nil
			if !has && os.Getenv(kernelVariable) == "on" {
				t.Fatalf("the kernel has no TLS: %v", err)
			}
			if !has {
				s.Stderr.Line(t, "ktls: on has no effect")
			}
			warned := s.Stderr.Count(" warn ", "ktls: on has no effect", "CONFIG_TLS", "modprobe tls") == 1
			if warned == has {
				t.Errorf("the kernel has TLS: %t; standard error is:\n%s", has, s.Stderr)
			}
			if s.Stderr.Count("ktls: the kernel makes no records of") != 0 {
				t.Errorf("a cipher suite is missing:\n%s", s.Stderr)
			}
			// Every part makes so many connections, of which the kernel has sent the records.
			part := func(name string, connections int, f func(t *testing.T)) {
				t.Run(name, func(t *testing.T) {
					if !has {
						f(t)
						return
					}
					before := counted(t, "TlsTxSw")
					f(t)
					if n := counted(t, "TlsTxSw") - before; n != connections {
						t.Errorf("the kernel has made the records of %d connections, not %d", n, connections)
					}
				})
			}
			part("keep-alive", 1, func(t *testing.T) {
				c, _ := s.dial(t, 0)
				for range 20 {
					if r := c.Get("/", 200); r.Close || r.Body != "hello" {
						t.Fatalf("the response says close: %t, content %q", r.Close, r.Body)
					}
				}
				for range 2 {
					s.get(t, c, "small")
					s.get(t, c, "large")
				}
			})
			// Nothing may be missing at the end, and the closing words may not: without them, crypto/tls reports an
			// unexpected one.
			part("close", 3, func(t *testing.T) {
				for _, path := range []string{"/", "/files/large", "/files/huge"} {
					c, _ := s.dial(t, 0)
					c.Send("GET " + path + closing)
					if r := c.Read("GET", 200); path != "/" && r.Body != s.files[filepath.Base(path)] {
						t.Errorf("%s: %d octets, or others", path, len(r.Body))
					}
					c.ExpectClosed()
				}
			})
			if !has {
				// The rest is TLS as other tests have it, and takes an emulated processor long.
				s.Stop(t)
				return
			}
			part("pipelined", 1, func(t *testing.T) {
				c, _ := s.dial(t, 0)
				c.Send(strings.Repeat("GET / HTTP/1.1\r\nHost: test\r\n\r\nGET /files/large HTTP/1.1\r\nHost: test\r\n\r\n", 3))
				for range 3 {
					if r := c.Read("GET", 200); r.Body != "hello" {
						t.Fatalf("content %q", r.Body)
					}
					if r := c.Read("GET", 200); r.Body != s.files["large"] {
						t.Fatalf("%d octets, or others", len(r.Body))
					}
				}
			})
			part("close behind a slow reader", 1, func(t *testing.T) {
				c, conn := s.dial(t, 128<<10)
				c.Send("GET /files/huge" + closing)
				r, err := http.ReadResponse(bufio.NewReader(slow{conn}), nil)
				if err != nil {
					t.Fatal(err)
				}
				if b, err := io.ReadAll(r.Body); string(b) != s.files["huge"] || err != nil {
					t.Errorf("%d octets of %d, or others: %v", len(b), len(s.files["huge"]), err)
				}
				if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("%d octets and %v, want closing words", n, err)
				}
			})
			part("the client closes", 1, func(t *testing.T) {
				c, conn := s.dial(t, 0)
				c.Get("/", 200)
				if err := conn.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				c.ExpectClosed()
			})
			part("many connections", many, func(t *testing.T) {
				var conns []*wire.Conn
				for range many {
					c, _ := s.dial(t, 0)
					conns = append(conns, c)
				}
				for _, c := range conns {
					c.Send("GET /files/small HTTP/1.1\r\nHost: test\r\n\r\n")
				}
				for _, c := range conns {
					if r := c.Read("GET", 200); r.Body != s.files["small"] {
						t.Fatalf("%d octets, or others", len(r.Body))
					}
				}
			})
			part("proxied", 1, func(t *testing.T) {
				c, _ := s.dial(t, 0)
				var content origin.Checker
				r := c.Get(fmt.Sprintf("/up/pattern/%d", relayed), 200)
				if n, err := io.WriteString(&content, r.Body); err != nil || n != relayed {
					t.Errorf("%d octets: %v", n, err)
				}
				c.Send(fmt.Sprintf("POST /up/check HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n", relayed))
				if _, err := io.Copy(c, origin.NewPattern(relayed)); err != nil {
					t.Fatal(err)
				}
				if r := c.Read("POST", 200); r.Body != strconv.Itoa(relayed) {
					t.Errorf("the upstream got %s octets", r.Body)
				}
			})
			part("HTTP/2", 1, func(t *testing.T) {
				transport := &http.Transport{TLSClientConfig: s.config(), ForceAttemptHTTP2: true}
				defer transport.CloseIdleConnections()
				// The connection is for the name that the certificate has.
				transport.TLSClientConfig.ServerName = "test"
				for range 2 {
					request, err := http.NewRequest("GET", "https://"+s.Addr+"/files/large", nil)
					if err != nil {
						t.Fatal(err)
					}
					request.Host = "test"
					r, err := transport.RoundTrip(request)
					if err != nil {
						t.Fatal(err)
					}
					b, err := io.ReadAll(r.Body)
					_ = r.Body.Close()
					if r.ProtoMajor != 2 || r.StatusCode != 200 || string(b) != s.files["large"] || err != nil {
						t.Errorf("%s %d: %d octets, or others: %v", r.Proto, r.StatusCode, len(b), err)
					}
				}
			})
			s.Stop(t)
			// The kernel forgets connections behind their end.
			for end := time.Now().Add(20 * time.Second); counted(t, "TlsCurrTxSw") != 0; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("the kernel still makes the records of %d connections", counted(t, "TlsCurrTxSw"))
				}
			}
		})
	}
	if _, err := os.Stat(counters); err != nil {
		return
	}
	// A server that takes its processor for one without AES prefers the other cipher.
	t.Run("ChaCha20", func(t *testing.T) {
		s := startSecure(t, "auto", "GODEBUG=cpu.aes=off,cpu.pclmulqdq=off,cpu.all=off")
		before := counted(t, "TlsTxSw")
		c, conn := s.dial(t, 0)
		if id := conn.ConnectionState().CipherSuite; id != tls.TLS_CHACHA20_POLY1305_SHA256 {
			t.Fatalf("the cipher suite is %s", tls.CipherSuiteName(id))
		}
		s.get(t, c, "small")
		s.get(t, c, "large")
		c.Send("GET /files/large" + closing)
		if r := c.Read("GET", 200); r.Body != s.files["large"] {
			t.Errorf("%d octets, or others", len(r.Body))
		}
		c.ExpectClosed()
		_ = conn.Close()
		if n := counted(t, "TlsTxSw") - before; n != 1 {
			t.Errorf("the kernel has made the records of %d connections, not one", n)
		}
		s.Stop(t)
	})
}

// slow reads little at a time, so that the sender's buffers are full up to the end.
type slow struct{ io.Reader }

func (s slow) Read(p []byte) (int, error) { return s.Reader.Read(p[:min(len(p), 1000)]) }
