package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"
)

// Users are the users of a file, and the hashes of their passwords.
type Users struct {
	of    map[string]secret
	other secret // what the password of nobody is compared with

	key   [sha256.BlockSize]byte
	known [knownSets][knownWays]atomic.Pointer[known]
}

// secret is what the file has of a password. One of the two is set.
type secret struct {
	bcrypt []byte
	sha    *shaCrypt
}

// known is a user whose password was found right.
type known struct {
	sum   [sha256.Size]byte
	until int64
}

// ParseUsers reads a password file as htpasswd writes it: USER:HASH, where the
// hash is one of bcrypt or SHA-crypt. Empty lines, and those that begin with
// "#", do not count.
func ParseUsers(text string) (*Users, error) {
	u := &Users{of: make(map[string]secret)}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" {
			return nil, fmt.Errorf("line %d is not USER:HASH", n)
		}
		if _, twice := u.of[name]; twice {
			return nil, fmt.Errorf("line %d has the user %q a second time", n, name)
		}
		// Some files have more fields behind the hash.
		value, _, _ = strings.Cut(value, ":")
		h, err := parseHash(value)
		if err != nil {
			return nil, fmt.Errorf("line %d, the user %q: %w", n, name, err)
		}
		u.of[name] = h
		if u.other.bcrypt == nil && u.other.sha == nil {
			u.other = h
		}
	}
	if len(u.of) == 0 {
		return nil, errors.New("there is no user in it")
	}
	_, _ = rand.Read(u.key[:]) // never fails
	return u, nil
}

const cure = `; make a new one with "htpasswd -B" or "openssl passwd -6"`

func parseHash(value string) (secret, error) {
	switch {
	case strings.HasPrefix(value, "$2a$"), strings.HasPrefix(value, "$2b$"), strings.HasPrefix(value, "$2y$"):
		cost, err := bcrypt.Cost([]byte(value))
		switch {
		case err != nil || len(value) != 60:
			return secret{}, errors.New("its bcrypt hash is damaged" + cure)
		case cost > maxCost:
			return secret{}, fmt.Errorf("its bcrypt hash has the cost %d, and takes more than the %d that is allowed", cost, maxCost)
		}
		return secret{bcrypt: []byte(value)}, nil
	case strings.HasPrefix(value, "$5$"), strings.HasPrefix(value, "$6$"):
		sha, err := parseSHACrypt(value)
		return secret{sha: sha}, err
	case strings.HasPrefix(value, "$apr1$"), strings.HasPrefix(value, "$1$"):
		return secret{}, errors.New("its hash is of MD5, which is too fast to protect a password" + cure)
	case strings.HasPrefix(value, "{SHA}"):
		return secret{}, errors.New("its hash is of SHA-1 without salt, which is too fast to protect a password" + cure)
	case strings.HasPrefix(value, "$"):
		return secret{}, errors.New("its hash is of a kind that is not known" + cure)
	}
	return secret{}, errors.New("its password is not hashed, or with crypt of old" + cure)
}

func (h *secret) matches(password []byte) bool {
	if h.sha != nil {
		return h.sha.matches(password)
	}
	return bcrypt.CompareHashAndPassword(h.bcrypt, password) == nil
}

// Check reports whether a password is that of a user. It takes long.
func (u *Users) Check(user, password []byte) bool {
	h, exists := u.of[string(user)]
	if !exists {
		h = u.other
	}
	return h.matches(password) && exists
}

// Remember makes Known report true, until a time.
func (u *Users) Remember(user, password []byte, now, until int64) {
	k := &known{sum: u.sum(user, password), until: until}
	set := u.set(&k.sum)
	at := 0
	var first int64
	for i := range set {
		old := set[i].Load()
		if old == nil || old.until <= now || old.sum == k.sum {
			at = i
			break
		}
		if i == 0 || old.until < first {
			at, first = i, old.until
		}
	}
	set[at].Store(k)
}

// Known reports whether Check has found the same right, not too long ago.
func (u *Users) Known(user, password []byte, now int64) bool {
	sum := u.sum(user, password)
	set := u.set(&sum)
	found := 0
	for i := range set {
		if k := set[i].Load(); k != nil && k.until > now {
			found |= subtle.ConstantTimeCompare(sum[:], k.sum[:])
		}
	}
	return found == 1
}

func (u *Users) set(sum *[sha256.Size]byte) *[knownWays]atomic.Pointer[known] {
	return &u.known[(uint(sum[0])<<8|uint(sum[1]))%knownSets]
}

// sum is the HMAC (RFC 2104) of a user and a password under the key of these
// Users. A ":" cannot be in the user's name.
func (u *Users) sum(user, password []byte) [sha256.Size]byte {
	var room [sha256.BlockSize + MaxCredentials + 1]byte
	b := append(room[:0], u.key[:]...)
	for i := range b {
		b[i] ^= 0x36
	}
	b = append(b, user...)
	b = append(b, ':')
	b = append(b, password...)
	inner := sha256.Sum256(b)
	b = append(b[:0], u.key[:]...)
	for i := range b {
		b[i] ^= 0x5c
	}
	return sha256.Sum256(append(b, inner[:]...))
}
