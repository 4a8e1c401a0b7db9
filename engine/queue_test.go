package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/anygate/anygate/engine/offheap"
)

// queueShard is a shard of which only the buffers and segments are used.
func queueShard(t testing.TB, small, large int) (*Shard, *[]uint32) {
	t.Helper()
	var released []uint32
	s := &Shard{msg: new(message)}
	s.handler.Released = func(token uint32) { released = append(released, token) }
	if err := s.pool.open(&Limits{SmallBuffers: small, LargeBuffers: large}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.close)
	return s, &released
}

// content reads a queue's memory without changing it.
func content(s *Shard, q *queue) []byte {
	var b []byte
	for i := q.head; i != 0; i = s.segs.all[i].next {
		g := &s.segs.all[i]
		b = append(b, offheap.Bytes(uintptr(g.pos), int(g.n))...)
	}
	return b
}

// patterns holds bytes that differ wherever two places may be mixed up.
var patterns = sync.OnceValue(func() []byte {
	b := make([]byte, 25<<20)
	for k := range b {
		b[k] = byte(k ^ k>>8 ^ k>>16)
	}
	return b
})

// pattern is n bytes of patterns, read-only.
func pattern(n, from int) []byte {
	all := patterns()
	from %= len(all) - n + 1
	return all[from : from+n : from+n]
}

// foreign is off-heap memory for AppendMemory.
func foreign(t testing.TB, n int) []byte {
	t.Helper()
	mem, err := offheap.Slice[byte](n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { offheap.Unmap(mem) })
	copy(mem, pattern(n, 1234))
	return mem
}

func TestQueueWriteAtEveryBoundary(t *testing.T) {
	for _, n := range []int{
		1, 2, SmallBuffer - 1, SmallBuffer, SmallBuffer + 1, 2 * SmallBuffer,
		LargeBuffer - 1, LargeBuffer, LargeBuffer + 1, LargeBuffer + SmallBuffer, 3*LargeBuffer + 17,
	} {
		for _, before := range []int{0, 1, SmallBuffer - 1, SmallBuffer} {
			t.Run(fmt.Sprintf("%d after %d", n, before), func(t *testing.T) {
				s, _ := queueShard(t, 16, 16)
				var q queue
				want := pattern(before+n, 0)
				if !s.write(&q, want[:before]) || !s.write(&q, want[before:]) {
					t.Fatal("no buffer")
				}
				if q.bytes != int64(len(want)) || !bytes.Equal(content(s, &q), want) {
					t.Fatal("the queue holds other bytes than were written")
				}
				// Consumed in odd pieces, what is left is always the rest.
				for left := want; len(left) > 0; {
					k := min(len(left), 1+len(left)/3)
					s.consume(&q, int64(k))
					left = left[k:]
					if !bytes.Equal(content(s, &q), left) || q.bytes != int64(len(left)) {
						t.Fatalf("with %d bytes left the queue holds others", len(left))
					}
				}
				if q.head != 0 || q.tail != 0 || s.pool.small.inUse()+s.pool.large.inUse() != 0 {
					t.Fatal("an empty queue holds buffers")
				}
			})
		}
	}
}

func TestQueueReserveAndCommit(t *testing.T) {
	s, _ := queueShard(t, 8, 8)
	var q queue
	a := s.reserve(&q, 10)
	if len(a) != SmallBuffer {
		t.Fatalf("%d bytes of room, want a small buffer", len(a))
	}
	copy(a, "hello ")
	s.commit(&q, 6)
	b := s.reserve(&q, SmallBuffer-6)
	if &b[0] != &a[6] || len(b) != SmallBuffer-6 {
		t.Fatal("a reservation that fits did not go on in the same buffer")
	}
	copy(b, "world")
	s.commit(&q, 5)
	if c := s.reserve(&q, SmallBuffer-10); len(c) != SmallBuffer {
		t.Fatalf("a reservation that does not fit got %d bytes", len(c))
	}
	s.commit(&q, 0)
	if d := s.reserve(&q, SmallBuffer+1); len(d) != LargeBuffer {
		t.Fatalf("a large reservation got %d bytes", len(d))
	}
	copy(s.reserve(&q, LargeBuffer), "!")
	s.commit(&q, 1)
	if got := string(content(s, &q)); got != "hello world!" {
		t.Fatalf("the queue holds %q", got)
	}
	s.consume(&q, 12)
	if q.head != 0 || s.pool.small.inUse()+s.pool.large.inUse() != 0 {
		t.Error("buffers left behind, the empty ones perhaps")
	}
	defer func() {
		if recover() == nil {
			t.Error("more was committed than reserved")
		}
	}()
	s.reserve(&q, 1)
	s.commit(&q, SmallBuffer+1)
}

