package gateway

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/tlsedge"
)

// This file is a second Codec, made to find out whether Exchange is shaped for
// HTTP/2: many exchanges on one connection, each with a window of its own in
// both directions, cancelled one by one, half-closed either way. Its framing is
// a toy (stream, type, length, bytes), what it does with exchanges is not.

// The types of frames. Those of the request and of the response are the same
// where they mean the same.
const (
	muxHead     = iota + 1 // a head: the kind of content first, or "STATUS\n"
	muxInterim             // of the response
	muxData                // content
	muxEnd                 // the end; its bytes are trailers
	muxReset               // the end of the exchange where it stands
	muxWindow              // the receiver of content takes so many bytes more
	muxHeadSize = 9        // stream, type, length
)

// muxWindowStart is how much of a response may be sent before the client has
// said anything. Content of a request waits to be asked for.
const muxWindowStart = 1000

// muxOutput is how much output of a connection may wait.
const muxOutput = 64 << 10

// mux makes all client connections of a world multiplexed ones.
type mux struct {
	w     *world
	conns map[engine.Conn]*muxConn
}

// multiplexed puts a mux between the world's engine and gateway.
func (w *world) multiplexed() *mux {
	m := &mux{w: w, conns: map[engine.Conn]*muxConn{}}
	w.wrap = func(h *engine.Handler) {
		up := *h
		h.Accepted = func(c engine.Conn, _ int) {
			m.conns[c] = &muxConn{m: m, g: w.g, conn: c, streams: map[uint32]*muxStream{}}
		}
		h.Received = func(c engine.Conn, p []byte) {
			if mc := m.conns[c]; mc != nil {
				mc.received(p)
				return
			}
			up.Received(c, p)
		}
		h.EOF = func(c engine.Conn) {
			if mc := m.conns[c]; mc != nil {
				mc.gone()
				w.s.Close(c)
				return
			}
			up.EOF(c)
		}
		h.Drained = func(c engine.Conn) {
			if mc := m.conns[c]; mc != nil {
				mc.drained()
				return
			}
			up.Drained(c)
		}
		h.Closed = func(c engine.Conn, why engine.Reason, e engine.Errno) {
			if mc := m.conns[c]; mc != nil {
				mc.gone()
				return
			}
			up.Closed(c, why, e)
		}
	}
	return m
}

// open is how many exchanges are under way.
func (m *mux) open() (n int) {
	for _, c := range m.conns {
		for _, st := range c.streams {
			if st.x != nil {
				n++
			}
		}
	}
	return n
}

// muxConn is one connection.
type muxConn struct {
	m       *mux
	g       *Gateway
	conn    engine.Conn
	in      []byte
	streams map[uint32]*muxStream
	full    bool
	dead    bool
}

var _ Codec = (*muxConn)(nil)

// muxStream is what the connection knows of an exchange. It outlives the
// exchange until both directions have ended.
type muxStream struct {
	id       uint32
	x        *Exchange // nil when it has ended
	credit   int64     // content of the request that may come
	window   int64     // content of the response that may go
	waiting  []muxPiece
	queued   int64 // bytes in waiting
	finished bool  // the response is complete, though not all may have gone
	sentEnd  bool  // all has
	gotEnd   bool  // the request has ended
	trailers string
}

// muxPiece is content that waits for the window: bytes that stay as they are,
// or a part of a file under a token.
type muxPiece struct {
	p     []byte
	fd    int32
	off   int64
	n     int64
	token uint32
}

func (c *muxConn) received(p []byte) {
	c.in = append(c.in, p...)
	for len(c.in) >= muxHeadSize && !c.dead {
		id, kind := binary.BigEndian.Uint32(c.in), c.in[4]
		n := int(binary.BigEndian.Uint32(c.in[5:]))
		if len(c.in) < muxHeadSize+n {
			return
		}
		body := c.in[muxHeadSize : muxHeadSize+n]
		c.frame(id, kind, body)
		// What an exchange keeps of a borrowed piece will be rubbish.
		for i := range body {
			body[i] = 0xdb
		}
		c.in = c.in[muxHeadSize+n:]
	}
}

func (c *muxConn) frame(id uint32, kind byte, body []byte) {
	st := c.streams[id]
	if kind == muxHead {
		c.begin(id, body)
		return
	}
	if st == nil {
		return // of a stream that was reset
	}
	switch kind {
	case muxData:
		if st.credit -= int64(len(body)); st.credit < 0 {
			c.m.w.t.Errorf("the client sends more than it was granted")
		}
		if st.x != nil {
			st.x.Received(body)
		}
	case muxEnd:
		st.gotEnd = true
		if st.x != nil {
			var trailers []byte
			if len(body) > 0 {
				trailers = body
			}
			st.x.RequestEnd(trailers)
		}
		c.settle(st)
	case muxReset:
		c.drop(st)
	case muxWindow:
		st.window += int64(binary.BigEndian.Uint32(body))
		c.pump(st)
		if st.x != nil && c.Room(st.x) > 0 {
			st.x.Writable()
		}
	}
}

