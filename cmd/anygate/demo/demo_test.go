package demo

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/anygate/anygate/control"
)

func TestOpen(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := control.Compile(s.Config, control.NewRegistry(nil)); err != nil {
		t.Error(err)
	}
	if len(s.Config.Routes) != 6 {
		t.Errorf("the demo has %d routes", len(s.Config.Routes))
	}
	s.Close()
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}

func TestOpenWithoutRoom(t *testing.T) {
	t.Setenv("TMPDIR", "/proc/none")
	if _, err := Open(); err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("unpacked to nowhere: %v", err)
	}
}

// TestSelfContained looks for anything that a browser would ask of another host.
func TestSelfContained(t *testing.T) {
	foreign := regexp.MustCompile(`(?i)(src|href|url\(|import|fetch\()\s*=?\s*["'(]*\s*(https?:)?//`)
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		if m := foreign.Find(text); m != nil {
			t.Errorf("%s asks another host: %q", path, m)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPageAsksWhatIsServed compares the paths that the page names with the routes.
func TestPageAsksWhatIsServed(t *testing.T) {
	page, err := files.ReadFile("site/public/index.html")
	if err != nil {
		t.Fatal(err)
	}
	script, err := files.ReadFile("site/public/app.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/hello", "/api/echo", "/healthz", "/old/"} {
		if !strings.Contains(string(page), `data-path="`+path) {
			t.Errorf("the page does not ask for %s", path)
		}
	}
	if !strings.Contains(string(script), `fetch("/config")`) {
		t.Error("the page does not show its configuration")
	}
}
