package proxyproto

import "testing"

func BenchmarkParse(b *testing.B) {
	for _, i := range []int{0, 1, 9, len(accepted) - 1} {
		in := []byte(accepted[i].in)
		b.Run(accepted[i].name, func(b *testing.B) {
			var h Header
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(in, &h); err != OK {
					b.Fatal(err)
				}
			}
		})
	}
}
