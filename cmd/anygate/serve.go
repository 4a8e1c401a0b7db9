package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/anygate/anygate/cmd/anygate/demo"
	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control"
	"github.com/anygate/anygate/control/remote"
)

// serve serves until a signal ends it.
func serve(t terminal, args []string) int {
	var file string
	var listen []string
	var showDemo bool
	var keyLog, controlName string
	var watch bool
	var trust trusting
	words, err := parse(t, "serve", args, 1, func(f *flag.FlagSet) {
		f.StringVar(&file, "c", "", "configuration file")
		f.Func("listen", "address to listen on", func(s string) error { listen = append(listen, s); return nil })
		f.BoolVar(&showDemo, "demo", false, "serve the demo site, whatever configuration there is")
		trust.define(f)
		f.BoolVar(&watch, "watch", false, "load the configuration when its files change")
		f.StringVar(&controlName, "control", "", "name of the control socket, or off")
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

	signals := t.heed()
	heritage, err := control.Inherit()
	if err != nil {
		return failed(t, err)
	}
	var verified *signed
	var cfg *config.Config
	var from *source
	hint := func(*control.Server) {}
	switch name, err := locate(file); {
	case len(words) > 0:
		cfg = forTarget(t, words[0])
	case err != nil && trust.wanted():
		return failed(t, err)
	case err == nil && !showDemo:
		from = &source{name: name, trust: trust, listen: listen, files: heritage.Files()}
		if cfg, verified, err = from.open(); err != nil {
			return refused(t, err)
		}
	default:
		// It is unpacked by the program that serves it, which removes it at the end.
		if err := confine(t, &config.Config{}, heritage, control.Confinement{}); err != nil {
			return failed(t, err)
		}
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
	if watch && from == nil {
		fmt.Fprintln(t.err, "anygate serve: --watch is for a configuration file")
		return exitUsage
	}
	if len(listen) > 0 && from == nil {
		changed, diagnostics := cfg.WithListen(listen)
		if report(t, diagnostics) {
			return exitFailure
		}
		cfg = changed
	}
	socket, err := controlSocket(controlName, from)
	if err != nil {
		return failed(t, err)
	}
	if err := confine(t, cfg, heritage, confinement(socket, keyLog, &trust)); err != nil {
		return failed(t, err)
	}
	options := control.Options{
		Config: cfg, Version: versionNumber, Stdout: t.out, Stderr: t.err, OwnProcess: true,
		KeyLog: keyLog, Watch: watch, Heritage: heritage, Control: socket,
	}
	if from != nil {
		options.Load = from.again
	}
	if verified != nil {
		options.Accept = verified.accept
	}
	server, err := control.Start(options)
	if err != nil {
		return failed(t, err)
	}
	if verified != nil {
		fmt.Fprintf(t.err, "anygate: the configuration is %s\n", verified)
	}
	hint(server)
	if err := server.Serve(signals); errors.Is(err, control.ErrInterrupted) {
		return exitFailure
	}
	return exitOK
}

// confine gives up what is not needed to serve a configuration. It may execute the program again.
func confine(t terminal, cfg *config.Config, h *control.Heritage, o control.Confinement) error {
	if !t.own {
		return nil
	}
	return control.Confine(cfg, h, o)
}

// confinement is what the command line names that the process needs.
func confinement(socket, keyLog string, trust *trusting) control.Confinement {
	o := control.Confinement{Control: socket, Reads: trust.keys}
	for _, name := range []string{keyLog, trust.state} {
		if name != "" {
			o.Writes = append(o.Writes, name)
		}
	}
	return o
}

// controlSocket is the name of the control socket: the one that is given, else that of the configuration; empty for none.
func controlSocket(given string, from *source) (string, error) {
	switch {
	case given == "off" || given == "" && from == nil:
		return "", nil
	case given != "":
		return given, nil
	}
	return remote.Name(from.name)
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
		switch info, err := os.Stat(target); {
		case err == nil && info.Mode().IsRegular():
			fmt.Fprintf(t.err, "anygate: %q is a file, and what is served without -c is a directory or a URL; did you mean \"serve -c %s\"?\n", target, target)
			return nil
		case err != nil:
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
