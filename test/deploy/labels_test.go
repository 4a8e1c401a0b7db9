package deploy

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// query is an expression of rules or dashboard, with the labels that its texts take from the result.
type query struct {
	name, expr string
	shown      []string
}

// queries are all expressions that there are; records are those of them that others refer to, by their names.
func queries(t *testing.T) (list []query, records map[string]query) {
	t.Helper()
	shown := func(pattern, text string) (labels []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			labels = append(labels, m[1])
		}
		return labels
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Record, Alert, Expr string
				Annotations         map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "prometheus/rules.yml")), &rules); err != nil {
		t.Fatal(err)
	}
	records = map[string]query{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			q := query{name: r.Record + r.Alert, expr: r.Expr}
			for _, text := range r.Annotations {
				q.shown = append(q.shown, shown(`\$labels\.(\w+)`, text)...)
			}
			list = append(list, q)
			if r.Record != "" {
				records[r.Record] = q
			}
		}
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "grafana/anygate.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			list = append(list, query{p.Title, target.Expr, shown(`\{\{(\w+)\}\}`, target.LegendFormat)})
		}
	}
	return list, records
}

var (
	selector = regexp.MustCompile(`\b((?:anygate[_:]|process_|go_)[a-z0-9_:]+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)(=~|!~|!=|=)"([^"]*)"`)
	grouping = regexp.MustCompile(`\bby \(([^)]*)\)`)
)

// TestLabels wants the labels that rules and dashboard name to be those of docs/metrics.md, which a test of package metrics
// compares with those that are exported. A label that is misspelt makes an alert that never comes.
func TestLabels(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	always := []string{"job", "instance"}
	known := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(anygate_\\w+)` \\| \\w+ \\| ([^|]*) \\|").FindAllStringSubmatch(string(text), -1) {
		labels := append(strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' || r == ' ' }), always...)
		known[m[1]], known[m[1]+"_bucket"] = labels, append(slices.Clone(labels), "le")
	}
	list, records := queries(t)
	matched := 0
	for _, q := range list {
		var there []string // the labels of everything that the expression names
		for _, s := range selector.FindAllStringSubmatch(q.expr, -1) {
			labels := append(slices.Clone(known[s[1]]), always...)
			if r, ok := records[s[1]]; ok {
				labels = splitLabels(grouping.FindStringSubmatch(r.expr)[1])
			}
			for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
				matched++
				if !slices.Contains(labels, m[1]) {
					t.Errorf("%s: %s has no label %s", q.name, s[1], m[1])
				}
			}
			there = append(there, labels...)
		}
		result := there
		for _, g := range grouping.FindAllStringSubmatch(q.expr, -1) {
			for _, label := range splitLabels(g[1]) {
				if !slices.Contains(there, label) {
					t.Errorf("%s: nothing in it has the label %s", q.name, label)
				}
			}
			result = splitLabels(g[1])
		}
		if strings.HasPrefix(q.expr, "up{") {
			result = always
		}
		for _, label := range q.shown {
			if !slices.Contains(result, label) {
				t.Errorf("%s shows the label %s, which the result has not", q.name, label)
			}
		}
	}
	if matched < 50 {
		t.Errorf("%d labels are matched, there are more", matched)
	}
}

func splitLabels(list string) (labels []string) {
	for label := range strings.SplitSeq(list, ",") {
		labels = append(labels, strings.TrimSpace(label))
	}
	return labels
}

// TestValues looks for the names of other people's metrics, and for the values of labels that rules and dashboard match, in a
// scrape. Those of reasons come with what they are reasons for; they are looked for in the source, by the words that they are.
func TestValues(t *testing.T) {
	up := origin.Start(t)
	dir := t.TempDir()
	key := exec.Command(peer.Find(t, "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem")
	key.Dir = dir
	if out, err := key.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := product.Start(t, product.Config{Engine: "auto", Dir: dir, Listen: "127.0.0.1:0 tls", Text: `
admin: 127.0.0.1:0
tls: {certificates: [{cert: cert.pem, key: key.pem}]}
upstreams: {api: {members: ["` + up.Addr + `"], limits: {connections: 4, queue: 2}, breaker: 50%}, gone: "127.0.0.1:1"}
routes: {"/fixed": OK, "/api/": http://api/, "/gone/": http://gone/}
`})
	// A session is resumed on the way.
	sessions := &tls.Config{InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	for _, path := range []string{"/fixed", "/api/", "/gone/"} {
		c := http.Client{Transport: &http.Transport{TLSClientConfig: sessions, DisableKeepAlives: true}}
		r, err := c.Get("https://" + s.Addr + path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	scrape := get(t, "http://"+Admin(t, s)+"/metrics")
	s.Stop(t)
	reasons := ""
	for _, name := range []string{"../tlsedge/failure.go", "../gateway/overload.go"} {
		reasons += read(t, name)
	}
	list, records := queries(t)
	seen := 0
	for _, q := range list {
		for _, m := range selector.FindAllStringSubmatch(q.expr, -1) {
			name := m[1]
			if _, ok := records[name]; ok {
				continue
			}
			if strings.HasPrefix(name, "process_") || strings.HasPrefix(name, "go_") {
				seen++
				if !strings.Contains(scrape, "\n"+name+" ") {
					t.Errorf("%s: %s is not exported", q.name, name)
				}
			}
			for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
				if l[1] == "job" || l[1] == "instance" {
					continue
				}
				for value := range strings.SplitSeq(l[3], "|") {
					seen++
					if l[1] == "reason" {
						if !regexp.MustCompile(`"` + value + `"`).MatchString(reasons) {
							t.Errorf("%s: there is no reason %s", q.name, value)
						}
						continue
					}
					if !regexp.MustCompile(`(?m)^` + name + `\{[^}]*\b` + l[1] + `="` + value + `"`).MatchString(scrape) {
						t.Errorf("%s: there is no %s with %s=%s", q.name, name, l[1], value)
					}
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("%d values are looked for, there are more", seen)
	}
}
