package pack

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/static/coding"
	"github.com/anygate/anygate/static/encoder"
)

// site is a directory to pack.
type site struct {
	t   *testing.T
	dir string
}

// long is content that every coding shortens, short content that is not worth it,
// and noise content that none of them shortens.
var (
	long  = strings.Repeat("<p>a line of a page that repeats itself</p>\n", 100)
	short = "<p>short</p>"
	noise = string(random(4000))
)

// random is bytes without any regularity.
func random(n int) []byte {
	b := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x >> 32)
	}
	return b
}

func newSite(t *testing.T, files map[string]string) *site {
	t.Helper()
	s := &site{t, t.TempDir()}
	for name, content := range files {
		s.write(name, content)
	}
	return s
}

// write puts a file in place, as old as all others.
func (s *site) write(name, content string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.date(name, 0)
}

// date sets a file's modification time, in seconds after that of all others.
func (s *site) date(name string, seconds int) {
	s.t.Helper()
	when := time.Unix(1_700_000_000+int64(seconds), 123_456_789)
	if err := os.Chtimes(filepath.Join(s.dir, name), when, when); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) run(o Options) (*Summary, error) {
	s.t.Helper()
	o.Root = s.dir
	if o.Level == "" && !o.Check {
		o.Level = "fast"
	}
	return Run(context.Background(), o)
}

// pack packs without an error.
func (s *site) pack() *Summary {
	s.t.Helper()
	sum, err := s.run(Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	return sum
}

// check is what Check finds.
func (s *site) check() []string {
	s.t.Helper()
	before := s.list()
	sum, err := s.run(Options{Check: true})
	if err != nil {
		s.t.Fatal(err)
	}
	if !maps.Equal(before, s.list()) {
		s.t.Error("the check has changed something")
	}
	var found []string
	for _, p := range sum.Problems {
		found = append(found, p.String())
	}
	return found
}

// list is all files and their contents.
func (s *site) list() map[string]string {
	s.t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(s.dir, path)
		files[name] = string(content)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return files
}

// expect wants these files and no others, beside the manifest.
func (s *site) expect(names ...string) {
	s.t.Helper()
	files := s.list()
	delete(files, manifestName)
	got := slices.Sorted(maps.Keys(files))
	slices.Sort(names)
	if !slices.Equal(got, names) {
		s.t.Errorf("files %q, want %q", got, names)
	}
}

func (s *site) remove(name string) {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
		s.t.Fatal(err)
	}
}

// forms are the names of a file and its forms.
func forms(name string) []string { return []string{name, name + ".br", name + ".zst", name + ".gz"} }

func TestPack(t *testing.T) {
	s := newSite(t, map[string]string{
		"index.html": long, "assets/app.js": long, "short.html": short, "noise.txt": noise, "photo.png": long,
		"font.woff2": long, "archive.gz": long, ".env": long, ".git/config.txt": long, ".well-known/security.txt": long,
		"no-extension": long,
	})
	sum := s.pack()
	s.expect(slices.Concat(forms("index.html"), forms("assets/app.js"), forms(".well-known/security.txt"),
		[]string{"short.html", "noise.txt", "photo.png", "font.woff2", "archive.gz", ".env", ".git/config.txt", "no-extension"})...)
	if sum.Files != 4 || sum.Written != 9 || sum.Kept != 0 || sum.Removed != 0 || sum.Skipped != 4 {
		t.Errorf("%+v", sum)
	}
	files := s.list()
	for _, c := range codings {
		r, err := encoder.NewReader(strings.NewReader(files["assets/app.js"+c.Suffix()]), c)
		if err != nil {
			t.Fatal(err)
		}
		if content, err := io.ReadAll(r); err != nil || string(content) != long {
			t.Errorf("%v decodes to %d bytes, %v", c, len(content), err)
		}
		if sum.Forms[c.String()] >= sum.Bytes {
			t.Errorf("%v is counted as %d of %d bytes", c, sum.Forms[c.String()], sum.Bytes)
		}
	}
	if found := s.check(); found != nil {
		t.Errorf("after packing: %q", found)
	}
}

