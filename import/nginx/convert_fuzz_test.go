package nginx_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/anygate/anygate/import/nginx"
)

// FuzzConvert wants no configuration to make the conversion panic, and every result to be YAML.
func FuzzConvert(f *testing.F) {
	files, err := filepath.Glob("../testdata/nginx/*/nginx.conf")
	if err != nil || len(files) == 0 {
		f.Fatal("there is no corpus")
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		name := filepath.Join(t.TempDir(), "nginx.conf")
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := nginx.Convert(name, nginx.Options{Prefix: "/usr/share/nginx"})
		if err != nil {
			return
		}
		var v any
		if err := yaml.Unmarshal([]byte(r.YAML), &v); err != nil {
			t.Errorf("%v:\n%s", err, r.YAML)
		}
	})
}
