package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control"
)

// defaultFiles are where a configuration is looked for, in this order.
var defaultFiles = []string{"anygate.yml", "/etc/anygate/anygate.yml"}

// errNoConfig says that there is no configuration to be found.
var errNoConfig = errors.New("no configuration: there is neither ./anygate.yml nor /etc/anygate/anygate.yml; name one with -c FILE")

// locate returns the name of the configuration: the one that is given, or the first default that exists.
func locate(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	for _, name := range defaultFiles {
		// Anything but its absence is an error to be told when it is read.
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
	}
	return "", errNoConfig
}

// load reads a configuration, and prints what is wrong with it. The Config is nil if anything is.
func load(t terminal, name string) *config.Config {
	cfg, diagnostics := config.LoadAt(name, time.Now())
	if report(t, diagnostics) {
		return nil
	}
	return cfg
}

// refused prints why a configuration is not served.
func refused(t terminal, err error) int {
	if invalid, ok := errors.AsType[*control.Invalid](err); ok {
		report(t, invalid.Diagnostics)
		return exitFailure
	}
	return failed(t, err)
}

// report prints diagnostics, and returns whether there are any.
func report(t terminal, diagnostics config.Diagnostics) bool {
	if len(diagnostics) == 0 {
		return false
	}
	fmt.Fprintln(t.err, diagnostics.String())
	fmt.Fprintln(t.err, diagnostics.Summary())
	return true
}
