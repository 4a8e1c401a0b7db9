package remote

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Server listens to commands.
type Server struct {
	listener *net.UnixListener
	do       func(Request, Peer) Answer
	slots    chan struct{}  // of clients that have said nothing yet
	commands atomic.Int64   // that clients wait for
	answers  sync.WaitGroup // that are due, and the one who lets clients in
}

// Listen listens on a socket with that name: a path, or '@' and a name of the abstract namespace. inherited is the
// descriptor of one that another process has listened on, and hands over; 0 is none. do is called for each command, with
// who gives it, from several goroutines.
func Listen(name string, inherited int, do func(Request, Peer) Answer) (*Server, error) {
	l, err := listen(name, inherited)
	if err != nil {
		return nil, err
	}
	s := &Server{listener: l, do: do, slots: make(chan struct{}, maxClients)}
	s.answers.Go(s.accept)
	return s, nil
}

func listen(name string, inherited int) (*net.UnixListener, error) {
	if inherited == 0 {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
		if errors.Is(err, unix.EADDRINUSE) {
			if err = occupied(name); err == nil {
				l, err = net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
			}
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

// occupied says who has a name, or removes what a process has left there that was killed.
func occupied(name string) error {
	other, answers := Listener(name)
	if !answers && name[0] != '@' {
		info, err := os.Lstat(name)
		if err == nil && info.Mode().Type() != fs.ModeSocket {
			return fmt.Errorf("what stands at %s is no socket: remove it, or name another path by --control", name)
		}
		if err == nil {
			err = os.Remove(name)
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("nobody listens on the control socket %s, which is left from a process that has gone, and it cannot be removed: %w", name, err)
	}
	who := "another process"
	if other.PID > 0 {
		who = fmt.Sprintf("another process, %d of the user %d,", other.PID, other.UID)
	}
	return fmt.Errorf("%s has the control socket %s already: give each of several processes with one configuration a name of its own by --control", who, name)
}

// Listener reports whether a process listens on the unix socket with a name, and which one has called listen, as far as
// that can be found out.
func Listener(name string) (p Peer, answers bool) {
	c, err := net.DialTimeout("unix", name, time.Second)
	if err != nil {
		return p, !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.ENOENT)
	}
	defer c.Close()
	p, _ = peer(c.(*net.UnixConn))
	return p, true
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
		switch {
		case errors.Is(err, net.ErrClosed), errors.Is(err, unix.EINVAL): // or it is none that can be listened on
			return
		case err != nil:
			// It is the machine that has nothing left, descriptors say: an operator who comes with a cure finds an ear.
			time.Sleep(acceptAgain)
			continue
		}
		s.slots <- struct{}{}
		s.answers.Add(1)
		go func() {
			defer c.Close()
			if s.serve(c) {
				// Nothing more comes; that the client has gone ends the wait as well as the end of the process.
				_, _ = io.Copy(io.Discard, c)
			}
		}()
	}
}

// hear takes what one client asks for, if it may.
func hear(c *net.UnixConn) (r Request, who Peer, ok bool) {
	_ = c.SetDeadline(time.Now().Add(requestTime))
	who, err := peer(c)
	if err != nil || !trusted(who.UID) {
		_ = write(c, Answer{Text: "only root and the user of the process may command it"})
		return r, who, false
	}
	return r, who, read(c, &r) == nil
}

// serve does what one client asks for, and reports whether it waits for the connection to end.
func (s *Server) serve(c *net.UnixConn) (wait bool) {
	defer s.answers.Done()
	r, who, ok := hear(c)
	<-s.slots
	if !ok {
		return false
	}
	a := Answer{Text: "too many commands are under way: ask again later"}
	if s.commands.Add(1) <= maxCommands {
		a = s.do(r, who)
	}
	s.commands.Add(-1)
	_ = c.SetDeadline(time.Now().Add(requestTime))
	wait = write(c, a) == nil && a.Wait
	_ = c.SetDeadline(time.Time{})
	return wait
}

// trusted reports whether a user may command, or be believed: root, or the same.
func trusted(uid uint32) bool { return uid == 0 || uid == uint32(os.Geteuid()) }

// Peer is a process at the other end of a connection, and its user, as the kernel knows them.
type Peer struct {
	PID int // 0 if it is of another namespace
	UID uint32
}

func peer(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var who *unix.Ucred
	if e := raw.Control(func(fd uintptr) { who, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); e != nil {
		return Peer{}, e
	}
	if err != nil {
		return Peer{}, os.NewSyscallError("getsockopt", err)
	}
	return Peer{int(who.Pid), who.Uid}, nil
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
