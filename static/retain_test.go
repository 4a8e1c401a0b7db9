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
			a := f.get("/a.txt")
			f.cache.Retain(a.Entry)
			f.cache.Retain(a.Entry)
			token := a.Entry.Token()
			if token == 0 {
				t.Fatal("a token is zero")
			}

			f.replace("a.txt", "new")
			f.now += checkInterval
			expect(t, f.get("/a.txt"), 200, "new")
			expect(t, a, 200, content)
			if got := f.cache.Stats().Detached; got != 1 {
				t.Errorf("%d detached entries, want 1", got)
			}
			for i := range 400 {
				f.write(fmt.Sprintf("fill%d.txt", i), numbered(i, 2000))
				expect(t, f.get(fmt.Sprintf("/fill%d.txt", i)), 200, numbered(i, 2000))
			}
			f.now += 10 * idleLimit
			for range 20 {
				f.cache.Expire(f.now)
			}
			expect(t, a, 200, content)

			f.cache.ReleaseToken(token)
			expect(t, a, 200, content)
			f.cache.Release(a.Entry)
			if got := f.cache.Stats(); got.Detached != 0 || got.Files != 0 || got.Descriptors != 0 || got.MemoryBytes != 0 {
				t.Errorf("after the last release: %+v", got)
			}
		})
	}
}

func TestReleaseTwicePanics(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
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

func TestCloseReportsRetained(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	c := NewCache(minEntries, 1<<20)
	var a Answer
	c.Serve(f.site, &Request{GET: true, Path: []byte("/a.txt"), Now: f.now}, &a)
	c.Retain(a.Entry)
	if got := c.Close(); got != 1 {
		t.Errorf("Close reports %d retained entries, want 1", got)
	}
	expect(t, &a, 200, "one")
	c.Release(a.Entry)
	if got := c.Close(); got != 0 {
		t.Errorf("Close reports %d retained entries after the release", got)
	}
}
