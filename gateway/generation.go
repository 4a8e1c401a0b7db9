package gateway

import (
	"time"

	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/limiter"
	"github.com/anygate/anygate/policy/privacypass"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/static"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge"
)

// Generation is one compiled configuration as the shards see it: immutable,
// shared by all of them, replaced as a whole. An exchange keeps the one it
// began with.
type Generation struct {
	Table    *route.Table
	Routes   []Route // by the values of Table
	Settings Settings
	// Errors are the pages for requests that no route matches, nil if there
	// are none.
	Errors *ErrorPages
}

// finds reports whether a route matches.
func (g *Generation) finds(method, host, path []byte, m *route.Match) bool {
	return g.Table.Match(method, host, path, m) == route.Found
}

// plans goes through the plans of all routes.
func (g *Generation) plans(yield func(*proxy.Plan) bool) {
	for i := range g.Routes {
		if p := g.Routes[i].Proxy; p != nil && !yield(p) {
			return
		}
	}
}

// Route is a compiled route. Which fields are set depends on Action.
type Route struct {
	// Name is the route's head as written, for logs.
	Name string
	// Series is where the route is counted: FirstSeries or behind it, always the
	// same for the same head, or SeriesOther.
	Series uint32
	Action route.Kind
	// Errors are the pages for errors, those of the generation included.
	Errors *ErrorPages
	// Clients vouch for those that may use the route; nil admits all.
	Clients *tlsedge.Authorities
	// Token is what a request has to redeem; nil asks for nothing.
	Token *privacypass.Policy
	// Policies are nil if there are none.
	Policies *Policies

	Fixed    *Fixed         // Fixed
	Status   int            // Redirect, Echo
	Location route.Location // Redirect
	Site     *static.Site   // Static
	Proxy    *proxy.Plan    // Proxy
	// Lines come in place of those that the edits of Proxy add to requests; nil
	// if there are no variables in any.
	Lines *FieldLines
}

// Settings are what concerns every client connection.
type Settings struct {
	// HTTP bounds the heads of requests.
	HTTP http1.Limits
	// Body is the largest content of a request, in bytes; 0 is no limit.
	Body int64

	// Header bounds the time from the first byte of a request (or the start
	// of the connection) to the end of its head.
	Header time.Duration
	// BodyIdle and Write are the periods in which a client has to send, or
	// take, at least one byte, and at least as many as MinBody or MinWrite
	// bytes per second make.
	BodyIdle time.Duration
	Write    time.Duration
	MinBody  int64
	MinWrite int64
	// Idle bounds the time between two requests of a connection.
	Idle time.Duration

	// H2 is how HTTP/2 is spoken; nil for not at all.
	H2 *h2.Config

	// AccessLog is what the access log is like.
	AccessLog LogFormat
	// LogSlow is from which duration on an exchange is logged whatever share of
	// them is; 0 is never.
	LogSlow time.Duration
	// LogMask keeps credentials out of the log.
	LogMask *telemetry.Mask
	// LogFields are further fields that are logged, at most
	// telemetry.MaxLogFields.
	LogFields []LogField

	// LoopLatency is how long a turn of the loop may take before new requests
	// are turned away; 0 does not look.
	LoopLatency time.Duration
	// PerAddress counts the connections of each client address; nil does not.
	PerAddress *limiter.Tally

	// Trace says which requests are traced; nil for none.
	Trace *Tracing
	// Trust are the addresses whose word on who the client is counts.
	Trust Trust
	// HSTS is the line of Strict-Transport-Security (RFC 6797) that responses
	// over TLS have; nil for none.
	HSTS []byte
	// OwnCertificates says that no client's word on its certificate is passed on.
	OwnCertificates bool
	// Listeners are by the ids with which connections are announced.
	Listeners []Listener
}

// Listener is how the connections of one listening address are taken.
type Listener struct {
	// ProxyProtocol says that each begins with a PROXY header.
	ProxyProtocol bool
	// TLS is that of its connections, behind the PROXY header; nil for none.
	TLS *tlsedge.Server
	// Redirect is the port of https to which every request is sent, except those of
	// ACME's challenges; 0 for none.
	Redirect uint16
	// H2 says that they are of HTTP/2 only, and begin with its preface.
	H2 bool
}

// listener is the one with an id; one that the configuration does not have
// takes connections as they are.
func (s *Settings) listener(id int) *Listener {
	if id < 0 || id >= len(s.Listeners) {
		return &plainListener
	}
	return &s.Listeners[id]
}

var plainListener Listener

// LogFormat is the form of an access log line.
type LogFormat uint8

// The forms.
const (
	LogOff LogFormat = iota
	LogText
	LogJSON
	LogCombined
)
