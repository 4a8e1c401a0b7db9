package config

import (
	"net/netip"
	"time"

	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/quantity"
)

// Upstream is a pool of servers.
type Upstream struct {
	// Name is the pool's name in the file, or the address as a URI when Named is false.
	Name    string
	Named   bool
	Members []Member
	Pool
	// Own says that the pool has settings of its own beside its members and the way to balance.
	Own bool
	Pos Pos
}

// Pool is how a pool is used. What a file says of `health` and `breaker` in `proxy` is in it for every pool that has
// none of its own.
type Pool struct {
	// Balance is the pool's own way to balance, nil where it has none.
	Balance *policy.Balance
	// Health are the active checks, Passive is the ejection of members that fail requests, Breaker refuses requests
	// when too many fail. Each is nil where it is off.
	Health  *Health
	Passive *Passive
	Breaker *Breaker
	// Panic is the share of available members below which all are used; 0 is off.
	Panic quantity.Percent
	// SlowStart is the time in which a member that comes back gets its full share; 0 is off.
	SlowStart time.Duration
	Limits    PoolLimits
	KeepAlive KeepAlive
	Resolve   Resolve
	// TLS is how the members are spoken to, nil where only those are with https:// are, and with the defaults.
	TLS *UpstreamTLS
	// ProxyProtocol is the version of the PROXY protocol that connections begin with, 0 for none.
	ProxyProtocol int
	// Protocol is what is spoken with the members.
	Protocol Protocol
	// GRPCFailures are the statuses of gRPC that count as failures of a member, as bits.
	GRPCFailures uint32
}

// Member is one server of a pool.
type Member struct {
	// Scheme is "http" for a TCP address, "https" for one that speaks TLS in any case, "unix" for a socket path and "srv" for a name of SRV records.
	Scheme string
	// Addr is HOST:PORT (IPv6 hosts in brackets), the socket path, or the name.
	Addr   string
	Weight int
	// Backup says that the member is used only while no other one is available.
	Backup bool
	Pos    Pos
	// anyPort says that Addr has the usual port because none was given, plain that http:// stands before it.
	anyPort, plain bool
}

// UpstreamTLS is how TLS is spoken to the members of a pool.
type UpstreamTLS struct {
	// CA is the file of the authorities that vouch for the members, nil for those of the system.
	CA *File
	// Cert and Key are what this server shows when it is asked for a certificate, nil for nothing.
	Cert, Key *File
	// ServerName is the name that is asked for and verified, empty for that of each member.
	ServerName string
	// Insecure says that certificates are not verified.
	Insecure bool
}

// Health are active checks.
type Health struct {
	// Path is the request-target, Host the Host field; an empty Host is the member's address.
	Path string
	Host string
	// Every is the time between two checks of a member, give or take Jitter.
	Every   time.Duration
	Jitter  quantity.Percent
	Timeout time.Duration
	// Rise and Fall are how many checks in a row change what is thought of a member.
	Rise, Fall int
	// Status are the statuses that a member in health answers.
	Status []StatusRange
	// GRPC asks by gRPC's health protocol, for Service or, if it is empty, for the server as a whole; Path and Status
	// have no meaning then.
	GRPC    bool
	Service string
}

// StatusRange is the statuses from Low to High.
type StatusRange struct {
	Low, High int
}

// Passive is the ejection of members by what becomes of requests.
type Passive struct {
	// Errors is how many requests in a row fail; 0 is off.
	Errors int
	// Latency is the mean time to a response's head that is too long; 0 is off.
	Latency time.Duration
	// Eject is for how long a member is ejected the first time.
	Eject time.Duration
	// Max is the largest share of the members that is ejected.
	Max quantity.Percent
}

// Breaker refuses requests to a pool that fails.
type Breaker struct {
	// Errors is the share of failed requests within Window from which on the breaker opens, if there are at least Min.
	Errors quantity.Percent
	Window time.Duration
	Min    int
	// Open is how long it stays open.
	Open time.Duration
}

// PoolLimits bound what a pool is given by the process as a whole; 0 is no bound.
type PoolLimits struct {
	Connections int
	Requests    int
	// Queue is how many requests wait for one of the above, and Wait for how long. Where one of them is bounded, a
	// Queue of 0 lets none wait.
	Queue int
	Wait  time.Duration
}

