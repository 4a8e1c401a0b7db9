package static

import "testing"

func TestFingerprinted(t *testing.T) {
	tests := []struct {
		title, name string
		want        bool
	}{
		// What build tools write.
		{"Vite", "assets/index-BZ0vHKyV.js", true},
		{"Vite, style", "assets/index-D-6hfpQ1.css", true},
		{"Vite, ends in a dash", "assets/logo-C_hx9a7-.svg", true},
		{"Vite, map", "assets/index-BZ0vHKyV.js.map", true},
		{"Vite, letters only", "assets/vendor-DkAqbCxd.js", true},
		{"Vite 2", "assets/index.4f8b2c9a.js", true},
		{"Rollup, its own chunk", "chunks/CxYz12ab.js", true},
		{"Astro", "_astro/index.CRtrHTN_.css", true},
		{"Nuxt", "_nuxt/BzQ1kP3x.js", true},
		{"SvelteKit", "_app/immutable/entry/start.DkAqbCxd.js", true},
		{"SvelteKit, whatever the name", "_app/immutable/x.js", true},
		{"webpack, main.[contenthash].js", "main.3f2a9c0b1d2e3f405162.js", true},
		{"webpack, eight digits", "static/js/main.073c9b0a.js", true},
		{"webpack, chunk", "static/js/787.cda612ba.chunk.js", true},
		{"webpack, asset by hash alone", "0a1b2c3d4e5f60718293.png", true},
		{"webpack, map", "static/js/main.073c9b0a.js.map", true},
		{"webpack, licence", "static/js/main.073c9b0a.js.LICENSE.txt", true},
		{"Parcel", "index.3d34b2c1.js", true},
		{"Parcel 1", "src.e31bb0bc.css", true},
		{"Next, chunk", "_next/static/chunks/main-9f8c0a1b2c3d4e5f.js", true},
		{"Next, style", "_next/static/css/0a1b2c3d4e5f6789.css", true},
		{"Next, build manifest", "_next/static/x7Vb2k0Jq/_buildManifest.js", true},
		{"Next, font", "_next/static/media/4473ecc91f70f139-s.p.woff2", true},
		{"Next below a base path", "shop/_next/static/chunks/app.js", true},
		{"Angular", "main-7QKZ3J2P.js", true},
		{"Angular, before esbuild", "main.3f2a1b9c4d5e6f70.js", true},
		{"esbuild, chunk", "out/chunk-XYZ2AB3D.mjs", true},
		{"Gatsby", "component---src-pages-index-js-0a1b2c3d4e5f60718293.js", true},
		{"Rails", "application-0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9.js", true},
		{"Django", "base.27e20196a850.js", true},
		{"Phoenix", "app-9e107d9d372bb6826bd81d3542a419d6.css", true},
		{"Trunk", "app-1a2b3c4d5e6f7a8b_bg.wasm", true},

		// What people write.
		{"a plain name", "app.js", false},
		{"a version", "jquery-3.7.1.min.js", false},
		{"a long version", "lib-10.20.30.js", false},
		{"a date", "report-20240115.pdf", false},
		{"a date with dashes", "photo-2024-01-15.jpg", false},
		{"a date with a month", "photo-2024dec5.jpg", false},
		{"a date with another month", "photo.01feb2024.jpg", false},
		{"a number", "IMG-12345678.jpg", false},
		{"a word of hexadecimal letters", "feedface.css", false},
		{"a word and a year", "atom-feed2024.xml", false},
		{"a word in the assets", "assets/my-document.js", false},
		{"a capitalised word", "assets/about-Settings.js", false},
		{"two words", "assets/user-UserList.js", false},
		{"four words", "assets/x-JsonToDo.js", false},
		{"a word and a number", "assets/photo-Summer24.jpg", false},
		{"an abbreviation and a word", "assets/x-SVGIcons.svg", false},
		{"a word and an abbreviation", "assets/x-MakePDFS.js", false},
		{"a name alone", "assets/Qz8bK1xw.js", false},
		{"words with an underscore", "assets/x-My_Photo.jpg", false},
		{"capitals and a year", "guide-SUMMER24.js", false},
		{"capitals for a picture", "photo-7QKZ3J2P.jpg", false},
		{"mixed case outside of build output", "files/index-BZ0vHKyV.pdf", false},
		{"a UUID", "550e8400-e29b-41d4-a716-446655440000.jpg", false},
		{"a UUID behind a word", "avatar-550e8400-e29b-41d4-a716-446655440000.jpg", false},
		{"an object's identity", "507f1f77bcf86cd799439011.jpg", false},
		{"too short a hash", "app-4f2a9c.js", false},
		{"capital hexadecimal", "app-4F2A9C0B.txt", false},
		{"a hash for an extension", "file.4f2a9c0b", false},
		{"a hash without an extension", "4f2a9c0b1d2e3f40", false},
		{"a directory's hash", "4f2a9c0b1d2e3f40/app.js", false},
		{"Next's data", "_next/data/x/index.json", false},
		{"a name that ends like a directory", "my_next/static/app.js", false},
		{"nothing", "", false},
	}
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			if got := fingerprinted([]byte(test.name), false); got != test.want {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
			}
		})
	}
	if !fingerprinted([]byte("index-BZ0vHKyV.js"), true) {
		t.Error("the root is the directory of build output, and the name is not known")
	}
}

