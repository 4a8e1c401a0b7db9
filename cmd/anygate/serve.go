package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/anygate/anygate/cmd/anygate/demo"
	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control"
)

// serve serves until a signal ends it.
func serve(t terminal, args []string) int {
	var file, listen string
	words, err := parse(t, "serve", args, 1, func(f *flag.FlagSet) {
		f.StringVar(&file, "c", "", "configuration file")
		f.StringVar(&listen, "listen", "", "address to listen on")
	})
	if err != nil {
		return exitOf(err)
	}
	if len(words) > 0 && file != "" {
		fmt.Fprintf(t.err, "anygate serve: %s and -c %s exclude each other\n", words[0], file)
		return exitUsage
	}

	var cfg *config.Config
	hint := func() {}
	switch name, err := locate(file); {
	case len(words) > 0:
		cfg = forTarget(t, words[0], listen)
	case err == nil:
		cfg = load(t, name)
	default:
		site, err := demo.Open()
		if err != nil {
			return failed(t, err)
		}
		defer site.Close()
		cfg = site.Config
		hint = func() { fmt.Fprintln(t.err, "anygate: there is no configuration, so this is the demo site") }
	}
	if cfg == nil {
		return exitFailure
	}
	if listen != "" && len(words) == 0 {
		changed, diagnostics := withListen(cfg, listen)
		if report(t, diagnostics) {
			return exitFailure
		}
		cfg = changed
	}
	server, err := control.Start(control.Options{
		Config: cfg, Version: versionNumber, Stdout: t.out, Stderr: t.err, OwnProcess: true,
	})
	if err != nil {
		return failed(t, err)
	}
	hint()
	if err := server.Serve(t.signals); errors.Is(err, control.ErrInterrupted) {
		return exitFailure
	}
	return exitOK
}

// forTarget makes the configuration of "anygate serve ./dist" or "anygate serve http://localhost:3000".
func forTarget(t terminal, target, listen string) *config.Config {
	var cfg *config.Config
	var diagnostics config.Diagnostics
	if strings.Contains(target, "://") || strings.HasPrefix(target, "unix:") {
		cfg, diagnostics = config.ForUpstream(target, listen)
	} else {
		if _, err := os.Stat(target); err != nil {
			if host, port, e := net.SplitHostPort(target); e == nil && port != "" && !strings.Contains(target, "/") {
				if host == "" {
					host = "localhost"
				}
				fmt.Fprintf(t.err, "anygate: there is no directory %q; did you mean \"http://%s\"?\n", target, net.JoinHostPort(host, port))
				return nil
			}
		}
		cfg, diagnostics = config.ForDirectory(target, listen)
	}
	if report(t, diagnostics) {
		return nil
	}
	return cfg
}
