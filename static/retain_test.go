package static

import (
	"fmt"
	"testing"
)

// TestRetain replaces, evicts and expires a file that is being sent.
func TestRetain(t *testing.T) {
	for name, content := range map[string]string{"memory": "small and old", "descriptor": large} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{}, map[string]string{"a.txt": content})
			f.get("/a.txt")
			f.finish()
			a := f.get("/a.txt")
			f.cache.Retain(a.Entry)
			f.cache.Retain(a.Entry)
			token := a.Entry.Token()
			if token == 0 {
				t.Fatal("a token is zero")
			}

			f.replace("a.txt", "new")
			f.now++
			expect(t, f.get("/a.txt"), 200, "new")
			f.finish()
			expect(t, a, 200, content)
			if got := f.store.Counts().Leaving; got != 1 {
				t.Errorf("%d entries are leaving, want 1", got)
			}
			for i := range 400 {
				f.write(fmt.Sprintf("fill%d.txt", i), numbered(i, 2000))
				expect(t, f.get(fmt.Sprintf("/fill%d.txt", i)), 200, numbered(i, 2000))
				f.finish()
			}
			f.pass(idleMostly + 1)
			expect(t, a, 200, content)

			f.cache.ReleaseToken(token)
			f.finish()
			expect(t, a, 200, content)
			f.cache.Release(a.Entry)
			f.finish()
			if got := f.store.Counts(); got.Leaving != 0 || got.Files != 0 || got.Descriptors != 0 || got.Bytes != 0 {
				t.Errorf("after the last release: %+v", got)
			}
		})
	}
}

// TestGrace shows that what was dropped stays until every reader has come by.
func TestGrace(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "old"})
	f.get("/a.txt")
	f.finish()
	f.deaf = true
	a := f.get("/a.txt")
	f.replace("a.txt", "new")
	f.now++
	expect(t, f.get("/a.txt"), 200, "new")
	f.finish()
	expect(t, a, 200, "old")
	if !f.store.Sweep() || f.store.Counts().Leaving != 1 {
		t.Errorf("%+v", f.store.Counts())
	}
	// What is found between the grace period's beginning and its end is the new one.
	f.cache.Retain(f.get("/a.txt").Entry)
	f.cache.Pass(&Farewell{f.store.grace.number, f.store.grace.tokens})
	if f.store.Sweep() || f.store.Counts().Leaving != 0 {
		t.Errorf("%+v", f.store.Counts())
	}
	f.cache.Release(f.get("/a.txt").Entry)
	f.deaf = false
}

// TestGraceOfSeveral has a second reader that has not come by, holds what is dropped, or has
// ended.
func TestGraceOfSeveral(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "old"})
	other := f.reader()
	get := Request{GET: true, Path: []byte("/a.txt"), RawPath: []byte("/a.txt")}
	f.get("/a.txt")
	f.finish()
	a := f.serveBy(other, f.site, get)
	expect(t, a, 200, "old")
	other.Retain(a.Entry)
	f.replace("a.txt", "new")
	f.now++
	expect(t, f.get("/a.txt"), 200, "new")
	f.finish()
	expect(t, a, 200, "old")
	expect(t, f.serveBy(other, f.site, get), 200, "new")
	other.Release(a.Entry)
	if f.store.Sweep() {
		t.Errorf("%+v", f.store.Counts())
	}
	if n := other.Close(); n != 0 {
		t.Errorf("%d holds are left", n)
	}
	f.deaf = true
	f.replace("a.txt", "newer")
	f.now++
	f.get("/a.txt")
	f.deaf = false
	if f.finish(); f.store.Counts().Leaving != 0 {
		t.Errorf("waits for a reader that has ended: %+v", f.store.Counts())
	}
}

func TestReleaseTwicePanics(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	f.get("/a.txt")
	f.finish()
	a := f.get("/a.txt")
	f.cache.Retain(a.Entry)
	f.cache.Release(a.Entry)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f.cache.Release(a.Entry)
}

func TestCloseReportsHolds(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	a := f.get("/a.txt")
	f.finish()
	f.cache.Retain(a.Entry)
	if got := f.cache.Close(); got != 1 {
		t.Errorf("Close reports %d holds, want 1", got)
	}
	expect(t, a, 200, "one")
	f.cache.Release(a.Entry)
}
