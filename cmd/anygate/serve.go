package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"github.com/anygate/anygate/cmd/anygate/demo"
	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control"
)

// serve serves until a signal ends it.
func serve(t terminal, args []string) int {
	var file string
	var listen []string
	var showDemo bool
	var keyLog string
	var trust trusting
	words, err := parse(t, "serve", args, 1, func(f *flag.FlagSet) {
		f.StringVar(&file, "c", "", "configuration file")
		f.Func("listen", "address to listen on", func(s string) error { listen = append(listen, s); return nil })
		f.BoolVar(&showDemo, "demo", false, "serve the demo site, whatever configuration there is")
		trust.define(f)
		f.StringVar(&keyLog, "tls-key-log", "", "write the secrets of TLS connections to a file, for debugging")
	})
	if err != nil {
		return exitOf(err)
	}
	switch {
	case len(words) > 0 && file != "":
		fmt.Fprintf(t.err, "anygate serve: %s and -c %s exclude each other\n", words[0], file)
		return exitUsage
	case showDemo && (len(words) > 0 || file != ""):
		fmt.Fprintln(t.err, "anygate serve: --demo and another thing to serve exclude each other")
		return exitUsage
	}
	if wrong := trust.misused(len(words) == 0 && !showDemo); wrong != "" {
		fmt.Fprintln(t.err, "anygate serve: "+wrong)
		return exitUsage
	}

	var verified *signed
	var cfg *config.Config
	hint := func(*control.Server) {}
	switch name, err := locate(file); {
	case len(words) > 0:
		cfg = forTarget(t, words[0])
	case err != nil && trust.wanted():
		return failed(t, err)
	case trust.wanted():
		var diagnostics config.Diagnostics
		if verified, cfg, diagnostics, err = trust.open(name); err != nil {
			return failed(t, err)
		}
		if report(t, diagnostics) {
			return exitFailure
		}
	case err == nil && !showDemo:
		cfg = load(t, name)
	default:
		site, err := demo.Open()
		if err != nil {
			return failed(t, err)
		}
		defer site.Close()
		cfg = site.Config
		hint = func(s *control.Server) {
			if !showDemo {
				fmt.Fprintln(t.err, "anygate: there is no configuration, so this is the demo site")
			}
			if url := browseURL(s.Addresses()); url != "" {
				fmt.Fprintf(t.err, "anygate: open %s\n", url)
			}
		}
	}
	if cfg == nil {
		return exitFailure
	}
	if len(listen) > 0 {
		changed, diagnostics := cfg.WithListen(listen)
		if report(t, diagnostics) {
			return exitFailure
		}
		cfg = changed
	}
	server, err := control.Start(control.Options{
		Config: cfg, Version: versionNumber, Stdout: t.out, Stderr: t.err, OwnProcess: true,
		KeyLog: keyLog,
	})
	if err != nil {
		return failed(t, err)
	}
	if verified != nil {
		if err := verified.accept(); err != nil {
			end := make(chan os.Signal, 1)
			end <- syscall.SIGTERM
			_ = server.Serve(end)
			return failed(t, err)
		}
		fmt.Fprintf(t.err, "anygate: the configuration is %s\n", verified)
	}
	hint(server)
	if err := server.Serve(t.signals); errors.Is(err, control.ErrInterrupted) {
		return exitFailure
	}
	return exitOK
}

// browseURL is what a browser on this machine opens to see what is served on one of the addresses, or empty if they are
// all sockets in the file system.
func browseURL(addrs []string) string {
	for _, addr := range addrs {
		if strings.HasPrefix(addr, "unix:") {
			continue
		}
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			continue
		}
		if ip, err := netip.ParseAddr(host); err != nil || ip.IsUnspecified() {
			host = "localhost"
		}
		if port == "80" {
			if strings.Contains(host, ":") {
				host = "[" + host + "]"
			}
			return "http://" + host + "/"
		}
		return "http://" + net.JoinHostPort(host, port) + "/"
	}
	return ""
}

// forTarget makes the configuration of "anygate serve ./dist" or "anygate serve http://localhost:3000".
func forTarget(t terminal, target string) *config.Config {
	var cfg *config.Config
	var diagnostics config.Diagnostics
	if strings.Contains(target, "://") || strings.HasPrefix(target, "unix:") {
		cfg, diagnostics = config.ForUpstream(target, "")
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
		cfg, diagnostics = config.ForDirectory(target, "")
	}
	if report(t, diagnostics) {
		return nil
	}
	return cfg
}
