package certificates

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/mark"
)

// echKey is a key of Encrypted Client Hello with the ECHConfig that says so to clients.
type echKey struct {
	file    string
	created time.Time
	id      byte
	config  []byte // an ECHConfig
	private []byte
}

// echKeys are the keys in a directory. Several servers may share it: who makes the next key is settled by its name.
type echKeys struct {
	config  *config.ECH
	keys    []echKey // the newest first
	current atomic.Pointer[[]tls.EncryptedClientHelloKey]
	loaded  mark.Mark
	seen    mark.Mark
}

// openECH reads the keys, and makes the first one.
func openECH(c *config.ECH, names []string, now time.Time) (*echKeys, error) {
	e := &echKeys{config: c}
	if err := e.reload(now); err != nil {
		return nil, err
	}
	if len(e.keys) == 0 {
		if err := e.add(names, now); err != nil {
			return nil, err
		}
	}
	e.publish()
	return e, nil
}

// look follows the directory, and makes a new key when it is time for one.
func (e *echKeys) look(names []string, now time.Time) (said string, err error) {
	state := mark.At(e.config.Keys.Name)
	seen := e.seen
	e.seen = state
	if state != e.loaded && state == seen {
		before := e.keys
		if err := e.reload(now); err != nil {
			e.loaded = state
			return "", err
		}
		if !slices.EqualFunc(before, e.keys, func(a, b echKey) bool { return string(a.config) == string(b.config) }) && len(e.keys) > 0 {
			said = "the keys of Encrypted Client Hello have changed: " + strconv.Itoa(len(e.keys)) + " are in use"
			e.publish()
		}
	}
	if e.config.Rotate == 0 || len(e.keys) > 0 && now.Sub(e.keys[0].created) < e.config.Rotate {
		return said, nil
	}
	if err := e.add(names, now); err != nil {
		return said, err
	}
	e.prune()
	e.publish()
	return "there is a new key of Encrypted Client Hello: \"anygate ech\" prints it for the DNS", nil
}

// publish gives the keys to the shards. Clients whose key is not known are told of the newest.
func (e *echKeys) publish() {
	list := make([]tls.EncryptedClientHelloKey, len(e.keys))
	for i, k := range e.keys {
		list[i] = tls.EncryptedClientHelloKey{Config: k.config, PrivateKey: k.private, SendAsRetry: i == 0}
	}
	e.current.Store(&list)
}

// reload reads the directory. Only the newest keys are kept in use.
func (e *echKeys) reload(now time.Time) error {
	state := mark.At(e.config.Keys.Name)
	entries, err := os.ReadDir(e.config.Keys.Name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot read the directory %s: %s", e.config.Keys.Name, cause(err))
	}
	var keys []echKey
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".pem") || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		k, err := readECH(filepath.Join(e.config.Keys.Name, entry.Name()))
		if err != nil {
			return err
		}
		keys = append(keys, k)
	}
	// Of two that were made at the same time, all servers take the same one first.
	slices.SortFunc(keys, func(a, b echKey) int { return cmp.Or(b.created.Compare(a.created), strings.Compare(b.file, a.file)) })
	if len(keys) > e.config.Keep {
		keys = keys[:e.config.Keep]
	}
	e.keys, e.loaded = keys, state
	return nil
}

// The names of the files that are made here: their time, in which servers that share a directory agree.
const echPrefix, echTime = "ech-", "20060102T150405Z"

// add makes a key. With a rotation its time is the beginning of the period, so that of all servers which share the
// directory one makes it, and the others take it.
func (e *echKeys) add(names []string, now time.Time) error {
	created := now.UTC().Truncate(time.Second)
	if e.config.Rotate > 0 && len(e.keys) > 0 {
		if period := created.Truncate(e.config.Rotate); period.After(e.keys[0].created) {
			created = period
		}
	}
	text, err := e.newKey(names)
	if err != nil {
		return err
	}
	name := filepath.Join(e.config.Keys.Name, echPrefix+created.Format(echTime)+".pem")
	if err := createFile(name, text); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot keep a key: %w", err)
	}
	return e.reload(now)
}

// prune removes files of keys that are not in use any more, but only such as were made here.
func (e *echKeys) prune() {
	entries, err := os.ReadDir(e.config.Keys.Name)
	if err != nil {
		return
	}
	for _, entry := range entries {
		stamp, ours := strings.CutPrefix(strings.TrimSuffix(entry.Name(), ".pem"), echPrefix)
		path := filepath.Join(e.config.Keys.Name, entry.Name())
		if _, err := time.Parse(echTime, stamp); !ours || err != nil || slices.ContainsFunc(e.keys, func(k echKey) bool { return k.file == path }) {
			continue
		}
		_ = os.Remove(path)
	}
}

// createFile writes a file that must not be there yet, whole or not at all.
func createFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), name)
}
