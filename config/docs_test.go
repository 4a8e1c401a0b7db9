package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
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

// TestProxyExamples reads every example of the pages about the reverse proxy, and of that about TLS.
func TestProxyExamples(t *testing.T) {
	pages, err := filepath.Glob("../docs/proxy*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, "../docs/tls.md")
	count := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(string(text), "\n```yaml\n") {
			block, _, closed := strings.Cut(part, "\n```")
			if strings.HasPrefix(part, "# ") {
				continue // what comes before the first example
			}
			if count++; !closed {
				t.Errorf("%s: an example has no end", page)
			}
			if _, ds := Parse(filepath.Base(page), []byte(block+"\n"), world()); len(ds) > 0 {
				t.Errorf("an example is wrong:\n%s\n\n%s", block, ds)
			}
		}
	}
	if count < 15 {
		t.Errorf("found %d examples, the pages have more", count)
	}
}

// TestPrivilegesExamples reads the examples of docs/privileges.md, whose files are those of no machine in particular.
func TestPrivilegesExamples(t *testing.T) {
	text, err := os.ReadFile("../docs/privileges.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "\n```yaml\n")
	if len(parts) < 3 {
		t.Fatalf("found %d examples", len(parts)-1)
	}
	for _, part := range parts[1:] {
		block, _, _ := strings.Cut(part, "\n```")
		c, ds := Parse("privileges.md", []byte(block+"\n"), Options{})
		if len(ds) > 0 {
			t.Errorf("an example is wrong:\n%s\n\n%s", block, ds)
		} else if c.Server.User.Name != "www-data" {
			t.Errorf("an example has no user:\n%s", block)
		}
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
	for _, key := range []string{"engine", "shards", "spin", "request-line", "header-bytes", "header-fields", "body", "connections", "connections-per-address", "loop-latency", "buffers", "files", "header", "idle", "write", "drain"} {
		if !strings.Contains(block, " "+key+": ") {
			t.Errorf("the example lacks %s", key)
		}
	}
}

// TestDocumentedPoolDefaults checks that the example of a pool in docs/config.md has the defaults, where there are any.
func TestDocumentedPoolDefaults(t *testing.T) {
	text, err := os.ReadFile("../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "with their defaults where there is one:\n\n```yaml\n")
	block, _, closed := strings.Cut(section, "```")
	if !found || !closed {
		t.Fatal("the example is not there")
	}
	c, ds := Parse("docs.yml", []byte(block), world())
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	got := c.Upstreams[0].Pool
	c, ds = Parse("docs.yml", []byte(`
upstreams: {api: {members: 10.0.0.1, health: on, passive: on, breaker: on, balance: round-robin, limits: {requests: 1000}}}
routes: {"/": http://api}
`), world())
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	want := c.Upstreams[0].Pool
	// What the example says of settings that are off by default, or that every pool has for itself.
	want.Health.Path, want.Health.Host = "/healthz", "api.internal"
	want.Passive.Latency = 2 * time.Second
	want.SlowStart, want.ProxyProtocol = 30*time.Second, 2
	want.Resolve.Servers = []netip.AddrPort{netip.MustParseAddrPort("10.0.0.53:53")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the example is\n%+v\nand the defaults are\n%+v", got, want)
	}
}
