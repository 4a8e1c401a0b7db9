package certificates

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/mark"
	"github.com/anygate/anygate/tlsedge"
)

var never time.Time

// tickets are the keys of session tickets: made of a secret and of the time, so that they need to be kept nowhere.
type tickets struct {
	keys   *tlsedge.TicketKeys // nil if there are none
	secret []byte
	own    []byte // made here, where the configuration has none
	epoch  uint64

	loaded, seen mark.Mark
}

// open makes the first keys. A secret that was made here goes on with the next configuration.
func (t *tickets) open(s *Set, previous *Set) error {
	c := &s.config.Tickets
	if previous != nil {
		previous.mu.Lock()
		t.own = previous.tickets.own
		previous.mu.Unlock()
	}
	switch {
	case c.Off:
		return nil
	case c.File != nil:
		t.loaded = mark.At(c.File.Name)
		secret, err := readSecret(s.read, c.File)
		if err != nil {
			return at(c.File.Pos, err)
		}
		t.secret = secret
	case c.Secret != "":
		t.secret = bytes.TrimSpace([]byte(c.Secret))
	default:
		if t.own == nil {
			t.own = make([]byte, 48)
			_, _ = rand.Read(t.own) // which never fails
		}
		t.secret = t.own
	}
	t.keys = new(tlsedge.TicketKeys)
	return t.publish(c, s.now())
}

// readSecret reads a secret. White space around it is not part of it, so that a file and a variable of the environment
// with the same content are the same secret.
func readSecret(read func(string) ([]byte, error), f *config.File) ([]byte, error) {
	secret, err := read(f.Path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %s", f.Name, cause(err))
	}
	if secret = bytes.TrimSpace(secret); len(secret) < tlsedge.MinTicketSecret {
		return nil, fmt.Errorf("%s: the secret has only %d bytes, too few for one", f.Name, len(secret))
	}
	return secret, nil
}

// look makes other keys if it is time for them, or the secret has changed.
func (t *tickets) look(s *Set, now time.Time) error {
	c := &s.config.Tickets
	if t.keys == nil {
		return nil
	}
	if c.File != nil {
		state := mark.At(c.File.Name)
		seen := t.seen
		t.seen = state
		if state != t.loaded && state == seen {
			t.loaded = state
			secret, err := readSecret(s.read, c.File)
			if err != nil {
				return err
			}
			if !bytes.Equal(secret, t.secret) {
				t.secret = secret
				return t.publish(c, now)
			}
		}
	}
	if tlsedge.TicketEpoch(now, c.Rotate) != t.epoch {
		return t.publish(c, now)
	}
	return nil
}

func (t *tickets) publish(c *config.Tickets, now time.Time) error {
	keys, err := tlsedge.DeriveTicketKeys(t.secret, now, c.Rotate, c.Keep)
	if err != nil {
		return err
	}
	t.epoch = tlsedge.TicketEpoch(now, c.Rotate)
	t.keys.Replace(keys)
	return nil
}
