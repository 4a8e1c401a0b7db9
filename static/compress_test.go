package static

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/static/coding"
)

// page is content worth coding, bulk the same beyond what is kept in memory.
var (
	page = strings.Repeat("<p>a line of a page</p>\n", 100)
	bulk = strings.Repeat("<p>a line of a long page</p>\n", 4000)
)

// browser is the Accept-Encoding of a browser.
const browser = "gzip, deflate, br, zstd"

// codingFixture is a fixture with somebody who makes forms as the test says.
type codingFixture struct {
	*fixture
	jobs    []*Job // taken and not answered
	refuses bool
}

func newCodingFixture(t testing.TB, o Options, files map[string]string) *codingFixture {
	t.Helper()
	f := &codingFixture{fixture: newFixture(t, o, nil)}
	for name, content := range files {
		f.write(name, content)
		f.date(name, 0)
	}
	f.openMaking(StoreOptions{Bytes: 4 << 20, Entries: 256, Descriptors: 64, FormBytes: 1 << 20, FormDescriptors: 8})
	t.Cleanup(f.giveUp)
	return f
}

// openMaking opens a store whose jobs come to the test.
func (f *codingFixture) openMaking(o StoreOptions) {
	f.t.Helper()
	f.giveUp()
	o.Make = func(j *Job) bool {
		if f.refuses {
			return false
		}
		f.jobs = append(f.jobs, j)
		return true
	}
	f.open(o)
}

// giveUp answers that nothing has come of the jobs.
func (f *codingFixture) giveUp() {
	for _, j := range f.jobs {
		j.Reply(Coded{})
	}
	f.jobs = nil
}

// date sets the modification time of a file, in seconds after that of all others.
func (f *codingFixture) date(name string, seconds int) {
	f.t.Helper()
	when := time.Unix(1_700_000_000+int64(seconds), 0)
	if err := os.Chtimes(filepath.Join(f.dir, name), when, when); err != nil {
		f.t.Fatal(err)
	}
}

// work answers all jobs: with a stand-in for the form, which says what it is.
func (f *codingFixture) work() {
	f.t.Helper()
	for len(f.jobs) > 0 {
		j := f.jobs[0]
		f.jobs = f.jobs[1:]
		content := make([]byte, j.Size())
		if n, err := j.ReadAt(content, 0); n != len(content) || err != nil || !j.Intact() {
			f.t.Fatalf("reading a job: %d, %v", n, err)
		}
		if !j.Reply(Coded{Content: []byte(standIn(j.Coding(), string(content)))}) {
			f.t.Fatal("the form is not kept")
		}
	}
}

// standIn is what tests take for a coded form.
func standIn(c coding.Coding, content string) string {
	return fmt.Sprintf("%v of %d: %s", c, len(content), content[:20])
}

// ask gets a path with Accept-Encoding.
func (f *codingFixture) ask(path, accept string) *Answer {
	f.t.Helper()
	return f.serve(Request{GET: true, Path: []byte(path), RawPath: []byte(path), AcceptEncoding: []byte(accept)})
}

// expectForm wants a form and what a form's head has to say.
func (f *codingFixture) expectForm(a *Answer, c coding.Coding, content string) {
	f.t.Helper()
	expect(f.t, a, 200, content)
	name := c.String()
	if c == coding.Identity {
		name = ""
	}
	if got := field(a, "Content-Encoding"); got != name {
		f.t.Errorf("Content-Encoding %q, want %q", got, name)
	}
	if got := field(a, "Vary"); got != "Accept-Encoding" {
		f.t.Errorf("Vary %q", got)
	}
	if got := field(a, "Accept-Ranges"); (got != "") != (c == coding.Identity) {
		f.t.Errorf("Accept-Ranges %q", got)
	}
	if tag := field(a, "ETag"); c != coding.Identity && !strings.HasSuffix(tag, "-"+name+`"`) {
		f.t.Errorf("ETag %s", tag)
	}
	if int64(len(content)) != a.Length {
		f.t.Errorf("length %d of %d", a.Length, len(content))
	}
}

