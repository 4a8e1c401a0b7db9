package static

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// large is content that is sent from a descriptor.
var large = strings.Repeat("0123456789abcdef", 3000)

func TestSmallAndLarge(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{
		"limit.bin": numbered(1, smallLimit),
		"above.bin": numbered(2, smallLimit+1),
		"empty.bin": "",
	})
	a := f.get("/limit.bin")
	expect(t, a, 200, numbered(1, smallLimit))
	if a.Mem == nil || a.FD >= 0 {
		t.Error("content of the limit's length is not in memory")
	}
	a = f.get("/above.bin")
	expect(t, a, 200, numbered(2, smallLimit+1))
	if a.Mem != nil || a.FD < 0 {
		t.Error("content beyond the limit is not sent from its descriptor")
	}
	a = f.get("/empty.bin")
	expect(t, a, 200, "")
	if a.Entry != nil || a.Length != 0 || a.Whole == nil {
		t.Errorf("empty content: %+v", a)
	}
	if got := f.store.Counts(); got.Descriptors != 1 {
		t.Errorf("%d descriptors are held, want only that of the large file", got.Descriptors)
	}
}

func TestRangesOfBothKinds(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"small.txt": "0123456789", "large.txt": large})
	for path, content := range map[string]string{"/small.txt": "0123456789", "/large.txt": large} {
		a := f.serve(Request{GET: true, Path: []byte(path), Range: []byte("bytes=3-6")})
		expect(t, a, 206, content[3:7])
		if got, want := field(a, "Content-Range"), fmt.Sprintf("bytes 3-6/%d", len(content)); got != want {
			t.Errorf("Content-Range %q, want %q", got, want)
		}
		for _, name := range []string{"ETag", "Last-Modified", "Content-Type", "Accept-Ranges"} {
			if field(a, name) == "" {
				t.Errorf("206 without %s", name)
			}
		}
	}
}

// TestBeyond4GiB uses a sparse file, so it takes no room on the disk.
func TestBeyond4GiB(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"huge.iso": "start"})
	const size = 5<<30 + 3
	path := filepath.Join(f.dir, "huge.iso")
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte("end"), size-3); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if a := f.serve(Request{HEAD: true, Path: []byte("/huge.iso")}); a.Length != size {
		t.Errorf("length %d, want %d", a.Length, int64(size))
	}
	if a := f.get("/huge.iso"); a.Length != size || a.Off != 0 || a.FD < 0 {
		t.Errorf("length %d at %d", a.Length, a.Off)
	}
	a := f.serve(Request{GET: true, Path: []byte("/huge.iso"), Range: []byte("bytes=-3")})
	expect(t, a, 206, "end")
	if got, want := field(a, "Content-Range"), "bytes 5368709120-5368709122/5368709123"; got != want {
		t.Errorf("Content-Range %q, want %q", got, want)
	}
}

// TestYoung covers the two writes that a timestamp cannot tell apart: the times
// are set to what they were, and the file counts as young because the kernel's
// change time is recent.
func TestYoung(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	f.now = changeTime(t, filepath.Join(f.dir, "a.txt"))
	a := f.get("/a.txt")
	expect(t, a, 200, "one")
	tag := field(a, "ETag")
	if !strings.HasPrefix(tag, `W/"`) {
		t.Fatalf("the tag of a file that just changed is %s", tag)
	}
	ranged := Request{GET: true, Path: []byte("/a.txt"), Range: []byte("bytes=0-0"), IfRange: []byte(tag[2:])}
	expect(t, f.serve(ranged), 200, "one")

	f.now += youngSeconds
	a = f.get("/a.txt")
	if got := field(a, "ETag"); got != tag[2:] {
		t.Errorf("the tag became %s, want %s", got, tag[2:])
	}
	expect(t, f.serve(ranged), 206, "o")
	if loads := f.store.Counts().Loads; loads != 2 {
		t.Errorf("loaded %d times, want once young and once settled", loads)
	}
	f.now++
	f.get("/a.txt")
	if got := f.store.Counts(); got.Loads != 2 || got.Checks != 1 {
		t.Errorf("a settled file was loaded again: %+v", got)
	}
}

