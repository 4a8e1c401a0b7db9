package remote

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// ErrNobody is returned when no process listens.
var ErrNobody = errors.New("no AnyGate is running that serves this configuration")

// printable leaves nothing in a text that a terminal could take for a command: whoever was first to take the name may have
// written it, and root reads it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// Ask has a command done by the process that listens on a name, and waits until it is.
func Ask(name string, r Request) (Answer, error) {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: name, Net: "unix"})
	if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, os.ErrNotExist) {
		return Answer{}, ErrNobody
	}
	if err != nil {
		return Answer{}, err
	}
	defer c.Close()
	// Root has nothing to fear of what another user's process says.
	if who, err := peer(c); err != nil || os.Geteuid() != 0 && !trusted(who.Uid) {
		return Answer{}, errors.New("the process that listens on the control socket is another user's")
	}
	if err := write(c, r); err != nil {
		return Answer{}, fmt.Errorf("the process does not listen: %w", err)
	}
	var a Answer
	if err := read(c, &a); err != nil {
		return Answer{}, errors.New("the process has ended before it had an answer")
	}
	a.Text = printable(a.Text)
	if a.Wait {
		_, _ = io.Copy(io.Discard, c)
	}
	return a, nil
}
