package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/anygate/anygate/policy"
)

// ReadFile reads a file that the configuration names, from where the configuration itself was read. Whoever compiles a
// configuration reads its files by this and no other way, so that of a configuration that was verified only what was
// verified with it is used. It is for regular files of bounded size. Relative names start from BaseDir.
func (c *Config) ReadFile(name string) ([]byte, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(c.BaseDir, name)
	}
	if c.readFile == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return c.readFile(name)
}

// placeFiles makes the names of files in a policy relative to the directory of the main file, and reports those that
// are not there.
func (l *loader) placeFiles(p policy.Filed, n *node, off int, line string) policy.Policy {
	return p.WithFiles(func(name string) string {
		path := filepath.Clean(name)
		if !filepath.IsAbs(path) {
			path = filepath.Join(n.src.dir, path)
		}
		if l.checkFile(n, off, line, name, path) && secret(p, name) {
			if d, open := l.exposed(path, "the credentials in "+path); open {
				at, length := wordIn(line, name)
				l.warnIn(n, off+at, length, d)
			}
		}
		if filepath.IsAbs(name) || n.src.dir == l.opt.BaseDir {
			return name
		}
		return l.relative(path, false)
	})
}

// secret reports whether a file of a policy has what only the server should know, or should be able to say: those of auth,
// and of tokens what they are verified with, where that is no public key.
func secret(p policy.Filed, name string) bool {
	switch p := p.(type) {
	case policy.Auth:
		return true
	case policy.Token:
		return p.Type == 1 || name == p.Secret
	}
	return false
}

// checkFile reports a file of a policy that cannot be used.
func (l *loader) checkFile(n *node, off int, line, name, path string) (ok bool) {
	if l.opt.Stat == nil {
		return true
	}
	info, err := l.opt.Stat(path)
	d := Diagnostic{Kind: KindMissing, Want: "a file, relative to the directory of this file"}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.Msg = "there is no " + path
	case err != nil:
		d.Msg = "cannot use " + strconv.Quote(path) + ": " + cause(err)
	case !info.Mode().IsRegular():
		d.Kind, d.Msg = KindInvalid, path+" is not a regular file"
	default:
		return true
	}
	at, length := wordIn(line, name)
	l.errorIn(n, off+at, length, d)
	return false
}

// wordIn finds a word of a policy's line as it is written; the whole line if it is written in another way.
func wordIn(line, word string) (off, length int) {
	for i := 0; i+len(word) <= len(line); i++ {
		starts := i == 0 || isSpace(line[i-1])
		ends := i+len(word) == len(line) || isSpace(line[i+len(word)])
		if starts && ends && line[i:i+len(word)] == word {
			return i, len(word)
		}
	}
	return 0, len(line)
}
