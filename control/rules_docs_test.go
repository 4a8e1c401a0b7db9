package control

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/route"
)

// TestDocsOfPolicies runs the table of docs/policies.md, all rows on one server, and parses its examples.
func TestDocsOfPolicies(t *testing.T) {
	text, err := os.ReadFile("../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for i, block := range strings.Split(page, "```") {
		if yaml, ok := strings.CutPrefix(block, "yaml\n"); ok && i%2 == 1 {
			if _, ds := config.Parse("policies.md", []byte(yaml), config.Options{}); len(ds) > 0 {
				t.Errorf("an example is wrong:\n%s", ds)
			}
		}
	}

	var rows [][]string
	_, table, _ := strings.Cut(page, "\n| policies | a request with | gets |\n")
	for i, line := range strings.Split(table, "\n") {
		if !strings.HasPrefix(line, "|") {
			break
		}
		if i == 0 {
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 3 {
			t.Fatalf("the row %q has %d cells", line, len(cells))
		}
		rows = append(rows, cells)
	}
	if len(rows) < 30 {
		t.Fatalf("found %d rows, the page has more", len(rows))
	}

	t.Setenv("TOKENS", "alpha, beta")
	engines(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		write(t, dir, "users", bob)
		up := start(t, dir, "listen: 127.0.0.1:0\nserver: {engine: "+engine+"}\nlog: {access: off}\nroutes:\n  /: \"*\"\n")
		var b strings.Builder
		fmt.Fprintf(&b, "listen: 127.0.0.1:0\nserver: {engine: %s, trust: [127.0.0.1]}\nlog: {access: off}\nroutes:\n", engine)
		for i, row := range rows {
			fmt.Fprintf(&b, "  /%d:\n    to: http://%s\n    use:\n", i, up.Addresses()[0])
			for policy := range strings.SplitSeq(row[0], " and ") {
				fmt.Fprintf(&b, "      - %q\n", strings.Trim(policy, "`"))
			}
		}
		r := start(t, dir, b.String())
		for i, row := range rows {
			documented(t, r, i, row)
		}
	})
}

// TestDocsOfSpellings looks up the paths of docs/policies.md: in the first example they have the routes that the table says,
// and in the second one no spelling of what is guarded has a route without its policy.
func TestDocsOfSpellings(t *testing.T) {
	text, err := os.ReadFile("../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := strings.Cut(string(text), "\n## Policies and spellings of paths\n")
	page, _, _ = strings.Cut(page, "\n## ")
	var examples []*config.Config
	for i, block := range strings.Split(page, "```") {
		if i%2 == 1 {
			c, ds := config.Parse("policies.md", []byte(strings.TrimPrefix(block, "yaml\n")), config.Options{})
			if len(ds) > 0 {
				t.Fatal(ds)
			}
			examples = append(examples, c)
		}
	}
	if len(examples) != 2 {
		t.Fatalf("found %d examples", len(examples))
	}
	rows := 0
	for line := range strings.SplitSeq(page, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(cells[1], " `/") {
			continue
		}
		rows++
		path, want := strings.Trim(cells[1], " `"), strings.Trim(cells[2], " `")
		norm, ok := route.Normalise(make([]byte, 0, 100), []byte(path))
		if !ok {
			t.Errorf("%s is refused", path)
			continue
		}
		for i, c := range examples {
			var m route.Match
			if c.Table.Match([]byte("GET"), []byte("h"), norm, &m) != route.Found {
				t.Errorf("example %d: %s has no route", i, path)
				continue
			}
			r := &c.Routes[m.Value]
			if i == 0 && r.Head.Path != want || i == 1 && (len(r.Policies) != 1 || r.Policies[0].Name() != "auth") {
				t.Errorf("example %d: %s has the route %s, %v", i, path, r.Head, r.Policies)
			}
		}
	}
	if rows < 8 {
		t.Errorf("found %d rows", rows)
	}
}

// TestDoubledSlashesOfFiles holds that a static route does not serve a file below a guarded one under another spelling.
func TestDoubledSlashesOfFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "users", bob)
	write(t, dir, "dist/admin/x", "guarded")
	write(t, dir, "inner/x", "guarded")
	r := start(t, dir, fmt.Sprintf(minimal, "epoll")+"  /: ./dist/\n  /admin/: ./dist/admin/ | auth basic users\n  /inner/: ./inner/ | auth basic users\n")
	for path, want := range map[string]int{"/admin/x": 401, "//admin/x": 404, "/admin//x": 401, "//admin//x": 404, "/inner/x": 401, "//inner/x": 404} {
		req, err := http.NewRequest("GET", "http://"+r.Addresses()[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = "//h" + path
		resp, err := plain.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s gets %d, want %d", path, resp.StatusCode, want)
		}
	}
}

// documented makes the request of a row, and compares what it gets.
func documented(t *testing.T, r *running, i int, row []string) {
	t.Helper()
	method, body := "GET", ""
	fields := http.Header{}
	for part := range strings.SplitSeq(row[1], ", ") {
		name, value, isField := strings.Cut(part, ": ")
		n := 0
		switch {
		case isField && value == "2000":
			// The upstream tells what it was asked, and so answers with as much.
			fields.Set(name, strings.Repeat("x", 2000))
		case isField:
			fields.Set(name, value)
		case part == "nothing":
		default:
			if _, err := fmt.Sscanf(part, "%d bytes", &n); err == nil {
				method, body = "POST", strings.Repeat("x", n)
			} else {
				method = part
			}
		}
	}
	req, err := http.NewRequest(method, fmt.Sprintf("http://%s/%d", r.Addresses()[0], i), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = fields
	resp, err := plain.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	content, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	status, rest, _ := strings.Cut(row[2], ", ")
	ok := fmt.Sprint(resp.StatusCode) == status
	for rest != "" {
		var part string
		// A comma in a value is not followed by a blank and a word with a colon, or by "no" or "upstream".
		part, rest = nextClaim(rest)
		part, upstream := strings.CutPrefix(part, "upstream ")
		name, absent := strings.CutPrefix(part, "no ")
		switch {
		case upstream && absent:
			ok = ok && !strings.Contains(string(content), "\r\n"+name+": ")
		case upstream:
			ok = ok && strings.Contains(string(content), "\r\n"+part+"\r\n")
		case absent:
			ok = ok && resp.Header[http.CanonicalHeaderKey(name)] == nil
		default:
			name, value, _ := strings.Cut(part, ": ")
			ok = ok && slices.Contains(resp.Header[http.CanonicalHeaderKey(name)], value)
		}
	}
	if !ok {
		t.Errorf("%s: a request with %s gets %d, %v, %q; the page says %s", row[0], row[1], resp.StatusCode, resp.Header, content, row[2])
	}
}

// plain does not decode what it gets.
var plain = &http.Transport{DisableCompression: true}

// nextClaim cuts the first of several claims about a response off.
func nextClaim(s string) (claim, rest string) {
	for i := range len(s) {
		after, ok := strings.CutPrefix(s[i:], ", ")
		if !ok {
			continue
		}
		word, _, _ := strings.Cut(after, " ")
		if word == "no" || word == "upstream" || strings.HasSuffix(word, ":") {
			return s[:i], after
		}
	}
	return s, ""
}
