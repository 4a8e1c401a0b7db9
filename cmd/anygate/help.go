package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/anygate/anygate/route"
)

// option is one of a command's options, as its usage and its own reading of the command line describe it.
type option struct {
	Name  string `json:"name"`            // with its dashes
	Value string `json:"value,omitempty"` // what stands behind it
	About string `json:"about"`
}

// optionWord is an option in a usage, with its value: "--level fast|good|best", "-H 'NAME: VALUE'".
var optionWord = regexp.MustCompile(`(--?[A-Za-z][A-Za-z0-9-]*)(?: ('[^']*'|[A-Za-z_]+(?:\|[A-Za-z]+)*))?`)

// described are the options of a command in the order of its usage, with what the command itself says of them. Those of
// a program of its own are not known here.
func (c *command) described() []option {
	known := new(flag.FlagSet)
	if c.name != "import" {
		c.run(terminal{out: io.Discard, err: io.Discard, describe: func(f *flag.FlagSet) { known = f }}, []string{"-h"})
	}
	return c.describedBy(known)
}

// describedBy is described by a set of flags.
func (c *command) describedBy(f *flag.FlagSet) []option {
	var list []option
	for _, m := range optionWord.FindAllStringSubmatch(c.args, -1) {
		if slices.ContainsFunc(list, func(o option) bool { return o.Name == m[1] }) {
			continue
		}
		o := option{Name: m[1], Value: m[2]}
		if g := f.Lookup(strings.TrimLeft(o.Name, "-")); g != nil {
			o.About = g.Usage
		}
		list = append(list, o)
	}
	return list
}

// notes say of a command what neither its usage nor its options do.
var notes = map[string]string{
	"serve": "Without -c it is ./anygate.yml, else /etc/anygate/anygate.yml, else the demo site. A directory or a URL of an upstream needs no\n" +
		"configuration, and is served on :8080.",
	"explain": "anygate explain GET http://localhost/api/users -H 'Accept: text/html'",
	"sign":    "keygen makes a pair: NAME.key signs, and stays where configurations are made; NAME.pub goes to the servers, for serve --trust.",
	"tune": "check says what should be set otherwise, and why; apply shows what it would change, asks, and writes; revert puts all of it back;\n" +
		"verify asks the kernel's counters which settings would help. Exit codes: 0 nothing to do, 1 something to do, 2 error.",
}

// usageOf is the first line of a command's help.
func usageOf(name string) string {
	for _, c := range commands() {
		if c.name == name {
			return fmt.Sprintf("usage: anygate %s\n", strings.TrimSpace(c.name+" "+c.args))
		}
	}
	return ""
}

// help prints what there is.
func help(t terminal, args []string) int {
	if len(args) > 0 && args[0] == "--json" {
		return helpJSON(t)
	}
	for _, c := range commands() {
		switch {
		case len(args) == 0 || args[0] != c.name:
		case c.name == "help":
			_, err := fmt.Fprintf(t.out, "%s\n%s\n", usageOf(c.name), c.about)
			return printed(t, err)
		case c.name == "import":
			// The importer says itself what it takes, if it is there.
			if _, err := findImporter(); err != nil {
				_, err = fmt.Fprintf(t.out, "%s\n%s\n", usageOf(c.name), c.about)
				return printed(t, err)
			}
			return c.run(t, []string{"--help"})
		default:
			return c.run(t, []string{"-h"})
		}
	}
	if len(args) > 0 {
		return unknownCommand(t, args[0])
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

// helpOf prints the help of a command.
func helpOf(t terminal, name string) error {
	var b strings.Builder
	for _, c := range commands() {
		if c.name != name {
			continue
		}
		fmt.Fprintf(&b, "%s\n%s\n", usageOf(name), c.about)
		if n := notes[name]; n != "" {
			fmt.Fprintf(&b, "\n%s\n", n)
		}
		if list := c.described(); len(list) > 0 {
			b.WriteString("\n")
			for _, o := range list {
				fmt.Fprintf(&b, "  %-21s %s\n", strings.TrimSpace(o.Name+" "+o.Value), o.About)
			}
		}
	}
	if _, err := io.WriteString(t.out, b.String()); err != nil {
		printed(t, err)
		return errUnprinted
	}
	return flag.ErrHelp
}

// unknownCommand says that there is no such command, and which was probably meant.
func unknownCommand(t terminal, name string) int {
	fmt.Fprintf(t.err, "anygate: unknown command %q", name)
	switch near := route.Suggest(name, commandNames()); {
	case near != "":
		fmt.Fprintf(t.err, "; did you mean %q?", near)
	case isFile(name):
		fmt.Fprintf(t.err, "; did you mean \"serve -c %s\"?", name)
	case strings.ContainsAny(name, "/."):
		fmt.Fprintf(t.err, "; did you mean \"serve %s\"?", name)
	}
	fmt.Fprintln(t.err, "\n'anygate help' lists the commands")
	return exitUsage
}

// isFile reports whether there is a file of a name, which is a configuration more likely than a directory to serve.
func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// errUnprinted says that help could not be written.
var errUnprinted = errors.New("unprinted")

// Package flag's words for an option that is not there, and for one without its value.
const (
	flagUnknown = "flag provided but not defined: -"
	flagBare    = "flag needs an argument: -"
)

// optionError says what is wrong with an option as it is written here, and which was probably meant.
func optionError(err error, f *flag.FlagSet) string {
	dashes := func(name string) string {
		if len(name) == 1 {
			return "-" + name
		}
		return "--" + name
	}
	text := err.Error()
	if name, ok := strings.CutPrefix(text, flagBare); ok {
		return dashes(name) + " needs a value behind it"
	}
	name, ok := strings.CutPrefix(text, flagUnknown)
	if !ok {
		return text
	}
	var known []string
	f.VisitAll(func(g *flag.Flag) { known = append(known, g.Name) })
	text = "unknown option " + dashes(name)
	if near := route.Suggest(name, known); near != "" {
		text += "; did you mean " + dashes(near) + "?"
	}
	return text
}
