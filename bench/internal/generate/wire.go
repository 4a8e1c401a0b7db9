package generate

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// wire is a blocking descriptor with timeouts of its own, as crypto/tls wants to see it. Whoever opened it closes it: a
// connection that is to stay idle outlives the state that TLS has on this side, which is not what is measured.
type wire int

// Read returns io.EOF when the server has closed the connection.
func (w wire) Read(buffer []byte) (int, error) {
	for {
		n, err := unix.Read(int(w), buffer)
		switch {
		// A socket with a timeout is not restarted after one of the runtime's signals.
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return 0, fmt.Errorf("no answer within %v", exchangePatience)
		case err != nil:
			return 0, err
		case n == 0 && len(buffer) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// Write writes all of data.
func (w wire) Write(data []byte) (int, error) {
	written := 0
	for written < len(data) {
		n, err := unix.SendmsgN(int(w), data[written:], nil, nil, unix.MSG_NOSIGNAL)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}

// Close does nothing, as said above.
func (w wire) Close() error { return nil }

// LocalAddr is of no interest to anybody, and neither is RemoteAddr.
func (w wire) LocalAddr() net.Addr { return nil }

// RemoteAddr is nil.
func (w wire) RemoteAddr() net.Addr { return nil }

var errNoDeadlines = errors.New("the descriptor has timeouts, no deadlines")

// SetDeadline is not supported, and neither are its two halves.
func (w wire) SetDeadline(time.Time) error { return errNoDeadlines }

// SetReadDeadline is not supported.
func (w wire) SetReadDeadline(time.Time) error { return errNoDeadlines }

// SetWriteDeadline is not supported.
func (w wire) SetWriteDeadline(time.Time) error { return errNoDeadlines }
