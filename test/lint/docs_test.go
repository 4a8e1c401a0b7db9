package lint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/anygate/anygate/config"
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

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// TestReadmeExamples compiles every configuration of the README.
func TestReadmeExamples(t *testing.T) {
	blocks := yamlBlock.FindAllStringSubmatch(read(t, "README.md"), -1)
	if len(blocks) < 2 {
		t.Fatalf("the README has %d examples", len(blocks))
	}
	for i, b := range blocks {
		if _, diagnostics := config.Parse("README.md", []byte(b[1]), config.Options{}); len(diagnostics) > 0 {
			t.Errorf("example %d:\n%s", i+1, diagnostics)
		}
	}
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

var link = regexp.MustCompile(`\]\(([^)#:]+)\)`)

// TestLinksLeadSomewhere follows the relative links of all pages.
func TestLinksLeadSomewhere(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/internals/*.md", "docs/recipes/*.md", "bench/*.md", "deploy/helm/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	if len(pages) < 5 {
		t.Fatalf("only %d pages are found", len(pages))
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
