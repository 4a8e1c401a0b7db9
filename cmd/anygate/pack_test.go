package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPack(t *testing.T) {
	dir := t.TempDir()
	page := strings.Repeat("<p>a line of a page</p>\n", 200)
	writeFile(t, dir, "dist/index.html", page)
	writeFile(t, dir, "dist/short.txt", "short")

	code, out, errs := invoke(t, dir, "pack", "dist", "--check")
	if code != 1 || errs != "" || !strings.Contains(out, "index.html.br is missing\n") || !strings.Contains(out, `3 problems: run "anygate pack dist"`) {
		t.Errorf("a check before: %d %q %q", code, out, errs)
	}
	code, out, errs = invoke(t, dir, "pack", "dist", "--level", "fast", "--jobs", "1")
	if code != 0 || errs != "" || !strings.Contains(out, "dist: 1 file worth coding, 4.7 KiB, br ") || !strings.Contains(out, "forms written: 3, kept: 0, removed: 0 (") {
		t.Errorf("pack: %d %q %q", code, out, errs)
	}
	for _, suffix := range []string{".br", ".zst", ".gz"} {
		if _, err := os.Stat(filepath.Join(dir, "dist/index.html"+suffix)); err != nil {
			t.Error(err)
		}
	}
	code, out, errs = invoke(t, dir, "pack", "--check", "dist")
	if code != 0 || errs != "" || !strings.Contains(out, "nothing is missing or stale") {
		t.Errorf("a check afterwards: %d %q %q", code, out, errs)
	}

	var sum struct {
		OK       bool
		Files    int
		Skipped  int
		Kept     int
		Forms    map[string]int64
		Problems []struct{ Name, What string }
	}
	code, out, errs = invoke(t, dir, "pack", "dist", "--json", "--level", "fast")
	if err := json.Unmarshal([]byte(out), &sum); err != nil || code != 0 || errs != "" {
		t.Fatalf("--json: %d %q %q %v", code, out, errs, err)
	}
	if !sum.OK || sum.Files != 1 || sum.Skipped != 1 || sum.Kept != 3 || len(sum.Forms) != 3 || sum.Problems == nil {
		t.Errorf("--json: %s", out)
	}
	writeFile(t, dir, "dist/index.html", page+"more")
	code, out, _ = invoke(t, dir, "pack", "dist", "--json", "--check", "--level", "fast")
	if err := json.Unmarshal([]byte(out), &sum); err != nil || code != 1 || sum.OK || len(sum.Problems) != 3 {
		t.Errorf("--json --check of a changed file: %d %s %v", code, out, err)
	}
}
