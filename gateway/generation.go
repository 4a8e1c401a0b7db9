package gateway

import (
	"time"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/static"
)

// Generation is one compiled configuration as the shards see it: immutable,
// shared by all of them, replaced as a whole. An exchange keeps the one it
// began with.
type Generation struct {
	Table    *route.Table
	Routes   []Route // by the values of Table
	Settings Settings
}

// Route is a compiled route. Which fields are set depends on Action.
type Route struct {
	// Name is the route's head as written, for logs.
	Name   string
	Action route.Kind

	Fixed    *Fixed         // Fixed
	Status   int            // Redirect, Echo
	Location route.Location // Redirect
	Site     *static.Site   // Static
	Proxy    *proxy.Plan    // Proxy
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

	// AccessLog is the form of the access log.
	AccessLog LogFormat
}

// LogFormat is the form of an access log line.
type LogFormat uint8

// The forms.
const (
	LogOff LogFormat = iota
	LogText
	LogJSON
)
