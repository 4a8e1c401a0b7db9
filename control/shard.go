package control

import (
	"sync/atomic"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/gateway"
)

// messageLook asks a shard how many client connections it has. It is far from the kinds of messages of package gateway.
const messageLook = 1 << 16

// shard is a running gateway, with what is known of it here.
type shard struct {
	*gateway.Gateway
	clients atomic.Int64 // as of the last answer to messageLook, -1 before the first
}

// newShard makes a shard that is not running yet, and answers messageLook.
//
// Gateway.Open counts a connection until its last response is complete; the engine counts it until the last byte is
// sent and the client has had time to read it. A process that ends has to wait for the latter.
func newShard(o gateway.Options) (*shard, error) {
	g, err := gateway.New(o)
	if err != nil {
		return nil, err
	}
	s := &shard{Gateway: g}
	s.clients.Store(-1)
	h := g.Handler()
	message := h.Message
	h.Message = func(m engine.Message) {
		if m.Kind == messageLook {
			s.clients.Store(int64(g.Shard().Stats().Clients))
			return
		}
		message(m)
	}
	g.Shard().SetHandler(h)
	return s, nil
}

// look asks for the number of clients, which is answered after everything that was asked of the shard before. A full
// inbox takes no question; it will take the next one.
func (s *shard) look() { s.Shard().Post(engine.Message{Kind: messageLook}) }