// KeepAlive says how long connections to a member are kept.
type KeepAlive struct {
	// Idle bounds the time without a request.
	Idle time.Duration
	// Age bounds the time since the connection was established, Requests how many it carries; 0 is no bound.
	Age      time.Duration
	Requests int
	// Connections is how many idle ones each shard keeps to each member, Warm how many it opens beforehand.
	Connections int
	Warm        int
	// Streams is how many requests a connection of HTTP/2 carries at a time, and Ping after how long a silence it is
	// asked whether the member is still there; 0 is never.
	Streams int
	Ping    time.Duration
}

// Resolve says when names are looked up again, and by whom.
type Resolve struct {
	// Every is the time between two look-ups; 0 is the answer's TTL, within Min and Max.
	Every    time.Duration
	Min, Max time.Duration
	// Servers are asked in place of those of the system.
	Servers []netip.AddrPort
}

// Retry says what is sent again.
type Retry struct {
	// Attempts are those after the first.
	Attempts int
	// Connect, Reset and Timeout say whether a connection that could not be made, one that ended before the response
	// began, and a response that did not begin in time are occasions to try again.
	Connect, Reset, Timeout bool
	// Statuses are those of responses that are.
	Statuses []int
	// Budget is the share of the requests under way that may be repetitions.
	Budget quantity.Percent
	// PerTry bounds the time of one attempt; 0 is no bound beside the other timeouts.
	PerTry time.Duration
}

// Errors are the pages that stand for errors, of one level: a route, its group, or the file.
type Errors struct {
	// Pages are in the order of the file.
	Pages []ErrorPage
	// Intercept says whether what upstreams answer is replaced too; nil leaves it to the next level.
	Intercept *bool
}

// ErrorPage is the content for one status, or for a class of them.
type ErrorPage struct {
	// Status is from 400 to 599, or 4 or 5 for a class.
	Status int
	// File is the name of the file that holds the content, with relative ones joined to the directory of the
	// configuration, and Path what the configuration calls it. Without a file, the content is Body.
	File string
	Path string
	Body string
	// JSON says that Body is JSON.
	JSON bool
	Pos  Pos
}

// The defaults of a pool and of retries.
const (
	defaultHealthEvery   = 2 * time.Second
	defaultHealthTimeout = time.Second
	defaultHealthRise    = 2
	defaultHealthFall    = 3
	defaultJitter        = 10_000 // 10%

	defaultPassiveErrors = 5
	defaultEject         = 10 * time.Second
	defaultMaxEjected    = 50_000 // 50%

	defaultBreakerErrors = 50_000 // 50%
	defaultBreakerWindow = 10 * time.Second
	defaultBreakerMin    = 20
	defaultBreakerOpen   = 5 * time.Second

	// defaultPanic is none at all for a pool of up to ten members.
	defaultPanic = 10_000 // 10%

	defaultQueue = 1024
	defaultWait  = 5 * time.Second

	defaultKeepAliveIdle        = 60 * time.Second
	defaultKeepAliveConnections = 512
	defaultKeepAliveStreams     = 100

	defaultResolveMin = 5 * time.Second
	defaultResolveMax = 5 * time.Minute

	defaultBudget = 20_000 // 20%
)

func defaultPool() Pool {
	return Pool{
		Panic:     defaultPanic,
		KeepAlive: KeepAlive{Idle: defaultKeepAliveIdle, Connections: defaultKeepAliveConnections, Streams: defaultKeepAliveStreams},
		Resolve:   Resolve{Min: defaultResolveMin, Max: defaultResolveMax},

		GRPCFailures: 1 << grpcUnavailable,
	}
}

// defaultRetry has no attempts. What it says beside is what a number of attempts goes with.
func defaultRetry() Retry {
	return Retry{Connect: true, Reset: true, Timeout: true, Budget: defaultBudget}
}

// PoolOf returns how the upstream of a proxy route is used, and whether it is the pool that the route names, shared
// with other routes. A route that names several upstreams, or that has health checks or a breaker of its own, has a
// pool of its own.
func (c *Config) PoolOf(r *Route) (pool Pool, shared bool) {
	pool, shared = c.Pool, len(r.Targets) == 1 && !r.OwnHealth && !r.OwnBreaker
	if len(r.Targets) == 1 {
		pool = c.Upstreams[r.Targets[0].Upstream].Pool
	}
	// A route names only pools that speak the same protocol.
	pool.Protocol = c.Upstreams[r.Targets[0].Upstream].Protocol
	if r.OwnHealth {
		pool.Health = r.Health
	}
	if r.OwnBreaker {
		pool.Breaker = r.Breaker
	}
	return pool, shared
}
