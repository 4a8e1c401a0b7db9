package engine

import (
	"net"
	"testing"
	"time"
)

// TestAlarm has a shard without a connection or a timer woken by its alarm.
func TestAlarm(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		var s *Shard
		rang := make(chan time.Duration, 8)
		var set int64
		r := start(t, kind, smallLimits, Handler{Alarm: func() { rang <- time.Duration(s.Now() - set) }})
		r.do(func() { s = r.s })
		for _, d := range []time.Duration{0, -time.Second, 20 * time.Millisecond} {
			r.do(func() {
				set = s.Now()
				s.SetAlarm(time.Hour) // the last call counts
				s.SetAlarm(d)
			})
			if took := receive(t, rang); took < d {
				t.Errorf("an alarm of %v came after %v", d, took)
			}
		}
		r.do(func() {
			s.SetAlarm(time.Millisecond)
			s.StopAlarm()
			if w := s.wait(); w == 0 {
				t.Error("a shard without an alarm does not sleep")
			}
		})
		r.do(func() { set = s.Now(); s.SetAlarm(5 * time.Millisecond) })
		receive(t, rang)
		if len(rang) != 0 {
			t.Error("an alarm that was taken back, or has come, comes again")
		}
	})
}

// TestNow compares the clock of shards with the one that others read.
func TestNow(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		before := Now()
		r := start(t, kind, smallLimits, Handler{})
		var at int64
		r.do(func() { at = r.s.Now() })
		if after := Now(); at < before || at > after {
			t.Errorf("the shard's clock says %d between %d and %d", at, before, after)
		}
	})
}

// TestStale looks at connections whose peer does nothing, has said something
// that was not received, has closed, and has reset.
func TestStale(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		accepted := make(chan Conn, 1)
		r := start(t, kind, smallLimits, Handler{
			// What the peer does is not received, as if it had been done in
			// the same turn.
			Accepted: func(c Conn, _ int) { accepted <- c },
		})
		for _, tt := range []struct {
			name string
			do   func(c *net.TCPConn)
			want bool
		}{
			{"nothing", func(*net.TCPConn) {}, false},
			{"closed", func(c *net.TCPConn) { _ = c.CloseWrite() }, true},
			{"bytes", func(c *net.TCPConn) { _, _ = c.Write([]byte("x")) }, true},
			{"reset", func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() }, true},
		} {
			c := r.client()
			name := receive(t, accepted)
			r.do(func() { r.s.Pause(name) })
			r.do(func() {})
			tt.do(c)
			if tt.want {
				r.eventually(tt.name+" is seen", func() bool { return r.s.Stale(name) })
			} else {
				r.do(func() {
					if r.s.Stale(name) {
						t.Errorf("%s: stale", tt.name)
					}
					if n := testing.AllocsPerRun(100, func() { r.s.Stale(name) }); n != 0 {
						t.Errorf("%v allocations", n)
					}
				})
			}
			r.do(func() { r.s.Abort(name) })
			r.do(func() {
				if !r.s.Stale(name) {
					t.Error("a connection that is gone is not stale")
				}
			})
		}
	})
}
