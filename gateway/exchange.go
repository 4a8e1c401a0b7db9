package gateway

import (
	"net/netip"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/tlsedge"
)

// Codec is a client's connection as its exchanges see it. Many exchanges may
// share one.
//
// Of its methods Prebuilt, Finish and Reset end the exchange: Done has been
// called when they return, and the exchange may be another's. Queued may end it,
// and says so. No other method ends it; a connection that fails in one of them ends its exchanges later,
// from the engine's next call. An exchange that has ended is told of nothing.
type Codec interface {
	// Want lets the client send n more bytes of the exchange's content. What
	// has come already may be delivered before it returns, except while
	// Begin, Received or RequestEnd of this exchange is on the stack: then it
	// is delivered afterwards.
	Want(x *Exchange, n int)
	// Queued is told of an exchange that has come to wait for its turn after
	// Begin has returned. If the client has closed its side meanwhile, which no
	// event says again, the codec cancels the exchange and reports false.
	Queued(x *Exchange) bool
	// Interim sends a 1xx response.
	Interim(x *Exchange, status int, block []byte)
	// Respond begins the final response.
	Respond(x *Exchange, r *Response)
	// Prebuilt sends a whole response that was built at load.
	Prebuilt(x *Exchange, f *Fixed)
	// Content sends content, borrowed from a receive in progress or copied.
	Content(x *Exchange, p []byte)
	// Pipes reports whether content of a response whose length is known may be
	// given to Piped: n bytes of the Piped call of the engine in progress.
	Pipes(x *Exchange) bool
	Piped(x *Exchange, n int)
	// Memory and File send content of a response whose length is known by
	// reference; token comes back when it is no longer needed.
	Memory(x *Exchange, addr uintptr, n int, token uint32)
	File(x *Exchange, fd int32, off, n int64, token uint32)
	// Finish ends the response. trailers are field lines or nil.
	Finish(x *Exchange, trailers []byte)
	// Reset ends the exchange where it stands.
	Reset(x *Exchange)
	// Tunnel begins a final response behind which both directions carry bytes
	// as they are: Want and Content are about those, Received delivers them,
	// and RequestEnd says that the client has ended its side, which is not the
	// end of the other. Finish ends what is left.
	Tunnel(x *Exchange, r *Response)
	// CloseWrite ends the bytes of a tunnel to the client.
	CloseWrite(x *Exchange)
	// Room is how many bytes of content can be taken now. Content takes more,
	// but a source that finds no room pauses until Writable.
	Room(x *Exchange) int64
	// Peer is the address of who has connected: the other end, or what a PROXY
	// header says instead. Local is where it has connected to. Both are the
	// zero value for a unix socket. Secure is whether it came over TLS, TLS what
	// is known of that, nil if it does not end here. Listener is the id of the
	// listener that has accepted the connection.
	Peer() netip.AddrPort
	Local() netip.AddrPort
	Secure() bool
	TLS() *tlsedge.Conn
	Listener() int
}

// Response is the head of a response.
type Response struct {
	Status int
	// Block is field lines, "Name: value\r\n" each, without Content-Length,
	// Transfer-Encoding and Connection. It is borrowed.
	Block []byte
	// Length is the length of the content; -1 if it is not known beforehand
	// or there is none to speak of (204, 304).
	Length    int64
	HasDate   bool // Block has a Date
	HasServer bool // Block has a Server
	Kept      bool // Block stays where it is, and is used again
	// Protocol is what a 101 switches to. Block does not have it, because it
	// is said in another way in each version of HTTP.
	Protocol []byte
}

// exState is how far an exchange has come, in both directions.
type exState uint8

const (
	requestOpen  exState = 1 << iota // content of the request may still come
	responseHead                     // the final response has begun
	responseOver                     // and ended
	tunnelled                        // both directions carry bytes as they are
	cancelled                        // the client has gone, or the exchange was reset
	replaced                         // a page stands for what the upstream answers
	admitted                         // its token was good
)

// Exchange is one request and its response, of any protocol.
type Exchange struct {
	// Stream tells the exchanges of a connection apart; it is the codec's.
	Stream uint32

	g     *Gateway
	codec Codec
	gen   *Generation
	route *Route
	who   identity
	state exState
	call  *proxy.Call // of a proxied exchange
	echo  *echo       // of an echoed one
	list  *listing    // of a directory's listing
	file  *fileWait   // of one that waits for a file

	redemption *redemption // of a token that is being verified

	method    http1.MethodID
	grpc      grpcState
	began     int64 // shard clock
	content   int64 // bytes of content received
	discarded int   // bytes of content that a page stands for
	policy    policyState
	log       logEntry
	trace     traceState
}

// HEAD reports whether the response is to have no content.
func (x *Exchange) HEAD() bool { return x.method == http1.HEAD }

// RequestOpen reports whether content of the request may still come.
func (x *Exchange) RequestOpen() bool { return x.state&requestOpen != 0 }