func TestSiblings(t *testing.T) {
	f := newCodingFixture(t, Options{Compress: CompressPrecompressed}, map[string]string{
		"all.js": page, "all.js.br": "brotli", "all.js.zst": "zstandard", "all.js.gz": "gzipped",
		"gz.css": page, "gz.css.gz": "gzipped",
		"index.html": page, "index.html.br": "index",
		"dir/index.html": page, "dir/index.html.gz": "index of dir",
		"bulk.html": bulk, "bulk.html.gz": strings.Repeat("long", 10_000),
		"short.txt": "short", "short.txt.gz": "sho",
	})
	tests := []struct {
		path, accept string
		want         coding.Coding
		content      string
	}{
		{"/all.js", browser, coding.Brotli, "brotli"},
		{"/all.js", "gzip, zstd", coding.Zstd, "zstandard"},
		{"/all.js", "gzip", coding.Gzip, "gzipped"},
		{"/all.js", "br;q=0.1, gzip", coding.Gzip, "gzipped"},
		{"/all.js", "deflate", coding.Identity, page},
		{"/all.js", "", coding.Identity, page},
		{"/all.js", "identity;q=0", coding.Identity, page},
		{"/gz.css", browser, coding.Gzip, "gzipped"},
		{"/gz.css", "br", coding.Identity, page},
		{"/", browser, coding.Brotli, "index"},
		{"/index.html", browser, coding.Brotli, "index"},
		{"/dir/", browser, coding.Gzip, "index of dir"},
		{"/%61ll.js", browser, coding.Brotli, "brotli"},
		{"/bulk.html", browser, coding.Gzip, strings.Repeat("long", 10_000)},
		{"/bulk.html", "br", coding.Identity, bulk},
		{"/short.txt", browser, coding.Gzip, "sho"},
	}
	for range 2 {
		for _, test := range tests {
			t.Run(test.path+" "+test.accept, func(t *testing.T) {
				a := f.ask(test.path, test.accept)
				if test.path == "/" || strings.HasSuffix(test.path, "index.html") && strings.Count(test.path, "/") == 1 {
					// The shell of a single-page application has a second Vary only
					// where it stands in for another path.
					expect(t, a, 200, test.content)
					return
				}
				f.expectForm(a, test.want, test.content)
			})
		}
	}
	if len(f.jobs) > 0 {
		t.Errorf("%d jobs for a site that has forms of its own only", len(f.jobs))
	}
}

// TestPreferenceIsTheFieldsOwn asks with fields that are remembered and that are too
// long for it, one after the other.
func TestPreferenceIsTheFieldsOwn(t *testing.T) {
	f := newCodingFixture(t, Options{Compress: CompressPrecompressed}, map[string]string{"a.js": page, "a.js.br": "brotli", "a.js.gz": "gzipped"})
	long := strings.Repeat("unknown, ", 10)
	for range 2 {
		for _, test := range []struct {
			accept  string
			want    coding.Coding
			content string
		}{
			{"", coding.Identity, page},
			{"gzip", coding.Gzip, "gzipped"},
			{long + "br", coding.Brotli, "brotli"},
			{"gzip", coding.Gzip, "gzipped"},
			{long + "identity", coding.Identity, page},
			{"gzip", coding.Gzip, "gzipped"},
			{"br", coding.Brotli, "brotli"},
		} {
			f.expectForm(f.ask("/a.js", test.accept), test.want, test.content)
		}
	}
	a := f.serve(Request{GET: true, Path: []byte("/a.js"), RawPath: []byte("/a.js"), AcceptEncoding: []byte{}, IfNoneMatch: []byte(field(f.ask("/a.js", ""), "ETag"))})
	if a.Status != 304 {
		t.Errorf("with an empty field: %d", a.Status)
	}
}

func TestSiblingsThatDoNotSuit(t *testing.T) {
	f := newCodingFixture(t, Options{Compress: CompressPrecompressed}, map[string]string{
		"old.js": page, "old.js.gz": "of earlier content",
		"empty.js": page, "empty.js.gz": "",
		"longer.js": page, "longer.js.gz": page + page,
		"photo.png": page, "photo.png.gz": "a picture",
		"dir.js": page, "dir.js.gz/x": "",
		"escape.js": page,
		"plain.js":  page,
	})
	f.date("old.js.gz", -1)
	f.link("../../etc/hostname", "escape.js.gz")
	for _, path := range []string{"/old.js", "/empty.js", "/longer.js", "/photo.png", "/dir.js", "/escape.js", "/plain.js"} {
		a := f.ask(path, browser)
		expect(t, a, 200, page)
		if field(a, "Content-Encoding") != "" || field(a, "Vary") != "" {
			t.Errorf("%s: %q", path, a.Block)
		}
	}
}

