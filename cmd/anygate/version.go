package main

import (
	"flag"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

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
	var b strings.Builder
	fmt.Fprintf(&b, "anygate %s\n", versionNumber)
	fmt.Fprintf(&b, "commit  %s\n", commitID())
	fmt.Fprintf(&b, "go      %s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(&b, "kernel  %s\n", control.Kernel())
	backend, err := control.ChooseBackend("auto")
	switch {
	case err != nil:
		return failed(t, err)
	case backend.Cause != "":
		fmt.Fprintf(&b, "engine  %s, because %s; %s\n", backend.Kind, backend.Cause, backend.Cure)
	default:
		fmt.Fprintf(&b, "engine  %s: %s\n", backend.Kind, backend.Features)
	}
	_, err = io.WriteString(t.out, b.String())
	return printed(t, err)
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
