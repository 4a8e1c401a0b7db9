package gateway

import (
	"net/netip"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/telemetry"
)

// logEntry is what an exchange remembers for its log line. The parts of the
// request are copied, because its head is gone when the line is written; that
// is done only while the access log is on.
type logEntry struct {
	status   int
	sent     int64
	begun    int64 // shard clock
	upstream string
	reason   string

	buf                                     engine.Buf
	method, target, host, referer, userAgnt http1.Span
	protocol                                string
}

// logBegin remembers the request; the access log is on.
func (g *Gateway) logBegin(x *Exchange, in *Incoming) {
	h := in.Head
	x.log.begun = g.s.Now()
	x.log.protocol = in.Protocol
	x.codec.Peer() // nobody can be asked once the connection is gone
	if x.log.buf = g.s.Buffer(engine.SmallBuffer); x.log.buf == 0 {
		return
	}
	mem := g.s.Bytes(x.log.buf)
	at := 0
	keep := func(s *http1.Span, v []byte, most int) {
		n := copy(mem[at:min(len(mem), at+most)], v)
		*s = http1.Span{Off: uint16(at), Len: uint16(n)}
		at += n
	}
	keep(&x.log.method, h.Bytes(h.Method), 64)
	keep(&x.log.target, h.Bytes(h.Target), 2048)
	keep(&x.log.host, h.Bytes(h.Host), 256)
	if v, ok := h.Get(http1.Referer); ok {
		keep(&x.log.referer, v, 1024)
	}
	if v, ok := h.Get(http1.UserAgent); ok {
		keep(&x.log.userAgnt, v, 512)
	}
}

// logUpstream remembers which upstream answered.
func (x *Exchange) logUpstream(c *proxy.Call) {
	if c != nil {
		x.log.upstream = c.Member()
	}
}

// logEnd writes the access line of an exchange that is over.
func (g *Gateway) logEnd(x *Exchange, reason string) {
	e := &x.log
	if e.buf == 0 {
		return
	}
	if !x.logged() {
		g.s.ReleaseBuffer(e.buf)
		e.buf = 0
		return
	}
	mem := g.s.Bytes(e.buf)
	part := func(s http1.Span) []byte {
		if s.Len == 0 {
			return nil
		}
		return mem[s.Off : int(s.Off)+int(s.Len)]
	}
	a := telemetry.Access{
		Unix: g.s.Unix(), Peer: x.clientAddr(),
		Method: part(e.method), Target: part(e.target), Host: part(e.host),
		Referer: part(e.referer), UserAgent: part(e.userAgnt), Protocol: e.protocol,
		Status: e.status, BytesReceived: x.content, BytesSent: e.sent,
		Duration: time.Duration(g.s.Now() - e.begun),
		Upstream: e.upstream, Reason: e.reason, GRPC: x.grpc.seen,
	}
	if reason != "" {
		a.Reason = reason
	}
	if x.route != nil {
		a.Route = x.route.Name
	}
	g.access.Access(x.gen.Settings.AccessLog.telemetry(), &a)
	g.s.ReleaseBuffer(e.buf)
	e.buf = 0
}

// logRefusal writes the access line of what was to be a request, but has no
// head that could be read.
func (g *Gateway) logRefusal(status int, reason string, peer netip.AddrPort) {
	if format := g.gen.Settings.AccessLog; g.access != nil && format != LogOff {
		g.access.Access(format.telemetry(), &telemetry.Access{
			Unix: g.s.Unix(), Peer: peer, Status: status, BytesSent: int64(len(g.gen.errorPage(status).body)), Reason: reason,
		})
	}
}

func (f LogFormat) telemetry() telemetry.Format {
	if f == LogJSON {
		return telemetry.JSON
	}
	return telemetry.Text
}

// failed notes and logs why an exchange got no (whole) response from its
// upstream.
func (x *Exchange) failed(f proxy.Failure, member string) {
	g := x.g
	x.log.upstream, x.log.reason = member, f.String()
	if g.errors == nil || !g.level.Allows(telemetry.Error) {
		return
	}
	name := ""
	if x.route != nil {
		name = x.route.Name
	}
	what, status := "upstream gave no response", f.Status()
	switch {
	case x.Responding():
		// The client has its status already.
		what, status = "upstream response was cut off", x.log.status
	case !f.Fault():
		what = "request was not passed on"
	}
	g.errors.Error(telemetry.Error, g.s.Unix(), what,
		telemetry.String("reason", f.String()),
		telemetry.String("upstream", member),
		telemetry.String("route", name),
		telemetry.Int("status", int64(status)),
		telemetry.Addr("client", x.clientAddr()))
}

// refused logs a request that breaks the rules of its protocol.
func (g *Gateway) refused(why http1.Error, peer netip.AddrPort) {
	if g.errors == nil || !g.level.Allows(telemetry.Info) {
		return
	}
	g.errors.Error(telemetry.Info, g.s.Unix(), "request refused",
		telemetry.String("reason", why.Error()),
		telemetry.Int("status", int64(why.Status())),
		telemetry.Addr("client", peer))
}
