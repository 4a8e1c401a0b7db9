package pack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/anygate/anygate/static/coding"
	"github.com/anygate/anygate/static/encoder"
)

// manifestName is hidden, so that it is never served.
const manifestName = ".anygate-pack.json"

// codings are those that forms are written in.
var codings = [...]coding.Coding{coding.Brotli, coding.Zstd, coding.Gzip}

// manifest says what Run has written. It holds no times, so that it is the same for the
// same files.
type manifest struct {
	// Revision is that of the encoders; with another, everything is coded anew.
	Revision int                `json:"revision"`
	Files    map[string]*record `json:"files"`
}

// record is what is known of one file.
type record struct {
	SHA256 string `json:"sha256"`
	Level  Level  `json:"level"`
	// Forms holds the length of each form by the coding's name; zero says that it
	// did not pay. A coding whose form is another tool's is not in it.
	Forms map[string]int64 `json:"forms"`
}

// form is the length of a form that Run wrote, zero if it does not pay; ok says whether
// anything is known about it.
func (r *record) form(c coding.Coding) (size int64, ok bool) {
	if r == nil {
		return 0, false
	}
	size, ok = r.Forms[c.String()]
	return size, ok
}

// readManifest reads what an earlier run left. Without one it is empty.
func readManifest(root *os.Root) (*manifest, error) {
	m := &manifest{Revision: encoder.Revision, Files: map[string]*record{}}
	f, err := root.Open(manifestName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, nil
	case err != nil:
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return nil, err
	}
	var found manifest
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w): delete it, and everything is coded anew", manifestName, err)
	}
	if found.Files != nil {
		m.Files = found.Files
	}
	for name, r := range m.Files {
		switch {
		case r == nil:
			delete(m.Files, name)
		case found.Revision != encoder.Revision:
			// The forms are ours, of whatever content.
			r.SHA256 = ""
		}
	}
	return m, nil
}

// write replaces the manifest if it has changed, or deletes it if it says
// nothing.
func (m *manifest) write(root *os.Root) error {
	if len(m.Files) == 0 {
		if err := root.Remove(manifestName); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(m); err != nil {
		return err
	}
	if old, err := root.ReadFile(manifestName); err == nil && bytes.Equal(old, b.Bytes()) {
		return nil
	}
	return replace(root, manifestName, b.Bytes(), &source{mode: 0o644})
}
