package gateway

import (
	"math"
	"net/netip"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge"
)

type h2Flags uint16

const (
	h2Dead      h2Flags = 1 << iota // the connection is gone
	h2Full                          // output is over its limit; Drained will come
	h2Broken                        // output has a hole: see fail
	h2Paused                        // receiving is paused
	h2EOF                           // the client has closed its side
	h2Watched                       // the timer looks after streams
	h2Idle                          // or waits for one, since quiet
	h2Partial                       // the beginning of a frame, or of a head, has come, since begun
	h2Measured                      // lastOut holds what the client had taken
	h2Announced                     // the first GOAWAY of a drain is out
	h2Last                          // and the final one
	h2Lossy                         // a stream lacks content: see lose
	h2Wake                          // some stream takes content again
)

func (f h2Flags) has(g h2Flags) bool { return f&g != 0 }

// h2Conn is a client's HTTP/2 connection: a Codec with an exchange for each
// stream. What follows from its frames is decided by the h2.Conn in it; here
// is what becomes of requests, and who gets to send when.
type h2Conn struct {
	g      *Gateway
	conn   engine.Conn
	under  *h1Conn // the record of the connection as it began: who the client is
	c      h2.Conn
	cfg    *h2.Config
	flags  h2Flags
	depth  uint16 // of enter
	burst  uint32 // bytes that the last receive was answered with
	opened int64  // all three on the shard's clock
	quiet  int64
	begun  int64

	streams    *h2Stream // those in use, as a list
	held       int64     // bytes of the buffers in which content of streams waits
	lastOut    uint64    // what the client had taken, at the last look of the timer
	lastQueued uint32    // and what waited for it
}

var _ Codec = (*h2Conn)(nil)

// h2Shared is what the HTTP/2 connections of a shard have in common.
type h2Shared struct {
	scratch *h2.Scratch
	event   h2.Event
	head    h2.ResponseHead
	owner   *h2Conn // whose frames are in scratch.Out
	streams []*h2Stream
	free    []uint32 // of streams
	spare   []*h2Conn
	heads   *h2Heads

	unasked, asking []uint32 // streams that wait for a part of a file; see askAgain

	hsts, hstsLine []byte // of encodeHSTS, and what it was made of
}

// H2Stats counts what has happened on HTTP/2 connections. On the shard's thread.
func (g *Gateway) H2Stats() h2.Stats {
	if g.mux.scratch == nil {
		return h2.Stats{}
	}
	return g.mux.scratch.Stats
}

// startH2 makes a connection one of HTTP/2. Its record goes on to say who the
// client is.
func (g *Gateway) startH2(under *h1Conn) *h2Conn {
	m := &g.mux
	if m.scratch == nil {
		m.scratch, m.heads = h2.NewScratch(), new(h2Heads)
		m.streams = append(m.streams, nil) // no stream has the number 0
	}
	i := int(under.conn.Index())
	for len(g.h2) <= i {
		g.h2 = append(g.h2, nil)
	}
	var h *h2Conn
	if n := len(m.spare); n > 0 {
		h, m.spare = m.spare[n-1], m.spare[:n-1]
	} else {
		h = new(h2Conn)
	}
	g.h2[i] = h
	h.g, h.conn, h.under, h.cfg = g, under.conn, under, g.gen.Settings.H2
	h.flags, h.depth, h.burst, h.streams, h.held = 0, 0, 0, nil, 0
	h.opened = g.s.Now()
	under.flags |= h1Switched
	g.s.SetUser(h.conn, userH2)
	return h
}

// accept begins a connection whose client sends its preface next.
func (h *h2Conn) accept() {
	h.enter()
	h.c.Accept(h.g.mux.scratch, h.cfg)
	h.deadline(h.g.gen.Settings.Header)
	h.leave()
	if h.g.draining || h.under.flags.has(h1Retired) {
		h.drain()
	}
}

// enter begins what is done with the connection: every call from outside does
// it first, and leave last. They nest.
func (h *h2Conn) enter() {
	if h.own(); h.depth == 0 {
		h.g.mux.scratch.Now = h.g.s.Now() / 1e6
	}
	h.depth++
}

