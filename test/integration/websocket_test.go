package integration

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/product"
)

// dialSocket opens a WebSocket at a path of the product.
func dialSocket(ctx context.Context, s *product.Server, path string) (*websocket.Conn, *http.Response, error) {
	c, r, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(s.URL(path), "http"), &websocket.DialOptions{
		Subprotocols: []string{"echo"}, CompressionMode: websocket.CompressionContextTakeover,
	})
	if err == nil {
		c.SetReadLimit(4 << 20)
	}
	return c, r, err
}

// saidBack sends a message and expects it back.
func saidBack(ctx context.Context, c *websocket.Conn, message []byte) error {
	if err := c.Write(ctx, websocket.MessageBinary, message); err != nil {
		return err
	}
	kind, got, err := c.Read(ctx)
	if err == nil && (kind != websocket.MessageBinary || !bytes.Equal(got, message)) {
		err = fmt.Errorf("a message of %d bytes came back as another one of %d", len(message), len(got))
	}
	return err
}

// WebSockets go through: messages of all sizes, pings, subprotocols, and the closing handshake. Peers: coder/websocket
// before and behind.
func TestWebSocket(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Text: "log: {access: stdout}\nroutes:\n  /: http://" + up.Addr + "\n"})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var group sync.WaitGroup
		for k := range 8 {
			group.Go(func() {
				c, r, err := dialSocket(ctx, s, "/socket")
				if err != nil {
					t.Error(err)
					return
				}
				if got := r.Header.Get("Sec-WebSocket-Protocol"); r.StatusCode != http.StatusSwitchingProtocols || got != "echo" {
					t.Errorf("status %d, subprotocol %q", r.StatusCode, got)
				}
				for _, size := range []int{0, 1, 125, 126, 4096, 65_535, 65_536, 1 << 20} {
					message, _ := io.ReadAll(origin.NewPattern(int64(size + k)))
					if err := saidBack(ctx, c, message); err != nil {
						t.Errorf("%d bytes: %v", len(message), err)
						return
					}
				}
				reader := c.CloseRead(ctx) // answers to pings arrive while something reads
				if err := c.Ping(reader); err != nil {
					t.Errorf("ping: %v", err)
				}
				if err := c.Close(websocket.StatusNormalClosure, "enough"); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		}
		group.Wait()
		s.Stop(t)
		if n := s.Stdout.Count("GET", "/socket", " 101 "); n != 8 {
			t.Errorf("%d lines of 8 WebSockets in the log:\n%s", n, s.Stdout)
		}
	})
}

// A route may keep its clients from switching protocols. Peers: coder/websocket before and behind.
func TestWebSocketSwitchedOff(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: {to: \"http://" + up.Addr + "\", upgrade: off}\n"})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, r, err := dialSocket(ctx, s, "/socket")
		if err == nil || r == nil || r.StatusCode != http.StatusUpgradeRequired {
			t.Errorf("%v, %+v, want what the origin answers to one that does not ask for a WebSocket", err, r)
		}
		s.Stop(t)
	})
}

// A WebSocket goes on while the product waits for its connections to end, and is cut off when the time for that is over.
// Peers: coder/websocket before and behind.
func TestWebSocketWhileDraining(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{
			Engine: e, Server: "timeouts: {drain: 4s}", Text: "routes:\n  /: http://" + up.Addr + "\n",
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		c, _, err := dialSocket(ctx, s, "/socket")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.CloseNow() }()
		s.Signal(t, syscall.SIGTERM)
		s.Stderr.Line(t, "draining", "connections=1")
		if err := saidBack(ctx, c, []byte("still here")); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
			t.Errorf("the WebSocket has not ended: %v, %v", err, ctx.Err())
		}
		s.Wait(t)
		s.Stderr.Line(t, "connections were cut off")
	})
}
