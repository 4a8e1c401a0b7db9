package static

import (
	"fmt"
	"testing"
)

// TestCoalesced has others ask for a file while it is being looked for: all get the same entry,
// from one look.
func TestCoalesced(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	var waits []*Wait
	loader := NewLoader()
	more := 5
	unix := f.store.o.Unix
	f.store.o.Unix = func() int64 {
		// This is asked for in the middle of loading.
		for ; more > 0; more-- {
			r := Request{GET: true, Path: []byte("/a.txt"), Now: f.clock()}
			w := new(Wait)
			w.Keep(&r)
			f.store.Handle(loader, &Ask{kind: askFind, site: f.site, path: w.request.Path, wait: w, reader: f.cache})
			waits = append(waits, w)
		}
		return unix()
	}
	a := f.get("/a.txt")
	expect(t, a, 200, "one")
	for _, w := range waits {
		if w.count != 1 || w.held[0] != a.Entry.Token() {
			t.Errorf("%d entries came, %v", w.count, w.held)
		}
		f.cache.Finish(w)
	}
	if c := f.store.Counts(); c.Loads != 1 || c.Coalesced != 5 {
		t.Errorf("%+v", c)
	}
}

// TestRenewAhead shows that a file that is in use is looked after before anybody has to wait.
func TestRenewAhead(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	f.get("/a.txt")
	f.finish()
	for range 20 {
		f.ms += renewAhead + 1
		r := Request{GET: true, Path: []byte("/a.txt"), Now: f.clock()}
		var a Answer
		if f.cache.Serve(f.site, &r, &a); a.Wanted {
			t.Fatal("somebody has to wait")
		}
	}
	if c := f.store.Counts(); c.Loads != 1 || c.Checks != 20 {
		t.Errorf("%+v", c)
	}
	// A renewal that finds another file puts that in place, for the next.
	f.replace("a.txt", "two")
	f.ms += renewAhead + 1
	expect(t, f.get("/a.txt"), 200, "one")
	expect(t, f.get("/a.txt"), 200, "two")
	// And when nobody can be asked, the lease just ends.
	f.lost = true
	f.ms += renewAhead + 1
	expect(t, f.get("/a.txt"), 200, "two")
	f.ms += polledLease
	expect(t, f.get("/a.txt"), 503, "503 Service Unavailable\n")
	f.lost = false
	expect(t, f.get("/a.txt"), 200, "two")
}

// TestWaitsThatComeToNothing gives up what was asked for.
func TestWaitsThatComeToNothing(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	f.lost = true
	expect(t, f.get("/a.txt"), 503, "503 Service Unavailable\n")
	f.lost = false
	w := new(Wait)
	r := Request{GET: true, Path: []byte("/a.txt"), Now: f.clock()}
	w.Keep(&r)
	var a Answer
	f.cache.Serve(f.site, &r, &a)
	f.cache.Submit(w)
	// The client has gone.
	f.cache.Finish(w)
	f.finish()
	expect(t, f.get("/a.txt"), 200, "one")
}

// TestManyFiles asks for 100,000 different files, some of them again and again, with room for a
// few thousand: memory stays within its bounds, and what is asked for often stays.
func TestManyFiles(t *testing.T) {
	const distinct, often = 100_000, 200
	f := newFixture(t, Options{}, nil)
	f.open(StoreOptions{Bytes: 4 << 20, Descriptors: 16})
	// A hundred links to the root itself and ten files make that many paths.
	for i := range 100 {
		f.link(".", fmt.Sprintf("x%d", i))
	}
	for i := range 10 {
		f.write(fmt.Sprintf("f%d", i), numbered(i, 600))
	}
	places := len(f.store.entries)
	path := func(i int) string { return fmt.Sprintf("/x%d/x%d/f%d", i/1000, i/10%100, i%10) }
	ask := func(i int) *Answer {
		return f.serveBy(f.cache, f.site, Request{GET: true, Path: []byte(path(i)), RawPath: rootPath})
	}
	for i := range distinct {
		if i%20 == 0 {
			for k := range 3 {
				ask((i/20*3 + k) % often)
			}
			f.finish()
			if i%10_000 == 0 {
				f.pass(1)
			}
		}
		if a := ask(i); a.Status != 200 || a.Length != 600 {
			t.Fatalf("%s: %d, %d octets", path(i), a.Status, a.Length)
		}
		if c := f.store.Counts(); c.Bytes > f.store.arena.size() || c.Files+c.Minor+c.Leaving >= places || c.Descriptors > 16 {
			t.Fatalf("after %d files: %+v", i, c)
		}
	}
	before := f.store.Counts()
	for i := range often {
		ask(i)
	}
	if c := f.store.Counts(); c.Loads-before.Loads > often/20 {
		t.Errorf("%d of %d files in use were pushed out: %+v", c.Loads-before.Loads, often, c)
	}
}
