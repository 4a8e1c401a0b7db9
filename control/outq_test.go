package control

import "golang.org/x/sys/unix"

// ioctlOutq is how many bytes of a socket the peer's kernel has not acknowledged.
func ioctlOutq(fd int) (int, error) { return unix.IoctlGetInt(fd, unix.TIOCOUTQ) }
