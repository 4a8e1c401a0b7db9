package config

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/anygate/anygate/policy"
)

// The defaults of `server`.
const (
	defaultRequestLine = 8 << 10
	defaultHeadBytes   = 32 << 10
	defaultFields      = 100
	defaultLoopLatency = 500 * time.Millisecond

	defaultHeaderTimeout = 10 * time.Second
	defaultBodyTimeout   = 30 * time.Second
	defaultIdleTimeout   = 75 * time.Second
	defaultWriteTimeout  = 30 * time.Second
	defaultDrainTimeout  = 30 * time.Second

	// defaultMinRate is what Apache's mod_reqtimeout asks for: a fraction of the slowest modem, and far above what an
	// attack that wants to hold a connection spends on it.
	defaultMinRate = 500
)

func defaultServer() Server {
	return Server{
		Engine: "auto",
		Limits: Limits{RequestLine: defaultRequestLine, HeadBytes: defaultHeadBytes, Fields: defaultFields, LoopLatency: defaultLoopLatency},
		Timeouts: ServerTimeouts{
			Header: defaultHeaderTimeout, Body: defaultBodyTimeout, Idle: defaultIdleTimeout,
			Write: defaultWriteTimeout, Drain: defaultDrainTimeout,
		},
		MinRate:  MinRate{Body: defaultMinRate, Write: defaultMinRate},
		H2:       defaultH2(),
		Landlock: Landlock{Mode: "auto"},
	}
}

func (l *loader) readServer(_, value *node) {
	s := &l.cfg.Server
	l.fields(
		value, "server",
		field{"engine", func(_, v *node) { l.enum(v, "engine", &s.Engine, "auto", "io_uring", "epoll") }},
		field{"shards", func(_, v *node) { l.integerOr("auto", v, 1, maxShards, &s.Shards) }},
		field{"spin", func(_, v *node) { l.spin("off", v, minSpin, maxSpin, &s.Spin) }},
		field{"limits", func(_, v *node) { l.readLimits(v, &s.Limits) }},
		field{"timeouts", func(_, v *node) { l.readServerTimeouts(v, &s.Timeouts) }},
		field{"min-rate", func(_, v *node) { l.readMinRate(v, &s.MinRate) }},
		field{"h2", func(_, v *node) { l.h2Off = v; l.readH2(v, &s.H2) }},
		field{"trust", func(_, v *node) { l.readTrust(v, &s.Trust) }},
		field{"user", func(_, v *node) { l.readUser(v, &s.User) }},
		field{"landlock", func(_, v *node) { l.readLandlock(v, &s.Landlock) }},
		field{"chroot", l.refuse(textShape("a directory"))},
	)
}

// The bounds of server.spin. Shorter than the first it ends before it has begun, and longer than the second a client
// does not notice what a sleep would have cost.
const (
	minSpin = time.Microsecond
	maxSpin = time.Millisecond
)

// readTrust reads addresses and prefixes. A file that has some overrides those of the files that it includes.
func (l *loader) readTrust(v *node, into *[]netip.Prefix) {
	const want = "an address or prefix such as 10.0.0.0/8"
	var trust []netip.Prefix
	for _, item := range l.items(v) {
		s, ok := l.text(item, want)
		if !ok {
			continue
		}
		p, expected, suggest := policy.ParsePrefix(s)
		switch {
		case expected != "":
			l.errorAt(item, Diagnostic{Msg: strconv.Quote(s) + " is not an address or prefix", Want: expected, Suggest: suggest})
		case len(trust) == maxTrust:
			l.errorAt(item, Diagnostic{Msg: "more than " + strconv.Itoa(maxTrust) + " addresses are trusted", Want: "prefixes that hold more addresses"})
			return
		case !slices.Contains(trust, p):
			trust = append(trust, p)
			if p.Bits() == 0 {
				l.warn(item, Diagnostic{
					Msg:  "everybody is trusted to say who the client is: limits, allow, deny and logs go by what anybody makes up",
					Want: "the addresses of the proxies in front of this server",
				})
			}
		}
	}
	*into = trust
}

// maxHead is the largest head: together with what a proxy adds to it, it has to fit into one large buffer of the engine.
const maxHead = 56 << 10

