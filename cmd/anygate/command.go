package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/anygate/anygate/route"
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
	signals  <-chan os.Signal
	// own says that the process is there for the command only, which may give up its rights then.
	own bool
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
		{"sign", "keygen [-o NAME] | --key KEY [-c FILE] [-o FILE] [--expires DURATION] [--open FILE]...", "sign a configuration with all its files, for serve --trust", sign},
		{"pack", "DIR [--check] [--level fast|good|best] [--jobs N] [--json]", "precompress a site: br, zstd and gzip beside its files", packSite},
		{"import", "nginx FILE | ingress FILE... [-o FILE] [--json] [--prefix DIR]", "convert a configuration of nginx, or Ingress objects; exit 1 if something is not carried over", importConfig},
		{"version", "", "print version, commit, Go, kernel, and the engine that would be chosen", version},
		{"health", "[URL|-c FILE] [--timeout DURATION]", "ask a server whether it answers: a URL, or the addresses of a configuration", checkHealth},
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
	var names []string
	for _, c := range commands() {
		if c.name == name {
			return c.run(t, args[1:])
		}
		names = append(names, c.name)
	}
	fmt.Fprintf(t.err, "anygate: unknown command %q", name)
	switch near := route.Suggest(name, names); {
	case near != "":
		fmt.Fprintf(t.err, "; did you mean %q?", near)
	case strings.ContainsAny(name, "/."):
		fmt.Fprintf(t.err, "; did you mean \"serve %s\"?", name)
	}
	fmt.Fprintln(t.err, "\n'anygate help' lists the commands")
	return exitUsage
}

// help prints what there is.
func help(t terminal, args []string) int {
	if len(args) > 0 && args[0] == "--json" {
		return helpJSON(t)
	}
	for _, c := range commands() {
		if len(args) > 0 && args[0] == c.name {
			_, err := fmt.Fprintf(t.out, "usage: anygate %s\n\n%s\n", strings.TrimSpace(c.name+" "+c.args), c.about)
			return printed(t, err)
		}
	}
	if len(args) > 0 {
		fmt.Fprintf(t.err, "anygate: unknown command %q\n", args[0])
		return exitUsage
	}
	var b strings.Builder
	b.WriteString("usage: anygate [COMMAND]\n\n" +
		"Without a command, anygate serves ./anygate.yml, else /etc/anygate/anygate.yml, else a demo site on :8080.\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-10s %s\n", c.name, c.about)
	}
	b.WriteString("\n'anygate help COMMAND' prints its arguments. Exit codes: 0 success, 1 failure, 2 usage.\n")
	_, err := io.WriteString(t.out, b.String())
	return printed(t, err)
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
		fmt.Fprintf(t.err, "anygate %s: %s\n", name, fmt.Sprintf(format, a...))
		help(terminal{out: t.err, err: t.err}, []string{name})
		return nil, errUsage
	}
	for {
		err := f.Parse(args)
		switch {
		case errors.Is(err, flag.ErrHelp):
			help(t, []string{name})
			return nil, flag.ErrHelp
		case err != nil:
			return fail("%v", err)
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
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	return exitUsage
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
