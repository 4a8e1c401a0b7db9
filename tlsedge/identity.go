package tlsedge

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// maxCertificateField is the longest certificate that is told to upstreams as a
// whole, in bytes of DER. A head has room for it beside all else; real ones have 500
// to 2,000.
const maxCertificateField = 6 << 10

// Identity is what is told of a peer's certificate, each part as the value of a field.
type Identity struct {
	// Subject and Issuer are names as RFC 2253 writes them.
	Subject, Issuer []byte
	// Serial is in hexadecimal digits, as Fingerprint is (SHA-256 of the certificate).
	Serial, Fingerprint []byte
	// Certificate is all of it, as RFC 9440 has it; empty if it is too large for a head.
	Certificate []byte

	fields []byte
}

// Fields are the field lines that tell an upstream who the client is: the subject
// and the fingerprint of its certificate, and all of it. Whether anybody vouches for
// the certificate is for the caller to know.
func (p *Peer) Fields() []byte { return p.Identity().fields }

// Identity is made once for a connection.
func (p *Peer) Identity() *Identity {
	if p.identity == nil {
		p.identity = newIdentity(p)
	}
	return p.identity
}

func newIdentity(p *Peer) *Identity {
	d := new(Identity)
	b := make([]byte, 0, 512)
	part := func(from int) []byte { return b[from:len(b):len(b)] }
	b = append(b, "X-Client-Cert-Subject: "...)
	at := len(b)
	b = appendName(b, p.Subject)
	d.Subject = part(at)
	b = append(b, "\r\nX-Client-Cert-Fingerprint: "...)
	at = len(b)
	b = hex.AppendEncode(b, p.Fingerprint[:])
	d.Fingerprint = part(at)
	b = append(b, "\r\n"...)
	if len(p.Certificate.Raw) <= maxCertificateField {
		b = append(b, "Client-Cert: "...)
		at = len(b)
		b = append(b, ':')
		b = base64.StdEncoding.AppendEncode(b, p.Certificate.Raw)
		b = append(b, ':')
		d.Certificate = part(at)
		b = append(b, "\r\n"...)
	}
	d.fields = b
	d.Issuer = appendName(nil, p.Certificate.Issuer.String())
	d.Serial = fmt.Appendf(nil, "%X", p.Certificate.SerialNumber.FillBytes(make([]byte, max(1, len(p.Certificate.SerialNumber.Bytes())))))
	return d
}

// maxName is how much of a name is passed on, in bytes.
const maxName = 1 << 10

// appendName writes a name (RFC 2253) with nothing in it that a field must not
// have: what is not printable ASCII is written as its hexadecimal pairs, which is one
// of the two ways in which RFC 2253, section 2.4, writes it anyway.
func appendName(dst []byte, name string) []byte {
	end := len(dst) + maxName
	for i := range len(name) {
		if len(dst) > end-3 {
			return append(dst, "..."...)
		}
		c := name[i]
		if c < ' ' || c > '~' {
			dst = hex.AppendEncode(append(dst, '\\'), []byte{c})
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}
