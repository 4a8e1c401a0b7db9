package main

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/anygate/anygate/control"
)

// versionNumber is the version of this source.
const versionNumber = "0.1.0"

// commit is set by the linker (-X main.commit=...) where the build does not record it.
var commit string

// version prints what this program is and what it would run on.
func version(t terminal, args []string) int {
	if _, err := parse(t, "version", args, 0, func(*flag.FlagSet) {}); err != nil {
		return exitOf(err)
	}
	fmt.Fprintf(t.out, "anygate %s\n", versionNumber)
	fmt.Fprintf(t.out, "commit  %s\n", commitID())
	fmt.Fprintf(t.out, "go      %s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(t.out, "kernel  %s\n", control.Kernel())
	backend, err := control.ChooseBackend("auto")
	switch {
	case err != nil:
		return failed(t, err)
	case backend.Cause != "":
		fmt.Fprintf(t.out, "engine  %s, because %s; %s\n", backend.Kind, backend.Cause, backend.Cure)
	default:
		fmt.Fprintf(t.out, "engine  %s: %s\n", backend.Kind, backend.Features)
	}
	return exitOK
}

// commitID is the commit this program was built from.
func commitID() string {
	if commit != "" {
		return commit
	}
	id, dirty := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				id = s.Value
			case "vcs.modified":
				if s.Value == "true" {
					dirty = " (modified)"
				}
			}
		}
	}
	if id == "" {
		return "unknown"
	}
	return id[:min(len(id), 12)] + dirty
}
