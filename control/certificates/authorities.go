package certificates

import (
	"fmt"
	"slices"

	"github.com/anygate/anygate/control/mark"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge/certificate"
)

// Trust is the files of authorities that a configuration names: of those who vouch for clients, and for upstreams. What
// was read of them is part of what is compiled, so that a change of one is for whoever compiles to act on.
type Trust struct {
	read func(name string) ([]byte, error)
	list []*authorityFile
}

// authorityFile is one of the files, and the state of what was read of it.
type authorityFile struct {
	name, path string
	clients    bool // whether they vouch for clients
	inUse      *certificate.Authorities

	current bool      // whether the file still says what is in use
	looked  mark.Mark // of what that is known of
	seen    mark.Mark // at the last look
}

// NewTrust makes a set without any. read reads the files of the configuration, by their path there.
func NewTrust(read func(name string) ([]byte, error)) *Trust { return &Trust{read: read} }

// Clients reads a file of those who vouch for clients: name is where it is, path how the configuration writes it.
func (t *Trust) Clients(name, path string) (*certificate.Authorities, error) {
	return t.open(name, path, true)
}

// Upstreams reads a file of those who vouch for upstreams.
func (t *Trust) Upstreams(name, path string) (*certificate.Authorities, error) {
	return t.open(name, path, false)
}

func (t *Trust) open(name, path string, clients bool) (*certificate.Authorities, error) {
	for _, f := range t.list {
		if f.name == name && f.clients == clients {
			return f.inUse, nil
		}
	}
	f := &authorityFile{name: name, path: path, clients: clients, current: true, looked: mark.At(name)}
	f.seen = f.looked
	var err error
	if f.inUse, err = f.load(t.read); err != nil {
		return nil, err
	}
	t.list = append(t.list, f)
	return f.inUse, nil
}

// load reads the file. The error is for people, and names it.
func (f *authorityFile) load(read func(string) ([]byte, error)) (*certificate.Authorities, error) {
	text, err := read(f.path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %s", f.path, cause(err))
	}
	parse := certificate.ParseRoots
	if f.clients {
		parse = certificate.ParseAuthorities
	}
	// Dates are told of where the configuration is read.
	a, problems := parse(text, never)
	if a == nil {
		return nil, fmt.Errorf("%s: %w", f.path, problems)
	}
	return a, nil
}

// Look looks at all files now, and returns those that name others than are in use: the same again, until there is another
// Trust in the place of this one. What cannot be used is logged once. It is for one goroutine at a time.
func (t *Trust) Look(log Logger) (changed []string) {
	for _, f := range t.list {
		if err := f.look(t.read); err != nil {
			log(telemetry.Warn, "authorities cannot be replaced: the old ones stay", telemetry.String("file", f.name), telemetry.String("error", err.Error()))
		}
		if !f.current && !slices.Contains(changed, f.name) {
			changed = append(changed, f.name)
		}
	}
	return changed
}

// look reads the file again if it has changed and is left in peace now. An error is reported once for each state of it.
func (f *authorityFile) look(read func(string) ([]byte, error)) error {
	state := mark.At(f.name)
	seen := f.seen
	f.seen = state
	if state == f.looked || state != seen {
		return nil
	}
	a, err := f.load(read)
	if mark.At(f.name) != state {
		return nil // written to while it was read: the next look will see
	}
	f.looked = state
	f.current = err != nil || a.Digest == f.inUse.Digest
	return err
}
