package proxy

import (
	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
)

// Failure is why an upstream gave no (whole) response. Its text is the stable
// code of logs and metrics; clients see the status only.
type Failure uint8

// The failures.
const (
	ConnectRefused     Failure = iota + 1 // the last member that was tried refused to be connected to
	ConnectUnreachable                    // there is no way to it
	ConnectReset                          // it reset the connection before it stood
	ConnectTimeout                        // nor within the connect timeout
	ConnectFailed                         // it could not be connected to for another reason
	TLSHandshake                          // it stands, and no agreement on TLS was reached
	TLSCertificate                        // its certificate is not one for its name, or from nobody who is trusted
	NoMembers                             // the upstream has no member that is available
	CircuitOpen                           // the breaker lets no request through
	QueueFull                             // the upstream's limits are reached, and no more requests may wait
	QueueTimeout                          // the request has waited too long
	FirstByteTimeout                      // the response did not begin in time
	PerTryTimeout                         // nor within the time of one attempt
	IdleTimeout                           // content stopped coming, or being taken
	UpstreamClosed                        // the connection ended before the response began
	UpstreamReset                         // the connection was reset before the response began
	BadResponse                           // the response breaks HTTP's rules
	BadFraming                            // its length can be understood in two ways, or not at all
	ResponseTooLarge                      // its head is over the limits
	InterimFlood                          // there are too many interim responses
	Truncated                             // the response ended before its content did
	Refused                               // the members that were tried refused the request unseen
	GRPCDeadline                          // the client's deadline has passed
	TunnelIdle                            // nothing has moved in a tunnel for too long
	TLSBusy                               // too many handshakes wait for signatures or verifications
	NoBuffers                             // the shard is out of buffers
	NoConnections                         // the shard is out of connections or descriptors
	HeadTooLarge                          // the request's head, as it would be sent on, fits no buffer

	numFailures
)

var failures = [numFailures]struct {
	code   string
	status int
	fault  bool // of the member that was asked
}{
	ConnectRefused:     {"connect_refused", 502, true},
	ConnectUnreachable: {"connect_unreachable", 502, true},
	ConnectReset:       {"connect_reset", 502, true},
	ConnectTimeout:     {"connect_timeout", 504, true},
	ConnectFailed:      {"connect_failed", 502, true},
	TLSHandshake:       {"tls_handshake", 502, true},
	TLSCertificate:     {"tls_certificate", 502, true},
	NoMembers:          {"no_members", 503, false},
	CircuitOpen:        {"breaker_open", 503, false},
	QueueFull:          {"queue_full", 503, false},
	QueueTimeout:       {"queue_timeout", 503, false},
	FirstByteTimeout:   {"first_byte_timeout", 504, true},
	PerTryTimeout:      {"per_try_timeout", 504, true},
	IdleTimeout:        {"upstream_idle_timeout", 504, true},
	UpstreamClosed:     {"upstream_closed", 502, true},
	UpstreamReset:      {"upstream_reset", 502, true},
	BadResponse:        {"bad_response", 502, true},
	BadFraming:         {"bad_framing", 502, true},
	ResponseTooLarge:   {"response_head_too_large", 502, true},
	InterimFlood:       {"interim_flood", 502, true},
	Truncated:          {"truncated_response", 502, true},
	Refused:            {"upstream_refused", 503, true},
	GRPCDeadline:       {"grpc_deadline", 504, false},
	TunnelIdle:         {"tunnel_idle", 504, false},
	TLSBusy:            {"tls_busy", 503, false},
	NoBuffers:          {"no_buffers", 503, false},
	NoConnections:      {"no_connections", 503, false},
	HeadTooLarge:       {"head_too_large", 431, false},
}

// String is the failure's code.
func (f Failure) String() string { return failures[f].code }

// Status is what the client gets if nothing has been sent to it yet.
func (f Failure) Status() int { return failures[f].status }

// Fault reports whether the member that was asked is to blame.
func (f Failure) Fault() bool { return failures[f].fault }

// Failures is how many there are, counted from 1.
const Failures = int(numFailures) - 1

// connectFailure says what an error of connect(2) means.
func connectFailure(e engine.Errno) Failure {
	switch e {
	case unix.ECONNREFUSED, unix.ENOENT:
		// A unix socket that nobody has made is refused in that manner.
		return ConnectRefused
	case unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EHOSTDOWN, unix.ENETDOWN, unix.EADDRNOTAVAIL:
		return ConnectUnreachable
	case unix.ECONNRESET, unix.ECONNABORTED, unix.EPIPE:
		return ConnectReset
	case unix.ETIMEDOUT:
		return ConnectTimeout
	}
	return ConnectFailed
}

// responseFailure says what is wrong with a response that breaks the rules.
func responseFailure(e http1.Error) Failure {
	switch e {
	case http1.ErrBadContentLength, http1.ErrRepeatedLength, http1.ErrBadTransferCoding, http1.ErrFramingConflict,
		http1.ErrBadChunkSize, http1.ErrBadChunkExtension, http1.ErrChunkLineTooLong, http1.ErrBadChunkEnd:
		return BadFraming
	case http1.ErrHeadTooLarge, http1.ErrTooManyFields, http1.ErrTrailerTooLarge:
		return ResponseTooLarge
	}
	return BadResponse
}
