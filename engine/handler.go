package engine

import "time"

// Handler is what a shard calls. All functions run on the shard's thread, are
// called one at a time, and must not block. A nil function is not called.
type Handler struct {
	// Accepted announces a client's connection on the listener with that id.
	// Receiving is on.
	Accepted func(c Conn, listener int)

	// Received hands over bytes, borrowed until it returns.
	Received func(c Conn, p []byte)

	// Piped says that n bytes were received as ReceivePiped asked for:
	// RelayPiped passes them on, if it is called before Piped returns.
	Piped func(c Conn, n int)

	// EOF says that the peer has closed its side; nothing more is received.
	// The connection stays until Close or Abort.
	EOF func(c Conn)

	// Connected says that a connection of Connect is established, or that the
	// transform of a connection, of an accepted one too, is ready.
	Connected func(c Conn)

	// Drained says that the queue has come down to what NotifyDrained named.
	// What it appends is written in the next turn.
	Drained func(c Conn)

	// Closed says that the connection has failed and is gone. It is not
	// called after Close or Abort.
	Closed func(c Conn, why Reason, errno Errno)

	// Timer says that the deadline of SetDeadline has passed.
	Timer func(c Conn)

	// Alarm says that the time of SetAlarm has come.
	Alarm func()

	// Released gives back the token of an AppendMemory or AppendFile, sent
	// or dropped. It comes in the middle of the engine's own work: it must
	// not append to, close or open connections.
	Released func(token uint32)

	// Absent says that n bytes from off of the file of an AppendFile with that
	// token are to be sent next, and are not in memory. They are to be read by
	// somebody who may wait for the disk, and Present is to be called then. It
	// comes where Released does, and reports false if nobody can be asked now.
	// Without it the shard itself waits for disks.
	Absent func(c Conn, fd int32, off, n int64, token uint32) bool

	// Message hands over what another goroutine has posted.
	Message func(m Message)

	// Stopped is called last, when Run is about to return. Connections that
	// were still open are gone without a call.
	Stopped func()

	// Turn is called once in each turn before anything else; Tick about once
	// a second.
	Turn func()
	Tick func()
}

// Message is work handed to a shard by Post.
type Message struct {
	Kind  uint32
	Arg   uint64
	Value any
}

// Config describes a shard.
type Config struct {
	ID      int
	CPU     int // core to pin the thread to; -1 does not pin
	Limits  Limits
	Backend Kind // IOUring or Epoll

	// Spin is for how long a shard may look again before it sleeps; 0 is off.
	Spin time.Duration

	// Present stands in for the kernel where it is asked whether a part of a
	// file is in memory; for tests.
	Present func(fd int32, off, n int64) bool
}

// Kind names a backend.
type Kind uint8

// The backends.
const (
	Epoll Kind = iota + 1
	IOUring
	simulated
)

func (k Kind) String() string {
	switch k {
	case IOUring:
		return "io_uring"
	case Epoll:
		return "epoll"
	case simulated:
		return "simulated"
	}
	return "none"
}
