package privacypass

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
)

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestParseKeys reads files as operators have them.
func TestParseKeys(t *testing.T) {
	list := vectors(t)
	spki := unhex(t, list[0].Key)
	pss := list[0].key(t)
	small := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 1024))
	smallSPKI := must[[]byte](t)(x509.MarshalPKIXPublicKey(&small.PublicKey))
	p384 := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	p256 := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	ecSPKI := must[[]byte](t)(x509.MarshalPKIXPublicKey(&p384.PublicKey))
	sec1 := must[[]byte](t)(x509.MarshalECPrivateKey(p384))
	pkcs8 := must[[]byte](t)(x509.MarshalPKCS8PrivateKey(p384))
	otherCurve := must[[]byte](t)(x509.MarshalPKCS8PrivateKey(p256))
	rsaPlain := must[[]byte](t)(x509.MarshalPKIXPublicKey(pss.rsa))
	salt32 := bytes.Replace(spki, []byte{0xa2, 3, 2, 1, 0x30}, []byte{0xa2, 3, 2, 1, 0x20}, 1)

	for _, c := range []struct {
		name string
		typ  Type
		text string
		keys int
		err  string
	}{
		{"PEM", BlindRSA, block("PUBLIC KEY", spki), 1, ""},
		{"base64 of a directory", BlindRSA, "# issuer.example\n\n" + base64.URLEncoding.EncodeToString(spki) + "\n", 1, ""},
		{"base64 of the other alphabet", BlindRSA, base64.StdEncoding.EncodeToString(spki), 1, ""},
		{"plain RSA", BlindRSA, block("PUBLIC KEY", rsaPlain), 1, ""},
		{"SEC 1", VOPRF, block("EC PRIVATE KEY", sec1), 1, ""},
		{"PKCS 8", VOPRF, "a key\n" + block("PRIVATE KEY", pkcs8), 1, ""},
		{"nothing", BlindRSA, "", 0, "the file has no key"},
		{"comments", BlindRSA, "# none yet\n", 0, "the file has no key"},
		{"text", BlindRSA, "hello, world!\n", 0, "neither PEM nor base64"},
		{"other base64", BlindRSA, "aGVsbG8=\n", 0, "not a SubjectPublicKeyInfo"},
		{"broken PEM", BlindRSA, "-----BEGIN PUBLIC KEY-----\nAAAA\n", 0, "cannot be read"},
		{"the same key twice", BlindRSA, block("PUBLIC KEY", spki) + block("PUBLIC KEY", rsaPlain), 0, "the same key twice"},
		{"1024 bits", BlindRSA, block("PUBLIC KEY", smallSPKI), 0, "has 1024 bits"},
		{"an EC key for type 2", BlindRSA, block("PUBLIC KEY", ecSPKI), 0, "not an RSA key"},
		{"another salt", BlindRSA, block("PUBLIC KEY", salt32), 0, "other parameters"},
		{"a private key for type 2", BlindRSA, block("PRIVATE KEY", pkcs8), 0, "belongs with the issuer"},
		{"a public key for type 1", VOPRF, block("PUBLIC KEY", ecSPKI), 0, "only be verified with the issuer's private key"},
		{"another curve", VOPRF, block("PRIVATE KEY", otherCurve), 0, "not one of the curve P-384"},
		{"a certificate", BlindRSA, block("CERTIFICATE", spki), 0, `a block "CERTIFICATE"`},
		{"DER behind the key", BlindRSA, block("PUBLIC KEY", append(bytes.Clone(spki), 0)), 0, "not a SubjectPublicKeyInfo"},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys, err := ParseKeys(c.typ, []byte(c.text))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("the error is %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || len(keys) != c.keys {
				t.Fatalf("%d keys, %v", len(keys), err)
			}
			if c.typ == BlindRSA && keys[0].id != pss.id {
				t.Errorf("the key's ID is %x, want %x", keys[0].id, pss.id)
			}
		})
	}
}

func TestTooManyKeys(t *testing.T) {
	var text strings.Builder
	for range maxKeys + 1 {
		k := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
		text.WriteString(block("EC PRIVATE KEY", must[[]byte](t)(x509.MarshalECPrivateKey(k))))
	}
	if _, err := ParseKeys(VOPRF, []byte(text.String())); err == nil || !strings.Contains(err.Error(), "more than 16 keys") {
		t.Error(err)
	}
}

func FuzzParseKeys(f *testing.F) {
	list := vectors(f)
	spki := unhex(f, list[0].Key)
	f.Add(uint16(2), []byte(block("PUBLIC KEY", spki)))
	f.Add(uint16(2), []byte(base64.URLEncoding.EncodeToString(spki)))
	f.Add(uint16(1), []byte("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, typ uint16, text []byte) {
		keys, err := ParseKeys(Type(typ), text)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if k.typ != Type(typ) || len(k.encoded) == 0 {
				t.Fatalf("a key of type %d with %d bytes for type %d", k.typ, len(k.encoded), typ)
			}
		}
	})
}

// issuer makes tokens: a blind signature that was unblinded is the signature that the key makes directly.
type issuer struct {
	key     *Key
	private *rsa.PrivateKey
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	private := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	key := must[*Key](t)(NewBlindRSAKey(must[[]byte](t)(x509.MarshalPKIXPublicKey(&private.PublicKey))))
	return &issuer{key, private}
}

func (i *issuer) token(t testing.TB, digest [32]byte, nonce byte) *Token {
	t.Helper()
	raw := append([]byte{0, 2}, bytes.Repeat([]byte{nonce}, 32)...)
	raw = append(append(raw, digest[:]...), i.key.id[:]...)
	sum := sha512.Sum384(raw)
	sig := must[[]byte](t)(rsa.SignPSS(rand.Reader, i.private, crypto.SHA384, sum[:], &rsa.PSSOptions{SaltLength: 48}))
	var tok Token
	if !tok.Parse(append(raw, sig...)) {
		t.Fatal("the token is not taken")
	}
	return &tok
}
