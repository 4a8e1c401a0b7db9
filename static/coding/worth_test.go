package coding

import "testing"

func TestCompressible(t *testing.T) {
	tests := map[string]bool{
		"text/html; charset=utf-8":       true,
		"text/css; charset=utf-8":        true,
		"text/javascript; charset=utf-8": true,
		"text/plain":                     true,
		"application/json":               true,
		"application/json ; x=y":         true,
		"application/ld+json":            true,
		"application/manifest+json":      true,
		"application/xhtml+xml":          true,
		"application/rss+xml":            true,
		"application/wasm":               true,
		"image/svg+xml":                  true,
		"image/x-icon":                   true,
		"image/bmp":                      true,
		"font/ttf":                       true,
		"font/otf":                       true,
		"application/vnd.ms-fontobject":  true,
		"model/gltf+json":                true,
		"font/woff":                      false,
		"font/woff2":                     false,
		"image/png":                      false,
		"image/jpeg":                     false,
		"image/webp":                     false,
		"image/avif":                     false,
		"video/mp4":                      false,
		"audio/mpeg":                     false,
		"application/zip":                false,
		"application/gzip":               false,
		"application/x-brotli":           false,
		"application/zstd":               false,
		"application/epub+zip":           false,
		"application/pdf":                false,
		"application/octet-stream":       false,
		"application/vnd.android.package-archive":                                 false,
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document": false,
		"":     false,
		"text": true,
	}
	for mediaType, want := range tests {
		if Compressible(mediaType) != want {
			t.Errorf("%q: %v", mediaType, !want)
		}
	}
}

func TestPays(t *testing.T) {
	tests := []struct {
		size, coded int64
		want        bool
	}{
		{1600, 1500, true},
		{1600, 1501, false},
		{1600, 1600, false},
		{1600, 2000, false},
		{1600, 1, true},
		{1600, 0, false},
		{0, 0, false},
	}
	for _, test := range tests {
		if Pays(test.size, test.coded) != test.want {
			t.Errorf("%d for %d: %v", test.coded, test.size, !test.want)
		}
	}
}

func TestAppendTag(t *testing.T) {
	tests := []struct {
		identity string
		c        Coding
		want     string
	}{
		{`"17f-1a"`, Brotli, `"17f-1a-br"`},
		{`"17f-1a"`, Zstd, `"17f-1a-zstd"`},
		{`"17f-1a"`, Gzip, `"17f-1a-gzip"`},
		{`"17f-1a"`, Identity, `"17f-1a"`},
		{`W/"17f-1a"`, Gzip, `W/"17f-1a-gzip"`},
	}
	for _, test := range tests {
		if got := string(AppendTag(nil, []byte(test.identity), test.c)); got != test.want {
			t.Errorf("%s of %s: %s", test.c, test.identity, got)
		}
	}
	buffer := make([]byte, 0, 64)
	tag := []byte(`"17f-1a"`)
	if n := testing.AllocsPerRun(100, func() { buffer = AppendTag(buffer[:0], tag, Brotli) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNames(t *testing.T) {
	for c, want := range map[Coding][2]string{Brotli: {"br", ".br"}, Zstd: {"zstd", ".zst"}, Gzip: {"gzip", ".gz"}, Identity: {"identity", ""}} {
		if c.String() != want[0] || c.Suffix() != want[1] {
			t.Errorf("%d: %q %q", c, c, c.Suffix())
		}
	}
}
