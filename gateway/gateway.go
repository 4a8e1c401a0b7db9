package gateway

import (
	"sync/atomic"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/privacypass"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/proxy/proxyproto"
	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/static"
	"github.com/anygate/anygate/static/encoder"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge"
)

// Options describe the HTTP side of one shard.
type Options struct {
	// Generation is the current configuration, shared by all shards and read
	// once a turn.
	Generation *atomic.Pointer[Generation]
	Limits     engine.Limits
	ID, CPU    int
	Backend    engine.Kind
	Spin       time.Duration

	// Files is the process's cache of files, which all shards read, and Ask takes what this
	// one asks of it, or refuses it; Ask is called on the shard's thread.
	Files *static.Store
	Ask   func(*static.Ask) bool

	// ReadAhead has n bytes from off of a file read into memory, and then calls done with
	// token, which is for any goroutine, until it is true; or it refuses. It is called on the
	// shard's thread. Without it, files that are not in memory make the shard wait.
	ReadAhead func(fd int32, off, n int64, token uint64, done func(token uint64) bool) bool

	// Background does work that may block, on no shard's thread, and then calls done
	// until it is true; work and done touch nothing of the shard's. It is called on the
	// shard's thread. Without it no directory is listed.
	Background func(work func(), done func() bool)

	// Jobs takes a job, or refuses it; it is called on the shard's thread. Without it
	// no token is verified.
	Jobs func(*Job) bool

	// Signers make the signatures of handshakes that take long; nil leaves them to
	// the shard.
	Signers *tlsedge.Workers

	// Access and Errors take log lines, and Spans takes spans; nil takes none.
	Access, Errors *telemetry.Ring
	Spans          *telemetry.Ring
	ErrorLevel     telemetry.Level

	// Overload may be nil.
	Overload *Overload
}

// Gateway is the HTTP side of one shard. Its methods run on the shard's
// thread, except New, Run, Drain, Stop, Open and Files.
type Gateway struct {
	s       *engine.Shard
	id      int // of the shard
	current *atomic.Pointer[Generation]
	gen     *Generation
	known   *Generation // the one whose upstreams the proxy knows of
	proxy   *proxy.Proxy
	edge    *tlsedge.Edge
	files   *static.Cache

	clients []*clientBlock // by the connection's index
	h2      []*h2Conn      // likewise, of those that speak HTTP/2
	mux     h2Shared       // what these have in common
	spare   []*Exchange
	echoes  []*echo
	reading []*listing // directories that are being read
	waits   []*fileWait
	// spareWaits are those that nobody needs.
	spareWaits []*fileWait

	redeeming        []*redemption // tokens that are being verified
	spareRedemptions []*redemption

	// Scratch of the call in progress.
	req    http1.Request
	trail  http1.TrailerSection
	match  route.Match
	path   []byte
	block  []byte
	fields []byte
	list   []byte
	file   static.Answer
	head   Response
	token  privacypass.Token
	facts  Facts
	edits  http1.Edits

	// decorated is for the fields of a response whose route has policies.
	decorated []byte
	rules     ruleBook
	resuming  resuming
	coders    *encoder.Streams // nil before the first
	sink      sink

	preamble   proxyproto.Header
	store      *static.Store
	ask        func(*static.Ask) bool
	background func(work func(), done func() bool)
	jobs       func(*Job) bool
	signers    *tlsedge.Workers

	readAhead    func(fd int32, off, n int64, token uint64, done func(token uint64) bool) bool
	present      func(token uint64) bool
	absences     []absence
	freeAbsences []uint32

	date     [29]byte
	dateUnix int64
	draining bool

	access, errors *telemetry.Ring
	level          telemetry.Level
	spans          *telemetry.Ring
	logFields      []telemetry.LoggedField // scratch
	line           telemetry.Access
	traceLine      []byte
	span           telemetry.Span
	open           atomic.Int64
	count          counters
	grpc           grpcCounts

	overload       *Overload
	shedder        shedder
	places         []place    // by the connection's index
	weighed        []weighing // likewise
	turnedAway     atomic.Uint64
	refusedClients atomic.Uint64
}

// The kinds of connections, in their user values.
const (
	userClient = iota
	userUpstream
	userH2 // a client's that speaks HTTP/2
)

// The kinds of messages other goroutines post.
const (
	messageDrain = iota + 1
	messageStop
	messageListed   // Value is a *listing
	messageFile     // Value is a *static.Wait, Arg the entry that has come for it
	messageFarewell // Value is a *static.Farewell
	messagePresent  // Arg is an index into Gateway.absences
	messageAuth     // Value is an *authCheck
	messageRedeemed // Value is a *redemption
	messageSigned   // Value is tlsedge's
)

