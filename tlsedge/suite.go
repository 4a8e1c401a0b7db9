package tlsedge

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"hash"
	"math"

	"golang.org/x/crypto/chacha20poly1305"
)

// maxSecret is the length of the longest traffic secret, of SHA-384, and maxKey that
// of the longest key.
const (
	maxSecret = sha512.Size384
	maxKey    = 32
)

// suite is a cipher suite of TLS 1.3 (RFC 8446, appendix B.4).
type suite struct {
	hash    func() hash.Hash
	size    int // of the hash, and of secrets
	keyLen  int
	aead    func(key []byte) (cipher.AEAD, error)
	records uint64 // for one key

	// As linux/tls.h has it: its number there, and how much of the initialization
	// vector is called salt.
	kernel uint16
	salt   int
	name   string
}

func aesGCM(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

var (
	suiteAES128   = &suite{hash: sha256.New, size: sha256.Size, keyLen: 16, aead: aesGCM, records: gcmRecords, kernel: 51, salt: 4, name: "AES-128-GCM"}
	suiteAES256   = &suite{hash: sha512.New384, size: sha512.Size384, keyLen: 32, aead: aesGCM, records: gcmRecords, kernel: 52, salt: 4, name: "AES-256-GCM"}
	suiteChaCha20 = &suite{hash: sha256.New, size: sha256.Size, keyLen: chacha20poly1305.KeySize, aead: chacha20poly1305.New, records: math.MaxUint64, kernel: 54, name: "ChaCha20-Poly1305"}

	suites = []*suite{suiteAES128, suiteAES256, suiteChaCha20}
)

// suiteOf is the suite with a number, nil for one that this package does not have.
func suiteOf(id uint16) *suite {
	switch id {
	case tls.TLS_AES_128_GCM_SHA256:
		return suiteAES128
	case tls.TLS_AES_256_GCM_SHA384:
		return suiteAES256
	case tls.TLS_CHACHA20_POLY1305_SHA256:
		return suiteChaCha20
	}
	return nil
}

// expand is HKDF-Expand-Label without a context (RFC 8446, section 7.1).
func (s *suite) expand(secret []byte, label string, n int) []byte {
	info := make([]byte, 0, 32)
	info = binary.BigEndian.AppendUint16(info, uint16(n))
	info = append(info, byte(len("tls13 ")+len(label)))
	info = append(info, "tls13 "...)
	info = append(info, label...)
	info = append(info, 0)
	b, err := hkdf.Expand(s.hash, secret, string(info), n)
	if err != nil {
		panic("tlsedge: " + err.Error()) // the lengths are constants
	}
	return b
}

// key begins the use of h's secret (section 7.3).
func (s *suite) key(h *half) {
	iv := s.expand(h.secret[:s.size], "iv", len(h.nonce))
	copy(h.nonce[:], iv)
	key := s.expand(h.secret[:s.size], "key", s.keyLen)
	copy(h.key[:], key)
	clear(iv)
	clear(key)
	h.seq, h.left = 0, s.records
	s.schedule(h)
}

// schedule makes the key schedule of h's key.
func (s *suite) schedule(h *half) {
	aead, err := s.aead(h.key[:s.keyLen])
	if err != nil {
		panic("tlsedge: " + err.Error()) // the length of the key is right
	}
	h.aead = aead
}

// update goes on with the next secret (section 7.2).
func (s *suite) update(h *half) {
	next := s.expand(h.secret[:s.size], "traffic upd", s.size)
	copy(h.secret[:], next)
	clear(next)
	s.key(h)
}
