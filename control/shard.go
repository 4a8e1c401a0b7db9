package control

import (
	"sync/atomic"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/gateway"
)

// The kinds of messages of this package. They are far from those of package gateway.
const (
	messageLook     = 1<<16 + iota // how many client connections are there?
	messageOrder                   // Value is an *order
	messageQuestion                // Value is a *question
)

// shard is a running gateway, with what is known of it here.
type shard struct {
	*gateway.Gateway
	clients atomic.Int64  // as of the last answer to messageLook, -1 before the first
	asked   atomic.Uint64 // how many looks were asked for
	looked  atomic.Uint64 // and how many were answered
	done    atomic.Uint64 // the number of the last order that was carried out
}

// order is what a shard is to do when what is served changes. It takes up the current generation first.
type order struct {
	number uint64
	// add are sockets to accept on; they are the shard's own then.
	add []socket
	// retire are listeners whose connections have to go, and remove are listeners that have to go with them. everything is
	// all listeners and connections: another process has them now.
	retire, remove []int
	everything     bool
}

// socket is a listening socket, with the number of its address.
type socket struct {
	fd int32
	id int
}

// newShard makes a shard that is not running yet, and answers the messages of this package.
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
		switch m.Kind {
		case messageLook:
			s.clients.Store(int64(g.Shard().Stats().Clients))
			s.looked.Add(1)
		case messageOrder:
			s.obey(m.Value.(*order))
		case messageQuestion:
			q := m.Value.(*question)
			q.find()
			q.done.Store(true)
		default:
			message(m)
		}
	}
	g.Shard().SetHandler(h)
	return s, nil
}

// obey carries out an order. On the shard's thread.
func (s *shard) obey(o *order) {
	s.Renew()
	for _, a := range o.add {
		s.Shard().AddListener(a.fd, a.id)
	}
	for _, id := range o.retire {
		s.RetireClients(id)
	}
	for _, id := range o.remove {
		s.RetireListener(id)
	}
	if o.everything {
		s.RetireAll()
	}
	s.done.Store(o.number)
}

// look asks for the number of clients, which is answered after everything that was asked of the shard before. A full
// inbox takes no question; it will take the next one.
func (s *shard) look() {
	if s.Shard().Post(engine.Message{Kind: messageLook}) {
		s.asked.Add(1)
	}
}
