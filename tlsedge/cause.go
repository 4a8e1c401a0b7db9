package tlsedge

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// Cause is what a connection has failed of, as far as it matters who is to blame.
type Cause uint8

// The causes.
const (
	CauseHandshake   Cause = iota // no agreement was reached, or what came was not TLS
	CauseCertificate              // the certificate is not one for whom was asked for, or nobody known vouches for it
	CauseBusy                     // too many handshakes of ours wait for Workers
	CauseBuffers                  // the shard has no buffer left
)

// ErrNoH2 is what is wrong with a server that was offered HTTP/2 and nothing else, and
// goes on without having chosen it: one that knows nothing of ALPN (RFC 7301, section
// 3.2, has others refuse the handshake).
var ErrNoH2 = errors.New("it does not speak HTTP/2: it has chosen no protocol by ALPN")

// CauseOf sorts the error of a connection that TLS has ended.
func CauseOf(err error) Cause {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return CauseCertificate
	}
	switch {
	case errors.Is(err, errBusy):
		return CauseBusy
	case errors.Is(err, errNoBuffers):
		return CauseBuffers
	}
	return CauseHandshake
}

// certificateAlerts are those by which a server refuses a client for its certificate,
// or for want of one (RFC 8446, section 6.2).
var certificateAlerts = []tls.AlertError{42, 43, 44, 45, 46, 48, 49, 51, 116}

// RefusesUs reports whether the error is the alert of a server that refuses us for our
// certificate. In TLS 1.3 it comes when the handshake is over for us, and
// nothing that we have sent behind it was looked at.
func RefusesUs(err error) bool {
	alert := alertOf(err)
	return alert != nil && slices.ContainsFunc(certificateAlerts, func(a tls.AlertError) bool { return a.Error() == alert.Error() })
}

// alertOf is the alert that the other side has ended a connection with, nil if it has
// sent none.
func alertOf(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return op.Err
	}
	return nil
}

// Explain says in a few words, for the log, what a connection to an upstream has failed
// of. It is the same for the same cause: it has no time of day in it.
func Explain(err error) string {
	if err == nil || errors.Is(err, io.EOF) {
		return "it has closed the connection in the middle of the handshake"
	}
	if alert := alertOf(err); alert != nil {
		return "it refuses the handshake: " + strings.TrimPrefix(alert.Error(), "tls: ")
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS"
	}
	if name, ok := errors.AsType[x509.HostnameError](err); ok {
		return "its certificate is for " + hosts(name.Certificate) + ", not for " + name.Host
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is issued by " + issuer(unknown.Cert) + ", whom nobody known vouches for"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "the certificate of " + subject(invalid.Cert) + " is valid from " + day(invalid.Cert.NotBefore) + " to " + day(invalid.Cert.NotAfter)
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		err = bad.Err
	}
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "tls: "), "x509: ")
}

// hosts are what a certificate is for.
func hosts(c *x509.Certificate) string {
	const most = 3
	list := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	switch {
	case len(list) == 0:
		return "no host"
	case len(list) > most:
		return strings.Join(list[:most], ", ") + " and others"
	}
	return strings.Join(list, ", ")
}

func issuer(c *x509.Certificate) string {
	if c == nil {
		return "somebody"
	}
	return named(c.Issuer.CommonName, c.Issuer.String())
}

func subject(c *x509.Certificate) string { return named(c.Subject.CommonName, hosts(c)) }

func named(name, other string) string {
	if name == "" {
		name = other
	}
	return `"` + name + `"`
}

func day(t time.Time) string { return t.UTC().Format(time.DateTime) }
