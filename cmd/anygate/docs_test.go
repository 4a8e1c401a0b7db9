package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// commandLine is where a page has a command: in a line of a block, typed or not, or between backquotes.
var commandLine = regexp.MustCompile("(?m)(?:^(?:\\$ )?(?:sudo )?(?:\\./bin/)?|`)anygate ((?:[a-z-]|\\./)[^`\n]*)")

// shellEnd is where the words of a command end for the shell.
var shellEnd = regexp.MustCompile(`\s(?:[|&;>#2]|#.*)|\s\\$|;|$`)

// TestDocumentedCommands looks up the commands and options of every page.
func TestDocumentedCommands(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/internals/*.md", "docs/recipes/*.md"} {
		found, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	known := map[string]command{}
	for _, c := range commands() {
		known[c.name] = c
	}
	count := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range commandLine.FindAllStringSubmatch(string(text), -1) {
			words := strings.Fields(m[1][:shellEnd.FindStringIndex(m[1])[0]])
			if len(words) == 0 || m[1] == "manifest v1" { // the first line of a file
				continue
			}
			name := words[0]
			if strings.HasPrefix(name, "-") {
				name = "serve"
			}
			c, ok := known[name]
			if !ok {
				t.Errorf("%s: there is no command %q: anygate %s", page, name, m[1])
				continue
			}
			count++
			for _, w := range words {
				w = strings.TrimRight(w, ".,:")
				if strings.HasPrefix(w, "-") && len(w) > 1 && !slices.Contains(c.options(), w) {
					t.Errorf("%s: %s has no option %q: anygate %s", page, name, w, m[1])
				}
			}
		}
	}
	if count < 80 {
		t.Errorf("only %d commands are found", count)
	}
}

// TestChangesNameTheCommands wants the list of changes to begin with this version, and to name every command.
func TestChangesNameTheCommands(t *testing.T) {
	text, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	if versions := regexp.MustCompile(`(?m)^## (\S+)`).FindStringSubmatch(string(text)); versions == nil || versions[1] != versionNumber {
		t.Errorf("the list of changes begins with %q, and this is %s", versions, versionNumber)
	}
	for _, c := range commands() {
		if !strings.Contains(string(text), "`"+c.name+"`") && !strings.Contains(string(text), "`anygate "+c.name+"`") {
			t.Errorf("the list of changes does not name %s", c.name)
		}
	}
}

// TestMessagesAreSaid wants what docs/operating.md explains about a failed start to be what the program says.
func TestMessagesAreSaid(t *testing.T) {
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## When it does not start\n")
	section, _, closed := strings.Cut(section, "\n## ")
	if !found || !closed {
		t.Fatal("the section is not there")
	}
	var source strings.Builder
	for _, pattern := range []string{".", "../../config", "../../control", "../../control/*", "../../static"} {
		files, err := filepath.Glob(filepath.Join(pattern, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(section, -1)
	if len(rows) < 6 {
		t.Errorf("found %d messages", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(source.String(), row[1]) {
			t.Errorf("nothing says %q", row[1])
		}
	}
}
