package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// behaviour is a table of docs/static.md: the settings of the route that it is about, and files beside those of the
// page's first table.
type behaviour struct {
	heading, settings string
	files             [][2]string // in order: a coded form must not be older than its file
	rows              int         // there are at least
}

var behaviours = []behaviour{
	{"request", "", nil, 85},
	{"request, with a `404.html`", "", [][2]string{{"404.html", "<h1>lost</h1>"}}, 6},
	{"request, with `listing: on`", ", listing: on, spa: off", nil, 8},
	{"request, with `symlinks: never`", ", symlinks: never", nil, 2},
	{"request, with `early-hints: on`", ", early-hints: on", [][2]string{{"entry.html", "<script type=module src=/assets/index-BZ0vHKyV.js></script>"}}, 4},
	{"request, with coded forms", ", compress: precompressed", [][2]string{
		{"packed.js", "let packed = 'a script of some length'"}, {"packed.js.br", "its br form"}, {"packed.js.gz", "its gzip form"},
	}, 16},
}

// TestStaticBehaviour runs the tables of docs/static.md against AnyGate.
func TestStaticBehaviour(t *testing.T) {
	tables := staticTables(t)
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		for _, b := range behaviours {
			t.Run(strings.ReplaceAll(b.heading, "`", ""), func(t *testing.T) {
				root := behaviourSite(t, tables["file"], b.files)
				s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: {dir: \"" + root + "\"" + b.settings + "}\n"})
				if n := len(tables[b.heading]); n < b.rows {
					t.Errorf("found %d rows, the page has more", n)
				}
				addr := strings.TrimSuffix(strings.TrimPrefix(s.URL("/"), "http://"), "/")
				for _, row := range tables[b.heading] {
					for _, fault := range faults(t, addr, row) {
						t.Errorf("%s %s: %s", row[0], row[1], fault)
					}
				}
				s.Stop(t)
			})
		}
	})
}

// otherwise are the rows that nginx answers in another way, or not at all, with the reason. The others it has to
// answer as the page says.
var otherwise = map[string]string{
	"`GET /app.js`":             "X-Content-Type-Options is not its default",
	"`GET /docs`":               "its redirects are absolute paths",
	"`GET /docs?q=1&r=2`":       "its redirects are absolute paths",
	"`GET //docs`":              "it merges slashes",
	"`GET //digits.txt`":        "it merges slashes",
	"`GET /bare/`":              "it says that there is a directory",
	"`GET /bare`":               "it says that there is a directory",
	"`GET /missing.txt`":        "its error pages are HTML",
	"`GET /.env`":               "it hides nothing",
	"`GET /%2Eenv`":             "it hides nothing",
	"`GET /.git/config`":        "it hides nothing",
	"`GET /escape.txt`":         "it follows links everywhere",
	"`GET /outside/secret.txt`": "it follows links everywhere",
	"`GET /docs%2Findex.html`":  "an encoded slash separates for it",
	"`POST /app.js`":            "its 405 has no Allow",
	"`OPTIONS /app.js`":         "it knows no OPTIONS",
	"`GET /users/7` `Accept: text/html,*/*;q=0.8`":     "it has no fallback of its own accord",
	"`GET /users/7` `Sec-Fetch-Mode: navigate`":        "it has no fallback of its own accord",
	"`GET /users/` `Accept: text/html`":                "it has no fallback of its own accord",
	"`GET /bare/` `Accept: text/html`":                 "it has no fallback of its own accord",
	"`HEAD /users/7` `Accept: text/html`":              "it has no fallback of its own accord",
	"`GET /users/7` `Accept: */*`":                     "it has no fallback of its own accord",
	"`GET /.git/config` `Accept: text/html`":           "it hides nothing",
	"`GET /`":                                          "it sends no Cache-Control of its own accord",
	"`GET /docs/index.html`":                           "it sends no Cache-Control of its own accord",
	"`GET /assets/index-BZ0vHKyV.js`":                  "it sends no Cache-Control of its own accord",
	"`GET /main.3f2a9c0b.css`":                         "it sends no Cache-Control of its own accord",
	"`GET /main.3f2a9c0b.css` `If-None-Match: {etag}`": "it sends no Cache-Control of its own accord",
	"`GET /digits.txt` `Range: bytes=4-2`":             "it answers 416 to an invalid Range",
	"`GET /digits.txt` `Range: bytes=0-1,4-5`":         "it does not join ranges",
	"`GET /digits.txt` `Range: bytes=0-4,2-6`":         "it does not join ranges",
	"`GET /digits.txt` `Range: bytes=0-1,4-2`":         "it leaves out the invalid one of several ranges",
	"`HEAD /long.txt` `Range: bytes=500-501,0-1`":      "HEAD has ranges for it",
	"`HEAD /digits.txt` `Range: bytes=2-4`":            "HEAD has ranges for it",
}

// Peer: nginx, with the same files. What the first table of docs/static.md says of AnyGate, nginx does as well, unless it is
// known that it does not: otherwise one of both is wrong, or the page lacks a difference.
func TestStaticBehaviourOfNginx(t *testing.T) {
	t.Parallel()
	tables := staticTables(t)
	root := behaviourSite(t, tables["file"], nil)
	nginx := peer.StartNginx(t, root, "", "location / { absolute_redirect off; }")
	known, differed := map[string]bool{}, map[string]bool{}
	for _, row := range tables["request"] {
		name := strings.TrimSpace(row[0] + " " + row[1])
		found := faults(t, nginx.Addr, row)
		known[name] = true
		if len(found) == 0 {
			continue
		}
		differed[name] = true
		if otherwise[name] == "" {
			t.Errorf("%s: %s", name, strings.Join(found, "; "))
		}
	}
	for name, reason := range otherwise {
		switch {
		case !known[name]:
			t.Errorf("%s is no row of the page", name)
		case !differed[name]:
			t.Errorf("%s: nginx does it, although %s", name, reason)
		}
	}
}

