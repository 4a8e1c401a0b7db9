package certificates

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// TestTrust has files of authorities replaced, broken, taken away, and brought back.
func TestTrust(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ca.pem")
	put := func(data []byte) {
		t.Helper()
		if err := os.WriteFile(path+".new", data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	one, two := certtest.NewAuthority("one").PEM(), certtest.NewAuthority("two").PEM()
	put(one)
	s := NewTrust(os.ReadFile)
	a, err := s.Clients(path, path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Clients(path, path); again != a || err != nil {
		t.Errorf("the same file is read twice: %v", err)
	}
	if _, err := s.Upstreams(path, path); err != nil {
		t.Error(err)
	}
	if _, err := s.Clients(path+"x", path+"x"); err == nil {
		t.Error("a file that is not there is read")
	}
	var said int
	for _, step := range []struct {
		name    string
		do      func()
		changed bool
		said    int
	}{
		{"nothing has happened", func() {}, false, 0},
		{"others", func() { put(two) }, true, 0},
		{"it stays so", func() {}, true, 0},
		{"as before", func() { put(one) }, false, 0},
		{"touched", func() { put(one) }, false, 0},
		{"both", func() { put(slices.Concat(one, two)) }, true, 0},
		{"rubbish, for clients and upstreams", func() { put([]byte("rubbish")) }, false, 2},
		{"rubbish is told of once", func() {}, false, 0},
		{"gone", func() { _ = os.Remove(path) }, false, 2},
		{"back", func() { put(two) }, true, 0},
	} {
		step.do()
		said = 0
		var changed []string
		for range 2 { // what has changed since the last look may still be written to
			changed = s.Look(func(telemetry.Level, string, ...telemetry.Field) { said++ })
		}
		if (len(changed) == 1 && changed[0] == path) != step.changed || len(changed) > 1 || said != step.said {
			t.Errorf("%s: %q, %d lines", step.name, changed, said)
		}
	}
}
