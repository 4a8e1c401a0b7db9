package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/admin"
	"github.com/anygate/anygate/control/metrics"
	"github.com/anygate/anygate/control/remote"
	"github.com/anygate/anygate/telemetry"
)

// administration is the admin server of a process, which is there if a configuration has asked for one.
type administration struct {
	server *admin.Server
	doors  []door
}

// door is a listener of the admin server, with its address in the configuration.
type door struct {
	address  config.Listener
	listener net.Listener
	// made is the socket in the file system, to know it again when it is to be removed; nil if there is none.
	made fs.FileInfo
	// from is where the socket comes from if another process has handed it over.
	from *inherited
}

// doorKey is what tells its socket from others that are handed over.
func doorKey(l config.Listener) string { return doorPrefix + l.Address() }

const doorPrefix = "admin "

// premises are what the admin server is to be, made ready before anything changes.
type premises struct {
	terms admin.Terms
	doors []door // those that stay, and new ones
	fresh []door
}

// preparePremises reads the tokens, and opens the addresses that are not open yet.
func (s *Server) preparePremises(cfg *config.Config, addresses []string) (_ *premises, err error) {
	p := new(premises)
	a := cfg.Admin
	if a == nil {
		return p, nil
	}
	defer func() {
		if err != nil {
			p.discard()
			err = at(a.Pos, err)
		}
	}()
	p.terms.Profiles = a.Profiles
	if a.Token != "" {
		if p.terms.Tokens, err = adminTokens(cfg); err != nil {
			return nil, err
		}
	}
	for _, l := range a.Listen {
		have := slices.IndexFunc(s.admin.doors, func(d door) bool { return d.address.Network == l.Network && d.address.Addr == l.Addr })
		if have >= 0 {
			p.doors = append(p.doors, s.admin.doors[have])
			continue
		}
		// The command line may have replaced the addresses that the configuration was checked against.
		for _, name := range addresses {
			if !strings.HasPrefix(name, "unix:") && l.SharesPort(config.Listener{Network: "tcp", Addr: name}) {
				return nil, fmt.Errorf("clients are listened to on %s already", name)
			}
		}
		d, err := s.openDoor(l)
		if err != nil {
			return nil, err
		}
		p.doors, p.fresh = append(p.doors, d), append(p.fresh, d)
	}
	return p, nil
}

func (p *premises) discard() {
	for _, d := range p.fresh {
		d.close()
	}
}

// adoptPremises makes the admin server what was prepared.
func (s *Server) adoptPremises(p *premises) {
	a := &s.admin
	if a.server == nil {
		if len(p.doors) == 0 {
			return
		}
		a.server = admin.New(process{s})
	}
	for _, d := range a.doors {
		if !slices.ContainsFunc(p.doors, func(o door) bool { return o.listener == d.listener }) {
			a.server.Unlisten(d.listener)
			d.close()
		}
	}
	a.server.SetTerms(p.terms)
	for _, d := range p.fresh {
		a.server.Listen(d.listener)
		name := d.listener.Addr().String()
		if d.address.Network == "unix" {
			name = d.address.String()
		}
		s.logs.say(telemetry.Info, "the admin API is there", telemetry.String("address", name))
	}
	a.doors = p.doors
}

// closeAdmin ends the admin server.
func (s *Server) closeAdmin() {
	if s.admin.server == nil {
		return
	}
	for _, d := range s.admin.doors {
		s.admin.server.Unlisten(d.listener)
		d.close()
	}
	s.admin.server.Close()
	s.admin = administration{}
}

// handDoors lets f have the descriptors of the listeners, with what tells them apart.
func (s *Server) handDoors(f func(fd int32, key string)) (err error) {
	for _, d := range s.admin.doors {
		raw, e := d.listener.(syscall.Conn).SyscallConn()
		if e == nil {
			e = raw.Control(func(fd uintptr) { f(int32(fd), doorKey(d.address)) })
		}
		err = errors.Join(err, e)
	}
	return err
}

// leaveAdmin is closeAdmin when another process has the addresses.
func (s *Server) leaveAdmin() {
	for i := range s.admin.doors {
		s.admin.doors[i].made = nil
	}
	s.closeAdmin()
}

// adminTokens reads the tokens.
func adminTokens(cfg *config.Config) (admin.Tokens, error) {
	text, err := tokenText(cfg)
	if err != nil {
		return nil, err
	}
	t, err := admin.ParseTokens(text)
	if err != nil {
		return nil, fmt.Errorf("admin.token: %s: %w", cfg.Admin.Token, err)
	}
	return t, nil
}

