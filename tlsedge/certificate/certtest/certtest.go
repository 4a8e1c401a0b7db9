// Package certtest makes certificates for tests: authorities, and what they issue, right or wrong on purpose. It is for
// tests only, and panics where it fails.
package certtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync"
	"time"
)

// Authority issues certificates.
type Authority struct {
	Cert   *x509.Certificate
	Key    crypto.Signer
	issuer *Authority
}

// Issued is a certificate with its key, as files have them.
type Issued struct {
	Cert *x509.Certificate
	Key  crypto.Signer
	// Chain is the certificate and those of its issuers but the root, KeyPEM the key in PKCS #8, both as PEM.
	Chain, KeyPEM []byte
}

// Edit changes a certificate before it is signed.
type Edit func(*x509.Certificate)

// NewAuthority makes a root.
func NewAuthority(name string, edits ...Edit) *Authority {
	return (*Authority)(nil).Authority(name, edits...)
}

// Authority makes an authority that a has certified.
func (a *Authority) Authority(name string, edits ...Edit) *Authority {
	t := template(edits)
	t.Subject = pkix.Name{CommonName: name}
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = nil
	out := &Authority{Key: NewKey("P-256"), issuer: a}
	parent, signer := t, out.Key
	if a != nil {
		parent, signer = a.Cert, a.Key
	}
	out.Cert = sign(t, parent, out.Key.Public(), signer)
	return out
}

// PEM is the authority's certificate as a file has it.
func (a *Authority) PEM() []byte { return certPEM(a.Cert) }

// Server issues a certificate for hosts with a key of a kind: P-256, P-384, P-224, Ed25519, RSA-2048 or RSA-1024.
func (a *Authority) Server(kind string, hosts []string, edits ...Edit) *Issued {
	return a.issue(kind, hosts, x509.ExtKeyUsageServerAuth, edits)
}

// Client issues a certificate for a client.
func (a *Authority) Client(name string, edits ...Edit) *Issued {
	return a.issue("P-256", nil, x509.ExtKeyUsageClientAuth, append([]Edit{func(t *x509.Certificate) { t.Subject.CommonName = name }}, edits...))
}

func (a *Authority) issue(kind string, hosts []string, usage x509.ExtKeyUsage, edits []Edit) *Issued {
	t := template(nil)
	t.ExtKeyUsage = []x509.ExtKeyUsage{usage}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	if len(hosts) > 0 {
		t.Subject.CommonName = hosts[0]
	}
	for _, e := range edits {
		e(t)
	}
	i := &Issued{Key: NewKey(kind)}
	parent, signer := t, i.Key
	if a != nil {
		parent, signer = a.Cert, a.Key
	}
	i.Cert = sign(t, parent, i.Key.Public(), signer)
	i.Chain = certPEM(i.Cert)
	for at := a; at != nil && at.issuer != nil; at = at.issuer {
		i.Chain = append(i.Chain, at.PEM()...)
	}
	i.KeyPEM = KeyPEM(i.Key)
	return i
}

// SelfSigned makes a certificate that nobody vouches for.
func SelfSigned(kind string, hosts []string, edits ...Edit) *Issued {
	return (*Authority)(nil).Server(kind, hosts, edits...)
}

// TLS is the pair as crypto/tls has it.
func (i *Issued) TLS() *tls.Certificate {
	c, err := tls.X509KeyPair(i.Chain, i.KeyPEM)
	must(err)
	return &c
}

// Valid sets the dates.
func Valid(from, to time.Time) Edit {
	return func(t *x509.Certificate) { t.NotBefore, t.NotAfter = from, to }
}

func template(edits []Edit) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	must(err)
	now := time.Now().Truncate(time.Second)
	t := &x509.Certificate{
		SerialNumber: serial, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(90 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	for _, e := range edits {
		e(t)
	}
	return t
}

func sign(t, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, t, parent, public, signer)
	must(err)
	c, err := x509.ParseCertificate(der)
	must(err)
	return c
}

// rsaKeys are used again: to make one takes longer than most tests.
var rsaKeys struct {
	mu   sync.Mutex
	keys map[int][]*rsa.PrivateKey
}

// NewKey makes a key of a kind. Of RSA the same one is given out each time; AnotherRSA is another one.
func NewKey(kind string) crypto.Signer {
	curve := map[string]elliptic.Curve{"P-224": elliptic.P224(), "P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[kind]
	switch {
	case curve != nil:
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		must(err)
		return k
	case kind == "Ed25519":
		_, k, err := ed25519.GenerateKey(rand.Reader)
		must(err)
		return k
	case kind == "RSA-1024":
		return rsaKey(1024, 0)
	}
	return rsaKey(2048, 0)
}

// AnotherRSA is an RSA key that NewKey never gives out.
func AnotherRSA() crypto.Signer { return rsaKey(2048, 1) }

func rsaKey(bits, n int) *rsa.PrivateKey {
	rsaKeys.mu.Lock()
	defer rsaKeys.mu.Unlock()
	if rsaKeys.keys == nil {
		rsaKeys.keys = make(map[int][]*rsa.PrivateKey)
	}
	for len(rsaKeys.keys[bits]) <= n {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		must(err)
		rsaKeys.keys[bits] = append(rsaKeys.keys[bits], k)
	}
	return rsaKeys.keys[bits][n]
}

// KeyPEM is a key in PKCS #8.
func KeyPEM(k crypto.Signer) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	must(err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func certPEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func must(err error) {
	if err != nil {
		panic("certtest: " + err.Error())
	}
}
