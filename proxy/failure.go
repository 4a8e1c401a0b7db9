package proxy

// Failure is why an upstream gave no (whole) response. Its text is the stable
// code of logs and metrics; clients see the status only.
type Failure uint8

// The failures.
const (
	ConnectRefused   Failure = iota + 1 // no member could be connected to
	ConnectTimeout                      // nor within the connect timeout
	FirstByteTimeout                    // the response did not begin in time
	IdleTimeout                         // content stopped coming, or being taken
	UpstreamClosed                      // the connection ended before the response began
	UpstreamReset                       // the connection was reset before the response began
	BadResponse                         // the response breaks HTTP's rules
	Truncated                           // the response ended before its content did
	NoBuffers                           // the shard is out of buffers
	NoConnections                       // the shard is out of connections or descriptors
	HeadTooLarge                        // the request's head, as it would be sent on, fits no buffer
)

var failures = [...]struct {
	code   string
	status int
}{
	ConnectRefused:   {"connect_failed", 502},
	ConnectTimeout:   {"connect_timeout", 504},
	FirstByteTimeout: {"first_byte_timeout", 504},
	IdleTimeout:      {"upstream_idle_timeout", 504},
	UpstreamClosed:   {"upstream_closed", 502},
	UpstreamReset:    {"upstream_reset", 502},
	BadResponse:      {"bad_response", 502},
	Truncated:        {"truncated_response", 502},
	NoBuffers:        {"no_buffers", 503},
	NoConnections:    {"no_connections", 503},
	HeadTooLarge:     {"head_too_large", 431},
}

// String is the failure's code.
func (f Failure) String() string { return failures[f].code }

// Status is what the client gets if nothing has been sent to it yet.
func (f Failure) Status() int { return failures[f].status }
