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
	f.now++
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
			f.now++
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

// TestOnceIsNotOften goes through a site while some of it is asked for again and again: those
// files stay, and most others are not kept at all.
func TestOnceIsNotOften(t *testing.T) {
	f := newFixture(t, Options{}, nil)
	f.open(StoreOptions{Entries: 64, Descriptors: 8})
	const often, once = 20, 600
	for i := range often + once {
		f.write(fmt.Sprintf("f%d.txt", i), numbered(i, 100))
	}
	for range 5 {
		for i := range often {
			expect(t, f.get(fmt.Sprintf("/f%d.txt", i)), 200, numbered(i, 100))
		}
	}
	for i := often; i < often+once; i++ {
		expect(t, f.get(fmt.Sprintf("/f%d.txt", i)), 200, numbered(i, 100))
		if got := f.store.Counts(); got.Files > 56 {
			t.Fatalf("%d files are kept", got.Files)
		}
		if i%50 == 0 {
			f.finish()
		}
	}
	before := f.store.Counts()
	if before.Rejected == 0 {
		t.Error("all of them were kept")
	}
	for i := range often {
		expect(t, f.get(fmt.Sprintf("/f%d.txt", i)), 200, numbered(i, 100))
	}
	if got := f.store.Counts(); got.Loads != before.Loads {
		t.Errorf("%d of %d files in use were pushed out", got.Loads-before.Loads, often)
	}
}

// TestTasteChanges asks for other files from some time on: in the end these are kept.
func TestTasteChanges(t *testing.T) {
	f := newFixture(t, Options{}, nil)
	f.open(StoreOptions{Entries: 32, Descriptors: 8})
	for i := range 60 {
		f.write(fmt.Sprintf("f%d.txt", i), numbered(i, 100))
	}
	ask := func(from, to int) {
		for i := from; i < to; i++ {
			expect(t, f.get(fmt.Sprintf("/f%d.txt", i)), 200, numbered(i, 100))
		}
		f.finish()
	}
	for range 20 {
		ask(0, 28)
	}
	for range 40 {
		ask(30, 50)
		f.pass(1)
	}
	ask(30, 50)
	before := f.store.Counts().Loads
	ask(30, 50)
	if got := f.store.Counts().Loads - before; got > 3 {
		t.Errorf("%d of 20 files in use are not kept", got)
	}
}

// TestInventedPaths shows that paths a client makes up do not push out files,
// whether nothing is there or they are other spellings of the same.
func TestInventedPaths(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	f.get("/a.txt")
	for i := range 1000 {
		if i%20 == 0 {
			f.finish()
		}
		expect(t, f.get(fmt.Sprintf("/none%d", i)), 404, "404 Not Found\n")
		expect(t, f.get("/"+spelling("a.txt", i%31+1)), 200, "one")
	}
	expect(t, f.get("/"+strings.Repeat("x", missPathLimit)), 404, "404 Not Found\n")
	if got := f.store.Counts(); got.Minor > f.store.most[rankMinor] || got.Files != 1 {
		t.Errorf("%d files and %d others are held", got.Files, got.Minor)
	}
	loads := f.store.Counts().Loads
	f.get("/a.txt")
	if got := f.store.Counts().Loads; got != loads {
		t.Error("the file was pushed out")
	}
}

// spelling percent-encodes the octets of a name whose bits are set.
func spelling(name string, bits int) string {
	var b strings.Builder
	for i := range len(name) {
		if bits>>i&1 != 0 {
			fmt.Fprintf(&b, "%%%02x", name[i])
		} else {
			b.WriteByte(name[i])
		}
	}
	return b.String()
}

