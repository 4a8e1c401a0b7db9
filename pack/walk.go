package pack

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/anygate/anygate/static"
	"github.com/anygate/anygate/static/coding"
)

// source is a file worth coding.
type source struct {
	name     string // slash-separated, relative to the root
	size     int64
	mode     fs.FileMode
	modified time.Time
}

// temporary is how the names of files begin that are being written. They are
// hidden, so that no server ever sends one.
const temporary = ".anygate-pack."

// hidden reports whether a server would not send what has this name.
func hidden(name string) bool { return name[0] == '.' && name != ".well-known" }

// isForm reports whether a file is named like a form of another.
func isForm(name string) bool {
	for _, c := range codings {
		if strings.HasSuffix(name, c.Suffix()) {
			return true
		}
	}
	return false
}

// walk collects the files worth coding and counts the others in out. What an
// earlier run left half-written is deleted.
func walk(root *os.Root, check bool, out *Summary) ([]source, error) {
	var sources []source
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case strings.HasPrefix(d.Name(), temporary) && d.Type().IsRegular() && !check:
			return root.Remove(name)
		case hidden(d.Name()):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		case isForm(name):
			return nil
		case !coding.Compressible(static.ContentType(name)):
			out.Skipped++
			return nil
		}
		s, ok, err := look(root, name)
		if err != nil {
			return err
		}
		if !ok {
			out.Skipped++
			return nil
		}
		sources = append(sources, s)
		return nil
	})
	return sources, err
}

// look reports whether a file, or what a link within the root leads to, is
// regular and of a size worth coding.
func look(root *os.Root, name string) (s source, ok bool, err error) {
	info, err := root.Stat(name)
	switch {
	case err != nil && isLink(root, name):
		// It leads nowhere, or out of the root, and is not served either.
		return s, false, nil
	case errors.Is(err, fs.ErrNotExist):
		return s, false, nil
	case err != nil:
		return s, false, err
	}
	longest := len(path.Base(name)) + len(coding.Zstd.Suffix())
	if !info.Mode().IsRegular() || info.Size() < coding.Least || info.Size() > maxFile || longest > nameMax {
		return s, false, nil
	}
	return source{name: name, size: info.Size(), mode: info.Mode().Perm(), modified: info.ModTime()}, true, nil
}

func isLink(root *os.Root, name string) bool {
	info, err := root.Lstat(name)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}