// staticTables are the rows of the page's tables, by the heading of the first column.
func staticTables(t *testing.T) map[string][][]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/static.md")
	if err != nil {
		t.Fatal(err)
	}
	tables := make(map[string][][]string)
	heading := ""
	for line := range strings.SplitSeq(string(page), "\n") {
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

// behaviourSite makes the directory of the page's first table. All files have changed long enough ago for strong tags.
func behaviourSite(t *testing.T, rows [][]string, more [][2]string) string {
	t.Helper()
	above := t.TempDir()
	root := filepath.Join(above, "root")
	put := func(path, content string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(above, "secret.txt"), "secret")
	for _, row := range rows {
		path, content := filepath.Join(root, strings.Trim(row[0], "`")), row[1]
		var err error
		switch {
		case content == "a link to a file outside":
			err = os.Symlink("../secret.txt", path)
		case content == "a link to the directory above":
			err = os.Symlink("..", path)
		case strings.HasPrefix(content, "a link to "):
			err = os.Symlink(strings.Trim(strings.TrimPrefix(content, "a link to "), "`"), path)
		case content == "a FIFO":
			err = unix.Mkfifo(path, 0o644)
		case strings.HasSuffix(content, ", 100 times"):
			put(path, strings.Repeat(strings.Trim(strings.TrimSuffix(content, ", 100 times"), "`"), 100))
		default:
			put(path, strings.Trim(content, "`"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range more {
		put(filepath.Join(root, f[0]), f[1])
	}
	return root
}

// reply is what came for a row.
type reply struct {
	status  int
	fields  http.Header
	early   http.Header // of a 103
	content string
}

// request sends a row's request as it stands, and again while a tag is weak because the file is new.
func request(t *testing.T, addr, method, target string, fields []string) reply {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		a := requestOnce(t, addr, method, target, fields)
		if !strings.HasPrefix(a.fields.Get("ETag"), "W/") || time.Now().After(deadline) {
			return a
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func requestOnce(t *testing.T, addr, method, target string, fields []string) reply {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	head := method + " " + target + " HTTP/1.1\r\nHost: example\r\nConnection: close\r\n"
	if method == "POST" {
		head += "Content-Length: 0\r\n"
	}
	if _, err := io.WriteString(c, head+strings.Join(append(fields, ""), "\r\n")+"\r\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	var a reply
	for {
		r, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("%s %s: %v", method, target, err)
		}
		if r.StatusCode == 103 {
			a.early = r.Header
			continue
		}
		content, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatalf("%s %s: %v", method, target, err)
		}
		a.status, a.fields, a.content = r.StatusCode, r.Header, string(content)
		if r.ContentLength >= 0 {
			a.fields.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
		}
		return a
	}
}

// faults are the points in which the answer is not what a row says.
func faults(t *testing.T, addr string, row []string) (found []string) {
	t.Helper()
	method, target, _ := strings.Cut(strings.Trim(row[0], "`"), " ")
	path, _, _ := strings.Cut(target, "?")
	var fill *strings.Replacer
	if strings.Contains(strings.Join(row, ""), "{") {
		current := request(t, addr, "GET", path, nil)
		fill = strings.NewReplacer("{etag}", current.fields.Get("ETag"), "{modified}", current.fields.Get("Last-Modified"))
	} else {
		fill = strings.NewReplacer()
	}
	var fields []string
	if row[1] != "" {
		for item := range strings.SplitSeq(row[1], "`; `") {
			fields = append(fields, fill.Replace(strings.Trim(item, "`")))
		}
	}
	a := request(t, addr, method, target, fields)
	if want, err := strconv.Atoi(row[2]); err != nil || a.status != want {
		return []string{fmt.Sprintf("status %d, want %s", a.status, row[2])}
	}
	for item := range strings.SplitSeq(row[3], "`, ") {
		if item == "" {
			continue
		}
		absent := strings.HasPrefix(item, "no `")
		want := fill.Replace(strings.Trim(strings.TrimPrefix(item, "no "), "`"))
		want = strings.ReplaceAll(want, `\r\n`, "\r\n")
		name, value, isField := strings.Cut(want, ": ")
		inner := strings.TrimSuffix(strings.TrimPrefix(want, "…"), "…")
		switch {
		case absent && a.field(want) != "":
			found = append(found, fmt.Sprintf("%s is %q, want none", want, a.field(want)))
		case absent:
		case inner != want && !strings.Contains(a.content, inner):
			found = append(found, fmt.Sprintf("content %.80q lacks %q", a.content, inner))
		case inner != want:
		case !isField && strings.TrimSuffix(a.content, "\n") != want:
			found = append(found, fmt.Sprintf("content %.80q, want %q", a.content, want))
		case isField && a.field(name) != value:
			found = append(found, fmt.Sprintf("%s is %q, want %q", name, a.field(name), value))
		}
	}
	return found
}

// field is the value of a field, with that of a 103 under its own name.
func (a *reply) field(name string) string {
	if name == "103 Link" {
		return a.early.Get("Link")
	}
	return strings.Join(a.fields.Values(name), ", ")
}
