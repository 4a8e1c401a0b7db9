package engine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// SimPeer is the far end of a simulated connection, in the hands of a test.
type SimPeer struct {
	// FromShard is everything received so far.
	FromShard []byte
	// Window is how many bytes the peer takes in all; -1, the default, any
	// number. Raise it to let a blocked sender go on.
	Window int
	// GotEOF, Closed and WasReset tell what the shard did to its end.
	GotEOF, Closed, WasReset bool

	listener int
	conn     Conn
	toShard  []byte
	closed   bool
	reset    bool
	gone     bool
	late     bool // a pause came too late for one receive
	refuse   Errno
	flight   [][]byte
	inflight int  // bytes of it
	whole    bool // it cannot be sent in parts
	sum      uint64
}

// NewPeer makes a peer to return from OnDial.
func (m *Sim) NewPeer() *SimPeer { return &SimPeer{Window: -1} }

// Client connects a new peer to the listener with that id.
func (m *Sim) Client(listener int) *SimPeer {
	p := m.NewPeer()
	p.listener = listener
	m.backlog = append(m.backlog, p)
	return p
}

// Write sends bytes to the shard.
func (p *SimPeer) Write(b []byte) { p.toShard = append(p.toShard, b...) }

// Unread is how many bytes the shard has not received yet.
func (p *SimPeer) Unread() int { return len(p.toShard) }

// CloseWrite ends what the peer sends.
func (p *SimPeer) CloseWrite() { p.closed = true }

// Reset makes the connection fail.
func (p *SimPeer) Reset() { p.reset = true }

// Refuse makes a connection that is being established fail.
func (p *SimPeer) Refuse(e Errno) { p.refuse = e }

// Gone reports whether the connection ended in a reset by this peer.
func (p *SimPeer) Gone() bool { return p.gone }

// bytesOf views an iovec's memory.
func bytesOf(v *unix.Iovec) []byte {
	// SAFETY: gather has filled v in from a segment, whose memory is
	// off-heap and stays until its bytes are consumed.
	return unsafe.Slice(v.Base, v.Len)
}
