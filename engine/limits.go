package engine

import "time"

// Limits bounds what one shard may hold. Every queue, table and buffer of the
// engine has its bound here, with what happens at the bound.
type Limits struct {
	// Connections is the size of the connection table, clients and upstreams
	// together. At the bound the shard stops accepting (new clients wait in
	// the listen backlog) and Connect fails with EMFILE.
	Connections int

	// Clients is how many accepted connections may be open. At the bound the
	// shard stops accepting until one closes; the rest of the table stays
	// available to upstream connections. 0 means as many as Connections.
	Clients int

	// SmallBuffers and LargeBuffers bound the buffers of 4 KiB and 72 KiB. As
	// they become scarce (see Shard.Pressure) protocols hold less for each
	// connection; at the bound an append fails, and the protocol ends that
	// exchange. The last sixteenth is not for content, and a few of those are
	// kept for receiving.
	SmallBuffers int
	LargeBuffers int

	// Pipes is how many pipes there may be, of two descriptors and at most
	// pipeBytes each. At the bound content is received into buffers. 0 means
	// maxPipes.
	Pipes int
}

// DefaultLimits are the limits of a shard whose configuration says nothing.
var DefaultLimits = Limits{
	Connections:  32768,
	Clients:      16384,
	SmallBuffers: 65536, // 256 MiB
	LargeBuffers: 4096,  // 288 MiB
}

const (
	// SmallBuffer and LargeBuffer are the two buffer sizes, in bytes.
	SmallBuffer = 4 << 10
	LargeBuffer = 72 << 10

	// recvSmall is how many small buffers the kernel may fill ahead of the
	// loop. A larger ring walks through cold cache; at the bound the kernel
	// reports ENOBUFS and the receive is armed again at the end of the turn.
	recvSmall = 256

	// recvLarge is the same for the bulk receives of message bodies.
	recvLarge = 32

	// pipeBytes is how much one pipe should hold, maxPipes how many a shard
	// has at the most, and idlePipes how many of them are kept. A user without
	// privileges may have 64 MiB of pipes in all; beyond that they hold 64 KiB
	// or less.
	pipeBytes = 256 << 10
	maxPipes  = 256
	idlePipes = 32

	// pipeRest is how long no pipe is asked for after there was none.
	pipeRest = 50 * time.Millisecond

	// sendVectors is how many queued pieces one write gathers; more wait for
	// the next write.
	sendVectors = 16

	// sendBytes bounds one write, so that a slow peer's progress stays
	// visible and one connection cannot occupy a turn.
	sendBytes = 512 << 10

	// sealedBytes is how much of a connection's output is sealed by its transform
	// ahead of what the socket has taken, while buffers are plenty.
	sealedBytes = 256 << 10

	// turnBytes bounds what one connection may move by direct system calls
	// in one turn; the rest waits for the next turn, behind the others. Taking
	// turns at this size keeps the peers' receivers busy, and costs less than
	// filling one socket after the other.
	turnBytes = 512 << 10

	// relayCopy is up to how many bytes Relay copies instead of holding on
	// to the receive buffer: a copy of this size costs less than a further
	// piece in the write.
	relayCopy = 2 << 10

	// keptBuffers is how many buffers of each size are kept for receiving when
	// all others are in use.
	keptBuffers = 16

	// unsentBytes is how many bytes the kernel takes of a connection beyond
	// what is on its way to the peer. Without a bound it would be megabytes
	// for each client that does not read.
	unsentBytes = 256 << 10

	// unboundFile is from how many bytes of a file on that bound is lifted while
	// they are sent, or raised to unsentSealed if a transform changes them, and
	// maxUnbound for how many connections of a shard at the same time. The
	// others' files are sent within it.
	unboundFile  = 1 << 20
	unsentSealed = 1 << 20
	maxUnbound   = 256

	// readsPerTurn bounds how often one connection is read in one turn, where
	// the loop asks for each read.
	readsPerTurn = 4

	// flushEvery is after how many completions of one turn the loop submits
	// what is queued: answers leave while the rest is still being handled.
	flushEvery = 64

	// directBatch is up to how many completions in a turn are answered by
	// send(2) at once instead of a queued SEND.
	directBatch = 1

	// inboxSlots bounds the work other goroutines have handed to a shard;
	// Post reports false at the bound.
	inboxSlots = 1024

	// lingerTime and lingerBytes bound how long and how much the engine
	// reads and discards after it closed its own side, so that the peer can
	// read the last answer before a reset destroys it (RFC 9112, 9.6). At the
	// first the connection is closed, unless the peer is still reading that
	// answer; at the second reading stops. As much is read and discarded
	// while the answer is being sent.
	lingerTime  = 2 * time.Second
	lingerBytes = 1 << 20

	// closeTime bounds how long a closing connection may go without its peer
	// acknowledging some of what is still queued.
	closeTime = 30 * time.Second

	// acceptRetry is how long accepting rests after the process or the
	// system ran out of descriptors or memory.
	acceptRetry = 50 * time.Millisecond

	// listenBacklog is asked of the kernel; net.core.somaxconn caps it.
	listenBacklog = 16384
)
