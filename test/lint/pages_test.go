package lint

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/anygate/anygate/config"
)

// pages are all pages of the documentation, by their paths below the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	list := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/internals/*.md", "docs/recipes/*.md", "bench/*.md", "deploy/helm/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			short, err := filepath.Rel(root, name)
			if err != nil {
				t.Fatal(err)
			}
			list[short] = read(t, short)
		}
	}
	if len(list) < 50 {
		t.Fatalf("only %d pages are found", len(list))
	}
	return list
}

// fence is a block of a page, with its kind.
var fence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

// fences says how the blocks of a kind are proved, which a page may have. Those of recipes are carried out by
// test/recipes.
var fences = map[string]string{
	"yaml":          "TestExamplesAreRead",
	"yaml refused":  "config.TestDocumentation",
	"json":          "TestExamplesAreRead",
	"sh":            "cmd/anygate.TestDocumentedCommands",
	"sh quickstart": "test/quickstart.sh",
	"text":          "output, and command lines with values of one's own",
	"":              "output, drawings, and files of other programs",
	"ini":           "a unit of systemd",
	"nginx":         "import/nginx.TestDocumentation",
}

// TestExamplesAreRead reads every configuration of every page, and wants no block of a kind that nobody proves.
func TestExamplesAreRead(t *testing.T) {
	count := map[string]int{}
	for name, text := range pages(t) {
		if strings.HasPrefix(name, "docs/recipes/") {
			continue
		}
		if strings.Count(text, "\n```")%2 != 0 {
			t.Errorf("%s: a block has no end", name)
		}
		for _, m := range fence.FindAllStringSubmatch(text, -1) {
			kind, block := m[1], m[2]
			count[kind]++
			switch {
			case fences[kind] == "":
				t.Errorf("%s: a block of the kind %q, which no test proves", name, kind)
			case kind == "yaml" && name == "docs/config.md":
				// config.TestDocumentation reads those, with the files that they include.
			case kind == "yaml" && strings.HasPrefix(name, "deploy/helm/"):
				values := regexp.MustCompile(`(?s)^config: \|\n(.*)$`).FindStringSubmatch(block)
				if values == nil {
					t.Errorf("%s: the values are not a configuration:\n%s", name, block)
					continue
				}
				block = strings.ReplaceAll("\n"+values[1], "\n  ", "\n")
				fallthrough
			case kind == "yaml":
				// A page about one section leaves the others out.
				if !regexp.MustCompile(`(?m)^"?(routes|groups)"?:`).MatchString(block) {
					block += "routes: {\"/\": OK}\n"
				}
				if _, diagnostics := config.Parse(name, []byte(block), config.Options{}); len(diagnostics) > 0 {
					t.Errorf("%s:\n%s", name, diagnostics)
				}
			case kind == "json" && !json.Valid([]byte(block)):
				t.Errorf("%s: this is not JSON:\n%s", name, block)
			}
		}
	}
	if n := strings.Count(read(t, "README.md"), "\n```yaml\n"); n < 4 {
		t.Errorf("the README has %d examples", n)
	}
	if count["yaml"] < 60 || count["sh quickstart"] != 1 || count["json"] < 2 {
		t.Errorf("found %v", count)
	}
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// place is where a link of a page leads: a file below the repository, and the anchor in it.
func place(page, target string) (file, anchor string) {
	file, anchor, _ = strings.Cut(target, "#")
	if file == "" {
		return page, anchor
	}
	return filepath.Join(filepath.Dir(page), file), anchor
}

// anchors are the names of a page's headings, as they are made of them: lower case, blanks to hyphens, without
// punctuation; a number behind those that are there already.
func anchors(text string) map[string]bool {
	list := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		heading := regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(m[1], "$1")
		name := regexp.MustCompile(`[^\pL\pN_ -]`).ReplaceAllString(strings.ToLower(heading), "")
		name = strings.ReplaceAll(name, " ", "-")
		again := name
		for n := 1; list[again]; n++ {
			again = fmt.Sprintf("%s-%d", name, n)
		}
		list[again] = true
	}
	return list
}

// TestLinksLeadSomewhere follows the links of all pages within the repository, to the heading that they name.
func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	named := 0
	for page, text := range all {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor := place(page, m[1])
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if anchor == "" {
				continue
			}
			if named++; !anchors(all[file])[anchor] {
				t.Errorf("%s: %s has no heading #%s", page, file, anchor)
			}
		}
	}
	if named < 50 {
		t.Errorf("only %d links name a heading", named)
	}
}