// New makes the HTTP side of a shard, and the shard.
func New(o Options) (*Gateway, error) {
	g := newGateway(o)
	s, err := engine.New(engine.Config{ID: o.ID, CPU: o.CPU, Limits: o.Limits, Backend: o.Backend, Spin: o.Spin}, g.Handler())
	if err != nil {
		return nil, err
	}
	if err := g.Attach(s); err != nil {
		return nil, err
	}
	return g, nil
}

func newGateway(o Options) *Gateway {
	g := &Gateway{
		id: o.ID, overload: o.Overload,
		current: o.Generation, gen: o.Generation.Load(),
		path:   make([]byte, 0, http1.MaxHeadBytes),
		block:  make([]byte, 0, 4096),
		fields: make([]byte, 0, 4096),

		spans: o.Spans, traceLine: make([]byte, 0, 96),
		logFields: make([]telemetry.LoggedField, 0, telemetry.MaxLogFields),
		access:    o.Access, errors: o.Errors, level: o.ErrorLevel,
		store: o.Files, ask: o.Ask, background: o.Background, readAhead: o.ReadAhead,
		jobs: o.Jobs, signers: o.Signers,
		count: counters{faults: new(reasonCounts), refusals: new(reasonCounts), failures: new(reasonCounts)},
	}
	g.prepareCounters(g.gen)
	return g
}

// Attach completes a Gateway with the shard that calls its Handler.
func (g *Gateway) Attach(s *engine.Shard) error {
	g.s = s
	g.proxy = proxy.New(s, userUpstream)
	g.proxy.Wake = g.wakeProxy
	g.edge = tlsedge.NewEdge(s, func(job any) bool {
		return s.Post(engine.Message{Kind: messageSigned, Value: job})
	}, g.signers)
	g.proxy.UseTLS(g.edge, g.tellUpstream)
	g.present = func(token uint64) bool { return s.Post(engine.Message{Kind: messagePresent, Arg: token}) }
	return g.openFiles()
}

// Shard is the shard that the gateway serves on.
func (g *Gateway) Shard() *engine.Shard { return g.s }

// Run serves on the calling goroutine until Stop; see engine.Shard.Run.
func (g *Gateway) Run(ready func(error)) {
	g.s.Run(ready)
	// The shard has given back what it was sending.
	g.files.Close()
}

// Drain makes the shard stop accepting, close idle connections, and close the
// others when their exchange ends. It reports false if the shard's inbox is
// full: then it is to be asked again. From any goroutine.
func (g *Gateway) Drain() bool { return g.s.Post(engine.Message{Kind: messageDrain}) }

// Stop ends Run, cutting off what is still under way, or reports false as Drain
// does. From any goroutine.
func (g *Gateway) Stop() bool { return g.s.Post(engine.Message{Kind: messageStop}) }

// Open is how many client connections there are. From any goroutine.
func (g *Gateway) Open() int64 { return g.open.Load() }

// Files is how many lookups of files the cache has answered, and how many had to wait for the
// file system, as of the last second. From any goroutine.
func (g *Gateway) Files() (hits, misses uint64) { return g.files.Readings() }

// Handler is what the shard calls.
func (g *Gateway) Handler() engine.Handler {
	h := engine.Handler{
		Accepted:  g.accepted,
		Received:  g.received,
		Piped:     g.piped,
		EOF:       g.eof,
		Connected: g.connected,
		Drained:   g.drained,
		Closed:    g.closed,
		Timer:     g.timer,
		Released:  func(token uint32) { g.files.ReleaseToken(token) },
		Message:   g.message,
		Alarm:     g.alarm,
		Turn:      g.turn,
		Tick:      g.tick,
		Stopped:   func() { g.edge.Stop() },
	}
	if g.readAhead != nil {
		h.Absent = g.absent
	}
	return h
}

func (g *Gateway) accepted(c engine.Conn, listener int) {
	g.newClient(c, listener)
	h, l := g.client(c), g.gen.Settings.listener(listener)
	switch {
	case l.ProxyProtocol:
		h.awaitPreamble(l.H2)
	case !h.admitAddress():
	case l.TLS != nil:
		h.beginTLS(l.TLS)
	case l.H2 && g.gen.Settings.H2 != nil:
		g.startH2(h).accept()
	}
}

// connected says that an upstream can be spoken to, or a client over TLS.
func (g *Gateway) connected(c engine.Conn) {
	if g.s.User(c) == userUpstream {
		g.proxy.Connected(c)
		return
	}
	g.client(c).secured()
}

