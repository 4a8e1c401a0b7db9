package control

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/certificates"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/tlsedge"
	"github.com/anygate/anygate/tlsedge/certificate"
	"github.com/anygate/anygate/tlsedge/profile"
)

// authorities reads a file of those who vouch for clients, once for all that name it.
func (c *compiler) authorities(name string) (*trusted, error) {
	if t := c.trusted[name]; t != nil {
		return t, nil
	}
	list, err := c.trust.Clients(c.path(name), name)
	if err != nil {
		return nil, err
	}
	t := &trusted{list: list, forRoutes: &tlsedge.Authorities{Pool: list.Pool}}
	if c.trusted == nil {
		c.trusted = make(map[string]*trusted)
	}
	c.trusted[name] = t
	return t, nil
}

// trusted is a file of authorities.
type trusted struct {
	list      *certificate.Authorities
	forRoutes *tlsedge.Authorities
}

// clients fills in who vouches for the clients of a route.
func (c *compiler) clients(r *config.Route, out *gateway.Route) error {
	for _, p := range r.Policies {
		m, ok := p.(policy.MTLS)
		if !ok {
			continue
		}
		t, err := c.authorities(m.File)
		if err != nil {
			return err
		}
		out.Clients = t.forRoutes
		c.certified = append(c.certified, certifiedHost{r.Head.Host, t.list})
	}
	return nil
}

// certifiedHost is a host some routes of which want certificates of clients.
type certifiedHost struct {
	host string
	by   *certificate.Authorities
}

// tls opens the certificates and makes the TLS of all listeners. It comes after the routes, whose policies say where
// clients are asked for certificates.
func (c *compiler) tls(s *gateway.Settings) error {
	t := c.cfg.TLS
	secure := slices.ContainsFunc(c.cfg.Listen, func(ln config.Listener) bool { return ln.TLS })
	if t == nil || !secure {
		return nil
	}
	set, err := certificates.Open(certificates.Options{Config: t, ReadFile: c.cfg.ReadFile, Previous: c.reg.certificates})
	if err != nil {
		return err
	}
	c.certificates = set
	s.HSTS = hstsLine(t.HSTS)
	s.OwnCertificates = true
	var errs []error
	for i, ln := range c.cfg.Listen {
		if ln.TLS {
			server, err := c.server(t, &ln, set)
			errs = append(errs, err)
			s.Listeners[i].TLS = server
		}
	}
	return errors.Join(errs...)
}

// server makes the TLS of one listener.
func (c *compiler) server(t *config.TLS, ln *config.Listener, set *certificates.Set) (*tlsedge.Server, error) {
	base := baseConfig(t, c.cfg.Server.H2.On)
	base.GetEncryptedClientHelloKeys = set.ECH()
	var rules []rule
	for i := range t.Clients {
		cl := &t.Clients[i]
		if cl.Listen != "" && cl.Listen != ln.Address() {
			continue
		}
		by, err := c.authorities(cl.CA.Path)
		if err != nil {
			return nil, at(cl.CA.Pos, err)
		}
		rules = append(rules, rule{cl, by.list})
	}
	// What is said of this address goes before what is said of all.
	slices.SortStableFunc(rules, func(a, b rule) int { return len(b.clients.Listen) - len(a.clients.Listen) })
	server := &tlsedge.Server{
		Terms:        c.terms(base, rules, ""),
		Certificates: set.Store(),
		Tickets:      set.Tickets(),
		Handshake:    c.cfg.Server.Timeouts.Header,
		KeyLog:       c.reg.keyLog,
	}
	if t.KTLS {
		server.Kernel = c.records()
	}
	names := &tlsedge.Names{}
	for _, name := range c.namedScopes(rules) {
		if names.Add(name, len(names.Terms)) {
			names.Terms = append(names.Terms, c.terms(base, rules, name))
		}
	}
	if len(names.Terms) > 0 {
		server.Names = names
	}
	return server, nil
}

// baseConfig is what all clients are offered. Of the protocols the first that a client
// speaks is taken.
func baseConfig(t *config.TLS, h2 bool) *tls.Config {
	p := profile.Find(t.Profile)
	out := &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		CipherSuites: p.Suites, CurvePreferences: p.Groups,
	}
	if h2 {
		out.NextProtos = []string{"h2", "http/1.1"}
	}
	if t.Minimum == "1.3" {
		out.MinVersion = tls.VersionTLS13
	}
	if len(t.Ciphers) > 0 {
		out.CipherSuites = nil
		for _, name := range t.Ciphers {
			out.CipherSuites = append(out.CipherSuites, profile.FindSuite(name).ID)
		}
	}
	if len(t.Groups) > 0 {
		out.CurvePreferences = nil
		for _, name := range t.Groups {
			out.CurvePreferences = append(out.CurvePreferences, profile.FindGroup(name).ID)
		}
	}
	return out
}

// rule is an entry of `clients` with its authorities.
type rule struct {
	clients *config.Clients
	by      *certificate.Authorities
}

