package tlsedge

import "encoding/base64"

// maxCertificateField is the longest certificate that is told to upstreams as a
// whole, in bytes of DER. A head has room for it beside all else; real ones have 500
// to 2,000.
const maxCertificateField = 6 << 10

const hexDigits = "0123456789abcdef"

// Fields are the field lines that tell an upstream who the client is: the subject
// and the fingerprint (SHA-256) of its certificate, and all of it as RFC 9440 has it.
// They are made once for a connection. Whether anybody vouches for the certificate is
// for the caller to know.
func (p *Peer) Fields() []byte {
	if p.fields != nil {
		return p.fields
	}
	b := make([]byte, 0, 512)
	b = append(b, "X-Client-Cert-Subject: "...)
	b = appendSubject(b, p.Subject)
	b = append(b, "\r\nX-Client-Cert-Fingerprint: "...)
	for _, c := range p.Fingerprint {
		b = append(b, hexDigits[c>>4], hexDigits[c&15])
	}
	b = append(b, "\r\n"...)
	if len(p.Certificate.Raw) <= maxCertificateField {
		b = append(b, "Client-Cert: :"...)
		b = base64.StdEncoding.AppendEncode(b, p.Certificate.Raw)
		b = append(b, ":\r\n"...)
	}
	p.fields = b
	return b
}

// maxSubject is how much of a subject is passed on, in bytes.
const maxSubject = 1 << 10

// appendSubject writes a name (RFC 2253) with nothing in it that a field must not
// have: what is not printable ASCII is written as its hexadecimal pairs, which is one
// of the two ways in which RFC 2253, section 2.4, writes it anyway.
func appendSubject(dst []byte, subject string) []byte {
	end := len(dst) + maxSubject
	for i := range len(subject) {
		if len(dst) > end-3 {
			return append(dst, "..."...)
		}
		c := subject[i]
		if c < ' ' || c > '~' {
			dst = append(dst, '\\', hexDigits[c>>4], hexDigits[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}
