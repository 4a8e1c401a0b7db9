package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestReferences wants every file that is read for a configuration, and every one that its parts name, to be known: what
// is not cannot be signed.
func TestReferences(t *testing.T) {
	cases(t, "testdata/valid/*.yml", 10, func(t *testing.T, _ string, text []byte) {
		opt := world()
		read := opt.ReadFile
		var names []string
		opt.ReadFile = func(name string) ([]byte, error) {
			names = append(names, filepath.Clean(name))
			return read(name)
		}
		c, ds := Parse("anygate.yml", text, opt)
		if len(ds) > 0 {
			t.Fatal(ds)
		}
		known := slices.Clone(c.Files)
		for _, name := range c.References() {
			known = append(known, filepath.Clean(name))
			if info, err := opt.Stat(filepath.Clean(name)); err != nil || info.IsDir() {
				t.Errorf("%s is no file: %v", name, err)
			}
		}
		for _, name := range names {
			if !slices.Contains(known, name) {
				t.Errorf("%s is read, and not one of %q", name, known)
			}
		}
	})
}

func TestReferencesOfEverything(t *testing.T) {
	c, ds := Parse("anygate.yml", []byte(`
errors: {404: ./page.html}
routes:
  "a.example/": {answer: OK, errors: {500: ./pages/e.html, 501: sorry}, use: [token issuer.pem issuer i secret ./secret]}
  "/b":         {answer: OK, use: [token issuer.pem issuer i cross-origin secret ENV_SECRET]}
`), Options{})
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	if got, want := c.References(), []string{"./page.html", "./pages/e.html", "./secret", "issuer.pem"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestTokenExamples reads the examples of docs/privacypass.md.
func TestTokenExamples(t *testing.T) {
	page, err := os.ReadFile("../docs/privacypass.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```")
	count := 0
	for i, block := range blocks {
		text, ok := strings.CutPrefix(block, "yaml\n")
		if i%2 == 0 || !ok {
			continue
		}
		count++
		if _, ds := Parse("privacypass.yml", []byte(text), world()); len(ds) > 0 {
			t.Errorf("an example is wrong:\n%s\n%s", text, ds)
		}
	}
	if count < 2 {
		t.Errorf("%d examples are found", count)
	}
}
