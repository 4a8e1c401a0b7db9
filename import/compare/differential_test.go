package compare

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// uncompared are fields of responses in which the two always differ, or that differ with the time. Docs: "What always
// differs" in docs/import.md.
var uncompared = []string{
	"Server", "Date", "Connection", "Keep-Alive", "Content-Length", "Last-Modified", "Etag", "Accept-Ranges", "Transfer-Encoding", "Expires",
	"X-Content-Type-Options", "Ratelimit", "Ratelimit-Policy", "Vary", "Allow", "Via",
}

func TestSameAnswers(t *testing.T) {
	lists, err := filepath.Glob("../testdata/nginx/*/requests.txt")
	if err != nil || len(lists) < 30 {
		t.Fatalf("there are %d lists of requests (%v)", len(lists), err)
	}
	for _, list := range lists {
		corpus := filepath.Dir(list)
		t.Run(filepath.Base(corpus), func(t *testing.T) {
			w := newWorld(t, corpus)
			theirs, ours := newStage(t, corpus, "nginx", w), newStage(t, corpus, "anygate", w)
			startNginx(t, theirs)
			startAnyGate(t, ours)
			for _, q := range readQuestions(t, list) {
				compare(t, q, ask(t, q, theirs), ask(t, q, ours))
			}
		})
	}
}

// answer is what a server said.
type answer struct {
	status int
	fields http.Header
	body   string
}

// ask sends a request to the server of a stage.
func ask(t *testing.T, q *question, s *stage) *answer {
	t.Helper()
	config := &tls.Config{InsecureSkipVerify: true, ServerName: q.url.Hostname()}
	if q.certificate {
		config.Certificates = []tls.Certificate{s.shared.certificate}
	}
	client := &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DisableCompression: true, DisableKeepAlives: true, TLSClientConfig: config,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+s.ports[q.port()])
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var content io.Reader
	if q.content != "" {
		content = strings.NewReader(q.content)
	}
	r, err := http.NewRequest(q.method, q.url.String(), content)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = q.fields.Clone()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	defer func() { _ = resp.Body.Close() }()
	a := &answer{status: resp.StatusCode, fields: resp.Header}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		a.body = string(body)
	}
	if l := a.fields.Get("Location"); l != "" {
		a.fields.Set("Location", s.place(q, l))
	}
	// The configuration's ports stand for those of this run, wherever they are told.
	for configured, port := range s.ports {
		a.body = strings.ReplaceAll(a.body, port, configured)
		for _, values := range a.fields {
			for i, v := range values {
				values[i] = strings.ReplaceAll(v, port, configured)
			}
		}
	}
	return a
}

// place resolves a Location, and takes away the ports that stand for those of the configuration.
func (s *stage) place(q *question, location string) string {
	u, err := q.url.Parse(location)
	if err != nil {
		return location
	}
	for _, port := range s.ports {
		if u.Port() == port {
			u.Host = u.Hostname()
		}
	}
	return u.String()
}

// compare compares two answers in all aspects that the question does not leave out.
func compare(t *testing.T, q *question, theirs, ours *answer) {
	t.Helper()
	if q.statuses[0] != 0 {
		if theirs.status != q.statuses[0] || ours.status != q.statuses[1] {
			t.Errorf("%s: nginx answers %d, AnyGate %d; that is not the difference that was told", q, theirs.status, ours.status)
		}
	} else if theirs.status != ours.status {
		t.Errorf("%s: nginx answers %d, AnyGate %d", q, theirs.status, ours.status)
	}
	// Pages that each makes by itself say the same in its own words.
	own := strings.Contains(theirs.body, "<center>nginx")
	if !own && !q.differs["body"] && theirs.body != ours.body {
		t.Errorf("%s: nginx sends\n%s\nAnyGate sends\n%s", q, theirs.body, ours.body)
	}
	var names []string
	for _, a := range []*answer{theirs, ours} {
		for name := range a.fields {
			if !slices.Contains(names, name) && !slices.Contains(uncompared, name) && !q.differs[name] {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if name == "Content-Type" && own {
			continue
		}
		// nginx passes on what the client says of itself in such a field, unless it is told to set it.
		if asked, tells := strings.CutPrefix(name, toldPrefix); tells && (theirs.fields[name] == nil || q.fields[asked] != nil) {
			continue
		}
		a, b := field(theirs, name), field(ours, name)
		if a != b {
			t.Errorf("%s: %s is %q from nginx, %q from AnyGate", q, name, a, b)
		}
	}
}

// field is the value of a field, without what is the server's own business.
func field(a *answer, name string) string {
	v := strings.Join(a.fields.Values(name), ", ")
	switch name {
	case "Content-Type":
		v, _, _ = strings.Cut(v, ";")
		if v == "application/javascript" {
			v = "text/javascript" // RFC 9239
		}
	case "Www-Authenticate":
		v, _, _ = strings.Cut(v, " ")
	}
	return v
}

// TestReportTellsOfDifferences wants everything that requests.txt leaves out to be in the report.
func TestReportTellsOfDifferences(t *testing.T) {
	lists, err := filepath.Glob("../testdata/nginx/*/requests.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(list), "want.txt"))
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range readQuestions(t, list) {
			if (q.statuses[0] != 0 || len(q.differs) > 0) && !strings.Contains(string(text), ": differs: ") && !strings.Contains(string(text), ": not carried over: ") {
				t.Errorf("%s: %s: the report tells of no difference", list, q)
			}
		}
	}
}
