package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// FuzzParse checks that no file makes Parse panic, that diagnostics point into the file, and that a configuration
// without diagnostics survives being printed and read again.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/errors/*.yml", "testdata/valid/*.yml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	files := fstest.MapFS{
		"dist/index.html": {}, "page.html": {}, "a.yml": {Data: []byte("routes: {/included: OK}\n")},
		"b.yml": {Data: []byte("include: a.yml\nlisten: \":1\"\n")}, "bad.yml": {Data: []byte("routes: {/x: *\n")},
	}
	opt := Options{
		LookupEnv: func(name string) (string, bool) { return "OK", name == "SET" },
		ReadFile:  files.ReadFile,
		Glob:      files.Glob,
		Stat: func(path string) (fs.FileInfo, error) {
			if !fs.ValidPath(path) {
				return nil, fs.ErrNotExist
			}
			return files.Stat(path)
		},
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, ds := Parse("fuzz.yml", text, opt)
		checkPlaces(t, ds, "fuzz.yml", text)
		_ = ds.String()
		_ = ds.JSON()
		if c == nil {
			return
		}
		_ = c.JSON()
		printed := print(t, c)
		if len(ds) > 0 {
			return
		}
		again, ds := Parse("fuzz.yml", []byte(printed), opt)
		if len(ds) > 0 {
			t.Fatalf("the printed form does not parse:\n%s\n%s", ds, printed)
		}
		if second := print(t, again); second != printed {
			t.Fatalf("printing twice gives\n%s\nnot\n%s", second, printed)
		}
	})
}
