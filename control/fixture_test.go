package control

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/discovery"
)

// parse compiles a configuration's text; relative paths are below dir.
func parse(t *testing.T, dir, text string) *config.Config {
	t.Helper()
	cfg, diagnostics := config.Parse("test.yml", []byte(text), config.Options{BaseDir: dir, Stat: os.Stat, ReadFile: os.ReadFile})
	if err := diagnostics.Err(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// names is a resolver with a table.
type names map[string][]string

func (n names) Lookup(_ context.Context, q discovery.Query) (a discovery.Answer, err error) {
	for _, s := range n[q.Name] {
		a.Endpoints = append(a.Endpoints, discovery.Endpoint{Addr: netip.AddrPortFrom(netip.MustParseAddr(s), q.Port), Weight: 1})
	}
	return a, nil
}

// journal is a log that can be read while it is written.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func wantIn(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in:\n%s", p, text)
		}
	}
}
