package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestImportRunsTheImporter puts a script in the importer's place.
func TestImportRunsTheImporter(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\necho \"args $*\"\necho told >&2\nexit ${CODE}\n"
	if err := os.WriteFile(filepath.Join(dir, importer), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	for _, code := range []string{"0", "1", "2"} {
		t.Setenv("CODE", code)
		var out, errs bytes.Buffer
		got := run([]string{"import", "nginx", "a file", "--json"}, terminal{out: &out, err: &errs})
		if want := int(code[0] - '0'); got != want {
			t.Errorf("exit %d, want %d", got, want)
		}
		if out.String() != "args nginx a file --json\n" || errs.String() != "told\n" {
			t.Errorf("output %q, errors %q", out.String(), errs.String())
		}
	}
}

func TestImportWithoutTheImporter(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out, errs bytes.Buffer
	if code := run([]string{"import", "nginx", "x"}, terminal{out: &out, err: &errs}); code != exitUsage {
		t.Errorf("exit %d", code)
	}
	if !strings.Contains(errs.String(), "make build") {
		t.Errorf("the error does not say how to get it: %s", errs.String())
	}
}
