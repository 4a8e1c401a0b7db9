package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"strconv"
)

const (
	typeCertificate = "CERTIFICATE"
	wantChain       = "a PEM file with the server's certificate, and behind it those of its issuers up to a root"
	wantKey         = "a PEM file with the private key of the certificate"
)

// blocks splits a PEM file. Text around the blocks is allowed, as OpenSSL and certificate authorities write some.
func blocks(text []byte) (list []*pem.Block) {
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			return list
		}
		list = append(list, b)
	}
}

// foreign says what a file without PEM blocks seems to be.
func foreign(data []byte) (is, cure string) {
	var outer struct {
		First asn1.RawValue
		Rest  []asn1.RawValue `asn1:"optional"`
	}
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return "is empty", ""
	case bytes.Contains(data, []byte("-----BEGIN ")):
		return "has a PEM block that is damaged or cut short", ""
	case data[0] != 0x30:
		return "is not PEM", ""
	}
	if _, err := x509.ParseCertificate(data); err == nil {
		return "is a certificate in DER, not PEM", "; openssl x509 -inform der -in FILE -out FILE.pem converts it"
	}
	if _, err := parseKeyDER(data); err == nil {
		return "is a private key in DER, not PEM", "; openssl pkey -inform der -in FILE -out FILE.pem converts it"
	}
	if _, err := asn1.Unmarshal(data, &outer); err == nil && bytes.Equal(outer.First.FullBytes, []byte{2, 1, 3}) {
		return "is a PKCS #12 container, not PEM", "; openssl pkcs12 -in FILE -nodes -out FILE.pem converts it"
	}
	return "is not PEM", ""
}

// parseChain reads the certificates of a file, in the order of the file. Keys in it are passed over: one file may hold
// both.
func parseChain(data []byte, ps *Problems) (chain []*x509.Certificate) {
	list := blocks(data)
	if len(list) == 0 {
		is, cure := foreign(data)
		ps.fail(Chain, "the certificate's file "+is, wantChain+cure)
		return nil
	}
	other := ""
	for _, b := range list {
		if b.Type != typeCertificate {
			other = b.Type
			continue
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			ps.fail(Chain, "certificate "+strconv.Itoa(len(chain)+1)+" of the file cannot be read: "+err.Error(), wantChain)
			return nil
		}
		chain = append(chain, c)
	}
	switch {
	case len(chain) > 0:
	case other == "CERTIFICATE REQUEST" || other == "NEW CERTIFICATE REQUEST":
		ps.fail(Chain, "the certificate's file holds a request for a certificate, not a certificate", "what the authority has made of the request")
	case isKey(other):
		ps.fail(Chain, "the certificate's file holds a private key and no certificate", wantChain)
	default:
		ps.fail(Chain, "the certificate's file holds no certificate, but "+strconv.Quote(other), wantChain)
	}
	if n := len(chain); n > maxChain {
		ps.fail(Chain, "the file holds "+strconv.Itoa(n)+" certificates, more than a handshake carries", "the chain of one server, at most "+strconv.Itoa(maxChain)+" certificates")
		return nil
	}
	return chain
}

func isKey(blockType string) bool {
	switch blockType {
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		return true
	}
	return false
}

// parseKey reads the private key of a file: PKCS #8, PKCS #1 or SEC 1.
func parseKey(data []byte, ps *Problems) crypto.Signer {
	list := blocks(data)
	if len(list) == 0 {
		is, cure := foreign(data)
		ps.fail(Key, "the key's file "+is, wantKey+cure)
		return nil
	}
	other := ""
	for _, b := range list {
		if !isKey(b.Type) {
			if b.Type != "EC PARAMETERS" {
				other = b.Type
			}
			continue
		}
		if b.Type == "ENCRYPTED PRIVATE KEY" || b.Headers["DEK-Info"] != "" {
			ps.fail(Key, "the private key is encrypted, and nobody is there to type its passphrase when the server starts",
				"a key without a passphrase, in a file that only the server can read; openssl pkey -in FILE -out FILE.plain removes it")
			return nil
		}
		key, err := parseKeyDER(b.Bytes)
		if err != nil {
			ps.fail(Key, "the private key cannot be read: "+err.Error(), wantKey)
			return nil
		}
		return key
	}
	switch other {
	case typeCertificate:
		ps.fail(Key, "the key's file holds a certificate and no private key", wantKey)
	case "PUBLIC KEY", "RSA PUBLIC KEY":
		ps.fail(Key, "the key's file holds a public key, not a private one", wantKey)
	default:
		ps.fail(Key, "the key's file holds no private key, but "+strconv.Quote(other), wantKey)
	}
	return nil
}

var errKeyKind = errors.New("it is neither RSA nor ECDSA nor Ed25519")

// parseKeyDER tries the three encodings, whatever a file calls its key: many are mislabelled.
func parseKeyDER(der []byte) (crypto.Signer, error) {
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if rsaKey, e := x509.ParsePKCS1PrivateKey(der); e == nil {
			return rsaKey, nil
		}
		if ecKey, e := x509.ParseECPrivateKey(der); e == nil {
			return ecKey, nil
		}
		return nil, err
	}
	switch k := k.(type) {
	case *rsa.PrivateKey:
		return k, nil
	case *ecdsa.PrivateKey:
		return k, nil
	case ed25519.PrivateKey:
		return k, nil
	}
	return nil, errKeyKind
}
