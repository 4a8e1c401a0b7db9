package main

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// loadable is a module: a part of a kernel that is loaded by the guest: there is no modprobe in there.
type loadable struct {
	name    string
	content []byte
}

// modules brings the modules of an unpacked kernel, by the names that people call them, in the order in which they have
// to be loaded: those that others need first. What is part of the kernel's image needs no loading.
func modules(ctx context.Context, unpacked string, names []string) ([]loadable, error) {
	if len(names) == 0 {
		return nil, nil
	}
	p := provider{ctx: ctx, files: map[string]string{}, seen: map[string]bool{}}
	for _, top := range []string{"lib/modules", "usr/lib/modules"} {
		if err := p.find(filepath.Join(unpacked, top)); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		if err := p.add(name); err != nil {
			return nil, err
		}
	}
	return p.order, nil
}

// provider knows the modules of a kernel.
type provider struct {
	ctx   context.Context
	files map[string]string // by name; without a path of those in the image
	seen  map[string]bool
	order []loadable
}

// plain is a module's name as other modules write it.
func plain(name string) string { return strings.ReplaceAll(name, "-", "_") }

// find notes what lies below a directory, if there is one.
func (p *provider) find(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return nil // the other release has it elsewhere
	}
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if e.Name() == "modules.builtin" {
			text, err := os.ReadFile(path)
			for line := range strings.Lines(string(text)) {
				p.files[plain(strings.TrimSuffix(filepath.Base(strings.TrimSpace(line)), ".ko"))] = ""
			}
			return err
		}
		if name, _, ok := strings.Cut(e.Name(), ".ko"); ok {
			p.files[plain(name)] = path
		}
		return nil
	})
}

// add puts a module behind those that it needs.
func (p *provider) add(name string) error {
	name = plain(name)
	if p.seen[name] {
		return nil
	}
	p.seen[name] = true
	path, ok := p.files[name]
	switch {
	case !ok:
		return fmt.Errorf("the kernel has no module %s", name)
	case path == "":
		return nil
	}
	content, err := os.ReadFile(path)
	if err == nil && strings.HasSuffix(path, ".xz") {
		cmd := exec.CommandContext(p.ctx, "xz", "--decompress", "--stdout", path)
		content, err = cmd.Output()
	}
	if err != nil {
		return fmt.Errorf("the module %s: %w", name, err)
	}
	needs, err := dependencies(content)
	if err != nil {
		return fmt.Errorf("the module %s: %w", name, err)
	}
	for _, n := range needs {
		if err := p.add(n); err != nil {
			return err
		}
	}
	p.order = append(p.order, loadable{name, content})
	return nil
}

// dependencies reads what a module says that it needs.
func dependencies(content []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("it has no section .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for entry := range strings.SplitSeq(string(info), "\x00") {
		if list, ok := strings.CutPrefix(entry, "depends="); ok && list != "" {
			return strings.Split(list, ","), nil
		}
	}
	return nil, nil
}