// readLimits reads the limits. Their ranges keep a typing error from making the server useless or defenceless.
func (l *loader) readLimits(value *node, limits *Limits) {
	bytes := func(lo, hi int64, into *int) func(_, v *node) {
		return func(_, v *node) {
			size := int64(*into)
			l.size(v, lo, hi, &size)
			*into = int(size)
		}
	}
	l.fields(
		value, "server.limits",
		field{"request-line", bytes(64, maxHead, &limits.RequestLine)},
		field{"header-bytes", bytes(1<<10, maxHead, &limits.HeadBytes)},
		field{"header-fields", func(_, v *node) { l.integer(v, 1, 10_000, &limits.Fields) }},
		field{"body", func(_, v *node) { l.sizeOr("unlimited", v, 1, math.MaxInt64, &limits.Body) }},
		field{"connections", func(_, v *node) { l.integerOr("auto", v, 1, 1<<30, &limits.Connections) }},
		field{"connections-per-address", func(_, v *node) {
			l.integerOr("unlimited", v, 1, maxPerAddress, &limits.ConnectionsPerAddress)
		}},
		field{"loop-latency", func(_, v *node) { l.durationOr("off", v, minTimeout, &limits.LoopLatency) }},
		field{"buffers", func(_, v *node) { l.sizeOr("auto", v, 1<<20, math.MaxInt64, &limits.BufferBytes) }},
		field{"files", func(_, v *node) { l.sizeOr("auto", v, 1<<20, math.MaxInt64, &limits.FileBytes) }},
	)
	for _, name := range []string{"header-bytes", "request-line"} {
		if v := value.get(name); v != nil {
			l.headLimit = v
		}
	}
}

// finishServer checks what only all files together tell.
func (l *loader) finishServer() {
	limits := &l.cfg.Server.Limits
	if l.headLimit != nil && limits.RequestLine > limits.HeadBytes {
		l.errorAt(l.headLimit, Diagnostic{
			Msg: "the limit request-line is larger than header-bytes, which includes the request line", Want: "header-bytes of at least request-line",
		})
	}
	l.warnPreambles()
	l.warnRedirects()
	if l.h2Off == nil || l.cfg.Server.H2.On {
		return
	}
	for _, ln := range l.cfg.Listen {
		if ln.H2C {
			l.errorAt(l.h2Off, Diagnostic{
				Kind: KindConflict, Msg: "HTTP/2 is off, and " + ln.String() + " speaks nothing else", Want: "h2: on, or no h2c behind the address",
				Related: []Related{l.relatedPos(ln.Pos, "the address")},
			})
		}
	}
}

// warnPreambles warns of listeners on which everybody who reaches them can say who the client is. Who may connect to a unix
// socket is up to its permissions.
func (l *loader) warnPreambles() {
	if len(l.cfg.Server.Trust) > 0 {
		return
	}
	for i, ln := range l.cfg.Listen {
		if !ln.ProxyProtocol || ln.Network == "unix" {
			continue
		}
		item := l.tls.listeners[i]
		at, length := wordIn(item.text, "proxy-protocol")
		l.warnIn(item, at, length, Diagnostic{
			Msg:  "whoever can connect to " + ln.Addr + " can claim any address in a PROXY header, because nobody is named who may",
			Want: "server.trust with the addresses of the load balancers; others are refused then",
		})
	}
}

// warnRedirects warns of listeners that send their clients to TLS where this configuration does not speak it.
func (l *loader) warnRedirects() {
	if slices.ContainsFunc(l.cfg.Listen, func(ln Listener) bool { return ln.TLS && ln.Network == "tcp" }) {
		return
	}
	for i, ln := range l.cfg.Listen {
		if !ln.Redirect {
			continue
		}
		item := l.tls.listeners[i]
		at, length := wordIn(item.text, "redirect")
		l.warnIn(item, at, length, Diagnostic{
			Msg:  "no address in listen speaks TLS: clients are sent to port 443, to whoever answers there",
			Want: "an address such as \":443 tls\", unless another server has it",
		})
	}
}

// readServerTimeouts reads the timeouts. None may be zero: every state of a connection has a timer.
func (l *loader) readServerTimeouts(value *node, t *ServerTimeouts) {
	l.fields(
		value, "server.timeouts",
		field{"header", l.durationInto(&t.Header)},
		field{"body", l.durationInto(&t.Body)},
		field{"idle", l.durationInto(&t.Idle)},
		field{"write", l.durationInto(&t.Write)},
		field{"drain", l.durationInto(&t.Drain)},
	)
}

// minTimeout is the shortest timeout: the resolution of durations, and of the timer wheel.
const minTimeout = time.Millisecond

func (l *loader) durationInto(d *time.Duration) func(_, v *node) {
	return func(_, v *node) { l.duration(v, minTimeout, d) }
}

func (l *loader) readMinRate(value *node, r *MinRate) {
	l.fields(
		value, "server.min-rate",
		field{"body", func(_, v *node) { l.byteRateOr("off", v, &r.Body) }},
		field{"write", func(_, v *node) { l.byteRateOr("off", v, &r.Write) }},
	)
}
