package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
)

// The types of the PEM blocks that keys are kept in. They name the algorithms, so that a key for others is never taken
// for one of these.
const (
	privateBlock = "ANYGATE ED25519 ML-DSA-65 PRIVATE KEY"
	publicBlock  = "ANYGATE ED25519 ML-DSA-65 PUBLIC KEY"
)

// idHeader is the header of a block with the key's ID, for people; it is checked.
const idHeader = "Id"

// KeyID names a pair of keys.
type KeyID [16]byte

// String writes the ID as it stands in manifests.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// PublicKey is what verifies: a key of each algorithm.
type PublicKey struct {
	id      KeyID
	ed25519 ed25519.PublicKey
	mldsa   *mldsa65.PublicKey
}

// ID names the key.
func (k *PublicKey) ID() KeyID { return k.id }

// PrivateKey is what signs: a seed for each algorithm, of which neither can be found from the other.
type PrivateKey struct {
	public  PublicKey
	seeds   [2][32]byte
	ed25519 ed25519.PrivateKey
	mldsa   *mldsa65.PrivateKey
}

// Public is the key that verifies what this one signs.
func (k *PrivateKey) Public() *PublicKey { return &k.public }

// GenerateKey makes a pair.
func GenerateKey() *PrivateKey {
	var seeds [2][32]byte
	for i := range seeds {
		_, _ = rand.Read(seeds[i][:]) // never fails
	}
	return newPrivateKey(seeds)
}

func newPrivateKey(seeds [2][32]byte) *PrivateKey {
	k := &PrivateKey{seeds: seeds, ed25519: ed25519.NewKeyFromSeed(seeds[0][:])}
	public, private := mldsa65.NewKeyFromSeed(&seeds[1])
	k.mldsa = private
	k.public = *newPublicKey(k.ed25519.Public().(ed25519.PublicKey), public)
	return k
}

func newPublicKey(ed ed25519.PublicKey, ml *mldsa65.PublicKey) *PublicKey {
	k := &PublicKey{ed25519: ed, mldsa: ml}
	sum := sha256.Sum256(append([]byte("anygate signing key v1\x00"), k.bytes()...))
	k.id = KeyID(sum[:])
	return k
}

func (k *PublicKey) bytes() []byte { return append(bytes.Clone(k.ed25519), k.mldsa.Bytes()...) }

// Encode writes the key for a file that others may read.
func (k *PublicKey) Encode() []byte { return encode(publicBlock, k.id, k.bytes()) }

// Encode writes the key for a file that nobody else may read.
func (k *PrivateKey) Encode() []byte {
	return encode(privateBlock, k.public.id, append(k.seeds[0][:], k.seeds[1][:]...))
}

func encode(block string, id KeyID, b []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: block, Headers: map[string]string{idHeader: id.String()}, Bytes: b})
}

// errNoKey is about a file of another kind.
var errNoKey = errors.New("the file has no key of anygate sign keygen")

// ParsePrivateKey reads the file of a private key.
func ParsePrivateKey(text []byte) (*PrivateKey, error) {
	b, rest := pem.Decode(text)
	switch {
	case b == nil:
		return nil, errNoKey
	case b.Type == publicBlock:
		return nil, errors.New("the file has a public key, and it takes the private one to sign")
	case b.Type != privateBlock:
		return nil, fmt.Errorf("the file has a block %q, which is no key of anygate sign keygen", b.Type)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("the file has something behind the key")
	case len(b.Bytes) != 64:
		return nil, errors.New("the private key is cut off")
	}
	k := newPrivateKey([2][32]byte{[32]byte(b.Bytes[:32]), [32]byte(b.Bytes[32:])})
	return k, checkID(b, k.public.id)
}

// maxTrusted bounds the keys that count at a time.
const maxTrusted = 32

// ParsePublicKeys reads a file of public keys, one or more.
func ParsePublicKeys(text []byte) ([]*PublicKey, error) {
	var keys []*PublicKey
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			break
		}
		k, err := parsePublicKey(b)
		if err != nil {
			return nil, err
		}
		if keys = append(keys, k); len(keys) > maxTrusted {
			return nil, fmt.Errorf("the file has more than %d keys", maxTrusted)
		}
	}
	switch {
	case bytes.Contains(text, []byte("-----BEGIN ")):
		return nil, errors.New("the file has a block of PEM that cannot be read")
	case keys == nil:
		return nil, errNoKey
	}
	return keys, nil
}

func parsePublicKey(b *pem.Block) (*PublicKey, error) {
	switch {
	case b.Type == privateBlock:
		return nil, errors.New("the file has a private key, which belongs where configurations are signed: only the public one is needed here")
	case b.Type != publicBlock:
		return nil, fmt.Errorf("the file has a block %q, which is no key of anygate sign keygen", b.Type)
	case len(b.Bytes) != ed25519.PublicKeySize+mldsa65.PublicKeySize:
		return nil, errors.New("the public key is cut off")
	}
	var ml mldsa65.PublicKey
	if err := ml.UnmarshalBinary(b.Bytes[ed25519.PublicKeySize:]); err != nil {
		return nil, fmt.Errorf("the public key is damaged: %w", err)
	}
	k := newPublicKey(ed25519.PublicKey(b.Bytes[:ed25519.PublicKeySize]), &ml)
	return k, checkID(b, k.id)
}

// checkID notices a key whose bytes were damaged or mixed up with those of another.
func checkID(b *pem.Block, id KeyID) error {
	if said := b.Headers[idHeader]; said != id.String() {
		return fmt.Errorf("the key calls itself %q and is %s: the file is damaged", said, id)
	}
	return nil
}
