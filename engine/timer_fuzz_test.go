package engine

import (
	"encoding/binary"
	"testing"
)

// FuzzWheel reads the input as a program of sets, clears and advances. No
// timer may be lost, come up twice, or come up at another tick than its own.
func FuzzWheel(f *testing.F) {
	f.Add([]byte{0, 1, 64, 0, 0, 2, 0, 70, 0, 0})
	f.Add([]byte{0, 1, 255, 255, 1, 0, 2, 0, 16, 0, 2, 0, 255, 255, 2})
	f.Fuzz(func(t *testing.T, program []byte) {
		const timers = 16
		w := newWheel(t, timers, 1000)
		now, want := w.tick, map[uint32]int64{}
		for ; len(program) >= 5; program = program[5:] {
			i := uint32(program[1]%timers) + 1
			n := int64(binary.LittleEndian.Uint32(append(program[2:5:5], 0)))
			switch program[0] % 3 {
			case 0:
				at := max(now+1, min(now+n, now+horizon))
				w.set(i, at)
				want[i] = at
			case 1:
				w.clear(i)
				delete(want, i)
			case 2:
				due := drive(t, w, now+n)
				now += n
				for i, at := range due {
					if want[i] != at {
						t.Fatalf("timer %d for tick %d came up at %d", i, want[i], at)
					}
					delete(want, i)
				}
				for i, at := range want {
					if at <= now {
						t.Fatalf("timer %d for tick %d has not come up at %d", i, at, now)
					}
				}
			}
		}
	})
}