// own makes sure that nobody else's frames are in the way of this connection's.
// Whatever calls an exchange, which may enter another connection, does it again
// before it has the codec write.
func (h *h2Conn) own() {
	m := &h.g.mux
	if m.owner == h {
		return
	}
	if m.owner != nil {
		m.owner.flush()
	}
	m.owner = h
}

// leave sends what may be sent, once all that is to be done at a time is done,
// and brings timers and receiving in line with it.
func (h *h2Conn) leave() {
	if h.depth--; h.depth > 0 || h.flags.has(h2Dead) {
		return
	}
	h.own()
	if h.flags.has(h2Wake) || h.c.HasReady() {
		h.depth++
		h.pump()
		if h.depth--; h.flags.has(h2Dead) {
			return
		}
	}
	h.flush()
	h.settle()
}

// flush moves the codec's frames to the connection's output.
func (h *h2Conn) flush() {
	sc := h.g.mux.scratch
	if len(sc.Out) == 0 {
		return
	}
	if !h.flags.has(h2Broken) && !h.g.s.Append(h.conn, sc.Out) {
		h.fail()
	}
	sc.Out = sc.Out[:0]
	h.checkFull()
}

// settle follows everything that happens to the connection.
func (h *h2Conn) settle() {
	switch {
	case h.streams == nil && h.flags.has(h2Last|h2EOF):
		h.end()
		return
	case h.streams == nil && !h.flags.has(h2Full):
		// What is no request does not keep the connection.
		if h.flags &^= h2Watched; !h.flags.has(h2Idle) && h.c.SettingsAcked() {
			h.flags |= h2Idle
			h.quiet = h.g.s.Now()
			h.deadline(h.g.gen.Settings.Idle)
		}
	case !h.flags.has(h2Watched):
		h.flags = h.flags&^h2Idle | h2Watched
		h.deadline(h.period())
	}
	if partial := h.c.Partial(); partial != h.flags.has(h2Partial) {
		h.flags ^= h2Partial
		h.begun = h.g.s.Now()
		if h.flags.has(h2Idle) {
			h.deadline(h.patience(partial))
		}
	}
	// Frames that are answered without a stream's window being asked could
	// pile up for a client that does not read.
	if stop := h.flags.has(h2Full) && h.g.s.Queued(h.conn) >= h.g.outputHigh()+outputExcess; stop && !h.flags.has(h2Paused) {
		h.flags |= h2Paused
		h.g.s.Pause(h.conn)
	}
}

// gone forgets a connection that the engine is done with, or will be.
func (h *h2Conn) gone() {
	if h.flags.has(h2Dead) {
		return
	}
	m := &h.g.mux
	h.own()
	h.flags |= h2Dead
	for st := h.streams; st != nil; st = h.streams {
		h.cancel(st)
	}
	h.c.Close()
	m.scratch.Out = m.scratch.Out[:0]
	m.owner = nil
	h.g.h2[h.conn.Index()] = nil
	h.under.gone()
	m.spare = append(m.spare, h)
}

// end closes the connection after what is queued has been sent.
func (h *h2Conn) end() {
	switch {
	case h.flags.has(h2Dead):
	case h.flags.has(h2Broken):
		h.abort()
	default:
		h.own()
		h.flush()
		h.gone()
		h.g.s.Close(h.conn)
	}
}

// abort ends the connection at once, with a reset.
func (h *h2Conn) abort() {
	if !h.flags.has(h2Dead) {
		h.gone()
		h.g.s.Abort(h.conn)
	}
}

// closed is called when the connection has failed.
func (h *h2Conn) closed(why engine.Reason) {
	if why == engine.ReasonTransform {
		h.under.logTLS()
	}
	h.gone()
}

// refuse ends the connection and tells the client why.
func (h *h2Conn) refuse(code h2.Code, reason string) {
	h.own()
	h.c.GoAway(true, code)
	h.log(reason, code)
	h.end()
}

