package telemetry

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// put appends a line, and reports whether there was room.
func put(r *Ring, reserve int, line string) bool {
	b := r.Reserve(reserve)
	if b == nil {
		return false
	}
	r.Commit(len(append(b, line...)))
	return true
}

// take consumes everything.
func take(r *Ring) []byte {
	var out []byte
	for {
		b := r.peek()
		if len(b) == 0 {
			return out
		}
		out = append(out, b...)
		r.advance(len(b))
	}
}

func TestRingKeepsOrder(t *testing.T) {
	r := NewRing(0)
	put(r, 100, "one\n")
	put(r, 100, "two\n")
	if got := string(take(r)); got != "one\ntwo\n" {
		t.Fatalf("took %q", got)
	}
	if b := r.peek(); b != nil {
		t.Fatalf("an empty ring has %q", b)
	}
}

func TestRingReservesRoomAsAsked(t *testing.T) {
	r := NewRing(0)
	b := r.Reserve(10)
	if len(b) != 0 || cap(b) != 10 {
		t.Fatalf("Reserve(10) has length %d and capacity %d", len(b), cap(b))
	}
	if grown := append(b, make([]byte, 11)...); &grown[0] == &b[:1][0] {
		t.Fatal("appending more than was reserved writes to the ring")
	}
}

func TestRingForgetsWhatIsNotCommitted(t *testing.T) {
	r := NewRing(0)
	_ = append(r.Reserve(100), "gone"...)
	r.Commit(0)
	put(r, 100, "kept")
	if got := string(take(r)); got != "kept" {
		t.Fatalf("took %q", got)
	}
}

func TestRingDropsWhenFull(t *testing.T) {
	r := NewRing(0)
	line := string(bytes.Repeat([]byte{'x'}, MaxLine-1)) + "\n"
	n := 0
	for put(r, MaxLine, line) {
		n++
	}
	if want := minRingBytes / MaxLine; n != want {
		t.Fatalf("%d lines fit, want %d", n, want)
	}
	put(r, MaxLine, line)
	if d := r.Dropped(); d != 2 {
		t.Fatalf("%d lines dropped, want 2", d)
	}
	if got := len(take(r)); got != n*MaxLine {
		t.Fatalf("took %d bytes, want %d", got, n*MaxLine)
	}
	if !put(r, MaxLine, line) {
		t.Fatal("an emptied ring takes nothing")
	}
}

// TestRingNudges counts how often the producer tells of a ring that is half full.
func TestRingNudges(t *testing.T) {
	r := NewRing(0)
	nudges := 0
	r.OnHalf(func() { nudges++ })
	line := string(bytes.Repeat([]byte{'x'}, MaxLine-1)) + "\n"
	for _, step := range []struct {
		lines int
		empty bool
		want  int
	}{{2, false, 0}, {1, false, 1}, {1, true, 1}, {1, false, 1}, {2, true, 2}, {2, true, 2}, {4, true, 3}} {
		for range step.lines {
			put(r, MaxLine, line)
		}
		if nudges != step.want {
			t.Errorf("%+v: told %d times", step, nudges)
		}
		if step.empty {
			take(r)
		}
	}
}

func TestRingSizeIsAPowerOfTwo(t *testing.T) {
	for _, size := range []int{0, 1, minRingBytes, minRingBytes + 1, 100_000} {
		n := len(NewRing(size).buf)
		if n < size || n < minRingBytes || n&(n-1) != 0 {
			t.Errorf("NewRing(%d) has %d bytes", size, n)
		}
	}
}

// TestRingAgainstQueue compares a ring with a plain queue over random steps: lines of every length, reservations longer
// than lines, and a consumer that takes any part of what it sees.
func TestRingAgainstQueue(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		r := NewRing(0)
		var want []byte
		next := byte(0)
		for range 1000 {
			if rnd.IntN(2) == 0 {
				n := rnd.IntN(MaxLine) + 1
				b := r.Reserve(n + rnd.IntN(MaxLine-n+1))
				if b == nil {
					continue
				}
				for range n {
					b = append(b, next)
					want = append(want, next)
					next++
				}
				r.Commit(n)
				continue
			}
			b := r.peek()
			if (len(b) == 0) != (len(want) == 0) {
				t.Fatalf("seed %d: the ring shows %d bytes, the queue has %d", seed, len(b), len(want))
			}
			if len(b) == 0 {
				continue
			}
			n := rnd.IntN(len(b)) + 1
			if !bytes.Equal(b[:n], want[:n]) {
				t.Fatalf("seed %d: the bytes differ", seed)
			}
			want = want[n:]
			r.advance(n)
		}
		if got := take(r); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %d bytes are left, want %d", seed, len(got), len(want))
		}
	}
}

// TestRingConcurrent lets both sides run at once: what was not dropped arrives whole and in order.
func TestRingConcurrent(t *testing.T) {
	const lines = 50_000
	r := NewRing(0)
	var sent sync.WaitGroup
	var refused uint64
	sent.Go(func() {
		rnd := rand.New(rand.NewPCG(7, 7))
		for i := range uint64(lines) {
			b := r.Reserve(512)
			if b == nil {
				refused++
				continue
			}
			n := 16 + rnd.IntN(400)
			b = b[:n]
			binary.LittleEndian.PutUint64(b, i)
			binary.LittleEndian.PutUint64(b[8:], uint64(n))
			for j := range b[16:] {
				b[16+j] = byte(i)
			}
			r.Commit(n)
		}
	})
	over := make(chan struct{})
	go func() { sent.Wait(); close(over) }()

	var got uint64
	last := int64(-1)
	for done := false; !done; {
		select {
		case <-over:
			done = true // and look once more
		default:
		}
		for b := r.peek(); len(b) > 0; b = r.peek() {
			n := int(binary.LittleEndian.Uint64(b[8:]))
			i := int64(binary.LittleEndian.Uint64(b))
			if i <= last || n < 16 || n > len(b) {
				t.Fatalf("line %d of %d bytes after line %d, of %d that are there", i, n, last, len(b))
			}
			for _, c := range b[16:n] {
				if c != byte(i) {
					t.Fatalf("line %d is damaged", i)
				}
			}
			last = i
			got++
			r.advance(n)
		}
	}
	if got+r.Dropped() != lines || refused != r.Dropped() {
		t.Fatalf("%d lines arrived, %d counted as dropped, %d refused, of %d", got, r.Dropped(), refused, lines)
	}
}

func TestRingAllocatesNothing(t *testing.T) {
	r := NewRing(0)
	a := sampleAccess()
	for name, f := range map[string]func(){
		"access text": func() { r.Access(Text, a) },
		"access json": func() { r.Access(JSON, a) },
		"error": func() {
			r.Error(Warn, a.Unix, "the upstream did not answer", String("upstream", a.Upstream), Bytes("target", a.Target),
				Int("attempt", 2), Duration("after", time.Second), Addr("peer", a.Peer))
		},
	} {
		if n := testing.AllocsPerRun(1000, func() { f(); r.tail.Store(r.head.Load()) }); n != 0 {
			t.Errorf("%s: %v allocations a line", name, n)
		}
	}
}
