package generate

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// ErrWrong marks a complete answer that is not the expected one.
var ErrWrong = errors.New("wrong answer")

// exchangePatience bounds each blocking step of a single exchange.
const exchangePatience = 5 * time.Second

// Exchange sends one request on a connection of its own and judges the answer.
func Exchange(address string, request Request) error {
	to, err := sockaddr(address)
	if err != nil {
		return err
	}
	fd, err := dial(to, nil)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = exchange(fd, &request, make([]byte, 64<<10))
	return err
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
	}
	if source != nil {
		steps = append(steps, func() error { return bindSource(fd, source) })
	}
	steps = append(steps, func() error { return unix.Connect(fd, to) })
	for _, step := range steps {
		if err := step(); err != nil {
			_ = unix.Close(fd)
			return -1, err
		}
	}
	return fd, nil
}

// exchange sends a request on a blocking descriptor and reads the answer to its end.
func exchange(fd int, request *Request, buffer []byte) (response, error) {
	message := append([]byte(request.Head), make([]byte, request.Body)...)
	for len(message) > 0 {
		n, err := unix.SendmsgN(fd, message, nil, nil, unix.MSG_NOSIGNAL)
		// A socket with a timeout is not restarted after one of the runtime's signals.
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return response{}, err
		}
		message = message[n:]
	}
	var answer response
	for done := false; !done; {
		n, err := unix.Read(fd, buffer)
		if err == unix.EINTR {
			continue
		}
		if err == unix.EAGAIN {
			return response{}, fmt.Errorf("no answer within %v", exchangePatience)
		}
		if err != nil {
			return response{}, err
		}
		if n == 0 {
			return response{}, errors.New("the server closed the connection before its answer was complete")
		}
		if done, err = answer.feed(buffer[:n]); err != nil {
			return response{}, err
		}
	}
	if answer.status != request.Status {
		return response{}, fmt.Errorf("%w: status %d, not %d", ErrWrong, answer.status, request.Status)
	}
	if request.Length >= 0 && answer.length != request.Length {
		return response{}, fmt.Errorf("%w: %d bytes of content, not %d", ErrWrong, answer.length, request.Length)
	}
	return answer, nil
}