// openDoor listens on an address, or goes on with the socket of the process before, but not with a supervisor's.
func (s *Server) openDoor(l config.Listener) (door, error) {
	if fds, _ := s.sockets.heir.take(l, doorKey(l)); len(fds) > 0 {
		return adoptDoor(l, fds[0], s.sockets.heir)
	}
	if l.Network == "unix" {
		return openUnixDoor(l)
	}
	// It shares its address with nobody: another process of the user would get requests, and the tokens in them.
	listener, err := net.Listen("tcp", l.Addr)
	if err != nil {
		return door{}, fmt.Errorf("admin: %w", s.sockets.explain(l.Addr, rootCause(err)))
	}
	return door{address: l, listener: listener}, nil
}

// adoptDoor makes a door of a socket that was handed over.
func adoptDoor(l config.Listener, fd int32, from *inherited) (door, error) {
	f := os.NewFile(uintptr(fd), l.Addr)
	defer f.Close()
	listener, err := net.FileListener(f)
	if err != nil {
		return door{}, fmt.Errorf("the socket of admin that was handed over: %w", err)
	}
	d := door{address: l, listener: listener, from: from}
	if l.Network == "unix" {
		if info, err := os.Lstat(l.Addr); err == nil {
			d.made = info
		}
	}
	return d, nil
}

// openUnixDoor makes the socket under another name first, and then puts it in its place in one step: with its permissions,
// and in the place of one that nobody listens on any more.
func openUnixDoor(l config.Listener) (d door, err error) {
	if info, err := os.Lstat(l.Addr); err == nil && info.Mode().Type() != fs.ModeSocket {
		return d, fmt.Errorf("cannot listen on unix:%s for admin: there is something else, and no socket", l.Addr)
	}
	if p, answers := remote.Listener(l.Addr); answers {
		return d, fmt.Errorf("cannot listen on unix:%s for admin: another process, %d, answers there; stop it, or listen on another path", l.Addr, p.PID)
	}
	name := fmt.Sprintf("%s.%d", l.Addr, os.Getpid())
	_ = os.Remove(name)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return d, fmt.Errorf("cannot listen on unix:%s for admin: %w", l.Addr, rootCause(err))
	}
	d = door{address: l, listener: listener}
	listener.SetUnlinkOnClose(false)
	if err = os.Chmod(name, 0o600); err == nil {
		if err = os.Rename(name, l.Addr); err == nil {
			d.made, err = os.Lstat(l.Addr)
		}
	}
	if err != nil {
		_ = listener.Close()
		_ = os.Remove(name)
		return door{}, fmt.Errorf("cannot listen on unix:%s for admin: %w", l.Addr, rootCause(err))
	}
	return d, nil
}

// close closes the listener, and removes its socket if it is still there, and nobody else's.
func (d *door) close() {
	_ = d.listener.Close()
	if d.made == nil || d.from.isLent() {
		return
	}
	if now, err := os.Lstat(d.address.Addr); err == nil && os.SameFile(now, d.made) {
		_ = os.Remove(d.address.Addr)
	}
}

// rootCause is what the system says, without the call and the address.
func rootCause(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return err
}

// process is a Server as its admin server sees it.
type process struct{ s *Server }

var _ admin.Process = process{}

func (p process) Measure(f func(*metrics.Readings))        { p.s.Measure(f) }
func (p process) Clients(most int) ([]admin.Client, error) { return p.s.Clients(most) }
func (p process) SetMember(upstream, member string, enabled bool) error {
	return p.s.SetMember(upstream, member, enabled)
}

// Config is the configuration that is served.
func (p process) Config() []byte {
	p.s.mu.Lock()
	cfg := p.s.cfg
	p.s.mu.Unlock()
	return cfg.Redacted() // it takes a while, and whoever changes what is served needs the lock
}

// Ready is nil while new requests are welcome.
func (p process) Ready() (err error) {
	if p.s.isEnding() {
		return errDraining
	}
	p.s.Measure(func(r *metrics.Readings) {
		if r.Silent() != "" {
			err = errSilent
		}
	})
	return err
}

// errDraining is why no new requests should be sent here.
var errDraining = errors.New("draining")

// AdminAddresses are the addresses of the admin server, as bound.
func (s *Server) AdminAddresses() (list []string) {
	s.changing.Lock()
	defer s.changing.Unlock()
	for _, d := range s.admin.doors {
		list = append(list, d.listener.Addr().String())
	}
	return list
}
