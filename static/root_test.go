package static

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRootRebuilt removes and recreates the root, as build tools do.
func TestRootRebuilt(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	expect(t, f.get("/a.txt"), 200, "one")
	if err := os.RemoveAll(f.dir); err != nil {
		t.Fatal(err)
	}
	f.now++
	expect(t, f.get("/a.txt"), 404, "404 Not Found\n")
	f.write("a.txt", "two")
	f.now++
	expect(t, f.get("/a.txt"), 200, "two")
}

// TestRootSwitched switches a symbolic link from one release to the next.
func TestRootSwitched(t *testing.T) {
	dir := t.TempDir()
	for _, release := range []string{"1", "2"} {
		if err := os.Mkdir(filepath.Join(dir, release), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, release, "a.txt"), []byte("release "+release), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	current := filepath.Join(dir, "current")
	if err := os.Symlink("1", current); err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, Options{Root: current}, nil)
	expect(t, f.get("/a.txt"), 200, "release 1")
	if err := os.Symlink("2", current+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(current+".new", current); err != nil {
		t.Fatal(err)
	}
	expect(t, f.get("/a.txt"), 200, "release 1")
	f.now++
	expect(t, f.get("/a.txt"), 200, "release 2")
}

// TestRootPathGone moves the directory away: without a successor it stays in use.
func TestRootPathGone(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": "one"})
	expect(t, f.get("/a.txt"), 200, "one")
	if err := os.Rename(f.dir, f.dir+".away"); err != nil {
		t.Fatal(err)
	}
	f.now++
	expect(t, f.get("/a.txt"), 200, "one")
	// A file where the directory was is no successor either.
	if err := os.WriteFile(f.dir, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	f.now++
	expect(t, f.get("/a.txt"), 200, "one")
}
