package bundle

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Suffix is what the name of a manifest has behind that of its main file.
const Suffix = ".sig"

// Trust is who may say what is served.
type Trust struct {
	keys  []*PublicKey
	state string
	seen  seen
	read  Reader // nil to read files as they are
}

// Reader reads a file for a process that may have given up the right to. direct reads it as it is.
type Reader func(name string, direct Direct) ([]byte, fs.FileInfo, error)

// Direct reads a file, and tells of it.
type Direct = func(name string) ([]byte, fs.FileInfo, error)

// file reads a file by r.
func (r Reader) file(name string) ([]byte, fs.FileInfo, error) {
	if r == nil {
		return readFile(name)
	}
	return r(name, readFile)
}

// seen is the newest manifest that was accepted.
type seen struct {
	sequence uint64
	sum      [sha256.Size]byte
}

// ReadTrust reads the files of the keys that count. state, if it is not empty, is a file that remembers the newest
// manifest from one process to the next. read reads files; nil is as they are.
func ReadTrust(files []string, state string, read Reader) (*Trust, error) {
	t := &Trust{state: state, read: read}
	for _, name := range files {
		text, info, err := read.file(name)
		switch {
		case err != nil:
			return nil, fmt.Errorf("the trusted key %s: %w", name, cause(err))
		case info.Mode().Perm()&0o022 != 0:
			return nil, fmt.Errorf("others can change the trusted key %s, and with it what is served: chmod go-w makes it safe", name)
		}
		keys, err := ParsePublicKeys(text)
		if err != nil {
			return nil, fmt.Errorf("the trusted key %s: %w", name, err)
		}
		if t.keys = append(t.keys, keys...); len(t.keys) > maxTrusted {
			return nil, fmt.Errorf("more than %d trusted keys", maxTrusted)
		}
	}
	if len(t.keys) == 0 {
		return nil, errors.New("no key is trusted")
	}
	return t, t.remember()
}

// Open verifies the configuration whose main file has that name, and all its files. It does not parse them. What is
// older than what was accepted before is refused.
func (t *Trust) Open(config string, now time.Time) (*Snapshot, error) {
	name := config + Suffix
	text, _, err := t.read.file(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is not signed: there is no %s; anygate sign --key KEY -c %s makes it", config, name, config)
	case err != nil:
		return nil, fmt.Errorf("the manifest %s: %w", name, cause(err))
	}
	m, err := Verify(text, t.keys)
	if err != nil {
		return nil, fmt.Errorf("the manifest %s: %w", name, err)
	}
	sum := sha256.Sum256(m.encode())
	if err := t.judge(m, sum, now); err != nil {
		return nil, fmt.Errorf("the manifest %s: %w", name, err)
	}
	if m.Config != filepath.Base(config) {
		return nil, fmt.Errorf("the manifest %s is for %s", name, m.Config)
	}
	s := &Snapshot{Manifest: m, Path: config, sum: sum, reader: t.read}
	return s, s.read()
}

// judge refuses a manifest that is not one of now.
func (t *Trust) judge(m *Manifest, sum [sha256.Size]byte, now time.Time) error {
	switch {
	case !m.Expires.IsZero() && now.After(m.Expires):
		return fmt.Errorf("it has expired on %s", m.Expires.UTC().Format(time.RFC3339))
	case m.Sequence < t.seen.sequence:
		return fmt.Errorf("it is older than one that was accepted before: its sequence is %d, and was %d", m.Sequence, t.seen.sequence)
	case m.Sequence == t.seen.sequence && sum != t.seen.sum:
		return fmt.Errorf("there is another one with the same sequence %d, which was accepted before", m.Sequence)
	}
	return nil
}

// Accept remembers that a snapshot is what is served now: nothing older will be opened again.
func (t *Trust) Accept(s *Snapshot) error {
	now := seen{s.Manifest.Sequence, s.sum}
	if now == t.seen {
		return nil
	}
	if t.state != "" {
		text := fmt.Sprintf("%ssequence %d\nmanifest %x\n", stateLine, now.sequence, now.sum)
		if err := WriteFile(t.state, []byte(text), 0o600); err != nil {
			return fmt.Errorf("the sequence of the manifest cannot be remembered: %w", err)
		}
	}
	t.seen = now
	return nil
}

const stateLine = "anygate trust v1\n"

// remember reads what the state says of the process before.
func (t *Trust) remember() error {
	if t.state == "" {
		return nil
	}
	text, _, err := readFile(t.state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the state %s: %w", t.state, cause(err))
	}
	rest, ok := strings.CutPrefix(string(text), stateLine+"sequence ")
	number, rest, _ := strings.Cut(rest, "\nmanifest ")
	if t.seen.sequence, err = strconv.ParseUint(number, 10, 64); !ok || err != nil || unhex(t.seen.sum[:], strings.TrimSuffix(rest, "\n")) != nil {
		return fmt.Errorf("the state %s is damaged: without it an old configuration may come back; remove it if none has", t.state)
	}
	return nil
}

// readFile reads a regular file of bounded size.
func readFile(name string) ([]byte, fs.FileInfo, error) {
	// Without O_NONBLOCK, opening a named pipe would wait for a writer.
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, nil, err
	case !info.Mode().IsRegular():
		return nil, nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is not a regular file, and nothing else is read")}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err == nil && len(b) > maxFileBytes {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("is larger than 16MiB")}
	}
	return b, info, err
}

// cause is what went wrong with a file without its name, which stands in the message already.
func cause(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// WriteFile replaces a file: whoever reads it sees all of the old content or all of the new.
func WriteFile(name string, text []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := errors.Join(f.Chmod(mode), copyTo(f, text), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func copyTo(f *os.File, text []byte) error {
	_, err := io.Copy(f, bytes.NewReader(text))
	return err
}

// ReadPrivateKey reads the key that signs. That nobody else can read it is wanted, not only wished.
func ReadPrivateKey(name string) (*PrivateKey, error) {
	text, info, err := readFile(name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the key %s: %w", name, cause(err))
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("others can read the key %s: chmod 600 makes it yours, but somebody may have it already", name)
	}
	k, err := ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("the key %s: %w", name, err)
	}
	return k, nil
}