func (g *Gateway) received(c engine.Conn, p []byte) {
	switch g.s.User(c) {
	case userClient:
		g.client(c).received(p)
	case userUpstream:
		g.proxy.Received(c, p)
	default:
		h := g.h2[c.Index()]
		h.under.bytesIn += uint64(len(p))
		h.received(p)
	}
}

func (g *Gateway) piped(c engine.Conn, n int) {
	switch g.s.User(c) {
	case userClient:
		g.client(c).piped(n)
	case userUpstream:
		g.proxy.Piped(c, n)
	}
}

func (g *Gateway) eof(c engine.Conn) {
	switch g.s.User(c) {
	case userClient:
		g.client(c).eof()
	case userUpstream:
		g.proxy.EOF(c)
	default:
		g.h2[c.Index()].eof()
	}
}

func (g *Gateway) drained(c engine.Conn) {
	switch g.s.User(c) {
	case userClient:
		g.client(c).drained()
	case userUpstream:
		g.proxy.Drained(c)
	default:
		g.h2[c.Index()].drained()
	}
}

// closed cannot ask for the connection's user value, because the connection is
// gone: it is a client's if that client's record bears its name.
func (g *Gateway) closed(c engine.Conn, why engine.Reason, e engine.Errno) {
	if i := c.Index() / clientsPerBlock; int(i) < len(g.clients) && g.clients[i] != nil {
		if h := g.client(c); h.conn == c {
			if h.flags.has(h1Switched) {
				g.h2[c.Index()].closed(why)
				return
			}
			h.closed(why)
			return
		}
	}
	g.proxy.Closed(c, why, e)
}

func (g *Gateway) timer(c engine.Conn) {
	switch g.s.User(c) {
	case userClient:
		g.client(c).timer()
	case userUpstream:
		g.proxy.Timer(c)
	default:
		g.h2[c.Index()].timer()
	}
}

func (g *Gateway) message(m engine.Message) {
	switch m.Kind {
	case messageDrain:
		g.drain()
	case messageStop:
		g.s.Stop()
	case messageListed:
		g.listed(m.Value.(*listing))
	case messageFile:
		g.fileCame(m.Value.(*static.Wait).Owner.(*fileWait), uint32(m.Arg))
	case messagePresent:
		g.isPresent(m.Arg)
	case messageFarewell:
		g.files.Pass(m.Value.(*static.Farewell))
	case messageSigned:
		g.edge.Signed(m.Value)
	case messageAuth:
		g.checked(m.Value.(*authCheck))
	case messageRedeemed:
		g.redeemed(m.Value.(*redemption))
	default:
		g.proxy.Message(m)
	}
}

// turn takes up a new generation.
func (g *Gateway) turn() {
	g.shedder.look(g.s.Now(), g.s.Lag(), g.gen.Settings.LoopLatency, g.s.Exhausted(), g.overload != nil && g.overload.memory.Load())
	gen := g.current.Load()
	if gen == g.known {
		return
	}
	g.gen, g.known = gen, gen
	g.prepareCounters(gen)
	if !g.draining {
		g.proxy.Plans(gen.plans)
	}
}

// drain begins the end: see Drain.
func (g *Gateway) drain() {
	if g.draining {
		return
	}
	g.draining = true
	g.s.Each(func(c engine.Conn) {
		switch g.s.User(c) {
		case userClient:
			g.client(c).drain()
		case userH2:
			g.h2[c.Index()].drain()
		}
	})
	// Last: the clients that it takes from the backlogs have sent a request
	// already, maybe, and get their answer.
	g.s.CloseListeners()
	g.proxy.CloseIdle()
}

func (g *Gateway) tick() {
	g.edge.Tick()
	g.files.Tick()
	g.mux.askAgain()
	g.hurryListings()
	g.hurryWaits()
	g.hurryRedemptions()
	g.shed()
}

// now is the Date field's value (RFC 9110, section 6.6.1), made once a second.
func (g *Gateway) now() []byte {
	if u := g.s.Unix(); u != g.dateUnix {
		g.dateUnix = u
		http1.AppendDate(g.date[:0], u)
	}
	return g.date[:]
}

func (g *Gateway) newExchange() *Exchange {
	if n := len(g.spare); n > 0 {
		x := g.spare[n-1]
		g.spare = g.spare[:n-1]
		return x
	}
	return &Exchange{g: g}
}

func (g *Gateway) freeExchange(x *Exchange) {
	*x = Exchange{g: g}
	g.spare = append(g.spare, x)
}
