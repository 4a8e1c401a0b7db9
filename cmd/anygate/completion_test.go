package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestBashCompletion has the shell complete command lines.
func TestBashCompletion(t *testing.T) {
	_, script, _ := invoke(t, t.TempDir(), "completion", "bash")
	for _, tt := range []struct{ line, want string }{
		{"anygate che", "check"},
		{"anygate s", "schema serve sign stop"},
		{"anygate check --pr", "--print"},
		{"anygate help expl", "explain"},
		{"anygate completion z", "zsh"},
		{"anygate version --x", ""},
		{"anygate tune a", "apply"},
		{"anygate import ", "--json --prefix -o ingress nginx"},
		{"anygate sign k", "keygen"},
	} {
		words := strings.Split(tt.line, " ")
		bash := exec.Command("bash", "--norc", "-c", script+`
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _anygate; printf '%s\n' "${COMPREPLY[@]}" | sort`, "bash")
		bash.Args = append(bash.Args, words...)
		bash.Dir = t.TempDir()
		out, err := bash.CombinedOutput()
		if got := strings.Join(strings.Fields(string(out)), " "); err != nil || got != tt.want {
			t.Errorf("%q is completed with %q (%v), want %q", tt.line, got, err, tt.want)
		}
	}
}

// TestZshCompletion types into a zsh that has found the script as a package installs it, and reads the line behind the tab.
func TestZshCompletion(t *testing.T) {
	_, script, _ := invoke(t, t.TempDir(), "completion", "zsh")
	functions, dir := t.TempDir(), t.TempDir()
	writeFile(t, functions, "_anygate", script)
	writeFile(t, dir, "site.yml", "")
	for _, tt := range []struct{ line, want string }{
		{"anygate che", "anygate check "},
		{"anygate check --pr", "anygate check --print "},
		{"anygate check si", "anygate check site.yml "},
		{"anygate help expl", "anygate help explain "},
		{"anygate completion z", "anygate completion zsh "},
		{"anygate tune ap", "anygate tune apply "},
		{"anygate import ing", "anygate import ingress "},
	} {
		zsh := exec.Command("zsh", "-fc", `zmodload zsh/zpty
zpty z zsh -fi
zpty -w z "fpath=($1 \$fpath); autoload -Uz compinit && compinit -u -D; typed() { zle complete-word; zle -I; print -r -- \"<<\$BUFFER>>\"; }; zle -N typed; bindkey '^I' typed; print -r -- rea''dy"
zpty -r z output '*ready*'
zpty -wn z "$2"$'\t'
zpty -r z output '*<<*>>*'
output=${output##*<<}
print -rn -- "${output%%>>*}"`, "zsh", functions, tt.line)
		zsh.Dir = dir
		zsh.Env = append(os.Environ(), "TERM=dumb")
		out, err := zsh.CombinedOutput()
		if err != nil || string(out) != tt.want {
			t.Errorf("%q is completed to %q (%v, test/install.sh installs what is missing), want %q", tt.line, out, err, tt.want)
		}
	}
}

// TestFishCompletion has the shell complete command lines.
func TestFishCompletion(t *testing.T) {
	_, script, _ := invoke(t, t.TempDir(), "completion", "fish")
	dir := t.TempDir()
	writeFile(t, dir, "site.yml", "")
	for _, tt := range []struct{ line, want string }{
		{"anygate check --", "--json --print --trust --trust-state"},
		{"anygate check si", "site.yml"},
		{"anygate stop --", "--control"},
		{"anygate tune re", "revert"},
		{"anygate tune check --pr", "--profile"}, // and not those of "anygate check"
		{"anygate help ch", "check"},
		{"anygate completion z", "zsh"},
		{"anygate import n", "nginx"},
		{"anygate se", "serve"},
	} {
		fish := exec.Command("fish", "--no-config", "-c", script+"\ncomplete -C $argv[1]", tt.line)
		fish.Dir = dir
		fish.Env = append(os.Environ(), "HOME="+t.TempDir())
		out, err := fish.CombinedOutput()
		var got []string
		for line := range strings.Lines(string(out)) {
			word, _, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t")
			got = append(got, word)
		}
		if strings.Join(got, " ") != tt.want || err != nil {
			t.Errorf("%q is completed with %q (%v, test/install.sh installs what is missing), want %q", tt.line, got, err, tt.want)
		}
	}
}

// TestCompletionsNameEverything looks for the commands and options in the scripts of all shells.
func TestCompletionsNameEverything(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, script, _ := invoke(t, t.TempDir(), "completion", shell)
		if code != 0 {
			t.Fatalf("%s: exit %d", shell, code)
		}
		for _, c := range commands() {
			if !strings.Contains(script, c.name) {
				t.Errorf("%s does not know %s", shell, c.name)
			}
			for _, o := range c.options() {
				if !strings.Contains(script, strings.TrimLeft(o, "-")) {
					t.Errorf("%s does not know %s %s", shell, c.name, o)
				}
			}
		}
	}
	if code, _, errs := invoke(t, t.TempDir(), "completion", "csh"); code != 2 || !strings.Contains(errs, "bash, zsh or fish") {
		t.Errorf("exit %d, %q", code, errs)
	}
}

func TestOptionsOfUsage(t *testing.T) {
	c := command{name: "import", args: "METHOD URL [-H 'NAME: VALUE']... [-c FILE|--demo] [--trust-state FILE] [--risk a|b] [--control NAME|off]"}
	if got := c.options(); !slices.Equal(got, []string{"-H", "-c", "--demo", "--trust-state", "--risk", "--control"}) {
		t.Errorf("the options are %q", got)
	}
	var values []string
	for _, o := range c.described() {
		values = append(values, o.Value)
	}
	if !slices.Equal(values, []string{"'NAME: VALUE'", "FILE", "", "FILE", "a|b", "NAME|off"}) {
		t.Errorf("their values are %q", values)
	}
}

func TestWordsOfUsage(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"check|apply [-c FILE] [--risk safe|measure]", "check apply"},
		{"nginx FILE | ingress FILE... [-o FILE]", "nginx ingress"},
		{"keygen [-o NAME] | --key KEY [--open FILE]...", "keygen"},
		{"METHOD URL [-H 'NAME: VALUE']...", ""},
	} {
		c := command{args: tt.args}
		if got := strings.Join(c.words(), " "); got != tt.want {
			t.Errorf("the words of %q are %q, want %q", tt.args, got, tt.want)
		}
	}
}

func TestHelpForPrograms(t *testing.T) {
	_, out, _ := invoke(t, t.TempDir(), "help", "--json")
	var all struct {
		Version  string
		Commands []struct {
			Name, Args, About string
			Options           []struct{ Name, Value, About string }
		}
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatal(err)
	}
	if all.Version != versionNumber || len(all.Commands) != len(commands()) || all.Commands[0].Name != "serve" || all.Commands[0].About == "" {
		t.Errorf("it says %+v", all)
	}
	if o := all.Commands[0].Options; len(o) != len(commands()[0].options()) || o[0].Name != "-c" || o[0].Value != "FILE" || o[0].About == "" {
		t.Errorf("of the options of serve it says %+v", o)
	}
}

func TestSchemaCommand(t *testing.T) {
	code, out, _ := invoke(t, t.TempDir(), "schema")
	if code != 0 || !json.Valid([]byte(out)) || !strings.Contains(out, `"upstreams"`) {
		t.Errorf("exit %d, %.200q", code, out)
	}
}
