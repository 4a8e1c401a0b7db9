package privacypass

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/oprf"
)

// Key is a key of an issuer.
type Key struct {
	typ     Type
	id      [32]byte
	encoded []byte // the public key as clients know it
	rsa     *rsa.PublicKey
	voprf   oprf.VerifiableServer
}

// ID is what tokens name the key by.
func (k *Key) ID() [32]byte { return k.id }

// Public is the public key as it stands in challenges, and in the directory of the issuer (RFC 9578, section 4).
func (k *Key) Public() []byte { return k.encoded }

// NewBlindRSAKey makes a key of token type 2 of a SubjectPublicKeyInfo. Its algorithm may be RSASSA-PSS with the
// parameters of RFC 9578, section 6.5, or plain RSA, which is the same key in another spelling.
func NewBlindRSAKey(der []byte) (*Key, error) {
	pub, encoded, err := parseRSAPublicKey(der)
	if err != nil {
		return nil, err
	}
	if bits := pub.N.BitLen(); bits != 2048 {
		return nil, fmt.Errorf("the RSA key has %d bits, and tokens of type 2 want 2048", bits)
	}
	return &Key{typ: BlindRSA, id: sha256.Sum256(encoded), encoded: encoded, rsa: pub}, nil
}

// NewVOPRFKey makes a key of token type 1 of the issuer's private key, a scalar of P-384.
func NewVOPRFKey(scalar []byte) (*Key, error) {
	var private oprf.PrivateKey
	if err := private.UnmarshalBinary(oprf.SuiteP384, scalar); err != nil {
		return nil, fmt.Errorf("the private key cannot be used: %w", err)
	}
	encoded, err := private.Public().MarshalBinary()
	if err != nil {
		return nil, err
	}
	server := oprf.NewVerifiableServer(oprf.SuiteP384, &private)
	return &Key{typ: VOPRF, id: sha256.Sum256(encoded), encoded: encoded, voprf: server}, nil
}

// Verify reports whether the issuer has made the token. Token type and key are those of the Key, or it has not.
func (k *Key) Verify(t *Token) bool {
	if t.Type() != k.typ || [32]byte(t.KeyID()) != k.id {
		return false
	}
	if k.typ == VOPRF {
		return k.voprf.VerifyFinalize(t.input(), t.authenticator())
	}
	digest := sha512.Sum384(t.input())
	return rsa.VerifyPSS(k.rsa, crypto.SHA384, digest[:], t.authenticator(), &rsa.PSSOptions{SaltLength: 48, Hash: crypto.SHA384}) == nil
}

// maxKeys bounds the keys of one file: the one in use, those that were before, and one to come.
const maxKeys = 16

// ParseKeys reads the keys of a type from a file: blocks of PEM or, for public keys, lines of base64 as the directory of
// an issuer shows them. The first is the one that challenges name.
func ParseKeys(t Type, text []byte) ([]*Key, error) {
	blocks, err := split(text)
	if err != nil {
		return nil, err
	}
	var keys []*Key
	for _, b := range blocks {
		k, err := parseKey(t, b)
		if err != nil {
			return nil, err
		}
		for _, other := range keys {
			if other.id == k.id {
				return nil, errors.New("the file has the same key twice")
			}
		}
		if keys = append(keys, k); len(keys) > maxKeys {
			return nil, fmt.Errorf("the file has more than %d keys", maxKeys)
		}
	}
	if keys == nil {
		return nil, errors.New("the file has no key")
	}
	return keys, nil
}

func parseKey(t Type, b *pem.Block) (*Key, error) {
	switch {
	case t == BlindRSA && b.Type == "PUBLIC KEY":
		return NewBlindRSAKey(b.Bytes)
	case t == BlindRSA && (b.Type == "PRIVATE KEY" || b.Type == "RSA PRIVATE KEY"):
		return nil, errors.New("the file has a private key, which belongs with the issuer: tokens of type 2 are verified with its public key")
	case t == VOPRF && b.Type == "PUBLIC KEY":
		return nil, errors.New("the file has a public key, and tokens of type 1 can only be verified with the issuer's private key")
	case t == VOPRF && (b.Type == "PRIVATE KEY" || b.Type == "EC PRIVATE KEY"):
		return parseScalar(b)
	}
	return nil, fmt.Errorf("the file has a block %q, which is no key for tokens of type %d", b.Type, t)
}

// parseScalar takes the scalar of an EC key of P-384, which is what the VOPRF's private key is.
func parseScalar(b *pem.Block) (*Key, error) {
	var parsed any
	var err error
	if b.Type == "EC PRIVATE KEY" {
		parsed, err = x509.ParseECPrivateKey(b.Bytes)
	} else {
		parsed, err = x509.ParsePKCS8PrivateKey(b.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("the private key cannot be read: %w", err)
	}
	ec, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || ec.Curve != elliptic.P384() {
		return nil, errors.New("the private key is not one of the curve P-384, which tokens of type 1 want")
	}
	scalar, err := ec.Bytes()
	if err != nil {
		return nil, err
	}
	return NewVOPRFKey(scalar)
}
