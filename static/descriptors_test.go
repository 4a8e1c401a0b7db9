package static

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestDescriptorsAreNotLeaked(t *testing.T) {
	before := openDescriptors(t)
	f := newFixture(t, Options{}, map[string]string{
		"small.txt": "s", "large.bin": large, "empty": "", "dir/index.html": "i", "bare/x": "x",
	})
	f.link("../..", "up")
	paths := []string{
		"/small.txt", "/large.bin", "/empty", "/dir", "/dir/", "/bare", "/bare/", "/none", "/up", "/up/x", "/.git", "/%00",
	}
	for round := range 50 {
		for _, path := range paths {
			f.get(path)
			f.serve(Request{HEAD: true, Path: []byte(path)})
			f.serve(Request{GET: true, Path: []byte(path), Range: []byte("bytes=0-0")})
			f.serve(Request{GET: true, Path: []byte(path), Accept: []byte("text/html")})
		}
		if round%3 == 0 {
			f.replace("large.bin", large+numbered(round, 50))
			f.replace("small.txt", numbered(round, 50))
		}
		f.now++
		f.finish()
	}
	// The site's root, the store's root, and one large file.
	if got := openDescriptors(t) - before; got != 3 {
		t.Errorf("%d descriptors are in use, want 3", got)
	}
	f.close()
	f.site.Close()
	if got := openDescriptors(t) - before; got != 0 {
		t.Errorf("%d descriptors are left", got)
	}
}

// TestOutOfDescriptors lowers the limit to what is open, so that any open fails.
func TestOutOfDescriptors(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.bin": large, "b.bin": large + "b", "s.txt": "small"})
	expect(t, f.get("/a.bin"), 200, large)
	f.finish()
	held := f.get("/a.bin")
	f.cache.Retain(held.Entry)
	restore := exhaustDescriptors(t)

	f.now++
	expect(t, f.get("/a.bin"), 200, large)
	f.finish()
	a := f.get("/b.bin")
	expect(t, a, 503, "503 Service Unavailable\n")
	if field(a, "Retry-After") != "1" {
		t.Errorf("%q", a.Block)
	}
	f.finish()

	// A descriptor that nobody needs is given up for the new file.
	f.cache.Release(held.Entry)
	f.finish()
	expect(t, f.get("/b.bin"), 200, large+"b")
	if got := f.store.Counts(); got.Descriptors != 1 {
		t.Errorf("%d descriptors are held", got.Descriptors)
	}

	restore()
	expect(t, f.get("/a.bin"), 200, large)
	expect(t, f.get("/s.txt"), 200, "small")
}

// exhaustDescriptors fills the descriptor table up to a lowered limit.
func exhaustDescriptors(t *testing.T) (restore func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	low := old
	low.Cur = uint64(openDescriptors(t) + 20)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	var fill []int
	for {
		fd, err := unix.Dup(0)
		if err != nil {
			break
		}
		fill = append(fill, fd)
	}
	done := false
	restore = func() {
		if done {
			return
		}
		done = true
		for _, fd := range fill {
			unix.Close(fd)
		}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(restore)
	return restore
}