// TestFormsAreAsOldAsTheirFile looks at what the server and the user see of a form.
func TestFormsAreAsOldAsTheirFile(t *testing.T) {
	s := newSite(t, map[string]string{"a.css": long})
	if err := os.Chmod(filepath.Join(s.dir, "a.css"), 0o604); err != nil {
		t.Fatal(err)
	}
	s.pack()
	file, _ := os.Stat(filepath.Join(s.dir, "a.css"))
	for _, name := range forms("a.css") {
		info, err := os.Stat(filepath.Join(s.dir, name))
		if err != nil || !info.ModTime().Equal(file.ModTime()) || info.Mode() != file.Mode() {
			t.Errorf("%s: %v, %v %v", name, err, info.ModTime(), info.Mode())
		}
	}
}

func TestSameFilesSameForms(t *testing.T) {
	files := map[string]string{"index.html": long, "b/c.js": long + "c", "noise.txt": noise}
	first, second := newSite(t, files), newSite(t, files)
	second.date("index.html", 100)
	first.pack()
	if _, err := second.run(Options{Jobs: 1}); err != nil {
		t.Fatal(err)
	}
	want := first.list()
	if !maps.Equal(want, second.list()) {
		t.Error("two directories of the same files differ")
	}
	sum := first.pack()
	if sum.Written != 0 || sum.Kept != 9 || !maps.Equal(want, first.list()) {
		t.Errorf("packing again: %+v", sum)
	}
}

func TestWhatChanged(t *testing.T) {
	tests := []struct {
		name    string
		change  func(s *site)
		found   []string // by check
		written int
		removed int
		left    []string // of a.js and its forms
	}{
		{"nothing", func(*site) {}, nil, 0, 0, forms("a.js")},
		{"content", func(s *site) { s.write("a.js", long+"x") }, []string{"a.js.br is stale", "a.js.gz is stale", "a.js.zst is stale"}, 3, 0, forms("a.js")},
		{"only the time", func(s *site) { s.date("a.js", 10) }, []string{
			"a.js.br is older than its file, and not served", "a.js.gz is older than its file, and not served", "a.js.zst is older than its file, and not served",
		}, 0, 0, forms("a.js")},
		{"the time, backwards", func(s *site) { s.date("a.js", -10) }, nil, 0, 0, forms("a.js")},
		{"a form is missing", func(s *site) { s.remove("a.js.br") }, []string{"a.js.br is missing"}, 1, 0, forms("a.js")},
		{"a form was cut off", func(s *site) {
			if err := os.Truncate(filepath.Join(s.dir, "a.js.gz"), 10); err != nil {
				s.t.Fatal(err)
			}
			s.date("a.js.gz", 0)
		}, []string{"a.js.gz is stale"}, 1, 0, forms("a.js")},
		{"the file is gone", func(s *site) { s.remove("a.js") }, []string{"a.js.br belongs to no file", "a.js.gz belongs to no file", "a.js.zst belongs to no file"}, 0, 3, nil},
		{"coding does not pay any more", func(s *site) { s.write("a.js", noise); s.date("a.js", 5) }, []string{"a.js.br is stale", "a.js.gz is stale", "a.js.zst is stale"}, 0, 3, []string{"a.js"}},
		{"too short", func(s *site) { s.write("a.js", short) }, []string{"a.js.br belongs to no file", "a.js.gz belongs to no file", "a.js.zst belongs to no file"}, 0, 3, []string{"a.js"}},
		{"the manifest is lost", func(s *site) { s.remove(manifestName) }, nil, 0, 0, forms("a.js")},
		{"the manifest is lost and the file newer", func(s *site) { s.remove(manifestName); s.date("a.js", 5) }, []string{"a.js.br is stale", "a.js.gz is stale", "a.js.zst is stale"}, 3, 0, forms("a.js")},
		{"a link in the place of a form", func(s *site) {
			s.remove("a.js.gz")
			if err := os.Symlink("a.js", filepath.Join(s.dir, "a.js.gz")); err != nil {
				s.t.Fatal(err)
			}
		}, []string{"a.js.gz is stale"}, 1, 0, forms("a.js")},
		{"what a run left that was killed", func(s *site) { s.write(temporary+"X", "x") }, nil, 0, 0, forms("a.js")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, map[string]string{"a.js": long})
			s.pack()
			test.change(s)
			if found := s.check(); !slices.Equal(found, test.found) {
				t.Errorf("the check finds %q, want %q", found, test.found)
			}
			sum := s.pack()
			if sum.Written != test.written || sum.Removed != test.removed {
				t.Errorf("%d written, %d removed, want %d and %d", sum.Written, sum.Removed, test.written, test.removed)
			}
			s.expect(test.left...)
			if found := s.check(); found != nil {
				t.Errorf("packed again, the check finds %q", found)
			}
		})
	}
}

