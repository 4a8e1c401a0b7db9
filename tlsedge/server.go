package tlsedge

import (
	"crypto/tls"
	"io"
	"time"
)

// Server is what the TLS of a listening address is: made by the control plane,
// immutable, and shared by all shards. What changes while it serves, its
// certificates and the keys of its tickets, changes inside Certificates and
// Tickets, by pointers that are replaced as a whole.
type Server struct {
	// Terms are what clients are offered and asked for.
	Terms

	// Names are other terms for some of the names that clients ask for; nil has
	// the same for all.
	Names *Names

	// Certificates are chosen by what the client says.
	Certificates *Store

	// Tickets are the keys of session tickets; nil gives none out.
	Tickets *TicketKeys

	// Handshake bounds the time from the first byte to the end of a handshake.
	Handshake time.Duration

	// Kernel makes the records of connections, where it can; nil has all of them made
	// here.
	Kernel *Kernel

	// KeyLog takes the secrets of connections, for debugging; nil almost always.
	KeyLog io.Writer
}

// Terms are what clients are offered and asked for.
type Terms struct {
	// Config has MinVersion, MaxVersion, CipherSuites, CurvePreferences, NextProtos,
	// ClientAuth, ClientCAs and EncryptedClientHelloKeys. Each shard works with
	// a copy, to which it adds what chooses certificates, wraps tickets, and takes
	// the secrets; all else is left as it is.
	Config *tls.Config

	// Tag tells the terms apart in session tickets: one that was given out under
	// other terms, of which client certificates are trusted say, is not resumed. It
	// is the same wherever the terms are the same, on all machines of a fleet.
	Tag []byte
}
