package privacypass

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
)

var (
	oidRSA    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidPSS    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidMGF1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidSHA384 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
)

type subjectPublicKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

type rsaPublicKey struct {
	N *big.Int
	E int
}

// pssParameters are the RSASSA-PSS-params of RFC 8017, appendix A.2.3, as far as RFC 9578 has a use for them.
type pssParameters struct {
	Hash pkix.AlgorithmIdentifier `asn1:"explicit,tag:0"`
	MGF  pkix.AlgorithmIdentifier `asn1:"explicit,tag:1"`
	Salt int                      `asn1:"explicit,tag:2"`
}

// pssOfRFC9578 is SHA-384, MGF1 with it, and a salt as long as it.
func pssOfRFC9578() (pkix.AlgorithmIdentifier, error) {
	hash := pkix.AlgorithmIdentifier{Algorithm: oidSHA384}
	inner, err := asn1.Marshal(hash)
	if err != nil {
		return hash, err
	}
	parameters, err := asn1.Marshal(pssParameters{
		Hash: hash,
		MGF:  pkix.AlgorithmIdentifier{Algorithm: oidMGF1, Parameters: asn1.RawValue{FullBytes: inner}},
		Salt: 48,
	})
	return pkix.AlgorithmIdentifier{Algorithm: oidPSS, Parameters: asn1.RawValue{FullBytes: parameters}}, err
}

// parseRSAPublicKey reads a SubjectPublicKeyInfo, and returns it as it is encoded for RSASSA-PSS. An encoding that is
// one already stays as it is, byte by byte, because the key's ID is its digest.
func parseRSAPublicKey(der []byte) (*rsa.PublicKey, []byte, error) {
	var info subjectPublicKeyInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, nil, errors.New("the public key is not a SubjectPublicKeyInfo")
	}
	var key rsaPublicKey
	switch {
	case info.Algorithm.Algorithm.Equal(oidPSS):
		if !isPSSOfRFC9578(info.Algorithm.Parameters.FullBytes) {
			return nil, nil, errors.New("the public key is for RSASSA-PSS with other parameters than SHA-384 and a salt of 48 bytes")
		}
	case !info.Algorithm.Algorithm.Equal(oidRSA):
		return nil, nil, errors.New("the public key is not an RSA key, which tokens of type 2 want")
	}
	if rest, err := asn1.Unmarshal(info.Key.RightAlign(), &key); err != nil || len(rest) > 0 || key.N.Sign() <= 0 || key.E < 3 || key.E&1 == 0 {
		return nil, nil, errors.New("the public key is not an RSA key")
	}
	pub := &rsa.PublicKey{N: key.N, E: key.E}
	if info.Algorithm.Algorithm.Equal(oidPSS) {
		return pub, der, nil
	}
	algorithm, err := pssOfRFC9578()
	if err != nil {
		return nil, nil, err
	}
	encoded, err := asn1.Marshal(subjectPublicKeyInfo{algorithm, info.Key})
	return pub, encoded, err
}

func isPSSOfRFC9578(parameters []byte) bool {
	var p pssParameters
	if rest, err := asn1.Unmarshal(parameters, &p); err != nil || len(rest) > 0 {
		return false
	}
	var inner pkix.AlgorithmIdentifier
	if rest, err := asn1.Unmarshal(p.MGF.Parameters.FullBytes, &inner); err != nil || len(rest) > 0 {
		return false
	}
	return p.Hash.Algorithm.Equal(oidSHA384) && p.MGF.Algorithm.Equal(oidMGF1) && inner.Algorithm.Equal(oidSHA384) && p.Salt == 48
}

// split divides a file into its keys: blocks of PEM, or lines of base64 in either alphabet. Empty lines and lines that
// begin with # are comments.
func split(text []byte) ([]*pem.Block, error) {
	if bytes.Contains(text, []byte("-----BEGIN ")) {
		var blocks []*pem.Block
		for {
			var b *pem.Block
			if b, text = pem.Decode(text); b == nil {
				break
			}
			blocks = append(blocks, b)
		}
		if bytes.Contains(text, []byte("-----BEGIN ")) {
			return nil, errors.New("the file has a block of PEM that cannot be read")
		}
		return blocks, nil
	}
	var blocks []*pem.Block
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		url := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(string(line), "="))
		der, err := base64.RawURLEncoding.DecodeString(url)
		if err != nil {
			return nil, errors.New("the file is neither PEM nor base64")
		}
		blocks = append(blocks, &pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	return blocks, nil
}
