package trial

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Key is a kind of private key.
type Key string

// The keys that servers have. ECDSA is P-256, RSA has 2048 bits.
const (
	ECDSA Key = "ecdsa"
	RSA   Key = "rsa"
)

// serverName is what clients ask for, in the Host field and in handshakes. wrk and h2load ask for the address instead.
const serverName = "bench.example"

// pair is a certificate with its key, in files.
type pair struct{ certificate, key, bundle string }

// certificate makes the pair of that kind when it is wanted for the first time.
func (b *Bench) certificate(kind Key) (pair, error) {
	base := filepath.Join(b.scratch, string(kind))
	files := pair{base + ".crt", base + ".key", base + ".pem"}
	if _, err := os.Stat(files.bundle); err == nil {
		return files, nil
	}
	certificate, key, err := newCertificate(kind, time.Now())
	if err != nil {
		return pair{}, err
	}
	// Servers read it before they give privileges up. The bundle is last: it says that all is there.
	return files, errors.Join(
		os.WriteFile(files.certificate, certificate, 0o644),
		os.WriteFile(files.key, key, 0o600),
		os.WriteFile(files.bundle, slices.Concat(certificate, key), 0o600),
	)
}

// newCertificate makes a key and a certificate for it, signed by itself, as PEM.
func newCertificate(kind Key, now time.Time) (certificate, key []byte, err error) {
	var private crypto.Signer
	if kind == RSA {
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		return nil, nil, err
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: serverName},
		DNSNames:     []string{serverName},
		// A server may refuse requests for a host that its certificate does not cover, and this is h2load's.
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(0, 3, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	certificate, err = x509.CreateCertificate(rand.Reader, form, form, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	key, err = x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), nil
}
