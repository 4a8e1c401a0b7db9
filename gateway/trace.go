package gateway

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/telemetry"
)

// Tracing says which requests are traced; it is immutable.
type Tracing struct {
	// Of100000 is how many of as many traces that begin here are recorded.
	Of100000 uint32
	// Continue says whose traces go on here.
	Continue TraceContinue
}

// TraceContinue says whose word on traces counts. Who can begin a trace decides
// whether it is recorded.
type TraceContinue uint8

// Whose traces go on.
const (
	ContinueAll     TraceContinue = iota // everybody's
	ContinueTrusted                      // those of peers in Settings.Trust
	ContinueNone                         // nobody's
)

// traceState is what an exchange remembers of the trace that it belongs to.
type traceState struct {
	own     telemetry.TraceParent // its span; no trace if there is none
	parent  [8]byte
	client  [8]byte // the span of its request to an upstream
	asked   int64   // when that began, on the shard's clock
	settled int64   // and ended
}

// traced reports whether the exchange is recorded.
func (x *Exchange) traced() bool { return x.trace.own.Sampled }

// newSpan makes the name of a span. That one of all zeros is none would be a
// matter of five hundred thousand years at a million spans a second.
func newSpan() (id [8]byte) {
	binary.LittleEndian.PutUint64(id[:], rand.Uint64())
	return id
}

// newTrace makes the name of a trace, or of a request that has none.
func newTrace() (id [16]byte) {
	binary.LittleEndian.PutUint64(id[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	return id
}

// traceBegin finds the trace that a request belongs to, or begins one.
func (x *Exchange) traceBegin(h *http1.Request, t *Tracing) {
	own := &x.trace.own
	if p, ok := x.traceParent(h, t); ok {
		*own, x.trace.parent = p, p.Span
	} else {
		own.Trace = newTrace()
		// The share is taken from the name of the trace, so that others who
		// take the same share take the same traces.
		own.Sampled = binary.BigEndian.Uint64(own.Trace[8:])>>1 < uint64(t.Of100000)*((1<<63)/100_000) || t.Of100000 == 100_000
	}
	own.Span = newSpan()
}

// traceParent is the trace that the request says it belongs to, if that counts.
// A request with two of them belongs to none (W3C Trace Context, section 3.2).
func (x *Exchange) traceParent(h *http1.Request, t *Tracing) (p telemetry.TraceParent, ok bool) {
	i := h.First(http1.Traceparent)
	if i < 0 || h.Next(i) >= 0 {
		return p, false
	}
	if t.Continue == ContinueNone || t.Continue == ContinueTrusted && !x.who.trusted {
		return p, false
	}
	return telemetry.ParseTraceParent(h.Value(&h.Fields[i]))
}

// traceUpstream has the request to an upstream tell of a span of its own, in
// place of what the client has told. What it says beside that, tracestate, goes
// on with a trace that goes on, if it is as it should be.
func (g *Gateway) traceUpstream(x *Exchange, r *proxy.Request) {
	if x.trace.own.Trace == ([16]byte{}) {
		return
	}
	h := r.Head
	for i := h.First(http1.Traceparent); i >= 0; i = h.Next(i) {
		h.Withhold(i)
	}
	if x.trace.parent == ([8]byte{}) || !goodState(h) {
		for i := range h.Fields {
			if isState(h, i) {
				h.Withhold(i)
			}
		}
	}
	x.trace.client, x.trace.asked = newSpan(), g.s.Now()
	told := x.trace.own
	told.Span = x.trace.client
	g.traceLine = append(told.Append(append(g.traceLine[:0], "traceparent: "...)), "\r\n"...)
	r.Trace = g.traceLine
}

func isState(h *http1.Request, i int) bool {
	f := &h.Fields[i]
	return f.ID == http1.FieldOther && f.Name.Len == 10 && http1.EqualFold(h.Name(f), "tracestate")
}

// goodState reports whether the lines of tracestate can be passed on.
func goodState(h *http1.Request) bool {
	members, size := 0, 0
	for i := range h.Fields {
		if !isState(h, i) {
			continue
		}
		line := h.Value(&h.Fields[i])
		n, ok := telemetry.StateMembers(line)
		members, size = members+n, size+len(line)
		if !ok || members > telemetry.MaxStateMembers || size > telemetry.MaxTraceState {
			return false
		}
	}
	return true
}

// traceSettled notes that an upstream has answered, or failed.
func (x *Exchange) traceSettled() {
	if x.trace.client != ([8]byte{}) {
		x.trace.settled = x.g.s.Now()
	}
}

// keepState remembers the tracestate for the span, its lines joined.
func keepState(dst []byte, h *http1.Request) []byte {
	for i := range h.Fields {
		if !isState(h, i) {
			continue
		}
		if len(dst) > 0 {
			dst = fill(dst, comma)
		}
		dst = fill(dst, h.Value(&h.Fields[i]))
	}
	return dst
}

var comma = []byte(",")

// traceEnd records the spans of an exchange that is over, of which a is what
// the log would say.
func (g *Gateway) traceEnd(x *Exchange, a *telemetry.Access) {
	if g.spans == nil {
		return
	}
	t := &x.trace
	var state []byte
	if s := x.log.state; s.Len > 0 {
		state = g.s.Bytes(x.log.buf)[s.Off : int(s.Off)+int(s.Len)]
	}
	g.span = telemetry.Span{
		Access: *a, ID: t.own.Span, Parent: t.parent, Client: t.client,
		Begin: x.began, End: g.s.Now(), ClientBegin: t.asked, ClientEnd: t.settled,
		HTTPS: x.https(), Network: x.codec.Peer(), State: state,
	}
	if t.client != ([8]byte{}) && t.settled == 0 {
		g.span.ClientEnd = g.span.End
	}
	g.spans.Span(&g.span)
}
