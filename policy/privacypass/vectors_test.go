package privacypass

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// vector is one of RFC 9578, appendix A, as far as an origin has to do with it. Key is the issuer's public key for type
// 2, and its private key for type 1.
type vector struct {
	Type                                 Type
	Key, Public, Challenge, Nonce, Token string
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/rfc9578.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 10 {
		t.Fatalf("there are %d vectors, the RFC has 10", len(list))
	}
	return list
}

func (v *vector) key(t testing.TB) *Key {
	t.Helper()
	make := NewBlindRSAKey
	if v.Type == VOPRF {
		make = NewVOPRFKey
	}
	k, err := make(unhex(t, v.Key))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (v *vector) presented(t testing.TB) *Token {
	t.Helper()
	var tok Token
	if !tok.Parse(unhex(t, v.Token)) {
		t.Fatal("the token is not taken")
	}
	return &tok
}

// TestVectorsOfRFC9578 verifies the tokens of the RFC, of both types.
func TestVectorsOfRFC9578(t *testing.T) {
	for i, v := range vectors(t) {
		t.Run(fmt.Sprintf("type %d, vector %d", v.Type, i%5+1), func(t *testing.T) {
			k, tok := v.key(t), v.presented(t)
			digest := sha256.Sum256(unhex(t, v.Challenge))
			switch {
			case tok.Type() != v.Type:
				t.Errorf("the type is %d", tok.Type())
			case !bytes.Equal(tok.Nonce(), unhex(t, v.Nonce)):
				t.Errorf("the nonce is %x", tok.Nonce())
			case !bytes.Equal(tok.ChallengeDigest(), digest[:]):
				t.Errorf("the digest of the challenge is %x", tok.ChallengeDigest())
			case [32]byte(tok.KeyID()) != k.ID():
				t.Errorf("the key is %x, the token's is %x", k.ID(), tok.KeyID())
			case v.Public != "" && hex.EncodeToString(k.Public()) != v.Public:
				t.Errorf("the public key is %x", k.Public())
			case !k.Verify(tok):
				t.Error("the token is not verified")
			}
		})
	}
}

// TestChangedTokens changes each byte of a token of either type.
func TestChangedTokens(t *testing.T) {
	list := vectors(t)
	for _, v := range []*vector{&list[0], &list[5]} {
		k, raw := v.key(t), unhex(t, v.Token)
		step := 1
		if v.Type == VOPRF {
			step = 5 // it is a matter of half a millisecond each
		}
		for i := 0; i < len(raw); i += step {
			changed := bytes.Clone(raw)
			changed[i] ^= 0x10
			var tok Token
			if tok.Parse(changed) && k.Verify(&tok) {
				t.Errorf("type %d: a token with byte %d changed is verified", v.Type, i)
			}
		}
	}
}

// TestChallengesOfRFC9577 compares challenges with those of RFC 9577, appendix A, of which it gives the digests.
func TestChallengesOfRFC9577(t *testing.T) {
	const context = "476ac2c935f458e9b2d7af32dacfbd22dd6023ef5887a789f1abe004e79bb5bb"
	for _, v := range []struct{ context, origins, digest string }{
		{context, "origin.example", "8e1d5518ec82964255526efd8f9db88205a8ddd3ffb1db298fcc3ad36c42388f"},
		{"", "origin.example", "11e15c91a7c2ad02abd66645802373db1d823bea80f08d452541fb2b62b5898b"},
		{"", "", "b741ec1b6fd05f1e95f8982906aec1612896d9ca97d53eef94ad3c9fe023f7a4"},
		{context, "", "b85fb5bc06edeb0e8e8bdb5b3bea8c4fa40837c82e8bcaf5882c81e14817ea18"},
		{context, "foo.example,bar.example", "a2a775866b6ae0f98944910c8f48728d8a2735b9157762ddbf803f70e2e8ba3e"},
	} {
		c := Challenge{Type: BlindRSA, Issuer: "issuer.example", Context: unhex(t, v.context), Origins: v.origins}
		if got := sha256.Sum256(c.Append(nil)); hex.EncodeToString(got[:]) != v.digest {
			t.Errorf("origins %q, context %q: %x", v.origins, v.context, got)
		}
	}
	for _, v := range vectors(t) {
		raw := unhex(t, v.Challenge)
		c := Challenge{Type: v.Type, Issuer: "issuer.example"}
		rest := raw[2+2+len(c.Issuer):]
		n := int(rest[0])
		c.Context, c.Origins = rest[1:1+n], string(rest[1+n+2:])
		if got := c.Append(nil); !bytes.Equal(got, raw) {
			t.Errorf("a challenge is %x, of the RFC %s", got, v.Challenge)
		}
	}
}

// TestField compares the field with an example that other implementations read.
func TestField(t *testing.T) {
	list := vectors(t)
	c := Challenge{
		Type: BlindRSA, Issuer: "issuer.example", Origins: "origin.example",
		Context: unhex(t, "8a3e83a33d98005d2f30bef419fa6bf4cd5c6005e36b1285bbb4ccd40fa4b383"),
	}
	want := `WWW-Authenticate: PrivateToken challenge="AAIADmlzc3Vlci5leGFtcGxlIIo-g6M9mABdLzC-9Bn6a_TNXGAF42sShbu0zNQPpLODAA5vcmlnaW4uZXhhbXBsZQ==", ` +
		`token-key="MIIBUjA9BgkqhkiG9w0BAQowMKANMAsGCWCGSAFlAwQCAqEaMBgGCSqGSIb3DQEBCDALBglghkgBZQMEAgKiAwIBMAOCAQ8AMIIBCgKCAQEA` +
		`yxrta2qV9bHOATpM_KsluUsuZKIwNOQlCn6rQ8DfOowSmTrxKxEZCNS0cb7DHUtsmtnN2pBhKi7pA1I-beWiJNawLwnlw3TQz-Adj1KcUAp4ovZ5CPpoK1or` +
		`QwyB6vGvcte155T8mKMTknaHl1fORTtSbvm_bOuZl5uEI7kPRGGiKvN6qwz1cz91l6vkTTHHMttooYHGy75gfYwOUuBlX9mZbcWE7KC-h6-814ozfRex26no` +
		`KLvYHikTFxROf_ifVWGXCbCWy7nqR0zq0mTCBz_kl0DAHwDhCRBgZpg9IeX4PwhuLoI8h5zUPO9wDSo1Kpur1hLQPK0C2xNLfiJaXwIDAQAB", max-age=10` +
		"\r\nCache-Control: no-store\r\n"
	if got := string(appendField(nil, c.Append(nil), list[0].key(t), 10e9)); got != want {
		t.Errorf("the field is\n%s\nand not\n%s", got, want)
	}
	if strings.Count(want, "\n") != 2 {
		t.Error("the field is not one line")
	}
}
