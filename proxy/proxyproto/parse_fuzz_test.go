package proxyproto

import "testing"

func FuzzParseAddr(f *testing.F) {
	for _, s := range addresses {
		f.Add(s)
	}
	f.Fuzz(checkAddr)
}

// FuzzParse checks that a header is the same however its bytes arrive, that an error is final, and that addresses come
// out of the writer as they went in.
func FuzzParse(f *testing.F) {
	for _, tt := range accepted {
		f.Add([]byte(tt.in))
	}
	for _, tt := range malformed {
		f.Add([]byte(tt.in))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		var h, part Header
		n, err := Parse(p, &h)
		if n < 0 || n > len(p) || n > MaxLength || n > 0 && err != OK {
			t.Fatalf("%d of %d, %v", n, len(p), err)
		}
		if n == 0 && err == OK && len(p) >= MaxLength {
			t.Fatal("more is asked for than a header can have")
		}
		for i := range min(len(p), 300) {
			m, e := Parse(p[:i], &part)
			if e != OK && e != err || m != 0 && (m != n || i < n) {
				t.Fatalf("%d bytes give %d, %v; %d give %d, %v", i, m, e, len(p), n, err)
			}
		}
		if n == 0 {
			return
		}
		if m, e := Parse(p[:n], &part); m != n || e != OK || !equal(&h, &part) {
			t.Fatalf("without what follows it is %+v, %v", part, e)
		}
		if !h.Source.IsValid() {
			return
		}
		for version := uint8(1); version <= 2; version++ {
			b := Append(nil, version, h.Source, h.Destination)
			m, e := Parse(b, &part)
			if m != len(b) || e != OK || part.Source.Addr().Unmap() != h.Source.Addr().Unmap() || part.Source.Port() != h.Source.Port() ||
				part.Destination.Addr().Unmap() != h.Destination.Addr().Unmap() || part.Destination.Port() != h.Destination.Port() {
				t.Fatalf("version %d: %+v becomes %q, which is %+v, %v", version, h, b, part, e)
			}
		}
	})
}
