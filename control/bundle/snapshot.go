package bundle

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/anygate/anygate/config"
)

// Snapshot are the files of a manifest as they were when they were verified.
type Snapshot struct {
	Manifest *Manifest
	// Path is the name of the main file.
	Path string

	sum    [sha256.Size]byte
	reader Reader
	files  map[string]verified // by the absolute name
	open   map[string]bool     // files that may be read as they are, by the absolute name
}

// verified is a file that is what the manifest says.
type verified struct {
	name string // as the configuration finds it
	text []byte
	info fs.FileInfo
}

// errUnsigned is about a file that the manifest does not have.
var errUnsigned = errors.New("is not in the signed manifest")

// read reads all files, once, and compares them.
func (s *Snapshot) read() error {
	s.files, s.open = make(map[string]verified), make(map[string]bool)
	for _, f := range s.Manifest.Files {
		name := s.place(f.Name)
		text, info, err := s.reader.file(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s is signed, and not there", name)
		case err != nil:
			return fmt.Errorf("%s: %w", name, cause(err))
		case int64(len(text)) != f.Size || sha256.Sum256(text) != f.Sum:
			return fmt.Errorf("%s is not what was signed: it was changed after %s", name, s.Manifest.Created.UTC().Format(time.RFC3339))
		}
		key, err := filepath.Abs(name)
		if err != nil {
			return err
		}
		s.files[key] = verified{name, text, info}
	}
	for _, name := range s.Manifest.Open {
		key, err := filepath.Abs(s.place(name))
		if err != nil {
			return err
		}
		s.open[key] = true
	}
	return nil
}

// place is the name of a file as the configuration finds it.
func (s *Snapshot) place(name string) string {
	if path.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(s.Path), filepath.FromSlash(name))
}

// find is the verified file of a name.
func (s *Snapshot) find(name string) (f verified, key string, ok bool) {
	key, err := filepath.Abs(name)
	if err != nil {
		return f, "", false
	}
	f, ok = s.files[key]
	return f, key, ok
}

// ReadFile returns what was verified of a file; a file that the manifest leaves open is read now.
func (s *Snapshot) ReadFile(name string) ([]byte, error) {
	f, key, ok := s.find(name)
	switch {
	case ok:
		return slices.Clone(f.text), nil
	case s.open[key]:
		text, _, err := s.reader.file(name)
		return text, err
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: errUnsigned}
}

// Stat tells of a verified file what it was like then; of others, which are directories mostly, what they are now.
func (s *Snapshot) Stat(name string) (fs.FileInfo, error) {
	if f, _, ok := s.find(name); ok {
		return f.info, nil
	}
	return os.Stat(name)
}

// Glob lists the verified files that match, and those that are there without being verified: what they lead to is an
// error that names them, so that nobody wonders why a file has no effect.
func (s *Snapshot) Glob(pattern string) ([]string, error) {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	for _, f := range s.files {
		if match, err := filepath.Match(pattern, f.name); err == nil && match {
			names = append(names, f.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Load parses the configuration, from what was verified and nothing else.
func (s *Snapshot) Load() (*config.Config, config.Diagnostics) {
	text, err := s.ReadFile(s.Path)
	if err != nil {
		return nil, config.Diagnostics{{Kind: config.KindMissing, File: s.Path, Msg: "cannot read the configuration: " + cause(err).Error()}}
	}
	return config.Parse(s.Path, text, config.Options{
		LookupEnv: os.LookupEnv, BaseDir: filepath.Dir(s.Path), ReadFile: s.ReadFile, Glob: s.Glob, Stat: s.Stat, Now: time.Now(),
	})
}
