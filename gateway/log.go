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
// is done only while the access log is on, and for what is traced. Credentials
// are not copied.
type logEntry struct {
	status   int
	sent     int64
	upstream string
	reason   string

	buf                                     engine.Buf
	method, target, host, referer, userAgnt http1.Span
	fields                                  http1.Span // a length and a value for each of Settings.LogFields
	state                                   http1.Span // tracestate, of what is traced
	protocol                                string
}

// LogField is a field of requests that is logged beside those that always are.
type LogField struct {
	id   http1.FieldID
	name string
}

// NewLogField makes a LogField of a name in lower case.
func NewLogField(name string) LogField {
	return LogField{id: http1.LookupField([]byte(name)), name: name}
}

// in is the value of the field in a head, of the first line if there are many.
func (f *LogField) in(h *http1.Request) []byte {
	i := h.First(f.id)
	if f.id == http1.FieldOther {
		i = h.Find(f.name)
	}
	if i < 0 {
		return nil
	}
	return h.Value(&h.Fields[i])
}

// How much is remembered of each part, one byte more than a line shows, so that
// it can be seen to be cut.
const (
	keptMethod  = 65
	keptTarget  = 2049
	keptHost    = 257
	keptReferer = 1025
	keptAgent   = 513
	keptField   = 193
)

// logBegin remembers the request, which is logged, or traced.
func (g *Gateway) logBegin(x *Exchange, in *Incoming) {
	h := in.Head
	x.log.protocol = in.Protocol
	x.codec.Peer() // nobody can be asked once the connection is gone
	if x.log.buf = g.s.Buffer(engine.SmallBuffer); x.log.buf == 0 {
		return
	}
	mask := x.gen.Settings.LogMask
	mem := g.s.Bytes(x.log.buf)
	at := 0
	room := func(most int) []byte { return mem[at:at:min(len(mem), at+most)] }
	keep := func(s *http1.Span, n int) {
		*s = http1.Span{Off: uint16(at), Len: uint16(n)}
		at += n
	}
	keep(&x.log.method, len(fill(room(keptMethod), h.Bytes(h.Method))))
	keep(&x.log.target, len(mask.AppendTarget(room(keptTarget), h.Bytes(h.Target))))
	keep(&x.log.host, len(fill(room(keptHost), h.Bytes(h.Host))))
	if v, ok := h.Get(http1.Referer); ok {
		keep(&x.log.referer, len(mask.AppendTarget(room(keptReferer), v)))
	}
	if v, ok := h.Get(http1.UserAgent); ok {
		keep(&x.log.userAgnt, len(fill(room(keptAgent), v)))
	}
	if fields := x.gen.Settings.LogFields; len(fields) > 0 {
		begin := at
		for i := range fields {
			f := &fields[i]
			if at == len(mem) {
				break
			}
			at++
			n := 0
			if v := f.in(h); len(v) > 0 {
				n = len(mask.AppendField(room(keptField), f.name, v))
			}
			mem[at-1] = byte(n)
			at += n
		}
		x.log.fields = http1.Span{Off: uint16(begin), Len: uint16(at - begin)}
	}
	if x.traced() && x.trace.parent != ([8]byte{}) && goodState(h) {
		keep(&x.log.state, len(keepState(room(telemetry.MaxTraceState), h)))
	}
}

// fill appends what there is room for.
func fill(dst, v []byte) []byte { return append(dst, v[:min(len(v), cap(dst)-len(dst))]...) }

// loggedFields are the fields of an exchange, in a place of the gateway's.
func (g *Gateway) loggedFields(x *Exchange, kept []byte) []telemetry.LoggedField {
	list := g.logFields[:0]
	for _, f := range x.gen.Settings.LogFields {
		if len(kept) == 0 {
			break
		}
		n := int(kept[0])
		list = append(list, telemetry.LoggedField{Name: f.name, Value: kept[1 : 1+n]})
		kept = kept[1+n:]
	}
	g.logFields = list
	return list
}

// logUpstream remembers which upstream answered.
func (x *Exchange) logUpstream(c *proxy.Call) {
	if c != nil {
		x.log.upstream = c.Member()
	}
}

// logEnd writes the access line of an exchange that is over, and records its
// span.
func (g *Gateway) logEnd(x *Exchange, reason string) {
	e := &x.log
	if e.buf == 0 {
		return
	}
	if format := x.gen.Settings.AccessLog; g.access != nil && format != LogOff && x.logged() {
		g.logLine(x, reason)
		g.access.Access(format.telemetry(), &g.line)
		if x.traced() {
			g.traceEnd(x, &g.line)
		}
	} else if x.traced() {
		g.logLine(x, reason)
		g.traceEnd(x, &g.line)
	}
	g.s.ReleaseBuffer(e.buf)
	e.buf = 0
}

// logLine fills in what is said of an exchange.
func (g *Gateway) logLine(x *Exchange, reason string) {
	e := &x.log
	mem := g.s.Bytes(e.buf)
	part := func(s http1.Span) []byte {
		if s.Len == 0 {
			return nil
		}
		return mem[s.Off : int(s.Off)+int(s.Len)]
	}
	g.line = telemetry.Access{
		Unix: g.s.Unix(), Peer: x.clientAddr(), User: x.User(),
		Method: part(e.method), Target: part(e.target), Host: part(e.host),
		Referer: part(e.referer), UserAgent: part(e.userAgnt), Protocol: e.protocol,
		Status: e.status, BytesReceived: x.content, BytesSent: e.sent,
		Duration: time.Duration(g.s.Now() - x.began),
		Upstream: e.upstream, Reason: e.reason, GRPC: x.grpc.seen, Trace: x.trace.own.Trace,
	}
	a := &g.line
	if r := x.policy.rules; r != nil {
		a.ID = r.id
	}
	if e.fields.Len > 0 {
		a.Fields = g.loggedFields(x, part(e.fields))
	}
	if reason != "" {
		a.Reason = reason
	}
	if x.route != nil {
		a.Route = x.route.Name
	}
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
	switch f {
	case LogJSON:
		return telemetry.JSON
	case LogCombined:
		return telemetry.Combined
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
