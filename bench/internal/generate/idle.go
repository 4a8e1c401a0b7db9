package generate

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Idle is a set of keep-alive connections, each of which has had one answer and is left alone since.
type Idle struct {
	fds []int
}

// OpenIdle opens connections to a loopback address, from 127.0.1.1, 127.0.1.2 and so on in turn, over TLS unless secure is
// nil, and has one request answered on each, so that the server holds whatever a connection that has been used makes it hold.
func OpenIdle(address string, connections int, request Request, secure *Secure) (*Idle, error) {
	to, err := sockaddr(address)
	if err != nil {
		return nil, err
	}
	if !netip.AddrFrom4(to.Addr).IsLoopback() {
		return nil, fmt.Errorf("%s is not a loopback address", address)
	}
	idle := &Idle{fds: make([]int, 0, connections)}
	buffer := make([]byte, 64<<10)
	for i := range connections {
		if err := idle.open(to, sourceOf(i), &request, secure, buffer); err != nil {
			idle.Close()
			return nil, fmt.Errorf("connection %d of %d: %w", i+1, connections, err)
		}
	}
	return idle, nil
}

func (i *Idle) open(to, source *unix.SockaddrInet4, request *Request, secure *Secure, buffer []byte) error {
	fd, err := dial(to, source)
	if err != nil {
		return err
	}
	i.fds = append(i.fds, fd)
	stream, err := secure.over(wire(fd))
	if err != nil {
		return err
	}
	answer, err := exchange(stream, request, buffer)
	if err == nil && answer.closing {
		err = errors.New("the server announced the end of a keep-alive connection")
	}
	return err
}

// Alive counts the connections that the server has not closed.
func (i *Idle) Alive() int {
	alive := 0
	var one [1]byte
	for _, fd := range i.fds {
		_, _, err := unix.Recvfrom(fd, one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		if err == unix.EAGAIN {
			alive++
		}
	}
	return alive
}

// Close closes all connections.
func (i *Idle) Close() {
	for _, fd := range i.fds {
		_ = unix.Close(fd)
	}
	i.fds = nil
}
