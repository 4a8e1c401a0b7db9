package tlsedge

import (
	"crypto/tls"
	"errors"
	"io"

	"github.com/anygate/anygate/engine"
)

var _ engine.Transform = (*Conn)(nil)

// phase is how far a connection has come.
type phase uint8

const (
	phaseHello     phase = iota // the ClientHello is incomplete, or waits for its turn
	phaseHandshake              // the handshake is under way
	phaseLayer                  // records are made here
	phaseStd                    // records are made by crypto/tls
	phaseOver                   // nothing more is received
)

// Conn is the TLS of one connection.
type Conn struct {
	edge   *Edge
	name   engine.Conn
	server *Server // nil towards an upstream
	client *Client

	phase   phase
	ready   bool // the handshake has ended well
	closing bool // the closing words are to be said
	closed  bool // and have been
	ended   bool // the peer has closed its side
	waiting bool // in the line of handshakes to begin
	granted bool // its turn has come
	stuck   bool // the handshake waits for something else than bytes
	warm    bool // in the list of those with key schedules
	kernel  bool // the kernel makes what is sent
	alert   int16

	place    uint32     // in that line
	wanted   int32      // bytes without which the ClientHello cannot be complete
	held     engine.Buf // received, and incomplete or not to be processed yet
	from, to uint32
	said     int32  // bytes of tr.out that have been said
	burst    int32  // bytes sealed since the last pause
	fd       int32  // if the kernel makes what is sent
	used     int64  // when something was last sealed or opened
	words    []byte // what is to be said before there are keys
	layer    layer

	flight *flight    // of the handshake in progress
	tr     *transport // of tc
	tc     *tls.Conn  // phaseStd

	state State
	peer  *Peer
	err   error
}

// Ready reports whether the handshake has ended well.
func (c *Conn) Ready() bool { return c.ready }

// Open takes received bytes: see engine.Transform.
func (c *Conn) Open(in []byte) (plain []byte, n int, err error) {
	for {
		at, k := c.phase, 0
		switch at {
		case phaseHello:
			k, err = c.openHello(in[n:])
		case phaseHandshake:
			k, err = c.openHandshake(in[n:])
		case phaseLayer:
			plain, k, err = c.openLayer(in[n:])
		case phaseStd:
			plain, k, err = c.openStd(in[n:])
		default:
			c.release()
			return nil, len(in), nil
		}
		n += k
		if len(plain) > 0 || err != nil || c.phase == at {
			return plain, n, err
		}
	}
}

// openHello waits for a ClientHello, and for its turn.
func (c *Conn) openHello(in []byte) (n int, err error) {
	b := in
	if c.held != 0 {
		if !c.hold(in) {
			return len(in), c.fail(errNoBuffers, alertInternalError)
		}
		n, b = len(in), c.holds()
	}
	if !c.granted && !c.waiting && len(b) >= int(c.wanted) {
		g, more := greets(b)
		switch g {
		case greetingPart:
			c.wanted = int32(len(b) + more)
		case greetingHTTP:
			c.words = answerHTTP
			return len(in), c.end(errHTTP)
		case greetingJunk:
			return len(in), c.fail(errNoTLS, alertUnexpectedMessage)
		case greetingLong:
			return len(in), c.fail(errLongHello, alertDecodeError)
		case greetingHello:
			c.edge.queue(c)
		}
	}
	if !c.granted || c.client == nil && !c.edge.begins(c) {
		if c.held == 0 && !c.hold(in) {
			return len(in), c.fail(errNoBuffers, alertInternalError)
		}
		return len(in), nil
	}
	f := c.edge.begin(c)
	c.granted = false
	if c.client != nil {
		f.tc = tls.Client(f.tr, c.edge.clientConfig(c.client))
	} else {
		c.edge.began()
		f.tc = tls.Server(f.tr, c.edge.serverConfig(c.server))
	}
	c.flight, c.tr, c.phase = f, f.tr, phaseHandshake
	// What was held is taken from there, and what has just come from where it is.
	return n, nil
}

// openHandshake goes on with the handshake.
func (c *Conn) openHandshake(in []byte) (n int, err error) {
	if c.flight.crowded {
		return len(in), c.crowdedOut()
	}
	if c.stuck && len(in) > 0 {
		if !c.hold(in) {
			return len(in), c.fail(errNoBuffers, alertInternalError)
		}
		return len(in), nil
	}
	b := in
	if c.held != 0 {
		if !c.hold(in) {
			return len(in), c.fail(errNoBuffers, alertInternalError)
		}
		n, b = len(in), c.holds()
	}
	f := c.flight
	said := len(c.tr.out)
	c.tr.in, c.stuck = b, false
	c.edge.run(f)
	left := len(c.tr.in)
	c.tr.in = nil
	if c.held != 0 {
		c.from = c.to - uint32(left)
		if left == 0 {
			c.release()
		}
	} else {
		n = len(in) - left
	}
	if f.done {
		c.edge.patients.leave(f)
		return n, c.established(f)
	}
	c.edge.waits(f, said)
	if left > 0 && c.held == 0 {
		if !c.hold(in[n:]) {
			return len(in), c.fail(errNoBuffers, alertInternalError)
		}
		n = len(in)
	}
	return n, nil
}

