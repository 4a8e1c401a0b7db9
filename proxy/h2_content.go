package proxy

import (
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/h2"
)

// Content of a request goes out as far as the windows of its stream and of the
// connection allow, and as far as the connection takes it. The rest waits: in
// what the call holds, if it holds its content, otherwise in buffers of its
// own. How much that can be is bounded by what the client is granted.

// piece is a part of a buffer that waits.
type piece struct {
	buf      engine.Buf
	off, end int
}

// smallContent is up to which size content is copied behind the header of its
// frame, because that is cheaper than to append it by itself.
const smallContent = 1 << 10

// smallFrame is a size below which content waits for a larger window, if there
// is more of it: a member that opens its window by what it has got would
// otherwise be sent ever smaller frames. A window that never was a wideWindow may
// never be that large.
const (
	smallFrame = 1 << 10
	wideWindow = 4 * smallFrame
)

// heldLeft is how much of what the call holds is still to be sent.
func (f *flight) heldLeft() int {
	c := f.call
	if c == nil || c.held == 0 {
		return 0
	}
	return c.heldLen - c.heldTrailers - f.heldAt
}

// left is how much content waits.
func (f *flight) left() int { return f.waiting + f.heldLeft() }

// unsent reports whether some of the request waits, be it its end.
func (f *flight) unsent() bool { return f.left() > 0 || f.ended && !f.over }

// content passes on content that has just come from the client, and is held if
// held says so.
func (f *flight) content(b []byte, held bool) {
	c := f.call
	ok := true
	if held {
		ok = f.pump()
	} else {
		ok = f.send(b, c.length >= 0 && c.taken == c.length)
	}
	if !ok {
		c.fail(NoBuffers)
		return
	}
	c.passed()
}

// send sends content, or keeps what cannot be sent now. last says that nothing
// follows but the end.
func (f *flight) send(b []byte, last bool) bool {
	for len(b) > 0 && f.left() == 0 && f.stream != nil {
		n := f.room(len(b))
		if n == 0 {
			break
		}
		end := last && n == len(b)
		if !f.frame(n, end, b[:n]) {
			return false
		}
		b = b[n:]
	}
	if len(b) == 0 {
		return true
	}
	if !f.keep(b) {
		return false
	}
	if f.stream != nil {
		f.await()
	}
	return true
}

// room is how large the next frame may be if n bytes wait, 0 if none may be
// sent now.
func (f *flight) room(n int) int {
	m := f.s
	out := m.outRoom()
	if out <= 0 {
		m.block()
		return 0
	}
	window := m.conn.Room(f.stream)
	if window < min(n, smallFrame) && f.wide {
		f.narrow = true
		return 0
	}
	return max(0, min(n, out, window, m.conn.MaxFrame()))
}

// await has writable called when the window opens.
func (f *flight) await() {
	if !f.narrow {
		f.s.conn.Ready(f.stream)
	}
}

// opened takes note of a window that has been opened, that of a stream or that
// of the connection.
func (m *session) opened(st *h2.Stream) {
	if st != nil {
		m.flightOf(st).widen()
		return
	}
	for _, f := range m.flights {
		f.widen()
	}
}

func (f *flight) widen() {
	if f.narrow {
		f.narrow = false
		f.s.conn.Ready(f.stream)
	}
}

// frame sends n bytes of content: b, or what the caller appends.
func (f *flight) frame(n int, end bool, b []byte) bool {
	m, p := f.s, f.s.p
	p.h2.Out = m.conn.AppendDataHeader(p.h2.Out, f.stream, n, end)
	f.sent += uint64(n)
	f.over = f.over || end
	if len(b) <= smallContent {
		p.h2.Out = append(p.h2.Out, b...)
		return m.flush()
	}
	return m.flush() && (p.s.Relay(m.u.conn, b) || m.hole())
}

// keep copies content that waits for a window.
func (f *flight) keep(b []byte) bool {
	s := f.s.p.s
	f.waiting += len(b)
	if n := len(f.pieces); n > 0 {
		last := &f.pieces[n-1]
		k := copy(s.Bytes(last.buf)[last.end:], b)
		last.end += k
		b = b[k:]
	}
	for len(b) > 0 {
		buf := s.Buffer(min(len(b), engine.LargeBuffer))
		if buf == 0 {
			return false
		}
		k := copy(s.Bytes(buf), b)
		f.pieces = append(f.pieces, piece{buf: buf, end: k})
		b = b[k:]
	}
	return true
}

// adopt takes over what the call has held and gives up.
func (f *flight) adopt() {
	c := f.call
	n := f.heldLeft()
	f.pieces = append(f.pieces, piece{buf: c.held, off: f.heldAt, end: f.heldAt + n})
	f.waiting += n
}

// pump sends what waits, as far as it can be sent. It reports false if the
// connection is broken.
func (f *flight) pump() bool {
	m := f.s
	if f.stream == nil || f.over {
		return true
	}
	for left := f.left(); left > 0; left = f.left() {
		n := f.room(left)
		if n == 0 {
			f.await()
			return true
		}
		if !f.frame(n, f.ended && n == left && len(f.trailers) == 0, nil) {
			return false
		}
		for n > 0 {
			buf, off, k := f.next()
			k = min(k, n)
			m.p.s.AppendBuffer(m.u.conn, buf, off, k)
			f.advance(k)
			n -= k
		}
	}
	if f.ended && !f.over {
		f.over = true
		m.p.h2.Out = m.conn.AppendTrailers(m.p.h2.Out, f.stream, f.trailers)
		return m.flush()
	}
	return true
}

// next is where the content lies that is to be sent next.
func (f *flight) next() (buf engine.Buf, off, n int) {
	if len(f.pieces) > 0 {
		first := &f.pieces[0]
		return first.buf, first.off, first.end - first.off
	}
	return f.call.held, f.heldAt, f.heldLeft()
}

// advance steps over content that has been sent.
func (f *flight) advance(n int) {
	if len(f.pieces) == 0 {
		f.heldAt += n
		return
	}
	f.waiting -= n
	first := &f.pieces[0]
	if first.off += n; first.off == first.end {
		f.s.p.s.ReleaseBuffer(first.buf)
		f.pieces = f.pieces[:copy(f.pieces, f.pieces[1:])]
	}
}

// finish ends the request. trailers are field lines or nil.
func (f *flight) finish(trailers []byte) bool {
	if f.over {
		return true
	}
	f.ended = true
	f.trailers = append(f.trailers[:0], trailers...)
	return f.pump()
}

// writable goes on with content that has waited.
func (f *flight) writable() {
	ok := f.pump()
	c := f.call
	switch {
	case c == nil && (!ok || !f.unsent()):
		f.s.p.leave(f)
	case c == nil:
	case !ok:
		c.fail(NoBuffers)
	case f.left() <= contentLow>>(2*f.s.p.s.Pressure()):
		c.drained()
	}
}

// resume takes content of the response again that the client had no room for.
func (f *flight) resume() {
	n := f.withheld
	f.withheld = 0
	if n > 0 {
		f.grant(n)
	}
}

// grant lets the member send n bytes more.
func (f *flight) grant(n int) {
	f.s.conn.Grant(f.stream, n)
	f.s.flush()
}

// took counts content of the response that was given to the client. As long as
// that has room, the member may send as much again.
func (f *flight) took(n int) {
	c := f.call
	if c.paused || c.d.Room() <= 0 {
		c.paused = true
		f.withheld += n
		return
	}
	f.grant(n)
}