// begin starts an exchange. The head's text is parsed into the same view that
// HTTP/1.1 has; HTTP/2 will write its own there.
func (c *muxConn) begin(id uint32, body []byte) {
	st := &muxStream{id: id, window: muxWindowStart}
	c.streams[id] = st
	r := &c.g.req
	if n, err := r.Scan(body[1:], &c.g.gen.Settings.HTTP); n == 0 || err != http1.OK {
		c.m.w.t.Fatalf("a client's head does not parse: %v", err)
	}
	in := Incoming{Head: r, Protocol: "MUX/1"}
	switch body[0] {
	case 'n':
		st.gotEnd = true
	case 't': // a tunnel, maybe: no content, and not the end
	case 'l':
		in.Content, in.Length = http1.BodyLength, r.ContentLength
	case 'c':
		in.Content, in.Length = http1.BodyChunked, -1
	}
	st.x = c.g.newExchange()
	st.x.start(c, id)
	st.x.Begin(&in)
}

// settle forgets a stream that has ended in both directions.
func (c *muxConn) settle(st *muxStream) {
	if st.sentEnd && st.gotEnd {
		delete(c.streams, st.id)
	}
}

// drop ends a stream at once.
func (c *muxConn) drop(st *muxStream) {
	delete(c.streams, st.id)
	for _, p := range st.waiting {
		c.giveBack(p.token)
	}
	st.waiting = nil
	if x := st.x; x != nil {
		st.x = nil
		x.Cancel()
	}
}

func (c *muxConn) giveBack(token uint32) {
	if token != 0 {
		c.g.files.ReleaseToken(token)
	}
}

func (c *muxConn) gone() {
	c.dead = true
	for _, st := range c.streams {
		c.drop(st)
	}
	delete(c.m.conns, c.conn)
}

func (c *muxConn) drained() {
	c.full = false
	for _, st := range c.streams {
		c.pump(st)
		if st.x != nil && c.Room(st.x) > 0 {
			st.x.Writable()
		}
	}
}

// of is the stream of an exchange, nil if it has ended.
func (c *muxConn) of(x *Exchange) *muxStream {
	if st := c.streams[x.Stream]; st != nil && st.x == x {
		return st
	}
	return nil
}

// write appends a frame to the connection's output.
func (c *muxConn) write(id uint32, kind byte, body string) {
	b := make([]byte, muxHeadSize, muxHeadSize+len(body))
	binary.BigEndian.PutUint32(b, id)
	b[4] = kind
	binary.BigEndian.PutUint32(b[5:], uint32(len(body)))
	if !c.g.s.Append(c.conn, append(b, body...)) {
		c.m.w.t.Error("no buffer for a frame")
	}
}

func muxNumber(n int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }

func (c *muxConn) Want(x *Exchange, n int) {
	if st := c.of(x); st != nil && !st.gotEnd {
		st.credit += int64(n)
		c.write(st.id, muxWindow, muxNumber(n))
	}
}

// Queued has nothing to do: a connection ends with its client's side.
func (c *muxConn) Queued(*Exchange) bool { return true }

func (c *muxConn) Interim(x *Exchange, status int, block []byte) {
	if st := c.of(x); st != nil {
		c.write(st.id, muxInterim, strconv.Itoa(status)+"\n"+string(block))
	}
}

func (c *muxConn) Respond(x *Exchange, r *Response) {
	if st := c.of(x); st != nil {
		length := ""
		if r.Length >= 0 {
			length = "Content-Length: " + strconv.FormatInt(r.Length, 10) + "\r\n"
		}
		c.write(st.id, muxHead, strconv.Itoa(r.Status)+"\n"+string(r.Block)+length)
	}
}

// Tunnel is a head like any other: the stream goes on in both directions.
func (c *muxConn) Tunnel(x *Exchange, r *Response) {
	if st := c.of(x); st != nil {
		c.write(st.id, muxHead, strconv.Itoa(r.Status)+"\n"+string(r.Block)+"Protocol: "+string(r.Protocol)+"\r\n")
	}
}

// CloseWrite ends our direction of the stream only.
func (c *muxConn) CloseWrite(x *Exchange) {
	if st := c.of(x); st != nil {
		st.finished = true
		c.pump(st)
	}
}

