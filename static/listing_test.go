package static

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// list answers a request that is to be answered with a listing.
func (f *fixture) list(path, accept string) Listed {
	f.t.Helper()
	a := f.serve(Request{GET: true, Path: []byte(path), RawPath: []byte(path), Accept: []byte(accept)})
	if a.Listing == nil {
		f.t.Fatalf("%s: status %d, want a listing", path, a.Status)
	}
	return a.Listing.Make()
}

func listingFixture(t *testing.T) *fixture {
	f := newFixture(t, Options{Listing: true}, map[string]string{
		"b.txt": "two", "a.txt": "", "sub/x.txt": "x", "deep/er/x.txt": "x", "with/index.html": "index",
		".env": "secret", ".git/config": "secret", ".well-known/security.txt": "contact",
		"<b>&\"'.txt": "markup", "x:y z?#%.txt": "odd",
	})
	if err := os.WriteFile(filepath.Join(f.dir, "..", "secret.txt"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	f.link("b.txt", "inside.txt")
	f.link("sub", "linked")
	f.link("../b.txt", "sub/up.txt")
	f.link("../secret.txt", "outside.txt")
	f.link("nothing", "dangling.txt")
	if err := unix.Mkfifo(filepath.Join(f.dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	when := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, name := range []string{"b.txt", "sub"} {
		if err := os.Chtimes(filepath.Join(f.dir, name), when, when); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestListingJSON(t *testing.T) {
	f := listingFixture(t)
	got := f.list("/", "application/json")
	if got.Status != 200 || !strings.Contains(string(got.Block), "Content-Type: application/json\r\n") {
		t.Fatalf("%d %q", got.Status, got.Block)
	}
	var entries []struct {
		Name, Type, Mtime string
		Size              *int64
	}
	if err := json.Unmarshal(got.Content, &entries); err != nil {
		t.Fatalf("%v: %s", err, got.Content)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
		if (e.Type == "directory") == (e.Size != nil) || e.Type != "directory" && e.Type != "file" {
			t.Errorf("%+v", e)
		}
	}
	want := []string{
		".well-known", "deep", "linked", "sub", "with",
		"<b>&\"'.txt", "a.txt", "b.txt", "inside.txt", "x:y z?#%.txt",
	}
	if !slices.Equal(names, want) {
		t.Errorf("names\n%q\nwant\n%q", names, want)
	}
	const line = `{ "name":"b.txt", "type":"file", "mtime":"Sun, 01 Mar 2026 12:00:00 GMT", "size":3 }`
	if !strings.Contains(string(got.Content), line) {
		t.Errorf("%s\nlacks %s", got.Content, line)
	}
	const directory = `{ "name":"sub", "type":"directory", "mtime":"Sun, 01 Mar 2026 12:00:00 GMT" }`
	if !strings.Contains(string(got.Content), directory) {
		t.Errorf("%s\nlacks %s", got.Content, directory)
	}
	if inner := string(f.list("/sub/", "application/json").Content); !strings.Contains(inner, "up.txt") {
		t.Errorf("a link that leads up, and stays inside, is missing: %s", inner)
	}
}

func TestListingHTML(t *testing.T) {
	f := listingFixture(t)
	got := f.list("/", "text/html,*/*;q=0.8")
	for _, name := range []string{"Content-Type: text/html; charset=utf-8", "X-Content-Type-Options: nosniff", "Vary: Accept", "Cache-Control: no-cache"} {
		if !strings.Contains(string(got.Block), name+"\r\n") {
			t.Errorf("%q lacks %s", got.Block, name)
		}
	}
	page := string(got.Content)
	for _, want := range []string{
		"<h1>/</h1>",
		`<a href="./sub/">sub/</a><td><td>2026-03-01 12:00`,
		`<a href="./b.txt">b.txt</a><td>3 B<td>2026-03-01 12:00`,
		`<a href="./%3Cb%3E%26%22%27.txt">&lt;b&gt;&amp;&#34;&#39;.txt</a>`,
		`<a href="./x:y%20z%3F%23%25.txt">x:y z?#%.txt</a>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
	for _, refused := range []string{"../", "secret", ".env", ".git", "outside", "dangling", "pipe", "<b>"} {
		if strings.Contains(page, refused) {
			t.Errorf("the page has %q:\n%s", refused, page)
		}
	}
	inner := string(f.list("/deep/er/", "").Content)
	if !strings.Contains(inner, `<a href="../">../</a>`) || !strings.Contains(inner, "<h1>/deep/er/</h1>") {
		t.Errorf("%s", inner)
	}
}

func TestListingForm(t *testing.T) {
	f := newFixture(t, Options{Listing: true}, map[string]string{"a.txt": ""})
	for accept, want := range map[string]string{
		"":                                    "text/html",
		"*/*":                                 "text/html",
		"application/json":                    "application/json",
		"application/json, */*":               "application/json",
		"text/html, application/json":         "text/html",
		"text/html;q=0.5, application/json":   "application/json",
		"application/json;q=0.5, text/html":   "text/html",
		"application/json;q=0":                "text/html",
		"application/*":                       "text/html",
		"text/html,application/xhtml+xml,*/*": "text/html",
	} {
		if got := string(f.list("/", accept).Block); !strings.HasPrefix(got, "Content-Type: "+want) {
			t.Errorf("%q: %q, want %s", accept, got, want)
		}
	}
}

// TestListingElsewhere covers what is answered without a listing although
// listings are on.
func TestListingElsewhere(t *testing.T) {
	f := listingFixture(t)
	for path, status := range map[string]int{
		"/sub": 301, "/linked": 301, "/with": 301, "/with/": 200, "/b.txt": 200, "/b.txt/": 404, "/none/": 404,
		"/none": 404, "/.git/": 404, "/outside.txt/": 404, "/pipe/": 404, "/.well-known": 301,
	} {
		if a := f.get(path); a.Status != status || a.Listing != nil {
			t.Errorf("%s: status %d, want %d", path, a.Status, status)
		}
	}
	a := f.serve(Request{GET: true, Path: []byte("/"), RawPath: []byte("/mount")})
	if a.Status != 301 || field(a, "Location") != "./mount/" {
		t.Errorf("the mount without its slash: %d %q", a.Status, a.Block)
	}
	if a := f.serve(Request{Path: []byte("/sub/")}); a.Status != 405 {
		t.Errorf("POST: %d", a.Status)
	}
	off := newFixture(t, Options{}, map[string]string{"sub/x.txt": ""})
	if a := off.get("/sub/"); a.Status != 404 {
		t.Errorf("listings are off: %d", a.Status)
	}
	off = newFixture(t, Options{Listing: true, NoCacheControl: true}, map[string]string{"x.txt": ""})
	if got := off.list("/", ""); strings.Contains(string(got.Block), "Cache-Control") {
		t.Errorf("%q although it is off", got.Block)
	}
}

func TestListingFollowsTheDirectory(t *testing.T) {
	f := newFixture(t, Options{Listing: true}, map[string]string{"sub/a.txt": ""})
	f.list("/sub/", "")
	f.write("sub/index.html", "index")
	f.now++
	expect(t, f.get("/sub/"), 200, "index")
	f.remove("sub/index.html")
	f.remove("sub/a.txt")
	f.now++
	if got := string(f.list("/sub/", "application/json").Content); got != "[\n]\n" {
		t.Errorf("an empty directory: %q", got)
	}
	f.remove("sub")
	f.now++
	expect(t, f.get("/sub/"), 404, "404 Not Found\n")
}

// TestListingGone takes the directory away between the answer and the reading.
func TestListingGone(t *testing.T) {
	f := newFixture(t, Options{Listing: true}, map[string]string{"sub/": ""})
	a := f.get("/sub/")
	f.remove("sub")
	if got := a.Listing.Make(); got.Status != 200 && got.Status != 404 {
		t.Errorf("%d %q", got.Status, got.Content)
	}
	f.get("/")
	f.write("closed/", "")
	l := f.get("/closed/").Listing
	if err := os.Chmod(filepath.Join(f.dir, "closed"), 0o311); err != nil {
		t.Fatal(err)
	}
	asNobody(t, f.dir)
	if got := l.Make(); got.Status != 403 || string(got.Content) != "403 Forbidden\n" {
		t.Errorf("%d %q", got.Status, got.Content)
	}
}

func TestListingBound(t *testing.T) {
	f := newFixture(t, Options{Listing: true}, map[string]string{"1": "", "2": "", "3": "", "4": ""})
	list := func(accept string, most int) Listed {
		a := f.serve(Request{GET: true, Path: rootPath, Accept: []byte(accept)})
		if a.Listing.most != maxListing {
			t.Errorf("%d entries are listed, the limit is %d", a.Listing.most, maxListing)
		}
		a.Listing.most = most
		return a.Listing.Make()
	}
	got := list("application/json", 3)
	if n := strings.Count(string(got.Content), `"name"`); n != 3 || !strings.Contains(string(got.Block), "Listing-Truncated: 3\r\n") {
		t.Errorf("%d entries, %q", n, got.Block)
	}
	if got := list("", 3); !strings.Contains(string(got.Content), "only 3 entries") {
		t.Error("the page does not say that there is more")
	}
	got = list("application/json", 4)
	if n := strings.Count(string(got.Content), `"name"`); n != 4 || strings.Contains(string(got.Block), "Truncated") {
		t.Errorf("%d entries, %q", n, got.Block)
	}
}

func TestListingDescriptors(t *testing.T) {
	f := newFixture(t, Options{Listing: true}, map[string]string{"a.txt": ""})
	f.list("/", "")
	before := openDescriptors(t)
	for range 8 {
		f.list("/", "")
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestAppendSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB", 1 << 20: "1.0 MiB",
		5 << 30: "5.0 GiB", 1<<63 - 1: "8.0 EiB",
	} {
		if got := string(appendSize(nil, n)); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