func TestSiblingChanges(t *testing.T) {
	f := newCodingFixture(t, Options{Compress: CompressPrecompressed}, map[string]string{"a.js": page, "a.js.gz": "one"})
	steps := []struct {
		name   string
		change func()
		want   coding.Coding
		now    string // before the next check
		later  string
	}{
		{"nothing", func() {}, coding.Gzip, "one", "one"},
		{"another form", func() { f.replace("a.js.gz", "two"); f.date("a.js.gz", 0) }, coding.Gzip, "one", "two"},
		{"the file is newer", func() { f.date("a.js", 5) }, coding.Identity, "two", page},
		{"and so is the form", func() { f.date("a.js.gz", 5) }, coding.Gzip, page, "two"},
		{"a better form", func() { f.write("a.js.br", "three"); f.date("a.js.br", 5) }, coding.Brotli, "two", "three"},
		{"rewritten with the same length", func() { f.write("a.js.br", "fours"); f.date("a.js.br", 5) }, coding.Brotli, "three", "fours"},
		{"gone", func() { f.remove("a.js.br"); f.remove("a.js.gz") }, coding.Identity, "fours", page},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			step.change()
			expect(t, f.ask("/a.js", browser), 200, step.now)
			f.now++
			a := f.ask("/a.js", browser)
			expect(t, a, 200, step.later)
			if got := field(a, "Content-Encoding"); (got == "") != (step.want == coding.Identity) {
				t.Errorf("Content-Encoding %q", got)
			}
		})
	}
}

// TestSiblingOfAnotherVersion replaces a form between the check and its first use.
func TestSiblingOfAnotherVersion(t *testing.T) {
	f := newCodingFixture(t, Options{Compress: CompressPrecompressed}, map[string]string{"a.js": page, "a.js.gz": "one"})
	expect(t, f.ask("/a.js", ""), 200, page)
	f.replace("a.js.gz", "two")
	f.date("a.js.gz", 0)
	f.expectForm(f.ask("/a.js", browser), coding.Identity, page)
	f.now++
	f.expectForm(f.ask("/a.js", browser), coding.Gzip, "two")
}

func TestYoungSiblingIsWeak(t *testing.T) {
	f := newCodingFixture(t, Options{Compress: CompressPrecompressed}, map[string]string{"a.js": page, "a.js.gz": "one"})
	f.now = time.Now().Unix()
	f.write("a.js.gz", "two")
	tag := field(f.ask("/a.js", browser), "ETag")
	if !strings.HasPrefix(tag, "W/") || !strings.HasSuffix(tag, `-gzip"`) {
		t.Errorf("ETag %s", tag)
	}
	f.now += youngSeconds
	if got := field(f.ask("/a.js", browser), "ETag"); got != tag[2:] {
		t.Errorf("ETag %s, want %s", got, tag[2:])
	}
}

func TestCodingWhileServing(t *testing.T) {
	for name, content := range map[string]string{"a.js": page, "bulk.html": bulk} {
		t.Run(name, func(t *testing.T) {
			f := newCodingFixture(t, Options{}, map[string]string{name: content})
			path := "/" + name
			first := f.ask(path, browser)
			f.expectForm(first, coding.Identity, content)
			f.expectForm(f.ask(path, browser), coding.Identity, content)
			if len(f.jobs) != 1 || f.jobs[0].Coding() != coding.Brotli {
				t.Fatalf("jobs %v", f.jobs)
			}
			f.work()
			second := f.ask(path, browser)
			f.expectForm(second, coding.Brotli, standIn(coding.Brotli, content))
			if field(first, "ETag") == field(second, "ETag") || field(first, "Last-Modified") != field(second, "Last-Modified") {
				t.Errorf("validators %q and %q", first.Block, second.Block)
			}
			f.expectForm(f.ask(path, "gzip"), coding.Identity, content)
			f.work()
			f.expectForm(f.ask(path, "gzip"), coding.Gzip, standIn(coding.Gzip, content))
			f.expectForm(f.ask(path, browser), coding.Brotli, standIn(coding.Brotli, content))
			f.expectForm(f.ask(path, ""), coding.Identity, content)
			// What is at hand is better than nothing.
			f.expectForm(f.ask(path, "zstd, gzip;q=0.5"), coding.Gzip, standIn(coding.Gzip, content))
		})
	}
}

