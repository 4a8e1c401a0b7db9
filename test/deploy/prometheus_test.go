package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

const deploy = "../../deploy"

func TestMain(m *testing.M) {
	remove, err := product.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	code := m.Run()
	remove()
	os.Exit(code)
}

func promtool(t *testing.T, in []byte, args ...string) string {
	t.Helper()
	c := exec.Command(peer.Find(t, "promtool"), args...)
	c.Dir, c.Stdin = filepath.Join(deploy, "prometheus"), bytes.NewReader(in)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestRules(t *testing.T) {
	promtool(t, nil, "check", "rules", "rules.yml")
	promtool(t, nil, "test", "rules", "rules_test.yml")
	cases := read(t, "prometheus/rules_test.yml")
	for _, m := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(read(t, "prometheus/rules.yml"), -1) {
		// Not only that it is silent.
		if !regexp.MustCompile(`alertname: ` + m[1] + `\n`).MatchString(cases) {
			t.Errorf("%s has no case in rules_test.yml", m[1])
		}
	}
}

// documented are the names of docs/metrics.md, which a test of package metrics compares with those that are exported, and
// the series that their histograms have.
func documented(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, m := range regexp.MustCompile("(?m)^\\| `(anygate_\\w+)` \\| (\\w+) \\|").FindAllStringSubmatch(string(text), -1) {
		names[m[1]] = true
		if m[2] == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				names[m[1]+suffix] = true
			}
		}
	}
	if len(names) < 50 {
		t.Fatalf("docs/metrics.md has %d names", len(names))
	}
	return names
}

// TestNames wants what rules and dashboard refer to to be there.
func TestNames(t *testing.T) {
	known := documented(t)
	rules := read(t, "prometheus/rules.yml")
	for _, m := range regexp.MustCompile(`record: (\S+)`).FindAllStringSubmatch(rules, -1) {
		known[m[1]] = true
	}
	dashboard := read(t, "grafana/anygate.json")
	for name, text := range map[string]string{"rules.yml": rules, "rules_test.yml": read(t, "prometheus/rules_test.yml"), "anygate.json": dashboard} {
		found := regexp.MustCompile(`\banygate[_:][a-z0-9_:]+`).FindAllString(text, -1)
		if len(found) < 10 {
			t.Errorf("%s refers to %d series", name, len(found))
		}
		for _, series := range found {
			if !known[series] {
				t.Errorf("%s refers to %s, which there is not", name, series)
			}
		}
	}
}

// TestDashboard has Prometheus read the queries of the dashboard.
func TestDashboard(t *testing.T) {
	var dashboard struct {
		UID    string `json:"uid"`
		Panels []struct {
			ID      int    `json:"id"`
			Type    string `json:"type"`
			Title   string `json:"title"`
			GridPos struct{ H, W, X, Y int }
			Targets []struct {
				RefID string `json:"refId"`
				Expr  string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal([]byte(read(t, "grafana/anygate.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	ids, queries := make(map[int]bool), 0
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.W == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("the panel %d %q is there twice, has no title or no place", p.ID, p.Title)
		}
		ids[p.ID] = true
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q has no query", p.Title)
		}
		for _, target := range p.Targets {
			queries++
			expr := strings.NewReplacer("$__rate_interval", "5m", "$job", ".*", "$instance", ".*").Replace(target.Expr)
			fmt.Fprintf(&rules, "  - {record: 'dashboard:%d_%s', expr: %q}\n", p.ID, strings.ToLower(target.RefID), expr)
		}
	}
	if queries < 20 {
		t.Errorf("%d queries", queries)
	}
	path := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(path, []byte(rules.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	promtool(t, nil, "check", "rules", path)
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deploy, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestScrape gives what a running process returns to promtool, which checks its form, and the names of its series.
func TestScrape(t *testing.T) {
	engines, err := product.Engines()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) {
			up := origin.Start(t)
			s := product.Start(t, product.Config{Engine: e, Text: `
admin: 127.0.0.1:0
upstreams: {api: [` + up.Addr + `, "127.0.0.1:1"]}
routes: {"/fixed": OK, "/api/": http://api/, "/gone": GONE}
`})
			for _, path := range []string{"/fixed", "/api/", "/api/", "/gone", "/nowhere"} {
				get(t, s.URL(path))
			}
			text := get(t, "http://"+Admin(t, s)+"/metrics")
			// It objects to nothing but habits: that Go's own metrics have names that are not as they should be.
			for line := range strings.Lines(promtool(t, []byte(text), "check", "metrics")) {
				if strings.HasPrefix(line, "anygate") {
					t.Errorf("promtool says: %s", line)
				}
			}
			known := documented(t)
			for line := range strings.Lines(text) {
				if name := regexp.MustCompile(`^anygate_\w+`).FindString(line); name != "" && !known[name] {
					t.Errorf("%s is not documented", name)
				}
			}
			for _, want := range []string{`anygate_requests_total{method="read",route="/fixed",status="2xx"} 1`, `anygate_requests_total{method="read",route="/gone",status="4xx"} 1`} {
				if !strings.Contains(text, want) {
					t.Errorf("%s is not in\n%s", want, text)
				}
			}
			s.Stop(t)
		})
	}
}

// Admin is the address of the admin API of a server.
func Admin(t *testing.T, s *product.Server) string {
	t.Helper()
	_, address, _ := strings.Cut(strings.TrimSpace(s.Stderr.Line(t, "the admin API is there")), "address=")
	return address
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
