package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Soon is how long before its end a certificate is warned of. Renewal is usually tried with a third of its time left,
// so that this much is a sign that it fails.
const Soon = 14 * 24 * time.Hour

// minRSA is the smallest RSA key that clients accept (CA/Browser Forum, section 6.1.5).
const minRSA = 2048

// Pair is a certificate with its chain and its key.
type Pair struct {
	// TLS is what crypto/tls works with: the chain in order, the key, and the leaf parsed.
	TLS tls.Certificate
	// Chain is TLS.Certificate parsed: the leaf, its issuer, and so on.
	Chain []*x509.Certificate
	// Names are the host names that the certificate is for, in lower case, and addresses as text.
	Names []string
	// MustStaple says that clients are to refuse the certificate without a stapled OCSP response (RFC 7633).
	MustStaple bool
}

// Leaf is the server's own certificate.
func (p *Pair) Leaf() *x509.Certificate { return p.Chain[0] }

// Issuer is the certificate of the leaf's issuer, nil if it is not in the file.
func (p *Pair) Issuer() *x509.Certificate {
	switch {
	case len(p.Chain) > 1:
		return p.Chain[1]
	case selfIssued(p.Chain[0]):
		return p.Chain[0]
	}
	return nil
}

// Parse reads a chain and its key, and judges them at a point in time; without one, at the zero time, their dates are
// not looked at. The result is nil if they cannot be served.
func Parse(chain, key []byte, now time.Time) (*Pair, Problems) {
	return parse(chain, key, now, (*Pair).judge)
}

// ParseClient is Parse for what is shown to a server, as a client.
func ParseClient(chain, key []byte, now time.Time) (*Pair, Problems) {
	return parse(chain, key, now, (*Pair).judgeClient)
}

func parse(chain, key []byte, now time.Time, judge func(p *Pair, now time.Time, ps *Problems)) (*Pair, Problems) {
	var ps Problems
	file := parseChain(chain, &ps)
	signer := parseKey(key, &ps)
	if ps.Fatal() {
		return nil, ps
	}
	leaf := slices.IndexFunc(file, func(c *x509.Certificate) bool { return belong(c, signer) })
	switch {
	case leaf < 0:
		ps.fail(Key, "the private key does not belong to the certificate for "+describe(file[0])+": that has an "+
			keyKind(file[0].PublicKey)+" key, and this is another "+keyKind(signer.Public())+" key", wantKey)
		return nil, ps
	case leaf > 0:
		ps.warn(Chain, "the server's certificate is number "+strconv.Itoa(leaf+1)+" of the file; it is sent first", "the server's certificate first, then those of its issuers")
	}
	before := len(ps)
	p := &Pair{Chain: arrange(file, leaf, &ps)}
	if leaf > 0 && len(ps) > before && strings.Contains(ps[before].Msg, "not in order") {
		ps = slices.Delete(ps, before, before+1) // said already
	}
	p.TLS.PrivateKey, p.TLS.Leaf = signer, p.Chain[0]
	for _, c := range p.Chain {
		p.TLS.Certificate = append(p.TLS.Certificate, c.Raw)
	}
	p.Names = names(p.Leaf())
	p.MustStaple = mustStaple(p.Leaf())
	judge(p, now, &ps)
	if ps.Fatal() {
		return nil, ps
	}
	return p, ps
}

// belong reports whether key is the private key of c.
func belong(c *x509.Certificate, key crypto.Signer) bool {
	public, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(key.Public())
}

