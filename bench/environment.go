package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/proc"
	"github.com/anygate/anygate/bench/internal/report"
)

// environment describes the machine and the state of the repository.
func environment(ctx context.Context, module string, allowed proc.CPUs) report.Environment {
	e := report.Environment{
		Started: time.Now(),
		// The program's path is that of a temporary build and tells nobody anything.
		Command:    append([]string{"go", "run", "./bench"}, os.Args[1:]...),
		Commit:     commit(ctx, module),
		Kernel:     kernel(),
		CPU:        field("/proc/cpuinfo", "model name"),
		CPUs:       len(allowed),
		Memory:     field("/proc/meminfo", "MemTotal"),
		Go:         runtime.Version(),
		Wrk:        "missing",
		H2load:     "missing",
		LoadBefore: loadAverage(),
	}
	if wrk, err := load.FindWrk(); err == nil {
		// wrk prints its version above its usage and leaves with an error.
		text, _ := exec.CommandContext(ctx, wrk, "-v").CombinedOutput()
		e.Wrk, _, _ = strings.Cut(string(text), "\n")
	}
	if h2load, err := load.FindH2load(); err == nil {
		text, _ := exec.CommandContext(ctx, h2load, "--version").CombinedOutput()
		e.H2load, _, _ = strings.Cut(string(text), "\n")
	}
	return e
}

// commit names the state of the repository, and says if it holds changes that are in no commit.
func commit(ctx context.Context, module string) string {
	git := func(arguments ...string) string {
		command := exec.CommandContext(ctx, "git", arguments...)
		command.Dir = module
		text, err := command.Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(text))
	}
	name := git("rev-parse", "--short=12", "HEAD")
	if name == "" {
		return "unknown"
	}
	if git("status", "--porcelain", "--untracked-files=no") != "" {
		name += " with changes"
	}
	return name
}

func kernel() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
}

// field returns the value of the first "name : value" line of a file in /proc.
func field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// write puts the report into a directory in all its forms.
func write(r *report.Report, folder string) error {
	if err := r.WriteJSON(filepath.Join(folder, "report.json")); err != nil {
		return err
	}
	for name, form := range map[string]func(*os.File) error{
		"report.md":   func(f *os.File) error { return r.WriteMarkdown(f) },
		"report.html": func(f *os.File) error { return r.WriteHTML(f) },
	} {
		file, err := os.Create(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		err = form(file)
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}
