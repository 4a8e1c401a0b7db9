package tlsedge

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"slices"
	"strings"
)

// Table is the certificates of a server by the names they are for. It is immutable
// once a Store has it.
type Table struct {
	exact map[string]*entry
	wild  map[string]*entry // by what follows the star: ".example.com"
	// fallback is for clients that ask for no name, or for one that no certificate
	// is for; nil refuses them.
	fallback *entry
}

// entry is the certificates for one name, those that cost the server and its
// clients least first.
type entry struct {
	certificates []certificate
}

// certificate is one of a server's, with what of it decides whether a client can
// be shown it.
type certificate struct {
	tls   *tls.Certificate
	kind  keyKind
	names []string // in lower case
}

// keyKind is what a certificate signs with, in the order of preference. ECDSA on
// P-256 takes a fiftieth of the time of RSA with 2048 bits.
type keyKind uint8

const (
	keyP256 keyKind = iota
	keyP384
	keyP521
	keyEd25519
	keyRSA
	keyUnknown
)

// NewTable makes a table of certificates, whose Leaf is set. Of two with a key of the
// same kind for the same name the first is used.
func NewTable(list []*tls.Certificate) *Table {
	t := &Table{exact: make(map[string]*entry), wild: make(map[string]*entry)}
	for _, c := range list {
		cert := newCertificate(c)
		for _, name := range cert.names {
			into, key := t.exact, name
			if rest, ok := strings.CutPrefix(name, "*"); ok {
				into, key = t.wild, rest
			}
			if into[key] == nil {
				into[key] = new(entry)
			}
			into[key].add(cert)
		}
	}
	return t
}

// Default has the certificates of a name shown to clients that ask for none, or for
// one that is not known. It reports false if there are none.
func (t *Table) Default(name string) bool {
	exact, wild := t.find(strings.ToLower(name))
	if exact == nil {
		exact = wild
	}
	// The name of a wildcard itself means its certificate.
	if rest, ok := strings.CutPrefix(strings.ToLower(name), "*"); ok {
		exact = t.wild[rest]
	}
	if exact == nil {
		return false
	}
	t.fallback = exact
	return true
}

// DefaultTo is Default by the certificates themselves, which need not name any host.
func (t *Table) DefaultTo(list ...*tls.Certificate) {
	t.fallback = new(entry)
	for _, c := range list {
		t.fallback.add(newCertificate(c))
	}
}

func newCertificate(c *tls.Certificate) certificate {
	cert := certificate{tls: c, kind: kindOf(c)}
	for _, name := range c.Leaf.DNSNames {
		cert.names = append(cert.names, strings.ToLower(name))
	}
	for _, ip := range c.Leaf.IPAddresses {
		cert.names = append(cert.names, ip.String())
	}
	return cert
}

func kindOf(c *tls.Certificate) keyKind {
	switch k := c.Leaf.PublicKey.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return keyP256
		case elliptic.P384():
			return keyP384
		case elliptic.P521():
			return keyP521
		}
	case ed25519.PublicKey:
		return keyEd25519
	case *rsa.PublicKey:
		return keyRSA
	}
	return keyUnknown
}

func (e *entry) add(c certificate) {
	if slices.ContainsFunc(e.certificates, func(other certificate) bool { return other.kind == c.kind }) {
		return
	}
	e.certificates = append(e.certificates, c)
	slices.SortStableFunc(e.certificates, func(a, b certificate) int { return cmp.Compare(a.kind, b.kind) })
}

// find returns the certificates for a name, and those of a wildcard, which stands for
// exactly one label (RFC 6125, section 6.4.3). Either may be nil.
func (t *Table) find(name string) (exact, wild *entry) {
	name = strings.ToLower(name)
	exact = t.exact[name]
	if dot := strings.IndexByte(name, '.'); dot > 0 {
		wild = t.wild[name[dot:]]
	}
	return exact, wild
}

