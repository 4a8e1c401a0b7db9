package main

import (
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// invoke runs a command in this process, in a directory of its own.
func invoke(t *testing.T, dir string, args ...string) (code int, out, errs string) {
	t.Helper()
	t.Chdir(dir)
	var o, e strings.Builder
	code = run(args, terminal{out: &o, err: &e})
	return code, o.String(), e.String()
}

func TestCommands(t *testing.T) {
	tests := []struct {
		name string
		args []string
		code int
		out  string
		err  string
	}{
		{"help", []string{"help"}, 0, "usage: anygate [COMMAND]", ""},
		{"help as an option", []string{"--help"}, 0, "usage: anygate [COMMAND]", ""},
		{"help of a command", []string{"help", "explain"}, 0, "usage: anygate explain METHOD URL", ""},
		{"help of a command, as an option", []string{"check", "-h"}, 0, "usage: anygate check", ""},
		{"help of nothing", []string{"help", "me"}, 2, "", `unknown command "me"`},
		{"help of a near miss", []string{"help", "chekc"}, 2, "", `did you mean "check"?`},
		{"help says what options mean", []string{"help", "serve"}, 0, "  --watch               load the configuration when its files change\n", ""},
		{"help of one of several words", []string{"tune", "apply", "--help"}, 0, "verify asks the kernel's counters", ""},
		{"an unknown option", []string{"serve", "--port", "80"}, 2, "", "anygate serve: unknown option --port\nusage: anygate serve ["},
		{"an option that is nearly one", []string{"check", "--prnt"}, 2, "", "unknown option --prnt; did you mean --print?"},
		{"an option without its value", []string{"check", "-c"}, 2, "", "-c needs a value behind it"},
		{"an option with a wrong value", []string{"health", "--timeout", "soon"}, 2, "", `invalid value "soon" for flag -timeout`},
		{"version", []string{"version"}, 0, "anygate " + versionNumber + "\n", ""},
		{"version as an option", []string{"--version"}, 0, "engine  ", ""},
		{"version of something", []string{"version", "x"}, 2, "", `unexpected argument "x"`},
		{"a near miss", []string{"chekc"}, 2, "", `did you mean "check"?`},
		{"a directory without a command", []string{"./dist"}, 2, "", `did you mean "serve ./dist"?`},
		{"reload without a configuration", []string{"reload"}, 1, "", "there is neither ./anygate.yml nor"},
		{"reload of nobody's", []string{"reload", "-c", "nobody.yml"}, 1, "", "no AnyGate is running that serves this configuration"},
		{"stop of nobody's", []string{"stop", "--control", "@anygate-test-nobody"}, 1, "", "no AnyGate is running"},
		{"upgrade of something", []string{"upgrade", "x"}, 2, "", `unexpected argument "x"`},
		{"a demo that is watched", []string{"serve", "--demo", "--watch"}, 2, "", "--watch is for a configuration file"},
		{"tune without a word", []string{"tune"}, 2, "", "check, apply, revert or verify"},
		{"tune with a near miss", []string{"tune", "chekc"}, 2, "", `did you mean "check"?`},
		{"tune with an unknown profile", []string{"tune", "check", "--profile", "edgy"}, 2, "", `did you mean "edge"?`},
		{"tune with a danger", []string{"tune", "apply", "--risk", "danger"}, 2, "", "it is safe or measure"},
		{"tune with an option of another word", []string{"tune", "revert", "--all"}, 2, "", `revert has no option "all"`},
		{"tune that asks in JSON", []string{"tune", "apply", "--json"}, 2, "", "add --yes or --dry-run"},
		{"tune by a bad configuration", []string{"tune", "check", "-c", "none.yml"}, 2, "", "none.yml"},
		{"pack nothing", []string{"pack"}, 2, "", "name the directory"},
		{"pack what is not there", []string{"pack", "no/such"}, 1, "", `there is no directory "no/such"`},
		{"pack a file", []string{"pack", "/dev/null"}, 1, "", `"/dev/null" is not a directory`},
		{"pack with an unknown level", []string{"pack", ".", "--level", "11"}, 2, "", `there is no level "11"`},
		{"pack with no jobs", []string{"pack", ".", "--jobs", "-1"}, 2, "", "too few"},
		{"check without a configuration", []string{"check"}, 1, "", "there is neither ./anygate.yml nor"},
		{"check of two files", []string{"check", "-c", "a", "b"}, 2, "", "exclude each other"},
		{"check in two forms", []string{"check", "--print", "--json"}, 2, "", "exclude each other"},
		{"explain of the demo", []string{"explain", "GET", "/healthz"}, 0, "route      \"GET /healthz\"", "this is about the demo site"},
		{"explain of nothing", []string{"explain", "GET"}, 2, "", "a method and a URL are needed"},
		{"explain of a bad URL", []string{"explain", "GET", "ftp://x"}, 1, "", "neither an http or https URL nor a path"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := invoke(t, t.TempDir(), tt.args...)
			if code != tt.code || !strings.Contains(out, tt.out) || !strings.Contains(errs, tt.err) || (tt.err == "" && errs != "") {
				t.Errorf("exit code %d\nout: %s\nerr: %s\nwant %d, %q, %q", code, out, errs, tt.code, tt.out, tt.err)
			}
		})
	}
}

