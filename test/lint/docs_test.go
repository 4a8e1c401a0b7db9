package lint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/anygate/anygate/telemetry"
)

// root is the repository, seen from this package.
const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDependenciesAreDocumented wants a line for every module, tool and program.
func TestDependenciesAreDocumented(t *testing.T) {
	doc := read(t, "docs/DEPENDENCIES.md")
	modules := regexp.MustCompile(`(?m)^\s+([\w.-]+\.[\w.-]+/\S+) v`).FindAllStringSubmatch(read(t, "go.mod"), -1)
	if len(modules) < 3 {
		t.Fatalf("go.mod is read as %d modules", len(modules))
	}
	for _, m := range modules {
		if !strings.Contains(doc, "`"+m[1]+"`") {
			t.Errorf("docs/DEPENDENCIES.md does not name %s", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\w+\s*:= (\S+)@v`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		if !strings.Contains(doc, "`"+m[1]+"`") {
			t.Errorf("docs/DEPENDENCIES.md does not name %s", m[1])
		}
	}
	needed := regexp.MustCompile(`needed=\((.*)\)`).FindStringSubmatch(read(t, "test/install.sh"))
	for pair := range strings.FieldsSeq(needed[1]) {
		program, _, _ := strings.Cut(pair, ":")
		if !strings.Contains(doc, "| "+program+" |") {
			t.Errorf("docs/DEPENDENCIES.md does not name %s", program)
		}
	}
}

// TestAccessLogIsDocumented compares the table of docs/operating.md with a line of the log.
func TestAccessLogIsDocumented(t *testing.T) {
	_, section, ok := strings.Cut(read(t, "docs/operating.md"), "## The access log")
	if !ok {
		t.Fatal("docs/operating.md does not describe the access log")
	}
	d := json.NewDecoder(strings.NewReader(string(telemetry.AppendAccess(nil, telemetry.JSON, &telemetry.Access{
		GRPC: 1, Trace: [16]byte{1}, Fields: []telemetry.LoggedField{{Name: "x"}},
	}))))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		row := "| `" + key.(string) + "` |"
		i := strings.Index(section, row)
		if i < 0 {
			t.Fatalf("docs/operating.md has no row %q, or not in the order of the log", row)
		}
		section = section[i+len(row):]
	}
	section, _, _ = strings.Cut(section, "\n\n")
	if i := strings.Index(section, "\n| `"); i >= 0 {
		t.Errorf("docs/operating.md has a row too many: %.40q", section[i+1:])
	}
}
