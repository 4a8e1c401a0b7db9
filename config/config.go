package config

import (
	"net/netip"
	"time"

	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/quantity"
	"github.com/anygate/anygate/route"
)

// Config is one validated configuration. It is built once, by Load, Parse, ForDirectory or ForUpstream, and never
// changed afterwards, so that any number of goroutines may read it without synchronisation.
//
// A Config that came with diagnostics holds what could be understood, for listing only: it must not be served.
type Config struct {
	// Path is the name of the main file as given to Load or Parse; empty for ForDirectory and ForUpstream.
	Path string
	// BaseDir is the directory that relative paths of the main file start from.
	BaseDir string
	// Files are the names of all files read, the main file first, then the included ones in order.
	Files []string

	Listen []Listener
	// Upstreams are the named pools in the order of the file, followed by one unnamed pool for every address that a
	// route names directly. Routes that name the same address share a pool, and with it idle connections.
	Upstreams []Upstream
	// Routes are in the order of the file. The order has no meaning: priority is fixed by the heads.
	Routes []Route
	// Pool is how pools are used that say nothing themselves, and so are the routes that name several upstreams.
	Pool Pool
	// Errors are the pages of the file, for requests that no route matches.
	Errors Errors
	// Table is the compiled matcher; its values are indices into Routes.
	Table *route.Table

	Server Server
	Log    Log
	// TLS, Admin and Trace are nil for a configuration without the section.
	TLS   *TLS
	Admin *Admin
	Trace *Trace

	// Warnings are what can be served as it stands, and is probably not meant.
	Warnings Diagnostics

	// environment are the values of variables that the files refer to.
	environment []string

	// readFile is Options.ReadFile.
	readFile func(path string) ([]byte, error)
}

// Pos is a place in a configuration file. Line and Col count from 1, Col in characters. The zero Pos is no place.
type Pos struct {
	File string
	Line int
	Col  int
}

// Listener is an address to accept connections on.
type Listener struct {
	// Network is "tcp" or "unix".
	Network string
	// Addr is ":PORT" or "IP:PORT" for tcp (every address family when there is no IP), a socket path for unix;
	// a path that starts with '@' is an abstract socket.
	Addr          string
	TLS           bool
	ProxyProtocol bool
	// Redirect sends clients to the same place over TLS.
	Redirect bool
	// H2C says that only HTTP/2 without TLS is spoken there.
	H2C bool
	Pos Pos
}

// Route is one entry of `routes` with everything that defaults and groups add to it.
type Route struct {
	Head   route.Head
	Action route.Action
	// Group is the name of the group the route stands in, or empty.
	Group string
	// Policies are the effective ones, most specific setting of each, without balance and retry.
	Policies []policy.Policy
	// Errors are the effective pages for errors.
	Errors Errors

	// Targets is set for a proxy action: one per URI, taken in turn by the way to balance.
	Targets  []Target
	Timeouts Timeouts
	Balance  policy.Balance
	Retry    Retry
	// Upgrade says that clients may switch to another protocol.
	Upgrade bool
	// OwnHealth and OwnBreaker say that Health and Breaker stand for those of the pool.
	OwnHealth, OwnBreaker bool
	Health                *Health
	Breaker               *Breaker

	// Static is set for a static action.
	Static Static

	// Location is set for a redirect action.
	Location route.Location

	Pos Pos
}

// Target is one URI of a proxy action, resolved to a pool.
type Target struct {
	route.Target
	// Upstream is the index of the pool in Config.Upstreams.
	Upstream int
	// Rewrite makes the request path for this target.
	Rewrite route.Rewrite
}

// Timeouts bound the waiting for an upstream.
type Timeouts struct {
	// Connect bounds the time until a connection stands.
	Connect time.Duration
	// FirstByte bounds the time from the end of the request to the first byte of the response.
	FirstByte time.Duration
	// Idle bounds the time between two reads or two writes of a body.
	Idle time.Duration
	// Tunnel bounds the time in which neither side of a tunnel sends anything.
	Tunnel time.Duration
}

