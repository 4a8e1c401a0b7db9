package tlsedge

import (
	"errors"

	"github.com/anygate/anygate/engine"
)

// Received bytes that cannot be processed yet lie in a buffer of the shard's: the
// beginning of a record, or what came before a handshake could go on.

var (
	errNoBuffers = errors.New("the shard has no buffer left")
	errHTTP      = errors.New("HTTP without TLS")
	errNoTLS     = errors.New("the first bytes are not those of TLS")
	errLongHello = errors.New("the ClientHello is too long")
	errUnread    = errors.New("the answers to requests for new keys are not taken")
)

// keptOut is up to how large the room for what crypto/tls says is kept.
const keptOut = 512

// holds is what is held.
func (c *Conn) holds() []byte { return c.edge.s.Bytes(c.held)[c.from:c.to] }

func (c *Conn) release() {
	if c.held != 0 {
		c.edge.s.ReleaseBuffer(c.held)
		c.held, c.from, c.to = 0, 0, 0
	}
}

// hold appends bytes to what is held. It reports false if there is no buffer, or
// what is held would be too much.
func (c *Conn) hold(p []byte) bool {
	if len(p) == 0 {
		return true
	}
	need := int(c.to-c.from) + len(p)
	if c.held == 0 && len(p) >= recordHead && c.phase == phaseLayer {
		need = max(need, recordLength(p))
	}
	if need > heldMost || !c.room(need) {
		return false
	}
	c.to += uint32(copy(c.edge.s.Bytes(c.held)[c.to:], p))
	return true
}

// room sees to it that what is held can grow to n bytes in one piece.
func (c *Conn) room(n int) bool {
	s := c.edge.s
	if c.held != 0 {
		b := s.Bytes(c.held)
		if int(c.from)+n <= len(b) {
			return true
		}
		if n <= len(b) {
			c.to = uint32(copy(b, b[c.from:c.to]))
			c.from = 0
			return true
		}
	}
	size := engine.SmallBuffer
	if n > size {
		size = engine.LargeBuffer
	}
	to := s.Buffer(size)
	if to == 0 {
		return false
	}
	k := 0
	if c.held != 0 {
		k = copy(s.Bytes(to), c.holds())
		s.ReleaseBuffer(c.held)
	}
	c.held, c.from, c.to = to, 0, uint32(k)
	return true
}

// complete brings the first record of what is held to its end, with bytes of in, of
// which it uses n. The record is nil while it is incomplete.
func (c *Conn) complete(in []byte) (record []byte, n int, err error) {
	if k := recordHead - int(c.to-c.from); k > 0 {
		n = min(k, len(in))
		if !c.hold(in[:n]) {
			return nil, n, errNoBuffers
		}
		if n < k {
			return nil, n, nil
		}
	}
	size := recordLength(c.holds())
	if size < 0 {
		return nil, n, sentAlert(-size)
	}
	if k := size - int(c.to-c.from); k > 0 {
		k = min(k, len(in)-n)
		if !c.room(size) || !c.hold(in[n:n+k]) {
			return nil, n, errNoBuffers
		}
		n += k
		if int(c.to-c.from) < size {
			return nil, n, nil
		}
	}
	record = c.holds()[:size:size]
	c.from += uint32(size)
	return record, n, nil
}
