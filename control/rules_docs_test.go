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
