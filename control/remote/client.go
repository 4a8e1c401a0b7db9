package remote

import (
	"context"
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

// ErrElsewhere is returned when the process that listens is of another PID namespace, which is another container mostly.
var ErrElsewhere = errors.New("the process that is found by this path is in another container, or another PID namespace, and may serve another file")

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

// Ask has a command done by the process that listens on a name, and waits until it is, or ctx ends. It tells which process
// that is: root believes those of all users, as it cannot know which one is meant, and should be told.
func Ask(ctx context.Context, name string, r Request) (Answer, Peer, error) {
	a, by, err := ask(ctx, name, r)
	if err != nil && ctx.Err() != nil {
		return Answer{}, by, fmt.Errorf("the process has not answered in time: %w", ctx.Err())
	}
	return a, by, err
}

func ask(ctx context.Context, name string, r Request) (a Answer, by Peer, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", name)
	if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, os.ErrNotExist) {
		return a, by, ErrNobody
	}
	if err != nil {
		return a, by, err
	}
	defer conn.Close()
	c := conn.(*net.UnixConn)
	// Closing it ends whatever is waited for.
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if by, err = peer(c); err != nil || os.Geteuid() != 0 && !trusted(by.UID) {
		return a, by, errors.New("the process that listens on the control socket is another user's")
	}
	if by.PID == 0 && !r.Anywhere {
		return a, by, ErrElsewhere
	}
	if err := write(c, r); err != nil {
		return a, by, fmt.Errorf("the process does not listen: %w", err)
	}
	if err := read(c, &a); err != nil {
		return Answer{}, by, errors.New("the process has ended before it had an answer")
	}
	a.Text = printable(a.Text)
	if a.Wait {
		_, _ = io.Copy(io.Discard, c)
	}
	return a, by, nil
}
