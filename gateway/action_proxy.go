package gateway

import (
	"github.com/anygate/anygate/proxy"
)

// serveProxy passes the request on to an upstream.
func (g *Gateway) serveProxy(x *Exchange, in *Incoming, norm []byte) {
	if g.shedder.buffers {
		x.turnAway(shortOfBuffers)
		return
	}
	if h := in.Head; proxy.Forwards(h) == 0 {
		// The request has come as far as it may: it is answered here.
		g.answerOptions(x, h, norm)
		return
	}
	r := proxy.Request{Head: in.Head, Path: norm, Match: &g.match, Content: in.Content, Length: in.Length, HTTP2: in.Protocol == h2Protocol}
	var whole bool
	if r.Edits, whole = g.requestEdits(x, in); !whole {
		x.refuse(431, "head_too_large")
		return
	}
	x.proxied(&r)
	g.traceUpstream(x, &r)
	call := g.proxy.Start((*downstream)(x), x.route.Proxy, &r)
	if call != nil {
		x.call = call
	}
}

// downstream is an Exchange as the proxy sees it.
type downstream Exchange

var _ proxy.Downstream = (*downstream)(nil)

func (d *downstream) Want(n int) {
	(*Exchange)(d).want(n)
}

func (d *downstream) Interim(status int, block []byte) {
	x := (*Exchange)(d)
	x.interim(status, block)
}

func (d *downstream) Respond(r *proxy.Response) {
	x := (*Exchange)(d)
	if f := x.replaceable(r.Status); f != nil {
		x.replace(f, r)
		return
	}
	length := r.Length
	if r.Status == 204 {
		length = -1 // never stated (RFC 9110, section 8.6)
	}
	if x.grpc.asked {
		x.sawGRPC(r.Block)
		x.grpc.open = length < 0
	}
	head := Response{
		Status: r.Status, Block: r.Block, Length: length,
		HasDate: r.HasDate, HasServer: r.HasServer,
	}
	if x.mayCode() {
		x.code(&head)
	}
	x.head(head)
}

func (d *downstream) Content(p []byte) {
	x := (*Exchange)(d)
	if x.state&replaced != 0 {
		x.discard(len(p))
		return
	}
	if c := x.coder(); c != nil {
		x.coded(c, p)
		return
	}
	x.codec.Content(x, p)
}

func (d *downstream) Pipes() bool {
	x := (*Exchange)(d)
	return x.state&replaced == 0 && x.coder() == nil && x.codec.Pipes(x)
}

func (d *downstream) Piped(n int) {
	x := (*Exchange)(d)
	x.codec.Piped(x, n)
}

func (d *downstream) Finish(trailers []byte) {
	x := (*Exchange)(d)
	x.logUpstream(x.call)
	x.traceSettled()
	x.call = nil
	if x.state&replaced != 0 {
		trailers = nil
	}
	if x.grpc.asked && len(trailers) > 0 {
		x.sawGRPC(trailers)
	}
	if c := x.coder(); c != nil {
		x.codedEnd(c)
	}
	x.end(trailers)
}

func (d *downstream) Fail(f proxy.Failure, member string) {
	x := (*Exchange)(d)
	x.traceSettled()
	x.call = nil
	if f == proxy.TunnelIdle {
		x.silent(f, member)
		return
	}
	if x.state&replaced != 0 {
		// The client has a whole response, and misses nothing of this one.
		x.log.upstream = member
		x.end(nil)
		return
	}
	x.failed(f, member)
	if x.Responding() {
		if x.cutOffGRPC(f) {
			return
		}
		x.state |= responseOver
		x.codec.Reset(x)
		return
	}
	x.answerFailure(f)
}

func (d *downstream) Room() int64 {
	x := (*Exchange)(d)
	return x.codec.Room(x)
}
