package config

import (
	"os"
	"strings"
	"testing"
)

// TestDocumentation reads every example of docs/config.md. Blocks marked yaml must be right, and those marked
// "yaml refused" wrong in nothing but that this version lacks what they use.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for i, part := range strings.Split(string(text), "\n```") {
		if i%2 == 0 {
			continue
		}
		kind, block, _ := strings.Cut(part, "\n")
		count[kind]++
		_, ds := Parse("docs.yml", []byte(block+"\n"), world())
		switch kind {
		case "yaml":
			if len(ds) > 0 {
				t.Errorf("an example is wrong:\n%s\n\n%s", block, ds)
			}
		case "yaml refused":
			if len(ds) == 0 {
				t.Errorf("an example is not refused:\n%s", block)
			}
			for _, d := range ds {
				if d.Kind != KindUnavailable {
					t.Errorf("an example is wrong:\n%s", d)
				}
			}
		case "text":
		default:
			t.Errorf("a block of the unknown kind %q", kind)
		}
	}
	if count["yaml"] < 10 || count["yaml refused"] < 1 {
		t.Errorf("found the blocks %v", count)
	}
}

// TestDocumentedDefaults checks that the example of `server` in docs/config.md shows the defaults.
func TestDocumentedDefaults(t *testing.T) {
	text, err := os.ReadFile("../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "All keys with their defaults:\n\n```yaml\n")
	block, _, closed := strings.Cut(section, "```")
	if !found || !closed {
		t.Fatal("the example is not there")
	}
	documented, ds := Parse("docs.yml", []byte(block), world())
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	defaults, _ := Parse("docs.yml", []byte("routes: {/: OK}\n"), world())
	if a, b := print(t, documented), print(t, defaults); a != b {
		t.Errorf("the example gives\n%s\nand the defaults are\n%s", a, b)
	}
	for _, key := range []string{"engine", "shards", "spin", "request-line", "header-bytes", "header-fields", "body", "connections", "connections-per-address", "buffers", "header", "idle", "write", "drain"} {
		if !strings.Contains(block, " "+key+": ") {
			t.Errorf("the example lacks %s", key)
		}
	}
}
