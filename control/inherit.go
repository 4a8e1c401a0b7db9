package control

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/privileges"
	"github.com/anygate/anygate/engine"
)

// firstPassed is the first descriptor that systemd passes.
const firstPassed = 3

// supervised are the variables of systemd's protocols. Those about descriptors are for one process only.
var supervised = []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"}

// Heritage is what a process finds that it was handed over by another one, or by its supervisor.
type Heritage struct {
	passed   inherited
	control  int               // the descriptor of the control socket, 0 for none
	state    *privileges.State // what was given up already, nil for nothing
	files    *privileges.Files
	ready    *os.File
	out      []memberName // that were taken out by command
	watchdog time.Duration
	notify   string
}

// inherited are listening sockets that nobody has taken yet.
type inherited struct {
	list []passedSocket
	// lent says that the process before still accepts from them, and does so for ever if this one does not come to serve:
	// until it has heard that this one does, the paths of unix sockets are its own.
	lent atomic.Bool
}

type passedSocket struct {
	fd      int32
	key     string // as in the configuration; empty if only the socket itself can say
	foreign bool   // whose path in the file system is a supervisor's
}

// Inherit finds what was handed over to this process, and removes it from the environment, so that no other process takes
// it for its own. It is called once, at the start.
func Inherit() (*Heritage, error) {
	if _, handed := os.LookupEnv(handoverVariable); handed {
		// A program that was executed can be looked into by its user until it says otherwise, and is about to read secrets.
		if err := privileges.Conceal(); err != nil {
			return nil, err
		}
	}
	h := &Heritage{notify: os.Getenv("NOTIFY_SOCKET")}
	defer os.Unsetenv(handoverVariable)
	if !forThis("WATCHDOG_PID") {
		_ = os.Unsetenv("WATCHDOG_USEC")
	}
	if usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && usec > 0 {
		h.watchdog = time.Duration(usec) * time.Microsecond
	}
	if given, err := readHandover(); err != nil {
		return nil, fmt.Errorf("what another process has handed over cannot be taken: %w", err)
	} else if given != nil {
		h.take(given)
	} else if n, err := strconv.Atoi(os.Getenv("LISTEN_FDS")); err == nil && n > 0 && forThis("LISTEN_PID") {
		for i := range n {
			h.passed.list = append(h.passed.list, passedSocket{fd: int32(firstPassed + i), foreign: true})
		}
	}
	for _, name := range supervised {
		_ = os.Unsetenv(name)
	}
	for _, p := range h.passed.list {
		if err := engine.Adopt(p.fd); err != nil {
			return nil, fmt.Errorf("the socket with the descriptor %d that was handed over: %w", p.fd, err)
		}
	}
	h.files = privileges.NewFiles(h.state)
	return h, nil
}

// take takes what another process of this program hands over.
func (h *Heritage) take(given *inheritance) {
	for _, g := range given.Sockets {
		h.passed.list = append(h.passed.list, passedSocket{int32(g.FD), g.Key, g.Foreign})
	}
	if given.Control > 0 {
		h.control = given.Control
		unix.CloseOnExec(h.control)
	}
	if given.Ready > 0 {
		unix.CloseOnExec(given.Ready)
		h.ready = os.NewFile(uintptr(given.Ready), "ready")
		h.passed.lent.Store(true)
	}
	h.state, h.out = given.State, given.Out
}

// Files reads the files of the configuration, also those that this process may not read any more.
func (h *Heritage) Files() *privileges.Files {
	if h == nil {
		return nil
	}
	return h.files
}

// given is what this process has given up already, nil for nothing.
func (h *Heritage) given() *privileges.State {
	if h == nil {
		return nil
	}
	return h.state
}

// takenOut are the members of upstreams that the process before was told to take out.
func (h *Heritage) takenOut() []memberName {
	if h == nil {
		return nil
	}
	return h.out
}

