package nginx_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/import/nginx"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

var update = flag.Bool("update", false, "write what comes out as what is wanted")

// TestCorpus compares the result and the report of every configuration in the corpus with what is wanted, and has AnyGate
// read the result.
func TestCorpus(t *testing.T) {
	dirs, err := filepath.Glob("../testdata/nginx/*")
	if err != nil || len(dirs) < 40 {
		t.Fatalf("the corpus has %d configurations (%v)", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir) // Places in the report are relative, as the name that was given is.
			r, err := nginx.Convert("nginx.conf", nginx.Options{Prefix: "/usr/share/nginx"})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "want.yml", r.YAML)
			golden(t, "want.txt", r.Report.Text())
			if _, diagnostics := config.Parse("want.yml", []byte(r.YAML), config.Options{BaseDir: "/", ReadFile: pretend}); len(diagnostics) > 0 {
				t.Errorf("AnyGate does not take it:\n%s", diagnostics)
			}
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what is wanted (go test -update writes it):\n%s", name, got)
	}
}

var site = certtest.SelfSigned("P-256", []string{"example.com"})

// pretend has every file that a configuration may name.
func pretend(name string) ([]byte, error) {
	switch {
	case strings.HasSuffix(name, ".key") || strings.HasSuffix(name, "privkey.pem"):
		return site.KeyPEM, nil
	case strings.HasSuffix(name, ".pem"):
		return site.Chain, nil
	case strings.Contains(name, "htpasswd"):
		return []byte("bob:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n"), nil
	}
	return []byte("text\n"), nil
}
