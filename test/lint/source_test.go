package lint

import (
	"go/ast"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxLines is the longest file that is not a test: a longer one is a table that wants generating, or wants splitting.
const maxLines = 600

func TestEveryPackageHasADoc(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) == 0 {
			continue
		}
		_, files := p.sources(t)
		var docs []string
		for name, f := range files {
			if f.Doc != nil {
				docs = append(docs, name)
				checkDoc(t, p, name, f.Doc.Text())
			}
		}
		switch {
		case len(docs) == 0:
			t.Errorf("%s has no doc comment", p.ImportPath)
		case len(docs) > 1:
			slices.Sort(docs)
			t.Errorf("%s has a doc comment in each of %s", p.ImportPath, strings.Join(docs, ", "))
		}
	}
}

// checkDoc wants the form that go doc shows, and more than a name.
func checkDoc(t *testing.T, p *pkg, file, text string) {
	t.Helper()
	want := "Package " + p.Name + " "
	if p.Name == "main" {
		want = "Command "
	}
	if !strings.HasPrefix(text, want) {
		t.Errorf("%s/%s: the doc comment does not begin with %q", p.ImportPath, file, want)
	}
	if len(text) < 60 {
		t.Errorf("%s/%s: the doc comment does not say what the package is for", p.ImportPath, file)
	}
}

func TestPackageNamesSaySomething(t *testing.T) {
	for _, p := range packages(t) {
		for _, empty := range []string{"util", "utils", "common", "helper", "helpers", "misc", "base", "shared", "manager"} {
			if p.Name == empty || slices.Contains(strings.Split(p.ImportPath, "/"), empty) {
				t.Errorf("%s: %q names nothing", p.ImportPath, empty)
			}
		}
	}
}

func TestFilesCanBeRead(t *testing.T) {
	for _, p := range packages(t) {
		set, files := p.sources(t)
		for name, f := range files {
			if n := set.File(f.Pos()).LineCount(); n > maxLines {
				t.Errorf("%s has %d lines, more than %d", filepath.Join(p.Dir, name), n, maxLines)
			}
		}
	}
}

var unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b|(?i:for now\b)`)

func TestNothingIsUnfinished(t *testing.T) {
	for _, p := range packages(t) {
		set, files := p.sources(t)
		for _, f := range files {
			for _, group := range f.Comments {
				if mark := unfinished.FindString(group.Text()); mark != "" {
					t.Errorf("%s: %q", set.Position(group.Pos()), mark)
				}
			}
		}
	}
}

// TestUnsafeIsExplained wants a SAFETY comment in every file that turns a number into a pointer, views memory as
// something else, or passes a pointer to the kernel.
func TestUnsafeIsExplained(t *testing.T) {
	for _, p := range packages(t) {
		if p.folder() == "bench" || p.folder() == "test" {
			continue
		}
		set, files := p.sources(t)
		for _, f := range files {
			if !uses(f, "unsafe", "Slice") && !uses(f, "unsafe", "String") && !uses(f, "unsafe", "Add") {
				continue
			}
			explained := slices.ContainsFunc(f.Comments, func(c *ast.CommentGroup) bool { return strings.Contains(c.Text(), "SAFETY:") })
			if !explained {
				t.Errorf("%s uses package unsafe without a SAFETY comment", set.Position(f.Pos()).Filename)
			}
		}
	}
}

// TestPureFoldersHaveNoClockAndNoGoroutines completes TestSansIO: what is not visible in imports.
func TestPureFoldersHaveNoClockAndNoGoroutines(t *testing.T) {
	for _, p := range packages(t) {
		if !slices.Contains([]string{"http1", "h2", "route", "policy", "static", "proxy", "gateway", "config"}, p.folder()) {
			continue
		}
		set, files := p.sources(t)
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				if g, ok := n.(*ast.GoStmt); ok {
					t.Errorf("%s starts a goroutine", set.Position(g.Pos()))
				}
				return true
			})
			for _, clock := range []string{"Now", "Since", "Until", "After", "Sleep", "NewTimer", "NewTicker"} {
				if uses(f, "time", clock) {
					t.Errorf("%s uses time.%s", set.Position(f.Pos()).Filename, clock)
				}
			}
		}
	}
}

// uses reports whether a file mentions a name of an imported package.
func uses(f *ast.File, pkgName, name string) (found bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == pkgName && x.Obj == nil {
				found = true
			}
		}
		return !found
	})
	return found
}
