package certificate

import (
	"bytes"
	"crypto/x509"
	"strconv"
)

// maxChain bounds the certificates of a chain. Public ones have two to four.
const maxChain = 16

// arrange brings the chain into the order in which each certificate is followed by its issuer's (RFC 8446, section
// 4.4.2), the leaf first, and leaves out what does not belong to it. Clients are told to cope with any order, and some
// do not.
func arrange(file []*x509.Certificate, leaf int, ps *Problems) []*x509.Certificate {
	chain := []*x509.Certificate{file[leaf]}
	used := make([]bool, len(file))
	used[leaf] = true
	inOrder := leaf == 0
	for at := leaf; !selfIssued(file[at]); {
		next := -1
		for i, c := range file {
			if !used[i] && issued(c, file[at]) {
				next = i
				break
			}
		}
		if next < 0 {
			break
		}
		inOrder = inOrder && next == at+1
		chain, used[next], at = append(chain, file[next]), true, next
	}
	switch left := len(file) - len(chain); {
	case left > 0:
		for i, c := range file {
			if !used[i] {
				ps.warn(Chain, "certificate "+strconv.Itoa(i+1)+" of the file, for "+describe(c)+", does not belong to the chain and is not sent",
					"each certificate followed by that of its issuer")
			}
		}
	case !inOrder:
		ps.warn(Chain, "the certificates of the file are not in order; they are sent in the right one", "each certificate followed by that of its issuer")
	}
	// A public authority never issues from a root, and says where its own certificate can be had. A private one
	// that has no intermediates says no such thing, and its leaf alone is a whole chain.
	if last := chain[len(chain)-1]; len(chain) == 1 && !selfIssued(last) && len(last.IssuingCertificateURL) > 0 {
		ps.warn(Chain, "the certificate of the issuer, "+strconv.Quote(name(last.Issuer.CommonName, last.RawIssuer))+
			", is missing: clients that do not know it already refuse the connection",
			"the issuer's certificate behind the server's in the file (a \"full chain\")")
	}
	return chain
}

// selfIssued reports whether a chain ends with c.
func selfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

// issued reports whether by has signed c.
func issued(by, c *x509.Certificate) bool {
	return bytes.Equal(by.RawSubject, c.RawIssuer) && c.CheckSignatureFrom(by) == nil
}

// describe names a certificate for messages.
func describe(c *x509.Certificate) string {
	switch {
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	}
	return strconv.Quote(name(c.Subject.CommonName, c.RawSubject))
}

func name(common string, raw []byte) string {
	if common != "" {
		return common
	}
	if len(raw) == 0 {
		return "nobody"
	}
	return "no common name"
}
