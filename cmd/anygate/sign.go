package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/anygate/anygate/control/bundle"
	"github.com/anygate/anygate/policy/quantity"
)

// signing are the options of sign.
type signing struct {
	key, file, out string
	expires        time.Duration
	open           []string
}

// sign signs a configuration, or makes keys to do so.
func sign(t terminal, args []string) int {
	if len(args) > 0 && args[0] == "keygen" {
		return signKeygen(t, args[1:])
	}
	var o signing
	_, err := parse(t, "sign", args, 0, func(f *flag.FlagSet) {
		f.StringVar(&o.key, "key", "", "file of the private key")
		f.StringVar(&o.file, "c", "", "configuration file")
		f.StringVar(&o.out, "o", "", "file of the manifest")
		f.Func("open", "file that may be changed without a signature", func(s string) error { o.open = append(o.open, s); return nil })
		f.Func("expires", "for how long the signature is good", func(s string) error {
			d, err := quantity.Duration(s)
			if err != nil {
				return err
			}
			o.expires = d
			return nil
		})
	})
	switch {
	case err != nil:
		return exitOf(err)
	case o.key == "":
		fmt.Fprintln(t.err, "anygate sign: --key FILE is needed; anygate sign keygen makes one")
		return exitUsage
	}
	if o.file, err = locate(o.file); err != nil {
		return failed(t, err)
	}
	if o.out == "" {
		o.out = o.file + bundle.Suffix
	}
	key, err := bundle.ReadPrivateKey(o.key)
	if err != nil {
		return failed(t, err)
	}
	record, diagnostics, err := bundle.Read(o.file)
	switch {
	case err != nil:
		return failed(t, err)
	case report(t, diagnostics):
		fmt.Fprintln(t.err, "anygate sign: nothing is signed")
		return exitFailure
	}
	return o.sign(t, key, record)
}

// sign writes the manifest.
func (o *signing) sign(t terminal, key *bundle.PrivateKey, record *bundle.Record) int {
	m, err := record.Manifest(o.open)
	if err != nil {
		return failed(t, err)
	}
	now := time.Now()
	m.Created, m.Sequence = now, uint64(now.UnixMilli())
	if o.expires > 0 {
		m.Expires = now.Add(o.expires)
	}
	// A clock that was set back must not make a manifest that is refused for its age.
	switch before, err := os.ReadFile(o.out); {
	case err == nil:
		if last, err := bundle.Verify(before, []*bundle.PublicKey{key.Public()}); err == nil && last.Sequence >= m.Sequence {
			m.Sequence = last.Sequence + 1
		}
	case !errors.Is(err, fs.ErrNotExist):
		return failed(t, err)
	}
	text, err := key.Sign(m)
	if err != nil {
		return failed(t, err)
	}
	if err := bundle.WriteFile(o.out, text, 0o644); err != nil {
		return failed(t, err)
	}
	_, err = fmt.Fprintf(t.out, "%s: %s signed with the key %s, sequence %d\n", o.out, count(len(m.Files), "file"), key.Public().ID(), m.Sequence)
	for _, name := range m.Open {
		if err == nil {
			_, err = fmt.Fprintf(t.out, "%s is left open\n", name)
		}
	}
	return printed(t, err)
}

// signKeygen makes a pair of keys. It replaces no file: a key that is lost by mistake cannot be made again.
func signKeygen(t terminal, args []string) int {
	name := "anygate-signing"
	if _, err := parse(t, "sign", args, 0, func(f *flag.FlagSet) {
		f.StringVar(&name, "o", name, "name of the files, without .key and .pub")
	}); err != nil {
		return exitOf(err)
	}
	key := bundle.GenerateKey()
	if err := createFile(name+".key", key.Encode(), 0o600); err != nil {
		return failed(t, err)
	}
	if err := createFile(name+".pub", key.Public().Encode(), 0o644); err != nil {
		_ = os.Remove(name + ".key") // half a pair is none
		return failed(t, err)
	}
	_, err := fmt.Fprintf(t.out, "the key %s: %s.key signs, and stays where configurations are made; %s.pub goes to the servers, for serve --trust\n",
		key.Public().ID(), name, name)
	return printed(t, err)
}

// createFile writes a file that is not there yet.
func createFile(name string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}
