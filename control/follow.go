package control

import (
	"os"
	"slices"
	"time"

	"github.com/anygate/anygate/config"
)

// look is what the files of a configuration were like.
type look struct {
	of           *config.Config
	loaded, seen []fileState
}

// fileState tells a file from another one in its place.
type fileState struct {
	inode   uint64
	size    int64
	changed time.Time
}

func newLook(cfg *config.Config) *look {
	states := stateOfFiles(cfg)
	return &look{cfg, states, states}
}

func stateOfFiles(cfg *config.Config) []fileState {
	list := make([]fileState, len(cfg.Files))
	for i, name := range cfg.Files {
		if info, err := os.Stat(name); err == nil {
			list[i] = fileState{inodeOf(info), info.Size(), info.ModTime()}
		}
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
		*l = *newLook(cfg)
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
