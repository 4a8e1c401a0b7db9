package h2

import "testing"

// BenchmarkRequests is 32 requests of a browser in one receive, decoded and answered in one write: the time for one.
func BenchmarkRequests(b *testing.B) {
	first, later := browserRequests(32)
	openWindow := []byte(window(0, 32*5))
	r := serving(b, &DefaultConfig)
	r.serve(first)
	id := uint32(3)
	b.ReportAllocs()
	for b.Loop() {
		if id > 1<<30 {
			b.StopTimer()
			r.c.Close()
			*r = *serving(b, &DefaultConfig)
			r.serve(first)
			id = 3
			b.StartTimer()
		}
		id = renumber(later, id)
		r.serve(later)
		r.serve(openWindow)
		r.sc.Out = r.sc.Out[:0]
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/32, "ns/request")
}

// BenchmarkSmallRequests is the same for what a load generator sends: four fields that are all in the table.
func BenchmarkSmallRequests(b *testing.B) {
	enc := newOracleEncoder()
	var first, later []byte
	for i := range 33 {
		f := frameOf(frameHeaders, flagEndHeaders|flagEndStream, uint32(2*i+1), enc.encode(":path", "/static/1k", ":scheme", "http", ":authority", "127.0.0.1:8080", ":method", "GET", "user-agent", "h2load nghttp2/1.52.0"))
		if i == 0 {
			first = []byte(f)
		} else {
			later = append(later, f...)
		}
	}
	openWindow := []byte(window(0, 32*5))
	r := serving(b, &DefaultConfig)
	r.serve(first)
	id := uint32(3)
	b.ReportAllocs()
	for b.Loop() {
		id = renumber(later, id)
		r.serve(later)
		r.serve(openWindow)
		r.sc.Out = r.sc.Out[:0]
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/32, "ns/request")
}

// BenchmarkResponse is the head of a response that is not made beforehand, and its trailers.
func BenchmarkResponse(b *testing.B) {
	_, later := browserRequests(1)
	first, _ := browserRequests(0)
	r := serving(b, &DefaultConfig)
	r.serve(first)
	id := uint32(3)
	b.ReportAllocs()
	for b.Loop() {
		id = renumber(later, id)
		r.c.Next(later, &r.ev)
		s := r.ev.Stream
		r.sc.Out = r.c.AppendResponse(r.sc.Out[:0], s, &responseHead, false)
		r.sc.Out = r.c.AppendTrailers(r.sc.Out, s, trailerLines)
		r.c.Release(s)
	}
}
