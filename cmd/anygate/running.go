package main

import (
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/anygate/anygate/control/remote"
)

// running are the options that say which AnyGate is meant.
type running struct{ file, control string }

func (r *running) define(f *flag.FlagSet) {
	f.StringVar(&r.file, "c", "", "configuration file that it serves")
	f.StringVar(&r.control, "control", "", "name of its control socket")
}

// ask has the running AnyGate do something, and prints what came of it.
func (r *running) ask(t terminal, q remote.Request) int {
	name := r.control
	if name == "" {
		file, err := locate(r.file)
		if err != nil {
			return failed(t, err)
		}
		if name, err = remote.Name(file); err != nil {
			return failed(t, err)
		}
	}
	a, err := remote.Ask(name, q)
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