func (c *muxConn) Prebuilt(x *Exchange, f *Fixed) {
	if c.of(x) == nil {
		return
	}
	c.Respond(x, &Response{Status: f.Status, Block: f.block, Length: int64(len(f.body))})
	if !x.HEAD() && len(f.body) > 0 {
		x.log.sent += int64(len(f.body))
		c.add(x, muxPiece{p: f.body, n: int64(len(f.body))})
	}
	c.Finish(x, nil)
}

func (c *muxConn) Content(x *Exchange, p []byte) {
	x.log.sent += int64(len(p))
	c.add(x, muxPiece{p: append([]byte(nil), p...), n: int64(len(p))})
}

// Frames have to be written around content: it cannot be piped.
func (c *muxConn) Pipes(*Exchange) bool { return false }
func (c *muxConn) Piped(*Exchange, int) { panic("mux: content was piped") }

func (c *muxConn) Memory(x *Exchange, addr uintptr, n int, token uint32) {
	// SAFETY: the memory is off-heap and stays until the token is given back.
	p := unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))), n)
	c.add(x, muxPiece{p: p, n: int64(n), token: token})
}

func (c *muxConn) File(x *Exchange, fd int32, off, n int64, token uint32) {
	c.add(x, muxPiece{fd: fd, off: off, n: n, token: token})
}

func (c *muxConn) add(x *Exchange, p muxPiece) {
	st := c.of(x)
	if st == nil {
		c.giveBack(p.token)
		return
	}
	st.waiting = append(st.waiting, p)
	st.queued += p.n
	c.pump(st)
}

// pump sends what the stream's window and the connection's output allow.
func (c *muxConn) pump(st *muxStream) {
	for len(st.waiting) > 0 && st.window > 0 && !c.full {
		p := &st.waiting[0]
		k := min(p.n, st.window, 4096)
		body := make([]byte, k)
		if p.p != nil {
			copy(body, p.p)
			p.p = p.p[k:]
		} else if got, err := unix.Pread(int(p.fd), body, p.off); err != nil || got != int(k) {
			c.m.w.t.Errorf("reading a file: %d of %d bytes, %v", got, k, err)
		}
		p.off += k
		c.write(st.id, muxData, string(body))
		st.window -= k
		st.queued -= k
		if p.n -= k; p.n == 0 {
			c.giveBack(p.token)
			st.waiting = st.waiting[1:]
		}
		if c.g.s.Queued(c.conn) >= muxOutput {
			c.full = true
			c.g.s.NotifyDrained(c.conn, muxOutput/4)
		}
	}
	if st.finished && len(st.waiting) == 0 && !st.sentEnd {
		st.sentEnd = true
		c.write(st.id, muxEnd, st.trailers)
		c.settle(st)
	}
}

func (c *muxConn) Finish(x *Exchange, trailers []byte) {
	st := c.of(x)
	if st == nil {
		return
	}
	st.finished, st.trailers = true, string(trailers)
	st.x = nil
	x.Done()
	c.pump(st)
}

func (c *muxConn) Reset(x *Exchange) {
	st := c.of(x)
	if st == nil {
		return
	}
	st.x = nil
	x.Done()
	c.write(st.id, muxReset, "")
	c.drop(st)
}

func (c *muxConn) Room(x *Exchange) int64 {
	st := c.of(x)
	if st == nil || c.full {
		return 0
	}
	return st.window - st.queued
}

func (c *muxConn) Peer() netip.AddrPort { return c.g.s.PeerAddr(c.conn) }

func (c *muxConn) Local() netip.AddrPort { return c.g.s.LocalAddr(c.conn) }
func (c *muxConn) Secure() bool          { return true }
func (c *muxConn) TLS() *tlsedge.Conn    { return nil }
func (c *muxConn) Listener() int         { return -1 }

// muxClient is the far end of a multiplexed connection.
type muxClient struct {
	*client
	in      []byte
	streams map[uint32]*muxExchange
	greedy  bool // the windows of responses are opened as they are used
}

// muxExchange is an exchange as the client sees it.
type muxExchange struct {
	c        *muxClient
	id       uint32
	credit   int
	left     string // content that is still to be sent
	hold     int    // how much of it is kept back
	trailers string
	sentEnd  bool

	interim, head, got, gotTrailers string
	ended, reset, cancelled         bool
}

func (w *world) muxClient() *muxClient {
	return &muxClient{client: w.client(), streams: map[uint32]*muxExchange{}, greedy: true}
}

func (c *muxClient) write(id uint32, kind byte, body string) {
	b := binary.BigEndian.AppendUint32(nil, id)
	b = append(b, kind)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	c.send(string(b) + body)
}

