package integration

import (
	"testing"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// Most of the descriptors are the clients'. A request that finds none for its upstream is told so at once, and those who
// come when there are some again are served. Peers: raw connections, Go's net/http behind, prlimit.
func TestUpstreamLimit(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		const clients, held = 50, 28 // of 160 descriptors 78 are for connections, and clients may take 59 of those
		up := origin.Start(t)
		s := product.Start(t, product.Config{
			Engine: e, Server: "shards: 1, timeouts: {header: 1m}",
			Wrapper: []string{peer.Find(t, "prlimit"), "--nofile=160:160"},
			Text:    "routes: {/fixed: OK, /up/: 'http://" + up.Addr + "/'}\n",
		})
		var conns []*wire.Conn
		for range clients {
			c := wire.Dial(t, s.Addr)
			c.Get("/fixed", 200)
			conns = append(conns, c)
		}
		for i, c := range conns {
			c.Send("GET /up/hold HTTP/1.1\r\nHost: test\r\n\r\n")
			if i < held {
				up.Arrived(t)
			} else {
				c.Read("GET", 503)
			}
		}
		up.Release()
		for _, c := range conns[:held] {
			c.Read("GET", 200)
		}
		for _, c := range conns {
			c.Get("/up/x", 200) // over the connections that are free now
		}
		if n := up.Connections(); n > held {
			t.Errorf("the upstream saw %d connections, where there was room for %d", n, held)
		}
		s.Stderr.Line(t, "no_connections")
		s.Running(t)
		s.Stop(t)
	})
}
