package static

import (
	"testing"
)

// hits are the requests that a warm cache answers without the file system.
func hits(t testing.TB) (*fixture, map[string]Request) {
	f := newFixture(t, Options{}, map[string]string{
		"index.html": "home", "assets/app-4f2a9c.js": "let a = 1", "large.bin": large, "dir/index.html": "dir",
	})
	get := func(path string) Request {
		return Request{GET: true, Path: []byte(path), RawPath: []byte(path), Now: f.clock()}
	}
	requests := map[string]Request{
		"small":    get("/assets/app-4f2a9c.js"),
		"large":    get("/large.bin"),
		"redirect": get("/dir"),
		"missing":  get("/none.js"),
	}
	r := get("/assets/app-4f2a9c.js")
	r.GET, r.HEAD = false, true
	requests["head"] = r
	a := f.get("/assets/app-4f2a9c.js")
	r = get("/assets/app-4f2a9c.js")
	r.IfNoneMatch = []byte(field(a, "ETag"))
	requests["etag"] = r
	r = get("/assets/app-4f2a9c.js")
	r.IfModifiedSince = []byte(field(a, "Last-Modified"))
	requests["since"] = r
	r = get("/large.bin")
	r.Range = []byte("bytes=100-199")
	requests["range"] = r
	r = get("/large.bin")
	r.Range = []byte("bytes=100-199,-1,1000-1999,20000-20999")
	requests["ranges"] = r
	r = get("/large.bin")
	r.Range = []byte("bytes=999999-")
	requests["unsatisfiable"] = r
	r = get("/users/7")
	r.Accept = []byte("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	requests["deep link"] = r
	for _, r := range requests {
		f.serve(r)
	}
	f.finish()
	return f, requests
}

func TestServeAllocatesNothing(t *testing.T) {
	f, requests := hits(t)
	for name, r := range requests {
		t.Run(name, func(t *testing.T) {
			var a Answer
			if f.cache.Serve(f.site, &r, &a); a.Wanted {
				t.Fatal("not a hit")
			}
			if got := testing.AllocsPerRun(100, func() {
				f.cache.Serve(f.site, &r, &a)
				for range len(a.Parts) {
					f.cache.Retain(a.Entry)
				}
				for range len(a.Parts) {
					f.cache.Release(a.Entry)
				}
				if a.Entry != nil {
					f.cache.Retain(a.Entry)
					f.cache.ReleaseToken(a.Entry.Token())
				}
			}); got != 0 {
				t.Errorf("%v allocations", got)
			}
		})
	}
}

func BenchmarkServe(b *testing.B) {
	f, requests := hits(b)
	for _, name := range []string{
		"small", "large", "head", "etag", "since", "range", "ranges", "unsatisfiable", "redirect", "missing", "deep link",
	} {
		r := requests[name]
		b.Run(name, func(b *testing.B) {
			var a Answer
			b.ReportAllocs()
			for b.Loop() {
				f.cache.Serve(f.site, &r, &a)
			}
		})
	}
}

// BenchmarkCheck is what the Store does for an entry whose lease has ended, and BenchmarkLoad
// for one that is not there.
func BenchmarkCheck(b *testing.B) {
	f, requests := hits(b)
	r := requests["small"]
	b.ReportAllocs()
	for b.Loop() {
		f.now++
		f.serve(r)
		f.finish()
	}
}

func BenchmarkLoad(b *testing.B) {
	f, requests := hits(b)
	r := requests["small"]
	b.ReportAllocs()
	for b.Loop() {
		f.store.drop(f.serve(r).Entry)
		f.finish()
	}
}
