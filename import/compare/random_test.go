package compare

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/anygate/anygate/import/nginx"
)

// maker makes servers of random locations of all kinds, whose paths are made of a few segments so that they get into each
// other's way. Each answers with its own text, or refuses.
type maker struct {
	*rand.Rand
	text  strings.Builder
	line  int
	count int
}

func (m *maker) write(format string, args ...any) {
	fmt.Fprintf(&m.text, format+"\n", args...)
	m.line++
}

func (m *maker) one(list ...string) string { return list[m.IntN(len(list))] }

// action is what a location does.
func (m *maker) action() string {
	if m.count++; m.IntN(5) < 2 {
		return m.one("return 403;", "return 302 /login;")
	}
	return fmt.Sprintf("return 200 text%d;", m.count)
}

// prefix is a path of one or two segments below another one.
func (m *maker) prefix(base string) string {
	path := strings.TrimSuffix(base, "/")
	for range 1 + m.IntN(2) {
		path += "/" + m.one("a", "b", "c")
	}
	return path + m.one("/", "/", "")
}

// expression is one that paths can say, or now and then one that they cannot.
func (m *maker) expression(base string) string {
	if m.IntN(8) == 0 {
		return m.one("/b$", "a/c", "/c/")
	}
	expr := "^" + strings.TrimSuffix(base, "/")
	for range 1 + m.IntN(2) {
		expr += "/" + m.one("a", "b", "c", "[^/]+", "(a|b)", `\w+`)
	}
	return expr + m.one("$", "/", "/(.*)$", "", "$", "/.*")
}

// location writes one, with others in it.
func (m *maker) location(base string, depth int, used map[string]bool) {
	var head, below string
	switch m.IntN(6) {
	case 0, 1:
		below = m.prefix(base)
		head = below
	case 2:
		below = m.prefix(base)
		head = "^~ " + below
	case 3:
		head = "= " + m.prefix(base)
	default:
		if m.IntN(3) == 0 {
			base = ""
		}
		head = m.one("~ ", "~ ", "~* ") + m.expression(base)
	}
	key := head
	if below != "" {
		key = below
	}
	if used[key] {
		return
	}
	used[key] = true
	if below == "" || depth > 0 || m.IntN(3) > 0 {
		m.write("location %s { %s }", head, m.action())
		return
	}
	m.write("location %s {", head)
	for range 1 + m.IntN(2) {
		m.location(below, depth+1, used)
	}
	m.write("}")
}

// TestRandomLocations asks nginx and AnyGate the same of many servers with random locations. Where they do not answer the
// same, the result says so: by 501, or in the report. What nginx refuses is never let through without being reported as not
// carried over. That /x/ matches /x is told of in docs/import.md.
func TestRandomLocations(t *testing.T) {
	for _, seed := range []uint64{2, 12} {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { randomLocations(t, seed) })
	}
}

func randomLocations(t *testing.T, seed uint64) {
	const servers = 120
	m := &maker{Rand: rand.New(rand.NewPCG(1, seed))}
	var lines [servers][2]int
	for i := range servers {
		lines[i][0] = m.line + 1
		m.write("server { listen 80; server_name s%d.example; log_not_found off;", i)
		used := map[string]bool{}
		for range 2 + m.IntN(4) {
			m.location("", 0, used)
		}
		if m.IntN(5) < 3 {
			m.write("location / { %s }", m.action())
		}
		m.write("}")
		lines[i][1] = m.line
	}
	corpus := t.TempDir()
	file := filepath.Join(corpus, "nginx.conf")
	if err := os.WriteFile(file, []byte(m.text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := nginx.Convert(file, nginx.Options{Prefix: "/nonexistent"})
	if err != nil {
		t.Fatal(err)
	}
	var differs, lost [servers]bool
	for _, item := range r.Report.Items() {
		for i, l := range lines {
			if item.Line >= l[0] && item.Line <= l[1] {
				differs[i] = true
				lost[i] = lost[i] || item.Level == "not carried over"
			}
		}
	}
	w := newWorld(t, corpus)
	theirs, ours := newStage(t, corpus, "nginx", w), newStage(t, corpus, "anygate", w)
	startNginx(t, theirs)
	startAnyGate(t, ours)
	paths := []string{"/", "/ax", "/a/bx", "/A/b", "/x", "/x/b"}
	for _, a := range []string{"a", "b", "c"} {
		paths = append(paths, "/"+a, "/"+a+"/")
		for _, b := range []string{"a", "b", "c"} {
			paths = append(paths, "/"+a+"/"+b, "/"+a+"/"+b+"/", "/"+a+"/"+b+"/c")
		}
	}
	opened := 0
	for i := range servers {
		host := fmt.Sprintf("s%d.example", i)
		for _, path := range paths {
			a, b := theirs.say(t, host, path), ours.say(t, host, path)
			open := (strings.HasPrefix(a, "403") || strings.HasPrefix(a, "302")) && strings.HasPrefix(b, "200")
			if open {
				opened++
			}
			switch {
			case a == b, strings.HasPrefix(b, "403"), strings.HasPrefix(b, "501"), open && lost[i], !open && differs[i]:
				continue
			case !open && b == ours.say(t, host, path+"/"):
				continue
			}
			text := strings.Split(m.text.String(), "\n")
			t.Errorf("%s%s: nginx says %s, AnyGate %s\n%s", host, path, a, b, strings.Join(text[lines[i][0]-1:lines[i][1]], "\n"))
		}
	}
	if refused := slices.IndexFunc(lost[:], func(l bool) bool { return !l }); refused < 0 || opened > servers {
		t.Errorf("everything is reported as lost, or %d paths are open that were not", opened)
	}
}

// say is the status and the text of an answer.
func (s *stage) say(t *testing.T, host, path string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+s.ports["80"]+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		return strconv.Itoa(resp.StatusCode)
	}
	return "200 " + string(body)
}
