package static

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// watching is a fixture whose store watches.
func watching(t *testing.T, o Options, files map[string]string) *fixture {
	f := newFixture(t, o, files)
	f.open(StoreOptions{Entries: 256, Descriptors: 64, Watch: true})
	if f.store.WatchFD() < 0 {
		t.Fatal("the kernel gives no inotify: raise fs.inotify.max_user_instances")
	}
	return f
}

// heed takes the events that have come, until there are none for a moment.
func (f *fixture) heed() {
	f.t.Helper()
	buffer := make([]byte, 64<<10)
	for {
		n, err := unix.Read(f.store.WatchFD(), buffer)
		if err == unix.EAGAIN {
			return
		}
		if err != nil {
			f.t.Fatal(err)
		}
		f.store.Notify(buffer[:n])
	}
}

// TestWatchedFilesAreBelieved shows that what is watched is not looked at again and again, and
// what cannot be watched is.
func TestWatchedFilesAreBelieved(t *testing.T) {
	f := watching(t, Options{}, map[string]string{"a.txt": "a", "sub/b.txt": "b", "dir/index.html": "i", "real/x": "x"})
	f.link("real", "alias")
	f.link("a.txt", "alias.txt")
	for path, watched := range map[string]bool{
		"/a.txt": true, "/sub/b.txt": true, "/dir/": true, "/dir": true, "/none": true, "/sub/none/none": true, "/.git": true,
		"/alias/x": false, "/alias.txt": false, "/alias/none": false,
	} {
		f.get(path)
		f.finish()
		f.ms += 4 * polledLease
		r := Request{GET: true, Path: []byte(path), RawPath: []byte(path), Now: f.clock()}
		hash := f.store.hashOf(f.site.id, r.Path, 0)
		e := f.store.lookup(hash, f.site.id, r.Path, 0)
		if e == nil {
			t.Fatalf("%s is not kept", path)
		}
		if got := remaining(e.lease.Load(), f.site.generation.Load(), f.clock()) > 0; got != watched {
			t.Errorf("%s is believed: %t, want %t", path, got, watched)
		}
	}
}

// TestChangesAreTold changes what is watched in every way: the next request sees it, though
// hardly any time has passed.
func TestChangesAreTold(t *testing.T) {
	f := watching(t, Options{}, map[string]string{"a.txt": "one", "sub/deep/b.txt": "b", "dir/x": "x"})
	f.link("sub", "linked")
	steps := []struct {
		name, path string
		before     int
		change     func()
		after      int
		content    string
	}{
		{"replaced", "/a.txt", 200, func() { f.replace("a.txt", "two") }, 200, "two"},
		{"rewritten", "/a.txt", 200, func() { f.write("a.txt", "three") }, 200, "three"},
		{"touched", "/a.txt", 200, func() {
			if err := os.Chtimes(filepath.Join(f.dir, "a.txt"), time.Time{}, time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		}, 200, "three"},
		{"removed", "/a.txt", 200, func() { f.remove("a.txt") }, 404, ""},
		{"back", "/a.txt", 404, func() { f.write("a.txt", "four") }, 200, "four"},
		{"in a directory that comes", "/new/c.txt", 404, func() { f.write("new/c.txt", "c") }, 200, "c"},
		{"and in one below it", "/new/er/d.txt", 404, func() { f.write("new/er/d.txt", "d") }, 200, "d"},
		{"an index", "/dir/", 404, func() { f.write("dir/index.html", "index") }, 200, "index"},
		{"a redirect", "/bare", 404, func() { f.write("bare/index.html", "x") }, 301, ""},
		{"whose directory loses its index", "/bare", 301, func() { f.remove("bare/index.html") }, 404, ""},
		{"a directory above", "/sub/deep/b.txt", 200, func() { f.rename("sub", "gone") }, 404, ""},
		{"another in its place", "/sub/deep/b.txt", 404, func() { f.write("other/deep/b.txt", "another"); f.rename("other", "sub") }, 200, "another"},
		{"and that is watched", "/sub/deep/b.txt", 200, func() { f.write("sub/deep/b.txt", "changed") }, 200, "changed"},
		{"a link in place of a directory", "/sub/deep/b.txt", 200, func() { f.rename("sub", "was"); f.link("gone", "sub") }, 200, "b"},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			if a := f.get(step.path); a.Status != step.before {
				t.Fatalf("before: %d, want %d", a.Status, step.before)
			}
			f.heed()
			f.get(step.path)
			f.finish()
			step.change()
			f.heed()
			f.ms++
			a := f.get(step.path)
			if a.Status != step.after || step.content != "" && body(t, a) != step.content {
				t.Errorf("after: %d %q, want %d %q", a.Status, body(t, a), step.after, step.content)
			}
		})
	}
}