// TestAnotherToolsForms keeps away from what is not ours.
func TestAnotherToolsForms(t *testing.T) {
	s := newSite(t, map[string]string{"a.js": long, "a.js.br": "theirs", "b.js": noise, "b.js.gz": "theirs", "gone.js.gz": "a download"})
	s.date("b.js.gz", -100)
	sum := s.pack()
	files := s.list()
	if sum.Foreign != 1 || files["a.js.br"] != "theirs" {
		t.Errorf("a form that is not older than its file was replaced: %+v", sum)
	}
	if files["b.js.gz"] != "theirs" || files["gone.js.gz"] != "a download" {
		t.Error("files that are not ours were deleted")
	}
	s.date("a.js.br", -100)
	if s.pack(); s.list()["a.js.br"] == "theirs" {
		t.Error("a form that no server takes was kept")
	}
}

func TestLevels(t *testing.T) {
	words := strings.Fields("function return const export default value index document window element class style")
	var text strings.Builder
	for _, b := range random(4000) {
		text.WriteString(words[int(b)%len(words)] + " ")
	}
	s := newSite(t, map[string]string{"a.js": text.String()})
	s.pack()
	before := s.list()
	sum, err := s.run(Options{Level: "best"})
	if err != nil || sum.Written != 3 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if found := s.check(); found != nil {
		t.Errorf("%q", found)
	}
	sum, err = s.run(Options{Level: "good", Check: true})
	if err != nil || len(sum.Problems) != 3 {
		t.Errorf("a check of another level: %+v, %v", sum, err)
	}
	if after := s.list(); len(after["a.js.br"]) >= len(before["a.js.br"]) {
		t.Errorf("best makes %d bytes of what is %d with fast", len(after["a.js.br"]), len(before["a.js.br"]))
	}
}

