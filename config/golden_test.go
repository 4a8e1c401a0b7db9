package config

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// world is what the configurations under testdata see: the files of testdata/world, and a few variables.
func world() Options {
	files := os.DirFS("testdata/world").(fs.StatFS)
	env := map[string]string{
		"HOME": "/root", "WRONG": "FORBIDEN", "UPSTREAM": "10.0.0.1:80", "EMPTY": "", "SET": "set",
	}
	return Options{
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ReadFile:  func(path string) ([]byte, error) { return fs.ReadFile(files, path) },
		Glob:      func(pattern string) ([]string, error) { return fs.Glob(files, pattern) },
		Stat:      files.Stat,
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	path = strings.TrimSuffix(path, filepath.Ext(path)) + ".golden"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", path, got, want)
	}
}

func cases(t *testing.T, pattern string, atLeast int, run func(t *testing.T, path string, text []byte)) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) < atLeast {
		t.Fatalf("%s matches %d files, want at least %d (%v)", pattern, len(paths), atLeast, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yml"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			run(t, path, text)
		})
	}
}

// TestErrors compares the diagnostics of wrong configurations with the golden files beside them.
func TestErrors(t *testing.T) {
	cases(t, "testdata/errors/*.yml", 100, func(t *testing.T, path string, text []byte) {
		_, ds := Parse("anygate.yml", text, world())
		if len(ds) == 0 {
			t.Fatal("no diagnostics")
		}
		checkPlaces(t, ds, "anygate.yml", text)
		golden(t, path, ds.String()+"\n")
	})
}

// TestPrint compares what Print makes of valid configurations with the golden files beside them.
func TestPrint(t *testing.T) {
	cases(t, "testdata/valid/*.yml", 10, func(t *testing.T, path string, text []byte) {
		c, ds := Parse("anygate.yml", text, world())
		if len(ds) > 0 {
			t.Fatalf("unexpected diagnostics:\n%s", ds)
		}
		printed := print(t, c)
		golden(t, path, printed)
		checkRoundTrip(t, c, printed)
	})
}

func print(t *testing.T, c *Config) string {
	t.Helper()
	var b strings.Builder
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
