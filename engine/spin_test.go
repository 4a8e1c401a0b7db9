package engine

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// spins feeds a spinner with waits of which each would have ended after gap,
// and counts those that began with a spin, and those that this ended.
func spins(p *spinner, waits int, gap, wakeUp time.Duration) (tried, hit int) {
	now := int64(time.Hour)
	for range waits {
		end := now + int64(gap)
		if p.wait(now, -1) {
			tried++
		}
		if !p.spun || end >= p.until {
			end += int64(wakeUp)
		}
		if p.ended(end) {
			hit++
		}
		now = end
	}
	return tried, hit
}

func TestSpinner(t *testing.T) {
	const limit = 50 * time.Microsecond
	tests := []struct {
		name          string
		waits         int
		gap, wakeUp   time.Duration
		least, most   int
		leastHit, all int
	}{
		{"events close together", 1000, 10 * time.Microsecond, 40 * time.Microsecond, 1000, 1000, 1000, 1000},
		{"just within the spin", 1000, 49 * time.Microsecond, 40 * time.Microsecond, 1000, 1000, 1000, 1000},
		{"just too far apart", 1000, 51 * time.Microsecond, time.Microsecond, 8, 40, 0, 0},
		{"far apart", 1000, 10 * time.Millisecond, 40 * time.Microsecond, 8, 12, 0, 0},
		{"hardly ever", 10, time.Second, 0, 1, 4, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tried, hit := spins(&spinner{limit: int64(limit)}, tt.waits, tt.gap, tt.wakeUp)
			if tried < tt.least || tried > tt.most {
				t.Errorf("%d of %d waits began with a spin, want %d to %d", tried, tt.waits, tt.least, tt.most)
			}
			if hit < tt.leastHit || hit > tt.all {
				t.Errorf("%d spins were long enough, want %d to %d", hit, tt.leastHit, tt.all)
			}
		})
	}
}

// TestSpinnerComesBack checks that a shard that has slept for long spins
// again once its events come close together: soon if its sleeps show it, and
// at the next attempt if being woken takes too long for that.
func TestSpinnerComesBack(t *testing.T) {
	for _, tt := range []struct {
		name   string
		wakeUp time.Duration
		within int
	}{
		{"woken fast", 10 * time.Microsecond, 40},
		{"woken slowly", 200 * time.Microsecond, 2 * (spinPause + 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &spinner{limit: int64(50 * time.Microsecond)}
			spins(p, 10_000, 20*time.Millisecond, tt.wakeUp)
			spins(p, tt.within, 20*time.Microsecond, tt.wakeUp)
			if tried, hit := spins(p, 100, 20*time.Microsecond, tt.wakeUp); tried != 100 || hit != 100 {
				t.Errorf("%d of 100 waits begin with a spin, and %d end with it", tried, hit)
			}
		})
	}
}

func TestSpinEndsAtTheDeadline(t *testing.T) {
	p := &spinner{limit: 1000}
	if !p.wait(5000, 300) || p.until != 5300 {
		t.Errorf("a spin before a deadline lasts until %d, want 5300", p.until)
	}
	p.ended(5300)
	p.skip = 0
	if !p.wait(6000, -1) || p.until != 7000 {
		t.Errorf("a spin without a deadline lasts until %d, want 7000", p.until)
	}
}

// startSpinning runs a shard that spins.
func startSpinning(t *testing.T, kind Kind, spin time.Duration, h Handler) *rig {
	t.Helper()
	r := start(t, kind, smallLimits, h)
	r.do(func() { r.s.spinner = spinner{limit: int64(spin)} })
	return r
}

func TestSpinIsConfigured(t *testing.T) {
	s, err := New(Config{CPU: -1, Limits: smallLimits, Backend: Epoll, Spin: 50 * time.Microsecond}, Handler{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.free()
	if s.spinner.limit != 50_000 {
		t.Errorf("spins for %d ns, want 50,000", s.spinner.limit)
	}
	if s.spins(-1); s.stats.Spins != 1 {
		t.Error("the first wait does not begin with a spin")
	}
	s.spinner.limit = 0
	if s.spins(-1) || s.stats.Spins != 1 {
		t.Error("spins although it is off")
	}
}

// TestSpinMeetsTheEvent checks that what arrives during a spin is served
// without a sleep: bytes, and messages from other goroutines.
func TestSpinMeetsTheEvent(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		r := startSpinning(t, kind, 2*patience, echoHandler(t, &s))
		r.do(func() { s = r.s })
		c := r.client()
		send(t, c, []byte("x"))
		expect(t, c, []byte("x"))
		var before, after Stats
		r.do(func() { before = s.Stats() })
		// A request that is there before the shard has answered the last one
		// needs no spin: the client is as fast as that now and then.
		const hits = 100
		after = before
		for begin := time.Now(); after.SpinHits-before.SpinHits < hits; {
			for range 50 {
				send(t, c, []byte("request"))
				expect(t, c, []byte("request"))
			}
			r.do(func() { after = s.Stats() })
			if time.Since(begin) > patience/2 {
				t.Fatalf("%d spins have met something, want %d", after.SpinHits-before.SpinHits, hits)
			}
		}
		if n := after.Waits - before.Waits; n != 0 {
			t.Errorf("slept %d times", n)
		}
	})
}

