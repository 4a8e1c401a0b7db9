package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// sink is a destination that can be made to refuse or to block.
type sink struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	err  error
	gate chan struct{} // when set, each Write waits for it to be closed
	// begun is told of a Write that is about to wait, if there is room.
	begun chan struct{}
}

func (s *sink) Write(p []byte) (int, error) {
	if s.gate != nil {
		select {
		case s.begun <- struct{}{}:
		default:
		}
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
	put(a, 10, "a1\n")
	put(b, 10, "b1\n")
	put(a, 10, "a2\n")
	// From now on it looks by itself as well.
	w := NewWriter(&out, nil, a, b)
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

// refuse makes a sink refuse everything, or nothing any more.
func (s *sink) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// disk is a destination with room for so many bytes.
type disk struct {
	sink
	room int
}

func (d *disk) Write(p []byte) (int, error) {
	n := min(len(p), d.room)
	d.room -= n
	d.buf.Write(p[:n])
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

// TestWriterGoesOnWhereItWas fills a disk in the middle of a line, and makes room.
func TestWriterGoesOnWhereItWas(t *testing.T) {
	r := NewRing(0)
	var out disk
	w := &Writer{out: &out, rings: []*Ring{r}}
	begin := time.Now()
	put(r, 10, "one\n")
	put(r, 10, "two\n")
	out.room = 6
	w.drain(begin)
	if loss, ok := w.unreported(begin, false); !ok || !loss.Retried || !errors.Is(loss.Err, syscall.ENOSPC) || loss.Lines != 0 {
		t.Errorf("the refusal is told as %+v, %v", loss, ok)
	}
	put(r, 10, "three\n")
	out.room = 100
	w.drain(begin.Add(retryAfter / 2))
	if got := out.String(); got != "one\ntw" {
		t.Errorf("the destination is not left alone: %q", got)
	}
	if loss, ok := w.unreported(begin.Add(time.Hour), false); ok {
		t.Errorf("the refusal is told again: %+v", loss)
	}
	r.dropped.Store(2)
	w.drain(begin.Add(retryAfter))
	if got := out.String(); got != "one\ntwo\nthree\n" {
		t.Errorf("afterwards there is %q", got)
	}
	if loss, ok := w.unreported(begin.Add(retryAfter), false); !ok || loss.Retried || loss.Err == nil || loss.Lines != 2 {
		t.Errorf("the end is told as %+v, %v", loss, ok)
	}
	if c := w.Counts(); c != (Counts{Dropped: 2, Refused: 1}) {
		t.Errorf("counts are %+v", c)
	}
}

// TestWriterTellsTheEnd of a refusal that has cost nothing.
func TestWriterTellsTheEnd(t *testing.T) {
	r := NewRing(0)
	out := sink{err: syscall.ENOSPC}
	w := &Writer{out: &out, rings: []*Ring{r}}
	now := time.Now()
	put(r, 10, "line\n")
	w.drain(now)
	w.unreported(now, false)
	out.refuse(nil)
	w.drain(now.Add(retryAfter))
	if loss, ok := w.unreported(now.Add(retryAfter), false); !ok || loss.Lines != 0 || loss.Retried {
		t.Errorf("the end is told as %+v, %v", loss, ok)
	}
	if loss, ok := w.unreported(now.Add(time.Hour), false); ok {
		t.Errorf("it is told again: %+v", loss)
	}
}

// TestWriterIsRedirected while one destination refuses what the other one takes.
func TestWriterIsRedirected(t *testing.T) {
	r := NewRing(0)
	before, after := sink{err: syscall.ENOSPC}, sink{}
	w := NewWriter(&before, nil, r)
	put(r, 10, "line\n")
	w.Flush()
	<-w.Redirect(&after)
	w.Flush()
	if got := after.String(); got != "line\n" {
		t.Errorf("the new destination has %q", got)
	}
	closeNow(t, w)
}

// TestWriterIsRedirectedWhileItIsStuck changes the destination twice while the first one does not move.
func TestWriterIsRedirectedWhileItIsStuck(t *testing.T) {
	r := NewRing(0)
	begun := make(chan struct{}, 1)
	stuck, passed, after := sink{gate: make(chan struct{}), begun: begun}, sink{}, sink{}
	w := NewWriter(&stuck, nil, r)
	put(r, 10, "first\n")
	w.Wake()
	<-begun
	one := w.Redirect(&passed)
	two := w.Redirect(&after)
	select {
	case <-one:
		t.Error("nothing is said to be written to a destination that is being written to")
	case <-two:
		t.Error("nothing is said to be written to a destination that is being written to")
	default:
	}
	close(stuck.gate)
	<-one
	<-two
	put(r, 10, "second\n")
	closeNow(t, w)
	if stuck.String() != "first\n" || passed.String() != "" || after.String() != "second\n" {
		t.Errorf("the destinations have %q, %q and %q", stuck.String(), passed.String(), after.String())
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
