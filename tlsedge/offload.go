package tlsedge

import (
	"slices"

	"github.com/anygate/anygate/engine"
)

var _ engine.Offloader = (*Conn)(nil)

// offer lets the kernel make the records of a connection that is sent, if that is
// wanted. The handshake is over, and nothing more of it is to be said.
func (c *Conn) offer() {
	if c.server == nil || c.server.Kernel == nil || c.phase != phaseLayer {
		return
	}
	if slices.Contains(c.server.Kernel.makes, c.layer.suite) {
		c.edge.s.Offload(c.name, c)
	}
}

// HandOver has the kernel make the records from here on: see engine.Offloader.
func (c *Conn) HandOver(fd int32) bool {
	e, tx := c.edge, &c.layer.tx
	info := c.layer.suite.info(&e.info, tx)
	err := c.server.Kernel.sockets.attach(fd, info)
	clear(info)
	if err != nil {
		e.stats.Unkernelled++
		return false
	}
	e.stats.Kernelled++
	// The key is the kernel's now. What remains is the number of the first record
	// that is not ours, and for how many sends it makes no difference how many
	// records there are.
	*tx = half{seq: tx.seq, left: looksApart}
	c.kernel, c.fd = true, fd
	return true
}

// Flushed compares what the connection has taken with what has been written to it: see
// engine.Offloader. If the kernel does not tell, the connection is past waiting for.
func (c *Conn) Flushed(sent uint64) (n uint64, ok bool) {
	records, err := c.records()
	if err != nil {
		return sent, true
	}
	taken, err := c.server.Kernel.sockets.taken(c.fd)
	return taken, err != nil || taken >= sent+records*recordOverhead
}

// records is how many records the kernel has made.
func (c *Conn) records() (uint64, error) {
	info := c.layer.suite.info(&c.edge.info, &half{})
	err := c.server.Kernel.sockets.next(c.fd, info)
	n := number(info) - c.layer.tx.seq
	clear(info) // it has held the key
	return n, err
}

// nextOfKernel is Next while the kernel makes the records of content.
func (c *Conn) nextOfKernel() int {
	switch {
	case c.alert != 0:
		return -1
	case c.closed:
		return 0
	case c.closing:
		return -1
	}
	c.spend()
	return 0
}

// spend looks from time to time at how long the kernel's key has been in use. Few
// kernels can go on with another key, so that the connection ends when its time has
// come.
func (c *Conn) spend() {
	tx := &c.layer.tx
	if tx.left--; tx.left > 0 {
		return
	}
	tx.left = looksApart
	if n, err := c.records(); err == nil && n >= c.layer.suite.records && c.phase == phaseLayer {
		c.layer.update = true
		c.edge.s.Nudge(c.name)
	}
}

// due reports whether the key that the kernel sends with has to be replaced, because
// of its age, or because the peer has asked for it (RFC 8446, section 4.6.3). The
// protocol is told that the peer has ended its side, behind all that has come: it
// answers that, and ends the connection in order.
func (c *Conn) due() bool {
	if !c.kernel || !c.layer.update {
		return false
	}
	c.layer.update = false
	c.phase = phaseOver
	c.edge.stats.Spent++
	return true
}

// sayToKernel writes the type of a record, and what it holds.
func (c *Conn) sayToKernel(dst []byte) int {
	dst[0], dst[1], dst[2] = typeAlert, alertWarning, alertCloseNotify
	if c.alert != 0 {
		dst[1], dst[2] = alertFatal, byte(c.alert)
		c.alert = 0
	} else {
		c.closing, c.closed = false, true
	}
	return 3
}
