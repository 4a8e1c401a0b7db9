package control

import (
	"runtime"
	"strings"
	"time"

	"github.com/anygate/anygate/telemetry"
)

// authoritiesEvery is how often the files of those who vouch for clients and upstreams are looked at, and
// authoritiesAgain how long after a failure they are taken up once more.
const (
	authoritiesEvery = time.Second
	authoritiesAgain = time.Minute
)

// lookAtAuthorities has others in use if the files of those who vouch for clients and upstreams name others. It returns
// a time before which it need not be tried again.
func (s *Server) lookAtAuthorities(now, after time.Time) time.Time {
	s.registry.mu.Lock()
	trust := s.registry.trust
	s.registry.mu.Unlock()
	if trust == nil || now.Before(after) {
		return after
	}
	changed := trust.Look(s.logs.say)
	if len(changed) == 0 {
		return after
	}
	files := telemetry.String("files", strings.Join(changed, ", "))
	if err := s.recompile(); err != nil {
		s.logs.say(telemetry.Warn, "authorities cannot be replaced: the old ones stay", files, telemetry.String("error", err.Error()))
		return now.Add(authoritiesAgain)
	}
	s.logs.say(telemetry.Info, "authorities were replaced", files)
	return after
}

// recompile serves the configuration that is served, with what the files which it names hold now. As with a reload,
// connections of clients that were asked for other certificates end after what they are at.
func (s *Server) recompile() error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.isEnding() {
		return errEnding
	}
	s.mu.Lock()
	cfg := s.cfg
	s.mu.Unlock()
	draft, err := prepare(cfg, s.registry)
	if err != nil {
		return err
	}
	list, err := s.sockets.openAll(cfg.Listen)
	if err == nil {
		_, err = s.adopt(&Loaded{Config: cfg}, s.asRead, draft, list)
	}
	if err != nil {
		draft.discard()
		return err
	}
	runtime.GC() // as after a reload
	return nil
}
