package coding

import (
	"bytes"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "gzip, deflate, br, zstd", "gzip;q=0.5, *;q=0", "identity;q=0", "x-gzip ; q=1.000", "br;q=0.0001", ";;;,,,*", "*;q=1,*;q=0",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, field []byte) {
		before := bytes.Clone(field)
		p := Parse(field)
		if !bytes.Equal(before, field) {
			t.Fatal("the field was changed")
		}
		for c := Identity; c < Count; c++ {
			if p.weight[c] > fullWeight {
				t.Fatalf("%v has the weight %d", c, p.weight[c])
			}
			// Without its name or a star no coding has consented.
			named := bytes.Contains(bytes.ToLower(field), []byte(c.String()))
			if c != Identity && p.Accepts(c) && !named && !bytes.Contains(field, []byte("*")) {
				t.Fatalf("%q consents to %v", field, c)
			}
		}
		for available := Set(0); available <= Every; available += 2 {
			c := p.Choose(available)
			if c != Identity && (!available.Has(c) || !p.Accepts(c)) {
				t.Fatalf("%q of %b: %v", field, available, c)
			}
			for other := Brotli; other < Count; other++ {
				if available.Has(other) && p.weight[other] > p.weight[c] {
					t.Fatalf("%q of %b: %v, but %v is liked better", field, available, c, other)
				}
			}
		}
		// A member that is said last cannot overrule the same one said before.
		again := Parse(append(append(before, ','), before...))
		if again != p {
			t.Fatalf("%q said twice is something else", field)
		}
	})
}
