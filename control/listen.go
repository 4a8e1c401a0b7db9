package control

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/privileges"
	"github.com/anygate/anygate/engine"
)

// sockets are the listening sockets of a process: for each address that is listened on one for each shard, and sometimes
// more.
type sockets struct {
	shards int
	list   []*binding // in the order of the configuration
	// ids are the numbers of all addresses there ever were, by their keys: connections know their listener by it, and
	// outlive a configuration.
	ids map[string]int
	// paths are the unix sockets in the file system.
	paths []boundPath
	// heir gives what another process has opened; nil if there is nothing.
	heir *inherited
	// dropped says that the process has become another user, who had no use for low ports then.
	dropped bool
}

// binding is an address that is listened on.
type binding struct {
	key  string
	id   int
	name string    // the address as bound
	fds  [][]int32 // by shard
	// owned says of each shard that its sockets are its own: it closes them.
	owned []bool
	// foreign says that a supervisor has opened them.
	foreign bool
}

// boundPath is a unix socket in the file system, with what tells it from whatever may stand at its path later.
type boundPath struct {
	path string
	info os.FileInfo
	// handed says that another process has bound it, and handed the socket over.
	handed bool
}

// maxBindings is how many addresses there may be, with all that a process has ever listened on; the number of one has 16
// bits in the record of a connection.
const maxBindings = 1 << 16

// openSockets listens on all addresses, for all shards, or on none of them.
func openSockets(listeners []config.Listener, shards int, heir *inherited) (*sockets, error) {
	s := &sockets{shards: shards, ids: make(map[string]int), heir: heir}
	list, err := s.openAll(listeners)
	if err != nil {
		s.close()
		return nil, err
	}
	s.list = list
	return s, nil
}

// openAll listens on the addresses that are not listened on yet, or on none of them, and returns the bindings of all.
func (s *sockets) openAll(listeners []config.Listener) (list []*binding, err error) {
	if err := s.claimAll(listeners); err != nil {
		return nil, err
	}
	var errs []error
	var opened []*binding
	keys := keysOf(listeners)
	for i, l := range listeners {
		if len(errs) > 0 {
			break
		}
		e := s.find(keys[i])
		if e == nil {
			if e, err = s.open(l, keys[i]); err != nil {
				errs = append(errs, at(l.Pos, s.explain(l.Addr, err)))
			}
			opened = append(opened, e)
		}
		list = append(list, e)
	}
	if len(errs) > 0 {
		for _, e := range opened {
			s.discard(e)
		}
		return nil, errors.Join(errs...)
	}
	return list, nil
}

// claimAll fails if some other process listens on one of the addresses that are not listened on yet. It opens nothing.
func (s *sockets) claimAll(listeners []config.Listener) error {
	var errs []error
	keys := keysOf(listeners)
	for i, l := range listeners {
		if l.Network == "tcp" && s.find(keys[i]) == nil && !s.heir.has(l, keys[i]) && !s.shares(l) {
			if err := claim(l.Addr); err != nil {
				errs = append(errs, at(l.Pos, s.explain(l.Addr, err)))
			}
		}
	}
	return errors.Join(errs...)
}

// keysOf are what tells listeners apart: their addresses as configured. One that stands there several times, which only
// one that leaves the port open can, is another one each time.
func keysOf(listeners []config.Listener) []string {
	keys := make([]string, len(listeners))
	for i, l := range listeners {
		key := l.Address()
		for n := 2; slices.Contains(keys[:i], key); n++ {
			key = fmt.Sprintf("%s (%d)", l.Address(), n)
		}
		keys[i] = key
	}
	return keys
}

// find is the binding of an address that is listened on now.
func (s *sockets) find(key string) *binding {
	for _, e := range s.list {
		if e.key == key {
			return e
		}
	}
	return nil
}

// shares reports whether another address with the port of l is listened on already, so that it is this process that is
// in the way of claiming it.
func (s *sockets) shares(l config.Listener) bool {
	ap, _, err := parseListen(l.Addr)
	for _, e := range s.list {
		if have, _, e := parseListen(e.name); err == nil && e == nil && have.Port() == ap.Port() {
			return true
		}
	}
	return false
}

