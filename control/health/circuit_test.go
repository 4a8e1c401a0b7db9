package health

import (
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/proxy"
)

// TestCircuit drives a breaker of 50 % in 10 s, at least 20 requests, open for 5 s.
func TestCircuit(t *testing.T) {
	type step struct {
		at               float64 // seconds
		failed, succeded uint64  // since the step before
		state            uint32
		why              string
	}
	const closed, open, half = proxy.BreakerClosed, proxy.BreakerOpen, proxy.BreakerHalfOpen
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"nothing happens", []step{{0.1, 0, 0, closed, ""}, {60, 0, 0, closed, ""}}},
		{"too few", []step{{0.1, 19, 0, closed, ""}}},
		{"enough", []step{{0.1, 20, 0, open, "20 of 20 requests failed"}}},
		{"just the share", []step{{0.1, 10, 10, open, "10 of 20 requests failed"}}},
		{"just below the share", []step{{0.1, 10, 11, closed, ""}}},
		{"over several looks", []step{{0.1, 5, 5, closed, ""}, {0.2, 4, 5, closed, ""}, {0.3, 1, 0, open, "10 of 20 requests failed"}}},
		{"failures leave the window", []step{{0.1, 15, 0, closed, ""}, {11, 5, 5, closed, ""}}},
		{"buckets leave one by one", []step{{0.5, 9, 0, closed, ""}, {9.5, 0, 0, closed, ""}, {9.9, 11, 0, open, "20 of 20"}}},
		{"a bucket has left", []step{{0.5, 9, 0, closed, ""}, {10.5, 11, 0, closed, ""}}},
		{"successes that leave open nothing", []step{{0.5, 0, 15, closed, ""}, {5, 10, 0, closed, ""}, {10.5, 0, 10, closed, ""}}},
		{"stays open", []step{{1, 20, 0, open, ""}, {5.9, 0, 0, open, ""}}},
		{"half open when time is over", []step{{1, 20, 0, open, ""}, {6, 0, 0, half, "requests may try"}}},
		{"what ends while it is open does not count", []step{{1, 20, 0, open, ""}, {3, 50, 50, open, ""}, {6, 1, 9, half, ""}, {6.1, 0, 0, half, ""}}},
		{"closes after three", []step{{1, 20, 0, open, ""}, {6, 0, 0, half, ""}, {6.1, 0, 2, half, ""}, {9, 0, 1, closed, "3 trials succeeded"}}},
		{"opens at a failure", []step{{1, 20, 0, open, ""}, {6, 0, 0, half, ""}, {6.1, 0, 2, half, ""}, {6.2, 1, 0, open, "a trial failed"}, {11.1, 0, 0, open, ""}, {11.2, 0, 0, half, ""}}},
		{"a failure outweighs successes", []step{{1, 20, 0, open, ""}, {6, 0, 0, half, ""}, {6.1, 1, 9, open, "a trial failed"}}},
		{"half open waits for requests", []step{{1, 20, 0, open, ""}, {6, 0, 0, half, ""}, {3600, 0, 0, half, ""}, {3601, 0, 3, closed, ""}}},
		{"begins with an empty window", []step{{1, 20, 0, open, ""}, {6, 0, 0, half, ""}, {7, 0, 3, closed, ""}, {7.1, 19, 0, closed, ""}, {7.2, 1, 0, open, "20 of 20"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &Breaker{Errors: 0.5, Window: 10 * time.Second, Min: 20, Open: 5 * time.Second}
			// What was counted before it began does not count, and counters may wrap around.
			sums := counts{failures: ^uint64(0) - 3, successes: 1000}
			b := newCircuit(sums, 0)
			for i, st := range c.steps {
				sums.failures += st.failed
				sums.successes += st.succeded
				was := b.state
				why, changed := b.look(s, sums, int64(st.at*float64(time.Second)))
				if b.state != st.state || changed != (was != b.state) {
					t.Fatalf("step %d: state %d (changed: %v), want %d", i+1, b.state, changed, st.state)
				}
				if !strings.HasPrefix(why, st.why) || changed != (why != "") {
					t.Errorf("step %d: reason %q, want %q", i+1, why, st.why)
				}
			}
		})
	}
}

// TestCircuitWindow compares the sliding window with a list of everything that was counted.
func TestCircuitWindow(t *testing.T) {
	s := &Breaker{Errors: 1, Window: 3 * time.Second, Min: 1 << 30, Open: time.Second}
	var b circuit
	var sums counts
	ended := make(map[int64]uint64)
	for i := range int64(400) {
		now := i * int64(tick)
		n := uint64(i*7919) % 13
		sums.successes += n
		ended[now] = n
		b.look(s, sums, now)
		var have, least, most uint64
		for _, x := range b.ring {
			have += x.ended
		}
		// The window is between nine tenths and the whole of what it should be.
		for at, n := range ended {
			if age := now - at; age < int64(s.Window)*9/10 {
				least += n
				most += n
			} else if age < int64(s.Window) {
				most += n
			}
		}
		if have < least || have > most {
			t.Fatalf("at %s the window has %d, want %d to %d", time.Duration(now), have, least, most)
		}
	}
}