// established looks at the outcome of a handshake.
func (c *Conn) established(f *flight) error {
	e := c.edge
	if f.err != nil {
		e.stats.Failed++
		return c.end(f.err)
	}
	st := f.tc.ConnectionState()
	c.ready = true
	c.state = State{
		Version: st.Version, Suite: st.CipherSuite, Group: st.CurveID, Protocol: st.NegotiatedProtocol,
		ServerName: st.ServerName, Resumed: st.DidResume, ECH: st.ECHAccepted, terms: f.config,
	}
	if len(st.PeerCertificates) > 0 {
		c.peer = newPeer(&st)
	}
	e.stats.Handshakes++
	if st.DidResume {
		e.stats.Resumed++
	}
	c.touch()
	s := suiteOf(st.CipherSuite)
	k := &f.secrets
	if c.server == nil || st.Version != tls.VersionTLS13 || s == nil || f.long || k.clientLen != s.size || k.serverLen != s.size || e.plainStd {
		c.tc, c.phase = f.tc, phaseStd
		c.flight = nil
		e.land(f, true)
		return nil
	}
	// From here on the tls.Conn is not needed: the client's next record is the
	// first under its key, and ours follows those of the tickets.
	c.layer.start(s, k.server[:s.size], k.client[:s.size])
	c.layer.tx.seq = uint64(f.tickets)
	c.phase = phaseLayer
	f.tc = nil
	if len(c.tr.out) == 0 {
		c.land()
	}
	return nil
}

// land lets go of the coroutine of a handshake, and of what it has said.
func (c *Conn) land() {
	f := c.flight
	c.flight, c.tr, c.said = nil, nil, 0
	c.edge.land(f, false)
	c.edge.grant()
	c.offer()
}

// openLayer opens the next record.
func (c *Conn) openLayer(in []byte) (plain []byte, n int, err error) {
	if c.held != 0 && c.from == c.to {
		c.release() // its content has been taken
	}
	c.touch()
	if len(in) == 0 && c.held == 0 && c.due() {
		return nil, 0, io.EOF
	}
	for {
		var record []byte
		if c.held == 0 {
			b := in[n:]
			size := 0
			if len(b) >= recordHead {
				if size = recordLength(b); size < 0 {
					return nil, len(in), c.refuse(sentAlert(-size))
				}
			}
			if size == 0 || size > len(b) {
				if len(b) > 0 && !c.hold(b) {
					return nil, len(in), c.refuse(sentAlert(alertInternalError))
				}
				return nil, len(in), nil
			}
			record = b[:size:size]
			n += size
		} else {
			var k int
			record, k, err = c.complete(in[n:])
			n += k
			if record == nil {
				if err != nil {
					err = c.refuse(err)
				}
				return nil, n, err
			}
		}
		content, kind, alert := c.layer.open(record)
		if alert != 0 {
			return nil, len(in), c.refuse(sentAlert(alert))
		}
		data, over, err := c.layer.take(content, kind)
		switch {
		case err != nil:
			return nil, len(in), c.refuse(err)
		case over:
			c.ended, c.phase = true, phaseOver
			return nil, len(in), io.EOF
		case len(data) > 0:
			return data, n, nil
		}
		if c.held != 0 && c.from == c.to {
			c.release()
		}
	}
}

// refuse ends a connection with keys, for an error of its peer's.
func (c *Conn) refuse(err error) error {
	if a, ok := err.(sentAlert); ok {
		c.alert = int16(a)
	}
	return c.end(err)
}

// fail ends a connection without keys, with an alert.
func (c *Conn) fail(err error, alert byte) error {
	if c.phase == phaseHandshake {
		// What crypto/tls has written must not be mixed with what it has not.
		return c.end(err)
	}
	c.words = plainAlert(alert)
	return c.end(err)
}

// end is the end of what is received.
func (c *Conn) end(err error) error {
	c.err, c.phase, c.closed = err, phaseOver, true
	return err
}

// openStd opens the next record by crypto/tls.
func (c *Conn) openStd(in []byte) (plain []byte, n int, err error) {
	if len(in) == 0 && c.held == 0 {
		// There is room in scratch for a whole record, so crypto/tls holds no content.
		return nil, 0, nil
	}
	c.touch()
	b := in
	if c.held != 0 {
		// Left over from the handshake.
		if !c.hold(in) {
			return nil, len(in), c.end(errNoBuffers)
		}
		n, b = len(in), c.holds()
	}
	c.tr.in = b
	k, err := c.tc.Read(c.edge.scratch)
	left := len(c.tr.in)
	c.tr.in = nil
	if c.held != 0 {
		if c.from = c.to - uint32(left); left == 0 {
			c.release()
		}
	} else {
		n = len(in) - left
	}
	if len(c.tr.out)-int(c.said) > unsaidMost {
		c.tr.out, c.said = nil, 0
		return nil, len(in), c.end(errUnread)
	}
	if k > 0 {
		return c.edge.scratch[:k], n, nil
	}
	switch {
	case err == nil || errors.Is(err, errWouldBlock):
		return nil, n, nil
	case errors.Is(err, io.EOF):
		c.ended, c.phase = true, phaseOver
		return nil, len(in), io.EOF
	}
	return nil, len(in), c.end(err)
}

