package bundle

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of a manifest. They exist so that a hostile one ends with an error.
const (
	maxManifestBytes = 2 << 20
	maxEntries       = 8192
	// maxFileBytes bounds a file, and maxTotalBytes all of them together, since they are in memory at the same time.
	maxFileBytes  = 16 << 20
	maxTotalBytes = 256 << 20
)

// Manifest is what is signed.
//
// Its encoding is text, one line for each statement, in a fixed order and with one spelling for everything:
//
//	anygate manifest v1
//	key 6f7a...                          the signer
//	config "anygate.yml"                 the main file
//	sequence 1784678400000               greater than that of every manifest before
//	created 2026-07-22T00:00:00Z
//	expires 2026-10-20T00:00:00Z         or never
//	file 9f86... 1234 "conf.d/api.yml"   digest, size and name; sorted by name
//	open "certs/live.pem"                may be read, and is not signed; sorted by name
//
// Names are relative to the directory of the main file, or absolute.
type Manifest struct {
	Key      KeyID
	Config   string
	Sequence uint64
	Created  time.Time
	Expires  time.Time // zero for never
	Files    []File
	Open     []string
}

// File is a file that is signed.
type File struct {
	Name string
	Size int64
	Sum  [sha256.Size]byte
}

const firstLine = "anygate manifest v1\n"

// encode writes the one encoding of a manifest.
func (m *Manifest) encode() []byte {
	var b bytes.Buffer
	b.WriteString(firstLine)
	fmt.Fprintf(&b, "key %s\nconfig %s\nsequence %d\ncreated %s\n", m.Key, strconv.Quote(m.Config), m.Sequence, m.Created.UTC().Format(time.RFC3339))
	expires := "never"
	if !m.Expires.IsZero() {
		expires = m.Expires.UTC().Format(time.RFC3339)
	}
	fmt.Fprintf(&b, "expires %s\n", expires)
	for _, f := range m.Files {
		fmt.Fprintf(&b, "file %x %d %s\n", f.Sum, f.Size, strconv.Quote(f.Name))
	}
	for _, name := range m.Open {
		fmt.Fprintf(&b, "open %s\n", strconv.Quote(name))
	}
	return b.Bytes()
}

// errMalformed is about a manifest whose signatures are good, or that is about to be signed: it is told to the signer.
var errMalformed = errors.New("the manifest is malformed")

func malformed(format string, a ...any) error {
	return fmt.Errorf("%w: %s", errMalformed, fmt.Sprintf(format, a...))
}

// parseManifest reads a manifest. Its signatures were verified before.
func parseManifest(body []byte) (*Manifest, error) {
	rest, ok := strings.CutPrefix(string(body), firstLine)
	if !ok {
		return nil, malformed("it is of another version")
	}
	m := &Manifest{}
	for n := 0; rest != ""; n++ {
		line, after, ended := strings.Cut(rest, "\n")
		word, value, spaced := strings.Cut(line, " ")
		if !ended || !spaced {
			return nil, malformed("%.80q is no line of it", line)
		}
		if err := m.line(word, value); err != nil {
			return nil, err
		}
		if rest = after; n > maxEntries {
			return nil, malformed("it has more than %d lines", maxEntries)
		}
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	// What is left is the order of lines, and other spellings of the same: there is only one.
	if !bytes.Equal(m.encode(), body) {
		return nil, malformed("it is not in its canonical form")
	}
	return m, nil
}

func (m *Manifest) line(word, value string) (err error) {
	switch word {
	case "key":
		err = unhex(m.Key[:], value)
	case "config":
		m.Config, err = strconv.Unquote(value)
	case "sequence":
		m.Sequence, err = strconv.ParseUint(value, 10, 64)
	case "created":
		m.Created, err = time.Parse(time.RFC3339, value)
	case "expires":
		if value != "never" {
			m.Expires, err = time.Parse(time.RFC3339, value)
		}
	case "file":
		var f File
		if f, err = parseFile(value); err == nil {
			m.Files = append(m.Files, f)
		}
	case "open":
		var name string
		if name, err = strconv.Unquote(value); err == nil {
			m.Open = append(m.Open, name)
		}
	default:
		err = errors.New("unknown")
	}
	if err != nil {
		return malformed("%.80q is no line of it", word+" "+value)
	}
	return nil
}

func parseFile(value string) (f File, err error) {
	sum, rest, _ := strings.Cut(value, " ")
	size, name, _ := strings.Cut(rest, " ")
	if err = unhex(f.Sum[:], sum); err != nil {
		return f, err
	}
	if f.Size, err = strconv.ParseInt(size, 10, 64); err != nil {
		return f, err
	}
	f.Name, err = strconv.Unquote(name)
	return f, err
}

func unhex(dst []byte, s string) error {
	if len(s) != hex.EncodedLen(len(dst)) {
		return hex.ErrLength
	}
	_, err := hex.Decode(dst, []byte(s))
	return err
}

// check looks at what the statements say.
func (m *Manifest) check() error {
	total := int64(0)
	for _, f := range m.Files {
		if f.Size < 0 || f.Size > maxFileBytes {
			return malformed("the file %q has %d bytes", f.Name, f.Size)
		}
		if total += f.Size; total > maxTotalBytes {
			return malformed("its files are larger than %d MiB in all", maxTotalBytes>>20)
		}
	}
	if m.Sequence == 0 {
		return malformed("it has no sequence")
	}
	names := m.names()
	for _, name := range names {
		if name == "" || name != path.Clean(name) || strings.ContainsRune(name, 0) {
			return malformed("%q is no name of a file", name)
		}
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != len(m.Files)+len(m.Open) {
		return malformed("it names a file twice")
	}
	if !slices.IsSortedFunc(m.Files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) }) || !slices.IsSorted(m.Open) {
		return malformed("its files are not sorted")
	}
	if m.file(m.Config) == nil {
		return malformed("the main file %q is not one of its files", m.Config)
	}
	return nil
}

// names are those of all files.
func (m *Manifest) names() []string {
	names := slices.Clone(m.Open)
	for _, f := range m.Files {
		names = append(names, f.Name)
	}
	return names
}

// file is the signed file of a name, nil if there is none.
func (m *Manifest) file(name string) *File {
	for i := range m.Files {
		if m.Files[i].Name == name {
			return &m.Files[i]
		}
	}
	return nil
}
