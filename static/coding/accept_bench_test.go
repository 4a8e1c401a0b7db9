package coding

import "testing"

func BenchmarkParse(b *testing.B) {
	field := []byte("gzip, deflate, br, zstd")
	b.ReportAllocs()
	for b.Loop() {
		if Parse(field).Choose(Every) != Brotli {
			b.Fatal("not brotli")
		}
	}
}
