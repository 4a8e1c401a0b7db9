package tlsedge

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"io"
	"strconv"
)

// serverConfigs are a shard's copies of a Server's configurations: with the shard's
// functions, because those need to know which handshake they are called for.
type serverConfigs struct {
	server *Server
	own    *tls.Config
	named  []*tls.Config // by the index of Names
	keys   *[][32]byte   // of tickets, as they were set last
}

// serverConfig is the configuration for a handshake that begins.
func (e *Edge) serverConfig(s *Server) *tls.Config {
	sc := e.servers[s]
	if sc == nil {
		if len(e.servers) >= configsMost {
			clear(e.servers)
		}
		sc = e.newServerConfigs(s)
		e.servers[s] = sc
	}
	if keys := s.Tickets.Current(); keys != sc.keys && keys != nil {
		sc.keys = keys
		sc.own.SetSessionTicketKeys(*keys)
		for _, c := range sc.named {
			c.SetSessionTicketKeys(*keys)
		}
	}
	return sc.own
}

func (e *Edge) newServerConfigs(s *Server) *serverConfigs {
	sc := &serverConfigs{server: s, own: e.copyTerms(s, &s.Terms)}
	if s.Names == nil {
		return sc
	}
	for i := range s.Names.Terms {
		sc.named = append(sc.named, e.copyTerms(s, &s.Names.Terms[i]))
	}
	sc.own.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		i := s.Names.Index(hello.ServerName)
		if e.running.config = i; i < 0 {
			return nil, nil
		}
		return sc.named[i], nil
	}
	return sc
}

// copyTerms is a shard's copy of terms.
func (e *Edge) copyTerms(s *Server, terms *Terms) *tls.Config {
	c := terms.Config.Clone()
	c.Certificates, c.GetConfigForClient = nil, nil
	// Of all the records that crypto/tls writes, those of content are cut to size
	// before they come to it.
	c.DynamicRecordSizingDisabled = true
	c.KeyLogWriter = keyLog{e, s.KeyLog}
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := s.Certificates.Choose(hello)
		if cert == nil || err != nil {
			e.running.refused = nameRefused(hello.ServerName)
			return nil, err
		}
		return e.withSigner(cert), nil
	}
	if s.Tickets == nil {
		c.SessionTicketsDisabled = true
		return c
	}
	c.SessionTicketsDisabled = false
	c.WrapSession = func(st tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, terms.Tag)
		ticket, err := c.EncryptTicket(st, session)
		e.running.tickets++
		if len(ticket) > ticketMost {
			e.running.long = true
		}
		return ticket, err
	}
	c.UnwrapSession = func(ticket []byte, st tls.ConnectionState) (*tls.SessionState, error) {
		session, err := c.DecryptTicket(ticket, st)
		if session == nil || err != nil {
			return nil, err
		}
		// Without a full handshake nobody would look at the name, or ask for a
		// certificate.
		if n := len(session.Extra); n == 0 || !bytes.Equal(session.Extra[n-1], terms.Tag) || s.Certificates.Refuses(st.ServerName) {
			return nil, nil
		}
		return session, nil
	}
	return c
}

// nameRefused is why a client is shown no certificate: nobody has one for the name that
// it asks for.
type nameRefused string

func (n nameRefused) Error() string {
	if n == "" {
		return "there is no certificate for clients that ask for no name"
	}
	return "there is no certificate for the name " + strconv.Quote(string(n[:min(len(n), maxHost)]))
}

// withSigner is a certificate whose key signs on a worker, if it takes long.
func (e *Edge) withSigner(cert *tls.Certificate) *tls.Certificate {
	key, ok := cert.PrivateKey.(crypto.Signer)
	if e.workers == nil || !ok || quick(key) {
		return cert
	}
	if c := e.keys[cert]; c != nil {
		return c
	}
	if len(e.keys) >= keysMost {
		clear(e.keys)
	}
	c := *cert
	c.PrivateKey = &signer{edge: e, key: key}
	e.keys[cert] = &c
	return &c
}

// keyLog takes the secrets of the handshake in progress from crypto/tls.
type keyLog struct {
	edge *Edge
	also io.Writer
}

func (k keyLog) Write(line []byte) (int, error) {
	if f := k.edge.running; f != nil {
		f.secrets.read(line)
	}
	if k.also != nil {
		// A log that fails is no reason to end connections.
		_, _ = k.also.Write(line)
	}
	return len(line), nil
}