// Server holds what concerns the process and every connection.
type Server struct {
	// Engine is "auto", "io_uring" or "epoll".
	Engine string
	// Shards is the number of event loops; 0 means one per usable core.
	Shards int
	// Spin is for how long an event loop may look again before it sleeps; 0 for not at all.
	Spin     time.Duration
	Limits   Limits
	Timeouts ServerTimeouts
	MinRate  MinRate
	H2       H2
	// Trust are the addresses whose word on who the client is counts.
	Trust []netip.Prefix
	// User is the account that the process goes on as; its Name is empty for no other.
	User     User
	Landlock Landlock
}

// Limits bound what a peer may make the server hold.
type Limits struct {
	// RequestLine is the longest request line in bytes; beyond it 414.
	RequestLine int
	// HeadBytes is the longest request head in bytes, request line included; beyond it 431.
	HeadBytes int
	// Fields is the largest number of header fields; beyond it 431.
	Fields int
	// Body is the largest request body in bytes, 0 for no limit; beyond it 413.
	Body int64
	// Connections is the largest number of client connections, 0 for what the descriptor limit allows.
	Connections int
	// ConnectionsPerAddress is the same for one client address, 0 for no limit.
	ConnectionsPerAddress int
	// LoopLatency is how long a turn of a shard's loop may take before new requests are turned away, 0 for any time.
	LoopLatency time.Duration
	// BufferBytes is the memory of all buffers together, 0 for a share of what the machine or cgroup has.
	BufferBytes int64
	// FileBytes is the memory for small static files, 0 for a share of what the machine or cgroup has.
	FileBytes int64
}

// ServerTimeouts bound the waiting for a client.
type ServerTimeouts struct {
	// Header bounds the time from the first byte of a request to the end of its head.
	Header time.Duration
	// Body bounds the time between two reads of a request body.
	Body time.Duration
	// Idle bounds the time between two requests.
	Idle time.Duration
	// Write bounds the time between two writes of a response that make progress.
	Write time.Duration
	// Drain bounds the time that exchanges get to finish when the process ends.
	Drain time.Duration
}

// MinRate are rates in bytes per second below which a client is cut off, 0 for none.
type MinRate struct {
	// Body is for request bodies.
	Body int64
	// Write is for responses.
	Write int64
}

// Log says what is logged, and to where.
type Log struct {
	Access AccessLog
	// Level is the least severe level written to the error log: "error", "warn", "info" or "debug".
	Level string
	// To is where the error log goes; see AccessLog.To. It is never off.
	To string
	// Slow is from which duration on an exchange is logged whatever the sampling says; 0 is never.
	Slow time.Duration
	// Mask are names of query parameters, fields and cookies whose values are not logged, beside those that never are.
	Mask []string
}

// AccessLog says where the access log goes.
type AccessLog struct {
	// To is "off", "stdout", "stderr", the path of a file, "syslog" for the socket of this machine, "syslog:PATH" for
	// another one, or "syslog://HOST:PORT" (UDP) or "syslog+tcp://HOST:PORT". Paths start from BaseDir.
	To string
	// Format is "text", "json" or "combined".
	Format string
	// Fields are further fields of requests that are logged, in lower case.
	Fields []string
}

// Trace says where spans go, and of which requests.
type Trace struct {
	// Endpoint is the URI of a collector that takes OTLP over HTTP. Without a path it is that of the protocol's default.
	Endpoint string
	// Sample is the share of the traces begun here that is recorded.
	Sample quantity.Percent
	// Continue says whose traces are gone on with: "all", "trusted" or "none".
	Continue string
	// Service is the name of the service.
	Service string
	// Headers are fields of the requests to the collector.
	Headers []TraceHeader
	Pos     Pos
}

// TraceHeader is a field of requests to a collector.
type TraceHeader struct {
	Name, Value string
	// Variable is the reference from which Value was taken: ${NAME}; empty if it stands in the file.
	Variable string
}

// Named returns the index in Upstreams of the pool with that name.
func (c *Config) Named(name string) (int, bool) {
	for i := range c.Upstreams {
		if c.Upstreams[i].Named && c.Upstreams[i].Name == name {
			return i, true
		}
	}
	return 0, false
}
