package control

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
)

// TestChangeWhileLoading changes the file right after it was read, at the start and by a reload that somebody else asks
// for: each change is served in the end.
func TestChangeWhileLoading(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "anygate.yml")
	text := func(answer string) string {
		return "listen: 127.0.0.1:0\nserver: {shards: 1}\nroutes: {/: OK " + answer + "}\n"
	}
	write(t, dir, "anygate.yml", text("one"))
	cfg, diagnostics := config.LoadAt(name, time.Now())
	if err := diagnostics.Err(); err != nil {
		t.Fatal(err)
	}
	var edit atomic.Pointer[string]
	load := func() (*Loaded, error) {
		cfg, diagnostics := config.LoadAt(name, time.Now())
		if len(diagnostics) > 0 {
			return nil, &Invalid{diagnostics}
		}
		if next := edit.Swap(nil); next != nil {
			if err := os.WriteFile(name, []byte(*next), 0o644); err != nil {
				t.Error(err)
			}
		}
		return &Loaded{Config: cfg}, nil
	}
	r := &running{t: t, signals: make(chan os.Signal, 2), ended: make(chan error, 1)}
	s, err := Start(Options{Config: cfg, Stdout: &r.out, Stderr: &r.err, Load: load, Watch: true})
	if err != nil {
		t.Fatal(err)
	}
	r.Server = s
	go func() { r.ended <- s.Serve(r.signals) }()
	next := text("a third one")
	edit.Store(&next)
	write(t, dir, "anygate.yml", text("another one"))
	if _, err := r.Reload(false); err != nil {
		t.Fatal(err)
	}
	if _, body := r.get("/"); body != "another one" {
		t.Errorf("%q", body)
	}
	waitFor(t, "the change that came meanwhile is served", func() bool {
		_, body := r.get("/")
		return body == "a third one"
	})
	close(r.signals)
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
}

// TestFilesThatKeepTheirTime has a file of the configuration written over by a tool that copies times.
func TestFilesThatKeepTheirTime(t *testing.T) {
	name := filepath.Join(t.TempDir(), "anygate.yml")
	long := time.Now().Add(-time.Hour)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, long, long); err != nil {
			t.Fatal(err)
		}
	}
	write("routes: {/: OK one}\n")
	cfg := &config.Config{Files: []string{name}}
	before := stateOfFiles(cfg)
	// The clock of file systems advances in steps of some milliseconds.
	waitFor(t, "the file is another one than was loaded", func() bool {
		write("routes: {/: OK two}\n")
		return stateOfFiles(cfg)[0] != before[0]
	})
}
