package tlsedge

import (
	"crypto/x509"
	"time"
)

// Authorities vouch for clients. They are immutable, and known by their address.
type Authorities struct {
	Pool *x509.CertPool
}

// verdict is what has come of a peer's certificate and some authorities.
type verdict struct {
	by   *Authorities
	good bool
}

// maxVerdicts is how many verdicts a connection remembers; routes rarely differ in
// whom they trust.
const maxVerdicts = 4

// Vouched reports whether authorities vouch for the peer as a client now. It costs
// one or more verifications of signatures the first time that it is asked of a
// connection, and next to nothing afterwards.
func (p *Peer) Vouched(by *Authorities, now time.Time) bool {
	if now.After(p.Certificate.NotAfter) {
		return false
	}
	for i := range p.verdicts {
		if v := &p.verdicts[i]; v.by == by {
			return v.good
		}
	}
	if len(p.verdicts) == maxVerdicts {
		copy(p.verdicts, p.verdicts[1:])
		p.verdicts = p.verdicts[:maxVerdicts-1]
	}
	good := p.verify(by, now)
	p.verdicts = append(p.verdicts, verdict{by, good})
	return good
}

func (p *Peer) verify(by *Authorities, now time.Time) bool {
	options := x509.VerifyOptions{
		Roots: by.Pool, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if len(p.Shown) > 1 {
		options.Intermediates = x509.NewCertPool()
		for _, c := range p.Shown[1:] {
			options.Intermediates.AddCert(c)
		}
	}
	_, err := p.Certificate.Verify(options)
	return err == nil
}

// Verified reports whether the handshake has verified the peer's certificate.
func (p *Peer) Verified() bool { return len(p.Chains) > 0 }