// log writes why a client's connection is ended.
func (h *h2Conn) log(reason string, code h2.Code) {
	g := h.g
	g.countRefused(reason)
	if g.errors != nil && g.level.Allows(telemetry.Info) {
		g.errors.Error(telemetry.Info, g.s.Unix(), "connection refused",
			telemetry.String("reason", reason),
			telemetry.String("code", code.String()),
			telemetry.Addr("client", h.Peer()))
	}
}

// eof is called when the client has closed its side. What it has asked for,
// and sent all of, is answered first; but not if others wait for the same place
// in a queue.
func (h *h2Conn) eof() {
	h.enter()
	h.flags |= h2EOF
	h.pump()
	h.forsake()
	h.leave()
}

// forsake ends the streams of a client that says nothing more which would need
// to hear something of it: content, or a window.
func (h *h2Conn) forsake() {
	for st := h.streams; st != nil; {
		next := st.next
		switch {
		case !st.flags.has(h2Ended), st.x != nil && st.x.Waiting(),
			h.c.Room(st.s) == 0 && (st.queued > 0 || st.flags.has(h2Stalled)):
			h.cancel(st)
		}
		st = next
	}
}

// Queued ends the stream of a client that has closed its side: see eof.
func (h *h2Conn) Queued(x *Exchange) bool {
	st := h.of(x)
	if st == nil || !h.flags.has(h2EOF) {
		return true
	}
	h.enter()
	h.cancel(st)
	h.leave()
	return false
}

// drain prepares for the end. The client is told twice (RFC 9113, section
// 6.8): first that the end is near, so that what it has sent by the time it
// reads that is still served; then, a round trip later, what was the last.
func (h *h2Conn) drain() {
	if h.flags.has(h2Announced) {
		return
	}
	h.enter()
	h.flags |= h2Announced
	h.c.GoAway(false, h2.NoError)
	h.c.Ping()
	h.leave()
	if !h.flags.has(h2Dead) && h.streams == nil {
		h.deadline(h2DrainPatience)
	}
}

// conclude tells the client which stream was the last, and closes when it is
// over.
func (h *h2Conn) conclude() {
	if h.flags.has(h2Announced) && !h.flags.has(h2Last) {
		h.flags |= h2Last
		h.c.GoAway(true, h2.NoError)
	}
}

// drained is called when enough output has been sent for more to be taken.
func (h *h2Conn) drained() {
	h.enter()
	h.flags &^= h2Full
	if h.flags.has(h2Broken) {
		h.abort()
		return
	}
	if h.flags.has(h2Lossy) {
		h.mend()
	}
	h.flags |= h2Wake
	if h.flags.has(h2EOF) {
		h.pump()
		h.forsake()
	}
	h.leave()
	if h.flags.has(h2Paused) && !h.flags.has(h2Full|h2Dead) {
		h.flags &^= h2Paused
		h.g.s.Resume(h.conn)
	}
}

// fail gives the connection up, whose output has a hole for want of buffers.
// An exchange may be in the middle of a call, so the end comes with the next
// Drained; nothing is appended behind the hole until then.
func (h *h2Conn) fail() {
	h.flags |= h2Broken
	h.g.s.NotifyDrained(h.conn, math.MaxInt32)
}

// checkFull stops the sources of output when enough of it waits.
func (h *h2Conn) checkFull() {
	queued := h.g.s.Queued(h.conn)
	if queued < outputLeast || h.flags.has(h2Full|h2Broken) {
		return
	}
	if high := h.g.outputHigh(); queued >= high {
		h.flags |= h2Full
		h.g.s.NotifyDrained(h.conn, int(high/outputLow))
	}
}

// Peer, Local and Secure are what is known of the connection whatever it
// speaks.
func (h *h2Conn) Peer() netip.AddrPort  { return h.under.Peer() }
func (h *h2Conn) Local() netip.AddrPort { return h.under.Local() }
func (h *h2Conn) Secure() bool          { return h.under.Secure() }
func (h *h2Conn) TLS() *tlsedge.Conn    { return h.under.TLS() }
func (h *h2Conn) Listener() int         { return h.under.Listener() }
