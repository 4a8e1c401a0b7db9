package control

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/privileges"
	"github.com/anygate/anygate/route"
)

// want is a path that a configuration needs.
type want struct {
	path   string
	access privileges.Access
	// around says that what stands at the path may be replaced by a rename, so that the directory around it is needed to
	// find what comes after it.
	around bool
	pos    config.Pos
}

// wants are the paths that a configuration needs, those of the system left out.
func wants(cfg *config.Config) (list []want) {
	read := func(path string, pos config.Pos) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(cfg.BaseDir, path)
		}
		list = append(list, want{path, privileges.Read, true, pos})
	}
	for _, name := range cfg.Files {
		list = append(list, want{name, privileges.Read, true, config.Pos{}})
	}
	for _, name := range cfg.References() {
		read(name, config.Pos{})
	}
	for i := range cfg.Routes {
		if r := &cfg.Routes[i]; r.Action.Kind == route.Static {
			list = append(list, want{r.Static.Root, privileges.Read, true, r.Pos})
		}
	}
	if t := cfg.TLS; t != nil {
		if t.OCSP.Cache != nil {
			list = append(list, want{t.OCSP.Cache.Name, privileges.Write, false, t.OCSP.Cache.Pos})
		}
		if t.ECH != nil {
			list = append(list, want{t.ECH.Keys.Name, privileges.Write, false, t.ECH.Keys.Pos})
		}
	}
	for _, name := range cfg.LogFiles() {
		list = append(list, want{name, privileges.Write, true, config.Pos{}})
	}
	listeners := cfg.Listen
	if cfg.Admin != nil {
		listeners = slices.Concat(listeners, cfg.Admin.Listen)
	}
	for _, l := range listeners {
		if l.Network == "unix" && l.Addr[0] != '@' {
			list = append(list, want{l.Addr, privileges.Sockets, true, l.Pos})
		}
	}
	for _, f := range cfg.Server.Landlock.Read {
		list = append(list, want{f.Name, privileges.Read, false, f.Pos})
	}
	for _, f := range cfg.Server.Landlock.Write {
		list = append(list, want{f.Name, privileges.Write, false, f.Pos})
	}
	return list
}

// systemPaths are what every configuration needs: names are looked up and authorities trusted as the system is set up to,
// and limits are those that the kernel tells of.
var systemPaths = []string{
	"/etc", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/share/zoneinfo", "/run/systemd/resolve",
	"/proc", "/sys/fs/cgroup", "/sys/devices/system/cpu",
}

// reaches is the list that Landlock is told of: what the configuration needs, the system, the program, and further paths
// that the command line names.
func reaches(cfg *config.Config, patterns []string, o *Confinement) (list privileges.Reaches) {
	for _, w := range wants(cfg) {
		if w.around {
			list.AddAround(w.path, w.access)
		}
		// A socket stands in its directory; what else is named is used itself.
		if w.access != privileges.Sockets {
			list.Add(w.path, w.access)
		}
	}
	// A pattern may match nothing yet.
	for _, p := range patterns {
		list.AddAround(p, privileges.Read)
	}
	for _, path := range o.Reads {
		list.AddAround(path, privileges.Read)
	}
	for _, path := range o.Writes {
		list.AddAround(path, privileges.Write)
	}
	if o.Control != "" && o.Control[0] != '@' {
		list.AddAround(o.Control, privileges.Sockets)
	}
	for _, path := range systemPaths {
		list.Add(path, privileges.Read)
	}
	// Those are links mostly, to files that are replaced.
	list.AddAround("/etc/resolv.conf", privileges.Read)
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		for _, path := range filepath.SplitList(os.Getenv(name)) {
			list.Add(path, privileges.Read)
		}
	}
	list.Add(os.DevNull, privileges.Read|privileges.Write)
	list.AddProgram()
	return list
}

// outside are the paths of a configuration that Landlock keeps the process from, as errors that name where they stand.
func outside(cfg *config.Config, s *privileges.State) error {
	if s == nil || s.Landlock == 0 {
		return nil
	}
	var errs []error
	for _, w := range wants(cfg) {
		path := w.path
		if w.access == privileges.Sockets {
			path = filepath.Dir(path)
		}
		if s.Reaches.Allow(path, w.access) {
			continue
		}
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			// It could not be let through when there was nothing: that is what to see to first.
			errs = append(errs, at(w.pos, fmt.Errorf("there is no %s", path)))
		} else {
			errs = append(errs, at(w.pos, fmt.Errorf("%s cannot be used: %s", w.path, privileges.Outside)))
		}
	}
	return errors.Join(errs...)
}