func (f *fixture) rename(from, to string) {
	f.t.Helper()
	if err := os.Rename(filepath.Join(f.dir, from), filepath.Join(f.dir, to)); err != nil {
		f.t.Fatal(err)
	}
}

// TestRootMovedIsTold swaps the root, whose old directory goes at once: nobody gets to see that
// something is missing.
func TestRootMovedIsTold(t *testing.T) {
	f := watching(t, Options{}, map[string]string{"a.txt": "0"})
	for i := range 20 {
		expect(t, f.get("/a.txt"), 200, fmt.Sprint(i))
		next := f.dir + ".next"
		if err := os.Mkdir(next, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(next, "a.txt"), []byte(fmt.Sprint(i+1)), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{os.Rename(f.dir, f.dir+".old"), os.Rename(next, f.dir), os.RemoveAll(f.dir + ".old")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		f.heed()
		f.finish()
	}
	expect(t, f.get("/a.txt"), 200, "20")
	if c := f.store.Counts(); c.Roots != 20 || c.Watches > 1 {
		t.Errorf("%+v", c)
	}
}

// TestOverflow loses events: then everything is looked at again.
func TestOverflow(t *testing.T) {
	f := watching(t, Options{}, map[string]string{"a.txt": "one"})
	expect(t, f.get("/a.txt"), 200, "one")
	f.finish()
	f.replace("a.txt", "two")
	expect(t, f.get("/a.txt"), 200, "one")
	event := make([]byte, eventSize)
	binary.NativeEndian.PutUint32(event, ^uint32(0))
	binary.NativeEndian.PutUint32(event[4:], unix.IN_Q_OVERFLOW)
	f.store.Notify(event)
	expect(t, f.get("/a.txt"), 200, "two")
	// What is no event is none.
	f.store.Notify(event[:7])
	binary.NativeEndian.PutUint32(event[12:], 1<<20)
	f.store.Notify(event)
}

// TestWatchesAreTidied ends the watches of directories that nobody asks for, and of sites.
func TestWatchesAreTidied(t *testing.T) {
	f := watching(t, Options{}, map[string]string{"a.txt": "one", "sub/b.txt": "b"})
	f.get("/a.txt")
	f.get("/sub/b.txt")
	if n := f.store.Counts().Watches; n != 2 {
		t.Errorf("%d watches", n)
	}
	for range idleMostly + 2 {
		f.get("/a.txt")
		f.pass(1)
	}
	if n := f.store.Counts().Watches; n != 1 {
		t.Errorf("%d watches after ten minutes", n)
	}
	f.pass(idleMostly + 2)
	f.store.FollowRoots()
	if c := f.store.Counts(); c.Watches != 0 || len(f.store.places) != 0 || len(f.store.watches.byNumber) != 0 {
		t.Errorf("%+v", c)
	}
	expect(t, f.get("/sub/b.txt"), 200, "b")
	f.heed()
}

// TestFileSystems names some whose events can be relied on, and some where they cannot.
func TestFileSystems(t *testing.T) {
	for magic, want := range map[int64]bool{
		unix.EXT4_SUPER_MAGIC: true, unix.TMPFS_MAGIC: true, unix.XFS_SUPER_MAGIC: true,
		unix.NFS_SUPER_MAGIC: false, unix.OVERLAYFS_SUPER_MAGIC: false, unix.FUSE_SUPER_MAGIC: false, 0: false,
	} {
		if tellsOfChanges(magic) != want {
			t.Errorf("%x: %t", magic, !want)
		}
	}
}