func TestQueueGatherStopsAtItsBounds(t *testing.T) {
	s, released := queueShard(t, 64, 32)
	mem := foreign(t, 2*sendBytes)
	memory := func(n int, token uint32) segment {
		return segment{pos: uint64(offheap.Addr(mem)), n: int64(n), owner: token, kind: segMemory}
	}
	for _, tc := range []struct {
		name          string
		segs          []segment
		pieces, total int
		file          bool
	}{
		{"one piece", []segment{memory(100, 1)}, 1, 100, false},
		{"empty pieces do not count", []segment{memory(0, 1), memory(7, 2), memory(0, 3)}, 1, 7, false},
		{"a file ends it", []segment{memory(9, 1), {n: 5, kind: segFile, owner: 2}, memory(9, 3)}, 1, 9, true},
		{"a file comes first", []segment{{n: 5, kind: segFile, owner: 2}}, 0, 0, true},
		{"at most sendBytes", []segment{memory(2*sendBytes, 1), memory(1, 2)}, 1, sendBytes, false},
		{"exactly sendBytes", []segment{memory(sendBytes-1, 1), memory(1, 2), memory(1, 3)}, 2, sendBytes, false},
		{"at most sendVectors", slices.Repeat([]segment{memory(3, 1)}, sendVectors+1), sendVectors, 3 * sendVectors, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var q queue
			for _, g := range tc.segs {
				s.push(&q, g)
			}
			pieces, total, file := s.gather(&q, s.msg)
			if pieces != tc.pieces || total != tc.total || file != tc.file {
				t.Errorf("gathered %d pieces of %d bytes, file %v; want %d, %d, %v", pieces, total, file, tc.pieces, tc.total, tc.file)
			}
			*released = nil
			s.drop(&q)
			if len(*released) != len(tc.segs) || q.bytes != 0 || q.head != 0 {
				t.Errorf("dropping released %v", *released)
			}
		})
	}
}

func TestQueueExhaustion(t *testing.T) {
	s, _ := queueShard(t, 2, 1)
	var q queue
	if s.write(&q, pattern(2*LargeBuffer, 0)) {
		t.Fatal("more was written than there are buffers")
	}
	if s.reserve(&q, LargeBuffer) != nil {
		t.Fatal("reserved what is not there")
	}
	s.drop(&q)
	if s.pool.small.inUse()+s.pool.large.inUse() != 0 || q.bytes != 0 {
		t.Fatal("dropping left something behind")
	}
	if !s.write(&q, []byte("again")) {
		t.Fatal("the buffers did not come back")
	}
}

// TestQueueAgainstReference mixes every way to append with partial sends.
func TestQueueAgainstReference(t *testing.T) {
	for seed := range uint64(25) {
		rng := rand.New(rand.NewPCG(seed, 2))
		s, released := queueShard(t, 512, 64)
		mem := foreign(t, 200_000)
		var q queue
		var want []byte
		tokens := uint32(0)
		for range 400 {
			switch rng.IntN(6) {
			case 0, 1:
				p := pattern(rng.IntN(20_000), rng.Int())
				if !s.write(&q, p) {
					t.Fatalf("seed %d: no buffer", seed)
				}
				want = append(want, p...)
			case 2:
				n := rng.IntN(LargeBuffer + 1)
				b := s.reserve(&q, n)
				k := rng.IntN(n + 1)
				copy(b, pattern(k, n))
				s.commit(&q, k)
				want = append(want, pattern(k, n)...)
			case 3:
				from, n := rng.IntN(100_000), 1+rng.IntN(100_000)
				tokens++
				s.push(&q, segment{pos: uint64(offheap.Addr(mem)) + uint64(from), n: int64(n), owner: tokens, kind: segMemory})
				want = append(want, mem[from:from+n]...)
			default:
				n := rng.IntN(len(want)/2 + 2)
				n = min(n, len(want))
				s.consume(&q, int64(n))
				want = want[n:]
			}
			if len(want) > 400_000 {
				s.consume(&q, int64(len(want)))
				want = nil
			}
			if q.bytes != int64(len(want)) {
				t.Fatalf("seed %d: %d bytes queued, want %d", seed, q.bytes, len(want))
			}
		}
		if !bytes.Equal(content(s, &q), want) {
			t.Fatalf("seed %d: other bytes than were appended", seed)
		}
		s.consume(&q, q.bytes)
		if s.pool.small.inUse()+s.pool.large.inUse() != 0 {
			t.Fatalf("seed %d: buffers left", seed)
		}
		for k, token := range *released {
			if token != uint32(k+1) {
				t.Fatalf("seed %d: tokens came back as %v", seed, *released)
			}
		}
		if len(*released) != int(tokens) {
			t.Fatalf("seed %d: %d of %d tokens came back", seed, len(*released), tokens)
		}
	}
}

func TestQueueAllocatesNothing(t *testing.T) {
	s, _ := queueShard(t, 64, 8)
	s.handler.Released = nil
	var q queue
	p := pattern(10_000, 0)
	if n := testing.AllocsPerRun(200, func() {
		s.write(&q, p)
		copy(s.reserve(&q, 100), p)
		s.commit(&q, 100)
		s.gather(&q, s.msg)
		s.consume(&q, q.bytes)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
