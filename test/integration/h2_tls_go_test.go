package integration

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/net/http2"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/product"
)

// Peers: Go's net/http before, over TLS with either version and in cleartext, and behind, with either version, and HTTP/2
// over TLS.
func TestH2TranslationTLS(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		k := newPKI(t)
		for _, protocol := range []string{"http1", "h2c", "h2"} {
			behind := func(t *testing.T) (text string, up *origin.Server) {
				pool := "protocol: " + protocol
				if up = origin.Start(t); protocol == "h2" {
					up = origin.StartTLS(t, k.leaf.TLS())
					pool += ", tls: {ca: root.pem, server-name: test.local}"
				}
				return "upstreams: {up: {members: [" + up.Addr + "], " + pool + "}}\nroutes: {/: http://up}\n", up
			}
			for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
				t.Run(name+" to "+protocol, func(t *testing.T) {
					text, up := behind(t)
					s := secure(t, k, product.Config{Engine: e, Server: "shards: 1", Text: tlsLines + text})
					translate(t, "https://"+s.Addr, s.goClient(t, h2), protocol != "http1")
					s.Stop(t)
					if n := up.Connections(); n != 1 && protocol == "h2" {
						t.Errorf("%d connections", n)
					}
				})
			}
			if protocol != "h2" {
				continue // what remains is without TLS on either side: TestH2Translation
			}
			for name, client := range map[string]func(*testing.T) *http.Client{"HTTP/1.1": http1Client, "h2c": h2cClient} {
				t.Run(name+" without TLS to h2", func(t *testing.T) {
					text, _ := behind(t)
					s := product.Start(t, product.Config{Engine: e, Dir: k.dir, Text: text})
					translate(t, s.URL(""), client(t), true)
					s.Stop(t)
				})
			}
		}
	})
}

// A server that ends serves what it has been asked for over the connections that stand. Peer: Go's net/http on both sides.
func TestH2DrainTLS(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := secure(t, newPKI(t), product.Config{Engine: e, Text: tlsLines + "routes: {/: http://" + up.Addr + ", /ping: OK pong}\n"})
		c := s.goClient(t, true)
		const n = 8
		answers := make(chan error, n)
		for range n {
			go func() {
				resp, err := c.Get(s.on("localhost", "/hold?begin"))
				if err != nil {
					answers <- err
					return
				}
				defer func() { _ = resp.Body.Close() }()
				if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "begun released" || resp.Proto != "HTTP/2.0" {
					answers <- fmt.Errorf("%s %q, %w", resp.Proto, body, err)
					return
				}
				answers <- nil
			}()
		}
		for range n {
			up.Arrived(t)
		}
		idle := s.goClient(t, true)
		if resp, err := idle.Get(s.on("localhost", "/ping")); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%+v, %v", resp, err)
		}
		s.Signal(t, syscall.SIGTERM)
		s.Stderr.Line(t, "draining")
		// The idle connection has been told to end: what is asked now goes to nobody.
		refused(t, s.Addr)
		up.Release()
		for range n {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if code := s.Wait(t); code != 0 {
			t.Errorf("exit code %d; %s", code, s.Stderr)
		}
	})
}

// extended opens WebSockets by extended CONNECT (RFC 8441), and shows them as what a client of HTTP/1.1 expects.
type extended struct{ http.RoundTripper }

func (e extended) RoundTrip(r *http.Request) (*http.Response, error) {
	in, out := io.Pipe()
	q := r.Clone(r.Context())
	q.Method, q.Body, q.ContentLength = http.MethodConnect, in, -1
	q.URL.Scheme = "https"
	q.Header.Set(":protocol", "websocket")
	for _, name := range []string{"Connection", "Upgrade", "Sec-Websocket-Key"} {
		q.Header.Del(name)
	}
	resp, err := e.RoundTripper.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != 200 || resp.ProtoMajor != 2 {
		_ = out.Close()
		return nil, fmt.Errorf("extended CONNECT is answered %s %s %v", resp.Proto, resp.Status, resp.Header)
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	resp.StatusCode = http.StatusSwitchingProtocols
	resp.Header.Set("Connection", "Upgrade")
	resp.Header.Set("Upgrade", "websocket")
	resp.Header.Set("Sec-Websocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
	resp.Body = struct {
		*bufio.Reader
		io.WriteCloser
	}{bufio.NewReader(resp.Body), out}
	return resp, nil
}

// WebSockets share one connection with each other and with requests, to an upstream of either version. Peers: Go's net/http and
// coder/websocket before, coder/websocket behind.
func TestH2WebSocketTLS(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := secure(t, newPKI(t), product.Config{Engine: e, Text: tlsLines + "log: {access: stdout}\nroutes: {/: http://" + up.Addr + "}\n"})
		//lint:ignore SA1019 it takes the field :protocol for what it is, and net/http's own transport refuses it
		transport := &http2.Transport{TLSClientConfig: s.trusting()}
		client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
		defer client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var group sync.WaitGroup
		for k := range 8 {
			group.Go(func() {
				c, r, err := websocket.Dial(ctx, s.on("localhost", "/socket"), &websocket.DialOptions{
					Subprotocols: []string{"echo"}, CompressionMode: websocket.CompressionContextTakeover, HTTPClient: &http.Client{Transport: extended{transport}},
				})
				if err != nil {
					t.Error(err)
					return
				}
				c.SetReadLimit(4 << 20)
				if got := r.Header.Get("Sec-WebSocket-Protocol"); got != "echo" {
					t.Errorf("subprotocol %q", got)
				}
				for _, size := range []int{0, 125, 126, 65_535, 65_536, 1 << 20} {
					message, _ := io.ReadAll(origin.NewPattern(int64(size + k)))
					if err := saidBack(ctx, c, message); err != nil {
						t.Errorf("%d bytes: %v", len(message), err)
						return
					}
				}
				if err := c.Close(websocket.StatusNormalClosure, "enough"); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		}
		group.Wait()
		resp, err := client.Get(s.on("localhost", "/see"))
		if err != nil || resp.StatusCode != 200 {
			t.Errorf("a request beside them: %+v, %v", resp, err)
		}
		s.Stop(t)
		if n := s.Stdout.Count("GET", "/socket", "HTTP/2.0", " 101 "); n != 8 {
			t.Errorf("%d lines of 8 WebSockets in the log:\n%s", n, s.Stdout)
		}
	})
}