// request begins an exchange. kind is 'n' for no content, 'l' for content with
// a Content-Length, 'c' for content of unknown length, 't' for what a tunnel is to carry.
func (c *muxClient) request(line string, kind byte, content, trailers string) *muxExchange {
	return c.requestLine(line+req[:len(req)-2], kind, content, trailers)
}

// requestLine is request with the version and fields, but for the framing.
func (c *muxClient) requestLine(head string, kind byte, content, trailers string) *muxExchange {
	id := uint32(len(c.streams) + 1)
	e := &muxExchange{c: c, id: id, left: content, trailers: trailers, sentEnd: kind == 'n'}
	c.streams[id] = e
	head += "\r\n"
	switch kind {
	case 'l':
		head += "Content-Length: " + strconv.Itoa(len(content)) + "\r\n"
	case 'c':
		head += "Transfer-Encoding: chunked\r\n"
	}
	c.write(id, muxHead, string(kind)+head+"\r\n")
	return e
}

// work sends what may be sent and takes in what has come.
func (c *muxClient) work() {
	for id := range uint32(len(c.streams)) {
		c.streams[id+1].push()
	}
	if c.peer != nil {
		c.w.step()
	}
	c.poll()
	c.in = append(c.in, c.got...)
	c.got = nil
	for len(c.in) >= muxHeadSize {
		n := int(binary.BigEndian.Uint32(c.in[5:]))
		if len(c.in) < muxHeadSize+n {
			return
		}
		e := c.streams[binary.BigEndian.Uint32(c.in)]
		e.take(c.in[4], string(c.in[muxHeadSize:muxHeadSize+n]))
		c.in = c.in[muxHeadSize+n:]
	}
}

// push sends content as far as the gateway wants it.
func (e *muxExchange) push() {
	if e.sentEnd || e.reset {
		return
	}
	for e.credit > 0 && len(e.left) > e.hold {
		k := min(e.credit, len(e.left)-e.hold, 3000)
		e.c.write(e.id, muxData, e.left[:k])
		e.left = e.left[k:]
		e.credit -= k
	}
	if len(e.left) == 0 {
		e.sentEnd = true
		e.c.write(e.id, muxEnd, e.trailers)
	}
}

func (e *muxExchange) take(kind byte, body string) {
	t := e.c.w.t
	if e.cancelled {
		return // it was on its way
	}
	if e.ended || e.reset {
		t.Errorf("stream %d: a frame of type %d after the end", e.id, kind)
	}
	switch kind {
	case muxInterim:
		e.interim += body
	case muxHead:
		if e.head != "" {
			t.Errorf("stream %d has two heads", e.id)
		}
		e.head = body
	case muxData:
		if e.head == "" {
			t.Errorf("stream %d: content before the head", e.id)
		}
		e.got += body
		if e.c.greedy {
			e.c.write(e.id, muxWindow, muxNumber(len(body)))
		}
	case muxEnd:
		e.ended, e.gotTrailers = true, body
	case muxReset:
		e.reset = true
	case muxWindow:
		e.credit += int(binary.BigEndian.Uint32([]byte(body)))
	}
}

// open lets n more bytes of the response come.
func (e *muxExchange) open(n int) { e.c.write(e.id, muxWindow, muxNumber(n)) }

// cancel resets the stream.
func (e *muxExchange) cancel() {
	e.reset, e.cancelled = true, true
	e.c.write(e.id, muxReset, "")
}

// until works until f is true.
func (c *muxClient) until(t testing.TB, what string, f func() bool) {
	t.Helper()
	for n := 0; !f(); n++ {
		if n > turns || c.ended {
			t.Fatalf("in vain until %s (ended %t, seed %d); %+v", what, c.ended, c.w.seed, c.w.s.Stats())
		}
		c.work()
	}
}

// finish works until all the exchanges have ended.
func (c *muxClient) finish(t testing.TB) {
	t.Helper()
	c.until(t, "all responses have come", func() bool {
		for _, e := range c.streams {
			if !e.ended && !e.reset || !e.sentEnd && !e.reset {
				return false
			}
		}
		return true
	})
}

// want compares the response.
func (e *muxExchange) want(t testing.TB, head, content, trailers string) {
	t.Helper()
	if e.head != head || e.got != content || e.gotTrailers != trailers || e.reset {
		t.Errorf("stream %d (reset %t, seed %d): %q %s %q, want %q %s %q", e.id, e.reset, e.c.w.seed, e.head, brief(e.got), e.gotTrailers, head, brief(content), trailers)
	}
}
