package control

import (
	"slices"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/mark"
)

// look is what the files of a configuration were like.
type look struct {
	of           *config.Config
	loaded, seen []mark.Mark
}

// look is what is served, and what its files were like when they were read.
func (s *Server) look() *look {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &look{s.cfg, s.asRead, s.asRead}
}

// stateBefore is what the files of a configuration were like when they were read, at the latest: of those that had a part in
// the one before, before they were read. A change that comes while a configuration is being loaded is seen afterwards.
func stateBefore(had *config.Config, before []mark.Mark, cfg *config.Config) []mark.Mark {
	list := make([]mark.Mark, len(cfg.Files))
	for i, name := range cfg.Files {
		if k := slices.Index(had.Files, name); k >= 0 {
			list[i] = before[k]
		} else {
			list[i] = mark.At(name)
		}
	}
	return list
}

func stateOfFiles(cfg *config.Config) []mark.Mark {
	list := make([]mark.Mark, len(cfg.Files))
	for i, name := range cfg.Files {
		list[i] = mark.At(name)
	}
	return list
}

// lookAtFiles reloads if the files have changed, and have been the same for two looks, so that nothing half-written is
// read. A configuration that was refused is not loaded again before it changes.
func (s *Server) lookAtFiles(l *look) {
	s.mu.Lock()
	cfg := s.cfg
	s.mu.Unlock()
	if cfg != l.of {
		// Somebody else has reloaded, and other files may have been read.
		*l = *s.look()
		return
	}
	now := stateOfFiles(cfg)
	settled := slices.Equal(now, l.seen)
	l.seen = now
	if !settled || slices.Equal(now, l.loaded) {
		return
	}
	l.loaded = now
	_, _ = s.Reload(false) // which logs what comes of it
}
