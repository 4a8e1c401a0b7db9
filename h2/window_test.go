package h2

import (
	"strings"
	"testing"
)

// TestGrant: windows are renewed by halves, and only by what the owner has disposed of.
func TestGrant(t *testing.T) {
	cfg := DefaultConfig
	cfg.ConnWindow = 1 << 17
	r := serving(t, &cfg)
	r.take(post(1) + dataOf(1, strings.Repeat("x", 16000)) + dataOf(1, strings.Repeat("x", 16000)))
	s := r.c.First()
	if r.c.Held() != 32000 || s.Held() != 32000 {
		t.Fatalf("held: %d, of the stream %d", r.c.Held(), s.Held())
	}
	r.c.Grant(s, 32000)
	equal(t, "less than half", r.sent())
	r.take(dataOf(1, strings.Repeat("x", 1000)))
	r.c.Grant(s, 1000)
	equal(t, "half of the stream's", r.sent(), "WINDOW_UPDATE 1 +33000")
	r.forget()
	r.take(dataOf(1, strings.Repeat("x", 16000)) + dataOf(1, strings.Repeat("x", 16000)) + endOf(1, "x"))
	r.c.Grant(s, 32001)
	equal(t, "half of the connection's, and a stream that has ended", r.sent())
	r.take(post(3) + endOf(3, strings.Repeat("y", 535)))
	r.c.Release(r.c.lookup(3))
	equal(t, "half of the connection's", r.sent(), "RST_STREAM 3 cancel", "WINDOW_UPDATE 0 +65536")
	if r.c.Held() != 0 {
		t.Errorf("%d bytes are held", r.c.Held())
	}
}

// TestGrantBeforehand: what the owner has room for does not take up the connection's window when it comes.
func TestGrantBeforehand(t *testing.T) {
	cfg := DefaultConfig
	cfg.ConnWindow = MinWindow
	r := serving(t, &cfg)
	r.take(post(1))
	s := r.c.First()
	r.c.Grant(s, 1<<20)
	equal(t, "sent", r.sent(), "WINDOW_UPDATE 1 +1048576")
	for range 1 << 20 / 16384 {
		r.take(dataOf(1, strings.Repeat("x", 16384)))
	}
	if r.over || r.c.Held() != 0 {
		t.Errorf("%d bytes are held", r.c.Held())
	}
	r.take(dataOf(1, strings.Repeat("x", 1000)))
	if r.c.Held() != 1000 || s.Held() != 1000 {
		t.Errorf("%d bytes are held", r.c.Held())
	}
	r.c.Grant(s, maxWindow)
	if int64(s.recv)+int64(s.pend) != maxWindow || r.c.Held() != 0 {
		t.Errorf("window %d and %d, held %d", s.recv, s.pend, r.c.Held())
	}
	check(t, r.c)
}

func TestWindowExceeded(t *testing.T) {
	full := strings.Repeat(dataOf(1, strings.Repeat("x", 16383)), 4) // 65532
	t.Run("stream", func(t *testing.T) {
		r := serving(t, &DefaultConfig)
		r.take(post(1) + full + dataOf(1, "123"))
		r.log = nil
		r.take(dataOf(1, "4") + get(3))
		equal(t, "events", r.log, "reset 1 by us: flow_control_error, stream_window_exceeded", "head 3 GET / end")
		equal(t, "sent", r.sent(), "RST_STREAM 1 flow_control_error")
		r.c.Release(r.c.lookup(1))
		if r.c.Held() != 0 {
			t.Errorf("%d bytes are held", r.c.Held())
		}
	})
	t.Run("connection", func(t *testing.T) {
		cfg := DefaultConfig
		cfg.ConnWindow = MinWindow
		r := serving(t, &cfg)
		r.take(post(1) + full)
		r.log = nil
		r.take(post(3) + dataOf(3, "1234"))
		equal(t, "events", r.log, "head 3 POST /", "fatal: flow_control_error, connection_window_exceeded")
		equal(t, "sent", r.sent(), "GOAWAY 3 flow_control_error")
	})
}

