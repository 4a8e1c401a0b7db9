package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// from connects from an address of the loopback network, so that it can be told from all others.
func from(t *testing.T, local, addr string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}, Timeout: 10 * time.Second}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

// asked sends a request and returns the content of the answer.
func asked(t *testing.T, c net.Conn, r *bufio.Reader, path, fields string) string {
	t.Helper()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: test\r\n%s\r\n", path, fields); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%d %q: %v", answer.StatusCode, content, err)
	}
	return string(content)
}

// What HAProxy says of its client is believed, whatever the version and its options: in the echo, in the log, and by the
// upstream. Peers: HAProxy before, Go's net/http behind.
func TestProxyProtocolFromHAProxy(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{
			Engine: e, Listen: `"127.0.0.1:0 proxy-protocol"`, Server: "trust: 127.0.0.1",
			Text: "log: {access: stdout}\nroutes:\n  /echo: \"*\"\n  /up/: http://" + up.Addr + "/\n",
		})
		for _, option := range []string{"send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"} {
			addr := peer.FreePort(t)
			peer.StartHAProxy(t, `
listen front
  mode tcp
  bind `+addr+`
  unique-id-format %{+X}o\ %ci:%cp
  server anygate `+s.Addr+` `+option+"\n", addr)
			c := from(t, "127.0.0.7", addr)
			r := bufio.NewReader(c)
			if got := asked(t, c, r, "/echo", ""); !strings.Contains(got, "\r\nPeer: "+c.LocalAddr().String()+"\r\n") {
				t.Errorf("%s: the echo is %q, asked from %s", option, got, c.LocalAddr())
			}
			if got := asked(t, c, r, "/up/", "X-Forwarded-For: 10.0.0.1\r\n"); !strings.Contains(got, `"X-Forwarded-For":["127.0.0.7"]`) {
				t.Errorf("%s: the upstream saw %s", option, got)
			}
			s.Stdout.Line(t, c.LocalAddr().String(), "/up/")
		}
		s.Stop(t)
	})
}

// HAProxy and nginx accept what they are told of clients, and learn of each client the truth. Peers: a raw connection
// before, HAProxy and nginx behind.
func TestProxyProtocolToPeers(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		ha, ng := peer.FreePort(t), peer.FreePort(t)
		peer.StartHAProxy(t, `
frontend told
  mode http
  bind `+ha+` accept-proxy
  http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst]:%[dst_port]"
`, ha)
		peer.StartNginx(t, t.TempDir(), "", `
			listen `+ng+` proxy_protocol;
			location / { return 200 "$proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_addr:$proxy_protocol_server_port"; }
		`)
		text := "upstreams:\n"
		routes := "routes:\n"
		for name, addr := range map[string]string{"ha": ha, "ng": ng} {
			for _, version := range []string{"v1", "v2"} {
				text += fmt.Sprintf("  %s%s: {members: [%q], proxy-protocol: %s}\n", name, version, addr, version)
				routes += fmt.Sprintf("  /%s/%s/: http://%s%s\n", name, version, name, version)
			}
		}
		s := product.Start(t, product.Config{Engine: e, Server: "trust: 127.0.0.8", Text: text + routes})
		for _, path := range []string{"/ha/v1/", "/ha/v2/", "/ng/v1/", "/ng/v2/"} {
			for _, local := range []string{"127.0.0.7", "127.0.0.9"} {
				c := from(t, local, s.Addr)
				r := bufio.NewReader(c)
				for range 3 {
					if got, want := asked(t, c, r, path, "X-Forwarded-For: 10.0.0.1\r\n"), c.LocalAddr().String()+" "+s.Addr; got != want {
						t.Errorf("%s: told was %q, want %q", path, got, want)
					}
				}
			}
			c := from(t, "127.0.0.8", s.Addr)
			r := bufio.NewReader(c)
			for _, client := range []string{"203.0.113.7", "203.0.113.8"} {
				// Both show a port of 0, which nobody has told us, as none.
				if got, want := asked(t, c, r, path, "X-Forwarded-For: "+client+"\r\n"), client+": "+s.Addr; got != want {
					t.Errorf("%s: told of the client of a trusted peer was %q, want %q", path, got, want)
				}
			}
		}
		s.Stop(t)
	})
}

// curl writes the header of version 1 itself. Nobody gets in without one, or with a wrong one. Peer: curl.
func TestProxyProtocolFromCurl(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		start := func(server string) *product.Server {
			return product.Start(t, product.Config{Engine: e, Listen: `"127.0.0.1:0 proxy-protocol"`, Server: server, Text: "routes:\n  /echo: \"*\"\n"})
		}
		s := start("")
		a := peer.Curl(t, "--haproxy-protocol", s.URL("/echo"))
		if a.Status != 200 || !strings.Contains(a.Body, "\r\nPeer: 127.0.0.1:") {
			t.Errorf("%d %q", a.Status, a.Body)
		}
		if a := peer.Curl(t, s.URL("/echo")); a.Exit == 0 {
			t.Errorf("without a header: %d %q", a.Status, a.Body)
		}
		s.Stderr.Line(t, "reason=no_proxy_header")
		s.Stop(t)

		// The server that does not wait is another one: curl, too, may take longer than that on a busy machine.
		s = start("timeouts: {header: 300ms}")
		c := from(t, "127.0.0.7", s.Addr)
		if _, err := io.WriteString(c, "PROXY TCP4 "); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); len(got) > 0 || err != nil {
			t.Errorf("half a header is answered with %q, %v", got, err)
		}
		s.Stderr.Line(t, "reason=proxy_header_timeout", "client="+netip.MustParseAddrPort(c.LocalAddr().String()).String())
		s.Stop(t)
	})
}
