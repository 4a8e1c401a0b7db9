package main

import (
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control"
	"github.com/anygate/anygate/control/privileges"
)

// source is where a configuration comes from that can be read again.
type source struct {
	name   string
	trust  trusting
	listen []string
	// files reads what the process may not read any more; nil reads files as they are.
	files *privileges.Files
	// verify is kept from one reading to the next: what is older than what it has accepted is refused.
	verify *verifier
}

// open reads the configuration, and verifies it if it has to be signed. Diagnostics are an error of the type
// *control.Invalid.
func (s *source) open() (cfg *config.Config, by *signed, err error) {
	var diagnostics config.Diagnostics
	if s.trust.wanted() {
		if s.verify == nil {
			if s.verify, err = s.trust.verifier(s.files); err != nil {
				return nil, nil, err
			}
		}
		if by, cfg, diagnostics, err = s.verify.open(s.name); err != nil {
			return nil, nil, err
		}
	} else {
		opt := config.System(s.name, time.Now())
		direct := opt.ReadFile
		opt.ReadFile = func(name string) ([]byte, error) { return s.files.Read(name, direct) }
		opt.Stat, opt.Glob = s.files.Stat, s.files.Glob
		cfg, diagnostics = config.LoadBy(s.name, opt)
	}
	if len(diagnostics) == 0 && len(s.listen) > 0 {
		cfg, diagnostics = cfg.WithListen(s.listen)
	}
	if len(diagnostics) > 0 {
		return nil, nil, &control.Invalid{Diagnostics: diagnostics}
	}
	return cfg, by, nil
}

// again is open for a process that serves already.
func (s *source) again() (*control.Loaded, error) {
	cfg, by, err := s.open()
	if err != nil {
		return nil, err
	}
	out := &control.Loaded{Config: cfg}
	if by != nil {
		out.Accept = by.accept
	}
	return out, nil
}