// TestTwoStepsFromTheReadme wants every page to be found from the README in two steps.
func TestTwoStepsFromTheReadme(t *testing.T) {
	all := pages(t)
	reached := map[string]bool{"README.md": true}
	for range 2 {
		for page := range maps.Clone(reached) {
			for _, m := range link.FindAllStringSubmatch(all[page], -1) {
				if file, _ := place(page, m[1]); all[file] != "" {
					reached[file] = true
				}
			}
		}
	}
	for page := range all {
		if !reached[page] {
			t.Errorf("%s is more than two steps from README.md", page)
		}
	}
}

// TestKeysAreDocumented wants every key of the configuration on a page for users, in an example or by its name.
func TestKeysAreDocumented(t *testing.T) {
	var schema any
	if err := json.Unmarshal([]byte(read(t, "docs/anygate.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	collectKeys(schema, keys)
	if len(keys) < 100 {
		t.Fatalf("the schema is read as %d keys", len(keys))
	}
	var all strings.Builder
	for page, text := range pages(t) {
		if filepath.Dir(page) == "docs" {
			all.WriteString(text)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !regexp.MustCompile("`" + key + "`|(?m)(?:^|[\\s{,])" + key + ":").MatchString(all.String()) {
			t.Errorf("no page in docs says what %q means", key)
		}
	}
	// What the reference has in a table of keys is one.
	for _, table := range regexp.MustCompile(`(?m)^\| key \|.*\n\|.*\n((?:\|.*\n)+)`).FindAllStringSubmatch(read(t, "docs/config.md"), -1) {
		for _, row := range strings.Split(strings.TrimSpace(table[1]), "\n") {
			first, _, _ := strings.Cut(row[1:], "|")
			for _, m := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(first, -1) {
				if !keys[m[1]] {
					t.Errorf("docs/config.md has a row for %q, which is no key", m[1])
				}
			}
		}
	}
}

// collectKeys finds the names of properties in a schema.
func collectKeys(schema any, into map[string]bool) {
	switch v := schema.(type) {
	case []any:
		for _, item := range v {
			collectKeys(item, into)
		}
	case map[string]any:
		if p, ok := v["properties"].(map[string]any); ok {
			for key := range p {
				into[key] = true
			}
		}
		for _, item := range v {
			collectKeys(item, into)
		}
	}
}

// TestTargetsAreThere looks up what the pages have made.
func TestTargetsAreThere(t *testing.T) {
	targets := map[string]bool{"": true}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets[m[1]] = true
	}
	count := 0
	for page, text := range pages(t) {
		for _, m := range regexp.MustCompile("(?m)(?:`|^)make(?: ([a-z-]+))?(?:`| |$)").FindAllStringSubmatch(text, -1) {
			if count++; !targets[m[1]] {
				t.Errorf("%s: there is no target %q to make", page, m[1])
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d targets are found", count)
	}
}

// TestHandshakesCostWhatTheyAreSaidTo compares the figures of SECURITY.md with those that were measured.
func TestHandshakesCostWhatTheyAreSaidTo(t *testing.T) {
	said := regexp.MustCompile(`some ([0-9.]+) milliseconds of a processor with ECDSA P-256, ([0-9.]+) with RSA-2048`).FindStringSubmatch(read(t, "SECURITY.md"))
	if said == nil {
		t.Fatal("SECURITY.md does not say what a handshake costs")
	}
	results := read(t, "bench/RESULTS.md")
	for i, scenario := range []string{"tls-handshake", "tls-handshake-rsa"} {
		row := regexp.MustCompile(`(?s)\n#### ` + scenario + `:.*?\n\| anygate-io_uring \| \*\*([0-9,.]+)\*\*`).FindStringSubmatch(results)
		if row == nil {
			t.Fatalf("bench/RESULTS.md has no %s", scenario)
		}
		measured, err := strconv.ParseFloat(strings.ReplaceAll(row[1], ",", ""), 64)
		if err != nil {
			t.Fatal(err)
		}
		ms, err := strconv.ParseFloat(said[i+1], 64)
		if err != nil {
			t.Fatal(err)
		}
		if measured /= 1000; math.Abs(ms-measured) > measured/4 {
			t.Errorf("SECURITY.md says %v ms, and %s measured %.2f", ms, scenario, measured)
		}
	}
}
