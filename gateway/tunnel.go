package gateway

import (
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/route"
)

// beginConnect passes a CONNECT on to the upstream of a route that names that
// method and covers the whole of the host that is asked for (RFC 9110, section
// 9.3.6). A route for any method does not do: whoever wrote it meant the
// methods that ask for something below its path.
func (g *Gateway) beginConnect(x *Exchange, in *Incoming) {
	h := in.Head
	if x.gen.Table.MatchListed(h.Bytes(h.Method), h.Bytes(h.Host), rootPath, &g.match) == route.Found {
		switch r := &x.gen.Routes[g.match.Value]; {
		case r.Action == route.Proxy:
			x.enter(r, in)
			if g.admit(x, in) {
				g.serveProxy(x, in, rootPath)
			}
			return
		case r.Action == route.Fixed && r.Fixed.Status >= 300:
			x.enter(r, in)
			if g.admit(x, in) {
				x.prebuilt(r.Fixed)
			}
			return
		}
		// Any other answer could be a 2xx, which the client would take for
		// the beginning of a tunnel.
	}
	x.answerWith(405, allowAll)
}

var rootPath = []byte("/")

// Tunnel begins the response that makes the exchange a tunnel.
func (d *downstream) Tunnel(r *proxy.Response) {
	x := (*Exchange)(d)
	x.begin(r.Status)
	x.state |= tunnelled | requestOpen
	x.g.countTunnel()
	x.unlimitTime() // it is an exchange no more, and has a limit of its own
	x.g.head = Response{
		Status: r.Status, Block: r.Block, Length: -1,
		HasDate: r.HasDate, HasServer: r.HasServer, Protocol: r.Protocol,
	}
	if p := x.policies(); p != nil {
		x.g.decorate(x, p, &x.g.head)
	}
	x.codec.Tunnel(x, &x.g.head)
}

// CloseWrite passes the end of what the upstream sends on.
func (d *downstream) CloseWrite() {
	x := (*Exchange)(d)
	x.codec.CloseWrite(x)
}

// silent ends a tunnel in which nothing has moved for too long. That is the
// way in which most of them end whose ends have gone away, and no failure of
// the upstream.
func (x *Exchange) silent(f proxy.Failure, member string) {
	x.log.upstream, x.log.reason = member, f.String()
	x.end(nil)
}
