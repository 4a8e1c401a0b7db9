package mark

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestMarks changes a file in ways that leave most of it alone.
func TestMarks(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	long := time.Now().Add(-time.Hour)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, long, long); err != nil {
			t.Fatal(err)
		}
	}
	if m := At(name); m != (Mark{}) {
		t.Errorf("a file that is not there has %+v", m)
	}
	write(name, "one")
	first := At(name)
	if first == (Mark{}) || At(name) != first {
		t.Errorf("%+v, then %+v", first, At(name))
	}
	link := name + ".link"
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	if m := At(link); m != first {
		t.Errorf("a link has %+v, and what it leads to %+v", m, first)
	}
	// The clock of file systems advances in steps of some milliseconds.
	time.Sleep(20 * time.Millisecond)
	write(name, "two")
	second := At(name)
	if second == first {
		t.Error("a file that was written over, with its time set back, looks the same")
	}
	write(name+".new", "two")
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
	if third := At(name); third == second || third == first {
		t.Error("another file in its place looks the same")
	}
}