// TestClosedContent: content that nobody wants does not wear the connection's window out.
func TestClosedContent(t *testing.T) {
	content := strings.Repeat("x", 16000)
	tests := []struct {
		name string
		act  func(r *rig, s *Stream)
		sent []string
	}{
		{"reset", func(r *rig, s *Stream) { r.c.Reset(s, Cancel) }, []string{"RST_STREAM 1 cancel"}},
		{"released", func(r *rig, s *Stream) { r.c.Release(s) }, []string{"RST_STREAM 1 cancel"}},
		{"answered and released", func(r *rig, s *Stream) {
			r.sc.Out = r.c.AppendResponse(r.sc.Out, s, &ResponseHead{Status: 204, Length: -1}, true)
			r.c.Release(s)
		}, []string{"HEADERS 1 :status=204 end", "RST_STREAM 1 no_error"}},
		{"discarded", func(r *rig, s *Stream) { r.c.Discard(s) }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := serving(t, &DefaultConfig)
			// Half of the frame comes before, and half after.
			in := post(1) + dataOf(1, content)
			r.take(in[:len(in)-8000])
			s := r.c.First()
			tt.act(r, s)
			equal(t, "sent", r.sent(), tt.sent...)
			r.log = nil
			r.take(in[len(in)-8000:] + dataOf(1, content) + endOf(1, content))
			var want []string
			if tt.name == "discarded" {
				want = []string{"data 1  end"}
			}
			equal(t, "events", r.log, want...)
			if s := r.c.First(); s != nil {
				r.c.Release(s)
			}
			if r.c.Held() != 0 {
				t.Errorf("%d bytes are held", r.c.Held())
			}
		})
	}
}

// TestReleaseMidFrame: a stream ends while the owner handles the first piece of a frame.
func TestReleaseMidFrame(t *testing.T) {
	r := serving(t, &DefaultConfig)
	r.each = func(ev *Event) {
		if ev.Kind == EventData {
			r.c.Release(ev.Stream)
		}
	}
	in := post(1) + frameOf(frameData, flagPadded, 1, "\x03abcdefgh\x00\x00\x00") + get(3)
	cut := strings.Index(in, "cdef")
	r.take(in[:cut])
	r.take(in[cut:])
	equal(t, "events", r.log, "head 1 POST /", "data 1 ab", "head 3 GET / end")
	if r.c.Held() != 0 {
		t.Errorf("%d bytes are held", r.c.Held())
	}
}

// TestRoom: what may be sent is the smaller of two windows, and settings can make it negative.
func TestRoom(t *testing.T) {
	r := serving(t, &DefaultConfig)
	r.take(get(1) + get(3))
	one, three := r.c.lookup(1), r.c.lookup(3)
	room := func(s *Stream, want int) {
		t.Helper()
		if n := r.c.Room(s); n != want {
			t.Fatalf("room of stream %d is %d, want %d", s.ID, n, want)
		}
	}
	send := func(s *Stream, n int) {
		r.sc.Out = r.c.AppendDataHeader(r.sc.Out, s, n, false)
		r.sc.Out = append(r.sc.Out, make([]byte, n)...)
	}
	room(one, MinWindow)
	send(one, 16384)
	room(one, MinWindow-16384)
	room(three, MinWindow-16384) // the connection's
	r.log = nil
	r.take(window(0, 1<<20))
	equal(t, "the connection's window was too small", r.log, "writable 0")
	room(three, MinWindow)
	r.log = nil
	r.take(settingsOf(settingInitialWindow, 100))
	room(one, 0)
	room(three, 100)
	r.take(window(1, 16384-100))
	room(one, 0)
	r.take(window(1, 50))
	room(one, 50)
	equal(t, "events", r.log, "settings", "writable 1")
	r.take(settingsOf(settingInitialWindow, 1<<20))
	room(one, 1<<20-100+50)
	room(three, 1<<20)
}
