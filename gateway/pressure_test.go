package gateway

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/anygate/anygate/engine"
)

// TestShedStreams has clients of HTTP/2 open no windows, so that what their
// upstreams have sent waits in the shard's buffers: when those become scarce
// such streams are reset, and the connection's others are served.
func TestShedStreams(t *testing.T) {
	const size = 60_000
	w := newSimWorld(t, 7, engine.Faults{})
	w.limits.SmallBuffers = 64
	w.muxed()
	w.settings.Write, w.settings.BodyIdle = time.Hour, time.Hour
	w.upstream("up", func(c *upstreamConn) {
		if c.state == nil {
			c.state = true
			c.write(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, numbered(size)))
		}
	})
	w.serve("/p/: http://up/", "/small: OK small")
	c := w.h2Client(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	c.greedy = false
	var h *h2Conn
	var stalled []*h2Exchange
	for range 60 {
		stalled = append(stalled, c.request("GET /p/", 'n', "", ""))
		c.until(t, "its head has come", func() bool { return stalled[len(stalled)-1].head != "" })
		if w.s.Pressure() >= streamPressure {
			break
		}
	}
	if w.s.Pressure() != streamPressure {
		t.Fatalf("pressure %d, %+v", w.s.Pressure(), w.s.Stats())
	}
	for _, v := range w.g.h2 {
		if v != nil {
			h = v
		}
	}
	var held int64
	for st := h.streams; st != nil; st = st.next {
		for _, p := range st.queue[st.first:] {
			held += int64(len(w.s.Bytes(p.buf)))
		}
	}
	if held == 0 || h.held != held {
		t.Errorf("%d bytes of buffers are counted, there are %d", h.held, held)
	}
	// One goes on, a little in each second.
	patient := stalled[0]
	for range 4 {
		patient.open(100)
		got := len(patient.got)
		c.until(t, "it goes on", func() bool { return len(patient.got) == got+100 })
		w.advance(time.Second)
		c.work()
	}
	if patient.reset || patient.ended {
		t.Error("a stream that goes on was ended")
	}
	c.until(t, "the others are reset", func() bool {
		for _, e := range stalled[1:] {
			if !e.reset {
				return false
			}
		}
		return true
	})
	for _, e := range stalled[1:] {
		if e.code != http2.ErrCodeCancel {
			t.Errorf("stream %d was reset with %v", e.id, e.code)
		}
	}
	if n := w.s.Pressure(); n != 0 {
		t.Errorf("pressure %d when they have gone", n)
	}
	c.greedy = true
	patient.open(1 << 20)
	small := c.request("GET /small", 'n', "", "")
	small.open(1000)
	c.until(t, "the rest is served", func() bool { return small.got == "small" && patient.got == numbered(size) })
	if h.held != 0 {
		t.Errorf("%d bytes of buffers are counted at the end", h.held)
	}
	c.close()
}

// TestShedsWhoTakesNothing has buffers run out while a client takes a little of a
// response now and then, more than its timeout asks for, and another nothing.
func TestShedsWhoTakesNothing(t *testing.T) {
	w := newSimWorld(t, 11, engine.Faults{})
	w.limits.SmallBuffers, w.limits.LargeBuffers = 256, 64
	// The timer's looks and those for shedding come at all distances.
	w.settings.Write, w.settings.MinWrite = 1700*time.Millisecond, 100
	w.timeouts.FirstByte, w.timeouts.Idle = time.Hour, time.Hour
	w.upstream("up", func(c *upstreamConn) {
		if c.state == nil {
			c.state = true
			c.write(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", 8<<20, numbered(8<<20)))
		}
	})
	w.serve("/p/: http://up/")
	patient, deaf := w.client(), w.client()
	for _, c := range []*client{patient, deaf} {
		c.peer.Window = 1000
		c.send(get("/p/"))
	}
	w.steps(200)
	var hoard []engine.Buf
	for w.s.Pressure() < mostPressure {
		hoard = append(hoard, w.s.Buffer(engine.LargeBuffer))
	}
	for n := range 80 {
		patient.peer.Window += 200
		w.pass(750 * time.Millisecond)
		if patient.over() {
			t.Fatalf("the patient one was given up after %d looks", n)
		}
		if w.s.Pressure() < mostPressure {
			hoard = append(hoard, w.s.Buffer(engine.LargeBuffer))
		}
		if n == 6 && !deaf.over() {
			t.Error("the deaf one is still there")
		}
	}
	for _, b := range hoard {
		w.s.ReleaseBuffer(b)
	}
}

// TestRoomOfAllStreams: what waits for windows counts for all streams of a
// connection, and leaves one whose window is open enough to go on.
func TestRoomOfAllStreams(t *testing.T) {
	w := newSimWorld(t, 8, engine.Faults{})
	w.muxed()
	w.upstream("up", func(c *upstreamConn) {
		if c.state == nil {
			c.state = true
			c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
		}
	})
	w.serve("/p/: http://up/")
	c := w.h2Client(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
	e := c.request("GET /p/", 'n', "", "")
	c.until(t, "it has begun", func() bool { return e.got == "12345" })
	for _, h := range w.g.h2 {
		if h == nil {
			continue
		}
		x := h.streams.x
		free := h.Room(x)
		h.held += 1000
		some := h.Room(x)
		h.held += outputMost
		least := h.Room(x)
		h.held -= outputMost + 1000
		if want := int64(65535 - 5); free != want || some != want || least != h2Copy {
			t.Errorf("room for %d, %d with some held, %d with much", free, some, least)
		}
	}
	c.abort()
}

// TestFramesGoToTheirOwner has a connection be entered while another is in the
// middle of its work: what the latter's codec writes behind that is its own.
func TestFramesGoToTheirOwner(t *testing.T) {
	w := newSimWorld(t, 9, engine.Faults{})
	w.muxed()
	w.upstream("up", func(*upstreamConn) {})
	w.serve("/p/: http://up/")
	var clients [2]*h2Client
	var conns [2]*h2Conn
	for i := range clients {
		c := w.h2Client()
		c.request("POST /p/", 'c', "x", "").hold = 1
		clients[i] = c
		c.until(t, "the stream is there", func() bool {
			for _, h := range w.g.h2 {
				if h != nil && h.streams != nil && h != conns[0] {
					conns[i] = h
					return true
				}
			}
			return false
		})
	}
	a, b := conns[0], conns[1]
	for _, step := range []struct {
		what  string
		write func()
	}{
		{"a window", func() { a.streams.wanted += 1 << 30; a.renew(a.streams) }},
		{"a stream's reset", func() { a.kill(a.streams, 0) }},
	} {
		a.enter()
		b.enter()
		b.leave()
		step.write()
		if len(w.g.mux.scratch.Out) == 0 || w.g.mux.owner != a {
			t.Errorf("%s: %d bytes, and whose they are is not known", step.what, len(w.g.mux.scratch.Out))
		}
		a.leave()
		if len(w.g.mux.scratch.Out) != 0 {
			t.Errorf("%s is left", step.what)
		}
	}
	for _, c := range clients {
		c.abort()
	}
}