func TestWhatIsNotCoded(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{
		"short.js": "short", "photo.png": page, "empty.js": "", "font.woff2": page, "noextension": page,
	})
	for _, path := range []string{"/short.js", "/photo.png", "/empty.js", "/font.woff2", "/noextension", "/missing.js"} {
		if a := f.ask(path, browser); strings.Contains(field(a, "Vary"), "Accept-Encoding") {
			t.Errorf("%s: %q", path, a.Block)
		}
	}
	f.write("a.js", page)
	f.now = time.Now().Unix()
	f.expectForm(f.ask("/a.js", browser), coding.Identity, page)
	if len(f.jobs) > 0 {
		t.Errorf("jobs for %v", f.jobs)
	}
	off := newCodingFixture(t, Options{Compress: CompressOff}, map[string]string{"a.js": page, "a.js.br": "brotli"})
	if a := off.ask("/a.js", browser); len(off.jobs) > 0 || field(a, "Vary") != "" || body(t, a) != page {
		t.Errorf("with compression off: %q", a.Block)
	}
}

// TestSiblingsAreEnough makes nothing where a form lies beside the file that the
// client accepts.
func TestSiblingsAreEnough(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{"a.js": page, "a.js.gz": "gzipped"})
	f.expectForm(f.ask("/a.js", browser), coding.Gzip, "gzipped")
	if len(f.jobs) != 0 {
		t.Errorf("jobs %v", f.jobs)
	}
	f.expectForm(f.ask("/a.js", "br"), coding.Identity, page)
	f.work()
	f.expectForm(f.ask("/a.js", "br"), coding.Brotli, standIn(coding.Brotli, page))
	f.expectForm(f.ask("/a.js", browser), coding.Gzip, "gzipped")
}

func TestConditionsPerCoding(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{"a.js": page, "b.js": page, "b.js.br": "brotli"})
	identity := field(f.ask("/a.js", browser), "ETag")
	brotli := strings.TrimSuffix(identity, `"`) + `-br"`
	gzip := strings.TrimSuffix(identity, `"`) + `-gzip"`
	tests := []struct {
		name                   string
		accept, match, noMatch string
		status                 int
		tag                    string
	}{
		{"the form it has", browser, "", brotli, 304, brotli},
		{"a list", browser, "", `"x", ` + brotli, 304, brotli},
		{"weak", browser, "", "W/" + brotli, 304, brotli},
		{"any", browser, "", "*", 304, brotli},
		{"the identity form, which is as good", browser, "", identity, 304, identity},
		{"a form that it does not accept", "gzip", "", brotli, 200, ""},
		{"of a form that it refuses", "br, identity;q=0", "", identity, 200, brotli},
		{"another coding's tag", browser, "", gzip, 200, brotli},
		{"without a coding", "", "", brotli, 200, identity},
		{"If-Match of the form", browser, brotli, "", 200, brotli},
		{"If-Match of the identity form", browser, identity, "", 200, identity},
		{"If-Match of another", browser, gzip, "", 412, ""},
		{"a form that is being made", "gzip", "", gzip, 304, gzip},
		{"but not for If-Match", "gzip", gzip, "", 412, ""},
	}
	f.work()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := Request{GET: true, Path: []byte("/a.js"), RawPath: []byte("/a.js"), AcceptEncoding: []byte(test.accept)}
			if test.match != "" {
				r.IfMatch = []byte(test.match)
			}
			if test.noMatch != "" {
				r.IfNoneMatch = []byte(test.noMatch)
			}
			a := f.serve(r)
			if a.Status != test.status || test.tag != "" && field(a, "ETag") != test.tag {
				t.Errorf("%d %q, want %d %s", a.Status, a.Block, test.status, test.tag)
			}
			if a.Status == 304 && (field(a, "Vary") != "Accept-Encoding" || field(a, "Content-Encoding") != "") {
				t.Errorf("304 with %q", a.Block)
			}
		})
	}
	sibling := field(f.ask("/b.js", browser), "ETag")
	a := f.serve(Request{GET: true, Path: []byte("/b.js"), RawPath: []byte("/b.js"), AcceptEncoding: []byte(browser), IfNoneMatch: []byte(sibling)})
	if a.Status != 304 || field(a, "ETag") != sibling {
		t.Errorf("%d %q", a.Status, a.Block)
	}
}

