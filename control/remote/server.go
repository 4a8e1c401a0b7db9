package remote

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Server listens to commands.
type Server struct {
	listener *net.UnixListener
	do       func(Request) Answer
	slots    chan struct{}
	answers  sync.WaitGroup // that are due
}

// Listen listens on a socket with that name: a path, or '@' and a name of the abstract namespace. inherited is the
// descriptor of one that another process has listened on, and hands over; 0 is none. do is called for each command, from
// several goroutines.
func Listen(name string, inherited int, do func(Request) Answer) (*Server, error) {
	l, err := listen(name, inherited)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: l, do: do, slots: make(chan struct{}, maxClients)}
	go s.accept()
	return s, nil
}

func listen(name string, inherited int) (*net.UnixListener, error) {
	if inherited == 0 {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
		if errors.Is(err, unix.EADDRINUSE) {
			return nil, occupied(name)
		}
		if err == nil && name[0] != '@' {
			err = os.Chmod(name, 0o600)
		}
		return l, err
	}
	f := os.NewFile(uintptr(inherited), name)
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("the control socket that was handed over: %w", err)
	}
	u, ok := l.(*net.UnixListener)
	if !ok {
		_ = l.Close()
		return nil, errors.New("the control socket that was handed over is none")
	}
	u.SetUnlinkOnClose(name[0] != '@')
	return u, nil
}

// occupied says who has a name. Its process is who called listen.
func occupied(name string) error {
	c, err := net.DialTimeout("unix", name, time.Second)
	if errors.Is(err, unix.ECONNREFUSED) {
		return fmt.Errorf("nobody listens on the control socket %s, which is left from a process that has gone: remove it", name)
	}
	who := "another process"
	if err == nil {
		defer c.Close()
		if other, err := peer(c.(*net.UnixConn)); err == nil && other.Pid > 0 {
			who = fmt.Sprintf("another process, %d of the user %d,", other.Pid, other.Uid)
		}
	}
	return fmt.Errorf("%s has the control socket %s already: give each of several processes with one configuration a name of its own by --control", who, name)
}

// Duplicate is a descriptor of the socket for another process.
func (s *Server) Duplicate() (fd int, err error) {
	raw, err := s.listener.SyscallConn()
	if err != nil {
		return -1, err
	}
	if e := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) }); e != nil {
		return -1, e
	}
	return fd, os.NewSyscallError("dup", err)
}

// Leave stops listening, and leaves the socket to another process that has it too. A nil Server has nothing to leave.
func (s *Server) Leave() {
	if s != nil {
		s.listener.SetUnlinkOnClose(false)
		_ = s.listener.Close()
	}
}

// Close stops listening, and waits until everyone has an answer to what is under way. It is not called by a command.
func (s *Server) Close() {
	if s != nil {
		_ = s.listener.Close()
		s.answers.Wait()
	}
}

func (s *Server) accept() {
	for {
		c, err := s.listener.AcceptUnix()
		if err != nil {
			return
		}
		s.slots <- struct{}{}
		s.answers.Add(1)
		go func() {
			if s.serve(c) {
				// Nothing more comes; that the client has gone ends the wait as well as the end of the process.
				_, _ = io.Copy(io.Discard, c)
			}
			_ = c.Close()
			<-s.slots
		}()
	}
}

// serve does what one client asks for, and reports whether it waits for the connection to end.
func (s *Server) serve(c *net.UnixConn) (wait bool) {
	defer s.answers.Done()
	_ = c.SetDeadline(time.Now().Add(requestTime))
	who, err := peer(c)
	if err != nil || !trusted(who.Uid) {
		_ = write(c, Answer{Text: "only root and the user of the process may command it"})
		return false
	}
	var r Request
	if err := read(c, &r); err != nil {
		return false
	}
	a := s.do(r)
	_ = c.SetDeadline(time.Now().Add(requestTime))
	wait = write(c, a) == nil && a.Wait
	_ = c.SetDeadline(time.Time{})
	return wait
}

// trusted reports whether a user may command, or be believed: root, or the same.
func trusted(uid uint32) bool { return uid == 0 || uid == uint32(os.Geteuid()) }

// peer is the process at the other end, and its user.
func peer(c *net.UnixConn) (who *unix.Ucred, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	if e := raw.Control(func(fd uintptr) { who, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); e != nil {
		return nil, e
	}
	if err != nil {
		return nil, os.NewSyscallError("getsockopt", err)
	}
	return who, nil
}

// read reads one message.
func read(c io.Reader, into any) error {
	line, err := bufio.NewReader(io.LimitReader(c, maxMessage)).ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, into)
}

// write writes one message.
func write(c io.Writer, m any) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = c.Write(append(line, '\n'))
	return err
}