// TestSpinMeetsTheDeadline has a shard spin until a deadline: it does not sleep
// over it.
func TestSpinMeetsTheDeadline(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		const deadlines = 5
		opened, timed := make(chan Conn, 1), make(chan struct{}, deadlines)
		r := startSpinning(t, kind, 2*patience, Handler{
			Accepted: func(c Conn, _ int) { opened <- c },
			Timer:    func(Conn) { timed <- struct{}{} },
		})
		r.client()
		c := receive(t, opened)
		var before, after Stats
		r.do(func() { before = r.s.Stats() })
		for range deadlines {
			r.do(func() { r.s.SetDeadline(c, 3*time.Millisecond) })
			receive(t, timed)
		}
		r.do(func() { after = r.s.Stats() })
		if n := after.Waits - before.Waits; n != 0 {
			t.Errorf("slept %d times", n)
		}
	})
}

// TestSpinLetsTheWorldStop collects garbage while a shard spins for longer
// than the test has patience.
func TestSpinLetsTheWorldStop(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		r := startSpinning(t, kind, 2*patience, Handler{})
		var before, after Stats
		r.do(func() { before = r.s.Stats() })
		done := make(chan struct{})
		go func() {
			for range 10 {
				runtime.GC()
			}
			close(done)
		}()
		receive(t, done)
		r.do(func() { after = r.s.Stats() })
		if after.Spins == before.Spins || after.Waits != before.Waits {
			t.Errorf("%d spins and %d sleeps meanwhile, want a spin and no sleep", after.Spins-before.Spins, after.Waits-before.Waits)
		}
	})
}

// TestSpinOfAnIdleShard counts what a shard spends whose events are further
// apart than its spins: its own deadlines.
func TestSpinOfAnIdleShard(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		const (
			spin      = 2 * time.Millisecond
			gap       = 10 * spin
			deadlines = 50
			// Between the attempts 1, 3, 7, 15 and 31 waits are slept through;
			// twice as many are allowed for those that the wheel cuts in two.
			attempts = 16
		)
		var s *Shard
		var used time.Duration
		var began Stats
		left := deadlines
		done := make(chan struct{})
		h := Handler{
			Accepted: func(c Conn, _ int) {
				used, began = threadTime(t), s.Stats()
				s.SetDeadline(c, gap)
			},
			Timer: func(c Conn) {
				if left--; left > 0 {
					s.SetDeadline(c, gap)
					return
				}
				used = threadTime(t) - used
				close(done)
			},
		}
		r := startSpinning(t, kind, spin, h)
		r.do(func() { s = r.s })
		r.client()
		receive(t, done)
		r.do(func() {
			st := s.Stats()
			if n := st.Spins - began.Spins; n == 0 || n > attempts {
				t.Errorf("%d spins before %d sleeps, want 1 to %d", n, st.Waits-began.Waits, attempts)
			}
		})
		// What is left is for the turns themselves.
		if most := attempts*spin + deadlines*gap/20; used > most {
			t.Errorf("%v of processor time in %v, want at most %v", used, deadlines*gap, most)
		}
		t.Logf("%v of processor time in %v", used, deadlines*gap)
	})
}

// threadTime is the processor time of the calling thread.
func threadTime(t *testing.T) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		t.Error(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestSpinAllocatesNothing is for what every wait runs; the loops' part is
// counted with the rest in steady state.
func TestSpinAllocatesNothing(t *testing.T) {
	s, err := New(Config{CPU: -1, Limits: smallLimits, Backend: Epoll, Spin: time.Nanosecond}, Handler{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.free()
	if n := testing.AllocsPerRun(1000, func() {
		if s.spins(-1) && s.looks() {
			t.Error("a spin of a nanosecond goes on")
		}
		s.clock()
		s.waited()
	}); n != 0 {
		t.Errorf("%v allocations for a wait", n)
	}
}