// number is the id of an address; always the same one for the same address.
func (s *sockets) number(key string) (int, error) {
	id, known := s.ids[key]
	if !known {
		if id = len(s.ids); id >= maxBindings {
			return 0, fmt.Errorf("this process has listened on %d addresses already: restart it", id)
		}
		s.ids[key] = id
	}
	return id, nil
}

// open opens the sockets of one listener. On an error what it returns is to be discarded.
func (s *sockets) open(l config.Listener, key string) (*binding, error) {
	e := &binding{key: key, fds: make([][]int32, s.shards), owned: make([]bool, s.shards)}
	var err error
	if e.id, err = s.number(e.key); err != nil {
		return e, err
	}
	fds, foreign := s.heir.take(l, key)
	e.foreign = foreign
	if len(fds) == 0 {
		first, err := s.first(l)
		if err != nil {
			return e, err
		}
		fds = []int32{first}
	} else if l.Network == "unix" && !foreign {
		s.remember(l.Addr, true)
	}
	// All that there are, so that no backlog is left without somebody who looks after it.
	for i, fd := range fds {
		e.fds[i%s.shards] = append(e.fds[i%s.shards], fd)
	}
	e.name = "unix:" + l.Addr
	further := func() (int32, error) { return engine.Duplicate(fds[0]) }
	if l.Network == "tcp" {
		bound, err := engine.LocalAddr(fds[0])
		if err != nil {
			return e, err
		}
		e.name = bound.String()
		if bound.Addr().IsUnspecified() && l.Addr[0] == ':' {
			e.name = ":" + strconv.Itoa(int(bound.Port()))
		}
		if engine.Shareable(fds[0]) {
			further = func() (int32, error) {
				fd, err := engine.Listen(bound)
				if err != nil && s.heir != nil {
					return engine.Duplicate(fds[0]) // it was opened by another user
				}
				return fd, err
			}
		}
	}
	for i := len(fds); i < s.shards; i++ {
		fd, err := further()
		if err != nil {
			return e, err
		}
		e.fds[i] = append(e.fds[i], fd)
	}
	if l.Network == "tcp" {
		e.each(func(fd int32) {
			// Only speed is lost where the kernel does not know it.
			_ = engine.DeferAccept(fd)
		})
	}
	return e, nil
}

// each calls f for all sockets.
func (e *binding) each(f func(fd int32)) {
	for _, list := range e.fds {
		for _, fd := range list {
			f(fd)
		}
	}
}

// discard closes the sockets of a binding that no shard owns.
func (s *sockets) discard(e *binding) {
	for i, list := range e.fds {
		if !e.owned[i] {
			for _, fd := range list {
				_ = unix.Close(int(fd))
			}
		}
	}
	if path, ok := strings.CutPrefix(e.key, "unix:"); ok {
		s.forget(path)
	}
}

// names are the addresses as bound, in the order of the configuration.
func (s *sockets) names() []string {
	names := make([]string, len(s.list))
	for i, e := range s.list {
		names[i] = e.name
	}
	return names
}

// first opens the socket of the first shard, which settles the port if the configuration leaves it open.
func (s *sockets) first(l config.Listener) (int32, error) {
	if l.Network == "unix" {
		fd, err := engine.ListenUnix(l.Addr)
		if err == nil {
			s.remember(l.Addr, false)
		}
		return fd, err
	}
	ap, every, err := parseListen(l.Addr)
	if err != nil {
		return -1, err
	}
	if every {
		return engine.ListenAny(ap.Port())
	}
	return engine.Listen(ap)
}

// remember notes a unix socket that is to be removed at the end. A path that is gone already leaves nothing to remove.
func (s *sockets) remember(path string, handed bool) {
	if path[0] == '@' {
		return
	}
	if info, err := os.Lstat(path); err == nil {
		s.paths = append(s.paths, boundPath{path, info, handed})
	}
}

