package pack

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/anygate/anygate/static/coding"
	"github.com/anygate/anygate/static/encoder"
)

// task is one form to make.
type task struct {
	plan *plan
	c    coding.Coding
	old  int64 // the length of the form that was written before, 0 for none
}

// done is a task that has ended.
type done struct {
	task
	size    int64 // of the form, 0 if it does not pay
	removed bool  // a form that does not pay any more is gone
	err     error
}

// errChanged says that a file is being written while it is packed.
var errChanged = errors.New("has changed while it was being packed: run pack after the build has ended")

// run makes one form and puts it in its place.
func (t task) run(root *os.Root, set *encoder.Set) done {
	d := done{task: t}
	content, err := root.ReadFile(t.plan.name)
	if err != nil {
		d.err = err
		return d
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != t.plan.record.SHA256 {
		d.err = fmt.Errorf("%s %w", t.plan.name, errChanged)
		return d
	}
	form, err := code(set, content, t.c)
	name := t.plan.name + t.c.Suffix()
	switch {
	case err != nil:
		d.err = fmt.Errorf("%s: %w", name, err)
	case coding.Pays(int64(len(content)), int64(len(form))):
		d.size = int64(len(form))
		d.err = replace(root, name, form, &t.plan.source)
	case t.old > 0 && ours(root, name, t.old):
		d.removed = true
		d.err = root.Remove(name)
	}
	return d
}

// code codes content, and makes sure that it can be decoded again: what is written
// here may be sent to everyone for months.
func code(set *encoder.Set, content []byte, c coding.Coding) ([]byte, error) {
	var b bytes.Buffer
	e := set.Encoder(&b, c, int64(len(content)))
	if _, err := e.Write(content); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	r, err := encoder.NewReader(bytes.NewReader(b.Bytes()), c)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	same := comparison{rest: content}
	if _, err := io.Copy(&same, r); err != nil || len(same.rest) > 0 {
		return nil, fmt.Errorf("%v does not decode to what was coded (%v): this is a fault of anygate, please report it", c, err)
	}
	return b.Bytes(), nil
}

// comparison is a writer that fails when it is given anything but certain bytes.
type comparison struct{ rest []byte }

func (c *comparison) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(c.rest, p) {
		return 0, errors.New("other bytes")
	}
	c.rest = c.rest[len(p):]
	return len(p), nil
}

// replace puts a file in its place in one step, with the permissions and the
// modification time of its source. Whoever opens it gets the old content or the new.
func replace(root *os.Root, name string, content []byte, s *source) (err error) {
	temp := path.Join(path.Dir(name), temporary+rand.Text())
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = root.Remove(temp)
		}
	}()
	if _, err = f.Write(content); err == nil {
		err = f.Chmod(s.mode)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if !s.modified.IsZero() {
		if err = root.Chtimes(temp, s.modified, s.modified); err != nil {
			return err
		}
	}
	return root.Rename(temp, name)
}

// remove deletes a file that may be gone already.
func remove(root *os.Root, name string) error {
	if err := root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
