package control

import (
	"testing"

	"github.com/anygate/anygate/epoll"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/static"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/test/cacheline"
	"github.com/anygate/anygate/uring"
)

// TestShardsShareNoCacheLine is about the records that a shard writes for every request, of which each shard has one.
// They are all allocated here or from here, one shard after the other.
func TestShardsShareNoCacheLine(t *testing.T) {
	t.Run("gateway", cacheline.Disjoint[gateway.Gateway])
	t.Run("proxy", cacheline.Disjoint[proxy.Proxy])
	t.Run("static", cacheline.Disjoint[static.Cache])
	t.Run("telemetry", cacheline.Disjoint[telemetry.Ring])
	t.Run("uring ring", cacheline.Disjoint[uring.Ring])
	t.Run("uring buffers", cacheline.Disjoint[uring.BufRing])
	t.Run("epoll", cacheline.Disjoint[epoll.Poller])
}
