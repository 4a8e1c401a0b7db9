package bundle

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/anygate/anygate/config"
)

// Record is a configuration with the files that were read for it.
type Record struct {
	Config *config.Config
	base   string
	name   string
	files  map[string]File // by the name in the manifest
	failed error
}

// Read loads a configuration, and notes every file that it consists of and that it names. The Record is nil if there are
// diagnostics.
func Read(path string) (*Record, config.Diagnostics, error) {
	// Seen from here, so that names which are relative stay so, and are the same wherever the configuration is served.
	relative, err := relativeName(path)
	if err != nil {
		return nil, nil, err
	}
	r := &Record{base: filepath.Dir(relative), name: filepath.Base(relative), files: make(map[string]File)}
	text, err := r.ReadFile(relative)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, cause(err))
	}
	cfg, diagnostics := config.Parse(relative, text, config.Options{
		LookupEnv: os.LookupEnv, BaseDir: r.base, ReadFile: r.ReadFile, Glob: filepath.Glob, Stat: os.Stat, Now: time.Now(),
	})
	if len(diagnostics) > 0 {
		return nil, diagnostics, nil
	}
	for _, name := range cfg.References() {
		if _, err := cfg.ReadFile(name); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, cause(err))
		}
	}
	r.Config = cfg
	return r, nil, r.failed
}

func relativeName(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return filepath.Rel(here, path)
}

// ReadFile reads a file, and notes it.
func (r *Record) ReadFile(path string) ([]byte, error) {
	text, _, err := readFile(path)
	if err != nil {
		return nil, err
	}
	name, err := r.nameOf(path)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	f := File{Name: name, Size: int64(len(text)), Sum: sha256.Sum256(text)}
	if before, twice := r.files[f.Name]; twice && before != f {
		r.failed = fmt.Errorf("%s has changed while it was read: try again", path)
	}
	r.files[f.Name] = f
	return text, nil
}

// nameOf is the name of a file in the manifest.
func (r *Record) nameOf(path string) (string, error) {
	if filepath.IsAbs(path) {
		return filepath.ToSlash(filepath.Clean(path)), nil
	}
	name, err := filepath.Rel(r.base, path)
	return filepath.ToSlash(name), err
}

// isConfig reports whether a name in the manifest is that of a file that the configuration consists of.
func (r *Record) isConfig(name string) bool {
	return slices.ContainsFunc(r.Config.Files, func(path string) bool {
		other, err := r.nameOf(path)
		return err == nil && other == name
	})
}

// Manifest lists the files. Those that a pattern of open matches are left out: they may be changed without a signature.
// A pattern that matches none is an error, because a file would be signed that was not meant to be.
func (r *Record) Manifest(open []string) (*Manifest, error) {
	m := &Manifest{Config: r.name}
	used := make([]bool, len(open))
	for _, f := range r.files {
		isOpen := false
		for i, pattern := range open {
			match, err := filepath.Match(strings.TrimPrefix(pattern, "./"), f.Name)
			if err != nil {
				return nil, fmt.Errorf("%q is no pattern: %w", pattern, err)
			}
			used[i] = used[i] || match
			isOpen = isOpen || match
		}
		switch {
		case isOpen && r.isConfig(f.Name):
			return nil, fmt.Errorf("%s is a part of the configuration itself, which cannot be left open", f.Name)
		case isOpen:
			m.Open = append(m.Open, f.Name)
		default:
			m.Files = append(m.Files, f)
		}
	}
	for i, pattern := range open {
		if !used[i] {
			return nil, fmt.Errorf("%q matches no file that the configuration names", pattern)
		}
	}
	slices.Sort(m.Open)
	slices.SortFunc(m.Files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return m, nil
}
