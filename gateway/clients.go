package gateway

import (
	"net/netip"
	"time"

	"github.com/anygate/anygate/engine"
)

// Client is what there is to know of a client's connection.
type Client struct {
	conn engine.Conn
	// Peer is the address of the client; not known before Name.
	Peer     netip.AddrPort
	Protocol Protocol
	TLS      bool
	// Tunnel says that it carries another protocol.
	Tunnel bool
	// Age is how long it is there, to the second.
	Age time.Duration
	// Sent and Received are bytes, those of TLS and heads included as far as they
	// are known.
	Sent, Received uint64
	// Active is how many exchanges are under way, and Route that of the last one
	// that has begun; empty if there is none.
	Active int
	Route  string
}

// Clients appends the clients among the next n places of the shard's table from
// one on, and returns the place to go on from, 0 at the end. On the shard's
// thread.
func (g *Gateway) Clients(list []Client, from uint32, n int) (_ []Client, next uint32) {
	next = g.s.EachOf(from, n, func(c engine.Conn) {
		if g.s.User(c) != userUpstream {
			list = append(list, g.describe(c))
		}
	})
	return list, next
}

func (g *Gateway) describe(c engine.Conn) Client {
	h := g.client(c)
	out := Client{
		conn: c, TLS: h.flags.has(h1TLS), Tunnel: h.flags.has(h1Tunnel),
		Age:  time.Duration(uint32(g.s.Now()/int64(time.Second))-h.opened) * time.Second,
		Sent: g.s.SentBytes(c), Received: h.bytesIn,
	}
	if h.flags.has(h1Switched) {
		out.Protocol = ProtocolH2
		for st := g.h2[c.Index()].streams; st != nil; st = st.next {
			if st.x != nil {
				out.add(st.x)
				out.Tunnel = out.Tunnel || st.flags.has(h2Tunnel)
			}
		}
	} else if h.x != nil {
		out.add(h.x)
	}
	return out
}

func (c *Client) add(x *Exchange) {
	c.Active++
	if x.route != nil && c.Route == "" {
		c.Route = x.route.Name
	}
}

// Name finds out the addresses of clients, of those that are still there. On the
// shard's thread.
func (g *Gateway) Name(list []*Client) {
	for _, c := range list {
		if h := g.client(c.conn); h.conn == c.conn && !h.flags.has(h1Dead) {
			c.Peer = h.Peer()
		}
	}
}

// Same reports whether two descriptions of a shard are about the same connection.
func (c *Client) Same(o *Client) bool { return c.conn == o.conn }
