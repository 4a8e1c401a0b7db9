package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/auth"
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

// beside is where the file is that a node names: a relative name starts from the directory of the file that the node is in.
func (n *node) beside(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(n.src.dir, name)
}

// placeFiles makes the names of files in a policy relative to the directory of the main file, and reports those that
// are not there.
func (l *loader) placeFiles(p policy.Filed, n *node, off int, line string) policy.Policy {
	return p.WithFiles(func(name string) string {
		path := n.beside(name)
		if l.checkFile(n, off, line, name, path) && l.checkContent(p, n, off, line, name, path) && secret(p, name) {
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

// checkContent reports a file of users or tokens that nobody can be let in by, for which a start or a reload would be refused. A
// file that may not be read is left to those: who checks need not be the user that serves.
func (l *loader) checkContent(p policy.Filed, n *node, off int, line, name, path string) (ok bool) {
	a, is := p.(policy.Auth)
	if !is || l.opt.Stat == nil || l.opt.ReadFile == nil {
		return true
	}
	text, err := l.readText(path)
	if err != nil {
		return true
	}
	if a.Kind == policy.AuthBasic {
		_, err = auth.ParseUsers(string(text))
	} else {
		_, err = auth.ParseTokens(string(text), false)
	}
	if err == nil {
		return true
	}
	at, length := wordIn(line, name)
	l.errorIn(n, off+at, length, Diagnostic{Msg: path + ": " + err.Error()})
	return false
}

// warnVariable warns of a variable that is not set. It is no error: a unit or a container may set it for the process that serves,
// and not for who checks.
func (l *loader) warnVariable(n *node, off, length int, name string) {
	if l.opt.Stat == nil {
		return
	}
	if value, _ := l.opt.LookupEnv(name); value != "" {
		return
	}
	l.warnIn(n, off, length, Diagnostic{
		Msg:  "the environment variable " + name + " is not set here: AnyGate does not start without it",
		Want: "it to be set where AnyGate is started; a file's name has other characters than A-Z, 0-9 and _",
	})
}

// variableOf is the environment variable that a policy takes a secret from, if it does.
func variableOf(p policy.Policy) string {
	switch p := p.(type) {
	case policy.Auth:
		if p.Env {
			return p.Source
		}
	case policy.Token:
		if p.Env {
			return p.Secret
		}
	}
	return ""
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