func TestFailuresAreRemembered(t *testing.T) {
	f := newFixture(t, Options{}, nil)
	f.get("/a.txt")
	f.write("a.txt", "now there")
	expect(t, f.get("/a.txt"), 404, "404 Not Found\n")
	// Both the path and the page for what is not found are known not to be there.
	f.cache.Tick()
	if hits, misses := f.cache.Readings(); hits != 2 || misses != 2 || f.store.Counts().Loads != 2 {
		t.Errorf("%d hits, %d misses, %+v", hits, misses, f.store.Counts())
	}
	f.now++
	expect(t, f.get("/a.txt"), 200, "now there")
}

func TestMemoryPressure(t *testing.T) {
	f := newFixture(t, Options{}, nil)
	f.open(StoreOptions{Bytes: 1, Entries: 256, Descriptors: 64})
	size := f.store.arena.size()
	for i := range 100 {
		f.write(fmt.Sprintf("f%d", i), numbered(i, 30_000))
	}
	for round := range 3 {
		for i := range 100 {
			expect(t, f.get(fmt.Sprintf("/f%d", i)), 200, numbered(i, 30_000))
			if got := f.store.Counts(); got.Bytes > size || got.Files > 30 {
				t.Fatalf("round %d: %+v", round, got)
			}
			f.finish()
		}
	}

	// While all that is kept is being sent, files are sent from their descriptors.
	var held []*Answer
	from := 0
	for i := range 100 {
		a := f.get(fmt.Sprintf("/f%d", i))
		expect(t, a, 200, numbered(i, 30_000))
		f.cache.Retain(a.Entry)
		held = append(held, a)
		if a.FD >= 0 {
			from++
		}
	}
	if from < 60 {
		t.Errorf("%d of 100 were sent from their descriptors", from)
	}
	f.finish()
	for i, a := range held {
		expect(t, a, 200, numbered(i, 30_000))
		f.cache.Release(a.Entry)
	}
	f.finish()
	if got := f.store.Counts(); got.Leaving != 0 {
		t.Errorf("%+v", got)
	}
}

// TestEverythingInUse has no place left for a further file, however much is dropped.
func TestEverythingInUse(t *testing.T) {
	f := newFixture(t, Options{}, nil)
	f.open(StoreOptions{Entries: minEntries, Descriptors: 4})
	places := len(f.store.entries) - 1
	var held []*Answer
	for i := 0; ; i++ {
		f.write(fmt.Sprintf("f%d", i), numbered(i, 100))
		a := f.get(fmt.Sprintf("/f%d", i))
		if a.Status == 503 {
			if len(held) < places {
				t.Errorf("%d of %d places are in use", len(held), places)
			}
			break
		}
		expect(t, a, 200, numbered(i, 100))
		f.cache.Retain(a.Entry)
		held = append(held, a)
		f.finish()
	}
	for i, a := range held {
		expect(t, a, 200, numbered(i, 100))
		f.cache.Release(a.Entry)
	}
	f.finish()
	f.write("last", "last")
	expect(t, f.get("/last"), 200, "last")
}

func TestExpire(t *testing.T) {
	before := openDescriptors(t)
	f := newFixture(t, Options{}, map[string]string{"old.bin": large, "used.bin": large, "small.txt": "s"})
	f.get("/old.bin")
	f.get("/small.txt")
	f.get("/none")
	for range idlePasses + 1 {
		f.get("/used.bin")
		f.pass(1)
	}
	if got := f.store.Counts(); got.Files != 2 || got.Minor != 0 || got.Descriptors != 1 {
		t.Errorf("after a minute: %+v", got)
	}
	f.pass(idleMostly)
	if got := f.store.Counts(); got.Files != 0 || got.Bytes != 0 || got.Leaving != 0 {
		t.Errorf("after ten: %+v", got)
	}
	f.store.FollowRoots()
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
	get := Request{GET: true, Path: []byte("/a.txt"), RawPath: []byte("/a.txt")}
	for range 3 {
		expect(t, f.serveBy(f.cache, f.site, get), 200, "one")
		expect(t, f.serveBy(f.cache, other.site, get), 200, "two")
	}
	if got := f.store.Counts().Files; got != 2 {
		t.Errorf("%d files", got)
	}
}
