package nginx_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/anygate/anygate/import/nginx"
)

var (
	nginxBlock = regexp.MustCompile("(?s)```nginx\n(.*?)```")
	yamlBlock  = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	textBlock  = regexp.MustCompile("(?s)```text\n(.*?)```")
)

// TestDocs runs the example of docs/import.md.
func TestDocs(t *testing.T) {
	const page = "../../docs/import.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	from := nginxBlock.FindSubmatch(text)
	yaml, told := yamlBlock.FindSubmatchIndex(text), textBlock.FindSubmatchIndex(text)
	if from == nil || yaml == nil || told == nil {
		t.Fatal("the page has no example")
	}
	back, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("nginx.conf", from[1], 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := nginx.Convert("nginx.conf", nginx.Options{Prefix: "/usr/share/nginx"})
	if err != nil {
		t.Fatal(err)
	}
	if flag.Lookup("update").Value.String() == "true" {
		s := string(text[:yaml[2]]) + r.YAML + string(text[yaml[3]:told[2]]) + r.Report.Text() + string(text[told[3]:])
		t.Chdir(back)
		if err := os.WriteFile(page, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := string(text[yaml[2]:yaml[3]]); strings.TrimSpace(got) != strings.TrimSpace(r.YAML) {
		t.Errorf("the page has\n%s\nand the result is\n%s", got, r.YAML)
	}
	if got := string(text[told[2]:told[3]]); got != r.Report.Text() {
		t.Errorf("the page has\n%s\nand the report is\n%s", got, r.Report.Text())
	}
}
