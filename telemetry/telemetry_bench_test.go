package telemetry

import "testing"

func BenchmarkAccess(b *testing.B) {
	a := sampleAccess()
	for name, f := range map[string]Format{"text": Text, "json": JSON} {
		b.Run(name, func(b *testing.B) {
			r := NewRing(0)
			b.ReportAllocs()
			for b.Loop() {
				r.Access(f, a)
				r.tail.Store(r.head.Load())
			}
		})
	}
}