// names are the hosts that a certificate is for (RFC 9110, section 4.3.4).
func names(c *x509.Certificate) (list []string) {
	for _, n := range c.DNSNames {
		if n = strings.ToLower(n); !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	return list
}

// keyKind names the kind of a public key, with its size.
func keyKind(public crypto.PublicKey) string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return "RSA-" + strconv.Itoa(k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return "unknown"
}

// Kind names the kind of the key, with its size: "ECDSA P-256", "RSA-2048", "Ed25519".
func (p *Pair) Kind() string { return keyKind(p.Leaf().PublicKey) }

// judgeClient looks for what servers will not take.
func (p *Pair) judgeClient(now time.Time, ps *Problems) {
	leaf := p.Leaf()
	p.judgeKeys(ps)
	if !usable(leaf, x509.ExtKeyUsageClientAuth) {
		ps.fail(Chain, "the certificate for "+describe(leaf)+" is not one for clients (extendedKeyUsage)", "a certificate with the usage clientAuth")
	}
	if !now.IsZero() {
		p.judgeDates(now, ps)
	}
}

// judge looks for what clients will not take.
func (p *Pair) judge(now time.Time, ps *Problems) {
	leaf := p.Leaf()
	p.judgeKeys(ps)
	if _, ok := leaf.PublicKey.(ed25519.PublicKey); ok {
		ps.warn(Chain, "the certificate has an Ed25519 key, which browsers do not take", "ECDSA on P-256, or a certificate of that kind beside it")
	}
	if len(p.Names) == 0 {
		ps.warn(Chain, "the certificate names no host (subjectAltName), and clients do not look at its common name", "a certificate with a subjectAltName for each host")
	}
	if !usable(leaf, x509.ExtKeyUsageServerAuth) {
		ps.fail(Chain, "the certificate for "+describe(leaf)+" is not one for servers (extendedKeyUsage)", "a certificate with the usage serverAuth")
	}
	if p.MustStaple && len(leaf.OCSPServer) == 0 {
		ps.warn(Chain, "the certificate must not be used without a stapled OCSP response, and does not name where to get one", "a certificate without status_request, or with an OCSP responder")
	}
	if !now.IsZero() {
		p.judgeDates(now, ps)
	}
}

// judgeKeys looks for keys and signatures that nobody takes any more.
func (p *Pair) judgeKeys(ps *Problems) {
	leaf := p.Leaf()
	switch k := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < minRSA {
			ps.fail(Chain, "the certificate has an RSA key of "+strconv.Itoa(n)+" bits, which is too weak", "RSA with at least 2048 bits, or ECDSA")
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P224() {
			ps.fail(Chain, "the certificate has an ECDSA key on P-224, which TLS does not know", "ECDSA on P-256 or P-384")
		}
	}
	for i, c := range p.Chain {
		// Nobody looks at how a root has signed itself.
		if weak(c.SignatureAlgorithm) && !selfIssued(c) || i == 0 && weak(c.SignatureAlgorithm) {
			ps.fail(Chain, "the certificate for "+describe(c)+" is signed with "+c.SignatureAlgorithm.String()+", which no client accepts", "a signature with SHA-256 or better")
		}
	}
}

// Dates are the problems of the pair's certificates with a point in time.
func (p *Pair) Dates(now time.Time) (ps Problems) {
	p.judgeDates(now, &ps)
	return ps
}

// judgeDates warns of certificates whose time is not now. They are served all the same: a server that does not start
// helps nobody, and the other certificates even less.
func (p *Pair) judgeDates(now time.Time, ps *Problems) {
	for i, c := range p.Chain {
		what := "the certificate for " + describe(c)
		if i > 0 {
			what = "the issuer's certificate " + describe(c)
		}
		switch left := c.NotAfter.Sub(now); {
		case left < 0:
			ps.warn(Chain, what+" has expired on "+day(c.NotAfter), "a certificate that is valid now")
		case now.Before(c.NotBefore):
			ps.warn(Chain, what+" is not valid before "+c.NotBefore.UTC().Format(time.DateTime)+" UTC", "a certificate that is valid now, and a clock that is right")
		case left < Soon && c.NotAfter.Sub(c.NotBefore) > 2*Soon:
			ps.warn(Chain, what+" expires on "+day(c.NotAfter), "a certificate that has been renewed")
		}
	}
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func weak(a x509.SignatureAlgorithm) bool {
	switch a {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.DSAWithSHA256, x509.ECDSAWithSHA1:
		return true
	}
	return false
}

// usable reports whether a certificate may be used for a purpose. One without usages may be used for everything.
func usable(c *x509.Certificate, purpose x509.ExtKeyUsage) bool {
	if len(c.ExtKeyUsage) == 0 && len(c.UnknownExtKeyUsage) == 0 {
		return true
	}
	return slices.ContainsFunc(c.ExtKeyUsage, func(u x509.ExtKeyUsage) bool {
		return u == purpose || u == x509.ExtKeyUsageAny
	})
}

// tlsFeature is the extension of RFC 7633, and statusRequest the feature in it that asks for a stapled response.
var tlsFeature = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}

const statusRequest = 5

func mustStaple(c *x509.Certificate) bool {
	for _, e := range c.Extensions {
		var features []int
		if e.Id.Equal(tlsFeature) {
			_, err := asn1.Unmarshal(e.Value, &features)
			return err == nil && slices.Contains(features, statusRequest)
		}
	}
	return false
}