// Responding reports whether the final response has begun, Over whether it
// has ended.
func (x *Exchange) Responding() bool { return x.state&responseHead != 0 }
func (x *Exchange) Over() bool       { return x.state&responseOver != 0 }

// Incoming is a request head on its way into the gateway.
type Incoming struct {
	Head     *http1.Request // borrowed
	Protocol string         // "HTTP/1.1", for logs
	Content  http1.BodyKind
	Length   int64
}

// start ties a fresh exchange to its codec; Begin follows.
func (x *Exchange) start(codec Codec, stream uint32) {
	x.codec, x.Stream, x.gen = codec, stream, x.g.gen
}

// Begin finds the route and sets its action to work, which may answer, and end
// the exchange, before Begin returns. The codec delivers content with Received
// and RequestEnd as far as it is asked for, and ends with Done.
func (x *Exchange) Begin(in *Incoming) {
	g, h := x.g, in.Head
	x.method = h.MethodID
	g.countBegin(x, in)
	x.grpc.asked = proxy.GRPC(h)
	if in.Content != http1.BodyNone {
		x.state |= requestOpen
	}
	x.identify(h)
	if t := x.gen.Settings.Trace; t != nil {
		x.traceBegin(h, t)
	}
	if x.traced() || g.access != nil && x.gen.Settings.AccessLog != LogOff {
		g.logBegin(x, in)
	}
	if g.shedder.reason != "" {
		x.turnAway(g.shedder.reason)
		return
	}
	if misdirected(x.codec, h) {
		x.refuse(421, "misdirected_request")
		return
	}
	if l := x.gen.Settings.listener(x.codec.Listener()); l.Redirect != 0 && !x.https() && !g.isChallenge(h) {
		g.redirectToTLS(x, h, l.Redirect)
		return
	}
	g.dispatch(x, in)
}

// dispatch finds the route, asks its policies, and sets its action to work if
// the request is admitted. A request that had to wait for that comes here again.
func (g *Gateway) dispatch(x *Exchange, in *Incoming) {
	h := in.Head
	raw := h.PathBytes()
	if serverWide(h) {
		g.beginServer(x, in)
		return
	}
	norm := raw
	if !h.PathIsPlain {
		var ok bool
		if norm, ok = route.Normalise(g.path[:0], raw); !ok {
			x.refuse(400, "bad_path")
			return
		}
	}
	method, host := h.Bytes(h.Method), h.Bytes(h.Host)
	if h.MethodID == http1.OPTIONS && g.preflight(x, in, norm) {
		return
	}
	switch x.gen.Table.Match(method, host, norm, &g.match) {
	case route.Found:
	case route.MethodNotAllowed:
		g.answerOptions(x, h, norm)
		return
	default:
		x.answer(404)
		return
	}
	x.enter(&x.gen.Routes[g.match.Value], in)
	if x.tooLong(in) {
		x.refuse(413, "content_too_large")
		return
	}
	if !g.admit(x, in) {
		return
	}
	switch x.route.Action {
	case route.Fixed:
		x.prebuilt(x.route.Fixed)
	case route.Static:
		g.serveStatic(x, h, raw, norm)
	case route.Proxy:
		g.serveProxy(x, in, norm)
	case route.Redirect:
		g.serveRedirect(x, h, raw, norm)
	case route.Echo:
		g.serveEcho(x, in)
	}
}

// serverWide reports whether a request has no path: CONNECT, and OPTIONS for
// the server as a whole in either of its spellings (RFC 9112, section 3.2.4).
func serverWide(h *http1.Request) bool {
	switch h.Form {
	case http1.AsteriskForm, http1.AuthorityForm:
		return true
	case http1.AbsoluteForm:
		return h.MethodID == http1.OPTIONS && h.Path.Len == 0 && !h.HasQuery
	}
	return false
}

// answerOptions tells which methods a path allows: to OPTIONS, which asks for
// it (RFC 9110, section 9.3.7), or as the answer to a method that it does not.
func (g *Gateway) answerOptions(x *Exchange, h *http1.Request, norm []byte) {
	g.block = append(g.block[:0], "Allow: "...)
	g.block = x.gen.Table.AppendAllow(g.block, h.Bytes(h.Host), norm)
	g.block = append(g.block, "\r\n"...)
	if h.MethodID == http1.OPTIONS {
		x.respond(Response{Status: 204, Block: g.block, Length: -1}, nil)
		return
	}
	x.answerWith(405, g.block)
}

// beginServer answers requests that have no path: OPTIONS * is about the
// server as a whole, CONNECT is for routes that name it.
func (g *Gateway) beginServer(x *Exchange, in *Incoming) {
	if in.Head.MethodID == http1.OPTIONS {
		x.respond(Response{Status: 204, Block: allowAll, Length: -1}, nil)
		return
	}
	g.beginConnect(x, in)
}

var allowAll = []byte("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n")

