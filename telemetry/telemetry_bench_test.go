package telemetry

import (
	"syscall"
	"testing"
)

// cpuTime is the processor time of the process in nanoseconds: what a benchmark costs whatever else the machine does.
func cpuTime() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func measure(b *testing.B, f func()) {
	b.ReportAllocs()
	begun := cpuTime()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(cpuTime()-begun)/float64(b.N), "cpu-ns/op")
}

// BenchmarkAccess is a line on its way into a ring, which somebody empties.
func BenchmarkAccess(b *testing.B) {
	a := sampleAccess()
	for name, f := range map[string]Format{"text": Text, "json": JSON, "combined": Combined} {
		b.Run(name, func(b *testing.B) {
			r := NewRing(DefaultRingBytes)
			measure(b, func() {
				r.Access(f, a)
				r.tail.Store(r.head.Load())
			})
		})
	}
}