func TestRangesAreOfTheIdentityForm(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{"a.js": page, "b.js": page, "b.js.gz": "gzipped"})
	f.ask("/a.js", browser)
	f.work()
	for _, path := range []string{"/a.js", "/b.js"} {
		r := Request{GET: true, Path: []byte(path), RawPath: []byte(path), AcceptEncoding: []byte(browser), Range: []byte("bytes=3-8")}
		a := f.serve(r)
		expect(t, a, 206, page[3:9])
		if field(a, "Content-Encoding") != "" || field(a, "Vary") != "Accept-Encoding" {
			t.Errorf("%s: %q", path, a.Block)
		}
		r.IfRange = []byte(field(f.ask(path, browser), "ETag"))
		expect(t, f.serve(r), 200, page)
		r.GET, r.HEAD = false, true
		if a := f.serve(r); a.Status != 200 || field(a, "Content-Encoding") == "" {
			t.Errorf("HEAD %s: %d %q", path, a.Status, a.Block)
		}
	}
}

func TestDeepLinksAreCoded(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{"index.html": page})
	r := Request{GET: true, Path: []byte("/users/7"), RawPath: []byte("/users/7"), Accept: []byte("text/html"), AcceptEncoding: []byte(browser)}
	expect(t, f.serve(r), 200, page)
	f.work()
	a := f.serve(r)
	expect(t, a, 200, standIn(coding.Brotli, page))
	if block := string(a.Block); !strings.Contains(block, "Vary: Accept-Encoding\r\n") || !strings.Contains(block, lineVary) ||
		!strings.Contains(block, "Content-Encoding: br\r\n") || !strings.Contains(block, "Cache-Control: no-cache\r\n") {
		t.Errorf("%q", block)
	}
}

// TestChangeWhileCoding delivers forms of what is there no more.
func TestChangeWhileCoding(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{"a.js": page})
	f.ask("/a.js", browser)
	f.replace("a.js", bulk)
	f.date("a.js", 1)
	f.now++
	f.expectForm(f.ask("/a.js", browser), coding.Identity, bulk)
	if len(f.jobs) != 2 {
		t.Fatalf("%d jobs", len(f.jobs))
	}
	f.work()
	f.expectForm(f.ask("/a.js", browser), coding.Brotli, standIn(coding.Brotli, bulk))
}

// TestChangeInPlace overwrites a large file while a job reads it.
func TestChangeInPlace(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{"a.html": bulk})
	f.ask("/a.html", browser)
	if !f.jobs[0].Intact() {
		t.Fatal("changed already")
	}
	f.write("a.html", strings.ToUpper(bulk))
	if f.jobs[0].Intact() {
		t.Error("the change is not seen")
	}
	if err := os.Truncate(filepath.Join(f.dir, "a.html"), 10); err != nil {
		t.Fatal(err)
	}
	if n, err := f.jobs[0].ReadAt(make([]byte, 10), 20); n != 0 || err != ErrChanged {
		t.Errorf("%d, %v", n, err)
	}
}

func TestJobsThatCameToNothing(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{"a.js": page})
	f.refuses = true
	f.expectForm(f.ask("/a.js", browser), coding.Identity, page)
	f.refuses = false
	f.ask("/a.js", browser)
	if len(f.jobs) != 0 {
		t.Fatal("asked again within the second")
	}
	f.now++
	f.ask("/a.js", browser)
	if len(f.jobs) != 1 {
		t.Fatal("not asked again after the second")
	}
	f.jobs[0].Reply(Coded{Useless: true})
	f.jobs = nil
	for range 3 {
		f.now++
		f.expectForm(f.ask("/a.js", browser), coding.Identity, page)
	}
	if len(f.jobs) != 0 {
		t.Error("asked again for what is useless")
	}
}

