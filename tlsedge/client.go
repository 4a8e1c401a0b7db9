package tlsedge

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"time"
)

// Client is how TLS is spoken to an upstream's member: made by the control plane,
// immutable, and shared by all shards. Members have Clients of their own, because a
// session belongs to the server that has given it out.
type Client struct {
	// Config has ServerName, RootCAs, Certificates, MinVersion, CipherSuites,
	// CurvePreferences, NextProtos and InsecureSkipVerify. RootCAs is not nil:
	// those of the system would be read from files, by a shard. Each shard works with
	// a copy, with a session of its own.
	Config *tls.Config

	// Sessions says that connections are resumed, if it is not 0.
	Sessions int

	// KeyLog takes the secrets of connections, for debugging; nil almost always.
	KeyLog io.Writer
}

// clientState is what a shard has of a Client: a copy of its configuration, and the
// session that the next connection resumes. It is the cache of sessions of that
// configuration.
type clientState struct {
	edge  *Edge
	own   *tls.Config
	roots *x509.CertPool

	session *tls.ClientSessionState
	// until is when a certificate of the chain that was verified last ends: no
	// session is resumed then (RFC 8446, section 4.6.1, leaves it to the client).
	until time.Time
}

var _ tls.ClientSessionCache = (*clientState)(nil)

// clientConfig is a shard's copy of a Client's configuration.
func (e *Edge) clientConfig(cl *Client) *tls.Config {
	if c := e.clients[cl]; c != nil {
		return c.own
	}
	if len(e.clients) >= clientsMost {
		clear(e.clients)
	}
	s := &clientState{edge: e, own: cl.Config.Clone(), roots: cl.Config.RootCAs}
	c := s.own
	c.DynamicRecordSizingDisabled = true
	c.Renegotiation = tls.RenegotiateNever
	c.KeyLogWriter = nil
	if cl.KeyLog != nil {
		c.KeyLogWriter = cl.KeyLog
	}
	if cl.Sessions > 0 {
		c.ClientSessionCache = s
	}
	if !c.InsecureSkipVerify {
		// crypto/tls leaves the certificates to verify, which can do it elsewhere.
		c.InsecureSkipVerify = true
		c.VerifyConnection = s.verify
	}
	c.Certificates = make([]tls.Certificate, len(cl.Config.Certificates))
	for i := range c.Certificates {
		c.Certificates[i] = *e.withSigner(&cl.Config.Certificates[i])
	}
	e.clients[cl] = s
	return c
}

// Forget drops what the shard has of a Client that no connection is opened with any
// more.
func (e *Edge) Forget(cl *Client) { delete(e.clients, cl) }

// Get is the session to be resumed, as crypto/tls asks for it. There is one: the key
// is the name of the server, always the same.
func (s *clientState) Get(string) (*tls.ClientSessionState, bool) {
	if s.session != nil && !s.until.IsZero() && s.now().After(s.until) {
		s.session = nil
	}
	return s.session, s.session != nil
}

// Put keeps a session in the place of the one before, nil for none.
func (s *clientState) Put(_ string, session *tls.ClientSessionState) { s.session = session }

func (s *clientState) now() time.Time {
	if s.own.Time != nil {
		return s.own.Time()
	}
	return time.Now()
}

// Preface has bytes said to an upstream before TLS begins, a PROXY header say. It is
// called before the connection stands.
func (c *Conn) Preface(p []byte) { c.words = append([]byte(nil), p...) }
