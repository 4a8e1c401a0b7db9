package control

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/certificates"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/tlsedge"
	"github.com/anygate/anygate/tlsedge/profile"
)

// The protocols that members are offered by ALPN: the one of their pool, so that none can be chosen which it does not
// speak.
var offerHTTP1, offerH2 = []string{"http/1.1"}, []string{"h2"}

// secure is how TLS is spoken to the members of a pool.
type secure struct {
	roots    *x509.CertPool
	insecure bool
	h2       bool
	digest   [sha256.Size]byte      // of the authorities
	identity *certificates.Identity // nil for none
}

// upstreamTLS is how TLS is spoken to a pool, once for all its members. The defaults are those of an address with
// https://, which stands at pos.
func (c *compiler) upstreamTLS(t *config.UpstreamTLS, pos config.Pos) (*secure, error) {
	if t == nil {
		t = &config.UpstreamTLS{}
	}
	s := &secure{insecure: t.Insecure, roots: x509.NewCertPool()}
	switch {
	case t.CA != nil:
		a, err := c.trust.Upstreams(t.CA.Name, t.CA.Path)
		if err != nil {
			return nil, at(t.CA.Pos, err)
		}
		s.roots, s.digest = a.Pool, a.Digest
	case !t.Insecure:
		var err error
		if s.roots, err = c.systemRoots(); err != nil {
			return nil, at(pos, err)
		}
	}
	if t.Cert != nil {
		identity, err := c.identities.Open(*t.Cert, *t.Key)
		if err != nil {
			return nil, at(t.Cert.Pos, err)
		}
		s.identity = identity
	}
	return s, nil
}

// systemRoots are the authorities of the system, read once.
func (c *compiler) systemRoots() (*x509.CertPool, error) {
	if c.roots != nil {
		return c.roots, nil
	}
	pool, err := x509.SystemCertPool()
	if err == nil && pool.Equal(x509.NewCertPool()) {
		err = errors.New("there are none")
	}
	if err != nil {
		return nil, fmt.Errorf("the authorities of this system, which vouch for upstreams: %w; install the package ca-certificates, or name a file: tls: {ca: FILE} in the pool", err)
	}
	c.roots = pool
	return pool, nil
}

// serverName is the name that a server is asked for, and that its certificate has to be for.
func serverName(t *config.UpstreamTLS, m *config.Member) string {
	if t != nil && t.ServerName != "" {
		return t.ServerName
	}
	switch m.Scheme {
	case "unix":
		return "localhost"
	case "srv":
		// The name that was asked for, without the service (RFC 6125, section 6.2.1): what the records say was said by nobody
		// who can be trusted.
		name := m.Addr
		for strings.HasPrefix(name, "_") {
			_, name, _ = strings.Cut(name, ".")
		}
		return name
	}
	host, _, err := net.SplitHostPort(m.Addr)
	if err != nil {
		host = m.Addr
	}
	host, _, _ = strings.Cut(host, "%")
	return strings.TrimSuffix(host, ".")
}

// client is what connections to a server's members are opened with, and what tells it from another.
func (s *server) client() (*tls.Config, string) {
	t := s.secure
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: offerHTTP1, ServerName: s.serverName,
		RootCAs: t.roots, InsecureSkipVerify: t.insecure,
	}
	if t.h2 {
		// Without those that HTTP/2 prohibits (RFC 9113, section 9.2.2).
		cfg.NextProtos, cfg.CipherSuites = offerH2, profile.Find("intermediate").Suites
	}
	own := [sha256.Size]byte{}
	if t.identity != nil {
		cert := t.identity.Certificate()
		cfg.Certificates = []tls.Certificate{*cert}
		own = sha256.Sum256(cert.Leaf.Raw)
	}
	return cfg, fmt.Sprintf("%t %x %x %s", t.insecure, t.digest, own, s.serverName)
}

// secureMember publishes how TLS is spoken to a member, unless it is as before: then connections and sessions are
// kept. The lock is held.
func (r *Registry) secureMember(m *proxy.Member, s *server) {
	if s.secure == nil {
		return
	}
	cfg, mark := s.client()
	if r.secured[m] == mark && m.TLS() != nil {
		return
	}
	r.secured[m] = mark
	m.SetTLS(&tlsedge.Client{Config: cfg, Sessions: 1, KeyLog: r.keyLog})
}

// showNew has members shown the certificates that have taken the place of others.
func (r *Registry) showNew() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.pools {
		for i := range p.servers {
			s := &p.servers[i]
			for _, a := range s.addresses {
				r.secureMember(r.member(p.upstream, a, s), s)
			}
		}
	}
}

// speaksTLS reports whether TLS is spoken to an upstream.
func (r *Registry) speaksTLS() bool {
	for _, p := range r.pools {
		for i := range p.servers {
			if p.servers[i].secure != nil {
				return true
			}
		}
	}
	return false
}