// namedScopes are the names for which the terms may differ from those of the others.
func (c *compiler) namedScopes(rules []rule) (names []string) {
	for _, r := range rules {
		names = append(names, r.clients.Names...)
	}
	for _, h := range c.certified {
		if h.host != "" {
			names = append(names, h.host)
		}
	}
	return names
}

// terms are what clients are asked for that ask for a name, or for one that a pattern stands for; those of all other
// clients for no name.
func (c *compiler) terms(base *tls.Config, rules []rule, name string) tlsedge.Terms {
	own := base.Clone()
	tag := sha256.New()
	applied := ruleFor(rules, name)
	switch {
	case applied != nil:
		own.ClientCAs, own.ClientAuth = applied.by.Pool, tls.VerifyClientCertIfGiven
		if applied.clients.Require {
			own.ClientAuth = tls.RequireAndVerifyClientCert
		}
		tag.Write(applied.by.Digest[:])
	default:
		// Some routes want a certificate, and others have to be reached without: it is asked for here, and verified
		// when it matters. The names of the authorities help clients to choose the right one.
		var hints []*certificate.Authorities
		for _, h := range c.certified {
			if (h.host == "" || covers(h.host, name)) && !slices.Contains(hints, h.by) {
				hints = append(hints, h.by)
			}
		}
		if len(hints) == 0 {
			break
		}
		own.ClientAuth, own.ClientCAs = tls.RequestClientCert, x509.NewCertPool()
		slices.SortFunc(hints, func(a, b *certificate.Authorities) int { return slices.Compare(a.Digest[:], b.Digest[:]) })
		for _, h := range hints {
			tag.Write(h.Digest[:])
			for _, authority := range h.List {
				own.ClientCAs.AddCert(authority)
			}
		}
	}
	tag.Write([]byte{byte(own.ClientAuth)})
	return tlsedge.Terms{Config: own, Tag: tag.Sum(nil)[:16]}
}

// ruleFor is the rule for a name or pattern: the one that names it most exactly, nil for none.
func ruleFor(rules []rule, name string) (best *rule) {
	exact := -1
	for i := range rules {
		r := &rules[i]
		if len(r.clients.Names) == 0 && exact < 0 {
			best, exact = r, 0
		}
		for _, pattern := range r.clients.Names {
			if name != "" && covers(pattern, name) && len(pattern) > exact {
				best, exact = r, len(pattern)
			}
		}
	}
	return best
}

// covers reports whether a pattern stands for a name, or for all that another pattern stands for.
func covers(pattern, name string) bool {
	if pattern == name {
		return true
	}
	suffix, ok := strings.CutPrefix(pattern, "*")
	return ok && len(name) > len(suffix) && strings.HasSuffix(name, suffix)
}

// hstsLine is the line of Strict-Transport-Security (RFC 6797, section 6.1).
func hstsLine(h *config.HSTS) []byte {
	if h == nil {
		return nil
	}
	line := "Strict-Transport-Security: max-age=" + strconv.FormatInt(int64(h.MaxAge/time.Second), 10)
	if h.Subdomains {
		line += "; includeSubDomains"
	}
	if h.Preload {
		line += "; preload"
	}
	return []byte(line + "\r\n")
}

// openKeyLog opens the file that takes secrets. Nobody else may read it, and what is in it already stays: programs that
// read such files follow them.
func (s *Server) openKeyLog(name string) error {
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write the secrets of TLS connections: %w", err)
	}
	s.keyLog, s.registry.keyLog = f, f
	return nil
}

// openSigners starts what makes signatures, and verifies certificates, that would keep a shard busy for too long.
func (s *Server) openSigners() (err error) {
	// A configuration that is loaded later may be the first that has certificates.
	if s.registry.certificates != nil || s.registry.speaksTLS() || s.opt.Load != nil {
		s.signers, err = tlsedge.NewWorkers(s.size.shards, s.size.shards)
	}
	return err
}

// closeTLS ends what keeps certificates up to date and makes signatures, when no shard is left.
func (s *Server) closeTLS() {
	if s.registry != nil {
		if set := s.registry.set(); set != nil {
			set.Close()
		}
	}
	if s.registry != nil && s.registry.identities != nil {
		s.registry.identities.Close()
	}
	if s.signers != nil {
		s.signers.Close()
	}
	if s.keyLog != nil {
		_ = s.keyLog.Close()
	}
}

// Certificates tells of the certificates that are served, for metrics.
func (s *Server) Certificates() []certificates.Status {
	if set := s.registry.set(); set != nil {
		return set.Status()
	}
	return nil
}

// redirects fills in the port to which clients are sent that should come over TLS: that of the first listener which speaks
// it. bound are the addresses as they were bound.
func redirects(listeners []config.Listener, bound []string, out []gateway.Listener) error {
	port := uint16(443)
	for i, ln := range listeners {
		if !ln.TLS || ln.Network != "tcp" {
			continue
		}
		_, text, err := net.SplitHostPort(bound[i])
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return fmt.Errorf("the port of %s: %w", bound[i], err)
		}
		port = uint16(n)
		break
	}
	for i, ln := range listeners {
		if ln.Redirect {
			out[i].Redirect = port
		}
	}
	return nil
}