// TestFileWithoutC checks that who names a configuration in the place of a directory is told what to write.
func TestFileWithoutC(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "site.yml", goodConfig)
	for _, row := range []struct {
		args []string
		code int
	}{
		{[]string{"site.yml"}, 2},
		{[]string{"serve", "site.yml"}, 1},
	} {
		code, _, errs := invoke(t, dir, row.args...)
		if code != row.code || !strings.Contains(errs, `did you mean "serve -c site.yml"?`) {
			t.Errorf("%q: exit code %d\nerr: %s", row.args, code, errs)
		}
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	_, out, _ := invoke(t, t.TempDir(), "help")
	for _, c := range commands() {
		if !strings.Contains(out, "  "+c.name+" ") {
			t.Errorf("help does not list %s", c.name)
		}
	}
}

// TestOptionsAreDescribed compares the options of each usage with those that the command reads.
func TestOptionsAreDescribed(t *testing.T) {
	for _, c := range commands() {
		if c.name == "import" || c.name == "help" {
			continue // a program of its own, and one that reads no options but prints in two forms
		}
		for _, o := range c.described() {
			if o.About == "" {
				t.Errorf("%s does not say what %s means, or does not know it", c.name, o.Name)
			}
		}
		_, out, _ := invoke(t, t.TempDir(), "help", c.name)
		c.run(terminal{out: io.Discard, err: io.Discard, describe: func(f *flag.FlagSet) {
			f.VisitAll(func(g *flag.Flag) {
				name := "--" + g.Name
				if len(g.Name) == 1 {
					name = "-" + g.Name
				}
				if !slices.Contains(c.options(), name) || !strings.Contains(out, "\n  "+name+" ") {
					t.Errorf("the usage of %s does not name %s:\n%s", c.name, name, out)
				}
			})
		}}, []string{"-h"})
	}
}

