package compare

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
)

// question is a request of requests.txt:
//
//	GET https://example.com/path
//	  Accept: text/html
//	  certificate
//	  = content
//	  ~ status 301 -> 308
//	  ~ Content-Type
//
// The port of the URL is that of the configuration. A line with "~" names an aspect that differs: the status as it says, any
// other in whatever way.
type question struct {
	line        int
	method      string
	url         *url.URL
	fields      http.Header
	content     string
	certificate bool
	statuses    [2]int // of nginx and of AnyGate, if they differ
	differs     map[string]bool
}

func (q *question) String() string { return fmt.Sprintf("%d: %s %s", q.line, q.method, q.url) }

// port is the one that the configuration has for the request.
func (q *question) port() string {
	switch {
	case q.url.Port() != "":
		return q.url.Port()
	case q.url.Scheme == "https":
		return "443"
	}
	return "80"
}

func readQuestions(t *testing.T, name string) (list []*question) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fail := func(line int, s string) { t.Fatalf("%s:%d: %q is not understood", name, line, s) }
	for i, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		rest, more := strings.CutPrefix(line, "  ")
		if !more {
			method, target, ok := strings.Cut(line, " ")
			u, err := url.Parse(target)
			if !ok || err != nil || u.Host == "" {
				fail(i+1, line)
			}
			list = append(list, &question{line: i + 1, method: method, url: u, fields: http.Header{}, differs: map[string]bool{}})
			continue
		}
		if len(list) == 0 {
			fail(i+1, line)
		}
		q := list[len(list)-1]
		aspect, differs := strings.CutPrefix(rest, "~ ")
		content, sent := strings.CutPrefix(rest, "= ")
		field, value, named := strings.Cut(rest, ": ")
		switch {
		case rest == "certificate":
			q.certificate = true
		case sent:
			q.content = content
		case differs && strings.HasPrefix(aspect, "status "):
			from, to, _ := strings.Cut(aspect[len("status "):], " -> ")
			q.statuses[0], _ = strconv.Atoi(from)
			if q.statuses[1], err = strconv.Atoi(to); err != nil {
				fail(i+1, line)
			}
		case differs:
			q.differs[aspect] = true
		case named:
			q.fields.Add(field, value)
		default:
			fail(i+1, line)
		}
	}
	return list
}
