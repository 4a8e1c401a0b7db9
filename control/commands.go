package control

import (
	"fmt"
	"os"
	"time"

	"github.com/anygate/anygate/control/metrics"
	"github.com/anygate/anygate/control/remote"
	"github.com/anygate/anygate/telemetry"
)

// openControl listens to commands. That it cannot is no reason not to serve: signals do the same.
func (s *Server) openControl() {
	if s.opt.Control == "" {
		return
	}
	fd := 0
	if h := s.opt.Heritage; h != nil {
		fd = h.control
	}
	server, err := remote.Listen(s.opt.Control, fd, s.answer)
	if err != nil {
		s.logs.say(telemetry.Warn, "there is no control socket: anygate reload, upgrade and stop do not reach this process, and may reach another one; signals do",
			telemetry.String("error", err.Error()))
		return
	}
	s.control = server
}

// answer does what a command asks for.
func (s *Server) answer(r remote.Request, by remote.Peer) remote.Answer {
	switch r.Do {
	case remote.Reload:
		report, err := s.Reload(r.Dry)
		if err != nil {
			return remote.Answer{Text: err.Error()}
		}
		text := report.String()
		if !r.Dry {
			text += fmt.Sprintf("loaded in %v\n", report.Took.Round(time.Millisecond))
		}
		return remote.Answer{OK: true, Text: text}
	case remote.Upgrade:
		// Another program is handed what root alone may read. The one that is there already nobody else can replace.
		if state := s.opt.Heritage.given(); r.Program != "" && by.UID != 0 && state != nil && state.User != "" {
			return remote.Answer{Text: "this process was started as root, and has what its user may not read: only root may name the program that goes on"}
		}
		pid, err := s.Upgrade(r.Program)
		if err != nil {
			return remote.Answer{Text: err.Error()}
		}
		return remote.Answer{OK: true, Text: fmt.Sprintf("process %d goes on; process %d finishes what it has\n", pid, os.Getpid())}
	case remote.Stop:
		select {
		case s.stops <- struct{}{}:
		default:
		}
		return remote.Answer{OK: true, Wait: true}
	case remote.Health:
		var silent string
		s.Measure(func(r *metrics.Readings) { silent = r.Silent() })
		if silent != "" {
			return remote.Answer{Looked: true, Text: "shards that do not answer: " + silent}
		}
		return remote.Answer{OK: true, Looked: true}
	}
	return remote.Answer{Text: "this version does not know the command " + r.Do}
}
