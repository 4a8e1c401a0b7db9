package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/anygate/anygate/static/coding"
)

// plan is what is to be done about one file.
type plan struct {
	source
	record   *record         // what will be known of it afterwards
	tasks    []coding.Coding // the forms to make
	undone   int             // how many of them are not made yet
	touch    []coding.Coding // forms that only want their file's time
	kept     int
	foreign  int
	problems []Problem // what Check says about it
}

// look decides what to do about one file, of which old is known.
func (p *plan) look(root *os.Root, old *record, level Level) error {
	sum, err := digest(root, p.name)
	if err != nil {
		return err
	}
	p.record = &record{SHA256: sum, Level: level, Forms: map[string]int64{}}
	same := old != nil && old.SHA256 == sum && (level == "" || old.Level == level)
	for _, c := range codings {
		name := p.name + c.Suffix()
		size, known := old.form(c)
		info, err := root.Lstat(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		exists := err == nil
		fresh := exists && info.Mode().IsRegular() && !info.ModTime().Before(p.modified)
		switch {
		case exists && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0:
			return fmt.Errorf("%s is in the way: it is neither a file nor a link", name)
		case fresh && (!known || size == 0):
			// Another tool's: the server takes it, and we leave it.
			p.foreign++
		case same && known && (size == 0 && !exists || exists && info.Mode().IsRegular() && info.Size() == size):
			p.record.Forms[c.String()] = size
			p.kept++
			if exists && !info.ModTime().Equal(p.modified) {
				p.touch = append(p.touch, c)
				if !fresh {
					p.problems = append(p.problems, Problem{name, "is older than its file, and not served"})
				}
			}
		case exists:
			p.tasks = append(p.tasks, c)
			p.problems = append(p.problems, Problem{name, "is stale"})
		default:
			p.tasks = append(p.tasks, c)
			p.problems = append(p.problems, Problem{name, "is missing"})
		}
	}
	return nil
}

// digest is the SHA-256 of a file's content.
func digest(root *os.Root, name string) (string, error) {
	f, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// orphans are the forms that Run wrote for files that are gone, or are not worth
// coding any more.
func orphans(root *os.Root, m *manifest, sources map[string]bool) []string {
	var names []string
	for name, r := range m.Files {
		if sources[name] {
			continue
		}
		for _, c := range codings {
			if size, known := r.form(c); known && size > 0 && ours(root, name+c.Suffix(), size) {
				names = append(names, name+c.Suffix())
			}
		}
	}
	return names
}

// ours reports whether there is a file of the length that was written. What has
// another length has been replaced by somebody.
func ours(root *os.Root, name string, size int64) bool {
	info, err := root.Lstat(name)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}