// changeTime is the second in which a file changed last.
func changeTime(t testing.TB, path string) int64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	sec, _ := st.Ctim.Unix()
	return sec
}

func TestLastModified(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"past.txt": "", "future.txt": "", "ancient.txt": ""})
	at := func(name string, sec int64) {
		when := time.Unix(sec, 999_999_999)
		if err := os.Chtimes(filepath.Join(f.dir, name), when, when); err != nil {
			t.Fatal(err)
		}
	}
	at("past.txt", 784111777)
	at("future.txt", f.now+86400)
	at("ancient.txt", -86400)
	if got := field(f.get("/past.txt"), "Last-Modified"); got != "Sun, 06 Nov 1994 08:49:37 GMT" {
		t.Errorf("past: %q", got)
	}
	// RFC 9110 8.8.2.1: never later than the Date of the response.
	want := time.Unix(f.now, 0).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	if got := field(f.get("/future.txt"), "Last-Modified"); got != want {
		t.Errorf("future: %q, want %q", got, want)
	}
	if got := field(f.get("/ancient.txt"), "Last-Modified"); got != "Thu, 01 Jan 1970 00:00:00 GMT" {
		t.Errorf("before the epoch: %q", got)
	}
}

func TestETagNanoseconds(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	path := filepath.Join(f.dir, "a.txt")
	seen := make(map[string]bool)
	for nsec := range int64(3) {
		when := time.Unix(1_700_000_000, nsec)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
		f.now += 5
		seen[field(f.get("/a.txt"), "ETag")] = true
	}
	if len(seen) != 3 || !seen[`"17979cfe362a0000-3"`] {
		t.Errorf("tags %v", seen)
	}
}

// TestReplacedWhileServed replaces two files as fast as another thread can, and
// checks that the length, the tag and the content of each answer are of one version.
func TestReplacedWhileServed(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"small.txt": version(0), "large.txt": version(0)})
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for i := 1; ; i++ {
			for name, size := range map[string]int{"small.txt": i % 500, "large.txt": smallLimit + i%500} {
				temporary := filepath.Join(f.dir, name+".new")
				err := os.WriteFile(temporary, []byte(version(size)), 0o644)
				if err == nil {
					err = os.Rename(temporary, filepath.Join(f.dir, name))
				}
				if err != nil {
					stopped <- err
					return
				}
			}
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
		}
	}()
	for range 3000 {
		f.now++
		f.finish()
		for _, path := range []string{"/small.txt", "/large.txt"} {
			a := f.get(path)
			content := body(t, a)
			if a.Status != 200 || content != version(len(content)-len(version(0))) {
				t.Fatalf("status %d, content %.80q", a.Status, content)
			}
			if tag := field(a, "ETag"); !strings.HasSuffix(tag, fmt.Sprintf("-%x\"", len(content))) {
				t.Fatalf("tag %s with %d octets", tag, len(content))
			}
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
}

// version is content that shows when it is not whole, or mixed with another: its
// filling depends on its length.
func version(size int) string {
	return fmt.Sprintf("[%08d]", size) + strings.Repeat(string(rune('a'+size%26)), size)
}

// TestContentChanged reads a file whose status is out of date, which is what a
// write between the two looks like: nothing of it may be kept.
func TestContentChanged(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "four"})
	for name, change := range map[string]func(*fileStat){
		"it was longer":  func(st *fileStat) { st.size++ },
		"it was shorter": func(st *fileStat) { st.size-- },
		"it was older":   func(st *fileStat) { st.mtime-- },
	} {
		t.Run(name, func(t *testing.T) {
			fd, err := unix.Open(filepath.Join(f.dir, "a.txt"), openFlags, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			var st fileStat
			if errno := statOf(fd, &st); errno != 0 {
				t.Fatal(errno)
			}
			change(&st)
			l := NewLoader()
			l.found.fd = fd
			if l.read(&st) || l.found.inMemory {
				t.Error("it was taken for what it was")
			}
		})
	}
}
