package privacypass

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// Options describe a Policy.
type Options struct {
	Type Type
	// Issuer is the name of the issuer that clients get tokens from.
	Issuer string
	// Origins are the names that a token is for. None makes it a token of any origin.
	Origins []string
	// Window is for how long a challenge is accepted at least; it is at most twice as long.
	Window time.Duration
	// Secret makes redemption contexts that nobody can foresee.
	Secret []byte
	// Keys are the issuer's, of the same type. The first is the one that challenges name.
	Keys []*Key
	// Ledger finds who knows what was redeemed of the tokens that policies of an identity accept.
	Ledger func(identity [32]byte) Ledger
}

// Ledger remembers the tokens that were redeemed, for as many goroutines as call it. What a Spent does is what it does.
type Ledger interface {
	Has(window int64, id TokenID) bool
	Add(window int64, id TokenID) Outcome
}

// Policy is what a route asks for.
type Policy struct {
	o       Options
	origins string
	ledger  Ledger
	current atomic.Pointer[window]
}

// window is what is asked for at a time: time is cut into windows of the same length, and what was asked for in the one
// before is accepted as well.
type window struct {
	number  int64
	digests [2][32]byte // of the challenge of this window, and of the one before it
	field   []byte
}

// maxField bounds the challenge in a response, which a client has to take as one field.
const maxField = 4096

// New makes a policy.
func New(o Options) (*Policy, error) {
	p := &Policy{o: o, origins: strings.Join(o.Origins, ",")}
	switch {
	case o.Issuer == "":
		return nil, errors.New("the issuer has no name")
	case len(o.Keys) == 0:
		return nil, errors.New("the issuer has no key")
	case o.Window < time.Second || o.Window%time.Second != 0:
		return nil, errors.New("a challenge has to be accepted for a whole number of seconds")
	case len(o.Issuer)+len(p.origins) > maxField/4:
		return nil, errors.New("the names of issuer and origins are too long for a challenge")
	}
	for _, k := range o.Keys {
		if k.typ != o.Type {
			return nil, fmt.Errorf("a key for tokens of type %d stands among those for type %d", k.typ, o.Type)
		}
	}
	p.ledger = o.Ledger(p.identity())
	return p, nil
}

// at is the window of a time.
func (p *Policy) at(unix int64) *window {
	number := unix / int64(p.o.Window/time.Second)
	w := p.current.Load()
	if w == nil || w.number != number {
		w = p.open(number)
		p.current.Store(w)
	}
	return w
}

// open makes a window.
func (p *Policy) open(number int64) *window {
	w := &window{number: number}
	var buf [512]byte
	before := p.challenge(buf[:0], number-1)
	w.digests[1] = sha256.Sum256(before)
	now := p.challenge(buf[:0], number)
	w.digests[0] = sha256.Sum256(now)
	w.field = appendField(nil, now, p.o.Keys[0], p.o.Window)
	return w
}

// challenge appends the challenge of a window.
func (p *Policy) challenge(b []byte, number int64) []byte {
	c := Challenge{Type: p.o.Type, Issuer: p.o.Issuer, Origins: p.origins, Context: p.context(number)}
	return c.Append(b)
}

// context is the redemption context of a window: a pseudorandom function of its number (RFC 9577, section 2.1.1), and
// of its length, so that windows of policies that differ in nothing else do not meet.
func (p *Policy) context(number int64) []byte {
	m := hmac.New(sha256.New, p.o.Secret)
	m.Write([]byte("anygate privacy pass redemption context v1"))
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(p.o.Window/time.Second)))
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(number)))
	return m.Sum(nil)
}

// identity tells policies apart whose challenges differ. Those of the same identity accept the same tokens, whatever
// their keys are, and need the same Ledger.
func (p *Policy) identity() [32]byte {
	return sha256.Sum256(p.challenge(nil, 0))
}

// Field is the field lines with which a client is challenged at a time.
func (p *Policy) Field(unix int64) []byte { return p.at(unix).field }

// Accept reports whether a token answers a challenge that is accepted at a time, and fills in a redemption if so.
// Whether the token is good is for Run to find out.
func (p *Policy) Accept(t *Token, unix int64, r *Redemption) bool {
	if t.Type() != p.o.Type {
		return false
	}
	var key *Key
	for _, k := range p.o.Keys {
		if [32]byte(t.KeyID()) == k.id {
			key = k
		}
	}
	w := p.at(unix)
	for age := range w.digests {
		if key != nil && subtle.ConstantTimeCompare(t.ChallengeDigest(), w.digests[age][:]) == 1 {
			r.ledger, r.key, r.window = p.ledger, key, w.number-int64(age)
			r.token = *t
			return true
		}
	}
	return false
}
