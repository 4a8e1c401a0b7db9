package recipes

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const pages = "../../docs/recipes"

// patience bounds a command of a page.
const patience = 20 * time.Second

// TestRecipes carries out all pages.
func TestRecipes(t *testing.T) {
	found, err := filepath.Glob(filepath.Join(pages, "*.md"))
	if err != nil || len(found) < 9 {
		t.Fatalf("found %q, %v", found, err)
	}
	index, err := os.ReadFile(filepath.Join(pages, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range found {
		name := filepath.Base(page)
		if name == "README.md" {
			continue
		}
		if !strings.Contains(string(index), "]("+name+")") {
			t.Errorf("the index does not name %s", name)
		}
		t.Run(strings.TrimSuffix(name, ".md"), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			carryOut(t, string(text))
		})
	}
}

var fence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

// carryOut does what a page says, from the top to the bottom: a block with the name of a file is written, and one of the
// kind "console" is typed.
func carryOut(t *testing.T, text string) {
	// Servers that change their user have to reach it, and the directories of the test package are for root only.
	dir, err := os.MkdirTemp("", "anygate-recipe-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := newShell(t, dir)
	commands, files := 0, 0
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		kind, name, _ := strings.Cut(m[1], " ")
		switch {
		case kind == "console":
			for _, c := range typed(m[2]) {
				commands++
				s.run(c)
			}
		case name != "":
			files++
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(m[2]), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("a block of the kind %q is neither a file nor a console", m[1])
		}
	}
	if commands < 2 || files < 1 {
		t.Errorf("the page has %d commands and %d files", commands, files)
	}
}

// command is what is typed, and what it prints.
type command struct{ line, want string }

// typed reads a console: lines that begin with "$ " are commands, which go on behind a backslash, and others what they
// print.
func typed(block string) (list []command) {
	more := false
	for line := range strings.Lines(block) {
		typed, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case more:
			list[len(list)-1].line += line
		case isCommand:
			list = append(list, command{line: typed})
			line = typed
		default:
			list[len(list)-1].want += line
			continue
		}
		more = strings.HasSuffix(line, "\\\n")
	}
	return list
}

// shell is a bash that commands are typed into.
type shell struct {
	t       *testing.T
	dir     string
	in      io.Writer
	out     chan string
	servers []*exec.Cmd
}

func newShell(t *testing.T, dir string) *shell {
	s := &shell{t: t, dir: dir, out: make(chan string, 64)}
	bash := exec.Command("bash", "--norc", "--noprofile")
	bash.Dir = dir
	bash.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TMPDIR="+t.TempDir())
	bash.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := bash.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := bash.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	bash.Stderr = bash.Stdout
	if err := bash.Start(); err != nil {
		t.Fatal(err)
	}
	s.in = in
	go func() {
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			if line != "" {
				s.out <- line
			}
			if err != nil {
				close(s.out)
				return
			}
		}
	}()
	t.Cleanup(func() {
		for _, server := range s.servers {
			_ = server.Process.Signal(syscall.SIGTERM)
			_ = server.Wait()
		}
		in.Close()
		for range s.out {
			continue // until bash has ended
		}
		_ = bash.Wait()
	})
	return s
}

const endMark = "<end of command>"

// run types a command and compares what it prints. A server that goes to the background is waited for.
func (s *shell) run(c command) {
	s.t.Helper()
	if server, ok := strings.CutSuffix(strings.TrimSpace(c.line), " &"); ok {
		s.background(server)
		return
	}
	if _, err := fmt.Fprintf(s.in, "{ %s\n} </dev/null 2>&1; printf '\\n%s\\n'\n", strings.TrimSuffix(c.line, "\n"), endMark); err != nil {
		s.t.Fatal(err)
	}
	var got strings.Builder
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-s.out:
			if !ok {
				s.t.Fatalf("the shell ended at %s", c.line)
			}
			if line != endMark+"\n" {
				got.WriteString(line)
				continue
			}
			// The mark begins a line of its own, whether or not the output ended one.
			if text := strings.TrimSuffix(got.String(), "\n"); !matches(strings.TrimRight(text, "\n"), strings.TrimRight(c.want, "\n")) {
				s.t.Errorf("$ %sprints\n%s\nand the page says\n%s", c.line, text, c.want)
			}
			return
		case <-timeout:
			s.t.Fatalf("$ %sdoes not end; it has printed\n%s", c.line, &got)
		}
	}
}

// matches compares line by line. "..." in the page stands for any text of a line, and a line of it alone for any lines.
func matches(got, want string) bool {
	pattern := regexp.QuoteMeta(strings.ReplaceAll(want, "\r", ""))
	pattern = regexp.MustCompile(`(?m)^\\\.\\\.\\\.$`).ReplaceAllString(pattern, `(?s:.*)`)
	pattern = strings.ReplaceAll(pattern, `\.\.\.`, `[^\n]*`)
	return regexp.MustCompile("^" + pattern + "$").MatchString(strings.ReplaceAll(got, "\r", ""))
}

// background starts a server and returns when it serves.
func (s *shell) background(line string) {
	s.t.Helper()
	cmd := exec.Command("bash", "-c", "exec "+line)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.servers = append(s.servers, cmd)
	ready := make(chan string, 1)
	go func() {
		var seen bytes.Buffer
		lines := bufio.NewReader(log)
		told := false
		for {
			text, err := lines.ReadString('\n')
			seen.WriteString(text)
			if !told && (err != nil || strings.Contains(text, "listening on")) {
				told = true
				if err == nil {
					seen.Reset()
				}
				ready <- seen.String()
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case failure := <-ready:
		if failure != "" {
			s.t.Fatalf("$ %s &\n%s", line, failure)
		}
	case <-time.After(patience):
		s.t.Fatalf("$ %s & does not serve", line)
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		got, want string
		match     bool
	}{
		{"a\nb", "a\nb", true},
		{"a\nb", "a\nc", false},
		{"a 17 b", "a ... b", true},
		{"a\nx\ny\nb", "a\n...\nb", true},
		{"a\nx\nb", "a ... b", false},
		{"a.b", "a.b", true},
		{"axb", "a.b", false},
	} {
		if matches(tt.got, tt.want) != tt.match {
			t.Errorf("%q against %q", tt.got, tt.want)
		}
	}
}
