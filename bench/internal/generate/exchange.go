package generate

import (
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// ErrWrong marks a complete answer that is not the expected one.
var ErrWrong = errors.New("wrong answer")

// exchangePatience bounds each blocking step of a single exchange.
const exchangePatience = 5 * time.Second

// Exchange sends one request on a connection of its own, over TLS unless secure is nil, judges the answer, and returns the
// length of its content.
func Exchange(address string, request Request, secure *Secure) (int64, error) {
	to, err := sockaddr(address)
	if err != nil {
		return 0, err
	}
	fd, err := dial(to, nil)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	stream, err := secure.over(wire(fd))
	if err != nil {
		return 0, err
	}
	answer, err := exchange(stream, &request, make([]byte, 64<<10))
	return answer.length, err
}

// dial opens a blocking connection, from a local address of choice unless source is nil.
func dial(to, source *unix.SockaddrInet4) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	patience := unix.NsecToTimeval(int64(exchangePatience))
	steps := []func() error{
		func() error { return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience) },
		func() error { return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &patience) },
		// TLS sends more than once in a row.
		func() error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) },
	}
	if source != nil {
		steps = append(steps, func() error { return bindSource(fd, source) })
	}
	steps = append(steps, func() error {
		err := unix.Connect(fd, to)
		// One of the runtime's signals ends the wait of a socket with a timeout, and not the connecting: it is waited for
		// again.
		for err == unix.EINTR {
			err = unix.Connect(fd, to)
		}
		return err
	})
	for _, step := range steps {
		if err := step(); err != nil {
			_ = unix.Close(fd)
			return -1, err
		}
	}
	return fd, nil
}

// exchange sends a request on a blocking stream and reads the answer to its end.
func exchange(stream io.ReadWriter, request *Request, buffer []byte) (response, error) {
	if _, err := stream.Write(append([]byte(request.Head), make([]byte, request.Body)...)); err != nil {
		return response{}, err
	}
	var answer response
	for done := false; !done; {
		n, err := stream.Read(buffer)
		if n > 0 {
			if done, err = answer.feed(buffer[:n]); err != nil {
				return response{}, err
			}
			continue
		}
		if err == io.EOF {
			return response{}, errors.New("the server closed the connection before its answer was complete")
		}
		if err != nil {
			return response{}, err
		}
	}
	switch {
	case answer.status != request.Status:
		return response{}, fmt.Errorf("%w: status %d, not %d", ErrWrong, answer.status, request.Status)
	case request.Length >= 0 && answer.length != request.Length:
		return response{}, fmt.Errorf("%w: %d bytes of content, not %d", ErrWrong, answer.length, request.Length)
	case request.Coded && !answer.coded:
		return response{}, fmt.Errorf("%w: %d bytes without a content coding", ErrWrong, answer.length)
	}
	return answer, nil
}
