package telemetry

import (
	"encoding/binary"
	"net/netip"
)

// Span is what is recorded of an exchange that is traced: of its own span, and of the one in which its action asks an
// upstream. A shard appends spans to a ring of their own; who drains that makes of them what collectors understand.
type Span struct {
	// Access is what a line of the log would say. Time, User, Referer, Fields and Duration are not recorded.
	Access
	// ID is the span's own, Parent that of who has sent the request, all zero for nobody.
	ID, Parent [8]byte
	// Begin and End are when it began and ended, on the clock of shards.
	Begin, End int64
	// Client is the span in which an upstream was asked, all zero if none was, and ClientBegin and ClientEnd its time.
	Client                 [8]byte
	ClientBegin, ClientEnd int64
	// HTTPS is how the client has asked, and Network who has connected: maybe a proxy of the client's.
	HTTPS   bool
	Network netip.AddrPort
	// State is the tracestate that came with the request.
	State []byte
}

// AppendSpan appends a record, at most MaxLine bytes. It does not allocate.
func AppendSpan(dst []byte, s *Span) []byte {
	start := len(dst)
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, 0)
	dst = append(dst, s.Trace[:]...)
	dst = append(dst, s.ID[:]...)
	dst = append(dst, s.Parent[:]...)
	dst = append(dst, s.Client[:]...)
	for _, v := range [...]int64{s.Begin, s.End, s.ClientBegin, s.ClientEnd, s.BytesReceived, s.BytesSent} {
		dst = le.AppendUint64(dst, uint64(v))
	}
	https := byte(0)
	if s.HTTPS {
		https = 1
	}
	dst = le.AppendUint16(dst, uint16(s.Status))
	dst = append(dst, s.GRPC, https)
	dst = appendSpanAddr(dst, s.Peer)
	dst = appendSpanAddr(dst, s.Network)
	dst = appendSpanText(dst, s.Method, maxMethod)
	dst = appendSpanText(dst, s.Target, maxTarget)
	dst = appendSpanText(dst, s.Host, maxHost)
	dst = appendSpanText(dst, s.UserAgent, maxAgent)
	dst = appendSpanText(dst, s.State, MaxTraceState)
	dst = appendSpanText(dst, s.Protocol, maxVersion)
	dst = appendSpanText(dst, s.Route, maxRoute)
	dst = appendSpanText(dst, s.Upstream, maxHost)
	dst = appendSpanText(dst, s.Reason, maxReason)
	le.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst
}

func appendSpanAddr(dst []byte, a netip.AddrPort) []byte {
	kind, b := byte(0), [16]byte{}
	switch {
	case a.Addr().Is4():
		kind, b = 4, a.Addr().As16()
	case a.IsValid():
		kind, b = 6, a.Addr().As16()
	}
	dst = append(append(dst, kind), b[:]...)
	return binary.LittleEndian.AppendUint16(dst, a.Port())
}

func appendSpanText[T string | []byte](dst []byte, s T, limit int) []byte {
	s = s[:min(len(s), limit)]
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}

// Span appends a record to a ring of spans. It reports false when there was no room.
func (r *Ring) Span(s *Span) bool {
	b := r.Reserve(MaxLine)
	if b == nil {
		return false
	}
	r.Commit(len(AppendSpan(b, s)))
	return true
}

// Spans takes at most so many spans out of a ring of spans. It is for the one goroutine that drains it; what it returns
// belongs to the caller.
func (r *Ring) Spans(most int) (list []Span) {
	for len(list) < most {
		b := r.peek()
		if len(b) < 4 {
			break
		}
		n := int(binary.LittleEndian.Uint32(b))
		s, ok := readSpan(b[:n])
		if !ok {
			panic("telemetry: a ring of spans holds something else")
		}
		list = append(list, s)
		r.advance(n)
	}
	return list
}

// spanReader reads a record. It reports whatever is wrong by short.
type spanReader struct {
	b     []byte
	short bool
}

func (r *spanReader) take(n int) []byte {
	if n > len(r.b) {
		r.short, r.b = true, nil
		return make([]byte, n)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *spanReader) number() int64 { return int64(binary.LittleEndian.Uint64(r.take(8))) }

func (r *spanReader) addr() netip.AddrPort {
	kind, b := r.take(1)[0], [16]byte(r.take(16))
	port := binary.LittleEndian.Uint16(r.take(2))
	switch kind {
	case 4:
		return netip.AddrPortFrom(netip.AddrFrom16(b).Unmap(), port)
	case 6:
		return netip.AddrPortFrom(netip.AddrFrom16(b), port)
	}
	return netip.AddrPort{}
}

// text copies a value.
func (r *spanReader) text() []byte {
	n := int(binary.LittleEndian.Uint16(r.take(2)))
	if n > len(r.b) {
		r.short = true
		return nil
	}
	return append([]byte(nil), r.take(n)...)
}

// readSpan reads what AppendSpan has written.
func readSpan(b []byte) (s Span, ok bool) {
	r := spanReader{b: b}
	n := binary.LittleEndian.Uint32(r.take(4))
	s.Trace, s.ID, s.Parent, s.Client = [16]byte(r.take(16)), [8]byte(r.take(8)), [8]byte(r.take(8)), [8]byte(r.take(8))
	for _, v := range [...]*int64{&s.Begin, &s.End, &s.ClientBegin, &s.ClientEnd, &s.BytesReceived, &s.BytesSent} {
		*v = r.number()
	}
	s.Status = int(binary.LittleEndian.Uint16(r.take(2)))
	s.GRPC, s.HTTPS = r.take(1)[0], r.take(1)[0] != 0
	s.Peer, s.Network = r.addr(), r.addr()
	for _, v := range [...]*[]byte{&s.Method, &s.Target, &s.Host, &s.UserAgent, &s.State} {
		*v = r.text()
	}
	for _, v := range [...]*string{&s.Protocol, &s.Route, &s.Upstream, &s.Reason} {
		*v = string(r.text())
	}
	return s, !r.short && len(r.b) == 0 && int(n) == len(b)
}
