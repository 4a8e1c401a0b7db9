package static

import (
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDocs runs the tables of docs/static.md: it makes the directory that the page
// describes and sends the requests of every row.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/static.md")
	if err != nil {
		t.Fatal(err)
	}
	tables := docTables(string(page))
	f := docFixture(t, tables["file"])
	rows := tables["request"]
	if len(rows) < 70 {
		t.Fatalf("found %d rows of requests, the page has more", len(rows))
	}
	for _, row := range rows {
		name := row[0]
		if row[1] != "" {
			name += " " + row[1]
		}
		t.Run(name, func(t *testing.T) { docRow(t, f, row) })
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
func docFixture(t *testing.T, rows [][]string) *fixture {
	f := newFixture(t, Options{}, nil)
	if err := os.WriteFile(filepath.Join(f.dir, "..", "secret.txt"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 18 {
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
	if want, err := strconv.Atoi(row[2]); err != nil || a.Status != want {
		t.Fatalf("status %d, want %s (%q)", a.Status, row[2], a.Block)
	}
	if row[3] == "" {
		return
	}
	for item := range strings.SplitSeq(row[3], "`, `") {
		want := fill.Replace(strings.Trim(item, "`"))
		name, value, ok := strings.Cut(want, ": ")
		switch {
		case !ok && strings.TrimSuffix(body(t, a), "\n") != want:
			t.Errorf("content %q, want %q", body(t, a), want)
		case ok && name == "Content-Length" && strconv.FormatInt(a.Length, 10) != value:
			t.Errorf("length %d, want %s", a.Length, value)
		case ok && name != "Content-Length" && field(a, name) != value:
			t.Errorf("%s is %q, want %q", name, field(a, name), value)
		case name == "Location":
			if _, err := url.Parse(value); err != nil {
				t.Errorf("Location %q: %v", value, err)
			}
		}
	}
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
	case "Sec-Fetch-Mode":
		r.SecFetchMode = v
	default:
		t.Fatalf("unknown field %q", name)
	}
}
