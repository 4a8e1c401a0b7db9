package tlsedge

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"
)

// The certificates of an upstream are verified by Workers while the handshake that
// needs it is left: a chain takes some hundred microseconds, and ones with keys on
// P-384 a millisecond. Without Workers it is done on the shard.

var (
	errNoName       = errors.New("there is no name to verify the certificate for")
	errNoCerts      = errors.New("the server has shown no certificate")
	errVerification = errors.New("the verification of the certificate has panicked")
)

// verification is the work of verifying a chain.
type verification struct {
	leaf    *x509.Certificate
	options x509.VerifyOptions
	chains  [][]*x509.Certificate
}

// verify is what crypto/tls does where it is not told to skip it, as the last step
// before a server is believed. It is called for resumed sessions too, whose
// certificates were verified for the connection that they come from: by this Client,
// since nobody else has them.
func (s *clientState) verify(st tls.ConnectionState) error {
	switch {
	case s.own.ServerName == "":
		return errNoName
	case len(st.PeerCertificates) == 0:
		return errNoCerts
	}
	leaf := st.PeerCertificates[0]
	if st.DidResume {
		if err := leaf.VerifyHostname(s.own.ServerName); err != nil {
			s.session = nil
			return untrusted(&st, err)
		}
		return nil
	}
	v := &verification{leaf: leaf, options: x509.VerifyOptions{
		Roots: s.roots, CurrentTime: s.now(), DNSName: s.own.ServerName, Intermediates: x509.NewCertPool(),
	}}
	if v.options.Roots == nil {
		v.options.Roots = x509.NewCertPool()
	}
	for _, c := range st.PeerCertificates[1:] {
		v.options.Intermediates.AddCert(c)
	}
	err := s.edge.verified(v)
	switch {
	case err == nil:
		s.until = end(v.chains)
		return nil
	case CauseOf(err) == CauseBusy || errors.Is(err, errAborted):
		return err
	}
	return untrusted(&st, err)
}

// verified makes a verification, in the coroutine of a handshake.
func (e *Edge) verified(v *verification) error {
	f := e.running
	if e.workers == nil || f == nil {
		return v.run()
	}
	return e.await(f, &job{edge: e, conn: f.conn.name, verification: v})
}

func (v *verification) run() (err error) {
	v.chains, err = v.leaf.Verify(v.options)
	return err
}

// end is until when the longest-lived of some chains is valid.
func end(chains [][]*x509.Certificate) (until time.Time) {
	for _, chain := range chains {
		first := chain[0].NotAfter
		for _, c := range chain[1:] {
			if c.NotAfter.Before(first) {
				first = c.NotAfter
			}
		}
		if first.After(until) {
			until = first
		}
	}
	return until
}

func untrusted(st *tls.ConnectionState, err error) error {
	return &tls.CertificateVerificationError{UnverifiedCertificates: st.PeerCertificates, Err: err}
}
