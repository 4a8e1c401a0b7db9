package static

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHitsDoNotAsk(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	expect(t, f.get("/a.txt"), 200, "one")
	f.replace("a.txt", "two")
	expect(t, f.get("/a.txt"), 200, "one")
	f.now += checkInterval
	expect(t, f.get("/a.txt"), 200, "two")
}

func TestRevalidation(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one", "b.txt": large, "dir/index.html": "dir"})
	tests := []struct {
		title  string
		path   string
		change func()
		status int
		want   string
	}{
		{"nothing changed", "/a.txt", func() {}, 200, "one"},
		{"replaced", "/a.txt", func() { f.replace("a.txt", "two") }, 200, "two"},
		{"rewritten with the same length", "/a.txt", func() { f.write("a.txt", "thr") }, 200, "thr"},
		{"grown beyond memory", "/a.txt", func() { f.write("a.txt", large) }, 200, large},
		{"shrunk into memory", "/a.txt", func() { f.write("a.txt", "four") }, 200, "four"},
		{"emptied", "/a.txt", func() { f.write("a.txt", "") }, 200, ""},
		{"removed", "/a.txt", func() { f.remove("a.txt") }, 404, "404 Not Found\n"},
		{"back again", "/a.txt", func() { f.write("a.txt", "five") }, 200, "five"},
		{"a directory in its place", "/a.txt", func() { f.remove("a.txt"); f.write("a.txt/index.html", "x") }, 301, "301 Moved Permanently\n"},
		{"an index that went", "/a.txt", func() { f.remove("a.txt/index.html") }, 404, "404 Not Found\n"},
		{"a link in its place", "/a.txt", func() { f.remove("a.txt"); f.link("b.txt", "a.txt") }, 200, large},
		{"a link that leads out", "/a.txt", func() { f.remove("a.txt"); f.link("../x", "a.txt") }, 404, "404 Not Found\n"},
		{"a directory's index", "/dir/", func() { f.replace("dir/index.html", "new") }, 200, "new"},
	}
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			f.get(test.path)
			test.change()
			f.now += checkInterval
			a := f.get(test.path)
			expect(t, a, test.status, test.want)
		})
	}
}

func (f *fixture) remove(name string) {
	f.t.Helper()
	if err := os.Remove(filepath.Join(f.dir, name)); err != nil {
		f.t.Fatal(err)
	}
}

// TestClockSetBack shows that a clock that was set back does not freeze the cache.
func TestClockSetBack(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	f.now += 1000
	expect(t, f.get("/a.txt"), 200, "one")
	f.replace("a.txt", "two")
	f.now -= 500
	expect(t, f.get("/a.txt"), 200, "two")
}

func TestEvictionKeepsWhatIsUsed(t *testing.T) {
	f := newFixture(t, Options{}, nil)
	f.cache.Close()
	f.cache = NewCache(minEntries, 1<<20)
	limit := f.cache.maxFiles
	for i := range 4 * limit {
		f.write(fmt.Sprintf("f%d.txt", i), numbered(i, 100))
	}
	for i := range 4 * limit {
		f.now++
		expect(t, f.get("/f0.txt"), 200, numbered(0, 100))
		expect(t, f.get(fmt.Sprintf("/f%d.txt", i)), 200, numbered(i, 100))
		if got := f.cache.Stats(); got.Files > limit {
			t.Fatalf("%d files are held, the limit is %d", got.Files, limit)
		}
	}
	before := f.cache.Stats()
	if before.Evictions == 0 {
		t.Error("nothing was evicted")
	}
	f.get("/f0.txt")
	f.get(fmt.Sprintf("/f%d.txt", 4*limit-1))
	if got := f.cache.Stats(); got.Loads != before.Loads {
		t.Error("a file in use was evicted")
	}
}

