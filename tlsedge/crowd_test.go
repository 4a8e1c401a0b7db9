package tlsedge

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// silent begins a handshake whose client says nothing more.
func (r *rig) silent(hello []byte) *net.TCPConn {
	r.t.Helper()
	c := r.dial()
	if _, err := c.Write(hello); err != nil {
		r.t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 100)); err != nil {
		r.t.Fatal(err)
	}
	return c
}

// aged are the handshakes that wait for clients, all of which have done so for long.
func (r *rig) aged() (n int) {
	r.do(func() {
		for f := r.e.patients.first; f != nil; f = f.after {
			f.since -= int64(crowdedAfter) + 1
			n++
		}
	})
	return n
}

// TestCrowdedOut ends the handshakes of clients that have been silent for long, when
// all places are taken and others wait.
func TestCrowdedOut(t *testing.T) {
	hello := inRecords(helloOf(t, nil), recordContent)
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		oldest, older := r.silent(hello), r.silent(hello)
		if n := r.aged(); n != 2 {
			t.Fatalf("%d handshakes wait for their clients", n)
		}
		young := r.silent(hello)
		// Single bytes do not make a client one that goes on.
		var since int64
		r.do(func() { since = r.e.patients.first.since })
		if _, err := oldest.Write([]byte{typeHandshake}); err != nil {
			t.Fatal(err)
		}
		r.eventually("it has come", func() bool {
			for _, c := range r.e.conns {
				if c != nil && c.flight == r.e.patients.first {
					return c.tr.headed == 1
				}
			}
			return false
		})
		r.do(func() {
			if got := r.e.patients.first.since; got != since {
				t.Errorf("it waits since %d, and not %d", got, since)
			}
		})
		// With places left nobody has to go.
		echoes(t, r.client(nil), []byte("a guest"))
		r.do(func() {
			r.e.Tick()
			if st := r.e.Stats(); st.Crowded != 0 || st.Flights != 3 {
				t.Errorf("%+v", st)
			}
			r.e.flights += flightsMost - 3
		})
		echoes(t, r.client(nil), []byte("one that waits"))
		if _, err := io.Copy(io.Discard, oldest); err != nil && !errors.Is(err, net.ErrClosed) {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Fatal("the oldest is still there")
			}
		}
		r.do(func() {
			if st := r.e.Stats(); st.Crowded != 1 || st.Flights != flightsMost-1 || r.e.patients.ending != 0 {
				t.Errorf("%+v, %d ending", st, r.e.patients.ending)
			}
			r.e.flights -= flightsMost - 3
			if r.e.patients.first == nil || r.e.patients.first.after == nil || r.e.patients.first.after != r.e.patients.last {
				t.Error("the others have not stayed")
			}
		})
		if errs := r.errs(); len(errs) != 1 || errs[0].Error() != "handshake_crowded_out" {
			t.Errorf("the errors are %v", errs)
		}
		_, _ = older.Close(), young.Close()
		r.eventually("nobody waits", func() bool { return r.e.patients.first == nil && r.e.patients.last == nil })
	})
}

// TestUnreadAnswers has crypto/tls say more than the peer takes.
func TestUnreadAnswers(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.server.Tag = pattern(ticketMost)
		r.start()
		c := r.client(func(cfg *tls.Config) { cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1) })
		echoes(t, c, []byte("hello"))
		r.do(func() {
			x := r.only()
			x.tr.out, x.said = make([]byte, unsaidMost+100), 100
			if _, _, err := x.openStd([]byte{typeApplicationData}); err != nil {
				t.Errorf("with as much as there may be: %v", err)
			}
			x.tr.out = append(x.tr.out, 0)
			if _, _, err := x.openStd([]byte{3}); !errors.Is(err, errUnread) || x.phase != phaseOver || x.tr.out != nil {
				t.Errorf("with more: %v, phase %d", err, x.phase)
			}
			r.s.Abort(x.name)
		})
	})
}

// TestAnswersTakenSlowly forgets what the peer has taken, even if there is always
// more.
func TestAnswersTakenSlowly(t *testing.T) {
	x := &Conn{tr: &transport{}, ready: true}
	dst := make([]byte, 4096)
	for range 1000 {
		x.tr.out = append(x.tr.out, dst...)
		x.tr.out = append(x.tr.out, 1)
		x.Say(dst)
		if len(x.tr.out) > 2*unsaidMost+len(dst) {
			t.Fatalf("%d bytes are kept", len(x.tr.out))
		}
	}
	if left := len(x.tr.out) - int(x.said); left != 1000 {
		t.Errorf("%d bytes are left to be said", left)
	}
}

// TestStopDuringHandshakes ends a shard whose handshakes wait for everything that one
// may wait for: none of them is left, nor what was to be done for them.
func TestStopDuringHandshakes(t *testing.T) {
	hello := inRecords(helloOf(t, nil), recordContent)
	slow := inRecords(helloOf(t, func(c *tls.Config) { c.ServerName = "rsa.example" }), recordContent)
	onBoth(t, func(t *testing.T, r *rig) {
		k := &slowKey{let: make(chan struct{})}
		r.slow(k)
		r.workersFor(t, 1, 1)
		before := runtime.NumGoroutine()
		r.start()
		for range flightsKept + 10 {
			r.silent(hello)
		}
		for range signaturesMost + 3 {
			if _, err := r.dial().Write(slow); err != nil {
				t.Fatal(err)
			}
		}
		r.eventually("they wait for signatures", func() bool { return r.e.signing == signaturesMost && len(r.e.unsigned) == 3 })
		r.do(func() { r.e.flights += flightsMost })
		for range 3 {
			if _, err := r.dial().Write(hello); err != nil {
				t.Fatal(err)
			}
		}
		r.eventually("others wait for a place", func() bool { return r.e.waiting == 3 })
		r.do(func() { r.e.flights -= flightsMost })
		if n := runtime.NumGoroutine(); n < before+flightsKept+10+signaturesMost {
			t.Errorf("%d goroutines, and %d before: coroutines are not counted", n, before)
		}
		r.halt()
		st := r.e.Stats()
		if st.Flights != 0 || st.Waiting != 0 || r.e.granted != 0 || len(r.e.idle) != 0 || r.e.unsigned != nil || r.e.line != nil || r.e.patients != (patients{}) {
			t.Errorf("%+v, %d granted, %d coroutines, %d jobs, %+v", st, r.e.granted, len(r.e.idle), len(r.e.unsigned), r.e.patients)
		}
		for i, c := range r.e.conns {
			if c != nil {
				t.Errorf("connection %d is left", i)
			}
		}
		// What workers have comes back to nobody.
		close(k.let)
		for end := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d goroutines, and %d before", runtime.NumGoroutine(), before)
			}
		}
	})
}
