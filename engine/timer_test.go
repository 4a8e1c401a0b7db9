package engine

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/anygate/anygate/engine/offheap"
)

// newWheel returns a wheel for n timers whose last expired tick is tick.
func newWheel(t testing.TB, n int, tick int64) *wheel {
	t.Helper()
	w := new(wheel)
	if err := w.init(n, tick<<tickShift); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { offheap.Unmap(w.nodes) })
	return w
}

// horizon is beyond how many ticks a timer comes up early, to be set again.
const horizon = 1<<(wheelBits*wheelLevels) - 1<<(wheelBits*(wheelLevels-1))

// drive moves the wheel to now in the steps that next asks for, and returns
// which timers came up at which tick.
func drive(t testing.TB, w *wheel, now int64) map[uint32]int64 {
	t.Helper()
	due := map[uint32]int64{}
	for {
		at := w.next()
		if at == 0 || at > now {
			at = now
		}
		if at <= w.tick && at < now {
			t.Fatalf("next says tick %d when %d has passed", at, w.tick)
		}
		for {
			i := w.pop(at)
			if i == 0 {
				break
			}
			if _, twice := due[i]; twice {
				t.Fatalf("timer %d came up twice", i)
			}
			due[i] = at
		}
		if at == now {
			return due
		}
	}
}

func TestWheelComesUpAtItsTick(t *testing.T) {
	const start = 1_000_003
	for _, tc := range []struct {
		name string
		in   int64
	}{
		{"the next tick", 1},
		{"the end of level 0", 63},
		{"the start of level 1", 64},
		{"inside level 1", 65},
		{"the end of level 1", 4095},
		{"the start of level 2", 4096},
		{"the end of level 2", 1<<18 - 1},
		{"the start of level 3", 1 << 18},
		{"inside level 3", 1<<18 + 12345},
		{"the horizon", horizon},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWheel(t, 1, start)
			w.set(1, start+tc.in)
			if early := drive(t, w, start+tc.in-1); len(early) != 0 {
				t.Fatalf("came up early: %v", early)
			}
			if due := drive(t, w, start+tc.in); due[1] != start+tc.in {
				t.Fatalf("came up at %v, want tick %d", due, start+tc.in)
			}
			if w.count != 0 || w.next() != 0 {
				t.Fatalf("%d timers left, next %d", w.count, w.next())
			}
		})
	}
}

func TestWheelBeyondTheHorizonComesUpEarly(t *testing.T) {
	w := newWheel(t, 1, 77)
	w.set(1, 77+horizon*3)
	due := drive(t, w, 77+horizon*3)
	if at := due[1]; at == 0 || at > 77+horizon {
		t.Fatalf("came up at %d, want it by the horizon %d", at, 77+horizon)
	}
}

func TestWheelPastIsTheNextTick(t *testing.T) {
	w := newWheel(t, 2, 500)
	w.set(1, 3)
	w.set(2, 500)
	if due := drive(t, w, 501); due[1] != 501 || due[2] != 501 {
		t.Fatalf("came up at %v, want both at 501", due)
	}
}

// TestWheelAgainstReference sets, moves, clears and advances at random and
// compares with a map of deadlines.
func TestWheelAgainstReference(t *testing.T) {
	const timers = 200
	spans := []int64{2, 60, 70, 4000, 5000, 1 << 18, 1 << 20, horizon}
	for seed := range uint64(15) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w := newWheel(t, timers, rng.Int64N(1<<30)+1)
		now, want := w.tick, map[uint32]int64{}
		span := func() int64 { return 1 + rng.Int64N(spans[rng.IntN(len(spans))]) }
		for range 700 {
			i := uint32(1 + rng.IntN(timers))
			switch rng.IntN(8) {
			case 0, 1, 2, 3, 4:
				at := now + span()
				w.set(i, at)
				want[i] = at
			case 5:
				w.clear(i)
				delete(want, i)
			default:
				to := now + span()
				due := drive(t, w, to)
				for i, at := range want {
					if at <= to != (due[i] != 0) {
						t.Fatalf("seed %d: timer %d for tick %d, advanced to %d, came up at %d", seed, i, at, to, due[i])
					}
					// drive stops exactly where next says: had next been late,
					// so would be the timer.
					if at <= to && due[i] != at {
						t.Fatalf("seed %d: timer %d for tick %d came up at %d", seed, i, at, due[i])
					}
				}
				for i := range due {
					if _, known := want[i]; !known {
						t.Fatalf("seed %d: timer %d came up though nobody had set it", seed, i)
					}
					delete(want, i)
				}
				now = to
			}
			if w.count != len(want) {
				t.Fatalf("seed %d: %d timers in the wheel, want %d", seed, w.count, len(want))
			}
		}
	}
}

func TestTickOfIsNeverEarly(t *testing.T) {
	for _, ns := range []int64{0, 1, 1<<tickShift - 1, 1 << tickShift, 1<<tickShift + 1, int64(time.Hour)} {
		if at := tickOf(ns) << tickShift; at <= ns || at > ns+1<<tickShift {
			t.Errorf("tickOf(%d) begins at %d ns", ns, at)
		}
	}
}

func TestWheelAllocatesNothing(t *testing.T) {
	w := newWheel(t, 64, 9)
	if n := testing.AllocsPerRun(100, func() {
		for i := range uint32(64) {
			w.set(i+1, w.tick+int64(i)*100)
		}
		for w.pop(w.tick+3000) != 0 {
		}
		for i := range uint32(64) {
			w.clear(i + 1)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestDeadlinesMoveBothWays sets deadlines at random, later ones without a look
// at the wheel, and holds the shard to the moment each of them is called.
func TestDeadlinesMoveBothWays(t *testing.T) {
	const conns = 20
	due := map[Conn]int64{}
	var s *Shard
	m := newSim(t, 1, Faults{}, smallLimits, Handler{Timer: func(c Conn) {
		at, set := due[c]
		if !set || s.Now() < at || s.Now() > at+3<<tickShift {
			t.Errorf("called at %d, the deadline was %d, set %v", s.Now(), at, set)
		}
		delete(due, c)
	}})
	s = m.Shard()
	m.OnDial = func(*Addr) *SimPeer { return m.NewPeer() }
	var all []Conn
	for range conns {
		c, e := s.Connect(testAddr, 0)
		if e != 0 {
			t.Fatal(e)
		}
		all = append(all, c)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for range 20_000 {
		c := all[rng.IntN(conns)]
		if rng.IntN(10) == 0 {
			s.SetDeadline(c, 0)
			delete(due, c)
		} else {
			d := time.Duration(1 + rng.Int64N(1<<(10+rng.IntN(26))))
			s.SetDeadline(c, d)
			due[c] = s.Now() + int64(d)
		}
		m.Advance(time.Duration(rng.Int64N(int64(5 * time.Millisecond))))
		m.Step()
		for c, at := range due {
			if s.Now() > at+3<<tickShift {
				t.Fatalf("the deadline %d of %x was not called by %d", at, c, s.Now())
			}
		}
	}
}