// parseListen reads ":PORT", which is every address, or "IP:PORT".
func parseListen(text string) (ap netip.AddrPort, every bool, err error) {
	if text != "" && text[0] == ':' {
		port, err := strconv.ParseUint(text[1:], 10, 16)
		if err != nil {
			return ap, false, fmt.Errorf("%q is not a port", text[1:])
		}
		return netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(port)), true, nil
	}
	ap, err = netip.ParseAddrPort(text)
	return ap, false, err
}

// claim fails if some other process listens on the address. The shards' sockets share it among themselves
// (SO_REUSEPORT), and would share it silently with another AnyGate of the same user too: a socket that shares nothing
// finds out.
func claim(text string) error {
	ap, every, err := parseListen(text)
	if err != nil || ap.Port() == 0 {
		return err
	}
	err = bindAlone(ap)
	if every && (errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL)) {
		err = bindAlone(netip.AddrPortFrom(netip.IPv4Unspecified(), ap.Port()))
	}
	return err
}

func bindAlone(ap netip.AddrPort) error {
	family := unix.AF_INET6
	var sa unix.Sockaddr = &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
	if ap.Addr().Is4() {
		family, sa = unix.AF_INET, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if family == unix.AF_INET6 {
		only := 1
		if ap.Addr().IsUnspecified() {
			only = 0
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only)
	}
	// Connections that still wait out their time on the address do not count.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	return os.NewSyscallError("bind", unix.Bind(fd, sa))
}

// explain is explainListen for a process that may have given up the right to what it asks for.
func (s *sockets) explain(addr string, err error) error {
	if ap, _, e := parseListen(addr); s.dropped && e == nil && ap.Port() < privileges.FirstFreePort() && errors.Is(err, unix.EACCES) {
		return fmt.Errorf("cannot listen on %s: the right to low ports was given up at the start, when there was no use for it: restart AnyGate", addr)
	}
	return explainListen(addr, err)
}

// explainListen names the likely cause and its cure.
func explainListen(addr string, err error) error {
	switch {
	case errors.Is(err, engine.ErrNotSocket):
		return fmt.Errorf("cannot listen on %s: a file that is no socket is in the way; remove it, or listen on another path", addr)
	case errors.Is(err, unix.EADDRINUSE):
		if _, _, e := parseListen(addr); e != nil {
			return fmt.Errorf("cannot listen on %s: another process answers there; stop it, or listen on another path", addr)
		}
		return fmt.Errorf("cannot listen on %s: another process does already; stop it (ss -ltnp names it), or listen on another port", addr)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		if ap, _, e := parseListen(addr); e == nil && ap.Port() < 1024 {
			return fmt.Errorf("cannot listen on %s: ports below 1024 need a privilege; grant CAP_NET_BIND_SERVICE (setcap cap_net_bind_service=+ep FILE, or AmbientCapabilities= of the systemd unit), or listen on another port", addr)
		}
		return fmt.Errorf("cannot listen on %s: not permitted to this user", addr)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("cannot listen on %s: no interface of this machine has the address", addr)
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return fmt.Errorf("cannot listen on %s: no descriptor is left; raise the limit (ulimit -n, or LimitNOFILE= of the systemd unit)", addr)
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("cannot listen on %s: the directory does not exist", addr)
	}
	return fmt.Errorf("cannot listen on %s: %w", addr, err)
}

// close closes all sockets that no shard has taken over.
func (s *sockets) close() {
	for _, e := range s.list {
		s.discard(e)
	}
	s.list = nil
	s.heir.close()
	s.unlink()
}

// unlink removes the unix sockets from the file system.
func (s *sockets) unlink() {
	for len(s.paths) > 0 {
		s.forget(s.paths[0].path)
	}
}

// forget removes a unix socket from the file system, but not what somebody has put in its place since, nor what another
// process still serves.
func (s *sockets) forget(path string) {
	s.paths = slices.DeleteFunc(s.paths, func(p boundPath) bool {
		if p.path != path {
			return false
		}
		if p.handed && s.heir.isLent() {
			return true
		}
		if info, err := os.Lstat(p.path); err == nil && os.SameFile(info, p.info) {
			_ = os.Remove(p.path)
		}
		return true
	})
}