// forThis reports whether a variable names this process, or none.
func forThis(name string) bool {
	text, ok := os.LookupEnv(name)
	return !ok || text == strconv.Itoa(os.Getpid())
}

func (h *Heritage) sockets() *inherited {
	if h == nil {
		return nil
	}
	return &h.passed
}

func (h *Heritage) supervisor() supervisor {
	if h == nil {
		return supervisor{}
	}
	return supervisor{socket: h.notify, watchdog: h.watchdog}
}

// Ready says that this process serves, to the one that goes on until then.
func (h *Heritage) Ready() {
	if h != nil && h.ready != nil {
		h.passed.lent.Store(false)
		_, _ = h.ready.WriteString(readyWord)
		_ = h.ready.Close()
		h.ready = nil
	}
}

// readyWord is what the process before reads when the next one serves.
const readyWord = "ready\n"

// isLent reports whether the process before may go on with what it has handed over.
func (h *inherited) isLent() bool { return h != nil && h.lent.Load() }

// has reports whether there is a socket for a listener.
func (h *inherited) has(l config.Listener, key string) bool {
	return h != nil && slices.ContainsFunc(h.list, func(p passedSocket) bool { return p.is(l, key) })
}

// take gives away all sockets for a listener. foreign says that a supervisor has opened them, whose paths in the file
// system stay; those of another process of this program are this one's to remove.
func (h *inherited) take(l config.Listener, key string) (fds []int32, foreign bool) {
	if h == nil {
		return nil, false
	}
	h.list = slices.DeleteFunc(h.list, func(p passedSocket) bool {
		if !p.is(l, key) {
			return false
		}
		fds, foreign = append(fds, p.fd), p.foreign
		return true
	})
	return fds, foreign
}

// left are the addresses of sockets that nobody has taken.
func (h *inherited) left() (names []string) {
	if h == nil {
		return nil
	}
	for _, p := range h.list {
		name := strings.TrimPrefix(p.key, doorPrefix)
		if name == "" {
			name = describeSocket(p.fd)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// unlinkLeft removes the paths of unix sockets that nobody has taken: the process before does not, as it takes them for
// this one's. Those of a supervisor stay.
func (h *inherited) unlinkLeft() {
	if h == nil {
		return
	}
	for _, p := range h.list {
		path, ok := strings.CutPrefix(strings.TrimPrefix(p.key, doorPrefix), "unix:")
		if !ok || p.foreign || path[0] == '@' {
			continue
		}
		if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeSocket {
			_ = os.Remove(path)
		}
	}
}

// close closes the sockets that nobody has taken. Who has handed them over has its own, and looks after their backlogs.
func (h *inherited) close() {
	if h == nil {
		return
	}
	for _, p := range h.list {
		_ = unix.Close(int(p.fd))
	}
	h.list = nil
}

// is reports whether a socket is for a listener.
func (p *passedSocket) is(l config.Listener, key string) bool {
	// A supervisor's are for clients: the permissions of its unix sockets may let everybody in.
	if p.key != "" || strings.HasPrefix(key, doorPrefix) {
		return p.key == key
	}
	bound := describeSocket(p.fd)
	if path, ok := strings.CutPrefix(bound, "unix:"); ok {
		return l.Network == "unix" && l.Addr == path
	}
	have, err := netip.ParseAddrPort(bound)
	want, every, e := parseListen(l.Addr)
	if l.Network != "tcp" || err != nil || e != nil || have.Port() != want.Port() {
		return false
	}
	if every {
		return have.Addr().IsUnspecified()
	}
	return have.Addr().Unmap() == want.Addr().Unmap()
}

// describeSocket is the address that a socket listens on.
func describeSocket(fd int32) string {
	sa, err := unix.Getsockname(int(fd))
	if err != nil {
		return fmt.Sprintf("descriptor %d", fd)
	}
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)).String()
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port)).String()
	case *unix.SockaddrUnix:
		return "unix:" + a.Name
	}
	return fmt.Sprintf("descriptor %d", fd)
}
