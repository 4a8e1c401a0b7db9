package control

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/control/privileges"
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/telemetry"
)

// Upgrade starts another process in the place of this one, with the same arguments and the same listening sockets: the
// program at a path, that of this one if it is empty, which may be another one by now. It returns when the other one
// serves. From then on this one takes nothing new, and Serve ends when what it has is over. If the other one does not come
// to serve, this one goes on as if nothing had happened, and the error says why.
//
// Both accept from the same sockets until this one stops, so no connection is refused or reset.
func (s *Server) Upgrade(program string) (pid int, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	return s.upgradeNow(program)
}

// upgradeNow is Upgrade for who holds changing.
func (s *Server) upgradeNow(program string) (pid int, err error) {
	defer func() {
		switch {
		case errors.Is(err, errEnding):
			s.logs.say(telemetry.Info, "there is no upgrade: this process is ending")
		case err != nil:
			s.told.upgradeFailed()
			s.logs.say(telemetry.Error, "the upgrade has failed: this process stays", telemetry.String("error", err.Error()))
		}
	}()
	if !s.opt.OwnProcess {
		return 0, errors.New("this server is part of another program, which cannot be started again by it")
	}
	if s.isEnding() {
		return 0, errEnding
	}
	if program == "" {
		if program, err = ownProgram(); err != nil {
			return 0, err
		}
	}
	h, err := s.heir(program)
	defer func() {
		if err != nil {
			s.registry.takeBack()
		}
	}()
	if err != nil {
		return 0, err
	}
	defer h.close()
	if err = s.startHeir(h); err != nil {
		return 0, err
	}
	pid = h.pid
	// Behind this the supervisor looks after the other one, and must not be told of the end of this one.
	s.notify(fmt.Sprintf("MAINPID=%d\n%s", pid, readyState))
	s.mu.Lock()
	s.supervisor.socket = ""
	s.mu.Unlock()
	s.control.Leave()
	// So are the admin's addresses.
	s.leaveAdmin()
	// The paths of unix sockets are the other one's.
	s.sockets.paths = nil
	s.end()
	s.logs.say(telemetry.Info, "another process goes on", telemetry.Int("process", int64(pid)), telemetry.String("program", program))
	s.replaced <- pid
	return pid, nil
}

// ownProgram is the path of this program. A program that was replaced has another file at the same path.
func ownProgram() (string, error) {
	path, err := os.Executable()
	return strings.TrimSuffix(path, " (deleted)"), err
}

// heir is another process that is to go on in the place of this one.
type heir struct {
	program string
	env     []string
	// fds are the descriptors that it gets, by their numbers there. All but the standard ones are copies: those of the
	// shards may be closed by them at any time. They stay numbers, because a file of package os would make the sockets
	// behind them block, for this process as well.
	fds  []uintptr
	said *os.File // takes the word that it serves
	pid  int
}

func (s *Server) heir(program string) (h *heir, err error) {
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("open", err)
	}
	h = &heir{program: program, fds: []uintptr{uintptr(null), 1, 2}}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	var given inheritance
	var failed error
	hand := func(fd int32, key string, foreign bool) {
		own, err := engine.Duplicate(fd)
		if err != nil {
			failed = err
			return
		}
		given.Sockets = append(given.Sockets, handedSocket{h.pass(int(own)), key, foreign})
	}
	for _, e := range s.sockets.list {
		e.each(func(fd int32) { hand(fd, e.key, e.foreign) })
	}
	err = s.handDoors(func(fd int32, key string) { hand(fd, key, false) })
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	if s.control != nil {
		own, err := s.control.Duplicate()
		if err != nil {
			return nil, err
		}
		given.Control = h.pass(own)
	}
	given.State = s.opt.Heritage.given()
	given.Out = s.registry.handOver()
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	given.Ready = h.pass(pipe[1])
	list, err := given.write()
	if err != nil {
		_ = unix.Close(pipe[0])
		return nil, err
	}
	h.env = handoverEnvironment(h.pass(list))
	_ = unix.SetNonblock(pipe[0], true) // which lets its Close end a Read
	h.said = os.NewFile(uintptr(pipe[0]), "ready")
	return h, nil
}

// pass adds a descriptor, and returns its number in the other process.
func (h *heir) pass(fd int) int {
	h.fds = append(h.fds, uintptr(fd))
	return len(h.fds) - 1
}

// leave closes what is the other process's.
func (h *heir) leave() {
	for i, fd := range h.fds {
		if i != 1 && i != 2 {
			_ = unix.Close(int(fd))
		}
	}
	h.fds = nil
}

func (h *heir) close() {
	h.leave()
	if h.said != nil {
		_ = h.said.Close()
	}
}

// startHeir starts the other process, and waits until it serves.
func (s *Server) startHeir(h *heir) error {
	pid, _, err := syscall.StartProcess(h.program, os.Args, &syscall.ProcAttr{Env: h.env, Files: h.fds})
	h.leave()
	if err != nil {
		if s := s.opt.Heritage.given(); errors.Is(err, fs.ErrPermission) && s != nil && s.Landlock > 0 && !s.Reaches.Allow(h.program, privileges.Execute) {
			return fmt.Errorf("cannot start %s: %w: Landlock lets this process execute what is in %s", h.program, err, strings.Join(s.Reaches.Paths(privileges.Execute), " "))
		}
		return fmt.Errorf("cannot start %s: %w", h.program, err)
	}
	h.pid = pid
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	ended := make(chan string, 1)
	go func() {
		state, err := process.Wait()
		if err != nil {
			ended <- err.Error()
			return
		}
		ended <- state.String()
	}()
	word := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(h.said).ReadString('\n')
		word <- line
	}()
	late := time.NewTimer(upgradeTime)
	defer late.Stop()
	select {
	case line := <-word:
		if line == readyWord {
			return nil
		}
		// It has closed its end without a word: it is about to end, or is no AnyGate.
		select {
		case how := <-ended:
			return fmt.Errorf("the other process did not come to serve (%s): its messages are in the error output of this one", how)
		case <-late.C:
		case <-s.draining:
		}
	case <-late.C:
	case <-s.draining:
	}
	_ = process.Kill()
	select {
	case <-ended: // nothing that it has under way comes after what is put in order here
	case <-time.After(heirEndTime):
	}
	if s.isEnding() {
		return errEnding
	}
	return fmt.Errorf("the other process did not come to serve within %v, and was ended", upgradeTime)
}
