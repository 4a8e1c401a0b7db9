package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/anygate/anygate/control/remote"
)

// running are the options that say which AnyGate is meant.
type running struct{ file, control string }

func (r *running) define(f *flag.FlagSet) {
	f.StringVar(&r.file, "c", "", "configuration file that it serves")
	f.StringVar(&r.control, "control", "", "name of its control socket")
}

// socket is the name of its control socket.
func (r *running) socket() (string, error) {
	if r.control != "" {
		return r.control, nil
	}
	file, err := locate(r.file)
	if err != nil {
		return "", err
	}
	return remote.Name(file)
}

// option is the one that was given, for messages.
func (r *running) option() string {
	if r.file != "" {
		return "-c " + r.file
	}
	return "--control " + r.control
}

// ask has the running AnyGate do something, and prints what came of it.
func (r *running) ask(t terminal, q remote.Request) int {
	name, err := r.socket()
	if err != nil {
		return failed(t, err)
	}
	q.Anywhere = r.control != ""
	a, by, err := remote.Ask(context.Background(), name, q)
	if errors.Is(err, remote.ErrElsewhere) {
		return failed(t, fmt.Errorf("%s: %w: give each its own name by serve --control, or add --control %s here if that one is meant", q.Do, err, name))
	}
	if by.UID != 0 && os.Geteuid() == 0 {
		fmt.Fprintf(t.err, "anygate: this was for process %d, of the user %s\n", by.PID, userName(by.UID))
	}
	if err != nil {
		return failed(t, fmt.Errorf("%s: %w", q.Do, err))
	}
	text := a.Text
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if !a.OK {
		_, _ = io.WriteString(t.err, text)
		return exitFailure
	}
	_, err = io.WriteString(t.out, text)
	return printed(t, err)
}

// userName is how people call a user.
func userName(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}

// reload makes the running process serve the configuration as it is now.
func reload(t terminal, args []string) int {
	var r running
	var dry bool
	if _, err := parse(t, "reload", args, 0, func(f *flag.FlagSet) {
		r.define(f)
		f.BoolVar(&dry, "dry-run", false, "say what would change, and change nothing")
	}); err != nil {
		return exitOf(err)
	}
	return r.ask(t, remote.Request{Do: remote.Reload, Dry: dry})
}

// upgrade makes the running process start another one that goes on in its place.
func upgrade(t terminal, args []string) int {
	var r running
	var program string
	if _, err := parse(t, "upgrade", args, 0, func(f *flag.FlagSet) {
		r.define(f)
		f.StringVar(&program, "program", "", "program to go on with, if not the one at the path of the running one")
	}); err != nil {
		return exitOf(err)
	}
	if program != "" {
		// The process may have another working directory.
		path, err := filepath.Abs(program)
		if err != nil {
			return failed(t, err)
		}
		program = path
	}
	return r.ask(t, remote.Request{Do: remote.Upgrade, Program: program})
}

// stop drains the running process, and waits for its end.
func stop(t terminal, args []string) int {
	var r running
	if _, err := parse(t, "stop", args, 0, r.define); err != nil {
		return exitOf(err)
	}
	return r.ask(t, remote.Request{Do: remote.Stop})
}