// TestLinks packs what a link within the directory leads to, and nothing else.
func TestLinks(t *testing.T) {
	s := newSite(t, map[string]string{"real.css": long, "dir/a.css": long})
	outside := newSite(t, map[string]string{"secret.css": long})
	for link, to := range map[string]string{
		"alias.css": "real.css", "out.css": filepath.Join(outside.dir, "secret.css"), "nowhere.css": "none", "loop": ".", "outdir": outside.dir,
	} {
		if err := os.Symlink(to, filepath.Join(s.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(s.dir, "pipe.css"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.pack()
	s.expect(slices.Concat(forms("real.css"), forms("dir/a.css"), forms("alias.css")[1:])...)
	outside.expect("secret.css")
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name string
		make func(s *site) Options
		want string
	}{
		{"an unknown level", func(*site) Options { return Options{Level: "11"} }, `there is no level "11"`},
		{"a damaged manifest", func(s *site) Options { s.write(manifestName, "{"); return Options{} }, "delete it"},
		{"a directory in the way", func(s *site) Options { s.write("a.js.br/x", ""); return Options{} }, "a.js.br is in the way"},
		{"another run", func(s *site) Options {
			d, err := os.Open(s.dir)
			if err != nil {
				s.t.Fatal(err)
			}
			s.t.Cleanup(func() { d.Close() })
			if err := unix.Flock(int(d.Fd()), unix.LOCK_EX); err != nil {
				s.t.Fatal(err)
			}
			return Options{}
		}, "another anygate pack is at work"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, map[string]string{"a.js": long})
			if _, err := s.run(test.make(s)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
	if _, err := Run(context.Background(), Options{Root: filepath.Join(t.TempDir(), "no")}); err == nil || !strings.Contains(err.Error(), "there is no directory") {
		t.Errorf("a directory that is not there: %v", err)
	}
}

// TestInterruption ends a run in the middle; the next one goes on, and takes nothing
// for current that is not.
func TestInterruption(t *testing.T) {
	s := newSite(t, map[string]string{"a.js": long, "b.js": long + "b", "c.js": long + "c"})
	s.pack()
	for _, name := range []string{"a.js", "b.js", "c.js"} {
		s.write(name, strings.ToUpper(long)+name)
		s.date(name, 10)
	}
	ctx, cancel := context.WithCancel(context.Background())
	sum, err := Run(ctx, Options{Root: s.dir, Level: "fast", Jobs: 1, Progress: func(p Progress) {
		if p.FormsDone == 1 {
			cancel()
		}
	}})
	if err == nil || sum.Written == 0 || sum.Written == 9 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if found := s.check(); len(found) == 0 {
		t.Fatal("nothing is found after an interruption")
	}
	s.pack()
	if found := s.check(); found != nil {
		t.Errorf("after the second run: %q", found)
	}
	for name, content := range s.list() {
		if !strings.HasSuffix(name, ".gz") {
			continue
		}
		r, err := encoder.NewReader(strings.NewReader(content), coding.Gzip)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.HasPrefix(got, []byte("<P>")) {
			t.Errorf("%s is of the earlier content (%v)", name, err)
		}
	}
}

// TestChangedMeanwhile shows that a file that is being written is not packed.
func TestChangedMeanwhile(t *testing.T) {
	s := newSite(t, map[string]string{"a.js": long, "b.js": long + long})
	_, err := s.run(Options{Jobs: 1, Progress: func(p Progress) {
		if p.FormsDone == 0 {
			s.write("a.js", strings.ToUpper(long))
		}
	}})
	if err == nil || !strings.Contains(err.Error(), "has changed while it was being packed") {
		t.Fatalf("%v", err)
	}
	s.pack()
	if found := s.check(); found != nil {
		t.Errorf("after the second run: %q", found)
	}
}

func TestProgress(t *testing.T) {
	s := newSite(t, map[string]string{"a.js": long, "b.js": long})
	var last Progress
	calls := 0
	sum, err := s.run(Options{Jobs: 2, Progress: func(p Progress) {
		calls++
		if p.WorkDone < last.WorkDone || p.FormsDone > p.Forms {
			t.Errorf("%+v after %+v", p, last)
		}
		last = p
	}})
	if err != nil || calls != sum.Written+1 || last.FormsDone != last.Forms || last.WorkDone != last.Work {
		t.Errorf("%d calls, the last %+v; %v", calls, last, err)
	}
}

func TestLine(t *testing.T) {
	tests := []struct {
		name  string
		p     Progress
		width int
		want  string
	}{
		{"nothing yet", Progress{Forms: 3, Work: 30}, 80, "[........................]   0%  0/3  "},
		{"half", Progress{FormsDone: 1, Forms: 3, WorkDone: 15, Work: 30, Name: "a.js.br"}, 80, "[############............]  50%  1/3  a.js.br"},
		{"all", Progress{FormsDone: 3, Forms: 3, WorkDone: 30, Work: 30, Name: "b"}, 80, "[########################] 100%  3/3  b"},
		{"a narrow terminal", Progress{FormsDone: 1, Forms: 3, WorkDone: 15, Work: 30, Name: "a"}, 20, " 50%"},
		{"a long name", Progress{FormsDone: 1, Forms: 3, WorkDone: 15, Work: 30, Name: "abcdefghij"}, 44, "[############............]  50%  1/3  abcde"},
		{"a name that moves the cursor", Progress{FormsDone: 1, Forms: 3, WorkDone: 15, Work: 30, Name: "\x1b[2Ja\u009b"}, 80, "[############............]  50%  1/3  ?[2Ja?"},
		{"an unknown width", Progress{FormsDone: 1, Forms: 1, Name: "a"}, 0, "[########################] 100%  1/1  a"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := line(test.p, test.width); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
	if NewBar(&bytes.Buffer{}) != nil {
		t.Error("a buffer is taken for a terminal")
	}
	var none *Bar
	none.Draw(Progress{Forms: 1})
	none.Close()
}
