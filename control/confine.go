package control

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/privileges"
)

// Confinement is what the command line adds to what a configuration says of privileges.
type Confinement struct {
	// Reads and Writes are files that the process needs beside those of the configuration, and Control is the name of the
	// control socket.
	Reads, Writes []string
	Control       string
}

// Confine gives up what the configuration has no use for. If there is anything, the process executes its program again,
// which finds the rest in its Heritage and comes back to where Confine is called, to find nothing: then it returns. With another
// user it opens all addresses before, and reads all files.
//
// After an error the process must end, and make no use of the rights that it may still have.
func Confine(cfg *config.Config, h *Heritage, o Confinement) error {
	plan, err := newPlan(cfg, h)
	if err != nil {
		return err
	}
	if !plan.Needed() {
		h.files.Settle()
		return errors.Join(outside(cfg, h.state), privileges.Conceal())
	}
	list := &sockets{heir: h.sockets()}
	if plan.Account != nil {
		raiseLimits()
		if list, err = openForAccount(cfg, h, plan.Account); err != nil {
			return err
		}
		for _, name := range cfg.References() {
			_, _ = cfg.ReadFile(name) // which notes it; whoever needs it tells what is wrong with it
		}
	}
	if plan.Landlock > 0 {
		plan.Reaches = reaches(cfg, h.files.Patterns(), &o)
	}
	err = plan.Become(h.files, func(s *privileges.State) ([]string, []int, error) { return h.handOn(list, s) })
	if plan.Account == nil && plan.Landlock == 0 {
		// Nobody has asked for anything, and a policy that lets no program be executed is no reason not to serve: what is
		// missing of no_new_privs, which the log tells, is in force then.
		h.files.Settle()
		return privileges.Conceal()
	}
	list.close()
	return err
}

// openForAccount does what only the user may do that the process starts as: it opens the addresses, and makes the
// directories that the account is to write to.
func openForAccount(cfg *config.Config, h *Heritage, a *privileges.Account) (*sockets, error) {
	size, err := fit(cfg, survey())
	if err != nil {
		return nil, err
	}
	list, err := openSockets(cfg.Listen, size.shards, h.sockets())
	if err != nil {
		return nil, err
	}
	for _, p := range list.paths {
		if err := os.Lchown(p.path, a.UID, a.GID); err != nil {
			list.close()
			return nil, fmt.Errorf("cannot give the socket %s to the user %s: %s", p.path, a.Name, cause(err))
		}
	}
	for _, w := range wants(cfg) {
		if w.access == privileges.Write && !w.around {
			if err := makeFor(w.path, a); err != nil {
				list.close()
				return nil, at(w.pos, err)
			}
		}
	}
	return list, nil
}

// makeFor makes a directory for an account. One that is there stays as it is.
func makeFor(path string, a *privileges.Account) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.Mkdir(path, 0o700)
	}
	if err == nil {
		err = os.Chown(path, a.UID, a.GID)
	}
	if err != nil {
		return fmt.Errorf("cannot make the directory %s for the user %s: %s", path, a.Name, cause(err))
	}
	return nil
}

// newPlan is what is to be given up yet.
func newPlan(cfg *config.Config, h *Heritage) (*privileges.Plan, error) {
	p := &privileges.Plan{}
	var err error
	if p.Account, err = account(cfg); err != nil {
		return nil, err
	}
	if p.Account != nil {
		if uid := os.Geteuid(); uid != 0 && uid != p.Account.UID {
			return nil, at(cfg.Server.User.Pos, fmt.Errorf("only root can become the user %s, and this process is that of the user with the number %d: start it as root, or as %s",
				p.Account.Name, uid, p.Account.Name))
		}
		p.Keep, _ = needed(cfg)
	}
	if h.state != nil && h.state.Landlock > 0 {
		return p, nil
	}
	p.Landlock, err = landlock(cfg)
	return p, err
}

// account is the one that the process is to go on as; nil to stay what it is, which root may ask for too.
func account(cfg *config.Config) (*privileges.Account, error) {
	u := &cfg.Server.User
	if u.Name == "" {
		return nil, nil
	}
	a, err := privileges.Lookup(u.Name, u.Group)
	if err != nil {
		return nil, at(u.Pos, err)
	}
	if a.UID == 0 {
		return nil, nil
	}
	return a, nil
}

// needed are the capabilities that a configuration needs, and the addresses that do so.
func needed(cfg *config.Config) (c privileges.Capabilities, low []string) {
	free := privileges.FirstFreePort()
	list := cfg.Listen
	if cfg.Admin != nil {
		list = slices.Concat(list, cfg.Admin.Listen)
	}
	for _, l := range list {
		if l.Network != "tcp" {
			continue
		}
		_, port, _ := strings.Cut(l.Addr[strings.LastIndexByte(l.Addr, ':'):], ":")
		if n, err := strconv.ParseUint(port, 10, 16); err == nil && n > 0 && uint16(n) < free {
			c, low = privileges.Bind, append(low, l.Addr)
		}
	}
	return c, low
}

// landlock is the version that the configuration wants to be enforced, 0 for none.
func landlock(cfg *config.Config) (int, error) {
	k := &cfg.Server.Landlock
	if k.Mode != "on" && (k.Mode != "auto" || !changesUser(cfg)) {
		return 0, nil
	}
	version, missing := privileges.ABI()
	if version == 0 && k.Mode == "on" {
		return 0, fmt.Errorf("server.landlock is on, but it cannot be: %s", missing)
	}
	return version, nil
}

// changesUser reports whether the configuration names a user that is not root.
func changesUser(cfg *config.Config) bool {
	a, err := account(cfg)
	return err == nil && a != nil
}

// handOn makes what the program needs that goes on: its environment, and the descriptors that it finds there.
func (h *Heritage) handOn(list *sockets, s *privileges.State) (env []string, stay []int, err error) {
	given := inheritance{Control: h.control, Out: h.out, State: s}
	if before := h.state; before != nil {
		// What is in force already stays so.
		if s.Landlock == 0 {
			s.Landlock, s.Reaches = before.Landlock, before.Reaches
		}
		if s.User == "" {
			s.User = before.User
		}
	}
	add := func(fd int32, key string, foreign bool) {
		given.Sockets, stay = append(given.Sockets, handedSocket{int(fd), key, foreign}), append(stay, int(fd))
	}
	for _, e := range list.list {
		e.each(func(fd int32) { add(fd, e.key, e.foreign) })
	}
	for _, p := range h.passed.list {
		add(p.fd, p.key, p.foreign)
	}
	if h.control > 0 {
		stay = append(stay, h.control)
	}
	if h.ready != nil {
		given.Ready = int(h.ready.Fd())
		stay = append(stay, given.Ready)
	}
	fd, err := given.write()
	if err != nil {
		return nil, nil, err
	}
	return handoverEnvironment(fd), append(stay, fd), nil
}
