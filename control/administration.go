package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/admin"
	"github.com/anygate/anygate/control/metrics"
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
}

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
		d, err := openDoor(l, s.opt.Heritage.replaces())
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
	a.server.SetTerms(p.terms)
	for _, d := range a.doors {
		if !slices.ContainsFunc(p.doors, func(o door) bool { return o.listener == d.listener }) {
			a.server.Unlisten(d.listener)
			d.close()
		}
	}
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

// openDoor listens on an address. While one process goes on in the place of another both listen there, so TCP sockets may
// share their address with those of the same user; whether anybody else is there is found out before.
func openDoor(l config.Listener, inherited bool) (door, error) {
	if l.Network == "unix" {
		return openUnixDoor(l)
	}
	shared := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if e := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }); e != nil {
			return e
		}
		return os.NewSyscallError("setsockopt", err)
	}}
	address := l.Addr
	if !inherited {
		probe, err := net.Listen("tcp", address)
		if err != nil {
			return door{}, fmt.Errorf("cannot listen on %s for admin: %w", l.Addr, rootCause(err))
		}
		_ = probe.Close()
	}
	listener, err := shared.Listen(context.Background(), "tcp", address)
	if err != nil {
		return door{}, fmt.Errorf("cannot listen on %s for admin: %w", l.Addr, rootCause(err))
	}
	return door{address: l, listener: listener}, nil
}

// openUnixDoor makes the socket under another name first, and then puts it in its place in one step: with its permissions,
// and in the place of that of the process before.
func openUnixDoor(l config.Listener) (d door, err error) {
	name := l.Addr
	abstract := strings.HasPrefix(name, "@")
	if !abstract {
		if info, err := os.Lstat(name); err == nil && info.Mode().Type() != fs.ModeSocket {
			return d, fmt.Errorf("cannot listen on unix:%s for admin: there is something else, and no socket", name)
		}
		name = fmt.Sprintf("%s.%d", name, os.Getpid())
		_ = os.Remove(name)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return d, fmt.Errorf("cannot listen on unix:%s for admin: %w", l.Addr, rootCause(err))
	}
	d = door{address: l, listener: listener}
	if abstract {
		return d, nil
	}
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

// close closes the listener, and removes its socket if it is still there.
func (d *door) close() {
	_ = d.listener.Close()
	if d.made != nil {
		if now, err := os.Lstat(d.address.Addr); err == nil && os.SameFile(now, d.made) {
			_ = os.Remove(d.address.Addr)
		}
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
	defer p.s.mu.Unlock()
	return p.s.cfg.Redacted()
}

// Ready is nil while new requests are welcome.
func (p process) Ready() (err error) {
	if p.s.isEnding() {
		return errDraining
	}
	p.s.Measure(func(r *metrics.Readings) {
		for i := range r.Shards {
			if !r.Shards[i].Answers {
				err = errSilent
			}
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
