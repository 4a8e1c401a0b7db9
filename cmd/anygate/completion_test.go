package main

import (
	"encoding/json"
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
	} {
		words := strings.Fields(tt.line)
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
	c := command{args: "METHOD URL [-H 'NAME: VALUE']... [-c FILE|--demo] [--trust-state FILE]"}
	if got := c.options(); !slices.Equal(got, []string{"-H", "-c", "--demo", "--trust-state"}) {
		t.Errorf("the options are %q", got)
	}
}

func TestHelpForPrograms(t *testing.T) {
	_, out, _ := invoke(t, t.TempDir(), "help", "--json")
	var all struct {
		Version  string
		Commands []struct{ Name, Args, About string }
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatal(err)
	}
	if all.Version != versionNumber || len(all.Commands) != len(commands()) || all.Commands[0].Name != "serve" || all.Commands[0].About == "" {
		t.Errorf("it says %+v", all)
	}
}

func TestSchemaCommand(t *testing.T) {
	code, out, _ := invoke(t, t.TempDir(), "schema")
	if code != 0 || !json.Valid([]byte(out)) || !strings.Contains(out, `"upstreams"`) {
		t.Errorf("exit %d, %.200q", code, out)
	}
}
