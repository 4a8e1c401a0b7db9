package product

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// Output collects what a process writes, and lets tests wait for it.
type Output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{} // closed and replaced with every write
}

func newOutput() *Output { return &Output{grown: make(chan struct{})} }

// Write makes Output the standard output or error of a process.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.grown)
	o.grown = make(chan struct{})
	return o.text.Write(p)
}

// String is everything written so far.
func (o *Output) String() string {
	text, _ := o.look()
	return text
}

func (o *Output) look() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.grown
}

// Line waits for a line that contains all of the parts.
func (o *Output) Line(t testing.TB, parts ...string) string {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		text, grown := o.look()
		if line, ok := find(text, parts); ok {
			return line
		}
		select {
		case <-grown:
		case <-timeout.C:
			t.Fatalf("no line with %q within %s in:\n%s", parts, patience, text)
		}
	}
}

// Count is how many lines written so far contain all of the parts.
func (o *Output) Count(parts ...string) (n int) {
	for line := range strings.Lines(o.String()) {
		if containsAll(line, parts) {
			n++
		}
	}
	return n
}

// find returns the first complete line with all of the parts.
func find(text string, parts []string) (string, bool) {
	for line := range strings.Lines(text) {
		if strings.HasSuffix(line, "\n") && containsAll(line, parts) {
			return strings.TrimSuffix(line, "\n"), true
		}
	}
	return "", false
}

func containsAll(s string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}