// TestFingerprintsOfHashes bounds how many real hashes are not recognised: they are
// served as well, but revalidated.
func TestFingerprintsOfHashes(t *testing.T) {
	const (
		hex    = "0123456789abcdef"
		base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	)
	state := uint64(1)
	random := func(alphabet string) string {
		b := make([]byte, 8)
		for i := range b {
			state = state*6364136223846793005 + 1442695040888963407
			b[i] = alphabet[(state>>33)%uint64(len(alphabet))]
		}
		return string(b)
	}
	const rounds = 10_000
	missed := map[string]int{}
	for range rounds {
		if !fingerprinted([]byte("main."+random(hex)+".js"), false) {
			missed["hex"]++
		}
		if !fingerprinted([]byte("assets/index-"+random(base64)+".js"), false) {
			missed["base64"]++
		}
	}
	t.Logf("of %d, not recognised: %v", rounds, missed)
	for kind, n := range missed {
		if n > rounds/10 {
			t.Errorf("%s: %d of %d", kind, n, rounds)
		}
	}
}

func TestCacheControl(t *testing.T) {
	files := map[string]string{
		"index.html": "home", "page.html": "page", "app.js": "1", "main.3f2a9c0b.js": "1",
		"index.3f2a9c0b.html": "hashed page", "start": "an index without an extension", "x.xhtml": "x",
	}
	tests := []struct {
		path string
		want string
	}{
		{"/", "no-cache"},
		{"/index.html", "no-cache"},
		{"/page.html", "no-cache"},
		{"/x.xhtml", "no-cache"},
		{"/index.3f2a9c0b.html", "no-cache"},
		{"/app.js", ""},
		{"/main.3f2a9c0b.js", "max-age=31536000, immutable"},
		{"/none.3f2a9c0b.js", ""},
	}
	on := newFixture(t, Options{}, files)
	off := newFixture(t, Options{NoCacheControl: true}, files)
	for _, test := range tests {
		if got := field(on.get(test.path), "Cache-Control"); got != test.want {
			t.Errorf("%s: %q, want %q", test.path, got, test.want)
		}
		if got := field(off.get(test.path), "Cache-Control"); got != "" {
			t.Errorf("%s: %q although it is off", test.path, got)
		}
	}
	named := newFixture(t, Options{Index: []string{"start"}}, files)
	if got := field(named.get("/"), "Cache-Control"); got != "no-cache" {
		t.Errorf("the root's index without an extension: %q", got)
	}
}
