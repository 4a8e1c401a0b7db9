package epoll

import "testing"

// BenchmarkWait measures a wait that finds n descriptors ready, per event.
func BenchmarkWait(b *testing.B) {
	p := openPoller(b)
	const n = 64
	for i := range uint64(n) {
		pair := socketpair(b)
		write(b, pair[1], "x")
		if err := p.Add(pair[0], In, i); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for i := 0; i < b.N; i += n {
		if got := len(p.Wait(0)); got != n {
			b.Fatalf("%d events, want %d", got, n)
		}
	}
}
