package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// options are the names of a command's options, in the order of its usage.
func (c *command) options() []string {
	var list []string
	for _, o := range c.describedBy(new(flag.FlagSet)) {
		list = append(list, o.Name)
	}
	return list
}

var (
	optionalPart = regexp.MustCompile(`\[[^]]*\]`)
	literalWord  = regexp.MustCompile(`^[a-z]+$`)
)

// words are those that may follow a command, in the order of its usage: what is small there stands for itself.
func (c *command) words() []string {
	var list []string
	for _, word := range strings.FieldsFunc(optionalPart.ReplaceAllString(c.args, ""), func(r rune) bool { return r == ' ' || r == '|' }) {
		if literalWord.MatchString(word) {
			list = append(list, word)
		}
	}
	return list
}

// printCompletion prints the script that makes a shell complete commands and options. It is made of the usage of the
// commands, so that it knows what they know.
func printCompletion(t terminal, args []string) int {
	words, err := parse(t, "completion", args, 1, func(*flag.FlagSet) {})
	if err != nil {
		return exitOf(err)
	}
	shells := map[string]func() string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	if len(words) == 0 || shells[words[0]] == nil {
		fmt.Fprintln(t.err, "anygate completion: name a shell: bash, zsh or fish")
		return exitUsage
	}
	_, err = io.WriteString(t.out, shells[words[0]]())
	return printed(t, err)
}

func commandNames() []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}

func bashCompletion() string {
	var b strings.Builder
	b.WriteString("# bash completion for anygate; made by \"anygate completion bash\".\n_anygate() {\n" +
		"\tlocal current=${COMP_WORDS[COMP_CWORD]} options=\n\tCOMPREPLY=()\n\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n")
	fmt.Fprintf(&b, "\t\tCOMPREPLY=($(compgen -W '%s' -- \"$current\"))\n\t\treturn\n\tfi\n", strings.Join(commandNames(), " "))
	b.WriteString("\tcase ${COMP_WORDS[1]} in\n")
	for _, c := range commands() {
		if list := slices.Concat(c.words(), c.options()); len(list) > 0 && c.name != "help" {
			fmt.Fprintf(&b, "\t%s) options='%s' ;;\n", c.name, strings.Join(list, " "))
		}
	}
	fmt.Fprintf(&b, "\thelp) options='%s --json' ;;\n\tesac\n", strings.Join(commandNames(), " "))
	b.WriteString("\tCOMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n" +
		"\tif [ \"${current#-}\" = \"$current\" ]; then\n\t\tCOMPREPLY+=($(compgen -f -- \"$current\"))\n\tfi\n}\n" +
		"complete -o filenames -F _anygate anygate\n")
	return b.String()
}

func zshCompletion() string {
	quote := strings.NewReplacer("'", "'\\''", ":", "\\:")
	var b strings.Builder
	b.WriteString("#compdef anygate\n# zsh completion for anygate; made by \"anygate completion zsh\".\n_anygate() {\n\tlocal -a commands\n\tcommands=(\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "\t\t'%s:%s'\n", c.name, quote.Replace(c.about))
	}
	b.WriteString("\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n\tcase $words[2] in\n")
	for _, c := range commands() {
		if list := slices.Concat(c.words(), c.options()); len(list) > 0 && c.name != "help" {
			fmt.Fprintf(&b, "\t%s) compadd -- %s ;;\n", c.name, strings.Join(list, " "))
		}
	}
	b.WriteString("\thelp) compadd -- --json; _describe command commands; return ;;\n\tesac\n\t_files\n}\n" +
		"if [ \"$funcstack[1]\" = _anygate ]; then\n\t_anygate \"$@\"\nelse\n\tcompdef _anygate anygate\nfi\n")
	return b.String()
}

func fishCompletion() string {
	quote := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	var b strings.Builder
	b.WriteString("# fish completion for anygate; made by \"anygate completion fish\".\n")
	// Fish's own function finds a command's name anywhere in the line: in "help serve", and in "tune check".
	b.WriteString("function __anygate_command\n\tset -l words (commandline -opc)\n\ttest (count $words) -gt 1; and test $words[2] = $argv[1]\nend\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "complete -c anygate -f -n '__fish_use_subcommand' -a %s -d '%s'\n", c.name, quote.Replace(c.about))
	}
	for _, c := range commands() {
		if words := c.words(); len(words) > 0 {
			fmt.Fprintf(&b, "complete -c anygate -n '__anygate_command %s' -a '%s'\n", c.name, strings.Join(words, " "))
		}
		for _, o := range c.options() {
			style := "-o"
			switch {
			case strings.HasPrefix(o, "--"):
				style = "-l"
			case len(o) == 2:
				style = "-s"
			}
			fmt.Fprintf(&b, "complete -c anygate -n '__anygate_command %s' %s %s\n", c.name, style, strings.TrimLeft(o, "-"))
		}
	}
	fmt.Fprintf(&b, "complete -c anygate -f -n '__anygate_command help' -a '%s'\n", strings.Join(commandNames(), " "))
	return b.String()
}

// helpJSON prints the commands for programs, such as the one that makes the manual pages.
func helpJSON(t terminal) int {
	type entry struct {
		Name    string   `json:"name"`
		Args    string   `json:"args"`
		About   string   `json:"about"`
		Options []option `json:"options,omitempty"`
	}
	var list []entry
	for _, c := range commands() {
		list = append(list, entry{c.name, c.args, c.about, c.described()})
	}
	e := json.NewEncoder(t.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return printed(t, e.Encode(struct {
		Version  string  `json:"version"`
		Commands []entry `json:"commands"`
	}{versionNumber, list}))
}
