package route

import "testing"

func BenchmarkNormalise(b *testing.B) {
	for _, bm := range []struct{ name, path string }{
		{"unchanged", "/api/v1/service-42/resource-1234/action"},
		{"unchanged with escapes", "/api/v1/a%2Fb/caf%C3%A9/action"},
		{"dot segments", "/api/v1/../v2/./service-42/resource-1234"},
		{"escapes", "/%7Euser/%61pi/caf%c3%a9/resource-1234"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			path, dst := []byte(bm.path), make([]byte, 0, 256)
			b.ReportAllocs()
			for b.Loop() {
				Normalise(dst, path)
			}
		})
	}
}

func BenchmarkRewrite(b *testing.B) {
	h, r := mustRewrite(b, "/api/", "http://up/v2/")
	dst := make([]byte, 0, 256)
	for _, bm := range []struct{ name, path string }{
		{"plain", "/api/service-42/resource-1234"},
		{"spelt differently", "/%61pi/x/../service-42/resource-1234"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			p := newProbe(b, h, bm.path)
			b.ReportAllocs()
			for b.Loop() {
				r.Append(dst, p.raw, p.norm, &p.m)
			}
		})
	}
}
