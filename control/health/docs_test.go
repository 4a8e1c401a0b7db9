package health

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/proxy"
)

// docTable is the rows of the table of docs/proxy-health.md whose first two headings are the ones given, without the
// marks of code.
func docTable(t *testing.T, headings string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/proxy-health.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "\n| "+headings+" |")
	if !found {
		t.Fatalf("the page has no table of %s", headings)
	}
	for i, line := range strings.Split(table, "\n") {
		if i > 0 && !strings.HasPrefix(line, "|") {
			break
		}
		if i < 2 {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.ReplaceAll(strings.TrimSpace(cell), "`", ""))
		}
		rows = append(rows, cells)
	}
	if len(rows) < 2 {
		t.Fatalf("the table of %s has %d rows", headings, len(rows))
	}
	return rows
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestDocs runs the tables of docs/proxy-health.md.
func TestDocs(t *testing.T) {
	passive := (&Passive{Errors: 5}).withDefaults()

	t.Run("ejections", func(t *testing.T) {
		for _, row := range docTable(t, "failures in succession | members of the pool") {
			cells := make([]proxy.Cell, 1)
			e := newEjection(cells, 0)
			fails(&cells[0], uint64(number(t, row[0])))
			_, found := e.fault(passive, cells, second)
			got := "kept"
			if found && passive.mayEject(number(t, row[1]), number(t, row[2])) {
				got = "ejected"
			}
			if got != row[3] {
				t.Errorf("%v: the member is %s", row, got)
			}
		}
	})

	t.Run("times", func(t *testing.T) {
		rows := docTable(t, "the same member is ejected | for")
		e := newEjection(make([]proxy.Cell, 1), 0)
		for i, row := range rows {
			want, err := time.ParseDuration(row[1])
			if err != nil {
				t.Fatal(err)
			}
			e.eject(passive, 0)
			if i == len(rows)-1 {
				for range 1000 {
					e.eject(passive, 0)
				}
			}
			if e.length != want {
				t.Errorf("%s it is ejected for %s, the page says %s", row[0], e.length, want)
			}
		}
	})

	t.Run("breaker", func(t *testing.T) {
		states := map[uint32]string{proxy.BreakerClosed: "closed", proxy.BreakerOpen: "open"}
		for _, row := range docTable(t, "ended within 10 s | of them failed") {
			all, failed := uint64(number(t, row[0])), uint64(number(t, row[1]))
			b := newCircuit(counts{}, 0)
			b.look((&Breaker{}).withDefaults(), counts{failures: failed, successes: all - failed}, int64(tick))
			if states[b.state] != row[2] {
				t.Errorf("%v: the breaker is %s", row, states[b.state])
			}
		}
	})

	t.Run("checks", func(t *testing.T) {
		c := (&Check{Path: "/"}).withDefaults()
		defaults := map[string]string{
			"path": c.Path, "every": c.Every.String(), "timeout": c.Timeout.String(),
			"rise": strconv.Itoa(c.Rise), "fall": strconv.Itoa(c.Fall),
		}
		for _, row := range docTable(t, "key | default") {
			if want, known := defaults[row[0]]; known && row[1] != want {
				t.Errorf("the default of %s is %s, the page says %s", row[0], want, row[1])
			}
		}
	})

	t.Run("log", func(t *testing.T) {
		text, err := os.ReadFile("../../docs/proxy-health.md")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []Event{
			{Down, "api", "10.0.0.2:8080", "3 checks failed: connection refused", 0},
			{Up, "api", "10.0.0.2:8080", "2 checks passed", 0},
			{Ejected, "api", "10.0.0.2:8080", "5 consecutive errors", 10 * time.Second},
			{Readmitted, "api", "10.0.0.2:8080", "after 10s", 0},
			{BreakerOpened, "api", "", "12 of 20 requests failed", 5 * time.Second},
			{BreakerHalfOpen, "api", "", "requests may try", 0},
			{BreakerClosed, "api", "", "3 trials succeeded", 0},
		} {
			level := "info"
			if e.Kind.Worse() {
				level = "warn"
			}
			if line := "Z " + level + " " + e.String() + "\n"; !strings.Contains(string(text), line) {
				t.Errorf("the page does not show %q", line)
			}
		}
	})
}