// TestFormsAreShared has a second reader find what was made for the first, and the first find
// it again after a time without requests, in which the file itself was given up.
func TestFormsAreShared(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{"a.js": bulk})
	f.ask("/a.js", browser)
	f.work()
	other := f.reader()
	get := Request{GET: true, Path: []byte("/a.js"), RawPath: []byte("/a.js"), AcceptEncoding: []byte(browser)}
	f.expectForm(f.serveBy(other, f.site, get), coding.Brotli, standIn(coding.Brotli, bulk))
	f.pass(idlePasses + 1)
	if c := f.store.Counts(); c.Files != 1 || c.Descriptors != 0 {
		t.Fatalf("after a minute: %+v", c)
	}
	f.expectForm(f.ask("/a.js", browser), coding.Brotli, standIn(coding.Brotli, bulk))
	f.expectForm(f.ask("/a.js", "gzip;q=0.5, br;q=0.4, identity;q=0"), coding.Brotli, standIn(coding.Brotli, bulk))
	if len(f.jobs) != 1 || f.jobs[0].Coding() != coding.Gzip {
		t.Errorf("jobs %v", f.jobs)
	}
	other.Close()
}

// TestFormsOutliveTheConfiguration has a site compiled again, as by a reload.
func TestFormsOutliveTheConfiguration(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{"a.js": page})
	f.ask("/a.js", browser)
	f.work()
	again, err := Compile(Options{Root: f.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	r := Request{GET: true, Path: []byte("/a.js"), RawPath: []byte("/a.js"), AcceptEncoding: []byte(browser)}
	f.expectForm(f.serveBy(f.cache, again, r), coding.Brotli, standIn(coding.Brotli, page))
	other, err := Compile(Options{Root: f.dir, Compress: CompressOff})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	expect(t, f.serveBy(f.cache, other, r), 200, page)
	if c := f.store.Counts(); c.Loads != 2 || c.Forms != 1 {
		t.Errorf("%+v", c)
	}
}

// TestLongForms sends forms from descriptors, as many as there may be.
func TestLongForms(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{"a.js": bulk, "b.js": bulk, "c.js": bulk})
	f.openMaking(StoreOptions{Entries: 256, Descriptors: 64, FormBytes: 1 << 20, FormDescriptors: 2})
	before := openDescriptors(t)
	form := numbered(7, smallLimit+1)
	for i, name := range []string{"a", "b", "c"} {
		path := "/" + name + ".js"
		f.ask(path, browser)
		kept := f.jobs[0].Reply(Coded{Content: []byte(form)})
		f.jobs = nil
		if kept != (i < 2) {
			t.Fatalf("%s: kept %t", path, kept)
		}
		a := f.ask(path, browser)
		if !kept {
			f.expectForm(a, coding.Identity, bulk)
			continue
		}
		f.expectForm(a, coding.Brotli, form)
		if a.FD < 0 {
			t.Errorf("%s is not sent from its descriptor", path)
		}
	}
	f.finish()
	// Three files that are open as they are, two forms, and the root.
	if n := openDescriptors(t) - before; n != 3+2+1 {
		t.Errorf("%d descriptors more than before", n)
	}
	if c := f.store.Counts(); c.Descriptors != 3 || c.FormBytes != 2*int64(len(form)) {
		t.Errorf("%+v", c)
	}
	f.store.shed()
	f.finish()
	if c := f.store.Counts(); c.Descriptors != 0 || c.Files != 2 {
		t.Errorf("without open files: %+v", c)
	}
	f.pass(idleFormsMost + 1)
	if c := f.store.Counts(); c.FormBytes != 0 || c.Files != 0 {
		t.Errorf("after an hour: %+v", c)
	}
}

// TestFormsMakeRoom makes forms of more bytes than there may be: a file that is asked for more
// often than the others gets its form.
func TestFormsMakeRoom(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{"a.js": bulk, "b.js": bulk})
	form := numbered(7, smallLimit+1)
	f.openMaking(StoreOptions{Entries: 256, Descriptors: 64, FormBytes: int64(len(form)), FormDescriptors: 8})
	f.ask("/a.js", browser)
	f.jobs[0].Reply(Coded{Content: []byte(form)})
	for range 10 {
		f.ask("/b.js", browser)
	}
	f.jobs[1].Reply(Coded{Content: []byte(form)})
	f.jobs = nil
	f.expectForm(f.ask("/b.js", browser), coding.Brotli, form)
	f.expectForm(f.ask("/a.js", browser), coding.Identity, bulk)
	if len(f.jobs) != 1 {
		t.Error("what had to make room is not asked for again")
	}
	f.finish()
	if c := f.store.Counts(); c.FormBytes != int64(len(form)) {
		t.Errorf("%+v", c)
	}
}

