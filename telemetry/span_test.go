package telemetry

import (
	"bytes"
	"net/netip"
	"reflect"
	"testing"
)

func sampleSpan() *Span {
	s := &Span{
		Access: *sampleAccess(), ID: [8]byte{1, 2}, Parent: [8]byte{3}, Client: [8]byte{4, 7: 5},
		Begin: 1, End: 1 << 60, ClientBegin: -1, ClientEnd: 17, HTTPS: true,
		Network: netip.MustParseAddrPort("[2001:db8::1]:443"), State: []byte("a=1"),
	}
	s.Trace, s.GRPC = [16]byte{15: 9}, 3
	// What is not recorded.
	s.Unix, s.Duration, s.Referer, s.Fields = 0, 0, nil, nil
	return s
}

func TestSpans(t *testing.T) {
	r := NewRing(0)
	bare := &Span{Access: Access{Trace: [16]byte{1}}}
	for range 100 {
		r.Span(sampleSpan())
		r.Span(bare)
		list := r.Spans(1)
		list = append(list, r.Spans(10)...)
		if len(list) != 2 || !reflect.DeepEqual(&list[0], sampleSpan()) || !reflect.DeepEqual(&list[1], bare) {
			t.Fatalf("read\n%+v\nwant\n%+v\nand\n%+v", list, sampleSpan(), bare)
		}
	}
	if list := r.Spans(10); list != nil {
		t.Errorf("an empty ring has %v", list)
	}
}

// TestLongSpan has all values too long, and must fit.
func TestLongSpan(t *testing.T) {
	s, w := sampleSpan(), worst()
	s.Method, s.Target, s.Host, s.UserAgent, s.State = w, w, w, w, w
	s.Protocol, s.Route, s.Upstream, s.Reason = string(w), string(w), string(w), string(w)
	if n := len(AppendSpan(nil, s)); n > MaxLine || n < MaxLine/3 {
		t.Errorf("the longest span has %d bytes", n)
	}
}

func TestSpanAllocatesNothing(t *testing.T) {
	r, s := NewRing(0), sampleSpan()
	if n := testing.AllocsPerRun(1000, func() { r.Span(s) }); n != 0 {
		t.Errorf("%v allocations a span", n)
	}
}

func FuzzSpan(f *testing.F) {
	f.Add(AppendSpan(nil, sampleSpan()))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, ok := readSpan(in)
		if !ok {
			return
		}
		again, ok := readSpan(AppendSpan(nil, &s))
		if !ok || len(s.Target) <= maxTarget && !bytes.Equal(again.Target, s.Target) {
			t.Fatalf("%+v is written and read as %+v", s, again)
		}
	})
}

func BenchmarkSpan(b *testing.B) {
	r, s := NewRing(DefaultRingBytes), sampleSpan()
	measure(b, func() {
		r.Span(s)
		r.tail.Store(r.head.Load())
	})
}
