package control

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/anygate/anygate/policy/auth"
)

// tokensFile is a file of tokens that was read, and how to look at it again.
func tokensFile(t *testing.T, text string) (path string, f *secretFile[auth.Tokens]) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f = &secretFile[auth.Tokens]{path: path, read: os.ReadFile, parse: func(text string) (*auth.Tokens, error) { return auth.ParseTokens(text, false) }}
	if _, err := f.look(); err != nil {
		t.Fatal(err)
	}
	return path, f
}

// TestSecretThatCouldNotBeRead withdraws a token in a moment in which the file cannot be read, which is no reason for it to be
// good from then on.
func TestSecretThatCouldNotBeRead(t *testing.T) {
	for _, broken := range []struct {
		name  string
		begin func(path string, f *secretFile[auth.Tokens]) (end func())
	}{
		{"no descriptor is left", func(_ string, f *secretFile[auth.Tokens]) func() {
			f.read = func(string) ([]byte, error) { return nil, errors.New("too many open files") }
			return func() { f.read = os.ReadFile }
		}},
		{"it is not there", func(path string, _ *secretFile[auth.Tokens]) func() {
			_ = os.Rename(path, path+"-away")
			return func() { _ = os.Rename(path+"-away", path) }
		}},
	} {
		path, f := tokensFile(t, "alpha\n")
		if err := os.WriteFile(path, []byte("beta\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		end := broken.begin(path, f)
		if changed, err := f.look(); !changed || err == nil || !f.current.Load().Match([]byte("alpha")) {
			t.Errorf("%s: %v, %v", broken.name, changed, err)
		}
		if changed, err := f.look(); changed || err == nil {
			t.Errorf("%s is told twice: %v, %v", broken.name, changed, err)
		}
		end()
		if changed, err := f.look(); !changed || err != nil || f.current.Load().Match([]byte("alpha")) || !f.current.Load().Match([]byte("beta")) {
			t.Errorf("%s no more: %v, %v", broken.name, changed, err)
		}
	}
}

// TestSecretWithAnOldTime writes into a file what is as long as before, and sets its time back.
func TestSecretWithAnOldTime(t *testing.T) {
	path, f := tokensFile(t, "alpha\n")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	// The kernel's clock goes in steps of some milliseconds.
	for begin := time.Now(); f.current.Load().Match([]byte("alpha")); {
		if err := os.WriteFile(path, []byte("gamma\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		if _, err := f.look(); err != nil || time.Since(begin) > 10*time.Second {
			t.Fatalf("the change is not seen: %v", err)
		}
	}
}
