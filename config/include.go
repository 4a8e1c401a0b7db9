package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// readAll reads the main file and everything it includes.
func (l *loader) readAll(src *source, path string) {
	main := &file{src: src}
	l.files = append(l.files, main)
	l.readFile(main, []string{identity(path)}, map[string]*node{identity(path): nil})
}

// identity is what makes two names the same file, as far as names can tell.
func identity(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return filepath.Clean(path)
}

// readFile reads a file's tree and then its includes. chain are the files being read, seen where each file was named.
func (l *loader) readFile(f *file, chain []string, seen map[string]*node) {
	f.root = l.parseTree(f.src)
	if f.root == nil {
		return
	}
	l.broken = l.broken || f.root.broken
	if f.root.shape != mapping {
		shape := f.root.shape.String()
		if f.root.shape == scalar {
			shape = "plain text"
		}
		l.errorAt(f.root, Diagnostic{Msg: "the file is " + shape, Want: "a mapping of sections such as listen and routes"})
		f.root = nil
		return
	}
	include := f.root.get("include")
	if include == nil {
		return
	}
	for _, item := range l.items(include) {
		pattern, ok := l.text(item, "the name of a file or a pattern such as conf.d/*.yml")
		if !ok {
			continue
		}
		for _, path := range l.matches(f, item, pattern) {
			l.readIncluded(f, item, path, chain, seen)
		}
	}
}

// matches returns the files that an include names, sorted. A pattern may match none, a name must exist.
func (l *loader) matches(f *file, item *node, pattern string) []string {
	path := pattern
	if !filepath.IsAbs(path) {
		path = filepath.Join(f.src.dir, path)
	}
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{path}
	}
	if l.opt.Glob == nil {
		return nil
	}
	found, err := l.opt.Glob(path)
	if err != nil {
		l.errorAt(item, Diagnostic{Msg: "the pattern " + strconv.Quote(pattern) + " is malformed", Want: "a pattern with *, ? and [...]"})
		return nil
	}
	found = slices.Clone(found)
	slices.Sort(found)
	// A pattern such as *.yml beside the file itself means the others. As in a shell, it means no hidden files either: those
	// are what editors and file systems leave beside a file while somebody changes it.
	hidden := strings.HasPrefix(filepath.Base(pattern), ".")
	return slices.DeleteFunc(found, func(p string) bool {
		return !hidden && strings.HasPrefix(filepath.Base(p), ".") || identity(p) == identity(filepath.Join(f.src.dir, filepath.Base(f.src.name)))
	})
}

func (l *loader) readIncluded(parent *file, item *node, path string, chain []string, seen map[string]*node) {
	id := identity(path)
	switch first, twice := seen[id]; {
	case slices.Contains(chain, id):
		l.errorAt(item, Diagnostic{Kind: KindConflict, Msg: "the file " + path + " includes itself", Want: "includes without a cycle"})
		return
	case twice:
		d := Diagnostic{Kind: KindConflict, Msg: "the file " + path + " is included twice", Want: "each file once"}
		if first != nil {
			d.Related = []Related{related(first, "the first time")}
		}
		l.errorAt(item, d)
		return
	case len(chain) >= maxIncludeDepth:
		l.errorAt(item, Diagnostic{Msg: "includes are nested more than " + strconv.Itoa(maxIncludeDepth) + " levels deep", Want: "fewer levels"})
		return
	case len(l.files) >= maxFiles:
		l.errorAt(item, Diagnostic{Msg: "more than " + strconv.Itoa(maxFiles) + " files are included", Want: "fewer files"})
		return
	}
	seen[id] = item
	text, err := l.readText(path)
	if err != nil {
		l.errorAt(item, Diagnostic{Kind: KindMissing, Msg: "cannot read " + path + ": " + cause(err), Want: "a file, relative to the directory of this one"})
		return
	}
	child := &file{src: newSource(path, filepath.Dir(path), text)}
	parent.children = append(parent.children, child)
	l.files = append(l.files, child)
	l.readFile(child, append(chain, id), seen)
}

func (l *loader) readText(path string) ([]byte, error) {
	if l.opt.ReadFile == nil {
		return nil, fs.ErrNotExist
	}
	text, err := l.opt.ReadFile(path)
	if err == nil && len(text) > maxFileBytes {
		err = errors.New("is larger than 16MiB")
	}
	return text, err
}

// settingsOrder returns the files in the order in which their single values apply, later ones over earlier ones: what
// a file includes comes before the file itself, so that a file overrides what it includes.
func (f *file) settingsOrder(list []*file) []*file {
	for _, c := range f.children {
		list = c.settingsOrder(list)
	}
	return append(list, f)
}
