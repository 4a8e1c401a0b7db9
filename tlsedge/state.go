package tlsedge

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
)

// State is what a handshake has agreed on.
type State struct {
	Version    uint16
	Suite      uint16
	Group      tls.CurveID
	Protocol   string // ALPN; empty if the client has named none
	ServerName string // SNI
	Resumed    bool
	ECH        bool

	terms int
}

// Peer is a peer that has shown a certificate. It belongs to its connection's shard.
type Peer struct {
	// Certificate is the peer's own, Shown all that it has sent, its own first.
	Certificate *x509.Certificate
	Shown       []*x509.Certificate
	// Chains are the verified ones, none if nobody was asked to verify it.
	Chains [][]*x509.Certificate
	// Subject and Fingerprint (SHA-256 of the certificate) identify it.
	Subject     string
	Fingerprint [sha256.Size]byte

	verdicts []verdict // of Vouched
	identity *Identity // once it was asked for
}

func newPeer(st *tls.ConnectionState) *Peer {
	own := st.PeerCertificates[0]
	return &Peer{
		Certificate: own, Shown: st.PeerCertificates, Chains: st.VerifiedChains,
		Subject: own.Subject.String(), Fingerprint: sha256.Sum256(own.Raw),
	}
}

// State is what the handshake has agreed on.
func (c *Conn) State() *State { return &c.state }

// Protocol is the protocol that was chosen by ALPN, empty if none was.
func (c *Conn) Protocol() string { return c.state.Protocol }

// ServerName is the name that the client has asked for, empty if none.
func (c *Conn) ServerName() string { return c.state.ServerName }

// Peer is who is at the other end, nil if it has shown no certificate.
func (c *Conn) Peer() *Peer { return c.peer }

// Err is why the connection was ended by the transform, nil if it was not.
func (c *Conn) Err() error { return c.err }

// Ended reports whether the peer has said that it sends nothing more. The end of a
// connection on which it has not may have been brought about by somebody in between
// (RFC 8446, section 6.1).
func (c *Conn) Ended() bool { return c.ended }

// Covers reports whether a request for a host may come over the connection: the
// certificate that its client has accepted is one for the host, too, and clients that
// ask for the host are not asked for something else (RFC 9110, section 15.5.20). The
// host that the client has asked for by SNI is covered: it has chosen to go on,
// whatever it was shown. So is an address, which SNI cannot name, where it has named
// nothing.
func (c *Conn) Covers(host []byte) bool {
	name := c.state.ServerName
	if sameHost(name, host) {
		return true
	}
	s := c.server
	if s == nil {
		return false
	}
	if s.Names.IndexHost(host) != c.state.terms {
		return false
	}
	return name == "" && isAddress(host) || s.Certificates.Covers(name, host)
}

// sameHost reports whether a request's host, which may have a port, is a name.
func sameHost(name string, host []byte) bool {
	if len(name) == 0 || len(host) < len(name) || len(host) > len(name) && host[len(name)] != ':' {
		return false
	}
	for i := range len(name) {
		if lower(name[i]) != lower(host[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// isAddress reports whether a host is an IP address: one of version 6 stands in
// brackets, and the last label of a name is not a number (RFC 1123, section 2.1).
func isAddress(host []byte) bool {
	if len(host) == 0 {
		return false
	}
	if host[0] == '[' {
		return true
	}
	for i, c := range host {
		if c == ':' && i > 0 {
			return true
		}
		if (c < '0' || c > '9') && c != '.' {
			return false
		}
	}
	return true
}
