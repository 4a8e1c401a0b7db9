package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/bundle"
	"github.com/anygate/anygate/control/privileges"
)

// trusting are the options of the commands that take a configuration only if it is signed.
type trusting struct {
	keys  []string
	state string
}

func (o *trusting) define(f *flag.FlagSet) {
	f.Func("trust", "file of a key that must have signed the configuration", func(s string) error {
		if s == "" {
			return errors.New("it names no file")
		}
		o.keys = append(o.keys, s)
		return nil
	})
	f.StringVar(&o.state, "trust-state", "", "file that remembers the newest configuration, so that no older one comes back")
}

// wanted reports whether the configuration has to be signed.
func (o *trusting) wanted() bool { return len(o.keys) > 0 }

// misused says what is wrong with the options, given whether there is a configuration to be signed.
func (o *trusting) misused(configured bool) string {
	switch {
	case o.state != "" && !o.wanted():
		return "--trust-state is of no use without --trust KEY"
	case o.wanted() && !configured:
		return "--trust is for a configuration, and excludes another thing to serve"
	}
	return ""
}

// signed is a configuration that was verified.
type signed struct {
	trust    *bundle.Trust
	snapshot *bundle.Snapshot
}

// verifier reads the keys, and later the configuration, by files.
func (o *trusting) verifier(files *privileges.Files) (*verifier, error) {
	trust, err := bundle.ReadTrust(o.keys, o.state, files.ReadInfo)
	if err != nil {
		return nil, err
	}
	return &verifier{trust}, nil
}

// verifier verifies configurations, one after the other.
type verifier struct{ trust *bundle.Trust }

// open verifies a configuration, and parses it if it is good.
func (v *verifier) open(name string) (*signed, *config.Config, config.Diagnostics, error) {
	snapshot, err := v.trust.Open(name, time.Now())
	if err != nil {
		return nil, nil, nil, err
	}
	cfg, diagnostics := snapshot.Load()
	return &signed{v.trust, snapshot}, cfg, diagnostics, nil
}

// open is verifier and its open, for a command that reads a configuration once.
func (o *trusting) open(name string) (*signed, *config.Config, config.Diagnostics, error) {
	v, err := o.verifier(nil)
	if err != nil {
		return nil, nil, nil, err
	}
	return v.open(name)
}

// accept remembers that the configuration is served.
func (s *signed) accept() error { return s.trust.Accept(s.snapshot) }

// String says who has signed, and when.
func (s *signed) String() string {
	m := s.snapshot.Manifest
	text := fmt.Sprintf("signed with the key %s, %s, sequence %d", m.Key, m.Created.UTC().Format(time.RFC3339), m.Sequence)
	if !m.Expires.IsZero() {
		text += ", until " + m.Expires.UTC().Format(time.RFC3339)
	}
	return text
}
