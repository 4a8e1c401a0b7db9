package coding

import "testing"

func TestChoose(t *testing.T) {
	const br, zstd, gz = Set(1 << Brotli), Set(1 << Zstd), Set(1 << Gzip)
	tests := []struct {
		name      string
		field     string
		available Set
		want      Coding
	}{
		{"empty", "", Every, Identity},
		{"blank", " \t ", Every, Identity},
		{"only commas", ",, ,", Every, Identity},
		{"Chrome", "gzip, deflate, br, zstd", Every, Brotli},
		{"Chrome and no brotli", "gzip, deflate, br, zstd", zstd | gz, Zstd},
		{"Chrome and only gzip", "gzip, deflate, br, zstd", gz, Gzip},
		{"Chrome and nothing", "gzip, deflate, br, zstd", 0, Identity},
		{"no space", "gzip,br", Every, Brotli},
		{"curl before brotli", "deflate, gzip", Every, Gzip},
		{"unknown only", "compress, deflate, dcb", Every, Identity},
		{"the client's weights win", "br;q=0.5, gzip;q=0.8", Every, Gzip},
		{"unless it is not at hand", "br;q=0.5, gzip;q=0.8", br | zstd, Brotli},
		{"a weight in thousandths", "br;q=0.998, gzip;q=0.999", Every, Gzip},
		{"weight 1.000", "gzip;q=1.000, br;q=0.9", Every, Gzip},
		{"weight 1.", "gzip;q=1., br;q=0.9", Every, Gzip},
		{"weight 0. is none", "gzip;q=0.", Every, Identity},
		{"spaces around the weight", "br ; q=0.1 ,\tgzip\t;\tq=0.2", Every, Gzip},
		{"upper case", "GZIP;Q=0.5", Every, Gzip},
		{"mixed case", "Br", Every, Brotli},
		{"x-gzip", "x-gzip", Every, Gzip},
		{"X-GZIP", "X-GZIP;q=0.3", Every, Gzip},
		{"x-br is nothing", "x-br", Every, Identity},
		{"a longer name is another", "gzipped, brr", Every, Identity},
		{"not acceptable", "gzip;q=0, br;q=0.0, zstd;q=0.000", Every, Identity},
		{"star", "*", Every, Brotli},
		{"star with a weight", "*;q=0.1", Every, Brotli},
		{"star for the others", "br;q=0, *", Every, Zstd},
		{"star is not for the listed", "*;q=0.9, gzip;q=0.1", gz, Identity},
		{"star below", "gzip, *;q=0.5", Every, Gzip},
		{"star of zero", "*;q=0", Every, Identity},
		{"star of zero and one coding", "gzip, *;q=0", Every, Gzip},
		{"identity preferred", "identity, gzip;q=0.5", Every, Identity},
		{"identity as good", "identity, gzip", Every, Gzip},
		{"identity refused", "gzip, identity;q=0", Every, Gzip},
		{"identity refused and nothing else", "identity;q=0", Every, Identity},
		{"identity refused by star and nothing at hand", "br, *;q=0", gz, Identity},
		{"identity is worth less than anything listed", "gzip;q=0.001", Every, Gzip},
		{"the first counts", "gzip;q=0, gzip", Every, Identity},
		{"the first counts, however written", "gzip, x-gzip;q=0", Every, Gzip},
		{"weight above one", "gzip;q=1.001", Every, Identity},
		{"weight of two", "gzip;q=2", Every, Identity},
		{"weight with four decimals", "gzip;q=0.1234", Every, Identity},
		{"a malformed weight is no consent by star", "*, br;q=0.00000", br, Identity},
		{"negative", "gzip;q=-1", Every, Identity},
		{"no weight", "gzip;q=", Every, Identity},
		{"no parameter", "gzip;", Every, Identity},
		{"another parameter", "gzip;level=9", Every, Identity},
		{"a weight and more", "gzip;q=1;x=y", Every, Identity},
		{"letters", "gzip;q=a, br;q=0.a", Every, Identity},
		{"a malformed identity is unsaid", "identity;q=x, gzip;q=0.1", Every, Gzip},
		{"a malformed star is unsaid", "*;q=x", Every, Identity},
		{"malformed beside well-formed", "gzip;q=banana, br;q=0.2", Every, Brotli},
		{"quotes are no names", "\"gzip\"", Every, Identity},
		{"a semicolon first", ";q=1, gzip", Every, Gzip},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Parse([]byte(test.field)).Choose(test.available); got != test.want {
				t.Errorf("%q of %03b: %v, want %v", test.field, test.available, got, test.want)
			}
		})
	}
	if got := Parse(nil).Choose(Every); got != Identity {
		t.Errorf("without the field: %v", got)
	}
}

func TestAccepts(t *testing.T) {
	p := Parse([]byte("gzip;q=0.2, br;q=0, identity;q=0"))
	for c, want := range map[Coding]bool{Identity: false, Brotli: false, Zstd: false, Gzip: true} {
		if p.Accepts(c) != want {
			t.Errorf("%v: %v", c, !want)
		}
	}
	if !Parse(nil).Accepts(Identity) {
		t.Error("identity is not acceptable without the field")
	}
}

func TestSet(t *testing.T) {
	s := Set(0).With(Zstd)
	if !s.Has(Zstd) || s.Has(Gzip) || s.Has(Brotli) || s.Has(Identity) {
		t.Errorf("set %b", s)
	}
	if Every.Has(Identity) || !Every.Has(Brotli) || !Every.Has(Zstd) || !Every.Has(Gzip) {
		t.Errorf("every %b", Every)
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	field := []byte("gzip;q=0.8, deflate, br;q=0.9, zstd, *;q=0.1")
	sum := Identity
	if n := testing.AllocsPerRun(100, func() { sum += Parse(field).Choose(Every) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if sum == Identity {
		t.Error("nothing was chosen")
	}
}
