package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// terminal is what a command talks to.
type terminal struct {
	in       io.Reader // nil where nobody can be asked
	out, err io.Writer
	// signals is called by commands that do something about signals, which end the process of any other. nil where there are
	// none.
	signals func() <-chan os.Signal
	// own says that the process is there for the command only, which may give up its rights then.
	own bool
	// describe, where it is set, is shown the options of a command that is asked for help.
	describe func(*flag.FlagSet)
}

// heed takes the signals from now on.
func (t terminal) heed() <-chan os.Signal {
	if t.signals == nil {
		return nil
	}
	return t.signals()
}

// command is one of the words that may follow "anygate".
type command struct {
	name  string
	args  string
	about string
	run   func(t terminal, args []string) int
}

// commands lists the commands in the order of the help. A function, because help lists them too.
func commands() []command {
	return []command{
		{"serve", "[-c FILE|--demo|DIR|URL] [--listen ADDR]... [--trust KEY]... [--trust-state FILE] [--watch] [--control NAME|off] [--tls-key-log FILE]", "serve a configuration, a directory, or an upstream", serve},
		{"check", "[FILE|-c FILE] [--print|--json] [--trust KEY]... [--trust-state FILE]", "validate a configuration; exit 1 on any error", check},
		{"explain", "METHOD URL [-H 'NAME: VALUE']... [-c FILE]", "say which route answers a request, and how", explainRequest},
		{"ech", "[-c FILE] [--json]", "print the DNS records of Encrypted Client Hello", printECH},
		{"sign", "--key KEY [-c FILE] [-o FILE] [--expires DURATION] [--open FILE]... | keygen [-o NAME]", "sign a configuration with all its files, for serve --trust", sign},
		{"pack", "DIR [--check] [--level fast|good|best] [--jobs N] [--json]", "precompress a site: br, zstd and gzip beside its files", packSite},
		{"import", "nginx FILE | ingress FILE... [-o FILE] [--json] [--prefix DIR]", "convert a configuration of nginx, or Ingress objects; exit 1 if something is not carried over", importConfig},
		{"version", "", "print version, commit, Go, kernel, and the engine that would be chosen", version},
		{"health", "[URL|-c FILE] [--timeout DURATION] [--control NAME]", "ask whether the running AnyGate works, or whether a URL answers", checkHealth},
		{"schema", "", "print the JSON Schema of the configuration, for editors", printSchema},
		{"completion", "bash|zsh|fish", "print the script that makes a shell complete commands", printCompletion},
		{"help", "[COMMAND|--json]", "print this, or the usage of a command", help},
		{"reload", "[-c FILE] [--dry-run] [--control NAME]", "make the running AnyGate serve the configuration as it is now", reload},
		{"upgrade", "[-c FILE] [--program FILE] [--control NAME]", "have another process go on in the place of the running one", upgrade},
		{"stop", "[-c FILE] [--control NAME]", "drain the running AnyGate, and wait until it has ended", stop},
		{"tune", tuneArgs, "check the host's settings, apply and revert them, or verify them by the kernel's counters", tune},
		{"top", "[-c FILE|--admin ADDR] [--token ENV_OR_FILE] [--every DURATION] [--once]", "show what a running AnyGate does: routes, upstreams, shards", showTop},
	}
}

// run is the program without its process.
func run(args []string, t terminal) int {
	if len(args) == 0 {
		return serve(t, nil)
	}
	name := args[0]
	switch name {
	case "-h", "-help", "--help":
		return help(t, nil)
	case "-v", "-version", "--version":
		return version(t, nil)
	}
	// "anygate -c FILE" serves, as "anygate" does.
	if strings.HasPrefix(name, "-") {
		return serve(t, args)
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(t, args[1:])
		}
	}
	return unknownCommand(t, name)
}

// errUsage says that usage was printed already.
var errUsage = errors.New("usage")

// parse reads options and arguments in any order: "explain GET /x -H 'A: b'". most is how many arguments there may be.
func parse(t terminal, name string, args []string, most int, define func(*flag.FlagSet)) ([]string, error) {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	define(f)
	var words []string
	fail := func(format string, a ...any) ([]string, error) {
		fmt.Fprintf(t.err, "anygate %s: %s\n%s'anygate help %s' says what its options mean\n", name, fmt.Sprintf(format, a...), usageOf(name), name)
		return nil, errUsage
	}
	for {
		err := f.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp) && t.describe != nil:
			t.describe(f)
			return nil, flag.ErrHelp
		case errors.Is(err, flag.ErrHelp):
			return nil, helpOf(t, name)
		case err != nil:
			return fail("%s", optionError(err, f))
		}
		if f.NArg() == 0 {
			return words, nil
		}
		if words = append(words, f.Arg(0)); len(words) > most {
			return fail("unexpected argument %q", f.Arg(0))
		}
		args = f.Args()[1:]
	}
}

// exitOf is the exit code for an error of parse.
func exitOf(err error) int {
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errUnprinted):
		return exitFailure
	default:
		return exitUsage
	}
}

// printed is the exit code of a command whose answer was written with that error. An answer that did not arrive, on a
// full disk say, is a failure.
func printed(t terminal, err error) int {
	if err != nil {
		return failed(t, fmt.Errorf("the answer cannot be written: %w", err))
	}
	return exitOK
}

// failed prints an error, every line of it after the program's name.
func failed(t terminal, err error) int {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(t.err, "anygate: %s\n", strings.TrimRight(line, "\n"))
	}
	return exitFailure
}
