package engine

import (
	"bytes"
	"testing"

	"github.com/anygate/anygate/engine/offheap"
)

// FuzzQueue reads the input as a program of appends and sends; what the queue
// holds is compared with a slice.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{0, 16, 1, 64, 3, 40, 2, 1, 3, 255})
	f.Add([]byte{1, 0, 0, 1, 1, 255, 3, 3, 2, 255, 0, 255, 3, 200})
	f.Fuzz(func(t *testing.T, program []byte) {
		s, _ := queueShard(t, 64, 32)
		mem := foreign(t, 1<<16)
		var q queue
		var want []byte
		for step := 0; len(program) >= 2 && step < 64; step++ {
			n := int(program[1]) * int(program[1])
			switch program[0] % 4 {
			case 0:
				p := pattern(n, step)
				if !s.write(&q, p) {
					s.drop(&q)
					want = want[:0]
					break
				}
				want = append(want, p...)
			case 1:
				b := s.reserve(&q, n)
				if b == nil {
					break
				}
				k := n / 2
				copy(b, pattern(k, step))
				s.commit(&q, k)
				want = append(want, pattern(k, step)...)
			case 2:
				if n > 0 {
					s.push(&q, segment{pos: uint64(offheap.Addr(mem)), n: int64(n), kind: segMemory})
					want = append(want, mem[:n]...)
				}
			case 3:
				k := min(n, len(want))
				s.consume(&q, int64(k))
				want = want[k:]
			}
			program = program[2:]
			if q.bytes != int64(len(want)) {
				t.Fatalf("step %d: %d bytes queued, want %d", step, q.bytes, len(want))
			}
			if step%8 == 7 && !bytes.Equal(content(s, &q), want) {
				t.Fatalf("step %d: the queue holds other bytes than were appended", step)
			}
		}
		if !bytes.Equal(content(s, &q), want) {
			t.Fatal("the queue holds other bytes than were appended")
		}
		s.drop(&q)
		if s.pool.small.inUse()+s.pool.large.inUse() != 0 {
			t.Fatal("buffers left")
		}
	})
}
