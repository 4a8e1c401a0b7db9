package certificates

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/mark"
	"github.com/anygate/anygate/tlsedge/certificate"
)

// pair is a certificate with its key, and the state of the files that it was read from.
type pair struct {
	config   config.Certificate
	parse    parser // nil for the certificate of a server
	pair     *certificate.Pair
	problems certificate.Problems
	staple   *staple // nil for none
	proof    proof   // how the next one is got

	loaded  pairState // of the files that were read
	seen    pairState // at the last look
	refused pairState // of files that cannot be served
}

// parser reads a pair, and judges it for what it is there for.
type parser func(chain, key []byte, now time.Time) (*certificate.Pair, certificate.Problems)

// pairState is the state of both files.
type pairState struct{ cert, key mark.Mark }

func (p *pair) state() pairState {
	return pairState{mark.At(p.config.Cert.Name), mark.At(p.config.Key.Name)}
}

// open reads the files for the first time.
func (p *pair) open(read func(string) ([]byte, error), now time.Time) error {
	p.loaded = p.state()
	p.seen = p.loaded
	var err error
	p.pair, p.problems, err = p.load(read, now)
	return err
}

// load reads a pair. The error is for people, and names the file.
func (p *pair) load(read func(string) ([]byte, error), now time.Time) (*certificate.Pair, certificate.Problems, error) {
	c, parse := &p.config, p.parse
	if parse == nil {
		parse = certificate.Parse
	}
	cert, err := read(c.Cert.Path)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read %s: %s", c.Cert.Name, cause(err))
	}
	key := cert
	if c.Key.Name != c.Cert.Name {
		if key, err = read(c.Key.Path); err != nil {
			return nil, nil, fmt.Errorf("cannot read %s: %s", c.Key.Name, cause(err))
		}
	}
	loaded, problems := parse(cert, key, now)
	if loaded == nil {
		file := c.Cert.Name
		for _, problem := range problems {
			if !problem.Warning && problem.Part == certificate.Key {
				file = c.Key.Name
			}
		}
		return nil, problems, fmt.Errorf("%s: %w", file, problems)
	}
	return loaded, problems, nil
}

// cause is what the system says of an error, without the name of the file.
func cause(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}

// look reads the files again if they have changed and are left in peace now. It reports whether the pair is another
// one. An error is reported once for each state of the files.
func (p *pair) look(read func(string) ([]byte, error), now time.Time) (replaced bool, err error) {
	state := p.state()
	seen := p.seen
	p.seen = state
	if state == p.loaded || state == p.refused || state != seen {
		return false, nil
	}
	fresh, problems, err := p.load(read, now)
	if p.state() != state {
		return false, nil // written to while they were read: the next look will see
	}
	if err != nil {
		p.refused = state
		return false, err
	}
	// The key belongs to the leaf, so that it is the same if that is.
	same := slices.EqualFunc(fresh.TLS.Certificate, p.pair.TLS.Certificate, bytes.Equal)
	p.loaded, p.refused, p.problems = state, pairState{}, problems
	if same {
		return false, nil // touched, or copied over itself
	}
	p.pair, p.staple, p.proof = fresh, nil, proof{}
	return true, nil
}

// judge looks at the dates.
func (p *pair) judge(now time.Time) { p.problems = p.pair.Dates(now) }

// title names the pair for logs.
func (p *pair) title() string {
	if len(p.pair.Names) > 0 {
		return p.pair.Names[0]
	}
	return p.pair.Leaf().Subject.String()
}

// tls is what the shards show, with the proof that it is not revoked.
func (p *pair) tls() *tls.Certificate {
	c := p.pair.TLS
	if p.staple != nil {
		c.OCSPStaple = p.staple.raw
	}
	return &c
}
