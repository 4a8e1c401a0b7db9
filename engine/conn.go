package engine

import (
	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine/offheap"
)

// Conn names a connection of a shard: its place in the table in the low 32
// bits, the generation of that place in the 24 bits above. A name outlives
// its connection harmlessly: every call on it then does nothing.
type Conn uint64

// NoConn names no connection.
const NoConn Conn = 0

const genMask = 1<<24 - 1

func makeConn(index, gen uint32) Conn { return Conn(gen&genMask)<<32 | Conn(index) }

func (c Conn) index() uint32 { return uint32(c) }
func (c Conn) gen() uint32   { return uint32(c>>32) & genMask }

// Index is the connection's place in the shard's table, below
// Limits.Connections, for protocols that keep records in a parallel array.
func (c Conn) Index() uint32 { return uint32(c) }

type connFlags uint32

const (
	flagOpen       connFlags = 1 << iota // the slot is in use
	flagClient                           // accepted, not connected
	flagConnecting                       // connect(2) has not completed
	flagWanted                           // the protocol wants to receive
	flagBulk                             // receive into large buffers, one at a time
	flagEOF                              // the peer has closed its side
	flagDirty                            // in the dirty list
	flagClosing                          // Close was asked: shut down when the queue is empty
	flagQuiet                            // and then close at once: the peer has nothing to say
	flagShut                             // our side is shut down; reading to discard
	flagDead                             // the protocol has been told, or does not want to know
	flagReset                            // close by RST
	flagNotify                           // Drained is wanted
	flagFilter                           // a Transform stands between socket and protocol
	flagMute                             // the peer takes nothing more; what it said is still being received
	flagHalf                             // CloseWrite was asked
	flagListed                           // epoll: in the list of connections to read again
	flagReadable                         // epoll: the socket may have bytes
	flagHup                              // epoll: the peer has closed, read to the end
	flagRefill                           // io_uring: in the list of receives to arm again
	flagPiped                            // what comes is received into a pipe
	flagAbsent                           // what is to be sent next is not in memory; see resident.go
	flagUnbound                          // the bound on unsent bytes is lifted; see unsent.go
	flagKernel                           // the kernel makes the transform's records; see offload.go

	flagRecvArmed // io_uring: a receive is in the kernel
	flagMulti     // io_uring: it is a multishot one
	flagCancel    // io_uring: its cancellation is in the kernel
	flagSending   // io_uring: a send is in the kernel
	flagClosed    // io_uring: the descriptor is closed by the kernel's queue
	flagFinishing // io_uring: waiting for the kernel to let go
	flagPollOut   // a wait for writability is armed

	flagsInKernel = flagRecvArmed | flagSending | flagPollOut
)

// conn is the engine's record of a connection. It holds no Go pointer; the
// table lies outside the Go heap. It is one cache line, and the only memory of
// the engine's that a request on a connection touches for its sake: with many
// connections that line is far away when their turn comes.
type conn struct {
	q        queue
	user     uint64
	sent     uint64 // bytes handed to the kernel since the connection opened
	deadline int64  // shard clock, ns; 0 none. If there is one, the connection is in the wheel, no later.
	fd       int32
	gen      uint32
	flags    connFlags
	discard  uint32 // bytes discarded while lingering; of a free slot, the next one
}

func (c *conn) has(f connFlags) bool { return c.flags&f != 0 }

// alive reports whether the protocol still owns the connection.
func (c *conn) alive() bool { return c.flags&(flagOpen|flagDead) == flagOpen }

// table is the shard's connections.
type table struct {
	conns []conn
	free  uint32 // first free slot that was used before, 0 none
	made  uint32 // slots ever used; slot 0 is "none"
	open  int
}

func (t *table) init(n int) (err error) {
	t.conns, err = offheap.Slice[conn](n + 1)
	t.made = 1
	return err
}

// take returns a fresh slot, or 0 when the table is full.
func (t *table) take() uint32 {
	i := t.free
	if i != 0 {
		t.free = t.conns[i].discard
	} else {
		if int(t.made) == len(t.conns) {
			return 0
		}
		i = t.made
		t.made++
	}
	gen := t.conns[i].gen
	if gen&genMask == 0 {
		gen++ // generation 0 would make a Conn that equals NoConn's
	}
	t.conns[i] = conn{gen: gen, flags: flagOpen, fd: -1}
	t.open++
	return i
}

// give frees a slot and makes all its names stale.
func (t *table) give(i uint32) {
	c := &t.conns[i]
	c.flags = 0
	c.gen++
	c.fd = -1
	c.discard = t.free
	t.free = i
	t.open--
}

// get resolves a name, nil if the connection is gone for the protocol.
func (s *Shard) get(c Conn) *conn {
	r := &s.conns[c.index()]
	if r.gen&genMask != c.gen() || !r.alive() {
		return nil
	}
	return r
}

func (s *Shard) name(i uint32) Conn { return makeConn(i, s.conns[i].gen) }

// Reason says why a connection ended.
type Reason uint8

// The reasons of a Closed call.
const (
	// ReasonPeer: reset by the peer, or a broken pipe.
	ReasonPeer Reason = iota + 1
	// ReasonConnect: the connection could not be established.
	ReasonConnect
	// ReasonFile: a file ended before the bytes promised of it.
	ReasonFile
	// ReasonTransform: the transform refused the bytes.
	ReasonTransform
	// ReasonMemory: the shard has no buffer left.
	ReasonMemory
)

// String is the reason's stable code.
func (r Reason) String() string {
	switch r {
	case ReasonPeer:
		return "reset"
	case ReasonConnect:
		return "connect"
	case ReasonFile:
		return "file_truncated"
	case ReasonTransform:
		return "transform"
	case ReasonMemory:
		return "no_buffers"
	}
	return "none"
}

// Errno is a system call's error number; 0 is success.
type Errno = unix.Errno
