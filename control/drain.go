package control

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/telemetry"
)

// ErrInterrupted is what Serve returns when a second signal ended it and something was cut off.
var ErrInterrupted = errors.New("interrupted while draining: connections were cut off")

// Signals are those that Serve expects on its channel.
func Signals() []os.Signal { return []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} }

// Serve serves until a signal ends it. SIGTERM and SIGINT drain: nothing new is accepted, what is in flight gets
// server.timeouts.drain to finish, and the result is nil whether or not all of it could. One that comes a second later
// or after that ends the server at once, with ErrInterrupted if connections were left. Closing the channel drains as
// well.
func (s *Server) Serve(signals <-chan os.Signal) error {
	for sig := range signals {
		if sig == syscall.SIGHUP {
			s.logs.say(telemetry.Warn, "reload is not available in this version: restart to use a changed configuration")
			continue
		}
		s.logs.say(telemetry.Info, "draining", telemetry.String("signal", signalName(sig)), telemetry.Int("connections", s.open()))
		break
	}
	return s.drainUntil(signals, s.opt.Config.Server.Timeouts.Drain)
}

// drainUntil drains for at most the given time.
func (s *Server) drainUntil(signals <-chan os.Signal, limit time.Duration) error {
	s.drain()
	began := time.Now()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	poll := time.NewTicker(drainPoll)
	defer poll.Stop()
	for {
		select {
		case sig, ok := <-signals:
			switch {
			case !ok:
				signals = nil
			case sig != syscall.SIGHUP && time.Since(began) >= s.repeat:
				left := s.left()
				s.stop()
				if left == 0 {
					return s.finish()
				}
				s.logs.say(telemetry.Warn, ErrInterrupted.Error(), telemetry.Int("connections", left))
				return errors.Join(ErrInterrupted, s.finish())
			}
		case <-poll.C:
			if s.drained() {
				s.stop()
				return s.finish()
			}
		case <-deadline.C:
			s.logs.say(telemetry.Warn, "the time for draining is over: connections were cut off", telemetry.Int("connections", s.left()))
			s.stop()
			return s.finish()
		}
	}
}

// signalName is the name of a signal as operators write it, SIGTERM say.
func signalName(sig os.Signal) string {
	if number, ok := sig.(syscall.Signal); ok {
		if name := unix.SignalName(number); name != "" {
			return name
		}
	}
	return sig.String()
}