// TestFormsAreEvicted makes more forms than the store has entries.
func TestFormsAreEvicted(t *testing.T) {
	f := newCodingFixture(t, Options{}, nil)
	f.openMaking(StoreOptions{Entries: minEntries, Descriptors: 8})
	for i := range 40 {
		name := fmt.Sprintf("f%d.js", i)
		f.write(name, page)
		f.date(name, i)
	}
	coded := 0
	for range 4 {
		for i := range 40 {
			path := fmt.Sprintf("/f%d.js", i)
			expect(t, f.ask(path, ""), 200, page)
			f.ask(path, browser)
			for _, j := range f.jobs {
				j.Reply(Coded{Content: []byte(standIn(j.Coding(), page))})
			}
			f.jobs = nil
			if a := f.ask(path, browser); field(a, "Content-Encoding") != "" {
				f.expectForm(a, coding.Brotli, standIn(coding.Brotli, page))
				coded++
			}
			f.finish()
			if c := f.store.Counts(); c.Files > minEntries || c.Leaving != 0 {
				t.Fatalf("%+v", c)
			}
		}
		f.pass(1)
	}
	if coded == 0 {
		t.Error("nothing was coded")
	}
	// Of made-up spellings nothing is made.
	made := f.store.Counts().Forms
	for i := range 40 {
		f.expectForm(f.ask(fmt.Sprintf("/%%66%d.js", i), browser), coding.Identity, page)
		f.finish()
	}
	if c := f.store.Counts(); c.Forms != made || c.Minor > f.store.most[rankMinor] || len(f.jobs) > 0 {
		t.Errorf("%+v", c)
	}
}

// TestFormOutlivesItsEntry drops a form that is being sent.
func TestFormOutlivesItsEntry(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{"a.js": page})
	f.ask("/a.js", browser)
	f.work()
	a := f.ask("/a.js", browser)
	want := standIn(coding.Brotli, page)
	f.cache.Retain(a.Entry)
	f.replace("a.js", bulk)
	f.now++
	f.ask("/a.js", "")
	f.store.drop(a.Entry)
	f.finish()
	if string(a.Mem) != want {
		t.Error("the content changed while it was being sent")
	}
	f.cache.ReleaseToken(a.Entry.Token())
	if f.finish(); f.store.Counts().Leaving != 0 {
		t.Error("the form stays after the last use")
	}
}

func TestCodedHitsAllocateNothing(t *testing.T) {
	f := newCodingFixture(t, Options{}, map[string]string{"a.js": page, "b.js": page, "b.js.br": "brotli"})
	f.ask("/a.js", browser)
	f.work()
	requests := map[string]Request{}
	for _, path := range []string{"/a.js", "/b.js"} {
		r := Request{GET: true, Path: []byte(path), RawPath: []byte(path), AcceptEncoding: []byte(browser), Now: f.clock()}
		requests[path] = r
		r.IfNoneMatch = []byte(field(f.ask(path, browser), "ETag"))
		requests[path+" not modified"] = r
	}
	for name, r := range requests {
		var a Answer
		if n := testing.AllocsPerRun(100, func() { f.cache.Serve(f.site, &r, &a) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if field(&a, "ETag") == "" || !strings.Contains(field(&a, "ETag"), "-br") {
			t.Errorf("%s: %q", name, a.Block)
		}
	}
}

// BenchmarkServeCoded compares a plain file with forms of both kinds.
func BenchmarkServeCoded(b *testing.B) {
	f := newCodingFixture(b, Options{}, map[string]string{"a.js": page, "b.js": page, "b.js.br": "brotli", "c.png": page})
	f.ask("/a.js", browser)
	f.work()
	paths := map[string]string{"plain": "/c.png", "beside the file": "/b.js", "made": "/a.js"}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		path := paths[name]
		r := Request{GET: true, Path: []byte(path), RawPath: []byte(path), AcceptEncoding: []byte(browser), Now: f.clock()}
		f.serve(r)
		f.finish()
		b.Run(name, func(b *testing.B) {
			var a Answer
			b.ReportAllocs()
			for b.Loop() {
				f.cache.Serve(f.site, &r, &a)
			}
		})
	}
}
