package generate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// Secure has connections speak TLS 1.3, and says what has to come of their handshakes.
type Secure struct {
	// Name is the server's name. Its certificate is not verified: the benchmark has made it itself.
	Name string
	// Group is the only key exchange that is offered.
	Group tls.CurveID
	// Resume has a connection resume the session of the one before it.
	Resume bool
}

// errNegotiated marks a handshake that has succeeded in another way than the one to be measured.
var errNegotiated = errors.New("the handshake was another one")

// forgetful is a cache of sessions that keeps none. With it a client takes tickets, as all do that people use, and makes
// full handshakes all the same; without a cache it would say that it wants no tickets, and servers would save the work.
type forgetful struct{}

func (forgetful) Get(string) (*tls.ClientSessionState, bool) { return nil, false }

func (forgetful) Put(string, *tls.ClientSessionState) {}

// config is the client's side, with a place for one session if sessions are to be resumed.
func (s *Secure) config() *tls.Config {
	config := &tls.Config{
		ServerName:         s.Name,
		InsecureSkipVerify: true,
		MinVersion:         tls.VersionTLS13,
		CurvePreferences:   []tls.CurveID{s.Group},
		ClientSessionCache: forgetful{},
	}
	if s.Resume {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	return config
}

// over begins TLS on a connection and makes a full handshake. Without TLS it returns the connection itself.
func (s *Secure) over(connection net.Conn) (net.Conn, error) {
	if s == nil {
		return connection, nil
	}
	return s.handshake(connection, s.config(), false)
}

func (s *Secure) handshake(connection net.Conn, config *tls.Config, resumed bool) (*tls.Conn, error) {
	client := tls.Client(connection, config)
	if err := client.Handshake(); err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	switch state := client.ConnectionState(); {
	case state.CurveID != s.Group:
		return nil, fmt.Errorf("%w: the group is %v, not %v", errNegotiated, state.CurveID, s.Group)
	case state.DidResume != resumed:
		return nil, fmt.Errorf("%w: resumed is %t, not %t", errNegotiated, state.DidResume, resumed)
	}
	return client, nil
}