// Received delivers content of the request, borrowed. It reports false if
// nothing more of it is wanted.
func (x *Exchange) Received(p []byte) bool {
	if x.state&(responseOver|cancelled) != 0 {
		return false
	}
	x.content += int64(len(p))
	if limit := x.bodyLimit(); limit >= 0 && x.content > limit && x.state&tunnelled == 0 {
		x.tooLarge()
		return false
	}
	switch {
	case x.call != nil:
		x.call.Content(p)
	case x.echo != nil:
		x.echo.received(x, p)
	default:
		return false
	}
	return true
}

// Waiting reports whether the exchange waits for its turn: nobody has seen
// anything of the request yet.
func (x *Exchange) Waiting() bool { return x.call != nil && x.call.Waiting() }

// TakesPiped reports whether content of the request may be given to Piped.
// Its length is known, so it cannot outgrow the limit.
func (x *Exchange) TakesPiped() bool {
	return x.call != nil && x.state&(responseOver|cancelled) == 0 && x.call.TakesPiped()
}

// Piped delivers n bytes of content that the engine holds in a pipe. It
// reports false if nothing more is wanted.
func (x *Exchange) Piped(n int) bool {
	if x.call == nil || x.state&(responseOver|cancelled) != 0 {
		return false
	}
	x.content += int64(n)
	x.call.Piped(n)
	return true
}

// tooLarge ends an exchange whose content has outgrown its limit. An upstream
// that responds before it has read all of it does not lift the limit.
func (x *Exchange) tooLarge() {
	x.drop()
	if x.Responding() {
		x.log.reason = "content_too_large"
		x.state |= responseOver
		x.codec.Reset(x)
		return
	}
	x.refuse(413, "content_too_large")
}

// RequestEnd ends the content of the request. trailers are field lines or nil.
func (x *Exchange) RequestEnd(trailers []byte) {
	x.state &^= requestOpen
	switch {
	case x.state&(responseOver|cancelled) != 0:
	case x.call != nil:
		x.call.ContentEnd(trailers)
	case x.echo != nil:
		x.echo.finish(x)
	}
}

// Writable says that the codec takes content again.
func (x *Exchange) Writable() {
	switch {
	case x.call != nil:
		x.call.Resume()
	case x.list != nil && x.Responding():
		x.list.flow()
	}
}

// Cancel says that the client has gone; the codec forgets the exchange, which
// is no longer valid.
func (x *Exchange) Cancel() {
	x.state |= cancelled
	x.drop()
	x.g.countEnd(x, "client_closed")
	x.g.logEnd(x, "client_closed")
	x.release()
	x.g.freeExchange(x)
}

// Done says that the codec has sent, or queued, all of the response and read,
// or given up, all of the request; the exchange is no longer valid.
func (x *Exchange) Done() {
	x.drop()
	x.g.countEnd(x, x.log.reason)
	if x.log.buf != 0 {
		x.g.logEnd(x, "")
	}
	x.release()
	x.g.freeExchange(x)
}

// drop stops what the action still has under way.
func (x *Exchange) drop() {
	if x.call != nil {
		x.call.Cancel()
		x.call = nil
	}
	if x.echo != nil {
		x.g.freeEcho(x.echo)
		x.echo = nil
	}
	if x.list != nil {
		x.list.x = nil
		x.list = nil
	}
	if x.redemption != nil {
		x.redemption.x = nil
		x.redemption = nil
	}
	if x.g.resuming.x == x {
		x.g.resuming.x = nil
	}
	if x.file != nil {
		x.file.x = nil
		x.file = nil
	}
}

// begin marks the response as begun; the codec is called next.
func (x *Exchange) begin(status int) {
	x.state |= responseHead
	x.log.status = status
}

// head begins the response. It is handed to the codec in a place of the
// gateway's, because the argument of an interface's method would be allocated.
func (x *Exchange) head(r Response) {
	x.begin(r.Status)
	x.g.head = r
	if p := x.policies(); p != nil {
		x.g.decorate(x, p, &x.g.head)
	}
	x.codec.Respond(x, &x.g.head)
}

// interim sends a 1xx response. It has none of the fields that the route's policies
// take out of responses, and none of those that they add, which are about the
// final one.
func (x *Exchange) interim(status int, block []byte) {
	if p := x.policies(); p != nil && p.Fields != nil {
		g := x.g
		g.decorated = p.Fields.Strip(append(g.decorated[:0], block...), 0)
		if block = g.decorated; len(block) == 0 && status == 103 {
			return // there is no other sense in it than its fields
		}
	}
	x.codec.Interim(x, status, block)
}

// respond sends a whole response with a small body.
func (x *Exchange) respond(r Response, body []byte) {
	x.head(r)
	if len(body) > 0 && !x.HEAD() {
		x.codec.Content(x, body)
	}
	x.end(nil)
}

// end ends the response.
func (x *Exchange) end(trailers []byte) {
	x.state |= responseOver
	x.codec.Finish(x, trailers)
}