const goodConfig = `
listen: ":8080"
routes:
  "GET /healthz": OK
  "/api/": http://backend.test:80/v1/
`

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", goodConfig)
	bad := writeFile(t, dir, "sub/bad.yml", "routes:\n  \"/x\": FORBIDEN\n  \"y\": OK\n")

	if code, out, errs := invoke(t, dir, "check"); code != 0 || !strings.Contains(out, "anygate.yml: no errors; routes: 2") || errs != "" {
		t.Errorf("check: %d %q %q", code, out, errs)
	}
	code, out, errs := invoke(t, dir, "check", bad)
	if code != 1 || out != "" || !strings.Contains(errs, bad+":2:9:") || !strings.Contains(errs, `did you mean "FORBIDDEN"?`) || !strings.Contains(errs, bad+":3:") {
		t.Errorf("check of a bad file: %d %q\n%s", code, out, errs)
	}

	code, out, errs = invoke(t, dir, "check", "--print")
	if code != 0 || errs != "" {
		t.Errorf("check --print: %d %q", code, errs)
	}
	printed := writeFile(t, dir, "printed.yml", out)
	if code, again, errs := invoke(t, dir, "check", "-c", printed, "--print"); code != 0 || again != out {
		t.Errorf("what --print prints is not printed the same again: %d %s\n%s\n%s", code, errs, out, again)
	}

	var answer struct {
		OK          bool
		Diagnostics []struct {
			Line       int
			Suggestion string
		}
		Config *struct{ Routes []struct{ Head string } }
	}
	code, out, errs = invoke(t, dir, "check", "--json")
	if err := json.Unmarshal([]byte(out), &answer); err != nil || code != 0 || errs != "" {
		t.Fatalf("check --json: %d %q, %v", code, errs, err)
	}
	if !answer.OK || len(answer.Diagnostics) != 0 || len(answer.Config.Routes) != 2 || answer.Config.Routes[0].Head != "GET /healthz" {
		t.Errorf("check --json: %+v", answer)
	}
	code, out, errs = invoke(t, dir, "check", "--json", "-c", bad)
	if err := json.Unmarshal([]byte(out), &answer); err != nil || code != 1 || errs != "" {
		t.Fatalf("check --json of a bad file: %d %q, %v", code, errs, err)
	}
	if answer.OK || len(answer.Diagnostics) != 2 || answer.Diagnostics[0].Line != 2 || answer.Diagnostics[0].Suggestion != "FORBIDDEN" {
		t.Errorf("check --json of a bad file: %+v", answer)
	}
	code, out, _ = invoke(t, dir, "check", "--json", "-c", "none.yml")
	if code != 1 || !strings.Contains(out, `"config": null`) {
		t.Errorf("check --json of no file: %d %s", code, out)
	}
}

// TestExplain names a server that no resolver knows: nothing is looked up.
func TestExplain(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", goodConfig)
	code, out, errs := invoke(t, dir, "explain", "GET", "http://www.test/api/x?y=z", "-H", "Accept: text/html", "-H", "X-A: b")
	if code != 0 || errs != "" {
		t.Fatalf("%d %q", code, errs)
	}
	for _, want := range []string{"backend.test:80", "GET /v1/x?y=z HTTP/1.1", "Host: www.test", "Accept: text/html", "X-A: b", "no other route matches; the host or path of 1 differs"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
}

// full is a standard output without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestFullOutput wants a failure of every command whose answer cannot be written.
func TestFullOutput(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", goodConfig)
	t.Chdir(dir)
	for _, args := range [][]string{{"version"}, {"check"}, {"check", "--print"}, {"check", "--json"}, {"explain", "GET", "/"}, {"help"}, {"help", "check"}} {
		var errs strings.Builder
		if code := run(args, terminal{out: full{}, err: &errs}); code != exitFailure || !strings.Contains(errs.String(), "no space left on device") {
			t.Errorf("%q: exit code %d, %q", args, code, errs.String())
		}
	}
}

// TestCheckPrintSaysWhatIsMissing prints a configuration that is not wholly understood.
func TestCheckPrintSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "anygate.yml", "server: {chroot: /srv}\nroutes: {\"/\": OK}\n")
	code, out, errs := invoke(t, dir, "check", "--print")
	if code != exitFailure || !strings.Contains(out, `answer: "OK"`) || !strings.Contains(errs, "what is printed leaves out everything that has an error") {
		t.Errorf("%d %q\n%s", code, out, errs)
	}
}

// TestDemoLeavesNothing explains a request to the demo, which unpacks it.
func TestDemoLeavesNothing(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	if code, _, errs := invoke(t, t.TempDir(), "explain", "GET", "/"); code != 0 {
		t.Fatal(errs)
	}
	if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
	t.Setenv("TMPDIR", filepath.Join(tmp, "none"))
	if code, _, errs := invoke(t, t.TempDir(), "explain", "GET", "/"); code != 1 || !strings.Contains(errs, "set TMPDIR") {
		t.Errorf("%d %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(tmp, "none")); err == nil {
		t.Error("a directory was made")
	}
}