// choose picks the first certificate that the client can verify, of the name itself
// before those of a wildcard. Where it can verify none, it is left to crypto/tls to
// tell it why with the one that most clients can.
func (t *Table) choose(hello *tls.ClientHelloInfo) *tls.Certificate {
	exact, wild := t.find(hello.ServerName)
	if exact == nil && wild == nil {
		exact = t.fallback
	}
	for _, e := range [...]*entry{exact, wild} {
		if e == nil {
			continue
		}
		for i := range e.certificates {
			if c := &e.certificates[i]; c.kind.suits(hello) {
				return c.tls
			}
		}
	}
	for _, e := range [...]*entry{exact, wild} {
		if e != nil {
			return e.certificates[len(e.certificates)-1].tls
		}
	}
	return nil
}

// covers reports whether the certificate is one for a host in lower case.
func (c *certificate) covers(host []byte) bool {
	for _, name := range c.names {
		if len(name) > 1 && name[0] == '*' {
			dot := 0
			for dot < len(host) && host[dot] != '.' {
				dot++
			}
			if dot > 0 && string(host[dot:]) == name[1:] {
				return true
			}
		} else if string(host) == name {
			return true
		}
	}
	return false
}

// suits reports whether a client takes signatures of this kind, as
// tls.ClientHelloInfo.SupportsCertificate does, without its allocations and without
// regard to the name, as the default certificate may be shown under any.
func (k keyKind) suits(hello *tls.ClientHelloInfo) bool {
	if slices.Contains(hello.SupportedVersions, tls.VersionTLS13) {
		return containsAny(hello.SignatureSchemes, k.schemes13())
	}
	if !containsAny(hello.SignatureSchemes, k.schemes12()) || !containsAny(hello.CipherSuites, k.suites12()) {
		return false
	}
	curve, bound := k.curve()
	return !bound || slices.Contains(hello.SupportedCurves, curve)
}

func containsAny[T comparable](list, any []T) bool {
	for _, v := range any {
		if slices.Contains(list, v) {
			return true
		}
	}
	return false
}

var (
	schemesPSS   = []tls.SignatureScheme{tls.PSSWithSHA256, tls.PSSWithSHA384, tls.PSSWithSHA512}
	schemesRSA   = append([]tls.SignatureScheme{tls.PKCS1WithSHA256, tls.PKCS1WithSHA384, tls.PKCS1WithSHA512}, schemesPSS...)
	schemesECDSA = []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.ECDSAWithP521AndSHA512}
	schemesEd    = []tls.SignatureScheme{tls.Ed25519}

	suitesECDSA = []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	}
	suitesRSA = []uint16{
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
)

// schemes13 are the signatures of a kind in TLS 1.3, where a scheme names the curve
// too (RFC 8446, section 4.2.3).
func (k keyKind) schemes13() []tls.SignatureScheme {
	switch k {
	case keyP256, keyP384, keyP521:
		return schemesECDSA[k : k+1]
	case keyEd25519:
		return schemesEd
	case keyRSA:
		return schemesPSS
	}
	return nil
}

// schemes12 are those of TLS 1.2, where the curve is left to supported_groups (RFC
// 8422, section 5.1.1).
func (k keyKind) schemes12() []tls.SignatureScheme {
	switch k {
	case keyP256, keyP384, keyP521:
		return schemesECDSA
	case keyEd25519:
		return schemesEd
	case keyRSA:
		return schemesRSA
	}
	return nil
}

// suites12 are the cipher suites of TLS 1.2 that a kind can sign for.
func (k keyKind) suites12() []uint16 {
	if k == keyRSA {
		return suitesRSA
	}
	return suitesECDSA
}

// curve is the curve that a client of TLS 1.2 must know, if there is one.
func (k keyKind) curve() (curve tls.CurveID, bound bool) {
	switch k {
	case keyP256:
		return tls.CurveP256, true
	case keyP384:
		return tls.CurveP384, true
	case keyP521:
		return tls.CurveP521, true
	}
	return 0, false
}
