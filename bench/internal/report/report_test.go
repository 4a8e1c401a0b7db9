package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/bench/internal/generate"
)

// sampleReport has two scenarios of three peers: one with a failure, one whose second round was disturbed.
func sampleReport(factor float64) *Report {
	r := New(Environment{Started: time.Unix(0, 0), Commit: "abc", Kernel: "Linux 6", Command: []string{"go", "run", "./bench"}},
		Settings{Rounds: 3, Duration: time.Second, Reference: "nginx"})
	r.Peers = []Peer{{Name: "anygate-io_uring"}, {Name: "nginx", Version: "1 | 2"}, {Name: "floor"}, {Name: "h2o", Missing: "not <installed>"}}
	fixed := &Scenario{Name: "fixed", Title: "Fixed", About: "About.", Lead: CPU, Columns: []Metric{CPU, Throughput, P50, P99}}
	for round, scale := range []float64{1, 2, 1} {
		fixed.Add("anygate-io_uring", Sample{Round: round, Figures: map[Metric]float64{CPU: 5 * scale * factor, Throughput: 123456, P50: 40, P99: 900}})
		fixed.Add("nginx", Sample{Round: round, Figures: map[Metric]float64{CPU: 10 * scale, Throughput: 100000, P50: 60, P99: 1900}})
		fixed.Add("floor", Sample{Round: round, Figures: map[Metric]float64{CPU: 4 * scale, Throughput: 1, P50: 1, P99: 2}})
	}
	fixed.Entry("nginx").Rounds[1].Disturbance = "a neighbour"
	broken := &Scenario{Name: "broken", Title: "Broken", About: "About.", Lead: PerIdle}
	broken.Add("nginx", Sample{Figures: map[Metric]float64{PerIdle: 500}, Failures: generate.Failures{Read: 3}})
	broken.Fault("anygate-io_uring", 0, errors.New("it <died>"))
	skipped := &Scenario{Name: "skipped", Title: "Skipped", About: "About.", Lead: CPU, Skipped: "no peer"}
	r.Scenarios = []*Scenario{fixed, broken, skipped}
	for _, scenario := range r.Scenarios {
		scenario.Summarise("nginx")
	}
	return r
}

func TestSummarise(t *testing.T) {
	r := sampleReport(1)
	entry := r.Scenario("fixed").Entry("anygate-io_uring")
	if entry.Summary[CPU].Median != 5 || entry.Ratio.OfMedians != 0.5 || entry.Ratio.Low != 0.5 || entry.Ratio.High != 0.5 || entry.ToFloor.OfMedians != 1.25 {
		t.Errorf("summary %+v, ratio %+v, to floor %+v", entry.Summary[CPU], entry.Ratio, entry.ToFloor)
	}
	if nginx := r.Scenario("fixed").Entry("nginx"); !nginx.Sound() || nginx.Disturbed != 1 || nginx.Disturbance != "a neighbour" {
		t.Errorf("a disturbed round: sound %v, %d, %q", nginx.Sound(), nginx.Disturbed, nginx.Disturbance)
	}
	if r.Scenario("broken").Entry("nginx").Sound() || r.Scenario("broken").Entry("anygate-io_uring").Sound() {
		t.Error("rows with failures or faults count as sound")
	}
	if r.Scenario("nothing") != nil || r.Scenario("fixed").Entry("nobody") != nil {
		t.Error("something was found that is not there")
	}
}

func TestMarkdown(t *testing.T) {
	var out strings.Builder
	if err := sampleReport(1).WriteMarkdown(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| anygate-io_uring | **5.00** | 25.0 % | 0.50 (0.50–0.50) | 1.25 | 123,456 | 40.0 | 900 | none |",
		"1 of 3 rounds disturbed: a neighbour",
		"| nginx ⚠ | **500** | 0.0 % | 1.00 (1.00–1.00) | – | read 3 |",
		"| anygate-io_uring ⚠ | – | – | – | – | it <died> |",
		"Not run: no peer",
		"| nginx | 1 \\| 2 |",
		"| h2o | not run: not <installed> |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
}

// TestHTML checks what a browser needs: closed elements, escaped text, nothing fetched from elsewhere.
func TestHTML(t *testing.T) {
	var out bytes.Buffer
	if err := sampleReport(1).WriteHTML(&out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	if strings.Contains(page, "it <died>") || !strings.Contains(page, "it &lt;died&gt;") {
		t.Error("text of a fault is not escaped")
	}
	if found := regexp.MustCompile(`(src|href)="[^#]|url\(|@import`).FindString(page); found != "" {
		t.Errorf("the page refers to something outside: %s", found)
	}
	drawings := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1)
	if len(drawings) != 3 {
		t.Errorf("%d charts, want bars for two scenarios and latencies for one", len(drawings))
	}
	for _, drawing := range drawings {
		if strings.Contains(drawing, "NaN") || strings.Contains(drawing, "Inf") {
			t.Errorf("a chart holds a number that is none: %s", drawing)
		}
		decoder := xml.NewDecoder(strings.NewReader(drawing))
		for {
			if _, err := decoder.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("chart: %v: %s", err, drawing)
			}
		}
	}
}

func TestJSONRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	r := sampleReport(1)
	if err := r.WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	read, err := ReadJSON(path)
	if err != nil {
		t.Fatal(err)
	}
	var before, after strings.Builder
	if err := errors.Join(r.WriteMarkdown(&before), read.WriteMarkdown(&after)); err != nil {
		t.Fatal(err)
	}
	if before.String() != after.String() {
		t.Errorf("what was read differs from what was written:\n%s\n%s", before.String(), after.String())
	}
	r.Format = 99
	if err := r.WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadJSON(path); err == nil {
		t.Error("a record of an unknown format was read")
	}
}

func TestChanges(t *testing.T) {
	tests := []struct {
		name    string
		factor  float64
		verdict Verdict
	}{
		{"the same", 1, Same},
		{"one per cent", 1.01, Same},
		{"a third more", 1.33, Worse},
		{"a third less", 0.67, Better},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var own, broken *Change
			changes := Changes(sampleReport(1), sampleReport(test.factor))
			for i, c := range changes {
				switch {
				case c.Scenario == "fixed" && c.Peer == "anygate-io_uring":
					own = &changes[i]
				case c.Scenario == "broken" && c.Peer == "nginx":
					broken = &changes[i]
				}
			}
			if own == nil || own.Verdict != test.verdict {
				t.Errorf("change %+v, want %q", own, test.verdict)
			}
			if broken == nil || broken.Verdict != Unsound {
				t.Errorf("a row with failures was judged: %+v", broken)
			}
			var out strings.Builder
			if err := WriteChanges(&out, changes); err != nil || !strings.Contains(out.String(), string(test.verdict)) {
				t.Errorf("%v: %s", err, out.String())
			}
		})
	}
}

func TestMoreThroughputIsBetter(t *testing.T) {
	if got := judge(Throughput, Change{Relative: 0.2, Noise: 0.05}); got != Better {
		t.Errorf("a fifth more throughput is %q", got)
	}
	if got := judge(P50, Change{Relative: 0.2, Noise: 0.05, Before: 10, After: 12}); got != Same {
		t.Errorf("two microseconds of latency are %q", got)
	}
}

func TestBaseline(t *testing.T) {
	good := sampleReport(1)
	good.Scenarios = good.Scenarios[:1]
	baseline, err := NewBaseline(good)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "baseline.json")
	if err := baseline.Write(path); err != nil {
		t.Fatal(err)
	}
	if baseline, err = ReadBaseline(path); err != nil {
		t.Fatal(err)
	}
	if breaches := baseline.Check(sampleReport(1.05), 0.08); len(breaches) != 0 {
		t.Errorf("5 %% with a tolerance of 8 %%: %v", breaches)
	}
	breaches := baseline.Check(sampleReport(1.3), 0.08)
	if len(breaches) != 1 || breaches[0].Peer != "anygate-io_uring" || !strings.Contains(breaches[0].String(), "0.650") {
		t.Errorf("30 %% with a tolerance of 8 %%: %v", breaches)
	}
	if names := Scenarios(breaches); len(names) != 1 || names[0] != "fixed" {
		t.Errorf("scenarios of the breaches: %v", names)
	}
	if breaches := baseline.Check(New(Environment{}, Settings{}), 0.08); len(breaches) != len(baseline.Ratios) {
		t.Errorf("a run that measured nothing: %v", breaches)
	}
	if _, err := NewBaseline(sampleReport(1)); err == nil {
		t.Error("a report with failures was recorded")
	}
	busy := sampleReport(1)
	busy.Scenarios = busy.Scenarios[:1]
	row := busy.Scenarios[0].Entries[0]
	row.Disturbed, row.Disturbance = len(row.Rounds)/2+1, "somebody else was there"
	if _, err := NewBaseline(busy); err == nil || !strings.Contains(err.Error(), "somebody else was there") {
		t.Errorf("a report of a busy machine was recorded: %v", err)
	}
	if _, err := NewBaseline(New(Environment{}, Settings{})); err == nil {
		t.Error("an empty report was recorded")
	}
	if _, err := ReadBaseline(path + ".none"); err == nil || !strings.Contains(err.Error(), "--record") {
		t.Errorf("a missing baseline: %v", err)
	}
}

func TestFormat(t *testing.T) {
	for _, test := range []struct {
		value float64
		want  string
	}{
		{0, "0"},
		{0.123, "0.12"},
		{6.789, "6.79"},
		{67.89, "67.9"},
		{678.9, "679"},
		{9999, "9999"},
		{12345.6, "12,346"},
		{1234567, "1,234,567"},
		{-1234567, "-1,234,567"},
	} {
		if got := Format(test.value); got != test.want {
			t.Errorf("Format(%v) = %q, want %q", test.value, got, test.want)
		}
	}
}
