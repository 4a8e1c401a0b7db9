package ingress_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/import/ingress"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

var update = flag.Bool("update", false, "write what comes out as what is wanted")

// TestCorpus compares the result and the report of all objects in the corpus with what is wanted, and has AnyGate read the
// result.
func TestCorpus(t *testing.T) {
	dirs, err := filepath.Glob("../testdata/ingress/*")
	if err != nil || len(dirs) < 15 {
		t.Fatalf("the corpus has %d directories (%v)", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir) // Places in the report are relative, as the names that were given are.
			files := []string{"ingress.yml"}
			if _, err := os.Stat("service.yml"); err == nil {
				files = append(files, "service.yml")
			}
			r, err := ingress.Convert(files)
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
	case strings.HasSuffix(name, ".key"):
		return site.KeyPEM, nil
	case strings.HasSuffix(name, ".crt"):
		return site.Chain, nil
	}
	return []byte("bob:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n"), nil
}

// TestErrors are files that are no Ingress objects of the version that is read.
func TestErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"no object", "a: 1\n", "f.yml:1: this is no object of Kubernetes"},
		{"older", "apiVersion: extensions/v1beta1\nkind: Ingress\n", "f.yml:1: an Ingress of extensions/v1beta1 is older"},
		{"nothing", "apiVersion: v1\nkind: Service\n", "there is no Ingress"},
		{"not YAML", "a: [\n", "f.yml:1: this is no YAML: did not find expected node content"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("f.yml", []byte(tt.text), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := ingress.Convert([]string{"f.yml"}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
		})
	}
}
