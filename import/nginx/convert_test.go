package nginx_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/import/nginx"
)

// conversion is a configuration, and what its result and its report say, line by line and in any order. A line that begins
// with "!" must not be there.
type conversion struct {
	name, from string
	routes     []string
	report     []string
}

// check converts, has AnyGate read the result, and looks for the lines. Runs of blanks are one, and comments do not count.
func (c conversion) check(t *testing.T) {
	t.Helper()
	c.told(t)
}

// told checks, and returns the report.
func (c conversion) told(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(c.from), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := nginx.Convert(file, nginx.Options{Prefix: "/usr/share/nginx"})
	if err != nil {
		t.Fatal(err)
	}
	told := strings.ReplaceAll(r.Report.Text(), file, "nginx.conf")
	wanted(t, r.YAML, c.routes)
	wanted(t, told, c.report)
	if _, diagnostics := config.Parse("want.yml", []byte(r.YAML), config.Options{BaseDir: "/", ReadFile: pretend}); len(diagnostics) > 0 {
		t.Errorf("AnyGate does not take it:\n%s", diagnostics)
	}
	if t.Failed() {
		t.Logf("%s\n%s", r.YAML, told)
	}
	return told
}

func wanted(t *testing.T, text string, lines []string) {
	t.Helper()
	have := map[string]bool{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "  # ")
		have[strings.Join(strings.Fields(line), " ")] = true
	}
	for _, line := range lines {
		if line, not := strings.CutPrefix(line, "!"); have[line] == not {
			t.Errorf("the line %q is missing, or must not be there", line)
		}
	}
}
