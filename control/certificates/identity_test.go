package certificates

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

func TestIdentities(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) config.File {
		path := filepath.Join(dir, name)
		return config.File{Name: path, Path: path}
	}
	put := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name+".new"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, name+".new"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	root := certtest.NewAuthority("root")
	one, two := root.Client("one"), root.Client("two")
	put("me.pem", one.Chain)
	put("me.key", one.KeyPEM)
	put("server.pem", slices.Concat(root.Server("P-256", []string{"a.test"}).Chain, one.KeyPEM))
	s := NewIdentities(os.ReadFile)
	var said []string
	look := func() bool {
		said = nil
		return s.Look(func(_ telemetry.Level, msg string, _ ...telemetry.Field) { said = append(said, msg) })
	}

	me, err := s.Open(file("me.pem"), file("me.key"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Open(file("me.pem"), file("me.key")); again != me || err != nil {
		t.Errorf("the same files are another identity: %v", err)
	}
	if _, err := s.Open(file("server.pem"), file("server.pem")); err == nil {
		t.Error("a certificate for servers, with the key of another, is taken")
	}
	if _, err := s.Open(file("missing.pem"), file("missing.pem")); err == nil || !strings.Contains(err.Error(), "cannot read") {
		t.Errorf("a file that is not there: %v", err)
	}
	first := me.Certificate()
	if look() || len(said) > 0 || me.Certificate() != first {
		t.Errorf("without a change: %q", said)
	}
	// The half of a pair, seen twice, is refused once.
	put("me.pem", two.Chain)
	if look() || len(said) > 0 {
		t.Errorf("at the first look: %q", said)
	}
	if look() || len(said) != 1 || !strings.Contains(said[0], "the old one stays") || me.Certificate() != first {
		t.Errorf("a certificate without its key: %q", said)
	}
	if look() || len(said) > 0 {
		t.Errorf("and once more: %q", said)
	}
	put("me.key", two.KeyPEM)
	look()
	if !look() || len(said) != 1 || me.Certificate() == first || me.Certificate().Leaf.Subject.CommonName != "two" {
		t.Errorf("a new pair: %q", said)
	}
}
