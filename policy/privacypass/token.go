package privacypass

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"

	"github.com/anygate/anygate/http1"
)

// The layout of a Token (RFC 9577, section 2.2). What comes before the authenticator is the same for all types, and is
// what the authenticator is about.
const (
	nonceAt         = 2
	digestAt        = nonceAt + 32
	keyIDAt         = digestAt + 32
	authenticatorAt = keyIDAt + 32

	voprfSize    = authenticatorAt + 48
	blindRSASize = authenticatorAt + 256
)

// Token is a token as a client presents it. Its length is right for its type; nothing else about it is known.
type Token struct {
	raw [blindRSASize]byte
	n   int
}

// Parse takes a token of either type.
func (t *Token) Parse(b []byte) bool {
	if len(b) < authenticatorAt || len(b) > len(t.raw) || len(b) != size(Type(binary.BigEndian.Uint16(b))) {
		return false
	}
	t.n = copy(t.raw[:], b)
	return true
}

// size is how long tokens of a type are; 0 for a type that is not known.
func size(t Type) int {
	switch t {
	case VOPRF:
		return voprfSize
	case BlindRSA:
		return blindRSASize
	}
	return 0
}

// Type is the token type.
func (t *Token) Type() Type { return Type(binary.BigEndian.Uint16(t.raw[:])) }

// Nonce is what the client has chosen to tell this token from its others.
func (t *Token) Nonce() []byte { return t.raw[nonceAt:digestAt] }

// ChallengeDigest is the SHA-256 of the challenge that the token answers.
func (t *Token) ChallengeDigest() []byte { return t.raw[digestAt:keyIDAt] }

// KeyID is the SHA-256 of the issuer's public key.
func (t *Token) KeyID() []byte { return t.raw[keyIDAt:authenticatorAt] }

// input is what the authenticator is about, and authenticator is what proves it.
func (t *Token) input() []byte         { return t.raw[:authenticatorAt] }
func (t *Token) authenticator() []byte { return t.raw[authenticatorAt:t.n] }

// ParseCredentials takes the token of an Authorization field with the scheme PrivateToken. present is false if the
// scheme is another one, ok if there is a token. The padding, which must be there, may be left out.
func (t *Token) ParseCredentials(value []byte) (present, ok bool) {
	const scheme = "PrivateToken"
	if len(value) <= len(scheme) || value[len(scheme)] != ' ' || !http1.EqualFold(value[:len(scheme)], "privatetoken") {
		return false, false
	}
	var encoded []byte
	for rest := value[len(scheme)+1:]; len(rest) > 0; {
		var item []byte
		item, rest = http1.NextItem(rest)
		name, param, isParam := http1.CutParam(item)
		if !isParam || !http1.EqualFold(bytes.TrimRight(name, " \t"), "token") {
			continue // unknown ones are ignored
		}
		if encoded != nil {
			return true, false
		}
		encoded = unquote(bytes.TrimLeft(param, " \t"))
	}
	return true, t.decode(encoded)
}

// unquote takes the quotes from a quoted-string. Base64 has nothing in it that would have to be escaped.
func unquote(b []byte) []byte {
	if len(b) >= 2 && b[0] == '"' && b[len(b)-1] == '"' {
		return b[1 : len(b)-1]
	}
	return b
}

func (t *Token) decode(encoded []byte) bool {
	for range 2 {
		encoded = bytes.TrimSuffix(encoded, []byte("="))
	}
	// One longer than any token, so that a longer one is noticed.
	var raw [blindRSASize + 1]byte
	if base64.RawURLEncoding.DecodedLen(len(encoded)) > len(raw) {
		return false
	}
	n, err := strictURL.Decode(raw[:], encoded)
	return err == nil && t.Parse(raw[:n])
}

// strictURL refuses bits that are set beyond the last byte, so that a token has one spelling.
var strictURL = base64.RawURLEncoding.Strict()
