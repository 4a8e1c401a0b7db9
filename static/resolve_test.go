package static

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLinks(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{
		"target.txt":       "target",
		"dir/file.txt":     "file",
		"dir/index.html":   "index",
		".data/secret.txt": "through a link",
	})
	outside := filepath.Join(filepath.Dir(f.dir), "secret.txt")
	if err := os.WriteFile(outside, []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(outside, filepath.Join(f.dir, "hard.txt")); err != nil {
		t.Fatal(err)
	}
	f.link("target.txt", "plain.txt")
	f.link("../target.txt", "dir/up.txt")
	f.link("dir", "alias")
	f.link("dir/../target.txt", "around.txt")
	f.link(".data/secret.txt", "shown.txt")
	f.link("../secret.txt", "out.txt")
	f.link("..", "updir")
	f.link(outside, "absolute.txt")
	f.link(filepath.Join(f.dir, "target.txt"), "absolute-inside.txt")
	f.link("../root/target.txt", "out-and-in.txt")
	f.link("/proc/self/root", "magic")
	f.link("loop.txt", "loop.txt")
	f.link("nothing", "dangling.txt")
	tests := []struct {
		path   string
		status int
		want   string
	}{
		{"/plain.txt", 200, "target"},
		{"/dir/up.txt", 200, "target"},
		{"/alias/file.txt", 200, "file"},
		{"/alias", 301, "301 Moved Permanently\n"},
		{"/alias/", 200, "index"},
		{"/around.txt", 200, "target"},
		{"/shown.txt", 200, "through a link"},
		{"/hard.txt", 200, "outside"},
		{"/out.txt", 404, "404 Not Found\n"},
		{"/updir/secret.txt", 404, "404 Not Found\n"},
		{"/updir", 404, "404 Not Found\n"},
		{"/updir/", 404, "404 Not Found\n"},
		{"/absolute.txt", 404, "404 Not Found\n"},
		{"/absolute-inside.txt", 404, "404 Not Found\n"},
		{"/out-and-in.txt", 404, "404 Not Found\n"},
		{"/magic/etc/passwd", 404, "404 Not Found\n"},
		{"/loop.txt", 404, "404 Not Found\n"},
		{"/dangling.txt", 404, "404 Not Found\n"},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) { expect(t, f.get(test.path), test.status, test.want) })
	}
}

// TestIrregular asks for what is not a file. None of the requests may block, nor may
// the FIFO's other end notice.
func TestIrregular(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"file": "x"})
	pipe := filepath.Join(f.dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Chdir(f.dir) // keeps the socket's path short
	listener, err := net.Listen("unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, path := range []string{"/pipe", "/socket", "/pipe/", "/file/", "/file/x"} {
		expect(t, f.get(path), 404, "404 Not Found\n")
	}
	if fd, err := unix.Open(pipe, unix.O_WRONLY|unix.O_NONBLOCK, 0); err != unix.ENXIO {
		t.Errorf("a reader is on the FIFO: %d, %v", fd, err)
	}
}

// TestDevice takes the device from the system's own directory.
func TestDevice(t *testing.T) {
	f := newFixture(t, Options{Root: "/dev"}, nil)
	for _, path := range []string{"/null", "/zero", "/random"} {
		expect(t, f.get(path), 404, "404 Not Found\n")
	}
}

func TestLongNames(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{strings.Repeat("n", nameMax): "longest"})
	expect(t, f.get("/"+strings.Repeat("n", nameMax)), 200, "longest")
	for _, path := range []string{
		"/" + strings.Repeat("n", nameMax+1),
		strings.Repeat("/dir", 1023),
		strings.Repeat("/dir", 5000),
		strings.Repeat("/%41", 5000),
		strings.Repeat("/dir", 1020) + "/",
	} {
		expect(t, f.get(path), 404, "404 Not Found\n")
	}
}

