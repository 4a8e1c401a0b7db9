package proc

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are picked below the range from which the kernel takes the local ports of outgoing connections (32768 on), so
// that a load generator's own connection cannot hold the port between the check and the server's bind.
const (
	firstPort = 20000
	lastPort  = 32000
)

// FreePort returns a TCP port on which nothing listens.
func FreePort() (int, error) {
	const attempts = 200
	for range attempts {
		port := firstPort + rand.IntN(lastPort-firstPort)
		listener, err := net.Listen("tcp4", ":"+strconv.Itoa(port))
		if err != nil {
			continue
		}
		if err := listener.Close(); err != nil {
			return 0, err
		}
		return port, nil
	}
	return 0, errors.New("no free TCP port between 20000 and 32000")
}