// TestInventedPaths shows that paths a client makes up do not push out files,
// whether nothing is there or they are other spellings of the same.
func TestInventedPaths(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	f.get("/a.txt")
	for i := range 1000 {
		expect(t, f.get(fmt.Sprintf("/none%d", i)), 404, "404 Not Found\n")
		expect(t, f.get(strings.Repeat("/", i%200+2)+"a.txt"), 200, "one")
	}
	expect(t, f.get("/"+strings.Repeat("x", missPathLimit)), 404, "404 Not Found\n")
	if got := f.cache.Stats(); got.Minor > f.cache.maxMinor || got.Files != 1 {
		t.Errorf("%d files and %d others are held", got.Files, got.Minor)
	}
	loads := f.cache.Stats().Loads
	f.get("/a.txt")
	if got := f.cache.Stats().Loads; got != loads {
		t.Error("the file was pushed out")
	}
}

func TestFailuresAreRemembered(t *testing.T) {
	f := newFixture(t, Options{}, nil)
	f.get("/a.txt")
	f.write("a.txt", "now there")
	expect(t, f.get("/a.txt"), 404, "404 Not Found\n")
	// Both the path and the page for what is not found are known not to be there.
	if got := f.cache.Stats(); got.Hits != 2 || got.Loads != 2 {
		t.Errorf("%+v", got)
	}
	f.now += checkInterval
	expect(t, f.get("/a.txt"), 200, "now there")
}

func TestMemoryPressure(t *testing.T) {
	f := newFixture(t, Options{}, nil)
	f.cache.Close()
	f.cache = NewCache(256, 2*pageSize)
	for i := range 100 {
		f.write(fmt.Sprintf("f%d", i), numbered(i, 5000))
	}
	for round := range 3 {
		for i := range 100 {
			expect(t, f.get(fmt.Sprintf("/f%d", i)), 200, numbered(i, 5000))
			if got := f.cache.Stats().MemoryBytes; got > 2*pageSize {
				t.Fatalf("round %d: %d octets are in use", round, got)
			}
		}
	}

	// With all memory in use, a file is sent from its descriptor.
	var held []*Answer
	for i := 0; ; i++ {
		a := f.get(fmt.Sprintf("/f%d", i))
		expect(t, a, 200, numbered(i, 5000))
		f.cache.Retain(a.Entry)
		held = append(held, a)
		if a.FD >= 0 {
			break
		}
	}
	if len(held) != 13 {
		t.Errorf("two pages hold %d files of 5000 octets, want 12", len(held)-1)
	}
	for i, a := range held {
		expect(t, a, 200, numbered(i, 5000))
		f.cache.Release(a.Entry)
	}
}

func TestNoMemory(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	f.cache.Close()
	f.cache = NewCache(0, 0)
	a := f.get("/a.txt")
	expect(t, a, 200, "one")
	if a.FD < 0 {
		t.Error("not sent from its descriptor")
	}
}

func TestExpire(t *testing.T) {
	before := openDescriptors(t)
	f := newFixture(t, Options{}, map[string]string{"old.bin": large, "used.bin": large, "small.txt": "s"})
	f.get("/old.bin")
	f.get("/small.txt")
	f.get("/none")
	for range idleLimit + 1 {
		f.now++
		f.get("/used.bin")
		f.cache.Expire(f.now)
	}
	if got := f.cache.Stats(); got.Files != 1 || got.Minor != 0 || got.Descriptors != 1 || got.MemoryBytes != 0 {
		t.Errorf("after a minute: %+v", got)
	}
	f.now += idleLimit + 1
	f.cache.Expire(f.now)
	// What is left is the site's own descriptor of its root.
	if got := openDescriptors(t) - before; got != 1 {
		t.Errorf("%d descriptors are left, want 1", got)
	}
	expect(t, f.get("/old.bin"), 200, large)
}

// TestSitesDoNotMix has two sites with the same paths in one cache.
func TestSitesDoNotMix(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	other := newFixture(t, Options{}, map[string]string{"a.txt": "two"})
	other.cache.Close()
	other.cache = f.cache
	for range 3 {
		expect(t, f.get("/a.txt"), 200, "one")
		expect(t, other.get("/a.txt"), 200, "two")
	}
}
