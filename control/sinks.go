package control

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/anygate/anygate/control/destination"
)

// sink is what lines are written to. Two logs may have the same: a line is then never written into another one.
type sink struct {
	name  string // as the configuration has it
	key   string // the same for what is the same
	mu    sync.Mutex
	out   io.Writer
	file  *destination.File // nil if it is none
	close func() error      // nil if it is not ours
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

// sinks are those of a configuration.
type sinks struct {
	stdout, stderr io.Writer
	base           string // where paths begin
	list           []*sink
}

// The messages of syslog.
var (
	errorKind  = destination.Kind{ID: "error", Levels: true}
	accessKind = destination.Kind{ID: "access"}
)

// open returns the sink for a destination of the configuration: one that is there already, here or among those before.
func (s *sinks) open(to string, kind destination.Kind, before *sinks) (*sink, error) {
	n := &sink{name: to, key: to}
	path := ""
	switch {
	case to == "stdout":
		n.out = s.stdout
	case to == "stderr":
		n.out = s.stderr
	case to == "syslog" || strings.HasPrefix(to, "syslog:") || strings.HasPrefix(to, "syslog+tcp:"):
		n.key += " " + kind.ID
	default:
		if path = to; !filepath.IsAbs(path) {
			path = filepath.Join(s.base, path)
		}
		n.key = path
	}
	for _, list := range [][]*sink{s.list, before.list} {
		if i := slices.IndexFunc(list, func(e *sink) bool { return e.key == n.key }); i >= 0 {
			if e := list[i]; !slices.Contains(s.list, e) {
				s.list = append(s.list, e)
			}
			return list[i], nil
		}
	}
	switch {
	case path != "":
		f, err := destination.OpenFile(path)
		if err != nil {
			return nil, fmt.Errorf("cannot write a log to %s: %s", path, cause(err))
		}
		n.out, n.file, n.close = f, f, f.Close
	case n.out == nil:
		l := destination.NewSyslog(to, kind)
		n.out, n.close = l, l.Close
	}
	s.list = append(s.list, n)
	return n, nil
}

// but are those that others do not have.
func (s *sinks) but(others *sinks) (list []*sink) {
	for _, e := range s.list {
		if !slices.Contains(others.list, e) {
			list = append(list, e)
		}
	}
	return list
}

// closeAll closes those that are ours, each when nothing is being written to it.
func closeAll(list []*sink) {
	for _, e := range list {
		if e.close == nil {
			continue
		}
		e.mu.Lock()
		_ = e.close()
		e.mu.Unlock()
	}
}