// Next says what comes next: see engine.Transform.
func (c *Conn) Next(waiting int) int {
	switch {
	case c.kernel:
		return c.nextOfKernel()
	case len(c.words) > 0 || c.tr != nil && len(c.tr.out) > int(c.said):
		return -1
	case !c.ready:
		return 0
	case c.alert != 0 || c.layer.update && !c.closed:
		return -1
	case c.closed:
		return 0
	case waiting > 0:
		return min(waiting, c.recordSize())
	case c.closing:
		return -1
	}
	return 0
}

// recordSize is how much content the next record takes at the most.
func (c *Conn) recordSize() int {
	c.touch()
	switch {
	case c.burst >= mediumBurst:
		return recordContent
	case c.burst >= smallBurst:
		return mediumRecord
	}
	return smallRecord
}

// touch notes that the connection is in use; after a pause a burst begins.
func (c *Conn) touch() {
	now := c.edge.s.Now()
	if now-c.used > int64(burstPause) {
		c.burst = 0
	}
	if c.used = now; !c.warm {
		c.warm = true
		c.edge.warmed(c)
	}
}

// Seal makes a record of content: see engine.Transform.
func (c *Conn) Seal(dst, content []byte) (m int, err error) {
	c.burst = min(c.burst+int32(len(content)), mediumBurst)
	if c.tc == nil {
		return c.layer.sealOf(dst, content, typeApplicationData), nil
	}
	c.tr.record = dst
	_, err = c.tc.Write(content)
	m = len(dst) - len(c.tr.record)
	c.tr.record = nil
	return m, err
}

// Say writes what there is to be said beside content.
func (c *Conn) Say(dst []byte) int {
	switch {
	case c.kernel:
		return c.sayToKernel(dst)
	case len(c.words) > 0:
		n := copy(dst, c.words)
		c.words = c.words[n:]
		return n
	case c.tr != nil && len(c.tr.out) > int(c.said):
		n := copy(dst, c.tr.out[c.said:])
		switch c.said += int32(n); {
		case int(c.said) == len(c.tr.out):
			c.quiet()
		case c.said > unsaidMost:
			// It never comes to an end, so its beginning is forgotten from time to time.
			c.tr.out, c.said = c.tr.out[:copy(c.tr.out, c.tr.out[c.said:])], 0
		}
		return n
	case c.alert != 0:
		n := c.layer.sealAlert(dst, alertFatal, byte(c.alert))
		c.alert = 0
		return n
	case c.layer.update:
		return c.layer.sealUpdate(dst)
	}
	c.closing, c.closed = false, true
	if c.tc == nil {
		return c.layer.sealAlert(dst, alertWarning, alertCloseNotify)
	}
	c.tr.record = dst
	_ = c.tc.CloseWrite()
	n := len(dst) - len(c.tr.record)
	c.tr.record = nil
	return n
}

// quiet follows the last byte of what crypto/tls had to say.
func (c *Conn) quiet() {
	c.said = 0
	if cap(c.tr.out) > keptOut && c.flight == nil {
		c.tr.out = nil
	} else {
		c.tr.out = c.tr.out[:0]
	}
	if c.flight != nil && c.flight.done {
		c.land()
	}
}

// Close has the closing words said behind the content that waits.
func (c *Conn) Close() { c.closing = true }

// Drop gives up what the connection has of its shard.
func (c *Conn) Drop() {
	c.release()
	c.phase, c.closed, c.ready, c.words = phaseOver, true, false, nil
	e := c.edge
	if f := c.flight; f != nil {
		c.flight, c.tr = nil, nil
		e.abort(f)
		e.grant()
	}
	e.leave(c)
	c.layer = layer{}
	c.tc, c.tr = nil, nil
	e.forget(c)
}

// rest drops what can be made anew of a connection that has been silent for some
// time, or is gone. It reports whether there is nothing to drop any more.
func (c *Conn) rest(now, after int64) bool {
	if now-c.used <= after && c.phase != phaseOver {
		return false
	}
	c.warm = false
	c.layer.rest()
	return true
}

// Feed takes bytes that were received before the connection came under TLS. It
// reports false if there are too many.
func (c *Conn) Feed(p []byte) bool {
	if !c.hold(p) {
		return false
	}
	c.edge.s.Nudge(c.name)
	return true
}
