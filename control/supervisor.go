package control

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/telemetry"
)

// supervisor is who has started the process and wants to know how it is doing: systemd, by the protocol of sd_notify(3).
type supervisor struct {
	socket   string        // where it is told; empty if nobody wants to know
	watchdog time.Duration // how often it wants to hear that all is well, 0 for never

	stop chan struct{}
}

// What the supervisor is told.
const (
	readyState    = "READY=1"
	stoppingState = "STOPPING=1"
)

// reloadingState comes with the time at which it began, which tells it from reloads before (Type=notify-reload).
func reloadingState() string {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000)
}

// notify tells the supervisor something. That it cannot be told is worth a line, and no more.
func (s *Server) notify(state string) {
	s.mu.Lock()
	socket := s.supervisor.socket
	s.mu.Unlock()
	if socket == "" {
		return
	}
	if err := tellSocket(socket, state); err != nil {
		s.logs.say(telemetry.Warn, "the supervisor cannot be told of the state of this process", telemetry.String("error", err.Error()))
	}
}

func tellSocket(name, state string) error {
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte(state))
	return err
}

// attend begins what goes on beside serving: the supervisor hears that all is well, as long as all shards answer, and the
// files of the configuration are looked at, and those of authorities.
func (s *Server) attend() {
	v := &s.supervisor
	v.stop = make(chan struct{})
	if v.socket != "" && v.watchdog > 0 {
		go s.every(v.watchdog/2, s.reassure)
	}
	var after time.Time
	go s.every(authoritiesEvery, func() { after = s.lookAtAuthorities(time.Now(), after) })
	if s.opt.Watch && s.opt.Load != nil {
		seen := s.look()
		go s.every(filesPoll, func() { s.lookAtFiles(seen) })
	}
}

// every calls f again and again until the process ends.
func (s *Server) every(d time.Duration, f func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-s.supervisor.stop:
			return
		case <-tick.C:
			f()
		}
	}
}

// reassure tells the supervisor that all is well if every shard has answered what it was asked the last time.
func (s *Server) reassure() {
	well := true
	s.mu.Lock()
	for _, sh := range s.shards {
		well = well && sh.asked.Load() == sh.looked.Load()
		if !s.ending {
			sh.look()
		}
	}
	s.mu.Unlock()
	if well {
		s.notify("WATCHDOG=1")
	}
}

// close ends what attend has begun, without waiting: it may be about to reload, and finds that nothing can be changed.
func (v *supervisor) close() {
	if v.stop != nil {
		close(v.stop)
	}
}
