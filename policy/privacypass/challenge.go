package privacypass

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"time"
)

// Type is a token type of the registry of RFC 9577, section 5.2.
type Type uint16

// The types of RFC 9578.
const (
	// VOPRF is an oblivious pseudorandom function on P-384: only who has the issuer's private key can verify.
	VOPRF Type = 1
	// BlindRSA is a blind signature of 2048 bits: anybody can verify.
	BlindRSA Type = 2
)

// Challenge is a TokenChallenge (RFC 9577, section 2.1).
type Challenge struct {
	Type   Type
	Issuer string
	// Context is the redemption context: empty or 32 bytes.
	Context []byte
	// Origins is the origin_info: names with commas between them, or empty for tokens of any origin.
	Origins string
}

// Append appends the challenge as it is encoded, and digested for a token.
func (c *Challenge) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(c.Type))
	b = binary.BigEndian.AppendUint16(b, uint16(len(c.Issuer)))
	b = append(b, c.Issuer...)
	b = append(b, uint8(len(c.Context)))
	b = append(b, c.Context...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(c.Origins)))
	return append(b, c.Origins...)
}

// appendField appends the field line that challenges a client. The values are quoted because of their padding, which
// must be there; a cache must not give one client's challenge to another for longer than it is accepted.
func appendField(b, challenge []byte, k *Key, maxAge time.Duration) []byte {
	b = append(b, `WWW-Authenticate: PrivateToken challenge="`...)
	b = base64.URLEncoding.AppendEncode(b, challenge)
	b = append(b, `", token-key="`...)
	b = base64.URLEncoding.AppendEncode(b, k.encoded)
	b = append(b, `", max-age=`...)
	b = strconv.AppendInt(b, int64(maxAge/time.Second), 10)
	return append(b, "\r\nCache-Control: no-store\r\n"...)
}
