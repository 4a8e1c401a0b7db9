package generate

import (
	"time"

	"golang.org/x/sys/unix"
)

// connection is one client connection and the exchange on it.
type connection struct {
	fd         int
	index      int32
	generation int32
	state      connectionState
	watched    uint32
	request    *line
	// sent counts the bytes of head and body that the kernel has taken.
	sent   int
	answer response
	// intended is when the schedule wanted the request sent.
	intended time.Duration
	// slow marks a slow client's connection, which moves only at its own pace.
	slow   bool
	moveAt time.Duration
}

type connectionState uint8

const (
	closed connectionState = iota
	connecting
	free
	sending
	receiving
)

// A slow client sends slowPiece bytes of its request, or reads slowGulp bytes of its answer, every slowPause: some
// 800 kB/s, a phone at the edge of its cell.
const (
	slowPiece = 24
	slowGulp  = 8 << 10
	slowPause = 10 * time.Millisecond
)

// send moves request bytes until they are gone, the kernel's buffer is full, or a slow client has had its turn.
func (c *connection) send(body []byte) (done bool, err error) {
	for c.sent < c.request.total() {
		flags := unix.MSG_NOSIGNAL
		var piece []byte
		if c.sent < len(c.request.head) {
			piece = c.request.head[c.sent:]
			if c.request.Body > 0 {
				flags |= unix.MSG_MORE
			}
		} else {
			piece = body[:min(len(body), c.request.total()-c.sent)]
		}
		if c.slow {
			piece = piece[:min(len(piece), slowPiece)]
		}
		n, err := unix.SendmsgN(c.fd, piece, nil, nil, flags)
		if err == unix.EAGAIN {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		c.sent += n
		if c.slow {
			break
		}
	}
	return c.sent == c.request.total(), nil
}
