package control

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/telemetry"
)

// ErrInterrupted is what Serve returns when a second signal ended it and something was cut off.
var ErrInterrupted = errors.New("interrupted while draining: connections were cut off")

// Signals are those that Serve expects on its channel.
func Signals() []os.Signal {
	return []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}
}

// Serve serves until a signal ends it. SIGTERM and SIGINT drain: nothing new is accepted, what is in flight gets
// server.timeouts.drain to finish, and the result is nil whether or not all of it could. One that comes a second later
// or after that ends the server at once, with ErrInterrupted if connections were left. Closing the channel drains as
// well. SIGHUP is Reload, SIGUSR2 Upgrade, and SIGUSR1 opens log files again. When another process has taken over, what is in flight is finished too.
//
// That it was called is what the process before, and the supervisor, have been waiting for.
func (s *Server) Serve(signals <-chan os.Signal) error {
	s.opt.Heritage.Ready()
	s.notify(readyState)
	for {
		select {
		case sig, ok := <-signals:
			switch {
			case ok && sig == syscall.SIGHUP:
				s.soon(&s.reloadDue, func() { _, _ = s.reloadNow(false) })
			case ok && sig == syscall.SIGUSR1:
				go s.logs.reopen()
			case ok && sig == syscall.SIGUSR2:
				s.soon(&s.upgradeDue, func() { _, _ = s.upgradeNow("") })
			default:
				if ok {
					s.logs.say(telemetry.Info, "draining", telemetry.String("signal", signalName(sig)), telemetry.Int("connections", s.open()))
				}
				s.notify(stoppingState)
				return s.drainUntil(signals, s.drain)
			}
		case <-s.stops:
			s.logs.say(telemetry.Info, "draining: anygate stop has asked for it", telemetry.Int("connections", s.open()))
			s.notify(stoppingState)
			return s.drainUntil(signals, s.drain)
		case pid := <-s.replaced:
			s.logs.say(telemetry.Info, "draining: another process goes on", telemetry.Int("process", int64(pid)),
				telemetry.Int("connections", s.open()))
			return s.drainUntil(signals, s.retire)
		}
	}
}

// soon has something changed when nothing else is. It is done once for all signals that come before it begins: a script
// that signals for each of a thousand files must not be followed by a thousand reloads.
func (s *Server) soon(due *atomic.Bool, change func()) {
	if !due.CompareAndSwap(false, true) {
		return
	}
	go func() {
		s.changing.Lock()
		defer s.changing.Unlock()
		due.Store(false)
		change()
	}()
}

// end makes sure that nothing is changed any more, and returns for how long what is in flight may go on.
func (s *Server) end() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ending {
		s.ending = true
		close(s.draining)
	}
	return s.cfg.Server.Timeouts.Drain
}

func (s *Server) isEnding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ending
}

// drainUntil drains, which begin begins, for at most the time that the configuration gives.
func (s *Server) drainUntil(signals <-chan os.Signal, begin func()) error {
	limit := s.end()
	begin()
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
			case sig == syscall.SIGUSR1:
				go s.logs.reopen()
			case sig != syscall.SIGHUP && sig != syscall.SIGUSR2 && time.Since(began) >= s.repeat:
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
