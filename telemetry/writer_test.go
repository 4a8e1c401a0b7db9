package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink is a destination that can be made to refuse or to block.
type sink struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	err  error
	gate chan struct{} // when set, each Write waits for it to be closed
}

func (s *sink) Write(p []byte) (int, error) {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	return s.buf.Write(p)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func closeNow(t *testing.T, w *Writer) {
	t.Helper()
	if err := w.Close(10 * time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestWriterDrainsAllRings(t *testing.T) {
	var out sink
	a, b := NewRing(0), NewRing(0)
	w := NewWriter(&out, nil, a, b)
	put(a, 10, "a1\n")
	put(b, 10, "b1\n")
	put(a, 10, "a2\n")
	w.Flush()
	if got := out.String(); got != "a1\na2\nb1\n" {
		t.Errorf("after Flush there is %q", got)
	}
	put(b, 10, "b2\n")
	closeNow(t, w)
	if got := out.String(); got != "a1\na2\nb1\nb2\n" {
		t.Errorf("after Close there is %q", got)
	}
	closeNow(t, w)
}

// TestWriterWritesByItself waits until lines appear without Flush or Close.
func TestWriterWritesByItself(t *testing.T) {
	r := NewRing(0)
	read, write := io.Pipe()
	w := NewWriter(write, nil, r)
	put(r, 10, "line\n")
	b := make([]byte, 5)
	if _, err := io.ReadFull(read, b); err != nil || string(b) != "line\n" {
		t.Errorf("read %q, %v", b, err)
	}
	closeNow(t, w)
}

func TestWriterTellsWhatWasDropped(t *testing.T) {
	r := NewRing(0)
	gate := make(chan struct{})
	out := sink{gate: gate}
	var told []Loss
	w := NewWriter(&out, func(l Loss) { told = append(told, l) }, r)
	sent := 0
	for put(r, MaxLine, strings.Repeat("x", MaxLine-1)+"\n") {
		sent++
	}
	// The Writer may have freed nothing yet: the destination blocks.
	put(r, MaxLine, "lost\n")
	dropped := r.Dropped()
	close(gate)
	closeNow(t, w)
	if got := strings.Count(out.String(), "\n"); got != sent {
		t.Errorf("%d lines were written, want %d", got, sent)
	}
	var sum uint64
	for _, l := range told {
		sum += l.Lines
		if l.Err != nil {
			t.Errorf("a slow destination is said to refuse lines: %v", l.Err)
		}
	}
	if sum != dropped || dropped != 2 {
		t.Errorf("told of %v lost lines, %d were dropped", told, dropped)
	}
}

func TestWriterTellsWhatWasRefused(t *testing.T) {
	r := NewRing(0)
	out := sink{err: errors.New("no space left on device")}
	var told uint64
	var why error
	w := NewWriter(&out, func(l Loss) { told, why = told+l.Lines, l.Err }, r)
	for range 5 {
		put(r, 10, "line\n")
	}
	w.Flush()
	closeNow(t, w)
	if told != 5 {
		t.Errorf("told of %d lost lines, want 5", told)
	}
	if !errors.Is(why, out.err) {
		t.Errorf("the reason told is %v, want %v", why, out.err)
	}
}

// TestWriterTellsInItself lets tell append to a ring of the Writer it was called by, at the end.
func TestWriterTellsInItself(t *testing.T) {
	r := NewRing(0)
	var out sink
	var w *Writer
	ready := make(chan struct{})
	w = NewWriter(&out, func(l Loss) {
		<-ready
		put(r, 20, fmt.Sprintf("%d lost\n", l.Lines))
		w.Wake()
	}, r)
	close(ready)
	r.dropped.Store(3)
	closeNow(t, w)
	if got := out.String(); got != "3 lost\n" {
		t.Errorf("wrote %q", got)
	}
}

func TestWriterGivesUpOnAStuckDestination(t *testing.T) {
	r := NewRing(0)
	out := sink{gate: make(chan struct{})}
	w := NewWriter(&out, nil, r)
	put(r, 10, "line\n")
	if err := w.Close(time.Millisecond); !errors.Is(err, ErrStuck) {
		t.Errorf("Close returned %v, want ErrStuck", err)
	}
	close(out.gate)
	closeNow(t, w)
	if got := out.String(); got != "line\n" {
		t.Errorf("wrote %q", got)
	}
}

// TestWriterKeepsLinesWhole has many goroutines drain the rings at once.
func TestWriterKeepsLinesWhole(t *testing.T) {
	var out sink
	rings := []*Ring{NewRing(0), NewRing(0)}
	w := NewWriter(&out, nil, rings...)
	var all sync.WaitGroup
	for _, r := range rings {
		all.Go(func() {
			for range 5000 {
				put(r, 64, "from a ring, from a ring\n")
			}
		})
	}
	for range 4 {
		all.Go(func() {
			for range 500 {
				w.Flush()
				w.Wake()
			}
		})
	}
	all.Wait()
	closeNow(t, w)
	ringed := uint64(0)
	for line := range strings.Lines(out.String()) {
		if line != "from a ring, from a ring\n" {
			t.Fatalf("a damaged line: %q", line)
		}
		ringed++
	}
	if ringed+rings[0].Dropped()+rings[1].Dropped() != 10000 {
		t.Errorf("%d lines, %d and %d dropped", ringed, rings[0].Dropped(), rings[1].Dropped())
	}
}