func TestForbidden(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{
		"file.txt": "x", "closed/index.html": "x", "closed/file.txt": "x", "dir/index.html": "x", "index.html": "home",
	})
	for _, name := range []string{"file.txt", "closed", "dir/index.html"} {
		if err := os.Chmod(filepath.Join(f.dir, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	asNobody(t, f.dir)
	for _, path := range []string{"/file.txt", "/closed/file.txt", "/closed/", "/dir/"} {
		expect(t, f.get(path), 403, "403 Forbidden\n")
		// A single-page application does not hide that something is there.
		a := f.serve(Request{GET: true, Path: []byte(path), Accept: []byte("text/html")})
		expect(t, a, 403, "403 Forbidden\n")
	}
	expect(t, f.get("/"), 200, "home")
	// The index is not opened for the redirect; that it may not be read shows afterwards.
	expect(t, f.get("/dir"), 301, "301 Moved Permanently\n")
	expect(t, f.get("/closed"), 403, "403 Forbidden\n")

	// Permissions count from the next check on, although the content did not change.
	// Another thread still is who it was.
	changed := make(chan error)
	go func() { changed <- os.Chmod(filepath.Join(f.dir, "index.html"), 0) }()
	if err := <-changed; err != nil {
		t.Fatal(err)
	}
	f.now++
	expect(t, f.get("/"), 403, "403 Forbidden\n")
}

// asNobody makes file access of this thread subject to permissions for the rest of
// the test, also when it runs as root.
func asNobody(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	// The temporary directories above are for their owner only.
	for ; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	if err := unix.Setfsuid(65534); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Setfsuid(0); err != nil {
			t.Error(err)
		}
		runtime.UnlockOSThread()
	})
}

func TestStatusOf(t *testing.T) {
	tests := map[unix.Errno]uint16{
		unix.ENOENT: 404, unix.ENOTDIR: 404, unix.ENAMETOOLONG: 404, unix.ELOOP: 404, unix.EXDEV: 404,
		unix.ENXIO: 404, unix.EACCES: 403, unix.EPERM: 403, unix.EMFILE: 503, unix.ENFILE: 503,
		unix.ENOMEM: 503, unix.EAGAIN: 503, unix.EIO: 500, unix.ESTALE: 500,
	}
	for errno, want := range tests {
		if got := statusOf(errno); got != want {
			t.Errorf("%v is %d, want %d", errno, got, want)
		}
	}
}

func TestMethods(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	for _, path := range []string{"/a.txt", "/none"} {
		a := f.serve(Request{Path: []byte(path)})
		expect(t, a, 405, "405 Method Not Allowed\n")
		if field(a, "Allow") != "GET, HEAD" {
			t.Errorf("%q", a.Block)
		}
		a = f.serve(Request{OPTIONS: true, Path: []byte(path)})
		expect(t, a, 204, "")
		if field(a, "Allow") != "GET, HEAD" || a.Length != -1 {
			t.Errorf("%q, length %d", a.Block, a.Length)
		}
	}
}

func TestHeadOfErrors(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"dir/index.html": "x"})
	for path, status := range map[string]int{"/none": 404, "/dir": 301, "/%00": 400} {
		get := f.get(path)
		head := f.serve(Request{HEAD: true, Path: []byte(path), RawPath: []byte(path)})
		if head.Status != status || head.Length != get.Length || head.Text != nil {
			t.Errorf("HEAD %s: %d, length %d, text %q", path, head.Status, head.Length, head.Text)
		}
	}
}

func TestNotModifiedFields(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"index.html": "home"})
	tag := field(f.get("/"), "ETag")
	for _, path := range []string{"/", "/deep"} {
		a := f.serve(Request{GET: true, Path: []byte(path), Accept: []byte("text/html"), IfNoneMatch: []byte(tag)})
		if a.Status != 304 || a.Length != -1 || a.Entry != nil {
			t.Fatalf("%s: %d, length %d", path, a.Status, a.Length)
		}
		for name, there := range map[string]bool{
			"ETag": true, "Last-Modified": true, "Cache-Control": true, "Vary": path != "/",
			"Content-Type": false, "Accept-Ranges": false, "Content-Range": false,
		} {
			if (field(a, name) != "") != there {
				t.Errorf("%s: %s is %q", path, name, field(a, name))
			}
		}
	}
}

func TestSPAOff(t *testing.T) {
	f := newFixture(t, Options{SPA: SPAOff}, map[string]string{"index.html": "home"})
	a := f.serve(Request{GET: true, Path: []byte("/deep"), Accept: []byte("text/html")})
	expect(t, a, 404, "404 Not Found\n")
	if field(a, "Vary") != "" {
		t.Error("Vary without a fallback")
	}
}

// TestSPAAppears shows that the automatic fallback follows the directory.
func TestSPAAppears(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"other.txt": "x"})
	deep := Request{GET: true, Path: []byte("/deep"), Accept: []byte("text/html")}
	expect(t, f.serve(deep), 404, "404 Not Found\n")
	f.write("index.html", "home")
	f.now++
	expect(t, f.serve(deep), 200, "home")
}
