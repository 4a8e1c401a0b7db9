package static

import (
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// docSites are the tables of requests by the heading of their first column, with the
// site that they are for, files beside those of the page's table, and how many rows there
// are at least.
var docSites = map[string]struct {
	o     Options
	files map[string]string
	rows  int
}{
	"request":                         {Options{}, nil, 85},
	"request, with a `404.html`":      {Options{}, map[string]string{"404.html": "<h1>lost</h1>"}, 6},
	"request, with `listing: on`":     {Options{Listing: true, SPA: SPAOff}, nil, 8},
	"request, with `symlinks: never`": {Options{NoSymlinks: true}, nil, 2},
	"request, with `early-hints: on`": {Options{EarlyHints: true}, map[string]string{
		"entry.html": "<script type=module src=/assets/index-BZ0vHKyV.js></script>",
	}, 4},
	"request, with coded forms": {Options{Compress: CompressPrecompressed}, map[string]string{
		"packed.js": "let packed = 'a script of some length'", "packed.js.br": "its br form", "packed.js.gz": "its gzip form",
	}, 16},
}

// TestDocs runs the tables of docs/static.md: it makes the directory that the page
// describes and sends the requests of every row.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/static.md")
	if err != nil {
		t.Fatal(err)
	}
	tables := docTables(string(page))
	for heading := range tables {
		if _, known := docSites[heading]; !known && strings.HasPrefix(heading, "request") {
			t.Errorf("no site is known for the table %q", heading)
		}
	}
	for heading, site := range docSites {
		f := docFixture(t, tables["file"], site.o)
		// In order: a coded form must not be older than its file.
		for _, name := range slices.Sorted(maps.Keys(site.files)) {
			f.write(name, site.files[name])
		}
		if got := len(tables[heading]); got < site.rows {
			t.Errorf("found %d rows of %q, the page has more", got, heading)
		}
		for _, row := range tables[heading] {
			name := row[0]
			if row[1] != "" {
				name += " " + row[1]
			}
			t.Run(name, func(t *testing.T) { docRow(t, f, row) })
		}
	}
}

// docTables collects the rows of all tables by the heading of the first column.
func docTables(page string) map[string][][]string {
	tables := make(map[string][][]string)
	heading := ""
	for line := range strings.SplitSeq(page, "\n") {
		if !strings.HasPrefix(line, "| ") {
			heading = ""
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case heading == "":
			heading = cells[0]
		case !strings.HasPrefix(cells[0], "---"):
			tables[heading] = append(tables[heading], cells)
		}
	}
	return tables
}

// docFixture makes the directory of the page's first table.
func docFixture(t *testing.T, rows [][]string, o Options) *fixture {
	f := newFixture(t, o, nil)
	if err := os.WriteFile(filepath.Join(f.dir, "..", "secret.txt"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 22 {
		t.Fatalf("found %d files in the page", len(rows))
	}
	for _, row := range rows {
		name, content := strings.Trim(row[0], "`"), row[1]
		switch {
		case content == "a link to a file outside":
			f.link("../secret.txt", name)
		case content == "a link to the directory above":
			f.link("..", name)
		case strings.HasPrefix(content, "a link to "):
			f.link(strings.Trim(strings.TrimPrefix(content, "a link to "), "`"), name)
		case content == "a FIFO":
			if err := unix.Mkfifo(filepath.Join(f.dir, name), 0o644); err != nil {
				t.Fatal(err)
			}
		case strings.HasSuffix(content, ", 100 times"):
			f.write(name, strings.Repeat(strings.Trim(strings.TrimSuffix(content, ", 100 times"), "`"), 100))
		default:
			f.write(name, strings.Trim(content, "`"))
		}
	}
	return f
}

func docRow(t *testing.T, f *fixture, row []string) {
	method, target, _ := strings.Cut(strings.Trim(row[0], "`"), " ")
	path, query, hasQuery := strings.Cut(target, "?")
	r := Request{
		GET: method == "GET", HEAD: method == "HEAD", OPTIONS: method == "OPTIONS",
		Path: []byte(path), RawPath: []byte(path),
	}
	if hasQuery {
		r.RawQuery = []byte(query)
	}
	current := f.get(path)
	fill := strings.NewReplacer("{etag}", field(current, "ETag"), "{modified}", field(current, "Last-Modified"))
	if row[1] != "" {
		for item := range strings.SplitSeq(row[1], "`; `") {
			name, value, ok := strings.Cut(fill.Replace(strings.Trim(item, "`")), ": ")
			if !ok {
				t.Fatalf("field %q", item)
			}
			setField(t, &r, name, value)
		}
	}
	a := f.serve(r)
	if a.Listing != nil {
		made := a.Listing.Make()
		a = &Answer{Status: made.Status, Block: made.Block, Length: int64(len(made.Content)), Text: made.Content, FD: -1}
	}
	if want, err := strconv.Atoi(row[2]); err != nil || a.Status != want {
		t.Fatalf("status %d, want %s (%q)", a.Status, row[2], a.Block)
	}
	content := body(t, a)
	for _, item := range docItems(row[3]) {
		absent := strings.HasPrefix(item, "no `")
		want := fill.Replace(strings.Trim(strings.TrimPrefix(item, "no "), "`"))
		want = strings.ReplaceAll(want, `\r\n`, "\r\n")
		name, value, isField := strings.Cut(want, ": ")
		inner := strings.TrimSuffix(strings.TrimPrefix(want, "…"), "…")
		switch {
		case absent && docField(a, want) != "":
			t.Errorf("%s is %q, want none", want, docField(a, want))
		case absent:
		case inner != want && !strings.Contains(content, inner):
			t.Errorf("content %q lacks %q", content, inner)
		case inner != want:
		case !isField && strings.TrimSuffix(content, "\n") != want:
			t.Errorf("content %q, want %q", content, want)
		case isField && docField(a, name) != value:
			t.Errorf("%s is %q, want %q", name, docField(a, name), value)
		case name == "Location":
			if _, err := url.Parse(value); err != nil {
				t.Errorf("Location %q: %v", value, err)
			}
		}
	}
}

// docItems splits the cell of what is in an answer.
func docItems(cell string) (items []string) {
	for item := range strings.SplitSeq(cell, "`, ") {
		if item != "" {
			items = append(items, strings.TrimSuffix(item, "`")+"`")
		}
	}
	return items
}

// docField is the value of a field of an answer, with those that are not in its block.
func docField(a *Answer, name string) string {
	switch name {
	case "Content-Length":
		return strconv.FormatInt(a.Length, 10)
	case "103 Link":
		return field(&Answer{Block: a.Hints}, "Link")
	}
	return field(a, name)
}

// setField sets a field of a request by its name.
func setField(t testing.TB, r *Request, name, value string) {
	t.Helper()
	v := []byte(value)
	switch name {
	case "If-Match":
		r.IfMatch = v
	case "If-None-Match":
		r.IfNoneMatch = v
	case "If-Modified-Since":
		r.IfModifiedSince = v
	case "If-Unmodified-Since":
		r.IfUnmodifiedSince = v
	case "Range":
		r.Range = v
	case "If-Range":
		r.IfRange = v
	case "Accept":
		r.Accept = v
	case "Accept-Encoding":
		r.AcceptEncoding = v
	case "Sec-Fetch-Mode":
		r.SecFetchMode = v
	default:
		t.Fatalf("unknown field %q", name)
	}
}
